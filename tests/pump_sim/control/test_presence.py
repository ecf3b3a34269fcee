"""Who stands beside the patient: proximity, the button, and codes that nobody else is told."""

import json
from random import Random
from typing import Any

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import INTENT_LIMIT_MS, PAIRING_LIMIT_MS, RefusalCode, UserRole
from pump_protocol.events import RefusalReceived, ResponseReceived
from pump_protocol.guard import PumpGuard, new_keys
from pump_protocol.keys import Key, pairing_key
from pump_protocol.session import Role, Session
from pump_sim.control.commands import COMMANDS
from pump_sim.endpoint import NS_PER_MS
from tests.pump_sim.control.desks import VirtualHost, Visitor
from tests.pump_sim.virtual import implanted

ROLES = tuple(role.name.lower() for role in UserRole)


def guarded() -> Visitor:
    """Somebody at the door of a pump with keys."""
    random_bytes = Random(5).randbytes
    guard = PumpGuard(new_keys(random_bytes), random_bytes=random_bytes)
    return Visitor(hosts=(VirtualHost(implanted(), guard=guard),))


def guard_of(visitor: Visitor) -> PumpGuard:
    guard = visitor.host.endpoint.guard
    assert guard is not None
    return guard


def secrets_of(visitor: Visitor) -> list[str]:
    return [key.secret.hex() for key in guard_of(visitor).keys.values()]


def said(visitor: Visitor, session: Session, request: m.Request[m.Response]) -> m.Response:
    """What the pump answers, refusal or not."""
    session.send_request(request, visitor.host.link_ms)
    link_ns = visitor.host.link_ms * NS_PER_MS
    answer = visitor.host.endpoint.receive_data(session.data_to_send(), link_ns)
    session.receive_data(answer, visitor.host.link_ms)
    while (event := session.next_event()) is not None:
        if isinstance(event, ResponseReceived):
            return event.response
        if isinstance(event, RefusalReceived):
            return event.refusal
    raise AssertionError(f"no answer to {request}")


def begin(visitor: Visitor, key: Key, link_id: int = 7) -> tuple[Session, m.Response]:
    """A programmer that has tried to prove that it holds *key*, and what the pump said."""
    session = Session(Role.PROGRAMMER, link_id=link_id, key=key)
    identity = said(visitor, session, m.Identify())
    assert isinstance(identity, m.Identity)
    return session, said(visitor, session, session.authenticate(identity))


def code_is_taken(visitor: Visitor, code: str) -> bool:
    _, answer = begin(visitor, pairing_key(code, UserRole.CLINICIAN))
    return isinstance(answer, m.Authenticated)


# --- Proximity and the button --------------------------------------------------------------------


def test_proximity_tells_how_it_is() -> None:
    """Asked without a value it changes nothing. At the start the head is within reach, and does not
    lie on the pump."""
    visitor = guarded()
    for _ in range(2):
        assert visitor.ask("proximity") == {"in_reach": True, "on_pump": False}
    assert visitor.ask("proximity", on_pump=True) == {"in_reach": True, "on_pump": True}
    assert visitor.ask("proximity") == {"in_reach": True, "on_pump": True}
    assert visitor.ask("proximity", on_pump=False) == {"in_reach": True, "on_pump": False}


def test_what_lies_on_the_pump_is_within_reach_and_what_is_out_of_reach_does_not() -> None:
    visitor = guarded()
    visitor.ask("proximity", in_reach=False)
    assert visitor.ask("proximity", on_pump=True) == {"in_reach": True, "on_pump": True}
    assert visitor.ask("proximity", in_reach=False) == {"in_reach": False, "on_pump": False}
    assert not guard_of(visitor).proximity
    assert visitor.ask("proximity", on_pump=False) == {"in_reach": False, "on_pump": False}


def test_nobody_lays_a_head_on_a_pump_that_is_out_of_reach() -> None:
    """Both at once is refused, and nothing has changed."""
    visitor = guarded()
    error = visitor.fail("proximity", in_reach=False, on_pump=True)
    assert (error["code"], error["field"], error["allowed"]) == ("bad_value", "on_pump", [False])
    assert visitor.ask("proximity") == {"in_reach": True, "on_pump": False}


def test_button_counts_for_a_while_of_link_time() -> None:
    visitor = guarded()
    intends = visitor.host.endpoint.presence.intends
    assert visitor.ask("button") == {"expires_in_ms": 0}  # nothing: the head is off the pump
    visitor.ask("proximity", on_pump=True)
    assert not intends(visitor.host.link_ms)
    assert visitor.ask("button") == {"expires_in_ms": INTENT_LIMIT_MS}
    visitor.ask("advance", by="1 d")  # therapy time does not matter
    assert intends(visitor.host.link_ms + INTENT_LIMIT_MS - 1)
    assert not intends(visitor.host.link_ms + INTENT_LIMIT_MS)


def test_emergency_stop_needs_both_from_the_door() -> None:
    """What the door says of who is there is what the pump goes by."""
    visitor = guarded()

    def refused() -> list[RefusalCode]:
        answer = said(visitor, Session(Role.PROGRAMMER, link_id=1), m.EmergencyStop())
        return [each.code for each in answer.reasons] if isinstance(answer, m.Refusal) else []

    assert refused()[0] is RefusalCode.NOT_NEAR
    visitor.ask("proximity", on_pump=True)
    assert refused() == [RefusalCode.NO_INTENT]
    visitor.ask("button")
    assert refused() == []
    assert visitor.ask("belief")["infusing_nl_per_day"] == 0


