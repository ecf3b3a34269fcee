"""The keys of a scenario file, as Markdown printed from the types that check them."""

from collections.abc import Callable, Iterable
from functools import cache
from inspect import getdoc
from typing import Any, get_args

from markdown_table import summary, table
from pump_protocol import units
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.scenario.file.acts import (
    KINDS,
    Act,
    AlarmName,
    Break,
    Clear,
    ClearLink,
    Hands,
    WithKey,
)
from pump_sim.scenario.file.document import Choice, Option, Say, Scenario, Start
from pump_sim.scenario.file.expectations import EXPECTATIONS, Event, Expectation, Value
from pump_sim.scenario.file.therapy import DaySteps, PatientBolus, Periodic, Therapy
from pump_sim.scenario.reading.act_sense import REFUSALS, REQUESTS
from pump_sim.scenario.reading.complaints import keys_of
from pump_sim.scenario.reading.expectation_sense import EVENTS
from pump_sim.scenario.reading.meanings import meaning
from pump_sim.scenario.reading.schema import scenario_schema

_PLACES = {
    "Say": "say",
    "Choice": "choice",
    "Option": "choiceoption",
    "Start": "pump",
    "Therapy": "prescription",
    "DaySteps": "flex",
    "Periodic": "periodic",
    "PatientBolus": "patient_bolus",
}
"""Where on the page the keys of a table are."""

_NAMES = {
    get_args(AlarmName): "alarms",
    EVENTS: "log events",
    REFUSALS: "refusals",
    REQUESTS: "requests",
    tuple(name for name, kind in FAULTS.items() if kind.lasts): "lasting faults",
}
"""Long lists of names, which are on the page once."""

_IN_PROTOCOL = {
    "The code for which": "The [code](wire-protocol.md#code-refusalcode) for which",
    "parameter must be.": "[parameter](wire-protocol.md#code-logevent) must be.",
}
"""Words in the meaning of a key, and where on the page of the protocol they lead."""

_BLOCK = ("say", "at", "expect", "choice")


def blocks() -> dict[str, Callable[[], str]]:
    """Every block of the page by its name."""
    return {
        "scenario-quantities": quantities,
        "scenario-names": names,
        "scenario-file": lambda: _keys(Scenario),
        "scenario-pump": lambda: _keys(Start),
        "scenario-prescription": lambda: _keys(Therapy),
        "scenario-flex": lambda: _keys(DaySteps),
        "scenario-periodic": lambda: _keys(Periodic),
        "scenario-patient-bolus": lambda: _keys(PatientBolus),
        "scenario-say": lambda: _keys(Say),
        "scenario-choice": lambda: _keys(Choice),
        "scenario-option": lambda: _keys(Option, without=_BLOCK),
        "scenario-act": lambda: _keys(Act, of="Clear"),
        "scenario-hands": lambda: _kinds("hands", Hands),
        "scenario-by-programmer": lambda: _keys(WithKey, of="Stop", without=("time", "note")),
        "scenario-programmer": lambda: _kinds("programmer", WithKey, also=Therapy),
        "scenario-fault": lambda: _keys(Break, of="BreakAny", without=("time", "note")),
        "scenario-clear": lambda: _keys(Clear, without=("time", "note")),
        "scenario-clear-link": lambda: _keys(ClearLink, without=("time", "note")),
        "scenario-expectation": lambda: _keys(Expectation, of="ModeIs"),
        "scenario-event": lambda: _keys(Event, of="AlarmEvent", without=("because",)),
        "scenario-events": lambda: _subjects(Event),
        "scenario-value": lambda: _keys(Value, of="ModeIs", without=("because",)),
        "scenario-values": lambda: _subjects(Value),
        "scenario-received": lambda: _keys(EXPECTATIONS["received"], without=("because",)),
    }


def quantities() -> str:
    """How each kind of quantity is written."""
    examples = (
        (units.DURATION, "1 d 12 h"),
        (units.VOLUME, "18.5 mL"),
        (units.RATE, "0.4 mL/day"),
        (units.DOSE, "50 mcg"),
        (units.DAILY_DOSE, "300 mcg/day"),
        (units.CONCENTRATION, "2000 mcg/mL"),
    )
    rows = [
        (each.name, _marked(each.units), _spellings(each), f'`"{example}"`')
        for each, example in examples
    ]
    others = [
        ("share", "`%`", "-", '`"64 %"`'),
        ("local time of day", "24 hours", "-", '`"08:00"`'),
    ]
    return table(("quantity", "units", "understood as well", "example"), [*rows, *others])


def _spellings(quantity: units.Quantity) -> str:
    """What is understood besides the units; the micro sign stands for the Greek letter, too."""
    return _marked(name for name in quantity.spellings if not name.startswith("\u03bc"))


def names() -> str:
    """The names that many keys take, each list once."""
    explained = {
        "log events": "[log events](wire-protocol.md#code-logevent)",
        "refusals": "[refusals](wire-protocol.md#code-refusalcode)",
    }
    rows = ((explained.get(what, what), _marked(each)) for each, what in _NAMES.items())
    return table(("of", "names"), rows)


def _marked(each: Iterable[str]) -> str:
    return ", ".join("`true`" if name is True else f"`{name}`" for name in each)


# --- Tables --------------------------------------------------------------------------------------


