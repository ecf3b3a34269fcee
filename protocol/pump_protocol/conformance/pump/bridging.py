"""Cases about how a bridge runs, and what happens to it."""

from pump_protocol.codes import (
    BolusKind,
    BolusOutcome,
    Capability,
    Field,
    LogEvent,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance
from pump_protocol.conformance.pump.common.reading import (
    bolus_of,
    in_step,
    log_from,
    the_record,
    time_to_use,
)
from pump_protocol.conformance.pump.common.ready import (
    advance_to,
    before_a_change,
    on_the_bench,
    refill,
    tidy,
)
from pump_protocol.conformance.pump.common.staging import (
    commit_of,
    is_in_force,
    is_pending,
    taken,
    with_bridge,
)
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_periodic_bolus,
    committed,
    declining,
    doubled,
    other_dose,
    periodic,
    stopped,
    undecided,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AbortBolus,
    Interrogate,
    Prescription,
    PrescriptionCommitted,
    StagePrescription,
    StatusReport,
)
from pump_protocol.units import nearest


def _crossing(
    tester: Tester, *, regular: bool = False
) -> Play[tuple[TesterLink, Prescription, PrescriptionCommitted, int]]:
    """An open link, a prescription whose bridge has just begun, its commit, the first log record.

    :param regular: in mode PERIODIC_BOLUS.
    """
    link, old, new = yield from before_a_change(tester)
    if regular:
        tester.needs(Capability.PERIODIC_BOLUS)
        assert new.drug is not None
        new = periodic(new, a_periodic_bolus(tester.identity, new.drug))
    log = (yield from link.ask(Interrogate())).therapy_log
    prescription = with_bridge(tester, new, old)
    if prescription.bridges[0].duration_ms < MINUTE_MS:
        raise Unsupported("the limits of the pump allow no bridge that lasts for a minute")
    _, done = yield from committed(link, prescription)
    return link, prescription, done, log.next_sequence


def _bridge_runs(
    status: StatusReport, prescription: Prescription, done: PrescriptionCommitted
) -> None:
    """Nothing but the bridge flows."""
    (bridge,) = prescription.bridges
    shown = bolus_of(status)
    found = (shown.kind, shown.outcome, shown.volume_nl, shown.duration_ms, shown.started_at_ms)
    wanted = (
        BolusKind.BRIDGE,
        BolusOutcome.RUNNING,
        bridge.volume_nl,
        bridge.duration_ms,
        done.committed_at_ms,
    )
    expect_equal("bolus (kind, outcome, volume, duration, start)", found, wanted)
    # In place of the basal rate: its volume over its duration, and nothing else.
    rate = nearest(bridge.volume_nl * DAY_MS, bridge.duration_ms)
    expect_equal("infusing_nl_per_day during a bridge", status.infusing_nl_per_day, rate)


