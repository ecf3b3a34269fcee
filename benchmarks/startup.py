"""How soon a pump answers after its start, how much memory it takes, and what it costs idle."""

import time
from pathlib import Path
from statistics import median

import serial

from benchmarks.figures import Figure
from benchmarks.processes import running, running_pump
from pump_programmer.programmer import Programmer
from pump_protocol.codes import MessageType
from pump_protocol.frames import Frame
from pump_protocol.messages import Identify
from pump_protocol.payloads import encode

STARTS = 7
IDLE_S = 5.0
IDENTIFY = Frame(MessageType.IDENTIFY, 1, 1, encode(Identify())).to_bytes()


def run() -> list[Figure]:
    """Start-up beside a bare interpreter's, resident memory, and CPU time of an idle pump."""
    bare = [_bare_start() for _ in range(STARTS)]
    starts = [_first_answer() for _ in range(STARTS + 1)][1:]  # the first one writes bytecode
    figures = [
        Figure("bare 'python -c print' start", median(bare), "s"),
        Figure("'pump-sim run' to first answered frame", median(starts), "s", at_most=0.3),
    ]
    with running_pump() as pump:
        process = pump.process
        with Programmer(pump.address, key=pump.key) as programmer:
            programmer.interrogate()  # all that a session takes is in memory now
        status = Path(f"/proc/{process.pid}/status")
        if not status.exists():  # not Linux
            return figures
        resident_kb = next(
            int(each.split()[1]) for each in status.read_text().splitlines() if "VmRSS" in each
        )
        _settle(process.pid)
        before = _cpu_ticks(process.pid)
        time.sleep(IDLE_S)
        idle = _cpu_ticks(process.pid) - before
    return [
        *figures,
        Figure("resident memory of a pump with a session", resident_kb / 1024, "MiB", at_most=64),
        Figure("CPU time of an idle pump", float(idle), "ticks", 0, note=f"in {IDLE_S:g} s"),
    ]


def _bare_start() -> float:
    before = time.perf_counter()
    with running("-c", "print()"):
        return time.perf_counter() - before


def _first_answer() -> float:
    before = time.perf_counter()
    with running_pump() as pump, serial.Serial(pump.address, timeout=2) as line:
        _identify(line)
        return time.perf_counter() - before


def _identify(line: serial.Serial) -> None:
    line.write(IDENTIFY)
    assert len(line.read(24)) == 24, "no answer"


def _settle(pid: int) -> None:
    """Wait until what our own question set off is over: its timers run for less than a second."""
    time.sleep(1.0)
    _cpu_ticks(pid)


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
