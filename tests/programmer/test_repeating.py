"""An order is carried out once, whatever restarts or gets lost, and who gave it finds out."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_programmer.errors import OutcomeUnknown, PumpRefused
from pump_programmer.values import OrderNumberOutOfRange
from pump_protocol import codes as c
from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from tests.pump_sim.virtual import implanted

from .prescriptions import simple, with_patient
from .virtual_port import VirtualPort

BOLUS = (50_000, 600_000)
BOLUS_COMMAND = ("bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes")
REFILL_COMMAND = ("refill", "--volume", "18 mL", "--yes")
PATIENT_COMMAND = ("patient-bolus",)


def new_port() -> VirtualPort:
    """A pump with keys whose patient may ask for a bolus."""
    port = VirtualPort(implanted(), PumpGuard(new_keys(random.Random(1).randbytes)))
    with port.programmer() as programmer:
        programmer.program(with_patient(simple(880_000)))
    return port


@pytest.fixture
def port(monkeypatch):
    port = new_port()
    port.plug_in(monkeypatch)
    return port


@pytest.fixture
def ask(run, port):
    """Run one command as the clinician."""
    key = port.guard.keys[UserRole.CLINICIAN].to_text()

    def start(*arguments, typed=None):
        head = ("--port", "virtual", "--key", key, "--programmer-id", "7")
        return run(*head, *arguments, typed=typed)

    return start


def begun(port: VirtualPort) -> int:
    """How many boluses were begun, by the pump's own log."""
    log = port.firmware.log
    started = {"BOLUS_STARTED", "PATIENT_BOLUS_STARTED", "PRIMING_STARTED"}
    return sum(each.event.name in started for each in log.page(1, log.next_sequence))


def losing(port: VirtualPort, *, arrives: bool) -> None:
    """From now on answers to orders are lost, or the orders themselves."""
    orders = {
        c.MessageType.ORDER_BOLUS,
        c.MessageType.UPDATE_RESERVOIR,
        c.MessageType.REQUEST_PATIENT_BOLUS,
    }

    def lose(data: bytes) -> bytes | None:
        if data[3] not in orders:
            return None
        if arrives:
            port.endpoint.receive_data(data, port.now_ns)
        return b""

    port.on_write = lose


def hearing(port: VirtualPort) -> None:
    port.on_write = lambda data: None


# --- Resolving -----------------------------------------------------------------------------------


@pytest.mark.parametrize("restarts", [False, True], ids=["reconnect", "pump restarted"])
@pytest.mark.parametrize("arrives", [False, True], ids=["order lost", "answer lost"])
def test_an_unknown_outcome_is_resolved_and_the_order_is_not_given_twice(port, arrives, restarts):
    with port.programmer() as programmer:
        losing(port, arrives=arrives)
        with pytest.raises(OutcomeUnknown, match=r"the bolus was begun \(order 1\)") as caught:
            programmer.order_bolus(*BOLUS)
        assert caught.value.order_number == 1
        assert "the pump carries out no number twice" in str(caught.value)
        hearing(port)
        if restarts:
            port.restart()
        assert programmer.resolve().done is arrives
    assert begun(port) == int(arrives)


@pytest.mark.parametrize("arrives", [False, True], ids=["order lost", "answer lost"])
def test_a_restarted_programmer_repeats_the_order_and_it_is_carried_out_once(port, arrives):
    with port.programmer() as programmer:
        losing(port, arrives=arrives)
        with pytest.raises(OutcomeUnknown):
            programmer.order_bolus(*BOLUS)
    hearing(port)
    for from_memory in (arrives, True):
        with port.programmer() as programmer:
            assert programmer.order_bolus(*BOLUS, order_number=1).order_number == 1
            assert programmer.answered_from_memory is from_memory
    assert begun(port) == 1


def test_after_a_loss_of_memory_nothing_is_called_not_carried_out(port):
    """The first order of all; the pump itself says that it has lost its memory."""
    with port.programmer() as programmer:
        losing(port, arrives=True)
        with pytest.raises(OutcomeUnknown):
            programmer.order_bolus(*BOLUS)
        hearing(port)
        port.lose_memory()
        found = programmer.resolve()
    assert found.done is None
    assert found.text == (
        "the pump has lost memory (it lists a critical memory error), and cannot tell"
    )


