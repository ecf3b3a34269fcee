// The instructor's page: mounts each panel on its place. A panel that fails leaves the others alone.

import { banner, el, tabs, remember, remembered } from "/static/shared/ui.js";
import { mount as mountAlarms } from "./alarms.js";
import { watchChanges } from "./changes.js";
import { mount as mountClock } from "./clock.js";
import { mount as mountFacts } from "./facts.js";
import { mount as mountHands } from "./hands.js";
import { mount as mountPump } from "./pump-drawing.js";
import { mountConnection, mountHeader } from "./shell.js";
import { createStore } from "./store.js";
import { createTones } from "./tones.js";

const OTHERS = ["player", "charts", "timeline", "events", "snapshots", "debrief"];

const place = (id) => document.getElementById(id);

const store = createStore("instructor");
const tones = createTones(store);

mountHeader(place("header"), store, tones);
mountConnection(place("connection"), store);
watchChanges(store);
for (const name of ["clock", "hands", "player", "snapshots"]) lock(place(name));
mountClock(place("clock"), store);
mountPump(place("pump"), store);
mountFacts(place("facts"), store);
mountAlarms(place("alarms"), store, tones);
mountHands(place("hands"), store);

const views = tabs(
  [
    { name: "charts", text: "Charts", panel: place("view-charts") },
    { name: "events", text: "Event log", panel: place("view-events") },
    { name: "keep", text: "Snapshots and debrief", panel: place("view-keep") },
  ],
  {
    label: "Views of the session",
    start: remembered("view", "charts"),
    onSelect: (name) => remember("view", name),
  },
);
place("views").prepend(views.bar);

for (const name of OTHERS) mountOther(name);

// What acts on the pump does nothing while the connection is lost: a fieldset disables all in it.
function lock(section) {
  const fieldset = el("fieldset", { class: "lock", role: "presentation", disabled: true });
  section.before(fieldset);
  fieldset.append(section);
  store.on("connection", ({ connected }) => (fieldset.disabled = !connected));
}

async function mountOther(name) {
  try {
    const panel = await import(`./${name}.js`);
    panel.mount(place(name), store, { showView: views.select });
  } catch (error) {
    console.error(`the panel ${name} cannot be shown`, error);
    place(name).append(
      banner("warn", `This part of the page (${name}) could not be loaded.`),
    );
    // A module that was not found is not asked for again by the same page.
    store.on("again", () => window.location.reload());
  }
}
