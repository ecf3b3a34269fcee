"""Published figures of pumps and of intrathecal baclofen, each with its source; pure.

They are those of docs/reference/domain.md, or they say that they are not verified. They are for
teaching: this is a simulator.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

LABEL: Final = "P51: summary of the label of intrathecal baclofen"
MONOGRAPH: Final = "P48: monograph of intrathecal baclofen"
BOXED_WARNING: Final = "boxed warning on a public patient page about intrathecal baclofen"
OVER_INFUSION: Final = "P2: safety alert of 2014 on over-infusion; P4: field safety notice of 2016"
SCREENING: Final = "P50, P51: screening doses"
OVERDOSES: Final = "P57: reports of overdoses"
ONSET: Final = "P53: onset and peak of a bolus"
FLOW_ERROR_PPM: Final = 145_000
"""Flow error that labels allow, either way (P2, P4)."""
LEAST_JUDGED_NL: Final = 2_000_000
"""With less to deliver, what cannot be drawn out would decide; derived (domain.md 4.3, T12)."""
STRENGTHS_NG_PER_ML: Final = frozenset({500_000, 1_000_000, 2_000_000})
SCREENING_NG_PER_ML: Final = 50_000
MINIMUM_AGE_YEARS: Final = 4
_CHILD_BELOW: Final = 12
BIG_DECREASE_PPM: Final = -200_000
HALF_LESS_PPM: Final = -500_000
"""Nobody has published where a decrease becomes a withdrawal; derived: half of it is gone."""
EXPERIENCE_MCG: Final = 1_000
"""Experience with more in a day is limited (P48, P51)."""
LEAST_SCREENING_MCG: Final = 50
MOST_SCREENING_MCG: Final = 100
ONSET_MS: Final = 30 * 60_000
"""A bolus acts after 0.5 to 1 h (P53)."""


class Aetiology(Enum):
    """Where spasticity comes from."""

    SPINAL = "spinal"
    CEREBRAL = "cerebral"


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of the patient; None where nothing is."""

    age_years: int | None = None
    aetiology: Aetiology | None = None

    @property
    def is_child(self) -> bool:
        """Whether the figures for children count: under 12 years."""
        return self.age_years is not None and self.age_years < _CHILD_BELOW


@dataclass(frozen=True, slots=True)
class Titration:
    """By how much a dose is raised at most, at most once in 24 h."""

    limit_per_cent: int
    greatest_per_cent: int
    """The greatest step that the label has at all, in maintenance."""
    words: str


TITRATION: Final[dict[Aetiology | None, Titration]] = {
    Aetiology.SPINAL: Titration(
        30,
        40,
        "For spasticity of spinal origin the label raises it by 10 to 30 %, at most once in 24 h, "
        "while titrating, and by up to 40 % in maintenance.",
    ),
    Aetiology.CEREBRAL: Titration(
        15,
        20,
        "For spasticity of cerebral origin the label raises it by 5 to 15 %, at most once in 24 h, "
        "while titrating, and by up to 20 % in maintenance.",
    ),
    None: Titration(
        15,
        40,
        "The label raises it by 10 to 30 % for spasticity of spinal origin, and by 5 to 15 % for "
        "cerebral origin and for children (--aetiology and --age say which), at most once in 24 "
        "h.",
    ),
}
TITRATION_OF_CHILDREN: Final = Titration(
    15, 20, "For children the label raises it by 5 to 15 %, at most once in 24 h."
)


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Doses that patients of one kind are maintained on, in mcg/day."""

    least: int
    most: int
    below: str
    above: str
    source_below: str
    source_above: str


MAINTENANCE: Final[dict[Aetiology | None, Maintenance]] = {
    Aetiology.SPINAL: Maintenance(
        12,
        800,
        "the least that is reported is 12 mcg/day",
        "with spasticity of spinal origin most patients are maintained on 300 to 800 mcg/day, and "
        "experience above 1,000 mcg/day is limited",
        "unverified: 12 to 2,003 mcg/day",
        f"{MONOGRAPH}; {LABEL}",
    ),
    Aetiology.CEREBRAL: Maintenance(
        22,
        703,
        "the least that is reported is 22 mcg/day",
        "with spasticity of cerebral origin most patients are maintained on 90 to 703 mcg/day",
        "unverified: 22 to 1,400 mcg/day",
        MONOGRAPH,
    ),
    None: Maintenance(
        0, 1_000, "", "experience above 1,000 mcg/day is limited", "", f"{MONOGRAPH}; {LABEL}"
    ),
}
_OF_CHILDREN: Final = "children under 12 were maintained on 24 to 1,199 mcg/day"
MAINTENANCE_OF_CHILDREN: Final = Maintenance(
    24, 1_199, _OF_CHILDREN, _OF_CHILDREN, MONOGRAPH, MONOGRAPH
)
