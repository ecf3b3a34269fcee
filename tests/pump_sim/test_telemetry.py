"""Requests become pump calls: every message through the pump's real end, in virtual time."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.codes import Alarm, AlarmFlag, Field, PrescriptionSlot, RefusalCode
from pump_protocol.frames import Frame
from pump_protocol.payloads import prescription_digest
from pump_sim import telemetry, wire_values
from pump_sim.clock import PacedClock
from pump_sim.model.pump import Pump
from tests.pump_sim.virtual import (
    DAY_MS,
    HOUR_MS,
    PROFILE,
    PROGRAMMER,
    VirtualLink,
    implanted,
    therapy_of,
)

NEW = m.Prescription(
    mode=codes.Mode.SIMPLE_CONTINUOUS,
    mass_unit=codes.MassUnit.MICROGRAM,
    concentration_ng_per_ml=2_000_000,
    daily_dose_ng=880_000,
    rate_nl_per_day=440_000,
    low_reservoir_threshold_nl=2_000_000,
    drug_name="baclofen",
)
BOLUS = m.OrderBolus(
    order_number=1,
    dose_ng=50_000,
    concentration_ng_per_ml=2_000_000,
    volume_nl=25_000,
    duration_ms=600_000,
)


@pytest.fixture
def link() -> VirtualLink:
    return VirtualLink(implanted())


Act = Callable[[VirtualLink], object]
ACTS = st.one_of(
    st.integers(1, 3 * DAY_MS).map(lambda ms: lambda link: link.wait_therapy(ms)),
    st.sampled_from(
        [
            lambda link: link.ask(m.StagePrescription(NEW)),
            lambda link: link.ask(m.RollBackPrescription()),
            lambda link: link.ask(m.CommitPrescription(prescription_digest(2, NEW))),
            lambda link: link.ask(replace(BOLUS, order_number=link.last_order_number() + 1)),
            lambda link: link.ask(m.AbortBolus()),
            lambda link: link.ask(m.UpdateReservoir(link.last_order_number() + 1, 4_000_000)),
            lambda link: link.ask(m.SilenceAlarm(Alarm.LOW_RESERVOIR, HOUR_MS)),
            lambda link: link.ask(m.AcknowledgeAlarm(Alarm.EMPTY_RESERVOIR)),
            lambda link: link.ask(m.SetClock(link.pump.at_ms + 7)),
            lambda link: link.reconnect(),
        ]
    ),
)


def refused(answer: m.Response) -> list[tuple[RefusalCode, Field]]:
    """The codes and fields of a refusal, which the answer must be."""
    assert isinstance(answer, m.Refusal), answer
    return [(reason.code, reason.field) for reason in answer.reasons]


def stage(link: VirtualLink, prescription: m.Prescription = NEW) -> m.PrescriptionStaged:
    staged = link.ask(m.StagePrescription(prescription))
    assert isinstance(staged, m.PrescriptionStaged), staged
    return staged


# --- Maps ----------------------------------------------------------------------------------------

ONLY_ON_THE_WIRE = {
    codes.RefusalCode: {code for code in codes.RefusalCode if code < 16}
    - {RefusalCode.UNKNOWN_VALUE}
    | {RefusalCode.STALE_DIGEST},
    codes.Field: {field for field in codes.Field if 0 < field < 16}
    | {
        Field.MASS_UNIT,
        Field.DIGEST,
        Field.SLOT,
        Field.ALARM_CLASS,
        Field.FIRST_SEQUENCE,
        Field.ENTRY_LIMIT,
    },
}


@pytest.mark.parametrize(
    "mapping",
    [
        wire_values.MODES,
        wire_values.MASS_UNITS,
        wire_values.ALARMS,
        wire_values.ALARM_CLASSES,
        wire_values.SERVICE_STATES,
        wire_values.BOLUS_OUTCOMES,
        wire_values.CHECKS,
        wire_values.REFUSAL_CODES,
        wire_values.FIELDS,
        wire_values.LOG_EVENTS,
        wire_values.ACCESS_EVENTS,
    ],
    ids=lambda mapping: type(next(iter(mapping))).__name__,
)
def test_maps_between_model_and_wire_are_total_both_ways(mapping: dict) -> None:
    """Every member of the model's enum has a code, and every code a member or a stated reason."""
    model, wire = type(next(iter(mapping))), type(next(iter(mapping.values())))
    assert set(mapping) == set(model)
    assert set(wire) - set(mapping.values()) == ONLY_ON_THE_WIRE.get(wire, set())


