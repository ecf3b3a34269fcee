// The pump's tones in the browser: two tones for 3 s (critical), a single one for 1 s (non-critical).
//
// At the pump's real interval they come when its next tone is due in therapy time, so they follow the
// speed; compressed they come every few seconds while an alarm sounds. It knows no page: it plays,
// and says what it plays.

import { stands } from "./store.js";
import { remember, remembered } from "/static/shared/ui.js";

export const TONE_MS = { critical: 3_000, non_critical: 1_000 };
const COMPRESSED_MS = { critical: 8_000, non_critical: 15_000 };
const GAP_MS = 2_000; // between two tones, however fast the therapy runs
const HIGH_HZ = 1_046.5;
const LOW_HZ = 784;
const STEP_S = 0.3; // of the two tones, before they change
const LOUDNESS = 0.22;
const BLIP_HZ = 523.25;
const BLIP_S = 0.15;

// {ready, muted, interval, playing, turnOn({confirm}), mute(), setInterval(kind), test(class), onChange(fn)}
export function createTones(store) {
  const listeners = new Set();
  let context = null;
  let quietFrom = 0; // performance.now() from which on another tone may come
  let due = null; // the pump's local time of the next tone that is known
  let sounded = null; // alarms that were heard once; null until the first state is known
  let wasSounding = false;
  let lastPlayed = -Infinity;

  const tones = {
    ready: false,
    muted: remembered("sound", "on") === "off",
    interval: remembered("tones", "real") === "compressed" ? "compressed" : "real",
    playing: null,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    // `confirm`: with a short sound of its own, so that it is known to work before an alarm comes.
    turnOn({ confirm = false } = {}) {
      tones.muted = false;
      remember("sound", "on");
      wake().then(() => {
        if (confirm && tones.ready && !tones.playing) blip(context);
        tell();
      });
      tell();
    },
    mute() {
      tones.muted = true;
      remember("sound", "off");
      stop();
      tell();
    },
    setInterval(kind) {
      tones.interval = kind;
      remember("tones", kind);
      tell();
    },
    // Played whether or not anything is wrong; it is somebody's wish, so it turns the sound on.
    async test(alarmClass) {
      if (tones.muted || !tones.ready) tones.turnOn();
      await wake();
      play(alarmClass, { force: true });
    },
  };

  const tell = () => listeners.forEach((listener) => listener());

  // A browser lets a page sound only after a click or a key.
  const wake = async () => {
    context ??= new AudioContext();
    if (context.state !== "running") await context.resume();
    tones.ready = context.state === "running";
  };

  let running = [];
  const stop = () => {
    for (const each of running) each.stop();
    running = [];
    if (tones.playing) {
      tones.playing = null;
      tell();
    }
  };

  // Returns whether it is heard or seen now; a muted tone is shown all the same.
  const play = (alarmClass, { force = false } = {}) => {
    const now = performance.now();
    if (!force && now < quietFrom) return false;
    if (force) stop();
    const lasts = TONE_MS[alarmClass] ?? TONE_MS.non_critical;
    quietFrom = now + lasts + GAP_MS;
    lastPlayed = now;
    if (tones.ready && !tones.muted) running = [sound(context, alarmClass)];
    tones.playing = alarmClass;
    tell();
    window.setTimeout(() => {
      if (performance.now() >= quietFrom - GAP_MS - 50 && tones.playing) {
        tones.playing = null;
        tell();
      }
    }, lasts);
    return true;
  };

  // What is new always sounds, also while the therapy is paused: somebody moved it there.
  const hearNew = (sight) => {
    const heard = new Set(
      sight.alarms
        .filter((each) => each.active || each.latches)
        .map((each) => `${each.alarm}@${each.since_local_ms}`),
    );
    const isNew = sounded !== null && [...heard].some((key) => !sounded.has(key));
    sounded = heard;
    const sounding = sight.sounding ?? null;
    const began = sounding && !wasSounding;
    wasSounding = Boolean(sounding);
    const alarmClass = sounding?.class ?? sight.tone?.class;
    if (alarmClass && (began || (isNew && sight.tone))) play(alarmClass);
  };

  const onSight = (sight) => {
    hearNew(sight);
    if (!sight.tone) {
      due = null;
      return;
    }
    const next = sight.clock.clock_local_ms + sight.tone.next_in_ms;
    // The next tone is known anew: if the one before has passed meanwhile, it has sounded.
    if (
      due !== null &&
      next > due + 1 &&
      sight.clock.clock_local_ms >= due &&
      tones.interval === "real"
    )
      play(sight.tone.class);
    due = next;
  };

  const tick = () => {
    const { sight } = store;
    if (!sight?.tone || !store.connected || stands(sight)) return;
    const alarmClass = sight.tone.class;
    if (tones.interval === "compressed") {
      if (performance.now() - lastPlayed >= COMPRESSED_MS[alarmClass]) play(alarmClass);
    } else if (due !== null && store.localNow() + store.therapySinceFrame() >= due) {
      if (play(alarmClass)) due = null; // until the server tells the next one
    }
  };

  store.on("sight", onSight);
  store.on("session", ({ reconnected }) => {
    if (reconnected) return; // what was heard before the connection was lost is nothing new
    sounded = new Set();
    due = null;
    wasSounding = false;
  });
  window.setInterval(tick, 100);

  // Whoever had the sound on last time gets it back with the first click or key.
  const atFirst = () => {
    if (!tones.muted && remembered("sound") === "on") wake().then(tell);
  };
  window.addEventListener("pointerdown", atFirst, { once: true });
  window.addEventListener("keydown", atFirst, { once: true });
  return tones;
}

// Short and soft: it is no tone of the pump.
function blip(context) {
  const from = context.currentTime + 0.02;
  const oscillator = context.createOscillator();
  const loudness = context.createGain();
  oscillator.type = "sine";
  oscillator.frequency.setValueAtTime(BLIP_HZ, from);
  loudness.gain.setValueAtTime(0, from);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.02);
  loudness.gain.linearRampToValueAtTime(0, from + BLIP_S);
  oscillator.connect(loudness).connect(context.destination);
  oscillator.start(from);
  oscillator.stop(from + BLIP_S);
}

// One oscillator, its frequency laid out in advance, faded in and out so that nothing clicks.
function sound(context, alarmClass) {
  const from = context.currentTime + 0.02;
  const lasts = (TONE_MS[alarmClass] ?? TONE_MS.non_critical) / 1000;
  const oscillator = context.createOscillator();
  const loudness = context.createGain();
  oscillator.type = "triangle";
  oscillator.frequency.setValueAtTime(HIGH_HZ, from);
  if (alarmClass === "critical") {
    for (let step = 0; step * STEP_S < lasts; step += 1) {
      oscillator.frequency.setValueAtTime(step % 2 ? LOW_HZ : HIGH_HZ, from + step * STEP_S);
    }
  } else {
    oscillator.frequency.setValueAtTime(LOW_HZ, from);
  }
  loudness.gain.setValueAtTime(0, from);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, from + 0.03);
  loudness.gain.setValueAtTime(LOUDNESS, from + lasts - 0.06);
  loudness.gain.linearRampToValueAtTime(0, from + lasts);
  oscillator.connect(loudness).connect(context.destination);
  oscillator.start(from);
  oscillator.stop(from + lasts);
  return oscillator;
}
