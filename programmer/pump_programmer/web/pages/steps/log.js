// Log: the therapy log and the access log, newest first, filtered.

import { el, replace, tabs } from "/static/shared/ui.js";
import { get } from "../api.js";
import { actionButton, problemOutcome, stepHead, waiting } from "../parts.js";

const PAGE = 100;
const KINDS = [
  ["all", "Everything", () => true],
  ["therapy", "Prescriptions", ({ event }) => /^(implanted|staged|committed|rolled_back|staging|mode|bridge|soft_limit|infusion)/.test(event)],
  ["bolus", "Boluses", ({ event }) => /bolus|priming/.test(event)],
  ["refill", "Refills", ({ event }) => event === "reservoir_updated"],
  ["alarm", "Alarms", ({ event }) => event.startsWith("alarm")],
  ["emergency", "Emergencies", ({ event }) => event.startsWith("emergency")],
  ["device", "The pump itself", ({ event }) => /^(clock|self|reset|memory|note|motor)/.test(event)],
];
const LOUD = /ALARM|EMERGENCY|STOPPED|WRONG KEY|NOT AUTHENTIC|LOCKED|RESET|all flow stopped|not repaired/;

function mount(root) {
  const therapy = el("div", { class: "stack" });
  const access = el("div", { class: "stack" });
  const views = {
    therapy: logView(therapy, { path: "/log", headings: ["No.", "Pump clock", "Version", "Event"], cells: (each) => [each.sequence, each.clock, each.prescription_version, each.text], kinds: KINDS }),
    access: logView(access, { path: "/access-log", headings: ["No.", "First", "Last", "Times", "Link", "Event"], cells: (each) => [each.sequence, each.first_clock, each.last_clock, each.count, each.link, each.text], kinds: null }),
  };
  const choose = tabs([{ name: "therapy", text: "Therapy log", panel: therapy }, { name: "access", text: "Access log", panel: access }], { label: "Which log", onSelect: (name) => views[name].begin() });
  replace(root, stepHead("Log", "What the pump has recorded, by its own clock. Newest first."), choose.bar, therapy, access);
  return {};
}

export const log = { name: "log", title: "Log", needs: "log", mount };

function logView(root, { path, headings, cells, kinds }) {
  let entries = [];
  let older = null;
  let range = null;
  let begun = false;
  const body = el("tbody");
  const count = el("p", { class: "muted small", role: "status" });
  const trouble = el("div");
  const search = el("input", { class: "input", type: "search", id: `search${path.replaceAll("/", "-")}`, on: { input: () => draw() } });
  const kind = kinds && el("select", { class: "select", id: `kind${path.replaceAll("/", "-")}`, on: { change: () => draw() } }, kinds.map(([name, text]) => el("option", { value: name }, text)));
  const more = actionButton("Read older records", "Reading the log", () => read(older));
  const again = actionButton("Read again", "Reading the log", () => begin(true), { iconName: "reset" });
  const scroll = el("div", { class: "table-wrap log-wrap", tabindex: "0", role: "region", "aria-label": "Records" }, el("table", { class: "table log-table" }, el("caption", { class: "visually-hidden" }, "Records of the pump, newest first"), el("thead", {}, el("tr", {}, headings.map((text, place) => el("th", { scope: "col", class: place ? null : "num" }, text)))), body));

  const matches = (each) => {
    const [, , fits] = kinds?.find(([name]) => name === kind.value) ?? [null, null, () => true];
    const wanted = search.value.trim().toLowerCase();
    return fits(each) && (!wanted || cells(each).join(" ").toLowerCase().includes(wanted));
  };
  const draw = () => {
    const found = entries.filter(matches);
    const rows = found.map((each) => el("tr", { class: LOUD.test(each.text) ? "is-critical" : null }, cells(each).map((text, place) => el("td", { class: place ? null : "num" }, String(text ?? "\u2013")))));
    replace(body, rows.length ? rows : el("tr", {}, el("td", { class: "empty", colspan: headings.length }, entries.length ? "No record matches." : "There are no records.")));
    more.hidden = older === null;
    const held = range ? ` The log holds records ${range.first_sequence} to ${range.next_sequence - 1}${range.overwritten ? `; ${range.overwritten} older ones are overwritten` : ""}.` : "";
    count.textContent = `${found.length} of ${entries.length} records that were read.${held}`;
  };
  const read = async (before = null) => {
    try {
      const page = await get(`${path}?limit=${PAGE}${before === null ? "" : `&before=${before}`}`);
      entries = [...(before === null ? [] : entries), ...[...page.entries].reverse()];
      older = page.older;
      range = page.range;
      replace(trouble);
      draw();
    } catch (problem) {
      replace(trouble, problemOutcome(problem, [actionButton("Try again", "Reading the log", () => read(before), { kind: "primary" })]));
    }
  };
  const begin = async (anew = false) => {
    if (begun && !anew) return;
    begun = true;
    if (!anew) replace(body, el("tr", {}, el("td", { colspan: headings.length }, waiting("Reading the log"))));
    await read();
  };
  const labelled = (text, input, grows) => el("div", { class: `field ${grows ? "grow" : ""}` }, el("label", { class: "field-label", for: input.id }, text), input);
  replace(root, el("div", { class: "filter" }, kind ? labelled("Show", kind) : null, labelled("Search", search, true), again), trouble, scroll, el("div", { class: "spread" }, count, more));
  return { begin };
}

