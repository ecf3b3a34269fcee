// The timeline: alarms, patient flags and faults as bars, and what was done, over the shared axis.

import { LEFT_PX, RIGHT_PX, axisOf, momentText, timeTicks } from "./axis.js";
import { ROW_PX, barOf, laneFrame, shapeOf } from "./bars.js";
import { steer } from "./crosshair.js";
import { eventsOf } from "./eventlog.js";
import { historyOf } from "./history.js";
import { paced } from "./paced.js";
import { panel } from "./panel.js";
import { newId, set, stripes } from "./svg.js";
import { duration } from "/static/shared/format.js";
import { button, el, setText, svg } from "/static/shared/ui.js";

const GAP_PX = 5;
const LABELS_PX = 20;
const NEAR_PX = 5;

const LANES = [
  { kind: "critical", name: "critical", word: "critical alarm" },
  { kind: "non_critical", name: "non-critical", word: "non-critical alarm" },
  { kind: "flag", name: "patient", word: "patient" },
  { kind: "fault", name: "faults", word: "fault" },
];
const DEEDS = { act: "act", choice: "decision", programmer: "programmer" };

export function mount(root, store) {
  const timeline = new Timeline(root, store);
  timeline.draw();
}

class Timeline {
  #axis;
  #history;
  #log;
  #svg;
  #still;
  #hair;
  #plot;
  #reading;
  #table;
  #asTable = false;
  #height = 0;
  #width = 0;
  #stripes = newId("stripes");
  draw;

