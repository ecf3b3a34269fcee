"""A second pump, written from the definitions alone: it walks from rate to rate, in fractions.

It is slow and it shares no arithmetic with the model: every step of a schedule and every bolus is
walked through one by one, and every threshold on the way is found by bisection. Names of modes,
events and alarms are strings; volumes are in ledger units (1 nL/day for 1 ms) and so are whole.
It takes only commands that a pump accepts, and says of orders why a pump must refuse them.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import ceil, floor, lcm

from pump_sim.model.prescription import BridgeDecision, DayPattern, Mode, Prescription
from pump_sim.model.profile import Profile

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
MONTH = Fraction("30.4375") * DAY
PPM = 1_000_000
THURSDAY = 3
"""1970-01-01, counted from Monday."""

IDLE, FLOW = Fraction(1, 96) / MONTH, Fraction("0.0054") / (Fraction("30.4375") * 1_000_000 * DAY)
"""The part of a battery's charge that a ms uses, and that a ledger unit uses (domain.md 1.3)."""
CHARGE = lcm(IDLE.denominator, FLOW.denominator)
IDLE_DRAIN, FLOW_DRAIN = int(IDLE * CHARGE), int(FLOW * CHARGE)
"""The same in whole numbers, which are faster."""

CRITICAL = {
    "EMPTY_RESERVOIR": 2,
    "EOS": 4,
    "MOTOR_STALL": 5,
    "STOPPED_TOO_LONG": 7,
    "SAFE_STATE": 10,
    "UPDATE_INCOMPLETE": 11,
    "EMERGENCY_ACTION": 18,
}
NUMBERS = {"LOW_RESERVOIR": 1, "ERI": 3, "REPLACEMENT_PLANNED": 15, **CRITICAL}
IN_ORDER = (
    "LOW_RESERVOIR",
    "EMPTY_RESERVOIR",
    "STOPPED_TOO_LONG",
    "MOTOR_STALL",
    "REPLACEMENT_PLANNED",
    "ERI",
    "EOS",
)
"""In which alarms are raised that begin in the same millisecond."""
TREATING = {"SIMPLE_CONTINUOUS", "FLEX", "PERIODIC_BOLUS"}
STARTED = {
    "PRIMING": "PRIMING_STARTED",
    "BRIDGE": "BRIDGE_STARTED",
    "SINGLE": "BOLUS_STARTED",
    "PATIENT": "PATIENT_BOLUS_STARTED",
    "PERIODIC": "PERIODIC_BOLUS_STARTED",
}
"""Kinds of boluses, in order of precedence, and what is written when one starts."""


# --- Prescriptions -------------------------------------------------------------------------------


def concentration(prescription: Prescription) -> int:
    return prescription.drugs[0].concentration_ng_per_ml if prescription.drugs else 0


def local_step(days: tuple[DayPattern, ...], local_ms: int) -> tuple[int, int]:
    """The rate of a weekly schedule at a local time, and the local time of its next step."""
    day, moment = divmod(local_ms, DAY)
    steps = next(pattern.steps for pattern in days if (day + THURSDAY) % 7 in pattern.weekdays)
    begun = [step for step in steps if step.starts_at_min * MINUTE <= moment]
    later = [step.starts_at_min * MINUTE for step in steps if step not in begun]
    return begun[-1].rate_nl_per_day, day * DAY + min([*later, DAY])


def units_of_day(pattern: DayPattern) -> int:
    starts = [step.starts_at_min for step in pattern.steps] + [24 * 60]
    return sum(
        step.rate_nl_per_day * (starts[index + 1] - starts[index]) * MINUTE
        for index, step in enumerate(pattern.steps)
    )


def mean_rate(prescription: Prescription) -> Fraction:
    """What is programmed, averaged, in nL/day."""
    if prescription.mode.name == "FLEX":
        week = sum(len(day.weekdays) * units_of_day(day) for day in prescription.days)
        return Fraction(week, 7 * DAY)
    periodic = prescription.periodic
    if periodic is not None:
        boluses = Fraction(periodic.volume_nl * DAY, periodic.interval_ms)
        return periodic.basal_rate_nl_per_day + boluses
    return Fraction(prescription.rate_nl_per_day)


