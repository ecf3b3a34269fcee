"""What a run finds in its state file, and what it does with each."""

import json
import os
import re
import shutil
import sqlite3
import stat
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.session import Role, Session
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.model.hardware.reservoir import FINE_UNITS_PER_NL
from pump_sim.model.prescription import Mode
from pump_sim.model.pump import Pump
from pump_sim.model.state import PumpState
from pump_sim.model.units import UNITS_PER_NL
from pump_sim.simulation import Simulation
from pump_sim.soundness import check_state
from pump_sim.store.disk import LARGEST
from pump_sim.store.errors import StoreFailed, StoreRefused
from pump_sim.store.file import VERSION, Content, StateFile, digest
from pump_sim.store.opening import Origin
from pump_sim.store.parts import PRESENT, Shelf, parts
from pump_sim.store.rescue import rescued
from tests.pump_sim.store.kept import NOW_MS, SUFFIXES, KeptPump, kill, opened, running
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, PROGRAMMER, implanted

NUMBER = 7
"""Of the orders that the pump of these tests has had."""


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    return tmp_path / "pump.db"


def lived(file: Path) -> KeptPump:
    """A pump that has been ordered seven boluses, and has a note."""
    pump = opened(file)
    for number in range(1, NUMBER + 1):
        assert isinstance(pump.order(number), m.BolusOrdered)
        pump.wait_therapy(600_000)
    pump.ask(m.WriteNote("hello"))
    return pump


def change(file: Path, statement: str) -> None:
    """What somebody with an SQLite tool does to a file."""
    connection = sqlite3.connect(file)
    with connection:
        connection.execute(statement)
    connection.close()


def put_seal(connection: sqlite3.Connection, text: str) -> None:
    """Have the seal say something else, with a check that holds."""
    connection.execute(
        "UPDATE part SET content = ?, digest = ? WHERE name = 'seal'",
        (text, digest("seal", text).to_bytes(32)),
    )


def assert_in_safe_state(pump: KeptPump) -> None:
    """As REQ-21 wants it: minimum rate of no known drug, and a critical alarm."""
    firmware = pump.pump.firmware
    assert firmware.alarms.is_active(Alarm.CRITICAL_MEMORY_ERROR)
    assert firmware.programming.safe
    assert (firmware.prescription.mode, firmware.prescription.drugs) == (Mode.MINIMUM_RATE, ())
    check_state(pump.pump.state())


# --- A file that is good -------------------------------------------------------------------------


def test_clean_end_loses_nothing_and_adds_nothing(file: Path) -> None:
    """The pump goes on exactly where it was, to the millisecond."""
    pump = lived(file)
    pump.wait_link(1_234)
    pump.end()
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    with running(file) as again:
        assert again.opened.origin is Origin.FILE
        assert again.pump.firmware.state().log == pump.pump.firmware.log
        assert again.pump.at_ms == pump.pump.at_ms
        assert again.pump.truth() == pump.pump.truth()


def test_what_was_acknowledged_is_there_after_a_kill(file: Path, tmp_path: Path) -> None:
    """At whatever moment: the answer to an order is a promise."""
    pump = lived(file)
    for number in range(NUMBER + 1, NUMBER + 6):
        answer = pump.order(number)
        left = kill(file, tmp_path / f"{number}.db")
        with running(left) as again:
            # The retry of a programmer that never heard it: answered from memory.
            assert again.order(number) == answer
            started = [each.b for each in again.pump.firmware.log.entries if each.a == 25_000]
            assert started.count(number) <= 2  # began, and perhaps was completed
        pump.wait_therapy(600_000)
    pump.end()


def test_time_never_goes_back_behind_what_was_told(file: Path, tmp_path: Path) -> None:
    """A reading tells what time it is; after a kill the pump goes on from there or later, and no
    later than the horizon."""
    pump = opened(file, speed=Fraction(1_000))
    for wait_ms in (1, 700, 9_000, 12_000, 3):
        pump.wait_link(wait_ms)
        told_ms = pump.status().at_ms
        with running(kill(file, tmp_path / "killed.db")) as again:
            assert told_ms <= again.pump.at_ms <= told_ms + 10_000 * 1_000
    pump.end()


