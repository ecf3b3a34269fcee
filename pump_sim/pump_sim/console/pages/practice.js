// What a free practice begins with: which pump, how full, and what it gives.

import { buildForm } from "/static/shared/forms.js";
import { el } from "/static/shared/ui.js";

// Kinds of pumps and what they hold, in mL.
const CAPACITY = { "pump-20ml": 20, "pump-40ml": 40 };

// Where the API has a field, and the unit in which people write it here.
const PLACES = {
  profile: ["pump", ""],
  volume: ["pump", " mL"],
  dose: ["prescription", " mcg/day"],
  concentration: ["prescription", " mcg/mL"],
};

const number = (name, label, unit, others) => ({
  name,
  label,
  kind: "decimal",
  unit,
  units: [{ unit, scale: 1 }],
  minimum: 0,
  required: false,
  ...others,
});

const FIELDS = [
  {
    name: "profile",
    label: "Pump",
    kind: "choice",
    required: true,
    choices: Object.entries(CAPACITY).map(([value, ml]) => ({ value, label: `${ml} mL` })),
  },
  number("volume", "In the reservoir", "mL", {
    maximum: Math.max(...Object.values(CAPACITY)),
    default: "full",
    rule: (value, { profile }) =>
      value > CAPACITY[profile] ? `This pump holds ${CAPACITY[profile]} mL at most.` : null,
  }),
  number("dose", "Daily dose of baclofen", "mcg/day", {
    maximum: 2000,
    default: "300 mcg/day",
  }),
  number("concentration", "Concentration", "mcg/mL", {
    minimum: 1,
    maximum: 100_000,
    default: "2,000 mcg/mL",
  }),
];

// The form: its node, whether it is right, and what it wishes for as the API wants it.
export function practiceForm() {
  const form = buildForm(FIELDS, { columns: true });
  return {
    node: el("div", { class: "inset" }, form.node),
    check: () => form.check(),
    wishes() {
      const wishes = { pump: {}, prescription: {} };
      for (const [name, value] of Object.entries(form.values())) {
        const [table, unit] = PLACES[name];
        wishes[table][name] = `${value}${unit}`;
      }
      return wishes;
    },
    // Show what was refused at its field; false if it is at none of them.
    showProblem(problem) {
      const name = problem.field?.split(".").at(-1);
      return name in PLACES && form.fail(name, problem.detail);
    },
  };
}
