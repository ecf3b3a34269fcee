"""Every operation does what it says, and answers what the document says (see `asking`)."""

import asyncio
import csv
import io
from typing import Any

import pytest

from pump_sim.console.api.acting import LABELS
from pump_sim.console.api.composing import OPERATIONS
from pump_sim.control.commands import COMMANDS
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.tracing.trace_lines import LookLine, read_trace

from .asking import BASE, DOCUMENT, Asking, asking, run

DAY_MS = 86_400_000


def test_what_it_is_can_be_read_without_knowing_anything() -> None:
    """The notice says simulator, and where the document is; so it does with one slash more."""

    async def work() -> None:
        async with asking(2) as it:
            told = await it.get("")
            assert "SIMULATOR" in told["notice"]
            assert told["pumps"] == ["1", "2"]
            assert (await it.client.get(told["openapi"])).json() == DOCUMENT
            page = await it.client.get(told["docs"])
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            for each in OPERATIONS:
                assert f"<code>{each.name}</code>" in page.text
            assert "<script" not in page.text
            assert (await it.client.get("/docs")).text == page.text
            assert (await it.client.get("/openapi.json")).json() == DOCUMENT
            assert "style=" not in page.text
            assert (await it.client.get(f"{BASE}/")).json() == told

    run(work())


def test_pumps_come_and_go_by_id() -> None:
    """An id is not used again."""

    async def work() -> None:
        async with asking() as it:
            second = await it.post("/pumps", {"port": "tcp"}, 201)
            third = await it.post("/pumps", {"port": "tcp:0"}, 201)
            assert (second["id"], third["id"]) == ("2", "3")
            addresses = {each["address"] for each in (await it.get("/pumps"))["pumps"]}
            assert len(addresses) == 3
            await it.ask("DELETE", "/pumps/2", status=204)
            assert [each["id"] for each in (await it.get("/pumps"))["pumps"]] == ["1", "3"]
            await it.refused("GET", "/pumps/2", status=404, code="unknown_pump")
            assert (await it.get("/pumps/3"))["serial_number"] == "SIM-0003"

    run(work())


def test_two_pumps_know_nothing_of_each_other() -> None:
    """Time and faults of the one leave the other as it was."""

    async def work() -> None:
        async with asking(2) as it:
            await it.post("/pumps/1/clock/advance", {"by": "3 h"})
            await it.post("/pumps/1/faults", {"fault": "motor_stall"}, 201)
            assert (await it.get("/pumps/1/clock"))["therapy_ms"] == 10_800_000
            assert (await it.get("/pumps/2/clock"))["therapy_ms"] == 0
            assert (await it.get("/pumps/2/faults"))["active"] == []
            assert (await it.get("/pumps/1/truth"))["stalled"] is True
            assert (await it.get("/pumps/2/truth"))["stalled"] is False

    run(work())


def test_truth_and_belief_are_read() -> None:
    """What the door answers, and the whole picture has the same in it."""

    async def work() -> None:
        async with asking() as it:
            await it.post(
                "/pumps/1/faults", {"fault": "flow_error", "parameters": {"factor_ppm": 0}}, 201
            )
            await it.post("/pumps/1/clock/advance", {"by": "10 d"})
            seen = await it.get("/pumps/1/state")
            assert seen["truth"] == await it.get("/pumps/1/truth")
            assert seen["belief"] == await it.get("/pumps/1/belief")
            assert seen["patient"] == await it.get("/pumps/1/patient")
            both = await it.get("/pumps/1/both")
            assert both["delivered_nl"]["actual"] == 0
            assert both["delivered_nl"]["believed"] == 10 * 150_000
            assert "withdrawal" in seen["patient"]["flags"]
            assert (await it.get("/pumps/1/tones"))["now"] is None

    run(work())


