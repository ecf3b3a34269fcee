"""The worked numbers and examples of the wire's specification, as Markdown."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace
from enum import IntEnum, IntFlag
from fractions import Fraction
from typing import Any, Final

import wire_examples as examples
from malformed_examples import flipped
from markdown_table import table
from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.codes import Weekday
from pump_protocol.crc import frame_check, header_check
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode
from pump_protocol.reckoning import (
    bridge_duration_ms,
    dose_totals,
    flex_rate_nl_per_day,
    periodic_rate_nl_per_day,
)


def hexed(data: bytes) -> str:
    return data.hex(" ")


# --- Numbers -------------------------------------------------------------------------------------


def check_values() -> str:
    """What both checks give for some inputs."""
    inputs: tuple[tuple[str, bytes], ...] = (
        ("nothing", b""),
        ("one byte `00`", b"\x00"),
        ("the nine ASCII bytes `123456789`", b"123456789"),
        ("32 bytes `00`", bytes(32)),
        ("32 bytes `00` to `1F`", bytes(range(32))),
    )
    return table(
        ("input", "header check", "frame check"),
        (
            (name, f"`0x{header_check(data):04X}`", f"`0x{frame_check(data):08X}`")
            for name, data in inputs
        ),
    )


def rounding() -> str:
    """Worked numbers for nearest, ties to even."""
    rows = []
    for dose_ng, concentration in (
        (100_000, 500_000), (100_000, 300_000), (200_000, 300_000), (800_000, 2_000_000),
        (100_001, 2_000_000), (100_003, 2_000_000), (50_000, 500_000),
    ):  # fmt: skip
        exact = Fraction(dose_ng * 1_000_000, concentration)
        rows.append(
            (
                f"{dose_ng:,} ng",
                f"{concentration:,} ng/mL",
                f"{float(exact):,.3f}",
                f"{round(exact):,} nL",
            )
        )
    volumes = table(
        ("dose (or daily dose)", "concentration", "exact", "volume (or rate a day)"), rows
    )
    rows = []
    for rate, concentration in ((6_000, 500_000), (6_000, 1_250), (6_000, 1_750), (6_000, 1_300)):
        exact = Fraction(rate * concentration, 1_000_000)
        rows.append(
            (
                f"{rate:,} nL/day",
                f"{concentration:,} ng/mL",
                f"{float(exact):,.3f}",
                f"{round(exact):,} ng/day",
            )
        )
    doses = table(("rate", "concentration", "exact", "daily dose"), rows)
    return f"{volumes}\n\n{doses}"


def digest_example() -> str:
    """How the digest of the staged example prescription comes about."""
    version = (2).to_bytes(4, "little")
    prescription = encode(m.StagePrescription(examples.RAISED))
    digest = hashlib.sha256(version + prescription).digest()
    assert digest == examples.RAISED_DIGEST
    return (
        "```text\n"
        f"version 2       {hexed(version)}\n"
        f"prescription    {hexed(prescription[:22])}\n"
        f"                {hexed(prescription[22:])}\n"
        f"SHA-256         {hexed(digest[:16])}\n"
        f"                {hexed(digest[16:])}\n"
        "```"
    )


# --- Numbers of schedules ------------------------------------------------------------------------
# Reckoned in fractions, step by step, and held against what pump_protocol reckons.

_MS_PER_DAY: Final = 86_400_000
_CONCENTRATION: Final = Fraction(examples.BACLOFEN.concentration_ng_per_ml, 1_000_000)
"""In ng/nL."""


def _decimal(value: Fraction) -> str:
    return f"{float(value):,.3f}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def flex_example() -> str:
    """The mean of a week, by its days."""
    rows: list[tuple[object, ...]] = []
    week = Fraction(0)
    for pattern in examples.FLEX.days:
        day = Fraction(0)
        ends = [each.starts_at_min for each in pattern.steps[1:]] + [1440]
        steps = []
        for step, end in zip(pattern.steps, ends, strict=True):
            minutes = end - step.starts_at_min
            day += Fraction(step.rate_nl_per_day * minutes, 1440)
            steps.append(f"{_clock(step.starts_at_min)} {step.rate_nl_per_day:,} nL/day")
        days = [each for each in Weekday if each in pattern.weekdays]
        units = int(day * _MS_PER_DAY)
        rows.append(
            (f"{days[0].name} to {days[-1].name}", "; ".join(steps), f"{units:,}", _decimal(day))
        )
        week += len(days) * day
    prescription = examples.FLEX
    assert (
        prescription.rate_nl_per_day == round(week / 7) == flex_rate_nl_per_day(prescription.days)
    )
    dose = week / 7 * _CONCENTRATION
    assert prescription.daily_dose_ng == round(dose)
    from_rate = prescription.rate_nl_per_day * _CONCENTRATION
    assert round(from_rate) != round(dose), "the example shows that it makes a difference"
    head = ("days", "steps", "`units_of_day`", "nL a day")
    return (
        f"{table(head, rows)}\n\n"
        f"The week has {int(week * _MS_PER_DAY):,} units, {_decimal(week)} nL. Its mean is"
        f" {_decimal(week / 7)}, so `rate_nl_per_day` is {round(week / 7):,}. At 500,000 ng/mL its"
        f" mean dose is {_decimal(dose)}, so `daily_dose_ng` is {round(dose):,} (from the rounded"
        f" rate it would have been {_decimal(from_rate)}, and {round(from_rate):,} is refused)."
    )


def periodic_example() -> str:
    """The mean of periodic boluses, as an exact fraction."""
    prescription = examples.PERIODIC
    periodic = prescription.periodic
    assert periodic is not None
    boluses = Fraction(_MS_PER_DAY, periodic.interval_ms)
    mean = periodic.basal_rate_nl_per_day + boluses * periodic.volume_nl
    dose = mean * _CONCENTRATION
    assert (prescription.rate_nl_per_day, prescription.daily_dose_ng) == (round(mean), round(dose))
    assert periodic_rate_nl_per_day(periodic) == round(mean)
    from_rate = prescription.rate_nl_per_day * _CONCENTRATION
    assert round(from_rate) != round(dose), "the example shows that it makes a difference"
    return (
        f"A bolus of {periodic.dose_ng:,} ng at 500,000 ng/mL, {periodic.volume_nl:,} nL, every"
        f" {periodic.interval_ms // 3_600_000} h on {periodic.basal_rate_nl_per_day:,} nL/day:"
        f" {boluses.numerator}/{boluses.denominator} boluses a day, so"
        f" {periodic.basal_rate_nl_per_day:,} + {periodic.volume_nl:,} *"
        f" {boluses.numerator}/{boluses.denominator} = {_decimal(mean)}, and `rate_nl_per_day` is"
        f" {round(mean):,}; the dose is {_decimal(dose)}, so `daily_dose_ng` is {round(dose):,}"
        f" (from the rounded rate it would have been {round(from_rate):,})."
    )


def totals_example() -> str:
    """Dose totals of the worked prescriptions."""
    flex_and_patient = replace(examples.FLEX, patient_boluses=examples.PATIENT.patient_boluses)
    rows = []
    for name, prescription, why in (
        ("120 mcg/day, SIMPLE_CONTINUOUS", examples.RAISED, "the daily dose"),
        ("the FLEX example of PROG-19", examples.FLEX, "Monday: 216,666.667 nL"),
        ("the PERIODIC_BOLUS example of PROG-21", examples.PERIODIC, "3 boluses and 48,000 nL"),
        ("100 mcg/day, 4 patient boluses of 5 mcg", examples.PATIENT, "the daily dose"),
        ("FLEX with these patient boluses", flex_and_patient, "Monday"),
    ):
        totals = dose_totals(prescription)
        rows.append(
            (
                name,
                f"{totals.mean_ng:,}",
                f"{totals.highest_ng:,}",
                why,
                f"{totals.with_patient_ng:,}",
            )
        )
    head = (
        "prescription, at 500,000 ng/mL",
        "`mean_ng`",
        "`highest_ng`",
        "of",
        "`with_patient_ng`",
    )
    return table(head, rows)


def bridge_example() -> str:
    """The numbers of a bridge."""
    rows = []
    for volume_nl, dose_ng, old in (
        (340_000, 120_000, 500_000),
        (340_000, 100_000, 300_000),
        (340_000, 300_000, 2_000_000),
    ):
        rate = Fraction(dose_ng * 1_000_000, old)
        duration = Fraction(volume_nl * _MS_PER_DAY, round(rate))
        duration_ms = bridge_duration_ms(volume_nl, round(rate))
        assert duration_ms - 1 < duration <= duration_ms
        rows.append(
            (
                f"{dose_ng:,} ng/day",
                f"{old:,} ng/mL",
                f"{volume_nl:,} nL",
                f"{round(rate):,} nL/day",
                _decimal(duration),
                f"{duration_ms:,} ms",
            )
        )
    bridge = examples.BRIDGE.bridge
    assert bridge is not None
    assert rows[0][3:6:2] == (f"{bridge.rate_nl_per_day:,} nL/day", f"{bridge.duration_ms:,} ms")
    head = ("new dose", "old concentration", "volume", "rate", "exact duration", "`duration_ms`")
    return table(head, rows)


# --- Worked examples -----------------------------------------------------------------------------

_BY_NAME: Final = {each.name: each for each in examples.STORY}


def _frame(example: examples.Example) -> bytes:
    message = example.message
    return Frame(
        message.message_type, example.link_id, example.sequence, encode(message)
    ).to_bytes()


def wrapped(data: bytes, width: int = 24) -> str:
    """Bytes in lines."""
    return "\n".join(hexed(data[at : at + width]) for at in range(0, len(data), width))


def _spelled(value: Any, none: str = "never") -> str:
    if value is None:
        return none
    if isinstance(value, (IntEnum, IntFlag)):
        return f"{int(value)} ({value.name or value!s})"
    if isinstance(value, bytes):
        return f"{value.hex()[:16]}…"
    return f'"{value}"' if isinstance(value, str) else f"{int(value)}"


def spelled_message(message: Any) -> str:
    """Every field of a message."""
    return "; ".join(_spelled_fields(message)) or "no payload"


def _spelled_fields(message: Any, prefix: str = "") -> Iterator[str]:
    """Each field of a message as `name` value, those of parts under the name of the part."""
    for field in fields(message):
        value = getattr(message, field.name)
        if is_dataclass(value):
            yield from _spelled_fields(value, f"{prefix}{field.name}.")
        elif isinstance(value, tuple):
            yield f"`{prefix}{field.name}` {len(value)} elements"
            for index, element in enumerate(value):
                yield from _spelled_fields(element, f"{prefix}{field.name}[{index}].")
        else:
            none = "absent" if isinstance(message, m.Reason) else "never"
            yield f"`{prefix}{field.name}` {_spelled(value, none)}"


def story() -> str:
    """One link from its opening to its end, in hexadecimal and in words."""
    return _told(examples.STORY)


def story_of_schedules() -> str:
    """Another one, about schedules, a patient bolus and a bridge."""
    return _told(examples.SCHEDULES)


def _told(exchanges: Iterable[examples.Example]) -> str:
    parts = []
    for each in exchanges:
        request = each.message.message_type < codes.RESPONSE_BIT
        who = "programmer → pump" if request else "pump → programmer"
        name = type(each.message).__name__
        said = spelled_message(each.message)
        parts += [
            f"{who}: **{name}**, sequence {each.sequence}",
            f"```text\n{wrapped(_frame(each))}\n```",
            said,
        ]
    return "\n\n".join(parts)


def request_byte_by_byte() -> str:
    """One request, byte by byte."""
    example = _BY_NAME["order_bolus"]
    data = _frame(example)
    rows: list[tuple[object, ...]] = []
    at = 0

    def take(size: int, name: str, value: str) -> None:
        nonlocal at
        rows.append((at, f"`{hexed(data[at : at + size])}`", name, value))
        at += size

    take(2, "start", "start marker")
    take(1, "version", "1")
    take(1, "message_type", "0x09 ORDER_BOLUS")
    take(8, "link_id", f"0x{example.link_id:016X}")
    take(4, "sequence", str(example.sequence))
    take(2, "length", str(len(data) - codes.HEADER_BYTES - codes.CRC_BYTES))
    take(2, "header_check", f"0x{header_check(data[:18]):04X}: CRC-16 of the 18 bytes above")
    order = example.message
    sizes = {"order_number": 8, "kind": 1, "dose_ng": 8}
    for field in fields(order):
        value = getattr(order, field.name)
        spelled = _spelled(value) if isinstance(value, IntEnum) else f"{value:,}"
        take(sizes.get(field.name, 4), field.name, spelled)
    take(
        4,
        "frame_check",
        f"0x{frame_check(data[:-4]):08X}: CRC-32C of the {len(data) - 4} bytes above",
    )
    assert at == len(data)
    return table(("offset", "bytes", "field", "value"), rows)


def corrupted() -> str:
    """A corrupted frame with a good one behind it."""
    good = _frame(_BY_NAME["interrogate"])
    bad = flipped(good, 8 * 12)
    lines = (
        f"as sent         {hexed(good)}",
        f"as received     {hexed(bad)}",
        " " * (16 + 3 * 12) + "^^ bit 0 of byte 12 flipped",
    )
    carried = int.from_bytes(bad[18:20], "little")
    text = (
        f"The header check of bytes 0 to 17 as received is `0x{header_check(bad[:18]):04X}`, but"
        f" the header carries `0x{carried:04X}`. The receiver drops the two bytes of the marker,"
        f" searches on, and finds no other marker: all {len(bad)} bytes are noise. It answers"
        " nothing. The programmer hears nothing, and after its response timeout it sends the same"
        " bytes again."
    )
    return "```text\n" + "\n".join(lines) + f"\n```\n\n{text}"
