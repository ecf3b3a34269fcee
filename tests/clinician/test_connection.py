"""Pages are told at once whether there is a pump, and by which key; a lost port is found again."""

import random

import pytest

from pump_programmer.keystore import KeyStore
from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from tests.clinician.clinic import TOKEN, states
from tests.pump_sim.virtual import implanted

SERIAL = implanted().serial_number


def store(port, *roles):
    for role in roles:
        KeyStore().keep(SERIAL, port.guard.keys[role])


# --- Connected or not ----------------------------------------------------------------------------


def test_a_page_connects_and_is_told_to_whom(clinic):
    page = clinic.page()
    assert (page.state["connection"], page.state["pump"]) == ("closed", None)
    assert page.get("/interrogate", 409)["code"] == "not_connected"
    state = page.post("/connect")
    assert state["connection"] == "open"
    assert state["pump"]["serial_number"] == SERIAL
    assert state["pump"]["unsafe"] == "UNSAFE: LEGACY-INSECURE"
    assert (state["role"], "program" in state["may"]) == (None, True)
    assert state["notice"] == "SIMULATOR: never for clinical use"
    assert page.post("/connect")["connection"] == "open", "again is no error"


def test_disconnecting_gives_the_port_to_others_and_leaves_nothing_staged(page, port):
    page.post("/program/review", 201, dose="350 mcg/day")
    state = page.post("/disconnect")
    assert (state["connection"], state["review"], state["may"]) == ("closed", None, [])
    with port.programmer(programmer_id=8) as other:
        assert other.read_pending() is None


def test_a_lost_port_is_told_without_being_asked_and_found_again_by_asking(
    port, open_clinic, monkeypatch
):
    monkeypatch.setattr("pump_programmer.web.office.LOOK_S", 0.01)
    clinic = open_clinic(insecure=True)
    page = clinic.connected()
    watching = clinic.watch()
    port.unplugged = True
    lost = states(page, lambda state: state["connection"] == "lost")[-1]
    assert lost["why"]["code"] == "pump_gone"
    assert lost["pump"]["serial_number"] == SERIAL, "what was read stays on the page"
    assert page.get("/interrogate", 409)["code"] == "not_connected"
    failed = page.post("/connect", 503)
    assert (failed["code"], failed["exit_code"]) == ("port_missing", 3)
    assert page.state["connection"] == "failed"
    port.unplugged = False
    assert page.post("/connect")["why"] is None
    assert page.get("/interrogate")["prescription_version"] == 1
    watching.cancel()


def test_a_port_that_is_lost_while_it_is_asked_is_told_with_the_answer(page, port):
    port.unplugged = True
    problem = page.get("/interrogate", 503)
    assert (problem["code"], problem["exit_code"]) == ("pump_gone", 8)
    assert page.state["connection"] == "lost"


def test_a_pump_that_does_not_answer_leaves_therapy_as_it_was(page, port):
    port.deaf = True
    problem = page.get("/interrogate", 504)
    assert (problem["code"], problem["exit_code"]) == ("no_answer", 4)
    port.deaf = False
    page.get("/interrogate")


def test_another_pump_on_the_same_port_is_talked_to_only_once_it_was_connected(page, port):
    port.pump = implanted(daily_dose_ng=400_000)
    port.pump.serial_number = "SIM-0002"
    port.restart()
    problem = page.get("/interrogate", 502)
    assert (problem["code"], problem["exit_code"]) == ("wrong_peer", 9)
    assert page.state["connection"] == "failed"
    assert page.post("/connect")["pump"]["serial_number"] == "SIM-0002"


def test_a_pump_in_place_of_the_one_that_was_lost_is_told_before_it_is_taken(clinic, page, port):
    page.post("/program/review", 201, dose="350 mcg/day")
    port.unplugged = True
    clinic.look()
    port.unplugged = False
    port.pump = implanted()
    port.pump.serial_number = "SIM-0002"
    port.restart()
    problem = page.post("/connect", 409)
    assert (problem["code"], problem["serial_number"]) == ("another_pump", "SIM-0002")
    assert page.state["why"]["code"] == "another_pump"
    state = page.post("/connect")
    assert (state["pump"]["serial_number"], state["review"]) == ("SIM-0002", None)


# --- Keys ----------------------------------------------------------------------------------------


def test_a_pump_without_security_is_refused_unless_that_was_accepted(port, open_clinic):
    page = open_clinic().page()
    problem = page.post("/connect", 403)
    assert (problem["code"], problem["exit_code"]) == ("insecure_pump", 18)
    assert "start pump-programmer --insecure" in problem["detail"]
    assert page.state["connection"] == "failed"
    assert page.state["why"]["code"] == "insecure_pump"


def test_without_a_key_a_page_is_told_to_pair_and_after_that_it_is_connected(guarded, open_clinic):
    page = open_clinic().page()
    problem = page.post("/connect", 403)
    assert (problem["code"], problem["exit_code"], problem["roles"]) == ("no_key", 13, [])
    guarded.endpoint.presence.on_pump = True
    code = guarded.endpoint.offer_pairing(UserRole.CLINICIAN, guarded.now_ns)
    paired = page.post("/pair", code=code)
    key = guarded.guard.keys[UserRole.CLINICIAN]
    assert (paired["role"], paired["key_id"]) == ("clinician", f"{key.key_id:016x}")
    assert paired["state"]["connection"] == "open"
    assert paired["state"]["role"] == "clinician"
    assert KeyStore().of(SERIAL) == {UserRole.CLINICIAN: key}
    listed = page.get("/keys")["keys"]
    assert listed == [
        {"serial_number": SERIAL, "role": "clinician", "key_id": f"{key.key_id:016x}"}
    ]
    assert key.secret.hex() not in str(paired)