def highest_basal(prescription: Prescription) -> int:
    if prescription.mode.name == "FLEX":
        return max(step.rate_nl_per_day for day in prescription.days for step in day.steps)
    if prescription.periodic is not None:
        return prescription.periodic.basal_rate_nl_per_day
    return prescription.rate_nl_per_day


def highest_dose(prescription: Prescription) -> int:
    """Of the primary drug on any day, with every patient bolus (REQ-04)."""
    ng_per_nl = Fraction(concentration(prescription), 1_000_000)
    highest = prescription.daily_dose_ng
    if prescription.mode.name == "FLEX":
        most = max(units_of_day(day) for day in prescription.days)
        highest = round(Fraction(most, DAY) * ng_per_nl)
    elif (periodic := prescription.periodic) is not None:
        boluses = ceil(Fraction(DAY, periodic.interval_ms)) * periodic.volume_nl
        highest = round((periodic.basal_rate_nl_per_day + boluses) * ng_per_nl)
    patient = prescription.patient
    return highest + (patient.allotted_per_day * patient.dose_ng if patient else 0)


# --- The pump ------------------------------------------------------------------------------------


@dataclass
class Bolus:
    kind: str
    units: int
    duration: int
    start: int
    number: int = 0
    quiet: bool = False
    """An undisturbed periodic one: it is the prescription, so nothing is written of it."""

    @property
    def end(self) -> int:
        return self.start + self.duration

    @property
    def rate(self) -> Fraction:
        return Fraction(self.units, self.duration)

    def delivered(self, at: int) -> int:
        return floor(self.rate * min(max(at - self.start, 0), self.duration))


@dataclass
class Truth:
    """What really flows, in millionths of a ledger unit."""

    left: int
    filled: int = 0
    delivered: int = 0
    lost: int = 0
    withdrawn: int = 0
    factor: int = PPM
    wrong: set[str] = field(default_factory=set)

    def flow(self, commanded: int) -> None:
        if self.wrong & {"motor_stall", "catheter_occlusion"}:
            return
        flow = min(commanded * self.factor, self.left)
        self.left -= flow
        if "catheter_disconnection" in self.wrong:
            self.lost += flow
        else:
            self.delivered += flow


