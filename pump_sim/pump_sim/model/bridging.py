"""A change of drug: what must be decided about the old one in tubing and catheter (REQ-11).

What lies between reservoir and tip when the concentration changes is still the old drug, and it
leaves at whatever rate is set. A bridge keeps to the rate at which the old drug gives the new dose
until that volume has gone; to decline one is a decision as well, and is logged as such.
"""

from pump_sim.model import dosing
from pump_sim.model.prescription import Bridge, BridgeDecision, Mode, Prescription
from pump_sim.model.profile import Profile
from pump_sim.model.refusals import Field, Reason, RefusalCode, mismatch, out_of_range
from pump_sim.model.units import DAY_MS

MAX_DURATION_MS = 30 * DAY_MS
"""A bound against slips; tubing and catheter at the lowest therapeutic rate take a week."""


def check_bridge(new: Prescription, old: Prescription, profile: Profile) -> tuple[Reason, ...]:
    """Every reason why `new` may not follow `old` with the decision that it carries."""
    decision, bridge = new.bridge_decision, new.bridge
    if (decision is BridgeDecision.BRIDGE) is (bridge is None):
        return (Reason(RefusalCode.MISMATCH, Field.BRIDGE),)
    if old.drugs and new.same_drugs(old):
        return mismatch(Field.BRIDGE, decision.value, BridgeDecision.NOT_NEEDED.value)
    if old.drugs and decision is BridgeDecision.NOT_NEEDED:
        return (Reason(RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE),)
    if bridge is None:
        return ()
    # A pump that lost its drug cannot tell what it would bridge.
    if not old.drugs or not new.mode.treats or old.mode is Mode.STOPPED:
        return (Reason(RefusalCode.WRONG_MODE, Field.BRIDGE),)
    return _check_numbers(bridge, new, old, profile)


def _check_numbers(
    bridge: Bridge, new: Prescription, old: Prescription, profile: Profile
) -> tuple[Reason, ...]:
    rate_nl_per_day = bridge.rate_nl_per_day
    most_nl = profile.max_priming_volume_nl
    reasons = out_of_range(Field.BRIDGE_VOLUME, bridge.volume_nl, 1, most_nl)
    rate = dosing.rate_for_dose(new.daily_dose_ng, old.concentration_ng_per_ml)
    reasons += mismatch(Field.BRIDGE_RATE, rate_nl_per_day, rate)
    lowest, highest = profile.min_therapeutic_rate_nl_per_day, profile.max_rate_nl_per_day
    reasons += out_of_range(Field.BRIDGE_RATE, rate_nl_per_day, lowest, highest)
    if rate_nl_per_day > 0:
        duration_ms = dosing.bridge_duration_ms(bridge.volume_nl, rate_nl_per_day)
        reasons += mismatch(Field.BRIDGE_DURATION, bridge.duration_ms, duration_ms)
    return reasons + out_of_range(Field.BRIDGE_DURATION, bridge.duration_ms, 1, MAX_DURATION_MS)
