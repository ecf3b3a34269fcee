// Flows in the form of a prescription: one rate for day and night, and a bolus that repeats.

import { buildForm } from "/static/shared/forms.js";
import { badge, el, replace } from "/static/shared/ui.js";
import { choices, now } from "../parts.js";
import * as q from "../quantities.js";

/* ---- simple continuous ---- */

export function continuousPart({ identity, prescription, mass, lost, strength: concentration }) {
  const [drug] = prescription.drugs;
  const isNow = prescription.mode === "simple_continuous" && !lost;
  const doses = buildForm([{ name: "dose", label: "Daily dose", kind: "whole", units: q.units.dailyDose(drug?.mass_unit ?? "microgram"), minimum: 1, maximum: identity.maximum_daily_dose_ng, required: true, value: lost ? null : prescription.daily_dose_ng || null, doc: lost ? "" : now(q.dailyDose(prescription.daily_dose_ng, drug.mass_unit)) }]);
  const rates = buildForm([{ name: "rate", label: "Rate", kind: "whole", units: q.units.rate, minimum: identity.minimum_therapeutic_rate_nl_per_day, maximum: identity.maximum_rate_nl_per_day, required: true, value: isNow ? prescription.rate_nl_per_day : null, doc: isNow ? now(q.rate(prescription.rate_nl_per_day)) : "" }]);
  let by = "dose";
  const follows = el("output", { class: "inset small" });
  const place = el("div");
  const choose = choices("Enter it as", [{ name: "dose", title: "Daily dose", doc: "the rate follows" }, { name: "rate", title: "Rate", doc: "the dose follows" }], by, (name) => {
    by = name;
    draw();
  }, true);
  const form = () => (by === "dose" ? doses : rates);
  const draw = () => {
    replace(place, form().node);
    refresh();
  };
  const dose = () => {
    const strength = concentration();
    if (by === "dose") return doses.values().dose ?? null;
    const { rate } = rates.values();
    return rate && strength ? q.doseForRate(rate, strength) : null;
  };
  const refresh = () => {
    const strength = concentration();
    if (strength) {
      const least = q.doseForRate(identity.minimum_therapeutic_rate_nl_per_day, strength);
      const most = Math.min(identity.maximum_daily_dose_ng, q.doseForRate(identity.maximum_rate_nl_per_day, strength));
      doses.control("dose").setRange(least, most);
    }
    const ng = dose();
    if (!ng || !strength) return replace(follows, "The dose and the rate follow from each other and the concentration.");
    const soft = ng > identity.soft_daily_dose_ng ? [" ", badge("warn", `above the soft limit of ${q.grouped(q.dailyDose(identity.soft_daily_dose_ng, mass()))}: to be typed again`)] : null;
    const other = by === "dose" ? `This makes a rate of ${q.rate(q.rateForDose(ng, strength))}` : `This makes a daily dose of ${q.grouped(q.dailyDose(ng, mass()))}`;
    return replace(follows, `${other} at ${q.grouped(q.concentration(strength, mass()))}.`, soft);
  };
  const node = el("div", { class: "stack" }, choose, el("div", { class: "fields" }, place), follows);
  draw();
  return {
    node,
    refresh,
    dose,
    check: () => form().check(),
    fail: (name, text) => form().fail(name === "dose" || name === "rate" ? by : name, text),
    body(other) {
      const values = form().values();
      if (by === "rate") return !other && values.rate === prescription.rate_nl_per_day && concentration() === drug?.concentration_ng_per_ml ? {} : { rate: q.rate(values.rate) };
      return !other && values.dose === prescription.daily_dose_ng ? {} : { dose: q.dailyDose(values.dose, drug?.mass_unit) };
    },
  };
}

/* ---- periodic ---- */

export function periodicPart({ identity, prescription }) {
  const [drug] = prescription.drugs;
  const unit = drug?.mass_unit ?? "microgram";
  const [had] = prescription.periodic_boluses;
  const basalNow = had && drug ? q.doseForRate(had.basal_rate_nl_per_day, drug.concentration_ng_per_ml) : null;
  const time = (ms) => q.timeUnits(ms);
  const form = buildForm(
    [
      { name: "dose", label: "Dose of a bolus", kind: "whole", units: q.units.dose(unit), minimum: 1, maximum: identity.maximum_bolus_dose_ng, required: true, value: had?.dose_ng, doc: had ? now(q.dose(had.dose_ng, unit)) : "" },
      { name: "every", label: "Repeated every", kind: "whole", unit: "ms", units: time(had?.interval_ms ?? 3_600_000), minimum: identity.minimum_bolus_interval_ms, maximum: identity.maximum_bolus_interval_ms, required: true, value: had?.interval_ms, doc: had ? now(q.duration(had.interval_ms)) : "Minutes entered for hours have injured patients." },
      { name: "over", label: "Delivered over", kind: "whole", unit: "ms", units: time(had?.duration_ms ?? 60_000), minimum: identity.minimum_bolus_duration_ms, maximum: identity.maximum_bolus_duration_ms, required: true, value: had?.duration_ms, doc: had ? now(q.duration(had.duration_ms)) : "" },
      { name: "basal", label: "Basal dose between the boluses", kind: "whole", units: q.units.dailyDose(unit), minimum: 0, maximum: identity.maximum_daily_dose_ng, required: true, value: basalNow ?? prescription.daily_dose_ng ?? 0, doc: had ? now(basalNow ? q.dailyDose(basalNow, unit) : "none") : "0 for none." },
      { name: "first_in", label: "First bolus in", kind: "whole", unit: "ms", units: time(3_600_000), minimum: 0, maximum: identity.maximum_bolus_interval_ms, required: false, default: "one interval" },
    ],
    { columns: true },
  );
  const names = { periodic: "dose", basal: "basal", first_in: "first_in" };
  return {
    node: form.node,
    check: () => form.check(),
    fail: (name, text) => form.fail(names[name] ?? name, text),
    body(other) {
      const { dose, every, over, basal, first_in: first } = form.values();
      const body = {};
      const same = had && dose === had.dose_ng && every === had.interval_ms && over === had.duration_ms;
      if (other || !same) body.periodic = `${q.dose(dose, unit)} every ${q.duration(every)} over ${q.duration(over)}`;
      if (other || basal !== basalNow) body.basal = basal ? q.dailyDose(basal, unit) : "none";
      if (first !== undefined) body.first_in = q.duration(first);
      return body;
    },
  };
}
