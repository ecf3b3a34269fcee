"""Cases about alarms: raised, latched, acknowledged."""

from dataclasses import replace

from pump_protocol.codes import (
    Alarm,
    AlarmClass,
    AlarmFlag,
    Capability,
    Field,
    LogEvent,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import (
    absent,
    active,
    alone,
    expect_tone,
    for_an_hour,
    listed,
    log_from,
    next_record,
    the_record,
    time_to_use,
)
from pump_protocol.conformance.pump.common.ready import (
    advance_to,
    fixed_interval,
    refill,
    run_dry,
    settled,
    shortly_before,
    with_low_reservoir,
)
from pump_protocol.conformance.pump.common.reasons import refused_for
from pump_protocol.conformance.steps import Play, reconnect
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import committed, on_therapy
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AcknowledgeAlarm,
    CloseLink,
    Interrogate,
    SilenceAlarm,
)

_LOW, _EMPTY = Alarm.LOW_RESERVOIR, Alarm.EMPTY_RESERVOIR


# --- Raised and cleared ------------------------------------------------------------------------


@pump_case(
    "alarm/low-reservoir-at-threshold",
    Level.MUST,
    "ALARM-01 ALARM-02 LOG-05",
    expects="the alarm at the threshold, at once, and none after a refill above it",
)
def low_reservoir_at_threshold(tester: Tester) -> Play[None]:
    """Refills to above the threshold, to the threshold and above it again."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    threshold_nl = prescription.low_reservoir_threshold_nl
    if not threshold_nl:
        raise Unsupported("the pump allows no low-reservoir threshold but 0")
    status = yield from settled(link)
    absent(status, _LOW, "with a full reservoir")
    first = yield from next_record(link)
    done = yield from refill(link, threshold_nl)
    status = yield from link.ask(Interrogate())
    record = active(status, _LOW)
    expect_equal("raised_at_ms", record.raised_at_ms, done.updated_at_ms)
    expect_equal("silenced_until_ms of an alarm just raised", record.silenced_until_ms, None)
    refilled = yield from refill(link, tester.identity.reservoir_capacity_nl)
    status = yield from link.ask(Interrogate())
    absent(status, _LOW, "after a refill above the threshold: it does not latch")
    entries = yield from log_from(link, first)
    raised = the_record(entries, LogEvent.ALARM_RAISED, _LOW)
    expect_equal("b of ALARM_RAISED", raised.b, AlarmClass.NON_CRITICAL)
    expect_equal("at_ms of ALARM_RAISED", raised.at_ms, record.raised_at_ms)
    expect_equal("link_id of ALARM_RAISED, which follows by itself", raised.link_id, 0)
    cleared = the_record(entries, LogEvent.ALARM_CLEARED, _LOW)
    expect_equal("b of ALARM_CLEARED", cleared.b, record.raised_at_ms)
    expect_equal("at_ms of ALARM_CLEARED", cleared.at_ms, refilled.updated_at_ms)


@pump_case(
    "alarm/low-reservoir-on-time",
    Level.MUST,
    "ALARM-01 MSG-10",
    expects="the alarm at the very ms that was predicted, and not before",
    hooks="advance",
)
def low_reservoir_on_time(tester: Tester) -> Play[None]:
    """Let a reservoir run down to its threshold, and look shortly before that and after it."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    above_nl = 5 * for_an_hour(prescription)
    threshold_nl = prescription.low_reservoir_threshold_nl
    done = yield from refill(link, threshold_nl + above_nl)
    wanted_ms = done.updated_at_ms + time_to_use(above_nl, prescription.rate_nl_per_day)
    first = yield from next_record(link)
    status = yield from shortly_before(link, wanted_ms)
    absent(status, _LOW, f"before {wanted_ms} ms, when the threshold is reached")
    expect_equal("low_reservoir_at_ms", status.low_reservoir_at_ms, wanted_ms)
    status = yield from advance_to(link, wanted_ms)
    record = active(status, _LOW)
    expect_equal("raised_at_ms", record.raised_at_ms, wanted_ms)
    expect_equal("low_reservoir_at_ms, a fact now", status.low_reservoir_at_ms, wanted_ms)
    raised = the_record((yield from log_from(link, first)), LogEvent.ALARM_RAISED, _LOW)
    expect_equal("at_ms of ALARM_RAISED", raised.at_ms, wanted_ms)
    yield from settled(link)


