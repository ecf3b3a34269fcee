"""What a programmer leaves to its user: doses above the soft limit, bridges, what disagrees."""

from typing import Final

from pump_protocol.codes import BridgeDecision, Field, RefusalCode
from pump_protocol.conformance.cases import Level, programmer_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.programmer.findings import (
    NOT_DONE,
    asked,
    expect_no,
    expect_said,
    first_asked,
    staged,
)
from pump_protocol.conformance.programmer.scenes import (
    DAILY_MCG,
    HIGH_MCG,
    T,
    at_first,
    attend,
    program,
    read,
    refusal,
    saying,
)
from pump_protocol.conformance.standin import Heard, StandIn
from pump_protocol.conformance.steps import Ended, Play
from pump_protocol.conformance.tasks import Outcome
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import CommitPrescription, Reason, Refusal, StagePrescription

_NG_PER_MCG: Final = 1_000


@programmer_case(
    "programmer-programming/soft-limit-unconfirmed",
    Level.MUST,
    "PROG-24",
    expects="no commit that carries the dose, and it does not say that it is done",
    tasks="program",
)
def soft_limit_unconfirmed(standin: StandIn) -> Play[None]:
    """A dose above the soft limit, which nobody has confirmed."""
    yield from program(standin, HIGH_MCG)
    yield from standin.serve()
    ended = yield from standin.end()
    _expect_unconfirmed(standin)
    expect_said(standin, ended, NOT_DONE, "nobody has confirmed the dose")


@programmer_case(
    "programmer-programming/soft-limit-confirmed",
    Level.MUST,
    "PROG-24",
    expects="a commit that carries just this dose, and done",
    tasks="program-confirmed",
)
def soft_limit_confirmed(standin: StandIn) -> Play[None]:
    """A dose above the soft limit, which the user has confirmed."""
    yield from standin.start(
        "program-confirmed", daily_dose_mcg=HIGH_MCG, confirmed_dose_mcg=HIGH_MCG
    )
    outcome = yield from standin.serve_to_end()
    confirmed = [each.confirmed_dose_ng for each in _commits(standin)]
    expect_equal("confirmed_dose_ng of the commit", confirmed, [HIGH_MCG * _NG_PER_MCG])
    expect_equal("what it says", outcome, Outcome.DONE)


@programmer_case(
    "programmer-programming/another-dose-confirmed",
    Level.MUST,
    "PROG-24",
    expects="no commit that carries the dose, and it does not say that it is done",
    tasks="program-confirmed",
)
def another_dose_confirmed(standin: StandIn) -> Play[None]:
    """A dose above the soft limit; what the user has confirmed is another one."""
    yield from standin.start(
        "program-confirmed", daily_dose_mcg=HIGH_MCG, confirmed_dose_mcg=HIGH_MCG + 100
    )
    yield from standin.serve()
    ended = yield from standin.end()
    _expect_unconfirmed(standin)
    expect_said(standin, ended, NOT_DONE, "another dose was confirmed")


@programmer_case(
    "programmer-programming/confirmation-asked-by-the-pump",
    Level.MUST,
    "PROG-24",
    expects="no commit that carries what the pump wants to have confirmed",
    tasks="program",
)
def confirmation_asked_by_the_pump(standin: StandIn) -> Play[None]:
    """A pump that did not ask for it refuses the commit: the dose is to be confirmed."""
    asked_ng = DAILY_MCG * _NG_PER_MCG

    def not_confirmed(heard: Heard) -> Refusal:
        where = Field.HIGHEST_DAILY_DOSE
        reason = Reason(RefusalCode.NOT_CONFIRMED, where, asked_ng, None, asked_ng - 1)
        return Refusal(heard.frame.message_type, (reason,))

    yield from program(standin)
    ended = yield from attend(standin, {T.COMMIT_PRESCRIPTION: saying(standin, not_confirmed)})
    _expect_unconfirmed(standin)
    expect_said(standin, ended, NOT_DONE, "every commit was refused")


def _commits(standin: StandIn) -> list[CommitPrescription]:
    """The commits that were sent, repeats left out."""
    found = {each.data: each.request for each in asked(standin, T.COMMIT_PRESCRIPTION)}
    return [each for each in found.values() if isinstance(each, CommitPrescription)]


def _expect_unconfirmed(standin: StandIn) -> None:
    doses = {each.daily_dose_ng for each in staged(standin)}
    for each in _commits(standin):
        if each.confirmed_dose_ng in doses:
            raise Unmet(f"it confirmed {each.confirmed_dose_ng} ng by itself")


@programmer_case(
    "programmer-programming/bridge-undecided",
    Level.MUST,
    "PROG-26 PROG-31",
    expects="nothing staged with decision DECLINED, nothing committed",
    tasks="change-concentration",
)
def bridge_undecided(standin: StandIn) -> Play[None]:
    """Another concentration, about which the user has decided nothing."""
    yield from standin.start("change-concentration", concentration_mcg_per_ml=1_000)
    yield from standin.serve()
    ended = yield from standin.end()
    _expect_undecided(standin, ended)


@programmer_case(
    "programmer-programming/bridge-asked-by-the-pump",
    Level.MUST,
    "PROG-31",
    expects="nothing staged with decision DECLINED, nothing committed",
    tasks="program",
)
def bridge_asked_by_the_pump(standin: StandIn) -> Play[None]:
    """The pump refuses another dose of the drug in force: it wants a decision about a bridge."""

    def undecided(heard: Heard) -> Refusal:
        return refusal(heard, RefusalCode.BRIDGE_UNDECIDED, field=Field.BRIDGE)

    yield from program(standin)
    ended = yield from attend(standin, {T.STAGE_PRESCRIPTION: saying(standin, undecided)})
    _expect_undecided(standin, ended)


def _expect_undecided(standin: StandIn, ended: Ended) -> None:
    for each in staged(standin):
        if each.bridge_decision is BridgeDecision.DECLINED:
            raise Unmet("it chose DECLINED by itself; expected: its user decides")
    expect_no(standin, T.COMMIT_PRESCRIPTION, "nobody has decided about the bridge")
    expect_said(standin, ended, NOT_DONE, "nobody has decided about the bridge")


@programmer_case(
    "programmer-programming/mismatch",
    Level.MUST,
    "PROG-02",
    expects="it is shown, and what the pump would take is not sent",
    tasks="program",
)
def mismatch(standin: StandIn) -> Play[None]:
    """The pump refuses what is staged with MISMATCH / RATE, and tells the rate that would agree."""

    def disagreeing(heard: Heard) -> Refusal:
        rate = read(heard, StagePrescription).prescription.rate_nl_per_day
        reason = Reason(RefusalCode.MISMATCH, Field.RATE, rate, rate + 7, rate + 7)
        return Refusal(heard.frame.message_type, (reason,))

    reply = at_first(standin, saying(standin, disagreeing))
    yield from program(standin)
    ended = yield from attend(standin, {T.STAGE_PRESCRIPTION: reply})
    first_asked(standin, T.STAGE_PRESCRIPTION)
    first, *others = staged(standin)
    for each in others:
        if each.rate_nl_per_day == first.rate_nl_per_day + 7:
            raise Unmet("it sent the rate that the pump expected, and did not ask its user")
    expect_no(standin, T.COMMIT_PRESCRIPTION, "the pump reckons otherwise than the programmer")
    expect_said(standin, ended, NOT_DONE, "nothing was staged")
    if not (ended.output + ended.errors).strip():
        raise Unmet("it printed nothing; expected: the mismatch")
