"""What is played in a room: a scenario, or a practice in which nothing is written down."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from pump_sim.control.errors import ControlError, bad_value, unknown
from pump_sim.control.refusing import reasons_text
from pump_sim.model.profile import ProfileError, profile_names
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Refused
from pump_sim.model.state import PumpState
from pump_sim.scenario.checking import located
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.branches import PickError, read_picks
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.happenings import Chosen, Ended, Happening, Look
from pump_sim.scenario.judging.judge import Judge, Verdict
from pump_sim.scenario.playing.play import Extent, Play
from pump_sim.scenario.playing.start import StartError
from pump_sim.scenario.reading.complaints import complaints
from pump_sim.scenario.reading.loading import Loaded, ScenarioError, load
from pump_sim.scenario.tracing.trace import Tracer

PRACTICE: Final = "practice"
"""The name of what is no scenario."""

TABLES: Final = ("pump", "prescription")
"""What a practice may be wished to be: the tables of those names in a scenario's file."""

MOST_TOLD: Final = 10
"""How many mistakes an error names; to put thousands into words takes long."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What is played. `loaded` is the scenario's file, None of a practice.

    `picks` has the options that are decided beforehand, by the names of their choices. `state` is
    that of the pump with which a practice begins, None of one that is implanted for it.
    """

    scenario: Scenario
    loaded: Loaded | None
    picks: Mapping[str, str]
    state: PumpState | None = None

    @property
    def name(self) -> str:
        """What it is called in requests."""
        return PRACTICE if self.loaded is None else self.loaded.name

    @property
    def _field(self) -> str:
        """The part of a request that is at fault where no pump begins so."""
        return "practice.pump" if self.loaded is None else "scenario"

    def stage(self, keys: KeyRing, link_ns: int) -> Play:
        """A play of it, paused at its start; nothing has happened before somebody can watch.

        :raises ControlError: no pump begins so.
        :raises Refused: no pump takes the prescription of a practice; whoever wished for it knows
            by which key.
        """
        folder = Path() if self.loaded is None else self.loaded.path.parent
        extent = Extent.WITHOUT_END if self.loaded is None else Extent.BEYOND_ITS_END
        try:
            play = Play(
                self.scenario,
                self.picks,
                folder=folder,
                speed=Fraction(0),
                link_ns=link_ns,
                keys=keys,
                extent=extent,
            )
        except (StartError, ProfileError) as error:
            raise ControlError("bad_value", f"{self.name}: {error}", field=self._field) from None
        except Refused as error:
            if self.loaded is None:
                raise
            message = f"{self.name}: {reasons_text(error)}"
            raise ControlError("bad_value", message, field=self._field) from None
        if self.state is not None:
            endpoint, pump = play.endpoint, Pump.from_state(self.state)
            endpoint.put_in_place(pump, keys.guard_for(pump.serial_number), link_ns)
            endpoint.started_ms = pump.at_ms
            endpoint.presence.in_reach = pump.implanted
        return play

    def verdicts(self, happenings: tuple[Happening, ...]) -> tuple[Verdict, ...]:
        """What was expected of the play that told these, up to its end, and what became of it."""
        return self._judge(happenings).verdicts()

    def _judge(self, happenings: tuple[Happening, ...]) -> Judge:
        judge = Judge(self.scenario.expect, self.scenario.length_ms)
        for each in happenings:
            judge.hear(each)
            if isinstance(each, Ended):
                break  # the pump goes on for as long as anybody likes
        return judge


