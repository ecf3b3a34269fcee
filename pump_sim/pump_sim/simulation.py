"""The one mover of therapy time: it steps SimPy, and SimPy steps the pump.

It does not know what time it ought to be (that is a clock's business), nor what is said to the
pump.
"""

from collections.abc import Generator

import simpy

from pump_sim.model.pump import Pump


class Simulation:
    """A pump in a SimPy environment whose integer time is ms since the pump's implant.

    Give commands to `pump` after `advance` has brought it to the present.

    A timeout enters SimPy's queue only in `advance`, and only if it will be reached before that
    returns. So no command can leave a stale one behind: a plan that changes a hundred thousand
    times takes no more memory than one that never does.
    """

    def __init__(self, pump: Pump) -> None:
        self.pump = pump
        self._env = simpy.Environment(initial_time=pump.at_ms)
        self._horizon_ms = pump.at_ms
        self._horizon_moved = self._env.event()
        self._event_count = 0
        self._env.process(self._therapy())

    @property
    def now_ms(self) -> int:
        """The present, in ms since the implant."""
        return self.pump.at_ms

    @property
    def event_count(self) -> int:
        """How many SimPy events have been processed so far."""
        return self._event_count

    def next_event_ms(self) -> int | None:
        """When something observable happens next, if nobody interferes; None if never."""
        return self.pump.next_due_ms()

    def advance(self, to_ms: int) -> None:
        """Move time to `to_ms`: everything due until then, and at that very moment, has happened.

        Raises ValueError if that lies in the past.
        """
        if to_ms < self.now_ms:
            raise ValueError(f"to_ms = {to_ms}: it is already {self.now_ms}")
        due_ms = self.pump.next_due_ms()
        if due_ms is None or to_ms < due_ms:
            # Nothing observable happens until then, so there is nothing for SimPy to do: what has
            # flowed is a function of time. A pump that is only read goes this way each time.
            if to_ms > self.pump.at_ms:
                self.pump.settle(to_ms)
            return
        self._horizon_ms = to_ms
        self._horizon_moved.succeed()
        while self._env.peek() <= to_ms:
            self._env.step()
            self._event_count += 1

    def advance_to_next_event(self) -> int | None:
        """Move time to the next observable moment and return it; None, and no move, if never."""
        next_ms = self.next_event_ms()
        if next_ms is not None:
            self.advance(next_ms)
        return next_ms

    def _therapy(self) -> Generator[simpy.Event, None, None]:
        """What a pump does all its life: wait for the next due moment, and let it happen."""
        while True:
            due_ms = self.pump.next_due_ms()
            wake_ms = self._horizon_ms if due_ms is None else min(due_ms, self._horizon_ms)
            if wake_ms > self._env.now:
                yield self._env.timeout(wake_ms - self._env.now)
                self.pump.settle(wake_ms)
            else:
                self._horizon_moved = self._env.event()
                yield self._horizon_moved
