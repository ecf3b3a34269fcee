"""A body is JSON of a bounded size that says each thing once; whatever else comes is refused."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pump_sim import snapshot
from pump_sim.console.api import bodies, threads
from pump_sim.console.api.jsoning import Json
from pump_sim.control.errors import ControlError, bad_value
from pump_sim.control.objects import NoObject, read_object
from pump_sim.control.parameters import Name

from .asking import BASE, Asking, asking, checked, run

FILL = f"{BASE}/pumps/1/acts/fill"
SNAPSHOTS = f"{BASE}/pumps/1/snapshots"
JSON = {"Content-Type": "application/json"}


async def refused(it: Asking, content: bytes, headers: dict[str, str], path: str = FILL) -> Any:
    """The problem of a body."""
    response = await it.client.post(path, content=content, headers=headers)
    assert 400 <= response.status_code < 500, response.text
    return checked(response)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"{}{}",
        b'{"volume_nl": NaN}',
        b'{"volume_nl": -Infinity}',
        b'{"volume_nl": 1e999}',
        b'{"volume_nl": ' + b"9" * 5_000 + b"}",
        b'{"volume_nl": 1, "volume_nl": 2}',
        b'{"volume_nl": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"volume_nl": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        b'{"volume_nl": "\xff"}',
        b"[" * 150 + b"]" * 150,
    ],
    ids=range(16),
)
def test_what_is_no_json_object_is_refused(content: bytes) -> None:
    """With 400, whatever it is; a key that comes twice would be half ignored."""

    async def work() -> None:
        async with asking() as it:
            problem = await refused(it, content, JSON)
            assert (problem["status"], problem["code"]) == (400, "bad_json")

    run(work())


@pytest.mark.parametrize(
    "value", [10**400, 1.5, 1.0, True, [], {}, "1e3 mL", "\ud800", "x" * 300, "18 mL " * 50]
)
def test_a_value_of_another_kind_is_refused_at_its_field(value: Any) -> None:
    """And given back short."""

    async def work() -> None:
        async with asking() as it:
            content = json.dumps({"volume_nl": value}).encode()
            problem = await refused(it, content, JSON)
            assert (problem["status"], problem["field"]) == (422, "volume_nl")
            assert len(str(problem["value"])) <= 450

    run(work())


def test_a_body_that_is_not_said_to_be_json_is_refused() -> None:
    """A form of a page could send one otherwise; no body at all needs no type."""

    async def work() -> None:
        async with asking() as it:
            content = b'{"volume_nl": 1}'
            for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
                headers = {"Content-Type": media_type} if media_type else {}
                problem = await refused(it, content, headers)
                assert (problem["status"], problem["code"]) == (415, "bad_media_type")
            with_charset = {"Content-Type": "Application/JSON; charset=utf-8"}
            response = await it.client.post(FILL, content=content, headers=with_charset)
            assert response.status_code == 200
            response = await it.client.post(f"{BASE}/pumps/1/acts/button")
            assert response.status_code == 200

    run(work())


def test_a_body_is_not_longer_than_its_operation_takes() -> None:
    """1 MiB; of a snapshot 8 MiB, of which a state of some MiB is read and judged."""

    async def work() -> None:
        async with asking() as it:
            mib = 1024 * 1024
            for path, limit in ((FILL, mib), (SNAPSHOTS, 8 * mib)):
                problem = await refused(it, b" " * (limit + 1), JSON, path)
                assert (problem["status"], problem["code"]) == (413, "body_too_large")
                assert problem["allowed"] == {"maximum_bytes": limit}
                problem = await refused(it, b" " * (limit - 2) + b"[]", JSON, path)
                assert problem["status"] == 400
            big = {"name": "big", "state": {"format": "x" * (3 * mib)}}
            problem = await refused(it, json.dumps(big).encode(), JSON, SNAPSHOTS)
            assert (problem["status"], problem["code"]) == (422, "bad_state")

    run(work())


def test_what_lies_as_deep_as_is_allowed_is_read() -> None:
    """One deeper is not; nor does a look at it fail."""
    deepest = b'{"a":' * 99 + b"1" + b"}" * 99
    assert read_object(deepest)
    with pytest.raises(NoObject, match="nested too deeply: allowed are 100 levels"):
        read_object(b'{"a":' * 100 + b"1" + b"}" * 100)


@pytest.mark.parametrize(
    ("path", "most", "value"),
    [(SNAPSHOTS, 100_000, "1"), (SNAPSHOTS, 100_000, "{}"), (FILL, 10_000, "[]")],
)
def test_a_body_of_too_many_values_is_refused_before_they_are_made(
    path: str, most: int, value: str
) -> None:
    """With what is allowed; they would take seconds, in which no pump is heard."""

    async def work() -> None:
        async with asking() as it:
            content = f'{{"name": "x", "state": [{f"{value}," * most}{value}]}}'.encode()
            problem = await refused(it, content, JSON, path)
            assert (problem["status"], problem["code"]) == (400, "bad_json")
            assert f"allowed are {most:,} commas and brackets" in problem["detail"]

    run(work())


def test_a_long_body_is_read_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pump's link is heard meanwhile; a short one is read at once."""
    where: list[threading.Thread] = []

    def reads(content: bytes, most: int) -> dict[str, Any]:
        where.append(threading.current_thread())
        return read_object(content, most)

    monkeypatch.setattr(bodies, "read_object", reads)

    async def work() -> None:
        async with asking() as it:
            for length in (10, 64 * 1024):
                await refused(it, json.dumps({"x": "y" * length}).encode(), JSON)
        assert [each is threading.current_thread() for each in where] == [True, False]

    run(work())


