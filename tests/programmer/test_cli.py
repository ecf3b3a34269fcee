"""The command line: what it prints, what it asks, and how it ends."""

import fcntl
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from dataclasses import fields, replace

import pytest

from pump_programmer import cli
from pump_programmer.terminal import _EXITS, EXIT_MEANINGS, ExitCode, Terminal
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol._version import __version__

COMMANDS = [
    ("identify",),
    ("interrogate",),
    ("program", "--dose", "400 mcg/day", "--yes"),
    ("staged",),
    ("staged", "--roll-back"),
    ("stop", "--yes"),
    ("bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes"),
    ("bolus", "--abort"),
    ("refill", "--volume", "20 mL", "--yes"),
    ("log",),
    ("log", "--access"),
    ("silence", "low-reservoir", "--for", "1 h"),
    ("acknowledge", "low-reservoir"),
    ("clock",),
    ("clock", "--set", "2026-11-22T10:00"),
    ("self-test",),
    ("alarm-test",),
    ("patient-bolus",),
    ("bolus", "--priming", "0.34 mL", "--duration", "20 min", "--yes"),
    ("alarm-interval", "20 min"),
    ("note",),
    ("note", "--set", "call the ward"),
    ("program", "--flex", "00:00=120 mcg/day 08:00=300 mcg/day", "--yes"),
    ("report",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_on_its_screen_that_this_is_a_simulator(ask, command):
    """And of a pump without security, once, that it has none."""
    ended = ask(*command)
    assert (ended.code, ended.err) == (0, "")
    assert "SIMULATOR - never for clinical use" in ended.out
    assert "serial number SCRIPT-1" in ended.out
    assert ended.out.count("UNSAFE: LEGACY-INSECURE") == 1


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_prints_one_json_object_that_says_so_too(ask, command):
    ended = ask(*command, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["pump"] == {
        "nature": "simulator",
        "model": "SP-1",
        "serial_number": "SCRIPT-1",
        "unsafe": "UNSAFE: LEGACY-INSECURE",
    }


def test_json_is_accepted_before_the_command_too(ask):
    assert ask("--json", "clock").json["clock_ms"] == 1_795_000_000_000


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("identify",), m.Identity),
        (("interrogate",), m.StatusReport),
        (("bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes"), m.BolusOrdered),
        (("bolus", "--abort"), m.BolusAborted),
        (("refill", "--volume", "20 mL", "--yes"), m.ReservoirUpdated),
        (("clock", "--set", "now"), m.ClockSet),
        (("self-test",), m.SelfTestReport),
        (("alarm-test", "non-critical"), m.AlarmTested),
        (("acknowledge", "eos"), m.AlarmAcknowledged),
        (("silence", "eos", "--for", "1 h"), m.AlarmSilenced),
        (("patient-bolus",), m.PatientBolusStarted),
        (("bolus", "--priming", "0.34 mL", "--duration", "20 min", "--yes"), m.BolusOrdered),
        (("alarm-interval", "20 min"), m.AlarmIntervalSet),
        (("note",), m.NoteReport),
        (("note", "--set", "call the ward"), m.NoteReport),
    ],
)
def test_the_keys_of_an_answer_are_the_fields_of_its_message(ask, command, message):
    found = ask(*command, "--json").json
    assert {field.name for field in fields(message)} <= set(found)


def test_the_status_screen_shows_what_a_clinician_needs(ask):
    out = ask("interrogate").out
    for text in (
        "simple continuous",
        "baclofen, 2000 mcg/mL",
        "300 mcg/day",
        "0.15 mL/day",
        "5 mL of 20 mL, as the pump believes",
        "(in 43 d 2 h), at 2 mL",
        "98.8 %, in service",
        "RUNNING: 0.012 mL of 0.025 mL",
        "ALARM low reservoir: raised",
        "Next tone",
    ):
        assert text in out


def test_a_staged_prescription_and_a_stopped_pump_are_conspicuous(ask, pump):
    pump.pending = pump.prescription
    out = ask("interrogate").out
    assert "staged and NOT in force" in out
    assert "pump-programmer staged" in out
    ask("stop", "--yes")
    assert "All infusion is STOPPED" in ask("interrogate").out


# --- Programming ---------------------------------------------------------------------------------


