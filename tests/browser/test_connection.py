"""A page without its console: it says so at once, and is up to date again when the console is."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.instructor import DAY_MS, Instructor
from tests.browser.processes import running_console
from tests.browser.watching import Watch

REFUSED = r"ERR_CONNECTION_(REFUSED|RESET)|WebSocket connection to|Failed to load resource"
"""What Chromium says of a server that is gone."""


@pytest.mark.timeout(120)  # it starts two consoles
def test_a_lost_connection_shows_at_once_and_recovers(page: Page, watch: list[Watch]) -> None:
    """Killed, the console is missed within a second; started anew on the same port, it is found."""
    watch[0].allow(REFUSED)
    with running_console() as first:
        http = urlsplit(first.url).netloc
        with httpx.Client(base_url=f"{first.url}/api/v1/pumps/1") as api:
            instructor = Instructor(page, first.url, api)
        lost = page.get_by_role("alert").filter(
            has_text=re.compile("connection.*lost", re.IGNORECASE)
        )
        expect(lost).to_be_hidden()
        first.kill()
        expect(lost).to_be_visible(timeout=1_000)
        for part, name in (
            (instructor.player, "Play"),
            (instructor.clock, "Play"),
            (instructor.clock, "+1 h"),
            (instructor.hands, "Motor stall"),
        ):
            expect(part.get_by_role("button", name=name)).to_be_disabled()
    with running_console("--scenario", "missed-refill", http=http):
        expect(lost).to_be_hidden(timeout=10_000)
        expect(instructor.header.get_by_text("Live", exact=True)).to_be_visible()
        expect(instructor.player.get_by_role("heading", name="Missed refill")).to_be_visible()
        expect(instructor.clock.get_by_role("button", name="Play")).to_be_enabled()


@pytest.mark.timeout(120)  # it starts two consoles
def test_a_room_that_was_started_anew_is_told_from_a_lost_connection(
    page: Page, watch: list[Watch]
) -> None:
    """Its takes are gone, which is said; what failed meanwhile is not shown any more."""
    watch[0].allow(REFUSED)
    with running_console("--scenario", "missed-refill") as first:
        http = urlsplit(first.url).netloc
        with httpx.Client(base_url=f"{first.url}/api/v1/pumps/1") as api:
            instructor = Instructor(page, first.url, api)
            instructor.go_to(10 * DAY_MS)
        expect(instructor.clock).to_contain_text("Elapsed 10 d")
        page.locator("#hands").get_by_role("button", name="Motor stall").click()
        form = instructor.dialog("Motor stall")
        first.kill()
        form.get_by_role("button", name="Inject").click()
        expect(form).to_contain_text("cannot be reached")
    with running_console("--scenario", "missed-refill", http=http):
        expect(
            page.get_by_text("The training room was started anew: its takes are gone")
        ).to_be_visible()
        expect(form).to_be_hidden()
        expect(page.get_by_text("cannot be reached")).to_have_count(0)
        expect(instructor.clock).to_contain_text("Elapsed 00:00:00")
        instructor.show("Event log")
        expect(page.locator("#events")).not_to_contain_text("low reservoir")


@pytest.mark.timeout(120)  # it starts two consoles
def test_a_room_that_wants_a_token_now_says_so(page: Page, watch: list[Watch]) -> None:
    """To try again would be in vain: the link with the token has to be opened."""
    watch[0].allow(REFUSED)
    with running_console() as first:
        http = urlsplit(first.url)
        with httpx.Client(base_url=f"{first.url}/api/v1/pumps/1") as api:
            instructor = Instructor(page, first.url, api)
        first.kill()
    with running_console(http=f"0.0.0.0:{http.port}"):
        told = page.get_by_role("alert").filter(has_text="wants a token")
        expect(told).to_be_visible()
        expect(instructor.player.get_by_role("button", name="Play")).to_be_disabled()


def test_a_session_that_another_instructor_begins_closes_the_open_form(
    instructor: Instructor, new_context: Callable[..., BrowserContext]
) -> None:
    """The form was about another patient; whoever began it is not told so, all others are."""
    other = Instructor(new_context().new_page(), instructor.page.url, instructor.api)
    instructor.hands.get_by_role("button", name="Motor stall", exact=True).click()
    form = instructor.dialog("Motor stall")
    expect(form).to_be_visible()
    other.choose("Missed refill")
    expect(form).to_be_hidden()
    expect(
        instructor.page.get_by_text("Another session has begun: \u201cMissed refill")
    ).to_be_visible()
    assert instructor.ask("GET", "/state")["faults"] == []
    instructor.choose("The drug goes beside the pump")
    expect(other.page.get_by_text("The session was changed by somebody else")).to_be_visible()
    expect(instructor.page.get_by_text("The session was changed by somebody else")).to_have_count(0)


def test_a_second_instructor_is_told_of_the_first_and_the_first_of_the_second(
    instructor: Instructor, new_context: Callable[..., BrowserContext]
) -> None:
    """Both see that they are two, and what one does the other one sees."""
    expect(instructor.header.get_by_text("2 instructors")).to_have_count(0)
    url = instructor.page.url
    other = Instructor(new_context().new_page(), url, instructor.api)
    for each in (instructor, other):
        expect(each.header.get_by_text("2 instructors", exact=True)).to_be_visible()
    other.player.get_by_role("button", name="Play").click()
    expect(instructor.clock.get_by_text("Running")).to_be_visible()
    other.page.close()
    expect(instructor.header.get_by_text("2 instructors")).to_have_count(0)
