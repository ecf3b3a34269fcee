// What the pump believes and what is so, side by side, with the differences marked; and below them
// the battery and the dates that a clinician plans by.

import { badge, changed, el, icon, replace, setAttribute, setText } from "/static/shared/ui.js";
import {
  date,
  doseOf,
  duration,
  mcgPerDay,
  mcgPerMl,
  ml,
  mlPerDay,
  number,
  percent,
  sentence,
  words,
} from "/static/shared/format.js";

const MINUS = "\u2212";

export function mount(root, store) {
  const believes = column("belief", "The pump believes");
  const truth = column("truth", "What is true");
  const service = el("dl", { class: "kv service" });
  replace(
    root,
    el(
      "div",
      { class: "card facts" },
      el("div", { class: "facts-columns" }, believes.node, truth.node),
      el(
        "div",
        { class: "facts-service" },
        el("h3", { class: "visually-hidden" }, "Battery and service dates"),
        service,
      ),
    ),
  );
  store.on("sight", (sight) => {
    for (const row of rows(sight)) {
      believes.set(row.name, row.believed);
      truth.set(row.name, row.actual, row.differs);
    }
    drawService(service, sight);
  });
}

// A column of figures; rows stay where they are, and only texts that differ are written.
function column(kind, title) {
  const list = el("dl", { class: "facts-list" });
  const node = el(
    "section",
    { class: `facts-column facts-${kind}`, "aria-label": title },
    el("h2", { class: "facts-title" }, icon(kind === "belief" ? "pump" : "eye"), title),
    list,
  );
  const cells = new Map();
  const set = (name, shown, differs = null) => {
    if (!cells.has(name)) {
      const made = {
        term: el("dt", {}),
        value: el("dd", {}),
        mark: el("span", { class: "facts-mark" }),
      };
      made.text = el("span", { class: "num" });
      made.value.append(made.text, made.mark);
      made.row = el("div", { class: "facts-row", dataset: { row: name } }, made.term, made.value);
      list.append(made.row);
      cells.set(name, made);
    }
    const cell = cells.get(name);
    setText(cell.term, shown.label);
    setText(cell.text, shown.text);
    setAttribute(cell.text, "title", shown.text.length > 22 ? shown.text : null);
    setAttribute(cell.row, "data-differs", differs ? "true" : null);
    setAttribute(cell.row, "data-state", shown.state ?? null);
    if (changed(cell.mark, differs))
      replace(
        cell.mark,
        differs
          ? [
              el("span", { "aria-hidden": "true" }, "≠ "),
              el("span", { class: "visually-hidden" }, "differs: "),
              differs,
            ]
          : null,
      );
  };
  return { node, set };
}

/* ---- the rows ---- */

function rows(sight) {
  const { belief, truth, patient } = sight;
  const drug = belief.prescription.drugs?.[0];
  const concentration = drug?.concentration_ng_per_ml ?? null;
  const dose = concentration === null ? null : doseOf(belief.infusing_nl_per_day, concentration);
  return [
    volumeRow("volume", "Reservoir", belief.believed_volume_nl, truth.actual_volume_nl, 10_000),
    {
      name: "rate",
      believed: { label: "Flow now", text: mlPerDay(belief.infusing_nl_per_day) },
      actual: { label: "Flow now", text: mlPerDay(truth.actual_rate_nl_per_day) },
      differs: difference(belief.infusing_nl_per_day, truth.actual_rate_nl_per_day, 500, (by) =>
        number(by / 1e6, 3),
      ),
    },
    {
      name: "dose",
      believed: { label: `Dose now${drug ? `, ${drug.name}` : ""}`, text: mcgPerDay(dose) },
      actual: { label: "Reaches the patient", text: mcgPerDay(patient.tip_dose_ng_per_day) },
      differs:
        dose === null
          ? null
          : difference(dose, patient.tip_dose_ng_per_day, Math.max(100, dose * 0.005), (by) =>
              number(by / 1e3, 1),
            ),
    },
    {
      name: "concentration",
      believed: { label: "Concentration", text: mcgPerMl(concentration) },
      actual: { label: tipLabel(truth), text: mcgPerMl(truth.reservoir_concentration_ng_per_ml) },
      differs:
        concentration === null
          ? null
          : difference(concentration, truth.reservoir_concentration_ng_per_ml, 500, (by) =>
              number(by / 1e3, 1),
            ),
    },
    modeRow(belief, truth),
    volumeRow("delivered", "Delivered", belief.delivered_nl, truth.actual_delivered_nl, 10_000),
    clockRow(truth),
  ];
}

