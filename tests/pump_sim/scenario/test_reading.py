"""A scenario is read from its file, or refused with every fault: line, key, what is allowed."""

import tomllib
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from pump_sim.scenario.file.link_rules import LinkRule
from pump_sim.scenario.reading import loading
from pump_sim.scenario.reading.catalogue import SHIPPED, scenario_names
from pump_sim.scenario.reading.loading import LARGEST_BYTES, Problem, ScenarioError, load, read_as

DATA = Path(__file__).with_name("data")
FILES = sorted([*DATA.glob("*.toml"), *SHIPPED.glob("*.toml")])

HEAD = 'title = "t"\nlength = "10 d"\n'


def refused(folder: Path, text: str | bytes) -> tuple[Problem, ...]:
    """The problems of a file of that text."""
    path = folder / "my.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert all(each.file == str(path) for each in caught.value.problems)
    return caught.value.problems


def only(folder: Path, text: str | bytes) -> tuple[int | None, str, str]:
    """The one problem of a file: its line, its key, what is told."""
    (problem,) = refused(folder, text)
    return problem.line, problem.key, problem.text


# --- What can be read ----------------------------------------------------------------------------


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_good_file_is_read(path: Path) -> None:
    """Shipped files and those of the tests, by their path; every act knows its line."""
    loaded = load(path)
    assert (loaded.name, loaded.path) == (path.stem, path)
    text = path.read_text("utf-8").split("\n")
    for index in range(len(loaded.scenario.at)):
        assert text[loaded.line_of(("at", index)) - 1] == "[[at]]"


def test_a_shipped_scenario_has_a_name() -> None:
    """It is found by its name from anywhere; a path object is never a name."""
    name = scenario_names()[0]
    assert load(name).path == SHIPPED / f"{name}.toml"
    with pytest.raises(ScenarioError, match="no such file"):
        load(Path(name))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """Who mistypes a name is told which ones there are."""
    with pytest.raises(ScenarioError) as caught:
        load("noisy-lnk")
    assert str(caught.value).startswith("noisy-lnk: there is no such file, and no scenario")
    assert "noisy-link" in str(caught.value)
    assert "with the package. Did you mean noisy-link? Known are " in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + HEAD.encode(),
        HEAD.replace("\n", "\r\n").encode(),
        HEAD.encode().rstrip(),
        "title = 'µ 注'\nlength = '1 d'".encode(),
    ],
    ids=["byte order mark", "carriage returns", "no last newline", "other alphabets"],
)
def test_files_of_other_editors_are_read(tmp_path: Path, text: bytes) -> None:
    """What editors add to a text changes nothing of what it says."""
    path = tmp_path / "a.toml"
    path.write_bytes(text)
    assert load(path).line_of(("length",)) == 2


