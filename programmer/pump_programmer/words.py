"""The pump's codes in a clinician's words, and refusals made of them; no screen, no port."""

from collections.abc import Callable, Iterable
from enum import IntEnum
from typing import Final

from pump_programmer.times import clock_text, time_of_day
from pump_protocol import units
from pump_protocol.access import MAY_SEND
from pump_protocol.codes import (
    INTENT_LIMIT_MS,
    Alarm,
    AlarmClass,
    BolusKind,
    BridgeDecision,
    Field,
    MessageType,
    Mode,
    PrescriptionSlot,
    RefusalCode,
    SecurityProfile,
    ServiceState,
    UserRole,
    Weekday,
)
from pump_protocol.messages import Identity, Reason, Refusal

UNSAFE: Final = "UNSAFE: LEGACY-INSECURE"
"""What every output says of a pump that anybody may program."""

_SPOKEN: Final[dict[tuple[type[IntEnum], int], str]] = {
    (Alarm, Alarm.ERI): "ERI (replacement due)",
    (Alarm, Alarm.EOS): "EOS (end of service)",
    (AlarmClass, AlarmClass.NON_CRITICAL): "non-critical",
    (BolusKind, BolusKind.SINGLE): "single bolus",
    (BolusKind, BolusKind.PRIMING): "priming bolus",
    (BolusKind, BolusKind.BRIDGE): "bridge",
    (BolusKind, BolusKind.PATIENT): "patient bolus",
    (BolusKind, BolusKind.PERIODIC): "periodic bolus",
    (BridgeDecision, BridgeDecision.DECLINED): "declined: the new rate at once",
    (MessageType, MessageType.SELF_TEST): "self-test",
    (MessageType, MessageType.REQUEST_PATIENT_BOLUS): "give a patient bolus",
    (MessageType, MessageType.PAIR): "hand over a key",
    (MessageType, MessageType.EMERGENCY_STATUS): "tell the emergency status",
    (MessageType, MessageType.EMERGENCY_MINIMUM_RATE): "go to the minimum rate in an emergency",
    (MessageType, MessageType.EMERGENCY_STOP): "stop in an emergency",
    (SecurityProfile, SecurityProfile.LEGACY_INSECURE): "legacy-insecure: no security",
    (SecurityProfile, SecurityProfile.AUTHENTICATED): "authenticated: every link needs a key",
    (ServiceState, ServiceState.ERI): "ERI (replacement due)",
    (ServiceState, ServiceState.EOS): "END OF SERVICE",
}
"""Codes whose names are not what a clinician would say. By class too: equal numbers are equal
keys, whatever they mean."""


def is_unsafe(pump: Identity) -> bool:
    """Whether anybody may program the pump, so that every output has to say so."""
    return pump.security_profile is SecurityProfile.LEGACY_INSECURE


def name_of(code: IntEnum) -> str:
    """A code's name as people and JSON read it: ``low_reservoir``."""
    return code.name.lower()


def spaced(code: IntEnum) -> str:
    """A code's name for a sentence: ``low reservoir``."""
    return _SPOKEN.get((type(code), int(code))) or code.name.lower().replace("_", " ")


_NON_CRITICAL: Final = frozenset(
    {Alarm.LOW_RESERVOIR, Alarm.ERI, Alarm.MEMORY_ERROR, Alarm.REPLACEMENT_PLANNED}
)


def class_of(alarm: Alarm) -> AlarmClass:
    """The class of an alarm (ALARM-01)."""
    return AlarmClass.NON_CRITICAL if alarm in _NON_CRITICAL else AlarmClass.CRITICAL


ALARM_NAMES: Final = {name_of(alarm).replace("_", "-"): alarm for alarm in Alarm}
"""Alarms as they are typed on a command line: ``low-reservoir``."""


def naming(codes: type[IntEnum]) -> Callable[[int], str]:
    """What says a number as the code that it is, or as a number if it is none."""
    known = {int(code): spaced(code) for code in codes}
    return lambda value: known.get(value, str(value))


def weekdays_text(weekdays: int) -> str:
    """Days of the week: ``Monday, Tuesday``."""
    return ", ".join((day.name or "").capitalize() for day in Weekday if day & weekdays) or "none"


def _plain(value: int) -> str:
    return str(value)


def _minutes(value: int) -> str:
    return time_of_day(value) if 0 <= value < 1_440 else f"minute {value}"


def _bytes(value: int) -> str:
    return f"{value} bytes"


