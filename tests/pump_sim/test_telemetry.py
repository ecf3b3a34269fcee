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
from pump_sim.model.hardware.faults import (
    BitFlip,
    BrownOut,
    MotorStall,
    MriScan,
    ReplacementDate,
)
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

BACLOFEN = m.Drug(codes.MassUnit.MICROGRAM, 2_000_000, "baclofen")
NEW = m.Prescription(
    mode=codes.Mode.SIMPLE_CONTINUOUS,
    drugs=(BACLOFEN,),
    daily_dose_ng=880_000,
    rate_nl_per_day=440_000,
    low_reservoir_threshold_nl=2_000_000,
)
SUMMARY = m.PrescriptionSummary(
    mode=codes.Mode.SIMPLE_CONTINUOUS,
    mass_unit=codes.MassUnit.MICROGRAM,
    concentration_ng_per_ml=2_000_000,
    daily_dose_ng=880_000,
    rate_nl_per_day=440_000,
    low_reservoir_threshold_nl=2_000_000,
    drug_count=1,
    drug_name="baclofen",
)


def other_drug(name: str) -> m.Prescription:
    """The same dose of another drug, without a bridge by decision."""
    drug = replace(BACLOFEN, name=name)
    return replace(NEW, drugs=(drug,), bridge_decision=codes.BridgeDecision.DECLINED)


