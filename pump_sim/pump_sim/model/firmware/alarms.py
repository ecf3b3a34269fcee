"""Alarms: which there are, how long each stays listed, and when it sounds; not what raises them.

Theory of operation. An alarm is *active* while its condition holds. It is *listed* while it is
active; one that latches stays listed after that until it is acknowledged. Only an active alarm
sounds, first at the moment it is raised and then at a fixed interval from that moment. Silence
holds back the tones that would begin while it lasts, of that alarm alone, and hides nothing else.
While an active critical alarm is not silenced, non-critical alarms give no tone (REQ-15). To be
raised anew begins from the beginning: neither silence nor acknowledgement carries over (REQ-16).

Tones repeat for months and cost nothing: whether one sounds is a function of time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from pump_sim.model.profile import Profile
from pump_sim.model.units import ceil_div


class AlarmClass(Enum):
    """How urgent an alarm is, and so which tone it has."""

    NON_CRITICAL = 1
    """One tone; therapy goes on."""
    CRITICAL = 2
    """Two tones; drug may not be flowing."""


class Alarm(Enum):
    """The alarms, numbered as in domain.md 3.2.

    The numbers that are missing are no alarms: 6 and 16 are records of the log, 12 is a hold
    without a tone, 13 and 14 are faults that no pump of this kind can notice, and 17 is for the
    access log. 18 is this project's own.
    """

    LOW_RESERVOIR = 1
    EMPTY_RESERVOIR = 2
    ERI = 3
    EOS = 4
    MOTOR_STALL = 5
    STOPPED_TOO_LONG = 7
    CRITICAL_MEMORY_ERROR = 8
    MEMORY_ERROR = 9
    SAFE_STATE = 10
    UPDATE_INCOMPLETE = 11
    REPLACEMENT_PLANNED = 15
    EMERGENCY_ACTION = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the alarm table says of an alarm (domain.md 3.2). The texts are for the reference."""

    alarm_class: AlarmClass
    latches: bool
    sounds: bool = True
    trigger: str
    effect: str
    clears: str
    source: str


RULES = {
    Alarm.LOW_RESERVOIR: Rule(
        alarm_class=AlarmClass.NON_CRITICAL,
        latches=False,
        trigger="the believed volume is at or below the threshold of the prescription",
        effect="infusion goes on",
        clears="a reservoir update above the threshold, or a lower threshold",
        source="P23, P26; threshold unverified",
    ),
    Alarm.EMPTY_RESERVOIR: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="the believed volume is used up",
        effect="infusion stops; a running bolus ends",
        clears="a reservoir update; infusion resumes",
        source="P23",
    ),
    Alarm.ERI: Rule(
        alarm_class=AlarmClass.NON_CRITICAL,
        latches=True,
        trigger="90 days before the end of service, by age or by charge",
        effect="infusion goes on",
        clears="never; only another pump ends it",
        source="P7, P8, P23",
    ),
    Alarm.EOS: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="90 days after ERI, or the battery fails",
        effect="infusion stops for ever",
        clears="never; only another pump ends it",
        source="P7, P8, P23",
    ),
    Alarm.MOTOR_STALL: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=False,
        trigger="steps that were commanded are not taken for 20 min",
        effect="nothing flows while the motor stands; the pump goes on trying",
        clears="the motor turns again, and the pump has registered it",
        source="P10, P23; 20 min unverified",
    ),
    Alarm.STOPPED_TOO_LONG: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=False,
        trigger="the mode has been STOPPED for 48 h; one stop after another is one stop",
        effect="nothing flows, as prescribed",
        clears="a prescription of another mode",
        source="P23",
    ),
    Alarm.CRITICAL_MEMORY_ERROR: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="both copies of the prescription are damaged",
        effect="safe state: the minimum rate, and the drug is not known",
        clears="a new prescription",
        source="P23; detail unverified",
    ),
    Alarm.MEMORY_ERROR: Rule(
        alarm_class=AlarmClass.NON_CRITICAL,
        latches=True,
        trigger="one copy of the prescription, or the note, is damaged",
        effect="infusion goes on; a copy is mended from the other",
        clears="the prescription, or the note, is written anew",
        source="P23; detail unverified",
    ),
    Alarm.SAFE_STATE: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="a reset, whatever its cause",
        effect="the minimum rate instead of the old prescription",
        clears="a new prescription",
        source='P16 ("very low level"); detail unverified',
    ),
    Alarm.UPDATE_INCOMPLETE: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="a staged prescription was neither committed nor rolled back in time",
        effect="the old prescription goes on",
        clears="a commit, or a roll-back",
        source="derived; the hazard: P23b",
    ),
    Alarm.REPLACEMENT_PLANNED: Rule(
        alarm_class=AlarmClass.NON_CRITICAL,
        latches=False,
        sounds=False,
        trigger="the date for which the replacement of the pump is planned",
        effect="infusion goes on",
        clears="never; only another pump ends it",
        source="P7, P29",
    ),
    Alarm.EMERGENCY_ACTION: Rule(
        alarm_class=AlarmClass.CRITICAL,
        latches=True,
        trigger="somebody without a key set the minimum rate, or stopped the pump",
        effect="the minimum rate, or nothing flows",
        clears="a commit",
        source="REQ-30; this project's own",
    ),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """How one class of alarms sounds: the length of its pattern and the interval between starts."""

    duration_ms: int
    interval_ms: int


