"""One visit of the scenario's programmer at a pump: what is asked one after another, as steps.

An act is a generator of steps. It is given the answer to each, or an exception where there is none;
what it returns is what came of the act. It knows neither bytes nor time: whoever drives it does
(:mod:`pump_sim.scenario.clinician.clinician`).
"""

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, TypeAlias, TypeVar, cast

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.access import MAY_SEND
from pump_protocol.frames import Frame
from pump_protocol.keys import Key
from pump_sim.refusal_words import refusal_text
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.happenings import Outcome

R = TypeVar("R", bound=m.Response)
T = TypeVar("T")
E = TypeVar("E", m.LogEntry, m.AccessEntry)

CHANGES: Final = (
    m.CommitPrescription,
    m.RollBackPrescription,
    m.OrderBolus,
    m.RequestPatientBolus,
    m.AbortBolus,
    m.UpdateReservoir,
    m.AcknowledgeAlarm,
    m.SilenceAlarm,
    m.SetClock,
    m.SelfTest,
    m.WriteNote,
    m.Pair,
)
"""Requests after which a lost answer leaves a question open. The others only read, or stage, which
can be done again."""

MOST_RECORDS: Final = 20 * codes.MAX_LOG_ENTRIES
"""How many records of a log are read at most at one visit, the newest: no years of them."""

_LOST: Final = frozenset({codes.RefusalCode.LINK_NOT_OPEN, codes.RefusalCode.LINK_ID_USED})


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an act; `text` says it in one plain sentence without its full stop.

    `refused` has the names, in lower case, of the codes why the pump refused.
    """

    outcome: Outcome
    refused: tuple[str, ...] = ()
    text: str = ""


# --- Steps ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Send a first request under a link id that was never used, and wait for the answer."""

    link_id: int
    request: m.Request[Any]


@dataclass(frozen=True, slots=True)
class Shake:
    """Begin a handshake under a link id with a key, with the pump that said *identity* of itself,
    and wait for the answer; what is asked after it is sealed."""

    link_id: int
    key: Key
    identity: m.Identity


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request in the open link and wait for the answer; `attempts` None: as usual."""

    request: m.Request[Any]
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a request once and be gone: whatever is answered, nobody hears it."""

    request: m.Request[Any]


@dataclass(frozen=True, slots=True)
class Inject:
    """Send a frame outside of any session, once, and wait for a frame that answers it."""

    frame: Frame


Step: TypeAlias = Open | Shake | Ask | Tell | Inject

Steps: TypeAlias = Generator[Step, Any, T]
"""Steps that end in a T. The answer to each is a response; a frame, of what is injected."""


class Unanswered(Exception):
    """No answer that could be understood; what was asked may have been done."""

    def __init__(self, why: str, request: m.Request[Any] | None = None, link_id: int = 0) -> None:
        super().__init__(why)
        self.request = request
        self.link_id = link_id


class Unsendable(Exception):
    """A request has a value that the wire cannot carry; it was not sent."""


class Refused(Exception):
    """The pump refused; nothing was done, unless the link is lost and it was asked repeatedly.

    What is not `authentic` anybody may have sent: it says nothing but that the link is to be left.
    """

    def __init__(self, refusal: m.Refusal, attempts: int, *, authentic: bool = True) -> None:
        super().__init__(refusal_text(refusal.reasons))
        self.refusal = refusal
        self.attempts = attempts
        self.authentic = authentic

    @property
    def link_is_lost(self) -> bool:
        """Whether the link was not open, or not any more."""
        lost = any(reason.code in _LOST for reason in self.refusal.reasons)
        return lost or not self.authentic

    @property
    def may_be_done(self) -> bool:
        """Whether what was asked may have been carried out all the same, if the link is lost."""
        return self.attempts > 1 or not self.authentic

    @property
    def nothing_staged(self) -> bool:
        """Whether it says only that nothing is staged."""
        return {each.code for each in self.refusal.reasons} == {codes.RefusalCode.NOTHING_STAGED}


def refused_result(refusal: m.Refusal) -> Result:
    """What came of an act that a pump refused."""
    return Result(
        Outcome.REFUSED,
        tuple(each.code.name.lower() for each in refusal.reasons),
        f"refused: {refusal_text(refusal.reasons)}",
    )


