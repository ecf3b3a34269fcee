"""So many browsers as a console's server sees them: they read what is sent to them, and no more.

``python -m benchmarks.listeners URL N`` prints a line when all of them have had a first message.
"""

import asyncio
import sys

from websockets.asyncio.client import ClientConnection, connect


async def listen(url: str, count: int) -> None:
    """Read until this is ended."""
    address = url.replace("http", "ws", 1) + "/api/v1/pumps/1/live?view=trainee"
    open_ones = [await connect(address, max_size=None) for _ in range(count)]
    for each in open_ones:
        await each.recv()
    print("all listen", flush=True)
    await asyncio.gather(*map(_drain, open_ones))


async def _drain(connection: ClientConnection) -> None:
    async for _ in connection:
        pass


if __name__ == "__main__":
    asyncio.run(listen(sys.argv[1], int(sys.argv[2])))
