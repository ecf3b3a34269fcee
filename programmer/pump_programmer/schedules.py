"""How schedules are typed: flex, day and night, periodic and patient boluses, mixtures; pure.

::

    --flex            [WEEKDAYS] HH:MM=FLOW [HH:MM=FLOW ...]
    --day-night       HH:MM=FLOW HH:MM=FLOW
    --periodic        DOSE every INTERVAL over DURATION
    --basal           FLOW, or none
    --patient-bolus   DOSE over DURATION lockout DURATION NUMBER a day
    --other-drug      NAME CONCENTRATION

WEEKDAYS are names, lists and ranges: ``mon-fri``, ``sat,sun``, ``monday``; every day if there are
none. FLOW is a daily dose, a rate, or ``minimum``. A quantity needs its unit, as everywhere: an
interval of hours that is typed without one, and taken for minutes, has cost lives (domain.md 4.2).

Every error names the option, what was typed, what is wrong with it and what would be right.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from pump_programmer.arguments import UsageError, check_drug_name
from pump_programmer.times import MINUTES_PER_DAY, time_of_day
from pump_programmer.wishes import DayWish, Flow, PatientWish, PeriodicWish, StepWish
from pump_protocol import units
from pump_protocol.codes import MAX_DRUGS, MAX_STEPS, MAX_STEPS_PER_DAY, MassUnit, Weekday
from pump_protocol.errors import UnitError
from pump_protocol.messages import Drug

EVERY_DAY: Final = Weekday(127)

FLEX_EXAMPLE: Final = "mon-fri 00:00=120 mcg/day 08:00=300 mcg/day"
DAY_NIGHT_EXAMPLE: Final = "07:00=300 mcg/day 22:00=200 mcg/day"
PERIODIC_EXAMPLE: Final = "30 mcg every 6 h over 10 min"
PATIENT_EXAMPLE: Final = "20 mcg over 5 min lockout 4 h 4 a day"
OTHER_DRUG_EXAMPLE: Final = "morphine 1 mg/mL"

_STEP: Final = re.compile(r"(?<![^\s,;=])(?P<time>[^\s,;=]*:[^\s,;=]*)\s*=\s*")
_TIME: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_ALLOTMENT: Final = re.compile(
    r"[\s,;]*(?:(?:up to|at most)\s+)?(?P<count>[0-9]+)\s*(?:times\s*)?(?:a|per|/)\s*day\s*$"
)
_DRUG: Final = re.compile(r"\s*(?P<name>.*\S)\s+(?P<strength>[0-9][0-9.]*\s*[^\s0-9]+)\s*")
_DAYS: Final = tuple(Weekday)
_DAY_NAMES: Final = tuple((day.name or "").lower() for day in _DAYS)


# --- Flex ----------------------------------------------------------------------------------------


def flex(texts: Sequence[str], option: str = "--flex") -> tuple[DayWish, ...]:
    """A week: one text for each group of weekdays that share their steps (REQ-10)."""
    patterns = [_day_wish(text, option) for text in texts]
    seen = Weekday(0)
    for text, pattern in zip(texts, patterns, strict=True):
        if twice := seen & pattern.weekdays:
            raise UsageError(f"{option} = {text!r}: {_named(twice)} has its steps already")
        seen |= pattern.weekdays
    if missing := EVERY_DAY & ~seen:
        raise UsageError(
            f"{option}: no steps for {_named(missing)}; give {option} once more for the other "
            "days, or without weekdays for every day"
        )
    count = sum(len(pattern.steps) for pattern in patterns)
    if count > MAX_STEPS:
        raise UsageError(f"{option}: {count} steps in all; allowed at most {MAX_STEPS}")
    return tuple(sorted(patterns, key=lambda pattern: pattern.weekdays & -pattern.weekdays))


def day_night(text: str, option: str = "--day-night") -> tuple[DayWish, ...]:
    """Two flows, each from its time until the other's, on every day."""
    days, steps = _split_steps(text, option, DAY_NIGHT_EXAMPLE)
    if days or len(steps) != 2:
        raise UsageError(
            f'{option} = {text!r}: two times wanted and no weekdays, as "{DAY_NIGHT_EXAMPLE}"; '
            "--flex takes any others"
        )
    first, second = sorted(steps, key=lambda step: step.starts_at_min)
    if first.starts_at_min == second.starts_at_min:
        raise UsageError(f"{option} = {text!r}: both begin at {time_of_day(first.starts_at_min)}")
    midnight = (StepWish(0, second.flow),) if first.starts_at_min else ()
    return (DayWish(EVERY_DAY, (*midnight, first, second)),)


