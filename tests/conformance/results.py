"""Cases and results made up for tests of what surrounds them: nothing is played."""

from collections.abc import Iterable
from typing import Any

from pump_protocol.codes import MessageType
from pump_protocol.conformance.cases import Case, Level, Profile, Side
from pump_protocol.conformance.report import Report, case_report
from pump_protocol.conformance.steps import Play, send
from pump_protocol.conformance.trial import CaseResult, Passed
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.frames import Frame
from pump_protocol.messages import Identify
from pump_protocol.payloads import encode

IDENTIFY = Frame(MessageType.IDENTIFY, 0, 1, encode(Identify())).to_bytes()
WIRE = (
    Passed(1_000, None, note="harness: renew"),
    Passed(1_004, True, IDENTIFY),
    Passed(1_009, False, b"\xff\x00noise"),
)

HOSTILE = "\x1b[2J\x00</script></details><img src=x onerror=alert(1)>\u202e & \"quoted\" 'so'"
"""What a subject may send: codes of a terminal, markup, a sign that turns text around."""


def a_case(slug: str, level: Level = Level.MUST, **more: Any) -> Case:
    """A case of that name."""
    more = {"clauses": ("FRAME-01", "SEQ-02"), "side": Side.PUMP, **more}
    clauses, side = more.pop("clauses"), more.pop("side")
    return Case(slug, level, clauses, side, f"Do {slug}.", f"It does {slug}.", _play, **more)


def _play(_: object) -> Play[None]:
    yield from send(b"")


CASES = (
    a_case("frame/crc-single-bit-flip"),
    a_case("frame/crc-several-bits"),
    a_case("frame/noise", Level.SHOULD),
    a_case("link/unknown-id"),
    a_case("performance/round-trip", Level.MAY),
)


def a_result(
    slug: str, verdict: Verdict = Verdict.PASS, reason: str = "", **more: Any
) -> CaseResult:
    """What came of the case of that name."""
    more = {"duration_ms": 9, "wire": WIRE, **more}
    case = next((each for each in CASES if each.slug == slug), None) or a_case(slug)
    return CaseResult(case, verdict, reason, **more)


def a_report(results: Iterable[CaseResult], **more: Any) -> Report:
    """A run of a pump with these results."""
    more = {
        "side": Side.PUMP,
        "subject": "some pump",
        "profile": Profile.AUTHENTICATED,
        "seed": 7,
        "started_at": "2026-11-23T04:00:00+00:00",
        **more,
    }
    return Report(results=tuple(case_report(each) for each in results), **more)
