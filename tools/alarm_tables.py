"""The alarms and their tones, as Markdown: classes, latches and figures as the pump has them."""

import wire_words as words
from markdown_table import table
from pump_protocol import codes
from pump_sim.model.firmware.alarms import RULES, Alarm, AlarmClass
from pump_sim.model.profile import load_profile, profile_names


def alarms() -> str:
    """Each alarm: its class and latch from the firmware, the rest from the specification."""
    rows = []
    for code in codes.Alarm:
        rule = RULES[Alarm[code.name]]
        trigger, infusion, clears = words.ALARMS[code]
        critical = rule.alarm_class is AlarmClass.CRITICAL
        rows.append(
            (
                int(code),
                f"`{code.name}`",
                "critical" if critical else "non-critical",
                trigger,
                infusion,
                "yes" if rule.latches else "no",
                clears,
            )
        )
    head = ("code", "alarm", "class", "raised when", "infusion", "latches", "condition ends by")
    return table(head, rows)


def tones() -> str:
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
