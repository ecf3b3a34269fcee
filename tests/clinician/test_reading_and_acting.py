"""What pages read of a pump, and the acts of one request: all that the command line can."""

import pytest

from pump_programmer.web import acting_routes, reading_routes, standing_routes
from pump_programmer.words import class_of
from pump_protocol import messages as m
from pump_protocol.codes import Alarm
from pump_sim.model.firmware.alarms import RULES
from tests.pump_sim.virtual import implanted

DAY_MS = 86_400_000


@pytest.fixture
def low(port):
    """A pump whose reservoir is low, so that an alarm sounds."""
    port.pump = implanted(2_100_000, daily_dose_ng=300_000)
    port.restart()
    port.wait(DAY_MS)
    return port


# --- Reading -------------------------------------------------------------------------------------


def test_an_interrogation_has_what_json_has_and_what_a_person_reads(page):
    found = page.get("/interrogate")
    assert found["believed_volume_nl"] == 20_000_000
    shown = found["shown"]
    assert ["Daily dose", "300 mcg/day"] in shown["facts"]
    titles = [each["title"] for each in shown["sections"]]
    assert titles == ["Infusion", "Prescription", "Reservoir", "Service"]
    assert shown["typed"]["dose"] == "300 mcg/day"
    assert (shown["alarms"], shown["staged"], shown["stopped"]) == ([], False, False)


def test_a_stopped_pump_and_one_with_something_staged_are_warned_of(page):
    page.program(stop=True)
    page.post("/program/review", 201, dose="300 mcg/day")
    shown = page.get("/interrogate")["shown"]
    texts = [each["text"] for each in shown["warnings"]]
    assert "All infusion is STOPPED." in texts
    assert "A prescription is staged and NOT in force." in texts
    assert shown["typed"]["stop"] is True


def test_a_pump_that_has_lost_its_prescription_is_warned_of(page, port):
    port.lose_memory()
    shown = page.get("/interrogate")["shown"]
    assert "The pump has lost its prescription" in shown["warnings"][0]["text"]
    assert set(shown["typed"]) == {"low_reservoir"}


def test_the_form_has_the_ranges_of_this_pump_with_units(page):
    form = page.get("/form")
    program = {each["name"]: each for each in form["program"]}
    assert program["rate"]["allowed"] == "0.048 mL/day to 24 mL/day"
    assert program["dose"]["units"] == ["mcg/day", "mg/day", "ng/day"]
    assert program["dose"]["help"] == "to be confirmed above 1000 mcg/day"
    assert "low-reservoir" in form["alarms"]
    assert form["alarm_interval"][0]["allowed"] == "10 min to 2 h"


def test_identity_and_prescription_and_clock_and_self_test(page):
    assert ["Model", page.get("/identity")["model"]] in page.get("/identity")["shown"]["facts"]
    assert page.get("/prescription")["current"]["version"] == 1
    assert page.get("/clock")["shown"]["text"].startswith("The pump's clock shows ")
    tested = page.post("/self-test")
    assert tested["passed"]
    assert "passed" in tested["shown"]["text"]


def test_the_log_is_read_page_by_page_from_its_end(page):
    for _ in range(5):
        page.post("/alarms/test")
    newest = page.get("/log", limit=2)
    assert [each["sequence"] for each in newest["entries"]] == [5, 6]
    assert newest["entries"][0]["text"]
    assert (newest["older"], newest["newer"]) == (5, None)
    older = page.get("/log", limit=2, before=newest["older"])
    assert [each["sequence"] for each in older["entries"]] == [3, 4]
    assert (older["older"], older["newer"]) == (3, 7)
    oldest = page.get("/log", limit=50, before=3)
    assert ([each["sequence"] for each in oldest["entries"]], oldest["older"]) == ([1, 2], None)
    assert page.get("/log", before=1)["entries"] == []


def test_the_access_log_is_read_too(page):
    found = page.get("/access-log", limit=200)
    assert found["entries"][-1]["text"]
    assert found["entries"][-1]["sequence"] == found["range"]["next_sequence"] - 1


