// The dialog in which a session is chosen: a scenario that comes with the package, or practice.

import { api, root } from "./api.js";
import { practiceForm } from "./practice.js";
import { duration, sentence } from "/static/shared/format.js";
import { badge, banner, dialog, el, icon, replace } from "/static/shared/ui.js";

const WHOM = { trainer: "trainers", developer: "developers", ci: "automatic tests" };
const PRACTICE = {
  name: null,
  title: "Free practice",
  summary:
    "A pump in its patient, without a story and without an end. Nothing happens but what you do.",
  users: ["trainer", "developer"],
};

// Ask what to play next, and begin it; time waits for play.
export async function chooseSession(store) {
  const picker = new Picker(store.sight?.session);
  await dialog({
    title: "Choose a session",
    wide: true,
    body: [picker.node],
    start: "input[type=search]",
    actions: [
      { text: "Cancel", value: null },
      {
        text: "Begin",
        value: true,
        kind: "primary",
        iconName: "play",
        ready: () => picker.isChosen,
        check: () => picker.begin(),
      },
    ],
  });
}

class Picker {
  #all = [PRACTICE];
  #chosen;
  #playing;
  #list = el("ul", { class: "plain picker-list" });
  #search;
  #whom;
  #problem = el("div", { role: "alert" });
  #practice = practiceForm();
  node;

  constructor(session) {
    this.#playing = session;
    // undefined is nothing yet, null is free practice.
    this.#chosen = session?.kind === "scenario" ? session.name : undefined;
    this.#search = el("input", { class: "input", type: "search", placeholder: "Find a scenario" });
    this.#search.setAttribute("aria-label", "Find a scenario");
    this.#search.addEventListener("input", () => this.#draw());
    this.#search.addEventListener("keydown", (event) => this.#chooseFirst(event));
    this.#whom = el(
      "select",
      { class: "select", "aria-label": "For whom" },
      el("option", { value: "trainer" }, "for trainers"),
      el("option", { value: "developer" }, "for developers"),
      el("option", { value: "" }, "all"),
    );
    this.#whom.addEventListener("change", () => this.#draw());
    const note = "What is played now ends. It is kept for the debrief as a “take”: one way in which it was played.";
    const running = session && session.elapsed_ms > 0 ? banner("info", note) : null;
    this.node = el(
      "div",
      { class: "stack picker" },
      running,
      el("div", { class: "picker-filter" }, this.#search, this.#whom),
      el("fieldset", {}, el("legend", { class: "visually-hidden" }, "Sessions"), this.#list),
      this.#practice.node,
      this.#problem,
    );
    this.#draw();
    this.#fetch();
  }

  async #fetch() {
    try {
      const { scenarios } = await root.get("/scenarios");
      this.#all = [...scenarios, PRACTICE];
      this.#draw();
    } catch (problem) {
      replace(this.#problem, banner("critical", problem.detail ?? problem.message));
    }
  }

  #draw() {
    const words = this.#search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const whom = this.#whom.value;
    const found = this.#all.filter((each) => {
      const text = `${each.name ?? ""} ${each.title} ${each.summary}`.toLowerCase();
      return (!whom || each.users.includes(whom)) && words.every((word) => text.includes(word));
    });
    const nodes = found.map((each) => this.#item(each));
    this.#practice.node.hidden = this.#chosen !== null;
    replace(
      this.#list,
      nodes.length ? nodes : el("li", { class: "empty" }, "No scenario is like that."),
    );
    this.#list.querySelector("input:checked")?.closest("li").scrollIntoView({ block: "nearest" });
  }

  // Enter in the search goes to the first one found; it begins nothing.
  #chooseFirst(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    const first = this.#list.querySelector("input");
    first?.focus();
    first?.click();
  }

  #item(scenario) {
    const radio = el("input", { type: "radio", name: "scenario", class: "picker-radio" });
    radio.checked = scenario.name === this.#chosen;
    radio.addEventListener("change", () => {
      this.#chosen = scenario.name;
      this.#practice.node.hidden = scenario.name !== null;
      replace(this.#problem);
    });
    const unsafe = scenario.security_profile === "legacy_insecure";
    return el(
      "li",
      {},
      el(
        "label",
        { class: "picker-item" },
        radio,
        el(
          "span",
          { class: "picker-words" },
          el(
            "span",
            { class: "picker-title" },
            scenario.title,
            this.#isPlaying(scenario) ? badge("info", "now") : null,
            unsafe ? badge("warn", "without keys") : null,
          ),
          el("span", { class: "picker-summary" }, (scenario.summary ?? "").replaceAll("\n", " ")),
          el(
            "span",
            { class: "picker-facts" },
            facts(scenario).map((each) => el("span", {}, each)),
          ),
        ),
      ),
    );
  }

  #isPlaying(scenario) {
    const { kind, name } = this.#playing ?? {};
    return scenario.name === null
      ? kind === "practice"
      : kind === "scenario" && name === scenario.name;
  }

  get isChosen() {
    return this.#chosen !== undefined;
  }

  // Begin what was chosen; false keeps the dialog open.
  async begin() {
    if (this.#chosen === null && !this.#practice.check()) return false;
    const practice = this.#chosen === null;
    const wish = practice ? { practice: this.#practice.wishes() } : { scenario: this.#chosen };
    try {
      await api.send("PUT", "/session", wish);
      return true;
    } catch (problem) {
      if (practice && this.#practice.showProblem(problem)) return false;
      replace(this.#problem, banner("critical", problem.detail ?? problem.message));
      return false;
    }
  }
}

function facts(scenario) {
  if (scenario.name === null) return ["no end"];
  const whom = scenario.users.map((each) => WHOM[each] ?? each).join(", ");
  const ways =
    scenario.branches > 1 ? [[icon("branch"), ` ${scenario.branches} ways it can go`]] : [];
  return [[icon("clock"), ` ${duration(scenario.length_ms)}`], ...ways, sentence(`for ${whom}`)];
}
