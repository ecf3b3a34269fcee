"""Whether a pump can be in a state: what must hold of one that somebody may have edited.

The model keeps these promises by itself, and nowhere asks whether they hold. A state that comes
from a file is asked here, once, so that what breaks them is refused and not discovered by a pump in
the middle of its therapy.

Most of it follows from names, which carry units (`duration_ms`, `volume_nl`, `raised_at_ms`), so
that a new field is checked without a word here. The rest is what the parts of a state promise each
other. Last of all, a pump is made from the state and tried.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any, Final

from pump_sim.model.course import Course, Cycle
from pump_sim.model.events import ACCESS_LOG_ENTRIES, THERAPY_LOG_ENTRIES
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.firmware.delivery import Hold
from pump_sim.model.firmware.firmware import LATEST_LOCAL_MS
from pump_sim.model.firmware.memory import Memory
from pump_sim.model.firmware.order_memory import MAX_ORDER_NUMBER, MAX_PROGRAMMERS
from pump_sim.model.firmware.patient_boluses import KEPT
from pump_sim.model.hardware.faults import CatheterOcclusion
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.prescription import Mode, Prescription
from pump_sim.model.profile import ORDERED as FIGURES_IN_ORDER
from pump_sim.model.profile import Profile
from pump_sim.model.pump import Pump
from pump_sim.model.rules import check_prescription
from pump_sim.model.state import PumpState
from pump_sim.model.units import DAY_MS, PPM, UNITS_PER_NL

LATEST_MS: Final = 400 * 366 * DAY_MS
"""No pump is older: some lifetimes of a person."""

HIGHEST_NL: Final = 100_000_000
"""No pump holds more, nor delivers more in a day (`profile.py`)."""

MAX_FAULTS: Final = 1_000
_U32: Final = 2**32 - 1
_U64: Final = 2**64 - 1
_I63: Final = 2**63 - 1

Problem = tuple[str, str]
"""The key that is wrong, and what is wrong with it."""


class UnsoundState(ValueError):
    """No pump can be in that state; `path` is the key that is wrong, `problem` what is wrong."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def check_state(state: PumpState) -> None:
    """Nothing if a pump can be in that state; raises `UnsoundState` for the first fault found."""
    for check in (_figures, _profile, _identity, _clocks, _hardware, _faults, _firmware, _logs):
        for path, problem in check(state):
            raise UnsoundState(path, problem)
    _try(state)


def _unless(holds: bool, path: str, problem: str) -> Iterator[Problem]:
    if not holds:
        yield path, problem


def _within(path: str, value: int | None, low: int, high: int) -> Iterator[Problem]:
    if value is not None and not low <= value <= high:
        yield path, f"{value}: allowed are {low}..{high}"


# --- What names tell -----------------------------------------------------------------------------

