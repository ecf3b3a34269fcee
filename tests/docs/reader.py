"""A reader who follows a page literally: types every command, runs every program, compares.

What is printed must be what the page shows. In the page, ``...`` stands for any text within a line
and, alone in a line, for any lines. Addresses of ports differ from run to run and are not compared;
in a command, the address on the page stands for that of the last pump started. ``/tmp`` on the page
is a folder of the test's own. A command may fail only if the page shows its exit code.
"""

import os
import re
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from .pages import ROOT, Block, Command, End, Press, commands, page_name, steps
from .terminal import COLUMNS, Terminal

SECONDS = 15.0
"""How long anything may take that a reader waits for."""

LONG_RUNNING = re.compile(
    r"pump-sim (run|console)\b|python -m serial.tools.miniterm|pump-programmer\b.* web\b"
)
"""Commands that a reader starts in a terminal and leaves there."""

PAGES = re.compile(r"127\.0\.0\.1:80(?P<number>17|18)\b")
"""Where pages are on a page of the documentation; in a test, on ports of its own."""

KEYS = {"space": " ", "Ctrl-]": "\x1d"}

_ADDRESS = re.compile(r"/dev/(?:pts/|ttys)\d+|(?:socket|rfc2217)://127\.0\.0\.1:\d+")
_LINK = re.compile(r"--port pty:(?P<path>\S+)")
_PROMPT = re.compile(r"^(?P<prompt>.*\[y/N\][:?]?) (?P<answer>\w+)$")


class DocumentationWrong(AssertionError):
    """What a page says is not what happens."""