def test_program_shows_both_prescriptions_and_the_change_and_asks(ask, pump):
    ended = ask("program", "--dose", "400 mcg/day", typed="y\n")
    assert ended.code == 0
    assert "Total daily dose" in ended.out
    for text in ("300 mcg/day", "400 mcg/day", "+33.3 %", "version 2 is in force"):
        assert text in ended.out
    assert ended.err == "Commit this prescription? [y/N] "
    assert pump.prescription.daily_dose_ng == 400_000


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yess\n"])
def test_anything_but_yes_changes_nothing_and_says_so(ask, pump, answer):
    ended = ask("program", "--dose", "400 mcg/day", typed=answer)
    assert ended.code == 7
    assert "rolled back" in ended.err
    assert (pump.version, pump.pending) == (1, None)


@pytest.mark.parametrize(
    "command",
    [
        ("program", "--rate", "0.2 mL/day"),
        ("stop",),
        ("bolus", "--dose", "50 mcg", "--duration", "10 min"),
        ("refill", "--volume", "20 mL"),
    ],
)
@pytest.mark.parametrize("typed", [None, "y\n"], ids=["no terminal", "terminal"])
def test_json_without_yes_asks_nobody_and_says_so_in_one_object(ask, pump, command, typed):
    """A program reads standard error too: no review and no question may stand before the error."""
    ended = ask(*command, "--json", typed=typed)
    assert ended.code == 7
    assert ended.err.count("\n") == 1
    assert ended.error["kind"] == "not_confirmed"
    assert "--yes" in ended.error["message"]
    assert ended.out == ""
    assert (pump.executed, pump.pending) == ([], None)


@pytest.mark.parametrize(
    "command",
    [
        ("program", "--rate", "0.2 mL/day"),
        ("stop",),
        ("bolus", "--dose", "50 mcg", "--duration", "10 min"),
        ("refill", "--volume", "20 mL"),
    ],
)
def test_without_a_terminal_and_without_yes_nothing_is_changed(ask, pump, command):
    ended = ask(*command)
    assert ended.code == 7
    assert ended.err.startswith("Error: not confirmed: standard input is no terminal")
    assert ended.err.count("\n") == 1
    assert (pump.executed, pump.pending) == ([], None)


@pytest.mark.parametrize(
    "command",
    [
        ("program", "--rate", "0.2 mL/day"),
        ("bolus", "--dose", "50 mcg", "--duration", "10 min"),
        ("refill", "--volume", "20 mL"),
    ],
)
def test_a_blank_line_stands_before_each_question(ask, command):
    assert ask(*command, typed="n\n").out.endswith("\n\n")


def test_a_question_that_is_cut_off_does_not_leave_the_cursor_behind_it(ask):
    ended = ask("refill", "--volume", "20 mL", typed="")
    assert ended.err.startswith("Tell the pump so? [y/N] \nError: not confirmed")


@pytest.mark.parametrize(
    ("command", "unchanged"),
    [
        (("bolus", "--dose", "50 mcg", "--duration", "10 min"), "no bolus was ordered"),
        (("refill", "--volume", "20 mL"), "believed volume is unchanged"),
    ],
)
def test_an_order_that_is_not_confirmed_is_not_given(ask, pump, command, unchanged):
    ended = ask(*command, typed="n\n")
    assert ended.code == 7
    assert unchanged in ended.err
    assert pump.executed == []


def test_all_settings_can_be_given_at_once(ask, pump):
    ended = ask(
        *("program", "--rate", "0.1 mL/day", "--concentration", "500 mcg/mL", "--drug", "saline"),
        *("--low-reservoir", "3 mL", "--no-bridge", "--yes", "--json"),
    )
    assert ended.json["read_back"]["prescription"] == {
        "mode": "simple_continuous",
        "drugs": [{"mass_unit": "microgram", "concentration_ng_per_ml": 500_000, "name": "saline"}],
        "daily_dose_ng": 50_000,
        "rate_nl_per_day": 100_000,
        "low_reservoir_threshold_nl": 3_000_000,
        "days": [],
        "periodic_boluses": [],
        "patient_boluses": [],
        "bridge_decision": "declined",
        "bridges": [],
    }
    assert ended.json["review"]["current"]["daily_dose_ng"] == 300_000
    changes = {row["setting"]: row["change_ppm"] for row in ended.json["review"]["rows"]}
    assert changes["rate_nl_per_day"] == -333_333


