"""A play can be turned back to where it stood: what comes then is what came the first time."""

from dataclasses import replace
from random import Random

import pytest

from pump_sim.endpoint import NS_PER_MS
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.acts import OnLink
from pump_sim.scenario.file.branches import Way, acts_of, branches
from pump_sim.scenario.happenings import Asked, Ended, Flagged, Happening, Look, Recorded
from pump_sim.scenario.playing.bookmark import Bookmark
from pump_sim.scenario.playing.play import Extent, Play, Undecided, run
from pump_sim.scenario.reading.catalogue import scenario_names
from pump_sim.scenario.reading.loading import Loaded, load

DAY_MS = 86_400_000

WAYS = [(name, way) for name in scenario_names() for way in branches(load(name).scenario)]


class Watched:
    """A play with all that it tells, and a bookmark at each look."""

    def __init__(self, loaded: Loaded, way: Way | tuple[()] = ()) -> None:
        self.play = Play(loaded.scenario, dict(way), folder=loaded.path.parent)
        self.told: list[Happening] = []
        self.bookmarks: list[tuple[int, Bookmark]] = []
        self.play.watch(self._hear)

    def _hear(self, happening: Happening) -> None:
        self.told.append(happening)
        if isinstance(happening, Look | Asked) and (bookmark := self.play.bookmark()) is not None:
            self.bookmarks.append((len(self.told), bookmark))


def _seen_after(at_ms: int, told: list[Happening]) -> list[Happening]:
    """What was recorded after a moment, and how things stood at each moment since.

    At one moment a play may look more than once; the ids of links are drawn by lot.
    """
    since = [each for each in told if each.at_ms > at_ms]
    looks = {each.at_ms: each for each in since if isinstance(each, Look)}
    records = [
        replace(each, entry=replace(each.entry, link_id=0))
        for each in since
        if isinstance(each, Recorded)
    ]
    return [*looks.values(), *records, *(each for each in since if isinstance(each, Flagged))]


def _disturbed(loaded: Loaded) -> bool:
    """Whether chance decides on the wire: it is drawn anew."""
    scenario = loaded.scenario
    return bool(scenario.link) or any(isinstance(each, OnLink) for each in acts_of(scenario))


@pytest.mark.parametrize(("name", "way"), WAYS, ids=[f"{name}-{way}" for name, way in WAYS])
def test_what_comes_after_going_back_is_what_came_the_first_time(name: str, way: Way) -> None:
    """Of every way through every shipped scenario: looks, records and flags, from two moments.

    Where chance decides on the wire, the play comes to its end all the same.
    """
    loaded = load(name)
    watched = Watched(loaded, way)
    link_ns = run(watched.play)
    first = list(watched.told)
    for since, bookmark in Random(name).sample(watched.bookmarks, 2):
        watched.play.turn_back(bookmark, link_ns)
        assert watched.play.elapsed_ms == bookmark.at_ms
        again = len(watched.told)
        link_ns = run(watched.play, link_ns=link_ns)
        assert watched.play.over
        if not _disturbed(loaded) and name not in ("old-attacks", "replay-and-forge"):
            seen = _seen_after(bookmark.at_ms, watched.told[again:])
            assert seen == _seen_after(bookmark.at_ms, first[since:])


def test_a_choice_is_asked_again() -> None:
    """And may be decided otherwise."""
    watched = Watched(load("missed-refill"))
    with pytest.raises(Undecided):
        run(watched.play)
    since, bookmark = watched.bookmarks[-1]
    link_ns = 50 * DAY_MS * NS_PER_MS
    assert isinstance(watched.told[since - 1], Asked)
    for option in ("nobody-comes", "refilled-in-time", "nobody-comes"):
        watched.play.decide(option, link_ns)
        link_ns = run(watched.play, link_ns=link_ns)
        flags = {
            each for look in watched.told[-5:] if isinstance(look, Look) for each in look.flags
        }
        assert bool(flags) == (option == "nobody-comes")
        watched.play.turn_back(bookmark, link_ns)
        decision = watched.play.decision
        assert decision is not None
        assert decision.name == "refill"
        assert watched.play.endpoint.held
        del watched.told[since:]


def test_no_bookmark_is_set_while_the_programmer_is_at_work() -> None:
    """Half an exchange is no state to go back to."""
    loaded = load("lost-commit-reply")
    play = Play(loaded.scenario, dict(branches(loaded.scenario)[0]), folder=loaded.path.parent)
    seen: list[tuple[bool, bool]] = []
    play.watch(lambda _: seen.append((play.busy, play.bookmark() is None)))
    run(play)
    assert (True, True) in seen
    assert all(busy == missing for busy, missing in seen)


def test_beyond_its_end_a_play_tells_what_happens_to_the_pump() -> None:
    """Flags at their own moments, though nobody talks to the pump and nothing is due at it."""
    loaded = load("missed-refill")
    early = loaded.scenario.model_copy(update={"length_ms": 50 * DAY_MS + 3_600_000, "expect": ()})
    picks = {"refill": "refilled-in-time"}
    play = Play(early, picks, extent=Extent.BEYOND_ITS_END)
    flagged: list[int] = []
    play.watch(lambda each: flagged.append(each.at_ms) if isinstance(each, Flagged) else None)
    link_ns = run(play)
    ended_ms = play.elapsed_ms
    assert flagged == []
    play.pump.fill_by_hand(0)
    play.endpoint.handled(link_ns)
    play.endpoint.jump_to(play.endpoint.simulation.now_ms + 5 * DAY_MS, link_ns)
    assert len(flagged) == 2  # underdose, withdrawal
    assert all(ended_ms < each < play.elapsed_ms for each in flagged)


def test_a_play_without_end_never_ends() -> None:
    """And looks ever more seldom: a pump's life is some thousand looks."""
    scenario = load("missed-refill").scenario.model_copy(
        update={"length_ms": DAY_MS, "choice": (), "say": (), "expect": ()}
    )
    play = Play(scenario, {}, extent=Extent.WITHOUT_END)
    told: list[Happening] = []
    play.watch(told.append)
    play.endpoint.jump_to(2_000 * DAY_MS, 0)
    assert not play.over
    assert not [each for each in told if isinstance(each, Ended)]
    looks = [each.at_ms for each in told if isinstance(each, Look)]
    assert looks[1] - looks[0] <= 15 * 60_000
    assert len(looks) < 3_000


def test_a_pump_of_a_number_keeps_its_keys_on_one_ring() -> None:
    """In another play, too; another number has others."""
    ring, scenario = KeyRing(Random(1).randbytes), load("missed-refill").scenario

    def keys_of(serial_number: str) -> object:
        start = scenario.pump.model_copy(update={"serial_number": serial_number})
        guard = Play(scenario.model_copy(update={"pump": start}), {}, keys=ring).endpoint.guard
        assert guard is not None
        return guard.keys

    assert keys_of("A") == keys_of("A") != keys_of("B")
