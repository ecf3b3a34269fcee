"""One pump in place of another: catheter and patient go on, and the new one's time begins at 0."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import (
    CatheterDisconnection,
    CatheterOcclusion,
    ClockDrift,
    FlowError,
    MotorStall,
)
from pump_sim.model.hardware.patient import PatientFlag, PatientView
from pump_sim.model.prescription import Prescription
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Refused
from pump_sim.model.units import PPM
from pump_sim.soundness import check_state

from .pumps import balanced, forked, implanted, program
from .strategies import DAY, HOUR, MINUTE, PROFILE, bolus, continuous, decided, perform, treatments
from .test_injection import Deed, FillWith, Inject, hands_on_lives

LARGE = load_profile("pump-40ml")


def live(pump: Pump, life: list[tuple[int, Deed]]) -> None:
    for number, (pause_ms, deed) in enumerate(life, 1):
        pump.settle(pump.at_ms + pause_ms)
        if isinstance(deed, Inject):
            if pump.injecting_until_ms is None:
                pump.inject_catheter(deed[0], deed[1], deed[2], aspirated=deed[3])
        elif isinstance(deed, FillWith):
            pump.fill_by_hand(deed[0], concentration_ng_per_ml=deed[1])
        else:
            perform(pump, deed, number)


def next_pump(old: Pump, prescription: Prescription | None = None, **more: object) -> Pump:
    """Another one of the same kind, by the same local clock."""
    return Pump.implant(
        PROFILE,
        prescription or old.firmware.prescription,
        serial_number="SIM-000002",
        clock_local_ms=old.status().clock_local_ms,
        into=old,
        **more,  # type: ignore[arg-type]
    )


def same_patient(seen: PatientView, expected: PatientView, *, judged_anew: bool = False) -> None:
    """To the noise of floats: after years a moment is known to less than a microsecond, in which a
    quick hand injects some 0.0005 ng.
    """
    noise = 1e-5
    for name in ("csf_ng_per_ml", "effect_ng_per_ml", "reference_ng_per_ml"):
        value, wanted = getattr(seen, name), getattr(expected, name)
        assert value == pytest.approx(wanted, rel=1e-9, abs=noise), name
    if seen.effect_ppm is None or expected.effect_ppm is None:
        assert seen.effect_ppm == expected.effect_ppm
    else:
        assert expected.reference_ng_per_ml is not None
        noise_ppm = 1 + noise / expected.reference_ng_per_ml * PPM
        assert seen.effect_ppm == pytest.approx(expected.effect_ppm, rel=1e-8, abs=noise_ppm)
    # Withdrawal looks 12 h back, over which another reference may judge otherwise.
    unsure = {PatientFlag.WITHDRAWAL} if judged_anew else set()
    assert set(seen.flags) - unsure == set(expected.flags) - unsure
    assert seen.tip_concentration_ng_per_ml == expected.tip_concentration_ng_per_ml


@settings(max_examples=60, deadline=None)
@given(
    st.none() | treatments,
    hands_on_lives,
    st.integers(0, 3 * DAY),
    st.none() | treatments,
    st.sampled_from([-90_000, 0, 0, 250]),
    st.booleans(),
)
def test_the_patient_notices_nothing_at_that_moment(
    before: Prescription | None,
    life: list[tuple[int, Deed]],
    rest_ms: int,
    after: Prescription | None,
    drift_ppm: int,
    primed: bool,
) -> None:
    """Levels, effect, reference and flags are the same just before and after, whatever was.

    And the new pump's state is one that a pump can be in, now and after its life has gone on.
    """
    old = implanted(before or continuous(), at_local_ms=10**12)
    if drift_ppm:
        old.inject(ClockDrift(drift_ppm=drift_ppm))
    live(old, life)
    old.settle(old.at_ms + rest_ms)
    old.explant()
    seen = old.patient()
    prescription = after or old.firmware.prescription
    if not prescription.drugs:
        return
    new = next_pump(old, prescription, primed=primed)
    moved = old.state().hardware.patient.moved(-old.firmware.at_ms)
    judged_anew = new.state().hardware.patient.reference != moved.reference
    same_patient(new.patient(), seen, judged_anew=judged_anew)
    assert (new.at_ms, new.firmware.at_ms, new.truth().received_ng) == (0, 0, 0)
    check_state(new.state())
    live(new, life)
    assert balanced(new)
    check_state(new.state())


@pytest.mark.parametrize("drug_in_catheter", [2_000_000, 500_000])
def test_the_same_therapy_goes_on_as_if_there_had_been_one_pump(drug_in_catheter: int) -> None:
    """At the same moments after, the patient of two pumps is as that of one."""
    one = implanted(continuous())
    one.settle(40 * DAY)
    one.fill_by_hand(20_000_000, concentration_ng_per_ml=drug_in_catheter)
    one.firmware.order_bolus(bolus())
    one.settle(40 * DAY + 13 * HOUR)
    one.fill_by_hand(20_000_000)
    one.firmware.order_bolus(bolus(2))
    one.settle(one.at_ms + HOUR)
    old = forked(one)
    old.explant()
    new = next_pump(old)
    replaced_ms = one.at_ms
    # The tubing of the new pump has another drug in it than the old one's had.
    horizon = range(30) if drug_in_catheter == 2_000_000 else range(11)
    for hours in horizon:
        one.settle(replaced_ms + hours * HOUR)
        new.settle(hours * HOUR)
        same_patient(new.patient(), one.patient())
        total_ng = old.truth().received_ng + new.truth().received_ng
        assert abs(total_ng - one.truth().received_ng) <= 1


def test_each_pump_counts_what_came_out_in_its_own_time() -> None:
    """The old one's count stands still, the new one's begins at 0."""
    old = implanted(continuous())
    old.settle(10 * DAY)
    old.explant()
    assert old.truth().received_ng == 8_000_000
    new = next_pump(old)
    assert new.truth().received_ng == 0
    for pump, days in ((old, 15), (new, 5)):
        pump.settle(days * DAY)
    assert (old.truth().received_ng, new.truth().received_ng) == (8_000_000, 4_000_000)


def test_an_unprimed_tubing_gives_a_gap_once_the_catheter_is_empty() -> None:
    """0.2 mL of drug, 0.14 mL of none, drug again: 12 h and 8.4 h at 0.4 mL/day."""
    old = implanted(continuous())
    old.settle(DAY)
    new = next_pump(old, primed=False)
    for at_ms, concentration in (
        (0, 2_000_000),
        (12 * HOUR - 1, 2_000_000),
        (12 * HOUR, 0),
        (20 * HOUR + 24 * MINUTE - 1, 0),
        (20 * HOUR + 24 * MINUTE, 2_000_000),
    ):
        new.settle(at_ms)
        assert new.truth().tip_concentration_ng_per_ml == concentration


def test_another_kind_of_pump_comes_to_the_catheter_that_is_there() -> None:
    """Its own tubing, the old catheter, and what lies in that."""
    old = Pump.implant(replace(PROFILE, catheter_volume_nl=300_000), continuous())
    old.fill_by_hand(20_000_000, concentration_ng_per_ml=500_000)
    old.settle(20 * HOUR)  # 0.3333 mL of 0.44: of the weak drug 0.1933 mL are in the catheter
    other = replace(LARGE, internal_tubing_volume_nl=170_000, catheter_volume_nl=1)
    new = Pump.implant(other, continuous(), into=old)
    catheter = new.state().hardware.catheter
    assert (catheter.tubing_nl, catheter.catheter_nl) == (170_000, 300_000)
    weak_ms = (300_000 - 193_333) * DAY // 400_000
    for at_ms, concentration in (
        (weak_ms - MINUTE, 2_000_000),
        (weak_ms + MINUTE, 500_000),
        (18 * HOUR - MINUTE, 500_000),
        (18 * HOUR + MINUTE, 2_000_000),
    ):
        new.settle(at_ms)
        assert new.truth().tip_concentration_ng_per_ml == concentration
    check_state(new.state())


def test_what_blocks_the_catheter_stays_and_everything_else_goes_with_the_pump() -> None:
    """An occlusion is of the catheter; a stall, a flow error and a loose joint are not."""
    old = implanted(continuous())
    old.inject(FlowError(factor_ppm=500_000))
    old.inject(MotorStall(), at_ms=30 * DAY)
    old.inject(CatheterDisconnection(), for_ms=40 * DAY)
    old.settle(DAY)
    blocked = old.inject(CatheterOcclusion(), for_ms=2 * DAY)
    old.settle(2 * DAY)
    new = next_pump(old)
    (fault,) = new.faults
    assert (fault.fault, fault.begins_at_ms, fault.ends_at_ms) == (CatheterOcclusion(), -DAY, DAY)
    assert fault.fault_id == blocked
    check_state(new.state())
    new.settle(3 * DAY)
    assert new.truth().actual_delivered_nl == 800_000
    assert not new.faults


def test_withdrawal_that_began_with_the_old_pump_is_counted_on() -> None:
    """Twelve hours too low, of which the old pump saw some: the flag comes at the same moment."""
    whole = implanted(continuous())
    whole.explant()
    change = whole.next_flags(10 * DAY)
    assert change is not None
    begins_ms, flags = change
    assert flags == (PatientFlag.UNDERDOSE,)
    whole.settle(begins_ms)
    change = whole.next_flags(10 * DAY)
    assert change is not None
    withdrawal_ms, flags = change
    assert flags == (PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL)
    whole.settle(withdrawal_ms - 5 * HOUR)
    new = next_pump(whole)
    new.inject(MotorStall())
    assert new.patient().flags == (PatientFlag.UNDERDOSE,)
    assert new.next_flags(10 * DAY) == (5 * HOUR, flags)


def test_a_much_stronger_prescription_is_judged_by_what_the_patient_is_used_to() -> None:
    """As it would be in the same pump (decision 0017)."""
    old = implanted(continuous(100_000))
    old.settle(DAY)
    new = next_pump(old, continuous(800_000))
    new.settle(2 * DAY)
    assert PatientFlag.OVERDOSE in new.patient().flags
    near = next_pump(old, continuous(140_000))
    near.settle(2 * DAY)
    assert near.patient().flags == ()


def test_a_prescription_goes_on_without_its_bridge() -> None:
    """The bridge was for the drug in the old pump's tubing."""
    old = implanted(continuous())
    weaker = continuous(800_000, 500_000)
    program(old, decided(weaker, old.firmware.prescription, 340_000))
    assert old.firmware.prescription.bridge is not None
    new = next_pump(old)
    assert new.firmware.prescription == weaker
    assert new.status().bolus is None
    assert new.status().infusing_nl_per_day == 1_600_000


def test_a_pump_that_cannot_be_leaves_the_old_one_as_it_is() -> None:
    """A bad prescription, and a patient who would be another."""
    old = implanted(continuous())
    old.settle(DAY)
    before = old.state()
    with pytest.raises(Refused):
        next_pump(old, replace(continuous(), daily_dose_ng=10**9))
    with pytest.raises(ValueError, match="new_patient"):
        next_pump(old, new_patient=True)
    next_pump(old)
    assert old.state() == before
