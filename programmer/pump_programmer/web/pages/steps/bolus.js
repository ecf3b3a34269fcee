// Bolus: a single or a priming bolus, reviewed before it is ordered; and the end of one that runs.

import { buildForm } from "/static/shared/forms.js";
import { words, sentence } from "/static/shared/format.js";
import { changed, el, replace } from "/static/shared/ui.js";
import { post } from "../api.js";
import { actionButton, atFields, cautions, choices, facts, isSevere, outcome, problemOutcome, show, stages, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as q from "../quantities.js";
import * as live from "../session.js";

const { session } = live;
const STAGES = ["Enter", "Review", "Order"];
const LEAD = "A bolus is delivered on top of the basal rate, with the drug and concentration in force.";

function mount(root) {
  let draft = null;
  let running = null;

  const enter = () => {
    running = el("div");
    draft = null;
    if (!session.reading || !session.identity) {
      show(root, stepHead("Bolus", LEAD), waiting("Reading what is in force"));
      live.interrogate().then((read) => (read ? enter() : show(root, stepHead("Bolus"), problemOutcome(session.readingProblem, [actionButton("Try again", "Reading", enter, { kind: "primary" })]))));
      return;
    }
    draft = bolusForm(session.identity, session.reading.status.prescription);
    drawEntry();
  };

  const drawEntry = (note = null) => {
    const { prescription } = session.reading.status;
    const review = actionButton("Review the bolus", "Preparing the review", stage, { kind: "primary", size: "large", ask: async () => draft.check() });
    const body = prescription.drug_count
      ? [titled("A new bolus", draft.node), note, el("div", { class: "step-foot is-end" }, review)]
      : [outcome("plain", "No bolus is possible", [el("p", {}, "The pump has lost its drug and concentration: program it in full first.")], [stepLink("program", "Program", "primary")])];
    show(root, stepHead("Bolus", LEAD, stages(STAGES, "Enter")), running, ...body);
    drawRunning();
  };

  const drawRunning = () => {
    if (running && changed(running, [session.reading?.at])) replace(running, runningCard(session.reading?.status, stop));
  };

  const stage = async () => {
    try {
      drawReview(await post("/bolus/review", draft.body()), draft.body().kind);
    } catch (problem) {
      const left = draft.showProblem(problem);
      if (!problem.errors.length || left.length) drawEntry(problemOutcome(problem));
    }
  };

  const drawReview = (review, kind) => {
    const order = actionButton("Order this bolus", "Ordering the bolus", () => deliver(review), { kind: review.shown.warnings.some(isSevere) ? "danger" : "primary", size: "large" });
    const back = actionButton("Back to the entry", "Going back", async () => drawEntry(), { iconName: "back", offline: true });
    running = null;
    show(
      root,
      stepHead("Review", "Nothing is ordered yet.", stages(STAGES, "Review")),
      review.shown.warnings?.length ? cautions(review.shown.warnings) : null,
      titled(kind === "priming" ? "Priming bolus" : "Single bolus", facts(review.shown.facts)),
      el("div", { class: "step-foot" }, back, order),
    );
  };

  const deliver = async (review) => {
    try {
      const done = await post("/bolus/order", { review_id: review.review_id });
      await live.interrogate();
      drawDone("done", done.resolved ? "The bolus was ordered" : "The bolus has begun", done.resolved ? `The answer was lost, but it was done: ${done.resolved.text}.` : done.shown.text);
    } catch (problem) {
      drawProblem(problem);
    }
  };

  const stop = async () => {
    try {
      const done = await post("/bolus/stop");
      await live.interrogate();
      drawDone("done", "The bolus has ended", done.resolved ? `The answer was lost, but it was done: ${done.resolved.text}.` : done.shown.text);
    } catch (problem) {
      drawProblem(problem);
    }
  };

  const again = () => actionButton("Another bolus", "Reading what is in force", async () => enter());

  const drawDone = (kind, title, text) => {
    running = el("div");
    show(root, stepHead("Bolus", "", stages(STAGES, "Order")), outcome(kind, title, [el("p", {}, text)], [stepLink("interrogate", "See the status", "primary"), again()]), running);
    drawRunning();
  };

  const drawProblem = (problem) => {
    running = null;
    const next = problem.code === "outcome_unknown" ? [stepLink("doubt", "Find out: ask the pump", "primary")] : [actionButton("Back to the entry", "Reading what is in force", async () => enter(), { kind: "primary", offline: true }), stepLink("interrogate", "See the status")];
    show(root, stepHead("Bolus", "", stages(STAGES, "Order")), problemOutcome(problem, next));
  };

  enter();
  return { update: drawRunning };
}

export const bolus = { name: "bolus", title: "Bolus", needs: "bolus", acts: true, mount };

/** A kind of bolus, as it is called: "single bolus", but "bridge". */
export const bolusName = (kind) => (kind === "bridge" ? "bridge" : `${words(kind)} bolus`);

/** A bolus that runs, with the button that ends it; it never asks, because less drug is wanted then. */
function runningCard(status, onStop) {
  const found = status?.boluses.find((each) => each.outcome === "running");
  if (!found) return null;
  const clock = new q.PumpClock(status);
  const part = found.volume_nl ? Math.min(100, (100 * found.delivered_nl) / found.volume_nl) : 0;
  return el(
    "section",
    { class: "card card-warn" },
    el("div", { class: "card-head" }, el("h2", {}, `${sentence(bolusName(found.kind))} is running`)),
    el(
      "div",
      { class: "card-body stack" },
      el("div", { class: "progress", role: "progressbar", "aria-label": "Delivered", "aria-valuenow": Math.round(part), "aria-valuemin": "0", "aria-valuemax": "100", vars: { "--part": `${part}%` } }, el("span")),
      el("p", {}, `${q.roughVolume(found.delivered_nl)} of ${q.roughVolume(found.volume_nl)} when the pump was interrogated; it ends ${clock.when(found.started_at_ms + found.duration_ms)}.`),
      el("div", { class: "cluster" }, actionButton("End this bolus now", "Ending the bolus", onStop, { kind: "danger" }), el("span", { class: "muted small" }, "At once and without a question. The basal rate goes on; the pump takes no other bolus while this one runs.")),
    ),
  );
}

function bolusForm(identity, prescription) {
  const unit = prescription.mass_unit;
  const over = { name: "duration", label: "Delivered over", kind: "whole", unit: "ms", units: q.units.duration, minimum: identity.minimum_bolus_duration_ms, maximum: identity.maximum_bolus_duration_ms, required: true };
  const forms = {
    single: buildForm([{ name: "dose", label: "Dose", kind: "whole", units: q.units.dose(unit), minimum: 1, maximum: identity.maximum_bolus_dose_ng, required: true }, { ...over }], { columns: true }),
    priming: buildForm([{ name: "volume", label: "Volume", kind: "whole", units: q.units.volume, minimum: 1, maximum: identity.maximum_priming_volume_nl, required: true, doc: `The tubing in the pump holds ${q.volume(identity.internal_tubing_volume_nl)}.` }, { ...over }], { columns: true }),
  };
  let kind = "single";
  const place = el("div");
  const follows = el("output", { class: "inset small" });
  const choose = choices("Kind of bolus", [{ name: "single", title: "Single bolus", doc: "a dose for the patient" }, { name: "priming", title: "Priming bolus", doc: "fills the tubing in the pump and the catheter" }], kind, (name) => {
    kind = name;
    draw();
  }, true);
  const draw = () => {
    replace(place, forms[kind].node);
    drawFollows();
  };
  const drawFollows = () => {
    const { dose, volume } = forms[kind].values();
    const strength = prescription.concentration_ng_per_ml;
    if (dose && strength) replace(follows, `${q.volume(q.volumeForDose(dose, strength))} at ${q.grouped(q.concentration(strength, unit))}.`);
    else if (volume && strength) replace(follows, `${q.grouped(q.dose(q.doseForRate(volume, strength), unit))} of ${prescription.drug_name}; whatever exceeds tubing and catheter reaches the patient at once.`);
    else replace(follows, "Dose and volume follow from each other and the concentration in force.");
  };
  place.addEventListener("input", drawFollows);
  draw();
  return {
    node: el("div", { class: "stack" }, choose, place, follows),
    check: () => forms[kind].check(),
    body() {
      const { dose, volume, duration } = forms[kind].values();
      const amount = kind === "single" ? { dose: q.dose(dose, unit) } : { volume: q.volume(volume) };
      return { kind, ...amount, duration: q.duration(duration) };
    },
    showProblem: (problem) => atFields(problem, forms[kind].fail),
  };
}