def test_the_log_is_read_in_pages() -> None:
    """From a record on, and no more than are wanted."""

    async def work() -> None:
        async with asking() as it:
            for cause in ("watchdog", "memory"):
                await it.post("/pumps/1/acts/reset", {"cause": cause})
            whole = (await it.get("/pumps/1/log"))["records"]
            page = (await it.get("/pumps/1/log?from=2&limit=1"))["records"]
            assert len(whole) > 2
            assert page == [whole[1]]

    run(work())


def test_time_is_moved() -> None:
    """Paused, let run, at a speed, to a moment, to the next event."""

    async def work() -> None:
        async with asking() as it:
            clock = "/pumps/1/clock"
            assert (await it.get(clock))["paused"] is True
            assert (await it.ask("PATCH", clock, {"speed": 3600}))["speed"] == 3600
            assert (await it.ask("PATCH", clock, {"paused": True}))["paused"] is True
            assert (await it.ask("PATCH", clock, {"paused": False}))["speed"] == 3600
            assert (await it.ask("PATCH", clock, {"speed": 0.5}))["speed"] == 0.5
            assert (await it.ask("PATCH", clock, {"speed": 0}))["paused"] is True
            assert (await it.ask("PATCH", clock, {"speed": "jump"}))["jumping"] is True
            assert (await it.ask("PATCH", clock, {"speed": 0}))["jumping"] is False
            at_ms = (await it.get(clock))["therapy_ms"]
            assert (await it.post(f"{clock}/advance", {"by": 0}))["therapy_ms"] == at_ms
            moved = await it.post(f"{clock}/advance", {"to_ms": DAY_MS})
            assert moved["therapy_ms"] == DAY_MS
            event = moved["next_event"]
            assert (await it.post(f"{clock}/next-event"))["therapy_ms"] == event["at_ms"]

    run(work())


def test_faults_are_injected_and_cleared() -> None:
    """Now and later, one by its number and all of a name; `Location` is where one is cleared."""

    async def work() -> None:
        async with asking() as it:
            faults = "/pumps/1/faults"
            response = await it.client.post(BASE + faults, json={"fault": "motor_stall"})
            number = response.json()["fault_id"]
            assert response.headers["location"] == f"{BASE}{faults}/{number}"
            later = {"fault": "flow_error", "parameters": {"factor_ppm": 2_000_000}}
            for at_ms in (DAY_MS, 2 * DAY_MS):
                await it.post(faults, {**later, "at_ms": at_ms, "for_ms": "6 h"}, 201)
            told = await it.get(faults)
            assert [each["fault"] for each in told["active"]] == ["motor_stall"]
            assert [each["ends_at_ms"] for each in told["scheduled"]] == [
                DAY_MS + DAY_MS // 4,
                2 * DAY_MS + DAY_MS // 4,
            ]
            cleared = await it.ask("DELETE", f"{faults}?fault=flow_error")
            assert len(cleared["cleared"]) == 2
            assert await it.ask("DELETE", f"{faults}/{number}") == {"cleared": [number]}
            told = await it.get(faults)
            assert (told["active"], told["scheduled"]) == ([], [])

    run(work())


def test_every_kind_of_fault_has_a_form() -> None:
    """What it takes, in people's units, the usual one first; and how its time is given."""

    async def work() -> None:
        async with asking() as it:
            told = await it.get("/pumps/1/faults")
            kinds = {each["fault"]: each for each in told["kinds"]}
            assert list(kinds) == list(FAULTS)
            (factor,) = kinds["flow_error"]["parameters"]
            assert factor["units"][0] == {"unit": "%", "scale": 10_000}
            assert (factor["minimum"], factor["maximum"]) == (0, 10_000_000)
            assert kinds["mri_scan"]["label"] == "MRI scan"
            assert kinds["mri_scan"]["takes_duration"] is False
            assert kinds["motor_stall"]["takes_duration"] is True
            assert kinds["brown_out"]["takes_duration"] is False
            assert [each["name"] for each in told["when"]] == ["at_ms", "for_ms"]

    run(work())


