"""Scenarios: a starting state, timed acts and faults, expectations and narration, in one file."""
