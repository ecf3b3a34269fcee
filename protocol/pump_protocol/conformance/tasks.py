"""What a programmer that is judged is asked to do, and how it tells what came of it.

It is a command of somebody else, so all that is known of it is this: it takes a task on its command
line, and its exit code says one of four things. The default command lines are those of
``pump-programmer``; whoever judges another programmer gives theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from pump_protocol.conformance.cases import Profile


class Outcome(StrEnum):
    """What a programmer says of its task when it ends."""

    DONE = "done"
    """It was carried out."""
    REFUSED = "refused"
    """The pump refused, and nothing was changed."""
    UNKNOWN = "unknown"
    """It may have been carried out, or not (SEQ-11)."""
    FAILED = "failed"
    """It was not carried out, for any other reason."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that a programmer can do.

    :ivar line: its default words on the command line, with values in braces.
    :ivar meaning: what it is, for whoever writes another line.
    """

    name: str
    line: str
    meaning: str


TASKS: Final[Mapping[str, Task]] = {
    each.name: each
    for each in (
        Task("identify", "identify", "show who answers"),
        Task("interrogate", "interrogate", "show what a clinician sees; changes nothing"),
        Task("log", "log", "show the whole therapy log"),
        Task(
            "program",
            "program --yes --dose '{daily_dose_mcg} mcg/day'",
            "stage, review and commit another daily dose of the drug in force, and nothing else;"
            " its user has agreed to it, but has not confirmed a dose above the soft limit, nor"
            " decided about a bridge",
        ),
        Task(
            "program-confirmed",
            "program --yes --dose '{daily_dose_mcg} mcg/day'"
            " --confirm-dose '{confirmed_dose_mcg} mcg/day'",
            "as program; its user has confirmed that dose above the soft limit",
        ),
        Task(
            "change-concentration",
            "program --yes --concentration '{concentration_mcg_per_ml} mcg/mL'",
            "as program, the same daily dose of another concentration; its user has not decided"
            " about a bridge",
        ),
        Task("roll-back", "staged --roll-back", "drop what is staged"),
        Task(
            "bolus",
            "bolus --yes --dose '{dose_mcg} mcg' --duration '{duration_min} min'",
            "order a single bolus, once",
        ),
        Task(
            "repeat-bolus",
            "bolus --yes --dose '{dose_mcg} mcg' --duration '{duration_min} min'"
            " --order-number {order_number}",
            "order the very same bolus again, under the number that it had: its outcome is unknown",
        ),
        Task("abort-bolus", "bolus --abort", "end the running bolus"),
        Task("refill", "refill --yes --volume '{volume_ml} mL'", "tell the volume after a refill"),
        Task("acknowledge", "acknowledge low-reservoir", "acknowledge the low-reservoir alarm"),
        Task("silence", "silence low-reservoir --for '60 min'", "hold its tone for an hour"),
        Task("write-note", "note --set '{text}'", "write the note"),
        Task(
            "pair", "pair --code {code}", "get the clinician's key by a pairing code, and keep it"
        ),
    )
}
"""Every task, by name."""

DEFAULT_EXITS: Final[Mapping[int, Outcome]] = {
    0: Outcome.DONE,
    1: Outcome.REFUSED,
    5: Outcome.UNKNOWN,
}
"""Exit codes; any other says FAILED."""


@dataclass(frozen=True, slots=True)
class ProgrammerSubject:
    """What is known of the programmer that is judged.

    :ivar authenticated: whether the pump that is played has keys.
    :ivar tasks: what it can do.
    :ivar exits: what its exit codes say.
    :ivar patience_ms: how long a task may take in all.
    """

    authenticated: bool = True
    tasks: frozenset[str] = frozenset(TASKS)
    exits: Mapping[int, Outcome] = field(default_factory=lambda: DEFAULT_EXITS)
    patience_ms: int = 20_000

    @property
    def profile(self) -> Profile:
        """The security profile of the pump that is played."""
        return Profile.AUTHENTICATED if self.authenticated else Profile.LEGACY_INSECURE

    def outcome(self, code: int) -> Outcome:
        """What an exit code says."""
        return self.exits.get(code, Outcome.FAILED)
