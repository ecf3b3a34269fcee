// Interrogate: how the pump stands, at a glance and in full.

import { changed, el, icon, replace, svg } from "/static/shared/ui.js";
import { sentence, words } from "/static/shared/format.js";
import { dayPictures, hasShape } from "../day-picture.js";
import { actionButton, alarmBadge, cautions, facts, problemOutcome, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as q from "../quantities.js";
import * as live from "../session.js";
import { bolusName } from "./bolus.js";

const { session } = live;
const SOON_MS = 14 * 86_400_000;
/** What stands above every step already. */
const ABOVE = /infusion is STOPPED|is staged/;
const LOW_BATTERY_PPM = 200_000;

function mount(root) {
  const body = el("div", { class: "stack" });
  replace(root, stepHead("Status", "What the pump says of itself. It measures no volume: it believes."), body);
  const draw = () => {
    body.classList.toggle("is-old", live.isLost());
    const { reading, readingProblem } = session;
    if (changed(body, [reading?.at, readingProblem?.message, live.isOpen(), live.may("program")])) replace(body, contents());
  };
  draw();
  if (!session.reading) live.interrogate();
  return { update: draw };
}

export const interrogate = { name: "interrogate", title: "Interrogate", needs: "interrogate", mount };

function contents() {
  const { reading, readingProblem } = session;
  const retry = [actionButton("Interrogate again", "Interrogating", live.interrogate, { kind: "primary" }), stepLink("connect", "See the connection")];
  const trouble = readingProblem && live.isOpen() ? problemOutcome(readingProblem, retry) : null;
  if (!reading) return trouble ?? waiting("Interrogating the pump");
  const { status } = reading;
  const clock = new q.PumpClock(status);
  const said = status.shown.warnings.filter(({ text }) => !ABOVE.test(text));
  return [
    trouble,
    said.length ? cautions(said) : null,
    el("div", { class: "glance" }, therapy(status), dose(status), flow(status, clock), alarmTile(status), reservoir(status), refillBy(status, clock), battery(status, clock)),
    el("div", { class: "halves" }, el("div", { class: "stack" }, alarmCard(status), prescription(status)), el("div", { class: "stack" }, ...full(status, "infusion", "reservoir", "service"))),
  ];
}

/* ---- at a glance ---- */

function tile(label, value, more, kind = "", extra = "") {
  return el(
    "section",
    { class: `tile ${kind} ${extra}`, "aria-label": label },
    el("p", { class: "tile-label" }, label),
    el("p", { class: "tile-value" }, value),
    [more].flat().map((each) => (each instanceof Node ? each : el("p", { class: "tile-more" }, q.grouped(each)))),
  );
}

/** An amount and its unit, the unit smaller. */
function amount(text) {
  const [number, ...unit] = q.grouped(text).split(" ");
  return [number, " ", el("small", {}, unit.join(" "))];
}

function therapy({ prescription, shown, prescription_version: version }) {
  const kind = prescription.mode === "stopped" || !prescription.drug_count ? "is-critical" : prescription.mode === "minimum_rate" ? "is-warn" : "";
  const mode = shown.stopped ? "STOPPED" : sentence(words(prescription.mode));
  const drug = prescription.drug_count ? `${prescription.drug_name} ${q.concentration(prescription.concentration_ng_per_ml, prescription.mass_unit)}` : "The drug is UNKNOWN: the pump has lost it";
  const more = prescription.drug_count > 1 ? `${drug}, and ${prescription.drug_count - 1} more in a mixture` : drug;
  return tile("Mode", mode, [more, `prescription version ${version}`], kind);
}

function dose({ prescription, current }) {
  if (!prescription.drug_count) return tile("Daily dose", "UNKNOWN", "program the pump in full", "is-critical");
  const { daily_dose_ng: ng, mass_unit: unit, rate_nl_per_day: rate } = prescription;
  const totals = current?.totals;
  const more = [`rate ${q.roughRate(rate)}`];
  if (totals && totals.with_patient_ng !== totals.mean_ng) more.push(`up to ${q.dailyDose(totals.with_patient_ng, unit)} on a day`);
  return tile("Daily dose", amount(q.dailyDose(ng, unit)), more);
}

function flow({ infusing_nl_per_day: rate, boluses, prescription, patient_boluses: patient }, clock) {
  const running = boluses.find((each) => each.outcome === "running");
  const more = [];
  if (running) {
    more.push(`${bolusName(running.kind)} RUNNING: ${q.roughVolume(running.delivered_nl)} of ${q.roughVolume(running.volume_nl)}, ends ${clock.away(running.started_at_ms + running.duration_ms)}`);
    more.push(el("a", { href: "#bolus", class: "small" }, "See the bolus"));
  } else if (rate !== prescription.rate_nl_per_day && prescription.mode !== "flex") {
    more.push(`programmed: ${q.roughRate(prescription.rate_nl_per_day)}`);
  } else {
    more.push("no bolus is running");
  }
  for (const each of patient) more.push(`patient boluses: ${each.left} of ${each.allotted_per_day} in 24 h left`);
  const nothing = rate === 0 && prescription.mode !== "stopped";
  return tile("Infusing now", amount(q.roughRate(rate)), more, nothing ? "is-critical" : "");
}

function alarmTile({ shown }) {
  const active = shown.alarms.filter((each) => each.active);
  if (!shown.alarms.length) return tile("Alarms", el("span", { class: "row" }, icon("ok"), "None"), "no tone");
  const critical = active.some((each) => each.class === "critical");
  const kind = critical ? "is-critical" : "is-warn";
  const more = [shown.alarms.map((each) => each.text).join(", ")];
  if (shown.next_tone) more.push(`next tone ${shown.next_tone}`);
  more.push(el("a", { href: "#alarms", class: "small" }, "See the alarms"));
  const value = active.length ? `${active.length} active` : `${shown.alarms.length} latched`;
  return tile("Alarms", value, more, kind);
}

function reservoir({ believed_volume_nl: believed, reservoir_capacity_nl: capacity, prescription }) {
  const threshold = prescription.low_reservoir_threshold_nl;
  const low = believed <= threshold;
  const part = (nl) => (100 * Math.min(nl, capacity)) / capacity;
  const gauge = svg(
    "svg",
    { class: `gauge ${low ? "is-low" : ""}`, viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "gauge-back", width: 100, height: 8 }),
    svg("rect", { class: "gauge-fill", width: part(believed), height: 8 }),
    svg("line", { class: "gauge-mark", x1: part(threshold), x2: part(threshold), y1: 0, y2: 8, "vector-effect": "non-scaling-stroke" }),
  );
  const value = [...amount(q.roughVolume(believed)), el("small", {}, ` of ${q.volume(capacity)}`)];
  return tile("Reservoir, as the pump believes", value, [gauge, `alarm at ${q.volume(threshold)} (the mark)`], low ? "is-critical" : "", "tile-wide");
}

