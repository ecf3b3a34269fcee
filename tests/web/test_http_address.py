"""An address for pages is a port, or a host and a port; nothing is guessed."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.web.address import AddressRefused, HttpAddress, parse_host, parse_http

PORTS = st.integers(0, 65535)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0", HttpAddress("127.0.0.1", 0)),
        ("8017", HttpAddress("127.0.0.1", 8017)),
        ("127.0.0.1:8017", HttpAddress("127.0.0.1", 8017)),
        ("localhost:8017", HttpAddress("127.0.0.1", 8017)),
        ("LocalHost:8017", HttpAddress("127.0.0.1", 8017)),
        ("0.0.0.0:8017", HttpAddress("0.0.0.0", 8017)),
        ("[::1]:0", HttpAddress("::1", 0)),
        ("[0:0:0::1]:65535", HttpAddress("::1", 65535)),
        ("[::]:8017", HttpAddress("::", 8017)),
        ("training.Hospital.example:80", HttpAddress("training.hospital.example", 80)),
        ("room-1:80", HttpAddress("room-1", 80)),
    ],
)
def test_forms_that_are_understood(text: str, address: HttpAddress) -> None:
    """And what is printed is understood again."""
    assert parse_http(text) == address
    assert parse_http(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":8017",
        "127.0.0.1:",
        "127.0.0.1",
        "localhost",
        "65536",
        "127.0.0.1:65536",
        "127.0.0.1:-1",
        "127.0.0.1:+1",
        "127.0.0.1: 1",
        "127.0.0.1:\u0663",
        "::1:8017",
        "[::1]",
        "[127.0.0.1]:1",
        "[fe80::1%eth0]:1",
        "127.1:1",
        "2130706433:1",
        "127.0.0.01:1",
        "a b:1",
        "a..b:1",
        "-a:1",
        "a_b:1",
        "a/b:1",
        "user@host:1",
        "http://127.0.0.1:1",
        "a\n:1",
        "x" * 64 + ":1",
        ".".join(["abcdefg"] * 40) + ":1",
    ],
)
def test_anything_else_is_refused_with_the_text_and_the_forms(text: str) -> None:
    """A person reads what was wrong and what is right."""
    with pytest.raises(AddressRefused) as refused:
        parse_http(text)
    assert repr(text) in str(refused.value)
    assert "HOST:PORT" in str(refused.value)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.7", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
    ],
)
def test_the_loopback_is_known_by_its_numbers(host: str, loopback: bool) -> None:
    """A name that begins like one is a stranger's."""
    assert HttpAddress(host, 1).is_loopback is loopback


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8017/trainee"),
        ("::1", "http://[::1]:8017/trainee"),
        ("0.0.0.0", "http://127.0.0.1:8017/trainee"),
        ("::", "http://[::1]:8017/trainee"),
        ("room-1", "http://room-1:8017/trainee"),
    ],
)
def test_a_url_can_be_opened_on_this_machine(host: str, url: str) -> None:
    """No browser opens "every address"."""
    assert HttpAddress(host, 8017).url("/trainee") == url


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), PORTS)
def test_every_ip_address_is_understood_as_it_is_printed(host: str, port: int) -> None:
    """Zones of IPv6 apart, which Hypothesis does not make."""
    assert parse_http(str(HttpAddress(host, port))) == HttpAddress(host, port)


@given(st.text(max_size=40))
def test_no_text_gives_an_address_that_is_printed_as_another(text: str) -> None:
    """It is refused, or what is understood is what is printed."""
    try:
        address = parse_http(text)
    except AddressRefused:
        return
    assert parse_http(str(address)) == address
    assert 0 <= address.port <= 65535


@given(st.text(max_size=30) | st.from_regex(r"[0-9a-fx.\[\]:%-]{1,20}", fullmatch=True))
def test_a_host_has_nothing_that_means_something_in_a_header_or_a_url(text: str) -> None:
    """It is a name in lower case, or an address in its one spelling."""
    host = parse_host(text)
    if host is None:
        return
    if ":" in host:
        assert str(ipaddress.ip_address(host)) == host
    else:
        assert set(host) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
        assert parse_host(host) == host
