"""What noise and malice cost a receiver: megabytes a second, and whether more takes longer."""

import tracemalloc
from collections.abc import Iterator
from random import Random
from time import perf_counter

from benchmarks.figures import Figure
from pump_protocol.codes import MAX_PAYLOAD_BYTES, START
from pump_protocol.crc import header_check
from pump_protocol.frames import FrameDecoder

CHUNK_BYTES = 4096
"""What one read from a port brings at most."""

RANDOM_BYTES = 8_000_000
ADVERSARIAL_BYTES = 500_000
ROUNDS = 3


def _header(length: int) -> bytes:
    head = START + bytes((1, 4)) + bytes(12) + length.to_bytes(2, "little")
    return head + header_check(head).to_bytes(2, "little")


PATTERNS = {
    # A marker at every other byte: each is looked at, and its header check fails.
    "start markers": START,
    # An intact header at every twentieth byte, each with all the next ones in its payload: the
    # dearest input there is, because every byte is checked for 31 frames that might hold it.
    "intact headers, nested": _header(MAX_PAYLOAD_BYTES),
    "intact headers, no payload": _header(0),
}


def _seconds(stream: bytes, chunk_bytes: int = CHUNK_BYTES) -> float:
    """The best of some rounds: what the decoder needs, not what the machine is busy with."""
    times = []
    for _ in range(ROUNDS):
        decoder = FrameDecoder()
        begin = perf_counter()
        for at in range(0, len(stream), chunk_bytes):
            decoder.feed(stream[at : at + chunk_bytes])
        decoder.expire()
        times.append(perf_counter() - begin)
    return min(times)


def _repeated(pattern: bytes, size: int) -> bytes:
    return (pattern * (size // len(pattern) + 1))[:size]


def _speed(stream: bytes) -> float:
    return len(stream) / 1e6 / _seconds(stream)


def _peak_bytes(pattern: bytes, size: int) -> int:
    """The most memory that is held while a stream of that size is decoded."""
    chunk = _repeated(pattern, CHUNK_BYTES)
    decoder = FrameDecoder()
    tracemalloc.start()
    for _ in range(size // CHUNK_BYTES):
        decoder.feed(chunk)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _figures() -> Iterator[Figure]:
    noise = Random(1).randbytes(RANDOM_BYTES)
    yield Figure("decoder: random garbage", _speed(noise), "MB/s", at_least=5)
    for name, pattern in PATTERNS.items():
        once = _repeated(pattern, ADVERSARIAL_BYTES)
        seconds = _seconds(once)
        yield Figure(f"decoder: {name}", ADVERSARIAL_BYTES / 1e6 / seconds, "MB/s", at_least=0.5)
        yield Figure(
            f"decoder: {name}, twice as many", _seconds(once + once) / seconds, "x", at_most=2.5
        )
    worst = PATTERNS["intact headers, nested"]
    little, much = _peak_bytes(worst, 200_000), _peak_bytes(worst, 2_000_000)
    yield Figure(
        "decoder: memory for ten times as many bytes",
        much / little,
        "x",
        at_most=1.1,
        note=f"{much:,} bytes at most",
    )


def run() -> list[Figure]:
    """Measure the decoder against garbage and against the worst input that could be thought of."""
    return [*_figures()]
