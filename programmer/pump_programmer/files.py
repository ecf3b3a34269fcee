"""Files that appear whole or not at all, that nobody else can read, and that are locked; it knows
nothing of what is in them.
"""

import errno
import os
import shlex
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from time import monotonic, sleep
from types import TracebackType
from typing import Final, Self

_PRIVATE: Final = 0o600
_AS_USUAL: Final = 0o666
"""What the umask is taken from."""
_OTHERS: Final = 0o077
_LOCK_RETRY_S: Final = 0.01


# --- Written whole -------------------------------------------------------------------------------


class WholeFile:
    """A file that is to be written, in place of one that may be there; a context manager.

    What is to be its content is first written beside it. Whoever reads it sees the old or the new
    content, also after the power failed. An end without :meth:`put_in_place` leaves everything as
    it was.

    :param private: whether only its owner can read it, from the start.
    :raises OSError: nothing can be written there; nothing was.
    """

    def __init__(self, path: Path, *, private: bool = False):
        # Resolved, lest a link be replaced by a file.
        self.path = _resolved(path)
        if self.path.exists() and not self.path.is_file():
            raise OSError("there is something else than a file")
        if self.path.exists() and not os.access(self.path, os.W_OK):
            raise OSError("the file that is there is read-only")
        self._private = private
        self._beside = self.path.with_name(f".{token_hex(8)}.tmp")
        mode = _PRIVATE if private else _AS_USUAL
        self._file = open(  # noqa: SIM115 - with a mode, and closed by this class
            self._beside, "xb", opener=lambda name, flags: os.open(name, flags, mode)
        )

    def write(self, content: bytes) -> None:
        """Have the whole content on the disk, beside what is there.

        :raises OSError: it could not be written; what was there before still is.
        """
        self._file.write(content)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def put_in_place(self) -> None:
        """Let what was written be the file.

        :raises OSError: it could not be; what was there before still is.
        """
        if not self._private and self.path.exists():
            self._beside.chmod(self.path.stat().st_mode & 0o777)
        self._beside.replace(self.path)
        if self._private:
            _sync_folder(self.path.parent)

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


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a power failure, where folders can be told so."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- Private -------------------------------------------------------------------------------------


class Exposed(OSError):
    """Others than the owner can read or change the file; the message says what to type."""

    def __init__(self, path: Path):
        super().__init__(
            errno.EPERM,
            "others than you can read or change it; make it yours alone: "
            f"chmod 600 {shlex.quote(str(path))}",
        )


class TooLong(OSError):
    """The file is longer than what it is taken for can be."""

    def __init__(self, limit: int):
        super().__init__(errno.EFBIG, f"it is longer than {limit:,} bytes")


def read_private(path: Path, limit: int) -> bytes:
    """What is in a file that only its owner can read.

    :param limit: how many bytes it has at most.
    :raises Exposed: others can read it, or change it.
    :raises TooLong: it has more.
    :raises OSError: it cannot be read.
    """
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        # A pipe has no name by which others could reach it. Windows keeps its rights elsewhere.
        if os.name == "posix" and stat.S_ISREG(mode) and mode & _OTHERS:
            raise Exposed(path)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLong(limit)
    return content


# --- Locked --------------------------------------------------------------------------------------


@contextmanager
def locked(path: Path, patience_s: float) -> Iterator[None]:
    """Hold a lock that one process has at a time; it ends with the process that has it.

    The file of the lock stays: to remove it would give two processes a lock each.

    :param patience_s: how long to wait for who has it.
    :raises TimeoutError: somebody else had it all the time.
    :raises OSError: there can be no lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE)
    try:
        give_up_at = monotonic() + patience_s
        while not _try_lock(descriptor):
            if monotonic() >= give_up_at:
                raise TimeoutError(
                    errno.ETIMEDOUT, "another program is changing it, and does not end"
                )
            sleep(_LOCK_RETRY_S)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
