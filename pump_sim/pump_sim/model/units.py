"""The whole numbers in which the model counts, and the one way it rounds; no physics.

Rates are whole nL/day, volumes nL, masses ng, concentrations ng/mL, times ms since implant. A pump
that delivers *r* nL/day delivers exactly *r* ledger units (nL ms/day) every millisecond: sums of
such units never round, so no volume is ever lost between two events, however they are spaced.
"""

from typing import Final

SECOND_MS: Final = 1_000
MINUTE_MS: Final = 60 * SECOND_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
WEEK_MS: Final = 7 * DAY_MS
MONTH_MS: Final = 2_629_800_000
"""30.4375 days, the month in which service life is reckoned (domain.md 1.3)."""

UNITS_PER_NL: Final = DAY_MS
"""Ledger units in one nanoliter: 1 nL/day for one day."""

NL_PER_ML: Final = 1_000_000
PPM: Final = 1_000_000


def nearest(numerator: int, denominator: int) -> int:
    """The whole number nearest to a fraction, ties to even (REQ-05); the denominator > 0."""
    quotient, remainder = divmod(numerator, denominator)
    excess = 2 * remainder - denominator
    return quotient + (excess > 0 or (excess == 0 and quotient % 2 == 1))


def ceil_div(numerator: int, denominator: int) -> int:
    """The least whole number not below a fraction; the denominator > 0."""
    return -(-numerator // denominator)
