"""The transition tables have no dead end, no dead trigger and nothing that cannot be reached."""

from enum import Enum
from typing import Any

import pytest

from pump_protocol.codes import MessageType
from pump_protocol.states import (
    ALLOWED_WHILE_CLOSED,
    EXCHANGE_TRANSITIONS,
    LINK_TRANSITIONS,
    ExchangeState,
    ExchangeTrigger,
    LinkState,
    LinkTrigger,
)

tables = pytest.mark.parametrize(
    ("states", "triggers", "transitions", "initial"),
    [
        (LinkState, LinkTrigger, LINK_TRANSITIONS, LinkState.CLOSED),
        (ExchangeState, ExchangeTrigger, EXCHANGE_TRANSITIONS, ExchangeState.READY),
    ],
    ids=["link", "exchange"],
)


@tables
def test_every_state_is_reached_and_left(
    states: type[Enum], triggers: type[Enum], transitions: dict[Any, Any], initial: Enum
) -> None:
    reached, found = {initial}, set()
    while reached != found:
        found = set(reached)
        reached |= {after for (before, _), after in transitions.items() if before in reached}
    assert reached == set(states)
    assert {before for before, _ in transitions} == set(states)


@tables
def test_every_trigger_is_used(
    states: type[Enum], triggers: type[Enum], transitions: dict[Any, Any], initial: Enum
) -> None:
    assert {trigger for _, trigger in transitions} == set(triggers)


@tables
def test_the_initial_state_can_always_be_reached_again(
    states: type[Enum], triggers: type[Enum], transitions: dict[Any, Any], initial: Enum
) -> None:
    for state in states:
        reached, found = {state}, set()
        while reached != found:
            found = set(reached)
            reached |= {after for (before, _), after in transitions.items() if before in reached}
        assert initial in reached


def test_only_requests_are_allowed_while_closed() -> None:
    assert {
        MessageType.OPEN_LINK,
        MessageType.IDENTIFY,
        MessageType.AUTHENTICATE,
        MessageType.EMERGENCY_STATUS,
        MessageType.EMERGENCY_MINIMUM_RATE,
        MessageType.EMERGENCY_STOP,
    } == ALLOWED_WHILE_CLOSED
