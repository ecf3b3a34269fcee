"""What is compared, planned and put into words, without any pump."""

import json
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_programmer import words
from pump_programmer.jsonable import access_fields, fields_of, jsonable
from pump_programmer.phrases import alarm_line, grouped
from pump_programmer.plan import Wishes, planned
from pump_programmer.review import percent_text, review
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.errors import UnitError
from pump_protocol.units import rate_for_dose

CURRENT = m.Prescription(
    c.Mode.SIMPLE_CONTINUOUS,
    c.MassUnit.MICROGRAM,
    2_000_000,
    300_000,
    150_000,
    2_000_000,
    "baclofen",
)


@pytest.fixture
def identity(pump):
    return pump.honest(m.Identify())


def compare(pending):
    return review(
        m.PrescriptionReport(c.PrescriptionSlot.CURRENT, 1, b"", CURRENT),
        m.PrescriptionStaged(2, b"", 0, pending),
    )


def rows(pending):
    return {row.setting: row for row in compare(pending).rows}


# --- Review --------------------------------------------------------------------------------------


def test_every_setting_of_a_prescription_is_in_the_review():
    settings = {field.name for field in fields(m.Prescription)}
    assert {row.setting for row in compare(CURRENT).rows} == settings


def test_each_number_stands_next_to_the_old_one_with_its_change_in_percent():
    found = rows(replace(CURRENT, daily_dose_ng=400_000, rate_nl_per_day=200_000))
    dose = found["daily_dose_ng"]
    assert (dose.current, dose.pending, dose.change) == ("300 mcg/day", "400 mcg/day", "+33.3 %")
    assert found["rate_nl_per_day"].change == "+33.3 %"
    assert found["drug_name"].change == "-"
    assert not found["concentration_ng_per_ml"].changed


def test_a_change_from_zero_has_no_percentage():
    stopped = replace(CURRENT, mode=c.Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0)
    back = review(
        m.PrescriptionReport(c.PrescriptionSlot.CURRENT, 1, b"", stopped),
        m.PrescriptionStaged(2, b"", 0, CURRENT),
    )
    dose = next(row for row in back.rows if row.setting == "daily_dose_ng")
    assert (dose.change_ppm, dose.change) == (None, "new")


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
    both = review(
        m.PrescriptionReport(c.PrescriptionSlot.CURRENT, 1, b"", current),
        m.PrescriptionStaged(2, b"", 0, replace(current, daily_dose_ng=new)),
    )
    assert both.changed is (old != new)


def test_stopping_warns_of_withdrawal_and_of_the_alarm():
    stop = replace(CURRENT, mode=c.Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0)
    (warning,) = compare(stop).warnings
    assert "withdrawal" in warning
    assert "48 h" in warning


def test_a_new_concentration_warns_of_the_old_drug_in_the_catheter():
    (warning,) = compare(replace(CURRENT, concentration_ng_per_ml=500_000)).warnings
    assert "catheter" in warning
    assert "reservoir stays the old drug until it is refilled" in warning
    assert compare(replace(CURRENT, drug_name="saline")).warnings == (warning,)


def test_a_changed_word_is_changed_and_only_what_was_not_there_is_new():
    other = replace(
        CURRENT, mode=c.Mode.MINIMUM_RATE, drug_name="saline", mass_unit=c.MassUnit.MILLIGRAM
    )
    found = rows(other)
    assert {found[name].change for name in ("mode", "drug_name", "mass_unit")} == {"changed"}
    assert "new" not in {row.change for row in found.values()}


def test_the_minimum_rate_warns_that_it_is_no_therapy():
    (warning,) = compare(replace(CURRENT, mode=c.Mode.MINIMUM_RATE)).warnings
    assert "treats nobody" in warning


def test_an_unchanged_prescription_has_no_warning():
    assert compare(CURRENT).warnings == ()
    assert not compare(CURRENT).changed


# --- Plan ----------------------------------------------------------------------------------------


def test_what_is_not_asked_for_stays(identity):
    assert planned(Wishes(low_reservoir_threshold_nl=1), CURRENT, identity) == replace(
        CURRENT, low_reservoir_threshold_nl=1
    )


def test_a_dose_brings_its_rate(identity):
    pending = planned(Wishes(daily_dose_ng=400_000), CURRENT, identity)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (400_000, 200_000)


def test_a_rate_brings_its_dose(identity):
    pending = planned(Wishes(rate_nl_per_day=200_000), CURRENT, identity)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (400_000, 200_000)


