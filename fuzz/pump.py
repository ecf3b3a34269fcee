"""A whole pump behind its link, fed with everything that a programmer or an attacker may send.

Good requests of every role are mixed with the same ones changed, mended, repeated, turned back,
stripped of their seal, and sealed with payloads that no programmer would send. What may come of
each input is :mod:`fuzz.judging`'s.
"""

from random import Random
from typing import Final

from fuzz.judging import EMERGENCY, Good, Judge
from fuzz.links import Handshaking, Link, frames_in
from fuzz.mutations import mended, mutated, split
from fuzz.requests import PROGRAMMERS, REQUEST_CLASSES, likely_payload
from fuzz.values import PRESCRIPTIONS, any_payload
from pump_protocol import messages as m
from pump_protocol.codes import (
    INTENT_LIMIT_MS,
    INTER_BYTE_TIMEOUT_MS,
    MAX_PAYLOAD_BYTES,
    MessageType,
    RefusalCode,
    UserRole,
)
from pump_protocol.errors import HandshakeFailed
from pump_protocol.frames import Frame
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key, pairing_key
from pump_protocol.payloads import decode_response, encode
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.wire_values import prescription_in

_KEPT: Final = 12
_LOST: Final = {RefusalCode.LINK_NOT_OPEN, RefusalCode.LINK_ID_USED}
_PROFILE: Final = load_profile("pump-20ml")


