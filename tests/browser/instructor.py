"""The instructor's page as a person uses it: by what stands on its buttons and fields."""

import re
from typing import Any, Final, NamedTuple

import httpx
from playwright.sync_api import Locator, Page, expect

DAY_MS: Final = 86_400_000
HOUR_MS: Final = 3_600_000
FASTEST: Final = "\N{MULTIPLICATION SIGN}86400"


class Room(NamedTuple):
    """A pump of its own in a console: where its pages are.

    :ivar api: the control API of this pump: what a test does that its subject does not need.
    """

    instructor: str
    trainee: str
    api: httpx.Client


class Instructor:
    """The page, and its parts.

    :ivar api: the control API of its pump: what a test does that its subject does not need.
    """

    def __init__(self, page: Page, url: str, api: httpx.Client) -> None:
        self.page = page
        self.api = api
        page.goto(url)
        self.clock = page.locator("#clock")
        self.player = page.locator("#player")
        self.alarms = page.locator("#alarms")
        self.facts = page.locator("#facts")
        self.hands = page.locator("#hands")
        self.header = page.locator("#header")
        expect(self.header.get_by_text("Live", exact=True)).to_be_visible()
        for part in ("player", "charts", "timeline", "events", "snapshots", "debrief"):
            expect(page.locator(f"#{part} h2")).to_be_attached()

    # --- Sessions --------------------------------------------------------------------------------

    def choose(self, title: str) -> None:
        """Begin a scenario with the picker; time waits."""
        self.player.get_by_role("button", name=re.compile("^Choose")).click()
        picker = self.dialog("Choose a session")
        picker.get_by_label("Find a scenario").fill(title)
        picker.get_by_role("radio", name=re.compile(title)).check()
        picker.get_by_role("button", name="Begin").click()
        expect(picker).to_be_hidden()
        expect(self.player.get_by_role("heading", name=title)).to_be_visible()

    def decide(self, title: str) -> None:
        """Take an option of the choice that is waited for."""
        self.decision.get_by_role("button", name=title).click()
        expect(self.decision).to_be_hidden()

    @property
    def decision(self) -> Locator:
        """What is to be decided, while something is."""
        return self.player.get_by_role("region", name="Decision")

    @property
    def story(self) -> Locator:
        """What was told and decided."""
        return self.player.get_by_role("log")

    # --- Time ------------------------------------------------------------------------------------

    def press_clock(self, name: str) -> None:
        """Press the button of the clock bar whose name begins so."""
        self.clock.get_by_role("button", name=re.compile(f"^{re.escape(name)}")).click()

    def go_to(self, elapsed_ms: int) -> None:
        """Have time at that moment of the session, or where it waits, without the page."""
        clock = self.ask("GET", "/state")["clock"]
        to_ms = clock["therapy_ms"] + elapsed_ms - clock["elapsed_ms"]
        self.ask("POST", "/clock/advance", {"to_ms": to_ms})

    # --- Parts -----------------------------------------------------------------------------------

    def dialog(self, name: str | re.Pattern[str]) -> Locator:
        """The dialog that is open."""
        return self.page.get_by_role("dialog", name=name)

    def alarm(self, name: str) -> Locator:
        """An alarm in the panel of alarms."""
        return self.alarms.locator(f'[data-alarm="{name}"]')

    def show(self, view: str) -> None:
        """Turn to one of the views of the session."""
        self.page.get_by_role("tab", name=view).click()

    # --- Without the page ------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer of the control API."""
        return ask(self.api, method, path, body)


def ask(
    api: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """The answer of the control API.

    :raises httpx.HTTPStatusError: it refused.
    """
    answer = api.request(method, path, json=body)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told
