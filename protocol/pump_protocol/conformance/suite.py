"""A run: which cases are played, one after the other, on a subject that may die of it.

The driver moves bytes and time; nothing here does. Every case ends, and so does the run: one that
takes too long is stopped, and a subject that answers nothing any more is given up.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random
from typing import Final, Protocol, TypeVar

from pump_protocol.codes import MAX_PAYLOAD_BYTES, RefusalCode, UserRole
from pump_protocol.conformance.cases import Case, Profile
from pump_protocol.conformance.hooks import lay_on, lift_off, shown_code
from pump_protocol.conformance.steps import Hook, Play, Reconnect, Step
from pump_protocol.conformance.tester import PROGRAMMER_ID, PumpSubject, Tester
from pump_protocol.conformance.trial import CaseResult, Trial, pump_trial
from pump_protocol.conformance.verdicts import Broken, Finding, Unmet, Verdict
from pump_protocol.errors import BadKey
from pump_protocol.keys import Key, RandomBytes, pairing_key
from pump_protocol.messages import REQUESTS, CloseLink, OpenLink, Pair, Refusal

T = TypeVar("T")

CASE_MS: Final = 30_000
"""How long a case may take beside what it waits for on purpose."""

_NO_PUMP: Final = "what is there does not answer Identify as a pump does: {}"

_ATTEMPTS: Final = 3
"""A pump that starts anew, as one does whose watchdog has bitten, is silent for a while."""


class Driver(Protocol):
    """Whoever carries out the steps of cases on one subject."""

    def now_ms(self) -> int:
        """The link time, in ms from any origin."""

    def do(self, step: Step) -> object:
        """Carry out *step*; the result is what :mod:`.steps` says.

        :raises Unmet: the subject is to blame: it closed the line, say.
        :raises Broken: the port or the harness is.
        """


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a run may take.

    :ivar until_ms: link time by which it is over; None for whenever.
    :ivar longest_wait_ms: cases that let more link time pass in all are not judged.
    :ivar case_ms: how long a case may take beside what it waits for on purpose.
    :ivar answer_ms: how much longer, for each time that it sends something: a subject that takes
        its time for each answer is slow, and not hung.
    """

    until_ms: int | None = None
    longest_wait_ms: int = 1_000
    case_ms: int = CASE_MS
    answer_ms: int = 0


def judge_pump(
    cases: Iterable[Case],
    subject: PumpSubject,
    driver: Driver,
    *,
    seed: int,
    entropy: RandomBytes,
    bounds: Bounds,
) -> Iterator[CaseResult]:
    """Play *cases* on a pump, in their order; one result for each, as soon as it is there."""
    bounds = replace(bounds, answer_ms=subject.patience_ms)
    dead: str | None = None
    for case in cases:
        if dead is not None:
            yield CaseResult(case, Verdict.HARNESS_ERROR, f"not played: {dead}")
        elif (result := unplayed(case, driver.now_ms(), bounds)) is not None:
            yield result
        else:
            result = play(pump_trial(case, subject, seed, entropy), driver, bounds)
            yield result
            if result.failed or result.verdict is Verdict.HARNESS_ERROR:
                dead = probe(subject, driver, entropy)


def unplayed(case: Case, now_ms: int, bounds: Bounds) -> CaseResult | None:
    """What is told of a case that is not to be played any more, or never; None if it is."""
    if bounds.until_ms is not None and now_ms >= bounds.until_ms:
        return CaseResult(case, Verdict.HARNESS_ERROR, "not played: the time of the run is over")
    if case.waits_ms > bounds.longest_wait_ms:
        return CaseResult(
            case,
            Verdict.UNSUPPORTED,
            f"it lets {case.waits_ms / 1_000:g} s of link time pass in all, and no more than"
            f" {bounds.longest_wait_ms / 1_000:g} s are granted",
        )
    return None


def play(trial: Trial, driver: Driver, bounds: Bounds) -> CaseResult:
    """Play one case to its end."""
    began_ms = driver.now_ms()
    while trial.step is not None and not stopped(trial, began_ms, driver.now_ms(), bounds):
        try:
            result = driver.do(trial.step)
        except Finding as error:
            trial.fail(error, driver.now_ms())
        else:
            trial.answer(result, driver.now_ms())
    assert trial.result is not None
    return trial.result


def end_ms(case: Case, began_ms: int, bounds: Bounds, sent: int = 0) -> int:
    """By when a case that began then, and has sent something so often, is over, or stopped."""
    until_ms = began_ms + bounds.case_ms + case.waits_ms + sent * bounds.answer_ms
    return until_ms if bounds.until_ms is None else min(until_ms, bounds.until_ms)


def stopped(trial: Trial, began_ms: int, now_ms: int, bounds: Bounds) -> bool:
    """Whether a case has taken too long, and has been stopped for it.

    Where only the run is out of time that says nothing of the subject.
    """
    until_ms = end_ms(trial.case, began_ms, bounds, trial.sent)
    if now_ms < until_ms:
        return False
    if until_ms == bounds.until_ms:
        why = "the time of the run was over before the case was"
        trial.stop(Verdict.HARNESS_ERROR, why, now_ms)
    else:
        took_s = (now_ms - began_ms) / 1_000
        trial.stop(Verdict.FAIL, f"it was not over after {took_s:.0f} s", now_ms)
    return True


