"""What a pump delivers, and when things happen to it, against an independent reference."""

from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.orders import BolusOutcome
from pump_sim.model.prescription import Prescription
from pump_sim.model.pump import Pump
from pump_sim.model.units import PPM, UNITS_PER_NL

from .reference import ReferencePump
from .strategies import (
    DAY,
    PROFILE,
    AbortBolus,
    Action,
    GiveBolus,
    Prescribe,
    Refill,
    continuous,
    lives,
    pauses,
    perform,
    prescriptions,
    volumes,
)

Life = list[tuple[int, Action]]
LIFE_MS = 230_000_000_000  # beyond the end of every service


def written(log: tuple[LogEntry, ...]) -> list[tuple[int, str, int, int]]:
    return [
        (entry.at_ms, entry.event.name, entry.a, entry.b)
        for entry in log
        if entry.event is not EventCode.ROLLED_BACK
    ]


def follow(reference: ReferencePump, action: Action, done: object) -> None:
    match action:
        case Prescribe(prescription):
            reference.commit(prescription)
        case GiveBolus():
            reference.order_bolus(done)  # type: ignore[arg-type]
        case AbortBolus():
            reference.abort()
            reference.review()
        case Refill(volume_nl):
            reference.refill(volume_nl)


@settings(max_examples=250, deadline=None)
@given(prescriptions, volumes, lives)
@example(continuous(), 27_000, [(0, GiveBolus(50_000, 432_000))])
@example(continuous(), 27_000, [(0, GiveBolus(50_000, 432_001))])
def test_every_event_falls_at_its_exact_millisecond(
    prescription: Prescription, volume_nl: int, life: Life
) -> None:
    """The log is the reference's, record for record, to the end of service (REQ-07, 19, 20, 27)."""
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl)
    reference = ReferencePump(prescription, volume_nl)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        reference.advance(reference.now + pause_ms)
        before = len(pump.log.entries)
        done = perform(pump, action, number)
        if done is None:
            entries = pump.log.entries[before:]
            staged_in_vain = [EventCode.STAGED, EventCode.ROLLED_BACK]
            assert [entry.event for entry in entries] in ([], staged_in_vain)
            if entries:
                reference.log.append((pump.at_ms, "STAGED", entries[0].a, entries[0].b))
        else:
            follow(reference, action, done)
        assert Fraction(pump.state().firmware.ledger.left_units, UNITS_PER_NL) == reference.left
    pump.settle(LIFE_MS)
    reference.advance(LIFE_MS)
    assert written(pump.log.entries) == reference.log
    ledger = pump.state().firmware.ledger
    assert Fraction(ledger.delivered_units, UNITS_PER_NL) == reference.delivered
    assert pump.status().eri_at_ms == reference.eri
    assert pump.status().eos_at_ms == reference.eos


