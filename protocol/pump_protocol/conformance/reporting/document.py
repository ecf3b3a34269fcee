"""A report as JSON and back: all of it, for programs and for a matrix of several.

The keys are the names of the attributes of :class:`~pump_protocol.conformance.report.Report`,
:class:`~pump_protocol.conformance.report.CaseReport` and those of
:mod:`pump_protocol.conformance.wire_log`; in a wire log, which is long, those are left out that say
nothing. What follows from them is there, too, for readers that count nothing themselves, and is not
read back.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from pump_protocol.conformance.report import Report
from pump_protocol.conformance.wire_log import FrameLine, WireLine

FORMAT: Final = "pump-sim-conformance"
VERSION: Final = 1
"""Grows when a key changes its meaning or goes; a new key is no new version."""

_KEPT: Final = frozenset({"at_ms"})
_DEFAULTS: Final[Mapping[str, Any]] = {
    each.name: [] if each.default == () else each.default
    for kind in (FrameLine, WireLine)
    for each in fields(kind)
}
"""What is not written in a wire log. No two keys of the same name have different ones."""

_SHOWN: Final = 60
_reports: Final = TypeAdapter(Report)


class BadReport(ValueError):
    """A document that is no report; the message names the key and what is wrong with it."""


def to_json(report: Report) -> str:
    """The report as one JSON object in ASCII, with a line for each case."""
    said = _reports.dump_python(report, mode="json")
    results = said.pop("results")
    for case in results:
        case["wire"] = [_brief(line) for line in case["wire"]]
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "exit_code": report.exit_code,
        "counts": {verdict.value: count for verdict, count in report.counts.items()},
        "unexpected": [each.slug for each in report.unexpected],
        "stale": list(report.stale),
        "untried": list(report.untried),
        "report": said,
    }
    lines = ",\n".join(json.dumps(each, separators=(",", ":")) for each in results)
    return json.dumps(head).removesuffix("}}") + f', "results": [\n{lines}\n]}}}}\n'


def _brief(line: dict[str, Any]) -> dict[str, Any]:
    """A line of a wire log, or a frame in it, without keys whose value is the default."""
    kept = {key: value for key, value in line.items() if key in _KEPT or value != _DEFAULTS[key]}
    if "frames" in kept:
        kept["frames"] = [_brief(frame) for frame in kept["frames"]]
    return kept


def from_json(text: str) -> Report:
    """The report that :func:`to_json` wrote.

    :raises BadReport: it is none, is of another version, a value is not of the right type, or a
        case is in it twice.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReport(f"no JSON: {error}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadReport(f"no report of a conformance run: format is to be {FORMAT!r}")
    version = document.get("version")
    if version != VERSION or isinstance(version, bool):
        raise BadReport(f"version = {_shown(version)}: this reads version {VERSION}")
    try:
        report = _reports.validate_json(json.dumps(document.get("report")), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, ("report", *first["loc"])))
        raise BadReport(f"{place} = {_shown(first['input'])}: {first['msg']}") from None
    known: set[str] = set()
    for case in report.results:
        if case.slug in known:
            raise BadReport(f"report.results: {case.slug} stands there twice")
        known.add(case.slug)
        for line in case.wire:
            _check_hex(case.slug, line.hex)
    return report


def _check_hex(slug: str, digits: str) -> None:
    try:
        bytes.fromhex(digits)
    except ValueError:
        raise BadReport(f"wire of {slug}: hex = {_shown(digits)}: no hexadecimal digits") from None


def _shown(value: object) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
