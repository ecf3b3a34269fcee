"""A refill at the command line: what was drawn out is held against what the pump believes."""

from dataclasses import replace

import pytest

from pump_programmer.history import LastFill, last_fill
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_sim.model.pump import Pump
from tests.pump_sim.virtual import PROFILE, baclofen, implanted

from .prescriptions import DAY_MS, HOUR_MS, MINUTE_MS
from .virtual_port import VirtualPort

REFILL = ("refill", "--volume", "20 mL")


@pytest.fixture
def flow_factor_ppm():
    """The pump delivers what it commands, unless a test says otherwise."""
    return 1_000_000


@pytest.fixture
def port(flow_factor_ppm):
    """A full pump of 20 mL at 0.4 mL/day."""
    pump = Pump.implant(PROFILE, baclofen(), flow_factor_ppm=flow_factor_ppm)
    return VirtualPort(pump)


@pytest.fixture
def virtually(run, port, monkeypatch):
    """Run one command against that pump."""
    port.plug_in(monkeypatch)
    return lambda *arguments, typed=None: run("--port", "virtual", *arguments, typed=typed)


@pytest.fixture
def refilled(virtually):
    """Refill to 20 mL, and return what JSON says of the residual."""

    def refill(aspirated, volume="20 mL"):
        ended = virtually("refill", "--volume", volume, "--aspirated", aspirated, "--yes", "--json")
        assert (ended.code, ended.err) == (0, "")
        return ended.json["residual"]

    return refill


# --- What is shown --------------------------------------------------------------------------------


@pytest.mark.parametrize("flow_factor_ppm", [1_250_000])
def test_over_infusion_shows_at_the_refill_before_the_question_and_after(virtually, port):
    """T12: no alarm tells of it; on day 30 there are 5 mL where 8 are expected."""
    port.wait(30 * DAY_MS)
    assert port.pump.fill_by_hand(20_000_000) == 5_000_000
    ended = virtually(*REFILL, "--aspirated", "5 mL", typed="y\n")
    assert ended.code == 0
    before, after = ended.out.split("The pump believed 8 mL and now believes 20 mL.")
    for line in (
        "Expected residual  8 mL, as the pump believes",
        "Actual residual    5 mL, as drawn out",
        "Delivered ratio    125.0 % (15 mL of 12 mL since the last refill)",
        "Believed after     20 mL",
        "WARNING: The pump has delivered 125.0 % of what it should have: more than 14.5 % too much",
        "Source: P2",
    ):
        assert line in before
    assert "Delivered ratio: 125.0 %: over-infusion." in after


def test_what_was_drawn_out_is_kept_by_nobody_else_and_that_is_said_once(virtually, port):
    """The pump is told what it holds now, and nothing of what was found."""
    port.wait(30 * DAY_MS)
    words = "The pump does not keep what was drawn out"
    out = " ".join(virtually(*REFILL, "--aspirated", "8 mL", "--yes").out.split())
    assert out.count(words) == 1
    assert out.index(words) > out.index("and now believes 20 mL.")
    assert words not in " ".join(virtually(*REFILL, "--yes").out.split())


@pytest.mark.parametrize("flow_factor_ppm", [1_250_000])
def test_a_flag_asks_as_any_refill_does_and_no_changes_nothing(virtually, port):
    port.wait(30 * DAY_MS)
    ended = virtually(*REFILL, "--aspirated", "5 mL", typed="n\n")
    assert ended.code == 7
    assert "125.0 %" in ended.out
    assert port.pump.status().believed_volume_nl == 8_000_000


@pytest.mark.parametrize("flow_factor_ppm", [1_250_000])
def test_json_has_every_number_and_a_flag_is_no_error(refilled, port):
    port.wait(30 * DAY_MS)
    assert refilled("5 mL") == {
        "expected_nl": 8_000_000,
        "actual_nl": 5_000_000,
        "fill_nl": 20_000_000,
        "should_have_delivered_nl": 12_000_000,
        "delivered_nl": 15_000_000,
        "delivered_ratio_ppm": 1_250_000,
        "ratio_judged": True,
        "ratio_flag": "over_infusion",
        "why_not": "",
    }


