// The dialog in which one goes back: before a choice, before an act, or to any earlier moment.

import { api } from "./api.js";
import { momentText } from "./axis.js";
import { DAY_MS, HOUR_MS, MINUTE_MS, clock, duration, sentence } from "/static/shared/format.js";
import {
  badge,
  banner,
  button,
  dialog,
  el,
  icon,
  replace,
  setText,
  tabs,
} from "/static/shared/ui.js";

const SIGNS = {
  choice: ["branch", "choice"],
  act: ["hand", "act"],
  fault: ["fault", "fault"],
  alarm: ["bell", "alarm"],
  flag: ["person", "patient"],
  programmer: ["key", "programmer"],
};

const KINDS = {
  "": null,
  choice: ["choice"],
  act: ["act", "fault", "programmer"],
  alarm: ["alarm", "flag"],
};

// Ask where to go back to, and go. `choices` shows the choices alone at first.
export async function goBack(store, { choices = false } = {}) {
  const back = new GoBack(store, choices);
  await dialog({
    title: "Go back",
    wide: true,
    iconName: "rewind",
    body: [back.node],
    start: ".tab[aria-selected=true]",
    actions: [
      { text: "Cancel", value: null },
      { text: "Go back", value: true, kind: "primary", ready: () => back.isChosen, check: () => back.go() },
    ],
  });
}

class GoBack {
  #session;
  #clock;
  #marks = [];
  #wish = null;
  #only;
  #mode = "marks";
  #list = el("ul", { class: "plain mark-list" });
  #takes = el("div", { class: "stack" });
  #slider;
  #moment = el("output", { class: "goback-moment num" });
  #problem = el("div", { role: "alert" });
  node;

