"""Faults and acts from the instructor's page: a form, a confirmation, and what comes of it."""

import re

from playwright.sync_api import Locator, expect

from tests.browser.instructor import Instructor


def open_form(instructor: Instructor, name: str) -> Locator:
    """The dialog behind a button of what an instructor does."""
    instructor.hands.get_by_role("button", name=name, exact=True).click()
    form = instructor.dialog(name)
    expect(form).to_be_visible()
    return form


def test_a_stall_is_true_at_once_and_an_alarm_when_the_pump_notices(
    instructor: Instructor,
) -> None:
    """The form says what will happen before it does; belief and truth part, and meet again."""
    form = open_form(instructor, "Motor stall")
    expect(form).to_contain_text("no drug is delivered")
    expect(form).to_contain_text("stays until you clear it")
    assert instructor.ask("GET", "/truth")["stalled"] is False
    form.get_by_role("button", name="Inject").click()
    expect(form).to_be_hidden()
    stall = instructor.hands.locator("li[data-fault=motor_stall]")
    expect(stall).to_contain_text("Active")
    expect(instructor.facts).to_contain_text("Motor stalled")
    expect(instructor.facts).to_contain_text("no alarm for it")
    expect(instructor.alarm("motor_stall")).to_have_count(0)
    instructor.press_clock("+1 day")
    expect(instructor.alarm("motor_stall")).to_contain_text("Critical")
    expect(instructor.facts).not_to_contain_text("no alarm for it")
    expect(
        instructor.page.locator("[aria-live=assertive], [role=alert]").filter(
            has_text=re.compile("critical alarm: motor stall", re.IGNORECASE)
        )
    ).not_to_have_count(0)
    stall.get_by_role("button", name="Clear").click()
    expect(stall).to_have_count(0)
    assert instructor.ask("GET", "/truth")["stalled"] is False


def test_a_value_out_of_range_is_told_at_its_field(instructor: Instructor) -> None:
    """What is wrong stands at the field with the range and its unit; nothing is done meanwhile."""
    form = open_form(instructor, "Flow error")
    field = form.get_by_role("textbox", name="Delivered, of what is commanded")
    for wrong in ("much", "-5", "1e9", "100000"):
        field.fill(wrong)
        form.get_by_role("button", name="Inject").click()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(r"\d.*%"))
        expect(field).to_be_focused()
    assert instructor.ask("GET", "/state")["faults"] == []
    field.fill("120")
    expect(field).not_to_have_attribute("aria-invalid", "true")
    form.get_by_role("button", name="Inject").click()
    expect(form).to_be_hidden()
    (fault,) = instructor.ask("GET", "/state")["faults"]
    assert fault["parameters"] == {"factor_ppm": 1_200_000}


def test_what_is_cancelled_is_not_done(instructor: Instructor) -> None:
    """Escape leaves a form, and the focus is where it was."""
    form = open_form(instructor, "Motor stall")
    instructor.page.keyboard.press("Escape")
    expect(form).to_be_hidden()
    opener = instructor.hands.get_by_role("button", name="Motor stall", exact=True)
    expect(opener).to_be_focused()
    assert instructor.ask("GET", "/state")["faults"] == []


def test_the_reservoir_is_filled_by_hand_and_the_pump_is_not_told(instructor: Instructor) -> None:
    """Truth and belief part by what was filled in."""
    instructor.ask("POST", "/clock/advance", {"by": 40 * 86_400_000})
    instructor.hands.get_by_role("tab", name="Clinical acts").click()
    instructor.hands.get_by_role(
        "button", name=re.compile("^(Re)?fill", re.IGNORECASE)
    ).first.click()
    form = instructor.page.get_by_role("dialog")
    form.get_by_role("textbox").first.fill("18")
    form.get_by_role("button").last.click()
    expect(form).to_have_count(0)
    state = instructor.ask("GET", "/state")
    assert state["truth"]["actual_volume_nl"] == 18_000_000
    assert state["belief"]["believed_volume_nl"] == 14_000_000
