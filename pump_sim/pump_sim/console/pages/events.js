// The panel of the event log: newest first, filtered by kind and text, and taken away as a file.

import { momentText } from "./axis.js";
import { offerFiles } from "./eventfiles.js";
import { eventsOf } from "./eventlog.js";
import { paced } from "./paced.js";
import { panel } from "./panel.js";
import { clock } from "/static/shared/format.js";
import { badge, button, el, icon, setText } from "/static/shared/ui.js";

const PAGE = 120;
const EVERY_MS = 300;

const GROUPS = [
  { name: "Alarms", kinds: ["alarm"] },
  { name: "Patient", kinds: ["flag"] },
  { name: "Acts", kinds: ["act", "fault"] },
  { name: "Programmer", kinds: ["programmer", "link"] },
  { name: "Story", kinds: ["said", "choice", "end"] },
  { name: "Pump log", kinds: ["log"] },
];

// What trainees are told of: no truth, and nothing that only an instructor does.
const FOR_TRAINEES = ["Alarms", "Programmer", "Story", "Pump log"];

// An icon and a word for each kind of line: the severity changes the colour only.
const SIGNS = {
  alarm: ["bell", "alarm"],
  flag: ["person", "patient"],
  act: ["hand", "act"],
  fault: ["fault", "fault"],
  choice: ["branch", "decision"],
  programmer: ["key", "programmer"],
  link: ["link", "link"],
  said: ["info", "told"],
  end: ["ok", "end"],
  log: ["document", "pump log"],
};

const SEVERITY = { critical: "critical", non_critical: "non-critical" };

export function mount(root, store) {
  return new EventPanel(root, store);
}

class EventPanel {
  #log;
  #shown = new Set();
  #text = "";
  #limit = PAGE;
  #drawn = -1;
  #list;
  #box;
  #count;
  #more;
  #fresh;
  #freshCount = 0;
  #anew = true;

  constructor(root, store) {
    this.#log = eventsOf(store);
    this.#count = el("span", { class: "muted small num" });
    const download = button("Export", {
      size: "small",
      iconName: "download",
      onClick: () => offerFiles(this.#log.lines, this.#matches),
    });
    const trainee = store.view === "trainee";
    const body = panel(root, trainee ? "Log" : "Event log", {
      quiet: !trainee,
      actions: [this.#search(), this.#count, trainee ? null : download],
    });
    this.#build(
      body,
      GROUPS.filter(({ name }) => !trainee || FOR_TRAINEES.includes(name)),
    );
    const draw = paced(body, () => this.#draw(), EVERY_MS);
    this.#log.onChange((anew) => {
      this.#anew ||= anew;
      draw();
    });
    draw();
  }

