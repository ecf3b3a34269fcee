"""Fixtures for other people's tests: a virtual pump, in process or on a port. Imports late.

pytest loads this module in every run of everybody who has pump-sim installed. Nothing else of ours
is imported until a test asks for a pump.
"""

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from pump_sim.testing.process import PumpProcess
    from pump_sim.testing.virtual import VirtualPump

P = TypeVar("P")


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        "pump(**options): which pump the fixtures virtual_pump, pump_on_pty and pump_on_tcp give:"
        " the options of 'pump-sim run' by their names in Python (dose_mcg_per_day=800), and"
        " state=, deadline_s=.",
    )


@pytest.fixture
def virtual_pump(request: pytest.FixtureRequest) -> Iterator["VirtualPump"]:
    """A virtual pump in this process, in virtual time; see the marker ``pump``."""
    from pump_sim.testing import virtual  # noqa: PLC0415 - imports late

    with _given(virtual.virtual_pump(**_options(request))) as pump:
        yield pump


@pytest.fixture
def pump_on_pty(request: pytest.FixtureRequest) -> Iterator["PumpProcess"]:
    """A virtual pump in a process of its own, on a pseudo-terminal; see the marker ``pump``."""
    from pump_sim.testing import process  # noqa: PLC0415 - imports late

    if sys.platform == "win32":
        pytest.skip("this system has no pseudo-terminals: use pump_on_tcp")
    with _given(process.pump_process("pty", **_options(request))) as pump:
        yield pump


@pytest.fixture
def pump_on_tcp(request: pytest.FixtureRequest) -> Iterator["PumpProcess"]:
    """A virtual pump in a process of its own, on a TCP port; see the marker ``pump``."""
    from pump_sim.testing import process  # noqa: PLC0415 - imports late

    with _given(process.pump_process("tcp", **_options(request))) as pump:
        yield pump


def _options(request: pytest.FixtureRequest) -> dict[str, object]:
    """What the markers say; the nearest to the test has the last word."""
    options: dict[str, object] = {}
    for mark in request.node.iter_markers("pump"):
        if mark.args:
            pytest.fail(f"mark.pump{mark.args}: give each option by its name", pytrace=False)
        options = {**mark.kwargs, **options}
    return options


@contextmanager
def _given(making: AbstractContextManager[P]) -> Iterator[P]:
    """The pump; where there can be none, one clear message instead of our traceback."""
    from pump_sim.testing.errors import PumpTestError  # noqa: PLC0415 - imports late

    failed = ""
    try:
        with making as pump:
            yield pump
    except PumpTestError as error:
        failed = str(error)
    if failed:  # outside of the handler, or pytest would show the same error twice
        pytest.fail(failed, pytrace=False)