BOLUS = m.OrderBolus(
    order_number=1,
    kind=codes.BolusKind.SINGLE,
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
            lambda link: put_in_force(link, ON_DEMAND),
            lambda link: put_in_force(link, SIX_HOURLY),
            lambda link: put_in_force(link, DAY_NIGHT),
            lambda link: link.ask(m.RequestPatientBolus(link.last_order_number() + 1)),
            lambda link: link.ask(m.SetAlarmInterval(codes.AlarmClass.CRITICAL, HOUR_MS)),
            lambda link: link.ask(m.WriteNote("note")),
            lambda link: link.ask(m.SelfTest()),
            lambda link: link.pump.inject(MotorStall(registered_after=1), for_ms=HOUR_MS),
            lambda link: link.pump.inject(BitFlip(region=1)),
            lambda link: link.pump.inject(ReplacementDate(planned_at_ms=DAY_MS)),
            lambda link: link.pump.inject(MriScan(field_ms=1, latches_telemetry=True)),
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
        wire_values.BRIDGE_DECISIONS,
        wire_values.BOLUS_KINDS,
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
    """No request can arrive that telemetry has no answer to, but for the session's own two."""
    assert set(telemetry._HANDLERS) == set(m.REQUESTS.values()) - {m.Authenticate, m.Pair}


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
    assert status.prescription == replace(SUMMARY, daily_dose_ng=800_000, rate_nl_per_day=400_000)


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
    assert (status.prescription, status.prescription_version) == (SUMMARY, 2)
    assert not status.has_pending
    assert status.believed_volume_nl == 19_600_000
    assert status.infusing_nl_per_day == 440_000


def test_commit_of_another_digest_is_refused_and_changes_nothing(link: VirtualLink) -> None:
    """REQ-24: altered by one bit, or of a prescription that was staged before this one."""
    first = stage(link, other_drug("morphine"))
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
    other = replace(NEW, daily_dose_ng=900_000, rate_nl_per_day=450_000)
    link.ask(m.CommitPrescription(stage(link, other).digest))
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
    totals = m.DoseTotals(880_000, 880_000, 880_000)
    assert pending == m.PrescriptionReport(PrescriptionSlot.PENDING, 2, staged.digest, totals, NEW)
    current = link.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    assert current.digest == prescription_digest(1, current.prescription)


def test_staging_expires_in_link_time_and_not_in_therapy_time() -> None:
    """At 3,600 times real speed 120 s of therapy time last 33 ms: the two are never mixed."""
    link = VirtualLink(implanted(), PacedClock(3600))
    stage(link)
    link.wait_link(codes.STAGING_LIMIT_MS - 1)
    assert link.pump.at_ms >= 119 * HOUR_MS
    assert link.pump.firmware.pending is not None
    link.wait_link(1)
    assert link.pump.firmware.pending is None
    told = [entry.event.name for entry in link.pump.firmware.log.entries[-2:]]
    assert told == ["STAGING_EXPIRED", "ALARM_RAISED"]
    assert link.pump.firmware.prescription_version == 1


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
    assert link.ask(m.AbortBolus()) == m.BolusAborted(codes.BolusKind.SINGLE, 1, 2_500)
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
    before = link.pump.firmware.log
    for _ in range(10_000):
        link.ask(m.RollBackPrescription())
    assert link.pump.firmware.log is before
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
    assert restored.pump.firmware.pending is None


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


# --- Prescriptions of every mode -----------------------------------------------------------------

EVERY_DAY = codes.Weekday(0x7F)
DAY_NIGHT = replace(
    NEW,
    mode=codes.Mode.FLEX,
    daily_dose_ng=933_333,
    rate_nl_per_day=466_667,
    days=(
        m.DayPattern(
            EVERY_DAY, (m.Step(0, 200_000), m.Step(6 * 60, 600_000), m.Step(22 * 60, 200_000))
        ),
    ),
)
SIX_HOURLY = replace(
    NEW,
    mode=codes.Mode.PERIODIC_BOLUS,
    daily_dose_ng=120_000,
    rate_nl_per_day=60_000,
    periodic_boluses=(m.PeriodicBolus(0, 30_000, 15_000, 600_000, 6 * HOUR_MS, 0),),
)
ON_DEMAND = replace(NEW, patient_boluses=(m.PatientBolus(20_000, 10_000, 600_000, 4 * HOUR_MS, 4),))
MIXTURE = replace(
    NEW,
    drugs=(BACLOFEN, m.Drug(codes.MassUnit.MILLIGRAM, 10_000_000, "morphine")),
    bridge_decision=codes.BridgeDecision.DECLINED,
)
BRIDGED = replace(
    NEW,
    drugs=(replace(BACLOFEN, concentration_ng_per_ml=500_000),),
    daily_dose_ng=800_000,
    rate_nl_per_day=1_600_000,
    bridge_decision=codes.BridgeDecision.BRIDGE,
    bridges=(m.Bridge(340_000, 400_000, 73_440_000),),
)


def put_in_force(link: VirtualLink, prescription: m.Prescription) -> None:
    staged = stage(link, prescription)
    confirmed = staged.totals.with_patient_ng if staged.must_confirm else None
    answer = link.ask(m.CommitPrescription(staged.digest, confirmed))
    assert isinstance(answer, m.PrescriptionCommitted), answer


@pytest.mark.parametrize(
    ("prescription", "totals", "flows"),
    [
        (DAY_NIGHT, (933_333, 933_333, 933_333), 200_000),
        (SIX_HOURLY, (120_000, 120_000, 120_000), 2_160_000),
        (ON_DEMAND, (880_000, 880_000, 960_000), 440_000),
        (MIXTURE, (880_000, 880_000, 880_000), 440_000),
        (BRIDGED, (800_000, 800_000, 800_000), 400_000),
    ],
    ids=["flex", "periodic", "patient", "mixture", "bridge"],
)
def test_every_kind_of_prescription_is_echoed_committed_and_read_back(
    link: VirtualLink, prescription: m.Prescription, totals: tuple[int, int, int], flows: int
) -> None:
    """REQ-04, REQ-24: what was sent, with the doses as the pump reckons them, both times."""
    staged = stage(link, prescription)
    assert (staged.prescription, staged.totals) == (prescription, m.DoseTotals(*totals))
    assert not staged.must_confirm
    link.ask(m.CommitPrescription(staged.digest))
    current = link.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    assert (current.prescription, current.totals) == (prescription, m.DoseTotals(*totals))
    assert current.digest == staged.digest
    status = link.status()
    assert status.prescription.mode is prescription.mode
    assert status.prescription.drug_count == len(prescription.drugs)
    assert status.infusing_nl_per_day == flows


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (replace(DAY_NIGHT, rate_nl_per_day=466_666), (RefusalCode.MISMATCH, Field.RATE)),
        (
            replace(DAY_NIGHT, days=(m.DayPattern(codes.Weekday(0x3F), DAY_NIGHT.days[0].steps),)),
            (RefusalCode.NOT_COVERED, Field.WEEKDAYS),
        ),
        (
            replace(DAY_NIGHT, days=DAY_NIGHT.days * 2),
            (RefusalCode.DUPLICATE, Field.WEEKDAYS),
        ),
        (replace(DAY_NIGHT, days=()), (RefusalCode.WRONG_MODE, Field.SCHEDULE)),
        (
            replace(
                SIX_HOURLY,
                daily_dose_ng=7_200_000,
                rate_nl_per_day=3_600_000,
                periodic_boluses=(m.PeriodicBolus(0, 30_000, 15_000, 60_000, 360_000, 0),),
            ),
            (RefusalCode.OUT_OF_RANGE, Field.DAILY_DOSE),
        ),
        (replace(SIX_HOURLY, periodic_boluses=()), (RefusalCode.WRONG_MODE, Field.PERIODIC_DOSE)),
        (
            replace(NEW, patient_boluses=(m.PatientBolus(20_000, 10_001, 600_000, HOUR_MS, 4),)),
            (RefusalCode.MISMATCH, Field.PATIENT_VOLUME),
        ),
        (
            replace(NEW, patient_boluses=(m.PatientBolus(500_000, 250_000, HOUR_MS, HOUR_MS, 24),)),
            (RefusalCode.OUT_OF_RANGE, Field.HIGHEST_DAILY_DOSE),
        ),
        (
            replace(MIXTURE, bridge_decision=codes.BridgeDecision.NOT_NEEDED),
            (RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE),
        ),
        (
            replace(NEW, bridge_decision=codes.BridgeDecision.DECLINED),
            (RefusalCode.MISMATCH, Field.BRIDGE),
        ),
        (replace(NEW, drugs=()), (RefusalCode.OUT_OF_RANGE, Field.DRUGS)),
        (replace(NEW, drugs=(BACLOFEN, BACLOFEN)), (RefusalCode.DUPLICATE, Field.DRUG_NAME)),
        (
            replace(BRIDGED, bridges=(m.Bridge(340_000, 400_001, 73_440_000),)),
            (RefusalCode.MISMATCH, Field.BRIDGE_RATE),
        ),
    ],
)
def test_a_prescription_that_cannot_be_is_refused_for_the_field_at_fault(
    link: VirtualLink, wrong: m.Prescription, reason: tuple[RefusalCode, Field]
) -> None:
    """REQ-03, REQ-05, REQ-10, REQ-11: with nothing staged and nothing changed."""
    before = therapy_of(link.pump)
    assert reason in refused(link.ask(m.StagePrescription(wrong)))
    assert therapy_of(link.pump) == before


