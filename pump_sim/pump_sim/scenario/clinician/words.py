"""What came of a request, in one plain sentence and in the units that clinicians write."""

from typing import Any

from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import AlarmFlag, Mode
from pump_sim.narration import clock_text
from pump_sim.texts import spaced


def flow_text(prescription: m.Prescription) -> str:
    """What flows, in as few words as tell it."""
    dose = units.format_daily_dose(prescription.daily_dose_ng)
    match prescription.mode:
        case Mode.STOPPED:
            return "stopped"
        case Mode.MINIMUM_RATE:
            return f"minimum rate {units.format_rate(prescription.rate_nl_per_day)}"
        case Mode.SIMPLE_CONTINUOUS:
            return dose
        case Mode.FLEX:
            return f"flex {dose}"
        case Mode.PERIODIC_BOLUS:
            return f"periodic boluses {dose}"


def drugs_text(prescription: m.Prescription) -> str:
    """The mixture."""
    return " + ".join(
        f"{drug.name} {units.format_concentration(drug.concentration_ng_per_ml)}"
        for drug in prescription.drugs
    )


def change_text(old: m.Prescription, new: m.Prescription) -> str:
    """From which prescription to which: ``300 mcg/day -> 330 mcg/day``."""
    text = f"{flow_text(old)} -> {flow_text(new)}"
    before, after = drugs_text(old), drugs_text(new)
    return text if before == after else f"{before or 'no drug'} -> {after}, {text}"


# --- What was done -------------------------------------------------------------------------------


def done_text(request: m.Request[Any], response: m.Response) -> str:
    """What a pump did at a request that it answered so."""
    match request, response:
        case m.OrderBolus(), m.BolusOrdered():
            text = _bolus_text(request)
        case _, m.PatientBolusStarted(left=left):
            text = f"patient bolus began, {left} left"
        case _, m.BolusAborted(kind=kind, delivered_nl=delivered_nl):
            volume = units.format_volume(delivered_nl)
            text = f"{spaced(kind.name)} bolus ended, {volume} of it delivered"
        case _, m.ReservoirUpdated(before_nl=before_nl, after_nl=after_nl):
            before, after = units.format_volume(before_nl), units.format_volume(after_nl)
            text = f"the pump believes {after} instead of {before}"
        case _, m.PrescriptionRolledBack(version=version):
            text = f"nothing is staged, version {version} stays in force"
        case _, m.ClockSet(old_clock_ms=old_ms, new_clock_ms=new_ms):
            text = f"clock {clock_text(old_ms)} -> {clock_text(new_ms)}"
        case _, m.SelfTestReport(results=results):
            text = _self_test_text(results)
        case _, m.Paired(role=role):
            text = f"paired: the programmer has the {role.name.lower()}'s key"
        case _:
            text = _emergency_text(response) or _alarm_or_note_text(request)
    return text


def _emergency_text(response: m.Response) -> str:
    """What emergency access has done; nothing where it was none."""
    match response:
        case m.EmergencyStatusReport(at_ms=at_ms, stopped_alarm_at_ms=stopped_alarm_at_ms):
            summary = response.prescription
            volume = units.format_volume(response.believed_volume_nl)
            rate = units.format_rate(response.infusing_nl_per_day)
            text = f"emergency status: {spaced(summary.mode.name)}, infusing {rate}, {volume} left"
            return text + _countdown(at_ms, stopped_alarm_at_ms)
        case m.EmergencyMinimumRateSet(version=version, rate_nl_per_day=rate_nl_per_day):
            rate = units.format_rate(rate_nl_per_day)
            return f"emergency: minimum rate {rate}, version {version}"
        case m.EmergencyStopped(at_ms=at_ms, version=version):
            text = f"emergency: stopped, version {version}"
            return text + _countdown(at_ms, response.stopped_alarm_at_ms)
        case _:
            return ""


def _countdown(at_ms: int, alarm_at_ms: int | None) -> str:
    if alarm_at_ms is None:
        return ""
    return f", alarm in {units.format_duration(max(0, alarm_at_ms - at_ms))}"


def _bolus_text(order: m.OrderBolus) -> str:
    lasts = units.format_duration(order.duration_ms)
    volume = units.format_volume(order.volume_nl)
    dose = units.format_dose(order.dose_ng)
    return f"{spaced(order.kind.name)} bolus began: {dose} in {volume} over {lasts}"


def _self_test_text(results: tuple[m.CheckResult, ...]) -> str:
    failed = [spaced(each.check.name) for each in results if not each.passed]
    if not failed:
        return f"self-test: all {len(results)} checks passed"
    return f"self-test: {', '.join(failed)} failed"


def _alarm_or_note_text(request: m.Request[Any]) -> str:
    match request:
        case m.AcknowledgeAlarm(alarm):
            return f"alarm {spaced(alarm.name)} acknowledged"
        case m.SilenceAlarm(alarm, duration_ms):
            return f"alarm {spaced(alarm.name)} silenced for {units.format_duration(duration_ms)}"
        case m.WriteNote(text):
            return f"note written, {len(text.encode())} bytes"
        case _:
            return "done"


def status_text(status: m.StatusReport) -> str:
    """What a clinician looks at first."""
    volume = units.format_volume(status.believed_volume_nl)
    rate = units.format_rate(status.infusing_nl_per_day)
    alarms = [spaced(each.alarm.name) for each in status.alarms if AlarmFlag.ACTIVE in each.flags]
    listed = f"alarm {', '.join(alarms)}" if alarms else "no alarm"
    return f"{volume} believed, infusing {rate}, {listed}"