  constructor(store, choices) {
    this.#session = store.sight.session;
    this.#clock = store.sight.clock;
    this.#only = choices ? "choice" : "";
    const marks = el("div", { class: "stack" }, this.#kinds(), this.#fieldset());
    const moment = el("div", { class: "stack" }, this.#momentPanel());
    const { bar } = tabs(
      [
        { name: "goback-marks", text: "Before something happened", panel: marks },
        { name: "goback-moment", text: "To a moment", panel: moment },
        { name: "goback-takes", text: "Takes until now", panel: this.#takes },
      ],
      { label: "How to go back", onSelect: (name) => this.#turn(name.slice("goback-".length)) },
    );
    const note =
      "The pump, its patient and the log become what they were then, and time waits. The take that is left is kept for the debrief.";
    this.node = el(
      "div",
      { class: "stack goback" },
      el("p", { class: "muted" }, note),
      bar,
      marks,
      moment,
      this.#takes,
      this.#problem,
    );
    this.#drawMarks();
    this.#fetch();
  }

  #turn(mode) {
    this.#mode = mode;
    replace(this.#problem);
  }

  async #fetch() {
    try {
      const [marks, takes] = await Promise.all([
        api.get("/session/marks"),
        api.get("/session/takes"),
      ]);
      this.#marks = (marks.marks ?? marks).slice().reverse();
      this.#drawMarks();
      this.#drawTakes(takes.takes ?? takes);
    } catch (problem) {
      replace(this.#problem, banner("critical", problem.detail ?? problem.message));
    }
  }

  // --- before something ----------------------------------------------------------------------

  #kinds() {
    const select = el(
      "select",
      { class: "select", "aria-label": "What to go back before" },
      el("option", { value: "" }, "all that can be gone back to"),
      el("option", { value: "choice" }, "choices"),
      el("option", { value: "act" }, "acts and faults"),
      el("option", { value: "alarm" }, "alarms and the patient"),
    );
    select.value = this.#only;
    select.addEventListener("change", () => {
      this.#only = select.value;
      this.#drawMarks();
    });
    return select;
  }

  #fieldset() {
    const legend = el("legend", { class: "visually-hidden" }, "Moments to go back to");
    return el("fieldset", { class: "scroll goback-scroll" }, legend, this.#list);
  }

  #drawMarks() {
    const kinds = KINDS[this.#only];
    const found = this.#marks.filter((each) => !kinds || kinds.includes(each.kind));
    const none = el("li", { class: "empty" }, "Nothing of this kind has happened yet.");
    replace(this.#list, found.length ? found.map((each) => this.#mark(each)) : none);
  }

  #mark(mark) {
    const radio = el("input", { type: "radio", name: "mark", class: "picker-radio" });
    radio.checked = this.#wish === mark.mark;
    radio.addEventListener("change", () => (this.#wish = mark.mark));
    const [iconName, word] = SIGNS[mark.kind] ?? ["clock", mark.kind ?? "moment"];
    return el(
      "li",
      {},
      el(
        "label",
        { class: "picker-item mark" },
        radio,
        el("span", { class: "num mark-at" }, momentText(mark.elapsed_ms)),
        el("span", { class: "events-kind" }, icon(iconName), word),
        el("span", { class: "grow" }, mark.text),
      ),
    );
  }

  // --- to a moment ---------------------------------------------------------------------------

  #momentPanel() {
    const now = this.#session.elapsed_ms;
    const step = now > 10 * DAY_MS ? HOUR_MS : now > DAY_MS ? 10 * MINUTE_MS : MINUTE_MS;
    this.#slider = el("input", { type: "range", class: "goback-slider", min: 0, max: now, step });
    this.#slider.value = String(Math.max(0, now - step));
    this.#slider.setAttribute("aria-label", "Moment to go back to");
    const show = () => {
      const at = Number(this.#slider.value);
      const local = this.#clock.clock_local_ms - (now - at);
      setText(this.#moment, `${momentText(at)} · ${clock(local)}`);
      this.#slider.setAttribute("aria-valuetext", `${momentText(at)}, ${clock(local)}`);
    };
    this.#slider.addEventListener("input", show);
    show();
    const jump = (text, at) =>
      button(text, {
        size: "small",
        onClick: () => {
          this.#slider.value = String(at);
          show();
        },
      });
    const jumps = [
      ["1 h", HOUR_MS],
      ["1 day", DAY_MS],
      ["1 week", 7 * DAY_MS],
    ]
      .filter(([, ms]) => ms < now)
      .map(([name, ms]) => jump(`${name} before now`, now - ms));
    return [
      this.#moment,
      this.#slider,
      el(
        "div",
        { class: "spread small muted" },
        el("span", {}, "start"),
        el("span", {}, `now, ${duration(now)}`),
      ),
      el("div", { class: "cluster" }, jump("The start", 0), jumps),
    ];
  }

  // --- takes ---------------------------------------------------------------------------------

  #drawTakes(takes) {
    const rows = takes.map((take) =>
      el(
        "tr",
        { class: take.present ? "is-selected" : null },
        el(
          "th",
          { scope: "row", class: "nowrap" },
          `${take.take} `,
          take.present ? badge("info", "now") : null,
        ),
        el("td", {}, take.title),
        el("td", {}, wayText(take.branch)),
        el("td", { class: "num" }, take.over ? "to its end" : `to ${momentText(take.length_ms)}`),
      ),
    );
    const heads = ["take", "session", "what was decided", "played"];
    replace(
      this.#takes,
      el(
        "p",
        {},
        "A take is one way in which a session was played. Each time that you go back or restart, another one begins; the debrief compares them.",
      ),
      el(
        "div",
        { class: "table-wrap" },
        el(
          "table",
          { class: "table" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              heads.map((each, index) =>
                el("th", { scope: "col", class: index === 3 ? "num" : null }, each),
              ),
            ),
          ),
          el("tbody", {}, rows),
        ),
      ),
    );
  }

  // Go where was chosen; false keeps the dialog open.
  get isChosen() {
    if (this.#mode === "moment") return this.#clock.elapsed_ms > 0;
    return this.#mode === "marks" && this.#wish !== null;
  }

  async go() {
    const to =
      this.#mode === "moment" ? { elapsed_ms: Number(this.#slider.value) } : { mark: this.#wish };
    try {
      await api.send("POST", "/session/rewind", to);
      return true;
    } catch (problem) {
      replace(this.#problem, banner("critical", problem.detail ?? problem.message));
      return false;
    }
  }
}

const wayText = (branch) =>
  branch.map(({ option, title }) => title ?? sentence(option.replaceAll("-", " "))).join(", then ") ||
  "nothing yet";
