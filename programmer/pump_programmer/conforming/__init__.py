"""Conformance of anyone's pump: what carries out the steps of cases on a port.

The cases themselves are :mod:`pump_protocol.conformance`'s; nothing here knows what they expect.
"""
