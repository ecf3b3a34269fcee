"""What a page shows of a pump's answers: the sentences and facts of every other screen; pure."""

from typing import Final

from pump_programmer import sentences
from pump_programmer.cautions import Caution, Severity
from pump_programmer.facts import (
    Facts,
    clinical_facts,
    infusion_facts,
    prescription_facts,
    reservoir_facts,
    service_facts,
    summary_facts,
)
from pump_programmer.interrogation import Interrogation
from pump_programmer.phrases import Dated, alarm_line, when
from pump_programmer.review import Review, says_nothing_new
from pump_programmer.times import clock_text
from pump_programmer.web.prefill import typed_of
from pump_programmer.web.wording import on_page
from pump_programmer.words import UNSAFE, class_of, is_unsafe, name_of, spaced
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import AlarmFlag, Mode
from pump_protocol.jsonable import Json, fields_of, jsonable

THE_PUMP: Final = "the pump itself"
_LOST: Final = (
    "The pump has lost its prescription and runs at the minimum rate: program it in full."
)


def pump_view(identity: m.Identity) -> dict[str, Json]:
    """Who it is, in short."""
    return {
        "serial_number": identity.serial_number,
        "model": identity.model,
        "nature": name_of(identity.nature),
        "security_profile": name_of(identity.security_profile),
        "unsafe": UNSAFE if is_unsafe(identity) else None,
    }


def facts_view(facts: Facts) -> list[Json]:
    """Labels, each with what there is to say."""
    return [[label, text] for label, text in facts]


def caution_view(caution: Caution) -> dict[str, Json]:
    """A warning with its source."""
    return {**fields_of(caution), "text": on_page(caution.text)}


def status_view(found: Interrogation) -> dict[str, Json]:
    """A whole interrogation: what ``--json`` tells, and what is shown of it."""
    status, current = found.status, found.current
    prescribed = (
        summary_facts(status.prescription) if current is None else prescription_facts(current)
    )
    parts = (
        ("Infusion", infusion_facts(status)),
        ("Prescription", prescribed),
        ("Reservoir", reservoir_facts(status)),
        ("Service", service_facts(status)),
    )
    next_tone = None if status.next_tone_at_ms is None else when(status, status.next_tone_at_ms)
    shown: dict[str, Json] = {
        "clock": clock_text(status.clock_ms),
        "facts": facts_view(clinical_facts(status, current)),
        "sections": [{"title": title, "facts": facts_view(facts)} for title, facts in parts],
        "warnings": [caution_view(each) for each in _warnings(status)],
        "alarms": alarms_view(status, status.alarms),
        "next_tone": next_tone if status.alarms else None,
        "staged": status.has_pending,
        "stopped": status.prescription.mode is Mode.STOPPED,
        "typed": None if current is None else typed_of(current.prescription),
    }
    return {
        **fields_of(status),
        "current": jsonable(current),
        "pending": jsonable(found.pending),
        "pump": pump_view(found.identity),
        "shown": shown,
    }


def _warnings(status: m.StatusReport) -> list[Caution]:
    severe = []
    if status.prescription.mode is Mode.STOPPED:
        severe.append("All infusion is STOPPED.")
    if not status.prescription.drug_count:
        severe.append(_LOST)
    if dry := sentences.nothing_flows(status, "Refill"):
        severe.append(dry)
    found = [Caution(text, THE_PUMP, Severity.WARNING) for text in severe]
    if status.has_pending:
        found.append(Caution("A prescription is staged and NOT in force.", THE_PUMP))
    return found


def alarms_view(clock: Dated, alarms: tuple[m.AlarmRecord, ...]) -> list[Json]:
    """The listed alarms, each with what can be said of it."""
    return [
        {
            "alarm": name_of(each.alarm),
            "name": name_of(each.alarm).replace("_", "-"),
            "text": spaced(each.alarm),
            "class": name_of(class_of(each.alarm)),
            "active": AlarmFlag.ACTIVE in each.flags,
            "acknowledged": AlarmFlag.ACKNOWLEDGED in each.flags,
            "silenced": AlarmFlag.SILENCED in each.flags,
            "latched": AlarmFlag.LATCHED in each.flags,
            "line": alarm_line(clock, each),
        }
        for each in alarms
    ]


def prescription_view(
    current: m.PrescriptionReport, pending: m.PrescriptionReport | None
) -> dict[str, Json]:
    """The prescription in force, and the staged one."""
    return {
        "current": fields_of(current),
        "pending": jsonable(pending),
        "shown": {
            "current": facts_view(prescription_facts(current)),
            "pending": None if pending is None else facts_view(prescription_facts(pending)),
            "typed": typed_of(current.prescription),
        },
    }


def review_view(review: Review, soft_limit_ng: int) -> dict[str, Json]:
    """Old and new side by side, and what a person must do to commit."""
    wanted = units.format_daily_dose(review.pending_totals.with_patient_ng)
    rows: list[Json] = [
        {**fields_of(row), "repeats": says_nothing_new(row, review)} for row in review.rows
    ]
    return {
        **fields_of(review),
        "warnings": [caution_view(each) for each in review.warnings],
        "rows": rows,
        "changed": review.changed,
        "confirm_dose": wanted if review.must_confirm else None,
        "soft_limit": units.format_daily_dose(soft_limit_ng),
    }
