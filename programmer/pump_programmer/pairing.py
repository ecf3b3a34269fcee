"""Pairing: a one-time code that the pump shows is exchanged for a key of the pump.

Whoever has the code need not be told any key: the code opens a link that is good for nothing else,
and the key comes through it, sealed. It keeps no key; :mod:`pump_programmer.keystore` does.
"""

from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from pump_programmer.connection import Connection
from pump_programmer.errors import (
    InsecurePump,
    NoAnswerError,
    ProgrammerError,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.identity import default_programmer_id
from pump_programmer.opening import authenticated, greet
from pump_programmer.patience import DEFAULT_PATIENCE, Patience
from pump_programmer.values import check_programmer_id
from pump_programmer.words import name_of
from pump_protocol import messages as m
from pump_protocol.codes import RefusalCode, SecurityProfile, UserRole
from pump_protocol.keys import Key, pairing_key

_VOID: Final = "The code is void now: pair again, with a new one"
_NEAR: Final = "Leave the programming head on the pump while you pair. " + _VOID + "."


@dataclass(frozen=True, slots=True)
class Pairing:
    """The key that was handed over, and the pump that proved to be the one that did it."""

    identity: m.Identity
    key: Key


def pair(
    address: str,
    code: str,
    role: UserRole = UserRole.CLINICIAN,
    *,
    programmer_id: int | None = None,
    patience: Patience = DEFAULT_PATIENCE,
) -> Pairing:
    """Get the key of a role from a pump, for the code that it shows. It keeps the key nowhere.

    :param code: 26 letters and digits; hyphens, space and case do not matter.
    :param role: for which the code was shown.
    :param programmer_id: as that of a :class:`~pump_programmer.conversation.Conversation`.
    :param patience: how long to wait for an answer, and how often to ask for it.
    :raises pump_protocol.errors.BadKey: the code is none; nothing was sent.
    :raises InsecurePump: the pump has no keys to give.
    :raises AuthenticationFailed, AuthenticationLocked: it does not take the code.
    :raises PumpUnproven: it does not know the code.
    :raises ProgrammerError: as a programmer's exchanges; then the code is perhaps void.
    """
    key = pairing_key(code, role)
    if programmer_id is None:
        programmer_id = default_programmer_id()
    check_programmer_id(programmer_id)
    connection = Connection(address, patience)
    connection.open()
    with closing(connection):
        identity = greet(connection.link())
        if identity.security_profile is not SecurityProfile.AUTHENTICATED:
            raise InsecurePump(identity.serial_number)
        link = authenticated(connection, key, identity)
        link.exchange(m.OpenLink(programmer_id))
        try:
            paired = link.exchange(m.Pair())
        except PumpRefused as refused:
            near = RefusalCode.NOT_NEAR in refused.refusal.codes
            raise refused.hinting(_NEAR if near else f"{_VOID}.") from None
        except NoAnswerError as error:
            raise NoAnswerError(f"{error}. {_VOID}") from error
        with suppress(ProgrammerError):
            link.exchange(m.CloseLink(), attempts=1)  # politeness only
    if paired.role is not role:
        raise VerificationFailed(
            f"the pump handed over a key of role {name_of(paired.role)} for a code of role "
            f"{name_of(role)}; it is not kept"
        )
    return Pairing(identity, Key(paired.key_id, paired.role, paired.secret))
