// A small strip chart: lines over the axis of time that the whole page shares. Knows no pump.

import { LEFT_PX, RIGHT_PX, momentText, timeTicks, valueTicks } from "./axis.js";
import { steer } from "./crosshair.js";
import { paced } from "./paced.js";
import { newId, set, stripes } from "./svg.js";
import { firstAfter, pathOf, thinned } from "./thinning.js";
import { el, setText, svg } from "/static/shared/ui.js";

const TOP_PX = 8;
const LABELS_PX = 20;
const FLAT_PX = 4;
const NAME_PX = 11;
const ROOMY_PX = 560;
const ROOMY_WINDOW_PX = 900;

// One chart. `series` are `{name, look, stepped, value(row)}`, drawn in that order; `bands` are
// `{name, low, high, look}` in the units of the axis; `lines` are `{name, at}`. `ceiling(highest)`
// is what the axis must reach.
export class Chart {
  #axis;
  #spec;
  #rows = [];
  #now = 0;
  #width = 0;
  #frameKey = "";
  #height = 0;

  constructor(root, axis, spec) {
    this.#axis = axis;
    this.#spec = { bands: [], lines: [], labels: false, height: 130, digits: 2, ...spec };
    this.#spec.bands = this.#spec.bands.map((band) => ({ ...band, fill: newId("band") }));
    this.#build(root);
    this.draw = paced(this.element, () => this.#draw());
    axis.onChange((what) => (what === "cursor" ? this.#askCursor() : this.draw()));
    // The width is told, not asked for: asking would have the page laid out in the midst of drawing.
    new ResizeObserver(([entry]) => {
      this.#width = entry.contentRect.width;
      this.draw.now();
    }).observe(this.#plot);
  }

  // Other rows, or the same ones grown; `now` is where the lines end.
  update(rows, now) {
    this.#rows = rows;
    this.#now = now;
    this.draw();
    this.#askCursor(); // the figures are never older than those of the other panels
  }

  // --- what there is -------------------------------------------------------------------------

  element;
  #plot;
  #svg;
  #frame;
  #bandLayer;
  #nameLayer;
  #paths;
  #cross;
  #readings;
  #clip = newId("clip");

  #build(root) {
    const { title, unit, series } = this.#spec;
    const heading = el(
      "h3",
      { class: "chart-title" },
      title,
      el("span", { class: "chart-unit" }, unit),
    );
    this.#readings = series.map((each) => el("span", { class: "chart-reading" }, "–"));
    const legend = el(
      "ul",
      { class: "chart-legend" },
      series.map((each, index) => {
        const name = el("span", { class: "chart-name" }, each.name);
        return el("li", {}, sample(each), name, this.#readings[index]);
      }),
    );
    this.#frame = svg("g", { class: "chart-frame" });
    this.#bandLayer = svg("g", { class: "chart-bands" });
    // Names lie over the grid: its lines would strike them through.
    this.#nameLayer = svg("g", { class: "chart-names" });
    this.#paths = series.map((each) => svg("path", { class: `chart-line chart-${each.look}` }));
    this.#cross = svg("g", { class: "chart-cross", visibility: "hidden" });
    this.#cross.append(
      svg("line", { class: "chart-hair" }),
      ...series.map((each) => svg("circle", { class: `chart-dot chart-${each.look}`, r: 4 })),
    );
    this.#svg = svg(
      "svg",
      { class: "chart-svg", "aria-hidden": "true" },
      svg("defs", {}, svg("clipPath", { id: this.#clip }, svg("rect", {})), ...this.#patterns()),
      this.#bandLayer,
      this.#frame,
      this.#nameLayer,
      svg("g", { "clip-path": `url(#${this.#clip})` }, ...this.#paths),
      this.#cross,
    );
    this.#plot = el("div", { class: "chart-plot" }, this.#svg);
    steer(this.#plot, this.#axis, title, () => this.#now);
    this.#plot.addEventListener("focus", () => {
      const at = this.#axis.cursor ?? this.#now;
      this.#describe(at, this.#valuesAt(at));
    });
    const head = el("div", { class: "chart-head" }, heading, legend);
    this.element = el("section", { class: "chart" }, head, this.#plot);
    this.element.setAttribute("aria-label", title);
    root.append(this.element);
  }

  #patterns() {
    return this.#spec.bands.map((band, index) =>
      stripes(band.fill, `band-${band.look}`, { turn: index % 2 ? -45 : 45, gap: 7 }),
    );
  }

  // --- drawing -------------------------------------------------------------------------------

  #draw() {
    if (this.#width <= LEFT_PX + RIGHT_PX) return;
    this.#height = this.#spec.height * (roomy(this.#width) ? 1 : 0.68);
    const { from, to } = this.#axis;
    const pixels = this.#width - LEFT_PX - RIGHT_PX;
    const lines = this.#spec.series.map((each) =>
      thinned(this.#rows, each.value, from, Math.min(to, this.#now), pixels),
    );
    this.#drawFrame(this.#ceiling(lines));
    const x = (at) => this.#axis.x(at, this.#width);
    this.#spec.series.forEach((each, index) => {
      const points = this.#toNow(lines[index]);
      set(this.#paths[index], { d: pathOf(points, x, this.#y, each.stepped) });
    });
    this.#drawCursor();
  }

  #y = () => 0;
  #top = 1;

  // Between the last row and now nothing has changed that was worth a row.
  #toNow(points) {
    const last = points.at(-1);
    if (!last || last[0] >= this.#now) return points;
    return [...points, [this.#now, last[1]]];
  }

  #ceiling(lines) {
    let highest = 0;
    for (const line of lines) {
      for (const point of line) if (point && point[1] > highest) highest = point[1];
    }
    return this.#spec.ceiling(highest);
  }

  get #bottom() {
    return this.#height - (this.#spec.labels ? LABELS_PX : FLAT_PX);
  }

  // Grid, labels and bands: only when the view, the width or the ceiling is another one.
  #drawFrame(top) {
    const { from, to } = this.#axis;
    const key = [from, to, this.#width, this.#height, top].join();
    if (key === this.#frameKey) return;
    this.#frameKey = key;
    const bottom = this.#bottom;
    const right = this.#width - RIGHT_PX;
    this.#top = top;
    this.#y = (value) => bottom - (value / top) * (bottom - TOP_PX);
    set(this.#svg, { width: this.#width, height: this.#height });
    set(this.#svg.querySelector("clipPath rect"), {
      x: LEFT_PX,
      y: 0,
      width: right - LEFT_PX,
      height: bottom + 2,
    });
    const parts = [];
    for (const tick of valueTicks(top, Math.max(2, Math.floor(bottom / 20)))) {
      const y = this.#y(tick.at).toFixed(1);
      parts.push(
        svg("line", { class: "chart-grid", x1: LEFT_PX, x2: right, y1: y, y2: y }),
        svg("text", { class: "chart-label at-value", x: LEFT_PX - 6, y }, tick.text),
      );
    }
    parts.push(...this.#timeGrid(bottom));
    for (const line of this.#spec.lines) {
      const y = this.#y(line.at).toFixed(1);
      parts.push(svg("line", { class: "chart-mark", x1: LEFT_PX, x2: right, y1: y, y2: y }));
    }
    this.#frame.replaceChildren(...parts);
    this.#drawBands(top, right);
  }

  #timeGrid(bottom) {
    const { from, to } = this.#axis;
    const most = Math.max(2, Math.floor((this.#width - LEFT_PX - RIGHT_PX) / 72));
    return timeTicks(from, to, most).flatMap((tick) => {
      const x = this.#axis.x(tick.at, this.#width).toFixed(1);
      const line = svg("line", { class: "chart-grid", x1: x, x2: x, y1: TOP_PX, y2: bottom });
      if (!this.#spec.labels) return [line];
      return [line, svg("text", { class: "chart-label at-time", x, y: bottom + 15 }, tick.text)];
    });
  }

  #drawBands(top, right) {
    const parts = [];
    const labels = [];
    const names = [];
    for (const band of [...this.#spec.bands].sort((one, other) => one.low - other.low)) {
      if (band.low >= top) continue;
      const high = this.#y(Math.min(band.high, top));
      const low = this.#y(band.low);
      const box = { x: LEFT_PX, width: right - LEFT_PX, y: high, height: low - high };
      parts.push(svg("rect", { class: "chart-band", fill: `url(#${band.fill})`, ...box }));
      names.push({ text: band.name, at: (high + low) / 2 + 4, tall: low - high >= NAME_PX });
    }
    for (const { text, at } of joined(names)) {
      const place = { x: LEFT_PX + 6, y: Math.max(at, TOP_PX + 9).toFixed(1) };
      labels.push(svg("text", { class: "chart-band-name", ...place }, text));
    }
    this.#bandLayer.replaceChildren(...parts);
    this.#nameLayer.replaceChildren(...labels);
  }

  // --- read-out ------------------------------------------------------------------------------

  #asked = false;

  #askCursor() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#drawCursor();
    });
  }

  // What the lines are at a moment, as texts.
  textsAt(at) {
    return this.#valuesAt(at).map((value) => this.#text(value));
  }

  // After now, and before the first row, there is nothing.
  #valuesAt(at) {
    if (at > this.#now) return this.#spec.series.map(() => null);
    const next = firstAfter(this.#rows, at);
    const before = this.#rows[next - 1];
    const after = this.#rows[next];
    return this.#spec.series.map((each) => {
      const value = before ? each.value(before) : null;
      if (each.stepped || !after || value === null) return value;
      const goal = each.value(after);
      if (goal === null) return value;
      return value + ((at - before[0]) / (after[0] - before[0])) * (goal - value);
    });
  }

  #text(value) {
    return value === null || value === undefined ? "–" : value.toFixed(this.#spec.digits);
  }

  #drawCursor() {
    const { cursor } = this.#axis;
    const at = cursor ?? this.#now;
    const values = this.#valuesAt(at);
    values.forEach((value, index) => setText(this.#readings[index], this.#text(value)));
    if (!this.#width) return;
    // While time runs on nobody is told, but who moves the crosshair, or comes to the chart.
    if (cursor !== null || !this.#plot.hasAttribute("aria-valuenow")) this.#describe(at, values);
    set(this.#cross, { visibility: cursor === null ? "hidden" : "visible" });
    if (cursor === null) return;
    const x = this.#axis.x(cursor, this.#width).toFixed(1);
    const [hair, ...dots] = this.#cross.children;
    set(hair, { x1: x, x2: x, y1: TOP_PX, y2: this.#bottom });
    dots.forEach((dot, index) => {
      const value = values[index];
      const out = value === null || value === undefined || value > this.#top;
      set(dot, { visibility: out ? "hidden" : "inherit", cx: x });
      if (!out) set(dot, { cy: this.#y(value).toFixed(1) });
    });
  }

  #describe(at, values) {
    const { series, unit } = this.#spec;
    const told = series.map((each, index) => `${each.name} ${this.#text(values[index])} ${unit}`);
    set(this.#plot, {
      "aria-valuemin": Math.round(this.#axis.from / 1000),
      "aria-valuemax": Math.round(this.#axis.to / 1000),
      "aria-valuenow": Math.round(at / 1000),
      "aria-valuetext": `${momentText(at)}: ${told.join(", ")}`,
    });
  }
}

// Whether there is room for tall charts: not in a narrow column, nor on a small screen.
const roomy = (width) => width >= ROOMY_PX || window.innerHeight >= ROOMY_WINDOW_PX;

// Names of bands that are too low for one stand with the next one above, if there is one.
function joined(names) {
  const shown = [];
  let low = [];
  names.forEach((name, index) => {
    const above = names[index + 1];
    if (!name.tall && above?.tall && name.at - above.at < 5 * NAME_PX) low = [...low, name.text];
    else {
      shown.push({ at: name.at, text: [name.text, ...low].join(", ") });
      low = [];
    }
  });
  return shown;
}

function sample(series) {
  const line = svg("line", {
    class: `chart-line chart-${series.look}`,
    x1: 1,
    x2: 27,
    y1: 6,
    y2: 6,
  });
  return svg("svg", { class: "chart-sample", width: 28, height: 12, "aria-hidden": "true" }, line);
}
