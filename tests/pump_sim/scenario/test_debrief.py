"""A debrief says what its trace says, in sentences, on a page, as JSON and as CSV."""

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.scenario.debrief.data import COLUMNS
from pump_sim.scenario.debrief.documents import Form, document
from pump_sim.scenario.debrief.page import MOST_EVENTS
from pump_sim.scenario.debrief.take import Take, takes_of
from pump_sim.scenario.tracing.trace_lines import (
    AccessLine,
    AnyLine,
    ChosenLine,
    FaultLine,
    FlagsLine,
    RecordLine,
    SaidLine,
    StartLine,
    TracedPlay,
)
from tests.pump_sim.scenario.traces import (
    COMMON,
    DAY,
    HOUR,
    LENGTH,
    acted,
    look,
    looks,
    missed_refill,
    play,
    start,
)

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "debrief.md"
EIGHT = 1_767_600_000_000
"""2026-01-05 08:00:00."""


def record(at_ms: int, event: str, **given: Any) -> RecordLine:
    about: dict[str, Any] = {
        "serial_number": "SIM-0001",
        "sequence": 2,
        "pump_ms": at_ms,
        "a": 0,
        "b": 0,
        "link_id": 0,
        "prescription_version": 1,
        "text": event,
    }
    return RecordLine(**COMMON, therapy_ms=at_ms, event=event, **{**about, **given})


def access(at_ms: int, event: str, **given: Any) -> AccessLine:
    about: dict[str, Any] = {
        "serial_number": "SIM-0001",
        "sequence": 1,
        "message": None,
        "role": None,
        "refused": None,
        "link_id": 7,
        "count": 1,
        "times": 1,
    }
    return AccessLine(**COMMON, therapy_ms=at_ms, event=event, **{**about, **given})


def take(*lines: AnyLine) -> Take:
    """The take of a play."""
    (found,) = takes_of([play(*lines)])
    return found


def calm(*lines: AnyLine, **given: Any) -> Take:
    """The take of a play in which nothing happens but *lines*; given is what looks show."""
    seen: dict[str, Any] = {
        "active_alarms": (),
        "flags": (),
        "effect_ppm": 1_000_000,
        "believed_volume_nl": 20_000_000,
        "actual_volume_nl": 20_000_000,
        "believed_rate_nl_per_day": 400_000,
        "actual_rate_nl_per_day": 400_000,
        **given,
    }
    return take(look(0, **seen), look(LENGTH, **seen), *lines)


def told(found: Take) -> str:
    return "\n".join(found.summary)


# --- Sentences -----------------------------------------------------------------------------------


def test_a_missed_refill_is_told_in_sentences() -> None:
    """How long, what was decided, alarm, reaction, flow, patient: each once, with its moment."""
    (found,) = takes_of([missed_refill()])
    assert found.summary == (
        "It lasted 60 d.",
        "Decided at 46 d: Nobody calls.",
        (
            "The first alarm, low reservoir (non-critical), was raised at 45 d;"
            " somebody reacted 13 d later (hands: fill)."
        ),
        (
            "The flow stopped at 50 d and was still stopped at the end, 10 d later;"
            " the alarm empty reservoir (critical) was raised at the same moment."
        ),
        "The worst that the patient showed was withdrawal, from 51 d 7 h and still at the end.",
        (
            "The drug effect was between 0 % (at 55 d 19 h 12 min) and 100 % (at the start)"
            " of what is prescribed."
        ),
        "At the end, what the pump believed of its reservoir was true.",
    )


def test_what_the_trace_does_not_tell_is_not_told() -> None:
    """No alarm, no stop, no effect, no clock: it says so, and invents no figure."""
    found = calm(effect_ppm=None)
    assert "No alarm was raised." in found.summary
    assert "The flow never stopped." in found.summary
    assert "The patient is not judged: no prescription says what the effect should be." in told(
        found
    )
    assert "clock" not in told(found)
    assert found.facts.reaction_ms is None


def test_nobody_who_reacts_is_told_as_nobody_seen() -> None:
    """A patient's own press and a fault that is put in are no reaction."""
    found = take(
        *looks(), acted(46 * DAY, "hands", "press"), acted(47 * DAY, "instructor", "inject")
    )
    assert "nobody is seen to have reacted in the 15 d that followed" in told(found)


