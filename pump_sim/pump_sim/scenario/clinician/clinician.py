"""The scenario's programmer: carries out a clinician's acts over the wire, without I/O.

Theory of operation. As :class:`pump_protocol.session.Session`, it is fed with bytes and link time
and asked for bytes. An act is a generator of steps (:mod:`.errands`); this drives
it: each step becomes an exchange of a session, and what the session tells becomes the answer that
the generator goes on with. Link time is in ms from any origin and never goes back.
"""

from random import Random
from typing import Any

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import UserRole
from pump_protocol.errors import LocalError
from pump_protocol.frames import Frame
from pump_protocol.keys import new_pairing_code, pairing_key
from pump_protocol.session import RetryPolicy, Role, Session
from pump_sim.scenario.clinician.attacks import (
    AttackError,
    NoSuchBit,
    NothingCaptured,
    Tap,
    attack,
    is_answer,
)
from pump_sim.scenario.clinician.errands import emergency, errand
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.clinician.visits import (
    Ask,
    Inject,
    Open,
    Refused,
    Result,
    Shake,
    Step,
    Steps,
    Tell,
    Unanswered,
    Unsendable,
    Visit,
)
from pump_sim.scenario.file.acts import Attack, ByProgrammer, Emergency, Pair, WithKey

__all__ = [
    "AttackError",
    "Clinician",
    "NoSuchBit",
    "NothingCaptured",
    "Result",
]