def test_the_minimum_rate_is_the_pumps_own(ask, pump):
    assert ask("program", "--minimum-rate", "--yes").code == 0
    assert pump.prescription.mode is c.Mode.MINIMUM_RATE
    assert pump.prescription.rate_nl_per_day == 6_000


def test_stop_warns_before_it_asks(ask, pump):
    ended = ask("stop", typed="n\n")
    assert "withdrawal" in ended.out
    assert "48 h" in ended.out
    assert pump.prescription.mode is c.Mode.SIMPLE_CONTINUOUS


def test_a_refill_shows_what_was_believed_and_the_new_date(ask):
    out = ask("refill", "--volume", "20 mL", "--yes").out
    assert "believed 5 mL and now believes 20 mL" in out
    assert "in 43 d 2 h" in out


def test_the_log_is_a_list_of_sentences(ask):
    out = ask("log", "--since", "38").out
    assert out.count("self-test: 4 passed, 0 failed") == 2
    assert "records 5 to 39, 4 older ones overwritten" in out
    assert len(ask("log", "--limit", "3", "--json").json["entries"]) == 3
    assert "refused: order bolus: out of range" in ask("log", "--access").out


def test_the_access_log_tells_links_apart_and_names_its_codes(ask):
    rows = ask("log", "--access", "--limit", "2").out.splitlines()
    assert [row.split()[6] for row in rows[-2:]] == ["a001", "a002"]
    entry = ask("log", "--access", "--json").json["entries"][0]
    named = (entry["event"], entry["request_type"], entry["code"], entry["field"])
    assert named == ("refused", "order_bolus", "out_of_range", "rate")


# --- What is staged ------------------------------------------------------------------------------


def test_what_is_staged_is_shown_next_to_what_is_in_force_and_stays(ask, pump):
    pump.pending = replace(pump.prescription, daily_dose_ng=400_000, rate_nl_per_day=200_000)
    out = ask("staged").out
    assert re.search(r"Total daily dose +300 mcg/day +400 mcg/day +\+33\.3 %", out)
    assert "staged --roll-back drops it" in out
    found = ask("staged", "--json").json
    assert found["review"]["pending"]["daily_dose_ng"] == 400_000
    assert (found["review"]["pending_version"], found["rolled_back"]) == (2, None)
    assert pump.pending is not None


def test_what_is_staged_can_be_dropped_without_a_question(ask, pump):
    pump.pending = replace(pump.prescription, daily_dose_ng=400_000, rate_nl_per_day=200_000)
    assert ask("staged", "--roll-back", "--json").json["rolled_back"] == {"version": 1}
    assert (pump.pending, pump.version) == (None, 1)


@pytest.mark.parametrize("option", [(), ("--roll-back",)])
def test_nothing_staged_is_an_answer_and_no_error(ask, option):
    ended = ask("staged", *option)
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "Nothing is staged.")
    found = ask("staged", *option, "--json").json
    assert (found["review"], found["rolled_back"]) == (None, None)


# --- Where a program reads it --------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [*COMMANDS, ("program", "--drug", "saline", "--no-bridge")], ids=" ".join
)
def test_what_goes_to_no_terminal_is_neither_padded_nor_wrapped(ask, command, monkeypatch):
    """So that grep finds a phrase on one line."""
    out = ask(*command).out
    assert [line for line in out.splitlines() if line != line.rstrip()] == []
    assert not out.startswith(" ")
    if "saline" in command:
        warning = next(line for line in out.splitlines() if line.startswith("WARNING"))
        assert warning.endswith("used up.")


