"""What a case asks of whoever drives it: bytes to send, bytes to wait for, time to pass.

A case is a generator that yields steps and is sent their results; it opens no port and asks no
clock. So the same case runs over a serial port, in memory and in virtual time. The functions below
are steps with the types of their results, for ``yield from``.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pump_protocol.handshake import LinkSecrets

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Write *data* at once. Result: None."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Receive:
    """Wait until something arrives, *within_ms* at the longest. Result: the bytes, perhaps none.

    Where a programmer is judged, its end ends the wait as well.
    """

    within_ms: int


@dataclass(frozen=True, slots=True)
class Elapse:
    """Let *ms* of link time pass, whatever arrives. Result: the bytes that arrived meanwhile."""

    ms: int


@dataclass(frozen=True, slots=True)
class Now:
    """Result: the link time, in ms from any origin."""


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Close the port and open it again. Result: None.

    Where a programmer is judged: the pump's port goes away, and what is started next finds
    another one.
    """


class Hook(StrEnum):
    """What a harness may offer beside the line. Each is a command of pump_sim's door for tests."""

    RENEW = "renew"
    """Put the pump back to how it was at its start: no link, no lock, the same keys."""
    ADVANCE = "advance"
    """Let therapy time pass."""
    SPEED = "speed"
    """Set how fast therapy time runs; 0 stops it. `renew` sets it back."""
    INJECT = "inject"
    """Break something."""
    CLEAR = "clear"
    """Mend it."""
    RESET = "reset"
    """Have the pump start anew into its safe state."""
    PROXIMITY = "proximity"
    """Lay the programming head on the pump, or lift it off."""
    BUTTON = "button"
    """Press the button of the programming head."""
    PAIR = "pair"
    """Show a pairing code."""


@dataclass(frozen=True, slots=True)
class Use:
    """Have the harness of a pump do something beside the line .

    *fields* are those of the command of pump_sim's door for tests. Result: what it answers, a
    mapping.
    """

    hook: Hook
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Start:
    """Start the programmer that is judged, with a task. Result: None.

    *task* is a name of :data:`pump_protocol.conformance.tasks.TASKS`, *values* what it takes. With
    *keyed* it is given the pump's key, if that has keys. Whether its user accepts a pump without
    keys is *consent*; None: if it is one. With *capitals* the key's text is in capitals, with white
    space around it (KEY-04).
    """

    task: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    keyed: bool = True
    consent: bool | None = None
    capitals: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How the programmer that is judged ended: its exit code and what it printed.

    `code` is negative if a signal ended it.
    """

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class AwaitEnd:
    """Wait for the programmer to end, *within_ms* at the longest. Result: Ended, or None."""

    within_ms: int


@dataclass(frozen=True, slots=True)
class Consulted:
    """What a good pump answered, and the keys of the links that it has given so far."""

    answer: bytes
    secrets: Mapping[int, LinkSecrets]


@dataclass(frozen=True, slots=True)
class Consult:
    """Ask a good pump what it answers to *data*. Result: Consulted.

    That pump is the one for which the case stands in: what it is told it carries out.
    """

    data: bytes


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the programmer has left *secret*, or its text in hexadecimal digits."""

    path: str
    mode: int


@dataclass(frozen=True, slots=True)
class FindTraces:
    """Look for *secret* in the files that the programmer wrote. Result: a tuple of Trace."""

    secret: bytes


Step = Send | Receive | Elapse | Now | Reconnect | Use | Start | AwaitEnd | Consult | FindTraces
Play = Generator[Step, Any, T]
"""A case, or a part of one, that gives a T in the end."""


def send(data: bytes) -> Play[None]:
    """See :class:`Send`."""
    yield Send(data)


def receive(within_ms: int) -> Play[bytes]:
    """See :class:`Receive`."""
    data: bytes = yield Receive(within_ms)
    return data


def elapse(ms: int) -> Play[bytes]:
    """See :class:`Elapse`."""
    data: bytes = yield Elapse(ms)
    return data


def now() -> Play[int]:
    """See :class:`Now`."""
    at_ms: int = yield Now()
    return at_ms


def reconnect() -> Play[None]:
    """See :class:`Reconnect`."""
    yield Reconnect()


def use(hook: Hook, **fields: Any) -> Play[Mapping[str, Any]]:
    """See :class:`Use`."""
    answer: Mapping[str, Any] = yield Use(hook, fields)
    return answer


def start(
    task: str,
    *,
    keyed: bool = True,
    consent: bool | None = None,
    capitals: bool = False,
    **values: str | int,
) -> Play[None]:
    """See :class:`Start`."""
    yield Start(task, values, keyed, consent, capitals)


def await_end(within_ms: int) -> Play[Ended | None]:
    """See :class:`AwaitEnd`."""
    ended: Ended | None = yield AwaitEnd(within_ms)
    return ended


def consult(data: bytes) -> Play[Consulted]:
    """See :class:`Consult`."""
    consulted: Consulted = yield Consult(data)
    return consulted


def find_traces(secret: bytes) -> Play[tuple[Trace, ...]]:
    """See :class:`FindTraces`."""
    traces: tuple[Trace, ...] = yield FindTraces(secret)
    return traces
