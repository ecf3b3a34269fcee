"""Requests as a programmer makes them, or nearly: what gets past the first check of a field."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from fuzz.values import any_message, any_payload, near_prescription
from pump_protocol import messages as m
from pump_protocol.codes import NEVER, Alarm, AlarmClass, BolusKind, PrescriptionSlot
from pump_protocol.errors import UnsendableMessage
from pump_protocol.payloads import encode, prescription_digest
from pump_sim.model.prescription import dose_totals
from pump_sim.model.pump import Pump
from pump_sim.wire_values import prescription_out

PROGRAMMERS: Final = (1, 2, 7)

REQUEST_CLASSES: Final = tuple(m.REQUESTS.values())


def likely_payload(
    request_class: type[m.Request[Any]], random: Random, pump: Pump, programmer_id: int
) -> bytes:
    """A payload of that class that the pump as it is now may well accept."""
    make = _LIKELY.get(request_class)
    if make is None:
        return any_payload(request_class, random)
    try:
        return encode(make(random, pump, programmer_id))
    except UnsendableMessage:
        return b""


def _order_number(random: Random, pump: Pump, programmer_id: int) -> int:
    last = pump.firmware.last_order_number(programmer_id)
    return max(0, min(NEVER, last + random.choice((1, 1, 1, 1, 0, -1, 2))))


def _stage(random: Random, _: Pump, __: int) -> m.Message:
    return m.StagePrescription(near_prescription(random))


def _commit(random: Random, pump: Pump, _: int) -> m.Message:
    pending = pump.firmware.pending
    version = pump.firmware.prescription_version + 1
    if pending is None or not random.randrange(8):
        return any_message(m.CommitPrescription, random)
    digest = prescription_digest(version, prescription_out(pending))
    confirmed = dose_totals(pending).with_patient_ng if random.randrange(2) else None
    return m.CommitPrescription(digest, confirmed)


def _order_bolus(random: Random, pump: Pump, programmer_id: int) -> m.Message:
    concentration = pump.firmware.prescription.concentration_ng_per_ml or 2_000_000
    volume_nl = random.choice((5_000, 10_000, 25_000, 50_000, 250_000, random.getrandbits(20)))
    return m.OrderBolus(
        _order_number(random, pump, programmer_id),
        random.choice((BolusKind.SINGLE, BolusKind.SINGLE, BolusKind.PRIMING, BolusKind.PATIENT)),
        volume_nl * concentration // 1_000_000 + (not random.randrange(8)),
        concentration if random.randrange(8) else 500_000,
        volume_nl,
        random.choice((60_000, 600_000, 3_600_000, random.getrandbits(28))),
    )


def _refill(random: Random, pump: Pump, programmer_id: int) -> m.Message:
    number = _order_number(random, pump, programmer_id)
    return m.UpdateReservoir(number, random.randrange(0, 21_000_000))


def _alarm(random: Random, pump: Pump) -> Alarm:
    listed = [record.alarm.value for record in pump.status().alarms]
    return Alarm(random.choice(listed)) if listed else random.choice(tuple(Alarm))


_LIKELY: Final[dict[type, Callable[[Random, Pump, int], m.Message]]] = {
    m.OpenLink: lambda random, _, __: m.OpenLink(random.choice(PROGRAMMERS)),
    m.StagePrescription: _stage,
    m.CommitPrescription: _commit,
    m.OrderBolus: _order_bolus,
    m.UpdateReservoir: _refill,
    m.RequestPatientBolus: lambda random, pump, who: m.RequestPatientBolus(
        _order_number(random, pump, who)
    ),
    m.ReadPrescription: lambda random, _, __: m.ReadPrescription(
        random.choice(tuple(PrescriptionSlot))
    ),
    m.AcknowledgeAlarm: lambda random, pump, _: m.AcknowledgeAlarm(_alarm(random, pump)),
    m.SilenceAlarm: lambda random, pump, _: m.SilenceAlarm(
        _alarm(random, pump), random.choice((60_000, 3_600_000, 86_400_001))
    ),
    m.ReadLog: lambda random, _, __: m.ReadLog(random.getrandbits(4), random.randrange(15)),
    m.ReadAccessLog: lambda random, _, __: m.ReadAccessLog(
        random.getrandbits(4), random.randrange(16)
    ),
    m.SetClock: lambda random, _, __: m.SetClock(random.getrandbits(41)),
    m.WriteNote: lambda random, _, __: m.WriteNote("n" * random.randrange(130)),
    m.SetAlarmInterval: lambda random, _, __: m.SetAlarmInterval(
        random.choice(tuple(AlarmClass)), random.choice((600_000, 3_600_000, 7_200_001))
    ),
}
