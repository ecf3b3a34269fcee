"""Reading tells everything and disturbs nothing."""

from dataclasses import fields

import pytest

from pump_sim.model.hardware.patient import PatientView
from pump_sim.model.status import Status, Truth
from tests.pump_sim.control.desks import Visitor
from tests.pump_sim.virtual import DAY_MS, HOUR_MS

READINGS = (
    "hello",
    "time",
    "truth",
    "belief",
    "both",
    "patient",
    "log",
    "tones",
    "faults",
    "state",
)


@pytest.mark.parametrize("do", READINGS)
def test_reading_leaves_no_trace(do: str) -> None:
    """Neither in a log nor in the therapy: a test may look as often as it likes."""
    visitor = Visitor()
    visitor.ask("advance", by="45 d")
    visitor.ask("patient")
    before = visitor.pump.state()
    first = visitor.ask(do)
    assert visitor.ask(do) == first
    assert visitor.pump.state() == before


@pytest.mark.parametrize(
    ("do", "kind"), [("truth", Truth), ("belief", Status), ("patient", PatientView)]
)
def test_every_field_is_told(do: str, kind: type) -> None:
    """What the model can say, the door says."""
    assert list(Visitor().ask(do)) == [each.name for each in fields(kind)]


def test_log_is_told_in_pages_and_in_words() -> None:
    """From any sequence number, as many as are asked for."""
    visitor = Visitor()
    visitor.ask("advance", by="60 d")
    log = visitor.ask("log")
    assert (log["first"], log["next"]) == (1, 1 + len(log["records"]))
    assert log["records"][1]["text"].startswith("ALARM low reservoir")
    page = visitor.ask("log", **{"from": 2, "limit": 1})
    assert page["records"] == log["records"][1:2]
    assert visitor.ask("log", limit=0)["records"] == []


def test_tones_are_heard_at_their_moments() -> None:
    """The alarm's tone sounds for a second, and comes again after an hour."""
    visitor = Visitor()
    assert visitor.ask("tones") == {"pump_ms": 0, "now": None, "next": None}
    visitor.ask("advance", by=45 * DAY_MS)
    tones = visitor.ask("tones")
    assert tones["now"]["alarm"] == "low_reservoir"
    assert tones["now"]["ends_at_ms"] == 45 * DAY_MS + 1_000
    assert tones["next"]["starts_at_ms"] == 45 * DAY_MS + HOUR_MS
    visitor.ask("advance", by=1_000)
    assert visitor.ask("tones")["now"] is None
