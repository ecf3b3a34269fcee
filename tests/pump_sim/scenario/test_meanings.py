"""Examples of keys, which editors and the reference show, are what their keys take."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, TypeAdapter

from pump_sim.scenario.reading.complaints import keys_of
from pump_sim.scenario.reading.meanings import example
from pump_sim.scenario.reading.schema import scenario_schema, tables

WITH_EXAMPLE = [
    (model, key, text)
    for model in tables()
    for key in keys_of(model)
    if (text := example(model, key)) is not None
]


@pytest.mark.parametrize(
    ("model", "key", "text"),
    WITH_EXAMPLE,
    ids=[f"{model.__name__}.{key}" for model, key, _ in WITH_EXAMPLE],
)
def test_an_example_can_be_read(model: type[BaseModel], key: str, text: str) -> None:
    """Whoever copies it has a value of that key."""
    field = next(each for name, each in model.model_fields.items() if key == (each.alias or name))
    kind: Any = (
        Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
    )
    TypeAdapter(kind).validate_python(text)


def test_an_example_is_shown_to_editors() -> None:
    """In place of that of its type: what is in the spinal fluid is no syringe's concentration."""
    tables_shown = scenario_schema()["$defs"]
    either = tables_shown["Csf"]["properties"]["csf"]["anyOf"]
    assert either[0]["examples"] == ["1100 ng/mL"]
    assert tables_shown["FillPocket"]["properties"]["volume"]["examples"] == ["18 mL"]
    assert tables_shown["Fill"]["properties"]["volume"]["examples"] == ["20 mL", "340 uL"]
