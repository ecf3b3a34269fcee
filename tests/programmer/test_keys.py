"""Keys at the command line: paired, stored, listed, forgotten, chosen; and never shown."""

import random
import subprocess
import sys

import pytest

from pump_programmer import cli
from pump_programmer.commands.common import Settings
from pump_programmer.errors import AuthenticationFailed, InsecurePump
from pump_programmer.key_choice import read_key
from pump_programmer.keystore import KeyStore
from pump_programmer.link import Link
from pump_programmer.pairing import pair
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key, new_pairing_code
from tests.pump_sim.virtual import implanted

from .virtual_port import VirtualPort

CODE = new_pairing_code(random.Random(9).randbytes)
"""A code that no pump has shown."""


@pytest.fixture
def port(monkeypatch):
    """A pump with keys, and the programming head on it."""
    port = VirtualPort(implanted(), PumpGuard(new_keys(random.Random(1).randbytes)))
    port.plug_in(monkeypatch)
    port.be_at_the_patient()
    monkeypatch.delenv("PUMP_INSECURE")
    return port


@pytest.fixture
def serial(port):
    return port.pump.serial_number


@pytest.fixture
def ask(run, port):
    """Run one command, as somebody does who has no key of the pump yet."""
    return lambda *arguments, typed=None: run("--port", "virtual", *arguments, typed=typed)


def offered(port: VirtualPort, role: UserRole = UserRole.CLINICIAN) -> str:
    """The code that the pump shows."""
    return port.endpoint.offer_pairing(role, port.now_ns)


# --- Pairing -------------------------------------------------------------------------------------


def test_after_pairing_no_key_has_to_be_given(ask, port, serial):
    assert ask("interrogate").code == 13
    paired = ask("pair", "--code", offered(port))
    assert (paired.code, paired.err) == (0, "")
    key = port.guard.keys[UserRole.CLINICIAN]
    path = KeyStore().path
    assert f"Paired: key {key.key_id:016x} of role clinician is stored in {path}." in paired.out
    assert serial in paired.out
    assert ask("interrogate").code == 0
    assert KeyStore().of(serial) == {UserRole.CLINICIAN: key}


def test_a_key_that_takes_the_place_of_another_is_said_to(ask, port, serial):
    old = new_keys(random.Random(2).randbytes)[2]
    KeyStore().keep(serial, old)
    assert f", in place of key {old.key_id:016x}." in ask("pair", "--code", offered(port)).out
    assert "in place of" not in ask("pair", "--code", offered(port)).out
    KeyStore().keep(serial, old)
    told = ask("pair", "--code", offered(port), "--json").json
    assert told["replaced_key_id"] == f"{old.key_id:016x}"


def test_the_programmer_id_before_pair_is_the_one_that_the_pump_is_told(ask, port, monkeypatch):
    told = []
    exchange = Link.exchange

    def overheard(link, request, **settings):
        told.append(request)
        return exchange(link, request, **settings)

    monkeypatch.setattr(Link, "exchange", overheard)
    assert ask("--programmer-id", "77", "pair", "--code", offered(port)).code == 0
    assert m.OpenLink(77) in told


@pytest.mark.parametrize("role", [role.name.lower() for role in UserRole])
@pytest.mark.parametrize("before", [True, False], ids=["--role pair", "pair --role"])
def test_a_code_of_each_role_gives_the_key_of_that_role(ask, port, serial, role, before):
    code = offered(port, UserRole[role.upper()])
    options = ("--role", role)
    command = (*options, "pair", "--code", code) if before else ("pair", "--code", code, *options)
    paired = ask(*command, "--json").json
    assert (paired["role"], paired["stored_in"]) == (role, str(KeyStore().path))
    assert paired["key_id"] == f"{port.guard.keys[UserRole[role.upper()]].key_id:016x}"
    assert list(KeyStore().of(serial)) == [UserRole[role.upper()]]


def test_a_code_may_be_typed_without_hyphens_and_in_small_letters(ask, port):
    assert ask("pair", "--code", offered(port).replace("-", "").lower()).code == 0


def test_a_code_may_stand_in_a_file_or_be_typed_when_asked_for(ask, port, tmp_path):
    """Everybody who can list the processes can read a command line."""
    (tmp_path / "code").write_text(offered(port) + "\n")
    assert ask("pair", "--code", f"@{tmp_path / 'code'}").code == 0
    ended = ask("pair", typed=offered(port) + "\n")
    assert ended.code == 0
    assert "The code that the pump shows:" in ended.err


def test_without_a_code_and_with_nobody_to_ask_nothing_is_sent(ask, port, tmp_path):
    assert ask("pair").code == 7
    ended = ask("pair", "--code", f"@{tmp_path / 'none'}")
    assert (ended.code, port.heard) == (2, [])
    assert "No such file" in ended.err


