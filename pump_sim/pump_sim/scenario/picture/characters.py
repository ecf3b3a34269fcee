"""Characters that a picture can hold; it knows no picture.

The drawing library ends the whole process on others: an image goes through XML.
"""

import re
from typing import Any, Final

_OUTSIDE_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no Char of XML 1.0: most control characters, lone surrogates, two noncharacters."""

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def drawable(text: str) -> str:
    """A text in which a replacement stands for each character that XML cannot hold."""
    return _OUTSIDE_XML.sub(_REPLACEMENT, text)


def all_drawable(data: Any) -> Any:
    """Plain data in which every text, however deep, is drawable; keys are left alone."""
    if isinstance(data, str):
        return drawable(data)
    if isinstance(data, dict):
        return {key: all_drawable(each) for key, each in data.items()}
    if isinstance(data, list | tuple):
        return [all_drawable(each) for each in data]
    return data
