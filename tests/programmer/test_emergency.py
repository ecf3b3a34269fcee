"""Emergency access works without any key, for somebody at the patient who means it, and says what
it does.
"""

import random

import pytest

from pump_programmer.emergency import EmergencyAccess
from pump_programmer.errors import (
    AuthenticationFailed,
    NoAnswerError,
    OutcomeUnknown,
    PumpGone,
    PumpRefused,
)
from pump_programmer.programmer import Programmer
from pump_protocol import codes as c
from pump_protocol.codes import UserRole
from pump_protocol.guard import PumpGuard, new_keys
from tests.pump_sim.virtual import implanted

from .virtual_port import VirtualPort

MINIMUM = ("emergency", "minimum-rate")
STOP = ("emergency", "stop")
STATUS = ("emergency", "status")
ACTS = {
    "status": lambda access: access.status(),
    "minimum rate": lambda access: access.minimum_rate(),
    "stop": lambda access: access.stop(),
}


@pytest.fixture(params=[True, False], ids=["with keys", "legacy"])
def guarded(request):
    """Whether the pump has keys."""
    return request.param


@pytest.fixture
def port(monkeypatch, guarded):
    """A pump to whose port the programmer's head is connected, and nobody is at the patient."""
    guard = PumpGuard(new_keys(random.Random(1).randbytes)) if guarded else None
    port = VirtualPort(implanted(), guard)
    port.plug_in(monkeypatch)
    monkeypatch.delenv("PUMP_INSECURE")
    return port


@pytest.fixture
def at_the_patient(port):
    """The same, with the head on the pump and its button pressed."""
    port.be_at_the_patient()
    return port


@pytest.fixture
def ask(run, port):
    """Run one command against the pump, as somebody does who has no key of it."""
    return lambda *arguments, typed=None: run("--port", "virtual", *arguments, typed=typed)


# --- From Python ---------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ACTS)
def test_without_proximity_everything_is_refused_and_what_to_do_is_told(port, act):
    port.endpoint.press_button(port.now_ns)
    with EmergencyAccess("virtual") as access, pytest.raises(PumpRefused) as caught:
        ACTS[act](access)
    assert "the programming head does not lie on the pump" in str(caught.value)
    assert "Lay the programming head on the pump, press its button" in str(caught.value)
    assert "Nothing proves that it was the pump that said so." in str(caught.value)
    assert port.pump.firmware.prescription_version == 1


@pytest.mark.parametrize("act", ACTS)
def test_without_a_press_of_the_button_everything_is_refused(at_the_patient, act):
    at_the_patient.wait_link(c.INTENT_LIMIT_MS)
    with EmergencyAccess("virtual") as access, pytest.raises(PumpRefused) as caught:
        ACTS[act](access)
    assert "was not pressed within the last 30 s" in str(caught.value)
    assert "Press the button on the programming head, and ask again." in str(caught.value)
    assert at_the_patient.pump.firmware.prescription_version == 1


def test_the_status_tells_drug_rate_and_alarms_and_changes_nothing(at_the_patient):
    with EmergencyAccess("virtual") as access:
        report = access.status()
    assert (report.prescription.drug_name, report.infusing_nl_per_day) == ("baclofen", 400_000)
    assert at_the_patient.pump.firmware.prescription_version == 1


def test_a_stop_is_done_once_however_often_it_is_asked_for(at_the_patient):
    with EmergencyAccess("virtual") as access:
        first = access.stop()
        assert access.stop() == first
        assert access.status().infusing_nl_per_day == 0
    assert first.version == at_the_patient.pump.firmware.prescription_version == 2


def test_the_minimum_rate_is_less_than_a_stop_and_a_stop_may_follow(at_the_patient):
    with EmergencyAccess("virtual") as access:
        assert access.minimum_rate().rate_nl_per_day == 6_000
        assert access.stop().version == 3


@pytest.mark.parametrize("guarded", [True], indirect=True)
def test_a_pump_that_looks_at_no_key_any_more_gives_emergency_access(at_the_patient):
    wrong = new_keys(random.Random(2).randbytes)[2]
    for _ in range(c.FREE_FAILURES + 1):
        with pytest.raises(AuthenticationFailed):
            Programmer("virtual", key=wrong, programmer_id=7).open()
    with EmergencyAccess("virtual") as access:
        assert access.stop().version == 2