_FIELDS: Final[dict[Field, tuple[str, Callable[[int], str]]]] = {
    Field.MODE: ("mode", naming(Mode)),
    Field.DRUG_NAME: ("drug name", _bytes),
    Field.MASS_UNIT: ("mass unit", _plain),
    Field.CONCENTRATION: ("concentration", units.format_concentration),
    Field.DAILY_DOSE: ("daily dose", units.format_daily_dose),
    Field.RATE: ("rate", units.format_rate),
    Field.LOW_RESERVOIR_THRESHOLD: ("low-reservoir threshold", units.format_volume),
    Field.ORDER_NUMBER: ("order number", _plain),
    Field.BOLUS_DOSE: ("bolus dose", units.format_dose),
    Field.BOLUS_VOLUME: ("bolus volume", units.format_volume),
    Field.BOLUS_DURATION: ("bolus duration", units.format_duration),
    Field.BOLUS_RATE: ("basal and bolus rate together", units.format_rate),
    Field.RESERVOIR_VOLUME: ("reservoir volume", units.format_volume),
    Field.ALARM: ("alarm", naming(Alarm)),
    Field.SILENCE_DURATION: ("silence", units.format_duration),
    Field.ALARM_CLASS: ("alarm class", naming(AlarmClass)),
    Field.CLOCK: ("clock", clock_text),
    Field.SLOT: ("slot", naming(PrescriptionSlot)),
    Field.DRUGS: ("number of drugs", _plain),
    Field.HIGHEST_DAILY_DOSE: ("highest dose of a day", units.format_daily_dose),
    Field.SCHEDULE: ("number of steps", _plain),
    Field.WEEKDAYS: ("weekdays", weekdays_text),
    Field.STEP_START: ("start of a step", _minutes),
    Field.STEP_RATE: ("rate of a step", units.format_rate),
    Field.PERIODIC_DOSE: ("dose of a periodic bolus", units.format_dose),
    Field.PERIODIC_VOLUME: ("volume of a periodic bolus", units.format_volume),
    Field.PERIODIC_DURATION: ("duration of a periodic bolus", units.format_duration),
    Field.PERIODIC_INTERVAL: ("interval of the periodic boluses", units.format_duration),
    Field.PERIODIC_FIRST: ("wait for the first periodic bolus", units.format_duration),
    Field.PERIODIC_BASAL_RATE: ("basal rate of the periodic boluses", units.format_rate),
    Field.PERIODIC_RATE: ("basal and periodic bolus rate together", units.format_rate),
    Field.PATIENT_DOSE: ("dose of a patient bolus", units.format_dose),
    Field.PATIENT_VOLUME: ("volume of a patient bolus", units.format_volume),
    Field.PATIENT_DURATION: ("duration of a patient bolus", units.format_duration),
    Field.PATIENT_LOCKOUT: ("lockout of the patient boluses", units.format_duration),
    Field.PATIENT_ALLOTMENT: ("patient boluses a day", _plain),
    Field.PATIENT_RATE: ("basal and patient bolus rate together", units.format_rate),
    Field.BRIDGE: ("bridge decision", naming(BridgeDecision)),
    Field.BRIDGE_VOLUME: ("volume of the bridge", units.format_volume),
    Field.BRIDGE_RATE: ("rate of the bridge", units.format_rate),
    Field.BRIDGE_DURATION: ("duration of the bridge", units.format_duration),
    Field.BOLUS_KIND: ("kind of bolus", naming(BolusKind)),
    Field.PRIMING_VOLUME: ("priming volume", units.format_volume),
    Field.ALARM_INTERVAL: ("interval of the critical tone", units.format_duration),
    Field.NOTE: ("note", _bytes),
}
"""How a field is called, and how its values read."""

_REFUSALS: Final[dict[RefusalCode, str]] = {
    RefusalCode.MALFORMED: "the message is malformed",
    RefusalCode.UNKNOWN_MESSAGE: "the pump does not know this request",
    RefusalCode.UNKNOWN_VALUE: "the value has no meaning",
    RefusalCode.UNSUPPORTED_VERSION: "the pump speaks another version of the protocol",
    RefusalCode.LINK_NOT_OPEN: "the link is not open",
    RefusalCode.LINK_ID_USED: "the link id was used before",
    RefusalCode.SEQUENCE_REUSED: "the sequence number was used for another request",
    RefusalCode.SEQUENCE_STALE: "the sequence number is out of date",
    RefusalCode.AUTHENTICATION_REQUIRED: "it needs a link that was opened with a key",
    RefusalCode.AUTHENTICATION_FAILED: "the key was not taken",
    RefusalCode.AUTHENTICATION_LOCKED: "too many keys were wrong",
    RefusalCode.NOT_AUTHENTIC: "what arrived was forged, altered, or sent before",
    RefusalCode.NOT_PERMITTED: "the role of the key does not allow it",
    RefusalCode.NOT_NEAR: "the programming head does not lie on the pump",
    RefusalCode.NO_INTENT: (
        "the button on the programming head was not pressed within the last "
        f"{units.format_duration(INTENT_LIMIT_MS)}"
    ),
    RefusalCode.OUT_OF_RANGE: "out of range",
    RefusalCode.MISMATCH: "disagrees with the other values",
    RefusalCode.NOTHING_STAGED: "nothing is staged (it may have expired)",
    RefusalCode.STALE_DIGEST: "what is staged is not what was reviewed",
    RefusalCode.STALE_ORDER: "a later order was given before",
    RefusalCode.ORDER_REUSED: "the order number was used for another order",
    RefusalCode.TOO_MANY_PROGRAMMERS: "the pump cannot remember another programmer's orders",
    RefusalCode.BOLUS_ACTIVE: "a bolus is running",
    RefusalCode.NO_BOLUS: "no bolus is running",
    RefusalCode.WRONG_MODE: "the present mode does not allow it",
    RefusalCode.RESERVOIR_EMPTY: "the reservoir is believed empty",
    RefusalCode.END_OF_SERVICE: "the pump has reached its end of service",
    RefusalCode.ALARM_NOT_LISTED: "the pump does not list this alarm now",
    RefusalCode.ALARM_NOT_ACTIVE: "this alarm is not active now",
    RefusalCode.NOT_CONFIRMED: "above the soft limit, and the commit did not confirm this dose",
    RefusalCode.BRIDGE_UNDECIDED: "drug or concentration changes: bridge it, or decline to",
    RefusalCode.NOT_PRESCRIBED: "no patient bolus is prescribed",
    RefusalCode.LOCKED_OUT: "the lockout since the last patient bolus is not over",
    RefusalCode.ALLOTMENT_USED: "all patient boluses of 24 h are used",
    RefusalCode.INFUSION_HELD: "the pump has stopped all flow by itself",
    RefusalCode.NOT_COVERED: "the schedule does not cover it",
    RefusalCode.DUPLICATE: "it stands there twice",
}
"""Why a request was refused."""

