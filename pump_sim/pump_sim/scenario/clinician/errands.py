"""Each act of the scenario's programmer as the steps that it takes at the pump, verified.

As a clinician's software does it: every change is read back, no order is given twice, and a lost
answer is found out about (:mod:`.aftermath`) before anything is said of it.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final, Literal

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.keys import Key
from pump_protocol.payloads import prescription_digest
from pump_protocol.units import dose_for_rate
from pump_sim import wire_values as values
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.scenario.clinician.aftermath import drop_staged, find_out
from pump_sim.scenario.clinician.visits import (
    Open,
    Refused,
    Result,
    Steps,
    Unanswered,
    Unsendable,
    Visit,
    first_wanted,
    refused_result,
)
from pump_sim.scenario.clinician.words import change_text, done_text, status_text
from pump_sim.scenario.file import acts
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import laid_over, volume_of, with_bridge
from pump_sim.scenario.happenings import Outcome

_CURRENT: Final = m.ReadPrescription(codes.PrescriptionSlot.CURRENT)
_PENDING: Final = m.ReadPrescription(codes.PrescriptionSlot.PENDING)


def errand(act: acts.ByProgrammer, visit: Visit) -> Steps[Result]:
    """The steps of a whole act: open a link, do it, close the link."""
    try:
        yield from visit.open()
        result = yield from _do(act, visit)
    except Refused as refused:
        result = refused_result(refused.refusal)
    except Unsendable as unsendable:
        result = Result(Outcome.NO_ANSWER, text=f"not sent: {unsendable}")
    except Unanswered as lost:
        result = yield from find_out(visit, lost)
    if result.outcome is not Outcome.CUT:
        yield from visit.close()
    return result


def emergency(act: acts.Emergency, random: Random) -> Steps[Result]:
    """The steps of emergency access: one request, without a link."""
    request = _EMERGENCIES[act.what]()
    try:
        return _done(request, (yield Open(random.randrange(1, 2**64), request)))
    except Refused as refused:
        return refused_result(refused.refusal)
    except Unanswered as lost:
        reads = isinstance(request, m.EmergencyStatus)
        return Result(Outcome.NO_ANSWER if reads else Outcome.UNKNOWN, text=str(lost))


_EMERGENCIES: Final[dict[str, type[m.Request[Any]]]] = {
    "status": m.EmergencyStatus,
    "minimum_rate": m.EmergencyMinimumRate,
    "stop": m.EmergencyStop,
}


def _do(act: acts.ByProgrammer, visit: Visit) -> Steps[Result]:
    match act:
        case acts.Program() | acts.Bolus() | acts.Priming() | acts.Refill() if act.cut == "open":
            return _gone("after the link was open")
        case acts.Interrogate():
            steps = _interrogate(visit)
        case acts.Program():
            steps = _program(visit, act, act.bridge_nl, act.confirm_dose_ng, act.cut)
        case acts.Stop():
            steps = _program(visit, Therapy(mode="stopped"))
        case acts.Bolus() | acts.Priming():
            steps = _order_bolus(visit, act)
        case acts.Refill():
            steps = _refill(visit, act)
        case acts.PatientBolusByHandset():
            steps = _order(visit, m.RequestPatientBolus)
        case acts.Pair():
            steps = _pair(visit)
        case _:
            steps = _request(visit, _REQUESTS[type(act)](act))
    return (yield from steps)


_REQUESTS: Final[dict[type[acts.ByProgrammer], Callable[[Any], m.Request[Any]]]] = {
    acts.RollBack: lambda _: m.RollBackPrescription(),
    acts.AbortBolus: lambda _: m.AbortBolus(),
    acts.Acknowledge: lambda act: m.AcknowledgeAlarm(codes.Alarm[act.alarm.upper()]),
    acts.Silence: lambda act: m.SilenceAlarm(codes.Alarm[act.alarm.upper()], act.duration_ms),
    acts.SetClock: lambda act: m.SetClock(act.clock_ms),
    acts.SelfTest: lambda _: m.SelfTest(),
    acts.WriteNote: lambda act: m.WriteNote(act.text),
}
"""The acts that take no more than one request."""


def _request(visit: Visit, request: m.Request[Any]) -> Steps[Result]:
    return _done(request, (yield from visit.ask(request)))


def _order(
    visit: Visit, make: Callable[[int], m.Request[Any]], cut: str | None = None
) -> Steps[Result]:
    if cut == "order":
        yield from visit.tell_order(make)
        return _gone("after the order was sent")
    return _done(make(0), (yield from visit.order(make)))


def _done(request: m.Request[Any], response: m.Response) -> Result:
    return Result(Outcome.DONE, text=done_text(request, response))


def _gone(when: str) -> Result:
    return Result(Outcome.CUT, text=f"the programmer was gone {when}")


def _pair(visit: Visit) -> Steps[Result]:
    """Take the key that is handed over, in place of the one that was held for its role."""
    paired = yield from visit.ask(m.Pair())
    identity = yield from visit.identify()
    assert visit.keys is not None  # the link was opened with a code
    visit.keys.add(identity.serial_number, Key(paired.key_id, paired.role, paired.secret))
    return _done(m.Pair(), paired)


# --- Reading -------------------------------------------------------------------------------------


def _interrogate(visit: Visit) -> Steps[Result]:
    identity = yield from visit.identify()
    status = yield from visit.ask(m.Interrogate())
    if not visit.may_send(m.ReadPrescription):
        return Result(Outcome.DONE, text=status_text(status))
    yield from visit.ask(_CURRENT)
    if status.has_pending:
        try:
            yield from visit.ask(_PENDING)
        except Refused as refused:
            if not refused.nothing_staged:  # it may have expired meanwhile
                raise
    logs = (status.therapy_log, status.access_log)
    known = visit.logs_read.get(identity.serial_number, (1, 1))
    (first, _), (first_access, _) = map(first_wanted, known, logs)
    end, end_access = (each.next_sequence for each in logs)
    yield from visit.therapy_log(first, end)
    yield from visit.access_log(first_access, end_access)
    visit.logs_read[identity.serial_number] = (end, end_access)
    return Result(Outcome.DONE, text=status_text(status))


# --- Programming ---------------------------------------------------------------------------------


def _program(
    visit: Visit,
    wishes: Therapy,
    bridge_nl: int | Literal["none"] | None = None,
    confirm_dose_ng: int | None = None,
    cut: str | None = None,
) -> Steps[Result]:
    identity = yield from visit.identify()
    current = yield from visit.ask(_CURRENT)
    base = values.prescription_in(current.prescription)
    next_periodic_in_ms = yield from _next_periodic(visit, wishes, base)
    wanted = laid_over(wishes, base, identity.minimum_rate_nl_per_day, next_periodic_in_ms)
    if bridge_nl is not None:
        wanted = with_bridge(wanted, base, None if bridge_nl == "none" else bridge_nl)
    sent = values.prescription_out(wanted)
    staged = yield from visit.ask(m.StagePrescription(sent))
    if cut == "stage":
        return _gone("after the prescription was staged")
    if wrong := _why_wrong(current, staged, sent):
        yield from drop_staged(visit)
        return Result(Outcome.NO_ANSWER, text=f"not committed, because {wrong}")
    commit = m.CommitPrescription(staged.digest, confirm_dose_ng)
    if cut == "commit":
        yield from visit.tell(commit)
        return _gone("after the commit was sent")
    try:
        yield from visit.ask(commit)
    except Unsendable:
        yield from drop_staged(visit)
        raise
    except Refused as refused:
        result = refused_result(refused.refusal)
        if (yield from drop_staged(visit)):
            return result
        return replace(result, text=f"{result.text}; it stays staged until it expires")
    text = f"{change_text(current.prescription, sent)} in force, version {staged.version}"
    return Result(Outcome.DONE, text=text + (yield from _doubt(visit, staged)))


def _next_periodic(visit: Visit, wishes: Therapy, base: Prescription) -> Steps[int | None]:
    """When the next periodic bolus is due, where the new prescription goes on with them."""
    goes_on = all(
        each is None
        for each in (
            wishes.daily_dose_ng,
            wishes.rate_nl_per_day,
            wishes.mode,
            wishes.flex,
            wishes.periodic,
        )
    )
    if base.mode is not Mode.PERIODIC_BOLUS or not goes_on:
        return None
    status = yield from visit.ask(m.Interrogate())
    due_ms = status.next_periodic_bolus_at_ms
    return None if due_ms is None else due_ms - status.at_ms


def _why_wrong(
    current: m.PrescriptionReport, staged: m.PrescriptionStaged, sent: m.Prescription
) -> str:
    """What is wrong with the echo of what was staged (REQ-24); nothing if it is right."""
    if staged.prescription != sent:
        return "the pump staged something other than what was sent"
    if staged.digest != prescription_digest(staged.version, sent):
        return "the digest is not that of what was staged"
    if staged.version != current.version + 1:
        return "the prescription in force was changed meanwhile"
    return ""


def _doubt(visit: Visit, staged: m.PrescriptionStaged) -> Steps[str]:
    """What reading back shows to be otherwise than committed. It was committed all the same."""
    try:
        held = yield from visit.ask(_CURRENT)
    except (Refused, Unanswered):
        return ", but it could not be read back"
    if (held.version, held.digest) != (staged.version, staged.digest):
        return f", but the pump holds version {held.version}"
    return ""


# --- Orders --------------------------------------------------------------------------------------


def _order_bolus(visit: Visit, act: acts.Bolus | acts.Priming) -> Steps[Result]:
    drug = (yield from visit.ask(_CURRENT)).prescription.drug
    # A pump that has lost its drug refuses a bolus of nothing known.
    concentration = 0 if drug is None else drug.concentration_ng_per_ml
    if isinstance(act, acts.Bolus):
        kind = codes.BolusKind.SINGLE
        dose_ng, volume_nl = act.dose_ng, volume_of(act.dose_ng, concentration)
    else:
        kind, volume_nl = codes.BolusKind.PRIMING, act.volume_nl
        dose_ng = dose_for_rate(volume_nl, concentration) if concentration else 0

    def order(number: int) -> m.OrderBolus:
        return m.OrderBolus(number, kind, dose_ng, concentration, volume_nl, act.duration_ms)

    return (yield from _order(visit, order, act.cut))


def _refill(visit: Visit, act: acts.Refill) -> Steps[Result]:
    def update(number: int) -> m.UpdateReservoir:
        return m.UpdateReservoir(number, act.volume_nl)

    return (yield from _order(visit, update, act.cut))
