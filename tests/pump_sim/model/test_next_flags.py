"""The next change of the patient's flags is foreseen to the millisecond, without a tick."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import ClockDrift, FlowError, MotorStall
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.model.prescription import DayPattern, Mode, PeriodicBolus, Prescription, Step
from pump_sim.model.pump import Pump

from .pumps import forked, implanted, program
from .strategies import DAY, HOUR, MINUTE, PROFILE, bolus, continuous, prescribed, treatments
from .test_injection import Deed, hands_on_lives
from .test_replacement import live, next_pump

UNDERDOSE, WITHDRAWAL = PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL
Flags = tuple[PatientFlag, ...]

FLEX = prescribed(
    Mode.FLEX,
    days=(
        DayPattern(
            frozenset(range(7)),
            tuple(Step(step * 110, 100_000 + 40_000 * (step % 5)) for step in range(13)),
        ),
    ),
)
DAILY = prescribed(
    Mode.PERIODIC_BOLUS,
    periodic=PeriodicBolus(
        basal_rate_nl_per_day=0,
        dose_ng=300_000,
        volume_nl=150_000,
        duration_ms=10 * MINUTE,
        interval_ms=DAY,
        first_after_ms=0,
    ),
)


def flags_at(pump: Pump, at_ms: int) -> Flags:
    """What a pump that goes on by itself will have made of its patient."""
    later = forked(pump)
    later.settle(at_ms)
    return later.patient().flags


def check(pump: Pump, span_ms: int) -> None:
    """What is foreseen comes at that millisecond, and nothing before it."""
    before, shown = pump.state(), pump.patient().flags
    to_ms = pump.at_ms + span_ms
    change = pump.next_flags(to_ms)
    if change is not None:
        moment_ms, flags = change
        assert pump.at_ms < moment_ms <= to_ms
        assert flags != shown
        assert flags_at(pump, moment_ms) == flags
        assert flags_at(pump, moment_ms - 1) == shown
        to_ms = moment_ms - 1
    walker = forked(pump)
    for step in range(1, 41):
        walker.settle(max(walker.at_ms, pump.at_ms + (to_ms - pump.at_ms) * step // 40))
        assert walker.patient().flags == shown
    assert pump.state() == before


@settings(max_examples=120, deadline=None)
@given(
    st.none() | st.sampled_from([FLEX, DAILY]) | treatments,
    hands_on_lives,
    st.integers(1, 60 * DAY) | st.integers(1, 3 * DAY),
    st.booleans(),
    st.sampled_from([0, 0, -100_000, 77_777]),
)
def test_what_is_foreseen_comes_to_the_millisecond(
    prescription: Prescription | None,
    life: list[tuple[int, Deed]],
    span_ms: int,
    new_patient: bool,
    drift_ppm: int,
) -> None:
    """Flags begin and end when it was said, with all that pump and faults do by themselves."""
    pump = Pump.implant(
        PROFILE,
        prescription or continuous(),
        clock_local_ms=1_700_000_000_000,
        new_patient=new_patient,
    )
    if drift_ppm:
        pump.inject(ClockDrift(drift_ppm=drift_ppm))
    live(pump, life)
    check(pump, span_ms)
    pump.explant()
    check(pump, span_ms)
    if pump.firmware.prescription.drugs:
        check(next_pump(pump), span_ms)


@pytest.mark.parametrize("prescription", [continuous(), FLEX, DAILY])
def test_all_changes_of_a_long_stall_are_found_one_after_the_other(
    prescription: Prescription,
) -> None:
    """Underdose, withdrawal, and both again in the other order when it is over."""
    pump = implanted(prescription)
    pump.settle(10 * DAY)
    pump.inject(MotorStall(), for_ms=5 * DAY)
    seen: list[Flags] = []
    while (change := pump.next_flags(40 * DAY)) is not None:
        pump.settle(change[0] - 1)
        assert pump.patient().flags == (seen[-1] if seen else ())
        pump.settle(change[0])
        assert pump.patient().flags == change[1]
        seen.append(change[1])
    assert seen == [(UNDERDOSE,), (UNDERDOSE, WITHDRAWAL), (UNDERDOSE,), ()]


def test_nothing_is_foreseen_of_an_undisturbed_patient() -> None:
    """Nor of one half of whose dose is just what the threshold is: floats cross nothing."""
    for prescription in (continuous(), FLEX, DAILY):
        pump = implanted(prescription)
        assert pump.next_flags(20 * DAY) is None
        pump.inject(FlowError(factor_ppm=500_000))
        pump.settle(20 * DAY)
        assert pump.patient().flags == ()
        assert pump.next_flags(40 * DAY) is None


def test_a_dry_reservoir_is_foreseen_before_any_alarm() -> None:
    """The pump believes in 4 mL more, so nothing of its own will happen before."""
    pump = implanted(continuous())
    pump.inject(FlowError(factor_ppm=1_250_000))
    change = pump.next_flags(45 * DAY)
    assert change is not None
    assert change[1] == (UNDERDOSE,)
    assert (change[0] - 40 * DAY) / HOUR == pytest.approx(10.28, abs=0.01)


def test_what_comes_later_of_itself_is_foreseen_on_a_copy() -> None:
    """A fault to come, and a hold for an empty reservoir; and nothing has changed by asking."""
    pump = implanted(continuous())
    pump.inject(MotorStall(), at_ms=3 * DAY, for_ms=DAY)
    before = pump.state()
    change = pump.next_flags(10 * DAY)
    assert pump.state() == before
    assert change is not None
    assert (change[0] - 3 * DAY) / HOUR == pytest.approx(8.3, abs=0.05)
    empty = implanted(continuous())
    change = empty.next_flags(60 * DAY)
    assert change is not None
    assert (change[0] - 50 * DAY) / HOUR == pytest.approx(8.3, abs=0.05)


def test_a_prescription_of_this_very_moment_is_judged_by() -> None:
    """No time has passed under it yet, and it is what the patient will be judged by."""
    pump = implanted(continuous(400_000))
    pump.settle(DAY)
    program(pump, continuous(600_000))
    before = pump.state()
    assert pump.next_flags(40 * DAY) is None
    assert pump.state() == before
    program(pump, continuous(100_000))
    change = pump.next_flags(40 * DAY)
    assert change is not None
    assert change[1] == (UNDERDOSE,)


def test_a_bolus_too_much_comes_and_goes() -> None:
    """A flag between two events of the pump, up and down."""
    pump = implanted(continuous(300_000))
    pump.settle(DAY)
    pump.firmware.order_bolus(bolus(dose_ng=118_000, duration_ms=10 * MINUTE))
    up = pump.next_flags(10 * DAY)
    assert up is not None
    assert up[1] == (PatientFlag.OVERDOSE_WATCH,)
    assert (up[0] - DAY) / HOUR == pytest.approx(1.6, abs=0.05)
    pump.settle(up[0])
    down = pump.next_flags(10 * DAY)
    assert down is not None
    assert down[1] == ()
    assert pump.next_flags(down[0] - 1) is None
    assert pump.next_flags(down[0]) == down