# --- The visit -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Visit:
    """One programmer at one pump, from opening a link to closing it.

    :ivar keys: what it opens links with; None for a pump that asks for no key.
    :ivar role: of which of its keys.
    :ivar code_key: a key that is made of a pairing code, in place of one of its own.
    :ivar link_id: the id of the present or last link.
    :ivar is_open: whether that link is fit for another request.
    :ivar logs_read: by serial number, up to which record the therapy log and the access log were
        read; it outlives the visit.
    """

    random: Random
    programmer_id: int
    logs_read: dict[str, tuple[int, int]]
    keys: KeyRing | None = None
    role: codes.UserRole = codes.UserRole.CLINICIAN
    code_key: Key | None = None
    link_id: int = 0
    is_open: bool = False
    _identity: m.Identity | None = field(default=None, init=False)
    _last_order: int = field(default=0, init=False)

    def may_send(self, request_class: type[m.Request[Any]]) -> bool:
        """Whether its key is for such requests; without keys everything is allowed."""
        return self.keys is None or request_class.message_type in MAY_SEND[self.role]

    def open(self) -> Steps[m.LinkOpened]:
        """Open a link; whatever was sent in another one cannot be carried out from now on."""
        try:
            return (yield from self._open())
        except Refused as refused:
            if not refused.link_is_lost:
                raise
        return (yield from self._open())  # that id was used: once more with another one

    def identify(self) -> Steps[m.Identity]:
        """Who answers; asked once in a visit. With a key, the handshake has proved it."""
        if self._identity is None:
            self._identity = yield from self.ask(m.Identify())
        return self._identity

    def close(self) -> Steps[None]:
        """Close the link if it is open. Politeness only: a pump closes a silent one by itself."""
        if not self.is_open:
            return
        self.is_open = False
        with suppress(Refused, Unanswered):
            yield Ask(m.CloseLink(), attempts=1)

    def ask(self, request: m.Request[R]) -> Steps[R]:
        """The answer to a request, in a new link if the present one has ended."""
        return (yield from self._ask(lambda: request))

    def order(self, make: Callable[[int], m.Request[R]]) -> Steps[R]:
        """The answer to an order that is made with its number."""
        return (yield from self._ask(lambda: make(self._last_order + 1)))

    def tell(self, request: m.Request[R]) -> Steps[None]:
        """Send a request and be gone."""
        yield Tell(request)
        self.is_open = False

    def tell_order(self, make: Callable[[int], m.Request[R]]) -> Steps[None]:
        """Give an order and be gone."""
        yield from self.tell(make(self._last_order + 1))

    def therapy_log(self, first: int, end: int) -> Steps[list[m.LogEntry]]:
        """The records of the therapy log from number *first* to before *end*."""

        def page(at: int) -> Steps[tuple[m.LogEntry, ...]]:
            return (yield from self.ask(m.ReadLog(at, codes.MAX_LOG_ENTRIES))).entries

        return (yield from _records(page, first, end))

    def access_log(self, first: int, end: int) -> Steps[list[m.AccessEntry]]:
        """The records of the access log from number *first* to before *end*."""

        def page(at: int) -> Steps[tuple[m.AccessEntry, ...]]:
            return (yield from self.ask(m.ReadAccessLog(at, codes.MAX_ACCESS_ENTRIES))).entries

        return (yield from _records(page, first, end))

    def _open(self) -> Steps[m.LinkOpened]:
        self.is_open = False
        self.link_id = self.random.randrange(1, 2**64)
        request = m.OpenLink(self.programmer_id)
        if self.keys is None:
            opened = cast("m.LinkOpened", (yield Open(self.link_id, request)))
        else:
            # Under another id, so that a late answer is none to the handshake.
            asking = self.random.randrange(1, 2**64)
            identity = cast("m.Identity", (yield Open(asking, m.Identify())))
            yield Shake(self.link_id, self._key_for(identity), identity)
            opened = cast("m.LinkOpened", (yield Ask(request)))
            self._identity = identity
        self.is_open = True
        self._last_order = opened.last_order_number
        return opened

    def _key_for(self, identity: m.Identity) -> Key:
        assert self.keys is not None
        key = self.code_key or self.keys.key(identity.serial_number, self.role)
        if key is None:
            role = self.role.name.lower()
            raise Unsendable(f"no {role}'s key for pump {identity.serial_number}")
        return key

    def _ask(self, make: Callable[[], m.Request[R]]) -> Steps[R]:
        request = make()
        try:
            return (yield from self._exchange(request))
        except Refused as refused:
            if not refused.link_is_lost:
                raise
            self.is_open = False
            if refused.may_be_done and isinstance(request, CHANGES):
                # An earlier sending may have been carried out before the link was lost.
                raise Unanswered(str(refused), request, self.link_id) from refused
        # Surely not carried out. An order gets a new number: somebody may have used this one.
        yield from self.open()
        return (yield from self._exchange(make()))

    def _exchange(self, request: m.Request[R]) -> Steps[R]:
        try:
            return cast("R", (yield Ask(request)))
        except Unanswered as unanswered:
            self.is_open = False
            raise Unanswered(str(unanswered), request, self.link_id) from unanswered


# --- Logs ----------------------------------------------------------------------------------------


def first_wanted(known: int, held: m.LogRange) -> tuple[int, bool]:
    """The first record of a log that is worth reading, and whether that leaves none out.

    :param known: up to which record it was read before.
    """
    # A lower end than is known is that of another pump's log under the same number.
    since = known if known <= held.next_sequence else 1
    first = max(since, held.first_sequence, held.next_sequence - MOST_RECORDS)
    return first, first == since


def _records(page: Callable[[int], Steps[tuple[E, ...]]], first: int, end: int) -> Steps[list[E]]:
    """The records from *first* to before *end*, page by page; fewer if the pump gives no more."""
    records: list[E] = []
    while first < end:
        found = yield from page(first)
        if not found or found[-1].sequence < first:
            break
        records += found
        first = found[-1].sequence + 1
    return records
