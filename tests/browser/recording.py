"""Records what a page hears and what it sounds: frames of its WebSocket, and tones.

It does not judge them.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

from playwright.sync_api import BrowserContext, Page, WebSocket

_RECORD_TONES: Final = """
(() => {
  window.tones = [];
  const laid = new WeakMap();
  const { setValueAtTime } = AudioParam.prototype;
  AudioParam.prototype.setValueAtTime = function (value, when) {
    laid.set(this, new Map([...(laid.get(this) ?? []), [when, value]]));
    return setValueAtTime.call(this, value, when);
  };
  const { start, stop } = OscillatorNode.prototype;
  OscillatorNode.prototype.start = function (when = 0) {
    const hertz = new Set([...(laid.get(this.frequency)?.values() ?? [this.frequency.value])]);
    this.tone = { hertz: [...hertz], heard: this.context.state === "running", lasts_ms: null };
    this.from = when;
    window.tones.push(this.tone);
    return start.call(this, when);
  };
  OscillatorNode.prototype.stop = function (when = 0) {
    this.tone.lasts_ms = Math.max(0, Math.round((when - this.from) * 1000));
    return stop.call(this, when);
  };
})();
"""


class Frames:
    """Everything that a page was told by WebSocket since this was made."""

    def __init__(self, page: Page) -> None:
        self.texts: list[str] = []
        page.on("websocket", self._watch)

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a type, in order."""
        return [each for each in map(json.loads, self.texts) if each["type"] == kind]

    def _watch(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self.texts.append(str(payload)))


def names_in(told: object) -> Iterator[str]:
    """Every name of a member, however deep."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield name
            yield from names_in(value)
    elif isinstance(told, list):
        for each in told:
            yield from names_in(each)


def record_tones(context: BrowserContext) -> None:
    """Have every page of this context keep what it plays, as `window.tones`."""
    context.add_init_script(_RECORD_TONES)


def tones_of(page: Page) -> list[dict[str, Any]]:
    """What this page has played until now, or is about to play."""
    played: list[dict[str, Any]] = page.evaluate("() => window.tones")
    return played
