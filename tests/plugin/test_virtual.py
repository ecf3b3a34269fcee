"""The pump in a test's own process: the same as one in its own, in virtual time."""

import json
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial

from pump_programmer import Programmer
from pump_programmer.errors import NoAnswerError, PortBusy, PortMissing, PumpGone
from pump_protocol.events import ResponseReceived
from pump_protocol.messages import Identify
from pump_protocol.session import Role, Session
from pump_sim.control.asker import ConnectionEnded, ControlFailed
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.testing.errors import NoSuchPump
from pump_sim.testing.process import PumpProcess
from pump_sim.testing.virtual import VirtualPump
from pump_sim.testing.virtual import virtual_pump as a_virtual_pump

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@pytest.mark.pump(dose_mcg_per_day=800)
def test_programmer_talks_to_it_by_its_address(virtual_pump: VirtualPump) -> None:
    """The client of this package opens the address and finds the pump as it was asked for."""
    with Programmer(virtual_pump.address, key=virtual_pump.key) as programmer:
        assert programmer.interrogate().infusing_nl_per_day == 400_000
        virtual_pump.advance(days=45)
        status = programmer.interrogate()
    assert status.at_ms == 45 * DAY_MS
    assert [each.alarm.name for each in status.alarms] == ["LOW_RESERVOIR"]


@pytest.mark.pump(dose_mcg_per_day=800)
def test_both_kinds_of_pump_answer_the_same(
    virtual_pump: VirtualPump, pump_on_tcp: PumpProcess
) -> None:
    """Every method that reads, after the same acts: what a test learns does not depend on where
    its pump lives."""
    told: list[dict[str, Any]] = []
    for pump in (virtual_pump, pump_on_tcp):
        with Programmer(pump.address, key=pump.key, programmer_id=1) as programmer:
            programmer.self_test()
            pump.watch()
            number = pump.inject("flow_error", factor_ppm=1_250_000)
            pump.inject("motor_stall", at_ms="2 d", for_ms="1 h")
            pump.advance(days=3)
            pump.fill("18 mL", concentration_ng_per_ml="500 mcg/mL")
            pump.next_event()
            with pytest.raises(ControlFailed) as refused:
                pump.press()
            programmer.self_test()
        pump.clear(number)
        hello = pump.hello()
        assert hello["pumps"][0].pop("address") == pump.address
        state = pump.state()
        pump.load(state)
        del state["state"]["firmware"]["access_log"]  # it has the link's random id
        for entry in state["state"]["firmware"]["log"]["entries"]:
            entry.pop("link_id")
        log = [{**each, "link_id": 0} for each in pump.log()["records"]]
        events = [each["event"] for each in pump.events()]
        readings = (pump.truth, pump.belief, pump.both, pump.patient, pump.tones, pump.faults)
        told.append(
            {
                **{each.__name__: each() for each in readings},
                "hello": hello,
                "state": state,
                "log": log,
                "events": events,
                "time": pump.time(),
                "error": refused.value.error,
            }
        )
    assert told[0] == told[1]


def test_a_year_passes_without_waiting(virtual_pump: VirtualPump) -> None:
    """Therapy time moves at once, and so does a read that nobody answers."""
    began_s = time.monotonic()
    virtual_pump.advance(days=365)
    with serial.serial_for_url(virtual_pump.address, timeout=3_600) as port:
        assert port.read(10) == b""
        assert port.monotonic_ns() > 3_600 * 1_000_000_000
    assert time.monotonic() - began_s < 30


def test_read_passes_link_time_so_that_the_pumps_timers_work(virtual_pump: VirtualPump) -> None:
    """A link that is idle for two minutes has ended, and half a frame is forgotten in between."""
    with Programmer(virtual_pump.address, key=virtual_pump.key, programmer_id=7) as programmer:
        first = programmer.link_id
        virtual_pump.pass_link_time(119)
        programmer.interrogate()
        assert programmer.link_id == first
        virtual_pump.pass_link_time(121)
        programmer.interrogate()
        assert programmer.link_id != first


def test_therapy_time_stands_still_while_link_time_passes(virtual_pump: VirtualPump) -> None:
    """Two timescales; they are joined by a speed only."""
    virtual_pump.pass_link_time(10)
    assert virtual_pump.time()["therapy_ms"] == 0
    virtual_pump.speed(3_600)
    virtual_pump.pass_link_time(10)
    assert virtual_pump.time()["therapy_ms"] == 10 * HOUR_MS
    with pytest.raises(ValueError, match="does not go back"):
        virtual_pump.pass_link_time(-1)


