"""Write what is generated: ``python tools/generate.py [--check]``, or ``make docs``.

In every page under docs/ what stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` is
replaced by the block of that name; everything else is left alone. The golden vectors, which the
worked examples are taken from, are written in the same go. With ``--check`` nothing is written, and
the exit code is 1 if anything would have been.
"""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import alarm_tables
import api_tables
import command_tables
import conformance_tables
import control_tables
import fault_tables
import golden_vectors
import json_tables
import link_fault_tables
import log_tables
import mode_tables
import profile_tables
import requirement_tables
import scenario_tables
import sealed_worked
import wire_tables
import wire_worked
from golden_files import ROOT, write_or_check

BLOCKS: Final[dict[str, Callable[[], str]]] = {
    # command-line.md
    "pump-sim": command_tables.pump_sim_commands,
    "pump-programmer": command_tables.programmer_commands,
    "exit-codes": command_tables.exit_codes,
    "link-limits": wire_tables.link_limits,
    # json-output.md
    "json-results": json_tables.results,
    "json-parts": json_tables.parts,
    "json-log-events": log_tables.events_in_json,
    # scenario-file.md
    **scenario_tables.blocks(),
    # profiles.md
    "profile-figures": profile_tables.figures,
    "profile-limits": profile_tables.limits,
    # modes.md
    "modes": mode_tables.modes,
    "mode-common": mode_tables.common,
    "mode-continuous": mode_tables.continuous,
    "mode-flex": mode_tables.flexible,
    "mode-periodic": mode_tables.periodical,
    "mode-patient": mode_tables.patient,
    "mode-single": mode_tables.single,
    "mode-priming": mode_tables.priming,
    "mode-bridge": mode_tables.bridge,
    "mode-rates": mode_tables.rates,
    "mode-flex-example": mode_tables.flex_example,
    "mode-periodic-example": mode_tables.periodic_example,
    "mode-totals-example": mode_tables.totals_example,
    "mode-bridge-example": mode_tables.bridge_example,
    "mode-safe-rate": mode_tables.safe_rate,
    # alarms.md
    "alarm-rules": alarm_tables.rules,
    "alarm-tones": alarm_tables.tones,
    # faults.md
    "fault-list": fault_tables.overview,
    **fault_tables.blocks(),
    # link-faults.md
    "link-fault-kinds": link_fault_tables.kinds,
    "link-fault-keys": link_fault_tables.keys,
    "link-fault-file": link_fault_tables.file_keys,
    "link-fault-messages": link_fault_tables.messages,
    # requirements.md
    "requirements": requirement_tables.overview,
    "requirement-tests": requirement_tables.tests_of_each,
    # control-door.md
    "control-commands": control_tables.commands,
    "control-faults": control_tables.faults,
    "control-errors": control_tables.errors,
    # control-api.md
    "api-problems": api_tables.problems,
    "api-operations": api_tables.overview,
    "api-operations-in-full": api_tables.operations,
    "api-answers": api_tables.answers,
    # conformance.md
    "conformance-counts": conformance_tables.counts,
    "conformance-hooks": conformance_tables.hooks,
    "conformance-tasks": conformance_tables.tasks,
    "conformance-exits": conformance_tables.exits,
    "conformance-clauses": conformance_tables.by_clause,
    "conformance-cases": conformance_tables.by_group,
    # wire-protocol.md, which has the tones of alarms, too
    "alarm-table": alarm_tables.alarms,
    "frame-layout": wire_tables.frame_layout,
    "sealed-layout": wire_tables.sealed_layout,
    "prologue": sealed_worked.prologue_table,
    "access-by-role": wire_tables.access_by_role,
    "emergency-messages": wire_tables.emergency_messages,
    "limits": wire_tables.limits,
    "link-states": wire_tables.link_states,
    "exchange-states": wire_tables.exchange_states,
    "message-list": wire_tables.message_list,
    "message-layouts": wire_tables.message_layouts,
    "part-layouts": wire_tables.part_layouts,
    "code-tables": wire_tables.code_tables,
    "refusal-codes": wire_tables.refusal_codes,
    "field-codes": wire_tables.field_codes,
    "refusals-by-request": wire_tables.refusals_by_request,
    "log-events": log_tables.events_on_the_wire,
    "check-values": wire_worked.check_values,
    "rounding": wire_worked.rounding,
    "digest-example": wire_worked.digest_example,
    "flex-example": wire_worked.flex_example,
    "periodic-example": wire_worked.periodic_example,
    "totals-example": wire_worked.totals_example,
    "bridge-example": wire_worked.bridge_example,
    "story": wire_worked.story,
    "story-of-schedules": wire_worked.story_of_schedules,
    "request-byte-by-byte": wire_worked.request_byte_by_byte,
    "corrupted-frame": wire_worked.corrupted,
    "authenticated-inputs": sealed_worked.inputs,
    "authenticated-handshake": sealed_worked.handshake,
    "authenticated-steps": sealed_worked.steps,
    "authenticated-sealing": sealed_worked.sealing,
    "authenticated-link": sealed_worked.link,
    "pairing-example": sealed_worked.pairing,
}
"""What may stand between generated markers, by name."""

_MARKED = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, page: str) -> str:
    """The page with every generated block as it should be."""
    begun = text.count("<!-- generated:")
    if not begun == text.count("<!-- end -->") == len(_MARKED.findall(text)):
        raise SystemExit(f"{page}: generated blocks and their ends do not match")

    def fill(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name not in BLOCKS:
            raise SystemExit(f"{page}: no block is called {name}; known are {', '.join(BLOCKS)}")
        return f"{begin}\n{BLOCKS[name]()}\n\n{end}"

    return _MARKED.sub(fill, text)


def files() -> dict[Path, str]:
    """Every generated file and every page with generated blocks, as they should be."""
    pages = {path: path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
    return {
        **golden_vectors.files(),
        **{path: filled(text, path.name) for path, text in pages.items()},
    }


if __name__ == "__main__":
    sys.exit(write_or_check(files(), sys.argv[1:]))
