"""The line to the pump that is judged: carries out what cases ask for, in the time of the port.

It keeps no rule of the protocol: what is sent and what is expected, a case says.
"""

from collections.abc import Mapping
from time import monotonic, monotonic_ns, sleep
from typing import Any, Final, Protocol, Self

from pump_programmer.errors import PortBusy, PortUnavailable, PumpGone
from pump_programmer.transport import Transport, open_transport
from pump_protocol.conformance.steps import Elapse, Now, Receive, Reconnect, Send, Step, Use
from pump_protocol.conformance.verdicts import Broken, Unmet

_NS_PER_MS: Final = 1_000_000
_WRITE_S: Final = 2.0
"""How long a pump may leave what is sent to it unread; the rest is lost, as on any serial line."""

_RECONNECT_S: Final = 2.0
_SEEN_S: Final = 0.02
_TELLS_OF_LEAVING: Final = ("socket://", "rfc2217://")

_MOST_BYTES: Final = 1 << 20
"""More than any pump has to say in one wait: frames of 659 bytes, one for each request."""


class Hooks(Protocol):
    """Whoever does what is to be done beside the line."""

    def do(self, hook: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """Have it done, and wait until it is.

        :raises Broken: it cannot be done.
        """
        ...


class PumpLine:
    """A port, and what is offered beside it, as a driver of cases.

    Opens and closes the port by itself; use it as a context, so that it is given back.

    :param address: as :func:`pump_programmer.transport.open_transport` takes it.
    :param harness: offers the hooks; None for none.
    """

    def __init__(self, address: str, harness: Hooks | None = None) -> None:
        self._address = address
        self._harness = harness
        self._transport: Transport | None = None
        self._lost = False
        self._early = b""  # what came while we looked whether we are welcome

    @property
    def tells_of_leaving(self) -> bool:
        """Whether whoever is at the other end learns that a client has left, as on a pty nobody
        does."""
        return self._address.startswith(_TELLS_OF_LEAVING)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        """Open the port, if it is not open.

        :raises PortUnavailable: or its children.
        """
        if self._transport is None:
            self._transport = open_transport(self._address)
            self._lost = False

    def close(self) -> None:
        """Give the port back. May be called again."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def now_ms(self) -> int:
        """The time of the port, which within a test's process is its own."""
        return self._now_ns() // _NS_PER_MS

    def _now_ns(self) -> int:
        now_ns: int = getattr(self._transport, "monotonic_ns", monotonic_ns)()
        return now_ns

    def do(self, step: Step) -> object:
        """See :meth:`pump_protocol.conformance.suite.Driver.do`."""
        match step:
            case Now():
                return self.now_ms()
            case Use(hook=hook, fields=fields):
                return self._use(hook, fields)
            case Reconnect():
                self._reconnect()
                return None
            case Send() | Receive() | Elapse():
                return self._move(step)
            case _:
                raise Broken(f"a pump takes no step {type(step).__name__}")

    def _move(self, step: Send | Receive | Elapse) -> bytes | None:
        transport = self._opened()
        try:
            match step:
                case Send(data=data):
                    transport.write(data, _WRITE_S)
                    return None
                case Receive(within_ms=within_ms):
                    return self._take_early() or transport.read(within_ms / 1_000)
                case Elapse(ms=ms):
                    return self._take_early() + self._gather(transport, ms)
        except (PumpGone, PortBusy) as error:
            self._lost = True
            raise Unmet(str(error)) from error

    def _gather(self, transport: Transport, ms: int) -> bytes:
        """All that arrives within so long, which passes whatever arrives."""
        until_ns = self._now_ns() + ms * _NS_PER_MS
        gathered = bytearray()
        while (left_ns := until_ns - self._now_ns()) > 0:
            gathered += transport.read(left_ns / 1e9)
            if len(gathered) > _MOST_BYTES:
                raise Unmet(f"it sent more than {_MOST_BYTES:,} bytes within {ms} ms, unasked")
        return bytes(gathered)

    def _take_early(self) -> bytes:
        early, self._early = self._early, b""
        return early

    def _opened(self) -> Transport:
        if self._lost:
            raise Unmet(f"port {self._address} was lost before")
        try:
            self.open()
        except PortUnavailable as error:
            raise Broken(str(error)) from error
        assert self._transport is not None
        return self._transport

    def _reconnect(self) -> None:
        """Close the port and open it again, as soon as the other end has seen that we left.

        A port that was lost may come back a little later.
        """
        until_s = monotonic() + _RECONNECT_S
        while True:
            self.close()
            self._lost = False
            try:
                transport = self._opened()
            except Broken:
                if monotonic() >= until_s:
                    raise
                sleep(_SEEN_S)
                continue
            try:
                # One client at a time: a port that still has the last one closes this one at once.
                self._early = transport.read(_SEEN_S) if self.tells_of_leaving else b""
            except (PumpGone, PortBusy):
                if monotonic() >= until_s:
                    return  # what is sent next finds it lost
            else:
                return

    def _use(self, hook: str, fields: Mapping[str, Any]) -> object:
        if self._harness is None:
            raise Broken(f"no harness offers the hook {hook}")
        return self._harness.do(hook, fields)