function volumeRow(name, label, believed, actual, least) {
  return {
    name,
    believed: { label, text: ml(believed) },
    actual: { label, text: ml(actual) },
    differs: difference(believed, actual, least, (by) => number(by / 1e6, 2)),
  };
}

// How much more (+) or less the truth is, in words; null where it is the same but for rounding.
function difference(believed, actual, least, shown) {
  const by = actual - believed;
  if (Math.abs(by) < least) return null;
  return `${by > 0 ? "+" : MINUS}${shown(Math.abs(by))}`;
}

function tipLabel(truth) {
  const tip = truth.tip_concentration_ng_per_ml;
  return tip === truth.reservoir_concentration_ng_per_ml
    ? "Concentration"
    : `Concentration (tip: ${number(tip / 1e3, 1)})`;
}

function modeRow(belief, truth) {
  const all = [
    [!truth.implanted, "pump explanted", "explanted"],
    [truth.stalled, "motor stalled", "stalled"],
    [truth.occluded, "catheter occluded", "occluded"],
    [truth.disconnected, "catheter disconnected", "disconnected"],
    [truth.runs_dry, "runs dry", "runs dry"],
  ].filter(([so]) => so);
  const broken = all.map(([, whole, short]) => (all.length === 1 ? whole : short));
  const usual = truth.actual_rate_nl_per_day > 0 ? "drug is delivered" : "nothing flows";
  const wrongFlow =
    truth.flow_factor_ppm !== 1_000_000 && broken.length === 0
      ? `delivers ${percent(truth.flow_factor_ppm, 1)} of it`
      : null;
  const held = belief.infusing_nl_per_day === 0 && belief.prescription.mode !== "stopped";
  // The pump can notice a stalled motor; of all the rest it knows nothing.
  const stallTold = belief.alarms.some((each) => each.alarm === "motor_stall" && each.active);
  const silent = all.some(([, whole]) => whole !== "motor stalled" || !stallTold) || wrongFlow;
  return {
    name: "mode",
    believed: {
      label: held ? "Mode (infusion is held)" : "Mode",
      text: sentence(words(belief.prescription.mode)),
    },
    actual: {
      label: "Pump and catheter",
      text: sentence(broken.join(", ") || wrongFlow || usual),
      state: broken.length ? "broken" : null,
    },
    differs: silent ? "no alarm for it" : null,
  };
}

function clockRow(truth) {
  const by = truth.pump_ms - truth.at_ms;
  const drift = truth.drift_ppm === 0 ? "" : `, ${number(truth.drift_ppm / 1e4, 2)} %`;
  return {
    name: "clock",
    believed: { label: "Since implant, its clock", text: duration(truth.pump_ms) },
    actual: { label: "Since implant", text: duration(truth.at_ms) },
    differs:
      Math.abs(by) < 1000
        ? drift
          ? `runs off${drift}`
          : null
        : `${by < 0 ? "+" : MINUS}${duration(Math.abs(by))}${drift}`,
  };
}

/* ---- battery and dates ---- */

const SERVICE = {
  in_service: ["ok", "In service"],
  eri: ["warn", "ERI: replace soon"],
  eos: ["critical", "End of service"],
};

function drawService(node, sight) {
  const { battery, service, belief } = sight;
  const [kind, text] = SERVICE[belief.service] ?? ["info", words(belief.service)];
  const soonest = service.empty_reservoir_local_ms;
  const shown = [
    ["Battery", `${percent(battery.remaining_ppm, 1)} left`],
    ["Service", text, kind],
    ["ERI", date(battery.eri_local_ms)],
    ["Replace by", date(battery.replace_local_ms)],
    ["Last refill", date(service.last_refill_local_ms)],
    ["Low reservoir", date(service.low_reservoir_local_ms)],
    ["Empty", date(soonest)],
    [
      "Prescription",
      `version ${belief.prescription_version}${belief.pending ? ", another one waits" : ""}`,
    ],
    belief.bolus
      ? ["Bolus", `${sentence(words(belief.bolus.kind ?? "bolus"))} running`, "info"]
      : null,
  ].filter(Boolean);
  if (!changed(node, shown)) return;
  replace(
    node,
    shown.map(([name, value, mark]) =>
      el(
        "div",
        { class: "service-pair" },
        el("dt", {}, name),
        el("dd", {}, mark && mark !== "ok" ? badge(mark, value) : value),
      ),
    ),
  );
}
