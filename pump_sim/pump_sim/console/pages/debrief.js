// The panel of the debrief: the session as a page, as JSON or as CSV; prominent once it is over.

import { api } from "./api.js";
import { panel } from "./panel.js";
import { changed, el, icon, replace } from "/static/shared/ui.js";

const FORMATS = [
  {
    kind: "html",
    text: "Debrief",
    about: "one page with charts, as a file: read it, print it, mail it",
  },
  { kind: "json", text: "JSON", about: "for programs" },
  { kind: "csv", text: "CSV", about: "for a spreadsheet" },
];

export function mount(root, store) {
  const body = panel(root, "Debrief");
  const lead = el("p");
  const links = el("div", { class: "cluster" });
  const all = el("input", { type: "checkbox", class: "checkbox" });
  all.checked = true;
  const whole = el("label", { class: "toggle" }, all, el("span", {}));
  all.addEventListener("change", () => draw());
  body.append(lead, whole, links);

  function draw() {
    const session = store.sight?.session;
    if (
      !session ||
      !changed(body, [session.over, session.take, session.elapsed_ms > 0, all.checked])
    )
      return;
    const over = session.over;
    root.classList.toggle("is-over", over);
    const words = over
      ? "The scenario is over. Talk it through with the debrief: what was done, what the pump said, what the patient felt."
      : "What happened until now, to look at together.";
    replace(lead, over ? el("strong", {}, words) : words);
    whole.hidden = session.take < 2;
    replace(whole.lastElementChild, "all takes: each way in which it was played, not only this one");
    const takes = all.checked ? "all" : "last";
    replace(
      links,
      FORMATS.map(({ kind, text, about }) =>
        el(
          "a",
          {
            class: kind === "html" ? `btn ${over ? "btn-primary btn-large" : ""}` : "btn",
            href: api.url(`/debrief.${kind}?takes=${takes}`),
            download: "",
            title: about,
          },
          icon(kind === "html" ? "document" : "download"),
          el("span", {}, text),
        ),
      ),
    );
  }

  store.on("sight", draw);
  draw();
}
