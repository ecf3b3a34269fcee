"""Once the pump has answered an act, it is done, whatever goes wrong afterwards."""

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pump_programmer import cli
from pump_programmer.errors import VerificationFailed
from pump_programmer.programmer import Programmer
from pump_programmer.terminal import ExitCode
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.reckoning import dose_totals

PROGRAM = ("program", "--dose", "400 mcg/day")
BOLUS = ("bolus", "--dose", "50 mcg", "--duration", "10 min")
REFILL = ("refill", "--volume", "20 mL")
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and these devices are POSIX")


def silent_after(pump, request_class):
    """The answer to *request_class* is the last one that gets through."""

    def answer(request):
        def last(data):
            pump.mangle = lambda data: []
            return [data]

        pump.mangle = last
        return pump.honest(request)

    pump.answers[request_class] = answer


# --- What is read after it ------------------------------------------------------------------------

FOLLOWED = [
    (m.OrderBolus, (*BOLUS, "--yes"), "Bolus of 0.025 mL began"),
    (m.UpdateReservoir, (*REFILL, "--yes"), "now believes 20 mL"),
    (m.SilenceAlarm, ("silence", "low-reservoir", "--for", "1 h"), "low reservoir"),
    (m.AcknowledgeAlarm, ("acknowledge", "low-reservoir"), "low reservoir"),
]


@pytest.mark.parametrize(("request_class", "command", "words"), FOLLOWED)
def test_an_act_whose_status_cannot_be_read_afterwards_is_done(
    ask_briefly, pump, request_class, command, words
):
    """Exit 4 would say that therapy is as it was."""
    silent_after(pump, request_class)
    ended = ask_briefly(*command)
    assert ended.code == 0
    assert words in ended.out
    assert "done, but the status could not be read afterwards" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(("request_class", "command", "words"), FOLLOWED)
