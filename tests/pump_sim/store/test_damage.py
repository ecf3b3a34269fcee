"""Whatever happens to the bytes of a state file: the same pump, its safe state, or a refusal.

Never a crash, and never another prescription. The places are random and seeded.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pump_sim.model.firmware.alarms import Alarm
from pump_sim.store.errors import StoreRefused
from pump_sim.store.opening import Origin
from tests.memory_folder import memory_folder
from tests.pump_sim.store.kept import SUFFIXES, kill, opened
from tests.pump_sim.virtual import PROGRAMMER

ORDERS = 12
TRIES = 3
"""For each of what can happen, to each file."""


def _flip_bit(content: bytearray, at: int, chance: random.Random) -> None:
    content[at] ^= 1 << chance.randrange(8)


def _change_byte(content: bytearray, at: int, chance: random.Random) -> None:
    content[at] = chance.randrange(256)


def _truncate(content: bytearray, at: int, _: random.Random) -> None:
    del content[at:]


def _zero_sector(content: bytearray, at: int, _: random.Random) -> None:
    begin = at // 512 * 512
    content[begin : begin + 512] = bytes(len(content[begin : begin + 512]))


def _spoil_page(content: bytearray, at: int, chance: random.Random) -> None:
    begin = at // 4096 * 4096
    content[begin : begin + 4096] = chance.randbytes(len(content[begin : begin + 4096]))


HAPPENINGS = (_flip_bit, _change_byte, _truncate, _zero_sector, _spoil_page)


@pytest.fixture(name="good", scope="module")
def _good() -> Iterator[Path]:
    """A folder with the file of a pump that was ended, and that of one that was killed."""
    with memory_folder() as folder:
        pump = opened(folder / "ended")
        for number in range(1, ORDERS + 1):
            pump.order(number, 2_500)
            pump.wait_therapy(600_000)
        kill(folder / "ended", folder / "killed")
        pump.end()
        yield folder


@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda each: each.__name__.strip("_"))
@pytest.mark.parametrize("name", ["ended", "killed", "killed-wal", "killed-mark"])
def test_bytes_that_change_never_make_another_prescription(
    good: Path,
    tmp_path: Path,
    name: str,
    happening: Callable[[bytearray, int, random.Random], None],
) -> None:
    """The prescription and the orders are those that were acknowledged, or the pump says that it
    does not know them."""
    chance = random.Random(f"{name} {happening.__name__}")
    base, _, suffix = name.partition("-")
    size = (good / name).stat().st_size
    for number in range(TRIES if size > 1_000 else 3):
        file = kill(good / base, tmp_path / f"{number}.db")
        damaged = Path(f"{file}-{suffix}") if suffix else file
        content = bytearray(damaged.read_bytes())
        happening(content, chance.randrange(size), chance)
        damaged.write_bytes(content)
        # Only what says of itself that it is something else may be refused.
        named = suffix or content[:100] == (good / base).read_bytes()[:100]
        _check_opened(file, may_be_refused=not named)


def _check_opened(file: Path, *, may_be_refused: bool) -> None:
    found = {suffix: _content(file, suffix) for suffix in SUFFIXES}
    try:
        pump = opened(file)
    except StoreRefused:
        assert may_be_refused
        assert {suffix: _content(file, suffix) for suffix in SUFFIXES} == found
        return
    firmware = pump.pump.firmware
    if pump.opened.origin is Origin.DAMAGED_FILE:
        assert firmware.programming.safe
        assert firmware.alarms.is_active(Alarm.CRITICAL_MEMORY_ERROR)
        assert _content(file, ".damaged-1") == found[""]
    else:
        assert firmware.prescription.daily_dose_ng == 800_000
        assert firmware.last_order_number(PROGRAMMER) == ORDERS
        # The end of the last bolus had been told to nobody when the process was killed.
        assert firmware.log.next_sequence in {2 * ORDERS + 1, 2 * ORDERS + 2}
    pump.end()
    again = opened(file)  # what was made of it is good
    assert again.opened.origin is Origin.FILE
    again.end()


def _content(file: Path, suffix: str) -> bytes | None:
    beside = Path(f"{file}{suffix}")
    return beside.read_bytes() if beside.exists() else None
