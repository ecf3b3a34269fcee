"""One way through a scenario, played: a script beside the pump that does what the file says.

Theory of operation. A play is the :class:`~pump_sim.endpoint.Script` of an endpoint. It says when
it wants to act next in therapy time, which is the earliest of: an entry of the file, an event of
the pump, a change of the patient's flags, a moment that an expectation names, and a grid of evenly
spaced looks. The endpoint brings the pump there and calls :meth:`Play.act`, which tells whoever
watches what has happened meanwhile and does what is due. So a trainer at x60, a served pump and a
check in virtual time play the same way; they differ in who moves the time.

Whatever waits - an exchange of the scenario's programmer, an instructor's decision - holds therapy
time, so that a scenario is the same at any speed: a second on the link is an hour at x3600.

Times of the file and of happenings are since the start, whichever pump is in place by then.
"""

import heapq
from collections.abc import Callable, Mapping
from enum import Enum, auto
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, Final

from pump_protocol.events import Event as LinkEvent
from pump_protocol.guard import PumpGuard
from pump_sim.clock import PacedClock
from pump_sim.control.faults import read_fault
from pump_sim.endpoint import NS_PER_MS, Decision, PumpEndpoint
from pump_sim.frame_cutter import FrameCutter
from pump_sim.model.pump import Pump
from pump_sim.model.units import DAY_MS
from pump_sim.ports.impairment import Impairment
from pump_sim.ports.link_fault import LinkFault
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.acts import (
    Act,
    Break,
    ByProgrammer,
    Clear,
    ClearLink,
    Fill,
    Hands,
    OnLink,
)
from pump_sim.scenario.file.branches import acts_of, walk
from pump_sim.scenario.file.document import Block, Choice, Option, Say, Scenario
from pump_sim.scenario.file.link_rules import LinkRule
from pump_sim.scenario.happenings import (
    Acted,
    Asked,
    Chosen,
    Ended,
    FaultChanged,
    Framed,
    Happening,
    Impaired,
    Intervened,
    Look,
    OnSession,
    Outcome,
    Replaced,
    Said,
)
from pump_sim.scenario.playing import hands
from pump_sim.scenario.playing.bookmark import Bookmark, Entry, LookOn
from pump_sim.scenario.playing.looks import STEPPED_MS, moments_of, next_look_ms
from pump_sim.scenario.playing.observing import Observation
from pump_sim.scenario.playing.scripted_link import ScriptedLink
from pump_sim.scenario.playing.start import first_pump
from pump_sim.simulation import Simulation
from pump_sim.texts import spaced

Watcher = Callable[[Happening], None]

FORESEEN_MS: Final = 60 * DAY_MS
"""How far ahead the patient's flags are foreseen in a play that has no end, or is over."""


class Extent(Enum):
    """How long a play tells what happens to the pump."""

    TO_ITS_END = auto()
    BEYOND_ITS_END = auto()
    """The pump goes on, and who watches it is told so."""
    WITHOUT_END = auto()
    """Of a practice, the length of which says nothing."""