def test_whoever_pairs_is_told_of_a_key_that_goes_before_the_new_one(ask, port, monkeypatch):
    wrong = new_keys(random.Random(2).randbytes)[2].to_text()
    monkeypatch.setenv("PUMP_KEY", wrong)
    assert "PUMP_KEY is set, and goes before it" in ask("pair", "--code", offered(port)).out
    assert "of role clinician, the key in PUMP_KEY, may be another" in ask("interrogate").err


def test_no_output_of_pairing_shows_a_secret(ask, port):
    secrets = [key.secret.hex() for key in port.guard.keys.values()]
    texts = []
    for more in ((), ("--json",)):
        ended = ask("pair", "--code", offered(port), *more)
        texts += [ended.out, ended.err]
    ended = ask("keys", "--json")
    texts += [ended.out, ended.err, ask("keys").out, ask("identify").out]
    assert not any(secret in text for secret in secrets for text in texts)
    frames = b"".join(frame.payload for frame in port.heard)
    assert not any(bytes.fromhex(secret) in frames for secret in secrets)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda port, ask: ask("pair", "--code", port.code),  # it is used up
        lambda port, ask: port.wait_link(c.PAIRING_LIMIT_MS),
        lambda port, ask: setattr(port.endpoint.presence, "on_pump", False),
        lambda port, ask: offered(port),  # another one is shown
        lambda port, ask: [ask("pair", "--code", CODE) for _ in range(c.PAIRING_ATTEMPTS)],
    ],
    ids=["used", "too old", "head taken off", "another shown", "three failures"],
)
def test_a_code_that_is_void_is_exit_15_with_what_may_be_wrong(ask, port, serial, spoil):
    port.code = offered(port)
    spoil(port, ask)
    KeyStore().forget(serial)
    ended = ask("pair", "--code", port.code)
    assert ended.code == 15
    assert "Perhaps the code is mistyped, was shown for another role than clinician" in ended.err
    assert "Let the pump show a new one." in ended.err
    assert KeyStore().stored() == ()


def test_a_code_of_another_role_gives_nothing(ask, port):
    ended = ask("pair", "--code", offered(port, UserRole.PATIENT), "--json")
    assert (ended.code, ended.error["kind"]) == (15, "authentication_failed")
    assert KeyStore().stored() == ()


@pytest.mark.parametrize("code", ["", "ABC", CODE[:-1], CODE + "A", CODE.replace(CODE[0], "1")])
def test_what_is_no_code_is_exit_2_and_is_not_sent(ask, port, code):
    ended = ask("pair", "--code", code)
    assert ended.code == 2
    assert "--code: this is no pairing code: wanted are 26 characters" in ended.err
    misread = "it is the letter O, and for 1 the letter I"
    assert (misread in " ".join(ended.err.split())) is ("1" in code)
    assert (port.heard, KeyStore().path.parent.exists()) == ([], False)


def test_a_head_that_is_taken_off_in_the_middle_gives_no_key(ask, port):
    def take_off(data: bytes) -> bytes | None:
        if data[3] == c.MessageType.PAIR:
            port.endpoint.presence.on_pump = False
        return None

    port.on_write = take_off
    ended = ask("pair", "--code", offered(port))
    assert ended.code == 1
    assert "the pump refused to hand over a key: the programming head does not lie" in ended.err
    assert "The code is void now" in ended.err


def test_a_lost_key_needs_a_new_code_and_that_is_said(ask, port):
    def lose(data: bytes) -> bytes | None:
        return b"" if data[3] == c.MessageType.PAIR else None

    port.on_write = lose
    ended = ask("pair", "--code", offered(port))
    assert ended.code == 4
    assert "The code is void now: pair again, with a new one" in ended.err


def test_a_store_that_cannot_be_used_is_found_out_before_the_code_is_spent(ask, port):
    KeyStore().path.mkdir(parents=True)
    code = offered(port)
    ended = ask("pair", "--code", code)
    assert (ended.code, port.heard) == (14, [])
    KeyStore().path.rmdir()
    assert ask("pair", "--code", code).code == 0


def test_a_pump_without_security_has_no_key_to_give(run, monkeypatch):
    port = VirtualPort(implanted())
    port.plug_in(monkeypatch)
    ended = run("--port", "virtual", "pair", "--code", CODE)
    assert ended.code == 18
    with pytest.raises(InsecurePump):
        pair("virtual", CODE)


