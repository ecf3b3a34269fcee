"""The keys of everything that ``pump-programmer --json`` prints, as Markdown from the messages."""

import re
from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from markdown_table import summary, table
from pump_programmer import cautions, review
from pump_programmer.programmer import Programmed, Staged
from pump_programmer.report import Report
from pump_programmer.residual import Residual
from pump_protocol import layouts
from pump_protocol import messages as m

RESULTS: dict[str, type] = {
    "identify": m.Identity,
    "interrogate": m.StatusReport,
    "program, stop": Programmed,
    "staged": Staged,
    "bolus": m.BolusOrdered,
    "patient-bolus": m.PatientBolusStarted,
    "bolus --abort": m.BolusAborted,
    "refill": m.ReservoirUpdated,
    "report": Report,
    "log": m.LogPage,
    "log --access": m.AccessLogPage,
    "silence, acknowledge": m.AlarmAcknowledged,
    "alarm-test": m.AlarmTested,
    "alarm-interval": m.AlarmIntervalSet,
    "note": m.NoteReport,
    "clock --set": m.ClockSet,
    "self-test": m.SelfTestReport,
}
"""What each command answers; a test holds it true of the commands."""

MORE: dict[str, dict[str, tuple[str, str]]] = {
    "interrogate": {
        "current": (
            "[PrescriptionReport](#prescriptionreport) or null",
            "the whole prescription in force, with its doses; null where a patient's key reads",
        ),
        "pending": (
            "[PrescriptionReport](#prescriptionreport) or null",
            "the prescription that is staged and not in force",
        ),
    },
    "refill": {
        "low_reservoir_at_ms": (
            "integer or null",
            "pump time of the low-reservoir alarm that follows, or null: none, or not known",
        ),
        "residual": (
            "[Residual](#residual)",
            "what was expected in the reservoir and what was drawn out, before the update",
        ),
    },
    "report": {
        "html_file": ("string or null", "where the page was written, as `--html` said it"),
    },
}
"""Keys that a command adds to those of its answer: what else it read."""

_MEANINGS = {
    (review.Review, "current"): "what was in force",
    (review.Review, "pending"): "what was staged",
    (review.Review, "current_totals"): "its doses, as the pump reckons them",
    (review.Review, "pending_totals"): "its doses, as the pump reckons them",
    (review.Review, "must_confirm"): "whether the dose must be confirmed; known where it was staged"
    " by this command",
    (review.Review, "current_version"): "version that was in force",
    (review.Review, "pending_version"): "version that was staged",
    (review.Review, "rows"): "every setting that either has, side by side",
    (review.Review, "warnings"): "what a person should think of",
    (cautions.Caution, "text"): "what to think of, in sentences",
    (cautions.Caution, "severity"): "how much there is to think of; lists begin with the most"
    " severe",
    (cautions.Caution, "source"): "who says so: the number and name of a source, `derived`,"
    " `unverified`, or the pump itself",
    (review.ReviewRow, "setting"): "path of the setting in a Prescription, as `rate_nl_per_day`,"
    " `drugs.0.name`, `days.monday` (its steps) or `patient_boluses.0.lockout_ms`; or of a dose, as"
    " `totals.highest_ng` or `drugs.1.daily_dose_ng`",
    (review.ReviewRow, "label"): "its name for people",
    (review.ReviewRow, "current"): "its value in words",
    (review.ReviewRow, "pending"): "its new value in words",
    (review.ReviewRow, "changed"): "whether it changes",
    (review.ReviewRow, "change_ppm"): "change, parts per million of the current value (of a day's"
    " steps and of a basal rate: of their dose), or never",
    (
        review.ReviewRow,
        "change",
    ): "the change in words: a percentage, `new`, `removed`, `changed` or `-`",
    (Residual, "expected_nl"): "what the pump believed when it was asked, before the update, nL",
    (Residual, "actual_nl"): "what was drawn out (`--aspirated`), nL, or null: not compared",
    (Residual, "fill_nl"): "what the pump believed right after the refill before, or at the"
    " beginning of service, nL, or null: the log does not tell, or nobody asked it",
    (Residual, "should_have_delivered_nl"): "fill - expected, nL",
    (Residual, "delivered_nl"): "fill - actual, nL",
    (Residual, "delivered_ratio_ppm"): "delivered / should have delivered, parts per million, to"
    " the nearest, ties to even",
    (Residual, "ratio_judged"): "whether there is a ratio and at least 2 mL should have been"
    " delivered",
    (
        Residual,
        "ratio_flag",
    ): "in which direction the exact ratio is more than 14.5 % from 1",
    (Residual, "why_not"): "why there is no ratio, or why it is not judged; else empty",
    (Report, "printed_clock_ms"): "clock of the programmer's place when it was read, ms since"
    " 1970-01-01 00:00 local",
    (Report, "identity"): "who answered",
    (Report, "status"): "everything that a clinician sees",
    (Report, "current"): "the prescription in force",
    (Report, "pending"): "the prescription that is staged and not in force",
    (Report, "note"): "the clinicians' note",
    (Report, "log_since_ms"): "pump time from which on the therapy log was asked for (`--since`)",
    (Report, "log"): "records of the therapy log from then on, oldest first",
    (Report, "warnings"): "what a person should think of",
    (Staged, "review"): "what is staged next to what is in force, or null: nothing is staged",
    (Staged, "rolled_back"): "what followed from `--roll-back`, else null",
    (Programmed, "review"): "what was compared",
    (Programmed, "committed"): "what the pump put in force",
    (Programmed, "read_back"): "what it holds now",
}

