"""What may come of an input, and whether what came of it is that.

It keeps an account of its own, apart from the pump's rules: the tables of who may do what are
written out, and not taken from :mod:`pump_protocol.access`, so that a slip there is found here.
"""

from dataclasses import dataclass, fields
from typing import Final

from fuzz.links import Link
from pump_protocol import messages as m
from pump_protocol.codes import MessageType as T
from pump_protocol.codes import UserRole
from pump_protocol.payloads import decode_request
from pump_sim.model.firmware.state import FirmwareState
from pump_sim.model.pump import Pump

EMERGENCY: Final = frozenset({T.EMERGENCY_STATUS, T.EMERGENCY_MINIMUM_RATE, T.EMERGENCY_STOP})

CHANGES: Final = {
    UserRole.OBSERVER: frozenset[T](),
    UserRole.PATIENT: frozenset({T.REQUEST_PATIENT_BOLUS}),
    UserRole.SERVICE: frozenset({T.SELF_TEST, T.TEST_ALARM}),
    UserRole.CLINICIAN: frozenset(
        {T.STAGE_PRESCRIPTION, T.COMMIT_PRESCRIPTION, T.ROLL_BACK_PRESCRIPTION, T.ORDER_BOLUS,
         T.ABORT_BOLUS, T.REQUEST_PATIENT_BOLUS, T.UPDATE_RESERVOIR, T.ACKNOWLEDGE_ALARM,
         T.SILENCE_ALARM, T.TEST_ALARM, T.SET_ALARM_INTERVAL, T.SET_CLOCK, T.SELF_TEST,
         T.WRITE_NOTE}
    ),
}  # fmt: skip
"""What each role may change anything with."""

_LINK: Final = frozenset({T.OPEN_LINK, T.CLOSE_LINK, T.IDENTIFY})

MAY_READ: Final = {
    UserRole.OBSERVER: frozenset(
        {T.OPEN_LINK, T.CLOSE_LINK, T.IDENTIFY, T.INTERROGATE, T.READ_PRESCRIPTION, T.READ_LOG,
         T.READ_ACCESS_LOG, T.READ_NOTE}
    ),
    UserRole.PATIENT: frozenset({T.OPEN_LINK, T.CLOSE_LINK, T.IDENTIFY, T.INTERROGATE}),
}  # fmt: skip
"""What each role may send that leaves therapy alone."""

MAY_READ[UserRole.SERVICE] = MAY_READ[UserRole.CLINICIAN] = MAY_READ[UserRole.OBSERVER]

ORDERS: Final = frozenset({T.ORDER_BOLUS, T.UPDATE_RESERVOIR, T.REQUEST_PATIENT_BOLUS})
"""A refusal of these is remembered under their order number."""

_PAIRING_READS: Final = _LINK | {T.PAIR}

_ACCOUNT_OF: Final = tuple(
    each.name for each in fields(FirmwareState) if each.name not in ("access_log", "orders")
)


def therapy(pump: Pump) -> tuple[object, ...]:
    """All that is true of a pump and that it believes, but who asked it for what."""
    state = pump.state()
    firmware = state.firmware
    return (state.at_ms, state.hardware, *[getattr(firmware, name) for name in _ACCOUNT_OF])


def _without_log(therapy_of: tuple[object, ...]) -> tuple[object, ...]:
    """The same without the therapy log, in which a refused patient is written down (REQ-13)."""
    at = 2 + _ACCOUNT_OF.index("log")
    return therapy_of[:at] + therapy_of[at + 1 :]


@dataclass(frozen=True, slots=True)
class Good:
    """A frame that says what it says by right, and in what link."""

    link: Link
    message_type: int
    payload: bytes
    frame: bytes


class Judge:
    """Holds what came of each input against what may.

    :param secured: whether the pump has keys.
    :ivar near: whether the programming head lies on the pump.
    :ivar meant_until_ms: until when, in link time, a press of the button counts.
    """

    def __init__(self, pump: Pump, *, secured: bool) -> None:
        self.near = False
        self.meant_until_ms = 0
        self._pump = pump
        self._secured = secured
        self._before: tuple[object, ...] = ()
        self._orders: object = None

    def begin(self) -> None:
        """An input is to come: this is how the pump is without it."""
        self._before, self._orders = therapy(self._pump), self._pump.firmware.orders.last

    def verdict(self, good: Good | None, accepted: list[m.Response], came_ms: int) -> str:
        """What came of the input, in a word.

        :param good: what it said by right; None where it deserves no obedience.
        :param accepted: what the pump answered, refusals apart.
        :param came_ms: when it came, in link time.
        :raises AssertionError: that must not be.
        """
        unchanged = self._unchanged()
        if not accepted:
            return self._refused(good, unchanged)
        if good is not None:
            (response,) = accepted
            return self._accepted(good, response, unchanged)
        if not self._secured:
            # Whoever reaches the port of such a pump is believed: what was made up may be good.
            return "believed by a pump without keys"
        return self._emergency(accepted, came_ms, unchanged)

    def _unchanged(self) -> bool:
        return (
            self._before == therapy(self._pump) and self._orders == self._pump.firmware.orders.last
        )

    def _refused(self, good: Good | None, unchanged: bool) -> str:
        if unchanged:
            return "refused" if good is not None else "not believed"
        # What is sent by right, or to a pump without keys, may be remembered, and no more.
        assert good is not None or not self._secured, "what is not to be believed changed the pump"
        assert good is None or good.message_type in ORDERS, "a refused request changed the pump"
        after = therapy(self._pump)
        if good is not None and good.message_type != T.REQUEST_PATIENT_BOLUS:
            assert self._before == after, "a refused order changed therapy"
        assert _without_log(self._before) == _without_log(after), "a refusal changed therapy"
        return "refused, remembered"

    def _accepted(self, good: Good, response: m.Response, unchanged: bool) -> str:
        request = decode_request(good.message_type, good.payload)  # what is accepted makes sense
        assert isinstance(response, request.response_class), f"{response} to {request}"
        key, name = good.link.key, type(request).__name__
        role = UserRole.CLINICIAN if key is None else key.role
        changes, reads = CHANGES[role], MAY_READ[role]
        if key is not None and key.key_id == 0:
            changes, reads = frozenset(), _PAIRING_READS
        assert request.message_type in changes | reads, f"{name} is not for this role"
        assert unchanged or request.message_type in changes, f"{name} changed therapy"
        return "accepted"

    def _emergency(self, accepted: list[m.Response], came_ms: int, unchanged: bool) -> str:
        for response in accepted:
            asked = response.message_type & 0x7F
            assert asked in EMERGENCY, f"accepted without a key: {response}"
            assert self.near, "an emergency message without proximity"
            assert came_ms < self.meant_until_ms, "an emergency message without the button"
            assert unchanged or asked != T.EMERGENCY_STATUS, "reading changed therapy"
        return "emergency"