def test_reading_costs_a_write_in_ten_seconds(file: Path) -> None:
    """A programmer that polls does not wear out a disk."""
    pump = lived(file)
    written = pump.opened.keeper._writer.touch
    for _ in range(60):
        pump.wait_link(1_000)
        pump.status()
    assert pump.opened.keeper._writer.touch - written <= 7
    pump.end()


@pytest.mark.parametrize("resume", ["go-on", "catch-up", "stay"])
def test_resuming_says_what_became_of_the_time_between(file: Path, resume: str) -> None:
    """Three hours in which there was no process, at twice real time."""
    pump = opened(file, speed=Fraction(2))
    pump.wait_link(60_000)
    ended_ms = pump.status().at_ms
    pump.end()
    again = opened(file, resume=resume, wall_ms=NOW_MS + 3 * HOUR_MS)
    passed_ms = 6 * HOUR_MS if resume == "catch-up" else 0
    assert again.pump.at_ms == ended_ms + passed_ms
    again.end()


def test_what_happens_meanwhile_happens_when_caught_up(file: Path) -> None:
    """At 0.4 mL/day the low-reservoir alarm of day 45 is raised on day 45, not on day 50."""
    pump = opened(file)
    pump.end()
    again = opened(file, resume="catch-up", wall_ms=NOW_MS + 50 * DAY_MS)
    records = [(each.event.name, each.at_ms) for each in again.pump.firmware.log.entries]
    assert ("ALARM_RAISED", 45 * DAY_MS) in records
    assert again.opened.notes == ("caught up: 50 d",)
    again.end()


def test_wall_clock_that_went_back_is_no_time(file: Path) -> None:
    """With a word about it, and never a negative time."""
    pump = lived(file)
    ended_ms = pump.pump.at_ms
    pump.end()
    again = opened(file, resume="catch-up", wall_ms=NOW_MS - HOUR_MS)
    assert again.pump.at_ms == ended_ms
    assert "1 h behind" in again.opened.notes[0]
    again.end()


def test_wall_clock_that_is_far_ahead_is_limited(file: Path) -> None:
    """A computer whose clock says 2200 does not kill a pump's battery twice over."""
    pump = opened(file)
    pump.end()
    again = opened(file, resume="catch-up", wall_ms=NOW_MS + 200 * 366 * DAY_MS)
    assert again.pump.at_ms == 3_660 * DAY_MS
    assert "only 3660 d" in again.opened.notes[0]
    again.end()


def test_keys_and_the_lock_survive(file: Path, tmp_path: Path) -> None:
    """Keys are the same after a restart; whoever was locked out still is."""
    pump = opened(file, authenticated=True)
    assert pump.opened.new_keys
    guard = pump.endpoint.guard
    assert guard is not None
    keys = guard.keys
    guard._failures, guard._locked_until_ms = 9, pump.link_ms + 8_000
    pump.opened.keeper.keep(pump.endpoint, pump.link_ms * 1_000_000)
    with running(kill(file, tmp_path / "killed.db"), authenticated=True) as again:
        assert not again.opened.new_keys
        assert again.opened.guard is not None
        assert {key.role: key for key in again.opened.guard.keys} == keys
        assert (again.opened.guard.failures, again.opened.guard.locked_for_ms) == (9, 8_000)
    pump.end()


def test_pump_without_keys_stays_one(file: Path) -> None:
    """What a run says of security is of a new pump only."""
    opened(file).end()
    with running(file, authenticated=True) as again:
        assert again.endpoint.guard is None


