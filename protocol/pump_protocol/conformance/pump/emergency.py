"""Cases about emergency access: who gets it, what it tells, and what must not hinder it."""

from typing import Final

from pump_protocol.codes import (
    INTENT_LIMIT_MS,
    Field,
    Mode,
    RefusalCode,
    UserRole,
)
from pump_protocol.conformance.cases import Level, Profile, pump_case
from pump_protocol.conformance.expectations import accepted, expect, expect_equal, plain_response
from pump_protocol.conformance.hooks import lay_on, lay_on_and_press, lift_off, press
from pump_protocol.conformance.pump.common.emergencies import ALL, all_refused, restored
from pump_protocol.conformance.pump.common.ready import settled
from pump_protocol.conformance.pump.common.strangers import (
    locked_out,
    refused_by_lock,
    refused_plainly,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    committed,
    on_therapy,
)
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    CloseLink,
    EmergencyMinimumRate,
    EmergencyStatus,
    EmergencyStop,
    Interrogate,
)

_MARGIN_MS: Final = 1_200
"""So long before a limit a pump is asked: it may take a second for its answer."""


# --- Who gets it -------------------------------------------------------------------------------


@pump_case(
    "emergency/link-id-not-zero",
    Level.MUST,
    "EMERG-02 MSG-09",
    expects="OUT_OF_RANGE / LINK_ID, in plain frames; the open link goes on",
    changes_nothing=True,
)
def link_id_not_zero(tester: Tester) -> Play[None]:
    """The three emergency messages under a fresh link id, and under that of an open link with its
    next number, with and without a payload."""
    link = yield from tester.link()
    for link_id in (tester.new_link_id(), link.link_id, 1, 2**64 - 1):
        for request in ALL:
            for payload in (b"", b"\x00"):
                data = frame_bytes(request.message_type, link_id, link.sequence + 1, payload)
                code = RefusalCode.OUT_OF_RANGE
                yield from refused_plainly(tester, data, code, Field.LINK_ID)
    yield from link.ask(Interrogate())


@pump_case(
    "emergency/nobody-near",
    Level.MUST,
    "EMERG-03 EMERG-02 EMERG-10",
    expects="NOT_NEAR / NONE, under the number of the request, as often as it is asked",
    hooks="proximity button",
    changes_nothing=True,
)
def nobody_near(tester: Tester) -> Play[None]:
    """The three emergency messages while the head does not lie on the pump, with any sequence
    number, the same ones several times, and when the button was pressed all the same."""
    yield from lift_off()
    for pressed in (False, True):
        if pressed:
            yield from press()
        for request in ALL:
            for number in (0, 1, 1, 2**32 - 1, 5):
                data = frame_bytes(request.message_type, 0, number, b"")
                yield from refused_plainly(tester, data, RefusalCode.NOT_NEAR, Field.NONE)


@pump_case(
    "emergency/no-intent",
    Level.MUST,
    "EMERG-03",
    expects="NO_INTENT / NONE",
    hooks="proximity button",
    changes_nothing=True,
)
def no_intent(tester: Tester) -> Play[None]:
    """The three emergency messages while the head lies on the pump and the button was not pressed;
    or was, before the head was laid on it."""
    yield from lift_off()
    yield from lay_on()
    yield from all_refused(tester, RefusalCode.NO_INTENT)
    yield from lift_off()
    yield from press()
    yield from lay_on()
    yield from all_refused(tester, RefusalCode.NO_INTENT)
    yield from lift_off()


@pump_case(
    "emergency/intent-ends-with-proximity",
    Level.MUST,
    "EMERG-03 EMERG-10",
    expects="NOT_NEAR, and NO_INTENT when it lies there again, also to identical bytes",
    hooks="proximity button",
    changes_nothing=True,
)
def intent_ends_with_proximity(tester: Tester) -> Play[None]:
    """The button is pressed, EmergencyStatus is answered; the head is lifted off, and laid on
    again."""
    yield from lay_on_and_press()
    data = tester.outside(EmergencyStatus())
    number = int.from_bytes(data[12:16], "little")
    answer = yield from tester.exchange(data)
    accepted(EmergencyStatus(), plain_response(answer, 0, number))
    yield from lift_off()
    yield from refused_plainly(tester, data, RefusalCode.NOT_NEAR, Field.NONE)
    yield from all_refused(tester, RefusalCode.NOT_NEAR)
    yield from lay_on()
    yield from refused_plainly(tester, data, RefusalCode.NO_INTENT, Field.NONE)
    yield from all_refused(tester, RefusalCode.NO_INTENT)
    yield from lift_off()


