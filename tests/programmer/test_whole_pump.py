"""Programmer and command line against a whole simulated pump, in virtual time."""

import json

import pytest

from pump_programmer.errors import OutcomeUnknown, PumpRefused
from pump_programmer.patience import Patience
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_sim.model.hardware.faults import BitFlip
from tests.pump_sim.virtual import implanted

from .prescriptions import DAY_MS, HOUR_MS, MINUTE_MS, simple, with_patient
from .virtual_port import VirtualPort

FLEX = (
    "--flex",
    "mon-fri 00:00=120 mcg/day 08:00=300 mcg/day",
    "--flex",
    "sat,sun 00:00=0.1 mL/day",
)
PERIODIC = ("--periodic", "30 mcg every 6 h over 10 min", "--basal", "100 mcg/day")
PATIENT = ("--patient-bolus", "20 mcg over 5 min lockout 4 h 4 a day")


@pytest.fixture
def port():
    """A new pump at 300 mcg/day of 2,000 mcg/mL; its clock begins with a Thursday."""
    return VirtualPort(implanted(daily_dose_ng=300_000))


@pytest.fixture
def ask(run, port, monkeypatch):
    """Run one command against the pump."""
    port.plug_in(monkeypatch)
    return lambda *arguments, typed=None: run("--port", "virtual", *arguments, typed=typed)


@pytest.fixture
def do(ask):
    """Run one command that succeeds, and return what it says in JSON."""

    def succeed(*arguments):
        ended = ask(*arguments, "--json")
        assert (ended.code, ended.err) == (0, "")
        return ended.json

    return succeed


def program(do, *arguments):
    return do("program", *arguments, "--yes")


def events(do):
    return [each["event"] for each in do("log")["entries"]]


def test_a_prescription_of_which_nothing_flows_is_not_only_called_verified(ask, port):
    """As on a pump that has lost what it believed to be in its reservoir."""
    port.pump = implanted(0)
    port.restart()
    programmed = ask("program", "--dose", "300 mcg/day", "--yes").out
    assert "NOTHING FLOWS: the pump believes that its reservoir is empty." in programmed
    ask("refill", "--volume", "20 mL", "--yes")
    assert "NOTHING FLOWS" not in ask("program", "--dose", "310 mcg/day", "--yes").out


# --- Schedules -----------------------------------------------------------------------------------


def test_a_week_of_steps_is_programmed_and_shown(ask, do, port):
    """The pump's own clock decides: it begins on a Thursday at midnight."""
    programmed = program(do, *FLEX)
    prescription = programmed["read_back"]["prescription"]
    assert prescription["mode"] == "flex"
    assert prescription["days"][1] == {
        "weekdays": ["saturday", "sunday"],
        "steps": [{"starts_at_min": 0, "rate_nl_per_day": 100_000}],
    }
    assert do("interrogate")["infusing_nl_per_day"] == 60_000
    port.wait(8 * HOUR_MS)
    assert do("interrogate")["infusing_nl_per_day"] == 150_000
    port.wait(2 * DAY_MS)
    assert do("interrogate")["infusing_nl_per_day"] == 100_000
    out = ask("interrogate").out
    for line in (
        "Steps Mon-Fri          00:00 120 mcg/day (0.06 mL/day)",
        "                       08:00 300 mcg/day (0.15 mL/day)",
        "Steps Sat, Sun         00:00 200 mcg/day (0.1 mL/day)",
        "Daily dose             228.571 mcg/day",
        "On the day with most   240 mcg/day",
    ):
        assert line in out


def test_day_and_night_is_a_week_of_steps(do, port):
    program(do, "--day-night", "07:00=300 mcg/day 22:00=200 mcg/day")
    rates = []
    for _ in range(3):
        rates.append(do("interrogate")["infusing_nl_per_day"])
        port.wait(11 * HOUR_MS)
    assert rates == [100_000, 150_000, 100_000]


def test_a_review_of_another_week_has_every_weekday_and_its_change(ask, do):
    """T7: the total daily dose says what a list of steps does not."""
    program(do, *FLEX)
    out = ask("program", "--flex", "00:00=1440 mcg/day", typed="n\n").out
    monday = next(line for line in out.splitlines() if line.startswith("Monday"))
    assert "00:00 120 mcg/day, 08:00 300 mcg/day  00:00 1440 mcg/day" in monday
    assert monday.endswith(" +500.0 %")
    assert "+530.0 %" in next(line for line in out.splitlines() if line.startswith("Total daily"))


