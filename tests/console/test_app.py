"""The command as a process: what it says, whom it lets in, what ends it and what does not."""

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from pump_sim import cli

DEADLINE_S = 20.0
COMMAND = [sys.executable, "-m", "pump_sim", "console"]
FREE = ["--http", "127.0.0.1:0", "--port", "tcp:127.0.0.1:0"]
NETWORK = ["--http", "0.0.0.0:0", "--port", "tcp:127.0.0.1:0"]


class Running:
    """A console that is ready, and what its first line said."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready

    def get(self, path: str, token: str | None = None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.get(self.ready["http"].rstrip("/") + path, headers=headers, timeout=DEADLINE_S)

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code, and what was complained of."""
        self.process.send_signal(number)
        _, complaints = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, complaints or ""


@contextmanager
def console(*options: str, stderr: Any = subprocess.PIPE, **others: Any) -> Iterator[Running]:
    process = subprocess.Popen(
        [*COMMAND, "--json", *options], stdout=subprocess.PIPE, stderr=stderr, text=True, **others
    )
    assert process.stdout is not None
    try:
        yield Running(process, json.loads(process.stdout.readline()))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """A console that does not begin, in this process: its exit code, and stderr as one line."""

    def end(*options: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["pump-sim", "console", *options])
        with pytest.raises(SystemExit) as error:
            cli.main()
        complaint = capsys.readouterr().err
        assert "Traceback" not in complaint
        return error.value.code, " ".join(complaint.replace("│", " ").split())  # type: ignore[return-value]

    return end


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_it_says_where_it_is_and_ends_in_order(number: signal.Signals, tmp_path: Path) -> None:
    """One JSON line, a key that only its owner can read, and an answer at each address."""
    path = tmp_path / "key"
    with console(*FREE, "--key-file", str(path)) as it:
        assert (it.ready["event"], it.ready["simulator"], it.ready["tokens"]) == ("ready", True, {})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text("ascii").strip() == it.ready["key"]
        assert it.get("/api/v1/pumps").json()["pumps"][0]["address"] == it.ready["address"]
        assert it.end(number) == (0, "")


def test_beyond_the_loopback_there_are_tokens_and_strangers_end_nothing() -> None:
    """Half-open connections beyond the limit of files, and a stderr that nobody reads."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    reading, writing = os.pipe()

    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))

    with ExitStack() as stack:
        stack.callback(os.close, reading)
        with os.fdopen(writing) as stderr:
            it = stack.enter_context(console(*NETWORK, stderr=stderr, preexec_fn=few_files))
        assert set(it.ready["tokens"]) == {"instructor", "trainee"}
        token = it.ready["tokens"]["instructor"]
        assert f"?token={token}" in it.ready["instructor"]
        assert it.get("/api/v1/pumps").status_code == 401
        port = httpx.URL(it.ready["http"]).port or 0
        with ExitStack() as strangers:
            for _ in range(100):
                strangers.enter_context(socket.create_connection(("127.0.0.1", port), DEADLINE_S))
            told = os.read(reading, 65_536)
            while b"a connection has to wait: Too many open files" not in told:
                told += os.read(reading, 65_536)
        with httpx.Client(headers={"Authorization": "Bearer " + "y" * 20}) as client:
            for _ in range(300):  # 64 KiB, if each had its line
                client.get(it.ready["http"].rstrip("/") + "/" + "x" * 250, timeout=DEADLINE_S)
        assert it.get("/api/v1/pumps", token).status_code == 200
        assert it.end()[0] == 0
        assert token.encode() not in told


def test_a_log_that_is_closed_changes_no_answer() -> None:
    """As a service manager starts it; its number may be that of a pump's port then."""
    command = " ".join([*COMMAND, "--json", *NETWORK])
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command} 2>&-"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        it = Running(process, json.loads(process.stdout.readline()))
        for _ in range(2):
            assert it.get("/api/v1/pumps").json()["code"] == "no_token"
        assert it.end()[0] == 0
    finally:
        process.kill()
        process.communicate()


def test_addresses_that_nobody_can_read_end_it() -> None:
    """With 74: whoever waits for the first line would wait for ever."""
    command = " ".join([*COMMAND, "--json", *FREE])
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {command} >&-"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    told = "pump-sim: standard output: it is closed\n"
    assert (done.returncode, done.stderr) == (74, told)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--http", "nonsense:x"], "--http"),
        (["--pumps", "17"], "--pumps = 17: allowed are 1 to 16 pumps"),
        (["--pick", "a=b"], "--pick goes with --scenario"),
        (["--scenario", "no-such-scenario"], "--scenario"),
    ],
)
def test_a_wrong_option_is_named(
    options: list[str], said: str, ended: Callable[..., tuple[int, str]]
) -> None:
    """In one message, with exit 2."""
    code, complaint = ended(*options)
    assert code == 2
    assert said in complaint


def test_an_address_that_somebody_has_is_told(ended: Callable[..., tuple[int, str]]) -> None:
    """Of the pages or of the pump: exit 3, and no trace of Python."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, complaint = ended("--http", address, "--port", "tcp:127.0.0.1:0")
        assert (code, complaint[:10]) == (3, "pump-sim: ")
        assert f"http {address}: the address is in use" in complaint
        code, complaint = ended("--http", "127.0.0.1:0", "--port", f"tcp:{address}")
        assert (code, complaint[:10]) == (3, "pump-sim: ")


def test_without_its_libraries_it_says_what_to_install(
    ended: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are an extra."""
    monkeypatch.delitem(sys.modules, "pump_protocol.web.serving", raising=False)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    code, complaint = ended()
    assert code == 2
    assert "pip install 'pump-sim[console]'" in complaint
