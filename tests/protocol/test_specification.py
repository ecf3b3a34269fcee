"""The normative page is true: its clauses exist, its examples happen, its refusals are complete.

That its tables are the code's is checked with all generated parts, in tests/docs/test_reference.py.
"""

import hmac
import importlib.util
import json
import re
import shlex
import socket
from base64 import b32decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from secrets import token_bytes
from types import ModuleType
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import messages as m
from pump_protocol.access import EMERGENCY
from pump_protocol.codes import (
    MAX_PAYLOAD_BYTES,
    START,
    AlarmClass,
    BolusKind,
    BridgeDecision,
    Field,
    MassUnit,
    MessageType,
    Mode,
    RefusalCode,
    UserRole,
    Weekday,
)
from pump_protocol.crc import frame_check, header_check
from pump_protocol.envelope import Envelope
from pump_protocol.frames import Frame, FrameDecoder
from pump_protocol.guard import PumpGuard
from pump_protocol.handshake import Initiator, prologue
from pump_protocol.keys import Key
from pump_protocol.payloads import decode_response, encode, prescription_digest
from pump_protocol.reckoning import dose_totals
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from tests.system.processes import RunningPump, running_pump

from . import noise_by_hand as by_hand
from .links import frames_in
from .strategies import MESSAGE_CLASSES, messages
from .test_vectors import MESSAGES, message_from, read

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "wire-protocol.md").read_text("utf-8")
FAMILIES = (
    *("FRAME", "LINK", "SEQ", "MSG", "TIME", "PROG", "ORDER", "ALARM", "LOG", "CLOCK", "REF"),
    *("SEC", "KEY", "PAIR", "AUTH", "SEAL", "ROLE", "EMERG"),
)
CLAUSE = re.compile(rf"\b(?:{'|'.join(FAMILIES)})-\d\d\b")
DAY_MS = 86_400_000
PROGRAMMER_ID = 0x1122334455667788


