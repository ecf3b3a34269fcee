"""A port works in a program that has very many files open: numbers above 1,023 are good too."""

import os
import resource
import socket
import tty
from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic

import pytest

from pump_programmer.errors import NoAnswerError, PumpGone
from pump_programmer.patience import Patience
from pump_programmer.transport import open_transport

FD_SETSIZE = 1_024
"""How many descriptors `select` knows, whatever the process may open."""


@pytest.fixture
def many_files() -> Iterator[None]:
    """Every descriptor that `select` knows is in use. Ask for the pump first: it needs some."""
    needed = FD_SETSIZE + 64
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] != resource.RLIM_INFINITY and limits[1] < needed:
        pytest.skip(f"the system allows only {limits[1]} open files")
    with ExitStack() as opened:
        if limits[0] != resource.RLIM_INFINITY and limits[0] < needed:
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, limits[1]))
            opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        descriptor = -1
        while descriptor < FD_SETSIZE:
            descriptor = os.open(os.devnull, os.O_RDONLY)
            opened.callback(os.close, descriptor)
        yield


def test_a_device_with_a_high_number_serves_a_conversation(pump, many_files, connect):
    with connect(pump.address) as programmer:
        assert programmer.interrogate() == pump.status()
        pump.mangle = lambda data: [None]
        with pytest.raises(PumpGone):
            programmer.interrogate()


def test_a_tcp_port_with_a_high_number_moves_bytes_both_ways(many_files):
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = open_transport(f"socket://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        try:
            assert connection.fileno() >= FD_SETSIZE
            connection.sendall(b"answer")
            assert transport.read(30.0) == b"answer"
            transport.write(b"request", 30.0)
            assert connection.recv(64) == b"request"
            connection.close()
            with pytest.raises(PumpGone):
                transport.read(30.0)
        finally:
            transport.close()
            connection.close()


def test_a_full_line_with_a_high_number_holds_no_request_up(many_files, connect):
    master, replica = os.openpty()
    try:
        tty.setraw(replica)
        programmer = connect(os.ttyname(replica), patience=Patience(5, attempts=400, deadline_s=20))
        before = monotonic()
        with pytest.raises(NoAnswerError):
            programmer.open()
        assert monotonic() - before < 4
    finally:
        os.close(master)
        os.close(replica)


@pytest.mark.parametrize("timeout_s", [0.0, 0.02])
def test_a_wait_for_bytes_ends_when_its_time_is_up_and_not_before(timeout_s):
    master, replica = os.openpty()
    transport = open_transport(os.ttyname(replica))
    try:
        before = monotonic()
        assert transport.read(timeout_s) == b""
        assert timeout_s <= monotonic() - before < timeout_s + 1
        os.write(master, b"x")
        assert transport.read(30.0) == b"x"
        assert monotonic() - before < 10
    finally:
        transport.close()
        os.close(master)
        os.close(replica)


def test_a_wait_that_is_over_before_it_begins_does_not_last_for_ever():
    """`poll` takes a negative time for no limit at all."""
    master, replica = os.openpty()
    transport = open_transport(os.ttyname(replica))
    try:
        assert transport.read(-1.0) == b""
    finally:
        transport.close()
        os.close(master)
        os.close(replica)
