"""Files with secrets: for their owner alone, whole, and never in the place of something else."""

import errno
import os
import stat
from pathlib import Path
from random import Random

import pytest

from pump_protocol.codes import UserRole
from pump_protocol.events import Event, HandshakeAnswered, LinkAuthenticated
from pump_protocol.handshake import LinkSecrets
from pump_protocol.keys import Key
from pump_sim import key_files
from pump_sim.endpoint import PumpEndpoint
from pump_sim.key_files import KeyLog, check_key_file, write_key_file
from pump_sim.options import OptionError
from pump_sim.simulation import Simulation
from tests.pump_sim.virtual import implanted

KEYS = [Key.new(UserRole.CLINICIAN, Random(seed).randbytes) for seed in range(2)]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def told(number: int) -> HandshakeAnswered:
    """That a link has keys."""
    random_bytes = Random(number).randbytes
    secrets = LinkSecrets(random_bytes(32), random_bytes(32))
    return HandshakeAnswered(number, 5, UserRole.CLINICIAN, secrets)


def heard_by(key_log: KeyLog, *events: Event) -> None:
    """Let a pump's end of a link tell *events*."""
    endpoint = PumpEndpoint(Simulation(implanted()))
    key_log.listen_to(endpoint)
    (listener,) = endpoint._listeners
    for event in events:
        listener(event, 0)


# --- A key ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [None, "", f"{KEYS[1].to_text()}\n", KEYS[1].to_text()])
@pytest.mark.parametrize("open_to", [0o600, 0o644])
def test_key_is_written_where_there_is_none_or_another(
    tmp_path: Path, before: str | None, open_to: int
) -> None:
    """Whatever others could read of it before, they cannot now; nothing else is left behind."""
    path = tmp_path / "pump.key"
    if before is not None:
        path.write_text(before)
        path.chmod(open_to)
    write_key_file(path, KEYS[0])
    assert Key.from_text(path.read_text()) == KEYS[0]
    assert mode(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_key_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    path, link = tmp_path / "pump.key", tmp_path / "link"
    link.symlink_to(path)
    write_key_file(link, KEYS[0])
    assert link.is_symlink()
    assert Key.from_text(path.read_text()) == KEYS[0]


CONTENTS = ["my thesis\n", "x" * 10_000, "clinician-12", "\x00\xff", KEYS[0].to_text() * 2]


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_no_key_is_not_overwritten(tmp_path: Path, content: str) -> None:
    """And not shown: it may be a secret of another kind."""
    path = tmp_path / "file"
    path.write_text(content, "latin-1")
    for act in (lambda: check_key_file(path), lambda: write_key_file(path, KEYS[0])):
        with pytest.raises(OptionError, match="holds something that is no key") as caught:
            act()
        assert content not in str(caught.value)
    assert path.read_text("latin-1") == content


def test_key_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the option, the file and the reason; what was there is there."""
    with pytest.raises(OptionError, match=r"--key-file = .*: it cannot be written: No such file"):
        write_key_file(tmp_path / "no" / "pump.key", KEYS[0])
    with pytest.raises(OptionError, match="no ordinary file"):
        write_key_file(Path("/dev/null"), KEYS[0])
    path = tmp_path / "pump.key"
    write_key_file(path, KEYS[0])

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OptionError, match="No space left"):
        write_key_file(path, KEYS[1])
    assert Key.from_text(path.read_text()) == KEYS[0]
    assert list(tmp_path.iterdir()) == [path]


# --- The keys of links ---------------------------------------------------------------------------


def test_key_log_has_a_line_for_each_link(tmp_path: Path) -> None:
    """Its id and both keys, that to the pump first; a repeated handshake is none. The next run
    goes on behind it."""
    path = tmp_path / "links"
    path.touch(0o644)
    for numbers in ((1, 1, 2), (3,)):
        key_log = KeyLog(path)
        others = LinkAuthenticated(9, 5, UserRole.CLINICIAN)
        heard_by(key_log, others, *map(told, numbers))
        key_log.close()
        key_log.close()
    assert path.read_text("ascii").splitlines() == [
        f"{each.link_id:016x} {each.secrets.to_pump.hex()} {each.secrets.to_programmer.hex()}"
        for each in map(told, (1, 2, 3))
    ]
    assert mode(path) == 0o600


@pytest.mark.parametrize("content", CONTENTS)
def test_key_log_is_not_written_behind_something_else(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file"
    path.write_text(content, "latin-1")
    with pytest.raises(OptionError, match=r"--key-log = .*: the file holds something else"):
        KeyLog(path)
    assert path.read_text("latin-1") == content


def test_full_disk_costs_the_key_log_its_lines_and_the_pump_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is said once, on standard error."""
    path = tmp_path / "links"
    key_log = KeyLog(path)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(key_files.os, "write", full)
    heard_by(key_log, told(1), told(2))
    said = capsys.readouterr().err
    assert said == f"pump-sim: --key-log = {path}: it cannot be written: No space left on device\n"
