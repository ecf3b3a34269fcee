"""A connection may not take for ever to ask, and there may not be too many; answers may last."""

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pump_protocol.web import connection

from .served import INSTRUCTOR, TOKENS, Served, application, run, served

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def opened(it: Served, request: str = "") -> Streams:
    """A connection on which this much has been asked."""
    reader, writer = await asyncio.open_connection(it.server.address.host, it.server.address.port)
    writer.write(request.format(host=it.host).encode())
    return reader, writer


async def rest_of(streams: Streams) -> bytes:
    """What still comes until the other end closes."""
    reader, writer = streams
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.parametrize(
    ("request_", "limit", "line"),
    [
        ("", "HEAD_S", None),
        ("GET /role HTTP/1.1\r\nHost: {host}\r\n", "HEAD_S", "the head of a request took more"),
        ("GET /role HTTP/1.1\r\nHost: {host}\r\n\r\n", "IDLE_S", None),
        ("GET /role HTTP/1.1\r\nHost: {host}\r\n\r\nGET /ro", "HEAD_S", "the head of a request"),
        (
            "PUT /api/body HTTP/1.1\r\nHost: {host}\r\nContent-Length: 9\r\n\r\n{{",
            "BODY_S",
            "the body of a request took more",
        ),
        (
            "PUT /api/body HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{{",
            "BODY_S",
            "the body of a request took more",
        ),
        # answered before the body is there
        (
            "PUT /api/body HTTP/1.1\r\nHost: nobody\r\nContent-Length: 9\r\n\r\n{{",
            "BODY_S",
            "the body of a request took more",
        ),
    ],
)
def test_who_does_not_finish_asking_is_let_go(
    request_: str, limit: str, line: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a line, if they began; a browser opens connections in advance, and there is none."""
    monkeypatch.setattr(connection, limit, 0.05)

    async def work() -> None:
        async with served() as it:
            await rest_of(await opened(it, request_))
            assert it.server._state.connections == set()
            lines = [each for each in it.log if "closed" in each]
            assert len(lines) == (line is not None)
            assert line is None or line in lines[0]

    run(work())


def test_a_byte_now_and_then_gains_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is of the whole head."""
    monkeypatch.setattr(connection, "HEAD_S", 0.2)

    async def work() -> None:
        async with served() as it:
            reader, writer = await opened(it, "GET /role HTTP/1.1\r\nX: ")
            closed = asyncio.ensure_future(rest_of((reader, writer)))
            while not closed.done():
                writer.write(b"x")
                await asyncio.wait([closed], timeout=0.02)

    run(work())


def test_what_is_answered_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream, a WebSocket, and an answer that takes its time."""
    for limit in ("HEAD_S", "BODY_S", "IDLE_S"):
        monkeypatch.setattr(connection, limit, 0.05)

    async def work() -> None:
        app = application()
        async with served(app) as it:
            get = "GET {path} HTTP/1.1\r\nHost: {{host}}\r\n\r\n"
            _, streaming = await opened(it, get.format(path="/api/stream"))
            waiting, waiter = await opened(it, get.format(path="/api/wait"))
            async with connect(it.socket_url()) as live:
                await live.recv()
                await app.state.lasting.until(begun=3)
                await asyncio.sleep(0.2)
                assert len(it.server._state.connections) == 3
                assert app.state.lasting.ended == 0
            assert not waiting.at_eof()
            streaming.close()
            waiter.close()

    run(work())


def test_there_may_be_so_many_and_the_newest_has_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once; those who came first go on, and when one of them goes there is room again."""
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 2)

    async def work() -> None:
        async with served() as it, connect(it.socket_url()):
            _, first = await opened(it, "GET")
            assert await rest_of(await opened(it, "GET")) == b""
            assert "closed at once: 2 connections are open" in it.log[0]
            first.close()
            while len(it.server._state.connections) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0)  # a server tells nobody that somebody has gone
            reader, last = await opened(it, "GET /api/doses HTTP/1.1\r\nHost: {host}\r\n\r\n")
            assert b"200 OK" in await reader.readline()
            last.close()

    run(work())


def test_a_websocket_is_refused_as_a_request_is() -> None:
    """The status and the problem; and nothing is logged by a library."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            with pytest.raises(InvalidStatus) as refused:
                await connect(it.socket_url()).__aenter__()
            assert refused.value.response.status_code == 401
            assert refused.value.response.headers["Content-Type"] == "application/problem+json"

    run(work())


def test_what_a_peer_does_wrong_has_no_line_of_a_library(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Text that is no UTF-8, a refused WebSocket, a stream whose reader resets."""

    async def work() -> None:
        app = application()
        async with served(app, tokens=TOKENS) as it:
            headers = {"Authorization": f"Bearer {INSTRUCTOR}"}
            with pytest.raises(InvalidStatus):
                await connect(it.socket_url()).__aenter__()
            async with connect(it.socket_url(), additional_headers=headers) as live:
                await live.recv()
                await live.send(b"\xff\xfe", text=True)
                with pytest.raises(ConnectionClosed) as closed:
                    await live.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1007
            async with connect(it.socket_url("/api/flood"), additional_headers=headers) as flood:
                await app.state.lasting.until(begun=2)
                flood.transport.abort()
                await app.state.lasting.until(ended=2)

    run(work())
    assert caplog.text == ""
    assert capfd.readouterr() == ("", "")