@pytest.mark.parametrize(
    "sign",
    [
        access(46 * DAY, "interrogated"),
        record(46 * DAY, "alarm_silenced", link_id=9),
        acted(46 * DAY, "hands", "fill"),
        acted(46 * DAY, "instructor", "explant"),
    ],
    ids=["read", "programmed", "hands", "instructor"],
)
def test_whoever_comes_first_has_reacted(sign: AnyLine) -> None:
    """A programmer at the pump or hands on it, from the first alarm on and not before."""
    found = take(*looks(), access(10 * DAY, "interrogated"), sign)
    assert found.facts.reaction_ms == DAY


def test_a_stop_that_no_alarm_tells_of_is_told_so() -> None:
    """The truth counts, not what the pump believes to infuse."""
    found = take(
        look(0, active_alarms=(), actual_rate_nl_per_day=400_000),
        look(DAY, active_alarms=(), actual_rate_nl_per_day=0),
        look(3 * DAY, active_alarms=(), actual_rate_nl_per_day=400_000),
    )
    assert "stopped at 1 d and came back 2 d later; no alarm was raised" in told(found)
    assert found.facts.stopped_ms == 2 * DAY


def test_a_fault_is_told_with_the_alarm_that_came_after_it() -> None:
    """Or that none came: this is what silent faults are about."""
    begins = FaultLine(**COMMON, therapy_ms=DAY, fault="flow_error", fault_id=1, began=True)
    assert "flow error, at 1 d; no alarm came after it" in told(calm(begins))
    found = told(take(*looks(), begins))
    assert "flow error, at 1 d; the next alarm, low reservoir, came 44 d later" in found


def test_belief_and_truth_are_told_apart() -> None:
    """When they were furthest apart, and how they are at the end."""
    found = take(
        look(0),
        look(DAY, believed_volume_nl=9_000_000, actual_volume_nl=5_000_000),
        look(LENGTH, believed_volume_nl=3_000_000, actual_volume_nl=2_000_000),
    )
    assert "furthest apart at 1 d: the pump believed 9 mL in its reservoir, and there were 5" in (
        told(found)
    )
    assert "to hold 1 mL more than it did: 3 mL instead of 2 mL." in told(found)


def test_hands_that_fill_before_the_pump_is_told_open_no_gap() -> None:
    """Of several looks at one moment the last is how it stays."""
    found = take(
        look(0),
        look(DAY),
        look(DAY, believed_volume_nl=2_000_000, actual_volume_nl=20_000_000),
        look(DAY, believed_volume_nl=20_000_000, actual_volume_nl=20_000_000),
        look(2 * DAY),
    )
    assert "furthest apart" not in told(found)


def test_how_it_stood_just_before_a_refill_counts() -> None:
    """The figure in the sentence is that of the tables, which have every look."""
    found = take(
        look(0),
        look(9 * DAY, believed_volume_nl=8_040_000, actual_volume_nl=5_050_000),
        look(10 * DAY, believed_volume_nl=8_000_000, actual_volume_nl=5_000_000),
        look(10 * DAY, believed_volume_nl=8_000_000, actual_volume_nl=20_000_000),
        look(10 * DAY, believed_volume_nl=20_000_000, actual_volume_nl=20_000_000),
        look(LENGTH),
    )
    assert "furthest apart at 10 d: the pump believed 8 mL in its reservoir, and there were 5" in (
        told(found)
    )


@pytest.mark.parametrize(
    ("believed_nl", "says"),
    [
        (19_999_000, "what the pump believed of its reservoir was true"),
        (19_993_000, "hold 0.007 mL less than it did: 19.993 mL instead of 20 mL."),
    ],
)
def test_true_is_what_is_true_to_the_last_figure_shown(believed_nl: int, says: str) -> None:
    """The table below has three decimals: the sentence must not say otherwise."""
    assert says in told(calm(believed_volume_nl=believed_nl))


def test_a_take_ends_where_it_was_left() -> None:
    """A scenario says how long it would have been; a practice has no length."""
    lines = (look(0), look(DAY), acted(DAY, "instructor", "press"))
    found = take(start(length_ms=9 * DAY), *lines)
    assert found.facts.played_ms == DAY
    assert "It was left before its end at 9 d." in found.summary
    practice = take(start(length_ms=2**62), *lines)
    assert practice.facts.played_ms == DAY
    assert not any("left" in each for each in practice.summary)