_NAMED_IN_JSON = {
    "request_type": "name of the request's message type, such as `order_bolus`; that of a type"
    " without a name is its number, such as `0x7f`",
    "code": "why a request was refused, as in a [Reason](#reason)",
    "field": "what was refused in it, as in a [Reason](#reason)",
}
"""Keys of an access-log record that are numbers on the wire and names, or null, in JSON."""


def results() -> str:
    """The keys of every command's answer."""
    return "\n\n".join(
        f"### {command}\n\n{_keys(answer)}{_more(command)}" for command, answer in RESULTS.items()
    )


def parts() -> str:
    """The keys of the objects inside the answers."""
    found: dict[type, None] = {m.Reason: None}
    for answer in (*RESULTS.values(), m.PrescriptionReport, Residual):
        _collect(answer, found)
    for answer in RESULTS.values():
        found.pop(answer, None)
    return "\n\n".join(
        f"### {part.__name__}\n\n{summary(part)}\n\n{_keys(part)}"
        for part in sorted(found, key=lambda part: part.__name__)
    )


def _more(command: str) -> str:
    """The keys that a command adds to those of its answer."""
    added = MORE.get(command)
    if added is None:
        return ""
    rows = ((f"`{name}`", kind, meaning) for name, (kind, meaning) in added.items())
    return "\n\nAnd beside them:\n\n" + table(("key", "type", "meaning"), rows)


def _collect(message: type, found: dict[type, None]) -> None:
    if message not in found:
        found[message] = None
        for hint in get_type_hints(message).values():
            part = _element(hint)
            if is_dataclass(part) and isinstance(part, type):
                _collect(part, found)


def _keys(message: type) -> str:
    hints = get_type_hints(message)
    return table(
        ("key", "type", "meaning"),
        (
            (f"`{each.name}`", *_type_and_meaning(message, each.name, hints))
            for each in fields(message)
        ),
    )


def _type_and_meaning(message: type, name: str, hints: dict[str, Any]) -> tuple[str, str]:
    if message is m.AccessEntry and name in _NAMED_IN_JSON:
        return "string or null", _NAMED_IN_JSON[name]
    return _json_type(hints[name]), _meaning(message, name, hints)


def _element(hint: Any) -> Any:
    """What a hint is about: the element of a list, the value that may be absent."""
    if get_origin(hint) is tuple:
        return get_args(hint)[0]
    if get_origin(hint) in {Union, UnionType}:
        return next(each for each in get_args(hint) if each is not NoneType)
    return hint


def _json_type(hint: Any) -> str:
    element = _element(hint)
    if get_origin(hint) is tuple:
        return f"list of {_json_type(element)}".replace("list of string", "list of strings")
    if is_dataclass(element) and isinstance(element, type):
        name = element.__name__
        text = f"[{name}](#{name.lower()})" if element not in RESULTS.values() else name
    elif issubclass(element, IntFlag):
        text = "list of strings"
    else:
        names = {int: "integer", bool: "boolean", bytes: "hex string"}
        text = names.get(element, "string")
    return f"{text} or null" if element is not hint else text


def _meaning(message: type, name: str, hints: dict[str, Any]) -> str:
    layout = layouts.PARTS.get(message) or layouts.PAYLOADS.get(message)
    if layout is None:
        text = _MEANINGS[message, name]
    else:
        text = next(each.docs for each in layout.subcons if each.name == name)
    element = _element(hints[name])
    if isinstance(element, type) and issubclass(element, IntEnum | IntFlag):
        told = re.sub(r"^code \w+:? ?", "", text)
        values = "".join((told and f"{told}; ", "one of " if issubclass(element, IntEnum) else ""))
        return values + ", ".join(f"`{each.name.lower()}`" for each in element if each.name)
    text = re.sub(r",? or (never|absent)$", "", text)
    text = re.sub(r"^1 if (.*), else 0$|^1 (passed), 0 failed$", r"whether \1\2", text)
    return {"whether passed": "whether it passed"}.get(text, text)
