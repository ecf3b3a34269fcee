"""A port on a pseudo-terminal that the pump owns: a serial port without hardware.

Needs a POSIX system. Does not know what the bytes mean, nor, at the moment of a write,
whether anybody has the other end open.

Theory of operation. A pty has two ends: the *master*, ours, and the *replica*, a device path
that any program opens like a serial port. Four properties of ptys would disturb a pump:

- a new replica echoes and edits lines: it is made raw before its path is told to anybody;
- after the last client closed, reading the master fails (EIO): we hold a replica descriptor;
- the settings a client leaves behind (``stty sane``, exclusive mode, a read that returns
  nothing rather than wait) stay for the next one;
- what a client did not read stays too, and would greet the next one. A serial line loses it.

No event tells that a client closed its end, so once traffic has paused a *sweep* looks whether
something is left. If so, it lets go of the held replica for an instant, and if the master then
reports a hang-up, nobody else has it open. Only then are the unread bytes flushed and the
settings made raw again: a client that is there, however slow, is never touched. No traffic, no
sweep: an idle pump costs no CPU.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import select
import struct
import sys
import termios

from pump_sim.ports.link import StableLink, mark_live
from pump_sim.ports.port import Listener, PortError

assert sys.platform != "win32"

# Long beside a reply (about 0.1 ms), short beside a person who starts the next program.
SWEEP_SECONDS = 0.25
_CHUNK_BYTES = 65536


class PtyPort:
    """A pseudo-terminal, with a stable name if `link` is given.

    `link` is the path of a symbolic link to make (``~`` is the home directory). It replaces a
    dangling link, or one that a dead pump left; never a file, nor another live pump's link.
    """

    def __init__(self, link: str | None = None) -> None:
        self._link = StableLink(link) if link is not None else None
        self._master = -1
        self._replica = -1
        self._path = ""
        self._listener: Listener | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self._traffic_since_sweep = False
        self._dropped_bytes = 0

    @property
    def address(self) -> str:
        """The link's absolute path if there is a link, or else the device path."""
        if not self._path:
            raise PortError("the pty port is not started: it has no address yet")
        return str(self._link.path) if self._link is not None else self._path

    @property
    def dropped_bytes(self) -> int:
        """How many bytes did not fit, or were flushed because nobody had the port open.

        A lower bound: of a flush, only the first 4 kB can be counted.
        """
        return self._dropped_bytes

    async def start(self, listener: Listener) -> None:
        """Open the pseudo-terminal, make it raw, then make the link.

        Raises PortBusyError when the link is another live pump's, PortError when it is not
        a link at all or cannot be made, or when the system has no pty left.
        """
        if self._path:
            raise PortError("the pty port is already started")
        try:
            self._master, self._replica = os.openpty()
        except OSError as error:
            raise PortError(f"port 'pty': no pseudo-terminal: {error.strerror}") from error
        try:
            make_raw(self._replica)
            os.set_blocking(self._master, False)
            mark_live(self._replica)
            path = os.ttyname(self._replica)
            if self._link is not None:
                self._link.claim(path)
        except BaseException:
            self._close_descriptors()
            raise
        self._path = path
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._master, self._on_readable)

    def send(self, data: bytes) -> None:
        """Write at once what fits (about 18 kB unread); drop and count the rest."""
        try:
            written = os.write(self._master, data)
        except OSError:
            # Full (EAGAIN), or the port is closed (EBADF): nobody takes it.
            written = 0
        self._dropped_bytes += len(data) - written
        if written:
            self._note_traffic()

    def hang_up(self) -> bool:
        """False: the far end of a serial line is not told that the near end went."""
        return False

    async def close(self) -> None:
        """Remove the link if it is still ours, and end the pseudo-terminal."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self._loop is not None and self._master >= 0:
            self._loop.remove_reader(self._master)
        # Before the pty goes: its number may be another program's the moment after.
        if self._link is not None:
            self._link.release()
        self._close_descriptors()

    def _on_readable(self) -> None:
        try:
            data = os.read(self._master, _CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            self._hold_replica()
            return
        self._note_traffic()
        assert self._listener is not None
        self._listener.received(data)

    # -- the sweep ---------------------------------------------------------------------

    def _note_traffic(self) -> None:
        self._traffic_since_sweep = True
        if self._sweeper is None:
            self._arm_sweep()

    def _arm_sweep(self) -> None:
        assert self._loop is not None
        self._sweeper = self._loop.call_later(SWEEP_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeper = None
        if self._traffic_since_sweep:
            # Wait for a pause: the kernel may still be moving the last bytes to the reader.
            self._traffic_since_sweep = False
            self._arm_sweep()
            return
        if self._is_clean():
            return
        if self._somebody_is_there():
            # Look again later: the unread bytes, or the settings, are this client's until
            # it leaves.
            self._arm_sweep()
            return
        self._dropped_bytes += unread_bytes(self._replica)
        # This also empties what the kernel has queued behind those bytes.
        termios.tcflush(self._replica, termios.TCIFLUSH)
        make_raw(self._replica)

    def _is_clean(self) -> bool:
        replica = self._replica
        return unread_bytes(replica) == 0 and is_raw(replica) and not _is_exclusive(replica)

    def _somebody_is_there(self) -> bool:
        """Whether any other process has the replica open.

        Only Linux is known to answer this without side effects; elsewhere it is always so.
        """
        if sys.platform != "linux":
            return True
        exclusive = _is_exclusive(self._replica)
        if exclusive:
            # A client's exclusive mode would keep us out as well when we come back.
            fcntl.ioctl(self._replica, termios.TIOCNXCL)
        os.close(self._replica)
        self._replica = -1
        poll = select.poll()
        poll.register(self._master, 0)
        hung_up = any(mask & select.POLLHUP for _, mask in poll.poll(0))
        self._hold_replica()
        if exclusive and not hung_up:
            fcntl.ioctl(self._replica, termios.TIOCEXCL)
        return not hung_up

    # -- descriptors -------------------------------------------------------------------

    def _hold_replica(self) -> None:
        if self._replica < 0:
            self._replica = os.open(self._path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
            mark_live(self._replica)

    def _close_descriptors(self) -> None:
        for descriptor in (self._replica, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._replica = self._master = -1


def make_raw(descriptor: int) -> None:
    """Let every byte pass as it is: no echo, no lines, no signals, 8 bits, read from 1 byte on."""
    attributes = termios.tcgetattr(descriptor)
    characters = attributes[6]
    characters[termios.VMIN] = 1
    characters[termios.VTIME] = 0
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    speeds = attributes[4:6]
    termios.tcsetattr(descriptor, termios.TCSANOW, [0, 0, control, 0, *speeds, characters])


def is_raw(descriptor: int) -> bool:
    """Whether the settings are those of `make_raw`, the speed aside."""
    iflag, oflag, _, lflag, _, _, characters = termios.tcgetattr(descriptor)
    # Without ICANON, VMIN and VTIME are numbers; with it they are characters, and differ.
    waits = (characters[termios.VMIN], characters[termios.VTIME]) == (1, 0)
    return waits and not (iflag or oflag or lflag)


def unread_bytes(descriptor: int) -> int:
    """How many bytes wait on a terminal for whoever reads it."""
    count: int = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))[0]
    return count


def _is_exclusive(descriptor: int) -> bool:
    if sys.platform != "linux":
        return False
    # TIOCGEXCL, a name that the termios module does not have everywhere.
    answer = fcntl.ioctl(descriptor, getattr(termios, "TIOCGEXCL", 0x80045440), bytes(4))
    return answer != bytes(4)
