// The clock bar: what time it is for the therapy, how fast it runs, and where it may go.

import {
  announce,
  badge,
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
import {
  DAY_MS,
  HOUR_MS,
  clock as clockText,
  date,
  duration,
  sentence,
  stopwatch,
  time,
  weekday,
} from "/static/shared/format.js";
import { buildForm } from "/static/shared/forms.js";
import { api, problemText } from "./api.js";
import { choosePace, paceOf, playOrPause } from "./pace.js";

const SPEEDS = [
  { speed: 1, text: "×1", title: "Run as fast as real time" },
  { speed: 60, text: "×60", title: "Run a minute each second" },
  { speed: 3600, text: "×3600", title: "Run an hour each second" },
  { speed: 86400, text: "×86400", title: "Run a day each second" },
];
const FURTHEST_MS = 40 * 366 * DAY_MS;
const WAITS = {
  decision: ["Waits for you", "The scenario waits for a decision"],
  programmer: ["Waits: programmer", "The scenario's programmer waits for an answer on the link"],
};

export function mount(root, store) {
  const parts = build(store);
  replace(root, parts.nodes);

  store.on("sight", () => {
    drawControls(parts, store);
    drawTime(parts, store);
  });
}

const send = (method, path, body) => attempt(() => api.send(method, path, body));

async function attempt(doing) {
  try {
    return await doing();
  } catch (problem) {
    toast(problemText(problem), { kind: "critical" });
    return null;
  }
}

const advance = (by_ms, said) =>
  send("POST", "/clock/advance", { by: by_ms }).then(
    (done) => done && announce(`${said}. It is ${done.clock} now.`),
  );

function build(store) {
  const day = el("span", { class: "clock-day" });
  const now = el("span", { class: "clock-now" });
  const elapsed = el("span", { class: "clock-elapsed num" });
  const state = el("div", { class: "clock-state", role: "status" });

  const play = button("Play", { kind: "primary", size: "large", iconName: "play" });
  play.classList.add("clock-play");
  play.addEventListener("click", () => attempt(() => playOrPause(store)));
  const speeds = SPEEDS.map(({ speed, text, title }) =>
    button(text, {
      title,
      "aria-pressed": "false",
      onClick: async () => {
        await attempt(() => choosePace(store, speed));
        drawSpeeds(speeds, store);
      },
    }),
  );

  const nextText = el("span", { class: "clock-next-what" });
  const nextIn = el("span", { class: "clock-next-in num muted" });
  const next = el(
    "button",
    { type: "button", class: "btn clock-next" },
    icon("next"),
    el(
      "span",
      { class: "clock-next-texts" },
      el("span", { class: "clock-next-label" }, "To next event"),
      el("span", { class: "clock-next-line" }, nextText, " ", nextIn),
    ),
  );
  next.addEventListener("click", () =>
    send("POST", "/clock/next-event").then((done) => done && announce(`It is ${done.clock} now.`)),
  );

  const hour = button("+1 h", {
    title: "Move on by an hour, at once",
    onClick: () => advance(HOUR_MS, "An hour on"),
  });
  const aDay = button("+1 day", {
    title: "Move on by a day, at once",
    onClick: () => advance(DAY_MS, "A day on"),
  });
  const toDate = button("To a date", {
    iconName: "calendar",
    title: "Move on to a date, at once",
    onClick: () => askDate(store),
  });

  const nodes = [
    el(
      "div",
      { class: "clock-face", role: "timer", "aria-label": "The pump's local clock" },
      el("div", { class: "clock-line" }, day, now),
      elapsed,
    ),
    el(
      "div",
      { class: "clock-run cluster" },
      play,
      el("div", { class: "btn-group", role: "group", "aria-label": "Speed" }, speeds),
      state,
    ),
    el(
      "div",
      { class: "clock-jumps cluster" },
      next,
      el("div", { class: "btn-group", role: "group", "aria-label": "Move on" }, hour, aDay, toDate),
    ),
  ];
  return { nodes, day, now, elapsed, state, play, speeds, next, nextText, nextIn };
}

function drawTime(parts, store) {
  const { clock, session } = store.sight;
  const local = store.localNow();
  setText(parts.day, `${weekday(local).slice(0, 3)} ${date(local)}`);
  setText(parts.now, time(local, { seconds: true }));
  const length = session.length_ms ? ` of ${duration(session.length_ms, 1)}` : "";
  setText(parts.elapsed, `Elapsed ${stopwatch(store.elapsedNow())}${length}`);
  if (clock.next_event)
    setText(
      parts.nextIn,
      `in ${duration(Math.max(0, clock.next_event.in_ms))}`,
    );
}

function drawSpeeds(speeds, store) {
  const current = paceOf(store);
  SPEEDS.forEach(({ speed, title }, index) => {
    setAttribute(speeds[index], "aria-pressed", String(current === speed));
    const waits = store.sight.clock.paused ? ", from Play on" : "";
    setAttribute(speeds[index], "title", `${title}${waits}`);
  });
}

// What happens next; in a practice nothing is scripted that could go on.
function nextText({ clock, session }) {
  const event = clock.next_event;
  if (!event) return "nothing will happen by itself";
  if (session.kind === "practice" && event.what === "scenario") return "Something happens";
  return sentence(event.text || event.what);
}

function drawControls(parts, store) {
  const { sight } = store;
  const { clock } = sight;
  if (changed(parts.play, [clock.paused])) {
    replace(
      parts.play,
      icon(clock.paused ? "play" : "pause"),
      el("span", {}, clock.paused ? "Play" : "Pause"),
    );
  }
  drawSpeeds(parts.speeds, store);
  drawState(parts.state, clock, sight.session);
  const event = clock.next_event;
  parts.next.disabled = !event;
  setText(parts.nextText, nextText(sight));
  if (!event) setText(parts.nextIn, "");
}

function drawState(node, clock, session) {
  const key = [
    clock.paused,
    clock.waits_for,
    clock.jumping,
    clock.held,
    session.over,
    clock.speed,
    clock.pace,
  ];
  if (!changed(node, key)) return;
  if (clock.waits_for) {
    const [text, title] = WAITS[clock.waits_for] ?? ["Waits", null];
    replace(node, badge("warn", text, { iconName: "hand", title }));
  } else if (session.over) replace(node, badge("ok", "Session over"));
  else if (clock.held) 
    replace(
      node,
      badge("warn", "Stands still", {
        iconName: "pause",
        title: "Time is held: somebody else moves it, or waits for an answer",
      }),
    );
  else if (clock.jumping)
    replace(
      node,
      badge("info", "Jumps", {
        iconName: "forward",
        title: "Jumps to the next event after each exchange on the link",
      }),
    );
  else if (clock.paused) replace(node, badge("plain", "Paused", { iconName: "pause" }));
  else replace(node, badge("ok", "Running", { iconName: "play" }));
}

async function askDate(store) {
  if (!store.sight) return;
  const from = Math.ceil(store.localNow() / 1000) * 1000;
  const field = {
    name: "at",
    label: "Date and time of the pump's clock",
    kind: "date",
    required: true,
    value: from + DAY_MS - (from % 60_000),
    minimum: from,
    maximum: from + FURTHEST_MS,
  };
  const preview = el("p", { class: "muted", "aria-live": "polite" });
  const form = buildForm([field], { onChange: () => drawPreview() });
  const drawPreview = () => {
    const { at } = form.values();
    setText(
      preview,
      at === undefined
        ? ""
        : `That is ${duration(at - store.localNow())} from now. All that falls due until then will have happened. A scenario stops where it waits for somebody.`,
    );
  };
  drawPreview();
  const check = async () => {
    if (!form.check()) return false;
    const by = Math.round(form.values().at - store.localNow());
    try {
      const done = await api.send("POST", "/clock/advance", { by: Math.max(0, by) });
      announce(`It is ${done.clock} now.`);
    } catch (problem) {
      form.showProblem(problem);
      return false;
    }
    return true;
  };
  await dialog({
    title: `Move on from ${clockText(from)}`,
    iconName: "calendar",
    body: [form.node, preview],
    actions: [
      { text: "Cancel", value: null },
      { text: "Move on", value: true, iconName: "forward", check },
    ],
  });
}
