"""Cases about periodic boluses that give way to others, and to what holds the infusion."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

from pump_protocol.codes import Alarm, BolusKind, BolusOutcome, Capability, LogEvent
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import (
    Bedside,
    with_patient_bolus,
    with_periodic_bolus,
)
from pump_protocol.conformance.pump.common.reading import (
    active,
    bolus_of,
    delivered_by,
    expect_records,
    next_record,
)
from pump_protocol.conformance.pump.common.ready import advance_to, at_bedside, refill, settled
from pump_protocol.conformance.state import ROUNDING_NL
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import committed, steady, within
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import BolusOrdered, PatientBolusStarted, PeriodicBolus, StatusReport

_LITTLE_NL: Final = 500

_SHIFTING: Final = (
    LogEvent.PERIODIC_BOLUS_SHIFTED,
    LogEvent.PERIODIC_BOLUS_STARTED,
    LogEvent.BOLUS_COMPLETED,
    LogEvent.BOLUS_ABORTED,
)


@dataclass(frozen=True, slots=True)
class _Train:
    """Periodic boluses that have just been prescribed, on a pump on which nothing else runs.

    :ivar first_at_ms: when the first of them begins.
    :ivar record: the number of the first therapy-log record from here on.
    """

    bed: Bedside
    periodic: PeriodicBolus
    first_at_ms: int
    record: int

    def delivered(self, before: StatusReport, after: StatusReport, *, boluses_nl: int) -> None:
        """Just the basal rate and so much more must have been delivered between two readings."""
        basal_nl = self.periodic.basal_rate_nl_per_day * (after.at_ms - before.at_ms) // DAY_MS
        found_nl, wanted_nl = after.delivered_nl - before.delivered_nl, basal_nl + boluses_nl
        expect(
            abs(found_nl - wanted_nl) <= ROUNDING_NL,
            f"{found_nl} nL were delivered in {after.at_ms - before.at_ms} ms;"
            f" expected: {wanted_nl} nL",
        )

    def told(self, *wanted: tuple[LogEvent, int, int]) -> Play[None]:
        """What the log has of boluses that were put off, and of what ended."""
        yield from expect_records(self.bed.link, self.record, *wanted, events=_SHIFTING)


def _train(tester: Tester, *, needs: Collection[Capability] = ()) -> Play[_Train]:
    """Have periodic boluses begin half an hour from now."""
    bed = yield from at_bedside(
        tester, needs=(Capability.SINGLE_BOLUS, Capability.PERIODIC_BOLUS, *needs)
    )
    prescription = with_periodic_bolus(bed.identity, first_after_ms=30 * MINUTE_MS)
    if Capability.PATIENT_BOLUS in needs:
        patient = with_patient_bolus(bed.identity, duration_ms=10 * MINUTE_MS).patient_boluses
        prescription = replace(prescription, patient_boluses=patient)
    _, done = yield from committed(bed.link, prescription)
    periodic = prescription.periodic
    assert periodic is not None
    if 6 * periodic.duration_ms > periodic.interval_ms:
        raise Unsupported("the limits of the pump allow no periodic boluses that are far apart")
    record = yield from next_record(bed.link)
    first_at_ms = done.committed_at_ms + periodic.first_after_ms
    return _Train(replace(bed, prescription=prescription), periodic, first_at_ms, record)


def _expect_periodic(status: StatusReport, started_at_ms: int) -> None:
    """A periodic bolus that began then must be running."""
    bolus = bolus_of(status)
    for what, found, wanted in (
        ("kind", bolus.kind.name, BolusKind.PERIODIC.name),
        ("outcome", bolus.outcome.name, BolusOutcome.RUNNING.name),
        ("started_at_ms", bolus.started_at_ms, started_at_ms),
        ("programmer_id", bolus.programmer_id, 0),
        ("order_number", bolus.order_number, 0),
    ):
        expect_equal(f"{what} of the periodic bolus", found, wanted)


def _expect_next(status: StatusReport, at_ms: int | None) -> None:
    expect_equal("next_periodic_bolus_at_ms", status.next_periodic_bolus_at_ms, at_ms)


@pump_case(
    "bolus/periodic-put-off-whole",
    Level.MUST,
    "PROG-32 ORDER-13 ORDER-14",
    expects="it waits for the end of the other bolus, is delivered then, and the next one begins"
    " interval_ms after that",
    hooks="advance",
)
def periodic_put_off_whole(tester: Tester) -> Play[None]:
    """A periodic bolus falls due while a single one runs."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    before = yield from bed.status()
    order = bed.bolus(duration_ms=HOUR_MS)
    ends_at_ms = (yield from bed.link.ask(order)).ends_at_ms
    shifted = (LogEvent.PERIODIC_BOLUS_SHIFTED, periodic.volume_nl, ends_at_ms)
    status = yield from advance_to(bed.link, train.first_at_ms)
    expect_equal("kind of what runs", bolus_of(status).kind.name, BolusKind.SINGLE.name)
    _expect_next(status, ends_at_ms)
    yield from train.told(shifted)
    status = yield from advance_to(bed.link, ends_at_ms)
    _expect_periodic(status, ends_at_ms)
    _expect_next(status, ends_at_ms + periodic.interval_ms)
    status = yield from advance_to(bed.link, ends_at_ms + periodic.duration_ms)
    yield from train.told(
        shifted,
        (LogEvent.BOLUS_COMPLETED, order.volume_nl, order.order_number),
        (LogEvent.PERIODIC_BOLUS_STARTED, periodic.volume_nl, 0),
        (LogEvent.BOLUS_COMPLETED, periodic.volume_nl, 0),
    )
    train.delivered(before, status, boluses_nl=order.volume_nl + periodic.volume_nl)