def test_file_is_its_owners_alone(file: Path, tmp_path: Path) -> None:
    """There are keys in it: mode 0600 from the first byte, and again if it was wider."""
    before = os.umask(0)
    try:
        pump = lived(file)
        left = kill(file, tmp_path / "killed.db")
        assert {stat.S_IMODE(each.stat().st_mode) for each in _files(file)} == {0o600}
        for each in _files(left):
            each.chmod(0o666)
        with running(left):
            assert {stat.S_IMODE(each.stat().st_mode) for each in _files(left)} == {0o600}
        pump.end()
    finally:
        os.umask(before)


def _files(file: Path) -> list[Path]:
    beside = [file.with_name(file.name + suffix) for suffix in SUFFIXES]
    return [each for each in beside if each.exists()]


# --- One copy is damaged -------------------------------------------------------------------------


@pytest.mark.parametrize("copy", ["first", "second"])
def test_damaged_copy_is_mended_from_the_other(file: Path, copy: str) -> None:
    """The same prescription, no pause, and an alarm that tells of it (REQ-21)."""
    pump = lived(file)
    pump.end()
    change(
        file,
        "UPDATE part SET content = replace(content, '800000', '900000')"
        f" WHERE name = 'firmware.memory.{copy}'",
    )
    again = opened(file)
    assert again.opened.origin is Origin.FILE
    assert again.pump.firmware.prescription == pump.pump.firmware.prescription
    assert again.pump.firmware.alarms.is_active(Alarm.MEMORY_ERROR)
    assert not again.pump.firmware.programming.safe
    assert "mended from the other" in again.opened.notes[0]
    again.end()
    with running(file) as third:  # and the file is whole again
        assert third.opened.notes == ()


def test_mended_copy_counts_only_if_it_was_the_only_damage(file: Path) -> None:
    """A file in which anything else is not as it was written is not believed."""
    lived(file).end()
    for name in ("firmware.memory.first", "firmware.service"):
        change(file, f"UPDATE part SET content = content || ' ' WHERE name = '{name}'")
    with running(file) as again:
        assert_in_safe_state(again)


# --- A file that is damaged ----------------------------------------------------------------------

DAMAGES = {
    "both copies": "UPDATE part SET content = replace(content, '800000', '900000')"
    " WHERE name LIKE 'firmware.memory.%'",
    "a part is altered": "UPDATE part SET content = '1' WHERE name = 'firmware.runs_dry'",
    "a part is missing": "DELETE FROM part WHERE name = 'firmware.service'",
    "the present is altered": "UPDATE part SET content = replace(content, ':2', ':3')"
    " WHERE name = 'present'",
    "the present is missing": "DELETE FROM part WHERE name = 'present'",
    "the seal is missing": "DELETE FROM part WHERE name = 'seal'",
    "the seal is altered": "UPDATE part SET content = '{}' WHERE name = 'seal'",
    "a record is altered": "UPDATE element SET content = replace(content, '25000', '25001')"
    " WHERE part = 'firmware.log.entries'",
    "a record is missing": "DELETE FROM element WHERE number ="
    " (SELECT max(number) FROM element WHERE part = 'firmware.log.entries')",
    "orders are missing": "DELETE FROM element WHERE part = 'firmware.orders.last'",
    "the profile is gone": "DELETE FROM part WHERE name = 'profile'",
    "all is gone": "DELETE FROM part",
    "a table is gone": "DROP TABLE element",
    "the header is wrong": "PRAGMA application_id = 7",
    "the version is wrong": "PRAGMA user_version = 7",
    "no text": "UPDATE part SET content = x'ff00' WHERE name = 'serial_number'",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_is_kept_and_the_pump_is_safe(file: Path, damage: str) -> None:
    """Never a guess, never a crash: the pump's own safe state, and a clear message."""
    lived(file).end()
    change(file, DAMAGES[damage])
    found = file.read_bytes()
    again = opened(file)
    assert again.opened.origin is Origin.DAMAGED_FILE
    assert_in_safe_state(again)
    kept = Path(f"{file}.damaged-1")
    assert kept.read_bytes() == found
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert f"{file} is damaged: " in again.opened.notes[0]
    assert str(kept) in again.opened.notes[0]
    again.end()
    with running(file) as third:  # and goes on from there
        assert third.opened.origin is Origin.FILE
        assert_in_safe_state(third)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r",\"sum\":.*}", "}"),
        (r".*", "[]"),
        (r".*", "7"),
        (r"\"touch\":[0-9]+", '"touch":"1"'),
        (r"\"touch\":", '"touches":'),
        (r"\"version\":1", '"version":true'),
        (r"\"horizon_ms\":[0-9]+", '"horizon_ms":1000000000000000000000'),
        (r"\"speed\":\"1\"", '"speed":"1e99999999"'),
        (r"\"speed\":\"1\"", '"speed":"1/0"'),
        (r"\"store\":\"[0-9a-f]*\"", '"store":null'),
        (r"\"sum\":\"", '"sum":"x'),
    ],
)
def test_seal_that_makes_no_sense_is_damage(file: Path, old: str, new: str) -> None:
    """Though its check holds, as somebody's program may have written it."""
    lived(file).end()
    connection = sqlite3.connect(file)
    (seal,) = connection.execute("SELECT content FROM part WHERE name = 'seal'").fetchone()
    changed = re.sub(old, new, seal, count=1)
    assert changed != seal
    with connection:
        put_seal(connection, changed)
    connection.close()
    with running(file) as again:
        assert_in_safe_state(again)
        assert "seal" in again.opened.notes[0]
        assert again.pump.firmware.last_order_number(PROGRAMMER) == NUMBER