def test_a_report_is_a_file_to_keep(page, monkeypatch):
    response = page.http.get("/api/v1/report.html?days=7")
    assert response.status_code == 200
    name = response.headers["content-disposition"]
    assert name.startswith('attachment; filename="pump-')
    assert name.endswith('.html"')
    assert "Pump report" in response.text
    assert "<svg" in response.text
    as_json = page.http.get("/api/v1/report.json")
    assert as_json.json()["identity"]["serial_number"] in as_json.headers["content-disposition"]
    assert page.get("/report.json", 422, days=0)["errors"][0]["field"] == "days"
    monkeypatch.setattr("pump_programmer.web.reading_routes.can_draw", lambda: False)
    problem = page.get("/report.html", 501)
    assert "pip install 'pump-sim[plot]'" in problem["detail"]


def test_a_serial_number_puts_nothing_into_the_name_of_a_file(page, port):
    port.pump.serial_number = 'x"\\../y'
    port.restart()
    page.post("/disconnect")
    page.post("/connect")
    name = page.http.get("/api/v1/report.json").headers["content-disposition"]
    assert name.startswith('attachment; filename="pump-x-..-y-')


# --- Alarms --------------------------------------------------------------------------------------


def test_an_alarm_is_listed_silenced_and_acknowledged(low, page):
    (alarm,) = page.get("/interrogate")["shown"]["alarms"]
    assert (alarm["name"], alarm["class"], alarm["active"]) == (
        "low-reservoir",
        "non_critical",
        True,
    )
    done = page.post("/alarms/low-reservoir/silence", **{"for": "1 h"})
    assert done["record"]["silenced_until_ms"] == low.pump.at_ms + 3_600_000
    assert "silenced until" in done["shown"]["text"]
    done = page.post("/alarms/low-reservoir/acknowledge")
    assert "acknowledged" in done["shown"]["text"]
    assert page.get("/interrogate")["shown"]["alarms"][0]["acknowledged"]
    assert page.state["changes"] == 2


def test_what_is_wrong_with_silence_is_told_at_its_field(low, page):
    problem = page.post("/alarms/low-reservoir/silence", 422, **{"for": "1"})
    assert problem["errors"][0]["field"] == "for"
    problem = page.post("/alarms/low-reservoir/silence", 409, **{"for": "3 d"})
    assert (problem["errors"][0]["field"], problem["errors"][0]["allowed"]) == (
        "for",
        "1 min to 1 d",
    )
    assert page.post("/alarms/nonsense/acknowledge", 404)["code"] == "unknown_alarm"
    problem = page.post("/alarms/eos/acknowledge", 409)
    assert problem["reasons"][0]["code"] == "alarm_not_listed"


def test_tones_are_tested_and_the_critical_one_is_set(page):
    assert page.post("/alarms/test", **{"class": "non-critical"})["shown"]["text"] == (
        "The non-critical tone sounds for 1 s."
    )
    assert page.post("/alarms/test", 422, **{"class": "loud"})["code"] == "bad_value"
    done = page.put("/alarms/interval", interval="20 min")
    assert done["shown"]["text"] == "The critical tone repeats every 20 min from now on."
    (error,) = page.put("/alarms/interval", 422, interval="1 min")["errors"]
    assert (error["field"], error["why"]) == ("interval", "allowed 10 min to 2 h")


