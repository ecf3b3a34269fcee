"""The client that a clinician's software would be: it programs a pump over any serial port.

It needs pyserial and :mod:`pump_protocol`, and knows nothing of the simulator. Everything begins
with :class:`Programmer`; what it raises is in :mod:`pump_programmer.errors`.
"""

from pump_programmer.errors import ProgrammerError
from pump_programmer.patience import Patience
from pump_programmer.programmer import Programmer

__all__ = ["Patience", "Programmer", "ProgrammerError"]