def _day_wish(text: str, option: str) -> DayWish:
    days, steps = _split_steps(text, option, FLEX_EXAMPLE)
    if not steps:
        raise UsageError(f'{option} = {text!r}: no steps; write it as "{FLEX_EXAMPLE}"')
    if len(steps) > MAX_STEPS_PER_DAY:
        raise UsageError(
            f"{option} = {text!r}: {len(steps)} steps; allowed 1 to {MAX_STEPS_PER_DAY}"
        )
    if steps[0].starts_at_min:
        raise UsageError(
            f"{option} = {text!r}: the first step starts at "
            f"{time_of_day(steps[0].starts_at_min)}; it must start at 00:00, because the day does"
        )
    for earlier, later in pairwise(steps):
        if later.starts_at_min <= earlier.starts_at_min:
            raise UsageError(
                f"{option} = {text!r}: {time_of_day(later.starts_at_min)} comes after "
                f"{time_of_day(earlier.starts_at_min)}; steps stand in the order of the day, each "
                "time once"
            )
    return DayWish(_weekdays(days, text, option) if days else EVERY_DAY, tuple(steps))


def _split_steps(text: str, option: str, example: str) -> tuple[str, list[StepWish]]:
    """What stands before the first step, and the steps."""
    found = list(_STEP.finditer(text))
    if not found:
        raise UsageError(f'{option} = {text!r}: no TIME=QUANTITY in it; write it as "{example}"')
    ends = [*(each.start() for each in found[1:]), len(text)]
    steps = [
        StepWish(
            _minutes(each["time"], text, option),
            flow(text[each.end() : end].strip(" \t,;"), f"{option} at {each['time']}"),
        )
        for each, end in zip(found, ends, strict=True)
    ]
    return text[: found[0].start()].strip(" \t,;:"), steps


def _minutes(time: str, text: str, option: str) -> int:
    found = _TIME.fullmatch(time)
    minutes = int(found[1]) * 60 + int(found[2]) if found and int(found[2]) < 60 else -1
    if not 0 <= minutes < MINUTES_PER_DAY:
        raise UsageError(f"{option} = {text!r}: time {time!r}: allowed 00:00 to 23:59")
    return minutes


def flow(text: str, option: str) -> Flow:
    """A daily dose, a rate, or "minimum"."""
    if text.strip().lower() == "minimum":
        return Flow()
    # A unit of volume makes it a rate. Which error is told depends on it, too.
    if re.search(r"[0-9.]\s*(?:m|u|n|\u00b5|\u03bc)?[lL]/", text):
        return Flow(rate_nl_per_day=units.RATE.parse(text, option))
    try:
        return Flow(daily_dose_ng=units.DAILY_DOSE.parse(text, option))
    except UnitError as error:
        raise UsageError(
            f'{error} Or a rate, as "0.15 mL/day", or "minimum" for the minimum rate.'
        ) from error


def basal(text: str, option: str = "--basal") -> Flow:
    """What flows between and under periodic boluses; "none" is nothing."""
    if text.strip().lower() == "none":
        return Flow(rate_nl_per_day=0)
    try:
        return flow(text, option)
    except UsageError as error:
        raise UsageError(f'{error} Or "none".') from error


def _weekdays(days: str, text: str, option: str) -> Weekday:
    """Names, lists and ranges, which may go over the end of the week."""
    found = Weekday(0)
    for part in re.split(r"[\s,;]+", days.lower()):
        first, dash, last = part.partition("-")
        begin = _weekday(first, text, option)
        end = _weekday(last, text, option) if dash else begin
        for offset in range((end - begin) % len(_DAYS) + 1):
            day = _DAYS[(begin + offset) % len(_DAYS)]
            if day in found:
                raise UsageError(f"{option} = {text!r}: {_named(day)} is named twice")
            found |= day
    return found


