"""A file that appears whole or not at all; it knows nothing of what is in it."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Self


def _resolved(path: Path) -> Path:
    try:
        found = path.resolve()
    except RuntimeError as error:  # how Python tells of a loop, before 3.13
        raise _loop() from error
    if found.is_symlink():  # and from 3.13 on
        raise _loop()
    return found


def _loop() -> OSError:
    return OSError(errno.ELOOP, os.strerror(errno.ELOOP))


class WholeFile:
    """A file that is to be written, in place of one that may be there; a context manager.

    What is to be its content is first written beside it. An end without :meth:`write` leaves
    everything as it was.

    :raises OSError: nothing can be written there; nothing was.
    """

    def __init__(self, path: str):
        # Resolved, lest a link be replaced by a file.
        self.path = _resolved(Path(path))
        if self.path.exists() and not self.path.is_file():
            raise OSError("there is something else than a file")
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise OSError("the file that is there is read-only")
        self._beside = self.path.with_name(f".{token_hex(8)}.tmp")
        self._file = self._beside.open("x", encoding="utf-8", newline="\n")

    def write(self, text: str) -> None:
        """Put *text* in place.

        :raises OSError: it could not be written; what was there before still is.
        """
        self._file.write(text)
        self._file.close()
        if self.path.exists():
            self._beside.chmod(self.path.stat().st_mode & 0o777)
        self._beside.replace(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self._beside.unlink()
