"""A sheet as a Vega-Lite specification: plain data, so that nothing here draws or needs a browser.

From the top: title, notice, what was done, then four panels on one axis of time: volumes, rates,
drug effect, and a timeline of what lasted. Believed and actual differ by their dashes, critical and
non-critical alarms by height and text, so that a print in grey says the same. The colours are those
of Okabe and Ito, which colour-blind people can tell apart.
"""

import textwrap
from collections.abc import Sequence
from typing import Final

from pump_sim.notice import SIMULATOR_NOTICE, security_profile, unsafe_notices
from pump_sim.scenario.file.branches import way_text
from pump_sim.scenario.picture.characters import all_drawable
from pump_sim.scenario.picture.layout import NARROW, WIDE, Layout
from pump_sim.scenario.picture.panels import (
    BLACK,
    GREY,
    Ground,
    Spec,
    effect,
    hover,
    rates,
    rows,
    volumes,
)
from pump_sim.scenario.picture.placing import FONT_PX, moment_text, place_labels
from pump_sim.scenario.picture.sheet import Sheet
from pump_sim.scenario.picture.timeline import timeline

LANE_PX: Final = 15
TEXT_COLUMNS: Final = 165


_CONFIG: Final[Spec] = {
    "background": "white",
    "padding": 14,
    "config": {
        "font": "Liberation Sans, Arial, Helvetica, sans-serif",
        "view": {"stroke": "#9a9a9a"},
        "axis": {
            "labelFontSize": 11,
            "titleFontSize": 12,
            "titleFontWeight": "normal",
            "labelColor": BLACK,
            "titleColor": BLACK,
            "gridColor": "#e4e4e4",
            "domainColor": "#9a9a9a",
            "tickColor": "#9a9a9a",
        },
        "title": {
            "fontSize": 20,
            "subtitleFontSize": 12,
            "subtitleColor": "#333333",
            "subtitlePadding": 6,
            "color": BLACK,
        },
        "text": {"font": "Liberation Sans, Arial, Helvetica, sans-serif"},
    },
}


def specification(sheet: Sheet, *, interactive: bool = False) -> Spec:
    """One figure. An interactive one has tooltips, and shows the same moment in all panels.

    Its title is left to the page on which it stands.
    """
    return _whole(_figure(sheet, interactive), WIDE)


def specification_of_all(sheets: Sequence[Sheet]) -> Spec:
    """One figure below the other."""
    if len(sheets) == 1:
        return specification(sheets[0])
    figures = [_figure(each, interactive=False) for each in sheets]
    return _whole({"vconcat": figures, "spacing": 60}, WIDE)


def specification_for_paper(sheet: Sheet) -> Spec:
    """One figure for a page of paper, which says itself of what it is."""
    ground = Ground.of(sheet, NARROW)
    figure: Spec = {
        "data": {"values": list(rows(ground))},
        "vconcat": [*_panels(ground), timeline(ground)],
        "spacing": 14,
    }
    return {**_whole(figure, NARROW), "padding": 2}


def _whole(figure: Spec, layout: Layout) -> Spec:
    """A figure with how all its parts look; whatever texts it holds, it can be drawn."""
    extent = {"minExtent": layout.left_px, "maxExtent": layout.left_px}
    config = {**_CONFIG["config"], "axisY": extent}
    spec: Spec = all_drawable({**_CONFIG, "config": config, **figure})
    return spec


def _figure(sheet: Sheet, interactive: bool) -> Spec:
    ground = Ground.of(sheet, WIDE)
    panels = _panels(ground)
    figure: Spec = {
        "data": {"values": list(rows(ground))},
        "vconcat": [_banner(), *panels, timeline(ground)],
        "spacing": 14,
    }
    if not interactive:
        figure["title"] = _title(sheet)
    else:
        names = [f"moments-{index}" for index in range(3)]
        for name, panel in zip(names, panels[-3:], strict=True):
            panel["layer"].append({"name": name, **hover()})
        select = {"type": "point", "fields": ["t"], "on": "pointerover", "clear": "pointerout"}
        figure["params"] = [{"name": "moment", "select": select, "views": names}]
    return figure


def _panels(ground: Ground) -> list[Spec]:
    """All that stands above the timeline."""
    return [*_deeds(ground), volumes(ground), rates(ground), effect(ground)]


# --- Around the panels ---------------------------------------------------------------------------


