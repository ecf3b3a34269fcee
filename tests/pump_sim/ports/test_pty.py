"""A pty port behaves like a serial port that is always there, whatever its clients do."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import subprocess
import sys
import termios

import pytest
import serial

from pump_sim.ports import pty as pty_module
from pump_sim.ports.pty import PtyPort, is_raw, make_raw, unread_bytes

on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells whether a client is there"
)


def sweep(port: PtyPort, *, unread: int = 0) -> None:
    """Run the sweep to its end at once, `unread` bytes having come through the kernel."""
    while unread_bytes(port._replica) < unread:
        select.select([port._replica], [], [], 0.001)
    # The first sees that there was traffic, the second looks.
    for _ in range(2):
        if port._sweeper is not None:
            port._sweeper.cancel()
            port._sweep()


def cooked(descriptor: int) -> None:
    """The settings of a fresh terminal, as `stty sane` leaves them."""
    attributes = termios.tcgetattr(descriptor)
    attributes[0] |= termios.ICRNL | termios.IXON
    attributes[1] |= termios.OPOST
    attributes[3] |= termios.ECHO | termios.ICANON | termios.ISIG
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def test_the_port_is_raw_from_the_first_byte(run, recorder, raw_client) -> None:
    """A client that sets nothing itself gets no echo, no line editing and no translation."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with raw_client(port.address) as client:
            assert is_raw(client.descriptor)
            port.send(b"\x03a\r\nb\x04")
            assert client.read(6) == b"\x03a\r\nb\x04"
            client.write(b"\x03c\r\nd\x04")
            await recorder.until(lambda r: len(r.data) >= 6)
            assert client.read_now() == b""
        await port.close()
        assert bytes(recorder.data) == b"\x03c\r\nd\x04", "an echo would be in here"

    run(work())


def test_clients_that_close_leave_the_port_working_and_idle(run, recorder, raw_client) -> None:
    """The master must not see a hang-up, which would end the port or make it spin."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        poll = select.poll()
        poll.register(port._master, select.POLLIN)
        for number in range(1, 21):
            with raw_client(port.address) as client:
                client.write(b"x")
                await recorder.until(lambda r, n=number: len(r.data) == n)
            assert poll.poll(0) == []
        await port.close()

    run(work())


def test_a_client_that_changes_line_settings_loses_no_byte(run, recorder) -> None:
    """What pyserial does to modem lines at opening is harmless, though a pty has none."""

    async def work() -> None:
        port = recorder.port = PtyPort()
        recorder.answer = bytes
        await port.start(recorder)

        def client() -> bytes:
            got = b""
            link = serial.Serial(timeout=5)
            link.port = port.address
            for baudrate in (300, 9600, 115200, 1_000_000):
                link.dtr = link.rts = baudrate > 9600
                link.open()
                link.baudrate = baudrate * 2
                link.stopbits = serial.STOPBITS_TWO
                link.rtscts = True
                link.send_break(0)
                link.write(b"\xf0\x0d\x0a\x80")
                got += link.read(4)
                link.close()
            return got

        assert await asyncio.to_thread(client) == b"\xf0\x0d\x0a\x80" * 4
        assert bytes(recorder.data) == b"\xf0\x0d\x0a\x80" * 4
        await port.close()

    run(work())


def test_pyserials_exclusive_mode_works_and_keeps_a_second_client_out(run, recorder) -> None:
    """The mark that says "a pump lives here" must not be in the way of a client's own lock."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with (
            serial.serial_for_url(port.address, exclusive=True),
            pytest.raises(serial.SerialException, match="exclusively lock"),
        ):
            serial.serial_for_url(port.address, exclusive=True)
        serial.serial_for_url(port.address, exclusive=True).close()
        await port.close()

    run(work())


@on_linux
def test_what_a_client_left_unread_does_not_greet_the_next(run, recorder, raw_client) -> None:
    async def work() -> None:
        port = recorder.port = PtyPort()
        recorder.answer = lambda data: b"a reply that nobody waited for"
        await port.start(recorder)
        with raw_client(port.address) as client:
            client.write(b"request")
        await recorder.until(lambda r: len(r.data) == 7)
        sweep(port, unread=30)
        with raw_client(port.address) as client:
            assert client.read_now() == b""
            port.send(b"fresh")
            assert client.read(5) == b"fresh"
        assert port.dropped_bytes == len(b"a reply that nobody waited for")
        await port.close()

    run(work())


@on_linux
def test_a_reply_that_comes_long_after_the_request_is_swept_as_well(
    run, recorder, raw_client
) -> None:
    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with raw_client(port.address) as client:
            client.write(b"request")
        await recorder.until(lambda r: len(r.data) == 7)
        sweep(port)
        assert port._sweeper is None
        port.send(b"late reply")
        sweep(port, unread=10)
        assert unread_bytes(port._replica) == 0
        await port.close()

    run(work())


@on_linux
def test_a_full_queue_left_unread_is_cleared_to_the_last_byte(run, recorder, raw_client) -> None:
    """The kernel holds more than the 4 kB it admits to; the rest must not surface later."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        while port.dropped_bytes == 0:
            port.send(b"z" * 1000)
        sweep(port, unread=4095)
        with raw_client(port.address) as client:
            port.send(b"fresh")
            assert client.read(5) == b"fresh"
        await port.close()

    run(work())


@on_linux
def test_a_slow_client_keeps_its_unread_bytes(run, recorder, raw_client) -> None:
    """A developer who stops in a debugger between write and read still gets the reply."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with raw_client(port.address) as client:
            port.send(b"reply")
            sweep(port, unread=5)
            assert port._sweeper is not None, "it must look again, until the client leaves"
            assert client.read(5) == b"reply"
        assert port.dropped_bytes == 0
        await port.close()

    run(work())