def probe(subject: PumpSubject, driver: Driver, entropy: RandomBytes) -> str | None:
    """Whether there is a pump that answers Identify; why not, or None.

    The line is opened anew: a subject that closed it may take it up again. What it had still to say
    to the case before is forgotten.
    """
    tester = _bystander(subject, entropy)

    def asking() -> Play[None]:
        yield Reconnect()
        yield from tester.catch_up()

    return _tried(lambda: run_steps(asking(), driver))


def _bystander(subject: PumpSubject, entropy: RandomBytes) -> Tester:
    """Somebody who asks beside the cases, under numbers that no case uses."""
    return Tester(subject, Random(0), entropy, outside=1 << 31)  # noqa: S311 - it draws nothing


def _tried(attempt: Callable[[], None]) -> str | None:
    """Why *attempt* came to nothing again and again; None if it did not."""
    why = None
    for _ in range(_ATTEMPTS):
        try:
            attempt()
        except Finding as error:
            why = str(error)
        else:
            return None
    return why


def run_steps(steps: Play[T], driver: Driver) -> T:
    """Carry out steps that are no case, and are not judged.

    :raises Finding: they come to nothing.
    """
    try:
        step = next(steps)
        while True:
            try:
                result = driver.do(step)
            except Finding as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as stop:
        found: T = stop.value
        return found


def introduce(
    subject: PumpSubject, driver: Driver, entropy: RandomBytes
) -> tuple[PumpSubject, Profile]:
    """What there is to judge: *subject* with the keys of all roles that its harness lets it give by
    pairing, and its security profile. Roles of which there is a key already are not paired.

    :raises Finding: nothing there answers as a pump does, or pairing fails.
    """
    tester = _bystander(subject, entropy)

    def waking() -> Play[None]:
        yield from tester.calm()  # what an earlier run left, or a greeting
        yield from tester.catch_up()

    why = _tried(lambda: run_steps(waking(), driver))
    if why is not None:
        raise Unmet(_NO_PUMP.format(why))

    def asking() -> Play[dict[UserRole, Key]]:
        yield from _identified(tester)
        if tester.authenticated and {Hook.PAIR, Hook.PROXIMITY} <= subject.hooks:
            return (yield from _paired(tester))
        return dict(subject.keys)

    given = subject.keys  # what the pump has just handed over needs no trial
    subject = tester.subject = replace(subject, keys=run_steps(asking(), driver))
    wrong: dict[UserRole, str] = {}
    for role, key in given.items() if tester.authenticated else ():
        try:
            run_steps(_tried_key(tester, key), driver)
        except Unmet as error:
            wrong[role] = f"the key of role {role.name} that was given opens no link: {error}"
    subject = tester.subject = replace(subject, wrong_keys=wrong)
    with suppress(Finding):  # whatever is wrong with links, cases judge
        unknown = run_steps(_unknown_requests(tester), driver)
        subject = replace(subject, unknown_requests=unknown)
    profile = Profile.AUTHENTICATED if tester.authenticated else Profile.LEGACY_INSECURE
    return subject, profile


def _unknown_requests(tester: Tester) -> Play[frozenset[int]]:
    """Types of requests that the pump says it does not know, whatever is asked with them."""
    link = yield from tester.link()
    unknown = set()
    for message_type in REQUESTS:
        # No payload fits that: what is known is refused for it, and nothing is carried out.
        response = yield from link.exchange(link.raw(message_type, bytes(MAX_PAYLOAD_BYTES)))
        if isinstance(response, Refusal) and RefusalCode.UNKNOWN_MESSAGE in response.codes:
            unknown.add(int(message_type))
    yield from link.ask(CloseLink())
    return frozenset(unknown)


def _tried_key(tester: Tester, key: Key) -> Play[None]:
    """See that a key opens a link.

    :raises Unmet: it does not.
    """
    link = yield from tester.handshake(key)
    yield from link.ask(OpenLink(PROGRAMMER_ID))
    yield from link.ask(CloseLink())


def _identified(tester: Tester) -> Play[None]:
    """See that a pump answers Identify."""
    try:
        yield from tester.identify()
    except Unmet as error:
        raise Unmet(_NO_PUMP.format(error)) from None


def _paired(tester: Tester) -> Play[dict[UserRole, Key]]:
    keys = dict(tester.subject.keys)
    yield from lay_on()
    for role in UserRole:
        if role in keys:
            continue
        code = yield from shown_code(role)
        link = yield from tester.handshake(_key_of(code, role))
        yield from link.ask(OpenLink(PROGRAMMER_ID))
        paired = yield from link.ask(Pair())
        keys[role] = Key(paired.key_id, paired.role, paired.secret)
        yield from link.ask(CloseLink())
    yield from lift_off()
    return keys


def _key_of(code: str, role: UserRole) -> Key:
    """The key that the pairing code stands for which a harness has told.

    :raises Broken: it has told none.
    """
    try:
        return pairing_key(code, role)
    except BadKey as error:
        raise Broken(f"hook {Hook.PAIR}: {error}") from None