# --- Ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("program",), "nothing to program"),
        (("program", "--dose", "300", "--yes"), "--dose = '300': the unit is missing"),
        (("program", "--dose", "1 mg/day", "--rate", "1 mL/day"), "give one of"),
        (("program", "--rate", "0.0000001 mL/day"), "not a whole number of nL/day"),
        (("program", "--dose", "5e2 mcg/day"), "--dose = '5e2 mcg/day': write the number out"),
        (("program", "--drug", "x" * 33, "--yes"), "33 bytes; allowed 1 to 32 bytes of printable"),
        (("program", "--drug", "\u00e4" * 17, "--yes"), "--drug = '" + "\u00e4" * 17 + "': 34 b"),
        (("program", "--drug", "", "--yes"), "--drug = '': 0 bytes; allowed 1 to 32 bytes"),
        (("program", "--drug", "a\tb", "--yes"), "--drug = 'a\\tb': not printable"),
        (("program", "--drug", "\udcff", "--yes"), "not printable"),
        (
            ("program", "--concentration", "0 mcg/mL", "--yes"),
            "--concentration = '0 mcg/mL': allowed 1 mcg/mL to 100000 mcg/mL",
        ),
        (
            ("program", "--concentration", "1 mg/mL", "--dose", "999999999 mg/day", "--no-bridge"),
            "--dose = '999999999 mg/day': that makes a rate of 999999999 mL/day; allowed 0.048 mL",
        ),
        (
            ("bolus", "--dose", "99999999 mg", "--duration", "1 h", "--yes"),
            "--dose = '99999999 mg': allowed at most 500 mcg",
        ),
        (
            ("program", "--dose", "1 mcg/day", "--flex", "00:00=1 mcg/day"),
            "--dose and --flex exclude each other",
        ),
        (("program", "--minimum-rate", "--periodic", "x"), "--minimum-rate and --periodic excl"),
        (
            ("program", "--patient-bolus", "x", "--no-patient-bolus"),
            "--patient-bolus and --no-patient-bolus exclude each other",
        ),
        (
            ("program", "--other-drug", "x 1 mg/mL", "--no-other-drugs"),
            "--other-drug and --no-other-drugs exclude each other",
        ),
        (
            ("program", "--drug", "x", "--no-bridge", "--catheter", "0.2 mL"),
            "--catheter goes with --bridge, not with --no-bridge",
        ),
        (("program", "--bridge", "--yes"), "nothing to program"),
        (("program", "--drug", "x", "--bridge", "--yes"), 'as --catheter "0.2 mL"'),
        (
            ("program", "--dose", "1 mcg/day", "--age", "old"),
            "--age = 'old': allowed 0 to 120, in whole years",
        ),
        (("program", "--dose", "1 mcg/day", "--age", "121"), "--age = '121': allowed 0 to 120"),
        (
            ("program", "--dose", "1 mcg/day", "--aetiology", "both"),
            "--aetiology = 'both': allowed spinal, cerebral",
        ),
        (
            ("program", "--dose", "1 mcg/day", "--confirm-dose", "1"),
            "--confirm-dose = '1': the unit is missing",
        ),
        (
            ("program", "--flex", "00:00=9999999 mg/day", "--low-reservoir", "1 mL"),
            "--flex = '00:00=9999999 mg/day': that makes a rate of 4999999.5 mL/day; allowed",
        ),
        (
            ("program", "--day-night", "07:00=1 mcg/day", "--yes"),
            "--day-night = '07:00=1 mcg/day': two times wanted",
        ),
        (("program", "--first-in", "2 h", "--yes"), "--first-in goes with --periodic"),
        (("program", "--periodic", "", "--yes"), "--periodic = '': \"every\" is missing"),
        (("bolus", "--priming", "1 mL", "--dose", "1 mcg", "--duration", "1 h"), "give --dose and"),
        (("bolus", "--priming", "1", "--duration", "1 h"), "--priming = '1': the unit is missing"),
        (("alarm-interval", "20"), "QUANTITY = '20': the unit is missing"),
        (("note", "--set", "x" * 129), "129 bytes; allowed 0 to 128 bytes of printable text"),
        (("note", "--set", "a\tb"), "--set = 'a\\tb': not printable"),
        (("identify", "--port", "x"), "give --port before the command"),
        (("identify", "--timeout", "1"), "give --timeout before the command"),
        (("bolus",), "give --dose and --duration, or --priming and --duration, or --abort"),
        (("bolus", "--abort", "--dose", "1 mcg"), "--abort goes with none of --dose, --priming"),
        (("refill", "--volume", "20"), "--volume = '20': the unit is missing"),
        (("refill",), "--volume"),
        (("silence", "eri", "--for", "soon"), "--for = 'soon'"),
        (("silence", "noise", "--for", "1 h"), "eri, eos, motor-stall, stopped-too-long"),
        (("acknowledge", "noise"), "ALARM = 'noise': allowed low-reservoir"),
        (("alarm-test", "loud"), "CLASS = 'loud': allowed non-critical, critical"),
        (("clock", "--set", "noon"), "--set = 'noon'"),
        (("log", "--since", "0"), "--since = '0'"),
        (("log", "--limit", "-1"), "--limit = '-1'"),
        (("dance",), "dance"),
        (("identify", "--colour"), "--colour"),
    ],
)
def test_a_wrong_command_line_is_exit_2_and_says_what_is_allowed(ask, pump, arguments, words):
    ended = ask(*arguments)
    assert ended.code == 2
    assert words in ended.err
    assert ended.out == ""
    assert (pump.executed, pump.pending) == ([], None)
    assert pump.asked_for(m.StagePrescription) == 0
    as_json = ask(*arguments, "--json")
    assert as_json.code == 2
    assert as_json.error["kind"] == "usage"
    assert words in as_json.error["message"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--timeout", "0", "identify"), "--timeout = '0': allowed 0.1 to 600 seconds"),
        (("--timeout", "nan", "identify"), "--timeout = 'nan'"),
        (("--programmer-id", "0", "identify"), "--programmer-id = '0': allowed 1 to 2**64 - 1"),
        (("--programmer-id", "me", "identify"), "--programmer-id = 'me'"),
    ],
)
def test_wrong_global_options_name_value_and_range(run, arguments, words):
    ended = run("--port", "loop://", *arguments)
    assert ended.code == 2
    assert words in ended.err


