// What of many rows is worth drawing, and the path through it. Knows no page.

// What to draw of `rows`, whose first column is the time, between two moments: for each pixel the
// first, lowest, highest and last value, so that no peak is lost however many rows there are.
// The row before and the one after are in it, too: the line comes from and goes out of the plot.
export function thinned(rows, value, from, to, pixels) {
  const first = Math.max(0, firstAfter(rows, from) - 1);
  const end = Math.min(rows.length, firstAfter(rows, to) + 1);
  const perPixel = (to - from) / Math.max(1, pixels);
  const points = [];
  let column = null;
  for (let index = first; index < end; index += 1) {
    const row = rows[index];
    const y = value(row);
    if (y === null || y === undefined) {
      flush(column, points);
      column = null;
      if (points.length && points.at(-1) !== null) points.push(null);
      continue;
    }
    const place = Math.floor((row[0] - from) / perPixel);
    const point = [row[0], y];
    if (column === null || column.place !== place) {
      flush(column, points);
      column = { place, first: point, low: point, high: point, last: point };
    } else {
      if (y < column.low[1]) column.low = point;
      if (y > column.high[1]) column.high = point;
      column.last = point;
    }
  }
  flush(column, points);
  return points;
}

function flush(column, points) {
  if (column === null) return;
  const { first, low, high, last } = column;
  const [one, other] = low[0] <= high[0] ? [low, high] : [high, low];
  let before = null;
  for (const point of [first, one, other, last]) {
    if (point !== before) points.push(point);
    before = point;
  }
}

// The index of the first row after a moment.
export function firstAfter(rows, at) {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle][0] <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

// The path of a line, or of one in steps, through points; a null among them is a gap.
export function pathOf(points, x, y, stepped) {
  const parts = [];
  let pen = "M";
  for (const point of points) {
    if (point === null) {
      pen = "M";
      continue;
    }
    const left = x(point[0]).toFixed(1);
    const top = y(point[1]).toFixed(1);
    if (pen === "M") parts.push(`M${left} ${top}`);
    else parts.push(stepped ? `H${left}V${top}` : `L${left} ${top}`);
    pen = "L";
  }
  return parts.join("");
}
