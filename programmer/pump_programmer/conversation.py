"""A conversation: open a port and a link, exchange requests for answers, keep count of orders.

Blocking, for one thread. It never guesses: a lost answer to a request that changes something is an
:class:`~pump_programmer.errors.OutcomeUnknown`, which :meth:`Conversation.resolve` turns into
knowledge once the pump answers again. What the requests are for is not its business.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

from pump_programmer import outcome
from pump_programmer.connection import Connection
from pump_programmer.errors import (
    NoAnswerError,
    NotPermitted,
    OutcomeUnknown,
    ProgrammerError,
    PumpGone,
    PumpRefused,
    WrongPeer,
)
from pump_programmer.identity import default_programmer_id
from pump_programmer.key_choice import read_key
from pump_programmer.link import Link
from pump_programmer.opening import Credentials, Opened, open_link
from pump_programmer.patience import DEFAULT_PATIENCE, Patience
from pump_programmer.told import Known, Told
from pump_programmer.values import (
    check_key,
    check_order_number,
    check_programmer_id,
)
from pump_protocol import messages as m
from pump_protocol.access import MAY_SEND
from pump_protocol.codes import STAGING_LIMIT_MS, RefusalCode, UserRole
from pump_protocol.keys import Key
from pump_protocol.units import format_duration

R = TypeVar("R", bound=m.Response)

_EFFECTS: Final[dict[type[m.Request[m.Response]], str]] = {
    m.CommitPrescription: "the prescription was put in force",
    m.OrderBolus: "the bolus was begun",
    m.AbortBolus: "the bolus was ended",
    m.UpdateReservoir: "the reservoir volume was updated",
    m.AcknowledgeAlarm: "the alarm was acknowledged",
    m.SilenceAlarm: "the alarm was silenced",
    m.SetClock: "the clock was set",
    m.RequestPatientBolus: "the patient's bolus was begun",
    m.SetAlarmInterval: "the alarm interval was set",
    m.WriteNote: "the note was written",
}
"""Requests after which a lost answer leaves a question open, and the question. The others only
read, or do what ends by itself: a staged prescription expires, a test tone fades."""

_ORDERS: Final = (m.OrderBolus, m.UpdateReservoir, m.RequestPatientBolus)
"""Requests with an order number: each is carried out once, however often it is sent."""

_INTERROGATE: Final = "Interrogate the pump to find out."
_REPEAT: Final = (
    "Interrogate the pump to find out, or give the very same order under this number again: the "
    "pump carries out no number twice."
)

MEMORY_LOST_ADVICE: Final = (
    "Do not repeat it under its number: the pump would take it for new. Look at the patient and at "
    "the log, and decide."
)

_STAGING: Final = (m.StagePrescription, m.RollBackPrescription)
"""Requests after which a lost answer leaves therapy as it was, and perhaps something staged."""


class Conversation:
    """One programmer's end of one port; a context manager.

    :param address: what pyserial opens: a device path, ``socket://host:port``,
        ``rfc2217://host:port``.
    :param key: a key of the pump, its text, or ``@FILE``; by default that of the environment
        variable ``PUMP_KEY``, else the one in the key store.
    :param role: which of the keys that are stored for the pump.
    :param insecure: also talk to a LEGACY_INSECURE pump, which can prove nothing.
    :param programmer_id: stable identity, 1 to 2**64 - 1, under which a pump counts this
        programmer's orders; by default derived from user and host.
    :param patience: how long to wait for an answer, and how often to ask for it.
    :raises ValueError, TypeError: a parameter out of its range, or no number.
    :raises pump_protocol.errors.BadKey: the key is none.
    """

    def __init__(
        self,
        address: str,
        *,
        key: Key | str | None = None,
        role: UserRole | None = None,
        insecure: bool = False,
        programmer_id: int | None = None,
        patience: Patience = DEFAULT_PATIENCE,
    ):
        if programmer_id is None:
            programmer_id = default_programmer_id()
        check_programmer_id(programmer_id)
        check_key(key)
        self._connection = Connection(address, patience)
        self._credentials = Credentials(
            read_key(key, "key") if isinstance(key, str) else key, role, insecure
        )
        self.address = address
        self.programmer_id = programmer_id
        self._link: Link | None = None
        self._opened: Opened | None = None
        self._last_order = 0
        self._from_memory = False
        self._staging_limit_ms = STAGING_LIMIT_MS
        self._in_doubt: OutcomeUnknown | None = None
        self._in_doubt_link_id = 0
        self._known_in_doubt = Known()
        self._told = Told()
        self._peer: tuple[str, Key | None] | None = None

    # --- The port and the link -------------------------------------------------------------------

    def open(self) -> None:
        """Open the port and a link to the pump.

        :raises PortUnavailable: or its children, for the port.
        :raises NoAnswerError: the port is there, and no pump answers.
        :raises WrongPeer: something answers that is no pump of this protocol version.
        :raises InsecurePump: the pump has no security, and that was not accepted.
        :raises NoKey: there is no key for it. The key store and the environment have errors of
            their own: ``KeyStoreUnusable`` and ``BadKey``.
        :raises AuthenticationFailed, AuthenticationLocked: the pump does not take the key.
        :raises PumpUnproven: it does not hold the key.
        """
        if self._connection.is_open:
            return
        self._connection.open()
        try:
            self._open_link()
        except BaseException:
            self._drop_port()
            raise

    def close(self) -> None:
        """Close the link, if the pump still answers, and the port. May be called again."""
        link = self._link
        try:
            if link is not None and link.is_open:
                # Politeness only: the pump closes a silent link by itself.
                link.exchange(m.CloseLink(), attempts=1)
        except ProgrammerError:
            pass
        finally:
            self._drop_port()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, (PumpGone, NoAnswerError, OutcomeUnknown)):
            self._drop_port()
        else:
            self.close()

    def notice_loss(self) -> None:
        """Find out whether the port is still there. The pump is asked nothing.

        :raises PumpGone: the port was lost.
        """
        self._connection.notice_loss()

    @property
    def link_id(self) -> int:
        """The random id of the present link; 0 if there is none."""
        return self._link.link_id if self._link is not None else 0

    @property
    def role(self) -> UserRole | None:
        """The role of the key with which the present link was opened; None without a key."""
        return None if self._opened is None or self._opened.key is None else self._opened.key.role

    def may_send(self, request_class: type[m.Request[m.Response]]) -> bool:
        """Whether the role of the key allows a request; without a key everything is."""
        return self.role is None or request_class.message_type in MAY_SEND[self.role]

    @property
    def last_order_number(self) -> int:
        """The highest order number that this programmer has used, as far as it knows."""
        return self._last_order

    @property
    def answered_from_memory(self) -> bool:
        """Whether the last order was one that the pump had been given before."""
        return self._from_memory

    @property
    def in_doubt(self) -> OutcomeUnknown | None:
        """What is unknown as long as :meth:`resolve` has not found it out; None if nothing is.

        Also after a ``KeyboardInterrupt`` while the answer to a request was outstanding.
        """
        return self._in_doubt

    def exchange(self, request: m.Request[R]) -> R:
        """Send any request and return its answer, opening a new link if the old one has ended.

        :raises PumpRefused: with every reason; nothing was changed.
        :raises NotPermitted: the role of the key does not allow it; nothing was changed.
        :raises NoAnswerError, WrongPeer, PumpGone: for a request that changes nothing.
        :raises OutcomeUnknown: for a request that changes something, if its answer was lost.
        :raises pump_protocol.errors.LocalError: the request holds a value that cannot be sent.
        """
        return self._exchange(lambda: request)

    def reopen_link(self) -> m.LinkOpened:
        """Open a new link under a fresh id on the same port. Nothing sent before it can be
        carried out after it."""
        return self._open_link()

    def resolve(self) -> outcome.Resolution:
        """Find out what became of the last request whose outcome is unknown.

        A new link is opened first, so that no late copy of the request can still be carried out.

        :raises LookupError: no outcome is unknown.
        :raises ProgrammerError: the pump still does not answer.
        """
        if self._in_doubt is None:
            raise LookupError("no outcome is unknown")
        resolution = outcome.resolve(
            self, self._in_doubt.request, self._in_doubt_link_id, self._known_in_doubt
        )
        self._in_doubt = None
        return resolution

    # --- Inside ----------------------------------------------------------------------------------

    def _order(self, make: Callable[[int], m.Request[R]], repeated: int | None) -> tuple[R, int]:
        """Give an order, and tell under which number.

        :param repeated: the number of the order that is given again; None for a new one.
        :raises OrderNumberOutOfRange: the pump has not come so far; nothing was sent.
        """

        def numbered() -> m.Request[R]:
            if repeated is None:
                self._from_memory = False
                return make(self._last_order + 1)
            # An order that the pump has forgotten must not be taken for one that never arrived.
            check_order_number(repeated, self._last_order)
            self._from_memory = repeated <= self._last_order
            return make(repeated)

        answer = self._exchange(numbered)
        return answer, self._last_order if repeated is None else repeated

    def _exchange(self, make: Callable[[], m.Request[R]]) -> R:
        if self._link is None or not self._link.is_open:
            self._open_link()
        request = make()
        try:
            return self._send(request)
        except PumpRefused:
            if self._link is not None and self._link.is_open:
                raise
        # Surely not carried out: the link has ended, or the pump has started anew. An order gets
        # a new number, because meanwhile another process of ours may have used this one.
        self._open_link()
        if isinstance(request, _ORDERS):
            self._check_memory(request)
        return self._send(make())

    def _check_memory(self, request: m.Request[m.Response]) -> None:
        """Send no order again by itself to a pump that has lost its memory (SEQ-13).

        :raises OutcomeUnknown: it has.
        """
        known, last = self._told.before(request), self._last_order
        lost = known.memory_lost(last, self._send(m.Interrogate()))
        if lost is None:
            return
        unknown = self._doubt(request, f"the pump has lost memory ({lost})", MEMORY_LOST_ADVICE)
        assert unknown is not None, "an order has an effect"
        self._told = Told()  # what it tells from now on holds of what it has now
        raise unknown

    def _send(self, request: m.Request[R]) -> R:
        assert self._link is not None
        try:
            response = self._link.exchange(request)
        except (NoAnswerError, WrongPeer, PumpGone) as error:
            self._note_order(request)
            self._raise_if_unknown(request, error)
            if isinstance(request, _STAGING):
                raise type(error)(f"{error}. {self._perhaps_staged()}") from error
            raise
        except PumpRefused as refused:
            self._note_order(request)
            if not self._link.is_open and (refused.attempts > 1 or not refused.authentic):
                # An earlier attempt may have been carried out before the link ended; and of what
                # is not authentic, nobody knows who said it.
                self._raise_if_unknown(request, refused)
            if self.role is not None and RefusalCode.NOT_PERMITTED in refused.refusal.codes:
                raise NotPermitted(refused.refusal, self.role) from refused
            raise
        except KeyboardInterrupt:
            self._note_order(request)
            self._doubt(request, "interrupted before the answer came")
            raise
        self._note_order(request)
        self._told.asked(request)
        self._told.note(response)
        return response

    def _note_order(self, request: m.Request[m.Response]) -> None:
        # A pump remembers refused orders too: whatever came of it, the number is used up.
        if isinstance(request, _ORDERS):
            self._last_order = max(self._last_order, request.order_number)

    def _raise_if_unknown(self, request: m.Request[m.Response], error: ProgrammerError) -> None:
        why = str(error)
        if isinstance(error, PumpRefused) and not error.authentic:
            why = "the link was lost: an answer said so that anybody may have sent"
        if (unknown := self._doubt(request, why)) is not None:
            raise unknown from error

    def _doubt(
        self, request: m.Request[m.Response], why: str, advice: str | None = None
    ) -> OutcomeUnknown | None:
        """Keep in mind that *request* may have changed something, if it can."""
        effect = _EFFECTS.get(type(request))
        if effect is None:
            return None
        # The link that the pump's log names, even if finding out takes several new ones.
        advice = advice or (_REPEAT if isinstance(request, _ORDERS) else _INTERROGATE)
        self._in_doubt = OutcomeUnknown(effect, why, request, advice)
        self._in_doubt_link_id = self.link_id
        self._known_in_doubt = self._told.before(request)
        return self._in_doubt

    def _perhaps_staged(self) -> str:
        limit = format_duration(self._staging_limit_ms)
        return (
            "Therapy is as it was. A prescription may be staged: it is not in force, expires by "
            f"itself within {limit}, and a roll-back drops it at once."
        )

    def _open_link(self) -> m.LinkOpened:
        self._link = None
        expected = None if self._opened is None else self._opened.identity.serial_number
        opened = self._opened = open_link(
            self._connection, self.programmer_id, self._credentials, expected=expected
        )
        self._link = opened.link
        peer = opened.identity.serial_number, opened.key
        if peer != self._peer:
            self._told, self._peer = Told(), peer
        self._told.link_opened(opened.answer)
        self._last_order = opened.answer.last_order_number
        self._staging_limit_ms = opened.answer.staging_limit_ms
        return opened.answer

    def _drop_port(self) -> None:
        self._link = self._opened = None
        self._connection.close()
