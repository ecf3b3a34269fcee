"""Any message as what JSON can hold: keys are the fields' names, so they are as stable as these.

Codes become their names in lower case, sets of flags lists of names, digests hexadecimal, and what
is absent null. Integers stay integers, with the unit in the key. A field that holds the bare number
of a code has its name, too. It knows no command and no trace: whoever shows messages uses it.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag
from typing import Final

from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.messages import AccessEntry, Refusal

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None

_NUMBERS: Final[Mapping[type, Mapping[str, type[IntEnum]]]] = {
    AccessEntry: {"request_type": MessageType, "code": RefusalCode, "field": Field},
    Refusal: {"request_type": MessageType},
}
"""Which fields hold a code as a bare number, since it may be one that nobody knows."""


def jsonable(value: object) -> Json:
    """*value*, made of frozen dataclasses, codes, numbers, texts, bytes and tuples, for JSON.

    :raises TypeError: anything else is in it.
    """
    if isinstance(value, IntFlag):
        return [(flag.name or str(flag.value)).lower() for flag in type(value) if flag in value]
    if isinstance(value, IntEnum):
        return value.name.lower()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (tuple, list)):
        return [jsonable(element) for element in value]
    if is_dataclass(value) and not isinstance(value, type):
        return fields_of(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def fields_of(value: object) -> dict[str, Json]:
    """The fields of a dataclass, for JSON.

    :raises TypeError: *value* is no dataclass.
    """
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{type(value).__name__} has no fields")
    found = {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}
    for name, codes in _NUMBERS.get(type(value), {}).items():
        found[name] = _name(codes, getattr(value, name))
    return found


def _name(codes: type[IntEnum], number: int) -> str | None:
    """The name of a code; None for zero, which says that there is none.

    A number without a name is that of a request that no pump knows.
    """
    if not number:
        return None
    try:
        return codes(number).name.lower()
    except ValueError:
        return f"0x{number:02x}"
