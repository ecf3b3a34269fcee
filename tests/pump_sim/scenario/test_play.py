"""A play does what its file says, in the file's order, whoever moves the time."""

from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol.codes import UserRole
from pump_sim.endpoint import NS_PER_MS
from pump_sim.model.hardware.faults import make_fault
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.acts import ByProgrammer
from pump_sim.scenario.file.branches import branches
from pump_sim.scenario.file.document import Scenario
from pump_sim.scenario.happenings import (
    Acted,
    Chosen,
    Ended,
    FaultChanged,
    Flagged,
    Framed,
    Happening,
    Look,
    Noted,
    OnSession,
    Outcome,
    Recorded,
    Replaced,
    Said,
)
from pump_sim.scenario.judging.judge import Judge
from pump_sim.scenario.playing.play import Play, Undecided, run
from pump_sim.scenario.reading.loading import load

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


def scenario(**more: Any) -> Scenario:
    """A scenario of two days, with whatever else is given in the file's own words."""
    return Scenario.model_validate({"title": "A test", "length": "2 d", **more})


def played(document: Scenario, picks: dict[str, str] | None = None) -> list[Happening]:
    """All that happens in a check."""
    play, told = Play(document, picks or {}), []
    play.watch(told.append)
    run(play)
    return told


def order(told: list[Happening]) -> list[str]:
    """What was told, by kind, without looks and records."""
    return [
        type(each).__name__
        for each in told
        if not isinstance(each, Look | Recorded | Noted | Flagged | Framed | OnSession)
    ]


CHOICE: dict[str, Any] = {
    "time": "1 h",
    "name": "what",
    "ask": "What now?",
    "option": [
        {
            "name": "press",
            "title": "Fill",
            "at": [{"time": "1 h", "hands": "fill", "volume": "9 mL"}],
        },
        {
            "name": "wait",
            "title": "Wait",
            "choice": [
                {
                    "time": "2 h",
                    "name": "again",
                    "ask": "And now?",
                    "option": [
                        {"name": "yes", "title": "Yes", "say": [{"time": "3 h", "text": "Yes."}]},
                        {"name": "no", "title": "No"},
                    ],
                }
            ],
        },
    ],
}


def test_branches_are_all_ways_through_nested_choices() -> None:
    """An option's own choices come only where it is taken; independent ones are combined."""
    later = {**CHOICE, "time": "5 h", "name": "later", "option": CHOICE["option"][:1] * 2}
    later["option"] = [{**each, "name": f"n{i}"} for i, each in enumerate(later["option"])]
    ways = branches(scenario(choice=[later, CHOICE]))
    assert len(ways) == 6
    assert ways[0] == (("what", "press"), ("later", "n0"))
    assert (("what", "wait"), ("again", "no"), ("later", "n1")) in ways


def test_what_falls_on_one_moment_comes_in_the_order_of_the_rules() -> None:
    """First what is said, then the acts in the file's order, then a choice and what it brings."""
    told = played(
        scenario(
            say=[{"time": "1 h", "text": "Said."}],
            at=[
                {"time": "1 h", "hands": "fill", "volume": "5 mL"},
                {"time": "1 h", "programmer": "refill", "volume": "6 mL"},
            ],
            choice=[CHOICE],
        ),
        {"what": "press"},
    )
    assert order(told) == ["Said", "Acted", "Acted", "Chosen", "Acted", "Ended"]
    acts = [each for each in told if isinstance(each, Acted)]
    assert [each.act.time_ms for each in acts] == [HOUR_MS] * 3
    assert all(each.at_ms == HOUR_MS for each in told if isinstance(each, Said | Acted | Chosen))


def test_looks_stand_before_and_after_an_act() -> None:
    """A fill is a step of the actual volume: both ends of it are seen at its moment."""
    told = played(scenario(at=[{"time": "1 h", "hands": "fill", "volume": "5 mL"}]))
    volumes = [e.actual_volume_nl for e in told if isinstance(e, Look) and e.at_ms == HOUR_MS]
    assert max(volumes) > 19_900_000
    assert volumes[-1] == 5_000_000


