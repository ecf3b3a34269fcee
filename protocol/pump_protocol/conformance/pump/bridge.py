"""Cases about a change of drug: what has to be decided, and the numbers of a bridge."""

from dataclasses import replace

from pump_protocol.codes import (
    BridgeDecision,
    Capability,
    Field,
    RefusalCode,
)
from pump_protocol.conformance.cases import Level, pump_case
from pump_protocol.conformance.expectations import expect_equal
from pump_protocol.conformance.pump.common.ready import before_a_change, on_the_bench, tidy
from pump_protocol.conformance.pump.common.staging import (
    follow,
    limited,
    mismatched,
    taken,
    turned_down,
    with_bridge,
)
from pump_protocol.conformance.steps import Play
from pump_protocol.conformance.tester import Tester
from pump_protocol.conformance.therapy import (
    a_drug,
    at_dose,
    at_minimum,
    bridged,
    committed,
    declining,
    doubled,
    of_dose,
    other_dose,
    stopped,
    undecided,
)
from pump_protocol.conformance.times import DAY_MS
from pump_protocol.conformance.verdicts import Unsupported
from pump_protocol.messages import (
    Bridge,
    Prescription,
)

# --- Whether there is one ------------------------------------------------------------------------


@pump_case(
    "schedule/bridge-undecided",
    Level.MUST,
    "PROG-26",
    expects="refused with BRIDGE_UNDECIDED / BRIDGE, in every mode; taken when declined",
)
def bridge_undecided(tester: Tester) -> Play[None]:
    """Another concentration, and another name, with nothing decided; also to be stopped."""
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    renamed = replace(old, drugs=(replace(old.drug, name="other"),))
    changed = doubled(tester.identity, old)
    slow = [at_minimum(tester.identity, changed)]
    if Capability.MINIMUM_RATE not in tester.identity.capabilities:
        slow = []
    for new in (changed, renamed, stopped(changed), stopped(renamed), *slow):
        assert new.drug is not None
        what = f"{new.drug.name} of {new.drug.concentration_ng_per_ml} ng/mL in {new.mode.name}"
        code = RefusalCode.BRIDGE_UNDECIDED
        reason = yield from turned_down(link, undecided(new), code, Field.BRIDGE, what)
        expect_equal("value of BRIDGE_UNDECIDED", reason.value, None)
        yield from taken(link, declining(new, old), f"{what}, declined")
    yield from tidy(link)


@pump_case(
    "schedule/bridge-undecided-mixture",
    Level.MUST,
    "PROG-26",
    expects="refused with BRIDGE_UNDECIDED / BRIDGE: number and order count",
)
def bridge_undecided_mixture(tester: Tester) -> Play[None]:
    """A drug more, a drug less, two in the other order, another concentration of the second."""
    tester.needs(Capability.MIXTURES)
    link, old = yield from on_the_bench(tester)
    first, second = a_drug(tester.identity), a_drug(tester.identity, "clonidine")
    two = replace(old, drugs=(first, second))
    code, field = RefusalCode.BRIDGE_UNDECIDED, Field.BRIDGE
    yield from turned_down(link, two, code, field, "a drug more")
    yield from follow(link, two)
    other = doubled(tester.identity, old).drug
    assert other is not None
    other = replace(other, name=second.name)
    for what, drugs in (
        ("a drug less", (first,)),
        ("the other order", (second, first)),
        ("another concentration of the second", (first, other)),
    ):
        yield from turned_down(link, replace(two, drugs=drugs), code, field, what)
    yield from tidy(link)


@pump_case(
    "schedule/bridge-not-needed",
    Level.MUST,
    "PROG-27",
    expects="refused with MISMATCH / BRIDGE",
)
def bridge_not_needed(tester: Tester) -> Play[None]:
    """The same drug, with a bridge that is declined, and with one."""
    tester.needs(Capability.BRIDGE_BOLUS)
    link, old = yield from on_the_bench(tester)
    other = other_dose(tester.identity, old)
    declined = replace(other, bridge_decision=BridgeDecision.DECLINED)
    code, field = RefusalCode.MISMATCH, Field.BRIDGE
    for wrong in (declined, with_bridge(tester, other, old)):
        what = f"{wrong.bridge_decision.name} although no drug changes"
        yield from turned_down(link, wrong, code, field, what)
    yield from taken(link, other, "NOT_NEEDED where no drug changes")
    yield from tidy(link)


@pump_case(
    "schedule/bridge-decision-agrees",
    Level.MUST,
    "PROG-28",
    expects="refused with MISMATCH / BRIDGE, two bridges with DUPLICATE / BRIDGE",
)
def bridge_decision_agrees(tester: Tester) -> Play[None]:
    """BRIDGE without a bridge, DECLINED with one, and BRIDGE with two."""
    link, old, new = yield from before_a_change(tester)
    good = with_bridge(tester, new, old)
    none = replace(good, bridges=())
    declined = replace(good, bridge_decision=BridgeDecision.DECLINED)
    two = replace(good, bridges=good.bridges * 2)
    disagree, twice = RefusalCode.MISMATCH, RefusalCode.DUPLICATE
    yield from turned_down(link, none, disagree, Field.BRIDGE, "BRIDGE without a bridge")
    yield from turned_down(link, declined, disagree, Field.BRIDGE, "DECLINED with a bridge")
    yield from turned_down(link, two, twice, Field.BRIDGE, "two bridges")
    yield from taken(link, good, "BRIDGE with one bridge")
    yield from tidy(link)


