"""A session as a report: everything that was read of a pump at one time, and what to think of.

It reads, and changes nothing. How a report is printed is for :mod:`pump_programmer.sections` and
those that draw what it says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pump_programmer.cautions import Caution, Severity, cautions, most_severe_first
from pump_programmer.history import entries_since
from pump_programmer.phrases import moment, when
from pump_programmer.published import Patient
from pump_programmer.reader import Reader
from pump_programmer.words import spaced
from pump_protocol import messages as m
from pump_protocol.codes import AlarmFlag, Mode, ServiceState

_MS_PER_DAY: Final = 86_400_000
_THE_PUMP: Final = "the pump itself"


@dataclass(frozen=True, slots=True)
class Report:
    """What a programmer has read of a pump at one time, and what follows from it.

    ``log`` holds the records from pump time ``log_since_ms`` on, oldest first, as far as the pump
    still has them.
    """

    printed_clock_ms: int
    identity: m.Identity
    status: m.StatusReport
    current: m.PrescriptionReport
    pending: m.PrescriptionReport | None
    note: m.NoteReport
    log_since_ms: int
    log: tuple[m.LogEntry, ...]
    warnings: tuple[Caution, ...]

    @property
    def log_is_whole(self) -> bool:
        """Whether the pump still has every record of the time that was asked for."""
        held = self.status.therapy_log
        first = self.log[0].sequence if self.log else held.next_sequence
        return not held.overwritten or first > held.first_sequence


def read_report(programmer: Reader, *, printed_clock_ms: int, log_days: int) -> Report:
    """Read everything that a report says.

    :param printed_clock_ms: what the clock of this place shows, in ms since 1970-01-01 00:00.
    :param log_days: so many days of the therapy log are wanted.
    :raises VerificationFailed: a digest or dose is not that of its prescription.
    """
    identity, status = programmer.identify(), programmer.interrogate()
    current = programmer.read_prescription()
    pending = programmer.read_pending() if status.has_pending else None
    note = programmer.read_note()
    since_ms = max(0, status.at_ms - log_days * _MS_PER_DAY)
    return Report(
        printed_clock_ms=printed_clock_ms,
        identity=identity,
        status=status,
        current=current,
        pending=pending,
        note=note,
        log_since_ms=since_ms,
        log=tuple(entries_since(programmer, status, since_ms)),
        warnings=most_severe_first(_warnings(status, current, pending, note)),
    )


def _warnings(
    status: m.StatusReport,
    current: m.PrescriptionReport,
    pending: m.PrescriptionReport | None,
    note: m.NoteReport,
) -> Iterator[Caution]:
    """What a person should think of who reads the report, most urgent first."""
    for record in status.alarms:
        if AlarmFlag.ACTIVE in record.flags:
            since = when(status, record.raised_at_ms)
            yield Caution(
                f"ALARM {spaced(record.alarm)}, raised {since}.", _THE_PUMP, Severity.WARNING
            )
    yield from _of_prescription(current, pending)
    if status.service_state is ServiceState.IN_SERVICE:
        planned_ms = status.replacement_planned_at_ms
        if planned_ms is not None and planned_ms <= status.at_ms:
            text = f"Replacement was planned for {moment(status, planned_ms)}."
            yield Caution(text, _THE_PUMP)
    if not note.intact:
        yield Caution("The memory of the note has failed: write it anew.", _THE_PUMP)
    # The same before and after: only what is to be said of a prescription as it stands remains.
    yield from cautions(current, current, Patient(), None)


def _of_prescription(
    current: m.PrescriptionReport, pending: m.PrescriptionReport | None
) -> Iterator[Caution]:
    if current.prescription.mode is Mode.STOPPED:
        yield Caution("All infusion is STOPPED.", _THE_PUMP, Severity.WARNING)
    if not current.prescription.drugs:
        yield Caution(
            "The pump has lost its prescription and runs at the minimum rate: program it in full.",
            _THE_PUMP,
            Severity.WARNING,
        )
    if pending is not None:
        text = f"Prescription version {pending.version} is staged and NOT in force."
        yield Caution(text, _THE_PUMP)