def test_good_parts_of_a_damaged_file_are_kept(file: Path) -> None:
    """Log, orders, reservoir and time are those of the pump; only its prescription is not."""
    pump = lived(file)
    before = pump.pump.state()
    pump.end()
    change(file, DAMAGES["both copies"])
    again = opened(file)
    state = again.pump.state()
    assert state.hardware.reservoir == before.hardware.reservoir
    assert state.firmware.ledger == before.firmware.ledger
    assert state.firmware.log.entries[: len(before.firmware.log.entries)] == (
        before.firmware.log.entries
    )
    assert again.pump.firmware.last_order_number(NUMBER) == NUMBER
    assert again.pump.firmware.read_note() == "hello"
    again.end()


def test_time_does_not_go_back_by_damage(file: Path, tmp_path: Path) -> None:
    """Whoever was told what time it is, is not told an earlier one."""
    pump = opened(file, speed=Fraction(1_000))
    pump.wait_link(9_000)
    told_ms = pump.status().at_ms
    left = kill(file, tmp_path / "killed.db")
    pump.end()
    change(left, DAMAGES["a part is missing"])
    Path(f"{left}-mark").unlink()
    with running(left) as again:
        assert_in_safe_state(again)
        assert again.pump.at_ms >= told_ms


def test_ledger_tells_what_is_left_where_the_truth_is_lost(file: Path) -> None:
    """A pump that knows no better believes its ledger, and the simulated reservoir holds that."""
    pump = lived(file)
    ledger = pump.pump.firmware.ledger
    pump.end()
    change(file, "DELETE FROM part WHERE name = 'hardware.battery'")
    with running(file) as again:
        assert_in_safe_state(again)
        assert again.pump.firmware.ledger == ledger
        left = again.pump.state().hardware.reservoir.left
        assert left // FINE_UNITS_PER_NL == ledger.left_units // UNITS_PER_NL


def test_good_keys_of_a_damaged_file_are_kept(file: Path) -> None:
    """A key that was lost is made anew, and that is said; the other three are as they were."""
    pump = opened(file, authenticated=True)
    assert pump.opened.guard is not None
    keys = {key.role: key for key in pump.opened.guard.keys}
    pump.end()
    change(file, "UPDATE part SET content = '\"x\"' WHERE name = 'key.patient'")
    again = opened(file, authenticated=True)
    assert again.opened.guard is not None
    now = {key.role: key for key in again.opened.guard.keys}
    assert [role for role in UserRole if now[role] != keys[role]] == [UserRole.PATIENT]
    assert again.opened.new_keys
    assert again.opened.notes[-1].endswith("new: patient")
    assert_in_safe_state(again)
    again.end()


