"""Write the generated parts of the reference pages: ``python tools/generate_docs.py [--check]``.

A page keeps its hand-written text; what stands between ``<!-- begin generated: NAME -->`` and
``<!-- end generated -->`` comes from here. Options come from the two command lines, keys of JSON
from the messages, figures and sources from the profiles, classes and latches from the alarm rules.
The wire protocol's page has a generator of its own.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from golden_files import ROOT, write_or_check
from typer.main import get_command

from pump_programmer import cli as programmer_cli
from pump_programmer import review
from pump_programmer.programmer import Programmed
from pump_programmer.terminal import EXIT_MEANINGS
from pump_protocol import codes, layouts
from pump_protocol import messages as m
from pump_sim import cli as pump_cli
from pump_sim.model.events import EventCode
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass
from pump_sim.model.profile import Profile, load_profile, profile_names

REFERENCE = ROOT / "docs" / "reference"

_PART = re.compile(
    r"(?P<begin><!-- begin generated: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end generated -->)",
    re.DOTALL,
)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table with its columns aligned."""
    cells = [[each.replace("|", r"\|") for each in row] for row in [list(head), *map(list, rows)]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(each.ljust(width) for each, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


# --- Command lines -------------------------------------------------------------------------------


def pump_sim_commands() -> str:
    """The commands of ``pump-sim``."""
    return "\n\n".join(_commands("pump-sim", get_command(pump_cli.app)))


def programmer_commands() -> str:
    """The commands of ``pump-programmer``."""
    return "\n\n".join(_commands("pump-programmer", get_command(programmer_cli.app)))


def exit_codes() -> str:
    """How ``pump-programmer`` ends."""
    return table(
        ("exit code", "meaning"),
        ((str(int(code)), meaning) for code, meaning in EXIT_MEANINGS.items()),
    )


def _commands(name: str, group: Any) -> Iterator[str]:
    yield f"### {name}\n\n" + _parameters(group.params)
    for command_name, command in group.commands.items():
        text = f"### {name} {command_name}\n\n{' '.join(command.help.split())}"
        yield text + ("\n\n" + _parameters(command.params) if command.params else "")


def _parameters(parameters: Iterable[Any]) -> str:
    return table(
        ("parameter", "meaning", "default"),
        ((_parameter(each), each.help or "", _default(each)) for each in parameters),
    )


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.metavar}`"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    takes_value = not (parameter.is_flag or parameter.secondary_opts)
    return f"{names} {parameter.metavar or 'TEXT'}" if takes_value else names


def _default(parameter: Any) -> str:
    environment = f"environment variable `{parameter.envvar}`" if parameter.envvar else ""
    default = parameter.default
    shown = isinstance(default, str | int | float) and not isinstance(default, bool)
    value = f"`{default}`" if shown and default != "" else ""
    return ", ".join(filter(None, (value, environment)))


# --- JSON ----------------------------------------------------------------------------------------

RESULTS: dict[str, type] = {
    "identify": m.Identity,
    "interrogate": m.StatusReport,
    "program, stop": Programmed,
    "bolus": m.BolusOrdered,
    "bolus --abort": m.BolusAborted,
    "refill": m.ReservoirUpdated,
    "log": m.LogPage,
    "log --access": m.AccessLogPage,
    "silence, acknowledge": m.AlarmAcknowledged,
    "alarm-test": m.AlarmTested,
    "clock --set": m.ClockSet,
    "self-test": m.SelfTestReport,
}
"""What each command answers; a test holds it true of the commands."""

_MEANINGS = {
    (review.Review, "current"): "what was in force",
    (review.Review, "pending"): "what was staged",
    (review.Review, "current_version"): "version that was in force",
    (review.Review, "pending_version"): "version that was staged",
    (review.Review, "rows"): "every setting, side by side",
    (review.Review, "warnings"): "what a person should think of, as sentences",
    (review.ReviewRow, "setting"): "key of the setting in a Prescription",
    (review.ReviewRow, "label"): "its name for people",
    (review.ReviewRow, "current"): "its value in words",
    (review.ReviewRow, "pending"): "its new value in words",
    (review.ReviewRow, "changed"): "whether it changes",
    (review.ReviewRow, "change_ppm"): "change, parts per million of the current value, or never",
    (Programmed, "review"): "what was compared",
    (Programmed, "committed"): "what the pump put in force",
    (Programmed, "read_back"): "what it holds now",
}


def json_results() -> str:
    """The keys of every command's answer."""
    return "\n\n".join(f"### {command}\n\n{_keys(answer)}" for command, answer in RESULTS.items())


def json_parts() -> str:
    """The keys of the objects inside the answers."""
    found: dict[type, None] = {m.Reason: None}
    for answer in RESULTS.values():
        _collect(answer, found)
    for answer in RESULTS.values():
        found.pop(answer, None)
    return "\n\n".join(
        f"### {part.__name__}\n\n{_summary(part)}\n\n{_keys(part)}"
        for part in sorted(found, key=lambda part: part.__name__)
    )


def _collect(message: type, found: dict[type, None]) -> None:
    if message not in found:
        found[message] = None
        for hint in get_type_hints(message).values():
            part = _element(hint)
            if is_dataclass(part) and isinstance(part, type):
                _collect(part, found)


def _summary(part: type) -> str:
    return re.sub(r"`+", "`", (part.__doc__ or "").strip().split("\n\n")[0])


def _keys(message: type) -> str:
    hints = get_type_hints(message)
    return table(
        ("key", "type", "meaning"),
        (
            (f"`{each.name}`", _json_type(hints[each.name]), _meaning(message, each.name, hints))
            for each in fields(message)
        ),
    )


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
        return f"list of {_json_type(element)}"
    if is_dataclass(element) and isinstance(element, type):
        name = element.__name__
        return f"[{name}](#{name.lower()})" if element not in RESULTS.values() else name
    names: dict[Any, str] = {int: "integer", str: "string", bool: "boolean", bytes: "hex string"}
    name = names.get(element) or ("list of strings" if issubclass(element, IntFlag) else "string")
    return f"{name} or null" if element is not hint else name


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


# --- Profiles and alarms -------------------------------------------------------------------------


def profile_figures() -> str:
    """Every figure of every profile that comes with the package, with its source."""
    profiles = {name: load_profile(name) for name in profile_names()}
    rows = []
    for each in fields(Profile):
        if not each.metadata:
            continue
        sources = dict.fromkeys(profile.sources[each.name] for profile in profiles.values())
        figures = [f"{getattr(profile, each.name):,}" for profile in profiles.values()]
        rows.append((f"`{each.name}`", *figures, each.metadata["unit"], "; ".join(sources)))
    models = [f"`{name}` ({profile.model})" for name, profile in profiles.items()]
    return table(("figure", *models, "unit", "source"), rows)


def profile_limits() -> str:
    """Within which limits a profile of one's own may give each figure."""
    return table(
        ("figure", "smallest", "largest", "unit"),
        (
            (
                f"`{each.name}`",
                f"{each.metadata['minimum']:,}",
                f"{each.metadata['maximum']:,}",
                each.metadata["unit"],
            )
            for each in fields(Profile)
            if each.metadata
        ),
    )


_ALARM_TEXTS = {
    Alarm.LOW_RESERVOIR: (
        "believed volume at or below the prescription's threshold",
        "goes on",
        "a refill above the threshold, or a lower threshold",
    ),
    Alarm.EMPTY_RESERVOIR: (
        "believed volume is 0",
        "stops; a bolus in progress ends",
        "a refill; the infusion resumes, the bolus does not",
    ),
    Alarm.ERI: (
        "battery or age: 90 days before the end of service",
        "goes on",
        "never: the pump has to be replaced",
    ),
    Alarm.EOS: (
        "90 days after ERI",
        "stops for ever",
        "never: the pump has to be replaced",
    ),
    Alarm.STOPPED_TOO_LONG: (
        "mode STOPPED for 48 h",
        "is stopped already",
        "a prescription of another mode",
    ),
}


def alarm_table() -> str:
    """The alarms: class and latch as the firmware has them."""
    rows = []
    for alarm, rule in RULES.items():
        trigger, infusion, clears = _ALARM_TEXTS[alarm]
        critical = rule.alarm_class is AlarmClass.CRITICAL
        rows.append(
            (
                str(alarm.value),
                f"`{alarm.name.lower()}`",
                "critical" if critical else "non-critical",
                trigger,
                infusion,
                "yes" if rule.latches else "no",
                clears,
            )
        )
    head = ("no.", "alarm", "class", "raised when", "infusion", "latches", "condition ends by")
    return table(head, rows)


def alarm_tones() -> str:
    """How each class sounds, as the profiles have it."""
    profile = load_profile(profile_names()[0])
    return table(
        ("class", "pattern", "first", "then every", "shortest silence", "longest silence"),
        (
            (
                "critical",
                f"two tones, {profile.critical_tone_ms // 1000} s",
                "when it is raised",
                f"{profile.critical_interval_ms // 60_000} min",
                f"{profile.min_silence_ms // 60_000} min",
                f"{profile.max_critical_silence_ms // 3_600_000} h",
            ),
            (
                "non-critical",
                f"one tone, {profile.non_critical_tone_ms // 1000} s",
                "when it is raised",
                f"{profile.non_critical_interval_ms // 60_000} min",
                f"{profile.min_silence_ms // 60_000} min",
                f"{profile.max_non_critical_silence_ms // 3_600_000} h",
            ),
        ),
    )


def log_events() -> str:
    """What a record of the therapy log tells, and what its parameters are."""
    return table(
        ("event", "what happened", "`a`", "`b`"),
        (
            (f"`{each.name.lower()}`", each.value.event, each.value.a, each.value.b)
            for each in EventCode
        ),
    )


def limits() -> str:
    """Limits of the link, in link time, and of what a pump remembers."""
    return table(
        ("limit", "value"),
        (
            ("a frame's next byte", f"{codes.INTER_BYTE_TIMEOUT_MS} ms"),
            ("a link without a request", f"{codes.IDLE_LIMIT_MS // 1000} s"),
            ("a link, however busy", f"{codes.ABSOLUTE_LIMIT_MS // 60_000} min"),
            ("a staged prescription", f"{codes.STAGING_LIMIT_MS // 1000} s"),
        ),
    )


PARTS: dict[str, Callable[[], str]] = {
    "pump-sim": pump_sim_commands,
    "pump-programmer": programmer_commands,
    "exit-codes": exit_codes,
    "json-results": json_results,
    "json-parts": json_parts,
    "profile-figures": profile_figures,
    "profile-limits": profile_limits,
    "alarm-table": alarm_table,
    "alarm-tones": alarm_tones,
    "log-events": log_events,
    "limits": limits,
}


def generate(page: str) -> str:
    """The text of a page with its generated parts made anew."""
    return _PART.sub(
        lambda found: f"{found['begin']}\n{PARTS[found['name']]()}\n\n{found['end']}", page
    )


def main() -> int:
    """Write or check every reference page that has a generated part of ours."""
    pages = {page: page.read_text("utf-8") for page in sorted(REFERENCE.glob("*.md"))}
    ours = {
        page: generate(text)
        for page, text in pages.items()
        if page.name != "wire-protocol.md" and _PART.search(text)
    }
    return write_or_check(ours, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
