"""A trace of sealed frames: what they say for whoever holds the keys, and no secret of anybody."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import Field, MessageType, RefusalCode, UserRole
from pump_protocol.envelope import Envelope
from pump_protocol.frames import Frame
from pump_protocol.handshake import LinkSecrets
from pump_protocol.payloads import encode
from pump_protocol.states import LinkTrigger
from pump_sim.model.events import AccessEvent
from pump_sim.scenario.checking import check, plan
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.happenings import Framed, Happening, OnSession
from pump_sim.scenario.reading.loading import load
from pump_sim.scenario.tracing.trace import Tracer
from pump_sim.scenario.tracing.trace_lines import (
    AccessLine,
    FrameLine,
    SessionLine,
    TracedPlay,
    read_trace,
)

from .happened import HOUR, noted

SECRETS = LinkSecrets(b"p" * 32, b"q" * 32)
OTHER = LinkSecrets(b"r" * 32, b"s" * 32)
LINK = 0xABC


def told(*happenings: Happening, **pump: str) -> list[dict[str, Any]]:
    """The lines of a play, its first one included, its last one not."""
    lines: list[str] = []
    tracer = Tracer("sealed", (), lines.append)
    document = {"title": "Sealed", "length": "1 d", "pump": pump}
    tracer.begin(Scenario.model_validate(document), "SIM-0001")
    for each in happenings:
        tracer.hear(each)
    tracer.close()
    return [json.loads(line) for line in lines[:-1]]


def answered(secrets: LinkSecrets = SECRETS) -> OnSession:
    """A handshake for the link was answered, which gave it these keys."""
    event = ev.HandshakeAnswered(LINK, 7, UserRole.CLINICIAN, secrets)
    return OnSession(at_ms=HOUR, link_ns=5, event=event)


def sealed(message: m.Message, *, to_pump: bool = True, secrets: LinkSecrets = SECRETS) -> Framed:
    """A message on the wire, under the keys of a link."""
    key = secrets.to_pump if to_pump else secrets.to_programmer
    data = Envelope(sending=key, receiving=key).seal(message.message_type, LINK, 2, encode(message))
    return Framed(at_ms=HOUR, link_ns=9, to_pump=to_pump, data=data)


# --- Frames --------------------------------------------------------------------------------------


def test_a_sealed_frame_is_told_with_what_it_says_and_as_it_was() -> None:
    """In either direction, with its counter."""
    there = sealed(m.WriteNote("hello"))
    back = sealed(m.NoteWritten(), to_pump=False)
    _, _, first, second = told(answered(), there, back)
    assert (first["message"], first["fields"]) == ("write_note", {"text": "hello"})
    assert (first["sealed"], first["counter"], first["reason"]) == (True, 0, None)
    assert first["hex"] == there.data.hex()
    assert (second["message"], second["fields"]) == ("note_written", {})


def test_of_two_handshakes_for_one_link_both_are_known() -> None:
    """Nobody knows beforehand which of them is gone on with."""
    _, _, _, line = told(answered(), answered(OTHER), sealed(m.WriteNote("hello")))
    assert line["fields"] == {"text": "hello"}


def test_what_cannot_be_opened_is_told_with_the_reason() -> None:
    """Altered, under other keys, or of a link that nobody here knows."""
    good = sealed(m.WriteNote("hello")).data
    altered = Frame(0x16, LINK, 2, good[20:-5] + bytes(1), version=0x81).to_bytes()
    cases = [
        (told(answered(), Framed(at_ms=1, link_ns=9, to_pump=True, data=altered)), "tag is wrong"),
        (told(answered(), sealed(m.WriteNote("x"), secrets=OTHER)), "tag is wrong"),
        (told(sealed(m.WriteNote("x"))), "no key of its link is known"),
    ]
    for lines, why in cases:
        line = lines[-1]
        assert (line["message"], line["fields"], line["sealed"]) == ("write_note", None, True)
        assert why in line["reason"]


def test_a_key_that_is_handed_over_is_not_in_the_trace() -> None:
    """Nor are the keys of the link."""
    lines = told(answered(), sealed(m.Paired(7, UserRole.PATIENT, b"k" * 32), to_pump=False))
    assert lines[-1]["fields"] == {"key_id": 7, "role": "patient", "secret": None}
    text = json.dumps(lines)
    for secret in (b"k", SECRETS.to_pump[:1], SECRETS.to_programmer[:1]):
        assert (secret * 32).hex() not in text


# --- Session and access log ----------------------------------------------------------------------

REFUSAL = m.Refusal(MessageType.ORDER_BOLUS, (m.Reason(RefusalCode.NOT_PERMITTED, Field.NONE),))


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (answered().event, {"event": "handshake", "role": "clinician", "key_id": 7}),
        (
            ev.LinkAuthenticated(LINK, 0, UserRole.PATIENT),
            {"event": "authenticated", "role": "patient", "key_id": 0},
        ),
        (ev.KeyHandedOver(LINK, 8, UserRole.PATIENT), {"event": "paired", "key_id": 8}),
        (
            ev.RequestRefused(REFUSAL, LINK, 4),
            {
                "event": "refused",
                "sequence": 4,
                "message": "order_bolus",
                "refused": ["not_permitted"],
            },
        ),
        (ev.RequestRepeated(LINK, 4, 0x09), {"event": "repeated", "message": "order_bolus"}),
        (
            ev.FrameIgnored(Frame(0x81, LINK, 4), "an answer"),
            {"event": "ignored", "message": "link_opened", "cause": "an answer"},
        ),
        (
            ev.LinkEnded(LINK, LinkTrigger.IDLE_LIMIT),
            {"event": "ended", "cause": "idle_limit", "message": None},
        ),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_the_session_decides_has_a_line(event: ev.Event, wanted: dict[str, Any]) -> None:
    """With the link id and the link time."""
    line = told(OnSession(at_ms=HOUR, link_ns=5, event=event))[-1]
    assert wanted.items() <= line.items()
    assert (line["kind"], line["link_id"], line["link_ns"]) == ("session", LINK, 5)


def test_noise_has_no_line_but_that_of_its_bytes() -> None:
    """The frame says it."""
    noise = ev.NoAnswer(1)
    assert len(told(OnSession(at_ms=HOUR, link_ns=5, event=noise))) == 1


def test_a_record_of_the_access_log_has_its_names() -> None:
    """The number in it is a role where somebody had a key, and a code where they were refused."""
    refused = noted(HOUR, AccessEvent.NOT_AUTHENTIC, RefusalCode.NOT_AUTHENTIC, count=4, times=2)
    key = noted(HOUR, AccessEvent.AUTHENTICATED, UserRole.CLINICIAN)
    _, first, second = told(refused, key)
    assert (first["event"], first["refused"], first["role"]) == (
        "not_authentic", "not_authentic", None,
    )  # fmt: skip
    assert (first["count"], first["times"], first["message"]) == (4, 2, "commit_prescription")
    assert (second["event"], second["refused"], second["role"]) == (
        "authenticated", None, "clinician",
    )  # fmt: skip


def test_the_first_line_says_what_is_unsafe() -> None:
    """And what is as it should be."""
    (start,) = told()
    assert (start["security"], start["updates"]) == ("authenticated", "safe")
    (start,) = told(security="legacy-insecure", updates="historic")
    assert (start["security"], start["updates"]) == ("legacy_insecure", "historic")


# --- A whole play --------------------------------------------------------------------------------


def traced(name: str) -> list[str]:
    """The trace of a shipped scenario."""
    lines: list[str] = []
    check(plan([load(name)]), write_trace=lines.append)
    return lines


@pytest.fixture(scope="module")
def attacked() -> TracedPlay:
    """The scenario of a frame that is sent again, as its trace has it."""
    (play,) = read_trace(traced("replay-and-forge"))
    return play


def test_all_that_is_sealed_with_a_key_can_be_read(attacked: TracedPlay) -> None:
    """But what was forged cannot, and nothing else is plain than what must be."""
    frames = attacked.of(FrameLine)
    plain = {each.message for each in frames if not each.sealed}
    assert plain == {"identify", "identity", "authenticate", "authenticated", "refusal"}
    unread = [each for each in frames if each.sealed and each.fields is None]
    assert {each.therapy_ms for each in unread} == {
        2 * HOUR + 30_000, 2 * HOUR + 40_000, 2 * HOUR + 50_000,
    }  # fmt: skip
    assert {each.reason for each in unread} == {"its tag is wrong"}


def test_counters_of_a_link_rise_but_in_what_is_sent_again(attacked: TracedPlay) -> None:
    """One after the other, from 0, in each direction."""
    first_visit = [each for each in attacked.of(FrameLine) if each.therapy_ms == HOUR]
    for direction in ("to_pump", "to_programmer"):
        counters = [
            each.counter for each in first_visit if each.sealed and each.direction == direction
        ]
        assert counters == list(range(len(counters)))
        assert counters


def test_the_attack_is_seen_in_session_and_access_log(attacked: TracedPlay) -> None:
    """Each frame that was not believed, once; and who had a key."""
    events = [each.event for each in attacked.of(SessionLine)]
    assert events.count("handshake") == events.count("authenticated") == 2
    refused = [each for each in attacked.of(SessionLine) if each.refused == ("not_authentic",)]
    assert sum(e.times for e in attacked.of(AccessLine) if e.event == "not_authentic") == 5
    assert len(refused) == 5


def test_a_trace_is_the_same_in_another_process(tmp_path: Path) -> None:
    """Byte for byte with its ciphertext, whatever the hashes of that process are."""
    script = (
        "import sys; from pump_sim.scenario.checking import check, plan;"
        "from pump_sim.scenario.reading.loading import load;"
        "check(plan([load('emergency-stop')]), write_trace=sys.stdout.write)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert out.splitlines(keepends=True) == traced("emergency-stop")


def test_another_seed_gives_another_ciphertext(tmp_path: Path) -> None:
    """And the same therapy."""
    text = load("emergency-stop").path.read_text("utf-8")
    (tmp_path / "seeded.toml").write_text(
        text.replace("\n[prescription]", "seed = 7\n\n[prescription]")
    )
    first, second = (
        read_trace(traced("emergency-stop")),
        read_trace(traced(str(tmp_path / "seeded.toml"))),
    )
    for one, other in zip(first, second, strict=True):
        ours, theirs = one.of(FrameLine), other.of(FrameLine)
        assert [each.message for each in ours] == [each.message for each in theirs]
        assert not {e.hex for e in ours if e.sealed} & {e.hex for e in theirs if e.sealed}
