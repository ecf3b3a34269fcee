"""Whole lives of pumps, at random, against an independent reference: every record, every unit."""

from dataclasses import asdict, replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import Fault
from pump_sim.model.orders import BolusOrder, BolusReport
from pump_sim.model.prescription import Mode, Prescription, dose_totals
from pump_sim.model.profile import Profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Reason, RefusalCode, Refused
from pump_sim.model.rules import check_prescription

from .reference import PPM, ReferencePump, concentration, highest_dose, mean_rate
from .strategies import (
    DAY,
    HOUR,
    PROFILE,
    SHORT_LIVED,
    AbortBolus,
    Action,
    AskForBolus,
    Break,
    EmergencyAction,
    GiveBolus,
    Interrogate,
    Mend,
    Prescribe,
    Prime,
    Refill,
    Reset,
    SetClock,
    StageInVain,
    attempt,
    clocks,
    decided,
    in_continuous_mode,
    in_periodic_mode,
    lives,
    order_for,
    pauses,
    perform,
    prescriptions,
    treatments,
    troubled_lives,
    volumes,
)

Life = list[tuple[int, Action]]
profiles = st.sampled_from([PROFILE, SHORT_LIVED])


class Pair:
    """A pump and its reference, which live the same life."""

    def __init__(
        self, profile: Profile, prescription: Prescription, volume_nl: int, clock_ms: int
    ) -> None:
        self.pump = Pump.implant(
            profile, prescription, volume_nl=volume_nl, clock_local_ms=clock_ms
        )
        self.reference = ReferencePump(profile, prescription, volume_nl, clock_ms)

    def pass_time(self, duration_ms: int) -> None:
        self.pump.settle(self.pump.at_ms + duration_ms)
        self.reference.advance(self.reference.now + duration_ms)

    def act(self, action: Action, number: int) -> None:
        """Do it to both; what the pump refuses, the reference must refuse for the same reasons."""
        expected = expected_refusals(self.pump, self.reference, action, number)
        reasons: tuple[Reason, ...] = ()
        done = None
        try:
            done = attempt(self.pump, action, number)
        except Refused as refused:
            reasons = refused.reasons
        assert {reason.code.name for reason in reasons} == expected, (reasons, expected)
        if reasons:
            refuse(self.reference, action, number, reasons)
        else:
            follow(self.reference, action, done, number)

    def compare(self) -> None:
        """Every record, every volume to the last unit, and what a clinician is shown."""
        pump, reference = self.pump, self.reference
        assert written(pump) == reference.log
        ledger = pump.state().firmware.ledger
        assert ledger.left_units == reference.left
        assert ledger.delivered_units == reference.delivered
        reservoir, truth = pump.state().hardware.reservoir, reference.truth
        assert reservoir.left == truth.left
        assert reservoir.delivered == truth.delivered
        assert reservoir.lost == truth.lost
        assert reservoir.withdrawn == truth.withdrawn
        status = pump.status()
        assert status.infusing_nl_per_day == reference.infusing()
        assert {each.alarm.name for each in status.alarms if each.active} == set(reference.active)
        assert shown(status.bolus) == reference.shown_bolus()
        assert status.next_periodic_at_ms == reference.next_periodic()
        assert status.replacement_planned_at_ms == reference.planned_at()
        assert status.eri_at_ms == reference.eri_at()
        patient = status.patient
        expected = reference.patient_boluses_left()
        assert (patient and (patient.left, patient.next_at_ms)) == expected


def shown(report: BolusReport | None) -> tuple[str, int, int, int] | None:
    if report is None:
        return None
    return report.kind.name, report.volume_nl, report.delivered_nl, report.started_at_ms


def written(pump: Pump) -> list[tuple[int, str, int, int]]:
    return [
        (entry.at_ms, entry.event.name, entry.a, entry.b) for entry in pump.firmware.log.entries
    ]


