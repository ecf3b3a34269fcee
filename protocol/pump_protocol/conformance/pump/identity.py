"""Cases about what a pump says of itself, and protocol versions."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Final

from pump_protocol.codes import (
    ENVELOPE_BYTES,
    PROTOCOL_VERSION,
    SEALED_BIT,
    BolusKind,
    BridgeDecision,
    Capability,
    Field,
    MessageType,
    Mode,
    Nature,
    RefusalCode,
    Weekday,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal, plain_response, refused
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.ready import settled
from pump_protocol.conformance.state import expect_same, state_in
from pump_protocol.conformance.steps import Play, reconnect
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import a_drug, on_therapy
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.conformance.verdicts import Unmet
from pump_protocol.frames import frame_bytes
from pump_protocol.messages import (
    CloseLink,
    DayPattern,
    Identify,
    Identity,
    PatientBolus,
    PeriodicBolus,
    Prescription,
    Refusal,
    Request,
    Response,
    RollBackPrescription,
    StagePrescription,
    Step,
)
from pump_protocol.units import dose_for_rate, volume_for_dose

_PRODUCT_BYTES: Final = 64
_TEXT_BYTES: Final = 32


@pump_case(
    "identity/simulator",
    Level.MUST,
    "MSG-11 LINK-12",
    expects="nature SIMULATOR, a known security profile, and this protocol version or a higher one",
)
def simulator(tester: Tester) -> Play[None]:
    """Ask a pump who it is."""
    identity = yield from tester.ask_outside(Identify())
    expect_equal("nature", identity.nature, Nature.SIMULATOR)
    expect(
        identity.protocol_version >= PROTOCOL_VERSION,
        f"protocol_version is {identity.protocol_version}; the pump speaks {PROTOCOL_VERSION}",
    )


@pump_case(
    "identity/fixed",
    Level.MUST,
    "MSG-11 LINK-14",
    expects="the same answer each time",
)
def fixed(tester: Tester) -> Play[None]:
    """Ask a pump who it is outside any link, in a link, after it and after a reconnection."""
    told = tester.identity
    link = yield from tester.link()
    _same(told, (yield from link.ask(Identify())), "in a link")
    yield from link.ask(CloseLink())
    _same(told, (yield from tester.ask_outside(Identify())), "after a link")
    yield from reconnect()
    _same(told, (yield from tester.ask_outside(Identify())), "after a reconnection")


def _same(first: Identity, again: Identity, when: str) -> None:
    for each in fields(Identity):
        before, now = getattr(first, each.name), getattr(again, each.name)
        expect(before == now, f"{each.name} is {now} {when}, and was {before} before")


@pump_case(
    "identity/texts",
    Level.MUST,
    "MSG-11 MSG-05",
    expects="product of at most 64 bytes, model, serial number and firmware version of at most 32",
)
def texts(tester: Tester) -> Play[None]:
    """Measure the texts in which a pump says who it is."""
    yield from tester.identify()
    identity = tester.identity
    for name, most in (
        ("product", _PRODUCT_BYTES),
        ("model", _TEXT_BYTES),
        ("serial_number", _TEXT_BYTES),
        ("firmware_version", _TEXT_BYTES),
    ):
        size = len(getattr(identity, name).encode())
        expect(size <= most, f"{name} has {size} bytes; at most {most} are allowed")


@pump_case(
    "identity/limits-leave-room",
    Level.MUST,
    "MSG-11",
    expects="no range of what the pump says that it can do from which nothing could be chosen",
)
def limits_leave_room(tester: Tester) -> Play[None]:
    """Compare the limits that a pump says it enforces with each other, as far as it can do what
    they limit."""
    yield from tester.identify()
    identity = tester.identity
    every = Capability(0)
    rated = Capability.SIMPLE_CONTINUOUS | Capability.FLEX
    timed = Capability.SINGLE_BOLUS | Capability.PERIODIC_BOLUS | Capability.PATIENT_BOLUS
    for needed, least, most in (
        (rated, "minimum_therapeutic_rate_nl_per_day", "maximum_rate_nl_per_day"),
        (timed, "minimum_bolus_duration_ms", "maximum_bolus_duration_ms"),
        (every, "minimum_concentration_ng_per_ml", "maximum_concentration_ng_per_ml"),
        (every, "minimum_silence_ms", "maximum_silence_non_critical_ms"),
        (every, "minimum_silence_ms", "maximum_silence_critical_ms"),
        (Capability.PERIODIC_BOLUS, "minimum_bolus_interval_ms", "maximum_bolus_interval_ms"),
        (Capability.PATIENT_BOLUS, "minimum_lockout_ms", "maximum_lockout_ms"),
        (every, "minimum_critical_interval_ms", "maximum_critical_interval_ms"),
    ):
        low, high = getattr(identity, least), getattr(identity, most)
        if not needed or identity.capabilities & needed:
            expect(low <= high, f"{least} is {low} and {most} {high}: nothing lies between them")
    for needed, name in (
        (every, "reservoir_capacity_nl"),
        (rated | Capability.PERIODIC_BOLUS, "maximum_daily_dose_ng"),
        (timed, "maximum_bolus_dose_ng"),
        (Capability.PATIENT_BOLUS, "maximum_patient_boluses_per_day"),
        (Capability.PRIMING_BOLUS, "maximum_priming_volume_nl"),
    ):
        if not needed or identity.capabilities & needed:
            expect(getattr(identity, name) > 0, f"{name} is 0: nothing is allowed")


@pump_case(
    "identity/capability-missing",
    Level.MUST,
    "MSG-11",
    expects="a refusal of whatever the pump says that it cannot do",
)
def capability_missing(tester: Tester) -> Play[None]:
    """Ask for each thing that the pump does not claim to be able to do."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    capabilities = tester.identity.capabilities
    before = yield from state_in(link)
    wanted: list[tuple[Capability, Request[Response]]] = [
        (capability, StagePrescription(each))
        for capability, each in _prescriptions(tester.identity, prescription)
        if capability not in capabilities
    ]
    if Capability.SINGLE_BOLUS not in capabilities:
        wanted.append((Capability.SINGLE_BOLUS, next_bolus(link, prescription)))
    if Capability.PRIMING_BOLUS not in capabilities:
        bolus = next_bolus(link, prescription)
        wanted.append((Capability.PRIMING_BOLUS, replace(bolus, kind=BolusKind.PRIMING)))
    for capability, request in wanted:
        response = yield from link.exchange(link.frame(request))
        if not isinstance(response, Refusal):
            if isinstance(request, StagePrescription):
                yield from link.ask(RollBackPrescription())
            name = type(response).__name__
            raise Unmet(f"{name} answers what needs {capability.name}, which the pump lacks")
    yield from expect_same(link, before)


