"""The trainee's page: it follows the instructor's session, and nothing of it tells the truth."""

from collections.abc import Callable
from typing import Final

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.instructor import DAY_MS, Instructor, Room
from tests.browser.recording import Frames, names_in

TRUTH: Final = {"truth", "patient", "patient_text", "faults", "parameters", "next_event", "rows"}
"""Names under which an instructor is told what nobody at a bedside can know."""


def test_a_trainee_follows_the_session_and_is_told_no_truth(
    room: Room, page: Page, new_context: Callable[..., BrowserContext]
) -> None:
    """An occlusion, which no pump notices, is in no frame and nowhere on the page."""
    frames = Frames(page)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(room.trainee)
    instructor = Instructor(new_context().new_page(), room.instructor, room.api)
    instructor.choose("Missed refill")
    expect(page.get_by_role("heading", name="Training session")).to_be_visible()
    instructor.ask("POST", "/faults", {"fault": "catheter_occlusion"})
    expect(instructor.page.locator("#hands")).to_contain_text("Active")
    instructor.press_clock("+1 h")
    expect(page.get_by_text("09:00").first).to_be_visible()

    told = frames.of_type("observed")
    assert told
    assert not frames.of_type("sight")
    for each in told:
        # What the pump believes has a `patient`, too: the rules for the patient's own boluses.
        assert not TRUTH & set(names_in({**each, "belief": None}))
        assert not [name for name in names_in(each) if name.startswith("actual")]
    for text in (*frames.texts, page.content()):
        assert "occlu" not in text.lower()
        assert "missed refill" not in text.lower()  # the title says what comes
    hidden = ("/state", "/truth", "/patient", "/both", "/faults", "/history", "/debrief")
    assert not [url for url in requested if any(part in url for part in hidden)]


def test_a_trainee_sees_alarms_narration_and_signs_of_the_patient(room: Room, page: Page) -> None:
    """What beeps and what can be seen at the bedside is there, though not what it comes from."""
    page.goto(room.trainee)
    room.api.put("/session", json={"scenario": "missed-refill"}).raise_for_status()
    room.api.post("/clock/advance", json={"by": 47 * DAY_MS}).raise_for_status()
    expect(page.locator("#story")).to_contain_text("A single tone, once an hour")
    expect(page.locator('[data-alarm="low_reservoir"]')).to_contain_text(
        "low reservoir", ignore_case=True
    )
    room.api.post("/session/decision", json={"option": "nobody-comes"}).raise_for_status()
    room.api.post("/clock/advance", json={"by": 6 * DAY_MS}).raise_for_status()
    expect(page.locator('[data-alarm="empty_reservoir"]')).to_contain_text(
        "critical", ignore_case=True
    )
    expect(page.locator("#story")).to_contain_text("rebound spasticity")
    expect(page.locator("#bedside")).to_contain_text("withdrawal")
    expect(page.get_by_role("button", name="Play")).to_have_count(0)


def test_what_was_told_is_the_headline_only_while_it_is_news(room: Room, page: Page) -> None:
    """It fades into the list when an alarm has come or gone since, and at the end."""
    page.goto(room.trainee)
    headline = page.locator(".story-last")
    expect(headline).to_contain_text("begins when the instructor presses play")
    room.api.post("/clock/advance", json={"by": 60_000}).raise_for_status()
    expect(headline).not_to_contain_text("begins when")
    room.api.put("/session", json={"scenario": "missed-refill"}).raise_for_status()
    room.api.post("/clock/advance", json={"by": 47 * DAY_MS}).raise_for_status()
    expect(headline).to_contain_text("A single tone, once an hour")
    room.api.post("/session/decision", json={"option": "refilled-in-time"}).raise_for_status()
    room.api.post("/clock/advance", json={"by": 2 * DAY_MS}).raise_for_status()
    expect(page.locator('[data-alarm="low_reservoir"]')).to_have_count(0)
    expect(headline).not_to_contain_text("A single tone")
    expect(page.locator(".story-before")).to_contain_text("A single tone, once an hour")
    room.api.post("/clock/advance", json={"by": 60 * DAY_MS}).raise_for_status()
    expect(headline).to_have_text("The session is over.")
