"""Acts of one request: alarms and their tones, note, clock, emergency access, pairing."""

from datetime import UTC, datetime

from pump_programmer import arguments, emergency_text, sentences
from pump_programmer.emergency import EmergencyAccess
from pump_programmer.enrolment import check_code, enrol, public
from pump_programmer.errors import PumpRefused
from pump_programmer.keystore import KeyStore
from pump_programmer.phrases import alarm_line, alarm_state
from pump_programmer.programmer import Programmer
from pump_programmer.terminal import ExitCode
from pump_programmer.times import parse_clock
from pump_programmer.web.desk import Desk
from pump_programmer.web.done import resolved_view, status_after
from pump_programmer.web.outcomes import Resolved
from pump_programmer.web.ranges import within
from pump_programmer.web.shown import alarms_view, facts_view, pump_view
from pump_programmer.web.troubles import Form, bad_value, checked, problem_of
from pump_programmer.web.wording import label_of
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import UserRole
from pump_protocol.errors import LocalError
from pump_protocol.jsonable import Json, fields_of, jsonable
from pump_protocol.web.problems import Problem

# --- Alarms --------------------------------------------------------------------------------------


def silence(desk: Desk, alarm: str, duration: str) -> dict[str, Json]:
    """Hold the tone of an active alarm for a time."""
    form = Form({"for": duration})
    wanted = arguments.alarm(alarm, label_of("alarm"))
    checked(form, [("for", lambda: units.DURATION.parse(duration, label_of("for")))])
    duration_ms = units.DURATION.parse(duration)
    try:
        done = desk.act(lambda programmer: programmer.silence(wanted, duration_ms))
    except PumpRefused as refused:
        raise problem_of(refused, form) from refused
    return _alarm_view(desk, done)


def acknowledge(desk: Desk, alarm: str) -> dict[str, Json]:
    """Say that a person has seen an alarm."""
    wanted = arguments.alarm(alarm, label_of("alarm"))
    return _alarm_view(desk, desk.act(lambda programmer: programmer.acknowledge(wanted)))


def _alarm_view(desk: Desk, done: m.AlarmRecord | Resolved) -> dict[str, Json]:
    if isinstance(done, Resolved):
        return resolved_view(done)
    status = status_after(desk)
    text = alarm_state(done) if status is None else alarm_line(status, done)
    return {
        "record": jsonable(done),
        "status_read": status is not None,
        "shown": {"text": text},
    }


def test_tone(desk: Desk, alarm_class: str) -> dict[str, Json]:
    """Sound the tone of a class once."""
    wanted = arguments.alarm_class(alarm_class, label_of("class"))
    done = desk.read(lambda programmer: programmer.test_alarm(wanted))
    return {**fields_of(done), "shown": {"text": sentences.tone_tested(done)}}


def set_interval(desk: Desk, interval: str) -> dict[str, Json]:
    """Change how often the critical tone repeats."""
    form, called = Form({"interval": interval}), label_of("interval")
    identity = desk.read(lambda programmer: programmer.identify())
    checked(form, [("interval", lambda: within(identity, "alarm_interval", interval, called))])
    interval_ms = units.DURATION.parse(interval)
    done = desk.act(lambda programmer: programmer.set_alarm_interval(interval_ms))
    if isinstance(done, Resolved):
        return resolved_view(done)
    return {**fields_of(done), "shown": {"text": sentences.interval_set(done)}}


# --- Note and clock ------------------------------------------------------------------------------


def write_note(desk: Desk, text: str) -> dict[str, Json]:
    """Keep a note on the pump, and read it back."""
    form = Form({"text": text})
    checked(form, [("text", lambda: arguments.check_note(text, label_of("text")))])

    def write(programmer: Programmer) -> m.NoteReport:
        programmer.write_note(text)
        return programmer.read_note()

    done = desk.act(write)
    if isinstance(done, Resolved):
        return resolved_view(done)
    return {**fields_of(done), "shown": {"text": sentences.note(done)}}


