"""Judges a play: what was expected, what happened instead, and when.

It is told what happens and changes nothing. What a value is, is :mod:`.measure`'s business.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pump_protocol.units import format_duration
from pump_sim.model.events import EventCode, LogEntry
from pump_sim.model.firmware.alarms import Alarm
from pump_sim.scenario.file.acts import Act, ByProgrammer, Press
from pump_sim.scenario.file.expectations import (
    AccessEvent,
    AlarmEvent,
    Event,
    Expectation,
    FlagEvent,
    LogEvent,
    Received,
    Value,
)
from pump_sim.scenario.happenings import (
    Acted,
    Chosen,
    Flagged,
    Happening,
    Look,
    Noted,
    Outcome,
    Recorded,
)
from pump_sim.scenario.judging.event_words import event_text, happened_text, other_text, verb
from pump_sim.scenario.judging.measure import MEASURES, seen, wanted_text, within
from pump_sim.texts import spaced


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an expectation, or of the wanted outcome of an act, in people's words.

    `at_ms` is the moment that decided: of the event, of the look, or the last one at which it could
    have been met. None where that moment never came.
    """

    expectation: Expectation | Act
    met: bool
    expected: str
    happened: str
    at_ms: int | None


class Judge:
    """Hears what happens in one play, and says what was expected of it and what was not met.

    The expectations of an option that is chosen are judged too, from the start of the scenario on.

    :param expectations: those of the scenario, outside its options.
    :param length_ms: when the scenario ends.
    """

    def __init__(self, expectations: Iterable[Expectation], length_ms: int) -> None:
        self._expectations = list(expectations)
        self._length_ms = length_ms
        self._reached_ms = 0
        self._records: list[tuple[int, LogEntry]] = []
        self._noted: list[Noted] = []
        self._began: list[tuple[int, str]] = []
        self._looks: list[Look] = []
        self._acts: list[Verdict] = []

    def hear(self, happening: Happening) -> None:
        """Take what happened; in order of time."""
        self._reached_ms = max(self._reached_ms, happening.at_ms)
        match happening:
            case Look():
                self._looks.append(happening)
            case Recorded(at_ms=at_ms, entry=entry):
                self._records.append((at_ms, entry))
            case Noted():
                self._noted += [happening] * happening.times
            case Flagged(at_ms=at_ms, began=began):
                self._began += [(at_ms, each.name.lower()) for each in began]
            case Acted():
                verdict = outcome_verdict(happening)
                if verdict is not None:
                    self._acts.append(verdict)
            case Chosen(option=option):
                self._expectations += option.expect

    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict on each expectation, in the file's order, then on each act that is judged.

        Of a play that was not played to its end, what lies beyond counts as unmet.
        """
        return (*map(self._verdict, self._expectations), *self._acts)

    def _verdict(self, expectation: Expectation) -> Verdict:
        match expectation:
            case Event():
                return self._event(expectation)
            case Received():
                return self._received(expectation)
            case Value(at_ms=None):
                return self._span(expectation)
            case Value():
                return self._value(expectation)
            case _:
                raise TypeError(f"{type(expectation).__name__} cannot be judged")

    # --- Events ----------------------------------------------------------------------------------

    def _event(self, expectation: Event) -> Verdict:
        from_ms, until_ms = self._window(expectation)
        times = [each for each in self._times(expectation) if each >= expectation.after_ms]
        by_then = [each for each in times if each <= until_ms]
        over = self._reached_ms >= until_ms
        decided_ms: int | None = min(until_ms, self._reached_ms)
        if expectation.never:
            met, times = over and not by_then, by_then
            decided_ms = by_then[0] if by_then else decided_ms
        elif expectation.count is not None:
            met, times = over and len(by_then) == expectation.count, by_then
        else:
            met = bool(times) and from_ms <= times[0] <= until_ms
            decided_ms = times[0] if times else decided_ms
        happened = happened_text(expectation, times) if times else self._nothing(expectation)
        if not met and not over:
            if not times:
                decided_ms = None
            happened += f"; the play ended at {format_duration(self._reached_ms)}"
        return Verdict(expectation, met, event_text(expectation), happened, decided_ms)

    def _window(self, expectation: Event) -> tuple[int, int]:
        """From when and until when it may happen, or must not."""
        if expectation.at_ms is not None:
            near_ms = expectation.within_ms
            until_ms = min(expectation.at_ms + near_ms, max(expectation.at_ms, self._length_ms))
            return expectation.at_ms - near_ms, until_ms
        if expectation.between_ms is not None:
            return expectation.between_ms
        until = expectation.until_ms if expectation.never else expectation.by_ms
        return 0, self._length_ms if until is None else until

    def _with_start(self, name: str, times: list[int]) -> list[int]:
        """With the start, where the alarm or flag is there from it on: it is as good as raised."""
        if not self._looks or 0 in times:
            return times
        first = self._looks[0]
        there = {each.name.lower() for each in (*first.active_alarms, *first.flags)}
        return [0, *times] if name in there else times

    def _times(self, expectation: Event) -> list[int]:
        match expectation:
            case AlarmEvent(alarm=alarm, change=change):
                event = EventCode[f"ALARM_{change.upper()}"]
                number = Alarm[alarm.upper()].value
                times = [at for at, e in self._records if (e.event, e.a) == (event, number)]
                return self._with_start(alarm, times) if change == "raised" else times
            case LogEvent():
                return [at for at, each in self._recorded(expectation) if _fits(expectation, each)]
            case AccessEvent():
                return [each.at_ms for each in self._noted if _is_noted(expectation, each)]
            case FlagEvent(flag=flag):
                times = [at_ms for at_ms, began in self._began if began == flag]
                return self._with_start(flag, times)
            case _:
                raise TypeError(f"{type(expectation).__name__} cannot be judged")

    def _recorded(self, expectation: LogEvent) -> list[tuple[int, LogEntry]]:
        """The records of an event, whatever their parameters."""
        return [each for each in self._records if each[1].event.name.lower() == expectation.log]

    def _nothing(self, expectation: Event) -> str:
        text = f"not {verb(expectation)}"
        if not isinstance(expectation, LogEvent):
            return text
        others = [each for each in self._recorded(expectation) if each[0] >= expectation.after_ms]
        if not others:
            return text
        at_ms, entry = others[0]
        return f"{text} so, but {other_text(entry, at_ms)}"

    # --- Values ----------------------------------------------------------------------------------

    def _value(self, expectation: Value) -> Verdict:
        at_ms = expectation.at_ms
        assert at_ms is not None
        expected = f"{wanted_text(expectation)} at {format_duration(at_ms)}"
        look = self._look_at(at_ms)
        if look is None:
            return self._never_came(expectation, expected)
        met, happened = seen(expectation, look)
        return Verdict(expectation, met, expected, happened, at_ms)

    def _span(self, expectation: Value) -> Verdict:
        from_ms, until_ms = expectation.from_ms, expectation.until_ms
        assert from_ms is not None
        assert until_ms is not None
        expected = f"{wanted_text(expectation)} {_span_text(from_ms, until_ms)}"
        looks = self._looks_within(from_ms, until_ms)
        for look in looks:
            met, happened = seen(expectation, look)
            if not met:
                happened = f"{happened} at {format_duration(look.at_ms)}"
                return Verdict(expectation, False, expected, happened, look.at_ms)
        if not looks or self._reached_ms < until_ms:
            return self._never_came(expectation, expected)
        happened = f"so at each of {len(looks)} looks"
        return Verdict(expectation, True, expected, happened, until_ms)

    def _received(self, expectation: Received) -> Verdict:
        from_ms, until_ms = expectation.from_ms, expectation.until_ms
        expected = f"{wanted_text(expectation)} {_span_text(from_ms, until_ms)}"
        before, after = self._look_at(from_ms), self._look_at(until_ms)
        if before is None or after is None:
            return self._never_came(expectation, expected)
        received_ng = after.received_ng - before.received_ng
        happened = MEASURES[expectation.subject].text(received_ng)
        met = within(expectation, received_ng)
        return Verdict(expectation, met, expected, happened, until_ms)

    def _look_at(self, at_ms: int) -> Look | None:
        """The last look at a moment."""
        after = self._index(at_ms + 1)
        look = self._looks[after - 1] if after else None
        return look if look is not None and look.at_ms == at_ms else None

    def _looks_within(self, from_ms: int, until_ms: int) -> list[Look]:
        """The looks from what is done at one moment until before what is done at another one."""
        looks = self._looks[self._index(from_ms) : self._index(until_ms + 1)]
        while len(looks) > 1 and looks[1].at_ms == from_ms:
            del looks[0]
        while len(looks) > 1 and looks[-2].at_ms == until_ms:
            del looks[-1]
        return looks

    def _index(self, at_ms: int) -> int:
        """How many looks lie before a moment."""
        return bisect_left(self._looks, at_ms, key=lambda look: look.at_ms)

    def _never_came(self, expectation: Expectation, expected: str) -> Verdict:
        ended = format_duration(self._reached_ms)
        happened = f"nobody looked then; the play ended at {ended}"
        return Verdict(expectation, False, expected, happened, None)


# --- Acts ----------------------------------------------------------------------------------------


def outcome_verdict(acted: Acted) -> Verdict | None:
    """Whether what came of an act is what the act says; None where neither it nor anybody says.

    Acts of a programmer and presses of the button say it, by default that they are done, or cut.
    What else hands do must be done; that it was is not worth a verdict.
    """
    act = acted.act
    judged = isinstance(act, ByProgrammer | Press)
    if not judged and acted.outcome is Outcome.DONE:
        return None
    wanted = _wanted_outcome(act)
    code = act.refused if isinstance(act, ByProgrammer | Press) else None
    met = acted.outcome is wanted and (code is None or code in acted.refused)
    name = getattr(act, act.family)
    subject = f"{act.family} {name} at {format_duration(act.time_ms)}"
    return Verdict(
        act,
        met,
        f"{subject}: {_outcome_text(wanted, [] if code is None else [code])}",
        _outcome_text(acted.outcome, acted.refused) + (f" ({acted.text})" if acted.text else ""),
        acted.at_ms,
    )


def _wanted_outcome(act: Act) -> Outcome:
    if isinstance(act, ByProgrammer) and act.outcome is not None:
        return Outcome(act.outcome)
    if isinstance(act, ByProgrammer | Press) and act.refused is not None:
        return Outcome.REFUSED
    return Outcome.DONE if getattr(act, "cut", None) is None else Outcome.CUT


def _outcome_text(outcome: Outcome, codes: Sequence[str]) -> str:
    text = spaced(outcome.value)
    return f"{text}: {', '.join(codes)}" if codes else text


def _fits(expectation: LogEvent, entry: LogEntry) -> bool:
    wanted = ((expectation.a, entry.a), (expectation.b, entry.b))
    return all(asked is None or asked == given for asked, given in wanted)


def _is_noted(expectation: AccessEvent, noted: Noted) -> bool:
    return noted.name == expectation.access and expectation.refused in (None, noted.refused)


def _span_text(from_ms: int, until_ms: int) -> str:
    return f"from {format_duration(from_ms)} to {format_duration(until_ms)}"
