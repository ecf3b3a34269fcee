"""The gate before the pages: who may come in, by which name, from which page, with how much.

It stands before an ASGI application and knows nothing of it but which paths are open to everybody.
Each rule is against one attack: the Host header against a stranger's name that was made to point
here (DNS rebinding), the Origin header against a stranger's page that sends a form or opens a
WebSocket, Sec-Fetch-Site against one that loads something from here, the token against whoever else
is on the network, the content security policy against script that was put into a page.
"""

import contextlib
import html
import re
import socket
from collections.abc import Callable, Collection, Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pump_protocol.printable import printable
from pump_protocol.web.address import HttpAddress, as_ip, parse_host
from pump_protocol.web.problems import Problem, internal_error
from pump_protocol.web.tokens import (
    Tokens,
    cookie_name,
    given_in_headers,
    given_in_query,
    path_without_token,
)
from pump_protocol.web.wrapping import dressed, limited, usual_headers

MAX_BODY_BYTES: Final = 1024 * 1024
"""The longest body of a request, where the application does not say otherwise."""

LONGEST_PATH_LOGGED: Final = 200

EVERYBODY: Final = "instructor"
"""The role of everybody where there are no tokens: whoever is at this machine may do anything."""

STYLESHEET: Final = "/static/shared/base.css"
"""What the page that asks for a token looks like, if it is open to everybody."""

_HOST: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(:[0-9]{1,5})?")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN_SITES: Final = frozenset({"cross-site", "same-site"})
"""What a browser says of a page that is not from this very host and port."""


class Gate:
    """Lets in who may, and turns away the rest before the application hears of them.

    The application finds the role of who asks in ``scope["state"]["role"]``; on an open path it is
    None for those who have no token.

    :param address: where it is served, as it was asked for; port 0 is as good as the bound one.
    :param tokens: the role of each token, the one that may do most first; none only where the
        address is the loopback.
    :param log: is told one line about each request that is turned away.
    :param open_paths: what needs no token: whole paths, or beginnings that end with a slash.
    :param body_limit: the longest body for a path, in bytes.
    :param notice: what the page that asks for a token says above everything else.
    :raises TokenRefused: there is no token for a network, or one is too weak.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: HttpAddress,
        tokens: Mapping[str, str],
        log: Callable[[str], None],
        open_paths: Collection[str] = (),
        body_limit: Callable[[str], int] = lambda _: MAX_BODY_BYTES,
        notice: str = "",
    ) -> None:
        self._app = app
        self._address = address
        self._tokens = Tokens(address, tokens)
        self._log = log
        self._open_paths = tuple(open_paths)
        self._body_limit = body_limit
        self._notice = notice
        self._names = _names_of(address)
        self._guarded = ServerErrorMiddleware(self._pass, handler=_bug)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, or answer it; a bug is answered too, and raised for the server."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        await self._guarded(scope, receive, send)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        host = self._host(headers)
        is_http = scope["type"] == "http"
        if is_http:
            send = dressed(send, host)
        try:
            _check_host(host)
            _check_origin(scope, headers)
            _check_site(scope, headers)
            if (token := self._new_token(scope)) is not None:
                await self._entrance(token, scope, headers)(scope, receive, send)
                return
            role = self._role(scope, headers)
            if is_http:
                receive = await limited(headers, receive, self._body_limit(scope["path"]))
        except Problem as problem:
            self._tell(f"{_asked(scope)}: {problem.status}, {problem.detail}")
            await self._turn_away(problem, scope, receive, send)
            return
        state = {**scope.get("state", {}), "role": role}
        await self._app({**scope, "state": state}, receive, send)

    def _tell(self, line: str) -> None:
        # A disk that is full, a stream that was closed: whoever asks has the answer all the same.
        with contextlib.suppress(Exception):
            self._log(line)

    # --- The rules -------------------------------------------------------------------------------

    def _host(self, headers: Headers) -> str | None:
        """The Host header, if it names this server; whatever the port: it may be forwarded."""
        hosts = headers.getlist("host")
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        # A name with a dot after it is the same name.
        name = None if found is None else parse_host(found[1].removesuffix("."))
        return hosts[0] if name is not None and self._is_ours(name) else None

    def _is_ours(self, name: str) -> bool:
        if name in self._names:
            return True
        found = as_ip(name)
        # Nobody can make an address in numbers point elsewhere.
        return found is not None and (found.is_loopback or self._address.is_wildcard)

    def _new_token(self, scope: Scope) -> str | None:
        """The token in the address of a page that is opened, if there is one."""
        if not self._tokens or scope["type"] != "http" or scope["method"] != "GET":
            return None
        given = given_in_query(scope)
        if any(self._tokens.role_of(each) is None for each in given):
            raise _no_token("the token is wrong")
        return given[0] if given else None

    def _role(self, scope: Scope, headers: Headers) -> str | None:
        if not self._tokens:
            return EVERYBODY
        given = list(given_in_headers(scope, headers))
        role = self._tokens.strongest(given)
        if role is not None or self._is_open(scope["path"]):
            return role
        raise _no_token("the token is wrong" if given else "a token is needed")

    def _is_open(self, path: str) -> bool:
        return any(
            path.startswith(each) if each.endswith("/") else path == each
            for each in self._open_paths
        )

    def _entrance(self, token: str, scope: Scope, headers: Headers) -> Response:
        """To the same place without the token, which the browser keeps from now on."""
        path = path_without_token(scope)
        if headers.get("sec-fetch-site") == "cross-site" and _takes_html(headers):
            # Who followed a link in a chat or a mail would be redirected without the new cookie: a
            # strict one is for what our own pages ask for, as this one does.
            response: Response = HTMLResponse(_ENTRANCE.format(path=html.escape(path)))
        else:
            response = RedirectResponse(path, 303)
        held = list(given_in_headers(scope, headers))
        # An instructor who opens the trainees' page beside the own one is an instructor still.
        if self._tokens.strongest([*held, token]) != self._tokens.strongest(held):
            name = cookie_name(scope)
            response.set_cookie(name, token, path="/", httponly=True, samesite="strict")
        return response

    # --- Those who may not come in ---------------------------------------------------------------

    async def _turn_away(
        self, problem: Problem, scope: Scope, receive: Receive, send: Send
    ) -> None:
        response = problem.response(scope["path"])
        if scope["type"] == "http" and problem.status == 401 and _takes_html(Headers(scope=scope)):
            text = _PAGE.format(
                style=_STYLE if self._is_open(STYLESHEET) else "",
                notice=html.escape(self._notice),
                detail=html.escape(problem.detail.capitalize()),
            )
            response = HTMLResponse(text, problem.status, problem.headers)
        await response(scope, receive, send)


async def _bug(request: Request, error: Exception) -> Response:
    del error  # raised again, for the server to log
    response = internal_error().response(request.scope["path"])
    response.headers.update(usual_headers(None))
    return response


# --- Rules without a state -----------------------------------------------------------------------


def _names_of(address: HttpAddress) -> frozenset[str]:
    """What the server is called, beside addresses in numbers."""
    names = {"localhost", address.host.lower()}
    if address.is_wildcard:
        whole = socket.gethostname().lower()
        short = whole.partition(".")[0]
        names |= {whole, short, f"{short}.local"} if short else set()
    return frozenset(names)


def _check_host(host: str | None) -> None:
    if host is None:
        detail = "the Host header names another server; use the address that was printed"
        raise Problem(421, "wrong_host", detail)


def _check_origin(scope: Scope, headers: Headers) -> None:
    if scope["type"] == "http" and scope["method"] in _SAFE_METHODS:
        return
    for origin in headers.getlist("origin"):
        if not _is_same(origin, headers["host"]):
            raise Problem(403, "foreign_origin", "the page that asks is another server's")


def _check_site(scope: Scope, headers: Headers) -> None:
    """What another site's page loads, as an image say, has no Origin: the browser says it so."""
    if headers.get("sec-fetch-site") not in _FOREIGN_SITES:
        return
    is_link = scope.get("method") == "GET" and headers.get("sec-fetch-mode") == "navigate"
    if not is_link or headers.get("sec-fetch-dest", "document") != "document":
        raise Problem(403, "foreign_origin", "the page that asks is another server's")