def test_orders_that_the_pump_has_forgotten_make_this_one_unknown_too(port):
    """Somebody may have acknowledged the alarm; that earlier orders are gone tells as much."""
    with port.programmer() as programmer:
        programmer.refill(18_000_000)
        losing(port, arrives=True)
        with pytest.raises(OutcomeUnknown):
            programmer.order_bolus(*BOLUS)
        hearing(port)
        port.lose_memory()
        port.firmware.acknowledge(port.firmware.status().alarms[0].alarm)
        found = programmer.resolve()
    assert found.done is None
    assert found.text == (
        "the pump remembers no order after 0, and has forgotten others before order 2"
    )


def test_a_version_lower_than_one_that_was_told_is_a_loss_of_memory(port):
    """SEQ-13: as of a pump that was put back to an older state, and lists no error."""
    with port.programmer() as programmer:
        programmer.program(simple(880_000))
        losing(port, arrives=True)
        with pytest.raises(OutcomeUnknown):
            programmer.order_bolus(*BOLUS)
        hearing(port)
        port.pump = implanted()
        port.restart()
        found = programmer.resolve()
    assert found.done is None
    assert "(version 1 is in force, after version " in found.text


def test_no_order_is_sent_again_by_itself_to_a_pump_that_has_lost_its_memory():
    """SEQ-13: the link is refused once, and nothing was carried out under it; all the same."""
    port = VirtualPort(implanted())
    with port.programmer() as programmer:
        programmer.refill(18_000_000)
        port.pump = implanted()
        port.restart()
        with pytest.raises(OutcomeUnknown, match=r"lost memory \(it remembers no order after 0"):
            programmer.refill(19_000_000)
        assert "RESERVOIR_UPDATED" not in {
            each.event.name for each in port.firmware.log.page(1, 99)
        }
        assert programmer.resolve().done is None
        assert programmer.refill(19_000_000).order_number == 1  # the person has decided


def test_a_repeated_order_that_the_pump_cannot_tell_is_not_sent(port):
    with port.programmer() as programmer:
        programmer.refill(18_000_000)
        for number in (0, 3, 2**64):
            with pytest.raises(OrderNumberOutOfRange, match=rf"^order_number = {number}: allowed"):
                programmer.order_bolus(*BOLUS, order_number=number)
        assert c.MessageType.ORDER_BOLUS not in [frame.message_type for frame in port.heard]
        with pytest.raises(TypeError, match="a whole number wanted"):
            programmer.refill(18_000_000, order_number="1")


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), arrivals=st.lists(st.booleans(), min_size=1, max_size=6))
def test_however_often_an_order_is_repeated_through_losses_it_is_given_once(seed, arrivals):
    """Each repetition by a programmer that has restarted; the pump restarts now and then, too."""
    random_ = random.Random(seed)
    port = VirtualPort(implanted(), PumpGuard(new_keys(random.Random(1).randbytes)))
    for arrives in arrivals:
        losing(port, arrives=arrives)
        with port.programmer() as programmer, pytest.raises(OutcomeUnknown):
            programmer.refill(18_000_000, order_number=1)
        if random_.random() < 0.3:
            port.restart()
    hearing(port)
    with port.programmer() as programmer:
        updated = programmer.refill(18_000_000, order_number=1)
        assert programmer.answered_from_memory is any(arrivals)
    assert (updated.before_nl, updated.after_nl) == (20_000_000, 18_000_000)


# --- At the command line -------------------------------------------------------------------------


@pytest.mark.parametrize("arrives", [False, True], ids=["order lost", "answer lost"])
@pytest.mark.parametrize(
    "command", [BOLUS_COMMAND, REFILL_COMMAND, PATIENT_COMMAND], ids=lambda each: each[0]
)
def test_an_order_is_repeated_under_its_number_by_another_run(ask, port, command, arrives):
    losing(port, arrives=arrives)
    lose, lost_any = port.on_write, []

    def lose_all_after(data: bytes) -> bytes | None:
        """The pump is out of reach when the command would find out."""
        instead = lose(data)
        if instead is not None:
            lost_any.append(data)
        return b"" if lost_any else None

    port.on_write = lose_all_after
    lost = ask(*command, "--json")
    assert lost.code == 5
    assert lost.error["kind"] == "outcome_unknown"
    assert lost.error["order_number"] == 1
    assert "(order 1)" in lost.error["message"]
    hearing(port)
    again = ask(*command, "--order-number", "1", "--json")
    assert (again.code, again.err) == (0, "")
    assert (again.json["order_number"], again.json["repeated"]) == (1, arrives)
    third = ask(*command, "--order-number", "1")
    assert "The pump answered from memory: this was done before, and not again." in third.out
    assert begun(port) == (0 if command is REFILL_COMMAND else 1)


