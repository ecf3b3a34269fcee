// Alarms: what is listed, and what a person may do about their tones. Status and log keep them all.

import { buildForm } from "/static/shared/forms.js";
import { sentence } from "/static/shared/format.js";
import { changed, confirm, el, icon, replace } from "/static/shared/ui.js";
import { post, put } from "../api.js";
import { actionButton, alarmBadge, atFields, outcome, problemOutcome, said, show, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as q from "../quantities.js";
import * as live from "../session.js";
import { alarmState } from "./interrogate.js";

const { session } = live;

function mount(root) {
  const list = el("div");
  const result = el("div");
  const tell = (node) => show(result, node);
  const draw = () => {
    if (!changed(list, [session.reading?.status.alarms, session.reading?.status.shown.next_tone, session.identity === null])) return;
    replace(list, session.reading && session.identity ? listed(session.reading.status, session.identity, tell) : waiting("Interrogating the pump"));
  };
  const tones = el("div", { class: "halves" }, titled("Test a tone", tester(tell)), titled("Critical tone", intervalForm(tell)));
  replace(root, stepHead("Alarms", "Acknowledging says that a person has seen an alarm; silencing holds its tone for a time. Neither mends the cause."), result, list, tones);
  draw();
  if (!session.reading) live.interrogate();
  return { update: draw };
}

export const alarms = { name: "alarms", title: "Alarms", needs: "alarms", acts: true, mount };

/** Do it, read the pump again, and say what became of it. */
async function doing(tell, title, request, form = null) {
  try {
    const done = await request();
    await live.interrogate();
    tell(outcome("done", title, [said((done.resolved ? `The answer was lost, but it was done: ${done.resolved.text}.` : done.shown.text).replaceAll(/,\n\s*/g, ", "))]));
  } catch (problem) {
    if (form && problem.errors.length && !atFields(problem, form.fail).length) return;
    const next = problem.code === "outcome_unknown" ? [stepLink("doubt", "Find out: ask the pump", "primary")] : [actionButton("Interrogate again", "Interrogating", live.interrogate)];
    tell(problemOutcome(problem, next));
  }
}

function listed(status, identity, tell) {
  const { shown } = status;
  if (!shown.alarms.length) return outcomeLess("No alarms", "The pump lists no alarm, and no tone is due.");
  const cards = shown.alarms.map((each) => el("li", {}, alarmCard(each, identity, tell)));
  return el("div", { class: "stack" }, el("ul", { class: "alarm-list" }, cards), shown.next_tone ? el("p", { class: "row" }, icon("bell"), `Next tone: ${shown.next_tone}`) : null);
}

const outcomeLess = (title, text) => el("div", { class: "card card-body" }, el("p", { class: "row strong" }, icon("ok"), title), el("p", { class: "muted" }, text));

function alarmCard(each, identity, tell) {
  const critical = each.class === "critical";
  const longest = critical ? identity.maximum_silence_critical_ms : identity.maximum_silence_non_critical_ms;
  const follows = each.active ? "The pump logs that a person has seen it. The alarm stays active as long as its cause does." : "The pump logs that a person has seen it, and no longer lists it.";
  const acknowledge = actionButton("Acknowledge", "Acknowledging", () => doing(tell, `${sentence(each.text)}: acknowledged`, () => post(`/alarms/${each.name}/acknowledge`)), {
    ask: () => confirm({ title: `Acknowledge ${each.text}?`, body: el("p", {}, follows), confirm: "Acknowledge" }),
  });
  const form = buildForm([{ name: "for", label: "Silence for", kind: "whole", unit: "ms", units: q.timeUnits(3_600_000), minimum: identity.minimum_silence_ms, maximum: longest, required: true, value: 3_600_000 }]);
  const time = () => q.duration(form.values().for);
  const held = "Its tone is held. The cause goes on, and the tone comes back afterwards if the alarm is still active.";
  const silence = actionButton("Silence", "Silencing", () => doing(tell, `${sentence(each.text)}: silenced for ${time()}`, () => post(`/alarms/${each.name}/silence`, { for: time() }), form), {
    ask: async () => form.check() && confirm({ title: `Silence ${each.text} for ${time()}?`, body: el("p", {}, held), confirm: "Silence" }),
  });
  return el(
    "section",
    { class: `card ${each.active ? (critical ? "card-critical" : "card-warn") : ""}`, "aria-label": each.text },
    el("div", { class: "card-head" }, el("h2", {}, sentence(each.text)), alarmBadge(each), el("span", { class: "muted" }, alarmState(each))),
    el(
      "div",
      { class: "card-body stack" },
      el("ul", { class: "plain" }, linesOf(each.line).map((line) => el("li", {}, line))),
      each.active ? el("div", { class: "field-action" }, form.node, silence, each.acknowledged ? null : acknowledge) : el("div", { class: "cluster" }, each.acknowledged ? null : acknowledge),
    ),
  );
}

/** What has happened to an alarm, a line each, without its name, which stands above them. */
const linesOf = (line) => line.replace(/^ALARM [^:]*: /, "").split(/,\n\s*/).map(sentence);

function tester(tell) {
  const sound = (name, text) => actionButton(`Sound the ${text} tone`, "Sounding", () => doing(tell, "The tone sounds", () => post("/alarms/test", { class: name })), { iconName: "sound" });
  return [el("p", { class: "muted" }, "The patient learns to know the tones. It changes nothing in the therapy."), el("div", { class: "cluster" }, sound("critical", "critical"), sound("non-critical", "non-critical"))];
}

function intervalForm(tell) {
  const place = el("div", { class: "stack" });
  const draw = () => {
    const { identity, reading } = session;
    if (!identity || !reading) return;
    stop();
    const now = reading.status.critical_interval_ms;
    const form = buildForm([{ name: "interval", label: "It repeats every", kind: "whole", unit: "ms", units: q.units.duration, minimum: identity.minimum_critical_interval_ms, maximum: identity.maximum_critical_interval_ms, required: true, value: now, doc: `Now: every ${q.duration(now)}.` }]);
    const time = () => q.duration(form.values().interval);
    const follows = `Now it repeats every ${q.duration(now)}. It counts for all critical alarms from now on.`;
    const set = actionButton("Set the interval", "Setting the interval", () => doing(tell, `The critical tone repeats every ${time()}`, () => put("/alarms/interval", { interval: time() }), form), {
      ask: async () => form.check() && confirm({ title: `Repeat the critical tone every ${time()}?`, body: el("p", {}, follows), confirm: "Set it" }),
    });
    replace(place, form.node, el("div", {}, set));
  };
  const stop = live.on("reading", draw);
  draw();
  return place;
}
