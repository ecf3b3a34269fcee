"""A trace: what happened, line by line, in bytes that do not change and come back as they were."""

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.codes import (
    INTER_BYTE_TIMEOUT_MS,
    AccessEvent,
    Field,
    MessageType,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.frames import Frame
from pump_protocol.jsonable import fields_of
from pump_protocol.payloads import encode
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.happenings import (
    Ended,
    FaultChanged,
    Framed,
    Happening,
    Impaired,
    Look,
    Outcome,
    Replaced,
    Said,
)
from pump_sim.scenario.judging.judge import Judge
from pump_sim.scenario.tracing.trace import Tracer
from pump_sim.scenario.tracing.trace_lines import (
    ActedLine,
    AnyLine,
    EndLine,
    ExpectationLine,
    FrameLine,
    Line,
    LookLine,
    RecordLine,
    TracedPlay,
    TraceError,
    read_trace,
    to_text,
)
from tests.docs.pages import ROOT

from .happened import DAY, HOUR, acted, acting, chosen, expecting, flagged, look, raised, recorded

SCENARIO = Scenario.model_validate({"title": "Nobody comes", "length": "3 d", "seed": 7})
PICKS = (("answer", "stay"), ("dose", "half"))
MS = 1_000_000


def request(message: m.Request[Any], sequence: int = 2) -> bytes:
    """A request in a frame."""
    return Frame(message.message_type, 0xABC, sequence, encode(message)).to_bytes()


def response(message: m.Response, sequence: int = 2) -> bytes:
    """A response in a frame."""
    return Frame(message.message_type, 0xABC, sequence, encode(message)).to_bytes()


OPEN = request(m.OpenLink(programmer_id=7), 1)
READ = request(m.ReadPrescription(PrescriptionSlot.CURRENT))


def framed(data: bytes, link_ms: int = 1, *, to_pump: bool = True, at_ms: int = HOUR) -> Framed:
    """Bytes on the wire at 1 h."""
    return Framed(at_ms=at_ms, link_ns=link_ms * MS, to_pump=to_pump, data=data)


EVERYTHING: tuple[Happening, ...] = (
    look(0),
    Said(at_ms=0, text="Nobody comes \N{EM DASH} for days."),
    recorded(60_000, EventCode.BOLUS_STARTED, 25_000, 3),
    framed(OPEN),
    Impaired(at_ms=HOUR, link_ns=2 * MS, to_pump=True, what="drop", data=READ),
    acted(
        acting(programmer="bolus", dose="50 mcg", over="10 min", refused="mismatch"),
        Outcome.REFUSED,
        "mismatch",
        text="refused: it does not fit",
    ),
    chosen(1),
    FaultChanged(at_ms=5 * HOUR, fault="motor_stall", fault_id=4, began=True),
    flagged(DAY, PatientFlag.OVERDOSE_WATCH, began=(PatientFlag.OVERDOSE_WATCH,)),
    Replaced(at_ms=2 * DAY, serial_number="SIM-0002"),
    look(
        3 * DAY,
        active_alarms=(Alarm.LOW_RESERVOIR,),
        flags=(PatientFlag.OVERDOSE_WATCH,),
        tone=(AlarmClass.NON_CRITICAL, HOUR),
    ),
    Ended(at_ms=3 * DAY),
)


def traced(happenings: Iterable[Happening], *, closed: bool = True) -> list[str]:
    """The lines of a trace of one play."""
    lines: list[str] = []
    tracer = Tracer("nobody", PICKS, lines.append)
    tracer.begin(SCENARIO, "SIM-0001")
    for each in happenings:
        tracer.hear(each)
    if closed:
        tracer.close()
    assert all(each.endswith("\n") for each in lines)
    return lines


def told(*happenings: Happening) -> list[dict[str, Any]]:
    """What is between the first and the last line, read as JSON."""
    return [json.loads(line) for line in traced(happenings)[1:-1]]


def played(lines: Iterable[str]) -> TracedPlay:
    """The only play of a trace."""
    (play,) = read_trace(lines)
    return play


# --- What is written -----------------------------------------------------------------------------


def test_every_line_says_first_of_which_play_it_is_when_it_was_and_its_kind() -> None:
    for line in traced(EVERYTHING):
        read = json.loads(line)
        assert list(read)[:5] == ["scenario", "branch", "therapy_ms", "link_ns", "kind"]
        assert (read["scenario"], read["branch"]) == ("nobody", ["answer=stay", "dose=half"])


def test_kinds_are_written_in_the_order_in_which_things_happen() -> None:
    assert [json.loads(line)["kind"] for line in traced(EVERYTHING)] == [
        "start", "look", "said", "record", "frame", "impaired", "acted", "chosen", "fault",
        "flags", "replaced", "look", "end",
    ]  # fmt: skip


def test_the_same_happenings_give_the_same_bytes() -> None:
    """They are ASCII, so that no reader's encoding can differ, and one object a line."""
    text = "".join(traced(EVERYTHING))
    assert text == "".join(traced(EVERYTHING))
    assert text.isascii()
    assert len(text.splitlines()) == len(EVERYTHING) + 1


def test_a_play_begins_with_what_it_is() -> None:
    start = played(traced([])).start
    assert (start.title, start.length_ms, start.seed) == ("Nobody comes", 3 * DAY, 7)
    assert (start.serial_number, start.therapy_ms, start.link_ns) == ("SIM-0001", 0, None)


def test_a_look_has_everything_that_was_seen() -> None:
    """Under the names that it has in the program, with codes in lower case."""
    (line,) = told(EVERYTHING[-2])
    own = list(line)[5:]
    seen = [each.name for each in fields(Look) if each.name != "at_ms"]
    assert own == [*seen, "tone_every_ms"]
    assert line["mode"] == "simple_continuous"
    assert line["flags"] == ["overdose_watch"]
    assert line["active_alarms"] == ["low_reservoir"]
    assert (line["tone"], line["tone_every_ms"]) == ("non_critical", HOUR)
    assert line["therapy_ms"] == 3 * DAY


def test_a_record_has_the_pumps_own_time_besides() -> None:
    (line,) = told(raised(DAY))
    assert (line["therapy_ms"], line["pump_ms"]) == (DAY, DAY + 5_000)
    assert (line["event"], line["a"], line["text"]) == (
        "alarm_raised", 1, "ALARM low reservoir (single-tone)",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given_act", "parameters"),
    [
        ({"hands": "fill", "volume": "20 mL"}, {"volume_nl": 20_000_000, "rinsed": True}),
        (
            {"programmer": "interrogate", "refused": "mismatch", "note": "by habit"},
            {"role": "clinician"},
        ),
        (
            {"programmer": "program", "flex": [{"days": ["mon"], "steps": {"00:00": "1 mcg/day"}}]},
            {
                "role": "clinician",
                "flex": [{"days": ["mon"], "steps": {"0": {"daily_dose_ng": 1_000}}}],
            },
        ),
        (
            {"fault": "flow_error", "factor_ppm": 1_250_000, "for_": "2 h"},
            {"for_ms": 2 * HOUR, "factor_ppm": 1_250_000},
        ),
        ({"clear": "flow_error"}, {}),
        ({"link": "clear"}, {}),
    ],
)
def test_an_act_is_told_with_what_it_was_given(
    given_act: dict[str, Any], parameters: dict[str, Any]
) -> None:
    """Neither when nor why nor with what result it was wanted: only what it is."""
    (line,) = told(acted(acting(**given_act), text="done so"))
    assert (line["family"], line["act"]) == next(iter(given_act.items()))
    assert line["parameters"] == parameters
    assert (line["outcome"], line["refused"], line["text"]) == ("done", [], "done so")


def test_a_rule_of_the_link_is_told_as_an_act_with_all_that_it_says() -> None:
    (line,) = told(acted(acting(link="drop", message=["interrogate"], count=2)))
    assert (line["family"], line["act"]) == ("link", "drop")
    given_values = {"direction": "both", "message": ["interrogate"], "count": 2, "skip": 0}
    assert given_values.items() <= line["parameters"].items()
    assert "delay_ms" not in line["parameters"]


def test_what_was_decided_is_told_with_its_title() -> None:
    (line,) = told(chosen(1))
    assert (line["choice"], line["option"], line["title"]) == ("answer", "stay", "Nobody comes")


def test_verdicts_come_before_the_end_with_their_lines() -> None:
    """At the moment that decided; at the end, where none did."""
    judge = Judge([expecting(mode="flex", at="1 h"), expecting(mode="flex", at="9 d")], 3 * DAY)
    lines: list[str] = []
    tracer = Tracer("nobody", (), lines.append)
    tracer.begin(SCENARIO, "SIM-0001")
    for happening in (look(HOUR), Ended(at_ms=3 * DAY)):
        tracer.hear(happening)
        judge.hear(happening)
    tracer.close(zip(judge.verdicts(), (12, None), strict=True))
    play = played(lines)
    first, second = play.of(ExpectationLine)
    assert (first.therapy_ms, first.line, first.met) == (HOUR, 12, False)
    assert (first.what, first.text) == ("mode flex at 1 h", "simple_continuous")
    assert (second.therapy_ms, second.line) == (3 * DAY, None)
    assert isinstance(play.lines[-1], EndLine)


# --- Frames --------------------------------------------------------------------------------------


def test_a_frame_is_told_with_its_message_and_its_fields() -> None:
    (line,) = told(framed(READ, 3))
    assert line == {
        "scenario": "nobody",
        "branch": ["answer=stay", "dose=half"],
        "therapy_ms": HOUR,
        "link_ns": 3 * MS,
        "kind": "frame",
        "direction": "to_pump",
        "hex": READ.hex(),
        "message": "read_prescription",
        "link_id": 0xABC,
        "sequence": 2,
        "fields": {"slot": "current"},
        "reason": None,
        "sealed": False,
        "counter": None,
    }


def test_what_the_pump_sends_is_decoded_as_responses() -> None:
    refusal = m.Refusal(1, (m.Reason(RefusalCode.OUT_OF_RANGE, Field.RATE, 5, 6, 7),))
    (line,) = told(framed(response(refusal), to_pump=False))
    assert (line["direction"], line["message"]) == ("to_programmer", "refusal")
    assert line["fields"]["reasons"][0]["code"] == "out_of_range"


def test_a_record_of_the_access_log_is_told_with_names() -> None:
    """As pump-programmer --json shows it: what it numbers on the wire has a name, or is null."""
    numbers = (MessageType.ORDER_BOLUS, RefusalCode.OUT_OF_RANGE, Field.RATE)
    entry = m.AccessEntry(1, 5, 5, 1, AccessEvent.REFUSED, *map(int, numbers), 0xABC)
    page = m.AccessLogPage(m.LogRange(1, 2, 0), (entry,))
    (line,) = told(framed(response(page), to_pump=False))
    assert line["fields"] == fields_of(page)
    (shown,) = line["fields"]["entries"]
    names = [shown[key] for key in ("request_type", "code", "field")]
    assert names == ["order_bolus", "out_of_range", "rate"]


def test_several_frames_in_one_chunk_are_several_lines_and_half_ones_wait() -> None:
    both = OPEN + READ
    first, second = told(framed(both[:30], 1), framed(both[30:], 2))
    assert (first["hex"], second["hex"]) == (OPEN.hex(), READ.hex())
    assert [first["message"], second["message"]] == ["open_link", "read_prescription"]


def test_what_is_no_frame_is_told_with_the_reason() -> None:
    broken = READ[:-1] + bytes([READ[-1] ^ 1])
    noise, good = told(framed(broken + OPEN))
    assert (noise["hex"], noise["message"], noise["fields"]) == (broken.hex(), None, None)
    assert noise["reason"] == "frame check failed"
    assert good["message"] == "open_link"


def test_a_frame_that_is_broken_off_is_told_after_the_silence_or_at_the_end() -> None:
    half, rest = told(framed(READ[:-5], 1), framed(OPEN, 1 + INTER_BYTE_TIMEOUT_MS))
    assert (half["hex"], half["reason"]) == (READ[:-5].hex(), "frame broken off")
    assert rest["message"] == "open_link"
    (half,) = told(framed(READ[:-5], 1))
    assert half["reason"] == "frame broken off"


@pytest.mark.parametrize(
    ("frame", "message", "reason"),
    [
        (Frame(MessageType.OPEN_LINK, 1, 1, b"\0"), "open_link", "payload"),
        (Frame(0x70, 1, 1), None, "no request has type 0x70"),
        (Frame(MessageType.OPEN_LINK, 1, 1, b"", version=9), "open_link", "protocol version 9"),
    ],
)
def test_an_intact_frame_that_says_nothing_known_is_told_with_the_reason(
    frame: Frame, message: str | None, reason: str
) -> None:
    (line,) = told(framed(frame.to_bytes()))
    assert (line["message"], line["fields"]) == (message, None)
    assert reason in line["reason"]


# --- Reading -------------------------------------------------------------------------------------


def test_what_was_written_is_read_as_it_was() -> None:
    """Written again, it gives the same lines."""
    lines = traced(EVERYTHING)
    play = played(lines)
    assert [to_text(each) + "\n" for each in play.lines] == lines
    assert play.complete
    assert (play.scenario, play.branch) == ("nobody", ("answer=stay", "dose=half"))
    assert [each.therapy_ms for each in play.of(LookLine)] == [0, 3 * DAY]
    assert play.of(ActedLine)[0].refused == ("mismatch",)
    assert play.of(RecordLine)[0].event == "bolus_started"
    assert play.of(FrameLine)[0].message == "open_link"


def test_plays_follow_one_another() -> None:
    plays = read_trace([*traced(EVERYTHING), "\n", *traced([look(0)], closed=False)])
    assert [len(each.lines) for each in plays] == [len(EVERYTHING) + 1, 2]
    assert [each.complete for each in plays] == [True, False]


def test_keys_that_this_version_does_not_know_are_left_out() -> None:
    (line,) = traced([], closed=False)
    assert played([line.replace('"kind"', '"mood":"good","kind"')]).start.title == "Nobody comes"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "the trace is empty: a 'start' line is wanted"),
        (["\n"], "the trace is empty: a 'start' line is wanted"),
        (["START", "{\n"], "line 2: Invalid JSON"),
        (["START", "{", "END"], "line 2: Invalid JSON"),
        (["{"], "it is no trace: line 1: Invalid JSON"),
        (["START", "[1]"], "line 2: "),
        (["START", '{"kind":"mood"}'], "line 2: "),
        (["START", '{"kind":"end","scenario":"nobody","branch":[]}'], "line 2: therapy_ms: "),
        (["START", "LATE"], "line 2: therapy_ms: Input should be less than or equal to 9"),
        (["START", "EARLY"], "line 2: therapy_ms: Input should be greater than or equal to 0"),
        (["END"], "line 1: kind = 'end': a play begins with a 'start' line"),
        (["START", "OTHER"], "line 2: it is of somebody (answer=stay, dose=half)"),
    ],
)
def test_what_is_no_trace_is_refused_with_the_line(lines: list[str], complaint: str) -> None:
    start, end = traced([])
    known = {
        "START": start,
        "END": end,
        "OTHER": end.replace("nobody", "somebody"),
        "LATE": end.replace('"therapy_ms":0', f'"therapy_ms":{2**63}'),
        "EARLY": end.replace('"therapy_ms":0', '"therapy_ms":-1'),
    }
    with pytest.raises(TraceError) as error:
        read_trace([known.get(each, each) for each in lines])
    assert str(error.value).startswith(complaint)