@settings(max_examples=100, deadline=None)
@given(volumes, lives, st.integers(0, 3 * PPM))
def test_nothing_is_lost_and_nothing_flows_back(
    volume_nl: int, life: Life, flow_factor_ppm: int
) -> None:
    """Filled = delivered + withdrawn + left, to the last unit, in truth and belief (REQ-08)."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=volume_nl, flow_factor_ppm=flow_factor_ppm)
    believed = actual = 0
    for number, (pause_ms, action) in enumerate([*life, (LIFE_MS, AbortBolus())], 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
        ledger, reservoir = pump.state().firmware.ledger, pump.state().hardware.reservoir
        assert ledger.filled_units == (
            ledger.delivered_units + ledger.withdrawn_units + ledger.left_units
        )
        assert reservoir.filled == reservoir.delivered + reservoir.withdrawn + reservoir.left
        assert ledger.left_units >= 0
        assert reservoir.left >= 0
        assert ledger.delivered_units >= believed
        assert reservoir.delivered >= actual
        believed, actual = ledger.delivered_units, reservoir.delivered
    if flow_factor_ppm == PPM:
        assert actual == believed * PPM


@settings(max_examples=100, deadline=None)
@given(volumes, lives, st.lists(pauses, max_size=6))
def test_a_pump_made_from_a_state_goes_on_as_if_nothing_had_happened(
    volume_nl: int, life: Life, extra: list[int]
) -> None:
    """In the middle of anything: same log, same state, to the last unit (REQ-07, REQ-17)."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=volume_nl)
    other = Pump.from_state(pump.state())
    steps = [*life, *((pause_ms, AbortBolus()) for pause_ms in extra)]
    for number, (pause_ms, action) in enumerate(steps, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
        other.settle(other.at_ms + pause_ms // 2)
        other = Pump.from_state(other.state())
        other.settle(pump.at_ms)
        perform(other, action, number)
        other = Pump.from_state(other.state())
        assert other.state() == pump.state()
        assert other.status() == pump.status()
        assert other.truth() == pump.truth()


@settings(max_examples=60, deadline=None)
@given(volumes, lives, st.lists(st.integers(0, LIFE_MS), max_size=20))
def test_how_time_is_cut_makes_no_difference(volume_nl: int, life: Life, stops: list[int]) -> None:
    """Any pattern of settling gives the same therapy log and the same volumes."""
    pump, other = (Pump.implant(PROFILE, continuous(), volume_nl=volume_nl) for _ in range(2))
    for number, (pause_ms, action) in enumerate(life, 1):
        to_ms = pump.at_ms + pause_ms
        for stop in sorted(other.at_ms + stop % (pause_ms + 1) for stop in stops):
            other.settle(stop)
        for each in (pump, other):
            each.settle(to_ms)
            perform(each, action, number)
    pump.settle(LIFE_MS)
    for stop in sorted(stop for stop in stops if stop >= other.at_ms):
        other.settle(stop)
    other.settle(LIFE_MS)
    assert other.state() == pump.state()


@settings(max_examples=60, deadline=None)
@given(prescriptions, volumes, lives)
def test_a_due_moment_is_the_first_at_which_anything_changes_by_itself(
    prescription: Prescription, volume_nl: int, life: Life
) -> None:
    """One ms before it the log is as it was, at it the log has grown."""
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl)
    for number, (pause_ms, action) in enumerate(life, 1):
        to_ms = pump.at_ms + pause_ms
        while (due_ms := pump.next_due_ms()) is not None and due_ms <= to_ms:
            length = len(pump.log.entries)
            if due_ms > pump.at_ms:
                pump.settle(due_ms - 1)
            assert len(pump.log.entries) == length
            pump.settle(due_ms)
            assert len(pump.log.entries) > length
        pump.settle(to_ms)
        perform(pump, action, number)


def test_time_does_not_age_the_forecast() -> None:
    """The low-reservoir date of 800 mcg/day from 20 mL is day 45, asked at any time (REQ-19)."""
    pump = Pump.implant(PROFILE, continuous())
    for day in range(45):
        pump.settle(day * DAY + 12_345)
        assert pump.status().low_reservoir_at_ms == 45 * DAY
        assert Pump.from_state(pump.state()).status().low_reservoir_at_ms == 45 * DAY


def test_a_bolus_delivers_its_volume_exactly_once() -> None:
    """REQ-07: nothing more after its end, nothing of it twice; its parts add up."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(1_000)
    assert perform(pump, GiveBolus(100_001, 777_777), 1) is not None
    pump.settle(1_000 + 777_777)
    report = pump.status().last_bolus
    assert report is not None
    assert report.delivered_nl == 50_000  # 50,000.5 nL, ties to even
    basal_units = 400_000 * 778_777
    delivered = pump.state().firmware.ledger.delivered_units
    assert delivered == basal_units + 50_000 * UNITS_PER_NL
    pump.settle(2_000_000)
    assert pump.state().firmware.ledger.delivered_units == (
        400_000 * 2_000_000 + 50_000 * UNITS_PER_NL
    )


def test_a_bolus_that_the_reservoir_just_holds_completes_and_one_unit_more_does_not() -> None:
    """REQ-07: 25,000 nL in 432,000 ms, with 2,000 nL at the basal rate, out of 27,000 nL."""
    for duration_ms, outcome, delivered_nl in (
        (432_000, BolusOutcome.COMPLETED, 25_000),
        (432_001, BolusOutcome.ABORTED, 24_999),
    ):
        pump = Pump.implant(PROFILE, continuous(), volume_nl=27_000)
        assert perform(pump, GiveBolus(50_000, duration_ms), 1) is not None
        pump.settle(duration_ms)
        assert pump.status().believed_volume_nl == 0
        report = pump.status().last_bolus
        assert report is not None
        assert (report.outcome, report.delivered_nl) == (outcome, delivered_nl)


def test_delivery_is_what_was_programmed_at_every_rate() -> None:
    """REQ-02: a nominal pump is exact over a day at the lowest, a middle and the highest rate."""
    for dose_ng, concentration in ((96_000, 2_000_000), (800_000, 2_000_000), (24_000, 1_000)):
        pump = Pump.implant(PROFILE, continuous(dose_ng, concentration), volume_nl=20_000_000)
        hours = 24 if pump.prescription.rate_nl_per_day < 20_000_000 else 12
        pump.settle(DAY * hours // 24)
        expected = pump.prescription.rate_nl_per_day * hours // 24
        assert pump.truth().actual_delivered_nl == expected
        assert pump.status().delivered_nl == expected


def test_the_low_reservoir_alarm_follows_belief_not_truth() -> None:
    """T12: a pump that delivers a quarter too much is dry on day 40 and silent until day 45."""
    pump = Pump.implant(PROFILE, continuous(), flow_factor_ppm=1_250_000)
    pump.settle(40 * DAY - 1)
    assert pump.truth().actual_volume_nl == 0
    assert pump.truth().actual_rate_nl_per_day == 500_000
    pump.settle(40 * DAY)
    assert pump.truth().actual_rate_nl_per_day == 0
    assert pump.status().believed_volume_nl == 4_000_000
    assert pump.status().infusing_nl_per_day == 400_000
    assert pump.status().alarms == ()
    pump.settle(50 * DAY)
    assert [entry.at_ms for entry in pump.log.entries if entry.event.name == "ALARM_RAISED"] == [
        45 * DAY,
        50 * DAY,
    ]
    assert pump.truth().actual_delivered_nl == 20_000_000


def test_a_refill_that_the_pump_is_not_told_of_changes_truth_only() -> None:
    """And one that it is told of wrongly changes belief only (domain.md 1.4)."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(30 * DAY)
    pump.fill_by_hand(20_000_000)
    assert pump.status().believed_volume_nl == 8_000_000
    assert pump.truth().actual_volume_nl == 20_000_000
