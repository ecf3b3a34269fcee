"""The scenario's programmer does what its acts say, and says truly what came of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pump_protocol.codes import MAX_LOG_ENTRIES, STAGING_LIMIT_MS, RefusalCode
from pump_protocol.frames import Frame
from pump_protocol.session import RetryPolicy
from pump_sim.model.events import AccessEvent, EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.hardware.faults import MriScan
from pump_sim.model.orders import BolusKind
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.pump import Pump
from pump_sim.scenario.clinician.clinician import Clinician, NoSuchBit, NothingCaptured, Result
from pump_sim.scenario.clinician.visits import MOST_RECORDS
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import prescribed
from pump_sim.scenario.happenings import Outcome
from tests.pump_sim.scenario.wires import Fate, Wire, arrives, by_programmer, losing
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, PROFILE, therapy_of

MINUTE_MS = 60_000
PATIENT = {"dose": "20 mcg", "over": "10 min", "lockout": "2 h", "per_day": 4}
PERIODIC = {"dose": "50 mcg", "every": "4 h", "over": "30 min", "basal": "100 mcg/day"}
MORNING = datetime(2026, 3, 1, 8, 0)  # noqa: DTZ001 - a pump's clock has no zone
MORNING_MS = 1_772_352_000_000


OPENING = ["identify", "authenticate", "open_link"]
"""With what every visit at a pump with keys begins."""


def wire(volume_nl: int | None = None, *, legacy: bool = False, **prescription: Any) -> Wire:
    """A clinician at a pump that was just implanted."""
    therapy = Therapy.model_validate(prescription)
    pump = Pump.implant(PROFILE, prescribed(therapy, None, PROFILE), volume_nl=volume_nl)
    return Wire(pump, legacy=legacy)


def alarmed() -> Wire:
    """One whose low-reservoir alarm is active."""
    low = wire(volume_nl=2_100_000, dose="300 mcg/day")
    low.wait_therapy(DAY_MS)
    assert [each.alarm for each in low.pump.status().alarms] == [Alarm.LOW_RESERVOIR]
    return low


def with_bolus() -> Wire:
    """One that delivers a bolus."""
    running = wire()
    running.do("bolus", dose="50 mcg", over="2 h")
    running.wait_therapy(HOUR_MS)
    return running


def with_staged() -> Wire:
    """One whose programmer was gone after staging."""
    staged = wire()
    assert staged.do("program", dose="310 mcg/day", cut="stage").outcome is Outcome.CUT
    return staged


def in_force(at: Wire) -> Prescription:
    """The prescription in force."""
    return at.pump.firmware.prescription


def assert_done(result: Result, text: str) -> None:
    """It was done, and this was said of it."""
    assert (result.outcome, result.refused, result.text) == (Outcome.DONE, (), text)


# --- Each act once -------------------------------------------------------------------------------


def test_an_interrogation_reads_everything_and_closes_the_link() -> None:
    """In the order of a real one, and the pump notices that somebody reads it."""
    at = wire()
    assert_done(at.do("interrogate"), "20 mL believed, infusing 0.15 mL/day, no alarm")
    assert at.sent == [
        *OPENING,
        "interrogate",
        "read_prescription",
        "read_log",
        "read_access_log",
        "close_link",
    ]
    events = [each.event for each in at.pump.firmware.access_log.entries.values()]
    assert events == [AccessEvent.AUTHENTICATED, AccessEvent.INTERROGATED]


def test_an_interrogation_reads_what_is_staged_and_names_the_alarms() -> None:
    """What is staged only where something is."""
    at = alarmed()
    at.do("program", dose="310 mcg/day", cut="stage")
    result = at.do("interrogate")
    assert result.text == "1.95 mL believed, infusing 0.15 mL/day, alarm low reservoir"
    assert at.sent.count("read_prescription") == 2


def test_an_interrogation_reads_only_new_records_of_the_log() -> None:
    """Nothing of the therapy log where nothing was written; of the access log its own record."""
    at = wire()
    at.do("interrogate")
    at.do("interrogate")
    assert "read_log" not in at.sent
    at.do("program", dose="310 mcg/day")
    at.do("interrogate")
    assert at.sent.count("read_log") == 1


def test_an_interrogation_of_a_long_log_is_bounded() -> None:
    """It reads the newest records, not a year of them."""
    at = wire(periodic={**PERIODIC, "every": "1 h"}, patient_bolus=PATIENT)
    for _ in range(300):
        at.pump.firmware.self_test()
    at.do("interrogate")
    assert at.sent.count("read_log") == MOST_RECORDS / MAX_LOG_ENTRIES == 20


def test_an_interrogation_lets_go_on_what_waited_for_it() -> None:
    """A pump that sounded an alarm in a scanner's field waits until somebody reads it."""
    at = alarmed()
    at.pump.inject(MriScan(field_ms=MINUTE_MS, latches_telemetry=True))
    at.wait_therapy(HOUR_MS)
    assert at.pump.truth().actual_rate_nl_per_day == 0
    at.do("interrogate")
    assert at.pump.truth().actual_rate_nl_per_day == 150_000


