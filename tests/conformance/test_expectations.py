"""How a verdict shows values: codes by name, and nothing of how Python writes them."""

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import Capability, Mode, RefusalCode
from pump_protocol.conformance.expectations import expect_equal, shown
from pump_protocol.conformance.verdicts import Unmet


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (b"\xa5\x5a", "a5 5a"),
        (b"", "no bytes"),
        (Mode.FLEX, "FLEX"),
        (Capability.FLEX | Capability.MIXTURES, "FLEX | MIXTURES"),
        (Capability(0), "no flag"),
        ({RefusalCode.NOT_NEAR, RefusalCode.NO_INTENT}, "NOT_NEAR, NO_INTENT"),
        (frozenset[int](), "none"),
        ((1, Mode.STOPPED), "(1, STOPPED)"),
        ((), "none"),
        (m.Step(0, 5), "Step(starts_at_min=0, rate_nl_per_day=5)"),
        ("text", "text"),
    ],
)
def test_values_read_as_people_write_them(value: object, text: str) -> None:
    """A set is in order, so that two runs say the same."""
    assert shown(value) == text


def test_both_sides_are_told() -> None:
    """What was found, and what was wanted."""
    with pytest.raises(Unmet, match="mode is FLEX; expected: STOPPED"):
        expect_equal("mode", Mode.FLEX, Mode.STOPPED)
