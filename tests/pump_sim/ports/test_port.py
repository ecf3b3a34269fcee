"""A spec becomes the right port or a message that says what is wrong and what is allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pump_sim.ports import PortError, PortSpecError, default_spec, open_port
from pump_sim.ports.memory import MemoryPort
from pump_sim.ports.pty import PtyPort
from pump_sim.ports.rfc2217 import Rfc2217Port
from pump_sim.ports.tcp import TcpPort


@pytest.mark.parametrize(
    ("spec", "kind"),
    [
        ("pty", PtyPort),
        ("pty:/tmp/pump", PtyPort),
        ("tcp", TcpPort),
        ("tcp:4001", TcpPort),
        ("tcp:0", TcpPort),
        ("tcp:65535", TcpPort),
        ("tcp:127.0.0.1:4001", TcpPort),
        ("tcp:0.0.0.0:4001", TcpPort),
        ("tcp:localhost:4001", TcpPort),
        ("tcp:[::1]:4001", TcpPort),
        ("rfc2217", Rfc2217Port),
        ("rfc2217:4001", Rfc2217Port),
        ("rfc2217:127.0.0.1:4001", Rfc2217Port),
    ],
)
def test_each_form_of_spec_makes_the_port_it_names(spec: str, kind: type) -> None:
    assert type(open_port(spec)) is kind


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        ("", "unknown kind"),
        ("usb", "unknown kind 'usb'"),
        ("PTY", "unknown kind 'PTY'"),
        ("/dev/ttyS0", "unknown kind"),
        ("pty:", "nothing after the colon"),
        ("tcp:", "nothing after the colon"),
        ("tcp::4001", "the host is empty"),
        ("tcp:65536", "0 (any free one) to 65535"),
        ("tcp:-1", "'-1'"),
        ("tcp:+1", "'+1'"),
        ("tcp:4001x", "'4001x'"),
        ("tcp:4 001", "'4 001'"),
        ("tcp:٤", "PORT is"),
        ("tcp:²", "PORT is"),
        ("tcp:" + "9" * 5000, "PORT is"),
        ("tcp:127.0.0.1", "'127.0.0.1'"),
        ("tcp:127.0.0.1:", "PORT is ''"),
        ("tcp:::1:4001", "in brackets"),
        ("rfc2217:99999", "0 (any free one) to 65535"),
    ],
)
def test_a_wrong_spec_is_refused_with_its_value_and_what_is_allowed(spec: str, names: str) -> None:
    with pytest.raises(PortSpecError) as caught:
        open_port(spec)
    assert repr(spec) in str(caught.value)
    assert names in str(caught.value)


def test_the_default_is_a_pty_where_there_are_ptys(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_spec() == "pty"
    monkeypatch.setattr(sys, "platform", "win32")
    assert default_spec() == "tcp"


def test_a_pty_on_windows_is_refused_and_tcp_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(PortSpecError, match="POSIX system; use tcp"):
        open_port("pty")


@pytest.mark.parametrize("spec", ["pty", "tcp", "rfc2217"])
def test_there_is_no_address_before_the_start(spec: str) -> None:
    with pytest.raises(PortError, match="not started"):
        _ = open_port(spec).address


@pytest.mark.parametrize("spec", ["pty", "tcp", "rfc2217", "memory"])
def test_a_port_starts_once_closes_twice_and_drops_what_is_sent_outside(
    spec: str, run, recorder
) -> None:
    port = MemoryPort() if spec == "memory" else open_port(spec)

    async def work() -> None:
        port.send(b"early")
        assert port.dropped_bytes == 5
        await port.start(recorder)
        with pytest.raises(PortError, match="already started"):
            await port.start(recorder)
        await port.close()
        await port.close()
        port.send(b"late")
        assert port.dropped_bytes == 9

    run(work())


@pytest.mark.parametrize("spec", ["pty", "tcp", "rfc2217"])
def test_a_port_that_was_never_started_can_be_closed(spec: str, run) -> None:
    run(open_port(spec).close())


def test_a_pty_port_loads_neither_pyserial_nor_the_network_code() -> None:
    """A pump on a pty starts without what only the other ports need."""
    code = (
        "import sys; from pump_sim.ports import open_port; open_port('pty');"
        "print(sorted({'serial', 'asyncio.base_events', 'pump_sim.ports.tcp',"
        " 'pump_sim.ports.rfc2217', 'socketserver', 'ctypes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in {"[]", "['asyncio.base_events']"}
