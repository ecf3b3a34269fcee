// Draws as seldom as one can: at most so often, and only what somebody can see.

// Make of `draw` a function that may be called as often as one likes. It runs at once if it has not
// run for `every` ms, else when they are over; never while the tab or `element` is out of sight.
export function paced(element, draw, every = 500) {
  let wanted = false;
  let timer = null;
  let last = -Infinity;
  let inSight = true;

  function run() {
    timer = null;
    if (!wanted || !inSight || document.hidden) return;
    wanted = false;
    last = performance.now();
    draw();
  }

  function ask() {
    wanted = true;
    if (timer !== null || !inSight || document.hidden) return;
    timer = setTimeout(run, Math.max(0, last + every - performance.now()));
  }

  const again = () => {
    if (wanted) ask();
  };
  // What is about to be scrolled into sight is drawn already.
  const near = { rootMargin: "100%", scrollMargin: "100%" };
  const watch = new IntersectionObserver((entries) => {
    inSight = entries.at(-1).isIntersecting;
    again();
  }, near);
  watch.observe(element);
  document.addEventListener("visibilitychange", again);

  // Draw now: what a person asked for must not wait.
  ask.now = () => {
    wanted = true;
    clearTimeout(timer);
    run();
  };
  return ask;
}
