"""Where texts go in a picture so that none covers another; it draws nothing and knows no pump.

Places are pixels: x from the left edge of the plot, lanes counted upwards from the plot. Widths of
texts are estimated, on the safe side, because nobody has chosen the reader's font.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pump_sim.model.units import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

GAP_PX: Final = 8
"""Least distance between two texts side by side."""

LONGEST_LABEL: Final = 60
"""Characters; what is longer is cut, and told in full elsewhere."""

FONT_PX: Final = 11
"""Size of the texts that are placed."""

MOST_LANES: Final = 8

MOST_TICKS: Final = 16


_NARROW: Final = frozenset(" .,:;'!|()[]/-ijlftrI")
_BROAD: Final = frozenset("mwMW@%")


def width_px(text: str) -> float:
    """How wide a text is, at most, in a usual font without serifs and of the usual size."""
    ems = 0.0
    for each in text:
        if each in _BROAD:
            ems += 0.95
        elif each in _NARROW:
            ems += 0.34
        else:
            ems += 0.74 if each.isupper() else 0.57
    return ems * FONT_PX + 2


# --- Labels over the moments they belong to ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to a moment; with several in one, `every` has all of them."""

    x_px: float
    text: str
    every: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlacedLabel:
    """A label in its lane; it extends to the right of its moment, or to the left."""

    label: Label
    lane: int
    leftwards: bool

    @property
    def from_px(self) -> float:
        """Where it begins."""
        return self.label.x_px - width_px(self.label.text) * self.leftwards

    @property
    def until_px(self) -> float:
        """Where it ends."""
        return self.from_px + width_px(self.label.text)


def place_labels(
    texts: Sequence[tuple[float, str]], left_px: float, right_px: float
) -> list[PlacedLabel]:
    """Put each text into a lane, so that neither a text nor the line down from one covers a text.

    Where there are too many, those that are close to each other are told as one.

    :param texts: where the moment of each is, in order of time, and what is to be said.
    :param left_px, right_px: between which texts must be; wide enough for the longest.
    """
    reach_px = 0.0
    while True:
        placed = _in_lanes(_merged(texts, reach_px), left_px, right_px)
        if placed is not None:
            return placed
        reach_px = 2 * reach_px + 4


def _merged(texts: Sequence[tuple[float, str]], reach_px: float) -> list[Label]:
    """Neighbours within reach of the first of them as one; of reach 0, each by itself."""
    groups: list[list[tuple[float, str]]] = []
    for each in texts:
        if reach_px and groups and each[0] - groups[-1][0][0] <= reach_px:
            groups[-1].append(each)
        else:
            groups.append([each])
    return [_label(group[0][0], [text for _, text in group]) for group in groups]


def _label(x_px: float, texts: Sequence[str]) -> Label:
    told = _cut(texts[0])
    if len(set(texts)) > 1:
        told += f", +{len(texts) - 1} more"
    elif len(texts) > 1:
        told += f" (x{len(texts)})"
    return Label(x_px, told, tuple(texts))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3].rstrip() + "..."


def _in_lanes(labels: Sequence[Label], left_px: float, right_px: float) -> list[PlacedLabel] | None:
    """From the right: a label lies above all those to whose moments it reaches.

    So the line down from it, at its beginning, meets none of them. Those that do not fit on the
    right extend to the left, and lie above whatever is there, the rightmost highest. What fits on
    neither side is cut. None if that leaves nothing of it, or there are too few lanes.
    """
    limit_px = right_px
    rightwards: list[Label] = []
    leftwards: list[Label] = []
    for label in reversed(labels):
        wide_px = width_px(label.text)
        if label.x_px + wide_px <= limit_px:
            rightwards.append(label)
        elif label.x_px - wide_px >= left_px:
            leftwards.insert(0, label)
            limit_px = label.x_px - GAP_PX
        else:
            text = _cut_to(label.text, limit_px - label.x_px)
            if not text:
                return None
            rightwards.append(Label(label.x_px, text, label.every))
    placed: list[PlacedLabel] = []
    for label, to_left in [
        *((each, False) for each in rightwards),
        *((each, True) for each in leftwards),
    ]:
        new = _above(PlacedLabel(label, 0, to_left), placed)
        if new.lane >= MOST_LANES:
            return None
        placed.append(new)
    return placed


def _cut_to(text: str, room_px: float) -> str:
    for length in range(len(text) - 1, 3, -1):
        cut = text[:length].rstrip() + "..."
        if width_px(cut) <= room_px:
            return cut
    return ""


