// The pump, its catheter and the patient, drawn: outlined what the pump believes, filled what is so.
//
// The drawing repeats what the figures beside it say; for a screen reader it is one image with a
// sentence. Only what differs from the frame before is touched.

import { changed, el, replace, setAttribute, setText, svg } from "/static/shared/ui.js";
import { ml, mlPerDay, mlValue, number, percent } from "/static/shared/format.js";

const TANK = { x: 38, top: 64, width: 104, height: 116 };
const EFFECT = { x: 372, top: 34, height: 150, most: 2_000_000 };
const FLAG_KINDS = {
  underdose: "warn",
  withdrawal: "critical",
  "overdose watch": "warn",
  overdose_watch: "warn",
  overdose: "critical",
};

const STEPS = { none: 0, slow: 1, usual: 2.5, fast: 4 }; // of a dash and its gap, which are 11

const stillness = window.matchMedia("(prefers-reduced-motion: reduce)");

export function mount(root, store) {
  const drawing = build();
  const caption = el("p", { class: "pump-caption small", role: "status" });
  replace(
    root,
    el(
      "div",
      { class: "card pump-card" },
      el("h2", { class: "visually-hidden" }, "Pump and patient"),
      drawing.picture,
      caption,
    ),
  );
  store.on("sight", (sight) => draw(drawing, caption, sight));
}

/* ---- what is drawn once ---- */

