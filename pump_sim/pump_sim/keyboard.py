"""Single keys from the terminal of a running pump.

Reads keys and nothing else: what a key does is the caller's table. Leaves the terminal as it was.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def is_available() -> bool:
    """Whether there is a terminal to read keys from, and this program is in its foreground."""
    streams = (sys.stdin, sys.stdout)  # None where whoever started us closed them
    if sys.platform == "win32" or not all(stream and stream.isatty() for stream in streams):
        return False
    # A program in the background that touched the terminal would be stopped by it.
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


@contextmanager
def keys(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call *on_key* with each key pressed, on the running event loop, without waiting for Enter.

    Ctrl-C stays a signal. Does nothing where :func:`is_available` is false.
    """
    if not is_available():
        yield
        return
    assert sys.platform != "win32"
    import signal  # noqa: PLC0415 - POSIX only, as used here
    import termios  # noqa: PLC0415 - POSIX only
    import tty  # noqa: PLC0415 - POSIX only

    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def read() -> None:
        data = os.read(descriptor, 64)
        if not data:  # the terminal went away
            loop.remove_reader(descriptor)
        for key in data.decode(errors="replace"):
            on_key(key)

    def take_over() -> None:
        """Take the keyboard, now and whenever the program comes back from Ctrl-Z."""
        loop.remove_reader(descriptor)
        if is_available():
            # TCSADRAIN: a key that was typed ahead is not thrown away.
            tty.setcbreak(descriptor, termios.TCSADRAIN)
            loop.add_reader(descriptor, read)

    take_over()
    loop.add_signal_handler(signal.SIGCONT, take_over)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGCONT)
        loop.remove_reader(descriptor)
        if is_available():
            termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
