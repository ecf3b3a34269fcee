"""What a programmer asks of a pump, and how it checks what the pump says."""

import hashlib
from contextlib import ExitStack
from dataclasses import replace

import pytest

from pump_programmer.errors import (
    NoAnswerError,
    NotConfirmed,
    OutcomeUnknown,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.history import last_increase_ms
from pump_programmer.identity import default_programmer_id
from pump_programmer.patience import Patience
from pump_programmer.programmer import Staged
from pump_programmer.published import Patient
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.errors import UnsendableMessage
from pump_protocol.payloads import encode, prescription_digest

from .prescriptions import DAY_MS, HOUR_MS, with_patient

NOW_MS = 1_000_000
WANTED = m.Prescription(
    c.Mode.SIMPLE_CONTINUOUS,
    (m.Drug(c.MassUnit.MICROGRAM, 2_000_000, "baclofen"),),
    400_000,
    200_000,
    2_000_000,
)


def test_every_link_has_a_fresh_id_and_names_the_programmer(pump, connect):
    ids = set()
    for _ in range(3):
        with connect(pump.address, programmer_id=99) as programmer:
            ids.add(programmer.link_id)
    assert len(ids) == 3
    opened = [each for each in pump.requests if isinstance(each, m.OpenLink)]
    assert [each.programmer_id for each in opened] == [99, 99, 99]


def test_the_default_programmer_id_is_stable_and_allowed():
    assert default_programmer_id() == default_programmer_id()
    assert 0 < default_programmer_id() < 2**64


def test_the_default_programmer_id_is_the_hash_of_user_and_host(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    monkeypatch.setattr("socket.gethostname", lambda: "lab")
    digest = hashlib.sha256(b"ada@lab").digest()
    assert default_programmer_id() == int.from_bytes(digest[:8], "little")


def test_a_user_without_a_name_has_an_id_too(monkeypatch):
    def nobody():
        raise KeyError("no such user")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert 0 < default_programmer_id() < 2**64


def test_close_closes_the_link_once(pump, connect):
    programmer = connect(pump.address)
    programmer.open()
    programmer.open()
    programmer.close()
    programmer.close()
    assert pump.asked_for(m.OpenLink) == pump.asked_for(m.CloseLink) == 1


def test_closing_does_not_wait_for_a_pump_that_went_silent(pump, connect):
    """One attempt, and what ``with`` protects goes on."""
    with connect(pump.address, patience=Patience(100, attempts=200)):
        pump.mangle = lambda data: []
    assert pump.asked_for(m.CloseLink) == 1


# --- Programming ---------------------------------------------------------------------------------


def test_programming_stages_reviews_commits_and_reads_back(pump, programmer):
    reviews = []
    programmed = programmer.program(WANTED, lambda review: not reviews.append(review))
    assert pump.prescription == WANTED
    assert programmed.committed.version == programmed.read_back.version == 2
    assert programmed.read_back.prescription == WANTED
    assert programmed.review is reviews[0]
    assert reviews[0].pending == WANTED


def test_nothing_is_committed_before_the_review_is_confirmed(pump, programmer):
    def look(review):
        assert pump.pending == WANTED
        assert pump.version == 1
        return True

    programmer.program(WANTED, look)


def test_who_says_no_rolls_back(pump, programmer):
    with pytest.raises(NotConfirmed, match="rolled back"):
        programmer.program(WANTED, lambda review: False)
    assert pump.pending is None
    assert pump.version == 1
    assert pump.asked_for(m.CommitPrescription) == 0


def test_a_program_that_ends_in_the_middle_of_the_review_rolls_back(pump, programmer):
    def interrupt(review):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        programmer.program(WANTED, interrupt)
    assert pump.pending is None
    assert pump.version == 1


def lose_answers_to(request_class, pump, *, count):
    """The pump does what *request_class* asks, and the answers to *count* sendings get lost."""

    def answer(request):
        left = [count]

        def mangle(data):
            left[0] -= 1
            if not left[0]:
                pump.mangle = lambda data: [data]
            return []

        pump.mangle = mangle
        return pump.honest(request)

    pump.answers[request_class] = answer


def test_a_staging_whose_answer_was_lost_is_rolled_back(pump, connect):
    """It was staged, and nobody has reviewed it."""
    lose_answers_to(m.StagePrescription, pump, count=2)
    with connect(pump.address, patience=Patience(200, attempts=2)) as programmer:
        with pytest.raises(NoAnswerError, match="may be staged"):
            programmer.program(WANTED)
        assert pump.asked_for(m.StagePrescription) == pump.asked_for(m.RollBackPrescription) == 1
        assert pump.pending is None


def test_a_program_that_ends_while_it_stages_rolls_back(pump, programmer, monkeypatch):
    def interrupt(staged, sent):
        raise KeyboardInterrupt

    monkeypatch.setattr("pump_programmer.programmer._check_echo", interrupt)
    with pytest.raises(KeyboardInterrupt):
        programmer.program(WANTED)
    assert pump.pending is None


def test_a_refused_staging_leaves_what_another_has_staged(pump, programmer):
    pump.pending = pump.prescription
    reason = m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.RATE)
    pump.answers[m.StagePrescription] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(PumpRefused):
        programmer.program(WANTED)
    assert pump.pending is pump.prescription
    assert pump.asked_for(m.RollBackPrescription) == 0


def test_who_says_no_to_a_pump_that_went_silent_is_told_what_may_be_staged(pump, muted, programmer):
    def refuse(review):
        silence.enter_context(muted())
        return False

    with ExitStack() as silence, pytest.raises(NotConfirmed) as caught:
        programmer.program(WANTED, refuse)
    assert "not confirmed. Therapy is as it was. A prescription may be staged" in str(caught.value)


def test_who_says_no_when_the_staging_has_expired_has_changed_nothing(pump, programmer):
    def wait(review):
        pump.pending = None
        return False

    with pytest.raises(NotConfirmed, match="unchanged"):
        programmer.program(WANTED, wait)


def test_what_is_staged_is_compared_and_stays_until_it_is_dropped(pump, programmer):
    assert programmer.staged() == programmer.staged(roll_back=True) == Staged(None, None)
    programmer.stage(WANTED)
    found = programmer.staged()
    assert found.rolled_back is None
    assert (found.review.current, found.review.pending) == (pump.prescription, WANTED)
    assert (found.review.current_version, found.review.pending_version) == (1, 2)
    assert pump.pending == WANTED
    assert programmer.staged(roll_back=True).rolled_back == m.PrescriptionRolledBack(1)
    assert pump.pending is None


def test_what_expires_while_it_is_looked_at_is_not_staged(pump, programmer):
    def expire(request):
        pump.pending = None
        return pump.honest(request)

    programmer.stage(WANTED)
    pump.answers[m.RollBackPrescription] = expire
    assert programmer.staged(roll_back=True) == Staged(None, None)


def test_any_other_refusal_of_what_is_staged_is_an_error(pump, programmer):
    reason = m.Reason(c.RefusalCode.MALFORMED, c.Field.NONE)
    pump.answers[m.ReadPrescription] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(PumpRefused, match="malformed"):
        programmer.staged()


def test_a_lying_echo_is_rolled_back_and_never_committed(pump, programmer):
    """REQ-24: the pump's copy differs in one number, under a digest that fits the copy."""

    def lie(request):
        honest_answer = pump.honest(request)
        other = replace(WANTED, low_reservoir_threshold_nl=1)
        return replace(honest_answer, prescription=other, digest=prescription_digest(2, other))

    pump.answers[m.StagePrescription] = lie
    with pytest.raises(VerificationFailed, match="other than what was sent"):
        programmer.program(WANTED)
    assert pump.asked_for(m.RollBackPrescription) == 1
    assert pump.asked_for(m.CommitPrescription) == 0


def test_a_wrong_digest_is_rolled_back_and_never_committed(pump, programmer):
    pump.answers[m.StagePrescription] = lambda request: replace(
        pump.honest(request), digest=prescription_digest(3, WANTED)
    )
    with pytest.raises(VerificationFailed, match="digest"):
        programmer.program(WANTED)
    assert pump.asked_for(m.RollBackPrescription) == 1
    assert pump.asked_for(m.CommitPrescription) == 0


def test_the_digest_that_is_checked_is_the_one_of_the_specification(pump, programmer):
    """SHA-256 over the version as a little-endian u32 and the prescription as it is sent."""
    staged = programmer.stage(WANTED)
    canonical = encode(m.StagePrescription(WANTED))
    assert staged.digest == hashlib.sha256(b"\x02\0\0\0" + canonical).digest()


def test_a_prescription_that_somebody_else_changed_meanwhile_is_rolled_back(pump, programmer):
    def stage(request):
        pump.version = 7
        return pump.honest(request)

    pump.answers[m.StagePrescription] = stage
    with pytest.raises(VerificationFailed, match="changed meanwhile"):
        programmer.program(WANTED)
    assert pump.pending is None


def test_a_refused_commit_leaves_nothing_staged(pump, programmer):
    reason = m.Reason(c.RefusalCode.BOLUS_ACTIVE, c.Field.NONE)
    pump.answers[m.CommitPrescription] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(PumpRefused, match="a bolus is running"):
        programmer.program(WANTED)
    assert pump.pending is None


def test_a_pump_that_holds_something_else_after_the_commit_fails_verification(pump, programmer):
    def commit(request):
        answer = pump.honest(request)
        pump.prescription = replace(WANTED, drugs=(replace(WANTED.drugs[0], name="morphine"),))
        return answer

    pump.answers[m.CommitPrescription] = commit
    with pytest.raises(VerificationFailed, match="committed, but the pump holds"):
        programmer.program(WANTED)


def test_a_lost_commit_is_not_rolled_back_but_found_out(pump, muted, programmer):
    staged = programmer.stage(WANTED)
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.commit(staged.digest)
    with muted(), pytest.raises(NoAnswerError):
        programmer.resolve()  # still silent: still unknown
    resolution = programmer.resolve()
    assert resolution.done is True
    assert "version 2 is in force" in resolution.text


def test_a_commit_that_never_arrived_is_found_out(pump, muted, programmer):
    staged = programmer.stage(WANTED)
    pump.answers[m.CommitPrescription] = lambda request: m.PrescriptionCommitted(2, 0, bytes(32))
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.commit(staged.digest)
    resolution = programmer.resolve()
    assert resolution.done is False
    assert "version 1 is still in force" in resolution.text


# --- Doses that must be confirmed ----------------------------------------------------------------

STRONG = replace(WANTED, daily_dose_ng=1_200_000, rate_nl_per_day=600_000)


def test_a_dose_above_the_soft_limit_is_confirmed_by_repeating_it(pump, programmer):
    """REQ-03: the commit repeats the highest dose of a day, with all patient boluses."""
    asked = []
    programmed = programmer.program(
        with_patient(STRONG),
        confirm=lambda review: True,
        confirm_dose=lambda review: asked.append(review) or review.pending_totals.with_patient_ng,
    )
    assert asked == [programmed.review]
    (commit,) = [each for each in pump.requests if isinstance(each, m.CommitPrescription)]
    assert commit.confirmed_dose_ng == 1_280_000
    assert pump.prescription == with_patient(STRONG)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda review: 1_200_000, "must be confirmed as 1280 mcg/day, not 1200 mcg/day"),
        (lambda review: None, "must be confirmed as 1280 mcg/day; rolled back"),
        (None, "must be confirmed as 1280 mcg/day; rolled back"),
    ],
)
def test_another_dose_or_none_confirms_nothing(pump, programmer, answer, words):
    with pytest.raises(NotConfirmed, match=words):
        programmer.program(with_patient(STRONG), confirm_dose=answer)
    assert (pump.pending, pump.version) == (None, 1)
    assert pump.asked_for(m.CommitPrescription) == 0


