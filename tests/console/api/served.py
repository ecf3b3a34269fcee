"""The API on a real port, behind the gate: what is only so over a connection."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.gate import Gate
from pump_protocol.web.serving import Server
from pump_sim.console.api.composing import create_api, longest_body
from pump_sim.console.house import House

from .asking import Asking, house

LOOPBACK = HttpAddress("127.0.0.1", 0)
INSTRUCTOR = "an-instructors-token-0123456789"
TRAINEE = "a-trainees-token-0123456789"


class Served(Asking):
    """Asks over a real connection."""

    def __init__(self, client: httpx.AsyncClient, of: House, address: HttpAddress) -> None:
        super().__init__(client, of)
        self.address = address

    def socket(self, path: str) -> str:
        """The address of a WebSocket."""
        return f"ws://{self.address}/api/v1{path}"

    async def until_nobody_watches(self, room_id: str = "1") -> None:
        """Wait until every subscription has been given up."""
        feed = self.house.room(room_id).feed
        while feed.count("instructor") + feed.count("trainee"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # a feed tells nobody that somebody has gone


@contextlib.asynccontextmanager
async def served(pumps: int = 1, token: str | None = None) -> AsyncIterator[Served]:
    """A house whose API is on a port; with tokens, of which *token* is sent, unless it is None."""
    tokens = {} if token is None else {INSTRUCTOR: "instructor", TRAINEE: "trainee"}
    async with house(pumps) as opened:
        gate = Gate(
            create_api(opened),
            address=LOOPBACK,
            tokens=tokens,
            log=lambda _: None,
            body_limit=longest_body,
        )
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with (
            Server(gate, LOOPBACK) as server,
            httpx.AsyncClient(base_url=server.address.url(""), headers=headers) as client,
        ):
            yield Served(client, opened, server.address)


async def events(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    """The events of a stream: each with its `event`, its `id` if it has one, and its `data`."""
    told: dict[str, Any] = {}
    async for line in response.aiter_lines():
        if not line:
            if "data" in told:
                assert told["data"]["type"] == told["event"]
                yield told
            told = {}
            continue
        name, _, value = line.partition(": ")
        told[name] = json.loads(value) if name == "data" else value
