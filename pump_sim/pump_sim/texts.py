"""Small helps for what is said to people; it knows nothing of what it is about."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

LONGEST_NAME: Final = 60
"""Longer names resemble nothing, and comparing them takes long."""

_NEAR: Final = 0.65
"""How much alike two names are of which one may have been meant; difflib's measure."""

_ABBREVIATIONS: Final = frozenset({"csf", "eos", "eri", "mri"})


def spaced(name: str) -> str:
    """The name of a code or a key as people write it: ``MRI scan``, ``low reservoir``."""
    words = name.lower().split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The one of the known names that may have been meant; None where none is near."""
    if not isinstance(name, str) or len(name) > LONGEST_NAME:
        return None
    near = get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    return near[0] if near else None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """A question after the nearest of the known names, to go behind a sentence; or nothing."""
    near = nearest(name, known)
    return f" Did you mean {near}?" if near else ""