def expected_refusals(
    pump: Pump, reference: ReferencePump, action: Action, number: int
) -> set[str]:
    """The codes of every reason for which the action must be refused now."""
    refusals: set[str] = {"END_OF_SERVICE"} if reference.eos is not None else set()
    match action:
        case Prescribe(prescription, bridge_volume_nl):
            new = decided(prescription, reference.prescription, bridge_volume_nl)
            refusals = reference.commit_refusals(new)
        case GiveBolus() | Prime():
            order = order_for(pump, action, number)
            refusals = reference.bolus_refusals(
                order.kind.name, order.dose_ng, order.volume_nl, order.duration_ms
            )
        case AskForBolus():
            refusals = set(reference.patient_refusals())
        case AbortBolus():
            refusals = set() if reference.bolus else {"NO_BOLUS"}
        case EmergencyAction(stops):
            lowest_nl_per_day = reference.profile.minimum_rate_nl_per_day
            if not stops and reference.prescription.rate_nl_per_day < lowest_nl_per_day:
                refusals.add("WRONG_MODE")  # STOPPED is less, too
        case SetClock() | Reset() | Break() | Mend() | Interrogate():
            refusals = set()
    return refusals


def follow(reference: ReferencePump, action: Action, done: object, number: int) -> None:
    match action, done:
        case Prescribe(), Prescription():
            reference.commit(done)
        case StageInVain(), Prescription():
            reference.stage_in_vain(done, "STAGING_EXPIRED")
        case ((GiveBolus() | Prime()), BolusOrder()):
            reference.order_bolus(done.kind.name, done.volume_nl, done.duration_ms, number)
        case AskForBolus(), _:
            reference.ask(number)
        case AbortBolus(), _:
            reference.abort()
        case Refill(volume_nl), _:
            reference.refill(volume_nl, by_hand=True)
        case _:
            follow_meddling(reference, action, done)


def follow_meddling(reference: ReferencePump, action: Action, done: object) -> None:
    match action:
        case SetClock(local_ms):
            reference.set_clock(local_ms)
        case Reset(cause):
            reference.reset(cause)
        case EmergencyAction(stops):
            reference.emergency(stops=stops)
        case Break(fault, for_ms) if done is not None:
            until = None if for_ms is None else reference.now + for_ms
            reference.break_down(fault.name, asdict(fault), until)
        case Mend() if isinstance(done, Fault):
            reference.mend(done.name)
        case Interrogate():
            reference.interrogate()


def refuse(
    reference: ReferencePump, action: Action, number: int, reasons: tuple[Reason, ...]
) -> None:
    """What a refusal leaves in the log: of most nothing, of a patient's the reason (REQ-13)."""
    match action:
        case Prescribe(prescription, bridge_volume_nl) if reference.eos is None:
            new = decided(prescription, reference.prescription, bridge_volume_nl)
            reference.stage_in_vain(new, "ROLLED_BACK")
        case AskForBolus():
            for code, until in reference.patient_refusals().items():
                (reason,) = [reason for reason in reasons if reason.code.name == code]
                if until is not None:
                    assert reason.value == until
            reference.refuse_patient(reasons[0].code.value, number)


@settings(max_examples=100, deadline=None)
@given(profiles, prescriptions, volumes, clocks, lives | troubled_lives)
def test_every_event_falls_at_its_exact_millisecond(
    profile: Profile, prescription: Prescription, volume_nl: int, clock_ms: int, life: Life
) -> None:
    """The log is the reference's, record for record, and so is every volume, to the last unit.

    With faults and without; who looks changes nothing. REQ-07, REQ-12, REQ-13, REQ-20, REQ-27.
    """
    pair = Pair(profile, prescription, volume_nl, clock_ms)
    for number, (pause_ms, action) in enumerate(life, 1):
        pair.pass_time(pause_ms)
        pair.compare()
        pair.act(action, number)
        pair.compare()
    pair.pass_time(30 * DAY)
    pair.compare()


