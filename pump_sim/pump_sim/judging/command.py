"""The command line of somebody else's programmer: a template, and what is put into it.

It is split into words first and filled in afterwards, so that nothing of a value is ever split, or
read by a shell. No process is known here.
"""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pump_protocol.conformance.steps import Start
from pump_protocol.conformance.tasks import TASKS
from pump_sim.texts import did_you_mean

_PLACE: Final = re.compile(r"\{([a-z_]+)\}")
_TASK: Final = "{task}"
_EVERYWHERE: Final = ("address", "key")


class CommandError(Exception):
    """A command or a task's line cannot be what is meant; the message says why."""


@dataclass(frozen=True, slots=True)
class Command:
    """How a programmer is called.

    :ivar template: words of the command, before anything is filled in; `{task}` may be one.
    :ivar lines: the words of each task that the programmer can do, by the task's name.
    """

    template: tuple[str, ...]
    lines: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(
        cls, text: str, lines: Mapping[str, str] | None = None, does: Iterable[str] = ()
    ) -> "Command":
        """The command that was typed.

        :param lines: what stands for `{task}`, for each task that the programmer can do; None for
            the words of pump-programmer.
        :param does: the tasks that it is to be judged by; none for all that it can do.
        :raises CommandError: it cannot be called so.
        """
        given = {each.name: each.line for each in TASKS.values()} if lines is None else dict(lines)
        wanted = tuple(dict.fromkeys(does))
        for name in wanted:
            check_task(name, "--does")
        template = _split(text, "--command")
        if not template:
            raise CommandError("--command: it is empty; the first word is the program to be run")
        if _TASK not in template:
            return cls._of_one_task(template, wanted, named=lines is not None)
        _check_places(template, (*_EVERYWHERE, "task"), "--command")
        if wanted:
            missing = [name for name in wanted if name not in given]
            if missing:
                raise CommandError(f"--does {missing[0]}: the tasks file has no line for it")
            given = {name: given[name] for name in wanted}
        return cls(template, {name: read_line(name, line) for name, line in given.items()})

    @classmethod
    def _of_one_task(
        cls, template: tuple[str, ...], does: tuple[str, ...], *, named: bool
    ) -> "Command":
        """A command that does the same whenever it is called: it is the line of its only task."""
        if any(_TASK in word for word in template):
            raise CommandError(
                f"--command: {_TASK} stands for several words, so it must be a word of its own"
            )
        if len(does) != 1 or named:
            raise CommandError(
                f"--command: it has no word {_TASK}, so it does one thing only: say with one --does"
                f" which, and give no tasks file; there are {', '.join(TASKS)}"
            )
        _check_places(template, (*_EVERYWHERE, *values_of(does[0])), "--command")
        return cls((_TASK,), {does[0]: template})

    @property
    def tasks(self) -> frozenset[str]:
        """What the programmer can do."""
        return frozenset(self.lines)

    @property
    def program(self) -> str | None:
        """What is started, where that is always the same."""
        words = self.template
        if words == (_TASK,) and len(self.lines) == 1:
            (words,) = self.lines.values()
        return words[0] if words and not _PLACE.search(words[0]) else None

    def words(self, begun: Start, *, address: str, key: str | None) -> list[str]:
        """The words to call it with; a key that is not given is an empty text."""
        filled = {"address": address, "key": key or "", **begun.values}
        words = [
            each
            for word in self.template
            for each in (self.lines[begun.task] if word == _TASK else (word,))
        ]
        return [_PLACE.sub(lambda place: str(filled[place[1]]), word) for word in words]


def check_task(name: str, where: str) -> None:
    """Nothing if there is such a task.

    :raises CommandError: there is none.
    """
    if name not in TASKS:
        guess = did_you_mean(name, TASKS)
        raise CommandError(f"{where} {name}: no such task.{guess} There are {', '.join(TASKS)}")


def values_of(task: str) -> tuple[str, ...]:
    """The names of the values that a task takes."""
    return tuple(dict.fromkeys(_PLACE.findall(TASKS[task].line)))


def read_line(task: str, line: str) -> tuple[str, ...]:
    """The words of a task's line.

    :raises CommandError: it cannot be split, or has something in braces that the task has not.
    """
    words = _split(line, f"tasks.{task}")
    _check_places(words, (*_EVERYWHERE, *values_of(task)), f"tasks.{task}")
    return words


def _split(text: str, where: str) -> tuple[str, ...]:
    if "\0" in text:
        raise CommandError(f"{where} = {text!r}: no command line can have a zero byte")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise CommandError(f"{where} = {text!r}: {str(error).lower()}") from None


def _check_places(words: tuple[str, ...], allowed: tuple[str, ...], where: str) -> None:
    for word in words:
        for name in _PLACE.findall(word):
            if name == "task" and word != _TASK:
                raise CommandError(
                    f"{where}: {_TASK} stands for several words, so it must be a word of its own"
                )
            if name not in allowed:
                places = ", ".join(f"{{{each}}}" for each in allowed)
                raise CommandError(f"{where}: {{{name}}} means nothing here; allowed are {places}")
