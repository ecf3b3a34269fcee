// What stands around every step: which pump it is, how fresh what is shown is, what is wrong, and
// the rail of steps.

import { badge, button, changed, el, icon, replace, setText, themeButton } from "/static/shared/ui.js";
import { post } from "./api.js";
import { duration } from "./quantities.js";
import * as live from "./session.js";

const { session } = live;
const STALE_MS = 5 * 60_000;

/* ---- the head ---- */

export function mountHeader(root, { onInterrogate }) {
  const pump = el("div", { class: "pump-name" });
  const facts = el("div", { class: "header-facts" });
  const fresh = el("div", { class: "freshness small" });
  const again = button("Interrogate again", { iconName: "reset", onClick: () => again.getAttribute("aria-disabled") !== "true" && onInterrogate() });
  replace(
    root,
    el("span", { class: "app-name" }, "Clinician\u2019s programmer"),
    pump,
    facts,
    el("div", { class: "header-end" }, fresh, again, themeButton()),
  );
  const draw = () => {
    const { state, reading } = session;
    if (changed(pump, [state?.pump, state?.address])) {
      replace(pump, state?.pump ? [el("strong", {}, state.pump.serial_number), el("span", { class: "small muted" }, `model ${state.pump.model}`)] : [el("strong", {}, "No pump"), el("span", { class: "small muted" }, state?.address ?? "")]);
    }
    const marks = [session.here, live.connection(), state?.role, state?.pump?.unsafe, state?.pump?.security_profile];
    if (changed(facts, marks)) replace(facts, linkBadge(), securityBadge(state));
    drawFreshness(fresh, reading);
    const closed = !live.isOpen() || session.acting !== null;
    if (closed) again.setAttribute("aria-disabled", "true");
    else again.removeAttribute("aria-disabled");
  };
  live.on("state", draw);
  live.on("reading", draw);
  live.on("acting", draw);
  setInterval(() => drawFreshness(fresh, session.reading), 1_000);
  draw();
}

function linkBadge() {
  if (!session.here) return badge("critical", "programmer lost", { iconName: "unlink" });
  const connection = live.connection();
  if (connection === "open") return badge("ok", "connected", { iconName: "link" });
  if (connection === "lost") return badge("critical", "connection lost", { iconName: "unlink" });
  return badge("plain", "not connected", { iconName: "unlink" });
}

function securityBadge(state) {
  if (!state?.pump) return null;
  if (state.pump.unsafe) return badge("critical", state.pump.unsafe);
  const role = state.role ? `${state.role} key` : "no key in use";
  return badge("plain", `authenticated, ${role}`, { iconName: "lock", title: "Every link to this pump needs a key" });
}

function drawFreshness(node, reading) {
  if (!reading) {
    setText(node, live.isOpen() ? "Not interrogated yet" : "");
    return;
  }
  const age = Date.now() - reading.at;
  const said = age < 5_000 ? "just now" : `${duration(Math.floor(age / (age < 60_000 ? 5_000 : 60_000)) * (age < 60_000 ? 5_000 : 60_000))} ago`;
  const outdated = live.isOutdated();
  const old = outdated || age > STALE_MS || live.isLost();
  if (changed(node, [reading.status.shown.clock, said, old, outdated])) {
    replace(
      node,
      el("div", { class: "muted" }, "Interrogated ", el("span", { class: old ? "is-stale" : "strong" }, outdated ? "before the last change" : said)),
      el("div", { class: "muted" }, "pump clock ", el("span", { class: "num" }, reading.status.shown.clock)),
    );
  }
}

/* ---- what is wrong ---- */

export function mountAlerts(root) {
  const line = { link: el("div", { role: "alert" }), doubt: el("div", { role: "alert" }), alarms: el("div", { role: "status" }) };
  replace(root, Object.values(line));
  const draw = () => {
    drawLink(line.link);
    drawDoubt(line.doubt);
    drawAlarms(line.alarms);
  };
  live.on("state", draw);
  live.on("reading", draw);
  draw();
}

