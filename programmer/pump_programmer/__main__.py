"""``python -m pump_programmer``: the same as the command ``pump-programmer``."""

from pump_programmer.cli import main

main()