def test_programming_a_dose_stages_checks_commits_and_reads_back() -> None:
    """And says what was and what is in force."""
    at = wire(dose="300 mcg/day")
    result = at.do("program", dose="330 mcg/day")
    assert_done(result, "300 mcg/day -> 330 mcg/day in force, version 2")
    assert in_force(at).daily_dose_ng == 330_000
    assert at.pump.firmware.pending is None
    assert at.sent == [
        *OPENING,
        "read_prescription",
        "stage_prescription",
        "commit_prescription",
        "read_prescription",
        "close_link",
    ]


def test_a_new_concentration_keeps_the_dose_and_bridges() -> None:
    """The old drug goes on at the old rate until 0.34 mL of it are used up."""
    at = wire(dose="300 mcg/day")
    result = at.do("program", concentration="500 mcg/mL", bridge="0.34 mL")
    assert_done(
        result,
        "baclofen 2000 mcg/mL -> baclofen 500 mcg/mL, 300 mcg/day -> 300 mcg/day in force,"
        " version 2",
    )
    bolus = at.pump.status().bolus
    assert bolus is not None
    assert (bolus.kind, bolus.volume_nl) == (BolusKind.BRIDGE, 340_000)
    assert in_force(at).rate_nl_per_day == 600_000


def test_a_bridge_may_be_declined() -> None:
    """The new rate begins at once, and the log says that this was decided."""
    at = wire(dose="300 mcg/day")
    assert at.do("program", concentration="500 mcg/mL", bridge="none").outcome is Outcome.DONE
    assert at.records(EventCode.BRIDGE_DECLINED) == [EventCode.BRIDGE_DECLINED]


