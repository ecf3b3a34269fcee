"""Commands: what each changes, what it leaves alone, and what a refusal leaves alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm, AlarmClass, AlarmRecord
from pump_sim.model.firmware.memory import Region
from pump_sim.model.firmware.selftest import Check
from pump_sim.model.orders import BolusOutcome, ReservoirUpdate
from pump_sim.model.prescription import (
    BridgeDecision,
    Mode,
    minimum_rate,
    simple_continuous,
    stopped,
)
from pump_sim.model.pump import LATEST_LOCAL_MS, Pump
from pump_sim.model.refusals import Field, RefusalCode, Refused

from .strategies import DAY, PROFILE, bolus, continuous

OFF = stopped(drug_name="baclofen", concentration_ng_per_ml=2_000_000)
MONTH = 2_629_800_000
LOWEST = minimum_rate(PROFILE, drug_name="baclofen", concentration_ng_per_ml=2_000_000)


def new_pump() -> Pump:
    return Pump.implant(PROFILE, continuous())


def events_since(pump: Pump, length: int) -> list[tuple[EventCode, int, int]]:
    return [(entry.event, entry.a, entry.b) for entry in pump.firmware.log.entries[length:]]


# --- Programming ---------------------------------------------------------------------------------


def test_staging_changes_no_therapy() -> None:
    """What is pending is shown, logged and nothing else (REQ-24)."""
    pump = new_pump()
    pump.settle(DAY)
    hardware, firmware = pump.state().hardware, pump.state().firmware
    pump.firmware.stage(continuous(900_000), link_id=5)
    after = pump.state().firmware
    assert pump.firmware.pending == continuous(900_000)
    assert pump.status().infusing_nl_per_day == 400_000
    assert pump.state().hardware == hardware
    assert replace(after, programming=firmware.programming, log=firmware.log) == firmware
    assert events_since(pump, 1) == [(EventCode.STAGED, 450_000, 900_000)]
    assert pump.firmware.log.entries[-1].link_id == 5


def test_a_commit_puts_the_whole_prescription_in_force() -> None:
    """One version, one record of the old and the new rate (REQ-23, REQ-27)."""
    pump = new_pump()
    pump.settle(DAY)
    pump.firmware.stage(continuous(900_000))
    assert pump.firmware.commit(link_id=6) == 2
    assert (pump.firmware.prescription, pump.firmware.pending) == (continuous(900_000), None)
    assert (pump.firmware.prescription_version, pump.firmware.prescription_since_ms) == (2, DAY)
    assert events_since(pump, 2) == [(EventCode.COMMITTED, 400_000, 450_000)]
    assert pump.firmware.log.entries[-1].prescription_version == 2
    pump.settle(2 * DAY)
    assert pump.status().delivered_nl == 850_000


def test_nothing_is_committed_or_rolled_back_that_is_not_staged() -> None:
    """A second commit has nothing to commit (REQ-25 is telemetry's: it answers from its cache)."""
    pump = new_pump()
    pump.firmware.stage(continuous(900_000))
    pump.firmware.commit()
    for act in (pump.firmware.commit, pump.firmware.roll_back):
        with pytest.raises(Refused, match="NOTHING_STAGED"):
            act()
    assert pump.firmware.prescription_version == 2


def test_staging_again_drops_what_was_staged_and_says_so() -> None:
    """REQ-27: a prescription that vanishes leaves a record, and so does one that expires."""
    pump = new_pump()
    pump.firmware.stage(continuous(900_000))
    pump.firmware.stage(continuous(1_000_000))
    assert pump.firmware.pending == continuous(1_000_000)
    pump.firmware.staging_expired()
    assert events_since(pump, 1) == [
        (EventCode.STAGED, 450_000, 900_000),
        (EventCode.ROLLED_BACK, 450_000, 900_000),
        (EventCode.STAGED, 500_000, 1_000_000),
        (EventCode.STAGING_EXPIRED, 500_000, 1_000_000),
        (EventCode.ALARM_RAISED, Alarm.UPDATE_INCOMPLETE.value, AlarmClass.CRITICAL.value),
    ]
    assert pump.firmware.pending is None


def test_a_mode_change_is_a_record_of_its_own() -> None:
    """And a change within a mode is none."""
    pump = new_pump()
    for prescription in (LOWEST, OFF, replace(OFF, low_reservoir_threshold_nl=1), continuous()):
        pump.firmware.stage(prescription)
        pump.firmware.commit()
    changes = [(e.a, e.b) for e in pump.firmware.log.entries if e.event is EventCode.MODE_CHANGED]
    assert changes == [(2, 1), (1, 0), (0, 2)]
    assert pump.firmware.prescription.mode is Mode.SIMPLE_CONTINUOUS


@pytest.mark.parametrize("prescription", [OFF, LOWEST])
def test_a_mode_without_therapy_ends_a_running_bolus(prescription: object) -> None:
    """Stop means stop; the part delivered is on record before the commit (REQ-07)."""
    pump = new_pump()
    pump.firmware.order_bolus(bolus())
    pump.settle(300_000)
    pump.firmware.stage(prescription)  # type: ignore[arg-type]
    length = len(pump.firmware.log.entries)
    pump.firmware.commit()
    assert [event for event, _, _ in events_since(pump, length)] == [
        EventCode.BOLUS_ABORTED,
        EventCode.COMMITTED,
        EventCode.MODE_CHANGED,
    ]
    report = pump.status().last_bolus
    assert report is not None
    assert (report.outcome, report.delivered_nl) == (BolusOutcome.ABORTED, 12_500)
    assert pump.status().infusing_nl_per_day == pump.firmware.prescription.rate_nl_per_day


def test_a_running_bolus_goes_on_under_another_dose_but_not_another_drug() -> None:
    """It was ordered as a dose of that drug at that concentration, within the highest flow."""
    pump = new_pump()
    pump.firmware.order_bolus(bolus())  # 3,600,000 nL/day
    declined = {"bridge_decision": BridgeDecision.DECLINED}
    for wrong, reason in (
        (
            replace(continuous(800_000, 500_000), **declined),
            (RefusalCode.BOLUS_ACTIVE, Field.CONCENTRATION),
        ),
        (
            replace(
                simple_continuous(
                    drug_name="morphine", concentration_ng_per_ml=2_000_000, daily_dose_ng=800_000
                ),
                **declined,
            ),
            (RefusalCode.BOLUS_ACTIVE, Field.DRUG_NAME),
        ),
    ):
        pump.firmware.stage(wrong)
        before = pump.state()
        with pytest.raises(Refused) as caught:
            pump.firmware.commit()
        assert [(each.code, each.field) for each in caught.value.reasons] == [reason]
        assert pump.state() == before
    pump.firmware.stage(continuous(1_000_000))
    pump.firmware.commit()
    assert pump.status().infusing_nl_per_day == 500_000 + 3_600_000
    pump.settle(600_000)
    report = pump.status().last_bolus
    assert report is not None
    assert report.outcome is BolusOutcome.COMPLETED


def test_a_commit_may_not_push_a_running_bolus_beyond_the_highest_flow() -> None:
    """REQ-09, checked again at the commit: the bolus began after the staging."""
    low = simple_continuous(
        drug_name="baclofen", concentration_ng_per_ml=50_000, daily_dose_ng=50_000
    )
    high = replace(low, daily_dose_ng=1_195_000, rate_nl_per_day=23_900_000)
    pump = Pump.implant(PROFILE, low)
    pump.firmware.stage(high)
    order = replace(bolus(), concentration_ng_per_ml=50_000, dose_ng=3_000, volume_nl=60_000)
    pump.firmware.order_bolus(replace(order, duration_ms=DAY // 2 - 1))
    with pytest.raises(Refused) as caught:
        pump.firmware.commit(confirmed_dose_ng=1_195_000)
    (reason,) = caught.value.reasons
    assert (reason.code, reason.field) == (RefusalCode.OUT_OF_RANGE, Field.RATE)
    assert (reason.value, reason.maximum) == (23_900_000, 24_000_000 - 120_001)
    pump.firmware.abort_bolus()
    assert pump.firmware.commit(confirmed_dose_ng=1_195_000) == 2


def test_an_empty_pump_takes_a_prescription_and_delivers_it_after_the_refill() -> None:
    """The hold is the reservoir's, not the prescription's."""
    pump = new_pump()
    pump.settle(51 * DAY)
    pump.firmware.stage(continuous(900_000))
    pump.firmware.commit()
    assert pump.status().infusing_nl_per_day == 0
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=1, order_number=1, volume_nl=20_000_000)
    )
    assert pump.status().infusing_nl_per_day == 450_000


# --- Refusals ------------------------------------------------------------------------------------

BAD_COMMANDS: dict[str, Callable[[Pump], object]] = {
    "stage": lambda pump: pump.firmware.stage(continuous(50_000)),
    "commit": lambda pump: pump.firmware.commit(),
    "roll back": lambda pump: pump.firmware.roll_back(),
    "abort": lambda pump: pump.firmware.abort_bolus(),
    "stale order": lambda pump: pump.firmware.order_bolus(bolus(1)),
    "reused order": lambda pump: pump.firmware.order_bolus(bolus(2)),
    "acknowledge": lambda pump: pump.firmware.acknowledge(Alarm.EOS),
    "silence": lambda pump: pump.firmware.silence(Alarm.LOW_RESERVOIR, 1),
    "clock": lambda pump: pump.firmware.set_clock(-1),
}


@pytest.mark.parametrize("name", BAD_COMMANDS)
def test_a_refused_command_leaves_the_pump_as_it_was(name: str) -> None:
    """Prescription, volumes, alarms and therapy log, to the last field (REQ-01, REQ-26)."""
    pump = new_pump()
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=7, order_number=2, volume_nl=3_000_000)
    )
    pump.settle(5 * DAY)
    before = pump.state()
    with pytest.raises(Refused):
        BAD_COMMANDS[name](pump)
    assert pump.state() == before


