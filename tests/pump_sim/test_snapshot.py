"""A state that is written and read again is the same state; one that was edited is found out."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_sim import snapshot
from pump_sim.model.events import AccessLog, LogEntry
from pump_sim.model.firmware.memory import Checked
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.faults import (
    BatteryFilm,
    BitFlip,
    CatheterOcclusion,
    ClockDrift,
    Fault,
    IntermittentStall,
    MotorStall,
    MriScan,
    ReplacementDate,
)
from pump_sim.model.hardware.state import HardwareState
from pump_sim.model.prescription import Prescription
from pump_sim.model.pump import Pump
from pump_sim.model.state import PumpState
from tests.pump_sim.model.strategies import (
    PROFILE,
    Action,
    Break,
    bolus,
    continuous,
    mishaps,
    pauses,
    perform,
    treatments,
)
from tests.pump_sim.virtual import VirtualLink

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

more_faults: st.SearchStrategy[Fault] = st.one_of(
    st.builds(MriScan, latches_telemetry=st.booleans(), recovery_ms=st.integers(0, DAY)),
    st.builds(
        IntermittentStall,
        mean_gap_ms=st.integers(DAY, 30 * DAY),
        mean_stall_ms=st.integers(HOUR, DAY),
        seed=st.integers(0, 9),
    ),
    st.builds(BitFlip, region=st.integers(1, 3), seed=st.integers(0, 99)),
    st.builds(ClockDrift, drift_ppm=st.integers(-100_000, 100_000)),
    st.builds(BatteryFilm, gauge_loss_ppm=st.integers(0, 1_000_000)),
    st.builds(ReplacementDate, planned_at_ms=st.integers(0, 300 * DAY)),
)
happenings = st.one_of(mishaps, st.builds(Break, more_faults, st.none()))
lives = st.lists(st.tuples(pauses, happenings), max_size=15)
Life = list[tuple[int, Action]]


def through_json(state: PumpState) -> PumpState:
    """The state as it comes out of a file."""
    return snapshot.load(json.loads(json.dumps(snapshot.dump(state), allow_nan=False)))


def live(pump: Pump, life: Life, first_number: int = 1) -> None:
    for number, (pause_ms, action) in enumerate(life, first_number):
        pump.settle(pump.at_ms + pause_ms)
        perform(pump, action, number)


def implanted(prescription: Prescription | None = None) -> Pump:
    return Pump.implant(PROFILE, prescription or continuous(), clock_local_ms=1_700_000_000_000)


def running() -> Pump:
    """A pump with something of everything: a bolus, an order, faults, an alarm, logs."""
    pump = implanted()
    pump.settle(45 * DAY)
    pump.firmware.record_interrogation(7, request=4)
    pump.firmware.order_bolus(bolus())
    pump.inject(MotorStall(), at_ms=pump.at_ms + HOUR)
    pump.inject(MriScan())
    pump.settle(pump.at_ms + 5 * MINUTE)
    return pump


@given(st.none() | treatments, lives)
@settings(max_examples=150, deadline=None)
def test_state_is_the_same_after_json_whatever_has_happened(
    prescription: Prescription | None, life: Life
) -> None:
    """Every field comes back, and every state that a pump can be in is taken for one."""
    pump = implanted(prescription)
    live(pump, life)
    state = pump.state()
    assert through_json(state) == state


@given(st.none() | treatments, lives, lives)
@settings(max_examples=100, deadline=None)
def test_pump_from_a_file_goes_on_as_the_one_that_was_saved(
    prescription: Prescription | None, before: Life, after: Life
) -> None:
    """The same things done to both leave both in the same state, records and all."""
    pump = implanted(prescription)
    live(pump, before)
    other = Pump.from_state(through_json(pump.state()))
    for each in (pump, other):
        live(each, after, first_number=len(before) + 1)
        each.settle(each.at_ms + 50 * DAY)
    assert other.state() == pump.state()
    assert other.truth() == pump.truth()
    assert other.patient() == pump.patient()


def test_in_the_middle_of_everything_it_goes_on_to_the_last_unit() -> None:
    """A bolus, a stall and a scan at once; silence is in force (REQ-07)."""
    pump = running()
    (alarm,) = pump.status().alarms
    pump.firmware.silence(alarm.alarm, HOUR)
    other = Pump.from_state(through_json(pump.state()))
    for _ in range(12):
        for each in (pump, other):
            each.settle(each.next_due_ms() or each.at_ms + DAY)
        assert other.state() == pump.state()
        assert other.firmware.next_tone(other.at_ms) == pump.firmware.next_tone(pump.at_ms)


@pytest.mark.parametrize("mode", list(BatteryMode))
def test_every_kind_of_battery_is_kept(mode: BatteryMode) -> None:
    """As are pumps that outlive any experiment."""
    pump = Pump.implant(PROFILE, continuous(), battery_mode=mode)
    pump.settle(3_000 * DAY)
    assert through_json(pump.state()) == pump.state()


@pytest.mark.parametrize("left", [False, True])
def test_a_historic_update_is_kept(left: bool) -> None:
    """While it goes on, and after it was left."""
    pump = Pump.implant(PROFILE, continuous(), historic_updates=True)
    pump.settle(DAY)
    pump.firmware.stage(continuous(900_000))
    if left:
        pump.firmware.staging_expired()
    other = Pump.from_state(through_json(pump.state()))
    for each in (pump, other):
        each.settle(5 * DAY)
    assert other.state() == pump.state()
    assert other.status().infusing_nl_per_day == 0


@given(st.none() | treatments, lives)
@settings(max_examples=20, deadline=None)
def test_parts_of_a_state_are_kept_as_the_whole(
    prescription: Prescription | None, life: Life
) -> None:
    """Whoever keeps a state in parts gets each back as it was."""
    pump = implanted(prescription)
    live(pump, life)
    firmware = pump.state().firmware
    parts: list[tuple[object, Any]] = [
        (firmware.memory.first, Checked[Prescription]),
        (firmware.orders, OrderMemory),
        (firmware.log.entries, tuple[LogEntry, ...]),
        (firmware.at_ms, int),
        (firmware.access_log, AccessLog),
        (pump.state().hardware, HardwareState),
    ]
    for part, kind in parts:
        written = json.loads(json.dumps(snapshot.part_dumper(kind)(part)))
        assert snapshot.load_part(written, kind) == part


@pytest.mark.parametrize(
    ("document", "kind", "path"),
    [
        (None, int, "row"),
        ({"value": {}}, Checked[Prescription], "row"),
        ([{}], tuple[LogEntry, ...], "row[0]"),
    ],
)
def test_a_part_of_another_kind_is_refused(document: object, kind: Any, path: str) -> None:
    """With the name that the caller has for it."""
    with pytest.raises(snapshot.SnapshotError) as caught:
        snapshot.load_part(document, kind, "row")
    assert caught.value.path == path


def test_what_hands_have_done_is_kept() -> None:
    """In the middle of an injection, out of the body, and in the place of another pump."""
    pump = running()
    pump.fill_into_pocket(3_000_000)
    pump.inject_catheter(250_000, 500_000, 10 * MINUTE, aspirated=True)
    pump.settle(pump.at_ms + MINUTE)
    other = Pump.from_state(through_json(pump.state()))
    for each in (pump, other):
        each.settle(each.at_ms + 3 * HOUR)
        each.explant()
        each.settle(each.at_ms + HOUR)
    assert through_json(pump.state()) == other.state() == pump.state()
    assert other.truth() == pump.truth()
    assert not other.implanted
    later = Pump.implant(PROFILE, continuous(), serial_number="2", into=pump)
    again = Pump.from_state(through_json(later.state()))
    for each in (later, again):
        each.settle(20 * HOUR)
    assert through_json(again.state()) == later.state()
    assert (again.truth(), again.patient()) == (later.truth(), later.patient())


def test_a_catheter_that_was_occluded_before_the_implant_is_kept() -> None:
    """The fault is older than the pump."""
    old = implanted()
    old.inject(CatheterOcclusion())
    old.settle(DAY)
    pump = Pump.implant(PROFILE, continuous(), into=old)
    assert pump.faults[0].begins_at_ms == -DAY
    assert through_json(pump.state()) == pump.state()


# --- What is refused -----------------------------------------------------------------------------

Document = dict[str, Any]
NO_FLOW = {
    "rate_nl_per_day": 0,
    "bolus": None,
    "cycle": None,
    "begins_at_ms": 0,
    "rest": None,
}
HALTED = {"holds": ["UPDATE"], "course": NO_FLOW, "bolus": None}
WRONG_DAY = {"weekdays": [0, 0], "steps": []}


def refusal(change: Callable[[Document], object]) -> snapshot.SnapshotError:
    """What is said of a document after a change to its state."""
    document = deepcopy(snapshot.dump(running().state()))
    change(document["state"])
    with pytest.raises(snapshot.SnapshotError) as caught:
        snapshot.load(json.loads(json.dumps(document)))
    return caught.value


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], "$"),
        ({}, "format"),
        ({"format": "pump-sim-state", "version": 1, "state": {}}, "version"),
        ({"format": "pump-sim-state", "version": True, "state": {}}, "version"),
        ({"format": "pump-sim-state", "version": 2}, "$"),
        ({"format": "pump-sim-state", "version": 2, "state": {}, "x": 1}, "$"),
        ({"format": "pump-sim-state", "version": 2, "state": 3}, "state"),
        ({"format": "pump-sim-state", "version": 2, "state": {}}, "state"),
    ],
)
def test_document_of_another_kind_is_refused(document: object, path: str) -> None:
    """With the key that is wrong."""
    with pytest.raises(snapshot.SnapshotError) as caught:
        snapshot.load(document)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        (lambda s: s.pop("at_ms"), "state", "at_ms is missing"),
        (lambda s: s.update(colour="red"), "state", "'colour' is unknown"),
        (lambda s: s.update(at_ms="1"), "state.at_ms", "whole number"),
        (lambda s: s.update(at_ms=True), "state.at_ms", "whole number"),
        (lambda s: s.update(at_ms=1.0), "state.at_ms", "whole number"),
        (lambda s: s.update(at_ms=10**100), "state.at_ms", "size"),
        (lambda s: s.update(at_ms=None), "state.at_ms", "whole number"),
        (lambda s: s.update(serial_number=1), "state.serial_number", "text"),
        (lambda s: s.update(serial_number="\ud800"), "state.serial_number", "half a character"),
        (lambda s: s.update(serial_number="x" * 33), "state.serial_number", "32 bytes"),
        (lambda s: s["profile"].update(capacity_nl=1), "state.profile", "capacity_nl = 1"),
        (
            lambda s: s["profile"].update(max_bolus_duration_ms=1),
            "state.profile.min_bolus_duration_ms",
            "allowed",
        ),
        (
            lambda s: s["firmware"]["programming"]["current"].update(mode="SIDEWAYS"),
            "state.firmware.programming.current.mode",
            "SIMPLE_CONTINUOUS",
        ),
        (
            lambda s: s["firmware"]["programming"]["current"].update(daily_dose_ng=3_000_000),
            "state.firmware.programming.current",
            "the pump would refuse it",
        ),
        (
            lambda s: s["firmware"]["ledger"].update(left_units=0),
            "state.firmware.ledger.filled_units",
            "together",
        ),
        (
            lambda s: s["firmware"]["log"]["entries"].pop(0),
            "state.firmware.log.next_sequence",
            "allowed are 3..3",
        ),
        (
            lambda s: s["firmware"]["log"]["entries"].reverse(),
            "state.firmware.log.entries[0].sequence",
            "1 comes next",
        ),
        (
            lambda s: s["firmware"]["log"]["entries"][0].update(at_ms=45 * DAY + 1),
            "state.firmware.log.entries[1].at_ms",
            "the one before",
        ),
        (
            lambda s: s["firmware"]["log"]["entries"][0].update(event="LUNCH"),
            "state.firmware.log.entries[0].event",
            "IMPLANTED",
        ),
        (
            lambda s: s["firmware"]["alarms"]["records"][0].update(raised_at_ms=46 * DAY),
            "state.firmware.alarms.records[0].raised_at_ms",
            "it is only",
        ),
        (
            lambda s: s["firmware"]["alarms"]["signals"]["critical"].update(interval_ms=0),
            "state.firmware.alarms.signals.critical.interval_ms",
            "allowed are 1..",
        ),
        (
            lambda s: s["firmware"]["delivery"].update(bolus=None),
            "state.firmware.delivery.bolus",
            "not the bolus of the course",
        ),
        (
            lambda s: s["firmware"]["delivery"]["course"].update(rate_nl_per_day=24_000_001),
            "state.firmware.delivery.course.rate_nl_per_day",
            "allowed are 0..24000000",
        ),
        (
            lambda s: s["firmware"]["orders"]["last"][0].__setitem__(0, 8),
            "state.firmware.orders.last[0]",
            "programmer 7",
        ),
        (
            lambda s: s["firmware"]["orders"]["last"].append(s["firmware"]["orders"]["last"][0]),
            "state.firmware.orders.last",
            "twice",
        ),
        (
            lambda s: s["firmware"]["orders"]["last"][0][1]["order"].update({"class": "Joke"}),
            "state.firmware.orders.last[0][1].order",
            "BolusOrder",
        ),
        (
            lambda s: s["firmware"]["access_log"]["entries"][0][0].__setitem__(1, 5),
            "state.firmware.access_log.entries[0]",
            "key",
        ),
        (
            lambda s: s["firmware"]["access_log"]["entries"][0][0].pop(),
            "state.firmware.access_log.entries[0][0]",
            "5 are wanted",
        ),
        (
            lambda s: s["firmware"]["programming"]["current"].update(days=[WRONG_DAY]),
            "state.firmware.programming.current.days[0].weekdays",
            "each member once",
        ),
        (
            lambda s: s["firmware"]["service"].update(eri_at_ms=0),
            "state",
            "has not happened",
        ),
        (
            lambda s: s["hardware"]["reservoir"].update(left=-1),
            "state.hardware.reservoir",
            "less than nothing",
        ),
        (
            lambda s: s["hardware"]["reservoir"].update(filled=1),
            "state.hardware.reservoir.filled",
            "together",
        ),
        (
            lambda s: s["hardware"]["faults"]["injected"][0]["fault"].update({"class": "gremlin"}),
            "state.hardware.faults.injected[0].fault",
            "motor_stall",
        ),
        (
            lambda s: s["hardware"]["flow"]["pieces"][-1].update(entered=2**101),
            "state.hardware.flow.pieces",
            "entered must rise",
        ),
        (
            lambda s: s["hardware"]["flow"]["tally"].update(received_fine=2**90),
            "state.hardware.flow.tally.received_fine",
            "allowed are",
        ),
        (
            lambda s: s["hardware"]["flow"]["tally"].update(injected=-1),
            "state.hardware.flow.tally.injected",
            "allowed are",
        ),
        (
            lambda s: s["hardware"]["flow"]["pieces"][0].update(from_ms=-(2**60)),
            "state.hardware.flow.pieces[0].from_ms",
            "allowed are",
        ),
        (
            lambda s: s["hardware"].update(implanted=1),
            "state.hardware.implanted",
            "true or false",
        ),
        (
            lambda s: s["hardware"]["faults"]["injected"][0].update(begins_at_ms=1),
            "state.hardware.faults.injected[0].begins_at_ms",
            "allowed are",
        ),
        (
            lambda s: s["hardware"]["patient"]["figures"].update(csf_half_life_h="long"),
            "state.hardware.patient.figures.csf_half_life_h",
            "a number",
        ),
        (
            lambda s: s["firmware"]["programming"].update(emergency=True),
            "state.firmware.programming.emergency",
            "what the alarm EMERGENCY_ACTION says",
        ),
        (
            lambda s: s["firmware"]["programming"].update(safe=True),
            "state.firmware.programming.safe",
            "what the alarm SAFE_STATE says",
        ),
        (
            lambda s: s["firmware"]["programming"].update(stopped_since_ms=0),
            "state.firmware.programming.stopped_since_ms",
            "nothing is to flow",
        ),
        (
            lambda s: s["firmware"]["delivery"].update(HALTED),
            "state.firmware.delivery.holds",
            "historic_updates are false",
        ),
        (
            lambda s: (
                s["firmware"].update(historic_updates=True),
                s["firmware"]["programming"].update(
                    pending=deepcopy(s["firmware"]["programming"]["current"])
                ),
            ),
            "state.firmware.programming.pending",
            "unless UPDATE holds the infusion",
        ),
        (
            lambda s: s["firmware"]["programming"]["current"].update(low_reservoir_threshold_nl=1),
            "state.firmware.memory.first",
            "not the prescription in force",
        ),
        (
            lambda s: s["hardware"]["oscillator"].update(drift_ppm=10_000),
            "state.firmware.at_ms",
            "the pump's own clock",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_edited_state_is_refused_with_the_key_that_is_wrong(
    change: Callable[[Document], object], path: str, words: str
) -> None:
    """What is missing, unknown, of the wrong type, out of range, or at odds with the rest."""
    error = refusal(change)
    assert error.path == path
    assert words in error.problem


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every value in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, each in inner:
        found.append((*path, key))
        if isinstance(each, dict | list):
            found += leaves(each, (*path, key))
    return found


def edit(document: Any, place: tuple[Any, ...], value: Any) -> None:
    """Put a value there, if that place is left; a small number is added to a number."""
    *way, last = place
    try:
        for key in way:
            document = document[key]
        old = document[last]
    except (LookupError, TypeError):
        return  # an edit before this one has removed it
    near = type(value) is int and abs(value) <= 5 and type(old) is int
    if isinstance(document, dict | list):
        document[last] = old + value if near else value


SAVED = snapshot.dump(running().state())
PLACES = leaves(SAVED["state"])
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, 0, 1, -1, 2**31, 2**63, 2**64, 2**126, 10**50, 0.5, "", "x", [], {}]
    ),
    st.integers(-(2**127), 2**127),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(
    st.lists(st.tuples(st.sampled_from(PLACES), ODD | st.integers(-5, 5)), min_size=1, max_size=3)
)
@settings(max_examples=600, deadline=None)
def test_no_tampered_state_crashes_a_pump(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
    """It is refused, or it is one in which a pump lives on for a year and can be read."""
    document = deepcopy(SAVED)
    for place, value in changes:
        edit(document["state"], place, value)
    try:
        state = snapshot.load(json.loads(json.dumps(document)))
    except snapshot.SnapshotError:
        return
    pump = Pump.from_state(state)
    link = VirtualLink(pump)
    for request in (m.Identify(), m.Interrogate(), m.ReadLog(1, 13), m.ReadAccessLog(1, 13)):
        assert not isinstance(link.ask(request), m.Refusal)
    link.wait_therapy(365 * DAY)
    link.status()
    assert pump.status().believed_volume_nl >= 0
    assert pump.truth().actual_volume_nl >= 0
