// A day of a prescription as a picture: what flows at which hour, in force dashed and new solid.
// Words beside it say the same; the picture is for the eye.

import { sentence } from "/static/shared/format.js";
import { el, svg } from "/static/shared/ui.js";
import { doseForRate } from "./quantities.js";

const [WIDTH, HEIGHT] = [560, 168];
const [LEFT, RIGHT, TOP, BOTTOM] = [72, 12, 12, 24];
const DAY_MIN = 1_440;
const TOPS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12];

const WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/** What flows on a weekday, as [minute, nL/day] steps; between and under periodic boluses. */
function flowOf(prescription, weekday) {
  const pattern = prescription.days.find((each) => each.weekdays.includes(weekday));
  if (pattern) return pattern.steps.map((step) => [step.starts_at_min, step.rate_nl_per_day]);
  const [periodic] = prescription.periodic_boluses;
  if (periodic) return [[0, periodic.basal_rate_nl_per_day]];
  return [[0, prescription.mode === "stopped" ? 0 : prescription.rate_nl_per_day]];
}

/** Whether a picture says more than one number does. */
export const hasShape = (...prescriptions) => prescriptions.some((each) => each?.days.length);

/** A picture for each kind of day: the weekdays that look alike, before and after, share one. */
export function dayPictures(current, pending = null) {
  const both = [current, pending].filter((each) => each?.drugs.length || each?.mode === "stopped");
  const groups = new Map();
  for (const day of WEEK) {
    const key = JSON.stringify(both.map((each) => flowOf(each, day)));
    groups.set(key, [...(groups.get(key) ?? []), day]);
  }
  return [...groups.values()].map((days) => picture(current, pending, days));
}

/** Days in words: "every day", "Mon-Fri", "Sat, Sun". */
export function daysText(days) {
  const places = days.map((day) => WEEK.indexOf(day)).sort((a, b) => a - b);
  if (places.length === WEEK.length) return "every day";
  const runs = [];
  for (const place of places) {
    const run = runs.at(-1);
    if (run && run.at(-1) === place - 1) run.push(place);
    else runs.push([place]);
  }
  const name = (place) => sentence(WEEK[place].slice(0, 3));
  const shown = (run) => (run.length > 2 ? `${name(run[0])}-${name(run.at(-1))}` : run.map(name).join(", "));
  return runs.map(shown).join(", ");
}

function picture(current, pending, days) {
  const series = [{ name: "old", of: current, steps: flowOf(current, days[0]) }];
  if (pending) series.push({ name: "new", of: pending, steps: flowOf(pending, days[0]) });
  else series[0].name = "new";
  const top = niceTop(Math.max(0.001, ...series.flatMap(({ of, steps }) => steps.map(([, flow]) => shown(flow, of)))));
  const x = (minute) => LEFT + (minute / DAY_MIN) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
  const title = `Daily dose over the hours of a day, ${daysText(days)}`;
  return el(
    "figure",
    { class: "stack-tight" },
    el("figcaption", { class: "small strong" }, sentence(daysText(days))),
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "day-picture", role: "img", "aria-label": title },
      [0, 0.5, 1].map((part) => level(top * part, y, unitOf(series.at(-1).of))),
      [0, 6, 12, 18, 24].map((hour) => hourMark(hour, x)),
      series.map(({ name, of, steps }) => line(name, steps, of, x, y)),
    ),
    pending ? el("p", { class: "day-key" }, el("span", {}, "in force"), el("span", { class: "is-new" }, "new")) : null,
  );
}

function level(value, y, unit) {
  const at = y(value);
  return [
    svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: at, y2: at, class: "day-grid" }),
    svg("text", { x: LEFT - 8, y: at + 4, class: "day-label day-label-end" }, value ? `${Math.round(value * 1_000) / 1_000} ${unit}` : "0"),
  ];
}

function hourMark(hour, x) {
  const at = x(hour * 60);
  const place = { 0: "", 24: "day-label-end" }[hour] ?? "day-label-middle";
  return [
    svg("line", { x1: at, x2: at, y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4, class: "day-grid" }),
    svg("text", { x: at, y: HEIGHT - 6, class: `day-label ${place}` }, `${String(hour).padStart(2, "0")}:00`),
  ];
}

function line(name, steps, of, x, y) {
  const path = steps.map(([minute, flow], place) => {
    const at = y(shown(flow, of));
    return `${place ? "L" : "M"}${x(minute)} ${at}L${x(steps[place + 1]?.[0] ?? DAY_MIN)} ${at}`;
  });
  return svg("path", { d: path.join(""), class: `day-line day-line-${name}` });
}

/** What is drawn of a flow: the daily dose that a clinician thinks of, or mL where no drug is known. */
function shown(nlPerDay, { drugs: [drug] }) {
  if (!drug) return nlPerDay / 1e6;
  return doseForRate(nlPerDay, drug.concentration_ng_per_ml) / (drug.mass_unit === "milligram" ? 1e6 : 1e3);
}

const unitOf = ({ drugs: [drug] }) => (drug ? { milligram: "mg", microgram: "mcg" }[drug.mass_unit] : "mL");

function niceTop(value) {
  const step = 10 ** Math.floor(Math.log10(value));
  return TOPS.map((each) => each * step).find((each) => each >= value * 1.04);
}
