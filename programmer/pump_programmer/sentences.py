"""What was done, in the sentences that a person reads, on whatever screen; pure text."""

from pump_programmer.phrases import moment, runs_dry, volume, when
from pump_programmer.residual import Residual, flag_text, ratio_text
from pump_programmer.times import clock_text
from pump_programmer.words import spaced
from pump_protocol import messages as m
from pump_protocol import units


def committed(done: m.PrescriptionCommitted) -> str:
    """A prescription that is in force."""
    return f"Prescription version {done.version} is in force, read back and verified."


def nothing_flows(status: m.StatusReport | None, how: str = "pump-programmer refill") -> str:
    """That a pump which believes itself empty delivers nothing; or empty.

    :param how: how the pump is told of a refill.
    """
    if status is None or not runs_dry(status):
        return ""
    return (
        "NOTHING FLOWS: the pump believes that its reservoir is empty. Refill it, and tell "
        f"it so: {how}."
    )


def low_reservoir(status: m.StatusReport) -> str:
    """When the reservoir will be low."""
    return f"Low-reservoir alarm: {when(status, status.low_reservoir_at_ms)}."


def rolled_back(done: m.PrescriptionRolledBack) -> str:
    """That what was staged was dropped."""
    return (
        "It was dropped and nothing is staged. Prescription version "
        f"{done.version} is in force as before."
    )


def bolus_begun(ordered: m.BolusOrdered, status: m.StatusReport | None) -> str:
    """A bolus that has begun."""
    if status is None:
        lasts = units.format_duration(ordered.ends_at_ms - ordered.started_at_ms)
        moments = f"and lasts {lasts}"
    else:
        moments = (
            f"{moment(status, ordered.started_at_ms)} and ends {moment(status, ordered.ends_at_ms)}"
        )
    return (
        f"Bolus of {units.format_volume(ordered.volume_nl)} began {moments} "
        f"(order {ordered.order_number})."
    )


def bolus_ended(aborted: m.BolusAborted) -> str:
    """A bolus that was ended."""
    delivered = units.format_volume(aborted.delivered_nl)
    order = f" of order {aborted.order_number}" if aborted.order_number else ""
    return f"The {spaced(aborted.kind)}{order} has ended; {delivered} were delivered."


def priming_caution(identity: m.Identity) -> str:
    """What a priming bolus may do."""
    tubing = units.format_volume(identity.internal_tubing_volume_nl)
    return (
        f"The tubing in the pump holds {tubing}; whatever exceeds tubing and catheter "
        "reaches the patient at once."
    )


def refilled(updated: m.ReservoirUpdated) -> str:
    """What the pump believed, and what it believes now."""
    after = volume(updated.after_nl)
    return f"The pump believed {volume(updated.before_nl)} and now believes {after}."


def delivered_ratio(residual: Residual) -> str:
    """How much of what should have been delivered was; empty if nothing was compared."""
    if residual.actual_nl is None:
        return ""
    delivered = ratio_text(residual) or f"cannot be told: {residual.why_not}"
    flag = "" if residual.ratio_flag is None else f": {flag_text(residual.ratio_flag)}"
    return f"Delivered ratio: {delivered}{flag}."


def tone_tested(tested: m.AlarmTested) -> str:
    """A tone that sounds once."""
    sounds = units.format_duration(tested.duration_ms)
    return f"The {spaced(tested.alarm_class)} tone sounds for {sounds}."


def interval_set(was_set: m.AlarmIntervalSet) -> str:
    """How often a tone repeats."""
    every = units.format_duration(was_set.interval_ms)
    return f"The {spaced(was_set.alarm_class)} tone repeats every {every} from now on."


def clock_shows(status: m.StatusReport) -> str:
    """What the pump's clock shows."""
    return f"The pump's clock shows {clock_text(status.clock_ms)}."


def clock_was_set(was_set: m.ClockSet) -> str:
    """What the pump's clock showed, and what it shows now."""
    return (
        f"The pump's clock showed {clock_text(was_set.old_clock_ms)} "
        f"and now shows {clock_text(was_set.new_clock_ms)}."
    )


def note(found: m.NoteReport) -> str:
    """The clinician's note."""
    if not found.intact:
        return "The memory of the note has failed: write it anew."
    return found.text or "There is no note."
