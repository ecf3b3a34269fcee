"""A page of HTML around figures that a browser draws: one file that loads nothing from anywhere.

All that a figure shows is there in words and tables, too, for those who do not see it.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.scenario.file.branches import way_text
from pump_sim.scenario.picture.figures import figures
from pump_sim.scenario.picture.markup import safe, table
from pump_sim.scenario.picture.panels import Spec
from pump_sim.scenario.picture.placing import moment_text
from pump_sim.scenario.picture.sheet import Sheet
from pump_sim.scenario.picture.specification import headings
from pump_sim.scenario.tracing.trace_lines import ExpectationLine, LookLine

_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline';"
    " img-src data:"
)
"""The browser itself refuses to load anything. Vega makes its expressions into functions."""

_STYLE: Final = """
body { font: 15px/1.45 "Liberation Sans", Arial, Helvetica, sans-serif; color: #000;
  background: #fff; margin: 0 auto; padding: 16px; max-width: 1280px; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 20px; margin: 32px 0 4px; border-top: 2px solid #000; padding-top: 16px; }
p { margin: 4px 0; }
.notice { font-weight: bold; border: 2px solid #000; background: #fff7d6; padding: 6px 12px;
  margin: 8px 0; display: inline-block; }
figure { margin: 8px 0; }
figcaption { color: #333; }
figure svg { max-width: 100%; height: auto; }
main table { border-collapse: collapse; margin: 4px 0 12px; width: 100%; }
main caption { text-align: left; font-weight: bold; padding: 12px 0 4px; }
main th, main td { border: 1px solid #9a9a9a; padding: 3px 8px; text-align: left;
  vertical-align: top; }
main th { background: #eee; }
a { color: #00558a; }
@media print {
  @page { margin: 12mm; }
  body { max-width: none; padding: 0; font-size: 11px; }
  section + section { break-before: page; }
  figure, tr { break-inside: avoid; }
}
"""

_DRAW: Final = """
for (const place of document.querySelectorAll("[data-figure]")) {
  const spec = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  vegaEmbed(place, spec, {mode: "vega-lite", renderer: "svg", actions: false}).catch((error) => {
    place.textContent = "The figure cannot be drawn here: " + error.message;
  });
}
"""


def page(sheets: Sequence[Sheet], specs: Sequence[Spec], library: str) -> str:
    """The page. *library* is the JavaScript that draws the figures, one for each sheet."""
    titles = list(dict.fromkeys(each.start.title for each in sheets))
    title = titles[0] if len(titles) == 1 else f"{len(titles)} scenarios"
    sections = (
        _section(number, sheet, alone=len(sheets) == 1, one_title=len(titles) == 1)
        for number, sheet in enumerate(sheets, 1)
    )
    scripts = (
        f'<script type="application/json" id="figure-{number}">{_json(figure)}</script>'
        for number, figure in enumerate(specs, 1)
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{safe(title)} - pump-sim</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<header>",
            f"<h1>{safe(title)}</h1>",
            f'<p class="notice" role="note">{SIMULATOR_NOTICE}</p>',
            *_contents(sheets, one_title=len(titles) == 1),
            "</header>",
            "<main>",
            *sections,
            "</main>",
            f"<script>{library}</script>",
            *scripts,
            f"<script>{_DRAW}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _json(figure: Spec) -> str:
    """A figure as a text that cannot end the element in which it stands."""
    return json.dumps(figure, separators=(",", ":")).replace("<", "\\u003c")


def _name(sheet: Sheet, *, one_title: bool) -> str:
    """What tells a play from the others on the page."""
    way = " / ".join(sheet.decided) or way_text(sheet.branch)
    return way if one_title else f"{sheet.start.title}: {way}"


def _contents(sheets: Sequence[Sheet], *, one_title: bool) -> list[str]:
    if len(sheets) == 1:
        return []
    links = [
        f'<li><a href="#play-{number}">{safe(_name(sheet, one_title=one_title))}</a>'
        f"{' - UNMET expectations' if sheet.unmet else ''}</li>"
        for number, sheet in enumerate(sheets, 1)
    ]
    return ['<nav aria-label="Plays"><ol>', *links, "</ol></nav>"]


def _section(number: int, sheet: Sheet, *, alone: bool, one_title: bool) -> str:
    lines = headings(sheet)
    heading = [] if alone else [f"<h2>{safe(_name(sheet, one_title=one_title))}</h2>"]
    return "\n".join(
        [
            f'<section id="play-{number}">',
            *heading,
            *(f"<p>{safe(each)}</p>" for each in lines),
            *_unmet(sheet),
            "<figure>",
            (
                f'<div role="img" aria-label="{safe(_in_words(sheet))}"'
                f' data-figure="figure-{number}"></div>'
            ),
            (
                "<figcaption>The patient is made up: a teaching aid, no predictor. The tables below"
                " tell the same in words.</figcaption>"
            ),
            "<noscript><p>The figure needs JavaScript, which is part of this file.</p></noscript>",
            "</figure>",
            _figures(sheet.looks),
            _lasted(sheet),
            _course(sheet),
            _met(sheet),
            "</section>",
        ]
    )


def _in_words(sheet: Sheet) -> str:
    names = ", ".join(dict.fromkeys(each.name for each in sheet.spans)) or "nothing"
    return (
        f"Four panels over {moment_text(sheet.length_ms)}: volume, rate, drug effect, and a"
        f" timeline of {names}. The tables below have the figures."
    )


# --- Tables --------------------------------------------------------------------------------------


def _unmet(sheet: Sheet) -> list[str]:
    if not sheet.unmet:
        return []
    return [_expectations("Unmet expectations", sheet.unmet)]


def _met(sheet: Sheet) -> str:
    return _expectations("Expectations that were met", [each for each in sheet.judged if each.met])


def _expectations(caption: str, judged: Iterable[ExpectationLine]) -> str:
    """In order of the moments that decided; a trace has them in the order of the file."""
    rows = [
        (moment_text(each.therapy_ms), each.what, each.text, _line(each.line))
        for each in sorted(judged, key=lambda each: each.therapy_ms)
    ]
    return table(caption, ("Time", "Expected", "Happened", "Line of the file"), rows)


def _line(number: int | None) -> str:
    return "" if number is None else str(number)


def _lasted(sheet: Sheet) -> str:
    rows = [
        (
            each.name,
            each.kind.value + (f", {each.count} frames" if each.count > 1 else ""),
            moment_text(each.from_ms),
            moment_text(each.until_ms) if each.ends else "still so at the end",
        )
        for each in sheet.spans
    ]
    return table("Alarms, patient and faults", ("What", "Kind", "From", "Until"), rows)


def _course(sheet: Sheet) -> str:
    """What was done, decided and told, in order of time."""
    told = [(each.at_ms, each.who, each.text) for each in sheet.marks]
    told += [(each.therapy_ms, "narrator", each.text) for each in sheet.said]
    told.sort(key=lambda each: each[0])
    rows = [(moment_text(at_ms), who, text) for at_ms, who, text in told]
    return table("What was done and told", ("Time", "Who", "What"), rows)


def _figures(looks: Sequence[LookLine]) -> str:
    """Where each value began, its extremes, and where it ended."""
    rows = (
        (
            each.name,
            each.text(each.first.value),
            f"{each.text(each.lowest.value)} at {moment_text(each.lowest.at_ms)}",
            f"{each.text(each.highest.value)} at {moment_text(each.highest.at_ms)}",
            each.text(each.last.value),
        )
        for each in figures(looks)
    )
    return table("Figures", ("Value", "At the start", "Lowest", "Highest", "At the end"), rows)
