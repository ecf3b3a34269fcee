"""Commands about keys: pair with a pump, list the stored keys, forget them. No secret is shown."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from pump_programmer import arguments
from pump_programmer.commands.common import AsJson, Settings, naming_port, terminal_of
from pump_programmer.enrolment import check_code, enrol, public
from pump_programmer.keystore import KeyStore, StoredKey
from pump_programmer.terminal import ExitCode, Terminal
from pump_programmer.words import name_of
from pump_protocol.codes import UserRole
from pump_protocol.jsonable import Json

_LONGEST_CODE_BYTES: Final = 256
"""More than a code, its hyphens and the space around it."""


def pair(
    context: typer.Context,
    code: Annotated[
        str | None,
        typer.Option(
            metavar="CODE|@FILE",
            help="What the pump shows: 26 letters and digits, with or without '-'; or @ and the"
            " name of a file that holds it. Default: asks for it.",
        ),
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE",
            help="For whom the code was shown: observer, patient, clinician or service."
            " Default: clinician.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Get a key of the pump by a one-time code, and store it.

    The pump shows the code, which is good for one key, once, for two minutes, and while the
    programming head lies on the pump. A stored key is found by the pump's serial number from then
    on, without --key.
    """
    settings: Settings = context.obj
    terminal = terminal_of(context, as_json)
    wanted = settings.role or UserRole.CLINICIAN
    wanted = wanted if role is None else arguments.role(role, "--role")
    address, store = settings.address, KeyStore()
    code = _code(code, terminal)
    check_code(code, wanted)
    with naming_port():
        enrolled = enrol(
            address,
            code,
            wanted,
            store=store,
            programmer_id=settings.programmer_id,
            patience=settings.patience,
        )
    terminal.answer(enrolled.identity, enrolled.result, lambda screens: screens.line(enrolled.text))


def _code(text: str | None, terminal: Terminal) -> str:
    """The code that was typed, or that stands in a file, or that a person types now.

    :raises UsageError: there is none.
    :raises NotConfirmed: there is nobody to ask.
    """
    if text is None:
        return terminal.retyped("The code that the pump shows:", "no --code was given")
    if not text.startswith("@"):
        return text
    try:
        with Path(text[1:]).expanduser().open("rb") as file:
            return file.read(_LONGEST_CODE_BYTES).decode("ascii").strip()
    except (OSError, ValueError, RuntimeError) as error:  # a name with a zero byte; no home
        why = (error.strerror if isinstance(error, OSError) else None) or "no pairing code"
        raise arguments.UsageError(f"--code: file {text[1:]!r}: {why}") from error


def keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the stored keys, or forget some. No secret is shown, and no pump is asked."""
    if context.invoked_subcommand is not None:
        settings: Settings = context.obj
        context.obj = replace(settings, as_json=settings.as_json or as_json)
        return
    terminal = terminal_of(context, as_json)
    store = KeyStore()
    held = store.stored()
    result: dict[str, Json] = {"stored_in": str(store.path), "keys": [_listed(e) for e in held]}
    if held:
        rows = [(e.serial_number, name_of(e.key.role), f"{e.key.key_id:016x}") for e in held]
        headings = ("Serial number", "Role", "Key")
        terminal.tell(result, f"\nStored in {store.path}.", (headings, rows))
    else:
        text = f"No keys are stored in {store.path}. pump-programmer pair stores one."
        terminal.tell(result, text)


def forget(
    context: typer.Context,
    serial_number: Annotated[str, typer.Argument(metavar="SERIAL", help="Of the pump.")],
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ROLE", help="Only the key of this role. [default: all keys for the pump]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Drop the stored keys for a pump. Never asks. The pump goes on taking them."""
    terminal = terminal_of(context, as_json)
    store = KeyStore()
    dropped = store.forget(serial_number, None if role is None else arguments.role(role, "--role"))
    if not dropped:
        of_role = "" if role is None else f" of role {role.strip().lower()}"
        terminal.complain_of("no_key", f"pump {serial_number}: no key{of_role} is stored")
        raise typer.Exit(ExitCode.NO_KEY)
    roles = ", ".join(name_of(each.key.role) for each in dropped)
    result: dict[str, Json] = {
        "stored_in": str(store.path),
        "forgotten": [_listed(each) for each in dropped],
    }
    terminal.tell(result, f"Forgotten for pump {serial_number}: {roles}.")


def _listed(stored: StoredKey) -> dict[str, Json]:
    found = public(stored.key.role, stored.key.key_id)
    return {"serial_number": stored.serial_number, **found}
