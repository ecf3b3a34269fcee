"""Charts, timeline, event log, snapshots and practice, as an instructor uses them."""

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.instructor import DAY_MS, Instructor

_THINNED = """
async ([rows, pixels]) => {
  const { thinned } = await import("/static/console/thinning.js");
  return thinned(rows, (row) => row[1], rows[0][0], rows.at(-1)[0], pixels);
}
"""


def _thinned(instructor: Instructor, rows: list[list[Any]], pixels: int) -> list[Any]:
    points: list[Any] = instructor.page.evaluate(_THINNED, [rows, pixels])
    return points


def test_no_peak_is_lost_where_a_chart_has_more_rows_than_pixels(instructor: Instructor) -> None:
    """One high row among ten thousand is drawn, and few of the others."""
    rows: list[list[Any]] = [[at, 100] for at in range(10_000)]
    rows[5_432][1] = 900
    points = _thinned(instructor, rows, 300)
    assert [5_432, 900] in points
    assert len(points) <= 4 * 302
    assert [points[0], points[-1]] == [rows[0], rows[-1]]


def test_a_line_has_a_gap_where_there_is_no_value(instructor: Instructor) -> None:
    """Without a prescription there is no effect to draw: not a line to zero."""
    points = _thinned(instructor, [[0, 5], [1, None], [2, None], [3, 7]], 100)
    assert points == [[0, 5], None, [3, 7]]


def _chart(instructor: Instructor, name: str) -> Locator:
    return instructor.page.get_by_role("slider", name=re.compile(f"^{name}"))


def test_charts_are_read_with_keys_and_as_a_table(instructor: Instructor) -> None:
    """The crosshair tells the figures of its moment in words; the table has the same figures."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(45 * DAY_MS)
    volume = _chart(instructor, "Volume")
    expect(instructor.page.locator("#charts")).to_contain_text("2.00")
    volume.focus()
    told = volume.get_attribute("aria-valuetext")
    assert told == "45 d 00:00: actual 2.00 mL, believed 2.00 mL"
    volume.press("Home")
    expect(volume).to_have_attribute("aria-valuetext", "start: actual 20.00 mL, believed 20.00 mL")
    volume.press("Shift+ArrowRight")
    expect(volume).to_have_attribute("aria-valuetext", re.compile("^2 d 15:36: actual 18.94 mL"))
    instructor.page.locator("#charts").get_by_role("button", name="Table").click()
    table = instructor.page.get_by_role("region", name="Charts as a table")
    expect(table.get_by_role("row", name=re.compile("^45 d 00:00 2.00 2.00 0.400"))).to_be_visible()


def test_the_timeline_tells_what_holds(instructor: Instructor) -> None:
    """Alarms and the patient's flags are told in words, with their classes."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(47 * DAY_MS)
    instructor.decide("Appointment next week")
    instructor.go_to(52 * DAY_MS)
    timeline = instructor.page.locator("#timeline")
    timeline.scroll_into_view_if_needed()
    expect(timeline).to_contain_text("withdrawal (patient)")
    expect(timeline).to_contain_text("empty reservoir (critical alarm)")
    timeline.get_by_role("button", name="Table").click()
    table = timeline.get_by_role("region", name="Timeline as a table")
    expect(table.get_by_role("row", name=re.compile("^45 d 00:00 non-critical"))).to_be_visible()
    expect(table.get_by_role("row", name=re.compile("^46 d 00:00 decision"))).to_have_count(2)


def test_the_log_is_filtered_and_keeps_the_place_of_its_reader(instructor: Instructor) -> None:
    """Lines that come while somebody reads further down move nothing, and are told of."""
    instructor.show("Event log")
    for _ in range(30):
        instructor.ask("POST", "/acts/proximity", {"in_reach": True})
    log = instructor.page.get_by_role("region", name="Event log, newest first")
    lines = log.get_by_role("listitem")
    expect(lines.filter(has_text="instructor").nth(29)).to_be_attached()
    log.evaluate("box => { box.scrollTop = 200; }")
    read = lines.nth(8)
    text, before = read.inner_text(), read.bounding_box()
    instructor.ask("POST", "/acts/proximity", {"in_reach": True})
    fresh = instructor.page.get_by_role("button", name=re.compile(r"^\d+ new lines?$"))
    expect(fresh).to_be_visible()
    count = int(fresh.inner_text().split()[0])
    moved = lines.nth(8 + count)
    after = moved.bounding_box()
    assert moved.inner_text() == text
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2
    fresh.click()
    expect(fresh).to_be_hidden()
    instructor.page.get_by_role("button", name="Alarms", exact=True).click()
    expect(log.get_by_text("Nothing to show.")).to_be_visible()


def test_a_snapshot_is_kept_taken_away_brought_back_and_deleted(
    instructor: Instructor, tmp_path: Path
) -> None:
    """Its file is taken in to the last digit: whole numbers beyond 2^53 are among them."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(10 * DAY_MS)
    page = instructor.page
    instructor.show("Snapshots and debrief")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Give it a name")).to_be_visible()
    page.get_by_role("textbox", name="Name of the snapshot").fill("ten days")
    page.get_by_role("button", name="Save").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download ten days").click()
    file = tmp_path / "ten-days.json"
    download.value.save_as(file)
    page.get_by_role("button", name="Delete ten days").click()
    instructor.dialog(re.compile("^Delete")).get_by_role("button", name="Delete").click()
    expect(page.get_by_role("link", name="Download ten days")).to_have_count(0)
    instructor.go_to(12 * DAY_MS)
    page.locator("#snapshots input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Restore ten days").click()
    instructor.dialog(re.compile("^Restore")).get_by_role("button", name="Restore").click()
    expect(instructor.facts).to_contain_text("16.00 mL")
    kept = instructor.ask("GET", "/snapshots")["snapshots"][-1]["id"]
    taken_in = instructor.ask("GET", f"/snapshots/{kept}")["state"]
    assert taken_in == json.loads(file.read_text())["state"]


def test_a_practice_begins_as_it_is_wished_for(instructor: Instructor) -> None:
    """What the pump cannot hold is refused at its field; else the pump is as it was asked for."""
    instructor.player.get_by_role("button", name="Choose").click()
    picker = instructor.dialog("Choose a session")
    picker.get_by_label("Find a scenario").fill("practice")
    picker.get_by_role("radio", name=re.compile("Free practice")).check()
    picker.get_by_label("In the reservoir").fill("21")
    picker.get_by_role("button", name="Begin").click()
    expect(picker.get_by_text("This pump holds 20 mL at most.")).to_be_visible()
    picker.get_by_label("In the reservoir").fill("8.5")
    picker.get_by_label("Daily dose").fill("400")
    picker.get_by_role("button", name="Begin").click()
    expect(picker).to_be_hidden()
    expect(instructor.facts).to_contain_text("8.50 mL")
    expect(instructor.facts).to_contain_text("400 mcg/day")
