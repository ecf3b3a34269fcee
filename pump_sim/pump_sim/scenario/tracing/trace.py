"""What happens in a play, told as the lines of a trace; it judges nothing and opens no file.

The same happenings give the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, fields
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel

from pump_protocol._version import __version__
from pump_protocol.events import Event as LinkEvent
from pump_protocol.events import HandshakeAnswered
from pump_protocol.slicing import message_name
from pump_protocol.wiretap import FrameView, SecretsHeard, Wiretap
from pump_sim.narration import describe
from pump_sim.notice import security_profile
from pump_sim.scenario.file.acts import Act
from pump_sim.scenario.file.branches import Way
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.quantities import Flow
from pump_sim.scenario.happenings import (
    Acted,
    Asked,
    Chosen,
    Ended,
    FaultChanged,
    Flagged,
    Framed,
    Happening,
    Impaired,
    Intervened,
    Look,
    Noted,
    OnSession,
    Outcome,
    Recorded,
    Replaced,
    Said,
)
from pump_sim.scenario.judging.judge import Verdict
from pump_sim.scenario.tracing import session_view
from pump_sim.scenario.tracing.trace_lines import (
    AccessLine,
    ActedLine,
    AnyLine,
    ChosenLine,
    DirectionName,
    EndLine,
    ExpectationLine,
    FaultLine,
    FlagsLine,
    FrameLine,
    ImpairedLine,
    LookLine,
    RecordLine,
    ReplacedLine,
    SaidLine,
    SessionLine,
    StartLine,
    to_text,
)

_WISHES: Final = frozenset({"time_ms", "note", "refused", "outcome"})
"""Fields of an act that say when, why and with what result: no parameters of it."""


class Tracer:
    """Traces one play: :meth:`begin`, then :meth:`hear` all that happens, then :meth:`close`.

    :param scenario_name: what the scenario is called.
    :param branch: the options picked, as (choice, option).
    :param write: takes each line, with the newline at its end.
    """

    def __init__(
        self,
        scenario_name: str,
        branch: Iterable[tuple[str, str]],
        write: Callable[[str], None],
    ) -> None:
        self._common: dict[str, Any] = {
            "scenario": scenario_name,
            "branch": Way(branch).texts,
        }
        self._write = write
        self._at_ms = 0
        self._link_ns = 0
        self._secrets = SecretsHeard()
        self._taps = {
            to_pump: Wiretap(to_pump=to_pump, secrets=self._secrets) for to_pump in (True, False)
        }

    def begin(self, scenario: Scenario, serial_number: str) -> None:
        """Write the first line. *serial_number* is that of the pump with which it begins."""
        self._tell(
            StartLine(
                **self._common,
                therapy_ms=0,
                title=scenario.title,
                length_ms=scenario.length_ms,
                serial_number=serial_number,
                seed=scenario.seed,
                version=__version__,
                security=security_profile(scenario.pump.guarded),
                updates=scenario.pump.updates,
            )
        )

    def hear(self, happening: Happening) -> None:
        """Write what *happening* gives: one line; of bytes on the wire one for each frame."""
        self._at_ms = happening.at_ms
        if isinstance(happening, Framed):
            self._link_ns = happening.link_ns
            tap = self._taps[happening.to_pump]
            self._tell_frames(happening.to_pump, tap.hear(happening.data, happening.link_ns))
        elif isinstance(happening, OnSession):
            self._link_ns = happening.link_ns
            self._tell_session(happening.event)
        elif not isinstance(happening, Asked | Ended):
            self._tell(_line(happening, {**self._common, "therapy_ms": happening.at_ms}))

    def close(self, verdicts: Iterable[tuple[Verdict, int | None]] = ()) -> None:
        """Write the last lines: unfinished frames, each verdict with its line in the file, the end.

        A verdict's time is the moment that decided it; the end, where none did.
        """
        for to_pump, tap in self._taps.items():
            self._tell_frames(to_pump, tap.give_up())
        for verdict, number in verdicts:
            self._tell(
                ExpectationLine(
                    **self._common,
                    therapy_ms=self._at_ms if verdict.at_ms is None else verdict.at_ms,
                    line=number,
                    what=verdict.expected,
                    met=verdict.met,
                    text=verdict.happened,
                )
            )
        self._tell(EndLine(**self._common, therapy_ms=self._at_ms))

    def _tell(self, line: AnyLine) -> None:
        self._write(to_text(line) + "\n")

    def _tell_session(self, event: LinkEvent) -> None:
        if isinstance(event, HandshakeAnswered):
            self._secrets.add(event.link_id, event.secrets)
        view = session_view.view(event)
        if view is not None:
            common = {**self._common, "therapy_ms": self._at_ms, "link_ns": self._link_ns}
            self._tell(SessionLine(**common, **asdict(view)))

    def _tell_frames(self, to_pump: bool, views: Iterator[FrameView]) -> None:
        for view in views:
            self._tell(
                FrameLine(
                    **self._common,
                    therapy_ms=self._at_ms,
                    link_ns=self._link_ns,
                    direction=_direction(to_pump),
                    hex=view.data.hex(),
                    message=view.message,
                    link_id=view.link_id,
                    sequence=view.sequence,
                    fields=view.fields,
                    reason=view.reason,
                    sealed=view.sealed,
                    counter=view.counter,
                )
            )


def _line(happening: Happening, common: dict[str, Any]) -> AnyLine:  # noqa: C901, PLR0911 - one a kind
    """The line of anything but bytes on the wire and the end."""
    match happening:
        case Said(text=text):
            return SaidLine(**common, text=text)
        case Acted():
            return _acted(happening, common)
        case Intervened():
            return _intervened(happening, common)
        case Recorded():
            return _record(happening, common)
        case Noted():
            return _noted(happening, common)
        case Flagged(flags=flags, began=began):
            return FlagsLine(**common, flags=_names(flags), began=_names(began))
        case FaultChanged(fault=fault, fault_id=fault_id, began=fault_began):
            return FaultLine(**common, fault=fault, fault_id=fault_id, began=fault_began)
        case Impaired():
            return ImpairedLine(
                **{**common, "link_ns": happening.link_ns},
                direction=_direction(happening.to_pump),
                what=happening.what,
                hex=happening.data.hex(),
            )
        case Chosen(choice=choice, option=option):
            return ChosenLine(**common, choice=choice.name, option=option.name, title=option.title)
        case Replaced(serial_number=serial_number):
            return ReplacedLine(**common, serial_number=serial_number)
        case Look():
            return _look(happening, common)
        case _:
            raise TypeError(f"{type(happening).__name__} is no line of its own")


def _acted(happening: Acted, common: dict[str, Any]) -> ActedLine:
    act = happening.act
    return ActedLine(
        **common,
        family=act.family,
        act=str(getattr(act, act.family)),
        outcome=happening.outcome.value,
        refused=happening.refused,
        text=happening.text,
        parameters=_parameters(act),
    )


def _intervened(happening: Intervened, common: dict[str, Any]) -> ActedLine:
    return ActedLine(
        **common,
        family="instructor",
        act=happening.act,
        outcome=(Outcome.REFUSED if happening.refused else Outcome.DONE).value,
        refused=happening.refused,
        text=happening.text,
        parameters={name: _plain(each) for name, each in happening.parameters.items()},
    )


def _record(happening: Recorded, common: dict[str, Any]) -> RecordLine:
    entry = happening.entry
    return RecordLine(
        **common,
        serial_number=happening.serial_number,
        sequence=entry.sequence,
        pump_ms=entry.at_ms,
        event=entry.event.name.lower(),
        a=entry.a,
        b=entry.b,
        link_id=entry.link_id,
        prescription_version=entry.prescription_version,
        text=describe(entry),
    )


def _noted(happening: Noted, common: dict[str, Any]) -> AccessLine:
    entry = happening.entry
    return AccessLine(
        **common,
        serial_number=happening.serial_number,
        sequence=entry.sequence,
        event=happening.name,
        message=message_name(entry.request),
        role=happening.role,
        refused=happening.refused,
        link_id=entry.last_link_id,
        count=entry.count,
        times=happening.times,
    )


def _look(look: Look, common: dict[str, Any]) -> LookLine:
    seen: dict[str, Any] = {each.name: getattr(look, each.name) for each in fields(look)}
    del seen["at_ms"], seen["tone"]
    seen["mode"] = look.mode.name.lower()
    seen["flags"], seen["active_alarms"] = _names(look.flags), _names(look.active_alarms)
    tone, every_ms = (None, None) if look.tone is None else look.tone
    seen["tone"], seen["tone_every_ms"] = None if tone is None else tone.name.lower(), every_ms
    return LookLine(**common, **seen)


def _names(codes: Iterable[Enum]) -> tuple[str, ...]:
    return tuple(each.name.lower() for each in codes)


def _direction(to_pump: bool) -> DirectionName:
    return "to_pump" if to_pump else "to_programmer"


def _parameters(act: Act) -> dict[str, Any]:
    """What an act is given: its fields, named with their units, but those that are absent."""
    given = {**dict(act), **(act.model_extra or {})}
    left_out = {*_WISHES, act.family}
    return {
        name: _plain(value)
        for name, value in given.items()
        if name not in left_out and value is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Flow):
        return {name: each for name, each in value._asdict().items() if each is not None}
    if isinstance(value, BaseModel):
        return {name: _plain(each) for name, each in value if each is not None}
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value
