"""The command: real processes, real ports, a real end."""

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pump_programmer import cli
from pump_protocol.codes import UserRole
from pump_protocol.guard import new_keys
from tests.clinician.clinic import TOKEN, Page
from tests.system.processes import DEADLINE_S, RunningPump, ask, running_pump


class RunningPages:
    """A ``pump-programmer web --json`` process, and what its first line said."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready

    def page(self) -> Page:
        return Page(self.ready["url"].partition("?")[0].rstrip("/"), "one", {})

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal; the exit code, and what was complained of."""
        self.process.send_signal(number)
        _, complaints = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, complaints


@contextmanager
def running_pages(address: str, *options: str, key: str | None = None) -> Iterator[RunningPages]:
    process = subprocess.Popen(
        [sys.executable, "-m", "pump_programmer", "--port", address]
        + (["--key", key] if key else [])
        + ["web", "--http", "0", "--json", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield RunningPages(process, json.loads(process.stdout.readline() or "{}"))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def pump() -> Iterator[RunningPump]:
    with running_pump("--port", "tcp:127.0.0.1:0") as running:
        yield running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_end_leaves_nothing_staged_and_the_port_to_others(pump, number):
    with running_pages(pump.address, key=pump.key) as pages:
        assert pages.ready["connection"] == "open"
        assert pages.ready["pump"]["serial_number"] == "SIM-0001"
        page = pages.page()
        page.post("/program/review", 201, dose="350 mcg/day")
        with page.http.stream("GET", "/api/v1/stream"):
            assert pages.end(number) == (0, "")
        page.http.close()
    assert ask(pump, "interrogate")["has_pending"] is False
    assert [each["event"] for each in ask(pump, "log")["entries"]][-1] == "rolled_back"


def test_a_pump_that_ends_is_told_at_once_and_its_pages_live_on():
    with (
        running_pump("--port", "tcp:127.0.0.1:0") as pump,
        running_pages(pump.address, key=pump.key) as pages,
    ):
        page = pages.page()
        with page.http.stream("GET", "/api/v1/stream") as stream:
            told = (
                json.loads(line.removeprefix("data: "))
                for line in stream.iter_lines()
                if line.startswith('data: {"notice')
            )
            assert next(told)["connection"] == "open"
            pump.process.terminate()
            assert next(state for state in told if state["connection"] == "lost")
        assert page.post("/connect", 503)["code"] == "port_missing"
        page.http.close()


def test_pages_are_served_before_there_is_a_pump():
    with running_pages("socket://127.0.0.1:1") as pages:
        assert (pages.ready["connection"], pages.ready["pump"]) == ("failed", None)
        page = pages.page()
        assert page.state["why"]["code"] == "port_missing"
        page.http.close()


def test_a_token_is_in_the_address_that_is_printed_and_nowhere_else(pump):
    with running_pages(pump.address, "--token", TOKEN, key=pump.key) as pages:
        assert pages.ready["url"].endswith(f"/?token={TOKEN}")
        page = pages.page()
        page.get("/state", 401)
        assert page.http.get(f"/?token={TOKEN}", follow_redirects=True).status_code == 200
        assert page.state["connection"] == "open", "a browser keeps it"
        page.http.close()
        code, complaints = pages.end(signal.SIGTERM)
    assert code == 0
    assert "GET /api/v1/state: 401, a token is needed" in complaints
    assert TOKEN not in complaints


def test_beyond_this_machine_there_is_a_token_that_nobody_had_to_think_of(pump):
    with running_pages(pump.address, "--http", "0.0.0.0:0", key=pump.key) as pages:
        url, _, token = pages.ready["url"].partition("/?token=")
        assert url.startswith("http://127.0.0.1:")
        assert len(token) >= 32
        page = pages.page()
        assert page.get("/state", 401)["code"] == "no_token"
        page.http.headers["Authorization"] = f"Bearer {token}"
        assert page.state["connection"] == "open"
        page.http.close()


def run(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["pump-programmer", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("web",), "no port"),
        (("--port", "socket://nowhere", "web", "--http", "0"), "needs HOST:PORT"),
        (("--port", "virtual", "web", "--http", "host:99999"), "'host:99999': PORT"),
        (("--port", "virtual", "web", "--http", "0", "--token", "short"), "a token of 5"),
        (("--port", "virtual", "--key", "nonsense", "web"), "--key"),
    ],
)
def test_what_makes_no_sense_is_a_wrong_use_of_the_command(
    port, monkeypatch, capsys, arguments, said
):
    monkeypatch.setenv("PUMP_INSECURE", "1")
    if "socket" in str(arguments):
        monkeypatch.undo()
    code, complaint = run(monkeypatch, capsys, *arguments)
    assert code == 2
    assert said in complaint


def test_an_address_that_somebody_has_is_told(port, clinic, monkeypatch, capsys):
    monkeypatch.setenv("PUMP_INSECURE", "1")
    address = clinic.url.removeprefix("http://")
    code, complaint = run(monkeypatch, capsys, "--port", "virtual", "web", "--http", address)
    assert code == 2
    assert "the address is in use by another program" in complaint

    assert "another one: --http 127.0.0.1:PORT" in " ".join(complaint.split())


@pytest.mark.parametrize("by", ["--key", "PUMP_KEY"])
@pytest.mark.parametrize("text", ["abc", "@/nowhere/pump.key"])
def test_a_key_that_is_none_is_told_before_anything_is_served(port, monkeypatch, capsys, by, text):
    """Also where the port is somebody else's: a page cannot mend it."""
    port.unplugged = True
    given = ("--key", text) if by == "--key" else ()
    if not given:
        monkeypatch.setenv("PUMP_KEY", text)
    code, complaint = run(monkeypatch, capsys, "--port", "virtual", *given, "web", "--http", "0")
    assert code == 2
    assert by in complaint


def wrong_key(role):
    return new_keys(random.Random(2).randbytes)[role]


@pytest.mark.parametrize("by", ["--key", "PUMP_KEY"])
def test_a_key_that_the_pump_does_not_take_ends_it_as_it_ends_every_command(
    guarded, monkeypatch, capsys, by
):
    text = wrong_key(UserRole.CLINICIAN).to_text()
    given = ("--key", text) if by == "--key" else ()
    if not given:
        monkeypatch.setenv("PUMP_KEY", text)
    code, complaint = run(monkeypatch, capsys, "--port", "virtual", *given, "web", "--http", "0")
    assert code == 15
    assert "Choose another key, or pair" in " ".join(complaint.split())
    assert text not in complaint


def test_a_key_of_another_role_than_wanted_ends_it_too(guarded, monkeypatch, capsys):
    text = guarded.guard.keys[UserRole.CLINICIAN].to_text()
    code, complaint = run(
        monkeypatch, capsys, "--port", "virtual", "--key", text, "--role", "observer", "web",
        "--http", "0",
    )  # fmt: skip
    assert code == 13
    assert "is of role clinician, not observer" in " ".join(complaint.split())


_WITHOUT = """
import sys
from pump_programmer import cli
assert not {"fastapi", "uvicorn", "starlette"} & set(sys.modules), "loaded for every command"
sys.modules["fastapi"] = None
sys.argv = ["pump-programmer", "--port", "virtual", "web"]
cli.main()
"""


def test_without_the_extra_one_sentence_says_what_to_install_and_the_rest_needs_none():
    ended = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    said = "Error: web needs an extra (fastapi is missing): pip install 'pump-sim[web]'\n"
    assert ended.stderr == said