@pytest.mark.pump(speed="jump", reservoir_ml=3)
def test_jumping_pump_goes_on_when_the_link_is_quiet(virtual_pump: VirtualPump) -> None:
    """As `pump-sim run --speed jump` does, a quarter of a second of link time later."""
    with Programmer(virtual_pump.address, key=virtual_pump.key) as programmer:
        programmer.interrogate()
    assert virtual_pump.time()["therapy_ms"] == 0
    virtual_pump.pass_link_time(1)
    assert virtual_pump.belief()["alarms"][0]["alarm"] == "low_reservoir"


def test_watcher_is_told_in_link_time(virtual_pump: VirtualPump) -> None:
    """What waits for an event lets link time pass, and gives up without waiting."""
    virtual_pump.watch()
    virtual_pump.speed(86_400)
    virtual_pump.inject("motor_stall", at_ms="1 d")
    assert virtual_pump.wait_for("fault_began")["fault"]["begins_at_ms"] == DAY_MS
    assert virtual_pump.wait_for("alarm_raised", 1)["record"]["at_ms"] > DAY_MS
    with pytest.raises(ConnectionEnded, match="no event alarm_cleared came within 1 s"):
        virtual_pump.wait_for("alarm_cleared", 1)


@pytest.mark.pump(speed=86_400, deadline_s=5)
def test_waiting_ends_with_what_was_waited_for(virtual_pump: VirtualPump) -> None:
    """No link time passes after it, nor before what came already; else the deadline passes."""
    virtual_pump.watch()
    virtual_pump.inject("motor_stall", at_ms="1 d", for_ms="1 h")
    with serial.serial_for_url(virtual_pump.address, timeout=0) as port:
        began_ns = port.monotonic_ns()
        virtual_pump.wait_for("fault_began")
        assert port.monotonic_ns() - began_ns == 1_000_000_000
        assert virtual_pump.time()["therapy_ms"] == DAY_MS
        virtual_pump.advance(hours=1)
        virtual_pump.wait_for("fault_ended")
        assert port.monotonic_ns() - began_ns == 1_000_000_000
        with pytest.raises(ConnectionEnded):
            virtual_pump.wait_for("nothing")
        assert port.monotonic_ns() - began_ns == 6_000_000_000
        with pytest.raises(ValueError, match="does not go back"):
            virtual_pump.wait_for("nothing", -1)


def test_both_kinds_of_pump_have_the_same_names(
    virtual_pump: VirtualPump, pump_on_tcp: PumpProcess
) -> None:
    """A test that is written for the one runs with the other; each has a little more."""
    names = [
        {name for name in dir(pump) if not name.startswith("_")}
        for pump in (virtual_pump, pump_on_tcp)
    ]
    assert names[0] - names[1] == {"pass_link_time"}
    assert names[1] - names[0] == {"control", "process"}
    assert virtual_pump.timeout_s == pump_on_tcp.timeout_s


def test_pump_goes_on_when_its_test_leaves_the_door(virtual_pump: VirtualPump) -> None:
    """Nobody asks it any more, and a programmer still can talk to it."""
    virtual_pump.close()
    with pytest.raises(ConnectionEnded):
        virtual_pump.truth()
    with Programmer(virtual_pump.address, key=virtual_pump.key) as programmer:
        assert programmer.interrogate().at_ms == 0


@pytest.mark.parametrize(("hands", "actual_ml"), [("follow", 18), ("off", 20)])
def test_hands_follow_a_refill_unless_told_not_to(hands: str, actual_ml: int) -> None:
    """As on the command line."""
    with a_virtual_pump(hands=hands) as pump:
        with Programmer(pump.address, key=pump.key) as programmer:
            programmer.refill(18_000_000)
        assert pump.belief()["believed_volume_nl"] == 18_000_000
        assert pump.truth()["actual_volume_nl"] == actual_ml * 1_000_000


def test_one_client_at_a_time(virtual_pump: VirtualPump) -> None:
    """As on a serial line; whoever leaves makes room."""
    with Programmer(virtual_pump.address, key=virtual_pump.key), pytest.raises(PortBusy):
        Programmer(virtual_pump.address, key=virtual_pump.key).open()
    with Programmer(virtual_pump.address, key=virtual_pump.key) as programmer:
        assert programmer.interrogate().at_ms == 0


