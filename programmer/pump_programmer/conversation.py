"""A conversation: open a port and a link, exchange requests for answers, keep count of orders.

Blocking, for one thread. It never guesses: a lost answer to a request that changes something is an
:class:`~pump_programmer.errors.OutcomeUnknown`, which :meth:`Conversation.resolve` turns into
knowledge once the pump answers again. What the requests are for is not its business.
"""

from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

from pump_programmer import outcome
from pump_programmer.errors import (
    NoAnswerError,
    OutcomeUnknown,
    ProgrammerError,
    PumpGone,
    PumpRefused,
    WrongPeer,
)
from pump_programmer.identity import default_programmer_id
from pump_programmer.link import Link
from pump_programmer.transport import Transport, open_transport
from pump_programmer.values import check_count, check_programmer_id, check_seconds
from pump_protocol import messages as m
from pump_protocol.codes import STAGING_LIMIT_MS, RefusalCode
from pump_protocol.session import RetryPolicy
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

_STAGING: Final = (m.StagePrescription, m.RollBackPrescription)
"""Requests after which a lost answer leaves therapy as it was, and perhaps something staged."""


class Conversation:
    """One programmer's end of one port; a context manager.

    :param address: what pyserial opens: a device path, ``socket://host:port``,
        ``rfc2217://host:port``.
    :param programmer_id: stable identity, 1 to 2**64 - 1, under which a pump counts this
        programmer's orders; by default derived from user and host.
    :param response_timeout_ms: how long each sending of a request waits for its answer.
    :param attempts: how often a request is sent before giving up.
    :param deadline_s: when an exchange ends at the latest, whatever arrives.
    :raises ValueError, TypeError: a parameter out of its range, or no number.
    """

    def __init__(
        self,
        address: str,
        *,
        programmer_id: int | None = None,
        response_timeout_ms: int = 500,
        attempts: int = 4,
        deadline_s: float = 10.0,
    ):
        if programmer_id is None:
            programmer_id = default_programmer_id()
        check_programmer_id(programmer_id)
        check_count("response_timeout_ms", response_timeout_ms)
        check_count("attempts", attempts)
        check_seconds("deadline_s", deadline_s)
        self.address = address
        self.programmer_id = programmer_id
        self._retry = RetryPolicy(response_timeout_ms, attempts)
        self._deadline_ms = max(1, round(deadline_s * 1_000))
        self._transport: Transport | None = None
        self._link: Link | None = None
        self._last_order = 0
        self._staging_limit_ms = STAGING_LIMIT_MS
        self._in_doubt: OutcomeUnknown | None = None
        self._in_doubt_link_id = 0

    # --- The port and the link -------------------------------------------------------------------

    def open(self) -> None:
        """Open the port and a link to the pump.

        :raises PortUnavailable: or its children, for the port.
        :raises NoAnswerError: the port is there, and no pump answers.
        :raises WrongPeer: something answers that is no pump of this protocol version.
        """
        if self._transport is not None:
            return
        self._transport = open_transport(self.address)
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

    @property
    def link_id(self) -> int:
        """The random id of the present link; 0 if there is none."""
        return self._link.link_id if self._link is not None else 0

    @property
    def last_order_number(self) -> int:
        """The highest order number that this programmer has used, as far as it knows."""
        return self._last_order

    @property
    def in_doubt(self) -> OutcomeUnknown | None:
        """What is unknown as long as :meth:`resolve` has not found it out; None if nothing is.

        Also after a ``KeyboardInterrupt`` while the answer to a request was outstanding.
        """
        return self._in_doubt

    def exchange(self, request: m.Request[R]) -> R:
        """Send any request and return its answer, opening a new link if the old one has ended.

        :raises PumpRefused: with every reason; nothing was changed.
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
        resolution = outcome.resolve(self, self._in_doubt.request, self._in_doubt_link_id)
        self._in_doubt = None
        return resolution

    # --- Inside ----------------------------------------------------------------------------------

    def _order(self, make: Callable[[int], m.Request[R]]) -> R:
        return self._exchange(lambda: make(self._last_order + 1))

    def _exchange(self, make: Callable[[], m.Request[R]]) -> R:
        if self._link is None or not self._link.is_open:
            self._open_link()
        request = make()
        try:
            return self._send(request)
        except PumpRefused as refused:
            if self._link is not None and self._link.is_open:
                raise
            if refused.attempts > 1:
                # An earlier attempt may have been carried out before the link ended.
                self._raise_if_unknown(request, refused)
        # Surely not carried out: the link has ended, or the pump has started anew. An order gets
        # a new number, because meanwhile another process of ours may have used this one.
        self._open_link()
        return self._send(make())

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
        except PumpRefused:
            self._note_order(request)
            raise
        except KeyboardInterrupt:
            self._note_order(request)
            self._doubt(request, "interrupted before the answer came")
            raise
        self._note_order(request)
        return response

    def _note_order(self, request: m.Request[m.Response]) -> None:
        # A pump remembers refused orders too: whatever came of it, the number is used up.
        if isinstance(request, _ORDERS):
            self._last_order = max(self._last_order, request.order_number)

    def _raise_if_unknown(self, request: m.Request[m.Response], error: ProgrammerError) -> None:
        if (unknown := self._doubt(request, str(error))) is not None:
            raise unknown from error

    def _doubt(self, request: m.Request[m.Response], why: str) -> OutcomeUnknown | None:
        """Keep in mind that *request* may have changed something, if it can."""
        effect = _EFFECTS.get(type(request))
        if effect is None:
            return None
        # The link that the pump's log names, even if finding out takes several new ones.
        self._in_doubt, self._in_doubt_link_id = OutcomeUnknown(effect, why, request), self.link_id
        return self._in_doubt

    def _perhaps_staged(self) -> str:
        limit = format_duration(self._staging_limit_ms)
        return (
            "Therapy is as it was. A prescription may be staged: it is not in force, expires by "
            f"itself within {limit}, and a roll-back drops it at once."
        )

    def _open_link(self) -> m.LinkOpened:
        if self._transport is None:
            raise PumpGone(f"port {self.address} is not open")
        self._link = None
        for last_try in (False, True):
            link = Link(self._transport, self._retry, self._deadline_ms)
            try:
                opened = link.exchange(m.OpenLink(self.programmer_id))
            except PumpRefused as refused:
                codes = {reason.code for reason in refused.refusal.reasons}
                if RefusalCode.UNSUPPORTED_VERSION in codes:
                    raise WrongPeer(str(refused)) from refused
                if last_try or RefusalCode.LINK_ID_USED not in codes:
                    raise
                continue
            break
        self._link = link
        self._last_order = opened.last_order_number
        self._staging_limit_ms = opened.staging_limit_ms
        return opened

    def _drop_port(self) -> None:
        self._link = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()
