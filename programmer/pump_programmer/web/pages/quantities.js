// What the pump counts in nL, ng and ms, as people write and read it: exact, without a trailing zero,
// "mcg", the same words as on the command line. It knows no page and no pump.

import { clock, date } from "/static/shared/format.js";

const NL_PER_ML = 1_000_000;
const MIN_MS = 60_000;
const NG_PER = { microgram: 1_000, milligram: 1_000_000 };
const MASS = { microgram: "mcg", milligram: "mg" };
const STEPS = [["d", 1_440 * MIN_MS], ["h", 60 * MIN_MS], ["min", MIN_MS], ["s", 1_000], ["ms", 1]];
const MS_PER_MONTH = (86_400_000 * 36_525) / 1_200;

/* ---- amounts ---- */

/** A whole number of wire units in a larger unit: all decimals that it has, no trailing zero. */
export function decimal(value, scale) {
  const magnitude = BigInt(value < 0 ? -value : value);
  const whole = magnitude / BigInt(scale);
  const places = String(scale).length - 1;
  const rest = String(magnitude % BigInt(scale)).padStart(places, "0").slice(-places || 1).replace(/0+$/, "");
  return `${value < 0 ? "-" : ""}${whole}${rest ? `.${rest}` : ""}`;
}

/** A volume that somebody programmed: every digit that it has. */
export const volume = (nl) => `${decimal(nl, NL_PER_ML)} mL`;

/** A volume that nobody programmed: to the nearest microliter. */
export const roughVolume = (nl) => `${decimal(Math.round(nl / 1_000), 1_000)} mL`;

export const rate = (nlPerDay) => `${decimal(nlPerDay, NL_PER_ML)} mL/day`;

export const dose = (ng, mass = "microgram") => `${decimal(ng, NG_PER[mass])} ${MASS[mass]}`;

export const dailyDose = (ng, mass = "microgram") => `${dose(ng, mass)}/day`;

export const concentration = (ngPerMl, mass = "microgram") => `${dose(ngPerMl, mass)}/mL`;

/** From days down to milliseconds, leaving out what is zero: "1 h 30 min". */
export function duration(ms) {
  const parts = [];
  let rest = ms;
  for (const [unit, scale] of STEPS) {
    const count = Math.floor(rest / scale);
    rest -= count * scale;
    if (count) parts.push(`${count} ${unit}`);
  }
  return parts.join(" ") || "0 min";
}

export const percent = (ppm) => `${decimal(Math.round(ppm / 1_000), 10)} %`;

/** A rate at a glance: to the nearest microliter a day. */
export const roughRate = (nlPerDay) => `${decimal(Math.round(nlPerDay / 1_000), 1_000)} mL/day`;

const AMOUNT = /(?<![\d.,-])\d{4,}(?=(?:\.\d+)?(?: to [\d.,]+)? (?:mcg|mg|ng|mL|%))/g;

/** A sentence with its amounts in groups of three digits, as the fields show what is allowed. */
export const grouped = (text) => (typeof text === "string" ? text.replace(AMOUNT, (found) => BigInt(found).toLocaleString("en-GB")) : text);

/** What was typed as it is shown, with groups of three digits, as the programmer reads it: without. */
export const ungrouped = (text) => text?.replace(/(?<=\d),(?=\d{3}(?!\d))/g, "");

/* ---- units of fields ---- */

const perMass = (mass, per = "") => [{ unit: `${MASS[mass]}${per}`, scale: NG_PER[mass] }];

/** What people may write in, for fields of the shared forms; doses in the drug's own mass unit. */
export const units = {
  dailyDose: (mass) => perMass(mass, "/day"),
  dose: (mass) => perMass(mass),
  concentration: [{ unit: "mcg/mL", scale: NG_PER.microgram }, { unit: "mg/mL", scale: NG_PER.milligram }],
  rate: [{ unit: "mL/day", scale: NL_PER_ML }],
  volume: [{ unit: "mL", scale: NL_PER_ML }],
  duration: [{ unit: "min", scale: MIN_MS }, { unit: "h", scale: 60 * MIN_MS }, { unit: "d", scale: 1_440 * MIN_MS }],
};

/** Times in the largest unit in which *ms* is whole first, so that a field shows it so. */
export function timeUnits(ms) {
  const fits = [...units.duration].reverse().find((each) => ms && ms % each.scale === 0);
  return fits ? [fits, ...units.duration.filter((each) => each !== fits)] : units.duration;
}

/* ---- what follows from doses, rates and concentrations: nearest, ties to even, as the pump does ---- */

export function nearest(numerator, denominator) {
  const [n, d] = [BigInt(numerator), BigInt(denominator)];
  const twice = (n % d) * 2n;
  const floor = n / d;
  return Number(twice > d || (twice === d && floor % 2n === 1n) ? floor + 1n : floor);
}

export const volumeForDose = (ng, ngPerMl) => nearest(BigInt(ng) * BigInt(NL_PER_ML), ngPerMl);

export const rateForDose = volumeForDose;

export const doseForRate = (nl, ngPerMl) => nearest(BigInt(nl) * BigInt(ngPerMl), NL_PER_ML);

/* ---- moments ---- */

export const timeOfDay = (minutes) =>
  `${String(Math.floor(minutes / 60)).padStart(2, "0")}:${String(minutes % 60).padStart(2, "0")}`;

/** How far away a moment is, in two neighbouring units: "in 6 y 9 mo", "5 min 3 s ago". */
export function distance(fromMs, toMs) {
  const away = Math.abs(toMs - fromMs);
  if (away < 1_000) return "now";
  const months = Math.floor(away / MS_PER_MONTH);
  let shown;
  if (months >= 24) {
    shown = `${Math.floor(months / 12)} y${months % 12 ? ` ${months % 12} mo` : ""}`;
  } else {
    const step = away >= 86_400_000 ? 3_600_000 : away >= 3_600_000 ? 60_000 : 1_000;
    shown = duration(Math.floor(away / step) * step);
  }
  return toMs > fromMs ? `in ${shown}` : `${shown} ago`;
}

/** Moments of pump time on the pump's clock, as a status or an emergency status dates them. */
export class PumpClock {
  constructor(report) {
    this.nowMs = report.at_ms;
    this.implantedMs = report.implanted_clock_ms ?? report.clock_ms - report.at_ms;
  }

  moment(atMs) {
    return clock(this.implantedMs + atMs, { seconds: true });
  }

  day(atMs) {
    return atMs === null || atMs === undefined ? "never" : date(this.implantedMs + atMs);
  }

  away(atMs) {
    return atMs === null || atMs === undefined ? "" : distance(this.nowMs, atMs);
  }

  when(atMs) {
    if (atMs === null || atMs === undefined) return "never";
    return `${this.moment(atMs)} (${this.away(atMs)})`;
  }
}
