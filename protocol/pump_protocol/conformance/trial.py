"""One case being played on one subject, without I/O: steps out, results in, a verdict at the end.

Whoever drives it carries out :attr:`Trial.step`, tells what came of it with :meth:`Trial.answer`,
and goes on until there is no step any more. It knows neither ports nor clocks nor reports.
"""

import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final
from zlib import crc32

from pump_protocol.conformance.cases import Case, Level, Profile
from pump_protocol.conformance.standin import StandIn
from pump_protocol.conformance.state import State, difference, read_state
from pump_protocol.conformance.steps import (
    AwaitEnd,
    Elapse,
    Ended,
    Hook,
    Play,
    Receive,
    Reconnect,
    Send,
    Start,
    Step,
    Use,
)
from pump_protocol.conformance.tasks import ProgrammerSubject
from pump_protocol.conformance.tester import PumpSubject, Tester
from pump_protocol.conformance.verdicts import (
    Broken,
    Finding,
    StateVerdict,
    UnknownRequest,
    Unmet,
    Unsupported,
    Verdict,
    counts_as,
)
from pump_protocol.errors import UnsendableMessage
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import RandomBytes

_UNMET: Final = {
    Level.MUST: Verdict.FAIL,
    Level.SHOULD: Verdict.NON_STRICT,
    Level.MAY: Verdict.INFO,
}

_QUOTED: Final = 1_000
"""How many characters of what a programmer printed are told."""


@dataclass(frozen=True, slots=True)
class Passed:
    """Bytes that passed on the line, or, without any, a note of what happened beside it.

    :ivar to_pump: which way; None of a note.
    """

    at_ms: int
    to_pump: bool | None
    data: bytes = b""
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What came of one case.

    :ivar reason: why the verdict is not PASS; of INFO, what was found.
    :ivar state: the second verdict; None where a case has none.
    :ivar wire: all that passed.
    :ivar secrets: with which sealed frames in it can be read.
    """

    case: Case
    verdict: Verdict
    reason: str = ""
    state: StateVerdict | None = None
    state_reason: str = ""
    duration_ms: int = 0
    wire: tuple[Passed, ...] = ()
    secrets: Mapping[int, tuple[LinkSecrets, ...]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the subject does what it MUST not do, by either verdict."""
        return counts_as(self.verdict, self.state) is Verdict.FAIL


def case_random(seed: int, slug: str) -> Random:
    """What a case draws by lot: its own, so that leaving out others changes nothing."""
    return Random(f"{seed}/{slug}")  # noqa: S311 - to be drawn again


