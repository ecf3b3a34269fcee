"""A case that is played on a subject which tells what cannot be: its verdict is about that."""

from dataclasses import replace

from pump_protocol.codes import UserRole
from pump_protocol.conformance import tester as programmer
from pump_protocol.conformance.cases import Case, Side
from pump_protocol.conformance.catalogue import cases_of
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.verdicts import Verdict
from pump_protocol.messages import UpdateReservoir
from tests.conformance.pumps import InProcessPump

_LAST_ORDER = 2**64 - 1


def _orders_after_the_last_number(tester: programmer.Tester) -> Play[None]:
    """Give an order after that the pump has said that it has had the last number there is."""
    link = yield from tester.link(UserRole.CLINICIAN)
    link.opened = replace(link.opened, last_order_number=_LAST_ORDER)
    yield from link.ask(UpdateReservoir(link.next_order, 1_000_000))


def test_what_cannot_be_sent_is_the_fault_of_who_told_it() -> None:
    """Not of the suite: a request that is made of what the pump tells may not fit its field."""
    case: Case = replace(
        next(each for each in cases_of(Side.PUMP) if not each.changes_nothing),
        play=_orders_after_the_last_number,
    )
    result = InProcessPump(authenticated=False).judge(case)
    assert result.verdict is Verdict.FAIL
    assert "UpdateReservoir.order_number = 18446744073709551616" in result.reason
