"""What a file of link faults may say, when its faults begin, and that none costs nothing."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pump_sim.assembly import Assembly, Wire
from pump_sim.clock import Clock, ManualClock, PacedClock
from pump_sim.endpoint import PumpEndpoint
from pump_sim.link_faults import LinkFaults, faulty_wire, read_link_faults
from pump_sim.options import RunOptions
from pump_sim.ports.link_fault import Direction, LinkFault, LinkFaultKind
from pump_sim.scenario.file.link_rules import TAKES, LinkRule
from pump_sim.scenario.reading.loading import ScenarioError
from pump_sim.simulation import Simulation
from tests.pump_sim.virtual import DAY_MS, implanted, start

MS = 1_000_000


def rule(**keys: Any) -> LinkRule:
    """A rule from the keys of a file."""
    return LinkRule.model_validate({key.rstrip("_"): value for key, value in keys.items()})


# --- Rules ---------------------------------------------------------------------------------------

OWN: dict[str, dict[str, Any]] = {
    "delay": {"delay": "5 ms"},
    "jitter": {"delay": "5 ms"},
    "silence": {"length": "2 s"},
    "baud": {"rate": 9600},
}
"""What a kind cannot do without."""


def test_every_kind_can_be_written() -> None:
    """With the keys that it needs, and no others."""
    assert set(TAKES) == {each.value for each in LinkFaultKind}
    for kind in LinkFaultKind:
        fault = rule(link=kind.value, **OWN.get(kind.value, {})).fault(0, 0)
        assert fault.kind is kind


def test_all_keys_reach_the_fault() -> None:
    """Times are absolute, in the units of the link and of therapy."""
    written = rule(
        link="split",
        direction="to_programmer",
        message=["refusal", "status_report"],
        probability="12.5 %",
        count=3,
        skip=2,
        for_="2 h",
        link_after="1 s",
        link_for="3 s",
        delay="40 ms",
        at_byte=7,
    )
    assert written.fault(1000, 5 * MS) == LinkFault(
        kind=LinkFaultKind.SPLIT,
        direction=Direction.TO_PROGRAMMER,
        messages=frozenset({"refusal", "status_report"}),
        probability_ppm=125_000,
        count=3,
        skip=2,
        therapy_from_ms=1000,
        therapy_until_ms=1000 + 2 * 3_600_000,
        link_from_ns=1_005 * MS,
        link_until_ns=4_005 * MS,
        delay_ns=40 * MS,
        at_byte=7,
    )
    assert rule(link="flip", bits=9).fault(0, 0).bits == 9
    assert rule(link="silence", length="2 s").fault(0, 0).length_ns == 2_000 * MS
    assert rule(link="baud", rate=1200).fault(0, 0).bits_per_s == 1200


def test_defaults() -> None:
    """Every frame, both ways, for ever; a merged frame waits for 100 ms."""
    assert rule(link="drop").fault(7, 9) == LinkFault(
        kind=LinkFaultKind.DROP, therapy_from_ms=7, link_from_ns=9
    )
    assert rule(link="merge").fault(0, 0).delay_ns == 100 * MS
    assert rule(link="split").fault(0, 0).delay_ns == 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (
            {"link": "drop", "delay": "1 s"},
            "delay: drop does not take it: it has no key of its own",
        ),
        ({"link": "flip", "length": "1 s"}, "it takes at_byte and bits"),
        ({"link": "drop", "bits": 1}, "bits: drop does not take it"),
        ({"link": "delay"}, "delay: it is missing: delay needs it"),
        ({"link": "silence"}, "length: it is missing"),
        ({"link": "baud"}, "rate: it is missing"),
        ({"link": "flip", "bits": 2, "at_byte": 2}, "bits and at_byte exclude each other"),
        ({"link": "split", "at_byte": 0}, "at_byte: of split, allowed are 1 to 658"),
        ({"link": "flip", "at_byte": 659}, "less than 659"),
        ({"link": "drop", "probability": "100.1 %"}, "more than 0 %, up to 100 %"),
        ({"link": "drop", "probability": "0 %"}, "more than 0 %, up to 100 %"),
        ({"link": "drop", "count": 0}, "greater than or equal to 1"),
        ({"link": "delay", "delay": "0 ms"}, "1 ms or more"),
        ({"link": "drop", "for": "0 h"}, "1 ms or more"),
        ({"link": "drop", "message": ["comit_prescription"]}, "Did you mean commit_prescription?"),
        ({"link": "drop", "message": ["INTERROGATE"]}, "no message of the protocol"),
        (
            {"link": "drop", "message": ["refusal"], "direction": "to_pump"},
            "refusal never goes to_pump, it goes to_programmer",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any], said: str) -> None:
    """The error names the key and what is allowed."""
    with pytest.raises(ValidationError) as caught:
        LinkRule.model_validate(keys)
    assert said in str(caught.value)


# --- The file ------------------------------------------------------------------------------------


def test_a_file_of_link_faults(tmp_path: Path) -> None:
    """A seed, and faults with the therapy time at which they begin."""
    path = tmp_path / "faults.toml"
    path.write_text(
        'seed = 5\n[[link]]\nlink = "drop"\n[[link]]\ntime = "2 h"\nlink = "flip"\nbits = 3\n'
    )
    faults = read_link_faults(path)
    assert faults.seed == 5
    assert [(each.time_ms, each.link) for each in faults.link] == [(0, "drop"), (7_200_000, "flip")]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[[link]]\nlink = "drop"\n\n[[link]]\nlink = "dorp"\n', 5, "drop"),
        ('sed = 1\n[[link]]\nlink = "drop"\n', 1, "seed"),
        ('[[link]]\nlink = "drop"\nmesage = []\n', 3, "message"),
        ('[[link]]\nlink = "drop"\nmessage = ["interogate"]\n', 3, "interrogate"),
        ('[[link]]\nlink = "drop"\ntime = "2 hours"\n', 3, "time"),
        ('[[link]]\nlink = "drop"\n[[link]]\nlink = "silence"\n', 3, "length"),
        ('[[link]]\nlink = "drop"\nlength = "2 s"\n', 3, "length"),
        ('[[link]]\nlink = "baud"\nrate = 10\n', 3, "50"),
        ("seed = 1\n", 1, "link"),
        ('[[link]]\nlink = "drop\n', 2, "TOML"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    """File, line, key and what is allowed, or the nearest known name."""
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(ScenarioError) as caught:
        read_link_faults(path)
    (problem,) = caught.value.problems
    assert problem.file == str(path)
    assert problem.line == line
    assert said in str(problem)


def test_all_problems_of_a_file_are_told(tmp_path: Path) -> None:
    """One line for each."""
    path = tmp_path / "faults.toml"
    path.write_text('seed = -1\n[[link]]\nlink = "drop"\ncount = 0\n[[link]]\nlink = "x"\n')
    with pytest.raises(ScenarioError) as caught:
        read_link_faults(path)
    assert [each.line for each in caught.value.problems] == [1, 4, 6]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It says which."""
    with pytest.raises(ScenarioError, match=r"nothing\.toml"):
        read_link_faults(tmp_path / "nothing.toml")