def test_a_dose_below_the_soft_limit_is_not_asked_for(pump, programmer):
    programmer.program(WANTED, confirm_dose=lambda review: pytest.fail("asked"))
    (commit,) = [each for each in pump.requests if isinstance(each, m.CommitPrescription)]
    assert commit.confirmed_dose_ng is None


def test_who_said_no_is_not_asked_for_the_dose(pump, programmer):
    with pytest.raises(NotConfirmed, match="rolled back"):
        programmer.program(STRONG, lambda review: False, lambda review: pytest.fail("asked"))
    assert pump.pending is None


def test_a_commit_that_the_pump_wants_confirmed_is_refused_with_the_dose(pump, programmer):
    staged = programmer.stage(STRONG)
    assert staged.must_confirm
    with pytest.raises(PumpRefused, match="highest dose of a day 1200 mcg/day: above the soft"):
        programmer.commit(staged.digest)
    programmer.commit(staged.digest, confirmed_dose_ng=staged.totals.with_patient_ng)
    assert pump.prescription == STRONG


def test_a_pump_that_reckons_other_doses_is_not_believed(pump, programmer):
    """REQ-04: both ends reckon the total of a day; where they differ nothing is committed."""
    pump.answers[m.StagePrescription] = lambda request: replace(
        pump.honest(request), totals=m.DoseTotals(400_000, 400_000, 480_000)
    )
    with pytest.raises(
        VerificationFailed,
        match="400 mcg/day / 400 mcg/day / 480 mcg/day, not 400 mcg/day / 400 mcg/day / 400 mcg",
    ):
        programmer.program(WANTED)
    assert pump.asked_for(m.RollBackPrescription) == 1
    assert pump.asked_for(m.CommitPrescription) == 0


