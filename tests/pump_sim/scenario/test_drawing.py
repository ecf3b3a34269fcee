"""Files of pictures: each can be opened anywhere, and loads nothing."""

import json
import re
import struct
import sys
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
import vl_convert

from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.scenario.picture.drawing import MOST_IN_AN_IMAGE, NoDrawingLibrary, draw
from pump_sim.scenario.picture.sheet import PictureError, Sheet, gather
from pump_sim.scenario.tracing.trace_lines import AnyLine, ExpectationLine, StartLine, TracedPlay
from tests.pump_sim.scenario.traces import (
    COMMON,
    DAY,
    LENGTH,
    acted,
    look,
    looks,
    missed_refill,
    play,
    start,
)


class Reader(HTMLParser):
    """A page as a browser reads it: its elements, and the text in each kind of element."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.setdefault(self._open, []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]


def expectation(at_ms: int, *, met: bool) -> ExpectationLine:
    """One that was decided then."""
    text = f"at {at_ms // DAY} d"
    return ExpectationLine(**COMMON, therapy_ms=at_ms, line=1, what="", met=met, text=text)


def play_as_given(first: StartLine, *lines: AnyLine) -> TracedPlay:
    """A play whose lines are in an order that no time has."""
    return TracedPlay(first.scenario, (), first, (first, *lines))


@pytest.fixture(scope="module")
def page() -> bytes:
    return draw([gather(missed_refill())], ".html")


def test_a_page_loads_nothing(page: bytes) -> None:
    """No element names another file, no style does, and the browser is told to refuse any."""
    read = Reader(page)
    for tag, attributes in read.elements:
        for name in ("src", "href", "srcset", "data", "action", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith("#"), f"<{tag} {name}={value}>"
    assert not re.search(r"@import|url\(", "".join(read.words["style"]))
    (policy,) = [each for each in read.of("meta") if "http-equiv" in each]
    assert (policy["content"] or "").startswith("default-src 'none'; ")
    assert "http" not in (policy["content"] or "")


def test_the_words_of_a_page_name_no_address(page: bytes) -> None:
    """Outside the drawing library there is no address at all, in the figures neither."""
    library = max(Reader(page).words["script"], key=len)
    assert "://" not in page.decode().replace(library, "")


def test_a_page_can_be_read_without_its_figure(page: bytes) -> None:
    """Language, title, headings, the notice, and tables with all that the figure shows."""
    read = Reader(page)
    assert read.of("html") == [{"lang": "en"}]
    assert read.words["title"] == ["A refill that nobody makes - pump-sim"]
    assert read.words["h1"] == ["A refill that nobody makes"]
    assert SIMULATOR_NOTICE in read.words["p"]
    captions = read.words["caption"]
    assert captions == [
        "Unmet expectations",
        "Figures",
        "Alarms, patient and faults",
        "What was done and told",
        "Expectations that were met",
    ]
    cells = read.words["td"]
    for words in (
        "alarm eri raised by 60 d",
        "it was not raised",
        "empty reservoir",
        "critical alarm",
        "still so at the end",
        "The clinic forgets a patient.",
        "fill 20 mL: 0 mL drawn out",
        "Actual volume",
        "0 mL at 50 d",
    ):
        assert words in cells
    (figure,) = [each for each in read.of("div") if each.get("role") == "img"]
    assert "empty reservoir" in (figure["aria-label"] or "")


def test_a_page_tells_expectations_in_the_order_of_time() -> None:
    """A file may have them in any order, the trace has them so."""
    lines = [expectation(at_ms, met=met) for met in (True, False) for at_ms in (30 * DAY, 9 * DAY)]
    told = play_as_given(start(), *looks(), *lines)
    cells = Reader(draw([gather(told)], ".html")).words["td"]
    assert [each for each in cells if each.startswith("at ")] == ["at 9 d", "at 30 d"] * 2


def test_a_share_on_a_page_has_one_decimal_at_most() -> None:
    """More digits than a made-up patient has."""
    story = gather(play(*(look(at, effect_ppm=ppm) for at, ppm in ((0, 985_460), (DAY, 2_950)))))
    cells = Reader(draw([story], ".html")).words["td"]
    row = cells[cells.index("Drug effect") :][:5]
    assert row == ["Drug effect", "98.5 %", "0.3 % at 1 d", "98.5 % at 0", "0.3 %"]


def test_a_page_carries_its_figure_as_data(page: bytes) -> None:
    """The script finds a specification for each place, with a look for each that was taken."""
    read = Reader(page)
    places = [each["data-figure"] for each in read.of("div") if "data-figure" in each]
    carried = [each["id"] for each in read.of("script") if each.get("type") == "application/json"]
    assert places == carried == ["figure-1"]
    (data,) = [each for each in read.words["script"] if each.startswith("{")]
    assert len(json.loads(data)["data"]["values"]) == 404


def test_a_page_is_small_enough_to_send(page: bytes) -> None:
    """The library is most of it; the story of 60 days is a tenth."""
    assert len(page) < 1_300_000


def test_text_of_a_scenario_is_no_code() -> None:
    """A title that looks like an element is shown as it is, wherever it stands."""
    title = "</script><script>alert(1)</script><!-- & 'more'"
    story = gather(play(start(title=title), *looks(), acted(0, "hands", "press", text=title)))
    read = Reader(draw([story], ".html"))
    plain = Reader(draw([gather(missed_refill())], ".html"))
    assert len(read.of("script")) == len(plain.of("script"))
    assert read.words["h1"][0] == title


def test_a_page_of_several_ways_has_a_list_of_them() -> None:
    """One figure below the other, each with a heading that the list leads to."""
    ways = [
        gather(play(*missed_refill().lines[1:-1], branch=(f"call={each}",)))
        for each in ("ignore", "answer")
    ]
    read = Reader(draw(ways, ".html"))
    links = [each["href"] for each in read.of("a")]
    sections = [f"#{each['id']}" for each in read.of("section")]
    assert links == sections == ["#play-1", "#play-2"]
    assert len(read.words["h2"]) == 2
    assert sum(len(each) > 500_000 for each in read.words["script"]) == 1


def png_size(image: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", image[16:24])
    return width, height


def first_pixel(image: bytes) -> bytes:
    """The pixel in the top left corner, which no filter of PNG changes."""
    content, at = b"", 8
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        if image[at + 4 : at + 8] == b"IDAT":
            content += image[at + 8 : at + 8 + length]
        at += 12 + length
    return zlib.decompress(content)[1:5]


def test_an_image_is_sharp_and_white() -> None:
    """Two pixels for each of a screen, up to 1,280 of them wide; readable on any ground."""
    image = draw([gather(missed_refill())], ".png")
    assert image.startswith(b"\x89PNG\r\n")
    width, height = png_size(image)
    assert 2 * 1_100 < width <= 2 * 1_280
    assert height > 1_400
    assert first_pixel(image) == b"\xff\xff\xff\xff"


def test_an_svg_has_its_text_as_text() -> None:
    """What is in a vector image can be searched and read aloud; it loads nothing."""
    image = draw([gather(missed_refill())], ".svg").decode()
    assert image.startswith("<svg")
    assert SIMULATOR_NOTICE in image
    assert "CRITICAL, since 50 d" in image
    assert not re.search(r'href="(?!#)|url\((?!#)', image)


@pytest.mark.parametrize("ending", [".png", ".svg"])
def test_what_the_library_cannot_draw_is_told(ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own error is no traceback for whoever has an odd trace."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("number out of range\nand much more")

    monkeypatch.setattr(vl_convert, f"vegalite_to_{ending[1:]}", fail)
    with pytest.raises(PictureError, match=r"^the drawing library cannot draw it: number out of"):
        draw([gather(missed_refill())], ending)


ODD: dict[str, Callable[[], Sheet]] = {
    "nothing flows and nothing is judged": lambda: gather(
        play(
            *(
                look(
                    at_ms,
                    believed_volume_nl=0,
                    actual_volume_nl=0,
                    believed_rate_nl_per_day=0,
                    actual_rate_nl_per_day=0,
                    effect_ppm=None,
                )
                for at_ms in (0, LENGTH)
            )
        )
    ),
    "a millisecond": lambda: gather(play(start(length_ms=1), look(0), look(1))),
    "a lifetime": lambda: gather(
        play(start(length_ms=3_000_000_000_000), look(0), look(3_000_000_000_000))
    ),
    "the longest that can be told": lambda: gather(
        play(
            start(length_ms=2**63 - 1),
            look(0),
            look(
                2**63 - 1,
                believed_volume_nl=2**63 - 1,
                actual_volume_nl=-(2**63),
                believed_rate_nl_per_day=2**63 - 1,
                actual_rate_nl_per_day=-(2**63),
                effect_ppm=2**63 - 1,
            ),
        )
    ),
    "looks out of order": lambda: gather(
        play_as_given(start(length_ms=0), look(5), look(0), acted(5, "hands", "press"))
    ),
    "a crowd": lambda: gather(
        play(*looks(), *(acted(n * 5_000_000, "hands", "press", "refused") for n in range(1_000)))
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_anything_can_be_drawn(odd: str) -> None:
    """Whatever a play is like, there is a picture of it."""
    assert b"SIMULATOR" in draw([ODD[odd]()], ".svg")


def test_too_many_figures_for_one_image_are_refused() -> None:
    """The message says how many are allowed and what to do."""
    many = [gather(missed_refill())] * (MOST_IN_AN_IMAGE + 1)
    with pytest.raises(PictureError, match="allowed are 1 to 6; choose with --pick"):
        draw(many, ".png")


@pytest.mark.parametrize("ending", [".html", ".png", ".svg"])
def test_a_missing_library_is_named_with_its_remedy(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever installed without the extra is told what to type."""
    missing: Any = None
    monkeypatch.setitem(sys.modules, "vl_convert", missing)
    with pytest.raises(NoDrawingLibrary, match=r"pip install 'pump-sim\[plot\]'"):
        draw([gather(missed_refill())], ending)
