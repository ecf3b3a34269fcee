"""One way through a scenario, played."""
