"""A debrief as one page of HTML: it runs nothing, loads nothing, and can be handed out on paper.

All that a figure shows is there in words and tables, too, for those who do not see it.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from typing import Final

from pump_sim.model.hardware.patient import TEACHING_NOTICE
from pump_sim.narration import clock_text
from pump_sim.notice import SIMULATOR_NOTICE, security_profile, unsafe_notices
from pump_sim.scenario.debrief.course import Event
from pump_sim.scenario.debrief.facts import Facts
from pump_sim.scenario.debrief.style import STYLE
from pump_sim.scenario.debrief.take import Take
from pump_sim.scenario.debrief.telling import at, lasting, volume
from pump_sim.scenario.file.branches import way_text
from pump_sim.scenario.picture.figures import figures, percent
from pump_sim.scenario.picture.markup import safe, table
from pump_sim.scenario.picture.placing import moment_text
from pump_sim.scenario.picture.sheet import PRACTICE, Sheet
from pump_sim.scenario.tracing.trace_lines import LookLine
from pump_sim.texts import spaced

_FILLED_IN_BY_HAND: Final = ("Date", "Instructor", "Participants")
_BLANKS: Final = "".join(
    ['<p class="blanks">', *(f"<span>{each}</span>" for each in _FILLED_IN_BY_HAND), "</p>"]
)

_CAPTION: Final = (
    "Broad line: what was true. Dashed line: what the pump believed. The tables tell the same in"
    " words."
)

MOST_EVENTS: Final = 600
"""Rows of a timeline on a page; of a longer one the middle is left to the CSV."""

MOST_TITLES: Final = 3
"""What was played is named in the title up to so many."""

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src"
    f" 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'"
)
"""The browser itself refuses to load or run anything; it takes this page's own style and no other.
"""


def page(takes: Sequence[Take], drawn: Sequence[str | None]) -> str:
    """The page.

    :param drawn: the figure of each take as SVG, None where there is none.
    """
    titles = list(dict.fromkeys(each.sheet.start.title for each in takes))
    title = _joined(titles) if len(titles) <= MOST_TITLES else f"{len(titles)} sessions"
    one_title = len(titles) == 1
    sections = (
        _section(take, figure, alone=len(takes) == 1, one_title=one_title)
        for take, figure in zip(takes, drawn, strict=True)
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Debrief: {safe(title)}</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<header>",
            f'<p class="notice" role="note">{SIMULATOR_NOTICE}</p>',
            f"<h1>Debrief: {safe(title)}</h1>",
            f'<p class="about">{safe(_about(takes))}</p>',
            _BLANKS,
            "</header>",
            "<main>",
            *_compared(takes, one_title=one_title),
            *sections,
            "</main>",
            "<footer>",
            f"<p>{safe(TEACHING_NOTICE.replace(' (P52)', ''))}</p>",
            f"<p>Made from a trace by pump-sim {safe(takes[0].sheet.start.version)}.</p>",
            "</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _about(takes: Sequence[Take]) -> str:
    count = "One take" if len(takes) == 1 else f"{len(takes)} takes"
    pumps = dict.fromkeys(number for each in takes for number in each.sheet.serial_numbers)
    names = list(pumps)
    told = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"{count} of a training session with {'pump' if len(names) == 1 else 'pumps'} {told}"


def _joined(names: Sequence[str]) -> str:
    """Names in a sentence: ``A, B and C``."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _name(take: Take, *, one_title: bool) -> str:
    title = take.sheet.start.title
    if not take.name:
        return title
    return take.name if one_title else f"{title}: {take.name}"


# --- Several takes side by side ------------------------------------------------------------------


def _compared(takes: Sequence[Take], *, one_title: bool) -> list[str]:
    if len(takes) == 1:
        return []
    heads = (
        "Take",
        "Lasted",
        "First alarm at",
        "Somebody reacted",
        "Flow stopped for",
        "Worst state of the patient",
        "Lowest and highest effect",
    )
    rows = [
        f'<tr><th scope="row"><a href="#take-{each.number}">{each.number}.'
        f" {safe(_name(each, one_title=one_title))}</a></th>"
        + "".join(f"<td>{safe(cell)}</td>" for cell in _compared_cells(each))
        + "</tr>"
        for each in takes
    ]
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    return [
        '<section class="compared">',
        f"<table><caption>The takes compared</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>",
        *rows,
        "</tbody></table>",
        "</section>",
    ]


def _compared_cells(take: Take) -> Iterator[str]:
    facts = take.facts
    yield lasting(facts.played_ms)
    alarm = facts.first_alarm
    yield "none" if alarm is None else f"{moment_text(alarm.from_ms)}: {alarm.name}"
    yield _reacted(facts)
    yield _stopped(facts)
    yield _worst(facts)
    effect = next((each for each in figures(take.sheet.looks) if each.key == "effect_ppm"), None)
    if effect is None:
        yield "not judged"
    else:
        yield f"{percent(effect.lowest.value)} to {percent(effect.highest.value)}"


