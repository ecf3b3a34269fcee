"""The long jobs (``make fuzz``, ``make soak``, ``make kills``) in short: they run to the end, find
nothing, and would find what they are there for.
"""

import sys
from collections.abc import Callable
from random import Random

import pytest

from fuzz import __main__ as fuzz_job
from fuzz.decoder import DecoderFuzz
from fuzz.guided import Tape
from fuzz.requests import REQUEST_CLASSES
from fuzz.targets import TARGETS, Tally, Target, run_rounds
from pump_programmer.programmer import Programmer
from pump_protocol import access, frames
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.envelope import Envelope
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.presence import Presence
from pump_sim.testing.virtual import VirtualPump
from soak import bad_link
from soak.kills import run_kills
from soak.lots import EXECUTED, run_lot
from soak.witness import Witness

Printed = pytest.CaptureFixture[str]

# --- Fuzzing -------------------------------------------------------------------------------------


def test_some_thousand_inputs_crash_nothing_and_change_no_therapy(capsys: Printed) -> None:
    """REQ-26; and they are not all refused at the door: every kind of outcome is among them."""
    assert fuzz_job.main(["--inputs", "4000", "--seed", "5", "--processes", "1"]) == 0
    printed = capsys.readouterr().out
    for word in ("decoder", "handshake", "accepted", "refused", "not believed", "emergency"):
        assert word in printed
    assert ": 0 failures" in printed


def test_the_same_seed_gives_the_same_inputs() -> None:
    first, second = (run_rounds("pump", 3, range(1), 100) for _ in range(2))
    assert first.outcomes == second.outcomes
    assert first.outcomes != run_rounds("pump", 4, range(1), 100).outcomes


class Clumsy:
    """A part that fails at its third input."""

    def __init__(self, _: Random) -> None:
        self.last = b""
        self._steps = 0

    def step(self) -> str:
        self.last = bytes([0xA5, self._steps])
        self._steps += 1
        assert self._steps < 3, "that must not be"
        return "fine"


def test_a_failure_is_printed_with_its_bytes_and_the_command_that_does_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setitem(TARGETS, "clumsy", Target("clumsy", 100, Clumsy))
    once = ["--only", "clumsy", "--seed", "9"]
    assert fuzz_job.main([*once, "--inputs", "250", "--processes", "1"]) == 1
    printed = capsys.readouterr().out
    assert "FAILED clumsy, round 0, input 2\n  input: a502\n" in printed
    assert "again: python -m fuzz --only clumsy --seed 9 --round 0\n" in printed
    assert "AssertionError: that must not be" in printed
    assert fuzz_job.main([*once, "--round", "0"]) == 1
    assert fuzz_job.main(["--round", "0"]) == 2


def _sabotage_roles(patch: pytest.MonkeyPatch) -> None:
    everything = access.MAY_SEND[UserRole.CLINICIAN]
    patch.setitem(access.MAY_SEND, UserRole.OBSERVER, everything)


def _sabotage_counters(patch: pytest.MonkeyPatch) -> None:
    good = Envelope.open

    def forgetful(self: Envelope, frame: frames.Frame) -> bytes:
        patch.setattr(self, "_next_received", 0)
        return good(self, frame)

    patch.setattr(Envelope, "open", forgetful)


def _sabotage_intent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Presence, "intends", lambda *_: True)


def _sabotage_refusals(patch: pytest.MonkeyPatch) -> None:
    good = Firmware.abort_bolus

    def hasty(self: Firmware, **link_id: int) -> object:
        self.clock_offset_ms += 1
        return good(self, **link_id)

    patch.setattr(Firmware, "abort_bolus", hasty)


@pytest.mark.parametrize(
    ("target", "sabotage"),
    [
        ("pump", _sabotage_roles),
        ("envelope", _sabotage_counters),
        ("pump", _sabotage_intent),
        ("pump", _sabotage_refusals),
    ],
)
def test_fuzzing_finds_a_pump_that_believes_too_much(
    target: str, sabotage: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)
    tally = Tally(target)
    for number in range(40):
        tally.add(run_rounds(target, 1, range(number, number + 1)))
        if tally.failures:
            break
    assert "AssertionError" in tally.failures[0].trace


