"""From a plan to a prescription in force: the review, the questions, the commit, the result."""

from dataclasses import dataclass

import typer

from pump_programmer.commands.common import conversation, status_after
from pump_programmer.errors import NotConfirmed
from pump_programmer.planning import wanted_of
from pump_programmer.published import Patient
from pump_programmer.review import Review
from pump_programmer.terminal import Terminal
from pump_programmer.typed import Typed
from pump_programmer.wishes import Wishes
from pump_protocol import units
from pump_protocol.errors import UnitError
from pump_protocol.jsonable import fields_of
from pump_protocol.messages import Identity


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, and what it means."""

    typed: Typed
    wishes: Wishes
    yes: bool
    confirmed_dose_ng: int | None = None
    patient: Patient | None = None


def commit(context: typer.Context, as_json: bool, asked: Asked) -> None:
    """Plan, show, ask, commit and verify what was asked for."""
    with conversation(context, as_json) as (programmer, terminal):
        identity = programmer.identify()
        wanted = wanted_of(programmer, identity, asked.typed, asked.wishes)
        questions = _Questions(terminal, identity, asked)
        programmed = programmer.program(
            wanted, questions.confirm, questions.confirm_dose, asked.patient
        )
        status = status_after(programmer)
        terminal.report_done(
            identity,
            fields_of(programmed),
            status,
            lambda screens: screens.committed(programmed.committed, status),
        )


@dataclass(frozen=True, slots=True)
class _Questions:
    """What a person is asked before a commit."""

    terminal: Terminal
    identity: Identity
    asked: Asked

    def confirm(self, review: Review) -> bool:
        """Show the review, and ask unless the dose is to be typed again anyway."""
        self.terminal.preview(self.identity, lambda screens: screens.review(review))
        highest_ng = review.pending_totals.with_patient_ng
        told_ng = self.asked.confirmed_dose_ng
        if told_ng is not None and told_ng != highest_ng:
            raise NotConfirmed(
                f"not confirmed: --confirm-dose = {units.format_daily_dose(told_ng)}, but the "
                f"highest dose of a day is {units.format_daily_dose(highest_ng)}; rolled back, the "
                "prescription is unchanged"
            )
        if self.asked.yes or (review.must_confirm and told_ng is None):
            return True
        return self.terminal.confirm("Commit this prescription?")

    def confirm_dose(self, review: Review) -> int:
        """The dose above the soft limit, as it was given or is typed again."""
        if self.asked.confirmed_dose_ng is not None:
            return self.asked.confirmed_dose_ng
        highest = units.format_daily_dose(review.pending_totals.with_patient_ng)
        typed = self.terminal.retyped(
            "Type the highest dose of a day to commit this prescription:",
            f"the highest dose of a day, {highest}, is above the pump's soft limit, and --yes does "
            f'not confirm it: give --confirm-dose "{highest}"',
        )
        try:
            return units.DAILY_DOSE.parse(typed, "highest dose of a day")
        except UnitError as error:
            raise NotConfirmed(
                f"not confirmed: {error} Rolled back, the prescription is unchanged"
            ) from error