def test_periodic_boluses_keep_their_time_when_another_setting_changes(do, port):
    program(do, *PERIODIC, "--first-in", "2 h")
    assert do("interrogate")["next_periodic_bolus_at_ms"] == 2 * HOUR_MS
    port.wait(5 * HOUR_MS)
    again = program(do, "--low-reservoir", "3 mL")
    first = again["read_back"]["prescription"]["periodic_boluses"][0]["first_after_ms"]
    assert first == 3 * HOUR_MS
    assert do("interrogate")["next_periodic_bolus_at_ms"] == 8 * HOUR_MS


def test_a_running_periodic_bolus_is_on_the_screen(ask, do, port):
    program(do, *PERIODIC, "--first-in", "2 h")
    port.wait(2 * HOUR_MS + MINUTE_MS)
    out = ask("interrogate").out
    assert "periodic bolus RUNNING: 0.002 mL of 0.015 mL" in out
    assert "Periodic bolus         30 mcg every 6 h over 10 min" in out
    assert "Basal                  100 mcg/day (0.05 mL/day)" in out
    assert "Next periodic bolus    1970-01-01 08:00:00 (in 5 h 59 min)" in out


def test_minutes_for_hours_are_refused_by_the_dose_limit(ask, port):
    """T6: 30 mcg every 6 min make 7,200 mcg/day, within the flow limit and beyond any dose."""
    ended = ask(
        *("program", "--periodic", "30 mcg every 6 min over 5 min", "--basal", "none", "--yes"),
        "--json",
    )
    assert ended.code == 1
    texts = [each["text"] for each in ended.error["reasons"]]
    assert any("7200 mcg/day: out of range" in each and "2000 mcg/day" in each for each in texts)
    assert port.firmware.prescription.daily_dose_ng == 300_000


def test_an_interval_of_minutes_that_passes_the_limits_is_warned_of(ask):
    ended = ask("program", "--periodic", "1 mcg every 6 min over 1 min", "--basal", "none", "--yes")
    assert ended.code == 0
    assert "A bolus every 6 min: were hours meant?" in ended.out
    assert "Source: P20" in ended.out


# --- Patient boluses -----------------------------------------------------------------------------


def test_ten_presses_in_an_hour_give_one_bolus_and_nine_reasons(ask, do, port):
    """T15, REQ-12, REQ-13: one accepted, nine refused for the lockout, each of them logged."""
    program(do, *PATIENT)
    ended = []
    for _ in range(10):
        ended.append(ask("patient-bolus"))
        port.wait(6 * MINUTE_MS)
    assert [each.code for each in ended] == [0] + 9 * [1]
    assert "Patient bolus of 0.01 mL began." in ended[0].out
    assert "the next from 1970-01-01 04:00:00 (in 4 h)" in ended[0].out
    assert "refused to give a patient bolus" in ended[5].err
    assert "The next one may be asked for from 1970-01-01 04:00:00" in ended[5].err
    assert events(do).count("patient_bolus_refused") == 9


def test_the_fifth_bolus_of_a_day_is_refused_until_the_first_is_a_day_old(ask, do, port):
    program(do, *PATIENT)
    for _ in range(4):
        do("patient-bolus")
        port.wait(4 * HOUR_MS)
    ended = ask("patient-bolus", "--json")
    assert ended.code == 1
    assert [each["code"] for each in ended.error["reasons"]] == ["allotment_used"]
    assert "from 1970-01-02 00:00:00 (in 8 h)" in ended.error["message"]
    out = ask("interrogate").out
    assert "0 of 4 in 24 h left, the next from 1970-01-02 00:00:00 (in 8 h)" in out
    port.wait(8 * HOUR_MS)
    assert do("patient-bolus")["left"] == 0


def test_without_a_prescribed_bolus_the_patient_gets_none(ask, do):
    ended = ask("patient-bolus", "--json")
    assert (ended.code, ended.error["reasons"][0]["code"]) == (1, "not_prescribed")
    program(do, *PATIENT)
    gone = program(do, "--no-patient-bolus")
    assert gone["read_back"]["prescription"]["patient_boluses"] == []


