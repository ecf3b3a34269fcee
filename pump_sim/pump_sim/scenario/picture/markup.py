"""Pieces of HTML that pages of pictures share: texts made safe, and tables; it knows no picture."""

from collections.abc import Iterable, Sequence
from html import escape

from pump_sim.scenario.picture.characters import drawable


def safe(text: str) -> str:
    """A text as text of a page or as the value of an attribute, whatever is in it."""
    return escape(drawable(text))


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of plain texts with a row of headings, or a sentence that there is nothing."""
    head = "".join(f'<th scope="col">{safe(each)}</th>' for each in heads)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{safe(each)}</td>" for each in row) + "</tr>" for row in rows
    )
    if not body:
        return f"<p>{safe(caption)}: none.</p>"
    return (
        f"<table><caption>{safe(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table>"
    )