def test_a_machine_without_a_thread_to_spare_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With 503, and nothing is kept; Python tells it by a RuntimeError of its own."""

    async def none(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def work() -> None:
        async with asking() as it:
            with monkeypatch.context() as patched:
                patched.setattr(threads.asyncio, "to_thread", none)
                content = json.dumps({"name": "x" * 100_000}).encode()
                response = await it.client.post(SNAPSHOTS, content=content, headers=JSON)
            assert (response.status_code, response.json()["code"]) == (503, "unavailable")
            checked(response)

    run(work())


class Counting(list[int]):
    """A list that knows how many of its members were looked at."""

    looked_at = 0

    def __iter__(self) -> Iterator[int]:
        for each in super().__iter__():
            self.looked_at += 1
            yield each

    def __repr__(self) -> str:
        raise AssertionError("all of it is written")


def test_what_is_wrong_with_a_long_value_is_told_without_looking_at_all_of_it() -> None:
    """Neither in the message nor as the value that is given back."""
    value = Counting([1] * 1_000_000)
    told = bad_value("x", {"list": value}, "no").as_json()
    assert told["message"] == f"x = {'{'}'list': [{'1, ' * 15}1,...: no"
    assert told["value"].startswith("{'list': [1, 1")
    assert len(told["value"]) == 200
    with pytest.raises(snapshot.SnapshotError, match="format: "):
        snapshot.load({"format": value, "state": value})
    assert value.looked_at < 500


@pytest.mark.parametrize(
    "value", [{}, [], {"a": [1, "x", None, {}]}, "x" * 197, [[], {"y": "z"}], 1.5, True]
)
def test_a_short_value_is_told_whole(value: Any) -> None:
    """As it came, and in the message as Python writes it."""
    told = bad_value("x", value, "no").as_json()
    assert told["value"] == value
    if len(repr(value)) <= 60:
        assert told["message"] == f"x = {value!r}: no"


def test_only_some_of_the_keys_that_a_state_has_not_are_named() -> None:
    """A message of megabytes helps nobody."""
    document = {"format": snapshot.FORMAT, "version": snapshot.VERSION, "state": {}}
    strangers = {f"k{number}": 0 for number in range(10_000)}
    for each in ({**document, **strangers}, {**document, "state": strangers}):
        with pytest.raises(snapshot.SnapshotError) as error:
            snapshot.load(each)
        assert "'k0' is unknown" in str(error.value)
        assert len(str(error.value)) < 500


def test_a_name_has_1_to_100_whole_characters() -> None:
    """Half of one, which JSON can spell and UTF-8 cannot, would be in every later list."""

    async def work() -> None:
        async with asking() as it:
            for name in ("", "x" * 101, "\ud800", "a\udfffb"):
                problem = await refused(it, json.dumps({"name": name}).encode(), JSON, SNAPSHOTS)
                assert (problem["code"], problem["field"]) == ("bad_value", "name")
            assert await it.get("/pumps/1/snapshots") == {"snapshots": []}
            saved = await it.post("/pumps/1/snapshots", {"name": "\U0001f600" * 100}, 201)
            assert saved["name"] == "\U0001f600" * 100

    run(work())


def test_any_text_of_a_command_is_bounded() -> None:
    """Also where it has no limits of its own."""
    assert Name().read("x", "y" * 1_000)
    for text in ("y" * 1_001, "\udc80"):
        with pytest.raises(ControlError):
            Name().read("x", text)


def test_no_text_makes_an_answer_fail() -> None:
    """Whoever put it where, and however."""
    assert json.loads(Json({"x": "\ud800 \u20ac"}).body) == {"x": "\ud800 \u20ac"}
