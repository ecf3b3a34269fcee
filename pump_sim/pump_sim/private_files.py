"""Files for their owner alone (mode 0600), which come into their place whole; it knows no contents.

Where a system has no such modes, its own rules hold.
"""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_MODE: Final = 0o600


def beside(path: Path, suffix: str) -> Path:
    """The file of the same name with *suffix* behind it."""
    return path.with_name(path.name + suffix)


def create(path: Path, content: bytes = b"") -> None:
    """Make a file where there is none; what is in it is on the disk then.

    :raises FileExistsError: there is one.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def narrow(descriptor: int) -> None:
    """Keep everybody else out of a file that was there, unless it is somebody else's."""
    if sys.platform != "win32" and os.fstat(descriptor).st_mode & ~_MODE & 0o777:
        with suppress(PermissionError):
            os.fchmod(descriptor, _MODE)


def is_ordinary(descriptor: int) -> bool:
    """Whether that is a file, and no pipe, device or folder."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def write_whole(path: Path, content: bytes) -> None:
    """Have *path* hold *content*, from one moment to the next."""
    written = beside(path, f"-new-{os.getpid()}")
    written.unlink(missing_ok=True)
    try:
        create(written, content)
        put_in_place(written, path)
    except OSError:
        with suppress(OSError):
            written.unlink()
        raise


def put_in_place(written: Path, path: Path) -> None:
    """Give a file that was written whole the name of another, and have that name on the disk."""
    written.replace(path)
    with suppress(OSError):  # where folders cannot be synced, they are
        descriptor = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