def headings(sheet: Sheet) -> list[str]:
    """What stands below the title: the way that was taken, what was played, what was expected."""
    lines = []
    if sheet.branch:
        titles = f": {' / '.join(sheet.decided)}" if sheet.decided else ""
        lines.append(f"Branch {way_text(sheet.branch)}{titles}")
    pumps = " then ".join(sheet.serial_numbers)
    lines.append(
        f"Scenario {sheet.start.scenario}, {moment_text(sheet.length_ms)}; pump {pumps};"
        f" seed {sheet.start.seed}; pump-sim {sheet.start.version}"
    )
    guarded = sheet.start.security == security_profile(guarded=True)
    lines += unsafe_notices(guarded=guarded, historic=sheet.start.updates == "historic")
    if sheet.judged:
        count = len(sheet.judged)
        met = f"all {count} met" if not sheet.unmet else f"{len(sheet.unmet)} of {count} UNMET"
        lines.append(f"Expectations: {met}")
    if not sheet.complete:
        lines.append("INCOMPLETE: the trace was not written to its end")
    return lines


def _title(sheet: Sheet) -> Spec:
    subtitle = [wrapped for line in headings(sheet) for wrapped in _wrapped(line)]
    for each in sheet.unmet[:4]:
        told = f"Unmet, {moment_text(each.therapy_ms)}: {each.what}; {each.text}"
        subtitle += _wrapped(told)[:2]
    if len(sheet.unmet) > 4:
        subtitle.append(f"... and {len(sheet.unmet) - 4} more that are unmet")
    return {
        "text": textwrap.wrap(sheet.start.title, 90),
        "subtitle": subtitle,
        "anchor": "start",
        "frame": "bounds",
        "offset": 12,
    }


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, TEXT_COLUMNS, subsequent_indent="    ")


def _banner() -> Spec:
    box = {"type": "rect", "fill": "#fff7d6", "stroke": BLACK, "strokeWidth": 1, "aria": False}
    text = {"type": "text", "fontSize": 13, "fontWeight": "bold", "color": BLACK}
    return {
        "width": WIDE.plot_px,
        "height": 22,
        "data": {"values": [{}]},
        "view": {"stroke": None},
        "layer": [
            {"mark": {**box, "x": 0, "x2": WIDE.plot_px, "y": 0, "y2": 22}},
            {"mark": {**text, "text": SIMULATOR_NOTICE, "x": WIDE.plot_px / 2, "y": 11}},
        ],
    }


def _deeds(ground: Ground) -> list[Spec]:
    """The lanes with what hands and programmer did and what was decided, if anything."""
    sheet, layout = ground.sheet, ground.layout
    marks = [each for each in sheet.marks if each.who != "fault"]
    if not marks:
        return []
    placed = place_labels(
        [(each.at_ms / sheet.length_ms * layout.plot_px, each.label) for each in marks],
        -layout.left_px,
        layout.plot_px + layout.right_px,
    )
    lanes = 1 + max(each.lane for each in placed)
    height = lanes * LANE_PX + 4
    rows = [
        {
            "x": round(each.label.x_px, 2),
            "y": height - 4 - each.lane * LANE_PX - LANE_PX / 2,
            "text": each.label.text,
            "every": list(each.label.every),
            "left": each.leftwards,
        }
        for each in placed
    ]
    x: Spec = {"field": "x", "type": "quantitative", "axis": None,
               "scale": {"domain": [0, layout.plot_px], "nice": False}}  # fmt: skip
    y: Spec = {"field": "y", "type": "quantitative", "axis": None,
               "scale": {"domain": [0, height], "range": [0, height], "nice": False}}  # fmt: skip
    text = {"type": "text", "fontSize": FONT_PX, "baseline": "middle", "color": BLACK}
    return [
        {
            "width": layout.plot_px,
            "height": height,
            "data": {"values": rows},
            "view": {"stroke": None},
            "encoding": {"x": x, "y": y, "tooltip": {"field": "every", "title": "done"}},
            "layer": [
                {
                    "mark": {"type": "rule", "color": GREY, "aria": False},
                    "encoding": {"y2": {"value": height}},
                },
                {
                    "transform": [{"filter": "!datum.left"}],
                    "mark": {**text, "align": "left", "dx": 4},
                    "encoding": {"text": {"field": "text"}},
                },
                {
                    "transform": [{"filter": "datum.left"}],
                    "mark": {**text, "align": "right", "dx": -4},
                    "encoding": {"text": {"field": "text"}},
                },
            ],
        }
    ]
