"""What a pump writes down: the therapy log, which nothing but therapy can fill, and the access log.

Logs keep what they are given. They know neither the time nor the reasons of what happens.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice

THERAPY_LOG_ENTRIES = 1_000
"""The size of the fault log that the Open PCA requirements ask for (domain.md 3.3, P32)."""

ACCESS_LOG_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an event tells, and what its two parameters are. An unused parameter is 0."""

    event: str
    a: str = "unused"
    b: str = "unused"


class EventCode(Enum):
    """The events of the therapy log; each value says what the record's `a` and `b` mean."""

    IMPLANTED = Meaning("service began", "believed volume, nL", "rate, nL/day")
    STAGED = Meaning("prescription staged", "its rate, nL/day", "its daily dose, ng")
    COMMITTED = Meaning("prescription committed", "old rate, nL/day", "new rate, nL/day")
    ROLLED_BACK = Meaning("staged prescription dropped", "its rate, nL/day", "its daily dose, ng")
    STAGING_EXPIRED = Meaning(
        "staged prescription dropped: nobody committed it in time",
        "its rate, nL/day",
        "its daily dose, ng",
    )
    MODE_CHANGED = Meaning("infusion mode changed", "old mode", "new mode")
    BRIDGE_DECLINED = Meaning(
        "drug changed without a bridge, by decision",
        "old concentration, ng/mL",
        "new concentration, ng/mL",
    )
    SOFT_LIMIT_CONFIRMED = Meaning(
        "dose above the soft limit committed, by confirmation",
        "highest dose of a day, ng",
        "soft limit, ng",
    )
    BOLUS_STARTED = Meaning("single bolus began", "its volume, nL", "order number")
    BOLUS_COMPLETED = Meaning("bolus delivered in full", "volume delivered, nL", "order number")
    BOLUS_ABORTED = Meaning("bolus ended early", "volume delivered, nL", "order number")
    PRIMING_STARTED = Meaning("priming bolus began", "its volume, nL", "order number")
    BRIDGE_STARTED = Meaning(
        "bridge bolus began, in place of the basal rate", "its volume, nL", "its rate, nL/day"
    )
    PATIENT_BOLUS_STARTED = Meaning("patient bolus began", "its volume, nL", "order number")
    PATIENT_BOLUS_REFUSED = Meaning(
        "patient bolus refused", "number of the first refusal code", "order number"
    )
    PERIODIC_BOLUS_SHIFTED = Meaning(
        "periodic bolus, or the rest of one, put off until another bolus has ended",
        "volume still to deliver, nL",
        "when that is to be, ms",
    )
    PERIODIC_BOLUS_STARTED = Meaning(
        "periodic bolus that was put off began, or its rest", "its volume, nL", "unused"
    )
    RESERVOIR_UPDATED = Meaning(
        "believed volume set after a refill", "believed before, nL", "believed after, nL"
    )
    INFUSION_STOPPED = Meaning(
        "the pump stopped all flow by itself",
        "by: 2 empty reservoir, 4 end of service, 11 historic update, 12 interference",
        "rate until then, nL/day",
    )
    INFUSION_RESUMED = Meaning(
        "flow as prescribed again", "by: as in INFUSION_STOPPED", "rate, nL/day"
    )
    MOTOR_RECOVERED = Meaning(
        "the motor turns again after a stall", "stalled since, ms", "known since, ms"
    )
    ALARM_RAISED = Meaning("alarm raised", "number of the alarm", "its class")
    ALARM_CLEARED = Meaning("alarm condition gone", "number of the alarm", "raised at, ms")
    ALARM_ACKNOWLEDGED = Meaning("alarm acknowledged", "number of the alarm", "raised at, ms")
    ALARM_SILENCED = Meaning("tone of an alarm silenced", "number of the alarm", "until, ms")
    ALARM_TESTED = Meaning("tone sounded as a test", "class", "duration of the tone, ms")
    ALARM_INTERVAL_SET = Meaning("interval of a tone set", "class", "interval, ms")
    CLOCK_SET = Meaning("local clock set", "old local time, ms", "new local time, ms")
    SELF_TESTED = Meaning("self-test run", "checks passed", "checks failed")
    RESET = Meaning("the pump started anew, into its safe state", "cause")
    MEMORY_ERROR_FOUND = Meaning(
        "memory found damaged", "region: 1 first copy, 2 second copy, 3 note", "1 if repaired"
    )
    NOTE_WRITTEN = Meaning("note written", "its bytes")
    EMERGENCY_MINIMUM_RATE = Meaning(
        "brought down to the minimum rate without a key, in an emergency",
        "old rate, nL/day",
        "new rate, nL/day",
    )
    EMERGENCY_STOPPED = Meaning(
        "stopped without a key, in an emergency", "old rate, nL/day", "new rate, nL/day"
    )


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One record of the therapy log.

    `link_id` is 0 where the pump acted by itself, and in an emergency, for which no link is opened.
    """

    sequence: int
    at_ms: int
    event: EventCode
    a: int
    b: int
    link_id: int
    prescription_version: int


@dataclass(frozen=True, slots=True)
class LogRange:
    """Which records a log holds: sequence numbers from `first` up to, not including, `next`."""

    first: int
    next: int
    overwritten: int


@dataclass(frozen=True, slots=True)
class TherapyLog:
    """A ring of the last records. Sequence numbers begin at 1 and are never used again (REQ-27)."""

    entries: tuple[LogEntry, ...] = ()
    next_sequence: int = 1
    capacity: int = THERAPY_LOG_ENTRIES

    def appended(self, entry: LogEntry) -> "TherapyLog":
        """The log with one more record, which must carry `next_sequence`."""
        kept = self.entries
        if len(kept) == self.capacity:
            kept = kept[1:]
        return TherapyLog((*kept, entry), self.next_sequence + 1, self.capacity)

    @property
    def range(self) -> LogRange:
        """What the log holds; an empty log begins where it will go on."""
        first = self.next_sequence - len(self.entries)
        return LogRange(first, self.next_sequence, first - 1)

    def page(self, first_sequence: int, limit: int) -> tuple[LogEntry, ...]:
        """At most `limit` records from `first_sequence` on, or from the oldest that is left."""
        begin = max(0, first_sequence - self.range.first)
        return self.entries[begin : begin + max(0, limit)]


class AccessEvent(Enum):
    """The events of the access log."""

    INTERROGATED = auto()
    """The pump was read. One record for each link, however often it reads."""
    REFUSED = auto()
    """A request was refused; request, code and field are the caller's own numbers."""
    SEQUENCE_MISUSED = auto()
    """A link misused its sequence numbers, as a replay would."""
    AUTHENTICATED = auto()
    """Somebody opened a link with a key; code is that of its role."""
    AUTHENTICATION_FAILED = auto()
    """A handshake failed, or came while too many had."""
    NOT_AUTHENTIC = auto()
    """A sealed frame was forged, altered, replayed, or of another link. What it says that it asks
    for is not believed: request is 0."""
    PAIRED = auto()
    """A key was given to whoever had the pairing code; code is that of its role."""
    EMERGENCY_ASKED = auto()
    """Somebody without a key asked for an emergency message that the pump carried out."""


