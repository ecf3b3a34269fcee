"""What the charts of a report show, as Vega-Lite specifications; pure: nothing is drawn here.

Text and grid have the text color of the page that a chart is put into. Numbers in a chart are
rounded for the eye; the report beside it has them exactly.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from pump_programmer import describe
from pump_programmer.phrases import moment
from pump_programmer.report import Report
from pump_programmer.times import EPOCH
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import BolusKind, BolusOutcome, Mode

Spec = dict[str, Any]

_SCHEMA: Final = "https://vega.github.io/schema/vega-lite/v6.json"
_WIDTH, _HEIGHT = 620, 170
_FONT: Final = "system-ui, sans-serif"
_COLORS: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
"""One for each weekday: the palette of Okabe and Ito, told apart by the color-blind too."""
_LINE, _LIMIT = _COLORS[:2]
_TEXT: Final[Spec] = {"type": "text", "fill": "currentColor", "fontSize": 11}
_NL_PER_ML: Final = 1_000_000
_MS_PER_MIN: Final = 60_000
_MS_PER_DAY: Final = 86_400_000
_MOST_BOLUSES: Final = 200
"""Twice as many as the shortest interval of any profile gives in a day."""
_LAST_DATE_MS: Final = (EPOCH.replace(year=9990) - EPOCH).days * _MS_PER_DAY


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: ``spec`` is None where there is nothing to draw, and ``caption`` says why."""

    title: str
    caption: str
    spec: Spec | None


def charts(report: Report) -> tuple[Chart, ...]:
    """The schedule of a day, and the volume until the reservoir is empty."""
    return (schedule_chart(report), volume_chart(report))


# --- The schedule --------------------------------------------------------------------------------


def schedule_chart(report: Report) -> Chart:
    """What is programmed to flow in 24 h: steps of each kind of day, or boluses on their basal."""
    prescription = report.current.prescription
    title = "Schedule of a day"
    if prescription.mode is Mode.FLEX:
        points = list(_steps(prescription))
    elif prescription.mode is Mode.PERIODIC_BOLUS and prescription.periodic is not None:
        title = "Schedule of the next 24 h"
        points = list(_boluses(report.status, prescription.periodic))
    else:
        rate = prescription.rate_nl_per_day
        points = [_rate(0, rate, "every day"), _rate(_MS_PER_DAY, rate, "every day")]
    drug = describe.drug_text(prescription.drugs[0]) if prescription.drugs else "an unknown drug"
    mean = units.format_daily_dose(report.current.totals.mean_ng, describe.mass_unit(prescription))
    caption = (
        f"Programmed rate of {drug}: {mean} on average. Boluses that somebody asks for, and a "
        "bridge, are not in it."
    )
    return Chart(title, caption, _schedule_spec(points))


def _rate(at_ms: int, rate_nl_per_day: int, days: str) -> Spec:
    return {"at": at_ms, "rate": rate_nl_per_day / _NL_PER_ML, "days": days}


def _steps(prescription: m.Prescription) -> Iterator[Spec]:
    for pattern in prescription.days:
        days = describe.weekday_names(pattern.weekdays)
        for step in pattern.steps:
            yield _rate(step.starts_at_min * _MS_PER_MIN, step.rate_nl_per_day, days)
        yield _rate(_MS_PER_DAY, pattern.steps[-1].rate_nl_per_day, days)


def _boluses(status: m.StatusReport, periodic: m.PeriodicBolus) -> Iterator[Spec]:
    """From now on: one that runs already, and those that begin within 24 h."""
    basal = periodic.basal_rate_nl_per_day
    raised = basal + units.nearest(periodic.volume_nl * _MS_PER_DAY, periodic.duration_ms)
    offset_ms = status.clock_ms % _MS_PER_DAY - status.at_ms  # a date does not matter here
    end_ms = status.at_ms + _MS_PER_DAY
    yield _rate(status.at_ms + offset_ms, basal, "")
    for start_ms in _bolus_starts(status, periodic, end_ms):
        yield _rate(max(status.at_ms, start_ms) + offset_ms, raised, "")
        yield _rate(min(end_ms, start_ms + periodic.duration_ms) + offset_ms, basal, "")
    yield _rate(end_ms + offset_ms, basal, "")


