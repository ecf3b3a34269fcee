"""A training session as an instructor plays it, on the page alone."""

import re

from playwright.sync_api import expect

from tests.browser.instructor import DAY_MS, FASTEST, HOUR_MS, Instructor


def test_a_missed_refill_is_played_to_withdrawal(instructor: Instructor) -> None:
    """Picked, played, paused, decided and judged; the pump tells what its patient suffers from."""
    instructor.choose("Missed refill")
    instructor.player.get_by_role("button", name="Play").click()
    instructor.press_clock(FASTEST)
    expect(instructor.clock.get_by_text("Running")).to_be_visible()
    expect(instructor.clock.get_by_text(re.compile(r"Elapsed [1-9]\d* d"))).to_be_visible()
    instructor.press_clock("Pause")
    instructor.press_clock("To next event")
    expect(instructor.alarm("low_reservoir")).to_contain_text("non-critical", ignore_case=True)
    instructor.press_clock("+1 day")
    instructor.press_clock("+1 day")
    expect(instructor.decision).to_contain_text("something beeps")
    expect(instructor.clock.get_by_text(re.compile("^Waits for"))).to_be_visible()
    instructor.decide("Appointment next week")
    for _ in range(6):
        instructor.press_clock("+1 day")
    expect(instructor.alarm("empty_reservoir")).to_contain_text("critical", ignore_case=True)
    expect(instructor.page.locator("#pump")).to_contain_text("withdrawal")
    expect(instructor.story).to_contain_text("rebound spasticity")
    instructor.player.get_by_role("button", name="Go on").click()
    expect(instructor.player.get_by_text("The scenario is over")).to_be_visible()
    expect(instructor.player.get_by_text(re.compile(r"\b(\d+) of \1 checks"))).to_be_visible()


def test_going_back_before_the_choice_shows_the_other_branch(instructor: Instructor) -> None:
    """The other option is taken from the same moment; both takes are kept."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(47 * DAY_MS)
    instructor.decide("Appointment next week")
    instructor.go_to(53 * DAY_MS)
    instructor.player.get_by_role("button", name="Show another branch").click()
    back = instructor.dialog("Go back")
    back.get_by_role("radio").check()
    back.get_by_role("button", name="Go back", exact=True).click()
    expect(back).to_be_hidden()
    expect(instructor.clock).to_contain_text("Elapsed 46 d")
    expect(instructor.alarm("empty_reservoir")).to_have_count(0)
    instructor.decide("Come today")
    instructor.go_to(53 * DAY_MS)
    expect(instructor.player.get_by_text(re.compile(r"\b(\d+) of \1 checks"))).to_be_visible()
    expect(instructor.alarm("low_reservoir")).to_have_count(0)
    instructor.player.get_by_role("button", name="Go back").click()
    back.get_by_role("tab", name="Takes until now").click()
    expect(back.get_by_role("row", name=re.compile("^1 "))).to_contain_text("Appointment next week")
    expect(back.get_by_role("row", name=re.compile("^2 "))).to_contain_text("Come today")


def test_going_back_to_a_moment_undoes_what_came_after(instructor: Instructor) -> None:
    """The slider leads to any earlier moment; the log and the alarms are those of that moment."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(45 * DAY_MS + HOUR_MS)
    expect(instructor.alarm("low_reservoir")).to_be_visible()
    instructor.player.get_by_role("button", name="Go back").click()
    back = instructor.dialog("Go back")
    back.get_by_role("tab", name="To a moment").click()
    back.get_by_role("button", name="1 week before now").click()
    back.get_by_role("button", name="Go back", exact=True).click()
    expect(instructor.clock).to_contain_text("Elapsed 38 d")
    expect(instructor.alarm("low_reservoir")).to_have_count(0)
    assert instructor.ask("GET", "/state")["clock"]["paused"]


