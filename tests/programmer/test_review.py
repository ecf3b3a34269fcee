"""Every setting of two prescriptions side by side, with what changes by how much."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_programmer.review import percent_text, review
from pump_protocol import codes as c
from pump_protocol import messages as m

from .prescriptions import (
    BACLOFEN,
    HOUR_MS,
    LOST,
    MORPHINE,
    flex,
    in_force,
    periodic,
    simple,
    staged,
    stopped,
    with_patient,
)

CURRENT = simple()
TWO_STEPS = flex((31, ((0, 120), (480, 300))), (96, ((0, 200),)))


def rows(pending, current=CURRENT):
    return {row.setting: row for row in review(in_force(current), staged(pending)).rows}


def changes(pending, current=CURRENT):
    return {key: row.change for key, row in rows(pending, current).items() if row.changed}


def test_every_setting_of_a_prescription_is_in_the_review():
    """REQ-04: with the doses that the pump reckons, and nothing of the prescription left out."""
    bridge = m.Bridge(340_000, 150_000, 195_840_000)
    decided = replace(
        with_patient(TWO_STEPS),
        drugs=(BACLOFEN, MORPHINE),
        bridge_decision=c.BridgeDecision.BRIDGE,
        bridges=(bridge,),
    )
    found = {*rows(decided), *rows(periodic())}
    parts = {
        "drugs": m.Drug,
        "periodic_boluses": m.PeriodicBolus,
        "patient_boluses": m.PatientBolus,
        "bridges": m.Bridge,
    }
    for field in fields(m.Prescription):
        if field.name == "days":
            for day in c.Weekday:
                assert f"days.{day.name.lower()}" in found
        elif field.name in parts:
            for each in fields(parts[field.name]):
                assert f"{field.name}.0.{each.name}" in found
        else:
            assert field.name in found
    assert {"totals.highest_ng", "totals.with_patient_ng", "drugs.1.daily_dose_ng"} <= found


def test_what_neither_prescription_has_takes_no_room():
    settings = set(rows(CURRENT))
    assert not any(each.startswith(("days", "periodic", "patient", "bridges")) for each in settings)
    assert "drugs.1.name" not in settings


def test_each_number_stands_next_to_the_old_one_with_its_change_in_percent():
    found = rows(simple(400_000))
    dose = found["daily_dose_ng"]
    assert (dose.current, dose.pending, dose.change) == ("300 mcg/day", "400 mcg/day", "+33.3 %")
    assert found["rate_nl_per_day"].change == "+33.3 %"
    assert found["drugs.0.name"].change == "-"
    assert not found["drugs.0.concentration_ng_per_ml"].changed


def test_a_change_from_zero_has_no_percentage():
    dose = rows(CURRENT, stopped())["daily_dose_ng"]
    assert (dose.change_ppm, dose.change) == (None, "new")
    assert rows(stopped())["daily_dose_ng"].change == "-100.0 %"


@pytest.mark.parametrize(
    ("ppm", "text"),
    [
        (333_333, "+33.3 %"),
        (-1_000_000, "-100.0 %"),
        (4_800_000, "+480.0 %"),
        (1, "+<0.1 %"),
        (-1, "-<0.1 %"),
        (500, "+<0.1 %"),  # a tie goes to the even 0.0
        (1_500, "+0.2 %"),
    ],
)
def test_percentages_have_one_decimal_and_never_hide_a_change(ppm, text):
    assert percent_text(ppm) == text


@given(old=st.integers(1, 2**64 - 1), new=st.integers(0, 2**64 - 1))
def test_a_change_of_any_size_is_shown_as_a_change(old, new):
    current = replace(CURRENT, daily_dose_ng=old)
    both = review(in_force(current), staged(replace(current, daily_dose_ng=new)))
    assert both.changed is (old != new)
    dose = next(row for row in both.rows if row.setting == "daily_dose_ng")
    assert (dose.change == "-") is (old == new)
    if old != new:
        assert dose.change[0] == ("+" if new > old else "-")


def test_a_changed_word_is_changed_and_only_what_was_not_there_is_new():
    other = replace(
        CURRENT, mode=c.Mode.MINIMUM_RATE, drugs=(m.Drug(c.MassUnit.MILLIGRAM, 2_000_000, "x"),)
    )
    assert changes(other) == {
        "mode": "changed",
        "drugs.0.name": "changed",
        "drugs.0.mass_unit": "changed",
    }


def test_every_weekday_shows_its_steps_with_the_change_of_its_dose():
    """T7: 60 mcg once a day, or every hour; the total says which."""
    more = flex((31, ((0, 120), (480, 360))), (96, ((0, 200),)))
    found = rows(more, TWO_STEPS)
    monday = found["days.monday"]
    assert monday.current == "00:00 120 mcg/day, 08:00 300 mcg/day"
    assert monday.pending == "00:00 120 mcg/day, 08:00 360 mcg/day"
    assert monday.change == "+16.7 %"  # 240 to 280 mcg
    assert found["days.saturday"].change == "-"
    assert found["daily_dose_ng"].change == "+12.5 %"
    assert found["totals.highest_ng"].change == "+16.7 %"


def test_a_step_that_moves_is_a_change_though_its_dose_is_not():
    other = flex((127, ((0, 300), (480, 120), (960, 120))))
    same_dose = flex((127, ((0, 120), (480, 300), (960, 120))))
    found = rows(same_dose, other)["days.friday"]
    assert (found.changed, found.change, found.change_ppm) == (True, "changed", 0)


def test_parts_that_come_and_go_are_new_and_removed():
    added = with_patient(CURRENT)
    new = changes(added)
    assert set(new.values()) == {"new", "+26.7 %"}
    assert new["totals.with_patient_ng"] == "+26.7 %"  # 300 and four times 20 mcg
    assert new["patient_boluses.0.lockout_ms"] == "new"
    gone = changes(CURRENT, added)
    assert gone["patient_boluses.0.lockout_ms"] == "removed"
    assert changes(TWO_STEPS)["days.sunday"] == "new"
    assert changes(CURRENT, TWO_STEPS)["days.sunday"] == "removed"


def test_a_periodic_bolus_shows_each_of_its_numbers():
    found = rows(periodic(interval_ms=4 * HOUR_MS, basal_nl_per_day=50_000), periodic())
    shown = {key.rpartition(".")[2]: row for key, row in found.items() if "periodic" in key}
    assert shown["interval_ms"].current == "6 h"
    assert (shown["interval_ms"].pending, shown["interval_ms"].change) == ("4 h", "-33.3 %")
    basal = shown["basal_rate_nl_per_day"]
    assert (basal.current, basal.pending) == ("none", "100 mcg/day")
    weak = replace(BACLOFEN, concentration_ng_per_ml=500_000)
    same = replace(periodic(basal_nl_per_day=200_000), drugs=(weak,))
    moved = rows(same, periodic(basal_nl_per_day=50_000))
    assert moved["periodic_boluses.0.basal_rate_nl_per_day"].change == "changed"  # not the dose
    assert (shown["dose_ng"].current, shown["dose_ng"].changed) == ("30 mcg", False)


def test_each_other_drug_has_its_own_dose_with_its_change():
    mixed = simple(300_000, BACLOFEN, MORPHINE)
    more = simple(400_000, BACLOFEN, MORPHINE)
    dose = rows(more, mixed)["drugs.1.daily_dose_ng"]
    assert (dose.current, dose.pending, dose.change) == ("0.15 mg/day", "0.2 mg/day", "+33.3 %")
    assert changes(mixed)["drugs.1.name"] == "new"
    weekly = replace(TWO_STEPS, drugs=(BACLOFEN, MORPHINE))
    assert rows(weekly)["drugs.1.daily_dose_ng"].pending == "0.114286 mg/day"  # from the steps


def test_a_bridge_is_shown_in_numbers():
    bridge = m.Bridge(340_000, 150_000, 195_840_000)
    bridged = replace(
        simple(300_000, replace(BACLOFEN, concentration_ng_per_ml=500_000)),
        bridge_decision=c.BridgeDecision.BRIDGE,
        bridges=(bridge,),
    )
    found = rows(bridged)
    assert found["bridge_decision"].current == "not needed"
    assert found["bridge_decision"].change == "new"
    assert rows(simple(), bridged)["bridge_decision"].change == "removed"
    assert "bridge_decision" not in rows(CURRENT)
    assert found["bridges.0.volume_nl"].pending == "0.34 mL"
    assert found["bridges.0.rate_nl_per_day"].pending == "0.15 mL/day"
    assert found["bridges.0.duration_ms"].pending == "2 d 6 h 24 min"


def test_a_pump_that_has_lost_its_drug_is_compared_all_the_same():
    found = rows(CURRENT, LOST)
    assert found["drugs.0.name"].current == "none"
    assert (found["drugs.0.name"].pending, found["drugs.0.name"].change) == ("baclofen", "new")


def test_the_review_has_the_pumps_own_totals_and_says_what_must_be_confirmed():
    pending = with_patient(simple(1_200_000))
    found = review(in_force(CURRENT), staged(pending, must_confirm=True))
    assert found.must_confirm is True
    assert found.pending_totals == m.DoseTotals(1_200_000, 1_200_000, 1_280_000)
    assert review(in_force(CURRENT), in_force(pending)).must_confirm is None


def test_an_unchanged_prescription_changes_nothing():
    for same in (CURRENT, TWO_STEPS, periodic(), with_patient(CURRENT), stopped(), LOST):
        assert not review(in_force(same), staged(same)).changed
