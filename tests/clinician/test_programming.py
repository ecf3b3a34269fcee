"""A prescription is put in force in two requests, and only the one that was reviewed."""

import pytest

from pump_protocol import codes as c
from pump_protocol import messages as m
from tests.programmer.virtual_port import VirtualPort
from tests.pump_sim.virtual import implanted

MINUTE_S = 60.0


def in_force(port):
    return port.firmware.prescription.daily_dose_ng


def staged(page):
    return page.get("/prescription")["pending"]


def row(reviewed, setting):
    return next(each for each in reviewed["rows"] if each["setting"] == setting)


# --- Two requests --------------------------------------------------------------------------------


def test_a_review_shows_old_and_new_and_puts_nothing_in_force(page, port):
    reviewed = page.post("/program/review", 201, dose="350 mcg/day")
    dose = row(reviewed, "daily_dose_ng")
    assert (dose["current"], dose["pending"]) == ("300 mcg/day", "350 mcg/day")
    assert (dose["change"], dose["changed"]) == ("+16.7 %", True)
    assert (reviewed["must_confirm"], reviewed["confirm_dose"]) == (False, None)
    assert (reviewed["current_version"], reviewed["pending_version"]) == (1, 2)
    assert row(reviewed, "totals.highest_ng")["repeats"]
    assert in_force(port) == 300_000
    assert staged(page)["prescription"]["daily_dose_ng"] == 350_000


def test_a_commit_puts_in_force_what_was_reviewed_and_reads_it_back(page, port):
    reviewed = page.post("/program/review", 201, dose="350 mcg/day")
    done = page.post("/program/commit", review_id=reviewed["review_id"])
    assert done["committed"]["version"] == 2
    assert done["read_back"]["prescription"]["daily_dose_ng"] == 350_000
    text = "Prescription version 2 is in force, read back and verified."
    assert done["shown"]["text"] == text
    assert done["shown"]["low_reservoir"].startswith("Low-reservoir alarm: ")
    assert in_force(port) == 350_000
    assert page.state["review"] is None
    assert page.state["changes"] == 1


def test_warnings_name_the_fields_of_the_page_and_no_option(page):
    reviewed = page.post("/program/review", 201, dose="450 mcg/day")
    texts = [each["text"] for each in reviewed["warnings"]]
    assert any("The label raises it by 10 to 30 %" in text for text in texts)
    assert reviewed["warnings"][0]["severity"] == "warning"
    assert not [text for text in texts if "--" in text]


