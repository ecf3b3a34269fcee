"""What a programmer was told by a pump that is killed again and again, held against what it finds.

Everything that was acknowledged must be in the pump's log, once, after any number of kills; what
was refused must not; and what was told of the log, of time and of the prescription must stay true.
"""

from collections import Counter
from typing import Final

from pump_programmer.programmer import Programmer
from pump_protocol import messages as m
from pump_protocol.codes import LogEvent

_BOLUSES: Final = {LogEvent.BOLUS_STARTED, LogEvent.PATIENT_BOLUS_STARTED}
_OVERLAP: Final = 13
"""So many records that were read before are read again, to see that they are what they were."""


class Witness:
    """Remembers what was acknowledged, and complains.

    :ivar boluses: order numbers of boluses that were acknowledged.
    :ivar refills: volumes of reservoir updates that were.
    :ivar version: of the prescription that was found or acknowledged last.
    """

    def __init__(self, prescription: m.Prescription | None = None) -> None:
        self.boluses: set[int] = set()
        self.refills: set[int] = set()
        self.version = 1
        self.prescription = prescription
        self.wrong: list[str] = []
        self._book: dict[int, m.LogEntry] = {}
        self._found_boluses: Counter[int] = Counter()
        self._found_refills: Counter[int] = Counter()
        self._commits = 0
        self._next = 1
        self._at_ms = 0

    def committed(self, prescription: m.Prescription, version: int) -> None:
        """A commit was acknowledged."""
        self._must(version == self.version + 1, f"version {version} follows on {self.version}")
        self.prescription, self.version = prescription, version

    def look(self, programmer: Programmer) -> None:
        """Read the pump, and compare.

        :raises ProgrammerError: the pump was killed meanwhile; what was read until then counts.
        """
        status = programmer.interrogate()
        self._must(status.at_ms >= self._at_ms, f"time went back from {self._at_ms} ms")
        self._at_ms = max(self._at_ms, status.at_ms)
        told_next = status.therapy_log.next_sequence
        self._must(told_next >= self._next, f"log numbers went back from {self._next}")
        for entry in programmer.read_log(max(1, self._next - _OVERLAP)):
            self._read(entry)
        report = programmer.read_prescription()
        if self.prescription is None:
            self.prescription = report.prescription
        self._must(report.version == self.version, f"version {report.version} is in force")
        self._must(report.prescription == self.prescription, "another prescription is in force")
        self._must(self._commits == self.version - 1, f"{self._commits} commits in the log")
        self._balance("boluses", self._found_boluses, self.boluses)
        self._balance("refills", self._found_refills, self.refills)
        failed = [each.check.name for each in programmer.self_test().results if not each.passed]
        self._must(not failed, f"the self-test finds {failed}")

    def _read(self, entry: m.LogEntry) -> None:
        known = self._book.get(entry.sequence)
        if known is not None:
            self._must(known == entry, f"record {entry.sequence} is not what it was")
            return
        self._must(entry.sequence == self._next, f"record {entry.sequence} follows {self._next}")
        self._book[entry.sequence] = entry
        self._book.pop(entry.sequence - 2 * _OVERLAP, None)
        self._next = entry.sequence + 1
        if entry.event in _BOLUSES:
            self._found_boluses[entry.b] += 1
        elif entry.event is LogEvent.RESERVOIR_UPDATED:
            self._found_refills[entry.b] += 1
        elif entry.event is LogEvent.COMMITTED:
            self._commits += 1

    def _balance(self, what: str, found: Counter[int], acknowledged: set[int]) -> None:
        twice = sorted(number for number, count in found.items() if count > 1)
        self._must(not twice, f"{what} done twice: {twice[:5]}")
        lost = sorted(acknowledged - found.keys())
        self._must(not lost, f"{what} acknowledged, and not done: {lost[:5]}")
        unasked = sorted(found.keys() - acknowledged)
        self._must(not unasked, f"{what} done, and said not to be: {unasked[:5]}")

    def _must(self, true: bool, otherwise: str) -> None:
        if not true:
            self.wrong.append(otherwise)
