"""What kind of pump it is: limits, timings and service life as data, each figure with its source.

The figures live in `profiles/*.toml`; this module knows their meaning, not their values.
"""

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, cast

from pump_sim.model.units import DAY_MS, HOUR_MS, MINUTE_MS, MONTH_MS

# Not importlib.resources: its import takes a third of the time in which a pump has to start.
_PROFILES = Path(__file__).with_name("profiles")


class ProfileError(ValueError):
    """A profile is missing, unreadable or out of range; the message names file, key and range."""


def _figure(unit: str, minimum: int, maximum: int) -> int:
    """A figure that every profile file gives, in `unit`, within inclusive limits."""
    # dataclasses.field() is typed as its default; a required field has none.
    return cast("int", field(metadata={"unit": unit, "minimum": minimum, "maximum": maximum}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The figures of one kind of pump. Sources: `sources`, by key, or the file itself."""

    model: str

    capacity_nl: int = _figure("nL", 1_000_000, 100_000_000)
    residual_nl: int = _figure("nL", 0, 10_000_000)
    internal_tubing_volume_nl: int = _figure("nL", 1, 10_000_000)
    catheter_volume_nl: int = _figure("nL", 1, 10_000_000)
    max_priming_volume_nl: int = _figure("nL", 1, 10_000_000)
    empty_reservoir_threshold_nl: int = _figure("nL", 0, 1_000_000)
    default_low_reservoir_threshold_nl: int = _figure("nL", 0, 50_000_000)
    max_low_reservoir_threshold_nl: int = _figure("nL", 0, 50_000_000)

    minimum_rate_nl_per_day: int = _figure("nL/day", 1, 1_000_000)
    min_therapeutic_rate_nl_per_day: int = _figure("nL/day", 1, 10_000_000)
    max_rate_nl_per_day: int = _figure("nL/day", 1, 100_000_000)

    min_concentration_ng_per_ml: int = _figure("ng/mL", 1, 4_000_000_000)
    max_concentration_ng_per_ml: int = _figure("ng/mL", 1, 4_000_000_000)
    max_daily_dose_ng: int = _figure("ng/day", 1, 4_000_000_000)
    soft_daily_dose_ng: int = _figure("ng/day", 1, 4_000_000_000)
    max_bolus_dose_ng: int = _figure("ng", 1, 4_000_000_000)
    min_bolus_duration_ms: int = _figure("ms", 1, DAY_MS)
    max_bolus_duration_ms: int = _figure("ms", 1, DAY_MS)
    min_bolus_interval_ms: int = _figure("ms", 1, 30 * DAY_MS)
    max_bolus_interval_ms: int = _figure("ms", 1, 30 * DAY_MS)
    min_lockout_ms: int = _figure("ms", 1, 30 * DAY_MS)
    max_lockout_ms: int = _figure("ms", 1, 30 * DAY_MS)
    max_patient_boluses_per_day: int = _figure("boluses", 1, 255)

    critical_tone_ms: int = _figure("ms", 1, MINUTE_MS)
    critical_interval_ms: int = _figure("ms", MINUTE_MS, DAY_MS)
    min_critical_interval_ms: int = _figure("ms", MINUTE_MS, DAY_MS)
    max_critical_interval_ms: int = _figure("ms", MINUTE_MS, DAY_MS)
    non_critical_tone_ms: int = _figure("ms", 1, MINUTE_MS)
    non_critical_interval_ms: int = _figure("ms", MINUTE_MS, DAY_MS)
    min_silence_ms: int = _figure("ms", 1, DAY_MS)
    max_critical_silence_ms: int = _figure("ms", 1, DAY_MS)
    max_non_critical_silence_ms: int = _figure("ms", 1, 7 * DAY_MS)
    stopped_too_long_ms: int = _figure("ms", HOUR_MS, 30 * DAY_MS)
    stall_detect_ms: int = _figure("ms", 1, DAY_MS)
    memory_check_interval_ms: int = _figure("ms", MINUTE_MS, 30 * DAY_MS)

    service_life_ms: int = _figure("ms", MONTH_MS, 240 * MONTH_MS)
    eri_before_eos_ms: int = _figure("ms", DAY_MS, 12 * MONTH_MS)
    replacement_lead_ms: int = _figure("ms", 0, 24 * MONTH_MS)
    battery_charge_drain_months: int = _figure("drain months", 1, 10**15)
    battery_idle_drain_per_ms: int = _figure("charge/ms", 1, 10**15)
    battery_drain_per_ledger_unit: int = _figure("charge/(nL ms/day)", 0, 10**9)

    sources: Mapping[str, str] = field(repr=False, compare=False, hash=False)

    @property
    def battery_capacity(self) -> int:
        """The charge of a new battery, in the unit of the drains."""
        return self.battery_charge_drain_months * MONTH_MS


ORDERED = (
    ("minimum_rate_nl_per_day", "min_therapeutic_rate_nl_per_day", "max_rate_nl_per_day"),
    ("min_concentration_ng_per_ml", "max_concentration_ng_per_ml"),
    ("min_bolus_duration_ms", "max_bolus_duration_ms"),
    ("min_bolus_interval_ms", "max_bolus_interval_ms"),
    ("min_lockout_ms", "max_lockout_ms"),
    ("soft_daily_dose_ng", "max_daily_dose_ng"),
    ("min_critical_interval_ms", "critical_interval_ms", "max_critical_interval_ms"),
    ("min_silence_ms", "max_critical_silence_ms"),
    ("min_silence_ms", "max_non_critical_silence_ms"),
    (
        "empty_reservoir_threshold_nl",
        "default_low_reservoir_threshold_nl",
        "max_low_reservoir_threshold_nl",
        "capacity_nl",
    ),
    ("critical_tone_ms", "min_critical_interval_ms"),
    ("non_critical_tone_ms", "non_critical_interval_ms"),
    ("eri_before_eos_ms", "service_life_ms"),
    ("replacement_lead_ms", "service_life_ms"),
)
"""Figures that must not exceed the next one of their row."""


def profile_names() -> tuple[str, ...]:
    """The profiles that come with the package, sorted."""
    return tuple(sorted(path.stem for path in _PROFILES.glob("*.toml")))


def load_profile(name_or_path: str | Path) -> Profile:
    """Load a profile that comes with the package by its name, or any other by its path.

    Raises `ProfileError`, and nothing else, if there is none, or if a figure is missing, unknown or
    out of range.
    """
    path = _PROFILES / f"{name_or_path}.toml"
    if str(name_or_path) not in profile_names():
        path = Path(name_or_path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        known = ", ".join(profile_names())
        raise ProfileError(f"no profile {name_or_path}: give {known} or a path") from None
    except (OSError, ValueError, RecursionError) as error:  # also of a path with a NUL in it
        raise ProfileError(f"{path}: {error}") from error
    return _profile(path, table)


def _profile(path: Path, table: dict[str, Any]) -> Profile:
    """Check a parsed file against the fields of `Profile`: all of them, nothing else, in range."""
    figures = {each.name: each.metadata for each in fields(Profile) if each.metadata}
    model = table.pop("model", None)
    if not isinstance(model, str) or not 1 <= len(model.encode()) <= 32:
        raise ProfileError(f"{path}: model: a name of 1..32 bytes is needed, not {model!r}")
    for key in table.keys() ^ figures.keys():
        problem = "is missing" if key in figures else "is not a figure of a profile"
        raise ProfileError(f"{path}: {key} {problem}")
    values: dict[str, int] = {}
    sources: dict[str, str] = {}
    for key, limits in figures.items():
        figure = table[key]
        if not isinstance(figure, dict) or figure.keys() != {"value", "source"}:
            raise ProfileError(f"{path}: {key}: {{ value = ..., source = ... }} is needed")
        value, source = figure["value"], figure["source"]
        low, high, unit = limits["minimum"], limits["maximum"], limits["unit"]
        if type(value) is not int or not low <= value <= high:
            raise ProfileError(f"{path}: {key} = {value!r}: allowed are {low}..{high} {unit}")
        if not isinstance(source, str) or not source:
            raise ProfileError(f"{path}: {key}: a source is needed, if only 'unverified'")
        values[key], sources[key] = value, source
    for row in ORDERED:
        for lesser, greater in itertools.pairwise(row):
            if values[lesser] > values[greater]:
                raise ProfileError(
                    f"{path}: {lesser} = {values[lesser]}: allowed are 0..{values[greater]}"
                    f" {figures[lesser]['unit']}, {greater} being that"
                )
    return Profile(model=model, sources=sources, **values)
