"""The line of a virtual pump by itself: threads, and time that passes beside it."""

import queue
import threading
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import serial

from pump_programmer import Programmer
from pump_sim.endpoint import PumpEndpoint
from pump_sim.simulation import Simulation
from pump_sim.testing import line as line_module
from pump_sim.testing.line import VirtualLine
from pump_sim.testing.virtual import VirtualPump
from pump_sim.testing.virtual import virtual_pump as a_virtual_pump
from tests.pump_sim.virtual import implanted


class TellingLock:
    """A lock that tells when a thread comes to it."""

    def __init__(self, told: "queue.Queue[str]") -> None:
        self._lock = threading.RLock()
        self._told = told

    def __enter__(self) -> None:
        self._told.put("waits")
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def idle(_: object) -> None:
    """Watch, and do nothing."""


USES: dict[str, Callable[[VirtualLine], object]] = {
    "post": lambda line: line.post(lambda *_: None),
    "watch": lambda line: line.watch(idle),
    "unwatch": lambda line: line.unwatch(idle),
    "connect": lambda line: line.connect(),
    "disconnect": lambda line: line.disconnect(),
    "write": lambda line: line.write(b"noise"),
    "read": lambda line: line.read(1, 0),
    "poll": lambda line: line.poll(),
    "wait": lambda line: line.wait(1),
    "discard": lambda line: line.discard(),
    "pass_time": lambda line: line.pass_time(1),
    "end": lambda line: line.end(),
}


@pytest.mark.parametrize("use", USES)
def test_threads_take_turns(use: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever one thread does with the line, it waits while another is in the middle of something:
    the one that comes is told of at the lock before it has done anything."""
    told: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(line_module, "threading", SimpleNamespace(RLock=lambda: TellingLock(told)))
    line = VirtualLine(PumpEndpoint(Simulation(implanted())))
    if use == "unwatch":
        line.watch(idle)
    if use != "connect":
        line.connect()

    def come() -> None:
        USES[use](line)
        told.put("is through")

    thread = threading.Thread(target=come)
    seen: list[str] = []

    def in_the_middle(*_: object) -> None:
        while not told.empty():
            told.get()
        thread.start()
        seen.append(told.get(timeout=20))

    line.post(in_the_middle)
    thread.join(20)
    assert seen == ["waits"]
    assert told.get_nowait() == "is through"
    line.end()


def test_every_use_of_a_line_is_tried() -> None:
    """What the port calls back is called from within one of them."""
    called_back = {"connected", "received", "disconnected"}
    public = {name for name in vars(VirtualLine) if not name.startswith("_")}
    assert public - called_back == USES.keys()


@pytest.mark.pump(speed=3_600)
def test_paced_pump_begins_at_its_beginning(virtual_pump: VirtualPump) -> None:
    """No part of the link's time has passed before anybody came."""
    assert virtual_pump.time()["therapy_ms"] == 0
    with serial.serial_for_url(virtual_pump.address, timeout=1) as port:
        port.read(1)
    assert virtual_pump.time()["therapy_ms"] == 3_600_000


def test_pumps_of_one_process_are_strangers() -> None:
    """Each has an address of its own."""
    with a_virtual_pump(serial_number="A") as first, a_virtual_pump(serial_number="B") as second:
        first.advance(hours=1)
        for pump, serial_number in ((first, "A"), (second, "B")):
            with Programmer(pump.address, key=pump.key) as programmer:
                assert programmer.identify().serial_number == serial_number
        assert second.time()["therapy_ms"] == 0


def test_bytes_that_were_read_too_late_are_not_the_next_clients(virtual_pump: VirtualPump) -> None:
    """Who opens a port hears nothing of the conversation before."""
    with serial.serial_for_url(virtual_pump.address, timeout=0) as port:
        port.write(bytes(1_000))
    with serial.serial_for_url(virtual_pump.address, timeout=0) as port:
        assert port.in_waiting == 0
