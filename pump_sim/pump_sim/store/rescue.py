"""What is left of a damaged state file, made into a pump in its safe state.

A pump that finds its memory damaged does not guess: it goes to its safe state, with a critical
alarm, and waits to be programmed. What the file still has of everything else is kept, as long as it
makes a pump that can be: where parts are at odds with each other, the less telling ones are left
out. It reads no file.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Final, Self, TypeVar, get_type_hints

from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.guard import GuardState, new_keys
from pump_protocol.keys import Key, RandomBytes
from pump_sim import snapshot
from pump_sim.model.events import AccessLog, TherapyLog
from pump_sim.model.firmware.alarms import Alarms
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.memory import Memory, Region
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.patient_boluses import PatientBoluses
from pump_sim.model.firmware.programming import Programming
from pump_sim.model.firmware.service import Service
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.profile import Profile
from pump_sim.model.pump import Pump
from pump_sim.model.remains import remaining_state
from pump_sim.model.state import PumpState
from pump_sim.model.units import UNITS_PER_NL
from pump_sim.snapshot import SnapshotError
from pump_sim.soundness import UnsoundState, check_state
from pump_sim.store.file import Content, digest
from pump_sim.store.parts import documents, is_opened, parts, to_state

T = TypeVar("T")

COPIES: Final[Mapping[str, Region]] = {
    "firmware.memory.first": Region.FIRST_COPY,
    "firmware.memory.second": Region.SECOND_COPY,
}
"""Where the two copies of the prescription are."""

_MEMORY: Final = frozenset(
    part.path for part in parts() if part.path.startswith("firmware.memory.")
)
"""All that the pump itself checks."""

_LEFT_OUT: Final = (
    ("alarms", "service", "patient_boluses"),
    ("hardware", "ledger"),
    ("log", "access_log"),
    ("orders",),
)
"""What is left out in one try after another, beside what was left out before."""

KEYS: Final = {f"key.{role.name.lower()}": role for role in UserRole}


def mend_copy(content: Content) -> Region | None:
    """Mend the one copy of the prescription whose check fails from the other, if that is all.

    The content is then as it was; the pump has to be told which copy it was.
    """
    if len(content.bad) != 1 or not content.bad <= COPIES.keys():
        return None
    (lost,) = content.bad
    (other,) = COPIES.keys() - {lost}
    text = content.parts.get(other)
    if text is None:
        return None
    content.bad.clear()
    content.parts[lost] = text
    content.total ^= digest(lost, text)
    return COPIES[lost]


def good_keys(content: Content) -> tuple[Key, ...]:
    """The keys of a file whose checks hold."""
    keys = []
    for name, role in KEYS.items():
        with suppress(KeyError, ValueError, TypeError, AttributeError, BadKey):
            key = Key.from_text(json.loads(content.parts[name]))
            if key.role is role:
                keys.append(key)
    return tuple(keys)


def guard_of(content: Content) -> GuardState | None:
    """The keys and the lock of a file that is whole.

    :raises ValueError: they make no sense.
    """
    lock = json.loads(content.parts.get("guard", "{}"))
    if lock is None:
        return None
    keys = good_keys(content)
    try:
        failures, locked_for_ms = lock["failures"], lock["locked_for_ms"]
    except (KeyError, TypeError):
        raise ValueError("guard: it makes no sense") from None
    if len(keys) != len(UserRole):
        raise ValueError(f"{len(keys)} keys: {len(UserRole)} are wanted")
    return GuardState(keys, failures, locked_for_ms)


def rescued_guard(
    content: Content, random_bytes: RandomBytes, *, authenticated: bool
) -> tuple[GuardState | None, list[UserRole]]:
    """The keys whose checks hold, new ones for those that were lost, and whose those are.

    :param authenticated: whether a pump of which nothing is known has keys.
    """
    good = {key.role: key for key in good_keys(content)}
    if content.parts.get("guard") == "null" or not (good or authenticated):
        return None, []
    keys = {key.role: key for key in new_keys(random_bytes)} | good
    return GuardState(tuple(keys.values())), [role for role in keys if role not in good]


def rescued(content: Content, start: PumpState, at_ms: int) -> Pump:
    """A pump in its safe state, with what is good of *content*; the rest as in *start*.

    :param at_ms: what time it is for the pump, if the file does not know.
    """
    for state in _states(content, start, at_ms):
        with suppress(UnsoundState):
            return _in_safe_state(state)
    return _in_safe_state(_Remains().state(start, at_ms))


def _in_safe_state(state: PumpState) -> Pump:
    pump = Pump.after_memory_loss(state)
    check_state(pump.state())
    return pump


def _states(content: Content, start: PumpState, at_ms: int) -> Iterator[PumpState]:
    """What there may have been, the state that keeps most first."""
    rows = _good_rows(content)
    if content.bad <= _MEMORY:
        with suppress(SnapshotError, KeyError):
            yield _all_but_memory(rows, content)
    left = _Remains.of(_good_parts(rows, content))
    yield left.state(start, at_ms)
    for names in _LEFT_OUT:
        left = replace(left, **dict.fromkeys(names))
        yield left.state(start, at_ms)


def _all_but_memory(rows: dict[str, Any], content: Content) -> PumpState:
    """The state as it was, whatever is in the memory that the pump checks."""
    programming = snapshot.load_part(rows["firmware.programming"], Programming)
    memory = Memory.of(programming.current)
    made = {
        part.path: part.dump(getattr(memory, part.path.rpartition(".")[2]))
        for part in parts()
        if part.path in COPIES or (part.path in _MEMORY and part.path not in rows)
    }
    return to_state(rows | made, content.elements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remains:
    """What is left of a state, None where something is not."""

    profile: Profile | None = None
    serial_number: str | None = None
    at_ms: int | None = None
    clock_offset_ms: int | None = None
    historic_updates: bool | None = None
    last_refill_at_ms: int | None = None
    programming: Programming | None = None
    hardware: HardwareState | None = None
    ledger: Ledger | None = None
    service: Service | None = None
    alarms: Alarms | None = None
    patient_boluses: PatientBoluses | None = None
    orders: OrderMemory | None = None
    log: TherapyLog | None = None
    access_log: AccessLog | None = None

    @classmethod
    def of(cls, good: Mapping[str, Any]) -> Self:
        """Of the parts that are good, by their paths."""
        whole = {
            # It is of its own moment.
            "hardware": _together(good, HardwareState, "hardware") if "at_ms" in good else None,
            "orders": OrderMemory(good.get("firmware.orders.last", {})),
            "log": _together(good, TherapyLog, "firmware.log"),
            "access_log": _together(good, AccessLog, "firmware.access_log"),
        }
        others = (each.name for each in fields(cls) if each.name not in whole)
        return cls(
            **whole,
            **{
                name: good.get(name if name in _OF_THE_PUMP else f"firmware.{name}")
                for name in others
            },
        )

    def state(self, start: PumpState, at_ms: int) -> PumpState:
        """A state with all of this; the rest as in *start*."""
        given = start.firmware
        ledger, log, orders = self.ledger, self.log, self.orders
        version = 1
        if self.programming is not None:
            version = self.programming.version
        elif log is not None and log.entries:
            version = log.entries[-1].prescription_version
        return remaining_state(
            self.profile or start.profile,
            serial_number=_first(self.serial_number, start.serial_number),
            # Where nobody knows, it must not be thought to be more.
            volume_nl=0 if ledger is None else ledger.left_units // UNITS_PER_NL,
            clock_offset_ms=_first(self.clock_offset_ms, given.clock_offset_ms),
            at_ms=_first(self.at_ms, max(at_ms, _latest_ms(log, orders))),
            version=version,
            historic_updates=_first(self.historic_updates, given.historic_updates),
            hardware=self.hardware,
            ledger=ledger,
            service=self.service,
            alarms=self.alarms,
            patient_boluses=self.patient_boluses,
            orders=orders,
            log=log,
            access_log=self.access_log,
            last_refill_at_ms=self.last_refill_at_ms,
        )


_OF_THE_PUMP: Final = frozenset({"profile", "serial_number", "at_ms"})
"""What of it is no part of the firmware's."""


