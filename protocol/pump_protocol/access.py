"""Who may send what: one table, from which the specification's is printed; everything else is
refused. It knows roles and message types, neither keys nor pumps.
"""

from hashlib import sha256
from typing import Final

from pump_protocol.codes import MessageType, UserRole

_LINK: Final = frozenset({MessageType.OPEN_LINK, MessageType.CLOSE_LINK, MessageType.IDENTIFY})

# To interrogate may end a hold of the infusion (ALARM-16), whoever does it.
_STATUS: Final = _LINK | {MessageType.INTERROGATE}

_READING: Final = _STATUS | {
    MessageType.READ_PRESCRIPTION,
    MessageType.READ_LOG,
    MessageType.READ_ACCESS_LOG,
    MessageType.READ_NOTE,
}

EMERGENCY: Final = frozenset(
    {
        MessageType.EMERGENCY_STATUS,
        MessageType.EMERGENCY_MINIMUM_RATE,
        MessageType.EMERGENCY_STOP,
    }
)
"""What needs no key, but proximity and physical intent. No key makes more or less of it."""

PLAIN: Final = EMERGENCY | {MessageType.IDENTIFY, MessageType.AUTHENTICATE}
"""What a pump with keys takes in plain frames; every other plain request is refused."""

PAIRING: Final = _LINK | {MessageType.PAIR}
"""What a link that was opened with a pairing code is for, whatever role the code is of."""

MAY_SEND: Final[dict[UserRole, frozenset[MessageType]]] = {
    UserRole.OBSERVER: _READING,
    UserRole.PATIENT: _STATUS | {MessageType.REQUEST_PATIENT_BOLUS},
    UserRole.SERVICE: _READING | {MessageType.SELF_TEST, MessageType.TEST_ALARM},
    UserRole.CLINICIAN: _READING
    | {
        MessageType.STAGE_PRESCRIPTION,
        MessageType.COMMIT_PRESCRIPTION,
        MessageType.ROLL_BACK_PRESCRIPTION,
        MessageType.ORDER_BOLUS,
        MessageType.ABORT_BOLUS,
        MessageType.REQUEST_PATIENT_BOLUS,
        MessageType.UPDATE_RESERVOIR,
        MessageType.ACKNOWLEDGE_ALARM,
        MessageType.SILENCE_ALARM,
        MessageType.TEST_ALARM,
        MessageType.SET_ALARM_INTERVAL,
        MessageType.SET_CLOCK,
        MessageType.SELF_TEST,
        MessageType.WRITE_NOTE,
    },
}
"""What each role may send in a sealed frame (REQ-30)."""


def orderer_id(role: UserRole | None, programmer_id: int) -> int:
    """Under which id a pump counts the orders of a programmer.

    A clinician's is the programmer id itself. Whoever holds another key cannot choose it, so that a
    patient's handset cannot use up the order numbers of a clinician's programmer.
    """
    if role is None or role is UserRole.CLINICIAN:
        return programmer_id
    content = bytes((role,)) + programmer_id.to_bytes(8, "little")
    return int.from_bytes(sha256(content).digest()[:8], "little")
