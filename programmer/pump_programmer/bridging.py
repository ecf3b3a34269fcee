"""What becomes of the old drug in tubing and catheter when drug or concentration changes; pure.

It flows on at the new rate, which suits the new drug, unless it is bridged: infused at a rate that
suits the old one until it is used up. That is to be decided, never assumed (REQ-11).
"""

from dataclasses import dataclass, replace
from typing import Final

from pump_programmer.wishes import Bridging
from pump_protocol import units
from pump_protocol.codes import BridgeDecision, Mode
from pump_protocol.errors import LocalError
from pump_protocol.messages import Bridge, Drug, Identity, Prescription
from pump_protocol.reckoning import bridge_duration_ms

TREATING: Final = frozenset({Mode.SIMPLE_CONTINUOUS, Mode.FLEX, Mode.PERIODIC_BOLUS})
"""Modes that treat, as far as a mode tells."""

_MAX_BRIDGE_MS: Final = 30 * 86_400_000
_EXAMPLE_VOLUME_NL: Final = 100_000
_MS_PER_MIN: Final = 60_000


class PlanError(LocalError):
    """What was asked for does not make one whole prescription; nothing was changed."""


@dataclass(frozen=True, slots=True)
class BridgeNeed:
    """The old drug in tubing and catheter, and the rate that would suit it.

    ``impossible`` says why the pump could not deliver a bridge, and is empty if it could.
    """

    change: str
    tubing_volume_nl: int
    rate_nl_per_day: int
    impossible: str


def contents(prescription: Prescription) -> tuple[tuple[str, int], ...]:
    """What is in the reservoir, as far as it matters to a catheter: names and concentrations."""
    return tuple((drug.name, drug.concentration_ng_per_ml) for drug in prescription.drugs)


def is_needed(current: Prescription, pending: Prescription) -> bool:
    """Whether a decision is: another drug or concentration replaces one that is known."""
    return bool(current.drugs) and contents(current) != contents(pending)


def bridged(
    pending: Prescription, current: Prescription, bridging: Bridging, identity: Identity
) -> Prescription:
    """*pending* with the decision about its bridge, and the bridge that follows from it.

    :raises PlanError: nothing was decided and something must be, with what a bridge would be; or
        the decision cannot be carried out.
    """
    if not is_needed(current, pending):
        return _without_need(pending, current, bridging)
    need = _need(current, pending, identity)
    if bridging.decision is BridgeDecision.DECLINED:
        return replace(pending, bridge_decision=BridgeDecision.DECLINED, bridges=())
    if bridging.decision is None:
        raise PlanError(_undecided(need, bridging.catheter_volume_nl, identity))
    if need.impossible:
        raise PlanError(f"--bridge: {need.impossible}; --no-bridge begins with the new rate")
    if bridging.catheter_volume_nl is None:
        raise PlanError(
            'give the volume of the catheter with --bridge, as --catheter "0.2 mL"; the '
            f"tubing in the pump holds {units.format_volume(need.tubing_volume_nl)} more"
        )
    bridge = _bridge(need, bridging.catheter_volume_nl, identity)
    if bridge.duration_ms > _MAX_BRIDGE_MS:
        raise PlanError(
            f"--bridge: it would last {_about(bridge.duration_ms)}; allowed at most "
            f"{units.format_duration(_MAX_BRIDGE_MS)}; --no-bridge begins with the new rate"
        )
    return replace(pending, bridge_decision=BridgeDecision.BRIDGE, bridges=(bridge,))


def _without_need(pending: Prescription, current: Prescription, bridging: Bridging) -> Prescription:
    if bridging == Bridging():
        return replace(pending, bridge_decision=BridgeDecision.NOT_NEEDED, bridges=())
    if not current.drugs and bridging.decision is BridgeDecision.DECLINED:
        return replace(pending, bridge_decision=BridgeDecision.DECLINED, bridges=())
    options = {BridgeDecision.BRIDGE: "--bridge", BridgeDecision.DECLINED: "--no-bridge"}
    option = options[bridging.decision] if bridging.decision else "--catheter"
    why = (
        "neither drug nor concentration changes"
        if current.drugs
        else "the pump does not know what drug it had"
    )
    raise PlanError(f"{option}: {why}, so that there is nothing to bridge; leave it out")


