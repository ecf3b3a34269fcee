"""Pumps that are wrong about orders: their numbers, their repeats, and refills."""

from dataclasses import replace

import pytest

from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.conformance.tester import PROGRAMMER_ID
from pump_protocol.events import RequestRefused
from pump_protocol.pump_end import PumpEnd
from pump_sim import telemetry
from pump_sim.model.events import EventCode
from pump_sim.model.firmware import order_memory
from pump_sim.model.firmware.delivery import Hold, RunningBolus
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.firmware.infusion import Infusion
from pump_sim.model.firmware.ledger import Ledger
from pump_sim.model.firmware.order_memory import OrderMemory
from pump_sim.model.firmware.service import Service
from pump_sim.model.orders import BolusOutcome, ReservoirUpdate
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused
from pump_sim.model.units import UNITS_PER_NL
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


def _forgetting(memory: OrderMemory, programmer_id: int) -> OrderMemory:
    return OrderMemory({each: of for each, of in memory.last.items() if each != programmer_id})


# --- Exactly once ------------------------------------------------------------------------------


@pump_mutant("repeated-order-replaces-the-bolus", caught_by="order/repeat-in-the-link")
def repeated_order_replaces_the_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The repeat of a bolus that runs ends it and begins it anew."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        running = firmware.delivery.bolus
        if running is not None and running.order_number == order.order_number:
            firmware.orders = _forgetting(firmware.orders, order.programmer_id)
            firmware.end_any_bolus()
        return ordinary(firmware, order, **named)


@pump_mutant("identical-order-refused", caught_by="order/identical-frame")
def identical_order_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The identical bytes of an order are refused like any other order of that number."""

    @around(patch, PumpEnd, "_repeat_answer")
    def repeat(ordinary, end, last):
        if last.frame.message_type == codes.MessageType.ORDER_BOLUS:
            reused = m.Reason(codes.RefusalCode.ORDER_REUSED, codes.Field.ORDER_NUMBER)
            end._refuse(last.frame, reused)
        else:
            ordinary(end, last)


@pump_mutant("order-forgotten-with-its-bolus", caught_by="order/repeat-after-an-abort")
def order_forgotten_with_its_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order is remembered as long as its bolus runs, and carried out again after that."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        if firmware.delivery.bolus is None:
            firmware.orders = _forgetting(firmware.orders, order.programmer_id)
        return ordinary(firmware, order, **named)


@pump_mutant("repeat-answered-with-the-present", caught_by="order/repeat-after-its-end")
def repeat_answered_with_the_present(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A repeat is not carried out, but answered as if the bolus began now."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        result = ordinary(firmware, order, **named)
        lasts_ms = result.ends_at_ms - result.started_at_ms
        now_ms = firmware.at_ms
        return replace(result, started_at_ms=now_ms, ends_at_ms=now_ms + lasts_ms)


@pump_mutant("orders-remembered-for-a-link", caught_by="order/repeat-in-another-link")
def orders_remembered_for_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What an order was is forgotten with its link; only its number is told in the next."""

    @answering(patch, m.OpenLink)
    def open_link(ordinary, self, request, event):
        opened = ordinary(self, request, event)
        self._firmware.orders = _forgetting(self._firmware.orders, event.programmer_id)
        return opened


