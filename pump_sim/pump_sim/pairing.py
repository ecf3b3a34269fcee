"""What people are told of a pairing code: how it is used, and when it is void.

It makes no code and knows no pump.
"""

from pump_protocol.codes import PAIRING_LIMIT_MS, UserRole
from pump_sim.model.units import MINUTE_MS


def code_lines(address: str, code: str, role: UserRole) -> tuple[str, str]:
    """What to do with *code*, which stands for the key of *role* of the pump at *address*."""
    of_role = "" if role is UserRole.CLINICIAN else f" --role {role.name.lower()}"
    return (
        f"use it:  pump-programmer --port {address} pair --code {code}{of_role}",
        f"it works once, within {PAIRING_LIMIT_MS // MINUTE_MS} min, while the head lies there",
    )
