"""A stable name is taken only from the dead, and given back only if it is still ours."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from pathlib import Path

import pytest

from pump_sim.ports import PortBusyError, PortError, open_port
from pump_sim.ports.link import StableLink, is_live, mark_live
from pump_sim.ports.pty import PtyPort

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux marks a live pump's pty")


def open_descriptors() -> list[Path]:
    return sorted(Path("/dev/fd").iterdir())


def test_the_link_is_the_address_and_leads_to_the_device(
    run, recorder, raw_client, tmp_path
) -> None:
    link = tmp_path / "pump"

    async def work() -> None:
        port = open_port(f"pty:{link}")
        await port.start(recorder)
        assert port.address == str(link)
        with raw_client(port.address) as client:
            client.write(b"x")
            await recorder.until(lambda r: bool(r.data))
        await port.close()
        assert not link.is_symlink()

    run(work())


def test_the_address_is_absolute_wherever_the_pump_was_started(
    run, recorder, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()

    async def work() -> None:
        for given, expected in (("pump", "pump"), ("~/pump", "home/pump")):
            port = PtyPort(given)
            await port.start(recorder)
            assert port.address == str(tmp_path / expected)
            assert (tmp_path / expected).is_symlink()
            await port.close()

    run(work())


def test_a_dangling_link_is_replaced(run, recorder, tmp_path) -> None:
    link = tmp_path / "pump"
    link.symlink_to(tmp_path / "gone")

    async def work() -> None:
        port = PtyPort(str(link))
        await port.start(recorder)
        assert link.exists()
        assert list(tmp_path.iterdir()) == [link], "no temporary name is left over"
        await port.close()

    run(work())


@on_linux
def test_the_link_of_a_killed_pump_is_replaced_though_its_number_is_in_use(
    run, recorder, tmp_path
) -> None:
    """Another program may have the pty number that the killed pump had."""
    master, replica = os.openpty()
    link = tmp_path / "pump"
    link.symlink_to(os.ttyname(replica))

    async def work() -> None:
        port = PtyPort(str(link))
        await port.start(recorder)
        assert str(link.readlink()) != os.ttyname(replica)
        await port.close()

    try:
        run(work())
    finally:
        os.close(master)
        os.close(replica)


def test_a_killed_pumps_number_may_be_our_own(tmp_path) -> None:
    """The lowest free number is given out again: the old link may lead to the new pty."""
    master, replica = os.openpty()
    path = os.ttyname(replica)
    mark_live(replica)
    link = tmp_path / "pump"
    link.symlink_to(path)
    try:
        ours = StableLink(str(link))
        ours.claim(path)
        assert str(link.readlink()) == path
        ours.release()
        assert not link.is_symlink()
    finally:
        os.close(replica)
        os.close(master)


def test_a_live_pumps_link_is_refused_and_stays(run, recorder, tmp_path) -> None:
    link = tmp_path / "pump"

    async def work() -> None:
        first = PtyPort(str(link))
        await first.start(recorder)
        leads_to = link.readlink()
        second = PtyPort(str(link))
        with pytest.raises(PortBusyError, match="a running pump has") as caught:
            await second.start(recorder)
        assert str(link) in str(caught.value)
        await second.close()
        assert link.readlink() == leads_to
        await first.close()

    run(work())


@on_linux
def test_a_live_pump_is_still_known_as_live_after_a_sweep(run, recorder, tmp_path) -> None:
    """The sweep reopens the descriptor that carries the mark."""
    link = tmp_path / "pump"

    async def work() -> None:
        port = PtyPort(str(link))
        await port.start(recorder)
        port.send(b"unread")
        assert select.select([port._replica], [], [], 5)[0]
        port._sweep()
        port._sweep()
        assert port.dropped_bytes == 6, "it has looked, and found nobody"
        assert is_live(str(link.readlink()))
        await port.close()

    run(work())


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_file_or_folder_of_that_name_is_refused_and_stays(
    run, recorder, tmp_path, kind: str
) -> None:
    path = tmp_path / "pump"
    if kind == "file":
        path.write_text("mine")
    else:
        path.mkdir()

    async def work() -> None:
        port = PtyPort(str(path))
        with pytest.raises(PortError, match="file or folder of that name"):
            await port.start(recorder)
        await port.close()
        assert path.is_dir() if kind == "folder" else path.read_text() == "mine"

    run(work())


def test_a_link_to_something_else_is_refused_and_stays(run, recorder, tmp_path) -> None:
    """Somebody's link to a real serial port, for instance."""
    link = tmp_path / "pump"
    (tmp_path / "device").touch()
    link.symlink_to(tmp_path / "device")

    async def work() -> None:
        port = PtyPort(str(link))
        with pytest.raises(PortError, match="no pump's port"):
            await port.start(recorder)
        await port.close()
        assert link.readlink() == tmp_path / "device"

    run(work())


def test_a_folder_that_is_missing_is_named(run, recorder, tmp_path) -> None:
    async def work() -> None:
        port = PtyPort(str(tmp_path / "nowhere" / "pump"))
        with pytest.raises(PortError, match=r"nowhere/pump.*No such file or directory"):
            await port.start(recorder)
        await port.close()

    run(work())


def test_a_refused_start_leaves_no_descriptor_open(run, recorder, tmp_path) -> None:
    (tmp_path / "pump").mkdir()

    async def work() -> None:
        before = open_descriptors()
        port = PtyPort(str(tmp_path / "pump"))
        with pytest.raises(PortError):
            await port.start(recorder)
        assert open_descriptors() == before

    run(work())


@pytest.mark.parametrize("now", ["another link", "a file", "nothing"])
def test_on_close_what_replaced_the_link_is_left_alone(run, recorder, tmp_path, now: str) -> None:
    link = tmp_path / "pump"

    async def work() -> None:
        port = PtyPort(str(link))
        await port.start(recorder)
        link.unlink()
        if now == "another link":
            link.symlink_to("elsewhere")
        elif now == "a file":
            link.write_text("mine")
        await port.close()
        if now == "another link":
            assert str(link.readlink()) == "elsewhere"
        elif now == "a file":
            assert link.read_text() == "mine"
        else:
            assert not link.exists()

    run(work())


@on_linux
def test_the_mark_ends_with_the_descriptor() -> None:
    """So a pump that was killed leaves none, however it was killed."""
    master, replica = os.openpty()
    try:
        path = os.ttyname(replica)
        assert not is_live(path)
        marked = os.open(path, os.O_RDWR | os.O_NOCTTY)
        mark_live(marked)
        assert is_live(path)
        os.close(marked)
        assert not is_live(path)
    finally:
        os.close(master)
        os.close(replica)


def test_two_pumps_that_start_at_once_get_one_link_between_them(run, recorder, tmp_path) -> None:
    link = tmp_path / "pump"

    async def work() -> None:
        ports = [PtyPort(str(link)) for _ in range(2)]
        results = await asyncio.gather(
            *(port.start(recorder) for port in ports), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["NoneType", "PortBusyError"]
        for port in ports:
            await port.close()

    run(work())
