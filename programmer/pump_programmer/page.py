"""A report as one self-contained HTML page: no script, no network, whatever a pump's texts hold.

It draws nothing: the charts come as SVG.
"""

from collections.abc import Iterable
from html import escape
from string import Template
from typing import Final

from pump_programmer.cautions import Caution
from pump_programmer.charts import Chart
from pump_programmer.report import Report
from pump_programmer.sections import Section, sections
from pump_programmer.times import clock_text
from pump_programmer.words import UNSAFE, is_unsafe
from pump_protocol._version import __version__

_STYLE: Final = """\
:root { color-scheme: light dark; --text: #1b1f24; --soft: #57606a; --paper: #ffffff;
  --card: #f6f8fa; --edge: #d0d7de; --alert: #a40e26; --alert-ground: #fff0ee; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --soft: #9aa4af; --paper: #0d1117;
  --card: #161b22; --edge: #30363d; --alert: #ff8f85; --alert-ground: #2d1517; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--text);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.banner { position: sticky; top: 0; z-index: 1; padding: .45rem 1rem; text-align: center;
  background: #ffd33d; color: #000; font-weight: 700; letter-spacing: .02em; }
main { max-width: 980px; margin: 0 auto; padding: 1.2rem 1.2rem 2rem; }
h1 { margin: 0; font-size: 1.7rem; }
h2 { margin: 0 0 .6rem; font-size: 1.02rem; }
.who { margin: .15rem 0 1.1rem; color: var(--soft); }
.warnings { margin: 0 0 1rem; padding: .7rem 1rem; border: 1px solid var(--alert);
  border-left-width: 5px; border-radius: 6px; background: var(--alert-ground); }
.warnings h2 { color: var(--alert); }
.warnings ul { margin: 0; padding-left: 1.1rem; }
.warnings li + li { margin-top: .3rem; }
.source { color: var(--soft); font-size: .88em; }
.cards { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; }
section, figure { margin: 0; padding: .9rem 1rem; border: 1px solid var(--edge);
  border-radius: 6px; background: var(--card); break-inside: avoid; }
section.wide, figure { grid-column: 1 / -1; }
section.long { break-inside: auto; }
dl { display: grid; grid-template-columns: minmax(8.5rem, 34%) 1fr; gap: .22rem .8rem; margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 .4rem; white-space: pre-line; overflow-wrap: anywhere; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { margin-top: .5rem; color: var(--soft); font-size: .9em; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: .22rem .7rem .22rem 0; border-bottom: 1px solid var(--edge);
  vertical-align: top; overflow-wrap: anywhere; }
td:nth-child(2), th:nth-child(1) { white-space: nowrap; }
tr { break-inside: avoid; }
thead { display: table-header-group; }
footer { margin-top: 1.2rem; color: var(--soft); font-size: .88em; }
@media screen and (max-width: 700px) { .cards { grid-template-columns: minmax(0, 1fr); } }
@page { size: A4; margin: 14mm; }
@media print {
  :root { color-scheme: light; --text: #000; --soft: #444; --paper: #fff; --card: #fff;
    --edge: #bbb; --alert: #a40e26; --alert-ground: #fff; }
  body { font-size: 10pt; }
  .banner { position: static; border: 2px solid #000; background: #fff; }
  main { max-width: none; padding: .6rem 0 0; }
  .cards { gap: .6rem; }
}
"""

_PAGE: Final = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<div class="banner">SIMULATOR - never for clinical use$unsafe</div>
<main>
<h1>Pump report</h1>
<p class="who">$who</p>
$warnings<div class="cards">
$cards
</div>
<footer>$footer</footer>
</main>
</body>
</html>
""")


def html_page(report: Report, drawn: Iterable[tuple[Chart, str]]) -> str:
    """The whole page.

    :param drawn: each chart with its SVG, which is empty where there is nothing to draw.
    """
    first, *others = sections(report)
    figures = [_figure(chart, svg) for chart, svg in drawn]
    cards = [_section(first), _section(others[0]), *figures, *map(_section, others[1:])]
    pump = report.identity
    who = f"{pump.model}, serial number {pump.serial_number}"
    when = clock_text(report.status.clock_ms)
    return _PAGE.substitute(
        unsafe=f"<br>{UNSAFE}" if is_unsafe(pump) else "",
        title=escape(f"Pump report: {who}, {when}"),
        style=_STYLE,
        who=escape(f"{who}. Pump clock {when}"),
        warnings=_warnings(report.warnings),
        cards="\n".join(cards),
        footer=escape(
            f"Printed {clock_text(report.printed_clock_ms)} by pump-programmer {__version__}. "
            "Volumes are what the pump believes: it measures none. Dates are those of its own "
            "clock, and forecasts if nothing changes."
        ),
    )


def _warnings(warnings: tuple[Caution, ...]) -> str:
    if not warnings:
        return ""
    items = "\n".join(
        f'<li>{escape(each.text)} <span class="source">[{escape(each.source)}]</span></li>'
        for each in warnings
    )
    return f'<div class="warnings" role="note">\n<h2>Warnings</h2>\n<ul>\n{items}\n</ul>\n</div>\n'


def _section(section: Section) -> str:
    kinds = ("wide" if section.wide else "", "long" if section.rows else "")
    kind = f' class="{" ".join(filter(None, kinds))}"' if any(kinds) else ""
    parts = [f"<section{kind}>", f"<h2>{escape(section.title)}</h2>"]
    if section.facts:
        rows = "\n".join(
            f"<dt>{escape(label)}</dt><dd>{escape(text)}</dd>" for label, text in section.facts
        )
        parts.append(f"<dl>\n{rows}\n</dl>")
    parts += [f"<p>{escape(text)}</p>" for text in section.sentences]
    if section.rows:
        parts.append(_table(section))
    return "\n".join([*parts, "</section>"])


def _table(section: Section) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in section.headings)
    rows = "\n".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows
    )
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )


def _figure(chart: Chart, svg: str) -> str:
    return (
        f"<figure>\n<h2>{escape(chart.title)}</h2>\n{svg}\n"
        f"<figcaption>{escape(chart.caption)}</figcaption>\n</figure>"
    )