def _bolus_starts(status: m.StatusReport, periodic: m.PeriodicBolus, end_ms: int) -> Iterator[int]:
    for bolus in status.boluses:
        if bolus.kind is BolusKind.PERIODIC and bolus.outcome is BolusOutcome.RUNNING:
            yield bolus.started_at_ms
    if status.next_periodic_bolus_at_ms is not None:
        coming = range(status.next_periodic_bolus_at_ms, end_ms, periodic.interval_ms)
        yield from islice(coming, _MOST_BOLUSES)


def _schedule_spec(points: list[Spec]) -> Spec:
    kinds = list(dict.fromkeys(point["days"] for point in points))
    x = {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc", "nice": False},
        "axis": {"format": "%H:%M", "title": "pump's clock", "tickCount": 12},
    }
    y = {"field": "rate", "type": "quantitative", "title": "mL/day", "scale": {"zero": True}}
    color: Spec = {"value": _LINE}
    encoding: Spec = {"x": x, "y": y, "color": color}
    if len(kinds) > 1:
        scale = {"domain": kinds, "range": list(_COLORS[: len(kinds)])}
        legend = {"title": None, "orient": "top", "symbolType": "stroke"}
        kind = {"field": "days", "type": "nominal", "scale": scale, "legend": legend, "sort": None}
        # By their dashes, too: pages are printed without color.
        dash: Spec = {"field": "days", "type": "nominal", "sort": None, "legend": legend}
        dash["scale"] = {"domain": kinds, "range": [[1, 0], *([2 * n, 3] for n in range(1, 7))]}
        encoding = {"x": x, "y": y, "color": kind, "strokeDash": dash}
    line = {"type": "line", "interpolate": "step-after", "strokeWidth": 2}
    layers: list[Spec] = [{"mark": line, "encoding": encoding}]
    if len(kinds) == 1:
        area = {"type": "area", "interpolate": "step-after", "opacity": 0.15}
        layers.insert(0, {"mark": area, "encoding": encoding})
    return _framed(points, layers)


# --- The reservoir -------------------------------------------------------------------------------


def volume_chart(report: Report) -> Chart:
    """What the pump believes to hold, from now until it is low, and until it is empty."""
    status = report.status
    title = "Believed volume from now on"
    low_nl = status.prescription.low_reservoir_threshold_nl
    low_ms, empty_ms = (
        _to_come(status, status.low_reservoir_at_ms),
        _to_come(status, status.empty_reservoir_at_ms),
    )
    if low_ms is None and empty_ms is None:
        return Chart(title, "No date is to come at which the reservoir is low or empty.", None)
    last_ms = max(at_ms for at_ms in (low_ms, empty_ms) if at_ms is not None)
    if status.implanted_clock_ms + last_ms > _LAST_DATE_MS:
        return Chart(title, "The pump's clock shows no date that could be drawn.", None)
    low = [] if low_ms is None else [_volume(status, low_ms, low_nl, "low")]
    empty = [] if empty_ms is None else [_volume(status, empty_ms, 0, "empty")]
    now = _volume(status, status.at_ms, status.believed_volume_nl, "now")
    # The date of the alarm is the earliest one, if the patient asks for all boluses; the other
    # date assumes none (MSG-13). One line through both would belong to nobody.
    if status.patient_boluses and empty:
        lines = [[now, *empty], [now, *low]]
        caption = (
            "Solid: what the pump believes if the patient asks for no bolus. Dashed: until the "
            "low-reservoir alarm, if the patient asks for each one as soon as it is allowed."
        )
    else:
        lines = [[now, *low, *empty]]
        caption = "What the pump believes, drawn straight between the dates that it tells."
    long = last_ms - status.at_ms > 3 * _MS_PER_DAY
    return Chart(title, caption, _volume_spec(report, lines, [*low, *empty], long=long))


