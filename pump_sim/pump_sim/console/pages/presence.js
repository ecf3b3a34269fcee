// The programming head: whether it is in reach or lies on the pump, its button, and the pairing code.
// The code is shown on this page only, to be read aloud, and forgotten when its time is over.

import {
  announce,
  banner,
  button,
  changed,
  dialog,
  el,
  icon,
  replace,
  setAttribute,
  setText,
  toast,
} from "/static/shared/ui.js";
import { duration, sentence } from "/static/shared/format.js";
import { api, problemText } from "./api.js";

const PLACES = [
  {
    name: "away",
    text: "Away",
    title: "Out of reach: the pump hears no byte",
    body: { in_reach: false, on_pump: false },
  },
  {
    name: "near",
    text: "In reach",
    title: "Within reach of the pump: telemetry works",
    body: { in_reach: true, on_pump: false },
  },
  {
    name: "on",
    text: "On the pump",
    title: "It lies on the pump: pairing and emergency access are possible",
    body: { in_reach: true, on_pump: true },
  },
];
const ROLES = ["clinician", "patient", "observer", "service"];

export function mount(root, store) {
  const places = PLACES.map(({ text, title, body }) =>
    button(text, { title, "aria-pressed": "false", onClick: () => act("proximity", body) }),
  );
  const told = el("p", { class: "small muted" });
  const press = button("Press the head's button", {
    iconName: "hand",
    title: "Somebody is there who wants emergency access",
  });
  const pressed = el("p", { class: "small", role: "status" });
  const role = el(
    "select",
    { class: "select presence-role", "aria-label": "Whose key the code gives" },
    ROLES.map((each) => el("option", { value: each }, sentence(each))),
  );
  const show = button("Show a pairing code", { kind: "primary", iconName: "key" });
  const code = el("div", { class: "pairing" });
  const insecure = el(
    "div",
    { hidden: true },
    banner(
      "warn",
      "This pump is without keys (legacy-insecure): whoever reaches its port may program it, and there is nothing to pair.",
    ),
  );
  const pairing = el("div", { class: "stack" }, el("div", { class: "row" }, role, show), code);

  replace(
    root,
    el(
      "div",
      { class: "stack" },
      el(
        "div",
        { class: "doing-group" },
        el("h3", { class: "doing-title" }, icon("link"), "Where the programming head is"),
        el(
          "div",
          {
            class: "btn-group presence-places",
            role: "group",
            "aria-label": "Where the programming head is",
          },
          places,
        ),
        told,
      ),
      el(
        "div",
        { class: "doing-group" },
        el("h3", { class: "doing-title" }, icon("key"), "Pair a programmer"),
        insecure,
        pairing,
      ),
      el(
        "div",
        { class: "doing-group" },
        el("h3", { class: "doing-title" }, icon("hand"), "Emergency access"),
        el("div", { class: "cluster" }, press),
        pressed,
      ),
    ),
  );

  const shown = { code: null, until: 0, pressedUntil: 0 };

  press.addEventListener("click", async () => {
    const answer = await act("button", {});
    if (!answer) return;
    shown.pressedUntil = performance.now() + answer.expires_in_ms;
    if (answer.expires_in_ms === 0)
      toast("The head does not lie on the pump: its button counts for nothing.", { kind: "warn" });
    tick();
  });
  show.addEventListener("click", async () => {
    if (!store.sight?.presence.on_pump && !(await act("proximity", PLACES[2].body))) return;
    const answer = await act("pair", { role: role.value });
    if (!answer) return;
    shown.code = answer;
    shown.until = performance.now() + answer.expires_in_ms;
    drawCode(code, shown);
    announce(`Pairing code for the ${answer.role}: ${[...answer.code].join(" ")}`);
  });

  const tick = () => {
    const now = performance.now();
    if (shown.code && now >= shown.until) {
      shown.code = null;
      drawCode(code, shown);
    }
    const left = code.querySelector("[data-left]");
    if (left && shown.code) {
      setText(left, `valid for ${duration(Math.ceil((shown.until - now) / 1000) * 1000)}`);
      code
        .querySelector(".progress > span")
        .style.setProperty("--part", `${((shown.until - now) / shown.code.expires_in_ms) * 100}%`);
    }
    const pressLeft = Math.ceil((shown.pressedUntil - now) / 1000);
    setText(
      pressed,
      pressLeft > 0
        ? `Pressed: the pump believes that somebody is there for ${pressLeft} s more.`
        : "",
    );
  };
  window.setInterval(tick, 250);

  store.on("sight", (sight) => {
    const { in_reach: near, on_pump: on } = sight.presence;
    const at = on ? "on" : near ? "near" : "away";
    PLACES.forEach((each, index) =>
      setAttribute(places[index], "aria-pressed", String(each.name === at)),
    );
    setText(told, `${PLACES.find((each) => each.name === at).title}.`);
    if (!on && shown.code) {
      shown.code = null; // lifted off: the pump has forgotten the code
      drawCode(code, shown);
    }
    if (!on) shown.pressedUntil = 0;
    const withoutKeys = String(sight.identity.security_profile).toUpperCase().includes("INSECURE");
    insecure.hidden = !withoutKeys;
    pairing.hidden = withoutKeys;
  });
  store.on("session", () => {
    shown.code = null;
    drawCode(code, shown);
  });
}

async function act(name, body) {
  try {
    return await api.send("POST", `/acts/${name}`, body);
  } catch (problem) {
    toast(problemText(problem), { kind: "critical" });
    return null;
  }
}

function drawCode(root, { code }) {
  if (!changed(root, code)) return;
  replace(
    root,
    code &&
      el(
        "div",
        { class: "pairing-card inset" },
        el("div", { class: "small muted" }, `Code for the ${code.role} of ${code.serial_number}`),
        el(
          "div",
          { class: "pairing-code mono", "aria-label": [...code.code].join(" ") },
          grouped(code.code),
        ),
        el(
          "div",
          { class: "progress", "aria-hidden": "true" },
          el("span", { vars: { "--part": "100%" } }),
        ),
        el("div", { class: "small num", dataset: { left: "" } }),
        el(
          "div",
          { class: "cluster pairing-actions" },
          button("Show it large", {
            size: "small",
            iconName: "search",
            onClick: () =>
              dialog({
                title: `Pairing code for the ${code.role} of ${code.serial_number}`,
                wide: true,
                body: el("p", { class: "pairing-code-large mono" }, code.code),
              }),
          }),
          button("Copy", { size: "small", iconName: "document", onClick: () => copy(code.code) }),
        ),
        el(
          "p",
          { class: "small muted" },
          "Void once it was used, after three wrong ones, or when the head is lifted off.",
        ),
      ),
  );
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("The code is in the clipboard.", { kind: "ok", seconds: 3 });
  } catch {
    toast("This browser does not let the page copy: read the code off instead.", { kind: "warn" });
  }
}

// Two groups a line, so that a line can be read out in one breath.
const grouped = (code) =>
  code
    .split("-")
    .map((group, index, all) => [
      el("span", { class: "nowrap" }, group, index < all.length - 1 ? "-" : ""),
      index % 2 ? el("br") : null,
    ]);
