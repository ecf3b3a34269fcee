"""A byte pipe to a pump, over whatever pyserial opens; the only module that imports pyserial.

It moves bytes by a deadline and says when the port is gone. It knows nothing of frames.
"""

import errno
import os
import re
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from math import ceil
from time import monotonic, monotonic_ns
from typing import Final, Protocol
from urllib.parse import urlsplit

import serial
from serial.urlhandler import protocol_socket

from pump_programmer.errors import (
    AddressMalformed,
    PortBusy,
    PortMissing,
    PortUnavailable,
    PumpGone,
)

_BAUD_RATE: Final = 115_200
"""Of no meaning to a pseudo-terminal or a socket."""

_CHUNK_BYTES: Final = 4_096
_SLICE_S: Final = 0.05
"""Where pyserial does the waiting: how long at most it waits before it looks at the deadline, and
so how late a loss is noticed that it does not report. A byte that arrives ends the wait at once."""

_MISSING: Final = frozenset(
    {errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR, errno.ECONNREFUSED,
     errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT}
)  # fmt: skip
_BUSY: Final = frozenset({errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK})
_NOT_SERIAL: Final = frozenset({errno.ENOTTY, errno.EINVAL, errno.EISDIR})
_HUNG_UP: Final = frozenset({errno.EPIPE, errno.ECONNRESET})
_NETWORK_SCHEMES: Final = frozenset({"socket", "rfc2217"})
_FORMS: Final = "it must be a device path, socket://HOST:PORT or rfc2217://HOST:PORT"
_NO_RFC2217: Final = re.compile("support RFC2217|accept parameter change|connection failed")
"""What pyserial says when somebody accepted the connection and then did not negotiate."""


class Transport(Protocol):
    """Bytes to and from one port, which one owner has at a time."""

    def read(self, timeout_s: float) -> bytes:
        """What has arrived, at least one byte; nothing after *timeout_s* without any.

        :raises PumpGone: the port was lost.
        """
        ...

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send *data*; what the other end does not take within *timeout_s* is lost.

        :raises PumpGone: the port was lost.
        """
        ...

    def close(self) -> None:
        """Give the port back. May be called again."""
        ...


def open_transport(address: str) -> Transport:
    """Open *address*: a device path, or any URL that pyserial understands.

    The port is ours alone where the system can grant that.

    :raises AddressMalformed: no port can have this address.
    :raises PortMissing: no such device, or nothing listens there.
    :raises PortBusy: another program has it.
    :raises PortUnavailable: it is no serial port, or no permission.
    """
    scheme, separator, _ = address.partition("://")
    scheme = scheme.lower()
    if scheme in _NETWORK_SCHEMES and separator:
        _check_host_and_port(address, scheme)
    is_socket = scheme == "socket"
    try:
        port = (_Socket if is_socket else serial.serial_for_url)(
            address,
            baudrate=_BAUD_RATE,
            timeout=_SLICE_S,
            write_timeout=None if scheme == "rfc2217" else _SLICE_S,  # pyserial refuses it there
            exclusive=True,
        )
    except ValueError as error:
        if not separator:
            raise _why_not_open(address, error) from error
        # What pyserial raises for a scheme, or for options, that it does not know.
        raise AddressMalformed(address, _FORMS) from error
    # pyserial lets what it stumbles over through as it comes.
    except (serial.SerialException, OSError, TypeError) as error:
        raise _why_not_open(address, error) from error
    # Each of pyserial's URL handlers reads its address with other means: regular expressions,
    # tables, imports; what these raise is about the address, and a list would never be complete.
    except Exception as error:
        if isinstance(error, ImportError) or not separator:
            raise _why_not_open(address, error) from error
        raise AddressMalformed(address, _FORMS) from error
    if os.name == "posix" and (not separator or is_socket):
        return _DescriptorTransport(address, port, is_socket=is_socket)
    return _PyserialTransport(address, port)


def _check_host_and_port(address: str, scheme: str) -> None:
    try:
        parts = urlsplit(address)
        complete = bool(parts.hostname and parts.port)
    except ValueError:  # a number beyond 65535, or none
        complete = False
    if not complete:
        raise AddressMalformed(
            address,
            f"needs HOST:PORT, as {scheme}://127.0.0.1:5000, with a PORT of 1 to 65535",
        )


def _why_not_open(address: str, error: BaseException) -> PortUnavailable:
    numbers = set(_error_numbers(error))
    if isinstance(error.__context__, socket.gaierror):
        return PortMissing(f"port {address}: no such host")
    if numbers & _BUSY:
        return PortBusy(
            f"port {address} is in use by another program; perhaps a page (pump-programmer web) or "
            "another programmer has it"
        )
    if numbers & _MISSING:
        what = "nothing listens there" if "://" in address else "no such device"
        return PortMissing(f"port {address}: {what}; is the pump running?")
    if address.startswith("rfc2217://") and (numbers & _HUNG_UP or _NO_RFC2217.search(str(error))):
        return PortBusy(
            f"port {address} does not answer as an RFC 2217 port; "
            "perhaps another programmer is connected"
        )
    if numbers & _NOT_SERIAL:
        return PortUnavailable(f"port {address} is not a serial port")
    why = os.strerror(min(numbers)) if numbers else str(error)
    return PortUnavailable(f"port {address} cannot be opened: {why}")


def _error_numbers(error: BaseException) -> Iterator[int]:
    cause: BaseException | None = error
    while cause is not None:
        # termios.error is no OSError and has its number only among its arguments.
        for number in (getattr(cause, "errno", None), *cause.args[:1]):
            if isinstance(number, int):
                yield number
        cause = cause.__cause__ or cause.__context__


class _Socket(protocol_socket.Serial):
    """pyserial's, which asks `select` when it opens whether there is anything to throw away."""

    def reset_input_buffer(self) -> None:
        """Nothing to do: the connection is new."""

    def close(self) -> None:
        """Leave at once; pyserial's waits 0.3 s afterwards, whoever is at the other end."""
        connection = getattr(self, "_socket", None)
        self._socket = None
        self.is_open = False
        if connection is not None:
            with suppress(OSError):  # the other end was faster
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _is_ready(descriptor: int, timeout_s: float, *, to_write: bool) -> bool:
    """Whether bytes can be moved within *timeout_s*, or the port is gone, as moving them tells."""
    timeout_s = max(0.0, timeout_s)
    if hasattr(select, "poll"):  # `select` knows no descriptor above 1,023, and Windows no `poll`
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT if to_write else select.POLLIN)
        return bool(poll.poll(ceil(timeout_s * 1_000)))
    to_read, to_send = ((), (descriptor,)) if to_write else ((descriptor,), ())
    return any(select.select(to_read, to_send, (), timeout_s))


