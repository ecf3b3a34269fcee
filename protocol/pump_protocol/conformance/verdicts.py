"""What can be said of a subject after a case, and the exceptions by which a case says it."""

from enum import StrEnum


class Verdict(StrEnum):
    """What a case found."""

    PASS = "PASS"  # noqa: S105 - a verdict
    """The subject did what the case expects."""
    FAIL = "FAIL"
    """It did not, and MUST."""
    NON_STRICT = "NON-STRICT"
    """It did not, and SHOULD."""
    INFO = "INFO"
    """It may do either; or a figure, which is neither good nor bad."""
    UNSUPPORTED = "UNSUPPORTED"
    """Not judged: it lacks the capability, or nobody offers the hook. Nothing was guessed."""
    HARNESS_ERROR = "HARNESS-ERROR"
    """It was not judged: the port, the hook or the suite failed."""


class StateVerdict(StrEnum):
    """Whether what a case sent left prescription, volumes and therapy log as they were."""

    SAME = "SAME"
    CHANGED = "CHANGED"
    UNKNOWN = "UNKNOWN"
    """It could not be read afterwards."""


def is_changed(state: StateVerdict | None) -> bool:
    """Whether a second verdict says that the state was changed, or that nobody knows."""
    return state not in (None, StateVerdict.SAME)


def counts_as(verdict: Verdict, state: StateVerdict | None) -> Verdict:
    """As which verdict a case counts, everywhere: by the second one it failed, too."""
    if verdict is not Verdict.HARNESS_ERROR and is_changed(state):
        return Verdict.FAIL
    return verdict


class Finding(Exception):
    """A case ends early; the message says why, in a sentence for a person.

    Finding
    ├── Unmet         the subject did not do what is expected
    │   └── UnknownRequest    it says that it does not know a request
    ├── Unsupported   the subject cannot be judged by this case
    └── Broken        the harness, and not the subject, failed
    """


class Unmet(Finding):
    """The subject did something else than the case expects; the message says what."""


class UnknownRequest(Unmet):
    """The subject says that it does not know a request, which it MUST (MSG-01).

    Where it never does, one case says so, and the others are unsupported.

    :ivar message_type: of that request.
    """

    def __init__(self, message: str, message_type: int) -> None:
        super().__init__(message)
        self.message_type = message_type


class Unsupported(Finding):
    """What the case needs is not there; the message says what."""


class Broken(Finding):
    """The port or a hook failed; the message says how."""
