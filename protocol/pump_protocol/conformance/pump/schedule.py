"""Cases about mode FLEX: which days and steps a schedule may have, its means, and what flows."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from pump_protocol.codes import Capability, Field, RefusalCode, Weekday
from pump_protocol.conformance.allowed import allowed
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.pump.common.layout_by_hand import digest_of
from pump_protocol.conformance.pump.common.ready import clock_back, on_the_bench, refill, tidy
from pump_protocol.conformance.pump.common.staging import (
    follow,
    no_other_means,
    pending,
    taken,
    turned_down,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_drug,
    a_patient_bolus,
    a_periodic_bolus,
    all_week,
    at_minimum,
    bridged,
    cleared_nl,
    flex,
    periodic,
    since_tuesday,
    stopped,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    DayPattern,
    Identity,
    Interrogate,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    SetClock,
    StatusReport,
    Step,
)
from pump_protocol.reckoning import dose_totals
from pump_protocol.units import U32, dose_for_rate

_MONDAY_MS: Final = 19_996 * DAY_MS
"""2024-09-30 00:00, a Monday, on the local clock."""

_MINUTES_PER_DAY: Final = 1_440
_EIGHT_MIN: Final = 480
_FIRST_RATE_NL_PER_DAY: Final = 100_002
_RATE_STEP_NL_PER_DAY: Final = 12_000


def rates(identity: Identity, count: int) -> list[int]:
    """So many different rates that the pump allows, in rising order."""
    first = max(_FIRST_RATE_NL_PER_DAY, identity.minimum_therapeutic_rate_nl_per_day)
    found = [first + each * _RATE_STEP_NL_PER_DAY for each in range(count)]
    if found[-1] > identity.maximum_rate_nl_per_day:
        raise Unsupported(f"the limits of the pump leave no room for {count} rates")
    return found


def in_flex(tester: Tester) -> Play[tuple[TesterLink, Prescription]]:
    """An open link to a pump that can do FLEX, and what is in force."""
    tester.needs(Capability.FLEX)
    return (yield from on_the_bench(tester))


# --- Which parts a mode has ----------------------------------------------------------------------


@pump_case(
    "schedule/parts-of-modes",
    Level.MUST,
    "PROG-18",
    expects="refused with WRONG_MODE and the field of the part",
)
def parts_of_modes(tester: Tester) -> Play[None]:
    """Modes with a part that is none of theirs, or without one that is."""
    tester.needs(Capability.FLEX, Capability.PERIODIC_BOLUS, Capability.PATIENT_BOLUS)
    link, old = yield from on_the_bench(tester)
    identity = tester.identity
    assert old.drug is not None
    week = (all_week(Step(0, old.rate_nl_per_day)),)
    train = (a_periodic_bolus(identity, old.drug),)
    asked = (a_patient_bolus(identity, old.drug),)
    regular, varying, none = periodic(old, train[0]), flex(old, *week), stopped(old)
    for wrong, field in (
        (replace(old, days=week), Field.SCHEDULE),
        (replace(none, days=week), Field.SCHEDULE),
        (replace(regular, days=week), Field.SCHEDULE),
        (replace(varying, days=()), Field.SCHEDULE),
        (replace(old, periodic_boluses=train), Field.PERIODIC_DOSE),
        (replace(none, periodic_boluses=train), Field.PERIODIC_DOSE),
        (replace(varying, periodic_boluses=train), Field.PERIODIC_DOSE),
        (replace(regular, periodic_boluses=()), Field.PERIODIC_DOSE),
        (replace(none, patient_boluses=asked), Field.PATIENT_DOSE),
        *_parts_of_the_minimum_rate(identity, old, week, train, asked),
    ):
        what = f"mode {wrong.mode.name} with {_parts(wrong)}"
        yield from turned_down(link, wrong, RefusalCode.WRONG_MODE, field, what)
    for right in (regular, varying):
        yield from taken(link, replace(right, patient_boluses=asked), f"mode {right.mode.name}")
    yield from tidy(link)


def _parts_of_the_minimum_rate(
    identity: Identity,
    old: Prescription,
    week: tuple[DayPattern, ...],
    train: tuple[PeriodicBolus, ...],
    asked: tuple[PatientBolus, ...],
) -> Iterator[tuple[Prescription, Field]]:
    if Capability.MINIMUM_RATE in identity.capabilities:
        slow = at_minimum(identity, old)
        yield replace(slow, days=week), Field.SCHEDULE
        yield replace(slow, periodic_boluses=train), Field.PERIODIC_DOSE
        yield replace(slow, patient_boluses=asked), Field.PATIENT_DOSE


def _parts(prescription: Prescription) -> str:
    return (
        f"{len(prescription.days)} days, {len(prescription.periodic_boluses)} periodic and"
        f" {len(prescription.patient_boluses)} patient boluses"
    )


@pump_case(
    "schedule/parts-twice",
    Level.MUST,
    "PROG-18",
    expects="refused with DUPLICATE and the field of the part",
)
def parts_twice(tester: Tester) -> Play[None]:
    """Two periodic boluses, and two patient boluses."""
    tester.needs(Capability.PERIODIC_BOLUS, Capability.PATIENT_BOLUS)
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    train = a_periodic_bolus(tester.identity, old.drug)
    twice = replace(periodic(old, train), periodic_boluses=(train, train))
    code = RefusalCode.DUPLICATE
    yield from turned_down(link, twice, code, Field.PERIODIC_DOSE, "two periodic boluses")
    asked = a_patient_bolus(tester.identity, old.drug)
    twice = replace(old, patient_boluses=(asked, asked))
    yield from turned_down(link, twice, code, Field.PATIENT_DOSE, "two patient boluses")


# --- Days and steps ------------------------------------------------------------------------------


@pump_case(
    "schedule/flex-weekdays",
    Level.MUST,
    "PROG-20",
    expects="NOT_COVERED or DUPLICATE / WEEKDAYS, and the days",
)
def flex_weekdays(tester: Tester) -> Play[None]:
    """Schedules without some weekday, with one twice, and with an element that has no day."""
    link, old = yield from in_flex(tester)
    step = Step(0, old.rate_nl_per_day)
    whole, later = all_week(step), since_tuesday(step)
    monday, sunday = DayPattern(Weekday.MONDAY, (step,)), DayPattern(Weekday.SUNDAY, (step,))
    idle = DayPattern(Weekday(0), (step,))
    missing, twice = RefusalCode.NOT_COVERED, RefusalCode.DUPLICATE
    for what, days, code, value in (
        ("no Monday", (later,), missing, Weekday.MONDAY),
        ("Monday and Sunday only", (monday, sunday), missing, Weekday(0x3E)),
        ("Monday twice", (whole, monday), twice, Weekday.MONDAY),
        ("Monday three times", (monday, later, monday, monday), twice, Weekday.MONDAY),
        ("the whole week twice", (whole, whole), twice, Weekday(0x7F)),
        ("an element without a day", (whole, idle), missing, Weekday(0)),
    ):
        wrong = replace(flex(old, whole), days=days)
        reason = yield from turned_down(link, wrong, code, Field.WEEKDAYS, what)
        expect_equal(f"{what}: the value of the reason", reason.value, int(value))
    yield from taken(link, flex(old, later, monday), "Monday after the other days")
    yield from tidy(link)


@pump_case(
    "schedule/flex-step-starts",
    Level.MUST,
    "PROG-20",
    expects="the first at 0, each later than the one before, the last at 1439 at the latest",
)
def flex_step_starts(tester: Tester) -> Play[None]:
    """Steps that begin too late, at the same time, in the wrong order, and after midnight."""
    link, old = yield from in_flex(tester)
    rate = old.rate_nl_per_day
    last = _MINUTES_PER_DAY - 1
    beyond = RefusalCode.OUT_OF_RANGE
    for what, starts, code, value in (
        ("first at 1", (1, 480), RefusalCode.NOT_COVERED, 1),
        ("the same time twice", (0, 480, 480), beyond, 480),
        ("0 twice", (0, 0), beyond, 0),
        ("an earlier time", (0, 480, 479), beyond, 479),
        ("the end of the day", (0, last + 1), beyond, last + 1),
    ):
        wrong = _steps(old, [Step(each, rate) for each in starts])
        reason = yield from turned_down(link, wrong, code, Field.STEP_START, what)
        expect_equal(f"{what}: the value of the reason", reason.value, value)
    right = all_week(Step(0, rate), Step(1, rate), Step(last, rate))
    yield from taken(link, flex(old, right), f"steps at 0, 1 and {last}")
    yield from tidy(link)


def _steps(old: Prescription, steps: Iterable[Step]) -> Prescription:
    """*old* with these steps, right or wrong, every day."""
    whole = all_week(Step(0, old.rate_nl_per_day))
    return replace(flex(old, whole), days=(all_week(*steps),))


@pump_case(
    "schedule/flex-step-rates",
    Level.MUST,
    "PROG-20 REF-03",
    expects="the minimum rate, or the therapeutic range, to the nL/day",
)
def flex_step_rates(tester: Tester) -> Play[None]:
    """Rates of a step that lasts a minute, just inside and just outside their limits."""
    link, old = yield from in_flex(tester)
    identity = tester.identity

    def make(rate_nl_per_day: int) -> Prescription:
        rate = old.rate_nl_per_day
        steps = all_week(Step(0, rate), Step(720, rate_nl_per_day), Step(721, rate))
        return flex(old, steps)

    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    lowest = identity.minimum_rate_nl_per_day
    for value in (lowest, least, most):
        if allowed(identity, make(value)):
            yield from taken(link, make(value), f"a step of {value} nL/day")
    for value in sorted({0, lowest - 1, lowest + 1, least - 1, most + 1} - {lowest}):
        if 0 <= value <= U32 and not least <= value <= most:
            what = f"a step of {value} nL/day"
            code, field = RefusalCode.OUT_OF_RANGE, Field.STEP_RATE
            reason = yield from turned_down(link, make(value), code, field, what)
            expect_equal(f"{what}: the value of the reason", reason.value, value)
            expect_equal(f"{what}: the maximum of the reason", reason.maximum, most)
    yield from tidy(link)


@pump_case(
    "schedule/flex-steps-of-a-day",
    Level.MUST,
    "PROG-20",
    expects="1 to 13; otherwise OUT_OF_RANGE / SCHEDULE",
)
def flex_steps_of_a_day(tester: Tester) -> Play[None]:
    """Days of 13 steps, of 14, and of none."""
    link, old = yield from in_flex(tester)
    most = 13
    full = _many(old, most)
    yield from taken(link, flex(old, all_week(*full)), f"{most} steps a day")
    for steps in (_many(old, most + 1), []):
        wrong = _steps(old, steps)
        yield from _wrong_count(link, wrong, len(steps), most)
    yield from tidy(link)


@pump_case(
    "schedule/flex-steps-of-all",
    Level.MUST,
    "PROG-20",
    expects="52 at the most; otherwise OUT_OF_RANGE / SCHEDULE",
)
def flex_steps_of_all(tester: Tester) -> Play[None]:
    """Schedules of 52 steps, and of 53, on days of 13 at the most."""
    link, old = yield from in_flex(tester)
    full = tuple(_many(old, 13))
    single = tuple(_many(old, 1))
    monday, tuesday, wednesday, thursday, *rest = Weekday
    end = Weekday(sum(rest))
    days = [DayPattern(each, full) for each in (monday, tuesday, wednesday)]
    most = flex(old, *days, DayPattern(thursday | end, full))
    yield from taken(link, most, "52 steps in all")
    wrong = flex(old, *days, DayPattern(thursday, full), DayPattern(end, single))
    yield from _wrong_count(link, wrong, 53, 52)
    yield from tidy(link)


def _many(old: Prescription, count: int) -> list[Step]:
    return [Step(60 * each, old.rate_nl_per_day) for each in range(count)]


def _wrong_count(link: TesterLink, wrong: Prescription, count: int, most: int) -> Play[None]:
    what = f"{count} steps"
    code = RefusalCode.OUT_OF_RANGE
    reason = yield from turned_down(link, wrong, code, Field.SCHEDULE, what)
    expect_equal(f"{what}: the value of the reason", reason.value, count)
    if count:  # none may be too few for one day, and too few for all
        expect_equal(f"{what}: the maximum of the reason", reason.maximum, most)


@pump_case(
    "schedule/longest-prescription",
    Level.MUST,
    "PROG-20 PROG-23 PROG-08 PROG-09",
    expects="taken, echoed to the byte, and with the right digest",
)
def longest_prescription(tester: Tester) -> Play[None]:
    """All that a prescription can hold: 52 steps, three long names, patient bolus and bridge."""
    tester.needs(Capability.MIXTURES, Capability.PATIENT_BOLUS, Capability.BRIDGE_BOLUS)
    link, old = yield from in_flex(tester)
    drug = a_drug(tester.identity)
    drugs = tuple(replace(drug, name=letter * 32) for letter in "ABC")
    steps = tuple(_many(old, 13))
    monday, tuesday, wednesday, *rest = Weekday
    days = [DayPattern(each, steps) for each in (monday, tuesday, wednesday)]
    full = flex(replace(old, drugs=drugs), *days, DayPattern(Weekday(sum(rest)), steps))
    full = replace(full, patient_boluses=(a_patient_bolus(tester.identity, drug),))
    full = bridged(full, old, cleared_nl(tester.identity))
    staged = yield from taken(link, full, "the longest prescription")
    expect_equal("the echo of a stage", staged.prescription, full)
    expect_equal("digest of a stage", staged.digest, digest_of(staged.version, full))
    expect_equal("what is read as pending", (yield from pending(link)).prescription, full)
    yield from tidy(link)


# --- Means and totals ----------------------------------------------------------------------------


@pump_case(
    "schedule/flex-means",
    Level.MUST,
    "PROG-19 PROG-02",
    expects="taken with the means of a week only: nearest, ties to even, the dose from the units",
)
def flex_means(tester: Tester) -> Play[None]:
    """Schedules whose mean rate lies between two whole numbers, with rates and doses beside it."""
    link, old = yield from in_flex(tester)
    for what, good in _uneven(tester.identity, old):
        yield from taken(link, good, f"a mean {what}")
        yield from no_other_means(link, good)
    yield from tidy(link)


def _uneven(identity: Identity, old: Prescription) -> Iterator[tuple[str, Prescription]]:
    """Means in the middle above an even and an odd rate, and one whose dose the rate belies."""
    assert old.drug is not None
    (even, *_) = (each - each % 2 for each in rates(identity, 2)[1:])
    for rate in (even, even + 1):
        noon = all_week(Step(0, rate), Step(720, rate + 1))
        yield f"in the middle above {rate} nL/day", flex(old, noon)
    step = Step(0, rates(identity, 3)[2])
    for more in range(1, 100):
        first = Step(0, step.rate_nl_per_day + more)
        week = flex(old, DayPattern(Weekday.MONDAY, (first,)), since_tuesday(step))
        from_rate_ng = dose_for_rate(week.rate_nl_per_day, old.drug.concentration_ng_per_ml)
        if from_rate_ng != week.daily_dose_ng:
            yield "whose dose does not follow from the rounded rate", week
            return


@pump_case(
    "schedule/flex-totals",
    Level.MUST,
    "PROG-25 PROG-24",
    expects="the mean of the week, and of the day with most",
)
def flex_totals(tester: Tester) -> Play[None]:
    """The totals of a schedule with a day that is unlike the others."""
    link, old = yield from in_flex(tester)
    low, middle, high = rates(tester.identity, 3)
    for monday in ((Step(0, high),), (Step(0, low), Step(480, high), Step(1_320, low))):
        good = flex(old, DayPattern(Weekday.MONDAY, monday), since_tuesday(Step(0, middle)))
        staged = yield from taken(link, good, "a schedule of two kinds of days")
        expect_equal("totals of a schedule", staged.totals, dose_totals(good))
    yield from tidy(link)


# --- What flows ----------------------------------------------------------------------------------


def week_of_seven(identity: Identity, old: Prescription) -> Prescription:
    """Another rate on each weekday, and on two of them several."""
    monday, *others, friday, saturday, sunday = rates(identity, 7)
    steps = {
        Weekday.MONDAY: (Step(0, monday), Step(1, friday), Step(1_439, saturday)),
        Weekday.FRIDAY: (Step(0, friday), Step(_EIGHT_MIN, sunday)),
        Weekday.SATURDAY: (Step(0, saturday),),
        Weekday.SUNDAY: (Step(0, sunday),),
    }
    days = (Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY)
    steps |= {day: (Step(0, rate),) for day, rate in zip(days, others, strict=True)}
    # Not in the order of the week, which means nothing.
    return flex(old, *(DayPattern(day, steps[day]) for day in sorted(steps, reverse=True)))


def step_rate(days: Iterable[DayPattern], clock_ms: int) -> int:
    """The rate that belongs to a moment of the local clock (PROG-19)."""
    day, rest_ms = divmod(clock_ms, DAY_MS)
    weekday = Weekday(1 << (day + 3) % 7)
    steps = next(each.steps for each in days if weekday in each.weekdays)
    return [each for each in steps if each.starts_at_min * MINUTE_MS <= rest_ms][-1].rate_nl_per_day


def units_between(days: Iterable[DayPattern], from_ms: int, to_ms: int) -> int:
    """What flows between two moments of the local clock, in nL/day times ms."""
    patterns = tuple(days)
    units = 0
    while from_ms < to_ms:
        day_ms = from_ms // DAY_MS * DAY_MS
        borders = {step.starts_at_min * MINUTE_MS for each in patterns for step in each.steps}
        later = [day_ms + each for each in (*borders, DAY_MS) if day_ms + each > from_ms]
        end_ms = min(to_ms, *later)
        units += step_rate(patterns, from_ms) * (end_ms - from_ms)
        from_ms = end_ms
    return units


def _flows_as_the_clock_says(status: StatusReport, days: tuple[DayPattern, ...]) -> None:
    shows_ms = status.at_ms + status.implanted_clock_ms
    minute = shows_ms // MINUTE_MS % _MINUTES_PER_DAY
    weekday = list(Weekday)[(shows_ms // DAY_MS + 3) % 7].name
    expect_equal(
        f"infusing_nl_per_day on {weekday} at {minute // 60:02}:{minute % 60:02} of the local"
        f" clock ({shows_ms} ms)",
        status.infusing_nl_per_day,
        step_rate(days, shows_ms),
    )


@pump_case(
    "schedule/flex-step-in-force",
    Level.MUST,
    "PROG-19 CLOCK-01",
    expects="the step that belongs to the weekday and the time of the local clock, at once",
)
def flex_step_in_force(tester: Tester) -> Play[None]:
    """The clock is set to just before each step of a week, and to its start."""
    link, old = yield from in_flex(tester)
    before = yield from link.ask(Interrogate())
    prescription = week_of_seven(tester.identity, old)
    yield from follow(link, prescription)
    for pattern in prescription.days:
        day = next(at for at, each in enumerate(Weekday) if each in pattern.weekdays)
        for step in pattern.steps:
            starts_ms = _MONDAY_MS + day * DAY_MS + step.starts_at_min * MINUTE_MS
            # 30 s before, while a pump's time goes on; once to the ms, where it stands still.
            early = (MINUTE_MS // 2, 1) if step.starts_at_min == _EIGHT_MIN else (MINUTE_MS // 2,)
            for before_ms in (*early, 0):
                clock_ms = starts_ms - before_ms
                yield from link.ask(SetClock(clock_ms))
                status = yield from link.ask(Interrogate())
                _flows_as_the_clock_says(status, prescription.days)
    yield from clock_back(link, before)
    yield from tidy(link)


@pump_case(
    "schedule/flex-follows-the-clock",
    Level.MUST,
    "PROG-19",
    expects="each step as the local clock comes to it, and the volume of all of them",
    hooks="advance",
)
def flex_follows_the_clock(tester: Tester) -> Play[None]:
    """From a Friday morning to a Tuesday morning, in steps of some hours."""
    link, old = yield from in_flex(tester)
    yield from refill(link, tester.identity.reservoir_capacity_nl)
    before = yield from link.ask(Interrogate())
    prescription = week_of_seven(tester.identity, old)
    yield from follow(link, prescription)
    yield from link.ask(SetClock(_MONDAY_MS + 4 * DAY_MS + 7 * HOUR_MS))
    first = yield from link.ask(Interrogate())
    for hours in (2, 8, 6, 24, 12, 30, 14):
        yield from advance(hours * HOUR_MS)
        status = yield from link.ask(Interrogate())
        _flows_as_the_clock_says(status, prescription.days)
        offset_ms = status.implanted_clock_ms
        units = units_between(prescription.days, first.at_ms + offset_ms, status.at_ms + offset_ms)
        found_nl = status.delivered_nl - first.delivered_nl
        expect(
            abs(found_nl * DAY_MS - units) <= 2 * DAY_MS,
            f"{found_nl} nL were delivered in {status.at_ms - first.at_ms} ms; expected:"
            f" {units / DAY_MS:.1f}",
        )
    yield from clock_back(link, before)
    yield from tidy(link)
