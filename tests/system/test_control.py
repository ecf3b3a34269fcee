"""The door as tests have it: real processes, real sockets, several clients, and bad ones."""

import contextlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pump_programmer.programmer import Programmer
from pump_sim.control.address import TcpAddress, parse_address
from pump_sim.control.client import ConnectionEnded, ControlClient, ControlFailed
from tests.system.processes import RunningPump, Terminal, ask, pump_sim, running_pump

DAY_MS = 86_400_000


@contextlib.contextmanager
def pump_with_door(
    *options: str, control: str = "0"
) -> Iterator[tuple[RunningPump, ControlClient]]:
    """A paused pump and a client at its door."""
    with (
        running_pump("--speed", "0", *options, "--control", control) as pump,
        ControlClient(pump.ready["control"]) as client,
    ):
        yield pump, client


@contextlib.contextmanager
def pump_with_line() -> Iterator[socket.socket]:
    """A paused pump and a bare connection to its door."""
    with (
        running_pump("--speed", "0", "--control", "0") as pump,
        raw(pump.ready["control"]) as connection,
    ):
        yield connection


def raw(address: str) -> socket.socket:
    """A bare connection to a door on TCP."""
    wanted = parse_address(address)
    assert isinstance(wanted, TcpAddress)
    return socket.create_connection((wanted.host, wanted.port), 10)


def read_line(connection: socket.socket) -> dict[str, object]:
    with connection.makefile("rb") as lines:
        parsed: dict[str, object] = json.loads(lines.readline())
    return parsed


def test_door_and_programmer_see_the_same_pump() -> None:
    """What is done at one end is seen at the other."""
    with pump_with_door("--dose-mcg-per-day", "800") as (pump, client):
        assert client.hello()["pumps"][0]["address"] == pump.address
        client.advance(days=45)
        status = ask(pump, "interrogate")
        assert status["at_ms"] == 45 * DAY_MS
        assert [each["alarm"] for each in status["alarms"]] == ["low_reservoir"]
        assert client.both()["volume_nl"] == {
            "believed": 2_000_000,
            "actual": 2_000_000,
            "difference": 0,
        }
        client.fill("20 mL")
        assert client.truth()["actual_volume_nl"] == 20_000_000
        assert ask(pump, "interrogate")["believed_volume_nl"] == 2_000_000


@pytest.mark.parametrize(
    ("battery", "state", "remaining_ppm"),
    [
        ("drain-and-fail", "eos", 0),
        ("drain-only", "in_service", 0),
        ("no-drain", "in_service", 10**6),
    ],
)
def test_a_battery_that_is_not_to_fail_outlives_any_experiment(
    battery: str, state: str, remaining_ppm: int
) -> None:
    """Ten years, and the pump still runs; or it has ended its service long ago."""
    with pump_with_door("--battery", battery) as (pump, client):
        client.advance(days=3_650)
        status = ask(pump, "interrogate")
        assert status["service_state"] == state
        assert status["battery_remaining_ppm"] == remaining_ppm
        assert (status["eos_at_ms"] is None) == (state == "in_service")


@pytest.mark.parametrize(("patient", "effect_ppm"), [("treated", 1_000_000), ("new", 0)])
def test_a_patient_begins_as_asked_for(patient: str, effect_ppm: int) -> None:
    with pump_with_door("--patient", patient) as (_, client):
        assert client.patient()["effect_ppm"] == effect_ppm


@pytest.mark.parametrize(("hands", "actual"), [("follow", 500_000), ("off", 2_000_000)])
def test_hands_fill_in_the_drug_that_is_programmed_or_do_not(hands: str, actual: int) -> None:
    """A new concentration is a belief until somebody fills the reservoir with it."""
    with pump_with_door("--dose-mcg-per-day", "300", "--hands", hands) as (pump, client):
        ask(pump, "program", "--concentration", "500 mcg/mL", "--no-bridge", "--yes")
        assert client.truth()["reservoir_concentration_ng_per_ml"] == 2_000_000
        ask(pump, "refill", "--volume", "18 mL", "--yes")
        assert client.truth()["reservoir_concentration_ng_per_ml"] == actual


