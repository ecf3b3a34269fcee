"""What a person sees: the screens of the command line, drawn with Rich.

Every screen says that this is a simulator. Dates are those of the pump's own clock. Imported only
when something is shown, because Rich takes time to import. It knows no port and no pump.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.text import Text

from pump_programmer import sentences
from pump_programmer.cautions import Caution, Severity
from pump_programmer.facts import (
    BolusPreview,
    bolus_facts,
    clinical_facts,
    identity_facts,
    residual_facts,
)
from pump_programmer.logs import access_text, link_text, log_text
from pump_programmer.phrases import (
    Dated,
    alarm_line,
    alarm_state,
    log_range,
    moment,
    when,
)
from pump_programmer.printer import Printer
from pump_programmer.programmer import Staged
from pump_programmer.residual import Residual, residual_caution
from pump_programmer.review import Review, ReviewRow, says_nothing_new
from pump_programmer.sections import Section
from pump_programmer.words import UNSAFE, is_unsafe, spaced
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
        banner = _padded(_BANNER, self._printer)
        line = Text(banner, style="bold black on yellow", end="")
        who = Text(f"  {identity.model}, serial number {identity.serial_number}")
        self._printer.say(Text.assemble(line, who))
        if is_unsafe(identity):
            warning = Text(_padded(UNSAFE, self._printer), style="bold white on red", end="")
            why = Text("  whoever reaches the port may program it")
            self._printer.say(Text.assemble(warning, why))
        self.say("")

    def say(self, text: str, style: str = "") -> None:
        """Sentences, taken literally."""
        self._printer.say(text, style)

    def line(self, text: str) -> None:
        """A line that is not broken, because somebody will copy the path in it."""
        self._printer.line(text)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Labels, each with what there is to say."""
        self._printer.facts(facts)

    def identity(self) -> None:
        """Who answers, and its limits."""
        self._printer.facts(identity_facts(self._identity))

    def status(
        self,
        status: m.StatusReport,
        current: m.PrescriptionReport | None,
        pending: m.PrescriptionReport | None,
    ) -> None:
        """Everything that a clinician sees; without *current* what a patient's handset may read."""
        self._printer.facts(clinical_facts(status, current))
        self.say("")
        if status.prescription.mode is Mode.STOPPED:
            self.say("All infusion is STOPPED.", _ALARM_STYLE)
        if not status.prescription.drug_count:
            self.say(
                "The pump has lost its prescription and runs at the minimum rate: program it in "
                "full, with --drug, --concentration and a dose.",
                _ALARM_STYLE,
            )
        if pending is not None or status.has_pending:
            self.say(
                "A prescription is staged and NOT in force: pump-programmer staged shows it.",
                "bold yellow",
            )
        self.alarms(status, status.alarms)
        if status.alarms and status.next_tone_at_ms is not None:
            self.say(f"Next tone: {when(status, status.next_tone_at_ms)}")

    def alarms(self, clock: Dated, alarms: Sequence[m.AlarmRecord]) -> None:
        """The listed alarms, active ones in red."""
        if not alarms:
            self.say("No alarms.")
        for record in alarms:
            active = AlarmFlag.ACTIVE in record.flags
            self.say(alarm_line(clock, record), _ALARM_STYLE if active else "yellow")

    def warn(self, text: str) -> None:
        """A sentence that nobody must miss."""
        self.say(text, _ALARM_STYLE)

    def review(self, review: Review) -> None:
        """Current and pending side by side, and what to think of."""
        shown = [row for row in review.rows if not says_nothing_new(row, review)]
        styles = ("bold" if row.changed else "" for row in shown)
        self._printer.table(
            ("", "Current", "Pending", "Change"),
            (
                (
                    row.label,
                    self._cell(row, row.current),
                    Text(self._cell(row, row.pending), style),
                    Text(row.change, style),
                )
                for row, style in zip(shown, styles, strict=True)
            ),
        )
        self.say("" if review.changed else "No setting changes.\n")
        for warning in review.warnings:
            self._warn(warning)
        if review.must_confirm:
            dose = units.format_daily_dose(review.pending_totals.with_patient_ng)
            limit = units.format_daily_dose(self._identity.soft_daily_dose_ng)
            self.say(
                f"The highest dose of a day is {dose}, above the pump's soft limit of {limit}: it "
                "must be confirmed by typing it again.\n",
                _ALARM_STYLE,
            )

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
            self.say(sentences.rolled_back(found.rolled_back))

    def committed(self, committed: m.PrescriptionCommitted, status: m.StatusReport | None) -> None:
        """A prescription that is in force, and what follows from it."""
        self.say(sentences.committed(committed))
        if dry := sentences.nothing_flows(status):
            self.warn(dry)
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

    def bolus_preview(
        self, bolus: BolusPreview, status: m.StatusReport, warnings: Iterable[Caution] = ()
    ) -> None:
        """What a bolus would deliver, and what to think of."""
        self._printer.facts(bolus_facts(bolus, status))
        if bolus.primes:
            self.say(f"\n{sentences.priming_caution(self._identity)}", "bold yellow")
        self.say("")
        for warning in warnings:
            self._warn(warning)

    def patient_bolus(self, started: m.PatientBolusStarted, status: m.StatusReport | None) -> None:
        """A bolus that the patient has asked for."""
        self.say(f"Patient bolus of {units.format_volume(started.volume_nl)} began.")
        if status is not None:
            more = "No more" if started.left == 0 else f"{started.left} more"
            self.say(
                f"It ends {when(status, started.ends_at_ms)}.\n{more} may begin in these 24 h, the "
                f"next from {when(status, started.next_at_ms)}."
            )

    def note(self, note: m.NoteReport) -> None:
        """The clinician's note."""
        self.say(sentences.note(note), "" if note.intact else _ALARM_STYLE)

    def bolus(self, ordered: m.BolusOrdered, status: m.StatusReport | None) -> None:
        """A bolus that has begun."""
        self.say(sentences.bolus_begun(ordered, status))

    def refill_preview(self, residual: Residual, volume_nl: int) -> None:
        """Expected and actual residual, and what the pump would believe after a refill."""
        self._printer.facts(residual_facts(residual, volume_nl))
        self.say("")
        self._warn(residual_caution(residual))

    def refill(
        self, residual: Residual, updated: m.ReservoirUpdated, status: m.StatusReport | None
    ) -> None:
        """A reservoir update, what was found before it, and the new date that follows from it."""
        self.say(sentences.refilled(updated))
        if ratio := sentences.delivered_ratio(residual):
            self.say(ratio, "" if residual.ratio_flag is None else _ALARM_STYLE)
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

    def report(self, warnings: Iterable[Caution], parts: Iterable[Section]) -> None:
        """A whole session: what to think of first, then section by section."""
        for warning in warnings:
            self._warn(warning)
        for number, part in enumerate(parts):
            self.say(f"\n{part.title}" if number else part.title, "bold underline")
            if part.facts:
                self._printer.facts(part.facts)
            for sentence in part.sentences:
                self.say(sentence)
            if part.rows:
                self._printer.table(part.headings, part.rows)

    def _cell(self, row: ReviewRow, text: str) -> str:
        """A value; a person reads the steps of a day below each other, a program in one line."""
        if row.setting.startswith("days.") and self._printer.on_terminal:
            return text.replace(", ", "\n")
        return text

    def _warn(self, caution: Caution | None) -> None:
        if caution is not None:
            style = _ALARM_STYLE if caution.severity is Severity.WARNING else "bold yellow"
            head = caution.severity.name
            self.say(f"{head}: {caution.text}\n  Source: {caution.source}\n", style)

    def _low_reservoir(self, status: m.StatusReport | None) -> None:
        if status is not None:
            self.say(sentences.low_reservoir(status))


def _padded(text: str, printer: Printer) -> str:
    """*text* with margins where there is a coloured ground behind the words."""
    return f" {text} " if printer.on_terminal else text
