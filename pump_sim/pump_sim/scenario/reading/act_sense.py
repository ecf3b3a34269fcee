"""What makes no sense in an act by itself: unknown names, results that exclude each other."""

from collections.abc import Iterator, Mapping
from typing import Final

from pump_protocol.codes import RESPONSE_BIT, MessageType, RefusalCode
from pump_sim.control.errors import ControlError
from pump_sim.control.faults import fault_parameters
from pump_sim.model.hardware.faults import FAULTS, MriScan
from pump_sim.model.profile import ProfileError, load_profile
from pump_sim.model.units import DAY_MS, SECOND_MS
from pump_sim.scenario.file.acts import (
    Act,
    Attack,
    Break,
    ByProgrammer,
    Clear,
    Implant,
    InjectCatheter,
    Mri,
    Press,
    Proximity,
)
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.reading.complaints import Complaint, listed
from pump_sim.texts import did_you_mean

REFUSALS: Final = tuple(each.name.lower() for each in RefusalCode)
"""The codes that a pump may refuse with."""

REQUESTS: Final = tuple(each.name.lower() for each in MessageType if not each.value & RESPONSE_BIT)
"""The messages that a programmer sends."""

LONGEST_SERIAL_NUMBER: Final = 32


def problems(act: Act) -> Iterator[Complaint]:
    """Everything senseless in an act: the key within it, and why."""
    match act:
        case Break():
            yield from _fault(act)
        case Clear():
            yield from _clear(act)
        case Mri():
            yield from _scan(act)
        case Implant():
            yield from _implant(act)
        case InjectCatheter() if not SECOND_MS <= act.duration_ms <= DAY_MS:
            yield ("over",), "allowed are 1 s to 1 d"
        case Press():
            yield from refusal(act.refused)
        case Proximity():
            yield from _head(act)
        case ByProgrammer():
            yield from refusal(act.refused)
            yield from _outcome(act)
            if isinstance(act, Attack):
                yield from _attack(act)


def serial_number(path: Place, text: str) -> Iterator[Complaint]:
    """What makes a text unfit to be a serial number."""
    if not text.isprintable() or len(text.encode()) > LONGEST_SERIAL_NUMBER:
        yield path, f"allowed are 1 to {LONGEST_SERIAL_NUMBER} bytes of printable text"


def _fault(act: Break) -> Iterator[Complaint]:
    yield from _fault_name("fault", act.fault)
    if act.fault not in FAULTS:
        return
    yield from _parameters(act.fault, act.parameters)
    if act.for_ms is None:
        return
    if FAULTS[act.fault] is MriScan:
        yield ("for",), "this fault has a duration of its own: field_ms and recovery_ms"
    elif not FAULTS[act.fault].lasts:
        yield ("for",), "this fault strikes at one moment and does not last"
    elif not act.for_ms:
        yield ("for",), "allowed is 1 ms or more"


def _clear(act: Clear) -> Iterator[Complaint]:
    yield from _fault_name("clear", act.clear)
    if act.clear in FAULTS and not FAULTS[act.clear].lasts:
        yield ("clear",), "this fault strikes at one moment and leaves nothing to clear"


def _fault_name(key: str, name: str) -> Iterator[Complaint]:
    if name not in FAULTS:
        near = did_you_mean(name, FAULTS)
        yield (key,), f"no fault has this name. Known are {listed(FAULTS)}.{near}"


def _parameters(fault: str, given: Mapping[str, object]) -> Iterator[Complaint]:
    """Everything that is wrong with what a fault is given."""
    known = {each.name: each for each in fault_parameters(fault)}
    for name, value in given.items():
        if name not in known:
            takes = listed(known) or "nothing of its own"
            yield (name,), f"no such key here: {fault} takes {takes}.{did_you_mean(name, known)}"
            continue
        try:
            known[name].kind.read(name, value)
        except ControlError as error:
            yield (name,), error.why
    for name, parameter in known.items():
        if parameter.required and name not in given:
            yield (name,), f"it is missing ({parameter.doc}): {parameter.kind.words}"


def _scan(act: Mri) -> Iterator[Complaint]:
    """A scan by hands is the fault of that name under other keys."""
    given = {"field_ms": act.field_ms, "recovery_ms": act.recovery_ms}
    for (name, *_), why in _parameters(MriScan.name, given):
        yield (str(name).removesuffix("_ms"),), why


def _implant(act: Implant) -> Iterator[Complaint]:
    yield from serial_number(("serial_number",), act.serial_number)
    if act.profile is not None:
        try:
            load_profile(act.profile)
        except ProfileError as error:
            yield ("profile",), str(error)


def _head(act: Proximity) -> Iterator[Complaint]:
    if act.on_pump and act.in_reach is False:
        yield ("on_pump",), "what is out of reach cannot lie on the pump"
    if act.on_pump is None and act.in_reach is None:
        yield ("hands",), "what changes is missing: on_pump or in_reach"


def refusal(code: str | None) -> Iterator[Complaint]:
    """That no pump refuses with such a code."""
    if code is not None and code not in REFUSALS:
        near = did_you_mean(code, REFUSALS)
        yield ("refused",), f"no refusal has this code. Known are {listed(REFUSALS)}.{near}"


def _outcome(act: ByProgrammer) -> Iterator[Complaint]:
    if act.refused is not None and act.outcome not in (None, "refused"):
        yield ("outcome",), "refused is given, which is another outcome"
    if act.outcome == "cut" and getattr(act, "cut", None) is None:
        yield ("outcome",), "nothing cuts this act: the key cut is missing"


def _attack(act: Attack) -> Iterator[Complaint]:
    if act.message not in REQUESTS:
        near = did_you_mean(act.message, REQUESTS)
        yield ("message",), f"no request has this name. Known are {listed(REQUESTS)}.{near}"
    if act.programmer != "forge" and "bit" in act.model_fields_set:
        yield ("bit",), f"of a {act.programmer}, no bit is flipped: bit is for forge"
