// An outcome that is UNKNOWN: what was asked, and the one thing to do next.

import { el, replace } from "/static/shared/ui.js";
import { post } from "../api.js";
import { actionButton, outcome, said, show, stepHead, stepLink } from "../parts.js";
import * as live from "../session.js";

function mount(root) {
  const body = el("div", { class: "stack" }, panel());
  replace(root, stepHead("Unknown outcome"), body);
  return {};
}

/** What is not known, with the button that finds out. */
function panel() {
  const doubt = live.inDoubt();
  if (!doubt) return outcome("plain", "Nothing is unknown", [el("p", {}, "Every outcome is known.")], [stepLink("interrogate", "See the status", "primary")]);
  const place = el("div");
  const find = actionButton("Find out: ask the pump", "Asking the pump", () => resolve(place), { kind: "primary", size: "large", offline: true });
  const body = [
    said(doubt.message),
    el("p", { class: "strong" }, "Nothing else is sent until this is known. Asking changes nothing: what was done is never done twice."),
  ];
  replace(place, outcome("unknown", "UNKNOWN whether it was done", body, [find]));
  return place;
}

async function resolve(place) {
  let resolved;
  try {
    ({ resolved } = await post("/resolve"));
  } catch (problem) {
    if (problem.code === "nothing_in_doubt") resolved = { done: null, text: "nothing is unknown any more; the status and the log tell" };
    else return show(place, stillUnknown(problem, place));
  }
  await live.interrogate();
  const next = [stepLink("interrogate", "See the status", "primary"), stepLink("log", "Read the log")];
  const words = [el("p", {}, `The pump says: ${resolved.text}.`), resolved.advice ? el("p", { class: "strong" }, resolved.advice) : null];
  if (resolved.done === true) show(place, outcome("done", "It was done", words, next));
  else if (resolved.done === false) show(place, outcome("refused", "It was NOT done", [...words, el("p", { class: "strong" }, "Nothing was changed by it. You may ask for it again.")], next));
  else show(place, outcome("unknown", "Even the pump cannot tell", words, [stepLink("log", "Read the log", "primary"), stepLink("interrogate", "See the status")]));
  return undefined;
}

/** The pump could not be asked: that says nothing about what was asked for before. */
function stillUnknown(problem, place) {
  const again = actionButton("Ask again", "Asking the pump", () => resolve(place), { kind: "primary", size: "large", offline: true });
  const body = [said(problem.message), el("p", { class: "strong" }, "Whether it was done is still not known, and nothing else is sent until it is. Go near the pump, and ask again.")];
  return outcome("unknown", "Still UNKNOWN: the pump could not be asked", body, [again]);
}

export const doubt = { name: "doubt", title: "Unknown outcome", mount };
