"""Ways through a scenario's choices: which there are, how they are written and read."""

import pytest

from pump_sim.scenario.file.branches import (
    PickError,
    Way,
    acts_of,
    branches,
    choices_of,
    count_branches,
    read_pick,
    read_picks,
    walk,
    way_text,
)
from pump_sim.scenario.file.document import Scenario


def option(name: str, *choices: object) -> dict[str, object]:
    """An option of a choice, with an act and choices of its own."""
    act = {"time": "9 h", "hands": "press", "note": name}
    return {"name": name, "title": name, "at": [act], "choice": list(choices)}


def choice(name: str, time: str, *options: object) -> dict[str, object]:
    """A choice between these options."""
    return {"name": name, "time": time, "ask": "?", "option": list(options)}


NESTED = Scenario.model_validate(
    {
        "title": "t",
        "length": "10 h",
        "at": [{"time": "9 h", "hands": "press", "note": "main"}],
        "choice": [
            choice("late", "5 h", option("x"), option("y")),
            choice("early", "1 h", option("a", choice("then", "2 h", option("p"), option("q"))),
                   option("b")),
        ],
    }
)  # fmt: skip
CALM = Scenario.model_validate({"title": "t", "length": "1 h"})


def test_every_way_has_its_picks_in_the_order_of_time() -> None:
    """Also where the file has the later choice first, and where an option has choices."""
    assert [str(way) for way in branches(NESTED)] == [
        "early=a, then=p, late=x",
        "early=a, then=p, late=y",
        "early=a, then=q, late=x",
        "early=a, then=q, late=y",
        "early=b, late=x",
        "early=b, late=y",
    ]
    assert count_branches(NESTED) == 6


def test_nothing_to_choose_is_one_way_with_a_name() -> None:
    assert (branches(CALM), count_branches(CALM)) == ((Way(),), 1)
    assert (str(Way()), Way().texts, way_text(())) == ("only way", (), "only way")


def test_a_way_is_the_picks_of_a_play() -> None:
    """As pairs and as texts; both are the same way."""
    way = branches(NESTED)[-1]
    assert dict(way) == {"early": "b", "late": "y"}
    assert way.texts == ("early=b", "late=y")
    assert read_picks(way.texts, NESTED) == dict(way)
    assert tuple(map(read_pick, way.texts)) == way


def test_all_blocks_are_walked_each_with_its_place() -> None:
    """A scenario, its options, and theirs: in the order of the file."""
    assert [place for place, _ in walk(NESTED)] == [
        (),
        ("choice", 0, "option", 0),
        ("choice", 0, "option", 1),
        ("choice", 1, "option", 0),
        ("choice", 1, "option", 0, "choice", 0, "option", 0),
        ("choice", 1, "option", 0, "choice", 0, "option", 1),
        ("choice", 1, "option", 1),
    ]
    assert [act.note for act in acts_of(NESTED)] == ["main", "x", "y", "a", "p", "q", "b"]
    assert [each.name for each in choices_of(NESTED)] == ["late", "early", "then"]


@pytest.mark.parametrize("text", ["", "early", "early=", "=a", "="])
def test_what_is_no_pick_is_refused(text: str) -> None:
    """The message says how one is written."""
    with pytest.raises(PickError, match="write it as CHOICE=OPTION"):
        read_pick(text)


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["never=a"], "'never=a': no choice 'never'; there are late, early, then"),
        (["early=a", "then=z"], "'then=z': then has p, q"),
        (["early=a", "early=b"], "'early=b': a is picked already"),
        (
            ["erly=a"],
            "'erly=a': no choice 'erly'; there are late, early, then. Did you mean early?",
        ),
    ],
)
def test_a_pick_that_a_scenario_does_not_have_is_refused(texts: list[str], why: str) -> None:
    """With what there is; and two options of one choice are no way."""
    with pytest.raises(PickError) as caught:
        read_picks(texts, NESTED)
    assert str(caught.value) == why


def test_a_pick_twice_is_one() -> None:
    assert read_picks(["early=a", "early=a"], NESTED) == {"early": "a"}


def test_without_choices_any_pick_is_refused() -> None:
    with pytest.raises(PickError, match="there are none"):
        read_picks(["early=a"], CALM)
