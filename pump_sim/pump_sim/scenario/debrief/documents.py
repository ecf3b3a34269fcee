"""A session's takes as the content of a file: a page, JSON, or CSV. It opens none."""

from collections.abc import Sequence
from typing import Final, Literal

from pump_sim.scenario.debrief.data import as_csv, as_json
from pump_sim.scenario.debrief.page import page
from pump_sim.scenario.debrief.take import Take, takes_of
from pump_sim.scenario.picture.drawing import figure
from pump_sim.scenario.picture.sheet import PictureError
from pump_sim.scenario.picture.specification import specification_for_paper
from pump_sim.scenario.tracing.trace_lines import TracedPlay

Form = Literal["html", "json", "csv"]
FORMS: Final[tuple[Form, ...]] = ("html", "json", "csv")


def document(plays: Sequence[TracedPlay], form: Form) -> bytes:
    """The debrief of a session, the takes of which are *plays*, in one file.

    :raises PictureError: a trace tells of something that this version does not know.
    :raises NoDrawingLibrary: a page is wanted, and what draws its figures is not installed.
    """
    takes = takes_of(plays)
    match form:
        case "html":
            return page(takes, [_drawn(each) for each in takes]).encode()
        case "json":
            return as_json(takes)
        case "csv":
            return as_csv(takes)


def _drawn(take: Take) -> str | None:
    """The figure of a take as SVG; None of one that nobody looked at, or that cannot be drawn."""
    if not take.sheet.can_be_drawn:
        return None
    try:
        return figure(specification_for_paper(take.sheet), f"take-{take.number}")
    except PictureError:
        return None
