"""``pump-sim run --faults FILE`` on real ports: each kind on the wire, and what clients make of it.

A request that the pump refuses is answered with the same bytes each time: what arrives of the
answer, and of the request, can be compared byte for byte.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import serial

from pump_protocol.codes import MessageType
from pump_protocol.envelope import SEALED_VERSION
from pump_protocol.frames import Frame, FrameDecoder
from pump_sim.ports.link_fault import LinkFaultKind
from tests.system.processes import RunningPump, ask, programmer, pump_sim, running_pump

REQUEST = Frame(MessageType.INTERROGATE, 0x1234, 1).to_bytes()
"""On a link that was never opened: it is refused."""

NOTHING_S = 0.15
"""After this long without a byte, nothing comes any more."""

both_ports = pytest.mark.parametrize("port", ["tcp", "pty"])


class Line:
    """A client that knows nothing of frames."""

    def __init__(self, address: str) -> None:
        self._serial = serial.serial_for_url(address, timeout=NOTHING_S)

    def write(self, data: bytes) -> None:
        self._serial.write(data)

    def read(self, count: int) -> bytes:
        """Wait for so many bytes; less when the line stays quiet, or ends."""
        data = b""
        try:
            while len(data) < count and (more := self._serial.read(count - len(data))):
                data += more
        except serial.SerialException:
            pass
        return data

    def close(self) -> None:
        self._serial.close()


def rules(*tables: str) -> str:
    """A file of link faults."""
    return "\n".join(f"[[link]]\n{table}\n" for table in tables)


def one_by_one(message: str, cases: list["Case"]) -> str:
    """Each case for one frame: the first is spared, the case at 0 is for the second, and so on.

    The last comes first in the file: a frame that is dropped is not counted by what stands behind.
    """
    return rules(
        *(
            f'{case.table}\nmessage = ["{message}"]\nskip = {number + 1}\ncount = 1'
            for number, case in reversed(list(enumerate(cases)))
        )
    )


@dataclass
class Case:
    """A fault, what arrives of an answer (or of the answers to a request), and after how long."""

    table: str
    arrives: Callable[[bytes], bytes]
    at_least_s: float = 0.0

    @property
    def kind(self) -> str:
        return self.table.partition('"')[2].partition('"')[0]


def whole(answer: bytes) -> bytes:
    return answer


def twice(answer: bytes) -> bytes:
    return answer + answer


def nothing(_: bytes) -> bytes:
    return b""


def flipped(answer: bytes) -> bytes:
    return answer[:5] + bytes([answer[5] ^ 1]) + answer[6:]


def ten_bytes(answer: bytes) -> bytes:
    return answer[:10]


def at_9600_s(size: int) -> float:
    """How long a serial line takes for so many bytes."""
    return size * 10 / 9600


OF_ANSWERS = [
    Case('link = "drop"', nothing),
    Case('link = "duplicate"', twice),
    Case('link = "delay"\ndelay = "80 ms"', whole, 0.08),
    Case('link = "jitter"\ndelay = "80 ms"', whole),
    Case('link = "split"\nat_byte = 7\ndelay = "60 ms"', whole, 0.06),
    Case('link = "merge"\ndelay = "90 ms"', whole, 0.09),
    Case('link = "flip"\nat_byte = 5', flipped),
    Case('link = "truncate"\nat_byte = 10', ten_bytes),
    Case('link = "baud"\nrate = 9600', whole, at_9600_s(len(REQUEST))),
    Case('link = "silence"\nlength = "50 ms"', nothing),
    Case('link = "disconnect"\nat_byte = 10', ten_bytes),
]
OF_REQUESTS = [
    Case('link = "drop"', nothing),
    Case('link = "duplicate"', twice),
    Case('link = "delay"\ndelay = "80 ms"', whole, 0.08),
    Case('link = "jitter"\ndelay = "80 ms"', whole),
    Case('link = "split"\nat_byte = 7\ndelay = "60 ms"', whole, 0.06),
    Case('link = "split"\nat_byte = 7\ndelay = "140 ms"', nothing),  # a pause that is too long
    Case('link = "merge"\ndelay = "90 ms"', whole, 0.09),
    Case('link = "flip"\nat_byte = 5', nothing),  # the check is wrong
    Case('link = "truncate"\nat_byte = 10', nothing),
    Case('link = "baud"\nrate = 9600', whole, at_9600_s(len(REQUEST))),
    Case('link = "silence"\nlength = "50 ms"', nothing),
    Case('link = "disconnect"\nat_byte = 10', nothing),
]


@both_ports
@pytest.mark.parametrize("way", ["to_programmer", "to_pump"])
def test_every_kind_on_the_wire(port: str, way: str, tmp_path: Path) -> None:
    """What arrives is exactly what the fault leaves of it, not earlier, and the next is whole."""
    cases = OF_ANSWERS if way == "to_programmer" else OF_REQUESTS
    assert {case.kind for case in cases} == {kind.value for kind in LinkFaultKind}
    path = tmp_path / "faults.toml"
    path.write_text(one_by_one("refusal" if way == "to_programmer" else "interrogate", cases))
    with running_pump("--faults", str(path), "--port", port) as pump:
        line = Line(pump.address)
        line.write(REQUEST)
        answer = line.read(1000)
        assert MessageType(answer[3]) is MessageType.REFUSAL
        for case in cases:
            expected = case.arrives(answer)
            began_s = time.monotonic()
            line.write(REQUEST)
            got = line.read(len(expected) + 1) if not expected else line.read(len(expected))
            took_s = time.monotonic() - began_s
            assert (case.table, got) == (case.table, expected)
            assert took_s >= case.at_least_s, case.table
            assert line.read(1) == b"", case.table
        if port == "tcp":
            line.close()
            line = Line(pump.address)
        line.write(REQUEST)
        assert line.read(len(answer)) == answer
        line.close()


@both_ports
def test_two_merged_requests_are_both_answered(port: str, tmp_path: Path) -> None:
    """One chunk with two frames."""
    path = tmp_path / "faults.toml"
    path.write_text(rules('link = "merge"\ndirection = "to_pump"\ndelay = "10 s"\ncount = 1'))
    with running_pump("--faults", str(path), "--port", port) as pump:
        line = Line(pump.address)
        line.write(REQUEST)
        assert line.read(1) == b""
        line.write(REQUEST)
        first = line.read(1000)
        assert first[: len(first) // 2] * 2 == first
        line.close()


# --- With the programmer's client ----------------------------------------------------------------


@dataclass
class Faulty:
    """A pump with link faults, and the lines that it prints after the first."""

    pump: RunningPump

    def told_until(self, event: str) -> list[dict[str, Any]]:
        """Everything up to the first line of that event."""
        lines = [self.pump.line()]
        while lines[-1]["event"] != event:
            lines.append(self.pump.line())
        return lines


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Callable[[str, str], Faulty]]:
    """Start a pump on a port with a file of faults."""
    running = []

    def start(port: str, text: str) -> Faulty:
        path = tmp_path / "faults.toml"
        path.write_text(text)
        context = running_pump(
            "--faults", str(path), "--port", port, "--events", "--start", "2026-01-05T08:00"
        )
        running.append(context)
        return Faulty(context.__enter__())

    yield start
    for context in running:
        context.__exit__(None, None, None)


@both_ports
def test_a_lost_answer_to_a_commit_is_given_again_from_memory(
    port: str, faulty: Callable[[str, str], Faulty]
) -> None:
    """The client asks again, the pump answers as before, and the prescription changes once."""
    text = rules('link = "drop"\nmessage = ["prescription_committed"]\ncount = 1')
    started = faulty(port, text)
    pump = started.pump
    order = ("program", "--dose", "350 mcg/day", "--yes", "--json")
    done = programmer("--port", pump.address, *order, key=pump.key)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["committed"]["version"] == 2
    told = started.told_until("link_fault")
    assert told[-1]["what"] == "drop"
    assert told[-1]["message"] == "prescription_committed"
    assert told[-1]["direction"] == "to_programmer"
    assert ask(pump, "interrogate")["prescription_version"] == 2
    log = ask(pump, "log")["entries"]
    assert [each["event"] for each in log].count("committed") == 1


@both_ports
def test_flipped_bits_cost_time_and_nothing_else(
    port: str, faulty: Callable[[str, str], Faulty]
) -> None:
    """The checks of both ends drop what was damaged, and the client sends it again."""
    damaged = ("interrogate", "status_report")
    text = rules(*(f'link = "flip"\nbits = 3\nmessage = ["{name}"]\ncount = 1' for name in damaged))
    started = faulty(port, text)
    began_s = time.monotonic()
    status = ask(started.pump, "interrogate")
    assert time.monotonic() - began_s > 1.0  # two answers that did not come
    told = [started.pump.line() for _ in damaged]
    assert [(each["event"], each["message"]) for each in told] == [
        ("link_fault", name) for name in damaged
    ]
    sent = bytes.fromhex(told[0]["hex"])  # as it was before the fault: whole, and sealed
    (frame,) = FrameDecoder().feed(sent)
    assert isinstance(frame, Frame)
    assert (frame.message_type, frame.version) == (MessageType.INTERROGATE, SEALED_VERSION)
    assert status["alarms"] == []
    assert status["believed_volume_nl"] > 19_990_000


def test_a_pump_that_falls_silent_after_a_commit_leaves_the_outcome_unknown(
    faulty: Callable[[str, str], Faulty],
) -> None:
    """The client says so, with an exit code of its own; the prescription did change."""
    text = rules('link = "silence"\nmessage = ["prescription_committed"]\nlength = "9 s"')
    started = faulty("pty", text)
    order = ("--port", started.pump.address, "program", "--dose", "350 mcg/day", "--yes")
    done = programmer(*order, key=started.pump.key)
    assert done.returncode == 5, done.stderr
    assert "UNKNOWN" in done.stderr
    assert started.told_until("committed")[-1]["b"] == 175_000


def test_a_bad_file_ends_it_before_any_port_is_opened(tmp_path: Path) -> None:
    """Exit code 2, and a line for each problem: file, line, key, what is allowed."""
    path = tmp_path / "faults.toml"
    path.write_text('[[link]]\nlink = "silense"\n[[link]]\nlink = "drop"\nmessage = ["stop"]\n')
    result = pump_sim("run", "--faults", str(path), "--port", f"pty:{tmp_path / 'pump'}")
    assert result.returncode == 2
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{path}:2: ")
    assert "silence" in first
    assert second.startswith(f"{path}:5: ")
    assert not (tmp_path / "pump").is_symlink()