@cache
def _schemas() -> dict[str, Any]:
    schema = scenario_schema()
    definitions: dict[str, Any] = schema["$defs"]
    # Of a fault that takes nothing, what every fault takes.
    any_fault = next(each for each in definitions["Break"]["oneOf"] if each["title"] == "dry_run")
    return {**definitions, "Scenario": schema, "BreakAny": any_fault}


def _keys(model: type[Any], *, of: str | None = None, without: Iterable[str] = ()) -> str:
    """The keys of a table; *of* which class the schema is, if there is none of *model* itself."""
    left_out = set(without)
    schema = _schemas()[of or model.__name__]
    return table(
        ("key", "takes", "meaning"),
        (_row(model, key, schema) for key in keys_of(model) if key not in left_out),
    )


def _row(model: type[Any], key: str, schema: dict[str, Any]) -> tuple[str, str, str]:
    if key == "fault":
        return "`fault`", "a name of [Faults](faults.md) (must be given)", "Which fault."
    required = " (must be given)" if key in schema.get("required", ()) else ""
    return f"`{key}`", f"{_takes(schema['properties'][key])}{required}", _meaning(model, key)


def _meaning(model: type[Any], key: str) -> str:
    text = meaning(model, key)
    for words, linked in _IN_PROTOCOL.items():
        text = text.replace(words, linked)
    return text


def _kinds(family: str, common: type[Any], also: type[Any] | None = None) -> str:
    """Every kind of act of a family: what it does, and the keys that are its own."""
    parts = []
    for model in dict.fromkeys(KINDS[family].values()):
        names = [name for name, each in KINDS[family].items() if each is model]
        heading = f"### {family}: {', '.join(names)}"
        shared = {*keys_of(common), family}
        text = _text(model)
        if also is not None and issubclass(model, also):
            shared |= {*keys_of(also)}
            text += " It takes all keys of a [prescription](#prescription), and:"
        own = [key for key in keys_of(model) if key not in shared]
        if family == "hands" and "refused" in keys_of(model):
            own = [key for key in keys_of(model) if key not in (family, "time", "note")]
        parts.append(f"{heading}\n\n{text}")
        if own:
            schema = _schemas()[model.__name__]
            rows = (_row(model, key, schema) for key in own)
            parts.append(table(("key", "takes", "meaning"), rows))
    return "\n\n".join(parts)


def _subjects(kind: type[Any]) -> str:
    """The subjects of a kind of expectation, with the keys that only they have."""
    rows = []
    for subject, model in EXPECTATIONS.items():
        if not issubclass(model, kind):
            continue
        schema = _schemas()[model.__name__]
        rows.append((f"`{subject}`", _takes(schema["properties"][subject]), summary(model)))
        rows += [
            (f"`{key}` of `{subject}`", _takes(schema["properties"][key]), _meaning(model, key))
            for key in keys_of(model)
            if key not in {*keys_of(kind), subject}
        ]
    return table(("key", "takes", "meaning"), rows)


def _text(model: type[Any]) -> str:
    return " ".join((getdoc(model) or "").split())


# --- What a key takes ----------------------------------------------------------------------------


def _takes(value: dict[str, Any]) -> str:
    """A value of the schema in words."""
    if "$ref" in value:
        return f"a table: {_link(value)}"
    if "anyOf" in value:
        return _either(value["anyOf"])
    if "enum" in value:
        return _words(value["enum"])
    return _plain(value)


def _plain(value: dict[str, Any]) -> str:  # noqa: PLR0911 - one for each type
    match value["type"]:
        case "boolean":
            return "true or false"
        case "integer":
            return f"a whole number{_limits(value)}"
        case "array" if value.get("maxItems") == 2:
            return f"a list of two: {_takes(value['items'])}"
        case "array":
            return _list(value["items"])
        case "object":
            return "a table: local times and what flows from then on"
    if value.get("pattern", "").startswith(r"^\d{4}"):
        return f"as `{value['examples'][0]}`"
    return f'as `"{value["examples"][0]}"`' if "examples" in value else "a text"


def _either(values: list[dict[str, Any]]) -> str:
    if values[-1].get("maxItems") == 2:
        return f"{_takes(values[0])}, or two of them"
    return " or ".join(map(_takes, values))


def _list(items: dict[str, Any]) -> str:
    if "oneOf" in items or "$ref" in items:
        return f"tables: {_link(items)}"
    return f"a list of {_takes(items)}"


def _link(value: dict[str, Any]) -> str:
    if "oneOf" in value:
        acts = any("Fill" in str(each) for each in value["oneOf"])
        return "[acts](#acts)" if acts else "[expectations](#expectations)"
    name = value["$ref"].rpartition("/")[2]
    if name == "LinkRule":
        return "[link faults](link-faults.md)"
    return f"[{_PLACES[name].replace('choiceoption', 'option')}](#{_PLACES[name]})"


def _words(names: list[Any]) -> str:
    what = _NAMES.get(tuple(names))
    return f"one of the [{what}](#names)" if what else _marked(names)


def _limits(value: dict[str, Any]) -> str:
    least = value.get("minimum")
    most = value.get("maximum", -1)
    if least is None:
        return ""
    return f", {least:,} and more" if most < 0 else f", {least:,} to {most:,}"
