"""What a running pump tells on its standard output: lines for people, or JSON objects.

It says what it is told of and decides nothing. Who writes the lines is :mod:`pump_sim.announcer`.
"""

import json
from collections.abc import Callable
from enum import Enum, auto
from typing import Any

from pump_sim.endpoint import PumpEndpoint
from pump_sim.model.events import LogEntry
from pump_sim.model.pump import Pump
from pump_sim.narration import clock_text, describe


class Style(Enum):
    """For whom lines are."""

    PEOPLE = auto()
    JSON = auto()
    SILENT = auto()
    """For programs that only want to know where the pump is."""


class Reporter:
    """Says what the pump at an endpoint does.

    :param say: takes the lines.
    """

    def __init__(self, endpoint: PumpEndpoint, say: Callable[[str], None], style: Style) -> None:
        self._endpoint = endpoint
        self._say = say
        self._style = style

    @property
    def _pump(self) -> Pump:
        return self._endpoint.simulation.pump  # a door may have put another one there

    def tell_record(self, entry: LogEntry) -> None:
        """Say what a record of the therapy log tells."""
        fields = {
            "serial_number": self._pump.serial_number,
            "sequence": entry.sequence,
            "at_ms": entry.at_ms,
            "a": entry.a,
            "b": entry.b,
            "text": describe(entry),
        }
        text = f"{self._pump.serial_number}  {fields['text']}"
        self.tell(entry.event.name.lower(), text, fields, at_ms=entry.at_ms)

    def tell_link_fault(self, to_pump: bool, what: str, data: bytes) -> None:
        """Say what a link fault did to a frame."""
        if self._style is Style.SILENT:
            return
        from pump_sim.frame_cutter import name_of  # noqa: PLC0415 - only link faults need it

        message, serial_number = name_of(data), self._pump.serial_number
        fields = {
            "serial_number": serial_number,
            "at_ms": self._pump.at_ms,
            "direction": "to_pump" if to_pump else "to_programmer",
            "message": message,
            "what": what,
            "hex": data.hex(),
        }
        whither = "the pump" if to_pump else "the programmer"
        about = f"{message or 'no frame'}, {len(data)} bytes to {whither}"
        self.tell("link_fault", f"{serial_number}  LINK {what} ({about})", fields)

    def tell(
        self, event: str, text: str, fields: dict[str, Any], *, at_ms: int | None = None
    ) -> None:
        """Say *text* to people, at the pump's local time; *fields* to programs. No text: nothing.

        :param at_ms: the pump's time, its present one unless given.
        """
        if self._style is Style.JSON:
            self._say(json.dumps({"event": event, **fields}))
        elif self._style is Style.PEOPLE and text:
            firmware = self._pump.firmware
            moment_ms = firmware.at_ms if at_ms is None else at_ms
            self._say(f"{clock_text(moment_ms + firmware.implanted_at_local_ms)}  {text}")

    def add(self, text: str) -> None:
        """Say another line to people, under the one before."""
        if self._style is Style.PEOPLE:
            self._say(f"{'':21}{text}")
