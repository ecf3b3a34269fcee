"""How large the parts of a picture are: for a screen or a slide, or for a page of paper."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Sizes in pixels, and where on the line of a panel's title its legend begins.

    :ivar plot_px: the axis of time.
    :ivar left_px, right_px: what is beside it for names and texts.
    :ivar actual_px, believed_px: where the samples of the two lines begin.
    :ivar who_px: where the samples of the rules down from acts begin; None: there is no room.
    :ivar volume_px, rate_px, effect_px: how high each panel is.
    """

    plot_px: int
    left_px: int
    right_px: int
    actual_px: int
    believed_px: int
    who_px: int | None
    volume_px: int
    rate_px: int
    effect_px: int


WIDE: Final = Layout(
    plot_px=940,
    left_px=150,
    right_px=140,
    actual_px=330,
    believed_px=450,
    who_px=660,
    volume_px=170,
    rate_px=110,
    effect_px=150,
)
"""For a screen or a slide."""

NARROW: Final = Layout(
    plot_px=520,
    left_px=140,
    right_px=134,
    actual_px=210,
    believed_px=312,
    who_px=None,
    volume_px=135,
    rate_px=75,
    effect_px=115,
)
"""For a page of A4 in portrait: there its texts are 8 points high."""
