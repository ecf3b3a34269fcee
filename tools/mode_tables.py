"""What infusions are programmed with, and worked numbers of each, as Markdown from the model."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Final

from markdown_table import table
from pump_sim.model import bridging, dosing, prescription
from pump_sim.model.prescription import (
    DayPattern,
    Mode,
    Prescription,
    Step,
    bridged,
    dose_totals,
    flex,
    periodic,
    simple_continuous,
    with_patient_bolus,
)
from pump_sim.model.profile import load_profile, profile_names
from pump_sim.model.rules import check_prescription, needs_confirmation
from pump_sim.model.units import DAY_MS, HOUR_MS, MINUTE_MS, NL_PER_ML, WEEK_MS

_PROFILES: Final = tuple(load_profile(name) for name in profile_names())
_PATH_NL: Final = _PROFILES[0].internal_tubing_volume_nl + _PROFILES[0].catheter_volume_nl


# --- Parameters and their limits -----------------------------------------------------------------


def _figure(name: str, shown: Callable[[int], str]) -> str:
    """A figure of the profiles; all that they say, where they differ."""
    values = dict.fromkeys(shown(getattr(profile, name)) for profile in _PROFILES)
    return " or ".join(values)


def _volume(nl: int) -> str:
    return f"{nl / NL_PER_ML:g} mL"


def _rate(nl_per_day: int) -> str:
    return f"{nl_per_day / NL_PER_ML:g} mL/day"


def _dose(ng: int) -> str:
    return f"{ng / 1_000:,.10g} mcg"


def _strength(ng_per_ml: int) -> str:
    return f"{ng_per_ml / 1_000:,.10g} mcg/mL"


def _span(ms: int) -> str:
    for unit_ms, unit in ((DAY_MS, "days"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (1_000, "s")):
        if not ms % unit_ms and (unit != "days" or ms > DAY_MS):
            return f"{ms // unit_ms} {unit}"
    return f"{ms} ms"


def _count(number: int) -> str:
    return f"{number}"


def _limits(rows: Iterable[tuple[str, str, str, str, str]]) -> str:
    return table(("parameter", "unit", "smallest", "largest", "besides"), rows)


_BASAL: Final = (
    f"{_figure('minimum_rate_nl_per_day', _rate)}, or"
    f" {_figure('min_therapeutic_rate_nl_per_day', _rate)}"
)


def common() -> str:
    """What every prescription has."""
    lowest, highest = "min_concentration_ng_per_ml", "max_concentration_ng_per_ml"
    threshold = _figure("max_low_reservoir_threshold_nl", _volume)
    name_bytes = f"{prescription.MAX_DRUG_NAME_BYTES} bytes"
    return _limits(
        (
            ("`drugs`", "", "1", f"{prescription.MAX_DRUGS}", "each with a name of its own"),
            ("name", "", "1 byte", name_bytes, "printable"),
            ("`concentration_ng_per_ml`", "ng/mL", _figure(lowest, _strength),
             _figure(highest, _strength), ""),
            ("`low_reservoir_threshold_nl`", "nL", "0 mL", threshold, "largest by profile"),
        )
    )  # fmt: skip


def continuous() -> str:
    """What a constant infusion has."""
    lowest, highest = "min_therapeutic_rate_nl_per_day", "max_rate_nl_per_day"
    dose = f"{_figure('max_daily_dose_ng', _dose)}/day"
    return _limits(
        (
            ("`daily_dose_ng`", "ng/day", "above 0", dose, "of the primary drug"),
            ("`rate_nl_per_day`", "nL/day", _figure(lowest, _rate), _figure(highest, _rate),
             "follows from the dose"),
        )
    )  # fmt: skip


def flexible() -> str:
    """What a schedule has."""
    highest = _figure("max_rate_nl_per_day", _rate)
    per_day, in_all = prescription.MAX_STEPS_PER_DAY, prescription.MAX_STEPS
    return _limits(
        (
            ("`weekdays`", "", "1", "7", "every weekday in exactly one pattern; Monday is 0"),
            ("`steps`", "", "1", f"{per_day} a pattern", f"{in_all} in all patterns together"),
            ("`starts_at_min`", "min", "0", "1439", "the first 0, each later than the one before"),
            ("`rate_nl_per_day`", "nL/day", _BASAL, highest, ""),
        )
    )  # fmt: skip


def _bolus_rows(what: str) -> list[tuple[str, str, str, str, str]]:
    capacity = _figure("capacity_nl", _volume)
    shortest, longest = "min_bolus_duration_ms", "max_bolus_duration_ms"
    return [
        ("`dose_ng`", "ng", "above 0", _figure("max_bolus_dose_ng", _dose), what),
        ("`volume_nl`", "nL", "above 0", capacity, "follows from the dose; largest by profile"),
        ("`duration_ms`", "ms", _figure(shortest, _span), _figure(longest, _span), ""),
    ]


def periodical() -> str:
    """What periodic boluses have."""
    shortest, longest = "min_bolus_interval_ms", "max_bolus_interval_ms"
    highest = _figure("max_rate_nl_per_day", _rate)
    return _limits(
        (
            ("`basal_rate_nl_per_day`", "nL/day", f"0, {_BASAL}", highest, "with the bolus, too"),
            *_bolus_rows("of one bolus"),
            ("`interval_ms`", "ms", _figure(shortest, _span), _figure(longest, _span),
             "from start to start; not below the duration"),
            ("`first_after_ms`", "ms", "0", "the interval", "from the commit to the first"),
        )
    )  # fmt: skip


def patient() -> str:
    """What a patient bolus has."""
    shortest, longest = "min_lockout_ms", "max_lockout_ms"
    return _limits(
        (
            *_bolus_rows("of one bolus"),
            ("`lockout_ms`", "ms", _figure(shortest, _span), _figure(longest, _span),
             "from start to start; not below the duration"),
            ("`allotted_per_day`", "boluses", "1", _figure("max_patient_boluses_per_day", _count),
             "that may begin in any 24 h"),
        )
    )  # fmt: skip


def single() -> str:
    """What a single bolus has."""
    return _limits(_bolus_rows("what is ordered"))


def priming() -> str:
    """What a priming bolus has."""
    largest = _figure("max_priming_volume_nl", _volume)
    duration = _bolus_rows("")[2]
    return _limits(
        (
            ("`volume_nl`", "nL", "above 0", largest, "what is ordered"),
            ("`dose_ng`", "ng", "", "no limit", "follows from the volume: it reaches nobody"),
            duration,
        )
    )


def bridge() -> str:
    """What a bridge has."""
    lowest, highest = "min_therapeutic_rate_nl_per_day", "max_rate_nl_per_day"
    largest = _figure("max_priming_volume_nl", _volume)
    return _limits(
        (
            ("`volume_nl`", "nL", "above 0", largest, "tubing and catheter, as the clinician says"),
            ("`rate_nl_per_day`", "nL/day", _figure(lowest, _rate), _figure(highest, _rate),
             "new daily dose / old concentration"),
            ("`duration_ms`", "ms", "above 0", _span(bridging.MAX_DURATION_MS),
             "volume / rate, rounded up"),
        )
    )  # fmt: skip


# --- Worked numbers ------------------------------------------------------------------------------


def _plan(dose_ng: int = 300_000, concentration_ng_per_ml: int = 2_000_000) -> Prescription:
    return simple_continuous(
        drug_name="baclofen",
        concentration_ng_per_ml=concentration_ng_per_ml,
        daily_dose_ng=dose_ng,
    )


def rates() -> str:
    """The numbers that every test should know."""
    rows = []
    for dose_ng, concentration in (
        (100_000, 500_000), (300_000, 500_000), (300_000, 2_000_000), (800_000, 2_000_000),
        (100_000, 300_000), (50_000, 2_000_000),
    ):  # fmt: skip
        plan = _plan(dose_ng, concentration)
        rate = plan.rate_nl_per_day
        assert rate == round(Fraction(dose_ng * NL_PER_ML, concentration))
        refused = any(check_prescription(plan, each) for each in _PROFILES)
        exact = dose_ng * NL_PER_ML % concentration == 0
        remark = "refused: below the smallest therapeutic rate" if refused else ""
        if not exact:
            remark = "rounded"
        rows.append((f"{_dose(dose_ng)}/day", _strength(concentration), f"{rate:,} nL/day", remark))
    return table(("daily dose", "concentration", "rate", ""), rows)


_WORKDAYS: Final = DayPattern(
    frozenset(range(5)),
    (Step(0, 100_000), Step(6 * 60, 200_000), Step(22 * 60, 100_000)),
)
_WEEKEND: Final = DayPattern(frozenset({5, 6}), (Step(0, 120_000),))


def _totals(plan: Prescription) -> tuple[str, str, str, str]:
    totals = dose_totals(plan)
    profile = _PROFILES[0]
    assert not check_prescription(plan, profile)
    return (
        f"{_dose(totals.mean_ng)}",
        f"{_dose(totals.highest_ng)}",
        f"{_dose(totals.with_patient_ng)}",
        "yes" if needs_confirmation(plan, profile) else "no",
    )


def flex_example() -> str:
    """A week with two kinds of days."""
    plan = flex(_plan(), _WORKDAYS, _WEEKEND)
    rows = []
    for name, day in (("Monday to Friday", _WORKDAYS), ("Saturday, Sunday", _WEEKEND)):
        steps = "; ".join(
            f"from {step.starts_at_min // 60:02}:{step.starts_at_min % 60:02}"
            f" {_rate(step.rate_nl_per_day)}"
            for step in day.steps
        )
        volume = day.units_per_day / DAY_MS
        dose = dosing.dose_of_units(day.units_per_day, DAY_MS, 2_000_000)
        rows.append((name, steps, f"{volume:,.1f} nL", _dose(dose)))
    units = 5 * _WORKDAYS.units_per_day + 2 * _WEEKEND.units_per_day
    exact = Fraction(units, WEEK_MS)
    assert plan.rate_nl_per_day == round(exact)
    assert plan.daily_dose_ng == round(exact * 2)
    mean = (
        f"The mean of the week is {float(exact):,.3f} nL/day, so `rate_nl_per_day` is"
        f" {plan.rate_nl_per_day:,}; `daily_dose_ng` is {plan.daily_dose_ng:,}, which follows from"
        " the exact mean and not from the rounded rate."
    )
    return table(("days", "steps", "volume of a day", "dose of a day"), rows) + f"\n\n{mean}"


_TRAIN: Final = periodic(
    _plan(),
    dose_ng=30_000,
    duration_ms=10 * MINUTE_MS,
    interval_ms=6 * HOUR_MS,
    basal_rate_nl_per_day=48_000,
)
_PATIENT: Final = with_patient_bolus(
    _plan(), dose_ng=20_000, duration_ms=10 * MINUTE_MS, lockout_ms=4 * HOUR_MS, allotted_per_day=4
)


def periodic_example() -> str:
    """Boluses every six hours, and the slip of minutes for hours."""
    bolus = _TRAIN.periodic
    assert bolus is not None
    exact = bolus.basal_rate_nl_per_day + Fraction(bolus.volume_nl * DAY_MS, bolus.interval_ms)
    assert _TRAIN.rate_nl_per_day == round(exact)
    slip = periodic(_plan(), dose_ng=30_000, duration_ms=MINUTE_MS, interval_ms=6 * MINUTE_MS)
    assert check_prescription(slip, _PROFILES[0])
    return (
        f"{_dose(bolus.dose_ng)} of {_strength(2_000_000)} are {bolus.volume_nl:,} nL. Every"
        f" {_span(bolus.interval_ms)} over {_span(bolus.duration_ms)}, on"
        f" {_rate(bolus.basal_rate_nl_per_day)}: {DAY_MS // bolus.interval_ms} boluses a day, so"
        f" `rate_nl_per_day` is {bolus.basal_rate_nl_per_day:,} + {DAY_MS // bolus.interval_ms} *"
        f" {bolus.volume_nl:,} = {_TRAIN.rate_nl_per_day:,}, and `daily_dose_ng`"
        f" {_TRAIN.daily_dose_ng:,}. With six minutes in place of six hours, over"
        f" {_span(MINUTE_MS)} and without a basal rate, the boluses alone are"
        f" {_dose(slip.daily_dose_ng)} a day at {_rate(slip.rate_nl_per_day)}: far below the"
        " largest flow, and refused for the dose (T6)."
    )


def totals_example() -> str:
    """The totals of each kind of prescription."""
    busy = with_patient_bolus(
        _plan(950_000), dose_ng=20_000, duration_ms=10 * MINUTE_MS, lockout_ms=4 * HOUR_MS,
        allotted_per_day=4,
    )  # fmt: skip
    rows = (
        ("constant, 300 mcg/day", *_totals(_plan())),
        ("the schedule above", *_totals(flex(_plan(), _WORKDAYS, _WEEKEND))),
        ("the periodic boluses above", *_totals(_TRAIN)),
        ("300 mcg/day and 4 patient boluses of 20 mcg", *_totals(_PATIENT)),
        ("950 mcg/day and 4 patient boluses of 20 mcg", *_totals(busy)),
    )
    head = ("prescription", "`mean_ng`", "`highest_ng`", "`with_patient_ng`", "must be confirmed")
    return table(head, rows)


def bridge_example() -> str:
    """T9 and T10: what a bridge does, and what happens without one."""
    rows = []
    for name, before, after in (("T9", 2_000_000, 500_000), ("T10", 500_000, 2_000_000)):
        old, new = _plan(300_000, before), _plan(300_000, after)
        plan = bridged(new, old, _PATH_NL)
        clearing = plan.bridge
        assert clearing is not None
        assert not bridging.check_bridge(plan, old, _PROFILES[0])
        wrong_ng = dosing.dose_for_rate(new.rate_nl_per_day, before)
        for_ms = dosing.bridge_duration_ms(_PATH_NL, new.rate_nl_per_day)
        off_ng = (wrong_ng - 300_000) * Fraction(for_ms, DAY_MS)
        rows.append(
            (
                f"{name}: {_strength(before)} to {_strength(after)}",
                f"{_rate(old.rate_nl_per_day)} to {_rate(new.rate_nl_per_day)}",
                f"{for_ms / HOUR_MS:g} h at {_dose(wrong_ng)}/day: {float(off_ng) / 1_000:+,g} mcg",
                (
                    f"{clearing.volume_nl:,} nL at {clearing.rate_nl_per_day:,} nL/day, so"
                    f" {clearing.duration_ms:,} ms ({clearing.duration_ms / HOUR_MS:g} h)"
                ),
            )
        )
    return table(("300 mcg/day throughout", "rate", "declined", "bridge"), rows)


def safe_rate() -> str:
    """What the safe state gives."""
    rate = _PROFILES[0].minimum_rate_nl_per_day
    rows = []
    for concentration in (500_000, 1_000_000, 2_000_000):
        dose_ng = dosing.dose_for_rate(rate, concentration)
        lowest = dosing.dose_for_rate(_PROFILES[0].min_therapeutic_rate_nl_per_day, concentration)
        rows.append((_strength(concentration), f"{_dose(dose_ng)}/day", f"{_dose(lowest)}/day"))
    return table(("concentration", "at the minimum rate", "smallest therapeutic dose"), rows)


def modes() -> str:
    """The modes, with what each of them has."""
    words = {
        Mode.STOPPED: ("no flow", "0", "none", "no"),
        Mode.MINIMUM_RATE: (
            f"{_figure('minimum_rate_nl_per_day', _rate)}: keeps the way open, treats nobody",
            "that of the profile", "none", "no",
        ),
        Mode.SIMPLE_CONTINUOUS: ("one rate", "nearest to dose / concentration", "`dose`", "yes"),
        Mode.FLEX: ("rates by local time and weekday", "mean of a week", "`days`", "yes"),
        Mode.PERIODIC_BOLUS: (
            "a bolus that repeats, on a basal rate or none", "mean of an interval",
            "`periodic_boluses`", "yes",
        ),
    }  # fmt: skip
    head = ("mode", "flow", "`rate_nl_per_day`", "programmed by", "patient boluses, bridge")
    return table(head, ((f"`{each.name}`", *words[each]) for each in Mode))
