"""Bytes to lines, within bounds; no sockets and no JSON."""

from collections.abc import Iterator
from typing import Final

MAX_LINE_BYTES: Final = 8 * 1024 * 1024
"""A state with full logs is a few hundred kilobytes; what is larger is not meant for a pump."""


class LineDecoder:
    """Takes bytes as they come and gives whole lines, None for one that was too long.

    Of a line that is too long nothing is kept but the fact.
    """

    def __init__(self, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0
        self._too_long = False

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """The lines that *data* ends, without their ends; empty ones are none."""
        *ended, rest = data.split(b"\n")
        for part in ended:
            self._keep(part)
            line = b"".join(self._parts).rstrip(b"\r")
            too_long = self._too_long
            self._parts, self._size, self._too_long = [], 0, False
            if too_long:
                yield None
            elif line.strip():
                yield line
        self._keep(rest)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            self._too_long = True
            self._parts.clear()
        elif part:
            self._parts.append(part)