# --- What the log tells of the last increase -----------------------------------------------------


def committed(sequence, hours_ago, old, new, version=1):
    at_ms = NOW_MS + 30 * HOUR_MS - hours_ago * HOUR_MS
    return m.LogEntry(sequence, at_ms, c.LogEvent.COMMITTED, old, new, 7, version)


@pytest.fixture
def since(pump, programmer):
    """How long ago the last increase was, as the log and a clock of 30 h tell."""

    def tell(*entries):
        pump.log = list(entries)
        now = replace(pump.status(), at_ms=NOW_MS + 30 * HOUR_MS)
        pump.answers[m.Interrogate] = lambda request: now
        at_ms = last_increase_ms(programmer, now, DAY_MS)
        return None if at_ms is None else now.at_ms - at_ms

    return tell


def test_the_newest_increase_of_a_day_counts(since):
    newest = (committed(1, 20, 100, 200), committed(2, 5, 200, 300), committed(3, 2, 300, 250))
    assert since(*newest) == 5 * HOUR_MS


@pytest.mark.parametrize(
    "entries",
    [
        [committed(1, 25, 100, 200)],
        [committed(1, 5, 200, 100)],
        [committed(1, 5, 0, 200)],
        [m.LogEntry(1, NOW_MS + 29 * HOUR_MS, c.LogEvent.STAGED, 100, 200, 7, 1)],
        [
            committed(1, 5, 100, 400, version=2),
            m.LogEntry(2, NOW_MS + 25 * HOUR_MS, c.LogEvent.BRIDGE_DECLINED, 9, 8, 7, 2),
        ],
        [
            m.LogEntry(1, NOW_MS + 25 * HOUR_MS, c.LogEvent.BRIDGE_DECLINED, 9, 8, 7, 2),
            committed(2, 5, 100, 400, version=2),
        ],
    ],
    ids=["too old", "a decrease", "a start", "only staged", "another drug", "the other way round"],
)
def test_what_was_no_increase_of_this_drug_today_does_not_count(since, entries):
    assert since(*entries) is None


