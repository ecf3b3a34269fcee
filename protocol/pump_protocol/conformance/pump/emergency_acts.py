"""Cases about what emergency messages do to a pump, and what is written of it."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    AccessEvent,
    Alarm,
    AlarmClass,
    AlarmFlag,
    Capability,
    Field,
    LogEvent,
    Mode,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import accepted, expect, expect_equal, plain_response
from pump_protocol.conformance.hooks import lay_on_and_press, lift_off, reset
from pump_protocol.conformance.pump.common.emergencies import ALL, all_refused, restored
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import (
    access_log,
    active,
    log_from,
    next_record,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import advance_to, settled
from pump_protocol.conformance.pump.common.strangers import Happened
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_patient_bolus,
    a_periodic_bolus,
    on_therapy,
    other_dose,
    periodic,
    steady,
    stopped,
)
from pump_protocol.conformance.times import HOUR_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    CommitPrescription,
    EmergencyMinimumRate,
    EmergencyStatus,
    EmergencyStop,
    Interrogate,
    Prescription,
    ReadPrescription,
    StagePrescription,
    StatusReport,
)
from pump_protocol.payloads import prescription_digest

_STOPPED_TOO_LONG_MS: Final = 48 * HOUR_MS
_SHORTEST_MS: Final = 60_000
"""A bolus that still runs when the next request arrives lasts at least so long."""


def _current(link: TesterLink) -> Play[Prescription]:
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    expect_equal(
        "digest of the prescription in force",
        report.digest,
        prescription_digest(report.version, report.prescription),
    )
    return report.prescription


# --- The minimum rate --------------------------------------------------------------------------


@pump_case(
    "emergency/minimum-rate",
    Level.MUST,
    "EMERG-01 EMERG-02 EMERG-05",
    expects="mode MINIMUM_RATE of the same drugs and threshold, without patient bolus, and the next"
    " version; the open link goes on",
    hooks="proximity button",
)
def minimum_rate(tester: Tester) -> Play[None]:
    """EmergencyMinimumRate while a prescription is in force, with a patient bolus if the pump has
    such, and a link is open."""
    link = yield from tester.link()
    wanted = steady(tester.identity)
    if Capability.PATIENT_BOLUS in tester.identity.capabilities:
        bolus = a_patient_bolus(tester.identity, wanted.drugs[0])
        wanted = replace(wanted, patient_boluses=(replace(bolus, allotted_per_day=1),))
    yield from settled(link)
    old = yield from on_therapy(link, wanted)
    before = yield from link.ask(Interrogate())
    yield from lay_on_and_press()
    done = yield from tester.ask_outside(EmergencyMinimumRate())
    rate = tester.identity.minimum_rate_nl_per_day
    expect_equal("rate_nl_per_day of the answer", done.rate_nl_per_day, rate)
    expect_equal("version of the answer", done.version, before.prescription_version + 1)
    after = yield from link.ask(Interrogate())
    new = yield from _current(link)
    expect_equal("mode in force", new.mode, Mode.MINIMUM_RATE)
    expect_equal("rate in force", new.rate_nl_per_day, rate)
    expect_equal("infusing_nl_per_day", after.infusing_nl_per_day, rate)
    expect_equal("prescription_version", after.prescription_version, done.version)
    _as_before(new, old)
    expect(before.at_ms <= done.at_ms <= after.at_ms, f"at_ms of the answer is {done.at_ms}")
    yield from restored(link)


def _as_before(new: Prescription, old: Prescription) -> None:
    """What an emergency leaves of a prescription, and what it does not."""
    expect_equal("drugs in force", new.drugs, old.drugs)
    expect_equal(
        "low_reservoir_threshold_nl in force",
        new.low_reservoir_threshold_nl,
        old.low_reservoir_threshold_nl,
    )
    expect_equal("patient boluses in force", new.patient_boluses, ())
    expect_equal("bridges in force", new.bridges, ())


@pump_case(
    "emergency/never-up",
    Level.MUST,
    "EMERG-05 REF-01",
    expects="WRONG_MODE / MODE, and what is prescribed goes on",
    hooks="proximity button",
)
def never_up(tester: Tester) -> Play[None]:
    """EmergencyMinimumRate while the mode is STOPPED; and while periodic boluses give less in a day
    than the minimum rate, if the pump has them."""
    link = yield from tester.link()
    lower = [stopped(steady(tester.identity))]
    if Capability.PERIODIC_BOLUS in tester.identity.capabilities:
        lower += _below_the_minimum(tester)
    yield from lay_on_and_press()
    for prescription in lower:
        yield from on_therapy(link, prescription)
        version = (yield from link.ask(Interrogate())).prescription_version
        code = RefusalCode.WRONG_MODE
        yield from tester.refused_outside(EmergencyMinimumRate(), code, Field.MODE)
        after = yield from link.ask(Interrogate())
        expect_equal("prescription_version", after.prescription_version, version)
        expect_equal("mode in force", after.prescription.mode, prescription.mode)
        _not_active(after, "though nothing was done")
    yield from restored(link)


def _below_the_minimum(tester: Tester) -> list[Prescription]:
    """Periodic boluses as seldom as the pump takes them, without a basal rate, if that is less."""
    identity = tester.identity
    base = steady(identity)
    bolus = a_periodic_bolus(
        identity, base.drugs[0], interval_ms=identity.maximum_bolus_interval_ms
    )
    prescription = periodic(base, replace(bolus, basal_rate_nl_per_day=0))
    less = prescription.rate_nl_per_day < identity.minimum_rate_nl_per_day
    return [prescription] if less else []


# --- The stop ----------------------------------------------------------------------------------


@pump_case(
    "emergency/stop",
    Level.MUST,
    "EMERG-01 EMERG-02 EMERG-06",
    expects="mode STOPPED of the same drugs and threshold, nothing flows, next version, and the"
    " alarm is due 48 h later; EmergencyStatus tells the same",
    hooks="proximity button",
)
def stop(tester: Tester) -> Play[None]:
    """EmergencyStop while a prescription is in force and a link is open."""
    link = yield from tester.link()
    yield from settled(link)
    old = yield from on_therapy(link)
    before = yield from link.ask(Interrogate())
    yield from lay_on_and_press()
    done = yield from tester.ask_outside(EmergencyStop())
    report = yield from tester.ask_outside(EmergencyStatus())
    after = yield from link.ask(Interrogate())
    new = yield from _current(link)
    expect_equal("version of the answer", done.version, before.prescription_version + 1)
    expect(before.at_ms <= done.at_ms <= after.at_ms, f"at_ms of the answer is {done.at_ms}")
    due_ms = done.at_ms + _STOPPED_TOO_LONG_MS
    expect_equal("stopped_alarm_at_ms of the answer", done.stopped_alarm_at_ms, due_ms)
    told = report.stopped_alarm_at_ms
    expect_equal("stopped_alarm_at_ms of EmergencyStatus", told, due_ms)
    told_alarms = [(each.alarm, each.raised_at_ms) for each in report.alarms]
    listed = [(each.alarm, each.raised_at_ms) for each in after.alarms]
    expect_equal("alarms of EmergencyStatus", told_alarms, listed)
    expect_equal("mode in force", new.mode, Mode.STOPPED)
    expect_equal("rate in force", new.rate_nl_per_day, 0)
    expect_equal("infusing_nl_per_day", after.infusing_nl_per_day, 0)
    expect_equal("prescription_version", after.prescription_version, done.version)
    _as_before(new, old)
    yield from restored(link)


@pump_case(
    "emergency/at-the-end-of-service",
    Level.MUST,
    "EMERG-05 EMERG-06 ALARM-08",
    expects="END_OF_SERVICE / NONE; EmergencyStatus is answered",
    hooks="proximity button advance",
    fresh=True,
)
def at_the_end_of_service(tester: Tester) -> Play[None]:
    """The three emergency messages when the service of the pump has ended."""
    link = yield from tester.link()
    first = yield from link.ask(Interrogate())
    if first.eos_at_ms is None:
        raise Unsupported("the pump tells no end of its service")
    yield from advance_to(link, first.eos_at_ms)
    ended = yield from link.ask(Interrogate())
    yield from advance_to(link, ended.eos_at_ms or ended.at_ms)
    active((yield from link.ask(Interrogate())), Alarm.EOS)
    yield from lay_on_and_press()
    for request in (EmergencyMinimumRate(), EmergencyStop()):
        yield from tester.refused_outside(request, RefusalCode.END_OF_SERVICE, Field.NONE)
    report = yield from tester.ask_outside(EmergencyStatus())
    expect_equal("infusing_nl_per_day of EmergencyStatus", report.infusing_nl_per_day, 0)
    yield from lift_off()


# --- What both do ------------------------------------------------------------------------------


@pump_case(
    "emergency/drops-what-is-staged",
    Level.MUST,
    "EMERG-05 EMERG-06 EMERG-07",
    expects="nothing is pending, ROLLED_BACK in the log with link id 0, and the commit is refused",
    hooks="proximity button",
)
def drops_what_is_staged(tester: Tester) -> Play[None]:
    """A prescription is staged, then EmergencyMinimumRate; another, then EmergencyStop; a third,
    and EmergencyStop again."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    pending = other_dose(tester.identity, prescription)
    yield from lay_on_and_press()
    for request in (EmergencyMinimumRate(), EmergencyStop(), EmergencyStop()):
        staged = yield from link.ask(StagePrescription(pending))
        first = yield from next_record(link)
        yield from tester.ask_outside(request)
        records = yield from log_from(link, first)
        expect_equal("link_id of ROLLED_BACK", the_record(records, LogEvent.ROLLED_BACK).link_id, 0)
        commit = CommitPrescription(staged.digest)
        yield from link.refused(commit, RefusalCode.NOTHING_STAGED)
    yield from restored(link)