def _to_come(status: m.StatusReport, at_ms: int | None) -> int | None:
    return at_ms if at_ms is not None and at_ms > status.at_ms else None


def _volume(status: m.StatusReport, at_ms: int, volume_nl: int, name: str) -> Spec:
    return {
        "at": status.implanted_clock_ms + at_ms,
        "volume": volume_nl / _NL_PER_ML,
        "name": f"{name} {moment(status, at_ms)[:16]}",
    }


def _volume_spec(report: Report, lines: list[list[Spec]], dates: list[Spec], *, long: bool) -> Spec:
    x = {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc", "nice": False},
        "axis": {
            "format": "%Y-%m-%d" if long else "%m-%d %H:%M",
            "title": "pump's clock",
            "tickCount": 6,
        },
    }
    y = {
        "field": "volume",
        "type": "quantitative",
        "title": "mL",
        "scale": {"domain": [0, report.status.reservoir_capacity_nl / _NL_PER_ML]},
    }
    xy = {"x": x, "y": y}
    area = {"type": "area", "opacity": 0.15, "color": _LINE}
    layers: list[Spec] = [{"data": {"values": lines[0]}, "mark": area, "encoding": xy}]
    for points, dash in zip(lines, ([1, 0], [6, 4]), strict=False):
        mark = {"type": "line", "strokeWidth": 2, "strokeDash": dash, "color": _LINE}
        layers.append({"data": {"values": points}, "mark": mark, "encoding": xy})
    return _framed(
        dates, [*layers, *_limit(report), *_dates(xy, (lines[0][0]["at"] + dates[-1]["at"]) / 2)]
    )


def _limit(report: Report) -> Iterator[Spec]:
    """The volume at which the alarm sounds, named at its right end."""
    threshold_nl = report.status.prescription.low_reservoir_threshold_nl
    y = {"datum": threshold_nl / _NL_PER_ML}
    once: Spec = {"values": [{}]}  # not once for each point
    yield {
        "data": once,
        "mark": {"type": "rule", "strokeDash": [2, 3], "color": _LIMIT, "strokeWidth": 1.5},
        "encoding": {"y": y},
    }
    yield {
        "data": once,
        "mark": {**_TEXT, "align": "left", "dx": 5},
        "encoding": {
            "y": y,
            "x": {"value": _WIDTH},
            "text": {"value": f"alarm at {units.format_volume(threshold_nl)}"},
        },
    }


def _dates(xy: Spec, middle: float) -> Iterator[Spec]:
    """Each date as a point, with its text above the chart, where no line can run through it."""
    point = {"type": "point", "filled": True, "size": 60, "color": _LINE, "opacity": 1}
    yield {"mark": point, "encoding": xy}
    yield {
        "mark": {"type": "rule", "color": "currentColor", "opacity": 0.35},
        "encoding": {**xy, "y2": {"value": -4}},
    }
    for half, align in ((f"datum.at < {middle}", "left"), (f"datum.at >= {middle}", "right")):
        for name, height in (("low", -20), ("empty", -7)):
            yield {
                "transform": [{"filter": f"{half} && indexof(datum.name, '{name}') == 0"}],
                "mark": {**_TEXT, "align": align},
                "encoding": {"x": xy["x"], "y": {"value": height}, "text": {"field": "name"}},
            }


def _framed(points: list[Spec], layers: list[Spec]) -> Spec:
    text = {"labelColor": "currentColor", "titleColor": "currentColor"}
    axis = {
        **text,
        "gridColor": "currentColor",
        "gridOpacity": 0.12,
        "domainColor": "currentColor",
        "tickColor": "currentColor",
        "labelFontSize": 11,
        "titleFontWeight": "normal",
    }
    return {
        "$schema": _SCHEMA,
        "width": _WIDTH,
        "height": _HEIGHT,
        "background": None,
        "padding": {"left": 5, "top": 5, "right": 20, "bottom": 5},  # fonts differ in width
        "data": {"values": points},
        "layer": layers,
        "config": {
            "font": _FONT,
            "axis": axis,
            "legend": {**text, "labelFontSize": 11},
            "view": {"stroke": None},
        },
    }
