// The event log as files: all of it, or what a filter shows.

import { api } from "./api.js";
import { button, dialog, el, icon, toast } from "/static/shared/ui.js";

const PAGE = 1000;
const COLUMNS = ["index", "elapsed_ms", "clock_local_ms", "kind", "severity", "by", "text"];

// Ask which lines are wanted, and in which format.
export function offerFiles(lines, matches) {
  const found = lines.filter(matches);
  const filtered = found.length !== lines.length;
  const all = el(
    "div",
    { class: "cluster" },
    el(
      "a",
      { class: "btn", href: api.url("/events.csv"), download: "events.csv" },
      icon("download"),
      "CSV",
    ),
    button("JSON", { iconName: "download", onClick: () => exportAll() }),
  );
  const some = el(
    "div",
    { class: "cluster" },
    button("CSV", { iconName: "download", onClick: () => save("events-filtered.csv", csv(found)) }),
    button("JSON", {
      iconName: "download",
      onClick: () => save("events-filtered.json", json(found)),
    }),
  );
  dialog({
    title: "Export the event log",
    body: [
      el("h3", {}, "The whole log of this take"),
      all,
      filtered ? el("h3", {}, `What the filter shows: ${found.length} lines`) : null,
      filtered ? some : null,
    ],
  });
}

async function exportAll() {
  try {
    const lines = [];
    for (;;) {
      const after = lines.at(-1)?.index ?? 0;
      const answer = await api.get(`/events?after=${after}&limit=${PAGE}`);
      const page = answer.events ?? answer;
      lines.push(...page);
      if (page.length < PAGE) break;
    }
    save("events.json", json(lines));
  } catch (problem) {
    toast(`The event log could not be fetched. ${problem.detail ?? ""}`, { kind: "critical" });
  }
}

const json = (lines) => JSON.stringify(lines, null, 1);

function csv(lines) {
  const cell = (value) => {
    const text = String(value ?? "");
    // A spreadsheet would take these for a formula.
    const safe = /^[=+\-@\t\r]/.test(text) && typeof value !== "number" ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const rows = lines.map((line) => COLUMNS.map((name) => cell(line[name])).join(","));
  return `${[COLUMNS.join(","), ...rows].join("\r\n")}\r\n`;
}

// Hand a text over as a file.
function save(name, text) {
  const type = name.endsWith(".csv") ? "text/csv" : "application/json";
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