def _need(current: Prescription, pending: Prescription, identity: Identity) -> BridgeNeed:
    old = current.drugs[0]
    rate = units.rate_for_dose(pending.daily_dose_ng, old.concentration_ng_per_ml)
    return BridgeNeed(
        change=f"the drug changes from {_named(current.drugs)} to {_named(pending.drugs)}",
        tubing_volume_nl=identity.internal_tubing_volume_nl,
        rate_nl_per_day=rate,
        impossible=_why_impossible(current, pending, rate, identity),
    )


def _why_impossible(
    current: Prescription, pending: Prescription, rate: int, identity: Identity
) -> str:
    if current.mode is Mode.STOPPED:
        return "no bridge is possible, because the pump is stopped"
    if pending.mode not in TREATING:
        return "no bridge is possible to a prescription that does not treat"
    least = identity.minimum_therapeutic_rate_nl_per_day
    most = identity.maximum_rate_nl_per_day
    if least <= rate <= most:
        return ""
    return (
        f"no bridge is possible: the new daily dose would need {units.format_rate(rate)} of the "
        f"old drug; allowed {units.format_rate(least)} to {units.format_rate(most)}"
    )


def _bridge(need: BridgeNeed, catheter_volume_nl: int, identity: Identity) -> Bridge:
    volume_nl = need.tubing_volume_nl + catheter_volume_nl
    most = identity.maximum_priming_volume_nl - need.tubing_volume_nl
    if not 0 <= catheter_volume_nl <= most or volume_nl < 1:
        raise PlanError(
            f"--catheter = {units.format_volume(catheter_volume_nl)}: allowed "
            f"0 mL to {units.format_volume(max(0, most))}"
        )
    rate = need.rate_nl_per_day
    return Bridge(volume_nl, rate, bridge_duration_ms(volume_nl, rate))


def _undecided(need: BridgeNeed, catheter_volume_nl: int | None, identity: Identity) -> str:
    text = f"{need.change}, and tubing and catheter still hold the old one. "
    declined = "--no-bridge (the new rate begins at once and delivers the old drug first)"
    if need.impossible:
        return f"{text}{need.impossible[0].upper()}{need.impossible[1:]}. Give {declined}"
    rate = units.format_rate(need.rate_nl_per_day)
    if catheter_volume_nl is None:
        tubing = need.tubing_volume_nl
        lasts = _about(bridge_duration_ms(tubing, need.rate_nl_per_day))
        more = _about(bridge_duration_ms(_EXAMPLE_VOLUME_NL, need.rate_nl_per_day))
        return (
            f"{text}Give --bridge with --catheter VOLUME (the old drug at {rate}: {lasts} for the "
            f"{units.format_volume(tubing)} of tubing and {more} for each "
            f"{units.format_volume(_EXAMPLE_VOLUME_NL)} of catheter; then the new rate), or "
            f"{declined}"
        )
    bridge = _bridge(need, catheter_volume_nl, identity)
    return (
        f"{text}Give --bridge ({units.format_volume(bridge.volume_nl)} of the old drug at {rate} "
        f"in {_about(bridge.duration_ms)}, then the new rate), or {declined}"
    )


def _named(drugs: tuple[Drug, ...]) -> str:
    return " + ".join(
        f"{drug.name} {units.format_concentration(drug.concentration_ng_per_ml, drug.mass_unit)}"
        for drug in drugs
    )


def _about(duration_ms: int) -> str:
    """A duration rounded up to the minute."""
    return units.format_duration(-(-duration_ms // _MS_PER_MIN) * _MS_PER_MIN)
