"""What a pump says too late, twice or slowly: the case that it belongs to tells, and no other."""

from collections.abc import Callable

import pytest

from pump_protocol.codes import RESPONSE_BIT
from pump_protocol.conformance.cases import Case, Level, Side
from pump_protocol.conformance.steps import Play, Receive, Send, Step, send
from pump_protocol.conformance.suite import introduce
from pump_protocol.conformance.tester import Tester as AnyTester
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import StateVerdict, Unmet, Unsupported, Verdict
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import CloseLink, Identify
from pump_protocol.payloads import encode
from tests.conformance.pumps import InProcessPump

Body = Callable[[AnyTester], Play[None]]
REQUEST = frame_bytes(Identify.message_type, 7, 1, encode(Identify()))
LINK_CLOSED = bytes([CloseLink.message_type | RESPONSE_BIT])
NOISE = b"\x00\xff boot"


def case(body: Body, level: Level = Level.MUST, *, changes_nothing: bool = False) -> Case:
    """A case that nobody lists."""
    return Case(
        "frame/toy",
        level,
        ("SEQ-02",),
        Side.PUMP,
        "Done.",
        "silence",
        body,
        changes_nothing=changes_nothing,
    )


def asking(tester: AnyTester) -> Play[None]:
    """Two good requests, one of them of a link that is closed again."""
    link = yield from tester.link()
    yield from link.ask(CloseLink())


def nothing(_: AnyTester) -> Play[None]:
    """It does nothing at all."""
    yield from ()


def leaving_one_unread(tester: AnyTester) -> Play[None]:
    """It asks, and sees that it cannot judge."""
    yield from send(tester.outside(Identify(), link_id=9))
    raise Unsupported("it has not the time")


class OddPump(InProcessPump):
    """A good pump behind an odd line.

    :ivar behind: what comes behind the answer to CloseLink.
    :ivar takes_ms: how long each answer takes.
    :ivar late: what comes when something is sent the next time.
    """

    behind = b""
    takes_ms = 0
    late = b""

    def do(self, step: Step) -> object:
        """Carry out *step*, and do what is odd."""
        if isinstance(step, Receive) and self.takes_ms:
            self._line.pass_time(self.takes_ms * 1_000_000)
        if isinstance(step, Send) and self.late:
            self._line._unread += self.late
            self.late = b""
        result = super().do(step)
        if isinstance(result, bytes) and result[3:4] == LINK_CLOSED:
            return result + self.behind
        return result


def played(pump: InProcessPump, *cases: Case) -> list[CaseResult]:
    """What comes of each."""
    return pump.judge_all(cases)


@pytest.mark.parametrize("more", [REQUEST, NOISE, REQUEST[:9]], ids=["frame", "noise", "half"])
@pytest.mark.parametrize("changes_nothing", [False, True])
def test_something_behind_the_last_answer_is_noticed(more: bytes, changes_nothing: bool) -> None:
    """By the case itself, and the next one is none the worse."""
    pump = OddPump(authenticated=False)
    pump.behind = more
    judged = case(asking, changes_nothing=changes_nothing)
    found, after = played(pump, judged, case(nothing))
    assert found.verdict is Verdict.FAIL
    assert changes_nothing or "when all was done" in found.reason
    assert after.verdict is Verdict.PASS, after.reason


def test_late_answer_is_told_as_such() -> None:
    """Before the next case has asked for anything."""
    pump = OddPump(authenticated=False)
    pump.late = REQUEST
    (found,) = played(pump, case(asking))
    assert found.verdict is Verdict.FAIL
    assert "before this case asked for anything the pump sent IDENTIFY" in found.reason


@pytest.mark.parametrize("level", [Level.MUST, Level.SHOULD])
def test_what_a_case_did_not_read_is_none_of_the_next(level: Level) -> None:
    """Whether it gave up, or found what it did not like."""

    def unhappy(tester: AnyTester) -> Play[None]:
        yield from send(tester.outside(Identify(), link_id=9))
        raise Unmet("not nice")

    pump = OddPump(authenticated=False)
    results = played(
        pump, case(leaving_one_unread), case(asking), case(unhappy, level), case(asking)
    )
    verdicts = [each.verdict for each in results]
    failed = Verdict.FAIL if level is Level.MUST else Verdict.NON_STRICT
    assert verdicts == [Verdict.UNSUPPORTED, Verdict.PASS, failed, Verdict.PASS]


def test_state_is_read_behind_what_was_left_unread() -> None:
    """The second verdict is not UNKNOWN for an answer that nobody waited for."""

    def unhappy(tester: AnyTester) -> Play[None]:
        for _ in range(3):
            yield from send(tester.outside(Identify(), link_id=9))
        raise Unmet("not nice")

    (found,) = played(OddPump(), case(unhappy, changes_nothing=True))
    assert found.state is StateVerdict.SAME, found.state_reason


def test_slow_pump_is_not_hung() -> None:
    """It answers each of 60 requests within its patience: more than a case takes otherwise."""

    def many(tester: AnyTester) -> Play[None]:
        for _ in range(60):
            yield from tester.alive()

    pump = OddPump(authenticated=False)
    pump.takes_ms = 900
    (found,) = played(pump, case(many))
    assert found.verdict is Verdict.PASS, found.reason
    assert found.duration_ms > 50_000


def test_pump_that_starts_anew_is_waited_for() -> None:
    """It is silent for a while when its port is opened, and greets with noise."""
    pump = OddPump(authenticated=False)
    pump.late = NOISE
    silent_for = 2

    class Starting:
        """The driver until it is up."""

        now_ms = staticmethod(pump.now_ms)

        def do(self, step: Step) -> object:
            nonlocal silent_for
            if isinstance(step, Send) and silent_for:
                silent_for -= 1
                return None
            return pump.do(step)

    subject, _ = introduce(pump.subject, Starting(), pump.random.randbytes)
    assert subject == pump.subject
    assert not silent_for
