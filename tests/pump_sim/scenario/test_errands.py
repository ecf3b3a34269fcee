"""What a scenario's programmer makes of answers that a sound pump on a sound wire never gives."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from pump_protocol import codes
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.frames import Frame, FrameDecoder, frame_bytes
from pump_protocol.session import Role, Session
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.pump import Pump
from pump_sim.refusal_words import refusal_text
from pump_sim.scenario.clinician.attacks import Tap, attack
from pump_sim.scenario.clinician.clinician import Clinician, Result
from pump_sim.scenario.clinician.errands import errand
from pump_sim.scenario.clinician.visits import Ask, Inject, Open, Refused, Unanswered, Visit
from pump_sim.scenario.clinician.words import done_text, flow_text
from pump_sim.scenario.file.acts import Attack, ByProgrammer
from pump_sim.scenario.happenings import Outcome
from pump_sim.simulation import Simulation
from pump_sim.texts import spaced
from pump_sim.wire_values import prescription_out
from tests.pump_sim.scenario.wires import by_programmer
from tests.pump_sim.virtual import baclofen, implanted

Alter = Callable[[m.Request[Any], m.Response], m.Response | Exception]
"""What is heard instead of the pump's answer to a request."""

PROGRAM = by_programmer("program", dose="310 mcg/day")
BOLUS = by_programmer("bolus", dose="50 mcg", over="30 min")
NOTE = by_programmer("note", text="hello")
ACKNOWLEDGE = by_programmer("acknowledge", alarm="low_reservoir")
ROLL_BACK = by_programmer("roll_back")


def heard(_: m.Request[Any], response: m.Response) -> m.Response:
    """The answer as the pump gave it."""
    return response


class Bench:
    """A pump at which the steps of acts are taken one by one."""

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self.logs_read: dict[str, tuple[int, int]] = {}
        self._endpoint = PumpEndpoint(Simulation(pump))
        self._session = Session(Role.PROGRAMMER, link_id=1)
        self._random = Random(1)

    def do(
        self,
        act: ByProgrammer,
        alter: Alter = heard,
        *,
        unheard: type[m.Request[Any]] | None = None,
    ) -> Result:
        """What comes of an act; requests of the type *unheard* do not reach the pump."""
        steps = errand(act, Visit(self._random, 7, self.logs_read))
        answer: Any = None
        while True:
            try:
                if isinstance(answer, m.Refusal):
                    answer = Refused(answer, 1)
                step = steps.throw(answer) if isinstance(answer, Exception) else steps.send(answer)
            except StopIteration as over:
                result: Result = over.value
                return result
            assert isinstance(step, (Open, Ask))
            if unheard is not None and isinstance(step.request, unheard):
                answer = Unanswered("no answer")
            else:
                answer = alter(step.request, self._answer(step))

    def _answer(self, step: Open | Ask) -> m.Response:
        if isinstance(step, Open):
            self._session = Session(Role.PROGRAMMER, link_id=step.link_id)
        session = self._session
        session.send_request(step.request, 1)
        session.receive_data(self._endpoint.receive_data(session.data_to_send(), 1_000_000), 1)
        while (event := session.next_event()) is not None:
            if isinstance(event, ev.ResponseReceived):
                return event.response
            if isinstance(event, ev.RefusalReceived):
                return event.refusal
        raise AssertionError(f"no answer to {step}")

    def stage(self, daily_dose_ng: int) -> None:
        """Somebody else stages a dose."""
        self.pump.firmware.stage(baclofen(daily_dose_ng))

    def commit(self, daily_dose_ng: int) -> None:
        """Somebody else programs a dose."""
        self.stage(daily_dose_ng)
        self.pump.firmware.commit()


@pytest.fixture
def bench() -> Bench:
    """A pump at 800 mcg/day."""
    return Bench(implanted())


