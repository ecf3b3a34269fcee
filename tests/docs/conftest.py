"""What all tests of the documentation share."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def children_are_not_measured() -> Iterator[None]:
    """Commands that pages run are measured by the suites of their packages.

    To measure each of the hundred processes here once more would double the time.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("COVERAGE_PROCESS_")]:
            patch.delenv(name)
        yield
