"""Codes, records, times and parts of prescriptions in a clinician's words."""

from datetime import UTC, datetime

import pytest

from pump_programmer import describe, logs, times, words
from pump_programmer.phrases import alarm_line, grouped, patient_boluses_line
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.errors import UnitError


def test_every_code_of_a_refusal_has_its_words():
    """A code that is added to the protocol must be added to the words."""
    for code in c.RefusalCode:
        assert words.why_refused(code) != f"code {int(code)}"
        for field in c.Field:
            assert words.reason_text(m.Reason(code, field, 1, 0, 2))
            assert words.reason_text(m.Reason(code, field))
    assert words.why_refused(200) == "code 200"
    assert words.request_name(0x7E) == "request 0x7E"


@pytest.mark.parametrize("field", [each for each in c.Field if each >= c.Field.MODE])
def test_every_field_of_a_request_is_called_something_and_its_values_have_a_unit(field):
    """A bare number tells a clinician nothing; these are numbers without a unit, or codes."""
    unitless = {
        *(c.Field.MASS_UNIT, c.Field.DIGEST, c.Field.ORDER_NUMBER, c.Field.FIRST_SEQUENCE),
        *(c.Field.ENTRY_LIMIT, c.Field.PROGRAMMER_ID, c.Field.DRUGS, c.Field.SCHEDULE),
        c.Field.PATIENT_ALLOTMENT,
    }
    text = words.reason_text(m.Reason(c.RefusalCode.OUT_OF_RANGE, field, 1))
    assert text.endswith(": out of range")
    assert field in unitless or not text.endswith(" 1: out of range")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (
            m.Reason(
                c.RefusalCode.OUT_OF_RANGE, c.Field.PERIODIC_INTERVAL, 360_000, 900_000, 604_800_000
            ),
            "interval of the periodic boluses 6 min: out of range; allowed 15 min to 7 d",
        ),
        (
            m.Reason(c.RefusalCode.NOT_COVERED, c.Field.WEEKDAYS, 96),
            "weekdays Saturday, Sunday: the schedule does not cover it",
        ),
        (
            m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.STEP_START, 1_440, 0, 1_439),
            "start of a step minute 1440: out of range; allowed 00:00 to 23:59",
        ),
        (
            m.Reason(
                c.RefusalCode.OUT_OF_RANGE, c.Field.HIGHEST_DAILY_DOSE, 7_200_000, None, 10**6
            ),
            "highest dose of a day 7200 mcg/day: out of range; at most 1000 mcg/day",
        ),
        (
            m.Reason(c.RefusalCode.LOCKED_OUT, c.Field.PATIENT_LOCKOUT, 123_456_789),
            "the lockout since the last patient bolus is not over",
        ),
    ],
)
def test_reasons_read_as_a_clinician_would_say_them(reason, text):
    assert words.reason_text(reason) == text


def test_a_refused_patient_bolus_tells_the_latest_of_the_times_that_it_names():
    def refusal(*reasons):
        return m.Refusal(c.MessageType.REQUEST_PATIENT_BOLUS, reasons)

    locked = m.Reason(c.RefusalCode.LOCKED_OUT, c.Field.PATIENT_LOCKOUT, 5)
    used = m.Reason(c.RefusalCode.ALLOTMENT_USED, c.Field.PATIENT_ALLOTMENT, 9)
    held = m.Reason(c.RefusalCode.INFUSION_HELD, c.Field.NONE)
    assert words.allowed_from_ms(refusal(locked, used)) == 9
    assert words.allowed_from_ms(refusal(held)) is None


@pytest.mark.parametrize("event", c.LogEvent)
def test_every_event_of_the_log_is_a_sentence_whatever_its_parameters(event):
    for a, b in ((1, 1), (0, 0), (12, 3), (2**62, 0)):
        assert len(logs.log_text(m.LogEntry(1, 1, event, a, b, 0, 1))) > 5


def test_every_access_event_is_a_sentence():
    for access in c.AccessEvent:
        assert logs.access_text(m.AccessEntry(1, 1, 1, 1, access, 9, 200, 21, 7))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (c.RefusalCode.AUTHENTICATION_FAILED, "WRONG KEY: "),
        (c.RefusalCode.AUTHENTICATION_LOCKED, "LOCKED: "),
    ],
)
def test_a_key_that_a_locked_pump_did_not_look_at_is_not_called_wrong(code, text):
    event = c.AccessEvent.AUTHENTICATION_FAILED
    assert logs.access_text(m.AccessEntry(1, 1, 1, 1, event, 23, code, 0, 7)).startswith(text)


