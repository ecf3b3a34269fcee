"""Cases about the numbers of a prescription: limits, rounding, names, modes that treat nobody."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pump_protocol.codes import Capability, Field, MassUnit, MessageType, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.pump.common.layout_by_hand import layout_of
from pump_protocol.conformance.pump.common.ready import on_the_bench, tidy
from pump_protocol.conformance.pump.common.reasons import named
from pump_protocol.conformance.pump.common.staging import (
    limited,
    mismatched,
    no_other_means,
    taken,
    turned_down,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    at_minimum,
    concentrations,
    declining,
    of_dose,
    of_rate,
    steady,
    stopped,
)
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import Drug, Identity, Prescription
from pump_protocol.units import U64, nearest

_NL_PER_ML: Final = 1_000_000
_NAME_BYTES: Final = 32


# --- Limits --------------------------------------------------------------------------------------


@pump_case(
    "program/limits-daily-dose",
    Level.MUST,
    "PROG-05 REF-03",
    expects="1 to maximum_daily_dose_ng, to the nanogram",
)
def limits_daily_dose(tester: Tester) -> Play[None]:
    """Doses just inside and just outside their limits, at rates that are allowed."""
    link, old = yield from on_the_bench(tester)
    identity = tester.identity
    highest = identity.maximum_daily_dose_ng

    def make(daily_dose_ng: int) -> Prescription:
        if daily_dose_ng == 0:
            return replace(old, daily_dose_ng=0, rate_nl_per_day=0)
        return declining(of_dose(identity, daily_dose_ng), old)

    yield from taken(link, make(highest), f"the dose of {highest} ng/day, which is the highest")
    yield from limited(link, Field.DAILY_DOSE, (1, highest), make, most=U64, inside=False)
    yield from tidy(link)


@pump_case(
    "program/limits-rate",
    Level.MUST,
    "PROG-05 REF-03",
    expects="minimum_therapeutic_rate_nl_per_day to maximum_rate_nl_per_day, to the nanolitre",
)
def limits_rate(tester: Tester) -> Play[None]:
    """Rates just inside and just outside their limits, at doses that are allowed."""
    link, old = yield from on_the_bench(tester)
    identity = tester.identity
    limits = (identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day)

    def make(rate_nl_per_day: int) -> Prescription:
        if rate_nl_per_day not in limits:  # no dose may give just this rate
            return replace(old, rate_nl_per_day=rate_nl_per_day)
        return declining(of_rate(identity, rate_nl_per_day), old)

    yield from limited(link, Field.RATE, limits, make)
    yield from tidy(link)


@pump_case(
    "program/limits-concentration",
    Level.MUST,
    "PROG-07 REF-03",
    expects="the limits of Identity, in every mode, also STOPPED",
)
def limits_concentration(tester: Tester) -> Play[None]:
    """Concentrations just inside and just outside their limits, in two modes."""
    link, old = yield from on_the_bench(tester)
    identity = tester.identity
    limits = (identity.minimum_concentration_ng_per_ml, identity.maximum_concentration_ng_per_ml)
    assert old.drug is not None
    drug = old.drug

    def stop(concentration_ng_per_ml: int) -> Prescription:
        other = replace(drug, concentration_ng_per_ml=concentration_ng_per_ml)
        return declining(stopped(replace(old, drugs=(other,))), old)

    def treat(concentration_ng_per_ml: int) -> Prescription:
        other = replace(drug, concentration_ng_per_ml=concentration_ng_per_ml)
        return declining(replace(old, drugs=(other,)), old)

    yield from limited(link, Field.CONCENTRATION, limits, stop)
    yield from limited(link, Field.CONCENTRATION, limits, treat, inside=False)
    yield from tidy(link)


@pump_case(
    "program/limits-threshold",
    Level.MUST,
    "PROG-07 REF-03",
    expects="0 to maximum_low_reservoir_threshold_nl, in every mode",
)
def limits_threshold(tester: Tester) -> Play[None]:
    """Thresholds just inside and just outside their limits, in two modes."""
    link, old = yield from on_the_bench(tester)
    limits = (0, tester.identity.maximum_low_reservoir_threshold_nl)
    field = Field.LOW_RESERVOIR_THRESHOLD

    def treat(threshold_nl: int) -> Prescription:
        return replace(old, low_reservoir_threshold_nl=threshold_nl)

    def stop(threshold_nl: int) -> Prescription:
        return replace(stopped(old), low_reservoir_threshold_nl=threshold_nl)

    yield from limited(link, field, limits, treat)
    yield from limited(link, field, limits, stop)
    yield from tidy(link)


# --- Numbers that agree --------------------------------------------------------------------------


@pump_case(
    "program/rate-mismatch",
    Level.MUST,
    "PROG-02 PROG-05",
    expects="refused with MISMATCH / RATE, and the rate that would agree",
)
def rate_mismatch(tester: Tester) -> Play[None]:
    """Rates 1 nL/day above and below the one that follows from dose and concentration."""
    link, _ = yield from on_the_bench(tester)
    good = steady(tester.identity)
    agrees = good.rate_nl_per_day
    for value in (agrees - 1, agrees + 1):
        wrong = replace(good, rate_nl_per_day=value)
        yield from mismatched(link, wrong, Field.RATE, value, agrees)


@pump_case(
    "program/rounding",
    Level.MUST,
    "PROG-02 PROG-05",
    expects="the nearest whole nL/day, and where two are equally near the even one",
)
def rounding(tester: Tester) -> Play[None]:
    """Doses whose exact rate lies between two whole ones, in the middle and beside it."""
    link, old = yield from on_the_bench(tester)
    tried = 0
    for good in _between(tester.identity):
        prescription = declining(good, old)
        agrees = good.rate_nl_per_day
        yield from taken(link, prescription, f"{_fraction(good)} nL/day, rounded to {agrees}")
        for value in (agrees - 1, agrees + 1):
            wrong = replace(prescription, rate_nl_per_day=value)
            yield from mismatched(link, wrong, Field.RATE, value, agrees)
        tried += 1
    if not tried:
        raise Unsupported("the limits of the pump leave no room for a rate that is rounded")
    yield from tidy(link)


def _between(identity: Identity) -> Iterator[Prescription]:
    """For a tie above an even and an odd number, and thirds: a prescription with that fraction."""
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    for fraction, parity in (((1, 2), 0), ((1, 2), 1), ((1, 3), None), ((2, 3), None)):
        found = None
        for concentration in (*concentrations(identity), 300_000, 3_000_000, 16_000, 400_000):
            drug = Drug(MassUnit.MICROGRAM, concentration, "baclofen")
            if not (
                identity.minimum_concentration_ng_per_ml
                <= concentration
                <= identity.maximum_concentration_ng_per_ml
            ):
                continue
            try:
                base = steady(identity, drug=drug)
            except Unsupported:
                continue
            for dose_ng in range(base.daily_dose_ng - 64, base.daily_dose_ng):
                floor, rest = divmod(dose_ng * _NL_PER_ML, concentration)
                wanted = rest * fraction[1] == concentration * fraction[0]
                if dose_ng > 0 and wanted and parity in (None, floor % 2) and least < floor < most:
                    rate = nearest(dose_ng * _NL_PER_ML, concentration)
                    found = replace(base, daily_dose_ng=dose_ng, rate_nl_per_day=rate)
                    break
            if found is not None:
                yield found
                break


def _fraction(prescription: Prescription) -> str:
    assert prescription.drug is not None
    concentration = prescription.drug.concentration_ng_per_ml
    return f"{prescription.daily_dose_ng * _NL_PER_ML / concentration:.3f}"


# --- Modes that treat nobody ---------------------------------------------------------------------


@pump_case(
    "program/stopped-numbers",
    Level.MUST,
    "PROG-03",
    expects="taken with rate and dose 0 only; otherwise MISMATCH",
)
def stopped_numbers(tester: Tester) -> Play[None]:
    """Prescriptions of mode STOPPED with a rate, and with a dose."""
    link, old = yield from on_the_bench(tester)
    good = stopped(old)
    yield from taken(link, good, "a prescription of mode STOPPED")
    for value in (1, old.rate_nl_per_day):
        wrong = replace(good, rate_nl_per_day=value)
        yield from mismatched(link, wrong, Field.RATE, value, 0)
    for value in (1, old.daily_dose_ng):
        wrong = replace(good, daily_dose_ng=value)
        yield from mismatched(link, wrong, Field.DAILY_DOSE, value, 0)
    yield from tidy(link)


@pump_case(
    "program/minimum-rate-numbers",
    Level.MUST,
    "PROG-04",
    expects="taken with the minimum rate, and the nearest dose, ties to even, only",
)
def minimum_rate_numbers(tester: Tester) -> Play[None]:
    """Prescriptions of mode MINIMUM_RATE with other rates and doses, some of a dose between two."""
    tester.needs(Capability.MINIMUM_RATE)
    link, old = yield from on_the_bench(tester)
    for base in (old, *_minimum_ties(tester.identity, old)):
        good = declining(at_minimum(tester.identity, base), old)
        yield from taken(link, good, f"a dose of {good.daily_dose_ng} ng/day at the minimum rate")
        yield from no_other_means(link, good)
    yield from tidy(link)


def _minimum_ties(identity: Identity, old: Prescription) -> Iterator[Prescription]:
    """*old* at concentrations of which the minimum rate gives k and a half ng/day: k even, k odd.

    None where no whole concentration does.
    """
    rate = identity.minimum_rate_nl_per_day
    assert old.drug is not None
    for parity in (0, 1):
        for k in range(2 + parity, 2_000, 2):
            concentration, rest = divmod((2 * k + 1) * _NL_PER_ML, 2 * rate)
            least = identity.minimum_concentration_ng_per_ml
            if not rest and least <= concentration <= identity.maximum_concentration_ng_per_ml:
                drug = replace(old.drug, concentration_ng_per_ml=concentration)
                yield replace(old, drugs=(drug,))
                break


# --- Names ---------------------------------------------------------------------------------------


@pump_case(
    "program/drug-names",
    Level.MUST,
    "PROG-06 MSG-05",
    expects="kept to the byte",
)
def drug_names(tester: Tester) -> Play[None]:
    """Names of 1 and of 32 bytes, of ASCII and of other letters, with a space in them."""
    link, old = yield from on_the_bench(tester)
    for name in ("b", "B" * _NAME_BYTES, "é" * (_NAME_BYTES // 2), "drug B, 2 %", "μορφίνη"):
        what = f"the name {name!r} of {len(name.encode())} bytes"
        staged = yield from taken(link, _called(old, name), what)
        drug = staged.prescription.drug
        expect_equal(f"{what}, echoed", None if drug is None else drug.name, name)
    yield from tidy(link)


@pump_case(
    "program/drug-name-length",
    Level.MUST,
    "PROG-06 REF-03",
    expects="refused with OUT_OF_RANGE / DRUG_NAME, and the number of bytes",
)
def drug_name_length(tester: Tester) -> Play[None]:
    """An empty name, and names of 33 bytes: of 33 characters, and of fewer."""
    link, old = yield from on_the_bench(tester)
    for name in ("", "B" * (_NAME_BYTES + 1), "é" * (_NAME_BYTES // 2) + "B"):
        size = len(name.encode())
        what = f"a name of {size} bytes"
        code, field = RefusalCode.OUT_OF_RANGE, Field.DRUG_NAME
        reason = yield from turned_down(link, _called(old, name), code, field, what)
        limits = (reason.value, reason.minimum, reason.maximum)
        expect_equal(f"{what}: value, minimum and maximum", limits, (size, 1, _NAME_BYTES))


@pump_case(
    "program/drug-name-characters",
    Level.MUST,
    "PROG-06 REF-03",
    expects="refused with UNKNOWN_VALUE / DRUG_NAME, without a value",
)
def drug_name_characters(tester: Tester) -> Play[None]:
    """Names with control and format characters, separators, and what is no character at all."""
    link, old = yield from on_the_bench(tester)
    for character in ("\0", "\n", "\x1b", "\x7f", "\x85", "\xa0", "\u200b", "\u2028", "\u2029"):
        yield from _unprintable(link, old, character)
    for character in ("\ue000", "\uffff"):  # of private use, and never to be assigned
        yield from _unprintable(link, old, character)


def _unprintable(link: TesterLink, old: Prescription, character: str) -> Play[None]:
    what = f"a name with U+{ord(character):04X}"
    code, field = RefusalCode.UNKNOWN_VALUE, Field.DRUG_NAME
    reason = yield from turned_down(link, _called(old, f"bac{character}fen"), code, field, what)
    expect_equal(f"{what}: the value of the reason", reason.value, None)


@pump_case(
    "program/drug-name-not-utf8",
    Level.MUST,
    "MSG-05 PROG-06",
    expects="refused with MALFORMED / DRUG_NAME",
)
def drug_name_not_utf8(tester: Tester) -> Play[None]:
    """Names whose bytes are no UTF-8: a lone byte, one cut short, one too long, a surrogate."""
    link, old = yield from on_the_bench(tester)
    for wrong in (b"\xff\xfe\xfd", b"ab\xc3", b"a\xc0\xaf", b"\xed\xa0\x80"):
        payload = layout_of(_called(old, "abc")).replace(b"\x03abc", b"\x03" + wrong, 1)
        refusal = link.refused_raw(
            MessageType.STAGE_PRESCRIPTION, payload, RefusalCode.MALFORMED, Field.DRUG_NAME
        )
        yield from named(f"a name of the bytes {wrong.hex(' ')}", refusal)


def _called(old: Prescription, name: str) -> Prescription:
    """*old* of a drug of another name, which is declined to be bridged."""
    assert old.drug is not None
    return declining(replace(old, drugs=(replace(old.drug, name=name),)), old)


@pump_case(
    "program/mass-unit",
    Level.MUST,
    "PROG-08 PROG-26",
    expects="kept as it was sent, and no change of drug",
)
def mass_unit(tester: Tester) -> Play[None]:
    """The same drug, but read in the other unit."""
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    for unit in MassUnit:
        prescription = replace(old, drugs=(replace(old.drug, mass_unit=unit),))
        staged = yield from taken(link, prescription, f"the mass unit {unit.name}")
        expect_equal("the echo of a stage", staged.prescription, prescription)
    yield from tidy(link)
