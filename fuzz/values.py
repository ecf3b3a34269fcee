"""Messages made at random from their declarations, and prescriptions near what a pump takes.

It knows layouts and limits of fields, no pump.
"""

from collections.abc import Callable
from dataclasses import fields, replace
from enum import IntEnum, IntFlag
from functools import cache
from random import Random
from types import UnionType
from typing import Any, Final, get_args, get_origin, get_type_hints

from pump_protocol import layouts
from pump_protocol import messages as m
from pump_protocol.codes import ABSENT, NEVER, BridgeDecision, MassUnit, Mode, Weekday
from pump_protocol.errors import UnsendableMessage
from pump_protocol.payloads import encode

Make = Callable[[Random], Any]

_RANGES: Final = {
    "B": (0, 2**8 - 1),
    "H": (0, 2**16 - 1),
    "L": (0, 2**32 - 1),
    "I": (0, 2**32 - 1),
    "Q": (0, 2**64 - 1),
    "q": (-(2**63), 2**63 - 1),
}

_TELLING: Final = (
    0, 1, 2, 3, 6_000, 48_000, 60_000, 100_000, 200_000, 400_000, 500_000, 600_000, 800_000,
    1_000_000, 2_000_000, 7_200_000, 20_000_000, 24_000_000, 86_400_000,
)  # fmt: skip
"""Limits of a pump, and numbers that are usual: what random bits would never hit."""

_TEXTS: Final = ("", "baclofen", "morphine", "é" * 16, "x" * 33, "a\x00b", "\x1b[2J")

_BACLOFEN: Final = m.Drug(MassUnit.MICROGRAM, 2_000_000, "baclofen")
_EVERY_DAY: Final = Weekday(0b1111111)


def _simple(daily_dose_ng: int, **more: Any) -> m.Prescription:
    rate = daily_dose_ng // 2
    return m.Prescription(
        Mode.SIMPLE_CONTINUOUS, (_BACLOFEN,), daily_dose_ng, rate, 2_000_000, **more
    )


PRESCRIPTIONS: Final = (
    _simple(800_000),
    _simple(100_000),
    _simple(1_400_000),  # above the soft limit: its dose must be confirmed
    _simple(
        400_000,
        patient_boluses=(m.PatientBolus(20_000, 10_000, 600_000, 3_600_000, 4),),
    ),
    m.Prescription(Mode.STOPPED, (_BACLOFEN,), 0, 0, 2_000_000),
    m.Prescription(Mode.MINIMUM_RATE, (_BACLOFEN,), 12_000, 6_000, 2_000_000),
    m.Prescription(
        Mode.FLEX,
        (_BACLOFEN,),
        800_000,
        400_000,
        2_000_000,
        days=(m.DayPattern(_EVERY_DAY, (m.Step(0, 300_000), m.Step(720, 500_000))),),
    ),
    m.Prescription(
        Mode.PERIODIC_BOLUS,
        (_BACLOFEN,),
        400_000,
        200_000,
        2_000_000,
        periodic_boluses=(m.PeriodicBolus(0, 100_000, 50_000, 600_000, 21_600_000, 0),),
    ),
    replace(
        _simple(800_000),
        drugs=(replace(_BACLOFEN, concentration_ng_per_ml=1_000_000),),
        rate_nl_per_day=800_000,
        bridge_decision=BridgeDecision.DECLINED,
    ),
)
"""Prescriptions that a pump which holds baclofen of 2,000 mcg/mL takes, one of each kind."""


def any_number(random: Random, low: int, high: int) -> int:
    """A number of that range: often one of its ends, or one that a pump has limits at."""
    kind = random.randrange(4)
    if kind == 0:
        return random.choice((low, low + 1, high - 1, high))
    if kind == 1:
        return max(low, min(high, random.choice(_TELLING) + random.randint(-1, 1)))
    bits = random.randint(1, high.bit_length())
    return max(low, min(high, random.getrandbits(bits)))


def any_text(random: Random) -> str:
    """A text, short, long, or of what no text should hold."""
    if random.randrange(2):
        return random.choice(_TEXTS)
    return "".join(chr(random.choice((32, 65, 97, 0x7F, 0xE9, 0x2028, 0x1F600))) for _ in range(8))


def any_message(message_class: type[m.Message], random: Random) -> m.Message:
    """Any value of that class that its layout can hold."""
    maker: Callable[[type], Make] = _maker  # mypy takes a dataclass with slots for unhashable
    made: m.Message = maker(message_class)(random)
    return made


def any_payload(message_class: type[m.Message], random: Random) -> bytes:
    """The bytes of such a message; empty where it is longer than its own layout allows."""
    try:
        return encode(any_message(message_class, random))
    except UnsendableMessage:
        return b""


def near_prescription(random: Random) -> m.Prescription:
    """A prescription that a pump takes, or one field away from it, or any."""
    prescription = random.choice(PRESCRIPTIONS)
    kind = random.randrange(8)
    if kind < 5:
        return prescription
    other: m.Prescription = _maker(m.Prescription)(random)
    if kind == 7:
        return other
    name = random.choice(fields(m.Prescription)).name
    return replace(prescription, **{name: getattr(other, name)})


@cache
def _maker(message_class: type) -> Make:
    hints = get_type_hints(message_class)
    layout = layouts.PARTS.get(message_class) or layouts.PAYLOADS[message_class]
    declared = {each.name: each for each in layout.subcons}
    makers = [
        _value_maker(hints[field.name], declared[field.name]) for field in fields(message_class)
    ]
    return lambda random: message_class(*[make(random) for make in makers])


def _value_maker(hint: Any, layout: layouts.Layout) -> Make:  # noqa: PLR0911 - one a kind
    if get_origin(hint) is tuple:
        make = _maker(get_args(hint)[0])
        return lambda random: tuple(make(random) for _ in range(random.choice((0, 1, 1, 2, 3))))
    if hint is str:
        return any_text
    if hint is bool:
        return lambda random: bool(random.randrange(2))
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        codes = tuple(hint)
        return lambda random: random.choice(codes)
    format_ = layouts.struct_format(layout)
    if format_ is None:
        return _maker(hint)
    if hint is bytes:
        size = int(format_.removesuffix("s"))
        return lambda random: random.randbytes(size)
    return _number_maker(hint, format_)


def _number_maker(hint: Any, format_: str) -> Make:
    low, high = _RANGES[format_]
    if isinstance(hint, type) and issubclass(hint, IntFlag):
        return lambda random: hint(random.getrandbits(7) if hint is Weekday else high & 0x1FF)
    if isinstance(hint, UnionType):
        sentinel = ABSENT if format_ == "q" else NEVER

        def perhaps(random: Random) -> int | None:
            value = any_number(random, low, high)
            return None if value == sentinel or not random.randrange(3) else value

        return perhaps
    return lambda random: any_number(random, low, high)