def _reacted(facts: Facts) -> str:
    if facts.first_alarm is None:
        return "-"
    if facts.ended_by is not None:
        return "no: the instructor ended it"
    if facts.reaction_ms is None:
        return "not seen"
    return f"{lasting(facts.reaction_ms)} later" if facts.reaction_ms else "at once"


def _stopped(facts: Facts) -> str:
    if facts.stops:
        return lasting(facts.stopped_ms)
    return "not known: there was no pump in the body" if facts.no_pump else "it never stopped"


def _worst(facts: Facts) -> str:
    return ", ".join(dict.fromkeys(each.name for each in facts.worst)) or "as usual"


# --- One take ------------------------------------------------------------------------------------


def _section(take: Take, figure: str | None, *, alone: bool, one_title: bool) -> str:
    sheet = take.sheet
    heading = (
        "What happened" if alone else f"Take {take.number}: {_name(take, one_title=one_title)}"
    )
    guarded = sheet.start.security == security_profile(guarded=True)
    unsafe = unsafe_notices(guarded=guarded, historic=sheet.start.updates == "historic")
    story = "\n".join(f"<li>{safe(each)}</li>" for each in take.summary)
    return "\n".join(
        [
            f'<section class="take" id="take-{take.number}">',
            f"<h2>{safe(heading)}</h2>",
            f'<p class="about">{safe(_of_what(take))}</p>',
            *(f'<p class="unsafe">{safe(each)}</p>' for each in unsafe),
            *_warning(sheet),
            _glance(take),
            f'<ul class="story">\n{story}\n</ul>',
            *_figure(take, figure),
            *_ends(sheet),
            _figures(sheet.looks),
            _timeline(take),
            *_appendix(sheet),
            "</section>",
        ]
    )


def _glance(take: Take) -> str:
    """What those who took part want to know first."""
    facts = take.facts
    alarm = facts.first_alarm
    decided = take.sheet.decided
    rows = [
        *([("Decided", " / ".join(decided))] if decided else []),
        ("First alarm", "none" if alarm is None else f"{alarm.name}, {at(alarm.from_ms)}"),
        *([] if alarm is None else [("Somebody reacted", _reacted(facts))]),
        ("Time without flow", _stopped(facts)),
        ("Worst state of the patient", _worst(facts)),
    ]
    told = "".join(f"<div><dt>{name}</dt><dd>{safe(text)}</dd></div>" for name, text in rows)
    return f'<dl class="glance">{told}</dl>'


def _of_what(take: Take) -> str:
    sheet = take.sheet
    parts = [f"Pump {' then '.join(sheet.serial_numbers)}"]
    if not sheet.complete:
        parts.append("the trace was not written to its end")
    return "; ".join(parts)


# --- What is of the simulation, and no business of those who took part ---------------------------


def _checked(sheet: Sheet) -> str:
    """Whether the simulation did what the author of the scenario wants of it."""
    count, unmet = len(sheet.judged), len(sheet.unmet)
    if not unmet:
        return f"The simulation ran as its author expects: {count} of {count} checks."
    were = "was" if unmet == 1 else "were"
    return (
        "The simulation did not run as its author expects:"
        f" {unmet} of {count} checks {were} not met."
    )


def _warning(sheet: Sheet) -> list[str]:
    if not sheet.unmet:
        return []
    then = "The end of this take says which. It may not show what it is meant to show."
    return [f'<p class="note"><strong>{_checked(sheet)}</strong> {then}</p>']


def _appendix(sheet: Sheet) -> list[str]:
    """Checks in order of the moments that decided; a trace has them in the order of the file."""
    start = sheet.start
    parts = [f"Scenario {start.scenario}"] if start.scenario != PRACTICE else []
    if sheet.branch:
        parts.append(way_text(sheet.branch))
    parts += [f"seed {start.seed}", f"pump-sim {start.version}"]
    codes = f'<p class="about">{safe("; ".join(parts))}</p>'
    if not sheet.judged:
        return ['<section class="appendix">', codes, "</section>"]
    rows = [
        ("met" if each.met else "NOT MET", moment_text(each.therapy_ms), each.what, each.text)
        for each in sorted(sheet.judged, key=lambda each: (each.met, each.therapy_ms))
    ]
    return [
        '<section class="appendix">',
        "<h3>Checks of the simulation</h3>",
        f"<p>{_checked(sheet)}</p>",
        "<p>They test the simulator. They are no marks for those who took part.</p>",
        table("What its author expects", ("Check", "Time", "Expected", "Happened"), rows),
        codes,
        "</section>",
    ]