def losing(
    asked: type[m.Request[Any]],
    then: Callable[[], None] = lambda: None,
    error: Callable[[], Exception] = lambda: Unanswered("no answer"),
) -> Alter:
    """The answer to the first request of a type is lost, and something else happens then."""
    lost = False

    def alter(request: m.Request[Any], response: m.Response) -> m.Response | Exception:
        nonlocal lost
        if isinstance(request, asked) and not lost:
            lost = True
            then()
            return error()
        return response

    return alter


# --- Verified programming ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"prescription": prescription_out(baclofen(900_000))}, "other than what was sent"),
        ({"digest": bytes(32)}, "the digest is not that"),
        ({"version": 3}, "the digest is not that"),
    ],
)
def test_what_is_staged_wrong_is_not_committed(
    bench: Bench, changes: dict[str, Any], why: str
) -> None:
    """REQ-24: the echo is compared with what was sent, and dropped if it differs."""

    def alter(_: m.Request[Any], response: m.Response) -> m.Response:
        return (
            replace(response, **changes) if isinstance(response, m.PrescriptionStaged) else response
        )

    result = bench.do(PROGRAM, alter)
    assert result.outcome is Outcome.NO_ANSWER
    assert "not committed, because" in result.text
    assert why in result.text
    assert bench.pump.firmware.pending is None
    assert bench.pump.firmware.prescription_version == 1


def test_a_prescription_that_was_changed_meanwhile_is_not_replaced(bench: Bench) -> None:
    """What was laid over the old one is not what anybody wants now."""

    def alter(request: m.Request[Any], response: m.Response) -> m.Response:
        if isinstance(request, m.ReadPrescription):
            bench.commit(700_000)
        return response

    result = bench.do(PROGRAM, alter)
    assert "the prescription in force was changed meanwhile" in result.text
    assert bench.pump.firmware.prescription.daily_dose_ng == 700_000


@pytest.mark.parametrize(
    ("read_back", "text"),
    [
        (Unanswered("no answer"), "in force, version 2, but it could not be read back"),
        (
            m.PrescriptionReport(
                codes.PrescriptionSlot.CURRENT,
                3,
                bytes(32),
                m.DoseTotals(0, 0, 0),
                prescription_out(baclofen()),
            ),
            "in force, version 2, but the pump holds version 3",
        ),
    ],
)
def test_what_was_committed_is_done_whatever_reading_back_shows(
    bench: Bench, read_back: m.Response | Exception, text: str
) -> None:
    """The pump answered the commit; the doubt is told beside it."""
    committed = False

    def alter(request: m.Request[Any], response: m.Response) -> m.Response | Exception:
        nonlocal committed
        if committed and isinstance(request, m.ReadPrescription):
            return read_back
        committed = committed or isinstance(request, m.CommitPrescription)
        return response

    result = bench.do(PROGRAM, alter)
    assert result.outcome is Outcome.DONE
    assert result.text.endswith(text)


def test_a_refused_commit_that_cannot_be_rolled_back_says_so(bench: Bench) -> None:
    """Therapy is as it was, and something stays staged."""

    def alter(request: m.Request[Any], response: m.Response) -> m.Response | Exception:
        lost = isinstance(request, m.RollBackPrescription)
        return Unanswered("no answer") if lost else response

    result = bench.do(by_programmer("program", dose="1200 mcg/day"), alter)
    assert result.outcome is Outcome.REFUSED
    assert result.text.endswith("it stays staged until it expires")


def test_what_was_staged_may_expire_while_it_is_read(bench: Bench) -> None:
    """An interrogation is not broken off by that; another refusal is told."""
    bench.stage(700_000)

    def alter(request: m.Request[Any], response: m.Response) -> m.Response:
        if isinstance(request, m.Interrogate):
            bench.pump.firmware.staging_expired()
        return response

    assert bench.do(by_programmer("interrogate"), alter).outcome is Outcome.DONE

    def refuse(request: m.Request[Any], response: m.Response) -> m.Response:
        if request == m.ReadPrescription(codes.PrescriptionSlot.PENDING):
            reason = m.Reason(codes.RefusalCode.UNKNOWN_VALUE, codes.Field.SLOT)
            return m.Refusal(request.message_type, (reason,))
        return response

    bench.stage(700_000)
    assert bench.do(by_programmer("interrogate"), refuse).outcome is Outcome.REFUSED


