"""The same acts give the same therapy, whoever moves time, how fast, and who looks meanwhile."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.guard import PumpGuard, new_keys
from pump_sim.clock import ManualClock, PacedClock
from pump_sim.endpoint import NS_PER_MS
from pump_sim.model.hardware.faults import IntermittentStall
from pump_sim.model.prescription import Prescription
from pump_sim.model.pump import Pump

from .model.strategies import (
    DAY,
    PROFILE,
    AbortBolus,
    Action,
    continuous,
    lives,
    perform,
    treatments,
)
from .virtual import VirtualLink

Life = list[tuple[int, Action]]


def plain(value: object) -> object:
    """For JSON: what it has no notation of."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(value)


def line(value: object) -> str:
    return json.dumps(value, default=plain, sort_keys=True)


def snapshot(pump: Pump) -> str:
    """All that a clinician sees, but who asked for it."""
    status = asdict(pump.status())
    del status["access_log"]
    return line(status)


def new_pump(prescription: Prescription, seed: int) -> Pump:
    """With a motor that stalls at random moments, the same for the same seed."""
    pump = Pump.implant(PROFILE, prescription)
    pump.inject(IntermittentStall(mean_gap_ms=10**8, mean_stall_ms=10**7, seed=seed))
    return pump


def trace(pump: Pump, life: Life, move_to: Callable[[int], None]) -> list[str]:
    """The status after each act, and in the end the log, as JSON lines."""
    lines = []
    for number, (pause_ms, action) in enumerate(life, 1):
        move_to(pump.at_ms + pause_ms)
        lines.append(snapshot(pump))
        perform(pump, action, number)
        lines.append(snapshot(pump))
    return lines + [line(asdict(entry)) for entry in pump.firmware.log.entries]


def by_uneven_steps(pump: Pump, rng: random.Random) -> Callable[[int], None]:
    """A clock that a person moves, here a little, there a lot, back to where it is."""
    link = VirtualLink(pump, ManualClock())

    def move_to(to_ms: int) -> None:
        stops = sorted(rng.randint(pump.at_ms, to_ms) for _ in range(rng.randint(0, 4)))
        for stop_ms in [*stops, *stops[-1:], to_ms]:
            link.endpoint.jump_to(stop_ms, link.link_ms * NS_PER_MS)

    return move_to


def by_jumps(pump: Pump, _: random.Random) -> Callable[[int], None]:
    """From event to event."""
    link = VirtualLink(pump, ManualClock())

    def move_to(to_ms: int) -> None:
        while (event_ms := pump.next_due_ms()) is not None and event_ms <= to_ms:
            link.endpoint.jump_to(event_ms, link.link_ms * NS_PER_MS)
        link.endpoint.jump_to(to_ms, link.link_ms * NS_PER_MS)

    return move_to


def by_a_paced_clock(
    pump: Pump, rng: random.Random, *, speeds: list[int], looking: bool = False
) -> Callable[[int], None]:
    """A clock that runs, at one speed after the other; somebody with a key, which no seed knows,
    may look at any moment.
    """
    clock = PacedClock(speeds[0], link_ns=NS_PER_MS)  # a virtual link begins at its first ms
    link = VirtualLink(pump, clock, PumpGuard(new_keys()) if looking else None)

    def look() -> None:
        link.reconnect()
        for request in (m.Interrogate(), m.ReadLog(1, 13), m.ReadAccessLog(1, 3)):
            assert not isinstance(link.ask(request), m.Refusal)

    now_ns = link.link_ms * NS_PER_MS

    def move_to(to_ms: int) -> None:
        nonlocal now_ns
        clock.set_speed(rng.choice(speeds), now_ns)
        reached_ns = clock.link_ns_at(to_ms)
        assert reached_ns is not None
        span_ms = range(-(-now_ns // NS_PER_MS), reached_ns // NS_PER_MS + 1)
        for link.link_ms in sorted(rng.choices(span_ms, k=rng.randint(0, 3)) if span_ms else ()):
            if looking:
                look()
            else:
                link.endpoint.handle_timeout(link.link_ms * NS_PER_MS)
        now_ns = max(now_ns, reached_ns)
        link.endpoint.handle_timeout(now_ns)
        assert pump.at_ms == to_ms

    return move_to


@settings(max_examples=30, deadline=None)
@given(treatments, lives, st.randoms(use_true_random=False), st.integers(0, 2**32))
def test_who_moves_time_and_who_looks_makes_no_difference(
    prescription: Prescription, life: Life, rng: random.Random, seed: int
) -> None:
    """The same seed and acts give the same log and status, byte for byte.

    At any speed, in steps or jumps, and with interrogations at any moment: reading is not therapy,
    and neither are handshakes, whose keys are other ones each time.
    """
    pump = new_pump(prescription, seed)
    expected = trace(pump, life, pump.settle)
    for moved in (
        by_uneven_steps,
        by_jumps,
        partial(by_a_paced_clock, speeds=[1, 60]),
        partial(by_a_paced_clock, speeds=[3_600, 86_400, 1], looking=True),
    ):
        pump = new_pump(prescription, seed)
        assert trace(pump, life, moved(pump, rng)) == expected


def test_another_seed_gives_another_life() -> None:
    """Which shows that the trace of a seed is more than the trace of the acts."""
    life: Life = [(50 * DAY, AbortBolus())]
    pumps = [new_pump(continuous(), seed) for seed in (1, 2, 1)]
    first, second, again = [trace(pump, life, pump.settle) for pump in pumps]
    assert first == again != second
