// What hands do to a pump and its patient: the patient's button, needle and syringe, scalpel, reset.
//
// The acts and their fields come from the API; what stands here is how they are called and grouped
// for people, and what a confirmation says.

import { button, el, icon, replace } from "/static/shared/ui.js";
import { duration, mcgPerMl, ml, number } from "/static/shared/format.js";
import { api } from "./api.js";
import { askAndDo, named } from "./doing.js";

const CAUSES = [
  { value: "watchdog", label: "Watchdog" },
  { value: "brown_out", label: "Brown-out (low battery)" },
  { value: "memory", label: "Memory error" },
  { value: "commanded", label: "Commanded" },
];

const concentrationOf = (sight) =>
  sight.belief.prescription.drugs?.[0]?.concentration_ng_per_ml ?? null;

const ACTS = {
  press: {
    group: "patient",
    label: "Press patient's button",
    doText: "Press",
    what: (_v, { belief }) => [
      belief.patient
        ? `The pump gives a patient bolus if its rules allow one now: ${number(belief.patient.left, 0)} of ${number(belief.patient.allotted_per_day, 0)} are left today.`
        : "No patient boluses are prescribed: the pump will refuse.",
      "A refusal is in the pump's log, and nothing else has changed.",
    ],
    done: () => "The pump gives a bolus.",
  },
  fill: {
    group: "needle",
    label: "Fill the reservoir",
    doText: "Fill",
    fields: (sight) => ({
      volume_nl: {
        label: "Volume afterwards",
        doc: "usable volume in the reservoir",
        maximum: sight.identity.capacity_nl,
        value: sight.identity.capacity_nl,
      },
      concentration_ng_per_ml: {
        label: "Concentration in the syringe",
        doc: "of the primary drug; 0 is saline",
      },
      rinsed: { label: "Rinse out the residual volume first", doc: "otherwise it mixes in" },
    }),
    what: (v, sight) =>
      v.volume_nl !== undefined && [
        `In truth the reservoir holds ${ml(v.volume_nl)} afterwards (${ml(sight.truth.actual_volume_nl)} now), of ${mcgPerMl(v.concentration_ng_per_ml ?? concentrationOf(sight))}${v.rinsed ? "" : ", mixed with what was left"}.`,
        `The pump does not notice: it goes on believing ${ml(sight.belief.believed_volume_nl)} until a programmer reports the refill.`,
      ],
    done: () => "The reservoir is filled.",
  },
  fill_pocket: {
    group: "needle",
    label: "Miss the port",
    doText: "Inject beside the pump",
    danger: true,
    fields: (sight) => ({
      volume_nl: {
        label: "Volume in the syringe",
        doc: null,
        maximum: sight.identity.capacity_nl,
        value: Math.round(sight.identity.capacity_nl * 0.9),
      },
    }),
    what: (v) =>
      v.volume_nl !== undefined &&
      `${ml(v.volume_nl)} of drug go beside the pump, into its pocket, and stay there. The reservoir is as it was, and the pump notices nothing.`,
    done: () => "The syringe was emptied beside the pump.",
  },
  inject_catheter: {
    group: "needle",
    label: "Inject into the catheter",
    doText: "Inject",
    danger: true,
    fields: (sight) => ({
      volume_nl: {
        label: "Volume",
        doc: null,
        maximum: sight.identity.capacity_nl,
        value: 1_000_000,
      },
      concentration_ng_per_ml: {
        label: "Concentration in the syringe",
        doc: "of the primary drug; 0 is saline",
        value: concentrationOf(sight) ?? 0,
      },
      duration_ms: { label: "The injection takes", doc: null, value: 60_000 },
      aspirated: { label: "The catheter was aspirated first", doc: "the drug in it was drawn out" },
    }),
    what: (v, sight) =>
      v.volume_nl !== undefined &&
      v.concentration_ng_per_ml !== undefined && [
        `${ml(v.volume_nl)} of ${mcgPerMl(v.concentration_ng_per_ml)} go through the access port, past the pump, within ${duration(v.duration_ms ?? 60_000)}: up to ${number((v.volume_nl * v.concentration_ng_per_ml) / 1e9, 0)} mcg reach the patient.`,
        v.aspirated
          ? "The drug that lay in the catheter was drawn out before."
          : "What lies in the catheter is pushed out at its tip first.",
        sight.truth.occluded || sight.truth.disconnected
          ? "As the catheter is now, nothing gets in."
          : null,
      ],
    done: (answer) => `${ml(answer.injected_nl)} injected.`,
  },
  explant: {
    group: "surgery",
    label: "Take the pump out",
    doText: "Explant",
    danger: true,
    what: (_v, sight) => [
      `Pump ${sight.identity.serial_number} is taken out. Catheter and patient stay, and no drug reaches them any more.`,
      "The pump notices nothing and goes on. A programmer does not reach it any more.",
    ],
    done: () => "The pump has been taken out.",
  },
  implant: {
    group: "surgery",
    label: "Implant a new pump",
    doText: "Implant",
    danger: true,
    columns: true,
    fields: (sight) => ({
      serial_number: {
        label: "Serial number",
        doc: null,
        value: nextSerial(sight.identity.serial_number),
        pattern: "[\\x20-\\x7e]{1,32}",
        hint: "1 to 32 printable characters, other than those of any pump here",
      },
      volume_nl: {
        label: "Volume in it",
        doc: null,
        maximum: sight.identity.capacity_nl,
        value: sight.identity.capacity_nl,
      },
      flow_factor_ppm: {
        label: "Truly delivers, of what is commanded",
        doc: null,
        value: 1_000_000,
        default: null,
      },
      primed: {
        label: "Tubing primed with its drug",
        doc: "otherwise it is full of fluid without any",
      },
    }),
    what: (v, sight) =>
      v.serial_number && [
        `A new pump ${v.serial_number} of the same model takes the place of ${sight.identity.serial_number}, with its prescription and local clock. Patient and catheter go on.`,
        "It has keys of its own: programmers have to pair with it. Its time since implant begins at 0.",
      ],
    done: (_answer) => "The new pump is in place.",
  },
  reset: {
    group: "electronics",
    label: "Reset the pump",
    doText: "Reset",
    danger: true,
    fields: () => ({
      cause: { label: "Logged as", doc: null, choices: CAUSES, value: "commanded" },
    }),
    what: () =>
      "The pump's processor starts anew, into its safe state: the minimum rate, and a critical alarm, until somebody programs it.",
    done: () => "The pump was reset.",
  },
};