class Reader:
    """Follows one page in a folder of its own; a context manager that ends what it started."""

    def __init__(self, page: Path, folder: Path) -> None:
        self._page = page
        self._folder = folder
        self._environment = _environment(folder)
        self._cleanup = ExitStack()
        self._running: list[Terminal] = []
        self._consumed = 0
        self._exit_code: int | None = 0
        self._must_show: Command | None = None
        self._address = ""
        self._ports: dict[str, int] = {}
        (folder / "examples").symlink_to(ROOT / "examples")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()

    def follow(self) -> None:
        """Do everything that the page says, in order.

        :raises DocumentationWrong: naming the line, what the page shows and what came instead.
        """
        for step in steps(self._page):
            match step:
                case Press(line, keys):
                    self._terminal(line).type(KEYS.get(keys, keys))
                case End(line):
                    self._end(line)
                case Block(language="console"):
                    for command in commands(step):
                        self._obey(command)
                case Block() if step.file_name is not None:
                    text = "\n".join(step.lines) + "\n"
                    (self._folder / step.file_name).write_text(self._localized(text), "utf-8")
                case Block(language="python"):
                    self._run_python(step)
        self._check_shown()

    # --- Commands --------------------------------------------------------------------------------

    def _obey(self, command: Command) -> None:
        if command.text == "echo $?":
            self._show_exit_code(command)
            return
        self._check_shown()
        if not command.text:
            self._read_on(command)
        elif command.text.startswith("export "):
            name, _, value = command.text.removeprefix("export ").partition("=")
            self._environment[name] = self._localized(value)
        elif LONG_RUNNING.match(command.text):
            self._start(command)
        else:
            self._run(command)

    def _run(self, command: Command) -> None:
        with Terminal(
            self._localized(command.text), cwd=self._folder, env=self._environment
        ).closing() as terminal:
            self._answer_prompts(terminal, command)
            self._exit_code = terminal.wait(SECONDS)
            self._compare(command, terminal.output, _pattern(command.expected) + r"\Z")
            if self._exit_code is None:
                raise self._wrong(command, f"it has not ended after {SECONDS:g} s", terminal.output)
        self._must_show = command if self._exit_code else None

    def _answer_prompts(self, terminal: Terminal, command: Command) -> None:
        for line in command.expected:
            found = _PROMPT.match(line)
            if found:
                prompt = found["prompt"].strip().replace("...", "")
                if not terminal.wait_until(lambda output, p=prompt: p in output, SECONDS):
                    raise self._wrong(command, f"it never asked {prompt!r}", terminal.output)
                terminal.type(found["answer"] + "\n")

    def _start(self, command: Command) -> None:
        text = self._localized(_with_http(command.text))
        terminal = Terminal(text, cwd=self._folder, env=self._environment)
        self._cleanup.callback(terminal.close)
        self._running.append(terminal)
        self._consumed = 0
        self._exit_code = None
        expected = command.expected or ("...",)
        self._await(command, terminal, _pattern(expected))
        if "pump-sim" in command.text:
            # Output is line-wise, and the address comes early.
            link = _LINK.search(self._localized(command.text))
            sought = _ADDRESS if link is None else re.compile(re.escape(link["path"]))
            terminal.wait_until(lambda output: sought.search(output) is not None, SECONDS)
            found = sought.search(terminal.output)
            self._address = found.group() if found else ""

    def _read_on(self, command: Command) -> None:
        self._await(
            command, self._terminal(command.line), r"(?:.*\n)*?" + _pattern(command.expected)
        )

    def _await(self, command: Command, terminal: Terminal, pattern: str) -> None:
        compiled = re.compile(pattern)

        def is_there(output: str) -> bool:
            return compiled.match(self._comparable(output), self._consumed) is not None

        if not terminal.wait_until(is_there, SECONDS):
            rest = self._comparable(terminal.output)[self._consumed :]
            raise self._wrong(command, "that did not come", rest)
        found = compiled.match(self._comparable(terminal.output), self._consumed)
        assert found is not None
        self._consumed = found.end()

    def _show_exit_code(self, command: Command) -> None:
        if self._exit_code is None:
            self._exit_code = self._terminal(command.line).wait(SECONDS)
            self._running.pop()
        self._must_show = None
        if command.expected != (str(self._exit_code),):
            raise self._wrong(command, "another exit code", str(self._exit_code))
        self._exit_code = 0

    def _check_shown(self) -> None:
        if self._must_show is not None:
            raise self._wrong(self._must_show, f"it failed with exit code {self._exit_code}", "")

    def _end(self, line: int) -> None:
        terminal = self._terminal(line)
        terminal.interrupt()
        code = terminal.wait(SECONDS)
        self._running.pop()
        if code != 0:
            text = f"after Ctrl-C: exit code {code}\n{terminal.output}"
            raise DocumentationWrong(f"{page_name(self._page)}:{line}: {text}")

    def _terminal(self, line: int) -> Terminal:
        if not self._running:
            raise DocumentationWrong(f"{page_name(self._page)}:{line}: no program is running")
        return self._running[-1]

    def _run_python(self, block: Block) -> None:
        (self._folder / "block.py").write_text(self._localized("\n".join(block.lines)), "utf-8")
        self._run(Command(block.line, "python block.py", ()))
        self._check_shown()

    # --- Comparing -------------------------------------------------------------------------------

    def _compare(self, command: Command, output: str, pattern: str) -> None:
        if command.expected and not re.match(pattern, self._comparable(output)):
            raise self._wrong(command, "it prints something else", self._comparable(output))

    def _comparable(self, output: str) -> str:
        output = output.replace(str(self._folder), "/tmp")
        for number, port in self._ports.items():
            output = output.replace(f"127.0.0.1:{port}", f"127.0.0.1:80{number}")
        lines = output.splitlines(keepends=True)
        return _ADDRESS.sub(
            "ADDRESS", "".join(re.sub(r"[ \t\r]+(?=\n|\Z)", "", each) for each in lines)
        )

    def _localized(self, text: str) -> str:
        """What the page says, with this folder's paths and the address of the last pump."""
        text = re.sub(r"/tmp(?=/)", str(self._folder), text)
        text = PAGES.sub(lambda found: f"127.0.0.1:{self._port(found['number'])}", text)
        return _ADDRESS.sub(lambda found: self._address or found.group(), text)

    def _port(self, number: str) -> int:
        """A port that is free, the same for the same number on the page."""
        if number not in self._ports:
            with socket.create_server(("127.0.0.1", 0)) as server:
                self._ports[number] = server.getsockname()[1]
        return self._ports[number]

    def _wrong(self, command: Command, why: str, output: str) -> DocumentationWrong:
        shown = "\n".join(command.expected)
        return DocumentationWrong(
            f"{page_name(self._page)}:{command.line}: $ {command.text}\n{why}\n"
            f"--- the page ---\n{shown}\n--- what came ---\n{output}"
        )


def _pattern(expected: tuple[str, ...]) -> str:
    """A regular expression for the lines of a page; see the module for ``...``."""
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            text = _ADDRESS.sub("ADDRESS", line.rstrip())
            parts.append(".*?".join(map(re.escape, text.split("..."))) + r"\n")
    return "".join(parts)


def _environment(folder: Path) -> dict[str, str]:
    kept: Mapping[str, str] = {
        key: value
        for key, value in os.environ.items()
        if key not in {"PYTHONDONTWRITEBYTECODE", "LINES", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
        and not key.startswith("PUMP_")
    }
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
        "NO_COLOR": "1",
        "COLUMNS": str(COLUMNS),
    }


def _with_http(text: str) -> str:
    """A command with the address of its pages, which is on the page even where nobody types it."""
    if "--http" in text:
        return text
    if text.startswith("pump-sim console"):
        return f"{text} --http 127.0.0.1:8017"
    return f"{text} --http 127.0.0.1:8018" if text.endswith(" web") else text
