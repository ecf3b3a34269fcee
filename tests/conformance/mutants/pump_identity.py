"""Pumps that are wrong about who they are."""

from dataclasses import replace

import pytest

from pump_protocol import messages as m
from pump_protocol.codes import PROTOCOL_VERSION, Capability
from pump_protocol.pump_end import PumpEnd
from pump_sim.telemetry import Telemetry
from tests.conformance.mutants.changes import answering, around
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


def _says(patch: pytest.MonkeyPatch, **changes: object) -> None:
    """Have the pump say something else of itself, always."""

    @around(patch, Telemetry, "identity")
    def identity(ordinary, telemetry):
        return replace(ordinary(telemetry), **changes)


@pump_mutant("version-of-no-protocol", caught_by="identity/simulator", authenticated=False)
def version_of_no_protocol(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """It says that it speaks version 0."""
    _says(patch, protocol_version=0)


@pump_mutant("other-limits-in-a-link", caught_by="identity/fixed")
def other_limits_in_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """In a link the pump tells another limit than outside."""

    @answering(patch, m.Identify)
    def identify(ordinary, telemetry, request, event):
        told = ordinary(telemetry, request, event)
        return replace(told, maximum_rate_nl_per_day=1) if event.link_id else told


@pump_mutant(
    "limits-that-leave-no-room", caught_by="identity/limits-leave-room", authenticated=False
)
def limits_that_leave_no_room(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The shortest silence that the pump tells is longer than the longest."""
    _says(patch, minimum_silence_ms=2**32 - 1)


@pump_mutant("names-itself-at-length", caught_by="identity/texts", authenticated=False)
def names_itself_at_length(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The model has 33 bytes, though only 32 characters."""
    _says(patch, model="ü" + "m" * 31)


@pump_mutant(
    "takes-mixtures-in-silence", caught_by="identity/capability-missing", authenticated=False
)
def takes_mixtures_in_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The pump does not say that it takes mixtures, and takes them."""
    everything = sum(Capability)
    _says(patch, capabilities=Capability(everything) & ~Capability.MIXTURES)


@pump_mutant("takes-any-version", caught_by="identity/other-version", authenticated=False)
def takes_any_version(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A frame of another protocol version is read as one of this version."""

    @around(patch, PumpEnd, "judge")
    def judge(ordinary, end, frame):
        ordinary(end, replace(frame, version=PROTOCOL_VERSION))
