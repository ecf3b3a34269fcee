"""Commands that program: a new prescription, a stop, and what is staged."""

from typing import Annotated

import typer

from pump_programmer import schedules
from pump_programmer.arguments import UsageError, naming_first, parsed
from pump_programmer.commands.committing import Asked, commit
from pump_programmer.commands.common import (
    QUANTITY,
    AsJson,
    Yes,
    conversation,
)
from pump_programmer.typed import FIELDS, Typed, patient_of, wishes_of
from pump_protocol import units
from pump_protocol.jsonable import fields_of


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
    typed = Typed(
        dose=dose,
        rate=rate,
        minimum_rate=minimum_rate,
        flex=tuple(flex or ()),
        day_night=day_night,
        periodic=periodic,
        basal=basal,
        first_in=first_in,
        patient_bolus=patient_bolus,
        no_patient_bolus=no_patient_bolus,
        concentration=concentration,
        drug=drug,
        other_drug=tuple(other_drug or ()),
        no_other_drugs=no_other_drugs,
        bridge=bridge,
        catheter=catheter,
        low_reservoir=low_reservoir,
        age=age,
        aetiology=aetiology,
    )
    wishes = wishes_of(typed)
    if wishes.empty:
        raise UsageError(
            "nothing to program: give --dose, --rate, --minimum-rate, --flex, --day-night, "
            "--periodic, --patient-bolus, --concentration, --drug, --other-drug or --low-reservoir"
        )
    confirmed_dose_ng = parsed(units.DAILY_DOSE, confirm_dose, "--confirm-dose")
    patient = patient_of(typed)
    with naming_first(
        *(field for name, about in FIELDS.items() if typed.text(name) for field in about)
    ):
        commit(context, as_json, Asked(typed, wishes, yes, confirmed_dose_ng, patient))


def stop(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop all infusion. An abrupt stop of baclofen can lead to a dangerous withdrawal."""
    typed = Typed(stop=True)
    commit(context, as_json, Asked(typed, wishes_of(typed), yes))


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
