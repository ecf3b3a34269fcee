"""Boluses and refills in two requests: what is about to happen, and the order, given once."""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from pump_programmer import arguments, previews, sentences
from pump_programmer.cautions import Caution, Severity
from pump_programmer.errors import PumpRefused
from pump_programmer.facts import BolusPreview, bolus_facts, residual_facts
from pump_programmer.programmer import Programmer
from pump_programmer.published import OVER_INFUSION
from pump_programmer.residual import Residual, not_kept_text, residual_caution
from pump_programmer.values import concentration_in_force
from pump_programmer.web.desk import Desk
from pump_programmer.web.done import done_view, resolved_view, status_after
from pump_programmer.web.outcomes import Resolved, stale_review
from pump_programmer.web.ranges import within
from pump_programmer.web.shown import THE_PUMP, caution_view, facts_view
from pump_programmer.web.troubles import Form, bad_value, checked, problem_of
from pump_programmer.web.wording import label_of
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.errors import LocalError
from pump_protocol.jsonable import Json, fields_of

_MOST: Final = 16
"""Reviews that are kept; who comes back to an older one reviews again."""

_LIMITS: Final = {"volume": "reservoir", "aspirated": "aspirated"}


@dataclass(frozen=True, slots=True)
class Bolus:
    """A bolus that was reviewed."""

    form: Form
    preview: BolusPreview


@dataclass(frozen=True, slots=True)
class Refill:
    """A refill that was reviewed."""

    form: Form
    volume_nl: int
    residual: Residual


class Orders:
    """What was reviewed and may be ordered, once each, of the pump that was connected then."""

    def __init__(self) -> None:
        self._reviewed: OrderedDict[str, tuple[str, Bolus | Refill]] = OrderedDict()

    def keep(self, serial_number: str, reviewed: Bolus | Refill) -> str:
        """Keep what was reviewed, and tell its id."""
        review_id = secrets.token_urlsafe(9)
        self._reviewed[review_id] = serial_number, reviewed
        while len(self._reviewed) > _MOST:
            self._reviewed.popitem(last=False)
        return review_id

    def look(self, review_id: str, serial_number: str) -> Bolus | Refill:
        """What was reviewed.

        :raises Problem: it was ordered already, or never reviewed, or of another pump.
        """
        found = self._reviewed.get(review_id)
        if found is None or found[0] != serial_number:
            raise stale_review()
        return found[1]

    def use_up(self, review_id: str) -> None:
        """It is about to be ordered: never again."""
        self._reviewed.pop(review_id, None)


# --- Boluses -------------------------------------------------------------------------------------


def review_bolus(
    desk: Desk, orders: Orders, kind: str, amount: str, duration: str
) -> dict[str, Json]:
    """What a bolus would deliver.

    :param kind: "single", of a dose, or "priming", of a volume.
    """
    named = "dose" if kind == "single" else "volume"
    quantity = units.DOSE if kind == "single" else units.VOLUME
    form = Form({named: amount, "duration": duration})

    def look(programmer: Programmer) -> dict[str, Json]:
        identity = programmer.identify()
        limits = ("bolus_dose" if kind == "single" else "priming_volume", "bolus_duration")
        checked(
            form,
            [
                (named, lambda: within(identity, limits[0], amount, label_of(named))),
                ("duration", lambda: within(identity, limits[1], duration, label_of("duration"))),
            ],
        )
        value = quantity.parse(amount)
        duration_ms = units.DURATION.parse(duration)
        report = programmer.read_prescription()
        current = report.prescription
        concentration_in_force(current)
        primary = current.drugs[0]
        if kind == "single":
            preview = previews.single(primary, value, duration_ms)
        else:
            preview = previews.priming(primary, value, duration_ms)
        if kind == "single":
            arguments.check_bolus(amount, preview.volume_nl, identity, label_of("dose"))
        status = programmer.interrogate()
        warnings = [*previews.bolus_warnings(preview, report)]
        if preview.primes:
            warnings.append(Caution(sentences.priming_caution(identity), THE_PUMP))
        return {
            "review_id": orders.keep(identity.serial_number, Bolus(form, preview)),
            "dose_ng": preview.dose_ng,
            "volume_nl": preview.volume_nl,
            "duration_ms": preview.duration_ms,
            "concentration_ng_per_ml": preview.drug.concentration_ng_per_ml,
            "shown": {
                "facts": facts_view(bolus_facts(preview, status)),
                "warnings": [caution_view(each) for each in warnings],
            },
        }

    return _at_fields(form, desk, look)


