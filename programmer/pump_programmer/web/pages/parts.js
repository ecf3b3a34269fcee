// Parts that several steps are made of: their heads, facts, cautions, questions and outcomes.

import { announce, badge, button, el, icon, replace } from "/static/shared/ui.js";
import { sentence } from "/static/shared/format.js";
import { grouped } from "./quantities.js";
import { act, isOpen, on, session } from "./session.js";

/** The head of a step; its heading takes the focus when the step begins. */
export function stepHead(title, lead, ...end) {
  return el(
    "div",
    { class: "step-head" },
    el("div", {}, el("h1", { tabindex: "-1" }, title), lead ? el("p", { class: "step-lead" }, lead) : null),
    end,
  );
}

/** Where a person is on the way from an entry to what the pump did. */
export function stages(names, current) {
  const marks = names.map((name) => el("li", { "aria-current": name === current ? "step" : null }, name));
  return el("ol", { class: "progress-steps", "aria-label": "Progress" }, marks);
}

export const facts = (pairs) =>
  el("dl", { class: "facts" }, pairs.map(([label, text]) => [el("dt", {}, label), el("dd", {}, grouped(text))]));

/** What the programmer says in several lines: sentences, and a list where the first line ends with a colon. */
export function said(message) {
  const [first, ...lines] = grouped(String(message)).trim().split("\n").map((line) => line.trim());
  const rest = first.endsWith(":") ? el("ul", {}, lines.map((line) => el("li", {}, sentence(line)))) : lines.map((line) => el("p", {}, sentence(line)));
  return el("div", { class: "stack-tight said" }, el("p", {}, sentence(first)), lines.length ? rest : null);
}

/** A card with a heading, which names it. */
export function titled(title, ...body) {
  return marked(title, null, ...body);
}

/** The same with a mark beside the heading. */
export function marked(title, mark, ...body) {
  const heading = el("h2", {}, title);
  return el("section", { class: "card" }, el("div", { class: "card-head" }, heading, mark), el("div", { class: "card-body stack" }, body));
}

/** What to think of, in the order in which the programmer tells it: most severe first. */
export const cautions = (list) => el("ul", { class: "cautions" }, list.map(caution));

/** Whether it is a warning; the programmer says so. */
export const isSevere = ({ severity }) => severity === "warning";

function caution(each) {
  const severe = isSevere(each);
  return el(
    "li",
    { class: severe ? "caution is-severe" : "caution" },
    icon(severe ? "critical" : "warn"),
    el("p", {}, el("strong", {}, severe ? "Warning: " : "Caution: "), grouped(each.text)),
    each.source ? el("p", { class: "caution-source" }, `Source: ${each.source}`) : null,
  );
}

/* ---- choosing ---- */

/** What stands at a field about what is in force. */
export const now = (text) => `In force: ${grouped(text)}.`;

/** Cards of which one is chosen. */
export function choices(label, list, chosen, onChoose, two = false) {
  const group = `choice-${label.replaceAll(/\W+/g, "-").toLowerCase()}`;
  const cards = list.map((each) =>
    el(
      "label",
      { class: each.danger ? "choice is-danger" : "choice" },
      el("input", { type: "radio", name: group, value: each.name, checked: each.name === chosen, on: { change: () => onChoose(each.name) } }),
      el("b", {}, each.title, each.now ? [" ", badge("plain", "in force")] : null),
      el("span", {}, each.doc),
    ),
  );
  return el("fieldset", {}, el("legend", { class: "visually-hidden" }, label), el("div", { class: two ? "choices is-two" : "choices" }, cards));
}

/**
 * Show what is wrong at the fields that it is about.
 * @param {(field: string, text: string) => boolean} fail shows a text at a field, if there is such a one
 * @returns {string[]} what is about no field
 */
export function atFields(problem, fail) {
  const texts = new Map();
  for (const { field, why, allowed } of problem.errors) {
    const range = allowed && !/\ballowed\b/i.test(why) ? ` Allowed: ${allowed}.` : "";
    texts.set(field, [...(texts.get(field) ?? []), sentence(why).replace(/[^.!?]$/, "$&.") + range]);
  }
  return [...texts].filter(([field, found]) => !field || !fail(field, found.join(" "))).flatMap(([, found]) => found);
}

/* ---- acting, once ---- */

/**
 * A button that does something with the pump: one press does it once, and while it is under way, or
 * the pump is out of reach, nothing can be begun. *task* shows its own outcome.
 * @param {{offline?: boolean, ask?: () => Promise<boolean>}} options offline: it needs no connection;
 *   ask: asks the person first, and only if they agree it is begun
 */
