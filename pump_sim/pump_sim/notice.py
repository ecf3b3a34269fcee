"""What every output says of what it comes from. It imports nothing that costs time."""

from typing import Final

SIMULATOR_NOTICE: Final = "SIMULATOR - never for clinical use"
