"""What a harness does beside the line, asked for by name: a case need not know its fields.

Names and fields are those of the door for tests of pump_sim. It knows no pump, and judges nothing.
"""

from typing import Any, Final

from pump_protocol.codes import UserRole
from pump_protocol.conformance.steps import Hook, Play, use
from pump_protocol.conformance.verdicts import Unmet

_LONGEST_MS: Final = 100 * 366 * 86_400_000
"""No pump serves for a hundred years."""


def renew() -> Play[None]:
    """Put the pump back to how it was when it was started."""
    yield from use(Hook.RENEW)


def advance(by_ms: int) -> Play[None]:
    """Let therapy time pass.

    :raises Unmet: it cannot be that: a case reckons it from what the pump has told.
    """
    if not 0 <= by_ms <= _LONGEST_MS:
        raise Unmet(f"by what it tells, {by_ms} ms had to pass, which nobody can wait for")
    yield from use(Hook.ADVANCE, by=by_ms)


def stop_time() -> Play[None]:
    """Have therapy time stand still."""
    yield from use(Hook.SPEED, speed=0)


def break_it(fault: str, **parameters: Any) -> Play[None]:
    """Break something of the pump."""
    yield from use(Hook.INJECT, fault=fault, parameters=parameters)


def mend(fault: str) -> Play[None]:
    """Mend what was broken."""
    yield from use(Hook.CLEAR, fault=fault)


def reset(cause: str) -> Play[None]:
    """Have the pump start anew into its safe state."""
    yield from use(Hook.RESET, cause=cause)


def lay_on() -> Play[None]:
    """Lay the programming head on the pump."""
    yield from use(Hook.PROXIMITY, on_pump=True)


def lift_off() -> Play[None]:
    """Lift the programming head off the pump."""
    yield from use(Hook.PROXIMITY, on_pump=False)


def press() -> Play[None]:
    """Press the button of the programming head."""
    yield from use(Hook.BUTTON)


def lay_on_and_press() -> Play[None]:
    """Lay the programming head on the pump, and press its button."""
    yield from lay_on()
    yield from press()


def shown_code(role: UserRole) -> Play[str]:
    """Have the pump show a pairing code; an empty text if the harness tells none."""
    shown = yield from use(Hook.PAIR, role=role.name.lower())
    return str(shown.get("code", ""))
