"""Cases about when a pump says that its reservoir, and its life, will be at their end."""

from dataclasses import replace

from pump_protocol.codes import (
    Alarm,
    Capability,
    ServiceState,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect, expect_equal
from pump_protocol.conformance.pump.common.orders import next_bolus
from pump_protocol.conformance.pump.common.reading import absent, time_to_use
from pump_protocol.conformance.pump.common.ready import refill, settled
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    a_drug,
    committed,
    end_bolus,
    on_therapy,
    stopped,
    within,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    Interrogate,
    PatientBolus,
    Prescription,
    StagePrescription,
    StatusReport,
)
from pump_protocol.units import dose_for_rate, nearest, volume_for_dose


def _reached(status: StatusReport, at_ms: int) -> int | None:
    """A date; never if service ends before it (MSG-10)."""
    return at_ms if status.eos_at_ms is None or at_ms < status.eos_at_ms else None


def _expect_dates(
    status: StatusReport,
    prescription: Prescription,
    volume_nl: int,
    from_ms: int,
    when: str,
) -> None:
    """The dates of a pump that holds just *volume_nl* at *from_ms* and infuses steadily."""
    above_nl = volume_nl - prescription.low_reservoir_threshold_nl
    rate = prescription.rate_nl_per_day
    low_ms = _reached(status, from_ms + time_to_use(above_nl, rate))
    empty_ms = _reached(status, from_ms + time_to_use(volume_nl, rate))
    expect_equal(f"low_reservoir_at_ms {when}", status.low_reservoir_at_ms, low_ms)
    expect_equal(f"empty_reservoir_at_ms {when}", status.empty_reservoir_at_ms, empty_ms)