def test_a_tape_of_bytes_is_as_good_as_a_seed() -> None:
    """What libFuzzer makes up becomes the choices of a target, the same ones each time."""
    parts = [DecoderFuzz(Tape(bytes(range(256)))) for _ in range(2)]
    assert [parts[0].step() for _ in range(20)] == [parts[1].step() for _ in range(20)]
    assert Tape(b"\xff").getrandbits(4) == 15
    assert Tape(b"\x01" * 8).random() == Tape(b"\x01" * 8).random() < 1


# --- A bad link ----------------------------------------------------------------------------------


def test_some_hundred_orders_over_bad_lines_end_with_the_right_verdict(capsys: Printed) -> None:
    """Each executed once, refused, or UNKNOWN and found out by asking; some are of each kind."""
    assert bad_link.main(["--orders", "300", "--seed", "2", "--processes", "1"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1].endswith(": 0 wrong, 0 unresolved")
    asked = [int(line.split()[-3]) for line in printed[1 : 1 + len(bad_link.PLAN)]]
    assert sum(asked) > 0


def test_the_account_finds_a_pump_that_forgets_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    """An order that is repeated because its answer was lost is then done twice, or told wrongly."""
    monkeypatch.setattr(OrderMemory, "remembering", lambda self, *_: self)
    lot = run_lot(bad_link.WORST, "patient", 40, "forgetful")
    assert lot.wrong


def test_the_account_finds_a_programmer_that_says_what_it_does_not_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A verdict that is only guessed after an answer was lost."""
    guessed = run_lot.__globals__["Resolution"](True, "surely")
    monkeypatch.setattr(Programmer, "resolve", lambda _: guessed)
    lot = run_lot(bad_link.WORST, "orders", 60, "guess")
    assert lot.asked
    assert any(EXECUTED in why for why in lot.wrong)


# --- Kills ---------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_kept_pump_that_is_killed_twice_has_lost_nothing() -> None:
    """A thousand kills are ``make kills``; twenty are in tests/system/test_state_file.py."""
    tally = run_kills(2, "short")
    assert tally.wrong == []
    assert tally.counts["kills"] + tally.counts["kills at the start"] == 2


def test_the_witness_finds_what_was_lost_done_twice_or_gone_back(
    virtual_pump: VirtualPump,
) -> None:
    """Told of things that never happened, and not told of one that did."""
    with Programmer(virtual_pump.address, key=virtual_pump.key, programmer_id=7) as programmer:
        witness = Witness()
        ordered = programmer.order_bolus(20_000, 60_000)
        witness.boluses.add(ordered.order_number)
        witness.look(programmer)
        assert witness.wrong == []
        witness.boluses.add(99)
        programmer.refill(20_000_000)
        witness.committed(programmer.read_prescription().prescription, 2)
        witness.look(programmer)
    assert len(witness.wrong) == 4
    lost, unasked, version, commits = (
        "boluses acknowledged, and not done: [99]",
        "refills done, and said not to be: [20000000]",
        "version 1 is in force",
        "0 commits in the log",
    )
    assert {lost, unasked, version, commits} == set(witness.wrong)


def test_the_witness_finds_a_pump_that_went_back(virtual_pump: VirtualPump) -> None:
    """As it would be if what it told had not been kept."""
    before = virtual_pump.state()
    with Programmer(virtual_pump.address, key=virtual_pump.key, programmer_id=7) as programmer:
        witness = Witness()
        virtual_pump.advance(hours=1)
        witness.boluses.add(programmer.order_bolus(20_000, 60_000).order_number)
        witness.look(programmer)
        virtual_pump.load(before)
        witness.look(programmer)
    assert any("time went back" in why for why in witness.wrong)
    assert any("log numbers went back" in why for why in witness.wrong)


def test_every_message_there_is_is_fuzzed() -> None:
    """Also one that is added tomorrow."""
    assert set(REQUEST_CLASSES) == set(m.REQUESTS.values())
