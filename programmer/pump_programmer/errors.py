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
    ├── InsecurePump          the pump has no security, and nobody said that this is accepted
    ├── NoKey                 there is no key for this pump, or no single one
    ├── KeyStoreUnusable      the file of the keys cannot be used; it is as it was
    ├── PumpUnproven          what answers did not prove to hold the key: perhaps an impostor
    ├── OutcomeUnknown        the answer to a request that changes something was lost
    ├── PumpRefused           the pump said no, with every reason; nothing was changed
    │   ├── AuthenticationFailed  it does not know this key, or this pairing code
    │   ├── AuthenticationLocked  it looks at no key for a while, after too many wrong ones
    │   └── NotPermitted          the role of the key does not allow it
    ├── VerificationFailed    the pump's own copy is not what was sent, or could not be read
    └── NotConfirmed          the person said no; nothing was changed

Values that cannot go on the wire at all raise :class:`pump_protocol.errors.LocalError` before
anything is sent, and what is no number where one is wanted raises :class:`TypeError`. No error
holds a secret.
"""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final, Self

from pump_programmer.words import allowed_roles_text, refusal_text
from pump_protocol.codes import Field, RefusalCode, UserRole
from pump_protocol.messages import Refusal, Request, Response

NOT_PROVED: Final = "Nothing proves that it was the pump that said so."
"""Of a refusal in plain text, which anybody may have sent who reaches the wire."""
_LOCKED: Final = (
    "Therapy, links that are open and emergency access go on. If it was not you who tried wrong "
    f"keys, find out who did: pump-programmer log --access. {NOT_PROVED}"
)


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


class InsecurePump(ProgrammerError):
    """The pump takes anybody for its clinician, and nobody said that this is accepted.

    Nothing was asked of it but who it is.
    """

    kind = "insecure_pump"

    def __init__(self, serial_number: str):
        super().__init__(
            f"pump {serial_number} says that it is LEGACY-INSECURE: whoever reaches its port may "
            "program it, and nothing proves that it is this pump. Nothing was asked of it. To "
            "accept that, as in a training room: --insecure, PUMP_INSECURE=1, or insecure=True in "
            "Python"
        )
        self.serial_number = serial_number


class NoKey(ProgrammerError):
    """There is no key for this pump, or more than one and nobody chose; nothing was asked of it.

    :ivar serial_number: of the pump.
    """

    kind = "no_key"

    def __init__(self, serial_number: str, why: str):
        super().__init__(f"pump {serial_number}: {why}")
        self.serial_number = serial_number


class KeyStoreUnusable(ProgrammerError):
    """The file of the keys cannot be used, or must not be; it was left as it is.

    :ivar path: the file.
    """

    kind = "key_store"

    def __init__(self, path: Path, why: str):
        super().__init__(f"key store {path}: {why}")
        self.path = path


class PumpUnproven(ProgrammerError):
    """What answers did not prove to hold the key. Nothing was asked of it but who it is.

    :ivar serial_number: of the pump that it says to be.
    """

    kind = "pump_unproven"

    def __init__(
        self, serial_number: str, why: str = "its proof is wrong: it does not hold the key"
    ):
        super().__init__(
            f"what answers says that it is pump {serial_number}, but {why}. Perhaps it is an "
            "impostor, or somebody stands between you and the pump. Nothing was asked of it"
        )
        self.serial_number = serial_number


class OutcomeUnknown(ProgrammerError):
    """A request that changes something was sent, and its answer was lost: was it done?

    ``Programmer.resolve()`` finds out, as soon as the pump answers again.

    :ivar request: what was asked for.
    :ivar order_number: its number, if it is an order: the same order under the same number is
        never carried out twice.
    """

    kind = "outcome_unknown"

    def __init__(self, effect: str, why: str, request: Request[Response], advice: str):
        number: int | None = getattr(request, "order_number", None)
        order = "" if number is None else f" (order {number})"
        super().__init__(f"UNKNOWN whether {effect}{order}: {why}. {advice}")
        self.request = request
        self.order_number = number
        self._effect, self._why, self._advice = effect, why, advice

    def adding(self, found: str, advice: str | None = None) -> Self:
        """The same with what was found out meanwhile, which does not settle it.

        :param advice: what to do, if it is another thing now.
        """
        return type(self)(
            self._effect, f"{self._why}; {found}", self.request, advice or self._advice
        )


class PumpRefused(ProgrammerError):
    """The pump refused; nothing was changed.

    :ivar refusal: every reason, with field, value and allowed range.
    :ivar attempts: how often the request was sent; more than one leaves room for doubt when the
        reason is that the link was not open.
    :ivar authentic: whether the pump proved that it was the one to refuse. If not, anybody may
        have said so, and whether an earlier sending was carried out is unknown.
    """

    kind = "refused"

    def __init__(
        self, refusal: Refusal, attempts: int = 1, hint: str = "", *, authentic: bool = True
    ):
        super().__init__(refusal_text(refusal) + (hint and f"\n  {hint}"))
        self.refusal = refusal
        self.attempts = attempts
        self.authentic = authentic

    def hinting(self, hint: str) -> "PumpRefused":
        """The same refusal with what a person may do about it."""
        return PumpRefused(self.refusal, self.attempts, hint, authentic=self.authentic)

    def naming_first(self, *fields: Field) -> "PumpRefused":
        """The same refusal with the reasons that are about *fields*, in their order, first."""
        rank = {field: place for place, field in enumerate(fields)}
        reasons = tuple(
            sorted(self.refusal.reasons, key=lambda reason: rank.get(reason.field, len(fields)))
        )
        if reasons == self.refusal.reasons:
            return self
        refusal = replace(self.refusal, reasons=reasons)
        return PumpRefused(refusal, self.attempts, authentic=self.authentic)


class AuthenticationFailed(PumpRefused):
    """The pump does not know this key: a wrong one, or one of another pump. It is as it was."""

    kind = "authentication_failed"


class AuthenticationLocked(PumpRefused):
    """Too many keys were wrong: the pump looks at none for a while. Therapy goes on.

    :ivar for_ms: how much longer, in ms of link time.
    """

    kind = "authentication_locked"

    def __init__(
        self, refusal: Refusal, attempts: int = 1, hint: str = "", *, authentic: bool = True
    ):
        super().__init__(refusal, attempts, hint or _LOCKED, authentic=authentic)
        self.for_ms = next(
            reason.value or 0
            for reason in refusal.reasons
            if reason.code is RefusalCode.AUTHENTICATION_LOCKED
        )


class NotPermitted(PumpRefused):
    """The role of the key does not allow it; the message says which roles do.

    :ivar role: of the key in use.
    """

    kind = "not_permitted"

    def __init__(self, refusal: Refusal, role: UserRole):
        super().__init__(refusal, hint=allowed_roles_text(refusal.request_type, role))
        self.role = role


class VerificationFailed(ProgrammerError):
    """What the pump holds is not what was sent, or could not be read after it was put in force.

    :ivar committed: whether the pump had answered a commit: what is in force was changed then.
    """

    kind = "verification_failed"

    def __init__(self, message: str, *, committed: bool = False):
        super().__init__(message)
        self.committed = committed


class NotConfirmed(ProgrammerError):
    """A person did not confirm; nothing was changed."""

    kind = "not_confirmed"
