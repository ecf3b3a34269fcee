// Connect: which pump is at the port, with which key; and pairing where there is none.

import { sentence } from "/static/shared/format.js";
import { buildForm } from "/static/shared/forms.js";
import { changed, el, replace } from "/static/shared/ui.js";
import { get, post } from "../api.js";
import { actionButton, atFields, facts, outcome, problemOutcome, said, show, stepHead, stepLink, titled, waiting } from "../parts.js";
import * as live from "../session.js";

const { session } = live;
const ROLES = ["clinician", "observer", "patient", "service"];
const PAIRABLE = new Set(["no_key", "authentication_failed", "pump_unproven"]);
const CODE = "[\\s-]*(?:[A-Za-z0-9][\\s-]*){26}";

function mount(root) {
  const body = el("div", { class: "stack" });
  // Made once: what was typed, and why a code was not taken, outlive the changes of the state.
  const pair = el("details", { class: "card card-body" }, el("summary", {}, "Pair with the pump, for a new key or another role"), pairing());
  replace(root, stepHead("Connect", "The programmer talks to one pump at a time, over one port."), body, pair);
  const draw = () => {
    const { state } = session;
    if (!changed(body, [session.here, state?.connection, live.connection(), state?.why, state?.role, state?.pump, session.identity?.serial_number])) return;
    replace(body, state ? contents(state) : waiting("Asking the programmer"));
    if (PAIRABLE.has(state?.why?.code)) pair.open = true;
    pair.hidden = Boolean(state?.pump?.unsafe) || state?.why?.code === "insecure_pump"; // it has no keys to give
  };
  draw();
  return { update: draw };
}

export const connect = { name: "connect", title: "Connect", mount };

function contents(state) {
  if (live.connection() === "open") return opened(state);
  if (live.connection() === "lost") return lostPanel(state);
  const { why } = state;
  if (!why) return outcome("plain", "Not connected", [el("p", {}, `The port is ${state.address}. It is free for other programs meanwhile.`)], [connectButton()]);
  return [refusedPanel(state, why), why.roles?.length ? titled("Choose a key", rolesForm(why.roles)) : null];
}

/* ---- connected ---- */

function opened(state) {
  const known = session.identity?.shown?.facts;
  const key = state.role ? `key of role ${state.role}` : "no key: anybody may program this pump";
  const others = el("div", { class: "stack" });
  otherRoles(state).then((node) => node && replace(others, node));
  return [
    state.pump?.unsafe ? unsafePanel(state.pump.unsafe) : null,
    el(
      "div",
      { class: "halves" },
      titled("This connection", facts([["Port", state.address], ["Pump", `${state.pump.serial_number}, model ${state.pump.model}`], ["Key", key], ["May", state.may.map((each) => each.replaceAll("_", " ")).join(", ")]]), others),
      titled("The pump says of itself", known ? facts(known) : waiting("Asking the pump")),
    ),
    el("div", { class: "step-foot" }, actionButton("Disconnect", "Disconnecting", disconnect, { iconName: "unlink" }), stepLink("interrogate", "Go on: interrogate", "primary")),
  ];
}

const unsafePanel = (unsafe) =>
  outcome("refused", unsafe, [el("p", {}, "Whoever reaches the port may program this pump, and nothing proves that it is this pump. For training only.")]);

/** Another key of this pump to go on with, if there is any. */
async function otherRoles(state) {
  const { keys } = await get("/keys").catch(() => ({ keys: [] }));
  const roles = keys.filter((each) => each.serial_number === state.pump.serial_number && each.role !== state.role).map((each) => each.role);
  if (!roles.length) return null;
  return roles.map((role) => actionButton(`Connect with the ${role} key`, "Connecting", () => live.connect({ role }).catch(() => undefined), { size: "small", iconName: "key" }));
}

async function disconnect() {
  live.took(await post("/disconnect"));
}

/* ---- not connected ---- */

