"""Keeping a pump in a file, so that it outlives the process.

:mod:`~pump_sim.store.opening` is where a run begins, :mod:`~pump_sim.store.keep` what it calls
before each answer.
"""
