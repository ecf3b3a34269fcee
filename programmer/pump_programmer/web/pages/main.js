// The page of the clinician's programmer: its steps, which one is shown, and who may leave it.

import { el, replace } from "/static/shared/ui.js";
import { get } from "./api.js";
import { focusHeading, outcome, said, stepHead, stepLink, waiting } from "./parts.js";
import * as live from "./session.js";
import { mountAlerts, mountHeader, mountRail } from "./shell.js";
import { alarms } from "./steps/alarms.js";
import { bolus } from "./steps/bolus.js";
import { connect } from "./steps/connect.js";
import { doubt } from "./steps/doubt.js";
import { emergency } from "./steps/emergency.js";
import { interrogate } from "./steps/interrogate.js";
import { log } from "./steps/log.js";
import { program } from "./steps/program.js";
import { refill } from "./steps/refill.js";
import { report } from "./steps/report.js";

const STEPS = [connect, interrogate, program, bolus, refill, alarms, log, report, emergency];
const HIDDEN = [doubt];

const main = document.getElementById("main");
let shown = null;
let mounted = null;
let mark = () => undefined;

/** The step that the address names; without one the step that is next. */
function wanted() {
  const name = location.hash.slice(1);
  const named = [...STEPS, ...HIDDEN].find((step) => step.name === name);
  return named ?? shown ?? (live.isOpen() ? interrogate : connect);
}

/**
 * Go to the step that the address names, unless the one that is shown wants to be finished.
 * @param {boolean} anew also where it is shown already: from its beginning
 */
async function go(anew = false) {
  const step = wanted();
  if (step === shown && !anew) return;
  if (mounted?.leave && !(await mounted.leave())) {
    history.replaceState(null, "", `#${shown.name}`);
    return;
  }
  mounted?.end?.();
  mounted = null;
  shown = step;
  mark(step.name);
  document.title = `${step.title}: clinician\u2019s programmer (SIMULATOR)`;
  const root = el("div", { class: "step-inner" });
  replace(main, root);
  fill(root, step);
  focusHeading(root);
}

/** The step itself, or why it cannot be taken now and what to do about it. */
function fill(root, step) {
  const closed = step.needs ? whyClosed(step) : null;
  root.dataset.closed = closed ? "true" : "";
  if (closed) replace(root, stepHead(step.title), closed);
  else mounted = step.mount(root);
}

function whyClosed(step) {
  const { state } = live.session;
  if (!state) return waiting("Asking the programmer");
  if (live.inDoubt() && step.acts) {
    const body = [said(live.inDoubt().message), el("p", {}, "Nothing else is sent until this is known.")];
    return outcome("unknown", "First find out what became of the last request", body, [stepLink("doubt", "Find out", "primary")]);
  }
  const connection = live.connection();
  if (connection === "open" || connection === "lost") {
    if (live.may(step.needs) || connection === "lost") return null;
    const body = el("p", {}, `The key in use is of role ${state.role ?? "unknown"}, and does not allow this step. Connect with the key of another role.`);
    return outcome("plain", "The key does not allow this step", [body], [stepLink("connect", "Choose another key", "primary"), live.may("interrogate") ? stepLink("interrogate", "See the status") : null]);
  }
  const body = el("p", {}, "Connect to the pump first. Emergency access needs no connection and no key.");
  return outcome("plain", "Not connected to a pump", [body], [stepLink("connect", "Connect", "primary"), stepLink("emergency", "Emergency access")]);
}

/** A step that was closed may be open now, and the other way round. */
function review() {
  if (!shown) return;
  const root = main.firstElementChild;
  const closed = Boolean(shown.needs && whyClosed(shown));
  const was = root?.dataset.closed === "true";
  if (closed && !was && mounted?.keep?.()) return;
  if (closed === was) {
    mounted?.update?.();
    return;
  }
  mounted?.end?.();
  mounted = null;
  const held = main.contains(document.activeElement);
  fill(root, shown);
  if (held) focusHeading(root);
}

async function interrogateAgain() {
  await live.act("Interrogating", live.interrogate);
}

async function begin() {
  mountHeader(document.getElementById("header"), { onInterrogate: interrogateAgain });
  mountAlerts(document.getElementById("alerts"));
  mark = mountRail(document.getElementById("rail"), STEPS);
  const state = await get("/state").catch(() => null);
  if (state) live.took(state);
  live.start();
  live.on("state", review);
  live.on("reading", () => mounted?.update?.());
  window.addEventListener("hashchange", () => go());
  document.getElementById("rail").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link && link.hash.slice(1) === shown?.name) go(true);
  });
  document.querySelector(".skip-link").addEventListener("click", (event) => {
    event.preventDefault(); // it is no step, and the address is for steps
    focusHeading(main);
  });
  await go();
}

begin();