def stalled(*lines: AnyLine, **given: Any) -> Take:
    """A practice in which a stalled motor sounds an alarm from 2 to 3 days."""
    usual: dict[str, Any] = {"actual_rate_nl_per_day": 0, "flags": ()}
    alarm = {**usual, "active_alarms": ("motor_stall",)}
    calm = {**usual, "active_alarms": ()}
    return take(
        replace(start(title="Free practice", length_ms=9 * DAY), scenario="practice"),
        look(0, **calm),
        look(2 * DAY, **alarm),
        look(3 * DAY, **{**calm, **given}),
        look(9 * DAY, **calm),
        *lines,
    )


def test_who_comes_when_the_alarm_is_over_has_not_reacted_to_it() -> None:
    """It sounded for a day, and nobody came in that day."""
    found = stalled(access(5 * DAY, "interrogated"))
    assert found.facts.reaction_ms is None
    assert "at 2 d; nobody is seen to have reacted before it was over, 1 d later." in told(found)


def test_an_alarm_that_the_instructor_ended_is_told_so() -> None:
    """To a class it must not look as if somebody had come, nor as if it had gone by itself."""
    ended = acted(
        3 * DAY, "instructor", "clear", text="fault ended: motor stall",
        parameters={"fault": "motor_stall"},
    )  # fmt: skip
    found = stalled(ended, access(5 * DAY, "interrogated"))
    assert (
        "at 2 d; nobody is seen to have reacted before the instructor ended it, 1 d later"
        " (fault ended: motor stall)." in told(found)
    )
    assert found.facts.ended_by is not None
    assert found.facts.ended_by.elapsed_ms == 3 * DAY


# --- The timeline --------------------------------------------------------------------------------


def events(*lines: AnyLine) -> list[tuple[int, str, str, str, str]]:
    return [
        (each.elapsed_ms, each.kind, each.who, each.what, each.severity)
        for each in calm(*lines).events
    ]


def test_everything_that_matters_is_in_the_timeline_in_order() -> None:
    """Who did it, what kind of thing it is, and how bad."""
    assert events(
        record(5, "alarm_raised", a=2, b=2),
        record(4, "committed", link_id=8, text="prescription committed: 0.4 -> 0.5 mL/day"),
        SaidLine(**COMMON, therapy_ms=0, text="It begins."),
        ChosenLine(**COMMON, therapy_ms=1, choice="call", option="no", title="Nobody calls"),
        acted(2, "instructor", "inject", text="motor stall injected"),
        acted(3, "hands", "fill", parameters={"volume_nl": 20_000_000}, text="filled"),
        FlagsLine(**COMMON, therapy_ms=6, flags=("underdose",), began=("underdose",)),
        FlagsLine(**COMMON, therapy_ms=7, flags=("withdrawal",), began=("withdrawal",)),
        record(8, "reservoir_updated", link_id=8, text="reservoir updated"),
        access(9, "refused", message="order_bolus", refused="limit_exceeded", times=3),
    ) == [
        (0, "said", "scenario", "It begins.", "info"),
        (1, "choice", "instructor", "decided: Nobody calls", "info"),
        (2, "act", "instructor", "motor stall injected", "info"),
        (3, "refill", "hands", "fill 20 mL: filled", "info"),
        (4, "prescription", "programmer", "prescription committed: 0.4 -> 0.5 mL/day", "info"),
        (5, "alarm", "pump", "alarm raised: empty reservoir (critical, two tones)", "critical"),
        (6, "patient", "patient", "shows underdose", "non_critical"),
        (7, "patient", "patient", "no longer shows underdose", "info"),
        (7, "patient", "patient", "shows withdrawal", "critical"),
        (8, "refill", "programmer", "reservoir updated", "info"),
        (9, "access", "programmer", "refused: order bolus (limit exceeded), 3 times", "info"),
    ]


def test_an_act_of_the_instructor_is_told_in_its_own_words() -> None:
    """No code names: the trace has a text for people."""
    text = "programming head: in reach, on pump"
    given = {"in_reach": True, "on_pump": True}
    act = acted(1, "instructor", "proximity", text=text, parameters=given)
    assert events(act) == [(1, "act", "instructor", text, "info")]


