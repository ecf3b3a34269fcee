"""What is about to happen, before a person agrees to it: boluses and refills."""

from pump_programmer.arguments import UsageError
from pump_programmer.cautions import Caution, bolus_cautions
from pump_programmer.facts import BolusPreview
from pump_programmer.history import Asker, LastFill, last_fill
from pump_programmer.residual import Residual, ResidualError, compare_residual
from pump_protocol import units
from pump_protocol.messages import Drug, PrescriptionReport, StatusReport


def single(drug: Drug, dose_ng: int, duration_ms: int) -> BolusPreview:
    """A bolus of so much of the drug."""
    volume_nl = units.volume_for_dose(dose_ng, drug.concentration_ng_per_ml)
    return BolusPreview(False, drug, dose_ng, volume_nl, duration_ms)


def priming(drug: Drug, volume_nl: int, duration_ms: int) -> BolusPreview:
    """A bolus that fills tubing and catheter, and how much of the drug is in it."""
    dose_ng = units.dose_for_rate(volume_nl, drug.concentration_ng_per_ml)
    return BolusPreview(True, drug, dose_ng, volume_nl, duration_ms)


def bolus_warnings(preview: BolusPreview, current: PrescriptionReport) -> tuple[Caution, ...]:
    """What to think of before a bolus is ordered; a priming one has its own sentence."""
    if preview.primes:
        return ()
    return bolus_cautions(current, preview.dose_ng, preview.duration_ms)


def residual(
    programmer: Asker,
    before: StatusReport,
    aspirated_nl: int | None,
    typed: str | None,
    option: str = "--aspirated",
) -> Residual:
    """What was drawn out against what the pump believes; the log is read only if there is any.

    :raises UsageError: more than the reservoir can have held, by the name of its *option*.
    """
    fill = LastFill(None) if aspirated_nl is None else last_fill(programmer, before)
    try:
        return compare_residual(
            before.believed_volume_nl,
            aspirated_nl,
            fill.volume_nl,
            before.reservoir_capacity_nl,
            why_no_fill=fill.why_unknown,
        )
    except ResidualError as error:
        raise UsageError(f"{option} = {typed!r}: {error.why}") from error