def test_time_does_not_go_back() -> None:
    """And to settle at the present is to change nothing."""
    pump = new_pump()
    pump.settle(1_000)
    before = pump.state()
    with pytest.raises(ValueError, match="to_ms = 999: the pump is already at 1000"):
        pump.settle(999)
    pump.settle(1_000)
    assert pump.state() == before


@pytest.mark.parametrize(
    "figures", [{"volume_nl": 20_000_001}, {"volume_nl": -1}, {"flow_factor_ppm": -1}]
)
def test_a_pump_is_implanted_within_its_limits(figures: dict[str, int]) -> None:
    """The figure and its range are named; a bad prescription is refused with its reasons."""
    with pytest.raises(ValueError, match=f"{next(iter(figures))} = .*allowed are 0"):
        Pump.implant(PROFILE, continuous(), **figures)  # type: ignore[arg-type]
    with pytest.raises(Refused, match="RATE"):
        Pump.implant(PROFILE, continuous(50_000))
    with pytest.raises(ValueError, match=r"allowed 0\.\.20000000"):
        new_pump().fill_by_hand(20_000_001)


def test_an_empty_pump_can_be_implanted_and_alarms_at_once() -> None:
    """The first millisecond is a millisecond like any other."""
    pump = Pump.implant(PROFILE, continuous(), volume_nl=0)
    assert [each.alarm for each in pump.status().alarms] == [
        Alarm.LOW_RESERVOIR,
        Alarm.EMPTY_RESERVOIR,
    ]
    assert pump.status().infusing_nl_per_day == 0