@pytest.mark.parametrize("flow_factor_ppm", [800_000])
def test_under_infusion_is_flagged_too(virtually, port):
    port.wait(30 * DAY_MS)
    out = virtually(*REFILL, "--aspirated", "10.4 mL", "--yes").out
    assert "WARNING: The pump has delivered 80.0 % of what it should have" in out
    assert "Delivered ratio: 80.0 %: under-infusion." in out


def test_a_pump_as_it_should_be_is_not_warned_of(virtually, port):
    port.wait(30 * DAY_MS)
    out = virtually(*REFILL, "--aspirated", "7.9 mL", "--yes").out
    assert "Delivered ratio    100.8 % (12.1 mL of 12 mL since the last refill)" in out
    assert "WARNING" not in out


def test_with_less_than_two_milliliters_to_deliver_the_ratio_is_shown_and_not_judged(
    virtually, port
):
    port.wait(2 * DAY_MS)
    out = virtually(*REFILL, "--aspirated", "18 mL", "--yes").out
    assert (
        "250.0 % (2 mL of 0.8 mL since the last refill); 0.8 mL should have been delivered: not "
        "judged below 2 mL"
    ) in out
    assert "WARNING" not in out


def test_without_aspirated_the_expected_residual_and_the_danger_are_shown(virtually, port):
    port.wait(30 * DAY_MS)
    ended = virtually(*REFILL, typed="n\n")
    assert "Expected residual  8 mL, as the pump believes" in ended.out
    assert "Actual residual    NOT COMPARED" in ended.out
    assert "CAUTION: What was drawn out is not compared (--aspirated VOLUME)" in ended.out
    found = virtually(*REFILL, "--yes", "--json").json["residual"]
    assert (found["expected_nl"], found["actual_nl"], found["fill_nl"]) == (8_000_000, None, None)
    assert "--aspirated" in found["why_not"]


def test_the_log_is_not_read_where_nothing_is_compared(ask, pump):
    assert ask(*REFILL, "--yes").code == 0
    assert pump.asked_for(m.ReadLog) == 0


# --- What it was filled to ------------------------------------------------------------------------


def test_the_fill_is_that_of_the_last_refill_of_several(refilled, port):
    port.wait(20 * DAY_MS)
    assert refilled("12 mL", volume="15 mL")["fill_nl"] == 20_000_000
    port.wait(10 * DAY_MS)
    second = refilled("11 mL", volume="18 mL")
    assert (second["fill_nl"], second["delivered_ratio_ppm"]) == (15_000_000, 1_000_000)
    port.wait(5 * DAY_MS)
    assert refilled("16 mL")["fill_nl"] == 18_000_000


def test_a_refill_beyond_many_pages_of_the_log_is_found(refilled, virtually, port):
    """Alarms, notes and boluses of months stand between; the newest page holds 13 records."""
    refilled("20 mL", volume="19 mL")
    port.wait(10 * DAY_MS)
    for number in range(40):
        assert virtually("note", "--set", str(number)).code == 0
    assert refilled("15 mL")["fill_nl"] == 19_000_000


@pytest.mark.parametrize("before", [3, 12, 13, 14, 27])
def test_records_of_the_same_millisecond_hide_no_refill(refilled, virtually, port, before):
    """The page that begins at the very moment of the refill need not be the one that holds it."""
    refilled("20 mL", volume="19 mL")
    for number in range(before):
        virtually("note", "--set", str(number))
    port.wait(10 * DAY_MS)
    assert refilled("15 mL")["fill_nl"] == 19_000_000


def test_a_log_that_has_lost_the_refill_says_why_there_is_no_ratio(ask, pump):
    """Records 1 to 4 are gone, and with them the beginning of service."""
    out = ask(*REFILL, "--aspirated", "1 mL", "--yes").out
    why = (
        "cannot be told: the therapy log no longer holds the last refill: records 5 to 39, "
        "4 older ones overwritten"
    )
    assert f"Delivered ratio    {why}" in out
    assert f"Delivered ratio: {why}." in out
    found = ask(*REFILL, "--aspirated", "1 mL", "--yes", "--json").json["residual"]
    assert (found["actual_nl"], found["fill_nl"], found["ratio_flag"]) == (1_000_000, None, None)
    assert found["why_not"] in why


