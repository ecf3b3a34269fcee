// Filters the cases of a report. The page is complete without it.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const cases = [...document.querySelectorAll(".case")];
  const groups = [...document.querySelectorAll(".group")];
  const told = form.querySelector("output");
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const words = form.querySelector("input[type=search]");
  const about = (each) => [".slug", ".level", "dl"]
    .map((part) => each.querySelector(part).textContent).join(" ").toLowerCase();
  const texts = new Map(cases.map((each) => [each, about(each)]));
  const failed = (each) => each.dataset.verdicts.split(" ").includes("fail");

  function filter() {
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const sought = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const each of cases) {
      const fits = each.dataset.verdicts.split(" ").some((verdict) => wanted.has(verdict))
        && sought.every((word) => texts.get(each).includes(word));
      each.hidden = !fits;
      shown += fits;
    }
    for (const each of groups) {
      each.hidden = !each.querySelector(".case:not([hidden])");
    }
    told.textContent = `${shown} of ${cases.length} cases`;
  }

  function goTo() {
    const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (found && found.classList.contains("case")) {
      found.open = true;
      found.hidden = false;
      found.closest(".group").hidden = false;
      found.scrollIntoView();
    }
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector("button[value=failed]").addEventListener("click", () => {
    for (const box of boxes) {
      box.checked = box.value === "fail" || box.value === "harness-error";
    }
    filter();
  });
  form.querySelector("button[value=all]").addEventListener("click", () => {
    words.value = "";
    for (const box of boxes) {
      box.checked = true;
    }
    filter();
  });
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = cases.filter((each) => !each.hidden && !each.open && failed(each));
    for (const each of opened) {
      each.open = true;
    }
  });
  addEventListener("afterprint", () => {
    for (const each of opened) {
      each.open = false;
    }
  });
  addEventListener("hashchange", goTo);
  form.hidden = false;
  filter();
  goTo();
})();
