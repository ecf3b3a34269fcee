"""What is expected of answers, and how a verdict tells what came instead.

It sends nothing, and knows no link: a frame, a response or a value is looked at, and Unmet raised.
"""

from dataclasses import fields, is_dataclass
from enum import Enum, Flag
from typing import TypeVar

from pump_protocol.codes import (
    PROTOCOL_VERSION,
    RESPONSE_BIT,
    Field,
    MessageType,
    RefusalCode,
)
from pump_protocol.conformance.verdicts import UnknownRequest, Unmet
from pump_protocol.errors import MalformedPayload
from pump_protocol.frames import Frame
from pump_protocol.messages import (
    Reason,
    Refusal,
    Request,
    Response,
    request_name,
)
from pump_protocol.payloads import decode_response

R = TypeVar("R", bound=Response)


def expect(met: bool, otherwise: str) -> None:
    """End the case unless *met*.

    :param otherwise: what the subject did instead, as a sentence.
    :raises Unmet: not met.
    """
    if not met:
        raise Unmet(otherwise)


def expect_equal(what: str, found: object, wanted: object) -> None:
    """End the case unless *found* is *wanted*.

    :raises Unmet: it is not.
    """
    if found != wanted:
        raise Unmet(f"{what} is {shown(found)}; expected: {shown(wanted)}")


def accepted(request: Request[R], response: Response) -> R:
    """The response that *request* wants.

    :raises UnknownRequest: the pump does not know the request.
    :raises Unmet: it is another refusal, or something else.
    """
    name = type(request).__name__
    if isinstance(response, Refusal):
        if RefusalCode.UNKNOWN_MESSAGE in response.codes:
            raise UnknownRequest(f"the pump does not know {name}", request.message_type)
        raise Unmet(f"{name} was refused: {', '.join(map(reason_text, response.reasons))}")
    if not isinstance(response, request.response_class):
        raise Unmet(f"{name} was answered with {type(response).__name__}")
    return response  # type: ignore[return-value]  # response_class is its R


def refused(
    response: Response, message_type: int, code: RefusalCode, field: Field | None = None
) -> Reason:
    """The reason with that code, and field, of a refusal of that request.

    :raises Unmet: *response* is no refusal, of something else, or for other reasons only.
    """
    wanted = code.name if field is None else f"{code.name} / {field.name}"
    name = request_name(message_type)
    if not isinstance(response, Refusal):
        found = type(response).__name__
        raise Unmet(f"{name} was answered with {found}; expected: refused with {wanted}")
    expect_equal("request_type of the refusal", response.request_type, message_type)
    for reason in response.reasons:
        if reason.code is code and field in (None, reason.field):
            return reason
    told = ", ".join(map(reason_text, response.reasons)) or "no reason"
    raise Unmet(f"{name} was refused with {told}; expected: {wanted}")


def plain_response(frame: Frame, link_id: int, sequence: int) -> Response:
    """What a plain frame says, which answers a request of that link and number.

    :raises Unmet: it is no such answer.
    """
    if frame.version != PROTOCOL_VERSION:
        raise Unmet(f"answered in version {frame.version}; expected: {PROTOCOL_VERSION}, plain")
    check_address(frame, link_id, sequence)
    return response_of(frame.message_type, frame.payload)


def check_address(frame: Frame, link_id: int, sequence: int) -> None:
    """See that a frame answers a request of that link and number.

    :raises Unmet: it does not.
    """
    if frame.message_type < RESPONSE_BIT:
        raise Unmet(f"the pump sent a request: {describe(frame)}")
    expect_equal("link_id of the answer", f"{frame.link_id:#018x}", f"{link_id:#018x}")
    expect_equal("sequence of the answer", frame.sequence, sequence)


def response_of(message_type: int, payload: bytes) -> Response:
    """What a payload says.

    :raises Unmet: it breaks the protocol.
    """
    try:
        return decode_response(message_type, payload)
    except MalformedPayload as error:
        raise Unmet(f"the answer breaks the protocol: {error}") from None


def describe(frame: Frame) -> str:
    """A frame in a few words."""
    try:
        name = MessageType(frame.message_type).name
    except ValueError:
        name = f"type 0x{frame.message_type:02X}"
    how = "sealed" if frame.sealed else "plain"
    said = ""
    if frame.message_type == MessageType.REFUSAL and not frame.sealed:
        try:
            refusal = decode_response(frame.message_type, frame.payload)
        except MalformedPayload:
            refusal = None
        if isinstance(refusal, Refusal):
            said = f" ({', '.join(map(reason_text, refusal.reasons))})"
    return f"{name}{said}, {how}, sequence {frame.sequence}"


def reason_text(reason: Reason) -> str:
    """A reason of a refusal in a few words."""
    text = f"{reason.code.name} / {reason.field.name}"
    if reason.value is not None:
        text += f", value {reason.value}"
    if reason.minimum is not None or reason.maximum is not None:
        text += f", allowed {reason.minimum} to {reason.maximum}"
    return text


def shown(value: object) -> str:  # noqa: PLR0911 - one for each kind of value
    """A value as a verdict shows it: codes by their names, bytes in hexadecimal digits, and nothing
    of how Python writes it."""
    if value is None:
        return "none"
    if isinstance(value, bytes):
        return value.hex(" ") or "no bytes"
    if isinstance(value, Flag):
        return " | ".join(each.name or "?" for each in value) or "no flag"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, (set, frozenset)):
        return ", ".join(sorted(map(shown, value))) or "none"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(shown, value))})" if value else "none"
    if is_dataclass(value) and not isinstance(value, type):
        told = (f"{each.name}={shown(getattr(value, each.name))}" for each in fields(value))
        return f"{type(value).__name__}({', '.join(told)})"
    return str(value)
