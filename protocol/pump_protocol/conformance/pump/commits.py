"""Cases about commits that meet something: the soft limit, a running bolus, the safe state."""

from dataclasses import replace

from pump_protocol.codes import (
    Alarm,
    BolusOutcome,
    BridgeDecision,
    Capability,
    Field,
    LogEvent,
    Mode,
    RefusalCode,
)
from pump_protocol.conformance.allowed import check_allowed
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.hooks import advance, break_it, reset
from pump_protocol.conformance.pump.common.orders import take_order
from pump_protocol.conformance.pump.common.reading import (
    absent,
    active,
    bolus_of,
    flow_with,
    log_from,
    the_record,
)
from pump_protocol.conformance.pump.common.ready import on_the_bench, settled, tidy
from pump_protocol.conformance.pump.common.staging import (
    above_soft,
    commit_of,
    current,
    follow,
    is_in_force,
    is_pending,
    nothing_pending,
    taken,
    turned_down,
)
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_bolus,
    a_drug,
    at_dose,
    at_minimum,
    bridged,
    cleared_nl,
    committed,
    declining,
    doubled,
    of_dose,
    of_rate,
    other_dose,
    steady,
    stopped,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS
from pump_protocol.messages import (
    BolusOrdered,
    CommitPrescription,
    Interrogate,
    Prescription,
    StagePrescription,
)
from pump_protocol.units import dose_for_rate

# --- The soft limit ------------------------------------------------------------------------------


@pump_case(
    "program/soft-limit",
    Level.MUST,
    "PROG-24",
    expects="must_confirm is 0 up to the soft limit, and 1 above it",
)
def soft_limit(tester: Tester) -> Play[None]:
    """Doses at the soft limit, 1 ng above it, and at the hard limit are staged."""
    link, old = yield from on_the_bench(tester)
    identity = tester.identity
    doses = (
        (identity.soft_daily_dose_ng, False),
        (above_soft(identity), True),
        (identity.maximum_daily_dose_ng, True),
    )
    for dose_ng, confirm in doses:
        prescription = declining(of_dose(identity, dose_ng), old)
        staged = yield from taken(link, prescription, f"a dose of {dose_ng} ng/day")
        expect_equal(f"must_confirm of {dose_ng} ng/day", staged.must_confirm, confirm)
    yield from tidy(link)


@pump_case(
    "program/soft-limit-not-confirmed",
    Level.MUST,
    "PROG-24 PROG-14",
    expects="refused with NOT_CONFIRMED; in force and pending are as they were",
)
def soft_limit_not_confirmed(tester: Tester) -> Play[None]:
    """Commits of a dose above the soft limit without the dose, and with another one."""
    link, old = yield from on_the_bench(tester)
    dose_ng = above_soft(tester.identity)
    prescription = declining(of_dose(tester.identity, dose_ng), old)
    staged = yield from link.ask(StagePrescription(prescription))
    before = yield from state_in(link)
    for confirmed_ng in (None, 0, dose_ng - 1, dose_ng + 1):
        reason = yield from link.refused(
            CommitPrescription(staged.digest, confirmed_ng),
            RefusalCode.NOT_CONFIRMED,
            Field.HIGHEST_DAILY_DOSE,
        )
        expect_equal("value of NOT_CONFIRMED", reason.value, dose_ng)
        soft_ng = tester.identity.soft_daily_dose_ng
        expect_equal("maximum of NOT_CONFIRMED", reason.maximum, soft_ng)
        yield from expect_same(link, before, f"a commit that confirmed {confirmed_ng} ng")
    yield from is_pending(link, staged)
    yield from tidy(link)


