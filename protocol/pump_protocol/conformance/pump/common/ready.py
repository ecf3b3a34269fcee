"""What is done to a pump before a case looks at it, and what is left behind.

A refill down to the threshold raises an alarm that needs no harness; an alarm of a later moment is
waited for in therapy time, which only a harness moves. It judges nothing by itself: a pump that
refuses what makes it ready cannot be judged by the case.
"""

from collections.abc import Collection
from contextlib import suppress
from typing import Final

from pump_protocol.codes import (
    Alarm,
    AlarmClass,
    AlarmFlag,
    Capability,
    Field,
    RefusalCode,
    ServiceState,
)
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.hooks import advance, stop_time
from pump_protocol.conformance.pump.common.orders import Bedside, take_order, with_patient_bolus
from pump_protocol.conformance.pump.common.reading import (
    absent,
    active,
    for_an_hour,
    listed,
    time_to_use,
)
from pump_protocol.conformance.pump.common.staging import (
    current,
)
from pump_protocol.conformance.steps import Hook, Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    doubled,
    granted,
    on_therapy,
    put_in_force,
    quiet,
    stand_still,
)
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AcknowledgeAlarm,
    AlarmRecord,
    Interrogate,
    Prescription,
    ReservoirUpdated,
    RollBackPrescription,
    SetAlarmInterval,
    SetClock,
    StatusReport,
    UpdateReservoir,
    WriteNote,
)

SHORTLY_MS: Final = 10_000
"""So long before an event a pump is looked at: its time goes on while it is asked."""


def refill(link: TesterLink, volume_nl: int) -> Play[ReservoirUpdated]:
    """Tell the pump that so much is in its reservoir.

    :raises Unsupported: it holds less, or the refill is refused.
    """
    capacity_nl = link.tester.identity.reservoir_capacity_nl
    if volume_nl > capacity_nl:
        raise Unsupported(f"the reservoir holds {capacity_nl} nL; {volume_nl} nL are needed")
    return (yield from granted(link, UpdateReservoir(take_order(link), volume_nl)))


def settled(link: TesterLink) -> Play[StatusReport]:
    """Have the reservoir full, a common prescription in force, and what can be settled settled.

    It is what a case that raised alarms leaves behind, and what one that wants others gone needs:
    no bolus runs, and nothing is pending.

    :raises Unsupported: the pump refuses something of that.
    """
    status = yield from quiet(link)
    incomplete = listed(status, Alarm.UPDATE_INCOMPLETE)
    waits = incomplete is not None and AlarmFlag.ACTIVE in incomplete.flags
    if status.has_pending or waits:
        yield from granted(link, RollBackPrescription())
    prescription = yield from on_therapy(link)
    damaged = listed(status, Alarm.MEMORY_ERROR)
    if damaged is not None and AlarmFlag.ACTIVE in damaged.flags:
        yield from granted(link, WriteNote(""))
        yield from put_in_force(link, prescription)
    yield from refill(link, link.tester.identity.reservoir_capacity_nl)
    status = yield from link.ask(Interrogate())
    for record in status.alarms:
        if AlarmFlag.ACTIVE not in record.flags:
            yield from granted(link, AcknowledgeAlarm(record.alarm))
    return (yield from link.ask(Interrogate()))


def at_rest(tester: Tester) -> Play[TesterLink]:
    """An open link to a pump in which no bolus runs, nothing is pending, and drug for days is.

    :raises Unsupported: the pump has ended its service, or refuses something of that.
    """
    yield from stand_still(tester)
    link = yield from tester.link()
    status = yield from quiet(link)
    if status.service_state is ServiceState.EOS:
        raise Unsupported("the pump is at its end of service")
    if status.has_pending:
        yield from granted(link, RollBackPrescription())
    capacity_nl = tester.identity.reservoir_capacity_nl
    if 2 * status.believed_volume_nl < capacity_nl:
        yield from refill(link, capacity_nl)
    return link


def at_bedside(
    tester: Tester,
    wanted: Prescription | None = None,
    *,
    needs: Collection[Capability] = (Capability.SINGLE_BOLUS,),
) -> Play[Bedside]:
    """Have a common prescription, or *wanted*, in force, drug for it, and no bolus running.

    :raises Unsupported: the pump lacks what the case *needs*, has ended its service, or refuses
        what makes it ready.
    """
    tester.needs(Capability.SIMPLE_CONTINUOUS, *needs)
    link = yield from at_rest(tester)
    prescription = yield from on_therapy(link, wanted)
    return Bedside(link, prescription)


def may_ask(
    tester: Tester,
    wanted: Prescription | None = None,
    *,
    needs: Collection[Capability] = (),
) -> Play[Bedside]:
    """Have a patient bolus prescribed, and the patient free to ask for one.

    :param needs: what the pump must be able to do beside that.
    :raises Unsupported: boluses of before stand in the way, and no harness lets time pass.
    """
    tester.needs(Capability.PATIENT_BOLUS)
    prescription = wanted or with_patient_bolus(tester.identity)
    bed = yield from at_bedside(tester, prescription, needs=needs)
    status = yield from bed.status()
    for state in status.patient_boluses:
        if state.next_at_ms > status.at_ms or state.left < state.allotted_per_day:
            if Hook.ADVANCE not in tester.subject.hooks:
                raise Unsupported(
                    "patient boluses of before count still, and no harness offers the hook advance"
                )
            yield from advance(max(DAY_MS, state.next_at_ms - status.at_ms))
    return bed


