"""A pump of ``pump-sim run --state`` in virtual time: what belongs to it is kept with it."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_sim.assembly import Assembly
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.options import FileRefused, RunOptions
from pump_sim.store.resuming import Resume
from tests.pump_sim.store.kept import kill
from tests.pump_sim.virtual import VirtualLink, start

NS = 1_000_000
CAPACITY_NL = 20_000_000


@pytest.fixture(name="options")
def _options(tmp_path: Path) -> RunOptions:
    nearly_empty = replace(start(), reservoir_nl=3_000_000)
    return RunOptions(
        port="pty", start=nearly_empty, authenticated=False, state_file=tmp_path / "pump.db"
    )


class Link(VirtualLink):
    """A programmer at an assembly."""

    def __init__(self, assembly: Assembly) -> None:
        super().__init__(assembly.endpoint.simulation.pump)
        self.endpoint = assembly.endpoint
        self.reconnect()


def test_what_hands_did_is_kept(options: RunOptions, tmp_path: Path) -> None:
    """A refill is told to the pump by a programmer, and done by simulated hands: once the one is
    acknowledged, both survive."""
    assembly = Assembly(options, NS)
    answer = Link(assembly).ask(m.UpdateReservoir(1, CAPACITY_NL))
    assert isinstance(answer, m.ReservoirUpdated)
    assert options.state_file is not None
    left = kill(options.state_file, tmp_path / "killed.db")
    again = Assembly(replace(options, state_file=left), NS)
    pump = again.endpoint.simulation.pump
    filled_nl = pump.state().hardware.reservoir.left // FINE_UNITS_PER_NL
    assert CAPACITY_NL - 1_000 <= filled_nl <= CAPACITY_NL
    for each in (assembly, again):
        each.close(NS)


def test_start_that_fails_leaves_no_new_file(options: RunOptions, tmp_path: Path) -> None:
    """With keys in it that nobody knows; one that was there, or that somebody used, stays."""
    Assembly(options, NS).abandon()
    assert not list(tmp_path.iterdir())
    used = Assembly(options, NS)
    Link(used).ask(m.WriteNote("hello"))
    used.abandon()
    for _ in range(2):
        again = Assembly(options, NS)
        assert again.endpoint.simulation.pump.firmware.read_note() == "hello"
        again.abandon()


def test_refusal_is_one_of_an_option(options: RunOptions) -> None:
    """So that the command line and a test tell it as they tell every other."""
    assembly = Assembly(options, NS)
    with pytest.raises(FileRefused, match="another process is using it"):
        Assembly(options, NS)
    assembly.close(NS)


def test_keys_are_new_only_once(options: RunOptions) -> None:
    """They are shown when they are made, and not at every start."""
    options = replace(options, authenticated=True)
    first = Assembly(options, NS)
    assert first.new_keys.keys() == set(UserRole)
    first.close(NS)
    second = Assembly(options, NS)
    assert not second.new_keys
    assert second.endpoint.guard is not None
    assert second.endpoint.guard.keys == first.new_keys
    second.close(NS)


def test_stay_goes_on_at_the_speed_of_the_run(options: RunOptions) -> None:
    """Paused until somebody resumes it, and then as fast as was asked for."""
    Assembly(options, NS).close(NS)
    options = replace(options, resume=Resume.STAY, speed=Fraction(60))
    assembly = Assembly(options, NS)
    assert assembly.endpoint.speed == 0
    assert assembly.endpoint.pace == 60
    assembly.close(NS)


def test_historic_updates_are_the_pumps_own(options: RunOptions) -> None:
    """What a new pump was made with, it keeps; what a later run says is not asked."""
    Assembly(replace(options, historic_updates=True), NS).close(NS)
    assembly = Assembly(options, NS)
    assert assembly.endpoint.simulation.pump.firmware.historic_updates
    assembly.close(NS)
