"""Delivery: what the firmware tells the drive to do from now on, and the bolus in progress.

Theory of operation. Nothing here ticks. The firmware holds one `Course`, and the drive follows it
until the firmware writes another: at a commit, when a bolus begins or ends, when something holds
the infusion. Between two such moments every volume is a function of time (`course.py`).

A bolus that somebody ordered is the course's bolus. Periodic boluses are its cycle, and none of
them is an event. Only where the two meet is one *put off* until the other bolus has ended: a whole
one by shifting the cycle, the rest of one that was interrupted as a bolus of its own. A bridge runs
alone, before all the rest. While anything holds the delivery the course is empty, whatever is
prescribed.
"""

from dataclasses import dataclass, field, replace
from enum import Enum

from pump_sim.model.course import BolusCurve, Course, Cycle
from pump_sim.model.orders import BolusKind, BolusOutcome, BolusReport
from pump_sim.model.units import UNITS_PER_NL


class Hold(Enum):
    """What can hold the infusion; the numbers are those of domain.md 3.2 and of the log."""

    EMPTY_RESERVOIR = 2
    EOS = 4
    UPDATE = 11
    """Historic updates only: something is staged, or was left uncommitted (P23b)."""
    TELEMETRY_LATCH = 12
    """Interference while an alarm sounded: the pump waits for a programmer (P28)."""


@dataclass(frozen=True, slots=True)
class RunningBolus:
    """The bolus in progress: what it is for, how it flows, and by whose order."""

    kind: BolusKind
    curve: BolusCurve
    programmer_id: int = 0
    order_number: int = 0

    def report(
        self, at_ms: int, outcome: BolusOutcome = BolusOutcome.RUNNING, *, unsure_ms: int = 0
    ) -> BolusReport:
        """How far it has come by `at_ms`; the last `unsure_ms` do not count as delivered."""
        return BolusReport(
            kind=self.kind,
            outcome=outcome,
            volume_nl=self.curve.volume_units // UNITS_PER_NL,
            delivered_nl=self.curve.units_at(at_ms - unsure_ms) // UNITS_PER_NL,
            duration_ms=self.curve.duration_ms,
            started_at_ms=self.curve.started_at_ms,
            ended_at_ms=None if outcome is BolusOutcome.RUNNING else at_ms,
            programmer_id=self.programmer_id,
            order_number=self.order_number,
        )


@dataclass(frozen=True, slots=True)
class PutOff:
    """A periodic bolus that waits for the end of another: a whole one, or the rest of one."""

    curve: BolusCurve
    whole: bool


@dataclass(frozen=True, slots=True)
class Delivery:
    """The course, the bolus that was ordered, the last one that ended, and what holds it all.

    `periodic_anchor_ms` is a moment at which a periodic bolus begins, or would begin.
    """

    course: Course = field(default_factory=Course)
    bolus: RunningBolus | None = None
    put_off: PutOff | None = None
    """The periodic bolus that waits for the end of `bolus`."""
    periodic_anchor_ms: int = 0
    last_bolus: BolusReport | None = None
    holds: tuple[Hold, ...] = ()

    @property
    def bridging(self) -> bool:
        """Whether a bridge runs, in place of what is prescribed."""
        return self.bolus is not None and self.bolus.kind is BolusKind.BRIDGE

    def based(self, rate_nl_per_day: int, cycle: Cycle | None) -> "Delivery":
        """With another infusion under the bolus that runs, or after a bridge; none while held."""
        if self.holds:
            return self
        return self._flowing(rate_nl_per_day, self.bolus, cycle)

    def with_bolus(self, bolus: RunningBolus) -> "Delivery":
        """With a bolus that begins now."""
        return self._flowing(self.course.rate_nl_per_day, bolus, self.course.cycle)

    def without_bolus(self, report: BolusReport) -> "Delivery":
        """After the bolus has ended as `report` tells."""
        course = Course(self.course.rate_nl_per_day, None, self.course.cycle)
        return Delivery(course, None, self.put_off, self.periodic_anchor_ms, report, self.holds)

    def _flowing(
        self, rate_nl_per_day: int, bolus: RunningBolus | None, cycle: Cycle | None
    ) -> "Delivery":
        """With this bolus on this infusion: a bridge before it, what is put off after the bolus.

        A whole bolus that is put off is in the cycle.
        """
        curve = rest = None
        begins_at_ms = 0
        if bolus is not None:
            curve = bolus.curve
            if bolus.kind is BolusKind.BRIDGE:
                begins_at_ms = curve.ends_at_ms
            if self.put_off is not None and not self.put_off.whole:
                rest = replace(self.put_off.curve, started_at_ms=curve.ends_at_ms)
        course = Course(rate_nl_per_day, curve, cycle, begins_at_ms, rest)
        return Delivery(
            course, bolus, self.put_off, self.periodic_anchor_ms, self.last_bolus, self.holds
        )

    @property
    def flowing(self) -> Course:
        """The course up to the end of the bolus: what it holds for later is left out."""
        course = self.course
        if self.bridging:
            return Course(bolus=course.bolus)
        if course.rest is not None:
            return Course(course.rate_nl_per_day, course.bolus, course.cycle)
        return course

    def held(self, hold: Hold) -> "Delivery":
        """With no flow at all. A bolus must have been ended before."""
        return replace(self, course=Course(), put_off=None, holds=(*self.holds, hold))

    def released(self, hold: Hold) -> "Delivery":
        """Without this hold; what flows when none is left is for the caller to say."""
        return replace(self, holds=tuple(each for each in self.holds if each is not hold))
