"""What the pump's end of a link decided, as people and scripts read it.

Knows the protocol's events and nothing of plays or lines. Requests that were carried out are no
business of it: their frames and the pump's logs tell of them.
"""

from dataclasses import dataclass

from pump_protocol import events as ev
from pump_protocol.codes import UserRole
from pump_protocol.slicing import message_name


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One thing that a session decided; what it has nothing to say of is None.

    `refused` has the names of the codes; `cause` says why a link ended or a frame was ignored.
    """

    event: str
    link_id: int
    sequence: int | None = None
    role: str | None = None
    key_id: int | None = None
    message: str | None = None
    refused: tuple[str, ...] = ()
    cause: str | None = None


def view(event: ev.Event) -> SessionView | None:  # noqa: PLR0911 - one a kind
    """What is to be told of an event; None of what is told elsewhere: noise, and requests."""
    match event:
        case ev.HandshakeAnswered(link_id=link_id, key_id=key_id, role=role):
            return _with_key("handshake", link_id, key_id, role)
        case ev.LinkAuthenticated(link_id=link_id, key_id=key_id, role=role):
            return _with_key("authenticated", link_id, key_id, role)
        case ev.KeyHandedOver(link_id=link_id, key_id=key_id, role=role):
            return _with_key("paired", link_id, key_id, role)
        case ev.LinkEnded(link_id=link_id, cause=cause):
            return SessionView(event="ended", link_id=link_id, cause=cause.name.lower())
        case ev.RequestRefused(refusal=refusal, link_id=link_id, sequence=sequence):
            return SessionView(
                event="refused",
                link_id=link_id,
                sequence=sequence,
                message=message_name(refusal.request_type),
                refused=tuple(each.code.name.lower() for each in refusal.reasons),
            )
        case ev.RequestRepeated(link_id=link_id, sequence=sequence, message_type=message_type):
            return SessionView(
                event="repeated",
                link_id=link_id,
                sequence=sequence,
                message=message_name(message_type),
            )
        case ev.FrameIgnored(frame=frame, why=why):
            return SessionView(
                event="ignored",
                link_id=frame.link_id,
                sequence=frame.sequence,
                message=message_name(frame.message_type),
                cause=why,
            )
        case _:
            return None


def _with_key(event: str, link_id: int, key_id: int, role: UserRole) -> SessionView:
    return SessionView(event=event, link_id=link_id, key_id=key_id, role=role.name.lower())
