"""A port that looks like a serial port over the network: telnet with RFC 2217 on TCP.

The only module of the ports that imports pyserial. The settings a client negotiates (baud
rate, parity, modem lines) are remembered and reported back, and change nothing else.
"""

from __future__ import annotations

import struct
from typing import Any

import serial
import serial.rfc2217

from pump_sim.ports.port import LOOPBACK, Listener
from pump_sim.ports.tcp import TcpPort

# Suboptions are a few bytes; only a signature, which is free text, may be longer.
SUBOPTION_LIMIT_BYTES = 256

# What pyserial's telnet filter raises for suboptions that are too short, unknown or never begun.
_MALFORMED = (struct.error, TypeError, KeyError)


class VirtualSerial:
    """The serial port that the client believes it sets up: attributes, and no behavior.

    The modem lines say that a device is there, switched on, and ready to receive.
    """

    cts = True
    dsr = True
    cd = True
    ri = False

    def __init__(self) -> None:
        self.baudrate = 115200
        self.parity = serial.PARITY_NONE
        self.stopbits: float = serial.STOPBITS_ONE
        self.xonxoff = False
        self.rtscts = False
        self.dtr = True
        self.rts = True
        self.break_condition = False
        self._bytesize = serial.EIGHTBITS

    @property
    def bytesize(self) -> int:
        """Data bits, 5 to 8; pyserial tells a client that asks for others what is in force."""
        return self._bytesize

    @bytesize.setter
    def bytesize(self, bits: int) -> None:
        if not 5 <= bits <= 8:
            raise ValueError(f"{bits} data bits; allowed: 5 to 8")
        self._bytesize = bits

    def reset_input_buffer(self) -> None:
        """Nothing to purge: a byte that arrives is handed on at once."""

    def reset_output_buffer(self) -> None:
        """Nothing to purge: a byte that is sent is in the socket."""


class Rfc2217Port:
    """A TCP port with telnet between the client and the listener. One client at a time.

    `line` has the settings that the present or last client negotiated; each client begins
    with the defaults.
    """

    def __init__(self, host: str = LOOPBACK, port: int = 0) -> None:
        self._tcp = TcpPort(host, port, scheme="rfc2217")
        self._listener: Listener | None = None
        self._telnet: Any = None  # pyserial's PortManager, typed for real serial ports only
        self.line = VirtualSerial()

    @property
    def address(self) -> str:
        """``rfc2217://HOST:PORT``; for a port on all interfaces, the loopback's."""
        return self._tcp.address

    @property
    def dropped_bytes(self) -> int:
        """How many bytes were dropped on the socket, with telnet's own among them."""
        return self._tcp.dropped_bytes

    async def start(self, listener: Listener) -> None:
        """Bind and listen. Errors as for a TCP port."""
        self._listener = listener
        await self._tcp.start(_TelnetSide(self))

    def send(self, data: bytes) -> None:
        """Write at once, with telnet's escape byte doubled; dropped as on a TCP port."""
        self._tcp.send(data.replace(serial.rfc2217.IAC, serial.rfc2217.IAC_DOUBLED))

    def hang_up(self) -> bool:
        """Close the client's connection once what was sent is out; the next is welcome."""
        return self._tcp.hang_up()

    async def close(self) -> None:
        """Stop listening and drop the client."""
        await self._tcp.close()


class _TelnetSide:
    """Listens to the socket: answers the telnet in it and hands on what is left.

    It is also the connection that pyserial's PortManager writes its answers to.
    """

    def __init__(self, port: Rfc2217Port) -> None:
        self._port = port

    def connected(self) -> None:
        port = self._port
        port.line = VirtualSerial()
        port._telnet = serial.rfc2217.PortManager(port.line, self)  # type: ignore[arg-type]
        assert port._listener is not None
        port._listener.connected()

    def received(self, data: bytes) -> None:
        port = self._port
        try:
            plain = b"".join(port._telnet.filter(data))
        except _MALFORMED:
            # Not telnet: what follows cannot be told from data any more.
            port._tcp.drop_client()
            return
        if len(port._telnet.suboption or b"") > SUBOPTION_LIMIT_BYTES:
            port._tcp.drop_client()
            return
        if plain and port._listener is not None:
            port._listener.received(plain)

    def disconnected(self) -> None:
        if self._port._listener is not None:
            self._port._listener.disconnected()

    def write(self, data: bytes) -> None:
        self._port._tcp.send(data)
