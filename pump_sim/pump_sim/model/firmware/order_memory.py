"""What the pump remembers of orders, so that none is ever executed twice; it executes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pump_sim.model.orders import Order, OrderResult
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused, out_of_range

MAX_PROGRAMMERS = 64
"""A bound on memory. Beyond it a newcomer is refused: to forget anybody might execute twice."""

MAX_ORDER_NUMBER = 2**63 - 1
"""Order numbers are parameters of log records, which are signed."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """The last order of one programmer and what came of it: a result, or reasons of refusal."""

    order: Order
    outcome: OrderResult | tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class OrderMemory:
    """By programmer id, the order with the highest number so far."""

    # Never changed in place, only copied.
    last: Mapping[int, Remembered] = field(default_factory=dict)

    def last_number(self, programmer_id: int) -> int:
        """The highest order number of a programmer, 0 if it never gave an order."""
        known = self.last.get(programmer_id)
        return 0 if known is None else known.order.order_number

    def recall(self, order: Order) -> OrderResult | None:
        """What came of this very order before; None if it is new and may be executed.

        Raises `Refused` if it was refused before, and where the pump cannot tell a new order from
        an old one.
        """
        if reasons := out_of_range(Field.ORDER_NUMBER, order.order_number, 1, MAX_ORDER_NUMBER):
            raise Refused(*reasons)
        known = self.last.get(order.programmer_id)
        if known is None:
            if len(self.last) >= MAX_PROGRAMMERS:
                raise Refused(Reason(RefusalCode.TOO_MANY_PROGRAMMERS, Field.PROGRAMMER_ID))
            return None
        number, last_number = order.order_number, known.order.order_number
        if number > last_number:
            return None
        if number < last_number:
            code = RefusalCode.STALE_ORDER
            raise Refused(Reason(code, Field.ORDER_NUMBER, number, minimum=last_number + 1))
        if order != known.order:
            code = RefusalCode.ORDER_REUSED
            raise Refused(Reason(code, Field.ORDER_NUMBER, number, minimum=last_number + 1))
        if isinstance(known.outcome, tuple):
            raise Refused(*known.outcome)
        return known.outcome

    def remembering(self, order: Order, outcome: OrderResult | tuple[Reason, ...]) -> "OrderMemory":
        """The memory after a new order; a repeat of it will be answered with the same outcome."""
        return OrderMemory({**self.last, order.programmer_id: Remembered(order, outcome)})
