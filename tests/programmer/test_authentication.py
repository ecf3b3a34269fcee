"""A link is opened with a key that both ends hold, or not at all; whoever answers wrongly learns
nothing, and no outcome is believed that nobody proved.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pump_programmer.errors import (
    AuthenticationFailed,
    AuthenticationLocked,
    InsecurePump,
    NoAnswerError,
    NoKey,
    NotPermitted,
    OutcomeUnknown,
    PumpRefused,
    PumpUnproven,
    WrongPeer,
)
from pump_programmer.keystore import KeyStore
from pump_programmer.programmer import Programmer
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.errors import BadKey
from pump_protocol.frames import Frame
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.handshake import identity_digest, prologue, respond
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_request, encode
from tests.pump_sim.virtual import implanted

from .virtual_port import VirtualPort

SERIAL = implanted().serial_number
CLINICIAN = UserRole.CLINICIAN


def guard(seed: int = 1) -> PumpGuard:
    """The keys of a pump, the same for the same seed."""
    return PumpGuard(new_keys(random.Random(seed).randbytes))


OTHER_KEYS = guard(2).keys
"""The keys of another pump."""


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualPort]:
    """A pump with keys."""
    port = VirtualPort(implanted(), guard())
    port.plug_in(monkeypatch)
    return port


@pytest.fixture
def legacy(monkeypatch: pytest.MonkeyPatch) -> VirtualPort:
    """A pump without security."""
    port = VirtualPort(implanted())
    port.plug_in(monkeypatch)
    return port


def connect(key: object = None, **settings: object) -> Programmer:
    return Programmer("virtual", key=key, programmer_id=7, **settings)


def types_heard(port: VirtualPort) -> list[int]:
    return [frame.message_type for frame in port.heard]


# --- With the right key --------------------------------------------------------------------------


def test_all_of_a_link_but_its_beginning_is_sealed(port):
    with connect(port.guard.keys[CLINICIAN]) as programmer:
        programmer.refill(20_000_000)
        assert programmer.role is CLINICIAN
    first, second, *others = port.heard
    assert [first.message_type, second.message_type] == [
        c.MessageType.IDENTIFY,
        c.MessageType.AUTHENTICATE,
    ]
    assert [first.sealed, second.sealed] == [False, False]
    assert [frame.message_type for frame in others] == [
        c.MessageType.OPEN_LINK,
        c.MessageType.UPDATE_RESERVOIR,
        c.MessageType.CLOSE_LINK,
    ]
    assert all(frame.sealed for frame in others)


@pytest.mark.parametrize("form", ["key", "text", "file"])
def test_a_key_is_given_as_such_as_text_or_as_a_file(port, tmp_path, form):
    key = port.guard.keys[CLINICIAN]
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(key.to_text() + "\n")
    with connect({"key": key, "text": key.to_text(), "file": f"@{file}"}[form]) as programmer:
        assert programmer.interrogate()


def test_the_environment_comes_before_the_store_and_a_given_key_before_both(port, monkeypatch):
    keys = port.guard.keys
    KeyStore().keep(SERIAL, keys[UserRole.SERVICE])
    with connect() as programmer:
        assert programmer.role is UserRole.SERVICE
    monkeypatch.setenv("PUMP_KEY", keys[UserRole.OBSERVER].to_text())
    with connect() as programmer:
        assert programmer.role is UserRole.OBSERVER
    with connect(keys[CLINICIAN]) as programmer:
        assert programmer.role is CLINICIAN


def test_a_role_chooses_among_the_stored_keys(port):
    for key in port.guard.keys.values():
        KeyStore().keep(SERIAL, key)
    with connect(role=UserRole.PATIENT) as programmer:
        assert programmer.role is UserRole.PATIENT
    with pytest.raises(NoKey, match=r"several roles .* --role observer, patient, clinician or"):
        connect().open()


def test_a_link_that_ended_is_opened_anew_with_the_key(port):
    """After the idle limit, as the pump itself tells; so nothing was done, and it is sent again."""
    with connect(port.guard.keys[CLINICIAN]) as programmer:
        old_link = programmer.link_id
        port.wait_link(c.IDLE_LIMIT_MS)
        assert programmer.refill(20_000_000).order_number == 1
        assert programmer.link_id != old_link


# --- Without -------------------------------------------------------------------------------------


def test_without_a_key_nothing_is_asked_and_how_to_pair_is_told(port):
    with pytest.raises(NoKey) as caught:
        connect().open()
    assert str(caught.value).startswith(f"pump {SERIAL}: no key is stored in ")
    assert "pump-programmer pair --code CODE" in str(caught.value)
    assert types_heard(port) == [c.MessageType.IDENTIFY]


def test_insecure_does_not_open_a_pump_that_wants_a_key(port):
    """No downgrade: that one accepts a pump without security makes no pump insecure."""
    with pytest.raises(NoKey):
        connect(insecure=True).open()
    assert types_heard(port) == [c.MessageType.IDENTIFY]


def test_a_key_of_another_role_than_asked_for_is_not_used(port, monkeypatch):
    key = port.guard.keys[CLINICIAN]
    with pytest.raises(NoKey, match="the key that was given is of role clinician, not patient"):
        connect(key, role=UserRole.PATIENT).open()
    monkeypatch.setenv("PUMP_KEY", key.to_text())
    with pytest.raises(NoKey, match="the key in PUMP_KEY is of role clinician, not patient"):
        connect(role=UserRole.PATIENT).open()
    monkeypatch.delenv("PUMP_KEY")
    KeyStore().keep(SERIAL, key)
    with pytest.raises(NoKey, match=r"no key of role patient .*\(only of role clinician\)"):
        connect(role=UserRole.PATIENT).open()


def test_a_pump_without_security_is_asked_nothing_but_who_it_is(legacy):
    with pytest.raises(InsecurePump, match=r"LEGACY-INSECURE.* --insecure, PUMP_INSECURE=1"):
        connect().open()
    assert types_heard(legacy) == [c.MessageType.IDENTIFY]


@pytest.mark.parametrize("insecure", [False, True])
@pytest.mark.parametrize("where", ["given", "environment", "store"])
def test_a_pump_for_which_there_is_a_key_is_not_taken_for_one_without(
    legacy, monkeypatch, where, insecure
):
    """SEC-06: whoever can alter what a pump says of itself could have it programmed otherwise."""
    key = OTHER_KEYS[CLINICIAN]
    if where == "environment":
        monkeypatch.setenv("PUMP_KEY", key.to_text())
    if where == "store":
        KeyStore().keep(SERIAL, key)
    with pytest.raises(PumpUnproven, match="LEGACY-INSECURE, and there is a key for that pump"):
        connect(key if where == "given" else None, insecure=insecure).open()
    assert types_heard(legacy) == [c.MessageType.IDENTIFY]


def test_a_role_of_a_pump_without_roles_is_refused(legacy):
    with pytest.raises(NoKey, match="LEGACY-INSECURE, and has no roles"):
        connect(role=UserRole.PATIENT, insecure=True).open()


@pytest.mark.parametrize("field", ["serial_number", "product", "model", "firmware_version"])
def test_names_that_would_write_to_a_terminal_are_not_shown(port, field):
    """They come in plain text, from whoever answers."""
    said = replace(port.endpoint.telemetry.identity(), **{field: "SIM\x1b[2J"})
    port.on_write = lambda data: plain_answer(data, said)
    with pytest.raises(WrongPeer, match="names that cannot be printed") as caught:
        connect(port.guard.keys[CLINICIAN]).open()
    assert "\x1b" not in str(caught.value)


def test_a_key_of_another_pump_in_the_store_is_no_reason(legacy):
    KeyStore().keep("SIM-9999", OTHER_KEYS[CLINICIAN])
    with connect(insecure=True) as programmer:
        assert programmer.interrogate()


def test_a_pump_without_security_is_programmed_by_whoever_accepts_that(legacy):
    with connect(insecure=True) as programmer:
        assert programmer.refill(20_000_000).order_number == 1
        assert programmer.role is None


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("clinician-1234", "^key: this is no key"),
        ("@nowhere", "^key: key file 'nowhere': No such file"),
        ("@.", "^key: key file '.': Is a directory"),
        ("@a\0b", "^key: key file .*null byte"),
        ("@/dev/null", "^key: key file '/dev/null' holds no key on one line"),
        ("@/dev/zero", "^key: key file '/dev/zero': it is longer than 4,096 bytes"),
        ("@", "^key: @ without the name of a file"),
    ],
)
def test_what_is_no_key_is_refused_before_the_port_is_opened(key, words):
    with pytest.raises(BadKey, match=words):
        connect(key)


@pytest.mark.parametrize("spoil", [str, lambda text: text[:-3], lambda text: f"/tmp/{text} x"])
def test_a_key_behind_an_at_sign_is_not_repeated(spoil):
    """It is taken for the name of a file, which a message would tell."""
    text = spoil(OTHER_KEYS[CLINICIAN].to_text())
    with pytest.raises(BadKey, match=r"^key: a key is given without @") as caught:
        connect(f"@{text}")
    assert OTHER_KEYS[CLINICIAN].secret.hex()[:16] not in str(caught.value)


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text(OTHER_KEYS[CLINICIAN].to_text())
    file.chmod(0o644)
    with pytest.raises(BadKey, match=r"others than you can read or change it.*chmod 600"):
        connect(f"@{file}")


@pytest.mark.parametrize("bad", [b"key", 7, object()])
def test_what_is_neither_key_nor_text_is_a_type_error_that_does_not_repeat_it(bad):
    with pytest.raises(TypeError) as caught:
        connect(bad)
    assert str(caught.value) == f"key: a Key, its text or @FILE wanted, not {type(bad).__name__}"


def test_a_bad_key_in_the_environment_is_named_by_its_variable(port, monkeypatch):
    monkeypatch.setenv("PUMP_KEY", "secret-nonsense")
    with pytest.raises(BadKey, match=r"^PUMP_KEY: this is no key") as caught:
        connect().open()
    assert "nonsense" not in str(caught.value)


# --- A key that is not this pump's ---------------------------------------------------------------


def test_the_key_of_another_pump_is_refused_with_what_may_be_wrong(port):
    with pytest.raises(AuthenticationFailed) as caught:
        connect(OTHER_KEYS[CLINICIAN]).open()
    text = str(caught.value)
    assert "the pump refused to authenticate: the key was not taken" in text
    assert f"Key {OTHER_KEYS[CLINICIAN].key_id:016x} of role clinician" in text
    assert "may be another pump's" in text
    assert "Nothing proves that it was the pump that said so." in text
    assert OTHER_KEYS[CLINICIAN].secret.hex() not in text


def test_after_too_many_wrong_keys_the_pump_tells_for_how_long_it_looks_at_none(port):
    for _ in range(c.FREE_FAILURES + 1):
        with pytest.raises(AuthenticationFailed):
            connect(OTHER_KEYS[CLINICIAN]).open()
    with pytest.raises(AuthenticationLocked, match="looks at none for another 1 s") as caught:
        connect(port.guard.keys[CLINICIAN]).open()
    assert 0 < caught.value.for_ms <= c.FIRST_LOCK_MS
    assert "Therapy, links that are open and emergency access go on" in str(caught.value)
    assert "Nothing proves that it was the pump that said so." in str(caught.value)


@pytest.mark.parametrize(
    "alter",
    [
        lambda identity: replace(identity, maximum_daily_dose_ng=10**12),
        lambda identity: replace(identity, serial_number="SIM-9999"),
        lambda identity: replace(identity, capabilities=c.Capability(1)),
    ],
    ids=["limit", "serial number", "capabilities"],
)
def test_what_a_pump_says_of_itself_cannot_be_altered_on_the_way(port, alter):
    def answer(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.IDENTIFY:
            return None
        return plain_answer(data, alter(port.endpoint.telemetry.identity()))

    port.on_write = answer
    with pytest.raises(AuthenticationFailed):
        connect(port.guard.keys[CLINICIAN]).open()


def test_a_pump_that_is_made_to_say_it_has_no_security_is_not_talked_to(port):
    """No downgrade: neither without nor with --insecure does the pump take plain requests."""
    said = replace(
        port.endpoint.telemetry.identity(), security_profile=c.SecurityProfile.LEGACY_INSECURE
    )
    port.on_write = lambda data: (
        plain_answer(data, said) if data[3] == c.MessageType.IDENTIFY else None
    )
    for insecure in (False, True):
        with pytest.raises(PumpUnproven):
            connect(port.guard.keys[CLINICIAN], insecure=insecure).open()
    with pytest.raises(PumpRefused, match="needs a link that was opened with a key"):
        connect(insecure=True).open()


def plain_answer(data: bytes, response: m.Response) -> bytes:
    """A plain answer to the request in *data*, as anybody can make one."""
    return Frame(
        response.message_type,
        int.from_bytes(data[4:12], "little"),
        int.from_bytes(data[12:16], "little"),
        encode(response),
    ).to_bytes()


# --- Impostors -----------------------------------------------------------------------------------


def proof_with(key: Key, data: bytes, identity: m.Identity) -> bytes:
    """What somebody answers to a handshake who holds *key*."""
    request = decode_request(data[3], data[20:-4])
    assert isinstance(request, m.Authenticate)
    link_id = int.from_bytes(data[4:12], "little")
    bound = prologue(link_id, request.key_id, request.role, identity_digest(identity))
    return respond(key, bound, request.handshake, random.Random(3).randbytes)[0]


@pytest.mark.parametrize("proof", [bytes(48), random.Random(5).randbytes(48)], ids=["0", "random"])
def test_an_impostor_that_does_not_hold_the_key_is_asked_nothing(port, proof):
    def answer(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.AUTHENTICATE:
            return None
        return plain_answer(data, m.Authenticated(proof))

    port.on_write = answer
    with pytest.raises(PumpUnproven, match=r"does not hold the key\. Perhaps it is an impostor"):
        connect(port.guard.keys[CLINICIAN]).open()
    assert types_heard(port) == [c.MessageType.IDENTIFY, c.MessageType.AUTHENTICATE]


def test_a_recorded_proof_proves_nothing(port):
    """Each handshake has a fresh half from the programmer."""
    recorded: list[bytes] = []

    def record(data: bytes) -> bytes | None:
        if data[3] == c.MessageType.AUTHENTICATE:
            recorded.append(
                proof_with(port.guard.keys[CLINICIAN], data, port.endpoint.telemetry.identity())
            )
            return plain_answer(data, m.Authenticated(recorded[0]))
        return b"" if data[3] == c.MessageType.OPEN_LINK else None

    port.on_write = record
    with pytest.raises(NoAnswerError):  # it proves it, and then is silent
        connect(port.guard.keys[CLINICIAN]).open()
    with pytest.raises(PumpUnproven):
        connect(port.guard.keys[CLINICIAN]).open()


def test_another_pump_at_the_same_port_is_not_taken_for_the_first(port, monkeypatch):
    """Both are known: a new link in the middle of a conversation must not change the patient."""
    other = implanted()
    other.serial_number = "SIM-0002"
    for serial, keys in ((SERIAL, port.guard.keys), ("SIM-0002", OTHER_KEYS)):
        KeyStore().keep(serial, keys[CLINICIAN])
    with connect() as programmer:
        assert programmer.refill(20_000_000).order_number == 1
        port.pump, port.guard = other, guard(2)
        port.restart()
        port.heard.clear()
        with pytest.raises(OutcomeUnknown):
            programmer.refill(18_000_000)
        with pytest.raises(WrongPeer, match="another pump answers now: serial number SIM-0002"):
            programmer.resolve()
    assert c.MessageType.AUTHENTICATE not in types_heard(port)


# --- Roles ---------------------------------------------------------------------------------------


def test_what_a_role_may_not_is_refused_and_who_may_is_told(port):
    key = port.guard.keys[UserRole.OBSERVER]
    with connect(key) as programmer:
        with pytest.raises(NotPermitted) as caught:
            programmer.order_bolus(50_000, 600_000)
        assert programmer.in_doubt is None
        assert programmer.interrogate()
    assert str(caught.value) == (
        "the pump refused to order bolus: the role of the key does not allow it\n"
        "  The key is of role observer; this needs one of role clinician."
    )
    assert caught.value.role is UserRole.OBSERVER


def test_a_patients_handset_orders_under_numbers_of_its_own(port):
    with connect(port.guard.keys[CLINICIAN]) as programmer:
        programmer.refill(20_000_000)
    with connect(port.guard.keys[UserRole.PATIENT]) as handset:
        assert handset.last_order_number == 0
        with pytest.raises(PumpRefused, match="no patient bolus is prescribed"):
            handset.request_patient_bolus()
        with pytest.raises(NotPermitted, match="role patient; this needs one of role observer"):
            handset.read_prescription()
    with connect(port.guard.keys[CLINICIAN]) as programmer:
        assert programmer.last_order_number == 1


# --- Answers that nobody proved ------------------------------------------------------------------


def forged_refusal(data: bytes, code: c.RefusalCode) -> bytes:
    """That the link is not known, as anybody can say it."""
    return plain_answer(data, m.Refusal(data[3], (m.Reason(code, c.Field.LINK_ID),)))


@pytest.mark.parametrize("heard_too", [False, True], ids=["lost", "carried out"])
@pytest.mark.parametrize(
    "code", [c.RefusalCode.LINK_NOT_OPEN, c.RefusalCode.AUTHENTICATION_REQUIRED]
)
def test_a_forged_refusal_leaves_the_outcome_unknown_at_the_first_sending(port, code, heard_too):
    """Whoever says that nothing was done must prove it; the pump tells what became of it."""

    def forge(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.UPDATE_RESERVOIR:
            return None
        port.on_write = lambda data: None
        if heard_too:
            port.endpoint.receive_data(data, port.now_ns)
        return forged_refusal(data, code)

    with connect(port.guard.keys[CLINICIAN]) as programmer:
        port.on_write = forge
        with pytest.raises(OutcomeUnknown, match="an answer said so that anybody may have sent"):
            programmer.refill(18_000_000)
        found = programmer.resolve()
        assert found.done is heard_too
        assert programmer.interrogate().believed_volume_nl <= 20_000_000
        assert programmer.in_doubt is None


@pytest.mark.parametrize("heard_too", [False, True], ids=["lost", "carried out"])
def test_a_forged_refusal_in_the_new_link_leaves_the_outcome_unknown_too(port, heard_too):
    """The first link has ended by itself, and the order is sent again in another one."""
    sent = []

    def forge(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.UPDATE_RESERVOIR:
            return None
        sent.append(data)
        if len(sent) == 1:
            return None
        port.on_write = lambda data: None
        if heard_too:
            port.endpoint.receive_data(data, port.now_ns)
        return forged_refusal(data, c.RefusalCode.LINK_NOT_OPEN)

    with connect(port.guard.keys[CLINICIAN]) as programmer:
        port.wait_link(c.IDLE_LIMIT_MS)
        port.on_write = forge
        with pytest.raises(OutcomeUnknown, match="an answer said so that anybody may have sent"):
            programmer.refill(18_000_000)
        assert len(sent) == 2
        assert programmer.resolve().done is heard_too


def test_a_request_repeated_in_the_new_link_and_refused_there_is_unknown(legacy):
    """LINK-10: its first sending may have been carried out before the pump started anew."""
    sent = []

    def restart(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.UPDATE_RESERVOIR:
            return None
        sent.append(data)
        if len(sent) == 2:
            legacy.endpoint.receive_data(data, legacy.now_ns)
            return b""
        if len(sent) == 3:
            legacy.restart()
        return None

    with connect(insecure=True) as programmer:
        legacy.wait_link(c.IDLE_LIMIT_MS)
        legacy.on_write = restart
        with pytest.raises(OutcomeUnknown):
            programmer.refill(18_000_000)
        assert programmer.resolve().done is True


def test_a_forged_refusal_of_what_only_reads_costs_a_new_link_and_nothing_else(port):
    def forge(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.INTERROGATE:
            return None
        port.on_write = lambda data: None
        return forged_refusal(data, c.RefusalCode.LINK_NOT_OPEN)

    with connect(port.guard.keys[CLINICIAN]) as programmer:
        port.on_write = forge
        assert programmer.interrogate().at_ms == 0


@pytest.mark.parametrize("code", [c.RefusalCode.OUT_OF_RANGE, c.RefusalCode.STALE_ORDER])
def test_another_forged_refusal_is_not_believed_at_all(port, code):
    """It waits for the pump's own answer, which comes behind it."""

    def forge(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.UPDATE_RESERVOIR:
            return None
        return forged_refusal(data, code) + port.endpoint.receive_data(data, port.now_ns)

    with connect(port.guard.keys[CLINICIAN]) as programmer:
        port.on_write = forge
        assert programmer.refill(18_000_000).after_nl == 18_000_000
