"""The pump of this project passes every case, in both security profiles."""

import pytest

from pump_protocol.conformance.cases import Case, Profile, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.verdicts import StateVerdict, Verdict
from tests.conformance.pumps import InProcessPump

CASES = cases_of(Side.PUMP)
PROFILES = {Profile.AUTHENTICATED: True, Profile.LEGACY_INSECURE: False}


@pytest.mark.parametrize("profile", PROFILES, ids=str)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.slug)
def test_our_pump_passes(case: Case, profile: Profile) -> None:
    """Each case passes on a pump with every hook, or is about the other profile."""
    result = InProcessPump(authenticated=PROFILES[profile]).judge(case)
    if case.profile not in (None, profile):
        assert result.verdict is Verdict.UNSUPPORTED, result.reason
        return
    assert result.verdict in (Verdict.PASS, Verdict.INFO), (result.verdict, result.reason)
    assert result.state is (StateVerdict.SAME if case.changes_nothing else None), (
        result.state_reason
    )
