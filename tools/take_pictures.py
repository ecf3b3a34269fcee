"""Take the pictures of README and docs from the running pages: ``python -m tools.take_pictures``.

A console and a clinician's programmer are started as a user starts them, a training session is
played through the control API, and a real Chromium looks at it. The pictures are no part of ``make
docs``: another Chromium draws the same a little differently, and that is no mistake of a page.
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page

from benchmarks.chromium import chromium
from benchmarks.processes import running

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
PROJECTOR: Final = (1280, 800)
TABLET: Final = (820, 1180)
SETTLED_MS: Final = 2_500
"""What is drawn after the last message: charts are drawn at their own pace."""


@dataclass(frozen=True, slots=True)
class Training:
    """A console at a moment of its session, its clinician's programmer, and a browser to look.

    :ivar api: of its first pump.
    :ivar folder: for what is looked at as a file.
    """

    console: str
    clinician: str
    api: httpx.Client
    browser: Browser
    folder: Path

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer of the control API.

        :raises httpx.HTTPStatusError: it refused.
        """
        answer = self.api.request(method, path, json=body)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    def begin(self, scenario: str) -> None:
        """Start a scenario, paused."""
        self.ask("PUT", "/session", {"scenario": scenario})

    def go_to(self, elapsed_ms: int) -> None:
        """Let its time go on to there, or to where it waits for a decision."""
        clock = self.ask("GET", "/state")["clock"]
        to_ms = clock["therapy_ms"] + elapsed_ms - clock["elapsed_ms"]
        self.ask("POST", "/clock/advance", {"to_ms": to_ms})

    @contextmanager
    def page(
        self, url: str, size: tuple[int, int] = PROJECTOR, *, dark: bool = False
    ) -> Iterator[Page]:
        """A page in a browser of its own."""
        width, height = size
        context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
        )
        try:
            page = context.new_page()
            page.goto(url)
            yield page
        finally:
            context.close()


@dataclass(frozen=True, slots=True)
class Picture:
    """What is taken.

    :ivar prepare: brings the session to its moment; gives the address to look at.
    :ivar act: what a person does on the page before.
    """

    prepare: Callable[[Training], str]
    act: Callable[[Page], None] = lambda _: None
    size: tuple[int, int] = PROJECTOR
    dark: bool = False

    def take(self, training: Training, to: Path) -> None:
        """Take it into a file."""
        with training.page(self.prepare(training), self.size, dark=self.dark) as page:
            self.act(page)
            page.wait_for_timeout(SETTLED_MS)
            page.screenshot(path=to)

    def in_every_size(self) -> Iterator[tuple[str, "Picture"]]:
        """The same in light and dark, on a projector and on a tablet, with what to call each."""
        for name, size in (("projector", PROJECTOR), ("tablet", TABLET)):
            for scheme in ("light", "dark"):
                yield f"{name}-{scheme}", replace(self, size=size, dark=scheme == "dark")


# --- The moments, in the order of a session ------------------------------------------------------


def to_low_reservoir(training: Training) -> str:
    """The pump tells of a low reservoir."""
    training.begin("missed-refill")
    training.go_to(45 * DAY_MS + 6 * HOUR_MS)
    return training.console


def to_choice(training: Training) -> str:
    """The scenario waits for a choice."""
    training.begin("missed-refill")
    training.go_to(47 * DAY_MS)
    return training.console


def to_withdrawal(training: Training) -> str:
    """Nobody came, and the patient is in withdrawal."""
    to_choice(training)
    training.ask("POST", "/session/decision", {"option": "nobody-comes"})
    training.go_to(51 * DAY_MS + 8 * HOUR_MS)
    return training.console


def to_trainees(training: Training) -> str:
    """The same moment as trainees see it."""
    return f"{to_withdrawal(training)}/trainee"


def to_debrief(training: Training) -> str:
    """Both branches were played to their end."""
    to_withdrawal(training)
    training.go_to(53 * DAY_MS)
    marks = training.ask("GET", "/session/marks")["marks"]
    choice = next(each for each in marks if each["kind"] == "choice")
    training.ask("POST", "/session/rewind", {"mark": choice["mark"]})
    training.ask("POST", "/session/decision", {"option": "refilled-in-time"})
    training.go_to(53 * DAY_MS)
    path = training.folder / "debrief.html"
    path.write_text(training.api.get("/debrief.html").text, "utf-8")
    return path.as_uri()


def to_practice(training: Training) -> str:
    """The usual pump, some days on."""
    training.ask("PUT", "/session", {"practice": {}})
    training.go_to(30 * DAY_MS)
    return training.console


def to_clinician(training: Training) -> str:
    """The same pump, as a clinician's programmer has it."""
    to_practice(training)
    return training.clinician


def open_fault_form(page: Page) -> None:
    """The form of a fault says what will happen."""
    page.locator("#hands").get_by_role("button", name="Flow error").click()


def review_a_dose(page: Page) -> None:
    """Old and new stand side by side, before anything is in force."""
    page.get_by_role("link", name="Program").click()
    page.get_by_role("textbox", name="Daily dose").fill("360")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("button", name="Commit to the pump").wait_for()


PICTURES: Final[Mapping[str, Picture]] = {
    "console-overview.png": Picture(to_low_reservoir),
    "console-choice.png": Picture(to_choice),
    "console-withdrawal.png": Picture(to_withdrawal, size=TABLET, dark=True),
    "console-trainee.png": Picture(to_trainees),
    "console-fault.png": Picture(to_practice, open_fault_form),
    "console-debrief.png": Picture(to_debrief),
    "clinician-status.png": Picture(to_clinician),
    "clinician-review.png": Picture(to_clinician, review_a_dose),
}
"""What is taken into each file."""


def main(arguments: Sequence[str]) -> None:
    """Take all pictures, or those that are named."""
    parser = ArgumentParser(prog="python -m tools.take_pictures")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PICTURES))
    parser.add_argument("--into", type=Path, default=IMAGES, help="a folder other than docs/images")
    parser.add_argument(
        "--every-size", action="store_true", help="light and dark, projector and tablet: to look at"
    )
    options = parser.parse_args(arguments)
    options.into.mkdir(parents=True, exist_ok=True)
    pictures = {name: PICTURES[name] for name in options.names or PICTURES}
    if options.every_size:
        pictures = {
            f"{name.removesuffix('.png')}-{size}.png": sized
            for name, picture in pictures.items()
            for size, sized in picture.in_every_size()
        }
    with chromium() as browser:
        for name, picture in pictures.items():
            with _training(browser) as training:
                picture.take(training, options.into / name)
            sys.stdout.write(f"{options.into / name}\n")


@contextmanager
def _training(browser: Browser) -> Iterator[Training]:
    """A training room of its own: nothing is left of the picture before."""
    with ExitStack() as stack:
        console = ("-m", "pump_sim", "console", "--http", "127.0.0.1:0", "--port", "tcp:0")
        _, line = stack.enter_context(running(*console, "--json"))
        ready = json.loads(line)
        at = ("--port", ready["address"], "--key", ready["key"])
        web = ("-m", "pump_programmer", *at, "web", "--http", "127.0.0.1:0", "--json")
        _, line = stack.enter_context(running(*web))
        url = ready["http"].rstrip("/")
        yield Training(
            console=url,
            clinician=json.loads(line)["url"].rstrip("/"),
            api=stack.enter_context(httpx.Client(base_url=f"{url}/api/v1/pumps/1", timeout=60)),
            browser=browser,
            folder=Path(stack.enter_context(TemporaryDirectory())),
        )


if __name__ == "__main__":
    main(sys.argv[1:])
