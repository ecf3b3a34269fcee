"""What somebody without a key can send to a pump with keys, and what they cannot do by it."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol.codes import COUNTER_BYTES, UserRole
from pump_protocol.events import Event, LinkAuthenticated
from pump_protocol.frames import Frame, FrameDecoder
from pump_sim.model.events import AccessEvent, EventCode
from pump_sim.model.pump import Pump
from pump_sim.scenario.clinician.attacks import NothingCaptured, Tap, attack, forged
from pump_sim.scenario.clinician.clinician import NoSuchBit, Result
from pump_sim.scenario.clinician.visits import Inject
from pump_sim.scenario.file.acts import Attack
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import prescribed
from pump_sim.scenario.happenings import Outcome
from tests.pump_sim.scenario.wires import Wire, by_programmer
from tests.pump_sim.virtual import PROFILE, therapy_of

BOLUS = {"dose": "50 mcg", "over": "30 min"}


def wire(*, legacy: bool = False) -> Wire:
    """A clinician at a pump that was just implanted."""
    return Wire(Pump.implant(PROFILE, prescribed(Therapy(), None, PROFILE)), legacy=legacy)


def left_open() -> Wire:
    """One whose programmer was gone after the commit: the link is open."""
    at = wire()
    assert at.do("program", dose="310 mcg/day", cut="commit").outcome is Outcome.CUT
    return at


def noted(at: Wire) -> list[AccessEvent]:
    """The events of the access log, once each."""
    return [each.event for each in at.pump.firmware.access_log.entries.values()]


def refused(result: Result, code: str) -> None:
    """It was refused, for that and nothing else."""
    assert (result.outcome, result.refused) == (Outcome.REFUSED, (code,)), result.text


# --- In an open link -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "replay", "message": "stage_prescription"},
        {"kind": "replay", "message": "stage_prescription", "fresh": True},
        {"kind": "replay", "message": "commit_prescription", "fresh": True},
        {"kind": "forge", "message": "commit_prescription"},
        {"kind": "forge", "message": "commit_prescription", "fresh": True},
        {"kind": "forge", "message": "stage_prescription", "bit": 77, "fresh": True},
        {"kind": "reflect", "message": "stage_prescription"},
        {"kind": "reflect", "message": "stage_prescription", "fresh": True},
    ],
    ids=lambda given: "-".join(map(str, given.values())),
)
def test_what_was_sealed_is_believed_once_and_unchanged(given: dict[str, Any]) -> None:
    """Neither the counter nor the header nor a bit of what is said may be another."""
    at = left_open()
    before = therapy_of(at.pump)
    refused(at.do(**given), "not_authentic")
    assert therapy_of(at.pump) == before
    assert noted(at) == [AccessEvent.AUTHENTICATED, AccessEvent.NOT_AUTHENTIC]


def test_the_last_request_again_is_answered_from_memory() -> None:
    """As if the answer was lost; it is not carried out again."""
    at = wire()
    at.do("bolus", **BOLUS, cut="order")
    before = therapy_of(at.pump)
    result = at.do("replay", message="order_bolus")
    assert result.outcome is Outcome.DONE
    assert result.text == "order bolus sent again: answered from memory, as before"
    assert therapy_of(at.pump) == before
    assert at.records(EventCode.BOLUS_STARTED) == [EventCode.BOLUS_STARTED]


def test_the_link_goes_on_after_an_attack() -> None:
    """What a forger sends does not move the counter beyond what the programmer sends next."""
    at = wire()
    links: list[int] = []

    def hear(event: Event, link_ns: int) -> None:
        if isinstance(event, LinkAuthenticated):
            links.append(event.link_id)

    def interfere(to_pump: bool, number: int) -> int:
        if to_pump and at.sent[-1] == "order_bolus":
            payload = (99).to_bytes(COUNTER_BYTES, "little") + bytes(60)
            false = Frame(0x09, links[-1], 9, payload, version=0x81)
            at.endpoint.receive_data(false.to_bytes(), at.link_ms * 1_000_000)
        return 1

    at.endpoint.listen(hear)
    at.fate = interfere
    assert at.do("bolus", **BOLUS).outcome is Outcome.DONE
    assert AccessEvent.NOT_AUTHENTIC in noted(at)


# --- Of another link, or none --------------------------------------------------------------------


def test_the_frame_before_is_of_a_link_that_is_over() -> None:
    at = left_open()
    at.do("program", dose="320 mcg/day", cut="commit")
    refused(at.do("reorder", message="commit_prescription"), "link_id_used")


@pytest.mark.parametrize(
    ("fresh", "code"), [(False, "link_id_used"), (True, "authentication_failed")]
)
def test_a_recorded_handshake_opens_nothing(fresh: bool, code: str) -> None:
    """It is for its link id, and that was used."""
    at = wire()
    at.do("note", text="hello")
    refused(at.do("replay", message="authenticate", fresh=fresh), code)


def test_a_sealed_opening_under_another_link_id_is_not_believed() -> None:
    """There are no keys for that link."""
    at = wire()
    at.do("note", text="hello")
    refused(at.do("replay", message="open_link", fresh=True), "link_not_open")


def test_a_pump_with_keys_takes_nothing_that_a_pump_without_takes() -> None:
    """A visit in plain frames is refused at its first one, and no link comes of it."""
    old, new = wire(legacy=True), wire()
    old.do("bolus", **BOLUS)
    new.clinician = old.clinician
    for message in ("open_link", "order_bolus"):
        refused(new.do("replay", message=message), "authentication_required")
    assert new.records(EventCode.BOLUS_STARTED) == []


# --- A pump without keys -------------------------------------------------------------------------


def test_without_keys_a_new_header_is_enough() -> None:
    """A recorded frame ends a bolus; one in which a bit is changed orders another."""
    at = wire(legacy=True)
    at.do("bolus", **BOLUS)
    at.do("abort_bolus")
    at.do("bolus", **BOLUS)
    assert at.do("replay", message="open_link", fresh=True).outcome is Outcome.DONE
    assert at.do("replay", message="abort_bolus", fresh=True).outcome is Outcome.DONE
    assert at.records(EventCode.BOLUS_ABORTED) == 2 * [EventCode.BOLUS_ABORTED]
    assert at.do("forge", message="order_bolus", bit=6, fresh=True).outcome is Outcome.DONE
    assert at.records(EventCode.BOLUS_STARTED) == 3 * [EventCode.BOLUS_STARTED]


def test_without_keys_what_has_no_new_header_is_refused() -> None:
    """Links and numbers keep the lost and the late apart, if nobody means ill."""
    at = wire(legacy=True)
    at.do("bolus", **BOLUS)
    refused(at.do("replay", message="order_bolus"), "link_id_used")


# --- What is sent --------------------------------------------------------------------------------


def captured(*frames: Frame) -> Tap:
    """A tap that has heard these."""
    tap = Tap()
    for frame in frames:
        tap.sent(frame.to_bytes())
    return tap


def sends(tap: Tap, kind: str, **given: Any) -> Frame:
    """The frame that an attack injects."""
    act = by_programmer(kind, **given)
    assert isinstance(act, Attack)
    step = next(attack(act, tap, Random(1)))
    assert isinstance(step, Inject)
    return step.frame


SEALED = Frame(0x16, 5, 3, (7).to_bytes(8, "little") + bytes(20), version=0x81)


def test_a_fresh_header_goes_on_where_the_link_is() -> None:
    """The link id, the next sequence number and the next counter; the rest is as it was."""
    later = Frame(0x02, 5, 4, (8).to_bytes(8, "little") + bytes(16), version=0x81)
    frame = sends(captured(SEALED, later), "replay", message="write_note", fresh=True)
    assert (frame.link_id, frame.sequence) == (5, 5)
    assert frame.payload == (9).to_bytes(8, "little") + bytes(20)


def test_what_an_attacker_has_sent_counts_for_the_next_header() -> None:
    """Two frames one after the other do not have the same number."""
    tap = captured(SEALED)
    tap.passed(sends(tap, "replay", message="write_note", fresh=True))
    assert sends(tap, "replay", message="write_note", fresh=True).sequence == 5


def test_a_frame_outside_of_the_latest_link_is_not_the_latest_of_it() -> None:
    tap = captured(SEALED)
    tap.passed(Frame(0x16, 6, 900))
    assert sends(tap, "replay", message="write_note", fresh=True).link_id == 5


def test_the_answer_comes_back_as_a_request() -> None:
    """As an answer nobody would look at it."""
    tap = captured(SEALED)
    answer = Frame(0x96, 5, 3, bytes(24), version=0x81)
    tap.received(answer.to_bytes(), 1)
    frame = sends(tap, "reflect", message="write_note")
    assert (frame.message_type, frame.payload) == (0x16, answer.payload)


@pytest.mark.parametrize(("kind", "why"), [("reflect", "no answer"), ("reorder", "only once")])
def test_what_was_not_heard_cannot_be_sent(kind: str, why: str) -> None:
    with pytest.raises(NothingCaptured, match=why):
        sends(captured(SEALED), kind, message="write_note")


@settings(max_examples=50)
@given(st.integers(0, 8 * 20 - 1))
def test_a_forged_frame_is_whole_and_differs_in_one_bit_after_its_counter(bit: int) -> None:
    """Its CRC is right, so only the tag can tell."""
    false = forged(SEALED, bit, "write_note")
    (received,) = FrameDecoder().feed(false.to_bytes())
    assert received == false
    assert false.payload[:COUNTER_BYTES] == SEALED.payload[:COUNTER_BYTES]
    changed = int.from_bytes(false.payload, "little") ^ int.from_bytes(SEALED.payload, "little")
    assert changed == 1 << (8 * COUNTER_BYTES + bit)


def test_a_bit_beyond_what_is_said_is_refused() -> None:
    """The counter is none of it."""
    with pytest.raises(NoSuchBit, match="allowed 0 to 159"):
        forged(SEALED, 160, "write_note")


# --- Roles, pairing, emergency access ------------------------------------------------------------


@pytest.mark.parametrize("role", ["observer", "patient", "service"])
def test_only_a_clinician_changes_therapy(role: str) -> None:
    """Another key opens a link, and what it may not do is refused."""
    at = wire()
    before = therapy_of(at.pump)
    refused(at.do("program", dose="310 mcg/day", role=role), "not_permitted")
    refused(at.do("refill", volume="18 mL", role=role), "not_permitted")
    assert therapy_of(at.pump) == before


@pytest.mark.parametrize("role", ["observer", "patient", "clinician", "service"])
def test_everybody_with_a_key_may_read(role: str) -> None:
    """A patient reads the status, the others all there is."""
    at = wire()
    result = at.do("interrogate", role=role)
    assert result.outcome is Outcome.DONE
    assert ("read_log" in at.sent) == (role != "patient")


def test_pairing_gives_the_key_that_the_pump_has() -> None:
    """And visits with it go on as before."""
    at = wire()
    assert at.do("pair", role="patient").text == "paired: the programmer has the patient's key"
    assert at.keys is not None
    assert at.endpoint.guard is not None
    held = at.keys.key(at.pump.serial_number, UserRole.PATIENT)
    assert held == at.endpoint.guard.keys[UserRole.PATIENT]
    assert at.do("interrogate", role="patient").outcome is Outcome.DONE


def test_a_guessed_code_pairs_nobody() -> None:
    at = wire()
    at.endpoint.presence.on_pump = True
    refused(at.do("pair", code="wrong"), "authentication_failed")


def test_emergency_access_needs_somebody_there_who_means_it() -> None:
    """First near, then the button; and it needs no key at all."""
    at = wire()
    refused(at.do("emergency", what="stop"), "not_near")
    at.endpoint.presence.on_pump = True
    refused(at.do("emergency", what="stop"), "no_intent")
    at.endpoint.press_button(at.link_ms * 1_000_000)
    status = at.do("emergency", what="status")
    assert status.text == "emergency status: simple continuous, infusing 0.15 mL/day, 20 mL left"
    assert at.do("emergency", what="minimum_rate").outcome is Outcome.DONE
    assert at.do("emergency", what="stop").text == "emergency: stopped, version 3, alarm in 2 d"
    assert at.sent == ["emergency_stop"]


@pytest.mark.parametrize(
    ("what", "outcome"), [("status", Outcome.NO_ANSWER), ("stop", Outcome.UNKNOWN)]
)
def test_an_emergency_without_an_answer_may_have_been_carried_out(
    what: str, outcome: Outcome
) -> None:
    """But to read changes nothing."""
    at = wire()
    at.fate = lambda to_pump, number: int(to_pump)
    assert at.do("emergency", what=what).outcome is outcome


def test_a_pump_for_which_there_is_no_key_is_not_programmed() -> None:
    """It is asked who it is, and nothing else is sent."""
    at = wire()
    assert at.keys is not None
    at.keys._keys.clear()
    result = at.do("note", text="hello")
    assert result.outcome is Outcome.NO_ANSWER
    assert result.text == f"not sent: no clinician's key for pump {at.pump.serial_number}"
    assert at.sent == ["identify"]