def test_no_port_names_both_ways_to_give_one(run, monkeypatch):
    monkeypatch.delenv("PUMP_PORT", raising=False)
    ended = run("identify")
    assert ended.code == 2
    assert "--port" in ended.err
    assert "PUMP_PORT" in ended.err


def test_port_and_programmer_id_come_from_the_environment_too(run, pump, monkeypatch):
    monkeypatch.setenv("PUMP_PORT", pump.address)
    monkeypatch.setenv("PUMP_PROGRAMMER_ID", "0x2A")
    assert run("identify").code == 0
    assert pump.requests[:2] == [m.Identify(), m.OpenLink(42)]


def test_a_refusal_is_exit_1_and_lists_every_reason(ask, pump):
    reason = m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.RATE, 25_000, 48_000, 24_000_000)
    pump.answers[m.StagePrescription] = lambda request: m.Refusal(
        request.message_type, (reason, reason)
    )
    ended = ask("program", "--dose", "50 mcg/day", "--yes", "--json")
    assert ended.code == 1
    assert ended.error["kind"] == "refused"
    assert ended.error["reasons"] == 2 * [
        {
            "code": "out_of_range",
            "field": "rate",
            "value": 25_000,
            "minimum": 48_000,
            "maximum": 24_000_000,
            "text": "rate 0.025 mL/day: out of range; allowed 0.048 mL/day to 24 mL/day",
        }
    ]
    assert ask("program", "--dose", "50 mcg/day", "--yes").err.startswith("Error: the pump refused")


def test_reasons_stand_on_lines_of_their_own_beginning_with_what_was_typed(ask, pump):
    reasons = tuple(
        m.Reason(c.RefusalCode.OUT_OF_RANGE, field, 3_000_000, 1, 2)
        for field in (c.Field.LOW_RESERVOIR_THRESHOLD, c.Field.RATE, c.Field.DAILY_DOSE)
    )
    pump.answers[m.StagePrescription] = lambda request: m.Refusal(request.message_type, reasons)
    command = ("program", "--low-reservoir", "3 mL", "--dose", "3 mg/day", "--yes")
    first, *lines = ask(*command).err.splitlines()
    assert first == "Error: the pump refused to stage prescription:"
    assert [line.split(" 3")[0] for line in lines] == [
        "  daily dose",
        "  low-reservoir threshold",
        "  rate",
    ]
    found = ask(*command, "--json")
    assert found.err.count("\n") == 1
    assert [reason["field"] for reason in found.error["reasons"]] == [
        "daily_dose",
        "low_reservoir_threshold",
        "rate",
    ]
    reasons = (
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.BOLUS_RATE, 3, 1, 2),
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.BOLUS_DURATION, 3, 1, 2),
        m.Reason(c.RefusalCode.OUT_OF_RANGE, c.Field.BOLUS_DOSE, 3, 1, 2),
    )
    pump.answers[m.OrderBolus] = lambda request: m.Refusal(request.message_type, reasons)
    found = ask("bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes", "--json")
    assert [reason["field"] for reason in found.error["reasons"]] == [
        "bolus_dose",
        "bolus_duration",
        "bolus_rate",
    ]


