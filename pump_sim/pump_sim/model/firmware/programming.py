"""The prescription in force and the one staged to replace it; staging never disturbs therapy."""

from dataclasses import dataclass, replace

from pump_sim.model.prescription import Mode, Prescription


@dataclass(frozen=True, slots=True)
class Programming:
    """Current and pending prescription. Each change of the current one raises `version` from 1.

    `since_ms` is when the current one was put in force, `stopped_since_ms` since when nothing is to
    flow, None unless it is so. `incomplete` says that an update was begun and left; `safe` that the
    pump itself went to its safe state, `emergency` that somebody without a key put the current one
    in force: either way it waits to be programmed.
    """

    current: Prescription
    version: int = 1
    since_ms: int = 0
    pending: Prescription | None = None
    stopped_since_ms: int | None = None
    incomplete: bool = False
    safe: bool = False
    emergency: bool = False

    def staged(self, prescription: Prescription) -> "Programming":
        """With a pending prescription, in place of any other that was pending."""
        return replace(self, pending=prescription)

    def rolled_back(self, *, incomplete: bool = False) -> "Programming":
        """Without a pending prescription; one that expired leaves an update `incomplete`."""
        return replace(self, pending=None, incomplete=incomplete)

    def halted(self, at_ms: int) -> "Programming":
        """With the infusion stopped for an update; one stop after another is one long stop."""
        return self if self.stopped_since_ms is not None else replace(self, stopped_since_ms=at_ms)

    def resumed(self) -> "Programming":
        """After an update that came to nothing: the current prescription is what is to flow."""
        return self if self.current.mode is Mode.STOPPED else replace(self, stopped_since_ms=None)

    def committed(self, prescription: Prescription, at_ms: int) -> "Programming":
        """With that prescription in force, whole or not at all (REQ-23), and nothing pending."""
        stopped_since_ms = None
        if prescription.mode is Mode.STOPPED:
            # One stop after another is one long stop: the 48 h do not begin again.
            already = self.stopped_since_ms
            stopped_since_ms = at_ms if already is None else already
        return Programming(
            prescription, self.version + 1, since_ms=at_ms, stopped_since_ms=stopped_since_ms
        )

    def in_safe_state(self, prescription: Prescription, at_ms: int) -> "Programming":
        """With the prescription of the safe state in force, and nothing pending."""
        return Programming(
            prescription,
            self.version + 1,
            since_ms=at_ms,
            incomplete=self.incomplete,
            safe=True,
            emergency=self.emergency,
        )

    def in_emergency(self, prescription: Prescription, at_ms: int) -> "Programming":
        """With that of an emergency in force: it settles nothing that waits for a clinician."""
        committed = self.committed(prescription, at_ms)
        return replace(committed, incomplete=self.incomplete, safe=self.safe, emergency=True)
