"""Messages to payload bytes and back.

Construct interprets a declaration field by field, which costs more than everything else a pump does
to answer. So each message class gets a codec *derived* from its declaration in
:mod:`pump_protocol.layouts`: runs of fixed-size integers become one :class:`struct.Struct`, texts,
lists and nested parts the obvious few lines. Property tests prove the derived codecs equal to the
declarations for every message.

Codes are turned into their enums here, and nothing else is judged: whether a rate is allowed is the
pump's business.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum, IntFlag
from hashlib import sha256
from operator import attrgetter, itemgetter
from struct import Struct
from struct import error as StructError  # noqa: N812 - it is a class, named like a module
from types import UnionType
from typing import Any, Final, NamedTuple, get_args, get_type_hints

from pump_protocol import layouts
from pump_protocol.codes import ABSENT, NEVER, Field, RefusalCode
from pump_protocol.errors import MalformedPayload, UnsendableMessage
from pump_protocol.messages import (
    REQUESTS,
    RESPONSES,
    Message,
    Prescription,
    Request,
    Response,
)

_FIELD_CODES: Final = {
    "mode": Field.MODE,
    "mass_unit": Field.MASS_UNIT,
    "name": Field.DRUG_NAME,
    "weekdays": Field.WEEKDAYS,
    "bridge_decision": Field.BRIDGE,
    "kind": Field.BOLUS_KIND,
    "text": Field.NOTE,
    "slot": Field.SLOT,
    "alarm": Field.ALARM,
    "alarm_class": Field.ALARM_CLASS,
    "role": Field.ROLE,
}
"""Fields of requests that decoding can find fault with, as a refusal names them."""


_WITHOUT_FIELDS: Final = {number: each() for number, each in REQUESTS.items() if not fields(each)}
"""Requests that say everything by their type: one value serves every time."""


def encode(message: Message) -> bytes:
    """The payload of *message*.

    :raises UnsendableMessage: a value does not fit its field.
    """
    return _codec(type(message)).encode(message)


def decode_request(message_type: int, payload: bytes) -> Request[Response]:
    """The request that *payload* is.

    :raises MalformedPayload: unknown type, wrong length, unknown code, or a text that is not UTF-8.
    """
    if not payload and message_type in _WITHOUT_FIELDS:
        return _WITHOUT_FIELDS[message_type]
    message_class = REQUESTS.get(message_type)
    if message_class is None:
        raise MalformedPayload(
            f"no request has type 0x{message_type:02X}",
            RefusalCode.UNKNOWN_MESSAGE,
            Field.MESSAGE_TYPE,
            message_type,
        )
    request = _decode(message_class, payload)
    assert isinstance(request, Request)
    return request


def decode_response(message_type: int, payload: bytes) -> Response:
    """The response that *payload* is.

    :raises MalformedPayload: as for :func:`decode_request`.
    """
    message_class = RESPONSES.get(message_type)
    if message_class is None:
        raise MalformedPayload(
            f"no response has type 0x{message_type:02X}",
            RefusalCode.UNKNOWN_MESSAGE,
            Field.MESSAGE_TYPE,
            message_type,
        )
    response = _decode(message_class, payload)
    assert isinstance(response, Response)
    return response


def _decode(message_class: type[Message], payload: bytes) -> object:
    message, end = _codec(message_class).decode(payload, 0)
    if end != len(payload):
        raise MalformedPayload(
            f"{message_class.__name__} ends after {end} of {len(payload)} payload bytes",
            RefusalCode.MALFORMED,
            Field.PAYLOAD,
            len(payload),
        )
    return message


def prescription_digest(version: int, prescription: Prescription) -> bytes:
    """What a commit must carry: SHA-256 over the version it would become and every setting.

    The version is part of it so that a recorded commit cannot bring an old prescription back.
    """
    return sha256(
        version.to_bytes(4, "little") + _codec(Prescription).encode(prescription)
    ).digest()


@dataclass(frozen=True, slots=True)
class EncodedResponse:
    """A response that is in bytes already."""

    response_class: type[Response]
    payload: bytes


class Template:
    """A response of which only some numbers change from one sending to the next.

    A status report has forty numbers, and between two events of therapy six of them change. Writing
    those six into the bytes of the last report gives what making and encoding a whole one would, at
    a fraction of the cost.

    :param response: gives all the bytes but those of the changing fields.
    :param changing: names of the changing fields, in the order of the layout: fixed-size numbers
        that are always present.
    """

    def __init__(self, response: Response, changing: Sequence[str]):
        self._class = type(response)
        payload, places = _codec(self._class).encode_with_places(response)
        # What stays is packed with what changes, at one stroke: bytes, a number, bytes, and so on.
        layout, at = "<", 0
        stays = list[bytes]()
        for name in changing:
            start, number = places[name]
            layout += f"{start - at}s{number.format[1:]}"
            stays.append(payload[at:start])
            at = start + number.size
        stays.append(payload[at:])
        self._pack = Struct(f"{layout}{len(stays[-1])}s").pack
        self._stays = tuple(stays)
        self._count = len(changing)
        self._in_turns = itemgetter(
            *(place for turn in range(self._count) for place in (turn, len(stays) + turn)),
            self._count,
        )

    def fill(self, values: tuple[int, ...]) -> EncodedResponse:
        """The response with these values in its changing fields, in their order.

        :raises UnsendableMessage: a value does not fit its field.
        """
        assert len(values) == self._count
        try:
            payload = self._pack(*self._in_turns(self._stays + values))
        except StructError as error:
            raise UnsendableMessage(f"{self._class.__name__}: {error}") from None
        return EncodedResponse(self._class, payload)


class _Leaf(NamedTuple):
    """A field that holds no other: where it is, its struct format if it has one, its type."""

    path: str
    format: str | None
    hint: Any


class _Run:
    """A run of fixed-size fields, packed at one stroke."""

    def __init__(self, leaves: list[_Leaf]):
        self._names = names = [leaf.path for leaf in leaves]
        self._formats = formats = [leaf.format or "" for leaf in leaves]
        hints = [leaf.hint for leaf in leaves]
        self._struct = Struct("<" + "".join(formats))
        self._get = attrgetter(*names) if len(names) > 1 else _single(names[0])
        # struct would cut or pad a digest of the wrong length.
        self._sized = [
            (index, int(format_[:-1]))
            for index, format_ in enumerate(formats)
            if format_.endswith("s")
        ]
        self._absent = [
            (index, ABSENT if formats[index] == "q" else NEVER)
            for index, hint in enumerate(hints)
            if isinstance(hint, UnionType)
        ]
        self._coded = [
            (index, names[index], _meaning(hint))
            for index, hint in enumerate(hints)
            if isinstance(hint, type) and issubclass(hint, (IntEnum, IntFlag, bool))
        ]

    def encode(self, message: object) -> bytes:
        values: Sequence[object] = self._get(message)
        if self._absent:
            values = list(values)
            for index, sentinel in self._absent:
                if values[index] is None:
                    values[index] = sentinel
        for index, size in self._sized:
            value = values[index]
            if not isinstance(value, bytes) or len(value) != size:
                name = self._names[index]
                raise UnsendableMessage(
                    f"{type(message).__name__}.{name} = {value!r}: {size} bytes are needed"
                )
        try:
            return self._struct.pack(*values)
        except StructError:
            raise self._unsendable(message, values) from None

    def decode(self, payload: bytes, at: int, values: list[object]) -> int:
        try:
            run = self._struct.unpack_from(payload, at)
        except StructError:
            raise _too_short(payload) from None
        if not (self._coded or self._absent):
            values += run
            return at + self._struct.size
        decoded: list[object] = list(run)
        for index, sentinel in self._absent:
            if run[index] == sentinel:
                decoded[index] = None
        for index, name, code in self._coded:
            try:
                decoded[index] = code(run[index])
            except (KeyError, ValueError):
                raise MalformedPayload(
                    f"{name} has no code {run[index]}",
                    RefusalCode.UNKNOWN_VALUE,
                    _field_code(name),
                    run[index],
                ) from None
        values += decoded
        return at + self._struct.size

    def places(self, at: int) -> dict[str, tuple[int, Struct]]:
        """Where each field stands if the run begins at *at*."""
        found = {}
        for name, format_ in zip(self._names, self._formats, strict=True):
            number = Struct("<" + format_)
            found[name] = (at, number)
            at += number.size
        return found

    def _unsendable(self, message: object, values: Sequence[object]) -> UnsendableMessage:
        for name, format_, value in zip(self._names, self._formats, values, strict=True):
            try:
                Struct("<" + format_).pack(value)
            except StructError as error:
                return UnsendableMessage(f"{type(message).__name__}.{name} = {value!r}: {error}")
        return UnsendableMessage(f"{message!r} does not fit its layout")


class _Text:
    def __init__(self, name: str):
        self._name = name
        self._get = attrgetter(name)

    def encode(self, message: object) -> bytes:
        text = self._get(message)
        try:
            raw: bytes = text.encode()
        except UnicodeEncodeError as error:
            raise UnsendableMessage(
                f"{type(message).__name__}.{self._name} = {text!r}: {error.reason}"
            ) from None
        if len(raw) > 255:
            raise UnsendableMessage(
                f"{type(message).__name__}.{self._name} takes {len(raw)} bytes; a text holds 255"
            )
        return bytes((len(raw),)) + raw

    def decode(self, payload: bytes, at: int, values: list[object]) -> int:
        end = _after_count(payload, at)
        end += payload[at]
        if end > len(payload):
            raise _too_short(payload)
        try:
            values.append(payload[at + 1 : end].decode())
        except UnicodeDecodeError:
            raise MalformedPayload(
                f"{self._name} is not UTF-8",
                RefusalCode.MALFORMED,
                _field_code(self._name),
            ) from None
        return end


class _List:
    def __init__(self, leaf: _Leaf):
        self._name = leaf.path
        self._get = attrgetter(leaf.path)
        self._codec = _codec(get_args(leaf.hint)[0])

    def encode(self, message: object) -> bytes:
        elements = self._get(message)
        if not elements:
            return b"\0"
        if len(elements) > 255:
            raise UnsendableMessage(
                f"{type(message).__name__}.{self._name} has {len(elements)} elements; 255 at most"
            )
        return bytes((len(elements),)) + b"".join(map(self._codec.encode, elements))

    def decode(self, payload: bytes, at: int, values: list[object]) -> int:
        elements = []
        count_at, at = at, _after_count(payload, at)
        for _ in range(payload[count_at]):
            element, at = self._codec.decode(payload, at)
            elements.append(element)
        values.append(tuple(elements))
        return at


class _Codec:
    """Packs one message class, or an element of a list, as its declaration says.

    Parts that stand inside it are flattened: their fields join the runs around them, under dotted
    names, and the values that come off the wire are put together again by the shape.
    """

    def __init__(self, message_class: type):
        self._shape = _Shape(message_class)
        self._steps: list[_Run | _Text | _List] = []
        run: list[_Leaf] = []
        for leaf in self._shape.leaves():
            if leaf.format is not None:
                run.append(leaf)
                continue
            if run:
                self._steps.append(_Run(run))
                run = []
            self._steps.append(_Text(leaf.path) if leaf.hint is str else _List(leaf))
        if run:
            self._steps.append(_Run(run))

    def encode(self, message: object) -> bytes:
        return b"".join([step.encode(message) for step in self._steps])

    def encode_with_places(self, message: object) -> tuple[bytes, dict[str, tuple[int, Struct]]]:
        """The bytes, and where in them each fixed-size field stands."""
        encoded = b""
        places: dict[str, tuple[int, Struct]] = {}
        for step in self._steps:
            if isinstance(step, _Run):
                places |= step.places(len(encoded))
            encoded += step.encode(message)
        return encoded, places

    def decode(self, payload: bytes, at: int) -> tuple[object, int]:
        values: list[object] = []
        for step in self._steps:
            at = step.decode(payload, at, values)
        return self._shape.build(values), at


class _Shape:
    """How the fields of a message nest."""

    def __init__(self, message_class: type, prefix: str = ""):
        layout = _layout(message_class)
        names = [field.name for field in fields(message_class)]
        declared = [field.name for field in layout.subcons]
        assert names == declared, f"{message_class.__name__}: {names} declared as {declared}"
        self._class: Callable[..., object] = message_class
        hints = get_type_hints(message_class)
        self._members: list[_Leaf | _Shape] = [
            _Shape(hint, f"{prefix}{field.name}.")
            if is_dataclass(hint := hints[field.name]) and isinstance(hint, type)
            else _Leaf(prefix + field.name, layouts.struct_format(field), hint)
            for field in layout.subcons
        ]
        self._leaf_count = sum(1 for _ in self.leaves())
        # Where the values of each shape among the members begin and end.
        self._nested: list[tuple[_Shape, int, int]] = []
        at = 0
        for member in self._members:
            end = at + (member._leaf_count if isinstance(member, _Shape) else 1)
            if isinstance(member, _Shape):
                self._nested.append((member, at, end))
            at = end

    def leaves(self) -> Iterator[_Leaf]:
        for member in self._members:
            if isinstance(member, _Shape):
                yield from member.leaves()
            else:
                yield member

    def build(self, values: list[object]) -> object:
        """The message whose leaves have these values, in order."""
        if not self._nested:
            return self._class(*values)
        parts: list[object] = []
        done = 0
        for shape, at, end in self._nested:
            parts += values[done:at]
            parts.append(shape.build(values[at:end]))
            done = end
        return self._class(*parts, *values[done:])


def _layout(message_class: type) -> layouts.Layout:
    layout = layouts.PARTS.get(message_class) or layouts.PAYLOADS.get(message_class)
    if layout is None:
        raise UnsendableMessage(f"{message_class.__name__} is not a message of this protocol")
    return layout


_CODECS: Final[dict[type, _Codec]] = {}


def _codec(message_class: type) -> _Codec:
    """The codec of a message class or a part, derived when it is first needed."""
    codec = _CODECS.get(message_class)
    if codec is None:
        codec = _CODECS[message_class] = _Codec(message_class)
    return codec


def _single(name: str) -> Callable[[object], tuple[object, ...]]:
    get = attrgetter(name)
    return lambda message: (get(message),)


def _field_code(path: str) -> Field:
    """How a refusal names the field at this path."""
    return _FIELD_CODES.get(path.rpartition(".")[2], Field.PAYLOAD)


def _meaning(hint: type) -> Callable[[int], object]:
    """What makes a code of the numbers of a field; KeyError or ValueError of one that is none."""
    if hint is bool:
        return {0: False, 1: True}.__getitem__
    if issubclass(hint, IntEnum):
        return {int(code): code for code in hint}.__getitem__  # quicker than the class is
    return hint


def _after_count(payload: bytes, at: int) -> int:
    if at >= len(payload):
        raise _too_short(payload)
    return at + 1


def _too_short(payload: bytes) -> MalformedPayload:
    return MalformedPayload(
        f"payload of {len(payload)} bytes is too short",
        RefusalCode.MALFORMED,
        Field.PAYLOAD,
        len(payload),
    )