def test_a_refused_schedule_begins_with_the_option_that_was_typed_first(ask, pump):
    reasons = tuple(
        m.Reason(c.RefusalCode.OUT_OF_RANGE, field, 3_000_000, 1, 2)
        for field in (c.Field.DAILY_DOSE, c.Field.PATIENT_LOCKOUT, c.Field.PERIODIC_INTERVAL)
    )
    pump.answers[m.StagePrescription] = lambda request: m.Refusal(request.message_type, reasons)
    found = ask(
        *("program", "--periodic", "30 mcg every 6 h over 10 min", "--basal", "none", "--yes"),
        *("--patient-bolus", "20 mcg over 5 min lockout 4 h 4 a day", "--json"),
    )
    assert [reason["field"] for reason in found.error["reasons"]] == [
        "periodic_interval",
        "patient_lockout",
        "daily_dose",
    ]


def test_a_refused_patient_bolus_stays_refused_when_the_pump_falls_silent(ask_briefly, pump):
    reason = m.Reason(c.RefusalCode.LOCKED_OUT, c.Field.PATIENT_LOCKOUT, 5)

    def refuse(request):
        def last(data):
            pump.mangle = lambda data: []
            return [data]

        pump.mangle = last
        return m.Refusal(request.message_type, (reason,))

    pump.answers[m.RequestPatientBolus] = refuse
    ended = ask_briefly("patient-bolus")
    assert ended.code == 1
    assert "lockout" in ended.err
    assert "may be asked for" not in ended.err


def test_a_patient_request_whose_answer_is_lost_is_not_made_twice(ask_briefly, pump):
    lose_attempts(pump, m.RequestPatientBolus, 4)
    ended = ask_briefly("patient-bolus", "--json")
    assert (ended.code, ended.json["resolved"]["done"]) == (0, True)
    assert pump.executed == [m.RequestPatientBolus(1)]


@pytest.mark.parametrize("name", ["low-reservoir", "low_reservoir", "LOW_Reservoir"])
def test_an_alarm_may_be_written_as_json_and_screens_write_it(ask, pump, name):
    assert ask("acknowledge", name).code == 0
    assert ask("silence", name, "--for", "1 h").code == 0
    assert pump.asked_for(m.AcknowledgeAlarm) == pump.asked_for(m.SilenceAlarm) == 1
    assert ask("alarm-test", "NON_CRITICAL").code == 0


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("socket://127.0.0.1", "needs HOST:PORT, as socket://127.0.0.1:5000"),
        ("rfc2217://:5000", "needs HOST:PORT, as rfc2217://"),
        ("nonsense://x", "a device path, socket://HOST:PORT or rfc2217://HOST:PORT"),
    ],
)
def test_a_malformed_address_is_exit_2_and_says_what_an_address_is(run, address, words):
    ended = run("--port", address, "identify", "--json")
    assert ended.code == 2
    assert ended.error["kind"] == "usage"
    assert ended.error["message"].startswith(f"--port = '{address}': ")
    assert words in ended.error["message"]


def test_what_is_no_serial_port_is_exit_3_and_says_so(run):
    ended = run("--port", os.devnull, "identify", "--json")
    assert ended.code == 3
    assert ended.error["kind"] == "port_unavailable"
    assert ended.error["message"] == f"port {os.devnull} is not a serial port"


def test_a_missing_port_is_exit_3(run, tmp_path):
    ended = run("--port", str(tmp_path / "none"), "identify", "--json")
    assert ended.code == 3
    assert ended.error["kind"] == "port_missing"


def test_a_busy_port_is_exit_3(ask, programmer):
    ended = ask("identify", "--json")
    assert ended.code == 3
    assert ended.error["kind"] == "port_busy"


def test_no_answer_is_exit_4(ask_briefly, pump):
    pump.mangle = lambda data: []
    ended = ask_briefly("identify", "--json")
    assert ended.code == 4
    assert ended.error["kind"] == "no_answer"


def test_a_lost_answer_to_a_staging_says_that_something_may_be_staged(ask_briefly, pump):
    """It is exit 4, because therapy is as it was; but it would be wrong to say that nothing is."""
    silent_from(pump, m.StagePrescription)
    ended = ask_briefly("program", "--dose", "400 mcg/day", "--yes", "--json")
    assert ended.code == 4
    assert ended.error["kind"] == "no_answer"
    assert "Therapy is as it was. A prescription may be staged" in ended.error["message"]
    assert "expires by itself within 2 min" in ended.error["message"]