@pump_case(
    "alarm/low-reservoir-after-a-bolus",
    Level.MUST,
    "ALARM-01 MSG-10 ORDER-10",
    expects="the alarm earlier by what the bolus took, at the very ms",
    hooks="advance",
)
def low_reservoir_after_a_bolus(tester: Tester) -> Play[None]:
    """Let a reservoir run down to its threshold with a bolus on the way."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    bolus = next_bolus(link, prescription)
    above_nl = 24 * for_an_hour(prescription) + 2 * bolus.volume_nl
    done = yield from refill(link, prescription.low_reservoir_threshold_nl + above_nl)
    bolus = next_bolus(link, prescription)
    yield from link.ask(bolus)
    used_ms = time_to_use(above_nl - bolus.volume_nl, prescription.rate_nl_per_day)
    wanted_ms = done.updated_at_ms + used_ms
    status = yield from shortly_before(link, wanted_ms)
    absent(status, _LOW, f"before {wanted_ms} ms, when the threshold is reached")
    status = yield from advance_to(link, wanted_ms)
    expect_equal("raised_at_ms", active(status, _LOW).raised_at_ms, wanted_ms)
    yield from settled(link)


@pump_case(
    "alarm/threshold-lowered",
    Level.MUST,
    "ALARM-01 ALARM-02",
    expects="no alarm any more",
)
def threshold_lowered(tester: Tester) -> Play[None]:
    """Commit a lower threshold while LOW_RESERVOIR is active."""
    link = yield from tester.link()
    prescription, _ = yield from with_low_reservoir(link)
    lower_nl = prescription.low_reservoir_threshold_nl // 2
    yield from committed(link, replace(prescription, low_reservoir_threshold_nl=lower_nl))
    status = yield from link.ask(Interrogate())
    absent(status, _LOW, f"with {status.believed_volume_nl} nL and a threshold of {lower_nl} nL")
    yield from settled(link)


@pump_case(
    "alarm/empty-reservoir",
    Level.MUST,
    "ALARM-01 MSG-10 LOG-05 ORDER-18",
    expects="the alarm at the ms at which the volume is used up; no flow; INFUSION_STOPPED",
    hooks="advance",
)
def empty_reservoir(tester: Tester) -> Play[None]:
    """Let a reservoir run empty."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    done = yield from refill(link, for_an_hour(prescription))
    used_ms = time_to_use(done.after_nl, prescription.rate_nl_per_day)
    wanted_ms = done.updated_at_ms + used_ms
    first = yield from next_record(link)
    status = yield from shortly_before(link, wanted_ms)
    absent(status, _EMPTY, f"before {wanted_ms} ms, when the volume is used up")
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day before that", status.infusing_nl_per_day, rate)
    status = yield from advance_to(link, wanted_ms)
    record = active(status, _EMPTY)
    expect_equal("raised_at_ms", record.raised_at_ms, wanted_ms)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    expect_equal("believed_volume_nl", status.believed_volume_nl, 0)
    expect_equal("empty_reservoir_at_ms, a fact now", status.empty_reservoir_at_ms, wanted_ms)
    entries = yield from log_from(link, first)
    raised = the_record(entries, LogEvent.ALARM_RAISED, _EMPTY)
    expect_equal("b of ALARM_RAISED", raised.b, AlarmClass.CRITICAL)
    stopped = the_record(entries, LogEvent.INFUSION_STOPPED)
    expect_equal("a and b of INFUSION_STOPPED", (stopped.a, stopped.b), (_EMPTY, rate))
    if Capability.SINGLE_BOLUS in tester.identity.capabilities:
        bolus = next_bolus(link, prescription)
        yield from link.refused(bolus, RefusalCode.RESERVOIR_EMPTY)
    yield from settled(link)


@pump_case(
    "alarm/latched",
    Level.MUST,
    "ALARM-02 ALARM-05 ALARM-06 ORDER-11",
    expects="the infusion resumed; the alarm not active, and listed until it is acknowledged",
    hooks="advance",
)
def latched(tester: Tester) -> Play[None]:
    """Refill a pump that ran empty, silence the alarm, acknowledge it, and acknowledge it again."""
    link = yield from tester.link()
    prescription, raised = yield from run_dry(link)
    expect(AlarmFlag.LATCHED in raised.flags, f"the alarm is not LATCHED: {raised.flags!r}")
    first = yield from next_record(link)
    done = yield from refill(link, tester.identity.reservoir_capacity_nl)
    status = yield from link.ask(Interrogate())
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day after the refill", status.infusing_nl_per_day, rate)
    record = listed(status, _EMPTY)
    if record is None:
        expect(record is not None, "the alarm is gone after the refill: nobody acknowledged it")
        return
    expect_equal("flags", record.flags, AlarmFlag.LATCHED)
    expect_equal("cleared_at_ms", record.cleared_at_ms, done.updated_at_ms)
    expect_equal("raised_at_ms", record.raised_at_ms, raised.raised_at_ms)
    resumed = the_record((yield from log_from(link, first)), LogEvent.INFUSION_RESUMED)
    expect_equal("a and b of INFUSION_RESUMED", (resumed.a, resumed.b), (_EMPTY, rate))
    silence = SilenceAlarm(_EMPTY, tester.identity.minimum_silence_ms)
    yield from refused_for(link, silence, (RefusalCode.ALARM_NOT_ACTIVE, Field.ALARM))
    answer = yield from link.ask(AcknowledgeAlarm(_EMPTY))
    expect(
        AlarmFlag.ACKNOWLEDGED in answer.record.flags,
        f"flags of the answer are {answer.record.flags!r} without ACKNOWLEDGED",
    )
    status = yield from link.ask(Interrogate())
    absent(status, _EMPTY, "acknowledged, and not active")
    reason = yield from link.refused(
        AcknowledgeAlarm(_EMPTY), RefusalCode.ALARM_NOT_LISTED, Field.ALARM
    )
    expect_equal("value of the reason", reason.value, _EMPTY)


