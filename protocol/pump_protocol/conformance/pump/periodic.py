"""Cases about periodic boluses: their numbers, when they begin, and what ends them."""

from dataclasses import replace
from typing import Final

from pump_protocol.codes import (
    BolusKind,
    BolusOutcome,
    Capability,
    Field,
    LogEvent,
    RefusalCode,
)
from pump_protocol.conformance.allowed import allowed
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import rate_of
from pump_protocol.conformance.pump.common.reading import (
    bolus_of,
    expect_records,
    in_step,
    log_from,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import advance_to, clock_back, on_the_bench, tidy
from pump_protocol.conformance.pump.common.staging import (
    follow,
    limited,
    no_other_bolus,
    no_other_means,
    taken,
    turned_down,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_periodic_bolus,
    bolus_dose,
    committed,
    periodic,
    within,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.messages import (
    Identity,
    Interrogate,
    PeriodicBolus,
    Prescription,
    SetClock,
)
from pump_protocol.reckoning import dose_totals
from pump_protocol.units import U32, volume_for_dose

_LONG_MS: Final = 2 * HOUR_MS
_SMALL_VOLUME_NL: Final = 100


def _regular(tester: Tester) -> Play[tuple[TesterLink, Prescription, PeriodicBolus]]:
    """An open link, what is in force, and a periodic bolus that the pump must take."""
    tester.needs(Capability.PERIODIC_BOLUS)
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    return link, old, a_periodic_bolus(tester.identity, old.drug)


# --- Numbers -------------------------------------------------------------------------------------


@pump_case(
    "schedule/periodic-limits",
    Level.MUST,
    "PROG-21 REF-03",
    expects="the limits of Identity, to the unit; an interval no shorter than the bolus",
)
def periodic_limits(tester: Tester) -> Play[None]:
    """Durations, intervals and first delays inside and outside their limits."""
    link, old, bolus = yield from _regular(tester)
    identity = tester.identity
    shortest, longest = identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    small = _small(identity, old, bolus, max(MINUTE_MS, shortest))

    def lasting(duration_ms: int) -> Prescription:
        interval_ms = max(duration_ms, bolus.interval_ms)
        return periodic(old, replace(small, duration_ms=duration_ms, interval_ms=interval_ms))

    def repeated(interval_ms: int) -> Prescription:
        # No mean follows from an interval of 0.
        short = replace(
            small, duration_ms=shortest, interval_ms=max(1, interval_ms), first_after_ms=0
        )
        wanted = periodic(old, short)
        return replace(
            wanted,
            periodic_boluses=(replace(short, interval_ms=interval_ms),),
            rate_nl_per_day=min(wanted.rate_nl_per_day, U32),
        )

    def delayed(first_after_ms: int) -> Prescription:
        return periodic(old, replace(small, first_after_ms=first_after_ms))

    if longest <= identity.maximum_bolus_interval_ms:
        yield from limited(link, Field.PERIODIC_DURATION, (shortest, longest), lasting)
    intervals = (
        max(shortest, identity.minimum_bolus_interval_ms),
        identity.maximum_bolus_interval_ms,
    )
    yield from limited(link, Field.PERIODIC_INTERVAL, intervals, repeated)
    yield from limited(link, Field.PERIODIC_FIRST, (0, small.interval_ms), delayed)
    if bolus.duration_ms > identity.minimum_bolus_interval_ms:
        interval_ms = bolus.duration_ms - 1
        wrong = replace(small, interval_ms=interval_ms, first_after_ms=0)
        code, field = RefusalCode.OUT_OF_RANGE, Field.PERIODIC_INTERVAL
        what = "an interval shorter than the bolus"
        yield from turned_down(link, periodic(old, wrong), code, field, what)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-dose",
    Level.MUST,
    "PROG-21 PROG-02 REF-03",
    expects="1 to maximum_bolus_dose_ng, and the volume that follows from it only",
)
def periodic_dose(tester: Tester) -> Play[None]:
    """Doses of a periodic bolus inside and outside their limits; volumes beside the right one."""
    link, old, bolus = yield from _regular(tester)
    identity = tester.identity
    seldom = replace(
        bolus,
        duration_ms=min(identity.maximum_bolus_duration_ms, identity.maximum_bolus_interval_ms),
        interval_ms=identity.maximum_bolus_interval_ms,
    )

    def dosed(dose_ng: int) -> Prescription:
        return periodic(old, _dosed(old, seldom, dose_ng))

    def filled(volume_nl: int) -> Prescription:
        return periodic(old, replace(seldom, volume_nl=volume_nl))

    fields = (Field.PERIODIC_DOSE, Field.PERIODIC_VOLUME)
    yield from no_other_bolus(link, fields, dosed, filled, bolus.volume_nl)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-basal-rate",
    Level.MUST,
    "PROG-21 REF-03",
    expects="0, the minimum rate, or the therapeutic range; with the bolus the pump's limit",
)
def periodic_basal_rate(tester: Tester) -> Play[None]:
    """Rates under a periodic bolus: those allowed, those beside them, and one too fast with it."""
    link, old, bolus = yield from _regular(tester)
    identity = tester.identity
    small = _small(identity, old, bolus, bolus.duration_ms)
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    lowest = identity.minimum_rate_nl_per_day

    def based(rate_nl_per_day: int) -> Prescription:
        return periodic(old, replace(small, basal_rate_nl_per_day=rate_nl_per_day))

    for value in (0, lowest, least):
        if allowed(identity, based(value)):
            yield from taken(link, based(value), f"a basal rate of {value} nL/day")
    code = RefusalCode.OUT_OF_RANGE
    for value in (1, lowest - 1, lowest + 1, least - 1, most + 1):
        if 0 < value <= U32 and value != lowest and not least <= value <= most:
            what, field = f"a basal rate of {value} nL/day", Field.PERIODIC_BASAL_RATE
            reason = yield from turned_down(link, based(value), code, field, what)
            expect_equal(f"{what}: the value of the reason", reason.value, value)
    over = most - rate_of(small) + 1
    what, field = f"a basal rate of {over} nL/day with a bolus", Field.PERIODIC_RATE
    if over >= least:
        reason = yield from turned_down(link, based(over), code, field, what)
        found = (reason.value, reason.maximum)
        expect_equal(f"{what}: value and maximum of the reason", found, (most + 1, most))
    yield from tidy(link)


