"""What it costs to keep a pump in a file: an order against one transaction with the same settings.

Both write to the folder of this file, because a disk is what is measured: a file system in memory
has no ``fsync`` that would cost anything. They are measured in turns, so that whatever else the
machine does falls on both.
"""

import gc
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, percentile
from pump_protocol import messages as m
from pump_protocol.codes import BolusKind, UserRole
from pump_protocol.events import ResponseReceived
from pump_protocol.guard import PumpGuard
from pump_protocol.session import Role, Session
from pump_sim.clock import PacedClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.simulation import Simulation
from pump_sim.store.keep import StateKeeper
from pump_sim.store.opening import Opening
from pump_sim.store.resuming import Resume

ORDERS = 600
GAP_MS = 600_000
"""Between two orders: each has been delivered before the next one comes."""

NS_PER_MS = 1_000_000
CONCENTRATION_NG_PER_ML = 2_000_000
TEXT = "x" * 300
"""About as long as a row of a pump."""


def run() -> list[Figure]:
    """A committed order, what of it is the file's, and one transaction."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=Path(__file__).parent)))
        transaction = _transaction(folder / "plain.db", stack)
        kept = KeptPump(folder / "pump.db", stack)
        samples = _in_turns(transaction, kept)
    plain, order = map(median, samples)
    plain_p99, order_p99 = (percentile(each, 99) for each in samples)
    keep = median(kept.keep_us)
    return [
        Figure("one SQLite transaction, median", plain, "us", note="WAL, synchronous=FULL"),
        Figure("one SQLite transaction, p99", plain_p99, "us"),
        Figure("a committed order / one transaction, median", order / plain, "ratio", 3.0),
        Figure("a committed order, p99", order_p99, "us", note=f"{ORDERS} orders"),
        Figure("of an order, what is the file's, median", keep, "us"),
    ]


def _transaction(path: Path, stack: ExitStack) -> Callable[[], object]:
    """One row in one transaction, as durable as a pump's."""
    connection = sqlite3.connect(path, isolation_level=None)
    stack.callback(connection.close)
    for setting in ("locking_mode = EXCLUSIVE", "synchronous = FULL", "journal_mode = WAL"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE part (name TEXT PRIMARY KEY, content TEXT) WITHOUT ROWID")

    def write() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR REPLACE INTO part VALUES (?, ?)", ("name", TEXT))
        connection.execute("COMMIT")

    return write


class _TimedKeeper:
    """A keeper whose writes are timed."""

    def __init__(self, keeper: StateKeeper) -> None:
        self._keeper = keeper
        self.tell = keeper.tell
        self.keep_us: list[float] = []

    def keep(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        before = time.perf_counter_ns()
        self._keeper.keep(endpoint, link_ns)
        self.keep_us.append((time.perf_counter_ns() - before) / 1000)


class KeptPump:
    """A pump with keys that is kept in a file, and a clinician's sealed link to it."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        opened = Opening(path, _new_pump, authenticated=True).open(Resume.GO_ON)
        assert opened.guard is not None
        keeper = _TimedKeeper(opened.keeper)
        self.keep_us = keeper.keep_us
        self._guard = PumpGuard.restore(opened.guard, 0)
        self._clock = PacedClock(0, therapy_ms=opened.pump.at_ms)
        self._endpoint = PumpEndpoint(
            Simulation(opened.pump), self._clock, guard=self._guard, keeper=keeper
        )
        opened.keeper.begin(self._endpoint, 0)
        stack.callback(opened.keeper.close, self._endpoint, 0)
        self._session = Session(
            Role.PROGRAMMER, link_id=1, key=self._guard.keys[UserRole.CLINICIAN]
        )
        identity = self._ask(m.Identify())
        assert isinstance(identity, m.Identity)
        self._ask(self._session.authenticate(identity))
        self._ask(m.OpenLink(programmer_id=7))
        self._numbers = iter(range(1, ORDERS + 100))
        self._orders = self._prepared()

    def order(self) -> None:
        """The pump takes an order, and its answer is ready to be sent."""
        data = next(self._orders)
        self.answer = self._endpoint.receive_data(data, 0)

    def after(self) -> None:
        """The order was carried out, and time passes."""
        self._session.receive_data(self.answer, 0)
        event = self._session.next_event()
        assert isinstance(event, ResponseReceived), event
        self._endpoint.jump_to(self._endpoint.simulation.now_ms + GAP_MS, 0)

    def _prepared(self) -> Iterator[bytes]:
        for number in self._numbers:
            order = m.OrderBolus(
                number, BolusKind.SINGLE, 5_000, CONCENTRATION_NG_PER_ML, 2_500, GAP_MS // 2
            )
            self._session.send_request(order, 0)
            yield self._session.data_to_send()

    def _ask(self, request: m.Request[m.Response]) -> m.Response:
        self._session.send_request(request, 0)
        self._session.receive_data(self._endpoint.receive_data(self._session.data_to_send(), 0), 0)
        event = self._session.next_event()
        assert isinstance(event, ResponseReceived), event
        return event.response


def _new_pump() -> Pump:
    prescription = simple_continuous(
        drug_name="baclofen",
        concentration_ng_per_ml=CONCENTRATION_NG_PER_ML,
        daily_dose_ng=300_000,
    )
    return Pump.implant(load_profile("pump-20ml"), prescription)


def _in_turns(transaction: Callable[[], object], kept: KeptPump) -> Sequence[list[float]]:
    """Microseconds of every transaction and every order."""
    samples: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        turns = [(transaction, samples[0]), (kept.order, samples[1])]
        for _ in range(ORDERS):
            turns.reverse()  # whoever comes second finds a disk that is busy
            for act, times in turns:
                before = time.perf_counter_ns()
                act()
                times.append((time.perf_counter_ns() - before) / 1000)
            kept.after()
    finally:
        gc.enable()
    return samples