def test_a_lost_answer_to_a_patient_request_is_found_out_and_nothing_given_twice(port):
    with port.programmer() as programmer:
        programmer.program(with_patient(simple()))
    with port.programmer(patience=Patience(deadline_s=0.05)) as programmer:
        port.deaf = True
        with pytest.raises(OutcomeUnknown):
            programmer.request_patient_bolus()
        port.deaf = False
        resolution = programmer.resolve()
        assert resolution.done is True
        assert resolution.response.left == 3
        assert [each.left for each in programmer.interrogate().patient_boluses] == [3]


# --- Drugs and bridges ---------------------------------------------------------------------------


def test_a_change_of_concentration_is_refused_before_anything_is_sent(ask, port):
    """REQ-11: no default; the error says what a bridge would be."""
    ended = ask(
        "program", "--concentration", "500 mcg/mL", "--catheter", "0.2 mL", "--yes", "--json"
    )
    assert ended.code == 2
    assert ended.error["kind"] == "usage"
    assert "0.34 mL of the old drug at 0.15 mL/day in 2 d 6 h 24 min" in ended.error["message"]
    assert port.firmware.prescription_version == 1


def test_a_bridge_runs_in_the_place_of_the_new_rate_and_then_gives_way(ask, do, port):
    """T9: 0.15 mL/day for 54.4 h, then 0.60 mL/day."""
    program(do, "--concentration", "500 mcg/mL", "--bridge", "--catheter", "0.2 mL")
    found = do("interrogate")
    assert found["infusing_nl_per_day"] == 150_000
    assert found["boluses"][0]["kind"] == "bridge"
    assert found["current"]["prescription"]["bridges"] == [
        {"volume_nl": 340_000, "rate_nl_per_day": 150_000, "duration_ms": 195_840_000}
    ]
    out = ask("interrogate").out
    assert "bridge RUNNING: 0 mL of 0.34 mL, ends 1970-01-03 06:24:00" in out
    assert "0.34 mL of the old drug at 0.15 mL/day, 2 d 6 h 24 min" in out
    port.wait(195_840_000)
    assert do("interrogate")["infusing_nl_per_day"] == 600_000
    assert "bridge of 0.34 mL at 0.15 mL/day began" in ask("log").out


def test_a_prescription_after_a_bridge_needs_no_new_decision(do, port):
    program(do, "--concentration", "500 mcg/mL", "--bridge", "--catheter", "0.2 mL")
    port.wait(195_840_000)
    again = program(do, "--dose", "310 mcg/day")
    assert again["read_back"]["prescription"]["bridge_decision"] == "not_needed"


def test_a_bridge_that_is_declined_is_logged(ask, do):
    program(do, "--concentration", "500 mcg/mL", "--no-bridge")
    assert "bridge declined: 2000 mcg/mL became 500 mcg/mL" in ask("log").out
    assert do("interrogate")["infusing_nl_per_day"] == 600_000


def test_a_mixture_shows_the_dose_of_each_drug(ask, do):
    program(do, "--other-drug", "morphine 1 mg/mL", "--no-bridge")
    assert "Other drug             morphine, 1 mg/mL: 0.15 mg/day" in ask("interrogate").out
    program(do, "--no-other-drugs", "--no-bridge")
    assert "Other drug" not in ask("interrogate").out


# --- Limits and warnings -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ((), 7, 'give --confirm-dose "1200 mcg/day"'),
        (
            ("--confirm-dose", "1300 mcg/day"),
            7,
            "but the highest dose of a day is 1200 mcg",
        ),
        (("--confirm-dose", "1,200 mcg/day"), 2, "--confirm-dose = '1,200 mcg/day': a comma"),
    ],
)
def test_yes_does_not_confirm_a_dose_above_the_soft_limit(ask, port, more, code, words):
    """REQ-03: the dose itself has to be repeated."""
    ended = ask("program", "--dose", "1200 mcg/day", "--yes", *more, "--json")
    assert ended.code == code
    assert words in ended.error["message"]
    assert (port.firmware.prescription_version, port.firmware.pending) == (1, None)