@dataclass
class ReferencePump:
    profile: Profile
    prescription: Prescription
    volume_nl: int
    clock: int = 0
    """What the local clock showed, or would have shown, at the implantation."""
    now: int = 0
    delivered: int = 0
    driven: int = 0
    """What the motor was told to move: the same, but where it runs dry."""
    withdrawn: int = 0
    bolus: Bolus | None = None
    waiting: Bolus | None = None
    """A periodic bolus, or the rest of one, that gave way."""
    due: int | None = None
    """When the next one of the train is to begin; None while one waits."""
    phase: int = 0
    """When one of the train began, or would have begun: the others come whole intervals later."""
    active: dict[str, int] = field(default_factory=dict)
    held: str | None = None
    asked_at: list[int] = field(default_factory=list)
    """When patient boluses began."""
    greedy: bool = False
    """The patient takes every bolus that there is, as soon as it may be had."""
    looking_ahead: bool = False
    plans: dict[tuple[int, int], int] = field(default_factory=dict)
    on_top: list[Bolus] = field(default_factory=list)
    """Looking ahead: what flows on top of whatever else does."""
    short: bool = False
    eri: int | None = None
    eos: int | None = None
    stopped_since: int | None = None
    faults: dict[str, int | None] = field(default_factory=dict)
    """What is wrong with it, and until when."""
    stalled_since: int | None = None
    interrogations: int = 0
    """How many it takes until it is noticed that the motor turns again."""
    turned_at: int | None = None
    log: list[tuple[int, str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = self.filled = self.volume_nl * DAY
        self.truth = Truth(self.left * PPM, self.left * PPM)
        life = Fraction(self.profile.battery_charge_drain_months, 30_000_000_000)
        self.charge = life * CHARGE
        if self.mode == "STOPPED":
            self.stopped_since = 0
        self.write("IMPLANTED", self.volume_nl, self.prescription.rate_nl_per_day)
        self.begin_mode()
        self.happen()

    @property
    def mode(self) -> str:
        return self.prescription.mode.name

    def write(self, event: str, a: int, b: int) -> None:
        self.log.append((self.now, event, a, b))

    # --- What flows ---

    def basal(self) -> int:
        """In nL/day, which is ledger units per ms; until `next_step`."""
        if self.bolus and self.bolus.kind == "BRIDGE":
            return 0
        if self.mode == "FLEX":
            return local_step(self.prescription.days, self.clock + self.now)[0]
        return highest_basal(self.prescription)

    def next_step(self) -> int:
        return local_step(self.prescription.days, self.clock + self.now)[1] - self.clock

    def flow(self, at: int) -> int:
        """Commanded from now until `at`, before which nothing may change."""
        if self.held:
            return 0
        running = [*self.on_top, *([self.bolus] if self.bolus else [])]
        boluses = sum(bolus.delivered(at) - bolus.delivered(self.now) for bolus in running)
        return self.basal() * (at - self.now) + boluses

    def infusing(self) -> int:
        """The rate that a clinician is shown."""
        if self.held or "MOTOR_STALL" in self.active:
            return 0
        return self.basal() + (round(self.bolus.rate) if self.bolus else 0)

    def shown_bolus(self) -> tuple[str, int, int, int] | None:
        """Kind, volume and part delivered in nL, and beginning of the one that runs."""
        if self.bolus is None:
            return None
        delivered = self.bolus.delivered(self.now) // DAY
        return self.bolus.kind, self.bolus.units // DAY, delivered, self.bolus.start

    def next_periodic(self) -> int | None:
        """When the next one is to begin, or the rest of one; another bolus may shift it yet."""
        periodic = self.prescription.periodic
        if self.held or periodic is None:
            return None
        if self.bolus and self.bolus.kind == "BRIDGE":
            return self.bolus.end + periodic.first_after_ms
        return self.bolus.end if self.bolus and self.waiting else self.due

    def patient_boluses_left(self) -> tuple[int, int] | None:
        """How many may begin now, and when the next one may."""
        patient = self.prescription.patient
        if patient is None:
            return None
        begun = sum(at > self.now - DAY for at in self.asked_at)
        return max(0, patient.allotted_per_day - begun), self.next_patient_bolus()

    # --- What is so at a later moment, if no rate changes until then ---

    def is_low(self, at: int) -> bool:
        return self.left - self.flow(at) <= self.prescription.low_reservoir_threshold_nl * DAY

    def is_empty(self, at: int) -> bool:
        return self.left - self.flow(at) <= self.profile.empty_reservoir_threshold_nl * DAY

    def is_eri(self, at: int) -> bool:
        """So much life is left at the prescribed rate, by charge or by age."""
        notice = self.profile.eri_before_eos_ms
        if at >= self.profile.service_life_ms - notice:
            return True
        flow = self.flow(at)
        pumped = self.driven + (flow if "dry_run" in self.faults else min(self.left, flow))
        return at * IDLE_DRAIN + pumped * FLOW_DRAIN >= self.charge_at_eri

    @property
    def charge_at_eri(self) -> Fraction:
        """What may be used until then."""
        drain = IDLE_DRAIN + self.prescription.rate_nl_per_day * FLOW_DRAIN
        return self.charge - self.profile.eri_before_eos_ms * drain

    def dates(self) -> dict[str, int]:
        """When alarms are due whatever flows."""
        found = {}
        if self.stopped_since is not None:
            found["STOPPED_TOO_LONG"] = self.stopped_since + self.profile.stopped_too_long_ms
        if self.eri is not None:
            found["EOS"] = self.eri + self.profile.eri_before_eos_ms
        if self.stalled_since is not None:
            found["MOTOR_STALL"] = self.stalled_since + self.profile.stall_detect_ms
        if not self.looking_ahead and "REPLACEMENT_PLANNED" not in self.active:
            found["REPLACEMENT_PLANNED"] = self.planned_at()
        return {name: at for name, at in found.items() if name not in self.active}

    def thresholds(self) -> dict[str, Callable[[int], bool]]:
        """Alarms that depend on what flows."""
        found = {
            "LOW_RESERVOIR": self.is_low,
            "EMPTY_RESERVOIR": self.is_empty,
            "ERI": self.is_eri,
        }
        return {name: found[name] for name in found if name not in self.active}

    # --- Time ---

    def edges(self) -> Iterator[int]:
        """Moments at which something may change by itself."""
        yield from self.dates().values()
        yield from (until for until in self.faults.values() if until is not None)
        yield from (bolus.end for bolus in self.on_top)
        if self.bolus:
            yield self.bolus.end
        if self.due is not None and not self.held:
            yield self.due
        if self.waiting:
            yield self.waiting.start
        if self.mode == "FLEX":
            yield self.next_step()
        if self.greedy and self.prescription.patient:
            yield self.next_patient_bolus()

    def advance(self, to: int, until: str | None = None) -> None:
        """To that moment; or to the one at which an alarm is raised."""
        while self.now < to and until not in (*self.active, ""):
            edge = min([to, *(at for at in self.edges() if at > self.now)])
            crossed = [condition for condition in self.thresholds().values() if condition(edge)]
            self.flow_to(min([edge, *(first(each, self.now, edge) for each in crossed)]))
            self.happen()

    def flow_to(self, at: int) -> None:
        self.on_top = [bolus for bolus in self.on_top if bolus.end > self.now]
        asked = self.flow(at)
        flow = min(self.left, asked)
        dry = "dry_run" in self.faults
        self.short = asked > self.left and not dry
        self.left -= flow
        self.delivered += flow
        self.driven += asked if dry else flow
        self.truth.flow(asked if dry else flow)
        self.now = at

    def happen(self) -> None:
        """Everything that is due now."""
        self.look_for_steps()
        if self.bolus and self.bolus.end <= self.now and not self.short:
            ended = self.bolus
            self.end_bolus("BOLUS_COMPLETED")
            if ended.kind == "BRIDGE":
                self.begin_mode()
        if not self.short:
            self.happen_periodic()
        for name in IN_ORDER:
            if self.dates().get(name, self.now + 1) <= self.now:
                self.begin(name)
            if name in (thresholds := self.thresholds()) and thresholds[name](self.now):
                self.begin(name)
        self.short = False
        self.look_for_steps()
        self.take()
        over = [name for name, until in self.faults.items() if until and until <= self.now]
        for name in over:
            self.mend(name)
        if over:
            self.happen()

    def look_for_steps(self) -> None:
        """A stall is seen from when flow is first commanded, while there is to be any."""
        if "MOTOR_STALL" in self.active or self.turned_at is not None:
            return
        if "motor_stall" not in self.faults or self.held or self.mode == "STOPPED":
            self.stalled_since = None
        elif self.stalled_since is None and (self.bolus or self.basal()):
            self.stalled_since = self.now

    def take(self) -> None:
        patient = self.prescription.patient
        if not self.greedy or patient is None or self.next_patient_bolus() > self.now:
            return
        if self.bolus is None or self.bolus.kind == "PERIODIC":
            self.asked_at.append(self.now)
            volume = patient.volume_nl * DAY
            self.on_top.append(Bolus("PATIENT", volume, patient.duration_ms, self.now))

    def happen_periodic(self) -> None:
        periodic = self.prescription.periodic
        if self.held or periodic is None:
            return
        if self.waiting and self.bolus is None:
            self.bolus, self.waiting = self.waiting, None
            self.bolus.start = self.now
            self.write(STARTED["PERIODIC"], self.bolus.units // DAY, 0)
            if self.due is None:
                self.begin_interval(periodic.interval_ms)
        elif self.waiting and self.bolus and self.waiting.start <= self.now and self.due is None:
            # It falls due again; a rest, which never did, just waits on.
            self.shift(self.waiting, self.bolus)
            self.phase = self.waiting.start
        while self.due is not None and self.due <= self.now:
            one = Bolus("PERIODIC", periodic.volume_nl * DAY, periodic.duration_ms, self.now)
            if self.bolus is None:
                one.quiet = True
                self.bolus = one
                self.begin_interval(periodic.interval_ms)
            elif self.waiting:
                # The rest of one waits already: they do not pile up.
                self.due += periodic.interval_ms
            elif self.looking_ahead:
                self.on_top.append(one)
                self.begin_interval(periodic.interval_ms)
            else:
                self.due = None
                self.shift(one, self.bolus)
                self.phase = one.start

    def begin_interval(self, interval: int) -> None:
        self.phase = self.now
        self.due = self.now + interval

    def shift(self, one: Bolus, other: Bolus) -> None:
        self.waiting = one
        one.start = other.end
        self.write("PERIODIC_BOLUS_SHIFTED", one.units // DAY, other.end)

    def begin_mode(self) -> None:
        periodic = self.prescription.periodic
        self.waiting = None
        self.due = self.now + periodic.first_after_ms if periodic else None
        self.phase = self.due or 0

    # --- Alarms ---

    def begin(self, name: str) -> None:
        self.active[name] = self.now
        if name == "ERI":
            self.eri = self.now
        if name == "EOS":
            self.eos = self.now
        self.write("ALARM_RAISED", NUMBERS[name], 2 if name in CRITICAL else 1)
        if name == "EOS" or (name == "EMPTY_RESERVOIR" and "dry_run" not in self.faults):
            self.hold(name)

    def hold(self, name: str) -> None:
        rate = self.basal() + (round(self.bolus.rate) if self.bolus else 0)
        if self.bolus:
            self.end_bolus("BOLUS_ABORTED", sure=self.now - (name == "EMPTY_RESERVOIR"))
        if not self.held:
            self.write("INFUSION_STOPPED", NUMBERS[name], rate)
        self.held = name

    def clear(self, name: str) -> None:
        if name in self.active:
            self.write("ALARM_CLEARED", NUMBERS[name], self.active.pop(name))

    def end_bolus(self, event: str, sure: int | None = None) -> Bolus:
        assert self.bolus
        ended, self.bolus = self.bolus, None
        if not (ended.quiet and event == "BOLUS_COMPLETED"):
            delivered = ended.delivered(self.now if sure is None else sure)
            self.write(event, delivered // DAY, ended.number)
        return ended

    # --- Commands ---

    def commit(self, new: Prescription) -> None:
        old = self.prescription
        self.write("STAGED", new.rate_nl_per_day, new.daily_dose_ng)
        if self.bolus and (new.mode.name not in TREATING or self.bolus.kind == "PERIODIC"):
            self.end_bolus("BOLUS_ABORTED")
        self.prescription = new
        if self.mode != "STOPPED":
            self.stopped_since = None
        elif self.stopped_since is None:
            self.stopped_since = self.now
        self.write("COMMITTED", old.rate_nl_per_day, new.rate_nl_per_day)
        if highest_dose(new) > self.profile.soft_daily_dose_ng:
            self.write("SOFT_LIMIT_CONFIRMED", highest_dose(new), self.profile.soft_daily_dose_ng)
        if self.mode != old.mode.name:
            self.write("MODE_CHANGED", old.mode.value, new.mode.value)
        if new.bridge_decision.name == "DECLINED":
            self.write("BRIDGE_DECLINED", concentration(old), concentration(new))
        self.begin_mode()
        if new.bridge is not None:
            volume, duration = new.bridge.volume_nl * DAY, new.bridge.duration_ms
            self.due = None
            self.start(Bolus("BRIDGE", volume, duration, self.now))
        self.review("SAFE_STATE", "UPDATE_INCOMPLETE", "EMERGENCY_ACTION")

    def stage_in_vain(self, new: Prescription, event: str) -> None:
        self.write("STAGED", new.rate_nl_per_day, new.daily_dose_ng)
        self.write(event, new.rate_nl_per_day, new.daily_dose_ng)
        if event == "ROLLED_BACK":
            self.review("UPDATE_INCOMPLETE")
        elif "UPDATE_INCOMPLETE" not in self.active:
            self.begin("UPDATE_INCOMPLETE")

    def reset(self, cause: int) -> None:
        """To the minimum rate of the same drugs, until somebody prescribes anew."""
        self.write("RESET", cause, 0)
        if self.bolus:
            self.end_bolus("BOLUS_ABORTED")
        old = self.prescription
        self.prescription = self.plain(Mode.MINIMUM_RATE, self.profile.minimum_rate_nl_per_day)
        self.stopped_since = None
        self.begin_mode()
        if self.mode != old.mode.name:
            self.write("MODE_CHANGED", old.mode.value, self.prescription.mode.value)
        if "SAFE_STATE" not in self.active:
            self.begin("SAFE_STATE")
        self.review()

    def plain(self, mode: Mode, rate: int) -> Prescription:
        """A constant rate of the same drugs, and nothing else."""
        old = self.prescription
        return replace(
            old,
            mode=mode,
            rate_nl_per_day=rate,
            daily_dose_ng=round(Fraction(rate * concentration(old), 1_000_000)),
            days=(),
            periodic=None,
            patient=None,
            bridge_decision=BridgeDecision.NOT_NEEDED,
            bridge=None,
        )

    def emergency(self, *, stops: bool) -> None:
        """Somebody without a key; nothing is done twice."""
        old = self.prescription
        mode = Mode.STOPPED if stops else Mode.MINIMUM_RATE
        rate = 0 if stops else self.profile.minimum_rate_nl_per_day
        if old.mode is not mode or self.bolus is not None:
            if self.bolus:
                self.end_bolus("BOLUS_ABORTED")
            self.prescription = self.plain(mode, rate)
            if stops and self.stopped_since is None:
                self.stopped_since = self.now
            event = "EMERGENCY_STOPPED" if stops else "EMERGENCY_MINIMUM_RATE"
            self.write(event, old.rate_nl_per_day, rate)
            self.write("COMMITTED", old.rate_nl_per_day, rate)
            if old.mode is not mode:
                self.write("MODE_CHANGED", old.mode.value, mode.value)
            self.begin_mode()
            if "EMERGENCY_ACTION" not in self.active:
                self.begin("EMERGENCY_ACTION")
        self.review()

    def commit_refusals(self, new: Prescription) -> set[str]:
        """Why a valid prescription must not be committed now."""
        refusals = set()
        if "EOS" in self.active:
            return {"END_OF_SERVICE"}
        if new.bridge is not None and self.held:
            refusals.add("INFUSION_HELD")
        running = self.bolus if self.bolus and self.bolus.kind != "PERIODIC" else None
        if running and new.mode.name in TREATING:
            if running.kind == "BRIDGE" or not new.same_drugs(self.prescription):
                refusals.add("BOLUS_ACTIVE")
            if highest_basal(new) + running.rate > self.profile.max_rate_nl_per_day:
                refusals.add("OUT_OF_RANGE")
        return refusals

    def bolus_refusals(self, kind: str, dose: int, volume_nl: int, duration: int) -> set[str]:
        """Why an order of a clinician must be refused."""
        profile, refusals = self.profile, set()
        if "EOS" in self.active:
            refusals.add("END_OF_SERVICE")
        if self.mode == "STOPPED" or "SAFE_STATE" in self.active:
            refusals.add("WRONG_MODE")
        if self.bolus and self.bolus.kind in {"PRIMING", "BRIDGE", "SINGLE"}:
            refusals.add("BOLUS_ACTIVE")
        if self.left < DAY:
            refusals.add("RESERVOIR_EMPTY")
        elif volume_nl * DAY > self.left:
            refusals.add("OUT_OF_RANGE")
        rate = Fraction(volume_nl * DAY, duration)
        if highest_basal(self.prescription) + rate > self.profile.max_rate_nl_per_day:
            refusals.add("OUT_OF_RANGE")
        doses = {"PRIMING": profile.max_priming_volume_nl, "SINGLE": profile.max_bolus_dose_ng}
        if volume_nl < 1 or (volume_nl if kind == "PRIMING" else dose) > doses[kind]:
            refusals.add("OUT_OF_RANGE")
        return refusals

    def order_bolus(self, kind: str, volume_nl: int, duration: int, number: int) -> None:
        self.start(Bolus(kind, volume_nl * DAY, duration, self.now, number))
        self.review()

    def start(self, one: Bolus) -> None:
        running, self.bolus = self.bolus, one
        if running and running.kind == "PERIODIC":
            gone = running.delivered(self.now)
            rest = Bolus("PERIODIC", running.units - gone, running.end - self.now, self.now)
            if not gone:
                # It might as well fall due only now: the train goes on from where it begins.
                self.due, self.phase = None, one.end
            self.shift(rest, one)
        elif running:
            self.bolus = running
            self.end_bolus("BOLUS_ABORTED")
            self.bolus = one
        bridge = self.prescription.bridge if one.kind == "BRIDGE" else None
        second = bridge.rate_nl_per_day if bridge else one.number
        self.write(STARTED[one.kind], one.units // DAY, second)

    def next_patient_bolus(self) -> int:
        """The first moment at which neither lockout nor allotment stand against one."""
        patient = self.prescription.patient
        assert patient
        moment = self.now
        if self.asked_at:
            moment = max(moment, self.asked_at[-1] + patient.lockout_ms)
        if len(self.asked_at) >= patient.allotted_per_day:
            moment = max(moment, self.asked_at[-patient.allotted_per_day] + DAY)
        return moment

    def patient_refusals(self) -> dict[str, int | None]:
        """Why a patient may have no bolus now, and until when."""
        patient = self.prescription.patient
        if patient is None:
            # Nothing else could be held against what is not there.
            return {"NOT_PRESCRIBED": None}
        refusals: dict[str, int | None] = {}
        if "EOS" in self.active:
            refusals["END_OF_SERVICE"] = None
        if self.left < DAY:
            refusals["RESERVOIR_EMPTY"] = None
        elif patient.volume_nl * DAY > self.left:
            refusals["OUT_OF_RANGE"] = None
        if self.bolus and self.bolus.kind != "PERIODIC":
            refusals["BOLUS_ACTIVE"] = None
        if self.asked_at and self.now < self.asked_at[-1] + patient.lockout_ms:
            refusals["LOCKED_OUT"] = self.asked_at[-1] + patient.lockout_ms
        if sum(at > self.now - DAY for at in self.asked_at) >= patient.allotted_per_day:
            refusals["ALLOTMENT_USED"] = self.asked_at[-patient.allotted_per_day] + DAY
        return refusals

    def ask(self, number: int) -> None:
        """The patient gets a bolus."""
        patient = self.prescription.patient
        assert patient
        self.asked_at.append(self.now)
        one = Bolus("PATIENT", patient.volume_nl * DAY, patient.duration_ms, self.now, number)
        self.start(one)
        self.happen()

    def refuse_patient(self, first_code: int, number: int) -> None:
        self.write("PATIENT_BOLUS_REFUSED", first_code, number)

    def abort(self) -> None:
        ended = self.end_bolus("BOLUS_ABORTED")
        if ended.kind == "BRIDGE":
            self.begin_mode()
        self.review()

    def refill(self, volume_nl: int, *, by_hand: bool) -> None:
        self.write("RESERVOIR_UPDATED", self.left // DAY, volume_nl)
        self.withdrawn += self.left
        self.left = volume_nl * DAY
        self.filled += self.left
        if by_hand:
            self.truth.withdrawn += self.truth.left
            self.truth.left = self.left * PPM
            self.truth.filled += self.truth.left
        self.review()

    def set_clock(self, local: int) -> None:
        self.write("CLOCK_SET", self.clock + self.now, local)
        self.clock = local - self.now

    def review(self, *over: str) -> None:
        """What a command brings about at once: these alarms are over, and others may be."""
        gone = {
            "LOW_RESERVOIR": not self.is_low(self.now),
            "EMPTY_RESERVOIR": not self.is_empty(self.now),
            "STOPPED_TOO_LONG": self.stopped_since is None,
            "SAFE_STATE": "SAFE_STATE" in over,
            "UPDATE_INCOMPLETE": "UPDATE_INCOMPLETE" in over,
            "EMERGENCY_ACTION": "EMERGENCY_ACTION" in over,
        }
        for name, is_gone in gone.items():
            if is_gone:
                self.clear(name)
        if self.held == "EMPTY_RESERVOIR" and not self.is_empty(self.now):
            self.release("EMPTY_RESERVOIR")
        self.happen()

    def release(self, name: str) -> None:
        """After a hold it is as if there had been none; but what was interrupted is over."""
        self.held = self.waiting = None
        self.write("INFUSION_RESUMED", NUMBERS[name], self.infusing())
        if (periodic := self.prescription.periodic) is not None:
            self.due = self.phase
            while self.due < self.now:
                self.due += periodic.interval_ms

    # --- Faults ---

    def break_down(self, name: str, figures: dict[str, int], until: int | None) -> None:
        self.faults[name] = until
        self.truth.wrong = {*self.faults}
        if name == "flow_error":
            self.truth.factor = figures["factor_ppm"]
        if name == "dry_run" and self.held == "EMPTY_RESERVOIR":
            self.release("EMPTY_RESERVOIR")
        if name == "motor_stall":
            self.interrogations = figures["registered_after"]
            self.turned_at = None
        self.happen()

    def mend(self, name: str) -> None:
        del self.faults[name]
        self.truth.wrong = {*self.faults}
        if name == "flow_error":
            self.truth.factor = PPM
        if name == "motor_stall":
            self.turned_at = self.now
            self.notice_motion()
        if name == "dry_run" and "EMPTY_RESERVOIR" in self.active:
            self.hold("EMPTY_RESERVOIR")

    def interrogate(self) -> None:
        if self.turned_at is not None:
            self.interrogations -= 1
            self.notice_motion()

    def notice_motion(self) -> None:
        """The motor turns: after a long stall it is on record, when it has been noticed."""
        if "MOTOR_STALL" not in self.active:
            self.stalled_since = self.turned_at = None
        elif self.turned_at is not None and self.interrogations <= 0:
            since = self.stalled_since
            self.stalled_since = self.turned_at = None
            assert since is not None
            self.write("MOTOR_RECOVERED", since, self.now)
            self.clear("MOTOR_STALL")

    # --- What is to come ---

    def foreseen(self, name: str, horizon: int, *, greedy: bool) -> int | None:
        """When an alarm is due if nobody does anything; or nobody but a greedy patient.

        What that one takes comes on top of what is to flow without it (REQ-19).
        """
        if name in self.active:
            return self.active[name]
        future = self.imagined()
        future.greedy = greedy
        future.happen()
        future.advance(horizon, until=name)
        return future.active.get(name)

    def imagined(self) -> "ReferencePump":
        future = copy.copy(self)
        future.active, future.asked_at = dict(self.active), list(self.asked_at)
        future.truth, future.log = copy.copy(self.truth), []
        future.bolus, future.waiting = copy.copy(self.bolus), copy.copy(self.waiting)
        future.on_top = []
        future.faults, future.looking_ahead = {}, True
        return future

    def eri_at(self) -> int:
        """When the replacement was indicated, or will be if all goes on as it does.

        Found anew only after something was written: else it does go on as it did.
        """
        if self.eri is not None:
            return self.eri
        key = len(self.log), self.clock
        if key not in self.plans:
            self.plans = {key: self.foreseen_eri()}
        return self.plans[key]

    def planned_at(self) -> int:
        """So long before the end of service; once it is due it stays."""
        if "REPLACEMENT_PLANNED" in self.active:
            return self.active["REPLACEMENT_PLANNED"]
        notice, lead = self.profile.eri_before_eos_ms, self.profile.replacement_lead_ms
        return max(0, self.eri_at() + notice - lead)

    def foreseen_eri(self) -> int:
        """From a reservoir that is never empty."""
        future = self.imagined()
        future.active.update(LOW_RESERVOIR=0, EMPTY_RESERVOIR=0)
        future.left = 10**30
        latest = self.profile.service_life_ms
        while future.bolus or future.waiting or future.on_top:
            if future.held or future.now >= latest:
                break
            future.advance(min(at for at in future.edges() if at > future.now))
        future.skip_periods()
        future.advance(latest, until="ERI")
        return future.active["ERI"]

    def skip_periods(self) -> None:
        """Let as many whole weeks or intervals pass as are sure to end before the indication."""
        periodic = self.prescription.periodic
        period = periodic.interval_ms if periodic else 7 * DAY
        flow = 0 if self.held else int(mean_rate(self.prescription) * period)
        left = self.charge_at_eri - self.now * IDLE_DRAIN - self.driven * FLOW_DRAIN
        by_charge = floor(left / (period * IDLE_DRAIN + flow * FLOW_DRAIN)) - 1
        latest = self.profile.service_life_ms - self.profile.eri_before_eos_ms
        count = min(by_charge, (latest - self.now) // period - 1)
        if count > 0:
            self.now += count * period
            self.driven += count * flow
            self.phase += count * period
            self.due = None if self.due is None else self.due + count * period


def first(condition: Callable[[int], bool], low: int, high: int) -> int:
    """The first whole ms from `low` to `high` at which a condition that stays true is true."""
    while low < high:
        middle = (low + high) // 2
        if condition(middle):
            high = middle
        else:
            low = middle + 1
    return low
