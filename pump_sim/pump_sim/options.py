"""What ``pump-sim run`` is told in texts, checked and made into the model's values.

Every complaint names the option, the value and what is allowed. It starts nothing. Modules that
cost time to import are imported where they are needed.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pump_sim.store.resuming import Resume

if TYPE_CHECKING:
    from pump_sim.link_faults import LinkFaults
    from pump_sim.model.hardware.battery import BatteryMode
    from pump_sim.model.prescription import Prescription
    from pump_sim.model.profile import Profile
    from pump_sim.model.refusals import Reason
    from pump_sim.scenario.reading.loading import Loaded

NL_PER_ML: Final = 1_000_000
NG_PER_MCG: Final = 1_000
MAX_SPEED: Final = 10_000_000
MIN_SPEED: Final = Fraction(1, 1000)
HANDS: Final = ("follow", "off")
BATTERIES: Final = ("drain-and-fail", "drain-only", "no-drain")
PATIENTS: Final = ("treated", "new")
SECURITY: Final = ("authenticated", "legacy-insecure")
UPDATES: Final = ("safe", "historic")

OF_START: Final = frozenset(
    {"profile", "drug", "dose_mcg_per_day", "concentration_mcg_per_ml", "reservoir_ml", "start",
     "serial_number", "battery", "patient"}
)  # fmt: skip
"""The options that say which pump it is and how it begins, by their names in Python."""

DECIDED_BY: Final[Mapping[str, frozenset[str]]] = {
    "scenario": OF_START | {"hands", "security", "updates"},
    "state": OF_START | {"scenario"},
    "state_file": OF_START | {"security", "updates"},
}
"""Which options each of these leaves nothing to decide."""

Ratio = int | Fraction


class OptionError(ValueError):
    """An option is not what is allowed; the message names it, its value and what is."""


class FileRefused(OptionError):
    """A file that an option names is wrong; the message has a line for each problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PumpStart:
    """A new pump, and the prescription and the patient with which it begins.

    ``serial_number`` is of the first pump where several are wanted.
    """

    profile: Profile
    prescription: Prescription
    reservoir_nl: int
    clock_ms: int
    serial_number: str
    battery: BatteryMode
    new_patient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What ``pump-sim run`` was asked for.

    ``start`` is a pump, or a scenario, which brings its own. ``speed`` is therapy seconds per real
    second, None to jump to the next event whenever the link has been quiet. ``hands_follow``:
    simulated hands fill the reservoir to whatever volume a programmer reports at a refill; in a
    scenario hands do what its file says, and nothing else. ``control`` is the address of the
    harness's door, None for none. ``picks`` has the option to take of a choice of the scenario, by
    its name. ``faults`` go wrong on every link.

    ``authenticated``: whoever programs the pump needs a key; ``historic_updates``: staging stops
    the infusion, as it did on the device that was recalled. A scenario and a state file have their
    own of both. ``state_file`` is where the pump is kept, None for nowhere, and ``resume`` how
    therapy time goes on from there. ``key_file`` and ``key_log`` are written: the clinician's key
    of the first pump, and the secrets of every link.
    """

    port: str
    start: PumpStart | Loaded
    speed: Fraction | None = Fraction(1)
    count: int = 1
    hands_follow: bool = True
    as_json: bool = False
    events: bool = False
    control: str | None = None
    picks: Mapping[str, str] = field(default_factory=dict)
    faults: LinkFaults | None = None
    authenticated: bool = True
    historic_updates: bool = False
    state_file: Path | None = None
    resume: Resume = Resume.GO_ON
    key_file: Path | None = None
    key_log: Path | None = None


# --- Which pump, and how it begins ---------------------------------------------------------------


def read_start(  # noqa: PLR0913 - one parameter for each option, given by name
    *,
    profile: str,
    drug: str,
    dose_mcg_per_day: str,
    concentration_mcg_per_ml: str,
    reservoir_ml: str | None,
    start: str | None,
    serial_number: str,
    battery: str,
    patient: str,
    count: int,
) -> PumpStart:
    """The first of *count* pumps, each value as it is typed.

    :raises OptionError: no pump begins so.
    """
    from pump_sim.model.hardware.battery import BatteryMode  # noqa: PLC0415

    check_choice("--battery", battery, BATTERIES)
    check_choice("--patient", patient, PATIENTS)
    kind = read_profile(profile)
    return PumpStart(
        profile=kind,
        prescription=_read_prescription(kind, drug, dose_mcg_per_day, concentration_mcg_per_ml),
        reservoir_nl=_read_reservoir(kind, reservoir_ml),
        clock_ms=_read_clock(start),
        serial_number=_read_serial_number(serial_number, count),
        battery=BatteryMode[battery.replace("-", "_").upper()],
        new_patient=patient == "new",
    )


def _number(option: str, text: str, low: Ratio, high: Ratio, unit: str) -> Fraction:
    """A plain decimal number: what has an exponent can take for ever to be made exact."""
    value = Fraction(text) if re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?", text) else None
    if value is None or not low <= value <= high:
        allowed = f"a number from {_plain(low)} to {_plain(high)} ({unit})"
        raise OptionError(f"--{option} = {text}: allowed is {allowed}")
    return value


def _whole(option: str, value: Fraction, scale: int, unit: str) -> int:
    """*value* in the model's whole units; what lies between two of them is refused, not rounded."""
    scaled = value * scale
    if scaled.denominator != 1:
        raise OptionError(f"--{option} = {float(value)}: finer than 1/{scale:,} {unit}")
    return scaled.numerator


