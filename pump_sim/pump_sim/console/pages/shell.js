// The head of a page of the training room: title, pump, people, sound, theme, and the connection.

import {
  badge,
  button,
  changed,
  dropToasts,
  el,
  icon,
  replace,
  setAttribute,
  setText,
  themeButton,
  toast,
  announce,
} from "/static/shared/ui.js";
import { time } from "/static/shared/format.js";
import { pumpId } from "./api.js";

const LOST = {
  stale: "The simulator does not answer: the connection may be lost.",
  lost: "The connection to the simulator is lost; trying again.",
  token:
    "The simulator wants a token that this browser does not have: open the link that was printed when the training room was started. Trying again.",
  gone: "This pump is no longer in the training room; trying again.",
};
const PAGES = { instructor: "Instructor", trainee: "Trainee" };

// tones: what createTones() gave, or null for a page without sound.
export function mountHeader(root, store, tones = null) {
  const title = el("h1", { class: "truncate" }, "Training room");
  const where = el("div", { class: "header-where cluster" });
  const people = el("div", { class: "header-people cluster" });
  const connection = el("div", { class: "header-connection", role: "status" });
  const links =
    store.view === "instructor"
      ? el(
          "a",
          {
            class: "btn btn-quiet header-link",
            "aria-label": "Trainee view",
            href: `/trainee?pump=${encodeURIComponent(pumpId)}`,
            target: "pump-trainee",
            title: "Open what trainees see, in another tab",
          },
          icon("eye"),
          el("span", {}, "Trainee view"),
        )
      : null;
  replace(
    root,
    el(
      "div",
      { class: "header-title" },
      el("div", { class: "app-name small" }, `Training room · ${PAGES[store.view]}`),
      title,
    ),
    where,
    el("div", { class: "grow" }),
    people,
    connection,
    links,
    tones ? soundButton(tones) : null,
    themeButton(),
  );

  store.on("sight", (sight) => {
    // A title often tells what is wrong with the pump: trainees are not sent it.
    const name = sight.session.title ?? "Training session";
    setText(title, name);
    document.title = `${name} - ${PAGES[store.view].toLowerCase()} - SIMULATOR`;
    drawWhere(where, sight);
    drawPeople(people, sight, store);
  });
  const drawConnection = () => {
    if (!changed(connection, store.state)) return;
    const shown = {
      open: ["ok", "Live"],
      connecting: ["info", "Connecting"],
      stale: ["warn", "No answer"],
      lost: ["critical", "Disconnected"],
      token: ["critical", "No entry"],
      gone: ["critical", "Gone"],
    }[store.state];
    replace(connection, badge(shown[0], shown[1]));
  };
  store.on("connection", drawConnection);
  drawConnection();
}

function drawWhere(node, sight) {
  const { serial_number: serial, model, security_profile: security } = sight.identity;
  const pumps = sight.pumps ?? [];
  if (!changed(node, [serial, model, security, pumps])) return;
  const insecure = String(security).toUpperCase().includes("INSECURE");
  replace(
    node,
    pumps.length > 1 ? pumpSelect(pumps) : null,
    el(
      "span",
      { class: "header-pump num", title: `Model ${model}` },
      icon("pump"),
      el("span", {}, serial),
      el("span", { class: "muted small header-word" }, model),
    ),
    insecure
      ? badge("warn", "Without keys", {
          title: "LEGACY-INSECURE: whoever reaches the port may program this pump",
        })
      : null,
  );
}

function pumpSelect(pumps) {
  const select = el(
    "select",
    { class: "select", "aria-label": "Pump of this page" },
    pumps.map((id) => el("option", { value: id, selected: id === pumpId }, `Pump ${id}`)),
  );
  select.addEventListener("change", () => {
    const url = new URL(window.location.href);
    url.searchParams.set("pump", select.value);
    window.location.assign(url);
  });
  return select;
}

function drawPeople(node, sight, store) {
  const { instructors = 1, trainees = 0 } = sight.people ?? {};
  const before = node.instructors ?? null;
  node.instructors = instructors;
  if (!changed(node, [instructors, trainees])) return;
  replace(
    node,
    store.view === "instructor" && instructors > 1
      ? badge("warn", `${instructors} instructors`, {
          iconName: "people",
          title: "Other pages control this pump, too: what one does holds for all.",
        })
      : null,
    el(
      "span",
      { class: "header-count row nowrap" },
      icon("people"),
      el(
        "span",
        {},
        `${trainees} `,
        el("span", { class: "header-word" }, `trainee${trainees === 1 ? "" : "s"}`),
      ),
    ),
  );
  if (store.view === "instructor" && instructors > 1 && (before === null || instructors > before)) {
    toast(
      `${instructors} instructors are on this pump now. What one of you does holds for all.`,
      { kind: "warn" },
    );
  }
}

// A switch for the sound; a browser lets a page sound only after a click, so it is off at first.
export function soundButton(tones) {
  const node = button("Sound on", { kind: "primary", iconName: "sound" });
  const draw = () => {
    const off = !tones.ready || tones.muted;
    node.className = off ? "btn btn-primary" : "btn btn-quiet";
    setAttribute(node, "aria-pressed", String(!off));
    replace(node, icon(off ? "mute" : "sound"), el("span", {}, off ? "Turn sound on" : "Sound on"));
    node.title = off
      ? "The alarms are not heard yet: a browser sounds only after a click"
      : "The alarms are heard; press to mute them on this page";
  };
  node.addEventListener("click", () => {
    if (!tones.ready || tones.muted) tones.turnOn({ confirm: true });
    else tones.mute();
  });
  tones.onChange(draw);
  draw();
  return node;
}

// Says at once when the connection is lost, and when it is there again.
export function mountConnection(root, store) {
  root.className = "connection no-print";
  const text = el("span", { class: "grow" });
  const retry = button("Try now", { size: "small", onClick: () => store.retryNow() });
  const bar = el(
    "div",
    { class: "banner banner-critical banner-page", role: "alert", hidden: true },
    icon("unlink"),
    text,
    retry,
  );
  replace(root, bar);
  store.on("connection", ({ state }) => {
    const lost = state in LOST;
    bar.hidden = !lost;
    document.body.dataset.connection = state;
    const since = store.sight
      ? ` What you see is as it was at ${time(store.sight.clock.clock_local_ms, { seconds: true })} of the pump's clock.`
      : "";
    if (lost)
      setText(
        text,
        `${LOST[state]}${since}`,
      );
  });
  store.on("again", ({ anew }) => {
    dropToasts("critical"); // what failed meanwhile holds no more
    if (anew) {
      const takes = store.view === "instructor" ? ": its takes are gone" : "";
      toast(`The training room was started anew${takes}.`, { kind: "warn", seconds: 15 });
    } else {
      announce("Connected again.");
      toast("Connected again: everything is up to date.", { kind: "ok", seconds: 3 });
    }
  });
}