const pageBanner = (kind, ...children) =>
  el("div", { class: `banner banner-page banner-${kind}` }, icon(kind), el("div", { class: "grow" }, children));

function drawLink(node) {
  const { here } = session;
  if (!changed(node, [here, live.connection()])) return;
  if (!here) {
    replace(node, pageBanner("critical", el("strong", {}, "The programmer does not answer. "), "What is shown is what was read before. Is pump-programmer web still running? This page tries again by itself."));
  } else if (live.connection() === "lost") {
    replace(node, pageBanner("critical", el("strong", {}, "The connection to the pump is lost. "), "What is shown is what was read before; therapy goes on in the pump. Trying again every 3 s."));
  } else {
    replace(node);
  }
}

function drawDoubt(node) {
  const doubt = live.inDoubt();
  if (!changed(node, doubt)) return;
  replace(node, doubt ? pageBanner("warn", el("strong", {}, "UNKNOWN outcome: "), "find out before anything else is sent. ", el("a", { href: "#doubt" }, "Find out")) : null);
}

function drawAlarms(node) {
  const shown = session.reading?.status.shown;
  const active = shown?.alarms.filter((each) => each.active) ?? [];
  const stopped = shown?.stopped ?? false;
  const staged = Boolean(shown?.staged) && !session.state?.review;
  if (!changed(node, [active.map((each) => each.text), stopped, staged])) return;
  const critical = active.some((each) => each.class === "critical");
  const banners = [];
  if (stopped) banners.push(pageBanner("critical", el("strong", {}, "All infusion is STOPPED.")));
  if (active.length) {
    const names = active.map((each) => `${each.text} (${each.class === "critical" ? "critical" : "non-critical"})`).join(", ");
    banners.push(pageBanner(critical ? "critical" : "warn", el("strong", {}, active.length > 1 ? `${active.length} alarms: ` : "Alarm: "), names, ". ", el("a", { href: "#alarms" }, "See the alarms")));
  }
  if (staged) {
    const drop = button("Drop it", { size: "small", onClick: () => dropStaged(drop) });
    banners.push(pageBanner("warn", el("strong", {}, "A prescription is staged and NOT in force. "), "It expires by itself. ", drop));
  }
  replace(node, banners);
}

/** Drop what somebody has staged, this programmer or another one; therapy goes on unchanged. */
async function dropStaged(node) {
  if (node.disabled) return;
  node.disabled = true;
  await live.act("Dropping what is staged", () => post("/program/rollback").catch(() => undefined));
  await live.interrogate();
  node.disabled = false;
}

/* ---- the rail ---- */

export function mountRail(root, steps) {
  const links = steps.map((step, place) => {
    const mark = step.icon ? icon(step.icon) : String(place + 1);
    const count = el("span", { class: "rail-count", hidden: true });
    const node = el("a", { href: `#${step.name}`, class: step.emergency ? "rail-emergency" : null }, el("span", { class: "rail-icon", "aria-hidden": "true" }, mark), el("span", {}, step.title), count);
    return { step, node, count };
  });
  const apart = links.findIndex(({ step }) => step.emergency);
  const nodes = links.map(({ node }) => node);
  replace(root, el("div", { class: "rail-inner" }, el("p", { class: "rail-title" }, "Steps"), nodes.slice(0, apart), el("hr"), nodes.slice(apart)));
  const draw = () => {
    const open = live.isOpen();
    for (const { step, node, count } of links) {
      node.classList.toggle("is-closed", Boolean(step.needs) && (!open || !live.may(step.needs)));
      if (step.name === "alarms") {
        const alarms = session.reading?.status.shown.alarms.length ?? 0;
        count.hidden = !alarms;
        replace(count, String(alarms), el("span", { class: "visually-hidden" }, " listed"));
      }
    }
  };
  live.on("state", draw);
  live.on("reading", draw);
  draw();
  return (name) => {
    for (const { step, node } of links) {
      if (step.name === name) node.setAttribute("aria-current", "step");
      else node.removeAttribute("aria-current");
    }
  };
}
