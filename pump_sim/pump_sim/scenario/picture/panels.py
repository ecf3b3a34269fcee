"""The panels of a picture over one axis of time - volumes, rates, drug effect - as Vega-Lite data.

What is around them is :mod:`.specification`'s business, what lasted :mod:`.timeline`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from pump_sim.model.hardware.patient import FIGURES
from pump_sim.model.units import NL_PER_ML, PPM
from pump_sim.scenario.picture.layout import Layout
from pump_sim.scenario.picture.placing import (
    TimeScale,
    moment_text,
    spread,
    time_scale,
    width_px,
)
from pump_sim.scenario.picture.sheet import Sheet
from pump_sim.texts import spaced

Spec = dict[str, Any]

TITLE_Y: Final = -13
"""Where titles of panels are, above the plot."""

BLACK: Final = "#000000"
GREY: Final = "#5f5f5f"
ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
VERMILION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"

_ACTUAL: Final = {"color": SKY, "strokeWidth": 5}
_BELIEVED: Final = {"color": BLACK, "strokeWidth": 1.8, "strokeDash": [6, 4]}
"""Where both lines agree, the dashes lie on the broad one."""

_WHO_DASHES: Final = {
    "instructor": [3, 1],
    "hands": [1, 0],
    "programmer": [5, 3],
    "link": [2, 2],
    "choice": [9, 3, 2, 3],
}


@dataclass(frozen=True, slots=True)
class Ground:
    """On what panels are drawn: the sheet, the axis of time that they share, and their widths."""

    sheet: Sheet
    scale: TimeScale
    layout: Layout

    @classmethod
    def of(cls, sheet: Sheet, layout: Layout) -> Self:
        """The ground for a sheet."""
        return cls(sheet, time_scale(sheet.length_ms), layout)

    def in_units(self, at_ms: int) -> float:
        """A moment as the axis counts it."""
        return round(at_ms / self.scale.unit_ms, 6)


def rows(ground: Ground) -> Iterator[Spec]:
    """What was seen, look by look, in the units of the axes; `u` is when the next look was."""
    looks = ground.sheet.looks
    moments = sorted({each.therapy_ms for each in looks})
    following = dict(zip(moments, [*moments[1:], moments[-1]], strict=True))
    for index, look in enumerate(looks):
        effect_ppm = look.effect_ppm
        yield {
            "i": index,
            "t": ground.in_units(look.therapy_ms),
            "u": ground.in_units(following[look.therapy_ms]),
            "w": moment_text(look.therapy_ms),
            "bv": look.believed_volume_nl / NL_PER_ML,
            "av": look.actual_volume_nl / NL_PER_ML,
            "br": look.believed_rate_nl_per_day / NL_PER_ML,
            "ar": look.actual_rate_nl_per_day / NL_PER_ML,
            "e": None if effect_ppm is None else round(effect_ppm * 100 / PPM, 2),
            "m": spaced(look.mode),
        }


def time_axis(ground: Ground, *, labels: bool = False) -> Spec:
    """The axis of time that all panels share; only the lowest one has labels."""
    return {
        "field": "t",
        "type": "quantitative",
        "scale": {
            "domain": [0, ground.in_units(ground.sheet.length_ms)],
            "nice": False,
            "zero": False,
        },
        "axis": {
            "values": list(ground.scale.ticks),
            "labels": labels,
            "ticks": labels,
            "labelFlush": False,
            "title": f"{ground.scale.unit} since the start" if labels else None,
        },
    }


def volumes(ground: Ground) -> Spec:
    """What the reservoir holds, and what the pump believes that it holds."""
    looks = ground.sheet.looks
    top_nl = max(max(each.believed_volume_nl, each.actual_volume_nl) for each in looks)
    top = (top_nl or NL_PER_ML) / NL_PER_ML
    volume = _pair(
        ground, ("Volume in the reservoir, mL", "v", ground.layout.volume_px, top), "linear"
    )
    volume["layer"] += _who_legend(ground)
    return volume


def rates(ground: Ground) -> Spec:
    """What flows, in steps: between two looks it does not change."""
    looks = ground.sheet.looks
    seen = (max(each.believed_rate_nl_per_day, each.actual_rate_nl_per_day) for each in looks)
    top = max(seen) / NL_PER_ML or 0.1
    return _pair(
        ground, ("Rate of infusion, mL/day", "r", ground.layout.rate_px, top), "step-after"
    )


def _pair(ground: Ground, about: tuple[str, str, int, float], interpolate: str) -> Spec:
    """A panel of what is so and what the pump believes. Where they agree, both are seen."""
    title, key, height, top = about
    line = {"type": "line", "interpolate": interpolate, "clip": True, "aria": False}
    y: Spec = {
        "type": "quantitative",
        "scale": {"domain": [0, top * 1.06], "nice": False},
        "axis": {"title": None, "tickCount": 5},
    }
    curves = [
        {
            "mark": {**line, **style},
            "encoding": {
                "x": time_axis(ground),
                "y": {**y, "field": f"{which}{key}"},
                "order": {"field": "i", "type": "quantitative"},
            },
        }
        for which, style in (("a", _ACTUAL), ("b", _BELIEVED))
    ]
    return panel(ground, title, height, [rules(ground), *curves, *_legend(ground.layout)])


def _legend(layout: Layout) -> Iterator[Spec]:
    """What the two lines mean, beside the title. Vega-Lite's own legends show no widths."""
    for x, style, name in (
        (layout.actual_px, _ACTUAL, "actual"),
        (layout.believed_px, _BELIEVED, "believed by the pump"),
    ):
        yield _sample(x, style)
        yield _words(name, x + 50, weight="normal")


