"""What a test may ask of a pump: one method for each command of the door.

It knows neither sockets nor desks: whoever carries a question to a pump and the answer back, over
a door or within one process, inherits from it. What comes back is JSON as the pump wrote it.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

_MS: Final = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}

Object = dict[str, Any]


class ControlFailed(Exception):
    """The door answered with an error.

    :ivar code: what kind, such as ``bad_value``; see docs/reference/control-door.md.
    :ivar error: all that the answer told: message, field, value, allowed, and perhaps reasons.
    """

    def __init__(self, error: Object) -> None:
        super().__init__(error["message"])
        self.code: str = error["code"]
        self.error = error


class ConnectionEnded(Exception):
    """The door is not there, went away, or did not answer in time."""


class Asker(ABC):
    """Asks a pump by its commands, and keeps what was told unasked."""

    def __init__(self) -> None:
        self._events: deque[Object] = deque()

    @abstractmethod
    def ask(self, do: str, *, pump: str | None = None, **fields: Any) -> Object:
        """Have any command carried out and return its result; fields that are None are not sent.

        :raises ControlFailed: the answer is an error; nothing has happened.
        :raises ConnectionEnded: there was no answer.
        """

    # --- Time ------------------------------------------------------------------------------------

    def hello(self) -> Object:
        """Which pumps there are, and what the door can do."""
        return self.ask("hello")

    def time(self) -> Object:
        """What time it is, for the therapy and for the pump."""
        return self.ask("time")

    def speed(self, speed: float | str) -> Object:
        """Run *speed* times as fast as real time; 0 pauses, ``jump`` jumps after each exchange."""
        return self.ask("speed", speed=speed)

    def pause(self) -> Object:
        """Stop therapy time."""
        return self.ask("pause")

    def resume(self) -> Object:
        """Let therapy time run again."""
        return self.ask("resume")

    def advance(
        self, by: int | str | None = None, *, to_ms: int | str | None = None, **span: float
    ) -> Object:
        """Move therapy time at once: by ms or a text (``36 h``), or by ``days=``, ``hours=``,
        ``minutes=``, ``seconds=`` added up, or to ``to_ms`` since the implant.

        :raises TypeError: an unknown unit of a span, or more than one way to say how far.
        :raises ValueError: a span is no whole number of ms.
        """
        if span:
            if by is not None:
                raise TypeError("advance: give either by or a span in words, not both")
            by = _milliseconds(span)
        return self.ask("advance", by=by, to_ms=to_ms)

    def next_event(self) -> Object:
        """Move therapy time to the next moment at which something happens by itself."""
        return self.ask("next_event")

    # --- Doing -----------------------------------------------------------------------------------

    def inject(
        self,
        fault: str,
        *,
        at_ms: int | str | None = None,
        for_ms: int | str | None = None,
        parameters: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> int:
        """Break something, now or at a therapy time, and return the number of the fault.

        What the fault takes is given as keywords, or as *parameters* where a name is taken here.
        """
        given = {**(parameters or {}), **more}
        result = self.ask("inject", fault=fault, parameters=given, at_ms=at_ms, for_ms=for_ms)
        number: int = result["fault_id"]
        return number

    def clear(self, fault: int | str) -> Object:
        """End a fault by its number, or all of a name."""
        if isinstance(fault, str):
            return self.ask("clear", fault=fault)
        return self.ask("clear", fault_id=fault)

    def faults(self) -> Object:
        """Which faults are active and scheduled, and which kinds there are."""
        return self.ask("faults")

    def proximity(self, in_reach: bool | None = None, *, on_pump: bool | None = None) -> Object:
        """Bring the programming head within reach or out of it; lay it on the pump or lift it off.

        While it lies on the pump, there can be pairing and emergency access.
        """
        return self.ask("proximity", in_reach=in_reach, on_pump=on_pump)

    def button(self) -> Object:
        """Press the button on the programming head, for emergency access."""
        return self.ask("button")

    def pair(self, role: str | None = None) -> Object:
        """Have a one-time code shown for the key of a role, a clinician's unless told otherwise."""
        return self.ask("pair", role=role)

    def fill(
        self,
        volume_nl: int | str,
        *,
        concentration_ng_per_ml: int | str | None = None,
        rinsed: bool | None = None,
    ) -> Object:
        """Fill the reservoir with a needle; the pump does not notice."""
        return self.ask(
            "fill",
            volume_nl=volume_nl,
            concentration_ng_per_ml=concentration_ng_per_ml,
            rinsed=rinsed,
        )

    def fill_pocket(self, volume_nl: int | str) -> Object:
        """Empty the syringe beside the pump."""
        return self.ask("fill_pocket", volume_nl=volume_nl)

    def inject_catheter(
        self,
        volume_nl: int | str,
        concentration_ng_per_ml: int | str,
        *,
        duration_ms: int | str | None = None,
        aspirated: bool | None = None,
    ) -> int:
        """Inject through the catheter access port, and return the nL that get in."""
        result = self.ask(
            "inject_catheter",
            volume_nl=volume_nl,
            concentration_ng_per_ml=concentration_ng_per_ml,
            duration_ms=duration_ms,
            aspirated=aspirated,
        )
        injected_nl: int = result["injected_nl"]
        return injected_nl

    def explant(self) -> Object:
        """Take the pump out."""
        return self.ask("explant")

    def implant(
        self,
        serial_number: str,
        *,
        volume_nl: int | str | None = None,
        flow_factor_ppm: int | None = None,
        primed: bool | None = None,
    ) -> Object:
        """Put a new pump in its place; a client that names its pumps calls it by its number."""
        return self.ask(
            "implant",
            serial_number=serial_number,
            volume_nl=volume_nl,
            flow_factor_ppm=flow_factor_ppm,
            primed=primed,
        )

    def press(self) -> Object:
        """Press the patient's button."""
        return self.ask("press")

    def reset(self, cause: str) -> Object:
        """Have the pump's processor start anew."""
        return self.ask("reset", cause=cause)

    # --- Reading ---------------------------------------------------------------------------------

    def truth(self) -> Object:
        """What is physically so."""
        return self.ask("truth")

    def belief(self) -> Object:
        """What the pump says of itself."""
        return self.ask("belief")

    def both(self) -> Object:
        """Belief and truth side by side."""
        return self.ask("both")

    def patient(self) -> Object:
        """How the patient is."""
        return self.ask("patient")

    def log(self, first: int | None = None, limit: int | None = None) -> Object:
        """The therapy log from a sequence number on."""
        fields: dict[str, Any] = {"from": first, "limit": limit}
        return self.ask("log", **fields)

    def tones(self) -> Object:
        """What sounds now, and what will next."""
        return self.ask("tones")

    def state(self) -> Object:
        """Everything that the pump is, as :meth:`load` takes it."""
        return self.ask("state")

    def load(self, state: Object) -> Object:
        """Replace the pump by one in that state."""
        return self.ask("load", state=state)

    def renew(self) -> Object:
        """Put the pump back to how it was when it was started."""
        return self.ask("renew")

    # --- A scenario that is played ---------------------------------------------------------------

    def scenario(self) -> Object:
        """How far the scenario is, if one is played, and what it waits for."""
        return self.ask("scenario")

    def decide(self, option: str) -> Object:
        """Take an option of the choice that the scenario waits for."""
        return self.ask("decide", option=option)

    # --- Watching --------------------------------------------------------------------------------

    def watch(self, on: bool = True) -> Object:
        """Be told of records and faults from now on; see :meth:`events` and :meth:`wait_for`."""
        return self.ask("watch", on=on)

    def events(self) -> list[Object]:
        """What came unasked until the last answer, and was not given out yet."""
        told = list(self._events)
        self._events.clear()
        return told

    @abstractmethod
    def wait_for(self, event: str, timeout_s: float | None = None) -> Object:
        """The next event of that name: ``fault_began``, ``fault_ended``, or the name of a record's
        event. Others that come before it are dropped.

        :raises ConnectionEnded: it did not come in time.
        """


def _milliseconds(span: Mapping[str, float]) -> int:
    total = 0
    for unit, count in span.items():
        if unit not in _MS:
            raise TypeError(f"advance: {unit} is unknown; known are {', '.join(_MS)}")
        ms = count * _MS[unit]
        if ms != int(ms):
            raise ValueError(f"{unit} = {count}: that is no whole number of ms")
        total += int(ms)
    return total
