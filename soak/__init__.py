"""Long jobs that a programmer and a pump must come through: a bad link, and kills.

``python -m soak.bad_link`` and ``python -m soak.kills``; docs/how-to/run-the-long-jobs.md says how
to read what they print.
"""
