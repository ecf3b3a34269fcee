"""Everything that a clinician sees, as one reading; what the role of the key may not read is left
out."""

from dataclasses import dataclass

from pump_programmer.reader import Reader
from pump_protocol import messages as m


@dataclass(frozen=True, slots=True)
class Interrogation:
    """How a pump stands; the prescriptions are None where the key may not read them."""

    identity: m.Identity
    status: m.StatusReport
    current: m.PrescriptionReport | None
    pending: m.PrescriptionReport | None


def interrogate(programmer: Reader) -> Interrogation:
    """Read it all.

    :raises VerificationFailed: a digest or dose is not that of its prescription.
    """
    identity, status = programmer.identify(), programmer.interrogate()
    reads_all = programmer.may_send(m.ReadPrescription)
    current = programmer.read_prescription() if reads_all else None
    pending = programmer.read_pending() if reads_all and status.has_pending else None
    return Interrogation(identity, status, current, pending)
