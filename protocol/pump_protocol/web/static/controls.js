// One control of a form: what it shows, what it reads, and what is wrong with it. See forms.js.

import { bestUnit, inUnit, rangeText, readNumber } from "./numbers.js";
import { el, icon, replace } from "./ui.js";

const MAKERS = {
  whole: makeNumber,
  decimal: makeNumber,
  flag: makeFlag,
  choice: makeChoice,
  text: makeText,
  date: makeDate,
};

export function makeControl(field, id, given) {
  const make = MAKERS[field.kind] ?? makeText;
  const part = make(field, id, given);
  const error = el("p", { class: "field-error", id: `${id}-error`, hidden: true });
  const label = el(
    "label",
    { class: "field-label", for: id, id: `${id}-label` },
    field.label,
    field.required || field.kind === "flag"
      ? null
      : el("span", { class: "optional" }, " (optional)"),
  );
  const help = el("p", { class: "field-help", id: `${id}-help` });
  const drawHelp = () =>
    replace(
      help,
      [
        field.doc ? sentenceOf(field.doc) : null,
        part.hint?.(),
        !field.required && field.default ? `If left empty: ${field.default}.` : null,
      ]
        .filter(Boolean)
        .join(" "),
    );
  drawHelp();
  part.input.setAttribute("aria-describedby", `${id}-help ${id}-error`);
  if (field.required && field.kind !== "flag") part.input.setAttribute("aria-required", "true");
  const node =
    field.kind === "flag"
      ? el(
          "div",
          { class: "field" },
          el("div", { class: "field-check" }, part.input, label),
          help,
          error,
        )
      : el("div", { class: "field" }, label, part.whole ?? part.input, help, error);

  const control = {
    node,
    input: part.input,
    field,
    read: () => part.read(),
    focus: () => part.input.focus(),
    showError(text) {
      error.hidden = !text;
      if (text) {
        replace(error, icon("critical"), el("span", {}, text));
        part.input.setAttribute("aria-invalid", "true");
      } else {
        part.input.removeAttribute("aria-invalid");
      }
    },
    check(all = () => ({})) {
      const { value, error: wrong } = part.read();
      const text =
        wrong ??
        (value === null
          ? field.required
            ? `${field.label} is missing.`
            : null
          : (field.rule?.(value, all()) ?? null));
      control.showError(text);
      return !text;
    },
    // Other limits than before, say because another drug was chosen.
    setRange(minimum, maximum) {
      field.minimum = minimum;
      field.maximum = maximum;
      drawHelp();
    },
    set: (value) => part.set(value),
  };
  // Nothing is called wrong while it is being written; once it was, it is right as soon as it is mended.
  part.input.addEventListener("blur", () => {
    if (part.input.value !== "" && node.isConnected) control.check();
  });
  node.addEventListener("input", () => {
    if (part.input.getAttribute("aria-invalid")) control.check();
  });
  node.addEventListener("change", drawHelp);
  return control;
}

const sentenceOf = (text) => {
  const said = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(said) ? said : `${said}.`;
};

function makeNumber(field, id, given) {
  const units = field.units?.length ? field.units : [{ unit: field.unit ?? "", scale: 1 }];
  let unit = bestUnit(units, given);
  const shown = given === undefined || given === null ? "" : inUnit(given, unit);
  const input = el("input", {
    class: "input",
    id,
    type: "text",
    inputmode: field.minimum < 0 ? "text" : "decimal",
    autocomplete: "off",
    spellcheck: "false",
    value: shown,
  });
  const choose = units.length > 1 && (field.chooseUnit || field.unit === "ms");
  const suffix = choose
    ? el(
        "select",
        {
          class: "select",
          "aria-label": "Unit",
          "aria-describedby": `${id}-label`,
          on: {
            change: () => {
              unit = units[suffix.selectedIndex];
            },
          },
        },
        units.map((each) => el("option", { selected: each === unit }, each.unit)),
      )
    : unit.unit
      ? el("span", { class: "input-unit" }, unit.unit)
      : null;
  return {
    input,
    whole: suffix ? el("div", { class: "input-group" }, input, suffix) : input,
    hint: () => {
      const range = rangeText(field, unit);
      return range && `Allowed: ${range}`;
    },
    read: () => readNumber(input.value, field, unit),
    set(value) {
      input.value = value === null ? "" : inUnit(value, unit);
    },
  };
}

function makeFlag(field, id, given) {
  const initial =
    given ??
    (typeof field.default === "string" ? field.default === "true" : Boolean(field.default));
  const input = el("input", { class: "checkbox", id, type: "checkbox" });
  input.checked = Boolean(initial);
  field.default = null; // the box shows it
  return {
    input,
    read: () => ({ value: input.checked }),
    set: (value) => {
      input.checked = Boolean(value);
    },
  };
}

function makeChoice(field, id, given) {
  const choices = (field.choices ?? []).map((each) =>
    typeof each === "object" ? each : { value: each, label: worded(each) },
  );
  const start =
    given ??
    (choices.some((each) => each.value === field.default)
      ? field.default
      : field.required
        ? choices[0]?.value
        : "");
  const empty = field.required
    ? null
    : el("option", { value: "" }, field.default ? `As usual (${worded(field.default)})` : "–");
  const input = el(
    "select",
    { class: "select", id },
    empty,
    choices.map((each) => el("option", { value: each.value }, each.label)),
  );
  input.value = start ?? "";
  return {
    input,
    read: () => ({ value: input.value === "" ? null : input.value }),
    set: (value) => {
      input.value = value ?? "";
    },
  };
}

const worded = (name) => {
  const text = String(name).replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

function makeText(field, id, given) {
  const input = el("input", {
    class: "input",
    id,
    type: field.secret ? "password" : "text",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: field.maximum ?? null,
    value: given ?? "",
  });
  const read = () => {
    const text = input.value.trim();
    if (text === "") return { value: null };
    if (field.pattern && !new RegExp(`^(?:${field.pattern})$`, "u").test(text))
      return { error: `${field.label}: ${field.hint ?? "this is not how it is written"}.` };
    return { value: text };
  };
  return {
    input,
    hint: () => (field.hint ? `${sentenceOf(field.hint)}` : ""),
    read,
    set: (value) => {
      input.value = value ?? "";
    },
  };
}

// A moment of the pump's own local clock; what is sent is milliseconds of it.
function makeDate(field, id, given) {
  const input = el("input", {
    class: "input",
    id,
    type: "datetime-local",
    step: "1",
    value: given === undefined || given === null ? "" : new Date(given).toISOString().slice(0, 19),
  });
  const shown = (ms) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  const hint = () => {
    const { minimum, maximum } = field;
    if (minimum !== null && minimum !== undefined && maximum)
      return `${shown(minimum)} to ${shown(maximum)}.`;
    return minimum !== null && minimum !== undefined ? `Not before ${shown(minimum)}.` : "";
  };
  const read = () => {
    if (input.validity.badInput) return { error: `${field.label}: a date and a time are wanted.` };
    if (input.value === "") return { value: null };
    const value = Date.parse(`${input.value}Z`);
    if (Number.isNaN(value)) return { error: `${field.label}: a date and a time are wanted.` };
    if (value < (field.minimum ?? value))
      return { error: `${field.label}: ${shown(value)} is before ${shown(field.minimum)}.` };
    if (value > (field.maximum ?? value))
      return { error: `${field.label}: ${shown(value)} is after ${shown(field.maximum)}.` };
    return { value };
  };
  return {
    input,
    hint,
    read,
    set: (value) => {
      input.value = value === null ? "" : new Date(value).toISOString().slice(0, 19);
    },
  };
}
