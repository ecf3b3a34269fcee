// Forms from data: one control for each field, checked at the field, with its range and its unit.
// It knows nothing of pumps: what the fields mean is the affair of who describes them.
//
// A field is {name, label, doc, kind, unit, units, minimum, maximum, choices, required, default}:
//   kind      whole | decimal | flag | choice | text | date
//   units     of a number: [{unit: "mL", scale: 1000000}, ...], the usual one first; what is sent is
//             what was written times the scale, and must be whole (decimal: with no scale, as written)
//   minimum, maximum   in what is sent; null where there is none
//   choices   names, or {value, label, doc}
//   default   words for what holds if nothing is given;   value: what the control shows at first
//   rule      (value, values) -> what is wrong with it, or null;   pattern, hint: of a text
//   chooseUnit  true: people choose among the units (always so for times)

import { makeControl } from "./controls.js";
import { problemText } from "./http.js";
import { el, icon, replace } from "./ui.js";

let forms = 0;

// {node, values(), check(), fail(name, text), showProblem(problem), control(name), clear()}
export function buildForm(fields, { values = {}, columns = false, onChange = null } = {}) {
  const prefix = `form-${++forms}`;
  const controls = new Map();
  for (const field of fields) {
    const given = values[field.name] ?? field.value;
    controls.set(field.name, makeControl(field, `${prefix}-${field.name}`, given));
  }
  const general = el("p", { class: "field-error form-wide", role: "alert", hidden: true });
  const node = el(
    "div",
    { class: columns ? "form form-columns" : "form" },
    [...controls.values()].map((each) => each.node),
    general,
  );

  const form = {
    node,
    control: (name) => controls.get(name),
    values: () => collect(controls),
    fail(name, text) {
      const control = controls.get(name);
      if (!control) return false;
      control.showError(text);
      control.focus();
      return true;
    },
    clear() {
      general.hidden = true;
      for (const control of controls.values()) control.showError(null);
    },
    check() {
      general.hidden = true;
      let first = null;
      for (const control of controls.values()) {
        if (!control.check(() => collect(controls)) && !first) first = control;
      }
      first?.focus();
      return first === null;
    },
    // Shows what the other side refused: at its field, or below all of them.
    showProblem(problem) {
      if (problem.field && form.fail(problem.field, problem.detail)) return;
      general.hidden = false;
      replace(general, icon("critical"), el("span", {}, problemText(problem)));
    },
  };
  node.addEventListener("input", (event) => onChange?.(form, event));
  node.addEventListener("change", (event) => onChange?.(form, event));
  return form;
}

function collect(controls) {
  const values = {};
  for (const [name, control] of controls) {
    const { value, error } = control.read();
    if (error === undefined && value !== null) values[name] = value;
  }
  return values;
}
