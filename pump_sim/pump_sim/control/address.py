"""Where a door is: a path of this machine's file system, or a port of its loopback; no I/O.

The address that a running pump prints is one that is understood here, so whoever reads it can use
it as it stands.
"""

import ipaddress
import os
from dataclasses import dataclass
from typing import Final

ALLOWED: Final = "unix:PATH, a path with a slash in it, tcp:PORT, tcp:HOST:PORT or PORT"
MAX_PATH_BYTES: Final = 103
"""What a socket's path may have on every system: macOS has room for 103 bytes, Linux for 107."""


class AddressError(ValueError):
    """An address is of no allowed form; the message has the address and the forms."""


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    """A port of the loopback; 0 is any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return (
            f"tcp:[{self.host}]:{self.port}" if ":" in self.host else f"tcp:{self.host}:{self.port}"
        )


Address = UnixAddress | TcpAddress


def parse_address(text: str) -> Address:
    """The address that *text* means.

    :raises AddressError: it has another form, or is not on this machine: whoever reaches a door
        may do anything to its pumps, so it is never opened to a network.
    """
    kind, colon, rest = text.partition(":")
    if kind == "unix" and colon:
        return _unix(text, rest)
    if kind == "tcp" and colon:
        return _tcp(text, rest)
    if text.isascii() and text.isdigit():
        return _tcp(text, text)
    if "/" in text or os.sep in text:
        return _unix(text, text)
    raise AddressError(f"{text!r}: allowed are {ALLOWED}")


def _unix(text: str, path: str) -> UnixAddress:
    path = os.path.abspath(os.path.expanduser(path)) if path else ""  # noqa: PTH100, PTH111 - text in, text out
    if not path or "\0" in path:
        raise AddressError(f"{text!r}: the path is missing; allowed are {ALLOWED}")
    if len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise AddressError(f"{text!r}: a socket's path has at most {MAX_PATH_BYTES} bytes")
    return UnixAddress(path)


def _tcp(text: str, rest: str) -> TcpAddress:
    host, _, number = rest.rpartition(":")
    if not (number.isascii() and number.isdigit() and len(number) <= 5 and int(number) <= 65535):
        raise AddressError(f"{text!r}: PORT is {number!r}; allowed is 0 (any free one) to 65535")
    host = host.removeprefix("[").removesuffix("]")
    if host in {"", "localhost"}:
        host = "127.0.0.1"
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise AddressError(
            f"{text!r}: {host!r} is not this machine's loopback. Whoever reaches the door may do"
            " anything to the pump, so it is opened on 127.0.0.1 or [::1] only."
        )
    return TcpAddress(host, int(number))
