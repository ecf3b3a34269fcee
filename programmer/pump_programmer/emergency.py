"""Emergency access: what somebody who has no key may ask of a pump, at the patient and meaning it.

A pump gives it only while the programming head lies on it and after a press of the head's button,
to anybody. It reads the status, goes down to the minimum rate, or stops; no key makes it more, and
whoever tried wrong keys does not make it less. Nothing of it is encrypted or proved.
"""

from typing import Final, Self, TypeVar

from pump_programmer.connection import Connection
from pump_programmer.errors import (
    NOT_PROVED,
    NoAnswerError,
    OutcomeUnknown,
    PumpGone,
    PumpRefused,
    WrongPeer,
)
from pump_programmer.opening import greet
from pump_programmer.patience import DEFAULT_PATIENCE, Patience
from pump_programmer.words import refusal_text
from pump_protocol import messages as m
from pump_protocol.codes import RefusalCode

R = TypeVar("R", bound=m.Response)

_HINTS: Final = {
    RefusalCode.NOT_NEAR: "Lay the programming head on the pump, press its button, and ask again.",
    RefusalCode.NO_INTENT: "Press the button on the programming head, and ask again.",
    RefusalCode.WRONG_MODE: (
        "No prescription runs that could be brought down; emergency status shows what flows."
    ),
    RefusalCode.END_OF_SERVICE: "The pump has stopped for good, and has to be replaced.",
}
_ASK_AGAIN: Final = (
    "Ask for it again: what is done already is not done twice. Or ask for the emergency status."
)


class EmergencyAccess:
    """Emergency access over one port; a context manager. It needs no key, and uses none.

    :param address: what pyserial opens: a device path, ``socket://host:port``,
        ``rfc2217://host:port``.
    :param patience: how long to wait for an answer, and how often to ask for it.
    """

    def __init__(self, address: str, *, patience: Patience = DEFAULT_PATIENCE):
        self._connection = Connection(address, patience)
        self._in_doubt: OutcomeUnknown | None = None

    @property
    def in_doubt(self) -> OutcomeUnknown | None:
        """What a ``KeyboardInterrupt`` left unknown; None if nothing is."""
        return self._in_doubt

    def open(self) -> None:
        """Open the port. Nothing is sent.

        :raises PortUnavailable: or its children.
        """
        self._connection.open()

    def close(self) -> None:
        """Give the port back. May be called again."""
        self._connection.close()

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def identify(self) -> m.Identity:
        """Who answers; nothing proves it. Needs neither proximity nor intent.

        :raises NoAnswerError, WrongPeer, PumpGone: nobody that can be understood.
        """
        return greet(self._connection.link())

    def status(self) -> m.EmergencyStatusReport:
        """Drug, concentration, rate, reservoir and alarms.

        :raises PumpRefused: with what is missing: proximity, or a press of the button.
        :raises NoAnswerError, WrongPeer, PumpGone: nobody that can be understood.
        """
        return self._ask(m.EmergencyStatus())

    def minimum_rate(self) -> m.EmergencyMinimumRateSet:
        """Go down to the minimum rate, until a clinician programs the pump.

        :raises PumpRefused: with every reason; nothing was changed.
        :raises OutcomeUnknown: the answer was lost. To ask again does no harm.
        """
        return self._act(m.EmergencyMinimumRate(), "the pump went down to its minimum rate")

    def stop(self) -> m.EmergencyStopped:
        """Stop all infusion, until a clinician programs the pump. Withdrawal may follow.

        :raises PumpRefused: with every reason; nothing was changed.
        :raises OutcomeUnknown: the answer was lost. To ask again does no harm.
        """
        return self._act(m.EmergencyStop(), "the infusion was stopped")

    def _act(self, request: m.Request[R], effect: str) -> R:
        try:
            return self._ask(request)
        except (NoAnswerError, WrongPeer, PumpGone) as error:
            raise OutcomeUnknown(effect, str(error), request, _ASK_AGAIN) from error
        except PumpRefused as refused:
            if refused.attempts == 1:
                raise
            # The first sending may have been carried out, and only its answer lost.
            why = f"an answer was lost, and then {refusal_text(refused.refusal)}"
            raise OutcomeUnknown(effect, why, request, _ASK_AGAIN) from refused
        except KeyboardInterrupt:
            why = "interrupted before the answer came"
            self._in_doubt = OutcomeUnknown(effect, why, request, _ASK_AGAIN)
            raise

    def _ask(self, request: m.Request[R]) -> R:
        # Each on a link of its own, which nobody has to open: what went before is of no account.
        try:
            return self._connection.link().exchange(request)
        except PumpRefused as refused:
            hints = [_HINTS[each.code] for each in refused.refusal.reasons if each.code in _HINTS]
            raise refused.hinting(" ".join((*hints, NOT_PROVED))) from refused.__cause__
