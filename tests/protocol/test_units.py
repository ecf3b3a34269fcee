"""Human units and wire units: exact, or refused."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol import units
from pump_protocol.codes import MassUnit
from pump_protocol.errors import LocalError, UnitError

U32 = st.integers(0, 2**32 - 1)
U64 = st.integers(0, 2**64 - 1)
CONCENTRATION = st.integers(1, 2**32 - 1)
QUANTITIES = [
    units.RATE,
    units.DAILY_DOSE,
    units.DOSE,
    units.CONCENTRATION,
    units.VOLUME,
    units.DURATION,
]


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (units.RATE, "0.4 mL/day", 400_000),
        (units.RATE, "0.048 mL/day", 48_000),
        (units.RATE, "2 uL/h", 48_000),
        (units.RATE, "1 mL/h", 24_000_000),
        (units.RATE, "333333 nL/day", 333_333),
        (units.DAILY_DOSE, "300 mcg/day", 300_000),
        (units.DAILY_DOSE, "300mcg/day", 300_000),
        (units.DAILY_DOSE, "300 \u00b5g/day", 300_000),
        (units.DAILY_DOSE, "300 \u03bcg/day", 300_000),
        (units.DAILY_DOSE, "2 mg/day", 2_000_000),
        (units.DAILY_DOSE, "0.1 mcg/day", 100),
        (units.DOSE, "50 mcg", 50_000),
        (units.CONCENTRATION, "2000 mcg/mL", 2_000_000),
        (units.CONCENTRATION, "2 mg/mL", 2_000_000),
        (units.VOLUME, "20 mL", 20_000_000),
        (units.VOLUME, " 18.000001 ml ", 18_000_001),
        (units.DURATION, "90 min", 5_400_000),
        (units.DURATION, "1 h 30 min", 5_400_000),
        (units.DURATION, "1.5 h", 5_400_000),
        (units.DURATION, "36h", 129_600_000),
        (units.DURATION, "2 d", 172_800_000),
    ],
)
def test_what_people_write_is_understood_exactly(
    quantity: units.Quantity, text: str, value: int
) -> None:
    assert quantity.parse(text) == value


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (units.RATE, "0.0000001 mL/day"),  # a tenth of an nL/day
        (units.DAILY_DOSE, "0.0001 mcg/day"),
        (units.VOLUME, "0.5 nL"),
        (units.DURATION, "0.0001 s"),
    ],
)
def test_what_is_no_whole_number_on_the_wire_is_refused_not_rounded(
    quantity: units.Quantity, text: str
) -> None:
    with pytest.raises(UnitError, match="not a whole number of"):
        quantity.parse(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0,15 mL/day", "comma"),
        ("1,500 mL/day", "comma"),
        ("300", "unit is missing"),
        (".5 mL/day", "begin with a number"),
        ("5. mL/day", "number and a unit"),
        ("-1 mL/day", "begin with a number"),
        ("+1 mL/day", "begin with a number"),
        ("1e3 mL/day", "write the number out, as 500 or 0.005, without an exponent"),
        ("5E-1 mL/day", "without an exponent"),
        ("1.5e+2 mL/day", "without an exponent"),
        ("5 e mL/day", "'e' is no unit of rate"),
        ("\u0663 mL/day", "begin with a number"),  # Arabic-Indic three
        ("", "number and a unit"),
        ("mL/day", "begin with a number"),
        ("3 mL", "'mL' is no unit of rate"),
        ("300 mcg/day", "no unit of rate"),
        ("0.15 ML/day", "no unit of rate"),
        ("1 mL/day 2 uL/day", "one number and one unit"),
        ("5000 mL/day", "at most 4294.967295 mL/day"),
        ("9" * 30 + " mL/day", "number and a unit"),
    ],
)
def test_what_may_be_misread_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(UnitError, match=why) as caught:
        units.RATE.parse(text, "--rate")
    assert caught.value.field == "--rate"
    assert caught.value.value == text
    assert caught.value.allowed[0] == "mL/day"
    assert str(caught.value).startswith(f"--rate = {text!r}: ")


def test_a_capital_m_is_no_milligram() -> None:
    with pytest.raises(UnitError, match="'Mg/day' is no unit of daily dose"):
        units.DAILY_DOSE.parse("2 Mg/day")


@pytest.mark.parametrize("text", ["30 min 1 h", "1 h 1 h", "1 h 30"])
def test_a_compound_duration_goes_from_large_to_small(text: str) -> None:
    with pytest.raises(UnitError):
        units.DURATION.parse(text)


def test_a_unit_error_is_a_local_error_so_that_nothing_was_sent() -> None:
    assert issubclass(UnitError, LocalError)


@given(quantity=st.sampled_from(QUANTITIES), text=st.text(max_size=40))
def test_any_text_is_a_number_in_range_or_a_unit_error(quantity: units.Quantity, text: str) -> None:
    try:
        value = quantity.parse(text)
    except UnitError:
        return
    assert 0 <= value <= quantity.maximum


@given(data=st.data(), quantity=st.sampled_from(QUANTITIES))
def test_what_is_shown_means_exactly_what_is_meant_in_every_unit(
    data: st.DataObject, quantity: units.Quantity
) -> None:
    value = data.draw(st.integers(0, quantity.maximum))
    unit = data.draw(st.sampled_from(sorted(quantity.units)))
    scale = quantity.units[unit]
    try:
        text = quantity.format(value, unit)
    except ValueError:
        # 1/24000 or 1/60000 have endless decimals; then there is nothing exact to show.
        assert (value * 10**20) % scale
        return
    assert Fraction(text.split(" ")[0]) * scale == value
    if len(text.partition(".")[2].partition(" ")[0]) <= 20:
        assert quantity.parse(text) == value


@given(value=U32)
def test_a_duration_is_read_back_as_it_was_shown(value: int) -> None:
    assert units.DURATION.parse(units.format_duration(value)) == value


@given(rate=U32, volume=U32, dose=U64, concentration=U32, unit=st.sampled_from(MassUnit))
def test_the_formats_of_the_screens_can_be_typed_again(
    rate: int, volume: int, dose: int, concentration: int, unit: MassUnit
) -> None:
    assert units.RATE.parse(units.format_rate(rate)) == rate
    assert units.VOLUME.parse(units.format_volume(volume)) == volume
    assert units.DOSE.parse(units.format_dose(dose, unit)) == dose
    assert units.DAILY_DOSE.parse(units.format_daily_dose(dose, unit)) == dose
    shown = units.format_concentration(concentration, unit)
    assert units.CONCENTRATION.parse(shown) == concentration


def test_no_trailing_zero_and_no_naked_point_is_ever_shown() -> None:
    """ "5.0" is read as 50 and ".5" as 5."""
    assert units.format_volume(5_000_000) == "5 mL"
    assert units.format_volume(500_000) == "0.5 mL"
    assert units.format_dose(300_000) == "300 mcg"
    assert units.format_daily_dose(2_500_000, MassUnit.MILLIGRAM) == "2.5 mg/day"
    assert units.format_duration(0) == "0 min"
    assert units.decimal_text(-1_500, 1_000) == "-1.5"


@pytest.mark.parametrize(
    ("dose_mcg", "concentration_mcg_per_ml", "rate_nl_per_day"),
    [
        (100, 500, 200_000),
        (300, 500, 600_000),
        (300, 2_000, 150_000),
        (100, 300, 333_333),
        (800, 2_000, 400_000),
        (50, 2_000, 25_000),
        (24, 500, 48_000),
    ],
)
def test_the_rates_that_every_test_should_know(
    dose_mcg: int, concentration_mcg_per_ml: int, rate_nl_per_day: int
) -> None:
    """REQ-05, the table of domain figures."""
    rate = units.rate_for_dose(dose_mcg * 1_000, concentration_mcg_per_ml * 1_000)
    assert rate == rate_nl_per_day


@given(dose=U64, concentration=CONCENTRATION)
def test_a_rate_is_the_nearest_whole_number_and_ties_go_to_even(
    dose: int, concentration: int
) -> None:
    """REQ-05, against the definition of nearest."""
    rate = units.rate_for_dose(dose, concentration)
    twice_off = 2 * abs(dose * 1_000_000 - rate * concentration)
    assert twice_off <= concentration
    if twice_off == concentration:
        assert rate % 2 == 0
    assert units.volume_for_dose(dose, concentration) == rate


@given(rate=U32, concentration=CONCENTRATION)
def test_a_dose_is_the_nearest_whole_number_and_ties_go_to_even(
    rate: int, concentration: int
) -> None:
    dose = units.dose_for_rate(rate, concentration)
    twice_off = 2 * abs(rate * concentration - dose * 1_000_000)
    assert twice_off <= 1_000_000
    if twice_off == 1_000_000:
        assert dose % 2 == 0


def test_ties_go_to_even_on_both_sides() -> None:
    assert units.volume_for_dose(1, 2_000_000) == 0  # 0.5
    assert units.volume_for_dose(3, 2_000_000) == 2  # 1.5
    assert units.volume_for_dose(5, 2_000_000) == 2  # 2.5


@pytest.mark.parametrize("concentration", [0, -1])
def test_no_concentration_gives_no_rate(concentration: int) -> None:
    with pytest.raises(UnitError, match="more than zero"):
        units.rate_for_dose(1_000, concentration)
    with pytest.raises(UnitError, match="more than zero"):
        units.dose_for_rate(1_000, concentration)
