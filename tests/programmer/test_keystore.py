"""The key store keeps every key that was given to it, for nobody else, or says why it cannot."""

import json
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_programmer import keystore
from pump_programmer.errors import KeyStoreUnusable
from pump_programmer.keystore import KeyStore, StoredKey
from pump_protocol.codes import UserRole
from pump_protocol.keys import Key

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="rights of POSIX files")
CLINICIAN = Key(0x1234, UserRole.CLINICIAN, bytes(range(32)))
PATIENT = Key(0x5678, UserRole.PATIENT, bytes(range(1, 33)))
OTHER = Key(0x9ABC, UserRole.CLINICIAN, bytes(range(2, 34)))


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    """An empty store, whose folder does not exist yet."""
    return KeyStore(tmp_path / "configuration" / "keys.json")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_store_that_is_not_there_holds_no_key(store):
    assert store.stored() == ()
    assert store.of("SIM-0001") == {}
    assert not store.path.exists()


def test_a_key_is_found_by_serial_number_and_role(store):
    for serial, key in (("SIM-2", OTHER), ("SIM-1", PATIENT), ("SIM-1", CLINICIAN)):
        store.keep(serial, key)
    assert KeyStore(store.path).of("SIM-1") == {
        UserRole.PATIENT: PATIENT,
        UserRole.CLINICIAN: CLINICIAN,
    }
    assert store.stored() == (
        StoredKey("SIM-1", PATIENT),
        StoredKey("SIM-1", CLINICIAN),
        StoredKey("SIM-2", OTHER),
    )


def test_a_new_key_takes_the_place_of_the_old_one_of_its_role(store):
    store.keep("SIM-1", CLINICIAN)
    store.keep("SIM-1", OTHER)
    assert store.of("SIM-1") == {UserRole.CLINICIAN: OTHER}


def test_forgetting_drops_one_role_or_all_and_tells_which(store):
    for key in (CLINICIAN, PATIENT):
        store.keep("SIM-1", key)
    store.keep("SIM-2", OTHER)
    assert store.forget("SIM-1", UserRole.SERVICE) == ()
    assert store.forget("SIM-1", UserRole.PATIENT) == (StoredKey("SIM-1", PATIENT),)
    assert store.forget("SIM-1") == (StoredKey("SIM-1", CLINICIAN),)
    assert store.forget("SIM-1") == ()
    assert store.stored() == (StoredKey("SIM-2", OTHER),)


def test_what_changes_nothing_leaves_no_file_behind(store):
    assert store.forget("SIM-1") == ()
    assert not store.path.parent.exists()
    store.check_writable()
    assert not store.path.exists()


def test_what_changes_nothing_does_not_write_the_file_again(store):
    """The keys in it may be the only ones, and a replaced file is another one to the disk."""
    store.keep("SIM-1", CLINICIAN)
    before = store.path.stat()
    store.keep("SIM-1", CLINICIAN)
    store.check_writable()
    assert store.forget("SIM-1", UserRole.SERVICE) == ()
    assert store.forget("SIM-2") == ()
    after = store.path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_pump_without_keys_leaves_no_trace_in_the_file(store):
    store.keep("SIM-1", CLINICIAN)
    store.keep("SIM-2", OTHER)
    store.forget("SIM-1")
    assert "SIM-1" not in store.path.read_text()


@given(
    serial=st.text(min_size=1, max_size=32),
    key=st.builds(
        Key,
        st.integers(1, 2**64 - 1),
        st.sampled_from(UserRole),
        st.binary(min_size=32, max_size=32),
    ),
)
def test_every_key_of_every_pump_survives_the_file(serial, key):
    kept = keystore._keys_in(keystore._text_of({serial: {key.role: key}}).encode())
    assert kept == {serial: {key.role: key}}


# --- Who can read it -----------------------------------------------------------------------------


@POSIX
def test_nobody_else_can_read_the_file_or_its_folder_whatever_the_umask_allows(store):
    before = os.umask(0)
    try:
        store.keep("SIM-1", CLINICIAN)
    finally:
        os.umask(before)
    assert mode_of(store.path) == 0o600
    assert mode_of(store.path.parent) == 0o700
    assert {mode_of(each) for each in store.path.parent.iterdir()} == {0o600}


@POSIX
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666])
def test_a_file_that_others_can_read_or_change_is_not_used_and_the_chmod_is_told(store, mode):
    store.keep("SIM-1", CLINICIAN)
    store.path.chmod(mode)
    content = store.path.read_bytes()
    for use in (store.stored, lambda: store.keep("SIM-2", OTHER), lambda: store.forget("SIM-1")):
        with pytest.raises(KeyStoreUnusable, match="others than you can read") as caught:
            use()
        assert f"chmod 600 {store.path}" in str(caught.value)
    assert (store.path.read_bytes(), mode_of(store.path)) == (content, mode)


@POSIX
def test_a_path_in_a_chmod_can_be_typed_as_it_stands(tmp_path):
    store = KeyStore(tmp_path / "my keys" / "keys.json")
    store.keep("SIM-1", CLINICIAN)
    store.path.chmod(0o644)
    with pytest.raises(KeyStoreUnusable, match=r"chmod 600 '.*/my keys/keys\.json'"):
        store.stored()


# --- Damage --------------------------------------------------------------------------------------


