"""Where web pages are served: a host and a port, read and written; no I/O."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

ALLOWED: Final = "PORT, HOST:PORT or [IPV6]:PORT"

_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)
_ALL_DIGITS: Final = re.compile(r"([0-9]+\.)*[0-9]+")


class AddressRefused(ValueError):
    """A text is no address to serve pages at; the message has the text and what is allowed."""


@dataclass(frozen=True, slots=True)
class HttpAddress:
    """A host, without the brackets of IPv6, and a port; port 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.bracketed_host}:{self.port}"

    @property
    def bracketed_host(self) -> str:
        """The host as it stands in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def is_loopback(self) -> bool:
        """Whether only programs of this machine reach it."""
        found = as_ip(self.host)
        return self.host == "localhost" if found is None else found.is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for every address that this machine has."""
        found = as_ip(self.host)
        return found is not None and found.is_unspecified

    def url(self, path: str = "/") -> str:
        """What a browser on this machine opens; every address of it includes the loopback."""
        here = self
        if self.is_wildcard:
            here = HttpAddress("::1" if ":" in self.host else "127.0.0.1", self.port)
        return f"http://{here}{path}"


def parse_http(text: str) -> HttpAddress:
    """The address that *text* means; without a host it is the loopback.

    :raises AddressRefused: it has another form, or the port is out of range.
    """
    host, colon, number = text.rpartition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535):
        raise AddressRefused(
            f"{text!r}: PORT is {number!r}; allowed is 0 (any free one) to 65535, in {ALLOWED}"
        )
    if not colon:
        return HttpAddress("127.0.0.1", int(number))
    found = parse_host(host)
    if found is None:
        raise AddressRefused(f"{text!r}: {host!r} is no host; allowed is {ALLOWED}")
    return HttpAddress("127.0.0.1" if found == "localhost" else found, int(number))


def parse_host(text: str) -> str | None:
    """A host as it stands before the port of a URL, in its one spelling, or None if it is none."""
    if text.startswith("[") and text.endswith("]"):
        found = as_ip(text[1:-1])
        return str(found) if found is not None and found.version == 6 and "%" not in text else None
    name = text.lower()
    if _ALL_DIGITS.fullmatch(name):  # 127.1 and 2130706433 are spellings that few programs share
        found = as_ip(name)
        return None if found is None else str(found)
    return name if _NAME.fullmatch(name) else None


def as_ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The host as an IP address, if it is one."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
