"""Tokens: who may come in from a network, and as whom; it knows no paths and no pages."""

import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers
from starlette.types import Scope

from pump_protocol.web.address import HttpAddress

ALLOWED: Final = "16 to 256 of A-Z a-z 0-9 - . _ ~"

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~-]{16,256}")


class TokenRefused(ValueError):
    """A token is missing where there must be one, or is none; the message never has it."""


def new_token() -> str:
    """A token that nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


class Tokens:
    """The role of each token; the first role named may do most.

    :raises TokenRefused: there is none for an address that others reach, or one is too weak.
    """

    def __init__(self, address: HttpAddress, roles: Mapping[str, str]) -> None:
        if not roles and not address.is_loopback:
            raise TokenRefused(f"http {address}: others reach this address, so it needs a token")
        for token in roles:
            if not _TOKEN.fullmatch(token):
                raise TokenRefused(
                    f"a token of {len(token)} characters is refused; allowed are {ALLOWED}"
                )
        self._roles = {token.encode(): role for token, role in roles.items()}
        self._order = list(dict.fromkeys(roles.values()))

    def __bool__(self) -> bool:
        return bool(self._roles)

    def role_of(self, token: str) -> str | None:
        """The role of who has this token, or None; the time taken tells nothing of the others."""
        found = None
        written = token.encode("utf-8", "surrogateescape")
        for known, role in self._roles.items():
            if hmac.compare_digest(known, written):
                found = role
        return found

    def strongest(self, tokens: Iterable[str]) -> str | None:
        """The role that may do most of those that the tokens give, or None."""
        held = {self.role_of(each) for each in tokens}
        return next((role for role in self._order if role in held), None)


def given_in_headers(scope: Scope, headers: Headers) -> Iterable[str]:
    """What somebody brings: in an Authorization header, or in the cookie that was set here."""
    for line in headers.getlist("authorization"):
        kind, _, token = line.partition(" ")
        if kind.lower() == "bearer":
            yield token.strip()
    name = cookie_name(scope)
    for line in headers.getlist("cookie"):
        for each in line.split(";"):
            key, _, value = each.strip().partition("=")
            if key == name:
                yield value


def given_in_query(scope: Scope) -> list[str]:
    """What somebody brings in the address of a page."""
    return [value for name, value in _query(scope) if name == "token"]


def cookie_name(scope: Scope) -> str:
    """Cookies know no ports, and another page of the same machine has a token of its own."""
    server = scope.get("server")
    return f"pump_token_{server[1]}" if server else "pump_token"


def path_without_token(scope: Scope) -> str:
    """The path and the query that were asked for, without any token."""
    rest = [(name, value) for name, value in _query(scope) if name != "token"]
    # One slash: a path that begins with two is the name of another server.
    path = "/" + quote(scope["path"].lstrip("/"), safe="/:@!$&'()*+,;=~")
    return f"{path}?{urlencode(rest)}" if rest else path


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
