"""The tree is as docs/explanation/architecture.md says, where no linter would notice."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = {
    "pump_sim": ROOT / "pump_sim",
    "pump_programmer": ROOT / "programmer",
    "pump_protocol": ROOT / "protocol",
}


def modules() -> Iterator[Path]:
    """Every module of the three packages."""
    for package, root in SOURCE_ROOTS.items():
        yield from sorted((root / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The top-level names of all that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("folder", SOURCE_ROOTS.values(), ids=lambda folder: folder.name)
def test_source_roots_are_not_packages(folder: Path) -> None:
    """A stray __init__.py there breaks ``python -m`` and puts `protocol` on people's paths."""
    assert not (folder / "__init__.py").exists()


@pytest.mark.parametrize("package", SOURCE_ROOTS)
def test_packages_say_that_they_are_typed(package: str) -> None:
    """PEP 561: without the marker the annotations are lost on whoever installs the wheel."""
    assert (SOURCE_ROOTS[package] / package / "py.typed").exists()


@pytest.mark.parametrize(
    ("library", "known_to"),
    [
        ("construct", ["protocol/pump_protocol/layouts.py"]),
        ("crcmod", ["protocol/pump_protocol/crc.py"]),
        ("noise", ["protocol/pump_protocol/handshake.py"]),
        ("simpy", ["pump_sim/pump_sim/simulation.py"]),
        ("cattrs", ["pump_sim/pump_sim/snapshot.py"]),
        (
            "junitparser",  # one for each kind of report, which have nothing else in common
            [
                "pump_sim/pump_sim/scenario/reporting/junit.py",
                "protocol/pump_protocol/conformance/reporting/junit.py",
            ],
        ),
    ],
)
def test_a_library_is_imported_where_it_belongs(library: str, known_to: list[str]) -> None:
    """What has no types, or might be replaced, is known to one file."""
    importers = [str(path.relative_to(ROOT)) for path in modules() if library in imported(path)]
    assert importers == known_to


def test_the_model_counts_in_whole_numbers() -> None:
    """No float literal and no true division in the model: what was filled equals what is left plus
    what was delivered, to the last unit, after seven years.

    The patient is made up and is told in floats; faults draw their random moments in floats, and
    round them; the flow's history is asked by the patient alone.
    """
    inexact = {"patient.py", "kinetics.py", "crossing.py", "flow.py", "faults.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in modules()
        if "model" in path.parts and path.name not in inexact
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Constant) and isinstance(node.value, float))
        or (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Div)
            # pathlib's slash joins a path
            and not (isinstance(node.left, ast.Name) and node.left.id == "_PROFILES")
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import pump_sim.cli", {"simpy", "asyncio", "rich", "serial"}),
        ("import pump_sim.app, pump_sim.ports.pty", {"serial", "rich"}),
        ("import pump_programmer.cli", {"rich", "asyncio", "simpy", "pump_sim"}),
        ("import pump_protocol.session", {"asyncio", "serial", "simpy", "pump_sim"}),
    ],
)
def test_start_up_imports_no_more_than_it_needs(statement: str, unwanted: set[str]) -> None:
    """A pump answers 0.3 s after its start, and `--help` is not slower than that."""
    code = f"import sys; {statement}; print(*{{m.partition('.')[0] for m in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert not unwanted & set(done.stdout.split())
