"""A pump's status in phrases: moments on its own clock, volumes, boluses, alarms; pure text."""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from pump_programmer.times import clock_text, distance_text
from pump_programmer.words import spaced
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import AlarmFlag, BolusOutcome, Mode, ServiceState

_WHOLE_NUMBER: Final = re.compile(r"(?<![\d.])\d{4,}")


def volume(volume_nl: int) -> str:
    """A volume that nobody programmed, to the nearest microliter."""
    return f"{units.decimal_text(units.nearest(volume_nl, 1_000), 1_000)} mL"


def grouped(text: str) -> str:
    """*text* with its whole numbers in groups of three digits: "100,000 mcg/mL"."""
    return _WHOLE_NUMBER.sub(lambda number: f"{int(number.group()):,}", text)


class Dated(Protocol):
    """What dates moments: pump time now, and what the pump's clock showed at pump time 0."""

    @property
    def at_ms(self) -> int:
        """Pump time now."""
        ...

    @property
    def implanted_clock_ms(self) -> int:
        """The local clock at pump time 0, as it is set now."""
        ...


@dataclass(frozen=True, slots=True)
class PumpClock:
    """The clock of a pump of which no more is known."""

    at_ms: int
    implanted_clock_ms: int


def moment(status: Dated, at_ms: int) -> str:
    """A moment of pump time on the pump's clock as it is set now."""
    return clock_text(status.implanted_clock_ms + at_ms)


def when(status: Dated, at_ms: int | None) -> str:
    """A moment on the pump's clock, and how far away it is."""
    if at_ms is None:
        return "never"
    return f"{moment(status, at_ms)} ({distance_text(status.at_ms, at_ms)})"


def service(state: ServiceState) -> str:
    """Where the pump is in its life."""
    return spaced(state)


def bolus_line(status: m.StatusReport, bolus: m.BolusReport) -> str:
    """A bolus that runs, or the last one."""
    kind = spaced(bolus.kind)
    if bolus.outcome is BolusOutcome.RUNNING:
        ends_at_ms = bolus.started_at_ms + bolus.duration_ms
        return (
            f"{kind} RUNNING: {volume(bolus.delivered_nl)} of {volume(bolus.volume_nl)}, "
            f"ends {when(status, ends_at_ms)}"
        )
    return (
        f"{kind} {spaced(bolus.outcome)}: "
        f"{volume(bolus.delivered_nl)} of {volume(bolus.volume_nl)}, "
        f"begun {when(status, bolus.started_at_ms)}"
    )


def log_range(held: m.LogRange) -> str:
    """What a log holds."""
    lost = f", {held.overwritten} older ones overwritten" if held.overwritten else ""
    if held.next_sequence <= held.first_sequence:
        return f"no records{lost}"
    return f"records {held.first_sequence} to {held.next_sequence - 1}{lost}"


def alarm_state(record: m.AlarmRecord) -> str:
    """One alarm as it stands, where no clock is known to tell when that began."""
    flags = (flag.name or "" for flag in AlarmFlag if flag in record.flags)
    return f"ALARM {spaced(record.alarm)}: {', '.join(flags).lower() or 'over'}"


def runs_dry(status: m.StatusReport) -> bool:
    """Whether something is prescribed, and a pump that believes itself empty delivers nothing."""
    return status.believed_volume_nl == 0 and status.prescription.mode is not Mode.STOPPED


def alarm_line(status: Dated, record: m.AlarmRecord) -> str:
    """One alarm as it stands: what it is, and a line for each thing that has happened since."""
    parts = [f"ALARM {spaced(record.alarm)}: raised {when(status, record.raised_at_ms)}"]
    if record.cleared_at_ms is not None:
        parts.append(f"condition gone {when(status, record.cleared_at_ms)}")
    if AlarmFlag.ACKNOWLEDGED in record.flags:
        parts.append("acknowledged")
    elif AlarmFlag.LATCHED in record.flags:
        parts.append("latched until acknowledged")
    if AlarmFlag.SILENCED in record.flags:
        parts.append(f"silenced until {when(status, record.silenced_until_ms)}")
    return ",\n  ".join(parts)


def patient_boluses_line(status: m.StatusReport, state: m.PatientBolusState) -> str:
    """How many patient boluses are left, and when the next may be asked for."""
    left = f"{state.left} of {state.allotted_per_day} in 24 h left"
    if state.next_at_ms <= status.at_ms:
        return f"{left}, the next at once"
    return f"{left}, the next from {when(status, state.next_at_ms)}"
