// What this page knows: the programmer's state, who the pump is, and what was last read of it.
// It draws nothing; who wants to know listens.

import { follow, get, post } from "./api.js";

const RECONNECT_MS = 3_000;
const NEEDS_A_PERSON = new Set(["no_key", "insecure_pump", "authentication_failed", "pump_unproven", "wrong_peer", "another_pump", "key_store"]);
const listeners = { state: new Set(), reading: new Set(), acting: new Set() };

export const session = {
  /** What the programmer tells all pages; null before it was heard for the first time. */
  state: null,
  /** Whether the programmer itself is heard. */
  here: true,
  /** Who the pump is, and its limits; null until it was asked. */
  identity: null,
  /** The last interrogation, {status, at, changes}; null before the first. */
  reading: null,
  /** Why the last interrogation did not succeed; null if it did. */
  readingProblem: null,
  /** What this page is waiting for, in words; null if for nothing. */
  acting: null,
};

/** Be told when "state", "reading" or "acting" changes; what is returned ends it. */
export function on(what, listener) {
  listeners[what].add(listener);
  return () => listeners[what].delete(listener);
}

const tell = (what) => listeners[what].forEach((listener) => listener());

/** "open", "closed", "failed", "lost": one that was open and is looked for; null before any is known. */
export function connection() {
  const { state } = session;
  if (!state) return null;
  if (state.connection === "failed" && lost && !NEEDS_A_PERSON.has(state.why?.code)) return "lost";
  return state.connection;
}

export const isOpen = () => session.here && connection() === "open";
export const isLost = () => !session.here || connection() === "lost";
export const may = (what) => session.state?.may?.includes(what) ?? false;
export const inDoubt = () => session.state?.in_doubt ?? null;

/** Whether the pump was changed since it was last read. */
export const isOutdated = () =>
  session.reading !== null && session.state !== null && session.reading.changes !== session.state.changes;

/**
 * Do one thing at a time: a second one is not begun while the first is under way.
 * @returns what *task* gives, or undefined where something is under way already
 */
export async function act(words, task) {
  if (session.acting) return undefined;
  session.acting = words;
  tell("acting");
  try {
    return await task();
  } finally {
    session.acting = null;
    tell("acting");
    keepUp();
  }
}

/** What was changed while nobody could look is read as soon as nothing is under way. */
function keepUp() {
  if (isOpen() && isOutdated() && !session.acting) interrogate();
}

let underWay = null;
let lost = false;

/** Read everything that a clinician sees; who asks while it is read waits for the same answer. */
export function interrogate() {
  underWay ??= read().finally(() => {
    underWay = null;
    if (session.readingProblem === null) keepUp();
  });
  return underWay;
}

async function read() {
  const changes = session.state?.changes;
  try {
    session.identity ??= await get("/identity");
    const status = await get("/interrogate");
    session.reading = { status, at: Date.now(), changes };
    session.readingProblem = null;
  } catch (problem) {
    session.readingProblem = problem;
  }
  tell("reading");
  return session.readingProblem === null;
}

export async function connect(body = {}) {
  const state = await post("/connect", body);
  took(state);
  return state;
}

/** Begin to follow the programmer, and see that a lost pump is found again. */
export function start() {
  follow(took, (here) => {
    session.here = here;
    tell("state");
  });
  setInterval(async () => {
    if (!session.here || connection() !== "lost" || session.acting) return;
    await connect().catch(() => undefined); // the next try is in three seconds
  }, RECONNECT_MS);
}

/** Take over a state that the programmer has told. */
export function took(state) {
  const before = session.state;
  session.state = state;
  lost = state.connection === "lost" || (lost && state.connection === "failed");
  if (state.pump?.serial_number !== before?.pump?.serial_number && state.pump) forget(state);
  tell("state");
  const opened = state.connection === "open" && before?.connection !== "open";
  if (opened) interrogate();
  else keepUp();
}

/** Another pump: nothing that was read of the one before counts. */
function forget(state) {
  const known = session.identity?.serial_number;
  if (known === undefined || known === state.pump.serial_number) return;
  session.identity = null;
  session.reading = null;
  tell("reading");
}
