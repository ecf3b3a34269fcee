"""What the lines of a trace hold, and how they become text and come back.

A line is one JSON object: the keys of :class:`Line`, then those of its kind, in the order in which
they are declared here. docs/reference/scenario-trace.md is for people who read one. What makes a
line of a happening is :mod:`.trace`'s business.

A reader does::

    for play in read_trace(path.read_text("utf-8").splitlines()):
        play.scenario, play.branch          # "mri-scan", ("answer=stay",)
        play.start.title, play.start.length_ms
        for look in play.of(LookLine):      # in order of time
            look.therapy_ms, look.believed_volume_nl, look.effect_ppm
        [each for each in play.of(RecordLine) if each.event == "alarm_raised"]
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from pump_sim.scenario.file.branches import way_text

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
DirectionName = Literal["to_pump", "to_programmer"]

Int64 = Annotated[int, Field(ge=-(2**63), le=2**64 - 1)]
"""Of 64 bits, with a sign or without, as on the wire; beyond that nothing could be drawn."""
MomentMs = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""A moment of a play: never before its start."""


class TraceError(ValueError):
    """A trace that cannot be read: the message names the line and what is wrong with it."""


class _NoJsonError(TraceError):
    """A line is no JSON at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What every line says first: of which play it is, when that was, and what kind it is.

    Times are since the start of the scenario; `link_ns` is None of what has no link time.
    """

    scenario: str
    branch: tuple[str, ...]
    therapy_ms: MomentMs
    link_ns: Int64 | None = None
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLine(Line):
    """A play begins. The first line of every play."""

    kind: Literal["start"] = "start"
    title: str
    length_ms: MomentMs
    serial_number: str
    seed: Int64
    version: str
    security: str
    updates: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidLine(Line):
    """Something is told to those who watch."""

    kind: Literal["said"] = "said"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActedLine(Line):
    """An act is over."""

    kind: Literal["acted"] = "acted"
    family: str
    act: str
    outcome: str
    refused: tuple[str, ...]
    text: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine(Line):
    """The pump wrote a record of its therapy log. `pump_ms` is the pump's own time."""

    kind: Literal["record"] = "record"
    serial_number: str
    sequence: Int64
    pump_ms: Int64
    event: str
    a: Int64
    b: Int64
    link_id: Int64
    prescription_version: Int64
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessLine(Line):
    """The pump noted in its access log who asked, or was refused.

    `count` is how often by now, `times` how often since the line before of that record.
    """

    kind: Literal["access"] = "access"
    serial_number: str
    sequence: Int64
    event: str
    message: str | None
    role: str | None
    refused: str | None
    link_id: Int64
    count: Int64
    times: Int64


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine(Line):
    """The pump's end of the link decided something by itself: a handshake, a refusal, an end."""

    kind: Literal["session"] = "session"
    event: str
    link_id: Int64
    sequence: Int64 | None
    role: str | None
    key_id: Int64 | None
    message: str | None
    refused: tuple[str, ...]
    cause: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagsLine(Line):
    """The flags of the patient changed."""

    kind: Literal["flags"] = "flags"
    flags: tuple[str, ...]
    began: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultLine(Line):
    """A fault of the pump began to act, struck, or is over."""

    kind: Literal["fault"] = "fault"
    fault: str
    fault_id: Int64
    began: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLine(Line):
    """A frame on the wire, at the pump's end, or bytes between two that are none.

    Every byte is in exactly one of these lines. `message` is None where no type is known, `fields`
    where nothing could be decoded: `reason` then says why.
    """

    kind: Literal["frame"] = "frame"
    direction: DirectionName
    hex: str
    message: str | None
    link_id: Int64 | None
    sequence: Int64 | None
    fields: dict[str, Any] | None
    reason: str | None
    sealed: bool = False
    counter: Int64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpairedLine(Line):
    """A link fault acted on a frame; `hex` is the frame as it was sent."""

    kind: Literal["impaired"] = "impaired"
    direction: DirectionName
    what: str
    hex: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLine(Line):
    """It was decided how it goes on."""

    kind: Literal["chosen"] = "chosen"
    choice: str
    option: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacedLine(Line):
    """Another pump is in place."""

    kind: Literal["replaced"] = "replaced"
    serial_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LookLine(Line):
    """How everything stands. There may be several at one moment: before and after each act."""

    kind: Literal["look"] = "look"
    serial_number: str
    implanted: bool
    mode: str
    believed_volume_nl: Int64
    actual_volume_nl: Int64
    believed_rate_nl_per_day: Int64
    actual_rate_nl_per_day: Int64
    prescribed_dose_ng: Int64
    received_ng: Int64
    tip_dose_ng_per_day: float
    csf_ng_per_ml: float
    effect_ppm: Int64 | None
    flags: tuple[str, ...]
    active_alarms: tuple[str, ...]
    battery_remaining_ppm: Int64
    delivered_ratio_ppm: Int64 | None
    clock_local_ms: Int64 | None = None
    tone: str | None = None
    tone_every_ms: Int64 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectationLine(Line):
    """An expectation was judged: what was wanted, and what happened.

    `line` is that of the scenario's file, None where there is no file.
    """

    kind: Literal["expectation"] = "expectation"
    line: Int64 | None
    what: str
    met: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLine(Line):
    """The play is over. The last line of every play."""

    kind: Literal["end"] = "end"