def test_every_act_has_a_form() -> None:
    """A field is described by what checks it; descriptions are without marks of Markdown."""

    async def work() -> None:
        async with asking() as it:
            acts = (await it.get("/pumps/1/acts"))["acts"]
            assert [each["act"] for each in acts] == list(LABELS)
            for act in acts:
                names = [each.name for each in COMMANDS[act["act"]].parameters]
                assert [each["name"] for each in act["parameters"]] == names
                assert "`" not in act["doc"] + act["confirm"]
            volume = next(each for each in acts if each["act"] == "fill")["parameters"][0]
            assert volume["label"] == "Volume"
            assert volume["units"][0] == {"unit": "mL", "scale": 1_000_000}
            assert volume["required"] is True

    run(work())


ACTS: dict[str, dict[str, Any]] = {
    "reset": {"cause": "watchdog"},
    "proximity": {"on_pump": True},
    "button": {},
    "fill": {"volume_nl": "18 mL", "rinsed": False},
    "fill_pocket": {"volume_nl": 5_000_000},
    "inject_catheter": {"volume_nl": "1 mL", "concentration_ng_per_ml": "2 mg/mL"},
    "explant": {},
    "implant": {"serial_number": "NEW-1", "flow_factor_ppm": 1_100_000},
}


@pytest.mark.parametrize("act", ACTS)
def test_an_act_is_done(act: str) -> None:
    """With its parameters as the body itself."""

    async def work() -> None:
        async with asking() as it:
            assert await it.post(f"/pumps/1/acts/{act}", ACTS[act])
            if act == "implant":
                assert (await it.get("/pumps/1"))["serial_number"] == "NEW-1"
            if act == "fill":
                assert (await it.get("/pumps/1/truth"))["actual_volume_nl"] == 18_000_000

    run(work())


def test_a_bolus_and_a_pairing_code_are_asked_for() -> None:
    """A patient's bolus where one is prescribed; a code where the head lies on the pump."""

    async def work() -> None:
        async with asking() as it:
            bolus = {"dose": "10 mcg", "over": "2 min", "lockout": "1 h", "per_day": 4}
            wishes = {"prescription": {"patient_bolus": bolus}}
            await it.ask("PUT", "/pumps/1/session", {"practice": wishes})
            assert (await it.post("/pumps/1/acts/press"))["left"] == 3
            await it.post("/pumps/1/acts/proximity", {"on_pump": True})
            told = await it.post("/pumps/1/acts/pair", {"role": "observer"})
            assert told["role"] == "observer"
            assert told["code"]

    run(work())


def test_scenarios_are_listed_and_read() -> None:
    """All that come with the package, with their choices."""

    async def work() -> None:
        async with asking() as it:
            listed = (await it.get("/scenarios"))["scenarios"]
            assert [each["name"] for each in listed] == list(scenario_names())
            one = await it.get("/scenarios/patient-bolus-abuse")
            assert one in listed

    run(work())


def test_a_scenario_is_played_decided_and_taken_back() -> None:
    """From its start to a choice, an option, back before it, and the other option."""

    async def work() -> None:
        async with asking() as it:
            name, choice = await _with_a_choice(it)
            session = await it.ask("PUT", "/pumps/1/session", {"scenario": name})
            assert (session["kind"], session["name"], session["elapsed_ms"]) == (
                "scenario",
                name,
                0,
            )
            first, second = (each["name"] for each in choice["options"][:2])
            await it.post("/pumps/1/clock/advance", {"by": "400 d"})
            waiting = await it.get("/pumps/1/session")
            assert waiting["decision"]["name"] == choice["name"]
            assert waiting["elapsed_ms"] == choice["at_ms"]
            decided = await it.post("/pumps/1/session/decision", {"option": first})
            assert [each["option"] for each in decided["chosen"]] == [first]
            await it.post("/pumps/1/clock/advance", {"by": "1 h"})
            marks = (await it.get("/pumps/1/session/marks"))["marks"]
            mark = next(each for each in marks if each["kind"] == "choice")["mark"]
            back = await it.post("/pumps/1/session/rewind", {"mark": mark})
            assert back["decision"]["name"] == choice["name"]
            decided = await it.post("/pumps/1/session/decision", {"option": second})
            assert [each["option"] for each in decided["chosen"]] == [second]
            takes = (await it.get("/pumps/1/session/takes"))["takes"]
            assert [each["branch"][0]["option"] for each in takes] == [first, second]
            early = await it.post("/pumps/1/session/rewind", {"elapsed_ms": 0})
            assert (early["elapsed_ms"], early["chosen"]) == (0, [])
            assert (await it.post("/pumps/1/session/reset"))["name"] == name

    run(work())


