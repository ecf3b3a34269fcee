"""Who watches is told of everything, once, with its own moment."""

from pump_sim.model.pump import Pump
from tests.pump_sim.control.desks import VirtualHost, Visitor
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, PROFILE, baclofen, implanted


def test_records_are_told_as_the_log_has_them() -> None:
    """Those that others cause, too, and none from before."""
    visitor = Visitor()
    visitor.ask("advance", by="45 d")
    visitor.ask("watch")
    assert visitor.told == []
    visitor.ask("advance", by="10 d")
    records = visitor.ask("log", **{"from": 3})["records"]
    assert [each["record"] for each in visitor.told] == records
    assert {each["pump"] for each in visitor.told} == {visitor.pump.serial_number}
    assert len(records) == 2  # empty, and stopped for that


def test_faults_are_told_at_their_moments_however_far_time_has_moved() -> None:
    """Begin and end within one advance, in order with the records that they cause."""
    visitor = Visitor()
    visitor.ask("watch")
    visitor.ask("inject", fault="motor_stall", at_ms="2 h", for_ms="1 h")
    assert visitor.told == []
    visitor.ask("advance", by="1 d")
    told = [
        (
            each["event"],
            each.get("record", {}).get("event"),
            each.get("fault", {}).get("ends_at_ms"),
        )
        for each in visitor.told
    ]
    assert told == [
        ("fault_began", None, 3 * HOUR_MS),
        ("record", "alarm_raised", None),
        ("fault_ended", None, 3 * HOUR_MS),
        ("record", "motor_recovered", None),
        ("record", "alarm_cleared", None),
    ]


def test_fault_that_is_cleared_has_ended_then() -> None:
    """And one that never began is not spoken of."""
    visitor = Visitor()
    visitor.ask("watch")
    visitor.ask("inject", fault="catheter_occlusion")
    visitor.ask("inject", fault="dry_run", at_ms="9 d")
    visitor.ask("advance", by="1 h")
    visitor.ask("clear", fault="catheter_occlusion")
    visitor.ask("clear", fault="dry_run")
    assert [each["event"] for each in visitor.told] == ["fault_began", "fault_ended"]
    assert visitor.told[1]["fault"]["ends_at_ms"] == HOUR_MS


def test_fault_that_strikes_begins_and_ends_at_once() -> None:
    """Now, or at its moment."""
    visitor = Visitor()
    visitor.ask("watch")
    visitor.ask("inject", fault="replacement_date", parameters={"planned_at_ms": 5}, at_ms="1 h")
    visitor.ask("advance", by="2 h")
    assert [each["event"] for each in visitor.told][:2] == ["fault_began", "fault_ended"]
    assert visitor.told[1]["fault"]["ends_at_ms"] == HOUR_MS


def test_watching_ends_when_it_is_told_to_and_when_the_client_goes() -> None:
    """Nothing is kept of a client that has gone."""
    host = VirtualHost(implanted())
    visitor = Visitor(hosts=(host,))
    for end in (lambda: visitor.ask("watch", on=False), visitor.desk.close):
        assert visitor.ask("watch") == {"on": True}
        visitor.ask("watch")
        assert len(host._watchers) == 1
        end()
        assert host._watchers == []
    visitor.ask("advance", by="50 d")
    assert visitor.told == []


def test_all_pumps_are_watched() -> None:
    """Each event says which one it is of."""
    visitor = Visitor(
        *(Pump.implant(PROFILE, baclofen(), serial_number=name) for name in ("SIM-1", "SIM-2"))
    )
    visitor.ask("watch")
    visitor.ask("advance", pump="SIM-2", by=45 * DAY_MS)
    assert [each["pump"] for each in visitor.told] == ["SIM-2"]


def test_state_that_is_loaded_is_no_news() -> None:
    """Its records and faults are as old as it is."""
    visitor = Visitor()
    visitor.ask("inject", fault="motor_stall")
    visitor.ask("advance", by="1 d")
    state = visitor.ask("state")
    other = Visitor()
    other.ask("watch")
    other.ask("load", state=state)
    assert other.told == []
    other.ask("clear", fault="motor_stall")
    assert other.told[0]["event"] == "fault_ended"
