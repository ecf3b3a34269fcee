"""Failures that are known: a list that is kept beside a subject and shrinks as it gets better.

A file of slugs, one a line. Behind a ``#`` is a comment. What becomes of an entry is judged by
:class:`pump_protocol.conformance.report.Report`; this only reads the list.
"""

from collections.abc import Sequence

from pump_protocol.conformance.cases import Case
from pump_protocol.conformance.selection import close_matches


class BadExpectation(ValueError):
    """A line that names no case, or one that stands there twice; the message says which line."""


def read_expected(text: str, cases: Sequence[Case]) -> tuple[str, ...]:
    """The slugs in *text*, in their order.

    :param cases: every case of that side, whether or not it will be played.
    :raises BadExpectation: a line is none of their slugs, or is there for the second time.
    """
    known = {each.slug for each in cases}
    lines: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        slug = line.partition("#")[0].strip()
        if not slug:
            continue
        if slug not in known:
            raise BadExpectation(
                f"line {number}: {slug!r} is no case.{close_matches(slug, cases, groups=False)}"
                " A line is one slug, without patterns."
            )
        if slug in lines:
            raise BadExpectation(f"line {number}: {slug} is on line {lines[slug]} already")
        lines[slug] = number
    return tuple(lines)