@settings(max_examples=120, deadline=None)
@given(treatments, volumes, clocks, lives, st.integers(0, 40 * DAY))
def test_the_worst_case_is_that_of_a_patient_who_takes_all_there_is(
    prescription: Prescription, volume_nl: int, clock_ms: int, life: Life, last_pause_ms: int
) -> None:
    """REQ-19: the low-reservoir date assumes every allotted bolus, to the ms, after anything."""
    pair = Pair(PROFILE, prescription, volume_nl, clock_ms)
    for number, (pause_ms, action) in enumerate(life[:6], 1):
        pair.pass_time(pause_ms)
        pair.act(action, number)
    pair.pass_time(last_pause_ms)
    horizon_ms = pair.pump.at_ms + 20 * DAY
    status = pair.pump.status()
    for name, shown_at_ms, greedy in (
        ("LOW_RESERVOIR", status.low_reservoir_at_ms, True),
        ("EMPTY_RESERVOIR", status.empty_reservoir_at_ms, False),
    ):
        expected = pair.reference.foreseen(name, horizon_ms, greedy=greedy)
        soon = shown_at_ms is not None and shown_at_ms <= horizon_ms
        assert (shown_at_ms if soon else None) == expected


# --- What must hold of any life, whatever the reference says --------------------------------------


