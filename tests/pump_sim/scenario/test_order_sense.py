"""What the reader of a file takes a programmer to send is what a programmer sends."""

from datetime import datetime
from functools import cache
from typing import Any

import pytest

from pump_sim.model.pump import Pump
from pump_sim.scenario.file.acts import KINDS, Attack, Emergency
from pump_sim.scenario.file.therapy import Therapy
from pump_sim.scenario.file.wishes import prescribed
from pump_sim.scenario.reading.order_sense import ALWAYS, SENDS
from tests.pump_sim.scenario.wires import Wire, losing
from tests.pump_sim.virtual import PROFILE

ACTS: dict[str, dict[str, Any]] = {
    "interrogate": {},
    "program": {"dose": "310 mcg/day"},
    "stop": {},
    "roll_back": {},
    "bolus": {"dose": "50 mcg", "over": "30 min"},
    "priming": {"volume": "200 uL", "over": "30 min"},
    "abort_bolus": {},
    "patient_bolus": {},
    "refill": {"volume": "18 mL"},
    "acknowledge": {"alarm": "low_reservoir"},
    "silence": {"alarm": "low_reservoir", "for_": "1 h"},
    "set_clock": {"clock": datetime(2026, 3, 1, 8, 0)},  # noqa: DTZ001 - a pump's clock has no zone
    "self_test": {},
    "note": {"text": "hello"},
    "pair": {},
}
"""An act of each kind; whether the pump does it or refuses it is all the same here."""

ATTEMPTS = 4
"""How often one request is sent that is not answered."""


@cache
def sent(kind: str) -> frozenset[str]:
    """All that is sent in an act: over a good wire, and over those that lose one exchange."""
    found: set[str] = set()
    lost: set[tuple[bool, int]] = set()
    number = 0
    while True:
        wire = Wire(Pump.implant(PROFILE, prescribed(Therapy(), None, PROFILE)))
        wire.do("note", text="so that there is one")
        wire.fate = losing(lost)
        wire.do(kind, **ACTS[kind])
        found |= set(wire.sent)
        if number >= len(wire.sent):
            return frozenset(found)
        lost = {(False, number + attempt) for attempt in range(ATTEMPTS)}
        number += 1


def test_every_act_of_a_programmer_is_looked_at() -> None:
    """But for attacks, which send what was captured of others, and emergency access."""
    others = (Attack, Emergency)
    assert set(ACTS) == {n for n, kind in KINDS["programmer"].items() if kind not in others}


@pytest.mark.parametrize("kind", ACTS)
def test_what_is_sent_in_an_act_may_be_sent_again_after_it(kind: str) -> None:
    """All of it, so that no attack in a file is refused that could be made; and nothing else."""
    own = SENDS.get(kind, frozenset())
    assert sent(kind) <= ALWAYS | own | {"authenticate"}
    assert own <= sent(kind)


def test_what_any_act_may_send_is_sent_by_one() -> None:
    """No message stands there for nothing."""
    assert set().union(*map(sent, ACTS)) >= ALWAYS
