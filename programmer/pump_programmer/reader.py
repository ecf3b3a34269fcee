"""What a programmer reads of a pump, checked: identity, status, prescriptions, logs, the note."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from pump_programmer.conversation import Conversation
from pump_programmer.errors import PumpRefused, VerificationFailed
from pump_programmer.values import check_sequence
from pump_protocol import messages as m
from pump_protocol.codes import (
    MAX_ACCESS_ENTRIES,
    MAX_LOG_ENTRIES,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.payloads import prescription_digest
from pump_protocol.reckoning import dose_totals
from pump_protocol.units import format_daily_dose

E = TypeVar("E", m.LogEntry, m.AccessEntry)


class Reader(Conversation):
    """Reads, and changes nothing."""

    def identify(self) -> m.Identity:
        """Who answers, what it can do, and the limits it enforces."""
        return self.exchange(m.Identify())

    def interrogate(self) -> m.StatusReport:
        """Everything that a clinician sees."""
        return self.exchange(m.Interrogate())

    def read_prescription(
        self, slot: PrescriptionSlot = PrescriptionSlot.CURRENT
    ) -> m.PrescriptionReport:
        """The prescription in force, or the staged one, with its doses as the pump reckons them.

        :raises VerificationFailed: the digest or the doses are not those of the prescription.
        """
        report = self.exchange(m.ReadPrescription(slot))
        check_copy(report)
        return report

    def read_pending(self) -> m.PrescriptionReport | None:
        """The staged prescription; None if nothing is staged.

        :raises VerificationFailed: the digest or the doses are not those of the prescription.
        """
        try:
            return self.read_prescription(PrescriptionSlot.PENDING)
        except PumpRefused as refused:
            if not nothing_staged(refused):
                raise
            return None

    def read_log(self, first: int = 1, limit: int | None = None) -> Iterator[m.LogEntry]:
        """The therapy log, oldest first, from sequence number *first* to its present end."""

        def page(at: int, count: int) -> tuple[m.LogRange, tuple[m.LogEntry, ...]]:
            answer = self.exchange(m.ReadLog(at, count))
            return answer.range, answer.entries

        return _pages(page, first, limit, MAX_LOG_ENTRIES)

    def read_access_log(self, first: int = 1, limit: int | None = None) -> Iterator[m.AccessEntry]:
        """The access log, oldest first, from sequence number *first* to its present end."""

        def page(at: int, count: int) -> tuple[m.LogRange, tuple[m.AccessEntry, ...]]:
            answer = self.exchange(m.ReadAccessLog(at, count))
            return answer.range, answer.entries

        return _pages(page, first, limit, MAX_ACCESS_ENTRIES)

    def self_test(self) -> m.SelfTestReport:
        """Let the pump check itself."""
        return self.exchange(m.SelfTest())

    def read_note(self) -> m.NoteReport:
        """The clinician's note; not intact where its memory has failed."""
        return self.exchange(m.ReadNote())


def nothing_staged(refused: PumpRefused) -> bool:
    """Whether a refusal says only that nothing is staged."""
    return refused.refusal.codes == {RefusalCode.NOTHING_STAGED}


def check_copy(report: m.PrescriptionReport | m.PrescriptionStaged) -> None:
    """Both ends must reckon the same digest and the same doses (REQ-04).

    :raises VerificationFailed: they do not.
    """
    version = report.version
    if report.digest != prescription_digest(version, report.prescription):
        raise VerificationFailed(
            f"the digest of prescription version {version} is not that of its content"
        )
    reckoned = dose_totals(report.prescription)
    if report.totals != reckoned:
        raise VerificationFailed(
            f"the pump reckons other doses of prescription version {version} than this programmer: "
            f"{_doses(report.totals)}, not {_doses(reckoned)}"
        )


def _doses(totals: m.DoseTotals) -> str:
    amounts = (totals.mean_ng, totals.highest_ng, totals.with_patient_ng)
    return " / ".join(map(format_daily_dose, amounts))


def _pages(
    page: Callable[[int, int], tuple[m.LogRange, tuple[E, ...]]],
    first: int,
    limit: int | None,
    page_size: int,
) -> Iterator[E]:
    """Records from *first* on, to the end that the log had when the first page was read."""
    check_sequence("first", first)
    at, left, end = first, limit, None
    while (left is None or left > 0) and (end is None or at < end):
        held, entries = page(at, page_size if left is None else min(page_size, left))
        end = held.next_sequence if end is None else end
        if not entries:
            return
        for entry in entries:
            if entry.sequence < at:
                raise VerificationFailed(f"log record {entry.sequence} came after {at - 1}")
            yield entry
            at = entry.sequence + 1
        left = None if left is None else left - len(entries)