def test_more_reasons_than_an_answer_holds_are_cut_and_the_pump_still_answers(
    link: VirtualLink,
) -> None:
    """REQ-26: 52 steps at a rate that no pump has are 52 reasons, of which 23 have room."""
    steps = tuple(m.Step(minute, 1) for minute in range(13))
    days = tuple(m.DayPattern(codes.Weekday(1 << day), steps) for day in range(4))
    answer = link.ask(m.StagePrescription(replace(DAY_NIGHT, days=days)))
    assert isinstance(answer, m.Refusal)
    assert len(answer.reasons) == codes.MAX_REASONS


@pytest.mark.parametrize(
    ("prescription", "field"),
    [
        (
            replace(SIX_HOURLY, periodic_boluses=SIX_HOURLY.periodic_boluses * 2),
            Field.PERIODIC_DOSE,
        ),
        (replace(ON_DEMAND, patient_boluses=ON_DEMAND.patient_boluses * 2), Field.PATIENT_DOSE),
        (replace(BRIDGED, bridges=BRIDGED.bridges * 2), Field.BRIDGE),
    ],
)
def test_two_where_there_can_be_one_are_refused_and_neither_is_chosen(
    link: VirtualLink, prescription: m.Prescription, field: Field
) -> None:
    """REQ-24, REQ-26: lists that hold one at most have room for more in a message."""
    before = therapy_of(link.pump)
    assert refused(link.ask(m.StagePrescription(prescription))) == [(RefusalCode.DUPLICATE, field)]
    assert therapy_of(link.pump) == before


