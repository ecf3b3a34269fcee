"""A pump that is renewed is what it was when it was started, for the next test."""

from collections.abc import Iterator

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import RefusalCode
from pump_sim.control.asker import ControlFailed
from pump_sim.endpoint import NS_PER_MS
from pump_sim.testing.virtual import VirtualPump, virtual_pump
from tests.pump_sim.virtual import VirtualLink, implanted


@pytest.fixture(params=["authenticated", "legacy-insecure"])
def pump(request: pytest.FixtureRequest) -> Iterator[VirtualPump]:
    """A pump of either profile, at ten times real time."""
    with virtual_pump(security=request.param, speed=10) as pump:
        yield pump


def test_everything_is_as_it_was(pump: VirtualPump) -> None:
    """Truth, belief, logs, faults, time and its speed."""
    before = pump.ask("state")
    pump.ask("inject", fault="motor_stall")
    pump.ask("advance", by="49 d")
    pump.ask("speed", speed=0)
    pump.ask("proximity", on_pump=True)
    renewed = pump.renew()
    assert (renewed["therapy_ms"], renewed["speed"]) == (0, 10)
    assert pump.ask("state") == before
    assert pump.ask("proximity") == {"in_reach": True, "on_pump": False}


def test_time_goes_on_from_there(pump: VirtualPump) -> None:
    """What happens next happens when it would have, and is told to whoever watches."""
    first = pump.ask("time")["next_event"]["at_ms"]
    pump.ask("next_event")
    pump.renew()
    pump.pass_link_time(1)
    assert pump.ask("time")["therapy_ms"] == 10_000
    pump.ask("watch")
    assert pump.ask("next_event")["therapy_ms"] == first
    assert [each["record"]["event"] for each in pump.events()] == ["alarm_raised"]


def test_pump_that_is_played_on_cannot_be_renewed() -> None:
    """A scenario has made it what it is; nothing changes."""
    with virtual_pump(scenario="missed-refill") as pump:
        before = pump.ask("time")
        with pytest.raises(ControlFailed) as failed:
            pump.renew()
        assert failed.value.code == "impossible"
        assert pump.ask("time") == before


def test_another_pump_knows_no_link_with_keys_or_without() -> None:
    """Another pump was never talked to. One in another state goes on with its link."""
    link = VirtualLink(implanted())
    link.status()
    at_ns = link.link_ms * NS_PER_MS
    link.endpoint.replace_pump(implanted(), at_ns)
    link.status()
    link.endpoint.put_in_place(implanted(), None, at_ns)
    refusal = link.ask(m.Interrogate())
    assert isinstance(refusal, m.Refusal)
    assert refusal.codes == {RefusalCode.LINK_NOT_OPEN}
