"""Cases about what a refusal says, and what it leaves as it was."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    ABSENT,
    DIGEST_BYTES,
    MAX_DRUG_NAME_BYTES,
    MAX_LOG_ENTRIES,
    Alarm,
    AlarmClass,
    BolusKind,
    BridgeDecision,
    Capability,
    Field,
    MassUnit,
    Mode,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal, reason_text
from pump_protocol.conformance.pump.common.orders import take_order
from pump_protocol.conformance.pump.common.ready import settled
from pump_protocol.conformance.pump.common.reasons import expect_numbers, refusal, refused_for
from pump_protocol.conformance.pump.common.samples import stopped
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import a_bolus, a_drug, on_therapy
from pump_protocol.messages import (
    AbortBolus,
    AcknowledgeAlarm,
    CommitPrescription,
    Drug,
    Interrogate,
    OrderBolus,
    Prescription,
    ReadLog,
    ReadNote,
    ReadPrescription,
    RollBackPrescription,
    SetAlarmInterval,
    SetClock,
    SilenceAlarm,
    StagePrescription,
    UpdateReservoir,
    WriteNote,
)
from pump_protocol.units import U32, U64

_MAX_I64: Final = -ABSENT - 1


@pump_case(
    "refusal/changes-nothing",
    Level.MUST,
    "REF-01",
    expects="prescriptions, volumes, alarms, clock, note and therapy log as they were",
)
def refusal_changes_nothing(tester: Tester) -> Play[None]:
    """Requests of each kind that cannot be carried out, while a prescription is pending."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from link.ask(StagePrescription(prescription))
    before = yield from state_in(link)
    note = yield from link.ask(ReadNote())
    identity = tester.identity
    drug = prescription.drug or a_drug(identity)
    bolus = a_bolus(identity, 0, drug=drug)
    for request in (
        StagePrescription(replace(prescription, rate_nl_per_day=prescription.rate_nl_per_day + 1)),
        CommitPrescription(bytes(DIGEST_BYTES)),
        replace(bolus, order_number=take_order(link), dose_ng=0),
        replace(bolus, order_number=take_order(link), volume_nl=bolus.volume_nl + 1),
        UpdateReservoir(take_order(link), identity.reservoir_capacity_nl + 1),
        AbortBolus(),
        AcknowledgeAlarm(Alarm.EOS),
        SilenceAlarm(Alarm.EOS, identity.minimum_silence_ms),
        SetAlarmInterval(AlarmClass.CRITICAL, identity.maximum_critical_interval_ms + 1),
        SetClock(U64),
        ReadLog(1, MAX_LOG_ENTRIES + 1),
        WriteNote("\x07"),
    ):
        yield from refusal(link, request)
    yield from expect_same(link, before)
    expect_equal("the note", (yield from link.ask(ReadNote())), note)
    yield from link.ask(RollBackPrescription())


@pump_case(
    "refusal/every-reason",
    Level.MUST,
    "REF-02 MSG-09",
    expects="every reason that there is, each once",
    changes_nothing=True,
)
def every_reason(tester: Tester) -> Play[None]:
    """A prescription, a note and a bolus, if the pump gives such, with several faults each."""
    link = yield from tester.link()
    report = yield from link.ask(ReadPrescription(PrescriptionSlot.CURRENT))
    identity = tester.identity
    drug = a_drug(identity, "n" * (MAX_DRUG_NAME_BYTES + 1))
    threshold_nl = identity.maximum_low_reservoir_threshold_nl + 1
    # Another drug than the pump has: what becomes of that is decided, so nothing else is wrong.
    wrong = Prescription(
        Mode.STOPPED, (drug,), 0, 1, threshold_nl, bridge_decision=BridgeDecision.DECLINED
    )
    yield from refused_for(
        link,
        StagePrescription(wrong),
        (RefusalCode.OUT_OF_RANGE, Field.DRUG_NAME),
        (RefusalCode.OUT_OF_RANGE, Field.LOW_RESERVOIR_THRESHOLD),
        (RefusalCode.MISMATCH, Field.RATE),
    )
    concentration = drug.concentration_ng_per_ml
    if report.prescription.drug is not None:
        concentration = report.prescription.drug.concentration_ng_per_ml
    yield from refused_for(
        link,
        WriteNote("\x07" * 129),
        (RefusalCode.OUT_OF_RANGE, Field.NOTE),
        (RefusalCode.UNKNOWN_VALUE, Field.NOTE),
    )
    if Capability.SINGLE_BOLUS not in identity.capabilities:
        return
    most_ng, longest_ms = identity.maximum_bolus_dose_ng, identity.maximum_bolus_duration_ms
    # The volume that its dose would need is not 0.
    dose_ng = max(most_ng + 1, concentration)
    order = OrderBolus(
        take_order(link), BolusKind.SINGLE, dose_ng, concentration + 1, 0, longest_ms + 1
    )
    told = yield from refusal(link, order)
    found = {(each.code, each.field) for each in told.reasons}
    for code, field in (
        (RefusalCode.MISMATCH, Field.CONCENTRATION),
        (RefusalCode.MISMATCH, Field.BOLUS_VOLUME),
        (RefusalCode.OUT_OF_RANGE, Field.BOLUS_DOSE),
        (RefusalCode.OUT_OF_RANGE, Field.BOLUS_VOLUME),
        (RefusalCode.OUT_OF_RANGE, Field.BOLUS_DURATION),
    ):
        told_text = ", ".join(map(reason_text, told.reasons))
        wanted = f"{code.name} / {field.name}"
        expect((code, field) in found, f"the bolus is refused with {told_text}; missing: {wanted}")
    expect(len(found) == len(told.reasons), "the same reason is given twice for the bolus")


