"""A stable name for a pty: a symbolic link that is made, taken over and removed with care.

Knows paths only, and whether a live pump stands behind a device path; no bytes.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
import sys
from pathlib import Path

from pump_sim.ports.port import PortBusyError, PortError

# struct flock: type, whence, start, length, pid; native alignment, padded at the end.
_FLOCK = "hhqqi4x"


class StableLink:
    """The link at `path`. Claimed once its target exists, released before the target goes."""

    def __init__(self, path: str) -> None:
        self.path = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - resolve() would follow the link itself
        self._target = ""

    def claim(self, target: str) -> None:
        """Point the link at `target`, in one step that no reader can see half done.

        Raises PortBusyError when it is the link of a pump that lives, PortError when it is
        not a link, or cannot be made there.
        """
        try:
            if not self._try_to_make(target):
                self._check_that_it_may_be_replaced(target)
                self._replace(target)
        except OSError as error:
            raise PortError(f"link {str(self.path)!r}: {error.strerror}") from error
        self._target = target

    def release(self) -> None:
        """Remove the link, unless somebody else has replaced it or it was never claimed."""
        target, self._target = self._target, ""
        if not target:
            return
        try:
            if str(self.path.readlink()) == target:
                self.path.unlink()
        except OSError:
            # Removed, replaced by a file, or the folder went: then it is not ours to remove.
            return

    def _try_to_make(self, target: str) -> bool:
        try:
            self.path.symlink_to(target)
        except FileExistsError:
            return False
        return True

    def _check_that_it_may_be_replaced(self, target: str) -> None:
        if not self.path.is_symlink():
            raise PortError(
                f"link {str(self.path)!r}: there is a file or folder of that name; "
                "allowed: a new name, or a link that an ended pump left"
            )
        current = str(self.path.readlink())
        # The new pty may well have got the number of the one whose pump was killed.
        if current == target or not self.path.exists():
            return
        if Path(current).parent != Path(target).parent:
            raise PortError(
                f"link {str(self.path)!r}: it leads to {current}, which is no pump's port; "
                "remove the link or choose another name"
            )
        if is_live(current):
            raise PortBusyError(
                f"link {str(self.path)!r}: it leads to {current}, which a running pump has; "
                "choose another name"
            )

    def _replace(self, target: str) -> None:
        temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
        temporary.symlink_to(target)
        try:
            temporary.replace(self.path)
        except OSError:
            temporary.unlink()
            raise


def mark_live(replica: int) -> None:
    """Mark the pty as a live pump's for as long as this descriptor is open.

    The mark is a lock of the open file, which ends with the process however it ends. On Linux
    it is independent of the `flock` that pyserial's ``exclusive=True`` takes; where the two
    are one, there is no mark.
    """
    if sys.platform == "linux":
        fcntl.fcntl(replica, fcntl.F_OFD_SETLK, struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0))


def is_live(path: str) -> bool:
    """Whether a pump has marked the pty at `path`; where there are no marks, always true."""
    if sys.platform != "linux":
        return True
    descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
        answer = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    finally:
        os.close(descriptor)
    return bool(answer[0] != fcntl.F_UNLCK)