def test_pump_that_has_ended_is_gone() -> None:
    """For those who hold its line, for those who come, and for those who ask it."""
    with a_virtual_pump() as pump, serial.serial_for_url(pump.address, timeout=1) as port:
        programmer = Programmer(pump.address, key=pump.key)
        pump.end()
        with pytest.raises(serial.SerialException, match="the connection is lost"):
            port.read(1)
        with pytest.raises(serial.SerialException, match="the connection is lost"):
            port.write(b"x")
        with pytest.raises(PortMissing):
            programmer.open()
        with pytest.raises(ConnectionEnded):
            pump.truth()
    with a_virtual_pump() as pump:
        programmer = Programmer(pump.address, key=pump.key)
        programmer.open()
    with pytest.raises(PumpGone):
        programmer.interrogate()
    programmer.close()


def test_read_that_would_wait_for_ever_says_so(virtual_pump: VirtualPump) -> None:
    """A pump never speaks first: without a timeout the test would hang."""
    with (
        serial.serial_for_url(virtual_pump.address) as port,
        pytest.raises(serial.SerialException, match="wait for ever; 0 of 1 bytes are there"),
    ):
        port.read(1)


def test_port_is_one_of_pyserials(virtual_pump: VirtualPump) -> None:
    """What programs do with ports can be done with this one, and means nothing where it cannot."""
    port = serial.serial_for_url(virtual_pump.address, do_not_open=True, timeout=0.1)
    with pytest.raises(serial.SerialException):
        port.read(1)
    port.baudrate, port.rts, port.dtr, port.break_condition = 9_600, False, False, True
    port.open()
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()
    assert (port.cts, port.dsr, port.ri, port.cd) == (True, True, False, True)
    assert port.write(bytearray(b"noise")) == 5
    port.reset_output_buffer()
    port.reset_input_buffer()
    port.flush()
    assert (port.in_waiting, port.out_waiting) == (0, 0)
    assert port.read_until(b"\n") == b""
    port.close()
    port.close()
    nobody = serial.serial_for_url("virtualpump://nobody", do_not_open=True)
    with pytest.raises(serial.SerialException, match="no such virtual pump"):
        nobody.open()


def test_handler_puts_no_name_in_other_peoples_way(virtual_pump: VirtualPump) -> None:
    """It is looked for after pyserial's own and everybody else's, under a scheme of its own."""
    assert virtual_pump.address.startswith("virtualpump://")
    assert serial.protocol_handler_packages[0] == "serial.urlhandler"
    assert serial.protocol_handler_packages.count("pump_sim.testing.urls") == 1
    with serial.serial_for_url("loop://", timeout=0) as port:
        assert port.write(b"x") == 1


def test_state_is_loaded_from_a_file_or_as_it_is(tmp_path: Path, virtual_pump: VirtualPump) -> None:
    """A pump begins where another one was."""
    virtual_pump.advance(days=100)
    state = virtual_pump.state()
    path = tmp_path / "state.json"
    path.write_text(json.dumps(state))
    for given in (state, path, str(path)):
        with a_virtual_pump(state=given) as pump:
            assert pump.state() == state
    state["state"]["at_ms"] = -1
    with pytest.raises(NoSuchPump, match=r"state: .*at_ms"), a_virtual_pump(state=state):
        pass


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"profile": "pump-21ml"}, "pump-21ml"),
        ({"dose_mcg_per_day": "a lot"}, "--dose-mcg-per-day = a lot"),
        ({"speed": -1}, "--speed = -1"),
        ({"start": "yesterday"}, "--start = 'yesterday'"),
        ({"hands": "tied"}, "--hands = 'tied'"),
        ({"battery": "flat"}, "--battery = 'flat'"),
        ({"patient": "old"}, "--patient = 'old'"),
    ],
)
def test_impossible_pump_is_refused_in_the_words_of_the_command_line(
    options: dict[str, object], words: str
) -> None:
    """The option, the value, and what is allowed."""
    with pytest.raises(NoSuchPump, match=words), a_virtual_pump(**options):
        pass


# --- What goes wrong on the line -----------------------------------------------------------------

LATE = '[[link]]\nlink = "delay"\ndelay = "150 ms"\ndirection = "to_programmer"\ntime = "1 h"\n'
CUT = '[[link]]\nlink = "disconnect"\nmessage = ["interrogate"]\ncount = 1\n'


def test_faulty_line_is_late_in_link_time(tmp_path: Path) -> None:
    """A delay of the wire passes in the reader's timeout, and the read ends with the last byte."""
    path = tmp_path / "late.toml"
    path.write_text(LATE)
    with a_virtual_pump(faults=path) as pump:
        heard = conversation(pump.address)
        assert heard() == 0
        pump.advance(hours=1)
        assert heard() == 150


