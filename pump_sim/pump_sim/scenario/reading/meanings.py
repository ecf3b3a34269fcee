"""What each key of a scenario file means, and an example of it, where its type does not say so.

For the schema, which editors show, and for the reference; reading files does not need it.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

_ANYWHERE: Final[Mapping[str, str]] = {
    "time": "When, since the start of the scenario.",
    "alarm": "Which alarm.",
    "over": "How long it takes.",
    "cut": "After which exchange the programmer is gone for good; of `order` the pump hears the"
    " request, and the answer is lost.",
    "say": "What is told to those who watch.",
    "at": "What is done, and what breaks.",
    "expect": "What must be so.",
    "choice": "What is decided on the way.",
    "hands": "What is done.",
    "programmer": "What is done.",
    "flow_factor_ppm": "What the drive delivers of what it is told to. Default: 1,000,000, all.",
    "serial_number": "It tells pumps apart. At most 32 bytes.",
    "dose": "The daily dose, all day long.",
    "rate": "The rate, all day long.",
}
"""By key, in whatever table it stands."""

_IN: Final[Mapping[str, Mapping[str, str]]] = {
    "Event": {
        "at": "It must happen then, give or take `within`.",
        "by": "It must have happened by then.",
        "between": "It must happen between these two moments.",
        "never": "It must not happen.",
        "after": "What happens before does not count. Default: all counts.",
        "count": "It must happen exactly so many times.",
    },
    "Value": {
        "at": "It must be so at that moment, after what is done then.",
        "from": "It must be so from after what is done at that moment.",
        "until": "It must be so until before what is done at that moment.",
    },
    "Scenario": {
        "title": "What it is called.",
        "summary": "What it is about, in some sentences.",
        "users": "Whom it is for. Default: all.",
        "source": "Where it is from.",
        "seed": "Of everything that is left to chance.",
        "pump": "The pump with which it begins.",
        "prescription": "What that pump runs. Default: 300 mcg/day of baclofen, 2000 mcg/mL.",
    },
    "Say": {"text": "The words."},
    "Choice": {
        "name": "By which it is picked: lower-case letters, digits and single hyphens.",
        "ask": "What the instructor is asked.",
        "option": "What may be decided: two to nine.",
    },
    "Option": {
        "name": "By which it is picked; no other option of the file has it.",
        "title": "What the instructor reads.",
    },
    "Start": {
        "profile": "The kind of pump: one of `pump-sim profiles`, or a file of one by its path from"
        " the folder of the scenario. Default: `pump-20ml`.",
        "battery": "Whether it drains, and whether the pump fails with it. Default: both.",
        "patient": "`treated`: long treated as prescribed. `new`: no drug in patient and catheter.",
    },
    "Therapy": {
        "mode": "A mode without a dose of its own.",
        "flex": "A schedule of the day, or of the days of the week.",
        "periodic": "A bolus that repeats.",
        "patient_bolus": "A bolus that the patient may ask for; `none` ends it.",
    },
    "DaySteps": {"days": "The weekdays that have these steps. Default: all."},
    "Periodic": {
        "dose": "What each bolus gives.",
        "every": "From the beginning of one to the beginning of the next.",
        "over": "How long each takes.",
        "first_in": "How long after the commit the first one begins. Default: at once.",
    },
    "PatientBolus": {
        "dose": "What each bolus gives.",
        "over": "How long each takes.",
        "lockout": "How long after one begins another is refused.",
        "per_day": "How many may begin in any 24 h.",
    },
    "Fill": {"rinsed": "Whether what was left is washed out first. Default: true."},
    "FillPocket": {"volume": "What goes beside the pump."},
    "InjectCatheter": {
        "volume": "What is injected.",
        "concentration": "In the syringe.",
    },
    "Mri": {
        "recovery": "From the end of the scan until the motor turns. Default: at once.",
        "registered_after": "Interrogations until the pump has noticed that the motor turns"
        " again. Default: 1.",
        "latches_telemetry": "A pump that sounds an alarm holds the infusion until it is"
        " interrogated.",
    },
    "Bolus": {"dose": "What it gives."},
    "Priming": {"volume": "What it gives."},
    "Refill": {"volume": "What the pump is told."},
    "Silence": {"for": "How long."},
    "SetClock": {"clock": "What the clock says from then on."},
    "WriteNote": {"text": "The note."},
    "Pair": {
        "code": "`shown`: the one-time code that the simulator shows. `wrong`: one that is guessed."
        " Default: `shown`.",
    },
    "Emergency": {"what": "What is asked for."},
    "Attack": {
        "message": "The request whose latest frame is taken.",
        "bit": "Of `forge`: the bit that is flipped. Default: the first.",
    },
    "Break": {
        "fault": "Which fault.",
        "for": "How long it lasts. Default: until it is cleared.",
    },
    "Clear": {"clear": "Which fault."},
    "ClearLink": {"link": "`clear`."},
    "AlarmEvent": {"change": "Default: `raised`."},
    "LogEvent": {"log": "Which event."},
    "FlagEvent": {"flag": "Which flag."},
    "Received": {
        "received": "The dose, or the least and the most.",
        "from": "Default: the start.",
        "until": "When it is added up.",
    },
    "ModeIs": {"mode": "Which mode."},
    "Flags": {"flags": "All of them; an empty list for none."},
    "ActiveAlarms": {"alarms": "All of them; an empty list for none."},
    "Tone": {"tone": "Which tone.", "every": "How often. Default: it is not looked at."},
}
"""By the class of the table, and key."""

_EXAMPLES: Final[Mapping[str, Mapping[str, str]]] = {
    "Event": {"within": "1 min"},
    "Scenario": {"length": "30 d"},
    "Start": {"age": "400 d"},
    "Therapy": {"low_reservoir": "2 mL"},
    "Periodic": {
        "dose": "30 mcg",
        "every": "6 h",
        "over": "10 min",
        "basal": "100 mcg/day",
        "first_in": "2 h",
    },
    "PatientBolus": {"dose": "20 mcg", "over": "5 min", "lockout": "4 h"},
    "FillPocket": {"volume": "18 mL"},
    "InjectCatheter": {"volume": "1 mL", "over": "1 min"},
    "Mri": {"field": "45 min", "recovery": "6 h"},
    "Program": {"bridge": "0.34 mL", "confirm_dose": "1200 mcg/day"},
    "Bolus": {"over": "10 min"},
    "Priming": {"volume": "0.34 mL", "over": "20 min"},
    "Silence": {"for": "1 h"},
    "Break": {"for": "2 h"},
    "LinkRule": {
        "probability": "10 %",
        "link_after": "5 s",
        "link_for": "10 s",
        "delay": "200 ms",
        "length": "1 min",
    },
    "Received": {"received": "600 mcg"},
    "BelievedVolume": {"believed_volume": "17.9 mL"},
    "ActualVolume": {"actual_volume": "2.5 mL"},
    "TipDose": {"tip_dose": "1200 mcg/day"},
    "Csf": {"csf": "1100 ng/mL"},
    "Tone": {"every": "10 min"},
    "DeliveredRatio": {"delivered_ratio": "99.9 %"},
}
"""By the class of the table, and key: where the example of the type does not fit the key."""


def meaning(model: type[BaseModel], key: str) -> str:
    """What a key means in a table of that class; of a class derived from it as well."""
    for name, each in model.model_fields.items():
        if key == (each.alias or name) and each.description:
            return each.description
    for kind in model.__mro__:
        said = _IN.get(kind.__name__, {})
        if key in said:
            return said[key]
    if key == getattr(model, "subject", None):
        return "The value, or a list of the least and the most."
    return _ANYWHERE.get(key, "")


def example(model: type[BaseModel], key: str) -> str | None:
    """How a quantity is written in a table of that class; None where its type says it well."""
    said = (_EXAMPLES.get(kind.__name__, {}) for kind in model.__mro__)
    return next((each[key] for each in said if key in each), None)
