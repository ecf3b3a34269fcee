// The form of a new prescription. It begins with what is in force; only what was altered is asked
// for, in the texts that the command line takes, so that what is left alone stays as it is.

import { buildForm } from "/static/shared/forms.js";
import { el, icon, replace } from "/static/shared/ui.js";
import { atFields, cautions, choices, now, titled } from "../parts.js";
import * as q from "../quantities.js";
import { bridgePart, drugBody, drugChanged, drugForm, massOf, mixturePart } from "./program-drugs.js";
import { dayNightPart, flexPart } from "./program-days.js";
import { continuousPart, periodicPart } from "./program-flows.js";

const AGE_MAX = 120;

const THERAPIES = [
  { name: "simple_continuous", title: "Simple continuous", doc: "one rate, day and night" },
  { name: "day_night", title: "Day and night", doc: "two rates, each from its time on" },
  { name: "flex", title: "Flex", doc: "steps over the day, by weekday" },
  { name: "periodic_bolus", title: "Periodic bolus", doc: "a bolus that repeats, over a basal rate" },
  { name: "minimum_rate", title: "Minimum rate", doc: "treats nobody; keeps the catheter open", danger: true },
  { name: "stopped", title: "Stop infusion", doc: "nothing flows at all", danger: true },
];

/**
 * @param {object} identity the pump's limits
 * @param {object} current the whole prescription in force
 * @returns {{node: Node, body: () => object|null, showProblem: (problem) => boolean}} `body` is null
 *   where something is wrong, which is then shown at its field
 */
export function programForm(identity, current) {
  const { prescription } = current;
  const lost = prescription.drugs.length === 0;
  const drug = drugForm(identity, prescription);
  const strength = () => drug.values().concentration ?? prescription.drugs[0]?.concentration_ng_per_ml;
  const context = { identity, prescription, lost, strength, mass: () => massOf(drug) };
  const mixture = mixturePart(identity, prescription);
  const therapies = {
    simple_continuous: continuousPart(context),
    day_night: dayNightPart(context),
    flex: flexPart(context),
    periodic_bolus: periodicPart(context),
    minimum_rate: saying(`The pump goes down to ${q.rate(identity.minimum_rate_nl_per_day)}. For the patient that is an abrupt withdrawal.`, { minimum_rate: true }),
    stopped: saying("All infusion stops until another prescription is committed. Drug, boluses and alarm stay as they are.", { stop: true }),
  };
  const patient = patientPart(context);
  const reservoir = buildForm([{ name: "low_reservoir", label: "Low-reservoir alarm at", kind: "whole", units: q.units.volume, minimum: 0, maximum: identity.maximum_low_reservoir_threshold_nl, required: true, value: prescription.low_reservoir_threshold_nl, doc: now(q.volume(prescription.low_reservoir_threshold_nl)) }]);
  const bridge = bridgePart(context);
  const about = buildForm(
    [
      { name: "age", label: "Age", kind: "whole", unit: "years", minimum: 0, maximum: AGE_MAX, required: false },
      { name: "aetiology", label: "Spasticity of origin", kind: "choice", required: false, choices: [{ value: "spinal", label: "Spinal" }, { value: "cerebral", label: "Cerebral" }] },
    ],
    { columns: true },
  );

  let therapy = therapyOf(prescription);
  const place = el("div");
  const others = el("div", { class: "stack" });
  const bridgePlace = el("div");
  const choose = choices("Therapy", THERAPIES.map((each) => ({ ...each, now: !lost && each.name === therapy })), therapy, (name) => {
    therapy = name;
    draw();
  });
  // Never put in anew while it stands there: a press that has begun on it would be lost.
  const drawBridge = () => {
    if (needsBridge() !== bridgePlace.contains(bridge.node)) replace(bridgePlace, needsBridge() ? bridge.node : null);
  };
  const draw = () => {
    replace(place, therapies[therapy].node);
    others.hidden = therapy === "stopped";
    drawBridge();
    refresh();
  };
  const refresh = () => {
    for (const part of Object.values(therapies)) part.refresh?.();
    bridge.refresh(doseOfForm());
  };
  const needsBridge = () => therapy !== "stopped" && !lost && (drugChanged(drug, prescription) || mixture.changed());
  const doseOfForm = () => (therapy === "simple_continuous" ? therapies.simple_continuous.dose() : null);

  drug.node.addEventListener("input", () => {
    drawBridge();
    refresh();
  });
  drug.node.addEventListener("change", refresh);
  mixture.node.addEventListener("change", drawBridge);
  mixture.node.addEventListener("input", drawBridge);
  place.addEventListener("input", refresh);

  replace(
    others,
    titled("Drug", el("div", { class: "form-card" }, drug.node, mixture.node)),
    bridgePlace,
    titled("Patient bolus", patient.node),
    el(
      "div",
      { class: "halves" },
      titled("Reservoir alarm", reservoir.node),
      titled("About the patient, for the cautions", about.node, el("p", { class: "muted small" }, "It is not sent to the pump, and kept nowhere.")),
    ),
  );
  const loss = lost ? cautions([{ text: "The pump has lost its prescription and runs at the minimum rate: program it in full, with drug, concentration and a dose.", source: "the pump itself", severity: "warning" }]) : null;
  const node = el("div", { class: "stack" }, loss, titled("Therapy", choose, place), others);
  draw();

  const forms = () => {
    if (therapy === "stopped") return [];
    return [therapies[therapy], drug, mixture, needsBridge() ? bridge : null, patient, reservoir, about].filter(Boolean);
  };

  return {
    node,
    body() {
      const wrong = forms().filter((form) => form.check && !form.check());
      if (wrong.length) {
        wrong[0].node.querySelector("[aria-invalid=true]")?.focus();
        return null;
      }
      if (therapy === "stopped") return therapies.stopped.body(prescription.mode !== "stopped");
      return {
        ...therapies[therapy].body(therapy !== therapyOf(prescription)),
        ...drugBody(drug, prescription),
        ...mixture.body(),
        ...(needsBridge() ? bridge.body() : {}),
        ...patient.body(),
        ...thresholdBody(reservoir, prescription),
        ...aboutBody(about),
      };
    },
    /** Show what the programmer says is wrong at the field that it is about; what is left is returned. */
    showProblem: (problem) => atFields(problem, (field, text) => forms().some((form) => form.fail?.(field, text))),
  };
}

