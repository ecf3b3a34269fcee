"""What is done to a pump through the door happens to it, at its moment, and it is not told."""

from dataclasses import MISSING, fields

import pytest

from pump_protocol import messages as m
from pump_sim.control.acting import MAX_FAULTS
from pump_sim.control.faults import fault_kinds
from pump_sim.endpoint import NS_PER_MS
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.model.prescription import with_patient_bolus
from pump_sim.model.pump import Pump
from tests.pump_sim.control.desks import Visitor
from tests.pump_sim.virtual import DAY_MS, HOUR_MS, PROFILE, VirtualLink, baclofen, implanted

MINUTE_MS = 60_000


def with_patients_button() -> Pump:
    prescription = with_patient_bolus(
        baclofen(),
        dose_ng=20_000,
        duration_ms=5 * MINUTE_MS,
        lockout_ms=HOUR_MS,
        allotted_per_day=3,
    )
    return Pump.implant(PROFILE, prescription)


def test_stall_is_noticed_by_the_pump_when_a_pump_would() -> None:
    """Twenty minutes of steps in vain, and then A05; the belief goes on counting (REQ-14)."""
    visitor = Visitor()
    assert visitor.ask("inject", fault="motor_stall") == {"fault_id": 1}
    visitor.ask("advance", by=PROFILE.stall_detect_ms - 1)
    assert visitor.ask("belief")["alarms"] == []
    visitor.ask("advance", by=1)
    assert [each["alarm"] for each in visitor.ask("belief")["alarms"]] == ["motor_stall"]
    truth = visitor.ask("truth")
    assert (truth["stalled"], truth["actual_delivered_nl"]) == (True, 0)
    assert visitor.ask("both")["delivered_nl"]["difference"] < 0


def test_fault_begins_and_ends_at_its_moments() -> None:
    """Scheduled, at work, gone: `faults` and `time` tell so all along."""
    visitor = Visitor()
    given = {"factor_ppm": 1_250_000}
    visitor.ask("inject", fault="flow_error", parameters=given, at_ms="10 h", for_ms="5 h")
    told = visitor.ask("faults")
    (fault,) = told["scheduled"]
    assert told["active"] == []
    assert (fault["begins_at_ms"], fault["ends_at_ms"]) == (10 * HOUR_MS, 15 * HOUR_MS)
    assert fault["parameters"] == given
    event = visitor.ask("time")["next_event"]
    assert event == {"at_ms": 10 * HOUR_MS, "what": "fault_begins", "fault": "flow_error"}
    visitor.ask("next_event")
    (fault,) = visitor.ask("faults")["active"]
    assert fault["fault"] == "flow_error"
    assert visitor.ask("time")["next_event"]["what"] == "fault_ends"
    visitor.ask("next_event")
    told = visitor.ask("faults")
    assert told["active"] == told["scheduled"] == []
    assert visitor.ask("both")["delivered_nl"]["difference"] == 400_000 * 5 // 24 // 4


def test_next_event_names_what_will_happen() -> None:
    """By the name that the model has for it."""
    assert Visitor().ask("time")["next_event"] == {"at_ms": 45 * DAY_MS, "what": "low_reservoir"}


