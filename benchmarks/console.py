"""The training room: how soon an alarm is on a page, how soon a page answers, what the wire pays.

Ten readers are there: a real page in Chromium, and nine that read what pages are sent; ten pages in
one browser, which no hospital has, are shown beside it. The browser shares this machine with the
pump. The wire is asked in turns, of a pump without a console and of one with ten readers, while the
browser is there: what it takes from the machine falls on both.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any, Final

import httpx
from playwright.sync_api import Browser, Page

from benchmarks.chromium import NoChromium, chromium
from benchmarks.figures import Figure, percentile
from benchmarks.processes import RunningPump, running, running_pump
from benchmarks.roundtrip import in_turns, line_to
from pump_protocol.keys import Key

PAGES = 10
ALARMS = 5
PRESSES = 30

DAY_MS: Final = 86_400_000
ALARM_MS: Final = 45 * DAY_MS
"""When the reservoir of the scenario is low."""
LEAD_MS: Final = 1_000
FASTEST: Final = 86_400
TIMEOUT_MS: Final = 20_000

_ALARM: Final = '[data-alarm="low_reservoir"]'
"""What stands on a page for this alarm while it is there."""

_PLAY: Final = "#clock button.clock-play"

_WHEN_SHOWN: Final = """
selector => {
  window.alarmShown = new Promise(resolve => {
    const look = () => {
      if (!document.querySelector(selector)) return;
      watcher.disconnect();
      requestAnimationFrame(() => resolve(performance.timeOrigin + performance.now()));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true});
    look();
  });
}
"""
"""The moment, in milliseconds since 1970, at which the frame with the alarm is drawn."""

_WATCH_PRESSES: Final = """
selector => {
  window.drawn = [];
  window.answered = [];
  new PerformanceObserver(list => {
    for (const each of list.getEntries())
      if (each.interactionId) window.drawn.push(each.duration);
  }).observe({type: "event", durationThreshold: 16, buffered: false});
  const button = document.querySelector(selector);
  let pressed = null;
  button.addEventListener("click", event => { pressed = event.timeStamp; }, {capture: true});
  new MutationObserver(() => {
    if (pressed === null) return;
    const from = pressed;
    pressed = null;
    requestAnimationFrame(() => window.answered.push(performance.now() - from));
  }).observe(button, {subtree: true, childList: true, characterData: true});
}
"""
"""Of each press, in ms: `drawn`, the browser's own measure to the next frame, which tells nothing
below 16 ms; and `answered`, to the frame that shows that the pump did what was asked."""


def run() -> list[Figure]:
    """All of it, if there is a Chromium."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(chromium())
        except NoChromium as error:
            print(f"console: not measured: {error}", file=sys.stderr)
            return []
        return [*_alarms(browser), *_at_full_speed(browser)]


# --- An alarm ------------------------------------------------------------------------------------


def _alarms(browser: Browser) -> list[Figure]:
    with ExitStack() as stack:
        url, _ = stack.enter_context(_console())
        api = stack.enter_context(httpx.Client(base_url=f"{url}/api/v1/pumps/1"))
        pages = [_open(browser, url)]
        with running("-m", "benchmarks.listeners", url, str(PAGES - 1)):
            alone_ms = [late for _ in range(ALARMS) for late in _one_alarm(api, pages)]
        pages += [_open(browser, url) for _ in range(PAGES - 1)]
        together_ms = [late for _ in range(ALARMS) for late in _one_alarm(api, pages)]
        for page in pages:
            page.context.close()
    note = f"{ALARMS} alarms at x1, {PAGES} readers, one of them a browser"
    one = f"the same on {PAGES} pages of one browser"
    return [
        Figure("console: an alarm on the page, median", median(alone_ms), "ms", note=note),
        Figure("console: an alarm on the page, worst", max(alone_ms), "ms", at_most=200, note=note),
        Figure("console: an alarm on all pages, median", median(together_ms), "ms", note=one),
        Figure("console: an alarm on all pages, worst", max(together_ms), "ms", note=one),
    ]


