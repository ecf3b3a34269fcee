"""The harness's door to running pumps: time, faults, truth and state, beside the wire.

:mod:`~pump_sim.control.client` is what a test uses; :mod:`~pump_sim.control.door` is what
``pump-sim run --control`` opens. This module imports neither, so each side loads only its own half.
"""
