"""Why a test has no pump; it knows nothing of how one is started."""


class PumpTestError(Exception):
    """A test cannot have its pump; the message says why.

    PumpTestError
    ├── NoSuchPump        what was asked for is no pump, or is not known
    ├── PumpNotStarted    the pump's process ended, or was not ready in time
    └── PumpFailed        the pump's process broke down while it was in use
    """


class NoSuchPump(PumpTestError):
    """An option is unknown, or its value cannot be; no pump is running."""


class PumpNotStarted(PumpTestError):
    """The process ended or was not ready in time; the message has what it wrote to stderr."""


class PumpFailed(PumpTestError):
    """The process ended by itself with an error; the message has what it wrote to stderr."""
