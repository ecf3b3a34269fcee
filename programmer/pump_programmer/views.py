"""What a person sees: the screens of the command line, drawn with Rich.

Every screen says that this is a simulator. Dates are those of the pump's own clock. Imported only
when something is shown, because Rich takes time to import. It knows no port and no pump.
"""

from collections.abc import Iterable
from typing import Final

from rich.console import Console
from rich.text import Text

from pump_programmer.phrases import (
    alarm_line,
    alarm_state,
    bolus_line,
    grouped,
    log_range,
    moment,
    service,
    volume,
    when,
)
from pump_programmer.printer import Printer
from pump_programmer.programmer import Staged
from pump_programmer.review import Review
from pump_programmer.words import access_text, clock_text, link_text, log_text, spaced
from pump_protocol import messages as m
from pump_protocol import units
from pump_protocol.codes import AlarmFlag, Mode

_BANNER: Final = "SIMULATOR - never for clinical use"
_ALARM_STYLE: Final = "bold red"


class Screens:
    """The screens of one command, on one console; the banner stands above the first of them."""

    def __init__(self, console: Console, identity: m.Identity):
        self._printer = Printer(console)
        self._identity = identity
        # The margins are there for the colored ground behind the words.
        banner = f" {_BANNER} " if self._printer.on_terminal else _BANNER
        line = Text(banner, style="bold black on yellow", end="")
        who = Text(f"  {identity.model}, serial number {identity.serial_number}")
        self._printer.say(Text.assemble(line, who))
        self.say("")

    def say(self, text: str, style: str = "") -> None:
        """Sentences, taken literally."""
        self._printer.say(text, style)

    def identity(self) -> None:
        """Who answers, and its limits."""
        pump = self._identity
        self._facts(
            ("Nature", spaced(pump.nature)),
            ("Product", pump.product),
            ("Model", pump.model),
            ("Serial number", pump.serial_number),
            ("Firmware", pump.firmware_version),
            ("Protocol version", str(pump.protocol_version)),
            ("Security", spaced(pump.security_profile)),
            (
                "Capabilities",
                ", ".join(
                    (flag.name or "?").lower().replace("_", " ")
                    for flag in type(pump.capabilities)
                    if flag in pump.capabilities
                ),
            ),
            ("Reservoir", units.format_volume(pump.reservoir_capacity_nl)),
            ("Minimum rate", units.format_rate(pump.minimum_rate_nl_per_day)),
            (
                "Therapeutic rate",
                (
                    f"{units.format_rate(pump.minimum_therapeutic_rate_nl_per_day)} to "
                    f"{units.format_rate(pump.maximum_rate_nl_per_day)}"
                ),
            ),
            (
                "Daily dose",
                grouped(f"at most {units.format_daily_dose(pump.maximum_daily_dose_ng)}"),
            ),
            (
                "Bolus",
                (
                    f"at most {grouped(units.format_dose(pump.maximum_bolus_dose_ng))} in "
                    f"{units.format_duration(pump.minimum_bolus_duration_ms)} to "
                    f"{units.format_duration(pump.maximum_bolus_duration_ms)}"
                ),
            ),
            (
                "Concentration",
                grouped(
                    f"{units.format_concentration(pump.minimum_concentration_ng_per_ml)} to "
                    f"{units.format_concentration(pump.maximum_concentration_ng_per_ml)}"
                ),
            ),
            (
                "Low-reservoir alarm",
                f"set to at most {units.format_volume(pump.maximum_low_reservoir_threshold_nl)}",
            ),
            (
                "Silence",
                (
                    f"{units.format_duration(pump.minimum_silence_ms)} to "
                    f"{units.format_duration(pump.maximum_silence_critical_ms)} for critical "
                    "alarms, at most "
                    f"{units.format_duration(pump.maximum_silence_non_critical_ms)} for "
                    "non-critical ones"
                ),
            ),
        )

    def status(self, status: m.StatusReport) -> None:
        """Everything that a clinician sees."""
        prescription = status.prescription
        unit = prescription.mass_unit
        concentration = units.format_concentration(prescription.concentration_ng_per_ml, unit)
        threshold = units.format_volume(prescription.low_reservoir_threshold_nl)
        battery = units.decimal_text(units.nearest(status.battery_remaining_ppm, 1_000), 10)
        self._facts(
            ("Pump clock", clock_text(status.clock_ms)),
            ("Mode", spaced(prescription.mode)),
            ("Drug", f"{prescription.drug_name}, {concentration}"),
            ("Daily dose", units.format_daily_dose(prescription.daily_dose_ng, unit)),
            (
                "Rate",
                (
                    f"{units.format_rate(prescription.rate_nl_per_day)} "
                    f"(prescription version {status.prescription_version})"
                ),
            ),
            ("Infusing now", units.format_rate(status.infusing_nl_per_day)),
            (
                "Reservoir",
                (
                    f"{volume(status.believed_volume_nl)} of "
                    f"{units.format_volume(status.reservoir_capacity_nl)}, as the pump believes"
                ),
            ),
            (
                "Low-reservoir alarm",
                f"{when(status, status.low_reservoir_at_ms)}, at {threshold}",
            ),
            ("Empty", when(status, status.empty_reservoir_at_ms)),
            ("Last refill", when(status, status.last_refill_at_ms)),
            ("Battery", f"{battery} %, {service(status.service_state)}"),
            ("Replacement due (ERI)", when(status, status.eri_at_ms)),
            ("End of service", when(status, status.eos_at_ms)),
            *(("Bolus", bolus_line(status, bolus)) for bolus in status.boluses),
            ("Therapy log", log_range(status.therapy_log)),
        )
        self.say("")
        if prescription.mode is Mode.STOPPED:
            self.say("All infusion is STOPPED.", _ALARM_STYLE)
        if status.has_pending:
            self.say(
                "A prescription is staged and NOT in force: pump-programmer staged shows it.",
                "bold yellow",
            )
        self._alarms(status)

    def review(self, review: Review) -> None:
        """Current and pending side by side, and what to think of."""
        styles = ("bold" if row.changed else "" for row in review.rows)
        self._printer.table(
            ("", "Current", "Pending", "Change"),
            (
                (row.label, row.current, Text(row.pending, style), Text(row.change, style))
                for row, style in zip(review.rows, styles, strict=True)
            ),
        )
        self.say("" if review.changed else "No setting changes.\n")
        for warning in review.warnings:
            self.say(f"WARNING: {warning}\n", _ALARM_STYLE)

    def staged(self, found: Staged) -> None:
        """What is staged next to what is in force, and whether it was dropped."""
        if found.review is None:
            self.say("Nothing is staged.")
            return
        self.review(found.review)
        if found.rolled_back is None:
            self.say(
                f"Version {found.review.pending_version} is staged and NOT in force. It expires "
                "by itself; pump-programmer staged --roll-back drops it.",
                "bold yellow",
            )
        else:
            self.say(
                "It was dropped and nothing is staged. Prescription version "
                f"{found.rolled_back.version} is in force as before."
            )

    def committed(self, committed: m.PrescriptionCommitted, status: m.StatusReport | None) -> None:
        """A prescription that is in force, and what follows from it."""
        self.say(f"Prescription version {committed.version} is in force, read back and verified.")
        self._low_reservoir(status)

    def log(self, status: m.StatusReport, entries: Iterable[m.LogEntry]) -> None:
        """Records of the therapy log, oldest first."""
        self._printer.table(
            ("No.", "Pump clock", "Version", "Event"),
            (
                (
                    str(entry.sequence),
                    moment(status, entry.at_ms),
                    str(entry.prescription_version),
                    log_text(entry),
                )
                for entry in entries
            ),
        )
        self.say(f"\nThe log holds {log_range(status.therapy_log)}.")

    def access_log(self, status: m.StatusReport, entries: Iterable[m.AccessEntry]) -> None:
        """Records of the access log, oldest first."""
        self._printer.table(
            ("No.", "First", "Last", "Times", "Link", "Event"),
            (
                (
                    str(entry.sequence),
                    moment(status, entry.first_at_ms),
                    moment(status, entry.last_at_ms),
                    str(entry.count),
                    link_text(entry.link_id),
                    access_text(entry),
                )
                for entry in entries
            ),
        )

    def bolus_preview(self, prescription: m.Prescription, dose_ng: int, duration_ms: int) -> None:
        """What a bolus would deliver."""
        concentration_ng_per_ml = prescription.concentration_ng_per_ml
        volume_nl = units.volume_for_dose(dose_ng, concentration_ng_per_ml)
        unit = prescription.mass_unit
        self._facts(
            (
                "Bolus",
                (
                    f"{units.format_dose(dose_ng, unit)} of {prescription.drug_name} "
                    f"in {units.format_duration(duration_ms)}"
                ),
            ),
            (
                "Volume",
                (
                    f"{units.format_volume(volume_nl)} at "
                    f"{units.format_concentration(concentration_ng_per_ml, unit)}"
                ),
            ),
            ("On top of", units.format_rate(prescription.rate_nl_per_day)),
        )
        self.say("")

    def bolus(self, ordered: m.BolusOrdered, status: m.StatusReport | None) -> None:
        """A bolus that has begun."""
        if status is None:
            lasts = units.format_duration(ordered.ends_at_ms - ordered.started_at_ms)
            moments = f"and lasts {lasts}"
        else:
            moments = (
                f"{moment(status, ordered.started_at_ms)} and ends "
                f"{moment(status, ordered.ends_at_ms)}"
            )
        self.say(
            f"Bolus of {units.format_volume(ordered.volume_nl)} began {moments} "
            f"(order {ordered.order_number})."
        )

    def refill_preview(self, status: m.StatusReport, volume_nl: int) -> None:
        """What the pump believes before and would believe after a refill."""
        self._facts(
            (
                "Believed now",
                f"{volume(status.believed_volume_nl)}: compare with what was drawn out",
            ),
            ("Believed after", units.format_volume(volume_nl)),
        )
        self.say("")

    def refill(self, updated: m.ReservoirUpdated, status: m.StatusReport | None) -> None:
        """A reservoir update, and the new date that follows from it."""
        self.say(
            f"The pump believed {volume(updated.before_nl)} and now believes "
            f"{volume(updated.after_nl)}."
        )
        self._low_reservoir(status)

    def alarm(self, record: m.AlarmRecord, status: m.StatusReport | None) -> None:
        """One alarm as it stands after it was acknowledged or silenced."""
        self.say(alarm_state(record) if status is None else alarm_line(status, record))

    def self_test(self, report: m.SelfTestReport) -> None:
        """What each check found."""
        self._printer.facts(
            (
                spaced(result.check).capitalize(),
                Text("passed") if result.passed else Text("FAILED", _ALARM_STYLE),
            )
            for result in report.results
        )

    def _low_reservoir(self, status: m.StatusReport | None) -> None:
        if status is not None:
            self.say(f"Low-reservoir alarm: {when(status, status.low_reservoir_at_ms)}.")

    def _alarms(self, status: m.StatusReport) -> None:
        if not status.alarms:
            self.say("No alarms.")
        for record in status.alarms:
            active = AlarmFlag.ACTIVE in record.flags
            self.say(alarm_line(status, record), _ALARM_STYLE if active else "yellow")
        if status.alarms and status.next_tone_at_ms is not None:
            self.say(f"Next tone: {when(status, status.next_tone_at_ms)}")

    def _facts(self, *facts: tuple[str, str]) -> None:
        self._printer.facts(facts)