function refillBy({ infusing_nl_per_day: flows, low_reservoir_at_ms: lowAt, empty_reservoir_at_ms: emptyAt, at_ms: now, last_refill_at_ms: last }, clock) {
  if (lowAt === null) return tile("Refill by", "never", [flows ? "the battery ends first" : "nothing flows", `last refill ${clock.day(last)}`]);
  const past = lowAt <= now;
  const kind = past ? "is-critical" : lowAt - now < SOON_MS ? "is-warn" : "";
  const more = [past ? `low since ${clock.away(lowAt)}` : clock.away(lowAt)];
  more.push(emptyAt === null ? "" : emptyAt <= now ? `EMPTY since ${clock.day(emptyAt)}` : `empty ${clock.day(emptyAt)}`);
  more.push(`last refill ${clock.day(last)}`);
  return tile("Refill by", clock.day(lowAt), more.filter(Boolean), kind);
}

const STATES = { in_service: "in service", eri: "replacement due (ERI)", eos: "END OF SERVICE" };
const ERI = "ERI is the elective replacement indicator: from then on the pump says that it has to be replaced within 90 days, after which it stops. Its date moves with what is delivered; the planned one is set.";

function battery(status, clock) {
  const { battery_remaining_ppm: ppm, service_state: state, eri_at_ms: eri, replacement_planned_at_ms: planned } = status;
  const kind = state === "eos" ? "is-critical" : state === "eri" || ppm < LOW_BATTERY_PPM ? "is-warn" : "";
  const on = (at) => `${clock.day(at)}${at === null ? "" : ` (${clock.away(at)})`}`;
  const indicator = el("p", { class: "tile-more" }, el("abbr", { title: ERI }, "ERI (replacement indicator)"), ` ${on(eri)}`);
  const more = [STATES[state] ?? words(state), `Replacement planned ${on(planned)}`, indicator];
  return tile("Battery", amount(q.percent(ppm)), more, kind);
}

/* ---- in full ---- */

const section = (shown, ...names) => shown.sections?.filter((each) => names.some((name) => each.title.toLowerCase().includes(name))) ?? [];

function prescription(status) {
  const [found] = section(status.shown, "prescription");
  const listed = found ? found.facts : status.shown.facts;
  const shape = hasShape(status.current?.prescription) ? dayPictures(status.current.prescription) : null;
  return titled("Prescription in force", facts(listed), shape, live.may("program") ? el("div", {}, stepLink("program", "Change it")) : null);
}

function alarmCard({ shown }) {
  if (!shown.alarms.length) return null;
  const rows = shown.alarms.map((each) => el("li", { class: "cluster" }, alarmBadge(each), el("strong", {}, sentence(each.text)), el("span", { class: "muted" }, alarmState(each))));
  return titled("Alarms", el("ul", { class: "alarm-list" }, rows), el("div", {}, stepLink("alarms", "Silence or acknowledge")));
}

export function alarmState(each) {
  const state = [each.active ? "active" : "over"];
  if (each.acknowledged) state.push("acknowledged");
  else if (!each.active) state.push("latched until acknowledged");
  if (each.silenced) state.push("silenced");
  return state.join(", ");
}

const full = ({ shown }, ...names) =>
  section(shown, ...names).map((each) => titled(each.title, facts(each.facts), each.title === "Service" ? el("p", { class: "muted small" }, ERI) : null));
