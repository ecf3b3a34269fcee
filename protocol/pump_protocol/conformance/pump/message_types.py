"""Cases about which requests a pump knows."""

from typing import Final

from pump_protocol.codes import (
    RESPONSE_BIT,
    Capability,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import (
    expect,
    expect_equal,
    plain_response,
)
from pump_protocol.conformance.pump.common.samples import OPEN_LINK, in_a_link
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    CommitPrescription,
    OrderBolus,
    Refusal,
    Request,
    RequestPatientBolus,
    Response,
    UpdateReservoir,
    request_name,
)
from pump_protocol.payloads import encode


@pump_case(
    "message/every-request-known",
    Level.MUST,
    "MSG-01 MSG-03",
    expects="none is refused with UNKNOWN_MESSAGE, nor in a clinician's sealed link with"
    " NOT_PERMITTED / MESSAGE_TYPE; what there is no capability for is refused otherwise",
    changes_nothing=True,
)
def every_request_known(tester: Tester) -> Play[None]:
    """Requests of each type, with a byte too many, and where no pump carries them out also as they
    should be."""
    link = yield from tester.link()
    unknown = yield from _unknown_in(link)
    opening = yield from tester.unopened()
    response = yield from opening.exchange(opening.raw(OPEN_LINK.message_type, bytes(9)))
    if _for_its_type(response, RefusalCode.UNKNOWN_MESSAGE):
        unknown.append(request_name(OPEN_LINK.message_type))
    addressed = {MessageType.AUTHENTICATE: tester.new_link_id(), **dict.fromkeys(_EMERGENCY, 0)}
    if not tester.authenticated:
        addressed[MessageType.PAIR] = link.link_id
    for message_type, link_id in addressed.items():
        number = link.sequence = link.sequence + 1
        frame = yield from tester.exchange(frame_bytes(message_type, link_id, number, b"\0"))
        response = plain_response(frame, link_id, number)
        if _for_its_type(response, RefusalCode.UNKNOWN_MESSAGE):
            unknown.append(request_name(message_type))
    expect(not unknown, f"the pump does not know {', '.join(unknown)}")


def _unknown_in(link: TesterLink) -> Play[list[str]]:
    """Which requests of a clinician the pump does not know, as far as it tells in a link."""
    identity = link.tester.identity
    unknown = []
    for request in in_a_link(identity):
        wrong = [RefusalCode.UNKNOWN_MESSAGE]
        if not _may_be_lacking(request, identity.capabilities):
            wrong.append(RefusalCode.NOT_PERMITTED)
        good = encode(request)
        for payload in (
            (good + b"\0", good) if isinstance(request, _IMPOSSIBLE) else (good + b"\0",)
        ):
            response = yield from link.exchange(link.raw(request.message_type, payload))
            if _for_its_type(response, *wrong):
                unknown.append(request_name(request.message_type))
                break
    return unknown


_EMERGENCY: Final = (
    MessageType.EMERGENCY_STATUS,
    MessageType.EMERGENCY_MINIMUM_RATE,
    MessageType.EMERGENCY_STOP,
)

_IMPOSSIBLE: Final = (
    CommitPrescription,  # of a digest that nothing has
    OrderBolus,  # under number 0
    UpdateReservoir,
    RequestPatientBolus,
)
"""What of :func:`in_a_link` no pump carries out, well formed as it is."""


def _may_be_lacking(request: Request[Response], capabilities: Capability) -> bool:
    """Whether the pump has no capability for *request*, and refuses it in words of its own."""
    if isinstance(request, RequestPatientBolus):
        return Capability.PATIENT_BOLUS not in capabilities
    orders = Capability.SINGLE_BOLUS | Capability.PRIMING_BOLUS
    return isinstance(request, OrderBolus) and not orders & capabilities


def _for_its_type(response: Response, *codes: RefusalCode) -> bool:
    """Whether a request is refused for its type, with one of these codes."""
    return isinstance(response, Refusal) and any(
        each.code in codes and each.field is Field.MESSAGE_TYPE for each in response.reasons
    )


@pump_case(
    "message/unknown-type",
    Level.MUST,
    "MSG-03 ROLE-02",
    expects="UNKNOWN_MESSAGE / MESSAGE_TYPE with the type; in a sealed frame NOT_PERMITTED /"
    " MESSAGE_TYPE with it, whatever the payload",
    changes_nothing=True,
)
def unknown_type(tester: Tester) -> Play[None]:
    """Requests of every type below 0x80 that nobody knows."""
    link = yield from tester.link()
    code = RefusalCode.NOT_PERMITTED if tester.authenticated else RefusalCode.UNKNOWN_MESSAGE
    known = frozenset(MessageType)
    for message_type in range(RESPONSE_BIT):
        if message_type not in known:
            payload = bytes(message_type % 3)
            reason = yield from link.refused_raw(message_type, payload, code, Field.MESSAGE_TYPE)
            expect_equal("value of the reason", reason.value, message_type)
