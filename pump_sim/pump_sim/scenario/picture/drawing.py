"""Pictures of traced plays as files' contents: the only module that knows the drawing library.

The library comes with the extra ``pump-sim[plot]`` and needs neither browser nor network.
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Final

from pump_sim.scenario.picture.page import page
from pump_sim.scenario.picture.sheet import PictureError, Sheet
from pump_sim.scenario.picture.specification import specification, specification_of_all

MOST_IN_AN_IMAGE: Final = 6
"""Figures one below the other in one image; a page takes any number."""

PNG_SCALE: Final = 2
"""Pixels for each of a screen: sharp in print."""

ENDINGS: Final = (".html", ".png", ".svg")


class NoDrawingLibrary(Exception):
    """The library that draws is not installed; the message says how to get it."""


def draw(sheets: Sequence[Sheet], ending: str) -> bytes:
    """The content of a file with that ending, one of :data:`ENDINGS`.

    :raises PictureError: these are too many figures for one image, or cannot be drawn.
    :raises NoDrawingLibrary: the extra is not installed.
    """
    library = _library()
    # Each version of the library comes with several of the language; the page draws with the last.
    version: str = library.get_vegalite_versions()[-1]
    if ending == ".html":
        figures = [specification(each, interactive=True) for each in sheets]
        bundle: str = library.javascript_bundle(vl_version=version)
        return page(sheets, figures, bundle).encode()
    if len(sheets) > MOST_IN_AN_IMAGE:
        raise PictureError(
            f"{len(sheets)} figures in one {ending} file: allowed are 1 to {MOST_IN_AN_IMAGE};"
            " choose with --pick, or draw into an .html file"
        )
    spec = specification_of_all(sheets)
    try:
        if ending == ".png":
            png: bytes = library.vegalite_to_png(spec, vl_version=version, scale=PNG_SCALE)
            return png
        svg: str = library.vegalite_to_svg(spec, vl_version=version)
        return svg.encode()
    except ValueError as error:
        # The rest is the library's own trace.
        reason = next(iter(str(error).splitlines()), "it does not say why")
        raise PictureError(f"the drawing library cannot draw it: {reason}") from error


def _library() -> ModuleType:
    try:
        import vl_convert  # noqa: PLC0415 - an extra, which may be missing
    except ImportError as error:
        raise NoDrawingLibrary(
            "pictures need a library that is not installed: pip install 'pump-sim[plot]'"
        ) from error
    return vl_convert