def test_a_play_ends_at_its_length_and_time_never_goes_back() -> None:
    """The last thing told is the end, at the length; moments are in order."""
    told = played(scenario())
    moments = [each.at_ms for each in told]
    assert moments == sorted(moments)
    assert told[-1] == Ended(at_ms=2 * DAY_MS)


def test_a_refill_by_hands_and_one_typed_into_the_programmer_may_disagree() -> None:
    """They are two acts: the truth follows the one, the belief the other."""
    told = played(
        scenario(
            at=[
                {"time": "1 d", "hands": "fill", "volume": "12 mL"},
                {"time": "1 d", "programmer": "refill", "volume": "18 mL"},
            ]
        )
    )
    last = [each for each in told if isinstance(each, Look) and each.at_ms == DAY_MS][-1]
    assert (last.actual_volume_nl, last.believed_volume_nl) == (12_000_000, 18_000_000)


def test_a_fill_compares_what_was_drawn_out_with_what_was_expected() -> None:
    """20 mL at 0.8 mL a day with a drive that delivers half as much again, for ten days."""
    told = played(
        scenario(
            length="11 d",
            prescription={"dose": "1600 mcg/day"},
            at=[
                {"time": "0 d", "fault": "flow_error", "factor_ppm": 1_500_000},
                {"time": "10 d", "hands": "fill", "volume": "20 mL"},
            ],
        )
    )
    filled = [each for each in told if isinstance(each, Acted)][-1]
    assert filled.text.startswith("8 mL drawn out, 12 mL expected (150.0 %")
    assert [each for each in told if isinstance(each, Look)][-1].delivered_ratio_ppm == 1_500_000


def test_a_ratio_of_less_than_two_millilitres_is_not_judged() -> None:
    """After one day at 0.15 mL a day nothing can be told."""
    told = played(scenario(at=[{"time": "1 d", "hands": "fill", "volume": "20 mL"}]))
    assert [each for each in told if isinstance(each, Look)][-1].delivered_ratio_ppm is None
    assert "too little to tell" in next(each for each in told if isinstance(each, Acted)).text


def test_a_choice_without_a_pick_holds_a_check() -> None:
    """A check that would wait for ever says which choice it is."""
    with pytest.raises(Undecided, match="choice what: no option was picked"):
        played(scenario(choice=[CHOICE]))


def test_a_choice_holds_therapy_time_until_it_is_decided() -> None:
    """However fast time ran, and however late anybody looks, the pump waits at the very moment."""
    play = Play(scenario(choice=[CHOICE]), {}, speed=Fraction(86_400))
    endpoint, second_ns = play.endpoint, 1_000_000_000
    endpoint.handle_timeout(second_ns)
    assert play.decision is not None
    assert (play.elapsed_ms, endpoint.held) == (HOUR_MS, True)
    endpoint.handle_timeout(5 * second_ns)
    assert play.elapsed_ms == HOUR_MS
    endpoint.jump_to(endpoint.simulation.now_ms + DAY_MS, 5 * second_ns)
    assert play.elapsed_ms == HOUR_MS
    with pytest.raises(ValueError, match="allowed are press, wait"):
        play.decide("pray", 5 * second_ns)
    play.decide("press", 5 * second_ns)
    assert (play.decision, endpoint.held) == (None, False)
    endpoint.catch_up(6 * second_ns)
    assert play.elapsed_ms == HOUR_MS + DAY_MS
    with pytest.raises(ValueError, match="nothing waits"):
        play.decide("press", 6 * second_ns)


