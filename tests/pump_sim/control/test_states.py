"""A state that went out comes in again, for this pump or another, and the link knows nothing."""

import json

from pump_protocol import messages as m
from pump_sim import snapshot
from pump_sim.endpoint import NS_PER_MS
from pump_sim.model.pump import Pump
from tests.pump_sim.control.desks import Visitor
from tests.pump_sim.virtual import DAY_MS, PROFILE, VirtualLink, baclofen, implanted, therapy_of


def test_loaded_pump_is_the_one_that_was_saved() -> None:
    """Whatever has happened since is undone, and time is what it was."""
    visitor = Visitor(speed=1)
    visitor.ask("advance", by="44 d")
    state = visitor.ask("state")
    assert state["format"] == "pump-sim-state"
    saved = visitor.pump.state()
    visitor.ask("inject", fault="battery_failure")
    visitor.ask("advance", by="10 d")
    visitor.host.wait(5_000)
    answer = visitor.ask("load", state=state)
    assert (answer["therapy_ms"], answer["speed"]) == (44 * DAY_MS, 1)
    assert visitor.pump.state() == saved
    visitor.host.wait(1_000)
    assert visitor.ask("time")["therapy_ms"] == 44 * DAY_MS + 1_000
    assert visitor.ask("advance", to_ms="45 d")["therapy_ms"] == 45 * DAY_MS
    assert [each["alarm"] for each in visitor.ask("belief")["alarms"]] == ["low_reservoir"]


def test_link_is_told_nothing_of_another_pump_behind_it() -> None:
    """It stays open, and what was staged in the loaded state expires in link time."""
    saved = implanted()
    saved.settle(3 * DAY_MS)
    saved.firmware.stage(baclofen(700_000))
    link = VirtualLink(implanted())
    link.status()
    link.endpoint.replace_pump(Pump.from_state(saved.state()), link.link_ms * NS_PER_MS)
    status = link.ask(m.Interrogate())
    assert isinstance(status, m.StatusReport)
    assert status.at_ms == 3 * DAY_MS
    pump = link.endpoint.simulation.pump
    link.wait_link(119_000)
    assert pump.firmware.pending is not None
    link.wait_link(2_000)
    assert pump.firmware.pending is None


def test_state_that_is_wrong_changes_nothing_and_names_the_key() -> None:
    """Refused whole, with the path of the first key that is wrong."""
    visitor = Visitor()
    state = visitor.ask("state")
    before = therapy_of(visitor.pump)
    state["state"]["firmware"]["ledger"]["left_units"] += 1
    error = visitor.fail("load", state=state)
    assert (error["code"], error["field"]) == ("bad_state", "state.firmware.ledger.filled_units")
    del state["state"]["firmware"]["ledger"]["left_units"]
    assert visitor.fail("load", state=state)["field"] == "state.firmware.ledger"
    assert visitor.fail("load", state={})["field"] == "format"
    assert therapy_of(visitor.pump) == before


def test_two_pumps_of_a_process_never_have_one_serial_number() -> None:
    """Nobody could say which is meant; a fork gets a name of its own."""
    pumps = [Pump.implant(PROFILE, baclofen(), serial_number=name) for name in ("SIM-1", "SIM-2")]
    visitor = Visitor(*pumps)
    visitor.ask("advance", pump="SIM-1", by="3 d")
    state = visitor.ask("state", pump="SIM-1")
    error = visitor.fail("load", pump="SIM-2", state=state)
    assert error["field"] == "state.serial_number"
    state["state"]["serial_number"] = "SIM-3"
    visitor.ask("load", pump="SIM-2", state=state)
    assert visitor.ask("time", pump="SIM-3")["therapy_ms"] == 3 * DAY_MS
    assert visitor.fail("time", pump="SIM-2")["code"] == "unknown_pump"
    visitor.ask("load", pump="SIM-1", state=visitor.ask("state", pump="SIM-1"))


def test_full_logs_fit_on_a_line_many_times_over() -> None:
    """The largest state is far below what a line may have."""
    pump = implanted()
    for number in range(1_100):
        pump.firmware.record_interrogation(2**64 - 1 - number, request=4)
        pump.firmware.self_test(link_id=2**64 - 1)
    assert len(json.dumps(snapshot.dump(pump.state()))) < 1_000_000
