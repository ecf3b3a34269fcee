"""What the gate puts round an application: headers on what it sends, a limit on what it is sent."""

import re
from email.utils import formatdate
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Send

from pump_protocol.web.problems import Problem

_LENGTH: Final = re.compile(r"[0-9]{1,18}")
_CONTENT_SECURITY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src {connect}; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)


def dressed(send: Send, host: str | None) -> Send:
    """Sends with what keeps a page to itself in the headers of every answer.

    What the application says itself, a policy of its own for one page say, is left as it is.

    :param host: the checked Host header, or None if it was no good.
    """
    usual = usual_headers(host)

    async def send_dressed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in usual.items():
                headers.setdefault(name, value)
            headers.setdefault("Date", formatdate(usegmt=True))
            message = {**message, "headers": headers.raw}
        await send(message)

    return send_dressed


def usual_headers(host: str | None) -> dict[str, str]:
    """What keeps a page to itself; *host* as for :func:`dressed`."""
    connect = "'self'"
    # Not every browser takes a WebSocket for its own page's; a policy has no way to name [::1].
    if host is not None and "[" not in host:
        connect = f"'self' ws://{host} wss://{host}"
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _CONTENT_SECURITY.format(connect=connect),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


async def limited(headers: Headers, receive: Receive, limit_bytes: int) -> Receive:
    """What hands on the body, of which no more than the limit is ever kept.

    :raises Problem: it is longer.
    """
    detail = f"the body is too large; allowed are {limit_bytes:,} bytes"
    too_large = Problem(413, "body_too_large", detail, allowed={"maximum_bytes": limit_bytes})
    length = headers.get("content-length")
    if length is not None and not (_LENGTH.fullmatch(length) and int(length) <= limit_bytes):
        raise too_large
    if "transfer-encoding" not in headers:
        return receive
    # Nobody says how long it is: its end does.
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return _replay(message, receive)
        body += message.get("body", b"")
        if len(body) > limit_bytes:
            raise too_large
        more = message.get("more_body", False)
    whole = {"type": "http.request", "body": bytes(body), "more_body": False}
    return _replay(whole, receive)


def _replay(first: Message, receive: Receive) -> Receive:
    waiting = [first]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