def _weekday(name: str, text: str, option: str) -> int:
    for place, full in enumerate(_DAY_NAMES):
        if len(name) >= 3 and full.startswith(name):
            return place
    raise UsageError(
        f"{option} = {text!r}: {name!r} is no weekday; allowed mon, tue, wed, thu, fri, sat, sun, "
        "as mon-fri or sat,sun"
    )


def _named(days: Weekday) -> str:
    return ", ".join((day.name or "").capitalize() for day in days)


# --- Boluses -------------------------------------------------------------------------------------


def periodic(text: str, option: str = "--periodic") -> PeriodicWish:
    """A bolus that repeats, as ``30 mcg every 6 h over 10 min``."""
    parts = _clauses(text, option, ("every", "over"), PERIODIC_EXAMPLE)
    return PeriodicWish(
        dose_ng=units.DOSE.parse(parts[""], f"{option}, dose"),
        interval_ms=units.DURATION.parse(parts["every"], f"{option}, every"),
        duration_ms=units.DURATION.parse(parts["over"], f"{option}, over"),
    )


def patient_bolus(text: str, option: str = "--patient-bolus") -> PatientWish:
    """What a patient may ask for, as ``20 mcg over 5 min lockout 4 h 4 a day``."""
    allotment = _ALLOTMENT.search(text)
    if allotment is None:
        raise UsageError(
            f'{option} = {text!r}: how many a day is missing; write it as "{PATIENT_EXAMPLE}"'
        )
    parts = _clauses(text[: allotment.start()], option, ("over", "lockout"), PATIENT_EXAMPLE)
    return PatientWish(
        dose_ng=units.DOSE.parse(parts[""], f"{option}, dose"),
        duration_ms=units.DURATION.parse(parts["over"], f"{option}, over"),
        lockout_ms=units.DURATION.parse(parts["lockout"], f"{option}, lockout"),
        allotted_per_day=_allotted(allotment["count"], option),
    )


def _allotted(text: str, option: str) -> int:
    count = int(text) if len(text) <= 3 else 0
    if not 1 <= count <= 255:
        raise UsageError(f"{option}, boluses a day = {text!r}: allowed 1 to 255")
    return count


def _clauses(text: str, option: str, keywords: tuple[str, ...], example: str) -> Mapping[str, str]:
    """What stands before the first keyword, under "", and what follows each of them."""
    pieces = re.split(rf"\b({'|'.join(keywords)})\b", text)
    parts = {"": pieces[0].strip(" \t,;")}
    for keyword, value in zip(pieces[1::2], pieces[2::2], strict=True):
        if keyword in parts:
            raise UsageError(f'{option} = {text!r}: "{keyword}" stands in it twice')
        parts[keyword] = value.strip(" \t,;")
    for keyword in keywords:
        if keyword not in parts:
            raise UsageError(
                f'{option} = {text!r}: "{keyword}" is missing; write it as "{example}"'
            )
    return parts


# --- Mixtures ------------------------------------------------------------------------------------


def other_drugs(texts: Sequence[str], option: str = "--other-drug") -> tuple[Drug, ...]:
    """The drugs beside the primary one."""
    if len(texts) > MAX_DRUGS - 1:
        raise UsageError(
            f"{option}: {len(texts)} given; allowed at most {MAX_DRUGS - 1} beside the primary drug"
        )
    return tuple(_other_drug(text, option) for text in texts)


def _other_drug(text: str, option: str) -> Drug:
    found = _DRUG.fullmatch(text)
    if found is None:
        raise UsageError(
            f'{option} = {text!r}: a name and a concentration wanted, as "{OTHER_DRUG_EXAMPLE}"'
        )
    if found["name"].split()[-1][0].isdigit():
        raise UsageError(f"{option} = {text!r}: two numbers stand together before the unit")
    check_drug_name(found["name"], option)
    strength = found["strength"]
    concentration_ng_per_ml = units.CONCENTRATION.parse(strength, option)
    return Drug(mass_unit_of(strength), concentration_ng_per_ml, found["name"])


def mass_unit_of(concentration: str) -> MassUnit:
    """The mass unit in which a concentration was typed, so that doses are shown in the same."""
    return MassUnit.MILLIGRAM if re.search(r"[0-9.\s]mg/", concentration) else MassUnit.MICROGRAM