def test_no_more_of_the_log_is_read_than_a_day_of_it(pump, since):
    quiet = [
        m.LogEntry(number, NOW_MS + 29 * HOUR_MS, c.LogEvent.SELF_TESTED, 4, 0, 0, 1)
        for number in range(1, 1_001)
    ]
    assert (
        since(committed(1, 2, 100, 200), *(replace(e, sequence=e.sequence + 1) for e in quiet))
        is None
    )
    assert pump.asked_for(m.ReadLog) == 10
    assert since(*(replace(each, at_ms=0) for each in quiet)) is None
    assert pump.asked_for(m.ReadLog) == 11


def test_a_second_increase_within_a_day_is_in_the_review(pump, programmer):
    pump.log = [m.LogEntry(1, NOW_MS - 60_000, c.LogEvent.COMMITTED, 100, 200, 7, 1)]
    programmed = programmer.program(WANTED)
    assert "The last increase was 1 min ago" in " ".join(map(str, programmed.review.warnings))
    assert pump.asked_for(m.ReadLog) == 1
    programmer.program(replace(WANTED, low_reservoir_threshold_nl=1))
    assert pump.asked_for(m.ReadLog) == 1  # the log is read for an increase only


def test_what_is_known_of_the_patient_reaches_the_warnings(pump, programmer):
    programmed = programmer.program(WANTED, patient=Patient(age_years=3))
    assert "from 4 years" in " ".join(map(str, programmed.review.warnings))


# --- Orders --------------------------------------------------------------------------------------