@pump_case(
    "alarm/raised-anew",
    Level.MUST,
    "ALARM-04",
    expects="the alarm from the beginning: neither silenced nor acknowledged",
)
def raised_anew(tester: Tester) -> Play[None]:
    """Raise an alarm that was silenced and acknowledged the last time."""
    link = yield from tester.link()
    prescription, before = yield from with_low_reservoir(link)
    longest_ms = tester.identity.maximum_silence_non_critical_ms
    yield from link.ask(SilenceAlarm(_LOW, longest_ms))
    yield from link.ask(AcknowledgeAlarm(_LOW))
    yield from refill(link, tester.identity.reservoir_capacity_nl)
    done = yield from refill(link, prescription.low_reservoir_threshold_nl)
    status = yield from link.ask(Interrogate())
    record = active(status, _LOW)
    expect_equal("flags", record.flags, before.flags)
    expect_equal("raised_at_ms", record.raised_at_ms, done.updated_at_ms)
    expect_equal("silenced_until_ms", record.silenced_until_ms, None)
    alone(status, _LOW)
    interval_ms = yield from fixed_interval(link)
    expect_tone(status, record, interval_ms, "next_tone_at_ms")
    yield from settled(link)


@pump_case(
    "alarm/same-after-reconnection",
    Level.MUST,
    "ALARM-02 MSG-10 LINK-15",
    expects="the same alarms, in order of their codes",
)
def same_after_reconnection(tester: Tester) -> Play[None]:
    """Read the alarms again in another link of another connection."""
    link = yield from tester.link()
    yield from with_low_reservoir(link)
    yield from link.ask(SilenceAlarm(_LOW, tester.identity.maximum_silence_non_critical_ms))
    yield from link.ask(AcknowledgeAlarm(_LOW))
    before = yield from link.ask(Interrogate())
    yield from link.ask(CloseLink())
    yield from reconnect()
    link = yield from tester.link()
    after = yield from link.ask(Interrogate())
    expect_equal("alarms", after.alarms, before.alarms)
    codes = [each.alarm for each in after.alarms]
    expect_equal("order of the alarms", codes, sorted(codes))
    yield from settled(link)


# --- Acknowledged ------------------------------------------------------------------------------


@pump_case(
    "alarm/acknowledge-active",
    Level.MUST,
    "ALARM-05",
    expects="the alarm active, listed and sounding as before; the second time changes nothing",
)
def acknowledge_active(tester: Tester) -> Play[None]:
    """Acknowledge an active alarm twice."""
    link = yield from tester.link()
    _, raised = yield from with_low_reservoir(link)
    alone((yield from link.ask(Interrogate())), _LOW)
    interval_ms = yield from fixed_interval(link)
    first = yield from next_record(link)
    wanted = replace(raised, flags=raised.flags | AlarmFlag.ACKNOWLEDGED)
    for _ in range(2):
        answer = yield from link.ask(AcknowledgeAlarm(_LOW))
        expect_equal("record of the answer", answer.record, wanted)
        status = yield from link.ask(Interrogate())
        expect_equal("record in the status", active(status, _LOW), wanted)
        expect_tone(status, raised, interval_ms, "next_tone_at_ms of an acknowledged alarm")
    entries = yield from log_from(link, first)
    noted = the_record(entries, LogEvent.ALARM_ACKNOWLEDGED)
    told = (noted.a, noted.b, noted.link_id)
    expect_equal("a, b and link_id", told, (_LOW, raised.raised_at_ms, link.link_id))
    yield from settled(link)


@pump_case(
    "alarm/not-listed",
    Level.MUST,
    "ALARM-05 ALARM-06",
    expects="ALARM_NOT_LISTED / ALARM with its code",
    changes_nothing=True,
)
def not_listed(tester: Tester) -> Play[None]:
    """Acknowledge and silence each alarm that is not listed."""
    link = yield from tester.link()
    status = yield from link.ask(Interrogate())
    for alarm in Alarm:
        if listed(status, alarm) is None:
            for request in (
                AcknowledgeAlarm(alarm),
                SilenceAlarm(alarm, tester.identity.minimum_silence_ms),
            ):
                told = yield from refused_for(
                    link, request, (RefusalCode.ALARM_NOT_LISTED, Field.ALARM)
                )
                expect_equal("value of the reason", told[0].value, alarm)
