"""A scenario that is played on a served pump: its narration, the choices, and what became of it.

It says lines and takes decisions. Who reads keys, and what serves the pump, is not known here.
"""

from textwrap import wrap
from typing import Any, Final

from pump_sim.endpoint import Decision, PumpEndpoint
from pump_sim.model.hardware.faults import FAULTS
from pump_sim.notice import security_profile, unsafe_notices
from pump_sim.reporter import Reporter
from pump_sim.scenario.file.acts import Break, Clear
from pump_sim.scenario.happenings import (
    Acted,
    Chosen,
    Ended,
    FaultChanged,
    Flagged,
    Happening,
    Recorded,
    Replaced,
    Said,
)
from pump_sim.scenario.judging.judge import Judge
from pump_sim.scenario.playing.play import Play
from pump_sim.texts import spaced

_COLUMNS: Final = 58
"""What is left of a terminal's 80 beside the time of day."""


class Stage:
    """A play under way, and those who watch it.

    :param reporter: says the lines, for the endpoint of the play.
    :param link_ns: the present link time.
    :param keys: whether a person can press the number of an option.
    """

    def __init__(self, play: Play, reporter: Reporter, link_ns: int, *, keys: bool) -> None:
        scenario = play.scenario
        self.play = play
        self._reporter = reporter
        self._keys = keys
        self._judge = Judge(scenario.expect, scenario.length_ms)
        self._ended = False
        self._asked: Decision | None = None
        play.watch(self._hear)
        # Nothing happens before those who watch have been told where.
        play.endpoint.hold(link_ns)

    def begin(self, _: PumpEndpoint, link_ns: int) -> None:
        """Say what is played, and let therapy time run."""
        scenario = self.play.scenario
        start = scenario.pump
        fields = {
            "title": scenario.title,
            "summary": scenario.summary.strip(),
            "security_profile": security_profile(start.guarded),
            "updates": start.updates,
        }
        self._tell("scenario", scenario.title, fields)
        notices = unsafe_notices(guarded=start.guarded, historic=start.historic)
        for text in (scenario.summary, *notices):
            for line in wrap(text, _COLUMNS):
                self._reporter.add(line)
        self.play.endpoint.release(link_ns)
        self.play.endpoint.catch_up(link_ns)

    def look(self) -> None:
        """Ask for a decision, if one is waited for and was not asked for yet."""
        decision = self.play.decision
        if decision is None or decision == self._asked:
            return
        self._asked = decision
        options = dict(decision.options)
        fields = {"choice": decision.name, "ask": decision.ask, "options": options}
        self._tell("choice", decision.ask, fields)
        for number, title in enumerate(options.values(), 1):
            self._reporter.add(f"{number}  {title}")
        how = "press a number" if self._keys else "decide at the door, or start with --pick"
        self._reporter.add(f"(the pump waits: {how})")

    def choose_number(self, number: int, link_ns: int) -> bool:
        """Decide for the option of that number, from 1; whether there was one to decide."""
        decision = self.play.decision
        if decision is None or not 1 <= number <= len(decision.options):
            return False
        self.play.decide(list(decision.options)[number - 1], link_ns)
        return True

    # --- What is told ----------------------------------------------------------------------------

    def _hear(self, happening: Happening) -> None:
        if not self._ended:  # the pump goes on for as long as anybody likes
            self._judge.hear(happening)
        self._narrate(happening)

    def _narrate(self, happening: Happening) -> None:
        match happening:
            case Recorded(entry=entry):
                self._reporter.tell_record(entry)
            case Said(text=text):
                self._tell("said", text, {"text": text})
            case Acted(act=Break() | Clear()):
                pass  # the fault itself is told when it begins and ends
            case Acted(act=act, outcome=outcome, text=text):
                kind = getattr(act, act.family)
                fields = {"family": act.family, "act": kind, "outcome": outcome.value, "text": text}
                who = "" if act.family == "link" else f"{act.family}, "
                self._tell("acted", f"({who}{kind.replace('_', ' ')}: {text})", fields)
            case Chosen(choice=choice, option=option):
                fields = {"choice": choice.name, "option": option.name}
                self._tell("chosen", f"-> {option.title}", fields)
            case Flagged(flags=flags):
                shown = ", ".join(flag.value for flag in flags) or "as usual"
                names = [flag.name.lower() for flag in flags]
                self._tell("flags", f"PATIENT: {shown}", {"flags": names})
            case FaultChanged(fault=fault, began=began):
                state = "" if not FAULTS[fault].lasts else " begins" if began else " is over"
                text = f"({spaced(fault)}{state})"
                self._tell("fault", text, {"fault": fault, "began": began})
            case Replaced(serial_number=serial_number):
                self._tell("replaced", "", {"serial_number": serial_number})
            case Ended():
                self._end()
            case _:
                pass

    def _end(self) -> None:
        self._ended = True
        verdicts = self._judge.verdicts()
        unmet = [f"{each.expected}: {each.happened}" for each in verdicts if not each.met]
        met = len(verdicts) - len(unmet)
        text = f"The scenario is over: {met} of {len(verdicts)} as expected."
        self._tell("ended", text, {"expectations": len(verdicts), "unmet": unmet})
        for each in unmet:
            self._reporter.add(each)
        self._reporter.add("The pump goes on.")

    def _tell(self, event: str, text: str, fields: dict[str, Any]) -> None:
        self._reporter.tell(event, text, {"at_ms": self.play.elapsed_ms, **fields})
