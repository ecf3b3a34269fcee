"""``pump-sim`` in a process that ends with the one that started it, however that ends.

Its standard input is a pipe that only its parent holds. When the parent is gone, be it killed, the
system closes the pipe, and the pump ends as if it had been told to. On Linux that is so even if it
was stopped (SIGSTOP); elsewhere a pump that is stopped stays until it is woken.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from typing import Final

from pump_sim.cli import app

END_S: Final = 5.0

_PR_SET_PDEATHSIG: Final = 1


def _wake_with_parent() -> None:
    """Have the system wake this process when its parent is gone.

    Not kill it: what it has made, such as the name of a port, it takes away itself. And the system
    says so already at the end of the *thread* that started it, which is no reason to end.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGCONT))


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(END_S)
    os._exit(1)


if __name__ == "__main__":
    _wake_with_parent()
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    app(prog_name="pump-sim")