@pytest.mark.parametrize(
    ("kind", "act"),
    [
        (m.SetAlarmInterval, lambda page: page.put("/alarms/interval", interval="20 min")),
        (m.WriteNote, lambda page: page.put("/note", text="seen")),
        (m.SetClock, lambda page: page.put("/clock", time="2030-01-01T10:00")),
        (
            m.SilenceAlarm,
            lambda page: page.post("/alarms/low-reservoir/silence", **{"for": "1 h"}),
        ),
        (m.AcknowledgeAlarm, lambda page: page.post("/alarms/low-reservoir/acknowledge")),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_an_act_whose_answer_was_lost_is_found_out_to_be_done(low, page, kind, act):
    page.get("/interrogate")
    low.lose_answers_to(kind)
    assert act(page)["resolved"]["done"] is True


# --- Note and clock ------------------------------------------------------------------------------


def test_a_note_is_written_and_read_back(page):
    assert page.get("/note")["shown"]["text"] == "There is no note."
    assert page.put("/note", text="seen on Monday")["text"] == "seen on Monday"
    assert page.get("/note")["text"] == "seen on Monday"
    (error,) = page.put("/note", 422, text="x" * 129)["errors"]
    assert (error["field"], "allowed 0 to 128 bytes" in error["why"]) == ("text", True)
    assert page.put("/note", text="")["shown"]["text"] == "There is no note."


def test_both_clocks_and_their_difference_are_told_before_one_is_set(page):
    """A click must not move a training of January to today unawares."""
    page.put("/clock", time="now")
    near = page.get("/clock")
    assert near["shown"]["warnings"] == []
    page.put("/clock", time="2030-01-01T10:00")
    far = page.get("/clock")
    assert far["clock_ms"] > far["computer_clock_ms"]
    facts = dict(far["shown"]["facts"])
    assert facts["The pump's clock"] == "2030-01-01 10:00:00"
    assert facts["The pump's clock is"].endswith(" ahead")
    (warning,) = far["shown"]["warnings"]
    assert warning["severity"] == "warning"
    assert "training pump" in warning["text"]


def test_the_clock_is_set(page):
    done = page.put("/clock", time="2030-01-01T10:00")
    assert done["shown"]["text"].endswith("and now shows 2030-01-01 10:00:00.")
    page.put("/clock", time="now")
    (error,) = page.put("/clock", 422, time="10 o'clock")["errors"]
    assert (error["field"], "2026-11-22T10:00 wanted" in error["why"]) == ("time", True)


# --- Emergency -----------------------------------------------------------------------------------


def test_an_emergency_needs_no_key_but_somebody_at_the_patient(guarded, open_clinic):
    page = open_clinic().page()
    page.post("/connect", 403)
    told = page.post("/emergency/identify")
    assert "stops ALL infusion" in told["warnings"]["stop"]
    problem = page.post("/emergency/status", 409)
    assert problem["reasons"][0]["code"] == "not_near"
    assert "Lay the programming head on the pump" in problem["detail"]
    guarded.be_at_the_patient()
    status = page.post("/emergency/status")
    assert ["Daily dose", "300 mcg/day"] in status["shown"]["facts"]
    problem = page.post("/emergency/stop", 409)
    assert (problem["code"], problem["exit_code"]) == ("not_confirmed", 7)
    assert guarded.firmware.prescription.rate_nl_per_day == 150_000
    done = page.post("/emergency/minimum-rate", confirmed=True)
    assert "Withdrawal may follow" in done["shown"]["text"]
    assert guarded.firmware.prescription.rate_nl_per_day == 6_000
    guarded.be_at_the_patient()
    done = page.post("/emergency/stop", confirmed=True)
    assert done["shown"]["text"].startswith("All infusion is STOPPED")
    assert guarded.firmware.prescription.rate_nl_per_day == 0
    assert page.state["connection"] == "closed", "nobody has a key"


def test_no_get_opens_or_drops_anything(page, clinic):
    """A browser may load what a GET asks for at any time, for any page: a review outlives all."""
    held = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    parts = (standing_routes, reading_routes, acting_routes)
    gets = [each.path for part in parts for each in part.router.routes if "GET" in each.methods]
    assert "/interrogate" in gets
    for path in gets:
        if path != "/stream":
            clinic.page("image").http.get(f"/api/v1{path}")
            assert page.state["review"]["review_id"] == held, path
    assert page.post("/emergency/identify")["pump"]
    assert page.state["review"] is None


def test_after_an_emergency_the_page_is_connected_as_before_and_nothing_is_staged(page, port):
    page.post("/program/review", 201, dose="350 mcg/day")
    port.be_at_the_patient()
    page.post("/emergency/stop", confirmed=True)
    state = page.state
    assert (state["connection"], state["review"], state["changes"]) == ("open", None, 1)
    found = page.get("/interrogate")["shown"]
    assert found["stopped"]
    assert {each["alarm"] for each in found["alarms"]} == {"emergency_action"}
    assert found["alarms"][0]["class"] == "critical"


def test_an_emergency_act_whose_answer_was_lost_is_unknown_and_may_be_asked_again(page, port):
    port.be_at_the_patient()
    port.lose_answers_to(m.EmergencyStop)
    problem = page.post("/emergency/stop", 504, confirmed=True)
    assert problem["code"] == "outcome_unknown"
    assert "Ask for it again" in problem["detail"]
    port.be_at_the_patient()
    page.post("/emergency/stop", confirmed=True)


def test_every_alarm_has_the_class_that_the_pump_gives_it():
    """ALARM-01: what a page shows is what sounds."""
    pumps = {alarm.name: rule.alarm_class.name for alarm, rule in RULES.items()}
    assert {alarm.name: class_of(alarm).name for alarm in Alarm} == pumps
