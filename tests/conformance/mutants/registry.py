"""Mutants: pumps and programmers that are wrong in one way, and the case that must catch each.

A mutant is a small change of the product, made for one test. It must not change the suite itself,
which runs in the same process, nor the good pump behind a case: so it alters the endpoint of the
pump, or names in modules that only the end uses that is judged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Generic, TypeVar

import pytest

from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import StateVerdict, Verdict
from tests.conformance.pumps import InProcessPump

C = TypeVar("C", bound=Callable[..., None])


@dataclass(frozen=True, slots=True)
class Mutant(Generic[C]):
    """A subject that is wrong in one way.

    :ivar wrong: what is wrong with it.
    :ivar caught_by: the slug of the case that must fail on it.
    :ivar change: makes it so.
    :ivar authenticated: of which profile the pump is, which is judged or played.
    """

    name: str
    wrong: str
    caught_by: str
    change: C
    authenticated: bool


class Registry(Generic[C]):
    """The mutants of one side, as the modules ``<side>_*.py`` beside this one declare them."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._mutants: dict[str, Mutant[C]] = {}

    def mutant(self, name: str, *, caught_by: str, authenticated: bool = True) -> Callable[[C], C]:
        """Declare one; the docstring of the change says what is wrong with it."""

        def declare(change: C) -> C:
            assert name not in self._mutants, f"{name}: there is a mutant of that name"
            wrong = " ".join((change.__doc__ or "").split())
            assert wrong, f"{name}: a mutant says in its docstring what is wrong with it"
            self._mutants[name] = Mutant(name, wrong, caught_by, change, authenticated)
            return change

        return declare

    def all(self) -> dict[str, Mutant[C]]:
        """Every one, by its name."""
        for path in sorted(Path(__file__).parent.glob(f"{self._side}_*.py")):
            import_module(f"tests.conformance.mutants.{path.stem}")
        return self._mutants


PumpChange = Callable[[InProcessPump, pytest.MonkeyPatch], None]
ProgrammerChange = Callable[[pytest.MonkeyPatch], None]

PUMPS: Final = Registry[PumpChange](Side.PUMP)
PROGRAMMERS: Final = Registry[ProgrammerChange](Side.PROGRAMMER)

pump_mutant = PUMPS.mutant
programmer_mutant = PROGRAMMERS.mutant
load_pump_mutants = PUMPS.all
load_programmer_mutants = PROGRAMMERS.all


def catches(result: CaseResult) -> bool:
    """Whether a case has found its mutant out: by its own verdict, or, where all was answered well,
    by what has changed. To have crashed, or not to have judged it at all, is neither.
    """
    if result.verdict is Verdict.PASS:
        return result.state is StateVerdict.CHANGED
    return result.verdict in (Verdict.FAIL, Verdict.NON_STRICT)
