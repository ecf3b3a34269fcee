"""Files that are meant to cost time, or that a machine wrote, are refused soon and shortly."""

from pathlib import Path
from time import monotonic

import pytest

from pump_sim.scenario.reading.loading import (
    LONGEST_LINE,
    MOST_PROBLEMS,
    ScenarioError,
    load,
)

HEAD = 'title = "t"\nlength = "10 d"\n'
SOON_S = 15.0


def told(folder: Path, text: str) -> list[str]:
    """What is told of a file of that text, soon."""
    path = folder / "a.toml"
    path.write_text(text, "utf-8")
    began = monotonic()
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert monotonic() - began < SOON_S
    return [each.text for each in caught.value.problems]


def choices(count: int) -> str:
    """As many choices between two things, each doubling the ways."""
    return "".join(
        f'[[choice]]\nname = "c{each}"\ntime = "1 d"\nask = "?"\n'
        f'[[choice.option]]\nname = "a{each}"\ntitle = "A"\n'
        f'[[choice.option]]\nname = "b{each}"\ntitle = "B"\n'
        for each in range(count)
    )


def test_of_very_many_problems_the_first_are_told_and_how_many_more_there_are(
    tmp_path: Path,
) -> None:
    """And finding them takes a time that grows as the file does."""
    acts = "\n".join([*["{}, " * 1_000] * 20])
    said = told(tmp_path, f"{HEAD}at = [\n{acts}\n]\n")
    assert len(said) == MOST_PROBLEMS + 1
    assert said[0].startswith("at[0]: no key says who acts")
    assert said[-1] == f"{20_000 - MOST_PROBLEMS:,} more problems."


def test_a_number_of_ways_with_thousands_of_digits_is_not_counted(tmp_path: Path) -> None:
    """Python would refuse to write it."""
    options = ",".join(f'{{name="{each}",title=""}}' for each in "abc")
    text = f'[[choice]]\nname="c"\ntime="0 s"\nask=""\noption=[{options}]\n' * 9_050
    assert told(tmp_path, HEAD + text)[0] == (
        "choice: more than 1,000,000 ways through the choices: allowed are 256."
    )


def test_acts_on_many_ways_are_not_more_than_can_be_walked(tmp_path: Path) -> None:
    """Each act is looked at on each way."""
    acts = '[[at]]\ntime = "1 d"\nhands = "press"\n' * 1_000
    assert told(tmp_path, HEAD + acts + choices(8)) == [
        "at: 1,000 acts with 256 ways through the choices: their product may be at most 200,000."
    ]


def test_a_very_long_line_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    """Such as a key of 50,000 parts, of which a parser makes a table each."""
    assert told(tmp_path, HEAD + "a." * 50_000 + "a = 1\n") == [
        f"it is too long: allowed are {LONGEST_LINE:,} characters."
    ]


def test_many_keys_of_many_parts_are_refused_soon(tmp_path: Path) -> None:
    """Each within the length of a line, and all within that of a file."""
    lines = "".join(f"k{each}{'.a' * 4_990} = 1\n" for each in range(90))
    assert told(tmp_path, HEAD + lines)


def test_a_name_many_times_in_a_list_is_told_soon(tmp_path: Path) -> None:
    """Each time but the first."""
    users = "\n".join(['"ci", ' * 1_000] * 100)
    said = told(tmp_path, f"{HEAD}users = [\n{users}\n]\n")
    assert said[-1] == f"{100_000 - 1 - MOST_PROBLEMS:,} more problems."
