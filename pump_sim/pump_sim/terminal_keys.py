"""What each key of the terminal does to the running pumps of this process.

Reading keys is :mod:`pump_sim.keyboard`; this knows only hosts and what to do with them.
"""

import asyncio
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from typing import Final

from pump_protocol.codes import INTENT_LIMIT_MS, UserRole
from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.units import SECOND_MS
from pump_sim.narration import alarm_text, clock_text, head_text, ml
from pump_sim.pairing import code_lines
from pump_sim.serve import PumpHost

KEYS_HELP: Final = (
    "keys: space pause/resume, + ten times faster, - ten times slower,\n"
    "      n next event, f fill by hand, s status, q quit\n"
    "      h programming head on/off, b its button, p pairing code"
)

FASTEST: Final = Fraction(10_000_000)
SLOWEST: Final = Fraction(1, 1000)


class Keys:
    """The keys of a running ``pump-sim run``.

    :param hosts: the pumps; every key acts on all of them.
    :param stop: set to end the program.
    :param say: takes the lines that a key gives.
    :param choose: decides for the option of a number, at a link time, in a scenario that asks.
    """

    def __init__(
        self,
        hosts: Sequence[PumpHost],
        stop: asyncio.Event,
        say: Callable[[str], None],
        choose: Callable[[int, int], bool] | None = None,
    ) -> None:
        self._say = say
        self._hosts = hosts
        self._acts: dict[str, Callable[[], None]] = {
            " ": lambda: self._set_speed(lambda pump: Fraction(0) if pump.speed else pump.pace),
            "+": lambda: self._set_speed(lambda pump: min(FASTEST, pump.pace * 10)),
            "-": lambda: self._set_speed(lambda pump: max(SLOWEST, pump.pace / 10)),
            "n": lambda: self._for_all(self._jump),
            "f": lambda: self._for_all(self._fill),
            "h": lambda: self._for_all(self._lay_or_lift),
            "b": lambda: self._for_all(self._press_button),
            "p": self._pair_all,
            "s": lambda: self._for_all(self._say_status),
            "q": stop.set,
        }
        if choose is not None:
            for number in range(1, 10):
                self._acts[str(number)] = self._chooser(choose, number)

    def press(self, key: str) -> None:
        """Do what *key* says; any other key tells what there is."""
        self._acts.get(key, lambda: self._say(KEYS_HELP))()

    def _chooser(self, choose: Callable[[int, int], bool], number: int) -> Callable[[], None]:
        def act(endpoint: PumpEndpoint, link_ns: int) -> None:
            script = endpoint.script
            decision = None if script is None else script.decision
            if decision is None:
                self._say("nothing is asked now")
            elif not choose(number, link_ns):
                self._say(f"there is no option {number}: press 1 to {len(decision.options)}")

        return lambda: self._hosts[0].post(act)

    def _for_all(self, act: Callable[[PumpEndpoint, int], None]) -> None:
        def do(endpoint: PumpEndpoint, link_ns: int) -> None:
            act(endpoint, link_ns)
            endpoint.handled(link_ns)

        for host in self._hosts:
            host.post(do)

    def _set_speed(self, wanted: Callable[[PumpEndpoint], Fraction]) -> None:
        """Have all pumps run as fast as is *wanted* of the first.

        It is asked for when its turn comes, not remembered: another key may have come before, or a
        test may have paused the pump through its door.
        """
        first, *others = self._hosts

        def act(endpoint: PumpEndpoint, link_ns: int) -> None:
            speed = wanted(endpoint)
            endpoint.set_speed(speed, link_ns)
            endpoint.handled(link_ns)
            for host in others:
                host.post(lambda other, other_ns: other.set_speed(speed, other_ns))
            told = f"speed: {_plain(speed)} times real time" if speed else "paused"
            self._say(f"{told}, once it is decided" if endpoint.held else told)

        first.post(act)

    def _jump(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        script = endpoint.script
        if script is not None and script.decision is not None:
            self._say(f"decide first: {script.decision.ask}")
            return
        if endpoint.next_event_ms() is None:
            self._say(
                f"{endpoint.simulation.pump.serial_number}: nothing more will happen by itself"
            )
        endpoint.jump_to_next_event(link_ns)

    def _fill(self, endpoint: PumpEndpoint, _: int) -> None:
        pump = endpoint.simulation.pump
        pump.fill_by_hand(pump.profile.capacity_nl)
        self._say(f"{pump.serial_number}: filled by hand; the pump does not know until it is told")

    def _lay_or_lift(self, endpoint: PumpEndpoint, _: int) -> None:
        presence = endpoint.presence
        presence.on_pump = not presence.on_pump
        serial_number = endpoint.simulation.pump.serial_number
        self._say(f"{serial_number}: the programming head {head_text(presence)}")

    def _press_button(self, endpoint: PumpEndpoint, link_ns: int) -> None:
        endpoint.press_button(link_ns)
        serial_number = endpoint.simulation.pump.serial_number
        if endpoint.presence.on_pump:
            counts = f"it counts for {INTENT_LIMIT_MS // SECOND_MS} s"
        else:
            counts = "it does nothing before the head lies on the pump: h"
        self._say(f"{serial_number}: the button of the programming head was pressed; {counts}")

    def _pair_all(self) -> None:
        for host in self._hosts:
            host.post(partial(self._pair, host.port.address))

    def _pair(self, address: str, endpoint: PumpEndpoint, link_ns: int) -> None:
        serial_number = endpoint.simulation.pump.serial_number
        if endpoint.guard is None:
            self._say(f"{serial_number}: legacy-insecure: it takes no key, there is none to give")
            return
        if not endpoint.presence.on_pump:
            self._say(f"{serial_number}: lay the programming head on the pump first: h")
            return
        code = endpoint.offer_pairing(UserRole.CLINICIAN, link_ns)
        self._say(f"{serial_number}: pairing code for a clinician's key: {code}")
        for line in code_lines(address, code, UserRole.CLINICIAN):
            self._say(f"{'':6}{line}")

    def _say_status(self, endpoint: PumpEndpoint, _: int) -> None:
        pump = endpoint.simulation.pump
        status, truth = pump.status(), pump.truth()
        alarms = [alarm_text(record.alarm) for record in status.alarms]
        self._say(
            f"{clock_text(status.clock_local_ms)}  {pump.serial_number}"
            f"  {ml(status.infusing_nl_per_day)} mL/day, alarms: {', '.join(alarms) or 'none'}\n"
            f"{'':21}believed {ml(status.believed_volume_nl)} mL,"
            f" actual {ml(truth.actual_volume_nl)} mL"
        )


def _plain(speed: Fraction) -> str:
    """A speed as people write it: 10,000,000 or 0.001."""
    return f"{speed.numerator:,}" if speed.denominator == 1 else f"{float(speed):.6g}"