@pump_case(
    "emergency/thirty-seconds",
    Level.MUST,
    "EMERG-03 TIME-03",
    expects="answered shortly before 30 s of link time, refused with NO_INTENT at them",
    hooks="proximity button",
    waits_ms=INTENT_LIMIT_MS,
    changes_nothing=True,
)
def thirty_seconds(tester: Tester) -> Play[None]:
    """EmergencyStatus shortly before and when 30 s have passed since the button was pressed; a
    request that is answered does not begin them anew."""
    yield from lay_on_and_press()
    yield from tester.wait(INTENT_LIMIT_MS - _MARGIN_MS)
    yield from tester.ask_outside(EmergencyStatus())
    yield from tester.wait(_MARGIN_MS)
    yield from all_refused(tester, RefusalCode.NO_INTENT)
    yield from lift_off()


# --- Reading -----------------------------------------------------------------------------------


@pump_case(
    "emergency/status",
    Level.MUST,
    "EMERG-01 EMERG-02 EMERG-04",
    expects="what an interrogation tells of the same, and nothing has changed",
    hooks="proximity button",
    changes_nothing=True,
)
def status(tester: Tester) -> Play[None]:
    """EmergencyStatus, between two interrogations in an open link."""
    link = yield from tester.link()
    yield from lay_on_and_press()
    before = yield from link.ask(Interrogate())
    report = yield from tester.ask_outside(EmergencyStatus())
    after = yield from link.ask(Interrogate())
    yield from lift_off()
    expect_equal("prescription of EmergencyStatus", report.prescription, after.prescription)
    expect_equal("service_state of EmergencyStatus", report.service_state, after.service_state)
    flow = report.infusing_nl_per_day
    expect_equal("infusing_nl_per_day of EmergencyStatus", flow, after.infusing_nl_per_day)
    told = [(each.alarm, each.raised_at_ms) for each in report.alarms]
    listed = [(each.alarm, each.raised_at_ms) for each in after.alarms]
    expect_equal("alarms of EmergencyStatus", told, listed)
    for what, low, found, high in (
        ("at_ms", before.at_ms, report.at_ms, after.at_ms),
        ("clock_ms", before.clock_ms, report.clock_ms, after.clock_ms),
        (
            "believed_volume_nl",
            after.believed_volume_nl,
            report.believed_volume_nl,
            before.believed_volume_nl,
        ),
    ):
        expect(low <= found <= high, f"{what} is {found}; expected: {low} to {high}")
    if report.prescription.mode is not Mode.STOPPED:
        expect_equal("stopped_alarm_at_ms", report.stopped_alarm_at_ms, None)


# --- What must not hinder them -----------------------------------------------------------------


@pump_case(
    "emergency/while-locked",
    Level.MUST,
    "EMERG-09 AUTH-10",
    expects="all three are answered",
    profile=Profile.AUTHENTICATED,
    hooks="proximity button",
    fresh=True,
)
def while_locked(tester: Tester) -> Play[None]:
    """The three emergency messages while a lock refuses every handshake."""
    link = yield from tester.link()
    yield from settled(link)
    yield from locked_out(tester)
    yield from refused_by_lock(tester, tester.key(), 1_000)
    yield from lay_on_and_press()
    for request in ALL:
        yield from tester.ask_outside(request)
    yield from restored(link)


@pump_case(
    "emergency/in-any-link",
    Level.MUST,
    "EMERG-02 EMERG-09",
    expects="they are answered, and the link goes on with its next number",
    hooks="proximity button",
)
def in_any_link(tester: Tester) -> Play[None]:
    """Emergency messages between the requests of an open link that is kept busy, under its next
    numbers; when no link is open; and in a link of an OBSERVER's key, if one was given."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from lay_on_and_press()
    for request in ALL:
        yield from link.ask(Interrogate())
        data = frame_bytes(request.message_type, 0, link.sequence + 1, b"")
        answer = yield from tester.exchange(data)
        accepted(request, plain_response(answer, 0, link.sequence + 1))
        yield from link.ask(Interrogate())
    yield from committed(link, prescription)
    yield from link.ask(CloseLink())
    yield from lay_on_and_press()
    yield from tester.ask_outside(EmergencyMinimumRate())
    if tester.authenticated and UserRole.OBSERVER in tester.subject.keys:
        yield from tester.link(UserRole.OBSERVER)
        yield from tester.ask_outside(EmergencyStop())
    link = yield from tester.link()
    yield from restored(link)
