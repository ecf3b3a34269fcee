"""The alarms and their tones, as Markdown: all of it from the firmware's rules and the profiles."""

from typing import Final

from markdown_table import table
from pump_protocol import codes
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass, Rule
from pump_sim.model.profile import Profile, load_profile, profile_names

_MORE: Final = {
    Alarm.EMPTY_RESERVOIR: "ORDER-11, ORDER-18",
    Alarm.EOS: "ALARM-08",
    Alarm.MOTOR_STALL: "ALARM-10, ALARM-11",
    Alarm.STOPPED_TOO_LONG: "one STOPPED prescription after another is one stop",
    Alarm.CRITICAL_MEMORY_ERROR: "ALARM-12, ALARM-13",
    Alarm.MEMORY_ERROR: "ALARM-12",
    Alarm.SAFE_STATE: "ALARM-13",
    Alarm.UPDATE_INCOMPLETE: "PROG-11, ALARM-14",
    Alarm.REPLACEMENT_PLANNED: "ALARM-15",
}
"""Where the specification of the wire says more."""


def alarms() -> str:
    """Each alarm as the specification of the wire has it."""
    rows = []
    for code in codes.Alarm:
        rule = RULES[Alarm[code.name]]
        more = _MORE.get(Alarm[code.name], "")
        rows.append((*_begin(Alarm[code.name], rule), *_life(rule), more))
    return table((*_HEAD, "latches", "condition ends by", "more"), rows)


def rules() -> str:
    """Each alarm as people look it up, with its tone and its source."""
    return table(
        (*_HEAD, "latches", "condition ends by", "source"),
        ((*_begin(alarm, rule), *_life(rule), rule.source) for alarm, rule in RULES.items()),
    )


_HEAD: Final = ("code", "alarm", "class", "tone", "raised when", "infusion")


def _begin(alarm: Alarm, rule: Rule) -> tuple[object, ...]:
    tone = _PATTERNS[rule.alarm_class] if rule.sounds else "none"
    name = rule.alarm_class.name.lower().replace("_", "-")
    return alarm.value, f"`{alarm.name}`", name, tone, rule.trigger, rule.effect


def _life(rule: Rule) -> tuple[str, str]:
    return "yes" if rule.latches else "no", rule.clears


_PATTERNS: Final = {AlarmClass.CRITICAL: "two tones", AlarmClass.NON_CRITICAL: "one tone"}


def tones() -> str:
    """How each class sounds, as the profiles have it."""
    profile = load_profile(profile_names()[0])
    head = ("class", "pattern", "first", "then every", "can be set to", "silence")
    return table(head, (_critical(profile), _non_critical(profile)))


def _critical(profile: Profile) -> tuple[str, ...]:
    shortest, longest = profile.min_critical_interval_ms, profile.max_critical_interval_ms
    return (
        "critical",
        f"two tones, {profile.critical_tone_ms // 1_000} s",
        "when it is raised",
        _span(profile.critical_interval_ms),
        f"{_span(shortest)} to {_span(longest)}",
        f"{_span(profile.min_silence_ms)} to {_span(profile.max_critical_silence_ms)}",
    )


def _non_critical(profile: Profile) -> tuple[str, ...]:
    return (
        "non-critical",
        f"one tone, {profile.non_critical_tone_ms // 1_000} s",
        "when it is raised",
        _span(profile.non_critical_interval_ms),
        "fixed",
        f"{_span(profile.min_silence_ms)} to {_span(profile.max_non_critical_silence_ms)}",
    )


def _span(ms: int) -> str:
    hours, rest = divmod(ms, 3_600_000)
    return f"{hours} h" if hours > 1 and not rest else f"{ms // 60_000} min"
