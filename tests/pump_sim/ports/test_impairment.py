"""What arrives of what was sent, byte for byte and to the nanosecond, under each link fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pump_protocol.codes import MessageType
from pump_protocol.frames import Frame
from pump_sim.frame_cutter import FrameCutter
from pump_sim.ports.impairment import Delivery, Impairment
from pump_sim.ports.link_fault import Direction, LinkFault, LinkFaultKind

MS = 1_000_000
PATIENCE_MS = 100

both_ways = pytest.mark.parametrize("to_pump", [True, False], ids=["to_pump", "to_programmer"])


def frame(to_pump: bool, payload: bytes = b"", sequence: int = 1) -> bytes:
    """An interrogation, or the answer to it."""
    kind = MessageType.INTERROGATE if to_pump else MessageType.STATUS_REPORT
    return Frame(kind, 0x1234, sequence, payload).to_bytes()


def fault(kind: str, **keys: Any) -> LinkFault:
    """A link fault; times in ms are given as ..._ms."""
    in_ns = {
        key.replace("_ms", "_ns"): value * MS
        for key, value in keys.items()
        if key in {"delay_ms", "length_ms", "link_from_ms", "link_until_ms"}
    }
    rest = {key: value for key, value in keys.items() if key.replace("_ms", "_ns") not in in_ns}
    return LinkFault(kind=LinkFaultKind(kind), **in_ns, **rest)


@dataclass
class Wire:
    """An impairment in virtual time; everything that arrives is noted with its link time in ns."""

    faults: list[LinkFault]
    seed: int | str = 1
    observed: list[tuple[bool, str, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.impairment = Impairment(self.seed, FrameCutter, self._observe)
        for each in self.faults:
            self.impairment.add(each)
        self.arrivals: list[tuple[int, Delivery]] = []

    def _observe(self, to_pump: bool, what: str, data: bytes) -> None:
        self.observed.append((to_pump, what, data))

    def send(self, to_pump: bool, data: bytes, at_ms: int = 0, therapy_ms: int = 0) -> None:
        """Let all arrive that is due before, then send."""
        self.wait(at_ms)
        self.impairment.send(to_pump, data, link_ns=at_ms * MS, therapy_ms=therapy_ms)

    def wait(self, until_ms: int) -> None:
        """Take everything exactly when it is due."""
        while (due_ns := self.impairment.due_ns()) is not None and due_ns <= until_ms * MS:
            taken = self.impairment.take(due_ns)
            self.arrivals += [(due_ns, delivery) for delivery in taken]

    def arrived(self, to_pump: bool, until_ms: int = 1_000_000) -> list[tuple[float, bytes]]:
        """The chunks of one direction, with the link time in ms."""
        self.wait(until_ms)
        assert all(each.to_pump is to_pump for _, each in self.arrivals)
        return [(at_ns / MS, each.data) for at_ns, each in self.arrivals]

    def stream(self, to_pump: bool) -> bytes:
        """Everything of one direction."""
        self.wait(1_000_000)
        return b"".join(each.data for _, each in self.arrivals if each.to_pump is to_pump)


# --- Each kind, byte for byte, both ways ---------------------------------------------------------


@both_ways
def test_nothing_is_wrong_without_a_fault(to_pump: bool) -> None:
    """Any bytes arrive at once, as they were sent, even half a frame."""
    wire = Wire([])
    for at_ms, data in enumerate([frame(to_pump)[:7], frame(to_pump)[7:], b"\xa5", b"noise"]):
        wire.send(to_pump, data, at_ms)
        assert wire.impairment.take(at_ms * MS) == [Delivery(to_pump, data)]
    assert wire.impairment.due_ns() is None


@both_ways
def test_a_fault_of_the_other_direction_changes_nothing(to_pump: bool) -> None:
    """Not even half frames are held."""
    other = Direction.TO_PROGRAMMER if to_pump else Direction.TO_PUMP
    wire = Wire([fault("drop", direction=other)])
    wire.send(to_pump, b"\xa5\x5a")
    assert wire.impairment.take(0) == [Delivery(to_pump, b"\xa5\x5a")]


@both_ways
def test_drop(to_pump: bool) -> None:
    """The frame does not arrive; the next one does."""
    wire = Wire([fault("drop", count=1)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 5)
    assert wire.arrived(to_pump) == [(5, frame(to_pump, b"x"))]
    assert wire.observed == [(to_pump, "drop", frame(to_pump))]


@both_ways
def test_duplicate(to_pump: bool) -> None:
    """The frame arrives twice, the second time after the delay, and others wait behind it."""
    wire = Wire([fault("duplicate", count=1, delay_ms=30)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 10)
    assert wire.arrived(to_pump) == [
        (0, frame(to_pump)),
        (30, frame(to_pump)),
        (30, frame(to_pump, b"x")),
    ]


@both_ways
def test_a_duplicate_of_a_delayed_frame_keeps_its_distance(to_pump: bool) -> None:
    """Both are late, and the copy comes its own delay after the first."""
    wire = Wire([fault("delay", delay_ms=100), fault("duplicate", delay_ms=100)])
    wire.send(to_pump, frame(to_pump))
    assert wire.arrived(to_pump) == [(100, frame(to_pump)), (200, frame(to_pump))]


@both_ways
def test_a_duplicate_that_is_delayed_keeps_its_distance(to_pump: bool) -> None:
    """A delay behind it acts on both copies."""
    wire = Wire([fault("duplicate", delay_ms=30), fault("delay", delay_ms=100)])
    wire.send(to_pump, frame(to_pump))
    assert wire.arrived(to_pump) == [(100, frame(to_pump)), (130, frame(to_pump))]


@both_ways
def test_a_duplicate_keeps_its_distance_on_a_busy_line(to_pump: bool) -> None:
    """It counts from when the first arrives, not from when it was sent."""
    wire = Wire([fault("delay", count=1, delay_ms=500), fault("duplicate", skip=1, delay_ms=30)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 10)
    assert wire.arrived(to_pump) == [
        (500, frame(to_pump)),
        (500, frame(to_pump, b"x")),
        (530, frame(to_pump, b"x")),
    ]


@both_ways
def test_a_duplicate_keeps_its_distance_on_a_slow_line(to_pump: bool) -> None:
    """It begins so long after the last byte of the first: a byte takes 1 ms here."""
    data = frame(to_pump)
    wire = Wire([fault("duplicate", delay_ms=30), fault("baud", bits_per_s=10_000)])
    wire.send(to_pump, data)
    times = [at_ms for at_ms, _ in wire.arrived(to_pump)]
    end = len(data)
    assert times == [*range(1, end + 1), *range(end + 31, 2 * end + 31)]


@both_ways
def test_duplicates_of_one_frame_each_keep_their_distance_to_the_first(to_pump: bool) -> None:
    """Two copies, in order of the faults, neither counted from the other."""
    wire = Wire([fault("duplicate", delay_ms=30), fault("duplicate", delay_ms=50)])
    wire.send(to_pump, frame(to_pump))
    assert [at_ms for at_ms, _ in wire.arrived(to_pump)] == [0, 30, 50]


@both_ways
def test_delay(to_pump: bool) -> None:
    """The frame arrives later, and what comes after it waits behind it."""
    wire = Wire([fault("delay", count=1, delay_ms=250)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 100)
    wire.send(to_pump, frame(to_pump, b"y"), 300)
    assert wire.arrived(to_pump) == [
        (250, frame(to_pump)),
        (250, frame(to_pump, b"x")),
        (300, frame(to_pump, b"y")),
    ]


@both_ways
def test_jitter(to_pump: bool) -> None:
    """Each frame is late by another time, of up to the delay; the order is kept."""
    wire = Wire([fault("jitter", delay_ms=50)])
    sent = [frame(to_pump, sequence=number) for number in range(1, 41)]
    for number, data in enumerate(sent):
        wire.send(to_pump, data, number * 10)
    arrived = wire.arrived(to_pump)
    assert [data for _, data in arrived] == sent
    late = [at_ms - number * 10 for number, (at_ms, _) in enumerate(arrived)]
    assert all(0 <= each <= 50 for each in late)
    assert len(set(late)) > 20
    assert all(first <= second for (first, _), (second, _) in pairwise(arrived))


@both_ways
def test_split(to_pump: bool) -> None:
    """The frame arrives in two chunks, the second after the delay."""
    data = frame(to_pump, b"payload")
    wire = Wire([fault("split", at_byte=20, delay_ms=60)])
    wire.send(to_pump, data)
    assert wire.arrived(to_pump) == [(0, data[:20]), (60, data[20:])]


@both_ways
def test_split_at_a_place_of_the_seed(to_pump: bool) -> None:
    """Two chunks at once, cut anywhere within."""
    data = frame(to_pump, b"payload")
    places = set()
    wire = Wire([fault("split")])
    for number in range(100):
        wire.send(to_pump, data, number)
    chunks = [each.data for _, each in wire.arrivals] + [
        each.data for each in wire.impairment.take(99 * MS)
    ]
    for first, second in zip(chunks[::2], chunks[1::2], strict=True):
        assert first + second == data
        assert first
        assert second
        places.add(len(first))
    assert len(places) > 20


@both_ways
def test_merge(to_pump: bool) -> None:
    """The frame waits for the next one, and they arrive as one chunk, when the next one comes."""
    wire = Wire([fault("merge", count=1, delay_ms=100)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 40)
    wire.send(to_pump, frame(to_pump, b"y"), 50)
    assert wire.arrived(to_pump) == [
        (40, frame(to_pump) + frame(to_pump, b"x")),
        (50, frame(to_pump, b"y")),
    ]


@both_ways
def test_merge_with_nothing_to_merge_with(to_pump: bool) -> None:
    """The frame waits no longer than the delay."""
    wire = Wire([fault("merge", count=1, delay_ms=100)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 101)
    assert wire.arrived(to_pump) == [(100, frame(to_pump)), (101, frame(to_pump, b"x"))]


@both_ways
def test_merged_frames_are_pairs(to_pump: bool) -> None:
    """Frames that come faster than the delay do not wait for ever: each pair arrives when whole."""
    wire = Wire([fault("merge", delay_ms=100)])
    sent = [frame(to_pump, sequence=number) for number in range(1, 8)]
    for number, data in enumerate(sent):
        wire.send(to_pump, data, number * 90)
    assert wire.arrived(to_pump) == [
        (90, sent[0] + sent[1]),
        (270, sent[2] + sent[3]),
        (450, sent[4] + sent[5]),
        (640, sent[6]),
    ]


@both_ways
def test_no_merged_frame_is_later_than_the_delay(to_pump: bool) -> None:
    """However close together they are sent."""
    wire = Wire([fault("merge", delay_ms=1000)])
    for number in range(200):
        wire.send(to_pump, frame(to_pump, sequence=number + 1), number * 17)
    arrived = [at_ms for at_ms, _ in wire.arrived(to_pump)]
    assert arrived == [17 + 34 * pair for pair in range(100)]


@both_ways
def test_flip_one_bit_of_a_byte(to_pump: bool) -> None:
    """Bit 0 of the byte, and nothing else."""
    data = frame(to_pump, b"payload")
    wire = Wire([fault("flip", at_byte=21)])
    wire.send(to_pump, data)
    flipped = data[:21] + bytes([data[21] ^ 1]) + data[22:]
    assert wire.arrived(to_pump) == [(0, flipped)]
    assert wire.observed == [(to_pump, "flip bit 0 of byte 21", data)]


@both_ways
def test_flip_bits_at_places_of_the_seed(to_pump: bool) -> None:
    """Exactly so many bits differ, elsewhere each time."""
    data = frame(to_pump, b"payload")
    wire = Wire([fault("flip", bits=5)])
    for number in range(20):
        wire.send(to_pump, data, number)
    arrived = [got for _, got in wire.arrived(to_pump)]
    assert len(set(arrived)) == 20
    for got in arrived:
        assert len(got) == len(data)
        differing = int.from_bytes(got, "big") ^ int.from_bytes(data, "big")
        assert differing.bit_count() == 5


@both_ways
def test_truncate(to_pump: bool) -> None:
    """Only the first bytes arrive; the next frame is whole."""
    wire = Wire([fault("truncate", at_byte=13, count=1)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 1)
    assert wire.arrived(to_pump) == [(0, frame(to_pump)[:13]), (1, frame(to_pump, b"x"))]


@both_ways
def test_silence(to_pump: bool) -> None:
    """From the frame on nothing arrives in its direction until the time is over, to the ms."""
    wire = Wire([fault("silence", count=1, length_ms=500)])
    wire.send(to_pump, frame(to_pump), 1000)
    wire.send(to_pump, frame(to_pump, b"x"), 1499)
    wire.send(to_pump, frame(to_pump, b"y"), 1500)
    assert wire.arrived(to_pump) == [(1500, frame(to_pump, b"y"))]
    assert [what for _, what, _ in wire.observed] == ["silence for 500 ms", "silence"]


@both_ways
def test_a_frame_that_began_in_the_silence_does_not_arrive(to_pump: bool) -> None:
    """Although it ends after it: its first bytes cannot have been heard. The next one arrives."""
    late, whole = frame(to_pump, b"late"), frame(to_pump, b"whole")
    wire = Wire([fault("silence", count=1, length_ms=500)])
    wire.send(to_pump, frame(to_pump), 1000)
    wire.send(to_pump, late[:5], 1450)
    wire.send(to_pump, late[5:] + whole[:3], 1500)
    wire.send(to_pump, whole[3:], 1510)
    assert wire.arrived(to_pump) == [(1510, whole)]
    assert wire.observed[-1] == (to_pump, "silence", late)


@both_ways
def test_half_a_frame_of_the_silence_does_not_arrive_when_it_is_given_up(to_pump: bool) -> None:
    """Its rest never comes, and patience with it ends after the silence."""
    wire = Wire([fault("silence", count=1, length_ms=500)])
    wire.send(to_pump, frame(to_pump), 1000)
    wire.send(to_pump, frame(to_pump)[:5], 1450)
    assert wire.arrived(to_pump) == []


@both_ways
def test_what_a_broken_frame_of_the_silence_had_swallowed_arrives(to_pump: bool) -> None:
    """A frame that was sent whole after the silence, in what was taken for the rest of another."""
    whole = frame(to_pump, b"whole")
    wire = Wire([fault("silence", count=1, length_ms=500)])
    wire.send(to_pump, frame(to_pump), 1000)
    wire.send(to_pump, frame(to_pump, bytes(60))[:16], 1450)
    wire.send(to_pump, whole, 1500)
    assert wire.stream(to_pump) == whole


def test_silence_leaves_the_other_direction_alone() -> None:
    """A pump that is not heard still hears."""
    wire = Wire([fault("silence", direction=Direction.TO_PROGRAMMER, length_ms=500)])
    wire.send(False, frame(False), 1)
    wire.send(True, frame(True), 2)
    assert wire.arrived(True) == [(2, frame(True))]


@both_ways
def test_disconnect(to_pump: bool) -> None:
    """The first bytes arrive, then the connection ends, and with it all that was under way."""
    wire = Wire([fault("delay", count=1, delay_ms=5), fault("disconnect", at_byte=9, count=1)])
    wire.send(to_pump, frame(to_pump))
    wire.send(to_pump, frame(to_pump, b"x"), 1)
    wire.send(not to_pump, frame(not to_pump)[:10], 2)
    wire.wait(1000)
    assert wire.arrivals == [(5 * MS, Delivery(to_pump, frame(to_pump)[:9], disconnect=True))]
    wire.arrivals.clear()
    wire.send(to_pump, frame(to_pump, b"y"), 1001)
    assert wire.arrived(to_pump) == [(1001, frame(to_pump, b"y"))]


@both_ways
def test_disconnect_before_the_first_byte(to_pump: bool) -> None:
    """Nothing of the frame arrives, but the end of the connection does."""
    wire = Wire([fault("disconnect")])
    wire.send(to_pump, frame(to_pump))
    assert wire.impairment.take(0) == [Delivery(to_pump, b"", disconnect=True)]


@both_ways
@pytest.mark.parametrize("behind", [fault("drop"), fault("silence", length_ms=10)])
def test_the_connection_ends_though_the_frame_is_dropped(to_pump: bool, behind: LinkFault) -> None:
    """What a fault behind it takes away is bytes; and faults further behind do not see them."""
    wire = Wire([fault("disconnect", at_byte=9), behind, fault("flip")])
    wire.send(to_pump, frame(to_pump))
    assert wire.impairment.take(0) == [Delivery(to_pump, b"", disconnect=True)]
    assert [what.split()[0] for _, what, _ in wire.observed] == ["disconnect", behind.kind.value]


def test_a_frame_that_is_dropped_ends_no_connection() -> None:
    """In the other order there is nothing left that a connection could end in."""
    wire = Wire([fault("drop"), fault("disconnect")])
    wire.send(True, frame(True))
    assert wire.impairment.take(0) == []


@both_ways
def test_baud(to_pump: bool) -> None:
    """Each byte arrives when a serial line of that speed has carried it, one frame after another.

    At 9,600 bits a second byte number n is there n x 10/9,600 s after the first began.
    """
    data = frame(to_pump, b"payload")
    wire = Wire([fault("baud", bits_per_s=9600)])
    wire.send(to_pump, data)
    wire.send(to_pump, data, 10)
    arrived = wire.arrived(to_pump)
    assert b"".join(chunk for _, chunk in arrived) == data + data
    assert all(len(chunk) == 1 for _, chunk in arrived)
    exact = [-(-number * 10_000_000_000 // 9600) for number in range(1, len(data) + 1)]
    assert [at_ns for at_ns, _ in wire.arrivals][: len(data)] == exact
    assert wire.arrivals[-1][0] == 2 * exact[-1]


@both_ways
def test_paced_bytes_that_are_taken_late_come_as_one_chunk(to_pump: bool) -> None:
    """A reader that looks every 10 ms finds what has arrived since, no more and no less."""
    data = frame(to_pump, b"payload")
    wire = Wire([fault("baud", bits_per_s=10_000)])
    wire.send(to_pump, data)
    taken = [wire.impairment.take(at_ms * MS) for at_ms in range(0, 50, 10)]
    assert taken == [
        [],
        [Delivery(to_pump, data[:10])],
        [Delivery(to_pump, data[10:20])],
        [Delivery(to_pump, data[20:30])],
        [Delivery(to_pump, data[30:])],
    ]


# --- Together ------------------------------------------------------------------------------------


def test_faults_act_in_the_order_in_which_they_were_added() -> None:
    """Flipped then truncated is not truncated, then too short to be flipped."""
    data = frame(True)
    flip, truncate = fault("flip", at_byte=20), fault("truncate", at_byte=12)
    first = Wire([flip, truncate])
    first.send(True, data)
    assert [what for _, what, _ in first.observed] == [
        "flip bit 0 of byte 20",
        "truncate to 12 bytes",
    ]
    second = Wire([truncate, flip])
    second.send(True, data)
    assert second.observed[1][1] == "flip nothing: too short by now"
    assert first.stream(True) == second.stream(True) == data[:12]


def test_a_dropped_frame_is_not_counted_by_the_faults_behind() -> None:
    """Drop stops the rest."""
    wire = Wire([fault("drop", count=1), fault("truncate", at_byte=3, count=1)])
    wire.send(True, frame(True))
    wire.send(True, frame(True), 1)
    assert wire.arrived(True) == [(1, frame(True)[:3])]


def test_a_frame_of_which_nothing_is_left_is_not_counted_by_the_faults_behind() -> None:
    """Truncated to nothing is dropped."""
    wire = Wire([fault("truncate", at_byte=0, count=1), fault("flip", at_byte=0, count=1)])
    wire.send(True, frame(True))
    wire.send(True, frame(True), 1)
    assert [len(data) for _, data in wire.arrived(True)] == [len(frame(True))]
    assert [what for _, what, _ in wire.observed] == ["truncate to 0 bytes", "flip bit 0 of byte 0"]


def test_a_frame_that_is_too_short_by_now_is_left_as_it_is() -> None:
    """Its length as it was sent decides whether a fault is about it, and it is counted."""
    wire = Wire([fault("truncate", at_byte=5), fault("split", at_byte=5, count=1)])
    wire.send(True, frame(True))
    assert wire.arrived(True) == [(0, frame(True)[:5])]
    assert wire.observed[1][1] == "split: too short by now"


def test_faults_behind_a_duplicate_act_on_both_copies() -> None:
    """Each copy is flipped at places of its own; before the duplicate, both are the same."""
    flip = fault("flip", bits=8)
    behind, before = Wire([fault("duplicate"), flip]), Wire([flip, fault("duplicate")])
    for wire in (behind, before):
        wire.send(True, frame(True))
    (_, one), (_, other) = behind.arrived(True)
    assert one != other
    (_, one), (_, other) = before.arrived(True)
    assert one == other != frame(True)


def test_times_add_up() -> None:
    """Two delays, a jitter of no time, and two splits at one place."""
    faults = [fault("delay", delay_ms=30), fault("delay", delay_ms=20), fault("jitter")]
    splits = [fault("split", at_byte=5, delay_ms=7), fault("split", at_byte=5, delay_ms=8)]
    wire = Wire(faults + splits)
    wire.send(True, frame(True))
    assert wire.arrived(True) == [(50, frame(True)[:5]), (65, frame(True)[5:])]


def test_a_split_frame_that_is_truncated() -> None:
    """Before the cut nothing is left to be cut; behind it, the second chunk is shorter."""
    split = fault("split", at_byte=10, delay_ms=7)
    before, behind = (Wire([split, fault("truncate", at_byte=place)]) for place in (5, 15))
    for wire in (before, behind):
        wire.send(True, frame(True))
    assert before.arrived(True) == [(0, frame(True)[:5])]
    assert behind.arrived(True) == [(0, frame(True)[:10]), (7, frame(True)[10:15])]


def test_a_split_frame_that_is_paced_pauses_at_the_cut() -> None:
    """Ten bytes in 10 ms, a pause, the rest."""
    data = frame(True)
    wire = Wire(
        [fault("split", at_byte=10, delay_ms=50), fault("baud", bits_per_s=10_000)],
    )
    wire.send(True, data)
    times = [at_ms for at_ms, _ in wire.arrived(True)]
    assert times == [*range(1, 11), *range(61, 61 + len(data) - 10)]
    assert wire.stream(True) == data


def test_a_merged_frame_that_is_paced_follows_the_other_without_a_pause() -> None:
    """One chunk, byte by byte from when the second frame was sent."""
    data = frame(True)
    wire = Wire([fault("merge", count=1, delay_ms=100), fault("baud", bits_per_s=10_000)])
    wire.send(True, data)
    wire.send(True, data, 50)
    arrived = wire.arrived(True)
    assert [at_ms for at_ms, _ in arrived] == list(range(51, 51 + 2 * len(data)))
    assert wire.stream(True) == data + data


# --- Which frames --------------------------------------------------------------------------------


def test_only_frames_of_a_message() -> None:
    """Others pass, and so does what is no frame."""
    wire = Wire([fault("drop", messages=frozenset({"identify"}))])
    identify = Frame(MessageType.IDENTIFY, 1, 1).to_bytes()
    wire.send(True, frame(True) + identify + b"noise" + frame(True))
    assert wire.stream(True) == frame(True) + b"noise" + frame(True)


def test_without_a_message_anything_is_meant() -> None:
    """Noise and frames of unknown types count as frames do."""
    wire = Wire([fault("drop")])
    wire.send(True, b"noise" + Frame(0x7E, 1, 1).to_bytes())
    assert wire.stream(True) == b""
    assert len(wire.observed) == 2


def test_count_and_skip() -> None:
    """Skip spares the first that it would have acted upon; count counts those that it acted on."""
    wire = Wire([fault("drop", skip=2, count=3, messages=frozenset({"interrogate"}))])
    identify = Frame(MessageType.IDENTIFY, 1, 1).to_bytes()
    sent = [frame(True, sequence=number) for number in range(8)]
    for number, data in enumerate(sent):
        wire.send(True, identify + data, number)
    assert wire.stream(True) == b"".join(
        identify + (data if number in {0, 1, 5, 6, 7} else b"") for number, data in enumerate(sent)
    )


def test_a_frame_too_short_for_the_byte_is_not_counted() -> None:
    """The count is kept for one that is long enough."""
    for kind in ("flip", "truncate", "split"):
        wire = Wire([fault(kind, at_byte=len(frame(True)), count=1)])
        wire.send(True, frame(True))
        assert wire.observed == []
        wire.send(True, frame(True, bytes(20)))
        assert len(wire.observed) == 1, kind


def test_windows_of_link_time_and_of_therapy_time() -> None:
    """From the first moment on, and no more at the last; both windows must be open."""
    wire = Wire(
        [fault("drop", link_from_ms=10, link_until_ms=20, therapy_from_ms=5, therapy_until_ms=7)]
    )
    passed = []
    for number, (link_ms, therapy_ms) in enumerate(
        [(9, 6), (10, 4), (10, 5), (15, 6), (15, 7), (19, 6), (20, 6)]
    ):
        wire.send(True, frame(True, sequence=number), link_ms, therapy_ms)
        passed.append(bool(wire.impairment.take(link_ms * MS)))
    assert passed == [True, True, False, False, True, False, True]


def test_a_window_of_link_time_is_about_the_moment_of_sending() -> None:
    """A frame that is delayed into the window was sent before it."""
    wire = Wire([fault("delay", delay_ms=50), fault("drop", link_from_ms=10)])
    wire.send(True, frame(True), 0)
    assert wire.arrived(True) == [(50, frame(True))]


def test_clear_takes_all_faults_off_and_lets_arrive_what_is_under_way() -> None:
    """Also a silence is over, a delayed frame still comes late, a half one is not held any more."""
    wire = Wire(
        [
            fault("delay", count=1, delay_ms=100),
            fault("silence", length_ms=1000, messages=frozenset({"identify"})),
        ]
    )
    wire.send(True, frame(True))
    wire.send(True, Frame(MessageType.IDENTIFY, 1, 1).to_bytes(), 1)
    wire.send(True, frame(True), 2)
    wire.send(True, frame(True)[:5], 3)
    wire.impairment.clear()
    assert wire.impairment.faults == ()
    wire.send(True, frame(True)[5:], 4)
    assert wire.arrived(True) == [
        (100, frame(True)),
        (100, frame(True)[:5]),
        (100, frame(True)[5:]),
    ]


# --- Random --------------------------------------------------------------------------------------


def _dropped(faults: list[LinkFault], seed: int | str = 1) -> list[int]:
    wire = Wire(faults, seed)
    for number in range(1000):
        wire.send(True, frame(True, sequence=number))
    return [
        int.from_bytes(data[4 + 8 : 4 + 12], "little")
        for _, what, data in wire.observed
        if what == "drop"
    ]


def test_probability_is_about_right_and_follows_the_seed() -> None:
    """A fifth of a thousand, the same with the same seed, others with another."""
    drop = fault("drop", probability_ppm=200_000)
    assert 150 < len(_dropped([drop])) < 250
    assert _dropped([drop]) == _dropped([drop])
    assert _dropped([drop], 1) != _dropped([drop], 2)
    assert _dropped([fault("drop", probability_ppm=0)]) == []


def test_another_fault_does_not_change_which_frames_a_fault_strikes() -> None:
    """Each fault has random numbers of its own, whatever stands before or behind it."""
    drop = fault("drop", probability_ppm=200_000)
    others = [fault("jitter", delay_ms=3), fault("flip", probability_ppm=500_000)]
    assert _dropped([others[0], drop, others[1]]) == _dropped([drop])


def test_two_equal_faults_draw_differently() -> None:
    """Twins that struck the same frames at the same places would undo each other."""
    flip = fault("flip", probability_ppm=500_000)
    wire = Wire([flip, flip])
    for number in range(100):
        wire.send(True, frame(True), number)
    changed = [data != frame(True) for _, data in wire.arrived(True)]
    assert 60 < sum(changed) < 90


def test_faults_that_differ_in_their_messages_draw_differently() -> None:
    """Whichever way the messages are given, the same ones are the same fault."""
    one = fault("drop", messages=frozenset({"interrogate"}))
    two = fault("drop", messages=frozenset({"interrogate", "identify"}))
    assert one.identity != two.identity
    assert two.identity == fault("drop", messages=frozenset(["identify", "interrogate"])).identity


def test_the_times_of_a_fault_do_not_change_its_random_numbers() -> None:
    """On a real link its times differ from run to run."""
    drop = fault("drop", probability_ppm=200_000)
    later = fault("drop", probability_ppm=200_000, link_from_ms=0, therapy_until_ms=99)
    assert _dropped([drop]) == _dropped([later])


# --- Half frames ---------------------------------------------------------------------------------

HARMLESS = fault("drop", messages=frozenset({"refusal"}))
"""A fault that strikes nothing here, so that frames are cut."""


@both_ways
def test_half_a_frame_waits_for_its_rest(to_pump: bool) -> None:
    """What comes in time is one frame with it."""
    wire = Wire([HARMLESS])
    wire.send(to_pump, frame(to_pump)[:8])
    wire.send(to_pump, frame(to_pump)[8:], PATIENCE_MS - 1)
    assert wire.arrived(to_pump) == [(PATIENCE_MS - 1, frame(to_pump))]


@both_ways
def test_half_a_frame_is_not_held_for_ever(to_pump: bool) -> None:
    """It is let go when its rest does not come within the protocol's inter-byte timeout."""
    wire = Wire([HARMLESS])
    wire.send(to_pump, frame(to_pump)[:8])
    wire.send(to_pump, frame(to_pump)[8:12], 30)
    assert wire.impairment.due_ns() == (30 + PATIENCE_MS) * MS
    assert wire.arrived(to_pump) == [(30 + PATIENCE_MS, frame(to_pump)[:12])]


