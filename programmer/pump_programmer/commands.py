"""The commands of ``pump-programmer``: each one conversation, from its options to its answer.

A command decides nothing about therapy and draws nothing: plans are :mod:`pump_programmer.plan`'s,
reviews :mod:`pump_programmer.review`'s, screens :mod:`pump_programmer.views`'. The docstrings of
commands are what ``--help`` says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final, NoReturn

import typer

from pump_programmer import arguments
from pump_programmer.arguments import UsageError, naming_first, parsed
from pump_programmer.errors import (
    AddressMalformed,
    NotConfirmed,
    OutcomeUnknown,
    ProgrammerError,
    VerificationFailed,
)
from pump_programmer.jsonable import Json, access_fields, fields_of, jsonable
from pump_programmer.plan import Wishes, planned
from pump_programmer.programmer import Programmer
from pump_programmer.review import Review
from pump_programmer.terminal import ExitCode, Terminal
from pump_programmer.words import ALARM_NAMES, clock_text, parse_clock, spaced
from pump_protocol import units
from pump_protocol.codes import Field, Mode
from pump_protocol.messages import AlarmRecord, Identity, StatusReport

_ATTEMPTS: Final = 4

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AlarmName = Annotated[str, typer.Argument(metavar="ALARM", help=", ".join(ALARM_NAMES) + ".")]
_QUANTITY: Final = "QUANTITY"


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that stand before the command."""

    port: str | None
    timeout_s: float
    programmer_id: int | None
    as_json: bool


# --- Reading -------------------------------------------------------------------------------------


def identify(context: typer.Context, as_json: AsJson = False) -> None:
    """Show who answers, what it can do, and its limits."""
    with _conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
    terminal.answer(identity, fields_of(identity), lambda screens: screens.identity())


def interrogate(context: typer.Context, as_json: AsJson = False) -> None:
    """Show everything that a clinician sees."""
    with _conversation(context, as_json) as (programmer, terminal):
        identity, status = programmer.identify(), programmer.interrogate()
    terminal.answer(identity, fields_of(status), lambda screens: screens.status(status))