def test_a_pump_that_believes_itself_empty_is_told_of_with_the_commit(page, port):
    port.pump = implanted(0)
    port.restart()
    done = page.program(dose="310 mcg/day")
    assert "NOTHING FLOWS" in done["shown"]["warnings"][0]["text"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"rate": "0.2 mL/day"}, {"mode": "simple_continuous", "daily_dose_ng": 400_000}),
        ({"minimum_rate": True}, {"mode": "minimum_rate"}),
        ({"stop": True}, {"mode": "stopped", "rate_nl_per_day": 0}),
        ({"flex": ["mon-fri 00:00=300 mcg/day", "sat,sun 00:00=0.1 mL/day"]}, {"mode": "flex"}),
        ({"day_night": "07:00=300 mcg/day 22:00=200 mcg/day"}, {"mode": "flex"}),
        (
            {"periodic": "30 mcg every 6 h over 10 min", "basal": "none", "first_in": "2 h"},
            {"mode": "periodic_bolus"},
        ),
        (
            {"concentration": "1000 mcg/mL", "bridge": False},
            {"rate_nl_per_day": 300_000, "bridge_decision": "declined"},
        ),
        ({"low_reservoir": "3 mL"}, {"low_reservoir_threshold_nl": 3_000_000}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_whatever_the_command_line_programs_a_page_does(page, fields, expected):
    done = page.program(**fields)
    read_back = done["read_back"]["prescription"]
    assert {name: read_back[name] for name in expected} == expected


def test_what_is_in_force_can_be_typed_again_and_changes_nothing(page):
    """The form begins with it: whoever commits it unchanged changes no setting."""
    page.program(
        flex=["mon-fri 00:00=120 mcg/day 08:00=300 mcg/day", "sat,sun 00:00=0.1 mL/day"],
        patient_bolus="20 mcg over 5 min lockout 4 h 4 a day",
        other_drug=["morphine 1 mg/mL"],
        bridge=False,
    )
    typed = page.get("/prescription")["shown"]["typed"]
    reviewed = page.post("/program/review", 201, **typed)
    changed = [each["setting"] for each in reviewed["rows"] if each["changed"]]
    assert changed == ["bridge_decision"], "which is of one change alone"


def test_empty_fields_are_fields_in_which_nothing_was_typed(page, port):
    page.program(dose="350 mcg/day", rate="", flex=[""], basal=" ", age="")
    assert in_force(port) == 350_000


# --- Fields --------------------------------------------------------------------------------------


def errors(problem):
    return {each["field"]: each for each in problem["errors"]}


def test_every_field_that_is_wrong_is_told_at_once_and_at_its_own(page):
    problem = page.post(
        "/program/review", 422, dose="350", low_reservoir="2,5 mL", aetiology="odd", drug="baclofen"
    )
    found = errors(problem)
    assert set(found) == {"dose", "low_reservoir", "aetiology"}
    assert found["dose"]["value"] == "350"
    assert found["dose"]["why"] == "the unit is missing. Units: mcg/day, mg/day, ng/day."
    assert found["low_reservoir"]["why"].startswith("a comma may mean two things")
    assert found["aetiology"]["why"] == "allowed spinal, cerebral"
    assert "Daily dose = '350': the unit is missing" in problem["detail"]
    assert problem["exit_code"] == 2


@pytest.mark.parametrize(
    ("fields", "named", "said"),
    [
        ({"dose": "1 mg/day", "rate": "1 mL/day"}, "dose", "Daily dose and Rate exclude"),
        ({"basal": "100 mcg/day"}, "basal", 'goes with "Periodic bolus"'),
        ({"concentration": "9000 mg/mL"}, "concentration", "the wire carries at most"),
        ({"concentration": "1 ng/mL"}, "concentration", "allowed 1 mcg/mL to 100000 mcg/mL"),
        ({"concentration": "500 mcg/mL"}, "bridge", '"No bridge"'),
        ({"dose": "10000000 mg/day"}, "dose", "that makes a rate of"),
        ({"flex": ["mon 00:00=1 mcg/day"]}, "flex", "no steps for Tuesday"),
        ({"bridge": False, "catheter": "0.2 mL"}, "catheter", 'goes with "Bridge"'),
        ({}, None, "nothing to program"),
    ],
)
def test_what_makes_no_prescription_is_told_at_a_field_of_the_page(page, fields, named, said):
    problem = page.post("/program/review", 422, **fields)
    assert problem["code"] == "bad_value"
    assert [each["field"] for each in problem["errors"]] == [named]
    assert said in problem["errors"][0]["why"] or said in problem["detail"]
    assert "--" not in problem["detail"]


def test_what_the_pump_refuses_is_told_at_the_field_with_what_is_allowed(page):
    problem = page.post("/program/review", 409, dose="5 mg/day")
    assert (problem["code"], problem["exit_code"]) == ("refused", 1)
    found = [each for each in problem["errors"] if each["field"] == "dose"]
    assert any(each["allowed"] == "0.001 mcg/day to 2000 mcg/day" for each in found), found
    assert problem["reasons"][0]["code"] == "out_of_range"
    assert page.state["review"] is None


def test_a_field_that_nobody_knows_and_one_of_another_kind_are_refused(page):
    assert page.post("/program/review", 422, doze="1 mg/day")["code"] == "unknown_field"
    assert page.post("/program/review", 422, dose=5)["errors"][0]["field"] == "dose"
    assert page.post("/program/review", 422, dose="x" * 5_000)["errors"][0]["field"] == "dose"


# --- The dose above the soft limit ---------------------------------------------------------------


def test_a_dose_above_the_soft_limit_is_committed_only_if_it_is_typed_again(page, port):
    reviewed = page.post("/program/review", 201, dose="1100 mcg/day")
    assert (reviewed["must_confirm"], reviewed["confirm_dose"]) == (True, "1100 mcg/day")
    review_id = reviewed["review_id"]
    for typed in ({}, {"confirmed_dose": ""}, {"confirmed_dose": "1000 mcg/day"}):
        problem = page.post("/program/commit", 409, review_id=review_id, **typed)
        assert (problem["code"], problem["rolled_back"]) == ("not_confirmed", False)
        assert problem["errors"][0]["field"] == "confirmed_dose"
        assert in_force(port) == 300_000
    unread = page.post("/program/commit", 422, review_id=review_id, confirmed_dose="1100")
    assert unread["errors"][0]["why"].startswith("the unit is missing")
    page.post("/program/commit", review_id=review_id, confirmed_dose="1.1 mg/day")
    assert in_force(port) == 1_100_000


def test_what_the_pump_refuses_at_the_commit_is_dropped(page, port):
    """As a bridge that is not needed any more; nothing may wait on the pump for nobody."""
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    refuse = m.Refusal(
        m.CommitPrescription.message_type, (m.Reason(c.RefusalCode.END_OF_SERVICE, c.Field.NONE),)
    )
    port.answer_instead(m.CommitPrescription, refuse)
    problem = page.post("/program/commit", 409, review_id=review_id)
    assert problem["reasons"][0]["code"] == "end_of_service"
    assert (page.state["review"], staged(page)) == (None, None)


# --- Dropped, stale, lost ------------------------------------------------------------------------


def test_a_roll_back_drops_what_is_staged_and_the_review_with_it(page, port):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    done = page.post("/program/rollback", review_id=review_id)
    assert done["rolled_back"] == {"version": 1}
    assert "is in force as before" in done["shown"]["text"]
    assert staged(page) is None
    assert page.post("/program/commit", 409, review_id=review_id)["code"] == "stale_review"
    assert page.post("/program/rollback")["shown"]["text"] == "Nothing is staged."
    assert page.post("/program/rollback", 409, review_id=review_id)["code"] == "stale_review"
    assert in_force(port) == 300_000


def test_a_review_is_committed_once(page):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    page.post("/program/commit", review_id=review_id)
    assert page.post("/program/commit", 409, review_id=review_id)["code"] == "stale_review"
    assert page.get("/interrogate")["prescription_version"] == 2


def test_a_review_is_stale_if_the_pump_was_programmed_meanwhile(page, port):
    """By somebody else, who has rolled back what was staged, or staged another."""
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    with port.programmer(programmer_id=8) as other:
        other.roll_back()
    problem = page.post("/program/commit", 409, review_id=review_id)
    assert problem["code"] == "stale_review"
    assert problem["reasons"][0]["code"] == "nothing_staged"
    assert page.state["review"] is None
    assert in_force(port) == 300_000


def test_a_review_that_nobody_ends_is_dropped_before_the_pump_would_raise_an_alarm(
    clinic, page, port, monkeypatch
):
    began = page.post("/program/review", 201, dose="350 mcg/day")
    assert 100_000 < began["expires_in_ms"] <= 110_000
    clinic.look()
    assert page.state["review"]["review_id"] == began["review_id"]
    monkeypatch.setattr("pump_programmer.web.standing.monotonic", lambda: 1e12)
    clinic.look()
    assert page.state["review"] is None
    assert staged(page) is None
    port.wait_link(130_000)
    assert page.get("/interrogate")["alarms"] == []


def test_a_commit_whose_answer_was_lost_is_found_out_to_be_done(page, port):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    port.lose_answers_to(m.CommitPrescription)
    done = page.post("/program/commit", review_id=review_id)
    assert done["resolved"]["done"] is True
    assert "version 2 is in force" in done["resolved"]["text"]
    assert in_force(port) == 350_000
    assert page.state["in_doubt"] is None
    assert page.state["review"] is None


def test_a_commit_that_never_arrived_is_found_out_not_to_be_done_and_dropped(page, port):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    port.lose_answers_to(m.CommitPrescription, deaf=True)
    problem = page.post("/program/commit", 409, review_id=review_id)
    assert (problem["code"], problem["exit_code"]) == ("not_done", 10)
    assert staged(page) is None
    assert in_force(port) == 300_000


def test_a_commit_of_which_nobody_knows_blocks_changes_until_it_is_found_out(page, port):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    bolus = page.post("/bolus/review", dose="10 mcg", duration="10 min")["review_id"]
    kept, port.endpoint.receive_data = port.endpoint.receive_data, _deaf_after(port)
    problem = page.post("/program/commit", 504, review_id=review_id)
    assert (problem["code"], problem["exit_code"]) == ("outcome_unknown", 5)
    assert problem["detail"].startswith("UNKNOWN whether the prescription was put in force")
    assert page.state["in_doubt"]["message"].startswith("UNKNOWN whether")
    port.endpoint.receive_data = kept
    assert page.get("/interrogate")["prescription_version"] == 2, "reading is allowed"
    assert page.post("/bolus/order", 409, review_id=bolus)["code"] == "in_doubt"
    assert page.post("/program/review", 409, dose="1 mg/day")["code"] == "in_doubt"
    found = page.post("/resolve")["resolved"]
    assert (found["done"], "version 2 is in force" in found["text"]) == (True, True)
    assert page.state["in_doubt"] is None
    assert page.post("/resolve", 404)["code"] == "nothing_in_doubt"
    page.post("/bolus/order", review_id=bolus)


def _deaf_after(port: VirtualPort):
    """The pump hears the next request and nothing after it; nobody hears the pump."""
    hear = port.endpoint.receive_data
    heard = []

    def once(data: bytes, now_ns: int) -> bytes:
        if not heard:
            heard.append(data)
            hear(data, now_ns)
        return b""

    return once


def test_a_review_survives_a_port_that_is_lost_and_found_again(clinic, page, port):
    """What is staged is the pump's: it is committed by its digest, by whatever link."""
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    port.unplugged = True
    clinic.look()
    assert page.state["connection"] == "lost"
    assert page.post("/program/commit", 409, review_id=review_id)["code"] == "not_connected"
    port.unplugged = False
    page.post("/connect")
    page.post("/program/commit", review_id=review_id)
    assert in_force(port) == 350_000


def test_a_port_that_is_lost_at_the_commit_leaves_it_unknown_and_it_is_found_out_later(
    page, port, monkeypatch
):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]

    def pull_out(data: bytes) -> bytes:
        port.endpoint.receive_data(data, port.now_ns)
        port.unplugged = True
        return b""

    port.on_write = pull_out
    problem = page.post("/program/commit", 504, review_id=review_id)
    assert problem["code"] == "outcome_unknown"
    state = page.state
    assert (state["connection"], state["why"]["code"]) == ("lost", "pump_gone")
    assert state["in_doubt"] is not None
    assert page.post("/connect", 503)["code"] == "port_missing"
    assert page.post("/resolve", 409)["code"] == "not_connected"
    port.unplugged, port.on_write = False, lambda data: None
    page.post("/connect")
    assert page.post("/resolve")["resolved"]["done"] is True
    assert in_force(port) == 350_000
