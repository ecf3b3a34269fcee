"""Whatever stands on a line, it is answered once, and an error says what would have been right."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import CODES
from pump_sim.model.pump import Pump
from tests.pump_sim.control.desks import NOTICE, Visitor
from tests.pump_sim.virtual import PROFILE, baclofen, therapy_of

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = sorted({each.name for command in COMMANDS.values() for each in command.parameters})


def two_pumps() -> Visitor:
    return Visitor(
        *(Pump.implant(PROFILE, baclofen(), serial_number=name) for name in ("SIM-1", "SIM-2"))
    )


def test_hello_says_that_it_is_a_simulator_and_what_there_is() -> None:
    """A program that finds a door learns from it alone what it can do."""
    hello = two_pumps().ask("hello")
    assert hello["simulator"] is True
    assert hello["notice"] == NOTICE
    assert [each["serial_number"] for each in hello["pumps"]] == ["SIM-1", "SIM-2"]
    assert hello["pumps"][0]["address"] == "nowhere"
    assert list(hello["commands"]) == list(COMMANDS)
    assert hello["commands"]["fill"]["parameters"]["volume_nl"]["required"] is True


@pytest.mark.parametrize("request_id", [None, 7, "seven", [1, {"a": 2}], 1.5, True])
def test_answer_carries_the_id_of_its_request(request_id: object) -> None:
    """Whatever it is; also where the request is refused."""
    for do in ("time", "nonsense"):
        line = json.dumps({"id": request_id, "do": do}).encode()
        assert Visitor().say(line)["id"] == request_id


@pytest.mark.parametrize(
    "line",
    [
        b"hello",
        b"[]",
        b"3",
        b'{"do": "time"',
        b'{"do": NaN}',
        b'{"do": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": ' + b"9" * 5_000 + b"}",
        b'{"do": "time", "do": "pause"}',
        b'{"do": "time", "id": {"a": 1, "a": 2}}',
        b'{"do": "time", "id": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"do": "time", "id": 1e999}',
    ],
    ids=lambda line: repr(line[:12]),
)
def test_line_that_is_no_object_is_answered_as_bad(line: bytes) -> None:
    """Not JSON, not UTF-8, nested too deeply, a key twice: an answer each time."""
    answer = Visitor().say(line)
    assert answer["id"] is None
    assert answer["error"]["code"] == "bad_line"


def test_line_says_what_is_wrong_with_it() -> None:
    """So that whoever wrote it finds it; what lies as deep as is allowed is read."""
    for line, why in (
        (b'{"id": 1, "id": 2}', "the line is no JSON object: the key 'id' comes twice"),
        (b"[]", "the line is no JSON object: it is []"),
        (
            b'{"id":' * 100 + b"1" + b"}" * 100,
            "the line is no JSON object: nested too deeply: allowed are 100 levels",
        ),
    ):
        assert Visitor().say(line)["error"]["message"] == why
    deepest = b'{"do": "time", "id": ' + b"[" * 98 + b"1" + b"]" * 98 + b"}"
    assert Visitor().say(deepest)["ok"]


def test_line_that_was_too_long_is_answered() -> None:
    """Nobody knows its id."""
    answer = Visitor().say(None)
    assert answer["error"]["code"] == "line_too_long"
    assert "8 MiB" in answer["error"]["message"]


def test_unknown_command_names_the_known_and_the_nearest() -> None:
    """A slip of the finger is mended from the message alone."""
    error = Visitor().fail("advnace")
    assert error["code"] == "unknown_command"
    assert error["allowed"] == list(COMMANDS)
    assert error["message"].endswith("Did you mean advance?")
    assert Visitor().say(b"{}")["error"]["code"] == "missing_field"
    assert Visitor().say(b'{"do": 3}')["error"]["code"] == "unknown_command"


def test_unknown_field_names_the_known_and_the_nearest() -> None:
    """A field that is not understood is never passed over."""
    error = Visitor().fail("fill", volume_nl=1, concentration=2)
    assert error["code"] == "unknown_field"
    assert error["field"] == "concentration"
    assert error["message"].endswith("Did you mean concentration_ng_per_ml?")
    assert "volume_nl" in error["allowed"]


@pytest.mark.parametrize(
    ("do", "fields", "field", "words"),
    [
        ("fill", {"volume_nl": 1.0}, "volume_nl", "whole number of nL"),
        ("fill", {"volume_nl": True}, "volume_nl", "whole number of nL"),
        ("fill", {"volume_nl": "18"}, "volume_nl", "unit is missing"),
        ("fill", {"volume_nl": "18 h"}, "volume_nl", "no unit of volume"),
        ("fill", {"volume_nl": "1,5 mL"}, "volume_nl", "comma"),
        ("fill", {"volume_nl": "0.0000001 mL"}, "volume_nl", "whole number of nL"),
        ("fill", {"volume_nl": -1}, "volume_nl", "0 to 100,000,000 nL"),
        ("fill", {"volume_nl": 20_000_001}, "volume_nl", "0 to 20,000,000 nL"),
        (
            "fill",
            {"volume_nl": 1, "concentration_ng_per_ml": "101 mg/mL"},
            "concentration_ng_per_ml",
            "0 to 100,000,000 ng/mL",
        ),
        ("fill", {"volume_nl": 1, "rinsed": 1}, "rinsed", "true or false"),
        ("speed", {"speed": -1}, "speed", "0, or 0.001 to 10,000,000"),
        ("speed", {"speed": 1e308}, "speed", "0.001 to 10,000,000"),
        ("speed", {"speed": 0.0001}, "speed", "0.001"),
        ("speed", {"speed": "fast"}, "speed", "`jump`"),
        ("speed", {"speed": True}, "speed", "times real time"),
        ("advance", {"by": -1}, "by", "0 to"),
        ("advance", {"by": "soon"}, "by", "begin with a number"),
        ("proximity", {"in_reach": "no"}, "in_reach", "true or false"),
        ("log", {"from": 0}, "from", "1 to"),
        ("load", {"state": "x"}, "state", "an object"),
        ("watch", {"on": 0}, "on", "true or false"),
        ("reset", {"cause": "lightning"}, "cause", "watchdog"),
        ("inject", {"fault": 3}, "fault", "a text"),
    ],
)
def test_bad_value_is_told_with_its_field_and_what_is_allowed(
    do: str, fields: dict[str, object], field: str, words: str
) -> None:
    """Every complaint names field, value and range, and nothing has happened."""
    visitor = Visitor()
    before = therapy_of(visitor.pump)
    error = visitor.fail(do, **fields)
    assert (error["code"], error["field"]) == ("bad_value", field)
    assert words in error["message"]
    assert therapy_of(visitor.pump) == before


def test_missing_field_is_told_with_what_it_is_for() -> None:
    """The reference is not needed to mend it."""
    error = Visitor().fail("fill")
    assert (error["code"], error["field"]) == ("missing_field", "volume_nl")
    assert "usable volume" in error["message"]


def test_pump_must_be_named_where_there_are_several() -> None:
    """With one, it may be; a name that is none is an error either way."""
    visitor = two_pumps()
    assert visitor.fail("time")["allowed"] == ["SIM-1", "SIM-2"]
    assert visitor.fail("time", pump="SIM-3")["code"] == "unknown_pump"
    assert visitor.fail("time", pump=3)["code"] == "bad_value"
    visitor.ask("advance", pump="SIM-2", by="36 h")
    assert visitor.ask("time", pump="SIM-1")["therapy_ms"] == 0
    assert visitor.ask("time", pump="SIM-2")["therapy_ms"] == 36 * 3_600_000
    assert Visitor().fail("time", pump="SIM-3")["code"] == "unknown_pump"
    only = Visitor()
    assert only.ask("time", pump=only.pump.serial_number)["therapy_ms"] == 0


@given(
    st.sampled_from([*COMMANDS, "other"]),
    st.dictionaries(st.sampled_from([*NAMES, "id", "pump", "x"]), JSON, max_size=4),
)
def test_any_request_is_answered_and_an_error_has_changed_nothing(
    do: str, fields: dict[str, object]
) -> None:
    """No JSON crashes the desk."""
    visitor = Visitor()
    before = therapy_of(visitor.pump)
    answer = visitor.say(json.dumps({**fields, "do": do}).encode())
    assert answer["id"] == fields.get("id")
    if not answer["ok"]:
        assert answer["error"]["code"] in CODES
    if not answer["ok"] and do != "press":  # a patient who is refused is in the log (REQ-13)
        assert therapy_of(visitor.pump) == before


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(line: bytes) -> None:
    """Garbage is an error, and never an exception."""
    assert Visitor().say(line)["ok"] is False


def test_long_values_come_back_short() -> None:
    """An error about a megabyte is no megabyte."""
    error = Visitor().fail("proximity", in_reach="x" * 1_000_000)
    assert len(json.dumps(error)) < 1_000
