"""The pump's end of the link: byte pipes that know nothing of frames, messages or the model.

`open_port` makes one from a spec such as ``pty`` or ``tcp:4001``; importing this package
imports none of them, so a pump on a pty never loads the network code or pyserial.
"""

from pump_sim.ports.port import (
    Listener,
    Port,
    PortBusyError,
    PortError,
    PortSpecError,
    default_spec,
    open_port,
)

__all__ = [
    "Listener",
    "Port",
    "PortBusyError",
    "PortError",
    "PortSpecError",
    "default_spec",
    "open_port",
]