def test_a_pump_that_goes_is_exit_8(ask, pump):
    pump.mangle = lambda data: [None]
    ended = ask("identify", "--json")
    assert ended.code == 8
    assert ended.error["kind"] == "pump_gone"


def test_something_that_is_no_pump_is_exit_9(run):
    ended = run("--port", "loop://", "--timeout", "0.2", "identify", "--json")
    assert ended.code == 9
    assert ended.error["kind"] == "wrong_peer"


def silent_from(pump, request_class):
    """The pump does what it is asked, and its answers get lost from *request_class* on."""

    def answer(request):
        pump.mangle = lambda data: []
        return pump.honest(request)

    pump.answers[request_class] = answer


def test_an_unknown_outcome_is_exit_5_and_says_unknown(ask_briefly, pump):
    silent_from(pump, m.UpdateReservoir)
    ended = ask_briefly("refill", "--volume", "20 mL", "--yes", "--json")
    assert ended.code == 5
    assert ended.error["kind"] == "outcome_unknown"
    assert "UNKNOWN whether the reservoir volume was updated" in ended.error["message"]


def lose_attempts(pump, request_class, count):
    """All *count* answers to one request get lost; then the line is good again."""

    def answer(request):
        del pump.answers[request_class]
        left = [count]

        def mangle(data):
            left[0] -= 1
            if not left[0]:
                pump.mangle = lambda data: [data]
            return []

        pump.mangle = mangle
        return pump.honest(request)

    pump.answers[request_class] = answer


