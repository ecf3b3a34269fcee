"""From the bytes of a request to checked fields: its query, and its body, which is JSON."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request

from pump_protocol.web.problems import Problem
from pump_sim.console.api.operation import Operation
from pump_sim.console.api.threads import in_thread
from pump_sim.control.errors import bad_value, shown
from pump_sim.control.objects import NoObject, read_object
from pump_sim.control.parameters import Parameter, Whole, read_fields

READ_AT_ONCE_BYTES: Final = 64 * 1024
"""A longer body is read in a thread: the pump's link waits for nobody."""

_DIGITS: Final = 30
"""More than any whole number that is taken; the conversion of thousands would take long."""


def read_query(request: Request, operation: Operation) -> dict[str, Any]:
    """The checked fields of the query.

    :raises ControlError: one is unknown, missing or wrong, or is there twice.
    """
    given: dict[str, Any] = {}
    kinds = {each.name: each for each in operation.query}
    for name, text in request.query_params.multi_items():
        if name in given and name in kinds:
            raise bad_value(name, text, "it is given twice")
        given[name] = _number(kinds[name], text) if name in kinds else text
    return read_fields(given, operation.query, operation.name)


def _number(parameter: Parameter, text: str) -> object:
    """The number that a query means; a text that is none is left for the check to refuse."""
    digits = text.removeprefix("-")
    if not isinstance(parameter.kind, Whole) or len(digits) > _DIGITS:
        return text
    return int(text) if digits.isascii() and digits.isdigit() else text


async def read_body(request: Request, operation: Operation) -> dict[str, Any]:
    """The object of the body, as it came; that of an empty body has no fields.

    :raises Problem: it is too long, of another media type, or no JSON object.
    """
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > operation.longest_body:
            limit = operation.longest_body
            detail = f"the body is too large; allowed are {limit:,} bytes"
            raise Problem(413, "body_too_large", detail, allowed={"maximum_bytes": limit})
    if not content.strip():
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        given = shown(media_type) if media_type else "missing"
        raise Problem(415, "bad_media_type", f"Content-Type is {given}: application/json is wanted")
    try:
        if len(content) <= READ_AT_ONCE_BYTES:
            return read_object(bytes(content), operation.most_values)
        return await in_thread(read_object, bytes(content), operation.most_values)
    except NoObject as error:
        raise Problem(400, "bad_json", f"the body is {error}") from None


def checked(body: Mapping[str, Any], operation: Operation) -> dict[str, Any]:
    """The checked fields of a body.

    :raises ControlError: one is unknown, missing or wrong.
    """
    return read_fields(body, operation.body or (), operation.name)