def test_every_request_has_a_handler() -> None:
    """No request of the protocol can arrive that telemetry has no answer to."""
    assert set(telemetry._HANDLERS) == set(m.REQUESTS.values())


# --- Reading -------------------------------------------------------------------------------------


def test_identity_says_simulator_and_the_limits_of_the_profile(link: VirtualLink) -> None:
    """REQ-29: model, serial number and version are readable; nobody takes it for an implant."""
    identity = link.ask(m.Identify())
    assert isinstance(identity, m.Identity)
    assert identity.nature is codes.Nature.SIMULATOR
    assert "simulator" in identity.product
    assert identity.security_profile is codes.SecurityProfile.LEGACY_INSECURE
    assert identity.maximum_rate_nl_per_day == PROFILE.max_rate_nl_per_day
    assert identity.reservoir_capacity_nl == 20_000_000
    assert identity.serial_number == link.pump.serial_number


def test_interrogation_tells_belief_and_its_dates(link: VirtualLink) -> None:
    """0.4 mL/day from 20 mL: low (2 mL) at day 45, empty at day 50 (domain T1)."""
    link.wait_therapy(10 * DAY_MS)
    status = link.status()
    assert status.believed_volume_nl == 16_000_000
    assert status.delivered_nl == 4_000_000
    assert status.low_reservoir_at_ms == 45 * DAY_MS
    assert status.empty_reservoir_at_ms == 50 * DAY_MS
    assert status.infusing_nl_per_day == 400_000
    assert status.prescription == replace(NEW, daily_dose_ng=800_000, rate_nl_per_day=400_000)


@given(st.lists(ACTS, max_size=12))
@settings(max_examples=100, deadline=None)
def test_status_that_is_filled_into_the_last_one_equals_the_whole(acts: list[Act]) -> None:
    """The report that is patched where time has changed it is the one that would be made anew."""
    link = VirtualLink(implanted(volume_nl=3_000_000))
    for act in acts:
        act(link)
        link.status()  # makes the report that the next one is filled into
        link.wait_therapy(1)
        assert link.status() == link.endpoint.telemetry._status_report()


def test_low_reservoir_alarm_is_heard_at_its_exact_time(link: VirtualLink) -> None:
    """The alarm is raised at the millisecond that was foretold, and empty stops the infusion."""
    link.wait_therapy(45 * DAY_MS - 1)
    assert link.status().alarms == ()
    link.wait_therapy(1)
    (alarm,) = link.status().alarms
    assert (alarm.alarm, alarm.raised_at_ms, alarm.flags) == (
        Alarm.LOW_RESERVOIR,
        45 * DAY_MS,
        AlarmFlag.ACTIVE,
    )
    link.wait_therapy(5 * DAY_MS)
    status = link.status()
    assert status.alarms[1].alarm is Alarm.EMPTY_RESERVOIR
    assert AlarmFlag.LATCHED in status.alarms[1].flags
    assert status.infusing_nl_per_day == 0


def test_telemetry_tells_belief_never_truth() -> None:
    """A reservoir emptied by hand shows in the truth and nowhere on the wire."""
    link = VirtualLink(implanted())
    before = link.status()
    link.pump.fill_by_hand(0)
    after = link.status()
    assert after == replace(before, access_log=after.access_log)
    assert link.pump.truth().actual_volume_nl == 0


def test_one_interrogation_record_a_link(link: VirtualLink) -> None:
    """However often a link reads, it leaves one record; another link leaves its own."""
    for _ in range(5):
        link.status()
    link.reconnect()
    link.status()
    page = link.ask(m.ReadAccessLog(1, codes.MAX_ACCESS_ENTRIES))
    assert isinstance(page, m.AccessLogPage)
    interrogations = [e for e in page.entries if e.event is codes.AccessEvent.INTERROGATED]
    assert [entry.count for entry in interrogations] == [1, 1]
    assert {entry.request_type for entry in interrogations} == {codes.MessageType.INTERROGATE}


# --- Programming in two steps --------------------------------------------------------------------


