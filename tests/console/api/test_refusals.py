"""What cannot be is refused with a problem that names it, and nothing has happened then."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import httpx
import pytest

from pump_sim.console.api import playing
from pump_sim.console.api.composing import OPERATIONS, create_api
from pump_sim.console.api.document import problems_of
from pump_sim.console.api.operation import Operation
from pump_sim.console.api.refusing import MEANINGS, STATUS
from pump_sim.scenario.reading.loading import Loaded
from pump_sim.scenario.reading.overview import overview

from .asking import BASE, Asking, asking, house, run

PUMP = "/pumps/1"


def test_every_code_has_a_status_and_a_meaning() -> None:
    """And each one may come of some operation, or of any path."""
    assert MEANINGS.keys() == STATUS.keys()
    told = {code for each in OPERATIONS for codes in problems_of(each).values() for code in codes}
    assert STATUS.keys() - told == {"unknown_route", "unknown_command", "method_not_allowed"}


@pytest.fixture(scope="module")
def doing() -> Iterator["Doing"]:
    """Has work done at one house, in which nothing ever happens: all that is asked is refused."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as cleanup:
        opened = asking()
        it = runner.run(opened.__aenter__())
        cleanup.callback(lambda: runner.run(opened.__aexit__(None, None, None)))

        async def limited(work: Callable[[Asking], Awaitable[None]]) -> None:
            async with asyncio.timeout(20):
                await work(it)

        yield lambda work: runner.run(limited(work))


Doing = Callable[[Callable[[Asking], Awaitable[None]]], None]


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if "{pump}" in each.path], ids=lambda each: each.name
)
def test_an_unknown_pump_is_refused_everywhere(operation: Operation, doing: Doing) -> None:
    """And the pumps that there are are named."""

    async def work(it: Asking) -> None:
        path = operation.path.format(pump="7", fault_id="1", id="1")
        path += QUERY.get(operation.name, "")
        body = VALID.get(operation.name)
        problem = await it.refused(
            operation.method.upper(), path, body, status=404, code="unknown_pump"
        )
        assert problem["allowed"] == ["1"]

    doing(work)


