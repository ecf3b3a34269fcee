"""What came of a run: every case with its verdicts, and whether that is what was expected.

It is data alone, and can be compared. How it looks is :mod:`.reporting`'s business, and what time
it is that of whoever makes one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pump_protocol._version import __version__
from pump_protocol.conformance.cases import Case, Level, Profile, Side
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import StateVerdict, Verdict, counts_as, is_changed
from pump_protocol.conformance.wire_log import WireLine, wire_log

ALL_PASSED: Final = 0
FAILED: Final = 1
"""A case failed that was not expected to, or one passed that was expected to fail."""
NOT_JUDGED: Final = 2
"""Nothing failed, but the harness did, so something was not judged; or every case is UNSUPPORTED.
Usage errors end with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseReport:
    """One case and what came of it.

    :ivar needs: hooks or tasks, and a profile, as :func:`needs_of` names them.
    :ivar reason: why the verdict is not PASS; of INFO, what was found.
    :ivar state: the second verdict; None where a case has none.
    :ivar duration_ms: link time; None where times are left out.
    """

    slug: str
    level: Level
    clauses: tuple[str, ...]
    needs: tuple[str, ...]
    description: str
    expectation: str
    verdict: Verdict
    reason: str = ""
    state: StateVerdict | None = None
    state_reason: str = ""
    duration_ms: int | None = None
    wire: tuple[WireLine, ...] = ()

    @property
    def group(self) -> str:
        """The part of the slug before the slash."""
        return self.slug.partition("/")[0]

    @property
    def counts_as(self) -> Verdict:
        """The one of all verdicts under which it is counted, shown and looked for."""
        return counts_as(self.verdict, self.state)

    @property
    def failed(self) -> bool:
        """Whether the subject does what it MUST not do, by either verdict."""
        return self.counts_as is Verdict.FAIL

    @property
    def changed(self) -> bool:
        """Whether it left the subject's state changed, or unreadable."""
        return is_changed(self.state)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not as it should be, by both verdicts."""
        state = f"state {self.state}: {self.state_reason}" if self.state_reason else ""
        return tuple(each for each in (self.reason, state) if each)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A run.

    :ivar subject: what was judged, as its people call it.
    :ivar profile: its security profile, where that is known.
    :ivar version: of the suite.
    :ivar results: in the order in which the cases were played.
    :ivar expected: slugs of cases that are known to fail.
    :ivar strict: whether NON-STRICT fails.
    :ivar started_at: local or universal time in ISO 8601; None where times are left out.
    """

    side: Side
    subject: str
    profile: Profile | None
    seed: int
    results: tuple[CaseReport, ...]
    expected: tuple[str, ...] = ()
    strict: bool = False
    started_at: str | None = None
    version: str = __version__

    @property
    def counts(self) -> Mapping[Verdict, int]:
        """How many cases count as each verdict; of every verdict, none is left out."""
        return counted(self.results)

    @property
    def groups(self) -> Mapping[str, Sequence[CaseReport]]:
        """The cases of each group, in the order in which groups and cases were played first."""
        found: dict[str, list[CaseReport]] = {}
        for each in self.results:
            found.setdefault(each.group, []).append(each)
        return found

    @property
    def changed(self) -> tuple[CaseReport, ...]:
        """Cases that left the subject's state changed, or unreadable."""
        return tuple(each for each in self.results if each.changed)

    def fails(self, case: CaseReport) -> bool:
        """Whether a case failed, which it may be expected to do."""
        return case.failed or (self.strict and case.counts_as is Verdict.NON_STRICT)

    @property
    def unexpected(self) -> tuple[CaseReport, ...]:
        """Cases that failed and were not expected to."""
        return tuple(
            each for each in self.results if self.fails(each) and each.slug not in self.expected
        )

    @property
    def stale(self) -> tuple[str, ...]:
        """Expected failures of cases that passed: the list must be put right."""
        passed = {
            each.slug for each in self.results if each.counts_as in (Verdict.PASS, Verdict.INFO)
        }
        return tuple(slug for slug in self.expected if slug in passed)

    @property
    def untried(self) -> tuple[str, ...]:
        """Expected failures of cases that were not judged, or not chosen: nobody knows."""
        judged = {
            each.slug
            for each in self.results
            if each.counts_as not in (Verdict.UNSUPPORTED, Verdict.HARNESS_ERROR)
        }
        return tuple(slug for slug in self.expected if slug not in judged)

    @property
    def exit_code(self) -> int:
        """With what the command ends."""
        if self.unexpected or self.stale:
            return FAILED
        counts = self.counts
        nothing = counts[Verdict.UNSUPPORTED] == len(self.results)  # a green that says nothing
        return NOT_JUDGED if counts[Verdict.HARNESS_ERROR] or nothing else ALL_PASSED

    def without_times(self) -> "Report":
        """The same, to be compared with another run: nothing in it says when or how long.

        Bytes that came one way in several pieces, with nothing between them, are one line: how they
        are cut is a matter of time, too. What ends draw by lot differs all the same, unless their
        entropy is fixed: link ids, the keys of handshakes, and so every sealed byte. Reasons are
        kept as they are; those of cases that measure are figures.
        """
        return replace(
            self,
            started_at=None,
            results=tuple(
                replace(each, duration_ms=None, wire=_without_times(each.wire))
                for each in self.results
            ),
        )


