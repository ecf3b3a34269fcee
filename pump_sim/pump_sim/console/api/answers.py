"""What the door answers, as JSON schemas; what a class of the model shows is read from the class.

Only what no class has is written down here: objects that the door, or a page's form, puts together.
What a room tells is in `pictures`.
"""

from dataclasses import fields
from typing import Any, Final

from pump_protocol.web import problems
from pump_sim.console.api.operation import Answer
from pump_sim.console.api.refusing import STATUS
from pump_sim.console.api.schemas import Components, Schema, listed, nullable, record
from pump_sim.model.events import LogEntry, LogRange
from pump_sim.model.firmware.alarms import Tone
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.model.hardware.patient import PatientView
from pump_sim.model.orders import PatientBolusResult
from pump_sim.model.status import Status, Truth

COMPONENTS: Final = Components()
"""Every schema that has a name."""

WHOLE: Final[Schema] = {"type": "integer"}
TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
ANYTHING: Final[Schema] = {"type": "object"}
WHOLE_OR_NULL: Final = nullable(WHOLE)
TEXT_OR_NULL: Final = nullable(TEXT)


def of_class(kind: type[Any]) -> Schema:
    return COMPONENTS.shown(kind)


def answer(doc: str, schema: Schema, **more: Any) -> Answer:
    """An answer in JSON."""
    return Answer(doc=doc, schema=schema, **more)


def put_in(kind: type[Any], extra: dict[str, Schema]) -> Schema:
    """The fields of a class of the model, and others beside them."""
    COMPONENTS.shown(kind)
    own = COMPONENTS.schemas[kind.__name__]["properties"]
    return record({**{each.name: own[each.name] for each in fields(kind)}, **extra})


# --- Errors --------------------------------------------------------------------------------------

PROBLEM: Final = COMPONENTS.add(
    "Problem",
    {
        "description": "What is wrong with a request (RFC 9457); nothing has happened.",
        **record(
            {
                "type": {"type": "string", "format": "uri"},
                "title": TEXT,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "detail": {"type": "string", "description": "For people."},
                "instance": {"type": "string", "description": "The path of the request."},
                "code": {"type": "string", "examples": list(STATUS)},
                "field": {**TEXT_OR_NULL, "description": "The part that is at fault."},
                "value": {"description": "What was given, shortened."},
                "allowed": {"description": "Names, or limits with their unit, or null."},
                "reasons": {**listed(ANYTHING), "description": "Every reason of the pump."},
            },
            required=["type", "title", "status", "detail", "instance", "code"],
            more=True,
        ),
    },
)
PROBLEM_TYPE: Final = problems.MEDIA_TYPE

# --- What the door answers -----------------------------------------------------------------------

TRUTH: Final = of_class(Truth)
BELIEF: Final = of_class(Status)
PATIENT: Final = of_class(PatientView)
LOG: Final = COMPONENTS.add(
    "Log", put_in(LogRange, {"records": listed(put_in(LogEntry, {"text": TEXT}))})
)
TONES: Final = COMPONENTS.add(
    "Tones",
    record({"pump_ms": WHOLE, "now": nullable(of_class(Tone)), "next": nullable(of_class(Tone))}),
)
_PAIR: Final = record({"believed": WHOLE, "actual": WHOLE, "difference": WHOLE})
BOTH: Final = COMPONENTS.add(
    "Both",
    record(dict.fromkeys(("time_ms", "volume_nl", "delivered_nl", "rate_nl_per_day"), _PAIR)),
)
CLOCK: Final = COMPONENTS.add(
    "Clock",
    record(
        {
            "therapy_ms": WHOLE,
            "pump_ms": WHOLE,
            "clock_local_ms": WHOLE,
            "clock": TEXT,
            "speed": {"type": ["number", "null"]},
            "paused": FLAG,
            "jumping": FLAG,
            "next_event": nullable(
                record(
                    {"at_ms": WHOLE, "what": TEXT_OR_NULL, "fault": TEXT},
                    required=["at_ms", "what"],
                )
            ),
        }
    ),
)
FAULT: Final = COMPONENTS.add(
    "InjectedFault",
    record(
        {
            "fault_id": WHOLE,
            "fault": {"type": "string", "enum": list(FAULTS)},
            "begins_at_ms": WHOLE,
            "ends_at_ms": WHOLE_OR_NULL,
            "part_of": WHOLE_OR_NULL,
            "parameters": ANYTHING,
        }
    ),
)
CLEARED: Final = record({"cleared": listed(WHOLE)})
STATE: Final = COMPONENTS.add(
    "State",
    {
        "description": "Everything that a pump is, as `pump-sim run --save` writes it.",
        **record({"format": {"const": "pump-sim-state"}, "version": WHOLE, "state": ANYTHING}),
    },
)
ACTS: Final[dict[str, Schema]] = {
    "press": of_class(PatientBolusResult),
    "reset": CLOCK,
    "proximity": record({"in_reach": FLAG, "on_pump": FLAG}),
    "button": record({"expires_in_ms": WHOLE}),
    "pair": record({"code": TEXT, "role": TEXT, "serial_number": TEXT, "expires_in_ms": WHOLE}),
    "fill": TRUTH,
    "fill_pocket": TRUTH,
    "inject_catheter": record({"injected_nl": WHOLE}),
    "explant": TRUTH,
    "implant": CLOCK,
}
"""What each act answers."""

# --- Forms ---------------------------------------------------------------------------------------

FORM: Final = COMPONENTS.add(
    "FormField",
    record(
        {
            "name": TEXT,
            "label": TEXT,
            "doc": TEXT,
            "kind": {"enum": ["whole", "flag", "choice", "text", "object", "speed"]},
            "unit": TEXT_OR_NULL,
            "units": listed(record({"unit": TEXT, "scale": WHOLE})),
            "takes_text": FLAG,
            "minimum": {"type": ["number", "null"]},
            "maximum": {"type": ["number", "null"]},
            "choices": {"type": ["array", "null"], "items": TEXT},
            "required": FLAG,
            "default": TEXT_OR_NULL,
        }
    ),
)
FAULTS_AND_FORMS: Final = record(
    {
        "active": listed(FAULT),
        "scheduled": listed(FAULT),
        "kinds": listed(
            record(
                {
                    "fault": TEXT,
                    "label": TEXT,
                    "doc": TEXT,
                    "duration": TEXT,
                    "source": TEXT,
                    "takes_duration": FLAG,
                    "parameters": listed(FORM),
                }
            )
        ),
        "when": listed(FORM),
    }
)
ACT_FORMS: Final = record(
    {
        "acts": listed(
            record(
                {
                    "act": TEXT,
                    "label": TEXT,
                    "doc": TEXT,
                    "confirm": TEXT,
                    "parameters": listed(FORM),
                }
            )
        )
    }
)