def test_a_fault_that_an_instructor_put_in_is_the_instructors_to_its_end() -> None:
    """Whether it is ended by number, by name or by itself; and it is told once."""
    begin: dict[str, Any] = {"fault": "motor_stall", "fault_id": 1, "began": True}
    over = {**begin, "began": False}
    put_in = acted(1, "instructor", "inject", text="fault: motor stall",
                   parameters={"fault": "motor_stall"})  # fmt: skip
    by_number = acted(5, "instructor", "clear", text="clear: fault id 1",
                      parameters={"fault_id": 1})  # fmt: skip
    first = (1, "fault", "instructor", "fault: motor stall", "info")
    begun = FaultLine(**COMMON, therapy_ms=1, **begin)
    ended = FaultLine(**COMMON, therapy_ms=5, **over)
    assert events(put_in, begun, ended) == [
        first,
        (5, "fault", "instructor", "motor stall is over", "info"),
    ]
    assert events(put_in, begun, by_number, ended) == [
        first,
        (5, "fault", "instructor", "fault ended: motor stall", "info"),
    ]


def test_a_refusal_is_told_in_words() -> None:
    """What a pump answers on the wire is no word for a class."""
    ((_, _, _, what, _),) = events(
        access(3, "refused", message="identify", refused="link_not_open")
    )
    assert what == "refused: identify (the link was not open any more)"


def test_nothing_is_told_twice() -> None:
    """The act tells of the fault, of the press, of the reading; the commit of the staging."""
    found = events(
        acted(1, "instructor", "inject", text="injected", parameters={"fault": "motor_stall"}),
        FaultLine(**COMMON, therapy_ms=1, fault="motor_stall", fault_id=1, began=True),
        acted(2, "hands", "press", text="a bolus began"),
        record(2, "patient_bolus_started"),
        access(3, "authenticated"),
        access(3, "interrogated"),
        acted(3, "programmer", "interrogate", text="read"),
        record(4, "staged"),
        record(4, "committed"),
    )
    assert [each[0] for each in found] == [1, 2, 3, 4]


def test_a_programmer_from_outside_is_seen_to_read() -> None:
    """In a practice no act tells of a real programmer."""
    assert events(access(3, "interrogated")) == [
        (3, "access", "programmer", "reads the pump", "info")
    ]


def test_every_event_has_the_time_of_the_pumps_clock() -> None:
    """Reckoned from the look before, and anew where the clock was set."""
    (found,) = takes_of(
        [
            play(
                look(0, clock_local_ms=EIGHT),
                acted(HOUR, "hands", "press"),
                look(2 * HOUR, clock_local_ms=EIGHT),
                acted(3 * HOUR, "hands", "press"),
                look(4 * HOUR, clock_local_ms=EIGHT + 2 * HOUR),
            )
        ]
    )
    assert [each.clock_local_ms for each in found.events] == [EIGHT + HOUR, EIGHT + HOUR]
    assert "from 2026-01-05 08:00:00 to 2026-01-05 10:00:00 by the pump's clock" in told(found)


# --- The page ------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """A page as a browser reads it: its elements, and all its words."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.elements if each == tag]


NASTY = "</style></svg><script>alert(1)</script>\x00\x1b\ud800 =1+1 'more\" & so on"


def hostile() -> TracedPlay:
    """A trace whose writer means harm wherever a text or a number may be."""
    return play(
        start(
            title=NASTY,
            serial_number=NASTY,
            version=NASTY,
            seed=2**63 - 1,
            length_ms=2**63 - 1,
        ),
        look(0, mode=NASTY, flags=(NASTY,), clock_local_ms=2**63 - 1, serial_number=NASTY),
        look(
            2**63 - 1,
            believed_volume_nl=2**63 - 1,
            actual_volume_nl=-(2**63),
            believed_rate_nl_per_day=2**63 - 1,
            actual_rate_nl_per_day=-(2**63),
            effect_ppm=2**63 - 1,
            clock_local_ms=-(2**63),
        ),
        acted(1, NASTY, NASTY, NASTY, text=NASTY, parameters={NASTY: NASTY, "fault": [NASTY]}),
        acted(1, "instructor", "inject", text=NASTY, parameters={"fault": NASTY}),
        record(2, "alarm_raised", a=2**63 - 1, b=-5, text=NASTY),
        record(3, NASTY, link_id=5, text=NASTY),
        access(4, NASTY, message=NASTY, refused=NASTY),
        FlagsLine(**COMMON, therapy_ms=5, flags=(NASTY,), began=(NASTY,)),
        FaultLine(**COMMON, therapy_ms=6, fault=NASTY, fault_id=-1, began=True),
        ChosenLine(**COMMON, therapy_ms=7, choice=NASTY, option=NASTY, title=NASTY),
        SaidLine(**COMMON, therapy_ms=8, text=NASTY),
    )


@pytest.fixture(scope="module")
def page() -> bytes:
    return document([missed_refill(), missed_refill()], "html")


