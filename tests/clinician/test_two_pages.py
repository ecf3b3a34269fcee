"""Two pages at one programmer: one request after the other, and each is told of the other."""

import threading

from pump_programmer.programmer import Programmer
from pump_programmer.web import office
from pump_protocol.errors import LocalError
from tests.clinician.clinic import states


def test_another_page_is_told_who_holds_a_review_and_may_take_over(clinic, page, port):
    other = clinic.page("two")
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    assert other.state["review"]["page"] == "one"
    assert other.state["review"]["pending_version"] == 2
    problem = other.post("/program/review", 409, dose="310 mcg/day")
    assert problem["code"] == "review_held"
    assert problem["review"] == {"page": "one", "pending_version": 2}
    theirs = other.post("/program/review", 201, dose="310 mcg/day", take_over=True)
    assert page.state["review"]["page"] == "two"
    assert page.post("/program/commit", 409, review_id=review_id)["code"] == "stale_review"
    other.post("/program/commit", review_id=theirs["review_id"])
    assert port.firmware.prescription.daily_dose_ng == 310_000


def test_a_page_that_reviews_again_drops_its_own_review(page, port):
    first = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    second = page.post("/program/review", 201, dose="360 mcg/day")["review_id"]
    assert page.post("/program/commit", 409, review_id=first)["code"] == "stale_review"
    page.post("/program/commit", review_id=second)
    assert port.firmware.prescription.daily_dose_ng == 360_000


def test_a_review_that_is_refused_leaves_nothing_staged_of_the_one_before(page):
    page.post("/program/review", 201, dose="350 mcg/day")
    page.post("/program/review", 409, dose="5 mg/day")
    assert page.get("/prescription")["pending"] is None
    assert page.state["review"] is None


def test_a_review_with_a_wrong_field_leaves_the_one_before_as_it_was(page):
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    page.post("/program/review", 422, dose="5")
    page.post("/program/commit", review_id=review_id)


def test_every_page_is_told_what_the_others_do(clinic, page):
    other = clinic.page("two")
    told = []
    listening = threading.Thread(
        target=lambda: told.extend(states(other, lambda state: state["changes"] == 1))
    )
    listening.start()
    page.program(dose="350 mcg/day")
    listening.join(20)
    assert told[-1]["changes"] == 1
    assert {"doing": "commit", "page": "one"} in [each["busy"] for each in told] or len(told) == 1


def test_requests_wait_for_their_turn_and_all_of_them_get_it(clinic, page):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(clinic.page("two").get("/interrogate")))
        for _ in range(4)
    ]
    with clinic.occupied():
        for each in threads:
            each.start()
        told = states(page, lambda state: state["waiting"] == 4)
        assert told[-1]["busy"] == {"doing": "interrogate", "page": "someone"}
        assert answers == []
    for each in threads:
        each.join(20)
    assert [each["prescription_version"] for each in answers] == [1] * 4
    assert (page.state["busy"], page.state["waiting"]) == (None, 0)


def test_who_waits_too_long_is_told_so_and_nothing_is_done(port, open_clinic):
    clinic = open_clinic(insecure=True, office={"longest_wait_s": 0.05})
    page = clinic.connected()
    review_id = page.post("/program/review", 201, dose="350 mcg/day")["review_id"]
    with clinic.occupied():
        problem = page.post("/program/commit", 503, review_id=review_id)
    assert problem["code"] == "busy"
    assert "interrogate has not ended yet; nothing was done" in problem["detail"]
    assert port.firmware.prescription.daily_dose_ng == 300_000
    page.post("/program/commit", review_id=review_id)


def test_the_end_rolls_back_what_is_staged_and_does_not_begin_what_waits(port, open_clinic):
    clinic = open_clinic(insecure=True)
    page = clinic.connected()
    page.post("/program/review", 201, dose="350 mcg/day")
    clinic.run(clinic.office.end())
    assert page.post("/self-test", 503)["code"] == "busy"
    with port.programmer(programmer_id=8) as other:
        assert other.read_pending() is None


def test_the_end_comes_after_what_is_being_done_and_what_waits_is_told(clinic, page):
    """Who waits is not begun; who was begun is not cut off."""
    told = []
    waiting = threading.Thread(target=lambda: told.append(page.get("/interrogate", 503)))
    with clinic.occupied():
        waiting.start()
        states(clinic.page("two"), lambda state: state["waiting"] == 1)
        ending = clinic.start(clinic.office.end())
        waiting.join(20)
        assert told[0]["detail"] == "the programmer has ended; nothing was done"
        assert not ending.done()
    ending.result(20)


def test_a_page_without_a_name_or_with_a_strange_one_is_called_nobody(clinic, page):
    for name in ("", "x" * 50, "<script>"):
        nameless = clinic.page(name)
        nameless.post("/program/review", 201, dose="350 mcg/day", take_over=True)
        assert page.state["review"]["page"] == "-"


def test_who_waits_for_a_look_is_not_told_to_wait_for_itself(port, open_clinic):
    """The programmer may look after its port just then, which nobody asked for."""
    clinic = open_clinic(insecure=True, office={"longest_wait_s": 0.05})
    page = clinic.connected()
    going, begun = threading.Event(), threading.Event()

    def look():
        begun.set()
        going.wait(20)

    looking = clinic.start(clinic.office.worker.aside(look))
    assert begun.wait(10)
    problem = page.get("/interrogate", 503)
    going.set()
    looking.result(20)
    assert problem["detail"] == (
        "the pump is busy: a look at the port has not ended yet; nothing was done"
    )


def test_a_look_that_fails_is_told_and_the_looks_go_on(clinic, page, monkeypatch):
    """Otherwise no review would be rolled back any more. What goes on failing is told once."""
    looks, enough = [], threading.Event()

    def look():
        looks.append(1)
        if len(looks) == 6:
            enough.set()
        if len(looks) != 3:
            raise ValueError("no such thing")

    monkeypatch.setattr(clinic.office.desk, "look", look)
    monkeypatch.setattr(office, "LOOK_S", 0.001)
    watching = clinic.watch()
    assert enough.wait(10)
    watching.cancel()
    told = "a look at the port failed: ValueError('no such thing')"
    assert [each for each in clinic.log if "look" in each] == [told, told]


def test_a_review_that_cannot_be_rolled_back_is_let_go(clinic, page, monkeypatch):
    """Whatever is wrong with the port or the keys: the pump drops it by itself."""

    def roll_back(_):
        raise LocalError("the file of keys has gone")

    page.post("/program/review", 201, dose="350 mcg/day")
    monkeypatch.setattr(Programmer, "roll_back", roll_back)
    clinic.run(clinic.office.worker.aside(clinic.office.desk.drop_review))
    assert page.state["review"] is None
