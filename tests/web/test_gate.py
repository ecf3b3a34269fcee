"""Who may come in comes in with a role; the rest is turned away before the application hears."""

import asyncio
import hmac
import json
import logging
import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from pump_protocol.web import gate as gate_module
from pump_protocol.web.address import HttpAddress
from pump_protocol.web.gate import Gate
from pump_protocol.web.serving import Server
from pump_protocol.web.tokens import TokenRefused, Tokens, new_token

from .served import INSTRUCTOR, LOOPBACK, TOKENS, TRAINEE, application, run, served

NETWORK = HttpAddress("0.0.0.0", 0)
PAGE = {"Accept": "text/html,*/*"}


def bearer(token: str) -> dict[str, str]:
    """The header of a program that has a token."""
    return {"Authorization": f"Bearer {token}"}


async def raw(served_at: HttpAddress, request: str) -> tuple[int, str]:
    """The status and the whole of the answer to what no client would send."""
    reader, writer = await asyncio.open_connection(served_at.host, served_at.port)
    writer.write(request.encode("latin-1"))
    answer = (await reader.read()).decode("latin-1")
    writer.close()
    return int(answer.split()[1]), answer


def asked(hosts: list[str]) -> tuple[int, str]:
    """The status of a request with these Host headers, whatever a server would let through, and the
    content security policy of its answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def work() -> None:
        gate = Gate(app, address=LOOPBACK, tokens={}, log=lambda _: None)
        headers = [(b"host", each.encode("latin-1")) for each in hosts]
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b""}
        await gate({**scope, "headers": headers}, None, send)  # type: ignore[arg-type]

    run(work())
    return sent[0]["status"], dict(sent[0]["headers"])[b"content-security-policy"].decode()


# --- Names: DNS rebinding ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:1",
        "localhost.:8017",
        "127.0.0.1",
        "127.0.0.1.",
        "127.9.9.9",
        "[::1]",
    ],
)
def test_a_loopback_goes_by_its_own_names(host: str) -> None:
    """Whatever the port: somebody may have forwarded one to it."""

    async def work() -> None:
        async with served() as it:
            assert (await it.client.get("/role", headers={"Host": host})).status_code == 200

    run(work())


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8017",
        "evil.example.",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example:80:localhost",
        "localhost..",
        ".localhost",
        "localhost:x",
        "localhost:999999",
        "192.168.1.7",
        "0.0.0.0",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "[::2]",
        "[::1",
        "::1",
        "[127.0.0.1]",
        "",
    ],
)
def test_a_strangers_name_is_turned_away(host: str) -> None:
    """A page of that name, which its owner made to point here, would be ours to the browser."""

    async def work() -> None:
        async with served() as it:
            response = await it.client.get("/role", headers={"Host": host})
            assert response.status_code == 421
            assert response.json()["code"] == "wrong_host"
            with pytest.raises(InvalidStatus) as refused:
                await connect(it.socket_url(), additional_headers={"Host": host}).__aenter__()
            assert refused.value.response.status_code in {400, 421}
            assert len(it.log) >= 1

    run(work())


@pytest.mark.parametrize("hosts", [[], ["localhost", "localhost"], ["localhost", "evil.example"]])
def test_no_name_and_two_names_are_turned_away(hosts: list[str]) -> None:
    """Of two, the application could take the other one."""
    assert asked(hosts)[0] == 421


def test_every_address_of_a_machine_goes_by_numbers_and_by_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not by a stranger's name, even with the right token."""
    monkeypatch.setattr("socket.gethostname", lambda: "Room-1.hospital.example")

    async def work() -> None:
        async with served(address=NETWORK, tokens=TOKENS) as it:
            for host, status in {
                "192.168.1.7:8017": 200,
                "[fe80::1]:8017": 200,
                "localhost": 200,
                "room-1": 200,
                "ROOM-1.local:8017": 200,
                "room-1.hospital.example": 200,
                "hospital.example": 421,
                "evil.example": 421,
            }.items():
                asked = await it.client.get("/role", headers={**bearer(TRAINEE), "Host": host})
                assert asked.status_code == status, host

    run(work())


@given(st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=40))
def test_a_name_is_ours_only_if_it_is_one_of_ours(host: str) -> None:
    """However it is written; and what is ours can stand in a policy as it is."""
    status, policy = asked([host])
    if status == 200:
        assert re.fullmatch(
            r"(localhost|127\.\d+\.\d+\.\d+|\[[0:]*1\])\.?(:\d+)?", host, re.IGNORECASE
        )
    assert policy.count(";") == 8


