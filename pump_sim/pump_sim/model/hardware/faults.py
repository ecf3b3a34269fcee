"""Faults: what can go wrong with a pump, as data behind one door, and when each of them acts.

A fault *lasts*, from its beginning until its time is over or it is cleared, or it *strikes* at one
moment. What those that last do together is `effects`; what those that strike do is the pump's
business, as they touch the firmware. All moments are therapy time in ms since the implant.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields, replace
from typing import Any, ClassVar, Final, cast

from pump_sim.model.units import DAY_MS, MINUTE_MS, PPM

LONGEST_MS: Final = 100 * 366 * DAY_MS


class FaultError(ValueError):
    """A fault that cannot be: the message names the fault, its parameter, and what is allowed."""


def _parameter(doc: str, unit: str, minimum: int, maximum: int, default: int | None = None) -> int:
    """A whole number with a unit and inclusive limits; without a default it has to be given."""
    about = {"doc": doc, "unit": unit, "minimum": minimum, "maximum": maximum}
    if default is None:
        return cast("int", field(metadata=about))  # it is typed as its default
    return field(default=default, metadata=about)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Anything that can go wrong. The first sentence of a fault's docstring is its description.

    Raises `FaultError` for a parameter out of range.
    """

    name: ClassVar[str]
    lasts: ClassVar[bool] = True
    source: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for each in fields(self):
            value, about = getattr(self, each.name), each.metadata
            if about.get("unit") == "yes or no":
                if type(value) is not bool:
                    raise FaultError(f"{self.name}: {each.name} = {value!r}: true or false")
                continue
            low, high = about["minimum"], about["maximum"]
            if type(value) is not int or not low <= value <= high:
                unit = about["unit"]
                raise FaultError(f"{self.name}: {each.name} = {value!r}: {low}..{high} {unit}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowError(Fault):
    """The drive delivers more or less than it is told to. Nothing in the pump can notice it."""

    name = "flow_error"
    source = "P2, P4: over-infusion beyond 14.5 %, without any alarm"
    factor_ppm: int = _parameter("what is delivered of what is commanded", "ppm", 0, 10 * PPM)


_REGISTERED = "interrogations until the pump has noticed that the motor turns again"


@dataclass(frozen=True, slots=True, kw_only=True)
class MotorStall(Fault):
    """The motor stands still, whatever is commanded."""

    name = "motor_stall"
    source = "P10, P39, P40"
    registered_after: int = _parameter(_REGISTERED, "interrogations", 0, 2, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntermittentStall(Fault):
    """The motor stands still again and again, at moments and for times drawn from a seed."""

    name = "intermittent_stall"
    source = "P45: three stalls in three days"
    mean_gap_ms: int = _parameter("mean time between stalls", "ms", MINUTE_MS, 365 * DAY_MS)
    mean_stall_ms: int = _parameter("mean duration of a stall", "ms", 1_000, 365 * DAY_MS)
    seed: int = _parameter("of the random moments", "", 0, 2**63 - 1, 0)
    registered_after: int = _parameter(_REGISTERED, "interrogations", 0, 2, 0)

    def stall(self, index: int) -> tuple[int, int]:
        """How long after the one before, or the beginning, a stall comes, and how long it lasts."""
        generator = random.Random(f"{self.seed}:{index}")  # noqa: S311 - repeatable, no secret
        gap_ms = max(1, round(generator.expovariate(1 / self.mean_gap_ms)))
        return gap_ms, max(1, round(generator.expovariate(1 / self.mean_stall_ms)))


@dataclass(frozen=True, slots=True, kw_only=True)
class MriScan(Fault):
    """The field of a scanner stops the motor, which turns again some time after the scan."""

    name = "mri_scan"
    source = "P10, P28, P43"
    field_ms: int = _parameter("duration of the scan", "ms", 1, DAY_MS, 45 * MINUTE_MS)
    recovery_ms: int = _parameter("from then until the motor turns", "ms", 0, 2 * DAY_MS, 0)
    registered_after: int = _parameter(_REGISTERED, "interrogations", 0, 2, 1)
    latches_telemetry: bool = field(
        default=False,
        metadata={
            "doc": "a pump that sounds an alarm holds the infusion until it is interrogated",
            "unit": "yes or no",
        },
    )

    @property
    def stall_ms(self) -> int:
        """How long the motor stands."""
        return self.field_ms + self.recovery_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class CatheterOcclusion(Fault):
    """The catheter is blocked: the drive works, and nothing leaves the reservoir."""

    name = "catheter_occlusion"
    source = "unverified: silent in pumps of this kind (A14)"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatheterDisconnection(Fault):
    """The catheter is off the pump: drug leaves the reservoir and is lost beside it."""

    name = "catheter_disconnection"
    source = "unverified: silent in pumps of this kind (A14)"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryFilm(Fault):
    """A film inside the battery: its gauge reads less than there is, and ERI comes too early."""

    name = "battery_film"
    source = "P16, P16b"
    gauge_loss_ppm: int = _parameter("less on the gauge, of a new battery", "ppm", 0, PPM)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryFailure(Fault):
    """The battery gives way: end of service at once."""

    name = "battery_failure"
    lasts = False
    source = "P16, P16b: premature EOS, sudden loss of therapy"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrownOut(Fault):
    """The voltage drops for a moment: low-battery reset into the safe state."""

    name = "brown_out"
    lasts = False
    source = "P16, P40"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogReset(Fault):
    """The watchdog starts the pump anew, into the safe state."""

    name = "watchdog_reset"
    lasts = False
    source = "P60"


@dataclass(frozen=True, slots=True, kw_only=True)
class BitFlip(Fault):
    """One bit flips, in the first (1) or the second (2) copy of the prescription or the note (3).

    Both copies are lost if the other one is hit before the pump has looked.
    """

    name = "memory_error"
    lasts = False
    source = "P23, P60"
    region: int = _parameter("1 first copy, 2 second copy, 3 note", "", 1, 3)
    seed: int = _parameter("of the bit that flips in a copy", "", 0, 2**63 - 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockDrift(Fault):
    """The pump's own clock runs fast or slow, and with it everything that it does by time.

    The made-up patient is reckoned by the pump's clock too, and so is off by as much.
    """

    name = "clock_drift"
    source = "unverified"
    drift_ppm: int = _parameter("how much faster; negative is slower", "ppm", -100_000, 100_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun(Fault):
    """The pump goes on pumping when it believes its reservoir empty."""

    name = "dry_run"
    source = "unverified: an option of A02"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplacementDate(Fault):
    """A wrong date of replacement is stored in the pump."""

    name = "replacement_date"
    lasts = False
    source = "P29: wrong dates were displayed"
    planned_at_ms: int = _parameter("the date, ms since implant", "ms", 0, LONGEST_MS)


FAULTS: Final[dict[str, type[Fault]]] = {
    kind.name: kind
    for kind in (
        FlowError,
        MotorStall,
        IntermittentStall,
        MriScan,
        CatheterOcclusion,
        CatheterDisconnection,
        BatteryFilm,
        BatteryFailure,
        BrownOut,
        WatchdogReset,
        BitFlip,
        ClockDrift,
        DryRun,
        ReplacementDate,
    )
}
"""Every fault by its name."""


def make_fault(name: str, **parameters: Any) -> Fault:
    """A fault by its name. Raises `FaultError`, which names what there is."""
    kind = FAULTS.get(name)
    if kind is None:
        raise FaultError(f"no fault {name!r}: there are {', '.join(FAULTS)}")
    known = {each.name: each for each in fields(kind)}
    for key in parameters:
        if key not in known:
            what = ", ".join(known) or "none"
            raise FaultError(f"{name} has no parameter {key!r}: it takes {what}")
    for key, each in known.items():
        if key not in parameters and each.default is MISSING:
            about = each.metadata
            allowed = f"{about['minimum']}..{about['maximum']} {about['unit']}"
            raise FaultError(f"{name}: {key} is missing: {allowed}")
    return kind(**parameters)


# --- What is injected, and when ------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A fault from `begins_at_ms` until `ends_at_ms`, or until it is cleared.

    `part_of` is the fault that brought this one about, and `index` which of its parts it is.
    """

    fault_id: int
    fault: Fault
    begins_at_ms: int
    ends_at_ms: int | None = None
    begun: bool = False
    part_of: int | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class FaultBoard:
    """What is injected: scheduled, or at work."""

    injected: tuple[Injected, ...] = ()
    next_id: int = 1

    def added(self, fault: Fault, begins_at_ms: int, ends_at_ms: int | None) -> "FaultBoard":
        """With one more fault, under the next id."""
        new = Injected(
            fault_id=self.next_id, fault=fault, begins_at_ms=begins_at_ms, ends_at_ms=ends_at_ms
        )
        return FaultBoard((*self.injected, new), self.next_id + 1)

    def get(self, fault_id: int) -> Injected | None:
        """The fault with this id."""
        return next((each for each in self.injected if each.fault_id == fault_id), None)

    def next_ms(self) -> int | None:
        """When a fault begins or ends next."""
        if not self.injected:
            return None
        moments = (each.ends_at_ms if each.begun else each.begins_at_ms for each in self.injected)
        return min((moment for moment in moments if moment is not None), default=None)

    def next_change(self) -> Injected | None:
        """The fault that begins or ends next; of several in one millisecond, the first injected."""
        next_ms = self.next_ms()
        if next_ms is None:
            return None
        return next(
            each
            for each in self.injected
            if next_ms == (each.ends_at_ms if each.begun else each.begins_at_ms)
        )

    def without(self, fault_id: int) -> "FaultBoard":
        """Without a fault, and without what it brought about."""
        gone = {fault_id}
        kept = [e for e in self.injected if e.fault_id not in gone and e.part_of not in gone]
        return replace(self, injected=tuple(kept))

    def at_work(self, fault_id: int) -> "FaultBoard":
        """With a fault begun; one that strikes is gone with that, and one may bring another."""
        fault = self.get(fault_id)
        assert fault is not None
        board = (
            self._with(replace(fault, begun=True)) if fault.fault.lasts else self.without(fault_id)
        )
        if isinstance(fault.fault, IntermittentStall):
            return board.with_next_stall(fault, fault.begins_at_ms, 0)
        return board

    def with_next_stall(self, source: Injected, from_ms: int, index: int) -> "FaultBoard":
        """With the next stall of an intermittent one scheduled."""
        stalls = source.fault
        assert isinstance(stalls, IntermittentStall)
        gap_ms, stall_ms = stalls.stall(index)
        stall = Injected(
            fault_id=self.next_id,
            fault=MotorStall(registered_after=stalls.registered_after),
            begins_at_ms=from_ms + gap_ms,
            ends_at_ms=from_ms + gap_ms + stall_ms,
            part_of=source.fault_id,
            index=index,
        )
        return FaultBoard((*self.injected, stall), self.next_id + 1)

    def over(self, fault_id: int, at_ms: int) -> "FaultBoard":
        """With a fault gone that ends at `at_ms`; the next part of its source is scheduled."""
        ended = self.get(fault_id)
        assert ended is not None
        board = self.without(fault_id)
        source = None if ended.part_of is None else board.get(ended.part_of)
        if source is None:
            return board
        return board.with_next_stall(source, at_ms, ended.index + 1)

    def of_catheter(self, by_ms: int) -> "FaultBoard":
        """Only what is wrong with the catheter itself, by a clock that is so far ahead."""
        kept = [
            replace(
                each,
                begins_at_ms=each.begins_at_ms + by_ms,
                ends_at_ms=None if each.ends_at_ms is None else each.ends_at_ms + by_ms,
            )
            for each in self.injected
            if isinstance(each.fault, CatheterOcclusion)
        ]
        return replace(self, injected=tuple(kept))

    def _with(self, changed: Injected) -> "FaultBoard":
        injected = (
            changed if each.fault_id == changed.fault_id else each for each in self.injected
        )
        return replace(self, injected=tuple(injected))

    def working(self) -> Iterator[Fault]:
        """The faults that are at work, in the order in which they were injected."""
        return (each.fault for each in self.injected if each.begun)


@dataclass(frozen=True, slots=True)
class Effects:
    """What the faults that are at work do together.

    Of several flow errors, films or drifts the one that was injected last counts. `factor_ppm` is
    None where there is no flow error.
    """

    factor_ppm: int | None = None
    stalled: bool = False
    registered_after: int = 0
    occluded: bool = False
    disconnected: bool = False
    gauge_loss_ppm: int = 0
    drift_ppm: int = 0
    runs_dry: bool = False


def effects(faults: Iterable[Fault]) -> Effects:
    """What these faults do together."""
    total = Effects()
    for fault in faults:
        match fault:
            case FlowError():
                total = replace(total, factor_ppm=fault.factor_ppm)
            case MotorStall() | MriScan():
                after = max(total.registered_after, fault.registered_after)
                total = replace(total, stalled=True, registered_after=after)
            case CatheterOcclusion():
                total = replace(total, occluded=True)
            case CatheterDisconnection():
                total = replace(total, disconnected=True)
            case BatteryFilm():
                total = replace(total, gauge_loss_ppm=fault.gauge_loss_ppm)
            case ClockDrift():
                total = replace(total, drift_ppm=fault.drift_ppm)
            case DryRun():
                total = replace(total, runs_dry=True)
            case _:
                pass
    return total