function connectButton(text = "Connect") {
  // What goes wrong comes back as the state's own problem, and is shown from there.
  const task = async () => {
    const state = await live.connect().catch(() => null);
    if (state) location.hash = "interrogate";
  };
  return actionButton(text, "Connecting", task, { kind: "primary", offline: true });
}

const lostPanel = (state) =>
  outcome("unknown", "The connection to the pump is lost", [el("p", {}, `Nothing is heard at ${state.address}. Therapy goes on in the pump. This page tries again every 3 s, and you may try now.`)], [connectButton("Try now")]);

const ADVICE = {
  port_missing: "Is the programming head plugged in, and the pump (or pump-sim run) started?",
  port_busy: "Perhaps another pump-programmer web, or a command in a terminal, has it. End it there, and connect again.",
  no_answer: "Is the programming head where it should be, and the address right?",
  no_key: "Pair with the pump below, or start the programmer with --key.",
  insecure_pump: "If that is accepted, as in a training room, start the programmer with --insecure.",
  authentication_failed: "The key is of another pump, or the pump was replaced. Pair again.",
  another_pump: "If this pump is meant, try again. What was read of the other one is out of date.",
  pump_unproven: "Do not go on unless you know why: it may be an impostor.",
};

function refusedPanel(state, why) {
  const problem = Object.assign(new Error(why.detail), { code: why.code, members: why, errors: [] });
  const panel = problemOutcome(problem, why.roles?.length ? [] : [connectButton("Try again")]);
  const advice = why.roles?.length ? "Choose one of them below." : ADVICE[why.code];
  if (advice) panel.querySelector(".said").after(el("p", { class: "strong" }, advice));
  return panel;
}

function rolesForm(roles) {
  return el("div", { class: "cluster" }, roles.map((role) => actionButton(`Connect as ${role}`, "Connecting", async () => {
    if (await live.connect({ role }).catch(() => null)) location.hash = "interrogate";
  }, { offline: true, iconName: "key" })));
}

/* ---- pairing ---- */

function pairing() {
  const form = buildForm([
    { name: "code", label: "Pairing code", kind: "text", required: true, pattern: CODE, hint: "26 characters: letters A to Z and digits 2 to 7, so the letter O and no zero, the letter I and no one; hyphens, spaces and case do not matter" },
    { name: "role", label: "For the role", kind: "choice", required: true, choices: ROLES.map((value) => ({ value, label: sentence(value) })), value: "clinician" },
  ]);
  form.control("code").input.classList.add("code-input");
  const result = el("div");
  const task = async () => {
    replace(result);
    try {
      const paired = await post("/pair", form.values());
      const text = `A key of role ${paired.role} is stored in ${paired.stored_in}${paired.replaced_key_id ? ", and replaces the one before" : ""}.`;
      // Keys of several roles may be stored now: it is the new one that is meant.
      const state = paired.state?.connection === "open" && paired.state.role === paired.role ? paired.state : await live.connect({ role: paired.role });
      live.took(state);
      show(result, outcome("done", "Paired and connected", [el("p", {}, text)], [stepLink("interrogate", "Go on: interrogate", "primary")]));
    } catch (problem) {
      if (problem.errors.length && !atFields(problem, form.fail).length) return;
      show(result, problemOutcome(problem));
    }
  };
  return el(
    "div",
    { class: "stack pairing" },
    el(
      "ol",
      { class: "numbered" },
      el("li", {}, "Lay the programming head on the pump, at the patient, and leave it there."),
      el("li", {}, "Have a pairing code shown. In the training room: Programming head, and there Show a pairing code. At a pump in a terminal: press p where pump-sim run runs, or run pump-sim pair."),
      el("li", {}, "Type the code within 2 minutes. It is good for one key, once."),
    ),
    form.node,
    el("div", {}, actionButton("Pair", "Pairing", task, { kind: "primary", iconName: "key", offline: true, ask: async () => form.check() })),
    result,
  );
}