def test_a_dose_above_the_soft_limit_is_committed_only_when_it_is_repeated(
    link: VirtualLink,
) -> None:
    """REQ-03: 1,000.002 mcg on the day with most; the limit is 1,000."""
    high = replace(NEW, daily_dose_ng=1_000_002, rate_nl_per_day=500_001)
    staged = stage(link, high)
    assert staged.must_confirm
    for wrong in (None, 0, 1_000_000, 2**32 - 1):
        answer = link.ask(m.CommitPrescription(staged.digest, wrong))
        assert refused(answer) == [(RefusalCode.NOT_CONFIRMED, Field.HIGHEST_DAILY_DOSE)]
        assert isinstance(answer, m.Refusal)
        assert (answer.reasons[0].value, answer.reasons[0].maximum) == (1_000_002, 1_000_000)
    assert link.status().infusing_nl_per_day == 400_000
    committed = link.ask(m.CommitPrescription(staged.digest, 1_000_002))
    assert isinstance(committed, m.PrescriptionCommitted)
    told = [(e.event.name, e.a, e.b) for e in link.pump.firmware.log.entries]
    assert ("SOFT_LIMIT_CONFIRMED", 1_000_002, 1_000_000) in told
    # REQ-25: repeated, with or without the dose, it is answered.
    assert link.ask(m.CommitPrescription(staged.digest)) == committed


# --- Boluses of every kind -----------------------------------------------------------------------


def test_a_patient_bolus_is_given_once_and_the_status_tells_of_the_next(link: VirtualLink) -> None:
    """REQ-07, REQ-12: the same request on a new link gets the first answer."""
    put_in_force(link, ON_DEMAND)
    first = link.ask(m.RequestPatientBolus(1))
    assert first == m.PatientBolusStarted(1, 10_000, 0, 600_000, 3, 4 * HOUR_MS)
    link.wait_therapy(HOUR_MS)
    link.reconnect()
    assert link.ask(m.RequestPatientBolus(1)) == first
    status = link.status()
    assert status.patient_boluses == (m.PatientBolusState(4, 3, 4 * HOUR_MS),)
    (report,) = status.boluses
    assert (report.kind, report.programmer_id, report.order_number, report.delivered_nl) == (
        codes.BolusKind.PATIENT,
        PROGRAMMER,
        1,
        10_000,
    )


def test_a_refused_patient_bolus_is_logged_with_the_code_that_was_sent(link: VirtualLink) -> None:
    """REQ-13: in the therapy log by the wire's own number, and once, however often it is asked."""
    assert refused(link.ask(m.RequestPatientBolus(1))) == [(RefusalCode.NOT_PRESCRIBED, Field.NONE)]
    put_in_force(link, ON_DEMAND)
    link.ask(m.RequestPatientBolus(2))
    link.wait_therapy(HOUR_MS)
    for _ in range(3):
        answer = link.ask(m.RequestPatientBolus(3))
        assert refused(answer) == [(RefusalCode.LOCKED_OUT, Field.NONE)]
        assert isinstance(answer, m.Refusal)
        assert answer.reasons[0].value == 4 * HOUR_MS
    page = link.ask(m.ReadLog(1, codes.MAX_LOG_ENTRIES))
    assert isinstance(page, m.LogPage)
    assert [
        (each.a, each.b)
        for each in page.entries
        if each.event is codes.LogEvent.PATIENT_BOLUS_REFUSED
    ] == [(RefusalCode.NOT_PRESCRIBED, 1), (RefusalCode.LOCKED_OUT, 3)]


