"""What emergency access does and finds, in words for somebody who does not know the pump; pure."""

from typing import Final

from pump_programmer.facts import Facts, summary_facts
from pump_programmer.phrases import PumpClock, service, volume, when
from pump_programmer.times import clock_text, distance_text
from pump_protocol import messages as m
from pump_protocol import units

_WITHDRAWAL: Final = (
    "Withdrawal may follow: from baclofen it can begin within hours, and untreated it can kill. "
    "Watch the patient, and call a clinician who can program the pump."
)


def clock_of(report: m.EmergencyStatusReport) -> PumpClock:
    """The pump's clock, as a report tells it."""
    return PumpClock(report.at_ms, report.clock_ms - report.at_ms)


def emergency_facts(report: m.EmergencyStatusReport) -> Facts:
    """Everything that the emergency status tells but the alarms."""
    facts: Facts = [
        ("Pump clock", clock_text(report.clock_ms)),
        *summary_facts(report.prescription),
        ("Infusing now", units.format_rate(report.infusing_nl_per_day)),
        ("Reservoir", f"{volume(report.believed_volume_nl)}, as the pump believes"),
        ("Service", service(report.service_state)),
    ]
    if report.stopped_alarm_at_ms is not None:
        alarm_at = when(clock_of(report), report.stopped_alarm_at_ms)
        facts.append(("Stopped-too-long alarm", alarm_at))
    return facts


def minimum_rate_warning(pump: m.Identity) -> str:
    """What is about to happen, before somebody agrees to it."""
    rate = units.format_rate(pump.minimum_rate_nl_per_day)
    return (
        f"Pump {pump.serial_number} goes down to {rate}, its minimum rate, which treats nobody, "
        "until a clinician programs it. Boluses end, a critical alarm sounds, and the pump's log "
        f"keeps it. {_WITHDRAWAL}\n"
    )


def stop_warning(pump: m.Identity) -> str:
    """What is about to happen, before somebody agrees to it."""
    return (
        f"Pump {pump.serial_number} stops ALL infusion until a clinician programs it. Boluses end, "
        "a critical alarm sounds at once, and the pump's log keeps it; another alarm follows when "
        "it has been stopped for too long. If less drug is enough, choose emergency minimum-rate. "
        f"{_WITHDRAWAL}\n"
    )


def minimum_rate_text(done: m.EmergencyMinimumRateSet) -> str:
    """What was done."""
    return (
        f"The pump infuses {units.format_rate(done.rate_nl_per_day)}, its minimum rate "
        f"(prescription version {done.version}). {_WITHDRAWAL}"
    )


def stopped_text(done: m.EmergencyStopped) -> str:
    """What was done, and the countdown that it began."""
    countdown = distance_text(done.at_ms, done.stopped_alarm_at_ms)
    return (
        f"All infusion is STOPPED (prescription version {done.version}). Unless a clinician "
        f"programs the pump before, its stopped-too-long alarm sounds {countdown}. {_WITHDRAWAL}"
    )