def tool(name: str) -> ModuleType:
    """A module of tools/ that imports no other of them."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- The page ------------------------------------------------------------------------------------


def defined_clauses() -> list[str]:
    return re.findall(r"^\*\*([A-Z]+-\d\d)\.\*\*", PAGE, re.MULTILINE)


def test_clause_ids_are_unique_and_without_gaps() -> None:
    clauses = defined_clauses()
    assert [each for each, count in Counter(clauses).items() if count > 1] == []
    numbers: dict[str, list[int]] = {}
    for clause in clauses:
        family, number = clause.split("-")
        numbers.setdefault(family, []).append(int(number))
    for family, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), family
    assert tuple(numbers) == FAMILIES


def test_every_clause_that_is_named_anywhere_exists() -> None:
    places = [
        *(ROOT / "tools").glob("*.py"),
        *(ROOT / "protocol").rglob("*.json"),
        *(ROOT / "protocol").rglob("*.py"),
        *(ROOT / "tests" / "protocol").glob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
    ]
    known = set(defined_clauses())
    for path in places:
        unknown = set(CLAUSE.findall(path.read_text("utf-8"))) - known
        assert not unknown, f"{path.relative_to(ROOT)} names {sorted(unknown)}"


def test_links_within_the_page_lead_somewhere() -> None:
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL), re.MULTILINE
    )
    anchors = [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]
    assert [each for each, count in Counter(anchors).items() if count > 1] == []
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= set(anchors)


@pytest.mark.parametrize("message_class", MESSAGE_CLASSES, ids=lambda each: each.__name__)
def test_every_message_has_its_byte_table(message_class: type[m.Message]) -> None:
    assert f"\n#### {message_class.__name__}\n" in PAGE


def test_nothing_on_the_page_is_in_the_markup_of_docstrings() -> None:
    assert re.findall(r":\w+:`|``(?!`)\w", re.sub(r"^```.*", "", PAGE, flags=re.MULTILINE)) == []


def test_the_tables_are_aligned() -> None:
    """Every row of a Markdown table has as many cells as its head."""
    for block in re.findall(r"(?:^\|.*\|$\n)+", PAGE, re.MULTILINE):
        cells = {line.count("|") for line in block.splitlines()}
        assert len(cells) == 1, block[:200]


# --- The examples --------------------------------------------------------------------------------


def vp_20(daily_dose_ng: int = 100_000) -> PumpEndpoint:
    """The pump that the worked examples show, on its first day."""
    prescription = simple_continuous(
        drug_name="baclofen", concentration_ng_per_ml=500_000, daily_dose_ng=daily_dose_ng
    )
    pump = Pump.implant(load_profile("pump-20ml"), prescription, clock_local_ms=1_788_249_600_000)
    return PumpEndpoint(Simulation(pump))


def shown_frames(block: str) -> list[bytes]:
    """The frames that a generated block shows, requests and responses in turns."""
    found = re.findall(r"```text\n((?:[0-9a-f]{2}[ \n])+)```", generated(block))
    return [bytes.fromhex(each) for each in found]


def generated(block: str) -> str:
    found = re.search(rf"<!-- generated: {block} -->(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def shown_values(block: str) -> dict[str, bytes]:
    """The named bytes that a generated block lists; a value goes on in lines without a name."""
    values: dict[str, bytes] = {}
    name = ""
    for line in generated(block).splitlines():
        listed = re.fullmatch(r"(\S.*?)?\s{2,}((?:[0-9a-f]{2} ?)+)", line)
        if listed:
            name = listed[1] or name
            values[name] = values.get(name, b"") + bytes.fromhex(listed[2])
    return values


STORIES = [("story", 16), ("story-of-schedules", 24)]


@pytest.mark.parametrize(("story", "frames"), STORIES)
def test_the_simulator_answers_the_worked_examples_byte_for_byte(story: str, frames: int) -> None:
    endpoint = vp_20()
    endpoint.jump_to(10 * DAY_MS, 0)
    said = shown_frames(story)
    assert len(said) == frames
    for request, response in zip(said[::2], said[1::2], strict=True):
        assert endpoint.receive_data(request, 0) == response


@contextmanager
def pump_of_the_page(*, but: str = "") -> Iterator[RunningPump]:
    """The pump on a port that section 18 says how to start; *but* is left out of the command."""
    command = re.search(r"```sh\npump-sim run (.+?)\n```", section_18(), re.DOTALL)
    assert command is not None
    assert but in command[1]
    options = shlex.split(command[1].replace("\\\n", " ").replace(but, ""))
    with running_pump(*options) as pump:
        yield pump


def section_18() -> str:
    return PAGE[PAGE.index("## 18.") :]


def ask_port(connection: socket.socket, request: bytes) -> bytes:
    """The frame that a real pump answers with."""
    connection.sendall(request)
    decoder, heard = FrameDecoder(), b""
    while not decoder.feed(piece := connection.recv(4096)):
        assert piece, "the pump has gone"
        heard += piece
    return heard + piece


def test_a_real_pump_started_as_the_page_says_answers_the_plain_link_byte_for_byte() -> None:
    """The command, the line to the door, and sixteen frames, all as they stand in section 18."""
    line = re.search(r"```json\n(.+?)\n```", section_18())
    assert line is not None
    with pump_of_the_page() as pump:
        with connected(pump.ready["control"].removeprefix("tcp:")) as door:
            door.sendall(line[1].encode() + b"\n")
            assert json.loads(door.makefile().readline())["ok"]
        with connected(pump.address.removeprefix("socket://")) as port:
            said = shown_frames("story")
            for request, response in zip(said[::2], said[1::2], strict=True):
                assert ask_port(port, request) == response


def test_a_real_pump_without_the_option_of_the_page_refuses_the_plain_links() -> None:
    """And answers the plain frames of the authenticated link as the page shows them."""
    with (
        pump_of_the_page(but="--security legacy-insecure") as pump,
        connected(pump.address.removeprefix("socket://")) as port,
    ):
        link = shown_frames("authenticated-link")
        plain = [*zip(link[::2], link[1::2], strict=True)]
        plain = [each for each in plain if each[0][2] == 1 and each[0][3] != 0x17]
        assert [request[3] for request, _ in plain] == [0x03, 0x1B, 0x04]
        for request, response in plain:
            assert ask_port(port, request) == response
        for request in (*shown_frames("story")[::2], *shown_frames("story-of-schedules")[::2]):
            (answer,) = frames_in(ask_port(port, request))
            told = decode_response(answer.message_type, answer.payload)
            if request[3] == MessageType.IDENTIFY:
                assert isinstance(told, m.Identity)
            else:
                assert isinstance(told, m.Refusal)
                assert told.codes == {RefusalCode.AUTHENTICATION_REQUIRED}


def connected(address: str) -> socket.socket:
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=20)


# --- The worked authenticated link ---------------------------------------------------------------

PATIENTS_KEY = Key(0x1112131415161718, UserRole.PATIENT, bytes(range(0x60, 0x80)))
LINKS = read("authenticated.json")["links"]


def clinicians_key() -> Key:
    """The key that the page gives, as text."""
    found = re.search(r"```text\n(clinician-\S+)\n```", generated("authenticated-inputs"))
    assert found is not None
    return Key.from_text(found[1])


def authenticated_vp_20(random_bytes: Callable[[int], bytes]) -> PumpEndpoint:
    """The pump of the worked examples, with keys, and with what is random given."""
    guard = PumpGuard([clinicians_key(), PATIENTS_KEY], random_bytes=random_bytes)
    endpoint = PumpEndpoint(vp_20().simulation, guard=guard)
    endpoint.jump_to(10 * DAY_MS, 0)
    return endpoint


def test_the_simulator_answers_the_authenticated_link_byte_for_byte() -> None:
    """Handshake, sealed frames, and the four that are refused: replayed, altered, plain, far."""
    ephemeral = shown_values("authenticated-inputs")["pump's e"]
    endpoint = authenticated_vp_20(lambda _: ephemeral)
    said = shown_frames("authenticated-link")
    assert len(said) == 18
    for request, response in zip(said[::2], said[1::2], strict=True):
        assert endpoint.receive_data(request, 0) == response


def test_the_simulator_answers_the_worked_pairing_byte_for_byte() -> None:
    """The code that is drawn is that of the page, and so is everything that follows."""
    code = re.search(r"code `(\S+)`", generated("pairing-example"))
    assert code is not None
    drawn = b32decode(code[1].replace("-", "") + "A" * 6)[:17]
    ephemeral = shown_values("authenticated-inputs")["pump's e"]
    endpoint = authenticated_vp_20(lambda size: drawn if size == len(drawn) else ephemeral)
    endpoint.presence.on_pump = True
    assert endpoint.offer_pairing(UserRole.PATIENT, 0) == code[1]
    said = shown_frames("pairing-example")
    assert len(said) == 8
    for request, response in zip(said[::2], said[1::2], strict=True):
        assert endpoint.receive_data(request, 0) == response


def test_the_worked_link_can_be_made_with_another_implementation() -> None:
    """From what the page gives to every byte that it shows, by a handshake written from the Noise
    specification and a cipher: AUTH-02 to AUTH-06, SEAL-01 to SEAL-03.
    """
    inputs, shown = shown_values("authenticated-inputs"), shown_values("authenticated-handshake")
    key, said = clinicians_key(), shown_frames("authenticated-link")
    assert inputs["key id"] == key.key_id.to_bytes(8, "little")
    assert inputs["secret"] == key.secret
    identity = frames_in(said[1])[0].payload
    digest = sha256(identity).digest()
    prologue = b"pump-sim\x01" + inputs["link id"] + inputs["key id"] + bytes((key.role,)) + digest
    assert (shown["SHA-256 of Identity"], shown["prologue"]) == (digest, prologue)
    shaken = by_hand.Handshake(
        psk=inputs["secret"],
        prologue=prologue,
        initiators=inputs["programmer's e"],
        responders=inputs["pump's e"],
    )
    assert shown["protocol name"] == by_hand.NAME
    assert (shown["message 1"], shown["message 2"]) == (shaken.first, shaken.second)
    assert steps_shown() == {
        1: {"h": sha256(by_hand.NAME).digest(), "ck": sha256(by_hand.NAME).digest()},
        2: {"h": sha256(sha256(by_hand.NAME).digest() + prologue).digest()},
        3: shaken.steps[0],
        4: shaken.steps[1],
        5: {"h": shaken.steps[2]["h"]},
        6: shaken.steps[3],
        7: {
            "dh": by_hand.shared(inputs["programmer's e"], shaken.second[:32]),
            "ck": shaken.steps[4]["ck"],
            "k": shaken.steps[4]["k"],
        },
        8: {"h": shaken.steps[5]["h"]},
    }
    keys = {True: shaken.to_responder, False: shaken.to_initiator}
    assert (shown["key to the pump"], shown["key to the programmer"]) == (keys[True], keys[False])

    begin, answer = (frames_in(each)[0] for each in said[2:4])
    assert begin.payload == inputs["key id"] + bytes((key.role,)) + shaken.first
    assert answer.payload == shaken.second

    sealed = [frames_in(each)[0] for each in said if each[2] == 0x81]
    counters = {True: 0, False: 0}
    told: list[tuple[int, bytes]] = []
    for frame in sealed:
        to_pump = frame.message_type < 0x80
        opened = opened_by_hand(frame, keys[to_pump])
        counter = int.from_bytes(frame.payload[:8], "little")
        if opened is None or counter < counters[to_pump]:
            told.append((frame.message_type, b"refused"))
            continue
        assert counter == counters[to_pump], "nothing was lost in this link"
        counters[to_pump] += 1
        told.append((frame.message_type, opened))
    assert [kind for kind, _ in told] == [0x01, 0x81, 0x04, 0x84, 0x01, 0x0A, 0x02, 0x82]
    assert [kind for kind, text in told if text == b"refused"] == [0x01, 0x0A]
    assert told[0][1] == PROGRAMMER_ID.to_bytes(8, "little")
    assert told[3][1] == encode(decode_response(0x84, told[3][1]))


def steps_shown() -> dict[int, dict[str, bytes]]:
    """What the page says that each step of the handshake changes."""
    steps: dict[int, dict[str, bytes]] = {}
    for name, value in shown_values("authenticated-steps").items():
        number, what = name.split()
        steps.setdefault(int(number), {})[what] = value
    return steps


def test_the_nine_steps_of_the_page_give_the_keys_of_the_page() -> None:
    """The program of the page, line by line, by whoever has no Noise library (AUTH-06)."""
    inputs, shown = shown_values("authenticated-inputs"), shown_values("authenticated-handshake")
    lines = re.findall(r"^([1-9])   (.+?)(?:   .*)?$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in lines] == [*range(1, 10)]
    state = HandshakeOfThePage()
    for number, line in lines:
        for act in line.split("; "):
            state.do(act, inputs, shown)
        now = {"h": state.h, "ck": state.ck, "k": state.k, "dh": state.dh}
        for name, value in steps_shown().get(int(number), {}).items():
            assert now[name] == value, f"step {number}: {name}"
    assert state.tags == [shown["message 1"][32:], shown["message 2"][32:]]
    assert state.o1 == shown["key to the pump"]
    assert state.o2 == shown["key to the programmer"]


class HandshakeOfThePage:
    """``h``, ``ck``, ``k`` and the functions, as the page has them in front of the nine steps."""

    def __init__(self) -> None:
        self.h = self.ck = self.k = self.dh = self.o1 = self.o2 = self.o3 = b""
        self.tags: list[bytes] = []

    def mix_hash(self, data: bytes) -> None:
        self.h = sha256(self.h + data).digest()

    def hkdf(self, data: bytes) -> None:
        t = hmac.digest(self.ck, data, "sha256")
        self.o1 = hmac.digest(t, b"\x01", "sha256")
        self.o2 = hmac.digest(t, self.o1 + b"\x02", "sha256")
        self.o3 = hmac.digest(t, self.o2 + b"\x03", "sha256")

    def mix_key(self, data: bytes) -> None:
        self.hkdf(data)
        self.ck, self.k = self.o1, self.o2

    def tag(self) -> None:
        self.tags.append(ChaCha20Poly1305(self.k).encrypt(bytes(12), b"", self.h))

    def do(self, act: str, inputs: dict[str, bytes], shown: dict[str, bytes]) -> None:
        """One act of a step, as the page words it."""
        first, second = shown["message 1"][:32], shown["message 2"][:32]
        match act:
            case "h = ck = SHA-256(the 36 ASCII bytes of the name in AUTH-01)":
                assert len(shown["protocol name"]) == 36
                self.h = self.ck = sha256(shown["protocol name"]).digest()
            case "ck = o1":
                self.ck = self.o1
            case "k = o3":
                self.k = self.o3
            case "t1 = tag()" | "t2 = tag()":
                self.tag()
            case "mix_hash(t1)" | "mix_hash(t2)":
                self.mix_hash(self.tags[-1])
            case "mix_key(X25519(own private ephemeral key, public one of the other end))":
                self.dh = by_hand.shared(inputs["programmer's e"], second)
                assert self.dh == by_hand.shared(inputs["pump's e"], first)
                self.mix_key(self.dh)
            case "key to the pump = o1" | "key to the programmer = o2":
                pass
            case _:
                data = {"prologue": shown["prologue"], "psk": inputs["secret"], "o2": self.o2}
                data |= {"E1": first, "E2": second, "empty": b""}
                name, _, argument = act.removesuffix(")").partition("(")
                {"mix_hash": self.mix_hash, "mix_key": self.mix_key, "hkdf": self.hkdf}[name](
                    data[argument]
                )


def test_the_worked_sealing_is_what_it_says() -> None:
    """SEAL-02, from the named bytes alone."""
    shown = shown_values("authenticated-sealing")
    cipher = ChaCha20Poly1305(shown["key to the pump"])
    sealed = cipher.encrypt(shown["nonce"], shown["payload"], shown["associated data"])
    assert sealed == shown["ciphertext"] + shown["tag"]
    header = shown["associated data"][:18]
    body = header + header_check(header).to_bytes(2, "little") + shown["nonce"][4:] + sealed
    assert shown["frame"] == body + frame_check(body).to_bytes(4, "little")
    assert shown["frame"] == shown_frames("authenticated-link")[4]


def opened_by_hand(frame: Frame, key: bytes) -> bytes | None:
    """A sealed frame opened with nothing but the cipher, or None."""
    counter, rest = frame.payload[:8], frame.payload[8:]
    header = (
        START + bytes((frame.version, frame.message_type)) + frame.link_id.to_bytes(8, "little")
    )
    header += frame.sequence.to_bytes(4, "little") + len(frame.payload).to_bytes(2, "little")
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(4) + counter, rest, header + counter)
    except InvalidTag:
        return None


def test_the_emergency_messages_are_shown_as_they_are_sent() -> None:
    shown = re.findall(r"\| `((?:[0-9a-f]{2} ?)+)` \|", generated("emergency-messages"))
    frames = [frames_in(bytes.fromhex(each))[0] for each in shown]
    assert {each.message_type for each in frames} == EMERGENCY
    assert {(each.link_id, each.sequence, each.payload) for each in frames} == {(0, 1, b"")}


def test_the_table_of_roles_is_the_one_that_the_pump_goes_by() -> None:
    """Cell by cell, against what is refused with NOT_PERMITTED in a link of each role (ROLE-01)."""
    rows = re.findall(r"^\| \[(\w+)\]\(.*?\) \|(.*)\|$", generated("access-by-role"), re.MULTILINE)
    cells = {name: [each.strip() == "yes" for each in rest.split("|")] for name, rest in rows}
    assert set(cells) == {each.__name__ for each in m.REQUESTS.values()}
    for column, role in enumerate(UserRole, start=2):
        link = Sealed(Key(9, role, bytes(32)))
        link.open()
        for request in m.REQUESTS.values():
            if request in {m.OpenLink, m.CloseLink}:
                assert cells[request.__name__][column]
                continue
            answer = link.ask(edge(request))
            refused = isinstance(answer, m.Refusal) and (
                RefusalCode.NOT_PERMITTED in {reason.code for reason in answer.reasons}
            )
            assert refused is not cells[request.__name__][column], f"{request.__name__} by {role}"


class Sealed:
    """A programmer in an authenticated link with a pump of the examples, made by hand."""

    def __init__(self, key: Key, link_id: int = 9) -> None:
        self.endpoint = PumpEndpoint(vp_20().simulation, guard=PumpGuard([key]))
        self.key, self.link_id, self.sequence = key, link_id, 0
        self._envelope: Envelope | None = None

    def open(self) -> None:
        """The handshake, and the link."""
        identity = self.plain(m.Identify())
        assert isinstance(identity, m.Identity)
        bound = prologue(
            self.link_id, self.key.key_id, self.key.role, sha256(encode(identity)).digest()
        )
        initiator = Initiator(self.key, bound, token_bytes)
        answer = self.plain(m.Authenticate(self.key.key_id, self.key.role, initiator.message))
        assert isinstance(answer, m.Authenticated)
        keys = initiator.finish(answer.handshake)
        self._envelope = Envelope(sending=keys.to_pump, receiving=keys.to_programmer)
        assert isinstance(self.ask(m.OpenLink(1)), m.LinkOpened)

    def plain(self, request: m.Message, link_id: int | None = None) -> m.Response:
        self.sequence += 1
        link_id = self.link_id if link_id is None else link_id
        data = Frame(request.message_type, link_id, self.sequence, encode(request)).to_bytes()
        (answer,) = frames_in(self.endpoint.receive_data(data, 0))
        assert not answer.sealed
        return decode_response(answer.message_type, answer.payload)

    def ask(self, request: m.Message) -> m.Response:
        self.sequence += 1
        assert self._envelope is not None
        data = self._envelope.seal(
            request.message_type, self.link_id, self.sequence, encode(request)
        )
        (answer,) = frames_in(self.endpoint.receive_data(data, 0))
        return decode_response(answer.message_type, self._envelope.open(answer))


def edge(request: type[m.Request[Any]]) -> m.Message:
    """A request of that class; what it asks for does not matter."""
    found: m.Message = next(
        message_from(request, case["fields"])
        for case in MESSAGES
        if case["message"] == request.__name__
    )
    return found


def test_the_worked_examples_are_golden_vectors() -> None:
    text = (files("pump_protocol") / "vectors" / "messages.json").read_text("utf-8")
    golden = {bytes.fromhex(case["frame"]) for case in json.loads(text)["vectors"]}
    golden |= {bytes.fromhex(said["frame"]) for link in LINKS for said in link["frames"]}
    shown = PAGE[PAGE.index("## 18.") :]
    for block in re.findall(r"```text\n((?:[0-9a-f]{2}[ \n])+)```", shown):
        assert bytes.fromhex(block) in golden


# --- The table of refusals -----------------------------------------------------------------------

REQUESTS = tuple(each for each in MESSAGE_CLASSES if each.message_type < 0x80)
WORDS = tool("wire_words")


def near(*values: int) -> st.SearchStrategy[int]:
    """Values at, just below and just above those that matter."""
    return st.sampled_from(sorted({max(0, each + by) for each in values for by in (-1, 0, 1)}))


DRUGS = st.builds(
    m.Drug,
    st.sampled_from(MassUnit),
    near(0, 1_000, 500_000, 2_000_000, 100_000_000),
    st.sampled_from(["", "baclofen", "other", "x" * 33, "\n"]),
)
GOOD_DRUG = m.Drug(MassUnit.MICROGRAM, 500_000, "baclofen")
GOOD = m.Prescription(Mode.SIMPLE_CONTINUOUS, (GOOD_DRUG,), 120_000, 240_000, 2_000_000)
STEPS = st.builds(m.Step, near(0, 480, 1_440), near(6_000, 48_000, 200_000, 24_000_000))
DAYS = st.builds(
    m.DayPattern,
    st.sampled_from([Weekday(127), Weekday(31), Weekday(96), Weekday(0)]),
    st.lists(STEPS, max_size=3).map(tuple) | st.just((m.Step(0, 240_000),)),
)
WHOLE_WEEK = (m.DayPattern(Weekday(127), (m.Step(0, 240_000),)),)
DURATIONS = near(0, 60_000, 600_000, 3_600_000, 86_400_000)
PERIODIC = st.builds(
    m.PeriodicBolus,
    near(0, 6_000, 48_000, 24_000_000),
    near(0, 10_000, 500_000),
    near(0, 20_000, 1_000_000),
    DURATIONS,
    near(0, 60_000, 8 * 3_600_000, 7 * DAY_MS),
    near(0, 3_600_000, 7 * DAY_MS),
)
GOOD_PERIODIC = m.PeriodicBolus(180_000, 10_000, 20_000, 600_000, DAY_MS // 3, 0)
PATIENT = st.builds(
    m.PatientBolus,
    near(0, 5_000, 500_000),
    near(0, 10_000),
    DURATIONS,
    near(0, 60_000, 7_200_000, 7 * DAY_MS),
    near(0, 4, 24),
)
GOOD_PATIENT = m.PatientBolus(5_000, 10_000, 300_000, 7_200_000, 4)
BRIDGES = st.builds(
    m.Bridge,
    near(0, 340_000, 1_000_000),
    near(0, 48_000, 240_000, 24_000_000),
    near(0, 122_400_000, 30 * DAY_MS),
)


def none_or_some(good: object, any_: st.SearchStrategy[object]) -> st.SearchStrategy[Any]:
    return st.sampled_from([(), (good,)]) | st.lists(any_, max_size=2).map(tuple)


PRESCRIPTIONS = st.builds(
    m.Prescription,
    st.sampled_from(Mode),
    st.just((GOOD_DRUG,)) | st.lists(DRUGS, max_size=4).map(tuple),
    near(0, 3_000, 100_000, 120_000, 2_000_000),
    near(0, 6_000, 48_000, 200_000, 240_000, 24_000_000),
    near(0, 2_000_000, 10_000_000),
    st.sampled_from([(), WHOLE_WEEK]) | st.lists(DAYS, max_size=3).map(tuple),
    none_or_some(GOOD_PERIODIC, PERIODIC),
    none_or_some(GOOD_PATIENT, PATIENT),
    st.sampled_from(BridgeDecision),
    none_or_some(m.Bridge(340_000, 240_000, 122_400_000), BRIDGES),
)
STRONGER = (replace(GOOD_DRUG, concentration_ng_per_ml=2_000_000),)
ACCEPTED = (
    GOOD,
    replace(GOOD, daily_dose_ng=1_500_000, rate_nl_per_day=3_000_000),
    replace(GOOD, mode=Mode.STOPPED, daily_dose_ng=0, rate_nl_per_day=0),
    replace(GOOD, mode=Mode.MINIMUM_RATE, daily_dose_ng=3_000, rate_nl_per_day=6_000),
    replace(GOOD, mode=Mode.FLEX, days=WHOLE_WEEK),
    replace(GOOD, mode=Mode.PERIODIC_BOLUS, periodic_boluses=(GOOD_PERIODIC,)),
    replace(GOOD, patient_boluses=(GOOD_PATIENT,)),
    replace(GOOD, drugs=STRONGER, rate_nl_per_day=60_000, bridge_decision=BridgeDecision.DECLINED),
    replace(
        GOOD,
        drugs=STRONGER,
        rate_nl_per_day=60_000,
        bridge_decision=BridgeDecision.BRIDGE,
        bridges=(m.Bridge(340_000, 240_000, 122_400_000),),
    ),
)
"""Prescriptions that the pump of the examples takes, as long as it has the drug it began with."""

PLAUSIBLE = st.one_of(
    messages(REQUESTS),
    st.builds(m.StagePrescription, PRESCRIPTIONS).filter(
        lambda request: len(encode(request)) <= MAX_PAYLOAD_BYTES
    ),
    st.builds(m.StagePrescription, st.sampled_from(ACCEPTED)),
    st.builds(
        m.OrderBolus,
        st.integers(0, 6),
        st.sampled_from(BolusKind),
        near(0, 50_000, 500_000),
        near(0, 500_000),
        near(0, 100_000, 1_000_000),
        DURATIONS,
    ),
    st.builds(
        m.OrderBolus,
        st.integers(1, 9),
        st.sampled_from([BolusKind.SINGLE, BolusKind.PRIMING]),
        *map(st.just, (50_000, 500_000, 100_000, 600_000)),
    ),
    st.builds(m.RequestPatientBolus, st.integers(0, 12)),
    st.builds(m.UpdateReservoir, st.integers(0, 9), near(0, 1_000_000, 20_000_000)),
    st.builds(m.SetAlarmInterval, st.sampled_from(AlarmClass), near(0, 600_000, 7_200_000)),
    st.builds(m.WriteNote, st.sampled_from(["", "note", "x" * 128, "x" * 129, "\n", "\x1b[2J"])),
    st.sampled_from([request() for request in (m.AbortBolus, m.RollBackPrescription, m.ReadNote)]),
)


@pytest.mark.parametrize("prescription", ACCEPTED, ids=lambda each: each.mode.name)
def test_what_the_clauses_allow_is_staged_and_committed(prescription: m.Prescription) -> None:
    """PROG-18 to PROG-31; the totals are those that PROG-25 defines (REQ-04)."""
    endpoint = vp_20(120_000)

    def ask(sequence: int, request: m.Message) -> m.Response:
        frame = Frame(request.message_type, 9, sequence, encode(request)).to_bytes()
        (answer,) = frames_in(endpoint.receive_data(frame, 0))
        return decode_response(answer.message_type, answer.payload)

    assert isinstance(ask(1, m.OpenLink(1)), m.LinkOpened)
    staged = ask(2, m.StagePrescription(prescription))
    assert isinstance(staged, m.PrescriptionStaged), staged
    assert staged.prescription == prescription
    assert staged.digest == prescription_digest(2, prescription)
    assert staged.totals == dose_totals(prescription)
    assert staged.must_confirm is (staged.totals.with_patient_ng > 1_000_000)
    if staged.must_confirm:
        refused = ask(3, m.CommitPrescription(staged.digest))
        assert isinstance(refused, m.Refusal)
        assert [(each.code, each.field) for each in refused.reasons] == [
            (RefusalCode.NOT_CONFIRMED, Field.HIGHEST_DAILY_DOSE)
        ]
    confirmed = staged.totals.with_patient_ng if staged.must_confirm else None
    committed = ask(4, m.CommitPrescription(staged.digest, confirmed))
    assert isinstance(committed, m.PrescriptionCommitted), committed


@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_no_request_is_refused_for_what_the_table_does_not_name(data: st.DataObject) -> None:
    """REQ-26: whatever is asked, in whatever order and at whatever time, the answer is defined."""
    endpoint = vp_20()
    sequence = 1
    pending: tuple[bytes, int | None] = bytes(32), None
    open_link = Frame(MessageType.OPEN_LINK, 9, 1, bytes(8)).to_bytes()
    assert frames_in(endpoint.receive_data(open_link, 0))[0].message_type == MessageType.LINK_OPENED
    for _ in range(data.draw(st.integers(1, 12))):
        jump_days = data.draw(st.sampled_from([0, 0, 0, 1, 100, 3000]))
        if jump_days:
            endpoint.jump_to(endpoint.simulation.now_ms + jump_days * DAY_MS, 0)
        request = data.draw(PLAUSIBLE | st.just(m.CommitPrescription(*pending)))
        sequence += 1
        frame = Frame(request.message_type, 9, sequence, encode(request))
        (answer,) = frames_in(endpoint.receive_data(frame.to_bytes(), 0))
        response = decode_response(answer.message_type, answer.payload)
        if isinstance(response, m.PrescriptionStaged):
            confirmed = response.totals.with_patient_ng if response.must_confirm else None
            pending = response.digest, confirmed
        if isinstance(response, m.LinkClosed):
            return
        if not isinstance(response, m.Refusal):
            assert type(response) is m.REQUESTS[request.message_type].response_class
            continue
        documented = WORDS.REFUSALS[request.message_type] + WORDS.ANY_REQUEST
        allowed = {(code, field) for code, field, _ in documented}
        for reason in response.reasons:
            assert (reason.code, reason.field) in allowed, f"{request} refused for {reason}"


@settings(max_examples=40, deadline=None)
@given(data=st.data(), role=st.sampled_from(UserRole))
def test_an_authenticated_pump_refuses_for_nothing_that_the_table_does_not_name(
    data: st.DataObject, role: UserRole
) -> None:
    """REQ-30, with whoever's key, sealed or plain, near or far: the answer is defined."""
    link = Sealed(Key(9, role, bytes(32)))
    link.open()
    for _ in range(data.draw(st.integers(1, 8))):
        link.endpoint.presence.on_pump = data.draw(st.booleans())
        if data.draw(st.booleans()):
            link.endpoint.press_button(0)
        request = data.draw(PLAUSIBLE)
        plain = data.draw(st.booleans())
        response = (
            link.plain(request, data.draw(st.sampled_from([0, 9, 2**64 - 1])))
            if plain
            else link.ask(request)
        )
        if not isinstance(response, m.Refusal):
            assert type(response) is m.REQUESTS[request.message_type].response_class
            if isinstance(response, m.LinkClosed):
                return
            continue
        documented = WORDS.REFUSALS[request.message_type] + WORDS.ANY_REQUEST
        allowed = {(code, field) for code, field, _ in documented}
        for reason in response.reasons:
            assert (reason.code, reason.field) in allowed, f"{request} refused for {reason}"


def test_every_refusal_code_is_documented_for_some_request() -> None:
    named = {code for reasons in WORDS.REFUSALS.values() for code, _, _ in reasons}
    assert named | {code for code, _, _ in WORDS.ANY_REQUEST} == set(RefusalCode)