@pump_case(
    "emergency/ends-a-bolus",
    Level.MUST,
    "EMERG-05 EMERG-06 EMERG-08",
    expects="BOLUS_ABORTED with link id 0, and no bolus runs",
    hooks="proximity button",
)
def ends_a_bolus(tester: Tester) -> Play[None]:
    """A bolus is running when EmergencyMinimumRate comes, and another when EmergencyStop does."""
    tester.needs(Capability.SINGLE_BOLUS)
    if tester.identity.maximum_bolus_duration_ms < _SHORTEST_MS:
        raise Unsupported("every bolus of the pump is over within a minute")
    link = yield from tester.link()
    yield from settled(link)
    yield from lay_on_and_press()
    for request in (EmergencyMinimumRate(), EmergencyStop()):
        prescription = yield from on_therapy(link)
        order = next_bolus(link, prescription)
        yield from link.ask(order)
        first = yield from next_record(link)
        yield from tester.ask_outside(request)
        records = yield from log_from(link, first)
        aborted = the_record(records, LogEvent.BOLUS_ABORTED)
        expect_equal("link_id of BOLUS_ABORTED", aborted.link_id, 0)
        expect_equal("order number in BOLUS_ABORTED", aborted.b, order.order_number)
        after = yield from link.ask(Interrogate())
        wanted = (
            tester.identity.minimum_rate_nl_per_day
            if isinstance(request, EmergencyMinimumRate)
            else 0
        )
        expect_equal("infusing_nl_per_day", after.infusing_nl_per_day, wanted)
    yield from restored(link)