  constructor(root, store) {
    this.#axis = axisOf(store);
    this.#history = historyOf(store);
    this.#log = eventsOf(store);
    this.#reading = el("span", { class: "chart-moment timeline-reading" });
    const toTable = button("Table", {
      size: "small",
      "aria-pressed": "false",
      title: "Show the timeline as a table",
      onClick: () => this.#switch(toTable),
    });
    const body = panel(root, "Timeline", { actions: [this.#reading, toTable] });
    this.#build(body);
    steer(this.#plot, this.#axis, "Timeline of alarms", () => this.#history.now);
    this.#plot.addEventListener("focus", () => this.#drawCursor(true));
    this.draw = paced(body, () => this.#draw());
    this.#axis.onChange((what) => (what === "cursor" ? this.#drawCursor() : this.draw()));
    this.#history.onChange(this.draw);
    this.#log.onChange(this.draw);
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.draw.now();
    }).observe(this.#plot);
  }

  #build(body) {
    this.#still = svg("g");
    this.#hair = svg("line", { class: "chart-hair", visibility: "hidden" });
    const defs = svg("defs", {}, stripes(this.#stripes, "span-non_critical", { gap: 6 }));
    this.#svg = svg("svg", { class: "chart-svg", "aria-hidden": "true" }, defs, this.#still);
    this.#svg.append(this.#hair);
    this.#plot = el("div", { class: "chart-plot" }, this.#svg);
    this.#table = el("div", { class: "chart-table", tabindex: "0", role: "region" });
    this.#table.setAttribute("aria-label", "Timeline as a table");
    this.#table.hidden = true;
    body.append(this.#plot, this.#table);
  }

  #switch(toTable) {
    this.#asTable = !this.#asTable;
    toTable.setAttribute("aria-pressed", String(this.#asTable));
    this.#plot.hidden = this.#asTable;
    this.#table.hidden = !this.#asTable;
    this.draw.now();
  }

  // --- drawing -------------------------------------------------------------------------------

  #draw() {
    if (this.#asTable) {
      this.#drawTable();
      return;
    }
    const width = this.#width;
    if (width <= LEFT_PX + RIGHT_PX) return;
    const parts = [];
    let top = 2;
    for (const lane of LANES) {
      const rows = this.#rowsOf(lane.kind);
      if (rows.length === 0 && lane.kind !== "critical") continue;
      parts.push(...laneFrame(lane.name, top, Math.max(1, rows.length), width));
      rows.forEach((spans, index) => {
        parts.push(...this.#bars(lane.kind, spans, top + index * ROW_PX, width));
      });
      top += Math.max(1, rows.length) * ROW_PX + GAP_PX;
    }
    parts.push(...laneFrame("acts", top, 1, width), ...this.#deeds(top, width));
    top += ROW_PX;
    this.#height = top;
    set(this.#svg, { width, height: top + LABELS_PX });
    this.#still.replaceChildren(...this.#grid(top, width), ...parts);
    this.#drawCursor();
  }

  // The spans of a kind that are in view: one row for each name, those that touch joined.
  #rowsOf(kind) {
    const rows = new Map();
    const { from, to } = this.#axis;
    for (const span of this.#history.spans) {
      const until = span.until_ms ?? this.#history.now;
      if (span.kind !== kind || until < from || span.from_ms > to) continue;
      if (!rows.has(span.name)) rows.set(span.name, []);
      rows.get(span.name).push(span);
    }
    return [...rows.values()];
  }

  #bars(kind, spans, top, width) {
    const right = width - RIGHT_PX;
    const parts = [];
    let before = null;
    for (const span of [...spans].sort((one, other) => one.from_ms - other.from_ms)) {
      const open = span.until_ms === null;
      const begin = Math.max(LEFT_PX, this.#axis.x(span.from_ms, width));
      const end = Math.min(right, this.#axis.x(span.until_ms ?? this.#history.now, width));
      const bar = { begin, end: Math.max(end, begin + 3), open };
      if (before && bar.begin <= before.end + 1) {
        before.end = Math.max(before.end, bar.end);
        before.open ||= open;
        continue;
      }
      before = bar;
      parts.push(bar);
    }
    return parts.flatMap((bar, index) => {
      const next = parts[index + 1]?.begin ?? right;
      return barOf(kind, spans[0].name, bar, top, next, this.#stripes);
    });
  }

  #deeds(top, width) {
    const middle = top + ROW_PX / 2 - 1;
    const parts = [];
    let last = -Infinity;
    for (const line of this.#log.lines) {
      if (!(line.kind in DEEDS)) continue;
      const x = this.#axis.x(line.elapsed_ms, width);
      if (x < LEFT_PX || x > width - RIGHT_PX || x - last < 2) continue;
      last = x;
      parts.push(shapeOf(line.kind, x, middle));
    }
    return parts;
  }

  #grid(bottom, width) {
    const { from, to } = this.#axis;
    const most = Math.max(2, Math.floor((width - LEFT_PX - RIGHT_PX) / 72));
    const parts = timeTicks(from, to, most).flatMap((tick) => {
      const x = this.#axis.x(tick.at, width).toFixed(1);
      return [
        svg("line", { class: "chart-grid", x1: x, x2: x, y1: 0, y2: bottom }),
        svg("text", { class: "chart-label at-time", x, y: bottom + 15 }, tick.text),
      ];
    });
    const now = this.#axis.x(this.#history.now, width);
    if (now < LEFT_PX || now > width - RIGHT_PX) return parts;
    const line = { x1: now.toFixed(1), x2: now.toFixed(1), y1: 0, y2: bottom };
    return [...parts, svg("line", { class: "chart-now", ...line })];
  }

  // --- read-out ------------------------------------------------------------------------------

  #drawCursor(focused = false) {
    const { cursor } = this.#axis;
    const at = cursor ?? this.#history.now;
    const told = this.#toldAt(at);
    const text = `${cursor === null ? "now" : momentText(cursor)}: ${told.join("; ") || "nothing"}`;
    setText(this.#reading, text);
    const width = this.#width;
    // While time runs on nobody is told, but who moves the crosshair, or comes to the timeline.
    const comes = focused || !this.#plot.hasAttribute("aria-valuenow");
    if (cursor !== null || comes) this.#describe(at, told);
    set(this.#hair, { visibility: cursor === null || !width ? "hidden" : "visible" });
    if (cursor === null || !width) return;
    const x = this.#axis.x(cursor, width).toFixed(1);
    set(this.#hair, { x1: x, x2: x, y1: 0, y2: this.#height });
  }

  #describe(at, told) {
    set(this.#plot, {
      "aria-valuemin": Math.round(this.#axis.from / 1000),
      "aria-valuemax": Math.round(this.#axis.to / 1000),
      "aria-valuenow": Math.round(at / 1000),
      "aria-valuetext": `${momentText(at)}: ${told.join("; ") || "nothing"}`,
    });
  }

  #toldAt(at) {
    const now = this.#history.now;
    const holds = (span) => span.from_ms <= at && at <= (span.until_ms ?? now);
    const told = LANES.flatMap((lane) =>
      this.#history.spans
        .filter((span) => span.kind === lane.kind && holds(span))
        .map((span) => `${span.name} (${lane.word})`),
    );
    if (this.#axis.cursor === null) return [...new Set(told)];
    const width = this.#width;
    const near = ((this.#axis.to - this.#axis.from) / Math.max(1, width)) * NEAR_PX;
    const deeds = this.#log.lines.filter(
      (line) => line.kind in DEEDS && Math.abs(line.elapsed_ms - at) <= near,
    );
    return [...new Set([...told, ...deeds.slice(-2).map((line) => line.text)])];
  }

  #drawTable() {
    const now = this.#history.now;
    const rows = LANES.flatMap((lane) =>
      this.#history.spans
        .filter((span) => span.kind === lane.kind)
        .map((span) => ({
          at: span.from_ms,
          cells: [
            lane.word,
            span.name,
            span.until_ms === null ? "lasts" : momentText(span.until_ms),
            duration((span.until_ms ?? now) - span.from_ms),
          ],
        })),
    );
    for (const line of this.#log.lines) {
      if (line.kind in DEEDS) {
        rows.push({ at: line.elapsed_ms, cells: [DEEDS[line.kind], line.text, "", ""] });
      }
    }
    rows.sort((one, other) => one.at - other.at);
    const heads = ["from", "kind", "what", "until", "for"];
    const table = el(
      "table",
      { class: "table" },
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((each) => el("th", { scope: "col" }, each)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.slice(-200).map(({ at, cells }) =>
          el(
            "tr",
            {},
            el("th", { scope: "row", class: "nowrap" }, momentText(at)),
            cells.map((each) => el("td", {}, each)),
          ),
        ),
      ),
    );
    const { scrollTop } = this.#table;
    this.#table.replaceChildren(table);
    this.#table.scrollTop = scrollTop;
  }
}
