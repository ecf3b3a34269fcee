"""The pump's end with keys: emergency access, pairing, what is kept before an answer leaves."""

from random import Random

import pytest

from pump_protocol import codes
from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import (
    FREE_FAILURES,
    INTENT_LIMIT_MS,
    LONGEST_LOCK_MS,
    Field,
    RefusalCode,
    UserRole,
)
from pump_protocol.errors import OutOfTurn
from pump_protocol.frames import frame_bytes
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key, pairing_key
from pump_protocol.session import Role, Session
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.simulation import Simulation

from .virtual import HOUR_MS, implanted, therapy_of


class Kept:
    """A keeper that notes when it was called, and with what had happened by then."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, int]] = []
        self.fails = False

    def keep(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        if self.fails:
            raise OSError("no room")
        self.notes.append(("keep", endpoint.simulation.pump.firmware.log.next_sequence))

    def tell(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        self.notes.append(("tell", endpoint.simulation.pump.firmware.log.next_sequence))


class Bench:
    """A pump with keys, and programmers that talk to it in virtual time."""

    def __init__(self) -> None:
        self.pump = implanted()
        random_bytes = Random(1).randbytes
        self.guard = PumpGuard(new_keys(random_bytes), random_bytes=random_bytes)
        self.kept = Kept()
        self.endpoint = PumpEndpoint(Simulation(self.pump), guard=self.guard, keeper=self.kept)
        self.link_ms = 1
        self._links = 0

    def session(self, key: Key | None = None) -> Session:
        self._links += 1
        return Session(Role.PROGRAMMER, link_id=self._links, key=key)

    def ask(self, session: Session, request: m.Request[m.Response]) -> m.Response:
        session.send_request(request, self.link_ms)
        answer = self.endpoint.receive_data(session.data_to_send(), self.link_ms * NS_PER_MS)
        session.receive_data(answer, self.link_ms)
        for event in iter(session.next_event, None):
            if isinstance(event, ev.ResponseReceived):
                return event.response
            if isinstance(event, ev.RefusalReceived):
                return event.refusal
        raise AssertionError(f"no answer to {request}")

    def opened(self, role: UserRole = UserRole.CLINICIAN) -> Session:
        return self.open_with(self.guard.keys[role])

    def open_with(self, key: Key) -> Session:
        session = self.session(key)
        identity = self.ask(session, m.Identify())
        assert isinstance(identity, m.Identity)
        assert isinstance(self.ask(session, session.authenticate(identity)), m.Authenticated)
        assert isinstance(self.ask(session, m.OpenLink(7)), m.LinkOpened)
        return session

    def be_there(self) -> None:
        """Somebody is at the patient, and means it."""
        self.endpoint.presence.on_pump = True
        self.endpoint.press_button(self.link_ms * NS_PER_MS)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def reason_of(response: m.Response) -> m.Reason:
    assert isinstance(response, m.Refusal)
    (reason,) = response.reasons
    return reason


# --- What the pump says of itself -----------------------------------------------------------------


def test_a_pump_with_keys_says_so_and_one_without_says_that_it_is_insecure(bench: Bench) -> None:
    """Whoever asks is told by the security profile what to expect (SEC-03)."""
    identity = bench.ask(bench.session(), m.Identify())
    assert isinstance(identity, m.Identity)
    assert identity.security_profile is codes.SecurityProfile.AUTHENTICATED
    plain = PumpEndpoint(Simulation(implanted()))
    assert plain.telemetry.identity().security_profile is codes.SecurityProfile.LEGACY_INSECURE


def test_another_pump_in_its_place_has_keys_of_its_own_and_knows_no_link(bench: Bench) -> None:
    session = bench.opened()
    other = PumpGuard(new_keys(Random(2).randbytes))
    bench.endpoint.put_in_place(implanted(), other, bench.link_ms * NS_PER_MS)
    reason = reason_of(bench.ask(session, m.Interrogate()))
    assert reason.code is RefusalCode.LINK_NOT_OPEN
    bench.guard = other
    bench.opened()


# --- Emergency access -----------------------------------------------------------------------------

EMERGENCY = (m.EmergencyStatus(), m.EmergencyMinimumRate(), m.EmergencyStop())


@pytest.mark.parametrize("request_", EMERGENCY, ids=lambda each: type(each).__name__)
def test_an_emergency_message_needs_proximity_then_intent(
    bench: Bench, request_: m.Request[m.Response]
) -> None:
    """REQ-30: each is refused, and nothing changes, until somebody is there and means it."""
    before = therapy_of(bench.pump)
    session = bench.session()
    assert reason_of(bench.ask(session, request_)).code is RefusalCode.NOT_NEAR
    bench.endpoint.press_button(bench.link_ms * NS_PER_MS)
    assert reason_of(bench.ask(session, request_)).code is RefusalCode.NOT_NEAR
    bench.be_there()
    bench.link_ms += INTENT_LIMIT_MS
    assert reason_of(bench.ask(session, request_)).code is RefusalCode.NO_INTENT
    assert therapy_of(bench.pump) == before
    bench.be_there()
    assert not isinstance(bench.ask(session, request_), m.Refusal)


def test_an_emergency_stop_stops_alarms_and_counts_down(bench: Bench) -> None:
    """Always logged, with its countdown and alarm; a repeat changes nothing more."""
    bench.be_there()
    session = bench.session()
    stopped = bench.ask(session, m.EmergencyStop())
    firmware = bench.pump.firmware
    assert stopped == m.EmergencyStopped(0, firmware.prescription_version, 48 * HOUR_MS)
    status = firmware.status()
    assert status.infusing_nl_per_day == 0
    (alarm,) = [each for each in status.alarms if each.alarm is Alarm.EMERGENCY_ACTION]
    assert alarm.active
    assert alarm.alarm_class is AlarmClass.CRITICAL
    logged = firmware.log.next_sequence
    assert bench.ask(session, m.EmergencyStop()) == stopped
    assert firmware.log.next_sequence == logged
    report = bench.ask(session, m.EmergencyStatus())
    assert isinstance(report, m.EmergencyStatusReport)
    assert report.stopped_alarm_at_ms == 48 * HOUR_MS
    assert report.prescription.mode is codes.Mode.STOPPED
    assert report.prescription.drug_name == "baclofen"


def test_a_clinician_with_a_key_ends_an_emergency(bench: Bench) -> None:
    """The alarm is over with the next prescription, and not before."""
    session = bench.opened()
    current = bench.ask(session, m.ReadPrescription(codes.PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    bench.be_there()
    bench.ask(bench.session(), m.EmergencyMinimumRate())
    assert bench.pump.firmware.alarms.is_active(Alarm.EMERGENCY_ACTION)
    staged = bench.ask(session, m.StagePrescription(current.prescription))
    assert isinstance(staged, m.PrescriptionStaged)
    bench.ask(session, m.CommitPrescription(staged.digest, None))
    assert not bench.pump.firmware.alarms.is_active(Alarm.EMERGENCY_ACTION)


def test_an_emergency_message_belongs_to_no_link(bench: Bench) -> None:
    """An open link, a lock after failures, or a link id stand in nobody's way, nor open one."""
    session = bench.opened()
    for count in range(FREE_FAILURES + 2):
        key = bench.guard.keys[UserRole.CLINICIAN]
        wrong = bench.session(Key(key.key_id, key.role, bytes(32)))
        identity = bench.endpoint.telemetry.identity()
        bench.ask(wrong, wrong.authenticate(identity))
        assert bench.guard.failures == min(count + 1, FREE_FAILURES + 1)
    bench.be_there()
    assert isinstance(bench.ask(bench.session(), m.EmergencyStatus()), m.EmergencyStatusReport)
    assert isinstance(bench.ask(session, m.EmergencyStatus()), m.EmergencyStatusReport)
    assert isinstance(bench.ask(session, m.Interrogate()), m.StatusReport)