class Trial:
    """One case, being played.

    :param play: the whole of it: preparations, the case itself, what is looked at afterwards.
    :param secrets: where the keys of links are noted, read at the end.
    :param to_pump: which way the subject's opposite sends: towards a pump that is judged, or from
        one that is played.

    :ivar step: what is to be done next; None when it is over.
    :ivar result: what came of it, when it is over.
    :ivar sent: how many times something was sent.
    """

    def __init__(
        self,
        case: Case,
        play: Play[str | None],
        *,
        secrets: Mapping[int, list[LinkSecrets]],
        to_pump: bool,
        state: "StateWatch | None" = None,
    ) -> None:
        self.case = case
        self._play = play
        self._secrets = secrets
        self._to_pump = to_pump
        self._state = state
        self._wire: list[Passed] = []
        self.sent = 0
        self._began_ms: int | None = None
        self._ended: Ended | None = None  # what was noted of the programmer's end
        self._at_ms = 0
        self.step: Step | None = None
        self.result: CaseResult | None = None
        self._go_on(lambda: next(self._play))

    def answer(self, result: object, at_ms: int) -> None:
        """Tell what came of :attr:`step`, and when that was."""
        self._note(result, at_ms)
        self._go_on(lambda: self._play.send(result))

    def fail(self, error: Exception, at_ms: int) -> None:
        """Tell that :attr:`step` could not be done: Unmet where that is the subject's fault, as a
        line that it lost is; Unsupported or Broken otherwise."""
        self._at_ms = at_ms
        self._wire.append(Passed(at_ms, None, note=str(error)))
        self._go_on(lambda: self._play.throw(error))

    def stop(self, verdict: Verdict, reason: str, at_ms: int) -> None:
        """End it before it has ended by itself."""
        self._at_ms = at_ms
        self._end(verdict, reason)
        self._play.close()

    def _note(self, result: object, at_ms: int) -> None:
        if self._began_ms is None:
            self._began_ms = at_ms
        self._at_ms = at_ms
        match self.step:
            case Send(data=data):
                self._wire.append(Passed(at_ms, self._to_pump, data))
                self.sent += 1
            case Receive() | Elapse():
                assert isinstance(result, bytes)
                if result:
                    self._wire.append(Passed(at_ms, not self._to_pump, result))
            case Reconnect():
                note = "the port is closed and opened again" if self._to_pump else "the port goes"
                self._wire.append(Passed(at_ms, None, note=note))
            case AwaitEnd():
                if result not in (None, self._ended):
                    assert isinstance(result, Ended)
                    self._wire.extend(Passed(at_ms, None, note=each) for each in _end_of(result))
                    self._ended = result
            case _:
                self._ended = None if isinstance(self.step, Start) else self._ended
                note = note_of(self.step)
                if note:
                    self._wire.append(Passed(at_ms, None, note=note))

    def _go_on(self, advance: Callable[[], Step]) -> None:
        try:
            self.step = advance()
        except StopIteration as stop:
            found = stop.value
            self._end(Verdict.PASS if found is None else Verdict.INFO, found or "")
        except Unmet as unmet:
            self._end(_UNMET[self.case.level], str(unmet))
        except UnsendableMessage as error:  # a request made of what the subject has told
            self._end(
                _UNMET[self.case.level], f"what it told leads to what cannot be sent: {error}"
            )
        except Unsupported as missing:
            self._end(Verdict.UNSUPPORTED, str(missing))
        except Broken as broken:
            self._end(Verdict.HARNESS_ERROR, str(broken))
        except Exception as error:  # noqa: BLE001 - a bug in a case must not end the run
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{last.name}, line {last.lineno}"
            self._end(
                Verdict.HARNESS_ERROR,
                f"a bug in the suite: {type(error).__name__}: {error} ({where})",
            )

    def _end(self, verdict: Verdict, reason: str) -> None:
        self.step = None
        began_ms = self._at_ms if self._began_ms is None else self._began_ms
        state, state_reason = None, ""
        if self._state is not None:
            state, state_reason = self._state.verdict, self._state.reason
        self.result = CaseResult(
            self.case,
            verdict,
            reason,
            state,
            state_reason,
            self._at_ms - began_ms,
            tuple(self._wire),
            {link_id: tuple(each) for link_id, each in self._secrets.items()},
        )


@dataclass(slots=True)
class StateWatch:
    """The second verdict of a case, as it is found."""

    verdict: StateVerdict | None = None
    reason: str = ""

    def compare(self, before: State, after: State) -> None:
        """Judge whether anything has changed that should not."""
        changed = difference(before, after)
        self.verdict = StateVerdict.SAME if changed is None else StateVerdict.CHANGED
        self.reason = changed or ""


def pump_trial(case: Case, subject: PumpSubject, seed: int, entropy: RandomBytes) -> Trial:
    """A case that judges a pump."""
    # The numbers of no two cases are near each other.
    outside = crc32(case.slug.encode()) >> 1
    tester = Tester(subject, case_random(seed, case.slug), entropy, outside=outside)
    state = StateWatch() if case.changes_nothing else None
    play = _on_pump(case, subject, tester, state)
    return Trial(case, play, secrets=tester.secrets, to_pump=True, state=state)


