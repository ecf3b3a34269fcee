"""A virtual pump within a test's own process: no port of the system, no waiting, no real time.

It can do what a pump in a process of its own can (:mod:`pump_sim.testing.process`), by the same
names: its client asks the desk that stands behind every door.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from typing import Any, Final

import serial

from pump_protocol.codes import UserRole
from pump_protocol.keys import Key
from pump_sim.assembly import Assembly
from pump_sim.commands.run_options import read_run_options
from pump_sim.control.asker import Asker, ConnectionEnded, ControlFailed, Object
from pump_sim.control.desk import Desk
from pump_sim.key_files import KeyLog
from pump_sim.notice import SIMULATOR_NOTICE
from pump_sim.options import OptionError
from pump_sim.testing.errors import NoSuchPump
from pump_sim.testing.line import START_NS, VirtualLine
from pump_sim.testing.options import DEADLINE_S, PumpOptions, read_options, run_defaults

_NS_PER_S: Final = 1_000_000_000
_URLS: Final = "pump_sim.testing.urls"


class VirtualPump(Asker):
    """A pump in this process; make one with :func:`virtual_pump`.

    :ivar address: what ``serial.serial_for_url`` opens in this process, for one client at a time.
    :ivar key: a clinician's key of the pump, as a programmer takes it; None of one that has no
        keys, or has had its own for longer (``state_file=``).
    :ivar keys: the keys of all roles, by their names; none where `key` is None. A pump that is
        implanted later has others.
    :ivar timeout_s: how much link time :meth:`wait_for` lets pass, unless told otherwise.
    """

    def __init__(
        self, line: VirtualLine, keys: Mapping[UserRole, Key], timeout_s: float = DEADLINE_S
    ) -> None:
        super().__init__()
        self.address: str = line.port.address
        self.keys = {role.name.lower(): key.to_text() for role, key in keys.items()}
        self.key: str | None = self.keys.get("clinician")
        self.timeout_s = timeout_s
        self._line = line
        self._desk = Desk([line], SIMULATOR_NOTICE, self._events.append)
        self._closed = False

    def ask(self, do: str, *, pump: str | None = None, **fields: Any) -> Object:
        """See :meth:`Asker.ask`; the answer is there at once."""
        if self._closed:
            raise ConnectionEnded("this test has left the door of the virtual pump")
        request = {"do": do, "pump": pump, **fields}
        line = json.dumps({key: each for key, each in request.items() if each is not None})
        answers: list[Object] = []
        self._desk.serve(line.encode(), answers.append)
        # Once through JSON, so that a test sees the same as at a door.
        answer: Object = json.loads(json.dumps(answers.pop()))
        if not answer["ok"]:
            raise ControlFailed(answer["error"])
        result: Object = answer["result"]
        return result

    def wait_for(self, event: str, timeout_s: float | None = None) -> Object:
        """See :meth:`Asker.wait_for`; link time passes until it comes, and no longer."""
        found: list[Object] = []

        def came() -> bool:
            while self._events and not found:
                told = json.loads(json.dumps(self._events.popleft()))
                if event in {told["event"], told.get("record", {}).get("event")}:
                    found.append(told)
            return bool(found)

        span_s = self.timeout_s if timeout_s is None else timeout_s
        self._line.pass_time(_span_ns(span_s), came)
        if not found:
            raise ConnectionEnded(f"no event {event} came within {span_s:g} s of link time")
        return found[0]

    def events(self) -> list[Object]:
        """See :meth:`Asker.events`."""
        told: list[Object] = json.loads(json.dumps(super().events()))
        return told

    def pass_link_time(self, seconds: float) -> None:
        """Let time pass on the link, as if nobody said anything for so long.

        Therapy time passes with it only at a speed other than 0.
        """
        self._line.pass_time(_span_ns(seconds))

    def close(self) -> None:
        """Ask the pump no more; it stays on its line. May be called twice."""
        self._closed = True
        self._desk.close()

    def end(self) -> None:
        """Be gone, for tests and programmers alike; may be called twice."""
        self.close()
        self._line.end()


def _span_ns(seconds: float) -> int:
    if seconds < 0:
        raise ValueError(f"seconds = {seconds}: allowed are 0 and more; time does not go back")
    return round(seconds * _NS_PER_S)


@contextmanager
def virtual_pump(**given: object) -> Iterator[VirtualPump]:
    """A virtual pump for as long as the context lasts.

    :param given: options of ``pump-sim run``, by their names in Python, and ``state``.
    :raises NoSuchPump: there can be no such pump.
    """
    wanted = read_options(given)
    if _URLS not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.append(_URLS)
    with ExitStack() as cleanup:
        pump = _pump(wanted, cleanup)
        cleanup.callback(pump.end)
        if wanted.state is not None:
            _load(pump, wanted.state)
        yield pump


def _load(pump: VirtualPump, state: Mapping[str, Any]) -> None:
    try:
        pump.load(dict(state))
    except ControlFailed as error:
        raise NoSuchPump(f"state: {error}") from error


def _pump(wanted: PumpOptions, cleanup: ExitStack) -> VirtualPump:
    try:
        run_options = read_run_options(wanted.run, **{**run_defaults(), **wanted.run})
        assembly = Assembly(run_options, START_NS)
        cleanup.callback(assembly.abandon)  # nothing once it was closed
        if run_options.key_log is not None:
            key_log = cleanup.enter_context(closing(KeyLog(run_options.key_log)))
            key_log.listen_to(assembly.endpoint)
    except OptionError as error:
        raise NoSuchPump(str(error)) from error
    line = VirtualLine(assembly.endpoint, assembly.wires(lambda *_: None))
    cleanup.callback(lambda: assembly.close(line.link_ns))
    return VirtualPump(line, assembly.new_keys, wanted.deadline_s)