@pump_case(
    "schedule/bridge-modes",
    Level.MUST,
    "PROG-28",
    expects="refused with WRONG_MODE / BRIDGE unless a treating mode follows one with flow",
)
def bridge_modes(tester: Tester) -> Play[None]:
    """A bridge to a stop, to the minimum rate, from a stop, and from the minimum rate."""
    link, old, new = yield from before_a_change(tester)
    bridge = with_bridge(tester, new, old)
    slow = Capability.MINIMUM_RATE in tester.identity.capabilities
    resting = [stopped(new), *([at_minimum(tester.identity, new)] if slow else [])]
    code, field = RefusalCode.WRONG_MODE, Field.BRIDGE
    for mode in resting:
        numbers = {"bridge_decision": bridge.bridge_decision, "bridges": bridge.bridges}
        wrong = replace(mode, **numbers)  # type: ignore[arg-type]
        yield from turned_down(link, wrong, code, field, f"a bridge to {wrong.mode.name}")
    if slow:
        yield from committed(link, at_minimum(tester.identity, old))
        yield from taken(link, bridge, "a bridge from MINIMUM_RATE")
    yield from committed(link, stopped(old))
    yield from turned_down(link, bridge, code, field, "a bridge from STOPPED")
    yield from tidy(link)


# --- Its numbers ---------------------------------------------------------------------------------


@pump_case(
    "schedule/bridge-numbers",
    Level.MUST,
    "PROG-28 PROG-02",
    expects="the new dose at the old concentration, nearest; the duration rounded up",
)
def bridge_numbers(tester: Tester) -> Play[None]:
    """Bridges with a rate and a duration beside the right ones."""
    link, old, new = yield from before_a_change(tester)
    good = _uneven(tester, new, old)
    yield from taken(link, good, "a bridge whose numbers agree")
    (bridge,) = good.bridges
    for value in (bridge.rate_nl_per_day - 1, bridge.rate_nl_per_day + 1):
        wrong = _with(good, replace(bridge, rate_nl_per_day=value))
        yield from mismatched(link, wrong, Field.BRIDGE_RATE, value, bridge.rate_nl_per_day)
    for value in (bridge.duration_ms - 1, bridge.duration_ms + 1):
        wrong = _with(good, replace(bridge, duration_ms=value))
        yield from mismatched(link, wrong, Field.BRIDGE_DURATION, value, bridge.duration_ms)
    yield from tidy(link)


def _uneven(tester: Tester, new: Prescription, old: Prescription) -> Prescription:
    """*new* at a slightly lower dose, with a bridge whose exact duration is no whole number of ms.

    :raises Unsupported: none is found.
    """
    for less_ng in range(1, 100):
        good = with_bridge(tester, at_dose(new, new.daily_dose_ng - less_ng), old)
        (bridge,) = good.bridges
        if bridge.volume_nl * DAY_MS % bridge.rate_nl_per_day:
            return good
    raise Unsupported("the limits of the pump leave no room for a bridge that is rounded")


def _with(prescription: Prescription, bridge: Bridge) -> Prescription:
    return replace(prescription, bridges=(bridge,))


@pump_case(
    "schedule/bridge-volume",
    Level.MUST,
    "PROG-28 REF-03",
    expects="1 to maximum_priming_volume_nl; otherwise OUT_OF_RANGE / BRIDGE_VOLUME",
)
def bridge_volume(tester: Tester) -> Play[None]:
    """Volumes just inside and just outside their limits."""
    link, old, new = yield from before_a_change(tester)
    limits = (1, tester.identity.maximum_priming_volume_nl)
    yield from limited(link, Field.BRIDGE_VOLUME, limits, lambda value: bridged(new, old, value))
    yield from tidy(link)


@pump_case(
    "schedule/bridge-rate",
    Level.MUST,
    "PROG-28 REF-03",
    expects="refused with OUT_OF_RANGE / BRIDGE_RATE below the lowest therapeutic rate",
)
def bridge_rate(tester: Tester) -> Play[None]:
    """A bridge to a dose that the old concentration would give too slowly."""
    tester.needs(Capability.BRIDGE_BOLUS)
    link, old = yield from on_the_bench(tester)
    assert old.drug is not None
    least = tester.identity.minimum_therapeutic_rate_nl_per_day
    small_ng = (least - 1) * old.drug.concentration_ng_per_ml // 1_000_000
    weak = of_dose(tester.identity, small_ng) if small_ng else old
    wrong = with_bridge(tester, weak, old)
    rate = wrong.bridges[0].rate_nl_per_day
    if rate >= least:
        raise Unsupported("the limits of the pump leave no room for a bridge that is too slow")
    code, field = RefusalCode.OUT_OF_RANGE, Field.BRIDGE_RATE
    reason = yield from turned_down(link, wrong, code, field, f"a bridge of {rate} nL/day")
    found = (reason.value, reason.minimum)
    expect_equal("value and minimum of the reason", found, (rate, least))
