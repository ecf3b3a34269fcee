"""What is left in a reservoir at a refill, held against what the pump believes; pure.

A pump measures no volume: it knows what it was told at the last refill and what it commanded since.
That it delivers too much or too little is seen here, by whoever draws out what is left, and nowhere
else. It reads no pump: what it was filled to is for :mod:`pump_programmer.history` to find.
"""

from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import Final

from pump_programmer import published
from pump_programmer.cautions import Caution, Severity
from pump_programmer.phrases import volume
from pump_protocol import units
from pump_protocol.errors import LocalError

_PPM: Final = 1_000_000
_LIMIT: Final = Fraction(published.FLOW_ERROR_PPM, _PPM)

NOT_DRAWN: Final = "how much was drawn out was not said (--aspirated VOLUME)"


class RatioFlag(IntEnum):
    """In which direction the delivered ratio is beyond what labels allow."""

    UNDER_INFUSION = 1
    OVER_INFUSION = 2


class ResidualError(LocalError):
    """More was drawn out than the reservoir can have held; nothing was changed.

    :ivar why: what would have been allowed, and what follows if it is true all the same.
    """

    def __init__(self, actual_nl: int, maximum_nl: int, whose: str):
        self.why = (
            f"allowed 0 mL to {units.format_volume(maximum_nl)}, {whose}. If so much was really "
            "drawn out, an earlier entry was wrong, and there is nothing to compare with"
        )
        super().__init__(f"actual residual = {units.format_volume(actual_nl)}: {self.why}")


@dataclass(frozen=True, slots=True)
class Residual:
    """Expected and actual residual, and what follows from them.

    ``delivered_ratio_ppm`` is (fill - actual) / (fill - expected), in parts per million, nearest,
    ties to even. The flag is decided by the exact ratio, not by the rounded one. Where something is
    None, ``why_not`` says why.
    """

    expected_nl: int
    actual_nl: int | None
    fill_nl: int | None
    should_have_delivered_nl: int | None
    delivered_nl: int | None
    delivered_ratio_ppm: int | None
    ratio_judged: bool
    ratio_flag: RatioFlag | None
    why_not: str

    @property
    def ratio(self) -> Fraction | None:
        """The delivered ratio, exactly; None where there is none."""
        if self.delivered_nl is None or (self.should_have_delivered_nl or 0) <= 0:
            return None
        return Fraction(self.delivered_nl, self.should_have_delivered_nl or 1)


def compare_residual(
    expected_nl: int,
    actual_nl: int | None,
    fill_nl: int | None,
    capacity_nl: int,
    *,
    why_no_fill: str = "what the pump was filled to is not known",
) -> Residual:
    """Hold what was drawn out against what the pump believes to hold.

    :param expected_nl: what the pump believed before the refill.
    :param actual_nl: what was drawn out; None where nobody has said.
    :param fill_nl: what the pump believed right after the refill before; None if that is unknown.
    :param capacity_nl: usable volume of the reservoir.
    :param why_no_fill: said where *fill_nl* is None.
    :raises ResidualError: *actual_nl* is more than the reservoir held or holds, or less than 0.
    """
    if actual_nl is not None:
        _check_actual(actual_nl, fill_nl, capacity_nl)
    should = None if fill_nl is None else fill_nl - expected_nl
    delivered = None if fill_nl is None or actual_nl is None else fill_nl - actual_nl
    ratio, why_not = None, ""
    if actual_nl is None:
        why_not = NOT_DRAWN
    elif should is None or delivered is None:
        why_not = why_no_fill
    elif should <= 0:
        why_not = "nothing should have been delivered since the last refill"
    else:
        ratio = Fraction(delivered, should)
        why_not = _why_not_judged(should)
    return Residual(
        expected_nl=expected_nl,
        actual_nl=actual_nl,
        fill_nl=fill_nl,
        should_have_delivered_nl=should,
        delivered_nl=delivered,
        delivered_ratio_ppm=None if ratio is None else round(ratio * _PPM),
        ratio_judged=not why_not,
        ratio_flag=None if ratio is None or why_not else _flag(ratio),
        why_not=why_not,
    )


def ratio_text(residual: Residual) -> str:
    """The delivered ratio in per cent, rounded once, ties to even; empty if there is none.

    It has one decimal, or as many as it takes to see on which side of a limit it is.
    """
    ratio = residual.ratio
    if ratio is None:
        return ""
    decimals = 1
    while _is_limit(round(100 * ratio, decimals) / 100) and not _is_limit(ratio):
        decimals += 1
    whole, rest = divmod(round(100 * ratio * 10**decimals), 10**decimals)
    return f"{whole}.{rest:0{decimals}} %"


def flag_text(flag: RatioFlag) -> str:
    """A flag in words."""
    return flag.name.lower().replace("_", "-")


def not_kept_text(residual: Residual) -> str:
    """Where what was drawn out is on record, once the pump was told of the refill; or empty."""
    if residual.actual_nl is None:
        return ""
    return (
        f"The pump does not keep what was drawn out ({volume(residual.actual_nl)}): keep this "
        "printout, or write a note."
    )


def residual_caution(residual: Residual) -> Caution | None:
    """What to think of before the reservoir is filled again, if anything."""
    if residual.actual_nl is None:
        return Caution(
            "What was drawn out is not compared (--aspirated VOLUME): a pump that delivers too "
            "much or too little raises no alarm, and shows at a refill only.",
            published.OVER_INFUSION,
        )
    if residual.ratio_flag is None:
        return None
    share = f"The pump has delivered {ratio_text(residual)} of what it should have"
    if residual.ratio_flag is RatioFlag.OVER_INFUSION:
        text = (
            f"{share}: more than 14.5 % too much. Look at the patient for an overdose. Or less was "
            "in the reservoir than the pump was told: a fill beside it, or a wrong entry."
        )
    else:
        text = (
            f"{share}: more than 14.5 % too little. Look at the patient for withdrawal. Or more "
            "was in the reservoir than the pump was told, or something blocks the catheter."
        )
    return Caution(text, published.OVER_INFUSION, Severity.WARNING)


def _check_actual(actual_nl: int, fill_nl: int | None, capacity_nl: int) -> None:
    maximum, whose = capacity_nl, "the capacity of the reservoir"
    if fill_nl is not None and fill_nl < capacity_nl:
        maximum, whose = fill_nl, "what the pump was told at the last refill"
    if not 0 <= actual_nl <= maximum:
        raise ResidualError(actual_nl, maximum, whose)


def _flag(ratio: Fraction) -> RatioFlag | None:
    error = ratio - 1
    if abs(error) <= _LIMIT:
        return None
    return RatioFlag.OVER_INFUSION if error > 0 else RatioFlag.UNDER_INFUSION


def _is_limit(ratio: Fraction) -> bool:
    return abs(ratio - 1) == _LIMIT


def _why_not_judged(should_nl: int) -> str:
    if should_nl >= published.LEAST_JUDGED_NL:
        return ""
    least = units.format_volume(published.LEAST_JUDGED_NL)
    said = volume(should_nl)
    if said == least:
        said = units.format_volume(should_nl)
    return f"{said} should have been delivered: not judged below {least}"
