"""One take of what is played in a room: the play, what has happened, and how it goes back.

It is asked on the event loop of its pump, with the pump at the present, and tells nobody anything
by itself.
"""

import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from pump_sim.console.charted import COLUMNS
from pump_sim.console.history import History
from pump_sim.console.keepsakes import Keepsake, Moment
from pump_sim.console.marks import Mark
from pump_sim.console.piece import PRACTICE, Piece, Take
from pump_sim.console.story import Event
from pump_sim.control.errors import ControlError, out_of_range
from pump_sim.scenario.happenings import Chosen, Ended, Happening
from pump_sim.scenario.judging.judge import Verdict
from pump_sim.scenario.playing.play import Play

Shown = dict[str, Any]


class Session:
    """A play of *piece*, from its start on.

    :param number: which take it is.
    :param play: nothing has happened in it yet.
    :param on_event: told of each new line of the log.
    :param post: has something done later, when whoever moves time now is through.
    :ivar begun_at: the number of what had happened when the present take began.
    """

    def __init__(
        self,
        piece: Piece,
        number: int,
        play: Play,
        on_event: Callable[[Event], None],
        post: Callable[[Callable[[int], None]], None],
    ) -> None:
        self.piece = piece
        self.number = number
        self.play = play
        self.history = History(play, on_event)
        self._post = post
        self._first_serial_number = play.pump.serial_number
        self._judged: tuple[Verdict, ...] | None = None
        self.begun_at = 0
        play.watch(self._stop_at_the_end)

    def _stop_at_the_end(self, happening: Happening) -> None:
        """The room is to see the end: it stays until somebody lets time run again."""
        if not isinstance(happening, Ended):
            return
        endpoint, link_ns = self.play.endpoint, time.monotonic_ns()
        # Held until whoever moves the time now has heard of it.
        endpoint.hold(link_ns)
        endpoint.set_speed(Fraction(0), link_ns)
        endpoint.jumping = False
        self._post(self.play.hold_or_release)

    @property
    def take(self) -> Take:
        """The take, as far as it goes by now: with a look at the present."""
        told = self.history.happenings
        if told and told[-1].at_ms < self.play.elapsed_ms:
            told = (*told, self.play.look())
        return Take(self.number, self.piece, self._first_serial_number, told)

    @property
    def has_gone_on(self) -> bool:
        """Whether anything has happened in this take that is not in the one before it."""
        return self.history.number > self.begun_at

    def begun(self) -> None:
        """What happens from now on is this take's own."""
        self.begun_at = self.history.number

    # --- Going back ------------------------------------------------------------------------------

    def place(self, mark: int | None, elapsed_ms: int | None) -> tuple[Mark, int]:
        """Where to go back to, and to which moment to go on from there.

        :param mark: the number of a line that is notable, just before which one wants to be.
        :param elapsed_ms: or: a moment since the start.
        :raises ControlError: there is no such line, or the moment lies in the future.
        """
        if mark is not None:
            event = self.history.event(mark)
            found = None
            if event is not None and event.notable:
                found = self.history.just_before(event)
            if found is None:
                marks = [each.index for each in self.history.notable()]
                message = f"mark = {mark}: allowed are those of the session's marks"
                raise ControlError("bad_value", message, field="mark", value=mark, allowed=marks)
            return found
        assert elapsed_ms is not None
        first_ms, now_ms = self.history.earliest_ms, self.play.elapsed_ms
        at = self.history.mark_at(elapsed_ms)
        if at is None or elapsed_ms > now_ms:
            raise out_of_range("elapsed_ms", elapsed_ms, first_ms, now_ms, "ms")
        return at, elapsed_ms

    def go_back(self, mark: Mark, to_ms: int, number: int, link_ns: int) -> None:
        """Be at a mark, paused, and go on from there to a moment; it is another take then."""
        endpoint = self.play.endpoint
        endpoint.jumping = False
        endpoint.set_speed(Fraction(0), link_ns)
        self.play.turn_back(mark.bookmark, link_ns)
        self.history.forget_after(mark)
        self.number = number
        self._judged = None
        if to_ms > self.play.elapsed_ms:
            endpoint.jump_to(endpoint.started_ms + to_ms, link_ns)

    def keepsake(self, name: str) -> Keepsake:
        """The present, to be kept.

        :raises ControlError: the scenario's programmer is in the middle of an act.
        """
        bookmark = self.play.bookmark()
        if bookmark is None:
            message = "the scenario's programmer is in the middle of an act: wait until it is over"
            raise ControlError("impossible", message)
        moment = Moment(self.piece, bookmark, self.history.recording(), self._first_serial_number)
        return Keepsake.of_session(name, self.play.pump, moment)

    def continue_from(self, moment: Moment, link_ns: int) -> None:
        """Be where this piece stood at another time; what had happened before it has happened."""
        self._first_serial_number = moment.first_serial_number
        self.play.turn_back(moment.bookmark, link_ns)
        self.history.begin_with(moment.recording)

    # --- What there is to see --------------------------------------------------------------------

    def view(self) -> Shown:
        """What is played, how far, and what it waits for."""
        play, piece, history = self.play, self.piece, self.history
        practice = piece.loaded is None
        return {
            "kind": PRACTICE if practice else "scenario",
            "name": piece.name,
            "title": piece.scenario.title,
            "summary": " ".join(piece.scenario.summary.split()),
            "length_ms": None if practice else piece.scenario.length_ms,
            "elapsed_ms": play.elapsed_ms,
            "over": play.over,
            "take": self.number,
            "decision": self._decision(),
            "said": [
                {"elapsed_ms": each.at_ms, "text": each.text, "aloud": each.aloud}
                for each in history.said
            ],
            "chosen": [{"elapsed_ms": each.at_ms, **option_view(each)} for each in history.chosen],
            "verdicts": self._verdicts(),
        }

    def trainees_view(self) -> Shown:
        """Of the same what trainees may know: what is said aloud, and what they are asked."""
        return {
            "kind": PRACTICE if self.piece.loaded is None else "scenario",
            "elapsed_ms": self.play.elapsed_ms,
            "over": self.play.over,
            "said": [
                {"elapsed_ms": each.at_ms, "text": each.text}
                for each in self.history.said
                if each.aloud
            ],
            "decision": self._asked_aloud(),
        }

    def _decision(self) -> Shown | None:
        decision = self.play.decision
        if decision is None:
            return None
        options = [{"name": name, "title": title} for name, title in decision.options.items()]
        aloud = {each.choice.name for each in self.history.asked if each.choice.aloud}
        return {
            "name": decision.name,
            "ask": decision.ask,
            "aloud": decision.name in aloud,
            "options": options,
        }

    def _asked_aloud(self) -> Shown | None:
        """The question that trainees see: without names, which tell the right option."""
        decision = self._decision()
        if decision is None or not decision["aloud"]:
            return None
        titles = [{"title": each["title"]} for each in decision["options"]]
        return {"ask": decision["ask"], "options": titles}

    def _verdicts(self) -> Shown | None:
        if not self.play.over:
            return None
        if self._judged is None:
            self._judged = self.piece.verdicts(self.history.happenings)
        unmet = [each for each in self._judged if not each.met]
        return {
            "met": len(self._judged) - len(unmet),
            "total": len(self._judged),
            "unmet": [{"expected": each.expected, "happened": each.happened} for each in unmet],
        }

    def rows(self, points: int) -> Shown:
        """What the charts show: at most *points* rows, and what lasted."""
        rows = self.history.charted.rows
        gaps = max(1, points - 1)
        every = max(1, -(-(len(rows) - 1) // gaps))
        shown = list(rows[::every])
        if rows and shown[-1] is not rows[-1]:
            shown.append(rows[-1])
        return {"columns": COLUMNS, "rows": shown, "spans": self.spans()}

    def rows_after(self, number: int) -> Shown | None:
        """The rows that came after what has that number; None if there are none."""
        rows = self.history.charted.rows_after(number)
        return {"columns": COLUMNS, "rows": rows, "spans": self.spans()} if rows else None

    def spans(self) -> list[Shown]:
        """What lasted, and what still does."""
        return [each.as_json() for each in self.history.charted.spans()]

    def events(self, after: int, limit: int, *, trainee: bool) -> list[Shown]:
        """The lines of the log after the one of that number, the oldest first."""
        wanted = (
            each
            for each in self.history.events
            if each.index > after and (each.aloud or not trainee)
        )
        return [each.as_json() for each, _ in zip(wanted, range(limit), strict=False)]

    def marks(self) -> list[Shown]:
        """The lines just before which one can be again, the oldest first."""
        return [
            {
                "mark": each.index,
                "elapsed_ms": each.elapsed_ms,
                "clock_local_ms": each.clock_local_ms,
                "kind": each.kind.value,
                "text": each.text,
            }
            for each in self.history.notable()
        ]


def option_view(chosen: Chosen) -> Shown:
    """What was decided."""
    choice, option = chosen.choice, chosen.option
    return {"choice": choice.name, "option": option.name, "title": option.title}
