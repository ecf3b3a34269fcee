"""The options and exit codes of both command lines, as Markdown printed from the commands."""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from typer import Context
from typer.main import get_command

from markdown_table import table
from pump_programmer import cli as programmer_cli
from pump_programmer.terminal import EXIT_MEANINGS
from pump_sim import cli as pump_cli

_DEFAULT_IN_WORDS: Final = re.compile(r" *\[?[Dd]efault: (?P<default>[^\].]+)[\].]$")
"""Said in the help where the default is no constant of the option."""


def pump_sim_commands() -> str:
    """The commands of ``pump-sim``."""
    return "\n\n".join(_commands("pump-sim", get_command(pump_cli.app)))


def programmer_commands() -> str:
    """The commands of ``pump-programmer``."""
    return "\n\n".join(_commands("pump-programmer", get_command(programmer_cli.app)))


def exit_codes() -> str:
    """How ``pump-programmer`` ends."""
    return table(
        ("exit code", "meaning"),
        ((str(int(code)), meaning) for code, meaning in EXIT_MEANINGS.items()),
    )


def _commands(name: str, group: Any) -> Iterator[str]:
    yield f"### {name}\n\n" + _parameters(group.params)
    yield from _inside(name, group)


def _inside(name: str, group: Any) -> Iterator[str]:
    context = Context(group)
    for command_name in group.list_commands(context):
        command = group.get_command(context, command_name)
        full_name = f"{name} {command_name}"
        text = f"### {full_name}\n\n{' '.join(command.help.split())}"
        yield text + ("\n\n" + _parameters(command.params) if command.params else "")
        if hasattr(command, "commands"):
            yield from _inside(full_name, command)


def _parameters(parameters: Iterable[Any]) -> str:
    rows = []
    for each in parameters:
        help_text, default = _split(each.help or "")
        rows.append((_parameter(each), help_text, _default(each, default)))
    return table(("parameter", "meaning", "default"), rows)


def _split(help_text: str) -> tuple[str, str]:
    """A help text without the default that it tells in words, and that default."""
    found = _DEFAULT_IN_WORDS.search(help_text)
    return (help_text[: found.start()], found["default"]) if found else (help_text, "")


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.metavar.replace("[", "").replace("]", "")
        return f"`{name}`" if parameter.required else f"`[{name}]`"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    takes_value = not (parameter.is_flag or parameter.secondary_opts)
    return f"{names} {parameter.metavar or 'TEXT'}" if takes_value else names


def _default(parameter: Any, in_words: str) -> str:
    environment = f"environment variable `{parameter.envvar}`" if parameter.envvar else ""
    default = parameter.default
    shown = isinstance(default, str | int | float) and not isinstance(default, bool)
    value = f"`{default}`" if shown and default != "" else in_words
    return ", else ".join(filter(None, (environment, value)))
