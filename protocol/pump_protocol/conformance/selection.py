"""Which cases are played: by slug, by pattern, by group and by level; it plays none."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from pump_protocol.conformance.cases import Case, Level

_LONGEST: Final = 80
"""Longer names resemble no slug, and comparing them takes long."""


class BadSelection(ValueError):
    """A pattern that no case fits, or a choice that leaves none; the message says which."""


def select(
    cases: Sequence[Case],
    *,
    only: Sequence[str] = (),
    exclude: Sequence[str] = (),
    levels: Collection[Level] = (),
) -> list[Case]:
    """The cases that are wanted, in their order.

    :param only: slugs, groups or patterns such as ``frame/*``; none for all cases.
    :param exclude: as *only*; what is in both is left out.
    :param levels: none for all of them.
    :raises BadSelection: a pattern fits no case of *cases*, or no case is left.
    """
    wanted = _fitting("--only", only, cases) if only else {each.slug for each in cases}
    unwanted = _fitting("--exclude", exclude, cases)
    chosen = [
        each
        for each in cases
        if each.slug in wanted - unwanted and (not levels or each.level in levels)
    ]
    if not chosen:
        raise BadSelection("no case is left: --only, --exclude and --level leave out each one")
    return chosen


def fits(pattern: str, case: Case) -> bool:
    """Whether a pattern means a case: its slug or group, perhaps with ``*``, ``?``, ``[..]``."""
    return fnmatchcase(case.slug, pattern) or fnmatchcase(case.group, pattern.removesuffix("/"))


def close_matches(name: str, cases: Iterable[Case], *, groups: bool = True) -> str:
    """A question after the slugs that may have been meant, behind a sentence; or nothing.

    A name that is a part of some is taken to mean these.

    :param groups: whether a group may have been meant, too.
    """
    if not name or len(name) > _LONGEST:
        return ""
    known = list(cases)
    names = [each.slug for each in known]
    called = list(dict.fromkeys(each.group for each in known)) if groups else []
    near = get_close_matches(name, called + names, n=3, cutoff=0.65)
    near = near or [each for each in names if name.strip("*/") and name.strip("*/") in each][:3]
    return f" Did you mean {' or '.join(near)}?" if near else ""


def _fitting(option: str, patterns: Sequence[str], cases: Sequence[Case]) -> set[str]:
    found: set[str] = set()
    for pattern in patterns:
        slugs = {each.slug for each in cases if fits(pattern, each)}
        if not slugs:
            raise BadSelection(
                f"{option} = {pattern}: no case fits.{close_matches(pattern, cases)}"
                " --list shows them all."
            )
        found |= slugs
    return found
