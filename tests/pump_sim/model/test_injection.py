"""Hands at the catheter: what goes through its access port, and what reaches the patient."""

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_sim.model.hardware.faults import CatheterDisconnection, CatheterOcclusion, Fault
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.prescription import Mode
from pump_sim.model.pump import Pump

from .pumps import balanced, implanted, program, refill
from .strategies import DAY, HOUR, MINUTE, PROFILE, Action, bolus, continuous, mishaps, perform

FINE = FINE_UNITS_PER_NL
CATHETER_NL, TUBING_NL = PROFILE.catheter_volume_nl, PROFILE.internal_tubing_volume_nl
DRUG = 2_000_000


def received_nl(pump: Pump) -> int:
    """What came out of the drug that `continuous` prescribes, in nL of it."""
    return pump.truth().received_ng * 1_000_000 // DRUG


def lying(pump: Pump) -> list[tuple[int, int]]:
    """What lies in the path, from the tip to the pump: nL and concentrations; nothing flows in."""
    flow = pump.state().hardware.flow
    tip_fine = flow.entered_at(pump.firmware.at_ms) - flow.path_fine
    edges = [max(tip_fine, each.from_fine) for each in flow.slugs] + [tip_fine + flow.path_fine]
    return [
        ((edges[index + 1] - edges[index]) // FINE, slug.concentration_ng_per_ml)
        for index, slug in enumerate(flow.slugs)
        if edges[index + 1] > edges[index]
    ]


def stopped() -> Pump:
    """A pump that stands still, at a path full of drug."""
    pump = implanted(continuous())
    running = pump.firmware.prescription
    program(pump, replace(running, mode=Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0))
    pump.settle(HOUR)
    return pump


# --- Through the access port ---------------------------------------------------------------------


def test_an_injection_drives_out_what_lies_in_the_catheter() -> None:
    """0.05 mL of 500: as much of 2,000 comes out, and the new drug lies behind the rest of it."""
    pump = stopped()
    assert pump.inject_catheter(50_000, 500_000, MINUTE) == 50_000
    pump.settle(pump.at_ms + 30_000)
    assert pump.truth().received_ng == 25_000 * 2
    pump.settle(pump.at_ms + 30_000)
    assert pump.truth().received_ng == 50_000 * 2
    assert lying(pump) == [(150_000, DRUG), (50_000, 500_000), (TUBING_NL, DRUG)]
    pump.settle(pump.at_ms + DAY)
    assert pump.truth().received_ng == 50_000 * 2


def test_what_is_more_than_the_catheter_holds_comes_out_itself() -> None:
    """All of the old drug, and what exceeds the catheter; drug in the tubing stays where it is."""
    pump = stopped()
    pump.inject_catheter(CATHETER_NL + 30_000, 500_000, MINUTE)
    pump.settle(pump.at_ms + MINUTE)
    assert pump.truth().received_ng == CATHETER_NL * 2 + 30_000 // 2
    assert lying(pump) == [(CATHETER_NL, 500_000), (TUBING_NL, DRUG)]
    assert pump.truth().tip_concentration_ng_per_ml == 500_000


def test_aspirated_before_the_catheter_gives_no_drug() -> None:
    """It was drawn out, and cerebrospinal fluid took its place."""
    pump = stopped()
    pump.inject_catheter(CATHETER_NL, 0, MINUTE, aspirated=True)
    assert pump.truth().tip_concentration_ng_per_ml == 0
    pump.settle(pump.at_ms + MINUTE)
    assert pump.truth().received_ng == 0
    assert lying(pump) == [(CATHETER_NL, 0), (TUBING_NL, DRUG)]


def test_the_pump_goes_on_and_its_ledger_knows_nothing() -> None:
    """The drug in the tubing comes behind what was injected; delivered and left are the pump's."""
    one, other = implanted(continuous()), implanted(continuous())
    one.inject_catheter(CATHETER_NL, 0, MINUTE)
    for pump in (one, other):
        pump.settle(12 * HOUR)
    assert balanced(one)
    assert one.truth().actual_delivered_nl == other.truth().actual_delivered_nl == 200_000
    assert one.status() == other.status()
    assert received_nl(one) == CATHETER_NL
    for pump in (one, other):
        pump.settle(24 * HOUR)
    assert received_nl(one) == received_nl(other) == 400_000


def test_the_same_drug_through_the_port_does_what_a_bolus_does() -> None:
    """The tip cannot tell a hand from a pump: levels, flags and dose are the same."""
    by_hand, by_pump = implanted(continuous()), implanted(continuous())
    for pump in (by_hand, by_pump):
        pump.settle(DAY)
    by_hand.inject_catheter(100_000, DRUG, 10 * MINUTE)
    by_pump.firmware.order_bolus(bolus(dose_ng=200_000, duration_ms=10 * MINUTE))
    for minutes in (0, 5, 10, 60, 240, 1_440):
        for pump in (by_hand, by_pump):
            pump.settle(DAY + minutes * MINUTE)
        seen, expected = by_hand.patient(), by_pump.patient()
        assert seen.csf_ng_per_ml == pytest.approx(expected.csf_ng_per_ml, rel=1e-9)
        assert seen.effect_ng_per_ml == pytest.approx(expected.effect_ng_per_ml, rel=1e-9)
        assert seen.tip_dose_ng_per_day == pytest.approx(expected.tip_dose_ng_per_day)
        assert seen.flags == expected.flags
        assert by_hand.truth().received_ng == by_pump.truth().received_ng


@pytest.mark.parametrize("fault", [CatheterOcclusion(), CatheterDisconnection()])
def test_nothing_gets_into_a_catheter_that_is_blocked_or_off(fault: Fault) -> None:
    """From a disconnected one it goes beside the pump."""
    pump = stopped()
    pump.inject(fault)
    lay = lying(pump)
    assert pump.inject_catheter(50_000, 500_000, MINUTE, aspirated=True) == 0
    pump.settle(pump.at_ms + HOUR)
    assert lying(pump) == lay
    assert pump.truth().received_ng == 0
    assert pump.truth().pocket_nl == (50_000 if fault.name == "catheter_disconnection" else 0)


def test_an_occlusion_breaks_an_injection_off() -> None:
    """What has not been injected by then stays in the syringe, and what lies behind closes up."""
    pump = stopped()
    pump.inject_catheter(60_000, 500_000, MINUTE)
    pump.inject(CatheterOcclusion(), at_ms=pump.at_ms + 20_000, for_ms=HOUR)
    pump.settle(pump.at_ms + DAY)
    assert pump.truth().received_ng == 20_000 * 2
    assert lying(pump) == [(180_000, DRUG), (20_000, 500_000), (TUBING_NL, DRUG)]


def test_one_injection_at_a_time() -> None:
    """Another is refused until it is over, and nothing has changed by that."""
    pump = implanted(continuous())
    pump.inject_catheter(1_000, 0, MINUTE)
    assert pump.injecting_until_ms == MINUTE
    before = pump.state()
    with pytest.raises(ValueError, match="an injection goes on until 60000 ms"):
        pump.inject_catheter(1_000, 0, MINUTE)
    assert pump.state() == before
    pump.settle(MINUTE)
    assert pump.injecting_until_ms is None
    pump.inject_catheter(1_000, 0, MINUTE)


@pytest.mark.parametrize(
    ("volume_nl", "concentration", "duration_ms", "words"),
    [
        (-1, 0, MINUTE, r"volume_nl = -1: allowed 0\.\.20000000"),
        (20_000_001, 0, MINUTE, "volume_nl"),
        (1, -1, MINUTE, "concentration_ng_per_ml = -1"),
        (1, 0, 999, r"duration_ms = 999: allowed 1000\.\.86400000"),
        (1, 0, DAY + 1, "duration_ms"),
    ],
)
def test_figures_out_of_range_are_refused(
    volume_nl: int, concentration: int, duration_ms: int, words: str
) -> None:
    """By name and range, before anything has changed."""
    pump = implanted(continuous())
    before = pump.state()
    with pytest.raises(ValueError, match=words):
        pump.inject_catheter(volume_nl, concentration, duration_ms)
    assert pump.state() == before


# --- Beside the pump -----------------------------------------------------------------------------


def test_a_pocket_fill_changes_nothing_but_the_pocket() -> None:
    """T17: the reservoir is as it was, and the pump believes what it is told."""
    pump = implanted(continuous())
    pump.settle(40 * DAY)
    before = pump.truth()
    pump.fill_into_pocket(18_000_000)
    assert pump.truth() == replace(before, pocket_nl=18_000_000)
    pump.fill_into_pocket(1)
    assert pump.truth().pocket_nl == 18_000_001
    assert balanced(pump)
    with pytest.raises(ValueError, match=r"volume_nl = 20000001: allowed 0\.\.20000000"):
        pump.fill_into_pocket(20_000_001)


# --- Out of the body -----------------------------------------------------------------------------


def test_an_explanted_pump_gives_the_patient_nothing() -> None:
    """It notices nothing and goes on; what it pumps is lost, occluded as the catheter may be."""
    pump = implanted(continuous())
    pump.settle(DAY)
    pump.inject(CatheterOcclusion())
    assert pump.implanted
    pump.explant()
    assert not pump.implanted
    assert not pump.truth().implanted
    received = pump.truth().received_ng
    pump.settle(2 * DAY)
    truth = pump.truth()
    assert (truth.received_ng, truth.actual_delivered_nl, truth.actual_lost_nl) == (
        received,
        400_000,
        400_000,
    )
    assert pump.status().believed_volume_nl == 19_200_000
    assert pump.patient().tip_dose_ng_per_day == 0
    assert [flag.value for flag in pump.patient().flags] == ["underdose"]
    assert balanced(pump)
    pump.clear(1)
    refill(pump)
    pump.settle(3 * DAY)
    assert pump.truth().received_ng == received


def test_an_explanted_pump_is_out_of_reach() -> None:
    """There is no pocket, no port, and no second explant; an injection has been broken off."""
    pump = implanted(continuous())
    pump.inject_catheter(60_000, 0, MINUTE)
    pump.settle(30_000)
    pump.explant()
    assert pump.injecting_until_ms is None
    pump.settle(MINUTE)
    assert received_nl(pump) == 30_000 + 400_000 * 30_000 // DAY
    for act in (
        pump.explant,
        lambda: pump.fill_into_pocket(1),
        lambda: pump.inject_catheter(1, 0, MINUTE),
    ):
        with pytest.raises(ValueError, match="SIM-000001 has been explanted"):
            act()


# --- What reached the patient, unit by unit ------------------------------------------------------


class Path:
    """Tubing and catheter as a queue of volumes, from the tip to the pump, in fine units."""

    def __init__(self, concentration: int) -> None:
        self.catheter: deque[list[int]] = deque([[CATHETER_NL * FINE, concentration]])
        self.tubing: deque[list[int]] = deque([[TUBING_NL * FINE, concentration]])
        self.received = 0
        self.rest = 0
        self.layer = [0, 0]

    def pump(self, volume: int, concentration: int) -> None:
        """The pump drives a volume in, which moves everything on."""
        self.tubing.append([volume, concentration])
        while volume:
            first = self.tubing[0]
            moved = min(first[0], volume)
            first[0] -= moved
            self.catheter.append([moved, first[1]])
            volume -= moved
            self.leave(moved)
            if not first[0]:
                self.tubing.popleft()

    def hand(self, volume: int) -> None:
        """A hand has driven in so much more of what it injects."""
        self.rest -= volume
        self.leave(volume)

    def leave(self, volume: int) -> None:
        while volume:
            first = self.catheter[0]
            moved = min(first[0], volume)
            first[0] -= moved
            self.received += moved * first[1]
            volume -= moved
            if not first[0]:
                self.catheter.popleft()

    def inject(self, volume: int, concentration: int, *, aspirated: bool) -> None:
        """What the hand will inject is in the queue at once, and goes as far as it is driven."""
        if aspirated:
            self.catheter = deque([[CATHETER_NL * FINE, 0]])
        self.layer = [volume, concentration]
        self.rest = volume
        self.catheter.append(self.layer)

    def stop(self) -> None:
        self.layer[0] -= self.rest
        self.rest = 0


class Inject(tuple[int, int, int, bool]):
    """Volume in nL, concentration, duration in ms, whether aspirated before."""

    __slots__ = ()


class FillWith(tuple[int, int]):
    """Volume in nL and concentration."""

    __slots__ = ()


Deed = Action | Inject | FillWith
concentrations = st.sampled_from([0, 500_000, DRUG, 10_000_000])
injections = st.tuples(
    st.integers(0, 300_000) | st.just(CATHETER_NL),
    concentrations,
    st.sampled_from([1_000, 7_777, MINUTE, HOUR, 10 * HOUR]),
    st.booleans(),
).map(Inject)
fills = st.tuples(st.integers(0, 2_000_000), concentrations).map(FillWith)
deeds: st.SearchStrategy[Deed] = st.one_of(injections, injections, fills, mishaps)
hands_on_lives = st.lists(
    st.tuples(st.integers(0, MINUTE) | st.integers(0, 12 * HOUR) | st.integers(0, 20 * DAY), deeds),
    max_size=20,
)


class Companion:
    """A pump, and beside it the path that its ledger says it drives."""

    def __init__(self) -> None:
        self.alive = implanted(continuous())
        self.path = Path(DRUG)
        self.injected_at_ms, self.volume, self.duration_ms = 0, 0, 1

    def go_on(self, pause_ms: int) -> None:
        before = self.alive.state().hardware.reservoir
        concentration = self.alive.truth().reservoir_concentration_ng_per_ml
        self.alive.settle(self.alive.at_ms + pause_ms)
        if self.path.rest:
            elapsed_ms = min(self.alive.at_ms - self.injected_at_ms, self.duration_ms)
            # As a bolus: whole ledger units, a million fine ones each.
            units = self.volume // 1_000_000 * elapsed_ms // self.duration_ms
            self.path.hand(units * 1_000_000 - (self.volume - self.path.rest))
        delivered = self.alive.state().hardware.reservoir.delivered - before.delivered
        self.path.pump(delivered, concentration)

    def do(self, deed: Deed, number: int) -> None:
        pump = self.alive
        if isinstance(deed, Inject):
            volume_nl, concentration, duration_ms, aspirated = deed
            if pump.injecting_until_ms is not None:
                return
            got_nl = pump.inject_catheter(
                volume_nl, concentration, duration_ms, aspirated=aspirated
            )
            if got_nl:
                self.path.inject(got_nl * FINE, concentration, aspirated=aspirated)
                self.injected_at_ms, self.duration_ms = pump.at_ms, duration_ms
                self.volume = got_nl * FINE
            elif (
                aspirated
                and not volume_nl
                and not (pump.truth().occluded or pump.truth().disconnected)
            ):
                self.path.catheter = deque([[CATHETER_NL * FINE, 0]])
        elif isinstance(deed, FillWith):
            pump.fill_by_hand(deed[0], concentration_ng_per_ml=deed[1])
        else:
            perform(pump, deed, number)
        if pump.injecting_until_ms is None and self.path.rest:
            self.path.stop()


@settings(max_examples=100, deadline=None)
@given(hands_on_lives)
def test_what_was_received_is_what_left_the_path_unit_by_unit(
    life: list[tuple[int, Deed]],
) -> None:
    """Whatever is pumped, filled and injected, and whatever breaks: to the last ng, at any time."""
    both = Companion()
    for number, (pause_ms, deed) in enumerate(life, 1):
        both.go_on(pause_ms)
        both.do(deed, number)
        truth = both.alive.truth()
        assert truth.received_ng == both.path.received // (FINE * 1_000_000)
        if both.path.catheter and both.path.catheter[0][0]:
            assert truth.tip_concentration_ng_per_ml == both.path.catheter[0][1]
        flow = both.alive.state().hardware.flow
        reservoir = both.alive.state().hardware.reservoir
        pump_ms = both.alive.firmware.at_ms
        assert flow.entered_at(pump_ms) == reservoir.delivered + flow.injected_by(pump_ms)
        assert balanced(both.alive)
    both.go_on(30 * DAY)
    assert both.alive.truth().received_ng == both.path.received // (FINE * 1_000_000)


def test_what_was_received_is_known_when_its_history_is_forgotten() -> None:
    """Hundreds of changes of flow and drug, of which only two weeks are kept."""
    both = Companion()
    for day in range(200):
        both.go_on(DAY // 2)
        both.do(FillWith((2_000_000, DRUG if day % 3 else 500_000)), day + 1)
    assert len(both.alive.state().hardware.flow.slugs) < 128
    assert both.alive.truth().received_ng == both.path.received // (FINE * 1_000_000)
