// Refill: what was drawn out against what was expected, and what the reservoir holds afterwards. The
// pump measures nothing: it believes what it is told here.

import { buildForm } from "/static/shared/forms.js";
import { badge, el, svg } from "/static/shared/ui.js";
import { post } from "../api.js";
import { actionButton, atFields, cautions, facts, marked, outcome, problemOutcome, said, show, stages, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as q from "../quantities.js";
import * as live from "../session.js";

const { session } = live;
const STAGES = ["Enter", "Review", "Tell the pump"];
const LEAD = "Draw out what is left and compare, fill the reservoir, and tell the pump what it holds now.";
const FLAGS = { over_infusion: "over-infusion", under_infusion: "under-infusion" };

function mount(root) {
  let form = null;

  const enter = () => {
    if (!session.reading) {
      show(root, stepHead("Refill", LEAD), waiting("Reading what is in force"));
      live.interrogate().then((read) => (read ? enter() : show(root, stepHead("Refill"), problemOutcome(session.readingProblem, [actionButton("Try again", "Reading", enter, { kind: "primary" })]))));
      return;
    }
    form = refillForm(session.reading.status);
    drawEntry();
  };

  const drawEntry = (note = null) => {
    const { status } = session.reading;
    const clock = new q.PumpClock(status);
    const known = [
      ["Expected now", `${q.roughVolume(status.believed_volume_nl)}, as the pump believes`],
      ["Capacity", q.volume(status.reservoir_capacity_nl)],
      ["Last refill", clock.when(status.last_refill_at_ms)],
    ];
    const review = actionButton("Review the refill", "Comparing", stage, { kind: "primary", size: "large", ask: async () => form.check() });
    show(
      root,
      stepHead("Refill", LEAD, stages(STAGES, "Enter")),
      el("div", { class: "halves" }, titled("What was drawn out and filled", form.node), titled("What the pump believes", facts(known), el("p", { class: "muted small" }, "A pump that delivers too much or too little raises no alarm. It shows here, by what is drawn out, and nowhere else."))),
      note,
      el("div", { class: "step-foot is-end" }, review),
    );
  };

  const stage = async () => {
    const { volume, aspirated } = form.values();
    const body = { volume: q.volume(volume), ...(aspirated === undefined ? {} : { aspirated: q.volume(aspirated) }) };
    try {
      drawReview(await post("/refill/review", body));
    } catch (problem) {
      const left = atFields(problem, form.fail);
      if (!problem.errors.length || left.length) drawEntry(problemOutcome(problem));
    }
  };

  const drawReview = (review) => {
    const tell = actionButton("Tell the pump", "Telling the pump", () => update(review), { kind: "primary", size: "large" });
    const back = actionButton("Back to the entry", "Going back", async () => drawEntry(), { iconName: "back", offline: true });
    show(
      root,
      stepHead("Review", "The pump still believes what it believed before.", stages(STAGES, "Review")),
      review.shown.warnings?.length ? cautions(review.shown.warnings) : null,
      marked("Expected and actual residual", ratioMark(review.residual), comparison(review.residual), facts(review.shown.facts)),
      el("div", { class: "step-foot" }, back, tell),
    );
  };

  const update = async (review) => {
    try {
      const done = await post("/refill/update", { review_id: review.review_id });
      await live.interrogate();
      drawDone(done);
    } catch (problem) {
      const next = problem.code === "outcome_unknown" ? [stepLink("doubt", "Find out: ask the pump", "primary")] : [actionButton("Back to the entry", "Reading what is in force", async () => enter(), { kind: "primary", offline: true }), stepLink("interrogate", "See the status")];
      show(root, stepHead("Refill", "", stages(STAGES, "Tell the pump")), problemOutcome(problem, next));
    }
  };

  const drawDone = (done) => {
    const body = done.resolved ? [el("p", {}, `The answer was lost, but it was done: ${done.resolved.text}.`)] : [said(done.shown.text)];
    const warnings = done.shown?.warnings ?? [];
    if (warnings.length) body.push(cautions(warnings));
    if (done.shown?.note) body.push(el("p", { class: "strong" }, done.shown.note));
    const next = [stepLink("interrogate", "See the status", "primary"), stepLink("report", "Report")];
    show(root, stepHead("Refill", "", stages(STAGES, "Tell the pump")), outcome("done", "The pump was told of the refill", body, next));
  };

  enter();
  return {};
}

export const refill = { name: "refill", title: "Refill", needs: "refill", acts: true, mount };

function refillForm({ reservoir_capacity_nl: capacity }) {
  return buildForm([
    { name: "aspirated", label: "Drawn out before the refill", kind: "whole", units: q.units.volume, minimum: 0, maximum: capacity, required: false, default: "nothing is compared" },
    { name: "volume", label: "Volume in the reservoir now", kind: "whole", units: q.units.volume, minimum: 0, maximum: capacity, required: true, doc: "Usable volume after the refill." },
  ]);
}

/** In which direction the delivered ratio is out, in words. */
function ratioMark({ ratio_flag: flag, ratio_judged: judged }) {
  if (flag) return badge("critical", FLAGS[flag] ?? flag);
  return judged ? badge("ok", "within 14.5 %") : badge("plain", "not judged");
}

/** Both residuals as bars on one scale. */
function comparison({ expected_nl: expected, actual_nl: actual, fill_nl: fill }) {
  const scale = Math.max(fill ?? 0, expected, actual ?? 0, 1);
  return el(
    "div",
    { class: "compare" },
    bar("Expected", expected, scale, "compare-expected"),
    actual === null ? el("p", { class: "muted" }, "What was drawn out was not said: nothing is compared.") : bar("Drawn out", actual, scale, "compare-actual"),
    fill === null ? null : el("p", { class: "muted small" }, `The whole bar is ${q.roughVolume(fill)}: what the pump was told at the last refill.`),
  );
}

function bar(label, nl, scale, kind) {
  const width = Math.max(0.5, (100 * nl) / scale);
  return el(
    "div",
    { class: "compare-row" },
    el("span", {}, label),
    svg("svg", { class: "compare-bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect", { class: "compare-back", width: 100, height: 10 }), svg("rect", { class: kind, x: 0.5, y: 1, width: Math.min(99, width), height: 8, "vector-effect": "non-scaling-stroke" })),
    el("b", { class: "num" }, q.roughVolume(nl)),
  );
}
