"""All that a case finds beside the line: a good pump, and how and where the programmer is called.

Each case has its own. Whoever drives a case does the rest: bytes, time, and the programmer itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pump_protocol.conformance.steps import Consult, FindTraces, Start, Step, Use
from pump_protocol.conformance.verdicts import Broken
from pump_sim.judging.command import Command
from pump_sim.judging.good_pump import GoodPump
from pump_sim.judging.home import Home


@dataclass(frozen=True, slots=True)
class Call:
    """A programmer as it is started: the words of its command line, and its environment."""

    words: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to one case."""

    pump: GoodPump
    home: Home
    command: Command

    def call(self, begun: Start, address: str, inherited: Mapping[str, str]) -> Call:
        """How the programmer is started, to find the pump at *address*.

        :param inherited: the environment of the suite.
        """
        key = self.pump.key
        text = key.to_text() if key is not None and begun.keyed else None
        if text is not None and begun.capitals:
            text = f" {text.upper()}\n"
        consent = key is None if begun.consent is None else begun.consent
        return Call(
            tuple(self.command.words(begun, address=address, key=text)),
            self.home.environment(inherited, address=address, key=text, consent=consent),
        )

    def do(self, step: Step | None) -> object:
        """Carry out a step that needs neither the line nor time.

        :raises Broken: it is none of these, or cannot be done.
        """
        match step:
            case Consult(data=data):
                return self.pump.consult(data)
            case Use(hook=hook, fields=fields):
                return self.pump.use(hook, fields)
            case FindTraces(secret=secret):
                return self.home.traces(secret)
            case _:
                raise Broken(f"whoever judges a programmer takes no step {type(step).__name__}")