@pump_case(
    "refusal/meaningless-reasons",
    Level.MUST,
    "REF-02",
    expects="no reason that another one makes meaningless",
    changes_nothing=True,
)
def meaningless_reasons(tester: Tester) -> Play[None]:
    """Requests in which one fault leaves nothing for another check to look at."""
    link = yield from tester.link()
    identity = tester.identity
    # Declined, so that nothing is undecided, whatever drug is in force.
    common = replace(stopped(a_drug(identity)), bridge_decision=BridgeDecision.DECLINED)
    unprintable = replace(a_drug(identity), name="\x07" * (MAX_DRUG_NAME_BYTES + 1))
    yield from refused_for(
        link,
        StagePrescription(replace(common, drugs=(unprintable,))),
        (RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME),
    )
    if Capability.SIMPLE_CONTINUOUS in identity.capabilities:
        diluted = replace(
            common,
            mode=Mode.SIMPLE_CONTINUOUS,
            drugs=(Drug(MassUnit.MICROGRAM, 0, "water"),),
            daily_dose_ng=1,
            rate_nl_per_day=identity.minimum_therapeutic_rate_nl_per_day,
        )
        yield from refused_for(
            link, StagePrescription(diluted), (RefusalCode.OUT_OF_RANGE, Field.CONCENTRATION)
        )
    status = yield from link.ask(Interrogate())
    unlisted = next(each for each in Alarm if each not in {one.alarm for one in status.alarms})
    yield from refused_for(
        link, SilenceAlarm(unlisted, 0), (RefusalCode.ALARM_NOT_LISTED, Field.ALARM)
    )
    if Capability.SINGLE_BOLUS not in identity.capabilities:
        return
    yield from refused_for(
        link,
        OrderBolus(0, BolusKind.SINGLE, 0, 0, 0, 0),
        (RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER),
    )
    told = yield from refusal(link, OrderBolus(take_order(link), BolusKind.SINGLE, 1, 1, 1, 0))
    rates = [each for each in told.reasons if each.field is Field.BOLUS_RATE]
    expect(not rates, "a bolus of no duration is refused for a BOLUS_RATE that does not exist")


@pump_case(
    "refusal/numbers",
    Level.MUST,
    "REF-03",
    expects="the value that was asked for and what would have been allowed; absent is what does"
    " not exist or fits no i64",
    changes_nothing=True,
)
def refusal_numbers(tester: Tester) -> Play[None]:
    """Requests that are refused, each for one reason, and the numbers of that reason."""
    link = yield from tester.link()
    identity = tester.identity
    least_ms = identity.minimum_critical_interval_ms
    most_ms = identity.maximum_critical_interval_ms
    out, interval = RefusalCode.OUT_OF_RANGE, Field.ALARM_INTERVAL
    order = Field.ORDER_NUMBER
    critical = AlarmClass.CRITICAL
    wrong = replace(
        stopped(a_drug(identity)), rate_nl_per_day=3, bridge_decision=BridgeDecision.DECLINED
    )
    for request, code, field, numbers in (
        (
            SetAlarmInterval(critical, least_ms - 1),
            out,
            interval,
            (least_ms - 1, least_ms, most_ms),
        ),
        (SetAlarmInterval(critical, most_ms + 1), out, interval, (most_ms + 1, least_ms, most_ms)),
        (UpdateReservoir(0, 1), out, order, (0, 1, _MAX_I64)),
        (UpdateReservoir(_MAX_I64 + 1, 1), out, order, (None, 1, _MAX_I64)),
        (UpdateReservoir(U64, 1), out, order, (None, 1, _MAX_I64)),
        (StagePrescription(wrong), RefusalCode.MISMATCH, Field.RATE, (3, 0, 0)),
        (
            WriteNote("\x07"),
            RefusalCode.UNKNOWN_VALUE,
            Field.NOTE,
            (None, None, None),
        ),
    ):
        if field is interval and not 0 <= (numbers[0] or 0) <= U32:
            continue
        reason = yield from link.refused(request, code, field)
        value, minimum, maximum = numbers
        expect_numbers(reason, value=value, minimum=minimum, maximum=maximum)
    reason = yield from link.refused(SetClock(U64), out, Field.CLOCK)
    expect_equal("value of OUT_OF_RANGE / CLOCK", reason.value, None)


@pump_case(
    "refusal/stale-digest",
    Level.MUST,
    "REF-03 PROG-12",
    expects="STALE_DIGEST / DIGEST without numbers",
)
def stale_digest(tester: Tester) -> Play[None]:
    """A commit of nothing that anybody staged, while something is pending."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from link.ask(StagePrescription(prescription))
    before = yield from state_in(link)
    reason = yield from link.refused(
        CommitPrescription(bytes(DIGEST_BYTES)), RefusalCode.STALE_DIGEST, Field.DIGEST
    )
    expect_numbers(reason, value=None, minimum=None, maximum=None)
    yield from expect_same(link, before)
    yield from link.ask(RollBackPrescription())
