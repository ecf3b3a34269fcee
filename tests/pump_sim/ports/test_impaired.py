"""A port behind an impairment is a port: bytes, addresses and ends of connections, late or lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from pump_protocol.codes import MessageType
from pump_protocol.frames import Frame
from pump_sim.frame_cutter import FrameCutter
from pump_sim.ports import Port, open_port
from pump_sim.ports.impaired import ImpairedPort
from pump_sim.ports.impairment import Impairment
from pump_sim.ports.link_fault import Direction, LinkFault, LinkFaultKind
from pump_sim.ports.memory import MemoryPort
from pump_sim.ports.tcp import TcpPort
from tests.pump_sim.ports.conftest import RawClient, Recorder

MS = 1_000_000
REQUEST = Frame(MessageType.INTERROGATE, 7, 1).to_bytes()
ANSWER = Frame(MessageType.STATUS_REPORT, 7, 1, b"payload").to_bytes()

Run = Callable[[Coroutine[Any, Any, None]], None]


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time goes on to the next timer at once when there is nothing to do."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 1.0

    def time(self) -> float:
        return self.now_s

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled  # type: ignore[attr-defined]
        if not ready and scheduled:
            self.now_s = max(self.now_s, scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


@pytest.fixture
def virtually() -> Run:
    """Run one coroutine in virtual time."""

    def run_it(work: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(work)

    return run_it


def link_ns() -> int:
    """The link time in virtual time."""
    return round(asyncio.get_running_loop().time() * 1_000) * MS


class Timed(Recorder):
    """Notes when each chunk came, in ms since the first second."""

    def __init__(self) -> None:
        super().__init__()
        self.chunks: list[tuple[int, bytes]] = []

    def received(self, data: bytes) -> None:
        self.chunks.append((link_ns() // MS - 1000, data))
        super().received(data)


def impaired(port: Port, *faults: LinkFault, **options: Any) -> ImpairedPort:
    """A port behind these faults."""
    impairment = Impairment(1, FrameCutter)
    for each in faults:
        impairment.add(each)
    return ImpairedPort(port, impairment, lambda _: 0, **options)


def delay(delay_ms: int, direction: Direction | None = None) -> LinkFault:
    return LinkFault(kind=LinkFaultKind.DELAY, delay_ns=delay_ms * MS, direction=direction)


def disconnect(direction: Direction, at_byte: int = 0) -> LinkFault:
    kind = LinkFaultKind.DISCONNECT
    return LinkFault(kind=kind, direction=direction, at_byte=at_byte, count=1)


def test_both_directions_arrive_when_they_are_due(virtually: Run) -> None:
    """A request is 30 ms late, and so is its answer."""

    async def work() -> None:
        memory = MemoryPort()
        port = impaired(memory, delay(30), link_ns=link_ns)
        pump = Timed()
        pump.port, pump.answer = port, lambda _: ANSWER
        await port.start(pump)
        answers: list[tuple[int, bytes]] = []
        memory.peer.on_received = lambda data: answers.append((link_ns() // MS - 1000, data))
        memory.peer.send(REQUEST)
        await asyncio.sleep(0.2)
        assert pump.chunks == [(30, REQUEST)]
        assert answers == [(60, ANSWER)]
        await port.close()

    virtually(work())


def test_a_paced_request_arrives_byte_by_byte(virtually: Run) -> None:
    """At 10,000 bits a second, one byte each millisecond."""

    async def work() -> None:
        memory = MemoryPort()
        baud = LinkFault(kind=LinkFaultKind.BAUD, bits_per_s=10_000)
        port = impaired(memory, baud, link_ns=link_ns)
        pump = Timed()
        await port.start(pump)
        memory.peer.send(REQUEST)
        await asyncio.sleep(0.5)
        assert pump.chunks == [
            (number, REQUEST[number - 1 : number]) for number in range(1, len(REQUEST) + 1)
        ]
        await port.close()

    virtually(work())


def test_half_a_frame_is_handed_on_when_its_rest_does_not_come(virtually: Run) -> None:
    """The timer is set although nothing is under way."""

    async def work() -> None:
        memory = MemoryPort()
        port = impaired(memory, delay(1, Direction.TO_PUMP), link_ns=link_ns)
        pump = Timed()
        await port.start(pump)
        memory.peer.send(REQUEST[:9])
        await asyncio.sleep(0.5)
        assert pump.chunks == [(101, REQUEST[:9])]
        await port.close()

    virtually(work())


def test_an_answer_given_at_once_does_not_overtake(virtually: Run) -> None:
    """Two requests are late; what the peer says to the first answer comes after the second."""

    async def work() -> None:
        memory = MemoryPort()
        late = LinkFault(kind=LinkFaultKind.DELAY, delay_ns=MS, count=2)
        port = impaired(memory, late, link_ns=link_ns)
        pump = Timed()
        pump.port, pump.answer = port, bytes
        await port.start(pump)
        second, third = (Frame(MessageType.IDENTIFY, 7, number).to_bytes() for number in (2, 3))
        answers: list[bytes] = []

        def react(data: bytes) -> None:
            answers.append(data)
            if data == REQUEST:
                memory.peer.send(third)

        memory.peer.on_received = react
        memory.peer.send(REQUEST + second)
        await asyncio.sleep(0.1)
        assert [data for _, data in pump.chunks] == [REQUEST, second, third]
        assert answers == [REQUEST, second, third]
        await port.close()

    virtually(work())


def test_therapy_time_is_asked_for_before_anything_is_sent(virtually: Run) -> None:
    """Whoever is asked may put faults on the link that are due by then."""

    async def work() -> None:
        memory = MemoryPort()
        impairment = Impairment(1, FrameCutter)

        def therapy_ms(_: int) -> int:
            if not impairment.faults:
                impairment.add(LinkFault(kind=LinkFaultKind.DROP, count=1))
            return 0

        port = ImpairedPort(memory, impairment, therapy_ms, link_ns)
        pump = Timed()
        await port.start(pump)
        memory.peer.send(REQUEST)
        memory.peer.send(ANSWER)
        assert bytes(pump.data) == ANSWER
        await port.close()

    virtually(work())


def test_a_peer_that_leaves_takes_with_it_what_is_under_way(virtually: Run) -> None:
    """Nothing of it reaches the pump after it left, nor its successor."""

    async def work() -> None:
        memory = MemoryPort()
        port = impaired(memory, delay(50), link_ns=link_ns)
        pump = Timed()
        await port.start(pump)
        memory.peer.send(REQUEST)
        port.send(ANSWER)
        memory.peer.disconnect()
        assert pump.events == ["connected", "disconnected"]
        memory.peer.connect()
        await asyncio.sleep(0.2)
        assert pump.chunks == []
        assert memory.peer.take() == b""
        await port.close()

    virtually(work())


def test_hanging_up_loses_what_is_under_way(virtually: Run) -> None:
    """The other port's connection ends at once; nothing that was delayed comes after it."""

    async def work() -> None:
        memory = MemoryPort()
        port = impaired(memory, delay(50), link_ns=link_ns)
        pump = Timed()
        await port.start(pump)
        port.send(ANSWER)
        assert port.hang_up() is True
        assert pump.events == ["connected", "disconnected"]
        memory.peer.connect()
        await asyncio.sleep(0.2)
        assert memory.peer.take() == b""
        await port.close()

    virtually(work())