@both_ways
def test_a_pause_within_a_frame_is_as_long_where_it_arrives(to_pump: bool) -> None:
    """The receiver must see the pause that was too long: the rest comes as late as the half."""
    wire = Wire([HARMLESS])
    wire.send(to_pump, frame(to_pump)[:8])
    wire.send(to_pump, frame(to_pump)[8:], PATIENCE_MS + 20)
    wire.send(to_pump, frame(to_pump), PATIENCE_MS + 500)
    assert wire.arrived(to_pump) == [
        (PATIENCE_MS, frame(to_pump)[:8]),
        (2 * PATIENCE_MS + 20, frame(to_pump)[8:]),
        (PATIENCE_MS + 500, frame(to_pump)),
    ]


def test_a_rest_that_comes_too_late_is_no_frame_with_its_half() -> None:
    """Although nobody took what was due in between."""
    wire = Wire([HARMLESS])
    wire.impairment.send(True, frame(True)[:8], link_ns=0, therapy_ms=0)
    wire.impairment.send(True, frame(True)[8:], link_ns=PATIENCE_MS * MS, therapy_ms=0)
    assert wire.arrived(True) == [
        (PATIENCE_MS, frame(True)[:8]),
        (2 * PATIENCE_MS, frame(True)[8:]),
    ]