# --- Pairing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", UserRole)
def test_code_gives_the_key_of_its_role(role: UserRole) -> None:
    """Over the link, to whoever types it: the door itself tells no key."""
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    shown = visitor.ask("pair", role=role.name.lower())
    code = shown.pop("code")
    assert shown == {
        "role": role.name.lower(),
        "serial_number": visitor.pump.serial_number,
        "expires_in_ms": PAIRING_LIMIT_MS,
    }
    session, _ = begin(visitor, pairing_key(code, role))
    said(visitor, session, m.OpenLink(1))
    paired = said(visitor, session, m.Pair())
    key = guard_of(visitor).keys[role]
    assert paired == m.Paired(key.key_id, key.role, key.secret)


def test_code_is_a_clinicians_unless_told_otherwise() -> None:
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    assert visitor.ask("pair")["role"] == "clinician"


def test_pairing_needs_somebody_who_is_near() -> None:
    """The error says what is missing, and how it is done."""
    visitor = guarded()
    error = visitor.fail("pair")
    assert error["code"] == "impossible"
    assert '{"do": "proximity", "on_pump": true}' in error["message"]


def test_unknown_role_is_refused_with_those_that_exist() -> None:
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    for role in ("doctor", "CLINICIAN", 3, ""):
        error = visitor.fail("pair", role=role)
        assert (error["code"], error["field"]) == ("bad_value", "role")
        assert error["allowed"] == list(ROLES)


def test_pump_without_keys_cannot_be_paired() -> None:
    visitor = Visitor()
    visitor.ask("proximity", on_pump=True)
    error = visitor.fail("pair")
    assert error["code"] == "impossible"
    assert "legacy-insecure" in error["message"]


@pytest.mark.parametrize(
    "act",
    [
        {"do": "proximity", "on_pump": False},
        {"do": "proximity", "in_reach": False},
        {"do": "explant"},
        {"do": "pair"},
        {"do": "implant", "serial_number": "SIM-0002"},
    ],
    ids=str,
)
def test_code_is_void_when_who_is_there_goes_or_asks_for_another(act: dict[str, Any]) -> None:
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    code = visitor.ask("pair")["code"]
    visitor.ask(**act)
    visitor.ask("proximity", on_pump=True)
    assert not code_is_taken(visitor, code)


def test_code_outlives_a_moment_of_link_time_and_not_its_limit() -> None:
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    code = visitor.ask("pair")["code"]
    visitor.host.wait(PAIRING_LIMIT_MS - 1)
    assert code_is_taken(visitor, code)
    code = visitor.ask("pair")["code"]
    visitor.host.wait(PAIRING_LIMIT_MS)
    assert not code_is_taken(visitor, code)


# --- Secrets -------------------------------------------------------------------------------------


def test_no_command_tells_a_key() -> None:
    """Whatever can be asked without a parameter, with a link open and a code shown."""
    visitor = guarded()
    visitor.ask("proximity", on_pump=True)
    code = visitor.ask("pair")["code"]
    session, _ = begin(visitor, guard_of(visitor).keys[UserRole.CLINICIAN])
    assert isinstance(said(visitor, session, m.OpenLink(1)), m.LinkOpened)
    asked = 0
    for command in COMMANDS.values():
        if any(each.required for each in command.parameters):
            continue
        told = json.dumps(visitor.say(json.dumps({"do": command.name}).encode()))
        assert not any(secret in told for secret in secrets_of(visitor)), command.name
        assert command.name == "pair" or code not in told, command.name
        asked += 1
    assert asked > 10


def test_another_pump_has_other_keys() -> None:
    """What opened the old one does not open the new one, and its link is not known."""
    visitor = guarded()
    key, before = guard_of(visitor).keys[UserRole.CLINICIAN], secrets_of(visitor)
    session, _ = begin(visitor, key)
    said(visitor, session, m.OpenLink(1))
    visitor.ask("implant", serial_number="SIM-0002")
    assert not set(before) & set(secrets_of(visitor))
    lost = said(visitor, session, m.Interrogate())
    assert isinstance(lost, m.Refusal)
    assert [each.code for each in lost.reasons] == [RefusalCode.LINK_NOT_OPEN]
    _, answer = begin(visitor, key, link_id=8)
    assert isinstance(answer, m.Refusal)


def test_state_of_another_pump_leaves_the_keys_as_they_are() -> None:
    """A state has no keys in it; whoever holds one of this pump goes on."""
    visitor = guarded()
    before = secrets_of(visitor)
    visitor.ask("load", state=Visitor().ask("state"))
    assert secrets_of(visitor) == before


def test_hello_tells_whether_a_pump_has_keys() -> None:
    (pump,) = guarded().ask("hello")["pumps"]
    assert pump["security_profile"] == "authenticated"
    (pump,) = Visitor().ask("hello")["pumps"]
    assert pump["security_profile"] == "legacy_insecure"
