// What an instructor does to the pump, in three tabs: faults, acts of hands, the programming head.

import { el, remember, remembered, replace, setText, tabs } from "/static/shared/ui.js";
import { mount as mountActs } from "./acts.js";
import { mount as mountFaults } from "./faults.js";
import { mount as mountPresence } from "./presence.js";

export function mount(root, store) {
  const panels = { faults: panel(), acts: panel(), head: panel() };
  const list = [
    { name: "faults", text: "Faults", panel: panels.faults },
    { name: "acts", text: "Clinical acts", panel: panels.acts },
    { name: "head", text: "Programming head", panel: panels.head },
  ];
  const { bar } = tabs(list, {
    label: "What you do to the pump",
    start: known(remembered("hands"), list),
    onSelect: (name) => remember("hands", name),
  });
  replace(root, el("div", { class: "card hands-card" }, bar, Object.values(panels)));
  mountFaults(panels.faults, store);
  mountActs(panels.acts, store);
  mountPresence(panels.head, store);

  // How many faults there are is told on the tab, too: they are easily forgotten behind another one.
  const tab = bar.querySelector("#tab-faults");
  store.on("sight", (sight) =>
    setText(tab, sight.faults?.length ? `Faults (${sight.faults.length})` : "Faults"),
  );
}

const panel = () => el("div", { class: "hands-panel" });

const known = (name, list) => (list.some((each) => each.name === name) ? name : list[0].name);
