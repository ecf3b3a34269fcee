"""What people who watch a pump read: one sentence for each record, whatever it tells."""

import pytest

from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.narration import alarm_text, describe


@pytest.mark.parametrize("event", EventCode)
def test_every_event_has_a_sentence(event: EventCode) -> None:
    """With parameters that every event can have, it says something and ends no sentence."""
    reason = 33 if event is EventCode.PATIENT_BOLUS_REFUSED else 2
    text = describe(LogEntry(1, 0, event, reason, 1, 0, 1))
    assert text
    assert not text.endswith(".")


@pytest.mark.parametrize("alarm", Alarm)
def test_every_alarm_is_named_in_words(alarm: Alarm) -> None:
    assert "_" not in alarm_text(alarm)
    assert alarm_text(alarm) in describe(
        LogEntry(1, 0, EventCode.ALARM_RAISED, alarm.value, 2, 0, 1)
    )


@pytest.mark.parametrize("hold", Hold)
def test_whatever_holds_the_infusion_is_named(hold: Hold) -> None:
    text = describe(LogEntry(1, 0, EventCode.INFUSION_STOPPED, hold.value, 150_000, 0, 1))
    assert text.startswith("INFUSION STOPPED by ")
    assert text.endswith("(was 0.15 mL/day)")


@pytest.mark.parametrize(
    ("event", "a", "b", "text"),
    [
        (EventCode.RESET, 2, 0, "RESET: brown out"),
        (
            EventCode.INFUSION_STOPPED,
            11,
            400_000,
            "INFUSION STOPPED by an update, until it is committed (was 0.4 mL/day)",
        ),
        (EventCode.ALARM_RAISED, 11, 2, "ALARM update incomplete (two-tone)"),
        (EventCode.ALARM_RAISED, 18, 2, "ALARM emergency action without a key (two-tone)"),
        (
            EventCode.EMERGENCY_MINIMUM_RATE,
            400_000,
            6_000,
            "EMERGENCY: minimum rate without a key, 0.4 -> 0.006 mL/day",
        ),
        (
            EventCode.EMERGENCY_STOPPED,
            400_000,
            0,
            "EMERGENCY: stopped without a key (was 0.4 mL/day)",
        ),
        (EventCode.MEMORY_ERROR_FOUND, 3, 0, "memory error: note, not to be mended"),
        (EventCode.PATIENT_BOLUS_REFUSED, 33, 4, "patient bolus refused: locked out"),
        (
            EventCode.MOTOR_RECOVERED,
            1_000,
            2_701_000,
            "motor turns again, noticed 45 min after it stalled",
        ),
        (EventCode.BRIDGE_STARTED, 340_000, 150_000, "bridge began: 0.34 mL at 0.15 mL/day"),
        (EventCode.BOLUS_ABORTED, 7_500, 0, "bolus ended early: 0.0075 mL delivered"),
        (EventCode.BOLUS_ABORTED, 7_500, 3, "bolus 3 ended early: 0.0075 mL delivered"),
    ],
)
def test_sentences_say_what_happened(event: EventCode, a: int, b: int, text: str) -> None:
    assert describe(LogEntry(1, 0, event, a, b, 0, 1)) == text
