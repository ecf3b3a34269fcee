"""Commands that program: a new prescription, a stop, and what is staged."""

from typing import Annotated, Final

import typer

from pump_programmer import arguments, schedules
from pump_programmer.arguments import UsageError, naming_first, parsed
from pump_programmer.commands.committing import Asked, commit
from pump_programmer.commands.common import (
    QUANTITY,
    AsJson,
    Yes,
    conversation,
)
from pump_programmer.published import Patient
from pump_programmer.wishes import Bridging, DayWish, Wishes
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, Field, Mode
from pump_protocol.jsonable import fields_of

_FIELDS: Final[dict[str, tuple[Field, ...]]] = {
    "--dose": (Field.DAILY_DOSE,),
    "--rate": (Field.RATE,),
    "--flex": (Field.SCHEDULE, Field.WEEKDAYS, Field.STEP_START, Field.STEP_RATE),
    "--day-night": (Field.SCHEDULE, Field.STEP_START, Field.STEP_RATE),
    "--periodic": (
        Field.PERIODIC_DOSE,
        Field.PERIODIC_INTERVAL,
        Field.PERIODIC_DURATION,
        Field.PERIODIC_VOLUME,
        Field.PERIODIC_RATE,
    ),
    "--basal": (Field.PERIODIC_BASAL_RATE,),
    "--first-in": (Field.PERIODIC_FIRST,),
    "--patient-bolus": (
        Field.PATIENT_DOSE,
        Field.PATIENT_DURATION,
        Field.PATIENT_LOCKOUT,
        Field.PATIENT_ALLOTMENT,
        Field.PATIENT_VOLUME,
        Field.PATIENT_RATE,
    ),
    "--concentration": (Field.CONCENTRATION,),
    "--drug": (Field.DRUG_NAME,),
    "--other-drug": (Field.DRUGS,),
    "--catheter": (Field.BRIDGE_VOLUME, Field.BRIDGE_DURATION, Field.BRIDGE_RATE),
    "--low-reservoir": (Field.LOW_RESERVOIR_THRESHOLD,),
}
"""What each option is about, in the order in which a refusal names it first."""

_SCHEDULES: Final = ("--dose", "--rate", "--minimum-rate", "--flex", "--day-night", "--periodic")


