"""The clinician's steps besides programming: pairing, bolus, refill, alarms, report."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.instructor import DAY_MS, Instructor, ask
from tests.browser.processes import Console, running_console, running_programmer
from tests.browser.watching import Watch


class Clinic(NamedTuple):
    """A clinician's page at a pump, thirty days after its refill.

    :ivar api: the control API of that pump.
    """

    page: Page
    console: Console
    api: httpx.Client

    def turn_to(self, step: str) -> None:
        """Go to a step by the rail."""
        self.page.get_by_role("navigation", name="Steps").get_by_role("link", name=step).click()


@pytest.fixture
def console() -> Iterator[Console]:
    """A console whose first pump has its keys told."""
    with running_console() as running:
        yield running


@pytest.fixture
def clinic(
    console: Console, request: pytest.FixtureRequest, new_context: Callable[..., BrowserContext]
) -> Iterator[Clinic]:
    """The page of a programmer that has the key, connected, unless a test says otherwise."""
    options = getattr(request, "param", ("--key", console.key))
    with (
        httpx.Client(base_url=f"{console.url}/api/v1/pumps/1", timeout=20) as api,
        running_programmer(console.address, *options) as programmer,
    ):
        ask(api, "POST", "/clock/advance", {"by": 30 * DAY_MS})
        page = new_context().new_page()
        page.goto(programmer.url)
        yield Clinic(page, console, api)
        page.context.close()


def test_a_bolus_is_reviewed_and_ordered_once(clinic: Clinic) -> None:
    """The pump delivers it, and the page tells that it runs and how to end it."""
    clinic.turn_to("Bolus")
    clinic.page.get_by_role("textbox", name="Dose").fill("50")
    clinic.page.get_by_role("textbox", name="Delivered over").fill("10")
    clinic.page.get_by_role("button", name="Review the bolus").click()
    expect(clinic.page.get_by_role("heading", name="Review")).to_be_focused()
    assert ask(clinic.api, "GET", "/belief")["bolus"] is None
    clinic.page.get_by_role("button", name="Order this bolus").click()
    expect(clinic.page.get_by_role("heading", name="The bolus has begun")).to_be_visible()
    bolus = ask(clinic.api, "GET", "/belief")["bolus"]
    assert bolus["volume_nl"] == 25_000
    clinic.page.get_by_role("button", name="End this bolus now").click()
    expect(clinic.page.get_by_role("heading", name="The bolus has ended")).to_be_visible()
    assert ask(clinic.api, "GET", "/belief")["bolus"] is None


def test_a_refill_compares_what_was_drawn_out_and_tells_the_pump(clinic: Clinic) -> None:
    """Belief changes with the update, and not before."""
    clinic.turn_to("Refill")
    clinic.page.get_by_role("textbox", name="Drawn out before the refill").fill("12")
    clinic.page.get_by_role("textbox", name="Volume in the reservoir now").fill("18")
    clinic.page.get_by_role("button", name="Review the refill").click()
    expect(clinic.page.get_by_text("over-infusion").first).to_be_visible()
    assert ask(clinic.api, "GET", "/belief")["believed_volume_nl"] == 15_500_000
    clinic.page.get_by_role("button", name="Tell the pump").click()
    expect(clinic.page.get_by_role("heading", name="The pump was told")).to_be_visible()
    assert ask(clinic.api, "GET", "/belief")["believed_volume_nl"] == 18_000_000


def test_an_alarm_is_acknowledged(clinic: Clinic) -> None:
    """After a question that says what follows; the instructor's side knows of it."""
    ask(clinic.api, "POST", "/faults", {"fault": "motor_stall"})
    ask(clinic.api, "POST", "/clock/advance", {"by": DAY_MS})
    clinic.page.get_by_role("button", name="Interrogate again").first.click()
    clinic.turn_to("Alarms")
    alarm = clinic.page.get_by_role("region", name="motor stall")
    alarm.get_by_role("button", name="Acknowledge").click()
    question = clinic.page.get_by_role("dialog", name=re.compile("Acknowledge"))
    question.get_by_role("button", name="Acknowledge").click()
    expect(clinic.page.get_by_text("Motor stall: acknowledged").first).to_be_visible()
    (stall,) = ask(clinic.api, "GET", "/state")["alarms"]
    assert stall["acknowledged"]


def test_the_log_and_the_report_are_those_of_the_pump(clinic: Clinic, tmp_path: Path) -> None:
    """The report comes as a file of its own."""
    clinic.turn_to("Log")
    expect(clinic.page.get_by_role("table").first).to_be_visible()
    clinic.turn_to("Report")
    with clinic.page.expect_download() as coming:
        clinic.page.get_by_role("button", name="Download the report").click()
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)
    assert "SIM-0001" in path.read_text("utf-8")


@pytest.mark.parametrize("clinic", [()], indirect=True)
def test_a_programmer_is_paired_with_the_code_that_the_instructor_shows(
    clinic: Clinic, new_context: Callable[..., BrowserContext]
) -> None:
    """Without a key it may do nothing; with the code, typed in time, everything."""
    page = clinic.page
    expect(page.get_by_role("textbox", name="Pairing code")).to_be_visible()
    instructor = Instructor(new_context().new_page(), clinic.console.url, clinic.api)
    instructor.hands.get_by_role("tab", name="Programming head").click()
    instructor.hands.get_by_role("button", name="Show a pairing code").click()
    code = instructor.hands.locator(".pairing-code")
    page.get_by_role("textbox", name="Pairing code").fill(code.inner_text())
    page.get_by_role("button", name="Pair", exact=True).click()
    expect(page.get_by_text("authenticated, clinician key")).to_be_visible()
    clinic.turn_to("Program")
    expect(page.get_by_role("textbox", name="Daily dose")).to_be_visible()


def test_a_lost_pump_is_said_at_once(clinic: Clinic, watch: list[Watch]) -> None:
    """What was read before stays, and is called so."""
    expect(clinic.page.get_by_text("Interrogated just now")).to_be_visible()
    watch[0].allow("Failed to load resource")  # its tries to find the pump again are refused
    clinic.console.kill()
    lost = clinic.page.get_by_role("alert").filter(has_text="connection to the pump is lost")
    expect(lost).to_be_visible(timeout=5_000)
    expect(lost).to_contain_text("What is shown is what was read before")