def test_a_page_runs_and_loads_nothing(page: bytes) -> None:
    """No script, no address outside the page, no style but its own, which its policy names."""
    read = Reader(page)
    assert not read.of("script")
    for tag, attributes in read.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "srcset", "data", "action"):
            assert (attributes.get(name) or "#").startswith("#"), f"<{tag} {name}>"
    (policy,) = [each["content"] for each in read.of("meta") if "http-equiv" in each]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert re.search(r"style-src 'sha256-[A-Za-z0-9+/]{43}='", policy)


def test_a_page_has_each_name_once(page: bytes) -> None:
    """Two figures on one page clip with their own shapes, and each link leads somewhere."""
    read = Reader(page)
    names = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(names) == len(set(names)) > 20
    used = set(re.findall(r"url\(#([^)]*)\)", page.decode()))
    links = {(each["href"] or "")[1:] for each in read.of("a")}
    assert links == {"take-1", "take-2"}
    assert used | links <= set(names)


def test_a_page_tells_all_in_words(page: bytes) -> None:
    """What it is, what was unmet, what happened, and what a figure shows."""
    words = Reader(page).words
    for each in (
        SIMULATOR_NOTICE,
        "Debrief: A refill that nobody makes",
        "The takes compared",
        "The simulation did not run as its author expects: 1 of 2 checks was not met.",
        "it was not raised",
        "The clinic forgets a patient.",
        "decided: Nobody calls",
        "fill 20 mL: 0 mL drawn out",
    ):
        assert each in words
    figures = [each for each in Reader(page).of("div") if each.get("role") == "img"]
    assert len(figures) == 2
    assert all("empty reservoir" in (each["aria-label"] or "") for each in figures)


def words_of(*plays: TracedPlay) -> list[str]:
    return Reader(document(list(plays), "html")).words


def test_what_learners_want_is_first_and_checks_of_the_simulation_are_last() -> None:
    """What a scenario's file expects is no mark for those who learn."""
    words = words_of(missed_refill())
    order = [
        "Decided",
        "Nobody calls",
        "First alarm",
        "Somebody reacted",
        "Time without flow",
        "Worst state of the patient",
        "withdrawal",
        "Timeline",
        "Checks of the simulation",
    ]
    places = [words.index(each) for each in order]
    assert places == sorted(places)
    assert not [each for each in words if "xpectation" in each or "Line of the file" in each]
    assert not [each for each in words[: places[-1]] if "seed" in each]
    assert [each for each in words[places[-1] :] if "seed 7" in each]


def test_checks_that_were_all_met_are_a_neutral_line() -> None:
    """Neither green nor a tick: a patient in withdrawal is no success of anybody."""
    lines = [each for each in missed_refill().lines if getattr(each, "met", True)]
    play_of = TracedPlay("missed-refill", (), start(), tuple(lines))
    content = document([play_of], "html").decode()
    assert "The simulation ran as its author expects: 1 of 1 checks." in content
    assert "\N{CHECK MARK}" not in content
    assert 'class="note' not in content


def practice() -> TracedPlay:
    """A practice of a day."""
    first = replace(start(title="Free practice", length_ms=DAY), scenario="practice")
    return TracedPlay("practice", (), first, (first, look(0), look(DAY)))


def test_several_pieces_are_named_in_the_title() -> None:
    """A free practice is no scenario, and nothing is decided in it."""
    words = words_of(missed_refill(), practice())
    assert "Debrief: A refill that nobody makes and Free practice" in words
    assert "Take 2: Free practice" in words
    assert not [each for each in words if "Nothing decided" in each or "Scenario practice" in each]
    assert "Flow stopped for" in words
    assert "First alarm at" in words


def test_a_take_that_was_left_before_a_decision_says_when() -> None:
    """So two takes without one can be told apart."""
    left = play(start(length_ms=9 * DAY), look(0), look(2 * DAY))
    assert "Take 1: left at 2 d" in words_of(left, missed_refill())


def test_the_same_trace_gives_the_same_page(page: bytes) -> None:
    """Whatever was drawn before in the same process."""
    assert document([missed_refill(), missed_refill()], "html") == page


def test_text_of_a_trace_is_no_code() -> None:
    """Whatever is in it, a page has no element, JSON no text and CSV no cell that could act."""
    read = Reader(document([hostile()], "html"))
    plain = {tag for tag, _ in Reader(document([missed_refill()], "html")).elements}
    assert {tag for tag, _ in read.elements} <= plain
    assert any("<script>alert(1)</script>" in each for each in read.words)
    assert not re.search("[\x00\x1b\ud800]", "".join(read.words))
    data = json.loads(document([hostile()], "json"))
    assert data["takes"][0]["title"] == NASTY