def test_reprogramming_leaves_the_next_periodic_bolus_where_it_was() -> None:
    """Due in 1 h 30 min before, and after."""
    at = wire(periodic=PERIODIC)
    at.wait_therapy(10 * HOUR_MS + HOUR_MS // 2)
    before = at.pump.status().next_periodic_at_ms
    assert at.do("program", low_reservoir="3 mL").outcome is Outcome.DONE
    assert before == 12 * HOUR_MS
    assert at.pump.status().next_periodic_at_ms == before


def test_a_dose_above_the_soft_limit_is_confirmed() -> None:
    """With the dose that the act repeats."""
    at = wire()
    result = at.do("program", dose="1200 mcg/day", confirm_dose="1200 mcg/day")
    assert result.outcome is Outcome.DONE
    assert at.records(EventCode.SOFT_LIMIT_CONFIRMED) == [EventCode.SOFT_LIMIT_CONFIRMED]


def test_stop_programs_the_mode_stopped() -> None:
    """Whatever was in force."""
    at = wire(periodic=PERIODIC, patient_bolus=PATIENT)
    assert_done(at.do("stop"), "periodic boluses 400 mcg/day -> stopped in force, version 2")
    assert in_force(at).mode is Mode.STOPPED


def test_roll_back_drops_what_is_staged() -> None:
    """What an earlier act left behind."""
    at = with_staged()
    assert at.pump.firmware.pending is not None
    assert_done(at.do("roll_back"), "nothing is staged, version 1 stays in force")
    assert at.pump.firmware.pending is None


def test_orders_are_numbered_one_after_another() -> None:
    """Boluses, refills and requests of the patient count together, over all links."""
    at = wire(patient_bolus=PATIENT)
    result = at.do("bolus", dose="50 mcg", over="30 min")
    assert_done(result, "single bolus began: 50 mcg in 0.025 mL over 30 min")
    at.wait_therapy(HOUR_MS)
    result = at.do("priming", volume="0.34 mL", over="30 min")
    assert_done(result, "priming bolus began: 680 mcg in 0.34 mL over 30 min")
    at.wait_therapy(HOUR_MS)
    assert_done(at.do("patient_bolus"), "patient bolus began, 3 left")
    believed = at.pump.status().believed_volume_nl
    result = at.do("refill", volume="20 mL")
    assert_done(result, f"the pump believes 20 mL instead of {believed / 1e6} mL")
    assert at.pump.firmware.last_order_number(at.clinician.programmer_id) == 4


def test_abort_bolus_ends_it() -> None:
    """And says how much of it was delivered."""
    at = with_bolus()
    assert_done(at.do("abort_bolus"), "single bolus ended, 0.0125 mL of it delivered")
    assert at.pump.status().bolus is None


def test_alarms_are_silenced_and_acknowledged() -> None:
    """As the pump itself then lists them."""
    at = alarmed()
    result = at.do("silence", alarm="low_reservoir", for_="30 min")
    assert_done(result, "alarm low reservoir silenced for 30 min")
    assert_done(at.do("acknowledge", alarm="low_reservoir"), "alarm low reservoir acknowledged")
    (record,) = at.pump.status().alarms
    assert record.acknowledged
    assert record.silenced_at(at.pump.at_ms + HOUR_MS // 2 - 1)


def test_the_clock_is_set() -> None:
    """To the local time of the file."""
    at = wire()
    result = at.do("set_clock", clock=MORNING)
    assert_done(result, "clock 1970-01-01 00:00:00 -> 2026-03-01 08:00:00")
    assert at.pump.status().clock_local_ms == MORNING_MS


def test_a_self_test_and_a_note_leave_their_records() -> None:
    """Both are told in words."""
    at = wire()
    assert_done(at.do("self_test"), "self-test: all 6 checks passed")
    assert_done(at.do("note", text="next refill in May"), "note written, 18 bytes")
    assert at.pump.firmware.read_note() == "next refill in May"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_random_numbers_give_the_same_bytes(seed: int) -> None:
    """Programmer and link ids are drawn from what is given; other numbers give other bytes."""

    def first_bytes(seed: int) -> bytes:
        clinician = Clinician(Random(seed))
        clinician.begin(by_programmer("interrogate"), 1)
        return clinician.data_to_send()

    assert first_bytes(seed) == first_bytes(seed)
    assert first_bytes(seed) != first_bytes(seed + 1)


def test_one_act_at_a_time() -> None:
    """A second one is an error of whoever drives the clinician, also before the result is taken."""
    clinician = Clinician(Random(1))
    clinician.begin(by_programmer("interrogate"), 1)
    with pytest.raises(RuntimeError, match="not over"):
        clinician.begin(by_programmer("stop"), 1)
    assert clinician.take_result() is None


# --- Refusals ------------------------------------------------------------------------------------

ACTS_REFUSED: list[tuple[Callable[[], Wire], dict[str, Any], RefusalCode]] = [
    (wire, {"kind": "program", "dose": "5 mg/day"}, RefusalCode.OUT_OF_RANGE),
    (wire, {"kind": "program", "dose": "1200 mcg/day"}, RefusalCode.NOT_CONFIRMED),
    (
        wire,
        {"kind": "program", "dose": "1200 mcg/day", "confirm_dose": "1100 mcg/day"},
        RefusalCode.NOT_CONFIRMED,
    ),
    (wire, {"kind": "program", "concentration": "500 mcg/mL"}, RefusalCode.BRIDGE_UNDECIDED),
    (wire, {"kind": "program", "dose": "310 mcg/day", "bridge": "none"}, RefusalCode.MISMATCH),
    (
        with_bolus,
        {"kind": "program", "drug": "morphine", "bridge": "none"},
        RefusalCode.BOLUS_ACTIVE,
    ),
    (wire, {"kind": "roll_back"}, RefusalCode.NOTHING_STAGED),
    (wire, {"kind": "bolus", "dose": "1 mg", "over": "30 min"}, RefusalCode.OUT_OF_RANGE),
    (with_bolus, {"kind": "bolus", "dose": "5 mcg", "over": "30 min"}, RefusalCode.BOLUS_ACTIVE),
    (wire, {"kind": "priming", "volume": "5 mL", "over": "8 h"}, RefusalCode.OUT_OF_RANGE),
    (wire, {"kind": "abort_bolus"}, RefusalCode.NO_BOLUS),
    (wire, {"kind": "patient_bolus"}, RefusalCode.NOT_PRESCRIBED),
    (wire, {"kind": "refill", "volume": "21 mL"}, RefusalCode.OUT_OF_RANGE),
    (wire, {"kind": "acknowledge", "alarm": "eos"}, RefusalCode.ALARM_NOT_LISTED),
    (wire, {"kind": "silence", "alarm": "eos", "for": "1 h"}, RefusalCode.ALARM_NOT_LISTED),
    (
        alarmed,
        {"kind": "silence", "alarm": "low_reservoir", "for": "1 s"},
        RefusalCode.OUT_OF_RANGE,
    ),
    (wire, {"kind": "note", "text": "x" * 129}, RefusalCode.OUT_OF_RANGE),
]


@pytest.mark.parametrize(("make", "given", "code"), ACTS_REFUSED)
def test_a_refusal_is_told_with_its_codes_and_changes_nothing(
    make: Callable[[], Wire], given: dict[str, Any], code: RefusalCode
) -> None:
    """By their names; the link is closed as after any act, and nothing is left staged."""
    at = make()
    before = in_force(at), at.pump.firmware.prescription_version
    result = at.do(**given)
    assert result.outcome is Outcome.REFUSED
    assert code.name.lower() in result.refused
    assert result.text.startswith("refused: ")
    assert (in_force(at), at.pump.firmware.prescription_version) == before
    assert at.pump.firmware.pending is None
    assert at.sent[-1] == "close_link"


def test_every_reason_of_a_refusal_is_told() -> None:
    """In the pump's order."""
    at = with_bolus()
    result = at.do("bolus", dose="1 mg", over="30 min")
    assert result.refused[0] == "out_of_range"
    assert "bolus_active" in result.refused
    assert "bolus dose 1000 mcg out of range" in result.text
    assert "; bolus active" in result.text


def test_a_pump_that_lost_its_drug_refuses_a_dose_alone() -> None:
    """And takes a whole prescription, without a bridge: nobody knows of what."""
    at = wire()
    at.pump.firmware.prescription_lost()
    assert not in_force(at).drugs
    assert at.do("program", dose="300 mcg/day").outcome is Outcome.REFUSED
    assert at.do("bolus", dose="50 mcg", over="30 min").outcome is Outcome.REFUSED
    assert at.do("priming", volume="0.3 mL", over="30 min").outcome is Outcome.REFUSED
    whole = {"drug": "baclofen", "concentration": "2000 mcg/mL", "dose": "300 mcg/day"}
    result = at.do("program", **whole)
    assert result.text.startswith("no drug -> baclofen 2000 mcg/mL, minimum rate")
    assert in_force(at).daily_dose_ng == 300_000


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "note", "text": "x" * 256},
        {"kind": "program", "dose": "18000000000 mg/day"},
        {"kind": "bolus", "dose": "18000000000 mg", "over": "30 min"},
    ],
)
def test_what_the_wire_cannot_carry_is_not_sent(given: dict[str, Any]) -> None:
    """Nothing was done, and the message says which field; the link is closed."""
    at = wire()
    before = therapy_of(at.pump)
    result = at.do(**given)
    assert result.outcome is Outcome.NO_ANSWER
    assert result.text.startswith("not sent: ")
    assert therapy_of(at.pump) == before
    assert at.sent[-1] == "close_link"


