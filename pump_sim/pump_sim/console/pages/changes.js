// Tells an instructor that somebody else began another session, or went back, under an open form.

import { isOwnChange } from "./api.js";
import { closeDialogs, toast } from "/static/shared/ui.js";

export function watchChanges(store) {
  store.on("session", ({ reconnected, anew }) => {
    if (reconnected || (!anew && isOwnChange())) return;
    const closed = closeDialogs();
    // What is played now comes with the next state.
    const off = store.on("sight", ({ session }) => {
      off();
      if (closed.length) {
        toast(
          `Another session has begun: “${session.title}”. The form “${closed.at(-1)}” was closed, and nothing of it was done.`,
          { kind: "warn", seconds: 12 },
        );
      } else if (!anew) {
        toast(`The session was changed by somebody else: “${session.title}”.`, { kind: "warn" });
      }
    });
  });
}