_LIMITS: Final[dict[str, tuple[int, int]]] = {
    # What something is divided by, and what travels in fields of 32 bits.
    "duration_ms": (1, LATEST_MS),
    "interval_ms": (1, _U32),
    "lockout_ms": (1, _U32),
    "first_after_ms": (0, _U32),
    "period_ms": (1, LATEST_MS),
    "per_ms": (1, LATEST_MS),
    "drift_ppm": (-PPM // 10, PPM // 10),
    "factor_ppm": (0, 10 * PPM),
    "flow_factor_ppm": (0, 10 * PPM),
    "version": (1, _U32),
    "prescription_version": (0, _U32),
    "programmer_id": (0, _U64),
    "link_id": (0, _U64),
    "last_link_id": (0, _U64),
    "order_number": (0, MAX_ORDER_NUMBER),
    "sequence": (1, _I63),
    "next_sequence": (1, _I63),
    "first_sequence": (1, _I63),
    "a": (-_I63 - 1, _I63),
    "b": (-_I63 - 1, _I63),
    "request": (0, 255),
    "code": (0, 255),
    "field": (0, 255),
    "count": (1, _I63),
    "evicted": (0, _I63),
    "anchor_ms": (-(2**60), 2**60),
    "periodic_anchor_ms": (-(2**60), 2**60),
    "clock_offset_ms": (0, LATEST_LOCAL_MS),
    "pocket_nl": (0, _I63),
}
"""Limits of a figure, by its whole name."""

_GONE_ON: Final = ("hardware.flow.", "hardware.patient.", "hardware.faults.")
"""What may have begun with another pump, whose place this one took."""

_BEFORE: Final = frozenset({"from_ms", "started_at_ms", "begins_at_ms", "since_ms"})
"""Moments that lie before the implant then."""

_BY_UNIT: Final[tuple[tuple[str, tuple[int, int]], ...]] = (
    ("_nl_per_day", (0, _U32)),
    ("_ng_per_ml", (0, _U32)),
    ("_nl", (0, _U32)),
    ("_ng", (0, _I63)),
    ("_units", (0, 2**100)),
    ("_ppm", (0, 1_000 * PPM)),
    ("_ms", (0, 2 * LATEST_MS)),
)
"""Limits of any other figure, by its unit."""

_PAST: Final = frozenset(
    {
        "raised_at_ms",
        "cleared_at_ms",
        "since_ms",
        "stopped_since_ms",
        "motor_still_since_ms",
        "steps_missed_since_ms",
        "hit_at_ms",
        "started_at_ms",
        "ended_at_ms",
        "updated_at_ms",
        "last_refill_at_ms",
        "eri_at_ms",
        "eos_at_ms",
        "first_at_ms",
        "last_at_ms",
        "granted_at_ms",
        "from_ms",
        "at_ms",
    }
)
"""Moments of what has happened: none lies in the future."""

_ANYTHING: Final = ("firmware.memory.first.value", "firmware.memory.second.value")
"""What may have been damaged, which is what it is kept twice for."""

_NOT_YET: Final = ("firmware.delivery.put_off", "firmware.delivery.course.rest")
"""What waits for its moment."""


def _figures(state: PumpState) -> Iterator[Problem]:
    now_ms = max(state.at_ms, state.firmware.at_ms)
    for path, name, value in _leaves(state, ""):
        if path.startswith(_ANYTHING):
            continue
        limits = _LIMITS.get(name) or next(
            (each for unit, each in _BY_UNIT if name.endswith(unit)), None
        )
        if name in _BEFORE and path.startswith(_GONE_ON):
            limits = (-2 * LATEST_MS, 2 * LATEST_MS)
        if limits is not None:
            yield from _within(path, value, *limits)
        if name in _PAST and not path.startswith(_NOT_YET) and value > now_ms:
            yield path, f"{value}: it is only {now_ms}"


def _leaves(value: Any, path: str, name: str = "") -> Iterator[tuple[str, str, int]]:
    """Every whole number in a state, with its path and the name of the field that it is in."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield path, name, value
    elif is_dataclass(value):
        for each in fields(value):
            inner = f"{path}.{each.name}" if path else each.name
            yield from _leaves(getattr(value, each.name), inner, each.name)
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from _leaves(each, f"{path}[{index}]", name)
    elif isinstance(value, Mapping):
        for index, each in enumerate(value.values()):
            yield from _leaves(each, f"{path}[{index}][1]")


# --- The pump as such ----------------------------------------------------------------------------


def _profile(state: PumpState) -> Iterator[Problem]:
    profile = state.profile
    yield from _unless(_is_name(profile.model), "profile.model", "1 to 32 bytes of printable text")
    for row in FIGURES_IN_ORDER:
        for lesser, greater in pairwise(row):
            low, high = getattr(profile, lesser), getattr(profile, greater)
            yield from _unless(
                low <= high, f"profile.{lesser}", f"{low}: allowed are 0..{high}, {greater}"
            )


def _identity(state: PumpState) -> Iterator[Problem]:
    problem = "1 to 32 bytes of printable text are wanted"
    yield from _unless(_is_name(state.serial_number), "serial_number", problem)


def _is_name(text: str) -> bool:
    return text.isprintable() and 1 <= len(text.encode()) <= 32


def _clocks(state: PumpState) -> Iterator[Problem]:
    oscillator, firmware = state.hardware.oscillator, state.firmware
    yield from _within("at_ms", state.at_ms, 0, LATEST_MS)
    yield from _within(
        "hardware.oscillator.therapy_origin_ms", oscillator.therapy_origin_ms, 0, state.at_ms
    )
    told_ms = oscillator.pump_ms(state.at_ms)
    problem = f"{firmware.at_ms}: the pump's own clock is at {told_ms}"
    yield from _unless(firmware.at_ms == told_ms, "firmware.at_ms", problem)


# --- Hardware ------------------------------------------------------------------------------------


def _hardware(state: PumpState) -> Iterator[Problem]:
    hardware, path = state.hardware, "hardware.reservoir"
    reservoir = hardware.reservoir
    given = reservoir.delivered + reservoir.lost + reservoir.withdrawn + reservoir.left
    parts = (reservoir.delivered, reservoir.lost, reservoir.withdrawn, reservoir.left)
    yield from _unless(min(parts) >= 0, path, "no volume is less than nothing")
    yield from _unless(
        reservoir.filled == given,
        f"{path}.filled",
        "it is not what was delivered, lost and withdrawn and what is left, together",
    )
    capacity = state.profile.capacity_nl * FINE_UNITS_PER_NL
    yield from _within(f"{path}.left", reservoir.left, 0, capacity)
    yield from _within("hardware.drive.odometer_units", hardware.drive.odometer_units, 0, 2**100)
    yield from _within("hardware.drive.unregistered", hardware.drive.unregistered, 0, 2)
    for name in ("idle_drain_per_ms", "drain_per_ledger_unit"):
        drain: int = getattr(hardware.battery, name)
        yield from _within(f"hardware.battery.{name}", drain, 0, 10**15)
    if (reference := hardware.patient.reference) is not None:
        yield from _course(reference.course, "hardware.patient.reference.course")
    yield from _flow(state)


def _flow(state: PumpState) -> Iterator[Problem]:
    flow, delivered, path = state.hardware.flow, state.hardware.reservoir.delivered, "hardware.flow"
    yield from _unless(bool(flow.pieces), f"{path}.pieces", "at least one is wanted")
    yield from _unless(bool(flow.slugs), f"{path}.slugs", "at least one is wanted")
    yield from _within(f"{path}.path_fine", flow.path_fine, 0, 2**100)
    starts = [piece.from_ms for piece in flow.pieces]
    yield from _unless(starts == sorted(set(starts)), f"{path}.pieces", "they are out of order")
    lefts = [piece.left for piece in flow.pieces]
    yield from _unless(min(lefts) >= 0, f"{path}.pieces", "no volume is less than nothing")
    places = [slug.from_fine for slug in flow.slugs]
    yield from _unless(places == sorted(set(places)), f"{path}.slugs", "they are out of order")
    for index, piece in enumerate(flow.pieces):
        yield from _course(piece.course, f"{path}.pieces[{index}].course")
        if piece.injection is not None:
            units = piece.injection.curve.volume_units
            inner = f"{path}.pieces[{index}].injection.curve.volume_units"
            yield from _within(inner, units, 0, HIGHEST_NL * UNITS_PER_NL)
    if flow.steady is not None:
        yield from _course(flow.steady.course, f"{path}.steady.course")
    now_ms = state.firmware.at_ms
    yield from _within(f"{path}.tally.injected", flow.tally.injected, 0, 2**100)
    injected = flow.injected_by(max(now_ms, starts[-1]))
    yield from _within(f"{path}.tally.injected", injected, 0, 2**100)
    entered = [*(piece.entered for piece in flow.pieces), delivered + injected]
    yield from _unless(
        entered == sorted(entered), f"{path}.pieces", "drug does not flow back: entered must rise"
    )
    yield from _within(f"{path}.pieces", entered[0], -(2**100), 2**100)
    tip_fine = delivered + injected - flow.path_fine
    tally = flow.tally
    yield from _within(f"{path}.tally.received", tally.received, 0, 2**126)
    yield from _within(f"{path}.tally.received_fine", tally.received_fine, places[0], tip_fine)


def _course(course: Course, path: str, profile: Profile | None = None) -> Iterator[Problem]:
    """Of a pump of that profile, or of any pump."""
    rate_nl_per_day = HIGHEST_NL if profile is None else profile.max_rate_nl_per_day
    capacity_nl = HIGHEST_NL if profile is None else profile.capacity_nl
    if (cycle := course.cycle) is not None:
        yield from _cycle(cycle, f"{path}.cycle")
        highest = max(-(-part.units // part.per_ms) for part in cycle.segments)
        yield from _within(f"{path}.cycle", highest, 0, rate_nl_per_day)
    if course.bolus is not None:
        units = course.bolus.volume_units
        highest = capacity_nl * UNITS_PER_NL
        yield from _within(f"{path}.bolus.volume_units", units, 0, highest)
    yield from _within(f"{path}.rate_nl_per_day", course.rate_nl_per_day, 0, rate_nl_per_day)


def _cycle(cycle: Cycle, path: str) -> Iterator[Problem]:
    starts = [part.starts_at_ms for part in cycle.segments]
    ordered = starts[:1] == [0] and starts == sorted(set(starts)) and starts[-1] < cycle.period_ms
    yield from _unless(ordered, f"{path}.segments", "they do not divide the period in order")
    yield from _unless(
        all(part.units >= 0 for part in cycle.segments),
        f"{path}.segments",
        "drug does not flow back",
    )
    expected = Cycle.of(cycle.anchor_ms, cycle.period_ms, cycle.segments)
    yield from _unless(cycle == expected, path, "its sums are not those of its segments")


def _faults(state: PumpState) -> Iterator[Problem]:
    board, path = state.hardware.faults, "hardware.faults"
    ids = [each.fault_id for each in board.injected]
    yield from _unless(len(ids) <= MAX_FAULTS, path, f"at most {MAX_FAULTS:,} are allowed")
    yield from _unless(
        len(set(ids)) == len(ids), f"{path}.injected", "a fault_id stands there twice"
    )
    yield from _within(f"{path}.next_id", board.next_id, max(ids, default=0) + 1, _I63)
    begun = {each.fault_id for each in board.injected if each.begun}
    for index, each in enumerate(board.injected):
        inner = f"{path}.injected[{index}]"
        yield from _within(f"{inner}.fault_id", each.fault_id, 1, _I63)
        yield from _within(f"{inner}.index", each.index, 0, _I63)
        # What occludes a catheter may be older than the pump that has come to it.
        oldest_ms = -2 * LATEST_MS if isinstance(each.fault, CatheterOcclusion) else 0
        low, high = (oldest_ms, state.at_ms) if each.begun else (state.at_ms + 1, 2 * LATEST_MS)
        yield from _within(f"{inner}.begins_at_ms", each.begins_at_ms, low, high)
        earliest = max(each.begins_at_ms, state.at_ms) + 1
        yield from _within(f"{inner}.ends_at_ms", each.ends_at_ms, earliest, 2 * LATEST_MS)
        yield from _unless(
            each.part_of is None or each.part_of in begun,
            f"{inner}.part_of",
            f"{each.part_of}: no fault of that number is at work",
        )
        yield from _unless(
            each.fault.lasts or not each.begun,
            f"{inner}.begun",
            "it strikes, and is gone with that",
        )


# --- Firmware ------------------------------------------------------------------------------------


def _firmware(state: PumpState) -> Iterator[Problem]:
    firmware, profile = state.firmware, state.profile
    programming, ledger = firmware.programming, firmware.ledger
    if programming.current.drugs or not programming.safe:
        yield from _prescription(programming.current, profile, "firmware.programming.current")
    if programming.pending is not None:
        yield from _prescription(programming.pending, profile, "firmware.programming.pending")
    spent = ledger.delivered_units + ledger.withdrawn_units + ledger.left_units
    yield from _unless(
        ledger.filled_units == spent,
        "firmware.ledger.filled_units",
        f"{ledger.filled_units}: what was delivered, withdrawn and is left are {spent} together",
    )
    capacity = profile.capacity_nl * UNITS_PER_NL
    yield from _within("firmware.ledger.left_units", ledger.left_units, 0, capacity)
    yield from _within("firmware.gauge", firmware.gauge, 0, 2**110)
    yield from _delivery(state)
    yield from _programming(state)
    yield from _alarms(state)
    yield from _orders(state)
    yield from _memory(firmware.memory, programming.current)


def _prescription(prescription: Prescription, profile: Profile, path: str) -> Iterator[Problem]:
    if reasons := check_prescription(prescription, profile):
        yield path, f"the pump would refuse it: {reasons[0]}"


def _delivery(state: PumpState) -> Iterator[Problem]:
    delivery, path = state.firmware.delivery, "firmware.delivery"
    yield from _course(delivery.course, f"{path}.course", state.profile)
    curve = None if delivery.bolus is None else delivery.bolus.curve
    yield from _unless(
        curve == delivery.course.bolus, f"{path}.bolus", "it is not the bolus of the course"
    )
    if curve is not None:
        ends_at_ms, now_ms = curve.ends_at_ms, state.firmware.at_ms
        yield from _unless(
            ends_at_ms > now_ms, f"{path}.bolus.curve", f"it ended at {ends_at_ms}: it is {now_ms}"
        )
    if delivery.holds:
        yield from _unless(
            not delivery.course.flows, f"{path}.course", "nothing flows while it is held"
        )
    yield from _unless(
        len(set(delivery.holds)) == len(delivery.holds),
        f"{path}.holds",
        "a hold stands there twice",
    )
    granted = state.firmware.patient_boluses.granted_at_ms
    yield from _unless(
        list(granted) == sorted(granted) and len(granted) <= KEPT,
        "firmware.patient_boluses.granted_at_ms",
        f"moments in order are wanted, at most {KEPT}",
    )


def _programming(state: PumpState) -> Iterator[Problem]:
    firmware, programming = state.firmware, state.firmware.programming
    halted = Hold.UPDATE in firmware.delivery.holds
    yield from _unless(
        firmware.historic_updates or not halted,
        "firmware.delivery.holds",
        "no update halts a pump whose historic_updates are false",
    )
    yield from _unless(
        halted or programming.pending is None or not firmware.historic_updates,
        "firmware.programming.pending",
        "with historic_updates nothing is staged unless UPDATE holds the infusion",
    )
    stopped = halted or programming.current.mode is Mode.STOPPED
    yield from _unless(
        stopped is (programming.stopped_since_ms is not None),
        "firmware.programming.stopped_since_ms",
        "a moment is wanted where nothing is to flow, and nowhere else",
    )
    for name, alarm in (
        ("incomplete", Alarm.UPDATE_INCOMPLETE),
        ("safe", Alarm.SAFE_STATE),
        ("emergency", Alarm.EMERGENCY_ACTION),
    ):
        yield from _unless(
            getattr(programming, name) is firmware.alarms.is_active(alarm),
            f"firmware.programming.{name}",
            f"it is not what the alarm {alarm.name} says",
        )


def _alarms(state: PumpState) -> Iterator[Problem]:
    alarms, path = state.firmware.alarms, "firmware.alarms"
    numbers = [record.alarm.value for record in alarms.records]
    yield from _unless(
        numbers == sorted(set(numbers)), f"{path}.records", "each once is wanted, in order"
    )
    for index, record in enumerate(alarms.records):
        inner = f"{path}.records[{index}]"
        yield from _unless(record.listed, inner, "nothing keeps it listed")
        latest_ms = state.firmware.at_ms + 7 * DAY_MS
        until_ms = record.silenced_until_ms
        yield from _within(f"{inner}.silenced_until_ms", until_ms, 0, latest_ms)
    for name in ("critical", "non_critical"):
        signal, inner = getattr(alarms.signals, name), f"{path}.signals.{name}"
        yield from _within(f"{inner}.interval_ms", signal.interval_ms, 60_000, DAY_MS)
        yield from _within(f"{inner}.duration_ms", signal.duration_ms, 1, 60_000)


def _orders(state: PumpState) -> Iterator[Problem]:
    last, path = state.firmware.orders.last, "firmware.orders.last"
    yield from _unless(len(last) <= MAX_PROGRAMMERS, path, f"at most {MAX_PROGRAMMERS}")
    for index, (programmer_id, known) in enumerate(last.items()):
        given = known.order.programmer_id
        yield from _unless(
            given == programmer_id, f"{path}[{index}]", f"it is an order of programmer {given}"
        )


def _memory(memory: Memory, current: Prescription) -> Iterator[Problem]:
    for name, copy in (("first", memory.first), ("second", memory.second)):
        yield from _unless(
            not copy.intact or copy.value == current,
            f"firmware.memory.{name}",
            "it is whole, and not the prescription in force",
        )
    yield from _unless(
        memory.hit_at_ms is not None or not set(memory.damaged) - set(memory.worn),
        "firmware.memory.hit_at_ms",
        "something is damaged: the pump must look",
    )
    yield from _unless(len(memory.note.value.encode()) <= 128, "firmware.memory.note", "128 bytes")


# --- Logs ----------------------------------------------------------------------------------------


def _logs(state: PumpState) -> Iterator[Problem]:
    log, path = state.firmware.log, "firmware.log"
    size = len(log.entries)
    yield from _within(f"{path}.capacity", log.capacity, THERAPY_LOG_ENTRIES, THERAPY_LOG_ENTRIES)
    highest = _I63 if size == log.capacity else size + 1
    yield from _within(f"{path}.next_sequence", log.next_sequence, size + 1, highest)
    yield from _unless(size <= log.capacity, f"{path}.entries", f"at most {log.capacity}")
    # Nothing is overwritten before the ring is full.
    first = log.next_sequence - size if size == log.capacity else 1
    for index, entry in enumerate(log.entries):
        problem = f"{entry.sequence}: {first + index} comes next"
        yield from _unless(
            entry.sequence == first + index, f"{path}.entries[{index}].sequence", problem
        )
    for index, (earlier, later) in enumerate(pairwise(log.entries)):
        problem = f"{later.at_ms}: the one before is of {earlier.at_ms}"
        yield from _unless(
            earlier.at_ms <= later.at_ms, f"{path}.entries[{index + 1}].at_ms", problem
        )
    access, path = state.firmware.access_log, "firmware.access_log"
    yield from _within(f"{path}.capacity", access.capacity, ACCESS_LOG_ENTRIES, ACCESS_LOG_ENTRIES)
    size = len(access.entries)
    yield from _unless(size <= access.capacity, f"{path}.entries", f"at most {access.capacity}")
    sequences = sorted(entry.sequence for entry in access.entries.values())
    low, high = access.first_sequence, access.next_sequence - 1
    yield from _unless(
        len(set(sequences)) == size
        and all(low <= each <= high for each in sequences)
        and low <= access.next_sequence,
        f"{path}.entries",
        f"sequences of {low}..{high} are wanted, each once",
    )
    for index, (key, noted) in enumerate(access.entries.items()):
        same = key[:4] == (noted.event, noted.request, noted.code, noted.field)
        yield from _unless(same, f"{path}.entries[{index}]", "its key is not that of its record")


# --- The trial -----------------------------------------------------------------------------------

_READINGS: Final[tuple[Callable[[Pump], object], ...]] = (
    Pump.truth,
    Pump.status,
    Pump.patient,
    lambda pump: pump.firmware.moment(),
    lambda pump: pump.firmware.tone_at(pump.firmware.at_ms),
    lambda pump: pump.firmware.self_test(),
)

_TRIED_EVENTS: Final = 20


def _try(state: PumpState) -> None:
    """Make a pump of it, let it run and read it: what no rule above has foreseen shows here."""
    try:
        if Pump.from_state(state).state() != state:
            raise UnsoundState("", "a pump made from it is in another state at once")
        pump = Pump.from_state(state)
        due_ms = pump.next_due_ms()
        if due_ms is not None and due_ms <= state.at_ms:
            # Time is inclusive: what is due by now has happened, in any pump that came here itself.
            raise UnsoundState("", f"something was due at {due_ms} and has not happened")
        for _ in range(_TRIED_EVENTS):
            for read in _READINGS:
                read(pump)
            due_ms = pump.next_due_ms()
            pump.settle(pump.at_ms + DAY_MS if due_ms is None else min(due_ms, LATEST_MS))
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, UnsoundState):
            raise
        problem = f"a pump cannot go on from it ({type(error).__name__}: {error})"
        raise UnsoundState("", problem) from error
