// The scenario player: what is played, how far it is, what is told, and what is to be decided.

import { api } from "./api.js";
import { momentText } from "./axis.js";
import { goBack } from "./goback.js";
import { playOrPause } from "./pace.js";
import { panel } from "./panel.js";
import { chooseSession } from "./picker.js";
import { drawOver, drawStory, toldToAll } from "./story.js";
import { duration } from "/static/shared/format.js";
import {
  badge,
  button,
  changed,
  confirm,
  el,
  icon,
  replace,
  setAttribute,
  setText,
  toast,
} from "/static/shared/ui.js";

const WAITS = {
  decision: "Waiting for a decision.",
  programmer: "Waiting for the programmer's answer on the link.",
};

const TAKE =
  "Each time that you go back or restart, another take begins: what was played until then is kept for the debrief.";

// `showView(name)` brings a tab of the page to the front.
export function mount(root, store, { showView = null } = {}) {
  return new Player(root, store, showView);
}

// Do what a person asked for; what is refused is said in the server's own words.
async function attempt(what, doing) {
  try {
    return await doing();
  } catch (problem) {
    toast(`${what}: ${problem.detail ?? problem.message}`, { kind: "critical" });
    return undefined;
  }
}

class Player {
  #store;
  #parts = {};
  #decided = null;
  // The buttons of a decision go away: the focus goes on to what lets time go on.
  #goesOn = false;
  #root;
  #showView;

