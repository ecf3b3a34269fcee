"""What is fuzzed, and how many of the inputs each part gets; and one round of it."""

import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Final, Protocol

from fuzz.decoder import DecoderFuzz
from fuzz.envelope import EnvelopeFuzz
from fuzz.handshake import HandshakeFuzz
from fuzz.programmer import ProgrammerFuzz
from fuzz.pump import PumpFuzz

ROUND_INPUTS: Final = 250
"""After so many inputs a part is made anew: long enough for state to build up, short enough to be
done again while somebody looks for the one that mattered."""


class Fuzzed(Protocol):
    """A part under fuzz, with its state.

    :ivar last: the bytes that were fed last.
    """

    last: bytes

    def step(self) -> str:
        """Make one input and feed it; what came of it, in a word.

        :raises Exception: what must never happen; an AssertionError says what that is.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """A part: its name, its share of a hundred inputs, and how it is made."""

    name: str
    percent: int
    make: Callable[[Random], Fuzzed]


TARGETS: Final = {
    each.name: each
    for each in (
        Target("decoder", 24, DecoderFuzz),
        Target("envelope", 14, EnvelopeFuzz),
        Target("handshake", 4, HandshakeFuzz),
        Target("programmer", 8, ProgrammerFuzz),
        Target("pump", 40, PumpFuzz),
        Target("legacy-pump", 10, partial(PumpFuzz, secured=False)),
    )
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What must never happen, and how to see it again."""

    target: str
    seed: int
    round: int
    at: int
    data: bytes
    trace: str

    def __str__(self) -> str:
        again = f"python -m fuzz --only {self.target} --seed {self.seed} --round {self.round}"
        return (
            f"FAILED {self.target}, round {self.round}, input {self.at}\n"
            f"  input: {self.data.hex() or '(none)'}\n  again: {again}\n{self.trace.rstrip()}"
        )


@dataclass(slots=True)
class Tally:
    """How many inputs were fed to a target, for how long, and what came of them."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Count what *other* counted, too."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.outcomes += other.outcomes
        self.failures += other.failures


def run_rounds(name: str, seed: int, rounds: range, inputs: int = ROUND_INPUTS) -> Tally:
    """Some rounds of a target, each with random numbers of its own; a failure ends its round."""
    tally = Tally(name)
    began_s = time.perf_counter()
    for number in rounds:
        part: Fuzzed | None = None
        first = tally.inputs
        try:
            part = TARGETS[name].make(Random(f"{seed}:{name}:{number}"))
            for _ in range(inputs):
                tally.outcomes[part.step()] += 1
                tally.inputs += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            last = b"" if part is None else part.last
            trace = traceback.format_exc()
            at = tally.inputs - first
            tally.failures.append(Failure(name, seed, number, at, last, trace))
    tally.seconds = time.perf_counter() - began_s
    return tally
