// Report: the session as one page to keep, and the note of the clinicians on the pump.

import { buildForm } from "/static/shared/forms.js";
import { sentence } from "/static/shared/format.js";
import { confirm, el, icon, replace } from "/static/shared/ui.js";
import { address, get, post, put } from "../api.js";
import { actionButton, cautions, facts, outcome, problemOutcome, show, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as live from "../session.js";

const NOTE_BYTES = 128;

function mount(root) {
  const days = buildForm([{ name: "days", label: "Days of the therapy log", kind: "whole", unit: "days", minimum: 1, maximum: 36_500, required: true, value: 30 }]);
  const result = el("div");
  const links = el("div", { class: "cluster" });
  const drawLinks = () => {
    const { days: count } = days.values();
    const query = `?days=${count ?? 30}`;
    replace(
      links,
      fileButton(`/report.html${query}`, "Download the report", result, { kind: "primary", iconName: "download" }),
      fileButton(`/report.json${query}`, "Download as JSON", result, { iconName: "download" }),
    );
  };
  days.node.addEventListener("input", drawLinks);
  drawLinks();
  const sheet = titled("Report of the session", el("p", {}, "Prescription, reservoir, alarms, battery, note and therapy log, with charts, in one file that prints well and needs nothing else. It reads the pump and changes nothing."), el("div", { class: "fields" }, days.node), links, result);
  const service = [selfTest(), clock()].filter(Boolean);
  replace(root, stepHead("Report", "The session on paper, and what is left to do at its end: the note, the self-test and the clock."), sheet, el("div", { class: "halves" }, titled("Note on the pump", note()), service.length ? titled("Self-test and clock", service) : null));
  return {};
}

export const report = { name: "report", title: "Report", needs: "report", mount };

/** A file of the programmer, fetched so that what goes wrong can be said here. */
function fileButton(path, text, result, options) {
  const task = async () => {
    const response = await fetch(address(path), { headers: { Accept: "*/*" } }).catch(() => null);
    if (!response?.ok) {
      const members = (await response?.json().catch(() => null)) ?? { detail: "The programmer does not answer." };
      const problem = Object.assign(new Error(members.detail ?? members.title), { code: members.code ?? "unreachable", members, errors: [] });
      show(result, problemOutcome(problem));
      return;
    }
    const url = URL.createObjectURL(await response.blob());
    save(url, nameOf(response) ?? `report.${path.includes(".json") ? "json" : "html"}`);
    replace(result, el("p", { class: "row small", role: "status" }, icon("ok"), "The report was downloaded."));
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  };
  return actionButton(text, "Reading the pump", task, options);
}

const nameOf = (response) => /filename="?([^";]+)"?/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];

function save(url, name) {
  const link = el("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
}

/* ---- the note ---- */

function note() {
  const place = el("div", { class: "stack" }, waiting("Reading the note"));
  const read = async () => {
    try {
      draw(await get("/note"));
    } catch (problem) {
      replace(place, problemOutcome(problem, [actionButton("Try again", "Reading the note", read)]));
    }
  };
  const draw = (found, said = null) => {
    const bytes = (text) => new TextEncoder().encode(text).length;
    const left = el("p", { class: "field-help", id: "note-help" });
    const error = el("p", { class: "field-error", id: "note-error", hidden: true });
    const text = el("textarea", { class: "textarea", id: "note", rows: 4, "aria-describedby": "note-help note-error", value: found.text, disabled: !live.may("write_note") });
    const count = () => {
      const length = bytes(text.value);
      left.textContent = `${length} of ${NOTE_BYTES} bytes.`;
      error.hidden = length <= NOTE_BYTES;
      if (length > NOTE_BYTES) {
        replace(error, icon("critical"), `${length} bytes are too many: at most ${NOTE_BYTES}.`);
        text.setAttribute("aria-invalid", "true");
      } else {
        text.removeAttribute("aria-invalid");
      }
      return length <= NOTE_BYTES;
    };
    text.addEventListener("input", count);
    const ask = async () => {
      if (count()) return confirm({ title: "Write this note to the pump?", body: el("p", { class: "inset alarm-line" }, text.value || "No note: the one on the pump is cleared."), confirm: "Write it" });
      text.focus();
      return false;
    };
    const write = actionButton("Write the note", "Writing the note", async () => {
      try {
        const done = await put("/note", { text: text.value });
        draw({ intact: true, ...done, text: done.text ?? text.value }, outcome("done", "The note is written", [el("p", {}, done.shown?.text ?? "")]));
      } catch (problem) {
        const next = problem.code === "outcome_unknown" ? [stepLink("doubt", "Find out: ask the pump", "primary")] : [];
        replace(status, problemOutcome(problem, next));
      }
    }, { ask });
    const status = el("div", {}, said);
    replace(
      place,
      found.intact === false ? el("p", { class: "text-critical strong" }, "The memory of the note has failed: write it anew.") : null,
      el("div", { class: "field" }, el("label", { class: "field-label", for: "note" }, "What the next clinician should know"), text, left, error),
      live.may("write_note") ? el("div", {}, write) : el("p", { class: "muted small" }, "The key in use may not write it."),
      status,
    );
    count();
  };
  read();
  return place;
}

/* ---- self-test and clock ---- */

function selfTest() {
  const place = el("div");
  const task = async () => {
    try {
      const found = await post("/self-test");
      const failed = found.results.filter((each) => !each.passed);
      const rows = facts(found.results.map((each) => [sentence(each.check), each.passed ? "passed" : el("strong", { class: "text-critical" }, "FAILED")]));
      show(place, failed.length ? outcome("refused", `${failed.length} check${failed.length > 1 ? "s" : ""} FAILED`, [rows]) : outcome("done", "All checks passed", [rows]));
    } catch (problem) {
      show(place, problemOutcome(problem));
    }
  };
  return live.may("self_test") ? el("div", { class: "stack" }, el("div", {}, actionButton("Let the pump check itself", "Testing", task, { iconName: "settings" })), place) : null;
}

function clock() {
  const place = el("div", { class: "stack" });
  const follows = "It is set to the clock of the programmer\u2019s computer. Schedules follow the new clock from then on; no dose is changed.";
  const ask = async () => {
    // Read anew: the pump's time goes on, and in a training room faster than this one.
    try {
      const { shown } = await get("/clock");
      const body = el("div", { class: "stack" }, shown.warnings.length ? cautions(shown.warnings) : null, facts(shown.facts), el("p", {}, follows));
      return await confirm({ title: "Set the pump\u2019s clock?", body, confirm: "Set it", danger: shown.warnings.length > 0 });
    } catch (problem) {
      show(place, problemOutcome(problem));
      return false;
    }
  };
  const setting = async () => {
    try {
      const done = await put("/clock", { time: "now" });
      await live.interrogate();
      show(place, outcome("done", "The clock is set", [el("p", {}, done.shown?.text ?? done.resolved?.text ?? "")]));
    } catch (problem) {
      const next = problem.code === "outcome_unknown" ? [stepLink("doubt", "Find out: ask the pump", "primary")] : [];
      show(place, problemOutcome(problem, next));
    }
  };
  const read = live.session.reading?.status.shown.clock;
  return live.may("set_clock") ? el("div", { class: "stack" }, el("p", { class: "muted" }, read ? `The pump\u2019s clock showed ${read} when it was interrogated.` : ""), el("div", {}, actionButton("Set the clock to now", "Setting the clock", setting, { iconName: "clock", ask })), place) : null;
}