AnyLine = (
    StartLine
    | SaidLine
    | ActedLine
    | RecordLine
    | AccessLine
    | SessionLine
    | FlagsLine
    | FaultLine
    | FrameLine
    | ImpairedLine
    | ChosenLine
    | ReplacedLine
    | LookLine
    | ExpectationLine
    | EndLine
)

_LINES: Final[TypeAdapter[AnyLine]] = TypeAdapter(Annotated[AnyLine, Field(discriminator="kind")])
_LineT = TypeVar("_LineT", bound=Line)


def to_text(line: AnyLine) -> str:
    """One line of a trace, without the newline at its end."""
    return json.dumps(
        {each.name: getattr(line, each.name) for each in fields(line)}, separators=(",", ":")
    )


@dataclass(frozen=True, slots=True)
class TracedPlay:
    """One way through one scenario, as a trace has it; `lines` begins with a :class:`StartLine`."""

    scenario: str
    branch: tuple[str, ...]
    start: StartLine
    lines: tuple[AnyLine, ...]

    def of(self, kind: type[_LineT]) -> list[_LineT]:
        """The lines of one kind, in order."""
        return [each for each in self.lines if isinstance(each, kind)]

    @property
    def complete(self) -> bool:
        """Whether the trace was written to its end."""
        return isinstance(self.lines[-1], EndLine)


def read_trace(lines: Iterable[str]) -> list[TracedPlay]:
    """The plays of a trace, in its order; a trace may hold many, one after the other.

    Keys that this version does not know are left out. So is a last line that was cut, as of a
    program that was killed while it wrote: it has no newline at its end and is no JSON.

    :raises TraceError: a line is no JSON, is of no known kind, lacks a key or has a value of
        another type, or is not of the play that was begun; there is no play at all.
    """
    plays: list[TracedPlay] = []
    collected: list[AnyLine] = []
    every = list(lines)
    for number, text in enumerate(every, 1):
        if not text.strip():
            continue
        try:
            line = _read_line(number, text)
        except _NoJsonError as error:
            if collected and number == len(every) and not text.endswith("\n"):
                break
            if not collected:
                raise TraceError(f"it is no trace: {error}") from None
            raise
        if isinstance(line, StartLine):
            plays += _play(collected)
            collected = []
        _check_belongs(number, line, collected)
        collected.append(line)
    plays += _play(collected)
    if not plays:
        raise TraceError("the trace is empty: a 'start' line is wanted")
    return plays


def _read_line(number: int, text: str) -> AnyLine:
    try:
        return _LINES.validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"][1:]))
        where = f"{place}: " if place else ""
        kind = _NoJsonError if first["type"] == "json_invalid" else TraceError
        raise kind(f"line {number}: {where}{first['msg']}") from None


def _check_belongs(number: int, line: AnyLine, collected: Sequence[AnyLine]) -> None:
    if isinstance(line, StartLine):
        return
    if not collected:
        raise TraceError(f"line {number}: kind = {line.kind!r}: a play begins with a 'start' line")
    first = collected[0]
    if (line.scenario, line.branch) != (first.scenario, first.branch):
        way = way_text(line.branch)
        raise TraceError(f"line {number}: it is of {line.scenario} ({way}), which was not begun")


def _play(lines: list[AnyLine]) -> list[TracedPlay]:
    if not lines:
        return []
    start = lines[0]
    assert isinstance(start, StartLine)
    return [TracedPlay(start.scenario, start.branch, start, tuple(lines))]