@dataclass(frozen=True, slots=True)
class AccessEntry:
    """One record of the access log, with every repetition since."""

    sequence: int
    event: AccessEvent
    request: int
    code: int
    field: int
    count: int
    first_at_ms: int
    last_at_ms: int
    last_link_id: int


AccessKey = tuple[AccessEvent, int, int, int, int]


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Who asked, and what was refused: repeats are counted, not repeated.

    A flood of equal refusals takes one record. When the log is full, a newcomer displaces a record
    of the kind (event and code) that has most of them, the one that was repeated longest ago; a
    reading displaces another reading, if there is one. So no flood can wipe out what is of another
    kind, and none touches the therapy log.
    """

    # In the order of the last repetition. Never changed in place, only copied.
    entries: Mapping[AccessKey, AccessEntry] = field(default_factory=dict)
    first_sequence: int = 1
    next_sequence: int = 1
    evicted: int = 0
    capacity: int = ACCESS_LOG_ENTRIES

    def noted(
        self,
        event: AccessEvent,
        *,
        at_ms: int,
        link_id: int,
        request: int = 0,
        code: int = 0,
        field: int = 0,
    ) -> "AccessLog":
        """The log with one more event, as a record of its own or counted in an earlier one."""
        own_link = link_id if event is AccessEvent.INTERROGATED else 0
        if event is AccessEvent.NOT_AUTHENTIC:
            request = 0
        key = (event, request, code, field, own_link)
        entries = dict(self.entries)
        first, following, evicted = self.first_sequence, self.next_sequence, self.evicted
        known = entries.pop(key, None)
        if known is not None:
            sequence, count, first_at_ms = known.sequence, known.count + 1, known.first_at_ms
        else:
            sequence, count, first_at_ms = following, 1, at_ms
            following += 1
            if len(entries) == self.capacity:
                oldest = entries.pop(self._least_wanted(event))
                evicted += 1
                if oldest.sequence == first:
                    first = min([each.sequence for each in entries.values()], default=sequence)
        entries[key] = AccessEntry(
            sequence, event, request, code, field, count, first_at_ms, at_ms, link_id
        )
        return AccessLog(entries, first, following, evicted, self.capacity)

    def _least_wanted(self, newcomer: AccessEvent) -> AccessKey:
        """Whom a newcomer displaces."""
        if newcomer is AccessEvent.INTERROGATED:
            reading = next((key for key in self.entries if key[0] is newcomer), None)
            if reading is not None:
                return reading
        # As numbers, and past the enum's own properties: this is what a flood comes to.
        kinds = [key[0]._value_ << 8 | key[2] for key in self.entries]
        counts = Counter(kinds)
        fullest = max(counts, key=counts.__getitem__)
        return next(islice(self.entries, kinds.index(fullest), None))

    @property
    def range(self) -> LogRange:
        """What the log holds; between its ends, evicted records are missing."""
        return LogRange(self.first_sequence, self.next_sequence, self.evicted)

    def page(self, first_sequence: int, limit: int) -> tuple[AccessEntry, ...]:
        """At most `limit` records with `first_sequence` or a later one, in order of sequence."""
        found = sorted(
            (each for each in self.entries.values() if each.sequence >= first_sequence),
            key=lambda each: each.sequence,
        )
        return tuple(islice(found, max(0, limit)))
