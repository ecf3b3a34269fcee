"""What a person typed to program a pump, field by field, and the wishes that it makes; pure.

It asks no pump, and knows neither a command line nor a page: each calls the fields by its own
names.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

from pump_programmer import arguments, schedules
from pump_programmer.arguments import UsageError, parsed
from pump_programmer.published import Patient
from pump_programmer.wishes import Bridging, DayWish, PatientWish, Wishes
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, Field, Mode
from pump_protocol.messages import Drug

Called = Callable[[str], str]
"""How the person knows a field, by its name here."""

FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "dose": (Field.DAILY_DOSE,),
    "rate": (Field.RATE,),
    "flex": (Field.SCHEDULE, Field.WEEKDAYS, Field.STEP_START, Field.STEP_RATE),
    "day_night": (Field.SCHEDULE, Field.STEP_START, Field.STEP_RATE),
    "periodic": (
        Field.PERIODIC_DOSE,
        Field.PERIODIC_INTERVAL,
        Field.PERIODIC_DURATION,
        Field.PERIODIC_VOLUME,
        Field.PERIODIC_RATE,
    ),
    "basal": (Field.PERIODIC_BASAL_RATE,),
    "first_in": (Field.PERIODIC_FIRST,),
    "patient_bolus": (
        Field.PATIENT_DOSE,
        Field.PATIENT_DURATION,
        Field.PATIENT_LOCKOUT,
        Field.PATIENT_ALLOTMENT,
        Field.PATIENT_VOLUME,
        Field.PATIENT_RATE,
    ),
    "concentration": (Field.CONCENTRATION,),
    "drug": (Field.DRUG_NAME,),
    "other_drug": (Field.DRUGS,),
    "catheter": (Field.BRIDGE_VOLUME, Field.BRIDGE_DURATION, Field.BRIDGE_RATE),
    "low_reservoir": (Field.LOW_RESERVOIR_THRESHOLD,),
}
"""What each field is about, in the order in which a refusal names it first."""

MAKING_RATE: Final = (
    "dose",
    "rate",
    "flex",
    "day_night",
    "periodic",
    "basal",
    "concentration",
)
"""What the mean rate follows from."""

_SCHEDULES: Final = ("dose", "rate", "minimum_rate", "stop", "flex", "day_night", "periodic")


@dataclass(frozen=True, slots=True)
class Typed:
    """Texts as they were typed; None, false or empty where nothing was.

    ``bridge`` is true for a bridge, and false where it is declined.
    """

    dose: str | None = None
    rate: str | None = None
    minimum_rate: bool = False
    stop: bool = False
    flex: tuple[str, ...] = ()
    day_night: str | None = None
    periodic: str | None = None
    basal: str | None = None
    first_in: str | None = None
    patient_bolus: str | None = None
    no_patient_bolus: bool = False
    concentration: str | None = None
    drug: str | None = None
    other_drug: tuple[str, ...] = ()
    no_other_drugs: bool = False
    bridge: bool | None = None
    catheter: str | None = None
    low_reservoir: str | None = None
    age: str | None = None
    aetiology: str | None = None

    def given(self, name: str) -> bool:
        """Whether anything was typed there, were it nothing but the quotation marks."""
        return getattr(self, name) not in {None, False, ()}

    def text(self, name: str) -> str | None:
        """What was typed there, as one text; None if nothing was."""
        if not self.given(name):
            return None
        value = getattr(self, name)
        return " ".join(value) if isinstance(value, tuple) else str(value)


def as_option(name: str) -> str:
    """How a command line calls a field: ``--day-night``."""
    return f"--{name.replace('_', '-')}"


def wishes_of(typed: Typed, called: Called = as_option) -> Wishes:
    """What was typed, as wishes.

    :raises pump_protocol.errors.LocalError: of the first field that makes no sense, by its name.
    """
    given = [called(name) for name in _SCHEDULES if typed.given(name)]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other: give one of them")
    _exclude(typed, called, "patient_bolus", "no_patient_bolus")
    _exclude(typed, called, "other_drug", "no_other_drugs")
    arguments.check_drug_name(typed.drug, called("drug"))
    new_unit = typed.drug and typed.concentration
    return Wishes(
        daily_dose_ng=parsed(units.DAILY_DOSE, typed.dose, called("dose")),
        rate_nl_per_day=parsed(units.RATE, typed.rate, called("rate")),
        mode=_mode(typed),
        flex=_flex(typed, called),
        periodic=(
            None
            if typed.periodic is None
            else schedules.periodic(typed.periodic, called("periodic"))
        ),
        basal=None if typed.basal is None else schedules.basal(typed.basal, called("basal")),
        first_after_ms=parsed(units.DURATION, typed.first_in, called("first_in")),
        patient_boluses=_patient_boluses(typed, called),
        concentration_ng_per_ml=parsed(
            units.CONCENTRATION, typed.concentration, called("concentration")
        ),
        drug_name=typed.drug,
        mass_unit=schedules.mass_unit_of(typed.concentration or "") if new_unit else None,
        other_drugs=_other_drugs(typed, called),
        low_reservoir_threshold_nl=parsed(
            units.VOLUME, typed.low_reservoir, called("low_reservoir")
        ),
        bridging=_bridging(typed, called),
    )


def patient_of(typed: Typed, called: Called = as_option) -> Patient:
    """What was typed of the patient.

    :raises UsageError: it makes no sense.
    """
    return Patient(
        arguments.age(typed.age, called("age")),
        arguments.aetiology(typed.aetiology, called("aetiology")),
    )


def names() -> tuple[str, ...]:
    """The names of all fields."""
    return tuple(field.name for field in fields(Typed))


# --- Inside --------------------------------------------------------------------------------------


def _exclude(typed: Typed, called: Called, name: str, opposite: str) -> None:
    if typed.text(name) and typed.given(opposite):
        raise UsageError(
            f"{called(name)} and {called(opposite)} exclude each other: give one of them"
        )


def _mode(typed: Typed) -> Mode | None:
    if typed.stop:
        return Mode.STOPPED
    return Mode.MINIMUM_RATE if typed.minimum_rate else None


def _flex(typed: Typed, called: Called) -> tuple[DayWish, ...] | None:
    if typed.day_night is not None:
        return schedules.day_night(typed.day_night, called("day_night"))
    return schedules.flex(typed.flex, called("flex")) if typed.flex else None


def _patient_boluses(typed: Typed, called: Called) -> tuple[PatientWish, ...] | None:
    if typed.no_patient_bolus:
        return ()
    if typed.patient_bolus is None:
        return None
    return (schedules.patient_bolus(typed.patient_bolus, called("patient_bolus")),)


def _other_drugs(typed: Typed, called: Called) -> tuple[Drug, ...] | None:
    if typed.no_other_drugs:
        return ()
    return (
        schedules.other_drugs(typed.other_drug, called("other_drug")) if typed.other_drug else None
    )


def _bridging(typed: Typed, called: Called) -> Bridging:
    decisions = {None: None, True: BridgeDecision.BRIDGE, False: BridgeDecision.DECLINED}
    volume_nl = parsed(units.VOLUME, typed.catheter, called("catheter"))
    if typed.bridge is False and volume_nl is not None:
        raise UsageError(f"{called('catheter')} goes with --bridge, not with --no-bridge")
    return Bridging(decisions[typed.bridge], volume_nl)