function build() {
  const parts = {};
  const keep = (name, node) => (parts[name] = node);
  const text = (name, x, y, attributes = {}) => keep(name, svg("text", { x, y, ...attributes }));

  const tank = svg(
    "g",
    { class: "pump-body" },
    svg("circle", { class: "pump-case", cx: 90, cy: 122, r: 84 }),
    svg("circle", { class: "pump-rim", cx: 90, cy: 122, r: 77 }),
    keep("head", svg("circle", { class: "pump-head", cx: 90, cy: 122, r: 89 })),
    svg(
      "clipPath",
      { id: "tank-clip" },
      svg("rect", { x: TANK.x, y: TANK.top, width: TANK.width, height: TANK.height, rx: 10 }),
    ),
    svg("rect", {
      class: "tank",
      x: TANK.x,
      y: TANK.top,
      width: TANK.width,
      height: TANK.height,
      rx: 10,
    }),
    svg(
      "g",
      { "clip-path": "url(#tank-clip)" },
      keep("actual", svg("rect", { class: "tank-actual", x: TANK.x, width: TANK.width })),
      keep(
        "believed",
        svg("rect", { class: "tank-believed", x: TANK.x + 1.5, width: TANK.width - 3, rx: 8 }),
      ),
    ),
    svg("rect", {
      class: "tank-edge",
      x: TANK.x,
      y: TANK.top,
      width: TANK.width,
      height: TANK.height,
      rx: 10,
    }),
    text("actualText", 90, 112, { class: "tank-number" }),
    text("actualUnit", 90, 128, { class: "tank-unit" }),
    text("believedText", 90, 146, { class: "tank-belief" }),
    keep(
      "rotor",
      svg(
        "g",
        { class: "rotor" },
        svg("circle", { class: "rotor-disc", r: 13 }),
        svg("path", { class: "rotor-arms", d: "M0-9V9M-7.8-4.5 7.8 4.5M-7.8 4.5 7.8-4.5" }),
      ),
    ),
  );
  parts.rotorPlace = svg("g", { transform: "translate(148 66)" }, parts.rotor);
  tank.append(parts.rotorPlace);

  const patient = svg(
    "g",
    { class: "patient" },
    svg(
      "radialGradient",
      { id: "glow" },
      svg("stop", { class: "glow-heart", offset: "0" }),
      svg("stop", { class: "glow-heart", offset: "0.45" }),
      svg("stop", { class: "glow-edge", offset: "1" }),
    ),
    svg("circle", { class: "patient-skin", cx: 306, cy: 44, r: 24 }),
    svg("path", {
      class: "patient-skin",
      d: "M296 70h20c4 8 20 9 32 16 8 5 9 14 9 24v62c0 6-8 6-9 0l-4-44c0 22-2 44-1 86H268c1-42-1-64-1-86l-4 44c-1 6-9 6-9 0v-62c0-10 1-19 9-24 12-7 28-8 33-16Z",
    }),
    keep(
      "glow",
      svg("ellipse", {
        class: "patient-glow",
        cx: 306,
        cy: 118,
        rx: 26,
        ry: 54,
        fill: "url(#glow)",
      }),
    ),
    svg("path", { class: "spine", d: "M306 74v126" }),
    keep("tip", svg("circle", { class: "tip", cx: 306, cy: 112, r: 4.5 })),
  );

  const way = "M160 76C196 40 196 190 236 186C270 182 304 190 306 160V114";
  const catheter = svg(
    "g",
    { class: "catheter" },
    keep("tube", svg("path", { class: "tube", d: way })),
    keep("flow", svg("path", { class: "flow", d: way })),
    keep(
      "occlusion",
      svg(
        "g",
        { class: "break", transform: "translate(212 158)" },
        svg("circle", { class: "break-disc", r: 11 }),
        svg("path", { class: "break-mark", d: "M-5-5 5 5M-5 5 5-5" }),
        svg("text", { class: "break-word", x: 0, y: 26 }, "Occluded"),
      ),
    ),
    keep(
      "disconnection",
      svg(
        "g",
        { class: "break", transform: "translate(178 66)" },
        svg("path", { class: "break-gap", d: "M-14-8 12 20" }),
        svg("path", {
          class: "break-drops",
          d: "M4 26c3 4 4 6 4 8a4 4 0 0 1-8 0c0-2 1-4 4-8ZM18 38c2 3 3 5 3 6a3 3 0 0 1-6 0c0-1 1-3 3-6Z",
        }),
        svg("text", { class: "break-word", x: 18, y: -12 }, "Disconnected"),
      ),
    ),
  );

  const scaleY = (ppm) =>
    EFFECT.top + EFFECT.height * (1 - Math.min(ppm, EFFECT.most) / EFFECT.most);
  const effect = svg(
    "g",
    { class: "effect" },
    svg("rect", {
      class: "effect-scale",
      x: EFFECT.x,
      y: EFFECT.top,
      width: 12,
      height: EFFECT.height,
      rx: 6,
    }),
    svg("rect", {
      class: "effect-usual",
      x: EFFECT.x,
      y: scaleY(1_500_000),
      width: 12,
      height: scaleY(500_000) - scaleY(1_500_000),
    }),
    svg("path", {
      class: "effect-ticks",
      d: [0.15e6, 0.5e6, 1e6, 1.5e6].map((ppm) => `M${EFFECT.x - 3} ${scaleY(ppm)}h18`).join(""),
    }),
    keep("mark", svg("path", { class: "effect-mark", d: "M-1 0l-9-6v12z" })),
    text("effectText", EFFECT.x + 12, 24, { class: "effect-number" }),
    svg("text", { class: "effect-word", x: EFFECT.x + 12, y: 202 }, "effect"),
  );
  parts.scaleY = scaleY;

  parts.pocket = svg(
    "g",
    { class: "pocket" },
    svg("path", {
      class: "pocket-pool",
      d: "M8 196c20-10 52 8 80 4s50-8 60 2-14 18-70 18S-8 206 8 196Z",
    }),
    text("pocketText", 84, 210, { class: "pocket-word" }),
  );
  parts.gone = svg("text", { class: "pump-gone", x: 90, y: 30 });
  parts.wordLine = svg("text", { class: "drive-word", x: 150, y: 40 });

  parts.picture = svg(
    "svg",
    {
      class: "pump-picture",
      viewBox: "0 0 416 216",
      role: "img",
      "aria-label": "Pump, catheter and patient",
    },
    patient,
    effect,
    catheter,
    tank,
    parts.pocket,
    parts.gone,
    parts.wordLine,
  );

  return parts;
}

/* ---- what a frame changes ---- */

function draw(parts, caption, sight) {
  const { belief, truth, patient, clock } = sight;
  drawTank(parts, belief, truth, sight.identity.capacity_nl ?? belief.capacity_nl);
  drawFlow(parts, truth, clock);
  drawPatient(parts, patient);
  setAttribute(parts.occlusion, "visibility", truth.occluded ? "visible" : "hidden");
  setAttribute(parts.disconnection, "visibility", truth.disconnected ? "visible" : "hidden");
  setAttribute(parts.pocket, "visibility", truth.pocket_nl > 0 ? "visible" : "hidden");
  setText(parts.pocketText, `${ml(truth.pocket_nl)} beside the pump`);
  setAttribute(parts.picture, "data-implanted", String(truth.implanted));
  setText(parts.gone, truth.implanted ? "" : "Explanted");
  const presence = sight.presence ?? {};
  setAttribute(
    parts.head,
    "data-head",
    presence.on_pump ? "on" : presence.in_reach ? "near" : "away",
  );
  drawCaption(parts, caption, sight);
}