# --- Finding out ---------------------------------------------------------------------------------


def test_a_commit_that_was_replaced_since_is_done(bench: Bench) -> None:
    """The log shows it, under the id of its link."""
    result = bench.do(PROGRAM, losing(m.CommitPrescription, lambda: bench.commit(700_000)))
    assert result.outcome is Outcome.DONE
    assert result.text.endswith("committed, and replaced since by version 3")


def test_a_commit_is_unknown_where_the_log_does_not_reach_back(bench: Bench) -> None:
    """Another prescription is in force, and too much has been logged since."""

    def much() -> None:
        bench.commit(700_000)
        for _ in range(300):
            bench.pump.firmware.self_test()

    result = bench.do(PROGRAM, losing(m.CommitPrescription, much))
    assert result.outcome is Outcome.UNKNOWN


def test_a_change_is_unknown_where_the_log_does_not_reach_back(bench: Bench) -> None:
    """It may be in the part that was not read."""

    def much() -> None:
        for _ in range(300):
            bench.pump.firmware.self_test()

    result = bench.do(NOTE, losing(m.WriteNote, much))
    assert result.outcome is Outcome.UNKNOWN
    assert "reaches not far enough back" in result.text


def test_what_was_read_before_need_not_be_searched(bench: Bench) -> None:
    """A long log is no doubt where an interrogation has read it: nothing new is in it."""
    for _ in range(300):
        bench.pump.firmware.self_test()
    assert bench.do(NOTE, unheard=m.WriteNote).outcome is Outcome.UNKNOWN
    assert bench.do(by_programmer("interrogate")).outcome is Outcome.DONE
    assert bench.do(NOTE, unheard=m.WriteNote).outcome is Outcome.NO_ANSWER


def test_an_order_is_unknown_where_another_was_given_since(bench: Bench) -> None:
    """A pump remembers only the last one of a programmer."""

    def another() -> None:
        update = ReservoirUpdate(programmer_id=7, order_number=5, volume_nl=20_000_000)
        bench.pump.firmware.update_reservoir(update)

    result = bench.do(BOLUS, losing(m.OrderBolus, another))
    assert result.outcome is Outcome.UNKNOWN
    assert result.text.endswith("another order was given since")


def test_another_links_refusal_is_not_taken_for_ones_own(bench: Bench) -> None:
    """The access log names the link; this one's request never arrived."""
    silence = by_programmer("silence", alarm="low_reservoir", for_="1 h")
    assert bench.do(silence).outcome is Outcome.REFUSED
    assert bench.do(silence, losing(m.SilenceAlarm)).outcome is Outcome.REFUSED
    assert bench.do(silence, unheard=m.SilenceAlarm).outcome is Outcome.NO_ANSWER


def test_a_roll_back_that_settled_what_had_expired_is_unknown(bench: Bench) -> None:
    """It leaves no record; nor would one that never arrived."""
    bench.stage(700_000)
    bench.pump.firmware.staging_expired()
    result = bench.do(ROLL_BACK, losing(m.RollBackPrescription))
    assert result.outcome is Outcome.UNKNOWN
    (alarm,) = bench.pump.status().alarms
    assert (alarm.alarm, alarm.active) == (Alarm.UPDATE_INCOMPLETE, False)


def test_a_roll_back_is_not_done_while_the_update_is_incomplete(bench: Bench) -> None:
    """The alarm of it would be over."""
    bench.stage(700_000)
    bench.pump.firmware.staging_expired()
    result = bench.do(ROLL_BACK, unheard=m.RollBackPrescription)
    assert result.outcome is Outcome.NO_ANSWER


