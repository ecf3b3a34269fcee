"""Single keys from the terminal of a running pump.

Reads keys and nothing else: what a key does is the caller's table. Leaves the terminal as it was.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def is_available() -> bool:
    """Whether there is a terminal to read keys from, on a system where that is possible."""
    return sys.platform != "win32" and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def keys(on_key: Callable[[str], None]) -> Iterator[None]:
    """Call *on_key* with each key pressed, on the running event loop, without waiting for Enter.

    Ctrl-C stays a signal. Does nothing where :func:`is_available` is false.
    """
    if not is_available():
        yield
        return
    assert sys.platform != "win32"
    import termios  # noqa: PLC0415 - POSIX only
    import tty  # noqa: PLC0415 - POSIX only

    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        data = os.read(descriptor, 64)
        if not data:  # the terminal went away
            loop.remove_reader(descriptor)
        for key in data.decode(errors="replace"):
            on_key(key)

    before = termios.tcgetattr(descriptor)
    try:
        # TCSADRAIN: a key that was typed ahead is not thrown away.
        tty.setcbreak(descriptor, termios.TCSADRAIN)
        loop.add_reader(descriptor, read)
        yield
    finally:
        loop.remove_reader(descriptor)
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