def test_pairing_from_python_gives_the_key_and_keeps_none(port):
    found = pair("virtual", offered(port, UserRole.SERVICE), UserRole.SERVICE)
    assert found.key == port.guard.keys[UserRole.SERVICE]
    assert found.identity.serial_number == port.pump.serial_number
    assert KeyStore().stored() == ()
    assert found.key.secret.hex() not in repr(found)
    with pytest.raises(AuthenticationFailed):
        pair("virtual", CODE)
    with pytest.raises(BadKey):
        pair("virtual", "nonsense")


# --- Listing and forgetting ----------------------------------------------------------------------


@pytest.fixture
def stored(port, serial):
    """All keys of the pump, stored."""
    for key in port.guard.keys.values():
        KeyStore().keep(serial, key)
    return port.guard.keys


def test_keys_are_listed_without_a_port(run, stored, serial):
    ended = run("keys")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["Serial", "number", "Role", "Key"]
    assert [line.split()[1] for line in lines[1:5]] == [
        "observer",
        "patient",
        "clinician",
        "service",
    ]
    assert lines[-1] == f"Stored in {KeyStore().path}."
    listed = run("keys", "--json").json
    assert listed["keys"][0] == {
        "serial_number": serial,
        "role": "observer",
        "key_id": f"{stored[UserRole.OBSERVER].key_id:016x}",
    }


def test_where_no_key_is_stored_the_way_to_one_is_told(run):
    ended = run("keys")
    assert ended.code == 0
    assert ended.out.startswith("No keys are stored in ")
    assert "pump-programmer pair stores one" in ended.out
    assert run("keys", "--json").json["keys"] == []


def test_keys_are_forgotten_by_role_or_all(run, stored, serial):
    ended = run("keys", "forget", serial, "--role", "Patient")
    assert (ended.code, ended.out) == (0, f"Forgotten for pump {serial}: patient.\n")
    assert run("keys", "forget", serial, "--role", "patient").code == 13
    forgotten = run("keys", "--json", "forget", serial).json["forgotten"]
    assert [each["role"] for each in forgotten] == ["observer", "clinician", "service"]
    ended = run("keys", "forget", serial)
    assert (ended.code, ended.err) == (13, f"Error: pump {serial}: no key is stored\n")
    assert KeyStore().stored() == ()


@pytest.mark.parametrize(
    "command",
    [
        ("--role", "doctor", "identify"),
        ("pair", "--code", CODE, "--role", "doctor"),
        ("keys", "forget", "SIM-1", "--role", "doctor"),
    ],
    ids=["for all", "pair", "forget"],
)
def test_a_role_that_there_is_not_is_exit_2_with_those_that_there_are(ask, command):
    ended = ask(*command)
    assert ended.code == 2
    assert "--role = 'doctor': allowed observer, patient, clinician or service" in ended.err


def test_a_damaged_store_is_exit_14_and_left_alone(run):
    KeyStore().path.parent.mkdir(parents=True)
    KeyStore().path.touch(mode=0o600)
    KeyStore().path.write_text("{")
    for command in (("keys",), ("keys", "forget", "SIM-1")):
        ended = run(*command, "--json")
        assert (ended.code, ended.error["kind"]) == (14, "key_store")
        assert "no JSON in line 1" in ended.error["message"]
    assert KeyStore().path.read_text() == "{"


# --- Giving a key --------------------------------------------------------------------------------


def test_a_key_is_given_as_option_or_by_the_environment(ask, port, monkeypatch):
    key = port.guard.keys[UserRole.OBSERVER].to_text()
    assert ask("--key", key, "interrogate").code == 0
    monkeypatch.setenv("PUMP_KEY", key)
    assert ask("interrogate").code == 0


@pytest.mark.parametrize(
    ("code", "kind", "prepare"),
    [
        (13, "no_key", lambda port, patch: None),
        (2, "usage", lambda port, patch: patch.setenv("PUMP_KEY", "nonsense")),
        (
            15,
            "authentication_failed",
            lambda port, patch: patch.setenv(
                "PUMP_KEY", new_keys(random.Random(2).randbytes)[2].to_text()
            ),
        ),
    ],
    ids=["none", "no key at all", "another pump's"],
)
def test_each_thing_that_is_wrong_with_a_key_has_an_exit_code(
    ask, port, monkeypatch, code, kind, prepare
):
    prepare(port, monkeypatch)
    ended = ask("interrogate", "--json")
    assert (ended.code, ended.error["kind"]) == (code, kind)
    assert ended.out == ""


def test_a_locked_pump_and_an_impostor_have_exit_codes_too(ask, port, monkeypatch):
    wrong = new_keys(random.Random(2).randbytes)[2].to_text()
    codes = [ask("--key", wrong, "interrogate").code for _ in range(c.FREE_FAILURES + 2)]
    assert codes == [15] * (c.FREE_FAILURES + 1) + [16]