def _figure(take: Take, figure: str | None) -> list[str]:
    if figure is None:
        return ["<p>There is no figure: nobody looked at the pump at two moments.</p>"]
    names = ", ".join(dict.fromkeys(each.name for each in take.sheet.spans)) or "nothing"
    label = (
        f"Four panels over {lasting(take.facts.played_ms)}: volume, rate, drug effect, and a"
        f" timeline of {names}. The tables have the figures."
    )
    # The label tells of the whole; the drawing library marks parts as pictures without a name.
    silent = figure.replace("<svg ", '<svg aria-hidden="true" ', 1)
    return [
        "<figure>",
        f'<div role="img" aria-label="{safe(label)}">{silent}</div>',
        f"<figcaption>{_CAPTION}</figcaption>",
        "</figure>",
    ]


# --- Tables --------------------------------------------------------------------------------------


def _ends(sheet: Sheet) -> list[str]:
    """What the pump believed, against what was true."""
    if not sheet.looks:
        return []
    last = sheet.looks[-1]
    rows = [
        (
            "Reservoir",
            volume(last.believed_volume_nl),
            volume(last.actual_volume_nl),
            _difference(last.believed_volume_nl - last.actual_volume_nl, ""),
        ),
        (
            "Rate of infusion",
            f"{volume(last.believed_rate_nl_per_day)}/day",
            f"{volume(last.actual_rate_nl_per_day)}/day",
            _difference(last.believed_rate_nl_per_day - last.actual_rate_nl_per_day, "/day"),
        ),
        ("Mode", spaced(last.mode), "in the body" if last.implanted else "out of the body", ""),
        (
            "Alarms, and the patient",
            ", ".join(map(spaced, last.active_alarms)) or "no alarm",
            ", ".join(map(spaced, last.flags)) or "as usual",
            "",
        ),
    ]
    heads = ("At the end", "The pump believed", "True", "Believed too much or too little")
    return [table("Belief and truth", heads, rows)]


def _difference(off_nl: int, per: str) -> str:
    if not off_nl:
        return "none"
    return f"{volume(abs(off_nl))}{per} too {'much' if off_nl > 0 else 'little'}"


def _figures(looks: Sequence[LookLine]) -> str:
    """Where each value began, its extremes, and where it ended."""
    rows = (
        (
            each.name,
            text(each.first.value),
            f"{text(each.lowest.value)} {at(each.lowest.at_ms)}",
            f"{text(each.highest.value)} {at(each.highest.at_ms)}",
            text(each.last.value),
        )
        for each in figures(looks)
        for text in (_text_of(each.key),)
    )
    heads = ("Value", "At the start", "Lowest", "Highest", "At the end")
    return table("Key figures", heads, rows)


def _text_of(key: str) -> Callable[[int], str]:
    if key.endswith("_nl"):
        return volume
    return percent if key == "effect_ppm" else lambda value: f"{volume(value)}/day"


_KINDS: Final = {
    "said": "told",
    "choice": "decision",
    "patient": "patient",
    "access": "programmer",
    "link": "wire",
}
"""What a row is called where the kind's own name is no word for people."""


def _timeline(take: Take) -> str:
    """Everything that matters, in order."""
    events = take.events
    if not events:
        return "<p>Nothing happened that is worth a line.</p>"
    with_clock = take.begins_local_ms is not None
    heads = ["Time", *(["Pump's clock"] if with_clock else []), "About", "Who", "What"]
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    left_out = max(0, len(events) - MOST_EVENTS)
    half = MOST_EVENTS // 2
    shown = [*events[:half], *events[-half:]] if left_out else [*events]
    rows = [_row(each, with_clock=with_clock) for each in shown]
    if left_out:
        told = f"{left_out} more are left out here; the CSV and the JSON have them all."
        rows.insert(half, f'<tr><td colspan="{len(heads)}">{told}</td></tr>')
    return "\n".join(
        [
            f"<table><caption>Timeline</caption>\n<thead><tr>{head}</tr></thead>",
            "<tbody>",
            *rows,
            "</tbody></table>",
        ]
    )


def _row(event: Event, *, with_clock: bool) -> str:
    clock = ""
    if with_clock:
        shown = "" if event.clock_local_ms is None else clock_text(event.clock_local_ms)
        clock = f'<td class="clock">{safe(shown)}</td>'
    return (
        f'<tr class="{event.kind} {event.severity}">'
        f'<th scope="row" class="time">{safe(moment_text(event.elapsed_ms))}</th>{clock}'
        f'<td class="kind">{safe(_KINDS.get(event.kind, event.kind))}</td>'
        f'<td class="who">{safe(event.who)}</td><td class="what">{safe(event.what)}</td></tr>'
    )