@dataclass(frozen=True, slots=True)
class Take:
    """One way on which a piece was played, up to where it was left."""

    number: int
    piece: Piece
    serial_number: str
    """Of the pump with which it began."""
    happenings: tuple[Happening, ...]

    @property
    def length_ms(self) -> int:
        """How far it was played."""
        return max((each.at_ms for each in self.happenings), default=0)

    @property
    def chosen(self) -> tuple[Chosen, ...]:
        """What was decided."""
        return tuple(each for each in self.happenings if isinstance(each, Chosen))

    @property
    def branch(self) -> tuple[tuple[str, str], ...]:
        """What was decided, as (choice, option)."""
        return tuple((each.choice.name, each.option.name) for each in self.chosen)

    @property
    def over(self) -> bool:
        """Whether it was played to its end."""
        return any(isinstance(each, Ended) for each in self.happenings)

    @property
    def can_be_drawn(self) -> bool:
        """Whether there is anything to see."""
        return len({each.at_ms for each in self.happenings if isinstance(each, Look)}) > 1

    def trace(self) -> Iterator[str]:
        """The take as lines of a trace."""
        lines: list[str] = []
        piece, scenario = self.piece, self.piece.scenario
        if piece.loaded is None:
            scenario = scenario.model_copy(update={"length_ms": self.length_ms})
        tracer = Tracer(piece.name, self.branch, lines.append)
        tracer.begin(scenario, self.serial_number)
        for each in self.happenings:
            tracer.hear(each)
        judged = (
            () if piece.loaded is None else located(piece.verdicts(self.happenings), piece.loaded)
        )
        tracer.close((each.verdict, each.line) for each in judged if self._is_due(each.verdict))
        yield from lines

    def _is_due(self, verdict: Verdict) -> bool:
        """Whether a take got as far as to be judged: what was still to come is not unmet."""
        decided_ms = verdict.at_ms
        return verdict.met or self.over or (decided_ms is not None and decided_ms < self.length_ms)


def scenario_piece(name_or_path: str | Path, picks: Mapping[str, str]) -> Piece:
    """A scenario that comes with the package, by its name, or any other by its path.

    :raises ControlError: there is none, it cannot be played, or has no such option.
    """
    try:
        loaded = load(name_or_path)
    except ScenarioError as error:
        raise ControlError(
            "bad_value", str(error), field="scenario", value=str(name_or_path)
        ) from None
    try:
        picked = read_picks(
            (f"{choice}={option}" for choice, option in picks.items()), loaded.scenario
        )
    except PickError as error:
        raise ControlError(
            "bad_value", f"picks: {error}", field="picks", value=dict(picks)
        ) from None
    return Piece(loaded.scenario, loaded, picked)


def practice_with(state: PumpState) -> Piece:
    """A practice with a pump that has lived before."""
    return replace(practice_piece({}), state=state)


def practice_piece(wishes: Mapping[str, Any]) -> Piece:
    """A pump with which nothing is going to happen but what somebody does.

    :param wishes: tables `pump` and `prescription`, with the keys of a scenario's file.
    :raises ControlError: a key or a value is none of a scenario's file.
    """
    for name in wishes:
        if name not in TABLES:
            known = " and ".join(TABLES)
            field, message = f"practice.{name}", f"practice: {name} is unknown. Known are {known}."
            raise ControlError("unknown_field", message, field=field, allowed=list(TABLES))
    document = {
        "title": "Free practice",
        "summary": "A pump in its patient. Nothing happens but what you do, and what follows.",
        "length": "1 d",
        **wishes,
    }
    try:
        scenario = Scenario.model_validate(document)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[:MOST_TOLD]
        found = complaints(wrong, document, Scenario)
        field = ".".join(["practice", *map(str, found[0][0])])
        message = "; ".join(f"practice.{'.'.join(map(str, at))}: {why}" for at, why in found)
        raise ControlError("bad_value", message, field=field) from None
    if scenario.pump.state is not None:
        why = "allowed is none: keep the state as a snapshot, and restore that"
        raise bad_value("practice.pump.state", str(scenario.pump.state), why, [None])
    profile = scenario.pump.profile
    if profile not in profile_names():  # whoever asks over a network opens no file of this machine
        raise unknown("bad_value", "profile", profile, profile_names(), "practice.pump.profile")
    return Piece(scenario, None, {})
