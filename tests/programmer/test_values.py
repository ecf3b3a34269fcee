"""A value that makes no sense is refused by its name, with what is allowed, before it is sent."""

from dataclasses import replace
from math import inf, nan

import pytest

from pump_programmer.errors import AddressMalformed, PortUnavailable
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer
from pump_programmer.transport import open_transport
from pump_protocol import codes as c
from pump_protocol import messages as m
from pump_protocol.codes import Alarm
from pump_protocol.errors import LocalError


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"deadline_s": inf}, ValueError, "deadline_s = inf: allowed more than 0"),
        ({"deadline_s": nan}, ValueError, "deadline_s = nan"),
        ({"deadline_s": 0}, ValueError, "deadline_s = 0"),
        ({"deadline_s": -1.5}, ValueError, "deadline_s = -1.5"),
        ({"deadline_s": "2"}, TypeError, "deadline_s = '2'"),
        ({"deadline_s": True}, TypeError, "deadline_s = True"),
        ({"attempts": 0}, ValueError, "attempts = 0: allowed 1 or more"),
        ({"attempts": 2.0}, TypeError, "attempts = 2.0: a whole number wanted, allowed 1 or more"),
        ({"response_timeout_ms": 0}, ValueError, "response_timeout_ms = 0: allowed 1 or more"),
    ],
)
def test_a_patience_out_of_range_is_named(settings, error, words):
    with pytest.raises(error) as caught:
        Patience(**settings)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("programmer_id", "error", "words"),
    [
        (0, ValueError, "programmer_id = 0: allowed 1 to"),
        ("7", TypeError, "programmer_id = '7'"),
    ],
)
def test_a_programmer_id_out_of_range_is_named(programmer_id, error, words):
    with pytest.raises(error) as caught:
        Programmer("loop://", programmer_id=programmer_id)
    assert str(caught.value).startswith(words)


CALLS = [
    (lambda p, value: p.refill(value), "volume_nl", "0 mL to 4294.967295 mL"),
    (lambda p, value: p.order_bolus(value, 60_000), "dose_ng", "18446744073709551.615 mcg"),
    (lambda p, value: p.order_bolus(1, value), "duration_ms", "49 d 17 h"),
    (
        lambda p, value: p.order_bolus(1, 1, concentration_ng_per_ml=value),
        "concentration_ng_per_ml",
        "0.001 mcg/mL to 4294967.295 mcg/mL",
    ),
    (lambda p, value: p.silence(Alarm.EOS, value), "duration_ms", "49 d 17 h"),
    (lambda p, value: p.set_alarm_interval(value), "interval_ms", "49 d 17 h"),
    (lambda p, value: p.order_priming(value, 1), "volume_nl", "0 mL to 4294.967295 mL"),
    (lambda p, value: p.order_priming(1, value), "duration_ms", "49 d 17 h"),
    (lambda p, value: p.set_clock(value), "clock_ms", "0 to 18446744073709551615"),
    (lambda p, value: next(p.read_log(value)), "first", "1 to 18446744073709551615"),
]


@pytest.mark.parametrize(("call", "name", "allowed"), CALLS, ids=[call[1] for call in CALLS])
def test_a_number_that_is_no_whole_number_is_named_and_not_sent(
    pump, programmer, call, name, allowed
):
    for value in (1.5, "20", True, None) if name != "concentration_ng_per_ml" else (1.5, True):
        with pytest.raises(TypeError) as caught:
            call(programmer, value)
        assert str(caught.value).startswith(f"{name} = {value!r}: ")
        assert allowed in str(caught.value)
    assert [type(request) for request in pump.requests] == [m.Identify, m.OpenLink]


@pytest.mark.parametrize(("call", "name", "allowed"), CALLS, ids=[call[1] for call in CALLS])
def test_a_number_that_no_field_holds_is_named_with_its_range_in_units(
    pump, programmer, call, name, allowed
):
    for value in (-1, 2**64):
        with pytest.raises(ValueError, match=name) as caught:
            call(programmer, value)
        assert isinstance(caught.value, LocalError)
        assert str(caught.value).startswith(f"{name} = {value}: allowed ")
        assert allowed in str(caught.value)
    assert [type(request) for request in pump.requests] == [m.Identify, m.OpenLink]


def test_a_bolus_whose_volume_no_field_holds_is_named(pump, programmer):
    with pytest.raises(LocalError, match=r"volume_nl = .*: allowed 0 mL to 4294\.967295 mL"):
        programmer.order_bolus(2**63, 60_000, concentration_ng_per_ml=1)
    assert pump.asked_for(m.OrderBolus) == 0


