"""The page is one file that says everything, and whatever a subject sent is text in it."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import Any

import pytest

from pump_protocol.conformance import reporting
from pump_protocol.conformance.cases import Side
from pump_protocol.conformance.report import Report
from pump_protocol.conformance.reporting.html import html_page
from pump_protocol.conformance.reporting.markup import Markup, element
from pump_protocol.conformance.verdicts import StateVerdict, Verdict
from tests.conformance.results import HOSTILE, IDENTIFY, a_report, a_result

VOID = {"meta", "input"}
CHANGED: dict[str, Any] = {"state": StateVerdict.CHANGED, "state_reason": "the log changed"}


class Page(HTMLParser):
    """What a browser would make of it, as far as this matters; refuses tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def every_verdict(**more: object) -> Report:
    results = [a_result(f"frame/{each.lower()}", each, f"why {each}") for each in Verdict]
    return a_report([*results, a_result("link/state", **CHANGED)], **more)


def test_page_says_of_a_case_all_that_is_known() -> None:
    page = Page(html_page([every_verdict(expected=("frame/pass", "frame/fail"))]))
    for wanted in (
        "some pump",
        "2026-11-23 04:00:00 UTC",
        "authenticated",
        "never for clinical use",
        "Do frame/fail.",
        "It does frame/fail.",
        "FRAME-01",
        "why NON-STRICT",
        "CHANGED: the log changed",
        "FAIL (expected)",
        "PASS (stale)",
        "FAIL state",
        "identify",
        "a55a0103",
        "harness: renew",
        "9 ms",
    ):
        assert wanted in page.text, wanted
    assert "".join(page.text.split()).count(IDENTIFY.hex()) == 7, "the wire of each case"


def test_every_case_can_be_pointed_at_and_found_by_its_verdict() -> None:
    """Its slug is an anchor; one that failed by the second verdict is found among the failed."""
    page = Page(html_page([every_verdict()]))
    verdicts = {
        each["id"]: each["data-verdicts"] for each in page.of("details") if each["class"] == "case"
    }
    assert verdicts == {f"frame/{each.lower()}": each.lower() for each in Verdict} | {
        "link/state": "fail"
    }
    links = {each["href"] for each in page.of("a")}
    assert links == {"#pump-frame", "#pump-link"}
    assert {link[1:] for link in links if link} <= {each.get("id") for _, each in page.tags}


def test_verdict_is_a_word_and_a_symbol_and_not_a_colour_alone() -> None:
    text = html_page([every_verdict()])
    for verdict, symbol in zip(Verdict, "✓✗!i–?", strict=True):  # noqa: RUF001 - as on the page
        assert f'<b aria-hidden="true">{symbol}</b>{verdict}</span>' in text


def test_page_needs_nothing_from_outside_and_lets_nothing_else_run() -> None:
    """No address of anything to load; of scripts only its own, whose hash the policy names."""
    text = html_page([every_verdict()])
    page = Page(text)
    assert {tag for tag, _ in page.tags} & {"link", "img", "iframe", "object", "base"} == set()
    assert not re.search(r"https?:|url\(|@import", text)
    assert page.of("script") == [{}]
    script = text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = page.of("meta")[1]["content"]
    assert policy == f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def test_page_is_whole_without_its_script() -> None:
    """Every case is there to be opened, and only the filter is hidden."""
    page = Page(html_page([every_verdict()]))
    assert [each.get("id") for _, each in page.tags if "hidden" in each] == ["filter"]
    assert len(page.of("summary")) == 14, "7 cases, each with its wire log"