def _small(
    identity: Identity, old: Prescription, bolus: PeriodicBolus, duration_ms: int
) -> PeriodicBolus:
    """*bolus* with so little that it may be as short as that."""
    assert old.drug is not None
    basal = bolus.basal_rate_nl_per_day
    dose_ng = bolus_dose(identity, old.drug, _SMALL_VOLUME_NL, duration_ms, basal)
    return _dosed(old, bolus, dose_ng)


def _dosed(old: Prescription, bolus: PeriodicBolus, dose_ng: int) -> PeriodicBolus:
    assert old.drug is not None
    volume_nl = min(volume_for_dose(dose_ng, old.drug.concentration_ng_per_ml), U32)
    return replace(bolus, dose_ng=dose_ng, volume_nl=volume_nl)


@pump_case(
    "schedule/periodic-means",
    Level.MUST,
    "PROG-21 PROG-02 PROG-25",
    expects="rate and dose follow from the volumes as exact fractions; a begun interval counts",
)
def periodic_means(tester: Tester) -> Play[None]:
    """A bolus every 9 h and every 7 h, with rates and doses beside the right ones."""
    link, old, bolus = yield from _regular(tester)
    identity = tester.identity
    for hours in (9, 7):
        interval_ms = within(
            hours * HOUR_MS, identity.minimum_bolus_interval_ms, identity.maximum_bolus_interval_ms
        )
        one = replace(bolus, interval_ms=interval_ms, first_after_ms=0)
        good = periodic(old, one)
        staged = yield from taken(link, good, f"a bolus every {interval_ms} ms")
        expect_equal(f"totals of a bolus every {hours} h", staged.totals, dose_totals(good))
        yield from no_other_means(link, good)
    yield from tidy(link)


# --- When they begin -----------------------------------------------------------------------------


def _running(tester: Tester) -> Play[tuple[TesterLink, Prescription, PeriodicBolus, int]]:
    """An open link, a common prescription, the periodic bolus that was just put in force in its
    place, and when the first begins.

    It lasts half an hour, every 6 h, the first after an hour, where the pump allows that.
    """
    link, old, bolus = yield from _regular(tester)
    _, done = yield from follow(link, periodic(old, bolus))
    first_ms = done.committed_at_ms + bolus.first_after_ms
    return link, old, bolus, first_ms