def _one_alarm(api: httpx.Client, pages: list[Page]) -> list[float]:
    """How late it was on each page, in ms after it happened."""
    _ask(api, "PUT", "/session", {"scenario": "missed-refill"})
    alarm_ms = _ask(api, "GET", "/clock")["therapy_ms"] + ALARM_MS
    _ask(api, "POST", "/clock/advance", {"to_ms": alarm_ms - LEAD_MS})
    for page in pages:
        page.wait_for_selector(_ALARM, state="detached", timeout=TIMEOUT_MS)
        page.evaluate(_WHEN_SHOWN, _ALARM)
    _ask(api, "PATCH", "/clock", {"speed": 1})
    shown_ms = [page.evaluate("() => window.alarmShown") for page in pages]
    _, happened_ms = min(_happened_ms(api, alarm_ms) for _ in range(9))
    return [each - happened_ms for each in shown_ms]


def _happened_ms(api: httpx.Client, alarm_ms: int) -> tuple[float, float]:
    """How long the question took, and when the alarm was, in ms: at x1 both clocks keep step."""
    before_ms = time.time() * 1000
    now_ms = _ask(api, "GET", "/clock")["therapy_ms"]
    after_ms = time.time() * 1000
    return after_ms - before_ms, (before_ms + after_ms) / 2 - (now_ms - alarm_ms)


# --- As fast as it goes --------------------------------------------------------------------------


def _at_full_speed(browser: Browser) -> list[Figure]:
    with ExitStack() as stack:
        url, pump = stack.enter_context(_console())
        plain = stack.enter_context(running_pump("--speed", str(FASTEST)))
        api = stack.enter_context(httpx.Client(base_url=f"{url}/api/v1/pumps/1"))
        page = _open(browser, url)
        stack.enter_context(running("-m", "benchmarks.listeners", url, str(PAGES - 1)))
        _ask(api, "PATCH", "/clock", {"speed": FASTEST})
        drawn_ms, answered_ms = _presses(page)
        with_console, without = in_turns(line_to(pump, stack).ask, line_to(plain, stack).ask)
        page.context.close()
    ratio = median(with_console) / median(without)
    ratio_p99 = percentile(with_console, 99) / percentile(without, 99)
    note = f"x{FASTEST}, {PAGES} readers"
    return [
        Figure("console: from a press to the next frame, p95", drawn_ms, "ms", 100, note=note),
        Figure("console: from a press to its effect shown, p95", answered_ms, "ms", 100, note=note),
        Figure("console: wire's answer / none, median", ratio, "ratio", at_most=1.25, note=note),
        Figure("console: wire's answer / none, p99", ratio_p99, "ratio", note=note),
    ]


def _presses(page: Page) -> tuple[float, float]:
    """Milliseconds from a press to the next frame, and to the frame that shows the pause: p95s."""
    page.evaluate(_WATCH_PRESSES, _PLAY)
    pause, resume = (page.locator(_PLAY, has_text=word) for word in ("Pause", "Play"))
    for _ in range(PRESSES):
        pause.click()
        resume.wait_for()
        resume.click()
        pause.wait_for()
    drawn, answered = page.evaluate("() => [window.drawn, window.answered]")
    return percentile(drawn or [16.0], 95), percentile(answered, 95)


# --- The room ------------------------------------------------------------------------------------


@contextmanager
def _console() -> Iterator[tuple[str, RunningPump]]:
    """A console: where its pages are, and its pump."""
    options = ("--http", "127.0.0.1:0", "--port", "pty", "--json")
    with running("-m", "pump_sim", "console", *options) as (process, line):
        ready = json.loads(line)
        yield (
            ready["http"].rstrip("/"),
            RunningPump(process, ready["address"], Key.from_text(ready["key"])),
        )


def _open(browser: Browser, url: str) -> Page:
    """The instructor's page, in a browser of its own, when it shows a pump."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(url)
    page.locator(_PLAY).wait_for()
    return page


def _ask(
    api: httpx.Client, method: str, path: str, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    answer = api.request(method, path, json=body)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told