class Play:
    """One way through a scenario, from its start to its end.

    :param picks: which option to take of each choice, by its name; where none is given the play
        waits for :meth:`decide`.
    :param folder: where files that the scenario names are looked for.
    :param speed: therapy time per link time.
    :param link_ns: the present link time.
    :param keys: the ring on which the pumps' keys are, or will be; by default they come from the
        scenario's seed, so that a play is the same each time. A pump that others can reach wants
        better ones.
    :param extent: how long it tells what happens.
    """

    def __init__(
        self,
        scenario: Scenario,
        picks: Mapping[str, str],
        *,
        folder: Path = Path(),
        speed: Fraction = Fraction(1),
        link_ns: int = 0,
        keys: KeyRing | None = None,
        extent: Extent = Extent.TO_ITS_END,
    ) -> None:
        pump = first_pump(scenario, folder)
        self.scenario = scenario
        clock = PacedClock(speed, therapy_ms=pump.at_ms, link_ns=link_ns)
        if keys is None:
            keys = KeyRing(Random(f"{scenario.seed}:keys").randbytes)  # noqa: S311 - to be repeated
        self._keys = keys if scenario.pump.guarded else None
        self._extent = extent
        guard = self._guard_for(pump)
        self.endpoint = PumpEndpoint(Simulation(pump), clock, guard=guard)
        self.endpoint.script = self
        self.endpoint.listen(self._on_session)
        self._over = False
        self._waiting_for: Choice | None = None
        self._picks = dict(picks)
        self._watchers: list[Watcher] = []
        self._link_ns = link_ns
        self._link = ScriptedLink(
            self.endpoint,
            scenario.seed,
            therapy_ms=lambda: self.elapsed_ms,
            framed=self._framed,
            impaired=self._impaired,
            keys=self._keys,
        )
        self._link_faults: list[LinkFault] = []
        self._other_wires: list[Impairment] = []
        self._order = _order(scenario)
        self._entries: list[tuple[int, int, int, Entry]] = []
        self._under_way: ByProgrammer | None = None
        self._acting = False
        self._seen = Observation(pump)
        if not scenario.pump.implanted and pump.implanted:
            pump.explant()
        self.endpoint.presence.in_reach = pump.implanted
        for rule in scenario.link:
            self._put_on_link(rule, link_ns)
        self._add(scenario)
        self._add_looks()

    # --- Going back ------------------------------------------------------------------------------

    def bookmark(self) -> Bookmark | None:
        """Where the play stands, to be there once more; None while its programmer is in the middle
        of an act."""
        if self.busy:
            return None
        endpoint = self.endpoint
        return Bookmark(
            at_ms=self.elapsed_ms,
            pump=self.pump.state(),
            guard=endpoint.guard,
            in_reach=endpoint.presence.in_reach,
            on_pump=endpoint.presence.on_pump,
            entries=tuple(self._entries),
            waiting_for=self._waiting_for,
            over=self._over,
            seen=self._seen.at(self.pump),
            link_faults=tuple(self._link_faults),
        )

    def turn_back(self, bookmark: Bookmark, link_ns: int) -> None:
        """Stand where the play stood: what was done since has not been done.

        What others hold is lost, their links above all; what the scenario's programmer captured on
        the wire it still has.
        """
        endpoint = self.endpoint
        if endpoint.held:
            endpoint.release(link_ns)
        self._entries = list(bookmark.entries)
        self._waiting_for, self._over = bookmark.waiting_for, bookmark.over
        self._under_way = None
        self._link_faults = list(bookmark.link_faults)
        self._link.start_anew(self._link_faults, self._link.tap)
        for wire in self._other_wires:
            wire.clear()
            for fault in self._link_faults:
                wire.add(fault)
        pump = Pump.from_state(bookmark.pump)
        guard = None if bookmark.guard is None else bookmark.guard.renewed()
        endpoint.script = None  # no pump takes the place of another one, as far as a play can tell
        endpoint.put_in_place(pump, guard, link_ns)
        endpoint.script = self
        endpoint.started_ms = pump.at_ms - bookmark.at_ms
        endpoint.presence.in_reach = bookmark.in_reach
        endpoint.presence.on_pump = bookmark.on_pump
        self._seen = bookmark.seen.at(pump)
        self.hold_or_release(link_ns)

    # --- Who watches, who decides ----------------------------------------------------------------

    def watch(self, watcher: Watcher) -> None:
        """Have *watcher* told of everything that happens from now on."""
        self._watchers.append(watcher)

    def look(self) -> Look:
        """How everything stands now; nobody is told."""
        return self._seen.look(self.elapsed_ms)

    def intervened(
        self, act: str, parameters: Mapping[str, Any], text: str, refused: tuple[str, ...] = ()
    ) -> None:
        """Tell that somebody outside the scenario has done something to the pump."""
        self._tell(
            Intervened(
                at_ms=self.elapsed_ms, act=act, parameters=parameters, text=text, refused=refused
            )
        )

    def noise(self) -> Impairment | None:
        """What goes wrong on the scenario's link, for whoever else talks to the pump.

        None where the file breaks nothing on the link.
        """
        disturbs = any(isinstance(each, OnLink) for each in acts_of(self.scenario))
        if not self.scenario.link and not disturbs:
            return None
        wire = Impairment(f"{self.scenario.seed}:port", FrameCutter)
        self._other_wires.append(wire)
        for fault in self._link_faults:
            wire.add(fault)
        return wire

    @property
    def decision(self) -> Decision | None:
        """The choice that waits."""
        choice = self._waiting_for
        if choice is None:
            return None
        return Decision(choice.name, choice.ask, {e.name: e.title for e in choice.option})

    def decide(self, option: str, link_ns: int) -> None:
        """Take an option of the choice that waits, and go on.

        :raises ValueError: none waits, or it has no such option.
        """
        choice = self._waiting_for
        if choice is None:
            raise ValueError("nothing waits for a decision now")
        options = {each.name: each for each in choice.option}
        if option not in options:
            allowed = ", ".join(options)
            raise ValueError(
                f"option = {option!r}: of the choice {choice.name} allowed are {allowed}"
            )
        self._waiting_for = None
        self.hold_or_release(link_ns)
        self._take(choice, options[option])
        self._go_on(link_ns)

    # --- The script of the endpoint ---------------------------------------------------------------

    @property
    def title(self) -> str:
        """The scenario's."""
        return self.scenario.title

    @property
    def over(self) -> bool:
        """Whether the scenario has ended."""
        return self._over

    @property
    def elapsed_ms(self) -> int:
        """The present, since the start of the scenario."""
        return self.endpoint.simulation.now_ms - self.endpoint.started_ms

    @property
    def pump(self) -> Pump:
        """The pump in place."""
        return self.endpoint.simulation.pump

    @property
    def busy(self) -> bool:
        """Whether the scenario's programmer is in the middle of an act."""
        return self._link.busy

    def next_ms(self) -> int | None:
        """When the play wants to act next, in the time of the pump in place."""
        if (
            self._acting
            or self._waiting_for is not None
            or (self.over and self._extent is Extent.TO_ITS_END)
        ):
            return None
        moments = [self.endpoint.simulation.next_event_ms(), self.flags_change_ms()]
        endless = self._extent is Extent.WITHOUT_END
        if (self.elapsed_ms if endless else self.scenario.length_ms) <= STEPPED_MS:
            moments.append(self.pump.next_step_ms())
        if self._entries and not self.busy:
            moments.append(self.endpoint.started_ms + self._entries[0][0])
        return min((each for each in moments if each is not None), default=None)

    def next_event_ms(self) -> int | None:
        """When something of the file happens next, or the patient's flags change."""
        told_no_more = self.over and self._extent is Extent.TO_ITS_END
        if told_no_more or self._waiting_for is not None:
            return None
        moments = (self.next_entry_ms(), self.flags_change_ms())
        return min((each for each in moments if each is not None), default=None)

    def next_entry_ms(self) -> int | None:
        """When something of the file happens next."""
        moments = (
            at_ms for at_ms, _, _, entry in self._entries if not isinstance(entry, LookOn | None)
        )
        first_ms = min(moments, default=None)
        return None if first_ms is None else self.endpoint.started_ms + first_ms

    def ends_ms(self) -> int | None:
        """When the scenario ends; None where nothing ends it, or it is over."""
        if self.over or self._extent is Extent.WITHOUT_END:
            return None
        return self.endpoint.started_ms + self.scenario.length_ms

    def act(self, link_ns: int) -> None:
        """Tell what has happened, and do what is due."""
        self._link_ns = max(link_ns, self._link_ns)
        self._acting = True
        try:
            self._gather()
            self._tell(self._seen.look(self.elapsed_ms))
            self._do_due(link_ns)
        finally:
            self._acting = False

    def next_link_ns(self) -> int | None:
        """When something of the scenario's programmer or its wire is due."""
        return self._link.next_ns()

    def handle_link(self, link_ns: int) -> None:
        """Go on with what the scenario's programmer does."""
        due_ns = self._link.next_ns()
        if due_ns is not None and due_ns <= link_ns:
            waited = self.busy
            self._link.handle(link_ns)
            self.observe()
            self._finish_exchange()
            self.hold_or_release(link_ns)
            if waited:  # else bytes came late, and nothing was held back for them
                self._go_on(link_ns)

    def observe(self) -> None:
        """Tell what was recorded because of the link: an order, or something that expired."""
        if self._seen.has_new_records:
            self.pump_handled()
        elif not self._acting:
            # A late frame may come after its act: that is no moment of the therapy to look at.
            for noted in self._seen.notes(self.elapsed_ms):
                self._tell(noted)

    def pump_handled(self) -> None:
        """Tell what somebody has done to the pump, and see what follows from it."""
        if not self._acting:
            self._seen.forget()
            self._gather()
            self._tell(self._seen.look(self.elapsed_ms))

    def pump_replaced(self) -> None:
        """Go on with the pump in place, at the same moment of the scenario."""
        pump = self.pump
        self._seen.turn_to(pump)
        self._tell(Replaced(at_ms=self.elapsed_ms, serial_number=pump.serial_number))

    def _go_on(self, link_ns: int) -> None:
        """Do what was held back, and what is due by now."""
        if not self._acting and not self.busy:
            self.act(link_ns)

    # --- Entries of the file ---------------------------------------------------------------------

    def _add(self, block: Block) -> None:
        """Enter what a block brings: at one moment says come first, then acts, then choices."""
        for rank, entries in enumerate((block.say, block.at, block.choice), 1):
            for entry in entries:
                self._push(entry.time_ms, rank, entry)

    def _add_looks(self) -> None:
        """Enter the moments to look at."""
        if self._extent is Extent.WITHOUT_END:
            self._push(self.elapsed_ms, 0, LookOn())
            return
        for at_ms in moments_of(self.scenario):
            self._push(at_ms, 0, None)

    def _push(self, at_ms: int, rank: int, entry: Entry) -> None:
        # Where two options bring something at one moment, the file's order counts.
        heapq.heappush(self._entries, (at_ms, rank, self._order.get(id(entry), 0), entry))

    def _do_due(self, link_ns: int) -> None:
        while self._entries and self._entries[0][0] <= self.elapsed_ms:
            if self.busy or self._waiting_for is not None:
                return
            entry = heapq.heappop(self._entries)[3]
            match entry:
                case None:
                    continue
                case LookOn():
                    self._push(next_look_ms(self.elapsed_ms), 0, entry)
                case Say():
                    self._tell(Said(at_ms=self.elapsed_ms, text=entry.text, aloud=entry.aloud))
                case Choice():
                    self._decide(entry, link_ns)
                case _:
                    self._do(entry, link_ns)
        if not self._entries and not self.busy and not self.over:
            self._over = True
            if self._extent is Extent.BEYOND_ITS_END:
                self._push(next_look_ms(self.elapsed_ms), 0, LookOn())
            self._tell(self._seen.look(self.elapsed_ms))
            self._tell(Ended(at_ms=self.elapsed_ms))

    def _decide(self, choice: Choice, link_ns: int) -> None:
        picked = self._picks.get(choice.name)
        for option in choice.option:
            if option.name == picked:
                self._take(choice, option)
                return
        self._waiting_for = choice
        self.hold_or_release(link_ns)
        self._tell(Asked(at_ms=self.elapsed_ms, choice=choice))

    def hold_or_release(self, link_ns: int) -> None:
        """Keep therapy time where it is while a person or the link is waited for."""
        if self.busy or self._waiting_for is not None:
            self.endpoint.hold(link_ns)
        elif self.endpoint.held:
            self.endpoint.release(link_ns)

    def _take(self, choice: Choice, option: Option) -> None:
        self._tell(Chosen(at_ms=self.elapsed_ms, choice=choice, option=option))
        self._add(option)

    # --- Acts ------------------------------------------------------------------------------------

    def _do(self, act: Act, link_ns: int) -> None:
        match act:
            case ByProgrammer():
                self._under_way = act
                self._link.begin(act, link_ns)
                self._finish_exchange()
                self.hold_or_release(link_ns)
            case Hands():
                self._do_by_hand(act, link_ns)
            case Break():
                fault = read_fault(act.fault, act.parameters)
                fault_id = self.pump.inject(fault, for_ms=act.for_ms)
                if not fault.lasts:
                    self._tell(
                        FaultChanged(
                            at_ms=self.elapsed_ms, fault=fault.name, fault_id=fault_id, began=True
                        )
                    )
                self._acted(act, f"{spaced(fault.name)} begins")
            case Clear():
                self.pump.clear_all(act.clear)
                self._acted(act, f"{spaced(act.clear)} is over")
            case OnLink():
                self._put_on_link(act, link_ns)
                self._acted(act, f"{act.link} on the wire")
            case ClearLink():
                self._link_faults.clear()
                self._link.clear_faults()
                for wire in self._other_wires:
                    wire.clear()
                self._acted(act, "the wire is clean")

    def _put_on_link(self, rule: LinkRule, link_ns: int) -> None:
        fault = rule.fault(self.elapsed_ms, link_ns)
        self._link_faults.append(fault)
        self._link.add_fault(fault)
        for wire in self._other_wires:
            wire.add(fault)

    def _do_by_hand(self, act: Hands, link_ns: int) -> None:
        deed = hands.do(
            act,
            self.pump,
            self.endpoint.presence,
            link_ms=link_ns // NS_PER_MS,
            filled_nl=self._seen.filled_nl,
        )
        if isinstance(act, Fill):
            self._seen.ratio_ppm = deed.ratio_ppm
        if deed.pump is not None:
            self._gather()
            self.endpoint.put_in_place(deed.pump, self._guard_for(deed.pump), link_ns)
        self._acted(act, deed.text, deed.refused)

    def _guard_for(self, pump: Pump) -> PumpGuard | None:
        """With its keys, which the scenario's programmer holds; None for a pump that has none."""
        return None if self._keys is None else self._keys.guard_for(pump.serial_number)

    def _finish_exchange(self) -> None:
        result = self._link.take_result()
        if result is None:
            return
        act, self._under_way = self._under_way, None
        assert act is not None
        self._acted(act, result.text, result.refused, result.outcome)

    def _acted(
        self,
        act: Act,
        text: str,
        refused: tuple[str, ...] = (),
        outcome: Outcome | None = None,
    ) -> None:
        if outcome is None:
            outcome = Outcome.REFUSED if refused else Outcome.DONE
        self._seen.forget()
        self._gather()
        self._tell(
            Acted(at_ms=self.elapsed_ms, act=act, outcome=outcome, refused=refused, text=text)
        )
        self._tell(self._seen.look(self.elapsed_ms))

    # --- What is told ----------------------------------------------------------------------------

    def _tell(self, happening: Happening) -> None:
        for watcher in self._watchers:
            watcher(happening)

    def _gather(self) -> None:
        """Tell what is new at the pump."""
        for happening in self._seen.news(self.elapsed_ms):
            self._tell(happening)

    def flags_change_ms(self) -> int | None:
        """When the patient's flags change, if that is before the pump's next event.

        What that event will change nobody need foresee: the play stops there, and asks again.
        """
        if self._extent is not Extent.WITHOUT_END and not self.over:
            end_ms = self.endpoint.started_ms + self.scenario.length_ms
        else:
            end_ms = self.pump.at_ms + FORESEEN_MS
        event_ms = self.pump.next_due_ms()
        return self._seen.flags_change_ms(end_ms if event_ms is None else min(end_ms, event_ms))

    def _framed(self, to_pump: bool, link_ns: int, data: bytes) -> None:
        self._link_ns = max(link_ns, self._link_ns)
        self._tell(Framed(at_ms=self.elapsed_ms, link_ns=link_ns, to_pump=to_pump, data=data))

    def _on_session(self, event: LinkEvent, link_ns: int) -> None:
        self._tell(OnSession(at_ms=self.elapsed_ms, link_ns=link_ns, event=event))

    def _impaired(self, to_pump: bool, what: str, data: bytes) -> None:
        self._tell(
            Impaired(
                at_ms=self.elapsed_ms, link_ns=self._link_ns, to_pump=to_pump, what=what, data=data
            )
        )