@pump_case(
    "program/soft-limit-confirmed",
    Level.MUST,
    "PROG-24",
    expects="carried out, and SOFT_LIMIT_CONFIRMED is written",
)
def soft_limit_confirmed(tester: Tester) -> Play[None]:
    """A commit of a dose above the soft limit with just that dose."""
    link, old = yield from on_the_bench(tester)
    dose_ng = above_soft(tester.identity)
    log = (yield from link.ask(Interrogate())).therapy_log
    prescription = declining(of_dose(tester.identity, dose_ng), old)
    staged = yield from link.ask(StagePrescription(prescription))
    done = yield from link.ask(CommitPrescription(staged.digest, dose_ng))
    yield from is_in_force(link, prescription, done.version)
    entries = yield from log_from(link, log.next_sequence)
    record = the_record(entries, LogEvent.SOFT_LIMIT_CONFIRMED)
    limits = (dose_ng, tester.identity.soft_daily_dose_ng)
    expect_equal("a and b of SOFT_LIMIT_CONFIRMED", (record.a, record.b), limits)
    yield from tidy(link)


@pump_case(
    "program/needless-confirmation",
    Level.MUST,
    "PROG-24",
    expects="carried out: the field is ignored, and no confirmation is written",
)
def needless_confirmation(tester: Tester) -> Play[None]:
    """A commit that confirms a dose where none has to be."""
    link, old = yield from on_the_bench(tester)
    log = (yield from link.ask(Interrogate())).therapy_log
    other = other_dose(tester.identity, old)
    staged = yield from link.ask(StagePrescription(other))
    done = yield from link.ask(CommitPrescription(staged.digest, 1))
    yield from is_in_force(link, other, done.version)
    entries = yield from log_from(link, log.next_sequence)
    about = (LogEvent.COMMITTED, LogEvent.SOFT_LIMIT_CONFIRMED)
    written = [each.event.name for each in entries if each.event in about]
    expect_equal(
        "records of a commit and of a confirmation",
        written,
        [LogEvent.COMMITTED.name],
    )


# --- A bolus runs --------------------------------------------------------------------------------


def during_a_bolus(tester: Tester) -> Play[tuple[TesterLink, Prescription, BolusOrdered]]:
    """A link, a common prescription, and a single bolus that runs as long as one may."""
    tester.needs(Capability.SINGLE_BOLUS)
    link, prescription = yield from on_the_bench(tester)
    drug = prescription.drug
    assert drug is not None
    longest_ms = tester.identity.maximum_bolus_duration_ms
    order = a_bolus(tester.identity, take_order(link), drug=drug, duration_ms=longest_ms)
    ordered = yield from link.ask(order)
    return link, prescription, ordered


def still_running(link: TesterLink, ordered: BolusOrdered) -> Play[None]:
    """The bolus that was ordered runs, as it was ordered."""
    bolus = bolus_of((yield from link.ask(Interrogate())))
    found = (bolus.order_number, bolus.outcome, bolus.volume_nl, bolus.started_at_ms)
    wanted = (
        ordered.order_number,
        BolusOutcome.RUNNING,
        ordered.volume_nl,
        ordered.started_at_ms,
    )
    expect_equal("the bolus (number, outcome, volume, start)", found, wanted)


@pump_case(
    "program/bolus-goes-on",
    Level.MUST,
    "PROG-14",
    expects="the bolus goes on, on top of the new rate",
)
def bolus_goes_on(tester: Tester) -> Play[None]:
    """Another dose of the same drug is committed while a single bolus runs."""
    link, old, ordered = yield from during_a_bolus(tester)
    other = other_dose(tester.identity, old)
    yield from committed(link, other)
    yield from still_running(link, ordered)
    status = yield from link.ask(Interrogate())
    lasts_ms = ordered.ends_at_ms - ordered.started_at_ms
    flow = flow_with(other.rate_nl_per_day, ordered.volume_nl, lasts_ms)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, flow)
    yield from tidy(link)