def test_a_confirmation_that_the_wire_cannot_carry_leaves_nothing_staged() -> None:
    """It is noticed only after staging."""
    at = wire()
    act = by_programmer("program", dose="1200 mcg/day", confirm_dose="1200 mcg/day")
    result = at.carry_out(act.model_copy(update={"confirm_dose_ng": 2**64}))
    assert result.outcome is Outcome.NO_ANSWER
    assert at.pump.firmware.pending is None


# --- Cut -----------------------------------------------------------------------------------------

BOLUS = {"kind": "bolus", "dose": "50 mcg", "over": "30 min"}
PRIMING = {"kind": "priming", "volume": "0.34 mL", "over": "30 min"}
REFILL = {"kind": "refill", "volume": "18 mL"}
PROGRAM = {"kind": "program", "dose": "310 mcg/day"}


@pytest.mark.parametrize("given", [PROGRAM, BOLUS, PRIMING, REFILL])
def test_gone_after_the_link_was_open_changes_nothing(given: dict[str, Any]) -> None:
    """Nothing but the opening was sent, and the pump's end of the link stays open."""
    at = wire()
    before = therapy_of(at.pump)
    result = at.do(**given, cut="open")
    assert (result.outcome, at.sent) == (Outcome.CUT, OPENING)
    assert therapy_of(at.pump) == before


def test_gone_after_staging_leaves_a_prescription_that_expires() -> None:
    """The pump alarms of it when the time for the commit is over."""
    at = with_staged()
    assert at.sent[-1] == "stage_prescription"
    at.link_ms += STAGING_LIMIT_MS
    at.do("note", text="later")
    assert at.pump.firmware.pending is None
    assert at.records(EventCode.STAGING_EXPIRED) == [EventCode.STAGING_EXPIRED]


def test_gone_after_the_commit_puts_it_in_force() -> None:
    """The pump hears it once; nobody hears the answer, and nothing more is sent."""
    at = wire()
    result = at.do("program", dose="310 mcg/day", cut="commit")
    assert result.outcome is Outcome.CUT
    assert at.sent[-1] == "commit_prescription"
    assert at.sent.count("commit_prescription") == 1
    assert in_force(at).daily_dose_ng == 310_000


