"""A simulator of a programmable intrathecal infusion pump, never for clinical use.

It knows no programmer: what talks to it does so over a port.
"""
