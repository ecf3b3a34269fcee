"""Pumps that are wrong about the limits and the rounding of a prescription's numbers."""

import pytest

from pump_protocol import codes, pump_end
from pump_protocol.errors import MalformedPayload
from pump_sim import wire_values
from pump_sim.model import dosing, rules
from pump_sim.model.firmware import prescribing
from pump_sim.model.prescription import MassUnit, Mode, Prescription
from pump_sim.model.refusals import Field, Reason, RefusalCode
from tests.conformance.mutants.changes import around, move_limits, pass_over, without
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump

Reasons = tuple[Reason, ...]


Reasons = tuple[Reason, ...]


# --- Staging -------------------------------------------------------------------------------------


@pump_mutant("forgets-the-mass-unit", caught_by="program/mass-unit")
def forgets_the_mass_unit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Every drug is kept in micrograms."""
    units = dict.fromkeys(wire_values.MASS_UNITS_IN, MassUnit.MICROGRAM)
    patch.setattr(wire_values, "MASS_UNITS_IN", units)


# --- Numbers -------------------------------------------------------------------------------------


@pump_mutant("dose-limit-exclusive", caught_by="program/limits-daily-dose")
def dose_limit_exclusive(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The highest daily dose itself is refused."""
    move_limits(patch, Field.DAILY_DOSE, 0, -1)


@pump_mutant("no-dose-is-a-dose", caught_by="program/limits-daily-dose")
def no_dose_is_a_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A daily dose of 0 is within the limits."""
    move_limits(patch, Field.DAILY_DOSE, -1, 0)


@pump_mutant("rate-below-its-limit", caught_by="program/limits-rate")
def rate_below_its_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """1 nL/day less than the lowest therapeutic rate is taken."""
    move_limits(patch, Field.RATE, -1, 0)


@pump_mutant("rate-above-its-limit", caught_by="program/limits-rate")
def rate_above_its_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """1 nL/day more than the highest rate is taken."""
    move_limits(patch, Field.RATE, 0, 1)


@pump_mutant("concentration-above-its-limit", caught_by="program/limits-concentration")
def concentration_above_its_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """1 ng/mL more than the highest concentration is taken."""
    move_limits(patch, Field.CONCENTRATION, 0, 1)


@pump_mutant("stopped-drug-not-judged", caught_by="program/limits-concentration")
def stopped_drug_not_judged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Nobody looks at the drug of a pump that is to be stopped."""

    @around(patch, prescribing, "check_prescription")
    def checked(check, prescription, profile):
        reasons = check(prescription, profile)
        if prescription.mode is not Mode.STOPPED:
            return reasons
        return without(reasons, RefusalCode.OUT_OF_RANGE, Field.CONCENTRATION)


@pump_mutant("threshold-limit-exclusive", caught_by="program/limits-threshold")
def threshold_limit_exclusive(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A threshold must be below its greatest value."""
    move_limits(patch, Field.LOW_RESERVOIR_THRESHOLD, 0, -1)


@pump_mutant("any-rate-of-a-dose", caught_by="program/rate-mismatch")
def any_rate_of_a_dose(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Rates are taken that do not follow from dose and concentration."""
    pass_over(patch, rules, "_check_continuous", RefusalCode.MISMATCH, Field.RATE)


@pump_mutant("mismatch-without-what-agrees", caught_by="program/rate-mismatch")
def mismatch_without_what_agrees(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A MISMATCH does not tell which rate would agree."""

    def mismatch(field: Field, value: int, expected: int) -> Reasons:
        return () if value == expected else (Reason(RefusalCode.MISMATCH, field, value),)

    patch.setattr(rules, "mismatch", mismatch)


@pump_mutant("rounds-half-up", caught_by="program/rounding")
def rounds_half_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Of two rates that are equally near the greater one is the right one."""
    patch.setattr(dosing, "nearest", lambda n, d: (2 * n + d) // (2 * d))


@pump_mutant("cuts-off", caught_by="program/rounding")
def cuts_off(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Fractions are cut off, and not rounded."""
    patch.setattr(dosing, "nearest", lambda n, d: n // d)


@pump_mutant("minimum-dose-half-up", caught_by="program/minimum-rate-numbers")
def minimum_dose_half_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The dose at the minimum rate is rounded up in the middle."""

    def dose(rate_nl_per_day: int, concentration: int) -> int:
        return (2 * rate_nl_per_day * concentration + 1_000_000) // 2_000_000

    patch.setattr(dosing, "dose_for_rate", dose)


@pump_mutant("minimum-rate-is-a-limit", caught_by="program/minimum-rate-numbers")
def minimum_rate_is_a_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """In mode MINIMUM_RATE any rate up to the minimum rate is taken."""

    @around(patch, rules, "_check_programmed")
    def checked(whole, prescription, dose_ng, rate_nl_per_day):
        reasons = whole(prescription, dose_ng, rate_nl_per_day)
        lower = prescription.rate_nl_per_day <= rate_nl_per_day
        if prescription.mode is Mode.MINIMUM_RATE and lower:
            return without(reasons, RefusalCode.MISMATCH, Field.RATE)
        return reasons


@pump_mutant("stopped-with-a-rate", caught_by="program/stopped-numbers")
def stopped_with_a_rate(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A stop may have a rate, to go on with later."""
    pass_over(patch, rules, "_check_programmed", RefusalCode.MISMATCH, Field.RATE)


@pump_mutant("name-of-33-bytes", caught_by="program/drug-name-length")
def name_of_33_bytes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A name may have 33 bytes."""
    patch.setattr(rules, "MAX_DRUG_NAME_BYTES", 33)


@pump_mutant("name-of-31-bytes", caught_by="program/drug-names")
def name_of_31_bytes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A name may have no more than 31 bytes, for a terminating zero."""
    patch.setattr(rules, "MAX_DRUG_NAME_BYTES", 31)


@pump_mutant("names-with-control-characters", caught_by="program/drug-name-characters")
def names_with_control_characters(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any text is a name."""
    pass_over(patch, rules, "_check_drugs", RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME)


@pump_mutant("names-of-any-bytes", caught_by="program/drug-name-not-utf8")
def names_of_any_bytes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A name that is no UTF-8 is refused as one with characters that cannot be printed."""

    @around(patch, pump_end, "decode_request")
    def decoded(decode, message_type, payload):
        try:
            return decode(message_type, payload)
        except MalformedPayload as error:
            if error.field is not codes.Field.DRUG_NAME:
                raise
            code = codes.RefusalCode.UNKNOWN_VALUE
            raise MalformedPayload(str(error), code, error.field, None) from None


# --- The bridge ----------------------------------------------------------------------------------


@pump_mutant("mass-unit-is-a-change", caught_by="program/mass-unit")
def mass_unit_is_a_change(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The same drug, read in another unit, is another drug."""
    patch.setattr(Prescription, "same_drugs", lambda self, other: self.drugs == other.drugs)
