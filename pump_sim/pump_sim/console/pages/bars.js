// The shapes of the timeline: lanes, bars with their names, and a shape for each kind of deed.

import { LEFT_PX, RIGHT_PX } from "./axis.js";
import { svg } from "/static/shared/ui.js";

export const ROW_PX = 20;
const BAR_PX = 14;
const CHARACTER_PX = 6.3;

// The ground of a lane of so many rows, and its name before it.
export function laneFrame(name, top, rows, width) {
  const height = rows * ROW_PX - 2;
  const box = { x: LEFT_PX, y: top, width: width - LEFT_PX - RIGHT_PX, height };
  const label = { class: "chart-label at-lane", x: LEFT_PX - 6, y: top + ROW_PX / 2 + 3 };
  return [svg("rect", { class: "lane", ...box }), svg("text", label, name)];
}

// A bar with its name: inside if there is room, else after it, else before it.
export function barOf(kind, name, { begin, end, open }, top, next, fill) {
  const y = top + 2;
  const attributes = { class: `span span-${kind}`, x: begin.toFixed(1), y, height: BAR_PX, rx: 3 };
  attributes.width = (end - begin).toFixed(1);
  if (kind === "non_critical") attributes.fill = `url(#${fill})`;
  const parts = [svg("rect", attributes)];
  if (open) parts.push(svg("path", { class: `span-open span-${kind}`, d: arrow(end, y) }));
  const wide = name.length * CHARACTER_PX + 10;
  const words = { y: y + 11 };
  if (end - begin > wide) Object.assign(words, { class: `span-name on-${kind}`, x: begin + 5 });
  else if (next - end > wide) Object.assign(words, { class: "span-name", x: end + 7 });
  else if (begin - LEFT_PX > wide)
    Object.assign(words, { class: "span-name before", x: begin - 5 });
  else return parts;
  return [...parts, svg("text", words, name)];
}

const arrow = (x, y) => `M${x.toFixed(1)} ${y}l5 ${BAR_PX / 2}l-5 ${BAR_PX / 2}z`;

// Each kind of deed has a shape of its own.
export function shapeOf(kind, x, y) {
  const className = `deed deed-${kind}`;
  const at = `M${x.toFixed(1)} ${y}`;
  if (kind === "choice") return svg("path", { class: className, d: `${at}m0 -6l5 6l-5 6l-5 -6z` });
  if (kind === "act") return svg("path", { class: className, d: `${at}m0 -6l5 10h-10z` });
  return svg("circle", { class: className, cx: x.toFixed(1), cy: y, r: 4 });
}
