// What is needed to draw besides `svg` of the kit: attributes that change, ids, stripes.

import { setAttribute, svg } from "/static/shared/ui.js";

// Set attributes, but only those that change: a redraw that changes nothing costs nothing.
export function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) setAttribute(element, key, value);
}

let made = 0;

// An id that no other element of the page has.
export function newId(stem) {
  made += 1;
  return `${stem}-${made}`;
}

// Stripes, so that an area is known by more than its colour.
export function stripes(id, className, { gap = 6, turn = 45 } = {}) {
  return svg(
    "pattern",
    {
      id,
      width: gap,
      height: gap,
      patternUnits: "userSpaceOnUse",
      patternTransform: `rotate(${turn})`,
    },
    svg("rect", { class: `${className} stripe-ground`, width: gap, height: gap }),
    svg("line", { class: `${className} stripe-line`, x1: 0, y1: 0, x2: 0, y2: gap }),
  );
}
