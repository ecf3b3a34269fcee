"""Who this programmer is to a pump: one number, the same at every start; no secret."""

import getpass
import os
import socket
from hashlib import sha256


def default_programmer_id() -> int:
    """A nonzero u64 from user and host: the first eight bytes of SHA-256 of "user@host".

    Stable, so that order numbers go on where they were. It identifies; it authenticates nobody.
    """
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # no such user, as in a bare container
        user = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    digest = sha256(f"{user}@{socket.gethostname()}".encode()).digest()
    return int.from_bytes(digest[:8], "little") or 1
