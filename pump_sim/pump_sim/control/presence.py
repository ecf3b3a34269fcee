"""The commands of whoever stands beside the patient: programming head, its button, pairing.

What proximity and the button are good for, the pump's end of the link decides
(:mod:`pump_sim.endpoint`); no key is told here, and no secret but a one-time code.
"""

from typing import Final

from pump_protocol.codes import INTENT_LIMIT_MS, PAIRING_LIMIT_MS, UserRole
from pump_protocol.errors import OutOfTurn
from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError, bad_value
from pump_sim.control.parameters import Choice, Flag, Parameter


def _proximity(call: Call) -> Result:
    presence = call.endpoint.presence
    in_reach, on_pump = call.given.get("in_reach"), call.given.get("on_pump")
    if in_reach is False and on_pump:
        raise bad_value("on_pump", on_pump, "what is out of reach cannot lie on the pump", [False])
    if in_reach is not None:
        presence.in_reach = in_reach
    if on_pump is not None:
        presence.on_pump = on_pump
    return {"in_reach": presence.in_reach, "on_pump": presence.on_pump}


def _button(call: Call) -> Result:
    endpoint = call.endpoint
    endpoint.press_button(call.link_ns)
    return {"expires_in_ms": INTENT_LIMIT_MS if endpoint.presence.on_pump else 0}


def _pair(call: Call) -> Result:
    endpoint, serial_number = call.endpoint, call.pump.serial_number
    role = UserRole[call.given.get("role", _CLINICIAN).upper()]
    if endpoint.guard is None:
        message = f"pair: pump {serial_number} is legacy-insecure: it takes no key"
        raise ControlError("impossible", message)
    if not endpoint.presence.on_pump:
        message = (
            "pair: lay the programming head on the pump first,"
            ' with {"do": "proximity", "on_pump": true}'
        )
        raise ControlError("impossible", message)
    try:
        code = endpoint.offer_pairing(role, call.link_ns)
    except OutOfTurn as error:  # a pump that was restored without a key of that role
        raise ControlError("impossible", f"pair: {error}") from None
    return {
        "code": code,
        "role": role.name.lower(),
        "serial_number": serial_number,
        "expires_in_ms": PAIRING_LIMIT_MS,
    }


_CLINICIAN: Final = UserRole.CLINICIAN.name.lower()
_ROLES: Final = tuple(each.name.lower() for each in UserRole)

COMMANDS: Final = (
    Command(
        name="proximity",
        doc="Bring the programming head within reach of the pump or out of it, and lay it on the"
        " pump or lift it off. Out of reach, the pump hears no byte and sends none. Only"
        " while it lies on the pump, a pairing code holds and emergency access is given. What"
        " lies on the pump is within reach, and what is out of reach does not lie on it.",
        answers="`in_reach` and `on_pump`, as they are now",
        handle=_proximity,
        parameters=(
            Parameter(
                name="in_reach",
                kind=Flag(),
                doc="whether the head is within reach",
                default="as it is",
            ),
            Parameter(
                name="on_pump",
                kind=Flag(),
                doc="whether the head lies on the pump",
                default="as it is; at the start it does not",
            ),
        ),
    ),
    Command(
        name="button",
        doc="Press the button on the programming head: somebody is there who wants emergency"
        " access. It counts only while the head lies on the pump, and no longer once that is lifted"
        " off. It is not the patient's button, which is `press`.",
        answers="`expires_in_ms`, for how much link time the pump believes that: 0 where the head"
        " does not lie on it",
        handle=_button,
    ),
    Command(
        name="pair",
        doc="Show a one-time code with which a programmer is given the pump's key of a role. The"
        " head must lie on the pump. A code is void once it was used, with the next one, after"
        " three wrong ones, when its time is over, or when the head is lifted off.",
        answers="`code`, `role`, `serial_number`, and `expires_in_ms` of link time",
        handle=_pair,
        parameters=(
            Parameter(
                name="role", kind=Choice(_ROLES), doc="whose key it will be", default=_CLINICIAN
            ),
        ),
    ),
)
