"""Boluses and refills are looked at first, and ordered once."""

import pytest

from pump_protocol import messages as m


def facts(answer):
    return dict(answer["shown"]["facts"])


# --- Boluses -------------------------------------------------------------------------------------


def test_a_bolus_is_shown_before_it_is_ordered_and_ordered_once(page, port):
    reviewed = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")
    assert facts(reviewed)["Bolus"] == "50 mcg of baclofen in 10 min"
    assert facts(reviewed)["Volume"] == "0.025 mL at 2000 mcg/mL"
    assert reviewed["volume_nl"] == 25_000
    assert page.get("/interrogate")["boluses"] == []
    done = page.post("/bolus/order", review_id=reviewed["review_id"])
    assert (done["order_number"], done["volume_nl"], done["status_read"]) == (1, 25_000, True)
    assert done["shown"]["text"].startswith("Bolus of 0.025 mL began ")
    again = page.post("/bolus/order", 409, review_id=reviewed["review_id"])
    assert again["code"] == "stale_review"
    assert len(page.get("/interrogate")["boluses"]) == 1


def test_a_bolus_of_more_than_a_day_is_reviewed_with_warnings(page):
    """What the command line says of it, the page says too."""
    reviewed = page.post("/bolus/review", 201, dose="500 mcg", duration="1 min")
    assert facts(reviewed)["Of the daily dose"] == "166.7 % of 300 mcg/day"
    found = reviewed["shown"]["warnings"]
    assert [each["severity"] for each in found] == ["warning", "warning", "caution"]
    assert all(each["source"] for each in found)
    small = page.post("/bolus/review", 201, dose="20 mcg", duration="1 h")
    assert small["shown"]["warnings"] == []


def test_a_priming_bolus_says_where_its_rest_goes(page):
    reviewed = page.post("/bolus/review", 201, kind="priming", volume="0.34 mL", duration="1 h")
    assert facts(reviewed)["Priming bolus"] == "680 mcg of baclofen in 1 h"
    assert "reaches the patient at once" in reviewed["shown"]["warnings"][0]["text"]
    done = page.post("/bolus/order", review_id=reviewed["review_id"])
    assert done["volume_nl"] == 340_000


def test_a_running_bolus_is_ended(page, port):
    reviewed = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")
    page.post("/bolus/order", review_id=reviewed["review_id"])
    port.wait(300_000)
    done = page.post("/bolus/stop")
    assert done["delivered_nl"] == 12_500
    assert done["shown"]["text"].startswith("The single bolus of order 1 has ended")
    assert page.post("/bolus/stop", 409)["reasons"][0]["code"] == "no_bolus"


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"dose": "50", "duration": "10"}, {"dose", "duration"}),
        ({"dose": "50 mcg"}, {"duration"}),
        ({}, {"dose", "duration"}),
        ({"dose": "0 mcg", "duration": "1 s"}, {"dose", "duration"}),
        ({"kind": "priming", "dose": "1 mcg", "duration": "10 min"}, {"volume"}),
        ({"kind": "priming", "volume": "5 mL", "duration": "10 min"}, {"volume"}),
    ],
)
def test_what_is_wrong_with_a_bolus_is_told_at_its_fields(page, typed, wrong):
    problem = page.post("/bolus/review", 422, **typed)
    assert {each["field"] for each in problem["errors"]} == wrong


def test_a_range_is_told_with_its_unit(page):
    problem = page.post("/bolus/review", 422, dose="50 mcg", duration="1 s")
    (error,) = problem["errors"]
    assert (error["field"], error["value"]) == ("duration", "1 s")
    assert error["why"] == "allowed 1 min to 1 d"
    assert problem["detail"] == "Duration = '1 s': allowed 1 min to 1 d"


def test_what_the_pump_refuses_of_a_bolus_is_told_at_the_fields_of_the_review(page):
    """Basal and bolus together are for the pump to judge."""
    first = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    second = page.post("/bolus/review", 201, dose="20 mcg", duration="10 min")["review_id"]
    page.post("/bolus/order", review_id=first)
    problem = page.post("/bolus/order", 409, review_id=second)
    assert (problem["code"], problem["reasons"][0]["code"]) == ("refused", "bolus_active")


def test_a_bolus_is_reckoned_with_the_concentration_that_was_shown(page):
    """A pump that was programmed meanwhile refuses it."""
    review_id = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    page.program(concentration="1000 mcg/mL", bridge=False)
    problem = page.post("/bolus/order", 409, review_id=review_id)
    assert problem["reasons"][0]["code"] == "mismatch"
    assert page.get("/interrogate")["boluses"] == []


def test_a_bolus_whose_answer_was_lost_is_found_out_to_have_begun(page, port):
    review_id = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    port.lose_answers_to(m.OrderBolus)
    done = page.post("/bolus/order", review_id=review_id)
    assert done["resolved"] == {"done": True, "text": done["shown"]["text"]}
    assert "order 1 was carried out" in done["shown"]["text"]
    assert len(page.get("/interrogate")["boluses"]) == 1


