"""What the client says before it says anything to a door."""

import pytest

from pump_sim.control.client import ControlClient


@pytest.mark.parametrize(
    ("given", "span", "error"),
    [
        (None, {"weeks": 1}, "known are days, hours, minutes, seconds"),
        ("1 h", {"hours": 1}, "either"),
        (None, {"seconds": 0.0005}, "whole number of ms"),
    ],
)
def test_span_that_means_nothing_is_an_error_here(
    given: str | None, span: dict[str, float], error: str
) -> None:
    """It is the test that is wrong, and the traceback shows where."""
    client = ControlClient.__new__(ControlClient)  # no door is needed to be wrong
    with pytest.raises((TypeError, ValueError), match=error):
        client.advance(given, **span)
