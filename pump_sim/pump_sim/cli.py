"""The command line ``pump-sim``: what people type, checked and handed to :mod:`pump_sim.app`.

Every complaint names the option, the value and what is allowed. Modules that cost time to import
are imported by the command that needs them.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Final

import typer

from pump_protocol._version import __version__

if TYPE_CHECKING:
    from pump_sim.model.prescription import Prescription
    from pump_sim.model.profile import Profile
    from pump_sim.model.refusals import Reason

NL_PER_ML: Final = 1_000_000
NG_PER_MCG: Final = 1_000
MAX_COUNT: Final = 256
MAX_SPEED: Final = 10_000_000
MIN_SPEED: Final = Fraction(1, 1000)

Ratio = int | Fraction

app = typer.Typer(
    name="pump-sim",
    help="A virtual intrathecal pump on a virtual serial port. SIMULATOR: never for clinical use.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pump-sim {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(  # noqa: PLR0913, PLR0917 - one parameter for each option, given by name
    port: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="pty, pty:LINK, tcp, tcp:PORT, tcp:HOST:PORT, rfc2217, rfc2217:PORT or"
            " rfc2217:HOST:PORT. Without a host it listens on the loopback only."
            " [default: pty, on Windows tcp]",
            show_default=False,
        ),
    ] = "",
    speed: Annotated[
        str,
        typer.Option(
            metavar="FACTOR",
            help=f"Therapy time per real time, 0 (paused) or 0.001 to {MAX_SPEED:,}; 86400 is a day"
            " a second."
            " 'jump' goes to the next event whenever the link has been quiet after an exchange.",
        ),
    ] = "1",
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="Kind of pump: see 'pump-sim profiles', or a file.")
    ] = "pump-20ml",
    reservoir_ml: Annotated[
        str | None,
        typer.Option(
            metavar="ML", help="Volume at the start, 0 to the capacity, mL. [default: full]"
        ),
    ] = None,
    dose_mcg_per_day: Annotated[
        str, typer.Option(metavar="MCG", help="Daily dose at the start, mcg/day.")
    ] = "300",
    concentration_mcg_per_ml: Annotated[
        str, typer.Option(metavar="MCG", help="Concentration at the start, mcg/mL.")
    ] = "2000",
    drug: Annotated[str, typer.Option(metavar="NAME", help="Drug at the start.")] = "baclofen",
    start: Annotated[
        str | None,
        typer.Option(
            metavar="DATE", help="The pump's local clock at the start, ISO 8601. [default: now]"
        ),
    ] = None,
    serial_number: Annotated[
        str, typer.Option(metavar="TEXT", help="Serial number, 1 to 32 bytes.")
    ] = "SIM-0001",
    count: Annotated[
        int,
        typer.Option(metavar="N", help=f"How many pumps, each on its own port: 1 to {MAX_COUNT}."),
    ] = 1,
    hands: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'follow': simulated hands fill the reservoir to what a programmer reports at a"
            " refill; 'off': a refill tells the pump only, and the truth stays as it is.",
        ),
    ] = "follow",
    battery: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'drain-and-fail': it drains, up to the end of service; 'drain-only': it drains,"
            " and no end comes; 'no-drain': it stays new.",
        ),
    ] = "drain-and-fail",
    patient: Annotated[
        str,
        typer.Option(
            metavar="WHAT",
            help="'treated': the made-up patient has long been treated as prescribed; 'new': there"
            " is no drug in patient or catheter.",
        ),
    ] = "treated",
    control: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Open a door for tests, which move time, inject faults and read the truth through"
            " it: unix:PATH, a path, tcp:PORT, tcp:HOST:PORT or PORT, 0 for a free one, on the"
            " loopback only. [default: none]",
        ),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="First line of stdout: one JSON object with the address."),
    ] = False,
    events: Annotated[
        bool,
        typer.Option("--events", help="With --json: every log record as a further JSON line."),
    ] = False,
) -> None:
    """Run a pump on a port until Ctrl-C, SIGTERM or SIGHUP."""
    from pump_sim import app as application  # noqa: PLC0415 - not needed for --help
    from pump_sim.ports import PortError, PortSpecError, default_spec  # noqa: PLC0415

    if not 1 <= count <= MAX_COUNT:
        raise typer.BadParameter(f"--count = {count}: allowed are 1 to {MAX_COUNT} pumps")
    if events and not as_json:
        raise typer.BadParameter("--events needs --json; people are told of every record anyway")
    _check_choice("--hands", hands, ("follow", "off"))
    _check_choice("--battery", battery, ("drain-and-fail", "drain-only", "no-drain"))
    _check_choice("--patient", patient, ("treated", "new"))
    _check_control(control)
    kind = _profile(profile)
    options = application.RunOptions(
        port=port or default_spec(),
        profile=kind,
        prescription=_prescription(kind, drug, dose_mcg_per_day, concentration_mcg_per_ml),
        reservoir_nl=_reservoir(kind, reservoir_ml),
        clock_ms=_clock(start),
        speed=_speed(speed),
        count=count,
        serial_number=_serial_number(serial_number, count),
        hands_follow=hands == "follow",
        battery=battery,
        new_patient=patient == "new",
        as_json=as_json,
        events=events,
        control=control,
    )
    try:
        application.run(options)
    except PortSpecError as error:
        raise typer.BadParameter(f"--port: {error}") from None
    except PortError as error:
        typer.echo(f"pump-sim: {error}", err=True)
        raise typer.Exit(3) from None


@app.command()
def demo() -> None:
    """Watch a programmer meet a pump over a real port, in under 20 seconds."""
    from pump_sim.demo import play  # noqa: PLC0415 - not needed for --help

    raise typer.Exit(play())


@app.command()
def profiles(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show the figures of one, with sources.")
    ] = None,
) -> None:
    """List the kinds of pump, or one's figures with sources."""
    from dataclasses import asdict  # noqa: PLC0415

    from pump_sim.model.profile import profile_names  # noqa: PLC0415

    if name is None:
        for each in profile_names():
            figures = _profile(each)
            typer.echo(f"{each}   {figures.model}, {figures.capacity_nl / NL_PER_ML:g} mL")
        return
    shown = _profile(name)
    typer.echo(f"{name}   {shown.model}")
    for key, source in shown.sources.items():
        typer.echo(f"  {key:38} {asdict(shown)[key]:>18,}\n      {source}")


