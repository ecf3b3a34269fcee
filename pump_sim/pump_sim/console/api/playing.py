"""The operations on what is played: scenarios, the session of a pump, decisions, going back."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from pump_protocol.web.problems import Problem
from pump_sim.console.api import answers, pictures
from pump_sim.console.api.operation import Asked, Operation
from pump_sim.console.api.practice import practice_schema, refused_practice
from pump_sim.console.api.schemas import Described, listed, record
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import ControlError, bad_value, shown
from pump_sim.control.parameters import LATEST_MS, Choice, Parameter, Whole
from pump_sim.model.refusals import Refused
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.reading.loading import load
from pump_sim.scenario.reading.overview import overview
from pump_sim.texts import did_you_mean

_TAG: Final = "session"

_SESSION: Final = answers.answer("The session as it is now.", pictures.SESSION)


_OVERVIEWS: Final[dict[str, Mapping[str, Any]]] = {}
"""Those that were read before: the files come with the package, and stay as they are."""


def _overview(name: str) -> Mapping[str, Any]:
    if name not in _OVERVIEWS:
        _OVERVIEWS[name] = overview(load(name))
    return _OVERVIEWS[name]


async def _list(asked: Asked) -> Mapping[str, Any]:
    del asked
    for name in scenario_names():
        if name not in _OVERVIEWS:
            _overview(name)
            await asyncio.sleep(0)  # all of them at once would hold the pump's link
    return {"scenarios": [_overview(name) for name in scenario_names()]}


async def _scenario(asked: Asked) -> Mapping[str, Any]:
    name = asked.path("name")
    known = scenario_names()
    if name not in known:
        message = f"there is no scenario {shown(name)}.{did_you_mean(name, known)}"
        raise Problem(404, "unknown_scenario", message, field="name", allowed=list(known))
    return _overview(name)


async def _session(asked: Asked) -> Mapping[str, Any]:
    return asked.room.session()


async def _begin(asked: Asked) -> Mapping[str, Any]:
    given = asked.given
    scenario, wishes, picks = given.get("scenario"), given.get("practice"), given.get("picks", {})
    if wishes is not None and scenario is None:
        if "picks" in given:
            raise bad_value("picks", picks, "they go with a scenario")
        return await _practise(asked, wishes)
    if scenario is None or wishes is not None:
        message = "begin_session: give either scenario, a name, or practice, an object"
        raise ControlError("missing_field", message, field="scenario")
    for choice, option in picks.items():
        if not isinstance(option, str):
            raise bad_value(f"picks.{choice}", option, "the name of an option is wanted")
    return await asked.room.play_scenario(scenario, picks)


async def _practise(asked: Asked, wishes: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        return await asked.room.practise(wishes)
    except Refused as error:
        raise refused_practice(wishes, error) from None


async def _decide(asked: Asked) -> Mapping[str, Any]:
    await asked.room.ask("decide", asked.body)
    return asked.room.session()


async def _rewind(asked: Asked) -> Mapping[str, Any]:
    given = asked.given
    return await asked.room.rewind(mark=given.get("mark"), elapsed_ms=given.get("elapsed_ms"))


async def _reset(asked: Asked) -> Mapping[str, Any]:
    return await asked.room.reset()


async def _marks(asked: Asked) -> Mapping[str, Any]:
    return {"marks": asked.room.marks()}


async def _takes(asked: Asked) -> Mapping[str, Any]:
    return {"takes": asked.room.takes()}


_BEGIN: Final = (
    # No path: it would be read, and quoted in a message.
    Parameter(name="scenario", kind=Choice(scenario_names()), doc="what is played on the pump"),
    Parameter(
        name="picks",
        kind=Described({"type": "object", "additionalProperties": answers.TEXT}),
        doc="options that are taken without asking, by the name of their choice",
        default="every choice is asked",
    ),
    Parameter(
        name="practice",
        kind=Described(practice_schema()),
        doc="or: a pump of your own, without a scenario; {} is the usual one",
    ),
)
_REWIND: Final = (
    Parameter(name="mark", kind=Whole("", 0, 2**63 - 1), doc="the number of a mark"),
    Parameter(
        name="elapsed_ms",
        kind=Whole("ms", 0, LATEST_MS),
        doc="or: a moment since the start of the session, not in its future",
    ),
)

OPERATIONS: Final = (
    Operation(
        name="list_scenarios",
        method="get",
        path="/scenarios",
        tag="scenarios",
        summary="Read which scenarios come with the package.",
        answer=answers.answer("The scenarios.", record({"scenarios": listed(pictures.SCENARIO)})),
        handle=_list,
    ),
    Operation(
        name="get_scenario",
        method="get",
        path="/scenarios/{name}",
        tag="scenarios",
        summary="Read what a scenario is about, and which choices it has.",
        answer=answers.answer("The scenario.", pictures.SCENARIO),
        problems=("unknown_scenario",),
        handle=_scenario,
    ),
    Operation(
        name="get_session",
        method="get",
        path="/pumps/{pump}/session",
        tag=_TAG,
        summary="Read what is played on a pump, and how far it is.",
        answer=_SESSION,
        handle=_session,
    ),
    Operation(
        name="begin_session",
        method="put",
        path="/pumps/{pump}/session",
        tag=_TAG,
        summary="Put another session in place: a scenario, or practice with a pump of your own.",
        doc="It begins anew, paused. Give either `scenario` or `practice`.",
        body=_BEGIN,
        answer=_SESSION,
        problems=("missing_field",),
        handle=_begin,
    ),
    Operation(
        name="decide",
        method="post",
        path="/pumps/{pump}/session/decision",
        tag=_TAG,
        summary="Take an option of the choice that a scenario waits for.",
        body=COMMANDS["decide"].parameters,
        answer=_SESSION,
        handle=_decide,
    ),
    Operation(
        name="rewind",
        method="post",
        path="/pumps/{pump}/session/rewind",
        tag=_TAG,
        summary="Go back to a moment of the session, and begin another take there, paused.",
        doc="Give either `mark` or `elapsed_ms`.",
        body=_REWIND,
        answer=_SESSION,
        problems=("missing_field",),
        handle=_rewind,
    ),
    Operation(
        name="reset_session",
        method="post",
        path="/pumps/{pump}/session/reset",
        tag=_TAG,
        summary="Begin the same session from its start, paused.",
        body=(),
        answer=_SESSION,
        handle=_reset,
    ),
    Operation(
        name="list_marks",
        method="get",
        path="/pumps/{pump}/session/marks",
        tag=_TAG,
        summary="Read the moments to go back to.",
        answer=answers.answer("Marks, in order of time.", pictures.MARKS),
        handle=_marks,
    ),
    Operation(
        name="list_takes",
        method="get",
        path="/pumps/{pump}/session/takes",
        tag=_TAG,
        summary="Read the takes of the session: the present one, and those that were left.",
        answer=answers.answer("Takes.", pictures.TAKES),
        handle=_takes,
    ),
)