const saying = (text, body) => ({
  node: el("p", { class: "inset row" }, icon("critical"), el("span", {}, text)),
  body: (other) => (other ? body : {}),
});

function therapyOf({ mode, drugs }) {
  return drugs.length ? mode : "simple_continuous";
}

/* ---- patient bolus ---- */

function patientPart({ identity, prescription }) {
  const unit = prescription.drugs[0]?.mass_unit ?? "microgram";
  const [had] = prescription.patient_boluses;
  let on = Boolean(had);
  const form = buildForm(
    [
      { name: "dose", label: "Dose of a bolus", kind: "whole", units: q.units.dose(unit), minimum: 1, maximum: identity.maximum_bolus_dose_ng, required: true, value: had?.dose_ng, doc: had ? now(q.dose(had.dose_ng, unit)) : "" },
      { name: "over", label: "Delivered over", kind: "whole", unit: "ms", units: q.timeUnits(had?.duration_ms ?? 60_000), minimum: identity.minimum_bolus_duration_ms, maximum: identity.maximum_bolus_duration_ms, required: true, value: had?.duration_ms, doc: had ? now(q.duration(had.duration_ms)) : "" },
      { name: "lockout", label: "Lockout", kind: "whole", unit: "ms", units: q.timeUnits(had?.lockout_ms ?? 3_600_000), minimum: identity.minimum_lockout_ms, maximum: identity.maximum_lockout_ms, required: true, value: had?.lockout_ms, doc: had ? now(q.duration(had.lockout_ms)) : "" },
      { name: "a_day", label: "Boluses in 24 h", kind: "whole", unit: "boluses", minimum: 1, maximum: identity.maximum_patient_boluses_per_day, required: true, value: had?.allotted_per_day, doc: had ? now(String(had.allotted_per_day)) : "" },
    ],
    { columns: true },
  );
  const place = el("div");
  const choose = choices(
    "Patient bolus",
    [
      { name: "none", title: "None", doc: "the patient may ask for no bolus", now: !had },
      { name: "some", title: "Prescribed", doc: "the patient may ask, within limits", now: Boolean(had) },
    ],
    on ? "some" : "none",
    (name) => {
      on = name === "some";
      draw();
    },
    true,
  );
  const draw = () => replace(place, on ? form.node : null);
  draw();
  return {
    node: el("div", { class: "stack" }, choose, place),
    check: () => !on || form.check(),
    fail: (name, text) => name === "patient_bolus" && on && form.fail("dose", text),
    body() {
      if (!on) return had ? { no_patient_bolus: true } : {};
      const { dose, over, lockout, a_day: count } = form.values();
      if (had && dose === had.dose_ng && over === had.duration_ms && lockout === had.lockout_ms && count === had.allotted_per_day) return {};
      return { patient_bolus: `${q.dose(dose, unit)} over ${q.duration(over)} lockout ${q.duration(lockout)} ${count} a day` };
    },
  };
}

/* ---- the rest ---- */

function thresholdBody(form, prescription) {
  const { low_reservoir: nl } = form.values();
  return nl === prescription.low_reservoir_threshold_nl ? {} : { low_reservoir: q.volume(nl) };
}

function aboutBody(form) {
  const { age, aetiology } = form.values();
  return { ...(age === undefined ? {} : { age: String(age) }), ...(aetiology ? { aetiology } : {}) };
}