def test_a_rate_that_no_whole_dose_gives_becomes_the_nearest_that_one_does(identity):
    """At 300 ng/mL one ng/day is 3,333.3 nL/day."""
    weak = replace(CURRENT, concentration_ng_per_ml=300)
    pending = planned(Wishes(rate_nl_per_day=100_001), weak, identity)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (30, 100_000)


@given(rate=st.integers(0, 2**32 - 1), concentration=st.integers(1, 2**32 - 1))
def test_dose_and_rate_always_agree(rate, concentration):
    """REQ-05: whatever rate is asked for, the pump can reckon the same from dose and strength."""
    pending = planned(
        Wishes(rate_nl_per_day=rate, concentration_ng_per_ml=concentration), CURRENT, None
    )
    assert pending.rate_nl_per_day == rate_for_dose(pending.daily_dose_ng, concentration)


def test_a_new_concentration_keeps_the_dose_and_moves_the_rate(identity):
    pending = planned(Wishes(concentration_ng_per_ml=500_000), CURRENT, identity)
    assert (pending.daily_dose_ng, pending.rate_nl_per_day) == (300_000, 600_000)


def test_stopped_and_minimum_rate_are_what_the_pump_wants_them_to_be(identity):
    stopped = planned(Wishes(mode=c.Mode.STOPPED), CURRENT, identity)
    assert (stopped.mode, stopped.daily_dose_ng, stopped.rate_nl_per_day) == (c.Mode.STOPPED, 0, 0)
    minimum = planned(Wishes(mode=c.Mode.MINIMUM_RATE), CURRENT, identity)
    assert (minimum.rate_nl_per_day, minimum.daily_dose_ng) == (6_000, 12_000)


def test_a_stopped_pump_stays_stopped_when_another_setting_is_asked_for(identity):
    stopped = planned(Wishes(mode=c.Mode.STOPPED), CURRENT, identity)
    assert planned(Wishes(drug_name="saline"), stopped, identity).mode is c.Mode.STOPPED
    assert planned(Wishes(daily_dose_ng=1), stopped, identity).mode is c.Mode.SIMPLE_CONTINUOUS


# --- Words ---------------------------------------------------------------------------------------


def test_every_code_has_its_words():
    """A code that is added to the protocol must be added to the words."""
    for code in c.RefusalCode:
        for field in c.Field:
            assert words.reason_text(m.Reason(code, field, 1, 0, 2))
            assert words.reason_text(m.Reason(code, field))
    for event in c.LogEvent:
        assert words.log_text(m.LogEntry(1, 1, event, 1, 1, 0, 1))
    for access in c.AccessEvent:
        assert words.access_text(m.AccessEntry(1, 1, 1, 1, access, 9, 200, 21, 7))
    assert words.request_name(0x7E) == "request 0x7E"


def test_classes_and_the_ends_of_service_are_called_what_clinicians_call_them():
    def log(event, a, b=0):
        return words.log_text(m.LogEntry(1, 1, event, a, b, 0, 1))

    assert log(c.LogEvent.ALARM_RAISED, c.Alarm.ERI, c.AlarmClass.NON_CRITICAL) == (
        "ALARM ERI (replacement due) (non-critical)"
    )
    assert log(c.LogEvent.ALARM_CLEARED, c.Alarm.EOS) == "alarm EOS (end of service) cleared"
    assert log(c.LogEvent.ALARM_TESTED, c.AlarmClass.NON_CRITICAL) == "non-critical tone tested"
    assert words.spaced(c.SecurityProfile.LEGACY_INSECURE) == "legacy-insecure: no security"
    assert words.spaced(c.ServiceState.ERI) == "ERI (replacement due)"
    assert words.spaced(c.Mode.STOPPED) == "stopped"  # no other code of the same number is renamed
    assert words.spaced(c.MassUnit.MICROGRAM) == "microgram"


def test_a_link_is_told_from_its_neighbors_by_four_digits():
    assert words.link_text(0xABCD_0000_0000_00FE) == "00fe"
    assert words.link_text(0) == "-"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1 mcg/mL to 100000 mcg/mL", "1 mcg/mL to 100,000 mcg/mL"),
        ("at most 2000 mcg", "at most 2,000 mcg"),
        ("0.000001 mL, 1234.56789 mL, 999 mL", "0.000001 mL, 1,234.56789 mL, 999 mL"),
    ],
)
def test_long_numbers_are_grouped_and_decimals_are_not(text, shown):
    assert grouped(text) == shown


