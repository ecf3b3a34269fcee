"""What a session tells its owner, as frozen values.

An event is something that happened on the link; none of them is an exception, because noise,
repeats and refusals are ordinary on a telemetry link.
"""

from dataclasses import dataclass

from pump_protocol.codes import UserRole
from pump_protocol.frames import CorruptFrame, Frame
from pump_protocol.guard import LinkKeys
from pump_protocol.handshake import LinkSecrets
from pump_protocol.messages import Refusal, Request, Response
from pump_protocol.states import LinkTrigger


@dataclass(frozen=True, slots=True)
class NoiseReceived:
    """Bytes that were not a good frame were thrown away."""

    noise: CorruptFrame


@dataclass(frozen=True, slots=True)
class FrameIgnored:
    """An intact frame that is not for us now: an echo, or an answer that comes too late."""

    frame: Frame
    why: str


@dataclass(frozen=True, slots=True)
class LinkEnded:
    """The link is closed, and why."""

    link_id: int
    cause: LinkTrigger


@dataclass(frozen=True, slots=True)
class RequestReceived:
    """(Pump) A request to be carried out and answered with ``Session.send_response``.

    ``programmer_id`` is the one by which orders are counted; ``link_keys``, with which the answer
    will be sealed, is None of a plain frame.
    """

    request: Request[Response]
    link_id: int
    sequence: int
    programmer_id: int
    link_keys: LinkKeys | None = None


@dataclass(frozen=True, slots=True)
class HandshakeAnswered:
    """(Pump) Somebody who holds a key, or a recording of one who does, began a handshake.

    The keys of the link are for whoever is to read a trace.
    """

    link_id: int
    key_id: int
    role: UserRole
    secrets: LinkSecrets


@dataclass(frozen=True, slots=True)
class LinkAuthenticated:
    """(Pump) A link was opened with a key; 0 is a pairing code."""

    link_id: int
    key_id: int
    role: UserRole


@dataclass(frozen=True, slots=True)
class KeyHandedOver:
    """(Pump) Whoever had the pairing code was given the key of its role."""

    link_id: int
    key_id: int
    role: UserRole


@dataclass(frozen=True, slots=True)
class RequestRepeated:
    """(Pump) A request seen before; the first answer was sent again and nothing is to be done."""

    link_id: int
    sequence: int
    message_type: int


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """(Pump) A frame that the session refused by itself; the refusal was sent."""

    refusal: Refusal
    link_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class ResponseReceived:
    """(Programmer) The answer to the outstanding request."""

    response: Response
    attempts: int


@dataclass(frozen=True, slots=True)
class RefusalReceived:
    """(Programmer) The outstanding request was refused; nothing was done.

    Unless it was repeated (``attempts`` > 1) and refused because the link is lost: then the first
    sending may have been carried out and its answer lost (LINK-10 of the specification). And
    unless it is not authentic: a plain refusal of a sealed request, which anybody may have sent,
    proves nothing, but that the link is better given up.
    """

    refusal: Refusal
    attempts: int
    authentic: bool = True


@dataclass(frozen=True, slots=True)
class ResponseGarbled:
    """(Programmer) The answer arrived whole but breaks the protocol; was it done? Unknown."""

    why: str


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """(Programmer) No answer to any attempt; was it done? Unknown."""

    attempts: int


Event = (
    NoiseReceived
    | FrameIgnored
    | LinkEnded
    | HandshakeAnswered
    | LinkAuthenticated
    | KeyHandedOver
    | RequestReceived
    | RequestRepeated
    | RequestRefused
    | ResponseReceived
    | RefusalReceived
    | ResponseGarbled
    | NoAnswer
)