@pump_case(
    "status/predictions",
    Level.MUST,
    "MSG-10 MSG-13 ALARM-01",
    expects="the first whole ms at which the volume is at the threshold, and used up",
)
def predictions(tester: Tester) -> Play[None]:
    """Read the dates of the reservoir after refills to several volumes."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    threshold_nl = prescription.low_reservoir_threshold_nl
    for volume_nl in (threshold_nl + 1, threshold_nl + 10_001, threshold_nl + 777_777):
        done = yield from refill(link, volume_nl)
        status = yield from link.ask(Interrogate())
        if status.at_ms < done.updated_at_ms + time_to_use(1, prescription.rate_nl_per_day):
            absent(status, Alarm.LOW_RESERVOIR, "before the date that was predicted")
        _expect_dates(
            status, prescription, done.after_nl, done.updated_at_ms, f"after {done.after_nl} nL"
        )
    yield from settled(link)


@pump_case(
    "status/predictions-follow-a-commit",
    Level.MUST,
    "MSG-10",
    expects="dates that follow the new rate from the commit on, and no staged one",
)
def predictions_follow_a_commit(tester: Tester) -> Play[None]:
    """Read the dates of the reservoir with another rate staged, and then in force."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    done = yield from refill(link, tester.identity.reservoir_capacity_nl)
    other = _other_rate(tester, prescription)
    yield from link.ask(StagePrescription(other))
    status = yield from link.ask(Interrogate())
    _expect_dates(
        status, prescription, done.after_nl, done.updated_at_ms, "with another rate staged"
    )
    _, put = yield from committed(link, other)
    status = yield from link.ask(Interrogate())
    # What flowed until the commit did so at the old rate; both in nL times ms of a day.
    used = prescription.rate_nl_per_day * (put.committed_at_ms - done.updated_at_ms)
    left = (done.after_nl - other.low_reservoir_threshold_nl) * DAY_MS - used
    low_ms = _reached(status, put.committed_at_ms - (-left // other.rate_nl_per_day))
    expect_equal(
        "low_reservoir_at_ms after a commit of another rate", status.low_reservoir_at_ms, low_ms
    )
    yield from on_therapy(link)


def _other_rate(tester: Tester, prescription: Prescription) -> Prescription:
    """The same at half the rate, or at another one that is allowed, perhaps twice as high.

    :raises Unsupported: there is none.
    """
    identity = tester.identity
    drug = prescription.drug or a_drug(identity)
    least, most = identity.minimum_therapeutic_rate_nl_per_day, identity.maximum_rate_nl_per_day
    common = prescription.rate_nl_per_day
    for rate in (common // 2, common - 1, least, 2 * common):
        dose_ng = dose_for_rate(rate, drug.concentration_ng_per_ml)
        agreeing = nearest(dose_ng * 1_000_000, drug.concentration_ng_per_ml)
        allowed = least <= agreeing <= most and 1 <= dose_ng <= identity.maximum_daily_dose_ng
        if agreeing != common and allowed:
            return replace(prescription, daily_dose_ng=dose_ng, rate_nl_per_day=agreeing)
    raise Unsupported("the limits of the pump leave no room for another rate")


@pump_case(
    "status/never",
    Level.MUST,
    "MSG-07 MSG-10 PROG-03",
    expects="dates of the reservoir that never come, and no flow",
)
def never(tester: Tester) -> Play[None]:
    """Stop a pump, and read the dates of its reservoir."""
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    yield from committed(link, stopped(prescription))
    status = yield from link.ask(Interrogate())
    expect_equal("low_reservoir_at_ms", status.low_reservoir_at_ms, None)
    expect_equal("empty_reservoir_at_ms", status.empty_reservoir_at_ms, None)
    expect_equal("next_periodic_bolus_at_ms", status.next_periodic_bolus_at_ms, None)
    expect_equal("infusing_nl_per_day", status.infusing_nl_per_day, 0)
    yield from on_therapy(link)


@pump_case(
    "status/predictions-count-a-bolus",
    Level.MUST,
    "MSG-10",
    expects="dates that count the whole bolus while it runs, and what it gave when it was aborted",
)
def predictions_count_a_bolus(tester: Tester) -> Play[None]:
    """Read the dates of the reservoir during a bolus and after it was aborted."""
    tester.needs(Capability.SINGLE_BOLUS)
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    done = yield from refill(link, tester.identity.reservoir_capacity_nl)
    bolus = next_bolus(link, prescription)
    yield from link.ask(bolus)
    status = yield from link.ask(Interrogate())
    counted_nl = done.after_nl - bolus.volume_nl
    if done.after_nl - prescription.low_reservoir_threshold_nl <= 2 * bolus.volume_nl:
        raise Unsupported("the reservoir is low before the bolus ends")
    _expect_dates(status, prescription, counted_nl, done.updated_at_ms, "during a bolus")
    yield from end_bolus(link, must_run=True)
    status = yield from link.ask(Interrogate())
    without_ms = done.updated_at_ms + time_to_use(done.after_nl, prescription.rate_nl_per_day)
    with_ms = done.updated_at_ms + time_to_use(counted_nl, prescription.rate_nl_per_day)
    empty_ms = status.empty_reservoir_at_ms
    if _reached(status, without_ms) is None:
        raise Unsupported("the service of the pump ends before its reservoir is empty")
    expect(
        empty_ms is not None and with_ms < empty_ms <= without_ms,
        f"empty_reservoir_at_ms is {empty_ms} after a bolus was aborted; expected: between"
        f" {with_ms}, had it been delivered, and {without_ms}, without it",
    )


@pump_case(
    "status/earliest-low-reservoir",
    Level.MUST,
    "MSG-13",
    expects="low_reservoir_at_ms as if the patient asked at once, empty_reservoir_at_ms as if"
    " never",
)
def earliest_low_reservoir(tester: Tester) -> Play[None]:
    """Read the dates of the reservoir where one patient bolus a day is prescribed."""
    tester.needs(Capability.PATIENT_BOLUS)
    identity = tester.identity
    link = yield from tester.link()
    yield from settled(link)
    prescription = yield from on_therapy(link)
    drug = prescription.drug or a_drug(identity)
    dose_ng = within(
        dose_for_rate(10_000, drug.concentration_ng_per_ml), 1, identity.maximum_bolus_dose_ng
    )
    volume_nl = volume_for_dose(dose_ng, drug.concentration_ng_per_ml)
    duration_ms = within(
        HOUR_MS, identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    )
    lockout_ms = max(duration_ms, identity.minimum_lockout_ms)
    bolus = PatientBolus(dose_ng, volume_nl, duration_ms, lockout_ms, 1)
    yield from settled(link)
    yield from on_therapy(link, replace(prescription, patient_boluses=(bolus,)))
    # Low after half a day, so that the patient can ask once until then.
    above_nl = volume_nl + prescription.rate_nl_per_day // 2
    done = yield from refill(link, prescription.low_reservoir_threshold_nl + above_nl)
    status = yield from link.ask(Interrogate())
    states = status.patient_boluses
    expect_equal("number of patient_boluses", len(states), 1)
    if not states[0].left:
        raise Unsupported("the patient has asked in the last 24 h")
    rate = prescription.rate_nl_per_day
    low_ms = _reached(status, done.updated_at_ms + time_to_use(above_nl - volume_nl, rate))
    expect_equal("low_reservoir_at_ms", status.low_reservoir_at_ms, low_ms)
    empty_ms = _reached(status, done.updated_at_ms + time_to_use(done.after_nl, rate))
    expect_equal("empty_reservoir_at_ms", status.empty_reservoir_at_ms, empty_ms)
    yield from settled(link)


@pump_case(
    "status/service-dates",
    Level.MUST,
    "MSG-10 ALARM-01 ALARM-15",
    expects="a planned replacement half a year before the end of service, ERI 90 days before it,"
    " both dates in the future",
    fresh=True,
)
def service_dates(tester: Tester) -> Play[None]:
    """Read the dates of the battery of a pump in service."""
    link = yield from tester.link()
    status = yield from link.ask(Interrogate())
    old = {Alarm.ERI, Alarm.EOS, Alarm.REPLACEMENT_PLANNED}
    if any(each.alarm in old for each in status.alarms):
        raise Unsupported("the pump is too old: its replacement is due already")
    expect_equal("service_state", status.service_state, ServiceState.IN_SERVICE)
    expect(
        status.battery_remaining_ppm <= 1_000_000,
        f"battery_remaining_ppm is {status.battery_remaining_ppm}, more than there can be",
    )
    planned_ms, eri_ms, eos_ms = (
        status.replacement_planned_at_ms,
        status.eri_at_ms,
        status.eos_at_ms,
    )
    if eri_ms is None or eos_ms is None:
        raise Unsupported("the service life of the pump is not limited")
    expect(
        status.at_ms < eri_ms,
        f"eri_at_ms is {eri_ms}, past at {status.at_ms} ms, and the alarm ERI is not listed",
    )
    expect_equal("eos_at_ms less eri_at_ms", eos_ms - eri_ms, 90 * DAY_MS)
    half_a_year_ms = 6 * (30 * DAY_MS + 4_375 * DAY_MS // 10_000)
    wanted_ms = max(0, eos_ms - half_a_year_ms)
    expect_equal("replacement_planned_at_ms", planned_ms, wanted_ms)
