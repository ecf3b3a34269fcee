"""A missed refill, in virtual time: fifty days of therapy in a few milliseconds.

The model alone, without a port or a programmer. Run it: python examples/missed_refill.py
SIMULATOR: never for clinical use.
"""

from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.narration import describe, ml
from pump_sim.simulation import Simulation

DAY_MS = 86_400_000

profile = load_profile("pump-20ml")
prescription = simple_continuous(
    drug_name="baclofen",
    concentration_ng_per_ml=2_000_000,  # 2,000 mcg/mL
    daily_dose_ng=800_000,  # 800 mcg/day, so 0.4 mL/day
    low_reservoir_threshold_nl=2_000_000,  # 2 mL
)
pump = Pump.implant(profile, prescription)  # full: 20 mL
simulation = Simulation(pump)


def tell(at_ms: int, text: str) -> None:
    print(f"day {at_ms / DAY_MS:5.1f}  {text}")


status = pump.status()
tell(0, f"{ml(status.believed_volume_nl)} mL, {ml(status.infusing_nl_per_day)} mL/day")
told = pump.firmware.log.next_sequence
for day in range(10, 61, 10):
    simulation.advance(day * DAY_MS)
    for entry in pump.firmware.log.entries:
        if entry.sequence >= told:
            tell(entry.at_ms, describe(entry))
    told = pump.firmware.log.next_sequence
    tell(pump.at_ms, f"{ml(pump.status().believed_volume_nl)} mL left")

tone = pump.status().next_tone
assert tone is not None
tell(pump.at_ms, f"the next tone sounds in {(tone.starts_at_ms - pump.at_ms) // 60_000} min")
