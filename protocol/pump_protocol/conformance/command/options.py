"""The options of both commands that judge, declared once, and read into one value.

A command takes them by :func:`takes_options`. What is played, and which of it is known to fail, is
read once, by :func:`choose`: whatever is wrong there is refused before anything is played.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from pump_protocol.conformance.cases import Case, Level
from pump_protocol.conformance.command.outputs import Output, outputs
from pump_protocol.conformance.expected import BadExpectation, read_expected
from pump_protocol.conformance.selection import BadSelection, select
from pump_protocol.conformance.suite import Bounds

DEFAULT_SEED: Final = 1
DEFAULT_TIMEOUT_S: Final = 600.0
DEFAULT_WAIT_S: Final = 1.0
LONGEST_PATIENCE_S: Final = 600.0
"""How long a subject may be waited for, at the most."""
_LONGEST_RUN_S: Final = 86_400.0

_MS_PER_S: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """All that is typed of what both commands have in common.

    :ivar listing: show the cases, and play none.
    :ivar levels: none for all of them.
    :ivar timeout_s: how long the run may take.
    :ivar longest_wait_s: how much link time a case may let pass in all.
    :ivar json: the report on standard output, and nothing else.
    :ivar name: how the subject is called; None where nobody said.
    """

    listing: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    levels: frozenset[Level] = frozenset()
    seed: int = DEFAULT_SEED
    expected_failures: Path | None = None
    strict: bool = False
    timeout_s: float = DEFAULT_TIMEOUT_S
    longest_wait_s: float = DEFAULT_WAIT_S
    json: bool = False
    report: Output | None = None
    junit: Output | None = None
    html: Output | None = None
    quiet: bool = False
    name: str | None = None

    @property
    def reporting(self) -> bool:
        """Whether somebody gets the whole report, and not only what the console says of it."""
        return self.json or any((self.report, self.junit, self.html))

    def bounds(self, now_ms: int) -> Bounds:
        """How long a run may take that begins now, in the link time of its driver."""
        return Bounds(
            until_ms=now_ms + round(self.timeout_s * _MS_PER_S),
            longest_wait_ms=round(self.longest_wait_s * _MS_PER_S),
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a run is about.

    :ivar cases: what is played, or listed, in its order.
    :ivar expected: slugs of cases that are known to fail, whether or not they are among these.
    """

    cases: tuple[Case, ...]
    expected: tuple[str, ...] = ()


def read_options(  # noqa: PLR0913 - one parameter for each option, given by name
    *,
    listing: Annotated[
        bool,
        typer.Option(
            "--list", help="Show slug, level, clauses and needs of each case, and play none."
        ),
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CASE",
            help="Play this case, group or pattern, such as frame/crc-single-bit-flip, frame or"
            " 'frame/crc-*'. May be given several times.",
            show_default=False,
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CASE", help="Leave out this one; as --only, and stronger.", show_default=False
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LEVEL",
            help="Only cases of this level: must, should or may. May be given several times.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="NUMBER", help="Of what cases draw by lot.")
    ] = DEFAULT_SEED,
    expected_failures: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Cases that are known to fail, a slug a line, # before comments. One that passes"
            " fails the run.",
            show_default=False,
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="NON-STRICT fails the run, too.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long the whole run may take.")
    ] = DEFAULT_TIMEOUT_S,
    longest_wait: Annotated[
        float,
        typer.Option(
            metavar="SECONDS",
            help="How much link time a case may let pass in all; longer ones are UNSUPPORTED.",
        ),
    ] = DEFAULT_WAIT_S,
    as_json: Annotated[
        bool, typer.Option("--json", help="The report as JSON on stdout, and nothing else.")
    ] = False,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the report as JSON.", show_default=False),
    ] = None,
    junit: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it as JUnit XML.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write it as one HTML page.", show_default=False),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Tell only what failed, and the last line.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="SUBJECT", help="How reports call what is judged.", show_default=False
        ),
    ] = None,
) -> Options:
    """What is wanted; whether files can be written is found out now.

    :raises typer.BadParameter: an option is not what is allowed.
    """
    written = outputs({"--report": report, "--junit": junit, "--html": html})
    by_option = {each.option: each for each in written}
    return Options(
        listing=listing,
        only=tuple(only or ()),
        exclude=tuple(exclude or ()),
        levels=frozenset(_level(each) for each in level or ()),
        seed=seed,
        expected_failures=expected_failures,
        strict=strict,
        timeout_s=seconds("--timeout", timeout, at_least=0.1, at_most=_LONGEST_RUN_S),
        longest_wait_s=seconds("--longest-wait", longest_wait, at_least=0, at_most=_LONGEST_RUN_S),
        json=as_json,
        report=by_option.get("--report"),
        junit=by_option.get("--junit"),
        html=by_option.get("--html"),
        quiet=quiet,
        name=name,
    )


def takes_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command for Typer the options of :func:`read_options`, behind its own.

    :param command: takes what was read as ``options``, which is no option of its own.
    """
    own = inspect.signature(command, eval_str=True).parameters
    shared = inspect.signature(read_options).parameters
    assert not own.keys() & shared.keys(), "an option is declared twice"
    taken = [each for name, each in own.items() if name != "options"]

    @functools.wraps(command)
    def read_and_run(**given: Any) -> None:
        options = read_options(**{name: given.pop(name) for name in shared})
        command(**given, options=options)

    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in taken]
    parameters += shared.values()
    read_and_run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    read_and_run.__annotations__ = {each.name: each.annotation for each in parameters}
    return read_and_run


def choose(options: Options, cases: Sequence[Case]) -> Chosen:
    """What is to be played, or listed, and which of it is known to fail.

    :param cases: all of the side that is judged.
    :raises typer.BadParameter: the selection fits nothing, or the list of expected failures is
        wrong.
    """
    expected = _expected_failures(options, cases)
    try:
        chosen = select(cases, only=options.only, exclude=options.exclude, levels=options.levels)
    except BadSelection as error:
        raise typer.BadParameter(str(error)) from None
    return Chosen(tuple(chosen), expected)


def _expected_failures(options: Options, cases: Sequence[Case]) -> tuple[str, ...]:
    """The slugs of the list of expected failures.

    :param cases: all of the side that is judged.
    :raises typer.BadParameter: it cannot be read, or a line is wrong.
    """
    path = options.expected_failures
    if path is None:
        return ()
    try:
        return read_expected(path.read_text("utf-8-sig"), cases)
    except BadExpectation as error:
        why = str(error)
    except OSError as error:
        why = error.strerror or str(error)
    except ValueError:  # UnicodeDecodeError, or a zero byte in the name
        why = "that is no text file"
    raise typer.BadParameter(f"--expected-failures = {path}: {why}")


def seconds(option: str, value: float, *, at_least: float, at_most: float) -> float:
    """A time that was typed.

    :raises typer.BadParameter: it is not within these bounds, or is no number.
    """
    if not at_least <= value <= at_most:
        raise typer.BadParameter(
            f"{option} = {value:g}: allowed {at_least:g} to {at_most:g} seconds"
        )
    return value


def _level(text: str) -> Level:
    try:
        return Level(text.upper())
    except ValueError:
        allowed = ", ".join(each.value.lower() for each in Level)
        raise typer.BadParameter(f"--level = {text}: allowed are {allowed}") from None
