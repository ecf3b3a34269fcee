"""What the document says of a value is what is checked, and what is shown is what it says."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from pump_sim.console.api.composing import OPERATIONS
from pump_sim.console.api.forms import form_of, label, units
from pump_sim.console.api.schemas import Components, Described, schema_of
from pump_sim.control.errors import ControlError
from pump_sim.control.faults import fault_parameters
from pump_sim.control.parameters import QUANTITIES, Choice, Parameter, Speed, Whole
from pump_sim.control.views import plain
from pump_sim.model.firmware.alarms import Alarm, AlarmRecord
from pump_sim.model.hardware.faults import FAULTS

from .asking import DOCUMENT


def parameters() -> Iterator[Parameter]:
    """Every field that any request takes, of the operations and of the faults."""
    for each in OPERATIONS:
        yield from each.query
        yield from each.body or ()
    for name in FAULTS:
        yield from fault_parameters(name)


ALL = list(parameters())
KINDS = {each.kind: each for each in ALL if not isinstance(each.kind, Described)}
"""A field of each kind; what is in an object is checked by whoever it is for."""


def values(parameter: Parameter) -> st.SearchStrategy[Any]:
    """Values of all kinds, many of them near what the field takes."""
    anything = st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just([]), st.just({})
    )
    match parameter.kind:
        case Whole(unit, low, high):
            near = st.sampled_from([low - 1, low, high, high + 1, 1.5, "1", "1 furlong"])
            if unit in QUANTITIES:
                near |= st.sampled_from([f"1 {each}" for each in QUANTITIES[unit].units])
                near |= st.sampled_from(["1.5 h", "1 h 30 min", "1,5 h", " 2 mL ", "1e3 mL"])
            return near | st.integers(low, high) | anything
        case Choice(names):
            return st.sampled_from([*names, names[0].upper()]) | anything
        case Speed():
            return st.sampled_from([0, 0.0, 0.001, 0.0009, 1e7, 1e7 + 1, -1, "jump"]) | anything
        case _:
            return anything


@pytest.mark.parametrize("parameter", KINDS.values(), ids=lambda each: each.name)
def test_the_schema_of_a_field_says_what_is_checked(parameter: Parameter) -> None:
    """Whatever is taken is valid, and whatever is valid is taken: but of a text with a unit only
    its form can be said."""
    validator = Draft202012Validator(schema_of(parameter, may_be_null=False))

    @settings(max_examples=50)
    @given(values(parameter))
    def check(value: Any) -> None:
        try:
            parameter.kind.read(parameter.name, value)
            taken = True
        except ControlError:
            taken = False
        valid = validator.is_valid(value)
        assert valid or not taken, value
        of_quantity = isinstance(parameter.kind, Whole) and isinstance(value, str)
        assert taken or not valid or of_quantity, value

    check()


@pytest.mark.parametrize("parameter", ALL, ids=lambda each: each.name)
def test_a_form_says_the_same(parameter: Parameter) -> None:
    """Limits, choices, whether it must be given; its units lead to whole numbers of its own."""
    form = form_of(parameter)
    assert form["required"] == parameter.required
    assert form["label"][0].isupper() or form["label"][0].isdigit()
    assert not form["label"].endswith((" nl", " ms", " ppm", " ml"))
    if isinstance(parameter.kind, Whole):
        assert (form["minimum"], form["maximum"]) == (
            parameter.kind.minimum,
            parameter.kind.maximum,
        )
        assert form["units"][-1] == {"unit": parameter.kind.unit, "scale": 1}
        if form["takes_text"]:
            usual = form["units"][0]
            high = parameter.kind.maximum // usual["scale"]
            if high:
                assert parameter.kind.read("it", f"{high} {usual['unit']}") == high * usual["scale"]
    if isinstance(parameter.kind, Choice):
        assert form["choices"] == list(parameter.kind.names)


def test_names_become_labels() -> None:
    """With abbreviations as people write them."""
    assert label("flow_error") == "Flow error"
    assert label("mri_scan") == "MRI scan"
    assert units("ppm")[0] == {"unit": "%", "scale": 10_000}
    assert units("") == [{"unit": "", "scale": 1}]


def test_what_is_shown_of_an_alarm_is_in_its_schema() -> None:
    """Also what no field of its class has."""
    components = Components()
    schema = components.shown(tuple[AlarmRecord, ...])
    shown = plain((AlarmRecord(Alarm.EOS, 5), AlarmRecord(Alarm.LOW_RESERVOIR, 7, 9)))
    document = {"components": {"schemas": components.schemas}, **schema}
    Draft202012Validator(document).validate(shown)
    del shown[0]["class"]
    assert not Draft202012Validator(document).is_valid(shown)


@dataclass(frozen=True)
class Odd:
    """A class with a field of which nobody has said what JSON makes of it."""

    value: complex


@pytest.mark.parametrize("kind", [Odd, int | str, tuple[int, str], dict[str, int]])
def test_a_type_that_nobody_has_thought_of_is_refused(kind: Any) -> None:
    """Rather than described wrongly."""
    with pytest.raises(TypeError, match="no schema is known"):
        Components().shown(kind)


def test_every_reference_of_the_document_leads_somewhere() -> None:
    """And every schema is one."""

    def references(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for each in value.values():
                yield from references(each)
        elif isinstance(value, list):
            for each in value:
                yield from references(each)

    schemas = DOCUMENT["components"]["schemas"]
    found = set(references(DOCUMENT))
    assert found
    assert {each.removeprefix("#/components/schemas/") for each in found} <= schemas.keys()
    for each in schemas.values():
        Draft202012Validator.check_schema(each)


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    """A client that is generated has a function for each."""
    names = [each.name for each in OPERATIONS]
    assert len(set(names)) == len(names)
    for each in OPERATIONS:
        assert each.summary.endswith(".")
        assert each.summary[0].isupper()
        assert each.name.isidentifier()
