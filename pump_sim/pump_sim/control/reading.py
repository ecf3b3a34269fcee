"""The commands that look at a pump and change nothing."""

from dataclasses import fields
from typing import Any, Final

from pump_sim.control.command import Call, Command, Result
from pump_sim.control.parameters import Parameter, Whole
from pump_sim.control.views import plain, record
from pump_sim.model.events import THERAPY_LOG_ENTRIES
from pump_sim.model.hardware.patient import PatientView
from pump_sim.model.status import Status, Truth


def _truth(call: Call) -> Result:
    return _object(call.pump.truth())


def _belief(call: Call) -> Result:
    return _object(call.pump.status())


def _patient(call: Call) -> Result:
    return _object(call.pump.patient())


def _object(value: object) -> Result:
    told = plain(value)
    assert isinstance(told, dict)
    return told


def _both(call: Call) -> Result:
    truth, belief = call.pump.truth(), call.pump.status()
    pairs = {
        "time_ms": (belief.at_ms, truth.at_ms),
        "volume_nl": (belief.believed_volume_nl, truth.actual_volume_nl),
        "delivered_nl": (belief.delivered_nl, truth.actual_delivered_nl),
        "rate_nl_per_day": (belief.infusing_nl_per_day, truth.actual_rate_nl_per_day),
    }
    return {
        name: {"believed": believed, "actual": actual, "difference": actual - believed}
        for name, (believed, actual) in pairs.items()
    }


def _log(call: Call) -> Result:
    log = call.pump.firmware.log
    limit = call.given.get("limit", THERAPY_LOG_ENTRIES)
    records = [record(each) for each in log.page(call.given.get("from", 1), limit)]
    return {**_object(log.range), "records": records}


def _tones(call: Call) -> Result:
    firmware = call.pump.firmware
    at_ms = firmware.at_ms
    return {
        "pump_ms": at_ms,
        "now": plain(firmware.tone_at(at_ms)),
        "next": plain(firmware.next_tone(at_ms)),
    }


def _keys(kind: type[Any]) -> str:
    names = [f"`{each.name}`" for each in fields(kind)]
    return ", ".join(names[:-1]) + f" and {names[-1]}"


COMMANDS: Final = (
    Command(
        name="truth",
        doc="Read what is physically so. No pump and no programmer knows it.",
        answers=_keys(Truth),
        handle=_truth,
    ),
    Command(
        name="belief",
        doc="Read what the pump says of itself: what an interrogation would give, and as quietly"
        " as `truth`: no record of it is written.",
        answers=_keys(Status),
        handle=_belief,
    ),
    Command(
        name="both",
        doc="Read belief and truth side by side.",
        answers="for each of `time_ms`, `volume_nl`, `delivered_nl` and `rate_nl_per_day`:"
        " `believed`, `actual` and their `difference`",
        handle=_both,
    ),
    Command(
        name="patient",
        doc="Read how the patient is: what is in the spinal fluid, and what it does.",
        answers=_keys(PatientView),
        handle=_patient,
    ),
    Command(
        name="log",
        doc="Read the therapy log. No record of it is written.",
        answers="`first`, `next` and `overwritten` of the log, and `records`, each with its"
        " `sequence`, `at_ms`, `event`, `a`, `b`, `link_id`, `prescription_version` and `text`",
        handle=_log,
        parameters=(
            Parameter(
                name="from",
                kind=Whole("", 1, 2**63 - 1),
                doc="the first sequence number",
                default="the oldest",
            ),
            Parameter(
                name="limit",
                kind=Whole("", 0, THERAPY_LOG_ENTRIES),
                doc="how many records at most",
                default="all",
            ),
        ),
    ),
    Command(
        name="tones",
        doc="Hear what sounds now, and what will sound next if nothing changes.",
        answers="`pump_ms`, `now` and `next`: each null or a tone with `alarm_class`, `alarm` (null"
        " for a test), `starts_at_ms` and `ends_at_ms`, in the pump's time",
        handle=_tones,
    ),
)
