"""A TCP port has one client at a time, and nobody has to wait or to be lucky to be it."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from unittest.mock import Mock

import pytest

from pump_sim.ports import PortBusyError, PortError, open_port
from pump_sim.ports.tcp import UNSENT_LIMIT_BYTES, TcpPort, _Client


def number_of(port: TcpPort) -> int:
    return int(port.address.rpartition(":")[2])


async def connect(port: TcpPort) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", number_of(port))


def test_the_address_is_the_loopback_unless_another_is_given(run, recorder) -> None:
    """A simulator must not offer itself to the network by default."""

    async def work() -> None:
        for spec in ("tcp", "tcp:0"):
            port = open_port(spec)
            assert isinstance(port, TcpPort)
            await port.start(recorder)
            assert port.address.startswith("socket://127.0.0.1:")
            assert port._server is not None
            assert [s.getsockname()[0] for s in port._server.sockets] == ["127.0.0.1"]
            await port.close()

    run(work())


def test_a_port_on_all_interfaces_gives_an_address_that_can_be_opened(run, recorder) -> None:
    async def work() -> None:
        port = TcpPort("0.0.0.0", 0)
        await port.start(recorder)
        assert port.address.startswith("socket://127.0.0.1:")
        _, writer = await connect(port)
        await recorder.until(lambda r: r.events == ["connected"])
        writer.close()
        await port.close()

    run(work())


def test_an_ipv6_address_is_written_in_brackets(run, recorder) -> None:
    async def work() -> None:
        port = TcpPort("::1", 0)
        try:
            await port.start(recorder)
        except PortError:
            pytest.skip("no IPv6 here")
        assert port.address.startswith("socket://[::1]:")
        await port.close()

    run(work())


def test_an_address_in_use_is_named(run, recorder) -> None:
    async def work() -> None:
        first = TcpPort()
        await first.start(recorder)
        second = TcpPort("127.0.0.1", number_of(first))
        with pytest.raises(PortBusyError) as caught:
            await second.start(recorder)
        assert f"127.0.0.1:{number_of(first)}" in str(caught.value)
        assert "in use" in str(caught.value)
        await second.close()
        await first.close()

    run(work())


@pytest.mark.parametrize(
    ("host", "says"), [("host.invalid", "no such host"), ("192.0.2.1", "cannot listen there")]
)
def test_an_address_that_is_not_ours_is_named(run, recorder, host: str, says: str) -> None:
    async def work() -> None:
        port = TcpPort(host, 4001)
        with pytest.raises(PortError, match=says) as caught:
            await port.start(recorder)
        assert f"{host}:4001" in str(caught.value)

    run(work())


def test_a_second_client_is_refused_at_once_and_the_first_undisturbed(run, recorder) -> None:
    async def work() -> None:
        port = recorder.port = TcpPort()
        recorder.answer = bytes
        await port.start(recorder)
        reader, writer = await connect(port)
        await recorder.until(lambda r: r.events == ["connected"])
        second_reader, second_writer = await connect(port)
        second_writer.write(b"let me in")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await second_reader.readexactly(1)
        second_writer.close()
        writer.write(b"still here")
        assert await reader.readexactly(10) == b"still here"
        assert bytes(recorder.data) == b"still here"
        assert recorder.events == ["connected"]
        writer.close()
        await port.close()

    run(work())


def test_after_the_first_client_left_the_next_is_welcome(run, recorder) -> None:
    async def work() -> None:
        port = recorder.port = TcpPort()
        recorder.answer = bytes
        await port.start(recorder)
        for _ in range(3):
            reader, writer = await connect(port)
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            writer.close()
            await writer.wait_closed()
        await recorder.until(lambda r: len(r.events) == 6)
        assert recorder.events == ["connected", "disconnected"] * 3
        await port.close()

    run(work())


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("last_words", [b"", b"last words"])
def test_a_client_that_reconnects_at_once_is_never_refused(
    run, recorder, reset: bool, last_words: bytes
) -> None:
    """The system may tell of the new connection before it tells of the old one's end."""

    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)

        def connected() -> socket.socket:
            return socket.create_connection(("127.0.0.1", number_of(port)))

        client = connected()
        await recorder.until(lambda r: len(r.events) == 1)
        for _ in range(50):
            # Blocking calls, so that the port hears of nothing until all of it has happened.
            client.sendall(last_words)
            if reset:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            client = connected()
            client.sendall(b"N")
            before = len(recorder.data)
            await recorder.until(lambda r, n=before: r.data[n:].endswith(b"N"))
        client.close()
        await recorder.until(lambda r: len(r.events) == 102)
        assert recorder.events == ["connected", "disconnected"] * 51
        if not reset:
            assert bytes(recorder.data) == (last_words + b"N") * 50 or not last_words
        await port.close()

    run(work())


def test_a_client_that_only_stops_writing_still_gets_its_answer(run, recorder) -> None:
    """As in `printf request | nc`."""

    async def work() -> None:
        port = recorder.port = TcpPort()
        recorder.answer = lambda data: b"a" * 10_000
        await port.start(recorder)
        reader, writer = await connect(port)
        writer.write(b"request")
        writer.write_eof()
        assert await reader.read() == b"a" * 10_000
        writer.close()
        await port.close()

    run(work())


