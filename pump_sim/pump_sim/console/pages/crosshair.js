// Makes of a plot a slider over the shared axis: mouse, touch and arrow keys move the crosshair.

// `end()` is the last moment of which anything is known.
export function steer(plot, axis, label, end) {
  plot.tabIndex = 0;
  plot.setAttribute("role", "slider");
  plot.setAttribute("aria-label", `${label}: arrow keys move through time`);
  plot.setAttribute("aria-orientation", "horizontal");
  const follow = (event) => {
    const box = plot.getBoundingClientRect();
    axis.point(axis.at(event.clientX - box.left, box.width));
  };
  plot.addEventListener("pointermove", follow);
  plot.addEventListener("pointerdown", follow);
  plot.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== plot) axis.point(null);
  });
  plot.addEventListener("blur", () => axis.point(null));
  plot.addEventListener("keydown", (event) => {
    const goal = goalOf(event, axis, Math.min(end(), axis.to));
    if (goal === undefined) return;
    event.preventDefault();
    axis.point(goal);
  });
}

// Where a key leads: undefined if it is none of ours, null away from the plot.
function goalOf(event, { from, to, cursor }, end) {
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  if (event.key === "Escape") return cursor === null ? undefined : null;
  const step = (to - from) / (event.shiftKey ? 20 : 200);
  const at = cursor ?? end;
  return {
    ArrowLeft: at - step,
    ArrowRight: at + step,
    ArrowDown: at - step,
    ArrowUp: at + step,
    PageDown: at - (to - from) / 10,
    PageUp: at + (to - from) / 10,
    Home: from,
    End: end,
  }[event.key];
}
