"""Files with secrets that a running pump writes because it was asked to: a key, and keys of links.

Both are for their owner alone (mode 0600). A file that holds something else is left as it is. What
a key is for, and when a link has one, is not known here.
"""

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pump_protocol.errors import BadKey
from pump_protocol.events import Event, HandshakeAnswered
from pump_protocol.keys import Key
from pump_sim.options import OptionError
from pump_sim.private_files import narrow, write_whole

if TYPE_CHECKING:
    from pump_protocol.handshake import LinkSecrets
    from pump_sim.endpoint import PumpEndpoint

_LONGEST: Final = 200
"""Characters; a key has fewer, and of what is none not more needs to be looked at."""

_LOG_LINE: Final = re.compile(r"[0-9a-f]{16}( [0-9a-f]{64}){2}\n")


def check_key_file(path: Path) -> None:
    """Nothing if a key may be written to *path*: there is no file, or an empty one, or a key.

    :raises OptionError: there is something else, which would be lost.
    """
    begin = _beginning("--key-file", path)
    if not begin:
        return
    try:
        Key.from_text(begin)
    except BadKey:
        raise OptionError(
            f"--key-file = {path}: the file holds something that is no key; it was left as it is"
        ) from None


def write_key_file(path: Path, key: Key) -> None:
    """Have *path* hold *key*, from one moment to the next.

    :raises OptionError: there is something else, or it cannot be written.
    """
    check_key_file(path)
    try:
        # The file that a link leads to, lest the link be replaced.
        write_whole(path.resolve(), f"{key.to_text()}\n".encode())
    except OSError as error:
        raise _unwritable("--key-file", path, error) from error


class KeyLog:
    """Writes the keys of each link to a file, a line each, for whoever captures the wire.

    A line is the link's id and the keys of its two directions, that to the pump first, in
    hexadecimal digits. What the file holds already is kept.

    :raises OptionError: it holds something else, or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        begin = _beginning("--key-log", path)
        if begin and not _LOG_LINE.match(begin):
            raise OptionError(
                f"--key-log = {path}: the file holds something else; it was left as it is"
            )
        self._path = path
        self._last = b""
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
            self._descriptor = os.open(path, flags, 0o600)
            narrow(self._descriptor)
        except OSError as error:
            raise _unwritable("--key-log", path, error) from error

    def listen_to(self, endpoint: "PumpEndpoint") -> None:
        """Write the keys of every link of that pump from now on."""

        def hear(event: Event, _: int) -> None:
            if isinstance(event, HandshakeAnswered):
                self._write(event.link_id, event.secrets)

        endpoint.listen(hear)

    def _write(self, link_id: int, secrets: "LinkSecrets") -> None:
        """Write a line; a repeated handshake has the same one, which is not written again.

        A disk that is full costs the log its lines, and the pump nothing.
        """
        line = f"{link_id:016x} {secrets.to_pump.hex()} {secrets.to_programmer.hex()}\n".encode()
        if line == self._last or self._descriptor < 0:
            return
        self._last = line
        try:
            os.write(self._descriptor, line)
        except OSError as error:
            self.close()
            if sys.stderr is not None:
                sys.stderr.write(f"pump-sim: {_unwritable('--key-log', self._path, error)}\n")

    def close(self) -> None:
        """Write no more; may be called twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _beginning(option: str, path: Path) -> str:
    """How a file begins; nothing if there is none.

    :raises OptionError: it is no ordinary file, or cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OptionError(f"{option} = {path}: that is no ordinary file")
        with path.open("rb") as file:
            return file.read(_LONGEST).decode("ascii", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise OptionError(f"{option} = {path}: it cannot be read: {error.strerror}") from error


def _unwritable(option: str, path: Path, error: OSError) -> OptionError:
    return OptionError(f"{option} = {path}: it cannot be written: {error.strerror}")