@settings(max_examples=100, deadline=None)
@given(treatments, volumes, lives, st.integers(0, 3 * PPM))
def test_nothing_is_lost_and_nothing_flows_back(
    prescription: Prescription, volume_nl: int, life: Life, flow_factor_ppm: int
) -> None:
    """What was filled is somewhere, to the last unit, in truth and in belief (REQ-08)."""
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl, flow_factor_ppm=flow_factor_ppm)
    believed = actual = 0
    for number, (pause_ms, action) in enumerate([*life, (300 * DAY, AbortBolus())], 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
        ledger, reservoir = pump.state().firmware.ledger, pump.state().hardware.reservoir
        assert ledger.filled_units == (
            ledger.delivered_units + ledger.withdrawn_units + ledger.left_units
        )
        assert reservoir.filled == (
            reservoir.delivered + reservoir.lost + reservoir.withdrawn + reservoir.left
        )
        assert ledger.left_units >= 0
        assert reservoir.left >= 0
        assert ledger.delivered_units >= believed
        assert reservoir.delivered >= actual
        believed, actual = ledger.delivered_units, reservoir.delivered
    if flow_factor_ppm == PPM:
        assert actual == believed * PPM


@settings(max_examples=60, deadline=None)
@given(treatments, volumes, lives, st.lists(pauses, max_size=4))
def test_a_pump_made_from_a_state_goes_on_as_if_nothing_had_happened(
    prescription: Prescription, volume_nl: int, life: Life, extra: list[int]
) -> None:
    """In the middle of anything: same log, same state, to the last unit (REQ-07, REQ-17)."""
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl)
    other = Pump.from_state(pump.state())
    steps = [*life, *((pause_ms, AbortBolus()) for pause_ms in extra)]
    for number, (pause_ms, action) in enumerate(steps, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
        other.settle(other.at_ms + pause_ms // 2)
        other = Pump.from_state(other.state())
        other.settle(pump.at_ms)
        perform(other, action, number)
        other = Pump.from_state(other.state())
        assert other.state() == pump.state()
        assert other.status() == pump.status()
        assert other.truth() == pump.truth()
        assert other.next_due_ms() == pump.next_due_ms()


@settings(max_examples=60, deadline=None)
@given(treatments, volumes, lives, st.lists(st.integers(0, 200 * DAY), max_size=20))
def test_how_time_is_cut_makes_no_difference(
    prescription: Prescription, volume_nl: int, life: Life, stops: list[int]
) -> None:
    """Any pattern of settling and looking gives the same therapy log and the same volumes."""
    pump, other = (Pump.implant(PROFILE, prescription, volume_nl=volume_nl) for _ in range(2))
    for number, (pause_ms, action) in enumerate([*life, (200 * DAY, AbortBolus())], 1):
        to_ms = pump.at_ms + pause_ms
        for stop in sorted(other.at_ms + stop % (pause_ms + 1) for stop in stops):
            other.settle(stop)
            other.status()
        for each in (pump, other):
            each.settle(to_ms)
            perform(each, action, number)
        assert other.state() == pump.state()


@settings(max_examples=60, deadline=None)
@given(treatments, volumes, lives)
def test_nothing_is_written_between_two_due_moments(
    prescription: Prescription, volume_nl: int, life: Life
) -> None:
    """Who sleeps until the next due moment misses no record."""
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl)
    for number, (pause_ms, action) in enumerate(life, 1):
        to_ms = pump.at_ms + min(pause_ms, 20 * DAY)
        while (due_ms := pump.next_due_ms()) is not None and due_ms <= to_ms:
            before = pump.firmware.log.next_sequence
            if due_ms > pump.at_ms:
                pump.settle(due_ms - 1)
            assert pump.firmware.log.next_sequence == before
            pump.settle(due_ms)
        pump.settle(to_ms)
        perform(pump, action, number)


@settings(max_examples=40, deadline=None)
@given(treatments, clocks, st.integers(0, 30 * DAY), st.integers(DAY, 30 * DAY))
def test_any_day_or_more_delivers_what_was_programmed(
    prescription: Prescription, clock_ms: int, from_ms: int, duration_ms: int
) -> None:
    """REQ-02: a nominal pump is exact over any window of 24 h or more, and near its mean."""
    volume_nl = PROFILE.capacity_nl
    pump = Pump.implant(PROFILE, prescription, volume_nl=volume_nl, clock_local_ms=clock_ms)
    reference = ReferencePump(PROFILE, prescription, volume_nl, clock_ms)
    pump.settle(from_ms)
    reference.advance(from_ms)
    before = reference.truth.delivered
    assert pump.state().hardware.reservoir.delivered == before
    pump.settle(from_ms + duration_ms)
    reference.advance(from_ms + duration_ms)
    delivered = reference.truth.delivered - before
    assert pump.state().hardware.reservoir.delivered - before == delivered
    if not reference.held:
        # Whole weeks and intervals deliver their mean; a part of one differs by less than one.
        periodic = prescription.periodic
        period_ms = 7 * DAY if periodic is None else periodic.interval_ms
        mean = mean_rate(prescription) * duration_ms * PPM
        assert abs(delivered - mean) <= mean_rate(prescription) * period_ms * PPM


@settings(max_examples=60, deadline=None)
@given(treatments, lives)
def test_boluses_never_add_up_to_more_than_the_highest_flow(
    prescription: Prescription, life: Life
) -> None:
    """REQ-09: at every moment at which anything changes; one bolus at a time."""
    pump = Pump.implant(PROFILE, prescription)
    for number, (pause_ms, action) in enumerate(life, 1):
        to_ms = pump.at_ms + min(pause_ms, 5 * DAY)
        while (due_ms := pump.next_due_ms()) is not None and due_ms <= to_ms:
            pump.settle(due_ms)
            assert pump.status().infusing_nl_per_day <= PROFILE.max_rate_nl_per_day
        pump.settle(to_ms)
        perform(pump, action, number)
        assert pump.status().infusing_nl_per_day <= PROFILE.max_rate_nl_per_day


@settings(max_examples=30, deadline=None)
@given(
    treatments.filter(lambda each: each.patient is not None),
    st.lists(
        st.tuples(
            st.integers(0, 6 * HOUR),
            st.just(AskForBolus())
            | st.builds(SetClock, clocks)
            | st.builds(Reset, st.integers(1, 4)),
        ),
        min_size=10,
        max_size=40,
    ),
)
def test_no_more_patient_boluses_than_allotted_whatever_happens_to_the_pump(
    prescription: Prescription, life: Life
) -> None:
    """REQ-12: lockout and quota hold across resets and clock settings, by the log alone."""
    assert prescription.patient is not None
    pump = Pump.implant(PROFILE, prescription, clock_local_ms=10**12)
    for number, (pause_ms, action) in enumerate([(0, AskForBolus()), *life], 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
        if isinstance(action, Reset):
            perform(pump, Prescribe(prescription), number)
    begun = [at_ms for at_ms, event, _, _ in written(pump) if event == "PATIENT_BOLUS_STARTED"]
    assert begun
    assert all(b - a >= prescription.patient.lockout_ms for a, b in pairwise(begun))
    allotted = prescription.patient.allotted_per_day
    assert all(b - a >= DAY for a, b in zip(begun, begun[allotted:], strict=False))


@settings(max_examples=60, deadline=None)
@given(treatments, lives)
def test_records_are_in_order_and_none_is_missing(prescription: Prescription, life: Life) -> None:
    """REQ-27: permanent numbers without gaps, times that never go back, overwrites counted."""
    pump = Pump.implant(PROFILE, prescription)
    for number, (pause_ms, action) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)
    entries, log = pump.firmware.log.entries, pump.firmware.log.range
    assert [entry.sequence for entry in entries] == list(range(log.first, log.next))
    assert log.overwritten == log.first - 1
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(entries))
    assert all(a.prescription_version <= b.prescription_version for a, b in pairwise(entries))


