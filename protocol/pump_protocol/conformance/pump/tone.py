"""Cases about the tones of alarms: silenced, how often, which of them."""

from dataclasses import replace

from pump_protocol.codes import (
    Alarm,
    AlarmClass,
    AlarmFlag,
    Field,
    LogEvent,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.reading import (
    active,
    alone,
    expect_tone,
    first_tone_after,
    log_from,
    next_record,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import (
    advance_to,
    fixed_interval,
    run_dry,
    settled,
    with_low_reservoir,
)
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refused_for
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.messages import (
    Interrogate,
    SetAlarmInterval,
    SilenceAlarm,
    TestAlarm,
)
from pump_protocol.units import U32

_LOW, _EMPTY = Alarm.LOW_RESERVOIR, Alarm.EMPTY_RESERVOIR


# --- Silenced ----------------------------------------------------------------------------------


@pump_case(
    "alarm/silence",
    Level.MUST,
    "ALARM-03 ALARM-06",
    expects="the alarm listed and active as before, and no tone that would begin before its end",
)
def silence(tester: Tester) -> Play[None]:
    """Silence an active alarm for long, and then anew for less."""
    link = yield from tester.link()
    _, raised = yield from with_low_reservoir(link)
    alone((yield from link.ask(Interrogate())), _LOW)
    interval_ms = yield from fixed_interval(link)
    identity = tester.identity
    for duration_ms in (identity.maximum_silence_non_critical_ms, identity.minimum_silence_ms):
        first = yield from next_record(link)
        answer = yield from link.ask(SilenceAlarm(_LOW, duration_ms))
        noted = the_record((yield from log_from(link, first)), LogEvent.ALARM_SILENCED)
        until_ms = noted.at_ms + duration_ms
        wanted = replace(
            raised, flags=raised.flags | AlarmFlag.SILENCED, silenced_until_ms=until_ms
        )
        expect_equal("record of the answer", answer.record, wanted)
        expect_equal("a and b of ALARM_SILENCED", (noted.a, noted.b), (_LOW, until_ms))
        status = yield from link.ask(Interrogate())
        expect_equal("record in the status", active(status, _LOW), wanted)
        tone_ms = first_tone_after(raised, interval_ms, until_ms - 1)
        if status.at_ms < until_ms:
            expect_equal("next_tone_at_ms of a silenced alarm", status.next_tone_at_ms, tone_ms)
    yield from settled(link)


@pump_case(
    "alarm/silence-over",
    Level.MUST,
    "ALARM-03 ALARM-06",
    expects="the alarm no longer SILENCED, and its tones as before",
    hooks="advance",
)
def silence_over(tester: Tester) -> Play[None]:
    """Let the silence of an alarm pass."""
    link = yield from tester.link()
    _, raised = yield from with_low_reservoir(link)
    interval_ms = yield from fixed_interval(link)
    answer = yield from link.ask(SilenceAlarm(_LOW, tester.identity.minimum_silence_ms))
    status = yield from advance_to(link, answer.record.silenced_until_ms or 0)
    record = active(status, _LOW)
    expect_equal("flags", record.flags, raised.flags)
    alone(status, _LOW)
    expect_tone(status, raised, interval_ms, "next_tone_at_ms")
    yield from settled(link)


@pump_case(
    "alarm/silence-limits",
    Level.MUST,
    "ALARM-06 REF-03",
    expects="the shortest and the longest accepted, less and more refused with both limits",
)
def silence_limits(tester: Tester) -> Play[None]:
    """Silence a non-critical alarm for as long as is allowed, and for 1 ms too little or much."""
    link = yield from tester.link()
    yield from with_low_reservoir(link)
    identity = tester.identity
    longest_ms = identity.maximum_silence_non_critical_ms
    yield from _check_silence(link, _LOW, identity.minimum_silence_ms, longest_ms)
    yield from settled(link)


@pump_case(
    "alarm/silence-limits-critical",
    Level.MUST,
    "ALARM-06 REF-03",
    expects="the longest silence that Identity tells for critical alarms, not that of the others",
    hooks="advance",
)
def silence_limits_critical(tester: Tester) -> Play[None]:
    """Silence a critical alarm for as long as is allowed, and for 1 ms too little or much."""
    link = yield from tester.link()
    yield from run_dry(link)
    identity = tester.identity
    longest_ms = identity.maximum_silence_critical_ms
    yield from _check_silence(link, _EMPTY, identity.minimum_silence_ms, longest_ms)
    yield from settled(link)


def _check_silence(link: TesterLink, alarm: Alarm, least_ms: int, most_ms: int) -> Play[None]:
    before = yield from link.ask(Interrogate())
    for duration_ms in (0, least_ms - 1, most_ms + 1, U32):
        if 0 <= duration_ms <= U32 and not least_ms <= duration_ms <= most_ms:
            told = yield from refused_for(
                link,
                SilenceAlarm(alarm, duration_ms),
                (RefusalCode.OUT_OF_RANGE, Field.SILENCE_DURATION),
            )
            expect_numbers(told[0], value=duration_ms, minimum=least_ms, maximum=most_ms)
    after = yield from link.ask(Interrogate())
    expect_equal("alarms after these refusals", after.alarms, before.alarms)
    for duration_ms in (least_ms, most_ms):
        answer = yield from link.ask(SilenceAlarm(alarm, duration_ms))
        until_ms = answer.record.silenced_until_ms or 0
        expect(
            until_ms >= after.at_ms + duration_ms,
            f"silenced_until_ms is {until_ms}, {duration_ms} ms after {after.at_ms} ms or later",
        )


# --- Tones -------------------------------------------------------------------------------------


@pump_case(
    "alarm/tone-interval-limits",
    Level.MUST,
    "ALARM-09 REF-03",
    expects="the limits that Identity tells; that of the other class is fixed",
)
def tone_interval_limits(tester: Tester) -> Play[None]:
    """Set the interval of the critical tone to what is allowed, and to 1 ms less or more."""
    link = yield from tester.link()
    before = yield from link.ask(Interrogate())
    identity = tester.identity
    least_ms = identity.minimum_critical_interval_ms
    most_ms = identity.maximum_critical_interval_ms
    critical = AlarmClass.CRITICAL
    for interval_ms in (0, least_ms - 1, most_ms + 1, U32):
        if 0 <= interval_ms <= U32 and not least_ms <= interval_ms <= most_ms:
            told = yield from refused_for(
                link,
                SetAlarmInterval(critical, interval_ms),
                (RefusalCode.OUT_OF_RANGE, Field.ALARM_INTERVAL),
            )
            expect_numbers(told[0], value=interval_ms, minimum=least_ms, maximum=most_ms)
    yield from fixed_interval(link)
    status = yield from link.ask(Interrogate())
    expect_equal("critical_interval_ms", status.critical_interval_ms, before.critical_interval_ms)
    for interval_ms in (least_ms, most_ms, before.critical_interval_ms):
        first = yield from next_record(link)
        answer = yield from link.ask(SetAlarmInterval(critical, interval_ms))
        told_ms = (answer.alarm_class, answer.interval_ms)
        expect_equal("class and interval of the answer", told_ms, (critical, interval_ms))
        status = yield from link.ask(Interrogate())
        expect_equal("critical_interval_ms", status.critical_interval_ms, interval_ms)
        noted = the_record((yield from log_from(link, first)), LogEvent.ALARM_INTERVAL_SET)
        expect_equal("a and b", (noted.a, noted.b), (critical, interval_ms))


@pump_case(
    "alarm/tone-priority",
    Level.MUST,
    "ALARM-03 ALARM-09",
    expects="the tones of the critical alarm alone until it is silenced, and of the other one then;"
    " a new interval counts from when the alarm was raised",
    hooks="advance",
)
def tone_priority(tester: Tester) -> Play[None]:
    """Read the next tone with a critical and a non-critical alarm active."""
    link = yield from tester.link()
    _, empty = yield from run_dry(link)
    status = yield from link.ask(Interrogate())
    alone(status, _LOW, _EMPTY)
    usual_ms = status.critical_interval_ms
    low = active(status, _LOW)
    longest_ms = tester.identity.maximum_critical_interval_ms
    for interval_ms in (usual_ms, longest_ms):
        yield from link.ask(SetAlarmInterval(AlarmClass.CRITICAL, interval_ms))
        status = yield from link.ask(Interrogate())
        what = f"next_tone_at_ms at an interval of {interval_ms} ms"
        expect_tone(status, empty, interval_ms, what)
    fixed_ms = yield from fixed_interval(link)
    answer = yield from link.ask(SilenceAlarm(_EMPTY, tester.identity.maximum_silence_critical_ms))
    status = yield from link.ask(Interrogate())
    until_ms = answer.record.silenced_until_ms or 0
    what = "next_tone_at_ms with the critical alarm silenced"
    if first_tone_after(low, fixed_ms, status.at_ms) < until_ms:
        expect_tone(status, low, fixed_ms, what)
    else:
        again_ms = first_tone_after(empty, longest_ms, until_ms - 1)
        expect_equal(what, status.next_tone_at_ms, again_ms)
    yield from link.ask(SetAlarmInterval(AlarmClass.CRITICAL, usual_ms))
    yield from settled(link)


@pump_case(
    "alarm/tone-test",
    Level.MUST,
    "ALARM-07 LOG-06",
    expects="the tone of the class with its duration, a record, and no alarm",
)
def tone_test(tester: Tester) -> Play[None]:
    """Have the tone of each class sounded."""
    link = yield from tester.link()
    before = yield from link.ask(Interrogate())
    for alarm_class in AlarmClass:
        first = yield from next_record(link)
        answer = yield from link.ask(TestAlarm(alarm_class))
        expect_equal("alarm_class of the answer", answer.alarm_class, alarm_class)
        expect(answer.duration_ms > 0, "duration_ms of the answer is 0: that is no tone")
        noted = the_record((yield from log_from(link, first)), LogEvent.ALARM_TESTED)
        told = (noted.a, noted.b, noted.link_id)
        expect_equal("a, b and link_id", told, (alarm_class, answer.duration_ms, link.link_id))
    after = yield from link.ask(Interrogate())
    expect_equal("alarms", after.alarms, before.alarms)
