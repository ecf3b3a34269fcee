"""The emergency messages, and a pump to which somebody has come in an emergency.

What it ought to answer, the cases know.
"""

from typing import Final

from pump_protocol.codes import Field, RefusalCode
from pump_protocol.conformance.hooks import lift_off
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import on_therapy
from pump_protocol.messages import (
    EmergencyMinimumRate,
    EmergencyStatus,
    EmergencyStop,
    Request,
    Response,
)

ALL: Final[tuple[Request[Response], ...]] = (
    EmergencyStatus(),
    EmergencyMinimumRate(),
    EmergencyStop(),
)


def all_refused(tester: Tester, code: RefusalCode) -> Play[None]:
    """Each of the three messages must be refused with *code*.

    :raises Unmet: one is not.
    """
    for request in ALL:
        yield from tester.refused_outside(request, code, Field.NONE)


def restored(link: TesterLink) -> Play[None]:
    """Lift the head off, and put a common prescription in force again."""
    yield from lift_off()
    yield from on_therapy(link)