  constructor(root, store, showView) {
    this.#store = store;
    this.#root = root;
    this.#showView = showView;
    const pick = button("Choose a session", {
      size: "small",
      title: "Choose another scenario, or free practice",
      onClick: () => chooseSession(store),
    });
    this.#parts.tags = el("span", { class: "row" });
    const body = panel(root, "Scenario", { actions: [this.#parts.tags, pick] });
    this.#parts.title = root.querySelector("h2");
    this.#build(body);
    store.on("sight", (sight) => this.#draw(sight));
    store.on("connection", ({ connected }) => this.#enable(connected));
    document.addEventListener("keydown", (event) => this.#key(event));
    if (store.sight) this.#draw(store.sight);
  }

  #build(body) {
    body.classList.add("player");
    this.#root.classList.add("scroll-shade");
    const parts = this.#parts;
    parts.summary = el("p", { class: "muted player-summary" });
    parts.bar = el("span");
    parts.progress = el("div", { class: "progress", role: "progressbar" }, parts.bar);
    parts.progress.setAttribute("aria-label", "How far the scenario is");
    parts.marks = el("div", { class: "player-marks", "aria-hidden": "true" });
    parts.where = el("p", { class: "num strong" });
    parts.length = el("p", { class: "num muted" });
    parts.play = button("Play", {
      kind: "primary",
      iconName: "play",
      onClick: () => this.#toggle(),
    });
    parts.restart = button("Restart", { iconName: "reset", onClick: () => this.#restart() });
    parts.back = button("Go back…", { iconName: "rewind", onClick: () => goBack(this.#store) });
    parts.waits = el("p", { class: "player-waits", role: "status" });
    parts.decision = el("section", { class: "player-decision", "aria-label": "Decision" });
    parts.over = el("div", { class: "player-over" });
    parts.told = el("ol", { class: "plain player-told" });
    const told = el(
      "div",
      { class: "scroll scroll-shade player-story", tabindex: "0", role: "log" },
      parts.told,
    );
    told.setAttribute("aria-label", "What was told and decided");
    body.append(
      parts.summary,
      el("div", { class: "player-track" }, parts.progress, parts.marks),
      el(
        "div",
        { class: "player-transport" },
        el("div", { class: "cluster" }, parts.play, parts.restart, parts.back),
        el("div", { class: "player-figures small" }, parts.where, parts.length),
      ),
      parts.waits,
      parts.decision,
      parts.over,
      told,
    );
  }

  #enable(connected) {
    for (const node of [this.#parts.play, this.#parts.restart, this.#parts.back]) {
      node.disabled = !connected;
    }
  }

  // --- drawing -------------------------------------------------------------------------------

  #draw({ session, clock: time }) {
    const parts = this.#parts;
    setText(parts.title, session.title);
    if (changed(parts.tags, [session.kind, session.take])) {
      const practice = session.kind === "practice";
      replace(parts.tags, practice ? badge("info", "free practice") : badge("info", "scenario"));
      if (session.take > 1) parts.tags.append(badge("plain", `take ${session.take}`, { title: TAKE }));
    }
    setText(parts.summary, session.summary ?? "");
    parts.summary.hidden = !session.summary || time.elapsed_ms > 0;
    this.#drawProgress(session);
    this.#drawTransport(session, time);
    this.#drawDecision(session.decision);
    drawOver(parts.over, session, this.#store, this.#showView);
    drawStory(parts.told, session);
  }

  #drawProgress(session) {
    const parts = this.#parts;
    const elapsed = session.elapsed_ms;
    const length = session.length_ms;
    const part = length ? Math.min(1, elapsed / length) : 0;
    const track = parts.progress.parentElement;
    track.hidden = !length;
    parts.bar.style.setProperty("--part", `${(part * 100).toFixed(2)}%`);
    setAttribute(parts.progress, "aria-valuenow", Math.round(part * 100));
    const left = length ? duration(Math.max(0, length - elapsed)) : "";
    setText(
      parts.where,
      length ? `${momentText(elapsed)} of ${duration(length)}` : momentText(elapsed),
    );
    const rest = session.over ? "over" : `${left} left`;
    setText(parts.length, length ? rest : "no end");
    const told = `${parts.where.textContent}, ${parts.length.textContent}`;
    setAttribute(parts.progress, "aria-valuetext", told);
    const moments = [...session.said, ...session.chosen].map((each) => each.elapsed_ms);
    if (!length || !changed(parts.marks, [length, moments])) return;
    replace(
      parts.marks,
      session.chosen.map((each) =>
        el("span", {
          class: "player-mark",
          vars: { "--at": `${(each.elapsed_ms / length) * 100}%` },
        }),
      ),
    );
  }

  #drawTransport(session, time) {
    const { play, waits, restart } = this.#parts;
    const state = time.waits_for === "decision" ? "decide" : time.paused ? "paused" : "runs";
    if (changed(play, [state, session.elapsed_ms === 0])) {
      const start = session.elapsed_ms === 0 ? "Play" : "Go on";
      const word = state === "runs" ? "Pause" : start;
      replace(play, icon(state === "runs" ? "pause" : "play"), el("span", {}, word));
      play.disabled = state === "decide" || !this.#store.connected;
    }
    if (this.#goesOn && !play.disabled) {
      this.#goesOn = false;
      play.focus();
    }
    restart.disabled = !this.#store.connected || (session.elapsed_ms === 0 && session.take === 1);
    const text = time.waits_for === "decision" ? "" : (WAITS[time.waits_for] ?? "");
    setText(waits, text);
    waits.hidden = text === "";
  }

  // The choices as big buttons, each with the number that chooses it.
  #drawDecision(decision) {
    const box = this.#parts.decision;
    if (!changed(box, decision)) return;
    box.hidden = !decision;
    if (!decision) return replace(box);
    this.#decided = null;
    const buttons = decision.options.map((option, index) => {
      const node = el(
        "button",
        { type: "button", class: "choice", dataset: { option: option.name } },
        el("kbd", { class: "choice-key", "aria-hidden": "true" }, index + 1),
        el("span", { class: "grow" }, option.title),
      );
      if (index < 9) node.setAttribute("aria-keyshortcuts", String(index + 1));
      node.addEventListener("click", () => this.#decide(option.name));
      return node;
    });
    return replace(
      box,
      el(
        "p",
        { class: "player-ask", role: "status" },
        icon("branch"),
        el("span", {}, decision.ask, decision.aloud ? toldToAll() : null),
      ),
      el("div", { class: "choices" }, buttons),
      el("p", { class: "muted small" }, "Time waits. The number keys choose, too."),
    );
  }

  // --- acting --------------------------------------------------------------------------------

  #toggle() {
    return attempt("Time", () => playOrPause(this.#store));
  }

  async #restart() {
    const { session } = this.#store.sight ?? {};
    const yes = await confirm({
      title: "Restart the session?",
      body: [
        `“${session?.title}” starts anew, and waits for play. What was played until now is kept for the debrief as a take of its own.`,
      ],
      confirm: "Restart",
      iconName: "reset",
    });
    if (yes) await attempt("Restart", () => api.send("POST", "/session/reset", {}));
  }

  async #decide(option) {
    if (this.#decided !== null) return;
    this.#decided = option;
    const focused = document.activeElement;
    this.#goesOn = focused === document.body || this.#root.contains(focused);
    for (const node of this.#parts.decision.querySelectorAll("button")) node.disabled = true;
    const done = await attempt("Decision", () => api.send("POST", "/session/decision", { option }));
    if (done !== undefined) return;
    this.#goesOn = false;
    this.#decided = null;
    for (const node of this.#parts.decision.querySelectorAll("button")) node.disabled = false;
  }

  #key(event) {
    const decision = this.#store.sight?.session.decision;
    if (!decision || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented)
      return;
    const typing = event.target.closest?.("input, select, textarea, dialog, [contenteditable]");
    const option = /^[1-9]$/.test(event.key) ? decision.options[Number(event.key) - 1] : undefined;
    if (typing || !option) return;
    event.preventDefault();
    this.#decide(option.name);
  }
}
