"""What a refusal says: the reasons that must be there, and no others, and their numbers."""

from typing import TypeVar

from pump_protocol.codes import Field, RefusalCode
from pump_protocol.conformance.expectations import expect_equal, reason_text
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.messages import Reason, Refusal, Request, Response, request_name
from pump_protocol.payloads import encode

T = TypeVar("T")


def refusal(link: TesterLink, request: Request[Response]) -> Play[Refusal]:
    """The refusal of *request*.

    :raises Unmet: it is carried out, or something else is refused.
    """
    return (yield from refusal_raw(link, request.message_type, encode(request)))


def refusal_raw(link: TesterLink, message_type: int, payload: bytes) -> Play[Refusal]:
    """As :func:`refusal`, of a request of any type and payload."""
    response = yield from link.exchange(link.raw(message_type, payload))
    if not isinstance(response, Refusal):
        name, told = request_name(message_type), type(response).__name__
        raise Unmet(f"{name} was answered with {told}; expected: a refusal")
    expect_equal("request_type of the refusal", response.request_type, message_type)
    return response


def refused_for(
    link: TesterLink, request: Request[Response], *wanted: tuple[RefusalCode, Field]
) -> Play[tuple[Reason, ...]]:
    """The reasons for which *request* is refused: just those that are wanted (REF-02).

    :returns: the reasons in the order of *wanted*.
    :raises Unmet: it is not refused, or for others, fewer or more reasons.
    """
    return just_these((yield from refusal(link, request)), *wanted)


def refused_raw_for(
    link: TesterLink, message_type: int, payload: bytes, *wanted: tuple[RefusalCode, Field]
) -> Play[tuple[Reason, ...]]:
    """As :func:`refused_for`, of a request of any type and payload."""
    return just_these((yield from refusal_raw(link, message_type, payload)), *wanted)


def just_these(refused: Refusal, *wanted: tuple[RefusalCode, Field]) -> tuple[Reason, ...]:
    """The reasons of a refusal, which must be these, each once, in any order (REF-02).

    :returns: the reasons in the order of *wanted*.
    :raises Unmet: there are others, fewer or more.
    """
    found = {(each.code, each.field): each for each in refused.reasons}
    if set(found) != set(wanted) or len(found) != len(refused.reasons):
        told = ", ".join(map(reason_text, refused.reasons)) or "no reason"
        just = ", ".join(f"{code.name} / {field.name}" for code, field in wanted)
        name = request_name(refused.request_type)
        raise Unmet(f"{name} was refused with {told}; expected: {just}")
    return tuple(found[each] for each in wanted)


def expect_numbers(reason: Reason, **wanted: int | None) -> None:
    """The numbers of a reason, `value`, `minimum` or `maximum`, must be these.

    :raises Unmet: one is not.
    """
    for name, number in wanted.items():
        what = f"{name} of {reason.code.name} / {reason.field.name}"
        expect_equal(what, getattr(reason, name), number)


def named(what: str, play: Play[T]) -> Play[T]:
    """*play*, whose failure says which of many values it was.

    :raises Unmet: it does.
    """
    try:
        return (yield from play)
    except Unmet as unmet:
        raise Unmet(f"{what}: {unmet}") from None
