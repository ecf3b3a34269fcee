"""The programmer: what a clinician's software asks of a pump, every change verified.

Blocking, for one thread, over one port; each exchange ends by its deadline. It knows no screen and
no command line.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pump_programmer.cautions import SINCE_INCREASE_MS
from pump_programmer.errors import (
    NotConfirmed,
    ProgrammerError,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.history import last_increase_ms
from pump_programmer.orderer import Orderer
from pump_programmer.published import Patient
from pump_programmer.reader import check_copy, nothing_staged
from pump_programmer.review import Review, review
from pump_programmer.values import (
    check_field,
    check_note,
    check_prescription,
)
from pump_protocol import messages as m
from pump_protocol.codes import (
    Alarm,
    AlarmClass,
    PrescriptionSlot,
)
from pump_protocol.errors import LocalError
from pump_protocol.units import format_daily_dose


@dataclass(frozen=True, slots=True)
class Staged:
    """What was found staged, next to what is in force; ``rolled_back`` if it was dropped then.

    Both are None where nothing was staged.
    """

    review: Review | None
    rolled_back: m.PrescriptionRolledBack | None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A prescription that is staged and was checked, next to what is in force.

    It is not in force, and expires by itself.
    """

    prescription: m.Prescription
    staged: m.PrescriptionStaged
    review: Review


@dataclass(frozen=True, slots=True)
class Programmed:
    """A prescription that was reviewed, committed, read back and found right."""

    review: Review
    committed: m.PrescriptionCommitted
    read_back: m.PrescriptionReport


