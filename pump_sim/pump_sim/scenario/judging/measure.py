"""What is looked at for each kind of value that can be expected, and how it is written.

Knows nothing of moments: when to look is :mod:`.judge`'s business.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from pump_protocol import units
from pump_sim.scenario.file.expectations import (
    ActiveAlarms,
    ActualRate,
    ActualVolume,
    BelievedRate,
    BelievedVolume,
    Csf,
    DeliveredRatio,
    Effect,
    Expectation,
    Flags,
    ModeIs,
    PrescribedDose,
    Ranged,
    Received,
    TipDose,
    Tone,
    Value,
)
from pump_sim.scenario.happenings import Look
from pump_sim.texts import spaced

NO_PRESCRIPTION: Final = "none: the patient is not judged by any prescription"
NO_FILL: Final = "none: not filled yet, or too little should have been delivered"


@dataclass(frozen=True, slots=True)
class Measure:
    """A value that must lie in a range, in the whole units of the file.

    `missing` says what it means that there is none.
    """

    value: Callable[[Look], int | None]
    text: Callable[[int], str]
    missing: str = ""


def percent(share_ppm: int) -> str:
    """A share in percent, with all its digits: ``98.5 %``."""
    return f"{units.decimal_text(share_ppm, 10_000)} %"


MEASURES: Final[dict[str, Measure]] = {
    BelievedVolume.subject: Measure(lambda look: look.believed_volume_nl, units.format_volume),
    ActualVolume.subject: Measure(lambda look: look.actual_volume_nl, units.format_volume),
    BelievedRate.subject: Measure(lambda look: look.believed_rate_nl_per_day, units.format_rate),
    ActualRate.subject: Measure(lambda look: look.actual_rate_nl_per_day, units.format_rate),
    PrescribedDose.subject: Measure(lambda look: look.prescribed_dose_ng, units.format_daily_dose),
    TipDose.subject: Measure(lambda look: round(look.tip_dose_ng_per_day), units.format_daily_dose),
    Csf.subject: Measure(lambda look: round(look.csf_ng_per_ml), units.format_concentration),
    Effect.subject: Measure(lambda look: look.effect_ppm, percent, NO_PRESCRIPTION),
    DeliveredRatio.subject: Measure(lambda look: look.delivered_ratio_ppm, percent, NO_FILL),
    Received.subject: Measure(lambda look: look.received_ng, units.format_dose),
}
"""What has a range, by its subject. Binary fractions are rounded to whole units of the file."""


def wanted_text(expectation: Expectation) -> str:
    """What a value must be, with its name: ``believed volume 3.9 mL to 4.1 mL``."""
    match expectation:
        case ModeIs(mode=mode):
            return f"mode {mode}"
        case Flags(flags=flags):
            return f"flags {_listed(flags)}"
        case ActiveAlarms(alarms=alarms):
            return f"active alarms {_listed(alarms)}"
        case Tone(tone=tone, every_ms=every_ms):
            return f"tone {_tone_text(tone, every_ms)}"
        case Ranged(wanted=(low, high)):
            text = MEASURES[expectation.subject].text
            wanted = text(low) if low == high else f"{text(low)} to {text(high)}"
            return f"{spaced(expectation.subject)} {wanted}"
    raise TypeError(f"{type(expectation).__name__} is about no value")


def seen(expectation: Value, look: Look) -> tuple[bool, str]:
    """Whether *look* shows what is expected, and what it shows."""
    match expectation:
        case ModeIs(mode=mode):
            name = look.mode.name.lower()
            return name == mode, name
        case Flags(flags=flags):
            shown = {each.name.lower() for each in look.flags}
            return shown == set(flags), _listed(shown)
        case ActiveAlarms(alarms=alarms):
            active = {each.name.lower() for each in look.active_alarms}
            return active == set(alarms), _listed(active)
        case Tone():
            return _heard(expectation, look)
        case Ranged():
            measure = MEASURES[expectation.subject]
            value = measure.value(look)
            if value is None:
                return False, measure.missing
            return within(expectation, value), measure.text(value)
    raise TypeError(f"{type(expectation).__name__} is about no value")


def _heard(expectation: Tone, look: Look) -> tuple[bool, str]:
    if look.tone is None:
        return expectation.tone == "none", "none"
    name, every_ms = look.tone[0].name.lower(), look.tone[1]
    met = name == expectation.tone and expectation.every_ms in {None, every_ms}
    return met, _tone_text(name, every_ms)


def _tone_text(tone: str, every_ms: int | None) -> str:
    return tone if every_ms is None else f"{tone} every {units.format_duration(every_ms)}"


def within(expectation: Ranged, value: int) -> bool:
    """Whether a value lies in the range that is wanted."""
    low, high = expectation.wanted
    return low <= value <= high


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or "none"
