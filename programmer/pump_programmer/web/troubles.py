"""What goes wrong between a programmer and a pump, as problems of an HTTP API.

The words are the programmer's own, and so are the kinds: those of ``--json`` and of exit codes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from pump_programmer import errors as e
from pump_programmer.keystore import KeyStore
from pump_programmer.terminal import ExitCode, exit_code_of
from pump_programmer.typed import FIELDS, MAKING_RATE
from pump_programmer.values import DrugUnknown
from pump_programmer.web.wording import first_field, label_of, on_page
from pump_programmer.words import allowed_text, name_of, reason_text
from pump_protocol.codes import Field
from pump_protocol.errors import LocalError, UnitError
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.messages import Reason
from pump_protocol.web.problems import LONGEST_VALUE, Problem

_STATUS: Final[tuple[tuple[type[e.ProgrammerError], int], ...]] = (
    (e.NoKey, 403),
    (e.KeyStoreUnusable, 500),
    (e.AuthenticationFailed, 403),
    (e.AuthenticationLocked, 403),
    (e.NotPermitted, 403),
    (e.PumpRefused, 409),
    (e.PumpUnproven, 502),
    (e.InsecurePump, 403),
    (e.PortUnavailable, 503),
    (e.NoAnswerError, 504),
    (e.PumpGone, 503),
    (e.WrongPeer, 502),
    (e.OutcomeUnknown, 504),
    (e.VerificationFailed, 502),
    (e.NotConfirmed, 409),
)

_PROGRAM_FIELDS: Final = {
    Field.RATE: MAKING_RATE,
    Field.DAILY_DOSE: MAKING_RATE,
    Field.HIGHEST_DAILY_DOSE: (*MAKING_RATE, "patient_bolus"),
    Field.BRIDGE: ("bridge",),
    Field.MASS_UNIT: ("concentration", "drug"),
}
"""What follows from several fields: the first of them that was given is named."""

_OTHER_FIELDS: Final = {
    Field.BOLUS_DOSE: ("dose",),
    Field.BOLUS_VOLUME: ("volume", "dose"),
    Field.PRIMING_VOLUME: ("volume",),
    Field.BOLUS_DURATION: ("duration",),
    Field.BOLUS_RATE: ("duration",),
    Field.RESERVOIR_VOLUME: ("volume",),
    Field.SILENCE_DURATION: ("for",),
    Field.ALARM_INTERVAL: ("interval",),
    Field.CLOCK: ("time",),
}


@dataclass(frozen=True, slots=True)
class Form:
    """What a page has sent: its fields, as they were typed, by their names."""

    values: dict[str, str]

    def error(
        self, name: str | None, why: str, allowed: str | None = None
    ) -> dict[str, str | None]:
        """One error, for the page to show at its field; without one at the head of the form."""
        value = None if name is None else self.values.get(name)
        if value is not None and len(value) > LONGEST_VALUE:
            value = f"{value[: LONGEST_VALUE - 3]}..."
        return {"field": name, "value": value, "why": why, "allowed": allowed, "message": why}

    def named_in(self, text: str) -> str | None:
        """The field that a message begins with; "Volume drawn out" before "Volume"."""
        names = sorted(self.values, key=lambda name: len(label_of(name)), reverse=True)
        return next((name for name in names if text.startswith(label_of(name))), None)


NO_FORM: Final = Form({})


def bad_value(form: Form, found: Iterable[tuple[str | None, LocalError]]) -> Problem:
    """What is wrong with fields, each told at its own.

    :param found: the field of each error; None where the error may name it.
    """
    told, details = [], []
    for name, error in found:
        field = name or first_field(str(error))
        told.append(form.error(field, _why(form, field, error)))
        details.append(on_page(str(error)))
    return Problem(422, "bad_value", "\n".join(details), exit_code=int(ExitCode.USAGE), errors=told)


def _why(form: Form, field: str | None, error: LocalError) -> str:
    """What is wrong, for who sees field and value already."""
    if isinstance(error, UnitError):
        return on_page(error.why)
    text = on_page(str(error))
    if field is None:
        return text
    said = text.removeprefix(label_of(field)).removeprefix(": ")
    return said.removeprefix(f" = {form.values.get(field)!r}: ")


def problem_of(error: e.ProgrammerError | LocalError, form: Form = NO_FORM) -> Problem:
    """The problem that an error is.

    :param form: what was sent, if the error may be about its fields.
    """
    if isinstance(error, DrugUnknown):
        return Problem(409, "drug_unknown", on_page(str(error)), exit_code=int(ExitCode.USAGE))
    if isinstance(error, LocalError):
        return bad_value(form, [(None, error)])
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    members: dict[str, Any] = {"exit_code": int(exit_code_of(error))}
    match error:
        case e.AuthenticationLocked():
            members["for_ms"] = error.for_ms
        case e.NoKey():
            members |= {"serial_number": error.serial_number, "roles": _roles(error.serial_number)}
        case e.OutcomeUnknown():
            members["order_number"] = error.order_number
        case e.VerificationFailed():
            members["committed"] = error.committed
    if isinstance(error, e.PumpRefused):
        members["reasons"] = reasons_of(error)
        members["errors"] = [_at_field(form, each) for each in error.refusal.reasons]
    return Problem(status, error.kind, on_page(str(error)), **members)


def reasons_of(refused: e.PumpRefused) -> list[Json]:
    """Every reason, as ``--json`` tells it."""
    return [{**fields_of(each), "text": reason_text(each)} for each in refused.refusal.reasons]


def _roles(serial_number: str) -> list[str]:
    """The roles of which keys are stored for a pump."""
    try:
        return [name_of(role) for role in sorted(KeyStore().of(serial_number))]
    except e.KeyStoreUnusable:
        return []


def _at_field(form: Form, reason: Reason) -> dict[str, str | None]:
    return form.error(
        _field_of(form, reason.field),
        reason_text(reason),
        (allowed_text(reason) or "").removeprefix("allowed ") or None,
    )


def _field_of(form: Form, field: Field) -> str | None:
    """The field of the form that a reason is about, one that was given before any other."""
    about = _OTHER_FIELDS.get(field) or _PROGRAM_FIELDS.get(field)
    if about is None:
        about = tuple(name for name, fields in FIELDS.items() if field in fields)
    given = [name for name in about if name in form.values]
    return next(iter(given), None) if form.values else next(iter(about), None)


def checked(form: Form, checks: Iterable[tuple[str, Callable[[], object]]]) -> None:
    """Run every check of a field, and tell all that fail at once.

    :raises Problem: some did.
    """
    found: list[tuple[str | None, LocalError]] = []
    for name, check in checks:
        try:
            check()
        except LocalError as error:
            found.append((name, error))
    if found:
        raise bad_value(form, found)
