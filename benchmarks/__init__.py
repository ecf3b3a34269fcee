"""Measurements of pump-sim. Each figure is a ratio, or is taken beside its floor, in one run."""
