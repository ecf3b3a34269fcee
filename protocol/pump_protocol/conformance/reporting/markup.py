"""HTML that is escaped by construction: a text becomes markup by :func:`element` only.

It is made printable there, too: nobody else has to think of who sent it. It knows no report.
Attributes that are True stand alone, those that are None or False are left out.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

from pump_protocol.printable import printable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Content = str | Markup | None

_VOID: Final = frozenset({"input"})
"""Elements that have no content and no end."""


def element(name: str, *content: Content, **attributes: str | bool | None) -> Markup:
    """An element with its content; text in it, and in attributes, is made printable and escaped.

    :param attributes: ``class_`` for ``class``, and ``data_x`` for ``data-x``.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(content)}</{name}>")


def joined(content: Iterable[Content]) -> Markup:
    """Pieces, one after the other."""
    return Markup("".join(_escaped(each) for each in content if each is not None))


def _escaped(content: str) -> str:
    return content if isinstance(content, Markup) else escape(printable(content), quote=False)


def _attribute(key: str, value: str | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(printable(value))}"'