@pytest.mark.parametrize("act", ["minimum rate", "stop"])
@pytest.mark.parametrize("arrives", [True, False], ids=["answer lost", "request lost"])
def test_a_lost_answer_is_unknown_and_to_ask_again_does_no_harm(at_the_patient, act, arrives):
    at_the_patient.deaf = True
    if not arrives:
        at_the_patient.on_write = lambda data: b""
    with EmergencyAccess("virtual") as access:
        with pytest.raises(OutcomeUnknown, match="what is done already is not done twice"):
            ACTS[act](access)
        at_the_patient.deaf, at_the_patient.on_write = False, lambda data: None
        at_the_patient.be_at_the_patient()
        ACTS[act](access)
    assert at_the_patient.pump.firmware.prescription_version == 2


@pytest.mark.parametrize("act", ["minimum rate", "stop"])
def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_done(at_the_patient, act):
    """The head was lifted between the two sendings: that is also why the answer was lost."""

    def lift(data: bytes) -> bytes | None:
        at_the_patient.endpoint.receive_data(data, at_the_patient.now_ns)
        at_the_patient.endpoint.presence.on_pump = False
        at_the_patient.on_write = lambda data: None
        return b""

    at_the_patient.on_write = lift
    lost = pytest.raises(OutcomeUnknown, match="answer was lost, and then the pump refused")
    with EmergencyAccess("virtual") as access, lost:
        ACTS[act](access)
    assert at_the_patient.pump.firmware.prescription_version == 2


def test_a_lost_status_is_only_no_answer(at_the_patient):
    at_the_patient.deaf = True
    with EmergencyAccess("virtual") as access, pytest.raises(NoAnswerError):
        access.status()


# --- At the command line -------------------------------------------------------------------------


def test_a_stop_says_what_it_does_before_it_asks_and_counts_down_after_it(ask, at_the_patient):
    ended = ask(*STOP, typed="y\n")
    assert ended.code == 0
    before, after = ended.out.split("All infusion is STOPPED")
    assert "stops ALL infusion until a clinician programs it" in before
    assert "Withdrawal may follow" in before
    assert "choose emergency minimum-rate" in before
    assert "Stop all infusion now? [y/N]" in ended.err
    assert "(prescription version 2)" in after
    assert "its stopped-too-long alarm sounds in 2 d." in after
    assert "Withdrawal may follow" in after


@pytest.mark.parametrize("command", [STOP, MINIMUM])
def test_what_is_missing_is_told_before_somebody_is_asked(ask, port, command):
    """Half a minute after the press of the button may be over when the warning has been read."""
    ended = ask(*command, typed="y\n")
    assert ended.code == 1
    assert "Lay the programming head on the pump" in ended.err
    assert "[y/N]" not in ended.err


def test_a_pump_that_is_stopped_already_needs_no_warning_and_no_question(ask, at_the_patient):
    ask(*STOP, "--yes")
    ended = ask(*STOP, typed="")
    assert (ended.code, ended.err) == (0, "")
    assert "It is stopped already." in ended.out
    assert "choose emergency minimum-rate" not in ended.out
    assert "(prescription version 2)" in ended.out


def test_a_no_changes_nothing(ask, at_the_patient):
    for command in (STOP, MINIMUM):
        ended = ask(*command, typed="n\n")
        assert ended.code == 7
        assert "not confirmed: nothing was changed" in ended.err
    assert at_the_patient.pump.firmware.prescription_version == 1


def test_nobody_is_asked_with_yes_and_json_has_the_countdown(ask, at_the_patient):
    assert ask(*STOP, "--json").error["kind"] == "not_confirmed"
    ended = ask(*STOP, "--yes", "--json")
    assert (ended.code, ended.err) == (0, "")
    assert ended.json["stopped_alarm_at_ms"] - ended.json["at_ms"] == 48 * 3_600_000
    assert ended.json["version"] == 2