def log(
    context: typer.Context,
    access: Annotated[bool, typer.Option("--access", help="The access log instead.")] = False,
    since: Annotated[
        str, typer.Option(metavar="NUMBER", help="First record wanted, from 1.")
    ] = "1",
    limit: Annotated[
        str | None, typer.Option(metavar="COUNT", help="At most so many records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the therapy log, oldest record first."""
    first = arguments.counted("--since", since)
    count = None if limit is None else arguments.counted("--limit", limit)
    with _conversation(context, as_json) as (programmer, terminal):
        identity, status = programmer.identify(), programmer.interrogate()
        if access:
            accesses = list(programmer.read_access_log(first, count))
        else:
            entries = list(programmer.read_log(first, count))
    if access:
        result: dict[str, Json] = {
            "range": jsonable(status.access_log),
            "entries": [access_fields(each) for each in accesses],
        }
        terminal.answer(identity, result, lambda screens: screens.access_log(status, accesses))
    else:
        result = {"range": jsonable(status.therapy_log), "entries": jsonable(entries)}
        terminal.answer(identity, result, lambda screens: screens.log(status, entries))


def self_test(context: typer.Context, as_json: AsJson = False) -> None:
    """Let the pump check itself."""
    with _conversation(context, as_json) as (programmer, terminal):
        identity, report = programmer.identify(), programmer.self_test()
    terminal.answer(identity, fields_of(report), lambda screens: screens.self_test(report))


# --- Therapy -------------------------------------------------------------------------------------


def program(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    context: typer.Context,
    dose: Annotated[
        str | None, typer.Option(metavar=_QUANTITY, help='Daily dose, as "300 mcg/day".')
    ] = None,
    rate: Annotated[
        str | None, typer.Option(metavar=_QUANTITY, help='Rate, as "0.15 mL/day".')
    ] = None,
    minimum_rate: Annotated[
        bool, typer.Option("--minimum-rate", help="The lowest rate, which treats nobody.")
    ] = False,
    concentration: Annotated[
        str | None, typer.Option(metavar=_QUANTITY, help='As "2000 mcg/mL".')
    ] = None,
    drug: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the drug.")] = None,
    low_reservoir: Annotated[
        str | None, typer.Option(metavar=_QUANTITY, help='Volume at which to alarm, as "2 mL".')
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Review, commit and verify a new prescription.

    It is shown next to the one in force, with every change, before it is committed. What is not
    given stays as it is.
    """
    if sum((dose is not None, rate is not None, minimum_rate)) > 1:
        raise UsageError("give one of --dose, --rate and --minimum-rate")
    wishes = Wishes(
        daily_dose_ng=parsed(units.DAILY_DOSE, dose, "--dose"),
        rate_nl_per_day=parsed(units.RATE, rate, "--rate"),
        mode=Mode.MINIMUM_RATE if minimum_rate else None,
        concentration_ng_per_ml=parsed(units.CONCENTRATION, concentration, "--concentration"),
        drug_name=drug,
        low_reservoir_threshold_nl=parsed(units.VOLUME, low_reservoir, "--low-reservoir"),
    )
    if wishes.empty:
        raise UsageError(
            "nothing to program: give --dose, --rate, --minimum-rate, --concentration, --drug or"
            " --low-reservoir"
        )
    arguments.check_drug_name(drug)
    typed = {
        Field.DAILY_DOSE: dose,
        Field.RATE: rate,
        Field.CONCENTRATION: concentration,
        Field.DRUG_NAME: drug,
        Field.LOW_RESERVOIR_THRESHOLD: low_reservoir,
    }
    with naming_first(*(field for field, text in typed.items() if text is not None)):
        _program(context, as_json, wishes, yes, {"--dose": dose, "--concentration": concentration})


def stop(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop all infusion. An abrupt stop of baclofen can lead to a dangerous withdrawal."""
    _program(context, as_json, Wishes(mode=Mode.STOPPED), yes, {})


def _program(
    context: typer.Context,
    as_json: bool,
    wishes: Wishes,
    yes: bool,
    typed: dict[str, str | None],
) -> None:
    with _conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        arguments.check_concentration(typed.get("--concentration"), identity)
        current = programmer.read_prescription().prescription
        wanted = planned(wishes, current, identity)
        arguments.check_rate(wanted, typed, identity)

        def confirm(review: Review) -> bool:
            terminal.preview(identity, lambda screens: screens.review(review))
            return yes or terminal.confirm("Commit this prescription?")

        programmed = programmer.program(wanted, confirm)
        status = _status_after(programmer)
        terminal.report_done(
            identity,
            fields_of(programmed),
            status,
            lambda screens: screens.committed(programmed.committed, status),
        )


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
    with _conversation(context, as_json) as (programmer, terminal):
        identity, found = programmer.identify(), programmer.staged(roll_back=roll_back)
        terminal.answer(identity, fields_of(found), lambda screens: screens.staged(found))


def bolus(
    context: typer.Context,
    dose: Annotated[str | None, typer.Option(metavar=_QUANTITY, help='As "50 mcg".')] = None,
    duration: Annotated[str | None, typer.Option(metavar=_QUANTITY, help='As "10 min".')] = None,
    abort: Annotated[
        bool, typer.Option("--abort", help="End the running bolus; never asks.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deliver a single bolus, or end the one that runs.

    It is delivered on top of the basal rate. --abort ends it at once and never asks, because
    less drug is what is wanted then; the basal rate goes on.
    """
    if abort:
        if dose is not None or duration is not None:
            raise UsageError("--abort goes with neither --dose nor --duration")
        _abort_bolus(context, as_json)
        return
    if dose is None or duration is None:
        raise UsageError("give --dose and --duration, or --abort")
    dose_ng = units.DOSE.parse(dose, "--dose")
    duration_ms = units.DURATION.parse(duration, "--duration")
    with _conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        current = programmer.read_prescription().prescription
        volume_nl = units.volume_for_dose(dose_ng, current.concentration_ng_per_ml)
        arguments.check_bolus(dose, volume_nl, identity)
        terminal.preview(
            identity, lambda screens: screens.bolus_preview(current, dose_ng, duration_ms)
        )
        if not yes and not terminal.confirm("Deliver this bolus?"):
            raise NotConfirmed("not confirmed: no bolus was ordered")
        with naming_first(Field.BOLUS_DOSE, Field.BOLUS_DURATION):
            ordered = programmer.order_bolus(
                dose_ng, duration_ms, concentration_ng_per_ml=current.concentration_ng_per_ml
            )
        status = _status_after(programmer)
        terminal.report_done(
            identity, fields_of(ordered), status, lambda screens: screens.bolus(ordered, status)
        )


def _abort_bolus(context: typer.Context, as_json: bool) -> None:
    with _conversation(context, as_json) as (programmer, terminal):
        identity, aborted = programmer.identify(), programmer.abort_bolus()
        delivered = units.format_volume(aborted.delivered_nl)
        terminal.answer(
            identity,
            fields_of(aborted),
            lambda screens: screens.say(
                f"The bolus of order {aborted.order_number} has ended; {delivered} were delivered."
            ),
        )


def refill(
    context: typer.Context,
    volume: Annotated[
        str,
        typer.Option(metavar=_QUANTITY, help='Usable volume after the refill, as "20 mL".'),
    ],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Tell the pump what the reservoir holds after a refill. It measures nothing: it believes."""
    volume_nl = units.VOLUME.parse(volume, "--volume")
    with _conversation(context, as_json) as (programmer, terminal):
        identity, before = programmer.identify(), programmer.interrogate()
        terminal.preview(identity, lambda screens: screens.refill_preview(before, volume_nl))
        if not yes and not terminal.confirm("Tell the pump so?"):
            raise NotConfirmed("not confirmed: the believed volume is unchanged")
        updated = programmer.refill(volume_nl)
        status = _status_after(programmer)
        low_at_ms = None if status is None else status.low_reservoir_at_ms
        terminal.report_done(
            identity,
            {**fields_of(updated), "low_reservoir_at_ms": low_at_ms},
            status,
            lambda screens: screens.refill(updated, status),
        )


# --- Alarms and clock ----------------------------------------------------------------------------


def silence(
    context: typer.Context,
    alarm: AlarmName,
    duration: Annotated[str, typer.Option("--for", metavar=_QUANTITY, help='How long, as "1 h".')],
    as_json: AsJson = False,
) -> None:
    """Hold the tone of an active alarm for a time. Status and log keep it."""
    wanted, duration_ms = arguments.alarm(alarm), units.DURATION.parse(duration, "--for")
    with _conversation(context, as_json) as (programmer, terminal):
        identity, record = programmer.identify(), programmer.silence(wanted, duration_ms)
        _report_alarm(programmer, terminal, identity, record)


def acknowledge(context: typer.Context, alarm: AlarmName, as_json: AsJson = False) -> None:
    """Say that a person has seen an alarm."""
    wanted = arguments.alarm(alarm)
    with _conversation(context, as_json) as (programmer, terminal):
        identity, record = programmer.identify(), programmer.acknowledge(wanted)
        _report_alarm(programmer, terminal, identity, record)


def _report_alarm(
    programmer: Programmer, terminal: Terminal, identity: Identity, record: AlarmRecord
) -> None:
    status = _status_after(programmer)
    terminal.report_done(
        identity,
        {"record": jsonable(record)},
        status,
        lambda screens: screens.alarm(record, status),
    )


def alarm_test(
    context: typer.Context,
    alarm_class: Annotated[
        str, typer.Argument(metavar="CLASS", help=" or ".join(arguments.ALARM_CLASSES) + ".")
    ] = "critical",
    as_json: AsJson = False,
) -> None:
    """Sound the tone of an alarm class once. The patient learns to know it."""
    wanted = arguments.alarm_class(alarm_class)
    with _conversation(context, as_json) as (programmer, terminal):
        identity, tested = programmer.identify(), programmer.test_alarm(wanted)
    tone = f"The {spaced(tested.alarm_class)} tone sounds for "
    terminal.answer(
        identity,
        fields_of(tested),
        lambda screens: screens.say(f"{tone}{units.format_duration(tested.duration_ms)}."),
    )


def clock(
    context: typer.Context,
    new: Annotated[
        str | None,
        typer.Option("--set", metavar="TIME", help='As 2026-11-22T10:00, or "now".'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show or set the pump's local clock. No timer, alarm or service date moves."""
    now = datetime.now(tz=UTC).astimezone()
    clock_ms = None if new is None else parse_clock(new, now, "--set")
    with _conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        if clock_ms is None:
            status = programmer.interrogate()
            result: dict[str, Json] = {"clock_ms": status.clock_ms, "at_ms": status.at_ms}
            text = f"The pump's clock shows {clock_text(status.clock_ms)}."
        else:
            was_set = programmer.set_clock(clock_ms)
            result = fields_of(was_set)
            text = (
                f"The pump's clock showed {clock_text(was_set.old_clock_ms)} "
                f"and now shows {clock_text(was_set.new_clock_ms)}."
            )
        terminal.answer(identity, result, lambda screens: screens.say(text))


# --- Inside --------------------------------------------------------------------------------------


@contextmanager
def _conversation(context: typer.Context, as_json: bool) -> Iterator[tuple[Programmer, Terminal]]:
    """A programmer at the port, and the terminal. Ends the command where an outcome is unknown."""
    settings: Settings = context.obj
    terminal = Terminal(as_json=settings.as_json or as_json)
    if not settings.port:
        raise UsageError("no port: give --port ADDRESS before the command, or set PUMP_PORT")
    programmer = Programmer(
        settings.port,
        programmer_id=settings.programmer_id,
        response_timeout_ms=round(settings.timeout_s * 1_000 / _ATTEMPTS),
        attempts=_ATTEMPTS,
        deadline_s=settings.timeout_s,
    )
    try:
        programmer.open()
    except AddressMalformed as malformed:
        raise UsageError(f"--port = {malformed.address!r}: {malformed.why}") from malformed
    with programmer:
        try:
            yield programmer, terminal
        except OutcomeUnknown as unknown:
            _settle(programmer, terminal, unknown)
        except KeyboardInterrupt as interrupt:
            raise _meaning_of(interrupt, programmer) from interrupt


def _meaning_of(interrupt: KeyboardInterrupt, programmer: Programmer) -> BaseException:
    """What a person must know who interrupts an act, instead of only that it was interrupted."""
    notes = getattr(interrupt, "__notes__", ())
    if notes:
        return VerificationFailed("; ".join(notes))
    return programmer.in_doubt or KeyboardInterrupt()


def _status_after(programmer: Programmer) -> StatusReport | None:
    """What follows from an act that is done; None where nobody can read it, or wants to wait.

    The act stays done: its success is to be told all the same.
    """
    try:
        return programmer.interrogate()
    except (ProgrammerError, KeyboardInterrupt):
        return None


def _settle(programmer: Programmer, terminal: Terminal, unknown: OutcomeUnknown) -> NoReturn:
    """Ask the pump what became of it; if it tells, say so instead of leaving a person in doubt."""
    try:
        identity = programmer.identify()  # first, because what is known then is not to be lost
        resolution = programmer.resolve()
    except (ProgrammerError, KeyboardInterrupt):
        raise unknown from None
    if resolution.done is None:
        raise unknown
    if not resolution.done:
        terminal.complain_of("not_done", f"the request was NOT carried out: {resolution.text}")
        raise typer.Exit(ExitCode.NOT_DONE)
    text = resolution.text
    terminal.answer(
        identity,
        {"resolved": {"done": True, "text": text}},
        lambda screens: screens.say(f"The answer was lost, but it was done: {text}."),
    )
    raise typer.Exit(ExitCode.DONE)
