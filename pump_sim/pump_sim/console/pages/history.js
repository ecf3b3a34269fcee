// What the charts are drawn of: the rows and spans of the present take, kept up to date.

import { api } from "./api.js";
import { axisOf } from "./axis.js";

const POINTS = 3000;
const MOST_ROWS = 12000;
const AGAIN_MS = 3000;

// The columns of a row, as the API names them.
const COLUMNS = [
  "elapsed_ms",
  "believed_volume_nl",
  "actual_volume_nl",
  "believed_rate_nl_per_day",
  "actual_rate_nl_per_day",
  "effect_ppm",
];

// One for each store: charts and timeline show the same.
class History {
  #store;
  #listeners = new Set();
  #tail = false;
  #asking = null;
  #askedAt = -Infinity;
  #later = null;
  rows = [];
  spans = [];
  now = 0;

  constructor(store) {
    this.#store = store;
    store.on("sight", (sight) => this.#see(sight));
    store.on("rows", (message) => this.#grow(message));
    store.on("session", (message) => this.#anew(message.reconnected === true));
    this.#fetch();
  }

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }

  // After a lost connection what is shown stays until it is replaced: it only has a hole.
  #anew(reconnected) {
    if (!reconnected) {
      this.rows = [];
      this.spans = [];
      this.#tail = false;
      this.now = 0;
      this.#tell();
    }
    clearTimeout(this.#later);
    this.#later = null;
    this.#fetch();
  }

  // Ask for all again, but not more often than every few seconds.
  #fetchSoon(afterMs) {
    if (this.#later !== null) return;
    const wait = Math.max(afterMs, this.#askedAt + AGAIN_MS - performance.now());
    this.#later = setTimeout(() => {
      this.#later = null;
      this.#fetch();
    }, wait);
  }

  async #fetch() {
    const ticket = Symbol("ticket");
    this.#asking = ticket;
    this.#askedAt = performance.now();
    try {
      const answer = await api.get(`/history?points=${POINTS}`);
      if (this.#asking !== ticket) return;
      this.#tail = false;
      this.rows = inOrder(answer.columns, answer.rows);
      this.spans = answer.spans;
      if (this.#store.sight) this.#see(this.#store.sight);
      this.#tell();
    } catch {
      if (this.#asking === ticket) this.#fetchSoon(AGAIN_MS);
    }
  }

  #grow(message) {
    this.#dropTail();
    const last = this.rows.at(-1)?.[0] ?? -1;
    for (const row of inOrder(message.columns, message.rows)) {
      if (row[0] >= last) this.rows.push(row);
    }
    if (message.spans) this.spans = message.spans;
    if (this.rows.length > MOST_ROWS) this.#fetchSoon(AGAIN_MS);
    this.#tell();
  }

  #dropTail() {
    if (this.#tail) this.rows.pop();
    this.#tail = false;
  }

  // The last row is what is so now, until the pump's own row of it comes.
  #see(sight) {
    this.now = sight.clock.elapsed_ms;
    axisOf(this.#store).follow(this.now, sight.session.length_ms);
    this.#dropTail();
    const row = rowOf(sight);
    const last = this.rows.at(-1);
    if (!last || last[0] < row[0]) {
      this.rows.push(row);
      this.#tail = true;
    }
    this.#tell();
  }
}

function inOrder(columns, rows) {
  if (!columns || COLUMNS.every((each, index) => columns[index] === each)) return rows;
  const places = COLUMNS.map((each) => columns.indexOf(each));
  return rows.map((row) => places.map((place) => row[place]));
}

function rowOf({ clock, belief, truth, patient }) {
  return [
    clock.elapsed_ms,
    belief.believed_volume_nl,
    truth.actual_volume_nl,
    belief.infusing_nl_per_day,
    truth.actual_rate_nl_per_day,
    patient.effect_ppm,
  ];
}

const histories = new WeakMap();

// The history that all panels of a store share.
export function historyOf(store) {
  if (!histories.has(store)) histories.set(store, new History(store));
  return histories.get(store);
}