def test_json_of_an_act_without_a_status_after_it_says_null(
    ask_briefly, pump, request_class, command, words
):
    silent_after(pump, request_class)
    ended = ask_briefly(*command, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["status"] is None
    assert ended.json.get("low_reservoir_at_ms") is None


@pytest.mark.parametrize("command", [PROGRAM, ("stop",)])
def test_a_verified_prescription_without_a_status_after_it_is_done(ask_briefly, pump, command):
    def after_commit(request):
        answer = pump.honest(request)
        if pump.version == 2:
            silent_after(pump, m.ReadPrescription)
            return pump.answers[m.ReadPrescription](request)
        return answer

    pump.answers[m.ReadPrescription] = after_commit
    ended = ask_briefly(*command, "--yes")
    assert ended.code == 0
    assert "version 2 is in force, read back and verified" in ended.out
    assert "could not be read afterwards" in ended.err


@pytest.mark.parametrize("command", [PROGRAM, ("stop",)])
def test_a_commit_that_cannot_be_read_back_is_exit_6_and_in_force(ask_briefly, pump, command):
    silent_after(pump, m.CommitPrescription)
    ended = ask_briefly(*command, "--yes", "--json")
    assert ended.code == 6
    assert ended.error["kind"] == "verification_failed"
    assert "the pump answered the commit: version 2 is in force" in ended.error["message"]
    assert "could not be read back: no answer" in ended.error["message"]


def test_a_read_back_with_a_wrong_digest_names_the_commit_too(pump, programmer):
    def lie(request):
        return m.PrescriptionReport(
            request.slot,
            2,
            bytes(32),
            dose_totals(pump.prescription),
            pump.prescription,
        )

    def commit(request):
        pump.answers[m.ReadPrescription] = lie
        return pump.honest(request)

    pump.answers[m.CommitPrescription] = commit
    with pytest.raises(
        VerificationFailed, match="answered the commit: version 2 is in force"
    ) as caught:
        programmer.program(pump.prescription)
    assert caught.value.committed


def test_a_lost_answer_is_not_doubted_when_only_the_identity_cannot_be_read(ask_briefly, pump):
    """The identity that heads the screen is asked for before what became of the request."""
    lost = [0]

    def lose(request):
        lost[0] += 1
        pump.mangle = lose_this
        return pump.honest(request)

    def lose_this(data):
        lost[0] += 1
        if lost[0] > 4:
            pump.mangle = lambda data: [data]
            silent_after(pump, m.UpdateReservoir)
        return []

    pump.answers[m.UpdateReservoir] = lose
    ended = ask_briefly(*REFILL, "--yes")
    assert ended.code == 0
    assert "it was done: order 1 was carried out" in ended.out


def test_control_c_while_the_status_is_read_afterwards_leaves_it_done(ask, pump, monkeypatch):
    asked = []

    def interrogate(self):
        asked.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(Programmer, "interrogate", interrogate)
    ended = ask(*BOLUS, "--yes", "--json")
    assert (ended.code, ended.json["status"], len(asked)) == (0, None, 1)


def test_control_c_while_a_commit_is_read_back_tells_that_it_is_in_force(ask, pump, monkeypatch):
    read = Programmer.read_prescription

    def read_prescription(self, *arguments):
        if pump.version == 2:
            raise KeyboardInterrupt
        return read(self, *arguments)

    monkeypatch.setattr(Programmer, "read_prescription", read_prescription)
    ended = ask(*PROGRAM, "--yes", "--json")
    assert ended.code == 6
    assert "version 2 is in force" in ended.error["message"]


# --- Its output -----------------------------------------------------------------------------------


def as_process(pump, *arguments, **settings):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
    command = [sys.executable, "-m", "pump_programmer", "--port", pump.address, *arguments]
    return subprocess.run(command, check=False, encoding="utf-8", **options)


@POSIX
@pytest.mark.parametrize("options", [("--yes",), ("--yes", "--json")])
@pytest.mark.parametrize("command", [PROGRAM, BOLUS, REFILL])
def test_output_that_nobody_reads_is_exit_11_and_the_act_is_done(pump, command, options):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ended = as_process(pump, *command, *options, stdout=write_end)
    finally:
        os.close(write_end)
    assert ended.returncode == 11
    assert "done, but the output could not be written" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert len(pump.executed) == 1


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("options", [("--yes",), ("--yes", "--json")])
def test_output_on_a_full_disk_is_exit_11_and_the_act_is_done(pump, options):
    with Path("/dev/full").open("w") as full:
        ended = as_process(pump, *BOLUS, *options, stdout=full)
    assert ended.returncode == 11
    assert "No space left" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert len(pump.executed) == 1


@POSIX
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("arguments", [("--help",), ("identify",), ("dance",)])
def test_a_full_disk_is_never_taken_for_a_refusal(pump, arguments):
    with Path("/dev/full").open("w") as full:
        assert as_process(pump, *arguments, stdout=full, stderr=full).returncode in {2, 11}
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ended = as_process(pump, "--help", stdout=write_end, stderr=write_end)
    finally:
        os.close(write_end)
    assert ended.returncode == 11


def test_a_review_that_cannot_be_shown_cannot_be_confirmed(ask, pump, monkeypatch):
    class Full:
        def __getattr__(self, name):
            return getattr(sys.__stdout__, name)

        def write(self, text):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    ended = ask(*PROGRAM, typed="y\n")
    assert ended.code == 7
    assert "could not be shown" in ended.err
    assert (pump.version, pump.pending) == (1, None)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_drug_that_the_terminal_cannot_spell_is_no_error(pump, options):
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    command = ("program", "--drug", "\u00b5-drug", "--no-bridge", "--yes", *options)
    ended = as_process(pump, *command, env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "version" in ended.stdout
    assert pump.prescription.drugs[0].name == "\u00b5-drug"


def test_a_bug_is_exit_70_in_one_line_that_asks_for_a_report(ask, monkeypatch):
    def stumble(self):
        raise RuntimeError("stumbled")

    monkeypatch.setattr(Programmer, "self_test", stumble)
    ended = ask("self-test")
    assert ended.code == ExitCode.INTERNAL_ERROR == 70
    assert ended.err.startswith("Error: unexpected RuntimeError: stumbled. This is a bug")
    assert ended.err.count("\n") == 1
    assert ask("self-test", "--json").error["kind"] == "internal_error"


# --- Its interruption -----------------------------------------------------------------------------


def start(pump, *arguments, **settings):
    command = [sys.executable, "-m", "pump_programmer", "--port", pump.address, "--timeout", "60"]
    return subprocess.Popen(
        [*command, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("request_class", "command", "effect"),
    [
        (m.CommitPrescription, PROGRAM, "the prescription was put in force"),
        (m.OrderBolus, BOLUS, "the bolus was begun"),
        (m.UpdateReservoir, REFILL, "the reservoir volume was updated"),
    ],
)
def test_an_act_that_is_interrupted_has_an_unknown_outcome(
    pump, request_class, command, effect, number
):
    asked = threading.Event()

    def answer(request):
        pump.mangle = lambda data: []
        asked.set()
        return pump.honest(request)

    pump.answers[request_class] = answer
    process = start(pump, *command, "--yes", "--json")
    assert asked.wait(20)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (5, "")
    assert '"outcome_unknown"' in err
    assert re.search(rf"UNKNOWN whether {effect}( \(order 1\))?: interrupted", err)
    assert err.count("\n") == 1
    assert pump.asked_for(m.RollBackPrescription) == 0


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_question_rolls_back(pump, number):
    master, replica = os.openpty()
    process = start(pump, *PROGRAM, stdin=replica)
    try:
        assert process.stderr is not None
        assert process.stderr.read(len("Commit this prescription? [y/N]")).startswith("Commit")
        assert pump.pending is not None
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    finally:
        os.close(master)
        os.close(replica)
    assert process.returncode == 130
    assert err.endswith("Error: interrupted\n")
    assert pump.pending is None


@POSIX
def test_who_asked_not_to_be_hung_up_on_is_not(monkeypatch):
    """As ``nohup`` does."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with cli._ending_like_control_c():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_an_interrupted_order_can_be_resolved(pump, programmer, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(type(programmer._link), "_run_exchange", interrupt)
    assert programmer.in_doubt is None
    with pytest.raises(KeyboardInterrupt):
        programmer.refill(20_000_000)
    monkeypatch.undo()
    assert programmer.in_doubt.request == m.UpdateReservoir(1, 20_000_000)
    assert programmer.resolve().done is False
    assert programmer.in_doubt is None


@POSIX
@pytest.mark.parametrize("command", [("stop",), PROGRAM, BOLUS, REFILL])
def test_without_standard_input_nothing_is_confirmed(pump, command):
    """As in ``pump-programmer stop <&-``."""
    script = 'exec "$@" <&-'
    command_line = [sys.executable, "-m", "pump_programmer", "--port", pump.address, *command]
    ended = subprocess.run(
        ["sh", "-c", script, "sh", *command_line], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 7
    assert ended.stderr.startswith("Error: not confirmed: standard input is no terminal")
    assert pump.prescription.mode is c.Mode.SIMPLE_CONTINUOUS
    assert (pump.executed, pump.pending) == ([], None)