def test_a_session_is_played_with_the_keyboard_alone(instructor: Instructor) -> None:
    """Tab, Enter, Space and a number key are enough, and the focus is never lost."""
    keyboard, page = instructor.page.keyboard, instructor.page

    def tab_to(name: str) -> None:
        """Go on by Tab until the focus is there."""
        for _ in range(120):
            keyboard.press("Tab")
            focused: str = page.evaluate(
                "() => document.activeElement.getAttribute('aria-label')"
                " || document.activeElement.innerText || document.activeElement.tagName"
            )
            if name in focused:
                return
        raise AssertionError(f"Tab never comes to {name}")

    tab_to("Choose")
    keyboard.press("Enter")
    picker = instructor.dialog("Choose a session")
    expect(picker.get_by_label("Find a scenario")).to_be_focused()
    keyboard.type("missed refill")
    expect(picker.get_by_role("radio")).to_have_count(1)
    keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.press("Space")
    expect(picker.get_by_role("radio")).to_be_checked()
    keyboard.press("Enter")
    expect(picker).to_be_hidden()
    expect(instructor.player.get_by_role("button", name=re.compile("^Choose"))).to_be_focused()
    instructor.go_to(47 * DAY_MS)
    expect(instructor.decision).to_be_visible()
    keyboard.press("2")
    expect(instructor.decision).to_be_hidden()
    expect(instructor.story).to_contain_text("Come today")
    expect(instructor.player.get_by_role("button", name="Go on")).to_be_focused()
    keyboard.press("Enter")
    expect(instructor.clock.get_by_text("Running")).to_be_visible()


def test_a_snapshot_is_saved_and_restored(instructor: Instructor) -> None:
    """The whole pump comes back, as often as one likes, and waits."""
    instructor.ask("PUT", "/session", {"scenario": "missed-refill"})
    instructor.go_to(45 * DAY_MS + HOUR_MS)
    instructor.show("Snapshots and debrief")
    kept = instructor.page.locator("#snapshots")
    kept.get_by_role("button", name="Save").click()
    expect(kept.get_by_role("textbox")).to_have_attribute("aria-invalid", "true")
    kept.get_by_role("textbox").fill("before the call")
    kept.get_by_role("button", name="Save").click()
    instructor.press_clock("+1 day")
    expect(instructor.decision).to_be_visible()
    kept.get_by_role("button", name="Restore before the call").click()
    instructor.dialog(re.compile("^Restore")).get_by_role("button", name="Restore").click()
    expect(instructor.clock).to_contain_text("Elapsed 45 d 01:00")
    expect(instructor.decision).to_be_hidden()
    expect(instructor.alarm("low_reservoir")).to_be_visible()


def test_a_speed_that_is_chosen_while_time_stands_waits_for_play(instructor: Instructor) -> None:
    """It is shown as chosen and starts nothing; Play goes on with it. Later one acts at once."""
    faster = instructor.clock.get_by_role("button", name="\N{MULTIPLICATION SIGN}3600", exact=True)
    faster.click()
    expect(faster).to_have_attribute("aria-pressed", "true")
    instructor.press_clock("+1 h")
    expect(instructor.clock).to_contain_text("Elapsed 01:00:00")
    expect(faster).to_have_attribute("aria-pressed", "true")
    assert instructor.ask("GET", "/clock")["paused"]
    instructor.press_clock("Play")
    expect(instructor.clock.get_by_text("Running")).to_be_visible()
    assert instructor.ask("GET", "/clock")["speed"] == 3600
    real = instructor.clock.get_by_role("button", name="\N{MULTIPLICATION SIGN}1", exact=True)
    real.click()
    expect(real).to_have_attribute("aria-pressed", "true")
    assert instructor.ask("GET", "/clock")["speed"] == 1


def test_time_moves_to_a_date(instructor: Instructor) -> None:
    """A date of the pump's clock, a day from now at first; the past is refused at the field."""
    before = instructor.ask("GET", "/clock")["clock_local_ms"]
    instructor.press_clock("To a date")
    form = instructor.dialog(re.compile("^Move on"))
    field = form.get_by_label("Date and time of the pump's clock")
    wanted = field.input_value()
    field.fill("2001-01-01T00:00")
    form.get_by_role("button", name="Move on").click()
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill(wanted)
    form.get_by_role("button", name="Move on").click()
    expect(form).to_be_hidden()
    assert instructor.ask("GET", "/clock")["clock_local_ms"] == before + DAY_MS