def test_faults_are_cleared_by_number_and_by_name() -> None:
    """What is cleared before it has begun never begins."""
    visitor = Visitor()
    for fault in ("motor_stall", "catheter_occlusion", "motor_stall"):
        visitor.ask("inject", fault=fault, at_ms="1 h")
    assert visitor.ask("clear", fault_id=2) == {"cleared": [2]}
    assert visitor.ask("clear", fault="motor_stall") == {"cleared": [1, 3]}
    assert visitor.ask("clear", fault="motor_stall") == {"cleared": []}
    assert visitor.ask("time")["next_event"]["what"] == "low_reservoir"
    assert visitor.fail("clear", fault_id=2)["code"] == "unknown_fault"
    assert visitor.fail("clear", fault="motor_stal")["message"].endswith(
        "Did you mean motor_stall?"
    )
    assert visitor.fail("clear")["code"] == "missing_field"
    assert visitor.fail("clear", fault="motor_stall", fault_id=1)["code"] == "missing_field"


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_injected_by_what_it_says_of_itself(name: str) -> None:
    """The limits that are told are those that hold; no fault needs more than is told."""
    kind = fault_kinds()[name]
    assert kind["doc"].endswith(".")
    required = {
        each.name: each.metadata["maximum"]
        for each in fields(FAULTS[name])
        if each.default is MISSING
    }
    assert required.keys() == {k for k, each in kind["parameters"].items() if each["required"]}
    visitor = Visitor()
    visitor.ask("inject", fault=name, parameters=required)
    for key, highest in required.items():
        error = visitor.fail("inject", fault=name, parameters={**required, key: highest + 1})
        assert (error["code"], error["field"]) == ("bad_value", key)
        assert error["allowed"]["maximum"] == highest
        missing = {other: each for other, each in required.items() if other != key}
        error = visitor.fail("inject", fault=name, parameters=missing)
        assert (error["code"], error["field"]) == ("missing_field", key)


def test_unknown_fault_and_parameter_name_those_that_exist() -> None:
    """And the nearest."""
    visitor = Visitor()
    error = visitor.fail("inject", fault="moter_stall")
    assert (error["code"], error["allowed"]) == ("unknown_fault", list(FAULTS))
    assert error["message"].endswith("Did you mean motor_stall?")
    error = visitor.fail("inject", fault="flow_error", parameters={"factor": 2})
    assert (error["code"], error["field"]) == ("unknown_field", "factor")
    assert error["message"].endswith("Did you mean factor_ppm?")


def test_fault_is_not_injected_into_the_past_nor_stretched() -> None:
    """What strikes at one moment has no duration, and what has passed is past."""
    visitor = Visitor()
    visitor.ask("advance", by="1 d")
    assert visitor.fail("inject", fault="motor_stall", at_ms=5)["allowed"]["minimum"] == DAY_MS
    assert visitor.fail("inject", fault="brown_out", for_ms=5)["field"] == "for_ms"
    assert visitor.fail("inject", fault="mri_scan", for_ms=5)["field"] == "for_ms"
    assert visitor.ask("faults")["active"] == []


def test_number_of_faults_is_bounded() -> None:
    """A test that injects in an endless loop is told so."""
    visitor = Visitor()
    for _ in range(MAX_FAULTS):
        visitor.ask("inject", fault="motor_stall", at_ms="1 d")
    assert "clear some" in visitor.fail("inject", fault="motor_stall")["message"]


def test_filling_by_hand_changes_the_truth_alone() -> None:
    """The pump learns of it by a programmer's refill, or never (domain.md 1.4)."""
    visitor = Visitor()
    visitor.ask("advance", by="10 d")
    truth = visitor.ask("fill", volume_nl="20 mL", concentration_ng_per_ml="500 mcg/mL")
    assert truth["actual_volume_nl"] == 20_000_000
    assert truth["reservoir_concentration_ng_per_ml"] == 500_000
    assert truth["tip_concentration_ng_per_ml"] == 2_000_000
    assert visitor.ask("both")["volume_nl"] == {
        "believed": 16_000_000,
        "actual": 20_000_000,
        "difference": 4_000_000,
    }


def test_residual_volume_mixes_in_unless_rinsed() -> None:
    """1.4 mL of the old drug in 20 mL of the new."""
    visitor = Visitor()
    given = {"volume_nl": "20 mL", "concentration_ng_per_ml": "1 mg/mL"}
    assert visitor.ask("fill", **given)["reservoir_concentration_ng_per_ml"] == 1_000_000
    visitor = Visitor()
    mixed = visitor.ask("fill", **given, rinsed=False)["reservoir_concentration_ng_per_ml"]
    assert mixed == round((20 * 1_000_000 + 1.4 * 2_000_000) / 21.4)


