"""What a run tells when its pumps can be reached: where they are, and what they ask of whom.

It only says: nothing is made, written or served here. Keys are told where they were made for this
run; those of a pump that has had its own for longer are not.
"""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pump_protocol._version import __version__
from pump_protocol.codes import UserRole
from pump_protocol.keys import Key
from pump_sim.assembly import Assembly
from pump_sim.notice import SIMULATOR_NOTICE, security_profile, unsafe_notices
from pump_sim.options import RunOptions
from pump_sim.serve import PumpHost

if TYPE_CHECKING:
    from pump_sim.scenario.stage import Stage


class Served(NamedTuple):
    """One of the pumps on its port, what it is made of, and its scenario if it plays one."""

    host: PumpHost
    assembly: Assembly
    stage: "Stage | None"

    @property
    def guarded(self) -> bool:
        """Whether it has keys."""
        return self.host.endpoint.guard is not None

    @property
    def new_keys(self) -> Mapping[UserRole, Key]:
        """The keys that were made for it now."""
        return self.assembly.new_keys


# --- For people ----------------------------------------------------------------------------------


def ready_text(options: RunOptions, served: Sequence[Served], door: str | None) -> Iterator[str]:
    """The lines for people.

    :param door: where the door for tests is, None without one.
    """
    yield f"pump-sim {__version__}   {SIMULATOR_NOTICE}"
    for each in served:
        pump = each.host.endpoint.simulation.pump
        yield f"pump {pump.serial_number} ({pump.profile.model}) is at {each.host.port.address}"
    if served[0].stage is None:  # which says it itself
        yield from _notices(served)
    yield from _keys(options, served)
    if served[0].assembly.kept is not None:
        yield f"it is kept in {options.state_file}"
    if door is not None:
        yield f"its door for tests is at {door}"
    yield f"try:  {_try(options, served[0])} interrogate"


def _keys(options: RunOptions, served: Sequence[Served]) -> Iterator[str]:
    """Who may program the pumps, and with what."""
    first, *others = served
    if not first.guarded:
        return
    if options.key_file is not None:
        whose = "the first one's" if others else "its"
        yield f"{whose} key (clinician) is in {options.key_file}"
    elif not first.new_keys:
        yield "its keys are those of before: a programmer that has none needs a pairing code, or"
        yield "the file that --key-file FILE writes"
    for number, each in enumerate(served, start=1):
        if each.new_keys and (number > 1 or options.key_file is None):
            whose = f"clinician of pump {number}" if others else "clinician"
            yield f"key of this run ({whose}): {each.new_keys[UserRole.CLINICIAN].to_text()}"


def _notices(served: Sequence[Served]) -> tuple[str, ...]:
    """What is said of pumps that are unsafe on purpose: they are all of a kind."""
    historic = served[0].host.endpoint.simulation.pump.firmware.historic_updates
    return unsafe_notices(guarded=served[0].guarded, historic=historic)


def _try(options: RunOptions, first: Served) -> str:
    """How a person begins to talk to a pump: as much of a command line as it takes."""
    command = f"pump-programmer --port {first.host.port.address}"
    key = first.new_keys.get(UserRole.CLINICIAN)
    if not first.guarded:
        return f"{command} --insecure"
    if options.key_file is not None:
        return f"PUMP_KEY=@{shlex.quote(str(options.key_file))} {command}"
    return command if key is None else f"PUMP_KEY={key.to_text()} {command}"


# --- For programs --------------------------------------------------------------------------------


def ready_line(served: Sequence[Served], door: str | None) -> dict[str, Any]:
    """The first line for programs.

    Whoever reaches a door may do anything to the pumps, so where there is one the keys of all
    roles are told: a test suite that tries roles needs no pairing.

    :param door: where the door for tests is, None without one.
    """
    pumps = [_told(each, door is not None) for each in served]
    notices = _notices(served)
    return {
        "event": "ready",
        "address": pumps[0]["address"],
        "simulator": True,
        "security_profile": security_profile(served[0].guarded),
        **({"warning": "; ".join(notices)} if notices else {}),
        **{name: pumps[0][name] for name in ("key", "keys") if name in pumps[0]},
        "version": __version__,
        "pid": os.getpid(),
        "pumps": pumps,
        "control": door,
        **_state_file(served[0].assembly),
    }


def _told(served: Served, all_keys: bool) -> dict[str, Any]:
    """What is said of one of the pumps: a scenario brings its own, of any kind."""
    pump = served.host.endpoint.simulation.pump
    keys = {role.name.lower(): key.to_text() for role, key in served.new_keys.items()}
    return {
        "address": served.host.port.address,
        "serial_number": pump.serial_number,
        "model": pump.profile.model,
        "key": keys.get("clinician"),
        **({"keys": keys} if all_keys else {}),
    }


def _state_file(assembly: Assembly) -> dict[str, Any]:
    """What is said of the file that keeps the pump, where there is one."""
    kept = assembly.kept
    if kept is None:
        return {}
    return {
        "state": {"file": str(kept.path), "origin": kept.origin.value, "notes": list(kept.notes)}
    }
