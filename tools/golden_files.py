"""Writing generated files, or checking that they are what would be written."""

import difflib
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def write_or_check(files: Mapping[Path, str], arguments: list[str]) -> int:
    """Write the files, or with ``--check`` only compare; returns the exit code."""
    if unknown := set(arguments) - {"--check"}:
        sys.stderr.write(f"unknown argument {' '.join(unknown)}; only --check is known\n")
        return 2
    stale = 0
    for path, text in files.items():
        old = path.read_text("utf-8") if path.exists() else ""
        if old == text:
            continue
        name = str(path.relative_to(ROOT))
        stale += 1
        if "--check" in arguments:
            diff = difflib.unified_diff(
                old.splitlines(),
                text.splitlines(),
                name,
                f"{name} as it should be",
                n=1,
                lineterm="",
            )
            sys.stderr.write("\n".join([*diff][:60]) + "\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"wrote {name}\n")
    if stale and "--check" in arguments:
        sys.stderr.write("generated files are out of date: make docs\n")
        return 1
    return 0