def test_an_emergency_status_is_no_interrogation(bench: Bench) -> None:
    """It does not end a hold of the infusion: without a key, nothing makes more drug flow."""
    bench.be_there()
    before = therapy_of(bench.pump)
    bench.ask(bench.session(), m.EmergencyStatus())
    assert therapy_of(bench.pump) == before


def test_the_access_log_tells_who_asked_in_an_emergency(bench: Bench) -> None:
    bench.be_there()
    bench.ask(bench.session(), m.EmergencyStop())
    page = bench.ask(bench.opened(), m.ReadAccessLog(1, 14))
    assert isinstance(page, m.AccessLogPage)
    told = {(each.event, each.request_type) for each in page.entries}
    assert (codes.AccessEvent.EMERGENCY_ASKED, codes.MessageType.EMERGENCY_STOP) in told
    opened = [each for each in page.entries if each.event is codes.AccessEvent.AUTHENTICATED]
    assert [each.code for each in opened] == [UserRole.CLINICIAN]


# --- Pairing --------------------------------------------------------------------------------------


def test_a_code_shown_at_the_pump_gives_a_key_that_opens_links(bench: Bench) -> None:
    with pytest.raises(OutOfTurn, match="proximity"):
        bench.endpoint.offer_pairing(UserRole.OBSERVER, 0)
    bench.endpoint.presence.on_pump = True
    code = bench.endpoint.offer_pairing(UserRole.OBSERVER, bench.link_ms * NS_PER_MS)
    paired = bench.ask(bench.open_with(pairing_key(code, UserRole.OBSERVER)), m.Pair())
    assert isinstance(paired, m.Paired)
    session = bench.open_with(Key(paired.key_id, paired.role, paired.secret))
    assert isinstance(bench.ask(session, m.Interrogate()), m.StatusReport)
    reason = reason_of(bench.ask(session, m.SelfTest()))
    assert (reason.code, reason.field) == (RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE)


