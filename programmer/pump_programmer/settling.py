"""Leaving nobody in doubt: after a lost answer the pump is asked at once what became of it."""

from dataclasses import dataclass

from pump_programmer.conversation import MEMORY_LOST_ADVICE
from pump_programmer.errors import OutcomeUnknown, ProgrammerError
from pump_programmer.outcome import Resolution
from pump_programmer.programmer import Programmer
from pump_protocol.messages import Identity


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a request whose answer was lost, and who said so."""

    identity: Identity
    resolution: Resolution

    @property
    def text(self) -> str:
        """For a person."""
        if self.resolution.done:
            return f"The answer was lost, but it was done: {self.resolution.text}."
        return f"the request was NOT carried out: {self.resolution.text}"


def settle(programmer: Programmer, unknown: OutcomeUnknown) -> Settled:
    """Ask the pump what became of it.

    :raises OutcomeUnknown: it does not answer, or cannot tell.
    """
    try:
        identity = programmer.identify()  # first, because what is known then is not to be lost
        resolution = programmer.resolve()
    except (ProgrammerError, KeyboardInterrupt):
        raise unknown from None
    if resolution.done is None:
        advice = MEMORY_LOST_ADVICE if resolution.memory_lost else None
        raise unknown.adding(resolution.text, advice) from unknown
    return Settled(identity, resolution)