@settings(max_examples=60, deadline=None)
@given(in_continuous_mode() | in_periodic_mode(), volumes, lives, st.lists(clocks, min_size=1))
def test_a_clock_setting_shifts_nothing_but_a_schedule_of_the_day(
    prescription: Prescription, volume_nl: int, life: Life, settings_ms: list[int]
) -> None:
    """REQ-28: lockouts, alarm timers, periodic boluses and service dates are on monotone time."""
    pump, other = (
        Pump.implant(PROFILE, prescription, volume_nl=volume_nl, clock_local_ms=10**12)
        for _ in range(2)
    )
    kept = [
        (pause_ms, action)
        for pause_ms, action in life
        if not (isinstance(action, Prescribe) and action.prescription.mode is Mode.FLEX)
    ]
    for number, (pause_ms, action) in enumerate(kept, 1):
        for each in (pump, other):
            each.settle(each.at_ms + pause_ms)
        other.firmware.set_clock(settings_ms[number % len(settings_ms)])
        for each in (pump, other):
            perform(each, action, number)
    assert [each for each in written(pump) if each[1] != "CLOCK_SET"] == [
        each for each in written(other) if each[1] != "CLOCK_SET"
    ]
    assert pump.state().firmware.ledger == other.state().firmware.ledger
    status, other_status = pump.status(), other.status()
    assert status.eri_at_ms == other_status.eri_at_ms
    assert status.low_reservoir_at_ms == other_status.low_reservoir_at_ms
    assert status.alarms == other_status.alarms


@given(prescriptions)
def test_every_prescription_that_is_right_is_accepted_and_its_doses_are_reckoned(
    prescription: Prescription,
) -> None:
    """REQ-04, REQ-10: the highest day, with every patient bolus; no reason against it."""
    assert check_prescription(prescription, PROFILE) == ()
    totals = dose_totals(prescription)
    assert totals.mean_ng == prescription.daily_dose_ng
    assert totals.with_patient_ng == highest_dose(prescription)
    assert totals.highest_ng == highest_dose(replace(prescription, patient=None))


@given(
    prescriptions, st.sampled_from(["daily_dose_ng", "rate_nl_per_day"]), st.sampled_from([-1, 1])
)
def test_a_dose_or_rate_that_does_not_follow_from_the_rest_is_refused(
    prescription: Prescription, name: str, change: int
) -> None:
    """REQ-05: by one, up or down, is already wrong."""
    wrong = replace(prescription, **{name: getattr(prescription, name) + change})
    codes = {reason.code for reason in check_prescription(wrong, PROFILE)}
    # Of a continuous infusion several doses may have the same nearest rate.
    follows = prescription.mode is Mode.SIMPLE_CONTINUOUS and wrong.rate_nl_per_day == round(
        Fraction(wrong.daily_dose_ng * 1_000_000, concentration(wrong))
    )
    assert (RefusalCode.MISMATCH in codes) == (not follows)
