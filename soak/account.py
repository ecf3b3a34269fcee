"""What a pump really did, counted from its own records as they are made; no programmer's word.

The therapy log forgets its oldest records, so each is counted when it is written.
"""

from collections import Counter

from pump_sim.model.events import EventCode, LogEntry

_NUMBERED = {EventCode.BOLUS_STARTED, EventCode.PATIENT_BOLUS_STARTED}


class Account:
    """The executions of one pump, since it was implanted.

    :ivar boluses: by order number, how often a bolus of it began.
    :ivar refills: by the volume that was told, how often it was believed.
    :ivar commits: how often a prescription was put in force.
    :ivar bolus_nl: what all completed boluses have delivered.
    :ivar wrong_sequences: records whose number did not follow on that of the one before.
    """

    def __init__(self) -> None:
        self.boluses: Counter[int] = Counter()
        self.refills: Counter[int] = Counter()
        self.commits = 0
        self.bolus_nl = 0
        self.wrong_sequences = 0
        self._last_sequence: int | None = None

    def note(self, entry: LogEntry) -> None:
        """One more record."""
        if self._last_sequence is not None and entry.sequence != self._last_sequence + 1:
            self.wrong_sequences += 1
        self._last_sequence = entry.sequence
        if entry.event in _NUMBERED:
            self.boluses[entry.b] += 1
        elif entry.event is EventCode.RESERVOIR_UPDATED:
            self.refills[entry.b] += 1
        elif entry.event is EventCode.COMMITTED:
            self.commits += 1
        elif entry.event in (EventCode.BOLUS_COMPLETED, EventCode.BOLUS_ABORTED):
            self.bolus_nl += entry.a