def test_a_take_at_which_nobody_looked_is_told_all_the_same() -> None:
    """It was left before anything moved: there is no figure, and there is a page."""
    for lines in ((), (look(0),)):
        content = document([play(*lines, acted(0, "instructor", "press"))], "html")
        assert b"There is no figure" in content
        assert document([play(*lines)], "json")
        assert document([play(*lines)], "csv")


def test_a_timeline_without_end_is_cut_in_the_middle_and_says_so() -> None:
    """A page that nobody can print is of no use; the CSV has everything."""
    many = [acted(n, "hands", "press") for n in range(MOST_EVENTS + 5)]
    crowd = play(look(0), *many, look(LENGTH))
    content = document([crowd], "html").decode()
    assert content.count('<tr class="bolus info">') == MOST_EVENTS
    assert "5 more are left out here" in content
    assert document([crowd], "csv").count(b"\r\n") == MOST_EVENTS + 6


# --- Data ----------------------------------------------------------------------------------------


def keys_of(data: Any) -> set[str]:
    """All keys of JSON, however deep."""
    if isinstance(data, dict):
        return set(data) | {key for each in data.values() for key in keys_of(each)}
    if isinstance(data, list):
        return {key for each in data for key in keys_of(each)}
    return set()


def test_json_names_its_format_and_holds_what_the_page_tells() -> None:
    """A version to rely on; times in ms, values with their units in their keys."""
    data = json.loads(document([missed_refill()], "json"))
    assert (data["format"], data["version"], data["simulator"]) == ("pump-sim-debrief", 1, True)
    (found,) = data["takes"]
    assert [each["met"] for each in found["expectations"]] == [True, False]
    assert found["facts"]["reaction_ms"] == 13 * DAY
    assert found["facts"]["stops"] == [{"from_ms": 50 * DAY, "until_ms": None}]
    assert found["figures"]["actual_volume_nl"]["lowest"] == {"value": 0, "elapsed_ms": 50 * DAY}
    assert found["end"]["active_alarms"] == ["low_reservoir", "empty_reservoir"]
    assert [each["elapsed_ms"] for each in found["events"]] == sorted(
        each["elapsed_ms"] for each in found["events"]
    )


def test_every_key_and_every_column_is_in_the_reference() -> None:
    """A format that nobody can look up is none."""
    page = REFERENCE.read_text("utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", page))
    assert keys_of(json.loads(document([missed_refill()], "json"))) <= documented
    assert set(COLUMNS) <= documented


def test_csv_has_a_row_for_each_event() -> None:
    """In the order of time, with take, time, pump's clock, kind, who, what and severity."""
    clocked = play(
        look(0, clock_local_ms=EIGHT), look(DAY), acted(HOUR, "hands", "press", text="ok")
    )
    rows = list(csv.DictReader(StringIO(document([missed_refill(), clocked], "csv").decode())))
    assert tuple(rows[0]) == COLUMNS
    assert [each["take"] for each in rows] == ["1"] * 4 + ["2"]
    assert rows[-1] == {
        "take": "2",
        "scenario": "missed-refill",
        "title": "A refill that nobody makes",
        "elapsed_ms": str(HOUR),
        "elapsed": "1 h",
        "clock": "2026-01-05 09:00:00",
        "kind": "bolus",
        "who": "hands",
        "what": "press: ok",
        "severity": "info",
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", " =1"])
def test_no_cell_is_a_formula(text: str) -> None:
    """A spreadsheet that opens the file runs nothing that somebody wrote into a trace."""
    spoken = play(start(title=text), *looks(), SaidLine(**COMMON, therapy_ms=0, text=text))
    content = document([spoken], "csv").decode()
    (row,) = csv.DictReader(StringIO(content, newline=""))
    assert (row["what"], row["title"]) == (f"'{text}", f"'{text}")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_data_needs_no_drawing_library(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever wants figures only, need not install what draws."""
    missing: Any = None
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", missing)
    assert document([missed_refill()], form)


def test_a_start_line_alone_is_a_take() -> None:
    """A trace whose writer was killed at once."""
    first: StartLine = start()
    assert document([TracedPlay("missed-refill", (), first, (first,))], "html")