# --- Pages of others: forms and sockets across origins -------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:{port}",
        "ftp://127.0.0.1:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://evil.example/127.0.0.1:{port}",
        "127.0.0.1:{port}",
    ],
)
def test_what_another_servers_page_would_change_is_refused(origin: str) -> None:
    """A form needs no permission to be sent here; nor does a WebSocket. Reading does."""

    async def work() -> None:
        async with served() as it:
            told = {"Origin": origin.format(port=it.server.address.port)}
            response = await it.client.post("/api/doses", json={"percent": 1}, headers=told)
            assert response.status_code == 403
            assert response.json()["code"] == "foreign_origin"
            assert (await it.client.get("/api/doses", headers=told)).status_code == 200
            assert "access-control-allow-origin" not in response.headers
            with pytest.raises(InvalidStatus) as refused:
                await connect(it.socket_url(), additional_headers=told).__aenter__()
            assert refused.value.response.status_code == 403

    run(work())


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "mode", "destination", "status"),
    [
        ("GET", "no-cors", "image", 403),
        ("GET", "cors", "empty", 403),
        ("HEAD", "no-cors", "empty", 403),
        ("GET", "navigate", "iframe", 403),
        ("POST", "navigate", "document", 403),
        ("GET", None, None, 403),
        ("GET", "navigate", "document", 200),
        ("GET", "navigate", None, 200),
    ],
)
def test_what_another_servers_page_loads_is_refused(
    site: str, method: str, mode: str | None, destination: str | None, status: int
) -> None:
    """An image has no Origin, and would ask all the same; a link that somebody follows is fine."""
    given = {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": destination}
    headers = {"Sec-Fetch-Site": site, **{k: each for k, each in given.items() if each is not None}}

    async def work() -> None:
        async with served() as it:
            answer = await it.client.request(method, "/role", headers=headers)
            assert answer.status_code == status
            for own in ("same-origin", "none"):
                answer = await it.client.get("/role", headers={"Sec-Fetch-Site": own})
                assert answer.status_code == 200

    run(work())


def test_our_own_page_may() -> None:
    """And so may a program, which has no page."""

    async def work() -> None:
        async with served() as it:
            for told in ({"Origin": f"http://{it.host}"}, {}):
                response = await it.client.post("/api/doses", json={"percent": 1}, headers=told)
                assert response.status_code == 201
                async with connect(it.socket_url(), additional_headers=told) as live:
                    assert await live.recv() == "instructor"

    run(work())


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost", "http://localhost", 201),
        ("localhost:80", "http://localhost", 201),
        ("localhost", "https://localhost", 201),
        ("localhost:443", "https://localhost", 201),
        ("LocalHost:80", "http://localhost", 201),
        ("localhost:443", "http://localhost", 403),
        ("localhost", "http://localhost.", 403),
    ],
)
def test_the_usual_port_needs_no_number(host: str, origin: str, status: int) -> None:
    """A browser leaves it out, of a page that somebody else's proxy serves with TLS, too."""

    async def work() -> None:
        async with served() as it:
            told = {"Origin": origin, "Host": host}
            response = await it.client.post("/api/doses", json={"percent": 1}, headers=told)
            assert response.status_code == status

    run(work())


# --- Tokens --------------------------------------------------------------------------------------


def test_on_the_loopback_everybody_is_an_instructor() -> None:
    """Whoever may open a port there may do anything to the program anyway."""

    async def work() -> None:
        async with served() as it:
            assert (await it.client.get("/role")).json() == {"role": "instructor"}
            # Nobody asked for one, so it is the application's own.
            assert (await it.client.get("/role?token=x")).status_code == 200

    run(work())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "room-1"])
def test_a_network_needs_a_token(host: str) -> None:
    """There is no way to leave it out by mistake."""
    with pytest.raises(TokenRefused, match="needs a token"):
        Gate(application(), address=HttpAddress(host, 8017), tokens={}, log=lambda _: None)


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 15, "x" * 257, "x" * 16 + " ", "ü" * 16, "x" * 16 + "\n"]
)
def test_a_token_that_is_weak_or_cannot_be_sent_is_refused(token: str) -> None:
    """Without it in the message: that may end in a log."""
    with pytest.raises(TokenRefused) as refused:
        Tokens(LOOPBACK, {token: "instructor"})
    assert "16 to 256" in str(refused.value)
    assert not token or token not in str(refused.value)


