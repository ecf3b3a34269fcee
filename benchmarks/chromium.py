"""Debian's Chromium: where it is, and how it is started. It knows no page."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

VARIABLE: Final = "PUMP_SIM_CHROMIUM"
NAMES: Final = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
HOW_TO_HAVE_ONE: Final = (
    f"no Chromium: install it (Debian: apt install chromium) or name it in {VARIABLE}"
)

_ARGUMENTS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoChromium(Exception):
    """There is no browser on this machine; the text says what to do."""


def find_chromium() -> str:
    """The path of a Chromium.

    :raises NoChromium: there is none, or the one that the environment names is none.
    """
    named = os.environ.get(VARIABLE)
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    raise NoChromium(f"{VARIABLE} is {named}: no program" if named else HOW_TO_HAVE_ONE)


def arguments() -> list[str]:
    """How it is started: quiet on the network, and without its sandbox only where it must be."""
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    return [*_ARGUMENTS, *(["--no-sandbox"] if is_root else [])]


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """A headless Chromium, started with *more* arguments.

    :raises NoChromium: see :func:`find_chromium`.
    """
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*arguments(), *more])
        try:
            yield browser
        finally:
            browser.close()
