"""What pages are told of an act that is done."""

from pump_programmer.errors import ProgrammerError
from pump_programmer.web.desk import Desk
from pump_programmer.web.outcomes import Resolved
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.messages import StatusReport
from pump_protocol.web.problems import Problem


def status_after(desk: Desk) -> StatusReport | None:
    """What follows from an act; None where nobody can read it: the act stays done."""
    try:
        return desk.read(lambda programmer: programmer.interrogate())
    except (ProgrammerError, Problem):
        return None


def done_view(
    done: object, status: StatusReport | None, text: str, **shown: Json
) -> dict[str, Json]:
    """An act: what ``--json`` tells, whether the status could be read, and what is shown."""
    if status is None:
        text += " The status could not be read afterwards: interrogate the pump."
    return {
        **fields_of(done),
        "status_read": status is not None,
        "shown": {"text": text, **shown},
    }


def resolved_view(done: Resolved) -> dict[str, Json]:
    """An act whose answer was lost, and which was found out to be done."""
    return {"resolved": {"done": True, "text": done.text}, "shown": {"text": done.text}}
