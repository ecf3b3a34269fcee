// The panel of charts: volume, rate and drug effect, believed and actual, over one time axis.

import { axisOf, momentText } from "./axis.js";
import { Chart } from "./chart.js";
import { historyOf } from "./history.js";
import { paced } from "./paced.js";
import { panel } from "./panel.js";
import { DAY_MS, HOUR_MS } from "/static/shared/format.js";
import { button, el, replace, setText } from "/static/shared/ui.js";

const NL_PER_ML = 1e6;
const PPM_PER_PERCENT = 1e4;

const WINDOWS = [
  ["All", null],
  ["30 d", 30 * DAY_MS],
  ["7 d", 7 * DAY_MS],
  ["24 h", DAY_MS],
  ["1 h", HOUR_MS],
];

const TABLE_ROWS = 30;
const TABLE_EVERY_MS = 3000;
const HEADS = [
  ["volume", "actual, mL"],
  ["volume", "believed, mL"],
  ["rate", "actual, mL/day"],
  ["rate", "believed, mL/day"],
  ["effect", "%"],
];

// From when on the patient shows a flag: thresholds of the effect, in per cent.
const BANDS = [
  { name: "withdrawal < 15 %", low: 0, high: 15, look: "grave" },
  { name: "underdose < 50 %", low: 15, high: 50, look: "watch" },
  { name: "overdose watch > 150 %", low: 150, high: 300, look: "watch" },
  { name: "overdose > 300 %", low: 300, high: Infinity, look: "grave" },
];

const column = (index, unit) => (row) => (row[index] === null ? null : row[index] / unit);

// Both lines where they agree: the dashes of belief lie on the broad line of truth.
function pair(believed, actual, stepped) {
  return [
    { name: "actual", look: "actual", stepped, value: column(actual, NL_PER_ML) },
    { name: "believed", look: "believed", stepped, value: column(believed, NL_PER_ML) },
  ];
}

export function mount(root, store) {
  return new Charts(root, store);
}

class Charts {
  #axis;
  #history;
  #store;
  #charts;
  #capacity = 20;
  #moment = el("span", { class: "chart-moment" });
  #plots = el("div");
  #table = el("div", { class: "chart-table", tabindex: "0", role: "region" });
  #drawTable;

  constructor(root, store) {
    this.#store = store;
    this.#axis = axisOf(store);
    this.#history = historyOf(store);
    const toTable = button("Table", {
      size: "small",
      title: "Show the charts as a table",
      "aria-pressed": "false",
      onClick: () => this.#switch(toTable),
    });
    const space = el("span", { class: "grow" });
    const body = panel(root, "Charts", {
      quiet: true,
      actions: [windows(this.#axis), space, this.#moment, toTable],
    });
    this.#table.setAttribute("aria-label", "Charts as a table");
    this.#table.hidden = true;
    body.append(this.#plots, this.#table);
    this.#charts = this.#build();
    this.#drawTable = paced(this.#table, () => this.#fillTable(), TABLE_EVERY_MS);
    this.#axis.onChange(() => this.#tell());
    this.#history.onChange(() => this.#redraw());
    this.#redraw();
  }

  #build() {
    const of = (spec) => new Chart(this.#plots, this.#axis, spec);
    return [
      of({
        title: "Volume",
        unit: "mL",
        series: pair(1, 2, false),
        height: 110,
        ceiling: (highest) => Math.max(this.#capacity, highest) * 1.05,
      }),
      of({
        title: "Rate",
        unit: "mL/day",
        series: pair(3, 4, true),
        digits: 3,
        height: 94,
        ceiling: (highest) => roundUp(highest || 0.1),
      }),
      of({
        title: "Drug effect",
        unit: "%",
        series: [{ name: "in the patient", look: "effect", value: column(5, PPM_PER_PERCENT) }],
        bands: BANDS,
        lines: [{ name: "as prescribed", at: 100 }],
        digits: 1,
        height: 156,
        labels: true,
        ceiling: (highest) => (highest <= 165 ? 165 : roundUp(highest)),
      }),
    ];
  }

  #redraw() {
    const known = this.#store.sight?.identity.capacity_nl;
    if (known) this.#capacity = known / NL_PER_ML;
    for (const chart of this.#charts) chart.update(this.#history.rows, this.#history.now);
    this.#tell();
    if (!this.#table.hidden) this.#drawTable();
  }

  // The moment of which the figures beside the lines are.
  #tell() {
    const { cursor } = this.#axis;
    setText(this.#moment, cursor === null ? "now" : `at ${momentText(cursor)}`);
    this.#moment.classList.toggle("is-past", cursor !== null);
  }

  #switch(toTable) {
    const asTable = this.#table.hidden;
    toTable.setAttribute("aria-pressed", String(asTable));
    this.#plots.hidden = asTable;
    this.#table.hidden = !asTable;
    if (asTable) this.#fillTable();
    this.#redraw();
  }

  #fillTable() {
    const { from } = this.#axis;
    const end = Math.min(this.#axis.to, this.#history.now);
    const rows = [];
    for (let index = 0; index <= TABLE_ROWS && (index === 0 || end > from); index += 1) {
      const at = end - ((end - from) * index) / TABLE_ROWS;
      const cells = this.#charts.flatMap((chart) => chart.textsAt(at));
      rows.push(
        el(
          "tr",
          {},
          el("th", { scope: "row", class: "nowrap" }, momentText(at)),
          cells.map((each) => el("td", { class: "num" }, each)),
        ),
      );
    }
    const heads = HEADS.map(([name, unit]) =>
      el("th", { scope: "col", class: "num" }, name, el("br"), unit),
    );
    const { scrollTop } = this.#table;
    replace(
      this.#table,
      el(
        "table",
        { class: "table" },
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "since start"), heads)),
        el("tbody", {}, rows),
      ),
    );
    this.#table.scrollTop = scrollTop;
  }
}

// A ceiling that does not move with every row: half as much again, as a round figure.
function roundUp(highest) {
  const power = 10 ** Math.floor(Math.log10(highest));
  const round = [1, 1.5, 2, 3, 4, 5, 7.5, 10].find((each) => each * power >= highest * 1.08);
  return (round ?? 15) * power;
}

function windows(axis) {
  const buttons = WINDOWS.map(([name, windowMs]) => {
    const node = button(name, {
      size: "small",
      "aria-pressed": String(windowMs === axis.windowMs),
      onClick: () => {
        axis.show(windowMs);
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === node));
      },
    });
    return node;
  });
  const label = "How much of the past is shown";
  return el("div", { class: "btn-group", role: "group", "aria-label": label }, buttons);
}