@pump_case(
    "program/bolus-drug-change",
    Level.MUST,
    "PROG-14",
    expects="refused with BOLUS_ACTIVE and the field; the bolus goes on, the change is pending",
)
def bolus_drug_change(tester: Tester) -> Play[None]:
    """A drug of another name, and of another concentration, are committed while a bolus runs."""
    strong = doubled(tester.identity, steady(tester.identity))
    link, old, ordered = yield from during_a_bolus(tester)
    assert old.drug is not None
    renamed = replace(old, drugs=(replace(old.drug, name="other"),))
    changes = [(renamed, Field.DRUG_NAME), (strong, Field.CONCENTRATION)]
    if Capability.MIXTURES in tester.identity.capabilities:
        two = replace(old, drugs=(old.drug, a_drug(tester.identity, "clonidine")))
        changes.append((two, Field.DRUG_NAME))
    for prescription, field in changes:
        staged = yield from link.ask(StagePrescription(declining(prescription, old)))
        before = yield from state_in(link)
        yield from link.refused(commit_of(staged), RefusalCode.BOLUS_ACTIVE, field)
        yield from expect_same(link, before, f"a commit refused for {field.name}")
        yield from still_running(link, ordered)
    yield from tidy(link)


@pump_case(
    "program/bolus-rate-limit",
    Level.MUST,
    "PROG-14",
    expects="refused with OUT_OF_RANGE / RATE where both together are faster than the pump",
)
def bolus_rate_limit(tester: Tester) -> Play[None]:
    """Rates that are just too fast, and just slow enough, for the bolus that runs."""
    tester.needs(Capability.SINGLE_BOLUS)
    identity = tester.identity
    link, _ = yield from on_the_bench(tester)
    fastest = of_rate(identity, identity.maximum_rate_nl_per_day)
    slow = _nearly(fastest, identity.maximum_rate_nl_per_day // 2)
    assert slow.drug is not None
    yield from follow(link, slow)
    number = take_order(link)
    order = a_bolus(
        identity,
        number,
        drug=slow.drug,
        duration_ms=identity.maximum_bolus_duration_ms,
        basal_nl_per_day=slow.rate_nl_per_day,
    )
    room = identity.maximum_rate_nl_per_day - -(-order.volume_nl * DAY_MS // order.duration_ms)
    fits = _nearly(fastest, room)
    too_fast = at_dose(fits, fits.daily_dose_ng + 1)
    check_allowed(identity, fits)
    check_allowed(identity, too_fast)
    ordered = yield from link.ask(order)
    staged = yield from link.ask(StagePrescription(too_fast))
    before = yield from state_in(link)
    reason = yield from link.refused(commit_of(staged), RefusalCode.OUT_OF_RANGE, Field.RATE)
    found = (reason.value, reason.maximum)
    expect_equal("value and maximum of the reason", found, (too_fast.rate_nl_per_day, room))
    yield from expect_same(link, before, "a commit that was too fast")
    yield from committed(link, fits)
    yield from still_running(link, ordered)
    yield from tidy(link)


def _nearly(base: Prescription, rate_nl_per_day: int) -> Prescription:
    """*base* at the greatest whole dose whose rate is no faster than that."""
    assert base.drug is not None
    dose_ng = dose_for_rate(rate_nl_per_day, base.drug.concentration_ng_per_ml)
    nearly = at_dose(base, dose_ng)
    while nearly.rate_nl_per_day > rate_nl_per_day:
        nearly = at_dose(base, nearly.daily_dose_ng - 1)
    while at_dose(base, nearly.daily_dose_ng + 1).rate_nl_per_day <= rate_nl_per_day:
        nearly = at_dose(base, nearly.daily_dose_ng + 1)
    return nearly


@pump_case(
    "program/stop-aborts-bolus",
    Level.MUST,
    "PROG-14",
    expects="the bolus is aborted, and nothing flows",
)
def stop_aborts_bolus(tester: Tester) -> Play[None]:
    """STOPPED is committed while a single bolus runs."""
    link, old, ordered = yield from during_a_bolus(tester)
    yield from committed(link, stopped(old))
    yield from _aborted(link, ordered, 0)
    yield from tidy(link)


@pump_case(
    "program/minimum-rate-aborts-bolus",
    Level.MUST,
    "PROG-14",
    expects="the bolus is aborted, and the minimum rate flows",
)
def minimum_rate_aborts_bolus(tester: Tester) -> Play[None]:
    """MINIMUM_RATE is committed while a single bolus runs."""
    tester.needs(Capability.MINIMUM_RATE)
    link, old, ordered = yield from during_a_bolus(tester)
    yield from committed(link, at_minimum(tester.identity, old))
    yield from _aborted(link, ordered, tester.identity.minimum_rate_nl_per_day)
    yield from tidy(link)


def _aborted(link: TesterLink, ordered: BolusOrdered, rate_nl_per_day: int) -> Play[None]:
    status = yield from link.ask(Interrogate())
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate_nl_per_day)
    bolus = bolus_of(status)
    expect_equal("order_number of the last bolus", bolus.order_number, ordered.order_number)
    expect_equal("its outcome", bolus.outcome, BolusOutcome.ABORTED)


# --- The safe state ------------------------------------------------------------------------------


@pump_case(
    "program/reset-drops-pending",
    Level.MUST,
    "ALARM-13 PROG-12",
    expects="nothing is pending, ROLLED_BACK is written, and its commit is refused",
    hooks="reset",
)
def reset_drops_pending(tester: Tester) -> Play[None]:
    """The pump resets itself while a prescription is pending; that is committed."""
    link, old = yield from on_the_bench(tester)
    staged = yield from link.ask(StagePrescription(other_dose(tester.identity, old)))
    log = (yield from link.ask(Interrogate())).therapy_log
    yield from reset("watchdog")
    link = yield from tester.link()
    yield from nothing_pending(link)
    yield from link.refused(commit_of(staged), RefusalCode.NOTHING_STAGED, Field.NONE)
    the_record((yield from log_from(link, log.next_sequence)), LogEvent.ROLLED_BACK)
    yield from tidy(link)


@pump_case(
    "program/safe-state",
    Level.MUST,
    "ALARM-13 PROG-04 PROG-16 PROG-26",
    expects="the minimum rate of the same drugs, as the next version, until the next commit",
    hooks="reset",
)
def safe_state(tester: Tester) -> Play[None]:
    """The pump resets itself; what it puts in force is read, and then replaced."""
    link, old = yield from on_the_bench(tester, plainly=True)
    version = (yield from link.ask(Interrogate())).prescription_version
    yield from reset("commanded")
    link = yield from tester.link()
    lowest = at_minimum(tester.identity, old)
    status = yield from is_in_force(link, lowest, version + 1)
    active(status, Alarm.SAFE_STATE)
    rate = tester.identity.minimum_rate_nl_per_day
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, rate)
    yield from committed(link, old)
    yield from is_in_force(link, old, version + 2)
    status = yield from settled(link)
    absent(status, Alarm.SAFE_STATE, "although a prescription was committed")


