"""Whoever gives a pump orders, and what they order, made from the limits that it tells of itself.

Each order has the next number. What a pump ought to do with one, the cases know.
"""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from pump_protocol.codes import BolusKind, BolusOutcome, Mode
from pump_protocol.conformance.allowed import highest_basal
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.pump.common.reading import bolus_of
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.tester_link import TesterLink
from pump_protocol.conformance.therapy import (
    a_bolus,
    a_drug,
    bolus_dose,
    end_bolus,
    steady,
    within,
)
from pump_protocol.conformance.times import DAY_MS, HOUR_MS, MINUTE_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    AbortBolus,
    BolusAborted,
    BolusReport,
    Drug,
    Identity,
    Interrogate,
    OrderBolus,
    PatientBolus,
    PatientBolusStarted,
    PeriodicBolus,
    Prescription,
    Request,
    RequestPatientBolus,
    Response,
    StatusReport,
)
from pump_protocol.reckoning import periodic_daily_dose_ng, periodic_rate_nl_per_day
from pump_protocol.units import dose_for_rate, volume_for_dose

_VOLUME_NL: Final = 10_000

WEAK_NG_PER_ML: Final = 25_000
"""A concentration at which volume and flow reach their limits before a dose does."""

STRONG_NG_PER_ML: Final = 1_000_000
"""A concentration at which a dose follows every volume: one ng in a nL."""


def take_order(link: TesterLink, number: int | None = None) -> int:
    """The next order number, or that one, which is taken from then on."""
    number = link.next_order if number is None else number
    link.opened = replace(link.opened, last_order_number=number)
    return number