def _above(new: PlacedLabel, placed: Sequence[PlacedLabel]) -> PlacedLabel:
    lane = max(
        (
            each.lane + 1
            for each in placed
            if each.from_px < new.until_px + GAP_PX and new.from_px < each.until_px + GAP_PX
        ),
        default=0,
    )
    return PlacedLabel(new.label, lane, new.leftwards)


# --- Labels of bars in one row -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BarText:
    """A text of a bar: where it begins, and whether it lies on the bar."""

    from_px: float
    text: str
    inside: bool


def place_bar_texts(
    bars: Sequence[tuple[float, float]],
    texts: Sequence[Sequence[str]],
    right_px: float,
    frame_px: float,
) -> list[BarText | None]:
    """For each bar of a row the first of its texts for which there is room: on it, or beside it.

    No text lies across the frame. What finds no room within it may stand behind it, as far as
    *right_px*.

    :param bars: where each begins and ends, in order.
    :param texts: of each bar, from the longest on.
    """
    placed: list[BarText | None] = []
    taken_px = 0.0
    for index, (from_px, until_px) in enumerate(bars):
        last = index + 1 == len(bars)
        next_px = frame_px + GAP_PX if last else bars[index + 1][0]
        places = [_beside(each, from_px, until_px, taken_px, next_px) for each in texts[index]]
        if last:
            places += [_behind(each, frame_px, taken_px, right_px) for each in texts[index]]
        found = next(filter(None, places), None)
        placed.append(found)
        taken_px = until_px + GAP_PX
        if found is not None:
            taken_px = max(taken_px, found.from_px + width_px(found.text) + GAP_PX)
    return placed


def _beside(
    text: str, from_px: float, until_px: float, taken_px: float, next_px: float
) -> BarText | None:
    wide_px = width_px(text)
    if until_px - from_px >= wide_px + GAP_PX and from_px >= taken_px - GAP_PX:
        return BarText(from_px + GAP_PX / 2, text, inside=True)
    if until_px + GAP_PX / 2 + wide_px + GAP_PX <= next_px:
        return BarText(until_px + GAP_PX / 2, text, inside=False)
    if from_px - GAP_PX / 2 - wide_px >= taken_px:
        return BarText(from_px - GAP_PX / 2 - wide_px, text, inside=False)
    return None


def _behind(text: str, frame_px: float, taken_px: float, right_px: float) -> BarText | None:
    from_px = max(frame_px + GAP_PX / 2, taken_px)
    fits = from_px + width_px(text) <= right_px
    return BarText(from_px, text, inside=False) if fits else None


def spread(places: Sequence[float], distance: float, lowest: float, highest: float) -> list[float]:
    """Rising places moved as little as needed to be so far apart, between two limits."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + distance if moved else lowest))
    limit = highest
    for index in range(len(moved) - 1, -1, -1):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - distance
    return moved


# --- Time ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TimeScale:
    """The unit in which a picture counts time, and where the ticks of its axis are."""

    unit: str
    unit_ms: int
    ticks: tuple[float, ...]


_UNITS: Final = (
    ("days", DAY_MS, (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    ("hours", HOUR_MS, (1, 2, 3, 6, 12)),
    ("minutes", MINUTE_MS, (1, 2, 5, 10, 15, 30)),
    ("seconds", SECOND_MS, (1, 2, 5, 10, 15, 30)),
)


def time_scale(length_ms: int) -> TimeScale:
    """Days, hours, minutes or seconds, whichever gives the picture more than three of them."""
    for unit, unit_ms, steps in _UNITS:
        if length_ms > 3 * unit_ms or unit_ms == SECOND_MS:
            count = length_ms // unit_ms
            step = next((each for each in steps if count // each <= MOST_TICKS), steps[-1])
            while count // step > MOST_TICKS:
                step *= 2
            return TimeScale(unit, unit_ms, tuple(range(0, count + 1, step)))
    raise AssertionError("the last unit serves for anything")


def moment_text(at_ms: int) -> str:
    """A moment since the start, to the minute; to the second where less than an hour has passed."""
    fine_ms = SECOND_MS if at_ms < HOUR_MS else MINUTE_MS
    rest, parts = at_ms // fine_ms * fine_ms, []
    for name, scale in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS), ("s", SECOND_MS)):
        count, rest = divmod(rest, scale)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts) or "0"
