"""What a room tells, as JSON schemas: its pictures, its session, its history, its snapshots.

What is shown to pages may have more in it than is said here; what is said here stays.
"""

from typing import Final

from pump_sim.console.api.answers import (
    ANYTHING,
    BELIEF,
    COMPONENTS,
    FLAG,
    PATIENT,
    STATE,
    TEXT,
    TEXT_OR_NULL,
    TRUTH,
    WHOLE,
    WHOLE_OR_NULL,
    of_class,
)
from pump_sim.console.api.meanings import explain
from pump_sim.console.api.schemas import Schema, listed, nullable, record, referred
from pump_sim.console.story import Event
from pump_sim.model.firmware.alarms import AlarmClass


def _open(properties: dict[str, Schema]) -> Schema:
    """What pages are shown; there may be more of it in a later version."""
    return record(properties, more=True)


_DECISION: Final = nullable(
    _open(
        {
            "name": TEXT,
            "ask": TEXT,
            "aloud": FLAG,
            "options": listed(_open({"name": TEXT, "title": TEXT})),
        },
    )
)
_ASKED_ALOUD: Final = nullable(
    _open({"ask": TEXT, "options": listed(_open({"title": TEXT}))}),
)
_SESSION_OF_ALL: Final[dict[str, Schema]] = {
    "kind": {"enum": ["scenario", "practice"]},
    "elapsed_ms": WHOLE,
    "over": FLAG,
    "decision": _ASKED_ALOUD,
    "said": listed(_open({"elapsed_ms": WHOLE, "text": TEXT})),
}
SESSION: Final = COMPONENTS.add(
    "Session",
    _open(
        {
            **_SESSION_OF_ALL,
            "decision": _DECISION,
            "name": TEXT,
            "title": TEXT,
            "summary": TEXT,
            "said": listed(_open({"elapsed_ms": WHOLE, "text": TEXT, "aloud": FLAG})),
            "length_ms": WHOLE_OR_NULL,
            "take": WHOLE,
            "chosen": listed(
                _open({"elapsed_ms": WHOLE, "choice": TEXT, "option": TEXT, "title": TEXT})
            ),
            "verdicts": nullable(
                _open(
                    {
                        "met": WHOLE,
                        "total": WHOLE,
                        "unmet": listed(_open({"expected": TEXT, "happened": TEXT})),
                    }
                )
            ),
        }
    ),
)
_IDENTITY: Final[dict[str, Schema]] = {
    "serial_number": TEXT,
    "model": TEXT,
    "address": TEXT,
    "security_profile": TEXT,
    "capacity_nl": WHOLE,
}
PUMP: Final = COMPONENTS.add("Pump", _open({"id": TEXT, **_IDENTITY, "session": SESSION}))
_CLOCK_OF_ALL: Final[dict[str, Schema]] = {
    "elapsed_ms": WHOLE,
    "clock_local_ms": WHOLE,
    "clock": TEXT,
    "speed": {"type": "number"},
    "paused": FLAG,
}
_CLASS: Final = of_class(AlarmClass)
_ALARM: Final = _open(
    {
        "alarm": TEXT,
        "text": TEXT,
        "class": _CLASS,
        "since_local_ms": WHOLE,
        "since_elapsed_ms": WHOLE,
        "active": FLAG,
        "latches": FLAG,
        "acknowledged": FLAG,
        "silenced_until_local_ms": WHOLE_OR_NULL,
        "next_tone_local_ms": WHOLE_OR_NULL,
    }
)
_SEEN_BY_ALL: Final[dict[str, Schema]] = {
    "pump": TEXT,
    "identity": _open(_IDENTITY),
    "belief": BELIEF,
    "battery": _open(
        {
            "remaining_ppm": WHOLE,
            "eri_local_ms": WHOLE_OR_NULL,
            "eos_local_ms": WHOLE_OR_NULL,
            "replace_local_ms": WHOLE_OR_NULL,
        }
    ),
    "service": _open(
        {
            "last_refill_local_ms": WHOLE,
            "low_reservoir_local_ms": WHOLE_OR_NULL,
            "empty_reservoir_local_ms": WHOLE_OR_NULL,
        }
    ),
    "alarms": listed(_ALARM),
    "tone": nullable(_open({"class": _CLASS, "interval_ms": WHOLE, "next_in_ms": WHOLE})),
    "sounding": nullable(_open({"class": _CLASS, "ends_in_ms": WHOLE})),
    "people": _open({"instructors": WHOLE, "trainees": WHOLE}),
}
SIGHT: Final = COMPONENTS.add(
    "Sight",
    {
        "description": "All that an instructor is shown at one moment: truth and belief.",
        **_open(
            {
                "type": {"const": "sight"},
                **_SEEN_BY_ALL,
                "clock": _open(
                    {
                        **_CLOCK_OF_ALL,
                        "therapy_ms": WHOLE,
                        "pace": {"type": "number"},
                        "jumping": FLAG,
                        "held": FLAG,
                        "waits_for": {"enum": [None, "decision", "programmer"]},
                        "next_event": nullable(
                            _open({"at_ms": WHOLE, "in_ms": WHOLE, "text": TEXT})
                        ),
                    }
                ),
                "session": SESSION,
                "truth": TRUTH,
                "patient": PATIENT,
                "patient_text": TEXT,
                "faults": listed(
                    _open(
                        {
                            "fault_id": WHOLE,
                            "fault": TEXT,
                            "text": TEXT,
                            "begins_elapsed_ms": WHOLE,
                            "ends_elapsed_ms": WHOLE_OR_NULL,
                            "active": FLAG,
                            "parameters": ANYTHING,
                        }
                    )
                ),
                "presence": _open({"in_reach": FLAG, "on_pump": FLAG}),
            }
        ),
    },
)
OBSERVED: Final = COMPONENTS.add(
    "Observed",
    {
        "description": "All that a trainee is shown at one moment, and no truth.",
        **_open(
            {
                "type": {"const": "observed"},
                **_SEEN_BY_ALL,
                "clock": _open(_CLOCK_OF_ALL),
                "session": _open(_SESSION_OF_ALL),
                "signs": listed(_open({"sign": TEXT, "text": TEXT})),
            }
        ),
    },
)
EVENT: Final = of_class(Event)
_LINE: Final = COMPONENTS.schemas["Event"]  # of which one field is not told
_LINE["properties"].pop("asks")
_LINE["required"].remove("asks")
HISTORY: Final = COMPONENTS.add(
    "History",
    record(
        {
            "columns": listed(TEXT),
            "rows": {
                "type": "array",
                "items": {"type": "array", "items": {"type": ["number", "null"]}},
            },
            "spans": listed(
                record(
                    {"kind": TEXT, "name": TEXT, "from_ms": WHOLE, "until_ms": WHOLE_OR_NULL},
                    more=True,
                )
            ),
        },
        more=True,
    ),
)
SNAPSHOT: Final = COMPONENTS.add(
    "Snapshot",
    _open(
        {
            "id": TEXT,
            "name": TEXT,
            "elapsed_ms": WHOLE_OR_NULL,
            "clock_local_ms": WHOLE,
            "serial_number": TEXT,
            "session": TEXT_OR_NULL,
        }
    ),
)
SNAPSHOT_WITH_STATE: Final = {"allOf": [SNAPSHOT, _open({"state": STATE})]}
MARKS: Final = record(
    {
        "marks": listed(
            _open(
                {
                    "mark": WHOLE,
                    "elapsed_ms": WHOLE,
                    "clock_local_ms": WHOLE,
                    "kind": TEXT,
                    "text": TEXT,
                }
            )
        )
    }
)
TAKES: Final = record(
    {
        "takes": listed(
            _open(
                {
                    "take": WHOLE,
                    "name": TEXT,
                    "title": TEXT,
                    "branch": listed(_open({"choice": TEXT, "option": TEXT})),
                    "length_ms": WHOLE,
                    "over": FLAG,
                    "present": FLAG,
                }
            )
        )
    }
)
_CHOICES: Final = COMPONENTS.add(
    "Choices",
    listed(
        record(
            {
                "name": TEXT,
                "ask": TEXT,
                "at_ms": WHOLE,
                "options": listed(
                    record({"name": TEXT, "title": TEXT, "choices": referred("Choices")})
                ),
            }
        )
    ),
)
SCENARIO: Final = COMPONENTS.add(
    "Scenario",
    record(
        {
            "name": TEXT,
            "title": TEXT,
            "summary": TEXT,
            "source": TEXT,
            "users": listed(TEXT),
            "length_ms": WHOLE,
            "security_profile": TEXT,
            "updates": TEXT,
            "branches": WHOLE,
            "choices": _CHOICES,
        }
    ),
)

explain(
    COMPONENTS.schemas,
    "Pump",
    "Session",
    "Sight",
    "Observed",
    "Event",
    "History",
    "Snapshot",
    "FormField",
)
