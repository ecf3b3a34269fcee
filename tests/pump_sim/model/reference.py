"""A second pump, written from the definitions alone: fractions, and bisection for every threshold.

It is slow and it shares no arithmetic with the model. It takes only commands that a pump accepts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from pump_sim.model.orders import BolusOrder
from pump_sim.model.prescription import Mode, Prescription

DAY = 24 * 60 * 60 * 1000
MONTH = Fraction("30.4375") * DAY
STEP = Fraction(1, DAY)  # the ledger unit, in nL

CRITICAL = {"EMPTY_RESERVOIR": 2, "EOS": 4, "STOPPED_TOO_LONG": 7}
NUMBERS = {"LOW_RESERVOIR": 1, "ERI": 3, **CRITICAL}


@dataclass
class Bolus:
    volume: int
    duration: int
    start: int
    number: int

    def delivered(self, at: int) -> Fraction:
        elapsed = min(max(at - self.start, 0), self.duration)
        return floor(Fraction(self.volume * elapsed, self.duration) / STEP) * STEP


class ReferencePump:
    def __init__(self, prescription: Prescription, volume_nl: int) -> None:
        self.now = 0
        self.prescription = prescription
        self.left = Fraction(volume_nl)
        self.filled, self.withdrawn = Fraction(volume_nl), Fraction(0)
        self.delivered = Fraction(0)
        self.bolus: Bolus | None = None
        self.active: dict[str, int] = {}
        self.held: str | None = None
        self.stopped_since = 0 if prescription.mode is Mode.STOPPED else None
        self.eri: int | None = None
        self.eos: int | None = None
        self.log: list[tuple[int, str, int, int]] = []
        self.write("IMPLANTED", volume_nl, prescription.rate_nl_per_day)
        self.advance(0)

    def write(self, event: str, a: int, b: int) -> None:
        self.log.append((self.now, event, a, b))

    # --- What is so at a later moment, if nothing happens until then ---

    def flow(self, at: int) -> Fraction:
        if self.held:
            return Fraction(0)
        flow = Fraction(self.prescription.rate_nl_per_day * (at - self.now), DAY)
        if self.bolus:
            flow += self.bolus.delivered(at) - self.bolus.delivered(self.now)
        return flow

    def remaining_life(self, at: int) -> Fraction:
        """In ms, at the basal rate."""
        per_ml_day = Fraction("0.0054")
        pumped_ml = (self.delivered + min(self.left, self.flow(at))) / 1_000_000
        used = at / MONTH / 96 + per_ml_day * pumped_ml / Fraction("30.4375")
        basal_ml_per_day = Fraction(self.prescription.rate_nl_per_day, 1_000_000)
        return (1 - used) / (Fraction(1, 96) + per_ml_day * basal_ml_per_day) * MONTH

    def is_low(self, at: int) -> bool:
        return self.left - self.flow(at) <= self.prescription.low_reservoir_threshold_nl

    def is_empty(self, at: int) -> bool:
        return self.left - self.flow(at) <= 0

    def is_stopped_too_long(self, at: int) -> bool:
        return self.stopped_since is not None and at - self.stopped_since >= 2 * DAY

    def is_eri(self, at: int) -> bool:
        return self.remaining_life(at) <= 90 * DAY or at >= 84 * MONTH - 90 * DAY

    def is_eos(self, at: int) -> bool:
        return self.eri is not None and at >= self.eri + 90 * DAY

    # --- Time ---

    def advance(self, to: int) -> None:
        conditions: dict[str, Callable[[int], bool]] = {
            "LOW_RESERVOIR": self.is_low,
            "EMPTY_RESERVOIR": self.is_empty,
            "STOPPED_TOO_LONG": self.is_stopped_too_long,
            "ERI": self.is_eri,
            "EOS": self.is_eos,
        }
        while True:
            moments = [
                first(condition, self.now, to)
                for name, condition in conditions.items()
                if name not in self.active and condition(to)
            ]
            if self.bolus and self.bolus.start + self.bolus.duration <= to:
                moments.append(self.bolus.start + self.bolus.duration)
            if not moments:
                break
            at = min(moments)
            asked, had = self.flow(at), self.left
            self.flow_to(at)
            if self.bolus and at == self.bolus.start + self.bolus.duration and asked <= had:
                self.end_bolus("BOLUS_COMPLETED", self.bolus.volume)
            for name, condition in conditions.items():
                if name not in self.active and condition(at):
                    self.begin(name)
        self.flow_to(to)

    def flow_to(self, at: int) -> None:
        flow = min(self.left, self.flow(at))
        self.left -= flow
        self.delivered += flow
        self.now = at

    def begin(self, name: str) -> None:
        self.active[name] = self.now
        if name == "ERI":
            self.eri = self.now
        if name == "EOS":
            self.eos = self.now
        self.write("ALARM_RAISED", NUMBERS[name], 2 if name in CRITICAL else 1)
        if name in {"EMPTY_RESERVOIR", "EOS"}:
            rate = Fraction(self.prescription.rate_nl_per_day)
            if self.bolus:
                rate += round(Fraction(self.bolus.volume * DAY, self.bolus.duration))
                sure = self.now - (name == "EMPTY_RESERVOIR")
                self.end_bolus("BOLUS_ABORTED", floor(self.bolus.delivered(sure)))
            if not self.held:
                self.write("INFUSION_STOPPED", NUMBERS[name], int(rate))
            self.held = name

    def end_bolus(self, event: str, delivered: int) -> None:
        assert self.bolus
        self.write(event, delivered, self.bolus.number)
        self.bolus = None

    # --- Commands ---

    def commit(self, new: Prescription) -> None:
        old = self.prescription
        self.write("STAGED", new.rate_nl_per_day, new.daily_dose_ng)
        if self.bolus and new.mode is not Mode.SIMPLE_CONTINUOUS:
            self.abort()
        self.prescription = new
        if new.mode is not Mode.STOPPED:
            self.stopped_since = None
        elif self.stopped_since is None:
            self.stopped_since = self.now
        self.write("COMMITTED", old.rate_nl_per_day, new.rate_nl_per_day)
        if new.mode is not old.mode:
            self.write("MODE_CHANGED", old.mode.value, new.mode.value)
        self.review()

    def order_bolus(self, order: BolusOrder) -> None:
        self.bolus = Bolus(order.volume_nl, order.duration_ms, self.now, order.order_number)
        self.write("BOLUS_STARTED", order.volume_nl, order.order_number)
        self.review()

    def abort(self) -> None:
        assert self.bolus
        self.end_bolus("BOLUS_ABORTED", floor(self.bolus.delivered(self.now)))

    def refill(self, volume_nl: int) -> None:
        self.write("RESERVOIR_UPDATED", floor(self.left), volume_nl)
        self.withdrawn += self.left
        self.left = Fraction(volume_nl)
        self.filled += volume_nl
        self.review()

    def review(self) -> None:
        gone = {
            "LOW_RESERVOIR": not self.is_low(self.now),
            "EMPTY_RESERVOIR": self.left > 0,
            "STOPPED_TOO_LONG": self.stopped_since is None,
        }
        for name, is_gone in gone.items():
            if is_gone and name in self.active:
                self.write("ALARM_CLEARED", NUMBERS[name], self.active.pop(name))
        if self.held == "EMPTY_RESERVOIR" and self.left > 0:
            self.held = None
            self.write("INFUSION_RESUMED", 2, self.prescription.rate_nl_per_day)
        self.advance(self.now)


def first(condition: Callable[[int], bool], low: int, high: int) -> int:
    """The first whole ms from `low` to `high` at which a condition that stays true is true."""
    while low < high:
        middle = (low + high) // 2
        if condition(middle):
            high = middle
        else:
            low = middle + 1
    return low
