// Program: entry, review, commit. Nothing is in force before the commit, and nothing is committed
// that was not reviewed.

import { sentence } from "/static/shared/format.js";
import { confirm, el, icon } from "/static/shared/ui.js";
import { post } from "../api.js";
import { actionButton, cautions, isSevere, outcome, problemOutcome, said, show, stages, stepHead, stepLink, waiting } from "../parts.js";
import * as q from "../quantities.js";
import * as live from "../session.js";
import { programForm } from "./program-form.js";
import { countdown, retyped, reviewParts } from "./program-review.js";

const { session } = live;
const STAGES = ["Enter", "Review", "Commit"];
const AROUND = new Set(["age", "aetiology", "take_over", "bridge", "catheter"]);

function mount(root) {
  let form = null;
  let held = null; // the review that this page holds, {review, stop}
  let builtFor = null;

  const enter = () => {
    const current = session.reading?.status.current;
    if (!current || !session.identity) {
      show(root, stepHead("Program", "A new prescription, entered, reviewed and committed."), waiting("Reading what is in force"));
      live.interrogate().then((read) => (read ? enter() : show(root, stepHead("Program"), problemOutcome(session.readingProblem, [actionButton("Try again", "Reading", enter, { kind: "primary" })]))));
      return;
    }
    if (!form || builtFor !== current.digest) {
      form = programForm(session.identity, current);
      builtFor = current.digest;
    }
    drawForm();
  };

  const drawForm = (...notes) => {
    const review = actionButton("Review the changes", "Staging it for the review", () => stage(), { kind: "primary", size: "large", ask: ready });
    const fresh = actionButton("Begin again from what is in force", "Reading what is in force", begin, { iconName: "reset" });
    show(
      root,
      stepHead("Program", "What you leave as it is stays as it is. Nothing is sent to be in force before you have reviewed it.", stages(STAGES, "Enter")),
      ...notes,
      form.node,
      el("div", { class: "step-foot is-sticky" }, fresh, review),
    );
  };

  const begin = async () => {
    form = null;
    await live.interrogate();
    enter();
  };

  const summary = (texts) =>
    el("section", { class: "error-summary", role: "alert" }, el("h2", { tabindex: "-1" }, "Mend this first"), el("ul", {}, texts.map((text) => el("li", {}, text))));

  /** Whether there is something to review; if not, it is said why. */
  const ready = async () => {
    const body = form.body();
    if (body === null) return false;
    if (Object.keys(body).some((key) => !AROUND.has(key))) return true;
    drawForm(summary(["Nothing differs from what is in force: change something, or leave this step."]));
    return false;
  };

  const stage = async (takeOver = false) => {
    const body = form.body();
    try {
      drawReview(await post("/program/review", takeOver ? { ...body, take_over: true } : body));
    } catch (problem) {
      refusedEntry(problem);
    }
  };

  const refusedEntry = (problem) => {
    if (problem.code === "review_held") {
      const over = actionButton("Drop their review and take over", "Staging it for the review", () => stage(true), { kind: "danger" });
      drawForm(outcome("refused", "Another page holds a review", [said(problem.message)], [over]));
      return;
    }
    const left = form.showProblem(problem);
    if (["bad_value", "refused"].includes(problem.code) && problem.errors.length) {
      const field = root.querySelector("[aria-invalid=true]");
      if (left.length || !field) drawForm(summary(left.length ? left : [problem.message]));
      form.showProblem(problem);
      root.querySelector("[aria-invalid=true]")?.focus();
      return;
    }
    drawForm(problemOutcome(problem));
  };

  /* ---- review ---- */

  const drawReview = (review) => {
    const dose = retyped(review);
    const end = countdown(review.expires_in_ms, () => over("The review has expired", "The pump has dropped what was staged. Nothing was committed; therapy is as it was."));
    held = { review, stop: end.stop, seen: false };
    const dangerous = review.must_confirm || review.warnings.some(isSevere);
    const go = actionButton("Commit to the pump", "Committing and reading back", () => commit(review, dose), { kind: dangerous ? "danger" : "primary", size: "large", ask: async () => !dose || dose.form.check() });
    const back = actionButton("Back to the entry", "Dropping what is staged", () => rollBack(enter), { iconName: "back" });
    show(
      root,
      stepHead("Review", "It is staged on the pump and NOT in force. Compare, and then commit it or go back.", stages(STAGES, "Review")),
      ...reviewParts(review),
      el(
        "section",
        { class: dangerous ? "confirm is-danger" : "confirm", "aria-label": "Commit" },
        dose?.node ?? el("p", { class: "row" }, icon("info"), el("span", {}, `Version ${review.pending_version} replaces version ${review.current_version} as soon as it is committed, and is read back and compared.`)),
        end.node,
      ),
      el("div", { class: "step-foot" }, back, go),
    );
  };

  const letGo = () => {
    held?.stop();
    held = null;
  };

  const over = (title, text) => {
    letGo();
    const again = actionButton("Review again", "Staging it for the review", () => stage(), { kind: "primary" });
    show(root, stepHead("Program"), outcome("refused", title, [el("p", {}, text)], [again, actionButton("Back to the entry", "Reading what is in force", async () => enter())]));
  };

  const rollBack = async (then) => {
    const id = held?.review.review_id;
    letGo();
    try {
      if (id) await post("/program/rollback", { review_id: id });
    } catch (problem) {
      if (problem.code !== "stale_review") {
        show(root, stepHead("Program"), problemOutcome(problem, [actionButton("Back to the entry", "Reading what is in force", async () => enter(), { offline: true })]));
        return;
      }
    }
    then();
  };

  /* ---- commit ---- */

  const commit = async (review, dose) => {
    try {
      const done = await post("/program/commit", { review_id: review.review_id, ...(dose ? { confirmed_dose: q.ungrouped(dose.form.values().confirmed_dose) } : {}) });
      letGo();
      form = null;
      await live.interrogate();
      drawDone(done, review);
    } catch (problem) {
      await refusedCommit(problem, dose);
    }
  };

  const refusedCommit = async (problem, dose) => {
    if (problem.code === "not_confirmed" && !problem.members.rolled_back && dose) {
      dose.form.fail("confirmed_dose", sentence(problem.message));
      return;
    }
    letGo();
    const committed = problem.code === "verification_failed" && problem.members.committed;
    if (committed) form = null;
    const next = {
      outcome_unknown: stepLink("doubt", "Find out: ask the pump", "primary"),
      unreachable_act: stepLink("interrogate", "Interrogate", "primary"),
      verification_failed: stepLink("interrogate", "Interrogate the pump", "primary"),
    }[problem.code];
    const actions = next ? [next] : [actionButton("Back to the entry", "Reading what is in force", async () => enter(), { kind: "primary", offline: true }), stepLink("interrogate", "See the status")];
    show(root, stepHead("Commit", "", stages(STAGES, "Commit")), problemOutcome(problem, actions));
  };

  const drawDone = (done, review) => {
    const next = [stepLink("interrogate", "See the status", "primary"), stepLink("report", "Report"), actionButton("Program again", "Reading what is in force", begin)];
    const body = [];
    if (done.resolved) {
      body.push(el("p", {}, `The answer was lost, but it was done: ${done.resolved.text}.`));
    } else {
      body.push(el("p", {}, done.shown.text));
      if (done.shown.low_reservoir) body.push(el("p", {}, done.shown.low_reservoir));
      if (done.shown.warnings?.length) body.push(cautions(done.shown.warnings));
    }
    const changes = review.rows.filter((row) => row.changed && !row.repeats).map((row) => el("li", {}, `${row.label}: ${row.current} \u2192 ${row.pending}`));
    if (changes.length) body.push(el("details", {}, el("summary", {}, `${changes.length} settings were changed`), el("ul", {}, changes)));
    const title = done.resolved ? "Committed" : "Committed and read back: verified";
    show(root, stepHead("Commit", "", stages(STAGES, "Commit")), outcome("done", title, body, next));
  };

  /** Whether the programmer still holds what is reviewed here: another page may have taken over. */
  const update = () => {
    if (!held || session.acting || !live.isOpen()) return;
    const still = session.state.review?.review_id === held.review.review_id;
    if (still) held.seen = true;
    else if (held.seen) over("This review is over", "Another page has taken over, or the pump was programmed meanwhile. Nothing was committed from here. Review again, against what is in force now.");
  };

  enter();
  return {
    update,
    /** Another step: what is staged is dropped, if the person says so. */
    async leave() {
      if (!held) return true;
      const yes = await confirm({ title: "Leave the review?", body: el("p", {}, "What is staged on the pump is dropped. Therapy goes on unchanged, and what you entered is lost."), confirm: "Drop it and leave", cancel: "Stay" });
      if (yes) await rollBack(() => undefined);
      return yes;
    },
    end: letGo,
  };
}

export const program = { name: "program", title: "Program", needs: "program", acts: true, mount };