def bounded() -> list[tuple[AnyLine, str]]:
    """Every key of a line that holds an integer."""
    return [
        (line, each.name)
        for line in {each.kind: each for each in played(traced(EVERYTHING)).lines}.values()
        for each in fields(line)
        if type(getattr(line, each.name)) is int
    ]


@pytest.mark.parametrize(
    ("line", "key"), bounded(), ids=[f"{line.kind}-{key}" for line, key in bounded()]
)
def test_no_integer_has_more_than_64_bits(line: AnyLine, key: str) -> None:
    """No pump writes such a number, and nothing could be drawn of it."""
    start = traced([])[0]
    changed = json.dumps({**json.loads(to_text(line)), key: 10**30}) + "\n"
    with pytest.raises(TraceError, match=f"^line 2: {key}: Input should be less than or equal to"):
        read_trace([start, changed])


@given(st.integers(1, 200))
def test_a_last_line_that_was_cut_is_left_out(kept: int) -> None:
    """Wherever the writer was stopped: what is complete before it can be read."""
    lines = traced(EVERYTHING)
    cut = lines[-2][: min(kept, len(lines[-2]) - 2)]
    assert [to_text(each) + "\n" for each in played([*lines[:-2], cut]).lines] == lines[:-2]


def test_every_kind_of_line_is_described_in_the_reference() -> None:
    """With every key that it has."""
    page = (ROOT / "docs" / "reference" / "scenario-trace.md").read_text("utf-8")
    common = {each.name for each in fields(Line)}
    for kind in get_args(AnyLine):
        name = next(each.default for each in fields(kind) if each.name == "kind")
        section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert section, name
        keys = [each.name for each in fields(kind) if each.name not in common]
        assert [
            line.split("`")[1] for line in section.splitlines() if line.startswith("| `")
        ] == keys
