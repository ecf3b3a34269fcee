"""How a scenario file names a kind of pump; what is in the file of one is not known here."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, StrictStr, ValidationInfo

from pump_sim.model.profile import profile_names

FOLDER: Final = "folder"
"""What a reader of a file calls, in the context that it gives to pydantic, the file's folder."""


def _beside(name: str, info: ValidationInfo) -> str:
    """The path of a file that lies beside the scenario's, wherever the process runs."""
    folder: Path | None = (info.context or {}).get(FOLDER)
    return name if folder is None or name in profile_names() else str(folder / name)


ProfileName = Annotated[StrictStr, AfterValidator(_beside)]
"""A profile of the package by its name, or any other by its path from the scenario's folder."""
