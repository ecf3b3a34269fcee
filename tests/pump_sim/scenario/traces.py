"""Traces made by hand, so that tests of pictures need no play: a refill that nobody makes."""

from collections.abc import Iterator
from typing import Any

from pump_sim.scenario.tracing.trace_lines import (
    ActedLine,
    AnyLine,
    ChosenLine,
    EndLine,
    ExpectationLine,
    LookLine,
    SaidLine,
    StartLine,
    TracedPlay,
)

HOUR = 3_600_000
DAY = 24 * HOUR
LENGTH = 60 * DAY


def look(at_ms: int, **given: Any) -> LookLine:
    """A look at a pump that runs dry: 0.4 mL a day from 20 mL, an alarm at 2 mL and one at 0."""
    volume_nl = max(0, 20_000_000 - at_ms * 400_000 // DAY)
    empty = volume_nl == 0
    hours_dry = max(0, at_ms - 50 * DAY) / HOUR
    effect_ppm = round(1_000_000 * 0.9**hours_dry)
    alarms = ("low_reservoir",) if at_ms >= 45 * DAY else ()
    flags = ("underdose",) if effect_ppm < 500_000 else ()
    seen: dict[str, Any] = {
        "serial_number": "SIM-0001",
        "implanted": True,
        "mode": "simple_continuous",
        "believed_volume_nl": volume_nl,
        "actual_volume_nl": volume_nl,
        "believed_rate_nl_per_day": 0 if empty else 400_000,
        "actual_rate_nl_per_day": 0 if empty else 400_000,
        "prescribed_dose_ng": 800_000,
        "received_ng": 0,
        "tip_dose_ng_per_day": 0.0 if empty else 800_000.0,
        "csf_ng_per_ml": 0.0,
        "effect_ppm": effect_ppm,
        "flags": (*flags, "withdrawal") if hours_dry > 30 else flags,
        "active_alarms": (*alarms, "empty_reservoir") if empty else alarms,
        "battery_remaining_ppm": 900_000,
        "delivered_ratio_ppm": None,
    }
    return LookLine(**COMMON, therapy_ms=at_ms, **{**seen, **given})


COMMON: dict[str, Any] = {"scenario": "missed-refill", "branch": ()}


def start(**given: Any) -> StartLine:
    """The first line of a trace."""
    about: dict[str, Any] = {
        "title": "A refill that nobody makes",
        "length_ms": LENGTH,
        "serial_number": "SIM-0001",
        "seed": 7,
        "version": "0.1",
        "security": "authenticated",
        "updates": "safe",
    }
    return StartLine(**COMMON, therapy_ms=0, **{**about, **given})


def acted(at_ms: int, family: str, act: str, outcome: str = "done", **given: Any) -> ActedLine:
    """An act that is over."""
    about: dict[str, Any] = {"refused": (), "text": "", "parameters": {}}
    return ActedLine(
        **COMMON,
        therapy_ms=at_ms,
        family=family,
        act=act,
        outcome=outcome,
        **{**about, **given},
    )


def play(*lines: AnyLine, branch: tuple[str, ...] = (), ended: bool = True) -> TracedPlay:
    """A trace of one play from its lines, in order of time, with a start and an end."""
    first = next((each for each in lines if isinstance(each, StartLine)), start())
    rest = sorted(
        (each for each in lines if not isinstance(each, StartLine)),
        key=lambda line: line.therapy_ms,
    )
    end = [EndLine(**COMMON, therapy_ms=first.length_ms)] if ended else []
    every: list[AnyLine] = [first, *rest, *end]
    return TracedPlay(first.scenario, branch, first, tuple(every))


def looks(length_ms: int = LENGTH, **given: Any) -> Iterator[LookLine]:
    """Evenly spaced looks."""
    for index in range(401):
        yield look(length_ms * index // 400, **given)


def missed_refill() -> TracedPlay:
    """The whole story, with words, an act, a decision and two expectations."""
    return play(
        *looks(),
        look(50 * DAY),
        look(50 * DAY + 7 * HOUR),
        look(51 * DAY + 7 * HOUR),
        SaidLine(**COMMON, therapy_ms=0, text="The clinic forgets a patient."),
        acted(10 * DAY, "programmer", "interrogate", text="read"),
        acted(
            58 * DAY, "hands", "fill", text="0 mL drawn out", parameters={"volume_nl": 20_000_000}
        ),
        ChosenLine(
            **COMMON, therapy_ms=46 * DAY, choice="call", option="ignore", title="Nobody calls"
        ),
        ExpectationLine(
            **COMMON,
            therapy_ms=45 * DAY,
            line=12,
            what="alarm low_reservoir raised at 45 d",
            met=True,
            text="at 45 d",
        ),
        ExpectationLine(
            **COMMON,
            therapy_ms=LENGTH,
            line=14,
            what="alarm eri raised by 60 d",
            met=False,
            text="it was not raised",
        ),
    )