@pytest.mark.parametrize(
    ("event", "a", "b", "text"),
    [
        (c.LogEvent.PATIENT_BOLUS_REFUSED, 33, 7, "refused: the lockout since the last"),
        (c.LogEvent.PATIENT_BOLUS_STARTED, 10_000, 0, "patient bolus of 0.01 mL began"),
        (c.LogEvent.BRIDGE_DECLINED, 2_000_000, 500_000, "2000 mcg/mL became 500 mcg/mL"),
        (c.LogEvent.SOFT_LIMIT_CONFIRMED, 1_280_000, 1_000_000, "1280 mcg/day confirmed, above"),
        (c.LogEvent.MOTOR_RECOVERED, 0, 2_700_000, "known 45 min after it stalled"),
        (c.LogEvent.INFUSION_STOPPED, 12, 0, "all flow stopped: telemetry latch"),
        (c.LogEvent.RESET, 2, 0, "RESET: low battery"),
        (c.LogEvent.MEMORY_ERROR_FOUND, 1, 1, "first copy of the prescription: repaired"),
        (c.LogEvent.MEMORY_ERROR_FOUND, 3, 0, "note: not repaired"),
        (c.LogEvent.ALARM_INTERVAL_SET, 2, 1_200_000, "critical tone repeats every 20 min"),
    ],
)
def test_new_events_say_what_happened(event, a, b, text):
    assert text in logs.log_text(m.LogEntry(1, 1, event, a, b, 0, 1))


def test_an_order_is_named_only_where_there_was_one():
    def started(order):
        return logs.log_text(m.LogEntry(1, 1, c.LogEvent.BOLUS_STARTED, 25_000, order, 0, 1))

    assert started(3) == "bolus of 0.025 mL began (order 3)"
    assert started(0) == "bolus of 0.025 mL began"


@pytest.mark.parametrize(
    ("days", "text"),
    [(127, "every day"), (31, "Mon-Fri"), (96, "Sat, Sun"), (0b1011, "Mon, Tue, Thu"), (4, "Wed")],
)
def test_weekdays_are_written_as_clinicians_write_them(days, text):
    assert describe.weekday_names(c.Weekday(days)) == text


def test_patient_boluses_that_are_left_are_told_with_the_next_moment(pump):
    status = pump.status()
    now = m.PatientBolusState(4, 3, status.at_ms)
    later = m.PatientBolusState(4, 0, status.at_ms + 3_600_000)
    assert patient_boluses_line(status, now) == "3 of 4 in 24 h left, the next at once"
    assert patient_boluses_line(status, later).startswith("0 of 4 in 24 h left, the next from 20")
    assert patient_boluses_line(status, later).endswith("(in 1 h)")


def test_classes_and_the_ends_of_service_are_called_what_clinicians_call_them():
    def log(event, a, b=0):
        return logs.log_text(m.LogEntry(1, 1, event, a, b, 0, 1))

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
    assert logs.link_text(0xABCD_0000_0000_00FE) == "00fe"
    assert logs.link_text(0) == "-"


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
    assert times.clock_text(0) == "1970-01-01 00:00:00"
    assert times.clock_text(2**64 - 1) == f"{2**64 - 1} ms"


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
    assert times.distance_text(10**12, 10**12 + away_ms) == text


def test_a_clock_reading_is_local_and_has_no_zone():
    now = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
    expected = (datetime(2026, 11, 22, 10, tzinfo=UTC) - times.EPOCH).total_seconds() * 1_000
    assert times.parse_clock("2026-11-22T10:00", now) == expected
    assert times.parse_clock("now", now) == expected
    for bad in ("2026-11-22T10:00+01:00", "yesterday", "", "1969-12-31", "10:00"):
        with pytest.raises(UnitError, match="clock = "):
            times.parse_clock(bad, now)
        with pytest.raises(UnitError, match="--set = "):
            times.parse_clock(bad, now, "--set")
