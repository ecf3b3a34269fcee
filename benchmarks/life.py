"""How long a whole service life takes: a plain one, and one in which everything happens."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from statistics import median
from typing import Final

from benchmarks.figures import Figure
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.hardware.faults import BitFlip, BrownOut, MotorStall
from pump_sim.model.orders import BolusOrder, ReservoirUpdate
from pump_sim.model.prescription import (
    DayPattern,
    Prescription,
    Step,
    flex,
    simple_continuous,
    stopped,
    with_patient_bolus,
)
from pump_sim.model.profile import Profile, load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation

REPEATS = 31
LIVES = 500
LIVES_IN_ALL: Final = 60_000
CORES: Final = 2

HOUR = 3_600_000
DAY = 24 * HOUR
QUARTER_MS = 91 * DAY
LIFE_MS = 84 * 2_629_800_000
PATIENT_BOLUSES = 100

PLAIN = simple_continuous(
    drug_name="baclofen", concentration_ng_per_ml=2_000_000, daily_dose_ng=800_000
)
"""0.4 mL/day: a 40 mL reservoir is low after 95 days, four days after it has been refilled."""

WEEK = with_patient_bolus(
    flex(
        PLAIN,
        DayPattern(
            frozenset(range(5)), tuple(Step(110 * n, 300_000 + 10_000 * n) for n in range(13))
        ),
        DayPattern(
            frozenset({5, 6}), tuple(Step(100 * n, 320_000 + 10_000 * n) for n in range(13))
        ),
    ),
    dose_ng=20_000,
    duration_ms=600_000,
    lockout_ms=4 * HOUR,
    allotted_per_day=4,
)
"""13 steps a day, other ones at the weekend, and boluses that the patient may ask for."""

OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)


@dataclass(frozen=True, slots=True)
class Life:
    """What a life came to."""

    simpy_events: int
    records: int
    alarms: tuple[Alarm, ...]


class Clinic:
    """Those who look after one pump."""

    def __init__(self, profile: Profile, prescription: Prescription) -> None:
        self.profile = profile
        self.pump = Pump.implant(profile, prescription)
        self.simulation = Simulation(self.pump)
        self._numbers = itertools.count(1)

    def refill(self) -> None:
        """Fill the reservoir, and tell the pump."""
        volume_nl = self.profile.capacity_nl
        self.pump.fill_by_hand(volume_nl)
        self.pump.firmware.update_reservoir(
            ReservoirUpdate(programmer_id=1, order_number=next(self._numbers), volume_nl=volume_nl)
        )

    def bolus(self) -> None:
        """50 mcg in ten minutes."""
        self.pump.firmware.order_bolus(
            BolusOrder(
                programmer_id=1,
                order_number=next(self._numbers),
                dose_ng=50_000,
                concentration_ng_per_ml=2_000_000,
                volume_nl=25_000,
                duration_ms=600_000,
            )
        )

    def program(self, prescription: Prescription) -> None:
        """Put a prescription in force."""
        self.pump.firmware.stage(prescription)
        self.pump.firmware.commit()

    def life(self) -> Life:
        """What it has come to."""
        log = self.pump.firmware.log
        raised = [Alarm(e.a) for e in log.entries if e.event is EventCode.ALARM_RAISED]
        return Life(self.simulation.event_count, log.next_sequence - 1, tuple(raised))


def live(profile: Profile) -> Life:
    """A plain life beyond its end, with a refill and a bolus every quarter."""
    clinic = Clinic(profile, PLAIN)
    for visit_ms in range(QUARTER_MS, LIFE_MS, QUARTER_MS):
        clinic.simulation.advance(visit_ms)
        eos_at_ms = clinic.pump.status().eos_at_ms
        if eos_at_ms is not None and eos_at_ms <= visit_ms:
            break
        clinic.refill()
        clinic.bolus()
    clinic.simulation.advance(LIFE_MS)
    return clinic.life()


def live_eventfully(profile: Profile) -> Life:
    """A life of a flex pump with quarterly refills, 100 patient boluses and every alarm."""
    clinic = Clinic(profile, WEEK)
    pump, firmware = clinic.pump, clinic.pump.firmware
    # In the first five years, so that each is granted by a pump that has enough and runs.
    every_ms = 5 * 365 * DAY // PATIENT_BOLUSES
    acts: list[tuple[int, Callable[[], object]]] = [
        (every_ms * n + 50 * HOUR, pump.press_button) for n in range(PATIENT_BOLUSES)
    ]
    # The 22nd visit comes too late: low, then empty.
    visits = [n * QUARTER_MS + (25 * DAY if n == 22 else 0) for n in range(1, 26)]
    acts += [(visit_ms, clinic.refill) for visit_ms in visits]
    year_ms = 5 * 365 * DAY
    acts += [
        (year_ms + 30 * DAY, lambda: pump.inject(MotorStall(), for_ms=HOUR)),
        (year_ms + 40 * DAY, lambda: firmware.stage(replace(WEEK, low_reservoir_threshold_nl=1))),
        (year_ms + 40 * DAY + 120_000, firmware.staging_expired),
        (year_ms + 50 * DAY, lambda: clinic.program(OFF)),
        (year_ms + 53 * DAY, lambda: clinic.program(WEEK)),
        (year_ms + 60 * DAY, lambda: pump.inject(BrownOut())),
        (year_ms + 61 * DAY, lambda: clinic.program(WEEK)),
        (year_ms + 70 * DAY, lambda: pump.inject(BitFlip(region=3))),
        (year_ms + 75 * DAY, lambda: pump.inject(BitFlip(region=1))),
        (year_ms + 75 * DAY, lambda: pump.inject(BitFlip(region=2))),
        (year_ms + 76 * DAY, lambda: clinic.program(WEEK)),
        (year_ms + 80 * DAY, firmware.emergency_minimum_rate),
        (year_ms + 81 * DAY, lambda: clinic.program(WEEK)),
    ]
    for at_ms, act in sorted(acts, key=lambda each: each[0]):
        clinic.simulation.advance(at_ms)
        act()
    clinic.simulation.advance(LIFE_MS)
    return clinic.life()


def run() -> list[Figure]:
    """Live `REPEATS` times: the median, what happened, and how long very many lives take."""
    profile = load_profile("pump-40ml")
    plain, eventful = live(profile), live_eventfully(profile)
    # Refilled in time until its end, a pump alarms for its age and for nothing else.
    assert plain.alarms == (Alarm.REPLACEMENT_PLANNED, Alarm.ERI, Alarm.EOS), plain.alarms
    assert set(eventful.alarms) == set(Alarm), set(Alarm) - set(eventful.alarms)
    return [
        Figure(
            "a seven-year life, quarterly refills",
            _median_ms(live, profile),
            "ms",
            5,
            note=f"{plain.simpy_events} SimPy events, {plain.records} log records",
        ),
        Figure(
            "the same, 13-step flex, 100 patient boluses, every alarm",
            _median_ms(live_eventfully, profile),
            "ms",
            10,
            note=f"{eventful.records} log records",
        ),
        Figure("SimPy events in it", eventful.simpy_events, "events", 2_000),
        Figure(
            f"{LIVES_IN_ALL:,} such lives on {CORES} cores",
            _minutes(profile),
            "min",
            10,
            note=f"reckoned from {LIVES}; the goal is 1 min",
        ),
    ]


def _median_ms(kind: Callable[[Profile], Life], profile: Profile) -> float:
    times_ms = []
    for _ in range(REPEATS):
        begin = time.perf_counter_ns()
        kind(profile)
        times_ms.append((time.perf_counter_ns() - begin) / 1e6)
    return median(times_ms)


def _minutes(profile: Profile) -> float:
    """The time for all the lives, from that for some of them."""
    with ProcessPoolExecutor(CORES, mp_context=get_context("spawn")) as pool:
        list(pool.map(_batch, [(profile, 1)] * CORES))  # the processes are up
        begin = time.perf_counter()
        list(pool.map(_batch, [(profile, LIVES // CORES)] * CORES))
        return (time.perf_counter() - begin) / LIVES * LIVES_IN_ALL / 60


def _batch(task: tuple[Profile, int]) -> None:
    profile, count = task
    for _ in range(count):
        live_eventfully(profile)
