"""``virtualpump://`` for pyserial: a serial port whose other end is a pump in the same process.

No read waits: a timeout passes at once, in the link time of the pump, and a little of it whenever
somebody looks whether bytes are there. Baud rate, parity and control lines are accepted and mean
nothing.
"""

import errno
from typing import Any, Final

from serial.serialutil import PortNotOpenError, SerialBase, SerialException

from pump_sim.ports import PortBusyError, PortError
from pump_sim.testing.line import VirtualLine, line_at

_NS_PER_S: Final = 1_000_000_000


class Serial(SerialBase):
    """What ``serial.serial_for_url`` gives for the address of a virtual pump."""

    _line: VirtualLine | None = None

    def open(self) -> None:
        """Take the line of the pump.

        :raises SerialException: there is no such pump in this process, or another client has it.
        """
        if self.port is None:
            raise SerialException("Port must be configured before it can be used.")
        if self.is_open:
            raise SerialException("Port is already open.")
        try:
            line = line_at(self.port)
            line.connect()
        except PortBusyError as error:
            raise SerialException(errno.EBUSY, str(error)) from error
        except PortError as error:
            raise SerialException(errno.ENOENT, str(error)) from error
        self._line = line
        self.is_open = True

    def close(self) -> None:
        """Leave the line; may be called twice."""
        line, self._line = self._line, None
        self.is_open = False
        if line is not None:
            line.disconnect()

    @property
    def in_waiting(self) -> int:
        """How many bytes can be read at once; a millisecond of link time passes.

        :raises SerialException: the pump is gone.
        """
        line = self._opened()
        try:
            return line.poll()
        except PortError as error:
            raise SerialException(errno.EIO, str(error)) from error

    def read(self, size: int = 1) -> bytes:
        """Up to *size* bytes, fewer if the timeout has passed.

        :raises SerialException: the pump is gone, or the port has no timeout and so would wait for
            ever: nothing is under way, and a pump never speaks first.
        """
        line, timeout_ns = self._opened(), 0
        if self.timeout:
            timeout_ns = max(1, int(self.timeout * _NS_PER_S))
        try:
            there = size if self.timeout is not None else line.wait(size)
            if there >= size:
                return line.read(size, timeout_ns)
        except PortError as error:
            raise SerialException(errno.EIO, str(error)) from error
        raise SerialException(
            f"port {self.port}: a read without a timeout would wait for ever;"
            f" {there} of {size} bytes are there"
        )

    def write(self, data: Any, /) -> int:
        """Send *data*; the pump has heard it when this returns.

        :raises SerialException: the pump is gone.
        """
        line, sent = self._opened(), bytes(data)
        try:
            line.write(sent)
        except PortError as error:
            raise SerialException(errno.EIO, str(error)) from error
        return len(sent)

    def monotonic_ns(self) -> int:
        """What time it is on this link, for a client that keeps time by its port."""
        return self._opened().link_ns

    def reset_input_buffer(self) -> None:
        """Throw away what was not read."""
        self._opened().discard()

    def reset_output_buffer(self) -> None:
        """Nothing to do: what was written has arrived."""

    @property
    def out_waiting(self) -> int:
        """None: what was written has arrived."""
        return 0

    def _opened(self) -> VirtualLine:
        if self._line is None:
            raise PortNotOpenError
        return self._line

    # --- Of no meaning here ----------------------------------------------------------------------

    def _reconfigure_port(self) -> None: ...

    def _update_rts_state(self) -> None: ...

    def _update_dtr_state(self) -> None: ...

    def _update_break_state(self) -> None: ...

    @property
    def cts(self) -> bool:
        """Clear to send, always."""
        return True

    @property
    def dsr(self) -> bool:
        """Data set ready, always."""
        return True

    @property
    def ri(self) -> bool:
        """Never rings."""
        return False

    @property
    def cd(self) -> bool:
        """Carrier detected, always."""
        return True
