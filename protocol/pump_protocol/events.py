"""What a session tells its owner, as frozen values.

An event is something that happened on the link; none of them is an exception, because noise,
repeats and refusals are ordinary on a telemetry link.
"""

from dataclasses import dataclass

from pump_protocol.frames import CorruptFrame, Frame
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
    """(Pump) A request to be carried out and answered with ``Session.send_response``."""

    request: Request[Response]
    link_id: int
    sequence: int
    programmer_id: int


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
    sending may have been carried out and its answer lost (LINK-10 of the specification).
    """

    refusal: Refusal
    attempts: int


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
    | RequestReceived
    | RequestRepeated
    | RequestRefused
    | ResponseReceived
    | RefusalReceived
    | ResponseGarbled
    | NoAnswer
)