class Clinician:
    """One programmer at one port, for one act at a time.

    :param random: all that is left to chance is drawn from it: link ids, its half of handshakes,
        and the id under which a pump counts its orders.
    :param retry: how it waits for answers.
    :param keys: what it opens links with; None for a pump that asks for no key.
    :param tap: what it has captured on the wire; nothing unless given.
    """

    def __init__(
        self,
        random: Random,
        retry: RetryPolicy | None = None,
        *,
        keys: KeyRing | None = None,
        tap: Tap | None = None,
    ) -> None:
        self.programmer_id = random.randrange(1, 2**63)
        self._random = random
        self._retry = retry or RetryPolicy()
        self._keys = keys
        self.tap = tap or Tap()
        self._logs_read: dict[str, tuple[int, int]] = {}
        self._steps: Steps[Result] | None = None
        self._session: Session | None = None
        self._injected: Frame | None = None
        self._answer_by_ms = 0
        self._outgoing: list[bytes] = []
        self._result: Result | None = None

    @property
    def busy(self) -> bool:
        """Whether an act is under way, or bytes of it wait to be sent."""
        return self._steps is not None or bool(self._outgoing)

    def begin(self, act: ByProgrammer, link_ms: int, code: str = "") -> None:
        """Begin an act; :meth:`take_result` tells when it is over.

        :param code: the pairing code that was shown, for an act that needs it.
        :raises RuntimeError: the act before is not over, or its result was not taken.
        :raises AttackError: an attack with a frame that was never sent, or has no such bit.
        """
        if self.busy or self._result is not None:
            raise RuntimeError("the act before is not over")
        match act:
            case Attack():
                self._steps = attack(act, self.tap, self._random)
            case Emergency():
                self._steps = emergency(act, self._random)
            case _:
                self._steps = errand(act, self._visit(act, code))
        self._go_on(None, link_ms)

    def _visit(self, act: ByProgrammer, code: str) -> Visit:
        role = UserRole[act.role.upper()] if isinstance(act, WithKey) else UserRole.CLINICIAN
        code_key = None
        if isinstance(act, Pair):
            guessed = new_pairing_code(self._random.randbytes)
            code_key = pairing_key(code or guessed, role)
        return Visit(self._random, self.programmer_id, self._logs_read, self._keys, role, code_key)

    def receive_data(self, data: bytes, link_ms: int) -> None:
        """Take bytes that arrived, also while no act is under way; any split will do."""
        frames = self.tap.received(data, link_ms)
        if self._session is not None:
            self._session.receive_data(data, link_ms)
            self._listen(link_ms)
            return
        for frame in frames:
            if self._injected is not None and is_answer(frame, self._injected):
                self._go_on(frame, link_ms)

    def data_to_send(self) -> bytes:
        """The bytes that are due, once."""
        data = b"".join(self._outgoing)
        self._outgoing.clear()
        return data

    def next_timeout(self) -> int | None:
        """The link time in ms at which :meth:`handle_timeout` wants to be called, or None."""
        if self._session is not None:
            return self._session.next_timeout()
        return None if self._injected is None else self._answer_by_ms

    def handle_timeout(self, link_ms: int) -> None:
        """Do what is due; calling too early or too often does no harm."""
        if self._session is not None:
            self._session.handle_timeout(link_ms)
            self._collect(self._session)
            self._listen(link_ms)
        elif self._injected is not None and link_ms >= self._answer_by_ms:
            self._go_on(Unanswered("no answer"), link_ms)

    def port_lost(self, link_ms: int) -> None:
        """The port went and is there again: half a frame is lost, and an answer perhaps.

        The link outlives its connection, so that the act goes on: what was lost is asked again.
        """
        self.tap.port_lost()
        if self._session is not None:
            self._session.connection_lost(link_ms)
            self._listen(link_ms)

    def take_result(self) -> Result | None:
        """What came of the act, once, when it is over and all its bytes were taken."""
        if self.busy:
            return None
        result, self._result = self._result, None
        return result

    # --- Inside ----------------------------------------------------------------------------------

    def _listen(self, link_ms: int) -> None:
        """Go on with whatever the session has to tell."""
        # Not `session`: an answer may end the act, or begin another link.
        while self._session is not None and (event := self._session.next_event()) is not None:
            match event:
                case ev.ResponseReceived(response=response):
                    self._go_on(response, link_ms)
                case ev.RefusalReceived(refusal, attempts, authentic):
                    self._go_on(Refused(refusal, attempts, authentic=authentic), link_ms)
                case ev.ResponseGarbled(why=why):
                    self._go_on(Unanswered(f"the answer breaks the protocol: {why}"), link_ms)
                case ev.NoAnswer(attempts=attempts):
                    self._go_on(Unanswered(f"no answer to {attempts} attempts"), link_ms)
                case _:
                    pass

    def _go_on(self, answer: Any, link_ms: int) -> None:
        """Give the act the answer, an exception if there is none, and take its next step."""
        while self._steps is not None:
            try:
                if isinstance(answer, Exception):
                    step = self._steps.throw(answer)
                else:
                    step = self._steps.send(answer)
            except StopIteration as over:
                self._steps = self._session = self._injected = None
                self._result = over.value
                return
            try:
                self._take(step, link_ms)
            except LocalError as error:
                answer = Unsendable(str(error))
                continue
            if not isinstance(step, Tell):
                return
            answer = None

    def _take(self, step: Step, link_ms: int) -> None:
        match step:
            case Inject(frame=frame):
                self._injected = frame
                patience_ms = self._retry.response_timeout_ms * self._retry.attempts
                self._answer_by_ms = link_ms + patience_ms
                self._outgoing.append(frame.to_bytes())
                self.tap.passed(frame)
            case Open(link_id=link_id, request=request):
                self._session = Session(Role.PROGRAMMER, link_id=link_id, retry=self._retry)
                self._send(self._session, request, link_ms)
            case Shake(link_id=link_id, key=key, identity=identity):
                self._session = Session(
                    Role.PROGRAMMER,
                    link_id=link_id,
                    retry=self._retry,
                    key=key,
                    random_bytes=self._random.randbytes,
                )
                self._send(self._session, self._session.authenticate(identity), link_ms)
            case Ask(request=request, attempts=attempts):
                assert self._session is not None  # a visit opens a link before it asks
                timeout_ms = self._retry.response_timeout_ms
                self._session.retry = RetryPolicy(timeout_ms, attempts or self._retry.attempts)
                self._send(self._session, request, link_ms)
            case Tell(request=request):
                assert self._session is not None
                self._send(self._session, request, link_ms)

    def _send(self, session: Session, request: m.Request[Any], link_ms: int) -> None:
        session.send_request(request, link_ms)
        self.tap.sent(self._collect(session))

    def _collect(self, session: Session) -> bytes:
        data = session.data_to_send()
        if data:
            self._outgoing.append(data)
        return data
