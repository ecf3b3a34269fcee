// What the player tells: the story until now, and how it ended.

import { momentText } from "./axis.js";
import { goBack } from "./goback.js";
import { badge, button, changed, el, icon, replace } from "/static/shared/ui.js";

// Marks what trainees are told, too: whatever is not marked is for the instructor alone.
export const toldToAll = () =>
  badge("plain", "trainees, too", { iconName: "eye", title: "Trainees are told this, too" });

// What was told and decided, newest first.
export function drawStory(list, session) {
  if (!changed(list, [session.take, session.said, session.chosen])) return;
  const lines = [...session.said.map((each) => ({ ...each, said: true })), ...session.chosen].sort(
    (one, other) => one.elapsed_ms - other.elapsed_ms,
  );
  const nodes = lines.map((each) =>
    el(
      "li",
      { class: each.said ? "told" : "told is-decided" },
      el("time", { class: "num" }, momentText(each.elapsed_ms)),
      each.said
        ? el("span", {}, each.text, each.aloud ? toldToAll() : null)
        : el("span", {}, icon("branch"), " Decided: ", el("strong", {}, each.title)),
    ),
  );
  nodes.reverse();
  nodes[0]?.classList.add("is-last");
  replace(list, nodes);
  list.parentElement.hidden = nodes.length === 0;
}

// How it ended, and where to go from here. The author's checks are of the simulation, not of people:
// a patient who comes to harm as the scenario tells is "as expected". They are neither praise nor blame.
export function drawOver(box, session, store, showView) {
  if (!changed(box, [session.over, session.verdicts, session.chosen.length])) return;
  const verdicts = session.verdicts;
  box.hidden = !verdicts;
  if (!verdicts) {
    replace(box);
    return;
  }
  const head = el("p", { class: "strong" }, session.over ? "The scenario is over." : null);
  const next = el("div", { class: "cluster" });
  if (showView) {
    next.append(
      button("Debrief", {
        kind: "primary",
        iconName: "document",
        onClick: () => {
          showView("keep");
          document.querySelector("#debrief a")?.focus();
        },
      }),
    );
  }
  if (session.chosen.length) {
    next.append(
      button("Show another branch", {
        iconName: "branch",
        onClick: () => goBack(store, { choices: true }),
      }),
    );
  }
  replace(box, head, next, checksOf(verdicts));
}

function checksOf({ met, total, unmet }) {
  const ran = met === total ? "ran as its author expects" : "did not run as its author expects";
  const lines = unmet.map((each) =>
    el(
      "li",
      {},
      badge("plain", "otherwise"),
      el("div", {}, el("p", { class: "strong" }, each.expected), el("p", {}, each.happened)),
    ),
  );
  const about = lines.length
    ? "What came otherwise than in the scenario's file; what was done by hand may be why."
    : "All came as the scenario's file says. It checks the simulation, and judges nobody's decisions.";
  return el(
    "details",
    { class: "player-checks small" },
    el("summary", {}, `The simulation ${ran}: ${met} of ${total} checks`),
    el("p", { class: "muted" }, about),
    lines.length ? el("ul", { class: "plain player-unmet" }, lines) : null,
  );
}