def test_a_pump_without_security_is_exit_18_unless_that_is_accepted(run, monkeypatch):
    port = VirtualPort(implanted())
    port.plug_in(monkeypatch)
    monkeypatch.delenv("PUMP_INSECURE")
    assert run("--port", "virtual", "identify").code == 18
    assert run("--port", "virtual", "--insecure", "identify").code == 0
    monkeypatch.setenv("PUMP_INSECURE", "1")
    ended = run("--port", "virtual", "identify")
    assert ended.code == 0
    assert ended.out.count("UNSAFE: LEGACY-INSECURE") == 1


def test_an_authenticated_pump_is_not_called_unsafe(ask, port):
    key = port.guard.keys[UserRole.CLINICIAN].to_text()
    ended = ask("--key", key, "identify")
    assert "authenticated: every link needs a key" in ended.out
    assert "UNSAFE" not in ended.out
    assert "unsafe" not in ask("--key", key, "identify", "--json").json["pump"]


def test_a_role_that_may_not_is_exit_1_and_told_who_may(ask, port):
    key = port.guard.keys[UserRole.OBSERVER].to_text()
    ended = ask("--key", key, "refill", "--volume", "20 mL", "--yes", "--json")
    assert (ended.code, ended.error["kind"]) == (1, "not_permitted")
    assert (
        "The key is of role observer; this needs one of role clinician." in ended.error["message"]
    )
    assert ended.error["reasons"][0]["code"] == "not_permitted"


def test_a_patient_reads_how_the_pump_stands_and_asks_for_nothing_else(ask, port):
    """REQ-30."""
    key = port.guard.keys[UserRole.PATIENT].to_text()
    out = ask("--key", key, "interrogate").out
    assert "Drug                   baclofen, 2000 mcg/mL" in out
    assert "Infusing now           0.4 mL/day" in out
    found = ask("--key", key, "interrogate", "--json").json
    assert (found["current"], found["pending"]) == (None, None)
    assert "no patient bolus is prescribed" in ask("--key", key, "patient-bolus").err
    for command in (("log",), ("stop", "--yes"), ("clock", "--set", "now"), ("note",)):
        ended = ask("--key", key, *command, "--json")
        assert (ended.code, ended.error["kind"]) == (1, "not_permitted")


@pytest.mark.parametrize("role", [UserRole.OBSERVER, UserRole.SERVICE])
def test_a_bolus_that_a_role_may_not_order_is_explained(ask, port, role):
    key = port.guard.keys[role].to_text()
    ended = ask("--key", key, "bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes")
    assert ended.code == 1
    assert f"The key is of role {role.name.lower()}; this needs one of role clin" in ended.err


@pytest.mark.parametrize("option", ["--key", "--role", "--insecure"])
def test_an_option_behind_the_command_is_told_its_place_without_its_value(ask, option):
    ended = ask("interrogate", f"{option}=clinician-secret")
    assert ended.code == 2
    assert f"give {option} before the command" in ended.err
    assert "secret" not in ended.err


def test_no_help_and_no_settings_show_a_key(run, monkeypatch):
    monkeypatch.setenv("PUMP_KEY", "clinician-secret")
    texts = [run("--help").out, run("pair", "--help").out, run("keys", "--help").out]
    texts.append(repr(Settings("p", 2.0, None, False, "clinician-secret")))
    assert not any("secret" in text.replace("No secret is shown", "") for text in texts)
    assert "--key KEY|@FILE" in texts[0]


def test_a_tilde_in_a_key_files_name_is_the_home(configuration):
    key = Key(1, UserRole.PATIENT, bytes(32))
    file = configuration / "key"
    file.touch(mode=0o600)
    file.write_text(key.to_text())
    assert read_key("@~/key", "--key") == key


def test_a_key_comes_through_a_pipe_of_the_shell():
    """As ``--key @<(unlock-the-key)``: in no file, and in no list of processes."""
    key = Key(1, UserRole.PATIENT, bytes(32)).to_text()
    program = (
        "from pump_programmer.key_choice import read_key;"
        "print(read_key('@/dev/stdin', '--key').role.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=key, capture_output=True, text=True, check=True
    )
    assert done.stdout == "PATIENT\n"


def test_every_command_group_has_help_without_pythons_types(run):
    for command in (("keys",), ("keys", "forget"), ("emergency",), ("pair",)):
        text = run(*command, "--help").out
        assert text.startswith("Usage: ")
        assert "{" not in text
    for name in cli._EMERGENCY:
        assert "Needs no key" in run("emergency", name, "--help").out
