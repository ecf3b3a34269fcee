"""Commands about alarms and their tones."""

from typing import Annotated

import typer

from pump_programmer import arguments, sentences
from pump_programmer.commands.common import QUANTITY, AsJson, conversation, status_after
from pump_programmer.programmer import Programmer
from pump_programmer.terminal import Terminal
from pump_programmer.words import ALARM_NAMES
from pump_protocol import units
from pump_protocol.jsonable import fields_of, jsonable
from pump_protocol.messages import AlarmRecord, Identity

AlarmName = Annotated[str, typer.Argument(metavar="ALARM", help=", ".join(ALARM_NAMES) + ".")]


def silence(
    context: typer.Context,
    alarm: AlarmName,
    duration: Annotated[str, typer.Option("--for", metavar=QUANTITY, help='How long, as "1 h".')],
    as_json: AsJson = False,
) -> None:
    """Hold the tone of an active alarm for a time. Status and log keep it."""
    wanted, duration_ms = arguments.alarm(alarm), units.DURATION.parse(duration, "--for")
    with conversation(context, as_json) as (programmer, terminal):
        identity, record = programmer.identify(), programmer.silence(wanted, duration_ms)
        _report_alarm(programmer, terminal, identity, record)


def acknowledge(context: typer.Context, alarm: AlarmName, as_json: AsJson = False) -> None:
    """Say that a person has seen an alarm."""
    wanted = arguments.alarm(alarm)
    with conversation(context, as_json) as (programmer, terminal):
        identity, record = programmer.identify(), programmer.acknowledge(wanted)
        _report_alarm(programmer, terminal, identity, record)


def _report_alarm(
    programmer: Programmer, terminal: Terminal, identity: Identity, record: AlarmRecord
) -> None:
    status = status_after(programmer)
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
    with conversation(context, as_json) as (programmer, terminal):
        identity, tested = programmer.identify(), programmer.test_alarm(wanted)
    text = sentences.tone_tested(tested)
    terminal.answer(identity, fields_of(tested), lambda screens: screens.say(text))


def alarm_interval(
    context: typer.Context,
    interval: Annotated[
        str, typer.Argument(metavar="QUANTITY", help='How often it is to sound, as "20 min".')
    ],
    as_json: AsJson = False,
) -> None:
    """Set how often the critical tone repeats. That of other alarms is fixed."""
    interval_ms = units.DURATION.parse(interval, "QUANTITY")
    with conversation(context, as_json) as (programmer, terminal):
        identity, was_set = programmer.identify(), programmer.set_alarm_interval(interval_ms)
        text = sentences.interval_set(was_set)
        terminal.answer(identity, fields_of(was_set), lambda screens: screens.say(text))