VALID: dict[str, Any] = {
    "change_clock": {"speed": 1},
    "advance_clock": {"by": 1},
    "inject_fault": {"fault": "dry_run"},
    "reset": {"cause": "memory"},
    "fill": {"volume_nl": 1},
    "fill_pocket": {"volume_nl": 1},
    "inject_catheter": {"volume_nl": 1, "concentration_ng_per_ml": 1},
    "implant": {"serial_number": "X"},
    "decide": {"option": "x"},
    "rewind": {"mark": 1},
    "save_snapshot": {"name": "x"},
    "begin_session": {"scenario": "missed-refill"},
}
QUERY = {"clear_faults": "?fault=dry_run"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("POST", "/pumps", {"port": "pty:/tmp/x"}, 422, "bad_value", "port"),
        ("POST", "/pumps", {"port": "tcp:0.0.0.0:0"}, 422, "bad_value", "port"),
        ("POST", "/pumps", {"port": "tcp:99999"}, 422, "bad_value", "port"),
        ("POST", "/pumps", {"port": 1}, 422, "bad_value", "port"),
        ("DELETE", PUMP, None, 409, "impossible", None),
        ("GET", "/pumps?all=1", None, 422, "unknown_field", "all"),
        ("GET", f"{PUMP}/log?limit=1001", None, 422, "bad_value", "limit"),
        ("GET", f"{PUMP}/log?from=0", None, 422, "bad_value", "from"),
        ("GET", f"{PUMP}/log?from=1.5", None, 422, "bad_value", "from"),
        ("GET", f"{PUMP}/log?from=", None, 422, "bad_value", "from"),
        ("GET", f"{PUMP}/log?from={'9' * 5000}", None, 422, "bad_value", "from"),
        ("GET", f"{PUMP}/log?from=1&from=2", None, 422, "bad_value", "from"),
        ("GET", f"{PUMP}/events?view=everything", None, 422, "bad_value", "view"),
        ("GET", f"{PUMP}/history?points=1", None, 422, "bad_value", "points"),
        ("PATCH", f"{PUMP}/clock", {}, 422, "missing_field", "speed"),
        ("PATCH", f"{PUMP}/clock", {"speed": 1, "paused": True}, 422, "missing_field", "speed"),
        ("PATCH", f"{PUMP}/clock", {"speed": -1}, 422, "bad_value", "speed"),
        ("PATCH", f"{PUMP}/clock", {"speed": "fast"}, 422, "bad_value", "speed"),
        ("PATCH", f"{PUMP}/clock", {"paused": "yes"}, 422, "bad_value", "paused"),
        ("POST", f"{PUMP}/clock/advance", {}, 422, "missing_field", "by"),
        ("POST", f"{PUMP}/clock/advance", {"by": "1 parsec"}, 422, "bad_value", "by"),
        ("POST", f"{PUMP}/clock/advance", {"by": 1, "to_ms": 1}, 422, "missing_field", "by"),
        ("POST", f"{PUMP}/clock/next-event", {"by": 1}, 422, "unknown_field", "by"),
        ("POST", f"{PUMP}/faults", {}, 422, "missing_field", "fault"),
        ("POST", f"{PUMP}/faults", {"fault": "gremlins"}, 404, "unknown_fault", "fault"),
        ("POST", f"{PUMP}/faults", {"fault": "flow_error"}, 422, "missing_field", "factor_ppm"),
        ("POST", f"{PUMP}/faults", {"fault": "dry_run", "at": 1}, 422, "unknown_field", "at"),
        ("DELETE", f"{PUMP}/faults", None, 422, "missing_field", "fault"),
        ("DELETE", f"{PUMP}/faults?fault=gremlins", None, 404, "unknown_fault", "fault"),
        ("DELETE", f"{PUMP}/faults/7", None, 404, "unknown_fault", "fault_id"),
        ("DELETE", f"{PUMP}/faults/seven", None, 404, "unknown_fault", "fault_id"),
        ("DELETE", f"{PUMP}/faults/{'7' * 19}", None, 404, "unknown_fault", "fault_id"),
        ("DELETE", f"{PUMP}/faults/{'9' * 19}", None, 404, "unknown_fault", "fault_id"),
        ("POST", f"{PUMP}/acts/fly", {}, 404, "unknown_command", "act"),
        ("POST", f"{PUMP}/acts/reset", {"cause": "boredom"}, 422, "bad_value", "cause"),
        ("POST", f"{PUMP}/acts/fill", {"volume_nl": "21 mL"}, 422, "bad_value", "volume_nl"),
        ("POST", f"{PUMP}/acts/pair", {}, 409, "impossible", None),
        ("POST", f"{PUMP}/acts/press", {}, 409, "refused", None),
        ("GET", "/scenarios/missed", None, 404, "unknown_scenario", "name"),
        ("PUT", f"{PUMP}/session", {}, 422, "missing_field", "scenario"),
        ("PUT", f"{PUMP}/session", {"scenario": "/etc/passwd"}, 422, "bad_value", "scenario"),
        ("PUT", f"{PUMP}/session", {"scenario": None}, 422, "missing_field", "scenario"),
        (
            "PUT",
            f"{PUMP}/session",
            {"scenario": "missed-refill", "picks": {"refill": "maybe"}},
            422,
            "bad_value",
            "picks",
        ),
        (
            "PUT",
            f"{PUMP}/session",
            {"scenario": "missed-refill", "picks": {"refill": 1}},
            422,
            "bad_value",
            "picks.refill",
        ),
        ("PUT", f"{PUMP}/session", {"practice": {}, "picks": {}}, 422, "bad_value", "picks"),
        (
            "PUT",
            f"{PUMP}/session",
            {"practice": {"pump": {"profile": "/etc/passwd"}}},
            422,
            "bad_value",
            "practice.pump.profile",
        ),
        ("PUT", f"{PUMP}/session", {"practice": {"at": []}}, 422, "unknown_field", "practice.at"),
        ("POST", f"{PUMP}/session/decision", {"option": "x"}, 422, "bad_value", "option"),
        ("POST", f"{PUMP}/session/rewind", {}, 422, "missing_field", "mark"),
        ("POST", f"{PUMP}/session/rewind", {"mark": 99}, 422, "bad_value", "mark"),
        ("POST", f"{PUMP}/session/rewind", {"elapsed_ms": 1}, 422, "bad_value", "elapsed_ms"),
        ("POST", f"{PUMP}/snapshots", {}, 422, "missing_field", "name"),
        ("POST", f"{PUMP}/snapshots", {"name": "x", "state": {}}, 422, "bad_state", "format"),
        ("GET", f"{PUMP}/snapshots/9", None, 404, "unknown_snapshot", "id"),
        ("DELETE", f"{PUMP}/snapshots/9", None, 404, "unknown_snapshot", "id"),
        ("POST", f"{PUMP}/snapshots/9/restore", {}, 404, "unknown_snapshot", "id"),
        ("GET", f"{PUMP}/debrief.json", None, 409, "impossible", None),
        ("GET", f"{PUMP}/trace", None, 409, "impossible", None),
        ("GET", f"{PUMP}/trace?takes=some", None, 422, "bad_value", "takes"),
        ("GET", f"{PUMP}/debrief.json?takes=some", None, 422, "bad_value", "takes"),
        ("GET", "/nothing", None, 404, "unknown_route", None),
        ("PUT", PUMP, {}, 405, "method_not_allowed", None),
    ],
)
def test_a_wrong_request_is_refused(
    method: str, path: str, body: Any, status: int, code: str, field: str | None, doing: Doing
) -> None:
    """With its code and the field that is at fault; the pump is as it was."""

    async def work(it: Asking) -> None:
        before = await _all(it)
        problem = await it.refused(method, path, body, status=status, code=code)
        assert problem.get("field") == field
        assert await _all(it) == before

    doing(work)


