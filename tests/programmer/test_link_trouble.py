"""Whatever the line and the pump do, an exchange ends, in time, with the truth about it."""

import os
import socket
import threading
import tty
from dataclasses import replace
from time import monotonic

import pytest

from pump_programmer.errors import (
    AddressMalformed,
    NoAnswerError,
    OutcomeUnknown,
    PortBusy,
    PortMissing,
    PortUnavailable,
    PumpGone,
    PumpRefused,
    WrongPeer,
)
from pump_programmer.patience import Patience
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode

NOISE = b"\xa5\x5a\x01\xff\xa5 line noise \x00\x5a"


IMPATIENT = Patience(50, attempts=2)
QUICK_TO_REPEAT = Patience(50, attempts=400, deadline_s=20)


def dropping(count):
    """Lose the first *count* answers, then deliver."""
    left = [count]

    def mangle(data):
        if left[0]:
            left[0] -= 1
            return []
        return [data]

    return mangle


def test_a_silent_pump_is_reported_after_the_attempts_and_not_later(pump, connect):
    """A tenth of a second for the attempts; the deadline is a long way off."""
    pump.mangle = lambda data: []
    before = monotonic()
    with pytest.raises(NoAnswerError, match="no answer to 2 attempts"):
        connect(pump.address, patience=replace(IMPATIENT, deadline_s=600)).open()
    assert 0.09 < monotonic() - before < 60


def test_a_lost_answer_is_asked_for_again_and_the_request_is_carried_out_once(pump, connect):
    with connect(pump.address, patience=QUICK_TO_REPEAT) as programmer:
        pump.mangle = dropping(1)
        programmer.refill(20_000_000)
    assert pump.asked_for(m.UpdateReservoir) == 1
    assert len(pump.executed) == 1


def test_noise_before_between_and_after_answers_does_no_harm(pump, connect):
    pump.mangle = lambda data: [NOISE, data[:9], data[9:], NOISE]
    with connect(pump.address, patience=Patience(400, deadline_s=20)) as programmer:
        assert programmer.interrogate() == pump.status()
        assert programmer.identify().serial_number == "SCRIPT-1"


def test_an_answer_byte_by_byte_is_an_answer(pump, programmer):
    pump.mangle = lambda data: [data[at : at + 1] for at in range(len(data))]
    assert programmer.interrogate() == pump.status()


def test_duplicate_answers_are_ignored(pump, connect):
    pump.mangle = lambda data: [data, data, data]
    with connect(pump.address) as programmer:
        for _ in range(3):
            assert programmer.interrogate() == pump.status()
    assert pump.asked_for(m.Interrogate) == 3


def test_garbage_that_never_ends_does_not_outlast_the_deadline(pump, connect):
    """A client that starts its timeout anew at every byte would wait for ever."""
    with connect(pump.address, patience=Patience(600_000, deadline_s=1)) as programmer:
        pump.mangle = lambda data: []
        pump.trickle_ms = 5
        before = monotonic()
        with pytest.raises(NoAnswerError, match="bytes arrived, and the answer was not among"):
            programmer.interrogate()
        assert 0.9 < monotonic() - before < 60


def test_garbage_that_never_ends_does_not_delay_the_retries(pump, connect):
    with connect(pump.address, patience=QUICK_TO_REPEAT) as programmer:
        pump.mangle = dropping(2)
        pump.trickle_ms = 5
        assert programmer.interrogate() == pump.status()


def test_after_a_deadline_the_next_exchange_opens_a_new_link(pump, connect):
    with connect(pump.address, patience=Patience(600_000, deadline_s=1)) as programmer:
        old_link = programmer.link_id
        pump.mangle = dropping(1)
        with pytest.raises(NoAnswerError):
            programmer.interrogate()
        assert programmer.interrogate() == pump.status()
        assert programmer.link_id != old_link


def test_a_port_that_dies_in_the_middle_of_an_answer_is_gone(pump, connect):
    with connect(pump.address) as programmer:
        pump.mangle = lambda data: [data[: len(data) // 2], None]
        with pytest.raises(PumpGone, match="was lost"):
            programmer.interrogate()
        with pytest.raises(PumpGone):
            programmer.interrogate()  # and it stays gone: nothing reconnects by itself


def test_a_commit_whose_port_dies_has_an_unknown_outcome(pump, connect):
    with connect(pump.address) as programmer:
        staged = programmer.stage(pump.prescription)
        pump.mangle = lambda data: [None]
        with pytest.raises(OutcomeUnknown, match="UNKNOWN whether the prescription was put in"):
            programmer.commit(staged.digest)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p.order_bolus(50_000, 600_000, concentration_ng_per_ml=2_000_000),
        lambda p: p.abort_bolus(),
        lambda p: p.refill(20_000_000),
        lambda p: p.acknowledge(c.Alarm.EOS),
        lambda p: p.silence(c.Alarm.EOS, 1),
        lambda p: p.set_clock(1),
        lambda p: p.commit(bytes(32)),
    ],
)
def test_a_lost_answer_to_a_change_is_an_unknown_outcome(muted, programmer, ask):
    with muted(), pytest.raises(OutcomeUnknown, match=r"UNKNOWN whether .* Interrogate the pump"):
        ask(programmer)


