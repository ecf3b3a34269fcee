"""The one mover of time: inclusive, exact, and flat in memory."""

import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.events import LogEntry
from pump_sim.model.orders import BolusOrder
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation

DAY = 86_400_000
PROFILE = load_profile("pump-20ml")
PRESCRIPTION = simple_continuous(
    drug_name="baclofen", concentration_ng_per_ml=2_000_000, daily_dose_ng=800_000
)


def new_simulation() -> Simulation:
    return Simulation(Pump.implant(PROFILE, PRESCRIPTION))


def bolus(order_number: int, duration_ms: int = 600_000) -> BolusOrder:
    return BolusOrder(
        programmer_id=1,
        order_number=order_number,
        dose_ng=200,
        concentration_ng_per_ml=2_000_000,
        volume_nl=100,
        duration_ms=duration_ms,
    )


def test_everything_due_at_a_moment_has_happened_when_it_is_reached() -> None:
    """Inclusive, where SimPy's own run(until=t) leaves what is due at t undone."""
    simulation = new_simulation()
    simulation.advance(45 * DAY - 1)
    assert simulation.pump.status().alarms == ()
    simulation.advance(45 * DAY)
    assert len(simulation.pump.status().alarms) == 1
    assert simulation.now_ms == simulation.pump.at_ms == 45 * DAY


def test_to_advance_to_the_present_is_allowed_and_to_the_past_is_not() -> None:
    """SimPy's own run(until=now) raises; a pump that is asked twice in a millisecond must not."""
    simulation = new_simulation()
    for to_ms in (0, 0, 7, 7):
        simulation.advance(to_ms)
        assert simulation.now_ms == to_ms
    with pytest.raises(ValueError, match="to_ms = 6: it is already 7"):
        simulation.advance(6)


def test_a_command_changes_what_happens_next() -> None:
    """A plan made before it is not followed; a bolus ends on time between two old moments."""
    simulation = new_simulation()
    simulation.advance(1_000)
    assert simulation.next_event_ms() == 45 * DAY
    simulation.pump.firmware.order_bolus(bolus(1))
    assert simulation.next_event_ms() == 601_000
    simulation.advance(2_000)
    simulation.pump.firmware.abort_bolus()
    simulation.pump.firmware.order_bolus(bolus(2, 1_200_000))
    assert simulation.advance_to_next_event() == 1_202_000
    assert simulation.pump.firmware.log.entries[-1].event.name == "BOLUS_COMPLETED"


def test_one_can_go_from_event_to_event_to_the_end() -> None:
    """Low, empty, replacement planned, ERI, EOS; then nothing ever happens again."""
    simulation = new_simulation()
    moments = []
    while (at_ms := simulation.advance_to_next_event()) is not None:
        moments.append(at_ms)
    assert moments == [
        45 * DAY,
        50 * DAY,
        205_124_400_000,
        213_127_200_000,
        220_903_200_000,
    ]
    simulation.advance(10**12)
    assert simulation.now_ms == 10**12
    assert simulation.event_count < 30


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 230_000_000_000), max_size=25),
    st.lists(st.integers(0, 230_000_000_000), max_size=25),
)
def test_any_pattern_of_advances_gives_the_same_trace(one: list[int], other: list[int]) -> None:
    """Determinism: how often somebody looks makes no difference to what happens."""
    traces: list[tuple[LogEntry, ...]] = []
    for stops in (one, other):
        simulation = new_simulation()
        for to_ms in sorted(stops):
            simulation.advance(to_ms)
        simulation.advance(230_000_000_000)
        traces.append(simulation.pump.firmware.log.entries)
    assert traces[0] == traces[1]


def test_events_are_recorded_at_their_own_moment() -> None:
    """A record has the time of what it tells, not that of the end of the advance."""
    simulation = new_simulation()
    simulation.advance(230_000_000_000)
    days = [entry.at_ms // DAY for entry in simulation.pump.firmware.log.entries[1:]]
    assert days == [45, 50, 50, 2374, 2466, 2556]


def test_a_simulation_can_begin_with_an_old_pump() -> None:
    """From a state in the middle of a bolus (architecture: state before processes)."""
    simulation = new_simulation()
    simulation.advance(5_000)
    simulation.pump.firmware.order_bolus(bolus(1))
    simulation.advance(100_000)
    later = Simulation(Pump.from_state(simulation.pump.state()))
    for each in (simulation, later):
        each.advance(10 * DAY)
    assert later.pump.state() == simulation.pump.state()


def test_memory_is_flat_whatever_the_plan_does() -> None:
    """No command leaves a stale timeout behind, even when most move the next event earlier."""
    simulation = new_simulation()

    def command_many_times(first: int, count: int) -> None:
        for number in range(first, first + count):
            simulation.pump.firmware.order_bolus(bolus(number, 86_400_000 - number * 10_000))
            simulation.advance(simulation.now_ms + 1)
            simulation.pump.firmware.abort_bolus()
            simulation.pump.firmware.order_bolus(replace(bolus(number, 60_000), programmer_id=2))
            simulation.advance_to_next_event()

    command_many_times(1, 1_000)  # the log and the history of the flow are full from here on
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    command_many_times(1_001, 2_000)
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    # A thousand records and half of the history are made anew; 2,000 timeouts would be far more.
    assert grown < 500_000
    assert simulation.event_count > 2_000
