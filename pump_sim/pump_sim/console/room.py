"""A room: one pump on its port, what is played on it, and what has happened.

Everybody asks the room - pages, tests over HTTP, the command line - and the room has it done where
the keys of a terminal are: posted to the host of the pump, one thing after the other. What pages
look like, and who may ask, is not known here.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from pump_sim import snapshot
from pump_sim.console.deeds import DEEDS, deed_text
from pump_sim.console.feed import Feed, Message, View
from pump_sim.console.history import History
from pump_sim.console.keepsakes import Keepsake, Keepsakes
from pump_sim.console.piece import Piece, Take, practice_piece, practice_with, scenario_piece
from pump_sim.console.session import Session, option_view
from pump_sim.console.sight import Sight
from pump_sim.console.story import Event
from pump_sim.control.command import Call, Command, Fleet, Result
from pump_sim.control.commands import COMMANDS
from pump_sim.control.errors import ControlError, unknown
from pump_sim.control.moving import target_ms, time_of
from pump_sim.control.parameters import read_fields
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.refusals import Refused
from pump_sim.model.units import DAY_MS
from pump_sim.ports.impaired import ImpairedPort
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.playing.play import Play
from pump_sim.serve import PumpHost

_T = TypeVar("_T")

STRIDE_MS: Final = 30 * DAY_MS
"""How far time is moved at once: some ms of work, however much happens."""

MOST_TAKES: Final = 12
"""Ways that were left and are kept for the debrief."""


class Rooms(Fleet, Protocol):
    """All pumps of the process."""

    @property
    def ids(self) -> Sequence[str]:
        """What their rooms are called."""


class Room:
    """A pump on *port*, with which *piece* is played first.

    :param room_id: what it is called in requests.
    :param port: not yet started.
    :param fleet: all pumps of the process.
    :param keys: the keys of every pump that was ever played here.
    :raises ControlError: no pump begins so.
    """

    def __init__(
        self, room_id: str, port: ImpairedPort, piece: Piece, fleet: Rooms, keys: KeyRing
    ) -> None:
        self.id = room_id
        self._fleet = fleet
        self._keys = keys
        self._port = port
        self._takes: list[Take] = []
        self._take = 1
        self._keepsakes = Keepsakes()
        self._rows_told = 0
        self._count = 0
        self._closed = False
        self.feed = Feed(self._picture, self._runs, self._begin_to_show)
        play = piece.stage(keys, time.monotonic_ns())
        self.host = PumpHost(play.endpoint, port)
        self.host.watch(lambda _: self.feed.stir())
        self._session = self._new_session(piece, play)

    async def open(self) -> None:
        """Let the pump be reached on its port.

        :raises PortError: the port cannot be had.
        """
        await self.host.start()
        await self._do(lambda endpoint, link_ns: endpoint.catch_up(link_ns))

    async def close(self) -> None:
        """Serve the pump no more."""
        self._closed = True
        self.feed.close()
        await self.host.close()

    @property
    def play(self) -> Play:
        """What is being played."""
        return self._session.play

    @property
    def history(self) -> History:
        """What has happened in the present take."""
        return self._session.history

    # --- What is asked of it ---------------------------------------------------------------------

    async def ask(self, command: str, given: Mapping[str, Any]) -> Result:
        """Have a command of the door carried out.

        :raises ControlError: it is none, its fields are not what it takes, or it cannot be done.
        """
        if command not in COMMANDS:
            raise unknown("unknown_command", "command", command, COMMANDS, "do")
        found = COMMANDS[command]
        checked = read_fields(given, found.parameters, found.name)
        if command == "advance":
            return await self._advance(checked)
        return await self._do(
            lambda endpoint, link_ns: self._carry_out(found, checked, endpoint, link_ns)
        )

    async def _advance(self, given: Mapping[str, Any]) -> Result:
        """Move time in strides: between two of them the wire and the pages are served.

        It ends early where the pump waits, and where somebody goes back or begins another session.
        """
        session, begun_at = self._session, self._session.begun_at

        def call(endpoint: PumpEndpoint, link_ns: int) -> Call:
            return Call(endpoint, link_ns, given, self._fleet)

        to_ms = await self._do(lambda *now: target_ms(call(*now)))

        def stride(endpoint: PumpEndpoint, link_ns: int) -> bool:
            """Move on; returns whether there is more of the way."""
            now_ms = endpoint.simulation.now_ms
            if self._session is not session or session.begun_at != begun_at or now_ms >= to_ms:
                return False
            next_ms = min(to_ms, now_ms + STRIDE_MS)
            endpoint.jump_to(next_ms, link_ns)
            return next_ms <= endpoint.simulation.now_ms < to_ms

        while await self._do(stride):
            pass
        return await self._do(lambda *now: time_of(call(*now)))

    def _carry_out(
        self, command: Command, given: Mapping[str, Any], endpoint: PumpEndpoint, link_ns: int
    ) -> Result:
        faults = {each.fault_id: each.fault.name for each in endpoint.simulation.pump.faults}
        text = deed_text(command.name, given, faults)
        try:
            result = command.handle(Call(endpoint, link_ns, given, self._fleet))
        except Refused as error:
            codes = tuple(each.code.name.lower() for each in error.reasons)
            self.play.intervened(command.name, given, text, codes)
            endpoint.handled(link_ns)  # the refusal is in the log
            raise
        if command.name in DEEDS:
            self.play.intervened(command.name, given, text)
            endpoint.handled(link_ns)
        return result

    async def begin(self, piece: Piece) -> Result:
        """Play something else from its start, paused. What was played is kept for the debrief.

        :raises ControlError: no pump begins so; what is played goes on.
        """
        return await self._do(lambda _, link_ns: self._begin(piece, link_ns))

    async def play_scenario(self, name: str, picks: Mapping[str, str]) -> Result:
        """Play a scenario from its start, paused.

        :raises ControlError: there is none of that name, or it has no such options.
        """
        return await self.begin(scenario_piece(name, picks))

    async def practise(self, wishes: Mapping[str, Any]) -> Result:
        """Begin a practice: a pump as it is wished for, and nothing that is written down.

        :raises ControlError: no pump begins so.
        """
        return await self.begin(practice_piece(wishes))

    async def reset(self) -> Result:
        """Play the same from its start once more, paused."""
        return await self.begin(self._session.piece)

    async def rewind(self, *, mark: int | None = None, elapsed_ms: int | None = None) -> Result:
        """Go back to just before what a line of the log tells, or to a moment; paused then.

        What happened since is kept for the debrief, as a take. Links that are open are lost.

        :raises ControlError: neither or both are given, there is no such line, or the moment lies
            in the future.
        """
        if (mark is None) == (elapsed_ms is None):
            message = "rewind: give either mark, the number of a line, or elapsed_ms, a moment"
            raise ControlError("missing_field", message, field="mark")
        return await self._do(lambda _, link_ns: self._rewind(mark, elapsed_ms, link_ns))

    async def _do(self, act: Callable[[PumpEndpoint, int], _T]) -> _T:
        """Have something done with the pump at its present, and wait for it."""
        if self._closed:
            raise ControlError("unknown_pump", f"pump {self.id} has been closed", field="pump")
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        def do(endpoint: PumpEndpoint, link_ns: int) -> None:
            try:
                result = act(endpoint, link_ns)
            except (ControlError, Refused) as error:
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():  # whoever asked may have gone
                    future.set_result(result)

        self.host.post(do)
        result = await future
        self.feed.stir(wanted=True)
        return result

    # --- Sessions --------------------------------------------------------------------------------

    def _begin(self, piece: Piece, link_ns: int) -> Result:
        self._put_on(piece, piece.stage(self._keys, link_ns))
        return self._begun(link_ns)

    def _put_on(self, piece: Piece, play: Play) -> None:
        """Have something else played; what was played is left."""
        self._leave_take()
        self._session = self._new_session(piece, play)
        self.host.seat(play.endpoint)

    def _begun(self, link_ns: int) -> Result:
        """What is due at the start has happened, and all who watch know."""
        self._session.play.endpoint.catch_up(link_ns)
        self._session.begun()
        self._rows_told = self.history.number
        self.feed.tell({"type": "session"})
        return self._session.view()

    def _new_session(self, piece: Piece, play: Play) -> Session:
        self._port.refit(play.noise(), play.endpoint.elapsed_ms)
        self._count += 1
        return Session(piece, self._take, play, self._tell_event, self._later)

    def _later(self, act: Callable[[int], None]) -> None:
        if not self._closed:  # else nobody moves time any more
            self.host.post(lambda _, link_ns: act(link_ns))

    def _leave_take(self) -> None:
        take = self._session.take
        if take.can_be_drawn and self._session.has_gone_on:
            self._takes = [*self._takes, take][-MOST_TAKES:]
            self._take += 1

    def _rewind(self, mark: int | None, elapsed_ms: int | None, link_ns: int) -> Result:
        found, to_ms = self._session.place(mark, elapsed_ms)
        self._leave_take()
        self._session.go_back(found, to_ms, self._take, link_ns)
        return self._begun(link_ns)

    # --- Snapshots -------------------------------------------------------------------------------

    async def save(self, name: str, state: Mapping[str, Any] | None = None) -> Result:
        """Keep the present under a name, or a state that was read from a pump before.

        :raises ControlError: no pump can be in that state, or too many are kept.
        """
        if state is not None:
            # In a thread: it may be megabytes long, and the pump's link is heard meanwhile.
            return self._keepsakes.add(await asyncio.to_thread(Keepsake.of_state, name, state))
        return await self._do(lambda *_: self._keepsakes.add(self._session.keepsake(name)))

    def snapshots(self) -> list[Result]:
        """What is kept, the oldest first."""
        return self._keepsakes.listed()

    def snapshot(self, snapshot_id: str) -> Result:
        """A snapshot with its state.

        :raises ControlError: there is none.
        """
        return self._keepsakes.shown(snapshot_id)

    def discard(self, snapshot_id: str) -> None:
        """Keep a snapshot no longer.

        :raises ControlError: there is none.
        """
        self._keepsakes.discard(snapshot_id)

    async def restore(self, snapshot_id: str) -> Result:
        """Be where a snapshot was taken, with the scenario as it was then; paused. A state that was
        uploaded begins a practice.

        :raises ControlError: there is none.
        """
        keepsake = self._keepsakes.found(snapshot_id)
        return await self._do(lambda _, link_ns: self._restore(keepsake, link_ns))

    def _restore(self, keepsake: Keepsake, link_ns: int) -> Result:
        moment = keepsake.moment
        if moment is None:
            return self._begin(practice_with(snapshot.load(keepsake.state)), link_ns)
        self._put_on(moment.piece, moment.piece.stage(self._keys, link_ns))
        self._session.continue_from(moment, link_ns)
        return self._begun(link_ns)

    # --- What there is to see --------------------------------------------------------------------

    def _present(self) -> Session:
        """The session, with its pump at the present; also while nobody watches."""
        self.play.endpoint.catch_up(time.monotonic_ns())
        return self._session

    def summary(self) -> Result:
        """Which pump it is, and what is played on it."""
        identity = Sight(self.play, self._port.address).identity()
        return {"id": self.id, **identity, "session": self.session()}

    def session(self) -> Result:
        """What is played, how far, and what it waits for."""
        return self._present().view()

    def sight(self) -> Message:
        """All that an instructor is shown."""
        session = self._present()
        seen = Sight(session.play, self._port.address).of_instructor()
        return self._message("sight", seen, session.view())

    def observed(self) -> Message:
        """All that a trainee is shown."""
        session = self._present()
        seen = Sight(session.play, self._port.address).of_trainee()
        return self._message("observed", seen, session.trainees_view())

    def _message(self, kind: str, seen: Result, session: Result) -> Message:
        return {
            "type": kind,
            "pump": self.id,
            "pumps": list(self._fleet.ids),
            "session": session,
            **seen,
            "people": {
                "instructors": self.feed.count("instructor"),
                "trainees": self.feed.count("trainee"),
            },
        }

    def rows(self, points: int) -> Result:
        """What the charts show: at most *points* rows, and what lasted."""
        return self._present().rows(points)

    def events(self, after: int = 0, limit: int = 500, *, trainee: bool = False) -> list[Result]:
        """The lines of the log after the one of that number, the oldest first."""
        return self._present().events(after, limit, trainee=trainee)

    def marks(self) -> list[Result]:
        """The lines just before which one can be again, the oldest first."""
        return self._present().marks()

    def takes(self) -> list[Result]:
        """All ways that were played in this room, the present one last."""
        return [
            {
                "take": each.number,
                "name": each.piece.name,
                "title": each.piece.scenario.title,
                "branch": [option_view(chosen) for chosen in each.chosen],
                "length_ms": each.length_ms,
                "over": each.over,
                "present": each.number == self._take,
            }
            for each in (*self._takes, self._present().take)
        ]

    def takes_for_debrief(self) -> list[Take]:
        """All ways of which there is something to show, the present one last."""
        return [each for each in (*self._takes, self._present().take) if each.can_be_drawn]

    # --- What is told ----------------------------------------------------------------------------

    def _runs(self) -> bool:
        return bool(self.play.endpoint.speed)

    def _picture(self, view: View) -> Message:
        if view == "trainee":
            return self.observed()
        picture = self.sight()
        new = self._session.rows_after(self._rows_told)
        if new is not None:
            self.feed.tell({"type": "rows", **new}, "instructor")
        self._rows_told = self.history.number
        return picture

    def _begin_to_show(self, view: View) -> None:
        """Somebody watches again: what has happened meanwhile they read for themselves."""
        if view == "instructor":
            self._rows_told = self.history.number

    def _tell_event(self, event: Event) -> None:
        views: tuple[View, ...] = ("instructor", "trainee") if event.aloud else ("instructor",)
        self.feed.tell({"type": "event", "session": self._count, **event.as_json()}, *views)

    @property
    def session_number(self) -> int:
        """How many sessions there were: numbers of lines are of one of them."""
        return self._count
