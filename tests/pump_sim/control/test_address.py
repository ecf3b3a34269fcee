"""An address is on this machine, or it is none."""

from pathlib import Path

import pytest

from pump_sim.control.address import AddressError, TcpAddress, UnixAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:/tmp/door", UnixAddress("/tmp/door")),
        ("/tmp/door", UnixAddress("/tmp/door")),
        ("unix:door", UnixAddress(str(Path.cwd() / "door"))),
        ("./door", UnixAddress(str(Path.cwd() / "door"))),
        ("0", TcpAddress("127.0.0.1", 0)),
        ("4002", TcpAddress("127.0.0.1", 4002)),
        ("tcp:4002", TcpAddress("127.0.0.1", 4002)),
        ("tcp:localhost:4002", TcpAddress("127.0.0.1", 4002)),
        ("tcp:127.0.0.2:4002", TcpAddress("127.0.0.2", 4002)),
        ("tcp:[::1]:4002", TcpAddress("::1", 4002)),
    ],
)
def test_forms_that_are_understood(text: str, address: UnixAddress | TcpAddress) -> None:
    """And what is printed is understood again."""
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "allowed are"),
        ("door", "allowed are"),
        ("unix:", "path is missing"),
        ("unix:/" + "x" * 200, "103 bytes"),
        ("unix:/a\0b", "path is missing"),
        ("tcp:", "PORT"),
        ("tcp:x", "PORT"),
        ("65536", "65535"),
        ("tcp:-1", "PORT"),
        ("tcp:\u0663", "PORT"),
        ("tcp:0.0.0.0:1", "loopback"),
        ("tcp:192.168.1.1:1", "loopback"),
        ("tcp:[::]:1", "loopback"),
        ("tcp:example.org:1", "loopback"),
        ("tcp:127.0.0.1.example.org:1", "loopback"),
    ],
)
def test_forms_that_are_refused(text: str, words: str) -> None:
    """Above all: no address that a network reaches."""
    with pytest.raises(AddressError, match=words):
        parse_address(text)