def test_an_order_that_had_never_arrived_is_carried_out_and_that_is_said(ask, port):
    out = ask(*BOLUS_COMMAND, "--order-number", "1").out
    assert "The order had never reached the pump: it was carried out now." in out
    assert begun(port) == 1


def test_another_order_under_the_number_is_refused_and_explained(ask, port):
    assert ask(*BOLUS_COMMAND).code == 0
    ended = ask("bolus", "--dose", "60 mcg", "--duration", "10 min", "--yes", "--order-number", "1")
    assert ended.code == 1
    assert "the order number was used for another order" in ended.err
    assert "Order 1 was another one than this, and nothing was done now." in ended.err
    assert ask(*REFILL_COMMAND).code == 0
    stale = ask(*BOLUS_COMMAND, "--order-number", "1")
    assert stale.code == 1
    assert "The pump remembers its last order only, which came after order 1" in stale.err
    assert begun(port) == 1


def test_a_number_beyond_the_next_is_refused_before_anything_is_sent(ask, port):
    """After a loss of memory, too, where it may stand for an order that was carried out."""
    ended = ask(*REFILL_COMMAND, "--order-number", "7")
    assert ended.code == 2
    assert "--order-number = 7: allowed 1 to 1." in ended.err
    assert "whether order 7 was ever carried out, it cannot tell" in ended.err
    assert c.MessageType.UPDATE_RESERVOIR not in [frame.message_type for frame in port.heard]


@pytest.mark.parametrize("typed", ["0", "-1", "one", "1.5", "18446744073709551616"])
def test_what_is_no_order_number_is_refused_by_name(ask, typed):
    ended = ask(*REFILL_COMMAND, f"--order-number={typed}")
    assert ended.code == 2
    assert f"--order-number = '{typed}': a whole number of 1 to 2**64 - 1 wanted" in ended.err


def test_an_abort_has_no_number(ask):
    assert "--order-number" in ask("bolus", "--abort", "--order-number", "1").err


def test_an_unknown_outcome_that_nobody_can_resolve_tells_what_was_found(ask, port):
    """The pump has lost its memory while the order was on its way."""

    def lose(data: bytes) -> bytes | None:
        if data[3] != c.MessageType.UPDATE_RESERVOIR:
            return None
        port.endpoint.receive_data(data, port.now_ns)
        port.lose_memory()
        hearing(port)
        return b""

    port.on_write = lose
    ended = ask(*REFILL_COMMAND)
    assert ended.code == 5
    assert "UNKNOWN whether the reservoir volume was updated (order 1)" in ended.err
    assert "the pump has lost memory (it lists a critical memory error)" in ended.err
    assert "Do not repeat it under its number: the pump would take it for new." in ended.err
    assert "carries out no number twice" not in ended.err


def test_a_pump_that_restarted_says_that_nothing_was_carried_out(ask, port):
    """What it says by itself nobody can believe: the programmer asks under a new handshake."""

    def restart(data: bytes) -> bytes | None:
        if data[3] == c.MessageType.UPDATE_RESERVOIR:
            hearing(port)
            port.restart()
        return None

    port.on_write = restart
    ended = ask(*REFILL_COMMAND, "--json")
    assert ended.code == 10
    assert ended.error["kind"] == "not_done"
    assert "order 1 never reached the pump" in ended.error["message"]


def test_a_refused_order_stays_refused_when_it_is_repeated(port):
    """And its number is used up, whoever repeats it."""
    with port.programmer() as programmer:
        with pytest.raises(PumpRefused) as first:
            programmer.order_bolus(5_000_000_000, 600_000)
        with pytest.raises(PumpRefused) as again:
            programmer.order_bolus(5_000_000_000, 600_000, order_number=1)
        assert again.value.refusal == first.value.refusal
        assert programmer.interrogate().boluses == ()