# --- Clock ---------------------------------------------------------------------------------------


def test_the_clock_moves_the_display_and_nothing_else() -> None:
    """REQ-28: no alarm, no timer, no service date follows it."""
    pump = Pump.implant(PROFILE, OFF, clock_local_ms=1_700_000_000_000)
    pump.settle(DAY)
    before = pump.status()
    assert before.clock_local_ms == 1_700_000_000_000 + DAY
    assert pump.firmware.set_clock(1_800_000_000_000) == (
        1_700_000_000_000 + DAY,
        1_800_000_000_000,
    )
    after = pump.status()
    assert after.clock_local_ms == 1_800_000_000_000
    assert after.implanted_at_local_ms == 1_800_000_000_000 - DAY
    assert (
        replace(
            after,
            clock_local_ms=before.clock_local_ms,
            implanted_at_local_ms=before.implanted_at_local_ms,
            log=before.log,
        )
        == before
    )
    pump.settle(2 * DAY)
    assert pump.status().alarms[0].raised_at_ms == 2 * DAY


@pytest.mark.parametrize("local_ms", [DAY - 1, LATEST_LOCAL_MS + 1])
def test_a_clock_that_could_not_be_shown_is_refused(local_ms: int) -> None:
    """The implant cannot lie before 1970, nor the present beyond the year 9999."""
    pump = new_pump()
    pump.settle(DAY)
    with pytest.raises(Refused, match="OUT_OF_RANGE"):
        pump.firmware.set_clock(local_ms)
    pump.firmware.set_clock(DAY)
    pump.firmware.set_clock(LATEST_LOCAL_MS)


