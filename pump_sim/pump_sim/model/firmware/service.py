"""Service life: when to indicate that the pump must be replaced, and when its service ends.

It reads a gauge, not the battery: what the gauge says may be wrong, and it would not know.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from pump_sim.model.course import Course
from pump_sim.model.profile import Profile
from pump_sim.model.units import PPM


class ServiceState(Enum):
    """Where the pump is in its service life."""

    IN_SERVICE = 0
    ERI = 1
    """Elective replacement indicator: replace within 90 days."""
    EOS = 2
    """End of service: no flow, for ever."""


class Outlay(NamedTuple):
    """What the battery has given until `at_ms`, and what it is going to be asked for."""

    at_ms: int
    charge_used: int
    course: Course
    mean_rate_nl_per_day: int


@dataclass(frozen=True, slots=True)
class Service:
    """The two milestones; each is None until it is reached, and stays for ever (REQ-20).

    `replacement_planned_at_ms` is a date that was stored, None for the one that follows from the
    end of service. `limited` is false in a pump that is to outlive any experiment: it never comes
    to any of them.
    """

    eri_at_ms: int | None = None
    eos_at_ms: int | None = None
    replacement_planned_at_ms: int | None = None
    limited: bool = True

    def at_eri(self, at_ms: int) -> "Service":
        """With the replacement indicator reached."""
        return replace(self, eri_at_ms=at_ms)

    def at_eos(self, at_ms: int) -> "Service":
        """With the end of service reached; a battery that fails may bring it without ERI."""
        return replace(self, eos_at_ms=at_ms)

    @property
    def state(self) -> ServiceState:
        """Where the pump is in its service life."""
        if self.eos_at_ms is not None:
            return ServiceState.EOS
        return ServiceState.IN_SERVICE if self.eri_at_ms is None else ServiceState.ERI

    def first_eri_ms(self, profile: Profile, outlay: Outlay) -> int:
        """When the replacement indicator falls due, or fell due.

        The earlier of two: the age limit less the lead time, and the moment when what is left of
        the charge lasts for just the lead time at the mean rate, given what is drained until then.
        """
        if self.eri_at_ms is not None:
            return self.eri_at_ms
        by_age_ms = _eri_by_age(profile)
        if outlay.at_ms < by_age_ms and not _spent_by(profile, outlay, by_age_ms):
            return by_age_ms  # mostly so, and much cheaper to find out than to ask when
        by_charge_ms = outlay.course.first_ms_reaching(
            _charge_until_eri(profile, outlay),
            from_ms=outlay.at_ms,
            per_ms=profile.battery_idle_drain_per_ms,
            per_unit=profile.battery_drain_per_ledger_unit,
        )
        return by_age_ms if by_charge_ms is None else min(by_age_ms, by_charge_ms)

    def eri_comes_by(self, profile: Profile, outlay: Outlay, moment_ms: int) -> bool:
        """Whether the replacement indicator falls due by then, which is not before now."""
        if self.eri_at_ms is not None:
            return self.eri_at_ms <= moment_ms
        if moment_ms >= _eri_by_age(profile):
            return True
        # No pump drains faster than at its highest flow; mostly that is answer enough.
        worst = profile.battery_idle_drain_per_ms
        worst += profile.battery_drain_per_ledger_unit * profile.max_rate_nl_per_day
        if worst * (moment_ms - outlay.at_ms) < _charge_until_eri(profile, outlay):
            return False
        return _spent_by(profile, outlay, moment_ms)


def _eri_by_age(profile: Profile) -> int:
    return profile.service_life_ms - profile.eri_before_eos_ms


def _charge_until_eri(profile: Profile, outlay: Outlay) -> int:
    per_ms, per_unit = profile.battery_idle_drain_per_ms, profile.battery_drain_per_ledger_unit
    reserve = profile.eri_before_eos_ms * (per_ms + per_unit * outlay.mean_rate_nl_per_day)
    return profile.battery_capacity - reserve - outlay.charge_used


def _spent_by(profile: Profile, outlay: Outlay, moment_ms: int) -> bool:
    """Whether the charge above the reserve of the lead time is used up by a moment."""
    drained = profile.battery_idle_drain_per_ms * (moment_ms - outlay.at_ms)
    drained += profile.battery_drain_per_ledger_unit * outlay.course.units(outlay.at_ms, moment_ms)
    return drained >= _charge_until_eri(profile, outlay)


def battery_remaining_ppm(profile: Profile, charge_used: int) -> int:
    """What is left of the charge, in millionths of a new battery, rounded down; never below 0."""
    return max(0, (profile.battery_capacity - charge_used) * PPM // profile.battery_capacity)
