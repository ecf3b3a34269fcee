"""A report as a page with its charts; what draws them is imported only when one is wanted."""

from typing import Final

from pump_programmer.report import Report

NO_CHARTS: Final = "draws charts, which needs an extra: pip install 'pump-sim[plot]'"
"""Of a page, where nothing can draw."""


def can_draw() -> bool:
    """Whether there is what draws the charts."""
    try:
        from pump_programmer import drawing  # noqa: F401, PLC0415 - large, and an extra
    except ImportError:
        return False
    return True


def drawn_page(found: Report) -> str:
    """The whole page."""
    from pump_programmer.charts import charts  # noqa: PLC0415 - only where a page is wanted
    from pump_programmer.drawing import drawn  # noqa: PLC0415
    from pump_programmer.page import html_page  # noqa: PLC0415

    return html_page(found, [(chart, drawn(chart)) for chart in charts(found)])