@pump_case(
    "emergency/in-the-therapy-log",
    Level.MUST,
    "EMERG-08 LOG-05",
    expects="EMERGENCY_MINIMUM_RATE or EMERGENCY_STOPPED with the old and the new rate, COMMITTED"
    " and MODE_CHANGED, each with link id 0 and the new version",
    hooks="proximity button",
)
def in_the_therapy_log(tester: Tester) -> Play[None]:
    """The therapy log after EmergencyMinimumRate, and after EmergencyStop that follows it."""
    link = yield from tester.link()
    yield from settled(link)
    old = yield from on_therapy(link)
    lowest = tester.identity.minimum_rate_nl_per_day
    yield from lay_on_and_press()
    for request, event, rates, modes in (
        (
            EmergencyMinimumRate(),
            LogEvent.EMERGENCY_MINIMUM_RATE,
            (old.rate_nl_per_day, lowest),
            (old.mode, Mode.MINIMUM_RATE),
        ),
        (
            EmergencyStop(),
            LogEvent.EMERGENCY_STOPPED,
            (lowest, 0),
            (Mode.MINIMUM_RATE, Mode.STOPPED),
        ),
    ):
        first = yield from next_record(link)
        yield from tester.ask_outside(request)
        records = yield from log_from(link, first)
        version = (yield from link.ask(Interrogate())).prescription_version
        for each, numbers in (
            (event, rates),
            (LogEvent.COMMITTED, rates),
            (LogEvent.MODE_CHANGED, modes),
        ):
            record = the_record(records, each)
            expect_equal(f"a and b of {each.name}", (record.a, record.b), numbers)
            expect_equal(f"link_id of {each.name}", record.link_id, 0)
            told = record.prescription_version
            expect_equal(f"prescription_version of {each.name}", told, version)
    yield from restored(link)


