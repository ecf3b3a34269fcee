"""A prescription in bytes and its digest made by hand, as the specification writes them.

So a pump is not judged by the encoder of the suite alone. It knows no message.
"""

from hashlib import sha256
from struct import pack

from pump_protocol.messages import (
    Bridge,
    DayPattern,
    Drug,
    PatientBolus,
    PeriodicBolus,
    Prescription,
)


def digest_of(version: int, prescription: Prescription) -> bytes:
    """SHA-256 over version and prescription, as the specification has it (PROG-09)."""
    return sha256(pack("<I", version) + layout_of(prescription)).digest()


def layout_of(prescription: Prescription) -> bytes:
    """A prescription in the bytes of its layout (section 16)."""
    return b"".join(
        (
            pack("<B", prescription.mode),
            _list(map(_drug, prescription.drugs)),
            pack(
                "<QII",
                prescription.daily_dose_ng,
                prescription.rate_nl_per_day,
                prescription.low_reservoir_threshold_nl,
            ),
            _list(map(_day, prescription.days)),
            _list(map(_periodic, prescription.periodic_boluses)),
            _list(map(_patient, prescription.patient_boluses)),
            pack("<B", prescription.bridge_decision),
            _list(map(_bridge, prescription.bridges)),
        )
    )


def _list(elements: "map[bytes]") -> bytes:
    parts = list(elements)
    return pack("<B", len(parts)) + b"".join(parts)


def _drug(drug: Drug) -> bytes:
    name = drug.name.encode()
    return pack("<BIB", drug.mass_unit, drug.concentration_ng_per_ml, len(name)) + name


def _day(day: DayPattern) -> bytes:
    steps = (pack("<HI", each.starts_at_min, each.rate_nl_per_day) for each in day.steps)
    return pack("<BB", day.weekdays, len(day.steps)) + b"".join(steps)


def _periodic(bolus: PeriodicBolus) -> bytes:
    return pack(
        "<IQIIII",
        bolus.basal_rate_nl_per_day,
        bolus.dose_ng,
        bolus.volume_nl,
        bolus.duration_ms,
        bolus.interval_ms,
        bolus.first_after_ms,
    )


def _patient(bolus: PatientBolus) -> bytes:
    return pack(
        "<QIIIB",
        bolus.dose_ng,
        bolus.volume_nl,
        bolus.duration_ms,
        bolus.lockout_ms,
        bolus.allotted_per_day,
    )


def _bridge(bridge: Bridge) -> bytes:
    return pack("<III", bridge.volume_nl, bridge.rate_nl_per_day, bridge.duration_ms)
