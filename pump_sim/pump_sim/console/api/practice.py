"""What a practice may be wished to be: two tables of a scenario file, by the file's own schema.

And which of its keys is at fault where no pump takes what they make.
"""

from collections.abc import Mapping
from typing import Any, Final

from pump_sim.console.api.answers import COMPONENTS
from pump_sim.console.api.schemas import Schema, record, referred
from pump_sim.console.piece import TABLES
from pump_sim.control.errors import ControlError
from pump_sim.control.refusing import reasons_of, reasons_text
from pump_sim.model.refusals import Field, Refused
from pump_sim.scenario.reading.schema import scenario_schema

_DEFINITIONS: Final = "#/$defs/"


def practice_schema() -> Schema:
    """The schema of the wishes; what it refers to is kept among the components."""
    whole = scenario_schema()
    tables = {name: _taken_over(whole["properties"][name], whole["$defs"]) for name in TABLES}
    return COMPONENTS.add(
        "Practice",
        {
            "description": "A pump and what it runs, as the tables of those names in a scenario's"
            " file.",
            **record(tables, required=()),
        },
    )


def _taken_over(value: Any, definitions: Schema) -> Any:
    """A part of the file's schema, with its definitions among the components, under their names
    with a word before them: the model has classes of the same names."""
    if isinstance(value, list):
        return [_taken_over(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref", "")
    if not reference.startswith(_DEFINITIONS):
        return {key: _taken_over(each, definitions) for key, each in value.items()}
    name = reference.removeprefix(_DEFINITIONS)
    wished = f"Practice{name}"
    if wished not in COMPONENTS.schemas:
        COMPONENTS.add(wished, {})  # a definition that refers to itself finds this one
        COMPONENTS.add(wished, _taken_over(definitions[name], definitions))
    return {**value, "$ref": referred(wished)["$ref"]}


# --- What no pump takes --------------------------------------------------------------------------

_KEYS: Final[Mapping[Field, tuple[str, ...]]] = {
    Field.MODE: ("mode",),
    Field.DRUG_NAME: ("drug",),
    Field.CONCENTRATION: ("concentration",),
    Field.DAILY_DOSE: ("dose", "rate"),
    Field.RATE: ("rate", "dose", "concentration"),
    Field.LOW_RESERVOIR_THRESHOLD: ("low_reservoir",),
    Field.HIGHEST_DAILY_DOSE: ("patient_bolus", "dose", "rate"),
}
"""What the value of a field of the pump was made of, by the keys of `prescription`; the likeliest
first. Fields that are not here belong to a table whose name they begin with."""

_TABLE_OF: Final = {
    "SCHEDULE": "flex",
    "WEEKDAYS": "flex",
    "STEP": "flex",
    "PERIODIC": "periodic",
    "PATIENT": "patient_bolus",
}


def refused_practice(wishes: Mapping[str, Any], error: Refused) -> ControlError:
    """The error of a practice that no pump takes: it names the key that was given for it."""
    given = wishes.get("prescription") or {}
    keys = (key for each in error.reasons for key in _keys_of(each.field) if key in given)
    key = next(keys, None)
    field, value = "practice.prescription", None
    if key is not None:
        field, value = f"{field}.{key}", given[key]
    message = f"practice: the pump refuses it: {reasons_text(error)}"
    told = ControlError("bad_value", message, field=field, value=value)
    told.reasons = reasons_of(error)
    return told


def _keys_of(field: Field) -> tuple[str, ...]:
    named = _TABLE_OF.get(field.name.partition("_")[0])
    return _KEYS.get(field, () if named is None else (named,))