def test_stage_echoes_commit_puts_in_force_and_therapy_never_pauses(link: VirtualLink) -> None:
    """REQ-24: the echo is the pump's own copy under a digest; nothing changes until the commit."""
    staged = stage(link)
    assert staged.prescription == NEW
    assert staged.digest == prescription_digest(2, NEW)
    status = link.status()
    assert status.has_pending
    assert status.infusing_nl_per_day == 400_000
    link.wait_therapy(DAY_MS)
    committed = link.ask(m.CommitPrescription(staged.digest))
    assert committed == m.PrescriptionCommitted(2, DAY_MS, staged.digest)
    status = link.status()
    assert (status.prescription, status.prescription_version) == (NEW, 2)
    assert not status.has_pending
    assert status.believed_volume_nl == 19_600_000
    assert status.infusing_nl_per_day == 440_000


def test_commit_of_another_digest_is_refused_and_changes_nothing(link: VirtualLink) -> None:
    """REQ-24: altered by one bit, or of a prescription that was staged before this one."""
    first = stage(link, replace(NEW, drug_name="morphine"))
    second = stage(link)
    before = therapy_of(link.pump)
    for digest in (first.digest, bytes([second.digest[0] ^ 1]) + second.digest[1:], bytes(32)):
        answer = link.ask(m.CommitPrescription(digest))
        assert refused(answer) == [(RefusalCode.STALE_DIGEST, Field.DIGEST)]
    assert therapy_of(link.pump) == before


def test_commit_repeated_on_a_new_link_is_answered_and_not_done_again(link: VirtualLink) -> None:
    """REQ-25: a programmer that never heard the answer asks again after reconnecting."""
    staged = stage(link)
    first = link.ask(m.CommitPrescription(staged.digest))
    link.wait_therapy(HOUR_MS)
    before = therapy_of(link.pump)
    link.reconnect()
    assert link.ask(m.CommitPrescription(staged.digest)) == first
    assert therapy_of(link.pump) == before


def test_recorded_commit_cannot_bring_an_old_prescription_back(link: VirtualLink) -> None:
    """The digest covers the version, so the same prescription staged later has another digest."""
    recorded = stage(link).digest
    link.ask(m.CommitPrescription(recorded))
    link.ask(m.CommitPrescription(stage(link, replace(NEW, drug_name="other")).digest))
    stage(link)
    answer = link.ask(m.CommitPrescription(recorded))
    assert refused(answer) == [(RefusalCode.STALE_DIGEST, Field.DIGEST)]


def test_commit_and_roll_back_without_anything_staged_are_refused(link: VirtualLink) -> None:
    """Misordered: there is nothing to commit, roll back or read."""
    for request in (
        m.CommitPrescription(bytes(32)),
        m.RollBackPrescription(),
        m.ReadPrescription(PrescriptionSlot.PENDING),
    ):
        assert refused(link.ask(request)) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]


def test_roll_back_drops_the_staged_prescription(link: VirtualLink) -> None:
    """What was in force stays in force, and the digest is worth nothing any more."""
    digest = stage(link).digest
    assert link.ask(m.RollBackPrescription()) == m.PrescriptionRolledBack(1)
    assert refused(link.ask(m.CommitPrescription(digest)))[0][0] is RefusalCode.NOTHING_STAGED


def test_both_slots_are_readable_with_the_digest_that_a_commit_would_carry(
    link: VirtualLink,
) -> None:
    """Another programmer can see what is staged, and that it is what was reviewed."""
    staged = stage(link)
    pending = link.ask(m.ReadPrescription(PrescriptionSlot.PENDING))
    assert pending == m.PrescriptionReport(PrescriptionSlot.PENDING, 2, staged.digest, NEW)
    current = link.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    assert current.digest == prescription_digest(1, current.prescription)


def test_staging_expires_in_link_time_and_not_in_therapy_time() -> None:
    """At 3,600 times real speed 120 s of therapy time last 33 ms: the two are never mixed."""
    link = VirtualLink(implanted(), PacedClock(3600))
    stage(link)
    link.wait_link(codes.STAGING_LIMIT_MS - 1)
    assert link.pump.at_ms >= 119 * HOUR_MS
    assert link.pump.pending is not None
    link.wait_link(1)
    assert link.pump.pending is None
    assert link.pump.log.entries[-1].event.name == "STAGING_EXPIRED"
    assert link.pump.prescription_version == 1


