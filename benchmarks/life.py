"""How long a whole service life takes to simulate: seven years of refills, boluses and alarms."""

import time
from dataclasses import dataclass
from statistics import median

from benchmarks.figures import Figure
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.orders import BolusOrder, ReservoirUpdate
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import Profile, load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation

REPEATS = 31

DAY = 86_400_000
QUARTER_MS = 91 * DAY
LIFE_MS = 84 * 2_629_800_000

PRESCRIPTION = simple_continuous(
    drug_name="baclofen", concentration_ng_per_ml=2_000_000, daily_dose_ng=800_000
)
"""0.4 mL/day: a 40 mL reservoir is low after 95 days, four days after it has been refilled."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a life came to."""

    simpy_events: int
    log: tuple[LogEntry, ...]


def live(profile: Profile) -> Life:
    """One pump from implant to beyond its end, with a refill and a bolus every quarter."""
    pump = Pump.implant(profile, PRESCRIPTION)
    simulation = Simulation(pump)
    number = 0
    for visit_ms in range(QUARTER_MS, LIFE_MS, QUARTER_MS):
        simulation.advance(visit_ms)
        if pump.status().eos_at_ms <= visit_ms:
            break
        number += 2
        pump.fill_by_hand(profile.capacity_nl)
        pump.update_reservoir(
            ReservoirUpdate(programmer_id=1, order_number=number - 1, volume_nl=profile.capacity_nl)
        )
        pump.order_bolus(
            BolusOrder(
                programmer_id=1,
                order_number=number,
                dose_ng=50_000,
                concentration_ng_per_ml=2_000_000,
                volume_nl=25_000,
                duration_ms=600_000,
            )
        )
    simulation.advance(LIFE_MS)
    return Life(simulation.event_count, pump.log.entries)


def run() -> list[Figure]:
    """Live `REPEATS` times: the median, and what happened in one such life."""
    profile = load_profile("pump-40ml")
    times_ms = []
    life = live(profile)
    for _ in range(REPEATS):
        begin = time.perf_counter_ns()
        life = live(profile)
        times_ms.append((time.perf_counter_ns() - begin) / 1e6)
    raised = [entry.a for entry in life.log if entry.event is EventCode.ALARM_RAISED]
    # Refilled in time until its end, the pump alarms for its age and for nothing else.
    assert raised == [Alarm.ERI.value, Alarm.EOS.value], raised
    note = f"{life.simpy_events} SimPy events, {len(life.log)} log records"
    return [Figure("a seven-year life, quarterly refills", median(times_ms), "ms", 5, note=note)]