function drawTank(parts, belief, truth, capacity) {
  const height = (nl) => (TANK.height * Math.max(0, Math.min(nl, capacity))) / capacity;
  const actual = height(truth.actual_volume_nl);
  const believed = height(belief.believed_volume_nl);
  const bottom = TANK.top + TANK.height;
  if (changed(parts.actual, [actual.toFixed(1), believed.toFixed(1)])) {
    setAttribute(parts.actual, "y", (bottom - actual).toFixed(1));
    setAttribute(parts.actual, "height", actual.toFixed(1));
    setAttribute(parts.believed, "y", (bottom - believed + 1.5).toFixed(1));
    setAttribute(parts.believed, "height", Math.max(0, believed - 3).toFixed(1));
  }
  setText(parts.actualText, mlValue(truth.actual_volume_nl));
  setText(parts.actualUnit, "mL in truth");
  setText(parts.believedText, `believed ${mlValue(belief.believed_volume_nl)}`);
}

function drawFlow(parts, truth, clock) {
  const rate = truth.actual_rate_nl_per_day;
  const reaches = rate > 0 && !truth.occluded && !truth.disconnected && truth.implanted;
  const pace = rate === 0 ? "none" : rate < 50_000 ? "slow" : rate < 500_000 ? "usual" : "fast";
  setAttribute(parts.flow, "data-pace", reaches ? pace : "none");
  const turning = rate > 0 && !truth.stalled;
  setAttribute(
    parts.rotor,
    "data-state",
    truth.stalled ? "stalled" : turning || (truth.occluded && !truth.stalled) ? "turns" : "rests",
  );
  if (clock.speed > 0 && !stillness.matches) move(parts, STEPS[pace]);
  setText(parts.wordLine, truth.stalled ? "Stalled" : truth.runs_dry ? "Runs dry" : "");
}

// A step with each state, five a second: a CSS animation would redraw the page sixty times a second.
function move(parts, step) {
  parts.steps = ((parts.steps ?? 0) + step) % 1_100;
  setAttribute(parts.flow, "stroke-dashoffset", (-parts.steps).toFixed(1));
  if (parts.rotor.getAttribute("data-state") === "turns") {
    setAttribute(parts.rotor, "transform", `rotate(${((parts.steps * 6) % 360).toFixed(0)})`);
  }
}

function drawPatient(parts, patient) {
  const ppm = patient.effect_ppm;
  setText(parts.effectText, ppm === null ? "" : percent(ppm));
  setAttribute(parts.mark, "visibility", ppm === null ? "hidden" : "visible");
  if (ppm !== null)
    setAttribute(parts.mark, "transform", `translate(${EFFECT.x} ${parts.scaleY(ppm).toFixed(1)})`);
  const part = Math.min(ppm ?? 0, EFFECT.most) / EFFECT.most;
  if (changed(parts.glow, part.toFixed(2)))
    parts.glow.style.setProperty("--effect", part.toFixed(2));
  const worst = (patient.flags ?? []).map((flag) => FLAG_KINDS[flag] ?? "warn");
  setAttribute(
    parts.picture,
    "data-patient",
    worst.includes("critical") ? "critical" : worst.length ? "warn" : "usual",
  );
}

function drawCaption(parts, caption, sight) {
  const { belief, truth, patient } = sight;
  const states = [
    truth.implanted ? null : "the pump has been taken out",
    truth.stalled ? "the motor is stalled" : null,
    truth.occluded ? "the catheter is occluded" : null,
    truth.disconnected ? "the catheter is disconnected" : null,
    truth.runs_dry ? "the pump runs dry" : null,
  ].filter(Boolean);
  setText(caption, `Patient: ${sight.patient_text}`);
  caption.dataset.state = (patient.flags ?? []).length ? "flag" : "usual";
  const told = `In truth ${ml(truth.actual_volume_nl, 1)} left, believed ${ml(belief.believed_volume_nl, 1)}; ${mlPerDay(truth.actual_rate_nl_per_day)} flows. ${states.join(", ")}. Drug effect ${patient.effect_ppm === null ? "unknown" : `${number(patient.effect_ppm / 1e4, 0)} per cent of usual`}.`;
  setAttribute(parts.picture, "aria-label", told);
}
