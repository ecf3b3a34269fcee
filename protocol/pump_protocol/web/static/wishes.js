// What a browser remembers of its user's wishes; among them light or dark colours.

import { replace } from "./elements.js";
import { icon } from "./icons.js";
import { button } from "./parts.js";

export function remember(name, value) {
  try {
    window.localStorage.setItem(`pump.${name}`, String(value));
  } catch {
    // Storage is forbidden or full: the wish holds for this page only.
  }
}

export function remembered(name, otherwise = null) {
  try {
    return window.localStorage.getItem(`pump.${name}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/* ---- theme ---- */

export function currentTheme() {
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

// A button that goes between light and dark and remembers it (theme.js takes it up before painting).
export function themeButton() {
  const node = button("", { kind: "quiet", iconName: "moon", title: "Dark colours" });
  const draw = () => {
    const dark = currentTheme() === "dark";
    replace(node, icon(dark ? "sun" : "moon"));
    const label = dark ? "Change to light colours" : "Change to dark colours";
    node.title = label;
    node.setAttribute("aria-label", label);
  };
  node.addEventListener("click", () => {
    const wanted = currentTheme() === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = wanted;
    remember("theme", wanted);
    draw();
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
  return node;
}
