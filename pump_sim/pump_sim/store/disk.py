"""What is in the files that may be a pump's, and setting them aside.

It knows neither databases nor pumps.
"""

import os
from pathlib import Path
from typing import Final

from pump_sim.private_files import beside, create, is_ordinary, narrow
from pump_sim.store.errors import StoreRefused

LARGEST: Final = 64 * 2**20
"""No state file comes near, in bytes; what is larger is something else."""


def bytes_of(path: Path) -> bytes:
    """All that is in a file that can be read and written; nothing if there is no file.

    :raises StoreRefused: it is none that could be ours.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        if not is_ordinary(descriptor):
            raise StoreRefused(f"the state file {path} cannot be used: it is no ordinary file")
        size = os.fstat(descriptor).st_size
        if size > LARGEST:
            raise StoreRefused(
                f"the state file {path} cannot be used: it has {size:,} bytes, and no state file"
                f" more than {LARGEST:,}"
            )
        return file.read()


def keep_private(path: Path) -> None:
    """Keep everybody else out of a file, if there is one."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
    except FileNotFoundError:
        return
    try:
        narrow(descriptor)
    finally:
        os.close(descriptor)


def set_aside(path: Path, files: dict[str, bytes]) -> Path:
    """Write what was found to files of its own; the name of the first."""
    number = 1
    while True:
        kept = beside(path, f".damaged-{number}")
        try:
            create(kept, files[""])
            break
        except FileExistsError:
            number += 1
    for suffix, content in files.items():
        if content and suffix:
            beside(kept, suffix).unlink(missing_ok=True)
            create(beside(kept, suffix), content)
    return kept
