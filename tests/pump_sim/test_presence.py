"""The programming head and its button: what the pump senses of whoever is at its patient."""

import pytest

from pump_protocol.codes import INTENT_LIMIT_MS
from pump_sim.presence import Presence


def test_at_the_start_the_head_is_within_reach_and_not_on_the_pump() -> None:
    presence = Presence()
    assert (presence.in_reach, presence.on_pump, presence.visit()) == (True, False, None)


@pytest.mark.parametrize("in_reach", [True, False])
def test_what_lies_on_the_pump_is_within_reach(in_reach: bool) -> None:
    presence = Presence()
    presence.in_reach = in_reach
    presence.on_pump = True
    assert presence.in_reach
    presence.on_pump = False
    assert presence.in_reach


def test_what_is_out_of_reach_does_not_lie_on_the_pump() -> None:
    """Nor does it when it comes within reach again."""
    presence = Presence()
    presence.on_pump = True
    presence.in_reach = False
    assert (presence.on_pump, presence.visit()) == (False, None)
    presence.in_reach = True
    assert not presence.on_pump


def test_a_visit_lasts_while_the_head_lies_on_the_pump() -> None:
    """Laid once more while it lies there, it is the same visit; taken off, the next is another."""
    presence = Presence()
    presence.on_pump = True
    first = presence.visit()
    presence.in_reach = presence.on_pump = True
    assert presence.visit() == first is not None
    presence.in_reach = False
    presence.on_pump = True
    assert presence.visit() not in (None, first)


def test_a_press_counts_for_a_while_of_link_time() -> None:
    presence = Presence()
    presence.on_pump = True
    presence.press(5)
    assert presence.intends(5)
    assert presence.intends(4 + INTENT_LIMIT_MS)
    assert not presence.intends(5 + INTENT_LIMIT_MS)


def test_a_press_while_the_head_is_off_the_pump_is_nothing() -> None:
    presence = Presence()
    presence.press(0)
    presence.on_pump = True
    assert not presence.intends(0)


@pytest.mark.parametrize("how", ["on_pump", "in_reach"])
def test_a_press_is_void_once_the_head_is_taken_off(how: str) -> None:
    """Whoever lays it on the pump next has another purpose."""
    presence = Presence()
    presence.on_pump = True
    presence.press(0)
    setattr(presence, how, False)
    assert not presence.intends(1)
    presence.on_pump = True
    assert not presence.intends(1)
