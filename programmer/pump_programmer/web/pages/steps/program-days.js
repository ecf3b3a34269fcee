// Schedules in the form of a prescription: two flows of day and night, and steps by weekday.

import { buildForm } from "/static/shared/forms.js";
import { button, el, icon, replace } from "/static/shared/ui.js";
import { sentence } from "/static/shared/format.js";
import * as q from "../quantities.js";

const TIME = "(?:[01]?\\d|2[0-3]):[0-5]\\d";
const TIME_HINT = "a time from 00:00 to 23:59";
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MOST_STEPS = 13;

const minutesOf = (text) => {
  const [hours, minutes] = text.split(":");
  return Number(hours) * 60 + Number(minutes);
};

const padded = (text) => q.timeOfDay(minutesOf(text));

const timeField = (name, label, value) => ({ name, label, kind: "text", required: true, pattern: TIME, hint: TIME_HINT, value });

function doseField(name, label, unit, identity, value) {
  return { name, label, kind: "whole", units: q.units.dailyDose(unit), minimum: 1, maximum: identity.maximum_daily_dose_ng, required: true, value };
}

const massOf = ({ drugs: [drug] }) => drug?.mass_unit ?? "microgram";

/** The steps of a day, with the doses that a clinician thinks of. */
function stepsOf(pattern, { drugs: [drug] }) {
  return pattern.steps.map((step) => ({ at: q.timeOfDay(step.starts_at_min), dose: q.doseForRate(step.rate_nl_per_day, drug.concentration_ng_per_ml) }));
}

/* ---- day and night ---- */

export function dayNightPart({ identity, prescription }) {
  const unit = massOf(prescription);
  const usual = prescription.daily_dose_ng || null;
  const form = buildForm(
    [
      timeField("day_at", "Day from", "07:00"),
      doseField("day", "Dose by day", unit, identity, usual),
      timeField("night_at", "Night from", "22:00"),
      doseField("night", "Dose by night", unit, identity, usual),
    ],
    { columns: true },
  );
  return {
    node: el("div", { class: "stack" }, form.node, el("p", { class: "muted small" }, "Each dose is that of a whole day at the rate which then runs.")),
    check() {
      if (!form.check()) return false;
      const { day_at: day, night_at: night } = form.values();
      return padded(day) !== padded(night) || !form.fail("night_at", "Day and night begin at the same time.");
    },
    fail: (name, text) => form.fail(name === "day_night" ? "day" : name, text),
    body() {
      const { day_at: dayAt, day, night_at: nightAt, night } = form.values();
      return { day_night: `${padded(dayAt)}=${q.dailyDose(day, unit)} ${padded(nightAt)}=${q.dailyDose(night, unit)}` };
    },
  };
}

/* ---- flex ---- */

export function flexPart({ identity, prescription }) {
  const unit = massOf(prescription);
  const groups = [];
  const place = el("div", { class: "stack" });
  const error = el("p", { class: "field-error", role: "alert", hidden: true });
  const more = button("Other steps for other days", { size: "small", iconName: "plus", onClick: () => addGroup([], usual(), true) });
  const usual = () => [{ at: "00:00", dose: prescription.daily_dose_ng || null }];
  const node = el("div", { class: "stack" }, place, el("div", {}, more), error);

  const draw = () => {
    replace(place, groups.map((each) => each.node));
    groups.forEach((each, index) => each.name(groups.length > 1 ? index + 1 : null));
  };
  const refuse = (text) => {
    error.hidden = false;
    replace(error, icon("critical"), el("span", {}, text));
    return false;
  };
  // A day that is taken for one group leaves the one that had it.
  const take = (group, day) => groups.filter((each) => each !== group).forEach((each) => each.give(day));
  const addGroup = (days, steps, focus = false) => {
    const group = dayGroup({ identity, unit, days, steps, take, drop: (which) => {
      groups.splice(groups.indexOf(which), 1);
      draw();
      more.focus();
    } });
    groups.push(group);
    draw();
    if (focus) group.node.querySelector("input").focus();
  };

  if (prescription.mode === "flex") prescription.days.forEach((each) => addGroup(each.weekdays, stepsOf(each, prescription)));
  else addGroup(DAYS, usual());
  const texts = () => groups.map((each) => each.text());
  const atFirst = prescription.mode === "flex" ? JSON.stringify(texts()) : null;

  return {
    node,
    check() {
      error.hidden = true;
      const right = groups.map((each) => each.check()).every(Boolean);
      if (!right) return false;
      const covered = new Set(groups.flatMap((each) => each.days()));
      const missing = DAYS.filter((day) => !covered.has(day)).map(sentence);
      if (missing.length) {
        groups[0].node.querySelector("input").focus();
        return refuse(`No steps for ${missing.join(", ")}: every day needs its steps.`);
      }
      return true;
    },
    fail: (name, text) => name === "flex" && !refuse(text),
    body: (other) => (!other && JSON.stringify(texts()) === atFirst ? {} : { flex: texts() }),
  };
}

