// The alarms: which, how urgent, since when, whether they latch, when they sound next; and the tones.
// What is announced to a screen reader is said once for each alarm, critical ones at once.

import {
  announce,
  badge,
  button,
  changed,
  el,
  icon,
  replace,
  setAttribute,
  setText,
} from "/static/shared/ui.js";
import { clock, duration, sentence } from "/static/shared/format.js";

const CLASSES = {
  critical: { badge: "critical", word: "Critical", tone: "two tones, 3 s" },
  non_critical: { badge: "non-critical", word: "Non-critical", tone: "one tone, 1 s" },
};

// tones: what createTones() gave, or null for a page without sound.
export function mount(root, store, tones = null) {
  const count = el("span", { class: "alarms-count" });
  const list = el("ul", { class: "alarms-list plain" });
  const tone = el("p", { class: "alarms-tone small" });
  const node = el(
    "div",
    { class: "card alarms-card" },
    el("div", { class: "card-head" }, el("h2", {}, "Alarms"), count),
    el(
      "div",
      {
        class: "card-body alarms-body scroll-shade",
        tabindex: "0",
        role: "region",
        "aria-label": "Alarms, a list",
      },
      list,
    ),
    el(
      "div",
      { class: "card-foot alarms-foot" },
      el("div", { class: "alarms-tones" }, tone, tones ? muteButton(tones) : null),
      tones ? toneControls(tones, store.view === "instructor") : null,
    ),
  );
  replace(root, node);

  const said = new Map();
  store.on("sight", (sight) => {
    const ordered = inOrder(sight.alarms);
    drawCount(node, count, ordered);
    drawList(list, ordered, sight, store);
    sayNew(said, ordered);
  });
  store.on("session", () => said.clear());

  const drawTone = () => drawToneLine(tone, store, tones);
  store.on("sight", drawTone);
  tones?.onChange(drawTone);
  window.setInterval(() => {
    if (store.sight && !document.hidden) {
      drawTone();
      drawCountdowns(list, store);
    }
  }, 250);
}

const inOrder = (alarms) =>
  [...alarms].sort(
    (a, b) =>
      Number(b.active) - Number(a.active) ||
      Number(b.class === "critical") - Number(a.class === "critical") ||
      b.since_local_ms - a.since_local_ms,
  );

function drawCount(node, count, alarms) {
  const critical = alarms.some((each) => each.class === "critical");
  node.classList.toggle("card-critical", critical);
  node.classList.toggle("card-warn", alarms.length > 0 && !critical);
  if (changed(count, alarms.length))
    replace(
      count,
      alarms.length === 0
        ? badge("ok", "None")
        : el("span", { class: "strong" }, `${alarms.length}`),
    );
}

function drawList(list, alarms, sight, store) {
  const key = alarms.map(({ next_tone_local_ms: _local, next_tone_in_ms: _in, ...rest }) => ({
    ...rest,
    shown: effectOf(rest, sight),
  }));
  if (changed(list, key)) {
    replace(
      list,
      alarms.length
        ? alarms.map((each) => item(each, sight))
        : el("li", { class: "empty" }, "No alarm. The pump is quiet."),
    );
  }
  drawCountdowns(list, store);
}

// What an alarm does to the infusion holds only while it is active, and not where nothing flows:
// "infusion goes on" beside an empty reservoir would be read as a contradiction.
function effectOf(alarm, sight) {
  if (!alarm.active || !alarm.effect) return null;
  const stopped =
    sight.belief.infusing_nl_per_day === 0 ||
    sight.alarms.some((each) => each.active && /nothing flows|infusion stops/.test(each.effect));
  return stopped && /^infusion goes on/.test(alarm.effect) ? null : alarm.effect;
}

function item(alarm, sight) {
  const { badge: kind, word } = CLASSES[alarm.class] ?? CLASSES.non_critical;
  const effect = effectOf(alarm, sight);
  const states = [
    alarm.active ? null : el("span", { class: "alarm-state" }, icon("ok"), "Cause is over"),
    alarm.latches
      ? el(
          "span",
          {
            class: "alarm-state",
            title: "A programmer has to acknowledge it, even if its cause is over",
          },
          icon("latch"),
          "Stays until acknowledged",
        )
      : null,
    alarm.acknowledged ? el("span", { class: "alarm-state" }, icon("ok"), "Acknowledged") : null,
    alarm.silenced_until_local_ms
      ? el(
          "span",
          { class: "alarm-state" },
          icon("mute"),
          `Silenced until ${clock(alarm.silenced_until_local_ms)}`,
        )
      : null,
    el("span", { class: "alarm-state alarm-next", dataset: { alarmNext: alarm.alarm } }),
  ];
  return el(
    "li",
    { class: `alarm alarm-${kind}`, dataset: { alarm: alarm.alarm } },
    el(
      "div",
      { class: "alarm-head" },
      badge(kind, word),
      el("span", { class: "alarm-name" }, sentence(alarm.text)),
    ),
    el(
      "p",
      { class: "alarm-since small num" },
      `Since ${clock(alarm.since_local_ms)}`,
      el("span", { dataset: { alarmAge: alarm.alarm } }),
    ),
    effect ? el("p", { class: "small" }, `${sentence(effect)}.`) : null,
    alarm.clears
      ? el("p", { class: "small" }, el("strong", {}, "Ends by: "), alarm.clears, ".")
      : null,
    el("p", { class: "alarm-states small" }, states),
  );
}

