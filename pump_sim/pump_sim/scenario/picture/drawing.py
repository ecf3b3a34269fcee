"""Pictures of traced plays as files' contents: the only module that knows the drawing library.

The library comes with the extra ``pump-sim[plot]`` and needs neither browser nor network.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from pump_sim.scenario.picture.page import page
from pump_sim.scenario.picture.panels import Spec
from pump_sim.scenario.picture.sheet import PictureError, Sheet
from pump_sim.scenario.picture.specification import specification, specification_of_all

MOST_IN_AN_IMAGE: Final = 6
"""Figures one below the other in one image; a page takes any number."""

PNG_SCALE: Final = 2
"""Pixels for each of a screen: sharp in print."""

ENDINGS: Final = (".html", ".png", ".svg")

_CLIP: Final = re.compile(r"(?<=\bid=\")clip[0-9]+(?=\")|(?<=\burl\(#)clip[0-9]+(?=\))")
"""How the library names what it clips with: anew in each process, and twice on a page of two."""


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
    if ending == ".svg":
        return _svg(library, spec).encode()
    with _told():
        png: bytes = library.vegalite_to_png(spec, vl_version=version, scale=PNG_SCALE)
        return png


def figure(spec: Spec, name: str) -> str:
    """A static figure as an element of a page, which holds no style and loads nothing.

    :param name: what nothing else on the page is called; the names in the figure begin with it.
    :raises PictureError: it cannot be drawn.
    :raises NoDrawingLibrary: the extra is not installed.
    """
    svg = _svg(_library(), spec)
    clips = {each: str(number) for number, each in enumerate(dict.fromkeys(_CLIP.findall(svg)), 1)}
    return _CLIP.sub(lambda found: f"{name}-clip-{clips[found[0]]}", svg)


def _svg(library: ModuleType, spec: Spec) -> str:
    with _told():
        svg: str = library.vegalite_to_svg(spec, vl_version=library.get_vegalite_versions()[-1])
        return svg


@contextmanager
def _told() -> Iterator[None]:
    """The library's complaint as ours: its first line; the rest is its own trace."""
    try:
        yield
    except ValueError as error:
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
