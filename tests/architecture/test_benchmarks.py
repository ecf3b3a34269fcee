"""``make bench`` runs to its table: measured quickly here, and not judged."""

from types import ModuleType

import pytest

from benchmarks import __main__ as bench
from benchmarks import (
    conformance,
    console,
    decoder,
    life,
    patient,
    roundtrip,
    scenarios,
    startup,
    state,
)
from benchmarks.figures import Figure, table
from pump_protocol.conformance.cases import Side

QUICK: list[tuple[ModuleType, dict[str, object]]] = [
    (roundtrip, {"BATCHES": 1, "BATCH": 5}),
    (startup, {"STARTS": 1, "IDLE_S": 0.1}),
    (state, {"ORDERS": 5}),
    (life, {"REPEATS": 1, "LIVES": 2}),
    (patient, {"REPEATS": 1, "ROUNDS": 2}),
    (scenarios, {"ROUNDS": 1, "NAMES": ("mri-normal",)}),
    (
        conformance,
        {"ONLY": {Side.PUMP: "identity", Side.PROGRAMMER: "programmer-asking/identifies-first"}},
    ),
    (console, {"PAGES": 2, "ALARMS": 1, "PRESSES": 1}),
    (decoder, {"RANDOM_BYTES": 40_000, "ADVERSARIAL_BYTES": 20_000, "ROUNDS": 1}),
]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, constants in QUICK:
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)


@pytest.mark.timeout(180)  # some twenty processes and a browser, one after the other
@pytest.mark.usefixtures("quick")
def test_bench_prints_every_figure_with_its_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Each measurement gives figures, each figure a line; the exit code tells of a shortfall."""
    code = bench.main(strict=True)
    printed, noted = capsys.readouterr()
    assert code == ("FALL SHORT" in printed)
    assert "console: " in printed + noted  # it may say that there is no Chromium to measure in
    for words in (
        "pump's answer / echo",
        "first answered frame",
        "a committed order",
        "seven-year life",
        "patient",
        "garbage",
        "pump-sim check",
        "conform over a pty",
        "judge the shipped programmer",
    ):
        assert words in printed


@pytest.mark.parametrize(
    ("figure", "verdict"),
    [
        (Figure("a", 1.0, "ratio", at_most=1.0), "pass"),
        (Figure("a", 1.1, "ratio", at_most=1.0), "FALL SHORT"),
        (Figure("a", 1.0, "MB/s", at_least=1.0), "pass"),
        (Figure("a", 0.9, "MB/s", at_least=1.0), "FALL SHORT"),
        (Figure("a", 0.9, "us"), ""),
    ],
)
def test_a_figure_passes_at_its_target_and_not_beyond(figure: Figure, verdict: str) -> None:
    assert figure.verdict == verdict
    assert verdict in table([figure])
