"""Protocol messages to pump calls and back: the only module that knows both sides.

Each request becomes one call of the model, each result one response, each refusal of the model one
refusal on the wire. The enums of the two sides are mapped here by name, and a test holds the maps
total. What lives in link time and belongs to neither side lives here too: how long a staged
prescription waits to be committed. It knows neither bytes nor where they come from.
"""

from collections.abc import Callable
from enum import Enum, IntEnum
from typing import Any, Final, TypeVar

from pump_protocol import codes, events
from pump_protocol import messages as m
from pump_protocol._version import __version__
from pump_protocol.payloads import prescription_digest
from pump_sim.model import events as model_events
from pump_sim.model.alarms import Alarm, AlarmClass
from pump_sim.model.orders import BolusOrder, BolusOutcome, ReservoirUpdate
from pump_sim.model.prescription import MassUnit, Mode, Prescription
from pump_sim.model.pump import Pump
from pump_sim.model.refusals import Field, Reason, RefusalCode, Refused

M = TypeVar("M", bound=Enum)
W = TypeVar("W", bound=IntEnum)


def _by_name(model: type[M], wire: type[W]) -> dict[M, W]:
    return {member: wire[member.name] for member in model}
