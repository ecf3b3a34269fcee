// Figures as people read them: exact units of the wire in, clinical units out. Local times are
// milliseconds of the pump's own local clock, which has no time zone: they are read as UTC.

const MINUS = "\u2212";
const NONE = "\u2013";
const NARROW = "\u202f";

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

// A number with at most *digits* decimals; thousands are set apart.
export function number(value, digits = 2, least = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  const text = Math.abs(value).toLocaleString("en-GB", {
    minimumFractionDigits: least,
    maximumFractionDigits: digits,
  });
  return (value < 0 && Number(text.replaceAll(",", "")) !== 0 ? MINUS : "") + text;
}

const united = (text, unit) => (text === NONE ? NONE : `${text}\u00a0${unit}`);

export const mlValue = (nl, digits = 2) =>
  number(nl === null || nl === undefined ? null : nl / 1e6, digits, digits);
export const ml = (nl, digits = 2) => united(mlValue(nl, digits), "mL");
export const mlPerDay = (nlPerDay, digits = 3) =>
  united(
    number(nlPerDay === null || nlPerDay === undefined ? null : nlPerDay / 1e6, digits, digits),
    "mL/day",
  );
export const mcg = (ng, digits = 1) =>
  united(number(ng === null || ng === undefined ? null : ng / 1e3, digits), "mcg");
export const mcgPerDay = (ngPerDay, digits = 1) =>
  united(
    number(ngPerDay === null || ngPerDay === undefined ? null : ngPerDay / 1e3, digits),
    "mcg/day",
  );
export const mcgPerMl = (ngPerMl, digits = 1) =>
  united(
    number(ngPerMl === null || ngPerMl === undefined ? null : ngPerMl / 1e3, digits),
    "mcg/mL",
  );
export const percent = (ppm, digits = 0) =>
  ppm === null || ppm === undefined ? NONE : `${number(ppm / 1e4, digits)}${NARROW}%`;

// ng/day that a rate carries; nl/day times ng/mL is 1e6 times too much.
export const doseOf = (nlPerDay, ngPerMl) => (nlPerDay * ngPerMl) / 1e6;

// "3 d 4 h", "2 h 5 min", "12 s": the two largest units that count.
export function duration(ms, parts = 2) {
  if (ms === null || ms === undefined) return NONE;
  const sign = ms < 0 ? MINUS : "";
  let left = Math.round(Math.abs(ms) / SECOND_MS) * SECOND_MS;
  if (left === 0) return ms === 0 ? "0 s" : "under 1 s";
  const said = [];
  for (const [unit, length] of [
    ["d", DAY_MS],
    ["h", HOUR_MS],
    ["min", MINUTE_MS],
    ["s", SECOND_MS],
  ]) {
    const count = Math.floor(left / length);
    left -= count * length;
    if (count > 0) said.push(`${number(count, 0)}\u00a0${unit}`);
    else if (said.length > 0 && said.length < parts) said.push(null);
    if (said.length === parts) break;
  }
  return sign + said.filter(Boolean).join(" ");
}

// "12:04:31" and, from a day on, "3 d 12:04:31": for clocks that run.
export function stopwatch(ms) {
  if (ms === null || ms === undefined) return NONE;
  const seconds = Math.max(0, Math.floor(ms / SECOND_MS));
  const days = Math.floor(seconds / 86_400);
  return `${days > 0 ? `${number(days, 0)} d ` : ""}${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const two = (value) => String(value).padStart(2, "0");

// "2026-01-05 08:00", with seconds if asked for.
export function clock(localMs, { seconds = false } = {}) {
  if (localMs === null || localMs === undefined) return NONE;
  return `${date(localMs)} ${time(localMs, { seconds })}`;
}

export function date(localMs) {
  if (localMs === null || localMs === undefined) return NONE;
  const at = new Date(localMs);
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
}

export function time(localMs, { seconds = false } = {}) {
  if (localMs === null || localMs === undefined) return NONE;
  const at = new Date(localMs);
  return `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}${seconds ? `:${two(at.getUTCSeconds())}` : ""}`;
}

const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const weekday = (localMs) =>
  localMs === null || localMs === undefined ? NONE : WEEKDAYS[new Date(localMs).getUTCDay()];

export function speed(factor) {
  if (factor === 0) return "paused";
  return `\u00d7${number(factor, 3)}`;
}

const ABBREVIATIONS = new Set(["csf", "eos", "eri", "mri"]);

// "motor_stall" -> "motor stall", "eos" -> "EOS"
export function words(name) {
  return String(name ?? "")
    .toLowerCase()
    .split(/[_-]/)
    .map((word) => (ABBREVIATIONS.has(word) ? word.toUpperCase() : word))
    .join(" ");
}

export function sentence(text) {
  const said = String(text ?? "");
  return said.charAt(0).toUpperCase() + said.slice(1);
}
