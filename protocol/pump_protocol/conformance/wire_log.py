"""What passed on the line during a case, for people: when, which way, the bytes, what they say.

Every line is of the bytes that were sent or came at once. A frame is told with the line that holds
its last byte. It decides nothing about the case, and shows no more than somebody can read.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, Literal

from pump_protocol.conformance.trial import CaseResult, Passed
from pump_protocol.slicing import NS_PER_MS
from pump_protocol.wiretap import FrameView, SecretsHeard, Wiretap

FIRST_LINES: Final = 150
"""How many lines of a longer log are shown from its beginning."""
LAST_LINES: Final = 50
"""How many of its end."""
SHOWN_BYTES: Final = 1_024
"""How many bytes of a line are shown; no frame is longer."""
SHOWN_FRAMES: Final = 16
"""How many frames of one line are shown."""
DECODED_BYTES: Final = 262_144
"""How many bytes of one direction are decoded: a subject may send without end."""

Direction = Literal["to_pump", "to_programmer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLine:
    """A frame, or bytes that are none: then only `size` and `reason` are given.

    Of a frame `message` is None, too, if nobody knows its type, and `fields`, if it could not be
    decoded. `counter` is that of its envelope.
    """

    message: str | None = None
    link_id: int | None = None
    sequence: int | None = None
    sealed: bool = False
    counter: int | None = None
    fields: dict[str, Any] | None = None
    reason: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WireLine:
    """Bytes that passed at once, or a note of what happened beside the line.

    :ivar at_ms: since the case began; None where times are left out.
    :ivar direction: None of a note.
    :ivar size: how many bytes they are; `hex` holds the first :data:`SHOWN_BYTES` of them.
    :ivar frames: those that ended in these bytes.
    :ivar left_out: this line stands for so many that are not shown.
    """

    at_ms: int | None
    direction: Direction | None = None
    hex: str = ""
    size: int = 0
    frames: tuple[FrameLine, ...] = ()
    note: str = ""
    left_out: int = 0


def wire_log(result: CaseResult) -> tuple[WireLine, ...]:
    """All that passed, decoded; of a long log its beginning and its end."""
    passed = result.wire
    frames: list[list[FrameLine]] = [[] for _ in passed]
    secrets = SecretsHeard()
    for link_id, given in result.secrets.items():
        for each in given:
            secrets.add(link_id, each)
    for to_pump in (True, False):
        _tell_frames(passed, to_pump, secrets, frames)
    began_ms = passed[0].at_ms if passed else 0
    shown = [_line(*each, began_ms) for each in zip(passed, frames, strict=True)]
    left_out = len(shown) - FIRST_LINES - LAST_LINES
    if left_out <= 0:
        return tuple(shown)
    gap = WireLine(
        at_ms=shown[FIRST_LINES].at_ms, left_out=left_out, note=f"{left_out} lines are left out"
    )
    return (*shown[:FIRST_LINES], gap, *shown[-LAST_LINES:])


def _tell_frames(
    passed: Sequence[Passed],
    to_pump: bool,
    secrets: SecretsHeard,
    frames: Sequence[list[FrameLine]],
) -> None:
    """Put every frame of one direction to the line that holds its last byte."""
    tap = Wiretap(to_pump=to_pump, secrets=secrets)
    heard: list[int] = []  # lines of that direction
    views: list[FrameView] = []
    total = 0
    for number, each in enumerate(passed):
        if each.to_pump is not to_pump or not each.data:
            continue
        if total + len(each.data) > DECODED_BYTES:
            break
        heard.append(number)
        total += len(each.data)
        views += tap.hear(each.data, each.at_ms * NS_PER_MS)
    views += tap.give_up()
    ends = list(accumulate(len(passed[number].data) for number in heard))
    for view, end in zip(views, accumulate(len(each.data) for each in views), strict=True):
        frames[heard[bisect_left(ends, end)]].append(_frame_line(view))


def _line(passed: Passed, frames: Sequence[FrameLine], began_ms: int) -> WireLine:
    at_ms = passed.at_ms - began_ms
    if passed.to_pump is None:
        return WireLine(at_ms=at_ms, note=passed.note)
    hidden = len(frames) - SHOWN_FRAMES
    return WireLine(
        at_ms=at_ms,
        direction="to_pump" if passed.to_pump else "to_programmer",
        hex=passed.data[:SHOWN_BYTES].hex(),
        size=len(passed.data),
        frames=tuple(frames[:SHOWN_FRAMES]),
        note=passed.note or (f"{hidden} more frames" if hidden > 0 else ""),
    )


def _frame_line(view: FrameView) -> FrameLine:
    fields: Mapping[str, Any] | None = view.fields
    return FrameLine(
        message=view.message,
        link_id=view.link_id,
        sequence=view.sequence,
        sealed=view.sealed,
        counter=view.counter,
        fields=None if fields is None else dict(fields),
        reason=view.reason,
        size=len(view.data),
    )
