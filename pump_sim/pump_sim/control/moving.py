"""The commands that read and move therapy time."""

from fractions import Fraction
from typing import Final

from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError, out_of_range
from pump_sim.control.parameters import LATEST_MS, Parameter, Speed, Whole
from pump_sim.control.views import number, plain
from pump_sim.model.pump import Pump
from pump_sim.narration import clock_text

_TIME: Final = (
    "`therapy_ms` since the implant, the pump's own `pump_ms`, its local clock as"
    " `clock_local_ms` and in words as `clock`, `speed`, `paused`, `jumping`, and `next_event` with"
    " `at_ms`, `what` and, if that is a fault's, `fault`; it is null if nothing more will happen by"
    " itself"
)


def time_of(call: Call) -> Result:
    """What time it is, for the therapy and for the pump."""
    endpoint, status = call.endpoint, call.pump.status()
    speed = endpoint.speed
    return {
        "therapy_ms": call.pump.at_ms,
        "pump_ms": status.at_ms,
        "clock_local_ms": status.clock_local_ms,
        "clock": clock_text(status.clock_local_ms),
        "speed": None if speed is None else number(speed),
        "paused": not speed,
        "jumping": endpoint.jumping,
        "next_event": next_event_of(call.pump, endpoint.simulation.next_event_ms()),
    }


def next_event_of(pump: Pump, at_ms: int | None) -> Result | None:
    """What happens next by itself to a pump, at that moment; None if nothing does."""
    if at_ms is None:
        return None
    for each in pump.faults:
        if at_ms == (each.ends_at_ms if each.begun else each.begins_at_ms):
            what = "fault_ends" if each.begun else "fault_begins"
            return {"at_ms": at_ms, "what": what, "fault": each.fault.name}
    due = pump.firmware.outlook().next_due
    return {"at_ms": at_ms, "what": None if due is None else plain(due[1])}


def _set_speed(call: Call) -> Result:
    speed = call.given["speed"]
    call.endpoint.jumping = speed == "jump"
    call.endpoint.set_speed(Fraction(0) if speed == "jump" else speed, call.link_ns)
    return time_of(call)


def _pause(call: Call) -> Result:
    call.endpoint.set_speed(Fraction(0), call.link_ns)
    return time_of(call)


def _resume(call: Call) -> Result:
    call.endpoint.set_speed(call.endpoint.pace, call.link_ns)
    return time_of(call)


def target_ms(call: Call) -> int:
    """To when a call of `advance` wants to move.

    :raises ControlError: neither or both of by and to_ms are given, or it is not in the future.
    """
    now_ms: int = call.pump.at_ms
    by_ms: int | None = call.given.get("by")
    to_ms: int | None = call.given.get("to_ms")
    if (by_ms is None) == (to_ms is None):
        message = "advance: give either by, how far, or to_ms, how far since the implant"
        raise ControlError("missing_field", message, field="by")
    if by_ms is not None:
        if by_ms > LATEST_MS - now_ms:
            raise out_of_range("by", by_ms, 0, LATEST_MS - now_ms, "ms")
        to_ms = now_ms + by_ms
    assert to_ms is not None
    if to_ms < now_ms:
        raise out_of_range("to_ms", to_ms, now_ms, LATEST_MS, "ms")
    return to_ms


def _advance(call: Call) -> Result:
    call.endpoint.jump_to(target_ms(call), call.link_ns)
    return time_of(call)


def _go_to_next_event(call: Call) -> Result:
    call.endpoint.jump_to_next_event(call.link_ns)
    return time_of(call)


COMMANDS: Final = (
    Command(name="time", doc="Read the time.", answers=_TIME, handle=time_of),
    Command(
        name="speed",
        doc="Set how fast therapy time runs from now on. It does not jump.",
        answers="as `time`",
        handle=_set_speed,
        parameters=(
            Parameter(
                name="speed",
                kind=Speed(),
                doc="therapy time per real time; 0 pauses, `jump` goes to the next event whenever"
                " the link has been quiet after an exchange",
                required=True,
            ),
        ),
    ),
    Command(
        name="pause",
        doc="Stop therapy time. Telemetry goes on.",
        answers="as `time`",
        handle=_pause,
    ),
    Command(
        name="resume",
        doc="Let therapy time run again, as fast as before the pause.",
        answers="as `time`",
        handle=_resume,
    ),
    Command(
        name="advance",
        doc="Move therapy time at once. All that falls due until then, and at that very moment,"
        " has happened when the answer comes. It goes no further than to where a scenario waits:"
        " for a decision, or for an answer to its programmer on the link.",
        answers="as `time`, at the moment where it went",
        handle=_advance,
        parameters=(
            Parameter(name="by", kind=Whole("ms", 0, LATEST_MS), doc="how far from now"),
            Parameter(
                name="to_ms",
                kind=Whole("ms", 0, LATEST_MS),
                doc="or: where to, since the implant; not in the past",
            ),
        ),
    ),
    Command(
        name="next_event",
        doc="Move therapy time to the next moment at which something happens by itself. Does"
        " nothing if there is none.",
        answers="as `time`",
        handle=_go_to_next_event,
    ),
)
