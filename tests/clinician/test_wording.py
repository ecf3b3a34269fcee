"""Sentences of the command line make sense on a page, and what is in force can be typed again."""

import pytest

from pump_programmer.plan import planned
from pump_programmer.typed import Typed, wishes_of
from pump_programmer.web.bodies import Program
from pump_programmer.web.prefill import typed_of
from pump_programmer.web.wording import LABELS, first_field, label_of, on_page
from pump_programmer.wishes import Wishes
from pump_protocol import codes as c
from pump_protocol import messages as m
from tests.programmer import prescriptions
from tests.programmer.conftest import IDENTITY


@pytest.mark.parametrize(
    ("said", "on_the_page"),
    [
        ("--basal goes with --periodic", '"Basal between the boluses" goes with "Periodic bolus"'),
        ("choose with --role observer", "choose one: observer"),
        ("--insecure is an option", "--insecure is an option"),
        ("give --confirm-dose", 'give "Highest dose of a day"'),
        ("300 mcg/day", "300 mcg/day"),
    ],
)
def test_options_are_fields_on_a_page(said, on_the_page):
    assert on_page(said) == on_the_page


def test_the_field_that_is_named_first_is_found():
    assert first_field("--basal goes with --periodic") == "basal"
    assert first_field("--no-bridge begins with the new rate") == "bridge"
    assert first_field("--nonsense") is None


def test_every_field_of_a_form_has_a_label():
    names = set(Program.model_fields) - {"take_over"}
    assert names == set(Typed.__dataclass_fields__)
    assert names <= set(LABELS)
    assert len({label_of(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    "prescription",
    [
        prescriptions.simple(),
        prescriptions.simple(123_456),
        prescriptions.simple(300_000, prescriptions.BACLOFEN, prescriptions.MORPHINE),
        prescriptions.flex((31, ((0, 120), (480, 300))), (96, ((0, 100),))),
        prescriptions.periodic(),
        prescriptions.with_patient(prescriptions.simple()),
        prescriptions.stopped(),
    ],
    ids=lambda prescription: prescription.mode.name,
)
def test_what_is_in_force_is_typed_as_it_is(prescription):
    typed = typed_of(prescription)
    if "dose" in typed:
        typed.pop("rate")
    for each in prescription.periodic_boluses:  # a wish of its own: typed anew, they begin anew
        typed["first_in"] = f"{each.first_after_ms} ms"
    wishes = wishes_of(Program(**typed).typed)
    assert wishes != Wishes()
    assert planned(wishes, prescription, IDENTITY, 0) == prescription


def test_of_a_pump_that_has_lost_its_drug_little_is_typed():
    lost = m.Prescription(c.Mode.MINIMUM_RATE, (), 0, 6_000, 2_000_000)
    assert typed_of(lost) == {"low_reservoir": "2 mL"}
