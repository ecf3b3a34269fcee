"""Whatever goes wrong is answered with a problem document of RFC 9457."""

import logging
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.web.problems import MEDIA_TYPE, Problem

from .served import application, run, served


def problem(response: httpx.Response) -> dict[str, Any]:
    """The document, whose usual members agree with the answer."""
    assert response.headers["content-type"] == MEDIA_TYPE
    document: dict[str, Any] = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:pump-sim:problem:{document['code']}"
    assert document["instance"] == response.request.url.path
    assert document["title"]
    assert document["detail"]
    return document


def test_a_problem_has_its_members() -> None:
    """Also a number that JSON does not have, as what Python calls it."""

    async def work() -> None:
        async with served() as it:
            response = await it.client.delete("/api/doses/7")
            assert response.status_code == 409
            document = problem(response)
            assert document["code"] == "impossible"
            assert document["title"] == "Impossible"
            assert document["number"] == 7
            assert document["at"] == "inf"

    run(work())


def test_an_unknown_route() -> None:
    """It is told which."""

    async def work() -> None:
        async with served() as it:
            document = problem(await it.client.get("/api/nothing"))
            assert (document["status"], document["code"]) == (404, "unknown_route")
            assert "/api/nothing" in document["detail"]

    run(work())


@pytest.mark.parametrize(
    ("path", "allowed"), [("/api/doses", ["GET", "POST"]), ("/api/doses/1", ["DELETE"])]
)
def test_a_wrong_method_is_told_every_right_one(path: str, allowed: list[str]) -> None:
    """Those of all routes of the path, of which the framework tells the first one's only."""

    async def work() -> None:
        async with served() as it:
            response = await it.client.patch(path)
            document = problem(response)
            assert (document["status"], document["code"]) == (405, "method_not_allowed")
            assert response.headers["allow"] == ", ".join(allowed)
            assert document["allowed"] == allowed

    run(work())


def test_an_error_of_the_framework_keeps_its_words_and_headers() -> None:
    """Its code is the name of its status."""

    async def work() -> None:
        async with served() as it:
            response = await it.client.get("/api/gone")
            document = problem(response)
            assert (document["status"], document["code"]) == (410, "gone")
            assert document["detail"] == "it was here"
            assert response.headers["x-since"] == "yesterday"

    run(work())


@pytest.mark.parametrize("content", [b"{", b"nothing", b'{"percent": 1}}', b'{"percent": 01}'])
def test_a_body_that_is_no_json(content: bytes) -> None:
    """The form is wrong, not a field."""

    async def work() -> None:
        async with served() as it:
            kind = {"Content-Type": "application/json"}
            document = problem(await it.client.post("/api/doses", content=content, headers=kind))
            assert (document["status"], document["code"]) == (400, "bad_json")

    run(work())


@pytest.mark.parametrize(
    ("content", "field", "value", "code"),
    [
        (b'{"percent": 101}', "percent", 101, "bad_value"),
        (b'{"percent": "x"}', "percent", "x", "bad_value"),
        (b'{"percent": NaN}', "percent", "nan", "bad_value"),
        (b'{"percent": "\\ud800"}', "percent", "\ud800", "bad_value"),
        (b'{"percent": 1, "name": "' + b"x" * 500 + b'"}', "name", "'" + "x" * 196 + "...", None),
        (b"{}", "percent", None, "missing_field"),
        (b'{"percent": 1, "more": 2}', "more", 2, "unknown_field"),
        (b"[]", "body", [], "bad_value"),
    ],
)
def test_a_wrong_field(content: bytes, field: str, value: object, code: str | None) -> None:
    """It is named with its value, which is short however long it was."""

    async def work() -> None:
        async with served() as it:
            kind = {"Content-Type": "application/json"}
            document = problem(await it.client.post("/api/doses", content=content, headers=kind))
            assert document["status"] == 422
            assert document["code"] == (code or "bad_value")
            assert document["field"] == field
            assert document["value"] == value
            assert field in document["detail"]

    run(work())


def test_a_wrong_parameter_of_the_query_is_told_its_limit() -> None:
    """The names of the limits are those of the problem, not of the framework."""

    async def work() -> None:
        async with served() as it:
            document = problem(await it.client.get("/api/doses?limit=501"))
            assert (document["field"], document["value"]) == ("limit", "501")
            assert document["allowed"] == {"maximum": 500}

    run(work())


def test_every_wrong_field_is_told_at_once() -> None:
    """Nobody shall mend a form one field at a time."""

    async def work() -> None:
        async with served() as it:
            wrong = {"percent": 0, "name": "x" * 21}
            document = problem(await it.client.post("/api/doses", json=wrong))
            assert [each["field"] for each in document["errors"]] == ["percent", "name"]

    run(work())


def test_a_body_of_another_type() -> None:
    """JSON that does not say so is not read."""

    async def work() -> None:
        async with served() as it:
            document = problem(await it.client.post("/api/doses", content=b'{"percent": 1}'))
            assert (document["status"], document["code"]) == (415, "unsupported_media_type")

    run(work())


def test_a_bug_is_logged_and_its_words_are_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asks learns that it was not the request; whoever runs the program, what it was."""

    async def work() -> None:
        async with served() as it:
            response = await it.client.get("/api/bug")
            document = problem(response)
            assert (document["status"], document["code"]) == (500, "internal_error")
            assert "nobody" not in response.text
            assert "ZeroDivision" not in response.text
            assert (await it.client.get("/api/doses")).status_code == 200

    with caplog.at_level(logging.ERROR):
        run(work())
    assert "what nobody shall read" in caplog.text


def test_a_bug_is_raised_again_for_who_runs_the_application() -> None:
    """A test of an application fails with the bug itself."""

    async def work() -> None:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            with pytest.raises(ZeroDivisionError):
                await client.get("/api/bug")

    run(work())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON | st.binary() | st.sets(st.integers()))
def test_whatever_a_member_is_the_document_can_be_read(value: object) -> None:
    """What JSON has stays as it is."""
    response = Problem(422, "bad_value", "no", value=value).response("/")
    told = httpx.Response(200, content=bytes(response.body)).json()["value"]
    if isinstance(value, int | str | None):
        assert told == value


def test_what_every_problem_has_is_not_said_twice() -> None:
    """A member of that name would hide it."""
    with pytest.raises(AssertionError):
        Problem(409, "impossible", "no", title="mine")
