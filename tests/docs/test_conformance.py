"""Every clause of the specification that obliges is judged by a case of the conformance suite."""

import re
import sys

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.catalogue import cases_of
from tests.docs.pages import ROOT

sys.path.insert(0, str(ROOT / "tools"))

from conformance_tables import clauses, every_case, obliging


def test_every_must_has_a_case() -> None:
    """A clause with MUST and no case is a hole in the suite."""
    judged = {clause for case in every_case() for clause in case.clauses}
    holes = [each for each in obliging() if each not in judged]
    assert not holes, f"no case is about {' '.join(holes)}"


def test_every_case_is_about_clauses_that_there_are() -> None:
    """An id that the specification has not is a slip."""
    known = clauses()
    wrong = {each.slug: set(each.clauses) - known.keys() for each in every_case()}
    assert not {slug: ids for slug, ids in wrong.items() if ids}


def test_descriptions_read_as_sentences() -> None:
    """What is done is a sentence; what is expected goes on from a colon, and has no full stop."""
    for case in every_case():
        assert re.fullmatch(r"[A-Z0-9`].*\.", case.description), case.slug
        assert not case.expectation.endswith("."), case.slug
        assert case.expectation, case.slug


def test_both_directions_have_cases() -> None:
    """The suite judges pumps, and programmers."""
    assert all(cases_of(side) for side in Side)
