"""What a clinician does on the programmer's page, an instructor sees on the console's."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.instructor import Instructor
from tests.browser.processes import Console, ServedPages, running_console, running_programmer


@pytest.fixture
def console() -> Iterator[Console]:
    """A console whose first pump has its keys told."""
    with running_console() as running:
        yield running


@pytest.fixture
def instructor(console: Console, page: Page) -> Iterator[Instructor]:
    """The instructor's page of this pump."""
    with httpx.Client(base_url=f"{console.url}/api/v1/pumps/1") as api:
        yield Instructor(page, console.url, api)


@pytest.fixture
def programmer(console: Console) -> Iterator[ServedPages]:
    """The clinician's programmer at the console's pump."""
    with running_programmer(console.address, "--key", console.key) as running:
        yield running


def test_a_dose_that_a_clinician_programs_is_seen_by_the_instructor(
    programmer: ServedPages, instructor: Instructor, new_context: Callable[..., BrowserContext]
) -> None:
    """Entered, reviewed old beside new, confirmed over the real wire, and delivered by the pump."""
    page = new_context().new_page()
    page.goto(f"{programmer.url}/#program")
    dose_of(page).fill("360")
    page.get_by_role("button", name="Review").click()
    expect(page.get_by_text("300 mcg/day").first).to_be_visible()
    expect(page.get_by_text("360 mcg/day").first).to_be_visible()
    expect(instructor.facts).to_contain_text("another one waits")
    expect(instructor.facts).not_to_contain_text("360 mcg/day")
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("in force, read back and verified")).to_be_visible()
    expect(instructor.facts).to_contain_text("360")
    belief = instructor.ask("GET", "/belief")
    assert belief["infusing_nl_per_day"] == 180_000
    instructor.show("Event log")
    expect(instructor.page.locator("#events [data-kind=programmer]").first).to_be_visible()


def test_a_dose_out_of_range_is_refused_at_its_field(
    programmer: ServedPages, new_context: Callable[..., BrowserContext]
) -> None:
    """The range and its unit stand at the field that is wrong, which has the focus."""
    page = new_context().new_page()
    page.goto(f"{programmer.url}/#program")
    dose = dose_of(page)
    dose.fill("300000")
    page.get_by_role("button", name="Review").click()
    expect(dose).to_have_attribute("aria-invalid", "true")
    expect(dose).to_have_accessible_description(re.compile("2,?000 mcg/day"))
    expect(dose).to_be_focused()


def dose_of(page: Page) -> Locator:
    """The field of the daily dose."""
    return page.get_by_role("textbox", name="Daily dose")