def _who_legend(ground: Ground) -> Iterator[Spec]:
    """Whose the rules down from the acts are, of those who are in the picture."""
    if ground.layout.who_px is None:
        return
    shown = {each.who for each in ground.sheet.marks}
    x = float(ground.layout.who_px)
    for who, dashes in _WHO_DASHES.items():
        if who in shown:
            yield _sample(x, {"color": GREY, "strokeWidth": 0.8, "strokeDash": dashes})
            yield _words(who, x + 50, weight="normal")
            x += 70 + width_px(who)


def _sample(x: float, style: Spec) -> Spec:
    """A piece of a line on the line of the panel's title."""
    return {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "aria": False, **style},
        "encoding": {"x": {"value": x}, "x2": {"value": x + 42}, "y": {"value": TITLE_Y}},
    }


def _words(text: str, x: float, weight: str) -> Spec:
    """A text on the line of the panel's title."""
    mark = {"type": "text", "align": "left", "baseline": "middle", "fontSize": 12, "color": BLACK}
    return {
        "data": {"values": [{}]},
        "mark": {**mark, "fontWeight": weight, "text": text},
        "encoding": {"x": {"value": x}, "y": {"value": TITLE_Y}},
    }


def panel(ground: Ground, title: str, height: int, layers: list[Spec]) -> Spec:
    """A panel of the common width."""
    return {
        "width": ground.layout.plot_px,
        "height": height,
        "layer": [*layers, _words(title, 0, weight="bold")],
    }


def rules(ground: Ground, *, labels: bool = False) -> Spec:
    """Where something was done or decided, as in the lanes above; one rule a pixel and person."""
    sheet = ground.sheet
    rows = {
        (each.at_ms * ground.layout.plot_px // sheet.length_ms, each.who): {
            "t": ground.in_units(each.at_ms),
            "who": each.who,
        }
        for each in sheet.marks
        if each.who != "fault"
    }
    return {
        "data": {"values": list(rows.values())},
        "mark": {"type": "rule", "color": GREY, "strokeWidth": 0.8, "aria": False},
        "encoding": {
            "x": time_axis(ground, labels=labels),
            "strokeDash": {
                "field": "who",
                "type": "nominal",
                "scale": {"domain": list(_WHO_DASHES), "range": list(_WHO_DASHES.values())},
                "legend": None,
            },
        },
    }


