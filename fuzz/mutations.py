"""Bytes changed as noise or an attacker would; frames changed with their checks mended.

It knows where a frame has its checks, and nothing of what it says.
"""

from random import Random
from struct import Struct
from typing import Final

from pump_protocol.codes import CRC_BYTES, HEADER_BYTES
from pump_protocol.crc import frame_check, header_check

_U16: Final = Struct("<H")
_U32: Final = Struct("<I")
_CHECK_AT: Final = HEADER_BYTES - _U16.size
_LENGTH_AT: Final = _CHECK_AT - _U16.size
_EDGES: Final = (0, 1, 0x7F, 0x80, 0xFF, 0xA5, 0x5A)


def mutated(data: bytes, random: Random) -> bytes:
    """*data* with one to three changes: bits, bytes, runs of bytes, its length."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(changed) + 1)
        match random.randrange(8):
            case 0 | 1 | 2 if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
            case 3 if at < len(changed):
                changed[at] = random.choice(_EDGES)
            case 4:
                changed[at:at] = random.randbytes(random.randrange(1, 5))
            case 5:
                del changed[at : at + random.randrange(1, 5)]
            case 6:
                del changed[at:]
            case _:
                size = random.randrange(1, 9)
                changed[at:at] = changed[max(0, at - size) : at]
    return bytes(changed)


def mended(data: bytes) -> bytes:
    """*data* as a frame whose length and checks are right, whatever else it says."""
    if len(data) < HEADER_BYTES + CRC_BYTES:
        return data
    frame = bytearray(data)
    payload_bytes = (len(frame) - HEADER_BYTES - CRC_BYTES) & 0xFFFF
    _U16.pack_into(frame, _LENGTH_AT, payload_bytes)
    _U16.pack_into(frame, _CHECK_AT, header_check(bytes(frame[:_CHECK_AT])))
    _U32.pack_into(frame, len(frame) - CRC_BYTES, frame_check(bytes(frame[:-CRC_BYTES])))
    return bytes(frame)


def split(data: bytes, random: Random) -> list[bytes]:
    """The same bytes, in one to four pieces."""
    cuts = sorted(random.randrange(len(data) + 1) for _ in range(random.randrange(4)))
    return [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
