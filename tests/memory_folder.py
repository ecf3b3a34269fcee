"""A folder that costs no disk, for tests to which it is all one where their files are.

A durable write waits for the disk, some milliseconds each. What a file system promises is the same
in memory, up to the loss of power, which no test has.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

_IN_MEMORY = Path("/dev/shm")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """An empty folder, gone at the end; an ordinary one where there is none in memory."""
    usable = _IN_MEMORY.is_dir() and os.access(_IN_MEMORY, os.W_OK)
    with TemporaryDirectory(dir=_IN_MEMORY if usable else None) as folder:
        yield Path(folder)