def _is_same(origin: str, host: str) -> bool:
    """Whether a page of that origin was had from this very host and port."""
    scheme, _, rest = origin.partition("://")
    usual = {"http": ":80", "https": ":443"}.get(scheme)
    if usual is None:
        return False  # null, too: a file's, or nobody's
    return rest.lower().removesuffix(usual) == host.lower().removesuffix(usual)


def _no_token(detail: str) -> Problem:
    return Problem(401, "no_token", detail, headers={"WWW-Authenticate": "Bearer"})


# --- What a request says -------------------------------------------------------------------------


def _takes_html(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")


def _asked(scope: Scope) -> str:
    """Who asked for what, on one line whatever they sent; without the query, which has tokens."""
    peer = scope.get("client")
    who = f"{peer[0]}:{peer[1]}" if peer else "somebody"
    path = scope["path"][:LONGEST_PATH_LOGGED]
    return printable(f"{who} {scope.get('method', 'WEBSOCKET')} {path}")


_STYLE: Final = f'<link rel="stylesheet" href="{STYLESHEET}">'

_PAGE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>{detail}</title>
{style}
</head>
<body>
<p class="simulator-banner">{notice}</p>
<main class="gate card card-body stack">
<h1>{detail}</h1>
<p>Open the link that was printed where the program was started, or enter the token from it.</p>
<form class="stack" method="get">
<label for="token">Token</label>
<input class="input" id="token" name="token" type="password" autocomplete="off" required
 autofocus>
<div><button class="btn btn-primary">Open</button></div>
</form>
</main>
</body>
</html>
"""

_ENTRANCE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="0; url={path}">
<title>One moment</title>
</head>
<body>
<p><a href="{path}">Go on</a></p>
</body>
</html>
"""
