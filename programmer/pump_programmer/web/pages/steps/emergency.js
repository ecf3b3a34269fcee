// Emergency access: without any key, for somebody at the patient: the programming head on the pump,
// and its button pressed. It reads, goes down to the minimum rate, or stops; nothing more.

import { el, icon, replace } from "/static/shared/ui.js";
import { post } from "../api.js";
import { actionButton, facts, outcome, problemOutcome, said, show, stepHead, stepLink, titled } from "../parts.js";

const ACTS = {
  status: { title: "Read the emergency status", doc: "Drug, concentration, rate, reservoir and alarms. It changes nothing.", path: "/emergency/status", doing: "Reading the status" },
  minimum_rate: { title: "Go to the minimum rate", doc: "It treats nobody, and keeps the catheter open. Boluses end. Withdrawal may follow.", path: "/emergency/minimum-rate", doing: "Going to the minimum rate", asks: true },
  stop: { title: "Stop all infusion", doc: "Nothing flows until a clinician programs the pump. Withdrawal may follow, and from baclofen it can kill.", path: "/emergency/stop", doing: "Stopping the infusion", asks: true },
};

function mount(root) {
  const place = el("div", { class: "stack" });

  const enter = () => {
    show(
      place,
      titled(
        "First, at the patient",
        el("ol", { class: "numbered" }, el("li", {}, "Lay the programming head on the pump."), el("li", {}, "Press the button on the head. That says that you mean it, and holds for 30 s."), el("li", {}, "Then choose below. For each act the button is pressed once more if 30 s have passed.")),
      ),
      el("div", { class: "stack" }, Object.values(ACTS).map((each) => actCard(each))),
    );
  };

  const actCard = (each) => {
    const begin = actionButton(each.asks ? `${each.title}\u2026` : each.title, each.asks ? "Asking which pump" : each.doing, () => (each.asks ? ask(each) : act(each)), { kind: each.asks ? "danger" : "primary", offline: true });
    return el("section", { class: `card act-card ${each.asks ? "card-critical" : ""}`, "aria-label": each.title }, el("div", { class: "grow" }, el("h2", {}, each.title), el("p", { class: "muted" }, each.doc)), begin);
  };

  /** What is about to happen, said by the programmer of the pump that answers, before it is agreed to. */
  const ask = async (each) => {
    let found;
    try {
      found = await post("/emergency/identify", {});
    } catch (problem) {
      failed(problem, each);
      return;
    }
    const warning = each === ACTS.stop ? found.warnings.stop : found.warnings.minimum_rate;
    const yes = actionButton(`Yes: ${each.title.toLowerCase()} now`, each.doing, () => act(each), { kind: "danger", size: "large", offline: true });
    show(
      place,
      el(
        "section",
        { class: "confirm is-danger", role: "group", "aria-label": each.title },
        el("h2", { tabindex: "-1", class: "row" }, icon("critical"), `${each.title}?`),
        el("p", {}, "Pump ", el("strong", {}, found.pump.serial_number), `, model ${found.pump.model}.`),
        said(warning),
        el("p", { class: "strong" }, "The programming head must lie on the pump, and its button must have been pressed within the last 30 s."),
        el("div", { class: "step-foot" }, actionButton("No, go back", "Going back", async () => enter(), { offline: true }), yes),
      ),
    );
  };

  const act = async (each) => {
    try {
      done(each, await post(each.path, each.asks ? { confirmed: true } : {}));
    } catch (problem) {
      failed(problem, each);
    }
  };

  const back = () => actionButton("Back to emergency access", "Going back", async () => enter(), { offline: true });

  const done = (each, answer) => {
    if (!each.asks) {
      const alarms = answer.shown.alarms?.length ? el("ul", {}, answer.shown.alarms.map((line) => el("li", {}, typeof line === "string" ? line : line.line))) : el("p", {}, "No alarms.");
      show(place, outcome("plain", "Emergency status", [facts(answer.shown.facts), alarms, el("p", { class: "muted small" }, "Nothing proves that it was the pump that said so: emergency access uses no key.")], [back()]));
      return;
    }
    show(place, outcome("done", each === ACTS.stop ? "All infusion is STOPPED" : "The pump is at its minimum rate", [said(answer.shown.text)], [stepLink("interrogate", "See the status", "primary"), back()]));
  };

  const failed = (problem, each) => {
    // What is done already is not done twice, so that an unknown outcome is settled by the act itself.
    const direct = !each.asks || problem.code === "outcome_unknown";
    const again = actionButton("Ask again", direct ? each.doing : "Asking which pump", () => (direct ? act(each) : ask(each)), { kind: "primary", offline: true });
    const panel = problemOutcome(problem, [again, back()]);
    if (problem.code === "outcome_unknown") panel.querySelector(".said").after(el("p", { class: "strong" }, "Ask again: what is done already is not done twice."));
    show(place, panel);
  };

  replace(root, stepHead("Emergency access", "For somebody at the patient who has no key, and means it. It uses no key, and the pump\u2019s log keeps it."), place);
  enter();
  return {};
}

export const emergency = { name: "emergency", title: "Emergency", icon: "critical", emergency: true, mount };