def test_a_dose_above_the_soft_limit_that_is_repeated_is_committed_and_logged(ask, do):
    program(do, "--dose", "1200 mcg/day", "--confirm-dose", "1.2 mg/day")
    assert "1200 mcg/day confirmed, above the soft limit of 1000 mcg/day" in ask("log").out


@pytest.mark.parametrize("typed", ["1200 mcg/day\n", " 1.2 mg/day \n"])
def test_a_person_types_the_dose_instead_of_yes(ask, port, typed):
    ended = ask("program", "--dose", "1200 mcg/day", typed=typed)
    assert ended.code == 0
    assert "above the pump's soft limit of 1000 mcg/day" in ended.out
    assert ended.err == "Type the highest dose of a day to commit this prescription: "
    assert port.firmware.prescription.daily_dose_ng == 1_200_000


@pytest.mark.parametrize("typed", ["y\n", "1200\n", "1300 mcg/day\n", "\n", ""])
def test_another_answer_than_the_dose_changes_nothing(ask, port, typed):
    ended = ask("program", "--dose", "1200 mcg/day", typed=typed)
    assert ended.code == 7
    assert "not confirmed" in ended.err
    assert (port.firmware.prescription_version, port.firmware.pending) == (1, None)


def test_a_dose_that_is_given_to_confirm_must_be_right_even_where_none_is_asked_for(ask, do, port):
    assert (
        ask("program", "--dose", "310 mcg/day", "--confirm-dose", "3100 mcg/day", "--yes").code == 7
    )
    assert port.firmware.prescription_version == 1
    program(do, "--dose", "310 mcg/day", "--confirm-dose", "310 mcg/day")


def test_what_is_known_of_the_patient_makes_the_warnings(ask):
    dose = ("program", "--dose", "400 mcg/day")
    out = ask(*dose, "--aetiology", "spinal", "--age", "3", typed="n\n").out
    assert (
        "The daily dose of baclofen rises by 33.3 %. For children the label raises it by 5 to 15 %"
        in out
    )
    assert "The patient is 3 years old" in out
    found = ask(*dose, "--yes", "--json").json["review"]["warnings"]
    assert [sorted(each) for each in found] == [["severity", "source", "text"]]


def test_a_second_increase_within_a_day_is_warned_of(ask, do, port):
    program(do, "--dose", "310 mcg/day")
    port.wait(23 * HOUR_MS)
    out = ask("program", "--dose", "320 mcg/day", typed="n\n").out
    assert "The last increase was 23 h ago" in out
    port.wait(HOUR_MS)
    assert "WARNING" not in ask("program", "--dose", "320 mcg/day", typed="n\n").out


# --- Orders, tones, notes ------------------------------------------------------------------------


def test_a_priming_bolus_is_shown_with_what_the_tubing_holds(ask, do, port):
    """T11: what exceeds tubing and catheter is a bolus for the patient."""
    ended = ask("bolus", "--priming", "0.34 mL", "--duration", "30 min", typed="y\n")
    assert ended.code == 0
    assert "Priming bolus  680 mcg of baclofen in 30 min" in ended.out
    assert "The tubing in the pump holds 0.14 mL" in ended.out
    assert do("interrogate")["boluses"][0]["kind"] == "priming"
    assert "The priming bolus of order 1 has ended; 0 mL" in ask("bolus", "--abort").out


def test_a_bolus_of_the_pump_itself_is_ended_without_an_order(ask, do, port):
    program(do, *PERIODIC, "--first-in", "0 min")
    port.wait(5 * MINUTE_MS)
    assert "The periodic bolus has ended; 0.0075 mL were delivered." in ask("bolus", "--abort").out


def test_a_priming_bolus_beyond_the_pumps_limit_is_refused_by_name(ask):
    ended = ask("bolus", "--priming", "1.1 mL", "--duration", "2 h", "--yes")
    assert ended.code == 1
    assert "priming volume 1.1 mL: out of range" in ended.err
    assert "to 1 mL" in ended.err


def test_the_interval_of_the_critical_tone_is_set_within_its_limits(ask, do):
    assert "critical tone repeats every 20 min" in ask("alarm-interval", "20 min").out
    assert do("interrogate")["critical_interval_ms"] == 20 * MINUTE_MS
    ended = ask("alarm-interval", "5 min")
    assert ended.code == 1
    assert "interval of the critical tone 5 min: out of range; allowed 10 min to 2 h" in ended.err


