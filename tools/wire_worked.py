"""The worked numbers and examples of the wire's specification, as Markdown."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import IntEnum, IntFlag
from fractions import Fraction
from typing import Any, Final

import wire_examples as examples
from malformed_examples import flipped
from markdown_table import table
from pump_protocol import codes
from pump_protocol import messages as m
from pump_protocol.crc import frame_check, header_check
from pump_protocol.frames import Frame
from pump_protocol.payloads import encode


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


# --- Worked examples -----------------------------------------------------------------------------

_BY_NAME: Final = {each.name: each for each in examples.STORY}


def _frame(example: examples.Example) -> bytes:
    message = example.message
    return Frame(
        message.message_type, example.link_id, example.sequence, encode(message)
    ).to_bytes()


def _lines(data: bytes, width: int = 24) -> str:
    return "\n".join(hexed(data[at : at + width]) for at in range(0, len(data), width))


def _spelled(value: Any) -> str:
    if value is None:
        return "never"
    if isinstance(value, (IntEnum, IntFlag)):
        return f"{int(value)} ({value.name or value!s})"
    if isinstance(value, bytes):
        return f"{value.hex()[:16]}…"
    return f'"{value}"' if isinstance(value, str) else f"{int(value)}"


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
            yield f"`{prefix}{field.name}` {_spelled(value)}"


def story() -> str:
    """One link from its opening to its end, in hexadecimal and in words."""
    parts = []
    for each in examples.STORY:
        request = each.message.message_type < codes.RESPONSE_BIT
        who = "programmer → pump" if request else "pump → programmer"
        name = type(each.message).__name__
        said = "; ".join(_spelled_fields(each.message)) or "no payload"
        parts += [
            f"{who}: **{name}**, sequence {each.sequence}",
            f"```text\n{_lines(_frame(each))}\n```",
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
    sizes = {"order_number": 8, "dose_ng": 8}
    for field in fields(order):
        take(sizes.get(field.name, 4), field.name, f"{getattr(order, field.name):,}")
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
