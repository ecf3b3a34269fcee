"""What was expected of a play, what happened instead, and when: in people's words."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.codes import RefusalCode
from pump_protocol.units import DURATION
from pump_sim.model.events import AccessEvent, EventCode
from pump_sim.model.firmware.alarms import Alarm, AlarmClass
from pump_sim.model.hardware.patient import PatientFlag
from pump_sim.model.prescription import Mode
from pump_sim.scenario.file.acts import AnyAct
from pump_sim.scenario.file.expectations import EXPECTATIONS, AnyExpectation, Ranged, Value
from pump_sim.scenario.happenings import Ended, Happening, Outcome
from pump_sim.scenario.judging.judge import Judge, Verdict, outcome_verdict
from pump_sim.scenario.judging.measure import MEASURES, wanted_text

from .happened import (
    DAY,
    HOUR,
    SECOND,
    acted,
    acting,
    chosen,
    cleared,
    expecting,
    flagged,
    look,
    noted,
    raised,
    recorded,
)

LENGTH = 49 * DAY


def judged(expectation: AnyExpectation, *happenings: Happening, end_ms: int = LENGTH) -> Verdict:
    """The verdict on one expectation, of a play that ended in time unless told otherwise."""
    judge = Judge([expectation], LENGTH)
    for each in (*happenings, Ended(at_ms=end_ms)):
        judge.hear(each)
    (verdict,) = judge.verdicts()
    assert verdict.expectation is expectation
    return verdict


# --- Events --------------------------------------------------------------------------------------


def ms(text: str) -> int:
    """A time as a file has it, in ms."""
    return DURATION.parse(text)


@pytest.mark.parametrize(
    ("wanted", "times", "met", "decided"),
    [
        ("at = '45 d'", ["45 d"], True, "45 d"),
        ("at = '45 d'", ["45 d 1 s"], True, "45 d 1 s"),
        ("at = '45 d'", ["45 d 1 s 1 ms"], False, "45 d 1 s 1 ms"),
        ("at = '45 d'", ["44 d 23 h 59 min 59 s"], True, "44 d 23 h 59 min 59 s"),
        ("at = '45 d'", ["44 d 23 h 59 min"], False, "44 d 23 h 59 min"),
        ("at = '45 d'\nwithin = '1 min'", ["44 d 23 h 59 min"], True, "44 d 23 h 59 min"),
        ("at = '45 d'", [], False, "45 d 1 s"),
        ("at = '45 d'", ["1 d", "45 d"], False, "1 d"),
        ("at = '45 d'\nafter = '2 d'", ["1 d", "45 d"], True, "45 d"),
        ("at = '49 d'", [], False, "49 d"),
        ("by = '45 d'", ["45 d"], True, "45 d"),
        ("by = '45 d'", ["45 d 1 ms"], False, "45 d 1 ms"),
        ("by = '45 d'", [], False, "45 d"),
        ("between = ['44 d', '45 d']", ["44 d"], True, "44 d"),
        ("between = ['44 d', '45 d']", ["45 d"], True, "45 d"),
        ("between = ['44 d', '45 d']", ["43 d 23 h"], False, "43 d 23 h"),
        ("between = ['44 d', '45 d']", [], False, "45 d"),
        ("never = true", [], True, "49 d"),
        ("never = true", ["1 d"], False, "1 d"),
        ("never = true\nuntil = '2 d'", ["2 d"], False, "2 d"),
        ("never = true\nuntil = '2 d'", ["2 d 1 ms"], True, "2 d"),
        ("never = true\nafter = '1 d'", ["23 h"], True, "49 d"),
        ("never = true\nafter = '1 d'", ["1 d"], False, "1 d"),
        ("count = 2", ["1 d", "2 d"], True, "49 d"),
        ("count = 1", ["1 d", "2 d"], False, "49 d"),
        ("count = 1\nby = '36 h'", ["1 d", "2 d"], True, "36 h"),
        ("count = 0", [], True, "49 d"),
        ("count = 2\nafter = '2 d'", ["1 d", "2 d"], False, "49 d"),
    ],
)
def test_of_an_event_the_first_one_is_judged_or_how_many_there_were(
    wanted: str, times: list[str], met: bool, decided: str
) -> None:
    """Ends of windows belong to them; the verdict has the moment that decided."""
    expectation = expecting(alarm="low_reservoir", **tomllib.loads(wanted))
    verdict = judged(expectation, *(raised(ms(each)) for each in times))
    assert (verdict.met, verdict.at_ms) == (met, ms(decided))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("at = '45 d'", "raised at 45 d (within 1 s)"),
        ("at = '45 d'\nwithin = '1 min'", "raised at 45 d (within 1 min)"),
        ("at = '45 d'\nafter = '2 d'", "raised at 45 d (within 1 s), counted from 2 d on"),
        ("by = '36 h'", "raised by 1 d 12 h"),
        ("between = ['44 d', '45 d']", "raised between 44 d and 45 d"),
        ("never = true", "never raised"),
        ("never = true\nuntil = '2 d'", "not raised until 2 d"),
        ("never = true\nafter = '1 d'", "not raised from 1 d on"),
        ("never = true\nafter = '1 d'\nuntil = '2 d'", "not raised from 1 d on until 2 d"),
        ("count = 0", "raised 0 times"),
        ("count = 1\nby = '36 h'", "raised once by 1 d 12 h"),
        ("count = 2\nafter = '2 d'", "raised 2 times, counted from 2 d on"),
    ],
)
def test_what_was_expected_is_said_with_its_moment(wanted: str, expected: str) -> None:
    expectation = expecting(alarm="low_reservoir", **tomllib.loads(wanted))
    assert judged(expectation).expected == f"alarm low_reservoir {expected}"


@pytest.mark.parametrize(
    ("times", "happened"),
    [
        ([], "not raised"),
        (["44 d 23 h 59 min"], "raised at 44 d 23 h 59 min"),
        (["1 d", "2 d"], "raised 2 times, at 1 d, 2 d"),
        (
            ["0 s", "1 s", "2 s", "3 s", "4 s", "5 s"],
            "raised 6 times, at 0 min, 1 s, 2 s, 3 s, 4 s, ...",
        ),
    ],
)
def test_what_happened_is_said_with_its_moments(times: list[str], happened: str) -> None:
    """Of an event that comes often only the first ones."""
    expectation = expecting(alarm="low_reservoir", at="45 d")
    assert judged(expectation, *(raised(ms(each)) for each in times)).happened == happened


def test_only_that_event_counts() -> None:
    """Neither another alarm nor the end of the same one is its beginning."""
    happenings = (raised(DAY, Alarm.EMPTY_RESERVOIR), cleared(2 * DAY))
    assert not judged(expecting(alarm="low_reservoir", by="3 d"), *happenings).met
    over = judged(expecting(alarm="low_reservoir", change="cleared", at="2 d"), *happenings)
    assert (over.met, over.expected) == (True, "alarm low_reservoir cleared at 2 d (within 1 s)")


def test_a_record_may_be_expected_with_its_parameters() -> None:
    """A record with others is none of those; where there is no other, it is told."""
    happenings = (recorded(DAY, EventCode.BOLUS_STARTED, 25_000, 3),)
    assert judged(expecting(log="bolus_started", at="1 d"), *happenings).met
    assert judged(expecting(log="bolus_started", a=25_000, b=3, at="1 d"), *happenings).met
    other = judged(expecting(log="bolus_started", b=4, at="1 d"), *happenings)
    assert not other.met
    assert other.expected == "log bolus_started with b = 4 recorded at 1 d (within 1 s)"
    assert other.happened == "not recorded so, but with a = 25000, b = 3 at 1 d"
    assert judged(expecting(log="bolus_started", b=4, never=True), *happenings).met
    nothing = judged(expecting(log="reset", at="1 d"), *happenings)
    assert nothing.happened == "not recorded"


def test_a_flag_is_an_event_when_it_begins() -> None:
    """That it is still shown when another one begins is no event."""
    under, withdrawal = PatientFlag.UNDERDOSE, PatientFlag.WITHDRAWAL
    happenings = (
        flagged(DAY, under, began=(under,)),
        flagged(2 * DAY, under, withdrawal, began=(withdrawal,)),
    )
    once = judged(expecting(flag="underdose", count=1), *happenings)
    assert (once.met, once.happened) == (True, "shown at 1 d")
    assert judged(expecting(flag="withdrawal", at="2 d"), *happenings).met
    assert judged(expecting(flag="overdose_watch", never=True), *happenings).met


def test_what_the_access_log_has_is_an_event_each_time() -> None:
    """Also where it is only counted up; with a code, only those that were refused with it."""
    failed, forged = AccessEvent.AUTHENTICATION_FAILED, AccessEvent.NOT_AUTHENTIC
    happenings = (
        noted(DAY, failed, RefusalCode.AUTHENTICATION_FAILED),
        noted(2 * DAY, failed, RefusalCode.AUTHENTICATION_LOCKED, count=2, times=2),
        noted(3 * DAY, forged, RefusalCode.NOT_AUTHENTIC),
    )
    thrice = judged(expecting(access="authentication_failed", count=3), *happenings)
    assert (thrice.met, thrice.happened) == (True, "noted 3 times, at 1 d, 2 d, 2 d")
    locked = expecting(access="authentication_failed", refused="authentication_locked", at="2 d")
    verdict = judged(locked, *happenings)
    assert (verdict.met, verdict.happened) == (True, "noted 2 times, at 2 d, 2 d")
    assert verdict.expected.startswith("access authentication_failed (authentication_locked) noted")
    never = judged(expecting(access="not_authentic", never=True), *happenings)
    assert (never.met, never.happened) == (False, "noted at 3 d")


def test_a_role_is_no_code() -> None:
    """The same number says with which key a link was opened, where it was."""
    opened = noted(DAY, AccessEvent.AUTHENTICATED, 3)
    assert opened.refused is None
    assert judged(expecting(access="authenticated", at="1 d"), opened).met


@pytest.mark.parametrize("wanted", [{"never": True}, {"by": "45 d"}, {"at": "45 d"}, {"count": 0}])
def test_a_play_that_ended_too_early_meets_no_expectation_beyond_its_end(
    wanted: dict[str, Any],
) -> None:
    """Nobody knows what would have happened; that it did not come so far is said."""
    verdict = judged(expecting(alarm="low_reservoir", **wanted), end_ms=DAY)
    assert (verdict.met, verdict.at_ms) == (False, None)
    assert verdict.happened == "not raised; the play ended at 1 d"


# --- Values --------------------------------------------------------------------------------------

SHOWN_OTHERWISE: list[tuple[str, dict[str, Any], str, str]] = [
    (
        "believed_volume = ['17 mL', '18 mL']",
        {"believed_volume_nl": 18_000_001},
        "believed volume 17 mL to 18 mL",
        "18.000001 mL",
    ),
    ("actual_volume = '17.9 mL'", {"actual_volume_nl": 0}, "actual volume 17.9 mL", "0 mL"),
    (
        "believed_rate = '0.4 mL/day'",
        {"believed_rate_nl_per_day": 0},
        "believed rate 0.4 mL/day",
        "0 mL/day",
    ),
    (
        "actual_rate = '0.41 mL/day'",
        {"actual_rate_nl_per_day": 1},
        "actual rate 0.41 mL/day",
        "0.000001 mL/day",
    ),
    (
        "prescribed_dose = '800 mcg/day'",
        {"prescribed_dose_ng": 900_500},
        "prescribed dose 800 mcg/day",
        "900.5 mcg/day",
    ),
    (
        "tip_dose = ['700 mcg/day', '800 mcg/day']",
        {"tip_dose_ng_per_day": 800_000.6},
        "tip dose 700 mcg/day to 800 mcg/day",
        "800.001 mcg/day",
    ),
    (
        "csf = ['200 ng/mL', '300 ng/mL']",
        {"csf_ng_per_ml": 300.9},
        "CSF 0.2 mcg/mL to 0.3 mcg/mL",
        "0.301 mcg/mL",
    ),
    (
        "mode = 'simple_continuous'",
        {"mode": Mode.MINIMUM_RATE},
        "mode simple_continuous",
        "minimum_rate",
    ),
    ("effect = '98.5 %'", {"effect_ppm": 984_999}, "effect 98.5 %", "98.4999 %"),
    (
        "effect = ['98 %', '99.5 %']",
        {"effect_ppm": None},
        "effect 98 % to 99.5 %",
        "none: the patient is not judged by any prescription",
    ),
    ("flags = []", {"flags": (PatientFlag.OVERDOSE_WATCH,)}, "flags none", "overdose_watch"),
    (
        "alarms = []",
        {"active_alarms": (Alarm.ERI, Alarm.EMPTY_RESERVOIR)},
        "active alarms none",
        "empty_reservoir, eri",
    ),
    (
        "tone = 'none'",
        {"tone": (AlarmClass.CRITICAL, 600_000)},
        "tone none",
        "critical every 10 min",
    ),
]
"""What is expected of the pump that runs undisturbed, and what another one shows."""


@pytest.mark.parametrize(("wanted", "shown", "expected", "happened"), SHOWN_OTHERWISE)
def test_a_value_is_met_as_it_is_and_unmet_as_it_is_shown(
    wanted: str, shown: dict[str, Any], expected: str, happened: str
) -> None:
    """Of the pump that runs undisturbed all are met; of one that shows something else, none."""
    expectation = expecting(**tomllib.loads(wanted), at="1 d")
    assert judged(expectation, look(DAY)).met
    verdict = judged(expectation, look(DAY, **shown))
    assert verdict == Verdict(expectation, False, f"{expected} at 1 d", happened, DAY)


def test_a_ratio_is_expected_of_a_fill() -> None:
    expectation = expecting(delivered_ratio=["85.5 %", "114.5 %"], at="1 d")
    assert judged(expectation, look(DAY, delivered_ratio_ppm=855_000)).met
    low = judged(expectation, look(DAY, delivered_ratio_ppm=854_999))
    assert (low.met, low.happened) == (False, "85.4999 %")
    assert judged(expectation, look(DAY)).happened.startswith("none: not filled yet")


def test_a_tone_may_be_expected_with_its_interval() -> None:
    tone = (AlarmClass.NON_CRITICAL, HOUR)
    assert judged(expecting(tone="non_critical", at="1 d"), look(DAY, tone=tone)).met
    assert judged(expecting(tone="non_critical", every="1 h", at="1 d"), look(DAY, tone=tone)).met
    often = judged(expecting(tone="non_critical", every="10 min", at="1 d"), look(DAY, tone=tone))
    assert (often.met, often.expected) == (False, "tone non_critical every 10 min at 1 d")
    assert not judged(expecting(tone="critical", at="1 d"), look(DAY, tone=tone)).met
    assert judged(expecting(tone="critical", at="1 d"), look(DAY)).happened == "none"


def test_names_may_come_in_any_order_but_must_be_all() -> None:
    active = (Alarm.EMPTY_RESERVOIR, Alarm.LOW_RESERVOIR)
    both = look(DAY, active_alarms=active)
    assert judged(expecting(alarms=["low_reservoir", "empty_reservoir"], at="1 d"), both).met
    one = judged(expecting(alarms=["low_reservoir"], at="1 d"), both)
    assert (one.met, one.happened) == (False, "empty_reservoir, low_reservoir")


def test_of_several_looks_at_one_moment_the_last_counts() -> None:
    """What is done at a moment is done when its value is judged."""
    before, after = look(DAY, mode=Mode.STOPPED), look(DAY)
    expectation = expecting(mode="simple_continuous", at="1 d")
    assert judged(expectation, before, after).met
    assert not judged(expectation, after, before).met


def test_all_the_time_means_every_look_and_the_first_bad_one_is_told() -> None:
    expectation = expecting(mode="simple_continuous", from_="1 d", until="3 d")
    days = [look(day * DAY) for day in range(5)]
    verdict = judged(expectation, *days)
    assert verdict.met
    assert verdict.expected == "mode simple_continuous from 1 d to 3 d"
    assert verdict.happened == "so at each of 3 looks"
    stopped = [look(each.at_ms, mode=Mode.STOPPED) if each.at_ms > DAY else each for each in days]
    verdict = judged(expectation, *stopped)
    assert (verdict.met, verdict.happened, verdict.at_ms) == (False, "stopped at 2 d", 2 * DAY)
    outside = (look(0, mode=Mode.STOPPED), *days[1:4], look(4 * DAY, mode=Mode.STOPPED))
    assert judged(expectation, *outside).met


def test_a_span_lies_between_what_is_done_at_its_ends() -> None:
    """It begins after the acts of its first moment and ends before those of its last one."""
    expectation = expecting(mode="stopped", from_="1 d", until="2 d")
    stopped = [look(DAY, mode=Mode.STOPPED), look(2 * DAY, mode=Mode.STOPPED)]
    assert judged(expectation, look(DAY), *stopped, look(2 * DAY)).met
    assert not judged(expectation, *stopped[:1], look(DAY), *stopped[1:]).met
    assert not judged(expectation, *stopped[:1], look(2 * DAY), *stopped[1:]).met
    moment = expecting(mode="stopped", from_="1 d", until="1 d")
    assert judged(moment, look(DAY), stopped[0]).met
    assert not judged(moment, stopped[0], look(DAY)).met


def test_what_was_received_is_a_difference_of_two_looks() -> None:
    expectation = expecting(received=["10 mcg", "12 mcg"], from_="1 d", until="2 d")
    before = look(DAY, received_ng=5_000)
    verdict = judged(expectation, before, look(2 * DAY, received_ng=17_000))
    assert verdict.met
    assert verdict.expected == "received 10 mcg to 12 mcg from 1 d to 2 d"
    assert verdict.happened == "12 mcg"
    assert not judged(expectation, before, look(2 * DAY, received_ng=17_001)).met
    assert not judged(expectation, before, look(2 * DAY, received_ng=14_999)).met


@pytest.mark.parametrize(
    "wanted",
    [
        {"mode": "simple_continuous", "at": "2 d"},
        {"mode": "simple_continuous", "from_": "0 s", "until": "2 d"},
        {"received": "0 mcg", "until": "2 d"},
    ],
)
def test_a_moment_that_never_came_is_unmet(wanted: dict[str, Any]) -> None:
    """Even where all was well until then."""
    verdict = judged(expecting(**wanted), look(0), look(DAY), end_ms=DAY)
    assert (verdict.met, verdict.at_ms) == (False, None)
    assert verdict.happened == "nobody looked then; the play ended at 1 d"


def test_every_kind_of_value_is_judged_here() -> None:
    """So that a new kind cannot be forgotten."""
    here = {next(iter(tomllib.loads(wanted))) for wanted, *_ in SHOWN_OTHERWISE}
    kinds = {name for name, each in EXPECTATIONS.items() if issubclass(each, Value)}
    assert kinds == here | {"delivered_ratio"}


# --- Acts ----------------------------------------------------------------------------------------

BOLUS = {"programmer": "bolus", "dose": "50 mcg", "over": "10 min"}
BUSY = "bolus_active"


@pytest.mark.parametrize(
    ("act", "outcome", "codes", "met"),
    [
        (acting(**BOLUS), Outcome.DONE, (), True),
        (acting(**BOLUS), Outcome.REFUSED, ("bolus_active",), False),
        (acting(**BOLUS), Outcome.NO_ANSWER, (), False),
        (acting(**BOLUS, refused=BUSY), Outcome.REFUSED, ("mismatch", BUSY), True),
        (acting(**BOLUS, refused=BUSY), Outcome.REFUSED, ("out_of_range",), False),
        (acting(**BOLUS, refused=BUSY), Outcome.DONE, (), False),
        (acting(**BOLUS, outcome="unknown"), Outcome.UNKNOWN, (), True),
        (acting(**BOLUS, outcome="refused"), Outcome.REFUSED, ("mismatch",), True),
        (acting(**BOLUS, outcome="no_answer"), Outcome.DONE, (), False),
        (acting(**BOLUS, cut="order"), Outcome.CUT, (), True),
        (acting(**BOLUS, cut="order"), Outcome.DONE, (), False),
        (acting(**BOLUS, cut="order", outcome="no_answer"), Outcome.NO_ANSWER, (), True),
        (acting(hands="press"), Outcome.DONE, (), True),
        (acting(hands="press"), Outcome.REFUSED, ("locked_out",), False),
        (acting(hands="press", refused="locked_out"), Outcome.REFUSED, ("locked_out",), True),
        (acting(hands="explant"), Outcome.REFUSED, (), False),
    ],
)  # fmt: skip
def test_what_comes_of_an_act_must_be_what_the_act_says(
    act: AnyAct, outcome: Outcome, codes: tuple[str, ...], met: bool
) -> None:
    """By default it is done; a refusal must have the code that is wanted, among others."""
    verdict = outcome_verdict(acted(act, outcome, *codes))
    assert verdict is not None
    assert (verdict.met, verdict.expectation, verdict.at_ms) == (met, act, HOUR)


def test_an_act_that_says_nothing_of_its_outcome_and_is_done_is_no_expectation() -> None:
    assert outcome_verdict(acted(acting(hands="explant"))) is None
    assert outcome_verdict(acted(acting(fault="motor_stall"))) is None


def test_a_verdict_on_an_act_says_what_came_of_it() -> None:
    act = acting(**BOLUS, refused=BUSY)
    verdict = outcome_verdict(acted(act, Outcome.NO_ANSWER, text="4 attempts, no answer"))
    assert verdict is not None
    assert verdict.expected == "programmer bolus at 1 h: refused: bolus_active"
    assert verdict.happened == "no answer (4 attempts, no answer)"


def test_a_judge_judges_expectations_then_those_of_chosen_options_then_acts() -> None:
    """The expectations of an option that was not chosen are not judged."""
    judge = Judge([expecting(mode="flex", at="1 h")], LENGTH)
    for each in (acted(acting(hands="press")), look(HOUR), chosen(), look(3 * HOUR)):
        judge.hear(each)
    verdicts = judge.verdicts()
    assert [each.expected for each in verdicts] == [
        "mode flex at 1 h",
        "mode flex at 3 h",
        "hands press at 1 h: done",
    ]
    other = Judge([], LENGTH)
    other.hear(chosen(1))
    assert other.verdicts() == ()


# --- Against an independent judge ----------------------------------------------------------------

TICKS = 12
"""The play lasts so many seconds, and everything happens at a whole one."""

ticks = st.integers(0, TICKS)


def naive_event(times: list[int], wanted: Mapping[str, Any]) -> bool:
    """The docstring of an event, tick by tick; all times are ticks."""
    counting = [each for each in sorted(times) if each >= wanted.get("after", 0)]
    if "never" in wanted:
        return not any(tick in counting for tick in range(wanted.get("until", TICKS) + 1))
    if "count" in wanted:
        by_then = [each for each in counting if each <= wanted.get("by", TICKS)]
        return bool(len(by_then) == wanted["count"])
    if not counting:
        return False
    first = counting[0]
    if "at" in wanted:
        return bool(abs(first - wanted["at"]) <= wanted.get("within", 1))
    if "by" in wanted:
        return bool(first <= wanted["by"])
    return first in range(wanted["between"][0], wanted["between"][1] + 1)


@st.composite
def wanted_events(draw: st.DrawFn) -> dict[str, Any]:
    """When an event is wanted, in every way that a file can say it, in ticks."""
    way = draw(st.sampled_from(["at", "by", "between", "never", "count"]))
    wanted: dict[str, Any] = {}
    if way == "between":
        wanted["between"] = sorted([draw(ticks), draw(ticks)])
    elif way == "never":
        wanted["never"] = True
    elif way == "count":
        wanted["count"] = draw(st.integers(0, 3))
    else:
        wanted[way] = draw(ticks)
    extra = {"at": ["within", "after"], "never": ["until", "after"], "count": ["by", "after"]}
    for key in extra.get(way, ["after"]):
        if draw(st.booleans()):
            wanted[key] = draw(ticks)
    return wanted


def in_seconds(wanted: dict[str, Any]) -> dict[str, Any]:
    """Ticks as a file writes them."""
    written: dict[str, Any] = {}
    for key, value in wanted.items():
        if key in {"never", "count"}:
            written[key] = value
        else:
            written[key] = [f"{each} s" for each in value] if key == "between" else f"{value} s"
    return written


@given(st.lists(ticks, max_size=5), wanted_events())
def test_events_are_judged_as_an_independent_judge_does(
    times: list[int], wanted: dict[str, Any]
) -> None:
    expectation = expecting(alarm="low_reservoir", **in_seconds(wanted))
    judge = Judge([expectation], TICKS * SECOND)
    for each in sorted(times):
        judge.hear(raised(each * SECOND))
    judge.hear(Ended(at_ms=TICKS * SECOND))
    assert judge.verdicts()[0].met == naive_event(times, wanted)


def naive_span(shown: list[tuple[int, int]], begin: int, end: int, low: int, high: int) -> bool:
    """Every value that was there after `begin` was done and before `end` was."""
    inside = []
    for index, (tick, value) in enumerate(shown):
        later_at_begin = any(other == begin for other, _ in shown[index + 1 :])
        earlier_at_end = any(other == end for other, _ in shown[:index])
        undone = tick == begin and later_at_begin
        too_late = tick == end and earlier_at_end and begin != end
        if begin <= tick <= end and not undone and not too_late:
            inside.append(value)
    return bool(inside) and all(low <= each <= high for each in inside)


@given(
    st.lists(st.tuples(ticks, st.integers(0, 3)), max_size=12),
    st.tuples(ticks, ticks),
    st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_spans_are_judged_as_an_independent_judge_does(
    shown: list[tuple[int, int]], ends: tuple[int, int], wanted: tuple[int, int]
) -> None:
    shown = sorted(shown, key=lambda each: each[0])
    (begin, end), (low, high) = sorted(ends), sorted(wanted)
    expectation = expecting(
        believed_volume=[f"{low} nL", f"{high} nL"], from_=f"{begin} s", until=f"{end} s"
    )
    judge = Judge([expectation], TICKS * SECOND)
    for tick, value in shown:
        judge.hear(look(tick * SECOND, believed_volume_nl=value))
    judge.hear(Ended(at_ms=TICKS * SECOND))
    assert judge.verdicts()[0].met == naive_span(shown, begin, end, low, high)


@given(st.lists(st.tuples(ticks, st.integers(0, 3)), max_size=12), ticks, st.integers(0, 3))
def test_moments_are_judged_as_an_independent_judge_does(
    shown: list[tuple[int, int]], at: int, wanted: int
) -> None:
    """The last look at that very moment decides."""
    shown = sorted(shown, key=lambda each: each[0])
    judge = Judge([expecting(believed_volume=f"{wanted} nL", at=f"{at} s")], TICKS * SECOND)
    for tick, value in shown:
        judge.hear(look(tick * SECOND, believed_volume_nl=value))
    there = [value for tick, value in shown if tick == at]
    assert judge.verdicts()[0].met == (there[-1:] == [wanted])


# --- What is measured ----------------------------------------------------------------------------


def test_everything_that_must_lie_in_a_range_is_measured() -> None:
    """And nothing else is: what is no value has no words of one."""
    ranged = {name for name, each in EXPECTATIONS.items() if issubclass(each, Ranged)}
    assert ranged == set(MEASURES)
    with pytest.raises(TypeError, match="AlarmEvent is about no value"):
        wanted_text(expecting(alarm="eri", at="1 h"))
