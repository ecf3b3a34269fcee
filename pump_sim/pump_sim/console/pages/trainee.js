// The trainees' page: what is seen and heard at the bedside, and what a programmer reads. No truth.

import { mount as mountAlarms } from "./alarms.js";
import { momentText } from "./axis.js";
import { mount as mountLog } from "./events.js";
import { panel } from "./panel.js";
import { mountConnection, mountHeader } from "./shell.js";
import { createStore } from "./store.js";
import { createTones } from "./tones.js";
import {
  clock,
  date,
  doseOf,
  duration,
  mcgPerDay,
  mcgPerMl,
  mlPerDay,
  mlValue,
  percent,
  sentence,
  speed,
  time,
  weekday,
  words,
} from "/static/shared/format.js";
import { announce, badge, changed, el, icon, kv, replace, setText } from "/static/shared/ui.js";

const place = (id) => document.getElementById(id);

const WAITING = "The session begins when the instructor presses play.";
const OVER = "The session is over.";
const QUIET = "The session runs. Watch the patient and the pump.";

const SERVICE = {
  in_service: ["ok", "in service"],
  eri: ["warn", "replace it soon (ERI)"],
  eos: ["critical", "end of service"],
};

// --- what is told ----------------------------------------------------------------------------------

function mountStory(root, store) {
  const at = el("span", { class: "story-at num" });
  const line = el("span", {});
  const last = el("p", { class: "story-last" }, at, line);
  const ask = el("div", { class: "story-ask" });
  const before = el("ol", { class: "plain story-before" });
  root.className = "card story";
  replace(root, el("h2", { class: "visually-hidden" }, "What is told"), last, ask, before);
  const isNews = newsOf();
  store.on("session", () => isNews(null));
  store.on("sight", (sight) => {
    const { session } = sight;
    const news = isNews(sight);
    const begun = session.elapsed_ms > 0;
    if (!changed(root, [session.said, session.decision, session.over, news, begun])) return;
    const { said, decision } = session;
    const otherwise = session.over ? OVER : begun ? QUIET : WAITING;
    const text = news ? said.at(-1).text : otherwise;
    setText(at, news && begun ? momentText(said.at(-1).elapsed_ms) : "");
    setText(line, text);
    ask.hidden = !decision;
    if (decision && changed(ask, decision)) {
      replace(
        ask,
        el("p", { class: "story-question" }, icon("branch"), decision.ask),
        el(
          "ol",
          { class: "story-options" },
          decision.options.map((each) => el("li", {}, each.title)),
        ),
      );
      announce(`${decision.ask} ${decision.options.map((each) => each.title).join(", or ")}`);
    } else if ((news || session.over) && changed(last, text)) {
      announce(text);
    }
    const earlier = (news ? said.slice(0, -1) : said).slice(-2).reverse();
    replace(
      before,
      earlier.map((each) =>
        el(
          "li",
          {},
          el("span", { class: "num" }, momentText(each.elapsed_ms)),
          el("span", {}, each.text),
        ),
      ),
    );
  });
}

// Whether the line that was told last is still the latest news: not once an alarm or a sign has come
// or gone since, nor when all is over. Signs have no time of their own: they are new when they are seen.
function newsOf() {
  let seen = null;
  let count = 0;
  let movedAt = -Infinity;
  return (sight) => {
    if (sight === null) {
      seen = null;
      movedAt = -Infinity;
      return false;
    }
    const { session, alarms, signs, clock: now } = sight;
    const key = JSON.stringify([alarms.map((each) => each.alarm), signs.map((each) => each.sign)]);
    const told = session.said.at(-1);
    const latest = Math.max(-Infinity, ...alarms.map((each) => each.since_elapsed_ms ?? 0));
    // What was told together with it is about it.
    if (seen !== null && key !== seen && session.said.length === count) movedAt = now.elapsed_ms;
    seen = key;
    count = session.said.length;
    return Boolean(told) && !session.over && told.elapsed_ms >= Math.max(movedAt, latest);
  };
}

// --- at the bedside --------------------------------------------------------------------------------

function mountBedside(root, store, tones) {
  const body = panel(root, "At the bedside");
  const day = el("p", { class: "bedside-day" });
  const now = el("p", { class: "bedside-time num" });
  const runs = el("p", { class: "bedside-runs" });
  const signs = el("div", { class: "bedside-signs" });
  const heard = el("div", { class: "bedside-heard" });
  body.classList.add("bedside");
  body.append(
    el(
      "div",
      { class: "bedside-clock" },
      el("h3", { class: "bedside-label" }, "Clock"),
      now,
      day,
      runs,
    ),
    el("div", { class: "bedside-patient" }, el("h3", { class: "bedside-label" }, "Patient"), signs),
    el("div", { class: "bedside-sound" }, el("h3", { class: "bedside-label" }, "Heard"), heard),
  );
  const tick = () => {
    if (!store.sight || document.hidden) return;
    const local = store.localNow();
    setText(now, time(local));
    setText(day, `${weekday(local)}, ${date(local)}`);
  };
  document.addEventListener("visibilitychange", tick);
  const draw = () => {
    const { clock: state, signs: shown, sounding, session } = store.sight;
    tick();
    const waits = session.decision ? "stands still for your decision" : "stands still";
    const still = state.paused || state.held || session.decision;
    setText(
      runs,
      `${state.elapsed_ms > 0 ? `${momentText(state.elapsed_ms)} since the start` : "Not begun"} · ${
        still ? waits : `runs ${speed(state.speed)}`
      }`,
    );
    drawSigns(signs, shown);
    drawHeard(heard, sounding, tones?.playing);
  };
  store.on("sight", draw);
  tones?.onChange(() => store.sight && draw());
}

