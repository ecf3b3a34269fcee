"""The pump with which a scenario begins: implanted as its file says, or read from a state file."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pump_protocol.units import format_duration, format_volume
from pump_sim.model.hardware.battery import BatteryMode
from pump_sim.model.orders import ReservoirUpdate
from pump_sim.model.profile import Profile, load_profile
from pump_sim.model.pump import Pump
from pump_sim.model.units import DAY_MS
from pump_sim.scenario.file.document import Scenario, Start
from pump_sim.scenario.file.wishes import prescribed

HANDS: Final = 0xA6ED
"""The programmer id under which the refills of an aged pump stand in its log."""

_REFILLED_BEFORE_MS: Final = 7 * DAY_MS
"""How long before the low-reservoir alarm an aged pump was refilled."""


class StartError(ValueError):
    """No pump can begin as the file says; the message says which key, which value, and why.

    :ivar key: the key of the table ``pump``.
    :ivar why: the reason, for who shows key and value already.
    """

    def __init__(self, key: str, value: str, why: str) -> None:
        super().__init__(f"pump.{key} = {value}: {why}")
        self.key = key
        self.why = why


def first_pump(scenario: Scenario, folder: Path) -> Pump:
    """The pump at the start of *scenario*; *folder* is where its state file is looked for.

    :raises StartError: it cannot be.
    :raises pump_sim.model.refusals.Refused: no pump takes that prescription.
    :raises ProfileError: there is no such profile.
    """
    start = scenario.pump
    if start.state is not None:
        return _from_state(folder / start.state)
    profile = load_profile(start.profile)
    for error in start_errors(start, profile):
        raise error
    volume_nl = profile.capacity_nl if start.volume_nl is None else start.volume_nl
    pump = Pump.implant(
        profile,
        prescribed(scenario.prescription, None, profile),
        serial_number=start.serial_number,
        volume_nl=volume_nl if not start.age_ms else None,
        flow_factor_ppm=start.flow_factor_ppm,
        clock_local_ms=start.clock_ms - start.age_ms,
        battery_mode=BatteryMode[start.battery.upper()],
        new_patient=start.patient == "new",
        historic_updates=start.historic,
    )
    if start.age_ms:
        _live(pump, start.age_ms)
        _refill(pump, volume_nl)
    return pump


def start_errors(start: Start, profile: Profile | None) -> Iterator[StartError]:
    """Everything because of which no pump begins so, but for what is wrong with its profile.

    :param profile: the kind of pump; None where that is not known.
    """
    age = format_duration(start.age_ms)
    if start.age_ms > start.clock_ms:
        yield StartError("age", age, "it would have been implanted before 1970")
    if start.age_ms and not start.implanted:
        yield StartError("age", age, "a pump that is not implanted has no age")
    if profile and start.volume_nl is not None and start.volume_nl > profile.capacity_nl:
        most = f"the pump holds at most {format_volume(profile.capacity_nl)}"
        yield StartError("volume", format_volume(start.volume_nl), most)


def _live(pump: Pump, to_ms: int) -> None:
    """Let a pump grow old as it would have: refilled in time."""
    while not pump.firmware.end_of_service():
        low_ms = pump.firmware.outlook().low_reservoir_if_eager_ms
        if low_ms is None:
            break
        # Of a high rate a fill lasts for less than a week: half of that, then.
        refill_ms = max(low_ms - _REFILLED_BEFORE_MS, (pump.at_ms + low_ms) // 2, pump.at_ms + 1)
        if refill_ms >= to_ms:
            break
        pump.settle(refill_ms)
        _refill(pump, pump.profile.capacity_nl)
    pump.settle(to_ms)


def _refill(pump: Pump, volume_nl: int) -> None:
    pump.fill_by_hand(volume_nl)
    if pump.firmware.end_of_service():
        return  # it takes no order any more
    number = pump.firmware.last_order_number(HANDS) + 1
    pump.firmware.update_reservoir(
        ReservoirUpdate(programmer_id=HANDS, order_number=number, volume_nl=volume_nl)
    )


def _from_state(path: Path) -> Pump:
    from pump_sim import snapshot  # noqa: PLC0415 - loads cattrs: only where a state is read

    try:
        document: Any = json.loads(path.read_bytes())
        return Pump.from_state(snapshot.load(document))
    except OSError as error:
        raise StartError("state", path.name, error.strerror or str(error)) from error
    except snapshot.SnapshotError as error:
        raise StartError("state", path.name, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise StartError("state", path.name, f"it is no JSON: {error}") from error
