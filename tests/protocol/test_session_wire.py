"""Two sessions joined by the worst wire: a request is carried out at most once, whatever it does.

The wire drops, repeats, corrupts, splits, delays and reorders; programmers restart, give up, race
each other for the pump and count from 1 again. Every request carries a token that no other has, and
the pump's answer carries it back, so an answer that belongs to another request cannot hide.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pump_protocol import events as ev
from pump_protocol import messages as m
from pump_protocol.codes import (
    IDLE_LIMIT_MS,
    INTER_BYTE_TIMEOUT_MS,
    MAX_FRAME_BYTES,
    RETIRED_LINKS,
    BolusKind,
    RefusalCode,
)
from pump_protocol.session import Session
from pump_protocol.states import ExchangeState, LinkState

from .links import Pump, programmer

OUTCOMES = (ev.ResponseReceived, ev.RefusalReceived, ev.ResponseGarbled, ev.NoAnswer)
# The one refusal that proves nothing: see test_a_repeat_under_a_link_that_was_replaced_... below.
LOST = (RefusalCode.LINK_ID_USED, RefusalCode.LINK_NOT_OPEN)
MAX_HELD = MAX_FRAME_BYTES - 1


@dataclass
class Client:
    """A programmer and what came of each of its requests."""

    session: Session
    sent: dict[int, m.Request[m.Response]] = field(default_factory=dict)
    outcomes: dict[int, ev.Event] = field(default_factory=dict)


class WorstWire(RuleBasedStateMachine):
    """One pump, one programmer at a time, two queues of chunks between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 0
        self.tokens = 0
        self.pump = self.new_pump()
        self.to_pump: deque[bytes] = deque()
        self.to_programmer: deque[bytes] = deque()
        self.history: tuple[list[bytes], list[bytes]] = ([], [])
        self.past: list[Client] = []
        self.client = self.new_client()

    def new_pump(self) -> Pump:
        return Pump()

    def new_client(self) -> Client:
        self.tokens += 1
        return Client(programmer(link_id=self.tokens << 32 | 0xA55A))

    @property
    def queues(self) -> tuple[deque[bytes], deque[bytes]]:
        return self.to_pump, self.to_programmer

    # --- What programmers do ---------------------------------------------------------------------

    @rule()
    def restart(self) -> None:
        """The programmer's process dies; the next one counts from 1 under a fresh link id."""
        self.past.append(self.client)
        self.client = self.new_client()

    @precondition(lambda self: self.client.session.exchange_state is ExchangeState.READY)
    @rule(choice=st.integers(0, 9))
    def ask(self, choice: int) -> None:
        self.tokens += 1
        request: m.Request[m.Response]
        if self.client.session.link_state is LinkState.CLOSED:
            request = m.Identify() if choice == 0 else self.opening()
        elif choice == 0:
            request = m.CloseLink()
        elif choice == 1:
            request = m.Identify()
        else:
            request = m.OrderBolus(self.tokens, BolusKind.SINGLE, 1, 1, self.tokens, 1)
        sequence = self.client.session.send_request(request, self.now_ms)
        self.client.sent[sequence] = request
        self.move()

    def opening(self) -> m.Request[m.Response]:
        """What is next to be said to open the link."""
        return m.OpenLink(self.tokens)

    # --- What the wire does ----------------------------------------------------------------------

    @rule(down=st.booleans(), cut=st.integers(0, 60))
    def deliver(self, down: bool, cut: int) -> None:
        """The oldest chunk arrives, perhaps in two pieces."""
        queue = self.queues[down]
        if not queue:
            return
        chunk = queue.popleft()
        if 0 < cut < len(chunk):
            queue.appendleft(chunk[cut:])
            chunk = chunk[:cut]
        self.arrive(chunk, down)

    @rule()
    def settle(self) -> None:
        """The wire behaves for a while: everything under way arrives."""
        for down in (False, True):
            while self.queues[down]:
                self.deliver(down, 0)

    @precondition(lambda self: self.client.session.exchange_state is ExchangeState.READY)
    @rule(lost=st.booleans())
    def whole_exchange(self, lost: bool) -> None:
        """A request arrives at once; its answer does too, or never."""
        self.ask(5)
        self.deliver(down=False, cut=0)
        if lost:
            self.to_programmer.clear()
        self.settle()

    @rule(down=st.booleans())
    def drop(self, down: bool) -> None:
        if self.queues[down]:
            self.queues[down].popleft()

    @rule(down=st.booleans())
    def repeat(self, down: bool) -> None:
        queue = self.queues[down]
        if queue:
            queue.appendleft(queue[0])

    @rule(down=st.booleans(), bits=st.sets(st.integers(0, 5000), min_size=1, max_size=4))
    def corrupt(self, down: bool, bits: set[int]) -> None:
        queue = self.queues[down]
        if queue:
            chunk = bytearray(queue.popleft())
            for bit in bits:
                at = bit % (len(chunk) * 8)
                chunk[at // 8] ^= 1 << at % 8
            queue.appendleft(bytes(chunk))

    @rule(down=st.booleans())
    def reorder(self, down: bool) -> None:
        self.queues[down].rotate(1)

    @rule(down=st.booleans(), noise=st.binary(min_size=1, max_size=30))
    def interfere(self, down: bool, noise: bytes) -> None:
        self.queues[down].appendleft(noise)

    @rule(back=st.integers(0, 20), by=st.booleans(), down=st.booleans())
    def replay(self, back: int, by: bool, down: bool) -> None:
        """Something said long ago, by either side, is heard again by either side."""
        said = self.history[by]
        if said:
            self.arrive(said[-1 - back % len(said)], down)

    @rule(
        ms=st.sampled_from(
            [1, INTER_BYTE_TIMEOUT_MS - 1, INTER_BYTE_TIMEOUT_MS, 499, 500, 5_000, IDLE_LIMIT_MS]
        )
    )
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.client.session.handle_timeout(self.now_ms)
        self.pump.session.handle_timeout(self.now_ms)
        self.move()

    @precondition(lambda self: self.client.session.exchange_state is ExchangeState.AWAITING)
    @rule()
    def wait_for_the_repeat(self) -> None:
        due_ms = self.client.session.next_timeout()
        assert due_ms is not None
        self.wait(due_ms - self.now_ms)

    # --- Moving bytes ----------------------------------------------------------------------------

    def arrive(self, chunk: bytes, down: bool) -> None:
        if down:
            self.client.session.receive_data(chunk, self.now_ms)
        else:
            self.send(self.pump.receive(chunk, self.now_ms), self.to_programmer)
        self.move()

    def move(self) -> None:
        self.send(self.client.session.data_to_send(), self.to_pump)
        self.send(self.pump.settle(), self.to_programmer)
        for event in iter(self.client.session.next_event, None):
            self.note(event)

    def send(self, data: bytes, queue: deque[bytes]) -> None:
        if data:
            queue.append(data)
            self.history[queue is self.to_programmer].append(data)

    def note(self, event: ev.Event) -> None:
        if not isinstance(event, OUTCOMES):
            return
        sequence = len(self.client.sent)
        assert sequence not in self.client.outcomes, "a request came out twice"
        self.client.outcomes[sequence] = event
        self.note_garbled(event)
        if isinstance(event, ev.ResponseReceived):
            request = self.client.sent[sequence]
            assert type(event.response) is request.response_class
            if isinstance(request, m.OrderBolus):
                assert event.response == m.BolusOrdered(
                    request.order_number, request.volume_nl, 0, 0
                ), "the answer to another request"

    def note_garbled(self, event: ev.Event) -> None:
        """A wire that only makes noise never makes an answer that breaks the protocol."""
        assert not isinstance(event, ev.ResponseGarbled)

    # --- What must hold --------------------------------------------------------------------------

    def times_executed(self) -> Counter[tuple[int, int]]:
        return Counter(
            (event.link_id, event.sequence)
            for event in self.pump.executed
            if not isinstance(event.request, m.Identify)  # it is answered without a link, and reads
        )

    @invariant()
    def each_request_is_carried_out_at_most_once(self) -> None:
        assert max(self.times_executed().values(), default=0) <= 1

    @invariant()
    def what_is_carried_out_is_what_was_asked(self) -> None:
        for event in self.pump.executed[-3:]:
            clients = [*self.past, self.client]
            (client,) = (each for each in clients if each.session.link_id == event.link_id)
            assert client.sent[event.sequence] == event.request

    @invariant()
    def what_was_answered_was_carried_out_and_what_was_refused_was_not(self) -> None:
        executed = self.times_executed()
        for sequence, outcome in self.client.outcomes.items():
            if isinstance(self.client.sent[sequence], m.Identify | m.Authenticate):
                continue  # neither is carried out: the session answers, or it changes nothing
            times = executed[self.client.session.link_id, sequence]
            if isinstance(outcome, ev.ResponseReceived):
                assert times == 1
            elif isinstance(outcome, ev.RefusalReceived):
                lost = not outcome.authentic or outcome.refusal.reasons[0].code in LOST
                assert times == 0 or lost

    @invariant()
    def memory_is_bounded(self) -> None:
        for session in (self.client.session, self.pump.session):
            assert session._decoder.held_bytes <= MAX_HELD
            assert not session._frames
            assert not session._end.events
            assert not session._end.outgoing
        assert len(self.pump.session._end._retired) <= RETIRED_LINKS

    @invariant()
    def every_deadline_is_ahead(self) -> None:
        """An owner that sleeps until the next timeout never spins."""
        for session in (self.client.session, self.pump.session):
            session.handle_timeout(self.now_ms)
            due_ms = session.next_timeout()
            assert due_ms is None or due_ms > self.now_ms
        self.move()

    def teardown(self) -> None:
        """Once the wire is good again, a fresh link works at once."""
        self.to_pump.clear()
        self.to_programmer.clear()
        self.now_ms += INTER_BYTE_TIMEOUT_MS
        self.restart()
        for request in self.first_requests():
            sequence = self.client.session.send_request(request, self.now_ms)
            self.client.sent[sequence] = request
            self.move()
            self.deliver(down=False, cut=0)
            self.deliver(down=True, cut=0)
            assert isinstance(self.client.outcomes.get(sequence), ev.ResponseReceived)

    def first_requests(self) -> Iterator[m.Request[m.Response]]:
        """What a new programmer says, to the first thing that changes anything."""
        yield m.OpenLink(7)
        yield m.OrderBolus(2**60, BolusKind.SINGLE, 1, 1, 1, 1)


TestWorstWire = WorstWire.TestCase
TestWorstWire.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


def test_a_repeat_under_a_link_that_was_replaced_is_refused_although_it_was_carried_out() -> None:
    """Why a repeated request that meets LINK_ID_USED has an unknown outcome (LINK-10).

    Only order numbers, which outlive links, tell the programmer what became of it.
    """
    client, pump = programmer(1), Pump()
    client.send_request(m.OpenLink(7), 0)
    client.receive_data(pump.receive(client.data_to_send()), 0)
    client.next_event()
    client.send_request(m.OrderBolus(1, BolusKind.SINGLE, 1, 1, 1, 1), 0)
    pump.receive(client.data_to_send())  # carried out, and the answer is lost
    pump.ask(m.OpenLink(8), 1, link_id=2)
    client.handle_timeout(500)
    client.receive_data(pump.receive(client.data_to_send(), 500), 500)
    _, refused = iter(client.next_event, None)
    assert isinstance(refused, ev.RefusalReceived)
    assert refused.refusal.reasons[0].code is RefusalCode.LINK_ID_USED
    assert refused.attempts == 2
    order = m.OrderBolus(1, BolusKind.SINGLE, 1, 1, 1, 1)
    assert order in [event.request for event in pump.executed]


def test_a_link_of_ten_thousand_requests_leaves_nothing_behind() -> None:
    """Memory of both ends is flat over a soak."""
    client, pump = programmer(), Pump()
    requests: list[m.Request[m.Response]] = [m.OpenLink(1)]
    requests += [m.SetClock(count) for count in range(10_000)]
    for at_ms, request in enumerate(requests):
        client.send_request(request, at_ms)
        client.receive_data(pump.receive(client.data_to_send(), at_ms), at_ms)
        assert isinstance(client.next_event(), ev.ResponseReceived)
        pump.events.clear()
        pump.executed.clear()
    for session in (client, pump.session):
        assert not session._frames
        assert not session._end.events
        assert not session._end.outgoing
        assert session._decoder.held_bytes == 0
