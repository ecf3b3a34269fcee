"""What a pump has told a programmer in a conversation: by that a programmer notices a pump that has
lost its memory, and which records of its log are older than a request. It asks nothing.
"""

from dataclasses import dataclass

from pump_protocol import messages as m
from pump_protocol.codes import Alarm, PrescriptionSlot


@dataclass(frozen=True, slots=True)
class Known:
    """What was known when a request was sent.

    :ivar log_from: number of the first record of the therapy log that can be of the request; None
        where a like request before it, on the same link, may have left one since.
    :ivar version: the highest version of the prescription in force that was told.
    :ivar order_number: the highest number of this programmer's orders that the pump answered.
    """

    log_from: int | None = 1
    version: int = 0
    order_number: int = 0

    def memory_lost(self, last_order_number: int, status: m.StatusReport) -> str | None:
        """Why a pump can no longer know what it was asked (SEQ-13); None if nothing says so.

        :param last_order_number: what it said when the present link was opened.
        """
        if any(record.alarm is Alarm.CRITICAL_MEMORY_ERROR for record in status.alarms):
            return "it lists a critical memory error"
        if last_order_number < self.order_number:
            answered = f"and had answered order {self.order_number}"
            return f"it remembers no order after {last_order_number}, {answered}"
        if status.prescription_version < self.version:
            return (
                f"version {status.prescription_version} is in force, after version {self.version}"
            )
        if status.therapy_log.next_sequence < (self.log_from or 0):
            return "records of its therapy log have gone"
        return None


class Told:
    """What the pump at the other end has told so far."""

    def __init__(self) -> None:
        self._log_from = 1
        self._version = 0
        self._order_number = 0
        self._asked: set[type[m.Request[m.Response]]] = set()

    def before(self, request: m.Request[m.Response]) -> Known:
        """What is known at the moment when *request* is sent."""
        log_from = None if type(request) in self._asked else self._log_from
        return Known(log_from, self._version, self._order_number)

    def link_opened(self, opened: m.LinkOpened) -> None:
        """No record of the log is of the new link yet."""
        self._asked.clear()
        self._order_number = max(self._order_number, opened.last_order_number)

    def asked(self, request: m.Request[m.Response]) -> None:
        """*request* was sent, and may have left a record under the present link."""
        self._asked.add(type(request))

    def note(self, response: m.Response) -> None:
        """Learn from an answer."""
        match response:
            case m.StatusReport():
                self._log_until(response.therapy_log)
                self._version = max(self._version, response.prescription_version)
            case m.LogPage():
                self._log_until(response.range)
            case m.PrescriptionReport() if response.slot is PrescriptionSlot.CURRENT:
                self._version = max(self._version, response.version)
            case m.PrescriptionCommitted():
                self._version = max(self._version, response.version)
            case m.BolusOrdered() | m.PatientBolusStarted() | m.ReservoirUpdated():
                self._order_number = max(self._order_number, response.order_number)
            case _:
                pass

    def _log_until(self, held: m.LogRange) -> None:
        self._log_from = max(self._log_from, held.next_sequence)
        self._asked.clear()  # what they left is before that
