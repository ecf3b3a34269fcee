"""Time is moved through the door exactly as far as was said, and no further."""

import pytest

from tests.pump_sim.control.desks import Visitor
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, implanted

LOW_RESERVOIR_MS = 45 * DAY_MS
"""18 mL of the 20 mL at 0.4 mL/day."""


@pytest.mark.parametrize("by", [36 * HOUR_MS, "36h", "36 h", "1 d 12 h", "1 day 12h"])
def test_advance_takes_ms_and_texts_with_units(by: object) -> None:
    """However it is written, it is the same span, to the millisecond."""
    visitor = Visitor()
    answer = visitor.ask("advance", by=by)
    assert answer["therapy_ms"] == answer["pump_ms"] == visitor.pump.at_ms == 36 * HOUR_MS


def test_advance_to_a_moment_and_not_into_the_past() -> None:
    """The limits that are told are those that hold."""
    visitor = Visitor()
    visitor.ask("advance", to_ms="2 d")
    assert visitor.pump.at_ms == 2 * DAY_MS
    error = visitor.fail("advance", to_ms=2 * DAY_MS - 1)
    assert error["allowed"]["minimum"] == 2 * DAY_MS
    assert visitor.ask("advance", to_ms=2 * DAY_MS)["therapy_ms"] == 2 * DAY_MS
    furthest = error["allowed"]["maximum"]
    assert visitor.fail("advance", by=furthest)["allowed"]["maximum"] == furthest - 2 * DAY_MS
    assert visitor.fail("advance", by=1, to_ms=2)["code"] == "missing_field"
    assert visitor.fail("advance")["code"] == "missing_field"


def test_all_that_is_due_has_happened_when_the_answer_comes() -> None:
    """At the very moment to which time was moved, too: advancing is inclusive."""
    visitor = Visitor()
    visitor.ask("advance", to_ms=LOW_RESERVOIR_MS - 1)
    assert visitor.ask("belief")["alarms"] == []
    visitor.ask("advance", by=1)
    (alarm,) = visitor.ask("belief")["alarms"]
    assert (alarm["alarm"], alarm["raised_at_ms"]) == ("low_reservoir", LOW_RESERVOIR_MS)
    assert (alarm["class"], alarm["active"]) == ("non_critical", True)


def test_next_event_goes_where_time_said_that_it_would() -> None:
    """And stays where it is when nothing more will happen by itself."""
    visitor = Visitor()
    foretold = visitor.ask("time")["next_event"]
    answer = visitor.ask("next_event")
    assert answer["therapy_ms"] == foretold["at_ms"]
    for _ in range(30_000):
        if answer["next_event"] is None:
            break
        answer = visitor.ask("next_event")
    at_the_end_ms = answer["therapy_ms"]
    assert visitor.ask("next_event")["therapy_ms"] == at_the_end_ms


def test_furthest_that_time_can_be_moved_breaks_nothing() -> None:
    """Centuries after its end of service a pump still answers."""
    visitor = Visitor()
    visitor.ask("inject", fault="clock_drift", parameters={"drift_ppm": 100_000})
    furthest_ms = visitor.fail("advance", to_ms=10**15)["allowed"]["maximum"]
    visitor.ask("advance", to_ms=furthest_ms)
    for do in ("time", "belief", "truth", "both", "patient", "log", "tones", "state"):
        visitor.ask(do)
    assert visitor.ask("load", state=visitor.ask("state"))["therapy_ms"] == furthest_ms


def test_speed_pause_and_resume_do_not_jump() -> None:
    """Resuming goes on at the speed before the pause."""
    visitor = Visitor(speed=1)
    visitor.host.wait(1_000)
    answer = visitor.ask("speed", speed=1000)
    assert (answer["therapy_ms"], answer["speed"], answer["paused"]) == (1_000, 1000, False)
    visitor.host.wait(1_000)
    assert visitor.ask("pause")["therapy_ms"] == 1_001_000
    visitor.host.wait(5_000)
    answer = visitor.ask("time")
    assert (answer["therapy_ms"], answer["speed"], answer["paused"]) == (1_001_000, 0, True)
    assert visitor.ask("resume")["speed"] == 1000
    visitor.host.wait(10)
    assert visitor.ask("time")["therapy_ms"] == 1_011_000


def test_resume_of_a_pump_that_never_ran_runs_in_real_time() -> None:
    """As the keys of the terminal have it."""
    visitor = Visitor(speed=0)
    assert visitor.ask("resume")["speed"] == 1


def test_speed_is_as_exact_as_it_was_written() -> None:
    """0.001 is a thousandth, not the binary fraction next to it."""
    visitor = Visitor()
    visitor.ask("speed", speed=0.001)
    visitor.host.wait(7_000_000)
    assert visitor.ask("time")["therapy_ms"] == 7_000


def test_jump_can_be_chosen_and_left_again() -> None:
    """A speed that is a number ends the jumping."""
    visitor = Visitor(implanted())
    answer = visitor.ask("speed", speed="jump")
    assert (answer["jumping"], answer["paused"]) == (True, True)
    answer = visitor.ask("speed", speed=2)
    assert (answer["jumping"], answer["speed"]) == (False, 2)