async def _all(it: Asking) -> Any:
    """What would tell that something has happened; a refused bolus is in the log, as it should."""
    seen = (await it.client.get(f"{BASE}{PUMP}/state")).json()
    seen["belief"].pop("log")
    pumps = (await it.client.get(BASE)).json()["pumps"]
    return seen, pumps, (await it.client.get(f"{BASE}{PUMP}/snapshots")).json()


def test_limits_and_reasons_are_told() -> None:
    """A range with its unit, and every reason of the pump."""

    async def work() -> None:
        async with asking() as it:
            volume = {"volume_nl": "21 mL"}
            problem = await it.refused(
                "POST", f"{PUMP}/acts/fill", volume, status=422, code="bad_value"
            )
            assert problem["allowed"] == {"minimum": 0, "maximum": 20_000_000, "unit": "nL"}
            assert problem["value"] == 21_000_000
            problem = await it.refused("POST", f"{PUMP}/acts/press", {}, status=409, code="refused")
            assert [each["code"] for each in problem["reasons"]] == ["not_prescribed"]
            assert [each["text"] for each in problem["reasons"]] == ["not prescribed"]
            assert problem["detail"] == "the pump refuses: not prescribed"
            problem = await it.refused(
                "POST", f"{PUMP}/acts/fil", {}, status=404, code="unknown_command"
            )
            assert "Did you mean fill?" in problem["detail"]

    run(work())


@pytest.mark.parametrize(
    ("prescription", "field", "detail"),
    [
        (
            {"dose": "2000 mcg/day", "concentration": "1 mcg/mL"},
            "practice.prescription.dose",
            "rate 2000 mL/day out of range, allowed 0.048 mL/day to 24 mL/day",
        ),
        (
            {"dose": "2001 mcg/day"},
            "practice.prescription.dose",
            "daily dose 2001 mcg/day out of range, allowed 0.001 mcg/day to 2000 mcg/day",
        ),
        (
            {"rate": "25 mL/day"},
            "practice.prescription.rate",
            "rate 25 mL/day out of range, allowed 0.048 mL/day to 24 mL/day",
        ),
        (
            {"low_reservoir": "90 mL"},
            "practice.prescription.low_reservoir",
            "low reservoir threshold 90 mL out of range",
        ),
        ({"drug": ""}, "practice.prescription.drug", "drug name"),
    ],
)
def test_a_practice_that_no_pump_takes_is_told_in_units_at_its_field(
    prescription: dict[str, str], field: str, detail: str, doing: Doing
) -> None:
    """As people write them, and not in the names and units of the wire."""

    async def work(it: Asking) -> None:
        body = {"practice": {"prescription": prescription}}
        problem = await it.refused("PUT", f"{PUMP}/session", body, status=422, code="bad_value")
        assert problem["field"] == field
        assert problem["value"] == prescription[field.rpartition(".")[2]]
        assert problem["detail"].startswith("practice: the pump refuses it: ")
        assert detail in problem["detail"]
        assert detail in "; ".join(each["text"] for each in problem["reasons"])
        assert "OUT_OF_RANGE" not in problem["detail"]

    doing(work)


