"""A pump that refuses what makes it ready for a case: that is told, and only where it belongs."""

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.steps import Hook
from pump_protocol.conformance.suite import introduce
from pump_protocol.conformance.verdicts import Verdict
from tests.conformance.mutants.changes import answering, forget_request
from tests.conformance.pumps import InProcessPump

CASES = {each.slug: each for each in cases_of(Side.PUMP)}
EVERYTHING_ELSE = frozenset(Hook) - {Hook.RENEW}


def test_a_bolus_that_cannot_be_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    """No case about programming fails for the bolus that an earlier one had to leave running."""
    forget_request(monkeypatch, MessageType.ABORT_BOLUS)
    pump = InProcessPump(hooks=EVERYTHING_ELSE)
    left = pump.judge(CASES["order/repeat-in-the-link"])
    assert left.verdict is Verdict.PASS, left.reason
    programming = [each for each in CASES.values() if each.group == "program" and not each.fresh]
    results = pump.judge_all(programming)
    assert [each.case.slug for each in results if each.failed] == []
    why = "the pump could not be made ready: AbortBolus was refused: UNKNOWN_MESSAGE / MESSAGE_TYPE"
    assert sum(each.reason.startswith(why) for each in results) > len(results) // 2


@pytest.mark.parametrize(
    ("request_class", "slug"),
    [
        (m.StagePrescription, "program/within-the-limits"),
        (m.CommitPrescription, "program/within-the-limits"),
        (m.RollBackPrescription, "program/rollback"),
        (m.AbortBolus, "bolus/abort-tells-what-was-delivered"),
        (m.UpdateReservoir, "reservoir/volume-limits"),
        (m.AcknowledgeAlarm, "alarm/acknowledge-active"),
        (m.WriteNote, "note/written-and-read"),
    ],
)
def test_what_makes_ready_is_judged(
    request_class: type[m.Request[m.Response]], slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever always refuses what makes a pump ready fails the case that is about it."""

    @answering(monkeypatch, request_class)
    def refuse(_ordinary, _telemetry, request, _event):
        reason = m.Reason(RefusalCode.INFUSION_HELD, Field.NONE)
        return m.Refusal(request.message_type, (reason,))

    result = InProcessPump().judge(CASES[slug])
    assert result.verdict is Verdict.FAIL, (result.verdict, result.reason)


def test_one_case_judges_whether_a_request_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others that ask for it say so, and fail nobody for the clause that they are about. But a
    pump that knows it and says otherwise in a case fails that."""
    forgetful = InProcessPump()
    forget_request(monkeypatch, MessageType.SELF_TEST)
    assert forgetful.judge(CASES["self-test/report"]).verdict is Verdict.FAIL
    pump = InProcessPump()
    pump.subject, _ = introduce(pump.subject, pump, pump.random.randbytes)
    assert pump.subject.unknown_requests == {MessageType.SELF_TEST}
    unknown = pump.judge(CASES["message/every-request-known"])
    assert unknown.verdict is Verdict.FAIL
    assert unknown.reason == "the pump does not know SelfTest"
    other = pump.judge(CASES["self-test/report"])
    assert (other.verdict, other.reason) == (Verdict.UNSUPPORTED, unknown.reason)
