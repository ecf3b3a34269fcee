"""The scenarios that come with the package: where they are, not what is in them."""

from pathlib import Path
from typing import Final

# Not importlib.resources: its import takes a third of the time in which a pump has to start.
SHIPPED: Final = Path(__file__).parents[1].with_name("scenarios")
"""The folder of the shipped files."""


def scenario_names() -> tuple[str, ...]:
    """The scenarios that come with the package, sorted."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.toml")))


def scenario_path(name_or_path: str | Path) -> Path:
    """The file of a shipped scenario by its name, or any other by its path."""
    if isinstance(name_or_path, str) and name_or_path in scenario_names():
        return SHIPPED / f"{name_or_path}.toml"
    return Path(name_or_path)
