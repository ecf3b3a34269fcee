"""Cases about alarms of the pump itself: its memory, its resets, the end of its service."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    DIGEST_BYTES,
    Alarm,
    AlarmClass,
    Capability,
    Check,
    LogEvent,
    Mode,
    PrescriptionSlot,
    RefusalCode,
    ServiceState,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance, break_it, lay_on, lift_off, press, reset
from pump_protocol.conformance.pump.common.orders import next_bolus, take_order
from pump_protocol.conformance.pump.common.reading import (
    absent,
    active,
    alone,
    listed,
    log_from,
    next_record,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import (
    SHORTLY_MS,
    advance_to,
    drop,
    refill,
    settled,
    shortly_before,
    with_low_reservoir,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    committed,
    on_therapy,
    stopped,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AcknowledgeAlarm,
    CommitPrescription,
    EmergencyMinimumRate,
    EmergencyStatus,
    EmergencyStop,
    Interrogate,
    ReadLog,
    ReadNote,
    ReadPrescription,
    Request,
    RequestPatientBolus,
    Response,
    SelfTest,
    SetAlarmInterval,
    SilenceAlarm,
    StagePrescription,
    StatusReport,
    TestAlarm,
    UpdateReservoir,
    WriteNote,
)

_SERVICE_LEFT_MS: Final = 90 * DAY_MS
_RESET_BY_MEMORY: Final = 3
_RESET_COMMANDED: Final = 4


# --- Memory ------------------------------------------------------------------------------------


@pump_case(
    "alarm/memory-repaired",
    Level.MUST,
    "ALARM-12 CLOCK-03 CLOCK-04",
    expects="MEMORY_ERROR_FOUND with the copy, repaired; the alarm until a commit; therapy goes on,"
    " and the self-test passes as to the prescription",
    hooks="inject",
)
def memory_repaired(tester: Tester) -> Play[None]:
    """Damage each copy of the prescription in turn, and have the pump look."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    for region in (1, 2):
        before = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
        first = yield from next_record(link)
        yield from break_it("memory_error", region=region)
        report = yield from link.ask(SelfTest())
        passed = {each.check: each.passed for each in report.results}
        expect(passed.get(Check.PRESCRIPTION, False), "the check PRESCRIPTION has failed")
        entries = yield from log_from(link, first)
        found = the_record(entries, LogEvent.MEMORY_ERROR_FOUND)
        expect_equal("a and b of MEMORY_ERROR_FOUND", (found.a, found.b), (region, 1))
        status = yield from link.ask(Interrogate())
        active(status, Alarm.MEMORY_ERROR)
        rate = prescription.rate_nl_per_day
        expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate)
        now = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
        expect_equal("prescription in force", now, before)
        yield from committed(link, prescription)
        yield from drop(link, Alarm.MEMORY_ERROR, "after a commit")