def test_a_bolus_is_reckoned_with_the_concentration_in_force(pump, programmer):
    ordered = programmer.order_bolus(50_000, 600_000)
    assert pump.executed == [
        m.OrderBolus(1, c.BolusKind.SINGLE, 50_000, 2_000_000, 25_000, 600_000)
    ]
    assert ordered.volume_nl == 25_000


def test_order_numbers_go_on_from_the_pumps_last(pump, connect):
    pump.last_order = 10
    with connect(pump.address) as programmer:
        assert programmer.last_order_number == 10
        assert programmer.refill(20_000_000).order_number == 11
        assert programmer.order_bolus(50_000, 600_000).order_number == 12


def test_a_refused_order_uses_its_number_up(pump, programmer):
    """A pump remembers refusals too, and would answer the same number with them."""
    reason = m.Reason(c.RefusalCode.RESERVOIR_EMPTY, c.Field.NONE)
    pump.answers[m.OrderBolus] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(PumpRefused):
        programmer.order_bolus(50_000, 600_000)
    del pump.answers[m.OrderBolus]
    assert programmer.order_bolus(50_000, 600_000).order_number == 2


def test_a_pump_that_reports_another_volume_fails_verification(pump, programmer):
    pump.answers[m.OrderBolus] = lambda request: replace(pump.honest(request), volume_nl=1)
    with pytest.raises(VerificationFailed, match="of 1 nL instead of order 1 of 25000 nL"):
        programmer.order_bolus(50_000, 600_000)
    pump.answers[m.UpdateReservoir] = lambda request: replace(pump.honest(request), after_nl=1)
    with pytest.raises(VerificationFailed, match="instead of order 2"):
        programmer.refill(20_000_000)


def test_a_priming_bolus_is_ordered_by_its_volume(pump, programmer):
    ordered = programmer.order_priming(340_000, 1_200_000)
    order = m.OrderBolus(1, c.BolusKind.PRIMING, 680_000, 2_000_000, 340_000, 1_200_000)
    assert (pump.executed, ordered.volume_nl) == ([order], 340_000)
    other = programmer.order_priming(7, 60_000, concentration_ng_per_ml=500_000)
    assert other.order_number == 2
    assert pump.executed[-1].dose_ng == 4  # 3.5, to even


def test_a_patient_request_has_an_order_number_like_any_order(pump, programmer):
    programmer.refill(20_000_000)
    started = programmer.request_patient_bolus()
    assert (started.order_number, programmer.last_order_number) == (2, 2)
    assert pump.executed[-1] == m.RequestPatientBolus(2)


def test_a_refused_patient_request_uses_its_number_up(pump, programmer):
    """REQ-13: the refusal is remembered under its number; pressing again is another request."""
    reason = m.Reason(c.RefusalCode.LOCKED_OUT, c.Field.PATIENT_LOCKOUT, 5)
    pump.answers[m.RequestPatientBolus] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(PumpRefused, match="lockout"):
        programmer.request_patient_bolus()
    del pump.answers[m.RequestPatientBolus]
    assert programmer.request_patient_bolus().order_number == 2


def test_a_lost_patient_request_is_resolved_without_doing_it_twice(pump, muted, programmer):
    with muted(), pytest.raises(OutcomeUnknown, match="UNKNOWN whether the patient's bolus"):
        programmer.request_patient_bolus()
    resolution = programmer.resolve()
    assert (resolution.done, resolution.response) == (True, pump.order_result)
    assert len(pump.executed) == 1


def test_a_patient_request_that_never_arrived_was_not_carried_out(pump, muted, programmer):
    pump.answers[m.RequestPatientBolus] = lambda request: m.PatientBolusStarted(1, 0, 0, 0, 0, 0)
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.request_patient_bolus()
    assert programmer.resolve().done is False
    assert pump.executed == []


def test_a_pump_that_reports_another_patient_request_fails_verification(pump, programmer):
    pump.answers[m.RequestPatientBolus] = lambda request: replace(
        pump.honest(request), order_number=9
    )
    with pytest.raises(VerificationFailed, match="order 9 instead of order 1"):
        programmer.request_patient_bolus()