def test_pump_with_keys_never_becomes_one_without(file: Path) -> None:
    """Whatever is damaged: security is not what a pump falls back from."""
    opened(file, authenticated=True).end()
    change(file, "UPDATE part SET content = 'null' WHERE name = 'guard'")
    with running(file, authenticated=True) as again:
        assert again.endpoint.guard is not None


@pytest.mark.parametrize("content", [b"hello", b"SQLite format 3\x00", bytes(5_000)])
def test_file_that_is_no_database_is_kept_under_another_name(file: Path, content: bytes) -> None:
    """It may have been one."""
    file.write_bytes(content)
    with running(file) as pump:
        assert_in_safe_state(pump)
    assert Path(f"{file}.damaged-1").read_bytes() == content
    file.write_bytes(content)
    with running(file):
        assert Path(f"{file}.damaged-2").exists()


def test_lost_end_of_the_log_is_noticed(file: Path, tmp_path: Path) -> None:
    """SQLite drops what is damaged in its write-ahead log, and says nothing: the mark does."""
    pump = lived(file)
    left = kill(file, tmp_path / "killed.db")
    log = Path(f"{left}-wal")
    log.write_bytes(log.read_bytes()[:-5_000])
    with running(left) as again:
        assert "its last 1 writes are missing" in again.opened.notes[0]
        assert_in_safe_state(again)
    assert Path(f"{left}.damaged-1-wal").exists()
    pump.end()


def test_old_row_among_new_ones_is_noticed(file: Path, tmp_path: Path) -> None:
    """Each row is as it was written, but not all at the same time."""
    pump = lived(file)
    with running(kill(file, tmp_path / "old.db")):
        pass
    pump.order(NUMBER + 1)
    pump.end()
    change(file, f"ATTACH '{tmp_path / 'old.db'}' AS old")  # opens, to be sure that it can be
    connection = sqlite3.connect(file)
    connection.execute(f"ATTACH '{tmp_path / 'old.db'}' AS old")
    with connection:
        connection.execute("REPLACE INTO part SELECT * FROM old.part WHERE name = 'present'")
    connection.close()
    with running(file) as again:
        assert "older than others" in again.opened.notes[0]
        assert_in_safe_state(again)


def test_nothing_left_is_still_a_pump() -> None:
    """In its safe state, at whatever time."""
    for at_ms in (0, 5, 10**10):
        pump = rescued(Content(), implanted().state(), at_ms)
        assert pump.firmware.programming.safe
        check_state(pump.state())


ABSURD = (
    ("at_ms", 10**17),
    ("at_ms", -5),
    ("serial_number", "x" * 100),
    ("firmware.last_refill_at_ms", 10**17),
    ("firmware.clock_offset_ms", 10**17),
    ("firmware.clock_offset_ms", -(10**17)),
    ("firmware.log.next_sequence", 1),
    ("hardware.oscillator", {"drift_ppm": 0, "therapy_origin_ms": 0, "pump_origin_ms": 10**16}),
)


@pytest.mark.parametrize(("path", "value"), ABSURD)
def test_parts_that_no_pump_can_have_are_left_out(path: str, value: object) -> None:
    """Though their checks hold: there is a pump in its safe state, and no traceback."""
    content = content_of(aged().state())
    if path in (present := json.loads(content.parts[PRESENT])):
        content.parts[PRESENT] = json.dumps(present | {path: value})
    else:
        content.parts[path] = json.dumps(value)
    pump = rescued(content, implanted().state(), 0)
    assert pump.firmware.programming.safe
    check_state(pump.state())