@pytest.mark.parametrize("count", [1, 2])
def test_whatever_a_subject_sent_is_text(count: int) -> None:
    """In its name, its reasons, notes and fields: no element, no attribute, no code of a terminal
    comes of it."""
    harmless = html_page([every_verdict(subject=f"pump {each}") for each in range(count)])
    results = [a_result(f"frame/{each.lower()}", each, HOSTILE + "\ud800") for each in Verdict]
    results.append(a_result("link/state", state=StateVerdict.CHANGED, state_reason=HOSTILE))
    hostile = html_page([a_report(results, subject=HOSTILE)] * count)
    page = Page(hostile)
    shape = [(tag, sorted(each)) for tag, each in page.tags]
    assert shape == [(tag, sorted(each)) for tag, each in Page(harmless).tags]
    assert "<img src=x onerror=alert(1)>" in page.text, "it is there, to be read"
    assert not {"\x1b", "\x00", "\u202e"} & set(hostile)
    hostile.encode()


def test_report_of_somebody_else_is_text_as_well() -> None:
    """A matrix is made of files, whose slugs, too, may be anything."""
    report = a_report([a_result(f'x/"><script>{HOSTILE}')])
    assert len(Page(html_page([report])).of("script")) == 1


def test_subjects_stand_side_by_side() -> None:
    """Every case of any of them has a line; with whom it was not played, that is said."""
    one = a_report([a_result("frame/one"), a_result("link/two")], subject="pump one")
    two = a_report([a_result("frame/one", Verdict.FAIL, "no")], subject="pump two")
    other = a_report([a_result("asking/three")], subject="a programmer", side=Side.PROGRAMMER)
    text = html_page([one, two, other])
    page = Page(text)
    assert "3 cases on 3 subjects" in page.text
    assert "Cases for a pump" in page.text
    assert "Cases for a programmer" in page.text
    cells = {
        each["id"]: each["data-verdicts"] for each in page.of("details") if each["class"] == "case"
    }
    assert cells == {"frame/one": "fail pass", "link/two": "pass", "asking/three": "pass"}
    (line,) = re.findall(r'<details class="case" id="link/two".*?</summary>', text)
    assert re.findall(r"</b>([^<]+)</span>", line) == ["PASS", "not chosen"]
    (line,) = re.findall(r'<details class="case" id="asking/three".*?</summary>', text)
    assert re.findall(r"</b>([^<]+)</span>", line) == ["PASS"]


def test_run_without_any_case_has_a_page() -> None:
    assert "some pump" in Page(html_page([a_report([])])).text


def test_markup_is_escaped_unless_it_is_markup() -> None:
    assert element("b", "<i>", Markup("<i>"), None, class_="a\"b'", hidden=True, id=None) == (
        '<b class="a&quot;b&#x27;" hidden>&lt;i&gt;<i></b>'
    )


def test_text_is_made_printable_where_it_becomes_markup() -> None:
    """Content and attributes, whoever forgets it elsewhere."""
    assert element("b", "\x1b\u202e", title="\0") == r'<b title="\x00">\x1b\u202e</b>'


# --- Colours -------------------------------------------------------------------------------------


def schemes() -> dict[str, dict[str, str]]:
    """The colours of the style sheet: light, dark, and on paper."""
    style = files(reporting).joinpath("page.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    found = [dict(re.findall(r"--([\w-]+): (#\w+)", each)) for each in blocks]
    return dict(zip(("light", "dark", "print"), found, strict=True))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(each * 2 for each in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_stands_out_from_its_ground(scheme: str) -> None:
    """4.5 to 1 or more, level AA, for every verdict and for all other text."""
    colours = schemes()[scheme]
    verdicts = [each.lower() for each in Verdict]
    pairs = [(each, f"{each}-ground") for each in verdicts]
    pairs += [
        (each, ground)
        for each in (*verdicts, "text", "soft", "link")
        for ground in ("paper", "card")
    ]
    for text, ground in pairs:
        light, dark = sorted((luminance(colours[text]), luminance(colours[ground])), reverse=True)
        ratio = (light + 0.05) / (dark + 0.05)
        assert ratio >= 4.5, f"{text} on {ground}: {ratio:.2f}"