@pytest.mark.parametrize(
    "ask",
    [
        lambda p: p.identify(),
        lambda p: p.interrogate(),
        lambda p: p.read_prescription(),
        lambda p: list(p.read_log()),
        lambda p: p.self_test(),
        lambda p: p.test_alarm(c.AlarmClass.CRITICAL),
    ],
)
def test_a_lost_answer_to_what_only_reads_is_only_no_answer(muted, programmer, ask):
    with muted(), pytest.raises(NoAnswerError) as caught:
        ask(programmer)
    assert "staged" not in str(caught.value)


STAGING = [
    lambda p: p.stage(m.Prescription(c.Mode.STOPPED, (m.Drug(c.MassUnit(1), 1, "x"),), 0, 0, 0)),
    lambda p: p.roll_back(),
]
PERHAPS_STAGED = (
    "Therapy is as it was. A prescription may be staged: it is not in force, expires by itself "
    "within 2 min, and a roll-back drops it at once."
)


@pytest.mark.parametrize("ask", STAGING)
def test_a_lost_answer_to_a_staging_does_not_claim_that_nothing_is_staged(muted, programmer, ask):
    with muted(), pytest.raises(NoAnswerError) as caught:
        ask(programmer)
    assert str(caught.value).startswith("no answer to 2 attempts")
    assert str(caught.value).endswith(f". {PERHAPS_STAGED}")


@pytest.mark.parametrize("ask", STAGING)
def test_a_port_that_dies_at_a_staging_does_not_claim_that_nothing_is_staged(pump, connect, ask):
    with connect(pump.address) as programmer:
        pump.mangle = lambda data: [None]
        with pytest.raises(PumpGone) as caught:
            ask(programmer)
    assert str(caught.value).endswith(f". {PERHAPS_STAGED}")


def test_a_link_that_ended_is_opened_anew_and_the_request_sent_again(pump, programmer):
    old_link = programmer.link_id
    pump.forget_link()
    assert programmer.interrogate() == pump.status()
    assert programmer.link_id != old_link
    assert pump.asked_for(m.OpenLink) == 2


def test_an_order_on_a_link_that_ended_gets_the_number_after_the_pumps_last(pump, programmer):
    """Another process of the same programmer id may have ordered meanwhile."""
    pump.forget_link()
    pump.last_order = 41
    assert programmer.refill(20_000_000).order_number == 42
    assert [order.order_number for order in pump.executed] == [42]


def test_a_change_that_was_perhaps_done_before_the_link_ended_is_not_sent_again(pump, connect):
    """The first answer is lost, then the pump forgets the link: resending could do it twice."""

    def lose_and_forget(data):
        pump.mangle = lambda data: [data]
        pump.forget_link()
        return []

    with connect(pump.address, patience=QUICK_TO_REPEAT) as programmer:
        pump.mangle = lose_and_forget
        with pytest.raises(OutcomeUnknown):
            programmer.refill(20_000_000)
        assert len(pump.executed) == 1
        assert programmer.resolve().done is True
        assert len(pump.executed) == 1


def test_a_pump_that_loses_every_link_is_an_error_and_not_a_loop(pump, programmer):
    def refuse(data):
        pump.forget_link()
        return [data]

    pump.mangle = refuse
    pump.forget_link()
    with pytest.raises(PumpRefused, match="link is not open"):
        programmer.interrogate()


def test_an_answer_in_another_protocol_version_is_a_wrong_peer(pump, connect):
    def answer(data):
        # The version is the third byte; the checks are made anew by packing it as a frame.
        old = Frame(data[3], int.from_bytes(data[4:12], "little"), 1, data[20:-4], version=9)
        return [old.to_bytes()]

    pump.mangle = answer
    with pytest.raises(WrongPeer, match="version 9"):
        connect(pump.address).open()


def test_a_pump_that_refuses_our_version_is_a_wrong_peer(pump, connect):
    reason = m.Reason(c.RefusalCode.UNSUPPORTED_VERSION, c.Field.VERSION, 1, 2, 2)
    pump.answers[m.Identify] = lambda request: m.Refusal(request.message_type, (reason,))
    with pytest.raises(WrongPeer, match="another version"):
        connect(pump.address).open()


