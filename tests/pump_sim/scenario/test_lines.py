"""The line of every key of a TOML text: exact for what has a line of its own."""

import tomllib
from textwrap import dedent
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.scenario.file.places import Place
from pump_sim.scenario.reading.lines import Lines

TEXT = dedent(
    '''\
    # A comment, and an empty line.

    title = "one"
    summary = """
    [pump]
    volume = "in a text, not a key"
    """

    [pump]  # the real one
    a.b.c = 1
    'quoted key' = { inner = [1, { deep = 2 }] }

    [[at]]
    time = "1 h"

    flex = [
      # of a list that spans lines, every element has its own
      { days = ["mon"], steps = {} },

      { days = ["tue", "wed"] },
      3, 4]
    [at.prescription]
    dose = "x"
    [[choice]]
    [[choice.option]]
    name = "first"
    [[choice.option.say]]
    text = 'a'
    [[choice.option.say]]
    text = 'b'
    [[choice.option]]
    [[choice.option.say]]
    text = 'c'
    [[at]]
    time = "2 h"
    texts = [
      """
      ]
      """,
      'x' ]
    end = 1'''
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 1),
        (("title",), 3),
        (("summary",), 4),
        (("pump",), 9),
        (("pump", "a"), 10),
        (("pump", "a", "b", "c"), 10),
        (("pump", "quoted key", "inner", 1, "deep"), 11),
        (("at",), 13),
        (("at", 0), 13),
        (("at", 0, "time"), 14),
        (("at", 0, "flex"), 16),
        (("at", 0, "flex", 0, "days", 0), 18),
        (("at", 0, "flex", 1, "days", 1), 20),
        (("at", 0, "flex", 2), 21),
        (("at", 0, "flex", 3), 21),
        (("at", 0, "prescription"), 22),
        (("at", 0, "prescription", "dose"), 23),
        (("choice", 0, "option", 0), 25),
        (("choice", 0, "option", 0, "say", 1, "text"), 30),
        (("choice", 0, "option", 1), 31),
        (("choice", 0, "option", 1, "say", 0, "text"), 33),
        (("at", 1), 34),
        (("at", 1, "texts"), 36),
        (("at", 1, "texts", 0), 37),
        (("at", 1, "texts", 1), 40),
        (("at", 1, "end"), 41),
    ],
)
def test_every_key_is_on_the_line_where_it_begins(path: Place, line: int) -> None:
    """Keys, headers, elements of arrays of tables and of lists, also after texts over lines."""
    assert Lines(TEXT).line_of(path) == line


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("nothing",), 1),
        (("pump", "volume"), 9),
        (("at", 0, "volume"), 13),
        (("at", 1, "volume", "deeper"), 34),
        (("choice", 0, "option", 1, "name"), 31),
        (("at", 7, "time"), 13),
    ],
)
def test_what_is_missing_is_on_the_line_of_the_table_that_lacks_it(path: Place, line: int) -> None:
    """The header of the innermost table that is there."""
    assert Lines(TEXT).line_of(path) == line


def test_carriage_returns_change_no_line() -> None:
    """A file written on another system has the same lines."""
    windows = Lines(TEXT.replace("\n", "\r\n"))
    assert windows.line_of(("choice", 0, "option", 1, "say", 0, "text")) == 33
    assert windows.line_of(("at", 1, "texts", 1)) == 40


KEYS = st.text("abc", min_size=1, max_size=2)
VALUES = st.sampled_from(
    ["1", '"x"', "[\n1,\n2\n]", '"""\n[a]\n"""', "'''\nx = [\n'''", "{ k = 1 }", "[[1],\n[2]]"]
)


@given(st.lists(st.tuples(KEYS, VALUES), max_size=6, unique_by=lambda each: each[0]), st.data())
def test_lines_are_those_on_which_the_keys_were_written(
    pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    """Whatever stands between: keys of tables of an array, with values over several lines."""
    text, wanted = "", {}
    for table in range(data.draw(st.integers(1, 3))):
        text += "\n" * data.draw(st.integers(0, 2)) + "[[t]]\n"
        for key, value in pairs:
            wanted["t", table, key] = text.count("\n") + 1
            text += f"{key} = {value}\n"
    tomllib.loads(text)
    lines = Lines(text)
    assert {path: lines.line_of(path) for path in wanted} == wanted


def test_a_long_statement_costs_seconds_at_most() -> None:
    """A list of a hundred thousand lines is not parsed a hundred thousand times."""
    text = "a = [\n" + "  [1],\n" * 100_000 + "]\nb = 2\n"
    begin = perf_counter()
    assert Lines(text).line_of(("a",)) == 1
    assert perf_counter() - begin < 20