def test_client_has_a_method_for_every_command_and_each_works() -> None:
    """What the reference tells can be done from a test, by the same name."""
    done = {"inject", "clear", "load", "watch"}
    with pump_with_door() as (_, client):
        number = client.inject("motor_stall", at_ms="1 h")
        assert client.faults()["scheduled"][0]["fault_id"] == number
        assert client.clear(number) == {"cleared": [number]}
        assert client.clear("motor_stall") == {"cleared": []}
        with pytest.raises(ControlFailed) as caught:
            client.press()
        assert (caught.value.code, caught.value.error["field"]) == ("refused", None)
        client.watch()
        client.load(client.state())
        given = {"advance": [1], "speed": [2], "fill": ["1 mL"], "reset": ["watchdog"]}
        given["proximity"] = [True]
        given |= {"fill_pocket": ["1 mL"], "inject_catheter": ["1 mL", "2 mg/mL"]}
        with pytest.raises(ControlFailed, match="nothing waits for a decision"):
            client.decide("this")
        assert client.implant("SIM-0002")
        client.proximity(on_pump=True)
        assert client.pair("observer")["role"] == "observer"
        done |= {"press", "decide", "implant", "explant", "pair"}
        for do in client.hello()["commands"].keys() - done:
            assert getattr(client, do)(*given.get(do, [])), do
        assert client.explant()


def test_several_pumps_share_one_door() -> None:
    """A client may be one pump's, and asks another by name."""
    with running_pump("--count", "2", "--speed", "0", "--control", "0") as pump:
        first, second = (each["serial_number"] for each in pump.ready["pumps"])
        with ControlClient(pump.ready["control"], pump=first) as client:
            client.advance(hours=1)
            assert client.ask("time", pump=second)["therapy_ms"] == 0
            assert client.time()["therapy_ms"] == 3_600_000


def test_link_lives_on_while_the_door_advances_a_fast_pump() -> None:
    """Two timescales: months of therapy pass within one link, which never notices."""
    with (
        running_pump("--speed", "1000", "--control", "0") as pump,
        ControlClient(pump.ready["control"]) as client,
        Programmer(pump.address, key=pump.key) as programmer,
    ):
        for _ in range(50):
            before = programmer.interrogate().at_ms
            now = client.advance(days=1)["therapy_ms"]
            after = programmer.interrogate().at_ms
            assert before + DAY_MS <= now <= after
        # The pump notes one reading for each link, however often that one reads.
        access = client.state()["state"]["firmware"]["access_log"]["entries"]
        assert [each["event"] for _, each in access] == ["AUTHENTICATED", "INTERROGATED"]


def test_requests_in_one_write_are_answered_in_their_order() -> None:
    """A client need not wait; half-closing its end after them loses no answer."""
    with pump_with_line() as connection:
        lines = [b'{"id": %d, "do": "advance", "by": 1}' % number for number in range(500)]
        lines[250] = b"garbage"
        connection.sendall(b"\n".join(lines) + b"\n")
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as received:
            answers = [json.loads(line) for line in received]
    assert [each["id"] for each in answers] == [None if n == 250 else n for n in range(500)]
    times = [each["result"]["therapy_ms"] for each in answers if each["ok"]]
    assert times == list(range(1, 500))


def test_two_clients_at_once_each_get_their_own_answers() -> None:
    """No answer goes to the wrong one, and every request is carried out once."""
    with running_pump("--speed", "0", "--control", "0") as pump:
        errors: list[BaseException] = []

        def hurry() -> None:
            try:
                with ControlClient(pump.ready["control"]) as client:
                    for _ in range(300):
                        client.advance(1)
                        with pytest.raises(ControlFailed):
                            client.ask("nonsense")
            except BaseException as error:
                errors.append(error)
                raise

        threads = [threading.Thread(target=hurry) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not errors
        with ControlClient(pump.ready["control"]) as client:
            assert client.time()["therapy_ms"] == 600


def test_client_that_dies_in_the_middle_of_a_line_does_no_harm() -> None:
    """Half a line is nothing, whoever sent it and however it went."""
    with pump_with_door() as (pump, client):
        for linger in (False, True):
            connection = raw(pump.ready["control"])
            connection.sendall(b'{"do": "advance", "by": 3600000}')
            if linger:  # a reset instead of an orderly end
                value = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, value)
            connection.close()
        script = (
            "import socket, sys, time;"
            "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
            "s.sendall(b'{\"do\": \"adv'); print('sent', flush=True); time.sleep(60)"
        )
        number = pump.ready["control"].rpartition(":")[2]
        with subprocess.Popen(
            [sys.executable, "-c", script, number], stdout=subprocess.PIPE, text=True
        ) as victim:
            assert victim.stdout is not None
            assert victim.stdout.readline() == "sent\n"
            victim.kill()
        assert client.time()["therapy_ms"] == 0


