"""Every view as it is looked at: axe finds nothing grave, nothing is cut off.

In light and dark, on a projector and on a tablet; and each says that it is a simulator.
"""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.instructor import DAY_MS, HOUR_MS, Instructor, ask
from tests.browser.processes import Console, ServedPages, running_console, running_programmer
from tests.browser.seeing import PROJECTOR, TABLET, grave_findings, too_wide


@pytest.fixture(scope="module")
def lesson() -> Iterator[Console]:
    """A console in the middle of a missed refill, with much to see. Nobody moves it."""
    with running_console() as console:
        with httpx.Client(base_url=f"{console.url}/api/v1/pumps/1", timeout=20) as api:
            ask(api, "PUT", "/session", {"scenario": "missed-refill"})
            ask(api, "POST", "/clock/advance", {"by": 47 * DAY_MS})
            ask(api, "POST", "/session/decision", {"option": "nobody-comes"})
            ask(api, "POST", "/faults", {"fault": "motor_stall"})
            ask(api, "POST", "/clock/advance", {"by": 5 * DAY_MS + 8 * HOUR_MS})
            ask(api, "POST", "/snapshots", {"name": "in withdrawal"})
        yield console


@pytest.fixture(scope="module")
def programmer(lesson: Console) -> Iterator[ServedPages]:
    """The clinician's programmer at that pump."""
    with running_programmer(lesson.address, "--key", lesson.key) as running:
        yield running


@pytest.fixture(params=["light", "dark"])
def reader(
    request: pytest.FixtureRequest, new_context: Callable[..., BrowserContext]
) -> BrowserContext:
    """A browser that prefers light, or dark."""
    return new_context(color_scheme=request.param)


def look(page: Page) -> None:
    """Look at it in both sizes; axe, which takes its time, at the light projector and dark tablet.

    :raises AssertionError: something is not as it must be; it says what.
    """
    is_dark = page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    for size in (PROJECTOR, TABLET) if is_dark else (TABLET, PROJECTOR):
        page.set_viewport_size(size)
        assert not too_wide(page)
        assert "never for clinical use" in page.locator("body").inner_text()
    findings = grave_findings(page)
    assert not findings, "\n".join(findings)


def test_the_instructors_page_is_well_to_look_at(lesson: Console, reader: BrowserContext) -> None:
    """Each of its views, and the dialogs that are opened from it."""
    with httpx.Client(base_url=f"{lesson.url}/api/v1/pumps/1") as api:
        instructor = Instructor(reader.new_page(), lesson.url, api)
        expect(instructor.alarm("empty_reservoir")).to_be_visible()
        for view in ("Event log", "Snapshots and debrief", "Charts"):
            instructor.show(view)
            look(instructor.page)
        for opener in ("Choose a session", "Go back", "To a date"):
            instructor.page.get_by_role("button", name=opener).first.click()
            expect(instructor.page.get_by_role("dialog")).to_be_visible()
            look(instructor.page)
            instructor.page.keyboard.press("Escape")
            expect(instructor.page.get_by_role("dialog")).to_have_count(0)


def test_the_instructors_page_fits_a_projector(
    lesson: Console, new_context: Callable[..., BrowserContext]
) -> None:
    """At 1280 by 800 clock, pump, alarms, player and charts are seen without scrolling the page."""
    page = new_context().new_page()
    page.goto(lesson.url)
    expect(page.locator('[data-alarm="empty_reservoir"]')).to_be_visible()
    height: int = page.evaluate("() => document.documentElement.scrollHeight")
    assert height <= PROJECTOR["height"]
    for part in ("#clock", "#pump", "#facts", "#alarms", "#player", "#charts"):
        expect(page.locator(part)).to_be_visible()  # panels are loaded one by one
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["y"] < PROJECTOR["height"], part


def test_the_trainees_page_is_well_to_look_at(lesson: Console, reader: BrowserContext) -> None:
    """With alarms and signs on it."""
    page = reader.new_page()
    page.goto(f"{lesson.url}/trainee")
    expect(page.locator('[data-alarm="empty_reservoir"]')).to_be_visible()
    look(page)


@pytest.mark.parametrize(
    "step",
    [
        "connect",
        "interrogate",
        "program",
        "bolus",
        "refill",
        "alarms",
        "log",
        "report",
        "emergency",
    ],
)
def test_each_step_of_the_clinicians_page_is_well_to_look_at(
    programmer: ServedPages, reader: BrowserContext, step: str
) -> None:
    """Before anything is entered."""
    page = reader.new_page()
    page.goto(f"{programmer.url}/#{step}")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    expect(page.get_by_text("Interrogated just now")).to_be_visible()
    look(page)


def test_the_page_about_the_api_is_well_to_look_at(lesson: Console, reader: BrowserContext) -> None:
    """It is our own, and needs no other server."""
    page = reader.new_page()
    page.goto(f"{lesson.url}/docs")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    look(page)


def test_light_or_dark_is_a_choice_that_is_remembered(
    lesson: Console, new_context: Callable[..., BrowserContext]
) -> None:
    """The button overrules what the system prefers, also on the next visit."""
    page = new_context(color_scheme="light").new_page()
    page.goto(lesson.url)
    light = background(page)
    page.get_by_role("button", name=re.compile("dark", re.IGNORECASE)).click()
    dark = background(page)
    assert dark != light
    page.reload()
    assert background(page) == dark


def background(page: Page) -> str:
    """The colour behind everything."""
    colour: str = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    return colour