def next_bolus(link: TesterLink, prescription: Prescription) -> OrderBolus:
    """A single bolus that the pump must take on top of that prescription.

    It lasts half a day if it may: it runs still when the next request arrives, however fast therapy
    time goes, and is no flow that a pump might not command.
    """
    identity = link.tester.identity
    drug = prescription.drug or a_drug(identity)
    return a_bolus(identity, take_order(link), drug=drug, duration_ms=DAY_MS // 2)


@dataclass(frozen=True, slots=True)
class Bedside:
    """An open link to a pump on which a known prescription is in force and no bolus runs.

    :ivar prescription: what is in force.
    """

    link: TesterLink
    prescription: Prescription

    @property
    def identity(self) -> Identity:
        """The limits of the pump."""
        return self.link.tester.identity

    @property
    def drug(self) -> Drug:
        """The primary drug."""
        drug = self.prescription.drug
        assert drug is not None
        return drug

    @property
    def basal_nl_per_day(self) -> int:
        """What flows beside any bolus, in mode SIMPLE_CONTINUOUS."""
        return self.prescription.rate_nl_per_day

    def bolus(
        self,
        *,
        volume_nl: int | None = None,
        duration_ms: int | None = None,
        kind: BolusKind = BolusKind.SINGLE,
    ) -> OrderBolus:
        """An order under the next number, as long as may be if not told.

        :param volume_nl: about what it is to be; a common volume, if there is room for it.
        :raises Unsupported: the limits of the pump leave no room for it.
        """
        identity, concentration = self.identity, self.drug.concentration_ng_per_ml
        longest_ms = identity.maximum_bolus_duration_ms
        wanted_ms = longest_ms if duration_ms is None else duration_ms
        if not identity.minimum_bolus_duration_ms <= wanted_ms <= longest_ms:
            raise Unsupported(f"the pump allows no bolus of {wanted_ms} ms")
        if volume_nl is None:
            volume_nl = min(_VOLUME_NL, self.room_nl(wanted_ms))
            if kind is BolusKind.PRIMING:
                volume_nl = min(volume_nl, identity.maximum_priming_volume_nl)
        dose_ng = dose_for_rate(volume_nl, concentration)
        if kind is BolusKind.SINGLE:
            dose_ng = max(1, dose_ng)
            volume_nl = volume_for_dose(dose_ng, concentration)
        order = OrderBolus(
            take_order(self.link), kind, dose_ng, concentration, volume_nl, wanted_ms
        )
        basal = highest_basal(self.prescription)
        if rate_of(order) + basal > identity.maximum_rate_nl_per_day:
            raise Unsupported(
                f"the pump is too slow for {volume_nl} nL in {wanted_ms} ms on top of {basal}"
                " nL/day"
            )
        return order

    def room_nl(self, duration_ms: int) -> int:
        """The greatest volume that a bolus of that duration may have, as far as limits go.

        :raises Unsupported: they leave no room for any.
        """
        basal = highest_basal(self.prescription)
        dose_ng = bolus_dose(
            self.identity, self.drug, self.identity.reservoir_capacity_nl, duration_ms, basal
        )
        return volume_for_dose(dose_ng, self.drug.concentration_ng_per_ml)

    def ask_for_bolus(self) -> RequestPatientBolus:
        """The patient's request under the next number."""
        return RequestPatientBolus(take_order(self.link))

    def status(self) -> Play[StatusReport]:
        """How the pump stands."""
        return (yield from self.link.ask(Interrogate()))

    def running(self) -> Play[BolusReport]:
        """The bolus that must be running.

        :raises Unmet: none is.
        """
        status = yield from self.status()
        bolus = bolus_of(status)
        expect_equal("outcome of the bolus", bolus.outcome.name, BolusOutcome.RUNNING.name)
        return bolus

    def abort(self) -> Play[BolusAborted]:
        """End the running bolus, where that is what is judged."""
        return (yield from self.link.ask(AbortBolus()))

    def end(self) -> Play[None]:
        """End the bolus that must be running, before something else is looked at.

        :raises Unmet: none is running.
        :raises Unsupported: AbortBolus is refused otherwise.
        """
        yield from end_bolus(self.link, must_run=True)

    def leave(self) -> Play[None]:
        """End the bolus that must be running when all is judged: where AbortBolus is refused it
        goes on.

        :raises Unmet: none is running.
        """
        with suppress(Unsupported):
            yield from self.end()

    def reopened(self) -> Play["Bedside"]:
        """The same in a new link."""
        link = yield from self.link.tester.link()
        return replace(self, link=link)


# --- What is prescribed ---------------------------------------------------------------------------


def with_patient_bolus(
    identity: Identity,
    *,
    lockout_ms: int = HOUR_MS,
    allotted_per_day: int = 4,
    volume_nl: int = _VOLUME_NL,
    duration_ms: int = 30 * MINUTE_MS,
) -> Prescription:
    """A common prescription with a bolus that the patient may ask for.

    It is of less than *volume_nl* where the limits of the pump leave no room for that.
    """
    plain = steady(identity)
    assert plain.drug is not None
    lasts_ms = within(
        min(duration_ms, identity.maximum_lockout_ms),
        identity.minimum_bolus_duration_ms,
        identity.maximum_bolus_duration_ms,
    )
    allotted = within(allotted_per_day, 1, identity.maximum_patient_boluses_per_day)
    dose_ng = bolus_dose(identity, plain.drug, volume_nl, lasts_ms, plain.rate_nl_per_day)
    room_ng = (identity.maximum_daily_dose_ng - plain.daily_dose_ng) // allotted
    dose_ng = within(dose_ng, 1, max(1, room_ng))
    bolus = PatientBolus(
        dose_ng,
        volume_for_dose(dose_ng, plain.drug.concentration_ng_per_ml),
        lasts_ms,
        within(lockout_ms, max(lasts_ms, identity.minimum_lockout_ms), identity.maximum_lockout_ms),
        allotted,
    )
    return replace(plain, patient_boluses=(bolus,))


def with_periodic_bolus(identity: Identity, *, first_after_ms: int) -> Prescription:
    """A bolus of 10 min every hour, on a basal rate, or less often if it has to last longer."""
    plain = steady(identity)
    assert plain.drug is not None
    concentration = plain.drug.concentration_ng_per_ml
    lasts_ms = within(
        10 * MINUTE_MS, identity.minimum_bolus_duration_ms, identity.maximum_bolus_duration_ms
    )
    interval_ms = within(
        max(HOUR_MS, 6 * lasts_ms),
        identity.minimum_bolus_interval_ms,
        identity.maximum_bolus_interval_ms,
    )
    dose_ng = bolus_dose(identity, plain.drug, _VOLUME_NL, lasts_ms, plain.rate_nl_per_day)
    room_ng = (identity.maximum_daily_dose_ng - plain.daily_dose_ng) // -(-DAY_MS // interval_ms)
    dose_ng = within(dose_ng, 1, max(1, room_ng))
    bolus = PeriodicBolus(
        plain.rate_nl_per_day,
        dose_ng,
        volume_for_dose(dose_ng, concentration),
        lasts_ms,
        interval_ms,
        min(first_after_ms, interval_ms),
    )
    return replace(
        plain,
        mode=Mode.PERIODIC_BOLUS,
        rate_nl_per_day=periodic_rate_nl_per_day(bolus),
        daily_dose_ng=periodic_daily_dose_ng(bolus, concentration),
        periodic_boluses=(bolus,),
    )


def of_concentration(tester: Tester, concentration_ng_per_ml: int) -> Prescription:
    """A common prescription with about that concentration, and a threshold of 0."""
    identity = tester.identity
    wanted = steady(identity).drug
    assert wanted is not None
    allowed = within(
        concentration_ng_per_ml,
        identity.minimum_concentration_ng_per_ml,
        identity.maximum_concentration_ng_per_ml,
    )
    drug = replace(wanted, concentration_ng_per_ml=allowed)
    return replace(steady(identity, drug=drug), low_reservoir_threshold_nl=0)


# --- What is ordered ------------------------------------------------------------------------------


def order_of_dose(bed: Bedside, dose_ng: int) -> OrderBolus:
    """An order of that dose under the next number, as long as may be."""
    volume_nl = volume_for_dose(dose_ng, bed.drug.concentration_ng_per_ml)
    return replace(bed.bolus(), dose_ng=dose_ng, volume_nl=volume_nl)


def rate_of(order: OrderBolus | PatientBolus | PeriodicBolus) -> int:
    """The rate of a bolus in nL/day, rounded up (ORDER-04)."""
    return -(-order.volume_nl * DAY_MS // order.duration_ms)


def as_fast_as_may_be(bed: Bedside, basal_nl_per_day: int) -> OrderBolus:
    """A bolus that together with that rate stays just within the limit of the flow.

    :raises Unsupported: other limits of the pump stand in the way.
    """
    identity, concentration = bed.identity, bed.drug.concentration_ng_per_ml
    most = identity.maximum_rate_nl_per_day - basal_nl_per_day
    wanted_ms = within(
        12 * HOUR_MS, identity.minimum_bolus_duration_ms + 1, identity.maximum_bolus_duration_ms
    )
    volume_nl = min(most * wanted_ms // DAY_MS, identity.reservoir_capacity_nl * 3 // 4)
    dose_ng = min(dose_for_rate(volume_nl, concentration), identity.maximum_bolus_dose_ng)
    order = order_of_dose(bed, dose_ng)
    duration_ms = -(-order.volume_nl * DAY_MS // most)
    if not identity.minimum_bolus_duration_ms < duration_ms <= identity.maximum_bolus_duration_ms:
        raise Unsupported("no bolus that the pump allows reaches the limit of its flow")
    return replace(order, duration_ms=duration_ms)


def carried_out(bed: Bedside, order: OrderBolus) -> Play[None]:
    """The order is carried out, and the bolus aborted, if it has not ended by itself."""
    ordered = yield from bed.link.ask(order)
    expect_equal("volume_nl of the answer", ordered.volume_nl, order.volume_nl)
    expect_equal(
        "duration of the bolus", ordered.ends_at_ms - ordered.started_at_ms, order.duration_ms
    )
    yield from end_bolus(bed.link)


def answered_as_before(
    link: TesterLink, request: Request[Response], answer: Response
) -> Play[None]:
    """The repeat of an order must be answered as the order was.

    :raises Unmet: it is not.
    """
    again = yield from link.ask(request)
    expect_equal("the answer to the repeat", again, answer)


def prescribed(bed: Bedside) -> PatientBolus:
    """The patient bolus of the prescription in force."""
    patient = bed.prescription.patient
    assert patient is not None
    return patient


def given_one(bed: Bedside) -> Play[PatientBolusStarted]:
    """The patient asks, and is given the bolus."""
    return (yield from bed.link.ask(bed.ask_for_bolus()))
