// How people call the faults, and what a confirmation says of each. The kinds themselves, their
// fields and their limits come from the API.

import { HOUR_MS, clock, duration, percent } from "/static/shared/format.js";

const AFTER = {
  name: "registered_after",
  label: "Noticed again after",
  doc: "so many interrogations pass until the pump notices that its motor turns again",
};
const SEED = { name: "seed", label: "Seed", doc: "the same seed, the same moments" };

// By the name of the fault: the group it stands in, its label, labels and first values of its fields,
// what(values) -> what will happen, ready(values) -> what is sent.
export const KINDS = {
  motor_stall: {
    group: "drive",
    label: "Motor stall",
    fields: { registered_after: AFTER },
    what: () =>
      "The motor stands still and no drug is delivered. The pump is told nothing: it raises its alarm when it has missed the motor's steps for some time.",
  },
  intermittent_stall: {
    group: "drive",
    label: "Stalls now and then",
    fields: {
      mean_gap_ms: { label: "Time between stalls, on average", value: 12 * HOUR_MS },
      mean_stall_ms: { label: "A stall lasts, on average", value: HOUR_MS },
      seed: SEED,
      registered_after: AFTER,
    },
    what: (v) =>
      v.mean_gap_ms &&
      v.mean_stall_ms &&
      `About every ${duration(v.mean_gap_ms)} the motor stands still for about ${duration(v.mean_stall_ms)}, at moments drawn from the seed.`,
  },
  mri_scan: {
    group: "drive",
    label: "MRI scan",
    fields: {
      field_ms: { label: "The scan lasts", doc: null },
      recovery_ms: {
        label: "The motor turns again after",
        doc: "counted from the end of the scan",
      },
      registered_after: AFTER,
      latches_telemetry: {
        label: "Telemetry mode latches",
        doc: "a pump that sounds an alarm holds the infusion until it is interrogated",
      },
    },
    what: (v) =>
      `The scanner's field stops the motor for ${duration((v.field_ms ?? 45 * 60_000) + (v.recovery_ms ?? 0))} in all. Then it turns again by itself.${v.latches_telemetry ? " If an alarm sounds meanwhile, the infusion is held until somebody interrogates the pump." : ""}`,
  },
  flow_error: {
    group: "drive",
    label: "Flow error",
    fields: {
      factor_ppm: {
        label: "Delivered, of what is commanded",
        doc: "100 % is right; above it is over-infusion",
        value: 1_200_000,
      },
    },
    what: (v) =>
      v.factor_ppm !== undefined &&
      `The drive delivers ${percent(v.factor_ppm, 2)} of what it is told to: ${v.factor_ppm > 1_000_000 ? "over-infusion" : v.factor_ppm < 1_000_000 ? "under-infusion" : "no error"}. No alarm will ever tell: it shows at the next refill.`,
  },
  dry_run: {
    group: "drive",
    label: "Runs on when empty",
    what: () =>
      "When the pump believes its reservoir empty, it goes on pumping instead of stopping.",
  },
  catheter_occlusion: {
    group: "catheter",
    label: "Occlusion",
    what: () =>
      "The catheter is blocked: the drive turns, nothing leaves the reservoir, and nothing reaches the patient. This pump has no alarm for it.",
  },
  catheter_disconnection: {
    group: "catheter",
    label: "Disconnection",
    what: () =>
      "The catheter comes off the pump: the drug leaves the reservoir and is lost beside it. This pump has no alarm for it.",
  },
  battery_film: {
    group: "battery",
    label: "Film in the battery",
    fields: {
      gauge_loss_ppm: {
        label: "The gauge loses",
        doc: "of a new battery's full reading",
        value: 300_000,
      },
    },
    what: (v) =>
      v.gauge_loss_ppm !== undefined &&
      `The battery's gauge reads ${percent(v.gauge_loss_ppm, 2)} less than there is, and the replacement indicator comes too early.`,
  },
  battery_failure: {
    group: "battery",
    label: "Battery fails",
    danger: true,
    what: () =>
      "The battery gives way: end of service at once. Infusion stops for ever; only another pump helps. This cannot be cleared, but a rewind undoes it.",
  },
  brown_out: {
    group: "battery",
    label: "Low-battery reset",
    danger: true,
    what: () =>
      "The voltage drops for a moment. The pump starts anew in its safe state, at the minimum rate, until somebody programs it.",
  },
  watchdog_reset: {
    group: "electronics",
    label: "Watchdog reset",
    danger: true,
    what: () =>
      "The pump's processor starts anew in its safe state, at the minimum rate, until somebody programs it.",
  },
  memory_error: {
    group: "electronics",
    label: "Memory error",
    fields: {
      region: {
        label: "Where the bit flips",
        doc: null,
        kind: "choice",
        choices: [
          { value: "1", label: "First copy of the prescription" },
          { value: "2", label: "Second copy of the prescription" },
          { value: "3", label: "The patient's note" },
        ],
        value: "1",
      },
      seed: SEED,
    },
    ready: (v) => ({ ...v, region: Number(v.region) }),
    what: (v) =>
      v.region &&
      (v.region === "3"
        ? "One bit of the note flips. The pump finds it at its next check."
        : "One bit of this copy flips. The pump mends it from the other copy at its next check; if both are hit before, it goes into its safe state."),
  },
  clock_drift: {
    group: "electronics",
    label: "Clock drift",
    fields: { drift_ppm: { label: "How much faster", doc: "negative is slower", value: 1_000 } },
    what: (v) =>
      v.drift_ppm !== undefined &&
      `The pump's own clock runs ${percent(Math.abs(v.drift_ppm), 4)} too ${v.drift_ppm < 0 ? "slow" : "fast"} (${duration(Math.abs(v.drift_ppm) * 86.4)} a day), and with it all that it does by time.`,
  },
  replacement_date: {
    group: "electronics",
    label: "Wrong replacement date",
    fields: {
      planned_at_ms: { label: "Date that is stored", doc: "of the pump's clock", kind: "date" },
    },
    what: (v) =>
      v.planned_at_ms !== undefined &&
      `The pump stores ${clock(v.planned_at_ms)} as the date for its replacement, right or wrong.`,
  },
};

export const GROUPS = [
  ["drive", "Motor and flow", "drop"],
  ["catheter", "Catheter", "unlink"],
  ["battery", "Battery", "battery"],
  ["electronics", "Electronics", "fault"],
  ["others", "Others", "fault"],
];