def test_parts_of_different_times_still_make_a_pump() -> None:
    """One row of an old file in a newer one, or of a newer one in an old file."""
    young, old = content_of(implanted().state()), content_of(aged().state())
    differing = [name for name in old.parts if old.parts[name] != young.parts.get(name)]
    assert PRESENT in differing
    for base, other in ((old, young), (young, old)):
        for name in differing:
            mixed = replace(base, parts=base.parts | {name: other.parts[name]})
            check_state(rescued(mixed, implanted().state(), 0).state())


def aged() -> Pump:
    """A pump after forty days."""
    pump = implanted()
    Simulation(pump).advance(40 * DAY_MS)
    return pump


def content_of(state: PumpState) -> Content:
    """What a file of that pump has."""
    changes = Shelf().changes(state)
    elements: dict[str, list[str]] = {part.path: [] for part in parts() if part.growing}
    for _, part, text in changes.put_elements:
        elements[part].append(text)
    return Content(dict(changes.put), elements)


# --- A file that is refused, and left as it is ----------------------------------------------------


def refused(file: Path, words: str) -> None:
    """Opening it fails with those words, and nothing has changed: no byte, no mode, no file."""
    before = _all_that_is_there(file.parent)
    with pytest.raises(StoreRefused, match=words):
        opened(file)
    assert _all_that_is_there(file.parent) == before


def _all_that_is_there(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        each.name: (each.stat().st_mode, each.read_bytes())
        for each in folder.iterdir()
        if each.is_file()
    }


def test_file_of_another_version_is_refused(file: Path) -> None:
    """A newer pump-sim's file, whose seal says so, too."""
    opened(file).end()
    connection = sqlite3.connect(file)
    (seal,) = connection.execute("SELECT content FROM part WHERE name = 'seal'").fetchone()
    newer = seal.replace(f'"version":{VERSION}', f'"version":{VERSION + 1}')
    assert newer != seal
    with connection:
        put_seal(connection, newer)
        connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()
    file.chmod(0o644)
    refused(file, f"of version {VERSION + 1}, and this pump-sim keeps version {VERSION}")


def test_database_of_another_program_is_refused(file: Path) -> None:
    """Somebody has mistyped a name; their addresses are not renamed."""
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE address (name TEXT)")
    connection.close()
    file.chmod(0o644)
    refused(file, "of another program")


def test_what_another_program_left_when_it_was_killed_is_refused(
    file: Path, tmp_path: Path
) -> None:
    """Its log is a part of its database: SQLite would finish it, if it were asked to open that."""
    connection = sqlite3.connect(tmp_path / "running")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE address (name TEXT)")
    kill(tmp_path / "running", file)
    connection.close()
    for each in _files(file):
        each.chmod(0o644)
    assert len(_files(file)) == 2
    refused(file, "of another program")


def test_file_that_is_far_too_large_is_refused(file: Path) -> None:
    """A film, perhaps: it is not even read."""
    with file.open("wb") as film:
        film.truncate(LARGEST + 1)
    with pytest.raises(StoreRefused, match="no state file more"):
        opened(file)


@pytest.mark.parametrize("kind", ["folder", "pipe"])
def test_what_is_no_ordinary_file_is_refused(file: Path, kind: str) -> None:
    """At once: a pipe that nobody writes is not waited for."""
    if kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(file)
    with pytest.raises(StoreRefused, match=r"Is a directory|no ordinary file"):
        opened(file)


def test_file_in_use_is_refused(file: Path) -> None:
    """Two pumps never write to one file; the first goes on."""
    pump = opened(file)
    refused(file, "another process is using it")
    assert isinstance(pump.order(1), m.BolusOrdered)
    pump.end()


def test_log_without_its_file_is_refused(file: Path, tmp_path: Path) -> None:
    """A new pump would begin with the end of another one's file."""
    pump = lived(file)
    left = kill(file, tmp_path / "killed.db")
    left.unlink()
    refused(left, "Bring the file back")
    pump.end()


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """In the system's words."""
    with pytest.raises(StoreRefused, match="No such file or directory"):
        opened(tmp_path / "nowhere" / "pump.db")


