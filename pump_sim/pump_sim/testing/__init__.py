"""Pumps for other people's tests: one in their own process, or one in a process of its own.

:mod:`~pump_sim.testing.virtual` and :mod:`~pump_sim.testing.process` are what the pytest plugin's
fixtures give out; both are context managers, for whoever tests without pytest. This module imports
neither, so each test loads only what it uses.
"""
