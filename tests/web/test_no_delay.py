"""An answer goes out at once: it does not wait for the acknowledgement of its own head."""

import asyncio
import socket
from typing import Any

import httpx

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.serving import Server


def test_what_is_accepted_is_sent_without_delay() -> None:
    """Otherwise each answer takes 40 ms more, and each alarm on its way to a page."""
    seen: list[int] = []

    async def work() -> None:
        loop: Any = asyncio.get_running_loop()

        async def application(scope: Any, receive: Any, send: Any) -> None:
            for transport in list(loop._transports.values()):
                connection = transport.get_extra_info("socket")
                if connection is not None and connection.getsockname()[1] == server.address.port:
                    seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

        async with (
            Server(application, HttpAddress("127.0.0.1", 0)) as server,
            httpx.AsyncClient() as client,
        ):
            await client.get(server.address.url())

    asyncio.run(work())
    assert seen == [1]