@dataclass(frozen=True, slots=True)
class Signals:
    """How each class of alarms sounds."""

    critical: Signal
    non_critical: Signal

    @classmethod
    def of(cls, profile: Profile) -> "Signals":
        """The signals of a profile."""
        return cls(
            Signal(profile.critical_tone_ms, profile.critical_interval_ms),
            Signal(profile.non_critical_tone_ms, profile.non_critical_interval_ms),
        )

    def for_class(self, alarm_class: AlarmClass) -> Signal:
        """The signal of a class."""
        return self.critical if alarm_class is AlarmClass.CRITICAL else self.non_critical


@dataclass(frozen=True, slots=True)
class Tone:
    """One sounding of a pattern; `alarm` is None for a test."""

    alarm_class: AlarmClass
    alarm: Alarm | None
    starts_at_ms: int
    ends_at_ms: int


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One alarm since it was raised. Active until `cleared_at_ms`; its tones are held back until
    `silenced_until_ms`, which may be long past.
    """

    alarm: Alarm
    raised_at_ms: int
    cleared_at_ms: int | None = None
    acknowledged: bool = False
    silenced_until_ms: int = 0

    @property
    def alarm_class(self) -> AlarmClass:
        """How urgent it is."""
        return RULES[self.alarm].alarm_class

    @property
    def latches(self) -> bool:
        """Whether it stays listed after its condition has gone."""
        return RULES[self.alarm].latches

    @property
    def active(self) -> bool:
        """Whether its condition holds."""
        return self.cleared_at_ms is None

    @property
    def sounds(self) -> bool:
        """Whether it has a tone now or, once silence is over, again."""
        return self.active and RULES[self.alarm].sounds

    @property
    def listed(self) -> bool:
        """Whether it is to be shown: active, or latched and never acknowledged (REQ-17)."""
        return self.active or (self.latches and not self.acknowledged)

    def silenced_at(self, at_ms: int) -> bool:
        """Whether silence is in force."""
        return at_ms < self.silenced_until_ms

    def last_start(self, at_ms: int, interval_ms: int) -> int:
        """The last moment up to `at_ms` at which its pattern is to begin."""
        return at_ms - (at_ms - self.raised_at_ms) % interval_ms

    def next_start(self, after_ms: int, interval_ms: int) -> int:
        """The first moment after `after_ms`, and not silenced, at which its pattern is to begin."""
        earliest = max(after_ms + 1, self.silenced_until_ms, self.raised_at_ms)
        rounds = ceil_div(earliest - self.raised_at_ms, interval_ms)
        return self.raised_at_ms + rounds * interval_ms


@dataclass(frozen=True, slots=True)
class Alarms:
    """The listed alarms, in order of their numbers, and the last test of a tone."""

    signals: Signals
    records: tuple[AlarmRecord, ...] = ()
    test: Tone | None = None

    def get(self, alarm: Alarm) -> AlarmRecord | None:
        """The record of a listed alarm, None if it is not listed."""
        return next((each for each in self.records if each.alarm is alarm), None)

    def any_silenced(self, at_ms: int) -> bool:
        """Whether the tones of any alarm are held back."""
        return bool(self.records) and any(each.silenced_at(at_ms) for each in self.records)

    def is_active(self, alarm: Alarm) -> bool:
        """Whether the condition of an alarm holds."""
        record = self.get(alarm) if self.records else None
        return record is not None and record.active

    def updated(self, record: AlarmRecord) -> "Alarms":
        """With this record of its alarm, or with none if it has no more reason to be listed."""
        records = [each for each in self.records if each.alarm is not record.alarm]
        if record.listed:
            records.append(record)
            records.sort(key=lambda each: each.alarm.value)
        return replace(self, records=tuple(records))

    def with_critical_interval(self, interval_ms: int) -> "Alarms":
        """With another interval of the critical tone; the alarms keep their phase."""
        critical = replace(self.signals.critical, interval_ms=interval_ms)
        return replace(self, signals=replace(self.signals, critical=critical))

    def tested(self, alarm_class: AlarmClass, at_ms: int) -> "Alarms":
        """With the tone of a class sounding once, from now."""
        end = at_ms + self.signals.for_class(alarm_class).duration_ms
        return replace(self, test=Tone(alarm_class, None, at_ms, end))

    def tone_at(self, at_ms: int) -> Tone | None:
        """What sounds at `at_ms`, if these alarms stay as they are; None in silence.

        One tone at a time: the highest class, and of that the tone that began last. `at_ms` must
        not be before the last change.
        """
        if not self.records and self.test is None:
            return None
        tones = [*self._sounding(at_ms)]
        if self.test is not None and self.test.starts_at_ms <= at_ms < self.test.ends_at_ms:
            tones.append(self.test)
        return max(
            tones, key=lambda tone: (tone.alarm_class.value, tone.starts_at_ms), default=None
        )

    def next_tone(self, after_ms: int) -> Tone | None:
        """The first tone to begin after `after_ms`, if these alarms stay as they are."""
        if not self.records:
            return None
        critical_from = self._critical_from()
        found: Tone | None = None
        for record in self.records:
            if not record.sounds:
                continue
            signal = self.signals.for_class(record.alarm_class)
            start = record.next_start(after_ms, signal.interval_ms)
            critical = record.alarm_class is AlarmClass.CRITICAL
            if not critical and critical_from is not None and start >= critical_from:
                continue
            if found is None or (start, not critical) < (
                found.starts_at_ms,
                found.alarm_class is not AlarmClass.CRITICAL,
            ):
                end = start + signal.duration_ms
                found = Tone(record.alarm_class, record.alarm, start, end)
        return found

    def _sounding(self, at_ms: int) -> Iterator[Tone]:
        """The tones of active alarms that are due to sound at `at_ms` and not silenced."""
        critical_from = self._critical_from()
        for record in self.records:
            critical = record.alarm_class is AlarmClass.CRITICAL
            if not critical and critical_from is not None and at_ms >= critical_from:
                continue
            signal = self.signals.for_class(record.alarm_class)
            start = record.last_start(at_ms, signal.interval_ms)
            end = start + signal.duration_ms
            if record.sounds and at_ms < end and start >= record.silenced_until_ms:
                yield Tone(record.alarm_class, record.alarm, start, end)

    def _critical_from(self) -> int | None:
        """From when on an active critical alarm is not silenced, so that no other is heard."""
        return min(
            (
                record.silenced_until_ms
                for record in self.records
                if record.active and record.alarm_class is AlarmClass.CRITICAL
            ),
            default=None,
        )
