"""Commands whose modules are loaded only when somebody wants them.

What judges others takes longer to load than a programmer takes to ask a pump for its status. It
knows nothing of conformance: it is here because both programs have such a command, and this is the
one place where they may share what needs Typer.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class LateGroup(TyperGroup):
    """A group of commands, some of which are late.

    :cvar late: where each of them is, as ``module:function``, by its name; they come last.
    :cvar late_class: of what class they are.
    """

    late: ClassVar[Mapping[str, str]] = {}
    late_class: ClassVar[type[TyperCommand]] = TyperCommand

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all of them."""
        return [*super().list_commands(ctx), *self.late]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in self.late:
            return super().get_command(ctx, cmd_name)
        module, _, function = self.late[cmd_name].partition(":")
        alone = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        alone.command(cmd_name, cls=self.late_class)(getattr(import_module(module), function))
        return typer.main.get_command(alone)
