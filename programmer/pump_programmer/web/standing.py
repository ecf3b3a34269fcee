"""How things stand at a programmer of several pages, as values; it asks nobody."""

from dataclasses import dataclass
from time import monotonic
from typing import Final

from pump_programmer.errors import OutcomeUnknown
from pump_programmer.programmer import Prepared
from pump_programmer.web.shown import pump_view
from pump_programmer.web.wording import on_page
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.jsonable import Json
from pump_protocol.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Held:
    """A prescription that is staged for a page, which reviews it."""

    review_id: str
    page: str
    serial_number: str
    prepared: Prepared
    ends_at_s: float

    @property
    def left_s(self) -> float:
        """How long it will still be held."""
        return max(0.0, self.ends_at_s - monotonic())


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand; a new one for each change."""

    connection: str = "closed"
    why: Problem | None = None
    identity: m.Identity | None = None
    role: UserRole | None = None
    may: tuple[str, ...] = ()
    held: Held | None = None
    in_doubt: OutcomeUnknown | None = None
    changes: int = 0


MAY: Final[dict[str, type[m.Request[m.Response]]]] = {
    "interrogate": m.Interrogate,
    "prescription": m.ReadPrescription,
    "program": m.CommitPrescription,
    "bolus": m.OrderBolus,
    "refill": m.UpdateReservoir,
    "alarms": m.AcknowledgeAlarm,
    "alarm_test": m.TestAlarm,
    "log": m.ReadLog,
    "access_log": m.ReadAccessLog,
    "report": m.ReadPrescription,
    "note": m.ReadNote,
    "write_note": m.WriteNote,
    "set_clock": m.SetClock,
    "self_test": m.SelfTest,
}
"""What a page may offer, by the request that it needs."""


def standing_view(standing: Standing) -> dict[str, Json]:
    """How things stand, as pages are told."""
    held, doubt = standing.held, standing.in_doubt
    return {
        "connection": standing.connection,
        "why": None if standing.why is None else standing.why.as_json("/api/v1/connect"),
        "pump": None if standing.identity is None else pump_view(standing.identity),
        "role": None if standing.role is None else standing.role.name.lower(),
        "may": list(standing.may),
        "review": None
        if held is None
        else {
            "review_id": held.review_id,
            "page": held.page,
            "pending_version": held.prepared.staged.version,
            "expires_in_ms": round(held.left_s * 1_000),
        },
        "in_doubt": None
        if doubt is None
        else {"message": on_page(str(doubt)), "order_number": doubt.order_number},
        "changes": standing.changes,
    }
