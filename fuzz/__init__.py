"""Inputs that nobody would send, a million of them, and what must never come of any.

``python -m fuzz`` runs them; docs/how-to/run-the-long-jobs.md says how to read what it prints.
"""
