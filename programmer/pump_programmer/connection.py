"""A connection to a port: opened, closed, and good for links; it knows no request."""

from pump_programmer.errors import PumpGone
from pump_programmer.link import Link
from pump_programmer.patience import Patience
from pump_programmer.transport import Transport, open_transport
from pump_protocol.keys import Key


class Connection:
    """One port, open or not, for one owner.

    :param address: what pyserial opens: a device path, ``socket://host:port``,
        ``rfc2217://host:port``.
    :param patience: with whoever answers on a link.
    """

    def __init__(self, address: str, patience: Patience):
        self.address = address
        self.patience = patience
        self._transport: Transport | None = None

    @property
    def is_open(self) -> bool:
        """Whether the port is open."""
        return self._transport is not None

    def open(self) -> None:
        """Open the port, if it is not open yet.

        :raises PortUnavailable: or its children.
        """
        if self._transport is None:
            self._transport = open_transport(self.address)

    def close(self) -> None:
        """Give the port back. May be called again."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def notice_loss(self) -> None:
        """Look whether the port is still there, if it is open; what arrives unasked is dropped.

        :raises PumpGone: it was lost.
        """
        if self._transport is not None:
            self._transport.read(0.0)

    def link(self, key: Key | None = None) -> Link:
        """A new link under a fresh random id; nothing is sent yet.

        :param key: with which it is to be opened.
        :raises PumpGone: the port is not open.
        """
        if self._transport is None:
            raise PumpGone(f"port {self.address} is not open")
        return Link(self._transport, self.patience, key)
