// What stands over the page: dialogs and toasts; and what a screen reader is told.

import { append, el } from "./elements.js";
import { icon } from "./icons.js";
import { button } from "./parts.js";

/* ---- dialogs ---- */

let dialogs = 0;
const open = new Set();

// Close all that is open, as Escape does; the answer is their titles.
export function closeDialogs() {
  return [...open].map(({ title, close }) => {
    close(null);
    return title;
  });
}

// A dialog; the promise gives what the button that was pressed stands for, null for Escape and Cancel.
// actions: [{text, value, kind, iconName, check, ready}], in the order of the buttons; `check` may be
// async, and false keeps the dialog open (say why in it); while `ready()` is false the button is disabled. `start`: a selector of what has the focus at first.
export function dialog({
  title,
  body = [],
  actions = [{ text: "Close", value: null }],
  kind = "",
  wide = false,
  start = null,
  iconName = null,
}) {
  const id = `dialog-${++dialogs}`;
  const before = document.activeElement;
  return new Promise((resolve) => {
    const node = el("dialog", {
      class: `dialog${kind ? ` dialog-${kind}` : ""}${wide ? " dialog-wide" : ""}`,
      "aria-labelledby": id,
    });
    const close = (value) => {
      if (!node.isConnected) return;
      open.delete(entry);
      node.close();
      node.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
      resolve(value);
    };
    const entry = { title, close };
    const form = el("form", { class: "dialog-form", method: "dialog", novalidate: true });
    const buttons = actions.map((action, index) => {
      const last = index === actions.length - 1;
      const press = async (event) => {
        event.preventDefault();
        if (action.ready?.() === false) return;
        if (action.check) {
          pressed.disabled = true;
          try {
            if ((await action.check()) === false) return;
          } finally {
            pressed.disabled = action.ready?.() === false;
          }
        }
        close(action.value ?? null);
      };
      const pressed = button(action.text, {
        kind: action.kind ?? (last && actions.length > 1 ? "primary" : ""),
        iconName: action.iconName,
        onClick: press,
      });
      if (last) form.addEventListener("submit", press);
      return pressed;
    });
    const refresh = () =>
      buttons.forEach((each, index) => {
        if (actions[index].ready) each.disabled = !actions[index].ready();
      });
    for (const kind of ["input", "change", "click"]) form.addEventListener(kind, refresh);
    refresh();
    const out = button("", {
      kind: "quiet",
      iconName: "close",
      title: "Close",
      onClick: () => close(null),
    });
    append(form, [
      el(
        "div",
        { class: "dialog-head" },
        iconName ? icon(iconName) : null,
        el("h2", { id }, title),
        out,
      ),
      el("div", { class: "dialog-body" }, body),
      el("div", { class: "dialog-foot" }, buttons),
    ]);
    // Enter in a field does what the last button does; without a submit button it would do nothing.
    form.append(
      el("button", {
        type: "submit",
        class: "visually-hidden",
        tabindex: "-1",
        "aria-hidden": "true",
      }),
    );
    node.append(form);
    node.addEventListener("cancel", (event) => {
      event.preventDefault();
      close(null);
    });
    document.body.append(node);
    open.add(entry);
    node.showModal();
    const first = start
      ? node.querySelector(start)
      : (node.querySelector(".dialog-body input, .dialog-body select, .dialog-body textarea") ??
        buttons.at(-1));
    first?.focus();
  });
}

// Asks before something is done: true or false. *body* says what will happen.
export async function confirm({
  title,
  body = [],
  confirm: yes = "Confirm",
  cancel = "Cancel",
  danger = false,
  iconName = null,
}) {
  const actions = [
    { text: cancel, value: null },
    { text: yes, value: true, kind: danger ? "danger" : "primary" },
  ];
  return (await dialog({ title, body, actions, kind: danger ? "danger" : "", iconName })) === true;
}

/* ---- toasts and what is said aloud ---- */

let toasts = null;

// Take away what is told in toasts of a kind: it holds no more.
export function dropToasts(kind) {
  for (const each of toasts?.querySelectorAll(`.toast-${kind}`) ?? []) each.drop();
}

// kinds: info, ok, warn, critical. Critical ones stay until they are closed.
export function toast(text, { kind = "info", seconds = 6, action = null } = {}) {
  if (!toasts?.isConnected) {
    toasts = el("div", { class: "toasts", popover: "manual" });
    document.body.append(toasts);
  }
  const node = el(
    "div",
    { class: `toast toast-${kind}`, role: kind === "critical" ? "alert" : "status" },
    icon(kind),
    el("div", { class: "grow" }, text),
  );
  const drop = () => {
    node.remove();
    if (toasts.childElementCount === 0) toasts.hidePopover?.();
  };
  node.drop = drop;
  if (action)
    node.append(
      button(action.text, {
        size: "small",
        onClick: () => {
          drop();
          action.run();
        },
      }),
    );
  node.append(
    button("", {
      kind: "quiet",
      size: "small",
      iconName: "close",
      title: "Dismiss",
      onClick: drop,
    }),
  );
  toasts.append(node);
  // A popover lies over open dialogs too; shown again, it comes to the top.
  if (toasts.showPopover) {
    if (toasts.matches(":popover-open")) toasts.hidePopover();
    toasts.showPopover();
  }
  if (kind !== "critical") setTimeout(drop, seconds * 1000);
  return drop;
}

const regions = {};

// Says a text to a screen reader, politely or at once.
export function announce(text, { assertive = false } = {}) {
  const kind = assertive ? "assertive" : "polite";
  if (!regions[kind]?.isConnected) {
    regions[kind] = el("div", {
      class: "visually-hidden",
      "aria-live": kind,
      role: assertive ? "alert" : "status",
      id: `live-${kind}`,
    });
    document.body.append(regions[kind]);
  }
  const line = el("div", {}, text);
  regions[kind].append(line);
  setTimeout(() => line.remove(), 10_000);
}