/** The weekdays that share their steps, and the steps. */
function dayGroup({ identity, unit, days, steps, take, drop }) {
  const chosen = new Set(days);
  const boxes = new Map();
  const title = el("legend", { class: "strong" });
  const remove = button("Remove this group", { size: "small", iconName: "trash", onClick: () => drop(group) });
  for (const day of DAYS) {
    const change = (event) => {
      if (event.target.checked) {
        chosen.add(day);
        take(group, day);
      } else {
        chosen.delete(day);
      }
    };
    boxes.set(day, el("input", { type: "checkbox", value: day, checked: chosen.has(day), on: { change } }));
  }
  const weekdays = el("fieldset", {}, el("legend", { class: "small muted" }, "On"), el("div", { class: "weekdays" }, [...boxes].map(([day, box]) => el("label", { class: "weekday" }, box, el("span", {}, sentence(day.slice(0, 3)))))));
  const error = el("p", { class: "field-error", role: "alert", hidden: true });
  const rows = [];
  const list = el("div", { class: "stack-tight" });
  const more = button("Add a step", { size: "small", iconName: "plus", onClick: () => add({ at: "", dose: null }, true) });

  const draw = () => {
    replace(list, rows.map((each) => each.node));
    rows.forEach((each, index) => each.number(index + 1, rows.length > 1));
    more.hidden = rows.length >= MOST_STEPS;
  };
  const add = (step, focus = false) => {
    const row = stepRow({ identity, unit, step, first: rows.length === 0, drop: (which) => {
      rows.splice(rows.indexOf(which), 1);
      draw();
      more.focus();
    } });
    rows.push(row);
    draw();
    if (focus) row.form.control("at").focus();
  };
  steps.forEach((each) => add(each));

  const refuse = (text) => {
    error.hidden = false;
    replace(error, icon("critical"), el("span", {}, text));
    return false;
  };
  const group = {
    node: el("fieldset", { class: "day-group" }, title, weekdays, list, el("div", { class: "cluster" }, more, remove), error),
    /** Its place among several; null where it is the only one. */
    name(place) {
      replace(title, place === null ? "Steps" : `Steps, group ${place}`);
      title.className = place === null ? "visually-hidden" : "strong";
      remove.hidden = place === null;
    },
    days: () => DAYS.filter((day) => chosen.has(day)),
    give(day) {
      chosen.delete(day);
      boxes.get(day).checked = false;
    },
    check() {
      error.hidden = true;
      if (!rows.map((each) => each.form.check()).every(Boolean)) return false;
      if (!chosen.size) return refuse("Choose at least one day, or remove this group.");
      const times = rows.map((each) => minutesOf(each.form.values().at));
      if (times[0] !== 0) return refuse("The first step must start at 00:00, because the day does.");
      if (times.some((at, place) => place && at <= times[place - 1])) return refuse("Steps stand in the order of the day, each time once.");
      return true;
    },
    text() {
      const said = rows.map(({ form }) => {
        const { at, dose } = form.values();
        return `${at ? padded(at) : ""}=${dose ? q.dailyDose(dose, unit) : ""}`;
      });
      return `${group.days().map((day) => day.slice(0, 3)).join(",")} ${said.join(" ")}`;
    },
  };
  return group;
}

function stepRow({ identity, unit, step, first, drop }) {
  const form = buildForm([timeField("at", "From", step.at), doseField("dose", "Daily dose", unit, identity, step.dose)], { columns: true });
  const remove = button("", { kind: "quiet", iconName: "trash", title: "Remove this step", onClick: () => drop(row) });
  const title = el("span", { class: "visually-hidden" });
  const row = {
    form,
    node: el("div", { class: "step-row", role: "group" }, title, form.node, remove),
    number(place, removable) {
      replace(title, `Step ${place}`);
      row.node.setAttribute("aria-label", `Step ${place}`);
      remove.title = `Remove step ${place}`;
      remove.setAttribute("aria-label", remove.title);
      remove.hidden = !removable || place === 1;
    },
  };
  if (first) form.control("at").input.readOnly = true;
  return row;
}