class PumpFuzz:
    """One pump, and whoever is near its port.

    :param secured: with keys; else it is of profile LEGACY_INSECURE.
    """

    def __init__(self, random: Random, *, secured: bool = True) -> None:
        self.last = b""
        self._random = random
        self._secured = secured
        first = prescription_in(PRESCRIPTIONS[3])  # one that lets the patient ask for boluses
        self._pump = Pump.implant(_PROFILE, first, volume_nl=random.choice((300_000, 20_000_000)))
        self._keys = new_keys(random.randbytes)
        self._guard = PumpGuard(self._keys, random_bytes=random.randbytes) if secured else None
        self._endpoint = PumpEndpoint(Simulation(self._pump), guard=self._guard)
        self._link_ms = 1
        self._link: Link | None = None
        self._candidate: Link | None = None
        self._pairing: Key | None = None
        self._judge = Judge(self._pump, secured=secured)
        self._sent: list[bytes] = []
        self._answers: list[bytes] = []
        self._unheard: list[Good] = []
        self._lost = False
        self._open_link()

    @property
    def _ns(self) -> int:
        return self._link_ms * NS_PER_MS

    # --- One input -------------------------------------------------------------------------------

    def step(self) -> str:
        """Send one input and judge what came of it."""
        random = self._random
        if not random.randrange(12):
            self._let_time_pass()
        if self._secured and not random.randrange(24):
            self._touch()
        kind = random.randrange(100)
        if self._secured and (kind < 3 or (self._link is None and kind < 50)):
            return self._open_link()
        if kind < 60:
            good = self._good(self._request_payload())
            return self._send(good.frame, good)
        return self._send_bad(kind)

    def _send_bad(self, kind: int) -> str:
        random = self._random
        if kind < 66:
            return self._send(random.randbytes(random.randrange(1, 60)), None)
        if kind < 72:
            source = random.choice((self._sent, self._answers))
            data = random.choice(source) if source else b"\xa5"
            if random.randrange(2):
                return self._send(data, None)
            return self._send(mended(mutated(data, random)), None)
        if kind < 78:
            return self._send(self._plain(), None)
        if kind < 80:
            asked = random.choice(tuple(EMERGENCY))
            return self._send(Frame(asked, 0, random.getrandbits(8)).to_bytes(), None)
        good = self._good(self._request_payload())
        data = mutated(good.frame, random)
        if kind >= 88:
            data = mended(data)
        self._unheard = [*self._unheard, good][-_KEPT:]
        return self._send(data, None)

    def _request_payload(self) -> tuple[int, bytes]:
        random = self._random
        request_class = random.choice(REQUEST_CLASSES)
        if request_class is m.CloseLink and random.randrange(16):
            request_class = m.Interrogate
        programmer_id = PROGRAMMERS[0] if self._link is None else self._link.programmer_id
        payload = likely_payload(request_class, random, self._pump, programmer_id)
        kind = random.randrange(8)
        if kind == 0:
            payload = any_payload(request_class, random)
        elif kind == 1:
            payload = mutated(payload, random)
        number: int = request_class.message_type
        if not random.randrange(64):
            number = random.randrange(256)
        return number, payload[:MAX_PAYLOAD_BYTES]

    def _good(self, request: tuple[int, bytes]) -> Good:
        random = self._random
        link = self._link
        if self._candidate is not None and (link is None or not random.randrange(16)):
            link = self._candidate
        if link is None:
            link = Link(random.getrandbits(64))
        frame = link.frame(*request, step=1 if random.randrange(16) else random.getrandbits(4))
        return Good(link, *request, frame)

    def _plain(self) -> bytes:
        random = self._random
        number, payload = self._request_payload()
        known = 0 if self._link is None else self._link.link_id
        link_id = random.choice((0, 0, known, random.getrandbits(64)))
        return Frame(number, link_id, random.getrandbits(8), payload).to_bytes()

    # --- What is around it -----------------------------------------------------------------------

    def _let_time_pass(self) -> None:
        """Link time, with every timer when it is due, and therapy time."""
        random = self._random
        until_ms = self._link_ms + random.choice((1, 150, 1_000, 10_000, 40_000, 130_000))
        self._wait_until(until_ms)
        therapy_ms = self._pump.at_ms + random.choice((0, 1_000, 600_000, 86_400_000))
        self._endpoint.jump_to(therapy_ms, self._link_ms * NS_PER_MS)

    def _wait_until(self, until_ms: int) -> list[Frame]:
        answers: list[Frame] = []
        for _ in range(1_000):
            due_ns = self._endpoint.next_timeout_ns()
            if due_ns is None or due_ns > until_ms * NS_PER_MS:
                break
            self._link_ms = max(self._link_ms, -(-due_ns // NS_PER_MS))
            answers += frames_in(self._endpoint.handle_timeout(self._link_ms * NS_PER_MS))
        else:
            raise AssertionError("a timer that is handled is due again at once")
        self._link_ms = until_ms
        return answers

    def _touch(self) -> None:
        """Somebody at the patient: the head, the button, a pairing code."""
        random = self._random
        match random.randrange(4):
            case 0 | 1:
                self._judge.near = bool(random.randrange(4))
                self._endpoint.presence.on_pump = self._judge.near
            case 2:
                self._judge.meant_until_ms = self._link_ms + INTENT_LIMIT_MS
                self._endpoint.press_button(self._ns)
            case _ if self._judge.near:
                role = random.choice(tuple(UserRole))
                code = self._endpoint.offer_pairing(role, self._ns)
                self._pairing = pairing_key(code, role)

    def _open_link(self) -> str:
        """Open a link by the rules, or begin to; three inputs at most."""
        random = self._random
        opening = m.OpenLink(random.choice(PROGRAMMERS))
        if not self._secured:
            link = Link(random.getrandbits(64) or 1, programmer_id=opening.programmer_id)
        else:
            begun = self._handshake()
            if begun is None:
                return "handshake refused"
            if not random.randrange(4):
                return "handshake left"
            link = begun
        payload = encode(opening)
        frame = link.frame(MessageType.OPEN_LINK, payload)
        link.programmer_id = opening.programmer_id
        return self._send(frame, Good(link, MessageType.OPEN_LINK, payload, frame))

    def _handshake(self) -> Link | None:
        random = self._random
        assert self._guard is not None
        key = random.choice(self._keys)
        if self._pairing is not None and not random.randrange(3):
            key = self._pairing
        begun = Handshaking(key, self._guard.identity_digest, random)
        self._judge.begin()
        self.last = begun.frame
        (answer,) = frames_in(self._endpoint.receive_data(begun.frame, self._ns))
        self._judge.verdict(None, [], self._link_ms)
        self._note(begun.frame, self._sent)
        response = decode_response(answer.message_type, answer.payload)
        if not isinstance(response, m.Authenticated):
            assert isinstance(response, m.Refusal), f"a handshake was answered with {response}"
            return None
        try:
            self._candidate = begun.finish(response)
        except HandshakeFailed:
            raise AssertionError("the pump took a handshake, and answered it wrongly") from None
        return self._candidate

    # --- What comes of it -------------------------------------------------------------------------

    def _send(self, data: bytes, good: Good | None) -> str:
        """Send *data*, which is *good*, or else nothing that deserves obedience.

        Unless it holds a frame that was made by right and has not been heard: a change may have
        left that whole, or a second one have made it so again.
        """
        if good is None:
            good = next((each for each in self._unheard if each.frame in data), None)
        self._unheard = [each for each in self._unheard if each is not good]
        # What the link does in this time by itself must not be taken for the input's doing.
        self._wait_until(self._link_ms + INTER_BYTE_TIMEOUT_MS)
        self._settle()
        self.last = data
        self._judge.begin()
        self._lost = False
        came_ms = self._link_ms
        answers: list[Frame] = []
        for piece in split(data, self._random):
            answers += frames_in(self._endpoint.receive_data(piece, self._ns))
        answers += self._wait_until(self._link_ms + INTER_BYTE_TIMEOUT_MS)
        accepted = [each for each in map(self._read, answers) if each is not None]
        for answer in answers:
            self._note(answer.to_bytes(), self._answers)
        self._note(data, self._sent)
        if self._lost and good is not None:
            self._link = self._candidate = None
        verdict = self._judge.verdict(good, accepted, came_ms)
        if good is not None and accepted:
            self._follow(good, accepted[0])
        return verdict

    def _settle(self) -> None:
        """A staging that would expire while the input is under way expires before it."""
        due_ms = self._endpoint.telemetry.next_timeout()
        if due_ms is not None and due_ms <= self._link_ms + 2 * INTER_BYTE_TIMEOUT_MS:
            self._wait_until(due_ms)

    def _read(self, answer: Frame) -> m.Response | None:
        """What was accepted; None for a refusal, or what was answered once before."""
        if (answer.sealed or not self._secured) and answer.to_bytes() in self._answers:
            return None
        for link in (self._link, self._candidate):
            if link is not None and link.link_id == answer.link_id and answer.sealed:
                response = link.read(answer)
                assert response is not None, "the pump's own answer cannot be opened"
                return self._accepted(response)
        assert not answer.sealed, "a sealed answer in no link"
        response = decode_response(answer.message_type, answer.payload)
        if self._secured and isinstance(response, m.Identity | m.Authenticated):
            return None
        return self._accepted(response)

    def _accepted(self, response: m.Response) -> m.Response | None:
        if not isinstance(response, m.Refusal):
            return response
        assert response.reasons, "a refusal without a reason"
        self._lost = self._lost or bool({each.code for each in response.reasons} & _LOST)
        return None

    def _follow(self, good: Good, response: m.Response) -> None:
        """Know which link is open, as the pump does."""
        if isinstance(response, m.LinkOpened):
            self._link = good.link
            if good.link is self._candidate:
                self._candidate = None
        elif isinstance(response, m.LinkClosed):
            self._link = None

    def _note(self, data: bytes, where: list[bytes]) -> None:
        if data not in where:
            where.append(data)
            del where[:-_KEPT]
