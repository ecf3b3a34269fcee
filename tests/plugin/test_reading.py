"""How other people's software reads a port: each way gets an answer that comes late."""

import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import serial

from pump_protocol.codes import MessageType
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import Identify
from pump_protocol.payloads import encode
from pump_sim.testing.virtual import virtual_pump as a_virtual_pump

ASKED = frame_bytes(MessageType.IDENTIFY, 0, 1, encode(Identify()))
"""A question that a pump answers at any time."""

LATE = '[[link]]\nlink = "delay"\ndelay = "100 ms"\ndirection = "to_programmer"\n'
LOST = '[[link]]\nlink = "drop"\ndirection = "to_programmer"\n'
CUT = '[[link]]\nlink = "disconnect"\nmessage = ["identify"]\n'

SIZE = 20
"""Fewer bytes than the answer has."""

POLLS = 1_000


def read_without_timeout(port: serial.SerialBase) -> bytes:
    """Wait for as long as it takes."""
    port.timeout = None
    return bytes(port.read(SIZE))


def read_without_blocking(port: serial.SerialBase) -> bytes:
    """Take what is there, over and over."""
    port.timeout = 0
    data = b""
    for _ in range(POLLS):
        data += port.read(SIZE - len(data))
        if len(data) == SIZE:
            break
    return data


def read_with_tiny_timeout(port: serial.SerialBase) -> bytes:
    """The same with a timeout of less than a nanosecond."""
    port.timeout = 1e-10
    data = b""
    for _ in range(POLLS):
        data += port.read(SIZE - len(data))
        if len(data) == SIZE:
            break
    return data


def read_what_is_there(port: serial.SerialBase) -> bytes:
    """Ask whether there is anything before reading it."""
    data = b""
    for _ in range(POLLS):
        if port.in_waiting:
            data += port.read(port.in_waiting)
        if len(data) >= SIZE:
            break
    return data[:SIZE]


def read_when_all_is_there(port: serial.SerialBase) -> bytes:
    """Ask whether all of it is there, and read nothing before."""
    for _ in range(POLLS):
        if port.in_waiting >= SIZE:
            return bytes(port.read(SIZE))
    return b""


WAYS: list[Callable[[Any], bytes]] = [
    read_without_timeout,
    read_without_blocking,
    read_with_tiny_timeout,
    read_what_is_there,
    read_when_all_is_there,
]


@pytest.fixture(params=["late line", "slow pump"])
def slow_options(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, object]:
    """A pump whose answers come late, whole or byte after byte."""
    path = tmp_path / "late.toml"
    path.write_text(LATE)
    return {"scenario": "slow-pump"} if request.param == "slow pump" else {"faults": path}


@pytest.mark.parametrize("way", WAYS)
def test_late_answer_is_read(
    way: Callable[[serial.SerialBase], bytes], slow_options: dict[str, object]
) -> None:
    """However the port is read, the answer comes after its delay of link time, as on a real port;
    nobody waits for it."""
    with a_virtual_pump() as pump, serial.serial_for_url(pump.address, timeout=1) as port:
        port.write(ASKED)
        expected = port.read(SIZE)
    began_s = time.monotonic()
    with a_virtual_pump(**slow_options) as pump, serial.serial_for_url(pump.address) as port:
        port.write(ASKED)
        before_ns = port.monotonic_ns()
        read = way(port)
        assert port.monotonic_ns() - before_ns >= 99_000_000
    assert len(read) == SIZE
    if "faults" in slow_options:
        assert read == expected
    assert time.monotonic() - began_s < 10


def test_read_without_timeout_ends_with_its_last_byte(tmp_path: Path) -> None:
    """No link time passes after it; and the rest of the answer is there to be read."""
    path = tmp_path / "late.toml"
    path.write_text(LATE)
    with a_virtual_pump(faults=path) as pump, serial.serial_for_url(pump.address) as port:
        before_ns = port.monotonic_ns()
        port.write(ASKED)
        port.read(SIZE)
        assert port.monotonic_ns() - before_ns == 100_000_000
        port.timeout = 0
        assert port.read(1_000)
        assert port.monotonic_ns() - before_ns == 100_000_000


def test_pump_is_given_time_to_see_that_half_a_frame_was_none() -> None:
    """A question behind half a frame is answered once the rest of that is overdue, and a read
    without a timeout waits for it."""
    noise = frame_bytes(MessageType.IDENTIFY, 0, 1, bytes(500))[:20]
    with a_virtual_pump() as pump, serial.serial_for_url(pump.address) as port:
        port.write(noise + ASKED)
        assert len(port.read(SIZE)) == SIZE


@pytest.mark.parametrize("speed", [0, 86_400])
def test_read_that_nothing_can_end_is_refused(speed: int, tmp_path: Path) -> None:
    """An answer that is lost does not come, however long therapy goes on; what else is there stays
    to be read."""
    path = tmp_path / "lost.toml"
    path.write_text(LOST)
    with (
        a_virtual_pump(faults=path, speed=speed) as pump,
        serial.serial_for_url(pump.address) as port,
    ):
        port.write(ASKED)
        with pytest.raises(serial.SerialException, match="wait for ever; 0 of 20 bytes are there"):
            port.read(SIZE)
    with a_virtual_pump() as pump, serial.serial_for_url(pump.address) as port:
        port.write(ASKED)
        size = port.in_waiting
        with pytest.raises(serial.SerialException, match=f"{size} of {size + 1} bytes are there"):
            port.read(size + 1)
        assert len(port.read(size)) == size


@pytest.mark.parametrize("timeout", [None, 0, 1])
def test_line_that_is_cut_ends_every_way_of_reading(timeout: float | None, tmp_path: Path) -> None:
    """A loop over reads, or over the number of bytes that are there, does not go on for ever."""
    path = tmp_path / "cut.toml"
    path.write_text(CUT)
    with (
        a_virtual_pump(faults=path) as pump,
        serial.serial_for_url(pump.address, timeout=timeout) as port,
    ):
        port.write(ASKED)
        with pytest.raises(serial.SerialException, match="the connection is lost"):
            port.read(SIZE)
        with pytest.raises(serial.SerialException, match="the connection is lost"):
            assert port.in_waiting


def test_poll_takes_a_millisecond_of_link_time() -> None:
    """One that finds nothing; a read that finds something takes none."""
    with a_virtual_pump() as pump, serial.serial_for_url(pump.address, timeout=0) as port:
        moments_ns = [port.monotonic_ns()]
        assert port.read(1) == b""
        moments_ns.append(port.monotonic_ns())
        assert port.in_waiting == 0
        moments_ns.append(port.monotonic_ns())
        port.timeout = 1e-10
        assert port.read(1) == b""
        moments_ns.append(port.monotonic_ns())
        port.write(ASKED)
        port.timeout = 0
        assert port.read(1)
        assert port.read(0) == b""
        moments_ns.append(port.monotonic_ns())
    passed_ns = [after - before for before, after in pairwise(moments_ns)]
    assert passed_ns == [1_000_000, 1_000_000, 1_000_000, 0]
