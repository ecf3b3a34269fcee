"""The very same order once more, after its outcome was unknown: the option, and what came of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pump_programmer import arguments
from pump_programmer.arguments import UsageError
from pump_programmer.errors import PumpRefused
from pump_programmer.programmer import Programmer
from pump_programmer.values import OrderNumberOutOfRange
from pump_protocol.codes import RefusalCode
from pump_protocol.jsonable import Json

if TYPE_CHECKING:
    from pump_programmer.views import Screens

OrderNumber = Annotated[
    str | None,
    typer.Option(
        metavar="NUMBER",
        help="Repeat the very same order, which had this number, after an UNKNOWN outcome.",
    ),
]


@dataclass(slots=True)
class Repeat:
    """What became of an order that may have been given before.

    :ivar from_memory: whether the pump knew it already; None: it is a new one.
    """

    from_memory: bool | None = None

    @property
    def result(self) -> dict[str, Json]:
        """What a program is told of it."""
        return {} if self.from_memory is None else {"repeated": self.from_memory}

    def show(self, screens: "Screens", show: Callable[[], None]) -> None:
        """Tell a person, before what *show* tells."""
        if self.from_memory:
            screens.say("The pump answered from memory: this was done before, and not again.")
        elif self.from_memory is False:
            screens.say("The order had never reached the pump: it was carried out now.")
        show()


def parsed_number(text: str | None) -> int | None:
    """What was typed for an order number, if anything was."""
    return None if text is None else arguments.counted("--order-number", text)


@contextmanager
def repeating(programmer: Programmer, number: int | None) -> Iterator[Repeat]:
    """Order once more under an old number; a refusal says what that may mean."""
    repeat = Repeat()
    if number is None:
        yield repeat
        return
    try:
        yield repeat
    except OrderNumberOutOfRange as error:
        last = programmer.last_order_number
        raise UsageError(
            f"--order-number = {number}: allowed 1 to {last + 1}. The pump remembers this "
            f"programmer's orders up to {last}; whether order {number} was ever carried out, it "
            "cannot tell: read the log"
        ) from error
    except PumpRefused as refused:
        hint = _hint(refused, number)
        raise refused.hinting(hint) if hint else refused from refused.__cause__
    repeat.from_memory = programmer.answered_from_memory


def _hint(refused: PumpRefused, number: int) -> str:
    codes = refused.refusal.codes
    if RefusalCode.ORDER_REUSED in codes:
        return (
            f"Order {number} was another one than this, and nothing was done now. Repeat it "
            "exactly as it was, or give a new order without --order-number; pump-programmer log "
            "shows what was done."
        )
    if RefusalCode.STALE_ORDER in codes:
        return (
            f"The pump remembers its last order only, which came after order {number}, and nothing "
            "was done now. pump-programmer log shows what was done."
        )
    return ""