def _first(found: T | None, otherwise: T) -> T:
    return otherwise if found is None else found


def _latest_ms(log: TherapyLog | None, orders: OrderMemory | None) -> int:
    """When the last thing happened that is remembered, 0 if nothing is."""
    moments = [0] if log is None or not log.entries else [log.entries[-1].at_ms]
    for remembered in () if orders is None else orders.last.values():
        if is_dataclass(outcome := remembered.outcome):
            names = [each.name for each in fields(outcome) if each.name.endswith("_at_ms")]
            moments += [getattr(outcome, name) for name in names]
    return max(moments)


def _good_rows(content: Content) -> dict[str, Any]:
    """What the rows say whose checks hold."""
    rows: dict[str, Any] = {}
    for name, text in content.parts.items():
        with suppress(ValueError):
            rows |= documents({name: text})
    return rows


def _good_parts(rows: Mapping[str, Any], content: Content) -> dict[str, Any]:
    """The values of all the parts that are good; of the orders, of those that are."""
    good: dict[str, Any] = {}
    for part in parts():
        with suppress(SnapshotError, KeyError, ValueError):
            if not part.growing:
                good[part.path] = snapshot.load_part(rows[part.path], part.kind)
            elif part.path not in content.bad or part.path == "firmware.orders.last":
                elements = [json.loads(each) for each in content.elements[part.path]]
                good[part.path] = part.whole(
                    [snapshot.load_part(each, part.kind) for each in elements]
                )
    return good


def _together(good: Mapping[str, Any], kind: Any, path: str) -> Any:
    """An object made of all its parts; None if one of them is not good."""
    found = {}
    hints = get_type_hints(kind)
    for each in fields(kind):
        inner = f"{path}.{each.name}"
        value = good.get(inner, _NOTHING)
        if value is _NOTHING and is_opened(hints[each.name]):
            value = _together(good, hints[each.name], inner)
            value = _NOTHING if value is None else value
        if value is _NOTHING:
            return None
        found[each.name] = value
    return kind(**found)


_NOTHING: Final = object()