def test_patients_button_gives_a_bolus_or_every_reason() -> None:
    """REQ-12, REQ-13: and a refusal is in the pump's log, though nothing was delivered."""
    visitor = Visitor(with_patients_button())
    bolus = visitor.ask("press")
    assert bolus["volume_nl"] == 10_000
    visitor.ask("advance", by=10 * MINUTE_MS)
    error = visitor.fail("press")
    assert error["code"] == "refused"
    assert [each["code"] for each in error["reasons"]] == ["locked_out"]
    assert error["reasons"][0]["value"] == HOUR_MS
    assert error["reasons"][0]["text"] == "locked out"
    assert error["message"] == "the pump refuses: locked out"
    records = visitor.ask("log")["records"]
    assert records[-1]["event"] == "patient_bolus_refused"
    assert Visitor().fail("press")["reasons"][0]["code"] == "not_prescribed"


@pytest.mark.parametrize("cause", ["watchdog", "brown_out", "memory", "commanded"])
def test_reset_goes_to_the_safe_state_and_names_its_cause(cause: str) -> None:
    """REQ-22: never back into a prescription by itself."""
    visitor = Visitor()
    visitor.ask("reset", cause=cause)
    belief = visitor.ask("belief")
    assert belief["prescription"]["mode"] == "minimum_rate"
    assert "safe_state" in [each["alarm"] for each in belief["alarms"]]
    events = [each["event"] for each in visitor.ask("log")["records"]]
    assert "reset" in events


def test_lifted_head_makes_the_pump_deaf_and_dumb() -> None:
    """No byte is heard and none is sent; therapy goes on, and afterwards so does the link."""
    link = VirtualLink(implanted())
    endpoint = link.endpoint
    assert endpoint.presence.in_reach
    endpoint.presence.in_reach = False
    request = b"anything at all"
    assert endpoint.receive_data(request, link.link_ms * NS_PER_MS) == b""
    with pytest.raises(AssertionError, match="no answer"):
        link.ask(m.Identify())
    link.wait_therapy(DAY_MS)
    endpoint.presence.in_reach = True
    link.reconnect()
    assert link.status().at_ms == DAY_MS


# --- Needle and scalpel --------------------------------------------------------------------------


def test_pocket_fill_leaves_the_reservoir_as_it_is() -> None:
    """The answer is the truth, with what lies beside the pump."""
    visitor = Visitor()
    visitor.ask("advance", by="10 d")
    truth = visitor.ask("fill_pocket", volume_nl="18 mL")
    assert (truth["pocket_nl"], truth["actual_volume_nl"]) == (18_000_000, 16_000_000)
    error = visitor.fail("fill_pocket", volume_nl="21 mL")
    assert error["allowed"] == {"minimum": 0, "maximum": 20_000_000, "unit": "nL"}


def test_injection_through_the_access_port_reaches_the_patient() -> None:
    """0.1 mL of 2 mg/mL from the catheter, within a minute; another has to wait for its end."""
    visitor = Visitor()
    given = {"volume_nl": "0.1 mL", "concentration_ng_per_ml": "500 mcg/mL"}
    assert visitor.ask("inject_catheter", **given) == {"injected_nl": 100_000}
    error = visitor.fail("inject_catheter", **given)
    assert (error["code"], error["message"]) == (
        "impossible",
        "an injection goes on until 60000 ms",
    )
    visitor.ask("advance", by="1 min")
    assert visitor.ask("truth")["received_ng"] == 200_555  # and what the pump gave meanwhile
    visitor.ask("inject_catheter", **given, duration_ms="2 h", aspirated=True)
    assert visitor.ask("truth")["tip_concentration_ng_per_ml"] == 0
    error = visitor.fail("inject_catheter", **{**given, "concentration_ng_per_ml": "200 mg/mL"})
    assert error["field"] == "concentration_ng_per_ml"
    assert visitor.fail("inject_catheter", **given, duration_ms=1)["field"] == "duration_ms"


