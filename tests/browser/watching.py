"""Watches a page for what a user would never see: errors of its scripts and of its requests."""

import re
from typing import Final

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request

_OWN_MAKING: Final = "net::ERR_ABORTED"
"""A request that the page or a navigation gave up itself, such as a link that became a download."""


class Watch:
    """All that went wrong in the pages of a context."""

    def __init__(self, context: BrowserContext) -> None:
        self.wrong: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        context.on("page", self._watch)

    def allow(self, pattern: str) -> None:
        """From now on, what this pattern is found in is what the test is about."""
        self._allowed.append(re.compile(pattern))

    def check(self) -> None:
        """Nothing went wrong that was not allowed.

        :raises AssertionError: something did; it says what.
        """
        found = [
            each for each in self.wrong if not any(known.search(each) for known in self._allowed)
        ]
        assert not found, "\n".join(found)

    def _watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.wrong.append(f"page error: {error}"))
        page.on("requestfailed", self._failed)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self.wrong.append(f"console {message.type}: {message.text} ({where})")

    def _failed(self, request: Request) -> None:
        if request.failure != _OWN_MAKING:
            self.wrong.append(f"request failed: {request.method} {request.url}: {request.failure}")
