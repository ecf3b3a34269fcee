"""All cases, in the order in which they are played and listed."""

from importlib import import_module
from typing import Final

from pump_protocol.conformance.cases import CASES, Case, Side

_MODULES: Final = {
    Side.PUMP: (
        "frame",
        "resync",
        "link",
        "link_time",
        "outside",
        "sequence",
        "identity",
        "message_types",
        "message",
        "refusal",
        "status",
        "predictions",
        "program",
        "pending",
        "limits",
        "commits",
        "schedule",
        "parts",
        "periodic",
        "bridge",
        "bridging",
        "order",
        "order_number",
        "bolus_limits",
        "bolus",
        "put_off",
        "reservoir",
        "patient_bolus",
        "patient_lockout",
        "alarm",
        "tone",
        "fault",
        "service",
        "log",
        "accesses",
        "clock",
        "security",
        "handshake",
        "lock",
        "sealed",
        "sealed_links",
        "role",
        "pairing",
        "emergency",
        "emergency_acts",
        "fuzz",
        "performance",
    ),
    Side.PROGRAMMER: (
        "asking",
        "waiting",
        "answers",
        "garbled",
        "refusals",
        "reading",
        "programming",
        "deciding",
        "committing",
        "ordering",
        "changes",
        "security",
        "sealed",
        "keys",
    ),
}
"""Modules of cases, in the order of their groups."""


def cases_of(side: Side) -> tuple[Case, ...]:
    """Every case that judges that side."""
    for name in _MODULES[side]:
        import_module(f"{__package__}.{side.value}.{name}")
    return tuple(each for each in CASES.values() if each.side is side)
