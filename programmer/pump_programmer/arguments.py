"""What a person typed, as the value that it means, or refused under the name of its option.

It asks no pump: limits that are a pump's own come in its identity.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pump_programmer.errors import PumpRefused
from pump_programmer.published import Aetiology
from pump_programmer.words import ALARM_NAMES, name_of, roles_text
from pump_protocol import units
from pump_protocol.codes import (
    MAX_DRUG_NAME_BYTES,
    MAX_NOTE_BYTES,
    Alarm,
    AlarmClass,
    Field,
    UserRole,
)
from pump_protocol.errors import LocalError
from pump_protocol.messages import Identity, Prescription

ALARM_CLASSES: Final = {name_of(each).replace("_", "-"): each for each in AlarmClass}
"""Alarm classes as they are typed on a command line: ``non-critical``."""


class UsageError(LocalError):
    """The command line makes no sense; nothing was changed."""


def alarm(text: str, option: str = "ALARM") -> Alarm:
    """An alarm by its name, with hyphens or underscores, in upper or lower case."""
    found = ALARM_NAMES.get(_plain(text))
    if found is None:
        raise UsageError(f"{option} = {text!r}: allowed {', '.join(ALARM_NAMES)}")
    return found


def alarm_class(text: str, option: str = "CLASS") -> AlarmClass:
    """An alarm class by its name, with a hyphen or an underscore, in upper or lower case."""
    found = ALARM_CLASSES.get(_plain(text))
    if found is None:
        raise UsageError(f"{option} = {text!r}: allowed {', '.join(ALARM_CLASSES)}")
    return found


def role(text: str, option: str) -> UserRole:
    """A role by its name, in upper or lower case."""
    found = {name_of(each): each for each in UserRole}.get(text.strip().lower())
    if found is None:
        raise UsageError(f"{option} = {text!r}: allowed {roles_text(UserRole)}")
    return found


def counted(option: str, text: str) -> int:
    """A whole number from 1 on."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else 0
    if not 0 < number < 2**64:
        raise UsageError(f"{option} = {text!r}: a whole number of 1 to 2**64 - 1 wanted")
    return number


def parsed(quantity: units.Quantity, text: str | None, option: str) -> int | None:
    """A quantity that may be left out.

    :raises pump_protocol.errors.UnitError: it is there, and it cannot be read.
    """
    return None if text is None else quantity.parse(text, option)


def age(text: str | None, option: str = "--age") -> int | None:
    """An age in whole years, which may be left out."""
    if text is None:
        return None
    years = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else -1
    if not 0 <= years <= 120:
        raise UsageError(f"{option} = {text!r}: allowed 0 to 120, in whole years")
    return years


def aetiology(text: str | None, option: str = "--aetiology") -> Aetiology | None:
    """Of what origin spasticity is, which may be left out."""
    if text is None:
        return None
    found = {each.value: each for each in Aetiology}.get(_plain(text))
    if found is None:
        raise UsageError(
            f"{option} = {text!r}: allowed {', '.join(each.value for each in Aetiology)}"
        )
    return found


def check_note(text: str | None, option: str = "--set") -> None:
    """Refuse a note that no pump can hold."""
    if text is None:
        return
    printable = text.replace("\n", "").isprintable()
    if printable and len(text.encode()) <= MAX_NOTE_BYTES:
        return
    found = f"{len(text.encode())} bytes" if printable else "not printable"
    raise UsageError(
        f"{option} = {text!r}: {found}; "
        f"allowed 0 to {MAX_NOTE_BYTES} bytes of printable text in UTF-8"
    )


def check_drug_name(text: str | None, option: str = "--drug") -> None:
    """Refuse a name that no pump can hold."""
    # Not printable is also what came in as no UTF-8 at all, and has no length as such.
    if text is None or (text.isprintable() and 1 <= len(text.encode()) <= MAX_DRUG_NAME_BYTES):
        return
    found = f"{len(text.encode())} bytes" if text.isprintable() else "not printable"
    raise UsageError(
        f"{option} = {text!r}: {found}; "
        f"allowed 1 to {MAX_DRUG_NAME_BYTES} bytes of printable text in UTF-8"
    )


def check_concentration(
    text: str | None, identity: Identity, option: str = "--concentration"
) -> None:
    """Refuse a concentration with which this pump does not reckon."""
    if text is None:
        return
    minimum = identity.minimum_concentration_ng_per_ml
    maximum = identity.maximum_concentration_ng_per_ml
    if not max(1, minimum) <= units.CONCENTRATION.parse(text, option) <= maximum:
        raise UsageError(
            f"{option} = {text!r}: allowed {units.format_concentration(minimum)} "
            f"to {units.format_concentration(maximum)}"
        )


def check_rate(wanted: Prescription, typed: dict[str, str | None], identity: Identity) -> None:
    """Refuse a dose whose rate is beyond what a message can carry.

    :param typed: the options from which the rate follows; the first that was given is named.
    """
    if wanted.rate_nl_per_day <= units.RATE.maximum:
        return
    option, text = next((option, text) for option, text in typed.items() if text is not None)
    minimum = identity.minimum_therapeutic_rate_nl_per_day
    raise UsageError(
        f"{option} = {text!r}: that makes a rate of {units.format_rate(wanted.rate_nl_per_day)}; "
        f"allowed {units.format_rate(minimum)} to "
        f"{units.format_rate(identity.maximum_rate_nl_per_day)}"
    )


def check_bolus(text: str, volume_nl: int, identity: Identity, option: str = "--dose") -> None:
    """Refuse a bolus dose whose volume is beyond what a message can carry."""
    if volume_nl > units.VOLUME.maximum:
        largest = units.format_dose(identity.maximum_bolus_dose_ng)
        raise UsageError(f"{option} = {text!r}: allowed at most {largest}")


@contextmanager
def naming_first(*fields: Field) -> Iterator[None]:
    """Let a refusal begin with what the person typed; the pump also names what follows from it."""
    try:
        yield
    except PumpRefused as refused:
        raise refused.naming_first(*fields) from refused.__cause__


def _plain(text: str) -> str:
    return text.strip().lower().replace("_", "-")