def test_a_bolus_that_never_arrived_is_found_out_not_to_have_begun(page, port):
    review_id = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    port.lose_answers_to(m.OrderBolus, deaf=True)
    problem = page.post("/bolus/order", 409, review_id=review_id)
    assert problem["code"] == "not_done"
    assert page.post("/bolus/order", 409, review_id=review_id)["code"] == "stale_review"
    assert page.get("/interrogate")["boluses"] == []


def test_an_act_is_done_though_its_status_cannot_be_read_afterwards(page, port):
    """Its success is told all the same, and what is not known."""
    review_id = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    port.lose_answers_to(m.Interrogate)
    done = page.post("/bolus/order", review_id=review_id)
    assert (done["status_read"], done["order_number"]) == (False, 1)
    assert done["shown"]["text"].endswith("interrogate the pump.")


def test_no_bolus_is_reckoned_for_a_pump_that_has_lost_its_drug(page, port):
    port.lose_memory()
    problem = page.post("/bolus/review", 409, dose="50 mcg", duration="10 min")
    assert problem["code"] == "drug_unknown"


# --- Refills -------------------------------------------------------------------------------------


def test_a_refill_compares_what_was_drawn_out_and_is_told_once(page, port):
    port.wait(20 * 86_400_000)
    reviewed = page.post("/refill/review", 201, volume="20 mL", aspirated="17 mL")
    assert facts(reviewed)["Actual residual"] == "17 mL, as drawn out"
    assert facts(reviewed)["Delivered ratio"].startswith("100.0 % (3 mL of 3 mL")
    assert reviewed["residual"]["ratio_judged"]
    assert reviewed["shown"]["warnings"] == []
    done = page.post("/refill/update", review_id=reviewed["review_id"])
    assert done["shown"]["text"] == (
        "The pump believed 17 mL and now believes 20 mL. Delivered ratio: 100.0 %."
    )
    assert done["after_nl"] == 20_000_000
    assert done["shown"]["note"].startswith("The pump does not keep what was drawn out (17 mL)")
    again = page.post("/refill/update", 409, review_id=reviewed["review_id"])
    assert again["code"] == "stale_review"


def test_too_much_delivered_is_flagged_before_and_after(page, port):
    port.wait(20 * 86_400_000)
    reviewed = page.post("/refill/review", 201, volume="20 mL", aspirated="16 mL")
    assert "more than 14.5 % too much" in reviewed["shown"]["warnings"][0]["text"]
    done = page.post("/refill/update", review_id=reviewed["review_id"])
    (warning,) = done["shown"]["warnings"]
    assert warning["text"] == "Delivered ratio: 133.3 %: over-infusion."
    assert warning["severity"] == "warning"


def test_a_refill_that_is_not_compared_says_why_that_matters_in_words_of_the_page(page):
    reviewed = page.post("/refill/review", 201, volume="20 mL")
    (warning,) = reviewed["shown"]["warnings"]
    assert warning["text"].startswith("What was drawn out is not compared: a pump")


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"volume": "25 mL"}, "volume", "allowed 0.000001 mL to 20 mL"),
        ({"volume": "20 mL", "aspirated": "x"}, "aspirated", "it should begin with a number"),
        ({"volume": "20 mL", "aspirated": "21 mL"}, "aspirated", "allowed 0 mL to 20 mL"),
        ({}, "volume", "to be filled in"),
    ],
)
def test_what_is_wrong_with_a_refill_is_told_at_its_field(page, typed, field, said):
    (error,) = page.post("/refill/review", 422, **typed)["errors"]
    assert error["field"] == field
    assert said in error["why"]


def test_more_than_was_believed_after_the_last_refill_is_told_at_its_field(page, port):
    review_id = page.post("/refill/review", 201, volume="10 mL")["review_id"]
    page.post("/refill/update", review_id=review_id)
    problem = page.post("/refill/review", 422, volume="20 mL", aspirated="15 mL")
    (error,) = problem["errors"]
    assert error["field"] == "aspirated"
    assert error["why"].startswith("allowed 0 mL to 10 mL, what the pump was told")


def test_a_refill_whose_answer_was_lost_is_found_out_to_be_told(page, port):
    review_id = page.post("/refill/review", 201, volume="20 mL")["review_id"]
    port.lose_answers_to(m.UpdateReservoir)
    assert page.post("/refill/update", review_id=review_id)["resolved"]["done"] is True


def test_what_was_reviewed_of_one_kind_is_no_order_of_another(page):
    bolus = page.post("/bolus/review", 201, dose="50 mcg", duration="10 min")["review_id"]
    assert page.post("/refill/update", 409, review_id=bolus)["code"] == "stale_review"
    assert page.post("/bolus/order", 409, review_id="nobody's")["code"] == "stale_review"
    page.post("/bolus/order", review_id=bolus)