def _plain(value: Ratio) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,g}"


def check_control(address: str | None) -> None:
    if address is None:
        return
    from pump_sim.control.address import AddressError, parse_address  # noqa: PLC0415 - if wanted

    try:
        parse_address(address)
    except AddressError as error:
        raise OptionError(f"--control: {error}") from None


def read_speed(text: str) -> Fraction | None:
    if text == "jump":
        return None
    speed = _number("speed", text, 0, MAX_SPEED, "times real time, or 'jump'")
    if 0 < speed < MIN_SPEED:
        raise OptionError(f"--speed = {text}: allowed are 0, or 0.001 to {MAX_SPEED:,}")
    return speed


def _read_serial_number(text: str, count: int) -> str:
    longest = 32 if count == 1 else 32 - len(f"-{count}")
    if not text.isprintable() or not 1 <= len(text.encode(errors="replace")) <= longest:
        raise OptionError(
            f"--serial-number = {text!r}: allowed are 1 to {longest} bytes of printable text"
        )
    return text


def read_profile(name: str) -> Profile:
    from pump_sim.model.profile import ProfileError, load_profile  # noqa: PLC0415

    try:
        return load_profile(name)
    except ProfileError as error:
        raise OptionError(str(error)) from None


def check_choice(option: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise OptionError(f"{option} = {given!r}: allowed are {', '.join(allowed)}")


def read_resume(resume: str) -> Resume:
    check_choice("--resume", resume, tuple(each.value for each in Resume))
    return Resume(resume)


def read_state_file(
    path: str | None, resume: Resume, typed: Collection[str], *, scenario: bool, count: int
) -> Path | None:
    """Where the pump is kept; an existing file is not opened, only known to be there.

    :param typed: the names of the options that somebody typed.
    :raises OptionError: it cannot be kept there, or the file decides what was typed.
    """
    if path is None:
        if "resume" in typed:
            raise OptionError("--resume goes with --state")
        return None
    if sys.platform == "win32":
        raise OptionError("--state: on Windows no pump is kept")
    if scenario:
        raise OptionError("--state: a scenario brings its own pump, which is not kept")
    if count != 1:
        raise OptionError(f"--count = {count}: a state file is of one pump")
    if resume is Resume.STAY and "speed" in typed:
        raise OptionError("--resume stay pauses the pump; leave --speed out")
    file = read_file("--state", path)
    if file.exists():
        for option in sorted(DECIDED_BY["state_file"].intersection(typed)):
            words = option.replace("_", "-")
            raise OptionError(f"--{words}: the state file {path} has its own; leave it out")
    return file


def read_file(option: str, path: str) -> Path:
    """A file that is to be written.

    :raises OptionError: no file can be there.
    """
    if not path or "\0" in path:
        raise OptionError(f"{option} = {path!r}: allowed is the path of a file")
    file = Path(path)
    try:
        if file.is_dir():
            raise OptionError(f"{option} = {path}: that is a folder; allowed is a file")
        if not file.parent.is_dir():
            raise OptionError(f"{option} = {path}: there is no folder {file.parent}")
    except OSError as error:
        raise OptionError(f"{option} = {path}: {error.strerror}") from None
    return file


def port_of_several(spec: str, index: int, count: int) -> str:
    """The port of one of several pumps: a name or a number given for the first is counted up."""
    kind, _, rest = spec.partition(":")
    if count > 1 and rest:
        if kind == "pty":
            return f"pty:{rest}-{index + 1}"
        host, colon, number = rest.rpartition(":")
        if number.isdecimal() and int(number) > 0:
            return f"{kind}:{host}{colon}{int(number) + index}"
    return spec


def check_different(files: Mapping[str, str | None]) -> None:
    """Nothing if all those that are given are different files.

    :raises OptionError: two are the same.
    """
    seen: dict[str, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        place = os.path.realpath(path)
        if place in seen:
            raise OptionError(f"{option} = {path}: that is the file of {seen[place]}")
        seen[place] = option


def _read_reservoir(profile: Profile, text: str | None) -> int:
    if text is None:
        return profile.capacity_nl
    capacity_ml = Fraction(profile.capacity_nl, NL_PER_ML)
    value = _number("reservoir-ml", text, 0, capacity_ml, "mL")
    return _whole("reservoir-ml", value, NL_PER_ML, "mL")


def _read_prescription(profile: Profile, drug: str, dose: str, concentration: str) -> Prescription:
    from pump_sim.model.prescription import simple_continuous  # noqa: PLC0415
    from pump_sim.model.rules import check_prescription  # noqa: PLC0415

    lowest = Fraction(profile.min_concentration_ng_per_ml, NG_PER_MCG)
    highest = Fraction(profile.max_concentration_ng_per_ml, NG_PER_MCG)
    strength = _number("concentration-mcg-per-ml", concentration, lowest, highest, "mcg/mL")
    most = Fraction(profile.max_daily_dose_ng, NG_PER_MCG)
    least = Fraction(1, NG_PER_MCG)
    daily = _number("dose-mcg-per-day", dose, least, most, "mcg/day")
    prescription = simple_continuous(
        drug_name=drug,
        concentration_ng_per_ml=_whole("concentration-mcg-per-ml", strength, NG_PER_MCG, "mcg/mL"),
        daily_dose_ng=_whole("dose-mcg-per-day", daily, NG_PER_MCG, "mcg/day"),
        low_reservoir_threshold_nl=profile.default_low_reservoir_threshold_nl,
    )
    reasons = check_prescription(prescription, profile)
    if reasons:
        raise OptionError("the prescription at the start: " + "; ".join(map(_explain, reasons)))
    return prescription


def _explain(reason: Reason) -> str:
    """A reason of the model in the words of the command line."""
    from pump_sim.model.refusals import Field  # noqa: PLC0415

    if reason.field is Field.RATE and reason.value is not None:
        low = Decimal(reason.minimum or 0) / NL_PER_ML
        high = Decimal(reason.maximum or 0) / NL_PER_ML
        rate = Decimal(reason.value) / NL_PER_ML
        return (
            f"dose-mcg-per-day / concentration-mcg-per-ml give a rate of {rate} mL/day:"
            f" allowed are {low} to {high} mL/day"
        )
    if reason.field is Field.DRUG_NAME:
        return "--drug: allowed are 1 to 32 bytes of printable text"
    return str(reason)


def _read_clock(text: str | None) -> int:
    if text is None:
        local = datetime.now().replace(microsecond=0)  # noqa: DTZ005 - a pump's clock has no zone
    else:
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            raise OptionError(
                f"--start = {text!r}: allowed is a local date and time such as 2026-01-31T08:00"
            ) from None
        if local.tzinfo is not None or local.year < 1970:
            raise OptionError(
                f"--start = {text!r}: allowed are 1970 to 9999, local time, without a zone"
            )
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - a pump's clock has no zone
    return (local - epoch) // timedelta(milliseconds=1)