def test_new_tokens_are_tokens_and_never_the_same() -> None:
    """192 bits."""
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert Tokens(LOOPBACK, dict.fromkeys(made, "trainee"))


def test_a_token_gives_its_role() -> None:
    """In a header, however it is written, or in the cookie; also on a WebSocket."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            cookie = f"pump_token_{it.server.address.port}"
            for headers, role in [
                (bearer(INSTRUCTOR), "instructor"),
                (bearer(TRAINEE), "trainee"),
                ({"Authorization": f"bearer {TRAINEE}"}, "trainee"),
                ({"Cookie": f"{cookie}={TRAINEE}"}, "trainee"),
                ({"Cookie": f"a=b; {cookie}={INSTRUCTOR}; c"}, "instructor"),
                ({"Cookie": f"{cookie}=old-token; {cookie}={TRAINEE}"}, "trainee"),
                ({"Cookie": f"{cookie}={TRAINEE}", **bearer(INSTRUCTOR)}, "instructor"),
                ({"Cookie": f"{cookie}={INSTRUCTOR}", **bearer(TRAINEE)}, "instructor"),
            ]:
                assert (await it.client.get("/role", headers=headers)).json() == {"role": role}
                async with connect(it.socket_url(), additional_headers=headers) as live:
                    assert await live.recv() == role
            assert it.log == []

    run(work())


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({}, "a token is needed"),
        (bearer("x" * 20), "the token is wrong"),
        ({"Authorization": "Bearer"}, "the token is wrong"),
        (bearer(INSTRUCTOR[:-1]), "the token is wrong"),
        (bearer(INSTRUCTOR + "x"), "the token is wrong"),
        (bearer(INSTRUCTOR.upper()), "the token is wrong"),
        ({"Authorization": INSTRUCTOR}, "a token is needed"),
        ({"Authorization": f"Basic {INSTRUCTOR}"}, "a token is needed"),
        ({"Authorization": b"Bearer \xff\xfe"}, "the token is wrong"),
        ({"Cookie": f"pump_token={INSTRUCTOR}"}, "a token is needed"),
        ({"Cookie": f"pump_token_1={INSTRUCTOR}"}, "a token is needed"),
        ({"Cookie": f"x_{{cookie}}={INSTRUCTOR}"}, "a token is needed"),
        ({"Cookie": "{cookie}=wrong"}, "the token is wrong"),
    ],
)
def test_without_the_right_token_nobody_comes_in(headers: dict[str, Any], detail: str) -> None:
    """401 for a request, 403 for a WebSocket, and one line in the log for each."""

    async def work() -> None:
        app = application()
        async with served(app, tokens=TOKENS) as it:
            cookie = f"pump_token_{it.server.address.port}"
            told = {
                name: value.format(cookie=cookie) if isinstance(value, str) else value
                for name, value in headers.items()
            }
            response = await it.client.get("/role", headers=told)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.json()["detail"] == detail
            assert response.json()["code"] == "no_token"
            assert (await it.client.get("/nothing", headers=told)).status_code == 401
            assert re.fullmatch(rf"127\.0\.0\.1:\d+ GET /role: 401, {detail}", it.log[0]), it.log
            if all(isinstance(value, str) for value in told.values()):
                with pytest.raises(InvalidStatus) as refused:
                    await connect(it.socket_url(), additional_headers=told).__aenter__()
                assert refused.value.response.status_code == 401
                assert json.loads(refused.value.response.body)["detail"] == detail
                assert " WEBSOCKET /api/live: 401, " in it.log[-1]
            assert app.state.lasting.begun == 0

    run(work())


def test_tokens_are_compared_in_a_time_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, whether the first is right or not, by the function made for it."""
    compared: list[tuple[bytes, bytes]] = []
    really = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return really(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    known = Tokens(LOOPBACK, TOKENS)
    for given_token in (INSTRUCTOR, TRAINEE, "wrong"):
        compared.clear()
        known.role_of(given_token)
        assert compared == [(each.encode(), given_token.encode()) for each in TOKENS]


@given(st.text() | st.binary().map(lambda each: each.decode("latin-1")))
def test_no_other_text_is_a_token(text: str) -> None:
    """Whatever is sent, nothing fails, and nobody comes in."""
    assert Tokens(LOOPBACK, TOKENS).role_of(text) == TOKENS.get(text)


# --- The link with a token -----------------------------------------------------------------------


def test_a_link_with_a_token_is_followed_by_one_without() -> None:
    """The browser keeps the token where no script reads it and no other site's page sends it."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            port = it.server.address.port
            response = await it.client.get(
                f"/role?pump=2&token={TRAINEE}&name=%C3%A9", headers=PAGE
            )
            assert response.status_code == 303
            assert response.headers["location"] == "/role?pump=2&name=%C3%A9"
            assert response.headers["set-cookie"] == (
                f"pump_token_{port}={TRAINEE}; HttpOnly; Path=/; SameSite=strict"
            )
            assert response.headers["referrer-policy"] == "no-referrer"
            assert (await it.client.get(response.headers["location"])).json() == {"role": "trainee"}
            # Another link, another role; but nobody loses one: both pages may be in one browser.
            for token in (INSTRUCTOR, TRAINEE):
                assert (await it.client.get(f"/?token={token}")).status_code == 303
                assert (await it.client.get("/role")).json() == {"role": "instructor"}
            assert it.log == []

    run(work())


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("//evil.example/a", "/evil.example/a"),
        ("///evil.example", "/evil.example"),
        ("/%2Fevil.example", "/evil.example"),
        ("/%5C%5Cevil.example", "/%5C%5Cevil.example"),
        ("/\\evil.example", "/%5Cevil.example"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("/a%0d%0aSet-Cookie:%20x=y", "/a%0D%0ASet-Cookie:%20x=y"),
        ("/a%3Ftoken=b", "/a%3Ftoken=b"),
        ("/%C3%A9", "/%C3%A9"),
    ],
)
def test_a_link_leads_to_this_server_and_nowhere_else(path: str, location: str) -> None:
    """Whatever a stranger put into it; nor does it set a header of his."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            head = f"HTTP/1.1\r\nHost: {it.host}\r\nConnection: close\r\n\r\n"
            request = f"GET {path}?token={TRAINEE} {head}"
            status, answer = await raw(it.server.address, request)
            assert status == 303
            assert f"\r\nlocation: {location}\r\n" in answer
            assert answer.lower().count("set-cookie:") == 1 + location.lower().count("set-cookie:")

    run(work())


def test_a_link_that_another_sites_page_had_is_not_redirected() -> None:
    """The browser would not send the new cookie on a redirect that began elsewhere."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            headers = {**PAGE, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
            url = f"/a%22%3E%3Cscript%3E?pump=2&token={TRAINEE}"
            response = await it.client.get(url, headers=headers)
            assert response.status_code == 200
            assert 'content="0; url=/a%22%3E%3Cscript%3E?pump=2"' in response.text
            assert TRAINEE not in response.text
            assert f"={TRAINEE};" in response.headers["set-cookie"]

    run(work())


@pytest.mark.parametrize(
    "query", ["token=wrong", "token=", f"token={TRAINEE}&token=wrong", "token=%00%ff", "token=%0Ax"]
)
def test_a_link_with_a_wrong_token_opens_nothing(query: str) -> None:
    """Even for who has a right one in a cookie, or where everybody may look."""

    async def work() -> None:
        async with served(tokens=TOKENS, open_paths=["/role"]) as it:
            response = await it.client.get(f"/role?{query}", headers=bearer(TRAINEE))
            assert response.status_code == 401
            assert "set-cookie" not in response.headers
            assert len(it.log) == 1

    run(work())


def test_a_token_in_a_link_counts_for_nothing_else() -> None:
    """Not for what changes something, and not for a WebSocket: addresses end in logs."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            url = f"/api/doses?token={INSTRUCTOR}"
            assert (await it.client.post(url, json={"percent": 1})).status_code == 401
            assert (await it.client.head(f"/role?token={INSTRUCTOR}")).status_code == 401
            with pytest.raises(InvalidStatus):
                await connect(f"{it.socket_url()}?token={INSTRUCTOR}").__aenter__()

    run(work())


def test_no_token_and_no_control_character_is_ever_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line for each, whatever was sent; the server's own log, all of it, has nothing."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            nearly = INSTRUCTOR[:-1]
            at = it.server.address
            for path in (
                f"/?token={nearly}",
                f"/a%0a%0d%1b[31m%00%e2%80%ae?token={nearly}",
                "/" + "x" * 5000,
            ):
                request = (
                    f"GET {path} HTTP/1.1\r\nHost: {it.host}\r\nConnection: close\r\n"
                    f"Authorization: Bearer {nearly}\r\nCookie: pump_token_{at.port}={nearly}\r\n"
                    f"Referer: http://{it.host}/?token={nearly}\r\nUser-Agent: {nearly}\r\n\r\n"
                )
                status, _ = await raw(at, request)
                assert status == 401
            with pytest.raises(InvalidStatus):
                await connect(f"{it.socket_url()}?token={nearly}").__aenter__()
            assert len(it.log) == 4
            assert all(line.isprintable() and len(line) < 300 for line in it.log)
            assert not any(nearly in line or "token=" in line for line in it.log)
            assert r"GET /a\n\r\x1b[31m\x00\u202e: 401" in it.log[1]
            async with connect(
                f"{it.socket_url()}?token={nearly}", additional_headers=bearer(INSTRUCTOR)
            ):
                pass

    with caplog.at_level(logging.DEBUG):
        run(work())
    assert not [each for each in caplog.records if each.name.startswith("uvicorn")]


def test_who_asks_is_who_the_connection_says() -> None:
    """Not whom the request names: a stranger would have others blamed."""

    async def work() -> None:
        async with served(tokens=TOKENS) as it:
            blamed = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9"}
            await it.client.get("/role", headers=blamed)
            assert it.log[0].startswith("127.0.0.1:")

    run(work())


def test_a_browser_is_shown_a_page_that_asks_for_the_token() -> None:
    """It works without script and without style of its own; programs get a problem."""

    async def work() -> None:
        sheet = "/static/shared/base.css"
        notice = "SIMULATOR <never>"
        async with served(tokens=TOKENS, open_paths=[sheet], notice=notice) as it:
            response = await it.client.get("/trainee", headers=PAGE)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            assert response.headers["content-type"] == "text/html; charset=utf-8"
            assert "SIMULATOR &lt;never&gt;" in response.text
            assert f'href="{sheet}"' in response.text
            assert "A token is needed" in response.text
            wrong = await it.client.get("/?token=wrong", headers=PAGE)
            assert "The token is wrong" in wrong.text
            for inline in ("style=", "<style", "<script", " on"):
                assert inline not in response.text.replace(" once", "")
        async with served(tokens=TOKENS) as it:
            assert sheet not in (await it.client.get("/trainee", headers=PAGE)).text

    run(work())


def test_open_paths_need_no_token_and_give_no_role() -> None:
    """Whole paths, or what begins with one that ends with a slash; nothing else."""

    async def work() -> None:
        async with served(tokens=TOKENS, open_paths=["/role", "/static/"]) as it:
            assert (await it.client.get("/role")).json() == {"role": None}
            assert (await it.client.get("/role", headers=bearer(TRAINEE))).json() == {
                "role": "trainee"
            }
            assert (await it.client.get("/static/nothing")).status_code == 404
            for path in ("/role/", "/rolex", "/static", "/api/doses", "/staticx/"):
                assert (await it.client.get(path)).status_code == 401

    run(work())


def test_what_is_no_request_is_handed_on() -> None:
    """A server that starts and ends its application may do so."""
    heard: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        heard.append(scope["type"])

    async def work() -> None:
        gate = Gate(app, address=LOOPBACK, tokens=TOKENS, log=heard.append)
        await gate({"type": "lifespan"}, None, None)  # type: ignore[arg-type]

    run(work())
    assert heard == ["lifespan"]


# --- What is sent, and how much ------------------------------------------------------------------


def test_every_answer_keeps_its_page_to_itself() -> None:
    """Also those of the gate, of a bug, and of nothing at all."""

    async def work() -> None:
        async with served() as it:
            for path in ("/role", "/nothing", "/api/bug"):
                headers = (await it.client.get(path)).headers
                policy = headers["content-security-policy"]
                assert "default-src 'self';" in policy
                assert "script-src 'self';" in policy
                assert "style-src 'self';" in policy
                assert f"connect-src 'self' ws://{it.host} wss://{it.host};" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert headers["x-content-type-options"] == "nosniff"
                assert headers["referrer-policy"] == "no-referrer"
                assert headers["cross-origin-opener-policy"] == "same-origin"
                assert headers["cross-origin-resource-policy"] == "same-origin"
                assert headers["cache-control"] == "no-store"
                assert headers["date"].endswith("GMT")
                assert "server" not in headers
            turned_away = await it.client.get("/", headers={"Host": "evil.example"})
            assert "evil" not in str(turned_away.headers)
            assert "connect-src 'self';" in turned_away.headers["content-security-policy"]

    run(work())


def test_a_policy_of_the_applications_own_stays() -> None:
    """For a page that was made to stand alone."""

    async def work() -> None:
        async with served() as it:
            headers = (await it.client.get("/own-policy")).headers
            assert headers.get_list("content-security-policy") == ["sandbox"]

    run(work())


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
@pytest.mark.parametrize(
    ("size_bytes", "status"), [(0, 200), (5_000, 200), (5_001, 413), (3_000_000, 413)]
)
def test_a_body_may_have_so_much_and_no_more(size_bytes: int, status: int, chunked: bool) -> None:
    """The application never hears of one that is too long, and the connection lives on."""

    async def chunks() -> Any:
        for begin in range(0, size_bytes, 1_000):
            yield b"x" * min(1_000, size_bytes - begin)

    async def work() -> None:
        app = application()
        async with served(app) as it:
            content = chunks() if chunked else b"x" * size_bytes
            response = await it.client.put("/api/body", content=content)
            assert response.status_code == status
            if status == 200:
                assert response.json() == {"bytes": size_bytes}
            else:
                assert response.json()["code"] == "body_too_large"
                assert response.json()["allowed"] == {"maximum_bytes": 5_000}
                assert "5,000 bytes" in response.json()["detail"]
                assert app.state.received_bytes == 0
            assert (await it.client.get("/role")).status_code == 200

    run(work())


def test_the_limit_is_that_of_the_path() -> None:
    """What is much for one is little for another."""

    async def work() -> None:
        async with served() as it:
            assert (await it.client.post("/api/doses", content=b"x" * 1_001)).status_code == 413

    run(work())


def test_who_goes_while_sending_is_nobodys_error(caplog: pytest.LogCaptureFixture) -> None:
    """Half a body comes, and no more: nothing is logged, and others are served."""

    async def work() -> None:
        async with served() as it:
            at = it.server.address
            for kind in ("Content-Length: 100", "Transfer-Encoding: chunked"):
                reader, writer = await asyncio.open_connection(at.host, at.port)
                head = f"PUT /api/body HTTP/1.1\r\nHost: {it.host}\r\n{kind}\r\n\r\n"
                writer.write(head.encode() + b"5\r\nxxxxx\r\n")
                await writer.drain()
                assert (await it.client.get("/role")).status_code == 200
                writer.transport.abort()
                assert (await it.client.get("/role")).status_code == 200
                del reader

    run(work())
    assert caplog.text == ""


@pytest.mark.parametrize("length", ["-1", "1e3", "\u00b2", "9" * 30, ""])
def test_a_length_that_is_none_is_turned_away(length: str) -> None:
    """By whoever reads it first."""

    async def work() -> None:
        async with served() as it:
            request = (
                f"PUT /api/body HTTP/1.1\r\nHost: {it.host}\r\nConnection: close\r\n"
                f"Content-Length: {length}\r\n\r\n"
            )
            status, _ = await raw(it.server.address, request)
            assert status in {400, 413}
            assert isinstance(httpx.codes(status), int)

    run(work())


# --- When something is wrong with us -------------------------------------------------------------


def test_a_log_that_fails_changes_no_answer() -> None:
    """A disk that is full, a stream that was closed."""
    told: list[str] = []

    def log(line: str) -> None:
        told.append(line)
        raise OSError("the disk is full")

    async def work() -> None:
        gate = Gate(application(), address=LOOPBACK, tokens=TOKENS, log=log)
        async with (
            Server(gate, LOOPBACK) as server,
            httpx.AsyncClient(base_url=server.address.url("")) as client,
        ):
            response = await client.get("/role")
            assert (response.status_code, response.json()["code"]) == (401, "no_token")

    run(work())
    assert len(told) == 1


def test_a_bug_of_the_gate_is_answered_with_a_problem(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """That says nothing of it, with the headers of every answer; the log says what it was."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError("what nobody shall read")

    async def work() -> None:
        async with served() as it:
            monkeypatch.setattr(gate_module, "_check_origin", broken)
            response = await it.client.get("/role")
            assert (response.status_code, response.json()["code"]) == (500, "internal_error")
            assert "nobody shall read" not in response.text
            assert response.headers["x-content-type-options"] == "nosniff"

    run(work())
    assert "what nobody shall read" in caplog.text
