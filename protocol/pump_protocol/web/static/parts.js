// Small components: badges, buttons, cards, banners, pairs, tabs. It knows nothing of pumps.

import { el } from "./elements.js";
import { icon } from "./icons.js";

const BADGE_ICONS = {
  critical: "critical",
  "non-critical": "warn",
  warn: "warn",
  ok: "ok",
  info: "info",
  fault: "fault",
};

// kinds: critical, non-critical, warn, ok, info, fault, belief, truth, plain. An icon and a word.
export function badge(kind, text, { iconName = null, title = null } = {}) {
  const name = iconName ?? BADGE_ICONS[kind];
  return el("span", { class: `badge badge-${kind}`, title }, name ? icon(name) : null, text);
}

// kinds: "", primary, danger, quiet; size: "", small, large. A button with an icon only needs `title`.
export function button(
  text,
  {
    kind = "",
    size = "",
    iconName = null,
    title = null,
    onClick = null,
    disabled = false,
    ...others
  } = {},
) {
  const classes = ["btn", kind && `btn-${kind}`, size && `btn-${size}`, !text && "btn-icon"];
  const attributes = {
    type: "button",
    class: classes.filter(Boolean).join(" "),
    title,
    "aria-label": text ? null : title,
    disabled,
    ...others,
  };
  const node = el(
    "button",
    attributes,
    iconName ? icon(iconName) : null,
    text ? el("span", {}, text) : null,
  );
  if (onClick) node.addEventListener("click", onClick);
  return node;
}

export function kv(pairs, attributes = {}) {
  return el(
    "dl",
    { class: "kv", ...attributes },
    pairs.filter(Boolean).map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

export function card(title, { actions = [], id = null, level = "h2", body = [] } = {}) {
  const heading = el(level, { id: id ? `${id}-title` : null }, title);
  return el(
    "section",
    { class: "card", id, "aria-labelledby": id ? `${id}-title` : null },
    el("div", { class: "card-head" }, heading, actions),
    el("div", { class: "card-body" }, body),
  );
}

// kinds: info, warn, critical, ok.
export function banner(kind, ...children) {
  const name = kind === "critical" || kind === "warn" || kind === "ok" ? kind : "info";
  return el(
    "div",
    { class: `banner banner-${kind}` },
    icon(name),
    el("div", { class: "grow" }, children),
  );
}

/* ---- tabs ---- */

// Tabs by the rules of ARIA: arrows move, Tab goes into the panel. tabs: [{name, text, panel}].
export function tabs(list, { label, start = null, onSelect = null }) {
  const nodes = list.map(({ name, text, panel }) => {
    panel.id ||= `panel-${name}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", `tab-${name}`);
    return el(
      "button",
      {
        type: "button",
        class: "tab",
        role: "tab",
        id: `tab-${name}`,
        "aria-controls": panel.id,
        on: { click: () => select(name) },
      },
      text,
    );
  });
  const select = (name) => {
    list.forEach((each, index) => {
      const on = each.name === name;
      nodes[index].setAttribute("aria-selected", String(on));
      nodes[index].tabIndex = on ? 0 : -1;
      each.panel.hidden = !on;
    });
    onSelect?.(name);
  };
  const bar = el("div", { class: "tabs", role: "tablist", "aria-label": label }, nodes);
  bar.addEventListener("keydown", (event) => {
    const at = nodes.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: nodes.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = (to + nodes.length) % nodes.length;
    nodes[next].focus();
    select(list[next].name);
  });
  select(start ?? list[0].name);
  return { bar, select };
}
