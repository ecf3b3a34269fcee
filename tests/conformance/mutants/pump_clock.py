"""Pumps that are wrong about their clock, the self-test and the note."""

from dataclasses import replace

import pytest

from pump_protocol import messages as m
from pump_sim.model.firmware import firmware as firmware_module
from pump_sim.model.firmware import memory
from pump_sim.model.firmware import selftest as selftest_module
from pump_sim.model.firmware.firmware import Firmware
from pump_sim.model.refusals import Field
from tests.conformance.mutants.changes import answering, around, telling
from tests.conformance.mutants.registry import pump_mutant
from tests.conformance.pumps import InProcessPump


@pump_mutant("clock-moves-pump-time", caught_by="clock/set")
def clock_moves_pump_time(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """Pump time is told by the local clock, since the implantation as it was shown then."""
    implanted_ms: int | None = None

    @telling(patch)
    def tell(telemetry, status):
        nonlocal implanted_ms
        if implanted_ms is None:
            implanted_ms = status.implanted_clock_ms
        moved_ms = status.implanted_clock_ms - implanted_ms
        return replace(status, at_ms=max(0, status.at_ms + moved_ms))


@pump_mutant("clock-moves-silence", caught_by="clock/moves-nothing-else")
def clock_moves_silence(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A silence ends at the time of day at which it was to end."""

    @around(patch, Firmware, "set_clock")
    def set_clock(ordinary, firmware, *given, **named):
        old_ms, new_ms = ordinary(firmware, *given, **named)
        for each in firmware.alarms.records:
            until_ms = max(0, each.silenced_until_ms - (new_ms - old_ms))
            firmware.alarms = firmware.alarms.updated(replace(each, silenced_until_ms=until_ms))
        return old_ms, new_ms


@pump_mutant("clock-moves-alarms", caught_by="clock/alarms-count-pump-time")
def clock_moves_alarms(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A clock that is set ahead takes the infusion of that time with it."""

    @around(patch, Firmware, "set_clock")
    def set_clock(ordinary, firmware, *given, **named):
        old_ms, new_ms = ordinary(firmware, *given, **named)
        units = firmware.prescription.rate_nl_per_day * max(0, new_ms - old_ms)
        firmware.ledger = firmware.ledger.spend(min(units, firmware.ledger.left_units))
        firmware.replan()
        return old_ms, new_ms


@pump_mutant("clock-before-the-implantation", caught_by="clock/limits")
def clock_before_the_implantation(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The clock may be set to any time since 1970."""

    @around(patch, firmware_module, "out_of_range")
    def out_of_range(ordinary, field, value, minimum, maximum):
        return ordinary(field, value, 0 if field is Field.CLOCK else minimum, maximum)


@pump_mutant("year-9999-left-out", caught_by="clock/limits")
def year_9999_left_out(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The last ms of the year 9999 is refused."""
    patch.setattr(firmware_module, "LATEST_LOCAL_MS", firmware_module.LATEST_LOCAL_MS - 1)


@pump_mutant("check-left-out", caught_by="self-test/report")
def check_left_out(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The report has no result of the last check."""

    @around(patch, firmware_module, "self_test")
    def self_test(ordinary, *given):
        return ordinary(*given)[:-1]


@pump_mutant("motor-passes", caught_by="self-test/finds-a-stall")
def motor_passes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The check of the motor passes whatever it does."""

    @around(patch, firmware_module, "self_test")
    def self_test(ordinary, *given):
        motor = selftest_module.CheckResult(selftest_module.Check.MOTOR, passed=True)
        return (*ordinary(*given)[:-1], motor)


@pump_mutant("note-in-ascii", caught_by="note/written-and-read")
def note_in_ascii(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note keeps no characters beyond ASCII."""

    @answering(patch, m.WriteNote)
    def write_note(ordinary, telemetry, request, event):
        text = request.text.encode("ascii", "replace").decode()
        return ordinary(telemetry, replace(request, text=text), event)


@pump_mutant("note-belongs-to-a-link", caught_by="note/kept")
def note_belongs_to_a_link(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """The note is gone with the link in which it was written."""

    @answering(patch, m.OpenLink)
    def open_link(ordinary, telemetry, request, event):
        firmware = telemetry._firmware
        firmware.memory = firmware.memory.with_note("")
        return ordinary(telemetry, request, event)


@pump_mutant("note-cut", caught_by="note/too-long")
def note_cut(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note that is too long is cut."""

    @answering(patch, m.WriteNote)
    def write_note(ordinary, telemetry, request, event):
        text = request.text.encode()[: memory.MAX_NOTE_BYTES].decode(errors="ignore")
        return ordinary(telemetry, replace(request, text=text), event)


@pump_mutant("note-counted-in-characters", caught_by="note/too-long")
def note_counted_in_characters(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note may have 128 characters, however many bytes that are."""

    @around(patch, firmware_module, "check_note")
    def check_note(ordinary, text):
        return ordinary(text.encode("ascii", "replace").decode())


@pump_mutant("note-with-escapes", caught_by="note/unprintable")
def note_with_escapes(pump: InProcessPump, patch: pytest.MonkeyPatch) -> None:
    """A note may hold characters that are not printable."""

    @around(patch, firmware_module, "check_note")
    def check_note(ordinary, text):
        return ordinary("".join(each if each.isprintable() else "?" for each in text))
