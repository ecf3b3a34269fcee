"""How long a pump takes to answer, against a bare echo of the same byte counts.

Both are asked in turns in one run, over ptys, by the same client, so that whatever else the machine
does falls on both.
"""

import gc
import time
from collections.abc import Callable
from statistics import median

import serial

from benchmarks.figures import Figure, percentile
from benchmarks.processes import running, running_pump
from pump_programmer.programmer import Programmer
from pump_protocol.codes import MessageType
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.messages import Interrogate, OpenLink
from pump_protocol.payloads import encode

BATCHES = 20
BATCH = 500
"""Long enough that the cold first call after a turn is not one in a hundred."""
LINK_ID = 0x5EED0FBE0C4
OPENING = Frame(MessageType.OPEN_LINK, LINK_ID, 1, encode(OpenLink(programmer_id=7))).to_bytes()


def run() -> list[Figure]:
    """The pump's raw answer and the programmer's whole exchange, each against the echo."""
    with running_pump() as (_, pump), running_pump() as (_, second):
        line = serial.Serial(pump, timeout=2)
        line.write(OPENING)
        assert len(FrameDecoder().feed(_read_frame(line))) == 1
        count = BATCHES * BATCH + 2
        requests = [
            Frame(MessageType.INTERROGATE, LINK_ID, 2 + index, encode(Interrogate())).to_bytes()
            for index in range(count)
        ]
        line.write(requests[0])
        reply_bytes = len(_read_frame(line))
        echo_command = ("-m", "benchmarks.echo", str(len(requests[0])), str(reply_bytes))
        with running(*echo_command) as (_, echo_address), Programmer(second) as programmer:
            echo = serial.Serial(echo_address, timeout=2)
            following = iter(requests[1:])

            def ask_pump() -> None:
                line.write(next(following))
                assert len(line.read(reply_bytes)) == reply_bytes

            def ask_echo() -> None:
                echo.write(requests[0])
                assert len(echo.read(reply_bytes)) == reply_bytes

            times = _in_turns(ask_echo, ask_pump, programmer.interrogate)
            echo.close()
        line.close()
    echo_us, raw_us, whole_us = times
    floor, floor_p99 = median(echo_us), percentile(echo_us, 99)
    note = f"{len(requests[0])} + {reply_bytes} bytes"
    return [
        Figure("bare pty echo, median", floor, "us", note=note),
        Figure("bare pty echo, p99", floor_p99, "us"),
        Figure("pump's answer / echo, median", median(raw_us) / floor, "ratio", at_most=1.6),
        Figure("pump's answer / echo, p99", percentile(raw_us, 99) / floor_p99, "ratio", 2.2),
        Figure("Programmer.interrogate() / echo, median", median(whole_us) / floor, "ratio", 3.0),
    ]


def _in_turns(*asks: Callable[[], object]) -> list[list[float]]:
    """Microseconds of every call; the batches of the functions alternate."""
    for ask in asks:
        ask()
    samples: list[list[float]] = [[] for _ in asks]
    gc.collect()
    gc.disable()
    try:
        for _ in range(BATCHES):
            for ask, times in zip(asks, samples, strict=True):
                for _ in range(BATCH):
                    before = time.perf_counter_ns()
                    ask()
                    times.append((time.perf_counter_ns() - before) / 1000)
    finally:
        gc.enable()
    return samples


def _read_frame(line: serial.Serial) -> bytes:
    """One whole frame, however long it is."""
    data = line.read(20)
    return data + line.read(int.from_bytes(data[16:18], "little") + 4)
