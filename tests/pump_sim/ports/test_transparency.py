"""Every port carries every byte value, unchanged, both ways, through the client's own library."""

from __future__ import annotations

import asyncio

import pytest
import serial

from pump_sim.ports import open_port

ALL_BYTES = bytes(range(256))

# pyserial 3.5's RFC 2217 client calls Thread.setDaemon and Thread.setName.
pytestmark = pytest.mark.filterwarnings("ignore:set(Daemon|Name):DeprecationWarning")


SENT = [
    ALL_BYTES,
    ALL_BYTES[::-1],
    b"\xff" * 1000,
    b"\xff\xf0\xff\xfa\x2c\xff\xfb\x00\xff",  # telnet's commands
    b"\r\n\r\x00\n\r" * 100,
    b"\x03\x04\x11\x13\x1a\x1c\x7f\x15" * 100,  # what a terminal acts upon
    ALL_BYTES * 40,
]


@pytest.mark.parametrize("spec", ["pty", "tcp", "rfc2217"])
def test_what_one_side_sends_the_other_receives(spec: str, run, recorder) -> None:
    async def work() -> None:
        port = recorder.port = open_port(spec)
        recorder.answer = bytes
        await port.start(recorder)

        def client() -> list[bytes]:
            with serial.serial_for_url(port.address, timeout=5) as link:
                return [link.read(link.write(data) or 0) for data in SENT]

        try:
            assert await asyncio.to_thread(client) == SENT
            assert bytes(recorder.data) == b"".join(SENT)
            assert port.dropped_bytes == 0
        finally:
            await port.close()

    run(work())


@pytest.mark.parametrize("spec", ["pty", "tcp", "rfc2217"])
def test_a_client_may_come_back_any_number_of_times(spec: str, run, recorder) -> None:
    async def work() -> None:
        port = recorder.port = open_port(spec)
        recorder.answer = bytes
        await port.start(recorder)

        def visit(number: int) -> bytes:
            with serial.serial_for_url(port.address, timeout=5) as link:
                link.write(b"visit %d" % number)
                return link.read(len(b"visit %d" % number))

        try:
            for number in range(3):
                assert await asyncio.to_thread(visit, number) == b"visit %d" % number
        finally:
            await port.close()

    run(work())