def test_a_jump_goes_through_acts_as_through_alarms() -> None:
    """Whoever moves time over a fill finds the reservoir filled then, and not at the end."""
    play = Play(scenario(at=[{"time": "1 h", "hands": "fill", "volume": "5 mL"}]), {})
    start_ms = play.endpoint.simulation.now_ms
    play.endpoint.jump_to(start_ms + DAY_MS, 1)
    left = play.pump.truth().actual_volume_nl
    assert left == 5_000_000 - 150_000 * 23 // 24


@given(steps=st.lists(st.integers(1, 5 * HOUR_MS), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_uneven_steps_change_nothing(steps: list[int]) -> None:
    """The therapy log is the same, whether time goes in one jump or in any others."""
    document = scenario(
        prescription={"patient_bolus": {
            "dose": "20 mcg", "over": "5 min", "lockout": "4 h", "per_day": 4}},
        at=[
            {"time": "1 h", "hands": "press"},
            {"time": "2 h", "fault": "motor_stall", "for": "1 h"},
            {"time": "7 h", "programmer": "program", "dose": "330 mcg/day"},
            {"time": "9 h", "hands": "replace", "serial_number": "SIM-2"},
            {"time": "11 h", "hands": "press", "refused": "not_prescribed"},
        ],
    )  # fmt: skip
    logs = []
    for moves in ([DAY_MS], steps):
        play, told = Play(document, {}, speed=Fraction(0)), []
        play.watch(told.append)
        for move in moves:
            play.endpoint.jump_to(play.endpoint.simulation.now_ms + move, 1)
        play.endpoint.jump_to(play.endpoint.simulation.now_ms + 2 * DAY_MS, 1)
        logs.append([each for each in told if isinstance(each, Recorded | Acted | Replaced)])
    assert logs[0] == logs[1]


def test_another_pump_goes_on_in_the_scenarios_time() -> None:
    """The new pump counts from its own implant; what is told counts from the start."""
    told = played(
        scenario(
            at=[
                {"time": "1 d", "hands": "replace", "serial_number": "SIM-2", "volume": "10 mL"},
                {"time": "1 d 1 h", "programmer": "interrogate"},
            ]
        )
    )
    replaced = next(each for each in told if isinstance(each, Replaced))
    assert (replaced.at_ms, replaced.serial_number) == (DAY_MS, "SIM-2")
    implanted = next(e for e in told if isinstance(e, Recorded) and e.serial_number == "SIM-2")
    assert (implanted.at_ms, implanted.entry.at_ms) == (DAY_MS, 0)
    looks = [each for each in told if isinstance(each, Look)]
    assert looks[-1].serial_number == "SIM-2"
    received = [each.received_ng for each in looks]
    assert received == sorted(received)
    assert received[-1] == pytest.approx(600_000, abs=2_000)


def test_without_a_pump_nothing_reaches_the_patient() -> None:
    """From the explant on the effect fades, and the programmer hears nobody."""
    told = played(
        scenario(
            at=[
                {"time": "1 h", "hands": "explant"},
                {"time": "12 h", "hands": "implant", "serial_number": "SIM-2"},
            ]
        )
    )
    looks = {each.at_ms: each for each in told if isinstance(each, Look)}
    before = [each for at_ms, each in looks.items() if HOUR_MS < at_ms < 12 * HOUR_MS]
    assert not any(each.implanted for each in before)
    assert len({each.received_ng for each in before}) == 1
    assert looks[2 * DAY_MS].implanted
    assert any(isinstance(each, Flagged) and each.began for each in told)


def test_an_aged_pump_was_refilled_in_time() -> None:
    """Five years on it has its volume, its log, and no alarm of its reservoir."""
    document = scenario(pump={"age": "1826 d", "volume": "15 mL"})
    pump = Play(document, {}).pump
    assert pump.at_ms == 1826 * DAY_MS
    assert pump.truth().actual_volume_nl == 15_000_000
    assert pump.status().believed_volume_nl == 15_000_000
    assert pump.status().clock_local_ms == document.pump.clock_ms
    events = [entry.event.name for entry in pump.firmware.log.entries]
    assert "RESERVOIR_UPDATED" in events
    assert "ALARM_RAISED" not in events


def test_a_lost_reply_takes_link_time_and_no_therapy() -> None:
    """Two answers are lost and the third sending is answered: at the same moment of the therapy."""
    told = played(
        scenario(
            at=[
                {"time": "1 h", "link": "drop", "direction": "to_programmer",
                 "message": ["status_report"], "count": 2},
                {"time": "1 h", "programmer": "interrogate"},
            ]
        )
    )  # fmt: skip
    asked = [each for each in told if isinstance(each, Acted)][-1]
    assert asked.outcome is Outcome.DONE
    assert asked.at_ms == HOUR_MS
    heard_ns = [each.link_ns for each in told if isinstance(each, Framed) and each.to_pump]
    assert 900 * NS_PER_MS < heard_ns[-1] - heard_ns[0] < 60_000 * NS_PER_MS


def test_link_time_is_given_to_what_expires_on_the_link() -> None:
    """What a programmer staged and left expires by itself, at the moment that the wire promises."""
    told = played(
        scenario(
            at=[{"time": "1 h", "programmer": "program", "dose": "330 mcg/day", "cut": "stage"}]
        )
    )
    expired = [
        e for e in told if isinstance(e, Recorded) and e.entry.event.name == "STAGING_EXPIRED"
    ]
    assert [each.at_ms for each in expired] == [HOUR_MS + 120_000]


def test_bytes_of_another_programmer_are_told_as_records() -> None:
    """Somebody else on the port orders something: it is told at its own moment."""
    play, told = Play(scenario(), {}, speed=Fraction(0)), []
    play.watch(told.append)
    play.endpoint.jump_to(play.endpoint.simulation.now_ms + 10 * 60_000 + 7, 1)
    play.pump.firmware.write_note("hello")
    play.endpoint.receive_data(b"noise", 2 * NS_PER_MS)
    noted = [each for each in told if isinstance(each, Recorded)]
    assert [(each.at_ms, each.entry.event.name) for each in noted] == [(600_007, "NOTE_WRITTEN")]


def test_what_hands_cannot_do_is_an_unmet_expectation_and_no_crash() -> None:
    """An implant whose prescription no pump takes: the old pump stays out, and the play goes on."""
    told = played(
        scenario(
            at=[
                {
                    "time": "1 h",
                    "hands": "replace",
                    "serial_number": "SIM-2",
                    "prescription": {"dose": "9000 mcg/day"},
                }
            ]
        )
    )
    act = next(each for each in told if isinstance(each, Acted))
    assert act.outcome is Outcome.REFUSED
    assert "out_of_range" in act.refused
    assert act.text.startswith("no pump takes that prescription: ")
    assert told[-1] == Ended(at_ms=2 * DAY_MS)


def test_a_play_can_be_stopped_where_a_choice_begins() -> None:
    """What the pump is at the very moment of a choice needs no decision."""
    play = Play(scenario(choice=[CHOICE]), {})
    run(play, until_ms=HOUR_MS)
    assert play.elapsed_ms == HOUR_MS
    with pytest.raises(Undecided):
        run(play, until_ms=HOUR_MS + 1)


@pytest.mark.parametrize("name", ["noisy-link", "slow-pump", "lost-commit-reply", "pump-replaced"])
def test_a_scenario_is_the_same_at_any_speed(name: str) -> None:
    """However long the link takes: therapy time stands still while its programmer waits for it."""
    loaded = load(name)
    picks = dict(branches(loaded.scenario)[0])
    stories = []
    for speed in (Fraction(1), Fraction(60), Fraction(86_400)):
        play, told = Play(loaded.scenario, picks, speed=speed), []
        play.watch(told.append)
        run(play)
        stories.append([each for each in told if isinstance(each, Recorded | Acted | Look)])
    assert stories[0] == stories[1] == stories[2]


def judged(document: Scenario, picks: dict[str, str] | None = None) -> list[str]:
    """What was not as expected, in a check."""
    play, judge = Play(document, picks or {}), Judge(document.expect, document.length_ms)
    play.watch(judge.hear)
    run(play)
    return [f"{each.expected}: {each.happened}" for each in judge.verdicts() if not each.met]


def test_an_option_may_expect_something_from_before_its_choice() -> None:
    """It is looked at the moments of all options, whichever will be taken."""
    expects = [{"received": ["0 mcg", "500 mcg"], "from": "61 min 7 s", "until": "3 h"}]
    options = [
        {"name": "a", "title": "A", "expect": expects},
        {"name": "b", "title": "B"},
    ]
    choice = {"time": "2 h", "name": "c", "ask": "?", "option": options}
    assert judged(scenario(choice=[choice]), {"c": "a"}) == []


def test_an_effect_that_must_stay_within_limits_is_looked_at_in_between() -> None:
    """A bolus lifts the effect for hours in which nothing is recorded."""
    document = scenario(
        length="400 d",
        prescription={"dose": "100 mcg/day"},
        at=[{"time": "100 d 1 h", "programmer": "bolus", "dose": "15 mcg", "over": "10 min"}],
        expect=[{"effect": ["0 %", "110 %"], "from": "99 d", "until": "101 d"}],
    )
    assert len(judged(document)) == 1


def test_a_ratio_is_that_of_the_last_fill_and_of_the_pump_in_place() -> None:
    """A fill that tells nothing, and another pump, leave no older ratio behind."""
    told = played(
        scenario(
            length="44 d",
            prescription={"dose": "800 mcg/day"},
            at=[
                {"time": "30 d", "hands": "fill", "volume": "20 mL"},
                {"time": "30 d", "programmer": "refill", "volume": "20 mL"},
                {"time": "31 d", "hands": "fill", "volume": "20 mL"},
                {"time": "31 d", "programmer": "refill", "volume": "20 mL"},
                {"time": "41 d", "hands": "fill", "volume": "20 mL"},
                {"time": "42 d", "hands": "replace", "serial_number": "SIM-2"},
            ],
        )
    )
    ratios = {
        each.at_ms // DAY_MS: each.delivered_ratio_ppm for each in told if isinstance(each, Look)
    }
    assert (ratios[30], ratios[31], ratios[41], ratios[43]) == (1_000_000, None, 1_000_000, None)


def test_at_one_moment_acts_come_in_the_order_of_the_file_whatever_was_chosen_first() -> None:
    """The later choice stands first in the file, and so do its acts."""
    early, late = (
        {
            "time": time,
            "name": name,
            "ask": "?",
            "option": [
                {"name": f"{name}-a", "title": "A", "at": [{"time": "3 h", "hands": act}]},
                {"name": f"{name}-b", "title": "B"},
            ],
        }
        for name, time, act in (("early", "1 h", "lay_head"), ("late", "2 h", "lift_head"))
    )
    told = played(scenario(choice=[late, early]), {"early": "early-a", "late": "late-a"})
    done = [each.act.hands for each in told if isinstance(each, Acted)]
    assert done == ["lift_head", "lay_head"]


def test_what_is_done_past_the_link_is_told_at_once_and_foreseen_anew() -> None:
    """A catheter that somebody blocks at the door: the flags come when they must, not at a look."""
    play, told = Play(scenario(length="400 d"), {}, speed=Fraction(0)), []
    play.watch(told.append)
    play.endpoint.jump_to(play.endpoint.simulation.now_ms + HOUR_MS, 1)
    play.pump.inject(make_fault("catheter_occlusion"))
    play.endpoint.handled(1)
    play.endpoint.jump_to(play.endpoint.simulation.now_ms + 20 * DAY_MS, 1)
    began = next(each for each in told if isinstance(each, FaultChanged))
    assert began.at_ms == HOUR_MS
    flags = [each.at_ms for each in told if isinstance(each, Flagged)]
    assert flags[0] == pytest.approx(HOUR_MS + 8.31 * HOUR_MS, abs=60_000)
    assert flags[1] == pytest.approx(HOUR_MS + 30.7 * HOUR_MS, abs=240_000)


def test_each_step_of_a_schedule_is_looked_at() -> None:
    """A picture of weeks shows every step where it is, not where a look happened to be."""
    steps = {"00:00": "120 mcg/day", "08:30": "300 mcg/day", "22:15": "200 mcg/day"}
    told = played(scenario(length="40 d", prescription={"flex": [{"steps": steps}]}))
    rates = [(each.at_ms, each.believed_rate_nl_per_day) for each in told if isinstance(each, Look)]
    changes = {at_ms % DAY_MS for (_, before), (at_ms, now) in pairwise(rates) if before != now}
    start_ms = 8 * HOUR_MS  # of the day, by the pump's clock
    wanted = (0, 8 * HOUR_MS + 30 * 60_000, 22 * HOUR_MS + 15 * 60_000)
    assert changes == {(each - start_ms) % DAY_MS for each in wanted}


def test_an_alarm_that_is_there_at_the_start_is_as_good_as_raised_then() -> None:
    """Whoever expects it never, is told; whoever expects it, is content."""
    low = {"pump": {"volume": "1 mL"}}
    for expected in ({"never": True}, {"after": "1 s", "by": "1 h"}):
        assert judged(scenario(**low, expect=[{"alarm": "low_reservoir", **expected}]))
    for expected in ({"at": "0 h"}, {"by": "1 h"}, {"count": 1}):
        assert not judged(scenario(**low, expect=[{"alarm": "low_reservoir", **expected}]))


# --- Keys ----------------------------------------------------------------------------------------


def test_a_pump_has_keys_by_the_seed_or_by_what_is_given() -> None:
    """The same each time for a check; others where somebody else can reach it."""
    document = scenario(seed=7)

    def secret(**given: Any) -> bytes:
        guard = Play(document, {}, **given).endpoint.guard
        assert guard is not None
        return guard.keys[UserRole.CLINICIAN].secret

    assert secret() == secret()
    assert secret() != secret(keys=KeyRing(Random(1).randbytes))


def test_a_legacy_insecure_pump_has_none() -> None:
    """Whoever reaches it may program it; and so has the one that takes its place."""
    document = scenario(
        pump={"security": "legacy-insecure"},
        at=[
            {"time": "1 h", "programmer": "program", "dose": "310 mcg/day"},
            {"time": "2 h", "hands": "replace", "serial_number": "NEW"},
            {"time": "3 h", "programmer": "program", "dose": "320 mcg/day"},
        ],
    )
    play, told = Play(document, {}), []
    play.watch(told.append)
    assert play.endpoint.guard is None
    run(play)
    assert [each.outcome for each in told if isinstance(each, Acted)] == 3 * [Outcome.DONE]
    assert play.endpoint.guard is None


def test_another_pump_has_other_keys() -> None:
    """The scenario's programmer holds them, and nobody of the old one gets anywhere."""
    document = scenario(
        at=[
            {"time": "1 h", "programmer": "program", "dose": "310 mcg/day"},
            {"time": "2 h", "hands": "replace", "serial_number": "NEW"},
            {"time": "3 h", "programmer": "program", "dose": "320 mcg/day"},
        ]
    )
    play, told = Play(document, {}), []
    play.watch(told.append)
    before = play.endpoint.guard
    run(play)
    after = play.endpoint.guard
    assert before is not None
    assert after is not None
    assert before.keys[UserRole.CLINICIAN] != after.keys[UserRole.CLINICIAN]
    assert [each.outcome for each in told if isinstance(each, Acted)] == 3 * [Outcome.DONE]


def test_proximity_and_the_button_are_what_the_pump_senses() -> None:
    """The button for a while only, in link time."""
    at = [
        {"time": "1 h", "hands": "proximity", "on_pump": True},
        {"time": "1 h", "hands": "button"},
        {"time": "1 h", "programmer": "emergency", "what": "status"},
        {"time": "2 h", "programmer": "emergency", "what": "status"},
        {"time": "3 h", "hands": "proximity", "on_pump": False},
        {"time": "3 h", "programmer": "emergency", "what": "status"},
    ]
    acted = [each for each in played(scenario(at=at)) if isinstance(each, Acted)]
    assert [each.refused for each in acted] == [(), (), (), ("no_intent",), (), ("not_near",)]


def test_there_is_one_programming_head() -> None:
    """It is laid on the pump, within reach of it, or out of reach, however that is said."""
    at = [
        {"time": "1 h", "hands": "lay_head"},
        {"time": "1 h", "programmer": "pair"},
        {"time": "2 h", "hands": "proximity", "on_pump": False},
        {"time": "2 h", "programmer": "pair", "refused": "not_near"},
        {"time": "3 h", "hands": "proximity", "on_pump": True},
        {"time": "4 h", "hands": "lift_head"},
        {"time": "4 h", "programmer": "interrogate", "outcome": "no_answer"},
        {"time": "5 h", "hands": "proximity", "in_reach": True},
        {"time": "5 h", "hands": "button"},
        {"time": "5 h", "programmer": "emergency", "what": "status", "refused": "not_near"},
        {"time": "6 h", "hands": "proximity", "on_pump": True},
        {"time": "6 h", "programmer": "pair"},
        {"time": "7 h", "hands": "explant"},
        {"time": "8 h", "hands": "implant", "serial_number": "NEW"},
        {"time": "8 h", "programmer": "pair", "refused": "not_near"},
    ]
    acted = [each for each in played(scenario(at=at)) if isinstance(each, Acted)]
    heads = [each.text for each in acted if each.text.startswith("the programming head")]
    assert heads == [
        f"the programming head {where}"
        for where in (
            "lies on the pump",
            "is off the pump, within reach",
            "lies on the pump",
            "is out of reach",
            "is off the pump, within reach",
            "lies on the pump",
        )
    ]
    answered = [
        (each.outcome, each.refused) for each in acted if isinstance(each.act, ByProgrammer)
    ]
    not_near = (Outcome.REFUSED, ("not_near",))
    assert answered == [
        (Outcome.DONE, ()),
        not_near,
        (Outcome.NO_ANSWER, ()),
        not_near,
        (Outcome.DONE, ()),
        not_near,
    ]


def test_a_code_is_shown_only_to_who_is_near() -> None:
    """Else nothing is sent."""
    at = [{"time": "1 h", "programmer": "pair"}]
    told = played(scenario(at=at))
    (acted,) = [each for each in told if isinstance(each, Acted)]
    assert acted.refused == ("not_near",)
    assert not [each for each in told if isinstance(each, Framed)]


def test_a_historic_update_stops_the_pump_and_so_does_that_of_its_successor() -> None:
    """Until the commit."""
    staged = {"programmer": "program", "dose": "310 mcg/day", "cut": "stage"}
    at = [
        {"time": "1 h", **staged},
        {"time": "2 h", "hands": "replace", "serial_number": "NEW"},
        {"time": "3 h", **staged},
        {"time": "4 h", "programmer": "program", "dose": "310 mcg/day"},
    ]
    told = played(scenario(pump={"updates": "historic"}, at=at))
    rates = {each.at_ms: each.actual_rate_nl_per_day for each in told if isinstance(each, Look)}
    assert [rates[hour * HOUR_MS] for hour in (1, 2, 3, 4)] == [0, 150_000, 0, 155_000]