def test_the_numbers_of_refusals_and_modes_in_the_log_are_those_of_the_wire() -> None:
    """Where a record carries a number of the model's, a programmer reads it by the wire's table."""
    for mapping in (
        wire_values.REFUSAL_CODES,
        wire_values.FIELDS,
        wire_values.MODES,
        wire_values.ALARMS,
        wire_values.ALARM_CLASSES,
        wire_values.BOLUS_KINDS,
        wire_values.CHECKS,
        wire_values.BRIDGE_DECISIONS,
    ):
        assert {member.value for member in mapping} == {int(code) for code in mapping.values()}
        assert all(member.value == code for member, code in mapping.items())


def test_a_priming_bolus_is_ordered_by_its_volume(link: VirtualLink) -> None:
    """REQ-05: the dose follows from it, and is no limit; it starts, and is aborted, as priming."""
    priming = m.OrderBolus(1, codes.BolusKind.PRIMING, 280_000, 2_000_000, 140_000, 1_200_000)
    for wrong, reason in (
        ({"dose_ng": 280_001}, (RefusalCode.MISMATCH, Field.BOLUS_DOSE)),
        (
            {"volume_nl": 1_000_001, "dose_ng": 2_000_002},
            (RefusalCode.OUT_OF_RANGE, Field.PRIMING_VOLUME),
        ),
        ({"kind": codes.BolusKind.BRIDGE}, (RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND)),
        ({"kind": codes.BolusKind.PATIENT}, (RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND)),
        ({"kind": codes.BolusKind.PERIODIC}, (RefusalCode.UNKNOWN_VALUE, Field.BOLUS_KIND)),
    ):
        number = link.last_order_number() + 1
        order = replace(priming, order_number=number, **wrong)
        assert reason in refused(link.ask(order))
    number = link.last_order_number() + 1
    large = replace(
        priming,
        order_number=number,
        volume_nl=1_000_000,
        dose_ng=2_000_000,
        duration_ms=2 * HOUR_MS,
    )
    assert link.ask(large) == m.BolusOrdered(number, 1_000_000, 0, 2 * HOUR_MS)
    link.wait_therapy(HOUR_MS)
    assert link.ask(m.AbortBolus()) == m.BolusAborted(codes.BolusKind.PRIMING, number, 500_000)


def test_a_running_periodic_bolus_is_shown_and_can_be_aborted(link: VirtualLink) -> None:
    """Under no order number; the next comes at its interval."""
    put_in_force(link, SIX_HOURLY)
    link.wait_therapy(300_000)
    status = link.status()
    (report,) = status.boluses
    assert (report.kind, report.outcome, report.order_number, report.delivered_nl) == (
        codes.BolusKind.PERIODIC,
        codes.BolusOutcome.RUNNING,
        0,
        7_500,
    )
    assert status.next_periodic_bolus_at_ms == 6 * HOUR_MS
    assert link.ask(m.AbortBolus()) == m.BolusAborted(codes.BolusKind.PERIODIC, 0, 7_500)
    assert link.status().next_periodic_bolus_at_ms == 6 * HOUR_MS


def test_a_bridge_is_shown_and_no_other_treatment_is_committed_under_it(link: VirtualLink) -> None:
    """REQ-11: until it has ended or was aborted, which is possible."""
    put_in_force(link, BRIDGED)
    link.wait_therapy(HOUR_MS)
    (report,) = link.status().boluses
    assert (report.kind, report.volume_nl) == (codes.BolusKind.BRIDGE, 340_000)
    more = replace(
        BRIDGED,
        daily_dose_ng=850_000,
        rate_nl_per_day=1_700_000,
        bridge_decision=codes.BridgeDecision.NOT_NEEDED,
        bridges=(),
    )
    digest = stage(link, more).digest
    assert refused(link.ask(m.CommitPrescription(digest))) == [
        (RefusalCode.BOLUS_ACTIVE, Field.BRIDGE)
    ]
    assert link.ask(m.AbortBolus()) == m.BolusAborted(codes.BolusKind.BRIDGE, 0, 16_666)
    assert isinstance(link.ask(m.CommitPrescription(digest)), m.PrescriptionCommitted)
    assert link.status().infusing_nl_per_day == 1_700_000


# --- Interval, note ------------------------------------------------------------------------------