def test_closing_ends_its_timer(virtually: Run) -> None:
    """Nothing arrives at a pump that does not listen any more."""

    async def work() -> None:
        memory = MemoryPort()
        port = impaired(memory, delay(50), link_ns=link_ns)
        pump = Timed()
        await port.start(pump)
        memory.peer.send(REQUEST)
        await port.close()
        await port.close()
        await asyncio.sleep(0.2)
        assert pump.chunks == []
        assert pump.events == ["connected", "disconnected"]

    virtually(work())


def test_it_shows_what_the_other_port_shows() -> None:
    """Address and dropped bytes are the other port's."""
    memory = MemoryPort()
    port = impaired(memory)
    assert port.address == memory.address
    port.port.send(b"nobody")
    assert port.dropped_bytes == 6


# --- Ends of connections on real ports -----------------------------------------------------------


@pytest.mark.parametrize("spec", ["tcp", "rfc2217"])
def test_hanging_up_ends_the_connection_after_what_was_sent(
    spec: str, run: Run, recorder: Recorder
) -> None:
    """The client reads the bytes, then the end; the next client is welcome."""

    async def work() -> None:
        port = open_port(spec)
        await port.start(recorder)
        assert port.hang_up() is False
        for number in range(2):
            reader, writer = await _connect(port)
            await recorder.until(lambda r, n=number: r.events.count("connected") == n + 1)  # type: ignore[misc]
            port.send(b"last words")
            assert port.hang_up() is True
            port.send(b"too late")
            assert (await reader.read()).endswith(b"last words")
            writer.close()
            await recorder.until(lambda r, n=number: r.events.count("disconnected") == n + 1)  # type: ignore[misc]
        assert port.dropped_bytes == 2 * len(b"too late")
        await port.close()

    run(work())


