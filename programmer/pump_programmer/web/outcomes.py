"""What becomes of an act whose answer was lost, and what a desk refuses, in words."""

from dataclasses import dataclass

from pump_programmer.errors import OutcomeUnknown
from pump_programmer.terminal import ExitCode
from pump_protocol.web.problems import Problem


@dataclass(frozen=True, slots=True)
class Resolved:
    """An act whose answer was lost, and which was found out to be done."""

    text: str


class NotDone(Problem):
    """An act whose answer was lost, and which was found out not to be done."""

    def __init__(self, text: str) -> None:
        super().__init__(409, "not_done", text, exit_code=int(ExitCode.NOT_DONE))


# --- Refusals ------------------------------------------------------------------------------------


def not_connected(address: str) -> Problem:
    """There is no pump to ask."""
    return Problem(
        409, "not_connected", f"there is no connection to a pump at {address}: connect first"
    )


def in_doubt(doubted: OutcomeUnknown) -> Problem:
    """Nothing is changed before it is known what became of an earlier act."""
    return Problem(
        409,
        "in_doubt",
        f"{doubted}\nFind that out first: nothing else can be changed before.",
        order_number=doubted.order_number,
    )


def nobody_to_ask(doubted: OutcomeUnknown, found: str, wanted: str) -> Problem:
    """Another pump answers than the one that was asked for the act that is in doubt."""
    return Problem(
        409,
        "in_doubt",
        f"pump {found} answers now, and only pump {wanted} can tell what became of this: {doubted}",
    )


def nothing_in_doubt() -> Problem:
    """There is nothing to be found out."""
    return Problem(404, "nothing_in_doubt", "no outcome is unknown")


def another_pump(found: str, before: str) -> Problem:
    """Another pump answers than before."""
    return Problem(
        409,
        "another_pump",
        f"pump {found} answers now, and not pump {before}, which was connected before. Nothing was "
        "asked of it. If it is meant, connect again",
        serial_number=found,
    )


def stale_review() -> Problem:
    """What somebody is told who commits what is not held for them any more."""
    return Problem(
        409,
        "stale_review",
        "this review is not held any more: it has expired, was rolled back or committed, another "
        "page took over, or the pump was programmed meanwhile. Nothing was committed by this "
        "request; interrogate the pump, and review again",
    )