# --- Checking ------------------------------------------------------------------------------------


def _number(option: str, text: str, low: Ratio, high: Ratio, unit: str) -> Fraction:
    """A plain decimal number: what has an exponent can take for ever to be made exact."""
    value = Fraction(text) if re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,12})?", text) else None
    if value is None or not low <= value <= high:
        allowed = f"a number from {_plain(low)} to {_plain(high)} ({unit})"
        raise typer.BadParameter(f"--{option} = {text}: allowed is {allowed}")
    return value


def _whole(option: str, value: Fraction, scale: int, unit: str) -> int:
    """*value* in the model's whole units; what lies between two of them is refused, not rounded."""
    scaled = value * scale
    if scaled.denominator != 1:
        raise typer.BadParameter(f"--{option} = {float(value)}: finer than 1/{scale:,} {unit}")
    return scaled.numerator


def _plain(value: Ratio) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{float(value):,g}"


def _check_control(address: str | None) -> None:
    if address is None:
        return
    from pump_sim.control.address import AddressError, parse_address  # noqa: PLC0415 - if wanted

    try:
        parse_address(address)
    except AddressError as error:
        raise typer.BadParameter(f"--control: {error}") from None


def _speed(text: str) -> Fraction | None:
    if text == "jump":
        return None
    speed = _number("speed", text, 0, MAX_SPEED, "times real time, or 'jump'")
    if 0 < speed < MIN_SPEED:
        raise typer.BadParameter(f"--speed = {text}: allowed are 0, or 0.001 to {MAX_SPEED:,}")
    return speed


def _serial_number(text: str, count: int) -> str:
    longest = 32 if count == 1 else 32 - len(f"-{count}")
    if not text.isprintable() or not 1 <= len(text.encode(errors="replace")) <= longest:
        raise typer.BadParameter(
            f"--serial-number = {text!r}: allowed are 1 to {longest} bytes of printable text"
        )
    return text


def _profile(name: str) -> Profile:
    from pump_sim.model.profile import ProfileError, load_profile  # noqa: PLC0415

    try:
        return load_profile(name)
    except ProfileError as error:
        raise typer.BadParameter(str(error)) from None


def _check_choice(option: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise typer.BadParameter(f"{option} = {given!r}: allowed are {', '.join(allowed)}")


def _reservoir(profile: Profile, text: str | None) -> int:
    if text is None:
        return profile.capacity_nl
    capacity_ml = Fraction(profile.capacity_nl, NL_PER_ML)
    value = _number("reservoir-ml", text, 0, capacity_ml, "mL")
    return _whole("reservoir-ml", value, NL_PER_ML, "mL")


def _prescription(profile: Profile, drug: str, dose: str, concentration: str) -> Prescription:
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
        raise typer.BadParameter(
            "the prescription at the start: " + "; ".join(map(_explain, reasons))
        )
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


def _clock(text: str | None) -> int:
    if text is None:
        local = datetime.now().replace(microsecond=0)  # noqa: DTZ005 - a pump's clock has no zone
    else:
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            raise typer.BadParameter(
                f"--start = {text!r}: allowed is a local date and time such as 2026-01-31T08:00"
            ) from None
        if local.tzinfo is not None or local.year < 1970:
            raise typer.BadParameter(
                f"--start = {text!r}: allowed are 1970 to 9999, local time, without a zone"
            )
    epoch = datetime(1970, 1, 1)  # noqa: DTZ001 - a pump's clock has no zone
    return (local - epoch) // timedelta(milliseconds=1)


def main() -> None:
    """Entry point of ``pump-sim``."""
    app()