def test_an_answer_of_the_wrong_kind_to_a_change_leaves_its_outcome_unknown(pump, programmer):
    def other_kind(data):
        frame = Frame(
            m.BolusAborted.message_type,
            int.from_bytes(data[4:12], "little"),
            int.from_bytes(data[12:16], "little"),
            encode(m.BolusAborted(c.BolusKind.SINGLE, 1, 2)),
        )
        return [frame.to_bytes()]

    pump.mangle = other_kind
    with pytest.raises(OutcomeUnknown, match="breaks the protocol"):
        programmer.refill(20_000_000)


def test_an_echo_is_a_wrong_peer(connect):
    with pytest.raises(WrongPeer, match="echoes"):
        connect("loop://", patience=IMPATIENT).open()


# --- Ports ---------------------------------------------------------------------------------------


def test_a_missing_device_is_named(connect, tmp_path):
    with pytest.raises(PortMissing, match="nothing-here: no such device"):
        connect(str(tmp_path / "nothing-here")).open()


def test_a_tcp_port_nobody_listens_on_is_missing(connect):
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    with pytest.raises(PortMissing, match="nothing listens there"):
        connect(f"socket://127.0.0.1:{number}").open()


def test_a_device_that_another_programmer_has_is_busy(pump, programmer, connect):
    with pytest.raises(PortBusy, match="in use"):
        connect(pump.address).open()
    assert programmer.interrogate() == pump.status()


def test_a_device_is_free_again_after_close(pump, connect):
    for _ in range(2):
        with connect(pump.address) as programmer:
            programmer.interrogate()
    assert pump.asked_for(m.CloseLink) == 2


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("socket://127.0.0.1", "needs HOST:PORT"),
        ("socket://127.0.0.1:99999", "PORT of 1 to 65535"),
        ("socket://127.0.0.1:0", "PORT of 1 to 65535"),
        ("socket://127.0.0.1:five", "needs HOST:PORT"),
        ("socket://", "needs HOST:PORT"),
        ("SOCKET://", "needs HOST:PORT"),
        ("socket://:5000", "needs HOST:PORT"),
        ("rfc2217://127.0.0.1", "needs HOST:PORT, as rfc2217://"),
        ("nonsense://x", "a device path, socket://HOST:PORT or rfc2217://HOST:PORT"),
    ],
)
def test_a_malformed_address_is_unusable_and_says_which_and_why(connect, address, why):
    with pytest.raises(AddressMalformed, match=why) as caught:
        connect(address).open()
    assert str(caught.value).startswith(f"port {address}: ")
    assert caught.value.address == address


@pytest.mark.parametrize("kind", ["file", "directory", "null device"])
def test_what_is_no_serial_port_is_called_so(connect, tmp_path, kind):
    path = tmp_path / "file"
    path.write_bytes(b"")
    address = {"file": str(path), "directory": str(tmp_path), "null device": os.devnull}[kind]
    with pytest.raises(PortUnavailable) as caught:
        connect(address).open()
    assert str(caught.value) == f"port {address} is not a serial port"


@pytest.mark.filterwarnings(  # both in pyserial's RFC 2217 client
    "ignore:set.* is deprecated:DeprecationWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
@pytest.mark.parametrize("scheme", ["socket", "rfc2217"])
def test_a_server_that_hangs_up_at_once_is_busy(connect, scheme):
    """A pump's network port serves one client; a second one is let in and shown out."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def refuse():
            connection, _ = server.accept()
            connection.close()

        thread = threading.Thread(target=refuse)
        thread.start()
        try:
            with pytest.raises(PortBusy, match="another programmer"):
                connect(f"{scheme}://127.0.0.1:{server.getsockname()[1]}").open()
        finally:
            thread.join()


def test_a_conversation_over_tcp_is_the_same(tcp_pump, connect):
    with connect(tcp_pump.address) as programmer:
        assert programmer.interrogate() == tcp_pump.status()
        assert programmer.refill(20_000_000).after_nl == 20_000_000
        assert len(list(programmer.read_log())) == len(tcp_pump.log)
    assert tcp_pump.asked_for(m.CloseLink) == 1


def test_a_tcp_port_that_hangs_up_in_use_is_gone_and_not_busy(tcp_pump, connect):
    with connect(tcp_pump.address) as programmer:
        tcp_pump.mangle = lambda data: [None]
        with pytest.raises(PumpGone):
            programmer.interrogate()


def test_a_full_line_that_nobody_reads_does_not_hold_a_request_up(connect):
    """Writes have a deadline too."""
    master, replica = os.openpty()
    try:
        tty.setraw(replica)
        programmer = connect(
            os.ttyname(replica), patience=Patience(1, attempts=100_000, deadline_s=1)
        )
        before = monotonic()
        with pytest.raises(NoAnswerError):
            programmer.open()
        assert monotonic() - before < 60
    finally:
        os.close(master)
        os.close(replica)


def test_unsuitable_parameters_are_refused(connect):
    for bad in (0, 2**64):
        with pytest.raises(ValueError, match=f"^programmer_id = {bad}: allowed"):
            connect("loop://", programmer_id=bad)
