"""What can go wrong between a programmer and a pump, as one tree; it knows no port and no bytes.

::

    ProgrammerError
    ├── PortUnavailable       the port cannot be used
    │   ├── AddressMalformed  the address makes no sense; nothing was opened
    │   ├── PortMissing       there is no such port
    │   └── PortBusy          somebody else has it
    ├── PumpGone              the port was lost while in use; therapy is as it was
    ├── NoAnswerError         no answer in time; therapy is as it was
    ├── WrongPeer             something answers, but not as this protocol wants it
    ├── OutcomeUnknown        the answer to a request that changes something was lost
    ├── PumpRefused           the pump said no, with every reason; nothing was changed
    ├── VerificationFailed    the pump's own copy is not what was sent, or could not be read
    └── NotConfirmed          the person said no; nothing was changed

Values that cannot go on the wire at all raise :class:`pump_protocol.errors.LocalError` before
anything is sent, and what is no number where one is wanted raises :class:`TypeError`.
"""

from dataclasses import replace
from typing import ClassVar, Self

from pump_programmer.words import refusal_text
from pump_protocol.codes import Field
from pump_protocol.messages import Refusal, Request, Response


class ProgrammerError(Exception):
    """Anything that this package raises; ``kind`` is its stable name for other programs."""

    kind: ClassVar[str] = "programmer_error"


class PortUnavailable(ProgrammerError):
    """The port is there, but it cannot be opened or is no serial port."""

    kind = "port_unavailable"


class AddressMalformed(PortUnavailable):
    """The address is none that a port can have; a wrong use of the program.

    :ivar address: what was given.
    :ivar why: what is wrong with it, and what would be right.
    """

    kind = "usage"

    def __init__(self, address: str, why: str):
        super().__init__(f"port {address}: {why}")
        self.address = address
        self.why = why


class PortMissing(PortUnavailable):
    """There is no such port."""

    kind = "port_missing"


class PortBusy(PortUnavailable):
    """Another program has the port."""

    kind = "port_busy"


class PumpGone(ProgrammerError):
    """The port was lost while it was in use. No silent reconnection: open a new Programmer."""

    kind = "pump_gone"


class NoAnswerError(ProgrammerError):
    """No answer to any attempt, for a request that changes nothing in the pump's therapy.

    After a request to stage or to roll back, something may be staged: the message says so.
    """

    kind = "no_answer"


class WrongPeer(ProgrammerError):
    """Something answers, but it is no pump of this protocol version."""

    kind = "wrong_peer"


class OutcomeUnknown(ProgrammerError):
    """A request that changes something was sent, and its answer was lost: was it done?

    ``Programmer.resolve()`` finds out, as soon as the pump answers again.

    :ivar request: what was asked for.
    """

    kind = "outcome_unknown"

    def __init__(self, effect: str, why: str, request: Request[Response]):
        super().__init__(f"UNKNOWN whether {effect}: {why}. Interrogate the pump to find out.")
        self.request = request


class PumpRefused(ProgrammerError):
    """The pump refused; nothing was changed.

    :ivar refusal: every reason, with field, value and allowed range.
    :ivar attempts: how often the request was sent; more than one leaves room for doubt when the
        reason is that the link was not open.
    """

    kind = "refused"

    def __init__(self, refusal: Refusal, attempts: int = 1, hint: str = ""):
        super().__init__(refusal_text(refusal) + (hint and f"\n  {hint}"))
        self.refusal = refusal
        self.attempts = attempts

    def hinting(self, hint: str) -> Self:
        """The same refusal with what a person may do about it."""
        return type(self)(self.refusal, self.attempts, hint)

    def naming_first(self, *fields: Field) -> Self:
        """The same refusal with the reasons that are about *fields*, in their order, first."""
        rank = {field: place for place, field in enumerate(fields)}
        reasons = sorted(
            self.refusal.reasons, key=lambda reason: rank.get(reason.field, len(fields))
        )
        return type(self)(replace(self.refusal, reasons=tuple(reasons)), self.attempts)


class VerificationFailed(ProgrammerError):
    """What the pump holds is not what was sent, or could not be read after it was put in force."""

    kind = "verification_failed"


class NotConfirmed(ProgrammerError):
    """A person did not confirm; nothing was changed."""

    kind = "not_confirmed"
