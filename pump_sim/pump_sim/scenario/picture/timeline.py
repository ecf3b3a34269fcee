"""The timeline of a picture: alarms, flags of the patient and faults as bars in rows."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from pump_sim.scenario.picture.panels import (
    BLACK,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Ground,
    Spec,
    panel,
    rules,
    time_axis,
)
from pump_sim.scenario.picture.placing import FONT_PX, moment_text, place_bar_texts
from pump_sim.scenario.picture.sheet import Span, SpanKind

ROW_PX: Final = 24
LEAST_BAR_PX: Final = 5

_BARS: Final[dict[SpanKind, tuple[str, float]]] = {
    SpanKind.CRITICAL: (VERMILION, 0.92),
    SpanKind.NON_CRITICAL: (ORANGE, 0.46),
    SpanKind.HELD: (YELLOW, 0.92),
    SpanKind.FLAG: (GREEN, 0.62),
    SpanKind.FAULT: (PURPLE, 0.62),
    SpanKind.WIRE: (SKY, 0.62),
    SpanKind.NO_PUMP: (GREY, 0.3),
}
"""The colour of each kind of bar, and how much of its row it fills."""

_ROWS: Final = {SpanKind.FLAG: "patient", SpanKind.FAULT: "fault", SpanKind.WIRE: "wire"}
_SAYS: Final = {
    SpanKind.CRITICAL: "CRITICAL",
    SpanKind.NON_CRITICAL: "non-critical",
    SpanKind.HELD: "NO FLOW, AND NO ALARM FOR IT",
}


def timeline(ground: Ground) -> Spec:
    """A row for each alarm, flag and fault, with a bar from its beginning to its end."""
    bars, texts, rows = [], [], []
    for (kind, name), group in groupby(ground.sheet.spans, key=lambda span: (span.kind, span.name)):
        spans = list(group)
        row = f"{_ROWS[kind]}: {name}" if kind in _ROWS else name
        rows.append(row)
        bars += [_bar(each, row, ground) for each in spans]
        texts += list(_bar_texts(spans, row, ground))
    if not rows:
        rows = [" "]
        nothing = "no alarm, no fault, and nothing that the patient shows"
        texts = [{"row": " ", "x": 8.0, "text": nothing, "inside": False}]
    y: Spec = {
        "field": "row",
        "type": "nominal",
        "sort": rows,
        "scale": {"domain": rows, "paddingInner": 0, "paddingOuter": 0},
        "axis": {
            "title": None,
            "ticks": False,
            "grid": False,
            "labelPadding": 6,
            "labelLimit": ground.layout.left_px - 6,
        },
    }
    x = time_axis(ground, labels=True)
    # A white edge below each text keeps it readable across rules; bars have their own ground.
    beside = [each for each in texts if not each["inside"]]
    layers = [
        rules(ground, labels=True),
        *(
            _bars([each for each in bars if each["kind"] == kind.value], kind, x, y)
            for kind in _BARS
        ),
        _texts(beside, y, {"stroke": "white", "strokeWidth": 4}),
        _texts(texts, y, {}),
    ]
    return panel(ground, "Alarms, patient and faults", ROW_PX * len(rows), layers)


def _bars(bars: list[Spec], kind: SpanKind, x: Spec, y: Spec) -> Spec:
    color, share = _BARS[kind]
    return {
        "data": {"values": bars},
        "mark": {
            "type": "bar",
            "height": {"band": share},
            "fill": color,
            "stroke": BLACK,
            "strokeWidth": 1.4 if kind is SpanKind.CRITICAL else 0.5,
            "strokeDash": [3, 2] if kind is SpanKind.FAULT else [1, 0],
            "clip": True,
        },
        "encoding": {
            "x": x,
            "x2": {"field": "u"},
            "y": y,
            "tooltip": [
                {"field": "name", "title": "what"},
                {"field": "kind", "title": "kind"},
                {"field": "from", "title": "from"},
                {"field": "until", "title": "until"},
            ],
        },
    }


def _texts(texts: list[Spec], y: Spec, style: Spec) -> Spec:
    mark = {
        "type": "text",
        "align": "left",
        "baseline": "middle",
        "fontSize": FONT_PX,
        "color": BLACK,
    }
    return {
        "data": {"values": texts},
        "mark": {**mark, **style},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "scale": None},
            "y": y,
            "text": {"field": "text"},
        },
    }


def _when(span: Span) -> str:
    if span.kind is SpanKind.WIRE:
        return "1 frame" if span.count == 1 else f"{span.count} frames"
    if span.from_ms == span.until_ms:
        return f"at {moment_text(span.from_ms)}"
    if not span.ends:
        return f"since {moment_text(span.from_ms)}" if span.from_ms else "all the time"
    return f"{moment_text(span.from_ms)} to {moment_text(span.until_ms)}"


def _until(span: Span) -> str:
    return moment_text(span.until_ms) if span.ends else "the end"


def _drawn_ms(span: Span, ground: Ground) -> tuple[int, int]:
    """From when to when a bar is drawn: what is too short to be seen is made longer."""
    length_ms = ground.sheet.length_ms
    least_ms = length_ms * LEAST_BAR_PX // ground.layout.plot_px
    from_ms, until_ms = span.from_ms, max(span.until_ms, span.from_ms + least_ms)
    if until_ms > length_ms:
        return min(from_ms, length_ms - least_ms), length_ms
    return from_ms, until_ms


def _bar(span: Span, row: str, ground: Ground) -> Spec:
    from_ms, until_ms = _drawn_ms(span, ground)
    return {
        "row": row,
        "t": ground.in_units(from_ms),
        "u": ground.in_units(until_ms),
        "name": span.name,
        "kind": span.kind.value,
        "from": moment_text(span.from_ms),
        "until": _until(span),
    }


def _bar_texts(spans: Sequence[Span], row: str, ground: Ground) -> Iterator[Spec]:
    layout = ground.layout
    ms_per_px = ground.sheet.length_ms / layout.plot_px
    drawn = (_drawn_ms(each, ground) for each in spans)
    edges = [(from_ms / ms_per_px, until_ms / ms_per_px) for from_ms, until_ms in drawn]
    texts = []
    for span in spans:
        says = _SAYS.get(span.kind, "")
        when = _when(span)
        texts.append([f"{says}, {when}", says] if says else [when])
    for placed in place_bar_texts(edges, texts, layout.plot_px + layout.right_px, layout.plot_px):
        if placed is not None:
            yield {
                "row": row,
                "x": round(placed.from_px, 1),
                "text": placed.text,
                "inside": placed.inside,
            }