@pytest.mark.parametrize("wanted", [None, {}, "300 mcg/day"])
@pytest.mark.parametrize("method", ["stage", "program"])
def test_what_is_no_prescription_is_not_staged(pump, programmer, method, wanted):
    with pytest.raises(TypeError, match=r"^prescription = .*: a Prescription wanted"):
        getattr(programmer, method)(wanted)
    assert [type(request) for request in pump.requests] == [m.Identify, m.OpenLink]


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("rate_nl_per_day", "0 mL/day to 4294.967295 mL/day"),
        ("daily_dose_ng", "0 mcg/day to 18446744073709551.615 mcg/day"),
        ("low_reservoir_threshold_nl", "0 mL to 4294.967295 mL"),
    ],
)
def test_a_prescription_with_a_number_that_no_field_holds_is_not_staged(
    pump, programmer, name, allowed
):
    for value, error in ((2**64, ValueError), (-1, ValueError), (1.0, TypeError)):
        with pytest.raises(error) as caught:
            programmer.stage(replace(pump.prescription, **{name: value}))
        assert str(caught.value).startswith(f"{name} = {value!r}: ")
        assert allowed in str(caught.value)
    assert pump.asked_for(m.StagePrescription) == 0


@pytest.mark.parametrize(
    ("part", "name", "allowed"),
    [
        (
            {"drugs": (m.Drug(c.MassUnit.MICROGRAM, 2**32, "x"),)},
            "drugs[0].concentration_ng_per_ml",
            "0 mcg/mL to 4294967.295 mcg/mL",
        ),
        (
            {"days": (m.DayPattern(c.Weekday(127), (m.Step(0, 1), m.Step(1_440, 1))),)},
            "days[0].steps[1].starts_at_min",
            "00:00 to 23:59",
        ),
        (
            {"days": (m.DayPattern(c.Weekday(127), (m.Step(0, -1),)),)},
            "days[0].steps[0].rate_nl_per_day",
            "0 mL/day to 4294.967295 mL/day",
        ),
        (
            {"periodic_boluses": (m.PeriodicBolus(0, 1, 2**40, 1, 1, 1),)},
            "periodic_boluses[0].volume_nl",
            "0 mL to 4294.967295 mL",
        ),
        (
            {"patient_boluses": (m.PatientBolus(1, 1, 1, 1, 256),)},
            "patient_boluses[0].allotted_per_day",
            "0 to 255",
        ),
        (
            {"bridges": (m.Bridge(1, 1, 2**32),)},
            "bridges[0].duration_ms",
            "0 min to 49 d 17 h 2 min 47 s 295 ms",
        ),
    ],
)
def test_a_number_inside_a_part_of_a_prescription_is_named_by_its_place(
    pump, programmer, part, name, allowed
):
    with pytest.raises(ValueError, match="allowed") as caught:
        programmer.program(replace(pump.prescription, **part))
    assert str(caught.value).startswith(f"{name} = ")
    assert str(caught.value).endswith(f"allowed {allowed}")
    assert [type(request) for request in pump.requests] == [m.Identify, m.OpenLink]


def test_a_note_that_no_pump_can_hold_is_not_sent(pump, programmer):
    with pytest.raises(LocalError, match="129 bytes; allowed 0 to 128 bytes in UTF-8"):
        programmer.write_note("x" * 129)
    with pytest.raises(LocalError, match="cannot be written in UTF-8"):
        programmer.write_note("\udcff")
    with pytest.raises(TypeError, match="a text wanted"):
        programmer.write_note(None)
    assert pump.asked_for(m.WriteNote) == 0
    programmer.write_note("\u00e4" * 64)
    assert programmer.read_note() == m.NoteReport(True, "\u00e4" * 64)


def test_a_bolus_of_a_drug_that_the_pump_has_lost_is_not_ordered(pump, programmer):
    pump.prescription = replace(pump.prescription, mode=c.Mode.MINIMUM_RATE, drugs=())
    pump.prescription = replace(pump.prescription, daily_dose_ng=0)
    for order in (lambda: programmer.order_bolus(1, 1), lambda: programmer.order_priming(1, 1)):
        with pytest.raises(LocalError, match="lost its drug"):
            order()
    assert pump.asked_for(m.OrderBolus) == 0


@pytest.mark.parametrize("address", ["hwgrep://(", "loop://?logging=nope", "alt://x?class=None"])
def test_whatever_an_address_makes_pyserial_raise_is_a_port_that_cannot_be_used(address):
    with pytest.raises(PortUnavailable) as caught:
        open_transport(address).close()
    assert address in str(caught.value)


@pytest.mark.parametrize("address", ["hwgrep://(", "loop://?logging=nope"])
def test_an_address_that_pyserial_stumbles_over_is_malformed(address):
    with pytest.raises(AddressMalformed, match="it must be a device path"):
        open_transport(address)
