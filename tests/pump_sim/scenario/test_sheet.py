"""What a picture shows is what the trace says, to the millisecond."""

from typing import Any

import pytest

from pump_sim.scenario.picture.sheet import PictureError, Sheet, Span, SpanKind, gather, survey
from pump_sim.scenario.tracing.trace_lines import (
    AnyLine,
    FaultLine,
    ImpairedLine,
    RecordLine,
    ReplacedLine,
)
from tests.pump_sim.scenario.traces import (
    COMMON,
    DAY,
    HOUR,
    LENGTH,
    acted,
    look,
    looks,
    missed_refill,
    play,
)


def fault(at_ms: int, name: str, fault_id: int, *, began: bool) -> FaultLine:
    return FaultLine(**COMMON, therapy_ms=at_ms, fault=name, fault_id=fault_id, began=began)


def impaired(at_ms: int, what: str) -> ImpairedLine:
    return ImpairedLine(
        **COMMON, therapy_ms=at_ms, link_ns=1, direction="to_pump", what=what, hex="00"
    )


def sheet(*lines: AnyLine) -> Sheet:
    """The sheet of a play in which nothing happens but *lines*."""
    calm = (look(each, active_alarms=(), flags=()) for each in (0, LENGTH))
    return gather(play(*calm, *lines))


def spans(*lines: AnyLine) -> list[tuple[str, str, int, int, bool]]:
    return [told(each) for each in sheet(*lines).spans]


def told(span: Span) -> tuple[str, str, int, int, bool]:
    return (span.kind.value, span.name, span.from_ms, span.until_ms, span.ends)


def test_what_lasts_begins_and_ends_when_looks_say() -> None:
    """Alarms and flags from the first look that shows them to the first that does not."""
    quiet = look(0, active_alarms=(), flags=())
    low = look(2 * DAY, active_alarms=("low_reservoir",), flags=())
    again = look(5 * DAY, active_alarms=(), flags=("underdose",))
    assert spans(quiet, low, again) == [
        ("non-critical alarm", "low reservoir", 2 * DAY, 5 * DAY, True),
        ("patient flag", "underdose", 5 * DAY, LENGTH, True),
    ]


def test_what_is_still_so_at_the_end_says_so() -> None:
    """A bar that reaches the end is told from one that ends there."""
    (alarm, *_) = gather(missed_refill()).spans
    assert (alarm.name, alarm.ends) == ("empty reservoir", False)


def test_critical_alarms_come_first() -> None:
    """The order of rows: critical, non-critical, the patient, faults."""
    kinds = [each.kind for each in gather(missed_refill()).spans]
    assert kinds == [SpanKind.CRITICAL, SpanKind.NON_CRITICAL, SpanKind.FLAG, SpanKind.FLAG]


def test_all_spans_of_a_name_stand_together() -> None:
    """An alarm that comes back has one row, and its bars are in order."""
    found = spans(
        look(1 * DAY, active_alarms=("eri",)),
        look(2 * DAY, active_alarms=("low_reservoir",)),
        look(3 * DAY, active_alarms=("eri",)),
        look(4 * DAY, active_alarms=()),
    )
    assert [(name, begun) for _, name, begun, _, _ in found] == [
        ("ERI (replacement due)", 1 * DAY),
        ("ERI (replacement due)", 3 * DAY),
        ("low reservoir", 2 * DAY),
    ]


def test_an_alarm_that_is_unknown_is_refused() -> None:
    """A trace of another version may name alarms of which nobody knows here how bad they are."""
    with pytest.raises(PictureError, match="no alarm 'on_fire'"):
        sheet(look(DAY, active_alarms=("on_fire",)))


def test_a_pump_that_waits_for_a_programmer_is_shown() -> None:
    """No alarm tells that interference holds the infusion: the log does, and so does the sheet."""

    def record(at_ms: int, event: str, a: int) -> RecordLine:
        return RecordLine(
            **COMMON, therapy_ms=at_ms, serial_number="SIM-0001", sequence=1, pump_ms=at_ms,
            event=event, a=a, b=0, link_id=0, prescription_version=1, text="",
        )  # fmt: skip

    found = spans(
        record(DAY, "infusion_stopped", 12),
        record(2 * DAY, "infusion_resumed", 12),
        record(3 * DAY, "infusion_stopped", 2),
        record(4 * DAY, "infusion_stopped", 12),
    )
    assert found == [
        ("infusion held without an alarm", "waits for programmer", DAY, 2 * DAY, True),
        ("infusion held without an alarm", "waits for programmer", 4 * DAY, LENGTH, False),
    ]


def test_faults_last_from_their_line_to_their_end() -> None:
    """Two faults of one name are told apart by their number; what nobody mends lasts on."""
    found = spans(
        fault(1 * DAY, "flow_error", 1, began=True),
        fault(2 * DAY, "flow_error", 2, began=True),
        fault(3 * DAY, "flow_error", 1, began=False),
    )
    assert found == [
        ("fault", "flow error", 1 * DAY, 3 * DAY, True),
        ("fault", "flow error", 2 * DAY, LENGTH, False),
    ]


def test_a_fault_that_strikes_has_no_length() -> None:
    """A brown-out is over when it has struck, however long its traces stay."""
    assert spans(acted(DAY, "fault", "brown_out")) == [("fault", "brown out", DAY, DAY, True)]


def test_a_new_pump_has_none_of_the_old_ones_faults() -> None:
    """A fault goes out of the body with the pump that had it."""
    new = ReplacedLine(**COMMON, therapy_ms=4 * DAY, serial_number="SIM-0002")
    found = sheet(fault(DAY, "flow_error", 1, began=True), new)
    assert [told(each) for each in found.spans] == [("fault", "flow error", DAY, 4 * DAY, True)]
    assert found.serial_numbers == ("SIM-0001", "SIM-0002")


