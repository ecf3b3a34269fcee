"""The golden vectors: what is written down is what is sent and what is understood, both ways.

That they are what the generator writes is checked in tests/docs/test_reference.py.
"""

import json
from dataclasses import fields
from enum import IntEnum, IntFlag
from functools import reduce
from hashlib import sha256
from importlib.resources import files
from operator import or_
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS, RESPONSE_BIT, UserRole
from pump_protocol.envelope import Envelope
from pump_protocol.errors import NotAuthentic
from pump_protocol.frames import CorruptFrame, Corruption, Frame, FrameDecoder
from pump_protocol.guard import PumpGuard
from pump_protocol.handshake import Initiator, LinkSecrets, prologue, respond
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_request, decode_response, encode
from pump_protocol.session import Role, Session
from pump_protocol.states import LinkState

from .links import Pump, drain, framed, frames_in
from .strategies import MESSAGE_CLASSES


def read(name: str) -> Any:
    """A vector file as an installed package has it."""
    return json.loads((files("pump_protocol") / "vectors" / name).read_text("utf-8"))


MESSAGES = read("messages.json")["vectors"]
MALFORMED = read("malformed.json")
AUTHENTICATED = read("authenticated.json")


def cases(of: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", of, ids=[each["name"] for each in of])


def from_json(hint: Any, value: Any) -> Any:
    """A value of type *hint* from its JSON."""
    kind = hint if isinstance(hint, type) else None
    if value is None:
        return None
    if get_origin(hint) is tuple:
        return tuple(from_json(get_args(hint)[0], each) for each in value)
    if kind is bytes:
        return bytes.fromhex(value)
    if kind and issubclass(kind, IntFlag):
        return reduce(or_, (kind[name] for name in value), kind(0))
    if kind and issubclass(kind, IntEnum):
        return kind[value]
    return message_from(hint, value) if isinstance(value, dict) else _scalar(kind, value)


def _scalar(kind: type | None, value: Any) -> Any:
    return value if kind in {str, bool} else int(value)


def message_from(message_class: type[Any], values: dict[str, Any]) -> Any:
    hints = get_type_hints(message_class)
    assert list(values) == [each.name for each in fields(message_class)]
    return message_class(**{name: from_json(hints[name], value) for name, value in values.items()})


def by_name(name: str) -> type[m.Message]:
    return next(each for each in MESSAGE_CLASSES if each.__name__ == name)


# --- Messages ------------------------------------------------------------------------------------


@cases(MESSAGES)
def test_the_fields_give_the_bytes(case: Any) -> None:
    message = message_from(by_name(case["message"]), case["fields"])
    payload = encode(message)
    frame = Frame(message.message_type, int(case["link_id"]), case["sequence"], payload)
    assert payload.hex() == case["payload"]
    assert frame.to_bytes().hex() == case["frame"]


@cases(MESSAGES)
def test_the_bytes_give_the_fields(case: Any) -> None:
    (frame,) = frames_in(bytes.fromhex(case["frame"]))
    assert frame.message_type == case["type"]
    assert (frame.link_id, frame.sequence) == (int(case["link_id"]), case["sequence"])
    assert frame.payload.hex() == case["payload"]
    decode = decode_request if case["direction"] == "to pump" else decode_response
    message = decode(frame.message_type, frame.payload)
    assert message == message_from(by_name(case["message"]), case["fields"])


def test_every_message_is_there_with_its_edges() -> None:
    names = {case["message"] for case in MESSAGES}
    assert names == {each.__name__ for each in MESSAGE_CLASSES}
    for message_class in MESSAGE_CLASSES:
        if fields(message_class):
            stem = message_class.message_type.name.lower()
            assert {f"{stem}_smallest", f"{stem}_largest"} <= {case["name"] for case in MESSAGES}


# --- Malformed input -----------------------------------------------------------------------------


@cases(MALFORMED["streams"])
def test_a_stream_gives_the_events(case: Any) -> None:
    decoder = FrameDecoder()
    events: list[Frame | CorruptFrame] = []
    for piece in case["pieces"]:
        if "bytes" in piece:
            events += decoder.feed(bytes.fromhex(piece["bytes"]))
        else:
            assert piece == {"silence_ms": INTER_BYTE_TIMEOUT_MS}
            events += decoder.expire()
    expected = [
        frames_in(bytes.fromhex(event["frame"]))[0]
        if "frame" in event
        else CorruptFrame(Corruption[event["noise"]], event["size"])
        for event in case["events"]
    ]
    assert events == expected


@cases(MALFORMED["requests"])
def test_a_bad_request_gets_the_refusal(case: Any) -> None:
    pump = Pump()
    for before in case["before"]:
        assert pump.receive(bytes.fromhex(before)), "what comes before is answered"
    carried_out = len(pump.executed)
    answer = pump.receive(bytes.fromhex(case["send"]))
    assert len(pump.executed) == carried_out
    if case.get("ignored"):
        assert answer == b""
        return
    assert answer.hex() == case["frame"]
    (frame,) = frames_in(answer)
    refusal = decode_response(frame.message_type, frame.payload)
    assert refusal == m.Refusal(
        bytes.fromhex(case["send"])[3], (message_from(m.Reason, case["refusal"]),)
    )


# --- Keys, handshakes and sealed frames ----------------------------------------------------------


def keys_of(link: Any) -> tuple[Key, LinkSecrets]:
    key = link["key"]
    return (
        Key(int(key["key_id"]), UserRole[key["role"]], bytes.fromhex(key["secret"])),
        LinkSecrets(bytes.fromhex(link["to_pump"]), bytes.fromhex(link["to_programmer"])),
    )


@cases(AUTHENTICATED["links"])
def test_a_link_is_made_of_what_it_begins_with(case: Any) -> None:
    """AUTH-03 to AUTH-06: identity, key, link id and ephemeral keys give all the rest."""
    key, keys = keys_of(case)
    digest = sha256(bytes.fromhex(case["identity"])).digest()
    bound = prologue(int(case["link_id"]), key.key_id, key.role, digest)
    assert bound.hex() == case["prologue"]
    ours = bytes.fromhex(case["programmers_ephemeral"])
    theirs = bytes.fromhex(case["pumps_ephemeral"])
    initiator = Initiator(key, bound, lambda _: ours)
    second, found = respond(key, bound, initiator.message, lambda _: theirs)
    assert [initiator.message.hex(), second.hex()] == case["handshake"]
    assert found == keys == initiator.finish(second)


@cases(AUTHENTICATED["links"])
def test_the_frames_of_a_link_are_sealed_and_opened_as_they_are_shown(case: Any) -> None:
    """SEAL-01 to SEAL-04; what carries a remark is somebody else's, and is not believed."""
    _, keys = keys_of(case)
    programmer = Envelope(sending=keys.to_pump, receiving=keys.to_programmer)
    pump = Envelope(sending=keys.to_programmer, receiving=keys.to_pump)
    for said in case["frames"]:
        to_pump = said["direction"] == "to pump"
        sender, receiver = (programmer, pump) if to_pump else (pump, programmer)
        (frame,) = frames_in(bytes.fromhex(said["frame"]))
        payload = bytes.fromhex(said["payload"])
        decode_any(frame.message_type, payload)
        assert frame.sealed is (said["counter"] is not None)
        if not frame.sealed:
            assert frame.payload == payload
        elif said["remark"]:
            with pytest.raises(NotAuthentic):
                receiver.open(frame)
        else:
            sealed = sender.seal(frame.message_type, frame.link_id, frame.sequence, payload)
            assert sealed.hex() == said["frame"]
            assert receiver.next_received == int(said["counter"])
            assert receiver.open(frame) == payload


def decode_any(message_type: int, payload: bytes) -> m.Message:
    decode = decode_request if message_type < RESPONSE_BIT else decode_response
    return decode(message_type, payload)


@cases(AUTHENTICATED["doubted"])
def test_a_pump_refuses_a_doubted_frame_and_goes_on(case: Any) -> None:
    """SEAL-06: plain, with that code and field, and the link is as it was."""
    link = AUTHENTICATED["links"][0]
    key, _ = keys_of(link)
    ephemeral = bytes.fromhex(link["pumps_ephemeral"])
    guard = PumpGuard([key], random_bytes=lambda _: ephemeral)
    guard.identity_digest = sha256(bytes.fromhex(link["identity"])).digest()
    pump = Pump(guard=guard)
    begin = next(each for each in link["frames"] if each["name"] == "authenticate")
    assert pump.receive(bytes.fromhex(begin["frame"]))
    for before in case["before"]:
        pump.receive(bytes.fromhex(before))
    was, carried_out = pump.session.link_state, len(pump.executed)
    (answer,) = frames_in(pump.receive(bytes.fromhex(case["frame"])))
    assert not answer.sealed
    refusal = decode_response(answer.message_type, answer.payload)
    assert isinstance(refusal, m.Refusal)
    found = [(reason.code.name, reason.field.name) for reason in refusal.reasons]
    assert found == [(case["code"], case["field"])]
    assert (pump.session.link_state, len(pump.executed)) == (was, carried_out)


VERDICTS: dict[type[ev.Event], str] = {
    ev.ResponseReceived: "answered",
    ev.RefusalReceived: "refused",
    ev.FrameIgnored: "ignored: go on waiting",
    ev.NoiseReceived: "ignored: go on waiting",
    ev.ResponseGarbled: "garbled: the exchange ends, its outcome is unknown",
}


@cases(MALFORMED["responses"])
def test_a_programmer_makes_this_of_a_response(case: Any) -> None:
    (asked,) = frames_in(bytes.fromhex(case["request"]))
    session = Session(Role.PROGRAMMER, link_id=asked.link_id)
    session.send_request(m.OpenLink(1), 0)
    session.receive_data(framed(m.LinkOpened(1, 2, 3, 4), 1, asked.link_id), 0)
    drain(session)
    assert session.link_state is LinkState.OPEN
    session.send_request(decode_request(asked.message_type, asked.payload), 0)
    assert session.data_to_send()[-len(case["request"]) // 2 :].hex() == case["request"]
    session.receive_data(bytes.fromhex(case["receive"]), 0)
    session.handle_timeout(INTER_BYTE_TIMEOUT_MS)
    (event,) = drain(session)
    assert VERDICTS[type(event)] == case["verdict"]
