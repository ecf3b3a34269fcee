"""What the table of roles allows, tried with every message type there can be.

It knows no table: what is allowed is told to it.
"""

from typing import Final

from pump_protocol.codes import RESPONSE_BIT, Field, MessageType, RefusalCode
from pump_protocol.conformance.expectations import expect_equal, refused
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester_link import TesterLink

_UNREADABLE: Final = b"\x01\x01\x01"
"""A payload that is too long or too short for every request, and holds no other fault."""


def judge_table(link: TesterLink, allowed: frozenset[MessageType]) -> Play[None]:
    """Send every message type there can be in an open link, with a payload that none has: what is
    allowed is refused for its payload, and what is not is refused before anybody looks at it.

    :raises Unmet: one of them is allowed, or is not.
    """
    for message_type in range(RESPONSE_BIT):
        data = link.raw(message_type, _UNREADABLE)
        response = yield from link.exchange(data)
        if message_type == MessageType.OPEN_LINK:
            refused(response, message_type, RefusalCode.LINK_ID_USED)
            link.sequence -= 1  # that one is not used up (SEQ-07)
        elif message_type in allowed:
            refused(response, message_type, RefusalCode.MALFORMED, Field.PAYLOAD)
        else:
            reason = refused(response, message_type, RefusalCode.NOT_PERMITTED, Field.MESSAGE_TYPE)
            expect_equal("value of NOT_PERMITTED", reason.value, message_type)