@pump_case(
    "schedule/periodic-begins",
    Level.MUST,
    "PROG-21 MSG-13",
    expects="first_after_ms after the commit, and then every interval_ms",
    hooks="advance",
)
def periodic_begins(tester: Tester) -> Play[None]:
    """A periodic bolus is put in force; the pump is asked before, in and after three of them."""
    link, _, bolus, first_ms = yield from _running(tester)
    in_step((yield from link.ask(Interrogate())), bolus, first_ms)
    for start_ms in (first_ms + each * bolus.interval_ms for each in range(3)):
        half_ms = bolus.duration_ms // 2
        for at_ms in (start_ms - MINUTE_MS, start_ms, start_ms + half_ms):
            in_step((yield from advance_to(link, at_ms)), bolus, first_ms)
        status = yield from advance_to(link, start_ms + bolus.duration_ms + MINUTE_MS)
        in_step(status, bolus, first_ms)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-at-once",
    Level.MUST,
    "PROG-21",
    expects="the first begins at the commit",
)
def periodic_at_once(tester: Tester) -> Play[None]:
    """A periodic bolus with first_after_ms 0 is put in force."""
    link, old, bolus = yield from _regular(tester)
    bolus = replace(bolus, first_after_ms=0)
    _, done = yield from follow(link, periodic(old, bolus))
    in_step((yield from link.ask(Interrogate())), bolus, done.committed_at_ms)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-delivered",
    Level.MUST,
    "PROG-21 PROG-32 LOG-07",
    expects="the volume of each bolus and of the basal rate, and no record of it",
    hooks="advance",
)
def periodic_delivered(tester: Tester) -> Play[None]:
    """Three periodic boluses that nothing disturbs are delivered."""
    link, _, bolus, first_ms = yield from _running(tester)
    before = yield from link.ask(Interrogate())
    until_ms = first_ms + 2 * bolus.interval_ms + bolus.duration_ms + MINUTE_MS
    after = yield from advance_to(link, until_ms)
    basal_units = bolus.basal_rate_nl_per_day * (after.at_ms - before.at_ms)
    wanted_nl = (basal_units + 3 * bolus.volume_nl * DAY_MS) / DAY_MS
    found_nl = after.delivered_nl - before.delivered_nl
    expect(
        abs(found_nl - wanted_nl) <= 2,
        f"{found_nl} nL were delivered with three boluses; expected: {wanted_nl:.1f}",
    )
    yield from expect_records(link, before.therapy_log.next_sequence)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-by-pump-time",
    Level.MUST,
    "PROG-21 CLOCK-01 TIME-01",
    expects="the next begins at the same pump time as before",
)
def periodic_by_pump_time(tester: Tester) -> Play[None]:
    """The local clock is set two days ahead, and back by an hour, before a periodic bolus."""
    link, old, bolus = yield from _regular(tester)
    _, done = yield from follow(link, periodic(old, bolus))
    first_ms = done.committed_at_ms + bolus.first_after_ms
    before = yield from link.ask(Interrogate())
    for by_ms in (2 * DAY_MS, 2 * DAY_MS - HOUR_MS):
        yield from link.ask(SetClock(before.clock_ms + by_ms))
        in_step((yield from link.ask(Interrogate())), bolus, first_ms)
    yield from clock_back(link, before)
    yield from tidy(link)


@pump_case(
    "schedule/periodic-ends-with-prescription",
    Level.MUST,
    "PROG-14 PROG-21",
    expects="the bolus is aborted, and the new first delay counts from the commit",
    hooks="advance",
)
def periodic_ends_with_prescription(tester: Tester) -> Play[None]:
    """Another periodic bolus is committed while one runs."""
    link, old, bolus, first_ms = yield from _running(tester)
    before = yield from advance_to(link, first_ms + bolus.duration_ms // 2)
    other = replace(bolus, first_after_ms=bolus.first_after_ms // 2)
    _, done = yield from committed(link, periodic(old, other))
    status = yield from link.ask(Interrogate())
    in_step(status, other, done.committed_at_ms + other.first_after_ms)
    last = bolus_of(status)
    found = (last.kind, last.outcome, last.started_at_ms)
    wanted = (BolusKind.PERIODIC, BolusOutcome.ABORTED, first_ms)
    expect_equal("the last bolus (kind, outcome, start)", found, wanted)
    entries = yield from log_from(link, before.therapy_log.next_sequence)
    the_record(entries, LogEvent.BOLUS_ABORTED)
    yield from tidy(link)