def test_the_critical_interval_is_set_and_checked(pump, programmer):
    was_set = programmer.set_alarm_interval(1_200_000)
    assert was_set == m.AlarmIntervalSet(c.AlarmClass.CRITICAL, 1_200_000)
    assert programmer.interrogate().critical_interval_ms == 1_200_000
    pump.answers[m.SetAlarmInterval] = lambda request: m.AlarmIntervalSet(
        c.AlarmClass.CRITICAL, 600_000
    )
    with pytest.raises(VerificationFailed, match="600000 ms instead of 1200000 ms"):
        programmer.set_alarm_interval(1_200_000)


def test_a_note_is_read_and_written(pump, programmer):
    assert programmer.read_note() == m.NoteReport(True, "see the file")
    programmer.write_note("call the ward")
    assert programmer.read_note().text == "call the ward"
    pump.note = None
    assert not programmer.read_note().intact


@pytest.mark.parametrize(
    ("ask", "effect"),
    [
        (lambda p: p.set_alarm_interval(1_200_000), "the alarm interval was set"),
        (lambda p: p.write_note("x"), "the note was written"),
    ],
)
def test_a_lost_change_leaves_its_outcome_unknown(muted, programmer, ask, effect):
    with muted(), pytest.raises(OutcomeUnknown, match=f"UNKNOWN whether {effect}"):
        ask(programmer)


def test_the_staged_prescription_is_read_or_there_is_none(pump, programmer):
    assert programmer.read_pending() is None
    programmer.stage(WANTED)
    assert programmer.read_pending().prescription == WANTED


def test_a_lost_order_is_resolved_without_doing_it_twice(pump, muted, programmer):
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.order_bolus(50_000, 600_000, concentration_ng_per_ml=2_000_000)
    resolution = programmer.resolve()
    assert resolution.done is True
    assert len(pump.executed) == 1
    with pytest.raises(LookupError):
        programmer.resolve()


def test_an_order_that_never_arrived_is_not_sent_by_finding_out(pump, muted, programmer):
    # The pump's answer without its deed stands for a request that was lost on the way.
    pump.answers[m.UpdateReservoir] = lambda request: m.ReservoirUpdated(1, 0, 0, 0)
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.refill(20_000_000)
    del pump.answers[m.UpdateReservoir]
    resolution = programmer.resolve()
    assert resolution.done is False
    assert "never reached" in resolution.text
    assert pump.executed == []


def test_an_order_that_was_refused_unheard_is_resolved_as_not_done(pump, muted, programmer):
    reason = m.Reason(c.RefusalCode.RESERVOIR_EMPTY, c.Field.NONE)

    def refuse(request):
        pump.last_order = request.order_number
        return m.Refusal(request.message_type, (reason,))

    pump.answers[m.UpdateReservoir] = refuse
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.refill(20_000_000)
    resolution = programmer.resolve()
    assert resolution.done is False
    assert "believed empty" in resolution.text


def test_an_order_that_was_overtaken_stays_unknown(pump, muted, programmer):
    with muted(), pytest.raises(OutcomeUnknown):
        programmer.refill(20_000_000)
    pump.last_order = 5
    assert programmer.resolve().done is None


@pytest.mark.parametrize(
    ("ask", "done"),
    [
        (lambda p: p.abort_bolus(), False),  # the status still shows it running
        (lambda p: p.acknowledge(c.Alarm.LOW_RESERVOIR), False),
        (lambda p: p.silence(c.Alarm.LOW_RESERVOIR, 60_000), False),
        (lambda p: p.acknowledge(c.Alarm.EMPTY_RESERVOIR), None),  # not listed: now, or ever?
        (lambda p: p.set_clock(1_795_000_000_001), None),
    ],
)
def test_other_lost_changes_are_resolved_by_the_pumps_status(pump, muted, programmer, ask, done):
    with muted(), pytest.raises(OutcomeUnknown):
        ask(programmer)
    assert programmer.resolve().done is done


def test_a_lost_change_is_known_by_its_own_link_however_often_one_asks(pump, muted, programmer):
    """The log is the proof, and names the link under which the clock was set."""
    asked_under = programmer.link_id
    with muted():
        with pytest.raises(OutcomeUnknown):
            programmer.set_clock(1_800_000_000_000)
        for _ in range(2):
            with pytest.raises(NoAnswerError):
                programmer.resolve()
    record = m.LogEntry(40, 40, c.LogEvent.CLOCK_SET, 0, 1_800_000_000_000, asked_under, 1)
    pump.log.append(record)
    assert programmer.link_id != asked_under
    assert programmer.resolve().done is True