@pump_case(
    "schedule/bridge-begins",
    Level.MUST,
    "PROG-29 PROG-28 MSG-10",
    expects="the new prescription is in force, and a bolus of kind BRIDGE is all that flows",
)
def bridge_begins(tester: Tester) -> Play[None]:
    """A bridge is committed."""
    link, prescription, done, log = yield from _crossing(tester)
    status = yield from is_in_force(link, prescription, done.version)
    _bridge_runs(status, prescription, done)
    entries = yield from log_from(link, log)
    (bridge,) = prescription.bridges
    started = the_record(entries, LogEvent.BRIDGE_STARTED)
    found = (started.a, started.b)
    wanted = (bridge.volume_nl, bridge.rate_nl_per_day)
    expect_equal("a and b of BRIDGE_STARTED", found, wanted)
    the_record(entries, LogEvent.COMMITTED)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-ends",
    Level.MUST,
    "PROG-29",
    expects="the whole volume of the bridge and nothing else, and then the new rate",
    hooks="advance",
)
def bridge_ends(tester: Tester) -> Play[None]:
    """A bridge is committed, and time passes until it is over."""
    link, prescription, done, log = yield from _crossing(tester)
    (bridge,) = prescription.bridges
    first = yield from link.ask(Interrogate())
    ends_ms = done.committed_at_ms + bridge.duration_ms
    status = yield from advance_to(link, done.committed_at_ms + bridge.duration_ms // 2)
    _bridge_runs(status, prescription, done)
    status = yield from advance_to(link, ends_ms + MINUTE_MS)
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day after a bridge", status.infusing_nl_per_day, rate)
    bolus = bolus_of(status)
    found = (bolus.kind, bolus.outcome, bolus.delivered_nl)
    wanted = (BolusKind.BRIDGE, BolusOutcome.COMPLETED, bridge.volume_nl)
    expect_equal("the last bolus (kind, outcome, delivered)", found, wanted)
    at_first_nl = bridge.volume_nl * (first.at_ms - done.committed_at_ms) / bridge.duration_ms
    wanted_nl = bridge.volume_nl - at_first_nl + rate * (status.at_ms - ends_ms) / DAY_MS
    found_nl = status.delivered_nl - first.delivered_nl
    expect(
        abs(found_nl - wanted_nl) <= 2,
        f"{found_nl} nL were delivered; expected, the bridge and the new rate: {wanted_nl:.1f}",
    )
    entries = yield from log_from(link, log)
    the_record(entries, LogEvent.BOLUS_COMPLETED, bridge.volume_nl)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-then-periodic",
    Level.MUST,
    "PROG-29 PROG-21",
    expects="first_after_ms counts from the end of the bridge",
    hooks="advance",
)
def bridge_then_periodic(tester: Tester) -> Play[None]:
    """A bridge to periodic boluses is committed, and time passes until they begin."""
    link, prescription, done, _ = yield from _crossing(tester, regular=True)
    (bridge,), (train,) = prescription.bridges, prescription.periodic_boluses
    first_ms = done.committed_at_ms + bridge.duration_ms + train.first_after_ms
    status = yield from link.ask(Interrogate())
    _bridge_runs(status, prescription, done)
    found = status.next_periodic_bolus_at_ms
    expect_equal("next_periodic_bolus_at_ms during a bridge", found, first_ms)
    for at_ms in (first_ms - MINUTE_MS, first_ms + train.duration_ms // 2):
        in_step((yield from advance_to(link, at_ms)), train, first_ms)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-aborted",
    Level.MUST,
    "PROG-29 ORDER-18",
    expects="the new rate begins at once",
)
def bridge_aborted(tester: Tester) -> Play[None]:
    """A bridge is aborted."""
    link, prescription, done, _ = yield from _crossing(tester)
    aborted = yield from link.ask(AbortBolus())
    found = (aborted.kind, aborted.order_number)
    expect_equal("kind and order_number of the abort", found, (BolusKind.BRIDGE, 0))
    status = yield from is_in_force(link, prescription, done.version)
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day after the abort", status.infusing_nl_per_day, rate)
    expect_equal("outcome of the bridge", bolus_of(status).outcome, BolusOutcome.ABORTED)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-cut-by-hold",
    Level.MUST,
    "PROG-29 ORDER-18",
    expects="the new rate flows after the refill; the bridge is not taken up again",
    hooks="advance",
)
def bridge_cut_by_hold(tester: Tester) -> Play[None]:
    """The reservoir is empty before a bridge is over, and is refilled."""
    link, prescription, _, log = yield from _crossing(tester)
    (bridge,) = prescription.bridges
    volume_nl = max(1, bridge.volume_nl // 8)
    yield from refill(link, volume_nl)
    yield from advance(time_to_use(volume_nl, bridge.rate_nl_per_day) + HOUR_MS)
    status = yield from link.ask(Interrogate())
    expect_equal("infusing_nl_per_day of an empty reservoir", status.infusing_nl_per_day, 0)
    yield from refill(link, tester.identity.reservoir_capacity_nl)
    status = yield from link.ask(Interrogate())
    rate = prescription.rate_nl_per_day
    expect_equal("infusing_nl_per_day after the refill", status.infusing_nl_per_day, rate)
    the_record((yield from log_from(link, log)), LogEvent.BOLUS_ABORTED)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-while-held",
    Level.MUST,
    "PROG-29",
    expects="refused with INFUSION_HELD / BRIDGE, and pending still",
    hooks="advance",
)
def bridge_while_held(tester: Tester) -> Play[None]:
    """A bridge is committed while the reservoir is empty."""
    link, old, new = yield from before_a_change(tester)
    volume_nl = max(1, old.rate_nl_per_day // 24)
    yield from refill(link, volume_nl)
    yield from advance(time_to_use(volume_nl, old.rate_nl_per_day) + MINUTE_MS)
    staged = yield from taken(link, with_bridge(tester, new, old), "a bridge of an empty reservoir")
    before = yield from state_in(link)
    yield from link.refused(commit_of(staged), RefusalCode.INFUSION_HELD, Field.BRIDGE)
    yield from expect_same(link, before, "a bridge that could not begin")
    yield from tidy(link)


@pump_case(
    "schedule/bridge-in-the-way",
    Level.MUST,
    "PROG-14",
    expects="refused with BOLUS_ACTIVE / BRIDGE; the bridge goes on; a stop ends it",
)
def bridge_in_the_way(tester: Tester) -> Play[None]:
    """Another dose is committed while a bridge runs, and then STOPPED."""
    link, prescription, done, _ = yield from _crossing(tester)
    plain = undecided(prescription)
    staged = yield from link.ask(StagePrescription(other_dose(tester.identity, plain)))
    before = yield from state_in(link)
    yield from link.refused(commit_of(staged), RefusalCode.BOLUS_ACTIVE, Field.BRIDGE)
    yield from expect_same(link, before, "a commit during a bridge")
    yield from is_pending(link, staged)
    _bridge_runs((yield from link.ask(Interrogate())), prescription, done)
    yield from committed(link, stopped(plain))
    status = yield from link.ask(Interrogate())
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    expect_equal("outcome of the bridge", bolus_of(status).outcome, BolusOutcome.ABORTED)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-declined",
    Level.MUST,
    "PROG-30 PROG-29",
    expects="the new rate at once, and BRIDGE_DECLINED with both concentrations",
)
def bridge_declined(tester: Tester) -> Play[None]:
    """Another concentration is committed without a bridge."""
    link, old = yield from on_the_bench(tester)
    new = declining(doubled(tester.identity, old), old)
    log = (yield from link.ask(Interrogate())).therapy_log
    _, done = yield from committed(link, new)
    status = yield from is_in_force(link, new, done.version)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, new.rate_nl_per_day)
    record = the_record((yield from log_from(link, log.next_sequence)), LogEvent.BRIDGE_DECLINED)
    assert old.drug is not None
    assert new.drug is not None
    wanted = (old.drug.concentration_ng_per_ml, new.drug.concentration_ng_per_ml)
    expect_equal("a and b of BRIDGE_DECLINED", (record.a, record.b), wanted)
    yield from tidy(link)