@pytest.mark.parametrize(
    ("given", "event"),
    [
        (BOLUS, EventCode.BOLUS_STARTED),
        (PRIMING, EventCode.PRIMING_STARTED),
        (REFILL, EventCode.RESERVOIR_UPDATED),
    ],
)
def test_gone_after_the_order_has_it_carried_out(given: dict[str, Any], event: EventCode) -> None:
    """Once."""
    at = wire()
    assert at.do(**given, cut="order").outcome is Outcome.CUT
    assert at.records(event) == [event]
    assert at.sent[-1] != "close_link"


@pytest.mark.parametrize("name", ["commit_prescription", "order_bolus"])
def test_what_is_sent_last_is_sent_once_even_if_it_is_lost(name: str) -> None:
    """A programmer that is gone repeats nothing."""
    at = wire()
    kind = (
        PROGRAM | {"cut": "commit"} if name == "commit_prescription" else BOLUS | {"cut": "order"}
    )
    at.fate = lambda to_pump, number: 0 if to_pump and at.sent[-1] == name else 1
    assert at.do(**kind).outcome is Outcome.CUT
    assert at.sent.count(name) == 1
    assert at.records(EventCode.COMMITTED, EventCode.BOLUS_STARTED) == []


def test_the_next_act_after_a_cut_opens_a_link_of_its_own() -> None:
    """And is carried out as any other."""
    at = wire()
    at.do("program", dose="310 mcg/day", cut="commit")
    result = at.do("program", dose="320 mcg/day")
    assert_done(result, "310 mcg/day -> 320 mcg/day in force, version 3")


# --- Nobody there --------------------------------------------------------------------------------


@pytest.mark.parametrize("given", [{"kind": "interrogate"}, PROGRAM, BOLUS | {"cut": "order"}])
def test_a_pump_out_of_reach_gives_no_answer(given: dict[str, Any]) -> None:
    """Four times half a second is waited, and nothing was done."""
    at = wire()
    at.endpoint.presence.in_reach = False
    began_ms = at.link_ms
    result = at.do(**given)
    assert (result.outcome, result.text) == (Outcome.NO_ANSWER, "no answer to 4 attempts")
    assert at.sent == 4 * ["identify"]
    assert at.link_ms == began_ms + 2_000 + 1_000
    assert at.pump.firmware.access_log.entries == {}


def test_how_long_is_waited_is_a_parameter() -> None:
    """As a slow pump needs."""
    clinician = Clinician(Random(1), retry=RetryPolicy(response_timeout_ms=3_000, attempts=1))
    clinician.begin(by_programmer("interrogate"), 10)
    assert clinician.next_timeout() == 3_010
    clinician.data_to_send()
    clinician.handle_timeout(3_009)
    assert clinician.busy
    clinician.handle_timeout(3_010)
    result = clinician.take_result()
    assert result is not None
    assert result.outcome is Outcome.NO_ANSWER


def test_a_pump_that_falls_silent_is_left_alone() -> None:
    """A link in which a request got no answer is not closed: nobody would hear that either."""
    at = wire()
    at.fate = lambda to_pump, number: 1 if number < len(OPENING) else 0
    assert at.do("interrogate").outcome is Outcome.NO_ANSWER
    assert at.sent == [*OPENING, *4 * ["interrogate"]]


def test_a_link_is_closed_once_and_without_insisting() -> None:
    """What was done is done, whether the pump hears of the end or not."""
    at = wire()
    at.fate = lambda to_pump, number: 0 if at.sent[-1] == "close_link" else 1
    assert at.do("note", text="hello").outcome is Outcome.DONE
    assert at.sent == [*OPENING, "write_note", "close_link"]


LONG_FRAME = Frame(0x84, 1, 1, bytes(500)).to_bytes()


def test_half_an_answer_before_the_port_was_lost_does_not_spoil_the_next() -> None:
    """Else a decoder would wait for the rest of it, and swallow a whole answer."""
    at = wire()
    at.clinician.begin(by_programmer("bolus", dose="50 mcg", over="30 min"), 1)
    answer = at.endpoint.receive_data(at.clinician.data_to_send(), 1_000_000)
    at.clinician.receive_data(LONG_FRAME[:40], 1)
    at.clinician.port_lost(2)
    at.clinician.receive_data(answer, 2)
    assert at.clinician.data_to_send(), "the answer was taken, and the next request follows"


def test_half_an_answer_does_not_spoil_that_to_an_attack_either() -> None:
    """Also where it came while no act was under way."""
    at = wire()
    at.do("note", text="hello")
    at.clinician.receive_data(LONG_FRAME[:40], at.link_ms)
    at.clinician.port_lost(at.link_ms)
    assert at.do("replay", message="write_note").outcome is Outcome.REFUSED


# --- Lost frames: what is said agrees with what the pump did -------------------------------------