def test_the_interval_of_the_critical_tone_can_be_set_and_no_other(link: VirtualLink) -> None:
    """P16b: 10 min to 2 h; the status tells it."""
    critical = codes.AlarmClass.CRITICAL
    assert link.status().critical_interval_ms == 600_000
    answer = link.ask(m.SetAlarmInterval(critical, 7_200_000))
    assert answer == m.AlarmIntervalSet(critical, 7_200_000)
    assert link.status().critical_interval_ms == 7_200_000
    before = therapy_of(link.pump)
    for alarm_class, interval_ms in (
        (critical, 599_999),
        (critical, 7_200_001),
        (codes.AlarmClass.NON_CRITICAL, 600_000),
    ):
        answer = link.ask(m.SetAlarmInterval(alarm_class, interval_ms))
        assert refused(answer) == [(RefusalCode.OUT_OF_RANGE, Field.ALARM_INTERVAL)]
    assert therapy_of(link.pump) == before


def test_a_note_is_written_and_read_and_told_to_be_damaged(link: VirtualLink) -> None:
    """A09: what its memory has lost is not shown as if it were right."""
    assert link.ask(m.ReadNote()) == m.NoteReport(True, "")
    text = "é" * 64
    assert link.ask(m.WriteNote(text)) == m.NoteWritten()
    assert link.ask(m.ReadNote()) == m.NoteReport(True, text)
    link.pump.inject(BitFlip(region=3))
    link.wait_therapy(HOUR_MS)
    assert link.ask(m.ReadNote()) == m.NoteReport(False, "")
    assert [each.alarm for each in link.status().alarms] == [Alarm.MEMORY_ERROR]
    link.ask(m.WriteNote("again"))
    assert link.ask(m.ReadNote()) == m.NoteReport(True, "again")


def test_a_note_that_is_too_long_is_refused(link: VirtualLink) -> None:
    """129 bytes; the one before is kept."""
    link.ask(m.WriteNote("kept"))
    answer = link.ask(m.WriteNote("x" * 129))
    assert isinstance(answer, m.Refusal)
    assert answer.reasons[0].code in {RefusalCode.OUT_OF_RANGE, RefusalCode.MALFORMED}
    assert link.ask(m.ReadNote()) == m.NoteReport(True, "kept")


# --- Faults as a programmer sees them ------------------------------------------------------------


def test_an_update_that_expires_raises_its_alarm_and_a_roll_back_ends_it(
    link: VirtualLink,
) -> None:
    """T5, A11: therapy goes on as it was, and somebody hears of it."""
    stage(link)
    link.wait_link(codes.STAGING_LIMIT_MS)
    link.reconnect()
    status = link.status()
    (record,) = status.alarms
    assert record.alarm is Alarm.UPDATE_INCOMPLETE
    assert record.flags == AlarmFlag.ACTIVE | AlarmFlag.LATCHED
    assert status.infusing_nl_per_day == 400_000
    assert link.ask(m.RollBackPrescription()) == m.PrescriptionRolledBack(1)
    (record,) = link.status().alarms
    assert record.flags == AlarmFlag.LATCHED
    assert refused(link.ask(m.RollBackPrescription())) == [(RefusalCode.NOTHING_STAGED, Field.NONE)]


def test_a_reset_between_stage_and_expiry_is_no_incomplete_update(link: VirtualLink) -> None:
    """The reset has dropped it and said so; the link's timer finds nothing to expire."""
    digest = stage(link).digest
    link.pump.inject(BrownOut())
    link.wait_link(codes.STAGING_LIMIT_MS)
    link.reconnect()
    assert [each.alarm for each in link.status().alarms] == [Alarm.SAFE_STATE]
    assert refused(link.ask(m.CommitPrescription(digest))) == [
        (RefusalCode.NOTHING_STAGED, Field.NONE)
    ]


@pytest.mark.parametrize("interrogations", [1, 2])
def test_a_recovered_motor_is_registered_by_interrogation(
    link: VirtualLink, interrogations: int
) -> None:
    """P10: and the report that registers it shows it."""
    link.pump.inject(MotorStall(registered_after=interrogations), for_ms=HOUR_MS)
    link.wait_therapy(2 * HOUR_MS)
    for _ in range(interrogations - 1):
        assert [each.alarm for each in link.status().alarms] == [Alarm.MOTOR_STALL]
        link.reconnect()
    status = link.status()
    assert status.alarms == ()
    assert status.infusing_nl_per_day == 400_000


