"""What people want to know of a scenario before they play it, as JSON."""

from typing import Any

from pump_sim.notice import security_profile
from pump_sim.scenario.file.branches import count_branches
from pump_sim.scenario.file.document import Block
from pump_sim.scenario.reading.loading import Loaded


def overview(loaded: Loaded) -> dict[str, Any]:
    """A scenario's texts, figures and choices."""
    scenario = loaded.scenario
    return {
        "name": loaded.name,
        "title": scenario.title,
        "summary": scenario.summary.strip(),
        "source": scenario.source.strip(),
        "users": list(scenario.users),
        "length_ms": scenario.length_ms,
        "security_profile": security_profile(scenario.pump.guarded),
        "updates": scenario.pump.updates,
        "branches": count_branches(scenario),
        "choices": _choices(scenario),
    }


def _choices(block: Block) -> list[dict[str, Any]]:
    """The choices of a block, each with its options, which may have choices of their own."""
    return [
        {
            "name": choice.name,
            "ask": choice.ask,
            "at_ms": choice.time_ms,
            "options": [
                {"name": option.name, "title": option.title, "choices": _choices(option)}
                for option in choice.option
            ],
        }
        for choice in block.choice
    ]
