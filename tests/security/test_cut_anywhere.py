"""REQ-23, REQ-24, REQ-25: a programming that is cut at any byte, in either direction, leaves the
whole old or the whole new prescription in force: never stopped, never a mixture.

Every byte of every exchange, over sealed links, in virtual time.
"""

from collections.abc import Iterator

import pytest

from fuzz.values import PRESCRIPTIONS
from pump_protocol import messages as m
from pump_protocol.codes import STAGING_LIMIT_MS, Mode, PrescriptionSlot, RefusalCode, UserRole
from pump_protocol.payloads import prescription_digest
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.wire_values import prescription_out
from tests.pump_sim.virtual import HOUR_MS, baclofen
from tests.security.world import Caller, World, code_of

OLD = prescription_out(baclofen())
NEW = next(each for each in PRESCRIPTIONS if each.mode is Mode.FLEX)
DIGEST = prescription_digest(2, NEW)
"""What the new one is committed by: it will be version 2."""

EXCHANGES = {
    "stage": m.StagePrescription(NEW),
    "commit": m.CommitPrescription(DIGEST),
}


class Cut:
    """A programming that is cut in one exchange, and what is true of the pump from then on."""

    def __init__(self, exchange: str, direction: str, at: int) -> None:
        self.world = world = World()
        self.caller = Caller(world, world.keys[UserRole.CLINICIAN]).opened()
        if exchange == "commit":
            assert isinstance(self.caller.ask(EXCHANGES["stage"]), m.PrescriptionStaged)
        self.frame = self.caller.frame(EXCHANGES[exchange])
        arrives = self.frame[:at] if direction == "to the pump" else self.frame
        answer = b"".join(each.to_bytes() for each in world.say(arrives))
        self.size = len(self.frame if direction == "to the pump" else answer)
        if direction == "to the programmer":
            self.caller.hear(answer[:at])
        world.endpoint.connection_lost(world.link_ns)

    def check(self) -> None:
        """Whole, old or new, put in force at most once, and flowing as it says."""
        pump = self.world.pump
        prescription = prescription_out(pump.firmware.prescription)
        events = [each.event for each in pump.firmware.log.entries]
        assert EventCode.INFUSION_STOPPED not in events
        assert all(each.passed for each in pump.firmware.self_test())
        version = pump.firmware.prescription_version
        assert (version, prescription) in ((1, OLD), (2, NEW))
        assert events.count(EventCode.COMMITTED) == version - 1
        before_nl = pump.status().delivered_nl
        self.world.endpoint.jump_to(pump.at_ms + 24 * HOUR_MS, self.world.link_ns)
        assert pump.status().infusing_nl_per_day > 0
        a_day_nl = pump.status().delivered_nl - before_nl
        assert a_day_nl == pytest.approx(prescription.rate_nl_per_day, abs=1)


def cuts(exchange: str, direction: str) -> Iterator[Cut]:
    """One for each byte, and one where all of them arrive."""
    at = 0
    while True:
        cut = Cut(exchange, direction, at)
        yield cut
        if at == cut.size:
            break
        at += 1
    assert at > 60


EVERYWHERE = pytest.mark.parametrize("direction", ["to the pump", "to the programmer"])
IN_EACH = pytest.mark.parametrize("exchange", EXCHANGES)


@EVERYWHERE
@IN_EACH
def test_a_cut_at_any_byte_leaves_the_whole_old_or_the_whole_new_prescription(
    exchange: str, direction: str
) -> None:
    """Nobody comes back: what was staged expires, and says so with an alarm."""
    for cut in cuts(exchange, direction):
        cut.world.wait(STAGING_LIMIT_MS + 1)
        assert cut.world.pump.firmware.pending is None
        committed = cut.world.pump.firmware.prescription_version == 2
        staged = any(each.event is EventCode.STAGED for each in cut.world.pump.firmware.log.entries)
        alarms = [each.alarm for each in cut.world.pump.status().alarms]
        assert (Alarm.UPDATE_INCOMPLETE in alarms) is (staged and not committed)
        cut.check()


@EVERYWHERE
@IN_EACH
def test_a_programmer_that_comes_back_finds_out_and_commits_at_most_once(
    exchange: str, direction: str
) -> None:
    """On a new link it reads what is in force and what is staged, and commits again: that is
    answered if it was done, done if it is still staged, and refused if it never arrived."""
    for cut in cuts(exchange, direction):
        again = Caller(cut.world, cut.world.keys[UserRole.CLINICIAN]).opened()
        found = again.ask(m.ReadPrescription(PrescriptionSlot.CURRENT))
        assert isinstance(found, m.PrescriptionReport)
        assert (found.version, found.prescription) in ((1, OLD), (2, NEW))
        pending = again.ask(m.ReadPrescription(PrescriptionSlot.PENDING))
        is_staged = isinstance(pending, m.PrescriptionReport)
        committed = again.ask(m.CommitPrescription(DIGEST))
        if found.version == 2 or is_staged:
            assert isinstance(committed, m.PrescriptionCommitted)
            assert (committed.version, committed.digest) == (2, DIGEST)
            assert again.ask(m.CommitPrescription(DIGEST)) == committed
        else:
            assert code_of(committed) is RefusalCode.NOTHING_STAGED
            stale = again.ask(m.StagePrescription(OLD))
            assert isinstance(stale, m.PrescriptionStaged)
            refused = again.ask(m.CommitPrescription(DIGEST))
            assert code_of(refused) is RefusalCode.STALE_DIGEST
        cut.world.wait(STAGING_LIMIT_MS)
        cut.check()


@EVERYWHERE
@IN_EACH
def test_a_request_that_is_repeated_after_a_cut_is_carried_out_once(
    exchange: str, direction: str
) -> None:
    """The same bytes, in the same link, over a new connection: carried out or answered again."""
    for cut in cuts(exchange, direction):
        (answer,) = cut.world.say(cut.frame)
        (repeated,) = cut.world.say(cut.frame)
        assert answer == repeated
        log = [each.event for each in cut.world.pump.firmware.log.entries]
        assert log.count(EventCode.STAGED) == 1
        assert cut.world.pump.firmware.prescription_version == (2 if exchange == "commit" else 1)
        cut.world.wait(STAGING_LIMIT_MS)
        cut.check()


def test_time_that_stops_between_any_two_bytes_changes_nothing() -> None:
    """Every pause of up to the staging limit at every byte of the commit, the line kept open: a
    half frame is dropped in time, and the frame itself is believed when it comes whole."""
    for pause_ms in (1, 99, 100, STAGING_LIMIT_MS - 1, STAGING_LIMIT_MS):
        for at in range(1, 88, 4):
            cut = Cut("commit", "to the pump", 0)
            world = cut.world
            world.say(cut.frame[:at])
            world.wait(pause_ms)
            world.say(cut.frame[at:])
            whole = prescription_out(world.pump.firmware.prescription)
            assert whole == (NEW if pause_ms < 100 else OLD)
            world.wait(200)
            world.say(cut.frame)
            expired = pause_ms >= STAGING_LIMIT_MS - 200
            assert (world.pump.firmware.prescription_version == 2) is not expired
            cut.check()