def test_an_interrogation_ends_a_telemetry_latch_on_a_link_that_was_open_before() -> None:
    """A12, T4: it is the reading that ends it, whenever the link was opened."""
    link = VirtualLink(implanted(volume_nl=2_000_000))
    link.status()
    link.pump.inject(MriScan(field_ms=1, latches_telemetry=True))
    link.wait_therapy(HOUR_MS)
    assert link.pump.status().infusing_nl_per_day == 0
    link.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
    assert link.pump.status().infusing_nl_per_day == 0
    assert link.status().infusing_nl_per_day == 400_000


def test_a_pump_that_lost_its_prescription_can_be_read_and_programmed(link: VirtualLink) -> None:
    """REQ-21: no drug is claimed; a full prescription ends it, a bolus is refused."""
    link.pump.inject(BitFlip(region=1))
    link.pump.inject(BitFlip(region=2))
    link.wait_therapy(HOUR_MS)
    status = link.status()
    assert (status.prescription.drug_count, status.prescription.drug_name) == (0, "")
    assert status.prescription.mode is codes.Mode.MINIMUM_RATE
    assert [each.alarm for each in status.alarms] == [
        Alarm.CRITICAL_MEMORY_ERROR,
        Alarm.SAFE_STATE,
    ]
    current = link.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    assert current.prescription.drugs == ()
    assert current.totals == m.DoseTotals(0, 0, 0)
    assert RefusalCode.WRONG_MODE in [code for code, _ in refused(link.ask(BOLUS))]
    put_in_force(link, NEW)
    assert [AlarmFlag.ACTIVE in each.flags for each in link.status().alarms] == [False, False]


def test_a_self_test_tells_of_memory_and_motor(link: VirtualLink) -> None:
    """REQ-21: and the next status has the alarms that follow from it."""
    link.pump.inject(BitFlip(region=2))
    link.pump.inject(MotorStall())
    link.wait_therapy(HOUR_MS - 1)
    report = link.ask(m.SelfTest())
    assert isinstance(report, m.SelfTestReport)
    failed = [each.check for each in report.results if not each.passed]
    assert failed == [codes.Check.MEMORY, codes.Check.MOTOR]
    assert [each.alarm for each in link.status().alarms] == [Alarm.MOTOR_STALL, Alarm.MEMORY_ERROR]


def test_identity_tells_every_limit_of_the_new_modes(link: VirtualLink) -> None:
    """REQ-29: a programmer knows what will be refused before it asks."""
    identity = link.ask(m.Identify())
    assert isinstance(identity, m.Identity)
    assert identity.capabilities == sum(codes.Capability)
    assert identity.soft_daily_dose_ng == PROFILE.soft_daily_dose_ng
    assert identity.internal_tubing_volume_nl == 140_000
    assert identity.maximum_priming_volume_nl == PROFILE.max_priming_volume_nl
    assert identity.minimum_bolus_interval_ms == PROFILE.min_bolus_interval_ms
    assert identity.maximum_bolus_interval_ms == PROFILE.max_bolus_interval_ms
    assert identity.minimum_lockout_ms == PROFILE.min_lockout_ms
    assert identity.maximum_lockout_ms == PROFILE.max_lockout_ms
    assert identity.maximum_patient_boluses_per_day == PROFILE.max_patient_boluses_per_day
    assert identity.minimum_critical_interval_ms == 600_000
    assert identity.maximum_critical_interval_ms == 7_200_000


def test_the_status_tells_the_planned_replacement(link: VirtualLink) -> None:
    """A15, P29: six months before the end; or whatever a fault has stored."""
    status = link.status()
    assert status.eos_at_ms is not None
    assert status.replacement_planned_at_ms == status.eos_at_ms - 6 * 2_629_800_000
    link.pump.inject(ReplacementDate(planned_at_ms=5))
    assert link.status().replacement_planned_at_ms == 5
