"""What the keys of the answers mean, where their names do not say it, for people."""

from typing import Any, Final

from pump_sim.console.api.schemas import Schema

_ELAPSED: Final = "therapy time since the session began"
_ANYWHERE: Final = {
    "address": "where a programmer finds the pump",
    "aloud": "whether trainees are told it, too",
    "at_ms": "therapy time since the implant",
    "belief": "what the pump says of itself",
    "branch": "what was decided",
    "chosen": "the options that were taken",
    "decision": "the choice that is waited for",
    "elapsed_ms": _ELAPSED,
    "ends_in_ms": "therapy time until it ends",
    "held": "whether time stands still because something is waited for",
    "in_ms": "therapy time until then",
    "in_reach": "whether the programming head is within reach of the pump",
    "interval_ms": "therapy time from one to the next",
    "jumping": "whether time goes to the next event whenever the link is quiet",
    "latches": "whether it stays until it is acknowledged",
    "length_ms": "therapy time that it lasts; null of a practice",
    "mark": "its number, for a rewind to just before it",
    "next_in_ms": "therapy time until it begins",
    "on_pump": "whether the programming head lies on the pump",
    "over": "whether the scenario has ended; the pump goes on",
    "pace": "the speed at which it goes on after a pause",
    "patient": "how the made-up patient is",
    "patient_text": "the same in words",
    "people": "how many watch in each view",
    "present": "whether it is the one that is being played",
    "pump": "the pump's id",
    "said": "the narration so far",
    "session": "what is played",
    "signs": "what somebody at the bedside sees",
    "sounding": "what sounds now",
    "speed": "therapy time per real time; 0 while it stands still",
    "take": "the number of this way through the session; a rewind begins another",
    "therapy_ms": "therapy time since the implant",
    "tone": "what will sound next if nothing changes",
    "truth": "what is physically so",
    "verdicts": "what became of the scenario's expectations, once it is over",
    "waits_for": "what that is: a decision, or an answer to the scenario's programmer",
}
_OF: Final[dict[str, dict[str, str]]] = {
    "Event": {
        "index": "its number: it rises, and none is used twice in a session",
        "kind": "what it is about",
        "severity": "`critical` or `non_critical` of an alarm, else `info`",
        "by": "who brought it about: `instructor`, `scenario`, `pump`, `programmer`, `patient`",
        "notable": "whether there is a mark to go back to just before it",
    },
    "History": {
        "columns": "what each row has",
        "rows": "in order of time",
        "spans": "what lasted: alarms, flags of the patient, faults",
        "from_ms": _ELAPSED,
        "until_ms": f"{_ELAPSED}; null: it still lasts",
    },
    "FormField": {
        "name": "its key in the body",
        "label": "what stands beside it",
        "doc": "what it means",
        "kind": "what is taken: a whole number, true or false, one of `choices`, a text, ...",
        "unit": "of the number in the body",
        "units": "in which people write it, the usual one first; one of it is `scale` of `unit`",
        "takes_text": "whether a text with a unit may be sent instead of the number",
        "minimum": "in `unit`",
        "maximum": "in `unit`",
        "default": "what holds if it is not given, in words",
    },
    "Snapshot": {
        "elapsed_ms": "where in the session it was taken; null of a state that was given",
        "session": "the title of what was played; null of a state that was given",
    },
}


def explain(schemas: dict[str, Schema], *names: str) -> None:
    """Add to the schemas of these names what their keys mean."""
    for name in names:
        schemas[name] = _explained(schemas[name], _OF.get(name, {}))


def _explained(value: Any, own: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_explained(each, own) for each in value]
    if not isinstance(value, dict):
        return value
    told = {key: _explained(each, own) for key, each in value.items() if key != "properties"}
    if "properties" in value:
        told["properties"] = {
            key: _property(key, _explained(each, own), own)
            for key, each in value["properties"].items()
        }
    return told


def _property(key: str, schema: Schema, own: dict[str, str]) -> Schema:
    meaning = own.get(key, _ANYWHERE.get(key))
    if key.endswith("_local_ms"):
        meaning = "by the pump's local clock, ms since 1970"
    elif key.endswith("_elapsed_ms"):
        meaning = _ELAPSED
    # A reference may have a description beside it, in this version of JSON Schema.
    return schema if meaning is None else {**schema, "description": meaning}
