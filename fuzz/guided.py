"""The same targets, led by what code an input reaches: ``python -m fuzz.guided TARGET``.

Needs atheris, which this project does not depend on: ``pip install atheris`` (it has wheels for few
versions of Python). Every choice that a target makes is taken from the bytes that libFuzzer makes
up; a file that it leaves behind is run again by naming it.
"""

import sys
from importlib import import_module
from random import Random

from fuzz.targets import TARGETS

INPUTS = 12
"""Steps that one tape of libFuzzer's is used for."""


class Tape(Random):
    """Random numbers that are read from *data*, and those of seed 0 once it is used up."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def getrandbits(self, k: int, /) -> int:
        """The next *k* bits."""
        if self._at >= len(self._data):
            return super().getrandbits(k)
        size = -(-k // 8)
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken.ljust(size, b"\x00"), "little") >> (8 * size - k)

    def random(self) -> float:
        """The next number of 0 to 1."""
        bits: int = self.getrandbits(53)
        return bits / (1 << 53)

    def __reduce__(self) -> tuple[type["Tape"], tuple[bytes]]:
        """Pickling begins at the start of the tape."""
        return Tape, (self._data,)


def main() -> None:
    """Fuzz the target that the command line names until libFuzzer has enough, or fails."""
    try:
        atheris = import_module("atheris")  # only this command needs it
    except ImportError:
        sys.exit("atheris is not installed: pip install atheris; or use `python -m fuzz`")
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"python -m fuzz.guided TARGET [LIBFUZZER OPTIONS]; targets: {', '.join(TARGETS)}")
    make = TARGETS[sys.argv[1]].make

    def one(data: bytes) -> None:
        part = make(Tape(data))
        for _ in range(INPUTS):
            part.step()

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
