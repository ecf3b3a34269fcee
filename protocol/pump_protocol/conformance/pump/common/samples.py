"""A request of each type whose payload is as it should be; whether it makes sense is left open.

What is about payloads alone alters the bytes of these. A pump judges payloads before it looks at
what they ask for (MSG-09), so none of them is ever carried out by a good one.
"""

from pump_protocol.codes import DIGEST_BYTES, Alarm, AlarmClass, BolusKind, Mode, PrescriptionSlot
from pump_protocol.conformance.tester import PROGRAMMER_ID
from pump_protocol.conformance.therapy import a_drug
from pump_protocol.messages import (
    AbortBolus,
    AcknowledgeAlarm,
    CloseLink,
    CommitPrescription,
    Drug,
    Identify,
    Identity,
    Interrogate,
    OpenLink,
    OrderBolus,
    Prescription,
    ReadAccessLog,
    ReadLog,
    ReadNote,
    ReadPrescription,
    Request,
    RequestPatientBolus,
    Response,
    RollBackPrescription,
    SelfTest,
    SetAlarmInterval,
    SetClock,
    SilenceAlarm,
    StagePrescription,
    TestAlarm,
    UpdateReservoir,
    WriteNote,
)

OPEN_LINK = OpenLink(PROGRAMMER_ID)
"""The one request that belongs into a link that is not open yet."""


def in_a_link(identity: Identity) -> tuple[Request[Response], ...]:
    """A request of each type that a clinician may send in an open link."""
    return (
        Identify(),
        Interrogate(),
        ReadPrescription(PrescriptionSlot.CURRENT),
        StagePrescription(stopped(a_drug(identity))),
        CommitPrescription(bytes(DIGEST_BYTES)),
        RollBackPrescription(),
        OrderBolus(0, BolusKind.SINGLE, 1, 1, 1, 1),
        AbortBolus(),
        UpdateReservoir(0, 1),
        AcknowledgeAlarm(Alarm.LOW_RESERVOIR),
        SilenceAlarm(Alarm.LOW_RESERVOIR, 1),
        TestAlarm(AlarmClass.NON_CRITICAL),
        ReadLog(1, 1),
        ReadAccessLog(1, 1),
        SetClock(0),
        SelfTest(),
        RequestPatientBolus(0),
        SetAlarmInterval(AlarmClass.CRITICAL, 1),
        ReadNote(),
        WriteNote("a note"),
        CloseLink(),
    )


def stopped(*drugs: Drug) -> Prescription:
    """The shortest prescription of these drugs."""
    return Prescription(Mode.STOPPED, drugs, 0, 0, 0)
