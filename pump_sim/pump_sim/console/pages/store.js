// What the server tells this page: one WebSocket, the last state, and the time between two frames.
// It knows nothing of how anything is shown.

import { api, pumpId } from "./api.js";

const STALE_MS = 5_000; // the server beats every 2 s
const FIRST_RETRY_MS = 400;
const LONGEST_RETRY_MS = 5_000;
const RUN_ON_MS = 2_000; // extrapolated no further than this beyond the last frame
const REFUSED = { 401: "token", 403: "token", 404: "gone" };

// view: "instructor" | "trainee". Events: sight, event, rows, session, connection.
//   sight       (sight)    the whole state
//   event       (line)     one more line of the event log
//   rows        (message)  new rows for the charts: {rows, spans?}
//   session     (message)  forget rows and events, fetch them again; also after a reconnection
//   connection  ({connected, state, retryInMs})
//               state: "connecting" | "open" | "stale" | "lost" | "token" (one is wanted) | "gone" (no such pump)
//   again       ({anew})   the first state after a lost connection; anew: of another room than before
export function createStore(view) {
  const listeners = new Map();
  let socket = null;
  let retryMs = FIRST_RETRY_MS;
  let retryTimer = 0;
  let heardAt = 0;
  let sightAt = 0;
  let wasOpen = false;
  let number = 0; // of the last message: a room counts them, and one that is started anew from 0 on
  let before = null; // {number, sight} of a connection that was lost, until the next state is here

  const emit = (kind, message) => {
    for (const listener of [...(listeners.get(kind) ?? [])]) {
      try {
        listener(message);
      } catch (error) {
        console.error(`store: a listener of ${kind} failed`, error); // the others are told all the same
      }
    }
  };

  const store = {
    view,
    pumpId,
    sight: null,
    connected: false,
    state: "connecting",
    on(kind, listener) {
      if (!listeners.has(kind)) listeners.set(kind, new Set());
      listeners.get(kind).add(listener);
      return () => listeners.get(kind).delete(listener);
    },
    // Therapy ms since the last frame, for what must not be late or lie in the past, such as a tone.
    // What is shown is as of the last frame, everywhere: at a day a second a fifth of a second is
    // hours, and no two clocks of a page may differ.
    therapySinceFrame() {
      const clock = store.sight?.clock;
      if (!clock || !store.connected || stands(store.sight)) return 0;
      const ran = Math.min(performance.now() - sightAt, RUN_ON_MS) * (clock.speed ?? 0);
      const next = clock.next_event;
      // Time never runs past what is about to happen: the server says so when it has happened.
      return next ? Math.min(ran, Math.max(0, next.in_ms)) : ran;
    },
    elapsedNow: () => store.sight?.clock.elapsed_ms ?? 0,
    localNow: () => store.sight?.clock.clock_local_ms ?? 0,
    retryNow() {
      window.clearTimeout(retryTimer);
      open();
    },
  };

  const become = (state, retryInMs = null) => {
    const was = store.state;
    store.state = state;
    store.connected = state === "open";
    if (was !== state || retryInMs !== null)
      emit("connection", { connected: store.connected, state, retryInMs });
  };

  const receive = (message) => {
    heardAt = performance.now();
    if (store.state !== "open") {
      retryMs = FIRST_RETRY_MS;
      if (wasOpen) before ??= { number, sight: store.sight };
      wasOpen = true;
      become("open");
      // What happened in between was missed: everything that adds up is fetched anew.
      if (before) emit("session", { type: "session", reconnected: true });
    }
    if (message.type === "sight" || message.type === "observed") {
      store.sight = message;
      sightAt = heardAt;
      const lost = before;
      before = null;
      const anew = lost !== null && isAnotherRoom(lost, message);
      if (anew) emit("session", { type: "session", anew: true });
      emit("sight", message);
      if (lost) emit("again", { anew });
    } else if (message.type !== "beat") {
      emit(message.type, message);
    }
    number = message.n ?? number;
  };

  const open = () => {
    socket?.close();
    const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
    const path = `/api/v1/pumps/${encodeURIComponent(pumpId)}/live?view=${view}`;
    const opened = new WebSocket(`${scheme}//${window.location.host}${path}`);
    socket = opened;
    let heard = false;
    heardAt = performance.now();
    opened.addEventListener("message", (event) => {
      heard = true;
      if (socket === opened) receive(JSON.parse(event.data));
    });
    opened.addEventListener("close", () => {
      if (socket !== opened) return;
      socket = null;
      lose();
      if (!heard) askWhy();
    });
  };

  // A browser does not tell why a WebSocket was refused: the same question, asked plainly, does.
  const askWhy = async () => {
    try {
      await api.get(view === "trainee" ? "/observed" : "/session");
    } catch ({ status }) {
      if (!socket) become(REFUSED[status] ?? "lost");
    }
  };

  const lose = () => {
    const inMs = Math.round(retryMs * (0.75 + Math.random() * 0.5)); // ten pages do not return at once
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    if (!Object.values(REFUSED).includes(store.state)) become("lost", inMs);
    window.clearTimeout(retryTimer);
    retryTimer = window.setTimeout(open, inMs);
  };

  window.setInterval(() => {
    if (!socket || performance.now() - heardAt < STALE_MS) return;
    if (store.state === "open") become("stale");
    if (performance.now() - heardAt >= 2 * STALE_MS) {
      const silent = socket;
      socket = null;
      silent.close();
      lose();
    }
  }, 500);
  window.addEventListener("online", store.retryNow);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) store.retryNow(); // the browser froze the page and brought it back
  });

  // Modules that ask for the store have added their listeners before the first message comes.
  queueMicrotask(open);
  return store;
}

// Whether therapy time stands still, for whatever reason.
export function stands({ clock, session }) {
  return Boolean(clock.paused || clock.held || clock.waits_for || session.decision);
}

// In one room the messages are counted on and takes only grow; in a take that is the same time does.
function isAnotherRoom({ number, sight }, now) {
  if (now.n <= number) return true;
  const take = (each) => each?.session.take ?? 1;
  if (take(now) !== take(sight)) return take(now) < take(sight);
  if (now.session.take === undefined) return false; // trainees are not told of takes
  return now.clock.elapsed_ms < (sight?.clock.elapsed_ms ?? 0);
}