def test_a_state_is_looked_for_beside_the_scenario(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the folder where the command is run."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "pump.state").write_text("{}")
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = HEAD + '[pump]\nstate = "pump.state"\n'
    assert all("no such file" not in each.text for each in _problems(tmp_path, text))
    moved = tmp_path / "elsewhere"
    assert "no such file" in refused(moved, text)[0].text


def _problems(folder: Path, text: str) -> tuple[Problem, ...]:
    path = folder / "a.toml"
    path.write_text(text)
    try:
        load(path)
    except ScenarioError as error:
        return error.problems
    return ()


# --- What is no scenario at all ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "title: it is missing."),
        ("\n\ntitle = \n", 3, "column 9: it is no TOML: invalid value."),
        ("a = 1\na = 2\n", 2, "column 6: it is no TOML: cannot overwrite a value."),
        ("a = [1,\n2\n\n", 2, "it is no TOML: unclosed array (at end of document)."),
        ("a = " + "[" * 5_000, None, "its values lie too deep in each other."),
        (b"# \xff\n", 1, "byte 0xff is no UTF-8, in which TOML is written."),
        (b"\n\ntitle = 'caf\xe9'\n", 3, "byte 0xe9 is no UTF-8, in which TOML is written."),
        ("a = " + "1" * 5_000, 1, "it is no TOML: "),
        ("a = 2026-02-30\n", 1, "column 5: it is no TOML: invalid date or datetime."),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_toml_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, line: int | None, told: str
) -> None:
    """Syntax, encoding and depth: one sentence, and the line where there is one."""
    problem = refused(tmp_path, text)[0]
    assert problem.line == line
    assert problem.text.startswith(told)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder, a missing file, a name with a zero, and something far too long."""
    for path, told in (
        (tmp_path, "it is a folder: give its files."),
        (tmp_path / "none.toml", "there is no such file, and no scenario of that name"),
        (Path("a\0b"), "it cannot be read: "),
        (Path("a" * 5_000), "it cannot be read: "),
    ):
        with pytest.raises(ScenarioError) as caught:
            load(path)
        (problem,) = caught.value.problems
        assert problem.text.startswith(told)
        assert problem.line is None
        assert "\0" not in str(caught.value)
    long = b"# " + b"x" * 10_000_000
    assert only(tmp_path, long)[2] == f"it is too long: allowed are {LARGEST_BYTES:,} bytes."


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEAD + "[expect]\n", "expect: a list of tables is wanted: write [[expect]]."),
        (
            HEAD + "[pump]\nseed = 3\n",
            "pump.seed = 3: no such key here: it belongs above the first table of the file.",
        ),
        (
            HEAD.replace("10 d", "40000 d"),
            'length = "40000 d": at most 36600 d.',
        ),
        (HEAD.replace("10 d", "-1 d"), 'length = "-1 d": it may not be negative.'),
        (
            HEAD.replace("10 d", "36 h 1 d"),
            'length = "36 h 1 d": the largest unit comes first, each unit once, as 1 d 36 h.',
        ),
        (
            HEAD + '[[expect]]\nalarm = "eri"\nnever = false\n',
            "expect[0].never = false: allowed is true; otherwise leave it out.",
        ),
    ],
)
def test_a_common_mistake_is_told_with_what_to_write(tmp_path: Path, text: str, told: str) -> None:
    """In the words of a file."""
    assert only(tmp_path, text)[2] == told


# --- What is wrong in it -------------------------------------------------------------------------

AT = HEAD + '[[at]]\ntime = "1 d"\n'
EXPECT = HEAD + "[[expect]]\n"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            AT + 'hands = "fill"\nvolume = "20 mg"\n',
            6,
            "at[0].volume = \"20 mg\": 'mg' is no unit of volume. Units: mL, uL, nL.",
        ),
        (
            AT + 'hands = "fill"\nvolum = "20 mL"\nvolume = "20 mL"',
            6,
            (
                'at[0].volum = "20 mL": no such key here. Allowed are time, note, hands, volume,'
                " concentration, rinsed. Did you mean volume?"
            ),
        ),
        (
            HEAD + 'titel = "x"',
            3,
            (
                'titel = "x": no such key here. Allowed are say, at, expect, choice, title,'
                " summary, users, source, length, seed, pump, prescription, link. Did you mean"
                " title?"
            ),
        ),
        (
            AT + 'hands = "fil"\n',
            5,
            (
                'at[0].hands = "fil": allowed are fill, fill_pocket, inject_catheter, mri_scan,'
                " press, lay_head, lift_head, proximity, button, explant, implant, replace."
                " Did you mean fill?"
            ),
        ),
        (
            AT + 'programmer = ["stop"]\n',
            5,
            (
                "at[0].programmer: allowed are interrogate, program, stop, roll_back, bolus,"
                " priming, abort_bolus, patient_bolus, refill, acknowledge, silence, set_clock,"
                " self_test, note, pair, emergency, replay, forge, reflect, reorder."
            ),
        ),
        (
            AT + 'link = "dorp"\n',
            5,
            (
                'at[0].link = "dorp": allowed are drop, duplicate, delay, jitter, split, merge,'
                " flip, truncate, silence, disconnect, baud, clear. Did you mean drop?"
            ),
        ),
        (
            HEAD + '[[link]]\nlink = "clear"\n',
            4,
            (
                'link[0].link = "clear": allowed are drop, duplicate, delay, jitter, split, merge,'
                " flip, truncate, silence, disconnect, baud."
            ),
        ),
        (
            AT,
            3,
            "at[0]: no key says who acts. One of hands, programmer, fault, clear, link is wanted.",
        ),
        (
            AT + 'hand = "fill"',
            3,
            (
                "at[0]: no key says who acts. One of hands, programmer, fault, clear, link is"
                " wanted. Did you mean hands?"
            ),
        ),
        (
            AT + 'hands = "fill"\nlink = "drop"',
            3,
            "at[0]: hands, link exclude each other: exactly one key says who acts.",
        ),
        (
            EXPECT + 'alarm = "eri"\nflag = "overdose"\n',
            3,
            "expect[0]: alarm, flag exclude each other: exactly one key says what is expected.",
        ),
        (
            EXPECT + 'alarm = "eri"\n',
            3,
            "expect[0]: exactly one of at, by, between and never is wanted.",
        ),
        (
            EXPECT + 'alarm = "eri"\nnever = false',
            5,
            "expect[0].never = false: allowed is true; otherwise leave it out.",
        ),
        (
            EXPECT + 'believed_volume = "3 mg"\nat = "1 d"',
            4,
            "expect[0].believed_volume = \"3 mg\": 'mg' is no unit of volume. Units: mL, uL, nL.",
        ),
        (
            EXPECT + 'believed_volume = ["1 mL",\n  "3 mg"]\nat = "1 d"',
            5,
            (
                "expect[0].believed_volume[1] = \"3 mg\": 'mg' is no unit of volume."
                " Units: mL, uL, nL."
            ),
        ),
        (
            EXPECT + 'believed_volume = ["1 mL"]\nat = "1 d"',
            4,
            (
                "expect[0].believed_volume: one value is wanted, or a list of two, the least and"
                " the most."
            ),
        ),
        (
            EXPECT + 'believed_volume = ["1 mL", "2 mL", "3 mL"]\nat = "1 d"',
            4,
            (
                "expect[0].believed_volume: one value is wanted, or a list of two, the least and"
                " the most."
            ),
        ),
        (
            EXPECT + 'flags = ["overdos"]\nat = "1 d"',
            4,
            (
                'expect[0].flags[0] = "overdos": allowed are underdose, withdrawal, overdose_watch,'
                " overdose. Did you mean overdose?"
            ),
        ),
        (
            AT + 'programmer = "program"\nbridge = "3 l"',
            6,
            'at[0].bridge = "3 l": \'l\' is no unit of volume. Units: mL, uL, nL, or "none".',
        ),
        (
            AT + 'programmer = "program"\npatient_bolus = "off"',
            6,
            'at[0].patient_bolus = "off": a table is wanted, or "none".',
        ),
        (
            AT + 'hands = "implant"\nserial_number = "X"\nprescription = { dose = "1 mg" }',
            7,
            (
                "at[0].prescription.dose = \"1 mg\": 'mg' is no unit of daily dose."
                " Units: mcg/day, mg/day, ng/day."
            ),
        ),
        (
            AT + 'link = "delay"\n',
            3,
            "at[0].delay: it is missing: delay needs it.",
        ),
        (
            HEAD + 'prescription = { dose = "1 mg/day", rate = "1 mL/day" }',
            3,
            "prescription: dose and rate exclude each other.",
        ),
        (
            HEAD + '[[prescription.flex]]\nsteps = { "24:00" = "1 mg/day" }',
            4,
            'prescription.flex[0].steps."24:00" = "1 mg/day": a time of day is wanted, as "08:00".',
        ),
        (
            HEAD + "[[say]]\ntime = '1 d'\n",
            3,
            "say[0].text: it is missing.",
        ),
        (
            HEAD + "[[say]]\ntext = 'x'\n",
            3,
            'say[0].time: it is missing; it is written as "36 h".',
        ),
        (HEAD + "seed = 1.5", 3, "seed = 1.5: a whole number is wanted."),
        (
            HEAD + "seed = -1",
            3,
            "seed = -1: allowed are 0 to 9,223,372,036,854,775,807.",
        ),
        (
            HEAD + f"seed = 0x{'f' * 6_000}",
            3,
            "seed = a huge number: allowed are 0 to 9,223,372,036,854,775,807.",
        ),
        (HEAD + "source = 1", 3, "source = 1: a text is wanted."),
        (HEAD + "at = 3", 3, "at = 3: a list of tables is wanted: write [[at]]."),
        (HEAD + "at = [3]", 3, "at[0] = 3: a table is wanted."),
        (HEAD + "users = 'ci'", 3, 'users = "ci": a list is wanted.'),
        (HEAD + "pump = 'ci'", 3, 'pump = "ci": a table is wanted.'),
        (HEAD + "[pump]\nimplanted = 1", 4, "pump.implanted = 1: true or false is wanted."),
        (
            HEAD + "[pump]\nclock = 2026-01-05T08:00:00Z",
            4,
            (
                "pump.clock = 2026-01-05T08:00:00+00:00: a local date and time without a zone is"
                " wanted, from 1970 on, as 2026-01-05T08:00:00."
            ),
        ),
        (
            HEAD + f"[pump]\nserial_number = '{'x' * 40}'",
            4,
            f'pump.serial_number = "{"x" * 40}": 1 to 32 characters are allowed.',
        ),
        (
            HEAD + "[[choice]]\nname = 'A b'\nask = '?'\ntime = '1 d'\n"
            "option = [{ name = 'x', title = 'x' }, { name = 'y', title = 'y' }]",
            4,
            (
                'choice[0].name = "A b": lower-case letters, digits and single hyphens are allowed,'
                " as in wrong-volume."
            ),
        ),
        (
            HEAD + "[[choice]]\nname = 'a'\nask = '?'\ntime = '1 d'\n"
            "option = [{ name = 'x', title = 'x' }]",
            7,
            "choice[0].option: 2 to 9 of them are allowed.",
        ),
        (
            HEAD + "\"a\\tb\\u2028\\u001b[2J\" = 'red \\u001b'",
            3,
            (
                '"a\\tb\\u2028\\u001b[2J" = "red \\\\u001b": no such key here. Allowed are say, at,'
                " expect, choice, title, summary, users, source, length, seed, pump, prescription,"
                " link."
            ),
        ),
    ],
    ids=lambda value: value[-40:] if isinstance(value, str) else None,
)
def test_a_fault_is_told_with_its_line_its_key_and_what_is_allowed(
    tmp_path: Path, text: str, line: int, told: str
) -> None:
    """One sentence for one fault, in the words of the file."""
    found = only(tmp_path, text)
    assert found[0] == line
    assert found[2] == told
    assert told.startswith(found[1])


def test_all_faults_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    """Nobody has to run it again to hear of the next one; the error has one line for each."""
    path = tmp_path / "my.toml"
    path.write_text('seed = "x"\ntitle = 1\n\n[[at]]\ntime = 2\nhands = "fill"\n[pump]\nage = 3\n')
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert [each.line for each in caught.value.problems] == [1, 1, 2, 4, 5, 8]
    told = str(caught.value).splitlines()
    assert told[0].startswith(f"{path}:1: ")
    assert told[-1] == (
        f'{path}:8: pump.age = 3: a text with a unit is wanted, as "30 min"; units: min, h, d, s,'
        " ms."
    )


def test_a_long_value_is_told_shortly(tmp_path: Path) -> None:
    """However long a key or a value is, its line can be read."""
    text = HEAD + f"{'k' * 100_000} = 1\n[pump]\nvolume = '{'v' * 100_000}'\n"
    for problem in refused(tmp_path, text):
        assert len(problem.text) <= loading.LONGEST_TEXT


def test_other_files_are_read_in_the_same_way(tmp_path: Path) -> None:
    """A file of another class has the same errors, and no word of scenarios."""

    class Rules(BaseModel):
        model_config = ConfigDict(extra="forbid")
        link: tuple[LinkRule, ...]

    path = tmp_path / "faults.toml"
    path.write_text('[[link]]\nlink = "drop"\n')
    assert read_as(path, Rules).link[0].link == "drop"
    path.write_text('[[link]]\nlink = "drop"\nlength = "1 s"\n[[lnk]]\n')
    with pytest.raises(ScenarioError) as caught:
        read_as(path, Rules)
    assert str(caught.value).splitlines() == [
        f'{path}:3: link[0].length = "1 s": drop does not take it: it has no key of its own.',
        f"{path}:4: lnk: no such key here. Allowed are link. Did you mean link?",
    ]
    with pytest.raises(ScenarioError, match=r"there is no such file\.$"):
        read_as(tmp_path / "none.toml", Rules)


# --- Whatever is given ---------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        *("fill", "replace", "program", "replay", "motor_stall", "mri_scan", "drop", "clear"),
        *("1 d", "0 s", "3 h", "20 mL", "300 mcg/day", "0 mcg/mL", "64 %", "08:00", "none", "eri"),
        *("99999 d", "4000000 nL", "as_before", "commit", "refused", "", "x", "pump-20ml", "\0"),
    ]
)
VALUES = st.recursive(
    WORDS
    | st.integers()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.sampled_from([datetime(2026, 1, 5, 8), date(2026, 1, 5), time(8)]),  # noqa: DTZ001
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        escaped = "".join(f"\\U{ord(each):08x}" for each in value)
        return f'"{escaped}"'
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime | date | time) else repr(value)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in entries:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*path, key))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_was_changed_anywhere_is_read_or_refused(
    tmp_path: Path, data: st.DataObject
) -> None:
    """A value that became any other, a key that went or came: no other error, and no jargon."""
    document = tomllib.loads(data.draw(st.sampled_from(FILES)).read_text("utf-8"))
    for _ in range(data.draw(st.integers(1, 3))):
        document.setdefault("length", "1 d")
        place = data.draw(st.sampled_from(list(places(document))))
        table: Any = document
        for part in place[:-1]:
            table = table[part]
        match data.draw(st.sampled_from(["change", "remove", "add"])):
            case "change":
                table[place[-1]] = data.draw(VALUES)
            case "remove":
                del table[place[-1]]
            case _ if isinstance(table, dict):
                table[data.draw(WORDS | st.sampled_from([*table, "x"]))] = data.draw(VALUES)
    path = tmp_path / "a.toml"
    path.write_text("".join(f"{toml(key)} = {toml(each)}\n" for key, each in document.items()))
    for problem in _problems(tmp_path, path.read_text()):
        assert problem.line is not None
        for jargon in ("pydantic", "Input should", "Extra inputs", "http", "literal[", "_kind"):
            assert jargon not in problem.text


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.binary(max_size=60)
    | st.text("[]{}=\"'\n\r #.,at0-:\\", max_size=60).map(str.encode)
    | st.dictionaries(st.text(max_size=5), VALUES, max_size=4).map(
        lambda each: "".join(
            f"{toml(key)} = {toml(inner)}\n" for key, inner in each.items()
        ).encode("utf-8", "replace")
    )
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, text: bytes) -> None:
    """Whatever a file has in it, there is no other error."""
    assert refused(tmp_path, text)


@pytest.mark.parametrize("levels", [50, 400, 3_000])
def test_choices_within_choices_are_refused_at_any_depth(tmp_path: Path, levels: int) -> None:
    """Headers nest without brackets: nothing overflows."""
    inner = ".".join(["choice.option"] * levels)
    assert refused(tmp_path, f"{HEAD}[[{inner}]]\n")
