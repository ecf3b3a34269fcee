"""The rows of a pump follow its state, whatever was done to it, and make the same state again."""

from dataclasses import fields, is_dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from pump_protocol import codes
from pump_protocol import messages as m
from pump_sim.model.pump import Pump
from pump_sim.model.state import PumpState
from pump_sim.store.parts import Shelf, documents, parts, to_state
from tests.pump_sim.virtual import VirtualLink, implanted

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.integers(1, 3)),
        st.tuples(st.just("refused"), st.integers(0, 40)),
        st.tuples(st.just("wait"), st.integers(1, 20 * 86_400_000)),
        st.tuples(st.just("note"), st.integers(0, 9)),
        st.tuples(st.just("rewind"), st.integers(0, 5)),
        st.tuples(st.just("read"), st.just(0)),
    ),
    max_size=25,
)


class Rows:
    """What a file has, from what it was told to write."""

    def __init__(self) -> None:
        self._shelf = Shelf()
        self.texts: dict[str, str] = {}
        self.elements: dict[int, tuple[str, str]] = {}

    def keep(self, state: PumpState) -> int:
        """How many rows were written or went."""
        changes = self._shelf.changes(state)
        self.texts.update(changes.put)
        for number in changes.gone:
            del self.elements[number]
        for number, part, text in changes.put_elements:
            assert self.elements.get(number, (part,))[0] == part  # none takes another's place
            self.elements[number] = part, text
        return len(changes.put) + len(changes.gone) + len(changes.put_elements)

    def state(self) -> PumpState:
        """The state of the rows, the elements in the order of their numbers."""
        in_order: dict[str, list[str]] = {}
        for _, (part, text) in sorted(self.elements.items()):
            in_order.setdefault(part, []).append(text)
        return to_state(documents(self.texts), in_order)


class Patient(VirtualLink):
    """A pump to which things happen."""

    def __init__(self) -> None:
        super().__init__(implanted())
        self.numbers = dict.fromkeys((1, 2, 3), 0)
        self.past: list[PumpState] = []

    def do(self, act: str, value: int) -> None:
        match act:
            case "order":
                self.reconnect(value)
                self.numbers[value] += 1
                self.ask(
                    m.OrderBolus(
                        self.numbers[value],
                        codes.BolusKind.SINGLE,
                        5_000,
                        2_000_000,
                        2_500,
                        300_000,
                    )
                )
            case "refused":
                self.ask(m.SilenceAlarm(codes.Alarm.EOS, value))
            case "wait":
                self.wait_therapy(value)
            case "note":
                self.ask(m.WriteNote("x" * value))
            case "read":
                self.status()
            case "rewind" if self.past:
                self.pump = Pump.from_state(self.past[value % len(self.past)])
                self.endpoint.replace_pump(self.pump, self.link_ms * 1_000_000)
        self.past.append(self.pump.state())


@settings(max_examples=15, deadline=None)
@given(ACTS)
def test_rows_are_always_those_of_the_state(acts: list[tuple[str, int]]) -> None:
    """Written after each act, or after several: the state that is read is the state that was."""
    patient, rows, seldom = Patient(), Rows(), Rows()
    for at, (act, value) in enumerate(acts):
        patient.do(act, value)
        rows.keep(patient.pump.state())
        if at % 3 == 0:
            seldom.keep(patient.pump.state())
    rows.keep(patient.pump.state())
    seldom.keep(patient.pump.state())
    assert rows.state() == seldom.state() == patient.pump.state()
    # The order of the access log is which record goes first when it is full.
    assert list(rows.state().firmware.access_log.entries) == list(
        patient.pump.firmware.access_log.entries
    )


def test_what_has_not_changed_is_not_written() -> None:
    """A second write of the same state has nothing to write."""
    rows, pump = Rows(), implanted()
    assert rows.keep(pump.state()) > 30
    assert rows.keep(pump.state()) == 0


def test_an_order_costs_what_it_changed_and_not_what_there_is() -> None:
    """However many have gone before: a write of a few rows."""
    patient, rows = Patient(), Rows()
    for _ in range(150):
        patient.do("order", 1)
        patient.do("wait", 600_000)
    rows.keep(patient.pump.state())
    patient.do("order", 2)
    assert rows.keep(patient.pump.state()) < 12


def test_a_full_log_drops_one_row_for_each_that_comes() -> None:
    """A ring of a thousand records: two go, two come."""
    patient, rows = Patient(), Rows()
    for number in range(510):
        patient.do("note", number % 9)
        patient.do("note", 5)
    rows.keep(patient.pump.state())
    patient.do("note", 1)
    assert len(patient.pump.firmware.log.entries) == 1_000
    assert rows.keep(patient.pump.state()) < 8
    assert rows.state() == patient.pump.state()


def test_every_field_of_a_state_is_in_a_part() -> None:
    """A field that the model gains is kept without a word in the store."""

    def leaves(value: object, path: str) -> list[str]:
        if is_dataclass(value) and not any(part.path == path for part in parts()):
            return [
                leaf
                for each in fields(value)
                for leaf in leaves(getattr(value, each.name), f"{path}.{each.name}".lstrip("."))
            ]
        return [path]

    assert leaves(implanted().state(), "") == [part.path for part in parts()]
