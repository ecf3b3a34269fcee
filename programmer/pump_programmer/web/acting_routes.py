"""The routes with which something is done to a pump: each one a request, or a review before it."""

from fastapi import APIRouter

from pump_programmer.web import acts, bodies, ordering, programming
from pump_programmer.web.troubles import Form
from pump_programmer.web.visit import Answer, Asks
from pump_programmer.web.wording import label_of
from pump_programmer.words import ALARM_NAMES
from pump_protocol.web.problems import Problem

router = APIRouter()


# --- Programming ---------------------------------------------------------------------------------


@router.post("/program/review", status_code=201)
async def review(visit: Asks, body: bodies.Program) -> Answer:
    """Stage a prescription, and show it next to what is in force."""
    desk = visit.office.desk
    return await visit.ask(
        "review",
        lambda: programming.review(desk, visit.page, body.typed, take_over=body.take_over),
    )


@router.post("/program/commit")
async def commit(visit: Asks, body: bodies.Commit) -> Answer:
    """Put in force what was reviewed."""
    desk = visit.office.desk
    return await visit.ask(
        "commit", lambda: programming.commit(desk, body.review_id, body.confirmed_dose)
    )


@router.post("/program/rollback")
async def rollback(visit: Asks, body: bodies.RollBack) -> Answer:
    """Drop what is staged."""
    desk = visit.office.desk
    return await visit.ask("roll back", lambda: programming.roll_back(desk, body.review_id))


# --- Boluses and refills -------------------------------------------------------------------------


@router.post("/bolus/review", status_code=201)
async def review_bolus(visit: Asks, body: bodies.ReviewedBolus) -> Answer:
    """What a bolus would deliver."""
    named = "dose" if body.kind == "single" else "volume"
    amount, duration = _needed({named: getattr(body, named), "duration": body.duration})
    office = visit.office
    return await visit.ask(
        "review bolus",
        lambda: ordering.review_bolus(office.desk, office.orders, body.kind, amount, duration),
    )


@router.post("/bolus/order")
async def order_bolus(visit: Asks, body: bodies.Order) -> Answer:
    """Deliver what was reviewed."""
    office = visit.office
    return await visit.ask(
        "bolus", lambda: ordering.order_bolus(office.desk, office.orders, body.review_id)
    )


@router.post("/bolus/stop")
async def stop_bolus(visit: Asks) -> Answer:
    """End the running bolus."""
    return await visit.ask("stop bolus", lambda: ordering.stop_bolus(visit.office.desk))


@router.post("/refill/review", status_code=201)
async def review_refill(visit: Asks, body: bodies.ReviewedRefill) -> Answer:
    """What was left against what the pump believes."""
    (volume,) = _needed({"volume": body.volume})
    office = visit.office
    return await visit.ask(
        "review refill",
        lambda: ordering.review_refill(office.desk, office.orders, volume, body.aspirated),
    )


@router.post("/refill/update")
async def refill(visit: Asks, body: bodies.Order) -> Answer:
    """Tell the pump what was reviewed."""
    office = visit.office
    return await visit.ask(
        "refill", lambda: ordering.refill(office.desk, office.orders, body.review_id)
    )


# --- Alarms, note, clock -------------------------------------------------------------------------


@router.post("/alarms/test")
async def test_tone(visit: Asks, body: bodies.Tone) -> Answer:
    """Sound a tone once."""
    desk = visit.office.desk
    return await visit.ask("test tone", lambda: acts.test_tone(desk, body.alarm_class))


@router.put("/alarms/interval")
async def set_interval(visit: Asks, body: bodies.Interval) -> Answer:
    """Change how often the critical tone repeats."""
    desk = visit.office.desk
    return await visit.ask("set interval", lambda: acts.set_interval(desk, body.interval))


@router.post("/alarms/{alarm}/silence")
async def silence(visit: Asks, alarm: str, body: bodies.Silence) -> Answer:
    """Hold the tone of an alarm."""
    _check_alarm(alarm)
    desk = visit.office.desk
    return await visit.ask("silence", lambda: acts.silence(desk, alarm, body.duration))


@router.post("/alarms/{alarm}/acknowledge")
async def acknowledge(visit: Asks, alarm: str) -> Answer:
    """Say that a person has seen an alarm."""
    _check_alarm(alarm)
    return await visit.ask("acknowledge", lambda: acts.acknowledge(visit.office.desk, alarm))


@router.put("/note")
async def write_note(visit: Asks, body: bodies.Note) -> Answer:
    """Keep a note on the pump."""
    desk = visit.office.desk
    return await visit.ask("write note", lambda: acts.write_note(desk, body.text))


@router.put("/clock")
async def set_clock(visit: Asks, body: bodies.Clock) -> Answer:
    """Set the pump's clock."""
    desk = visit.office.desk
    return await visit.ask("set clock", lambda: acts.set_clock(desk, body.time))


# --- Emergency -----------------------------------------------------------------------------------


@router.post("/emergency/identify")
async def emergency(visit: Asks) -> Answer:
    """Which pump answers, and what the emergency acts would do.

    No GET: the port is given back for it, and what anybody reviews is dropped.
    """
    return await visit.ask("emergency", lambda: acts.emergency(visit.office.desk))


@router.post("/emergency/status")
async def emergency_status(visit: Asks) -> Answer:
    """Drug, rate, reservoir and alarms, without a key."""
    return await visit.ask("emergency", lambda: acts.emergency_status(visit.office.desk))


@router.post("/emergency/minimum-rate")
async def emergency_minimum_rate(visit: Asks, body: bodies.Confirmed) -> Answer:
    """Go down to the minimum rate, without a key."""
    desk, confirmed = visit.office.desk, body.confirmed
    return await visit.ask(
        "emergency", lambda: acts.emergency_minimum_rate(desk, confirmed=confirmed)
    )


@router.post("/emergency/stop")
async def emergency_stop(visit: Asks, body: bodies.Confirmed) -> Answer:
    """Stop all infusion, without a key."""
    desk, confirmed = visit.office.desk, body.confirmed
    return await visit.ask("emergency", lambda: acts.emergency_stop(desk, confirmed=confirmed))


# --- Inside --------------------------------------------------------------------------------------


def _needed(fields: dict[str, str | None]) -> tuple[str, ...]:
    """Fields that must be filled in.

    :raises Problem: some are not; all of them are told.
    """
    missing = [name for name, text in fields.items() if text is None]
    if missing:
        form = Form({})
        told = ", ".join(label_of(name) for name in missing)
        raise Problem(
            422,
            "bad_value",
            f"to be filled in: {told}",
            errors=[form.error(name, "to be filled in") for name in missing],
        )
    return tuple(text or "" for text in fields.values())


def _check_alarm(name: str) -> None:
    if name.lower().replace("_", "-") not in ALARM_NAMES:
        raise Problem(
            404,
            "unknown_alarm",
            f"alarm {name[:40]!r}: allowed {', '.join(ALARM_NAMES)}",
            allowed=list(ALARM_NAMES),
        )
