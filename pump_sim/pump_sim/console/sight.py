"""What a page is shown of a pump: to instructors truth and belief, to trainees no truth.

Pure: it reads, and changes nothing. docs/reference/control-api.md describes what it gives.
"""

from collections.abc import Iterable
from typing import Any, Final

from pump_sim.console.story import SIGNS, severity_of
from pump_sim.control.faults import fault_view
from pump_sim.control.moving import next_event_of
from pump_sim.control.views import number, plain
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmRecord, Tone
from pump_sim.model.pump import Pump
from pump_sim.model.status import Status
from pump_sim.narration import alarm_text, clock_text
from pump_sim.notice import security_profile
from pump_sim.scenario.playing.play import Play
from pump_sim.texts import spaced

Seen = dict[str, Any]

_TRUTH_OF_CLOCK: Final = ("therapy_ms", "pace", "jumping", "waits_for", "next_event")
"""What of the clock a trainee is not shown: what comes next would be telling."""


class Sight:
    """A look at the pump of a play, from which instructors and trainees are shown their part.

    :param address: where a programmer finds the pump.
    """

    def __init__(self, play: Play, address: str) -> None:
        self._play = play
        self._endpoint: PumpEndpoint = play.endpoint
        self._pump: Pump = play.pump
        self._status: Status = play.pump.status()
        self._address = address

    def of_instructor(self) -> Seen:
        """Everything."""
        pump = self._pump
        patient = pump.patient()
        signs = "; ".join(f"{each.value}: {SIGNS[each][0]}" for each in patient.flags)
        return {
            **self._common(),
            "clock": self._clock(),
            "belief": plain(self._status),
            "truth": plain(pump.truth()),
            "patient": plain(patient),
            "patient_text": signs or "as usual",
            "faults": [self._fault(each) for each in map(fault_view, pump.faults)],
            "presence": {
                "in_reach": self._endpoint.presence.in_reach,
                "on_pump": self._endpoint.presence.on_pump,
            },
        }

    def of_trainee(self) -> Seen:
        """What a programmer reads from the pump, and what somebody at the bedside sees and hears.

        A pump's belief has no truth in it; the patient's flags are shown as signs.
        """
        clock = {key: each for key, each in self._clock().items() if key not in _TRUTH_OF_CLOCK}
        signs = [
            {"sign": SIGNS[each][0], "text": SIGNS[each][1]} for each in self._pump.patient().flags
        ]
        return {
            **self._common(),
            "clock": clock,
            "belief": plain(self._status),
            "signs": signs,
        }

    def _common(self) -> Seen:
        return {
            "identity": self.identity(),
            "battery": self._battery(),
            "service": self._service(),
            "alarms": [self._alarm(each) for each in self._in_order(self._status.alarms)],
            "tone": self._next_tone(),
            "sounding": self._sounding(),
        }

    def identity(self) -> Seen:
        """Which pump it is."""
        return {
            "serial_number": self._pump.serial_number,
            "model": self._pump.profile.model,
            "address": self._address,
            "security_profile": security_profile(self._endpoint.guard is not None),
            "capacity_nl": self._status.capacity_nl,
        }

    def _clock(self) -> Seen:
        endpoint, speed = self._endpoint, self._endpoint.speed
        return {
            "elapsed_ms": self._play.elapsed_ms,
            "therapy_ms": self._pump.at_ms,
            "clock_local_ms": self._status.clock_local_ms,
            "clock": clock_text(self._status.clock_local_ms),
            "speed": 0 if speed is None else number(speed),
            "pace": number(endpoint.pace),
            "paused": endpoint.paused,
            "jumping": endpoint.jumping,
            "held": endpoint.held,
            "waits_for": self._waits_for(),
            "next_event": self._next_event(),
        }

    def _waits_for(self) -> str | None:
        if self._play.decision is not None:
            return "decision"
        return "programmer" if self._play.busy else None

    def _next_event(self) -> Seen | None:
        """What happens next by itself; of what the file brings nobody is told what it will be."""
        pump, play = self._pump, self._play
        told = next_event_of(pump, self._endpoint.simulation.next_event_ms())
        coming: list[tuple[int, str, str]] = []
        if told is not None:
            coming.append((told["at_ms"], told["what"] or "pump", _event_text(told)))
        if play.decision is None:
            for at_ms, what, text in (
                (play.flags_change_ms(), "patient", "the patient's state changes"),
                (play.next_entry_ms(), "scenario", "the scenario goes on"),
                (play.ends_ms(), "scenario", "the scenario ends"),
            ):
                if at_ms is not None:
                    coming.append((at_ms, what, text))
        if not coming:
            return None
        at_ms, what, text = min(coming, key=lambda each: each[0])
        return {"at_ms": at_ms, "in_ms": max(0, at_ms - pump.at_ms), "what": what, "text": text}

    def _local(self, at_ms: int | None) -> int | None:
        """A moment of the pump's time by its local clock."""
        status = self._status
        return None if at_ms is None else at_ms - status.at_ms + status.clock_local_ms

    def _elapsed(self, pump_ms: int) -> int:
        """A moment of the pump's time since the start; before it where it lies there."""
        return self._play.elapsed_ms + pump_ms - self._status.at_ms

    def _battery(self) -> Seen:
        status = self._status
        return {
            "remaining_ppm": status.battery_remaining_ppm,
            "state": plain(status.service),
            "eri_local_ms": self._local(status.eri_at_ms),
            "eos_local_ms": self._local(status.eos_at_ms),
            "replace_local_ms": self._local(status.replacement_planned_at_ms),
        }

    def _service(self) -> Seen:
        status = self._status
        return {
            "last_refill_local_ms": self._local(status.last_refill_at_ms),
            "low_reservoir_local_ms": self._local(status.low_reservoir_at_ms),
            "empty_reservoir_local_ms": self._local(status.empty_reservoir_at_ms),
        }

    # --- Alarms ----------------------------------------------------------------------------------

    @staticmethod
    def _in_order(alarms: Iterable[AlarmRecord]) -> list[AlarmRecord]:
        """The gravest first, then the latest."""
        return sorted(alarms, key=lambda e: (-e.alarm_class.value, not e.active, -e.raised_at_ms))

    def _alarm(self, record: AlarmRecord) -> Seen:
        alarm, at_ms = record.alarm, self._status.at_ms
        rule = RULES[alarm]
        silenced = record.silenced_at(at_ms)
        next_ms = self._tone_of(record)
        return {
            "alarm": alarm.name.lower(),
            "text": alarm_text(alarm),
            "class": severity_of(alarm),
            "since_local_ms": self._local(record.raised_at_ms),
            "since_elapsed_ms": self._elapsed(record.raised_at_ms),
            "active": record.active,
            "latches": record.latches,
            "acknowledged": record.acknowledged,
            "silenced_until_local_ms": self._local(record.silenced_until_ms) if silenced else None,
            "next_tone_local_ms": self._local(next_ms),
            "next_tone_in_ms": None if next_ms is None else next_ms - at_ms,
            "trigger": rule.trigger,
            "effect": rule.effect,
            "clears": rule.clears,
        }

    def _tone_of(self, record: AlarmRecord) -> int | None:
        """When an alarm sounds next; None where another one is heard in its place, or none."""
        tone = self._status.next_tone
        return tone.starts_at_ms if tone is not None and tone.alarm is record.alarm else None

    def _next_tone(self) -> Seen | None:
        tone = self._status.next_tone
        if tone is None:
            return None
        alarms = self._pump.firmware.alarms
        return {
            "class": tone.alarm_class.name.lower(),
            "alarm": None if tone.alarm is None else _name(tone.alarm),
            "interval_ms": alarms.signals.for_class(tone.alarm_class).interval_ms,
            "next_in_ms": max(0, tone.starts_at_ms - self._status.at_ms),
        }

    def _sounding(self) -> Seen | None:
        at_ms = self._status.at_ms
        tone: Tone | None = self._pump.firmware.tone_at(at_ms)
        if tone is None:
            return None
        return {
            "class": tone.alarm_class.name.lower(),
            "alarm": None if tone.alarm is None else _name(tone.alarm),
            "ends_in_ms": tone.ends_at_ms - at_ms,
        }

    def _fault(self, view: Seen) -> Seen:
        began_ms, ends_ms = view["begins_at_ms"], view["ends_at_ms"]
        now_ms, elapsed_ms = self._pump.at_ms, self._play.elapsed_ms
        return {
            "fault_id": view["fault_id"],
            "fault": view["fault"],
            "text": spaced(view["fault"]),
            "begins_elapsed_ms": elapsed_ms + began_ms - now_ms,
            "ends_elapsed_ms": None if ends_ms is None else elapsed_ms + ends_ms - now_ms,
            "active": began_ms <= now_ms,
            "parameters": view["parameters"],
        }


def _name(alarm: Alarm) -> str:
    return alarm.name.lower()


def _event_text(told: Seen) -> str:
    """What a pump, or a fault of it, will do."""
    ends = {"fault_begins": " begins", "fault_ends": " is over"}.get(told["what"] or "", "")
    return f"{spaced(told.get('fault') or told['what'] or 'something')}{ends}"
