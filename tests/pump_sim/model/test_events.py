"""The two logs: one that only therapy fills, one that no flood can make grow."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_sim.model.events import (
    AccessEvent,
    AccessLog,
    EventCode,
    LogEntry,
    LogRange,
    TherapyLog,
)
from pump_sim.model.pump import Pump

from .strategies import PROFILE, bolus, continuous


def filled(count: int, capacity: int) -> TherapyLog:
    log = TherapyLog(capacity=capacity)
    for sequence in range(1, count + 1):
        log = log.appended(LogEntry(sequence, sequence, EventCode.STAGED, 0, 0, 0, 1))
    return log


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 50), st.integers(0, 50))
def test_the_therapy_log_is_a_ring_of_the_last_records(
    count: int, capacity: int, first: int, limit: int
) -> None:
    """Sequence numbers are permanent, overwrites are counted, pages are in order (REQ-27)."""
    log = filled(count, capacity)
    held = list(range(max(1, count - capacity + 1), count + 1))
    assert [entry.sequence for entry in log.entries] == held
    assert log.range == LogRange(count - len(held) + 1, count + 1, count - len(held))
    expected = [sequence for sequence in held if sequence >= first][:limit]
    assert [entry.sequence for entry in log.page(first, limit)] == expected


def test_the_therapy_log_keeps_a_thousand_records() -> None:
    """And counts on beyond them."""
    pump = Pump.implant(PROFILE, continuous())
    for _ in range(1_500):
        pump.firmware.set_clock(5)
    assert pump.firmware.log.range == LogRange(502, 1_502, 501)
    assert all(result.passed for result in pump.firmware.self_test())


def test_every_event_says_what_its_parameters_mean() -> None:
    """The reference table is made from these, so none may be empty or stand for another event."""
    assert len({event.value for event in EventCode}) == len(EventCode.__members__)
    for event in EventCode:
        assert event.value.event
        assert event.value.a
        assert event.value.b


kinds = st.tuples(
    st.sampled_from(AccessEvent), st.integers(1, 4), st.integers(0, 2), st.integers(0, 1)
).map(lambda kind: kind if kind[0] is not AccessEvent.INTERROGATED else (kind[0], 0, 0, 0))


def least_wanted(naive: list[dict[str, Any]], newcomer: AccessEvent) -> dict[str, Any]:
    """The oldest of the kind that has most; of equally many, of the one with the oldest."""
    by_age = sorted(naive, key=lambda each: each["last"])
    readings = [each for each in by_age if each["key"][0] is AccessEvent.INTERROGATED]
    if newcomer is AccessEvent.INTERROGATED and readings:
        return readings[0]
    kinds = [each["key"][0:3:2] for each in by_age]
    return by_age[kinds.index(max(kinds, key=kinds.count))]


@given(st.lists(st.tuples(kinds, st.integers(1, 3)), max_size=60), st.integers(1, 6))
def test_the_access_log_counts_repeats_and_drops_the_longest_unrepeated_of_the_fullest_kind(
    notes: list[tuple[tuple[AccessEvent, int, int, int], int]], capacity: int
) -> None:
    """Against a plain list that does the same the slow way."""
    log = AccessLog(capacity=capacity)
    naive: list[dict[str, Any]] = []
    evicted = 0
    for at_ms, ((event, request, code, field), link_id) in enumerate(notes):
        log = log.noted(
            event, at_ms=at_ms, link_id=link_id, request=request, code=code, field=field
        )
        key = (event, request, code, field)
        if event is AccessEvent.NOT_AUTHENTIC:
            key = (event, 0, code, field)
        if event is AccessEvent.INTERROGATED:
            key = (event, 0, 0, 0, link_id)  # type: ignore[assignment]
        known = next((each for each in naive if each["key"] == key), None)
        if known is None:
            known = {"key": key, "count": 0, "first": at_ms, "sequence": len(naive) + evicted + 1}
            if len(naive) == capacity:
                naive.remove(least_wanted(naive, event))
                evicted += 1
            naive.append(known)
        known["count"] += 1
        known["last"], known["link"] = at_ms, link_id
    naive.sort(key=lambda each: each["sequence"])
    assert [
        (each.sequence, each.count, each.first_at_ms, each.last_at_ms, each.last_link_id)
        for each in log.page(0, 1_000)
    ] == [
        (each["sequence"], each["count"], each["first"], each["last"], each["link"])
        for each in naive
    ]
    first = naive[0]["sequence"] if naive else 1
    assert log.range == LogRange(first, evicted + len(naive) + 1, evicted)
    assert log.page(0, 2) == log.page(0, 1_000)[:2]


def test_a_flood_of_refusals_leaves_the_therapy_log_alone() -> None:
    """REQ-27, and memory stays bounded: 256 records at most, whatever is thrown at it."""
    pump = Pump.implant(PROFILE, continuous())
    pump.firmware.order_bolus(bolus())
    therapy = pump.firmware.log
    for number in range(3_000):
        pump.firmware.record_refusal(request=number % 700, code=17, field=21, link_id=number)
        pump.firmware.record_refusal(request=900, code=1, field=1, link_id=number)
        pump.firmware.record_interrogation(number // 100)
    assert pump.firmware.log == therapy
    assert len(pump.firmware.access_log.entries) == 256
    (often,) = [each for each in pump.firmware.access_log.page(0, 256) if each.request == 900]
    assert (often.count, often.last_link_id) == (3_000, 2_999)


def test_an_interrogation_is_recorded_once_a_link() -> None:
    """However often a link reads, and apart from every other link."""
    pump = Pump.implant(PROFILE, continuous())
    for link_id in (1, 1, 2, 1):
        pump.firmware.record_interrogation(link_id)
    assert [(each.last_link_id, each.count) for each in pump.firmware.access_log.page(1, 9)] == [
        (1, 3),
        (2, 1),
    ]


# --- Floods --------------------------------------------------------------------------------------


def flooded(log: AccessLog, event: AccessEvent, frames: int) -> AccessLog:
    """The log after so many bad frames, each of another type and link, and of two codes."""
    for number in range(frames):
        log = log.noted(
            event, at_ms=number, link_id=number, request=number % 256, code=12, field=number % 2
        )
    return log


def who_came() -> AccessLog:
    """An ordinary month: readers, a clinician, some refusals, an emergency."""
    log = AccessLog()
    for link_id in range(100):
        log = log.noted(AccessEvent.INTERROGATED, at_ms=0, link_id=link_id, request=4)
    for request in range(40):
        log = log.noted(AccessEvent.REFUSED, at_ms=0, link_id=1, request=request, code=16)
    log = log.noted(AccessEvent.AUTHENTICATED, at_ms=0, link_id=1, code=3)
    log = log.noted(AccessEvent.PAIRED, at_ms=0, link_id=1, code=3)
    return log.noted(AccessEvent.EMERGENCY_ASKED, at_ms=0, link_id=0, request=27)


def test_a_hundred_thousand_forged_frames_take_two_records() -> None:
    """What a forged frame says of itself is not believed, so it cannot make itself many."""
    before = who_came()
    log = flooded(before, AccessEvent.NOT_AUTHENTIC, 100_000)
    forged = [each for each in log.page(0, 256) if each.event is AccessEvent.NOT_AUTHENTIC]
    assert [(each.request, each.field, each.count) for each in forged] == [
        (0, 0, 50_000),
        (0, 1, 50_000),
    ]
    assert [each for each in log.page(0, 256) if each not in forged] == list(before.page(0, 256))
    assert log.evicted == 0


@pytest.mark.parametrize("event", [AccessEvent.REFUSED, AccessEvent.SEQUENCE_MISUSED])
def test_a_flood_of_many_kinds_wipes_out_nothing_but_itself(event: AccessEvent) -> None:
    """Every type there is, over and over: it fills the log, and displaces its own records."""
    before = who_came()
    log = flooded(before, event, 3_000)
    assert len(log.entries) == 256
    kept = log.page(0, 256)
    assert [each for each in before.page(0, 256) if each not in kept] == []
    assert sum(each.code == 12 for each in kept) == 256 - len(before.entries)


def test_pollers_displace_pollers_only() -> None:
    """A full log, whatever it is full of: who reads the pump hides nobody."""
    full = flooded(who_came(), AccessEvent.REFUSED, 300)
    log = full
    for link_id in range(1_000, 3_000):
        log = log.noted(AccessEvent.INTERROGATED, at_ms=1, link_id=link_id)

    def others(each: AccessLog) -> list[object]:
        return [e for e in each.page(0, 256) if e.event is not AccessEvent.INTERROGATED]

    assert others(log) == others(full)
    assert len(log.entries) == 256


def test_two_floods_share_the_log() -> None:
    """None can starve the other: each keeps about half."""
    log = flooded(AccessLog(), AccessEvent.REFUSED, 600)
    log = flooded(log, AccessEvent.SEQUENCE_MISUSED, 600)
    counts = Counter(each.event for each in log.entries.values())
    assert counts[AccessEvent.REFUSED] + counts[AccessEvent.SEQUENCE_MISUSED] == 256
    assert min(counts.values()) >= 127


def test_the_caller_says_who_came() -> None:
    """Openings with a key, pairings and emergencies are recorded as they are told."""
    pump = Pump.implant(PROFILE, continuous())
    pump.settle(5)
    pump.firmware.record_access(AccessEvent.AUTHENTICATED, 7, code=3)
    pump.firmware.record_access(AccessEvent.EMERGENCY_ASKED, request=0x1B)
    assert [
        (each.event, each.request, each.code, each.first_at_ms, each.last_link_id)
        for each in pump.firmware.access_log.page(1, 9)
    ] == [
        (AccessEvent.AUTHENTICATED, 0, 3, 5, 7),
        (AccessEvent.EMERGENCY_ASKED, 0x1B, 0, 5, 0),
    ]
