"""The pump's tones on the instructor's page: which, how long, when, and not when it is muted."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.instructor import DAY_MS, HOUR_MS, Instructor, Room
from tests.browser.recording import record_tones, tones_of

QUIET_MS = 4_500
"""Longer than the pause between two tones, and shorter than a page may hear nothing."""


@pytest.fixture
def listening(room: Room, new_context: Callable[..., BrowserContext]) -> Instructor:
    """An instructor's page with its sound on, shortly before the reservoir is low."""
    context = new_context()
    record_tones(context)
    page = context.new_page()
    page.clock.install()
    instructor = Instructor(page, room.instructor, room.api)
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(45 * DAY_MS - HOUR_MS // 2)
    instructor.header.get_by_role("button", name="Turn sound on").click()
    expect(instructor.header.get_by_role("button", name="Sound on", exact=True)).to_be_visible()
    wait_for_tones(instructor, 1)
    (heard,) = tones_of(page)
    assert heard["lasts_ms"] < 500, "that the sound is on is heard, and is no tone of a pump"
    page.evaluate("() => { window.tones = []; }")
    return instructor


def wait_for_tones(instructor: Instructor, count: int) -> None:
    """Until so many have been played."""
    instructor.page.wait_for_function("count => window.tones.length >= count", arg=count)


def test_a_low_reservoir_is_one_tone_of_a_second(listening: Instructor) -> None:
    """Nothing sounds before; then one pitch, for a second, and again an hour of therapy later."""
    assert not tones_of(listening.page)
    listening.press_clock("+1 h")
    wait_for_tones(listening, 1)
    (tone,) = tones_of(listening.page)
    assert tone["heard"]
    assert tone["lasts_ms"] == 1_000
    assert len(tone["hertz"]) == 1
    expect(listening.alarms.get_by_text("every 1 h")).to_be_visible()
    listening.page.clock.fast_forward(QUIET_MS)
    listening.press_clock("+1 h")
    wait_for_tones(listening, 2)
    assert tones_of(listening.page)[1]["lasts_ms"] == 1_000


def test_an_empty_reservoir_is_two_tones_for_three_seconds(listening: Instructor) -> None:
    """A critical alarm sounds differently."""
    listening.go_to(47 * DAY_MS)
    listening.decide("Appointment next week")
    listening.page.clock.fast_forward(QUIET_MS)
    before = len(tones_of(listening.page))
    listening.go_to(50 * DAY_MS + HOUR_MS)
    wait_for_tones(listening, before + 1)
    tone = tones_of(listening.page)[-1]
    assert tone["lasts_ms"] == 3_000
    assert len(tone["hertz"]) == 2


def test_a_muted_page_shows_the_tone_and_is_silent(listening: Instructor) -> None:
    """Mute ends what sounds, and what follows is seen only."""
    listening.press_clock("+1 h")
    wait_for_tones(listening, 1)
    listening.header.get_by_role("button", name="Sound on", exact=True).click()
    listening.page.clock.fast_forward(QUIET_MS)
    listening.press_clock("+1 h")
    expect(listening.alarms.get_by_text("Sounding (not heard)")).to_be_visible()
    assert len(tones_of(listening.page)) == 1


def test_compressed_tones_come_every_few_seconds_while_time_runs(listening: Instructor) -> None:
    """An hour between two tones is too long for a lesson."""
    listening.press_clock("+1 h")
    wait_for_tones(listening, 1)
    listening.alarms.get_by_role("button", name="Compressed").click()
    listening.press_clock("Play")
    for heard in (2, 3):
        for _ in range(4):
            listening.page.clock.fast_forward(QUIET_MS)
        wait_for_tones(listening, heard)


def test_compressed_tones_pause_while_the_class_decides(listening: Instructor) -> None:
    """Time stands then: nothing sounds into the discussion."""
    listening.alarms.get_by_role("button", name="Compressed").click()
    listening.go_to(46 * DAY_MS - HOUR_MS)
    listening.press_clock("Play")
    listening.go_to(47 * DAY_MS)
    expect(listening.decision).to_be_visible()
    listening.page.clock.fast_forward(QUIET_MS)
    before = len(tones_of(listening.page))
    near = listening.page.get_by_role("button", name="In reach", include_hidden=True)
    for in_reach in (False, True) * 3:
        listening.page.clock.fast_forward(QUIET_MS)
        listening.ask("POST", "/acts/proximity", {"in_reach": in_reach, "on_pump": False})
        expect(near).to_have_attribute("aria-pressed", str(in_reach).lower())
    assert len(tones_of(listening.page)) == before


def test_trainees_have_no_test_tones(room: Room, page: Page) -> None:
    """In a lesson a test would be taken for an alarm."""
    page.goto(room.trainee)
    alarms = page.locator("#alarms")
    expect(alarms.get_by_role("button", name="Compressed")).to_be_visible()
    expect(alarms.get_by_role("button", name="Test")).to_have_count(0)
