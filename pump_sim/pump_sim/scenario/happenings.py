"""What happens while a scenario is played, in order: for the judge, the trace and the narrator.

Times are ms since the start of the scenario, whatever pump is in place by then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from pump_protocol.codes import RefusalCode, UserRole
from pump_protocol.events import Event as LinkEvent
from pump_sim.model.events import AccessEntry, AccessEvent, LogEntry
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.model.prescription import Mode
from pump_sim.scenario.file.acts import Act
from pump_sim.scenario.file.document import Choice, Option

REFUSING: Final = frozenset(
    {
        AccessEvent.REFUSED,
        AccessEvent.SEQUENCE_MISUSED,
        AccessEvent.AUTHENTICATION_FAILED,
        AccessEvent.NOT_AUTHENTIC,
    }
)
"""The events of the access log that are refusals, with a code."""


class Outcome(Enum):
    """What came of an act."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    """The request may have been carried out: no reply, and the pump could not be asked."""
    NO_ANSWER = "no_answer"
    """Certainly not carried out: nobody answered."""
    CUT = "cut"
    """The programmer went away half-way, as the scenario says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something was told to those who watch; `aloud`: to trainees, too."""

    at_ms: int
    text: str
    aloud: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """An act is over. `refused` has the names, in lower case, of the codes why the pump refused.

    `text` says in words what came of it; of a fill, what was drawn out and what was expected.
    """

    at_ms: int
    act: Act
    outcome: Outcome
    refused: tuple[str, ...] = ()
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervened:
    """Somebody outside the scenario did something to the pump: an instructor, a test.

    `act` is the name of a command of the door, `parameters` what was given with it.
    """

    at_ms: int
    act: str
    parameters: Mapping[str, Any]
    text: str
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The pump wrote a record of its therapy log. `entry.at_ms` is the pump's time."""

    at_ms: int
    serial_number: str
    entry: LogEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """The pump noted in its access log who asked or was refused: once, or once more.

    `entry.count` says how often by now, `times` how often since the last look.
    """

    at_ms: int
    serial_number: str
    entry: AccessEntry
    times: int

    @property
    def name(self) -> str:
        """What the event is called."""
        return self.entry.event.name.lower()

    @property
    def refused(self) -> str | None:
        """The name, in lower case, of the code with which the pump refused; None if it did not."""
        if self.entry.event not in REFUSING or self.entry.code not in set(RefusalCode):
            return None
        return RefusalCode(self.entry.code).name.lower()

    @property
    def role(self) -> str | None:
        """Whose key it was, where somebody had one."""
        if self.entry.event not in (AccessEvent.AUTHENTICATED, AccessEvent.PAIRED):
            return None
        return UserRole(self.entry.code).name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSession:
    """The pump's end of the link decided something by itself: a handshake, a refusal, an end."""

    at_ms: int
    link_ns: int
    event: LinkEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Flagged:
    """The flags of the patient changed: these are shown from now on."""

    at_ms: int
    flags: tuple[PatientFlag, ...]
    began: tuple[PatientFlag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChanged:
    """A fault of the pump began to act, struck, or is over."""

    at_ms: int
    fault: str
    fault_id: int
    began: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """Bytes on the wire, where the pump's end is: what reached it, and what it sent."""

    at_ms: int
    link_ns: int
    to_pump: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Impaired:
    """A link fault acted on a frame. `what` says which and how, `data` is the frame as sent."""

    at_ms: int
    link_ns: int
    to_pump: bool
    what: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The scenario waits until somebody decides how it goes on."""

    at_ms: int
    choice: Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """It was decided how it goes on."""

    at_ms: int
    choice: Choice
    option: Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced:
    """Another pump is in place."""

    at_ms: int
    serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How everything stands at one moment. There may be several at one moment: before and after
    each act."""

    at_ms: int
    serial_number: str
    implanted: bool
    mode: Mode
    believed_volume_nl: int
    actual_volume_nl: int
    believed_rate_nl_per_day: int
    actual_rate_nl_per_day: int
    prescribed_dose_ng: int
    received_ng: int
    """What has come out at the tip since the start of the scenario."""
    tip_dose_ng_per_day: float
    csf_ng_per_ml: float
    effect_ppm: int | None
    """None where the patient is not judged by any prescription."""
    flags: tuple[PatientFlag, ...]
    active_alarms: tuple[Alarm, ...]
    battery_remaining_ppm: int
    delivered_ratio_ppm: int | None
    """Of the last fill; None before any, or where too little should have been delivered."""
    clock_local_ms: int | None = None
    """What the pump's own clock shows."""
    tone: tuple[AlarmClass, int] | None
    """The class of the tone that sounds again and again, and its interval in ms; None: silence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The scenario is over."""

    at_ms: int


Happening = (
    Said
    | Acted
    | Intervened
    | Recorded
    | Noted
    | OnSession
    | Flagged
    | FaultChanged
    | Framed
    | Impaired
    | Asked
    | Chosen
    | Replaced
    | Look
    | Ended
)
