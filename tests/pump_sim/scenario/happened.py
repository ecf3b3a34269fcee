"""Happenings made by hand, so that judging and tracing can be tested without any play."""

from typing import Any

from pydantic import TypeAdapter

from pump_sim.model.events import AccessEntry, AccessEvent, EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.model.prescription import Mode
from pump_sim.scenario.file.acts import AnyAct
from pump_sim.scenario.file.document import Choice
from pump_sim.scenario.file.expectations import AnyExpectation
from pump_sim.scenario.happenings import (
    Acted,
    Chosen,
    Flagged,
    Look,
    Noted,
    Outcome,
    Recorded,
)

SECOND = 1_000
HOUR = 3_600_000
DAY = 24 * HOUR

_EXPECTATION: TypeAdapter[AnyExpectation] = TypeAdapter(AnyExpectation)
_ACT: TypeAdapter[AnyAct] = TypeAdapter(AnyAct)


def expecting(**given: Any) -> AnyExpectation:
    """An expectation as a file has it; `from_` is the key `from`."""
    return _EXPECTATION.validate_python({key.rstrip("_"): each for key, each in given.items()})


def acting(**given: Any) -> AnyAct:
    """An act as a file has it, at 1 h unless told otherwise; `for_` is the key `for`."""
    told = {"time": "1 h", **{key.rstrip("_"): each for key, each in given.items()}}
    return _ACT.validate_python(told)


def look(at_ms: int, **given: Any) -> Look:
    """A look at a pump that runs undisturbed."""
    seen: dict[str, Any] = {
        "serial_number": "SIM-0001",
        "implanted": True,
        "mode": Mode.SIMPLE_CONTINUOUS,
        "believed_volume_nl": 18_000_000,
        "actual_volume_nl": 17_900_000,
        "believed_rate_nl_per_day": 400_000,
        "actual_rate_nl_per_day": 410_000,
        "prescribed_dose_ng": 800_000,
        "received_ng": 0,
        "tip_dose_ng_per_day": 800_000.0,
        "csf_ng_per_ml": 250.0,
        "effect_ppm": 985_000,
        "flags": (),
        "active_alarms": (),
        "battery_remaining_ppm": 990_000,
        "delivered_ratio_ppm": None,
        "tone": None,
    }
    return Look(at_ms=at_ms, **{**seen, **given})


def recorded(at_ms: int, event: EventCode, a: int = 0, b: int = 0) -> Recorded:
    """A record of the therapy log, of a pump that was implanted 5 s before the scenario began."""
    entry = LogEntry(7, at_ms + 5 * SECOND, event, a, b, 0, 1)
    return Recorded(at_ms=at_ms, serial_number="SIM-0001", entry=entry)


def noted(
    at_ms: int, event: AccessEvent, code: int = 0, *, count: int = 1, times: int = 1
) -> Noted:
    """A record of the access log that is new, or was counted up."""
    entry = AccessEntry(3, event, 0x07, code, 0, count, 0, at_ms, 0xABC)
    return Noted(at_ms=at_ms, serial_number="SIM-0001", entry=entry, times=times)


def raised(at_ms: int, alarm: Alarm = Alarm.LOW_RESERVOIR) -> Recorded:
    """An alarm is raised."""
    return recorded(at_ms, EventCode.ALARM_RAISED, alarm.value, AlarmClass.NON_CRITICAL.value)


def cleared(at_ms: int, alarm: Alarm = Alarm.LOW_RESERVOIR) -> Recorded:
    """The condition of an alarm goes."""
    return recorded(at_ms, EventCode.ALARM_CLEARED, alarm.value)


def flagged(at_ms: int, *flags: PatientFlag, began: tuple[PatientFlag, ...]) -> Flagged:
    """The patient's flags change."""
    return Flagged(at_ms=at_ms, flags=flags, began=began)


def acted(
    act: AnyAct, outcome: Outcome = Outcome.DONE, *refused: str, text: str = "", at_ms: int = HOUR
) -> Acted:
    """An act is over."""
    return Acted(at_ms=at_ms, act=act, outcome=outcome, refused=refused, text=text)


CHOICE = Choice.model_validate(
    {
        "time": "2 h",
        "name": "answer",
        "ask": "Does anybody come?",
        "option": [
            {"name": "come", "title": "Somebody comes", "expect": [{"mode": "flex", "at": "3 h"}]},
            {"name": "stay", "title": "Nobody comes"},
        ],
    }
)
"""Somebody comes, and then the mode must be flex at 3 h; or nobody comes."""


def chosen(option: int = 0) -> Chosen:
    """An option of :data:`CHOICE` is chosen at its time."""
    return Chosen(at_ms=2 * HOUR, choice=CHOICE, option=CHOICE.option[option])
