"""What a case is: a name for ever, what it obliges to, what it needs, and how it is played.

The decorators :func:`pump_case` and :func:`programmer_case` make cases of generator functions. A
slug is permanent: reports, JUnit and lists of expected failures of other people hold it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from pump_protocol.conformance.steps import Hook, Play

if TYPE_CHECKING:
    from pump_protocol.conformance.standin import StandIn
    from pump_protocol.conformance.tester import Tester

_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")
_CLAUSE: Final = re.compile(r"[A-Z]+-[0-9]{2}")


class Level(StrEnum):
    """How strongly the specification asks for it."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Side(StrEnum):
    """Which end of the line a case judges: the direction of the suite."""

    PUMP = "pump"
    PROGRAMMER = "programmer"


class Profile(StrEnum):
    """Which security profile a subject must have to be judged by a case."""

    AUTHENTICATED = "authenticated"
    LEGACY_INSECURE = "legacy-insecure"


@dataclass(frozen=True, slots=True)
class Case:
    """One case.

    :ivar slug: its permanent name, ``group/what``.
    :ivar clauses: the ids of the specification that it is about.
    :ivar description: what is done.
    :ivar expectation: what a good subject does.
    :ivar profile: the only security profile that it is about; None for both.
    :ivar hooks: what must be offered beside the line (pumps only).
    :ivar tasks: what the programmer must be able to do (programmers only).
    :ivar changes_nothing: prescription, volumes and therapy log must be afterwards as they were:
        the second verdict.
    :ivar fresh: it would trip limits of a pump that lives on, or needs one that nobody used:
        without the hook RENEW it is unsupported.
    :ivar waits_ms: the link time that it lets pass on purpose, all together.
    :ivar seeded: what it sends depends on the seed of the run.
    :ivar play: the case itself; what it returns, if anything, is information and no judgement.
    """

    slug: str
    level: Level
    clauses: tuple[str, ...]
    side: Side
    description: str
    expectation: str
    play: Callable[[Any], Play[str | None]]
    profile: Profile | None = None
    hooks: frozenset[Hook] = frozenset()
    tasks: frozenset[str] = frozenset()
    changes_nothing: bool = False
    fresh: bool = False
    waits_ms: int = 0
    seeded: bool = False

    @property
    def group(self) -> str:
        """The part of the slug before the slash."""
        return self.slug.partition("/")[0]


CASES: Final[dict[str, Case]] = {}
"""Every case that was declared so far, by its slug; :mod:`.catalogue` loads all of them."""


def pump_case(
    slug: str, level: Level, clauses: str, *, expects: str, hooks: str = "", **more: Any
) -> Callable[["Callable[[Tester], Play[str | None]]"], "Callable[[Tester], Play[str | None]]"]:
    """Declare a case that judges a pump; the docstring of the generator says what is done.

    :param clauses: ids of the specification, with spaces between.
    :param hooks: names of :class:`.steps.Hook`, with spaces between.
    :param more: other attributes of :class:`Case`.
    """

    def declare(
        play: "Callable[[Tester], Play[str | None]]",
    ) -> "Callable[[Tester], Play[str | None]]":
        wanted = frozenset(Hook(each) for each in hooks.split())
        _declare(slug, level, clauses, Side.PUMP, expects, play, hooks=wanted, **more)
        return play

    return declare


def programmer_case(
    slug: str, level: Level, clauses: str, *, expects: str, tasks: str, **more: Any
) -> Callable[["Callable[[StandIn], Play[str | None]]"], "Callable[[StandIn], Play[str | None]]"]:
    """Declare a case that judges a programmer; see :func:`pump_case`.

    :param tasks: names of what the programmer must be able to do, with spaces between.
    """

    def declare(
        play: "Callable[[StandIn], Play[str | None]]",
    ) -> "Callable[[StandIn], Play[str | None]]":
        wanted = frozenset(tasks.split())
        _declare(slug, level, clauses, Side.PROGRAMMER, expects, play, tasks=wanted, **more)
        return play

    return declare


def _declare(
    slug: str,
    level: Level,
    clauses: str,
    side: Side,
    expects: str,
    play: Callable[[Any], Play[str | None]],
    **more: Any,
) -> None:
    ids = tuple(clauses.split())
    description = " ".join((play.__doc__ or "").split())
    assert _SLUG.fullmatch(slug), f"{slug!r}: a slug is group/what-is-done"
    assert slug not in CASES, f"{slug}: there is a case of that name"
    assert ids, f"{slug}: a case is about clauses"
    assert all(_CLAUSE.fullmatch(each) for each in ids), f"{slug}: clauses {clauses!r}"
    assert description, f"{slug}: a case says in its docstring what is done"
    CASES[slug] = Case(slug, level, ids, side, description, expects, play, **more)
