"""The two checks of a frame; the only module that imports crcmod.

Both are cyclic redundancy checks: they find line noise, and prove nothing about who sent a frame.
"""

from typing import Final

from crcmod.predefined import mkPredefinedCrcFun

header_check = mkPredefinedCrcFun("crc-ccitt-false")
"""CRC-16/CCITT-FALSE: polynomial 0x1021, initial 0xFFFF, not reflected, no final xor."""

frame_check = mkPredefinedCrcFun("crc-32c")
"""CRC-32C (Castagnoli): 0x1EDC6F41, reflected, initial and final xor 0xFFFFFFFF."""

HEADER_CHECK_OF_123456789: Final = 0x29B1
FRAME_CHECK_OF_123456789: Final = 0xE3069283
"""The usual check values: what each CRC gives for the nine ASCII bytes ``123456789``."""