def test_link_to_a_file_is_followed(file: Path, tmp_path: Path) -> None:
    """The file keeps its place, and the link stays one."""
    opened(file).end()
    link = tmp_path / "link.db"
    link.symlink_to(file)
    with running(link) as pump:
        assert pump.opened.origin is Origin.FILE
    assert link.is_symlink()
    assert not (tmp_path / "link.db-wal").exists()


def test_mark_of_a_file_that_is_gone_does_not_matter(file: Path) -> None:
    """A new pump is another one."""
    Path(f"{file}-mark").write_bytes(b"pump-sim mark 0123456789abcdef 00000000000000ff 00000000\n")
    with running(file) as pump:
        assert pump.opened.origin is Origin.NEW
    assert list(file.parent.iterdir()) == [file]


def test_empty_file_is_a_new_pumps(file: Path) -> None:
    """As from ``mktemp``, which keeps a name free."""
    file.touch()
    with running(file) as pump:
        assert pump.opened.origin is Origin.NEW


def test_files_of_others_beside_it_are_left_alone(file: Path) -> None:
    """Of names that only look like ours, and what would have to give way is not touched."""
    for suffix in ("-new", "-new-journal", "-lock"):
        Path(f"{file}{suffix}").write_bytes(b"a letter")
    opened(file).end()
    assert Path(f"{file}-new").read_bytes() == Path(f"{file}-new-journal").read_bytes()
    file.unlink()
    mark = Path(f"{file}-mark")
    mark.write_bytes(b"a letter")
    refused(file, "pump.db-mark, which would be written beside it, is there")
    mark.unlink()
    mark.symlink_to(f"{file}-new")
    refused(file, "Too many levels of symbolic links")
    mark.unlink()
    os.mkfifo(mark)
    refused(file, "pump.db-mark is no file")


def test_link_that_leads_to_itself_is_refused(file: Path) -> None:
    """In words, not with a traceback."""
    file.symlink_to(file)
    with pytest.raises(StoreRefused, match=r"Too many levels|leads to itself"):
        opened(file)


def test_two_starts_at_once_make_one_pump(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused while the first still makes its file: none takes its place."""
    make, refusals = StateFile.new, []

    def slow(path: Path) -> StateFile:
        with pytest.raises(StoreRefused, match="another process is using it") as refusal:
            opened(file)
        refusals.append(refusal)
        return make(path)

    monkeypatch.setattr(StateFile, "new", slow)
    with running(file) as pump:
        assert pump.opened.origin is Origin.NEW
    assert len(refusals) == 1


# --- A disk that takes no more -------------------------------------------------------------------


def many_notes(pump: KeptPump) -> None:
    """Until no more can be kept."""
    for number in range(1_000):
        pump.ask(m.WriteNote(str(number) * 30))


def test_nothing_is_answered_any_more_once_a_write_has_failed(file: Path) -> None:
    """Not even a reading: its programmer could conclude from it that the order was taken."""
    pump = lived(file)
    connection = pump.opened.keeper._writer.file._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreFailed, match="cannot be written: database or disk is full"):
        many_notes(pump)
    reading = Session(Role.PROGRAMMER, link_id=99)
    for _ in range(2):
        reading.send_request(m.Identify(), pump.link_ms)
        with pytest.raises(StoreFailed):
            pump.endpoint.receive_data(reading.data_to_send(), pump.link_ms * 1_000_000)
        reading = Session(Role.PROGRAMMER, link_id=100)
    pump.end()
    with running(file) as again:
        assert again.opened.origin is Origin.FILE
        assert again.pump.firmware.log.next_sequence <= pump.pump.firmware.log.next_sequence


def test_copy_of_a_running_file_is_another_file(file: Path, tmp_path: Path) -> None:
    """Taken without its log, as a backup program may: an old pump, or a damaged one, and never a
    mixture."""
    pump = lived(file)
    shutil.copy(file, tmp_path / "copy.db")
    with running(tmp_path / "copy.db") as copy:
        assert copy.pump.at_ms <= pump.pump.at_ms
    pump.end()
