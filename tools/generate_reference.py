"""Write the generated parts of the documentation: ``python tools/generate_reference.py [--check]``.

In every page under docs/ what stands between ``<!-- generated: name -->`` and ``<!-- end -->`` is
replaced by the block of that name; everything else is left alone. The golden vectors, which the
examples are taken from, are written in the same go.
"""

import re
import sys
from pathlib import Path

import generate_vectors
import wire_tables
import wire_worked
from golden_files import ROOT, write_or_check

BLOCKS = {**wire_tables.BLOCKS, **wire_worked.BLOCKS}

_MARKED = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(text: str, page: str) -> str:
    """The page with every generated block as it should be."""
    if text.count("<!-- generated:") != len(_MARKED.findall(text)):
        raise SystemExit(f"{page}: a generated block has no <!-- end -->")

    def fill(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name not in BLOCKS:
            known = ", ".join(BLOCKS)
            raise SystemExit(f"{page}: no block is called {name}; known are {known}")
        return f"{begin}\n{BLOCKS[name]()}\n\n{end}"

    return _MARKED.sub(fill, text)


def files() -> dict[Path, str]:
    """Every generated file and every page with generated blocks, as they should be."""
    pages = {}
    for path in sorted((ROOT / "docs").rglob("*.md")):
        text = path.read_text("utf-8")
        if "<!-- generated:" in text:
            pages[path] = filled(text, path.name)
    return {**generate_vectors.files(), **pages}


if __name__ == "__main__":
    sys.exit(write_or_check(files(), sys.argv[1:]))