def program(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    context: typer.Context,
    dose: Annotated[
        str | None, typer.Option(metavar=QUANTITY, help='Daily dose, as "300 mcg/day".')
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar=QUANTITY, help='Rate, as "0.15 mL/day".')
    ] = None,
    minimum_rate: Annotated[
        bool, typer.Option("--minimum-rate", help="The lowest rate, which treats nobody.")
    ] = False,
    flex: Annotated[
        list[str] | None,
        typer.Option(
            metavar="STEPS",
            help=f'Steps of a day, as "{schedules.FLEX_EXAMPLE}"; without weekdays for every'
            " day. Once for each group of days.",
        ),
    ] = None,
    day_night: Annotated[
        str | None,
        typer.Option(metavar="STEPS", help=f'Two steps, as "{schedules.DAY_NIGHT_EXAMPLE}".'),
    ] = None,
    periodic: Annotated[
        str | None,
        typer.Option(
            metavar="BOLUS",
            help=f'A bolus that repeats, as "{schedules.PERIODIC_EXAMPLE}"; with --basal.',
        ),
    ] = None,
    basal: Annotated[
        str | None,
        typer.Option(
            metavar=QUANTITY, help='Between periodic boluses, as "100 mcg/day", or "none".'
        ),
    ] = None,
    first_in: Annotated[
        str | None,
        typer.Option(
            metavar=QUANTITY,
            help='The first periodic bolus after the commit, as "2 h". Default: one interval.',
        ),
    ] = None,
    patient_bolus: Annotated[
        str | None,
        typer.Option(
            metavar="BOLUS", help=f'What a patient may ask for: "{schedules.PATIENT_EXAMPLE}".'
        ),
    ] = None,
    no_patient_bolus: Annotated[
        bool, typer.Option("--no-patient-bolus", help="The patient may ask for none.")
    ] = False,
    concentration: Annotated[
        str | None, typer.Option(metavar=QUANTITY, help='As "2000 mcg/mL".')
    ] = None,
    drug: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the primary drug.")
    ] = None,
    other_drug: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DRUG",
            help=f'A drug beside it, as "{schedules.OTHER_DRUG_EXAMPLE}". Once for each.',
        ),
    ] = None,
    no_other_drugs: Annotated[
        bool, typer.Option("--no-other-drugs", help="No drug beside the primary one.")
    ] = False,
    bridge: Annotated[
        bool | None,
        typer.Option(
            "--bridge/--no-bridge",
            help="Infuse the old drug in tubing and catheter at its own rate first, or do not."
            " One of them is needed when drug or concentration changes.",
        ),
    ] = None,
    catheter: Annotated[
        str | None,
        typer.Option(metavar=QUANTITY, help='Volume of the catheter for --bridge, as "0.2 mL".'),
    ] = None,
    low_reservoir: Annotated[
        str | None, typer.Option(metavar=QUANTITY, help='Volume at which to alarm, as "2 mL".')
    ] = None,
    confirm_dose: Annotated[
        str | None,
        typer.Option(
            metavar=QUANTITY,
            help="The highest dose of a day, once more, where it is above the soft limit.",
        ),
    ] = None,
    age: Annotated[
        str | None, typer.Option(metavar="YEARS", help="Age of the patient, for warnings.")
    ] = None,
    aetiology: Annotated[
        str | None,
        typer.Option(metavar="ORIGIN", help="spinal or cerebral: of what origin, for warnings."),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Review, commit and verify a new prescription.

    It is shown next to the one in force, with every change, before it is committed. What is not
    given stays as it is; a new concentration keeps the doses. Give at most one of --dose, --rate,
    --minimum-rate, --flex, --day-night and --periodic.
    """
    typed = {
        "--dose": dose,
        "--rate": rate,
        "--minimum-rate": "" if minimum_rate else None,
        "--flex": " ".join(flex) if flex else None,
        "--day-night": day_night,
        "--periodic": periodic,
        "--basal": basal,
        "--first-in": first_in,
        "--patient-bolus": patient_bolus,
        "--concentration": concentration,
        "--drug": drug,
        "--other-drug": " ".join(other_drug) if other_drug else None,
        "--catheter": catheter,
        "--low-reservoir": low_reservoir,
    }
    given = [option for option in _SCHEDULES if typed[option] is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other: give one of them")
    _exclude("--patient-bolus", patient_bolus, "--no-patient-bolus", no_patient_bolus)
    _exclude("--other-drug", other_drug, "--no-other-drugs", no_other_drugs)
    arguments.check_drug_name(drug)
    wishes = Wishes(
        daily_dose_ng=parsed(units.DAILY_DOSE, dose, "--dose"),
        rate_nl_per_day=parsed(units.RATE, rate, "--rate"),
        mode=Mode.MINIMUM_RATE if minimum_rate else None,
        flex=_flex(flex, day_night),
        periodic=None if periodic is None else schedules.periodic(periodic),
        basal=None if basal is None else schedules.basal(basal),
        first_after_ms=parsed(units.DURATION, first_in, "--first-in"),
        patient_boluses=(
            ()
            if no_patient_bolus
            else None
            if patient_bolus is None
            else (schedules.patient_bolus(patient_bolus),)
        ),
        concentration_ng_per_ml=parsed(units.CONCENTRATION, concentration, "--concentration"),
        drug_name=drug,
        mass_unit=schedules.mass_unit_of(concentration) if drug and concentration else None,
        other_drugs=(
            () if no_other_drugs else None if not other_drug else schedules.other_drugs(other_drug)
        ),
        low_reservoir_threshold_nl=parsed(units.VOLUME, low_reservoir, "--low-reservoir"),
        bridging=_bridging(bridge, catheter),
    )
    if wishes.empty:
        raise UsageError(
            "nothing to program: give --dose, --rate, --minimum-rate, --flex, --day-night, "
            "--periodic, --patient-bolus, --concentration, --drug, --other-drug or --low-reservoir"
        )
    confirmed_dose_ng = parsed(units.DAILY_DOSE, confirm_dose, "--confirm-dose")
    patient = Patient(arguments.age(age), arguments.aetiology(aetiology))
    with naming_first(
        *(field for option, text in typed.items() if text for field in _FIELDS.get(option, ()))
    ):
        commit(context, as_json, Asked(typed, wishes, yes, confirmed_dose_ng, patient))


def stop(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop all infusion. An abrupt stop of baclofen can lead to a dangerous withdrawal."""
    commit(context, as_json, Asked({}, Wishes(mode=Mode.STOPPED), yes))


def staged(
    context: typer.Context,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Drop it. Therapy goes on unchanged; never asks.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show what is staged and not in force, or drop it.

    A prescription stays staged when programming is cut off before the commit. It expires by
    itself.
    """
    with conversation(context, as_json) as (programmer, terminal):
        identity, found = programmer.identify(), programmer.staged(roll_back=roll_back)
        terminal.answer(identity, fields_of(found), lambda screens: screens.staged(found))


# --- Inside --------------------------------------------------------------------------------------


def _flex(flex: list[str] | None, day_night: str | None) -> tuple[DayWish, ...] | None:
    if day_night is not None:
        return schedules.day_night(day_night)
    return schedules.flex(flex) if flex else None


def _bridging(bridge: bool | None, catheter: str | None) -> Bridging:
    decisions = {None: None, True: BridgeDecision.BRIDGE, False: BridgeDecision.DECLINED}
    volume_nl = parsed(units.VOLUME, catheter, "--catheter")
    if bridge is False and volume_nl is not None:
        raise UsageError("--catheter goes with --bridge, not with --no-bridge")
    return Bridging(decisions[bridge], volume_nl)


def _exclude(option: str, value: object, opposite: str, wanted: bool) -> None:
    if value and wanted:
        raise UsageError(f"{option} and {opposite} exclude each other: give one of them")