class Programmer(Orderer):
    """One programmer at one port; parameters are those of
    :class:`~pump_programmer.conversation.Conversation`.

    Beside what each method names, all of them raise what
    :meth:`~pump_programmer.conversation.Conversation.exchange` raises.
    """

    # --- Programming in two steps ----------------------------------------------------------------

    def stage(self, prescription: m.Prescription) -> m.PrescriptionStaged:
        """Hand over a pending prescription and check the pump's own copy of it (REQ-24).

        :raises VerificationFailed: the copy or its digest is wrong; it was rolled back.
        """
        try:
            return self._stage(prescription)
        except VerificationFailed:
            self._try_roll_back()
            raise

    def commit(
        self, digest: bytes, *, confirmed_dose_ng: int | None = None
    ) -> m.PrescriptionCommitted:
        """Put the staged prescription in force, if it is still the one with this digest.

        :param confirmed_dose_ng: ``totals.with_patient_ng`` of what was staged, where that is above
            the pump's soft limit (REQ-03).
        """
        if confirmed_dose_ng is not None:
            check_field("confirmed_dose_ng", confirmed_dose_ng)
        return self.exchange(m.CommitPrescription(digest, confirmed_dose_ng))

    def roll_back(self) -> m.PrescriptionRolledBack:
        """Drop the staged prescription; the current one goes on as before."""
        return self.exchange(m.RollBackPrescription())

    def staged(self, *, roll_back: bool = False) -> Staged:
        """What is staged, next to what is in force.

        :param roll_back: drop it after looking; therapy goes on unchanged.
        :raises VerificationFailed: a digest is not that of its prescription.
        """
        try:
            pending = self.read_prescription(PrescriptionSlot.PENDING)
            compared = review(self.read_prescription(), pending)
            return Staged(compared, self.roll_back() if roll_back else None)
        except PumpRefused as refused:
            if not nothing_staged(refused):
                raise
            return Staged(None, None)  # or no longer: it expired while we looked

    def program(
        self,
        prescription: m.Prescription,
        confirm: Callable[[Review], bool] | None = None,
        confirm_dose: Callable[[Review], int | None] | None = None,
        patient: Patient | None = None,
    ) -> Programmed:
        """Stage, review, commit, read back and verify.

        :param confirm: shown the review before anything is committed; commits only if it says so.
        :param confirm_dose: asked after that where the highest dose of a day, with all patient
            boluses, is above the pump's soft limit: it repeats that dose, in ng (REQ-03).
        :param patient: what is known of the patient, for the warnings of the review.
        :raises NotConfirmed: *confirm* said no, or raised this itself, or the dose was not
            confirmed; rolled back.
        :raises VerificationFailed: the pump's copy is wrong, before or after the commit, or could
            not be read after it: then the message says that the commit was answered.
        :raises TypeError, ValueError: no prescription, or with a number that cannot be sent.
        """
        prepared = self.prepare(prescription, patient)
        doubted = self.in_doubt
        try:
            confirmed_dose_ng = _agreed(prepared.review, confirm, confirm_dose)
            committed = self.commit(prepared.staged.digest, confirmed_dose_ng=confirmed_dose_ng)
        except NotConfirmed as no:
            if self._try_roll_back():
                raise
            raise NotConfirmed(f"not confirmed. {self._perhaps_staged()}") from no
        except BaseException:
            # Also when the person ends the program instead of answering; not when the answer to
            # the commit was lost: it may be in force by now.
            if self.in_doubt is doubted:
                self._try_roll_back()
            raise
        return self._verified(prepared, committed)

    def prepare(self, prescription: m.Prescription, patient: Patient | None = None) -> Prepared:
        """The first half of :meth:`program`: stage, check and review. Nothing is in force by it.

        :param patient: what is known of the patient, for the warnings of the review.
        :raises VerificationFailed: the pump's copy is wrong; rolled back.
        :raises TypeError, ValueError: no prescription, or with a number that cannot be sent.
        """
        check_prescription(prescription)
        current = self.read_prescription()
        since_increase_ms = self._since_increase_ms(current, prescription)
        staged = None
        try:
            staged = self._stage(prescription)
            _check_version(current, staged)
            return Prepared(
                prescription, staged, review(current, staged, patient, since_increase_ms)
            )
        except BaseException as error:
            # Also when the answer to the staging was lost; not when nothing of ours can be staged.
            if staged is not None or not isinstance(error, (PumpRefused, LocalError)):
                self._try_roll_back()
            raise

    def carry_out(self, prepared: Prepared, *, confirmed_dose_ng: int | None = None) -> Programmed:
        """The second half of :meth:`program`: commit, read back and verify.

        :param confirmed_dose_ng: the highest dose of a day, where the review must be confirmed.
        :raises NotConfirmed: it is another one; what is staged stays staged.
        :raises PumpRefused: and what is staged stays staged, if it was: roll it back.
        :raises VerificationFailed: the pump's copy is wrong after the commit, or could not be read.
        """
        confirmed_dose_ng = _confirmed(prepared.review, confirmed_dose_ng, "nothing was committed")
        committed = self.commit(prepared.staged.digest, confirmed_dose_ng=confirmed_dose_ng)
        return self._verified(prepared, committed)

    def _verified(self, prepared: Prepared, committed: m.PrescriptionCommitted) -> Programmed:
        """What was committed, read back and compared with what was reviewed."""
        staged, read_back = prepared.staged, self._read_back(committed)
        if (committed.version, committed.digest) != (staged.version, staged.digest) or (
            read_back.version,
            read_back.digest,
            read_back.prescription,
        ) != (staged.version, staged.digest, prepared.prescription):
            raise VerificationFailed(
                f"committed, but the pump holds version {read_back.version} "
                f"instead of the version {staged.version} that was reviewed; interrogate it",
                committed=True,
            )
        return Programmed(prepared.review, committed, read_back)

    def _read_back(self, committed: m.PrescriptionCommitted) -> m.PrescriptionReport:
        """What is in force after a commit. That nobody can read it does not undo the commit."""
        done = f"the pump answered the commit: version {committed.version} is in force"
        try:
            return self.read_prescription()
        except ProgrammerError as error:
            raise VerificationFailed(
                f"{done}, but it could not be read back: {error}; interrogate the pump",
                committed=True,
            ) from error
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(f"{done}, but it was not read back: interrupted")
            raise

    # --- Alarms ----------------------------------------------------------------------------------

    def acknowledge(self, alarm: Alarm) -> m.AlarmRecord:
        """Say that a person has seen the alarm."""
        return self.exchange(m.AcknowledgeAlarm(alarm)).record

    def silence(self, alarm: Alarm, duration_ms: int) -> m.AlarmRecord:
        """Hold the tone of an active alarm for *duration_ms* of therapy time."""
        check_field("duration_ms", duration_ms)
        return self.exchange(m.SilenceAlarm(alarm, duration_ms)).record

    def test_alarm(self, alarm_class: AlarmClass) -> m.AlarmTested:
        """Sound the tone of a class once."""
        return self.exchange(m.TestAlarm(alarm_class))

    def set_alarm_interval(
        self, interval_ms: int, alarm_class: AlarmClass = AlarmClass.CRITICAL
    ) -> m.AlarmIntervalSet:
        """Change how often the tone of critical alarms repeats; that of the others is fixed.

        :raises VerificationFailed: the pump reports another class or interval.
        """
        check_field("interval_ms", interval_ms)
        was_set = self.exchange(m.SetAlarmInterval(alarm_class, interval_ms))
        if (was_set.alarm_class, was_set.interval_ms) != (alarm_class, interval_ms):
            raise VerificationFailed(
                f"the pump reports an interval of {was_set.interval_ms} ms instead of "
                f"{interval_ms} ms; interrogate it"
            )
        return was_set

    # --- Note and clock --------------------------------------------------------------------------

    def write_note(self, text: str) -> m.NoteWritten:
        """Keep a note of at most 128 bytes on the pump, in place of the one before.

        :raises TypeError, ValueError: no text, or one that no pump can hold; nothing was sent.
        """
        check_note(text)
        return self.exchange(m.WriteNote(text))

    def set_clock(self, clock_ms: int) -> m.ClockSet:
        """Set the pump's local clock, in ms since 1970-01-01 00:00 local time (REQ-28)."""
        check_field("clock_ms", clock_ms)
        return self.exchange(m.SetClock(clock_ms))

    # --- Inside ----------------------------------------------------------------------------------

    def _since_increase_ms(
        self, current: m.PrescriptionReport, wanted: m.Prescription
    ) -> int | None:
        """How long ago the dose was last increased, where that matters and the log tells."""
        if wanted.daily_dose_ng <= current.totals.mean_ng:
            return None
        status = self.interrogate()
        at_ms = last_increase_ms(self, status, SINCE_INCREASE_MS)
        return None if at_ms is None else status.at_ms - at_ms

    def _stage(self, prescription: m.Prescription) -> m.PrescriptionStaged:
        check_prescription(prescription)
        staged = self.exchange(m.StagePrescription(prescription))
        _check_echo(staged, prescription)
        return staged

    def _try_roll_back(self) -> bool:
        """Roll back if the pump still answers; if not, what is staged expires by itself.

        Returns whether nothing is staged now, for certain.
        """
        try:
            self.roll_back()
        except PumpRefused as refused:
            return nothing_staged(refused)
        except ProgrammerError:
            return False
        return True


