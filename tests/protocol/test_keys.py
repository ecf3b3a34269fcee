"""Keys and pairing codes: random, told apart, copied without loss, and never shown by accident."""

import math
import random
import re
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pump_protocol.codes import PAIRING_CODE_BITS, PAIRING_KEY_ID, SECRET_BYTES, UserRole
from pump_protocol.errors import BadKey
from pump_protocol.keys import Key, new_pairing_code, pairing_key

from .test_vectors import cases, read

VECTORS = read("authenticated.json")
QUICK = settings(max_examples=60, deadline=None)

keys = st.builds(
    Key,
    st.integers(1, 2**64 - 1),
    st.sampled_from(UserRole),
    st.binary(min_size=SECRET_BYTES, max_size=SECRET_BYTES),
)


def seeded(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


# --- Keys ----------------------------------------------------------------------------------------


@QUICK
@given(key=keys)
def test_a_key_survives_being_written_and_read(key: Key) -> None:
    """KEY-04, with whatever an editor, a shell or a person does to its edges and its case."""
    assert Key.from_text(key.to_text()) == key
    assert Key.from_text(f" \t{key.to_text().upper()}\r\n") == key


@cases([{"name": each["text"][:12], **each} for each in VECTORS["keys"]])
def test_the_text_of_a_key_is_the_golden_one(case: dict[str, str]) -> None:
    key = Key(int(case["key_id"]), UserRole[case["role"]], bytes.fromhex(case["secret"]))
    assert key.to_text() == case["text"]
    assert Key.from_text(case["text"]) == key


@QUICK
@given(key=keys, text=st.text(max_size=12), at=st.integers(0, 90))
def test_a_key_that_was_damaged_is_refused_or_is_another_key(key: Key, text: str, at: int) -> None:
    """Never an error of another kind, and never the same key."""
    good = key.to_text()
    bad = good[:at] + text + good[at + 1 :]
    assume(bad.strip().lower() != good)
    told = ""
    try:
        assert Key.from_text(bad) != key
    except BadKey as error:
        told = str(error)
    assert key.secret.hex() not in told, "a secret mistyped is still a secret"
    assert good[-16:] not in told


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clinician",
        "clinician-0000000000000001",
        f"clinician-{'0' * 16}-{'00' * 32}",  # the key id of pairing codes
        f"nurse-{'1' * 16}-{'00' * 32}",
        f"clinician-{'1' * 15}-{'00' * 32}",
        f"clinician-{'1' * 16}-{'00' * 31}",
        f"clinician-{'1' * 16}-{'00' * 33}",
        f"clinician-{'g' * 16}-{'00' * 32}",
        f"clinician_{'1' * 16}_{'00' * 32}",
        f"clinician-{'1' * 16}-{'00' * 32} and more",
        f"clinician-{'1' * 16}-{'00' * 32}\nclinician-{'1' * 16}-{'00' * 32}",
    ],
)
def test_what_is_no_key_is_refused_and_says_what_is_wanted(text: str) -> None:
    with pytest.raises(BadKey, match="wanted is its role") as raised:
        Key.from_text(text)
    assert len(text) < 20 or text not in str(raised.value)


@pytest.mark.parametrize("role", UserRole)
def test_a_new_key_is_random_and_of_its_role(role: UserRole) -> None:
    """KEY-02: all of it comes from the source of randomness, and nothing from elsewhere."""
    found = [Key.new(role, seeded(seed)) for seed in range(50)]
    assert {each.role for each in found} == {role}
    assert len({each.key_id for each in found}) == len({each.secret for each in found}) == 50
    assert Key.new(role, seeded(1)) == Key.new(role, seeded(1))


def test_a_new_key_never_has_the_key_id_of_pairing_codes() -> None:
    drawn = iter([bytes(8), b"\x05" + bytes(7), bytes(range(32))])
    key = Key.new(UserRole.PATIENT, lambda _: next(drawn))
    assert key == Key(5, UserRole.PATIENT, bytes(range(32)))


def test_secrets_are_not_in_the_repr_of_a_key() -> None:
    key = Key(1, UserRole.CLINICIAN, b"never show me to anybody, please")
    assert "never" not in repr(key)
    assert "never" not in f"{key}"


# --- Pairing codes -------------------------------------------------------------------------------


@QUICK
@given(seed=st.integers(0, 2**32))
def test_a_pairing_code_can_be_typed_from_paper(seed: int) -> None:
    """PAIR-01: in groups, of an alphabet without look-alikes of digits, in any case and spacing."""
    code = new_pairing_code(seeded(seed))
    assert re.fullmatch(r"(?:[A-Z2-7]{5}-){5}[A-Z2-7]", code)
    for typed in (code, code.lower(), code.replace("-", ""), f" {code.replace('-', ' ')}\n"):
        assert pairing_key(typed, UserRole.PATIENT) == pairing_key(code, UserRole.PATIENT)


def test_a_pairing_code_has_at_least_128_bits_and_each_of_them_counts() -> None:
    """A shorter one could be searched for off line in what was overheard."""
    assert PAIRING_CODE_BITS >= 128
    codes = {new_pairing_code(seeded(seed)).replace("-", "") for seed in range(3_000)}
    assert len(codes) == 3_000
    used = [len({code[at] for code in codes}) for at in range(26)]
    assert sum(math.log2(each) for each in used) == PAIRING_CODE_BITS
    drawn = iter([(1 << bit).to_bytes(17) for bit in range(136 - PAIRING_CODE_BITS, 136)])
    flipped = {new_pairing_code(lambda _: next(drawn)) for _ in range(PAIRING_CODE_BITS)}
    assert len(flipped) == PAIRING_CODE_BITS


@QUICK
@given(one=st.integers(0, 2**32), other=st.integers(0, 2**32))
def test_different_codes_give_different_secrets(one: int, other: int) -> None:
    codes = [new_pairing_code(seeded(each)) for each in (one, other)]
    found = [pairing_key(each, UserRole.SERVICE).secret for each in codes]
    assert (found[0] == found[1]) is (codes[0] == codes[1])


@cases([{"name": each["role"], **each} for each in VECTORS["pairing_codes"]])
def test_the_secret_of_a_code_is_the_golden_one(case: dict[str, str]) -> None:
    """PAIR-02, reckoned here by hand, too."""
    key = pairing_key(case["code"], UserRole[case["role"]])
    plain = case["code"].replace("-", "").replace(" ", "")
    assert key.secret == sha256(b"pump-sim pairing code 1\x00" + plain.encode("ascii")).digest()
    assert key.secret.hex() == case["secret"]
    assert key.key_id == PAIRING_KEY_ID == int(case["key_id"])
    assert key.role is UserRole[case["role"]]


@pytest.mark.parametrize("code", ["", "123456", "A" * 25, "A" * 27, "A" * 25 + "1", "Ä" * 26])
def test_what_is_no_pairing_code_is_refused(code: str) -> None:
    with pytest.raises(BadKey, match="26 characters") as raised:
        pairing_key(code, UserRole.PATIENT)
    assert len(code) < 7 or code not in str(raised.value)


@given(text=st.text(max_size=40))
def test_any_text_is_a_pairing_code_or_refused(text: str) -> None:
    with suppress(BadKey):
        assert len(pairing_key(text, UserRole.PATIENT).secret) == SECRET_BYTES