def set_clock(desk: Desk, time: str) -> dict[str, Json]:
    """Set the pump's local clock."""
    now = datetime.now(tz=UTC).astimezone()
    form = Form({"time": time})
    checked(form, [("time", lambda: parse_clock(time, now, label_of("time")))])
    clock_ms = parse_clock(time, now)
    done = desk.act(lambda programmer: programmer.set_clock(clock_ms))
    if isinstance(done, Resolved):
        return resolved_view(done)
    return {**fields_of(done), "shown": {"text": sentences.clock_was_set(done)}}


# --- Keys ----------------------------------------------------------------------------------------


def keys() -> dict[str, Json]:
    """The stored keys; no secret is told."""
    store = KeyStore()
    return {
        "stored_in": str(store.path),
        "keys": [
            {"serial_number": each.serial_number, **public(each.key.role, each.key.key_id)}
            for each in store.stored()
        ],
    }


def pair(desk: Desk, code: str, role: UserRole) -> dict[str, Json]:
    """Get a key for the code that the pump shows, store it, and connect with it."""
    try:
        check_code(code, role, label_of("code"))
    except LocalError as error:
        # The code is not repeated: it is good for a key.
        raise bad_value(Form({}), [("code", error)]) from error
    access = desk.access
    with desk.port_given_back():
        enrolled = enrol(
            access.address,
            code,
            role,
            store=KeyStore(),
            programmer_id=access.programmer_id,
            patience=access.patience,
        )
    # Keys of several roles may be stored now: this one is meant, unless another was given.
    desk.try_connect(None if access.key is not None else role)
    return {
        **enrolled.result,
        "pump": pump_view(enrolled.identity),
        "shown": {"text": enrolled.text},
    }


# --- Emergency -----------------------------------------------------------------------------------


def emergency(desk: Desk) -> dict[str, Json]:
    """Who answers, and what the emergency acts would do. Needs no proximity."""
    with desk.port_given_back(), _access(desk) as access:
        identity = access.identify()
    return {
        "pump": pump_view(identity),
        "warnings": {
            "minimum_rate": emergency_text.minimum_rate_warning(identity).strip(),
            "stop": emergency_text.stop_warning(identity).strip(),
        },
    }


def emergency_status(desk: Desk) -> dict[str, Json]:
    """Drug, rate, reservoir and alarms, without a key."""
    with desk.port_given_back(), _access(desk) as access:
        report = access.status()
    clock = emergency_text.clock_of(report)
    return {
        **fields_of(report),
        "shown": {
            "facts": facts_view(emergency_text.emergency_facts(report)),
            "alarms": alarms_view(clock, report.alarms),
        },
    }


def emergency_minimum_rate(desk: Desk, *, confirmed: bool) -> dict[str, Json]:
    """Go down to the minimum rate."""
    _check_confirmed(confirmed)
    with desk.port_given_back(), _access(desk) as access:
        done = access.minimum_rate()
    desk.note_change()
    return {**fields_of(done), "shown": {"text": emergency_text.minimum_rate_text(done)}}


def emergency_stop(desk: Desk, *, confirmed: bool) -> dict[str, Json]:
    """Stop all infusion."""
    _check_confirmed(confirmed)
    with desk.port_given_back(), _access(desk) as access:
        done = access.stop()
    desk.note_change()
    return {**fields_of(done), "shown": {"text": emergency_text.stopped_text(done)}}


def _access(desk: Desk) -> EmergencyAccess:
    return EmergencyAccess(desk.access.address, patience=desk.access.patience)


def _check_confirmed(confirmed: bool) -> None:
    if not confirmed:
        raise Problem(
            409,
            "not_confirmed",
            "not confirmed: nothing was changed",
            exit_code=int(ExitCode.NOT_CONFIRMED),
        )