@dataclass(frozen=True)
class Case:
    """An act at a pump, and the record that the pump writes once if it carries it out."""

    make: Callable[[], Wire]
    given: dict[str, Any]
    event: EventCode
    clean: Outcome = Outcome.DONE
    name: str = field(default="")

    def __str__(self) -> str:
        return self.name or f"{self.given['kind']}-{self.clean.value}"


CASES = [
    Case(wire, PROGRAM, EventCode.COMMITTED),
    Case(
        lambda: wire(periodic=PERIODIC),
        {"kind": "program", "low_reservoir": "3 mL"},
        EventCode.COMMITTED,
        name="program-periodic",
    ),
    Case(
        wire,
        {"kind": "program", "dose": "1200 mcg/day"},
        EventCode.COMMITTED,
        Outcome.REFUSED,
    ),
    Case(wire, {"kind": "stop"}, EventCode.COMMITTED),
    Case(with_staged, {"kind": "roll_back"}, EventCode.ROLLED_BACK),
    Case(wire, BOLUS, EventCode.BOLUS_STARTED),
    Case(
        wire,
        {"kind": "bolus", "dose": "1 mg", "over": "30 min"},
        EventCode.BOLUS_STARTED,
        Outcome.REFUSED,
    ),
    Case(wire, PRIMING, EventCode.PRIMING_STARTED),
    Case(with_bolus, {"kind": "abort_bolus"}, EventCode.BOLUS_ABORTED),
    Case(wire, {"kind": "abort_bolus"}, EventCode.BOLUS_ABORTED, Outcome.REFUSED),
    Case(
        lambda: wire(patient_bolus=PATIENT),
        {"kind": "patient_bolus"},
        EventCode.PATIENT_BOLUS_STARTED,
    ),
    Case(wire, {"kind": "patient_bolus"}, EventCode.PATIENT_BOLUS_STARTED, Outcome.REFUSED),
    Case(wire, REFILL, EventCode.RESERVOIR_UPDATED),
    Case(
        alarmed,
        {"kind": "acknowledge", "alarm": "low_reservoir"},
        EventCode.ALARM_ACKNOWLEDGED,
    ),
    Case(
        alarmed,
        {"kind": "silence", "alarm": "low_reservoir", "for": "1 h"},
        EventCode.ALARM_SILENCED,
    ),
    Case(
        wire,
        {"kind": "silence", "alarm": "low_reservoir", "for": "1 h"},
        EventCode.ALARM_SILENCED,
        Outcome.REFUSED,
    ),
    Case(wire, {"kind": "set_clock", "clock": MORNING}, EventCode.CLOCK_SET),
    Case(wire, {"kind": "self_test"}, EventCode.SELF_TESTED),
    Case(wire, {"kind": "note", "text": "hello"}, EventCode.NOTE_WRITTEN),
]

ATTEMPTS = 4


def carried_out(case: Case, fate: Fate) -> tuple[Result, int, Wire]:
    """What is said of an act over a bad wire, and how often the pump did it."""
    at = case.make()
    before = len(at.records(case.event))
    at.fate = fate
    result = at.do(**case.given)
    return result, len(at.records(case.event)) - before, at


def check_truth(case: Case, result: Result, times: int) -> None:
    """What is said agrees with what was done, and nothing was done twice."""
    assert times <= 1
    if result.outcome is Outcome.DONE:
        assert times == 1
    if result.outcome in {Outcome.NO_ANSWER, Outcome.REFUSED}:
        assert times == 0
    if result.outcome is Outcome.REFUSED:
        assert case.clean is Outcome.REFUSED
        assert result.refused


def exchanges(case: Case) -> list[str]:
    """The requests of the act over a good wire, one an exchange."""
    result, times, at = carried_out(case, arrives)
    assert result.outcome is case.clean
    assert times == (case.clean is Outcome.DONE)
    return at.sent


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("to_pump", [True, False])
def test_one_lost_frame_changes_nothing_of_what_comes_of_an_act(case: Case, to_pump: bool) -> None:
    """Whichever it is, in either direction: it is repeated, and done once."""
    for number in range(len(exchanges(case))):
        result, times, _ = carried_out(case, losing({(to_pump, number)}))
        assert result.outcome is case.clean, f"frame {number}"
        assert times == (case.clean is Outcome.DONE)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("to_pump", [True, False])
