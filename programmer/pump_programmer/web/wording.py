"""Sentences of the command line, said on a page: its options are fields there; pure text."""

import re
from typing import Final

LABELS: Final[dict[str, str]] = {
    "dose": "Daily dose",
    "rate": "Rate",
    "minimum_rate": "Minimum rate",
    "stop": "Stop all infusion",
    "flex": "Steps of the week",
    "day_night": "Day and night",
    "periodic": "Periodic bolus",
    "basal": "Basal between the boluses",
    "first_in": "First bolus after",
    "patient_bolus": "Patient bolus",
    "no_patient_bolus": "No patient bolus",
    "concentration": "Concentration",
    "drug": "Drug",
    "other_drug": "Other drug",
    "no_other_drugs": "No other drugs",
    "bridge": "Bridge",
    "no_bridge": "No bridge",
    "catheter": "Catheter volume",
    "low_reservoir": "Low-reservoir alarm at",
    "age": "Age of the patient",
    "aetiology": "Origin of the spasticity",
    "confirmed_dose": "Highest dose of a day",
    "confirm_dose": "Highest dose of a day",
    "duration": "Duration",
    "volume": "Volume",
    "aspirated": "Volume drawn out",
    "for": "Silence for",
    "interval": "Interval",
    "alarm": "Alarm",
    "class": "Alarm class",
    "text": "Note",
    "time": "Clock",
    "code": "Pairing code",
    "role": "Role",
}
"""How a page calls its fields, by their names."""

_SAID: Final = (
    (" --code CODE", ""),
    ("Pair with it: let it show a code, and type", "Let it show a code, and"),
    ("Or give a key that you have, with --key or PUMP_KEY", "Or start this program with --key"),
    ("pump-programmer log --access", "its access log"),
    ("pump-programmer log", "the therapy log"),
    ("pump-programmer pair", "enter a code here"),
    ("choose with --role", "choose one:"),
    ("--insecure, PUMP_INSECURE=1, or insecure=True in Python", "start pump-programmer --insecure"),
    (" (--aspirated VOLUME)", ""),
    (" (--aetiology and --age say which)", ""),
)  # fmt: skip
_OPTION: Final = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def label_of(name: str) -> str:
    """How a page calls a field; what is no field keeps its name."""
    return LABELS.get(name, name)


def on_page(text: str) -> str:
    """A sentence with the names of fields where it has those of options."""
    for option, said in _SAID:
        text = text.replace(option, said)
    return _OPTION.sub(_field, text)


def first_field(text: str) -> str | None:
    """The name of the field that a sentence of the command line names first, if it names one."""
    for found in _OPTION.finditer(text):
        name = found[1].replace("-", "_")
        if name in LABELS:
            return name.removeprefix("no_") if name == "no_bridge" else name
    return None


def _field(found: re.Match[str]) -> str:
    label = LABELS.get(found[1].replace("-", "_"))
    return found[0] if label is None or found[1] == "insecure" else f'"{label}"'
