"""What there is to see at a pump while a scenario is played: what is new since the last time, and
how everything stands.

It looks and changes nothing; when it is asked is the play's business.
"""

from collections.abc import Iterator
from copy import copy
from typing import Self

from pump_sim.model.events import AccessEntry, AccessLog, EventCode
from pump_sim.model.firmware.alarms import AlarmClass
from pump_sim.model.pump import Pump
from pump_sim.scenario.happenings import FaultChanged, Flagged, Look, Noted, Recorded


class Observation:
    """An eye on the pump in place.

    :ivar filled_nl: what the pump believed to hold right after its last refill.
    :ivar ratio_ppm: of the last fill by hands, what was delivered of what should have been.
    """

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._told_sequence = pump.firmware.log.next_sequence
        self._access = pump.firmware.access_log
        self._flags = pump.patient().flags
        self._faults: dict[int, tuple[str, bool]] = {}
        self._received_base_ng = -pump.truth().received_ng
        self._flags_change_ms: int | None = None
        self._holds_until_ms: int | None = None
        self.filled_nl = pump.firmware.moment().believed_volume_nl
        self.ratio_ppm: int | None = None

    def at(self, pump: Pump) -> Self:
        """An eye of its own that has seen what this one has, on *pump*, which is in the same state
        as the one looked at."""
        other = copy(self)
        other._pump = pump
        other._faults = dict(self._faults)
        other._holds_until_ms = None
        return other

    @property
    def has_new_records(self) -> bool:
        """Whether the therapy log has records that were not told yet."""
        return self._pump.firmware.log.next_sequence != self._told_sequence

    def turn_to(self, pump: Pump) -> None:
        """Look at another pump, which is in the same patient."""
        self._received_base_ng += self._pump.truth().received_ng - pump.truth().received_ng
        self._pump = pump
        # What a pump brings along from elsewhere is not news; what a new one begins with is.
        self._told_sequence = 1 if pump.at_ms == 0 else pump.firmware.log.next_sequence
        self._access = pump.firmware.access_log
        self._faults = {}
        self._holds_until_ms = None
        self.ratio_ppm = None
        self.filled_nl = pump.firmware.moment().believed_volume_nl

    def news(self, at_ms: int) -> Iterator[Recorded | Noted | FaultChanged | Flagged]:
        """What the pump has recorded and noted, which faults changed, and what the patient shows.

        :param at_ms: the present, since the start of the scenario.
        """
        pump = self._pump
        log, first = pump.firmware.log, self._told_sequence
        self._told_sequence = log.next_sequence
        for entry in log.page(first, log.next_sequence):
            if entry.event is EventCode.RESERVOIR_UPDATED:
                self.filled_nl = entry.b
            yield Recorded(at_ms=at_ms, serial_number=pump.serial_number, entry=entry)
        yield from self.notes(at_ms)
        yield from self._fault_news(at_ms)
        flags = pump.patient().flags
        if flags != self._flags:
            began = tuple(each for each in flags if each not in self._flags)
            self._flags = flags
            yield Flagged(at_ms=at_ms, flags=flags, began=began)

    def notes(self, at_ms: int) -> Iterator[Noted]:
        """What the pump has noted in its access log."""
        before, self._access = self._access, self._pump.firmware.access_log
        for entry, times in _counted(before, self._access):
            yield Noted(
                at_ms=at_ms, serial_number=self._pump.serial_number, entry=entry, times=times
            )

    def _fault_news(self, at_ms: int) -> Iterator[FaultChanged]:
        before = self._faults
        now = {each.fault_id: (each.fault.name, each.begun) for each in self._pump.faults}
        self._faults = now
        for fault_id, (name, begun) in before.items():
            if begun and fault_id not in now:
                yield FaultChanged(at_ms=at_ms, fault=name, fault_id=fault_id, began=False)
        for fault_id, (name, begun) in now.items():
            if begun and not before.get(fault_id, (name, False))[1]:
                yield FaultChanged(at_ms=at_ms, fault=name, fault_id=fault_id, began=True)

    def flags_change_ms(self, to_ms: int) -> int | None:
        """When the patient's flags change next, by `to_ms`, if nothing interferes.

        Reckoned anew only after :meth:`forget`, or when something was due that may have changed it:
        until then it holds.
        """
        pump = self._pump
        if self._holds_until_ms is None or pump.at_ms >= self._holds_until_ms:
            change = pump.next_flags(to_ms) if to_ms > pump.at_ms else None
            self._flags_change_ms = None if change is None else change[0]
            moments = (self._flags_change_ms, pump.next_due_ms(), to_ms)
            self._holds_until_ms = min(each for each in moments if each is not None)
        return self._flags_change_ms

    def forget(self) -> None:
        """Something has happened that may change what was foreseen."""
        self._holds_until_ms = None

    def look(self, at_ms: int) -> Look:
        """How everything stands."""
        pump = self._pump
        moment, truth, patient = pump.firmware.moment(), pump.truth(), pump.patient()
        return Look(
            at_ms=at_ms,
            serial_number=pump.serial_number,
            implanted=pump.implanted,
            mode=pump.firmware.prescription.mode,
            believed_volume_nl=moment.believed_volume_nl,
            actual_volume_nl=truth.actual_volume_nl,
            believed_rate_nl_per_day=moment.infusing_nl_per_day,
            actual_rate_nl_per_day=truth.actual_rate_nl_per_day,
            prescribed_dose_ng=pump.firmware.prescription.daily_dose_ng,
            received_ng=self._received_base_ng + truth.received_ng,
            tip_dose_ng_per_day=patient.tip_dose_ng_per_day,
            csf_ng_per_ml=patient.csf_ng_per_ml,
            effect_ppm=patient.effect_ppm,
            flags=patient.flags,
            active_alarms=tuple(each.alarm for each in pump.firmware.alarms.records if each.active),
            battery_remaining_ppm=moment.battery_remaining_ppm,
            delivered_ratio_ppm=self.ratio_ppm,
            tone=_tone(pump),
            clock_local_ms=pump.firmware.at_ms + pump.firmware.clock_offset_ms,
        )


def _counted(before: AccessLog, after: AccessLog) -> Iterator[tuple[AccessEntry, int]]:
    """Which records of the access log are new or were counted up, and by how much."""
    if before is after:
        return
    for key, entry in after.entries.items():
        known = before.entries.get(key)
        same = known is not None and known.sequence == entry.sequence
        times = entry.count - (known.count if known is not None and same else 0)
        if times:
            yield entry, times


def _tone(pump: Pump) -> tuple[AlarmClass, int] | None:
    """The tone that is heard again and again: of several, that of the highest class."""
    alarms, at_ms = pump.firmware.alarms, pump.firmware.at_ms
    classes = [e.alarm_class for e in alarms.records if e.sounds and not e.silenced_at(at_ms)]
    if not classes:
        return None
    loudest = max(classes, key=lambda each: each.value)
    return loudest, alarms.signals.for_class(loudest).interval_ms