@pump_case(
    "alarm/memory-looked-at-hourly",
    Level.MUST,
    "ALARM-12",
    expects="the alarm at the next whole hour of pump time",
    hooks="inject advance",
)
def memory_looked_at_hourly(tester: Tester) -> Play[None]:
    """Damage one copy of the prescription, and let an hour pass."""
    link = yield from tester.link()
    status = yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from advance(HOUR_MS - status.at_ms % HOUR_MS + 5 * MINUTE_MS)
    yield from break_it("memory_error", region=2)
    status = yield from link.ask(Interrogate())
    wanted_ms = (status.at_ms // HOUR_MS + 1) * HOUR_MS
    status = yield from advance_to(link, wanted_ms)
    record = active(status, Alarm.MEMORY_ERROR)
    expect_equal("raised_at_ms", record.raised_at_ms, wanted_ms)
    yield from committed(link, prescription)
    yield from drop(link, Alarm.MEMORY_ERROR, "after a commit")


@pump_case(
    "alarm/note-damaged",
    Level.MUST,
    "ALARM-12 CLOCK-04",
    expects="MEMORY_ERROR_FOUND with region 3, not repaired; no text and intact 0 until the note is"
    " written anew",
    hooks="inject",
)
def note_damaged(tester: Tester) -> Play[None]:
    """Damage the note, have the pump look, read it, and write another."""
    link = yield from tester.link()
    yield from settled(link)
    yield from link.ask(WriteNote("checked in the morning"))
    first = yield from next_record(link)
    yield from break_it("memory_error", region=3)
    yield from link.ask(SelfTest())
    found = the_record((yield from log_from(link, first)), LogEvent.MEMORY_ERROR_FOUND)
    expect_equal("a and b of MEMORY_ERROR_FOUND", (found.a, found.b), (3, 0))
    status = yield from link.ask(Interrogate())
    active(status, Alarm.MEMORY_ERROR)
    note = yield from link.ask(ReadNote())
    expect_equal("intact and text of a damaged note", (note.intact, note.text), (False, ""))
    yield from link.ask(WriteNote("anew"))
    note = yield from link.ask(ReadNote())
    expect_equal("intact and text of the next note", (note.intact, note.text), (True, "anew"))
    yield from drop(link, Alarm.MEMORY_ERROR, "after the note was written anew")


@pump_case(
    "alarm/memory-lost",
    Level.MUST,
    "ALARM-12 ALARM-13",
    expects="MEMORY_ERROR_FOUND for both, not repaired, and RESET; CRITICAL_MEMORY_ERROR and"
    " SAFE_STATE: the minimum rate, no drug, nothing guessed",
    hooks="inject",
    fresh=True,
)
def memory_lost(tester: Tester) -> Play[None]:
    """Damage both copies of the prescription, and have the pump look."""
    link = yield from tester.link()
    before = yield from settled(link)
    first = yield from next_record(link)
    for region in (1, 2):
        yield from break_it("memory_error", region=region)
    yield from link.ask(SelfTest())
    link = yield from tester.link()  # a reset may end the link
    entries = yield from log_from(link, first)
    found = [(each.a, each.b) for each in entries if each.event is LogEvent.MEMORY_ERROR_FOUND]
    expect_equal("a and b of MEMORY_ERROR_FOUND", sorted(found), [(1, 0), (2, 0)])
    expect_equal("a of RESET", the_record(entries, LogEvent.RESET).a, _RESET_BY_MEMORY)
    status = yield from link.ask(Interrogate())
    active(status, Alarm.CRITICAL_MEMORY_ERROR)
    active(status, Alarm.SAFE_STATE)
    _expect_safe(tester, status)
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    told = (report.prescription.drugs, report.prescription.daily_dose_ng)
    expect_equal("drugs and daily_dose_ng", told, ((), 0))
    expect_equal("version of the safe state", report.version, before.prescription_version + 1)
    yield from on_therapy(link)
    yield from drop(link, Alarm.CRITICAL_MEMORY_ERROR, "after a commit")
    yield from drop(link, Alarm.SAFE_STATE, "after a commit")


def _expect_safe(tester: Tester, status: StatusReport) -> None:
    expect_equal("mode", status.prescription.mode, Mode.MINIMUM_RATE)
    lowest = tester.identity.minimum_rate_nl_per_day
    expect_equal("rate_nl_per_day", status.prescription.rate_nl_per_day, lowest)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, lowest)


# --- Reset -------------------------------------------------------------------------------------


