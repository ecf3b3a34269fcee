"""What makes no sense in the order of acts, along each way through the choices; nothing is run.

A pump must be there for what is done to it, a fault must be there to be cleared, and a request must
have been sent before it can be sent again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pump_protocol.units import format_concentration, format_duration, format_volume
from pump_sim.model.hardware.faults import (
    FAULTS,
    CatheterDisconnection,
    CatheterOcclusion,
    MriScan,
)
from pump_sim.model.profile import Profile, ProfileError, load_profile
from pump_sim.model.pump import Pump
from pump_sim.scenario.file.acts import (
    Act,
    Attack,
    Break,
    ByProgrammer,
    Clear,
    Emergency,
    Explant,
    Fill,
    FillPocket,
    Hands,
    Implant,
    InjectCatheter,
    Mri,
    Pair,
)
from pump_sim.scenario.file.branches import Way, branches, walk
from pump_sim.scenario.file.document import Option, Scenario, Start
from pump_sim.scenario.file.expectations import DeliveredRatio
from pump_sim.scenario.file.places import Place
from pump_sim.scenario.reading.act_sense import REQUESTS
from pump_sim.scenario.reading.complaints import Complaint

ALWAYS: Final = frozenset(
    {
        "open_link", "close_link", "identify", "interrogate", "read_prescription", "read_log",
        "read_access_log",
    }
)  # fmt: skip
"""What a programmer may send in any act but an attack and emergency access."""

SENDS: Final[dict[str, frozenset[str]]] = {
    "program": frozenset({"stage_prescription", "commit_prescription", "roll_back_prescription"}),
    "stop": frozenset({"stage_prescription", "commit_prescription", "roll_back_prescription"}),
    "roll_back": frozenset({"roll_back_prescription"}),
    "bolus": frozenset({"order_bolus"}),
    "priming": frozenset({"order_bolus"}),
    "abort_bolus": frozenset({"abort_bolus"}),
    "patient_bolus": frozenset({"request_patient_bolus"}),
    "refill": frozenset({"update_reservoir"}),
    "acknowledge": frozenset({"acknowledge_alarm"}),
    "silence": frozenset({"silence_alarm"}),
    "set_clock": frozenset({"set_clock"}),
    "self_test": frozenset({"self_test"}),
    "note": frozenset({"write_note"}),
    "pair": frozenset({"pair"}),
}
"""What a programmer may send in an act of a kind, besides."""

CUT_OFF: Final = (CatheterOcclusion.name, CatheterDisconnection.name)
"""The faults because of which nothing gets into the catheter, and what is being injected ends."""


@dataclass(slots=True)
class _Course:
    """How things stand along one way. `broken` has when each fault of a name is over by itself."""

    implanted: bool
    profile: Profile | None
    faults_known: bool
    has_keys: bool = True
    broken: dict[str, list[int | None]] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    filled_ms: int | None = None
    removed_ms: int = 0
    injecting_until_ms: int = 0


def problems(
    scenario: Scenario, profile: Profile | None, pump: Pump | None = None
) -> Iterator[Complaint]:
    """Everything senseless along any way; of an entry that several ways have, once.

    :param profile: the kind of pump that it begins with; None if that cannot be told.
    :param pump: the pump itself, where it comes from a state file.
    """
    told: set[Place] = set()
    for way in branches(scenario):
        where = f" ({way})" if way else ""
        for path, why in _along(scenario, way, profile, pump):
            if path not in told:
                told.add(path)
                yield path, why + where


def _along(
    scenario: Scenario, way: Way, profile: Profile | None, pump: Pump | None
) -> Iterator[Complaint]:
    course = _at_start(scenario.pump, profile, pump)
    taken = {option for _, option in way}  # whose names are told apart in the whole file
    blocks = [
        (path, block)
        for path, block in walk(scenario)
        if not isinstance(block, Option) or block.name in taken
    ]
    acts = [
        ((*path, "at", index), act) for path, block in blocks for index, act in enumerate(block.at)
    ]
    for path, act in sorted(acts, key=lambda each: each[1].time_ms):
        yield from (((*path, *inner), why) for inner, why in _act(course, act))
    for path, block in blocks:
        for index, each in enumerate(block.expect):
            if isinstance(each, DeliveredRatio) and not _filled_by(course, each):
                yield (*path, "expect", index), "no act fills the reservoir before that moment"


def _at_start(start: Start, profile: Profile | None, pump: Pump | None) -> _Course:
    course = _Course(
        implanted=start.implanted and (pump is None or pump.implanted),
        profile=profile,
        faults_known=start.state is None,
        has_keys=start.guarded,
    )
    if pump is not None:
        for each in pump.faults:
            ends_ms = None if each.ends_at_ms is None else each.ends_at_ms - pump.at_ms
            _broken(course, each.fault.name, ends_ms)
        if pump.injecting_until_ms is not None:
            course.injecting_until_ms = pump.injecting_until_ms - pump.at_ms
    return course


def _filled_by(course: _Course, expectation: DeliveredRatio) -> bool:
    moment_ms = expectation.at_ms if expectation.at_ms is not None else expectation.from_ms
    assert moment_ms is not None  # the types see to it
    return course.filled_ms is not None and course.filled_ms <= moment_ms


def _act(course: _Course, act: Act) -> Iterator[Complaint]:
    """What is wrong with an act just then; afterwards it has happened."""
    if isinstance(act, Implant):
        yield from _implant(course, act)
    elif not course.implanted and isinstance(act, Hands | Break):
        yield (act.family,), _no_pump(course)
    elif not course.implanted and isinstance(act, ByProgrammer):
        may_be_done = isinstance(act, Emergency) and act.what != "status"
        wanted = "unknown" if may_be_done else "no_answer"
        if act.outcome != wanted:
            yield ("programmer",), f"{_no_pump(course)}, so that outcome must be {wanted}"
    else:
        yield from _act_on_pump(course, act)


def _act_on_pump(course: _Course, act: Act) -> Iterator[Complaint]:
    match act:
        case Explant():
            course.implanted, course.removed_ms = False, act.time_ms
            course.injecting_until_ms = 0
        case Fill():
            yield from _fill(course, act)
        case FillPocket():
            yield from _too_much(course, act.volume_nl)
        case InjectCatheter():
            yield from _inject(course, act)
        case Mri():
            _broken(course, MriScan.name, act.time_ms + act.field_ms + act.recovery_ms)
        case Break():
            ends_ms = None if act.for_ms is None else act.time_ms + act.for_ms
            _broken(course, act.fault, ends_ms)
            if act.fault in CUT_OFF:
                course.injecting_until_ms = 0
        case Clear():
            yield from _clear(course, act)
        case ByProgrammer():
            yield from _programmer(course, act)


def _no_pump(course: _Course) -> str:
    if course.removed_ms:
        return f"no pump is there: it was taken out at {format_duration(course.removed_ms)}"
    return "no pump is there: it has not been implanted by then"


def _implant(course: _Course, act: Implant) -> Iterator[Complaint]:
    if act.hands == "implant" and course.implanted:
        yield ("hands",), "a pump is there already. Take it out first, or use replace"
    if act.hands == "replace" and not course.implanted:
        yield ("hands",), f"{_no_pump(course)}. Use implant"
    if act.profile is not None:
        course.profile = _profile(act.profile)
    yield from _too_much(course, act.volume_nl)
    course.implanted = True
    course.broken.clear()
    course.faults_known = True
    course.injecting_until_ms = 0


def _fill(course: _Course, act: Fill) -> Iterator[Complaint]:
    yield from _too_much(course, act.volume_nl)
    if course.filled_ms is None:
        course.filled_ms = act.time_ms
    yield from _too_strong(course, act.concentration_ng_per_ml)


def _inject(course: _Course, act: InjectCatheter) -> Iterator[Complaint]:
    yield from _too_much(course, act.volume_nl)
    yield from _too_strong(course, act.concentration_ng_per_ml)
    if act.time_ms < course.injecting_until_ms:
        until = format_duration(course.injecting_until_ms)
        yield ("time",), f"the injection before goes on until {until}"
    elif not _cut_off(course, act.time_ms):
        course.injecting_until_ms = act.time_ms + act.duration_ms


def _cut_off(course: _Course, time_ms: int) -> bool:
    """Whether nothing gets into the catheter just then."""
    ends = (end_ms for name in CUT_OFF for end_ms in course.broken.get(name, []))
    return any(end_ms is None or end_ms > time_ms for end_ms in ends)


def _too_strong(course: _Course, strength: int | None) -> Iterator[Complaint]:
    profile = course.profile
    if strength is not None and profile and strength > profile.max_concentration_ng_per_ml:
        most = format_concentration(profile.max_concentration_ng_per_ml)
        yield ("concentration",), f"allowed are up to {most}"


def _too_much(course: _Course, volume_nl: int | None) -> Iterator[Complaint]:
    if volume_nl is not None and course.profile and volume_nl > course.profile.capacity_nl:
        yield ("volume",), f"the pump holds at most {format_volume(course.profile.capacity_nl)}"


def _broken(course: _Course, fault: str, ends_ms: int | None) -> None:
    course.broken.setdefault(fault, []).append(ends_ms)


def _clear(course: _Course, act: Clear) -> Iterator[Complaint]:
    if act.clear not in FAULTS or not FAULTS[act.clear].lasts or not course.faults_known:
        return
    ends = course.broken.pop(act.clear, [])
    if not ends:
        yield ("clear",), "no act before this one breaks it"
    elif all(end_ms is not None and end_ms <= act.time_ms for end_ms in ends):
        yield ("clear",), f"it is over by itself at {format_duration(max(filter(None, ends)))}"


def _programmer(course: _Course, act: ByProgrammer) -> Iterator[Complaint]:
    kind = getattr(act, "programmer", "")
    if isinstance(act, Attack):
        if act.message in set(REQUESTS) - course.sent:
            yield ("message",), "no act before this one sends it"
    elif isinstance(act, Emergency):
        course.sent.add(f"emergency_{act.what}")
    else:
        course.sent |= ALWAYS | SENDS.get(kind, frozenset())
        if course.has_keys:
            course.sent.add("authenticate")
    if isinstance(act, Pair) and not course.has_keys:
        yield ("programmer",), "a legacy-insecure pump has no keys"


def _profile(name: str) -> Profile | None:
    try:
        return load_profile(name)
    except ProfileError:
        return None
