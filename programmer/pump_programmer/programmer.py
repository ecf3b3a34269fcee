"""The programmer: what a clinician's software asks of a pump, every change verified.

Blocking, for one thread, over one port; each exchange ends by its deadline. It knows no screen and
no command line.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from pump_programmer.conversation import Conversation
from pump_programmer.errors import (
    NotConfirmed,
    ProgrammerError,
    PumpRefused,
    VerificationFailed,
)
from pump_programmer.review import Review, review
from pump_programmer.values import check_field, check_prescription, check_sequence
from pump_protocol import messages as m
from pump_protocol.codes import (
    MAX_ACCESS_ENTRIES,
    MAX_LOG_ENTRIES,
    Alarm,
    AlarmClass,
    PrescriptionSlot,
    RefusalCode,
)
from pump_protocol.errors import LocalError
from pump_protocol.payloads import prescription_digest
from pump_protocol.units import volume_for_dose

E = TypeVar("E", m.LogEntry, m.AccessEntry)


@dataclass(frozen=True, slots=True)
class Staged:
    """What was found staged, next to what is in force; ``rolled_back`` if it was dropped then.

    Both are None where nothing was staged.
    """

    review: Review | None
    rolled_back: m.PrescriptionRolledBack | None


@dataclass(frozen=True, slots=True)
class Programmed:
    """A prescription that was reviewed, committed, read back and found right."""

    review: Review
    committed: m.PrescriptionCommitted
    read_back: m.PrescriptionReport


class Programmer(Conversation):
    """One programmer at one port; parameters are those of
    :class:`~pump_programmer.conversation.Conversation`.

    Beside what each method names, all of them raise what
    :meth:`~pump_programmer.conversation.Conversation.exchange` raises.
    """

    # --- Reading ---------------------------------------------------------------------------------

    def identify(self) -> m.Identity:
        """Who answers, what it can do, and the limits it enforces."""
        return self.exchange(m.Identify())

    def interrogate(self) -> m.StatusReport:
        """Everything that a clinician sees."""
        return self.exchange(m.Interrogate())

    def read_prescription(
        self, slot: PrescriptionSlot = PrescriptionSlot.CURRENT
    ) -> m.PrescriptionReport:
        """The prescription in force, or the staged one.

        :raises VerificationFailed: the digest is not that of the prescription.
        """
        report = self.exchange(m.ReadPrescription(slot))
        _check_digest(report)
        return report

    def read_log(self, first: int = 1, limit: int | None = None) -> Iterator[m.LogEntry]:
        """The therapy log, oldest first, from sequence number *first* to its present end."""

        def page(at: int, count: int) -> tuple[m.LogRange, tuple[m.LogEntry, ...]]:
            answer = self.exchange(m.ReadLog(at, count))
            return answer.range, answer.entries

        return _pages(page, first, limit, MAX_LOG_ENTRIES)

    def read_access_log(self, first: int = 1, limit: int | None = None) -> Iterator[m.AccessEntry]:
        """The access log, oldest first, from sequence number *first* to its present end."""

        def page(at: int, count: int) -> tuple[m.LogRange, tuple[m.AccessEntry, ...]]:
            answer = self.exchange(m.ReadAccessLog(at, count))
            return answer.range, answer.entries

        return _pages(page, first, limit, MAX_ACCESS_ENTRIES)

    def self_test(self) -> m.SelfTestReport:
        """Let the pump check itself."""
        return self.exchange(m.SelfTest())

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

    def commit(self, digest: bytes) -> m.PrescriptionCommitted:
        """Put the staged prescription in force, if it is still the one with this digest."""
        return self.exchange(m.CommitPrescription(digest))

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
            if not _nothing_staged(refused):
                raise
            return Staged(None, None)  # or no longer: it expired while we looked

    def program(
        self,
        prescription: m.Prescription,
        confirm: Callable[[Review], bool] | None = None,
    ) -> Programmed:
        """Stage, review, commit, read back and verify.

        :param confirm: shown the review before anything is committed; commits only if it says so.
        :raises NotConfirmed: *confirm* said no, or raised this itself; rolled back.
        :raises VerificationFailed: the pump's copy is wrong, before or after the commit, or could
            not be read after it: then the message says that the commit was answered.
        :raises TypeError, ValueError: no prescription, or with a number that cannot be sent.
        """
        check_prescription(prescription)
        doubted = self.in_doubt
        current = self.read_prescription()
        staged = None
        try:
            staged = self._stage(prescription)
            compared = _agree(current, staged, confirm)
            committed = self.commit(staged.digest)
        except NotConfirmed as no:
            if self._try_roll_back():
                raise
            raise NotConfirmed(f"not confirmed. {self._perhaps_staged()}") from no
        except BaseException as error:
            # Also when the answer to the staging was lost, and when the person ends the program
            # instead of answering; not when nothing of ours can be staged, and not when the
            # answer to the commit was lost: it may be in force by now.
            if self.in_doubt is doubted and (
                staged is not None or not isinstance(error, (PumpRefused, LocalError))
            ):
                self._try_roll_back()
            raise
        read_back = self._read_back(committed)
        if (committed.version, committed.digest) != (staged.version, staged.digest) or (
            read_back.version,
            read_back.digest,
            read_back.prescription,
        ) != (staged.version, staged.digest, prescription):
            raise VerificationFailed(
                f"committed, but the pump holds version {read_back.version} "
                f"instead of the version {staged.version} that was reviewed; interrogate it"
            )
        return Programmed(compared, committed, read_back)

    def _read_back(self, committed: m.PrescriptionCommitted) -> m.PrescriptionReport:
        """What is in force after a commit. That nobody can read it does not undo the commit."""
        done = f"the pump answered the commit: version {committed.version} is in force"
        try:
            return self.read_prescription()
        except ProgrammerError as error:
            raise VerificationFailed(
                f"{done}, but it could not be read back: {error}; interrogate the pump"
            ) from error
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(f"{done}, but it was not read back: interrupted")
            raise

    # --- Orders ----------------------------------------------------------------------------------

    def order_bolus(
        self, dose_ng: int, duration_ms: int, *, concentration_ng_per_ml: int | None = None
    ) -> m.BolusOrdered:
        """Deliver a single bolus, once, on top of the basal rate.

        :param concentration_ng_per_ml: what the dose was reckoned with; by default that of the
            prescription in force, which is read first.
        :raises VerificationFailed: the pump reports another order or volume.
        :raises TypeError, ValueError: a number that cannot be sent; nothing was.
        """
        check_field("dose_ng", dose_ng)
        check_field("duration_ms", duration_ms)
        if concentration_ng_per_ml is not None:
            check_field("concentration_ng_per_ml", concentration_ng_per_ml, minimum=1)
        else:
            concentration_ng_per_ml = self.read_prescription().prescription.concentration_ng_per_ml
        concentration = concentration_ng_per_ml
        volume_nl = volume_for_dose(dose_ng, concentration)
        check_field("volume_nl", volume_nl)
        ordered = self._order(
            lambda number: m.OrderBolus(number, dose_ng, concentration, volume_nl, duration_ms)
        )
        if (ordered.order_number, ordered.volume_nl) != (self._last_order, volume_nl):
            raise VerificationFailed(
                f"the pump reports order {ordered.order_number} of {ordered.volume_nl} nL instead "
                f"of order {self._last_order} of {volume_nl} nL; interrogate it"
            )
        return ordered

    def abort_bolus(self) -> m.BolusAborted:
        """End the running bolus; the basal rate goes on."""
        return self.exchange(m.AbortBolus())

    def refill(self, volume_nl: int) -> m.ReservoirUpdated:
        """Tell the pump the usable volume, in nL, that the reservoir holds after a refill.

        :raises VerificationFailed: the pump reports another order or volume.
        :raises TypeError, ValueError: a number that cannot be sent; nothing was.
        """
        check_field("volume_nl", volume_nl)
        updated = self._order(lambda number: m.UpdateReservoir(number, volume_nl))
        if (updated.order_number, updated.after_nl) != (self._last_order, volume_nl):
            raise VerificationFailed(
                f"the pump reports order {updated.order_number} and {updated.after_nl} nL instead "
                f"of order {self._last_order} and {volume_nl} nL; interrogate it"
            )
        return updated

    # --- Alarms and clock ------------------------------------------------------------------------

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

    def set_clock(self, clock_ms: int) -> m.ClockSet:
        """Set the pump's local clock, in ms since 1970-01-01 00:00 local time (REQ-28)."""
        check_field("clock_ms", clock_ms)
        return self.exchange(m.SetClock(clock_ms))

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
            return _nothing_staged(refused)
        except ProgrammerError:
            return False
        return True


