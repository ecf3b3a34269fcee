"""Whoever is at the port, and whatever they do: a run ends, says why, and leaves its report."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pump_programmer.conforming.harness import Harness, HarnessMissing
from pump_programmer.conforming.line import PumpLine
from pump_protocol.conformance.steps import Hook, Receive, Reconnect, Send, Step, Use
from pump_protocol.conformance.suite import introduce
from pump_protocol.conformance.verdicts import Broken, Unmet
from pump_protocol.keys import Key
from pump_sim.testing.process import PumpProcess, pump_process
from tests.conformance.pumps import InProcessPump
from tests.programmer import bad_subjects as bad

ONE = ("--only", "frame/split-at-every-byte")


def conform(
    *arguments: str, report: Path, expect: int, timeout_s: float = 30
) -> tuple[dict[str, Any], str]:
    """Run the command; its report, and what it said."""
    command = [sys.executable, "-m", "pump_programmer", "conform", *arguments]
    ended = subprocess.run(
        [*command, "--report", str(report)],
        capture_output=True,
        check=False,
        text=True,
        timeout=timeout_s,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == expect, said
    assert "Traceback" not in said
    content: dict[str, Any] = json.loads(report.read_text("utf-8"))
    return content, said


def refused(arguments: list[str], folder: Path) -> str:
    """What a wrong command line is answered with; nothing was judged."""
    command = [sys.executable, "-m", "pump_programmer", "conform", *arguments]
    ended = subprocess.run(
        command, capture_output=True, check=False, text=True, timeout=30, cwd=folder
    )
    assert (ended.returncode, ended.stdout) == (2, ""), ended.stderr
    return ended.stderr


@pytest.mark.parametrize(
    "behaviour",
    [bad.silent, bad.deaf, bad.flooding, bad.garbage, bad.echoing, bad.shouting, bad.closing],
)
def test_what_is_no_pump_is_not_judged(behaviour: bad.Behaviour, tmp_path: Path) -> None:
    """HARNESS-ERROR for every case, with the reason, exit code 2; and the report is there."""
    with bad.subject(behaviour) as address:
        report, said = conform(
            address, "--patience", "0.3", report=tmp_path / "report.json", expect=2
        )
    assert {each["verdict"] for each in report["report"]["results"]} == {"HARNESS-ERROR"}
    assert "does not answer Identify as a pump does" in said


def test_port_that_is_not_there(tmp_path: Path) -> None:
    """Named, and why."""
    port = tmp_path / "nothing"
    report, said = conform(str(port), *ONE, report=tmp_path / "report.json", expect=2)
    assert [each["verdict"] for each in report["report"]["results"]] == ["HARNESS-ERROR"]
    assert f"port {port}: no such device" in said


def test_harness_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is judged without it: whoever asked for a harness counts on it."""
    with bad.subject(bad.silent) as address:
        _, said = conform(
            address, *ONE, "--harness", "tcp:1", report=tmp_path / "report.json", expect=2
        )
    assert "harness tcp:1: Connection refused" in said


@pytest.fixture(scope="module")
def pump() -> Iterator[PumpProcess]:
    """A pump on TCP with a door, for tests that leave it as it is."""
    with pump_process("tcp") as pump:
        yield pump


@pytest.fixture
def report_file(tmp_path: Path) -> Path:
    """Where a report goes."""
    return tmp_path / "report.json"


def test_pump_that_dies_half_way(pump: PumpProcess, report_file: Path) -> None:
    """The case in which it dies fails, what comes after it is not played, and both say why."""
    with bad.dying(pump.address, 400) as address:
        report, said = conform(
            address, "--key", str(pump.key), "--only", "frame", report=report_file, expect=1
        )
    verdicts = [each["verdict"] for each in report["report"]["results"]]
    died = verdicts.index("FAIL")
    assert set(verdicts[died + 1 :]) == {"HARNESS-ERROR"}
    assert verdicts[died + 1 :]
    assert "was lost" in said


