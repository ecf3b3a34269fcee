"""How a link begins: who answers, with which key, and the proof of both ends; nothing is asked yet.

A pump says in plain text who it is. What it says is believed once the handshake has succeeded,
which covers every byte of it. A pump that says it is LEGACY-INSECURE can prove nothing: it is only
talked to if somebody accepts that.
"""

from dataclasses import dataclass
from typing import Final

from pump_programmer.connection import Connection
from pump_programmer.errors import (
    NOT_PROVED,
    AuthenticationFailed,
    AuthenticationLocked,
    InsecurePump,
    NoKey,
    PumpRefused,
    PumpUnproven,
    WrongPeer,
)
from pump_programmer.key_choice import choose_key, has_key
from pump_programmer.link import Link
from pump_programmer.words import name_of
from pump_protocol import messages as m
from pump_protocol.codes import (
    PAIRING_KEY_ID,
    PAIRING_LIMIT_MS,
    PROTOCOL_VERSION,
    RefusalCode,
    SecurityProfile,
    UserRole,
)
from pump_protocol.keys import Key
from pump_protocol.units import format_duration

_ONCE_MORE: Final = frozenset({RefusalCode.LINK_ID_USED, RefusalCode.LINK_NOT_OPEN})
"""Of a request that opens a link: another random link id, or a handshake soon enough, helps."""

_DOWNGRADED: Final = (
    "it says, too, that it is LEGACY-INSECURE, and there is a key for that pump. A pump that has "
    "keys never loses them; if this one has none, give no key, and forget the stored ones"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A link that is open, to whom, and with which key; None where nothing is proved."""

    link: Link
    answer: m.LinkOpened
    identity: m.Identity
    key: Key | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """How a programmer means to show who it is, and what it accepts of a pump.

    :param given: a key that goes before all others.
    :param role: which of the stored keys.
    :param insecure: whether a LEGACY-INSECURE pump is accepted.
    """

    given: Key | None = None
    role: UserRole | None = None
    insecure: bool = False


def greet(link: Link) -> m.Identity:
    """Who answers, before anything else is said.

    :raises WrongPeer: it is no pump of this protocol version.
    """
    try:
        identity = link.exchange(m.Identify())
    except PumpRefused as refused:
        raise WrongPeer(str(refused)) from refused
    names = (identity.serial_number, identity.product, identity.model, identity.firmware_version)
    if not all(name.isprintable() for name in names):
        # They come unproved, and are shown: control characters could have a terminal show anything.
        raise WrongPeer("what answers has names that cannot be printed; it is no pump")
    if identity.protocol_version < PROTOCOL_VERSION:
        raise WrongPeer(
            f"pump {identity.serial_number} speaks protocol version {identity.protocol_version}, "
            f"and this programmer {PROTOCOL_VERSION}"
        )
    return identity


def open_link(
    connection: Connection,
    programmer_id: int,
    credentials: Credentials,
    *,
    expected: str | None = None,
) -> Opened:
    """Find out who answers, and open a link.

    :param expected: the serial number that answered before on this port.
    :raises InsecurePump, NoKey, PumpUnproven, WrongPeer: nothing was asked of it. A pump for
        which there is a key is never taken for one without security.
    :raises AuthenticationFailed, AuthenticationLocked: it does not take the key.
    """
    try:
        return _open(connection, programmer_id, credentials, expected)
    except PumpRefused as refused:
        if not refused.refusal.codes & _ONCE_MORE:
            raise
    return _open(connection, programmer_id, credentials, expected)


def _open(
    connection: Connection, programmer_id: int, credentials: Credentials, expected: str | None
) -> Opened:
    link = connection.link()
    identity = greet(link)
    if expected is not None and identity.serial_number != expected:
        raise WrongPeer(
            f"another pump answers now: serial number {identity.serial_number}, not {expected}. "
            "Nothing was asked of it"
        )
    key = None
    if identity.security_profile is SecurityProfile.AUTHENTICATED:
        key, called = choose_key(identity.serial_number, credentials.given, credentials.role)
        link = authenticated(connection, key, identity, called)
    elif has_key(identity.serial_number, credentials.given):
        raise PumpUnproven(identity.serial_number, _DOWNGRADED)
    elif not credentials.insecure:
        raise InsecurePump(identity.serial_number)
    elif credentials.role is not None:
        raise NoKey(identity.serial_number, "it is LEGACY-INSECURE, and has no roles: give none")
    return Opened(link, link.exchange(m.OpenLink(programmer_id)), identity, key)


def authenticated(
    connection: Connection, key: Key, identity: m.Identity, called: str = "that of the code"
) -> Link:
    """A link on which both ends have proved to hold *key*; it is still to be opened.

    :param called: what an error calls the key, by where it came from.
    :raises AuthenticationFailed, AuthenticationLocked: the pump does not take the key.
    :raises PumpUnproven: the pump does not hold it.
    """
    link = connection.link(key)
    try:
        link.authenticate(identity)
    except PumpRefused as refused:
        raise _why_not(refused, key, identity, called) from refused
    except WrongPeer as garbled:
        raise PumpUnproven(identity.serial_number) from garbled
    return link


def _why_not(refused: PumpRefused, key: Key, identity: m.Identity, called: str) -> PumpRefused:
    codes = refused.refusal.codes
    if RefusalCode.AUTHENTICATION_LOCKED in codes:
        return AuthenticationLocked(refused.refusal, refused.attempts)
    if RefusalCode.AUTHENTICATION_FAILED not in codes:
        return refused
    if key.key_id == PAIRING_KEY_ID:
        limit = format_duration(PAIRING_LIMIT_MS)
        hint = (
            "Perhaps the code is mistyped, was shown for another role than "
            f"{name_of(key.role)}, was used before, is older than {limit}, or is void because the "
            f"programming head was taken off. Let the pump show a new one. {NOT_PROVED}"
        )
    else:
        hint = (
            f"Key {key.key_id:016x} of role {name_of(key.role)}, {called}, may be another pump's, "
            f"or no longer one of pump {identity.serial_number}. Choose another key, or pair: "
            f"pump-programmer pair --code CODE. {NOT_PROVED}"
        )
    return AuthenticationFailed(refused.refusal, refused.attempts, hint)