def hover() -> Spec:
    """An invisible band for each look, over the height of the panel, with all figures in words."""
    number = {"type": "quantitative", "format": ",.4~f"}
    return {
        "transform": [{"filter": "datum.u > datum.t"}],
        "mark": {"type": "rect", "color": BLACK, "aria": False},
        "encoding": {
            "x": {"field": "t", "type": "quantitative"},
            "x2": {"field": "u"},
            "opacity": {
                "condition": {"param": "moment", "empty": False, "value": 0.25},
                "value": 0,
            },
            "tooltip": [
                {"field": "w", "title": "time"},
                {"field": "av", "title": "actual volume, mL", **number},
                {"field": "bv", "title": "believed volume, mL", **number},
                {"field": "ar", "title": "actual rate, mL/day", **number},
                {"field": "br", "title": "believed rate, mL/day", **number},
                {"field": "e", "title": "drug effect, %", "type": "quantitative", "format": ".1f"},
                {"field": "m", "title": "mode"},
            ],
        },
    }


def effect(ground: Ground) -> Spec:
    """The drug effect, with the bands in which the patient shows a flag."""
    height = ground.layout.effect_px
    looks = ground.sheet.looks
    effects = [each.effect_ppm for each in looks if each.effect_ppm is not None]
    top = max(165.0, *(each * 100 / PPM * 1.06 for each in effects)) if effects else 165.0
    y: Spec = {
        "type": "quantitative",
        "scale": {"domain": [0, top], "nice": False},
        "axis": {"title": None, "tickCount": 5},
    }
    bands = list(_bands(top))
    bars: Spec = {
        "data": {"values": bands},
        "mark": {"type": "rect", "aria": False},
        "encoding": {
            "y": {**y, "field": "low"},
            "y2": {"field": "high"},
            "color": {"field": "color", "type": "nominal", "scale": None},
            "opacity": {"field": "opacity", "type": "quantitative", "scale": None, "legend": None},
        },
    }
    lines: Spec = {
        "data": {"values": [*bands, {"limit": 100}]},
        "mark": {"type": "rule", "color": GREY, "strokeDash": [2, 3], "aria": False},
        "encoding": {"y": {**y, "field": "limit"}},
    }
    names: Spec = {
        "data": {"values": _band_names(bands, top, height)},
        "mark": {
            "type": "text",
            "x": ground.layout.plot_px + 6,
            "align": "left",
            "baseline": "middle",
            "fontSize": 11,
            "color": BLACK,
        },
        "encoding": {
            "y": {"field": "y", "type": "quantitative", "scale": None},
            "text": {"field": "text"},
        },
    }
    curve: Spec = {
        "mark": {"type": "line", "color": GREEN, "strokeWidth": 2.5, "clip": True, "aria": False},
        "encoding": {
            "x": time_axis(ground),
            "y": {**y, "field": "e"},
            "order": {"field": "i", "type": "quantitative"},
        },
    }
    title = "Drug effect in the made-up patient, % of what the prescription would give undisturbed"
    if not effects:
        title = "Drug effect in the made-up patient (not judged: no prescription)"
    return panel(ground, title, height, [bars, lines, names, rules(ground), curve])


def _bands(top: float) -> Iterator[Spec]:
    """The thresholds of the patient's flags as bands of the effect, as far as they are in view."""
    under, withdrawal, watch, over = (
        ppm * 100 / PPM
        for ppm in (
            FIGURES.underdose_ppm,
            FIGURES.withdrawal_ppm,
            FIGURES.overdose_watch_ppm,
            FIGURES.overdose_ppm,
        )
    )
    for low, high, limit, color, opacity, text in (
        (0.0, withdrawal, withdrawal, GREY, 0.3, f"withdrawal < {withdrawal:g} %"),
        (withdrawal, under, under, GREY, 0.15, f"underdose < {under:g} %"),
        (watch, over, watch, GREY, 0.15, f"overdose watch > {watch:g} %"),
        (over, top, over, GREY, 0.3, f"overdose > {over:g} %"),
    ):
        if low < top:
            yield {
                "low": low,
                "high": min(high, top),
                "limit": limit,
                "color": color,
                "opacity": opacity,
                "text": text,
            }


def _band_names(bands: Sequence[Spec], top: float, height: int) -> list[Spec]:
    """The name of each band beside its middle; 100 % is named, too."""
    named = [(each["text"], (each["low"] + each["high"]) / 2) for each in bands]
    named.append(("100 %: as prescribed", 100.0))
    named.sort(key=lambda each: -each[1])
    places = spread([height * (1 - at / top) for _, at in named], 12.0, 5.0, height - 5.0)
    return [{"text": text, "y": y} for (text, _), y in zip(named, places, strict=True)]
