"""What a state file says of itself: which one it is, how often it was written, and when."""

import json
import re
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, Final, Self

from pump_sim.soundness import LATEST_MS

_LATEST_WALL_MS: Final = 2**53
_MOST_TOUCHES: Final = 2**63
_STORE: Final = re.compile(r"[0-9a-f]{16}")
_SPEED: Final = re.compile(r"[0-9]{1,20}(/[1-9][0-9]{0,19})?")
_SUM: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Seal:
    """Written last in every transaction.

    `version` is that of the format. `store` is a name that no other file has, `touch` how many
    times it was written. `horizon_ms` is the latest pump time that anybody may have been told,
    `speed` therapy time per real time, and `wall_ms` what the computer's clock said. `sum` is that
    of the checks of all the other rows.
    """

    version: int
    store: str
    touch: int
    horizon_ms: int
    speed: Fraction
    wall_ms: int
    sum: int

    def to_text(self) -> str:
        """As it is written."""
        return (
            f'{{"version":{self.version},"store":"{self.store}","touch":{self.touch}'
            f',"horizon_ms":{self.horizon_ms},"speed":"{self.speed}","wall_ms":{self.wall_ms}'
            f',"sum":"{self.sum:064x}"}}'
        )

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The seal that :meth:`to_text` wrote.

        :raises ValueError: it is none.
        """
        given: Any = json.loads(text)
        if not isinstance(given, dict) or given.keys() != {each.name for each in fields(cls)}:
            raise ValueError("a seal has other fields")
        return cls(
            _number(given, "version", 2**31),
            _matched(given, "store", _STORE),
            _number(given, "touch", _MOST_TOUCHES),
            _number(given, "horizon_ms", LATEST_MS),
            Fraction(_matched(given, "speed", _SPEED)),
            _number(given, "wall_ms", _LATEST_WALL_MS),
            int(_matched(given, "sum", _SUM), 16),
        )


def _number(given: dict[str, Any], name: str, highest: int) -> int:
    value = given[name]
    if type(value) is not int or not 0 <= value <= highest:
        raise ValueError(f"{name} = {value!r}: allowed are 0..{highest}")
    return value


def _matched(given: dict[str, Any], name: str, wanted: re.Pattern[str]) -> str:
    value = given[name]
    if not isinstance(value, str) or not wanted.fullmatch(value):
        raise ValueError(f"{name} = {value!r}: that is not how it is written")
    return value