const GROUPS = [
  ["patient", "Patient", "person"],
  ["needle", "Needle and syringe", "syringe"],
  ["surgery", "Surgery", "pump"],
  ["electronics", "Electronics", "fault"],
  ["others", "Others", "hand"],
];
const ELSEWHERE = new Set(["proximity", "button", "pair"]); // presence.js

function nextSerial(serial) {
  const parts = /^(.*?)(\d+)$/.exec(serial);
  return parts
    ? parts[1] + String(Number(parts[2]) + 1).padStart(parts[2].length, "0")
    : `${serial}-2`.slice(0, 32);
}

export function mount(root, store) {
  const choice = el("div", { class: "doing-groups" }, el("p", { class: "muted" }, "Loading…"));
  replace(root, choice);
  load(choice, store);
  // What could not be listed while the console was away is listed when it is back; and a console
  // that was started anew may have others.
  store.on("again", () => load(choice, store));
}

async function load(root, store) {
  try {
    const { acts } = await api.get("/acts");
    const known = acts
      .filter((each) => !ELSEWHERE.has(each.act))
      .map((each) => ({ ...each, ...ACTS[each.act], group: ACTS[each.act]?.group ?? "others" }));
    replace(
      root,
      GROUPS.map(([group, title, iconName]) => {
        const members = known.filter((each) => each.group === group);
        if (members.length === 0) return null;
        return el(
          "div",
          { class: "doing-group", role: "group", "aria-label": title },
          el("h3", { class: "doing-title" }, icon(iconName), title),
          el(
            "div",
            { class: "doing-buttons" },
            members.map((act) =>
              button(act.label, {
                title: act.doc,
                "data-act": act.act,
                onClick: () => perform(act, store),
              }),
            ),
          ),
        );
      }),
    );
  } catch (problem) {
    replace(
      root,
      el(
        "p",
        { class: "field-error" },
        icon("critical"),
        `The acts cannot be listed: ${problem.message}`,
      ),
      button("Try again", { onClick: () => load(root, store) }),
    );
  }
}

function perform(act, store) {
  if (!store.sight) return null;
  const more = act.fields?.(store.sight) ?? {};
  return askAndDo({
    title: act.label,
    iconName:
      { patient: "person", needle: "syringe", surgery: "pump", electronics: "fault" }[act.group] ??
      "hand",
    danger: act.danger,
    fields: act.parameters.map((each) => named(each, more[each.name])),
    columns: act.columns,
    doText: act.doText ?? act.label,
    what: (values) => (act.what ? act.what(values, store.sight) : act.confirm),
    send: (values) => api.send("POST", `/acts/${act.act}`, values),
    done: act.done ?? (() => `${act.label}: done.`),
  });
}