def test_a_note_stays_on_the_pump_until_it_is_written_anew(ask, do, port):
    assert "There is no note." in ask("note").out
    do("note", "--set", "call the ward: \u00e4 1-2-3")
    assert do("note")["text"] == "call the ward: \u00e4 1-2-3"
    port.pump.inject(BitFlip(region=3, seed=1))
    assert ask("self-test").code == 12
    assert "memory of the note has failed: write it anew" in ask("note").out
    assert do("note", "--set", "")["intact"] is True


# --- Every mode ----------------------------------------------------------------------------------

EVERY_MODE = [
    ("--dose", "310 mcg/day"),
    FLEX,
    PERIODIC,
    PATIENT,
    ("--minimum-rate",),
    ("--concentration", "500 mcg/mL", "--no-bridge"),
]


@pytest.mark.parametrize("arguments", EVERY_MODE, ids=lambda each: each[0])
def test_every_mode_can_be_stopped_looked_at_and_left_again(ask, do, port, arguments):
    program(do, *arguments)
    current = do("interrogate")["current"]
    assert current["prescription"] == {
        **current["prescription"],
        "mode": port.firmware.prescription.mode.name.lower(),
    }
    stopped = do("stop", "--yes")["read_back"]["prescription"]
    assert (stopped["mode"], stopped["days"], stopped["periodic_boluses"]) == ("stopped", [], [])
    assert "All infusion is STOPPED" in ask("interrogate").out
    assert do("staged")["review"] is None
    program(do, "--dose", "300 mcg/day")
    assert do("interrogate")["current"]["totals"]["mean_ng"] == 300_000


def test_a_staged_week_is_shown_beside_what_is_in_force_and_dropped(ask, do, port):
    with port.programmer() as programmer:
        programmer.stage(with_patient(simple(330_000)))
    found = do("interrogate")
    assert found["pending"]["prescription"]["patient_boluses"][0]["allotted_per_day"] == 4
    out = ask("staged").out
    assert "Patient boluses a day" in out
    assert "With all patient boluses" in out
    assert do("staged", "--roll-back")["rolled_back"] == {"version": 1}


def test_a_pump_that_has_lost_its_drug_says_so_and_is_programmed_in_full(ask, do, port):
    """REQ-21: both copies are lost: minimum rate, and nothing is guessed."""
    for region in (1, 2):
        port.pump.inject(BitFlip(region=region, seed=5))
    assert ask("self-test").code == 12
    out = ask("interrogate").out
    assert "UNKNOWN: the pump has lost it" in out
    assert "program it in full, with --drug, --concentration and a dose" in out
    for command in (
        ("program", "--dose", "300 mcg/day", "--yes"),
        ("bolus", "--dose", "10 mcg", "--duration", "10 min", "--yes"),
    ):
        ended = ask(*command, "--json")
        assert (ended.code, ended.error["kind"]) == (2, "usage")
        assert "has lost its drug" in ended.error["message"]
    assert do("stop", "--yes")["read_back"]["prescription"]["mode"] == "stopped"
    full = ("--drug", "baclofen", "--concentration", "2000 mcg/mL", "--dose", "300 mcg/day")
    whole = program(do, *full)
    assert whole["read_back"]["prescription"]["drugs"][0]["name"] == "baclofen"
    assert do("interrogate")["infusing_nl_per_day"] == 150_000


def test_json_of_an_interrogation_is_status_and_prescriptions(do):
    found = do("interrogate")
    assert json.dumps(found)
    assert found["current"]["totals"] == {
        "mean_ng": 300_000,
        "highest_ng": 300_000,
        "with_patient_ng": 300_000,
    }
    assert found["pending"] is None
    assert found["prescription"]["drug_count"] == 1


def test_the_pump_itself_wants_the_bridge_decided(port):
    """REQ-11 does not rest on this programmer."""
    undecided = simple(300_000, m.Drug(c.MassUnit.MICROGRAM, 500_000, "baclofen"))
    with (
        port.programmer() as programmer,
        pytest.raises(PumpRefused, match="bridge it, or decline to"),
    ):
        programmer.program(undecided)