def test_a_pump_without_keys_has_none_to_give() -> None:
    plain = PumpEndpoint(Simulation(implanted()))
    plain.presence.on_pump = True
    with pytest.raises(OutOfTurn, match="LEGACY_INSECURE"):
        plain.offer_pairing(UserRole.CLINICIAN, 0)


# --- What is kept ---------------------------------------------------------------------------------


def test_what_changes_the_pump_is_kept_before_its_answer_leaves(bench: Bench) -> None:
    session = bench.opened()
    bench.kept.notes.clear()
    logged = bench.pump.firmware.log.next_sequence
    bench.ask(session, m.WriteNote("a note"))
    assert bench.kept.notes == [("keep", logged + 1)]


def test_a_refused_order_is_kept_too(bench: Bench) -> None:
    """It has used its number up (ORDER-09)."""
    session = bench.opened()
    bench.kept.notes.clear()
    refused = bench.ask(session, m.OrderBolus(1, codes.BolusKind.SINGLE, 1, 1, 1, 1))
    assert isinstance(refused, m.Refusal)
    assert [kind for kind, _ in bench.kept.notes] == ["keep"]


def test_reading_is_only_told(bench: Bench) -> None:
    """A program that polls costs no durable write each time."""
    session = bench.opened()
    bench.ask(session, m.Interrogate())
    bench.kept.notes.clear()
    for _ in range(10):
        bench.ask(session, m.Interrogate())
        bench.ask(session, m.ReadLog(1, 1))
    assert {kind for kind, _ in bench.kept.notes} == {"tell"}


def test_nothing_leaves_that_could_not_be_kept(bench: Bench) -> None:
    session = bench.opened()
    bench.kept.fails = True
    session.send_request(m.WriteNote("lost"), bench.link_ms)
    with pytest.raises(OSError, match="no room"):
        bench.endpoint.receive_data(session.data_to_send(), bench.link_ms * NS_PER_MS)


def test_failed_handshakes_are_kept_only_when_they_lock(bench: Bench) -> None:
    """A flood of them costs one durable write a lock, and a lock outlives the process."""
    key = bench.guard.keys[UserRole.CLINICIAN]
    identity = bench.endpoint.telemetry.identity()
    wrong = Key(key.key_id, key.role, bytes(32))
    kept = []
    for _ in range(FREE_FAILURES + 20):
        bench.kept.notes.clear()
        session = bench.session(wrong)
        bench.ask(session, session.authenticate(identity))
        kept += [kind for kind, _ in bench.kept.notes]
    assert kept.count("keep") <= 3  # the first failure and the first lock, in the log or not
    bench.link_ms += LONGEST_LOCK_MS
    bench.opened()


def test_a_staging_that_expires_is_kept(bench: Bench) -> None:
    session = bench.opened()
    current = bench.ask(session, m.ReadPrescription(codes.PrescriptionSlot.CURRENT))
    assert isinstance(current, m.PrescriptionReport)
    bench.ask(session, m.StagePrescription(current.prescription))
    bench.kept.notes.clear()
    bench.endpoint.handle_timeout((bench.link_ms + codes.STAGING_LIMIT_MS) * NS_PER_MS)
    assert bench.pump.firmware.pending is None
    assert [kind for kind, _ in bench.kept.notes] == ["keep"]


def test_an_emergency_that_changes_nothing_more_is_not_kept_again(bench: Bench) -> None:
    """Nobody without a key can cause a durable write with each message."""
    bench.be_there()
    session = bench.session()
    bench.ask(session, m.EmergencyStop())
    assert bench.kept.notes[-1][0] == "keep"
    bench.kept.notes.clear()
    for _ in range(10):
        bench.ask(session, m.EmergencyStop())
    assert {kind for kind, _ in bench.kept.notes} == {"tell"}


def test_noise_and_forgeries_move_no_therapy_time() -> None:
    """A jumping pump goes on after an exchange, and after nothing else (FRAME-12)."""
    guard = PumpGuard(new_keys(Random(1).randbytes))
    endpoint = PumpEndpoint(Simulation(implanted()), jumping=True, guard=guard)
    endpoint.receive_data(b"\x00noise", 0)
    endpoint.receive_data(frame_bytes(codes.MessageType.SET_CLOCK, 5, 5, bytes(8)), 0)
    for at_ms in (100, 250, 1_000):
        endpoint.handle_timeout(at_ms * NS_PER_MS)
    assert endpoint.simulation.now_ms == 0
    endpoint.receive_data(frame_bytes(codes.MessageType.IDENTIFY, 0, 1, b""), 2_000 * NS_PER_MS)
    endpoint.handle_timeout(2_250 * NS_PER_MS)
    assert endpoint.simulation.now_ms > 0
