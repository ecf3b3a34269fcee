"""What a port is, what can go wrong with one, and how a spec becomes one.

Does no I/O itself and knows nothing of what the bytes mean.
"""

from __future__ import annotations

import sys
from typing import Protocol

_SPECS = "pty, pty:LINK, tcp, tcp:PORT, tcp:HOST:PORT, rfc2217, rfc2217:PORT, rfc2217:HOST:PORT"
LOOPBACK = "127.0.0.1"


class PortError(Exception):
    """A port cannot be made or used; the message says which and why.

    PortError
    ├── PortSpecError   the spec is wrong: nothing that the system does can make it work
    └── PortBusyError   the address or the link belongs to somebody else at the moment
    """


class PortSpecError(PortError):
    """The spec is not one of the allowed forms; the message has the value and the forms."""


class PortBusyError(PortError):
    """Another process, or another pump, has the address or the link."""


class Listener(Protocol):
    """Who is told what happens on a port. Called on the event loop; must not block."""

    def connected(self) -> None:
        """A peer is there. A pty cannot tell, and never calls this."""

    def received(self, data: bytes) -> None:
        """The next bytes of the stream, at least one, split anywhere."""

    def disconnected(self) -> None:
        """The peer left. Called once for each `connected`."""


class Port(Protocol):
    """One end of a byte pipe, for one peer at a time. Started once, closed once."""

    @property
    def address(self) -> str:
        """What a programmer opens: a path or a URL of pyserial's `serial_for_url`.

        Raises PortError before `start`: until then a free TCP port or pty has no number.
        """

    @property
    def dropped_bytes(self) -> int:
        """How many bytes given to `send` nobody took, since the start."""

    async def start(self, listener: Listener) -> None:
        """Claim the address and begin to listen.

        Raises PortBusyError when somebody has the address, PortError when it cannot be had.
        """

    def send(self, data: bytes) -> None:
        """Write at once what can be written and drop the rest, as a serial line does.

        Never blocks and never raises for the peer's sake. Call it on the event loop.
        """

    def hang_up(self) -> bool:
        """End the connection with the peer after what was sent, and be ready for the next one.

        False when there is nobody, or, as on a pty, nobody who could be told: then nothing happens.
        """

    async def close(self) -> None:
        """Give the address back. May be called twice, or without `start`."""


def default_spec() -> str:
    """The spec used when none is given: a pty, and on Windows, which has none, TCP."""
    return "tcp" if sys.platform == "win32" else "pty"


def open_port(spec: str) -> Port:
    """Make the port that `spec` names, not started yet.

    ``pty`` (a new pseudo-terminal), ``pty:LINK`` (the same under a stable name),
    ``tcp`` and ``rfc2217`` (a free port on the loopback), ``tcp:PORT``, ``tcp:HOST:PORT``
    (an IPv6 host in brackets).

    Raises PortSpecError for anything else.
    """
    kind, colon, rest = spec.partition(":")
    if colon and not rest:
        raise PortSpecError(f"port {spec!r}: nothing after the colon; allowed: {_SPECS}")
    if kind == "pty":
        return _open_pty(rest)
    if kind in {"tcp", "rfc2217"}:
        host, port = _parse_host_port(spec, rest)
        if kind == "tcp":
            from pump_sim.ports.tcp import TcpPort  # noqa: PLC0415 - a pty needs no network code

            return TcpPort(host, port)
        from pump_sim.ports.rfc2217 import Rfc2217Port  # noqa: PLC0415 - only this loads pyserial

        return Rfc2217Port(host, port)
    raise PortSpecError(f"port {spec!r}: unknown kind {kind!r}; allowed: {_SPECS}")


def _open_pty(link: str) -> Port:
    if sys.platform != "win32":
        from pump_sim.ports.pty import PtyPort  # noqa: PLC0415 - Windows cannot import it

        return PtyPort(link or None)
    raise PortSpecError("port 'pty': pty ports need a POSIX system; use tcp")


def _parse_host_port(spec: str, rest: str) -> tuple[str, int]:
    host, colon, number = rest.rpartition(":")
    if not rest:
        return LOOPBACK, 0
    if colon and not host:
        raise PortSpecError(f"port {spec!r}: the host is empty; allowed: {_SPECS}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise PortSpecError(f"port {spec!r}: write an IPv6 host in brackets, as in tcp:[::1]:4001")
    # isascii: str.isdigit() alone also accepts other scripts' digits and superscripts.
    if not (number.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535):
        raise PortSpecError(
            f"port {spec!r}: PORT is {number!r}; allowed: a number from 0 (any free one) to 65535"
        )
    return host or LOOPBACK, int(number)
