"""An RFC 2217 port passes for a network serial port, and telnet never reaches the pump."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
import serial
from hypothesis import example, given
from hypothesis import strategies as st

from pump_sim.ports.rfc2217 import SUBOPTION_LIMIT_BYTES, Rfc2217Port, _TelnetSide

# pyserial 3.5's RFC 2217 client calls Thread.setDaemon and Thread.setName.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")

IAC, SB, SE, WILL, DO, COM_PORT = b"\xff", b"\xfa", b"\xf0", b"\xfb", b"\xfd", b"\x2c"


@pytest.fixture
def with_client(
    run, recorder
) -> Callable[[Callable[[serial.SerialBase, Rfc2217Port], None]], None]:
    """Run a blocking function against an echoing port, with an open pyserial client."""

    def with_it(client: Callable[[serial.SerialBase, Rfc2217Port], None]) -> None:
        async def work() -> None:
            port = recorder.port = Rfc2217Port()
            recorder.answer = bytes
            await port.start(recorder)

            def visit() -> None:
                with serial.serial_for_url(port.address, timeout=5) as link:
                    client(link, port)

            await asyncio.to_thread(visit)
            await recorder.until(lambda r: r.events == ["connected", "disconnected"])
            await port.close()

        run(work())

    return with_it


def test_negotiation_completes_and_reaches_no_listener(with_client, recorder) -> None:
    with_client(lambda link, port: None)
    assert recorder.data == b""


def test_line_settings_are_accepted_and_remembered(with_client) -> None:
    def client(link: serial.SerialBase, port: Rfc2217Port) -> None:
        link.baudrate = 57600
        link.bytesize = serial.SEVENBITS
        link.parity = serial.PARITY_EVEN
        link.stopbits = serial.STOPBITS_TWO
        link.rtscts = True
        link.dtr = False
        link.rts = False
        link.break_condition = True
        line = port.line
        assert (line.baudrate, line.bytesize, line.parity, line.stopbits) == (57600, 7, "E", 2)
        assert (line.rtscts, line.dtr, line.rts, line.break_condition) == (True, False, False, True)
        link.rtscts = False
        link.xonxoff = True
        assert port.line.xonxoff
        link.write(b"as before")
        assert link.read(9) == b"as before"

    with_client(client)


def test_the_modem_lines_say_that_a_pump_is_there(with_client) -> None:
    def client(link: serial.SerialBase, port: Rfc2217Port) -> None:
        assert (link.cts, link.dsr, link.cd, link.ri) == (True, True, True, False)

    with_client(client)


def test_purging_is_confirmed(with_client) -> None:
    """pyserial waits for the confirmation, and fails without one."""

    def client(link: serial.SerialBase, port: Rfc2217Port) -> None:
        link.reset_input_buffer()
        link.reset_output_buffer()
        link.write(b"after")
        assert link.read(5) == b"after"

    with_client(client)


def test_each_client_begins_with_the_default_settings(run, recorder) -> None:
    async def work() -> None:
        port = Rfc2217Port()
        await port.start(recorder)

        def visit() -> None:
            with serial.serial_for_url(port.address, baudrate=300, timeout=5):
                assert port.line.baudrate == 300

        await asyncio.to_thread(visit)
        reader, writer = await asyncio.open_connection(*address_of(port))
        await recorder.until(lambda r: r.events.count("connected") == 2)
        assert port.line.baudrate == 115200
        del reader
        writer.close()
        await port.close()

    run(work())


def address_of(port: Rfc2217Port) -> tuple[str, int]:
    host, _, number = port.address.removeprefix("rfc2217://").rpartition(":")
    return host, int(number)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(IAC + SE, id="end of a suboption that never began"),
        pytest.param(IAC + SB + COM_PORT + b"\x01\x00" + IAC + SE, id="short baud rate"),
        pytest.param(IAC + SB + COM_PORT + b"\x02" + IAC + SE, id="no data size"),
        pytest.param(IAC + SB + COM_PORT + b"\x03\x63" + IAC + SE, id="unknown parity"),
        pytest.param(IAC + SB + COM_PORT + b"\x04\x63" + IAC + SE, id="unknown stop size"),
        pytest.param(IAC + SB + COM_PORT + b"\x0a" + IAC + SE, id="empty mask"),
        pytest.param(IAC + SB + bytes(SUBOPTION_LIMIT_BYTES + 1), id="endless suboption"),
    ],
)
def test_a_client_that_breaks_telnet_is_dropped_and_the_next_is_welcome(
    run, recorder, bad: bytes
) -> None:
    async def work() -> None:
        port = recorder.port = Rfc2217Port()
        recorder.answer = bytes
        await port.start(recorder)
        client = socket.create_connection(address_of(port), timeout=5)
        client.sendall(bad)
        await recorder.until(lambda r: r.events == ["connected", "disconnected"])
        client.close()

        reader, writer = await asyncio.open_connection(*address_of(port))
        writer.write(IAC + IAC + b"!")
        assert (await reader.readuntil(b"!")).endswith(IAC + IAC + b"!")
        assert bytes(recorder.data) == b"\xff!"
        writer.close()
        await port.close()

    run(work())


def test_a_data_size_that_does_not_exist_is_answered_with_the_one_in_force(run, recorder) -> None:
    async def work() -> None:
        port = Rfc2217Port()
        await port.start(recorder)
        reader, writer = await asyncio.open_connection(*address_of(port))
        writer.write(IAC + SB + COM_PORT + b"\x02\x63" + IAC + SE)
        expected = IAC + SB + COM_PORT + b"\x66\x08" + IAC + SE
        assert (await reader.readuntil(expected)).endswith(expected)
        writer.close()
        await port.close()

    run(work())


class _NoSocket:
    """Stands for the TCP port below, so that the telnet filter can be fuzzed by itself."""

    def __init__(self) -> None:
        self.is_dropped = False

    def send(self, data: bytes) -> None:
        pass

    def drop_client(self) -> None:
        self.is_dropped = True


class _Collector:
    def __init__(self) -> None:
        self.data = b""

    def connected(self) -> None:
        pass

    def received(self, data: bytes) -> None:
        self.data += data

    def disconnected(self) -> None:
        pass


def telnet_side() -> tuple[_TelnetSide, _NoSocket, _Collector]:
    port, below, above = Rfc2217Port(), _NoSocket(), _Collector()
    port._tcp = below  # type: ignore[assignment]
    port._listener = above
    side = _TelnetSide(port)
    side.connected()
    return side, below, above


telnet_like = st.lists(
    st.one_of(
        st.sampled_from([IAC, SB, SE, WILL, DO, COM_PORT, IAC + SB + COM_PORT, IAC + SE]),
        st.binary(max_size=4),
    ),
    max_size=40,
).map(b"".join)


@given(telnet_like)
@example(b"\xff\xfa\x2c\x0a\xff\xf0")
def test_no_input_makes_the_telnet_filter_fail(data: bytes) -> None:
    """At worst the client is dropped."""
    side, _, _ = telnet_side()
    side.received(data)


@given(st.lists(st.binary(max_size=50)))
def test_any_split_of_escaped_data_arrives_as_the_same_data(chunks: list[bytes]) -> None:
    side, below, above = telnet_side()
    for chunk in chunks:
        escaped = chunk.replace(IAC, IAC + IAC)
        middle = len(escaped) // 2
        side.received(escaped[:middle])
        side.received(escaped[middle:])
    assert above.data == b"".join(chunks)
    assert not below.is_dropped