def test_garbage_is_answered_and_the_connection_lives() -> None:
    """Binary noise, and a good request after it."""
    with pump_with_line() as connection:
        connection.sendall(bytes(range(256)).replace(b"\n", b"") + b"\n")
        assert read_line(connection)["ok"] is False
        connection.sendall(b'{"id": 2, "do": "time"}\n')
        assert read_line(connection)["ok"] is True


def test_huge_line_is_refused_and_the_connection_lives() -> None:
    """8 MiB is the limit; what is beyond is not even kept."""
    with pump_with_line() as connection:
        for _ in range(9):
            connection.sendall(b"x" * 1024 * 1024)
        connection.sendall(b'\n{"id": 2, "do": "time"}\n')
        with connection.makefile("rb") as received:
            refused, answered = (json.loads(received.readline()) for _ in range(2))
    assert refused["error"]["code"] == "line_too_long"
    assert answered["ok"] is True


def test_web_page_is_shown_the_door() -> None:
    """A browser may be made to send lines to a port of the loopback: not a second one is read."""
    request = b'POST / HTTP/1.1\r\nHost: x\r\n\r\n{"do": "advance", "by": 3600000}\n'
    with pump_with_door() as (pump, client):
        with raw(pump.ready["control"]) as connection:
            connection.sendall(request)
            with connection.makefile("rb") as received:
                (answer,) = (json.loads(line) for line in received)
        assert answer["ok"] is False
        assert client.time()["therapy_ms"] == 0


def test_client_that_reads_nothing_holds_up_nobody() -> None:
    """Its own requests wait until it reads; the others' do not, nor does the link."""
    with pump_with_door() as (pump, client), raw(pump.ready["control"]) as connection:
        connection.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(2_000):
                connection.send(b'{"do": "hello"}\n' * 500)
        assert client.advance(1)["therapy_ms"] == 1
        assert ask(pump, "interrogate")["at_ms"] == 1


def test_too_many_clients_are_told_so() -> None:
    """The door is for a handful of tests; those that are in stay in."""
    with pump_with_door() as (pump, client), contextlib.ExitStack() as stack:
        for _ in range(63):
            stack.enter_context(ControlClient(pump.ready["control"])).time()
        with raw(pump.ready["control"]) as connection:
            answer = read_line(connection)
        assert answer["error"]["code"] == "too_many_clients"  # type: ignore[index]
        assert client.time()["therapy_ms"] == 0


