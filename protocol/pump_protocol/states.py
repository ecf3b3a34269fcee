"""When things may be said: the states of a link and of an exchange, as tables.

:mod:`pump_protocol.session` follows these tables and the state diagrams of the specification are
printed from them; neither has a second copy. They know states and triggers, not bytes or times.

**Theory of operation.** A *link* begins when a pump accepts ``open_link`` under a link id it has
not seen, and ends by ``close_link``, by silence, by age, or because another link begins: a pump has
one link at a time. Within a link there is one *exchange* at a time: a programmer sends a request
and awaits its response, repeating the identical bytes when none comes, until it gives up. While
the link is closed, only what opens one may be said, and what needs none.
"""

from enum import Enum
from typing import Final

from pump_protocol.access import PLAIN
from pump_protocol.codes import MessageType


class LinkState(Enum):
    """Whether requests other than the opening ones are accepted."""

    CLOSED = "closed"
    OPEN = "open"


class LinkTrigger(Enum):
    """What opens and ends a link."""

    OPENED = "open_link accepted"
    CLOSED = "close_link accepted"
    IDLE_LIMIT = "no request for the idle limit"
    ABSOLUTE_LIMIT = "absolute limit reached"
    REPLACED = "another link opened"
    LOST = "the pump no longer knows the link"


class ExchangeState(Enum):
    """Whether a request is waiting for its response."""

    READY = "ready"
    AWAITING = "awaiting response"


class ExchangeTrigger(Enum):
    """What happens to a request."""

    SENT = "request sent"
    ANSWERED = "response or refusal received"
    REPEATED = "no answer in time: identical bytes sent again"
    GIVEN_UP = "no answer to the last attempt"


LINK_TRANSITIONS: Final[dict[tuple[LinkState, LinkTrigger], LinkState]] = {
    (LinkState.CLOSED, LinkTrigger.OPENED): LinkState.OPEN,
    (LinkState.OPEN, LinkTrigger.CLOSED): LinkState.CLOSED,
    (LinkState.OPEN, LinkTrigger.IDLE_LIMIT): LinkState.CLOSED,
    (LinkState.OPEN, LinkTrigger.ABSOLUTE_LIMIT): LinkState.CLOSED,
    (LinkState.OPEN, LinkTrigger.REPLACED): LinkState.CLOSED,
    (LinkState.OPEN, LinkTrigger.LOST): LinkState.CLOSED,
}

EXCHANGE_TRANSITIONS: Final[dict[tuple[ExchangeState, ExchangeTrigger], ExchangeState]] = {
    (ExchangeState.READY, ExchangeTrigger.SENT): ExchangeState.AWAITING,
    (ExchangeState.AWAITING, ExchangeTrigger.REPEATED): ExchangeState.AWAITING,
    (ExchangeState.AWAITING, ExchangeTrigger.ANSWERED): ExchangeState.READY,
    (ExchangeState.AWAITING, ExchangeTrigger.GIVEN_UP): ExchangeState.READY,
}

ALLOWED_WHILE_CLOSED: Final = PLAIN | {MessageType.OPEN_LINK}
