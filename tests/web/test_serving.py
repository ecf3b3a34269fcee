"""A server answers where it says, keeps quiet, and is gone at once when it is closed."""

import asyncio
import errno
import os
import signal
import socket
import time

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pump_protocol.web.address import HttpAddress
from pump_protocol.web.serving import Server, WebError

from .served import LOOPBACK, application, run, served

CLOSED_WITHIN_S = 0.5


def has_ipv6() -> bool:
    """Whether this machine has the other loopback."""
    with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


def test_a_free_port_has_its_number_once_the_server_is_open() -> None:
    """And answers there."""

    async def work() -> None:
        async with served() as it:
            assert it.server.address.port > 0
            assert (await it.client.get("/role")).json() == {"role": "instructor"}

    run(work())


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_ipv6() -> None:
    """Its address has brackets, as has its Host header."""

    async def work() -> None:
        async with served(address=HttpAddress("::1", 0)) as it:
            assert it.host.startswith("[::1]:")
            response = await it.client.get("/role")
            assert response.status_code == 200
            async with connect(it.socket_url()) as live:
                assert await live.recv() == "instructor"

    run(work())


def test_a_port_that_somebody_has_is_said_in_one_sentence() -> None:
    """With the address, and no trace of Python."""

    async def work() -> None:
        async with Server(application(), LOOPBACK) as first:
            with pytest.raises(WebError) as error:
                await Server(application(), first.address).open()
        assert str(error.value) == f"http {first.address}: the address is in use by another program"

    run(work())


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("no-such-host.invalid", "there is no host of that name"),
        ("x" * 63 + "." + "y" * 63, "there is no host of that name"),
        ("192.0.2.1", "this machine does not have that address"),
    ],
)
def test_a_host_that_cannot_be_had_is_said_in_one_sentence(host: str, words: str) -> None:
    """A name that nobody knows, and an address that is another machine's."""

    async def work() -> None:
        with pytest.raises(WebError) as error:
            await Server(application(), HttpAddress(host, 0)).open()
        assert str(error.value) == f"http {host}:0: {words}"

    run(work())


def test_any_other_refusal_of_the_system_is_told_in_its_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A port below 1024, say, where one may not have it; root may, so this is played."""

    def refuse(self: socket.socket, where: object) -> None:
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    async def work() -> None:
        monkeypatch.setattr(socket.socket, "bind", refuse)
        with pytest.raises(WebError, match=r"http 127\.0\.0\.1:0: cannot listen there: Permission"):
            await Server(application(), LOOPBACK).open()

    run(work())


def test_closing_ends_streams_sockets_and_requests_at_once() -> None:
    """Also those whose reader is asleep, and those whose request is never answered."""

    async def work() -> None:
        app = application()
        async with served(app) as it:
            address = it.server.address
            asleep = []
            for path in ("/api/stream", "/api/wait"):
                reader, writer = await asyncio.open_connection(address.host, address.port)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: {it.host}\r\n\r\n".encode())
                asleep.append((reader, writer))
            async with (
                connect(it.socket_url()),
                connect(it.socket_url("/api/flood"), max_queue=1) as flooded,
            ):
                await app.state.lasting.until(begun=4)
                idle = httpx.AsyncClient(base_url=address.url(""))
                await idle.get("/role")
                started = time.perf_counter()
                await it.server.close()
                assert time.perf_counter() - started < CLOSED_WITHIN_S
                assert app.state.lasting.ended == 4
                assert it.server._state.connections == set()
                flooded.transport.abort()
            await idle.aclose()
            for _, writer in asleep:
                writer.close()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(address.host, address.port)

    run(work())


def test_a_page_is_told_that_the_server_goes() -> None:
    """1012, service restart: a page may try again."""

    async def work() -> None:
        async with served() as it, connect(it.socket_url()) as live:
            await live.recv()
            await it.server.close()
            with pytest.raises(ConnectionClosed) as closed:
                await live.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012

    run(work())


def test_a_reader_that_goes_ends_its_stream() -> None:
    """Nothing is made for nobody."""

    async def work() -> None:
        app = application()
        async with served(app) as it:
            async with it.client.stream("GET", "/api/stream"), connect(it.socket_url()):
                await app.state.lasting.until(begun=2)
            await app.state.lasting.until(ended=2)

    run(work())


def test_a_server_can_be_closed_twice_and_from_within_a_request() -> None:
    """A page with a button that ends the program."""

    async def work() -> None:
        app = application()
        server = Server(app, LOOPBACK)

        @app.post("/end")
        async def end() -> None:
            await server.close()

        async with server:
            async with httpx.AsyncClient(base_url=server.address.url("")) as client:
                with pytest.raises(httpx.HTTPError):
                    await client.post("/end")
            await server.close()

    run(work())


def test_a_request_that_somebody_else_cancels_is_not_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is answered as a bug is: only the end of the server is no error."""

    async def work() -> None:
        app = application()

        @app.get("/cancel")
        async def cancel() -> None:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
            await asyncio.sleep(0)

        async with served(app) as it:
            assert (await it.client.get("/cancel")).status_code == 500

    run(work())
    assert "CancelledError" in caplog.text


def test_it_prints_nothing(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes, and when it ends; the narration of a pump shall stay readable."""

    async def work() -> None:
        app = application()
        async with served(app) as it:
            await it.client.get("/role?token=secret")
            await it.client.get("/nothing")
            for content in (
                b"nonsense\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\n\r\n",
            ):
                reader, writer = await asyncio.open_connection(
                    it.server.address.host, it.server.address.port
                )
                writer.write(content)
                await writer.drain()
                await reader.read(1)
                writer.close()
            async with connect(it.socket_url() + "?token=secret") as live:
                await live.recv()
                waiting = asyncio.create_task(it.client.get("/api/wait"))
                await app.state.lasting.until(begun=2)
                await it.server.close()
                with pytest.raises(httpx.HTTPError):
                    await waiting

    run(work())
    assert capfd.readouterr() == ("", "")
    # What would be printed without a test's own handler.
    assert caplog.text == ""


def test_signals_are_left_to_who_runs_it() -> None:
    """The pump's own loop ends the program in its own order."""

    async def work() -> None:
        before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
        async with served() as it:
            await it.client.get("/role")
            assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == before

    run(work())


def test_an_idle_server_does_nothing() -> None:
    """A pump that nobody looks at costs no time: no timer of the server's runs."""

    async def work() -> None:
        async with Server(application(), LOOPBACK):
            await asyncio.sleep(0)
            loop = asyncio.get_running_loop()
            waiting = [each for each in loop._scheduled if not each.cancelled()]  # type: ignore[attr-defined]
            # The limit of this test's own time.
            assert len(waiting) == 1
            assert len(asyncio.all_tasks()) == 1

    run(work())
