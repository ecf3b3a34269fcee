"""The wire between a programmer and a pump: frames, messages and sessions, without I/O.

Nothing here opens a socket, reads a clock or knows of a simulator: bytes and times are
arguments. Start with :mod:`pump_protocol.messages` (what can be said), then
:mod:`pump_protocol.session` (when).
"""

from pump_protocol._version import __version__

__all__ = ["__version__"]