def test_a_value_that_no_field_holds_is_refused_before_anything_is_sent(pump, programmer):
    with pytest.raises(UnsendableMessage, match="volume_nl"):
        programmer.refill(2**32)
    assert pump.asked_for(m.UpdateReservoir) == 0
    programmer.refill(1)  # and the link is as good as before
    assert pump.asked_for(m.OpenLink) == 1


# --- Reading -------------------------------------------------------------------------------------


def test_the_log_is_read_page_by_page_to_its_end(pump, programmer):
    assert list(programmer.read_log()) == pump.log
    assert pump.asked_for(m.ReadLog) == 3


def test_the_log_is_read_from_a_record_on_and_no_further_than_wanted(pump, programmer):
    assert [entry.sequence for entry in programmer.read_log(30, 4)] == [30, 31, 32, 33]
    assert [entry.sequence for entry in programmer.read_log(38)] == [38, 39]
    assert list(programmer.read_log(1_000)) == []
    assert len(list(programmer.read_access_log())) == 30
    assert len(list(programmer.read_access_log(3, 17))) == 17


def test_reading_the_log_ends_where_it_ended_when_reading_began(pump, programmer):
    """Each reading could otherwise be followed by a new record, without end."""

    def grow(request):
        answer = pump.honest(request)
        pump.log.append(replace(pump.log[-1], sequence=pump.log[-1].sequence + 1))
        return answer

    pump.answers[m.ReadLog] = grow
    assert len(list(programmer.read_log())) <= 39


def test_a_log_that_goes_back_is_an_error_and_not_a_loop(pump, programmer):
    page = m.LogPage(pump.log_range(), tuple(pump.log[:13]))
    pump.answers[m.ReadLog] = lambda request: page
    with pytest.raises(VerificationFailed, match="came after"):
        list(programmer.read_log())


def test_a_prescription_with_a_wrong_digest_is_not_believed(pump, programmer):
    pump.answers[m.ReadPrescription] = lambda request: replace(
        pump.honest(request), digest=bytes(32)
    )
    with pytest.raises(VerificationFailed):
        programmer.read_prescription()


def test_small_requests_return_what_the_pump_says(pump, programmer):
    assert programmer.identify().model == "SP-1"
    assert programmer.interrogate() == pump.status()
    assert programmer.silence(c.Alarm.EOS, 5).silenced_until_ms == 1_000_005
    assert c.AlarmFlag.ACKNOWLEDGED in programmer.acknowledge(c.Alarm.EOS).flags
    assert programmer.test_alarm(c.AlarmClass.CRITICAL).duration_ms == 3_000
    assert programmer.set_clock(5) == m.ClockSet(1_795_000_000_000, 5)
    assert programmer.self_test().results[1].passed is True
    assert programmer.abort_bolus().delivered_nl == 12_500


def test_a_refusal_names_each_field_its_value_and_what_is_allowed(pump, programmer):
    reasons = (
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.RATE, 25_000, 48_000, 24_000_000),
        m.Reason(c.RefusalCode.MISMATCH, c.Field.DAILY_DOSE, 50_000, 51_000, 51_000),
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.BOLUS_DURATION, 1_000, 60_000),
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.RESERVOIR_VOLUME, 10**8, None, 10**6),
        m.Reason(c.RefusalCode.BOLUS_ACTIVE, c.Field.NONE),
        m.Reason(c.RefusalCode.UNKNOWN_VALUE, c.Field.DRUG_NAME),
    )
    pump.answers[m.StagePrescription] = lambda request: m.Refusal(request.message_type, reasons)
    with pytest.raises(PumpRefused) as caught:
        programmer.stage(WANTED)
    assert str(caught.value) == (
        "the pump refused to stage prescription:\n"
        "  rate 0.025 mL/day: out of range; allowed 0.048 mL/day to 24 mL/day\n"
        "  daily dose 50 mcg/day: disagrees with the other values; it must be 51 mcg/day\n"
        "  bolus duration 1 s: out of range; at least 1 min\n"
        "  reservoir volume 100 mL: out of range; at most 1 mL\n"
        "  a bolus is running\n"
        "  drug name: the value has no meaning"
    )
    assert caught.value.refusal.reasons == reasons
