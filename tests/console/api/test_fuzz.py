"""Schemathesis asks everything that the document says, and things that it does not: no answer is an
error of the server's, or one that the document does not know."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.openapi.checks import JsonSchemaError
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.serving import Server
from pump_sim.console.api.composing import OPERATIONS, create_api
from pump_sim.console.api.operation import Operation

from .asking import BASE, DOCUMENT, house

EXAMPLES = 6

ELSEWHERE = {"stream", "close_pump", "get_debrief_html", "get_debrief_json", "get_debrief_csv"}
"""What does not end, takes the pump away from the others, or takes seconds to draw."""

NOT_ALL_IS_SAID = [positive_data_acceptance]
"""A schema cannot say what a pump refuses: a volume beyond its capacity, say."""


@pytest.fixture(scope="module")
def address() -> Iterator[HttpAddress]:
    """An API that is served on an event loop of its own."""
    opened: list[HttpAddress] = []
    ready = threading.Event()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def serve() -> None:
        ending = asyncio.Event()
        loops.append((asyncio.get_running_loop(), ending))
        async with house() as rooms, Server(create_api(rooms), HttpAddress("127.0.0.1", 0)) as it:
            opened.append(it.address)
            ready.set()
            await ending.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(10)
    yield opened[0]
    loop, ending = loops[0]
    loop.call_soon_threadsafe(ending.set)
    thread.join(10)
    assert not thread.is_alive()


def schema_at(address: HttpAddress, document: Any = DOCUMENT) -> OpenApiSchema:
    """The document, as Schemathesis reads it, of the API at an address."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=address.url(""))
    return schema


@pytest.fixture(scope="module")
def schema(address: HttpAddress) -> OpenApiSchema:
    """The API's own document, read once."""
    return schema_at(address)


def ask(schema: OpenApiSchema, operation: Operation, mode: GenerationMode) -> None:
    """Ask an operation of the first pump, and check what it answers in every way there is."""
    found = schema[BASE + operation.path][operation.method.upper()]

    @seed(7)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=found.as_strategy(generation_mode=mode))
    def check(case: Case) -> None:
        if "pump" in case.path_parameters:
            case.path_parameters["pump"] = "1"  # others there are none: all would be 404
        case.call_and_validate(timeout=20, excluded_checks=NOT_ALL_IS_SAID)

    check()


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.name not in ELSEWHERE],
    ids=lambda each: each.name,
)
def test_every_answer_is_one_that_the_document_says(
    operation: Operation, schema: OpenApiSchema
) -> None:
    """To valid requests and, where there is anything to be wrong in it, to invalid ones."""
    ask(schema, operation, GenerationMode.POSITIVE)
    if operation.query or operation.body is not None:
        ask(schema, operation, GenerationMode.NEGATIVE)


def test_an_answer_that_the_document_does_not_say_would_be_found(address: HttpAddress) -> None:
    """What is asked here can fail: a document that says something else is contradicted."""
    clock = {"$ref": "#/components/schemas/Both"}
    wrong = _with_answer(DOCUMENT, clock)
    operation = next(each for each in OPERATIONS if each.name == "get_clock")
    with pytest.raises(FailureGroup) as found:
        ask(schema_at(address, wrong), operation, GenerationMode.POSITIVE)
    assert any(isinstance(each, JsonSchemaError) for each in found.value.exceptions)


def _with_answer(document: Any, schema: Any) -> Any:
    path = f"{BASE}/pumps/{{pump}}/clock"
    get = document["paths"][path]["get"]
    answer = {"description": "another", "content": {"application/json": {"schema": schema}}}
    responses = {**get["responses"], "200": answer}
    paths = {**document["paths"], path: {"get": {**get, "responses": responses}}}
    return {**document, "paths": paths}