def conversation(address: str) -> Callable[[], int]:
    """Has a request answered, and tells how many ms of link time that took."""

    def ask() -> int:
        session = Session(Role.PROGRAMMER, link_id=secrets.randbits(63) + 1)
        with serial.serial_for_url(address, timeout=0.3) as port:
            began_ns = port.monotonic_ns()
            session.send_request(Identify(), 0)
            port.write(session.data_to_send())
            session.receive_data(port.read(1), 0)
            took_ns = port.monotonic_ns() - began_ns
            session.receive_data(port.read(port.in_waiting), 0)
            assert isinstance(session.next_event(), ResponseReceived)
        return int(took_ns / 1_000_000)

    return ask


def test_line_that_is_cut_is_lost_and_can_be_taken_again(tmp_path: Path) -> None:
    """As a connection is, and not as a read that nobody answers."""
    path = tmp_path / "cut.toml"
    path.write_text(CUT)
    with a_virtual_pump(faults=str(path)) as pump:
        with (
            Programmer(pump.address, key=pump.key) as programmer,
            pytest.raises(PumpGone, match="is lost"),
        ):
            programmer.interrogate()
        with Programmer(pump.address, key=pump.key) as programmer:
            assert programmer.interrogate().at_ms == 0


def test_file_of_faults_that_is_wrong_is_refused(tmp_path: Path) -> None:
    """With its line."""
    path = tmp_path / "wrong.toml"
    path.write_text('[[link]]\nlink = "dorp"\n')
    with pytest.raises(NoSuchPump, match=r"wrong\.toml:2"), a_virtual_pump(faults=path):
        pass


# --- Scenarios -----------------------------------------------------------------------------------


@pytest.mark.pump(scenario="missed-refill")
def test_scenario_brings_its_own_pump_and_waits_for_decisions(
    virtual_pump: VirtualPump, pump_on_tcp: PumpProcess
) -> None:
    """In both kinds of pump, by the same two methods."""
    told = []
    for pump in (virtual_pump, pump_on_tcp):
        pump.advance(days=365)
        waiting = pump.scenario()["scenario"]["decision"]
        before = pump.time()["therapy_ms"]
        pump.decide(next(iter(waiting["options"])))
        pump.advance(days=365)
        told.append((waiting, before, pump.scenario(), pump.belief(), pump.truth()))
    assert told[0] == told[1]


def test_decision_may_be_made_beforehand() -> None:
    """As `--pick` on the command line; a wrong one is refused with what there is."""
    from pump_sim.scenario.reading.loading import load

    choice = load("missed-refill").scenario.choice[0]
    picks = {choice.name: choice.option[0].name}
    with a_virtual_pump(scenario="missed-refill", pick=picks) as pump:
        pump.advance(load("missed-refill").scenario.length_ms)
        assert pump.scenario()["scenario"]["decision"] is None
    with (
        pytest.raises(NoSuchPump, match="--pick"),
        a_virtual_pump(scenario="missed-refill", pick=["nothing=nobody"]),
    ):
        pass
    with pytest.raises(NoSuchPump, match="--pick goes with --scenario"), a_virtual_pump(pick=picks):
        pass
    with pytest.raises(NoSuchPump, match="no-such"), a_virtual_pump(scenario="no-such-scenario"):
        pass


@pytest.mark.parametrize("name", scenario_names())
def test_every_shipped_scenario_can_be_played(name: str) -> None:
    """To its end, with the first option of each choice."""
    with a_virtual_pump(scenario=name) as pump:
        while not pump.scenario()["scenario"]["over"]:
            waiting = pump.scenario()["scenario"]["decision"]
            if waiting is not None:
                pump.decide(next(iter(waiting["options"])))
            pump.advance(days=30)
            pump.pass_link_time(60)


def test_silence_takes_link_time_and_no_other(virtual_pump: VirtualPump) -> None:
    """The programmer keeps time by its port: what it waits for in vain passes on the link only."""
    with Programmer(virtual_pump.address, key=virtual_pump.key) as programmer:
        link_id = programmer.link_id
        virtual_pump.proximity(False)
        with pytest.raises(NoAnswerError, match=r"within 2\.0 s"):
            programmer.interrogate()
        virtual_pump.proximity(True)
        programmer.interrogate()
        assert programmer.link_id == link_id
