// The frame that every panel of a page has: a card with a heading and, beside it, what acts on it.

import { el } from "/static/shared/ui.js";

// Make of a mount point a card; the answer is its body. A `quiet` one shows no title, where a tab
// has shown it already.
export function panel(root, title, { actions = [], quiet = false } = {}) {
  const id = `${root.id || title.toLowerCase().replaceAll(" ", "-")}-title`;
  const heading = el("h2", { id, class: quiet ? "visually-hidden" : null }, title);
  const body = el("div", { class: "card-body" });
  root.classList.add("card");
  root.setAttribute("aria-labelledby", id);
  if (root.tagName !== "SECTION") root.setAttribute("role", "region");
  root.replaceChildren(el("div", { class: "card-head" }, heading, actions), body);
  return body;
}
