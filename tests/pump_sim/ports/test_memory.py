"""The memory port delivers at once, in order, without an event loop."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.ports import PortError
from pump_sim.ports.memory import MemoryPort


class Echo:
    """A listener that sends back what it gets."""

    def __init__(self, port: MemoryPort) -> None:
        self.port = port
        self.data = bytearray()
        self.events: list[str] = []

    def connected(self) -> None:
        self.events.append("connected")

    def received(self, data: bytes) -> None:
        self.data += data
        self.port.send(data)

    def disconnected(self) -> None:
        self.events.append("disconnected")


def opened() -> tuple[MemoryPort, Echo]:
    port = MemoryPort()
    echo = Echo(port)
    port.open(echo)
    return port, echo


@given(st.lists(st.binary(max_size=300)))
def test_any_split_of_the_stream_arrives_as_the_same_stream(chunks: list[bytes]) -> None:
    port, echo = opened()
    for chunk in chunks:
        port.peer.send(chunk)
    assert bytes(echo.data) == b"".join(chunks)
    assert port.peer.take() == b"".join(chunks)
    assert port.peer.take() == b""


def test_an_answer_is_there_when_send_returns() -> None:
    port, _ = opened()
    port.peer.send(b"request")
    assert port.peer.received == b"request"


def test_two_sides_that_answer_each_other_do_not_exhaust_the_stack() -> None:
    port, echo = opened()
    rounds = 0

    def again(data: bytes) -> None:
        nonlocal rounds
        rounds += 1
        if rounds < 5000:
            port.peer.send(data)

    port.peer.on_received = again
    port.peer.send(b".")
    assert rounds == 5000
    assert len(echo.data) == 5000


def test_what_is_sent_without_a_peer_is_dropped_and_counted() -> None:
    port, echo = opened()
    port.peer.disconnect()
    port.send(b"nobody")
    port.peer.connect()
    port.send(b"somebody")
    assert port.peer.take() == b"somebody"
    assert port.dropped_bytes == 6
    assert echo.events == ["connected", "disconnected", "connected"]


def test_connecting_twice_and_leaving_twice_are_told_once() -> None:
    port, echo = opened()
    port.peer.connect()
    port.peer.disconnect()
    port.peer.disconnect()
    assert echo.events == ["connected", "disconnected"]


def test_a_peer_that_is_not_connected_cannot_send() -> None:
    port, _ = opened()
    port.peer.disconnect()
    with pytest.raises(PortError, match="not connected"):
        port.peer.send(b"x")


def test_a_peer_cannot_connect_before_the_port_is_open() -> None:
    with pytest.raises(PortError, match="not started"):
        MemoryPort().peer.connect()


def test_closing_the_port_disconnects_the_peer() -> None:
    port, echo = opened()
    port.shut()
    assert not port.peer.is_connected
    assert echo.events == ["connected", "disconnected"]


def test_a_listener_that_raised_is_called_again_for_the_next_bytes() -> None:
    """A test that expects its listener to raise must not find a dead port afterwards."""

    class Failing(Echo):
        def received(self, data: bytes) -> None:
            raise ZeroDivisionError

    port = MemoryPort()
    port.open(Failing(port))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            port.peer.send(b"x")
