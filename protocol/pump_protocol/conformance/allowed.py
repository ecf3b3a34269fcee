"""What the limits of a pump leave room for, by what it tells of itself.

A case that has a prescription taken must know that the pump has to take it: where its limits leave
no room the pump cannot be judged by that case. Whether numbers agree is not looked at here.
"""

from typing import Final

from pump_protocol.codes import Mode
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import Bridge, Identity, PatientBolus, PeriodicBolus, Prescription
from pump_protocol.reckoning import dose_totals

_LONGEST_BRIDGE_MS: Final = 30 * DAY_MS


def highest_basal(prescription: Prescription) -> int:
    """The highest basal rate (PROG-22)."""
    if prescription.mode is Mode.FLEX:
        steps = (step for day in prescription.days for step in day.steps)
        return max((each.rate_nl_per_day for each in steps), default=0)
    periodic_bolus = prescription.periodic
    if prescription.mode is Mode.PERIODIC_BOLUS and periodic_bolus is not None:
        return periodic_bolus.basal_rate_nl_per_day
    return prescription.rate_nl_per_day


def allowed(identity: Identity, prescription: Prescription) -> bool:
    """Whether doses, rates, volumes and times are within the limits that the pump tells of itself.

    Whether they agree with each other is not looked at.
    """
    if prescription.mode in (Mode.STOPPED, Mode.MINIMUM_RATE):
        return True
    most_ng = identity.maximum_daily_dose_ng
    if not 1 <= prescription.daily_dose_ng <= most_ng:
        return False
    if dose_totals(prescription).with_patient_ng > most_ng:
        return False
    if not all(_flow_allowed(identity, prescription.mode, each) for each in _rates(prescription)):
        return False
    boluses: list[PeriodicBolus | PatientBolus] = [*prescription.periodic_boluses]
    boluses += prescription.patient_boluses
    basal = highest_basal(prescription)
    return all(_bolus_allowed(identity, basal, each) for each in boluses) and all(
        _bridge_allowed(identity, each) for each in prescription.bridges
    )


def _rates(prescription: Prescription) -> tuple[int, ...]:
    if prescription.mode is Mode.FLEX:
        return tuple(step.rate_nl_per_day for day in prescription.days for step in day.steps)
    return (highest_basal(prescription),)


def _flow_allowed(identity: Identity, mode: Mode, rate_nl_per_day: int) -> bool:
    if mode is Mode.PERIODIC_BOLUS and rate_nl_per_day == 0:
        return True
    if mode is not Mode.SIMPLE_CONTINUOUS and rate_nl_per_day == identity.minimum_rate_nl_per_day:
        return True
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    return least <= rate_nl_per_day <= most


def _bolus_allowed(
    identity: Identity, basal_nl_per_day: int, bolus: PeriodicBolus | PatientBolus
) -> bool:
    """Whether a bolus that is prescribed is (PROG-21, PROG-22)."""
    shortest, longest = identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    if not (
        1 <= bolus.dose_ng <= identity.maximum_bolus_dose_ng
        and 1 <= bolus.volume_nl <= identity.reservoir_capacity_nl
        and shortest <= bolus.duration_ms <= longest
    ):
        return False
    rate = -(-bolus.volume_nl * DAY_MS // bolus.duration_ms)
    if basal_nl_per_day + rate > identity.maximum_rate_nl_per_day:
        return False
    if isinstance(bolus, PatientBolus):
        least = max(identity.minimum_lockout_ms, bolus.duration_ms)
        most = identity.maximum_patient_boluses_per_day
        locks = least <= bolus.lockout_ms <= identity.maximum_lockout_ms
        return locks and 1 <= bolus.allotted_per_day <= most
    least = max(identity.minimum_bolus_interval_ms, bolus.duration_ms)
    repeats = least <= bolus.interval_ms <= identity.maximum_bolus_interval_ms
    return repeats and 0 <= bolus.first_after_ms <= bolus.interval_ms


def _bridge_allowed(identity: Identity, bridge: Bridge) -> bool:
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    return (
        1 <= bridge.volume_nl <= identity.maximum_priming_volume_nl
        and least <= bridge.rate_nl_per_day <= most
        and bridge.duration_ms <= _LONGEST_BRIDGE_MS
    )


def check_allowed(identity: Identity, prescription: Prescription) -> None:
    """See that the pump must take *prescription*, as far as its limits go.

    :raises Unsupported: its limits leave no room for it.
    """
    if not allowed(identity, prescription):
        raise Unsupported(
            f"the limits of the pump leave no room for such a prescription: {prescription}"
        )
