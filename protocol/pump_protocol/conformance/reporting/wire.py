"""The lines of a wire log as text: when, which way, the bytes in hexadecimal, what they say."""

import json
import re
from collections.abc import Iterable
from typing import Any, Final

from pump_protocol.conformance.wire_log import FrameLine, WireLine
from pump_protocol.printable import printable

ARROWS: Final = {"to_pump": "-> pump", "to_programmer": "<- pump", None: "      "}
_INDENT: Final = " " * 4
_LONG: Final = 100
"""Shorter texts are rather told again than pointed at."""
_HEADER_BYTES: Final = 20
_WORD: Final = re.compile(r"(?!(null|true|false)$)[a-z][a-z0-9_]*")


def wire_text(lines: Iterable[WireLine]) -> str:
    """A whole log, several lines of text for each of its own; all of it printable."""
    said = FramesTold()
    return "\n".join(text for line in lines for text in _line_texts(line, said))


def _line_texts(line: WireLine, said: "FramesTold") -> list[str]:
    """A line of a log, and below it each of its frames."""
    if line.direction is None:
        return [f"{when(line)} {printable(line.note)}"]
    head = f"{when(line)} {ARROWS[line.direction]}  {hex_text(line)}{_noted(line)}"
    return [head, *(_INDENT + _frame_text(each, said) for each in line.frames)]


def _frame_text(frame: FrameLine, said: "FramesTold") -> str:
    head = " ".join(filter(None, (name_text(frame), said.address(frame))))
    return ": ".join(filter(None, (head, said.fields(frame))))


def when(line: WireLine) -> str:
    """When it passed, in ms since the case began."""
    return " " * 9 if line.at_ms is None else f"{line.at_ms:6} ms"


def hex_text(line: WireLine) -> str:
    """The bytes of a line, as far as a header goes in fours, and how many are not shown."""
    shown = bytes.fromhex(line.hex)
    hidden = line.size - len(shown)
    more = f" ... {hidden} more bytes" if hidden > 0 else ""
    header, rest = shown[:_HEADER_BYTES].hex(" ", -4), shown[_HEADER_BYTES:].hex(" ", -16)
    return " ".join(filter(None, (header, rest))) + more


def name_text(frame: FrameLine) -> str:
    """What its message is called."""
    if frame.link_id is None:
        return "no frame"
    return printable(frame.message or "no known message")


class FramesTold:
    """Tells the frames of one log, and nothing twice that was told just before.

    A pump that is asked twice how it is has much to say, and nearly all of it was said before.

    :param where: what is logged, as others may point at it.
    :param told: where long texts stand that were told already, to be pointed at; shared by several
        logs that are read together.
    """

    def __init__(self, where: str = "", told: dict[str, str] | None = None) -> None:
        self._where = where
        self._told = told
        self._link: tuple[int, bool] | None = None
        self._number: tuple[int | None, int | None] | None = None
        self._last: dict[str | None, dict[str, str]] = {}

    def address(self, frame: FrameLine) -> str:
        """How it was sent, on which link and under which number, unless all of it is as of the
        frame before: an answer is on the link of its request, and has its number. Of bytes that
        are no frame their size."""
        if frame.link_id is None:
            return f"({frame.size} bytes)"
        link = frame.link_id, frame.sealed
        number = frame.sequence, frame.counter
        parts = []
        if link != self._link:
            parts += ["sealed" if frame.sealed else "plain", f"link {frame.link_id:016x}"]
        if parts or number != self._number:
            parts.append(f"sequence {frame.sequence}")
            parts += [] if frame.counter is None else [f"counter {frame.counter}"]
        self._link, self._number = link, number
        return f"({', '.join(parts)})" if parts else ""

    def fields(self, frame: FrameLine) -> str:
        """The fields, or how they differ from those of the last such frame, if in little; why there
        are none, if it cannot be decoded."""
        if frame.fields is None:
            return printable(frame.reason or "")
        said = {name: f"{name}: {_value_text(each)}" for name, each in frame.fields.items()}
        last = self._last.get(frame.message)
        self._last[frame.message] = said
        whole = ", ".join(said.values())
        if last is not None and len(said) > 1 and said.keys() == last.keys():
            other = ", ".join(each for name, each in said.items() if each != last[name])
            if len(other) <= len(whole) / 2:
                return f"as before, but {other}" if other else "as before"
        return self._or_where(whole)

    def _or_where(self, text: str) -> str:
        """The text, or where else it stands."""
        if self._told is None or len(text) < _LONG:
            return text
        where = self._told.setdefault(text, self._where)
        return text if where == self._where else f"as in {where}"


def _value_text(value: Any) -> str:
    """A value as JSON has it, but for the quotes around keys and words."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_value_text(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value_text, value))}]"
    if isinstance(value, str) and _WORD.fullmatch(value):
        return value
    return json.dumps(value)  # in ASCII


def _noted(line: WireLine) -> str:
    return f"  ({printable(line.note)})" if line.note else ""
