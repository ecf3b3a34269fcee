"""``make kills``: a pump process that keeps its state is killed 1,000 times, and nothing is lost.

SIGKILL at random moments, while a real programmer gives orders and programs, while it finds out
what became of the last one, and while the pump starts. After each start everything that was ever
acknowledged must be there, once. Exit code 1 where anything is not.
"""

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from fuzz.spread import spread
from pump_programmer import outcome
from pump_programmer.errors import (
    OutcomeUnknown,
    ProgrammerError,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer
from pump_protocol import messages as m
from soak.kept_pump import KeptPump, NotStarted
from soak.lots import TREATING
from soak.witness import Witness

SPREAD_S: Final = 0.15
"""A kill comes within so long after the first order: some tens of exchanges."""
STARTING_S: Final = 0.4
LOT_KILLS: Final = 50
SHOWN: Final = 10


@dataclass(slots=True)
class Tally:
    """What came of some kills.

    :ivar counts: kills, starts and orders, by what they were.
    :ivar wrong: what is not as it must be, in words.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count what *other* counted, too."""
        self.counts += other.counts
        self.wrong += other.wrong


@dataclass(frozen=True, slots=True)
class _Doubt:
    """An order or a commit whose answer was lost."""

    request: m.Request[m.Response]
    link_id: int
    prescription: m.Prescription | None = None


class _Victim:
    """One kept pump, its programmer, and what it was told."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.tally = Tally()
        self._folder = folder
        self._seed = seed
        self._random = Random(seed)
        self._key: str | None = None
        self._programmer: Programmer | None = None
        self._witness = Witness()
        self._doubt: _Doubt | None = None
        self._refills = 0

    def run(self, kills: int) -> Tally:
        """Kill it so often, and look at it a last time."""
        try:
            for number in range(kills):
                self._live_and_die(number, last=False)
            self._live_and_die(kills, last=True)
        except NotStarted as error:
            self.tally.wrong.append(f"lot {self._seed}: it does not start: {error}")
        self.tally.wrong += [f"lot {self._seed}: {why}" for why in self._witness.wrong]
        return self.tally

    def _live_and_die(self, number: int, *, last: bool) -> None:
        random = self._random
        with KeptPump(self._folder) as pump:
            if number and not last and not random.randrange(12):
                pump.kill_in(random.uniform(0.0, STARTING_S))
                pump.process.wait()
                self.tally.counts["kills at the start"] += 1
                return
            self._note_ready(pump.ready(), number)
            if last:
                self._settle(pump)
                return
            # Sometimes it dies already while somebody finds out what became of the last order.
            early = not random.randrange(4)
            if early:
                pump.kill_in(random.uniform(0.0, SPREAD_S))
            try:
                self._settle(pump)
                if not early:
                    pump.kill_in(random.uniform(0.0, SPREAD_S))
                while True:
                    self._order()
            except ProgrammerError:
                self._check_it_was_killed(pump, number)
            self.tally.counts["kills"] += 1

    def _note_ready(self, ready: dict[str, object], number: int) -> None:
        state = ready["state"]
        assert isinstance(state, dict)
        wanted = ("file",) if number else ("new",)
        if self._key is None:
            key = ready["key"]
            assert isinstance(key, str)
            self._key = key
        if state["origin"] not in wanted or state["notes"]:
            self.tally.wrong.append(f"lot {self._seed}, start {number}: it began from {state}")

    def _check_it_was_killed(self, pump: KeptPump, number: int) -> None:
        code = pump.process.wait()
        if code != -9:
            self.tally.wrong.append(f"lot {self._seed}, run {number} ended by itself: {code}")

    # --- Finding out -----------------------------------------------------------------------------

    def _settle(self, pump: KeptPump) -> None:
        """Open a link, find out what became of the last order, and look at everything."""
        if self._programmer is None or not self._random.randrange(3):
            # The programmer starts anew, too, and knows no more than what was written down.
            self._programmer = Programmer(
                pump.address, key=self._key, programmer_id=7, patience=Patience(5_000, attempts=1)
            )
        self._programmer.close()
        self._programmer.open()
        if self._doubt is not None:
            self._find_out(self._programmer, self._doubt)
            self._doubt = None
        self._witness.look(self._programmer)

    def _find_out(self, programmer: Programmer, doubt: _Doubt) -> None:
        done = outcome.resolve(programmer, doubt.request, doubt.link_id).done
        if done is None:
            self.tally.wrong.append(f"lot {self._seed}: never resolved: {doubt.request}")
        self.tally.counts["UNKNOWN, was done" if done else "UNKNOWN, was not done"] += 1
        if done:
            self._acknowledged(doubt.request, doubt.prescription)

    def _acknowledged(
        self, request: m.Request[m.Response], prescription: m.Prescription | None
    ) -> None:
        match request:
            case m.OrderBolus(number):
                self._witness.boluses.add(number)
            case m.UpdateReservoir(_, volume_nl):
                self._witness.refills.add(volume_nl)
            case m.CommitPrescription():
                assert prescription is not None
                self._witness.committed(prescription, self._witness.version + 1)

    # --- Orders ----------------------------------------------------------------------------------

    def _order(self) -> None:
        """One order or one programming.

        :raises ProgrammerError: the pump is gone; a doubt that this leaves is kept.
        """
        programmer, random = self._programmer, self._random
        assert programmer is not None
        wanted: m.Prescription | None = None
        try:
            match random.randrange(5):
                case 0 | 1:
                    ordered = programmer.order_bolus(
                        20_000, 60_000, concentration_ng_per_ml=2_000_000
                    )
                    self._witness.boluses.add(ordered.order_number)
                case 2:
                    self._refills += 1
                    updated = programmer.refill(12_000_000 + self._refills)
                    self._witness.refills.add(updated.after_nl)
                case _:
                    wanted = random.choice(TREATING)
                    done = programmer.program(wanted)
                    self._witness.committed(wanted, done.committed.version)
        except PumpRefused:
            self.tally.counts["refused"] += 1
        except VerificationFailed as error:
            if not error.committed:
                self.tally.wrong.append(f"lot {self._seed}: {error}")
            assert wanted is not None
            self._witness.committed(wanted, self._witness.version + 1)
            self.tally.counts["acknowledged"] += 1
            raise
        except OutcomeUnknown as unknown:
            self._doubt = _Doubt(unknown.request, programmer.link_id, wanted)
            raise
        else:
            self.tally.counts["acknowledged"] += 1


def run_kills(kills: int, seed: str) -> Tally:
    """So many kills of one kept pump."""
    with TemporaryDirectory(prefix="pump-sim-kills-") as folder:
        return _Victim(Path(folder), seed).run(kills)


def main(arguments: list[str]) -> int:
    """Kill as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m soak.kills", description="Kill a pump that keeps its state."
    )
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1, help="of the orders and the moments")
    parser.add_argument("--processes", type=int, default=2, help="pumps at a time")
    options = parser.parse_args(arguments)
    began_s = time.perf_counter()
    whole = Tally()
    pieces = [
        (min(LOT_KILLS, options.kills - first), f"{options.seed}:{first // LOT_KILLS}")
        for first in range(0, options.kills, LOT_KILLS)
    ]
    for _, tally in spread(run_kills, pieces, options.processes):
        whole.add(tally)
    _report(whole, time.perf_counter() - began_s)
    return 1 if whole.wrong else 0


def _report(whole: Tally, seconds: float) -> None:
    for what, count in sorted(whole.counts.items()):
        print(f"{what:24} {count:9,}")
    for why in whole.wrong[:SHOWN]:
        print(f"WRONG {why}")
    kills = whole.counts["kills"] + whole.counts["kills at the start"]
    print(
        f"\n{kills:,} kills in {seconds:.0f} s: {len(whole.wrong)} wrong (acknowledged and lost, "
        "done twice, not whole, or gone back)"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