@pytest.mark.parametrize(
    ("pump", "field", "value", "detail"),
    [
        ({"volume": "21 mL"}, "practice.pump", None, "pump.volume = 21 mL"),
        (
            {"state": "x.json"},
            "practice.pump.state",
            "x.json",
            "practice.pump.state = 'x.json': allowed is none: keep the state as a snapshot",
        ),
    ],
)
def test_a_pump_that_a_practice_cannot_begin_with_is_told_at_its_field(
    pump: dict[str, str], field: str, value: str | None, detail: str, doing: Doing
) -> None:
    """A field of the request, with what was given."""

    async def work(it: Asking) -> None:
        body = {"practice": {"pump": pump}}
        problem = await it.refused("PUT", f"{PUMP}/session", body, status=422, code="bad_value")
        assert (problem["field"], problem["value"]) == (field, value)
        assert detail in problem["detail"]

    doing(work)


def test_of_a_practice_of_thousands_of_mistakes_some_are_told(doing: Doing) -> None:
    """To put all of them into words would take half a second."""

    async def work(it: Asking) -> None:
        wrong = {f"k{number}": 0 for number in range(5_000)}
        body = {"practice": {"prescription": wrong}}
        problem = await it.refused("PUT", f"{PUMP}/session", body, status=422, code="bad_value")
        assert problem["field"] == "practice.prescription.k0"
        assert len(problem["detail"]) < 5_000

    doing(work)


def test_the_loop_has_a_turn_between_any_two_scenarios_that_are_read(
    doing: Doing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them at once would hold every pump's link; later they are known."""
    turns = 0
    turns_at: list[int] = []

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def reads(loaded: Loaded) -> dict[str, Any]:
        turns_at.append(turns)
        return overview(loaded)

    monkeypatch.setattr(playing, "_OVERVIEWS", {})
    monkeypatch.setattr(playing, "overview", reads)

    async def work(it: Asking) -> None:
        turning = asyncio.create_task(turn())
        first = await it.get("/scenarios")
        assert await it.get("/scenarios") == first
        turning.cancel()
        assert len(turns_at) == len(first["scenarios"])
        assert len(set(turns_at)) == len(turns_at)

    doing(work)


def test_a_wrong_method_is_told_the_right_ones() -> None:
    """All of the path, in `Allow`."""

    async def work() -> None:
        async with asking() as it:
            response = await it.client.put(f"{BASE}/pumps")
            assert response.status_code == 405
            assert response.headers["allow"] == "GET, POST"

    run(work())


def test_a_port_that_is_taken_is_told_and_no_pump_is_opened() -> None:
    """The id that it would have had is used by the next one."""

    async def work() -> None:
        async with asking() as it:
            taken = (await it.get(PUMP))["address"].rpartition(":")[2]
            await it.refused(
                "POST", "/pumps", {"port": f"tcp:{taken}"}, status=409, code="impossible"
            )
            assert (await it.get(""))["pumps"] == ["1"]

    run(work())


def test_a_bug_is_told_without_a_word_of_it() -> None:
    """As a problem, and logged by the server."""

    async def work() -> None:
        async with house() as opened:
            opened.room("1").sight = lambda: 1 // 0  # type: ignore[method-assign,assignment,return-value]
            transport = httpx.ASGITransport(create_api(opened), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
                response = await client.get(f"{BASE}{PUMP}/state")
                assert response.status_code == 500
                assert response.json()["code"] == "internal_error"
                assert "division" not in response.text

    run(work())
