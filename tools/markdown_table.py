"""Tables and first sentences as Markdown; knows nothing of what they are about."""

import re
from collections.abc import Iterable
from inspect import getdoc
from typing import Any


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table. Its columns are not padded, so that a longer cell changes one line."""
    cells = [[*head], *([str(each).replace("|", r"\|") for each in row] for row in rows)]
    lines = ["| " + " | ".join(line) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])


def summary(described: type[Any]) -> str:
    """The first paragraph of a docstring; what it says of the code in parentheses is left out."""
    first = (getdoc(described) or "").split("\n\n")[0].replace("\n", " ")
    without = re.sub(r" \(:\w+:`[^`]*`\)", "", first)
    return re.sub(r":\w+:(?=`)", "", without).replace("``", "`")