def _nothing_staged(refused: PumpRefused) -> bool:
    codes = {reason.code for reason in refused.refusal.reasons}
    return codes == {RefusalCode.NOTHING_STAGED}


def _check_digest(report: m.PrescriptionReport | m.PrescriptionStaged) -> None:
    if report.digest != prescription_digest(report.version, report.prescription):
        raise VerificationFailed(
            f"the digest of prescription version {report.version} is not that of its content"
        )


def _agree(
    current: m.PrescriptionReport,
    staged: m.PrescriptionStaged,
    confirm: Callable[[Review], bool] | None,
) -> Review:
    if staged.version != current.version + 1:
        raise VerificationFailed(
            "the prescription in force was changed meanwhile: "
            f"version {staged.version - 1}, not {current.version}"
        )
    compared = review(current, staged)
    if confirm is not None and not confirm(compared):
        raise NotConfirmed("not confirmed: rolled back, the prescription is unchanged")
    return compared


def _check_echo(staged: m.PrescriptionStaged, sent: m.Prescription) -> None:
    if staged.prescription != sent:
        raise VerificationFailed("the pump staged something other than what was sent")
    _check_digest(staged)


def _pages(
    page: Callable[[int, int], tuple[m.LogRange, tuple[E, ...]]],
    first: int,
    limit: int | None,
    page_size: int,
) -> Iterator[E]:
    """Records from *first* on, to the end that the log had when the first page was read."""
    check_sequence("first", first)
    at, left, end = first, limit, None
    while (left is None or left > 0) and (end is None or at < end):
        held, entries = page(at, page_size if left is None else min(page_size, left))
        end = held.next_sequence if end is None else end
        if not entries:
            return
        for entry in entries:
            if entry.sequence < at:
                raise VerificationFailed(f"log record {entry.sequence} came after {at - 1}")
            yield entry
            at = entry.sequence + 1
        left = None if left is None else left - len(entries)