def test_door_in_the_file_system_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600, and gone when the pump is."""
    path = tmp_path / "door"
    with pump_with_door(control=str(path)) as (pump, client):
        assert pump.ready["control"] == f"unix:{path}"
        mode = path.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert client.time()["therapy_ms"] == 0
        client.close()
        pump.process.terminate()
        assert pump.process.wait(10) == 0
        assert not path.exists()


def test_socket_that_a_killed_pump_left_is_replaced(tmp_path: Path) -> None:
    """A test suite that was interrupted does not have to clean up."""
    path = tmp_path / "door"
    with running_pump("--control", f"unix:{path}") as pump:
        pump.process.kill()
        pump.process.wait(10)
    assert path.exists()
    with pump_with_door(control=f"unix:{path}") as (_, client):
        assert client.time()["therapy_ms"] == 0
    assert not path.exists()


def test_address_that_somebody_has_is_not_taken_away(tmp_path: Path) -> None:
    """Neither a live door, nor a file, nor a port; exit code 3 and no traceback."""
    path, file = tmp_path / "door", tmp_path / "file"
    file.write_text("mine")
    with (
        pump_with_door(control=str(path)) as (_, client),
        socket.create_server(("127.0.0.1", 0)) as taken,
    ):
        number = str(taken.getsockname()[1])
        for address, words in (
            (str(path), "a running program listens there"),
            (str(file), "something else of that name"),
            (number, "in use"),
            (str(tmp_path / "no" / "door"), "No such file"),
        ):
            result = pump_sim("run", "--control", address)
            assert result.returncode == 3, result.stderr
            assert words in result.stderr
            assert "Traceback" not in result.stderr
        assert client.time()["therapy_ms"] == 0
    assert file.read_text() == "mine"


def test_door_is_never_opened_to_a_network() -> None:
    """Exit code 2: whoever reaches a door may do anything to its pump."""
    for address in ("tcp:0.0.0.0:0", "tcp:192.0.2.1:4002", "nonsense"):
        result = pump_sim("run", "--control", address)
        assert result.returncode == 2, result.stderr
        assert "--control" in result.stderr


def test_state_goes_out_of_one_process_and_into_another() -> None:
    """The link is told nothing, and the pump goes on as the first one would have."""
    with pump_with_door("--dose-mcg-per-day", "800") as (pump, client):
        ask(pump, "bolus", "--dose", "50 mcg", "--duration", "10 min", "--yes")
        client.advance(minutes=4)
        state = client.state()
        client.advance(days=46)
        expected = client.state()
    with pump_with_door() as (pump, client), Programmer(pump.address, key=pump.key) as programmer:
        programmer.interrogate()
        client.load(state)
        assert programmer.interrogate().at_ms == 4 * 60_000
        client.advance(days=46)
        told = client.state()
    for document in (expected, told):
        del document["state"]["firmware"]["access_log"]
    assert told == expected


def test_watching_client_is_told_before_its_own_answer() -> None:
    """So a test that has advanced can look at once at what happened on the way."""
    with pump_with_door("--dose-mcg-per-day", "800") as (_, client):
        client.watch()
        client.advance(days=45)
        (event,) = client.events()
        assert event["record"]["event"] == "alarm_raised"
        assert event["record"]["at_ms"] == 45 * DAY_MS


def test_watching_client_is_told_what_others_do() -> None:
    """A programmer's prescription, without asking."""
    with pump_with_door() as (pump, client):
        client.watch()
        ask(pump, "self-test")
        assert client.wait_for("self_tested")["pump"] == "SIM-0001"
        client.watch(False)
        ask(pump, "self-test")
        assert client.events() == []


def test_lifted_head_is_silence_to_a_programmer() -> None:
    """The pump hears nothing and says nothing, and therapy goes on."""
    with pump_with_door() as (pump, client), raw_programmer(pump) as hears:
        client.proximity(False)
        assert not hears()
        client.proximity(True)
        assert hears()


@contextlib.contextmanager
def raw_programmer(pump: RunningPump) -> Iterator[Callable[[], bool]]:
    """Whether a pump answers within a moment, asked over and over."""
    with Programmer(pump.address, key=pump.key) as programmer:

        def hears() -> bool:
            with contextlib.suppress(Exception):
                programmer.identify()
                return True
            return False

        yield hears


def test_keys_and_door_agree_about_the_speed() -> None:
    """What one has paused the other resumes."""
    with Terminal("pump_sim", "run", "--speed", "10", "--control", "0") as terminal:
        screen = terminal.wait_for("q quit")
        address = next(word for word in screen.split() if word.startswith("tcp:"))
        with ControlClient(address) as client:
            client.pause()
            terminal.press(" ")
            terminal.wait_for("speed: 10 times")
            assert client.time()["speed"] == 10
            terminal.press(" ")
            terminal.wait_for("paused")
            assert client.resume()["speed"] == 10


def test_client_says_when_there_is_no_door_or_none_any_more(tmp_path: Path) -> None:
    """A test fails with a sentence and not with a timeout."""
    with pytest.raises(ConnectionEnded, match="there is no door"):
        ControlClient(str(tmp_path / "nothing"))
    with pump_with_door() as (pump, client):
        pump.process.send_signal(signal.SIGINT)
        assert pump.process.wait(10) == 0
        with pytest.raises(ConnectionEnded, match="gone"):
            client.time()


def test_pump_without_a_door_loads_nothing_of_it() -> None:
    """Neither the package nor its library: start-up and memory are as they were."""
    script = (
        "import sys; sys.argv = ['pump-sim', 'run', '--port', 'nonsense'];"
        "from pump_sim.cli import app; app(standalone_mode=False)"
    )
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    assert "pump_sim.serve" in result.stderr
    for module in ("pump_sim.control", "pump_sim.snapshot", "pump_sim.soundness", "cattrs"):
        assert f" {module}\n" not in result.stderr, module