def test_a_whole_log_without_a_refill_says_so(programmer, pump):
    pump.log = [replace(pump.log[0], sequence=1)]
    assert last_fill(programmer, programmer.interrogate()) == LastFill(
        None, "the therapy log holds no refill"
    )
    pump.log = [m.LogEntry(1, 0, c.LogEvent.IMPLANTED, 18_000_000, 5, 0, 1), *pump.log[1:]]
    assert last_fill(programmer, programmer.interrogate()) == LastFill(18_000_000)


def test_a_log_without_end_is_not_read_without_end(programmer, pump):
    """A broken pump claims 2**60 records, and always has another page of them."""
    end = 2**60
    entry = m.LogEntry(1, 1, c.LogEvent.SELF_TESTED, 4, 0, 0, 1)
    pump.answers[m.ReadLog] = lambda request: m.LogPage(
        m.LogRange(1, end, 0), (replace(entry, sequence=request.first_sequence),)
    )
    status = replace(programmer.interrogate(), therapy_log=m.LogRange(1, end, 0))
    assert last_fill(programmer, status).volume_nl is None
    assert pump.asked_for(m.ReadLog) == 100


# --- What else happens ----------------------------------------------------------------------------


def test_a_bolus_that_runs_counts_with_what_it_has_delivered(refilled, virtually, port):
    port.wait(10 * DAY_MS)
    assert virtually("bolus", "--dose", "400 mcg", "--duration", "1 h", "--yes").code == 0
    port.wait(30 * MINUTE_MS)
    found = refilled("15.89 mL")
    assert found["expected_nl"] == 15_891_666  # 10 days, 30 min of basal, half of 0.2 mL
    assert (found["ratio_judged"], found["ratio_flag"]) == (True, None)


def test_a_priming_bolus_was_delivered_too(refilled, virtually, port):
    assert virtually("bolus", "--priming", "1 mL", "--duration", "2 h", "--yes").code == 0
    port.wait(10 * DAY_MS)
    found = refilled("15 mL")
    assert found["should_have_delivered_nl"] == 5_000_000
    assert found["delivered_ratio_ppm"] == 1_000_000


def test_setting_the_clock_changes_no_ratio(refilled, virtually, port):
    port.wait(5 * DAY_MS)
    refilled("18 mL", volume="19 mL")
    virtually("clock", "--set", "2031-05-05T10:00")
    port.wait(10 * DAY_MS)
    virtually("clock", "--set", "1999-05-05T10:00")
    found = refilled("15 mL")
    assert (found["fill_nl"], found["delivered_ratio_ppm"]) == (19_000_000, 1_000_000)


def test_a_pump_that_ran_dry_is_compared_with_nothing_expected(refilled, port):
    port.wait(60 * DAY_MS)
    found = refilled("0 mL")
    assert (found["expected_nl"], found["delivered_ratio_ppm"]) == (0, 1_000_000)


@pytest.mark.parametrize(
    ("aspirated", "words"),
    [
        (
            "20.1 mL",
            "--aspirated = '20.1 mL': allowed 0 mL to 20 mL, the capacity of the reservoir",
        ),
        ("5", "--aspirated = '5': the unit is missing"),
        ("-5 mL", "--aspirated = '-5 mL'"),
        ("99999 mL", "--aspirated = '99999 mL': the wire carries at most 4294.967295 mL"),
    ],
)
def test_an_impossible_volume_is_exit_2_with_its_limits_and_tells_the_pump_nothing(
    virtually, port, aspirated, words
):
    ended = virtually(*REFILL, "--aspirated", aspirated, "--yes", "--json")
    assert ended.code == 2
    assert ended.error["kind"] == "usage"
    assert words in ended.error["message"]
    port.wait(HOUR_MS)
    assert port.pump.status().last_refill_at_ms == 0


def test_more_than_was_filled_in_is_refused_with_what_was_told(refilled, virtually, port):
    port.wait(10 * DAY_MS)
    refilled("16 mL", volume="18 mL")
    ended = virtually(*REFILL, "--aspirated", "19 mL", "--yes")
    assert ended.code == 2
    assert "allowed 0 mL to 18 mL, what the pump was told at the last refill" in ended.err
    assert "an earlier entry was wrong" in ended.err


def test_the_programmers_own_refill_asks_for_no_comparison():
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        assert programmer.refill(18_000_000).after_nl == 18_000_000
