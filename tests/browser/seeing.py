"""Judges what is shown as a reader of any page would: accessibility, and that it fits.

It knows no page.
"""

from typing import Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

PROJECTOR: Final = {"width": 1280, "height": 800}
TABLET: Final = {"width": 820, "height": 1180}

_GRAVE: Final = {"serious", "critical"}

_TOO_WIDE: Final = """
() => {
  const width = document.documentElement.clientWidth;
  const scrolls = element => {
    for (let each = element; each && each !== document.body; each = each.parentElement)
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(each).overflowX)) return true;
    return false;
  };
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll("body *")]
    .filter(each => each.getBoundingClientRect().right > width + 1 && !scrolls(each))
    .slice(0, 5)
    .map(each => `${each.tagName} .${each.className} ends at ${each.getBoundingClientRect().right}`)
    .concat([`the page is ${document.documentElement.scrollWidth} wide in ${width}`]);
}
"""


def grave_findings(page: Page) -> list[str]:
    """What axe finds serious or critical on the page as it is now, a line each."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {node['html'][:160]}: {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in _GRAVE
        for node in each["nodes"]
    ]


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll to the side, nothing if it does not."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found
