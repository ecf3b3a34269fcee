"""The debrief as it is taken away from the instructor's page."""

import csv
import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.instructor import DAY_MS, Instructor
from tests.browser.seeing import grave_findings


@pytest.fixture
def played(instructor: Instructor) -> Instructor:
    """A missed refill that was played to its end."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(47 * DAY_MS)
    instructor.decide("Appointment next week")
    instructor.go_to(53 * DAY_MS)
    expect(instructor.player.get_by_text("The scenario is over")).to_be_visible()
    instructor.show("Snapshots and debrief")
    return instructor


def download(instructor: Instructor, name: str, folder: Path) -> Path:
    """What a link of the debrief gives, under the name that it came with."""
    # A debrief is drawn by a process of its own, which takes its time on a busy machine.
    with instructor.page.expect_download(timeout=30_000) as coming:
        instructor.page.locator("#debrief").get_by_role("link", name=name).click()
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def test_the_debrief_is_one_page_that_tells_the_session(
    played: Instructor, tmp_path: Path, page: Page
) -> None:
    """It needs nothing else: opened from a file, with no network, it has all, and prints."""
    path = download(played, "Debrief", tmp_path)
    assert path.suffix == ".html"
    page.context.set_offline(True)
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(path.as_uri())
    for words in ("SIMULATOR", "Missed refill", "Appointment next week", "empty reservoir"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_text("withdrawal").first).to_be_visible()
    assert requested == [path.as_uri()]
    assert page.locator("svg").count() > 0
    assert not grave_findings(page)
    assert len(page.pdf(format="A4")) > 10_000


def test_the_debrief_comes_as_json_and_csv_too(played: Instructor, tmp_path: Path) -> None:
    """They tell the same session."""
    told = json.loads(download(played, "JSON", tmp_path).read_text("utf-8"))
    assert "Missed refill" in json.dumps(told)
    assert "nobody-comes" in json.dumps(told)
    path = download(played, "CSV", tmp_path)
    assert path.suffix == ".csv"
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    assert {len(each) for each in rows} == {len(rows[0])}
    assert any("empty" in cell for row in rows for cell in row)


def test_the_event_log_is_filtered_and_exported(played: Instructor, tmp_path: Path) -> None:
    """What is exported is what the filter shows."""
    played.show("Event log")
    events = played.page.locator("#events")
    events.get_by_role("button", name="Patient").click()
    lines = events.locator("[data-kind]")
    expect(lines.first).to_be_visible()
    assert {each.get_attribute("data-kind") for each in lines.all()} == {"flag"}
    events.get_by_role("button", name="Export").click()
    export = played.dialog("Export the event log")
    with played.page.expect_download() as coming:
        export.get_by_role("button", name="CSV").click()
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert len(rows) == lines.count()
    assert {row["kind"] for row in rows} == {"flag"}
