"""A prescription in two requests: a review, for which it is staged, and the commit."""

from collections.abc import Callable
from typing import Final, TypeVar

from pump_programmer import sentences
from pump_programmer.cautions import Caution, Severity
from pump_programmer.errors import (
    NotConfirmed,
    OutcomeUnknown,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.planning import wanted_of
from pump_programmer.programmer import Prepared, Programmed, Programmer
from pump_programmer.reader import nothing_staged
from pump_programmer.terminal import ExitCode
from pump_programmer.typed import Typed, names, patient_of, wishes_of
from pump_programmer.web.desk import Desk
from pump_programmer.web.done import done_view, resolved_view, status_after
from pump_programmer.web.outcomes import NotDone, Resolved, stale_review
from pump_programmer.web.shown import THE_PUMP, caution_view, review_view
from pump_programmer.web.standing import Held
from pump_programmer.web.troubles import Form, bad_value, checked, problem_of, reasons_of
from pump_programmer.web.wording import label_of
from pump_protocol import units
from pump_protocol.codes import RefusalCode
from pump_protocol.errors import LocalError, UnitError
from pump_protocol.jsonable import Json, fields_of
from pump_protocol.web.problems import Problem

T = TypeVar("T")

_STALE: Final = frozenset({RefusalCode.STALE_DIGEST, RefusalCode.NOTHING_STAGED})


def review(desk: Desk, page: str, typed: Typed, *, take_over: bool) -> dict[str, Json]:
    """Stage what was typed, and show it next to what is in force.

    :param take_over: drop what another page reviews.
    """
    form = form_of(typed)
    _check_fields(typed, form)
    _check_nobody(desk, page, take_over=take_over)
    wishes = _told_at_field(form, lambda: wishes_of(typed, label_of))
    if wishes.empty:
        raise Problem(
            422,
            "bad_value",
            "nothing to program: fill in at least one field",
            errors=[form.error(None, "nothing to program: fill in at least one field")],
        )

    def stage(programmer: Programmer) -> tuple[int, Prepared]:
        identity = programmer.identify()
        wanted = _told_at_field(
            form, lambda: wanted_of(programmer, identity, typed, wishes, label_of)
        )
        # Whatever comes of it, what was staged before is not what was reviewed any more.
        desk.drop_review()
        prepared = programmer.prepare(wanted, patient_of(typed, label_of))
        return identity.soft_daily_dose_ng, prepared

    try:
        soft_limit_ng, prepared = desk.begin(stage)
    except PumpRefused as refused:
        raise problem_of(refused, form) from refused
    held = desk.hold(page, prepared)
    return {
        "review_id": held.review_id,
        "expires_in_ms": round(held.left_s * 1_000),
        **review_view(prepared.review, soft_limit_ng),
    }


def commit(desk: Desk, review_id: str, confirmed: str | None) -> dict[str, Json]:
    """Put in force what is reviewed, read it back, and verify it."""
    held = desk.held(review_id)
    confirmed_ng = _confirmed(confirmed)
    try:
        done = desk.act(lambda programmer: _carry_out(desk, programmer, held, confirmed_ng))
    except NotConfirmed as no:
        why = str(no)
        raise Problem(
            409,
            no.kind,
            f"{why}. The review is still held.",
            exit_code=int(ExitCode.NOT_CONFIRMED),
            rolled_back=False,
            errors=[Form({}).error("confirmed_dose", why)],
        ) from no
    except OutcomeUnknown:
        desk.let_go()
        raise
    except NotDone:
        desk.drop_review()
        raise
    if isinstance(done, Resolved):
        desk.let_go()
        return resolved_view(done)
    status = status_after(desk)
    dry = sentences.nothing_flows(status, "Refill")
    warnings = [caution_view(Caution(dry, THE_PUMP, Severity.WARNING))] if dry else []
    return {
        **done_view(done, status, sentences.committed(done.committed)),
        "shown": {
            "text": sentences.committed(done.committed),
            "warnings": list[Json](warnings),
            "low_reservoir": None if status is None else sentences.low_reservoir(status),
        },
    }


def roll_back(desk: Desk, review_id: str | None) -> dict[str, Json]:
    """Drop what is reviewed; without its id whatever is staged, by whomever."""
    if review_id is not None:
        desk.held(review_id)
    desk.let_go()
    try:
        done = desk.read(lambda programmer: programmer.roll_back())
    except PumpRefused as refused:
        if not nothing_staged(refused):
            raise
        return {"rolled_back": None, "shown": {"text": "Nothing is staged."}}
    return {"rolled_back": fields_of(done), "shown": {"text": sentences.rolled_back(done)}}


def form_of(typed: Typed) -> Form:
    """The fields that were filled in."""
    found = {name: typed.text(name) for name in names()}
    return Form({name: text for name, text in found.items() if text})


# --- Inside --------------------------------------------------------------------------------------


def _check_fields(typed: Typed, form: Form) -> None:
    """Every field for itself first, so that all that are wrong are told at once."""

    def alone(name: str) -> Callable[[], object]:
        one = Typed(**{name: getattr(typed, name)})
        return lambda: (wishes_of(one, label_of), patient_of(one, label_of))

    checked(form, [(name, alone(name)) for name in form.values])


def _told_at_field(form: Form, do: Callable[[], T]) -> T:
    """What *do* returns; a local error of it is told at the field that it names."""
    try:
        return do()
    except LocalError as error:
        raise bad_value(form, [(form.named_in(str(error)), error)]) from error


def _check_nobody(desk: Desk, page: str, *, take_over: bool) -> None:
    held = desk.standing.held
    if held is None or held.page == page or take_over:
        return
    raise Problem(
        409,
        "review_held",
        f"another page reviews prescription version {held.prepared.staged.version}; it can be "
        "dropped for yours",
        review={"page": held.page, "pending_version": held.prepared.staged.version},
    )


def _confirmed(text: str | None) -> int | None:
    if text is None or not text.strip():
        return None
    label = label_of("confirmed_dose")
    try:
        return units.DAILY_DOSE.parse(text, label)
    except UnitError as error:
        raise bad_value(Form({"confirmed_dose": text}), [("confirmed_dose", error)]) from error


def _carry_out(
    desk: Desk, programmer: Programmer, held: Held, confirmed_ng: int | None
) -> Programmed:
    """Commit; whatever is not committed is not held any more, but for a dose not confirmed."""
    try:
        done = programmer.carry_out(held.prepared, confirmed_dose_ng=confirmed_ng)
    except NotConfirmed:
        raise
    except VerificationFailed:
        desk.let_go()
        raise
    except PumpRefused as refused:
        if refused.refusal.codes <= _STALE:
            desk.let_go()
            stale = stale_review()
            stale.members["reasons"] = reasons_of(refused)
            raise stale from refused
        desk.drop_review()
        raise
    desk.let_go()
    return done
