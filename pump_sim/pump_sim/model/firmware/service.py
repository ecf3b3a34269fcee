"""Service life: when to indicate that the pump must be replaced, and when its service ends.

It reads a gauge, not the battery: what the gauge says may be wrong, and it would not know.
"""

from dataclasses import dataclass
from enum import Enum

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


@dataclass(frozen=True, slots=True)
class Service:
    """The two milestones; each is None until it is reached, and stays for ever (REQ-20)."""

    eri_at_ms: int | None = None
    eos_at_ms: int | None = None

    @property
    def state(self) -> ServiceState:
        """Where the pump is in its service life."""
        if self.eos_at_ms is not None:
            return ServiceState.EOS
        return ServiceState.IN_SERVICE if self.eri_at_ms is None else ServiceState.ERI

    def first_eri_ms(
        self,
        profile: Profile,
        *,
        at_ms: int,
        charge_used: int,
        course: Course,
        basal_rate_nl_per_day: int,
    ) -> int:
        """When the replacement indicator falls due, or fell due.

        The earlier of two: the age limit less the lead time, and the moment when what is left of
        the charge lasts for just the lead time at the basal rate, given what is drained until then.
        """
        if self.eri_at_ms is not None:
            return self.eri_at_ms
        by_age_ms = profile.service_life_ms - profile.eri_before_eos_ms
        per_ms, per_unit = profile.battery_idle_drain_per_ms, profile.battery_drain_per_ledger_unit
        reserve = profile.eri_before_eos_ms * (per_ms + per_unit * basal_rate_nl_per_day)
        by_charge_ms = course.first_ms_reaching(
            profile.battery_capacity - reserve - charge_used,
            from_ms=at_ms,
            per_ms=per_ms,
            per_unit=per_unit,
        )
        return by_age_ms if by_charge_ms is None else min(by_age_ms, by_charge_ms)


def battery_remaining_ppm(profile: Profile, charge_used: int) -> int:
    """What is left of the charge, in millionths of a new battery, rounded down; never below 0."""
    return max(0, (profile.battery_capacity - charge_used) * PPM // profile.battery_capacity)
