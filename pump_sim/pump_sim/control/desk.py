"""Requests to pumps and answers back, without sockets: who is asked, and who is told.

A request is carried out where the keys of the terminal are: posted to the host of its pump, which
brings the pump to the present first. So no request ever meets a pump in the middle of something
else, and the link of a programmer is heard between any two requests.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pump_protocol.guard import PumpGuard, new_keys
from pump_sim.control.command import Call
from pump_sim.control.errors import ControlError, unknown
from pump_sim.control.refusing import refused
from pump_sim.control.requests import Request, read_line, read_request
from pump_sim.control.watching import Watch
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.refusals import Refused
from pump_sim.ports import Port
from pump_sim.serve import Watcher

Answer = dict[str, Any]


class Host(Protocol):
    """A pump that is served, as :class:`pump_sim.serve.PumpHost` is."""

    endpoint: PumpEndpoint
    port: Port

    def post(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        """Have something done with the pump at its present."""

    def watch(self, watcher: Watcher) -> None:
        """Have somebody told of what happens."""

    def unwatch(self, watcher: Watcher) -> None:
        """Tell them no more."""


class Desk:
    """Serves one client at the pumps of this process, one request after the other.

    :param tell: takes what the client is told unasked.
    """

    def __init__(self, hosts: Sequence[Host], notice: str, tell: Callable[[Answer], None]) -> None:
        self._hosts = hosts
        self._notice = notice
        self._tell = tell
        self._watches: list[tuple[Host, Watch]] = []

    @property
    def notice(self) -> str:
        """What says that all this is a simulator."""
        return self._notice

    @property
    def endpoints(self) -> list[PumpEndpoint]:
        """All pumps of the process."""
        return [host.endpoint for host in self._hosts]

    def guard_for(self, serial_number: str) -> PumpGuard:
        """New keys, whatever the number."""
        del serial_number
        return PumpGuard(new_keys())

    @property
    def addresses(self) -> list[str]:
        """Where a programmer finds each of them."""
        return [host.port.address for host in self._hosts]

    def serve(self, line: bytes | None, answer: Callable[[Answer], None]) -> None:
        """Carry out the request on a line, None for one that was too long, and answer it once.

        The answer may come at once or later; give the next line after it.
        """
        request_id: Any = None
        try:
            content = read_line(line)
            request_id = content.get("id")
            request = read_request(content)
            host = self._host_of(request)
        except ControlError as error:
            answer(_failed(request_id, error))
            return

        def act(endpoint: PumpEndpoint, link_ns: int) -> None:
            answer(self._carry_out(request_id, request, endpoint, link_ns))

        host.post(act)

    def _host_of(self, request: Request) -> Host:
        by_serial = {each.endpoint.simulation.pump.serial_number: each for each in self._hosts}
        if request.pump is not None:
            if request.pump not in by_serial:
                raise unknown("unknown_pump", "pump", request.pump, by_serial, "pump")
            return by_serial[request.pump]
        if len(self._hosts) > 1 and request.command.of_one_pump:
            message = f"{request.command.name}: say which pump; there are {', '.join(by_serial)}"
            raise ControlError("unknown_pump", message, field="pump", allowed=list(by_serial))
        return self._hosts[0]

    def _carry_out(
        self, request_id: Any, request: Request, endpoint: PumpEndpoint, link_ns: int
    ) -> Answer:
        try:
            result = request.command.handle(Call(endpoint, link_ns, request.given, self))
        except ControlError as error:
            return _failed(request_id, error)
        except Refused as error:
            endpoint.handled(link_ns)  # the refusal is in the log
            return _failed(request_id, refused(error))
        endpoint.handled(link_ns)
        return {"id": request_id, "ok": True, "result": result}

    # --- Watching --------------------------------------------------------------------------------

    def watch(self, watching: bool) -> None:
        """Tell the client, from now on, of what happens to all pumps; or no more."""
        if watching == bool(self._watches):
            return
        if not watching:
            self.close()
            return
        for host in self._hosts:
            watch = Watch(host.endpoint, self._tell)
            host.watch(watch.look)
            self._watches.append((host, watch))

    def close(self) -> None:
        """The client has gone, or wants to be told no more."""
        for host, watch in self._watches:
            host.unwatch(watch.look)
        self._watches.clear()


def _failed(request_id: Any, error: ControlError) -> Answer:
    return {"id": request_id, "ok": False, "error": error.as_json()}