def _check_version(current: m.PrescriptionReport, staged: m.PrescriptionStaged) -> None:
    if staged.version != current.version + 1:
        raise VerificationFailed(
            "the prescription in force was changed meanwhile: "
            f"version {staged.version - 1}, not {current.version}"
        )


def _agreed(
    compared: Review,
    confirm: Callable[[Review], bool] | None,
    confirm_dose: Callable[[Review], int | None] | None,
) -> int | None:
    """The dose that the commit is to repeat; None where none has to be confirmed."""
    if confirm is not None and not confirm(compared):
        raise NotConfirmed("not confirmed: rolled back, the prescription is unchanged")
    if not compared.must_confirm:
        return None
    return _confirmed(
        compared,
        None if confirm_dose is None else confirm_dose(compared),
        "rolled back, the prescription is unchanged",
    )


def _confirmed(compared: Review, confirmed_ng: int | None, meanwhile: str) -> int | None:
    """The dose that the commit is to repeat; None where none has to be confirmed.

    :param meanwhile: what has become of the prescription where it is not confirmed.
    :raises NotConfirmed: it is another one.
    """
    if not compared.must_confirm:
        return None
    wanted_ng = compared.pending_totals.with_patient_ng
    if confirmed_ng == wanted_ng:
        return confirmed_ng
    typed = "" if confirmed_ng is None else f", not {format_daily_dose(confirmed_ng)}"
    raise NotConfirmed(
        "not confirmed: the highest dose of a day is above the pump's soft limit, and must be "
        f"confirmed as {format_daily_dose(wanted_ng)}{typed}; {meanwhile}"
    )


def _check_echo(staged: m.PrescriptionStaged, sent: m.Prescription) -> None:
    if staged.prescription != sent:
        raise VerificationFailed("the pump staged something other than what was sent")
    check_copy(staged)
