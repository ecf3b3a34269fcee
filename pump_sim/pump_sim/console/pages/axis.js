// One axis of time for all panels of a page: what is in view, its ticks, and the crosshair.

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "/static/shared/format.js";

// Where every plot of the page begins and ends, so that panels above one another agree.
export const LEFT_PX = 64;
export const RIGHT_PX = 10;

const STEPS_MS = [
  ...[1, 2, 5, 10, 15, 30].map((each) => each * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((each) => each * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR_MS),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].map((each) => each * DAY_MS),
];
const LEAST_MS = MINUTE_MS;

// The ticks of a stretch of time: at most `most` of them, at round moments.
export function timeTicks(fromMs, toMs, most) {
  const span = toMs - fromMs;
  const step = STEPS_MS.find((each) => span / each <= most) ?? STEPS_MS.at(-1);
  const ticks = [];
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) {
    ticks.push({ at, text: tickText(at, step) });
  }
  return ticks;
}

// The ticks of a quantity from 0 to `top`: at most `most` of them, at round figures.
export function valueTicks(top, most) {
  const rough = top / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 2.5, 5, 10].find((each) => each * power >= rough) ?? 10);
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (step / power === 2.5 ? 1 : 0));
  const ticks = [];
  for (let count = 0; count * step <= top * 1.0001; count += 1) {
    ticks.push({ at: count * step, text: (count * step).toFixed(digits) });
  }
  return ticks;
}

function tickText(at, step) {
  if (step >= DAY_MS) return at === 0 ? "start" : `${Math.round(at / DAY_MS)} d`;
  if (at === 0) return "start";
  if (at % DAY_MS === 0) return `${at / DAY_MS} d`;
  return clockText(at % DAY_MS, step < MINUTE_MS);
}

function clockText(ms, seconds) {
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  const text = `${two(ms / HOUR_MS)}:${two((ms % HOUR_MS) / MINUTE_MS)}`;
  return seconds ? `${text}:${two((ms % MINUTE_MS) / SECOND_MS)}` : text;
}

// A moment of a session as people say it: `45 d 03:20`, in the first hour with seconds.
export function momentText(ms) {
  const whole = Math.max(0, Math.floor(ms));
  if (whole === 0) return "start";
  const days = Math.floor(whole / DAY_MS);
  const clock = clockText(whole % DAY_MS, whole < HOUR_MS);
  return days ? `${days} d ${clock}` : clock;
}

// What is in view, shared by those that draw; each is told when it or the crosshair changes.
class Axis {
  #listeners = new Set();
  #elapsed = 0;
  #length = null;
  from = 0;
  to = HOUR_MS;
  // How much of the past is in view: null is all of the session.
  windowMs = null;
  // Where the crosshair is, or null.
  cursor = null;

  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // The session is at `elapsed`; `length` is null where it has no end.
  follow(elapsed, length) {
    this.#elapsed = elapsed;
    this.#length = length;
    this.#place();
  }

  show(windowMs) {
    this.windowMs = windowMs;
    this.#place();
  }

  point(ms) {
    const cursor = ms === null ? null : Math.min(Math.max(ms, this.from), this.to);
    if (cursor === this.cursor) return;
    this.cursor = cursor;
    this.#tell("cursor");
  }

  // Where a moment is, in pixels of a plot as wide as `width`.
  x(ms, width) {
    const inner = width - LEFT_PX - RIGHT_PX;
    return LEFT_PX + ((ms - this.from) / (this.to - this.from)) * inner;
  }

  // The moment at a pixel.
  at(px, width) {
    const inner = width - LEFT_PX - RIGHT_PX;
    return this.from + ((px - LEFT_PX) / inner) * (this.to - this.from);
  }

  #place() {
    const { from, to } = this;
    if (this.windowMs === null) {
      this.from = 0;
      this.to = this.#length ?? roomFor(this.#elapsed);
      if (this.to < this.#elapsed) this.to = roomFor(this.#elapsed);
    } else {
      this.to = Math.max(this.#elapsed, this.windowMs);
      this.from = this.to - this.windowMs;
    }
    this.to = Math.max(this.to, this.from + LEAST_MS);
    if (from !== this.from || to !== this.to) this.#tell("view");
  }

  #tell(what) {
    for (const listener of this.#listeners) listener(what);
  }
}

// An end that does not move with every frame: the next round moment with some room before it.
function roomFor(elapsed) {
  const wanted = Math.max(elapsed * 1.1, HOUR_MS);
  const step = STEPS_MS.find((each) => wanted / each <= 10) ?? STEPS_MS.at(-1);
  return Math.ceil(wanted / step) * step;
}

const axes = new WeakMap();

// The axis that all panels of a store share.
export function axisOf(store) {
  if (!axes.has(store)) axes.set(store, new Axis());
  return axes.get(store);
}
