// Takes the theme that was chosen before the page is painted. A plain script in the head: a module
// would run too late, and the page would flash.
(function () {
  "use strict";
  let chosen = null;
  try {
    chosen = window.localStorage.getItem("pump.theme");
  } catch {
    chosen = null; // storage is forbidden here: the system's theme holds
  }
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
})();
