"""Link faults, as Markdown printed from what reads and checks them."""

from typing import Any

from markdown_table import table
from pump_protocol.codes import RESPONSE_BIT, MessageType
from pump_sim.link_faults import LinkFaults, TimedRule
from pump_sim.scenario.file.link_rules import TAKES


def kinds() -> str:
    """Which keys each kind takes besides those that all take."""
    return table(
        ("kind", "must have", "may have"),
        (
            (f"[`{name}`](#{name})", _keys(takes.must), _keys(takes.may))
            for name, takes in TAKES.items()
        ),
    )


def keys() -> str:
    """The keys of a fault."""
    properties = TimedRule.model_json_schema(by_alias=True)["properties"]
    return table(
        ("key", "meaning", "written as"),
        (
            (f"`{name}`", about.get("description", ""), _written(name, about))
            for name, about in properties.items()
        ),
    )


def file_keys() -> str:
    """The keys of the file."""
    about = LinkFaults.model_fields["seed"]
    return table(
        ("key", "meaning"),
        (
            ("`seed`", f"{about.description} A whole number. Default: {about.default}."),
            ("`[[link]]`", "One fault; any number of these tables, in the order in which they act"),
        ),
    )


def messages() -> str:
    """The names of messages, by the way that they go."""
    names = [(each.name.lower(), each.value & RESPONSE_BIT) for each in MessageType]
    return table(
        ("direction", "messages"),
        (
            ("`to_pump`", ", ".join(f"`{name}`" for name, answers in names if not answers)),
            ("`to_programmer`", ", ".join(f"`{name}`" for name, answers in names if answers)),
        ),
    )


def _keys(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "-"


def _written(name: str, about: dict[str, Any]) -> str:
    about = next((each for each in about.get("anyOf", ()) if each["type"] != "null"), about)
    if "enum" in about:
        return "one of " + ", ".join(f'`"{each}"`' for each in about["enum"])
    if name == "message":
        return "a list of [names](#messages)"
    if about["type"] == "string":
        examples = about["examples"] if name in {"probability", "time"} else ("250 ms", "2 h")
        return "such as " + ", ".join(f'`"{each}"`' for each in examples)
    return f"a whole number{_limits(about)}"


def _limits(about: dict[str, Any]) -> str:
    low = about["minimum"]
    high = about.get("maximum", about.get("exclusiveMaximum", 0) - 1)
    return f", {low:,} to {high:,}" if high >= 0 else f" from {low:,} on"
