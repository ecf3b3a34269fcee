// The faults: which are active, which are to come, and a button for each kind that can be injected.
//
// The kinds and their fields come from the API; how people call them is in fault-kinds.js. A kind that
// is unknown there is shown as the API has it.

import { button, changed, el, icon, replace, toast } from "/static/shared/ui.js";
import {
  DAY_MS,
  clock,
  date,
  duration,
  number,
  sentence,
  time,
  words,
} from "/static/shared/format.js";
import { api, problemText } from "./api.js";
import { askAndDo, named } from "./doing.js";
import { GROUPS, KINDS } from "./fault-kinds.js";

const LONGEST_MS = 3_650 * DAY_MS; // of a delay or a fault; a training session is shorter

export function mount(root, store) {
  const current = el("ul", { class: "faults-now plain" });
  const choice = el("div", { class: "doing-groups" }, el("p", { class: "muted" }, "Loading…"));
  replace(root, current, choice);
  store.on("sight", (sight) => drawCurrent(current, sight));
  load(choice, store);
  // What could not be listed while the console was away is listed when it is back; and a console
  // that was started anew may have others.
  store.on("again", () => load(choice, store));
}

async function load(root, store) {
  try {
    const { kinds, when } = await api.get("/faults");
    const known = kinds.map((kind) => ({
      ...kind,
      ...KINDS[kind.fault],
      fieldNames: KINDS[kind.fault]?.fields ?? {},
      group: KINDS[kind.fault]?.group ?? "others",
    }));
    replace(
      root,
      GROUPS.map(([group, title, iconName]) =>
        groupOf(
          title,
          iconName,
          known.filter((each) => each.group === group),
          when,
          store,
        ),
      ),
    );
  } catch (problem) {
    replace(
      root,
      el(
        "p",
        { class: "field-error" },
        icon("critical"),
        `The faults cannot be listed: ${problem.message}`,
      ),
      button("Try again", { onClick: () => load(root, store) }),
    );
  }
}

function groupOf(title, iconName, kinds, when, store) {
  if (kinds.length === 0) return null;
  return el(
    "div",
    { class: "doing-group", role: "group", "aria-label": title },
    el("h3", { class: "doing-title" }, icon(iconName), title),
    el(
      "div",
      { class: "doing-buttons" },
      kinds.map((kind) =>
        button(kind.label, {
          title: kind.doc,
          dataset: undefined,
          onClick: () => inject(kind, when, store),
          "data-fault": kind.fault,
        }),
      ),
    ),
  );
}

/* ---- injecting ---- */

function inject(kind, when, store) {
  const fields = kind.parameters.map((each) => named(each, fittedField(kind, each, store)));
  const delay = {
    ...when.find((each) => each.name === "at_ms"),
    name: "delay",
    label: "Begins after",
    doc: null,
    minimum: 0,
    maximum: LONGEST_MS,
    default: "at once",
  };
  const lasting = {
    ...when.find((each) => each.name === "for_ms"),
    label: "Lasts",
    doc: null,
    minimum: 1_000,
    maximum: LONGEST_MS,
  };
  const all = [...fields, delay, ...(kind.takes_duration ? [lasting] : [])];
  return askAndDo({
    title: kind.label,
    iconName: "fault",
    danger: kind.danger,
    fields: all,
    doText: kind.danger ? `${kind.label}: do it` : "Inject",
    columns: fields.length > 1,
    what: (values) => {
      const effect = kind.what ? kind.what(values) : kind.doc;
      if (!effect) return null;
      return [effect, timing(kind, values, store)];
    },
    send: (values) => api.send("POST", "/faults", bodyOf(kind, values, store)),
    done: () => `${kind.label} injected.`,
    undo: kind.takes_duration
      ? { text: "Clear", run: ({ fault_id: id }) => clear(id, kind.label) }
      : null,
  });
}

function fittedField(kind, field, store) {
  const more = { ...(kind.fieldNames[field.name] ?? {}) };
  if (field.name === "planned_at_ms" && store.sight) {
    const implanted = store.sight.belief.implanted_at_local_ms;
    Object.assign(more, {
      minimum: implanted,
      maximum: implanted + 50 * 366 * DAY_MS,
      value: Math.round(store.localNow() / DAY_MS) * DAY_MS + 365 * DAY_MS,
    });
  }
  return more;
}

function timing(kind, { delay = 0, for_ms: lasts }, store) {
  const begins =
    delay > 0
      ? `It begins in ${duration(delay)}, at ${clock(store.localNow() + delay)}`
      : "It begins at once";
  if (!kind.takes_duration) return `${begins}.`;
  return lasts
    ? `${begins} and is over after ${duration(lasts)}.`
    : `${begins} and stays until you clear it.`;
}

function bodyOf(kind, values, store) {
  const { delay, for_ms: lasts, ...own } = values;
  const parameters = kind.ready ? kind.ready(own) : own;
  if (parameters.planned_at_ms !== undefined)
    parameters.planned_at_ms -= store.sight.belief.implanted_at_local_ms;
  const body = { fault: kind.fault, parameters };
  if (delay)
    body.at_ms = Math.ceil(store.sight.clock.therapy_ms + store.therapySinceFrame() + delay);
  if (lasts) body.for_ms = lasts;
  return body;
}

/* ---- what is there ---- */

function drawCurrent(root, sight) {
  const faults = sight.faults ?? [];
  const shown = faults.map(({ begins_elapsed_ms: from, ends_elapsed_ms: until, ...rest }) => ({
    ...rest,
    from,
    until,
  }));
  if (!changed(root, shown)) return;
  const start = sight.clock.clock_local_ms - sight.clock.elapsed_ms;
  replace(
    root,
    shown.length
      ? shown.map((each) => item(each, start))
      : el("li", { class: "faults-none muted small" }, "Nothing is broken."),
  );
}

function item(fault, start) {
  const name = KINDS[fault.fault]?.label ?? sentence(fault.text);
  const when = fault.active
    ? `Active since ${clock(start + fault.from)}`
    : `Begins ${clock(start + fault.from)}`;
  const until = fault.until === undefined ? null : fault.until;
  const sameDay = until !== null && date(start + until) === date(start + fault.from);
  const ends = until === null ? "" : `, until ${(sameDay ? time : clock)(start + until)}`;
  return el(
    "li",
    { class: "fault", dataset: { fault: fault.fault } },
    icon(fault.active ? "fault" : "clock"),
    el(
      "div",
      { class: "grow fault-text" },
      el("span", {}, el("span", { class: "strong" }, name), parametersText(fault)),
      el("span", { class: "small muted num" }, `${when}${ends}`),
    ),
    button(fault.active ? "Clear" : "Cancel", {
      size: "small",
      "aria-label": `${fault.active ? "Clear" : "Cancel"}: ${name}`,
      onClick: () => clear(fault.fault_id, name),
    }),
  );
}

function parametersText(fault) {
  const { factor_ppm: factor, drift_ppm: drift, gauge_loss_ppm: loss } = fault.parameters ?? {};
  const ppm = factor ?? drift ?? loss;
  return ppm === undefined ? null : el("span", { class: "muted" }, ` ${number(ppm / 1e4, 4)} %`);
}

async function clear(id, name) {
  try {
    await api.send("DELETE", `/faults/${id}`);
    toast(`${sentence(words(name))} cleared.`, { kind: "ok", seconds: 3 });
  } catch (problem) {
    toast(problemText(problem), { kind: "critical" });
  }
}
