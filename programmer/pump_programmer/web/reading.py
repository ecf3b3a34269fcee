"""What pages read of a pump: who it is, how it stands, its prescription, logs and note."""

from datetime import UTC, datetime
from typing import Final

from pump_programmer import sentences
from pump_programmer.cautions import Caution, Severity
from pump_programmer.facts import identity_facts
from pump_programmer.interrogation import interrogate as interrogate_pump
from pump_programmer.logs import access_text, link_text, log_text
from pump_programmer.phrases import moment
from pump_programmer.programmer import Programmer
from pump_programmer.report import Report, read_report
from pump_programmer.times import clock_text, difference_text, parse_clock
from pump_programmer.web.desk import Desk
from pump_programmer.web.ranges import form_view
from pump_programmer.web.shown import (
    caution_view,
    facts_view,
    prescription_view,
    status_view,
)
from pump_programmer.words import spaced
from pump_protocol import messages as m
from pump_protocol.jsonable import Json, fields_of, jsonable

LONGEST_PAGE: Final = 200

_FAR_MS: Final = 86_400_000
_FAR: Final = (
    "The two clocks are more than a day apart. This is a training pump: its time is that of the "
    "training, and its schedules, forecasts and the dates of its log move with its clock. Set it "
    "only if that is meant."
)


def identity(desk: Desk) -> dict[str, Json]:
    """Who answers, what it can do, and its limits."""
    found = desk.read(lambda programmer: programmer.identify())
    return {**fields_of(found), "shown": {"facts": facts_view(identity_facts(found))}}


def form(desk: Desk) -> dict[str, Json]:
    """The fields of the page, with what this pump allows."""
    return form_view(desk.read(lambda programmer: programmer.identify()))


def interrogate(desk: Desk) -> dict[str, Json]:
    """Everything that a clinician sees."""
    return status_view(desk.read(interrogate_pump))


def prescription(desk: Desk) -> dict[str, Json]:
    """The prescription in force, and the staged one."""

    def read(
        programmer: Programmer,
    ) -> tuple[m.PrescriptionReport, m.PrescriptionReport | None]:
        return programmer.read_prescription(), programmer.read_pending()

    return prescription_view(*desk.read(read))


def log(desk: Desk, before: int | None, limit: int) -> dict[str, Json]:
    """A page of the therapy log that ends before a record; by default the newest."""

    def read(programmer: Programmer) -> dict[str, Json]:
        status = programmer.interrogate()
        first, count, around = _page(status.therapy_log, before, limit)
        entries = list(programmer.read_log(first, count)) if count else []
        return {
            "range": fields_of(status.therapy_log),
            "entries": [
                {
                    **fields_of(each),
                    "text": log_text(each),
                    "clock": moment(status, each.at_ms),
                }
                for each in entries
            ],
            **around,
        }

    return desk.read(read)


def access_log(desk: Desk, before: int | None, limit: int) -> dict[str, Json]:
    """The same of the access log."""

    def read(programmer: Programmer) -> dict[str, Json]:
        status = programmer.interrogate()
        first, count, around = _page(status.access_log, before, limit)
        entries = list(programmer.read_access_log(first, count)) if count else []
        return {
            "range": fields_of(status.access_log),
            "entries": [
                {
                    **fields_of(each),
                    "text": access_text(each),
                    "first_clock": moment(status, each.first_at_ms),
                    "last_clock": moment(status, each.last_at_ms),
                    "link": link_text(each.link_id),
                }
                for each in entries
            ],
            **around,
        }

    return desk.read(read)


def _page(held: m.LogRange, before: int | None, limit: int) -> tuple[int, int, dict[str, Json]]:
    """First record and number of records of a page, and where the pages beside it end."""
    end = held.next_sequence if before is None else min(before, held.next_sequence)
    first = max(held.first_sequence, end - limit)
    newer = min(end + limit, held.next_sequence) if end < held.next_sequence else None
    older = first if first > held.first_sequence else None
    return first, max(0, end - first), {"older": older, "newer": newer}


def note(desk: Desk) -> dict[str, Json]:
    """The clinicians' note."""
    found = desk.read(lambda programmer: programmer.read_note())
    return {**fields_of(found), "shown": {"text": sentences.note(found)}}


def clock(desk: Desk) -> dict[str, Json]:
    """What the pump's clock shows, and what that of the programmer's computer shows."""
    status = desk.read(lambda programmer: programmer.interrogate())
    now_ms = parse_clock("now", datetime.now(tz=UTC).astimezone())
    clock_ms = status.clock_ms
    facts = [
        ("The pump's clock", clock_text(clock_ms)),
        ("The programmer's computer", clock_text(now_ms)),
        ("The pump's clock is", difference_text(clock_ms, now_ms)),
    ]
    far = abs(now_ms - clock_ms) > _FAR_MS
    return {
        "clock_ms": clock_ms,
        "at_ms": status.at_ms,
        "computer_clock_ms": now_ms,
        "shown": {
            "text": sentences.clock_shows(status),
            "facts": facts_view(facts),
            "warnings": [caution_view(Caution(_FAR, "derived: the two clocks", Severity.WARNING))]
            if far
            else [],
        },
    }


def self_test(desk: Desk) -> dict[str, Json]:
    """The pump checks itself."""
    found = desk.read(lambda programmer: programmer.self_test())
    results = [
        f"{spaced(each.check).capitalize()}: {'passed' if each.passed else 'FAILED'}"
        for each in found.results
    ]
    passed = all(each.passed for each in found.results)
    return {**fields_of(found), "passed": passed, "shown": {"text": ". ".join(results) + "."}}


def report(desk: Desk, days: int) -> Report:
    """Everything of a session."""
    now = datetime.now(tz=UTC).astimezone()
    printed_ms = parse_clock("now", now)
    return desk.read(
        lambda programmer: read_report(programmer, printed_clock_ms=printed_ms, log_days=days)
    )


def report_view(found: Report) -> dict[str, Json]:
    """A report, as ``--json`` tells it."""
    return {**fields_of(found), "warnings": jsonable(found.warnings)}
