"""Emergency access: read the status, go to the minimum rate, or stop, without any key."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from pump_programmer import emergency_text
from pump_programmer.commands.common import AsJson, Settings, Yes, naming_port, terminal_of
from pump_programmer.emergency import EmergencyAccess
from pump_programmer.errors import NotConfirmed
from pump_programmer.terminal import Terminal
from pump_protocol.codes import Mode
from pump_protocol.jsonable import fields_of
from pump_protocol.messages import EmergencyStatusReport, Identity

if TYPE_CHECKING:
    from pump_programmer.views import Screens


def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Show drug, rate, reservoir and alarms.

    Needs no key, but the programming head on the pump and a press of its button, within half a
    minute.
    """
    with _access(context, as_json) as (access, terminal):
        identity, report = access.identify(), access.status()
        terminal.answer(identity, fields_of(report), lambda screens: _show_status(screens, report))


def minimum_rate(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Go down to the minimum rate. Asks first.

    It lasts until a clinician programs the pump. Needs no key, but the programming head on the pump
    and a press of its button, within half a minute. The minimum rate treats nobody: withdrawal may
    follow. The pump sounds an alarm.
    """
    with _access(context, as_json) as (access, terminal):
        identity = access.identify()
        warning = emergency_text.minimum_rate_warning(identity)
        if not yes:
            access.status()  # what is refused is refused before a person reads on
        _confirm(terminal, identity, warning, "Go to the minimum rate now?", yes)
        done = access.minimum_rate()
        text = emergency_text.minimum_rate_text(done)
        terminal.answer(identity, fields_of(done), lambda screens: screens.say(text))


def stop(context: typer.Context, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop ALL infusion. Asks first.

    It lasts until a clinician programs the pump. Needs no key, but the programming head on the pump
    and a press of its button, within half a minute. Withdrawal may follow, and from baclofen it can
    kill: emergency minimum-rate does less. The pump sounds an alarm at once, and another one when
    it has been stopped for too long.
    """
    with _access(context, as_json) as (access, terminal):
        identity = access.identify()
        # What is refused is refused before a person reads on; with --yes nobody reads.
        if not yes and access.status().prescription.mode is Mode.STOPPED:
            terminal.preview(identity, lambda screens: screens.say("It is stopped already.\n"))
        else:
            warning = emergency_text.stop_warning(identity)
            _confirm(terminal, identity, warning, "Stop all infusion now?", yes)
        done = access.stop()
        text = emergency_text.stopped_text(done)
        terminal.answer(identity, fields_of(done), lambda screens: screens.say(text))


@contextmanager
def _access(context: typer.Context, as_json: bool) -> Iterator[tuple[EmergencyAccess, Terminal]]:
    """Emergency access at the port. Whatever key there is, or is wrong, has no part in it."""
    settings: Settings = context.obj
    terminal = terminal_of(context, as_json)
    access = EmergencyAccess(settings.address, patience=settings.patience)
    with naming_port():
        access.open()
    with access:
        try:
            yield access, terminal
        except KeyboardInterrupt as interrupt:
            raise access.in_doubt or KeyboardInterrupt from interrupt


def _confirm(
    terminal: Terminal, identity: Identity, warning: str, question: str, yes: bool
) -> None:
    """Say what an act does, and ask.

    :raises NotConfirmed: the person said no, or there is nobody to ask.
    """
    terminal.preview(identity, lambda screens: screens.warn(warning))
    if not yes and not terminal.confirm(question):
        raise NotConfirmed("not confirmed: nothing was changed")


def _show_status(screens: "Screens", report: EmergencyStatusReport) -> None:
    screens.facts(emergency_text.emergency_facts(report))
    screens.say("")
    screens.alarms(emergency_text.clock_of(report), report.alarms)
