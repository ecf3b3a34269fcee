"""Messages as JSON: names, exact integers, nothing that is not exact."""

import json
from dataclasses import dataclass, fields

import pytest

from pump_programmer.jsonable import access_fields, fields_of, jsonable
from pump_protocol import codes as c
from pump_protocol import messages as m


def test_json_has_the_fields_names_and_exact_integers(pump):
    status = pump.status()
    found = fields_of(status)
    assert list(found) == [field.name for field in fields(m.StatusReport)]
    assert found["prescription"]["mode"] == "simple_continuous"
    assert found["alarms"][0]["flags"] == ["active"]
    assert found["empty_reservoir_at_ms"] is None
    assert json.loads(json.dumps(found)) == found


def test_an_access_record_names_its_numbers_or_has_none():
    def named(*numbers):
        entry = m.AccessEntry(1, 1, 1, 1, c.AccessEvent.REFUSED, *numbers, 7)
        found = access_fields(entry)
        assert list(found) == [field.name for field in fields(m.AccessEntry)]
        return found["request_type"], found["code"], found["field"]

    assert named(9, 16, 21) == ("order_bolus", "out_of_range", "rate")
    assert named(0, 0, 0) == (None, None, None)
    assert named(0x7E, 200, 201) == ("0x7e", "0xc8", "0xc9")


def test_the_security_profile_has_its_name_in_json():
    assert jsonable(c.SecurityProfile.LEGACY_INSECURE) == "legacy_insecure"


def test_digests_are_hexadecimal_and_texts_stay_texts():
    assert jsonable((b"\x01\xff", "x", True, None, 2**64 - 1)) == [
        "01ff",
        "x",
        True,
        None,
        2**64 - 1,
    ]


def test_what_is_not_exact_has_no_place_in_json():
    @dataclass
    class Loose:
        value: float

    with pytest.raises(TypeError, match="float"):
        jsonable(Loose(0.5))
    with pytest.raises(TypeError):
        fields_of(5)