class Undecided(Exception):
    """A choice came of which no option was picked; the message names it."""


def run(play: Play, until_ms: int | None = None, *, link_ns: int = 0) -> int:
    """Play in virtual time, as fast as possible: to the end, or until a moment of the scenario.

    Nothing waits: link time is set to when something is due next, and therapy time follows it as it
    does at x1, so that what expires on the link does so at its own moment of the therapy. It stands
    still while the scenario's programmer is in an exchange, as at any speed.

    :param link_ns: the link time at which it begins; returns that at which it ends.
    :raises Undecided: a choice comes of which nothing was picked.
    """
    endpoint = play.endpoint
    until_ns = None if until_ms is None else until_ms * NS_PER_MS
    while not play.over and link_ns != until_ns:
        if play.decision is not None:
            raise Undecided(f"choice {play.decision.name}: no option was picked")
        due_ns = endpoint.next_timeout_ns()
        assert due_ns is not None, "a play that is not over waits for something"
        link_ns = max(link_ns, due_ns)
        if until_ns is not None:
            link_ns = min(link_ns, until_ns)
        endpoint.handle_timeout(link_ns)
    return link_ns


def _order(scenario: Scenario) -> dict[int, int]:
    """The place of each entry in the file, by its identity: two may well be equal."""
    entries = (
        each for _, block in walk(scenario) for each in (*block.say, *block.at, *block.choice)
    )
    return {id(each): place for place, each in enumerate(entries, 1)}