# --- When faults begin ---------------------------------------------------------------------------


def faults(*tables: dict[str, Any]) -> LinkFaults:
    """A file of these tables."""
    return LinkFaults.model_validate({"link": list(tables)})


def endpoint(clock: Clock) -> PumpEndpoint:
    """A pump whose therapy follows *clock*, and is where the clock stands at link time 0."""
    simulation = Simulation(implanted())
    simulation.advance(clock.therapy_ms(0))
    return PumpEndpoint(simulation, clock)


class Faulty:
    """A link with the faults of a file, and what is on it once somebody has sent something."""

    def __init__(self, at: PumpEndpoint, of: LinkFaults, link_ns: int = 0) -> None:
        self.impairment, self._therapy_ms = faulty_wire(of, at, link_ns)

    def on_link(self, link_ns: int) -> list[str]:
        """The kinds of faults on the link at a link time."""
        self._therapy_ms(link_ns)
        return [each.kind.value for each in self.impairment.faults]


def test_faults_begin_at_their_time_since_the_start() -> None:
    """Therapy time since the start, whatever it was then; in order of time, then of the file."""
    clock = ManualClock(500)
    tables = ({"link": "drop", "time": "1 s"}, {"link": "flip"}, {"link": "merge", "time": "1 s"})
    faulty = Faulty(endpoint(clock), faults(*tables))
    assert faulty.on_link(1) == ["flip"]
    clock.jump(1499)
    assert faulty.on_link(2) == ["flip"]
    clock.jump(1500)
    assert faulty.on_link(3) == ["flip", "drop", "merge"]
    assert [each.therapy_from_ms for each in faulty.impairment.faults] == [0, 1000, 1000]


def test_faults_begin_at_their_time_although_the_pump_was_replaced() -> None:
    """Another pump counts from its own implant; the file counts from the start."""
    at = endpoint(ManualClock())
    faulty = Faulty(at, faults({"link": "drop", "time": "2 d"}))
    at.jump_to(DAY_MS, 1)
    at.replace_pump(implanted(), 1)
    assert faulty.on_link(2) == []
    at.jump_to(DAY_MS, 3)
    assert at.simulation.now_ms == DAY_MS
    assert faulty.on_link(4) == ["drop"]


def test_link_time_counts_from_the_moment_itself() -> None:
    """Although nobody sent anything then: at 10 times real speed 20 s of therapy are 2 s."""
    clock = PacedClock(Fraction(10), therapy_ms=0, link_ns=7 * MS)
    table = {"link": "drop", "time": "20 s", "link_after": "1 s", "link_for": "4 s"}
    faulty = Faulty(endpoint(clock), faults(table), 7 * MS)
    assert faulty.on_link(2006 * MS) == []
    assert faulty.on_link(9000 * MS) == ["drop"]
    (fault,) = faulty.impairment.faults
    assert (fault.link_from_ns, fault.link_until_ns) == (3007 * MS, 7007 * MS)


def test_several_pumps_have_random_numbers_of_their_own() -> None:
    """The same file, other frames."""

    def struck(index: int) -> list[bool]:
        told: list[bool] = []
        impairment, _ = faulty_wire(
            faults({"link": "drop", "probability": "50 %"}),
            endpoint(ManualClock()),
            0,
            index=index,
            observe=lambda *_: told.append(True),
        )
        before = []
        for _ in range(64):
            count = len(told)
            impairment.send(True, b"noise", link_ns=0, therapy_ms=0)
            before.append(len(told) > count)
        return before

    assert struck(0) == struck(0)
    assert struck(0) != struck(1)


# --- Without -------------------------------------------------------------------------------------


def wires(**more: Any) -> list[Wire]:
    """What is between the port of a pump and the pump itself."""
    options = RunOptions(port="pty", start=start(), **more)
    return Assembly(options, 0).wires(lambda *_: None)


def test_without_a_file_there_is_nothing_between_port_and_pump() -> None:
    """No wire: nothing is slower than it was."""
    assert wires() == []
    (wire,) = wires(faults=faults({"link": "drop"}))
    assert wire.therapy_ms(1) == 0
    assert [each.kind.value for each in wire.impairment.faults] == ["drop"]
