"""With which codes the commands end; 0 is that all went well."""

from typing import Final

UNMET: Final = 1
"""An expectation of a scenario was not met."""

REFUSED: Final = 2
"""A file, an option or its value is wrong: nothing was done. Typer ends with it, too."""

NO_PORT: Final = 3
"""The port or the door cannot be opened."""

BUG: Final = 70
"""A bug of pump-sim; its traceback is on standard error."""

NO_OUTPUT: Final = 74
"""Standard output or the state file could not be written, and what was to be told was not."""

INTERRUPTED: Final = 130
"""Ended by Ctrl-C."""
