"""A check plays every way through scenarios and says on which lines what was not met."""

import re
from pathlib import Path

import pytest

from pump_sim.scenario import checking
from pump_sim.scenario.checking import CheckedPlay, check, plan
from pump_sim.scenario.reading.loading import Loaded, load
from pump_sim.scenario.reporting.wording import as_json, summary
from pump_sim.scenario.tracing.trace_lines import ExpectationLine, FrameLine, StartLine, read_trace

CLINIC = """\
title = "A refill that is late"
length = "60 d"

[prescription]
dose = "800 mcg/day"

[[expect]]
alarm = "low_reservoir"
at = "45 d"

[[expect]]
alarm = "low_reservoir"
at = "45 d"

[[expect]]
actual_volume = "20 mL"
at = "1 d"
because = "nothing leaves a full reservoir"

[[at]]
time = "1 d"
programmer = "interrogate"

[[at]]
time = "1 d"
programmer = "abort_bolus"

[[choice]]
time = "46 d"
name = "refill"
ask = "Does anybody come?"

[[choice.option]]
name = "come"
title = "Somebody comes"

[[choice.option.at]]
time = "46 d"
hands = "fill"
volume = "20 mL"

[[choice.option.expect]]
actual_volume = "20 mL"
at = "46 d"

[[choice.option]]
name = "stay"
title = "Nobody comes"

[[choice.option.expect]]
actual_volume = "20 mL"
at = "46 d"
"""


def line_number(text: str, after: str = "") -> int:
    """The line of the clinic's file on which a text stands first, or first after another text."""
    return CLINIC.count("\n", 0, CLINIC.index(text, CLINIC.index(after))) + 1


@pytest.fixture
def clinic(tmp_path: Path) -> Loaded:
    """A scenario with two ways, the same expectation twice, and some that are not met."""
    path = tmp_path / "clinic.toml"
    path.write_text(CLINIC, "utf-8")
    return load(path)


def test_every_way_through_every_scenario_is_played(clinic: Loaded) -> None:
    """In their order; whoever wants to is told of each when it has been judged."""
    told: list[CheckedPlay] = []
    report = check(plan([clinic, clinic]), told.append)
    assert [str(each.way) for each in report.plays] == 2 * ["refill=come", "refill=stay"]
    assert tuple(told) == report.plays
    assert {each.name for each in report.plays} == {"clinic"}


def test_unmet_expectations_are_told_with_the_lines_of_their_file(clinic: Loaded) -> None:
    """Those of the scenario, of the chosen option alone, and of acts."""
    come, stay = check(plan([clinic])).plays
    full = line_number("[[expect]]\nactual_volume")
    idle = line_number("[[at]]", after='programmer = "interrogate"')
    dry = line_number("[[choice.option.expect]]", after="Nobody comes")
    assert [each.line for each in come.unmet] == [full, idle]
    assert [each.line for each in stay.unmet] == [full, dry, idle]
    texts = [each.verdict.happened for each in stay.unmet]
    assert texts[:2] == ["19.6 mL", "1.6 mL"]
    assert texts[2].startswith("refused: no_bolus")
    assert not come.met
    assert len(come.judged) == 6


def test_equal_expectations_have_each_its_own_line(clinic: Loaded) -> None:
    come = check(plan([clinic])).plays[0]
    first = line_number('[[expect]]\nalarm = "low_reservoir"')
    assert [each.line for each in come.judged[:2]] == [first, first + 4]
    assert all(each.verdict.met for each in come.judged[:2])


def test_a_report_is_met_if_every_play_is(clinic: Loaded, tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.write_text('title = "Calm"\nlength = "1 d"\nexpect = [{flags = [], at = "1 d"}]', "utf-8")
    calm = load(path)
    assert check(plan([calm])).met
    assert not check(plan([calm, clinic])).met


def test_a_play_without_choices_is_the_only_way(tmp_path: Path) -> None:
    path = tmp_path / "calm.toml"
    path.write_text('title = "Calm"\nlength = "1 d"', "utf-8")
    (play,) = check(plan([load(path)])).plays
    assert (str(play.way), play.way, play.judged, play.met) == ("only way", (), (), True)


def test_a_trace_has_every_play_with_its_verdicts(clinic: Loaded) -> None:
    lines: list[str] = []
    report = check(plan([clinic]), write_trace=lines.append)
    plays = read_trace(lines)
    assert [each.branch for each in plays] == [("refill=come",), ("refill=stay",)]
    for traced, played in zip(plays, report.plays, strict=True):
        assert traced.complete
        assert traced.of(StartLine)[0].serial_number == "SIM-0001"
        expectations = traced.of(ExpectationLine)
        assert [each.line for each in expectations] == [each.line for each in played.judged]
        assert [each.met for each in expectations] == [each.verdict.met for each in played.judged]
        assert {each.message for each in traced.of(FrameLine)} >= {"interrogate", "status_report"}


def test_the_same_seed_gives_the_same_trace_byte_for_byte() -> None:
    """On a line on which much goes wrong by chance, too."""
    noisy = plan([load("noisy-link")])
    first: list[str] = []
    second: list[str] = []
    check(noisy, write_trace=first.append)
    check(noisy, write_trace=second.append)
    assert first == second
    assert any('"kind":"impaired"' in each for each in first)


def test_tracing_changes_no_verdict(clinic: Loaded) -> None:
    plain, traced = check(plan([clinic])), check(plan([clinic]), write_trace=lambda _: None)
    assert [each.judged for each in plain.plays] == [each.judged for each in traced.plays]


def test_a_bug_in_a_play_is_no_verdict(clinic: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is raised, whatever else was met."""

    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(checking, "run", broken)
    with pytest.raises(ZeroDivisionError):
        check(plan([clinic]))


def test_the_last_line_counts_scenarios_plays_and_what_was_not_met(clinic: Loaded) -> None:
    report = check(plan([clinic]))
    text = re.sub(r"[0-9.]+ s$", "0 s", summary(report))
    assert text == "1 scenario, 2 plays: 5 of 12 expectations unmet, in 2 plays, in 0 s"


def test_json_has_every_verdict(clinic: Loaded) -> None:
    report = check(plan([clinic]))
    shown = as_json(report)
    assert (shown["met"], len(shown["plays"])) == (False, 2)
    come = shown["plays"][0]
    assert (come["scenario"], come["branch"], come["met"]) == ("clinic", ["refill=come"], False)
    assert come["expectations"][2] == {
        "line": line_number("[[expect]]\nactual_volume"),
        "expected": "actual volume 20 mL at 1 d",
        "met": False,
        "happened": "19.6 mL",
        "at_ms": 86_400_000,
        "because": "nothing leaves a full reservoir",
    }
