"""Any message as what JSON can hold: keys are the fields' names, so they are as stable as these.

Codes become their names in lower case, sets of flags lists of names, digests hexadecimal, and what
is absent null. Integers stay integers, with the unit in the key.
"""

from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag

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
