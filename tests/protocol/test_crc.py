"""The two checks of a frame are the ones that the specification names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.crc import (
    FRAME_CHECK_OF_123456789,
    HEADER_CHECK_OF_123456789,
    frame_check,
    header_check,
)


def bitwise_header_check(data: bytes) -> int:
    """The specification's pseudocode for CRC-16/CCITT-FALSE."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def bitwise_frame_check(data: bytes) -> int:
    """The specification's pseudocode for CRC-32C."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x82F63B78 if crc & 1 else crc >> 1
    return crc ^ 0xFFFFFFFF


def test_the_check_values_are_those_of_the_named_crcs() -> None:
    assert header_check(b"123456789") == HEADER_CHECK_OF_123456789 == 0x29B1
    assert frame_check(b"123456789") == FRAME_CHECK_OF_123456789 == 0xE3069283


@pytest.mark.parametrize(
    ("data", "expected"),
    [(bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (bytes(range(32)), 0x46DD794E)],
    ids=["zeros", "ones", "ascending"],
)
def test_crc_32c_gives_the_published_values_of_rfc_3720(data: bytes, expected: int) -> None:
    """RFC 3720, appendix B.4."""
    assert frame_check(data) == expected


@given(data=st.binary(max_size=700))
def test_both_checks_equal_the_pseudocode_of_the_specification(data: bytes) -> None:
    assert header_check(data) == bitwise_header_check(data)
    assert frame_check(data) == bitwise_frame_check(data)