def _prescriptions(
    identity: Identity, common: Prescription
) -> Iterator[tuple[Capability, Prescription]]:
    """What would be in order if the pump could do it."""
    drug = common.drug or a_drug(identity)
    concentration = drug.concentration_ng_per_ml
    lowest = identity.minimum_rate_nl_per_day
    yield (
        Capability.MINIMUM_RATE,
        replace(
            common,
            mode=Mode.MINIMUM_RATE,
            rate_nl_per_day=lowest,
            daily_dose_ng=dose_for_rate(lowest, concentration),
        ),
    )
    everyday = DayPattern(Weekday(0x7F), (Step(0, common.rate_nl_per_day),))
    flex = replace(
        common,
        mode=Mode.FLEX,
        days=(everyday,),
        daily_dose_ng=dose_for_rate(common.rate_nl_per_day, concentration),
    )
    yield Capability.FLEX, flex
    dose_ng = min(identity.maximum_bolus_dose_ng, dose_for_rate(10_000, concentration))
    volume_nl = volume_for_dose(dose_ng, concentration)
    duration_ms = identity.minimum_bolus_duration_ms
    periodic = PeriodicBolus(common.rate_nl_per_day, dose_ng, volume_nl, duration_ms, DAY_MS, 0)
    rate_nl_per_day = common.rate_nl_per_day + volume_nl
    yield (
        Capability.PERIODIC_BOLUS,
        replace(
            common,
            mode=Mode.PERIODIC_BOLUS,
            periodic_boluses=(periodic,),
            rate_nl_per_day=rate_nl_per_day,
            daily_dose_ng=dose_for_rate(rate_nl_per_day, concentration),
        ),
    )
    lockout_ms = max(duration_ms, identity.minimum_lockout_ms)
    patient = PatientBolus(dose_ng, volume_nl, duration_ms, lockout_ms, 1)
    yield Capability.PATIENT_BOLUS, replace(common, patient_boluses=(patient,))
    mixture = replace(
        common,
        drugs=(drug, a_drug(identity, "saline")),
        bridge_decision=BridgeDecision.DECLINED,
    )
    yield Capability.MIXTURES, mixture


@pump_case(
    "identity/other-version",
    Level.MUST,
    "LINK-12 MSG-09 FRAME-04",
    expects="UNSUPPORTED_VERSION with the version and those that are spoken, plain, whatever the"
    " type, the link and the payload",
    changes_nothing=True,
)
def other_version(tester: Tester) -> Play[None]:
    """Requests of other protocol versions, of known and unknown types, in a link and outside."""
    link = yield from tester.link()
    highest = tester.identity.protocol_version
    for version in (0, highest + 1, SEALED_BIT - 1, SEALED_BIT | highest + 1):
        for message_type, link_id, payload in (
            (MessageType.IDENTIFY, 0, b""),
            (MessageType.ABORT_BOLUS, link.link_id, b""),
            (MessageType.SET_CLOCK, link.link_id, b"\xff"),
            (0x7E, tester.new_link_id(), b"\xff"),
        ):
            sent = payload.rjust(ENVELOPE_BYTES) if version & SEALED_BIT else payload
            frame = yield from tester.exchange(frame_bytes(message_type, link_id, 9, sent, version))
            response = plain_response(frame, link_id, 9)
            reason = refused(response, message_type, RefusalCode.UNSUPPORTED_VERSION, Field.VERSION)
            expect_equal("value of the reason", reason.value, version & ~SEALED_BIT)
            expect_equal("maximum of the reason", reason.maximum, highest)
            expect(
                reason.minimum is not None and 1 <= reason.minimum <= highest,
                f"minimum of the reason is {reason.minimum}; expected: 1 to {highest}",
            )
    yield from link.ask(CloseLink())