def test_explanted_pump_is_out_of_reach_of_needles() -> None:
    """Nothing reaches the patient any more, and nobody can do again what was done."""
    visitor = Visitor()
    visitor.ask("advance", by="1 d")
    truth = visitor.ask("explant")
    assert (truth["implanted"], truth["received_ng"]) == (False, 800_000)
    visitor.ask("advance", by="1 d")
    assert visitor.ask("truth")["received_ng"] == 800_000
    for do, fields_of in (
        ("explant", {}),
        ("fill_pocket", {"volume_nl": 1}),
        ("inject_catheter", {"volume_nl": 1, "concentration_ng_per_ml": 0}),
    ):
        error = visitor.fail(do, **fields_of)
        assert (error["code"], error["message"]) == (
            "impossible",
            "pump SIM-000001 has been explanted",
        )


def test_new_pump_takes_the_place_of_the_old_one() -> None:
    """Behind the same link, at its 0 ms, with what was in force; the patient goes on."""
    visitor = Visitor()
    visitor.ask("advance", by="10 d")
    visitor.ask("inject", fault="motor_stall")
    visitor.ask("advance", by="9 h")
    patient, clock = visitor.ask("patient"), visitor.ask("time")["clock_local_ms"]
    assert patient["flags"] == ["underdose"]
    time = visitor.ask("implant", serial_number="SIM-000002", volume_nl="10 mL")
    assert (time["therapy_ms"], time["clock_local_ms"]) == (0, clock)
    after = visitor.ask("patient")
    assert after["flags"] == ["underdose"]
    assert after["effect_ng_per_ml"] == pytest.approx(patient["effect_ng_per_ml"])
    belief = visitor.ask("belief", pump="SIM-000002")
    assert belief["believed_volume_nl"] == 10_000_000
    assert belief["infusing_nl_per_day"] == 400_000
    assert visitor.ask("faults")["active"] == []
    visitor.ask("advance", by="1 d")
    assert visitor.ask("patient")["flags"] == []


def test_the_next_pump_is_of_the_same_kind() -> None:
    """With the same updates and the same battery: a lesson does not become another one."""
    old = Pump.implant(
        PROFILE, baclofen(), battery_mode=BatteryMode.NO_DRAIN, historic_updates=True
    )
    visitor = Visitor(old)
    visitor.ask("implant", serial_number="SIM-000002")
    new = visitor.pump
    assert new.firmware.historic_updates
    assert new.state().hardware.battery.mode is BatteryMode.NO_DRAIN


def test_implant_that_cannot_be_changes_nothing() -> None:
    """A number that is there already or is none, and more than the pump holds."""
    visitor = Visitor()
    visitor.ask("advance", by="1 d")
    before = visitor.ask("state")
    for wrong, field in (
        ({"serial_number": "SIM-000001"}, "serial_number"),
        ({"serial_number": ""}, "serial_number"),
        ({"serial_number": "x" * 33}, "serial_number"),
        ({"serial_number": "SIM-000002", "volume_nl": "21 mL"}, "volume_nl"),
        ({"serial_number": "SIM-000002", "flow_factor_ppm": -1}, "flow_factor_ppm"),
    ):
        error = visitor.fail("implant", **wrong)
        assert (error["code"], error["field"]) == ("bad_value", field)
    assert visitor.ask("state") == before


def test_unprimed_pump_has_no_drug_in_its_tubing() -> None:
    """The catheter gives what it holds, and then the tubing's fluid comes."""
    visitor = Visitor()
    visitor.ask("implant", serial_number="SIM-000002", primed=False, flow_factor_ppm=2_000_000)
    assert visitor.ask("truth")["tip_concentration_ng_per_ml"] == 2_000_000
    visitor.ask("advance", by="6 h")
    assert visitor.ask("truth")["tip_concentration_ng_per_ml"] == 0