def test_a_lost_exchange_is_found_out_about(case: Case, to_pump: bool) -> None:
    """All sendings of one request are lost, or all its answers: the pump is asked and tells."""
    for number, name in enumerate(exchanges(case)):
        lost = {(to_pump, number + repeat) for repeat in range(ATTEMPTS)}
        result, times, at = carried_out(case, losing(lost))
        check_truth(case, result, times)
        assert result.outcome is not Outcome.UNKNOWN, f"{name}: {result.text}"
        assert (result.outcome is Outcome.DONE) == bool(times)
        if case.event is EventCode.COMMITTED and name != "roll_back_prescription":
            assert at.pump.firmware.pending is None, name


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("to_pump", [True, False])
def test_a_wire_that_dies_leaves_only_what_was_asked_last_unknown(
    case: Case, to_pump: bool
) -> None:
    """From whichever frame on: unknown only if a change was asked for, and else as it is said."""
    outcomes = set()
    for number in range(len(exchanges(case))):
        result, times, at = carried_out(
            case, lambda way, each, last=number: 0 if way is to_pump and each >= last else 1
        )
        check_truth(case, result, times)
        outcomes.add(result.outcome)
        if result.outcome is Outcome.UNKNOWN:
            assert at.sent[-1] == "identify", "it was tried to find out"
    assert Outcome.NO_ANSWER in outcomes
    assert Outcome.UNKNOWN in outcomes


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(CASES), st.lists(st.sampled_from([0, 0, 1, 1, 1, 2]), max_size=60))
def test_whatever_a_wire_loses_and_doubles_what_is_said_is_true(
    case: Case, copies: list[int]
) -> None:
    """Any fate of any frame, both ways; after the listed ones the wire is good."""
    fates = iter(copies)
    result, times, _ = carried_out(case, lambda to_pump, number: next(fates, 1))
    check_truth(case, result, times)


def test_a_lost_interrogation_is_no_answer() -> None:
    """Nobody was told anything, whatever the pump took note of."""
    for number in range(6):
        at = wire()
        at.fate = losing({(False, number + repeat) for repeat in range(ATTEMPTS)})
        result = at.do("interrogate")
        assert result.outcome is Outcome.NO_ANSWER
        at.fate = arrives
        assert at.do("interrogate").outcome is Outcome.DONE


def test_what_nothing_proves_is_unknown() -> None:
    """A roll-back of nothing whose answers are all lost: the pump does not say that it refused."""
    at = with_staged()
    at.do("roll_back")
    at.fate = losing({(True, len(OPENING) + repeat) for repeat in range(ATTEMPTS)})
    result = at.do("roll_back")
    assert result.outcome is Outcome.UNKNOWN
    assert "nothing is staged, and perhaps nothing was before" in result.text


@pytest.mark.parametrize("legacy", [False, True])
def test_another_programmer_may_take_the_link_away(legacy: bool) -> None:
    """Who opens a link ends the one that was open. That an order was refused then can be believed
    of a pump without keys, and it is given again; else the pump is asked what became of it."""
    at = wire(legacy=legacy)
    other = Clinician(Random(99), keys=at.keys)

    def barge_in(to_pump: bool, number: int) -> int:
        if to_pump and at.sent[-1] == "order_bolus" and at.sent.count("order_bolus") == 1:
            other.begin(by_programmer("interrogate"), at.link_ms)
            for _ in OPENING:
                answer = at.endpoint.receive_data(other.data_to_send(), at.link_ms * 1_000_000)
                other.receive_data(answer, at.link_ms)
        return 1

    at.fate = barge_in
    result = at.do(**BOLUS)
    assert at.sent.count("open_link") == 2
    if legacy:
        assert result.outcome is Outcome.DONE
        assert at.records(EventCode.BOLUS_STARTED) == [EventCode.BOLUS_STARTED]
    else:
        assert result.outcome is Outcome.NO_ANSWER
        assert result.text.endswith("it was not done: the order never reached the pump")
        assert at.records(EventCode.BOLUS_STARTED) == []


# --- Attacks -------------------------------------------------------------------------------------

# At a pump without keys, where they are understood: a counter and a tag are in test_attacks.

GENUINE = [PROGRAM, BOLUS, REFILL, {"kind": "stop"}, {"kind": "note", "text": "hello"}]
MESSAGES = {
    "program": "commit_prescription",
    "stop": "stage_prescription",
    "bolus": "order_bolus",
    "refill": "update_reservoir",
    "note": "write_note",
}


@pytest.mark.parametrize("attack", ["replay", "forge"])
@pytest.mark.parametrize("given", GENUINE, ids=lambda given: str(given["kind"]))
def test_a_frame_of_a_link_that_was_closed_is_refused(given: dict[str, Any], attack: str) -> None:
    """Its link id was used; nothing is done, and the misuse is on record."""
    at = wire(legacy=True)
    assert at.do(**given).outcome is Outcome.DONE
    before = therapy_of(at.pump)
    result = at.do(attack, message=MESSAGES[given["kind"]])
    assert result.outcome is Outcome.REFUSED
    assert result.refused == ("link_id_used",)
    assert result.text.endswith("refused: link id used")
    assert therapy_of(at.pump) == before