@pump_mutant("orders-forgotten-with-the-line", caught_by="order/repeat-after-a-reconnect")
def orders_forgotten_with_the_line(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Orders are forgotten when the port is closed."""

    def forgetful(endpoint):
        ordinary = endpoint.connection_lost

        def connection_lost(link_ns):
            ordinary(link_ns)
            endpoint.telemetry._firmware.orders = OrderMemory()

        patch.setattr(endpoint, "connection_lost", connection_lost)

    pump.alter(forgetful)


@pump_mutant("orders-forgotten-by-a-reset", caught_by="order/repeat-after-a-reset")
def orders_forgotten_by_a_reset(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Orders are kept in a memory that a reset clears."""

    @around(patch, Firmware, "reset")
    def reset(ordinary, firmware, cause):
        ordinary(firmware, cause)
        firmware.orders = OrderMemory()


@pump_mutant("orders-of-all-programmers-are-one", caught_by="order/of-another-programmer")
def orders_of_all_programmers_are_one(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Whose order it is does not matter: the same number from anybody is the same order."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        return ordinary(memory, replace(order, programmer_id=0))

    @around(patch, OrderMemory, "remembering")
    def remembering(ordinary, memory, order, outcome):
        return ordinary(memory, replace(order, programmer_id=0), outcome)

    @around(patch, OrderMemory, "last_number")
    def last_number(ordinary, memory, programmer_id):
        return ordinary(memory, 0)


# --- Numbers -----------------------------------------------------------------------------------


@pump_mutant("same-number-is-the-same-order", caught_by="order/number-of-another-order")
def same_number_is_the_same_order(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A number that was used is answered as then, whatever is ordered under it."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        known = memory.last.get(order.programmer_id)
        same = known is not None and type(known.order) is type(order)
        if same and known.order.order_number == order.order_number:
            return ordinary(memory, known.order)
        return ordinary(memory, order)


@pump_mutant("number-reused-tells-no-next", caught_by="order/number-of-another-order")
def number_reused_tells_no_next(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """ORDER_REUSED tells the number that was used as the next that is free."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        try:
            return ordinary(memory, order)
        except Refused as refused:
            (reason,) = refused.reasons[:1]
            if reason.code is RefusalCode.ORDER_REUSED:
                raise Refused(replace(reason, minimum=reason.minimum - 1)) from None
            raise


@pump_mutant("lower-number-carried-out", caught_by="order/lower-number")
def lower_number_carried_out(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the last number is compared: a lower one is a new order."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        known = memory.last.get(order.programmer_id)
        if known is not None and 0 < order.order_number < known.order.order_number:
            return None
        return ordinary(memory, order)


@pump_mutant("gaps-refused", caught_by="order/gaps")
def gaps_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Only the very next number is taken."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        following = memory.last_number(order.programmer_id) + 1
        if order.order_number > following:
            number = order.order_number
            reason = Reason(RefusalCode.OUT_OF_RANGE, Field.ORDER_NUMBER, number, 1, following)
            raise Refused(reason)
        return ordinary(memory, order)


@pump_mutant("number-beyond-63-bits-taken", caught_by="order/number-out-of-range")
def number_beyond_63_bits_taken(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Any u64 but 0 is a number."""
    patch.setattr(order_memory, "MAX_ORDER_NUMBER", 2**64 - 1)


@pump_mutant("greatest-number-refused", caught_by="order/greatest-number")
def greatest_number_refused(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """2⁶³ - 1 is one too many."""
    patch.setattr(order_memory, "MAX_ORDER_NUMBER", 2**63 - 2)


@pump_mutant("numbers-of-each-kind", caught_by="order/kinds-share-the-numbers")
def numbers_of_each_kind(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A number that another kind of order used is free."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        known = memory.last.get(order.programmer_id)
        if known is not None and type(known.order) is not type(order):
            return None
        return ordinary(memory, order)


@pump_mutant("last-number-of-what-was-carried-out", caught_by="order/last-number-told")
def last_number_of_what_was_carried_out(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LinkOpened leaves out an order that was refused."""

    @around(patch, OrderMemory, "last_number")
    def last_number(ordinary, memory, programmer_id):
        known = memory.last.get(programmer_id)
        refused = known is not None and isinstance(known.outcome, tuple)
        return 0 if refused else ordinary(memory, programmer_id)


@pump_mutant("last-number-of-anybody", caught_by="order/last-number-told")
def last_number_of_anybody(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """LinkOpened tells the highest number that any programmer used."""

    @around(patch, OrderMemory, "last_number")
    def last_number(ordinary, memory, programmer_id):
        return max((each.order.order_number for each in memory.last.values()), default=0)


@pump_mutant("refusal-uses-no-number", caught_by="order/refused-for-good")
def refusal_uses_no_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What was refused was no order: its repeat is judged anew, and carried out."""

    @around(patch, Infusion, "refuse_order")
    def refuse_order(ordinary, firmware, order, reasons):
        if reasons:
            raise Refused(*reasons)


@pump_mutant("wrong-kind-uses-no-number", caught_by="order/kind-that-nobody-knows")
def wrong_kind_uses_no_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A known kind that cannot be ordered leaves its number free, as an unknown one does."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        orders = firmware.orders
        try:
            return ordinary(firmware, order, **named)
        except Refused as refused:
            if any(each.field is Field.BOLUS_KIND for each in refused.reasons):
                firmware.orders = orders
            raise


@pump_mutant("malformed-order-uses-a-number", caught_by="order/malformed")
def malformed_order_uses_a_number(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order that cannot be read uses the next number up."""
    orders = (codes.MessageType.ORDER_BOLUS, codes.MessageType.UPDATE_RESERVOIR)

    @around(patch, telemetry.Telemetry, "observe")
    def observe(ordinary, self, event):
        ordinary(self, event)
        if isinstance(event, RequestRefused) and event.refusal.request_type in orders:
            firmware, reason = self._firmware, event.refusal.reasons[0]
            number = firmware.orders.last_number(PROGRAMMER_ID) + 1
            unread = ReservoirUpdate(programmer_id=PROGRAMMER_ID, order_number=number, volume_nl=0)
            firmware.orders = firmware.orders.remembering(unread, (reason,))


@pump_mutant("oldest-programmer-forgotten", caught_by="order/sixty-five-programmers")
def oldest_programmer_forgotten(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """For a 65th programmer the first is forgotten."""

    @around(patch, OrderMemory, "recall")
    def recall(ordinary, memory, order):
        if order.programmer_id not in memory.last and order.order_number:
            return None
        return ordinary(memory, order)

    @around(patch, OrderMemory, "remembering")
    def remembering(ordinary, memory, order, outcome):
        kept = ordinary(memory, order, outcome).last
        return OrderMemory(dict(list(kept.items())[-64:]))


@pump_mutant("sixty-three-programmers", caught_by="order/sixty-five-programmers")
def sixty_three_programmers(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """There is room for the orders of 63 programmers."""
    patch.setattr(order_memory, "MAX_PROGRAMMERS", 63)


# --- Times at which nothing may begin ----------------------------------------------------------


@pump_mutant("refilled-at-the-end-of-service", caught_by="order/at-the-end-of-service")
def refilled_at_the_end_of_service(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A pump at its end of service takes a refill."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, update, **named):
        service, firmware.service = firmware.service, Service()
        try:
            return ordinary(firmware, update, **named)
        finally:
            firmware.service = service


@pump_mutant(
    "bolus-while-interference-holds", caught_by="order/while-interference-holds-the-infusion"
)
def bolus_while_interference_holds(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An order releases an infusion that waits for an interrogation."""

    @around(patch, Firmware, "order_bolus")
    def order_bolus(ordinary, firmware, order, **named):
        firmware.interrogated()
        return ordinary(firmware, order, **named)


# --- Refills -----------------------------------------------------------------------------------


@pump_mutant("refill-added", caught_by="reservoir/set-and-not-added")
def refill_added(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refill is added to what is left."""

    @around(patch, Ledger, "refill")
    def refill(ordinary, ledger, volume_nl):
        filled = ordinary(ledger, volume_nl)
        return replace(filled, left_units=filled.left_units + ledger.left_units)


@pump_mutant("refill-told-as-a-delivery", caught_by="reservoir/set-and-not-added")
def refill_told_as_a_delivery(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """What a refill takes out of the reservoir counts as delivered."""

    @around(patch, Ledger, "refill")
    def refill(ordinary, ledger, volume_nl):
        filled = ordinary(ledger, volume_nl)
        return replace(filled, delivered_units=filled.delivered_units + ledger.left_units)


@pump_mutant("refill-carried-out-twice", caught_by="reservoir/repeat-hours-later")
def refill_carried_out_twice(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The repeat of a refill fills the reservoir again, and is answered as the first time."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, update, **named):
        known = firmware.last_order_number(update.programmer_id) == update.order_number
        result = ordinary(firmware, update, **named)
        if known:
            firmware.ledger = firmware.ledger.refill(update.volume_nl)
            firmware.after_change()
        return result


@pump_mutant("repeat-of-a-refill-logged", caught_by="reservoir/repeat-of-a-refill")
def repeat_of_a_refill_logged(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The repeat of a refill writes another record."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, update, **named):
        known = firmware.last_order_number(update.programmer_id) == update.order_number
        result = ordinary(firmware, update, **named)
        if known:
            volumes = (result.believed_before_nl, result.believed_after_nl)
            firmware.record(EventCode.RESERVOIR_UPDATED, *volumes, named["link_id"])
        return result


@pump_mutant("refill-above-the-capacity", caught_by="reservoir/volume-limits")
def refill_above_the_capacity(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refill may be 1 nL more than the capacity."""
    from pump_sim.model.firmware import firmware as module

    @around(patch, module, "check_reservoir_update")
    def check(ordinary, update, profile):
        return ordinary(update, replace(profile, capacity_nl=profile.capacity_nl + 1))


@pump_mutant("refill-ends-a-bolus", caught_by="reservoir/refill-under-a-bolus")
def refill_ends_a_bolus(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A refill aborts the bolus that runs."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, update, **named):
        firmware.end_any_bolus()
        return ordinary(firmware, update, **named)


@pump_mutant("empty-told-as-a-limit", caught_by="reservoir/empty")
def empty_told_as_a_limit(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """From an empty reservoir a bolus is refused for the limit by what is left."""

    @around(patch, Infusion, "_reasons_of_supply")
    def reasons_of_supply(ordinary, firmware, field, volume_nl):
        reasons = ordinary(firmware, field, volume_nl)
        if any(each.code is RefusalCode.RESERVOIR_EMPTY for each in reasons):
            return (Reason(RefusalCode.OUT_OF_RANGE, field, volume_nl, 1, 0),)
        return reasons


@pump_mutant("lost-bolus-taken-up", caught_by="reservoir/refill-when-empty")
def lost_bolus_taken_up(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """After a refill the bolus that an empty reservoir cut short goes on."""

    @around(patch, Firmware, "update_reservoir")
    def update_reservoir(ordinary, firmware, update, **named):
        dry = Hold.EMPTY_RESERVOIR in firmware.delivery.holds
        result = ordinary(firmware, update, **named)
        last = firmware.delivery.last_bolus
        if dry and last is not None and last.outcome is BolusOutcome.ABORTED:
            _go_on_with(firmware, last)
        return result


def _go_on_with(firmware, last) -> None:
    from pump_sim.model.course import BolusCurve

    curve = BolusCurve(last.volume_nl * UNITS_PER_NL, last.duration_ms, firmware.at_ms)
    firmware._begin(RunningBolus(last.kind, curve, last.programmer_id, last.order_number))
    firmware.after_change()


@pump_mutant("refill-of-an-empty-pump-does-not-resume", caught_by="reservoir/refill-when-empty")
def refill_of_an_empty_pump_does_not_resume(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """An infusion that an empty reservoir stopped waits for a commit."""

    @around(patch, Infusion, "release")
    def release(ordinary, firmware, hold):
        if hold is not Hold.EMPTY_RESERVOIR:
            ordinary(firmware, hold)