def _on_pump(
    case: Case, subject: PumpSubject, tester: Tester, state: StateWatch | None
) -> Play[str | None]:
    missing = sorted(each.value for each in case.hooks - subject.hooks)
    if missing:
        raise Unsupported(f"no harness offers the hook {', '.join(missing)}")
    if Hook.RENEW in subject.hooks:
        yield from tester.renew()
    elif case.fresh:
        raise Unsupported("it needs a pump as new, and no harness offers the hook renew")
    yield from tester.meet()
    found = Profile.AUTHENTICATED if tester.authenticated else Profile.LEGACY_INSECURE
    if case.profile not in (None, found):
        raise Unsupported(f"it is about pumps of profile {case.profile.name}")
    try:
        if state is None:
            return (yield from _to_its_end(case, tester))
        yield from _watched(_to_its_end(case, tester), tester, state)
        yield from tester.part()
    except (Unmet, Unsupported) as reason:
        ended: Finding = reason
        if isinstance(reason, UnknownRequest) and reason.message_type in subject.unknown_requests:
            ended = Unsupported(str(reason))  # the case about that says it once for all
        # What it has not read is none of the next case's. After a failure it is looked anyhow
        # whether the pump is still there.
        if isinstance(ended, Unsupported) or case.level is not Level.MUST:
            with suppress(Unmet):
                yield from tester.catch_up()
        raise ended from None
    return None


def _to_its_end(case: Case, tester: Tester) -> Play[str | None]:
    """Play the case itself; the pump has nothing to say behind its last answer."""
    informed: str | None = yield from case.play(tester)
    yield from tester.part()
    return informed


def _watched(body: Play[str | None], tester: Tester, state: StateWatch) -> Play[None]:
    """Play *body* between two readings of the pump's state."""
    before = yield from read_state(tester)
    unmet: Unmet | None = None
    try:
        yield from body
    except Unmet as error:  # what it left behind is worth a look all the same
        unmet = error
    try:
        if unmet is not None:
            yield from tester.catch_up()
        state.compare(before, (yield from read_state(tester)))
    except Unmet as error:
        state.verdict, state.reason = StateVerdict.UNKNOWN, f"it could not be read again: {error}"
    if unmet is not None:
        raise unmet


def programmer_trial(case: Case, subject: ProgrammerSubject, seed: int) -> Trial:
    """A case that judges a programmer."""
    stand_in = StandIn(subject, case_random(seed, case.slug))
    play = _on_programmer(case, subject, stand_in)
    return Trial(case, play, secrets=stand_in.secrets, to_pump=False)


def _on_programmer(case: Case, subject: ProgrammerSubject, stand_in: StandIn) -> Play[str | None]:
    if case.profile not in (None, subject.profile):
        raise Unsupported(f"it is about pumps of profile {case.profile.name}")
    missing = sorted(case.tasks - subject.tasks)
    if missing:
        raise Unsupported(f"the programmer is said not to do the task {', '.join(missing)}")
    informed: str | None = yield from case.play(stand_in)
    if not stand_in.heard:  # whoever does nothing does nothing wrong
        raise Unmet("it ended without asking the pump for anything")
    return informed


def note_of(step: Step | None) -> str:
    """A step beside the line in a few words; none of one that a reader need not know of."""
    match step:
        case Use(hook=hook, fields=fields):
            given = "".join(f" {name}={value}" for name, value in fields.items())
            return f"harness: {hook}{given}"
        case Start(task=task, values=values):
            given = "".join(f" {name}={value}" for name, value in values.items())
            return f"the programmer is started: {task}{given}"
        case _:
            return ""


def _end_of(ended: Ended) -> Iterator[str]:
    """How a programmer ended, and what it printed, in a line each."""
    by = f"exit code {ended.code}" if ended.code >= 0 else f"signal {-ended.code}"
    yield f"the programmer has ended: {by}"
    for where, text in (("standard output", ended.output), ("standard error", ended.errors)):
        words = " ".join(text.split())
        if words:
            more = " ..." if len(words) > _QUOTED else ""
            yield f"on {where}: {words[:_QUOTED]}{more}"