function drawSigns(root, signs) {
  if (!changed(root, signs)) return;
  if (signs.length === 0) {
    replace(
      root,
      el(
        "p",
        { class: "sign is-well" },
        icon("ok"),
        el("span", {}, "As usual: nothing stands out."),
      ),
    );
    return;
  }
  replace(
    root,
    signs.map((each) =>
      el(
        "div",
        { class: "sign" },
        icon("person"),
        el(
          "div",
          {},
          el("p", { class: "sign-name" }, sentence(each.sign)),
          el("p", { class: "sign-text" }, each.text),
        ),
      ),
    ),
  );
  announce(`The patient: ${signs.map((each) => `${each.sign}. ${each.text}`).join(" ")}`);
}

function drawHeard(root, sounding, playing) {
  const kind =
    sounding?.class ?? (typeof playing === "string" ? playing : (playing?.class ?? null));
  if (!changed(root, kind)) return;
  root.classList.toggle("is-sounding", kind !== null);
  root.dataset.sound = kind ?? "none";
  const text = { critical: "Two tones", non_critical: "A single tone" }[kind];
  replace(root, icon(kind ? "sound" : "mute"), el("span", {}, text ?? "Nothing just now"));
}

// --- what a programmer reads -----------------------------------------------------------------------

function mountProgrammer(root, store) {
  const belief = badge("belief", "what the pump believes");
  const body = panel(root, "What a programmer reads", { actions: belief });
  const left = el("span", { class: "gauge-part" });
  const gauge = el("div", { class: "gauge", "aria-hidden": "true" }, left);
  const volume = el("span", {});
  const rate = el("span", {});
  const dose = el("span", {});
  const facts = el("div", {});
  const dates = el("div", {});
  body.classList.add("read");
  body.append(
    el(
      "div",
      { class: "read-stats" },
      stat("In the reservoir", volume, gauge),
      stat("Rate now", rate),
      stat("Dose now", dose),
    ),
    el("div", { class: "read-lists" }, facts, dates),
  );
  store.on("sight", ({ belief, battery, service }) => {
    const drug = belief.prescription?.drugs?.[0];
    const strength = drug?.concentration_ng_per_ml ?? null;
    const part = belief.believed_volume_nl / belief.capacity_nl;
    left.style.setProperty("--part", `${Math.max(0, Math.min(100, part * 100)).toFixed(1)}%`);
    figure(
      volume,
      mlValue(belief.believed_volume_nl, 1),
      `of ${mlValue(belief.capacity_nl, 0)} mL`,
    );
    figure(rate, ...split(mlPerDay(belief.infusing_nl_per_day)));
    const now = strength === null ? null : doseOf(belief.infusing_nl_per_day, strength);
    figure(dose, ...split(mcgPerDay(now)));
    drawFacts(facts, belief, drug, strength);
    drawDates(dates, battery, service, store.sight.clock.clock_local_ms);
  });
}

const stat = (label, ...value) =>
  el("div", { class: "stat read-stat" }, el("h3", { class: "stat-label" }, label), value);

const split = (text) => text.split("\u00a0");

function figure(root, value, unit = "") {
  if (!changed(root, [value, unit])) return;
  replace(
    root,
    el("span", { class: "stat-value" }, value),
    " ",
    el("span", { class: "stat-unit" }, unit),
  );
}

function drawFacts(root, belief, drug, strength) {
  const { prescription, bolus } = belief;
  const mode = prescription ? sentence(words(prescription.mode)) : "Nothing prescribed";
  const stopped =
    prescription && belief.infusing_nl_per_day === 0 && prescription.mode !== "stopped";
  const shown = [mode, stopped, drug?.name, strength, prescription?.daily_dose_ng, bolus !== null];
  if (!changed(root, shown)) return;
  replace(
    root,
    kv([
      ["Mode", stopped ? `${mode} (nothing flows)` : mode],
      ["Drug", drug ? sentence(drug.name) : "none"],
      ["Concentration", mcgPerMl(strength)],
      [
        "Prescribed",
        prescription?.daily_dose_ng ? mcgPerDay(prescription.daily_dose_ng) : "nothing",
      ],
      ["Bolus", bolus === null ? "none" : "runs"],
    ]),
  );
}

function drawDates(root, battery, service, now) {
  const day = Math.floor(now / 86_400_000);
  if (!changed(root, [battery, service, day])) return;
  const [kind, word] = SERVICE[battery.state] ?? ["info", words(battery.state)];
  replace(
    root,
    kv([
      ["Last refill", date(service.last_refill_local_ms)],
      ["Refill before", due(service.low_reservoir_local_ms, now)],
      ["Empty", due(service.empty_reservoir_local_ms, now)],
      [
        "Battery",
        el(
          "span",
          { class: "row read-battery" },
          percent(battery.remaining_ppm),
          badge(kind, word),
        ),
      ],
      ["Replace before", due(battery.replace_local_ms, now)],
    ]),
  );
}

function due(localMs, now) {
  if (localMs === null || localMs === undefined) return "–";
  const left = localMs - now;
  const away = left > 0 ? `in ${duration(left, 1)}` : `${duration(-left, 1)} ago`;
  return el(
    "span",
    { class: left > 0 ? null : "text-critical", title: clock(localMs) },
    `${date(localMs)}, ${away}`,
  );
}

// --- the page --------------------------------------------------------------------------------------

const store = createStore("trainee");
const tones = createTones(store);

mountHeader(place("header"), store, tones);
mountConnection(place("connection"), store);
mountStory(place("story"), store);
mountBedside(place("bedside"), store, tones);
mountAlarms(place("alarms"), store, tones);
mountProgrammer(place("programmer"), store);
mountLog(place("log"), store);