def counted(cases: Iterable[CaseReport]) -> Mapping[Verdict, int]:
    """How many of these cases count as each verdict."""
    found = Counter(each.counts_as for each in cases)
    return {verdict: found[verdict] for verdict in Verdict}


def needs_of(case: Case) -> tuple[str, ...]:
    """What must be there for a case to be judged, and the seed, if what it sends hangs on that."""
    hooks = sorted(f"hook {each.value}" for each in case.hooks)
    tasks = sorted(f"task {each}" for each in case.tasks)
    profile = () if case.profile is None else (f"profile {case.profile.value}",)
    fresh = ("a pump as new",) if case.fresh else ()
    waits = (f"{case.waits_ms / 1_000:g} s of link time",) if case.waits_ms else ()
    seed = ("the seed",) if case.seeded else ()
    return (*hooks, *tasks, *profile, *fresh, *waits, *seed)


def case_report(result: CaseResult, *, wire: bool = True) -> CaseReport:
    """What came of a case.

    :param wire: with all that passed, decoded: the costly part of a report.
    """
    case = result.case
    return CaseReport(
        slug=case.slug,
        level=case.level,
        clauses=case.clauses,
        needs=needs_of(case),
        description=case.description,
        expectation=case.expectation,
        verdict=result.verdict,
        reason=_sound(result.reason),
        state=result.state,
        state_reason=_sound(result.state_reason),
        duration_ms=result.duration_ms,
        wire=_sound_wire(wire_log(result)) if wire else (),
    )


def not_played(case: Case, reason: str) -> CaseReport:
    """A case that was to be played, and was not, for the run broke off."""
    return case_report(CaseResult(case, Verdict.HARNESS_ERROR, f"not played: {reason}"))


def _sound(text: str) -> str:
    """A text that can be written: a subject may have sent half of a character."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _sound_wire(wire: Iterable[WireLine]) -> tuple[WireLine, ...]:
    return tuple(replace(each, note=_sound(each.note)) if each.note else each for each in wire)


def _without_times(wire: Iterable[WireLine]) -> tuple[WireLine, ...]:
    lines: list[WireLine] = []
    for line in wire:
        last = lines[-1] if lines else None
        if last is not None and line.direction is not None and last.direction == line.direction:
            lines[-1] = replace(
                last,
                hex=last.hex + line.hex,
                size=last.size + line.size,
                frames=last.frames + line.frames,
                note=" ".join(filter(None, (last.note, line.note))),
            )
        else:
            lines.append(replace(line, at_ms=None))
    return tuple(lines)
