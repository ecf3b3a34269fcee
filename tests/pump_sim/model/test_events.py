"""The two logs: one that only therapy fills, one that no flood can make grow."""

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
)


@given(st.lists(st.tuples(kinds, st.integers(1, 3)), max_size=60), st.integers(1, 6))
def test_the_access_log_counts_repeats_and_drops_the_longest_unrepeated(
    notes: list[tuple[tuple[AccessEvent, int, int, int], int]], capacity: int
) -> None:
    """Against a plain list that does the same the slow way."""
    log = AccessLog(capacity=capacity)
    naive: list[dict[str, object]] = []
    evicted = 0
    for at_ms, ((event, request, code, field), link_id) in enumerate(notes):
        log = log.noted(
            event, at_ms=at_ms, link_id=link_id, request=request, code=code, field=field
        )
        key = (event, request, code, field)
        if event is AccessEvent.INTERROGATED:
            key = (*key, link_id)  # type: ignore[assignment]
        known = next((each for each in naive if each["key"] == key), None)
        if known is None:
            known = {"key": key, "count": 0, "first": at_ms, "sequence": len(naive) + evicted + 1}
            if len(naive) == capacity:
                readings = [e for e in naive if e["key"][0] is AccessEvent.INTERROGATED]  # type: ignore[index]
                naive.remove(min(readings or naive, key=lambda each: each["last"]))  # type: ignore[arg-type, return-value]
                evicted += 1
            naive.append(known)
        known["count"] += 1  # type: ignore[operator]
        known["last"], known["link"] = at_ms, link_id
    naive.sort(key=lambda each: each["sequence"])  # type: ignore[arg-type, return-value]
    assert [
        (each.sequence, each.count, each.first_at_ms, each.last_at_ms, each.last_link_id)
        for each in log.page(0, 1_000)
    ] == [
        (each["sequence"], each["count"], each["first"], each["last"], each["link"])
        for each in naive
    ]
    first = naive[0]["sequence"] if naive else 1
    assert log.range == LogRange(first, evicted + len(naive) + 1, evicted)  # type: ignore[arg-type]
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
