"""``python -m pump_sim``: the same as the command ``pump-sim``."""

from pump_sim.cli import main

if __name__ == "__main__":
    main()
