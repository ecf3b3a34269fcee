"""What happened in a room, as lines of a log for people: one for each happening worth a line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

from pump_protocol.events import LinkAuthenticated, LinkEnded
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.narration import describe
from pump_sim.scenario.file.acts import Attack, Break, ByProgrammer, Clear
from pump_sim.scenario.happenings import (
    Acted,
    Asked,
    Chosen,
    Ended,
    FaultChanged,
    Flagged,
    Happening,
    Intervened,
    Noted,
    OnSession,
    Recorded,
    Replaced,
    Said,
)
from pump_sim.texts import spaced


class Kind(Enum):
    """What a line is about."""

    LOG = "log"
    ALARM = "alarm"
    ACT = "act"
    PROGRAMMER = "programmer"
    SAID = "said"
    CHOICE = "choice"
    FLAG = "flag"
    FAULT = "fault"
    LINK = "link"
    END = "end"


_READ_BY_PROGRAMMERS: Final = frozenset({Kind.LOG, Kind.ALARM, Kind.PROGRAMMER})
"""What a programmer's log tells. Patients show signs, which a page tells."""

SIGNS: Final[Mapping[PatientFlag, tuple[str, str]]] = {
    PatientFlag.UNDERDOSE: (
        "spasticity returns",
        "Muscle tone rises again; the heart beats fast, the skin itches without a rash.",
    ),
    PatientFlag.WITHDRAWAL: (
        "signs of withdrawal",
        "Fever, rigid muscles, confusion, unstable blood pressure. It can kill within days.",
    ),
    PatientFlag.OVERDOSE_WATCH: (
        "drowsy and limp",
        "Drowsiness, light-headedness, less tone than the patient needs.",
    ),
    PatientFlag.OVERDOSE: (
        "signs of overdose",
        "Hard to wake, breathing slowly, limp. Without help: coma, no breathing.",
    ),
}
"""What somebody at the bedside sees. Withdrawal: domain.md 5.1, P56; overdose: P51, P57. Teaching
words for teaching thresholds: no list for a diagnosis."""

_ALARM_EVENTS: Final = frozenset(
    {
        EventCode.ALARM_RAISED,
        EventCode.ALARM_CLEARED,
        EventCode.ALARM_ACKNOWLEDGED,
        EventCode.ALARM_SILENCED,
        EventCode.ALARM_TESTED,
        EventCode.ALARM_INTERVAL_SET,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A line of the log of a room.

    `index` counts from 1 in the present take. `severity` is the class of an alarm, else "info".
    """

    index: int
    elapsed_ms: int
    clock_local_ms: int
    kind: Kind
    text: str
    severity: str = "info"
    by: str = "pump"
    notable: bool = False
    """Whether people would want to go back to just before it."""
    asks: bool = False
    """Whether it asks for a decision."""
    aloud: bool = False
    """Whether trainees may know of it."""

    def as_json(self) -> dict[str, Any]:
        """The line as JSON has it."""
        told = {**asdict(self), "kind": self.kind.value}
        del told["asks"]
        return told


@dataclass(frozen=True, slots=True)
class _Line:
    kind: Kind
    text: str
    by: str = "pump"
    severity: str = "info"
    notable: bool = False
    aloud: bool = False


def event_of(happening: Happening, index: int, clock_local_ms: int) -> Event | None:
    """The line of a happening; None where it is worth none.

    :param clock_local_ms: the pump's local clock at that moment.
    """
    line = _line(happening)
    if line is None:
        return None
    return Event(
        index=index,
        elapsed_ms=happening.at_ms,
        clock_local_ms=clock_local_ms,
        kind=line.kind,
        text=line.text,
        severity=line.severity,
        by=line.by,
        notable=line.notable,
        asks=isinstance(happening, Asked),
        aloud=line.aloud or line.kind in _READ_BY_PROGRAMMERS,
    )


def _line(happening: Happening) -> _Line | None:  # noqa: C901, PLR0911, PLR0912 - one a kind
    match happening:
        case Recorded():
            return _record(happening)
        case Said(text=text, aloud=aloud):
            return _Line(Kind.SAID, text, "scenario", aloud=aloud)
        case Acted(act=Break() | Clear()):
            return None  # the fault itself is told when it begins and ends
        case Acted():
            return _act(happening)
        case Intervened(text=text, refused=refused):
            codes = f" - refused: {', '.join(map(spaced, refused))}" if refused else ""
            return _Line(Kind.ACT, f"{text}{codes}", "instructor", notable=True)
        case Asked(choice=choice):
            return _Line(Kind.CHOICE, choice.ask, "scenario", notable=True, aloud=choice.aloud)
        case Chosen(choice=choice, option=option):
            text = f"decided: {option.title}"
            return _Line(Kind.CHOICE, text, "instructor", aloud=choice.aloud)
        case Flagged(flags=flags):
            shown = ", ".join(each.value for each in flags) or "as usual"
            return _Line(Kind.FLAG, f"patient: {shown}", "patient", notable=True)
        case FaultChanged(fault=fault, began=began):
            lasts = fault in FAULTS and FAULTS[fault].lasts
            state = "" if not lasts else " begins" if began else " is over"
            return _Line(Kind.FAULT, f"{spaced(fault)}{state}", "scenario", notable=began)
        case Noted() if happening.refused is not None:
            asked = "" if happening.times == 1 else f" ({happening.times} times)"
            why = f"refused on the link: {spaced(happening.refused)}{asked}"
            return _Line(Kind.PROGRAMMER, why, "pump")
        case OnSession(event=LinkAuthenticated(role=role)):
            text = f"a programmer opened a link with the key of the {spaced(role.name)}"
            return _Line(Kind.LINK, text, "programmer")
        case OnSession(event=LinkEnded(cause=cause)):
            return _Line(Kind.LINK, f"the link ended: {spaced(cause.name)}", "programmer")
        case Replaced(serial_number=serial_number):
            return _Line(Kind.ACT, f"pump {serial_number} is in place", "scenario", notable=True)
        case Ended():
            return _Line(Kind.END, "the scenario is over; the pump goes on", "scenario")
        case _:
            return None


def _record(recorded: Recorded) -> _Line:
    entry = recorded.entry
    by = "programmer" if entry.link_id else "pump"
    if entry.event not in _ALARM_EVENTS:
        kind = Kind.PROGRAMMER if entry.link_id else Kind.LOG
        return _Line(kind, describe(entry), by, notable=kind is Kind.PROGRAMMER)
    raised = entry.event is EventCode.ALARM_RAISED
    severity = severity_of(Alarm(entry.a)) if raised else "info"
    return _Line(Kind.ALARM, describe(entry), by, severity, notable=raised)


def _act(acted: Acted) -> _Line:
    act = acted.act
    name = spaced(str(getattr(act, act.family)))
    came_of_it = f" ({acted.text})" if acted.text else ""
    # An attack is nobody's programmer: what the pump refuses of it, its own log tells.
    by_programmer = isinstance(act, ByProgrammer) and not isinstance(act, Attack)
    kind = Kind.PROGRAMMER if by_programmer else Kind.ACT
    who = "programmer" if by_programmer else "scenario"
    text = f"{name}: {spaced(acted.outcome.value)}{came_of_it}"
    return _Line(kind, text, who, notable=True)


def severity_of(alarm: Alarm) -> str:
    """The class of an alarm, as JSON has it."""
    critical = RULES[alarm].alarm_class is AlarmClass.CRITICAL
    return "critical" if critical else "non_critical"