def order_bolus(desk: Desk, orders: Orders, review_id: str) -> dict[str, Json]:
    """Deliver what was reviewed, once."""
    reviewed = _reviewed(desk, orders, review_id)
    if not isinstance(reviewed, Bolus):
        raise stale_review()
    preview = reviewed.preview
    concentration = preview.drug.concentration_ng_per_ml

    def order(programmer: Programmer) -> m.BolusOrdered:
        orders.use_up(review_id)
        if preview.primes:
            return programmer.order_priming(
                preview.volume_nl, preview.duration_ms, concentration_ng_per_ml=concentration
            )
        return programmer.order_bolus(
            preview.dose_ng, preview.duration_ms, concentration_ng_per_ml=concentration
        )

    try:
        done = desk.act(order)
    except PumpRefused as refused:
        raise problem_of(refused, reviewed.form) from refused
    if isinstance(done, Resolved):
        return resolved_view(done)
    status = status_after(desk)
    return done_view(done, status, sentences.bolus_begun(done, status))


def stop_bolus(desk: Desk) -> dict[str, Json]:
    """End the running bolus; the basal rate goes on."""
    done = desk.act(lambda programmer: programmer.abort_bolus())
    if isinstance(done, Resolved):
        return resolved_view(done)
    return done_view(done, status_after(desk), sentences.bolus_ended(done))


# --- Refills -------------------------------------------------------------------------------------


def review_refill(
    desk: Desk, orders: Orders, volume: str, aspirated: str | None
) -> dict[str, Json]:
    """What was left against what the pump believes, and what it is to believe."""
    typed = {"volume": volume} | ({"aspirated": aspirated} if aspirated else {})
    form = Form(typed)

    def look(programmer: Programmer) -> dict[str, Json]:
        identity = programmer.identify()
        checked(
            form,
            [
                (name, partial(within, identity, _LIMITS[name], text, label_of(name)))
                for name, text in typed.items()
            ],
        )
        volume_nl = units.VOLUME.parse(volume)
        aspirated_nl = arguments.parsed(units.VOLUME, aspirated or None, label_of("aspirated"))
        before = programmer.interrogate()
        residual = previews.residual(
            programmer, before, aspirated_nl, aspirated, label_of("aspirated")
        )
        caution = residual_caution(residual)
        warnings: list[Json] = [] if caution is None else [caution_view(caution)]
        return {
            "review_id": orders.keep(identity.serial_number, Refill(form, volume_nl, residual)),
            "residual": fields_of(residual),
            "shown": {
                "facts": facts_view(residual_facts(residual, volume_nl)),
                "warnings": warnings,
            },
        }

    return _at_fields(form, desk, look)


def refill(desk: Desk, orders: Orders, review_id: str) -> dict[str, Json]:
    """Tell the pump what its reservoir holds, once."""
    reviewed = _reviewed(desk, orders, review_id)
    if not isinstance(reviewed, Refill):
        raise stale_review()

    def update(programmer: Programmer) -> m.ReservoirUpdated:
        orders.use_up(review_id)
        return programmer.refill(reviewed.volume_nl)

    try:
        done = desk.act(update)
    except PumpRefused as refused:
        raise problem_of(refused, reviewed.form) from refused
    if isinstance(done, Resolved):
        return resolved_view(done)
    status = status_after(desk)
    low_at_ms = None if status is None else status.low_reservoir_at_ms
    ratio = sentences.delivered_ratio(reviewed.residual)
    text = " ".join(filter(None, (sentences.refilled(done), ratio)))
    flagged = []
    if reviewed.residual.ratio_flag is not None:
        flagged.append(caution_view(Caution(ratio, OVER_INFUSION, Severity.WARNING)))
    return {
        **done_view(
            done,
            status,
            text,
            warnings=list[Json](flagged),
            note=not_kept_text(reviewed.residual).replace("keep this printout, or ", "") or None,
            low_reservoir=None if status is None else sentences.low_reservoir(status),
        ),
        "low_reservoir_at_ms": low_at_ms,
        "residual": fields_of(reviewed.residual),
    }


# --- Inside --------------------------------------------------------------------------------------


def _reviewed(desk: Desk, orders: Orders, review_id: str) -> Bolus | Refill:
    identity = desk.standing.identity
    return orders.look(review_id, "" if identity is None else identity.serial_number)


def _at_fields(
    form: Form, desk: Desk, look: Callable[[Programmer], dict[str, Json]]
) -> dict[str, Json]:
    try:
        return desk.begin(look)
    except LocalError as error:
        named = form.named_in(str(error))
        if named is None:
            raise
        raise bad_value(form, [(named, error)]) from error