@pump_case(
    "program/lost-drugs",
    Level.MUST,
    "ALARM-13 PROG-23 PROG-28",
    expects="no drugs, no dose, no bridge; DECLINED and NOT_NEEDED are both taken",
    hooks="inject advance",
)
def lost_drugs(tester: Tester) -> Play[None]:
    """Both copies of the prescription are damaged and looked at; new ones are staged."""
    tester.needs(Capability.BRIDGE_BOLUS)
    link, old = yield from on_the_bench(tester)
    for region in (1, 2):
        yield from break_it("memory_error", region=region)
    yield from advance(HOUR_MS)
    link = yield from tester.link()
    lost = (yield from current(link)).prescription
    rate = tester.identity.minimum_rate_nl_per_day
    found = (lost.mode, lost.drugs, lost.daily_dose_ng, lost.rate_nl_per_day)
    expect_equal("mode, drugs, dose and rate", found, (Mode.MINIMUM_RATE, (), 0, rate))
    yield from taken(link, replace(stopped(old), drugs=()), "a stop of unknown drugs")
    for decision in (BridgeDecision.DECLINED, BridgeDecision.NOT_NEEDED):
        prescription = replace(old, bridge_decision=decision)
        yield from taken(link, prescription, f"the decision {decision.name}")
    bridge = bridged(old, old, cleared_nl(tester.identity))
    code, field = RefusalCode.WRONG_MODE, Field.BRIDGE
    yield from turned_down(link, bridge, code, field, "a bridge from unknown drugs")
    yield from committed(link, old)
    yield from tidy(link)