def test_an_alarm_that_was_acknowledged_before_is_acknowledged() -> None:
    """There is no second record of it, and no need for one."""
    bench = Bench(implanted(volume_nl=1_000_000))
    assert bench.do(ACKNOWLEDGE).outcome is Outcome.DONE
    result = bench.do(ACKNOWLEDGE, losing(m.AcknowledgeAlarm))
    assert result.outcome is Outcome.DONE
    assert result.text.endswith("the alarm is acknowledged")


@pytest.mark.parametrize(
    ("volume_nl", "outcome"), [(1_000_000, Outcome.NO_ANSWER), (20_000_000, Outcome.UNKNOWN)]
)
def test_an_acknowledgement_that_never_arrived_is_not_done(
    volume_nl: int, outcome: Outcome
) -> None:
    """The list shows it; of an alarm that is not listed nobody knows whether it was before."""
    bench = Bench(implanted(volume_nl=volume_nl))
    assert bench.do(ACKNOWLEDGE, unheard=m.AcknowledgeAlarm).outcome is outcome


def test_who_is_refused_while_finding_out_knows_nothing(bench: Bench) -> None:
    """A pump that refuses to be read tells nothing of what it did."""
    lose = losing(m.WriteNote)

    def alter(request: m.Request[Any], response: m.Response) -> m.Response | Exception:
        if isinstance(request, m.ReadLog):
            reason = m.Reason(codes.RefusalCode.OUT_OF_RANGE, codes.Field.ENTRY_LIMIT, 1)
            return m.Refusal(request.message_type, (reason,))
        return lose(request, response)

    result = bench.do(NOTE, alter)
    assert result.outcome is Outcome.UNKNOWN
    assert "asked about it: entry limit 1 out of range" in result.text


# --- Links that are taken away -------------------------------------------------------------------


def gone(request_type: codes.MessageType, attempts: int) -> Refused:
    """The link is not open any more."""
    reason = m.Reason(codes.RefusalCode.LINK_ID_USED, codes.Field.LINK_ID)
    return Refused(m.Refusal(request_type, (reason,)), attempts)


def test_a_link_that_was_lost_before_a_repeat_leaves_a_question(bench: Bench) -> None:
    """The first sending may have been carried out: here it was, and that is found out."""
    lost = losing(m.OrderBolus, error=lambda: gone(codes.MessageType.ORDER_BOLUS, 2))
    result = bench.do(BOLUS, lost)
    assert result.outcome is Outcome.DONE
    assert result.text.startswith("the answer was lost, but it was done: single bolus began")
    started = [each.event for each in bench.pump.firmware.log.entries]
    assert started.count(EventCode.BOLUS_STARTED) == 1


def test_a_link_that_was_lost_costs_a_reader_nothing(bench: Bench) -> None:
    """What only reads is asked again in a new link, however often it was sent before."""
    lost = losing(m.ReadPrescription, error=lambda: gone(codes.MessageType.READ_PRESCRIPTION, 3))
    assert bench.do(PROGRAM, lost).outcome is Outcome.DONE


def test_an_id_that_was_used_is_replaced_by_another(bench: Bench) -> None:
    """By chance, or because an old opening was late; only once, though."""
    lost = losing(m.OpenLink, error=lambda: gone(codes.MessageType.OPEN_LINK, 1))
    assert bench.do(NOTE, lost).outcome is Outcome.DONE
    result = bench.do(
        NOTE,
        lambda request, response: (
            gone(codes.MessageType.OPEN_LINK, 1) if isinstance(request, m.OpenLink) else response
        ),
    )
    assert result.refused == ("link_id_used",)


def test_a_pump_of_another_version_is_told_as_it_refuses(bench: Bench) -> None:
    """The opening is not repeated for that."""
    reason = m.Reason(codes.RefusalCode.UNSUPPORTED_VERSION, codes.Field.VERSION, 1, 2, 2)
    opened = 0

    def alter(request: m.Request[Any], response: m.Response) -> m.Response:
        nonlocal opened
        opened += isinstance(request, m.OpenLink)
        return m.Refusal(request.message_type, (reason,))

    result = bench.do(NOTE, alter)
    assert (result.refused, opened) == (("unsupported_version",), 1)


