"""All the ways through a scenario's choices: an instructor picks one, a check tries each.

Here is also how a way, and a single pick of it, is written and read.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Final

from pump_sim.scenario.file.acts import AnyAct
from pump_sim.scenario.file.document import Block, Choice
from pump_sim.scenario.file.places import Place
from pump_sim.texts import did_you_mean

ONLY_WAY: Final = "only way"
"""What a way is called on which nothing is chosen."""

MOST_COUNTED: Final = 1_000_000
"""Nobody can try more ways; their number could have thousands of digits."""


class PickError(ValueError):
    """What was given is no pick, or none that a scenario has; the message says which and why."""


class Way(tuple[tuple[str, str], ...]):
    """Which option is picked of each choice that comes, in the order of time: (choice, option)."""

    __slots__ = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """Each pick as it is written: ``answer=stay``."""
        return tuple(f"{choice}={option}" for choice, option in self)

    def __str__(self) -> str:
        return way_text(self.texts)


def way_text(picks: Iterable[str]) -> str:
    """A way of which the picks are written already: ``answer=stay, dose=half``, or ``only way``."""
    return ", ".join(picks) or ONLY_WAY


def read_pick(text: str) -> tuple[str, str]:
    """A choice and its option, from a text such as ``refill=nobody-comes``.

    :raises PickError: it is not written like that.
    """
    choice, equals, option = text.partition("=")
    if not (choice and equals and option):
        raise PickError(f"{text!r}: write it as CHOICE=OPTION")
    return choice, option


def read_picks(texts: Iterable[str], scenario: Block) -> dict[str, str]:
    """Options by the name of their choice.

    :raises PickError: there is no such choice, it has no such option, or it has two of them.
    """
    picks: dict[str, str] = {}
    choices = {each.name: each for each in choices_of(scenario)}
    for text in texts:
        name, option = read_pick(text)
        if name not in choices:
            known = ", ".join(choices) or "none"
            near = _perhaps(name, choices)
            raise PickError(f"{text!r}: no choice {name!r}; there are {known}{near}")
        options = [each.name for each in choices[name].option]
        if option not in options:
            near = _perhaps(option, options)
            raise PickError(f"{text!r}: {name} has {', '.join(options)}{near}")
        if picks.setdefault(name, option) != option:
            raise PickError(f"{text!r}: {picks[name]} is picked already")
    return picks


def _perhaps(name: str, known: Iterable[str]) -> str:
    near = did_you_mean(name, known)
    return near and f".{near}"


# --- Blocks --------------------------------------------------------------------------------------


def walk(block: Block, place: Place = ()) -> Iterator[tuple[Place, Block]]:
    """A block and all blocks within it, the options of its choices, with the place of each."""
    yield place, block
    for number, choice in enumerate(block.choice):
        for index, option in enumerate(choice.option):
            yield from walk(option, (*place, "choice", number, "option", index))


def acts_of(block: Block) -> Iterator[AnyAct]:
    """All acts of a block, with those of every option."""
    return (act for _, each in walk(block) for act in each.at)


def choices_of(block: Block) -> Iterator[Choice]:
    """All choices of a block, with those of every option."""
    return (choice for _, each in walk(block) for choice in each.choice)


# --- Ways ----------------------------------------------------------------------------------------


def branches(block: Block) -> tuple[Way, ...]:
    """Every way through a block; one empty way where there is nothing to choose."""
    ways = [_ways(each) for each in sorted(block.choice, key=lambda choice: choice.time_ms)]
    return tuple(Way(pick for way in combined for pick in way) for combined in product(*ways))


def count_branches(block: Block) -> int:
    """How many ways there are through a block, without walking them; at most `MOST_COUNTED`."""
    ways = 1
    for choice in block.choice:
        ways = min(ways * sum(map(count_branches, choice.option)), MOST_COUNTED)
    return ways


def _ways(choice: Choice) -> list[Way]:
    return [
        Way(((choice.name, option.name), *further))
        for option in choice.option
        for further in branches(option)
    ]