def _cut(train: _Train, kind: BolusKind, others_ms: int) -> Play[None]:
    """Another bolus begins in the midst of a periodic one: it waits for its rest only."""
    bed, periodic = train.bed, train.periodic
    before = yield from bed.status()
    yield from advance_to(bed.link, train.first_at_ms + periodic.duration_ms // 3)
    given: BolusOrdered | PatientBolusStarted
    if kind is BolusKind.PATIENT:
        given = yield from bed.link.ask(bed.ask_for_bolus())
    else:
        given = yield from bed.link.ask(bed.bolus(duration_ms=others_ms))
    left_ms = train.first_at_ms + periodic.duration_ms - given.started_at_ms
    rest_nl = periodic.volume_nl * left_ms // periodic.duration_ms
    status = yield from advance_to(bed.link, given.ends_at_ms)
    _expect_periodic(status, given.ends_at_ms)
    status = yield from advance_to(bed.link, given.ends_at_ms + left_ms)
    yield from train.told(
        (LogEvent.PERIODIC_BOLUS_SHIFTED, rest_nl, given.ends_at_ms),
        (LogEvent.BOLUS_COMPLETED, given.volume_nl, given.order_number),
        (LogEvent.PERIODIC_BOLUS_STARTED, rest_nl, 0),
        (LogEvent.BOLUS_COMPLETED, rest_nl, 0),
    )
    rounds = (status.at_ms - train.first_at_ms) // periodic.interval_ms + 1
    _expect_next(status, train.first_at_ms + rounds * periodic.interval_ms)
    train.delivered(before, status, boluses_nl=given.volume_nl + periodic.volume_nl)


@pump_case(
    "bolus/periodic-put-off-for-its-rest",
    Level.MUST,
    "PROG-32 ORDER-13 ORDER-14",
    expects="what it had not yet delivered waits for the end of the other bolus, and flows over"
    " what was left of its duration; the next one begins where it was to",
    hooks="advance",
)
def periodic_put_off_for_its_rest(tester: Tester) -> Play[None]:
    """A single bolus is ordered in the midst of a periodic one."""
    train = yield from _train(tester)
    identity = train.bed.identity
    others_ms = within(
        20 * MINUTE_MS, identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    )
    yield from _cut(train, BolusKind.SINGLE, others_ms)


@pump_case(
    "patient-bolus/puts-off-a-periodic-one",
    Level.MUST,
    "PROG-32 ORDER-13",
    expects="the rest of the periodic bolus waits for the end of the patient's",
    hooks="advance",
)
def puts_off_a_periodic_one(tester: Tester) -> Play[None]:
    """The patient asks in the midst of a periodic bolus."""
    train = yield from _train_of_a_patient(tester)
    yield from _cut(train, BolusKind.PATIENT, 0)


def _train_of_a_patient(tester: Tester) -> Play[_Train]:
    """The same where a patient may ask for another bolus."""
    train = yield from _train(tester, needs=(Capability.PATIENT_BOLUS,))
    (state,) = (yield from train.bed.status()).patient_boluses
    if state.next_at_ms > train.first_at_ms:
        # A bolus of before locks the patient out: begin when it does no longer.
        yield from advance_to(train.bed.link, state.next_at_ms)
        train = yield from _train(tester, needs=(Capability.PATIENT_BOLUS,))
    return train


@pump_case(
    "bolus/periodic-waits-for-the-last",
    Level.MUST,
    "PROG-32 ORDER-13",
    expects="the rest begins at the end of the single bolus, and one that falls due meanwhile is"
    " left out",
    hooks="advance",
)
def periodic_waits_for_the_last(tester: Tester) -> Play[None]:
    """A patient's bolus puts off the rest of a periodic one, and a single bolus cuts it."""
    train = yield from _train_of_a_patient(tester)
    bed, periodic = train.bed, train.periodic
    before = yield from bed.status()
    yield from advance_to(bed.link, train.first_at_ms + periodic.duration_ms // 3)
    asked = yield from bed.link.ask(bed.ask_for_bolus())
    order = bed.bolus(duration_ms=periodic.interval_ms * 3 // 2)
    given = yield from bed.link.ask(order)
    left_ms = train.first_at_ms + periodic.duration_ms - asked.started_at_ms
    rest_nl = periodic.volume_nl * left_ms // periodic.duration_ms
    lasts_ms = asked.ends_at_ms - asked.started_at_ms
    cut_nl = delivered_by(asked.volume_nl, lasts_ms, given.started_at_ms - asked.started_at_ms)
    status = yield from advance_to(bed.link, given.ends_at_ms)
    _expect_periodic(status, given.ends_at_ms)
    status = yield from advance_to(bed.link, given.ends_at_ms + left_ms)
    yield from expect_records(
        bed.link,
        train.record,
        (LogEvent.BOLUS_ABORTED, cut_nl, asked.order_number),
        (LogEvent.BOLUS_COMPLETED, order.volume_nl, order.order_number),
        (LogEvent.PERIODIC_BOLUS_STARTED, rest_nl, 0),
        (LogEvent.BOLUS_COMPLETED, rest_nl, 0),
        events=_SHIFTING[1:],
    )
    _expect_next(status, train.first_at_ms + 2 * periodic.interval_ms)
    delivered_nl = cut_nl + order.volume_nl + periodic.volume_nl
    train.delivered(before, status, boluses_nl=delivered_nl)


@pump_case(
    "bolus/periodic-whole-waits-for-the-last",
    Level.MUST,
    "PROG-32 ORDER-13",
    expects="it begins at the end of the single bolus, which is told as the next, and is delivered"
    " once and whole",
    hooks="advance",
)
def periodic_whole_waits_for_the_last(tester: Tester) -> Play[None]:
    """A periodic bolus falls due while a patient's runs, and a single bolus cuts that."""
    train = yield from _train_of_a_patient(tester)
    bed, periodic = train.bed, train.periodic
    before = yield from bed.status()
    yield from advance_to(bed.link, train.first_at_ms - 5 * MINUTE_MS)
    asked = yield from bed.link.ask(bed.ask_for_bolus())
    yield from advance_to(bed.link, train.first_at_ms)
    order = bed.bolus(duration_ms=HOUR_MS)
    given = yield from bed.link.ask(order)
    if not asked.started_at_ms < train.first_at_ms <= given.started_at_ms < asked.ends_at_ms:
        raise Unsupported("the patient's bolus is too short, or therapy time goes too fast")
    _expect_next((yield from bed.status()), given.ends_at_ms)
    lasts_ms = asked.ends_at_ms - asked.started_at_ms
    cut_nl = delivered_by(asked.volume_nl, lasts_ms, given.started_at_ms - asked.started_at_ms)
    status = yield from advance_to(bed.link, asked.ends_at_ms + MINUTE_MS)
    expect_equal("kind of what runs", bolus_of(status).kind.name, BolusKind.SINGLE.name)
    status = yield from advance_to(bed.link, given.ends_at_ms)
    _expect_periodic(status, given.ends_at_ms)
    _expect_next(status, given.ends_at_ms + periodic.interval_ms)
    status = yield from advance_to(bed.link, given.ends_at_ms + periodic.duration_ms)
    # Whether PERIODIC_BOLUS_SHIFTED is written again is left to the pump.
    yield from expect_records(
        bed.link,
        train.record,
        (LogEvent.BOLUS_ABORTED, cut_nl, asked.order_number),
        (LogEvent.BOLUS_COMPLETED, order.volume_nl, order.order_number),
        (LogEvent.PERIODIC_BOLUS_STARTED, periodic.volume_nl, 0),
        (LogEvent.BOLUS_COMPLETED, periodic.volume_nl, 0),
        events=_SHIFTING[1:],
    )
    delivered_nl = cut_nl + order.volume_nl + periodic.volume_nl
    train.delivered(before, status, boluses_nl=delivered_nl)


@pump_case(
    "bolus/periodic-of-which-one-waits",
    Level.MUST,
    "PROG-32",
    expects="one that falls due while the rest of another waits is left out",
    hooks="advance",
)
def periodic_of_which_one_waits(tester: Tester) -> Play[None]:
    """A single bolus cuts a periodic one and runs until after the next was due."""
    train = yield from _train(tester)
    yield from _cut(train, BolusKind.SINGLE, train.periodic.interval_ms * 3 // 2)


@pump_case(
    "bolus/periodic-after-an-abort",
    Level.MUST,
    "PROG-32 ORDER-10",
    expects="what was put off begins at the abort",
    hooks="advance",
)
def periodic_after_an_abort(tester: Tester) -> Play[None]:
    """A single bolus is aborted while a periodic one waits for its end."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    ends_at_ms = (yield from bed.link.ask(bed.bolus(duration_ms=HOUR_MS))).ends_at_ms
    early = yield from advance_to(bed.link, train.first_at_ms + MINUTE_MS)
    aborted = yield from bed.abort()
    status = yield from bed.status()
    began_at_ms = bolus_of(status).started_at_ms
    expect(
        early.at_ms <= began_at_ms <= status.at_ms,
        f"started_at_ms of what was put off is {began_at_ms}; expected: that of the abort, at"
        f" {early.at_ms} to {status.at_ms} ms",
    )
    _expect_periodic(status, began_at_ms)
    _expect_next(status, began_at_ms + periodic.interval_ms)
    yield from train.told(
        (LogEvent.PERIODIC_BOLUS_SHIFTED, periodic.volume_nl, ends_at_ms),
        (LogEvent.BOLUS_ABORTED, aborted.delivered_nl, aborted.order_number),
        (LogEvent.PERIODIC_BOLUS_STARTED, periodic.volume_nl, 0),
    )


@pump_case(
    "bolus/periodic-dropped-by-a-commit",
    Level.MUST,
    "PROG-33 PROG-14",
    expects="the single bolus goes on, and what was put off never begins",
    hooks="advance",
)
def periodic_dropped_by_a_commit(tester: Tester) -> Play[None]:
    """A prescription without periodic boluses is committed while one waits for a single one."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    order = bed.bolus(duration_ms=HOUR_MS)
    given = yield from bed.link.ask(order)
    yield from advance_to(bed.link, train.first_at_ms)
    yield from committed(bed.link, steady(bed.identity))
    status = yield from advance_to(bed.link, given.ends_at_ms + periodic.interval_ms)
    yield from train.told(
        (LogEvent.PERIODIC_BOLUS_SHIFTED, periodic.volume_nl, given.ends_at_ms),
        (LogEvent.BOLUS_COMPLETED, order.volume_nl, order.order_number),
    )
    _expect_next(status, None)


@pump_case(
    "bolus/periodic-dropped-by-a-hold",
    Level.MUST,
    "PROG-33 ORDER-18",
    expects="what was put off never begins; after a refill the next one begins a whole number of"
    " intervals after the last start",
    hooks="advance",
)
def periodic_dropped_by_a_hold(tester: Tester) -> Play[None]:
    """The reservoir runs empty while the rest of a periodic bolus waits for a single one."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    yield from advance_to(bed.link, train.first_at_ms + periodic.duration_ms // 3)
    yield from refill(bed.link, bed.room_nl(bed.identity.maximum_bolus_duration_ms))
    order = bed.bolus(volume_nl=_LITTLE_NL)
    given = yield from bed.link.ask(order)
    yield from refill(bed.link, max(1, periodic.basal_rate_nl_per_day // 96))
    status = yield from bed.status()
    empty_at_ms = status.empty_reservoir_at_ms or 0
    if not status.at_ms <= empty_at_ms < given.ends_at_ms:
        raise Unsupported("the pump allows no bolus that outlasts a volume for 15 min")
    yield from advance_to(bed.link, empty_at_ms)
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    resumed = yield from bed.status()
    rounds = (resumed.at_ms - train.first_at_ms) // periodic.interval_ms + 1
    next_at_ms = train.first_at_ms + rounds * periodic.interval_ms
    _expect_next(resumed, next_at_ms)
    status = yield from advance_to(bed.link, next_at_ms - 10 * MINUTE_MS)
    if status.at_ms >= next_at_ms:
        raise Unsupported("therapy time goes too fast to look at the pump before a bolus")
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, periodic.basal_rate_nl_per_day)
    yield from expect_records(bed.link, train.record, events=(LogEvent.PERIODIC_BOLUS_STARTED,))
    yield from settled(bed.link)


@pump_case(
    "bolus/periodic-aborted",
    Level.MUST,
    "ORDER-10 ORDER-18 PROG-21",
    expects="it ends, under order number 0; its rest is lost, and the next one begins at its time",
    hooks="advance",
)
def periodic_aborted(tester: Tester) -> Play[None]:
    """A periodic bolus is aborted while it runs."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    before = yield from bed.status()
    yield from advance_to(bed.link, train.first_at_ms + periodic.duration_ms // 2)
    aborted = yield from bed.abort()
    expect_equal("kind of what was aborted", aborted.kind.name, BolusKind.PERIODIC.name)
    expect_equal("order_number of what was aborted", aborted.order_number, 0)
    next_at_ms = train.first_at_ms + periodic.interval_ms
    _expect_next((yield from bed.status()), next_at_ms)
    status = yield from advance_to(bed.link, next_at_ms + periodic.duration_ms)
    delivered_nl = aborted.delivered_nl + periodic.volume_nl
    train.delivered(before, status, boluses_nl=delivered_nl)


@pump_case(
    "bolus/periodic-left-out-while-held",
    Level.MUST,
    "PROG-33 MSG-13",
    expects="none is told or made up for while the reservoir is empty; after a refill the next one"
    " begins a whole number of intervals after the last start",
    hooks="advance",
)
def periodic_left_out_while_held(tester: Tester) -> Play[None]:
    """The reservoir is empty from after a periodic bolus until two were left out."""
    train = yield from _train(tester)
    bed, periodic = train.bed, train.periodic
    last_ms = train.first_at_ms
    yield from advance_to(bed.link, last_ms + periodic.duration_ms)
    yield from refill(bed.link, max(1, periodic.basal_rate_nl_per_day // 96))
    status = yield from bed.status()
    empty_at_ms = status.empty_reservoir_at_ms or 0
    expect(
        status.at_ms <= empty_at_ms < last_ms + periodic.interval_ms,
        f"empty_reservoir_at_ms is {empty_at_ms}, with a volume for 15 min at {status.at_ms} ms",
    )
    status = yield from advance_to(bed.link, last_ms + periodic.interval_ms * 5 // 2)
    active(status, Alarm.EMPTY_RESERVOIR)
    _expect_next(status, None)
    yield from refill(bed.link, bed.identity.reservoir_capacity_nl)
    resumed = yield from bed.status()
    next_at_ms = last_ms + 3 * periodic.interval_ms
    _expect_next(resumed, next_at_ms)
    status = yield from advance_to(bed.link, next_at_ms)
    _expect_periodic(status, next_at_ms)
    status = yield from advance_to(bed.link, next_at_ms + periodic.duration_ms)
    train.delivered(resumed, status, boluses_nl=periodic.volume_nl)
    yield from train.told()
    yield from settled(bed.link)