def test_options_may_be_picked_beforehand() -> None:
    """The choice is not asked then."""

    async def work() -> None:
        async with asking() as it:
            name, choice = await _with_a_choice(it)
            option = choice["options"][1]["name"]
            wish = {"scenario": name, "picks": {choice["name"]: option}}
            await it.ask("PUT", "/pumps/1/session", wish)
            await it.post("/pumps/1/clock/advance", {"to_ms": choice["at_ms"]})
            session = await it.get("/pumps/1/session")
            assert session["decision"] is None
            assert [each["option"] for each in session["chosen"]] == [option]

    run(work())


async def _with_a_choice(it: Asking) -> tuple[str, Any]:
    """A scenario, and its choice."""
    scenario = await it.get("/scenarios/missed-refill")
    return scenario["name"], scenario["choices"][0]


def test_history_and_events_are_read() -> None:
    """Rows for charts, no more than wanted, and lines after the last that is known."""

    async def work() -> None:
        async with asking() as it:
            for _ in range(3):
                await it.post("/pumps/1/acts/reset", {"cause": "memory"})
                await it.post("/pumps/1/clock/advance", {"by": "1 d"})
            history = await it.get("/pumps/1/history")
            assert history["columns"][0] == "elapsed_ms"
            assert all(len(row) == len(history["columns"]) for row in history["rows"])
            few = await it.get("/pumps/1/history?points=2")
            assert few["rows"][-1] == history["rows"][-1]
            assert len(few["rows"]) < len(history["rows"])
            events = (await it.get("/pumps/1/events"))["events"]
            later = (await it.get(f"/pumps/1/events?after={events[1]['index']}&limit=2"))["events"]
            assert later == events[2:4]

    run(work())


def test_the_event_log_is_downloaded_as_a_table() -> None:
    """A file with a name; a text that a spreadsheet would take for a formula is none there."""

    async def work() -> None:
        async with asking() as it:
            await it.post("/pumps/1/acts/implant", {"serial_number": "=1+1"})
            response = await it.client.get(f"{BASE}/pumps/1/events.csv")
            assert 'filename="events-pump-1.csv"' in response.headers["content-disposition"]
            events = (await it.get("/pumps/1/events"))["events"]
            rows = list(csv.DictReader(io.StringIO(response.text)))
            assert [int(each["index"]) for each in rows] == [each["index"] for each in events]
            assert not any(each["text"].startswith(("=", "+", "-", "@")) for each in rows)

    run(work())


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        (" =1", "' =1"),
        ("\n=1", "'\n=1"),
        ("a\x00b\x1b", "a\ufffdb\ufffd"),
        ("5 mL", "5 mL"),
    ],
)
def test_no_cell_of_the_table_is_a_formula(text: str, written: str) -> None:
    """Nor has it characters that no reader of tables takes."""

    async def work() -> None:
        async with asking() as it:
            line = {
                "index": 1,
                "elapsed_ms": 0,
                "clock_local_ms": 0,
                "kind": "deed",
                "severity": "info",
                "by": "instructor",
                "text": text,
            }
            it.house.room("1").events = lambda *_, **__: [line]  # type: ignore[method-assign]
            response = await it.client.get(f"{BASE}/pumps/1/events.csv")
            (row,) = csv.DictReader(io.StringIO(response.text, newline=""))
            assert row["text"] == written

    run(work())