@pytest.mark.parametrize(
    ("request_class", "command"),
    [
        (m.UpdateReservoir, ("refill", "--volume", "20 mL", "--yes")),
        (m.CommitPrescription, ("program", "--dose", "400 mcg/day", "--yes")),
    ],
)
def test_an_outcome_that_the_pump_can_tell_is_told(ask_briefly, pump, request_class, command):
    """No answer to four attempts, then the pump is there again: it did what was asked, once."""
    lose_attempts(pump, request_class, 4)
    ended = ask_briefly(*command, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["resolved"]["done"] is True
    assert len(pump.executed) == 1


def test_an_order_that_the_pump_never_got_is_exit_10(ask_briefly, pump):
    lose_attempts(pump, m.UpdateReservoir, 4)
    # An answer without the deed, and lost at that, stands for a request that was lost on the way.
    pump.honest = lambda request, honest=pump.honest: (
        m.ReservoirUpdated(1, 0, 0, 0)
        if isinstance(request, m.UpdateReservoir)
        else honest(request)
    )
    ended = ask_briefly("refill", "--volume", "20 mL", "--yes", "--json")
    assert ended.code == 10
    assert ended.error["kind"] == "not_done"
    assert "NOT carried out" in ended.error["message"]


def test_a_self_test_that_fails_is_exit_12_and_is_shown_in_full(ask, pump):
    """It is an answer and no complaint; a script has to notice it all the same."""
    results = (m.CheckResult(c.Check.LOG, True), m.CheckResult(c.Check.BATTERY, False))
    pump.answers[m.SelfTest] = lambda request: m.SelfTestReport(results)
    ended = ask("self-test")
    assert (ended.code, ended.err) == (12, "")
    assert re.search(r"Log +passed\nBattery +FAILED", ended.out)
    as_json = ask("self-test", "--json")
    assert (as_json.code, as_json.err) == (ExitCode.SELF_TEST_FAILED, "")
    assert [each["passed"] for each in as_json.json["results"]] == [True, False]


def test_a_lying_pump_is_exit_6(ask, pump):
    pump.answers[m.StagePrescription] = lambda request: replace(
        pump.honest(request), digest=bytes(32)
    )
    ended = ask("program", "--dose", "400 mcg/day", "--yes", "--json")
    assert ended.code == 6
    assert ended.error["kind"] == "verification_failed"
    assert pump.pending is None


def test_help_lists_the_exit_codes(run):
    ended = run("--help")
    assert ended.code == 0
    for line in ("0  done", "5  the outcome is UNKNOWN", "10  the answer was", "130  interrupted"):
        assert line in ended.out


def test_every_cause_has_an_exit_code_of_its_own():
    codes = dict(_EXITS)
    assert len({*codes.values(), ExitCode.NOT_DONE, ExitCode.DONE}) == len(codes) + 2
    assert set(EXIT_MEANINGS) == set(ExitCode)


def test_summaries_are_whole_and_parameters_are_named_by_what_they_are(run):
    """Neither cut off, nor with the names of Python's types, nor in braces."""
    texts = [run("--help").out]
    commands = re.findall(r"^  ([a-z-]+)  +\w", texts[0].split("Commands:")[1], re.MULTILINE)
    assert len(commands) == len(cli._COMMANDS) + len(("keys", "emergency", "conform", "web"))
    texts += [run(command, "--help").out for command in commands]
    for text in texts:
        assert not re.search(r"[{}<>]|\w\.\.\.$", text, re.MULTILINE), text
    assert "--dose QUANTITY" in run("program", "--help").out
    assert "[OPTIONS] ALARM" in run("silence", "--help").out
    assert "never asks" in run("bolus", "--help").out
    assert "{" not in run("silence").err


def test_version_and_nothing_at_all(run):
    assert run("--version").out == f"pump-programmer {__version__}\n"
    nothing = run()
    assert "Usage:" in nothing.out + nothing.err


def test_a_question_that_is_interrupted_does_not_leave_the_cursor_behind_it(monkeypatch, capsys):
    class Interrupted(io.StringIO):
        def isatty(self):
            return True

        def readline(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", Interrupted())
    with pytest.raises(KeyboardInterrupt):
        Terminal(as_json=False).confirm("Sure?")
    assert capsys.readouterr().err == "Sure? [y/N] \n"


# --- On a terminal -------------------------------------------------------------------------------

LONG = ("--port", "nonsense://x", "identify")


def error_on_a_terminal(columns, *arguments, kind="xterm"):
    """What a process writes to standard error, where that is a terminal of so many columns."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        ended = subprocess.run(
            command_line(*arguments),
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            env={**os.environ, "TERM": kind},
            check=False,
        )
        assert ended.returncode == 2
        return os.read(ours, 65_536).decode().splitlines()
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_an_error_breaks_between_words_on_a_terminal(run):
    """A terminal itself breaks wherever its line ends, in the middle of a number or a unit."""
    whole = run(*LONG).err
    assert whole.count("\n") == 1
    lines = error_on_a_terminal(50, *LONG)
    assert len(lines) > 1
    assert all(len(line) <= 50 for line in lines)
    assert " ".join(lines) == whole.strip()


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("columns", "kind"), [(0, "xterm"), (1, "xterm"), (50, "dumb")])
def test_a_terminal_that_has_no_usable_width_gets_the_error_as_it_is(run, columns, kind):
    """It is unknown, or too narrow for words, or the terminal breaks lines by itself."""
    assert error_on_a_terminal(columns, *LONG, kind=kind) == [run(*LONG).err.strip()]


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX")
def test_an_error_in_json_is_one_line_on_any_terminal():
    (line,) = error_on_a_terminal(50, *LONG, "--json")
    assert json.loads(line)["error"]["kind"] == "usage"


# --- As a process of its own ---------------------------------------------------------------------


def command_line(*arguments):
    return [sys.executable, "-m", "pump_programmer", *arguments]


def test_it_runs_as_a_module_and_json_never_imports_rich(pump):
    script = (
        "import sys; sys.argv[1:] = sys.argv[1:]\n"
        "from pump_programmer.cli import main\n"
        "try: main()\n"
        "finally: print('rich' in sys.modules, file=sys.stderr)"
    )
    arguments = ["--port", pump.address, "interrogate", "--json"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr.strip()) == (0, "False")
    assert json.loads(ended.stdout)["at_ms"] == 1_000_000
    as_module = subprocess.run(
        command_line("--version"), capture_output=True, text=True, check=False
    )
    assert as_module.stdout.startswith("pump-programmer ")


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_control_c_is_exit_130_without_a_traceback(pump):
    pump.mangle = lambda data: []
    process = subprocess.Popen(
        command_line("--port", pump.address, "--timeout", "60", "interrogate"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert pump.asked.wait(20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert err.endswith("Error: interrupted\n")
    assert out == ""


def test_a_reader_that_has_enough_causes_no_traceback(pump):
    """As in ``pump-programmer log | head -1``."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        ended = subprocess.run(
            command_line("--port", pump.address, "log"),
            stdout=write_end,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(write_end)
    assert "Traceback" not in ended.stderr
