"""What became of a lost request is only claimed where the pump proves it; else it is unknown.

Each test asks a whole simulated pump in virtual time. A request "was lost" if it is never sent,
its answer "was lost" if nobody looks at it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import pytest

from pump_programmer import outcome
from pump_programmer.errors import OutcomeUnknown, PumpRefused
from pump_programmer.programmer import Programmer
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.payloads import prescription_digest
from pump_sim.model.events import EventCode
from tests.programmer.prescriptions import simple, with_patient
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, VirtualLink, implanted

from .virtual_port import VirtualPort

R = TypeVar("R", bound=m.Response)

LOW = c.Alarm.LOW_RESERVOIR
BOLUS = m.OrderBolus(1, c.BolusKind.SINGLE, 50_000, 2_000_000, 25_000, 600_000)
NEW = simple(880_000)
STOPPED = replace(NEW, mode=c.Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0)
DIGEST = prescription_digest(2, NEW)


class Line:
    """The programmer that ``outcome`` asks through."""

    def __init__(self, volume_nl: int | None = None) -> None:
        self.link = VirtualLink(implanted(volume_nl))

    @property
    def link_id(self) -> int:
        return self.link.link_id

    def reopen_link(self) -> m.LinkOpened:
        return self.link.reconnect()

    def exchange(self, request: m.Request[R]) -> R:
        answer = self.link.ask(request)
        if isinstance(answer, m.Refusal):
            raise PumpRefused(answer)
        return cast("R", answer)

    def lose(self, request: m.Request[m.Response]) -> outcome.Resolution:
        """The request arrives, and its answer does not."""
        self.link.ask(request)
        return self.resolve(request)

    def resolve(self, request: m.Request[m.Response]) -> outcome.Resolution:
        """Find out, of a request that was the last one under the present link."""
        return outcome.resolve(self, request, self.link_id)


@pytest.fixture
def line() -> Line:
    """A line to a pump that has no alarm and no bolus."""
    return Line()


@pytest.fixture
def alarmed() -> Line:
    """A line to a pump whose low-reservoir alarm is active and older than any silence."""
    line = Line(volume_nl=2_100_000)
    line.link.wait_therapy(2 * DAY_MS)
    assert [record.alarm for record in line.link.status().alarms] == [LOW]
    return line


# --- Silence -------------------------------------------------------------------------------------

SILENCE = m.SilenceAlarm(LOW, HOUR_MS)


def test_a_silence_that_was_carried_out_is_done(alarmed):
    assert alarmed.lose(SILENCE).done is True


def test_a_silence_that_ran_out_since_was_done_all_the_same(alarmed):
    """A simulated pump may live fast."""
    alarmed.link.ask(SILENCE)
    alarmed.link.wait_therapy(2 * HOUR_MS)
    assert alarmed.resolve(SILENCE).done is True


def test_a_silence_that_was_lost_is_not_done(alarmed):
    assert alarmed.resolve(SILENCE).done is False


@pytest.mark.parametrize("other_ms", [HOUR_MS // 2, 2 * HOUR_MS])
def test_a_silence_from_before_with_another_end_is_not_taken_for_the_one_asked(alarmed, other_ms):
    alarmed.link.ask(m.SilenceAlarm(LOW, other_ms))
    assert alarmed.resolve(SILENCE).done is None


@pytest.mark.parametrize("ago_ms", [1, HOUR_MS // 2])
def test_a_silence_from_before_of_that_length_is_not_taken_for_the_one_asked(alarmed, ago_ms):
    alarmed.link.ask(SILENCE)
    alarmed.link.wait_therapy(ago_ms)
    alarmed.reopen_link()
    assert alarmed.resolve(SILENCE).done is None


def test_a_silence_of_an_alarm_that_is_not_active_is_unknown(line):
    """It may have been refused for that; or the alarm may have gone since."""
    assert line.lose(SILENCE).done is None


# --- Acknowledgement -----------------------------------------------------------------------------

ACKNOWLEDGE = m.AcknowledgeAlarm(LOW)


def test_an_acknowledgement_that_was_carried_out_is_done(alarmed):
    assert alarmed.lose(ACKNOWLEDGE).done is True


def test_an_alarm_that_is_acknowledged_is_so_whoever_did_it(alarmed):
    alarmed.link.ask(ACKNOWLEDGE)
    alarmed.reopen_link()
    assert alarmed.resolve(ACKNOWLEDGE).done is True


def test_an_acknowledgement_that_was_lost_is_not_done(alarmed):
    assert alarmed.resolve(ACKNOWLEDGE).done is False


def test_an_acknowledgement_of_an_alarm_that_is_not_listed_is_unknown(line):
    """The lost answer may have been the refusal."""
    assert line.lose(ACKNOWLEDGE).done is None


def test_an_acknowledgement_that_took_the_alarm_from_the_list_is_done():
    """The condition was gone already; the log tells what the list no longer does."""
    line = Line(volume_nl=100_000)
    line.link.wait_therapy(DAY_MS)
    line.exchange(m.UpdateReservoir(1, 20_000_000))
    assert [record.alarm for record in line.link.status().alarms] == [c.Alarm.EMPTY_RESERVOIR]
    resolution = line.lose(m.AcknowledgeAlarm(c.Alarm.EMPTY_RESERVOIR))
    assert line.link.status().alarms == ()
    assert resolution.done is True


# --- Abort ---------------------------------------------------------------------------------------


def test_an_abort_that_was_carried_out_is_done(line):
    line.link.ask(BOLUS)
    assert line.lose(m.AbortBolus()).done is True


def test_an_abort_that_was_lost_is_not_done_while_the_bolus_runs(line):
    line.link.ask(BOLUS)
    assert line.resolve(m.AbortBolus()).done is False


def test_an_abort_on_a_pump_that_never_had_a_bolus_is_not_done(line):
    assert line.lose(m.AbortBolus()).done is False


def test_an_abort_is_unknown_where_the_last_bolus_was_delivered_in_full(line):
    """Another bolus may have followed the one that was ended."""
    line.link.ask(BOLUS)
    line.link.wait_therapy(BOLUS.duration_ms)
    assert line.lose(m.AbortBolus()).done is None


@pytest.mark.parametrize(
    "ended_by",
    [
        [m.AbortBolus()],
        [m.StagePrescription(STOPPED), m.CommitPrescription(prescription_digest(2, STOPPED))],
    ],
    ids=["abort", "commit"],
)
def test_an_abort_is_unknown_where_the_bolus_had_ended_early_before(line, ended_by):
    line.link.ask(BOLUS)
    for request in ended_by:
        line.exchange(request)
    line.reopen_link()
    assert line.link.status().boluses[0].outcome is c.BolusOutcome.ABORTED
    assert line.lose(m.AbortBolus()).done is None


# --- Commit --------------------------------------------------------------------------------------


def another_commits(line: Line) -> None:
    """Another programmer changes the prescription in force."""
    line.reopen_link()
    version = line.link.status().prescription_version + 1
    line.exchange(m.StagePrescription(STOPPED))
    line.exchange(m.CommitPrescription(prescription_digest(version, STOPPED)))


@pytest.fixture
def staged(line: Line) -> Line:
    line.exchange(m.StagePrescription(NEW))
    return line


def test_a_commit_that_was_carried_out_is_done(staged):
    assert staged.lose(m.CommitPrescription(DIGEST)).done is True


def test_a_commit_that_was_lost_is_not_done(staged):
    resolution = staged.resolve(m.CommitPrescription(DIGEST))
    assert resolution.done is False
    assert "version 1 is still in force" in resolution.text


def test_a_commit_of_what_expired_meanwhile_is_not_done(staged):
    sent_under = staged.link_id
    staged.link.wait_link(HOUR_MS)
    assert not staged.link.pump.firmware.pending
    assert outcome.resolve(staged, m.CommitPrescription(DIGEST), sent_under).done is False


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_is_unknown_where_another_one_followed(staged, arrived):
    """Version 3 is in force: that says nothing of whether version 2 was this one."""
    sent_under = staged.link_id
    if arrived:
        staged.exchange(m.CommitPrescription(DIGEST))
    another_commits(staged)
    assert outcome.resolve(staged, m.CommitPrescription(DIGEST), sent_under).done is None


def test_a_pending_prescription_of_somebody_else_does_not_prove_that_nothing_was_done(staged):
    sent_under = staged.link_id
    staged.exchange(m.CommitPrescription(DIGEST))
    another_commits(staged)
    staged.exchange(m.StagePrescription(NEW))
    assert outcome.resolve(staged, m.CommitPrescription(DIGEST), sent_under).done is None


# --- Like requests, and old records -------------------------------------------------------------


def lost_through(port: VirtualPort, programmer: Programmer, request: m.Request[R], arrives: bool):
    """Send a request whose answer gets lost, or which gets lost itself."""
    port.deaf, port.on_write = True, lambda data: None if arrives else b""
    with pytest.raises(OutcomeUnknown):
        programmer.exchange(request)
    port.deaf, port.on_write = False, lambda data: None


SET_CLOCK = m.SetClock(1_795_000_000_000)


@pytest.mark.parametrize("looked", [False, True], ids=["nothing read since", "log read since"])
@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "carried out"])
def test_a_like_request_before_it_is_not_taken_for_the_one_that_was_lost(looked, arrives):
    """Both would leave the same record; what was read between them tells which is which."""
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        programmer.exchange(SET_CLOCK)
        if looked:
            programmer.interrogate()
        lost_through(port, programmer, SET_CLOCK, arrives)
        assert programmer.resolve().done is (True if looked and arrives else None)


def test_an_abort_before_it_and_a_bolus_that_runs_prove_nothing():
    """A periodic bolus may have begun after the one that was ended."""
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        for number in (1, 2):
            programmer.exchange(replace(BOLUS, order_number=number))
            if number == 1:
                programmer.abort_bolus()
        lost_through(port, programmer, m.AbortBolus(), arrives=False)
        assert programmer.resolve().done is None


@pytest.mark.parametrize("arrives", [False, True], ids=["lost", "carried out"])
def test_a_record_is_found_however_many_newer_ones_there_are(arrives):
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        programmer.exchange(BOLUS)
        lost_through(port, programmer, m.AbortBolus(), arrives)
        with port.programmer(programmer_id=8) as other:
            for number in range(3 * c.MAX_LOG_ENTRIES):
                other.write_note(str(number))
            if arrives:
                other.exchange(BOLUS)  # one runs, and it is not the one that was ended
        programmer.open()
        assert programmer.resolve().done is arrives


def test_where_the_log_does_not_go_back_to_the_request_a_state_proves_nothing(monkeypatch):
    monkeypatch.setattr(outcome, "_MOST_PAGES", 1)
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        programmer.exchange(BOLUS)
        lost_through(port, programmer, m.AbortBolus(), arrives=False)
        with port.programmer(programmer_id=8) as other:
            for number in range(c.MAX_LOG_ENTRIES + 1):
                other.write_note(str(number))
        programmer.open()
        found = programmer.resolve()
    assert found.done is None
    assert "still running now; read the log for what was before" in found.text


# --- Clock, and links ----------------------------------------------------------------------------


@pytest.mark.parametrize(("arrives", "done"), [(True, True), (False, None)])
def test_a_clock_that_was_set_is_done_if_the_log_says_so(line, arrives, done):
    request = m.SetClock(1_795_000_000_000)
    if arrives:
        line.link.ask(request)
    assert line.resolve(request).done is done


@pytest.mark.parametrize(
    "other",
    [
        lambda line: line.reopen_link(),
        lambda line: line.link.ask(m.TestAlarm(c.AlarmClass.CRITICAL)),
    ],
    ids=["another link", "something later on the link"],
)
def test_a_record_that_need_not_be_of_the_request_proves_nothing(
    line, other: Callable[[Line], object]
):
    request = m.SetClock(1_795_000_000_000)
    line.link.ask(request)
    other(line)
    assert line.resolve(request).done is None


def test_what_the_pump_does_by_itself_is_nobodys_request():
    """It is logged under link 0, which is also the id of no link."""
    line = Line(volume_nl=BOLUS.volume_nl + 1)
    line.exchange(BOLUS)
    line.link.wait_therapy(BOLUS.duration_ms)
    ended = line.link.pump.firmware.log.page(1, 100)
    assert any(e.event is EventCode.BOLUS_ABORTED and e.link_id == 0 for e in ended)
    assert outcome.resolve(line, m.AbortBolus(), link_id=0).done is None


# --- Patient requests, intervals and notes -------------------------------------------------------


@pytest.fixture
def prescribed(line) -> Line:
    """A line to a pump whose patient may ask for boluses."""
    pending = with_patient(simple(800_000))
    staged = line.exchange(m.StagePrescription(pending))
    line.exchange(m.CommitPrescription(staged.digest))
    return line


def test_a_patient_request_that_was_carried_out_is_done_and_not_done_again(prescribed):
    found = prescribed.lose(m.RequestPatientBolus(1))
    assert found.done is True
    assert isinstance(found.response, m.PatientBolusStarted)
    assert [state.left for state in prescribed.link.status().patient_boluses] == [3]


def test_a_patient_request_that_was_refused_is_not_done_and_logged_once(prescribed):
    """REQ-13: asking again what became of it is no second request."""
    prescribed.exchange(m.RequestPatientBolus(1))
    found = prescribed.lose(m.RequestPatientBolus(2))
    assert found.done is False
    assert "lockout" in found.text
    log = prescribed.link.pump.firmware.log.page(1, 100)
    assert [each.event for each in log].count(EventCode.PATIENT_BOLUS_REFUSED) == 1


def test_a_patient_request_that_never_arrived_is_not_sent_by_finding_out(prescribed):
    found = prescribed.resolve(m.RequestPatientBolus(1))
    assert found.done is False
    assert [state.left for state in prescribed.link.status().patient_boluses] == [4]


INTERVAL = m.SetAlarmInterval(c.AlarmClass.CRITICAL, 1_200_000)
NOTE = m.WriteNote("call the ward")


@pytest.mark.parametrize("request_", [INTERVAL, NOTE], ids=["interval", "note"])
def test_a_setting_that_was_carried_out_is_done_if_the_log_says_so(line, request_):
    assert line.lose(request_).done is True


@pytest.mark.parametrize(
    ("request_", "words"),
    [(INTERVAL, "set the interval again"), (NOTE, "write the note again")],
    ids=["interval", "note"],
)
def test_a_setting_that_no_record_shows_is_unknown_and_may_be_made_again(line, request_, words):
    found = line.resolve(request_)
    assert found.done is None
    assert words in found.text


@pytest.mark.parametrize("request_", [INTERVAL, NOTE], ids=["interval", "note"])
def test_a_setting_that_is_as_asked_for_another_reason_proves_nothing(line, request_):
    line.exchange(request_)
    line.reopen_link()
    found = line.resolve(request_)
    assert found.done is None
    assert "does not show that this request" in found.text


def test_what_leaves_no_record_is_unknown(line):
    assert line.lose(m.SelfTest()).done is None
