"""Try the pages of an installed pump-sim: ``python tools/try_pages.py``, with that Python.

Needs nothing but the two commands beside the interpreter. It loads every page with all that it
refers to, plays a scenario over the control API, makes a debrief, and interrogates the pump from
the clinician's page.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin
from urllib.request import Request, urlopen

_BIN: Final = Path(sys.executable).parent
_REFERS: Final = re.compile(
    r"""(?:src|href|from|import)\s*[=(]?\s*["']([^"'#?]+\.(?:js|css|svg))["']"""
)


@contextmanager
def running(*command: str) -> Iterator[dict[str, Any]]:
    """A command of pump-sim, and what its first line says."""
    name, *options = command
    with subprocess.Popen([_BIN / name, *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()
            assert process.wait(20) == 0, f"{name} ended with {process.returncode}"


def load(url: str, seen: set[str]) -> None:
    """Load a page or a part of one, and all that it refers to."""
    if url in seen:
        return
    seen.add(url)
    with urlopen(url, timeout=20) as answer:
        text = answer.read().decode()
    for found in _REFERS.findall(text):
        if found.startswith(("/", "./", "../")):
            load(urljoin(url, found), seen)


def ask(url: str, method: str = "GET", body: object = None) -> Any:
    """The JSON that a request gives."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def main() -> None:
    """Try everything once."""
    console = ("pump-sim", "console", "--http", "127.0.0.1:0", "--port", "tcp:0", "--json")
    with running(*console) as ready:
        seen: set[str] = set()
        for page in ("instructor", "trainee"):
            load(ready[page], seen)
        pump = f"{ready['api']}/pumps/1"
        ask(
            f"{pump}/session",
            "PUT",
            {"scenario": "missed-refill", "picks": {"refill": "nobody-comes"}},
        )
        ask(f"{pump}/clock/advance", "POST", {"by": "60 d"})
        session = ask(f"{pump}/session")
        assert session["over"], session
        assert not session["verdicts"]["unmet"], session
        assert ask(f"{pump}/debrief.json")["format"] == "pump-sim-debrief"
        with urlopen(f"{pump}/debrief.html", timeout=60) as answer:
            assert b"<svg" in answer.read()
        at = ("--port", ready["address"], "--key", ready["key"])
        with running("pump-programmer", *at, "web", "--http", "127.0.0.1:0", "--json") as web:
            load(web["url"], seen)
        sys.stdout.write(f"{len(seen)} files of pages, a session, a debrief: all there\n")


if __name__ == "__main__":
    main()
