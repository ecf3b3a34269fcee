"""Any message as what JSON can hold: keys are the fields' names, so they are as stable as these.

Codes become their names in lower case, sets of flags lists of names, digests hexadecimal, and what
is absent null. Integers stay integers, with the unit in the key.
"""

from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag

from pump_protocol.codes import Field, MessageType, RefusalCode
from pump_protocol.messages import AccessEntry

Json = dict[str, "Json"] | list["Json"] | str | int | bool | None


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
    return {field.name: jsonable(getattr(value, field.name)) for field in fields(value)}


def access_fields(entry: AccessEntry) -> dict[str, Json]:
    """The fields of an access-log record, for JSON, with its three bare numbers as names too."""
    return {
        **fields_of(entry),
        "request_type": _name(MessageType, entry.request_type),
        "code": _name(RefusalCode, entry.code),
        "field": _name(Field, entry.field),
    }


def _name(codes: type[IntEnum], number: int) -> str | None:
    """The name of a code; None for zero, which says that there is none.

    A record may hold a number without a name: that of a request that no pump knows.
    """
    if not number:
        return None
    try:
        return codes(number).name.lower()
    except ValueError:
        return f"0x{number:02x}"