@on_linux
def test_settings_that_a_client_leaves_behind_are_undone(run, recorder, raw_client) -> None:
    """Echo would send the pump its own replies; exclusive mode would keep the next one out."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with raw_client(port.address) as client:
            client.write(b"x")
            cooked(client.descriptor)
            fcntl.ioctl(client.descriptor, termios.TIOCEXCL)
            await recorder.until(lambda r: bool(r.data))
            sweep(port)
            assert not is_raw(client.descriptor), "a client that is there has its way"
            assert pty_module._is_exclusive(client.descriptor)
        sweep(port)
        with raw_client(port.address) as client:
            assert is_raw(client.descriptor)
            assert not pty_module._is_exclusive(client.descriptor)
        await port.close()

    run(work())


@on_linux
def test_pyserials_settings_are_undone_too(run, recorder) -> None:
    """It leaves VMIN at 0, which a plain reader (`cat`) takes for the end of the file."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        with serial.serial_for_url(port.address) as link:
            link.write(b"x")
            await recorder.until(lambda r: bool(r.data))
            sweep(port)
            assert not is_raw(port._replica)
        sweep(port)
        assert is_raw(port._replica)
        await port.close()

    run(work())


@on_linux
def test_the_sweep_runs_by_itself_and_then_rests(run, recorder, raw_client, monkeypatch) -> None:
    monkeypatch.setattr(pty_module, "SWEEP_SECONDS", 0.001)

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        swept = asyncio.Event()
        really_sweep = port._sweep

        def tell() -> None:
            really_sweep()
            if port._sweeper is None:
                swept.set()

        monkeypatch.setattr(port, "_sweep", tell)
        with raw_client(port.address) as client:
            client.write(b"x")
            cooked(client.descriptor)
            await recorder.until(lambda r: bool(r.data))
        await swept.wait()
        assert is_raw(port._replica)
        await port.close()

    run(work())


def test_without_traffic_nothing_is_scheduled(run, recorder, raw_client) -> None:
    """Live pumps that nobody talks to cost no CPU."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        raw_client(port.address).close()
        await asyncio.sleep(0)
        assert port._sweeper is None
        await port.close()

    run(work())


def test_the_traffic_of_a_well_behaved_client_ends_in_no_schedule(
    run, recorder, raw_client
) -> None:
    async def work() -> None:
        port = recorder.port = PtyPort()
        recorder.answer = bytes
        await port.start(recorder)
        with raw_client(port.address) as client:
            client.write(b"x")
            await recorder.until(lambda r: bool(r.data))
            assert await asyncio.to_thread(client.read, 1) == b"x"
            assert port._sweeper is not None
            sweep(port)
            assert port._sweeper is None
        await port.close()

    run(work())


def test_sending_to_nobody_neither_blocks_nor_grows(run, recorder) -> None:
    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        chunk = bytes(1000)
        for _ in range(1000):
            port.send(chunk)
        assert port.dropped_bytes > 800_000
        assert unread_bytes(port._replica) <= 65536
        await port.close()

    run(work())


def test_a_refused_write_is_counted_once(run, recorder, raw_client) -> None:
    """Dropped and received bytes add up to what was sent."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        sent = 0
        while port.dropped_bytes == 0:
            port.send(bytes(777))
            sent += 777
        with raw_client(port.address) as client:
            got = client.read(sent - port.dropped_bytes)
            assert len(got) == sent - port.dropped_bytes
            assert client.read_now() == b""
        await port.close()

    run(work())


def test_closing_ends_the_pty_and_every_descriptor(run, recorder, raw_client) -> None:
    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        client = raw_client(port.address)
        master, replica = port._master, port._replica
        assert not os.get_inheritable(master)
        assert not os.get_inheritable(replica)
        client.write(b"x")
        await recorder.until(lambda r: bool(r.data))
        await port.close()
        for descriptor in (master, replica):
            with pytest.raises(OSError, match="Bad file descriptor"):
                os.fstat(descriptor)
        assert os.read(client.descriptor, 1) == b"", "the client sees the end of the line"
        client.close()

    run(work())


def test_a_lost_replica_descriptor_is_replaced(run, recorder, raw_client) -> None:
    """Should we be the ones who let go, the hang-up must not end the port."""

    async def work() -> None:
        port = PtyPort()
        await port.start(recorder)
        os.close(port._replica)
        port._replica = -1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert port._replica >= 0
        with raw_client(port.address) as client:
            client.write(b"still here")
            await recorder.until(lambda r: bytes(r.data) == b"still here")
        await port.close()

    run(work())


def test_a_terminal_program_that_comes_and_goes_does_not_disturb(run, recorder) -> None:
    """pyserial's miniterm opens, sets lines, types, and leaves; a client then talks as before."""
    console, console_replica = os.openpty()
    make_raw(console_replica)

    async def work() -> None:
        port = recorder.port = PtyPort()
        recorder.answer = bytes
        await port.start(recorder)
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "serial.tools.miniterm", "--raw", port.address, "9600"),
            stdin=console_replica,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        os.write(console, b"hello")
        await recorder.until(lambda r: bytes(r.data) == b"hello")
        os.write(console, b"\x1d")  # Ctrl-]
        await program.communicate()
        assert program.returncode == 0

        def client() -> bytes:
            with serial.serial_for_url(port.address, timeout=5) as link:
                link.write(b"after")
                return link.read(5)

        assert await asyncio.to_thread(client) == b"after"
        await port.close()

    try:
        run(work())
    finally:
        os.close(console)
        os.close(console_replica)
