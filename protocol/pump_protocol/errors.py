"""The errors of the wire, as one tree.

::

    ProtocolError
    ├── LocalError            you broke a rule: nothing was sent
    │   ├── FrameTooLarge     a payload beyond what one frame may carry
    │   ├── UnsendableMessage a value that its field on the wire cannot hold
    │   ├── OutOfTurn         a call that the session's state does not allow
    │   ├── BadKey            a text that is no key, or no pairing code
    │   └── UnitError         a quantity that cannot be read, or not exactly
    └── RemoteError           the peer broke a rule
        ├── MalformedPayload  a payload that does not fit its message's layout
        ├── NotAuthentic      a sealed frame that cannot be believed
        └── HandshakeFailed   the peer did not prove that it holds the key

Line noise is neither: it is an event (:class:`pump_protocol.frames.CorruptFrame`), because a
telemetry link is lossy.
"""

from pump_protocol.codes import Field, RefusalCode


class ProtocolError(Exception):
    """Anything that this package raises."""


class LocalError(ProtocolError):
    """The caller broke a rule of the protocol; nothing was sent."""


class FrameTooLarge(LocalError):
    """A payload is longer than one frame may carry."""


class UnsendableMessage(LocalError):
    """A message holds a value that its field on the wire cannot."""


class OutOfTurn(LocalError):
    """The session's state does not allow this call."""


class BadKey(LocalError):
    """A text is no key, or no pairing code."""


class UnitError(LocalError):
    """A quantity cannot be read, or cannot be said exactly on the wire.

    :ivar field: what the quantity was for, as the person knows it.
    :ivar value: what was written.
    :ivar why: what is wrong with it, and the units, for who shows field and value already.
    :ivar allowed: the units that would have been understood, best known first.
    """

    def __init__(self, field: str, value: str, why: str, allowed: tuple[str, ...] = ()):
        units = f" Units: {', '.join(allowed)}." if allowed else ""
        self.why = f"{why}.{units}"
        super().__init__(f"{field} = {value!r}: {self.why}")
        self.field = field
        self.value = value
        self.allowed = allowed


class RemoteError(ProtocolError):
    """The peer broke a rule of the protocol."""


class MalformedPayload(RemoteError):
    """A payload does not fit its message's layout; says which code and field a refusal names."""

    def __init__(self, text: str, code: RefusalCode, field: Field, value: int | None = None):
        super().__init__(text)
        self.code = code
        self.field = field
        self.value = value


class NotAuthentic(RemoteError):
    """A sealed frame cannot be believed; ``counter`` is the one that it carries, if it has one."""

    def __init__(self, text: str, counter: int | None):
        super().__init__(text)
        self.counter = counter


class HandshakeFailed(RemoteError):
    """The peer did not prove that it holds the key."""
