"""What a programmer orders of a pump: each order is carried out once, however often it is told."""

from pump_programmer.errors import VerificationFailed
from pump_programmer.reader import Reader
from pump_programmer.values import check_field, concentration_in_force
from pump_protocol import messages as m
from pump_protocol.codes import BolusKind
from pump_protocol.units import dose_for_rate, volume_for_dose


class Orderer(Reader):
    """Reads, and orders boluses and reservoir updates, exactly once each.

    Each order takes the next number. Who gives an *order_number* repeats the very same order of
    before, as after a restart: the pump answers from memory if it has carried it out, and carries
    it out if it never arrived. The same number with another content is refused.
    """

    def order_bolus(
        self,
        dose_ng: int,
        duration_ms: int,
        *,
        concentration_ng_per_ml: int | None = None,
        order_number: int | None = None,
    ) -> m.BolusOrdered:
        """Deliver a single bolus, once, on top of the basal rate.

        :param concentration_ng_per_ml: what the dose was reckoned with; by default that of the
            prescription in force, which is read first.
        :param order_number: of the order that is repeated.
        :raises VerificationFailed: the pump reports another order or volume.
        :raises TypeError, ValueError: a number that cannot be sent; nothing was.
        """
        check_field("dose_ng", dose_ng)
        check_field("duration_ms", duration_ms)
        if concentration_ng_per_ml is not None:
            check_field("concentration_ng_per_ml", concentration_ng_per_ml, minimum=1)
        else:
            concentration_ng_per_ml = concentration_in_force(self.read_prescription().prescription)
        volume_nl = volume_for_dose(dose_ng, concentration_ng_per_ml)
        check_field("volume_nl", volume_nl)
        return self._order_bolus(
            order_number,
            BolusKind.SINGLE,
            dose_ng,
            concentration_ng_per_ml,
            volume_nl,
            duration_ms,
        )

    def order_priming(
        self,
        volume_nl: int,
        duration_ms: int,
        *,
        concentration_ng_per_ml: int | None = None,
        order_number: int | None = None,
    ) -> m.BolusOrdered:
        """Deliver a priming bolus, once: it fills tubing and catheter.

        The parameters are those of :meth:`order_bolus`, with a volume instead of a dose; the pump
        limits the volume of a priming bolus, not its dose.

        :raises VerificationFailed: the pump reports another order or volume.
        :raises TypeError, ValueError: a number that cannot be sent; nothing was.
        """
        check_field("volume_nl", volume_nl)
        check_field("duration_ms", duration_ms)
        if concentration_ng_per_ml is not None:
            check_field("concentration_ng_per_ml", concentration_ng_per_ml, minimum=1)
        else:
            concentration_ng_per_ml = concentration_in_force(self.read_prescription().prescription)
        dose_ng = dose_for_rate(volume_nl, concentration_ng_per_ml)  # as much as in a day of a rate
        return self._order_bolus(
            order_number,
            BolusKind.PRIMING,
            dose_ng,
            concentration_ng_per_ml,
            volume_nl,
            duration_ms,
        )

    def request_patient_bolus(self, *, order_number: int | None = None) -> m.PatientBolusStarted:
        """Ask for the bolus that is prescribed, once, as the patient's handset does.

        :param order_number: of the order that is repeated.

        :raises PumpRefused: with every reason: none prescribed, lockout, allotment, and so on; the
            pump logs that, too (REQ-13).
        :raises VerificationFailed: the pump reports another order.
        """
        started, number = self._order(m.RequestPatientBolus, order_number)
        if started.order_number != number:
            raise VerificationFailed(
                f"the pump reports order {started.order_number} instead of order {number}; "
                "interrogate it"
            )
        return started

    def abort_bolus(self) -> m.BolusAborted:
        """End the running bolus; the basal rate goes on."""
        return self.exchange(m.AbortBolus())

    def refill(self, volume_nl: int, *, order_number: int | None = None) -> m.ReservoirUpdated:
        """Tell the pump the usable volume, in nL, that the reservoir holds after a refill.

        :param order_number: of the order that is repeated.

        :raises VerificationFailed: the pump reports another order or volume.
        :raises TypeError, ValueError: a number that cannot be sent; nothing was.
        """
        check_field("volume_nl", volume_nl)
        updated, number = self._order(
            lambda number: m.UpdateReservoir(number, volume_nl), order_number
        )
        if (updated.order_number, updated.after_nl) != (number, volume_nl):
            raise VerificationFailed(
                f"the pump reports order {updated.order_number} and {updated.after_nl} nL instead "
                f"of order {number} and {volume_nl} nL; interrogate it"
            )
        return updated

    def _order_bolus(
        self,
        order_number: int | None,
        kind: BolusKind,
        dose_ng: int,
        concentration: int,
        volume_nl: int,
        duration_ms: int,
    ) -> m.BolusOrdered:
        ordered, number = self._order(
            lambda number: m.OrderBolus(
                number, kind, dose_ng, concentration, volume_nl, duration_ms
            ),
            order_number,
        )
        if (ordered.order_number, ordered.volume_nl) != (number, volume_nl):
            raise VerificationFailed(
                f"the pump reports order {ordered.order_number} of {ordered.volume_nl} nL instead "
                f"of order {number} of {volume_nl} nL; interrogate it"
            )
        return ordered
