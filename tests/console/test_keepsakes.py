"""What a room keeps is bounded, in number and in bytes, and comes back as it was."""

import json

import pytest

from pump_sim import snapshot
from pump_sim.console import keepsakes
from pump_sim.console.keepsakes import Keepsake, Keepsakes
from pump_sim.console.room import Room
from pump_sim.control.errors import ControlError
from pump_sim.model.pump import Pump
from pump_sim.model.state import PumpState

from .rooms import in_room


def usual_state() -> PumpState:
    """The state of a pump that nothing has happened to."""

    async def read(room: Room) -> PumpState:
        return room.play.endpoint.simulation.pump.state()

    return in_room(read)


def test_what_is_kept_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """And whoever has too much is told how much; what is discarded makes room."""
    document = snapshot.dump(usual_state())
    keepsake = Keepsake.of_state("a", document)
    length = len(json.dumps(document, separators=(",", ":")))
    monkeypatch.setattr(keepsakes, "MOST_BYTES", 2 * length)
    kept = Keepsakes()
    kept.add(keepsake)
    second = kept.add(keepsake)
    with pytest.raises(ControlError) as error:
        kept.add(keepsake)
    assert error.value.code == "impossible"
    assert f"allowed are {2 * length:,} bytes in all" in error.value.message
    assert len(kept.listed()) == 2
    kept.discard(second["id"])
    kept.add(keepsake)


def test_a_room_keeps_64_mib_at_most() -> None:
    """Of states as JSON."""
    assert keepsakes.MOST_BYTES == 64 * 1024 * 1024


def test_a_state_comes_back_as_it_was() -> None:
    """Whatever became of the object that it was made of."""
    state = usual_state()
    document = snapshot.dump(state)
    keepsake = Keepsake.of_state("a", document)
    document["state"].clear()
    assert snapshot.load(keepsake.state) == state
    assert Pump.from_state(snapshot.load(keepsake.state)).serial_number == keepsake.serial_number