# --- Self-test -----------------------------------------------------------------------------------


def failed(pump: Pump) -> list[Check]:
    return [result.check for result in pump.firmware.self_test() if not result.passed]


def test_the_self_test_looks() -> None:
    """REQ-21: each check fails on what it is there to find."""
    pump = new_pump()
    pump.settle(DAY)
    assert failed(pump) == []
    assert pump.firmware.log.entries[-1].event is EventCode.SELF_TESTED
    assert (pump.firmware.log.entries[-1].a, pump.firmware.log.entries[-1].b) == (6, 0)
    state = pump.state()
    firmware = state.firmware

    def with_firmware(**changes: object) -> Pump:
        return Pump.from_state(replace(state, firmware=replace(firmware, **changes)))  # type: ignore[arg-type]

    bad = replace(firmware.programming, current=replace(continuous(), rate_nl_per_day=399_999))
    assert failed(with_firmware(programming=bad)) == [Check.PRESCRIPTION]
    short = replace(firmware.ledger, left_units=firmware.ledger.left_units - 1)
    assert failed(with_firmware(ledger=short)) == [Check.LEDGER]
    gap = replace(firmware.log, next_sequence=firmware.log.next_sequence + 1)
    assert failed(with_firmware(log=gap)) == [Check.LOG]
    late = replace(firmware.log.entries[0], at_ms=DAY + 1)
    swapped = replace(firmware.log, entries=(late, *firmware.log.entries[1:]))
    assert failed(with_firmware(log=swapped)) == [Check.LOG]
    hit = firmware.memory.hit(Region.FIRST_COPY, seed=1, at_ms=0)
    assert failed(with_firmware(memory=hit)) == [Check.MEMORY]
    stalled = firmware.alarms.updated(AlarmRecord(Alarm.MOTOR_STALL, DAY))
    assert failed(with_firmware(alarms=stalled)) == [Check.MOTOR]
    pump.settle(100 * MONTH)
    assert failed(pump) == [Check.BATTERY]
    assert pump.status().battery_remaining_ppm == 0


# --- Service life --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("daily_dose_ng", "concentration_ng_per_ml", "months"),
    [(500_000, 2_000_000, 84), (500_000, 1_000_000, 76), (500_000, 500_000, 63)],
)
def test_service_life_depends_on_the_rate(
    daily_dose_ng: int, concentration_ng_per_ml: int, months: int
) -> None:
    """Months of life at 0.25, 0.5 and 1.0 mL/day (domain.md 1.3), clamped to 84."""
    prescription = continuous(daily_dose_ng, concentration_ng_per_ml)
    status = Pump.implant(PROFILE, prescription).status()
    assert status.eos_at_ms // MONTH == months
    assert status.eos_at_ms - status.eri_at_ms == 90 * DAY


