"""Charts drawn to SVG, without a browser and without a network.

The only module here that imports vl_convert, which is large and an extra: it is imported where
something is drawn, and not before.
"""

from typing import Any

import vl_convert

from pump_programmer.charts import Chart


def drawn(chart: Chart) -> str:
    """A chart as an SVG element; empty where it has nothing to draw."""
    if chart.spec is None:
        return ""
    spec: dict[str, Any] = chart.spec
    return vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
