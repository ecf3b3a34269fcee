"""The events of the therapy log and what their parameters mean, as Markdown from the model."""

from markdown_table import table
from pump_protocol import codes
from pump_sim.model.events import EventCode


def events_on_the_wire() -> str:
    """Every event with its code and its name in the specification."""
    return table(
        ("code", "name", "meaning", "`a`", "`b`"),
        ((int(each), f"`{each.name}`", *_words(each)) for each in codes.LogEvent),
    )


def events_in_json() -> str:
    """Every event under its name in JSON."""
    return table(
        ("event", "meaning", "`a`", "`b`"),
        ((f"`{each.name.lower()}`", *_words(each)) for each in codes.LogEvent),
    )


def _words(event: codes.LogEvent) -> tuple[str, str, str]:
    meaning = EventCode[event.name].value
    return meaning.event, meaning.a, meaning.b
