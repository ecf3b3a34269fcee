"""A note beside the state file of how far it was written, and the lock of who writes it.

SQLite drops what is damaged in its write-ahead log, and everything behind it, without a word: the
database is then whole, and an old one. The mark tells. It is written after each transaction and
before anybody is told; it is not synced, because a process that is killed leaves what it has
written, and after a loss of power an older mark does no harm. A clean end removes it.

Whoever has the mark locked has the state file, whether that exists or is still to be made. SQLite's
own lock comes too late for a new file, and goes when a process closes the file anywhere.
"""

import fcntl
import os
import re
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

from pump_sim.private_files import beside, narrow
from pump_sim.store.errors import StoreRefused

_BEGIN: Final = b"pump-sim mark "
_LINE: Final = re.compile(rb"(pump-sim mark ([0-9a-f]{16}) ([0-9a-f]{16})) ([0-9a-f]{8})\n")
_LONGEST: Final = 100


class Taken(Exception):
    """Another process has the mark, and so the state file."""


class Mark:
    """The mark of a state file, locked until it is closed.

    :raises Taken: somebody else has it.
    :raises StoreRefused: what has its name is something else.
    """

    def __init__(self, path: Path) -> None:
        self.path = beside(path, "-mark")
        if self.path.exists() and not self.path.is_file():
            raise StoreRefused(f"the state file {path} cannot be used: {self.path} is no file")
        self._fd = self._locked()
        try:
            self._found = os.pread(self._fd, _LONGEST, 0)
        except BaseException:
            os.close(self._fd)
            raise
        # Of a state file that is there this name is a part.
        if self._found and not self._found.startswith(_BEGIN) and not path.exists():
            os.close(self._fd)
            raise StoreRefused(
                f"the state file {path} cannot be used: {self.path.name}, which would be written"
                " beside it, is there and is something else"
            )

    def _locked(self) -> int:
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK
        while True:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), self.path.stat()):
                        return descriptor
            except BlockingIOError:
                os.close(descriptor)
                raise Taken from None
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # whoever had it has just removed it

    def own(self) -> None:
        """It belongs to a pump that is kept from now on."""
        narrow(self._fd)

    def said(self, store: str) -> int:
        """How many writes the file of that *store* is known to have had; 0 if nothing is known."""
        found = _LINE.fullmatch(self._found)
        if found is None or int(found[4], 16) != zlib.crc32(found[1]):
            return 0
        return int(found[3], 16) if found[2].decode() == store else 0

    def set(self, store: str, touch: int) -> None:
        """The file of that *store* holds that many writes; raises OSError."""
        text = b"%s%s %016x" % (_BEGIN, store.encode(), touch)
        os.pwrite(self._fd, b"%s %08x\n" % (text, zlib.crc32(text)), 0)

    def close(self, *, remove: bool) -> None:
        """Let go of it, and remove it after a clean end; may be called twice."""
        descriptor, self._fd = self._fd, -1
        if descriptor < 0:
            return
        if remove:
            with suppress(OSError):
                self.path.unlink()
        os.close(descriptor)

    def leave(self) -> None:
        """Let go of it as it was found."""
        self.close(remove=not self._found)
