"""Delivery: what the firmware tells the drive to do from now on, and the bolus in progress.

Theory of operation. Nothing here ticks. The firmware holds one `Course`, a basal rate with at most
one bolus on top, and the drive follows it until the firmware writes another: at a commit, when a
bolus begins or ends, when the reservoir is believed empty, at the end of service. Between two such
moments every volume is a function of time (`course.py`). While an alarm holds the delivery the
course is empty, whatever is prescribed.
"""

from dataclasses import dataclass, field, replace

from pump_sim.model.course import BolusCurve, Course
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.orders import BolusOrder, BolusOutcome, BolusReport
from pump_sim.model.units import UNITS_PER_NL, nearest


@dataclass(frozen=True, slots=True)
class Delivery:
    """The course, the order of the bolus in it, the last bolus that ended, and what holds it all.

    `held_by` is the alarm that stopped the infusion, None while drug flows as prescribed.
    """

    course: Course = field(default_factory=Course)
    order: BolusOrder | None = None
    last_bolus: BolusReport | None = None
    held_by: Alarm | None = None

    def at_basal_rate(self, rate_nl_per_day: int) -> "Delivery":
        """With another basal rate under the bolus that runs; no change while held."""
        if self.held_by is not None:
            return self
        return replace(self, course=Course(rate_nl_per_day, self.course.bolus))

    def with_bolus(self, order: BolusOrder, at_ms: int) -> "Delivery":
        """With a bolus that begins now."""
        curve = BolusCurve(order.volume_nl, order.duration_ms, at_ms)
        return replace(self, course=Course(self.course.rate_nl_per_day, curve), order=order)

    def without_bolus(self, report: BolusReport) -> "Delivery":
        """After the bolus has ended as `report` tells."""
        course = Course(self.course.rate_nl_per_day)
        return replace(self, course=course, order=None, last_bolus=report)

    def held(self, alarm: Alarm) -> "Delivery":
        """With no flow at all, because of an alarm. The bolus must have been ended before."""
        return replace(self, course=Course(), held_by=alarm)

    def resumed(self, rate_nl_per_day: int) -> "Delivery":
        """With flow at the basal rate again. An interrupted bolus is over (REQ-07)."""
        return replace(self, course=Course(rate_nl_per_day), held_by=None)

    def rate_nl_per_day(self) -> int:
        """What flows now: basal rate and bolus together, to the nearest nL/day."""
        bolus = self.course.bolus
        if bolus is None:
            return self.course.rate_nl_per_day
        return self.course.rate_nl_per_day + nearest(bolus.volume_units, bolus.duration_ms)

    def bolus_report(
        self, at_ms: int, outcome: BolusOutcome = BolusOutcome.RUNNING, *, unsure_ms: int = 0
    ) -> BolusReport | None:
        """How far the bolus in progress has come by `at_ms`; None if there is none.

        The last `unsure_ms` milliseconds do not count as delivered.
        """
        curve = self.course.bolus
        if curve is None or self.order is None:
            return None
        return BolusReport(
            order=self.order,
            outcome=outcome,
            started_at_ms=curve.started_at_ms,
            ended_at_ms=None if outcome is BolusOutcome.RUNNING else at_ms,
            delivered_nl=curve.units_at(at_ms - unsure_ms) // UNITS_PER_NL,
        )