def test_a_key_of_another_role_is_the_one_that_is_used_after_pairing(guarded, open_clinic):
    store(guarded, UserRole.CLINICIAN)
    page = open_clinic().connected()
    guarded.endpoint.presence.on_pump = True
    code = guarded.endpoint.offer_pairing(UserRole.OBSERVER, guarded.now_ns)
    paired = page.post("/pair", code=code, role="observer")
    assert (paired["state"]["connection"], paired["state"]["role"]) == ("open", "observer")


def test_a_wrong_code_is_told_at_its_field_or_by_the_pump_and_never_repeated(guarded, open_clinic):
    page = open_clinic().page()
    problem = page.post("/pair", 422, code="no-code-at-all")
    assert [each["field"] for each in problem["errors"]] == ["code"]
    assert "no-code-at-all" not in str(problem)
    guarded.endpoint.presence.on_pump = True
    guarded.endpoint.offer_pairing(UserRole.CLINICIAN, guarded.now_ns)
    refused = page.post("/pair", 403, code="ABCDE-FGHJK-MNPQR-STVWX-YZ2345")
    assert (refused["code"], refused["exit_code"]) == ("authentication_failed", 15)
    assert KeyStore().stored() == ()


def test_of_several_stored_keys_the_page_chooses_one(guarded, open_clinic):
    store(guarded, UserRole.CLINICIAN, UserRole.OBSERVER)
    page = open_clinic().page()
    problem = page.post("/connect", 403)
    assert (problem["code"], problem["roles"]) == ("no_key", ["observer", "clinician"])
    assert page.post("/connect", role="observer")["role"] == "observer"
    state = page.post("/connect", role="clinician")
    assert (state["role"], "program" in state["may"]) == ("clinician", True)


def test_a_key_that_only_reads_is_told_what_it_may_not(guarded, open_clinic):
    key = guarded.guard.keys[UserRole.OBSERVER]
    page = open_clinic(key=key).connected()
    assert "program" not in page.state["may"]
    assert "log" in page.state["may"]
    problem = page.post("/program/review", 403, dose="350 mcg/day")
    assert problem["code"] == "not_permitted"
    assert "this needs one of role clinician" in problem["detail"]


def test_a_patients_key_reads_the_status_without_the_prescription(guarded, open_clinic):
    page = open_clinic(key=guarded.guard.keys[UserRole.PATIENT]).connected()
    found = page.get("/interrogate")
    assert (found["current"], found["shown"]["typed"]) == (None, None)
    assert page.state["may"] == ["interrogate"]


def test_a_wrong_key_is_told_and_after_too_many_that_the_pump_looks_at_none(guarded, open_clinic):
    wrong = PumpGuard(new_keys(random.Random(2).randbytes)).keys[UserRole.CLINICIAN]
    page = open_clinic(key=wrong).page()
    codes = [page.post("/connect", 403)["code"] for _ in range(8)]
    assert codes[0] == "authentication_failed"
    assert codes[-1] == "authentication_locked"
    assert page.state["why"]["for_ms"] > 0


def test_a_damaged_key_store_is_told(guarded, open_clinic, configuration):
    path = KeyStore().path
    path.parent.mkdir(parents=True)
    path.write_text("nonsense")
    path.chmod(0o600)
    page = open_clinic().page()
    problem = page.post("/connect", 500)
    assert (problem["code"], problem["exit_code"]) == ("key_store", 14)
    assert page.get("/keys", 500)["code"] == "key_store"


# --- In doubt, and another pump ------------------------------------------------------------------


def test_only_the_pump_that_was_asked_is_asked_what_became_of_it(page, port):
    review_id = page.post("/refill/review", 201, volume="20 mL")["review_id"]
    port.deaf = True
    assert page.post("/refill/update", 504, review_id=review_id)["order_number"] == 1
    page.post("/disconnect")
    port.deaf = False
    asked, port.pump = port.pump, implanted()
    port.pump.serial_number = "SIM-0002"
    port.restart()
    problem = page.post("/connect", 409)
    assert problem["code"] == "in_doubt"
    assert f"only pump {asked.serial_number} can tell" in problem["detail"]
    assert page.post("/resolve", give_up=True)["resolved"]["done"] is None
    assert page.post("/connect")["pump"]["serial_number"] == "SIM-0002"
    assert page.state["in_doubt"] is None


# --- The gate and the routes ---------------------------------------------------------------------


@pytest.mark.parametrize("given", [None, "a-wrong-token-0123456789"])
def test_who_has_no_token_hears_nothing(port, open_clinic, given):
    clinic = open_clinic(insecure=True, tokens={TOKEN: "clinician"})
    page = clinic.page(token=given)
    assert page.get("/state", 401)["code"] == "no_token"
    assert page.post("/connect", 401)["code"] == "no_token"
    assert page.http.get("/").status_code == 401
    assert "401" in clinic.log[0]
    assert "wrong-token" not in "".join(clinic.log)
    assert clinic.page(token=TOKEN).post("/connect")["connection"] == "open"


def test_an_unknown_route_or_method_or_body_is_a_problem(page):
    assert page.get("/nothing", 404)["code"] == "unknown_route"
    assert page.get("/connect", 405)["code"] == "method_not_allowed"
    assert page.get("/log", 422, limit=0)["errors"][0]["field"] == "limit"
    response = page.http.post(
        "/api/v1/program/review", content="{", headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (400, "bad_json")


def test_the_page_and_what_it_loads_are_served(clinic):
    page = clinic.page()
    index = page.http.get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert "SIMULATOR" in index.text
    assert "script-src 'self'" in index.headers["content-security-policy"]
    for path in ("/static/shared/base.css", "/static/clinician/main.js"):
        assert page.http.get(path).status_code == 200