def test_a_client_that_does_not_read_costs_bounded_memory(run, recorder) -> None:
    """Whole chunks are dropped, and what was not dropped arrives."""

    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)
        client = socket.create_connection(("127.0.0.1", number_of(port)))
        await recorder.until(lambda r: r.events == ["connected"])
        chunk = bytes(range(250)) * 4
        sent = 0
        while port.dropped_bytes < 100 * len(chunk):
            port.send(chunk)
            sent += len(chunk)
            assert port._client is not None
            assert port._client.unsent_bytes() <= UNSENT_LIMIT_BYTES + len(chunk)
        assert port.dropped_bytes % len(chunk) == 0

        def read_all() -> bytes:
            client.settimeout(5)
            got = bytearray()
            while len(got) < sent - port.dropped_bytes:
                got += client.recv(65536)
            return bytes(got)

        got = await asyncio.to_thread(read_all)
        assert got == chunk * (len(got) // len(chunk))
        client.close()
        await port.close()

    run(work())


def test_a_dead_client_that_never_reads_gives_way_to_the_next(run, recorder) -> None:
    """Unsent bytes must not keep the port for a client that has gone."""

    async def work() -> None:
        port = recorder.port = TcpPort()
        await port.start(recorder)
        first = socket.create_connection(("127.0.0.1", number_of(port)))
        await recorder.until(lambda r: r.events == ["connected"])
        while port.dropped_bytes == 0:
            port.send(bytes(10_000))
        first.shutdown(socket.SHUT_WR)
        second = socket.create_connection(("127.0.0.1", number_of(port)))
        second.sendall(b"next")
        await recorder.until(lambda r: bytes(r.data) == b"next")
        assert recorder.events == ["connected", "disconnected", "connected"]
        first.close()
        second.close()
        await port.close()

    run(work())


def test_a_successor_is_not_heard_before_its_turn(recorder) -> None:
    """Its request must not be mixed into, or lost in, the end of its predecessor's."""
    port = TcpPort()
    port._server, port._listener = Mock(), recorder
    first, second = _Client(port), _Client(port)
    first.transport, second.transport = Mock(), Mock()
    port._arrived(first)
    first.transport.is_closing.return_value = True
    port._arrived(second)
    second.transport.pause_reading.assert_called_once_with()
    second.transport.resume_reading.assert_not_called()
    first.transport.abort.assert_called_once_with()
    first.connection_lost(None)
    second.transport.resume_reading.assert_called_once_with()
    second.data_received(b"2")
    assert bytes(recorder.data) == b"2"
    assert recorder.events == ["connected", "disconnected", "connected"]


def test_a_predecessor_that_ends_gives_way_at_once(recorder) -> None:
    """What it has not read yet must not hold up the successor that waits for it."""
    port = TcpPort()
    port._server, port._listener = Mock(), recorder
    first, second = _Client(port), _Client(port)
    first.transport, second.transport = Mock(), Mock()
    port._arrived(first)
    first.eof_received()
    first.transport.abort.assert_not_called()
    first.transport.is_closing.return_value = False
    first.is_leaving = lambda: True  # type: ignore[method-assign]
    port._arrived(second)
    first.transport.abort.assert_not_called()
    first.eof_received()
    first.transport.abort.assert_called_once_with()


@pytest.mark.skipif(sys.platform != "linux", reason="others do not tell before the data is read")
def test_a_client_that_closed_is_leaving_even_while_its_last_bytes_are_unread() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        client = _Client(TcpPort())
        client.transport = Mock()
        client.transport.is_closing.return_value = False
        client._descriptor = ours.fileno()
        assert not client.is_leaving()
        theirs.sendall(b"last words")
        assert not client.is_leaving()
        theirs.close()
        assert client.is_leaving()


def test_only_one_client_waits_for_one_that_leaves(run, recorder) -> None:
    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)
        first = socket.create_connection(("127.0.0.1", number_of(port)))
        await recorder.until(lambda r: r.events == ["connected"])
        first.close()
        second = socket.create_connection(("127.0.0.1", number_of(port)))
        third = socket.create_connection(("127.0.0.1", number_of(port)))
        second.sendall(b"2")
        await recorder.until(lambda r: bytes(r.data) == b"2")
        third.settimeout(5)
        assert await asyncio.to_thread(third.recv, 1) == b""
        assert recorder.events == ["connected", "disconnected", "connected"]
        second.close()
        third.close()
        await port.close()

    run(work())


def test_replies_are_not_held_back_to_fill_a_segment(run, recorder) -> None:
    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)
        _, writer = await connect(port)
        await recorder.until(lambda r: r.events == ["connected"])
        assert port._client is not None
        sock = port._client.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) != 0
        writer.close()
        await port.close()

    run(work())


def test_closing_disconnects_the_client_and_frees_the_address(run, recorder) -> None:
    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)
        number = number_of(port)
        reader, writer = await connect(port)
        await recorder.until(lambda r: r.events == ["connected"])
        await port.close()
        assert recorder.events == ["connected", "disconnected"]
        assert await reader.read() == b""
        writer.close()
        again = TcpPort("127.0.0.1", number)
        await again.start(recorder)
        await again.close()

    run(work())