def test_frames_disturbed_in_one_go_are_one_span() -> None:
    """A conversation of seconds is one mark in a picture of days, and says how many frames."""
    found = sheet(
        impaired(1 * HOUR, "drop"),
        impaired(1 * HOUR + 500, "drop"),
        impaired(1 * HOUR + 500, "flip bit 2 of byte 1"),
        impaired(9 * HOUR, "drop"),
    ).spans
    assert [(each.name, each.from_ms, each.count) for each in found] == [
        ("drop", 1 * HOUR, 2),
        ("drop", 9 * HOUR, 1),
        ("flip", 1 * HOUR + 500, 1),
    ]


def test_no_pump_in_place_is_shown() -> None:
    """Between explant and implant a flat line would lie."""
    found = spans(look(DAY, implanted=False, active_alarms=(), flags=()))
    assert found == [("explanted", "no pump in place", DAY, LENGTH, True)]


def test_what_was_done_is_told_with_its_figures() -> None:
    """Who, what, how much; and what came of it where that is not as expected."""
    marks = gather(missed_refill()).marks
    assert [each.label for each in marks] == [
        "programmer: interrogate",
        "choice: Nobody calls",
        "hands: fill 20 mL",
    ]
    refused = acted(
        DAY,
        "programmer",
        "program",
        "refused",
        refused=("dose_too_high",),
        text="nothing was staged",
        parameters={"daily_dose_ng": 300_000, "flex": []},
    )
    (mark,) = sheet(refused).marks
    assert mark.label == "programmer: program 300 mcg/day, flex - refused"
    assert mark.text == ("program 300 mcg/day, flex: refused (dose too high): nothing was staged")


@pytest.mark.parametrize(
    ("family", "act", "parameters", "label"),
    [
        ("programmer", "acknowledge", {"alarm": "eri"}, "programmer: acknowledge ERI"),
        ("hands", "replace", {"serial_number": "SIM_0002"}, "hands: replace SIM_0002"),
        ("programmer", "bolus", {"dose_ng": 5_000, "cut": "open"}, "programmer: bolus 5 mcg, open"),
    ],
)
def test_names_are_told_as_people_write_them(
    family: str, act: str, parameters: dict[str, Any], label: str
) -> None:
    """But a serial number is what stands on the pump."""
    (mark,) = sheet(acted(DAY, family, act, parameters=parameters)).marks
    assert mark.label == label


def test_the_end_of_a_fault_is_told() -> None:
    """A fault that hands it over is no other kind of act."""
    (mark,) = sheet(acted(DAY, "clear", "flow_error")).marks
    assert (mark.who, mark.label) == ("fault", "fault: end of flow error")


@pytest.mark.parametrize("count", [0, 1])
def test_without_looks_there_is_no_picture(count: int) -> None:
    """A trace in which nobody looked twice at the pump is refused, by the name of its scenario."""
    with pytest.raises(PictureError, match=f"missed-refill: the trace has {count} 'look' lines"):
        gather(play(*[look(0)][:count]))


def test_a_trace_that_was_cut_off_says_so() -> None:
    """What is missing at the end is not taken for nothing."""
    assert gather(play(*looks())).complete
    assert not gather(play(*looks(), ended=False)).complete


def test_what_an_instructor_does_is_a_mark_and_a_fault_that_strikes_a_span() -> None:
    """One that is put in for later, or was refused, has not struck."""
    struck = acted(DAY, "instructor", "inject", text="it resets", parameters={"fault": "brown_out"})
    later = {"fault": "brown_out", "at_ms": 9}
    found = sheet(
        struck,
        acted(2 * DAY, "instructor", "inject", parameters=later),
        acted(3 * DAY, "instructor", "inject", "refused", parameters={"fault": "brown_out"}),
    )
    assert [told(each) for each in found.spans] == [("fault", "brown out", DAY, DAY, True)]
    assert (found.marks[0].label, found.marks[0].text) == (
        "instructor: it resets",
        "it resets",
    )


def record(at_ms: int, event: str, link_id: int) -> RecordLine:
    about: dict[str, Any] = {"serial_number": "SIM-0001", "sequence": 2, "pump_ms": at_ms}
    said: dict[str, Any] = {"a": 0, "b": 0, "prescription_version": 1, "text": "0.4 -> 0.5 mL/day"}
    return RecordLine(**COMMON, therapy_ms=at_ms, event=event, link_id=link_id, **about, **said)


def test_what_a_programmer_from_outside_did_is_a_mark() -> None:
    """Only the pump's log tells of it; where an act of the scenario does, it is told once."""
    found = sheet(
        record(DAY, "committed", 7),
        record(2 * DAY, "committed", 0),
        record(3 * DAY, "alarm_silenced", 7),
        record(4 * DAY, "committed", 7),
        acted(4 * DAY + 5_000, "programmer", "program"),
    )
    assert [(each.at_ms, each.label, each.text) for each in found.marks] == [
        (DAY, "programmer: new prescription", "0.4 -> 0.5 mL/day"),
        (4 * DAY + 5_000, "programmer: program", "program"),
    ]


def test_how_a_programmer_came_near_is_no_mark() -> None:
    """Codes that were shown and heads that were laid down would cover what was done."""
    acts = [acted(DAY, "instructor", each, text=each) for each in ("pair", "proximity", "button")]
    assert sheet(*acts).marks == ()


def test_a_sheet_may_end_at_the_last_look() -> None:
    """Of a play that was left, or of which nobody knew how long it would be."""
    left = play(look(0), look(DAY))
    assert (gather(left).length_ms, survey(left, to_the_last_look=True).length_ms) == (LENGTH, DAY)