def test_commit_after_the_staging_limit_is_refused_however_late_the_timer() -> None:
    """The limit is the link time of the commit, not the moment at which somebody looked."""
    link = VirtualLink(implanted())
    staged = stage(link)
    link.link_ms += codes.STAGING_LIMIT_MS - 1
    assert link.status().has_pending
    link.link_ms += 1
    answer = link.ask(m.CommitPrescription(staged.digest))
    assert refused(answer) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]


def test_idle_link_closes_in_link_time_and_therapy_goes_on() -> None:
    """REQ-32: after 120 s of silence the link is closed; the pump infuses as before."""
    link = VirtualLink(implanted(), PacedClock(3600))
    link.wait_link(codes.IDLE_LIMIT_MS - 1)
    link.status()
    link.wait_link(codes.IDLE_LIMIT_MS)
    answer = link.ask(m.Interrogate())
    assert refused(answer) == [(RefusalCode.LINK_ID_USED, Field.LINK_ID)]
    link.reconnect()
    assert link.status().infusing_nl_per_day == 400_000


def test_refusal_names_every_reason(link: VirtualLink) -> None:
    """REQ-01, REQ-05: too fast, too much and at odds with itself is three reasons, not one."""
    wrong = replace(NEW, daily_dose_ng=60_000_000, rate_nl_per_day=25_000_000)
    before = therapy_of(link.pump)
    answer = link.ask(m.StagePrescription(wrong))
    assert set(refused(answer)) >= {
        (RefusalCode.OUT_OF_RANGE, Field.DAILY_DOSE),
        (RefusalCode.OUT_OF_RANGE, Field.RATE),
        (RefusalCode.MISMATCH, Field.RATE),
    }
    assert isinstance(answer, m.Refusal)
    rate = next(r for r in answer.reasons if r.field is Field.RATE and r.maximum == 24_000_000)
    assert (rate.value, rate.minimum) == (25_000_000, 48_000)
    assert therapy_of(link.pump) == before


# --- Orders --------------------------------------------------------------------------------------


def test_bolus_is_delivered_once_over_restarts_of_the_programmer(link: VirtualLink) -> None:
    """REQ-07: the same order on a new link gets the first answer, during the bolus and after."""
    first = link.ask(BOLUS)
    assert first == m.BolusOrdered(1, 25_000, 0, 600_000)
    link.wait_therapy(300_000)
    assert link.reconnect().last_order_number == 1
    assert link.ask(BOLUS) == first
    running = link.status().boluses[0]
    assert (running.outcome, running.delivered_nl) == (codes.BolusOutcome.RUNNING, 12_500)
    link.wait_therapy(DAY_MS)
    assert link.ask(BOLUS) == first
    done = link.status().boluses[0]
    assert (done.outcome, done.delivered_nl) == (codes.BolusOutcome.COMPLETED, 25_000)
    basal_nl = 400_000 * link.pump.at_ms // DAY_MS
    assert link.status().delivered_nl == basal_nl + 25_000


def test_order_numbers_are_kept_apart_by_programmer(link: VirtualLink) -> None:
    """A lower number is stale, the same with other content a misuse; another programmer is not."""
    link.ask(replace(BOLUS, order_number=5))
    stale = link.ask(replace(BOLUS, order_number=4))
    assert refused(stale) == [(RefusalCode.STALE_ORDER, Field.ORDER_NUMBER)]
    reused = link.ask(replace(BOLUS, order_number=5, duration_ms=700_000))
    assert refused(reused) == [(RefusalCode.ORDER_REUSED, Field.ORDER_NUMBER)]
    assert link.reconnect(PROGRAMMER + 1).last_order_number == 0
    other = link.ask(BOLUS)
    assert refused(other) == [(RefusalCode.BOLUS_ACTIVE, Field.NONE)]


def test_order_number_beyond_what_the_log_can_hold_is_refused(link: VirtualLink) -> None:
    """A record's parameters are signed: an accepted order must never make the log unreadable."""
    for number in (0, 2**63, 2**64 - 1):
        answer = link.ask(replace(BOLUS, order_number=number))
        assert refused(answer) == [(RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER)]
    assert isinstance(link.ask(replace(BOLUS, order_number=2**63 - 1)), m.BolusOrdered)
    page = link.ask(m.ReadLog(1, codes.MAX_LOG_ENTRIES))
    assert isinstance(page, m.LogPage)
    assert page.entries[-1].b == 2**63 - 1