def test_a_half_frame_is_lost_with_the_connection() -> None:
    """It must not become the beginning of the next peer's first frame."""
    wire = Wire([HARMLESS])
    wire.send(True, frame(True)[:8])
    wire.impairment.connection_lost()
    assert wire.impairment.due_ns() is None
    wire.send(True, frame(True), 1)
    assert wire.arrived(True) == [(1, frame(True))]


# --- Whatever is sent ----------------------------------------------------------------------------

_PIECES = st.one_of(
    st.binary(min_size=1, max_size=30),
    st.builds(lambda payload: frame(True, payload), st.binary(max_size=40)),
    st.just(b"\xa5\x5a"),
)
_LOSSLESS = st.sampled_from(
    [
        fault("delay", delay_ms=70, probability_ppm=500_000),
        fault("jitter", delay_ms=40),
        fault("split", delay_ms=15, probability_ppm=500_000),
        fault("merge", delay_ms=120, probability_ppm=500_000),
        fault("baud", bits_per_s=4800, probability_ppm=700_000),
    ]
)


@given(
    faults=st.lists(_LOSSLESS, max_size=4),
    sent=st.lists(st.tuples(st.booleans(), _PIECES, st.integers(0, 150)), max_size=15),
    seed=st.integers(0, 5),
)
def test_faults_that_lose_nothing_lose_nothing(
    faults: list[LinkFault], sent: list[tuple[bool, bytes, int]], seed: int
) -> None:
    """Whatever is sent whenever, each direction's stream arrives as it was, in order of time."""
    wire = Wire(faults, seed)
    at_ms = 0
    for to_pump, data, pause_ms in sent:
        at_ms += pause_ms
        wire.send(to_pump, data, at_ms)
    for to_pump in (True, False):
        assert wire.stream(to_pump) == b"".join(data for way, data, _ in sent if way is to_pump)
    assert wire.impairment.due_ns() is None
    times = [at_ns for at_ns, _ in wire.arrivals]
    assert times == sorted(times)
    assert all(each.data for _, each in wire.arrivals)
