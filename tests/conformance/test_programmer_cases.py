"""The programmer of this project passes every case, on pumps of both security profiles."""

import sys
from collections.abc import Callable
from typing import NoReturn

import pytest

from pump_programmer import cli, opening
from pump_programmer.connection import Connection
from pump_programmer.link import Link
from pump_protocol import programmer_end
from pump_protocol.conformance.cases import Case, Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.envelope import Envelope
from pump_protocol.messages import Message, Request
from pump_protocol.payloads import encode
from pump_protocol.programmer_end import ProgrammerEnd
from tests.conformance.programmers import InProcessProgrammer

CASES = cases_of(Side.PROGRAMMER)
PROFILES = {Profile.AUTHENTICATED: True, Profile.LEGACY_INSECURE: False}


@pytest.mark.parametrize("profile", PROFILES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_our_programmer_passes(case: Case, profile: Profile) -> None:
    """Each case passes, or is about pumps of the other profile."""
    result = InProcessProgrammer(authenticated=PROFILES[profile]).judge(case)
    if case.profile not in (None, profile):
        assert result.verdict is Verdict.UNSUPPORTED, result.reason
        return
    assert result.verdict in (Verdict.PASS, Verdict.INFO), (result.verdict, result.reason)


# --- Programmers that make no sense --------------------------------------------------------------


def _says_nothing(patch: pytest.MonkeyPatch) -> None:
    def main() -> NoReturn:
        raise SystemExit(0)

    patch.setattr(cli, "main", main)


def _does_something_else(patch: pytest.MonkeyPatch) -> None:
    main = cli.main

    def always_the_same() -> NoReturn:
        sys.argv[3:] = ["interrogate"]  # behind the port
        main()

    patch.setattr(cli, "main", always_the_same)


def _speaks_nonsense(patch: pytest.MonkeyPatch) -> None:
    def nonsense(message: Message) -> bytes:
        return encode(message) + (b"\0" if isinstance(message, Request) else b"")

    patch.setattr(programmer_end, "encode", nonsense)


def _seals_with_nothing(patch: pytest.MonkeyPatch) -> None:
    def unproven(connection: Connection, *more: object) -> Link:
        link = connection.link(more[0])  # type: ignore[arg-type]
        end = link._session._end
        assert isinstance(end, ProgrammerEnd)
        end._envelope = Envelope(sending=bytes(32), receiving=bytes(32))
        return link

    patch.setattr(opening, "authenticated", unproven)


@pytest.mark.parametrize(
    "nonsense", [_says_nothing, _does_something_else, _speaks_nonsense, _seals_with_nothing]
)
def test_a_programmer_that_makes_no_sense_is_judged(
    nonsense: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a programmer does, it comes to a verdict on it, and to no bug of the suite."""
    nonsense(monkeypatch)
    for result in InProcessProgrammer().judge_all(CASES):
        assert result.verdict is not Verdict.HARNESS_ERROR, (result.case.slug, result.reason)