def test_aborted_bolus_reports_its_delivered_part(link: VirtualLink) -> None:
    """REQ-07: interruption reports what was delivered; nothing of it is delivered later."""
    link.ask(BOLUS)
    link.wait_therapy(60_000)
    assert link.ask(m.AbortBolus()) == m.BolusAborted(1, 2_500)
    assert refused(link.ask(m.AbortBolus())) == [(RefusalCode.NO_BOLUS, Field.NONE)]
    assert link.status().infusing_nl_per_day == 400_000


def test_refill_ends_the_empty_stop_once(link: VirtualLink) -> None:
    """A reservoir update is an order: repeated a day later it does not fill the belief again."""
    link.wait_therapy(60 * DAY_MS)
    update = m.UpdateReservoir(1, 20_000_000)
    first = link.ask(update)
    assert first == m.ReservoirUpdated(1, 60 * DAY_MS, 0, 20_000_000)
    status = link.status()
    assert status.infusing_nl_per_day == 400_000
    latched = [(alarm.alarm, AlarmFlag.ACTIVE in alarm.flags) for alarm in status.alarms]
    assert latched == [(Alarm.EMPTY_RESERVOIR, False)]
    link.wait_therapy(DAY_MS)
    link.reconnect()
    assert link.ask(update) == first
    assert link.status().believed_volume_nl == 19_600_000


# --- Alarms --------------------------------------------------------------------------------------


def test_silence_holds_the_tone_and_hides_nothing(link: VirtualLink) -> None:
    """REQ-16: the status shows the alarm as active and silenced; the tone comes back by itself."""
    link.wait_therapy(45 * DAY_MS)
    answer = link.ask(m.SilenceAlarm(Alarm.LOW_RESERVOIR, 2 * HOUR_MS))
    assert isinstance(answer, m.AlarmSilenced)
    assert answer.record.flags == AlarmFlag.ACTIVE | AlarmFlag.SILENCED
    assert answer.record.silenced_until_ms == 45 * DAY_MS + 2 * HOUR_MS
    assert link.status().next_tone_at_ms == 45 * DAY_MS + 2 * HOUR_MS
    link.wait_therapy(2 * HOUR_MS)
    (alarm,) = link.status().alarms
    assert alarm.flags == AlarmFlag.ACTIVE
    assert alarm.silenced_until_ms is None


def test_acknowledged_latch_leaves_the_list_when_its_condition_has_gone(link: VirtualLink) -> None:
    """REQ-17: a latched alarm outlives its condition until somebody has seen it."""
    link.wait_therapy(50 * DAY_MS)
    link.ask(m.UpdateReservoir(1, 20_000_000))
    answer = link.ask(m.AcknowledgeAlarm(Alarm.EMPTY_RESERVOIR))
    assert isinstance(answer, m.AlarmAcknowledged)
    assert answer.record.flags == AlarmFlag.ACKNOWLEDGED
    assert answer.record.cleared_at_ms == 50 * DAY_MS
    assert link.status().alarms == ()
    again = link.ask(m.AcknowledgeAlarm(Alarm.EMPTY_RESERVOIR))
    assert refused(again) == [(RefusalCode.ALARM_NOT_LISTED, Field.ALARM)]


def test_alarm_test_sounds_the_tone_of_its_class(link: VirtualLink) -> None:
    """The two-tone lasts three seconds, the single tone one (domain 3.1)."""
    for alarm_class, duration_ms in (
        (codes.AlarmClass.CRITICAL, 3000),
        (codes.AlarmClass.NON_CRITICAL, 1000),
    ):
        assert link.ask(m.TestAlarm(alarm_class)) == m.AlarmTested(alarm_class, duration_ms)


# --- Log, clock, self-test -----------------------------------------------------------------------


def test_log_is_paged_without_gaps(link: VirtualLink) -> None:
    """REQ-27: page after page gives every record once, in order, with permanent numbers."""
    for _ in range(40):
        link.ask(m.TestAlarm(codes.AlarmClass.CRITICAL))
    seen: list[int] = []
    following = 1
    while True:
        page = link.ask(m.ReadLog(following, codes.MAX_LOG_ENTRIES))
        assert isinstance(page, m.LogPage)
        if not page.entries:
            break
        seen += [entry.sequence for entry in page.entries]
        following = seen[-1] + 1
    assert seen == list(range(1, 42))
    assert page.range == m.LogRange(1, 42, 0)
    for limit in (0, codes.MAX_LOG_ENTRIES + 1):
        answer = link.ask(m.ReadLog(1, limit))
        assert refused(answer) == [(RefusalCode.OUT_OF_RANGE, Field.ENTRY_LIMIT)]


