"""Cases about how soon and how often a patient may ask for a bolus."""

from typing import Final

from pump_protocol.codes import Field, RefusalCode
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import accepted, expect, expect_equal
from pump_protocol.conformance.hooks import advance, reset
from pump_protocol.conformance.pump.common.orders import (
    Bedside,
    given_one,
    prescribed,
    with_patient_bolus,
)
from pump_protocol.conformance.pump.common.ready import advance_to, may_ask
from pump_protocol.conformance.pump.common.reasons import expect_numbers, just_these, refused_for
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import committed
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import PatientBolusStarted, Refusal, SetClock

_LOCKED_OUT: Final = (RefusalCode.LOCKED_OUT, Field.NONE)
_ALLOTMENT_USED: Final = (RefusalCode.ALLOTMENT_USED, Field.NONE)


def _free_at(bed: Bedside, at_ms: int, code: RefusalCode) -> Play[PatientBolusStarted]:
    """The patient is refused with *code* until *at_ms*, and given a bolus then, to the ms.

    Pump time may go on between two steps: a bolus that is given too early tells so by its start.
    """
    yield from advance_to(bed.link, at_ms - 1)
    request = bed.ask_for_bolus()
    response = yield from bed.link.exchange(bed.link.frame(request))
    if isinstance(response, Refusal):
        (reason,) = just_these(response, (code, Field.NONE))
        expect_numbers(reason, value=at_ms)
        yield from advance_to(bed.link, at_ms)
        given = yield from given_one(bed)
    else:
        given = accepted(request, response)
    expect(
        given.started_at_ms >= at_ms,
        f"a bolus was given at {given.started_at_ms} ms; expected: {code.name} until {at_ms} ms",
    )
    return given


@pump_case(
    "patient-bolus/lockout",
    Level.MUST,
    "ORDER-16 ORDER-19",
    expects="LOCKED_OUT until lockout_ms after the start of the last one, to the millisecond",
    hooks="advance",
)
def lockout(tester: Tester) -> Play[None]:
    """The patient asks 1 ms before the lockout ends, and when it ends."""
    bed = yield from may_ask(tester)
    if prescribed(bed).allotted_per_day < 2:
        raise Unsupported("the pump allows no two patient boluses a day")
    given = yield from given_one(bed)
    ends_at_ms = given.started_at_ms + prescribed(bed).lockout_ms
    second = yield from _free_at(bed, ends_at_ms, RefusalCode.LOCKED_OUT)
    expect_equal("left of the answer", second.left, given.left - 1)
    yield from bed.leave()


@pump_case(
    "patient-bolus/allotment",
    Level.MUST,
    "ORDER-16 ORDER-19",
    expects="ALLOTMENT_USED until the first of them began 24 h ago, to the millisecond, whatever"
    " the calendar says",
    hooks="advance",
)
def allotment(tester: Tester) -> Play[None]:
    """The patient, who may ask twice a day, asks a third time, and 24 h after the first."""
    prescription = with_patient_bolus(
        tester.identity, allotted_per_day=2, lockout_ms=HOUR_MS, duration_ms=10 * MINUTE_MS
    )
    bed = yield from may_ask(tester, prescription)
    wanted = prescribed(bed)
    if wanted.allotted_per_day < 2 or 2 * wanted.lockout_ms >= DAY_MS:
        raise Unsupported("the limits of the pump allow no two boluses a day")
    # Not at midnight, where a calendar day and 24 h are the same.
    yield from _away_from_midnight(bed)
    given = yield from given_one(bed)
    yield from advance_to(bed.link, given.started_at_ms + wanted.lockout_ms)
    second = yield from given_one(bed)
    free_at_ms = given.started_at_ms + DAY_MS
    expect_equal("left of the second answer", second.left, 0)
    expect_equal("next_at_ms of the second answer", second.next_at_ms, free_at_ms)
    yield from advance_to(bed.link, second.started_at_ms + wanted.lockout_ms)
    (reason,) = yield from refused_for(bed.link, bed.ask_for_bolus(), _ALLOTMENT_USED)
    expect_numbers(reason, value=free_at_ms)
    third = yield from _free_at(bed, free_at_ms, RefusalCode.ALLOTMENT_USED)
    later_ms = second.started_at_ms + DAY_MS
    expect_equal("left of the third answer", third.left, 0 if later_ms > third.started_at_ms else 1)
    yield from bed.leave()


def _away_from_midnight(bed: Bedside) -> Play[None]:
    status = yield from bed.status()
    of_day_ms = status.clock_ms % DAY_MS
    yield from advance((6 * HOUR_MS - of_day_ms) % DAY_MS)