def test_a_state_is_saved_and_restored() -> None:
    """The pump is where it was, also by a state that was read and given again to another pump."""

    async def work() -> None:
        async with asking(2) as it:
            await it.post("/pumps/1/acts/fill", {"volume_nl": "7 mL"})
            await it.post("/pumps/1/clock/advance", {"by": "2 h"})
            before = await it.get("/pumps/1/truth")
            saved = await it.post("/pumps/1/snapshots", {"name": "two hours"}, 201)
            await it.post("/pumps/1/clock/advance", {"by": "9 d"})
            restored = await it.post(f"/pumps/1/snapshots/{saved['id']}/restore")
            assert restored["elapsed_ms"] == 7_200_000
            assert await it.get("/pumps/1/truth") == before

            whole = await it.get(f"/pumps/1/snapshots/{saved['id']}")
            whole["state"]["state"]["serial_number"] = "SIM-COPY"
            copy = await it.post(
                "/pumps/2/snapshots", {"name": "copy", "state": whole["state"]}, 201
            )
            await it.post(f"/pumps/2/snapshots/{copy['id']}/restore")
            assert await it.get("/pumps/2/truth") == before
            assert (await it.get("/pumps/2"))["serial_number"] == "SIM-COPY"

            listed = (await it.get("/pumps/1/snapshots"))["snapshots"]
            assert [each["name"] for each in listed] == ["two hours"]
            await it.ask("DELETE", f"/pumps/1/snapshots/{saved['id']}", status=204)
            assert (await it.get("/pumps/1/snapshots"))["snapshots"] == []

    run(work())


def test_the_debrief_is_downloaded() -> None:
    """As a page, as JSON and as a table; of all takes, or of the last."""

    async def work() -> None:
        async with asking() as it:
            await it.ask("PUT", "/pumps/1/session", {"scenario": "missed-refill"})
            await it.post("/pumps/1/clock/advance", {"by": "20 d"})
            await it.post("/pumps/1/session/rewind", {"elapsed_ms": 864_000_000})
            await it.post("/pumps/1/clock/advance", {"by": "5 d"})
            debrief = "/pumps/1/debrief"
            page = await it.client.get(f"{BASE}{debrief}.html?takes=last", timeout=20)
            assert page.status_code == 200, page.text
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            name = "debrief-pump-1-missed-refill.html"
            assert page.headers["content-disposition"] == f'attachment; filename="{name}"'
            assert "<svg" in page.text
            both, table = await asyncio.gather(it.get(f"{debrief}.json"), it.get(f"{debrief}.csv"))
            assert len(both["takes"]) == 2
            assert len(list(csv.reader(io.StringIO(table)))) > 1

    run(work())


def test_the_trace_is_downloaded() -> None:
    """Of the last take, or of all: what a play of the command line writes, for who reads that."""

    async def work() -> None:
        async with asking() as it:
            await it.ask("PUT", "/pumps/1/session", {"scenario": "missed-refill"})
            await it.post("/pumps/1/clock/advance", {"by": "20 d"})
            await it.post("/pumps/1/session/rewind", {"elapsed_ms": 864_000_000})
            await it.post("/pumps/1/clock/advance", {"by": "5 d"})
            response = await it.client.get(f"{BASE}/pumps/1/trace")
            assert response.headers["content-type"] == "application/x-ndjson"
            name = "trace-pump-1-missed-refill.jsonl"
            assert response.headers["content-disposition"] == f'attachment; filename="{name}"'
            (last,) = read_trace(response.text.splitlines(keepends=True))
            assert (last.scenario, last.complete) == ("missed-refill", True)
            assert last.of(LookLine)[-1].therapy_ms == 15 * DAY_MS
            everything = await it.get("/pumps/1/trace?takes=all")
            first, second = read_trace(everything.splitlines(keepends=True))
            assert first.of(LookLine)[-1].therapy_ms == 20 * DAY_MS
            assert second == last

    run(work())
