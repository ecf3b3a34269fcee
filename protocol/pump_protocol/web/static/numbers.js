// Numbers of a form: read exactly as they were written, or refused with what is allowed.

export function bestUnit(units, given) {
  if (typeof given !== "number" || given === 0) return units[0];
  return units.find((each) => Number.isInteger(Number(inUnit(given, each)) * 1000)) ?? units[0];
}

export const inUnit = (value, unit) => String(Number((Number(value) / unit.scale).toPrecision(15)));

const shownIn = (value, unit) =>
  `${Number(inUnit(value, unit)).toLocaleString("en-GB", { maximumFractionDigits: 6 })}`;

const withUnit = (value, unit) => `${shownIn(value, unit)}${unit.unit ? ` ${unit.unit}` : ""}`;

// A limit in the unit that is being written in; a time in the largest unit in which it is whole.
function limitText(value, field, unit) {
  if (field.unit !== "ms") return withUnit(value, unit);
  const largest = [...field.units]
    .sort((a, b) => b.scale - a.scale)
    .find((each) => value !== 0 && value % each.scale === 0);
  return withUnit(value, largest ?? unit);
}

export function rangeText(field, unit) {
  const { minimum, maximum } = field;
  const has = (limit) =>
    limit !== null && limit !== undefined && Math.abs(limit) < Number.MAX_SAFE_INTEGER;
  if (has(minimum) && has(maximum)) {
    const [least, most] =
      field.unit === "ms"
        ? [limitText(minimum, field, unit), limitText(maximum, field, unit)]
        : [shownIn(minimum, unit), withUnit(maximum, unit)];
    return `${least} to ${most}.`;
  }
  if (has(minimum)) return `at least ${limitText(minimum, field, unit)}.`;
  return has(maximum) ? `at most ${limitText(maximum, field, unit)}.` : "";
}

// Exact: the digits are moved, nothing is rounded.
export function readNumber(text, field, unit) {
  const written = text.trim().replace("\u2212", "-");
  if (written === "") return { value: null };
  const suffix = unit.unit ? ` ${unit.unit}` : "";
  if (/^-?\d+,\d+$/.test(written))
    return {
      error: `Write the decimals of ${field.label} with a point: ${written.replace(",", ".")}.`,
    };
  const parts = /^(-?)(\d*)(?:\.(\d*))?$/.exec(written);
  if (!parts || (!parts[2] && !parts[3]))
    return { error: `${field.label}: “${shortened(written)}” is not a number.` };
  if (field.kind === "decimal") return ranged(Number(written) * unit.scale, field, unit);
  const decimals = (parts[3] ?? "").replace(/0+$/, "");
  const places = decimals.length;
  const scaled = BigInt(`${parts[2] || "0"}${decimals}` || "0") * BigInt(unit.scale);
  const power = 10n ** BigInt(places);
  if (scaled % power !== 0n) {
    const most = Math.max(0, String(unit.scale).length - 1);
    return {
      error:
        most === 0
          ? `${field.label} must be a whole number.`
          : `${field.label}: at most ${most} decimals in${suffix}.`,
    };
  }
  const exact = (parts[1] ? -1n : 1n) * (scaled / power);
  const value =
    exact <= BigInt(Number.MAX_SAFE_INTEGER) && exact >= -BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(exact)
      : exact;
  return ranged(value, field, unit);
}

function ranged(value, field, unit) {
  const { minimum, maximum } = field;
  const under = minimum !== null && minimum !== undefined && value < minimum;
  const over = maximum !== null && maximum !== undefined && value > maximum;
  if (!under && !over) return { value };
  const limit = limitText(under ? minimum : maximum, field, unit);
  return {
    error: `${field.label}: ${withUnit(value, unit)} is ${under ? "less" : "more"} than ${limit}. Allowed: ${rangeText(field, unit)}`,
  };
}

const shortened = (text) => (text.length > 24 ? `${text.slice(0, 24)}…` : text);
