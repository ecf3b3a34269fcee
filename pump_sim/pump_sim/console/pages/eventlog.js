// The event log as a page holds it: the last lines of the present take, kept up to date.

import { api } from "./api.js";

const MOST = 5000;
const SLACK = 500;
const PAGE = 1000;
const AGAIN_MS = 3000;

// One for each store: the log and the timeline show the same.
class EventLog {
  #store;
  #listeners = new Set();
  #ticket = null;
  lines = [];
  // Whether older lines were left out: the export has them.
  cut = false;

  constructor(store) {
    this.#store = store;
    store.on("event", (line) => this.#add([line]));
    store.on("session", (message) => this.#anew(message.reconnected === true));
    this.#fetch();
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // Lines have numbers that only grow: what came twice, or too late, is known by them.
  #add(lines) {
    let last = this.lines.at(-1)?.index ?? -1;
    const fresh = [];
    for (const line of lines) {
      if (line.index <= last) continue;
      fresh.push(line);
      last = line.index;
    }
    if (!fresh.length) return;
    this.lines.push(...fresh);
    if (this.lines.length > MOST + SLACK) {
      this.lines.splice(0, this.lines.length - MOST);
      this.cut = true;
    }
    this.#tell(false);
  }

  #tell(anew) {
    for (const listener of this.#listeners) listener(anew);
  }

  // After a lost connection what is shown stays until it is replaced: it only has a hole.
  #anew(reconnected) {
    if (!reconnected) {
      this.lines = [];
      this.cut = false;
      this.#tell(true);
    }
    this.#fetch();
  }

  // Fetch all lines, page by page; what comes in the meantime is put behind them.
  async #fetch() {
    const ticket = Symbol("ticket");
    this.#ticket = ticket;
    const got = [];
    let length = 0;
    try {
      for (;;) {
        const page = await this.#page(got.at(-1)?.index ?? 0);
        if (this.#ticket !== ticket) return;
        got.push(...page);
        length += page.length;
        if (got.length > 2 * MOST) got.splice(0, got.length - MOST);
        if (page.length < PAGE) break;
      }
    } catch {
      setTimeout(() => this.#ticket === ticket && this.#fetch(), AGAIN_MS);
      return;
    }
    const live = this.lines;
    this.lines = got.slice(-MOST);
    this.cut = length > MOST;
    const last = this.lines.at(-1)?.index ?? -1;
    this.#add(live.filter((line) => line.index > last));
    this.#tell(true);
  }

  async #page(after) {
    const view = this.#store.view === "trainee" ? "&view=trainee" : "";
    const answer = await api.get(`/events?after=${after}&limit=${PAGE}${view}`);
    return answer.events ?? answer;
  }
}

const logs = new WeakMap();

// The event log that all panels of a store share.
export function eventsOf(store) {
  if (!logs.has(store)) logs.set(store, new EventLog(store));
  return logs.get(store);
}
