"""A client of the door that does not read is told no more, and how much it has missed."""

import asyncio
import json
from typing import Any

from pump_sim.control.door import MAX_UNREAD_BYTES, _Client


class FullTransport(asyncio.Transport):
    """A connection whose other end has not read for a while."""

    def __init__(self) -> None:
        super().__init__()
        self.unread_bytes = 0
        self.lines: list[dict[str, Any]] = []

    def get_write_buffer_size(self) -> int:
        return self.unread_bytes

    def is_closing(self) -> bool:
        return False

    def write(self, data: Any) -> None:
        self.lines.append(json.loads(data))


def test_events_that_a_client_cannot_take_are_counted_and_not_kept() -> None:
    """The next one that it is told says how many there were."""
    transport = FullTransport()
    client = _Client(set(), [], "")
    client.connection_made(transport)
    client._tell({"event": "record"})
    transport.unread_bytes = MAX_UNREAD_BYTES + 1
    for _ in range(3):
        client._tell({"event": "record"})
    transport.unread_bytes = 0
    client._tell({"event": "fault_began"})
    client._tell({"event": "fault_ended"})
    assert transport.lines == [
        {"event": "record"},
        {"event": "fault_began", "missed": 3},
        {"event": "fault_ended"},
    ]
