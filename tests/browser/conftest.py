"""A real Chromium for every test of this folder, and what serves its pages.

A test that takes both names what serves first: pages are closed before their server is.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from benchmarks.chromium import NoChromium, chromium
from tests.browser.instructor import Instructor, Room, ask
from tests.browser.processes import Console, running_console
from tests.browser.seeing import PROJECTOR
from tests.browser.watching import Watch

HERE: Final = Path(__file__).parent
WAIT_MS: Final = 10_000
"""How long a page may take for anything: so long only where the machine is busy."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a file on one worker, and of all files on two: no more browsers than that."""
    for item in items:
        if item.path.is_relative_to(HERE):
            lane = sum(item.path.name.encode()) % 2
            item.add_marker(pytest.mark.xdist_group(f"browser-{lane}"))


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests of this folder that this process runs."""
    expect.set_options(timeout=WAIT_MS)
    with ExitStack() as stack:
        try:
            started = stack.enter_context(chromium())
        except NoChromium as error:
            if os.environ.get("CI") == "true":
                pytest.fail(str(error))
            pytest.skip(str(error))
        yield started


@pytest.fixture
def watch() -> list[Watch]:
    """The watches of all contexts of a test; tell one what is no mistake."""
    return []


@pytest.fixture
def new_context(browser: Browser, watch: list[Watch]) -> Iterator[Callable[..., BrowserContext]]:
    """Opens contexts: people's browsers. Whatever goes wrong in one fails the test."""
    opened: list[BrowserContext] = []

    def open_one(**options: Any) -> BrowserContext:
        usual: dict[str, Any] = {"viewport": PROJECTOR, "reduced_motion": "reduce"}
        context = browser.new_context(**usual | options)
        context.set_default_timeout(WAIT_MS)
        watch.append(Watch(context))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
    for each in watch:
        each.check()


@pytest.fixture
def page(new_context: Callable[..., BrowserContext]) -> Page:
    """A page in a browser of its own."""
    return new_context().new_page()


@pytest.fixture(scope="package")
def house() -> Iterator[Console]:
    """The console in which every test has a pump of its own: it takes a second to start."""
    with running_console() as running:
        yield running


@pytest.fixture
def room(house: Console) -> Iterator[Room]:
    """A new pump, paused."""
    with httpx.Client(base_url=f"{house.url}/api/v1", timeout=20) as root:
        number = ask(root, "POST", "/pumps", {"port": "tcp:0"})["id"]
        with httpx.Client(base_url=f"{house.url}/api/v1/pumps/{number}", timeout=20) as api:
            yield Room(f"{house.url}/?pump={number}", f"{house.url}/trainee?pump={number}", api)
        root.delete(f"/pumps/{number}").raise_for_status()


@pytest.fixture
def instructor(room: Room, page: Page) -> Instructor:
    """The instructor's page, connected."""
    return Instructor(page, room.instructor, room.api)
