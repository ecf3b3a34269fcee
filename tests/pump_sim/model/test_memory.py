"""Memory: two checked copies of the prescription; mended from each other, never guessed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.firmware.memory import MAX_NOTE_BYTES, Memory, Region
from pump_sim.model.firmware.selftest import Check
from pump_sim.model.hardware.faults import BitFlip
from pump_sim.model.prescription import BridgeDecision, bridged
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode

from .pumps import (
    active,
    delivered_units,
    forked,
    implanted,
    listed,
    moments,
    program,
    reasons_of,
    records,
    refused,
)
from .strategies import DAY, HOUR, MINUTE, bolus, continuous, prescriptions

FIRST, SECOND, NOTE = 1, 2, 3


def hit(pump: Pump, *regions: int) -> None:
    for seed, region in enumerate(regions):
        pump.inject(BitFlip(region=region, seed=seed))


def hit_at_noon(*regions: int) -> Pump:
    """Half an hour before a check of the memory."""
    pump = implanted(continuous())
    pump.settle(12 * HOUR + 30 * MINUTE)
    hit(pump, *regions)
    return pump


# --- One copy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", [FIRST, SECOND])
def test_a_damaged_copy_is_found_within_an_hour_and_mended_from_the_other(region: int) -> None:
    """REQ-21, A09: therapy goes on, and somebody is told."""
    pump = hit_at_noon(region)
    pump.settle(13 * HOUR - 1)
    assert listed(pump) == []
    pump.settle(13 * HOUR)
    assert records(pump)[1:] == [("MEMORY_ERROR_FOUND", region, 1), ("ALARM_RAISED", 9, 1)]
    assert active(pump) == ["MEMORY_ERROR"]
    assert pump.state().firmware.memory.damaged == ()
    assert pump.firmware.prescription == continuous()
    pump.settle(DAY)
    assert delivered_units(pump) == 400_000 * DAY
    assert len(records(pump)) == 3


def test_the_alarm_ends_when_the_prescription_is_written_anew() -> None:
    """Latched: it stays listed until somebody has seen it."""
    pump = hit_at_noon(FIRST)
    pump.settle(13 * HOUR)
    program(pump, continuous())
    assert (active(pump), listed(pump)) == ([], ["MEMORY_ERROR"])
    pump.firmware.acknowledge(Alarm.MEMORY_ERROR)
    assert listed(pump) == []


def test_one_copy_after_the_other_loses_nothing() -> None:
    """The first was mended before the second was hit."""
    pump = hit_at_noon(FIRST)
    pump.settle(13 * HOUR + 1)
    hit(pump, SECOND)
    pump.settle(DAY)
    assert records(pump, "MEMORY_ERROR_FOUND") == [
        ("MEMORY_ERROR_FOUND", 1, 1),
        ("MEMORY_ERROR_FOUND", 2, 1),
    ]
    assert pump.firmware.prescription == continuous()


def test_a_commit_before_the_check_writes_over_the_damage() -> None:
    """Nobody ever learns of it, and there is nothing to learn."""
    pump = hit_at_noon(FIRST, SECOND)
    program(pump, continuous(900_000))
    pump.settle(DAY)
    assert listed(pump) == []
    assert pump.firmware.prescription == continuous(900_000)


# --- Both copies ---------------------------------------------------------------------------------


def test_when_both_copies_are_damaged_the_pump_does_not_guess() -> None:
    """REQ-21, A08: the lowest rate, two critical alarms, and no drug is claimed to be known."""
    pump = hit_at_noon(FIRST, SECOND)
    pump.settle(13 * HOUR)
    assert records(pump)[1:] == [
        ("MEMORY_ERROR_FOUND", 1, 0),
        ("MEMORY_ERROR_FOUND", 2, 0),
        ("RESET", 3, 0),
        ("MODE_CHANGED", 2, 1),
        ("ALARM_RAISED", 8, 2),
        ("ALARM_RAISED", 10, 2),
    ]
    current = pump.firmware.prescription
    assert (current.drugs, current.daily_dose_ng, current.rate_nl_per_day) == ((), 0, 6_000)
    assert (current.drug_name, current.concentration_ng_per_ml) == ("", 0)
    assert pump.status().infusing_nl_per_day == 6_000
    assert active(pump) == ["CRITICAL_MEMORY_ERROR", "SAFE_STATE"]


def test_equal_damage_of_both_copies_is_no_agreement() -> None:
    """The same bit in both: they agree with each other, and not with what was written."""
    pump = implanted(continuous())
    for region in (FIRST, SECOND):
        pump.inject(BitFlip(region=region, seed=5))
    memory = pump.state().firmware.memory
    assert memory.first.value == memory.second.value != continuous()
    pump.settle(HOUR)
    assert "CRITICAL_MEMORY_ERROR" in active(pump)


def test_both_ends_when_the_pump_is_programmed_in_full() -> None:
    """Neither a decision of declining nor of none is held against it: it has nothing to compare."""
    for decision in (BridgeDecision.DECLINED, BridgeDecision.NOT_NEEDED):
        pump = hit_at_noon(FIRST, SECOND)
        pump.settle(13 * HOUR)
        program(pump, replace(continuous(), bridge_decision=decision))
        assert active(pump) == []
        assert listed(pump) == ["CRITICAL_MEMORY_ERROR", "SAFE_STATE"]
        assert pump.status().infusing_nl_per_day == 400_000


def test_a_pump_that_lost_its_drug_cannot_be_told_to_bridge_it() -> None:
    """It does not know what it would clear, nor at which rate."""
    pump = hit_at_noon(FIRST, SECOND)
    pump.settle(13 * HOUR)
    new = bridged(continuous(300_000, 500_000), continuous(), 340_000)
    assert refused(lambda: pump.firmware.stage(new)) == [(RefusalCode.WRONG_MODE, Field.BRIDGE)]


def test_a_reset_that_finds_both_damaged_loses_the_drug() -> None:
    """REQ-21: it looks before it starts anew, and the cause of the reset is its own."""
    pump = hit_at_noon(FIRST, SECOND)
    pump.reset(ResetCause.BROWN_OUT)
    assert records(pump, "RESET") == [("RESET", 2, 0)]
    assert pump.firmware.prescription.drugs == ()
    assert active(pump) == ["CRITICAL_MEMORY_ERROR", "SAFE_STATE"]


def test_a_reset_that_finds_one_damaged_keeps_the_drug() -> None:
    """REQ-21: in the log before the change of mode."""
    pump = hit_at_noon(SECOND)
    pump.reset(ResetCause.WATCHDOG)
    names = [name for name, _, _ in records(pump)[1:]]
    assert names[:3] == ["RESET", "MEMORY_ERROR_FOUND", "ALARM_RAISED"]
    assert pump.firmware.prescription.drugs == continuous().drugs
    assert "SAFE_STATE" in active(pump)


def test_a_lost_prescription_ends_the_bolus_and_drops_what_is_staged() -> None:
    """REQ-07, REQ-23: as any other reset."""
    pump = implanted(continuous())
    pump.settle(55 * MINUTE)
    pump.firmware.order_bolus(bolus())
    pump.firmware.stage(continuous(900_000))
    hit(pump, FIRST, SECOND)
    pump.settle(HOUR)
    assert records(pump, "BOLUS_ABORTED", "ROLLED_BACK") == [
        ("BOLUS_ABORTED", 12_500, 1),
        ("ROLLED_BACK", 450_000, 900_000),
    ]


# --- Looking -------------------------------------------------------------------------------------


def failed(pump: Pump) -> list[Check]:
    return [result.check for result in pump.firmware.self_test() if not result.passed]


def test_a_self_test_finds_damage_at_once() -> None:
    """REQ-21: it need not wait for the hour."""
    pump = hit_at_noon(FIRST)
    assert failed(pump) == [Check.MEMORY]
    assert moments(pump, "MEMORY_ERROR_FOUND") == [12 * HOUR + 30 * MINUTE]
    assert active(pump) == ["MEMORY_ERROR"]
    program(pump, continuous())
    assert failed(pump) == []


def test_a_self_test_that_finds_both_damaged_leads_to_the_safe_state() -> None:
    """Its result is told first; then the pump starts anew."""
    pump = hit_at_noon(FIRST, SECOND)
    assert failed(pump) == [Check.MEMORY]
    assert [name for name, _, _ in records(pump)[1:]] == [
        "MEMORY_ERROR_FOUND",
        "MEMORY_ERROR_FOUND",
        "SELF_TESTED",
        "RESET",
        "MODE_CHANGED",
        "ALARM_RAISED",
        "ALARM_RAISED",
    ]
    assert failed(pump) == [Check.PRESCRIPTION]


def test_checks_that_find_nothing_are_no_events() -> None:
    """An hour is looked at 24 times a day, and nothing of it is in log or plan."""
    pump = implanted(continuous())
    assert pump.next_due_ms() == 45 * DAY
    pump.settle(30 * DAY)
    assert records(pump) == [("IMPLANTED", 20_000_000, 400_000)]
    hit(pump, FIRST)
    assert pump.next_due_ms() == 30 * DAY + HOUR


@settings(max_examples=60, deadline=None)
@given(prescriptions, st.sampled_from([FIRST, SECOND]), st.integers(0, 2**63 - 1))
def test_any_bit_that_flips_in_a_copy_is_found(
    prescription: object, region: int, seed: int
) -> None:
    """REQ-21: the check was written with it; what is mended is what was prescribed."""
    memory = Memory.of(prescription)  # type: ignore[arg-type]
    struck = memory.hit(Region(region), seed, 0)
    assert struck.damaged == (Region(region),)
    mended, found = struck.checked()
    assert found == ((Region(region), True),)
    assert (mended.first.value, mended.second.value) == (prescription, prescription)
    assert mended.damaged == ()


def test_a_pump_restored_between_hit_and_check_finds_it_as_well() -> None:
    """State before processes: damage is part of the state."""
    pump = hit_at_noon(FIRST, SECOND, NOTE)
    other = forked(pump)
    for each in (pump, other):
        each.settle(DAY)
    assert pump.state() == other.state()
    assert "CRITICAL_MEMORY_ERROR" in active(other)


# --- The note ------------------------------------------------------------------------------------


def test_a_note_is_kept_and_read() -> None:
    """REQ-27: that it was written is on record, and how long it was, not what it says."""
    pump = implanted(continuous())
    assert pump.firmware.read_note() == ""
    pump.firmware.write_note("catheter tip at T10", link_id=4)
    assert pump.firmware.read_note() == "catheter tip at T10"
    pump.firmware.write_note("é")
    assert records(pump, "NOTE_WRITTEN") == [("NOTE_WRITTEN", 19, 0), ("NOTE_WRITTEN", 2, 0)]
    assert pump.firmware.log.entries[1].link_id == 4
    pump.reset(ResetCause.BROWN_OUT)
    assert pump.firmware.read_note() == "é"


@pytest.mark.parametrize("text", ["x" * 129, "é" * 65])
def test_a_note_of_more_than_128_bytes_is_refused(text: str) -> None:
    """Bytes, not characters; the one before is kept."""
    pump = implanted(continuous())
    pump.firmware.write_note("é" * 64)
    before = pump.state()
    length = len(text.encode())
    assert reasons_of(lambda: pump.firmware.write_note(text)) == (
        Reason(RefusalCode.OUT_OF_RANGE, Field.NOTE, length, 0, MAX_NOTE_BYTES),
    )
    assert pump.state() == before


def test_a_note_that_cannot_be_written_down_is_refused() -> None:
    """Half of a surrogate pair is no text."""
    pump = implanted(continuous())
    found = refused(lambda: pump.firmware.write_note("\ud800"))
    assert found == [(RefusalCode.UNKNOWN_VALUE, Field.NOTE)]


@pytest.mark.parametrize("text", ["", "allergic to latex"])
def test_a_damaged_note_is_lost_until_it_is_written_anew(text: str) -> None:
    """A09: found once, not mended, and never shown as if it were right."""
    pump = implanted(continuous())
    pump.firmware.write_note(text)
    hit(pump, NOTE)
    pump.settle(HOUR)
    assert records(pump, "MEMORY_ERROR_FOUND") == [("MEMORY_ERROR_FOUND", 3, 0)]
    assert pump.firmware.read_note() is None
    assert active(pump) == ["MEMORY_ERROR"]
    pump.settle(DAY)
    program(pump, continuous(900_000))
    assert active(pump) == ["MEMORY_ERROR"]
    assert len(records(pump, "MEMORY_ERROR_FOUND")) == 1
    pump.firmware.write_note(text)
    assert (active(pump), listed(pump)) == ([], ["MEMORY_ERROR"])
    assert pump.firmware.read_note() == text


def test_a_damaged_note_costs_no_therapy() -> None:
    """Nor is it a reason for a reset."""
    pump = hit_at_noon(NOTE)
    pump.settle(DAY)
    assert pump.firmware.prescription == continuous()
    assert delivered_units(pump) == 400_000 * DAY
    assert records(pump, "RESET") == []