_UNTIL: Final = frozenset({RefusalCode.LOCKED_OUT, RefusalCode.ALLOTMENT_USED})
"""Reasons whose value is no value of the field, but the pump time from which it is allowed."""

_WITHOUT_FIELD: Final = _UNTIL | {
    RefusalCode.AUTHENTICATION_REQUIRED,
    RefusalCode.AUTHENTICATION_FAILED,
    RefusalCode.AUTHENTICATION_LOCKED,
    RefusalCode.NOT_AUTHENTIC,
    RefusalCode.NOT_PERMITTED,
    RefusalCode.NOT_NEAR,
    RefusalCode.NO_INTENT,
}
"""Reasons that say everything without the field that they name."""

_refusal = {int(code): text for code, text in _REFUSALS.items()}


def why_refused(code: int) -> str:
    """The reason of a refusal in words, known or not."""
    return _refusal.get(code, f"code {code}")


def allowed_from_ms(refusal: Refusal) -> int | None:
    """The pump time from which a patient bolus is allowed again, if that is why it was refused."""
    return max(
        (each.value for each in refusal.reasons if each.code in _UNTIL and each.value is not None),
        default=None,
    )


def reason_text(reason: Reason) -> str:
    """One reason of a refusal: the field, what is wrong, and what would be allowed."""
    why = _REFUSALS[reason.code]
    if reason.code is RefusalCode.AUTHENTICATION_LOCKED and reason.value is not None:
        # To the next whole second: who tries again then must not be too early.
        seconds = -(-reason.value // 1_000)
        return f"{why}; it looks at none for another {units.format_duration(seconds * 1_000)}"
    if reason.field is Field.NONE or reason.code in _WITHOUT_FIELD:
        return why
    label, say = _FIELDS.get(reason.field, (spaced(reason.field), _plain))
    value = "" if reason.value is None else f" {say(reason.value)}"
    return f"{label}{value}: {why}{_allowed_text(reason.minimum, reason.maximum, say)}"


def allowed_text(reason: Reason) -> str | None:
    """What would be allowed instead, if a reason says so: ``allowed 0 mL to 20 mL``."""
    if reason.field is Field.NONE or reason.code in _WITHOUT_FIELD:
        return None
    _, say = _FIELDS.get(reason.field, ("", _plain))
    return _allowed_text(reason.minimum, reason.maximum, say).removeprefix("; ") or None


def _allowed_text(minimum: int | None, maximum: int | None, say: Callable[[int], str]) -> str:
    if minimum is None:
        return "" if maximum is None else f"; at most {say(maximum)}"
    if maximum is None:
        return f"; at least {say(minimum)}"
    if minimum == maximum:
        return f"; it must be {say(minimum)}"
    return f"; allowed {say(minimum)} to {say(maximum)}"


def roles_text(roles: Iterable[UserRole]) -> str:
    """Roles in a sentence: ``observer, clinician or service``; without one ``nobody``."""
    *others, last = [name_of(role) for role in roles] or ["nobody"]
    return f"{', '.join(others)} or {last}" if others else last


def allowed_roles_text(request_type: int, role: UserRole) -> str:
    """Why a role may not send a request, and which may; nothing is known of types of no message."""
    able = [each for each in UserRole if request_type in MAY_SEND[each]]
    if not able:
        return f"The key is of role {name_of(role)}; no key allows it."
    return f"The key is of role {name_of(role)}; this needs one of role {roles_text(able)}."


def request_name(request_type: int) -> str:
    """A request type in words, known or not."""
    try:
        return spaced(MessageType(request_type))
    except ValueError:
        return f"request 0x{request_type:02X}"


def refusal_text(refusal: Refusal) -> str:
    """A whole refusal: what was refused, and every reason; several stand on lines of their own."""
    reasons = [reason_text(reason) for reason in refusal.reasons]
    between = "\n  " if len(reasons) > 1 else ""
    listed = (between or " ") + between.join(reasons)
    return f"the pump refused to {request_name(refusal.request_type)}:{listed}"
