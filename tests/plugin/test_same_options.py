"""The same options for both kinds of pump: what the one takes, the other takes."""

import sys
from pathlib import Path
from tempfile import TemporaryFile
from types import SimpleNamespace
from typing import IO

import pytest

from pump_sim.testing import process
from pump_sim.testing.errors import NoSuchPump, PumpNotStarted, PumpTestError
from pump_sim.testing.process import pump_process
from pump_sim.testing.virtual import virtual_pump as a_virtual_pump

MISSED = {"scenario": "missed-refill"}

TAKEN: list[dict[str, object]] = [
    {},
    {**MISSED, "pick": "refill=nobody-comes"},
    {**MISSED, "pick": ["refill=nobody-comes"]},
    {**MISSED, "pick": {"refill": "nobody-comes"}},
    {**MISSED, "pick": []},
    {"pick": {}},
    {"pick": None, "drug": False},
    {"drug": "--port"},
    {"drug": "é"},
    {"reservoir_ml": 5},
    {"reservoir_ml": 0},
]

REFUSED: list[dict[str, object]] = [
    {"pick": ""},
    {**MISSED, "pick": ""},
    {**MISSED, "pick": "refill"},
    {**MISSED, "pick": 5},
    {**MISSED, "pick": ["refill=nobody-comes", "x\0=y"]},
    {"pick": "refill=nobody-comes"},
    {"drug": ["a"]},
    {"drug": {"a": 1}},
    {"drug": {"a"}},
    {"drug": b"a"},
    {"drug": "a\x00b"},
    {"drug": ""},
    {"drug": "a\nb"},
    {"drug": "\ud800"},
    {"drug": "x" * 200_000},
    {"scenario": ["noisy-link"]},
    {"scenario": ""},
    {"reservoir_ml": [5, 6]},
    {"reservoir_ml": True},
    {"faults": ""},
    {"faults": "\0"},
    {"profile": "x\0"},
]


def outcome(kind: str, options: dict[str, object]) -> str:
    """Whether there is a pump; any error that is not ours goes through."""
    making = a_virtual_pump(**options) if kind == "virtual" else pump_process("tcp", **options)
    try:
        with making:
            return "a pump"
    except PumpTestError:
        return "refused"


@pytest.mark.parametrize(
    ("options", "expected"),
    [*((each, "a pump") for each in TAKEN), *((each, "refused") for each in REFUSED)],
    ids=lambda each: ascii(each)[:60],
)
def test_both_kinds_of_pump_take_the_same_options(
    options: dict[str, object], expected: str
) -> None:
    """And refuse the same, with an error of ours: a test can change its kind of pump."""
    assert [outcome(kind, options) for kind in ("virtual", "tcp")] == [expected] * 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"drug": ["a"]}, r"^drug = \['a'\]: allowed is one value$"),
        ({"reservoir_ml": (5, 6)}, r"^reservoir_ml = \(5, 6\): allowed is one value$"),
        ({"scenario": {"a": 1}}, r"^scenario = {'a': 1}: allowed is one value$"),
        ({"drug": "a\x00b"}, r"^drug = 'a\\x00b': allowed is text without a zero byte$"),
        ({"pick": {"a": "\0"}}, r"^pick = 'a=\\x00': allowed is text without a zero byte$"),
    ],
)
def test_value_that_cannot_be_typed_is_refused_by_its_name(
    options: dict[str, object], words: str
) -> None:
    """In the same words for both kinds, before anything is started."""
    with pytest.raises(NoSuchPump, match=words), a_virtual_pump(**options):
        pass
    with pytest.raises(NoSuchPump, match=words), pump_process("tcp", **options):
        pass


def test_process_that_the_system_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the command and the system's words, and no file is left open."""
    files: list[IO[bytes]] = []

    def temporary_file() -> IO[bytes]:
        files.append(TemporaryFile())  # noqa: SIM115 - closed by whom it is given to
        return files[-1]

    monkeypatch.setattr(process, "tempfile", SimpleNamespace(TemporaryFile=temporary_file))
    for program, words in ((str(tmp_path / "none"), "No such file"), ("a\0b", "null byte")):
        monkeypatch.setattr(sys, "executable", program)
        with (
            pytest.raises(PumpNotStarted, match=rf"(?s)pump-sim run .*{words}"),
            pump_process("tcp"),
        ):
            pass
    assert [each.closed for each in files] == [True, True]