  #search() {
    const search = el("input", {
      class: "input events-search",
      type: "search",
      placeholder: "Find in the log",
      "aria-label": "Find in the log",
    });
    search.addEventListener("input", () =>
      this.#filter(() => (this.#text = search.value.trim().toLowerCase())),
    );
    return search;
  }

  #build(body, groups) {
    const chips = groups.map((group) => this.#chip(group));
    this.#list = el("ol", { class: "plain events-list" });
    this.#more = button("Show earlier lines", { size: "small", onClick: () => this.#earlier() });
    this.#more.hidden = true;
    this.#box = el("div", { class: "scroll events-box", tabindex: "0", role: "region" });
    this.#box.setAttribute("aria-label", "Event log, newest first");
    this.#box.append(this.#list, el("div", { class: "events-more" }, this.#more));
    this.#box.addEventListener("scroll", () => this.#box.scrollTop < 4 && this.#atTop());
    this.#fresh = button("", { size: "small", kind: "primary", onClick: () => this.#toTop() });
    this.#fresh.append(el("span"));
    this.#fresh.classList.remove("btn-icon");
    this.#fresh.classList.add("events-fresh");
    this.#fresh.hidden = true;
    const label = "Kinds of lines to show; none is all";
    body.append(
      el("div", { class: "events-kinds", role: "group", "aria-label": label }, chips),
      el("div", { class: "events-frame" }, this.#fresh, this.#box),
    );
  }

  // None pressed is all; pressed ones are shown alone.
  #chip({ name, kinds }) {
    const chip = button(name, {
      size: "small",
      "aria-pressed": "false",
      onClick: () =>
        this.#filter(() => {
          const on = chip.getAttribute("aria-pressed") !== "true";
          chip.setAttribute("aria-pressed", String(on));
          for (const kind of kinds) {
            if (on) this.#shown.add(kind);
            else this.#shown.delete(kind);
          }
        }),
    });
    return chip;
  }

  #filter(change) {
    change();
    this.#anew = true;
    this.#limit = PAGE;
    this.#box.scrollTop = 0;
    this.#draw();
  }

  #matches = (line) =>
    (this.#shown.size === 0 || this.#shown.has(line.kind)) &&
    (this.#text === "" ||
      `${line.text} ${line.by} ${line.kind}`.toLowerCase().includes(this.#text));

  // --- drawing -------------------------------------------------------------------------------

  #draw() {
    const { lines } = this.#log;
    if (this.#anew) {
      this.#anew = false;
      this.#drawAll(lines);
    } else {
      this.#drawNew(lines);
    }
    this.#drawn = lines.at(-1)?.index ?? -1;
    this.#drawCount(lines.length);
  }

  #drawAll(lines) {
    const found = [];
    let more = false;
    for (let at = lines.length - 1; at >= 0 && !more; at -= 1) {
      if (!this.#matches(lines[at])) continue;
      if (found.length === this.#limit) more = true;
      else found.push(lineOf(lines[at]));
    }
    if (found.length === 0) found.push(el("li", { class: "empty" }, "Nothing to show."));
    this.#list.replaceChildren(...found);
    this.#more.hidden = !more;
    this.#fresh.hidden = true;
    this.#freshCount = 0;
  }

  // New lines go to the top; who reads further down keeps the place, and is told of them.
  #drawNew(lines) {
    const found = [];
    for (let at = lines.length - 1; at >= 0 && lines[at].index > this.#drawn; at -= 1) {
      if (this.#matches(lines[at])) found.push(lines[at]);
    }
    if (!found.length) return;
    const reading = this.#box.scrollTop >= 4;
    const { scrollTop } = this.#box;
    const before = reading ? this.#box.scrollHeight : 0;
    this.#list.querySelector(".empty")?.remove();
    this.#list.prepend(...found.slice(0, this.#limit).map(lineOf));
    if (reading) {
      this.#box.scrollTop = scrollTop + this.#box.scrollHeight - before;
      this.#freshCount += found.length;
      const many = this.#freshCount === 1 ? "1 new line" : `${this.#freshCount} new lines`;
      setText(this.#fresh.querySelector("span"), many);
      this.#fresh.hidden = false;
    }
    this.#trim(reading ? 10 * PAGE : this.#limit);
  }

  #trim(most) {
    while (this.#list.childElementCount > most) {
      this.#list.lastElementChild.remove();
      this.#more.hidden = false;
    }
  }

  #drawCount(all) {
    const filtered = this.#shown.size > 0 || this.#text !== "";
    const shown = filtered ? this.#log.lines.filter(this.#matches).length : all;
    const cut = this.#log.cut ? "last " : "";
    setText(this.#count, filtered ? `${shown} of ${cut}${all}` : `${cut}${all} line${all === 1 ? "" : "s"}`);
  }

  #earlier() {
    const { scrollTop } = this.#box;
    this.#limit += PAGE * 2;
    this.#anew = true;
    this.#draw();
    this.#box.scrollTop = scrollTop;
  }

  #atTop() {
    this.#fresh.hidden = true;
    this.#freshCount = 0;
    this.#trim(this.#limit);
  }

  #toTop() {
    this.#box.scrollTop = 0;
    this.#box.focus();
    this.#atTop();
  }
}

function lineOf(line) {
  const [iconName, word] = SIGNS[line.kind] ?? ["info", line.kind];
  const severity = SEVERITY[line.severity];
  const sign = severity
    ? badge(severity, severity === "critical" ? "critical" : "non-critical", { title: word })
    : el("span", { class: "events-kind" }, icon(iconName), word);
  const by = line.by && line.by !== "pump" ? el("span", { class: "events-by" }, line.by) : null;
  return el(
    "li",
    { class: `events-line is-${line.severity ?? "info"}`, dataset: { kind: line.kind } },
    el(
      "time",
      { class: "num", title: clock(line.clock_local_ms, { seconds: true }) },
      momentText(line.elapsed_ms),
    ),
    sign,
    el("span", { class: "events-text" }, line.text),
    by,
  );
}