function drawCountdowns(list, store) {
  const now = store.localNow();
  for (const alarm of store.sight.alarms) {
    const next = list.querySelector(`[data-alarm-next="${alarm.alarm}"]`);
    const age = list.querySelector(`[data-alarm-age="${alarm.alarm}"]`);
    if (age) setText(age, `, for ${duration(Math.max(0, now - alarm.since_local_ms))}`);
    if (!next) continue;
    const due = alarm.next_tone_local_ms;
    const quiet = alarm.silenced_until_local_ms || !alarm.active ? "" : "No tone of its own now";
    const text = due ? `Next tone in ${duration(Math.max(0, due - now))}` : quiet;
    if (changed(next, text)) replace(next, text ? [icon("bell"), text] : null);
  }
}

function drawToneLine(node, store, tones) {
  const { sight } = store;
  if (!sight) return;
  const playing = tones ? tones.playing : (sight.sounding?.class ?? null);
  setAttribute(node, "data-playing", playing);
  if (playing) {
    const muted = tones && (tones.muted || !tones.ready);
    if (changed(node, ["playing", playing, muted]))
      replace(
        node,
        icon(muted ? "mute" : "sound"),
        el("strong", {}, `Sounding${muted ? " (not heard)" : ""}: ${CLASSES[playing]?.tone ?? ""}`),
      );
    return;
  }
  const { tone } = sight;
  const stands =
    sight.sounding && sight.clock.paused
      ? `Time stands while the pump sounds: ${CLASSES[sight.sounding.class].tone}`
      : null;
  const text =
    stands ??
    (tone
      ? `${sentence(CLASSES[tone.class].tone)} every ${duration(tone.interval_ms)}; next in ${duration(tone.next_in_ms)}`
      : "No tone is due");
  if (changed(node, text)) replace(node, icon("bell"), text);
}

function muteButton(tones) {
  const mute = button("", {
    size: "small",
    kind: "quiet",
    iconName: "sound",
    title: "Mute the tones",
  });
  mute.addEventListener("click", () =>
    tones.muted || !tones.ready ? tones.turnOn({ confirm: true }) : tones.mute(),
  );
  const draw = () => {
    const off = tones.muted || !tones.ready;
    replace(mute, icon(off ? "mute" : "sound"));
    mute.title = off ? "Hear the tones" : "Mute the tones";
    mute.setAttribute("aria-label", mute.title);
  };
  tones.onChange(draw);
  draw();
  return mute;
}

// `tests`: whether tones may be tried; in a lesson trainees would take a test for an alarm.
function toneControls(tones, tests) {
  const real = button("Real interval", {
    size: "small",
    title: "Tones when the pump sounds them, in therapy time",
    onClick: () => tones.setInterval("real"),
  });
  const compressed = button("Compressed", {
    size: "small",
    title: "A tone every few seconds while an alarm sounds",
    onClick: () => tones.setInterval("compressed"),
  });
  const draw = () => {
    setAttribute(real, "aria-pressed", String(tones.interval === "real"));
    setAttribute(compressed, "aria-pressed", String(tones.interval === "compressed"));
  };
  tones.onChange(draw);
  draw();
  return el(
    "div",
    { class: "cluster tone-controls" },
    el(
      "div",
      { class: "btn-group", role: "group", "aria-label": "When tones are played" },
      real,
      compressed,
    ),
    tests
      ? el(
          "div",
          { class: "btn-group", role: "group", "aria-label": "Test a tone" },
          button("Test critical", {
            size: "small",
            title: "Hear two tones for 3 s",
            onClick: () => tones.test("critical"),
          }),
          button("non-critical", {
            size: "small",
            title: "Hear one tone for 1 s",
            "aria-label": "Test non-critical",
            onClick: () => tones.test("non_critical"),
          }),
        )
      : null,
  );
}

// Once for each alarm, and once when it is over.
function sayNew(said, alarms) {
  const now = new Set();
  for (const alarm of alarms) {
    const key = `${alarm.alarm}@${alarm.since_local_ms}`;
    now.add(key);
    if (said.has(key)) continue;
    said.set(key, alarm.text);
    const critical = alarm.class === "critical";
    announce(`${critical ? "Critical alarm" : "Non-critical alarm"}: ${alarm.text}.`, {
      assertive: critical,
    });
  }
  for (const [key, text] of said) {
    if (now.has(key)) continue;
    said.delete(key);
    announce(`Alarm over: ${text}.`);
  }
}