@pump_case(
    "emergency/alarm",
    Level.MUST,
    "EMERG-08 ALARM-17",
    expects="EMERGENCY_ACTION, critical and active, until the next commit",
    hooks="proximity button",
)
def alarm(tester: Tester) -> Play[None]:
    """The alarms after EmergencyMinimumRate and after EmergencyStop, before and after a commit."""
    link = yield from tester.link()
    for request in (EmergencyMinimumRate(), EmergencyStop()):
        yield from on_therapy(link)
        yield from lay_on_and_press()
        first = yield from next_record(link)
        yield from tester.ask_outside(request)
        active((yield from link.ask(Interrogate())), Alarm.EMERGENCY_ACTION)
        records = yield from log_from(link, first)
        raised = the_record(records, LogEvent.ALARM_RAISED, Alarm.EMERGENCY_ACTION)
        expect_equal("class of EMERGENCY_ACTION", raised.b, AlarmClass.CRITICAL)
        yield from restored(link)
        _not_active((yield from link.ask(Interrogate())), "after a commit")


def _not_active(report: StatusReport, when: str) -> None:
    """EMERGENCY_ACTION latches: it may be listed still, from another time."""
    for each in report.alarms:
        if each.alarm is Alarm.EMERGENCY_ACTION:
            expect(
                AlarmFlag.ACTIVE not in each.flags and each.cleared_at_ms is not None,
                f"EMERGENCY_ACTION is active {when}",
            )


@pump_case(
    "emergency/settles-nothing-else",
    Level.MUST,
    "ALARM-17 ALARM-13",
    expects="SAFE_STATE active still, beside EMERGENCY_ACTION, until the next commit",
    hooks="reset proximity button",
    fresh=True,
)
def settles_nothing_else(tester: Tester) -> Play[None]:
    """EmergencyStop when a pump is in its safe state after a reset."""
    yield from reset("commanded")
    link = yield from tester.link()
    active((yield from link.ask(Interrogate())), Alarm.SAFE_STATE)
    yield from lay_on_and_press()
    yield from tester.ask_outside(EmergencyStop())
    after = yield from link.ask(Interrogate())
    active(after, Alarm.SAFE_STATE)
    active(after, Alarm.EMERGENCY_ACTION)
    yield from restored(link)
    after = yield from link.ask(Interrogate())
    _not_active(after, "after a commit")


@pump_case(
    "emergency/twice-is-once",
    Level.MUST,
    "EMERG-07 EMERG-10",
    expects="the same answer, no new version, no record, and the alarm as it was",
    hooks="proximity button",
)
def twice_is_once(tester: Tester) -> Play[None]:
    """EmergencyMinimumRate three times, and EmergencyStop three times: under a new number and in
    identical bytes."""
    link = yield from tester.link()
    yield from settled(link)
    yield from lay_on_and_press()
    for request in (EmergencyMinimumRate(), EmergencyStop()):
        done = yield from tester.ask_outside(request)
        before = yield from link.ask(Interrogate())
        first = yield from next_record(link)
        again = yield from tester.ask_outside(request)
        expect_equal(f"the second answer to {type(request).__name__}", again, done)
        data = frame_bytes(request.message_type, 0, 77, b"")
        for _ in range(2):
            answer = yield from tester.exchange(data)
            repeated = accepted(request, plain_response(answer, 0, 77))
            expect_equal(f"a later answer to {type(request).__name__}", repeated, done)
        after = yield from link.ask(Interrogate())
        records = yield from log_from(link, first)
        names = ", ".join(each.event.name for each in records) or "none"
        expect_equal("records of what changes nothing", names, "none")
        expect_equal("alarms", after.alarms, before.alarms)
        expect_equal(
            "prescription_version", after.prescription_version, before.prescription_version
        )
    yield from restored(link)


@pump_case(
    "emergency/in-the-access-log",
    Level.MUST,
    "EMERG-08 EMERG-04 SEC-07 LOG-02",
    expects="EMERGENCY_ASKED of each that was carried out, REFUSED of each that was not, both with"
    " link id 0; none is recorded as an interrogation",
    hooks="proximity button",
)
def in_the_access_log(tester: Tester) -> Play[None]:
    """The three emergency messages, refused with NOT_NEAR and carried out; the access log before
    and after."""
    link = yield from tester.link()
    yield from settled(link)
    before = yield from access_log(link)
    yield from lift_off()
    yield from all_refused(tester, RefusalCode.NOT_NEAR)
    yield from lay_on_and_press()
    for request in ALL:
        yield from tester.ask_outside(request)
    after = yield from access_log(link)
    for request in ALL:
        kind = request.message_type
        for event, code in (
            (AccessEvent.EMERGENCY_ASKED, 0),
            (AccessEvent.REFUSED, RefusalCode.NOT_NEAR),
        ):
            Happened(event, code, kind).counted(before, after, link_id=0)
        read = Happened(AccessEvent.INTERROGATED, 0, kind).in_log(after)
        expect(read is None, f"{type(request).__name__} is recorded as an interrogation")
    yield from restored(link)
