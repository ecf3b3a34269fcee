"""What may be at a port instead of a pump: each serves on the loopback, in a thread of its own."""

import random
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Behaviour = Callable[[socket.socket], None]


def silent(client: socket.socket) -> None:
    """Takes everything, and never says a word."""
    while client.recv(4_096):
        pass


def deaf(client: socket.socket) -> None:
    """Does not even take what is sent, until it is over."""
    client.shutdown(socket.SHUT_RD)
    threading.Event().wait(60)


def flooding(client: socket.socket) -> None:
    """Never stops sending."""
    noise = random.Random(1).randbytes(4_096)
    while True:
        client.sendall(noise)


def garbage(client: socket.socket) -> None:
    """Answers whatever comes with noise."""
    noise = random.Random(2)
    while client.recv(4_096):
        client.sendall(noise.randbytes(40))


def echoing(client: socket.socket) -> None:
    """Sends back what comes, as a line that is looped does."""
    while data := client.recv(4_096):
        client.sendall(data)


def shouting(client: socket.socket) -> None:
    """Is something else: it greets, and talks lines."""
    client.sendall(b"220 mail.example ESMTP\r\n")
    while client.recv(4_096):
        client.sendall(b"500 what?\r\n")


def closing(client: socket.socket) -> None:
    """Hangs up at the first byte."""
    client.recv(1)


@contextmanager
def subject(behaviour: Behaviour) -> Iterator[str]:
    """The address of such a subject, for as many connections as come."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        clients: list[socket.socket] = []

        def serve(client: socket.socket) -> None:
            with suppress(OSError):
                behaviour(client)
            client.close()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = server.accept()
                    clients.append(client)
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"socket://127.0.0.1:{server.getsockname()[1]}"
        finally:
            for client in clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
                client.close()


@contextmanager
def dying(address: str, after_bytes: int) -> Iterator[str]:
    """A pump that is there at *address* until it has said so many bytes, and then no more."""
    host, _, port = address.removeprefix("socket://").partition(":")
    left = [after_bytes]

    def relay(client: socket.socket) -> None:
        if left[0] <= 0:
            return
        with socket.create_connection((host, int(port))) as pump:
            threading.Thread(target=_pass_on, args=(client, pump), daemon=True).start()
            while left[0] > 0 and (data := pump.recv(4_096)):
                client.sendall(data[: left[0]])
                left[0] -= len(data)
            pump.shutdown(socket.SHUT_RDWR)

    with subject(relay) as relayed:
        yield relayed


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(4_096):
            sink.sendall(data)
