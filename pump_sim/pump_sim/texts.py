"""Small helps for what is said to people; it knows nothing of what it is about."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

LONGEST_NAME: Final = 60
"""Longer names resemble nothing, and comparing them takes long."""

_NEAR: Final = 0.65
"""How much alike two names are of which one may have been meant; difflib's measure."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With which a formula begins; some spreadsheets pass over blanks and control characters first."""

_ABBREVIATIONS: Final = frozenset({"csf", "eos", "eri", "mri"})


def spaced(name: str) -> str:
    """The name of a code or a key as people write it: ``MRI scan``, ``low reservoir``."""
    words = name.lower().split("_")
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)


def cell(text: str) -> str:
    """A text in a table that no spreadsheet takes for a formula, whoever wrote it."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def shortened(value: object, longest: int) -> str:
    """A value as Python writes it, cut at so many characters; of a long one, no more is written."""
    text = ""
    for piece in _pieces(value, longest):
        text += piece
        if len(text) > longest:
            return f"{text[: longest - 3]}..."
    return text


def _pieces(value: object, longest: int) -> Iterator[str]:
    """What is written of a value, piece by piece: a list may be megabytes long."""
    if isinstance(value, dict):
        before = "{"
        for key, each in value.items():
            yield before
            yield from _pieces(key, longest)
            yield ": "
            yield from _pieces(each, longest)
            before = ", "
        yield "}" if value else "{}"
    elif isinstance(value, list):
        before = "["
        for each in value:
            yield before
            yield from _pieces(each, longest)
            before = ", "
        yield "]" if value else "[]"
    else:
        yield repr(value[:longest] if isinstance(value, str) else value)


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
