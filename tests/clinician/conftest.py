"""Pumps and pages for the tests of the programmer in a browser."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pump_programmer.web.access import Access
from pump_protocol.guard import PumpGuard, new_keys
from tests.clinician.clinic import PATIENCE, Clinic, Page, PluggablePort
from tests.pump_sim.virtual import implanted

Open = Callable[..., Clinic]


@pytest.fixture(autouse=True)
def configuration(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A home of its own for each test, so that nobody's keys are read or written."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "configuration"))
    for name in ("PUMP_KEY", "PUMP_PORT", "PUMP_PROGRAMMER_ID", "PUMP_INSECURE", "PUMP_WEB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> PluggablePort:
    """A new pump without security at 300 mcg/day of 2,000 mcg/mL."""
    port = PluggablePort(implanted(daily_dose_ng=300_000))
    port.plug_in(monkeypatch)
    return port


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> PluggablePort:
    """The same with keys."""
    guard = PumpGuard(new_keys(random.Random(1).randbytes))
    port = PluggablePort(implanted(daily_dose_ng=300_000), guard)
    port.plug_in(monkeypatch)
    return port


@pytest.fixture
def open_clinic() -> Iterator[Open]:
    """The programmer's pages, with what the test says of how it reaches the pump."""
    with ExitStack() as stack:

        def opened(
            *, office: dict[str, Any] | None = None, tokens: Any = None, **access: Any
        ) -> Clinic:
            given = {"patience": PATIENCE, "programmer_id": 7, **access}
            clinic = Clinic(Access("virtual", **given), tokens=tokens, **(office or {}))
            return stack.enter_context(clinic)

        yield opened


@pytest.fixture
def clinic(port: PluggablePort, open_clinic: Open) -> Clinic:
    """Pages before a pump without security, which is accepted."""
    return open_clinic(insecure=True)


@pytest.fixture
def page(clinic: Clinic) -> Page:
    """A page that is connected."""
    return clinic.connected()