def test_a_replayed_opening_is_recorded_as_misuse() -> None:
    """It is what a recording would begin with."""
    at = wire(legacy=True)
    at.do("note", text="hello")
    result = at.do("replay", message="open_link")
    assert result.refused == ("link_id_used",)
    events = [each.event for each in at.pump.firmware.access_log.entries.values()]
    assert events == [AccessEvent.SEQUENCE_MISUSED]


@pytest.mark.parametrize(
    ("given", "cut", "message"),
    [
        (PROGRAM, "commit", "commit_prescription"),
        (BOLUS, "order", "order_bolus"),
        (REFILL, "order", "update_reservoir"),
        (PROGRAM, "stage", "stage_prescription"),
    ],
)
def test_the_last_frame_of_an_open_link_is_answered_from_memory(
    given: dict[str, Any], cut: str, message: str
) -> None:
    """With the identical answer, and nothing is done again; a forged one is refused."""
    at = wire(legacy=True)
    at.do(**given, cut=cut)
    before = therapy_of(at.pump)
    result = at.do("replay", message=message)
    assert result.outcome is Outcome.DONE
    assert result.text.endswith("sent again: answered from memory, as before")
    result = at.do("forge", message=message, bit=3)
    assert result.refused == ("sequence_reused",)
    assert at.do("replay", message=message).text.endswith("from memory, as before")
    assert therapy_of(at.pump) == before


def test_an_earlier_frame_of_an_open_link_is_refused() -> None:
    """Its sequence number is out of date."""
    at = wire(legacy=True)
    at.do("program", dose="310 mcg/day", cut="commit")
    result = at.do("replay", message="stage_prescription")
    assert result.refused == ("sequence_stale",)
    assert at.pump.firmware.pending is None


def test_an_answer_that_was_not_there_before_is_told_by_its_name() -> None:
    """The order was lost when it was sent; captured and sent again it is carried out, once."""
    at = wire(legacy=True)
    at.fate = lambda to_pump, number: 0 if at.sent[-1] == "order_bolus" else 1
    at.do(**BOLUS, cut="order")
    at.fate = arrives
    result = at.do("replay", message="order_bolus")
    assert_done(result, "order bolus sent again: answered with bolus ordered")
    assert_done(
        at.do("replay", message="order_bolus"),
        "order bolus sent again: answered from memory, as before",
    )
    assert at.records(EventCode.BOLUS_STARTED) == [EventCode.BOLUS_STARTED]


def test_a_replay_that_nobody_hears_is_no_answer() -> None:
    """It is sent once, and waited for as long as for any request."""
    at = wire(legacy=True)
    at.do("note", text="hello")
    at.endpoint.presence.in_reach = False
    began_ms = at.link_ms
    result = at.do("replay", message="write_note")
    assert (result.outcome, at.sent) == (Outcome.NO_ANSWER, ["write_note"])
    assert at.link_ms == began_ms + 2_000 + 1_000


def test_a_forged_frame_differs_in_one_bit_and_is_whole() -> None:
    """The pump takes it for a frame: its CRC is right."""
    at = wire(legacy=True)
    act = by_programmer("forge", message="write_note", bit=8)
    at.do("note", text="A")
    clinician = at.clinician
    clinician.begin(by_programmer("replay", message="write_note"), at.link_ms)
    genuine = clinician.data_to_send()
    clinician.handle_timeout(at.link_ms + 2_000)
    clinician.take_result()
    clinician.begin(act, at.link_ms + 2_000)
    false = clinician.data_to_send()
    assert genuine[-5:-4] == b"A"
    assert false[-5:-4] == b"@"
    assert false[:-5] == genuine[:-5]
    assert false[-4:] != genuine[-4:]


@pytest.mark.parametrize(
    ("message", "why"),
    [("order_bolus", "was not sent before"), ("order_bolos", "is no request")],
)
def test_nothing_captured_is_an_error_of_the_file(message: str, why: str) -> None:
    """It says what was captured; the clinician can go on."""
    at = wire(legacy=True)
    at.do("note", text="hello")
    with pytest.raises(NothingCaptured, match=f"{why}; captured so far: open_link, write_note"):
        at.do("replay", message=message)
    assert at.do("note", text="hello").outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("message", "allowed"), [("write_note", "0 to 47"), ("close_link", "no p")]
)
def test_a_bit_that_is_not_there_is_an_error_of_the_file(message: str, allowed: str) -> None:
    """It says which bits there are, if any."""
    at = wire(legacy=True)
    at.do("note", text="hello")
    with pytest.raises(NoSuchBit, match=allowed):
        at.do("forge", message=message, bit=48)
    assert not at.clinician.busy
