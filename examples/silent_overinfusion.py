"""A pump that delivers too much, and does not know: what it believes beside what is true.

Its drive moves a quarter more than it is told. No alarm tells of that: the pump has no sensor for
it (domain.md 4.3, T12). A refill would, if somebody measured what is drawn out.
Run it: python examples/silent_overinfusion.py
SIMULATOR: never for clinical use.
"""

from pump_sim.model.hardware.faults import FlowError
from pump_sim.model.prescription import simple_continuous
from pump_sim.model.profile import load_profile
from pump_sim.model.pump import Pump
from pump_sim.narration import ml
from pump_sim.simulation import Simulation

DAY_MS = 86_400_000

pump = Pump.implant(
    load_profile("pump-20ml"),
    simple_continuous(
        drug_name="baclofen", concentration_ng_per_ml=2_000_000, daily_dose_ng=800_000
    ),
)
simulation = Simulation(pump)
pump.inject(FlowError(factor_ppm=1_250_000))

print("day     believed    actual  effect  the patient        alarms")
for day in (0, 2, 30, 39, 40, 41, 42, 45):
    simulation.advance(day * DAY_MS)
    believed, actual, patient = pump.status(), pump.truth(), pump.patient()
    effect = "-" if patient.effect_ppm is None else f"{patient.effect_ppm / 10_000:.0f} %"
    flags = ", ".join(flag.name.lower() for flag in patient.flags) or "as usual"
    alarms = ", ".join(each.alarm.name.lower() for each in believed.alarms) or "none"
    print(
        f"{day:3}  {ml(believed.believed_volume_nl):>8} mL"
        f"  {ml(actual.actual_volume_nl):>5} mL  {effect:>6}  {flags:17}  {alarms}"
    )
print(pump.patient().notice)