def test_the_minimum_rate_says_what_it_does(ask, at_the_patient):
    ended = ask(*MINIMUM, "--yes")
    assert ended.code == 0
    assert "goes down to 0.006 mL/day, its minimum rate, which treats nobody" in ended.out
    assert "The pump infuses 0.006 mL/day, its minimum rate (prescription version 2)." in ended.out
    assert ask(*MINIMUM, "--yes", "--json").json["rate_nl_per_day"] == 6_000


def test_the_status_is_shown_for_somebody_who_does_not_know_the_pump(ask, at_the_patient):
    out = ask(*STATUS).out
    for line in (
        "Mode          simple continuous",
        "Drug          baclofen, 2000 mcg/mL",
        "Daily dose    800 mcg/day",
        "Infusing now  0.4 mL/day",
        "No alarms.",
    ):
        assert line in out
    ask(*STOP, "--yes")
    at_the_patient.be_at_the_patient()
    out = ask(*STATUS).out
    assert "ALARM emergency action: raised" in out
    assert "Stopped-too-long alarm  " in out
    at_the_patient.be_at_the_patient()
    assert ask(*STATUS, "--json").json["prescription"]["mode"] == "stopped"


@pytest.mark.parametrize("key", ["@/nowhere", "nonsense", ""])
def test_a_wrong_key_at_hand_does_not_stand_in_the_way(ask, at_the_patient, monkeypatch, key):
    """Whoever is in a hurry must not have to find out first what is wrong with a key."""
    monkeypatch.setenv("PUMP_KEY", key)
    assert ask("--key", key, *STATUS).code == 0


@pytest.mark.parametrize("guarded", [False], indirect=True)
def test_of_a_pump_without_security_that_is_said_once(ask, at_the_patient):
    assert ask(*STATUS).out.count("UNSAFE: LEGACY-INSECURE") == 1
    assert ask(*STATUS, "--json").json["pump"]["unsafe"] == "UNSAFE: LEGACY-INSECURE"


def test_a_refusal_is_exit_1_with_what_to_do(ask, port):
    ended = ask(*STOP, "--yes")
    assert ended.code == 1
    assert "the pump refused to stop in an emergency: the programming head does not" in ended.err
    assert [reason["code"] for reason in ask(*STATUS, "--json").error["reasons"]] == ["not_near"]


def test_a_lost_answer_is_exit_5_and_says_unknown(ask, at_the_patient):
    def lose(data: bytes) -> bytes | None:
        return b"" if data[3] == c.MessageType.EMERGENCY_STOP else None

    at_the_patient.on_write = lose
    ended = ask(*STOP, "--yes")
    assert ended.code == 5
    assert "UNKNOWN whether the infusion was stopped: no answer to 4 attempts" in ended.err


def test_an_interrupted_stop_is_exit_5_and_says_unknown(ask, at_the_patient):
    def interrupt(data: bytes) -> bytes | None:
        if data[3] == c.MessageType.EMERGENCY_STOP:
            raise KeyboardInterrupt
        return None

    at_the_patient.on_write = interrupt
    ended = ask(*STOP, "--yes")
    assert ended.code == 5
    assert "UNKNOWN whether the infusion was stopped: interrupted before the answer" in ended.err


@pytest.mark.parametrize("guarded", [True], indirect=True)
def test_both_logs_tell_of_it(ask, at_the_patient):
    ask(*STOP, "--yes")
    key = at_the_patient.guard.keys[UserRole.OBSERVER].to_text()
    assert "EMERGENCY: STOPPED without a key (was 0.4 mL/day)" in ask("--key", key, "log").out
    access = ask("--key", key, "log", "--access").out
    assert "EMERGENCY without a key: stop in an emergency" in access
    assert "link opened with a key of role observer" in access


def test_requests_without_a_link_leave_that_of_a_programmer_alone(at_the_patient):
    with at_the_patient.programmer() as programmer:
        link_id = programmer.link_id
        with EmergencyAccess("virtual") as access:
            access.status()
        assert programmer.interrogate().prescription_version == 1
        assert programmer.link_id == link_id


def test_an_access_that_is_closed_says_that_the_port_is_not_open(port):
    access = EmergencyAccess("virtual")
    with pytest.raises(PumpGone, match="port virtual is not open"):
        access.identify()
