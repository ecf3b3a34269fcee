"""What can go wrong with a state file, as a tree of two errors; neither has a secret in its text.

::

    StoreError
    ├── StoreRefused   at the start: the file is as it was, and there is no pump
    └── StoreFailed    later: nothing more can be kept, so nothing more may be answered
"""


class StoreError(Exception):
    """A pump cannot be kept in a file."""


class StoreRefused(StoreError):
    """A state file cannot be used; it was left as it is."""


class StoreFailed(StoreError):
    """A state file can no longer be written; it holds what was last acknowledged."""