def test_clock_set_moves_no_timer(link: VirtualLink) -> None:
    """REQ-28: dates on the clock follow, pump time and the low-reservoir moment do not."""
    link.wait_therapy(DAY_MS)
    before = link.status()
    assert link.ask(m.SetClock(10 * DAY_MS)) == m.ClockSet(DAY_MS, 10 * DAY_MS)
    after = link.status()
    assert (after.at_ms, after.low_reservoir_at_ms) == (before.at_ms, before.low_reservoir_at_ms)
    assert after.clock_ms == 10 * DAY_MS
    assert after.implanted_clock_ms == 9 * DAY_MS


def test_self_test_reports_each_check(link: VirtualLink) -> None:
    """A healthy pump passes all; at the end of service the battery check does not."""
    healthy = link.ask(m.SelfTest())
    assert healthy == m.SelfTestReport(tuple(m.CheckResult(check, True) for check in codes.Check))
    link.wait_therapy(8 * 365 * DAY_MS)
    worn = link.ask(m.SelfTest())
    assert isinstance(worn, m.SelfTestReport)
    assert [each.check for each in worn.results if not each.passed] == [codes.Check.BATTERY]


def test_flood_of_refusals_leaves_the_therapy_log_alone(link: VirtualLink) -> None:
    """Ten thousand refusals are one record with a count, in a log of their own."""
    before = link.pump.log
    for _ in range(10_000):
        link.ask(m.RollBackPrescription())
    assert link.pump.log is before
    page = link.ask(m.ReadAccessLog(1, codes.MAX_ACCESS_ENTRIES))
    assert isinstance(page, m.AccessLogPage)
    assert [entry.count for entry in page.entries] == [10_000]


def test_flood_of_readings_does_not_displace_a_refusal(link: VirtualLink) -> None:
    """A monitor that reconnects for each reading must not hide who tried what."""
    link.ask(m.RollBackPrescription())
    for _ in range(300):
        link.reconnect()
        link.status()
    page = link.ask(m.ReadAccessLog(1, 1))
    assert isinstance(page, m.AccessLogPage)
    assert page.entries[0].event is codes.AccessEvent.REFUSED
    assert page.range.overwritten > 0


def test_link_that_timed_out_is_no_misuse_but_opening_it_again_is(link: VirtualLink) -> None:
    """REQ-31: what a recording would do is told apart from what a slow person does."""
    session_link = link.link_id
    link.wait_link(codes.IDLE_LIMIT_MS)
    link.ask(m.Interrogate())
    link.say(Frame(codes.MessageType.OPEN_LINK, session_link, 9, bytes(8)).to_bytes())
    link.reconnect()
    page = link.ask(m.ReadAccessLog(1, codes.MAX_ACCESS_ENTRIES))
    assert isinstance(page, m.AccessLogPage)
    assert [(entry.event, entry.request_type) for entry in page.entries] == [
        (codes.AccessEvent.REFUSED, codes.MessageType.INTERROGATE),
        (codes.AccessEvent.SEQUENCE_MISUSED, codes.MessageType.OPEN_LINK),
    ]


def test_prescription_staged_before_a_restart_expires_after_it(link: VirtualLink) -> None:
    """The limit is link time, which a restored pump has to begin anew; it must not have none."""
    stage(link)
    restored = VirtualLink(Pump.from_state(link.pump.state()))
    restored.status()
    restored.wait_link(codes.STAGING_LIMIT_MS)
    assert restored.pump.pending is None


def test_after_end_of_service_nothing_can_be_programmed_but_everything_can_be_read(
    link: VirtualLink,
) -> None:
    """REQ-20: ERI 90 days before EOS; EOS stops for good."""
    link.wait_therapy(8 * 365 * DAY_MS)
    status = link.status()
    assert status.service_state is codes.ServiceState.EOS
    assert status.eri_at_ms is not None
    assert status.eos_at_ms == status.eri_at_ms + 90 * DAY_MS
    before = therapy_of(link.pump)
    for request in (m.StagePrescription(NEW), BOLUS, m.UpdateReservoir(2, 20_000_000)):
        assert RefusalCode.END_OF_SERVICE in [code for code, _ in refused(link.ask(request))]
    assert therapy_of(link.pump) == before
