"""The keys of a test's pump: all roles at hand, none where the pump has none."""

from pathlib import Path

import pytest

from pump_programmer import Programmer
from pump_programmer.errors import InsecurePump, PumpRefused
from pump_protocol.codes import RefusalCode, UserRole
from pump_protocol.keys import Key
from pump_sim.testing.errors import NoSuchPump
from pump_sim.testing.process import PumpProcess, pump_process
from pump_sim.testing.virtual import VirtualPump
from pump_sim.testing.virtual import virtual_pump as a_virtual_pump

Either = VirtualPump | PumpProcess


@pytest.fixture(params=["virtual_pump", "pump_on_tcp"])
def pump(request: pytest.FixtureRequest) -> Either:
    either: Either = request.getfixturevalue(request.param)
    return either


def test_key_is_a_clinicians_and_keys_are_of_all_roles(pump: Either) -> None:
    """So that a test of roles needs no pairing."""
    roles = {name: Key.from_text(text).role for name, text in pump.keys.items()}
    assert roles == {role.name.lower(): role for role in UserRole}
    assert pump.key == pump.keys["clinician"]
    with Programmer(pump.address, key=pump.keys["patient"]) as programmer:
        assert programmer.interrogate().at_ms == 0
        with pytest.raises(PumpRefused) as refused:
            programmer.self_test()
    assert [each.code for each in refused.value.refusal.reasons] == [RefusalCode.NOT_PERMITTED]


def test_two_pumps_have_no_key_in_common(
    virtual_pump: VirtualPump, pump_on_tcp: PumpProcess
) -> None:
    """Random, in every run and of every kind."""
    with a_virtual_pump() as third:
        keys = [text for each in (virtual_pump, pump_on_tcp, third) for text in each.keys.values()]
    assert len({Key.from_text(text).secret for text in keys}) == 12


@pytest.mark.pump(security="legacy-insecure")
def test_pump_without_security_has_no_keys(pump: Either) -> None:
    """And is talked to by whoever accepts that."""
    assert (pump.key, pump.keys) == (None, {})
    with pytest.raises(InsecurePump):
        Programmer(pump.address).open()
    with Programmer(pump.address, insecure=True) as programmer:
        assert programmer.interrogate().at_ms == 0


@pytest.mark.pump(scenario="missed-refill", pick={"refill": "nobody-comes"})
def test_pump_of_a_scenario_has_keys(pump: Either) -> None:
    with Programmer(pump.address, key=pump.key) as programmer:
        assert programmer.identify().serial_number


def test_pairing_and_its_button_are_there(pump: Either) -> None:
    """As at any door."""
    assert pump.proximity(on_pump=True) == {"in_reach": True, "on_pump": True}
    assert pump.button()["expires_in_ms"] == 30_000
    assert pump.pair("service")["role"] == "service"
    assert pump.pair()["role"] == "clinician"


@pytest.mark.parametrize("kind", ["virtual", "tcp"])
def test_pump_that_was_kept_has_its_keys_still_and_tells_none(kind: str, tmp_path: Path) -> None:
    """Its keys are those of the first time; whoever wants them has kept them."""
    path, keys = tmp_path / "pump.state", list[str | None]()
    for _ in range(2):
        making = (
            a_virtual_pump(state_file=path)
            if kind == "virtual"
            else pump_process("tcp", state_file=path)
        )
        with making as pump:
            keys.append(pump.key)
            with Programmer(pump.address, key=keys[0]) as programmer:
                before_ms = programmer.interrogate().at_ms
            pump.advance(hours=1)
    assert keys[0] is not None
    assert keys[1] is None
    assert before_ms == 3_600_000


def test_key_log_of_a_virtual_pump(tmp_path: Path) -> None:
    """As that of a pump on a port."""
    path = tmp_path / "links"
    with a_virtual_pump(key_log=path) as pump:
        with Programmer(pump.address, key=pump.key) as programmer:
            link_id = programmer.link_id
        assert path.read_text().startswith(f"{link_id:016x} ")
    with pytest.raises(NoSuchPump, match=r"--key-log = .*: that is a folder"):
        a_virtual_pump(key_log=tmp_path).__enter__()


@pytest.mark.parametrize("kind", ["virtual", "tcp"])
def test_pump_that_is_kept_may_stay_where_it_was(kind: str, tmp_path: Path) -> None:
    """As ``--resume stay``: paused, though a test's pump has a speed of its own otherwise."""
    options = {"state_file": tmp_path / "pump.state", "resume": "stay"}
    for expected_ms in (0, 86_400_000):
        making = a_virtual_pump(**options) if kind == "virtual" else pump_process("tcp", **options)
        with making as pump:
            time = pump.time()
            assert (time["therapy_ms"], time["paused"]) == (expected_ms, True)
            pump.advance(days=1)


def test_state_file_of_a_pump_that_cannot_be_is_let_go(tmp_path: Path) -> None:
    """Another pump can be kept there at once."""
    path, links = tmp_path / "pump.state", tmp_path / "links"
    links.write_text("my thesis")
    with (
        pytest.raises(NoSuchPump, match="key-log"),
        a_virtual_pump(state_file=path, key_log=links),
    ):
        pass
    with a_virtual_pump(state_file=path) as pump:
        assert pump.key is not None
