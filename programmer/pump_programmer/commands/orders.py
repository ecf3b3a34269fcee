"""Commands that order something once: boluses and reservoir updates."""

from typing import TYPE_CHECKING, Annotated

import typer

from pump_programmer import arguments, previews, sentences
from pump_programmer.arguments import UsageError, naming_first
from pump_programmer.commands.common import (
    QUANTITY,
    AsJson,
    Yes,
    conversation,
    status_after,
)
from pump_programmer.commands.repeating import OrderNumber, parsed_number, repeating
from pump_programmer.errors import NotConfirmed, ProgrammerError, PumpRefused
from pump_programmer.phrases import when
from pump_programmer.programmer import Programmer
from pump_programmer.residual import not_kept_text
from pump_programmer.values import concentration_in_force
from pump_programmer.words import allowed_from_ms
from pump_protocol import units
from pump_protocol.codes import Field
from pump_protocol.jsonable import fields_of

if TYPE_CHECKING:
    from pump_programmer.views import Screens


def bolus(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    context: typer.Context,
    dose: Annotated[str | None, typer.Option(metavar=QUANTITY, help='As "50 mcg".')] = None,
    priming: Annotated[
        str | None,
        typer.Option(metavar=QUANTITY, help='Volume of a priming bolus, as "0.34 mL".'),
    ] = None,
    duration: Annotated[str | None, typer.Option(metavar=QUANTITY, help='As "10 min".')] = None,
    abort: Annotated[
        bool, typer.Option("--abort", help="End the running bolus; never asks.")
    ] = False,
    order_number: OrderNumber = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deliver a single or a priming bolus, or end one.

    A bolus is delivered on top of the basal rate. --priming fills the tubing in the pump and the
    catheter. --abort ends a bolus of any kind at once and never asks, because less drug is what is
    wanted then; the basal rate goes on. --order-number repeats the very same bolus after its answer
    was lost: the pump answers from memory, and delivers none twice.
    """
    if abort:
        if any(given is not None for given in (dose, duration, priming, order_number)):
            raise UsageError(
                "--abort goes with none of --dose, --priming, --duration and --order-number"
            )
        _abort_bolus(context, as_json)
        return
    if (dose is None) is (priming is None) or duration is None:
        raise UsageError("give --dose and --duration, or --priming and --duration, or --abort")
    dose_ng = arguments.parsed(units.DOSE, dose, "--dose")
    priming_nl = arguments.parsed(units.VOLUME, priming, "--priming")
    duration_ms = units.DURATION.parse(duration, "--duration")
    number = parsed_number(order_number)
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        report = programmer.read_prescription()
        current = report.prescription
        concentration_in_force(current)
        if priming_nl is not None:
            preview = previews.priming(current.drugs[0], priming_nl, duration_ms)
        else:
            assert dose_ng is not None
            preview = previews.single(current.drugs[0], dose_ng, duration_ms)
            arguments.check_bolus(dose or "", preview.volume_nl, identity)
        if terminal.shows:
            before = programmer.interrogate()
            warnings = previews.bolus_warnings(preview, report)
            terminal.preview(
                identity, lambda screens: screens.bolus_preview(preview, before, warnings)
            )
        if not yes and not terminal.confirm("Deliver this bolus?"):
            raise NotConfirmed("not confirmed: no bolus was ordered")
        with (
            repeating(programmer, number) as repeat,
            naming_first(
                Field.BOLUS_DOSE, Field.PRIMING_VOLUME, Field.BOLUS_VOLUME, Field.BOLUS_DURATION
            ),
        ):
            concentration = preview.drug.concentration_ng_per_ml
            if preview.primes:
                ordered = programmer.order_priming(
                    preview.volume_nl,
                    duration_ms,
                    concentration_ng_per_ml=concentration,
                    order_number=number,
                )
            else:
                ordered = programmer.order_bolus(
                    preview.dose_ng,
                    duration_ms,
                    concentration_ng_per_ml=concentration,
                    order_number=number,
                )
        status = status_after(programmer)
        terminal.report_done(
            identity,
            {**fields_of(ordered), **repeat.result},
            status,
            lambda screens: repeat.show(screens, lambda: screens.bolus(ordered, status)),
        )


def _abort_bolus(context: typer.Context, as_json: bool) -> None:
    with conversation(context, as_json) as (programmer, terminal):
        identity, aborted = programmer.identify(), programmer.abort_bolus()
        text = sentences.bolus_ended(aborted)
        terminal.answer(identity, fields_of(aborted), lambda screens: screens.say(text))


def patient_bolus(
    context: typer.Context, order_number: OrderNumber = None, as_json: AsJson = False
) -> None:
    """Ask for the bolus that is prescribed, as the patient does. Never asks back.

    This plays the patient's handset. The pump keeps to what is prescribed: it refuses within the
    lockout, and when the boluses of 24 h are used. --order-number repeats a request whose answer
    was lost: the pump answers from memory, and delivers none twice.
    """
    number = parsed_number(order_number)
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        try:
            with repeating(programmer, number) as repeat:
                started = programmer.request_patient_bolus(order_number=number)
        except PumpRefused as refused:
            raise _saying_when(refused, programmer) from refused.__cause__
        status = status_after(programmer)
        terminal.report_done(
            identity,
            {**fields_of(started), **repeat.result},
            status,
            lambda screens: repeat.show(screens, lambda: screens.patient_bolus(started, status)),
        )


def _saying_when(refused: PumpRefused, programmer: Programmer) -> PumpRefused:
    """The refusal, with the time from which another bolus is allowed, if that is why."""
    allowed_ms = allowed_from_ms(refused.refusal)
    if allowed_ms is None:
        return refused
    try:
        status = programmer.interrogate()
    except ProgrammerError:
        return refused  # what was refused is known, and worth more than when it would not be
    return refused.hinting(f"The next one may be asked for from {when(status, allowed_ms)}.")


def refill(
    context: typer.Context,
    volume: Annotated[
        str,
        typer.Option(metavar=QUANTITY, help='Usable volume after the refill, as "20 mL".'),
    ],
    aspirated: Annotated[
        str | None,
        typer.Option(metavar=QUANTITY, help='Volume drawn out before the refill, as "5 mL".'),
    ] = None,
    order_number: OrderNumber = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Tell the pump what the reservoir holds after a refill. It measures nothing: it believes.

    --aspirated holds what was drawn out against what the pump believed was left. More than 14.5 %
    too much or too little delivered since the last refill is flagged, where at least 2 mL should
    have been. A flag is a warning: it forbids nothing, and changes no exit code. --order-number
    repeats the very same update after its answer was lost: the pump takes none twice.
    """
    number = parsed_number(order_number)
    volume_nl = units.VOLUME.parse(volume, "--volume")
    aspirated_nl = arguments.parsed(units.VOLUME, aspirated, "--aspirated")
    with conversation(context, as_json) as (programmer, terminal):
        identity, before = programmer.identify(), programmer.interrogate()
        residual = previews.residual(programmer, before, aspirated_nl, aspirated)
        terminal.preview(identity, lambda screens: screens.refill_preview(residual, volume_nl))
        if not yes and not terminal.confirm("Tell the pump so?"):
            raise NotConfirmed("not confirmed: the believed volume is unchanged")
        with repeating(programmer, number) as repeat:
            updated = programmer.refill(volume_nl, order_number=number)
        status = status_after(programmer)
        low_at_ms = None if status is None else status.low_reservoir_at_ms
        not_kept = not_kept_text(residual)

        def show(screens: "Screens") -> None:
            repeat.show(screens, lambda: screens.refill(residual, updated, status))
            if not_kept:
                screens.say(not_kept)

        terminal.report_done(
            identity,
            {
                **fields_of(updated),
                "low_reservoir_at_ms": low_at_ms,
                "residual": fields_of(residual),
                **repeat.result,
            },
            status,
            show,
        )
