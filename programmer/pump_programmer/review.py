"""Current and pending prescription side by side, with what changes by how much; pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pump_programmer.words import spaced
from pump_protocol import units
from pump_protocol.codes import Mode
from pump_protocol.messages import Prescription, PrescriptionReport, PrescriptionStaged

_PPM: Final = 1_000_000
_WORDS: Final = frozenset({"mode", "drug_name", "mass_unit"})
"""Settings that are no numbers. There is always one in force, so that none of them can be new."""


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One setting, as it is and as it would be.

    ``change_ppm`` is the change in parts per million of the current value, rounded to the nearest;
    None where there is no number, or the current one is zero.
    """

    setting: str
    label: str
    current: str
    pending: str
    changed: bool
    change_ppm: int | None

    @property
    def change(self) -> str:
        """The change as people read it: "+33.3 %"."""
        if not self.changed:
            return "-"
        if self.change_ppm is None:
            return "changed" if self.setting in _WORDS else "new"
        return percent_text(self.change_ppm)


@dataclass(frozen=True, slots=True)
class Review:
    """All settings of two prescriptions, and what a person should think of before committing."""

    current: Prescription
    pending: Prescription
    current_version: int
    pending_version: int
    rows: tuple[ReviewRow, ...]
    warnings: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether anything would change."""
        return any(row.changed for row in self.rows)


def percent_text(change_ppm: int) -> str:
    """Parts per million as signed per cent with one decimal, ties to even."""
    tenths = units.nearest(change_ppm, 1_000)
    if tenths == 0:
        return "+<0.1 %" if change_ppm > 0 else "-<0.1 %"
    return f"{'+' if tenths > 0 else '-'}{abs(tenths) // 10}.{abs(tenths) % 10} %"


def review(current: PrescriptionReport, staged: PrescriptionStaged | PrescriptionReport) -> Review:
    """Put what is in force and what the pump has staged next to each other."""
    old, new = current.prescription, staged.prescription
    return Review(
        old,
        new,
        current.version,
        staged.version,
        tuple(_row(setting, old, new) for setting in _SETTINGS),
        tuple(_warnings(old, new)),
    )


_Show = Callable[[Prescription], str]
_Amount = Callable[[Prescription], int]

_SETTINGS: Final[tuple[tuple[str, str, _Show, _Amount | None], ...]] = (
    ("mode", "Mode", lambda p: spaced(p.mode), None),
    ("drug_name", "Drug", lambda p: p.drug_name, None),
    ("mass_unit", "Mass unit", lambda p: spaced(p.mass_unit), None),
    (
        "concentration_ng_per_ml",
        "Concentration",
        lambda p: units.format_concentration(p.concentration_ng_per_ml, p.mass_unit),
        lambda p: p.concentration_ng_per_ml,
    ),
    (
        "daily_dose_ng",
        "Total daily dose",
        lambda p: units.format_daily_dose(p.daily_dose_ng, p.mass_unit),
        lambda p: p.daily_dose_ng,
    ),
    (
        "rate_nl_per_day",
        "Rate",
        lambda p: units.format_rate(p.rate_nl_per_day),
        lambda p: p.rate_nl_per_day,
    ),
    (
        "low_reservoir_threshold_nl",
        "Low-reservoir alarm at",
        lambda p: units.format_volume(p.low_reservoir_threshold_nl),
        lambda p: p.low_reservoir_threshold_nl,
    ),
)


def _row(
    setting: tuple[str, str, _Show, _Amount | None], old: Prescription, new: Prescription
) -> ReviewRow:
    name, label, show, amount = setting
    change_ppm = None
    if amount is not None and amount(old) > 0:
        change_ppm = units.nearest((amount(new) - amount(old)) * _PPM, amount(old))
    changed = getattr(old, name) != getattr(new, name)
    return ReviewRow(name, label, show(old), show(new), changed, change_ppm)


def _warnings(old: Prescription, new: Prescription) -> list[str]:
    warnings = []
    stops = new.mode is Mode.STOPPED and old.mode is not Mode.STOPPED
    if stops:
        warnings.append(
            "All infusion will stop. Abrupt withdrawal of intrathecal baclofen has led to high "
            "fever, rebound spasticity, organ failure and death. The pump raises a critical alarm "
            "when it has been stopped for 48 h."
        )
    elif new.mode is Mode.MINIMUM_RATE and old.mode is Mode.SIMPLE_CONTINUOUS:
        warnings.append(
            "The minimum rate treats nobody: for the patient it is an abrupt withdrawal."
        )
    if new.concentration_ng_per_ml != old.concentration_ng_per_ml or new.drug_name != old.drug_name:
        warnings.append(
            "Drug or concentration changes. What is in the reservoir stays the old drug until it "
            "is refilled. What is then still in the tubing and the catheter is the old one too, "
            "and it will be delivered at the new rate until it is used up."
        )
    return warnings
