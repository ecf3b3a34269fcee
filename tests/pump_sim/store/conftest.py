"""The folder of a test of this folder is in memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.memory_folder import memory_folder


@pytest.fixture(name="tmp_path")
def _tmp_path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder
