"""The JSON Schema of a scenario file, for editors; loading does not use it.

It is made from the types, and then says what only a TOML file needs: that no value is null, that a
range may be one value, which names there are, and what each fault takes. Editors for TOML know old
drafts of JSON Schema: it says the same in all of them from draft 4 on.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from pump_protocol.codes import MessageType
from pump_sim.control.faults import fault_doc, fault_parameters
from pump_sim.control.parameters import QUANTITIES, Parameter, Whole
from pump_sim.model.hardware.faults import FAULTS, MriScan
from pump_sim.model.profile import profile_names
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.file.expectations import EXPECTATIONS
from pump_sim.scenario.reading.act_sense import REFUSALS, REQUESTS
from pump_sim.scenario.reading.complaints import tables_in
from pump_sim.scenario.reading.expectation_sense import EVENTS
from pump_sim.scenario.reading.meanings import example, meaning

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_LOCAL_TIME: Final = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?$"


def scenario_schema() -> Schema:
    """The schema, as a document of its own."""
    made = Scenario.model_json_schema(by_alias=True)
    models = {each.__name__: each for each in tables()}
    definitions = {
        name: _tidy_table(each, models[name]) for name, each in made.pop("$defs").items()
    }
    for each in EXPECTATIONS.values():
        table = definitions[each.__name__]["properties"]
        table[each.subject] = _or_one_value(table[each.subject])
    _name_what_is_known(definitions)
    definitions["Break"] = _any_fault(definitions["Break"])
    whole = {**_tidy_table(made, Scenario), "$defs": definitions}
    return {"$schema": DIALECT, **_in_old_words(whole), "title": "A scenario of pump-sim"}


@cache
def tables() -> tuple[type[BaseModel], ...]:
    """The classes of all tables of a file, the whole file's first."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[type[BaseModel]] = [Scenario]
    while waiting:
        model = waiting.pop()
        if model not in found:
            found[model] = None
            for each in model.model_fields.values():
                waiting += tables_in(each.annotation)
    return tuple(found)


def _tidy_table(table: Schema, model: type[BaseModel]) -> Schema:
    properties = {}
    for key, each in table["properties"].items():
        properties[key] = _tidy(each)
        if written := example(model, key):
            properties[key] = _with_example(properties[key], written)
        if said := meaning(model, key):
            properties[key]["description"] = said
    return {**table, "properties": properties}


def _with_example(value: Any, example: str) -> Any:
    """The same with that example instead of those of its type, wherever they stand in it."""
    if isinstance(value, list):
        return [_with_example(each, example) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: [example] if key == "examples" else _with_example(each, example)
        for key, each in value.items()
    }


def _tidy(value: Schema) -> Schema:
    """A value of a key as TOML has it: never null, and with a default only if it looks like one."""
    tidied = {key: each for key, each in value.items() if key not in ("title", "anyOf")}
    kinds = [each for each in value.get("anyOf", []) if each.get("type") != "null"]
    if len(kinds) == 1:
        tidied = {**kinds[0], **tidied}
    elif kinds:
        tidied["anyOf"] = kinds
    if tidied.get("format") == "date-time":  # that would want a zone
        del tidied["format"]
        tidied["pattern"] = _LOCAL_TIME
    if "default" in tidied and not _could_stand(tidied["default"], tidied):
        del tidied["default"]
    return tidied


def _could_stand(default: object, value: Schema) -> bool:
    """Whether a default is what a file would say; quantities have their own number instead."""
    kinds = {"string": str, "integer": int, "boolean": bool, "array": list}
    return isinstance(default, kinds.get(value.get("type", ""), ())) and (
        "examples" not in value and "pattern" not in value
    )


def _or_one_value(value: Schema) -> Schema:
    """A range, which may be written as the one value that is its least and its most."""
    if "prefixItems" not in value:
        return value
    either = {key: each for key, each in value.items() if key == "description"}
    return {**either, "anyOf": [value["prefixItems"][0], value]}


def _name_what_is_known(definitions: dict[str, Schema]) -> None:
    """Keys that take names of which the types know only that they are texts."""
    messages = [each.name.lower() for each in MessageType]
    lasting = [name for name, kind in FAULTS.items() if kind.lasts]
    definitions["LogEvent"]["properties"]["log"]["enum"] = list(EVENTS)
    definitions["Clear"]["properties"]["clear"]["enum"] = lasting
    definitions["Attack"]["properties"]["message"]["enum"] = list(REQUESTS)
    for name in ("LinkRule", "OnLink"):
        definitions[name]["properties"]["message"]["items"]["enum"] = messages
    for table in definitions.values():
        keys = table["properties"]
        if "refused" in keys:
            keys["refused"]["enum"] = list(REFUSALS)
        if "profile" in keys:
            keys["profile"]["examples"] = list(profile_names())


def _in_old_words(value: Any) -> Any:
    """The same without the words that only newer drafts have."""
    if isinstance(value, list):
        return [_in_old_words(each) for each in value]
    if not isinstance(value, dict):
        return value
    said = {key: _in_old_words(each) for key, each in value.items()}
    if "const" in said:
        said["enum"] = [said.pop("const")]
    if "exclusiveMaximum" in said:
        said["maximum"] = said.pop("exclusiveMaximum") - 1
    if "prefixItems" in said:  # both are of one kind
        said["items"] = said.pop("prefixItems")[0]
    return said


# --- Faults --------------------------------------------------------------------------------------


def _any_fault(table: Schema) -> Schema:
    return {
        "description": table["description"].split("\n\n")[0],
        "oneOf": [_fault(name, table) for name in FAULTS],
    }


def _fault(name: str, table: Schema) -> Schema:
    """The table of one fault: what every fault takes, and its own parameters."""
    parameters = fault_parameters(name)
    properties = {
        **table["properties"],
        "fault": {"const": name, "description": fault_doc(name)},
        **{each.name: _parameter(each) for each in parameters},
    }
    if not FAULTS[name].lasts or FAULTS[name] is MriScan:
        del properties["for"]
    return {
        "type": "object",
        "title": name,
        "properties": properties,
        "required": [*table["required"], *_required(parameters)],
        "additionalProperties": False,
    }


def _required(parameters: Iterable[Parameter]) -> list[str]:
    return [each.name for each in parameters if each.required]


def _parameter(parameter: Parameter) -> Schema:
    kind = parameter.kind
    if not isinstance(kind, Whole):
        return {"type": "boolean", "description": parameter.doc}
    number = {"type": "integer", "minimum": kind.minimum, "maximum": kind.maximum}
    text = f"{parameter.doc}: {kind.words}"
    if kind.unit not in QUANTITIES:
        return {**number, "description": text}
    return {"anyOf": [number, {"type": "string"}], "description": text}
