"""A pump on the test bench: its port and its harness, opened, waited for, and given back.

What is to be found out about it, the suite knows (:mod:`pump_protocol.conformance.suite`).
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final, Self, TypeVar

from pump_programmer.conforming.harness import PATIENCE_S, Harness, HarnessMissing
from pump_programmer.conforming.line import PumpLine
from pump_programmer.errors import AddressMalformed, PortUnavailable
from pump_protocol.conformance.cases import Case, Profile
from pump_protocol.conformance.suite import Bounds, introduce, judge_pump
from pump_protocol.conformance.tester import PumpSubject
from pump_protocol.conformance.trial import CaseResult
from pump_protocol.conformance.verdicts import Finding, Verdict

T = TypeVar("T")

_RETRY_S: Final = 0.05


class Bench:
    """A pump and what is offered beside its line; a context, which gives all of it back.

    :param address: of its port.
    :param harness: where that is; None for none.
    :param subject: what else is known of it.

    :ivar profile: its security profile; None as long as nobody has found a pump there.
    """

    def __init__(self, address: str, harness: str | None, subject: PumpSubject) -> None:
        self._address = address
        self._harness_address = harness
        self._subject = subject
        self._harness: Harness | None = None
        self._line: PumpLine | None = None
        self._missing: str | None = None
        self.profile: Profile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.close()
        if self._harness is not None:
            self._harness.close()

    def open(self, wait_s: float, timeout_s: float) -> None:
        """Open port and harness, and find out who is there. That there is no pump is no error, but
        something that every case will tell.

        :param wait_s: how long to wait until they can be opened.
        :param timeout_s: how long the whole run may take: no hook is waited for any longer.
        :raises AddressMalformed: no port can have such an address.
        """
        until_s = time.monotonic() + wait_s
        try:
            address = self._harness_address
            if address is not None:
                self._harness = _waiting(
                    until_s, lambda: Harness(address, min(PATIENCE_S, timeout_s))
                )
                self._subject = replace(self._subject, hooks=self._harness.hooks)
            line = self._line = PumpLine(self._address, self._harness)
            _waiting(until_s, line.open)
            self._subject = replace(self._subject, told_of_leaving=line.tells_of_leaving)
            self._subject, self.profile = introduce(self._subject, line, secrets.token_bytes)
        except AddressMalformed:
            raise
        except (HarnessMissing, PortUnavailable, Finding) as error:
            self._missing = str(error)

    def judge(
        self, cases: Sequence[Case], seed: int, bounds: Callable[[int], Bounds]
    ) -> Iterator[CaseResult]:
        """What comes of each case; where there is no pump to judge, each says why.

        :param bounds: how long the run may take, if it begins at a link time.
        """
        line = self._line
        if line is None or self._missing is not None:
            for case in cases:
                yield CaseResult(case, Verdict.HARNESS_ERROR, f"not played: {self._missing}")
            return
        yield from judge_pump(
            cases,
            self._subject,
            line,
            seed=seed,
            entropy=secrets.token_bytes,
            bounds=bounds(line.now_ms()),
        )


def _waiting(until_s: float, attempt: Callable[[], T]) -> T:
    """What *attempt* gives, which is made again and again until that time."""
    while True:
        try:
            return attempt()
        except AddressMalformed:
            raise
        except (HarnessMissing, PortUnavailable):
            if time.monotonic() >= until_s:
                raise
            time.sleep(_RETRY_S)
