"""What the tests of the model do to pumps again and again, in one line each."""

from collections.abc import Callable

import pytest

from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.prescription import Prescription, dose_totals
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused

from .strategies import PROFILE

Record = tuple[str, int, int]


def implanted(prescription: Prescription, *, at_local_ms: int = 0) -> Pump:
    """A full pump of 20 mL."""
    return Pump.implant(PROFILE, prescription, clock_local_ms=at_local_ms)


def program(pump: Pump, prescription: Prescription) -> None:
    """Stage and commit it, with its highest dose confirmed."""
    pump.firmware.stage(prescription)
    pump.firmware.commit(confirmed_dose_ng=dose_totals(prescription).with_patient_ng)


def refill(pump: Pump, volume_nl: int = 20_000_000, *, number: int = 1) -> None:
    """Fill it, and say so."""
    pump.fill_by_hand(volume_nl)
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=5, order_number=number, volume_nl=volume_nl)
    )


def records(pump: Pump, *names: str) -> list[Record]:
    """The log's records of these events, or of all: name and both parameters."""
    return [
        (entry.event.name, entry.a, entry.b)
        for entry in pump.firmware.log.entries
        if not names or entry.event.name in names
    ]


def moments(pump: Pump, *names: str) -> list[int]:
    """When these events were recorded."""
    return [entry.at_ms for entry in pump.firmware.log.entries if entry.event.name in names]


def reasons_of(act: Callable[[], object]) -> tuple[Reason, ...]:
    """Why a pump refuses to do it, which it must."""
    with pytest.raises(Refused) as caught:
        act()
    return caught.value.reasons


def refused(act: Callable[[], object]) -> list[tuple[RefusalCode, Field]]:
    """The codes and fields of a refusal."""
    return [(reason.code, reason.field) for reason in reasons_of(act)]


def active(pump: Pump) -> list[str]:
    """The names of the alarms whose condition holds."""
    return [record.alarm.name for record in pump.status().alarms if record.active]


def listed(pump: Pump) -> list[str]:
    """The names of the listed alarms."""
    return [record.alarm.name for record in pump.status().alarms]


def delivered_units(pump: Pump) -> int:
    """What the pump believes to have delivered since its implant, in ledger units."""
    return pump.state().firmware.ledger.delivered_units


def balanced(pump: Pump) -> bool:
    """Whether filled = delivered + lost + withdrawn + left, to the last unit, as it truly is."""
    held = pump.state().hardware.reservoir
    return held.filled == held.delivered + held.lost + held.withdrawn + held.left


def forked(pump: Pump) -> Pump:
    """A second pump in the same state."""
    return Pump.from_state(pump.state())
