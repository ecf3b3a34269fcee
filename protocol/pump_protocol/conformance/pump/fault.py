"""Cases about alarms that a fault raises, or that nobody did what was to be done."""

from typing import Final

from pump_protocol.codes import (
    STAGING_LIMIT_MS,
    Alarm,
    AlarmClass,
    AlarmFlag,
    Capability,
    LogEvent,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance, break_it, mend
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import (
    absent,
    active,
    log_from,
    next_record,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import (
    advance_to,
    drop,
    settled,
    shortly_before,
    with_low_reservoir,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    committed,
    on_therapy,
    other_dose,
    stopped,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.messages import (
    Interrogate,
    ReadPrescription,
    RollBackPrescription,
    StagePrescription,
)

_STALL_MS: Final = 20 * MINUTE_MS
_STOPPED_MS: Final = 48 * HOUR_MS
_INTERFERENCE: Final = 12
_LOOKS: Final = 3
"""Interrogations after which any pump knows that its motor turns again (ALARM-11)."""


# --- Motor -------------------------------------------------------------------------------------


@pump_case(
    "alarm/motor-stall",
    Level.MUST,
    "ALARM-10 ALARM-11 MSG-10",
    expects="the alarm 20 min after the motor stood still or later, within the hour; no flow, but"
    " reckoning on; gone with MOTOR_RECOVERED once the pump knows that the motor turns",
    hooks="inject clear advance",
)
def motor_stall(tester: Tester) -> Play[None]:
    """Have the motor stand still for an hour."""
    link = yield from tester.link()
    before = yield from settled(link)
    prescription = yield from on_therapy(link)
    first = yield from next_record(link)
    yield from break_it("motor_stall")
    after = yield from link.ask(Interrogate())
    status = yield from shortly_before(link, before.at_ms + _STALL_MS)
    absent(status, Alarm.MOTOR_STALL, "before 20 min were over")
    status = yield from advance_to(link, after.at_ms + HOUR_MS)
    record = active(status, Alarm.MOTOR_STALL)
    # When the first step is due that is not taken, the pump knows alone.
    expect(
        before.at_ms + _STALL_MS <= record.raised_at_ms <= status.at_ms,
        f"raised_at_ms is {record.raised_at_ms}, {record.raised_at_ms - before.at_ms} ms after the"
        f" motor turned; expected: {_STALL_MS} ms after it or later",
    )
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    commanded_nl = prescription.rate_nl_per_day * (status.at_ms - before.at_ms) // DAY_MS
    delivered_nl = status.delivered_nl - before.delivered_nl
    expect(
        abs(delivered_nl - commanded_nl) <= 1,
        f"delivered_nl went up by {delivered_nl} nL; commanded were {commanded_nl}",
    )
    yield from mend("motor_stall")
    for _ in range(_LOOKS):
        status = yield from link.ask(Interrogate())
    absent(status, Alarm.MOTOR_STALL, "after the motor turned again")
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day after the stall", status.infusing_nl_per_day, rate)
    entries = yield from log_from(link, first)
    noted = the_record(entries, LogEvent.MOTOR_RECOVERED)
    expect(
        before.at_ms <= noted.a <= record.raised_at_ms - _STALL_MS,
        f"a of MOTOR_RECOVERED is {noted.a}; the stall began at {after.at_ms} ms",
    )
    expect(noted.a < noted.b <= status.at_ms, f"b of MOTOR_RECOVERED is {noted.b}")


@pump_case(
    "alarm/short-stall",
    Level.MUST,
    "ALARM-11",
    expects="no alarm, no record",
    hooks="inject clear advance",
)
def short_stall(tester: Tester) -> Play[None]:
    """Have the motor stand still for a little less than 20 min, twice, with an hour between."""
    link = yield from tester.link()
    yield from settled(link)
    first = yield from next_record(link)
    for _ in range(2):
        yield from break_it("motor_stall")
        yield from advance(_STALL_MS - MINUTE_MS)
        yield from mend("motor_stall")
        for _ in range(_LOOKS):
            status = yield from link.ask(Interrogate())
            absent(status, Alarm.MOTOR_STALL, "after a stall of less than 20 min")
        yield from advance(HOUR_MS)  # in which it turns: the next stall is another one
    written = [each.event.name for each in (yield from log_from(link, first))]
    expect_equal("records of the stalls", written, [])


@pump_case(
    "alarm/held-by-interference",
    Level.MUST,
    "ALARM-16 ROLE-04",
    expects="INFUSION_STOPPED and INFUSION_RESUMED with a = 12, orders refused with INFUSION_HELD"
    " until the next interrogation, which shows the pump after the release",
    hooks="inject advance",
)
def held_by_interference(tester: Tester) -> Play[None]:
    """Strong interference while an alarm sounds, a bolus, and an interrogation."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    prescription, _ = yield from with_low_reservoir(link)
    first = yield from next_record(link)
    yield from break_it("mri_scan", latches_telemetry=True, field_ms=MINUTE_MS, recovery_ms=0)
    yield from advance(5 * MINUTE_MS)
    bolus = next_bolus(link, prescription)
    yield from link.refused(bolus, RefusalCode.INFUSION_HELD)
    rate = prescription.rate_nl_per_day
    stop = the_record((yield from log_from(link, first)), LogEvent.INFUSION_STOPPED)
    expect_equal("a and b of INFUSION_STOPPED", (stop.a, stop.b), (_INTERFERENCE, rate))
    status = yield from link.ask(Interrogate())
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate)
    entries = yield from log_from(link, first)
    resumed = the_record(entries, LogEvent.INFUSION_RESUMED)
    expect_equal("a and b of INFUSION_RESUMED", (resumed.a, resumed.b), (_INTERFERENCE, rate))
    raised = [Alarm(each.a).name for each in entries if each.event is LogEvent.ALARM_RAISED]
    expect(not raised, f"the hold raised an alarm: {', '.join(raised)}")
    yield from settled(link)


# --- Stopped, and not updated ------------------------------------------------------------------


@pump_case(
    "alarm/stopped-too-long",
    Level.MUST,
    "ALARM-01 ALARM-02",
    expects="the alarm 48 h after the first of two stops, and none with another mode",
    hooks="advance",
)
def stopped_too_long(tester: Tester) -> Play[None]:
    """Stop a pump, stop it anew a day later, wait for the alarm, and start it again."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    _, begun = yield from committed(link, stopped(prescription))
    yield from advance(DAY_MS)
    yield from committed(link, stopped(prescription))
    wanted_ms = begun.committed_at_ms + _STOPPED_MS
    status = yield from shortly_before(link, wanted_ms)
    absent(status, Alarm.STOPPED_TOO_LONG, "before 48 h were over")
    status = yield from advance_to(link, wanted_ms)
    record = active(status, Alarm.STOPPED_TOO_LONG)
    expect_equal("raised_at_ms", record.raised_at_ms, wanted_ms)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    yield from on_therapy(link)
    status = yield from link.ask(Interrogate())
    absent(status, Alarm.STOPPED_TOO_LONG, "with another mode: it does not latch")


@pump_case(
    "alarm/update-incomplete",
    Level.MUST,
    "ALARM-14 PROG-11",
    expects="the alarm and STAGING_EXPIRED; the old prescription in force; accepted, without"
    " ROLLED_BACK, is the roll-back that ends the condition",
    waits_ms=STAGING_LIMIT_MS + 1_000,
)
def update_incomplete(tester: Tester) -> Play[None]:
    """Stage a prescription and neither commit it nor roll it back in time."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    first = yield from next_record(link)
    other = other_dose(tester.identity, prescription)
    yield from link.ask(StagePrescription(other))
    before = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    yield from tester.wait(STAGING_LIMIT_MS + 1_000)
    link = yield from tester.link()  # nobody has asked anything in the old one
    status = yield from link.ask(Interrogate())
    record = active(status, Alarm.UPDATE_INCOMPLETE)
    expect(AlarmFlag.LATCHED in record.flags, f"flags are {record.flags!r} without LATCHED")
    expect_equal("has_pending", status.has_pending, False)
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate)
    now = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    expect_equal("prescription in force", now, before)
    entries = yield from log_from(link, first)
    expired = the_record(entries, LogEvent.STAGING_EXPIRED)
    told = (expired.a, expired.b)
    wanted = (other.rate_nl_per_day, other.daily_dose_ng)
    expect_equal("a and b of STAGING_EXPIRED", told, wanted)
    expect_equal("raised_at_ms", record.raised_at_ms, expired.at_ms)
    raised = the_record(entries, LogEvent.ALARM_RAISED, Alarm.UPDATE_INCOMPLETE)
    told = (raised.b, raised.link_id)
    expect_equal("b and link_id of ALARM_RAISED", told, (AlarmClass.CRITICAL, 0))
    first = yield from next_record(link)
    yield from link.ask(RollBackPrescription())
    written = [each.event for each in (yield from log_from(link, first))]
    expect(LogEvent.ROLLED_BACK not in written, "ROLLED_BACK is written, but nothing was pending")
    yield from link.refused(RollBackPrescription(), RefusalCode.NOTHING_STAGED)
    yield from drop(link, Alarm.UPDATE_INCOMPLETE, "after a roll-back")
