"""Messages as JSON: names, exact integers, nothing that is not exact."""

import json
from dataclasses import dataclass, fields
from typing import Any

import pytest
from hypothesis import given

from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.jsonable import Json, fields_of, jsonable

from .strategies import MESSAGE_CLASSES, messages


def strays(found: Json) -> list[object]:
    """What in *found* JSON has no exact form for."""
    if isinstance(found, dict):
        return [each for value in found.values() for each in strays(value)]
    if isinstance(found, list):
        return [each for value in found for each in strays(value)]
    return [] if found is None or type(found) in {str, int, bool} else [found]


@given(message=messages())
def test_json_has_the_fields_names_and_exact_values(message: m.Message) -> None:
    """Of every message, in the order of its fields; and it comes back as it was written."""
    found = fields_of(message)
    assert list(found) == [field.name for field in fields(message)]  # type: ignore[arg-type]
    assert strays(found) == []
    assert json.loads(json.dumps(found)) == found


def test_there_is_a_form_for_every_message() -> None:
    """The strategy above knows them all, so that none is left out of it."""
    assert {m.Refusal, m.AccessLogPage, m.StatusReport} <= set(MESSAGE_CLASSES)


def test_an_access_record_names_its_numbers_or_has_none() -> None:
    """By itself and on a page; a number that nobody knows is shown as it is."""

    def named(*numbers: int) -> list[Json]:
        entry = m.AccessEntry(1, 1, 1, 1, c.AccessEvent.REFUSED, *numbers, 7)
        page = fields_of(m.AccessLogPage(m.LogRange(1, 2, 0), (entry,)))
        found = fields_of(entry)
        assert list(found) == [field.name for field in fields(m.AccessEntry)]
        assert page["entries"] == [found]
        return [found["request_type"], found["code"], found["field"]]

    assert named(9, 16, 21) == ["order_bolus", "out_of_range", "rate"]
    assert named(0, 0, 0) == [None, None, None]
    assert named(0x7E, 200, 201) == ["0x7e", "0xc8", "0xc9"]


def test_a_refusal_names_what_was_refused() -> None:
    """Also a request of which the pump knows only the number."""
    assert fields_of(m.Refusal(9, ()))["request_type"] == "order_bolus"
    assert fields_of(m.Refusal(0x7E, ()))["request_type"] == "0x7e"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (c.SecurityProfile.LEGACY_INSECURE, "legacy_insecure"),
        (c.AlarmFlag.ACTIVE | c.AlarmFlag.ACKNOWLEDGED, ["active", "acknowledged"]),
        (c.AlarmFlag(0), []),
        ((b"\x01\xff", "x", True, None, 2**64 - 1), ["01ff", "x", True, None, 2**64 - 1]),
    ],
)
def test_codes_have_names_and_digests_are_hexadecimal(value: Any, form: Json) -> None:
    """In lower case; a set of flags is a list of them, and texts stay texts."""
    assert jsonable(value) == form


def test_what_is_not_exact_has_no_place_in_json() -> None:
    """A float, or what is no message at all, is an error of whoever shows it."""

    @dataclass
    class Loose:
        value: float

    with pytest.raises(TypeError, match="float"):
        jsonable(Loose(0.5))
    with pytest.raises(TypeError):
        fields_of(5)
