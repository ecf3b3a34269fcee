"""The golden vectors: what is written down is what is sent and what is understood, both ways.

That they are what the generator writes is checked in tests/docs/test_reference.py.
"""

import json
from dataclasses import fields
from enum import IntEnum, IntFlag
from functools import reduce
from importlib.resources import files
from operator import or_
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import INTER_BYTE_TIMEOUT_MS
from pump_protocol.frames import CorruptFrame, Corruption, Frame, FrameDecoder
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