def test_the_replacement_indicator_precedes_the_end_by_90_days() -> None:
    """T13, REQ-20: 84 months less 90 days of age, then a hard stop at 84 months to the ms.

    The date for which the replacement is planned (A15) has been shown since month 78.
    """
    pump = Pump.implant(PROFILE, LOWEST)
    assert pump.status().low_reservoir_at_ms is None  # 18 mL last for longer than the battery
    eri_at_ms = 84 * MONTH - 90 * DAY
    planned = AlarmRecord(Alarm.REPLACEMENT_PLANNED, 78 * MONTH)
    pump.settle(eri_at_ms - 1)
    assert pump.status().alarms == (planned,)
    pump.settle(eri_at_ms)
    eri, other = pump.status().alarms
    assert other == planned
    assert (eri.alarm, eri.raised_at_ms) == (Alarm.ERI, eri_at_ms)
    assert pump.status().infusing_nl_per_day == 6_000
    pump.settle(84 * MONTH - 1)
    assert pump.status().infusing_nl_per_day == 6_000
    pump.settle(84 * MONTH)
    assert pump.status().infusing_nl_per_day == 0
    assert [each.alarm for each in pump.status().alarms] == [
        Alarm.ERI,
        Alarm.EOS,
        Alarm.REPLACEMENT_PLANNED,
    ]
    delivered = pump.truth().actual_delivered_nl
    pump.settle(90 * MONTH)
    assert pump.truth().actual_delivered_nl == delivered


def test_a_higher_rate_brings_the_indicator_forward_and_a_lower_one_does_not_take_it_back() -> None:
    """Predicted life is at the basal rate; once indicated, the end is fixed (REQ-20)."""
    pump = Pump.implant(PROFILE, LOWEST, volume_nl=20_000_000)
    pump.settle(80 * MONTH)
    declined = {"bridge_decision": BridgeDecision.DECLINED}
    pump.firmware.stage(replace(continuous(2_000_000, 100_000), **declined))
    pump.firmware.commit(confirmed_dose_ng=2_000_000)
    assert [each.alarm for each in pump.status().alarms] == [Alarm.ERI, Alarm.REPLACEMENT_PLANNED]
    pump.firmware.stage(replace(LOWEST, **declined))
    pump.firmware.commit()
    assert pump.status().eri_at_ms == 80 * MONTH
    assert pump.next_due_ms() == 80 * MONTH + 90 * DAY


def test_nothing_clears_the_end_of_service() -> None:
    """Programming, bolus and refill are refused; it may be acknowledged, and goes on (REQ-20)."""
    pump = new_pump()
    pump.settle(84 * MONTH - 1)
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=1, order_number=1, volume_nl=10_000_000)
    )
    pump.firmware.stage(continuous(900_000))
    pump.settle(84 * MONTH)
    for act in (
        lambda: pump.firmware.stage(continuous()),
        pump.firmware.commit,
        lambda: pump.firmware.order_bolus(bolus()),
        lambda: pump.firmware.update_reservoir(
            ReservoirUpdate(programmer_id=1, order_number=2, volume_nl=10_000_000)
        ),
    ):
        with pytest.raises(Refused, match="END_OF_SERVICE"):
            act()
    pump.firmware.acknowledge(Alarm.EOS)
    pump.firmware.silence(Alarm.EOS, 60_000)
    pump.firmware.set_clock(LATEST_LOCAL_MS)
    pump.firmware.test_alarm(AlarmClass.CRITICAL)
    pump.firmware.roll_back()
    (eos,) = [each for each in pump.status().alarms if each.alarm is Alarm.EOS]
    assert (eos.alarm, eos.active, eos.acknowledged) == (Alarm.EOS, True, True)
    assert pump.next_due_ms() is None
    assert pump.status().low_reservoir_at_ms is None
