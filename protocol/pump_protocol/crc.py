"""The two checks of a frame; the only module that imports crcmod.

Both are cyclic redundancy checks: they find line noise, and prove nothing about who sent a frame.
"""

from typing import Final

from crcmod.predefined import mkPredefinedCrcFun

_crc16 = mkPredefinedCrcFun("crc-ccitt-false")
_crc32c = mkPredefinedCrcFun("crc-32c")

HEADER_CHECK_OF_123456789: Final = 0x29B1
FRAME_CHECK_OF_123456789: Final = 0xE3069283
"""The usual check values: what each CRC gives for the nine ASCII bytes ``123456789``."""


def header_check(data: bytes) -> int:
    """CRC-16/CCITT-FALSE of *data*: 0x1021, initial 0xFFFF, not reflected, no final xor."""
    return _crc16(data)


def frame_check(data: bytes) -> int:
    """CRC-32C (Castagnoli) of *data*: 0x1EDC6F41, reflected, initial and final xor 0xFFFFFFFF."""
    return _crc32c(data)
