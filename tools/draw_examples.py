"""Draw the pictures of docs/images again: ``python tools/draw_examples.py``.

They are no part of ``make docs``: another version of the drawing library draws the same a little
differently, and that is no mistake of a page.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"

EXAMPLES: Final = {
    "over-infusion.svg": ["over-infusion", "--pick", "refill=wait"],
}
"""What is drawn into each file, as the command line takes it."""


def main() -> None:
    """Draw every example."""
    IMAGES.mkdir(exist_ok=True)
    for name, arguments in EXAMPLES.items():
        command = [sys.executable, "-m", "pump_sim", "plot", *arguments, "-o", str(IMAGES / name)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