def _close(port: serial.SerialBase) -> None:
    # pyserial forgets its socket without closing it when the other end was faster.
    inner = getattr(port, "_socket", None)
    port.close()
    if inner is not None:
        inner.close()


class _DescriptorTransport:
    """A port with a file descriptor: one wait and one read for each answer, and nothing in between.

    pyserial opens and configures the port; its ``read`` would ask for bytes one by one.
    """

    def __init__(self, address: str, port: serial.SerialBase, *, is_socket: bool):
        self._address = address
        self._port = port
        self._descriptor = port.fileno()
        self._is_socket = is_socket
        self._heard = False
        if is_socket:
            with socket.socket(fileno=os.dup(self._descriptor)) as shared:
                shared.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def read(self, timeout_s: float) -> bytes:
        try:
            if not _is_ready(self._descriptor, timeout_s, to_write=False):
                return b""
            data = os.read(self._descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise self._gone(error.strerror) from error
        if not data:
            raise self._gone("it was closed at the other end")
        self._heard = True
        return data

    def write(self, data: bytes, timeout_s: float) -> None:
        give_up_at = monotonic() + timeout_s
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                wait_s = give_up_at - monotonic()
                if wait_s <= 0 or not _is_ready(self._descriptor, wait_s, to_write=True):
                    return
            except OSError as error:
                raise self._gone(error.strerror) from error

    def close(self) -> None:
        _close(self._port)

    def _gone(self, why: str | None) -> PumpGone | PortBusy:
        if self._is_socket and not self._heard:
            return PortBusy(
                f"port {self._address} closed the connection before it said anything; "
                "perhaps a page (pump-programmer web) or another programmer is connected"
            )
        return PumpGone(f"port {self._address} was lost: {why or 'unknown reason'}")


class _PyserialTransport:
    """Any other port: pyserial waits, in slices, because a change of its timeout is a change of
    the port's settings, and on some ports that is a conversation of its own."""

    def __init__(self, address: str, port: serial.Serial | protocol_socket.Serial):
        self._address = address
        self._port = port
        self.monotonic_ns: Callable[[], int] = getattr(port, "monotonic_ns", monotonic_ns)

    def read(self, timeout_s: float) -> bytes:
        give_up_at_ns = self.monotonic_ns() + round(timeout_s * 1e9)
        try:
            while True:
                data: bytes = self._port.read(max(1, min(self._port.in_waiting, _CHUNK_BYTES)))
                if data or self.monotonic_ns() >= give_up_at_ns:
                    return data
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def write(self, data: bytes, timeout_s: float) -> None:  # noqa: ARG002 - pyserial has its own
        try:
            self._port.write(data)
        except serial.SerialTimeoutException:
            return
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def close(self) -> None:
        _close(self._port)

    def _gone(self, error: BaseException) -> PumpGone:
        return PumpGone(f"port {self._address} was lost: {error}")
