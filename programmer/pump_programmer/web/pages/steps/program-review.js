// The review of a prescription: in force and new side by side, what changes by how much, and what
// to think of. What it shows is what the pump has staged.

import { buildForm } from "/static/shared/forms.js";
import { el, icon } from "/static/shared/ui.js";
import { dayPictures, daysText, hasShape } from "../day-picture.js";
import { cautions, titled } from "../parts.js";
import * as q from "../quantities.js";

const SIGNS = [
  [/^\+/, "\u25b2", "more"],
  [/^[-\u2212]./, "\u25bc", "less"],
  [/^new/, "+", "new"],
  [/^removed/, "\u00d7", "removed"],
  [/^changed/, "\u2260", "changed"],
];

/** The table, the pictures and the cautions. */
export function reviewParts(review) {
  const rows = daysTogether(review.rows.filter((row) => !row.repeats));
  const count = rows.filter((row) => row.changed).length;
  const said = count === 0 ? "No setting changes." : `${count} of ${rows.length} settings change; each is marked.`;
  return [
    review.warnings.length ? el("section", { "aria-label": "Cautions", class: "stack" }, el("h2", {}, "What to think of, most severe first"), cautions(review.warnings)) : null,
    el(
      "section",
      { class: "card" },
      el("div", { class: "card-head" }, el("h2", {}, "In force and new, side by side"), el("span", { class: "muted" }, said)),
      el("div", { class: "table-wrap" }, table(rows, review)),
    ),
    hasShape(review.current, review.pending) ? titled("Over the day", el("div", { class: "halves" }, dayPictures(review.current, review.pending))) : null,
  ];
}

/** Days that have the same steps before, and the same after, in one row. */
function daysTogether(rows) {
  const groups = new Map();
  for (const row of rows) {
    const day = row.setting.startsWith("days.") ? row.setting.slice("days.".length) : null;
    const key = day ? JSON.stringify([row.current, row.pending]) : row.setting;
    groups.set(key, { row, days: [...(groups.get(key)?.days ?? []), day] });
  }
  return [...groups.values()].map(({ row, days }) => (days[0] ? { ...row, label: `Steps, ${daysText(days)}` } : row));
}

function table(rows, { current_version: before, pending_version: after }) {
  return el(
    "table",
    { class: "table review-table" },
    el("caption", { class: "visually-hidden" }, "The prescription in force and the new one, setting by setting"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Setting"), el("th", { scope: "col" }, `In force (version ${before})`), el("th", { scope: "col" }, `New (version ${after})`), el("th", { scope: "col" }, "Change"))),
    el("tbody", {}, rows.map(tableRow)),
  );
}

function tableRow(row) {
  const lines = (text) => q.grouped(row.setting.startsWith("days.") ? text.replaceAll(", ", "\n") : text);
  return el(
    "tr",
    { class: row.changed ? "is-changed" : null },
    el("th", { scope: "row" }, row.label),
    el("td", { class: "lines old-value" }, row.changed ? el("del", {}, lines(row.current)) : lines(row.current)),
    el("td", { class: "lines new-value" }, row.changed ? el("ins", {}, lines(row.pending)) : lines(row.pending)),
    el("td", {}, change(row)),
  );
}

/** A change as a sign, a word and an amount: never by a colour alone. */
function change(row) {
  if (!row.changed) return el("span", { class: "change-none" }, "no change");
  const [, sign, word] = SIGNS.find(([pattern]) => pattern.test(row.change)) ?? SIGNS.at(-1);
  const number = /\d/.test(row.change);
  return el("span", { class: "change" }, el("span", { class: "sign", "aria-hidden": "true" }, sign), number ? [row.change, el("span", { class: "visually-hidden" }, ` (${word})`)] : row.change);
}

/** The dose above the soft limit, to be typed again; null where nothing is to be confirmed. */
export function retyped(review) {
  if (!review.must_confirm) return null;
  const form = buildForm([{ name: "confirmed_dose", label: "Highest dose of a day, typed again", kind: "text", required: true, hint: `with its unit, as ${exampleOf(review.confirm_dose)}` }]);
  const node = el(
    "div",
    { class: "stack" },
    el("p", { class: "row strong" }, icon("critical"), el("span", {}, `The highest dose of a day is ${q.grouped(review.confirm_dose)}, above the pump\u2019s soft limit of ${q.grouped(review.soft_limit)}. Type it again to confirm that it is meant.`)),
    el("div", { class: "confirm-field" }, form.node),
  );
  return { node, form };
}

const exampleOf = (dose) => `300 ${dose.split(" ").slice(1).join(" ")}`;

/** How long the review still holds, as a line that runs down; the promise of an end is *onEnd*. */
export function countdown(milliseconds, onEnd) {
  const ends = Date.now() + milliseconds;
  const text = el("span", { class: "num" });
  const node = el("p", { class: "row muted small" }, icon("clock"), text);
  const draw = () => {
    const left = Math.max(0, Math.ceil((ends - Date.now()) / 1_000));
    text.textContent = `This review holds for ${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")} min; then the pump drops it.`;
    if (left === 0) {
      clearInterval(timer);
      onEnd();
    }
  };
  const timer = setInterval(draw, 1_000);
  draw();
  return { node, stop: () => clearInterval(timer) };
}

