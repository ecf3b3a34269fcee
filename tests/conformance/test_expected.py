"""The list of expected failures is slugs and comments; a wrong line is told with its number."""

import pytest

from pump_protocol.conformance.expected import BadExpectation, read_expected
from tests.conformance.results import CASES


def test_slugs_are_read_and_comments_and_blank_lines_are_not() -> None:
    text = "# known\n\n  frame/noise  # since 2.1\r\nlink/unknown-id\n"
    assert read_expected(text, CASES) == ("frame/noise", "link/unknown-id")
    assert read_expected("", CASES) == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# a\n\nframe/nose\n", "line 3: 'frame/nose' is no case. Did you mean frame/noise?"),
        ("frame/*\n", "line 1: 'frame/*' is no case. Did you mean"),
        ("link/unknown-id\nframe\n", "line 2: 'frame' is no case."),
        ("link/unknown-id\n\nlink/unknown-id # twice", "line 3: link/unknown-id is on line 1"),
        ("\x00\x1b[2J", r"line 1: '\x00\x1b[2J' is no case."),
    ],
)
def test_line_that_is_wrong_is_refused_with_its_number(text: str, complaint: str) -> None:
    with pytest.raises(BadExpectation) as refused:
        read_expected(text, CASES)
    assert str(refused.value).startswith(complaint)
