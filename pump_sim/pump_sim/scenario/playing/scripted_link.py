"""The scenario's programmer and its wire: passes bytes between clinician, faults and pump.

It moves no time: whoever plays says what time it is on the link, and comes back when it is due.
"""

import random
from collections.abc import Callable, Iterable

from pump_protocol.codes import UserRole
from pump_protocol.errors import OutOfTurn
from pump_sim.endpoint import NS_PER_MS, PumpEndpoint
from pump_sim.frame_cutter import FrameCutter
from pump_sim.ports.impairment import Delivery, Impairment
from pump_sim.ports.link_fault import LinkFault
from pump_sim.scenario.clinician.attacks import Tap
from pump_sim.scenario.clinician.clinician import AttackError, Clinician, Result
from pump_sim.scenario.clinician.keyring import KeyRing
from pump_sim.scenario.file.acts import ByProgrammer, Pair
from pump_sim.scenario.happenings import Outcome

Tell = Callable[[bool, int, bytes], None]
"""Told of bytes at the pump's end: whether to the pump, the link time in ns, the bytes."""


class ScriptedLink:
    """A link of its own to the pump that *endpoint* has in place.

    :param therapy_ms: says what time it is for windows of therapy time.
    :param framed: told of all bytes at the pump's end.
    :param impaired: told of what a fault did: to the pump or not, which and how, the frame.
    :param keys: what the programmer opens links with; None for a pump that asks for no key.
    """

    def __init__(
        self,
        endpoint: PumpEndpoint,
        seed: int,
        *,
        therapy_ms: Callable[[], int],
        framed: Tell,
        impaired: Callable[[bool, str, bytes], None],
        keys: KeyRing | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._therapy_ms = therapy_ms
        self._framed = framed
        self._seed = seed
        self._keys = keys
        self._note_impaired = impaired
        self.start_anew(())

    def start_anew(self, faults: Iterable[LinkFault], tap: Tap | None = None) -> None:
        """Begin as at first, with these faults on the wire; what is under way is lost.

        :param tap: what the programmer has captured and goes on knowing.
        """
        by_seed = random.Random(f"{self._seed}:clinician")  # noqa: S311 - nobody is protected here
        self._clinician = Clinician(by_seed, keys=self._keys, tap=tap)
        self._failed: Result | None = None
        self._wire = Impairment(f"{self._seed}:link", FrameCutter, self._note_impaired)
        for fault in faults:
            self._wire.add(fault)

    @property
    def tap(self) -> Tap:
        """What the programmer has captured on the wire."""
        return self._clinician.tap

    @property
    def busy(self) -> bool:
        """Whether an act is under way."""
        return self._clinician.busy

    def add_fault(self, fault: LinkFault) -> None:
        """Let something go wrong on the wire."""
        self._wire.add(fault)

    def clear_faults(self) -> None:
        """Let nothing go wrong any more."""
        self._wire.clear()

    def begin(self, act: ByProgrammer, link_ns: int) -> None:
        """Let the programmer begin an act; `take_result` tells when it is over."""
        code = ""
        try:
            if isinstance(act, Pair) and act.code == "shown":
                code = self._endpoint.offer_pairing(UserRole[act.role.upper()], link_ns)
            self._clinician.begin(act, link_ns // NS_PER_MS, code)
        except OutOfTurn as error:  # no code is shown
            self._failed = Result(Outcome.REFUSED, ("not_near",), str(error))
        except AttackError as error:  # what was to be sent again was never sent on this way
            self._failed = Result(Outcome.NO_ANSWER, (), str(error))
        else:
            self._pass_on(link_ns)

    def take_result(self) -> Result | None:
        """What came of the act, once, when it is over."""
        failed, self._failed = self._failed, None
        return failed or self._clinician.take_result()

    def next_ns(self) -> int | None:
        """The link time at which `handle` wants to be called, or None."""
        timeout_ms = self._clinician.next_timeout() if self._clinician.busy else None
        moments = (self._wire.due_ns(), None if timeout_ms is None else timeout_ms * NS_PER_MS)
        return min((each for each in moments if each is not None), default=None)

    def handle(self, link_ns: int) -> None:
        """Do what is due."""
        if self._clinician.busy:
            self._clinician.handle_timeout(link_ns // NS_PER_MS)
        self._pass_on(link_ns)

    def _pass_on(self, link_ns: int) -> None:
        """Let everything arrive that can arrive now, and its answers."""
        while True:
            data = self._clinician.data_to_send()
            if data:
                self._send(True, data, link_ns)
            deliveries = self._wire.take(link_ns)
            if not deliveries and not data:
                return
            for delivery in deliveries:
                self._deliver(delivery, link_ns)

    def _send(self, to_pump: bool, data: bytes, link_ns: int) -> None:
        self._wire.send(to_pump, data, link_ns=link_ns, therapy_ms=self._therapy_ms())

    def _deliver(self, delivery: Delivery, link_ns: int) -> None:
        if delivery.data and delivery.to_pump:
            self._framed(True, link_ns, delivery.data)
            answer = self._endpoint.hear(delivery.data, link_ns)
            if answer:
                self._framed(False, link_ns, answer)
                self._send(False, answer, link_ns)
        elif delivery.data:
            self._clinician.receive_data(delivery.data, link_ns // NS_PER_MS)
        if delivery.disconnect:
            self._endpoint.peer_left(link_ns)
            self._clinician.port_lost(link_ns // NS_PER_MS)
