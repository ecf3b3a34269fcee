// One dialog for everything that an instructor does to the pump: the fields, what will happen if
// they are sent as they are, and the button that does it. It knows no particular fault or act.

import { banner, dialog, el, replace, toast } from "/static/shared/ui.js";
import { buildForm } from "/static/shared/forms.js";

// what(values) -> sentences of what will happen, or null while a field is wrong;  send(values) -> promise;
// done(answer) -> text of the toast, or null. True if it was done, false if it was given up.
export async function askAndDo({
  title,
  iconName,
  doc,
  fields = [],
  what,
  send,
  doText,
  danger = false,
  done = null,
  undo = null,
  columns = false,
}) {
  const form = buildForm(
    fields.map((each) => ({ ...each, ...prefilled(each) })),
    { columns, onChange: () => draw() },
  );
  const preview = el("div", { class: "doing-what", "aria-live": "polite" });
  const draw = () => {
    const sentences = [what(form.values())].flat().filter(Boolean);
    replace(
      preview,
      sentences.length
        ? banner(
            danger ? "warn" : "info",
            el("strong", {}, "What will happen"),
            sentences.map((each) => el("p", {}, each)),
          )
        : null,
    );
  };
  draw();
  let answer = null;
  const check = async () => {
    form.clear();
    if (!form.check()) return false;
    try {
      answer = await send(form.values());
    } catch (problem) {
      if (problem.detail === undefined) throw problem;
      form.showProblem(problem);
      return false;
    }
    return true;
  };
  const did = await dialog({
    title,
    iconName,
    kind: danger ? "danger" : "",
    wide: columns && fields.length > 3,
    body: [
      doc ? el("p", { class: "muted" }, doc) : null,
      fields.length ? form.node : null,
      preview,
      fields.length ? null : form.node,
    ],
    actions: [
      { text: "Cancel", value: null },
      { text: doText, value: true, kind: danger ? "danger" : "primary", check },
    ],
  });
  if (did) {
    const text = done?.(answer);
    if (text)
      toast(text, {
        kind: "ok",
        action: undo ? { text: undo.text, run: () => undo.run(answer) } : null,
      });
  }
  return Boolean(did);
}

// A default that is a number is shown in its control, so that nobody has to guess its unit.
function prefilled(field) {
  if (
    field.kind !== "whole" ||
    field.value !== undefined ||
    !/^-?\d{1,15}$/.test(field.default ?? "")
  )
    return {};
  return { value: Number(field.default), default: null };
}

// The field of the API with what people call it, and other values to begin with.
export function named(field, more = {}) {
  return { ...field, ...more };
}
