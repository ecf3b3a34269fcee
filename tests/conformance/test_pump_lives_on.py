"""Cases that program a pump are played on one that is never renewed: each clears up behind it."""

from collections.abc import Iterable

import pytest

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import Verdict, is_changed
from tests.conformance.pumps import InProcessPump

CASES = tuple(
    each
    for each in cases_of(Side.PUMP)
    if each.group in {"program", "schedule"} and Hook.RENEW not in each.hooks and not each.fresh
)
EVERYTHING_ELSE = frozenset(Hook) - {Hook.RENEW}


@pytest.mark.parametrize("authenticated", [True, False], ids=["authenticated", "legacy-insecure"])
@pytest.mark.parametrize("hooks", [EVERYTHING_ELSE, frozenset()], ids=["hooks", "no-hooks"])
def test_all_pass_one_after_the_other(authenticated: bool, hooks: frozenset[Hook]) -> None:
    """None fails for what one before it left in force, pending, running or in alarm, and all are
    judged that need no hook that is not there."""
    pump = InProcessPump(authenticated=authenticated, hooks=hooks)
    assert _wrong(pump.judge_all(CASES), hooks) == []


def test_all_pass_backwards() -> None:
    """Nor in the opposite order."""
    pump = InProcessPump(hooks=EVERYTHING_ELSE)
    assert _wrong(pump.judge_all(CASES[::-1]), EVERYTHING_ELSE) == []


def _wrong(results: Iterable[CaseResult], hooks: frozenset[Hook]) -> list[str]:
    """What was found where something else should have been."""
    found = []
    for each in results:
        missing = ", ".join(sorted(each.case.hooks - hooks))
        right = Verdict.UNSUPPORTED if missing else Verdict.PASS
        reason = f"no harness offers the hook {missing}" if missing else ""
        if (each.verdict, each.reason) != (right, reason) or is_changed(each.state):
            said = f"{each.verdict} {each.reason} {each.state_reason}"
            found.append(f"{each.case.slug}: {said.strip()}")
    return found