@pump_case(
    "patient-bolus/left-and-next",
    Level.MUST,
    "ORDER-19 MSG-13",
    expects="left counts those that began less than 24 h ago; next_at_ms is no later than now when"
    " lockout and allotment allow another",
    hooks="advance",
)
def left_and_next(tester: Tester) -> Play[None]:
    """The status after one bolus: while the patient is locked out, later, and a day later."""
    bed = yield from may_ask(tester)
    wanted = prescribed(bed)
    if wanted.lockout_ms >= DAY_MS:
        raise Unsupported("a lockout of the pump is no shorter than a day")
    given = yield from given_one(bed)
    locked_ms, old_ms = given.started_at_ms + wanted.lockout_ms, given.started_at_ms + DAY_MS
    for at_ms, left in (
        (given.started_at_ms, wanted.allotted_per_day - 1),
        (locked_ms, wanted.allotted_per_day - 1),
        (max(locked_ms, old_ms), wanted.allotted_per_day),
    ):
        status = yield from advance_to(bed.link, at_ms)
        (state,) = status.patient_boluses
        expect_equal(f"left {at_ms - given.started_at_ms} ms after a bolus", state.left, left)
        expect_equal("allotted_per_day", state.allotted_per_day, wanted.allotted_per_day)
        if status.at_ms < locked_ms:
            next_at_ms = locked_ms if left else max(locked_ms, old_ms)
            expect_equal("next_at_ms", state.next_at_ms, next_at_ms)
        elif left:
            expect(
                state.next_at_ms <= status.at_ms,
                f"next_at_ms is {state.next_at_ms} at {status.at_ms} ms, when one is allowed",
            )


@pump_case(
    "patient-bolus/lockout-outlives-a-commit",
    Level.MUST,
    "ORDER-19",
    expects="lockout and allotment of the new prescription are held against the bolus that the old"
    " one granted",
)
def lockout_outlives_a_commit(tester: Tester) -> Play[None]:
    """A bolus is given; then a longer lockout and an allotment of one are committed."""
    bed = yield from may_ask(tester)
    given = yield from given_one(bed)
    yield from bed.end()
    stricter = with_patient_bolus(tester.identity, lockout_ms=2 * HOUR_MS, allotted_per_day=1)
    yield from committed(bed.link, stricter)
    assert stricter.patient is not None
    lock, used = yield from refused_for(bed.link, bed.ask_for_bolus(), _LOCKED_OUT, _ALLOTMENT_USED)
    expect_numbers(lock, value=given.started_at_ms + stricter.patient.lockout_ms)
    expect_numbers(used, value=given.started_at_ms + DAY_MS)


@pump_case(
    "patient-bolus/lockout-and-the-clock",
    Level.MUST,
    "ORDER-19 CLOCK-01 TIME-01",
    expects="the lockout ends when it would have ended",
)
def lockout_and_the_clock(tester: Tester) -> Play[None]:
    """A bolus is given, and the local clock set on by two days and back by one."""
    bed = yield from may_ask(tester)
    given = yield from given_one(bed)
    yield from bed.end()
    ends_at_ms = given.started_at_ms + prescribed(bed).lockout_ms
    was_ms = (yield from bed.status()).clock_ms
    for clock_ms in (was_ms + 2 * DAY_MS, was_ms + DAY_MS):
        yield from bed.link.ask(SetClock(clock_ms))
        reason = yield from bed.link.refused(bed.ask_for_bolus(), *_LOCKED_OUT)
        expect_numbers(reason, value=ends_at_ms)


@pump_case(
    "patient-bolus/lockout-outlives-a-reset",
    Level.MUST,
    "ORDER-19 ALARM-13",
    expects="the lockout ends when it would have ended, and the bolus counts as one of the"
    " allotment",
    hooks="reset",
    fresh=True,
)
def lockout_outlives_a_reset(tester: Tester) -> Play[None]:
    """A bolus is given, the pump starts anew, and the same prescription is committed again."""
    bed = yield from may_ask(tester)
    given = yield from given_one(bed)
    yield from reset("watchdog")
    bed = yield from bed.reopened()
    yield from committed(bed.link, bed.prescription)
    (state,) = (yield from bed.status()).patient_boluses
    expect_equal("left of the status", state.left, given.left)
    reason = yield from bed.link.refused(bed.ask_for_bolus(), *_LOCKED_OUT)
    expect_numbers(reason, value=given.started_at_ms + prescribed(bed).lockout_ms)