# --- Answers that break the protocol -------------------------------------------------------------


def test_a_garbled_answer_is_no_answer() -> None:
    """Nothing can be taken from it."""
    clinician = Clinician(Random(1))
    clinician.begin(NOTE, 1)
    (sent,) = FrameDecoder().feed(clinician.data_to_send())
    assert isinstance(sent, Frame)
    clinician.receive_data(
        frame_bytes(codes.MessageType.LINK_CLOSED, sent.link_id, sent.sequence, b""), 2
    )
    result = clinician.take_result()
    assert result is not None
    assert result.outcome is Outcome.NO_ANSWER
    assert "breaks the protocol" in result.text


def test_a_garbled_answer_to_an_attack_is_unknown() -> None:
    """Whatever the pump did."""
    sent = Frame(codes.MessageType.WRITE_NOTE, 5, 2, b"\x01A")
    act = by_programmer("replay", message="write_note")
    assert isinstance(act, Attack)
    tap = Tap()
    tap.sent(sent.to_bytes())
    steps = attack(act, tap, Random(1))
    assert next(steps) == Inject(sent)
    with pytest.raises(StopIteration) as over:
        steps.send(Frame(codes.MessageType.STATUS_REPORT, 5, 2, b"short"))
    assert over.value.value.outcome is Outcome.UNKNOWN


# --- Words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        (m.Reason(codes.RefusalCode.NO_BOLUS, codes.Field.NONE), "no bolus"),
        (m.Reason(codes.RefusalCode.LOCKED_OUT, codes.Field.NONE, 500), "locked out"),
        (
            m.Reason(codes.RefusalCode.OUT_OF_RANGE, codes.Field.RATE, 1, 48_000),
            "rate 0.000001 mL/day out of range, allowed from 0.048 mL/day",
        ),
        (
            m.Reason(codes.RefusalCode.OUT_OF_RANGE, codes.Field.BOLUS_DURATION, 1, 60_000, 90_000),
            "bolus duration 1 ms out of range, allowed 1 min to 1 min 30 s",
        ),
        (
            m.Reason(codes.RefusalCode.MISMATCH, codes.Field.BOLUS_VOLUME, 1, 2_000, 2_000),
            "bolus volume 0.000001 mL mismatch, allowed 0.002 mL",
        ),
        (
            m.Reason(codes.RefusalCode.WRONG_MODE, codes.Field.PATIENT_DOSE),
            "patient dose wrong mode",
        ),
    ],
)
def test_reasons_are_told_in_the_units_that_people_write(reason: m.Reason, text: str) -> None:
    """With what is allowed, as far as the pump says it."""
    assert refusal_text((reason,)) == text


@pytest.mark.parametrize("code", codes.RefusalCode)
def test_no_refusal_says_its_field_twice(code: codes.RefusalCode) -> None:
    """``link id used``: a reason whose name begins with its field does not have it before it."""
    for field in codes.Field:
        text = refusal_text((m.Reason(code, field),))
        words = spaced(field.name)
        assert not text.startswith(f"{words} {words}")
        assert text.endswith(spaced(code.name))


@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (codes.Mode.STOPPED, "stopped"),
        (codes.Mode.MINIMUM_RATE, "minimum rate 0.4 mL/day"),
        (codes.Mode.SIMPLE_CONTINUOUS, "800 mcg/day"),
        (codes.Mode.FLEX, "flex 800 mcg/day"),
        (codes.Mode.PERIODIC_BOLUS, "periodic boluses 800 mcg/day"),
    ],
)
def test_every_mode_has_its_words(mode: codes.Mode, text: str) -> None:
    """As few as tell it."""
    assert flow_text(replace(prescription_out(baclofen()), mode=mode)) == text


def test_a_self_test_tells_what_failed() -> None:
    """And not what passed."""
    report = m.SelfTestReport(
        (m.CheckResult(codes.Check.BATTERY, True), m.CheckResult(codes.Check.MOTOR, False))
    )
    assert done_text(m.SelfTest(), report) == "self-test: motor failed"