def test_hanging_up_does_not_cut_off_what_the_client_has_yet_to_read(
    run: Run, recorder: Recorder
) -> None:
    """More than the system's buffers hold: all of it arrives, then the end."""

    async def work() -> None:
        port = TcpPort()
        await port.start(recorder)
        reader, writer = await _connect(port)
        await recorder.until(lambda r: r.events == ["connected"])
        assert port._client is not None
        sent = 0
        while port._client.unsent_bytes() == 0:
            port.send(bytes(60_000))
            sent += 60_000
        assert port.hang_up() is True
        assert len(await reader.read()) == sent
        writer.close()
        await recorder.until(lambda r: r.events == ["connected", "disconnected"])
        await port.close()

    run(work())


async def _connect(port: Port) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, number = port.address.partition("//")[2].rpartition(":")
    return await asyncio.open_connection(host, int(number))


def test_hanging_up_the_memory_port_disconnects_its_peer(recorder: Recorder) -> None:
    """It may connect again."""
    port = MemoryPort()
    port.open(recorder)
    assert port.hang_up() is True
    assert recorder.events == ["connected", "disconnected"]
    assert not port.peer.is_connected
    assert port.hang_up() is False
    port.peer.connect()
    port.peer.send(b"again")
    assert bytes(recorder.data) == b"again"


@pytest.mark.parametrize("direction", list(Direction))
def test_a_disconnection_over_tcp(direction: Direction, run: Run, recorder: Recorder) -> None:
    """The first bytes arrive, the connection ends, and the next one works."""

    async def work() -> None:
        port = impaired(open_port("tcp"), disconnect(direction, at_byte=11))
        recorder.port, recorder.answer = port, lambda data: ANSWER if data == REQUEST else b""
        await port.start(recorder)
        reader, writer = await _connect(port)
        writer.write(REQUEST)
        to_pump = direction is Direction.TO_PUMP
        assert await reader.read() == (b"" if to_pump else ANSWER[:11])
        await recorder.until(lambda r: r.events == ["connected", "disconnected"])
        assert bytes(recorder.data) == (REQUEST[:11] if to_pump else REQUEST)
        writer.close()
        reader, writer = await _connect(port)
        writer.write(REQUEST)
        assert await reader.readexactly(len(ANSWER)) == ANSWER
        writer.close()
        await port.close()

    run(work())


@pytest.mark.parametrize("direction", list(Direction))
def test_a_disconnection_over_a_pty_loses_the_rest_of_the_frame(
    direction: Direction, run: Run, recorder: Recorder, raw_client: type[RawClient]
) -> None:
    """As a cable that is out for a moment: nobody is told, and what comes next is whole."""

    async def work() -> None:
        port = impaired(open_port("pty"), disconnect(direction, at_byte=11))
        recorder.port, recorder.answer = port, lambda data: ANSWER if data == REQUEST else b""
        await port.start(recorder)

        def talk() -> tuple[bytes, bytes]:
            with raw_client(port.address) as client:
                client.write(REQUEST)
                first = b"" if direction is Direction.TO_PUMP else client.read(11)
                until = time.monotonic() + 5
                while len(recorder.data) < 11 and time.monotonic() < until:
                    time.sleep(0.001)
                client.write(REQUEST)
                return first, client.read(len(ANSWER))

        first, second = await asyncio.to_thread(talk)
        to_pump = direction is Direction.TO_PUMP
        assert (first, second) == (b"" if to_pump else ANSWER[:11], ANSWER)
        assert bytes(recorder.data) == (REQUEST[:11] if to_pump else REQUEST) + REQUEST
        assert recorder.events == []
        await port.close()

    run(work())


def test_without_an_impairment_bytes_pass_as_they_are(virtually: Run) -> None:
    """And from the moment at which it is refitted, something else goes wrong, or nothing."""

    async def pass_through() -> None:
        port = ImpairedPort(MemoryPort(), None, lambda _: 0)
        listener = Recorder()
        await port.start(listener)
        port.received(REQUEST)
        deaf = Impairment("seed", FrameCutter)
        deaf.add(LinkFault(kind=LinkFaultKind.DROP, direction=Direction.TO_PUMP))
        port.refit(deaf, lambda _: 0)
        port.received(REQUEST)
        port.refit(None, lambda _: 0)
        port.received(ANSWER)
        assert listener.data == REQUEST + ANSWER
        await port.close()

    virtually(pass_through())
