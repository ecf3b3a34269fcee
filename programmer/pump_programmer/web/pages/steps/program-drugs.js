// The drugs in the form of a prescription: the primary one, the mixture, and what becomes of the old
// drug in tubing and catheter when they change.

import { buildForm } from "/static/shared/forms.js";
import { button, el, icon, replace } from "/static/shared/ui.js";
import { choices, now, titled } from "../parts.js";
import * as q from "../quantities.js";

const NAME_MAX = 32;

/* ---- the primary drug ---- */

/** The mass unit in which the concentration is written; doses are then read in the same. */
export const massOf = (form) => (form.control("concentration").node.querySelector("select")?.value.startsWith("mg") ? "milligram" : "microgram");

export function drugForm(identity, { drugs: [drug] }) {
  const mg = drug?.mass_unit === "milligram";
  const fields = [
    { name: "drug", label: "Drug", kind: "text", maximum: NAME_MAX, required: true, value: drug?.name ?? "", doc: drug ? now(drug.name) : "The pump has lost it." },
    {
      name: "concentration",
      label: "Concentration",
      kind: "whole",
      units: mg ? [...q.units.concentration].reverse() : q.units.concentration,
      chooseUnit: true,
      minimum: Math.max(1, identity.minimum_concentration_ng_per_ml),
      maximum: identity.maximum_concentration_ng_per_ml,
      required: true,
      value: drug?.concentration_ng_per_ml,
      doc: drug ? now(q.concentration(drug.concentration_ng_per_ml, drug.mass_unit)) : "",
    },
  ];
  return buildForm(fields, { columns: true });
}

export function drugChanged(form, { drugs: [drug] }) {
  const { drug: name, concentration } = form.values();
  return name !== drug?.name || concentration !== drug?.concentration_ng_per_ml;
}

export function drugBody(form, { drugs: [drug] }) {
  const { drug: name, concentration } = form.values();
  const body = {};
  if (name !== drug?.name) body.drug = name;
  if (concentration !== drug?.concentration_ng_per_ml || body.drug) body.concentration = q.concentration(concentration, massOf(form));
  return body;
}

export function mixturePart(identity, prescription) {
  const had = prescription.drugs.slice(1);
  const rows = el("div", { class: "stack" });
  const list = [];
  const add = (drug = null) => {
    const form = buildForm(
      [
        { name: "name", label: "Other drug", kind: "text", maximum: NAME_MAX, required: true, value: drug?.name ?? "" },
        { name: "concentration", label: "Its concentration", kind: "whole", units: [...q.units.concentration].reverse(), chooseUnit: true, minimum: Math.max(1, identity.minimum_concentration_ng_per_ml), maximum: identity.maximum_concentration_ng_per_ml, required: true, value: drug?.concentration_ng_per_ml },
      ],
      { columns: true },
    );
    const entry = { form, mass: drug?.mass_unit ?? "milligram" };
    const remove = button("Remove this drug", { size: "small", iconName: "trash", onClick: () => drop(entry) });
    entry.node = el("div", { class: "inset stack" }, form.node, el("div", {}, remove));
    list.push(entry);
    draw();
    return entry;
  };
  const drop = (entry) => {
    list.splice(list.indexOf(entry), 1);
    draw();
    more.focus();
    node.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const more = button("Add another drug to the mixture", {
    size: "small",
    iconName: "plus",
    onClick: () => {
      add().form.control("name").input.focus();
      node.dispatchEvent(new Event("change", { bubbles: true }));
    },
  });
  const draw = () => {
    replace(rows, list.map((each) => each.node));
    more.hidden = list.length >= 2;
  };
  const node = el("div", { class: "stack" }, rows, el("div", {}, more));
  had.forEach(add);
  draw();
  const told = () => list.map(({ form, mass }) => ({ ...form.values(), mass }));
  const same = (one, other) => one.name === other.name && one.concentration === other.concentration_ng_per_ml;
  const changed = () => list.length !== had.length || told().some((each, place) => !same(each, had[place]));
  return {
    node,
    changed,
    check: () => list.map(({ form }) => form.check()).every(Boolean),
    fail: (name, text) => name === "other_drug" && list.length > 0 && list[0].form.fail("name", text),
    body() {
      if (!changed()) return {};
      if (!list.length) return { no_other_drugs: true };
      return { other_drug: told().map((each) => `${each.name} ${q.concentration(each.concentration, each.mass)}`) };
    },
  };
}

/* ---- the old drug in tubing and catheter ---- */

export function bridgePart({ identity, prescription }) {
  const tubing = identity.internal_tubing_volume_nl;
  const [old] = prescription.drugs;
  const form = buildForm([{ name: "catheter", label: "Volume of the catheter", kind: "whole", units: q.units.volume, minimum: 0, maximum: Math.max(0, identity.maximum_priming_volume_nl - tubing), required: true, doc: `The tubing in the pump holds ${q.volume(tubing)} more.` }]);
  let decision = null;
  let dose = null;
  const error = el("p", { class: "field-error", id: "bridge-error", hidden: true });
  const lasts = el("output", { class: "inset small" });
  const place = el("div", { class: "stack" });
  const choose = choices(
    "The old drug in tubing and catheter",
    [
      { name: "bridge", title: "Bridge it", doc: "the old drug runs on at its own rate until it is used up, then the new rate begins" },
      { name: "declined", title: "Do not bridge", doc: "the new rate begins at once, and delivers the old drug first" },
    ],
    null,
    (name) => {
      decision = name;
      error.hidden = true;
      draw();
    },
    true,
  );
  choose.setAttribute("aria-describedby", "bridge-error");
  const draw = () => {
    replace(place, decision === "bridge" ? [el("div", { class: "fields" }, form.node), lasts] : null);
    drawLasts();
  };
  const drawLasts = () => {
    const { catheter } = form.values();
    if (!old || !dose || catheter === undefined) return replace(lasts, "The review says how long the bridge lasts.");
    const rate = q.rateForDose(dose, old.concentration_ng_per_ml);
    const minutes = Math.ceil(((tubing + catheter) * 1_440) / rate);
    return replace(lasts, `About ${q.duration(minutes * 60_000)}: ${q.volume(tubing + catheter)} of the old drug at ${q.rate(rate)}; then the new rate.`);
  };
  form.node.addEventListener("input", drawLasts);
  const node = titled("Bridge", el("p", {}, "Drug or concentration changes, and tubing and catheter still hold the old drug. Decide what becomes of it: nothing is assumed."), choose, error, place);
  draw();
  const refuse = (text) => {
    error.hidden = false;
    replace(error, icon("critical"), el("span", {}, text));
    choose.querySelector("input").focus();
    return true;
  };
  return {
    node,
    refresh(ng) {
      dose = ng;
      drawLasts();
    },
    check() {
      if (decision === null) {
        choose.querySelector("input").setAttribute("aria-invalid", "true");
        return !refuse("Choose one of the two: drug or concentration changes.");
      }
      choose.querySelector("input").removeAttribute("aria-invalid");
      return decision !== "bridge" || form.check();
    },
    fail: (name, text) => (name === "catheter" && decision === "bridge" ? form.fail("catheter", text) : ["bridge", "catheter"].includes(name) && refuse(text)),
    body: () => (decision === "bridge" ? { bridge: true, catheter: q.volume(form.values().catheter) } : { bridge: false }),
  };
}