def test_run_that_takes_too_long_ends(pump: PumpProcess, report_file: Path) -> None:
    """What there is no time for is not judged."""
    report, said = conform(
        pump.address, "--key", str(pump.key), "--timeout", "0.2", report=report_file, expect=2
    )
    last = report["report"]["results"][-1]
    assert last["reason"] == "not played: the time of the run is over"
    assert "the time of the run is over" in said


def test_keys_come_from_the_harness(pump: PumpProcess, report_file: Path) -> None:
    """A harness that pairs makes every role's cases judgeable, without any key given."""
    report, _ = conform(
        pump.address, "--harness", pump.control, "--only", "role", report=report_file, expect=0
    )
    assert report["report"]["profile"] == "authenticated"
    assert report["counts"]["PASS"] == len(report["report"]["results"])


def test_key_of_another_pump_is_not_the_pumps_fault(pump: PumpProcess, report_file: Path) -> None:
    """HARNESS-ERROR where it is needed, and why; what needs no key is judged."""
    report, said = conform(
        *(pump.address, "--key", "clinician-00000000000000aa-" + "ab" * 32),
        *("--only", "status", "--only", "identity"),
        report=report_file,
        expect=2,
    )
    results = report["report"]["results"]
    verdicts = {(each["slug"].partition("/")[0], each["verdict"]) for each in results}
    assert {("status", "HARNESS-ERROR"), ("identity", "PASS")} <= verdicts
    assert "FAIL" not in {verdict for _, verdict in verdicts}
    assert "the key of role CLINICIAN that was given opens no link" in said
    assert "abab" not in said


def test_without_a_key_what_needs_one_is_unsupported(pump: PumpProcess, report_file: Path) -> None:
    """And never guessed; what needs none is judged."""
    report, _ = conform(
        pump.address, "--only", "role", "--only", "identity", report=report_file, expect=0
    )
    by_group: dict[str, set[str]] = {}
    for each in report["report"]["results"]:
        by_group.setdefault(each["slug"].partition("/")[0], set()).add(each["verdict"])
    assert "UNSUPPORTED" in by_group["role"]
    assert "PASS" in by_group["identity"]


def test_port_may_come_later(tmp_path: Path, report_file: Path) -> None:
    """A job that starts pump and suite at once need not sleep."""
    with pump_process(f"pty:{tmp_path / 'pump'}") as pump:
        key = str(pump.key)
        conform(
            str(tmp_path / "pump"), "--key", key, "--wait", "20", *ONE, report=report_file, expect=0
        )
    _, said = conform(str(tmp_path / "pump"), "--wait", "0.2", *ONE, report=report_file, expect=2)
    assert "no such device" in said


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["socket://nowhere"], "needs HOST:PORT"),
        (["/dev/null", "--key", "rubbish"], "--key: this is no key"),
        (["/dev/null", "--patience", "0"], "--patience = 0: allowed 0.01 to 600 seconds"),
        (["/dev/null", "--wait", "nan"], "--wait = nan: allowed 0 to 600 seconds"),
        (["/dev/null", "--only", "frame/crc-singel"], "frame/crc-single"),
        ([], "no port"),
    ],
)
def test_wrong_command_line_is_refused_before_anything_is_opened(
    arguments: list[str], complaint: str, tmp_path: Path
) -> None:
    """With the option, its value and what is allowed; exit code 2."""
    assert complaint in refused(arguments, tmp_path)


