"""The pump's end of a real port in the hands of a case: bytes are kept until the case wants them.

It knows no frames, and no programmer.
"""

from collections.abc import Callable
from typing import Final

from pump_protocol.conformance.verdicts import Broken, Unmet
from pump_sim.ports import Port, PortError, open_port

LIMIT_BYTES: Final = 256 * 1024
"""How much may come in one conversation: ten times a whole therapy log, and less than a flood."""


class Line:
    """A port, for one programmer; make one with :meth:`open`.

    :param on_data: called when there is something new to take.
    """

    def __init__(self, port: Port, on_data: Callable[[], None]) -> None:
        self._port = port
        self._on_data = on_data
        self._received = bytearray()
        self._count = 0

    @classmethod
    async def open(cls, kind: str, on_data: Callable[[], None]) -> "Line":
        """A new port of that kind.

        :raises Broken: the system has none.
        """
        try:
            line = cls(open_port(kind), on_data)
            await line._port.start(line)
        except PortError as error:
            raise Broken(str(error)) from error
        return line

    @property
    def address(self) -> str:
        """What the programmer opens."""
        return self._port.address

    @property
    def has_data(self) -> bool:
        """Whether there is something to take, or to complain of."""
        return bool(self._received) or self._count > LIMIT_BYTES

    def take(self) -> bytes:
        """What the programmer has sent and nobody took.

        :raises Unmet: that was more than it can mean.
        """
        if self._count > LIMIT_BYTES:
            raise Unmet(f"it sent more than {LIMIT_BYTES:,} bytes: a flood, and no conversation")
        data = bytes(self._received)
        self._received.clear()
        return data

    def send(self, data: bytes) -> None:
        """Write it, as far as it fits."""
        if data:
            self._port.send(data)

    async def close(self) -> None:
        """The port goes away; may be called twice."""
        await self._port.close()

    # --- What the port tells ---------------------------------------------------------------------

    def connected(self) -> None:
        """The programmer is there; it speaks first."""

    def received(self, data: bytes) -> None:
        """The programmer has sent something."""
        self._count += len(data)
        if self._count <= LIMIT_BYTES:
            self._received += data
        self._on_data()

    def disconnected(self) -> None:
        """The programmer has left; whether that is all of it, its process tells."""
