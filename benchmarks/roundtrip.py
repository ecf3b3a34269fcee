"""How long a pump takes to answer, against a bare echo of the same byte counts.

All are asked in turns in one run, over ptys, by the same client, so that whatever else the machine
does falls on all of them.
"""

import gc
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import repeat
from statistics import median

import serial

from benchmarks.figures import Figure, percentile
from benchmarks.processes import RunningPump, running, running_pump
from pump_programmer.programmer import Programmer
from pump_protocol import messages as m
from pump_protocol.codes import MessageType
from pump_protocol.envelope import Envelope
from pump_protocol.events import ResponseReceived
from pump_protocol.frames import frame_bytes
from pump_protocol.session import Role, Session

BATCHES = 20
BATCH = 500
"""Long enough that the cold first call after a turn is not one in a hundred."""
SESSIONS = 100
TIMEOUT_S = 2.0


class Line:
    """A client whose requests were all made beforehand: it writes one, and reads its answer."""

    def __init__(self, address: str) -> None:
        self._port = serial.Serial(address, timeout=TIMEOUT_S)
        self.requests: Iterator[bytes] = iter(())
        self.request_bytes = self.reply_bytes = 0

    def read_frame(self) -> bytes:
        """One whole frame, however long it is."""
        data = self._port.read(20)
        return data + self._port.read(int.from_bytes(data[16:18], "little") + 4)

    def exchange(self, data: bytes) -> bytes:
        """Any request, and its answer."""
        self._port.write(data)
        return self.read_frame()

    def ask(self) -> None:
        """The next request and its answer, of which only the length is looked at."""
        self._port.write(next(self.requests))
        assert len(self._port.read(self.reply_bytes)) == self.reply_bytes

    def close(self) -> None:
        """Close the port."""
        self._port.close()


def run() -> list[Figure]:
    """The pump's raw answer, the programmer's whole exchange and its opening of a session."""
    with ExitStack() as stack:
        authenticated = line_to(stack.enter_context(running_pump()), stack)
        legacy = line_to(stack.enter_context(running_pump(*_LEGACY)), stack)
        echo = _line_to_echo_of(authenticated, stack)
        pump = stack.enter_context(running_pump())
        programmer = stack.enter_context(Programmer(pump.address, key=pump.key))
        samples = in_turns(echo.ask, authenticated.ask, programmer.interrogate, legacy.ask)
        opened_us = [_microseconds(programmer.reopen_link) for _ in range(SESSIONS)]
    floor, answer, whole, plain = map(median, samples)
    floor_p99, answer_p99 = (percentile(each, 99) for each in samples[:2])
    sizes = f"{echo.request_bytes} + {echo.reply_bytes} bytes"
    return [
        Figure("bare pty echo, median", floor, "us", note=sizes),
        Figure("bare pty echo, p99", floor_p99, "us"),
        Figure("pump's answer / echo, median", answer / floor, "ratio", 1.8),
        Figure("pump's answer / echo, p99", answer_p99 / floor_p99, "ratio", 2.2),
        Figure("Programmer.interrogate() / echo, median", whole / floor, "ratio", 3.5),
        Figure("a session opened, median", median(opened_us) / 1000, "ms", 5),
        Figure("legacy-insecure: answer / that echo, median", plain / floor, "ratio"),
    ]


_LEGACY = ("--security", "legacy-insecure")


def line_to(pump: RunningPump, stack: ExitStack) -> Line:
    """A line with an open link, sealed if the pump has keys, and requests for all turns."""
    line = Line(pump.address)
    stack.callback(line.close)
    session = Session(Role.PROGRAMMER, link_id=secrets.randbits(63) + 1, key=pump.key)
    if pump.key is not None:
        identity = _ask(line, session, m.Identify())
        assert isinstance(identity, m.Identity)
        _ask(line, session, session.authenticate(identity))
    _ask(line, session, m.OpenLink(programmer_id=7))
    requests = _requests(session)
    first = next(requests)
    line.request_bytes, line.reply_bytes = len(first), len(line.exchange(first))
    line.requests = iter([next(requests) for _ in range(BATCHES * BATCH + 1)])
    return line


def _ask(line: Line, session: Session, request: m.Request[m.Response]) -> m.Response:
    session.send_request(request, 0)
    session.receive_data(line.exchange(session.data_to_send()), 0)
    event = session.next_event()
    assert isinstance(event, ResponseReceived), event
    return event.response


def _requests(session: Session) -> Iterator[bytes]:
    """Requests of the link, each with the next sequence number and, if it is sealed, counter."""
    sequence = session.send_request(m.Interrogate(), 0)
    yield session.data_to_send()
    envelope = None
    if session.secrets is not None:
        keys = session.secrets
        envelope = Envelope(sending=keys.to_pump, receiving=keys.to_programmer)
        for _ in range(2):  # its counters begin anew, and two are used
            envelope.seal(MessageType.INTERROGATE, 0, 0, b"")
    frame = frame_bytes if envelope is None else envelope.seal
    while True:
        sequence += 1
        yield frame(MessageType.INTERROGATE, session.link_id, sequence, b"")


def _line_to_echo_of(line: Line, stack: ExitStack) -> Line:
    """A line to an echo of the same byte counts."""
    command = ("-m", "benchmarks.echo", str(line.request_bytes), str(line.reply_bytes))
    _, address = stack.enter_context(running(*command))
    echo = Line(address)
    stack.callback(echo.close)
    echo.request_bytes, echo.reply_bytes = line.request_bytes, line.reply_bytes
    echo.requests = repeat(bytes(line.request_bytes))
    return echo


def in_turns(*asks: Callable[[], object]) -> list[list[float]]:
    """Microseconds of every call; the batches of the functions alternate."""
    for ask in asks:
        ask()
    samples: list[list[float]] = [[] for _ in asks]
    gc.collect()
    gc.disable()
    try:
        for _ in range(BATCHES):
            for ask, times in zip(asks, samples, strict=True):
                times += [_microseconds(ask) for _ in range(BATCH)]
    finally:
        gc.enable()
    return samples


def _microseconds(ask: Callable[[], object]) -> float:
    before = time.perf_counter_ns()
    ask()
    return (time.perf_counter_ns() - before) / 1000
