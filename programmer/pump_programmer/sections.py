"""A report in sections, the same on a screen and on a page; pure."""

from dataclasses import dataclass

from pump_programmer import facts
from pump_programmer.facts import Facts
from pump_programmer.logs import log_text
from pump_programmer.phrases import alarm_line, log_range, moment, when
from pump_programmer.report import Report
from pump_programmer.times import clock_text, distance_text
from pump_protocol import units

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: facts, then sentences, then a table, each of which may be empty.

    A ``wide`` one has the whole width of a page for itself.
    """

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    sentences: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: Rows = ()
    wide: bool = False


def sections(report: Report) -> tuple[Section, ...]:
    """Everything that a report says but its warnings, which stand apart."""
    status = report.status
    return (
        Section("Session", tuple(_session(report))),
        Section("Prescription in force", tuple(facts.prescription_facts(report.current))),
        Section("Infusion", tuple(facts.infusion_facts(status))),
        Section("Reservoir and refill", tuple(facts.reservoir_facts(status))),
        _alarms(report),
        Section("Battery and service", tuple(facts.service_facts(status))),
        Section("Note", sentences=(_note(report),), wide=True),
        _log(report),
    )


def _session(report: Report) -> Facts:
    pump, status = report.identity, report.status
    age = distance_text(0, status.at_ms).removeprefix("in ")
    return [
        ("Product", pump.product),
        ("Model", pump.model),
        ("Serial number", pump.serial_number),
        ("Firmware", pump.firmware_version),
        ("Capacity", units.format_volume(pump.reservoir_capacity_nl)),
        ("Pump clock", clock_text(status.clock_ms)),
        ("In service since", f"{moment(status, 0)} ({age})"),
        ("Printed at", f"{clock_text(report.printed_clock_ms)}, by the clock of this computer"),
    ]


def _alarms(report: Report) -> Section:
    status = report.status
    lines = [alarm_line(status, record) for record in status.alarms]
    if lines and status.next_tone_at_ms is not None:
        lines.append(f"Next tone: {when(status, status.next_tone_at_ms)}")
    return Section("Alarms", sentences=tuple(lines) or ("No alarms.",))


def _note(report: Report) -> str:
    if not report.note.intact:
        return "The memory of the note has failed: write it anew."
    return report.note.text or "There is no note."


def _log(report: Report) -> Section:
    status = report.status
    title = f"Therapy log since {moment(status, report.log_since_ms)}"
    held = f"The log holds {log_range(status.therapy_log)}."
    if not report.log_is_whole:
        held += " The first of that time are among those that are lost."
    rows = tuple(
        (
            str(entry.sequence),
            moment(status, entry.at_ms),
            str(entry.prescription_version),
            log_text(entry),
        )
        for entry in report.log
    )
    if not rows:
        nothing = ("Nothing was recorded in that time.", held)
        return Section(title, sentences=nothing, wide=True)
    return Section(
        title,
        sentences=(held,),
        headings=("No.", "Pump clock", "Version", "Event"),
        rows=rows,
        wide=True,
    )
