// How fast time is to run. While it stands, the choice waits in the page: it begins with Play.

import { api } from "./api.js";

const chosen = new WeakMap();

// The speed that is shown as chosen.
export function paceOf(store) {
  const { clock } = store.sight;
  return Number(clock.paused ? (chosen.get(store) ?? clock.pace) : clock.speed || clock.pace);
}

// Choose a speed; the answer is null if nothing was sent.
export async function choosePace(store, speed) {
  if (!store.sight?.clock.paused) return api.send("PATCH", "/clock", { speed });
  chosen.set(store, speed);
  return null;
}

// Play or pause. The server takes a speed as the wish to go on with it.
export async function playOrPause(store) {
  if (!store.sight) return null;
  const speed = chosen.get(store);
  chosen.delete(store);
  const { paused } = store.sight.clock;
  return api.send("PATCH", "/clock", paused && speed ? { speed } : { paused: !paused });
}