def on_the_bench(tester: Tester, *, plainly: bool = False) -> Play[tuple[TesterLink, Prescription]]:
    """An open link and a common prescription in force: no bolus, nothing pending, drug for days.

    What was decided about a bridge, where it took the place of another drug, is no part of it.

    :param plainly: nothing was decided: what is in force is just what is given here.
    :raises Unsupported: the pump has ended its service, or refuses what makes it ready.
    """
    link = yield from at_rest(tester)
    prescription = yield from on_therapy(link)
    if plainly and (yield from current(link)).prescription != prescription:
        yield from put_in_force(link, prescription)
    return link, prescription


def before_a_change(tester: Tester) -> Play[tuple[TesterLink, Prescription, Prescription]]:
    """An open link to a pump that can bridge, what is in force, and the same dose of a drug that is
    more or less concentrated."""
    tester.needs(Capability.BRIDGE_BOLUS)
    link, old = yield from on_the_bench(tester)
    return link, old, doubled(tester.identity, old)


def tidy(link: TesterLink) -> Play[None]:
    """Leave behind what the next case may begin with, unless that gets a pump as new anyway.

    A pump that refuses something of that was judged all the same by what it did before.
    """
    if Hook.RENEW not in link.tester.subject.hooks:
        with suppress(Unsupported):
            yield from _tidied(link)


def _tidied(link: TesterLink) -> Play[None]:
    yield from quiet(link)
    yield from on_therapy(link)
    status = yield from link.ask(Interrogate())
    if status.has_pending:
        yield from granted(link, RollBackPrescription())
    if status.alarms:
        yield from settled(link)


# --- Reservoir ------------------------------------------------------------------------------------


def with_low_reservoir(link: TesterLink) -> Play[tuple[Prescription, AlarmRecord]]:
    """Have LOW_RESERVOIR raised anew, by a refill to the very threshold, on a common prescription.

    Therapy time stands still from then on, where a harness can stop it.

    :raises Unmet: it is not listed then.
    """
    yield from hold_time(link)
    prescription = yield from on_therapy(link)
    yield from settled(link)
    threshold_nl = prescription.low_reservoir_threshold_nl
    if not threshold_nl:
        raise Unsupported("the pump allows no low-reservoir threshold but 0")
    yield from refill(link, threshold_nl)
    status = yield from link.ask(Interrogate())
    return prescription, active(status, Alarm.LOW_RESERVOIR)


def run_dry(link: TesterLink) -> Play[tuple[Prescription, AlarmRecord]]:
    """Let the reservoir run empty, from an hour before it on.

    Therapy time stands still from then on, where a harness can stop it.
    """
    yield from hold_time(link)
    prescription = yield from on_therapy(link)
    yield from settled(link)
    done = yield from refill(link, for_an_hour(prescription))
    used_ms = time_to_use(done.after_nl, prescription.rate_nl_per_day)
    status = yield from advance_to(link, done.updated_at_ms + used_ms)
    return prescription, active(status, Alarm.EMPTY_RESERVOIR)


# --- Time -----------------------------------------------------------------------------------------


def hold_time(link: TesterLink) -> Play[None]:
    """Stop therapy time, where a harness can: what is exact to the ms is not missed then."""
    if Hook.SPEED in link.tester.subject.hooks:
        yield from stop_time()


def advance_to(link: TesterLink, at_ms: int) -> Play[StatusReport]:
    """Let therapy time pass until *at_ms* of pump time at the least; how the pump stands then."""
    status = yield from link.ask(Interrogate())
    if status.at_ms < at_ms:
        yield from advance(at_ms - status.at_ms)
        status = yield from link.ask(Interrogate())
    expect(
        status.at_ms >= at_ms,
        f"at_ms is {status.at_ms} after therapy time was moved to {at_ms}",
    )
    return status


def shortly_before(link: TesterLink, at_ms: int) -> Play[StatusReport]:
    """How the pump stands a little before *at_ms* of pump time, which stands still from then on,
    where a harness can stop it.

    :raises Unsupported: its time goes too fast to be met there.
    """
    yield from hold_time(link)
    status = yield from advance_to(link, at_ms - SHORTLY_MS)
    if status.at_ms >= at_ms:
        raise Unsupported(f"therapy time goes too fast to look at the pump before {at_ms} ms")
    return status


def clock_back(link: TesterLink, before: StatusReport) -> Play[None]:
    """Set the local clock about as it was; time goes on, and it may not begin before 1970."""
    status = yield from link.ask(Interrogate())
    implanted_ms = max(before.implanted_clock_ms, DAY_MS)
    yield from link.ask(SetClock(implanted_ms + status.at_ms))


# --- Alarms ---------------------------------------------------------------------------------------


def fixed_interval(link: TesterLink) -> Play[int]:
    """How often the tone of non-critical alarms repeats, which only a refusal tells."""
    reason = yield from link.refused(
        SetAlarmInterval(AlarmClass.NON_CRITICAL, 1),
        RefusalCode.OUT_OF_RANGE,
        Field.ALARM_INTERVAL,
    )
    expect_equal("minimum of the reason", reason.minimum, reason.maximum)
    return reason.minimum or 1


def drop(link: TesterLink, alarm: Alarm, why: str) -> Play[None]:
    """Acknowledge an alarm that must have cleared, latched as it is; then it must be gone.

    :raises Unmet: it is not listed, active still, or listed afterwards.
    """
    status = yield from link.ask(Interrogate())
    record = listed(status, alarm)
    expect(record is not None, f"{alarm.name} is not listed {why}: nobody acknowledged it")
    expect(record is None or AlarmFlag.ACTIVE not in record.flags, f"{alarm.name} is active {why}")
    yield from link.ask(AcknowledgeAlarm(alarm))
    status = yield from link.ask(Interrogate())
    absent(status, alarm, "cleared and acknowledged")
