"""How long it takes to judge the pump and the programmer of this project by every case."""

import json
import secrets
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.processes import running
from pump_programmer.conforming.line import PumpLine
from pump_protocol.conformance.cases import Case, Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.selection import select
from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.suite import Bounds, introduce, judge_pump
from pump_protocol.conformance.tester import PumpSubject
from pump_sim.testing.virtual import VirtualPump, virtual_pump

ONLY: dict[Side, str] = dict.fromkeys(Side, "*")
"""Which cases are played."""

_VIRTUAL_WAIT_MS = 10**8


class _Door:
    """The door of a pump in this process, as a harness."""

    def __init__(self, pump: VirtualPump) -> None:
        self._pump = pump

    def do(self, hook: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._pump.ask(hook, **fields)


def run() -> list[Figure]:
    """Both profiles, over a pty as CI does it and in this process; and the other direction."""
    return [
        *(_over_a_pty(each) for each in Profile),
        *(_in_process(each) for each in Profile),
        _judged(),
    ]


def _over_a_pty(profile: Profile) -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        door, report = f"{folder}/door", f"{folder}/report.json"
        options = ("--port", "pty", "--control", door, "--security", profile.value, "--json")
        with running("-m", "pump_sim", "run", *options) as (_, line):
            address = json.loads(line)["address"]
            begun = time.perf_counter()
            words = ("conform", address, "--harness", door, "--only", ONLY[Side.PUMP])
            _command("pump_programmer", *words, report=report)
            took_s = time.perf_counter() - begun
        return Figure(
            f"conform over a pty, {profile.value}", took_s, "s", at_most=20, note=_note(report)
        )


def _judged() -> Figure:
    with tempfile.TemporaryDirectory() as folder:
        report = f"{folder}/report.json"
        programmer = f"{shlex.quote(sys.executable)} -m pump_programmer --port {{address}} {{task}}"
        words = ("judge", "--command", programmer, "--only", ONLY[Side.PROGRAMMER])
        begun = time.perf_counter()
        _command("pump_sim", *words, report=report)
        took_s = time.perf_counter() - begun
        return Figure("judge the shipped programmer, over ptys", took_s, "s", note=_note(report))


def _command(module: str, *arguments: str, report: str) -> None:
    """Run a command that judges to its end; only the shape of its report is checked here."""
    command = ("-m", module, *arguments, "--quiet", "--report", report)
    with running(*command) as (process, _):
        assert process.stdout is not None
        process.stdout.read()
        process.wait()


def _note(report: str) -> str:
    counts: dict[str, int] = json.loads(Path(report).read_text("utf-8"))["counts"]
    return _counted(counts)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def _in_process(profile: Profile) -> Figure:
    with virtual_pump(security=profile.value, speed=1) as pump:
        hooks = frozenset(Hook)
        line = PumpLine(pump.address, _Door(pump))
        begun = time.perf_counter()
        with line:
            subject, _ = introduce(PumpSubject(hooks=hooks), line, secrets.token_bytes)
            bounds = Bounds(longest_wait_ms=_VIRTUAL_WAIT_MS)
            results = [
                *judge_pump(
                    _cases(), subject, line, seed=1, entropy=secrets.token_bytes, bounds=bounds
                )
            ]
        took_s = time.perf_counter() - begun
    note = _counted(Counter(each.verdict.value for each in results))
    return Figure(f"the same in process, {profile.value}", took_s, "s", at_most=5, note=note)


def _cases() -> list[Case]:
    return select(cases_of(Side.PUMP), only=[ONLY[Side.PUMP]], exclude=(), levels=())
