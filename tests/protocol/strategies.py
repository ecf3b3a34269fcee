"""Hypothesis strategies for every message, derived from the dataclasses and their layouts."""

from dataclasses import fields
from enum import STRICT, IntEnum, IntFlag
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from pump_protocol import layouts
from pump_protocol.codes import ABSENT, MAX_PAYLOAD_BYTES, NEVER
from pump_protocol.frames import Frame
from pump_protocol.messages import REQUESTS, RESPONSES, Message
from pump_protocol.payloads import encode

MESSAGE_CLASSES: tuple[type[Message], ...] = (*REQUESTS.values(), *RESPONSES.values())

_RANGES = {
    "B": (0, 2**8 - 1),
    "H": (0, 2**16 - 1),
    "L": (0, 2**32 - 1),
    "I": (0, 2**32 - 1),
    "Q": (0, 2**64 - 1),
    "q": (-(2**63), 2**63 - 1),
}

_PLAIN = {
    str: st.text(max_size=20),
    bool: st.booleans(),
}

U8 = st.integers(*_RANGES["B"])
U32 = st.integers(*_RANGES["I"])
U64 = st.integers(*_RANGES["Q"])


def layout_of(message_class: type) -> layouts.Layout:
    """The construct declaration of a message class or a part."""
    return layouts.PARTS.get(message_class) or layouts.PAYLOADS[message_class]


def _values(hint: Any, layout: layouts.Layout) -> st.SearchStrategy[Any]:
    if get_origin(hint) is tuple:
        return st.lists(parts(get_args(hint)[0]), max_size=3).map(tuple)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return st.sampled_from(hint)
    format_ = layouts.struct_format(layout)
    if hint is bytes and format_ is not None:
        size = int(format_.removesuffix("s"))
        return st.binary(min_size=size, max_size=size)
    return parts(hint) if format_ is None else _numbers(hint, format_)


def _numbers(hint: Any, format_: str) -> st.SearchStrategy[Any]:
    low, high = _RANGES[format_]
    if isinstance(hint, type) and issubclass(hint, IntFlag):
        if hint._boundary_ is STRICT:
            return st.integers(low, sum(hint)).map(hint)
        return st.integers(low, high).map(hint)  # bits that nobody knows yet are kept
    if isinstance(hint, UnionType):
        # The sentinel stands for None, so it is not a number that can be sent.
        sentinel = ABSENT if format_ == "q" else NEVER
        return st.none() | st.integers(low, high).filter(lambda value: value != sentinel)
    return st.integers(low, high)


def parts(message_class: type) -> st.SearchStrategy[Any]:
    """Any value of a message class, or of a part of messages, that its layout can hold."""
    hints = get_type_hints(message_class)
    declared = {each.name: each for each in layout_of(message_class).subcons}
    return st.builds(
        message_class,
        **{
            field.name: _values(hints[field.name], declared[field.name])
            for field in fields(message_class)
        },
    )


def messages(
    classes: tuple[type[Message], ...] = MESSAGE_CLASSES,
) -> st.SearchStrategy[Message]:
    """Any message of the given classes whose payload fits into a frame."""
    return (
        st.sampled_from(classes)
        .flatmap(parts)
        .filter(lambda message: len(encode(message)) <= MAX_PAYLOAD_BYTES)
    )


def frames() -> st.SearchStrategy[Frame]:
    """Any frame: of any version and type, with any payload that fits."""
    payloads = st.binary(max_size=40) | st.binary(
        min_size=MAX_PAYLOAD_BYTES - 1, max_size=MAX_PAYLOAD_BYTES
    )
    return st.builds(Frame, U8, U64, U32, payloads, U8)


@st.composite
def splits(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The pieces of *data* when it is cut anywhere, some of them empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