def stored(keys: object) -> bytes:
    return json.dumps({"format": 1, "keys": keys}).encode()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no JSON in line 1"),
        (b'{"format": 1,\n "keys": {', "no JSON in line 2"),
        (b"\xff\xfe\x00", "no text"),
        (b"[]", "no key store"),
        (b"{}", "no key store"),
        (b'{"format": 1}', "no keys"),
        (b'{"format": 2, "keys": {}}', "another version"),
        (stored([]), "no keys"),
        (stored({"SIM-1": 7}), "pump 'SIM-1' has no keys"),
        (stored({"SIM-1": {"clinician": 7}}), "is no text"),
        (stored({"SIM-1": {"clinician": CLINICIAN.to_text()[:-1]}}), "this is no key"),
        (stored({"SIM-1": {"patient": CLINICIAN.to_text()}}), "not of the role"),
        (b'{"format": true, "keys": {}}', "another version"),
        (b'{"format": 1.0, "keys": {}}', "another version"),
        (b'{"format": 1, "keys": {"SIM-1": {}, "SIM-1": {}}}', "stands in it twice"),
        (b'{"format": ' + b"1" * 5_000 + b"}", "no key store"),
        (b"[" * 100_000, "recursion|no JSON"),
        (b" " * 2_000_000, "longer than 1,048,576 bytes"),
    ],
)
def test_a_damaged_file_is_named_and_left_as_it_is(store, content, why):
    store.path.parent.mkdir()
    store.path.touch(mode=0o600)
    store.path.write_bytes(content)
    for use in (store.stored, lambda: store.keep("SIM-2", OTHER), store.check_writable):
        with pytest.raises(KeyStoreUnusable, match=why) as caught:
            use()
        text = str(caught.value)
        assert str(store.path) in text
        assert "left as it was" in text
        assert CLINICIAN.secret.hex()[:20] not in text
        assert caught.value.__cause__ is None
    assert store.path.read_bytes() == content


def test_a_store_of_a_later_version_is_not_called_damaged(store):
    store.path.parent.mkdir()
    store.path.touch(mode=0o600)
    store.path.write_text('{"format": 2, "pumps": []}')
    with pytest.raises(KeyStoreUnusable, match="by another version of this program") as caught:
        store.stored()
    assert "damaged" not in str(caught.value)


@POSIX
def test_a_pipe_in_the_place_of_the_store_is_not_waited_for(store):
    store.path.parent.mkdir()
    os.mkfifo(store.path)
    with pytest.raises(KeyStoreUnusable, match="no ordinary file"):
        store.stored()


def test_what_is_no_file_is_said_so(store):
    store.path.mkdir(parents=True)
    with pytest.raises(KeyStoreUnusable, match="directory"):
        store.stored()


def test_where_nothing_can_be_written_nothing_is_promised(tmp_path):
    """A file stands where the folder would have to be."""
    (tmp_path / "taken").write_text("")
    store = KeyStore(tmp_path / "taken" / "keys.json")
    for use in (store.check_writable, lambda: store.keep("SIM-1", CLINICIAN)):
        with pytest.raises(KeyStoreUnusable, match="cannot be written"):
            use()


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_disk_that_fails_leaves_the_old_file_and_nothing_beside_it(store, monkeypatch, call):
    store.keep("SIM-1", CLINICIAN)

    def fail(*_):
        raise OSError(28, "No space left on device")

    owner = os if call == "fsync" else Path
    with monkeypatch.context() as patch:
        patch.setattr(owner, call, fail)
        with pytest.raises(KeyStoreUnusable, match="No space left on device; it is as it was"):
            store.keep("SIM-2", OTHER)
        if call == "fsync":  # and that is found out before a key is asked for
            with pytest.raises(KeyStoreUnusable, match="No space left on device"):
                store.check_writable()
    assert store.stored() == (StoredKey("SIM-1", CLINICIAN),)
    assert {each.name for each in store.path.parent.iterdir()} == {"keys.json", "keys.json.lock"}


def test_a_link_to_the_file_stays_a_link(store, tmp_path):
    store.keep("SIM-1", CLINICIAN)
    link = tmp_path / "link.json"
    link.symlink_to(store.path)
    KeyStore(link).keep("SIM-2", OTHER)
    assert link.is_symlink()
    assert len(store.stored()) == 2


# --- Several at a time ---------------------------------------------------------------------------


def test_writers_at_the_same_time_lose_nothing(store):
    """Each has a lock of its own to wait for, as processes have."""
    keys = [Key(number, UserRole.CLINICIAN, bytes([number]) * 32) for number in range(1, 25)]
    threads = [
        threading.Thread(target=KeyStore(store.path).keep, args=(f"SIM-{key.key_id}", key))
        for key in keys
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {each.key for each in store.stored()} == set(keys)


def test_whoever_holds_the_lock_for_too_long_is_told_of(store, monkeypatch):
    monkeypatch.setattr(keystore, "_LOCK_PATIENCE_S", 0.02)
    with store._locked(), pytest.raises(KeyStoreUnusable, match="another program is changing it"):
        KeyStore(store.path).keep("SIM-1", CLINICIAN)
    store.keep("SIM-1", CLINICIAN)
    assert store.stored()


# --- Secrets -------------------------------------------------------------------------------------


def test_no_text_of_a_stored_key_shows_its_secret(store):
    store.keep("SIM-1", CLINICIAN)
    shown = f"{store!r} {store.stored()!r} {store.of('SIM-1')!r} {store.forget('SIM-1')!s}"
    assert CLINICIAN.secret.hex() not in shown
    assert repr(CLINICIAN.secret) not in shown


def test_the_store_is_in_the_platforms_folder_for_configuration(configuration):
    assert configuration in KeyStore().path.parents
    assert KeyStore().path.name == "keys.json"
    assert KeyStore().path.parent.name == "pump-programmer"
