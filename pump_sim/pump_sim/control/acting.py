"""The commands that do something to a pump: break it, press its patient's button, reset it.

What hands do to it with needle and scalpel is in `handling`, what a programming head does in
`presence`.
"""

from typing import Final

from pump_sim.control.command import Call, Command, Result
from pump_sim.control.errors import ControlError, out_of_range
from pump_sim.control.faults import check_fault_name, fault_kinds, fault_view, read_fault
from pump_sim.control.moving import time_of
from pump_sim.control.parameters import LATEST_MS, Choice, Content, Name, Parameter, Whole
from pump_sim.control.views import plain
from pump_sim.model.firmware.firmware import ResetCause
from pump_sim.model.hardware.faults import FaultError

MAX_FAULTS: Final = 200
"""A bound on memory, and on the time that a pump takes with each: nobody injects as many on
purpose."""


def _inject(call: Call) -> Result:
    fault = read_fault(call.given["fault"], call.given.get("parameters", {}))
    at_ms, for_ms, now_ms = call.given.get("at_ms"), call.given.get("for_ms"), call.pump.at_ms
    if at_ms is not None and at_ms < now_ms:
        raise out_of_range("at_ms", at_ms, now_ms, LATEST_MS, "ms")
    if len(call.pump.faults) >= MAX_FAULTS:
        message = f"{MAX_FAULTS:,} faults are active or scheduled: clear some"
        raise ControlError("bad_value", message, field="fault")
    try:
        fault_id = call.pump.inject(fault, at_ms=at_ms, for_ms=for_ms)
    except FaultError as error:  # the moment was checked: it has a duration of its own, or none
        raise ControlError("bad_value", str(error), field="for_ms", value=for_ms) from None
    return {"fault_id": fault_id}


def _clear(call: Call) -> Result:
    fault_id, name = call.given.get("fault_id"), call.given.get("fault")
    if (fault_id is None) == (name is None):
        message = "clear: give either fault_id, which one, or fault, all of a name"
        raise ControlError("missing_field", message, field="fault_id")
    injected = {each.fault_id: each.fault.name for each in call.pump.faults}
    if name is None:
        if fault_id not in injected:
            message = f"fault_id = {fault_id}: there is no such fault"
            numbers = list(injected)
            raise ControlError(
                "unknown_fault", message, field="fault_id", value=fault_id, allowed=numbers
            )
        call.pump.clear(fault_id)
        return {"cleared": [fault_id]}
    check_fault_name(name)
    return {"cleared": call.pump.clear_all(name)}


def _faults(call: Call) -> Result:
    now_ms = call.pump.at_ms
    injected = [fault_view(each) for each in call.pump.faults]
    return {
        "active": [each for each in injected if each["begins_at_ms"] <= now_ms],
        "scheduled": [each for each in injected if each["begins_at_ms"] > now_ms],
        "kinds": dict(fault_kinds()),
    }


def _press(call: Call) -> Result:
    told = plain(call.pump.press_button())
    assert isinstance(told, dict)
    return told


def _reset(call: Call) -> Result:
    call.pump.reset(ResetCause[call.given["cause"].upper()])
    return time_of(call)


_CAUSES: Final = tuple(each.name.lower() for each in ResetCause)

COMMANDS: Final = (
    Command(
        name="inject",
        doc="Break something, now or later, until it is cleared or for a time. The pump is told"
        " nothing: it notices what a pump would notice.",
        answers="`fault_id`, the number of this fault",
        handle=_inject,
        parameters=(
            Parameter(
                name="fault", kind=Name("the name of a fault"), doc="which fault", required=True
            ),
            Parameter(
                name="parameters",
                kind=Content(),
                doc="what the fault takes; see [Kinds of faults](#kinds-of-faults)",
                default="its defaults",
            ),
            Parameter(
                name="at_ms",
                kind=Whole("ms", 0, LATEST_MS),
                doc="when it begins, in therapy time since the implant; not in the past",
                default="now",
            ),
            Parameter(
                name="for_ms",
                kind=Whole("ms", 1, LATEST_MS),
                doc="how long it lasts",
                default="until it is cleared",
            ),
        ),
    ),
    Command(
        name="clear",
        doc="End faults, or cancel them if they have not begun.",
        answers="`cleared`, the numbers of the faults that were ended",
        handle=_clear,
        parameters=(
            Parameter(name="fault_id", kind=Whole("", 0, 2**63 - 1), doc="which one"),
            Parameter(name="fault", kind=Name("the name of a fault"), doc="or: all of a name"),
        ),
    ),
    Command(
        name="faults",
        doc="Read which faults are active and which are scheduled, and which kinds there are.",
        answers="`active` and `scheduled`: each with its `fault_id`, `fault`, `begins_at_ms`,"
        " `ends_at_ms` (null: when it is cleared), `part_of` (the `fault_id` of what brought it"
        " about, or null) and `parameters`; and `kinds`, by name, each with its `doc`, `duration`,"
        " `source` and `parameters`",
        handle=_faults,
    ),
    Command(
        name="press",
        doc="Press the patient's button. The pump may refuse, with every reason; the refusal is in"
        " its log then, and nothing else has changed.",
        answers="the bolus that began",
        handle=_press,
    ),
    Command(
        name="reset",
        doc="Have the pump's processor start anew, into its safe state.",
        answers="as `time`",
        handle=_reset,
        parameters=(
            Parameter(
                name="cause", kind=Choice(_CAUSES), doc="what is logged as the cause", required=True
            ),
        ),
    ),
)
