"""The home that a programmer finds, which nobody had before it: its environment, and its traces.

What it keeps there it finds again when the same case starts it once more. It starts nothing.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pump_protocol.conformance.steps import Trace

_OURS: Final = "PUMP_"
"""How names of environment variables begin that are about pumps."""

_FOLDERS: Final = {
    "HOME": "",
    "USERPROFILE": "",
    "APPDATA": "configuration",
    "LOCALAPPDATA": "state",
    "XDG_CONFIG_HOME": "configuration",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "XDG_CACHE_HOME": "cache",
    "XDG_RUNTIME_DIR": "runtime",
    "TMPDIR": "temporary",
    "TEMP": "temporary",
    "TMP": "temporary",
}
_LARGEST_BYTES: Final = 16 * 1024 * 1024
"""Of a file that is searched: more than a programmer would keep of a pump."""


class Home:
    """A directory for one case.

    :param folder: it exists and is empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in {*_FOLDERS.values()} - {""}:
            (folder / name).mkdir(mode=0o700)

    def environment(
        self, inherited: Mapping[str, str], *, address: str, key: str | None, consent: bool
    ) -> dict[str, str]:
        """What a programmer finds in its environment: what the suite has, and what it is to use.

        :param consent: its user accepts a pump without keys.
        """
        kept = {name: text for name, text in inherited.items() if not name.startswith(_OURS)}
        folders = {name: str(self._folder / each) for name, each in _FOLDERS.items()}
        given = {"PUMP_PORT": address}
        if key is not None:
            given["PUMP_KEY"] = key
        if consent:
            given["PUMP_INSECURE"] = "1"
        return {**kept, **folders, **given}

    def traces(self, secret: bytes) -> tuple[Trace, ...]:
        """The files in which *secret* stands, as bytes or in hexadecimal digits."""
        digits = secret.hex().encode()
        found = []
        for root, _, names in os.walk(self._folder):
            for name in sorted(names):
                path = Path(root, name)
                state = path.lstat()
                if not stat.S_ISREG(state.st_mode):
                    continue
                with path.open("rb") as file:
                    content = file.read(_LARGEST_BYTES)
                if secret in content or digits in content.lower():
                    where = path.relative_to(self._folder).as_posix()
                    found.append(Trace(where, stat.S_IMODE(state.st_mode)))
        return tuple(sorted(found, key=lambda trace: trace.path))