export function actionButton(text, doing, task, { offline = false, ask = null, ...options } = {}) {
  const node = button(text, { ...options, "data-acts": offline ? "offline" : "pump" });
  const label = node.querySelector("span");
  node.addEventListener("click", async () => {
    if (node.getAttribute("aria-disabled") === "true") return;
    if (ask && !(await ask())) return;
    const wheel = spinner();
    await act(doing, async () => {
      node.prepend(wheel);
      label.textContent = `${doing}\u2026`;
      announce(`${doing}\u2026`);
      try {
        await task();
      } finally {
        wheel.remove();
        label.textContent = text;
      }
    });
  });
  queueMicrotask(drawActions);
  return node;
}

/** Buttons that act can be pressed only while nothing is under way and the pump is there. */
function drawActions() {
  for (const node of document.querySelectorAll("[data-acts]")) {
    const closed = session.acting !== null || (node.dataset.acts === "pump" && !isOpen());
    if (closed) node.setAttribute("aria-disabled", "true");
    else node.removeAttribute("aria-disabled");
  }
}

on("state", drawActions);
on("acting", drawActions);

export const spinner = () => el("span", { class: "spinner", "aria-hidden": "true" });

export const waiting = (text) => el("p", { class: "waiting", role: "status" }, spinner(), el("span", {}, text));

/** Show something where something else stood, and lead the keyboard and the voice there. */
export function show(root, ...children) {
  replace(root, children);
  focusHeading(root);
}

export function focusHeading(root) {
  const heading = root.querySelector("h1[tabindex], h2[tabindex]");
  window.scrollTo(0, 0);
  heading?.focus({ preventScroll: true });
}

/* ---- outcomes ---- */

const OUTCOMES = {
  done: { icon: "ok", class: "" },
  refused: { icon: "close", class: "is-refused" },
  unknown: { icon: "warn", class: "is-unknown" },
  plain: { icon: "info", class: "is-plain" },
};

/**
 * What became of something, with what to do next.
 * @param {"done"|"refused"|"unknown"|"plain"} kind
 */
export function outcome(kind, title, body = [], actions = []) {
  announce(title, { assertive: kind !== "done" });
  const { icon: name, class: more } = OUTCOMES[kind];
  return el(
    "section",
    { class: `outcome ${more}` },
    icon(name),
    el(
      "div",
      { class: "outcome-body" },
      el("h2", { tabindex: "-1" }, title),
      body,
      actions.length ? el("div", { class: "cluster" }, actions) : null,
    ),
  );
}

const TITLES = {
  refused: "The pump refused",
  bad_value: "Something has to be mended first",
  not_confirmed: "Not confirmed",
  not_done: "NOT carried out",
  outcome_unknown: "UNKNOWN whether it was done",
  in_doubt: "An earlier outcome is UNKNOWN",
  stale_review: "This review is over",
  review_held: "Another page holds a review",
  not_connected: "Not connected",
  no_answer: "No answer from the pump",
  pump_gone: "The port was lost",
  port_missing: "The port is not there",
  port_busy: "Another program has the port",
  port_unavailable: "The port cannot be used",
  not_permitted: "The key does not allow it",
  verification_failed: "NOT VERIFIED",
  wrong_peer: "What answers is no pump of this protocol",
  pump_unproven: "What answers could not prove that it is the pump",
  authentication_failed: "The pump does not take this key",
  authentication_locked: "The pump looks at no key for a while",
  insecure_pump: "This pump has no security",
  no_key: "There is no key for this pump",
  key_store: "The stored keys cannot be used",
  busy: "The programmer is busy",
  missing_extra: "A part of the programmer is not installed",
  unauthorized: "A token is wanted",
  unreachable: "The programmer does not answer",
  unreachable_act: "UNKNOWN: the programmer does not answer",
};

const UNCHANGED = new Set(["refused", "not_done", "no_answer", "not_permitted"]);

const UNKNOWNS = new Set(["outcome_unknown", "in_doubt", "unreachable_act"]);

/** A problem as an outcome: what it was, every reason, and what to do next. */
export function problemOutcome(problem, actions = []) {
  const unknown = UNKNOWNS.has(problem.code) || (problem.code === "verification_failed" && problem.members.committed);
  const body = [said(problem.message)];
  if (problem.code === "authentication_locked" && problem.members.for_ms) {
    body.push(el("p", {}, `Try again in ${Math.ceil(problem.members.for_ms / 1000)} s. Emergency access goes on meanwhile.`));
  }
  if (UNCHANGED.has(problem.code)) body.push(el("p", { class: "strong" }, "Therapy is as it was."));
  return outcome(unknown ? "unknown" : "refused", TITLES[problem.code] ?? "That did not work", body, actions);
}

/** Marks that say a state by a word and a shape, as well as by a colour. */
export const alarmBadge = (each) =>
  badge(each.class === "critical" ? "critical" : "non-critical", each.class === "critical" ? "critical" : "non-critical");

/** A link that looks like a button and leads to another step. */
export const stepLink = (step, text, kind = "") =>
  el("a", { class: `btn ${kind ? `btn-${kind}` : ""}`, href: `#${step}` }, text);