@pump_case(
    "alarm/safe-state",
    Level.MUST,
    "ALARM-13 ALARM-09 LINK-15",
    expects="the minimum rate of the same drug under the next version; SAFE_STATE until a commit;"
    " volumes, clock, note, alarms, interval and log survive; nothing is pending any more",
    hooks="reset",
    fresh=True,
)
def safe_state(tester: Tester) -> Play[None]:
    """Reset a pump with an alarm, a note, an interval of its own and a prescription pending."""
    link = yield from tester.link()
    prescription, low = yield from with_low_reservoir(link)
    most_ms = tester.identity.maximum_critical_interval_ms
    yield from link.ask(SetAlarmInterval(AlarmClass.CRITICAL, most_ms))
    yield from link.ask(WriteNote("to survive"))
    yield from link.ask(StagePrescription(prescription))
    before = yield from link.ask(Interrogate())
    first = yield from next_record(link)
    yield from reset("commanded")
    link = yield from tester.link()
    status = yield from link.ask(Interrogate())
    active(status, Alarm.SAFE_STATE)
    _expect_safe(tester, status)
    for what, now, wanted in (
        ("prescription_version", status.prescription_version, before.prescription_version + 1),
        ("drug_name", status.prescription.drug_name, before.prescription.drug_name),
        ("has_pending", status.has_pending, False),
        ("implanted_clock_ms", status.implanted_clock_ms, before.implanted_clock_ms),
        ("critical_interval_ms", status.critical_interval_ms, most_ms),
        ("LOW_RESERVOIR", listed(status, Alarm.LOW_RESERVOIR), low),
        ("last_refill_at_ms", status.last_refill_at_ms, before.last_refill_at_ms),
        ("the note", (yield from link.ask(ReadNote())).text, "to survive"),
    ):
        expect_equal(f"{what} after a reset", now, wanted)
    used_nl = before.believed_volume_nl - status.believed_volume_nl
    most_nl = before.infusing_nl_per_day * (status.at_ms - before.at_ms) // DAY_MS + 1
    expect(0 <= used_nl <= most_nl, f"{used_nl} nL of the believed volume are gone with the reset")
    entries = yield from log_from(link, first)
    expect_equal("a of RESET", the_record(entries, LogEvent.RESET).a, _RESET_COMMANDED)
    the_record(entries, LogEvent.ROLLED_BACK)
    if Capability.SINGLE_BOLUS in tester.identity.capabilities:
        bolus = next_bolus(link, prescription)
        yield from link.refused(bolus, RefusalCode.WRONG_MODE)
    yield from on_therapy(link)
    yield from drop(link, Alarm.SAFE_STATE, "after a commit")


# --- End of service ----------------------------------------------------------------------------


