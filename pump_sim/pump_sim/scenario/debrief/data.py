"""A debrief for programs: as JSON in a documented, versioned format, and as CSV of its timeline.

docs/reference/debrief.md is for people who read either.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any, Final

from pump_sim.narration import clock_text
from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.scenario.debrief.facts import Facts
from pump_sim.scenario.debrief.take import Take
from pump_sim.scenario.picture.characters import drawable
from pump_sim.scenario.picture.figures import Reading, figures
from pump_sim.scenario.picture.placing import moment_text
from pump_sim.scenario.picture.sheet import Sheet, Span
from pump_sim.scenario.tracing.trace_lines import LookLine
from pump_sim.texts import cell

FORMAT: Final = "pump-sim-debrief"
FORMAT_VERSION: Final = 1

COLUMNS: Final = (
    "take",
    "scenario",
    "title",
    "elapsed_ms",
    "elapsed",
    "clock",
    "kind",
    "who",
    "what",
    "severity",
)
"""The columns of the CSV; a row is an event."""


def as_json(takes: Sequence[Take]) -> bytes:
    """The whole debrief."""
    told = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "simulator": True,
        "notice": SIMULATOR_NOTICE,
        "takes": [_take(each) for each in takes],
    }
    return (json.dumps(told, indent=2, allow_nan=False) + "\n").encode("ascii")


def as_csv(takes: Sequence[Take]) -> bytes:
    """The timelines of all takes, one below the other, in UTF-8 with a row of headings."""
    text = StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for take in takes:
        start = take.sheet.start
        for each in take.events:
            clock_ms = each.clock_local_ms
            row = (
                take.number,
                start.scenario,
                start.title,
                each.elapsed_ms,
                moment_text(each.elapsed_ms),
                "" if clock_ms is None else clock_text(clock_ms),
                each.kind,
                each.who,
                each.what,
                each.severity,
            )
            rows.writerow([cell(drawable(each)) if isinstance(each, str) else each for each in row])
    return text.getvalue().encode()


def _take(take: Take) -> dict[str, Any]:
    sheet = take.sheet
    start = sheet.start
    return {
        "take": take.number,
        "scenario": start.scenario,
        "title": start.title,
        "branch": list(sheet.branch),
        "decided": list(sheet.decided),
        "serial_numbers": list(sheet.serial_numbers),
        "security": start.security,
        "updates": start.updates,
        "seed": start.seed,
        "pump_sim_version": start.version,
        "length_ms": start.length_ms,
        "played_ms": take.facts.played_ms,
        "complete": sheet.complete,
        "begins_local_ms": take.begins_local_ms,
        "ends_local_ms": take.ends_local_ms,
        "summary": list(take.summary),
        "facts": _facts(take.facts),
        "expectations": [
            {
                "line": each.line,
                "elapsed_ms": each.therapy_ms,
                "expected": each.what,
                "met": each.met,
                "happened": each.text,
            }
            for each in sheet.judged
        ],
        "figures": dict(_figures(sheet)),
        "spans": [_span(each) for each in sheet.spans],
        "events": [asdict(each) for each in take.events],
        "end": _stand(take.facts.last),
    }


def _facts(facts: Facts) -> dict[str, Any]:
    reaction = facts.reaction
    return {
        "first_alarm": None if facts.first_alarm is None else _span(facts.first_alarm),
        "reaction": None if reaction is None else asdict(reaction),
        "ended_by": None if facts.ended_by is None else asdict(facts.ended_by),
        "reaction_ms": facts.reaction_ms,
        "stops": [asdict(each) for each in facts.stops],
        "stopped_ms": facts.stopped_ms,
        "worst": [_span(each) for each in facts.worst],
        "widest_gap": None if facts.gap is None else asdict(facts.gap),
        "doses": asdict(facts.doses),
    }


def _span(span: Span) -> dict[str, Any]:
    """A span as it is; null where it did not end."""
    return {
        "kind": span.kind.name.lower(),
        "name": span.name,
        "from_ms": span.from_ms,
        "until_ms": span.until_ms if span.ends else None,
    }


def _figures(sheet: Sheet) -> Iterator[tuple[str, dict[str, Any]]]:
    for each in figures(sheet.looks):
        told = {
            "first": each.first,
            "lowest": each.lowest,
            "highest": each.highest,
            "last": each.last,
        }
        yield each.key, {name: _reading(reading) for name, reading in told.items()}


def _reading(reading: Reading) -> dict[str, int]:
    return {"value": reading.value, "elapsed_ms": reading.at_ms}


def _stand(look: LookLine | None) -> dict[str, Any] | None:
    """How everything stood at last: what was believed, and what was true."""
    if look is None:
        return None
    return {
        "elapsed_ms": look.therapy_ms,
        "clock_local_ms": look.clock_local_ms,
        "serial_number": look.serial_number,
        "implanted": look.implanted,
        "mode": look.mode,
        "prescribed_dose_ng": look.prescribed_dose_ng,
        "believed_volume_nl": look.believed_volume_nl,
        "actual_volume_nl": look.actual_volume_nl,
        "believed_rate_nl_per_day": look.believed_rate_nl_per_day,
        "actual_rate_nl_per_day": look.actual_rate_nl_per_day,
        "effect_ppm": look.effect_ppm,
        "flags": list(look.flags),
        "active_alarms": list(look.active_alarms),
        "battery_remaining_ppm": look.battery_remaining_ppm,
    }