def test_two_keys_of_a_role_are_one_too_many(tmp_path: Path) -> None:
    """Nobody could say which is meant."""
    key = "clinician-0000000000000001-" + "ab" * 32
    assert Key.from_text(key)
    command = [sys.executable, "-m", "pump_programmer", "conform", "/dev/null"]
    ended = subprocess.run(
        [*command, "--key", key, "--key", key],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert "two keys of role clinician" in ended.stderr
    assert "abab" not in ended.stderr


def _harness(path: Path, answers: list[bytes]) -> threading.Thread:
    """A harness that gives these answers, one for each line that it is asked."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen()

    def serve() -> None:
        with server, server.accept()[0] as client, client.makefile("rb") as asked:
            for answer, _ in zip(answers, asked, strict=False):
                client.sendall(answer + b"\n")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def test_harness_is_believed_only_in_what_answers_the_question(tmp_path: Path) -> None:
    """Neither an event nor an answer that came too late for another question is taken for it."""
    late = b'{"id": 1, "ok": true, "result": {"code": "late"}}'
    event = b'{"event": "bolus", "id": 2}'
    true = b'{"id": 2, "ok": true, "result": {"code": "true"}}'
    hello = b'{"id": 1, "ok": true, "result": {"commands": {"pair": {}}}}'
    _harness(tmp_path / "door", [hello, late + b"\n" + event + b"\n" + true])
    harness = Harness(str(tmp_path / "door"))
    try:
        assert harness.do("pair", {}) == {"code": "true"}
    finally:
        harness.close()


def test_harness_that_nests_without_end_is_no_harness(tmp_path: Path) -> None:
    """As whatever else it says that cannot be read."""
    _harness(tmp_path / "door", [b"[" * 200_000])
    with pytest.raises(HarnessMissing, match="hook hello"):
        Harness(str(tmp_path / "door"))


@pytest.mark.parametrize("shown", [{}, {"code": 12345}, {"code": "no code"}])
def test_harness_that_shows_no_code_is_not_believed(shown: dict[str, Any]) -> None:
    """The harness is to blame, not the pump and not the command."""
    pump = InProcessPump()
    without_keys = replace(pump.subject, keys={})

    class Lying:
        now_ms = pump.now_ms

        def do(self, step: Step) -> object:
            if isinstance(step, Use) and step.hook == Hook.PAIR:
                return shown
            return pump.do(step)

    with pytest.raises(Broken, match="hook pair: this is no pairing code"):
        introduce(without_keys, Lying(), pump.random.randbytes)


def test_port_that_was_lost_may_come_back(tmp_path: Path) -> None:
    """A device that starts anew is gone for a moment: to open its port again waits for it."""
    port = tmp_path / "port"
    first, second = os.openpty(), os.openpty()
    port.symlink_to(os.ttyname(first[1]))
    with PumpLine(str(port)) as line:
        line.open()
        port.unlink()
        for each in first:
            os.close(each)
        with pytest.raises(Unmet, match="was lost"):
            line.do(Receive(100))
        back = threading.Timer(0.1, lambda: port.symlink_to(os.ttyname(second[1])))
        back.start()
        line.do(Reconnect())
        line.do(Send(b"hello"))
        assert os.read(second[0], 5) == b"hello"
        back.join()
    for each in second:
        os.close(each)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_report_is_written_though_nobody_can_be_told(pump: PumpProcess, report_file: Path) -> None:
    """A full disk below the output is no bug of the program, and no reason to lose the report."""
    words = [sys.executable, "-m", "pump_programmer", "conform", pump.address, "--only", "identity"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(
            [*words, "--report", str(report_file)],
            stdout=full,
            stderr=full,
            check=False,
            timeout=30,
        )
    assert ended.returncode == 2
    assert json.loads(report_file.read_text("utf-8"))["counts"]["PASS"]


def test_harness_that_hangs_costs_no_more_than_the_run(
    pump: PumpProcess, report_file: Path
) -> None:
    """It is asked who it is, and says nothing."""
    with bad.subject(bad.silent) as address:
        harness = address.removeprefix("socket://")
        words = (pump.address, *ONE, "--harness", f"tcp:{harness}", "--timeout", "0.5")
        _, said = conform(*words, report=report_file, expect=2, timeout_s=10)
    assert "hook hello: timed out" in said
