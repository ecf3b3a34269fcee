"""What every output says of what it comes from. It imports nothing that costs time."""

from typing import Final

from pump_protocol.codes import SecurityProfile

SIMULATOR_NOTICE: Final = "SIMULATOR - never for clinical use"

LEGACY_NOTICE: Final = (
    "LEGACY-INSECURE: no authentication, whoever reaches the port may program this pump"
)


HISTORIC_NOTICE: Final = "HISTORIC UPDATES: staging stops this pump until the commit"


def security_profile(guarded: bool) -> str:
    """What JSON calls the security profile of a pump: that of one with keys, or of one without."""
    profile = SecurityProfile.AUTHENTICATED if guarded else SecurityProfile.LEGACY_INSECURE
    return profile.name.lower()


def unsafe_notices(*, guarded: bool, historic: bool) -> tuple[str, ...]:
    """What is said of a pump that is unsafe on purpose: without keys, or by its updates."""
    legacy = () if guarded else (LEGACY_NOTICE,)
    return (*legacy, HISTORIC_NOTICE) if historic else legacy