@pump_case(
    "alarm/end-of-service",
    Level.MUST,
    "ALARM-08 ALARM-13 MSG-10 PROG-13",
    expects="no flow for ever, therapy refused with END_OF_SERVICE, everything else answered; no"
    " acknowledgement and no reset clears it",
    hooks="inject reset",
    fresh=True,
)
def end_of_service(tester: Tester) -> Play[None]:
    """Let the battery fail, try everything, acknowledge it, and reset the pump."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    staged = yield from link.ask(StagePrescription(prescription))
    yield from break_it("battery_failure")
    yield from _expect_ended(link)
    requests: list[Request[Response]] = [
        StagePrescription(prescription),
        CommitPrescription(staged.digest),
        CommitPrescription(bytes(DIGEST_BYTES)),  # whatever its digest
        UpdateReservoir(take_order(link), tester.identity.reservoir_capacity_nl),
    ]
    if Capability.SINGLE_BOLUS in tester.identity.capabilities:
        requests.append(next_bolus(link, prescription))
    if Capability.PATIENT_BOLUS in tester.identity.capabilities:
        requests.append(RequestPatientBolus(take_order(link)))
    for request in requests:
        yield from link.refused(request, RefusalCode.END_OF_SERVICE)
    current = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    again = yield from link.ask(CommitPrescription(current.digest))  # as PROG-13 has it
    expect_equal("version of a commit of what is in force", again.version, current.version)
    yield from link.ask(TestAlarm(AlarmClass.CRITICAL))
    yield from link.ask(SilenceAlarm(Alarm.EOS, tester.identity.minimum_silence_ms))
    yield from link.ask(AcknowledgeAlarm(Alarm.EOS))
    yield from link.ask(ReadLog(1, 1))
    report = yield from link.ask(SelfTest())
    passed = {each.check: each.passed for each in report.results}
    expect_equal("the check BATTERY", passed.get(Check.BATTERY), False)
    yield from _expect_ended(link)
    yield from reset("brown_out")
    link = yield from tester.link()
    yield from _expect_ended(link)


@pump_case(
    "alarm/end-of-service-emergency",
    Level.MUST,
    "ALARM-08",
    expects="END_OF_SERVICE for both that change therapy, and an answer to EmergencyStatus",
    hooks="inject proximity button",
    fresh=True,
)
def end_of_service_emergency(tester: Tester) -> Play[None]:
    """Ask for an emergency action when the battery has failed."""
    yield from break_it("battery_failure")
    yield from lay_on()
    for request in (EmergencyMinimumRate(), EmergencyStop()):
        yield from press()
        yield from tester.refused_outside(request, RefusalCode.END_OF_SERVICE)
    yield from press()
    told = yield from tester.ask_outside(EmergencyStatus())
    expect_equal("service_state", told.service_state, ServiceState.EOS)
    yield from lift_off()


def _expect_ended(link: TesterLink) -> Play[None]:
    status = yield from link.ask(Interrogate())
    record = active(status, Alarm.EOS)
    expect_equal("service_state", status.service_state, ServiceState.EOS)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    expect_equal("eos_at_ms", status.eos_at_ms, record.raised_at_ms)
    absent(status, Alarm.SAFE_STATE, "at the end of service")


@pump_case(
    "alarm/service-life",
    Level.MUST,
    "ALARM-01 ALARM-15 MSG-10",
    expects="REPLACEMENT_PLANNED, ERI and EOS at the very ms that was predicted, EOS 90 days after"
    " ERI; none of them before",
    hooks="advance",
    fresh=True,
)
def service_life(tester: Tester) -> Play[None]:
    """Let a pump that is stopped come to the end of its service."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from committed(link, stopped(prescription))
    status = yield from link.ask(Interrogate())
    planned_ms, eri_ms = status.replacement_planned_at_ms, status.eri_at_ms
    if planned_ms is None or eri_ms is None:
        raise Unsupported("the service life of the pump is not limited")
    if min(planned_ms, eri_ms) <= status.at_ms + SHORTLY_MS:
        raise Unsupported("the pump is too old: its replacement is due already")
    eos_ms = eri_ms + _SERVICE_LEFT_MS
    expect_equal("eos_at_ms", status.eos_at_ms, eos_ms)
    for alarm, at_ms, state in (
        (Alarm.REPLACEMENT_PLANNED, planned_ms, ServiceState.IN_SERVICE),
        (Alarm.ERI, eri_ms, ServiceState.ERI),
        (Alarm.EOS, eos_ms, ServiceState.EOS),
    ):
        link = yield from tester.link()
        status = yield from shortly_before(link, at_ms)
        absent(status, alarm, f"before {at_ms} ms, for which it was predicted")
        status = yield from advance_to(link, at_ms)
        record = active(status, alarm)
        expect_equal(f"raised_at_ms of {alarm.name}", record.raised_at_ms, at_ms)
        expect_equal("service_state", status.service_state, state)
    yield from link.refused(
        replace(UpdateReservoir(0, 1), order_number=take_order(link)), RefusalCode.END_OF_SERVICE
    )
    unchanged = (status.replacement_planned_at_ms, status.eri_at_ms, status.eos_at_ms)
    expect_equal("dates, facts now", unchanged, (planned_ms, eri_ms, eos_ms))


@pump_case(
    "alarm/replacement-planned-is-silent",
    Level.MUST,
    "ALARM-15 ALARM-03",
    expects="the alarm at the stored date, and no tone of it",
    hooks="inject advance",
    fresh=True,
)
def replacement_planned_is_silent(tester: Tester) -> Play[None]:
    """Store a date of replacement an hour from now, and let it come."""
    link = yield from tester.link()
    status = yield from settled(link)
    if listed(status, Alarm.REPLACEMENT_PLANNED) is not None:
        raise Unsupported("the pump is too old: its replacement is due already")
    at_ms = status.at_ms + HOUR_MS
    yield from break_it("replacement_date", planned_at_ms=at_ms)
    status = yield from shortly_before(link, at_ms)
    absent(status, Alarm.REPLACEMENT_PLANNED, "before the date")
    expect_equal("replacement_planned_at_ms", status.replacement_planned_at_ms, at_ms)
    status = yield from advance_to(link, at_ms)
    record = active(status, Alarm.REPLACEMENT_PLANNED)
    expect_equal("raised_at_ms", record.raised_at_ms, at_ms)
    alone(status, Alarm.REPLACEMENT_PLANNED)
    expect_equal("next_tone_at_ms", status.next_tone_at_ms, None)
    yield from refill(link, tester.identity.reservoir_capacity_nl)