@pytest.mark.parametrize("alarm", c.Alarm)
def test_an_alarm_has_a_line_for_each_thing_that_happened_to_it(pump, alarm):
    flags = c.AlarmFlag.ACKNOWLEDGED | c.AlarmFlag.SILENCED
    record = m.AlarmRecord(alarm, flags, 0, 10**6, 2 * 10**6)
    lines = alarm_line(pump.status(), record).splitlines()
    assert [line.split()[0] for line in lines] == [
        "ALARM",
        "condition",
        "acknowledged,",
        "silenced",
    ]
    assert max(map(len, lines)) < 80


def test_a_clock_reads_as_a_date_and_never_fails():
    assert words.clock_text(0) == "1970-01-01 00:00:00"
    assert words.clock_text(2**64 - 1) == f"{2**64 - 1} ms"


@pytest.mark.parametrize(
    ("away_ms", "text"),
    [
        (43 * 86_400_000 + 2 * 3_600_000 + 59_000, "in 43 d 2 h"),
        (-303_000, "5 min 3 s ago"),
        (86_400_000 + 999, "in 1 d"),
        (86_400_000 + 59 * 60_000 + 5_000, "in 1 d"),  # neither minutes nor seconds beside days
        (3_600_000 + 59_000, "in 1 h"),
        (2 * 3_600_000 + 61_000, "in 2 h 1 min"),
        (730 * 86_400_000, "in 730 d"),
        (-731 * 86_400_000, "2 y ago"),
        (2_466 * 86_400_000 + 18 * 3_600_000, "in 6 y 9 mo"),
        (25 * 2_629_800_000 - 1, "in 2 y"),
        (25 * 2_629_800_000, "in 2 y 1 mo"),
        (999, "now"),
        (1_500, "in 1 s"),
    ],
)
def test_distances_have_two_neighboring_units_at_most(away_ms, text):
    assert words.distance_text(10**12, 10**12 + away_ms) == text


def test_a_clock_reading_is_local_and_has_no_zone():
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    expected = (datetime(2026, 11, 22, 10, tzinfo=UTC) - words.EPOCH).total_seconds() * 1_000
    assert words.parse_clock("2026-11-22T10:00", now) == expected
    assert words.parse_clock("now", now) == expected
    for bad in ("2026-11-22T10:00+01:00", "yesterday", "", "1969-12-31", "10:00"):
        with pytest.raises(UnitError, match="clock = "):
            words.parse_clock(bad, now)
        with pytest.raises(UnitError, match="--set = "):
            words.parse_clock(bad, now, "--set")


# --- JSON ----------------------------------------------------------------------------------------


def test_json_has_the_fields_names_and_exact_integers(pump):
    status = pump.status()
    found = fields_of(status)
    assert list(found) == [field.name for field in fields(m.StatusReport)]
    assert found["prescription"]["mode"] == "simple_continuous"
    assert found["alarms"][0]["flags"] == ["active"]
    assert found["empty_reservoir_at_ms"] is None
    assert json.loads(json.dumps(found)) == found


def test_an_access_record_names_its_numbers_or_has_none():
    def named(*numbers):
        entry = m.AccessEntry(1, 1, 1, 1, c.AccessEvent.REFUSED, *numbers, 7)
        found = access_fields(entry)
        assert list(found) == [field.name for field in fields(m.AccessEntry)]
        return found["request_type"], found["code"], found["field"]

    assert named(9, 16, 21) == ("order_bolus", "out_of_range", "rate")
    assert named(0, 0, 0) == (None, None, None)
    assert named(0x7E, 200, 201) == ("0x7e", "0xc8", "0xc9")


def test_the_security_profile_has_its_name_in_json():
    assert jsonable(c.SecurityProfile.LEGACY_INSECURE) == "legacy_insecure"


def test_digests_are_hexadecimal_and_texts_stay_texts():
    assert jsonable((b"\x01\xff", "x", True, None, 2**64 - 1)) == [
        "01ff",
        "x",
        True,
        None,
        2**64 - 1,
    ]


def test_what_is_not_exact_has_no_place_in_json():
    @dataclass
    class Loose:
        value: float

    with pytest.raises(TypeError, match="float"):
        jsonable(Loose(0.5))
    with pytest.raises(TypeError):
        fields_of(5)
