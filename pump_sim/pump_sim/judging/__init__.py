"""Judging anybody's programmer: its process, its port, and the pump that a case stands in for.

The cases are :mod:`pump_protocol.conformance.programmer`'s.
"""
